//! Rules of a requirement. One file each, one row in [`ALL`].

mod agent;
mod builder;
pub(super) mod charter;
mod requested_by;
mod runner;
mod source;
mod task;

pub use agent::AgentCheck;
pub use builder::BuilderCheck;
pub use charter::CharterCheck;
pub use requested_by::RequestedByCheck;
pub use runner::HostedRunnerCheck;
pub use source::{SourceCheck, normal_repository};
pub use task::TaskCheck;

use super::{Assurance, At, Glob, PolicyError, Reason};
use crate::model::Code;
use crate::model::code::codes;
use crate::predicate::Provenance;
use crate::verify::VerifiedStatement;
use serde_json::Value;
use std::fmt::Debug;

/// What a check may look at: one verified statement and how its signer is bound.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct RuleInput<'a> {
    /// The statement.
    pub statement: &'a VerifiedStatement,
    /// Its predicate, where that is a SLSA provenance.
    pub provenance: Option<&'a Provenance>,
    /// Whether the signer may speak for the builder that the provenance claims.
    pub builder_bound: bool,
    /// Fields of the provenance that the signing certificate says too.
    pub certified: &'a [&'static str],
    /// Fields that another verified statement says too, by somebody whom the policy names.
    pub supported: &'a [&'static str],
    /// Fields that the policy says this signer measures.
    pub measured: &'a [&'static str],
}

impl<'a> RuleInput<'a> {
    /// How a field is known, strongest first. A key says nothing of its own: with one it is never `certificate`.
    #[must_use]
    pub fn levels(&self, field: &str) -> Vec<Assurance> {
        let sources = [
            (Assurance::Certificate, self.certified),
            (Assurance::Signed, self.supported),
            (Assurance::Measured, self.measured),
        ];
        let mut levels: Vec<_> = sources.into_iter().filter(|(_, f)| f.contains(&field)).map(|(a, _)| a).collect();
        if levels.is_empty() {
            levels.push(Assurance::Declared);
        }
        levels
    }

    /// Why `fields`, which the provenance has, are not all known as is demanded: by the first that is not. Of fields
    /// that it does not have nothing is known.
    #[must_use]
    pub fn too_low(&self, what: &str, wanted: Assurance, fields: &[&str]) -> Option<Reason> {
        let short = fields.iter().find(|f| !wanted.is_met_by(&self.levels(f)));
        let found = match short {
            None if !fields.is_empty() => return None,
            Some(field) => {
                let levels = self.levels(field).into_iter().map(Assurance::name).collect::<Vec<_>>().join(", ");
                Some(format!("{field}: {levels}"))
            }
            None => None,
        };
        Some(Reason::unmet(ASSURANCE, what, format!("assurance `{}`", wanted.name()), found.as_deref()))
    }

    /// The provenance, for checks that ask something of it.
    ///
    /// # Errors
    /// A reason when the predicate is something else.
    pub fn provenance(&self) -> Result<&'a Provenance, Vec<Reason>> {
        self.provenance.ok_or_else(|| {
            let found = self.statement.statement().predicate_type().as_str();
            vec![Reason::unmet(
                NOT_PROVENANCE,
                "predicate type",
                "a SLSA provenance v1, which carries this field",
                Some(found),
            )]
        })
    }
}

/// A demand on one statement, from a policy's field or a flag.
///
/// Contract: pure; `Ok` only on positive evidence: a field that is absent never meets a demand on it.
pub trait Check: Debug + Send + Sync {
    /// Whether the statement meets the demand.
    ///
    /// # Errors
    /// Every reason why not: at least one.
    fn check(&self, input: &RuleInput<'_>) -> Result<(), Vec<Reason>>;
}

/// A field of a requirement that parses into a [`Check`].
pub trait Rule: Sync {
    /// The field's name.
    fn name(&self) -> &'static str;

    /// Reads the field.
    ///
    /// # Errors
    /// [`PolicyError`].
    fn parse(&self, field: &At<'_>) -> Result<Box<dyn Check>, PolicyError>;

    /// The JSON Schema of the field: the same members that [`Rule::parse`] knows.
    fn schema(&self) -> Value;
}

/// Every rule that a policy file may name.
pub const ALL: &[&dyn Rule] = &[&source::Source, &agent::Agent, &task::Task, &charter::Charter];

codes! {
    /// Codes of rules of several files.
    CODES;
    NOT_PROVENANCE = "not-provenance", [Producer],
        "something of a provenance is demanded of a statement of another type",
        "demand these fields of SLSA provenance only: leave the flag out, or correct `predicateType` in the policy";
    ASSURANCE = "assurance-too-low", [Producer],
        "what stands behind the field is less than the policy demands",
        "sign with an identity whose certificate states the field, list the field under the signer's `measures`, or demand less";
}
/// All codes of this folder.
pub const ALL_CODES: &[&[Code]] = &[
    CODES,
    source::CODES,
    agent::CODES,
    task::CODES,
    charter::CODES,
    builder::CODES,
    requested_by::CODES,
    runner::CODES,
];

/// A demand that a value matches one of several patterns.
fn any_of(code: Code, what: &str, patterns: &[Glob], found: Option<&str>) -> Option<Reason> {
    if found.is_some_and(|f| patterns.iter().any(|p| p.matches(f))) {
        return None;
    }
    let hint = found.and_then(|f| patterns.iter().map(|p| p.at_hint(f)).find(|h| !h.is_empty()));
    Some(Reason::unmet(code, what, listed(patterns) + hint.unwrap_or_default(), found))
}

/// The same of a text in which an `@` is a character like any other.
fn any_of_texts(code: Code, what: &str, patterns: &[Glob], found: Option<&str>) -> Option<Reason> {
    let met = found.is_some_and(|f| patterns.iter().any(|p| p.matches_text(f)));
    (!met).then(|| Reason::unmet(code, what, listed(patterns), found))
}

fn listed(patterns: &[Glob]) -> String {
    patterns.iter().map(|p| format!("`{p}`")).collect::<Vec<_>>().join(" or ")
}

fn verdict(reasons: Vec<Option<Reason>>) -> Result<(), Vec<Reason>> {
    let reasons: Vec<_> = reasons.into_iter().flatten().collect();
    if reasons.is_empty() { Ok(()) } else { Err(reasons) }
}

/// A level of assurance that is demanded, if one is.
fn assurance(field: &At<'_>) -> Result<Option<Assurance>, PolicyError> {
    let Some(f) = field.get("assurance") else { return Ok(None) };
    Assurance::by_name(f.str()?).map(Some).ok_or_else(|| f.error("declared, measured, signed or certificate"))
}

/// The schema of a demand for a level of assurance.
fn assurance_schema(of: &str) -> Value {
    serde_json::json!({
        "description": format!("What must stand behind {of}. Certificate meets every demand; signed and measured stand for different things, and neither for the other."),
        "enum": Assurance::ALL.map(|(_, name)| name),
    })
}

/// Globs of a list of texts.
fn globs(field: &At<'_>) -> Result<Vec<Glob>, PolicyError> {
    field.list()?.iter().map(glob).collect()
}

fn glob(field: &At<'_>) -> Result<Glob, PolicyError> {
    Glob::parse(field.str()?).ok_or_else(|| field.error("a glob (`*` within a path element, `**` across `/`)"))
}
