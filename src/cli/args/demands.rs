//! Flags of `attest verify` that demand something, as a policy and as checks that join other policies.

use crate::cli::args::{DemandArgs, TrustArgs};
use crate::cli::exit::{Failure, codes};
use crate::model::{Artifact, PredicateUri};
use crate::policy::rule::{
    AgentCheck, BuilderCheck, CharterCheck, HostedRunnerCheck, RequestedByCheck, SourceCheck, TaskCheck,
};
use crate::policy::{Check, Glob, Policy, Requirement};
use crate::predicate;

/// A predicate type by URI or short name.
///
/// # Errors
/// Exit 2.
pub(in crate::cli) fn predicate_type(text: Option<&str>) -> Result<PredicateUri, Failure> {
    let Some(text) = text else { return Ok(PredicateUri::slsa_provenance()) };
    predicate::named(text).ok_or_else(|| {
        let names = predicate::names().collect::<Vec<_>>().join(", ");
        Failure::usage(codes::USAGE, format!("--predicate-type: expected a URI or one of {names}, found `{text}`"))
    })
}

/// The requirement that trust flags make, if there are any.
pub(in crate::cli) fn flags_policy(
    flags: &TrustArgs,
    demands: &DemandArgs,
    wanted: &PredicateUri,
) -> Result<Option<Policy>, Failure> {
    let signers = crate::cli::args::trust::signers(flags, demands.builder_id.as_deref())?;
    if signers.is_empty() {
        return Ok(None);
    }
    let requirement = signers.into_iter().fold(Requirement::of(wanted.clone()), Requirement::signer);
    Ok(Some(Policy::named("flags").require(requirement)))
}

/// Lets the demand flags join every requirement of their predicate type.
pub(in crate::cli) fn join(
    policies: &mut [Policy],
    demands: &DemandArgs,
    wanted: &PredicateUri,
) -> Result<(), Failure> {
    let mut joined = false;
    let requirements = policies.iter_mut().flat_map(|p| &mut p.requirements);
    for requirement in requirements.filter(|r| r.predicate_type == *wanted) {
        checks(demands)?.into_iter().for_each(|check| requirement.demand(check));
        joined = true;
    }
    // A demand that nothing takes up would be a demand that is silently dropped.
    if !joined && (demands.predicate_type.is_some() || !checks(demands)?.is_empty()) {
        let message = format!("no policy has a requirement of type {wanted} that the flags could join");
        return Err(Failure::usage(codes::DEMAND_UNUSED, message));
    }
    Ok(())
}

/// That a policy which speaks about this subject takes up the demands: those that only another subject's policy takes
/// up are dropped for this one.
pub(in crate::cli) fn reach(
    policies: &[Policy],
    artifact: &Artifact,
    demands: &DemandArgs,
    wanted: &PredicateUri,
) -> Result<(), Failure> {
    let mut speaking = policies.iter().filter(|p| p.speaks_of(artifact)).peekable();
    let spoken = speaking.peek().is_some();
    let joined = speaking.flat_map(|p| &p.requirements).any(|r| r.predicate_type == *wanted);
    if spoken && !joined && (demands.predicate_type.is_some() || !checks(demands)?.is_empty()) {
        let scope = &artifact.scope;
        let message = format!("no policy for `{scope}` has a requirement of type {wanted} that the flags could join");
        return Err(Failure::usage(codes::DEMAND_UNUSED, message));
    }
    Ok(())
}

/// The checks that demand flags make.
fn checks(d: &DemandArgs) -> Result<Vec<Box<dyn Check>>, Failure> {
    let usage = |m: String| Failure::usage(codes::USAGE, m);
    let glob = |flag: &str, text: &str| {
        Glob::parse(text).ok_or_else(|| usage(format!("--{flag}: expected a text or glob, found `{text}`")))
    };
    let mut out: Vec<Box<dyn Check>> = Vec::new();
    if d.source_repository.is_some() || d.source_ref.is_some() || d.source_commit.is_some() {
        let mut check = SourceCheck::default();
        if let Some(r) = d.source_repository.as_deref() {
            let url = if r.contains("://") { r.to_owned() } else { format!("https://{r}") };
            check = check.repository(&url);
        }
        if let Some(r) = d.source_ref.as_deref().filter(|r| !r.starts_with("refs/")) {
            return Err(usage(format!("--source-ref: expected a full ref such as refs/heads/{r}, found `{r}`")));
        }
        if let Some(r) = d.source_ref.as_deref() {
            check = check.reference(glob("source-ref", r)?);
        }
        let full = |c: &str| [40, 64].contains(&c.len()) && c.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if let Some(c) = d.source_commit.as_deref().filter(|c| !full(c)) {
            return Err(usage(format!(
                "--source-commit: expected a full commit id of 40 or 64 lower-case hex digits, found `{c}`"
            )));
        }
        if let Some(c) = &d.source_commit {
            check = check.commit(c);
        }
        out.push(Box::new(check));
    }
    if let Some(id) = &d.builder_id {
        out.push(Box::new(BuilderCheck::of(id)));
    }
    if let Some(agent) = &d.agent {
        out.push(Box::new(AgentCheck::default().id(glob("agent", agent)?)));
    }
    if let Some(task) = &d.task {
        out.push(Box::new(TaskCheck::of(vec![glob("task", task)?])));
    }
    if let Some(charter) = &d.charter {
        out.push(Box::new(CharterCheck::default().at(charter)));
    }
    if d.recheck_charter {
        // Without a digest there is nothing to compare with.
        out.push(Box::new(CharterCheck::default().with_digest()));
    }
    if let Some(id) = &d.requested_by {
        out.push(Box::new(RequestedByCheck::of(Glob::exact(id))));
    }
    if d.deny_self_hosted_runners {
        out.push(Box::new(HostedRunnerCheck));
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Digest;
    use crate::policy::SignerRule;
    use crate::trust::PublicKey;

    const PEM: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n";

    fn policy(images: &str, kind: &str) -> Policy {
        let key = PublicKey::from_pem(PEM.as_bytes()).unwrap();
        let requirement = Requirement::of(PredicateUri::parse(kind).unwrap()).signer(SignerRule::key(key));
        Policy::named(images).image(Glob::parse(images).unwrap()).require(requirement)
    }

    #[test]
    fn a_demand_that_only_another_subjects_policy_takes_up_is_wrong_usage() {
        let wanted = PredicateUri::slsa_provenance();
        let policies = [policy("oci:a", "https://x.example/p"), policy("oci:b", wanted.as_str())];
        let demands = DemandArgs { agent: Some("s/a".into()), ..DemandArgs::default() };
        let named = |scope: &str| Artifact::new(scope, scope, Digest::sha256(b""));
        let e = reach(&policies, &named("oci:a"), &demands, &wanted).unwrap_err();
        assert_eq!(e.code, codes::DEMAND_UNUSED);
        assert!(reach(&policies, &named("oci:b"), &demands, &wanted).is_ok());
        assert!(reach(&policies, &named("oci:a"), &DemandArgs::default(), &wanted).is_ok());
        // No policy applies to it: the decision says so, with its own code.
        assert!(reach(&policies, &named("oci:c"), &demands, &wanted).is_ok());
    }
}
