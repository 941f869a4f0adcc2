//! What is demanded: a [`Policy`] and its [`Requirement`]s, built step by step.

use super::cluster::{Exception, OnUnavailable};
use super::rule::{self, Check};
use super::{Glob, People, PolicyUsed, Revoked, SignerMatch, SignerRule};
use crate::model::{Artifact, Digest, PredicateUri};
use crate::tlog::CosignerKey;
use crate::trust::PublicKey;

/// What a cluster does with a denial. It never changes an exit code of the command line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mode {
    /// Deny.
    #[default]
    Enforce,
    /// Admit with a warning.
    Warn,
    /// Admit and record.
    Audit,
}

impl Mode {
    /// Every mode with its name in a policy.
    pub const ALL: [(Self, &'static str); 3] =
        [(Self::Enforce, "enforce"), (Self::Warn, "warn"), (Self::Audit, "audit")];
}

/// A policy: which subjects it speaks about, and what each of them must show.
///
/// [`Policy::named`] begins one that speaks about every subject and demands nothing yet; until it has a requirement, every
/// decision by it is a denial.
#[derive(Debug)]
#[non_exhaustive]
pub struct Policy {
    /// `metadata.name`, or `flags`.
    pub name: String,
    /// The file it came from, or `flags`.
    pub origin: String,
    /// Digest of the file; none for what was not read from one.
    pub digest: Option<Digest>,
    /// Subjects it speaks about; flags speak about all.
    pub images: Images,
    /// What a cluster does with a denial.
    pub mode: Mode,
    /// What a cluster does where it could not find out.
    pub on_unavailable: OnUnavailable,
    /// Namespaces that it applies in; none listed means all.
    pub namespaces: Vec<Glob>,
    /// What a cluster admits for a while all the same.
    pub exceptions: Vec<Exception>,
    /// All must be met.
    pub requirements: Vec<Requirement>,
    /// What is never accepted.
    pub revoked: Revoked,
    /// Which principals are one person.
    pub people: People,
}

/// Subjects that a policy speaks about.
#[derive(Debug)]
#[non_exhaustive]
pub enum Images {
    /// Every one: flags.
    All,
    /// Those whose name one of these matches.
    Named(Vec<Glob>),
}

/// One statement must meet all of this.
#[derive(Debug)]
#[non_exhaustive]
pub struct Requirement {
    /// Type of the predicate.
    pub predicate_type: PredicateUri,
    /// Any of these must have signed: at least one.
    pub signers: Vec<SignerRule>,
    /// How many distinct identities must have signed a statement that meets all of this; at least 1.
    pub threshold: usize,
    /// All of these must be met by the same statement.
    checks: Vec<Box<dyn Check>>,
}

impl Policy {
    /// A policy that speaks about every subject and demands nothing yet. Its name is its origin, too.
    #[must_use]
    pub fn named(name: impl Into<String>) -> Self {
        let name = name.into();
        Self {
            origin: name.clone(),
            name,
            digest: None,
            images: Images::All,
            mode: Mode::default(),
            on_unavailable: OnUnavailable::default(),
            namespaces: Vec::new(),
            exceptions: Vec::new(),
            requirements: Vec::new(),
            revoked: Revoked::default(),
            people: People::default(),
        }
    }

    /// Where it was read: the file's name and the digest of its text.
    #[must_use]
    pub fn read_from(mut self, origin: impl Into<String>, digest: Digest) -> Self {
        (self.origin, self.digest) = (origin.into(), Some(digest));
        self
    }

    /// Adds subjects that it speaks about: from the first on it speaks about those alone that a pattern matches.
    /// [`image_glob`](super::image_glob) reads a pattern.
    #[must_use]
    pub fn image(mut self, glob: Glob) -> Self {
        match &mut self.images {
            Images::Named(globs) => globs.push(glob),
            Images::All => self.images = Images::Named(vec![glob]),
        }
        self
    }

    /// What a cluster does with a denial.
    #[must_use]
    pub fn mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }

    /// What a cluster does where it could not find out.
    #[must_use]
    pub fn on_unavailable(mut self, choice: OnUnavailable) -> Self {
        self.on_unavailable = choice;
        self
    }

    /// Namespaces that it applies in: from the first on, those alone that a pattern matches.
    #[must_use]
    pub fn namespaces(mut self, globs: Vec<Glob>) -> Self {
        self.namespaces = globs;
        self
    }

    /// What a cluster admits for a while all the same.
    #[must_use]
    pub fn exceptions(mut self, exceptions: Vec<Exception>) -> Self {
        self.exceptions = exceptions;
        self
    }

    /// Adds a requirement: all of them must be met.
    #[must_use]
    pub fn require(mut self, requirement: Requirement) -> Self {
        self.requirements.push(requirement);
        self
    }

    /// What is never accepted, whoever signed.
    #[must_use]
    pub fn revoked(mut self, revoked: Revoked) -> Self {
        self.revoked = revoked;
        self
    }

    /// Which principals are one person.
    #[must_use]
    pub fn people(mut self, people: People) -> Self {
        self.people = people;
        self
    }

    /// Whether it speaks about an artifact: by any name of it. A policy that is about a path whole must not be passed over because
    /// somebody typed it as it is below the working folder.
    #[must_use]
    pub fn speaks_of(&self, artifact: &Artifact) -> bool {
        artifact.scopes().any(|scope| self.matches(scope))
    }

    /// Whether it speaks about a subject of this name.
    #[must_use]
    pub fn matches(&self, scope: &str) -> bool {
        match &self.images {
            Images::All => true,
            Images::Named(globs) => globs.iter().any(|g| g.matches_text(scope)),
        }
    }

    /// Every key that it names.
    pub fn keys(&self) -> impl Iterator<Item = &PublicKey> {
        let signers = self.requirements.iter().flat_map(|r| &r.signers);
        signers.chain(self.in_force().flat_map(|c| c.names().signers)).filter_map(|s| match &s.who {
            SignerMatch::Key(key) => Some(key),
            SignerMatch::Certificate(_) => None,
        })
    }

    /// Every witness that it names.
    pub fn witnesses(&self) -> impl Iterator<Item = &CosignerKey> {
        self.in_force().flat_map(|c| c.names().witnesses)
    }

    /// Whether one of its requirements takes a log's promise for its proof.
    #[must_use]
    pub fn allows_promise_only(&self) -> bool {
        self.in_force().any(|c| c.names().promise_only)
    }

    fn in_force(&self) -> impl Iterator<Item = &dyn Check> {
        self.requirements.iter().flat_map(Requirement::in_force)
    }

    /// How it stands in a decision.
    #[must_use]
    pub fn used(&self) -> PolicyUsed {
        PolicyUsed { name: self.name.clone(), origin: self.origin.clone(), digest: self.digest.clone() }
    }
}

impl Requirement {
    /// A statement of this type, by one of the signers that are added. Until one is, nothing meets it.
    #[must_use]
    pub fn of(predicate_type: PredicateUri) -> Self {
        Self { predicate_type, signers: Vec::new(), threshold: 1, checks: Vec::new() }
    }

    /// The same of SLSA provenance v1.
    #[must_use]
    pub fn provenance() -> Self {
        Self::of(PredicateUri::slsa_provenance())
    }

    /// Adds a signer: any of them may have signed.
    #[must_use]
    pub fn signer(mut self, signer: SignerRule) -> Self {
        self.signers.push(signer);
        self
    }

    /// How many distinct identities must have signed what meets all of this.
    #[must_use]
    pub fn threshold(mut self, threshold: usize) -> Self {
        self.threshold = threshold;
        self
    }

    /// Adds a demand that the same statement must meet. Of demands of one kind all hold.
    #[must_use]
    pub fn check(mut self, check: impl Check + 'static) -> Self {
        self.demand(Box::new(check));
        self
    }

    /// The same, of a demand that is known by its seam alone.
    pub fn demand(&mut self, check: Box<dyn Check>) {
        self.checks.push(check);
    }

    /// What must be met: what was added, and what a rule demands of which nothing was said. So a log's promise is no proof,
    /// unless a requirement says that it is.
    pub fn in_force(&self) -> impl Iterator<Item = &dyn Check> {
        let said = |name| self.checks.iter().any(|c| c.stands_for() == Some(name));
        let unsaid = rule::ALL.iter().filter(move |r| !said(r.name)).filter_map(|r| r.absent);
        self.checks.iter().map(|c| &**c).chain(unsaid)
    }
}
