//! `attest verify`

use crate::capture::Environment;
use crate::cli::args::named::{Around, Lists, Named, expand};
use crate::cli::args::subject::SubjectSpec;
use crate::cli::args::{Common, DemandArgs, EvidenceArgs, Format, TrustArgs};
use crate::cli::args::{charter, demands, target, trust};
use crate::cli::cmd::audit::record_itself;
use crate::cli::exit::{Decided, Exit, Failure, Outcome, Purpose, codes};
use crate::cli::show::{decision, untrusted};
use crate::cli::ui::Ui;
use crate::flow::{self, Check, Given, Looked};
use crate::model::{PredicateUri, limits};
use crate::places::{self, PolicyPlaces, Until};
use crate::policy::report::DecisionReport;
use crate::policy::{Decision, NO_ATTESTATION, NO_ATTESTATION_OF_FILE, Policy, Reason, SubjectDecision};
use crate::registry::DIGEST_MISMATCH;
use crate::seam::Deadline as _;
use crate::verify::VerifiedStatement;
use clap::Args;
use futures_util::future::{Either, select};
use futures_util::lock::Mutex;
use futures_util::stream::{self, StreamExt as _};
use std::path::PathBuf;

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
    /// REPOSITORY@sha256:DIGEST, REPOSITORY:TAG, oci:PATH[:TAG][@sha256:DIGEST], a file, a glob, a checksum file, sha256:DIGEST,
    /// NAME@sha256:DIGEST; - reads a list
    #[allow(rustdoc::broken_intra_doc_links, reason = "the help shows how a subject is written")]
    #[arg(value_name = "SUBJECT", required_unless_present = "list")]
    pub subjects: Vec<String>,
    /// File of further subjects, one per line, or as sha256sum writes them; - is standard input
    #[arg(id = "list", long = "subjects", value_name = "FILE")]
    pub list: Option<PathBuf>,
    #[command(flatten)]
    trust: TrustArgs,
    #[command(flatten)]
    demands: DemandArgs,
    #[command(flatten)]
    evidence: EvidenceArgs,
    /// Namespace of a cluster: of policies that name namespaces, those alone that apply in this one
    #[arg(long, value_name = "NAME")]
    namespace: Option<String>,
    /// Fail where the answer could not be recorded in the audit log (see `attest audit`)
    #[arg(long)]
    require_audit: bool,
}

/// Runs the command.
///
/// # Errors
/// [`Failure`].
pub async fn run(args: &VerifyArgs, common: &Common, ui: &Ui) -> Result<Outcome, Failure> {
    let decision = decide(args, common, ui).await?;
    Ok(shown(&decision, common, ui))
}

/// Does what the command does, and prints nothing of it.
///
/// # Errors
/// [`Failure`].
pub(in crate::cli) async fn decide(args: &VerifyArgs, common: &Common, ui: &Ui) -> Result<Decision, Failure> {
    let mut policies = PolicyPlaces::of_process(&args.trust.policy).load()?;
    let wanted = demands::predicate_type(args.demands.predicate_type.as_deref())?;
    policies.extend(demands::flags_policy(&args.trust, &args.demands, &wanted)?);
    let lists = Lists { published: None, time: common.timeout, with_bundles: false };
    let subjects = expand(&args.subjects, args.list.as_deref(), lists)?;
    let around = Around::of(&subjects);
    subjects.notes.iter().for_each(|text| ui.note(text));
    if policies.is_empty() {
        return Err(untrusted::no_policy(&subjects, &around, &args.evidence, args.demands.require_digest, common).await);
    }
    if args.demands.recheck_charter && args.evidence.offline {
        return Err(Failure::usage(
            codes::OFFLINE,
            "--recheck-charter asks the charter's host, and --offline forbids it",
        ));
    }
    policies.retain(|p| p.applies_in(args.namespace.as_deref()));
    demands::join(&mut policies, &args.demands, &wanted)?;
    let roots = places::roots::roots(&args.trust.trusted_root, ui.now, &|n| ui.note(n)).await?;
    let run = Run {
        args,
        common,
        given: Given::new(&policies, &roots, ui.now),
        wanted,
        env: args.demands.recheck_charter.then(places::environment).transpose()?,
        looked: Mutex::default(),
    };
    let asked: Vec<_> = subjects.all.into_iter().map(|named| run.subject(named, &around)).collect();
    let answers: Vec<_> = stream::iter(asked).buffered(limits::PARALLEL_FETCHES).collect().await;
    let (mut decided, mut failures) = (Vec::new(), Vec::new());
    for answer in answers {
        match answer {
            Ok(subject) => decided.push(subject),
            Err(failure) => failures.push(failure),
        }
    }
    if decided.is_empty() && !failures.is_empty() {
        return Err(Failure::together(failures));
    }
    let decision = Decision::of(decided, policies.iter().map(Policy::used).collect(), ui.now);
    trust::warn_of_age(&roots, ui);
    record_itself(&flow::audit::of_decision(&decision), args.require_audit, common, ui)?;
    if !failures.is_empty() {
        // What could not be looked at hides no answer on the others.
        let mut failure = Failure::together(failures);
        failure.decided = Some(Box::new(match common.format {
            Format::Json => Decided::Json(serde_json::to_value(DecisionReport::from(&decision)).unwrap_or_default()),
            _ => Decided::Text(decision::page(&decision, ui.view(common.verbose))),
        }));
        return Err(failure);
    }
    Ok(decision)
}

/// A decision as the command prints it.
pub(in crate::cli) fn shown(decision: &Decision, common: &Common, ui: &Ui) -> Outcome {
    let exit = Exit::from(decision.verdict);
    if let Some(code) = decision.code() {
        let mut of_code = decision.subjects.iter().filter(|s| s.code() == Some(code));
        match of_code.all(|s| s.artifact.scope.starts_with("file:")) {
            true if code == NO_ATTESTATION => ui.suggest(NO_ATTESTATION_OF_FILE),
            _ => ui.hint(code),
        }
    }
    match common.format {
        Format::Json => Outcome::json(&DecisionReport::from(decision), exit),
        // Only failures.
        _ if common.quiet && exit == Exit::Done => Outcome::done(Vec::new()),
        _ => Outcome {
            stdout: decision::page(decision, ui.view(common.verbose)).into_bytes(),
            exit,
            purpose: Purpose::Data,
        },
    }
}

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
struct Run<'a> {
    args: &'a VerifyArgs,
    common: &'a Common,
    given: Given<'a>,
    wanted: PredicateUri,
    /// Whose tokens charters are asked with, where they are looked at again.
    env: Option<Environment>,
    /// Charters that were looked at, of all subjects.
    looked: Mutex<Looked>,
}

impl Run<'_> {
    /// The decision on one subject. Resolving, gathering and verifying have one deadline: a registry that drips bytes must
    /// not hold a deployment.
    async fn subject(&self, named: Result<Named, Failure>, around: &Around) -> Result<SubjectDecision, Failure> {
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
