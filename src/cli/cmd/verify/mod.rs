//! `attest verify`

mod args;
mod subject;

pub use args::VerifyArgs;

use crate::cli::args::named::{Around, Lists, expand};
use crate::cli::args::{Common, Format, demands, trust};
use crate::cli::cmd::audit::record_itself;
use crate::cli::exit::{Decided, Exit, Failure, Outcome, Purpose, codes};
use crate::cli::show::{decision, untrusted};
use crate::cli::ui::Ui;
use crate::evidence::is_named_as_bundles;
use crate::flow::{self, Given};
use crate::model::{Code, limits};
use crate::places::{self, PolicyPlaces};
use crate::policy::report::DecisionReport;
use crate::policy::{Decision, NO_ATTESTATION, NO_ATTESTATION_OF_FILE, Policy};
use crate::verify::SUBJECT_MISMATCH;
use futures_util::lock::Mutex;
use futures_util::stream::{self, StreamExt as _};
use subject::Run;

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

/// Where an attestation is named instead of what it is about.
const A_BUNDLE: &str = "that is a file of attestations: name what they are about, and it with --bundle";

/// Whether what was denied because nothing is about it are files of bundles, by their names.
fn are_bundles(decision: &Decision, code: Code) -> bool {
    let mut denied = decision.subjects.iter().filter(|s| s.code() == Some(code));
    [NO_ATTESTATION, SUBJECT_MISMATCH].contains(&code) && denied.all(|s| is_named_as_bundles(&s.artifact.name))
}

/// A decision as the command prints it.
pub(in crate::cli) fn shown(decision: &Decision, common: &Common, ui: &Ui) -> Outcome {
    let exit = Exit::from(decision.verdict);
    if let Some(code) = decision.code() {
        let mut of_code = decision.subjects.iter().filter(|s| s.code() == Some(code));
        match of_code.all(|s| s.artifact.scope.starts_with("file:")) {
            true if are_bundles(decision, code) => ui.suggest(A_BUNDLE),
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
