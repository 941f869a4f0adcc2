//! How a command ends: [`Outcome`] on the way out, [`Failure`] where it could not be reached.

use crate::model::{Code, code::LIMIT_EXCEEDED};
use crate::policy::Verdict;
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
}

impl Outcome {
    /// Done, with this on standard output.
    pub fn done(stdout: impl Into<Vec<u8>>) -> Self {
        Self { stdout: stdout.into(), exit: Exit::Done }
    }

    /// A JSON document on standard output.
    #[must_use]
    pub fn json(value: &impl serde::Serialize, exit: Exit) -> Self {
        // Our own structs of strings and numbers: serialising them cannot fail.
        let text = serde_json::to_string_pretty(value).unwrap_or_default();
        // Only strings hold a `#`. GitHub's runner obeys `##[command]` wherever it stands in a line.
        let text = text.replace("##[", "#\\u0023[") + "\n";
        Self { stdout: text.into_bytes(), exit }
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
}

impl Failure {
    /// Wrong usage or configuration. Input over a limit is not wrong: what it says was not found out.
    pub fn usage(code: Code, message: impl Into<String>) -> Self {
        let exit = if code == LIMIT_EXCEEDED { Exit::Unknown } else { Exit::Usage };
        Self { exit, code, message: message.into(), detail: String::new() }
    }

    /// The answer is no.
    pub fn no(code: Code, message: impl Into<String>) -> Self {
        Self { exit: Exit::No, code, message: message.into(), detail: String::new() }
    }

    /// Could not find out.
    pub fn unknown(code: Code, message: impl Into<String>) -> Self {
        Self { exit: Exit::Unknown, code, message: message.into(), detail: String::new() }
    }

    /// Puts what was being done before the message.
    #[must_use]
    pub fn context(mut self, what: impl std::fmt::Display) -> Self {
        self.message = format!("{what}: {}", self.message);
        self
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
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// The exit code: 1 no, 2 wrong usage or configuration, 3 could not find out.
    pub exit: u8,
}

impl From<&Failure> for FailureReport {
    fn from(f: &Failure) -> Self {
        Self {
            schema_version: 1,
            code: f.code.to_string(),
            message: f.message.clone(),
            hint: super::hint::hint(f.code.as_str()).map(str::to_owned),
            exit: f.exit.number(),
        }
    }
}

/// Codes that the command line itself makes.
pub mod codes {
    use crate::model::Code;
    /// Wrong arguments.
    pub const USAGE: Code = Code::new("usage");
    /// A file that an argument names cannot be read.
    pub const FILE_UNREADABLE: Code = Code::new("file-unreadable");
    /// A file cannot be written.
    pub const FILE_UNWRITABLE: Code = Code::new("file-unwritable");
    /// No policy and no trust flag.
    pub const NO_POLICY: Code = Code::new("no-policy");
    /// A policy folder holds what is neither a policy nor something that lies beside one.
    pub const POLICY_UNKNOWN: Code = Code::new("policy-folder-unclear");
    /// A policy file that others can write.
    pub const POLICY_WRITABLE: Code = Code::new("policy-writable-by-others");
    /// A tag where a digest is demanded.
    pub const DIGEST_REQUIRED: Code = Code::new("digest-required");
    /// An identity without an issuer, or reverse.
    pub const IDENTITY_WITHOUT_ISSUER: Code = Code::new("identity-without-issuer");
    /// A feature of the interface that this version does not have.
    pub const NOT_SUPPORTED: Code = Code::new("not-supported");
    /// A demand that no requirement takes up.
    pub const DEMAND_UNUSED: Code = Code::new("demand-unused");
    /// A subject that cannot be named as it was.
    pub const SUBJECT_AMBIGUOUS: Code = Code::new("subject-ambiguous");
    /// The network is needed and `--offline` forbids it.
    pub const OFFLINE: Code = Code::new("offline");
    /// Nothing to sign with.
    pub const NO_SIGNER: Code = Code::new("no-signer");
    /// The build step failed.
    pub const STEP_FAILED: Code = Code::new("step-failed");
    /// Standard output or another stream broke.
    pub const OUTPUT: Code = Code::new("output-failed");
    /// What could not be sent waits in the outbox.
    pub const OUTBOX_KEPT: Code = Code::new("outbox-kept");
    /// Nobody said that it is meant.
    pub const NOT_CONFIRMED: Code = Code::new("not-confirmed");
    /// The deadline of `--timeout` passed.
    pub const TIMEOUT: Code = Code::new("timeout");
    /// An issue says something else than when it was captured.
    pub const CHARTER_CHANGED: Code = Code::new("charter-changed");
    /// All of these.
    pub const CODES: &[Code] = &[
        USAGE,
        FILE_UNREADABLE,
        FILE_UNWRITABLE,
        NO_POLICY,
        POLICY_UNKNOWN,
        POLICY_WRITABLE,
        DIGEST_REQUIRED,
        IDENTITY_WITHOUT_ISSUER,
        NOT_SUPPORTED,
        DEMAND_UNUSED,
        SUBJECT_AMBIGUOUS,
        OFFLINE,
        NO_SIGNER,
        STEP_FAILED,
        OUTPUT,
        OUTBOX_KEPT,
        NOT_CONFIRMED,
        TIMEOUT,
        CHARTER_CHANGED,
    ];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_holds_no_command_to_a_runner_and_means_the_same() {
        let out = Outcome::json(&["a ##[add-mask]b"], Exit::Done).stdout;
        assert!(!String::from_utf8_lossy(&out).contains("##["));
        assert_eq!(serde_json::from_slice::<[String; 1]>(&out).unwrap()[0], "a ##[add-mask]b");
    }
}
