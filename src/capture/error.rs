//! [`CaptureError`]: why the context of a build could not be captured.
//!
//! What merely could not be found is no error: it is [`Captured::Absent`](crate::capture::Captured) with its reason. An error is
//! input that contradicts itself, is hostile, or was asked for by name and is not there.

use crate::capture::required::Lacking;
use crate::model::code::codes;
use crate::model::json::JsonError;
use crate::model::{Code, Digest, code};
use crate::secrets::FoundSecret;

/// Why capturing stopped.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CaptureError {
    /// A file that was asked for, or that is there, cannot be read.
    #[error("cannot read `{path}`: {cause}")]
    Unreadable {
        /// The path as given.
        path: String,
        /// The operating system's words.
        cause: String,
    },
    /// A path names something that has no bytes of its own.
    #[error("`{path}`: expected a regular file, found {found}")]
    NotRegular {
        /// The path as given.
        path: String,
        /// What it is, for example `a FIFO`.
        found: &'static str,
    },
    /// A link of the checkout leads out of it.
    #[error("`{path}`: `{link}` leads out of the checkout; it was not followed")]
    LeadsOut {
        /// The path as given.
        path: String,
        /// The link, below the top of the checkout.
        link: String,
    },
    /// A file of a known format does not keep it.
    #[error("`{file}`: {cause}")]
    Malformed {
        /// The file as given.
        file: String,
        /// Field, expected and found.
        cause: JsonError,
    },
    /// A line of a text file does not have the form it must have.
    #[error("`{file}` line {line}: expected {expected}, found {found}")]
    MalformedLine {
        /// The file as given.
        file: String,
        /// Line, from 1.
        line: usize,
        /// What it must be.
        expected: &'static str,
        /// What it is, in words; of files of a checkout never their text.
        found: String,
    },
    /// A flag, variable or field of the project file has a value that means nothing.
    #[error("{name}: expected {expected}, found `{found}`")]
    Value {
        /// Flag, variable or field.
        name: String,
        /// What it must be.
        expected: &'static str,
        /// The value, cut at 120 characters.
        found: String,
    },
    /// A flag says something of what nobody named.
    #[error("{flag} was given, and nothing that it would belong to: give {needs} too")]
    BelongsToNothing {
        /// The flag.
        flag: &'static str,
        /// The flag that names what it belongs to.
        needs: &'static str,
    },
    /// A commit that was named cannot be read.
    #[error("commit `{revision}`: {cause}")]
    Git {
        /// What was named, cut at 120 characters.
        revision: String,
        /// Why.
        cause: String,
    },
    /// Fields that must be there are not.
    #[error("required and not there: {missing}")]
    Required {
        /// The fields, each with why.
        missing: Lacking,
    },
    /// More than a cap of [`limits`](crate::model::limits).
    #[error("{what} is over the limit of {limit}")]
    TooLarge {
        /// What was counted.
        what: String,
        /// The cap.
        limit: usize,
    },
    /// A pattern names no file.
    #[error("`{pattern}` names no file")]
    NothingMatches {
        /// The file name or glob as given.
        pattern: String,
    },
    /// The build step could not be started.
    #[error("cannot start `{program}`: {cause}")]
    StepNotStarted {
        /// The program.
        program: String,
        /// The operating system's words.
        cause: String,
    },
    /// This process could not be made safe to run a build step beside.
    #[error("cannot prepare for the build step: {cause}")]
    StepNotIsolated {
        /// The operating system's words.
        cause: String,
    },
    /// The finished statement holds a value that is known to be secret.
    #[error("field `{path}` holds the value of `{name}`, which is secret; nothing was signed")]
    SecretInStatement {
        /// Dotted path of the field.
        path: String,
        /// The variable whose value it is; never the value.
        name: String,
    },
    /// The finished statement holds what has the form of a credential.
    #[error(
        "field `{path}` holds what looks like {kind}; nothing was signed; where it is none: {}", let_through(path, digest.as_ref())
    )]
    TokenInStatement {
        /// Dotted path of the field.
        path: String,
        /// What it looks like; never the value.
        kind: &'static str,
        /// Of the field's whole text; none where that would give the secret away.
        digest: Option<Digest>,
    },
    /// The finished statement holds a word whose value is secret somewhere.
    #[error(
        "field `{path}` holds the value of `{name}`, which is secret; nothing was signed; where that is only a word: {}",
        let_through(path, None)
    )]
    WordInStatement {
        /// Dotted path of the field.
        path: String,
        /// The variable whose value it is; never the value.
        name: String,
    },
}

/// The flag that lets a field through. The digest of a text that could be guessed is left for whoever has the text to make: who
/// reads a log could try words until one has it.
fn let_through(path: &str, digest: Option<&Digest>) -> String {
    match digest {
        Some(digest) => format!("--allow-secret-like '{path}={digest}'"),
        None => format!(
            "--allow-secret-like '{path}=sha256:DIGEST', of the field's whole text (`printf %s TEXT | sha256sum`; it is not \
             printed, as the text could be guessed by it)"
        ),
    }
}

codes! {
    /// Codes of [`CaptureError`].
    CODES;
    NOT_A_REGULAR_FILE = "not-a-regular-file", [Caller],
        "a file was expected, and something without bytes of its own found",
        "name a file; a folder, device, socket or FIFO has no digest";
    LEADS_OUT = "leads-out-of-checkout", [Caller],
        "a link of the checkout leads out of it, to a file that the source has no business to name",
        "put the file itself in the place of the link, or name the file outside by its own path";
    INPUT_MALFORMED = "input-malformed", [Caller],
        "a lock file, checksum file or other input does not have the form that its name promises",
        "correct the file at the place that the message names, or leave the file out";
    VALUE_MALFORMED = "value-malformed", [Caller],
        "a flag or variable has a value that means nothing",
        "give the flag or variable that the message names the form that it expects";
    BELONGS_TO_NOTHING = "belongs-to-nothing", [Caller],
        "a flag says something of an agent or task that nothing names, so it could not be recorded",
        "give the flag that the message names too, or leave this one out";
    REQUIRED_FIELD_MISSING = "required-field-missing", [Producer],
        "a field of the provenance is not there that --require or `require` of .attest.yaml demands; nothing was signed",
        "the message says why each is not there; `attest generate --explain` says where every field comes from";
    NO_FILE_MATCHES = "no-file-matches", [Caller],
        "a name or glob matches no file",
        "check the name, and quote a glob so that the shell leaves it to attest";
    STEP_NOT_STARTED = "step-not-started", [Caller],
        "the build step cannot be started",
        "check the program's name behind `--`, and that it is executable and in PATH";
    STEP_NOT_ISOLATED = "step-not-isolated", [Caller],
        "this process cannot keep its memory from the build step, so the step was not started",
        "allow prctl(PR_SET_DUMPABLE) in this sandbox, or run the step apart and pass its result to `attest create`";
    SECRET_IN_STATEMENT = "secret-in-statement", [Producer],
        "the statement holds a value that is known to be secret, or has the form of a credential; nothing was signed",
        "take the secret out of the field that the message names, and change it if it was published before; a value that is no secret is let through by --allow-secret-like where the message offers it, else by running attest without the variable";
    COMMIT_UNREADABLE = "commit-unreadable", [Caller],
        "git has no such commit here, or its object is not what its name says",
        "fetch it with `git fetch origin COMMIT`, and check the name; a shallow clone lacks older commits";
}

impl From<FoundSecret> for CaptureError {
    fn from(found: FoundSecret) -> Self {
        match found {
            FoundSecret::Value { path, name } => Self::SecretInStatement { path, name },
            FoundSecret::Word { path, name } => Self::WordInStatement { path, name },
            FoundSecret::Form { path, kind, digest } => Self::TokenInStatement { path, kind, digest },
        }
    }
}

impl CaptureError {
    /// Codes of this enum.
    pub const CODES: &'static [Code] = CODES;

    /// The stable code.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Unreadable { .. } => code::FILE_UNREADABLE,
            Self::NotRegular { .. } => NOT_A_REGULAR_FILE,
            Self::LeadsOut { .. } => LEADS_OUT,
            Self::Malformed { cause: JsonError::TooLarge { .. }, .. } | Self::TooLarge { .. } => code::LIMIT_EXCEEDED,
            Self::Malformed { .. } | Self::MalformedLine { .. } => INPUT_MALFORMED,
            Self::Value { .. } => VALUE_MALFORMED,
            Self::BelongsToNothing { .. } => BELONGS_TO_NOTHING,
            Self::Required { .. } => REQUIRED_FIELD_MISSING,
            Self::NothingMatches { .. } => NO_FILE_MATCHES,
            Self::StepNotStarted { .. } => STEP_NOT_STARTED,
            Self::StepNotIsolated { .. } => STEP_NOT_ISOLATED,
            Self::SecretInStatement { .. } | Self::WordInStatement { .. } | Self::TokenInStatement { .. } => {
                SECRET_IN_STATEMENT
            }
            Self::Git { .. } => COMMIT_UNREADABLE,
        }
    }

    pub(super) fn value(name: impl Into<String>, expected: &'static str, found: &str) -> Self {
        // What stands where it does not belong may be a secret, put there by mistake.
        let found = if crate::secrets::may_be_secret(found) { "another".to_owned() } else { cut(found) };
        Self::Value { name: name.into(), expected, found }
    }

    #[cfg(feature = "cli")]
    pub(super) fn unreadable(path: &std::path::Path, cause: impl std::fmt::Display) -> Self {
        Self::Unreadable { path: path.display().to_string(), cause: cause.to_string() }
    }
}

/// The first 120 characters: enough to recognise a value by.
pub(super) fn cut(text: &str) -> String {
    text.chars().take(120).collect()
}
