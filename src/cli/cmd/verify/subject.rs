//! The decision on one subject.

use super::args::VerifyArgs;
use crate::capture::Environment;
use crate::cli::args::named::{Around, Named};
use crate::cli::args::subject::SubjectSpec;
use crate::cli::args::{Common, DemandArgs, charter, demands, target};
use crate::cli::exit::{Exit, Failure};
use crate::flow::{self, Check, Given, Looked};
use crate::model::PredicateUri;
use crate::places::Until;
use crate::policy::{Reason, SubjectDecision};
use crate::registry::DIGEST_MISMATCH;
use crate::seam::Deadline as _;
use crate::verify::VerifiedStatement;
use futures_util::future::{Either, select};
use futures_util::lock::Mutex;

/// A file that is here and is not the one that a list says is denied like any other that was changed.
///
/// # Errors
/// What is no such answer.
fn another(named: &Named, failure: Failure) -> Result<SubjectDecision, Failure> {
    let SubjectSpec::Digest { path: Some(path), digest } = &named.spec else { return Err(failure) };
    if failure.code != DIGEST_MISMATCH || failure.exit != Exit::No {
        return Err(failure);
    }
    let artifact = target::listed(&named.name, Some(path), digest.clone());
    Ok(SubjectDecision::denied(artifact, Reason::new(failure.code, failure.message)))
}

/// What every subject is decided with.
pub(super) struct Run<'a> {
    pub(super) args: &'a VerifyArgs,
    pub(super) common: &'a Common,
    pub(super) given: Given<'a>,
    pub(super) wanted: PredicateUri,
    /// Whose tokens charters are asked with, where they are looked at again.
    pub(super) env: Option<Environment>,
    /// Charters that were looked at, of all subjects.
    pub(super) looked: Mutex<Looked>,
}

impl Run<'_> {
    /// The decision on one subject. Resolving, gathering and verifying have one deadline: a registry that drips bytes must
    /// not hold a deployment.
    pub(super) async fn subject(
        &self,
        named: Result<Named, Failure>,
        around: &Around,
    ) -> Result<SubjectDecision, Failure> {
        let named = named?;
        let typed = &named.name;
        let DemandArgs { require_digest, .. } = self.args.demands;
        let deadline = Until::within(self.common.timeout);
        let resolving =
            Box::pin(target::resolve_named(&named, around, self.common, &self.args.evidence, require_digest));
        let resolved = match select(resolving, deadline.wait()).await {
            Either::Left((Ok(resolved), _)) => resolved,
            Either::Left((Err(failure), _)) => return another(&named, failure),
            Either::Right(_) => {
                let message = format!("`{typed}` was not resolved within {}", deadline.given());
                return Err(Failure::unknown(flow::TIMEOUT, message));
            }
        };
        demands::reach(self.given.policies, &resolved.artifact, &self.args.demands, &self.wanted)?;
        let mut check = Check::begin(resolved.target(), self.given, &deadline).await;
        let mut decision = check.decide(None).await;
        if let Some(env) = &self.env {
            decision = self.recheck(&mut check, decision, env).await;
        }
        resolved.check_content(&mut decision, &deadline).await;
        resolved.tell(&mut decision);
        Ok(decision)
    }

    /// Looks at the charters of all accepted statements, and decides again without those whose charter is not what it was.
    /// Where that makes another statement count, its charter is looked at too.
    async fn recheck(
        &self,
        check: &mut Check<'_>,
        mut decision: SubjectDecision,
        env: &Environment,
    ) -> SubjectDecision {
        let mut looked = self.looked.lock().await;
        loop {
            let mut uris = flow::charters(&decision);
            uris.retain(|uri| !looked.contains_key(uri));
            let before = looked.len();
            charter::look(uris, &mut looked, self.args.demands.charter_api, env, self.common).await;
            let objections = |statement: &VerifiedStatement| flow::objection(statement, &looked);
            decision = check.decide(Some(&objections)).await;
            if looked.len() == before {
                flow::note(&mut decision, &looked);
                return decision;
            }
        }
    }
}
