//! The seam of a rule: [`Rule`] reads a field of a requirement into a [`Check`], which looks at one verified statement.
//!
//! A check has up to three parts, which `decide` asks in this order; most have the last alone:
//!
//! 1. [`Check::unproven`]: what is proven beside a signature, of the statement and of each one that supports it;
//! 2. [`Check::support`]: what other verified statements say for this one;
//! 3. [`Check::check`]: the statement itself, with what the first two found out.

use crate::model::Timestamp;
use crate::model::code::codes;
use crate::policy::form::{At, Declared, Map};
use crate::policy::{Approver, Assurance, Evidence, FromCertificate, People, PolicyError, Reason, Revoked, SignerRule};
use crate::predicate::{Provenance, Source};
use crate::tlog::CosignerKey;
use crate::verify::{LogEntry, ProvenTime, RootUsed, SupportingStatement, VerifiedStatement};
use serde_json::Value;
use std::fmt::Debug;

codes! {
    /// Codes of rules of several files.
    pub(super) CODES;
    NOT_PROVENANCE = "not-provenance", [Producer],
        "something of a provenance is demanded of a statement of another type",
        "demand these fields of SLSA provenance only: leave the flag out, or correct `predicateType` in the policy; source and builder may stand in the signing certificate instead";
    ASSURANCE = "assurance-too-low", [Producer],
        "what stands behind the field is less than the policy demands",
        "sign with an identity whose certificate states the field, list the field under the signer's `measures`, or demand less";
}

/// A field of a requirement that is read into a [`Check`]: a row of [`ALL`](super::ALL).
pub struct Rule {
    /// The field's name.
    pub name: &'static str,
    /// The field's fields: the parser refuses any other, and the schema lists these.
    pub map: &'static Map,
    /// Reads them.
    pub read: fn(&At<'_>) -> Result<Box<dyn Check>, PolicyError>,
    /// What holds where a requirement has no such field.
    pub absent: Option<&'static dyn Check>,
    /// Whether the field means nothing but beside a SLSA provenance v1, so that a policy which has it for another type is
    /// refused.
    pub of_provenance: bool,
}

impl Rule {
    /// A field of this name, which demands nothing where it is absent.
    pub const fn of(
        name: &'static str,
        map: &'static Map,
        read: fn(&At<'_>) -> Result<Box<dyn Check>, PolicyError>,
    ) -> Self {
        Self { name, map, read, absent: None, of_provenance: false }
    }

    /// Reads the field.
    ///
    /// # Errors
    /// [`PolicyError`], also for a field that the map does not have.
    pub fn parse(&self, field: &At<'_>) -> Result<Box<dyn Check>, PolicyError> {
        self.map.check(field, &[])?;
        (self.read)(field)
    }
}

impl Declared for Rule {
    fn name(&self) -> &'static str {
        self.name
    }

    fn schema(&self) -> Value {
        self.map.schema(&[])
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

    /// What logs and timestamp authorities did not prove. It is asked of the statement and of every statement that supports
    /// it: whoever cannot have the one signed at the right time must not get in by the other.
    fn unproven(&self, _: &Proved<'_>) -> Vec<Reason> {
        Vec::new()
    }

    /// What other verified statements say for this one.
    ///
    /// # Errors
    /// Why what is demanded of them is not there.
    fn support(&self, _: &Beside<'_>) -> Result<Supported, Vec<Reason>> {
        Ok(Supported::default())
    }

    /// What it names that statements are verified with.
    fn names(&self) -> Names<'_> {
        Names::default()
    }

    /// The name of the rule whose [`absent`](Rule::absent) it stands for.
    fn stands_for(&self) -> Option<&'static str> {
        None
    }
}

/// What a check names that statements are verified with.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Names<'a> {
    /// Who must have signed what supports a statement. Where there are none, no support is asked for.
    pub signers: &'a [SignerRule],
    /// Witnesses of logs.
    pub witnesses: &'a [CosignerKey],
    /// Whether a log's promise is taken for its proof.
    pub promise_only: bool,
}

/// What a check may look at: one verified statement and how its signer is bound.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct RuleInput<'a> {
    /// The statement.
    pub statement: &'a VerifiedStatement,
    /// Its predicate, where that is a SLSA provenance.
    pub provenance: Option<&'a Provenance>,
    /// What the signing certificate says where the predicate says nothing.
    pub beside: &'a FromCertificate,
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

    /// The source: what the predicate says of it, and what the certificate says where the predicate is silent.
    ///
    /// # Errors
    /// A reason when the predicate is no provenance and no certificate names a source.
    pub fn source(&self) -> Result<Option<Source>, Vec<Reason>> {
        let own = match self.beside.has_source() {
            true => self.provenance.and_then(Provenance::source),
            false => self.provenance()?.source(),
        };
        let FromCertificate { repository, reference, commit, .. } = self.beside.clone();
        Ok(match own {
            Some(own) => Some(Source {
                repository: own.repository.or(repository),
                reference: own.reference.or(reference),
                commit: own.commit.or(commit),
                ..own
            }),
            None => {
                let path = "the signing certificate";
                repository.map(|repository| Source {
                    repository: Some(repository),
                    reference,
                    commit,
                    dirty: None,
                    path,
                })
            }
        })
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
                "a SLSA provenance, which carries this field, or a certificate that says it",
                Some(found),
            )]
        })
    }
}

/// What was proved beside the signature of a statement.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Proved<'a> {
    /// Entries of logs.
    pub entries: &'a [LogEntry],
    /// Times.
    pub times: &'a [ProvenTime],
    /// Roots that vouch for any of it.
    pub roots: &'a [RootUsed],
    /// When it was verified.
    pub verified_at: Timestamp,
}

impl<'a> From<&'a VerifiedStatement> for Proved<'a> {
    fn from(s: &'a VerifiedStatement) -> Self {
        Self { entries: s.log_entries(), times: s.proven_times(), roots: s.roots(), verified_at: s.verified_at() }
    }
}

impl<'a> From<&'a SupportingStatement> for Proved<'a> {
    fn from(s: &'a SupportingStatement) -> Self {
        Self { entries: s.log_entries(), times: s.proven_times(), roots: s.roots(), verified_at: s.verified_at() }
    }
}

/// A statement and what was found beside it.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Beside<'a> {
    /// The statement.
    pub statement: &'a VerifiedStatement,
    /// All evidence: what supports the statement is among it.
    pub evidence: &'a [Evidence],
    /// What the policy never accepts.
    pub revoked: &'a Revoked,
    /// Whom the policy takes for one person.
    pub people: &'a People,
    /// Every demand of the requirement.
    pub(in crate::policy) checks: &'a [&'a dyn Check],
}

impl Beside<'_> {
    /// What is not proven of a statement that might support this one, and that the requirement demands of both.
    #[must_use]
    pub fn unproven(&self, support: &SupportingStatement) -> Vec<Reason> {
        unproven(self.checks, &Proved::from(support))
    }
}

/// What a requirement's checks demand and is not proven.
pub(in crate::policy) fn unproven(checks: &[&dyn Check], proved: &Proved<'_>) -> Vec<Reason> {
    checks.iter().flat_map(|check| check.unproven(proved)).collect()
}

/// What other statements say for the one in hand.
#[derive(Clone, Debug, Default)]
pub struct Supported {
    /// Fields of its provenance that they say too.
    pub fields: Vec<&'static str>,
    /// Approvals that count.
    pub approvals: Vec<Approver>,
}
