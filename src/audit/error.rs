//! [`AuditError`].

use crate::model::Code;
use crate::model::code::{LIMIT_EXCEEDED, codes};
use crate::record::RecordError;
use crate::tlog::LogError;

/// Why something could not be done with an audit log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AuditError {
    /// There is no log where one was named.
    #[error("there is no audit log at {place}")]
    Absent {
        /// Where it was looked for.
        place: String,
    },
    /// There is one already.
    #[error("there is an audit log at {place} already")]
    Present {
        /// Where.
        place: String,
    },
    /// Somebody else writes to it.
    #[error("another process writes to the audit log at {place}; waited {waited}")]
    Locked {
        /// Where.
        place: String,
        /// For how long, in words.
        waited: String,
    },
    /// It could not be read or written.
    #[error("{what}: {cause}")]
    Unusable {
        /// Which file.
        what: String,
        /// The operating system's words.
        cause: String,
    },
    /// What is to be taken in could not be read.
    #[error("{what}: {cause}")]
    Unreadable {
        /// What.
        what: String,
        /// Why not, in words.
        cause: String,
    },
    /// It is not what it was.
    #[error("the audit log was changed: {cause}")]
    Damaged {
        /// The first record that is not as it was, where that is known.
        index: Option<u64>,
        /// What was found, in words.
        cause: String,
    },
    /// A receipt or a checkpoint does not prove what it should.
    #[error("{what} proves nothing here: {cause}")]
    Unproven {
        /// What was shown.
        what: String,
        /// Why not.
        cause: String,
    },
    /// Its settings are not those that its first record binds.
    #[error(
        "log.json says another thing than the log's first record, which the log signed: {what} is {found}, and was {bound}"
    )]
    Rebound {
        /// Which of them.
        what: String,
        /// What log.json says.
        found: String,
        /// What the first record says.
        bound: String,
    },
    /// A witness has lost what it cosigned.
    #[error(
        "this witness has cosigned, as {mark} says, and what it cosigned is not in {folder}: with the same key it could cosign another history"
    )]
    Forgot {
        /// Where it should be.
        folder: String,
        /// The file beside the key that says so.
        mark: String,
    },
    /// Somebody else listens where records would be handed in.
    #[error("user {user} listens at {socket}, and neither this user nor root: nothing was handed over")]
    Stranger {
        /// The socket.
        socket: String,
        /// The number of the user.
        user: u32,
    },
    /// It lies where whoever builds can change it.
    #[error("the audit log {place} lies in the checkout {checkout}, where every build step can change it")]
    InCheckout {
        /// The folder.
        place: String,
        /// The checkout.
        checkout: String,
    },
    /// Settings, a redaction or a proof cannot be read.
    #[error("{what}: {cause}")]
    Malformed {
        /// What was read.
        what: String,
        /// What is wrong with it.
        cause: String,
    },
    /// A record is larger than one may be.
    #[error("a record of {found} bytes, of {limit} at most")]
    TooLarge {
        /// Bytes found.
        found: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// Nothing of the log matches what was asked for.
    #[error("{what} is not in this audit log")]
    Unknown {
        /// What was asked for.
        what: String,
    },
    /// The answer leads over more than one question may look at.
    #[error("the answer was not found out: {what}")]
    OverLimit {
        /// Over what.
        what: String,
    },
    /// A hold keeps what was to be destroyed.
    #[error("record {index} is held by record {hold}: {basis}")]
    Held {
        /// The record.
        index: u64,
        /// Number of the hold's record.
        hold: u64,
        /// Why it is held.
        basis: String,
    },
    /// There is nothing that an erasure would take away, or a hold keep or let go.
    #[error("nothing {what}: {why}")]
    Nothing {
        /// What was to be done: `to erase`.
        what: &'static str,
        /// Why not.
        why: String,
    },
    /// The key of what was asked for is destroyed.
    #[error("what record {index} said was destroyed: {why}")]
    Gone {
        /// The record's number.
        index: u64,
        /// On whose authority, or that nothing says so.
        why: String,
    },
    /// What would be kept in clear for ever is no record's.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The system gave no randomness.
    #[error("the system gave no randomness")]
    NoRandomness,
}

codes! {
    /// Codes of [`AuditError`].
    LIST;
    ABSENT = "audit-log-absent", [Caller],
        "there is no audit log where one was named or is looked for",
        "make one with `attest audit init`, or name it with `--log` or `ATTEST_AUDIT_LOG`";
    PRESENT = "audit-log-exists", [Caller],
        "an audit log is there already, and none is ever overwritten",
        "use the one that is there, or name another folder with `--log`";
    LOCKED = "audit-log-locked", [Operator],
        "another process writes to the audit log, and one at a time may",
        "try again, or give more time with `--timeout`";
    UNUSABLE = "audit-log-unavailable", [Operator],
        "a file of the audit log could not be read or written",
        "see the cause: space on the disk, rights of the folder; nothing that was acknowledged is lost";
    UNREADABLE = "audit-source-unreadable", [Operator],
        "what was to be taken into the audit log could not be read",
        "see the cause; what was taken in before stays, and what is taken in again is there once";
    DAMAGED = "audit-log-damaged", [Producer],
        "the audit log is not as it was written: somebody changed it, or the disk did",
        "keep the folder as it is, see what `attest audit verify` says, and compare with a copy kept elsewhere";
    REBOUND = "audit-settings-changed", [Producer],
        "log.json names another key of redactions, or other days, than the log was made with: somebody changed that file",
        "put log.json back as the log's first record (`attest audit show 0`) says it; what else was changed, `attest audit verify` says";
    FORGOT = "audit-witness-forgot", [Operator],
        "the witness's key has cosigned checkpoints, and what it cosigned is gone: it could contradict itself",
        "put the folder `witness` back; where it is lost, remove `keys/witness.key`: it begins anew with another key, which those who count it have to be told";
    STRANGER = "audit-server-stranger", [Operator],
        "another user listens at the socket where records would be handed in, and would read them",
        "unset `ATTEST_AUDIT_SOCKET`, or let it name the socket of your own server or of root's";
    UNPROVEN = "audit-not-proven", [Producer],
        "a receipt or a checkpoint is not of this log, not signed by the key that was given, or was changed",
        "compare the names in the message; ask whoever gave it for the log's key (`attest audit keys`) and for another one";
    IN_CHECKOUT = "audit-log-in-checkout", [Caller],
        "the folder of the audit log is in a checkout, where every build step can change it",
        "name a folder outside of any checkout with `--log` or `ATTEST_AUDIT_LOG`";
    MALFORMED = "audit-malformed", [Caller],
        "settings, a key, a redaction or a proof of an audit log cannot be read",
        "see what is expected in the message; the file may be cut off, or of another program";
    TOO_LARGE = "audit-record-too-large", [Caller],
        "a record says more than one may",
        "hand long texts in as ones that are only committed to: `command`, `input`, `output`, `diff`";
    UNKNOWN = "audit-unknown", [Producer],
        "nothing in the audit log matches what was asked for",
        "check the number or id; `attest audit show` without arguments lists the last records";
    GONE = "audit-record-gone", [Producer],
        "the key of what the record said was destroyed, so nobody can read it any more",
        "nothing can bring it back; its entry and every proof about it still hold";
    HELD = "audit-held", [Producer],
        "a hold keeps a record that was to be erased, and nothing was erased",
        "name other records, or let the hold go first: `attest audit hold --release NUMBER --basis WHY`";
    NO_RANDOMNESS = "audit-no-randomness", [Operator],
        "the operating system gave no random bytes, without which nothing can be encrypted",
        "try again; on a machine that just started, wait until it has gathered some";
}

impl AuditError {
    /// Every code that this error can have.
    pub const CODES: &'static [Code] = LIST;

    /// The stable code.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Absent { .. } => ABSENT,
            Self::Present { .. } => PRESENT,
            Self::Locked { .. } => LOCKED,
            Self::Unreadable { .. } => UNREADABLE,
            Self::Unusable { .. } => UNUSABLE,
            Self::Damaged { .. } => DAMAGED,
            Self::Unproven { .. } => UNPROVEN,
            Self::Rebound { .. } => REBOUND,
            Self::Forgot { .. } => FORGOT,
            Self::Stranger { .. } => STRANGER,
            Self::InCheckout { .. } => IN_CHECKOUT,
            Self::Malformed { .. } => MALFORMED,
            Self::TooLarge { .. } => TOO_LARGE,
            Self::Unknown { .. } | Self::Nothing { .. } => UNKNOWN,
            Self::OverLimit { .. } => LIMIT_EXCEEDED,
            Self::Gone { .. } => GONE,
            Self::Held { .. } => HELD,
            Self::Record(e) => e.code(),
            Self::NoRandomness => NO_RANDOMNESS,
        }
    }

    pub(super) fn damaged(index: impl Into<Option<u64>>, cause: impl Into<String>) -> Self {
        Self::Damaged { index: index.into(), cause: cause.into() }
    }

    pub(super) fn nothing(what: &'static str, why: &str) -> Self {
        Self::Nothing { what, why: why.to_owned() }
    }

    pub(super) fn malformed(what: impl Into<String>, cause: impl Into<String>) -> Self {
        Self::Malformed { what: what.into(), cause: cause.into() }
    }
}

impl From<LogError> for AuditError {
    fn from(e: LogError) -> Self {
        Self::malformed(e.what, e.cause)
    }
}
