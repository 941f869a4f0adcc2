//! `charter`: which issue or document authorised the work.

use super::matching::{Level, assurance};
use super::seam::{Beside, Check, Names, Rule, RuleInput, Supported};
use super::snapshot::{SNAPSHOT, SnapshotRule, attested};
use crate::model::code::codes;
use crate::policy::form::{Field, Map, Parsed, Sub, TEXT, Word};
use crate::policy::{Assurance, Reason};
use crate::predicate::field::fact;

codes! {
    /// Codes of this rule.
    pub(super) CODES;
    CHARTER = "charter-mismatch", [Producer],
        "the provenance names another charter than is demanded, or none",
        "compare the charter in the message with --charter or `charter.uriPrefix`; create again with the right --charter";
    DIGEST = "charter-digest-missing", [Producer],
        "the policy demands a digest of the charter, and none is recorded",
        "create again with --charter-snapshot required, so that the issue's text is recorded by digest";
    pub CHANGED = "charter-changed", [Producer],
        "with `--recheck-charter`: the issue has another title, text or author than when it was captured",
        "read what was changed, and attest again if it still stands";
}

static PREFIX: Field<Parsed<String>> = Field::new(
    "uriPrefix",
    "Its URI is this or stands below it: what follows begins with `/`, `?` or `#`, unless this ends in `/`.",
    Parsed { read: prefix, schema: TEXT.schema },
);
static URI: Field<Parsed<String>> = Field::new("uri", "Its URI is this.", TEXT);
static RECORDED: Field<Word> =
    Field::new("digest", "A digest of its text must be recorded.", Word { word: "required", intro: "the word " });
static ASSURANCE: Field<Level> = assurance("the charter");
static SIGNED: Field<Sub<SnapshotRule>> = Field::new("snapshot", "", SNAPSHOT);

/// The row.
pub(super) static RULE: Rule = Rule::of(
    "charter",
    &Map::of("What authorised the work.", &[&PREFIX, &URI, &RECORDED, &ASSURANCE, &SIGNED]).not_empty(),
    |field| {
        let check = CharterCheck {
            digest: RECORDED.read(field)?.is_some(),
            assurance: ASSURANCE.read(field)?,
            prefix: PREFIX.read(field)?,
            exact: URI.read(field)?,
            snapshot: SIGNED.read(field)?,
        };
        let named = check.prefix.is_some() || check.exact.is_some();
        if !named && !check.digest && check.assurance.is_none() && check.snapshot.is_none() {
            return Err(field.error("at least one of uriPrefix, uri, digest, assurance, snapshot"));
        }
        Ok(Box::new(check))
    },
);

/// `https://h.example` also begins `https://h.example.evil/` and `https://h.example@evil/`.
fn prefix(text: &str) -> Result<String, String> {
    if text.split_once("://").is_some_and(|(_, rest)| !rest.contains('/')) {
        return Err("a URI that goes on to the `/` after its host".to_owned());
    }
    Ok(text.to_owned())
}

/// A demand on the charter.
#[derive(Debug, Default, Clone)]
#[non_exhaustive]
pub struct CharterCheck {
    /// The charter's URI is this or stands below it.
    pub prefix: Option<String>,
    /// The charter's URI is this.
    pub exact: Option<String>,
    /// Its digest must be recorded.
    pub digest: bool,
    /// How it must be known.
    pub assurance: Option<Assurance>,
    /// The snapshot of it that must be beside the provenance.
    pub snapshot: Option<SnapshotRule>,
}

impl CharterCheck {
    /// The charter's URI is this or stands below it.
    #[must_use]
    pub fn below(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = Some(prefix.into());
        self
    }

    /// The charter's URI is this.
    #[must_use]
    pub fn at(mut self, uri: impl Into<String>) -> Self {
        self.exact = Some(uri.into());
        self
    }

    /// A digest of its text must be recorded.
    #[must_use]
    pub fn with_digest(mut self) -> Self {
        self.digest = true;
        self
    }

    /// How it must be known.
    #[must_use]
    pub fn assurance(mut self, assurance: Assurance) -> Self {
        self.assurance = Some(assurance);
        self
    }

    /// Who must have signed what it said.
    #[must_use]
    pub fn snapshot(mut self, snapshot: SnapshotRule) -> Self {
        self.snapshot = Some(snapshot);
        self
    }
}

impl Check for CharterCheck {
    fn check(&self, input: &RuleInput<'_>) -> Result<(), Vec<Reason>> {
        let provenance = input.provenance()?;
        let found = provenance.charter();
        let mut reasons = Vec::new();
        if let Some(prefix) = &self.prefix
            && !found.is_some_and(|f| is_below(f, prefix))
        {
            reasons.push(Reason::unmet(CHARTER, "charter", format!("`{prefix}` or a URI below it"), found));
        }
        if let Some(exact) = &self.exact
            && found != Some(exact)
        {
            reasons.push(Reason::unmet(CHARTER, "charter", format!("`{exact}`"), found));
        }
        if self.digest && provenance.charter_digest().is_none_or(|d| d.strong().next().is_none()) {
            reasons.push(Reason::unmet(
                DIGEST,
                "charter digest",
                "a sha256, sha384 or sha512 digest of its text",
                None,
            ));
        }
        if let Some(wanted) = self.assurance {
            let demanded = [self.prefix.is_some() || self.exact.is_some(), self.digest];
            let named = [found.is_some(), provenance.charter_digest().is_some()];
            let parts = if demanded.contains(&true) { demanded } else { named };
            let fields = [fact::CHARTER_URI, fact::CHARTER_DIGEST].into_iter().zip(parts);
            let parts: Vec<_> = fields.filter(|(_, counts)| *counts).map(|(f, _)| f.name).collect();
            reasons.extend(input.too_low("charter", wanted, &parts));
        }
        if reasons.is_empty() { Ok(()) } else { Err(reasons) }
    }

    fn support(&self, beside: &Beside<'_>) -> Result<Supported, Vec<Reason>> {
        self.snapshot.as_ref().map_or_else(|| Ok(Supported::default()), |rule| attested(rule, beside))
    }

    fn names(&self) -> Names<'_> {
        Names { signers: self.snapshot.as_ref().map_or(&[], |s| &s.by), ..Names::default() }
    }
}

/// Whether a URI is the prefix or stands below it: `.../app-evil` and `.../issues/10` begin with `.../app` and
/// `.../issues/1`, and `.../issues/../../other/repo` with `.../issues/`, and name something else.
fn is_below(uri: &str, prefix: &str) -> bool {
    uri.strip_prefix(prefix).is_some_and(|rest| {
        let whole = prefix.ends_with('/') || rest.is_empty() || rest.starts_with(['/', '?', '#']);
        whole && stays_below(rest)
    })
}

/// Whether a URI's rest can only lead further down: no dot segment, in any spelling, no backslash, and nothing that
/// readers of URLs drop (white space, controls) so that a dot segment would come about.
fn stays_below(rest: &str) -> bool {
    if rest.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return false;
    }
    let plain = rest.to_ascii_lowercase().replace("%2e", ".").replace("%2f", "/").replace("%5c", "\\");
    !plain.contains('\\') && !plain.split(['/', '?', '#']).any(|segment| segment == ".." || segment == ".")
}
