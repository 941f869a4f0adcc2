//! [`ReplicaError`].

use crate::audit::AuditError;
use crate::model::Code;
use crate::model::code::codes;

/// Why something could not be done with a replica.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReplicaError {
    /// The log itself.
    #[error(transparent)]
    Log(#[from] AuditError),
    /// The log is not the one whose copy the replica has.
    #[error("the replica {place} was shown another history of this log: {cause}; nothing was copied")]
    Differs {
        /// Where it is.
        place: String,
        /// The first record that is another one.
        index: u64,
        /// What was found, in words.
        cause: String,
    },
    /// It is not what it took.
    #[error("the replica {place} was changed: {cause}")]
    Changed {
        /// Where it is.
        place: String,
        /// The first record that is not as it was, where that is known.
        index: Option<u64>,
        /// What was found, in words.
        cause: String,
    },
    /// It holds something else.
    #[error("{place} is no replica of this log: {cause}")]
    Foreign {
        /// Where it is.
        place: String,
        /// What it holds, in words.
        cause: String,
    },
    /// It could not be read or written.
    #[error("the replica {place}: {cause}")]
    Unusable {
        /// Where it is.
        place: String,
        /// The words of the system, or of the server.
        cause: String,
    },
    /// What is copied there could be changed there.
    #[error("the replica {place} is not append-only: {cause}")]
    NotAppendOnly {
        /// Where it is.
        place: String,
        /// What may be done, in words.
        cause: String,
    },
    /// The way to it is open to others.
    #[error("the replica {place}: {cause}")]
    Insecure {
        /// Where it is.
        place: String,
        /// What is open, in words.
        cause: String,
    },
}

codes! {
    /// Codes of [`ReplicaError`].
    LIST;
    DIFFERS = "audit-replica-differs", [Producer],
        "the log is not the one that the replica has a copy of: its tail was cut off, it was written anew, or an old copy was put back",
        "keep both as they are; `attest audit verify --replica PLACE` says what of the log is left, and from which record on it is another one";
    CHANGED = "audit-replica-changed", [Producer],
        "the replica is not what was copied there: somebody changed it, or its disk did",
        "compare with `attest audit verify --replica PLACE`; copy to another place, and find out who can write to this one";
    FOREIGN = "audit-replica-foreign", [Caller],
        "the place holds something else than a replica of this log",
        "name an empty folder or the replica of this log, each log its own";
    UNUSABLE = "audit-replica-unavailable", [Operator],
        "the replica could not be read or written",
        "see the cause; nothing is lost, and the next `attest audit replicate` goes on where this one stopped";
    NOT_APPEND_ONLY = "audit-replica-not-append-only", [Operator],
        "whoever copies there could also change what was copied, so that the copy would prove nothing",
        "PostgreSQL: make tables and role as `attest audit replicate --schema` prints them, and connect as that role; S3: make the bucket with object lock";
    INSECURE = "audit-replica-insecure", [Caller],
        "the way to the replica is not encrypted, so that others could read the password and change what is copied",
        "reach it over TLS (PostgreSQL: leave `sslmode=disable` out), over loopback or a socket";
}

impl ReplicaError {
    /// Every code that this error can have beside those of the log.
    pub const CODES: &'static [Code] = LIST;

    /// The stable code.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Log(e) => e.code(),
            Self::Differs { .. } => DIFFERS,
            Self::Changed { .. } => CHANGED,
            Self::Foreign { .. } => FOREIGN,
            Self::Unusable { .. } => UNUSABLE,
            Self::NotAppendOnly { .. } => NOT_APPEND_ONLY,
            Self::Insecure { .. } => INSECURE,
        }
    }

    /// The first record that is not as it was, where one is named.
    #[must_use]
    pub fn index(&self) -> Option<u64> {
        match self {
            Self::Differs { index, .. } => Some(*index),
            Self::Changed { index, .. } | Self::Log(AuditError::Damaged { index, .. }) => *index,
            _ => None,
        }
    }
}
