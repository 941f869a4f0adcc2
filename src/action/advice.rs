//! What a person is told at a step that failed: one annotation, with the code and what to do in this job.

use super::commands::Trouble;
use super::{encode, junit};
use crate::model::shown::line;
use crate::policy::{Decision, Verdict};
use std::fmt::Write as _;

/// The YAML that gives a job its identity. A job that names a permission has no other: without the first line it could not
/// check out a private repository any more.
const PERMISSIONS: &str = "    permissions:\n      contents: read\n      id-token: write";

/// Subjects that an annotation names.
const NAMED: usize = 3;

/// The annotation of a failure. `may_ask` says whether the job may ask for its identity.
pub(super) fn of_failure(trouble: &Trouble, may_ask: bool) -> String {
    let mut text = line(&trouble.message);
    if trouble.lacks_identity && !may_ask {
        let _ = write!(
            text,
            "\nThis job may not ask for an identity. Add to the job, beside `runs-on`, with what else it needs:\n{PERMISSIONS}\nOr name a key with the input `key`."
        );
    } else if trouble.waits {
        let _ = write!(
            text,
            "\n{}\nThe output `outbox` names it; the runner's temporary folder goes with the job, so upload it (docs/outbox.md).",
            trouble.detail.trim_end()
        );
    } else {
        let _ = write!(text, "\n{}", trouble.todo);
    }
    encode::command("error", &format!("attest: {}", trouble.code), &text)
}

/// The annotation of a decision that is not to allow.
pub(super) fn of_decision(decision: &Decision) -> String {
    let code = decision.code();
    let mut text = match decision.verdict {
        Verdict::Unavailable => "It could not be found out whether the policy is met.".to_owned(),
        _ => "The policy is not met.".to_owned(),
    };
    let refused: Vec<_> = decision.subjects.iter().filter(|s| s.verdict != Verdict::Allow).collect();
    for subject in refused.iter().take(NAMED) {
        let _ = write!(text, "\n{}: {}", line(&subject.artifact.name), line(&junit::why(subject)));
    }
    if refused.len() > NAMED {
        let _ = write!(text, "\nand {} more", refused.len() - NAMED);
    }
    let _ = write!(text, "\n{}", code.map_or("", |code| code.todo()));
    encode::command("error", &format!("attest: {}", code.map_or("denied", |code| code.as_str())), &text)
}

/// What is said where a pull request of a fork is not attested.
pub(super) const OF_FORK: &str = "Nothing was attested: the jobs of a pull request from a fork have neither secrets nor an identity. \
     `on-missing-identity: fail` fails the step instead.";

/// The notice of it.
pub(super) fn of_fork() -> String {
    encode::command("notice", "attest", OF_FORK)
}
