//! `charter.snapshot`: who must have signed what the charter said: without it, the charter's digest is only what the signer
//! of the provenance claims. `docs/charter.md` says why.

use super::seam::{Beside, Supported};
use crate::model::code::codes;
use crate::model::uri;
use crate::policy::form::{Field, Map, Needed, Sub};
use crate::policy::signer::{Others, WINDOW, key_revoked, outside, statement_revoked};
use crate::policy::{Finding, Reason, SignerRule};
use crate::predicate::Charter;
use crate::predicate::field::fact;
use crate::verify::{ReferentKind, Signer, SupportingStatement};

codes! {
    /// Codes of this file.
    pub(super) CODES;
    MISSING = "charter-snapshot-missing", [Producer],
        "nobody whom the policy names signed what the charter said",
        "create again with --attach-charter, by a signer that the policy names for snapshots";
    UNLIKE = "charter-snapshot-mismatch", [Producer],
        "what was signed as the charter's text has another digest or place than the provenance names",
        "create again with --attach-charter, so that the snapshot is made together with the provenance";
}

/// A snapshot that a requirement demands.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SnapshotRule {
    /// Any of these must have signed it.
    pub by: Vec<SignerRule>,
}

impl SnapshotRule {
    /// A snapshot that one of these signed.
    #[must_use]
    pub fn by(by: Vec<SignerRule>) -> Self {
        Self { by }
    }
}

static BY: Needed<Others> = Field::new("by", "Any of these.", Others).needed();
static FIELDS: Map = Map::of(
    "Who must have signed what the charter said, beside the provenance that names its digest. See docs/charter.md.",
    &[&BY],
);

/// `charter.snapshot`.
pub(super) const SNAPSHOT: Sub<SnapshotRule> = Sub { map: &FIELDS, read: |at| Ok(SnapshotRule { by: BY.read(at)? }) };

/// Fields of a provenance that a snapshot says too, by somebody whom the rule names.
///
/// # Errors
/// Why no snapshot counts.
pub(super) fn attested(rule: &SnapshotRule, beside: &Beside<'_>) -> Result<Supported, Vec<Reason>> {
    let referents = beside.statement.referents();
    let mut reasons = Vec::new();
    let found = beside.evidence.iter().flat_map(|e| snapshots(&e.finding));
    for support in found.filter(|s| referents.contains(s.referent())) {
        match one(rule, beside, support) {
            Ok(()) => {
                let fields = vec![fact::CHARTER_DIGEST.name, fact::CHARTER_URI.name];
                return Ok(Supported { fields, ..Supported::default() });
            }
            Err(more) => reasons.extend(more),
        }
    }
    reasons.truncate(MOST_REASONS);
    let expected = rule.by.iter().map(|s| s.label.as_str()).collect::<Vec<_>>().join(" or ");
    reasons.push(Reason::unmet(MISSING, "charter snapshot", format!("one signed by {expected}"), None));
    Err(reasons)
}

/// Reasons of single snapshots that are shown.
const MOST_REASONS: usize = 20;

fn snapshots(finding: &Finding) -> &[SupportingStatement] {
    // Of the artifact itself it says nothing: a snapshot's subject is a charter.
    match finding {
        Finding::Supporting(support) => &support.statements,
        _ => &[],
    }
}

/// Whether one statement is a snapshot of the charter that the provenance names, by an accepted signer.
fn one(rule: &SnapshotRule, beside: &Beside<'_>, support: &SupportingStatement) -> Result<(), Vec<Reason>> {
    let signed = support.statement();
    if signed.predicate_type().as_str() != uri::CHARTER || support.referent().kind() != ReferentKind::Charter {
        return Err(Vec::new());
    }
    let who = support.signers().iter().map(Signer::describe).collect::<Vec<_>>().join(", ");
    let fail = |mut reasons: Vec<Reason>| {
        for reason in &mut reasons {
            reason.message = format!("charter snapshot by {who}: {}", reason.message);
        }
        reasons
    };
    says_the_same(support).map_err(|r| fail(vec![r]))?;
    if let Some(reason) = statement_revoked(beside.revoked, &support.payload_digest()) {
        return Err(fail(vec![reason]));
    }
    let unproven = beside.unproven(support);
    if !unproven.is_empty() {
        return Err(fail(unproven));
    }
    let mut reasons = Vec::new();
    for signer in support.signers() {
        match accepted(rule, beside, signer, support) {
            Ok(()) => return Ok(()),
            Err(reason) => reasons.push(reason),
        }
    }
    Err(fail(reasons))
}

/// That the text has the digest that the statement is about, and is of the place that the provenance names.
fn says_the_same(support: &SupportingStatement) -> Result<(), Reason> {
    let unlike = |expected: String, found: &str| Reason::unmet(UNLIKE, "text", expected, Some(found));
    let statement = support.statement();
    // The verifier checked its form.
    let charter =
        statement.predicate().and_then(|p| Charter::from_json(&p)).map_err(|e| Reason::new(UNLIKE, e.to_string()))?;
    let referent = support.referent();
    let canonical = charter.snapshot.canonical();
    if statement.subjects().len() != 1 || !referent.digests().strong().all(|d| d.matches(&canonical)) {
        let found = charter.snapshot.digest().to_string();
        return Err(unlike(format!("one whose digest is {}, and nothing beside it", referent.digest()), &found));
    }
    if referent.uri() != Some(&charter.uri) {
        let expected = format!("that of `{}`", referent.uri().unwrap_or_default());
        return Err(unlike(expected, &format!("that of `{}`", charter.uri)));
    }
    if authority(&charter.uri).as_deref() != Some(&charter.snapshot.host) {
        return Err(unlike(format!("one of the host of `{}`", charter.uri), &charter.snapshot.host));
    }
    Ok(())
}

/// Host and port of a URL, as a snapshot writes them.
fn authority(address: &str) -> Option<String> {
    let (scheme, _) = address.split_once("://")?;
    let authority = uri::authority(address).to_ascii_lowercase();
    let port = if scheme.eq_ignore_ascii_case("https") { ":443" } else { ":80" };
    Some(authority.strip_suffix(port).unwrap_or(&authority).to_owned())
}

/// That a signer is one of `by`, with a key that was not revoked, in its window.
fn accepted(
    rule: &SnapshotRule,
    beside: &Beside<'_>,
    signer: &Signer,
    support: &SupportingStatement,
) -> Result<(), Reason> {
    if let Some(reason) = key_revoked(beside.revoked, signer) {
        return Err(reason);
    }
    let mut named = rule.by.iter().filter(|r| r.who.matches(signer)).peekable();
    let Some(first) = named.peek() else {
        let expected = rule.by.iter().map(|s| s.label.as_str()).collect::<Vec<_>>().join(" or ");
        return Err(Reason::unmet(MISSING, "signer", expected, Some(&signer.describe())));
    };
    let why = |rule: &SignerRule| outside(&rule.window, support.proven_times(), support.existed_at());
    let (window, reason) = (first.window, why(first).unwrap_or_default());
    match named.any(|rule| why(rule).is_none()) {
        true => Ok(()),
        false => Err(Reason::new(WINDOW, format!("signer may sign {window}; {reason}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_compared_as_a_snapshot_writes_it() {
        for (uri, host) in [
            ("https://GitHub.com/a/b/issues/1", "github.com"),
            ("https://h.example:443/x", "h.example"),
            ("http://127.0.0.1:80?x", "127.0.0.1"),
            ("http://h:443#x", "h:443"),
        ] {
            assert_eq!(authority(uri).as_deref(), Some(host));
        }
        assert_eq!(authority("charter.md"), None);
        assert_ne!(authority("https://github.com@evil.example/a").as_deref(), Some("github.com"));
    }
}
