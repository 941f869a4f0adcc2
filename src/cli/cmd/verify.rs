//! `attest verify`

use crate::cli::args::{Common, DemandArgs, EvidenceArgs, Format, TrustArgs};
use crate::cli::exit::{Exit, Failure, Outcome, codes};
use crate::cli::policies::PolicyPlaces;
use crate::cli::sanitize::{line, shell};
use crate::cli::target::{self, Resolved};
use crate::cli::{Ui, build, charter, render, trust};
use crate::flow::{self, Target};
use crate::model::{PredicateUri, Timestamp};
use crate::policy::report::DecisionReport;
use crate::policy::rule::{
    AgentCheck, BuilderCheck, CharterCheck, HostedRunnerCheck, RequestedByCheck, SourceCheck, TaskCheck,
    normal_repository,
};
use crate::policy::{
    Check, Decision, Evidence, Finding, Glob, Images, Mode, People, Policy, Requirement, Revoked, SubjectDecision,
    TrustRule, decide,
};
use crate::predicate;
use crate::registry::Checked;
use crate::trust::TrustedRoot;
use crate::verify::Origin;
use clap::Args;
use std::fmt::Write as _;
use std::time::Duration;

/// Verify attestations of artifacts and decide
///
/// Exits 0 when there is positive proof of everything demanded, 1 when the answer is no, 2 for wrong usage or
/// configuration, 3 when it could not be found out.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  attest verify ghcr.io/acme/app@sha256:DIGEST                  by the policy of this machine
  attest verify ghcr.io/acme/app@sha256:DIGEST --key attest.pub
  attest verify oci:build/image --key attest.pub --agent 'platform/*' --source-ref refs/heads/main
  attest verify ghcr.io/acme/app@sha256:DIGEST --key attest.pub --recheck-charter
  attest verify ghcr.io/acme/app@sha256:DIGEST --repo acme/app  by a GitHub workflow of that repository
  attest verify app.tar.gz --key attest.pub                     evidence in app.tar.gz.sigstore.json
  attest verify app.tar.gz --bundle app.sigstore.json --policy policy.yaml --format json")]
pub struct VerifyArgs {
    /// REPOSITORY@sha256:DIGEST, REPOSITORY:TAG, oci:PATH[@sha256:DIGEST], or a file
    #[arg(required = true, value_name = "SUBJECT")]
    pub subjects: Vec<String>,
    #[command(flatten)]
    trust: TrustArgs,
    #[command(flatten)]
    demands: DemandArgs,
    #[command(flatten)]
    evidence: EvidenceArgs,
}

/// Runs the command.
///
/// # Errors
/// [`Failure`].
pub async fn run(args: &VerifyArgs, common: &Common, ui: &Ui) -> Result<Outcome, Failure> {
    let mut policies = PolicyPlaces::of_process(&args.trust.policy).load()?;
    let wanted = predicate_type(args.demands.predicate_type.as_deref())?;
    policies.extend(flags_policy(&args.trust, &args.demands, &wanted)?);
    if policies.is_empty() {
        return Err(no_policy(args, common).await);
    }
    if args.demands.recheck_charter && args.evidence.offline {
        return Err(Failure::usage(
            codes::OFFLINE,
            "--recheck-charter asks the charter's host, and --offline forbids it",
        ));
    }
    join_demands(&mut policies, &args.demands, &wanted)?;
    let roots = trust::roots(&args.trust.trusted_root, ui).await?;
    let given = Given { policies: &policies, roots: &roots, now: ui.now };
    let mut subjects = Vec::new();
    for typed in &args.subjects {
        let resolved = target::resolve(typed, common, &args.evidence, args.demands.require_digest).await?;
        demands_reach(&policies, &resolved.artifact.scope, &args.demands, &wanted)?;
        subjects.push(in_time(&resolved, &given, common.timeout).await);
    }
    let mut decision = Decision::of(subjects, policies.iter().map(Policy::used).collect(), ui.now);
    if args.demands.recheck_charter {
        charter::recheck(&mut decision, &policies, args.demands.charter_api, &build::environment()?, common).await?;
    }
    let exit = Exit::from(decision.verdict);
    trust::warn_of_age(&roots, ui);
    if let Some(code) = decision.code() {
        ui.hint(code);
    }
    Ok(match common.format {
        Format::Json => Outcome::json(&DecisionReport::from(&decision), exit),
        _ => Outcome { stdout: render::decision(&decision, ui.view(common)).into_bytes(), exit },
    })
}

/// What every subject is decided with.
struct Given<'a> {
    policies: &'a [Policy],
    roots: &'a [TrustedRoot],
    now: Timestamp,
}

/// The decision on one subject, or that it did not come in time: a registry that drips bytes must not hold a deployment.
async fn in_time(resolved: &Resolved, given: &Given<'_>, patience: Duration) -> SubjectDecision {
    // One operation may take all of `--timeout` and says best itself what went wrong; all of them together take two.
    let patience = patience * 2;
    let decided = tokio::time::timeout(patience, one(resolved, given)).await;
    decided.unwrap_or_else(|_| {
        let message = format!("not gathered within {} s (twice --timeout)", patience.as_secs_f32());
        let origin = Origin { place: "all evidence".into(), id: String::new() };
        let finding = Finding::Unavailable { code: codes::TIMEOUT, message };
        decide(given.policies, &resolved.artifact, &[Evidence { origin, finding }])
    })
}

async fn one(resolved: &Resolved, given: &Given<'_>) -> SubjectDecision {
    let sources = resolved.sources();
    let digests = || resolved.file_digests();
    let target = Target {
        artifact: resolved.artifact.clone(),
        sources: sources.iter().map(AsRef::as_ref).collect(),
        content: resolved.subject.as_deref().map(Checked::new),
        digests: resolved.path.is_some().then_some(&digests),
    };
    let mut decision = flow::check(&target, given.policies, given.roots, given.now).await;
    resolved.check_content(&mut decision).await;
    decision.notes.extend(resolved.notes());
    decision
}

/// A predicate type by URI or short name.
///
/// # Errors
/// Exit 2.
pub fn predicate_type(text: Option<&str>) -> Result<PredicateUri, Failure> {
    let Some(text) = text else { return Ok(PredicateUri::slsa_provenance()) };
    let by_name = predicate::ALL.iter().find(|p| p.name() == text).map(|p| p.uri());
    PredicateUri::parse(by_name.unwrap_or(text)).ok_or_else(|| {
        let names = predicate::ALL.iter().map(|p| p.name()).collect::<Vec<_>>().join(", ");
        Failure::usage(codes::USAGE, format!("--predicate-type: expected a URI or one of {names}, found `{text}`"))
    })
}

/// The requirement that trust flags make, if there are any.
fn flags_policy(flags: &TrustArgs, demands: &DemandArgs, wanted: &PredicateUri) -> Result<Option<Policy>, Failure> {
    let signers = trust::signers(flags, demands.builder_id.as_deref())?;
    if signers.is_empty() {
        return Ok(None);
    }
    Ok(Some(Policy {
        name: "flags".into(),
        origin: "flags".into(),
        digest: None,
        images: Images::All,
        mode: Mode::Enforce,
        requirements: vec![Requirement {
            predicate_type: wanted.clone(),
            signers,
            threshold: 1,
            trust: TrustRule::default(),
            approvals: None,
            snapshot: None,
            checks: Vec::new(),
        }],
        revoked: Revoked::default(),
        people: People::default(),
    }))
}

/// Lets the demand flags join every requirement of their predicate type.
fn join_demands(policies: &mut [Policy], demands: &DemandArgs, wanted: &PredicateUri) -> Result<(), Failure> {
    let mut joined = false;
    let requirements = policies.iter_mut().flat_map(|p| &mut p.requirements);
    for requirement in requirements.filter(|r| r.predicate_type == *wanted) {
        requirement.checks.extend(checks(demands)?);
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
fn demands_reach(policies: &[Policy], scope: &str, demands: &DemandArgs, wanted: &PredicateUri) -> Result<(), Failure> {
    let mut speaking = policies.iter().filter(|p| p.matches(scope)).peekable();
    let spoken = speaking.peek().is_some();
    let joined = speaking.flat_map(|p| &p.requirements).any(|r| r.predicate_type == *wanted);
    if spoken && !joined && (demands.predicate_type.is_some() || !checks(demands)?.is_empty()) {
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
        let repository = d.source_repository.as_deref().map(|r| {
            let url = if r.contains("://") { r.to_owned() } else { format!("https://{r}") };
            normal_repository(&url)
        });
        if let Some(r) = d.source_ref.as_deref().filter(|r| !r.starts_with("refs/")) {
            return Err(usage(format!("--source-ref: expected a full ref such as refs/heads/{r}, found `{r}`")));
        }
        let refs = d.source_ref.as_deref().map(|r| glob("source-ref", r)).transpose()?.into_iter().collect();
        let full = |c: &str| [40, 64].contains(&c.len()) && c.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if let Some(c) = d.source_commit.as_deref().filter(|c| !full(c)) {
            return Err(usage(format!(
                "--source-commit: expected a full commit id of 40 or 64 lower-case hex digits, found `{c}`"
            )));
        }
        let commit = d.source_commit.clone();
        out.push(Box::new(SourceCheck { repository, refs, commit, assurance: None, allow_dirty: None }));
    }
    if let Some(id) = &d.builder_id {
        out.push(Box::new(BuilderCheck { id: id.clone() }));
    }
    if let Some(agent) = &d.agent {
        out.push(Box::new(AgentCheck { ids: vec![glob("agent", agent)?], ..AgentCheck::default() }));
    }
    if let Some(task) = &d.task {
        out.push(Box::new(TaskCheck { ids: vec![glob("task", task)?], assurance: None }));
    }
    if let Some(charter) = &d.charter {
        out.push(Box::new(CharterCheck { exact: Some(charter.clone()), ..CharterCheck::default() }));
    }
    if d.recheck_charter {
        // Without a digest there is nothing to compare with.
        out.push(Box::new(CharterCheck { digest: true, ..CharterCheck::default() }));
    }
    if let Some(id) = &d.requested_by {
        out.push(Box::new(RequestedByCheck { id: Glob::exact(id) }));
    }
    if d.deny_self_hosted_runners {
        out.push(Box::new(HostedRunnerCheck));
    }
    Ok(out)
}

/// No policy and no trust flag: what there is, unverified, and the command line that would demand it.
async fn no_policy(args: &VerifyArgs, common: &Common) -> Failure {
    let mut failure = Failure::usage(
        codes::NO_POLICY,
        "there is no policy on this machine and no flag says whom to trust, so nothing can be verified",
    );
    for typed in &args.subjects {
        let resolved = match target::resolve(typed, common, &args.evidence, args.demands.require_digest).await {
            Ok(r) => r,
            Err(e) => {
                let _ = writeln!(failure.detail, "{}: {}", line(typed), line(&e.message));
                continue;
            }
        };
        let sources = resolved.sources();
        let sources: Vec<_> = sources.iter().map(AsRef::as_ref).collect();
        let found = flow::look(&sources, &resolved.artifact).await;
        let what = if found.is_empty() { "no attestation" } else { "all of it UNVERIFIED" };
        let _ = writeln!(failure.detail, "found for {} ({}): {what}", line(typed), resolved.artifact.digest);
        let mut types = Vec::new();
        for f in &found {
            let what = match &f.claim {
                Ok(c) => {
                    let by = match &c.certificate {
                        Some((identity, issuer)) if !issuer.is_empty() => format!(
                            "--certificate-identity {} --certificate-oidc-issuer {}",
                            shell(identity),
                            shell(issuer)
                        ),
                        _ => "--key PUBLIC_KEY".to_owned(),
                    };
                    types.push((c.statement.predicate_type().to_string(), by));
                    format!("{} signed by {}", line(c.statement.predicate_type().as_str()), line(&c.signer))
                }
                Err(e) => line(e),
            };
            let _ = writeln!(failure.detail, "  {what}");
        }
        types.sort();
        types.dedup();
        let provenance = crate::model::uri::SLSA_PROVENANCE;
        if types.is_empty() {
            types.push((provenance.to_owned(), "--key PUBLIC_KEY".to_owned()));
        }
        for (t, by) in types {
            let kind = if t == provenance { String::new() } else { format!(" --predicate-type {}", shell(&t)) };
            let _ = writeln!(failure.detail, "to demand it: attest verify {} {by}{kind}", shell(typed));
        }
    }
    failure
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ValidityWindow;
    use crate::policy::{SignerMatch, SignerRule};
    use crate::trust::PublicKey;

    const PEM: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n";

    fn policy(images: &str, kind: &str) -> Policy {
        let key = PublicKey::from_pem(PEM.as_bytes()).unwrap();
        let signer = SignerRule {
            label: "k".into(),
            who: SignerMatch::Key(key),
            window: ValidityWindow::default(),
            builders: Vec::new(),
            measures: Vec::new(),
        };
        Policy {
            name: images.into(),
            origin: images.into(),
            digest: None,
            images: Images::Named(vec![Glob::parse(images).unwrap()]),
            mode: Mode::Enforce,
            requirements: vec![Requirement {
                predicate_type: PredicateUri::parse(kind).unwrap(),
                signers: vec![signer],
                threshold: 1,
                trust: TrustRule::default(),
                approvals: None,
                snapshot: None,
                checks: Vec::new(),
            }],
            revoked: Revoked::default(),
            people: People::default(),
        }
    }

    #[test]
    fn a_demand_that_only_another_subjects_policy_takes_up_is_wrong_usage() {
        let wanted = PredicateUri::slsa_provenance();
        let policies = [policy("oci:a", "https://x.example/p"), policy("oci:b", wanted.as_str())];
        let demands = DemandArgs { agent: Some("s/a".into()), ..DemandArgs::default() };
        let e = demands_reach(&policies, "oci:a", &demands, &wanted).unwrap_err();
        assert_eq!(e.code, codes::DEMAND_UNUSED);
        assert!(demands_reach(&policies, "oci:b", &demands, &wanted).is_ok());
        assert!(demands_reach(&policies, "oci:a", &DemandArgs::default(), &wanted).is_ok());
        // Nobody speaks about it: the decision says so, with its own code.
        assert!(demands_reach(&policies, "oci:c", &demands, &wanted).is_ok());
    }
}
