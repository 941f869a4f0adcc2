//! What is demanded of approvals: how many, by whom, and by whom not.

use crate::model::Code;
use crate::model::code::codes;
use crate::policy::{Actor, SignerRule};
use crate::predicate::Provenance;
use crate::verify::VerifiedStatement;

codes! {
    /// Codes of roles.
    pub(in crate::policy::rule) CODES;
    BY_REQUESTER = "approver-is-requester", [Producer],
        "the approver is whoever asked for the build",
        "let somebody else than the requester approve, or leave `requestedBy` out of `notBy`";
    BY_AGENT = "approver-is-agent", [Producer],
        "the approver is the agent that did the work",
        "let a person approve, with a key or identity of their own";
    BY_SIGNER = "approver-is-signer", [Producer],
        "the approver signed the provenance too",
        "let somebody approve who does not sign provenance, or leave `signer` out of `notBy`";
}

/// Approvals that a requirement demands.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ApprovalRule {
    /// How many distinct persons must have approved; at least 1.
    pub count: usize,
    /// Any of these.
    pub by: Vec<SignerRule>,
    /// None of whom may be the approver.
    pub not_by: Vec<Role>,
}

impl ApprovalRule {
    /// One person of these, who is neither the requester nor the agent nor a signer of the provenance.
    #[must_use]
    pub fn by(by: Vec<SignerRule>) -> Self {
        Self { count: 1, by, not_by: Role::ALL.map(|(role, ..)| role).to_vec() }
    }

    /// How many distinct persons must have approved; at least 1.
    #[must_use]
    pub fn count(mut self, count: usize) -> Self {
        self.count = count;
        self
    }

    /// None of whom may be the approver.
    #[must_use]
    pub fn not_by(mut self, roles: Vec<Role>) -> Self {
        self.not_by = roles;
        self
    }
}

/// Who took part in a build, as its provenance tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Role {
    /// Whoever asked for it: `externalParameters.requestedBy.id`, as the provenance's signer declares it.
    RequestedBy,
    /// The agent that did the work: `externalParameters.agent.id`, as the provenance's signer declares it.
    Agent,
    /// Everybody who signed the provenance, as it was verified.
    Signer,
}

impl Role {
    /// Every role with its name in a policy, and the code of an approval by it.
    pub const ALL: [(Self, &'static str, Code); 3] = [
        (Self::RequestedBy, "requestedBy", BY_REQUESTER),
        (Self::Agent, "agent", BY_AGENT),
        (Self::Signer, "signer", BY_SIGNER),
    ];

    /// Its name, and the code of an approval by it.
    pub(super) fn row(self) -> (&'static str, Code) {
        let row = Self::ALL.into_iter().find(|(r, ..)| *r == self);
        row.map_or(("signer", BY_SIGNER), |(_, name, code)| (name, code))
    }

    /// Who has the role in a build; nobody is named where the provenance does not say.
    pub(super) fn actors(self, statement: &VerifiedStatement, provenance: &Provenance) -> Vec<Actor> {
        match self {
            Self::RequestedBy => vec![Actor::named(provenance.requested_by())],
            Self::Agent => vec![Actor::agent(provenance.agent())],
            Self::Signer => statement.signers().iter().map(Actor::signer).collect(),
        }
    }
}
