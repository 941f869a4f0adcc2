//! The kind of runner, demanded by `--deny-self-hosted-runners`: only a certificate's own claim proves it.

use super::{Check, RuleInput};
use crate::model::Code;
use crate::policy::Reason;
use crate::verify::Signer;

const RUNNER: Code = Code::new("runner-not-proven");
/// Codes of this rule.
pub(super) const CODES: &[Code] = &[RUNNER];
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
