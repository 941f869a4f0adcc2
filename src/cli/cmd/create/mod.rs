//! `attest create`

mod args;
mod here;

use crate::capture::step::BuildStep;
use crate::cli::args::build::file_patterns;
use crate::cli::args::{Common, Format, build};
use crate::cli::cmd::attach;
use crate::cli::cmd::audit::record_itself;
use crate::cli::exit::{Exit, Failure, Outcome};
use crate::cli::show::created::{report, text};
use crate::cli::show::kept;
use crate::cli::ui::Ui;
use crate::flow;
use crate::flow::create::{Plan, PublishTo, Signed, StepPlan};
use crate::outbox::{self, Outbox};
use crate::places::{self, files};
use here::Here;
use std::path::Path;

pub use args::CreateArgs;
pub(in crate::cli) use here::FORGOTTEN;

pub use crate::cli::show::created::{CreateReport, CreatedIdentity, CreatedStatement};

/// What was made.
pub(in crate::cli) struct Made {
    pub(in crate::cli) report: CreateReport,
    pub(in crate::cli) signed: Vec<Signed>,
    /// Whether the file held others before, which are still there.
    pub(in crate::cli) beside_others: bool,
}

/// Runs the command.
///
/// # Errors
/// [`Failure`].
pub async fn run(args: &CreateArgs, common: &Common, ui: &Ui) -> Result<Outcome, Failure> {
    let made = make(args, common, ui).await?;
    Ok(match common.format {
        Format::Json => Outcome::json(&made.report, Exit::Done),
        _ => Outcome::told(text(&made.report, made.beside_others)),
    })
}

/// Does what the command does, and prints nothing of it.
///
/// # Errors
/// [`Failure`].
pub(in crate::cli) async fn make(args: &CreateArgs, common: &Common, ui: &Ui) -> Result<Made, Failure> {
    // What can be known to be wrong is said before a build that may take an hour.
    let method = args.signing.method(ui.now)?;
    if !args.command.is_empty() {
        method.hides_secrets()?;
    }
    let env = places::environment()?;
    build::repository_is_used(&args.subjects, args.attestation_repository.as_deref(), &env)?;
    let outbox = args.outbox.as_deref().map(Outbox::open).transpose()?;
    if let (None, Some(path)) = (&outbox, &args.output) {
        // A folder that is missing may be made by the step.
        files::writable(path, !args.command.is_empty())?;
    }
    let given = build::given_predicate(&args.build, &env)?;
    let secret_file = method.file()?;
    if let (Some(path), false) = (&secret_file, args.command.is_empty()) {
        let path = path.display();
        ui.note(&format!("the build step can read `{path}`; env:, exec: and pkcs11: hide a key"));
    }
    let variables: Vec<String> = method.variable().into_iter().collect();
    common.registries.prepare(&common.registry_settings(), &variables)?;
    let step = BuildStep {
        command: &args.command,
        keys: &variables,
        share_identity: args.share_identity,
        output_to_stderr: common.format == Format::Json,
    };
    let step = (!args.command.is_empty()).then_some(step);
    let written = args.output.iter().chain(&args.outbox);
    let own = build::own_files(&args.subjects, written, method.reference());
    let plan = Plan {
        env: &env,
        local: build::local(common),
        request: build::request(&args.build, &args.subjects, &own, step.as_ref()),
        step: step.map(|step| StepPlan { step, products: &args.products, subjects: file_patterns(&args.subjects) }),
        given,
        withheld: &variables,
        secret_in_file: secret_file.is_some(),
        signer_names_builder: method.has_identity(),
        context: outbox::Context { run: places::run_of(&env), signer: method.name() },
        attach_charter: args.attach_charter,
        places: PublishTo {
            output: args.output.clone(),
            attach_nothing: args.no_attach,
            store: args.attestation_repository.clone(),
        },
    };
    let here = Here { args, common, ui, env: &env, method, outbox };
    let mut made = flow::create(&plan, &here).await?;
    let report = report(&made);
    let signer = report.key_id.clone().or_else(|| report.identity.as_ref().map(|i| i.identity.clone()));
    let signer = signer.unwrap_or_else(|| here.method.name());
    let attested = |signed: &Signed| flow::audit::of_statement(&signed.statement, &signer, places::now());
    let attested: Vec<_> = made.signed.iter().filter(|signed| !signed.already).flat_map(attested).collect();
    if !attested.is_empty() {
        record_itself(&attested, args.require_audit, common, ui)?;
    }
    attach::warn_of_untagged(&report.attached, ui);
    let mut failed = made.failed.take();
    if let Some(failure) = &mut failed {
        failure.detail += &attach::text(&report.attached);
    }
    let folder = args.outbox.as_deref().unwrap_or_else(|| Path::new("")).display().to_string();
    kept::say(&made.kept, failed, &folder)?;
    Ok(Made { report, signed: made.signed, beside_others: made.beside_others })
}
