//! The kind of runner, demanded by `--deny-self-hosted-runners`: only a certificate's own claim proves it.

use super::seam::{Check, RuleInput};
use crate::model::code::codes;
use crate::policy::Reason;
use crate::verify::Signer;

codes! {
    /// Codes of this rule.
    pub(super) CODES;
    RUNNER = "runner-not-proven", [Producer],
        "a runner of the platform is demanded, and no certificate says that it was one",
        "sign on a runner of the platform with its identity token, or leave --deny-self-hosted-runners out";
}
/// Last arc of Fulcio's "Runner Environment" (1.3.6.1.4.1.57264.1.11).
const RUNNER_ENVIRONMENT: u32 = 11;

/// The demand that the build ran on a machine of the platform.
#[derive(Debug, Clone)]
pub struct HostedRunnerCheck;

impl Check for HostedRunnerCheck {
    fn check(&self, input: &RuleInput<'_>) -> Result<(), Vec<Reason>> {
        let claim = input.statement.signers().iter().find_map(|s| match s {
            Signer::Certificate { claims, .. } => claims.get(&RUNNER_ENVIRONMENT).map(String::as_str),
            Signer::Key { .. } => None,
        });
        if claim == Some("github-hosted") {
            return Ok(());
        }
        Err(vec![Reason::unmet(RUNNER, "runner", "a certificate's claim `github-hosted`", claim)])
    }
}
