//! What `attest create` made, for people and for machines.

use crate::cli::cmd::attach::{self, AttachedReport};
use crate::cli::exit::Failure;
use crate::cli::show::sanitize::line;
use crate::flow::create::{Created, Signed};
use crate::model::Digest;
use crate::model::plural::counted;
use crate::verify::Signer;
use std::fmt::Write as _;

/// What `attest create --format json` prints.
#[derive(Debug, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CreateReport {
    /// Always 1 for this document.
    pub schema_version: u32,
    /// Id of the key that signed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_id: Option<String>,
    /// The identity that signed, without a key of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity: Option<CreatedIdentity>,
    /// One entry per statement.
    pub statements: Vec<CreatedStatement>,
    /// The file that the bundles were written to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
    /// Where bundles were attached.
    pub attached: Vec<AttachedReport>,
}

/// The identity of the certificate that signed: what a verifier demands.
#[derive(Debug, Clone, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CreatedIdentity {
    /// Its subject alternative name.
    pub identity: String,
    /// The OpenID Connect issuer behind it.
    pub issuer: String,
}

/// A statement that was signed.
#[derive(Debug, Clone, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CreatedStatement {
    /// Digest of the signed bytes.
    pub statement_digest: String,
    /// Digest of the bundle.
    pub bundle_digest: String,
    /// Type of its predicate.
    pub predicate_type: String,
    /// How many subjects it has.
    pub subjects: usize,
    /// Whether the file has the same statement of the same signer from before, so that nothing was added to it.
    pub already: bool,
}

/// What was made, as it is printed.
pub(in crate::cli) fn report(made: &Created<Failure>) -> CreateReport {
    let statement = |signed: &Signed| CreatedStatement {
        statement_digest: Digest::sha256(signed.statement.bytes()).to_string(),
        bundle_digest: Digest::sha256(&signed.bundle).to_string(),
        predicate_type: signed.statement.statement().predicate_type().to_string(),
        subjects: signed.statement.statement().subjects().len(),
        already: signed.already,
    };
    CreateReport {
        schema_version: 1,
        key_id: made.key_id.clone(),
        identity: match &made.signer {
            Some(Signer::Certificate { identity, issuer, .. }) => {
                Some(CreatedIdentity { identity: identity.clone(), issuer: issuer.clone() })
            }
            _ => None,
        },
        statements: made.signed.iter().map(statement).collect(),
        output: made.output.as_ref().map(|path| path.display().to_string()),
        attached: made.attached.iter().map(|(subject, place, done)| attach::report(subject, place, done)).collect(),
    }
}

/// What was made, in lines.
///
/// `beside_others`: the file held others before, which are still there.
pub(in crate::cli) fn text(report: &CreateReport, beside_others: bool) -> String {
    let mut out = String::new();
    for s in &report.statements {
        let _ = writeln!(
            out,
            "signed: {} about {}, {}",
            s.statement_digest,
            counted(s.subjects, "subject"),
            line(&s.predicate_type)
        );
    }
    let output = report.output.as_deref();
    let added = !report.statements.iter().all(|s| s.already);
    let word = if beside_others { "added to" } else { "wrote" };
    let written = output.filter(|_| added).map(|path| (word, path));
    out += &ends(report.key_id.as_deref(), report.identity.as_ref(), written, &report.attached);
    if let (false, Some(path)) = (added, output) {
        let _ = writeln!(out, "already in {}: the same statement by the same signer, so nothing was added", line(path));
    }
    out
}

/// Who signed, and where the bundle went: the last lines of every command that signs.
pub(in crate::cli) fn ends(
    key: Option<&str>,
    identity: Option<&CreatedIdentity>,
    output: Option<(&str, &str)>,
    attached: &[AttachedReport],
) -> String {
    let mut out = String::new();
    if let Some(key) = key {
        let _ = writeln!(out, "key: {key}");
    }
    if let Some(CreatedIdentity { identity, issuer }) = identity {
        let _ = writeln!(out, "identity: {} (issuer {})", line(identity), line(issuer));
    }
    if let Some((word, path)) = output {
        let _ = writeln!(out, "{word}: {}", line(path));
    }
    out + &attach::text(attached)
}
