//! How a command ends: [`Outcome`] on the way out, [`Failure`] where it could not be reached.

use crate::cli::show::sanitize::line;
use crate::evidence::AddError;
use crate::flow::CreateError;
use crate::model::Code;
use crate::model::code::Acts;
use crate::places::PlaceError;
use crate::policy::Verdict;
use std::fmt::Write as _;
use std::process::ExitCode;

/// Exit codes of every command: a contract with scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// 0: done, allowed, verified, on positive proof.
    Done,
    /// 1: the answer is no.
    No,
    /// 2: wrong usage or configuration.
    Usage,
    /// 3: could not find out.
    Unknown,
    /// The code of a build step that failed, passed through.
    Step(u8),
    /// The signal that ended a build step: this program ends by it, too. 128 and its number where it cannot.
    StepSignal(i32),
}

impl Exit {
    /// The number.
    #[must_use]
    pub fn number(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::No => 1,
            Self::Usage => 2,
            Self::Unknown => 3,
            Self::Step(n) => n,
            Self::StepSignal(n) => u8::try_from(n).ok().and_then(|n| n.checked_add(128)).unwrap_or(u8::MAX),
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(e: Exit) -> Self {
        Self::from(e.number())
    }
}

impl From<Verdict> for Exit {
    fn from(v: Verdict) -> Self {
        match v {
            Verdict::Allow => Self::Done,
            Verdict::Deny => Self::No,
            Verdict::Unavailable => Self::Unknown,
        }
    }
}

/// What a command that came to its end has to say.
#[derive(Debug)]
pub struct Outcome {
    /// For standard output: data.
    pub stdout: Vec<u8>,
    /// How it ends.
    pub exit: Exit,
    /// For whom.
    pub purpose: Purpose,
}

/// For whom an output is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// For whoever asked for it, as it is.
    Data,
    /// For a person who asked for it: a terminal shows its digests short.
    Shown,
    /// Tells a person what was done: short in the same way, and nothing with `--quiet`.
    Done,
}

impl Outcome {
    /// Done, with this on standard output.
    pub fn done(stdout: impl Into<Vec<u8>>) -> Self {
        Self { stdout: stdout.into(), exit: Exit::Done, purpose: Purpose::Data }
    }

    /// Done, as a person is told.
    #[must_use]
    pub fn told(text: String) -> Self {
        Self { purpose: Purpose::Done, ..Self::done(text) }
    }

    /// What a person asked to see.
    #[must_use]
    pub fn shown(text: String) -> Self {
        Self { purpose: Purpose::Shown, ..Self::done(text) }
    }

    /// A JSON document on standard output.
    #[must_use]
    pub fn json(value: &impl serde::Serialize, exit: Exit) -> Self {
        // Our own structs of strings and numbers: serialising them cannot fail.
        let text = serde_json::to_string_pretty(value).unwrap_or_default();
        let text = crate::cli::show::sanitize::json(&text) + "\n";
        Self { stdout: text.into_bytes(), exit, purpose: Purpose::Data }
    }
}

/// Why a command did not come to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// How it ends.
    pub exit: Exit,
    /// Stable code.
    pub code: Code,
    /// What was expected and found. One line, lower case, no full stop.
    pub message: String,
    /// More lines for people, already safe to print.
    pub detail: String,
    /// What was decided on the subjects that could be looked at.
    pub decided: Option<Box<Decided>>,
    /// What to do, where that is less than the code says of every case.
    pub hint: Option<&'static str>,
}

/// Decisions beside a failure: one subject that is not there hides no answer on the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decided {
    /// For people.
    Text(String),
    /// The document of a decision.
    Json(serde_json::Value),
}

impl Failure {
    /// Ends as the code says: its declaration names who has to act.
    pub fn of(code: Code, message: impl Into<String>) -> Self {
        let exit = match code.acts() {
            [Acts::Producer, ..] => Exit::No,
            [Acts::Operator, ..] => Exit::Unknown,
            [Acts::Caller | Acts::Step, ..] | [] => Exit::Usage,
        };
        Self { exit, code, message: message.into(), detail: String::new(), decided: None, hint: None }
    }

    /// Wrong usage or configuration, of a code that may end otherwise too.
    pub fn usage(code: Code, message: impl Into<String>) -> Self {
        Self::of(code, message).ends(Acts::Caller, Exit::Usage)
    }

    /// The answer is no, of a code that may end otherwise too.
    pub fn no(code: Code, message: impl Into<String>) -> Self {
        Self::of(code, message).ends(Acts::Producer, Exit::No)
    }

    /// Could not find out, of a code that may end otherwise too.
    pub fn unknown(code: Code, message: impl Into<String>) -> Self {
        Self::of(code, message).ends(Acts::Operator, Exit::Unknown)
    }

    /// Another of the ends that the code's declaration has; one that it does not have changes nothing.
    fn ends(mut self, acts: Acts, exit: Exit) -> Self {
        if self.code.acts().contains(&acts) {
            self.exit = exit;
        }
        self
    }

    /// What to do.
    #[must_use]
    pub fn todo(&self) -> &'static str {
        self.hint.unwrap_or_else(|| self.code.todo())
    }

    /// Several as one: the first, and below it what the others say.
    #[must_use]
    pub fn together(failures: Vec<Self>) -> Self {
        let mut failures = failures.into_iter();
        let mut first = failures.next().unwrap_or_else(|| Self::usage(codes::USAGE, "there is no subject"));
        for other in failures {
            let _ = writeln!(first.detail, "error[{}]: {}", other.code, line(&other.message));
            first.detail += &other.detail;
        }
        first
    }

    /// Puts what was being done before the message.
    #[must_use]
    pub fn context(mut self, what: impl std::fmt::Display) -> Self {
        self.message = format!("{what}: {}", self.message);
        self
    }
}

impl From<CreateError> for Failure {
    fn from(e: CreateError) -> Self {
        match e {
            CreateError::Step { code, signal } => {
                let code = u8::try_from(code).unwrap_or(1).max(1);
                let exit = signal.map_or(Exit::Step(code), Exit::StepSignal);
                Self { exit, ..Self::no(e.code(), e.to_string()) }
            }
            CreateError::Secret(_) | CreateError::Contradicted { .. } => Self::no(e.code(), e.to_string()),
            CreateError::NoSnapshot => Self::usage(e.code(), e.to_string()).context("--attach-charter"),
            CreateError::Nowhere => Self::usage(e.code(), e.to_string()).context("--no-attach without --output"),
            CreateError::Late { .. } => Self::unknown(e.code(), e.to_string()),
            CreateError::Capture(e) => e.into(),
            CreateError::Publish(e) => e.into(),
        }
    }
}

impl From<AddError> for Failure {
    fn from(e: AddError) -> Self {
        match e {
            // Whoever holds it ends.
            AddError::Locked { .. } => Self::unknown(e.code(), e.to_string()),
            _ => Self::usage(e.code(), e.to_string()),
        }
    }
}

impl From<PlaceError> for Failure {
    fn from(e: PlaceError) -> Self {
        match e {
            // It may be good, and is not looked at.
            PlaceError::TooLarge { .. } => Self::unknown(e.code(), e.to_string()),
            PlaceError::Roots(e) => (*e).into(),
            PlaceError::Capture(e) => (*e).into(),
            _ => Self::usage(e.code(), e.to_string()),
        }
    }
}

/// What every command prints with `--format json` when it could not come to its end: wrong arguments, too.
#[derive(Debug, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FailureReport {
    /// Always 1 for this document.
    pub schema_version: u32,
    /// Stable code.
    pub code: String,
    /// For people.
    pub message: String,
    /// What to do next.
    pub hint: String,
    /// The exit code: 1 no, 2 wrong usage or configuration, 3 could not find out.
    pub exit: u8,
    /// Of `attest verify`: the decision on the subjects that could be looked at, beside one that could not.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<crate::policy::report::DecisionReport>")]
    pub decision: Option<serde_json::Value>,
}

impl From<&Failure> for FailureReport {
    fn from(f: &Failure) -> Self {
        Self {
            schema_version: 1,
            code: f.code.to_string(),
            message: f.message.clone(),
            hint: f.todo().to_owned(),
            exit: f.exit.number(),
            decision: match f.decided.as_deref() {
                Some(Decided::Json(document)) => Some(document.clone()),
                _ => None,
            },
        }
    }
}

/// Codes that the command line itself makes.
pub mod codes {
    use crate::model::code::codes;

    pub use crate::flow::create::STEP_FAILED;
    pub use crate::model::code::{FILE_UNREADABLE, USAGE};
    pub use crate::places::FILE_UNWRITABLE;
    pub use crate::policy::CHARTER_CHANGED;

    codes! {
        /// All of these.
        pub CODES;
        pub NO_POLICY = "no-policy", [Caller],
            "there is no policy on this machine, and no flag says whom to trust",
            "pass --policy FILE, --key FILE, or --certificate-identity with --certificate-oidc-issuer";
        pub DIGEST_REQUIRED = "digest-required", [Caller],
            "`--require-digest` was given, and a subject names no digest",
            "pin the subject: REPOSITORY@sha256:DIGEST";
        pub IDENTITY_WITHOUT_ISSUER = "identity-without-issuer", [Caller],
            "an identity was given without its issuer, or an issuer without an identity",
            "pass --certificate-identity and --certificate-oidc-issuer together";
        pub NOT_SUPPORTED = "not-supported", [Caller],
            "the interface has this, and this version does not",
            "leave the flag out; `attest COMMAND --help` shows what this version has";
        pub DEMAND_UNUSED = "demand-unused", [Caller],
            "a flag demands something that no requirement takes up",
            "pass --key, or a policy with a requirement of that predicate type";
        pub SUBJECT_AMBIGUOUS = "subject-ambiguous", [Caller],
            "the subject names more than one artifact",
            "pin the one that is meant by digest: NAME@sha256:DIGEST";
        pub OFFLINE = "offline", [Caller],
            "`--offline` was given, and the network is needed",
            "leave --offline out, or name local evidence with --bundle and a local subject (a file or `oci:PATH`)";
        pub NO_SIGNER = "no-signer", [Caller],
            "there is nothing to sign with",
            "make a key with `attest keygen` and pass it with --key; a person can also log in with --fulcio-auth-flow normal";
        pub OUTPUT = "output-failed", [Operator],
            "standard output or another stream failed",
            "check that the disk has room and that whoever reads the output is still there, then try again";
        pub OUTBOX_KEPT = "outbox-kept", [Operator],
            "signing or publishing failed; what there is waits in the outbox, and nothing is lost",
            "run `attest flush` with the same --outbox when the service answers again";
        pub NOT_CONFIRMED = "not-confirmed", [Caller, Producer],
            "nobody said that it is meant; nothing was done",
            "look at what is to be approved, then answer yes, or pass --yes where no terminal is";
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_holds_no_command_to_a_runner_and_means_the_same() {
        let text = "a ##[add-mask]b \u{202e}c\u{9b}d\u{e0041}";
        let out = Outcome::json(&[text], Exit::Done).stdout;
        let shown = String::from_utf8_lossy(&out);
        assert!(
            !shown.contains("##[") && shown.bytes().all(|b| b.is_ascii_graphic() || b" \n".contains(&b)),
            "{shown}"
        );
        assert_eq!(serde_json::from_slice::<[String; 1]>(&out).unwrap()[0], text);
    }
}
