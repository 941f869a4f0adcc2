//! `attest create`

use crate::capture::step::BuildStep;
use crate::capture::{Context, Environment};
use crate::cli::args::build::file_patterns;
use crate::cli::args::signing::{Method, SigningArgs};
use crate::cli::args::{BuildArgs, Common, Format, build, charter};
use crate::cli::cmd::attach;
use crate::cli::cmd::audit::record_itself;
use crate::cli::exit::{Exit, Failure, Outcome, codes};
use crate::cli::show::created::{report, text};
use crate::cli::show::kept;
use crate::cli::ui::Ui;
use crate::evidence::{self, Added, Same};
use crate::flow::create::{Caller, Further, Plan, PublishTo, Signed, StepPlan, Subjects};
use crate::flow::{self, Signing};
use crate::model::{Digest, Timestamp};
use crate::outbox::{self, Entry, Outbox};
use crate::places::{self, files};
use clap::Args;
use std::path::{Path, PathBuf};

pub use crate::cli::show::created::{CreateReport, CreatedIdentity, CreatedStatement};

/// Run a build step, capture its context, sign it and attach it
///
/// The attestation of an image is attached to it; that of one file is written beside it as FILE.sigstore.json, further
/// ones are added to FILE.sigstore.jsonl, and those of several files or a checksum file to attest.sigstore.jsonl in the
/// folder that they have in common. The same statement again adds nothing. The bundle is verified before it is published. The exit code of a build step that
/// fails is passed through, and nothing is attested.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  attest create ghcr.io/acme/app@sha256:DIGEST --key attest.key --agent platform/builder
  attest create target/release/app --key attest.key -- cargo build --release
  attest create oci:build/image --key attest.key --charter https://github.com/acme/app/issues/42 \\
    --charter-snapshot required
  attest create oci:build/image --key attest.key \\
    --predicate scan.json --predicate-type https://acme.example/scan/v1")]
pub struct CreateArgs {
    /// What is attested: REPOSITORY@sha256:DIGEST, REPOSITORY:TAG, oci:PATH, files, globs, checksum files, sha256:DIGEST,
    /// NAME@sha256:DIGEST; - reads a list
    #[arg(value_name = "SUBJECT", required_unless_present = "list")]
    pub subjects: Vec<String>,
    /// File of further subjects, one per line, or as sha256sum writes them; - is standard input
    #[arg(id = "list", long = "subjects", value_name = "FILE")]
    pub list: Option<PathBuf>,
    /// Folder that keeps what an outage keeps from being signed or published; `attest flush` sends it
    #[arg(long, value_name = "DIR", env = "ATTEST_OUTBOX")]
    pub outbox: Option<PathBuf>,
    /// Hand the build step what asks for identity tokens, so that it can sign as this build; this is recorded
    #[arg(long, requires = "command")]
    pub share_identity: bool,
    /// Files whose change by the build step is recorded [default: those that git tracks or does not ignore] (repeatable)
    #[arg(long, value_name = "GLOB", requires = "command", conflicts_with = "predicate")]
    pub products: Vec<String>,
    /// The build step
    #[arg(last = true, value_name = "COMMAND")]
    pub command: Vec<String>,
    #[command(flatten)]
    build: BuildArgs,
    #[command(flatten)]
    signing: SigningArgs,
    /// Fail where this could not be recorded in the audit log (see `attest audit`)
    #[arg(long)]
    require_audit: bool,
    /// Write the bundles to this file, one per line; it replaces one that is there
    #[arg(long, value_name = "FILE", help_heading = "Where it goes")]
    pub output: Option<PathBuf>,
    /// Attach nothing; needs --output for images
    #[arg(long, help_heading = "Where it goes")]
    pub no_attach: bool,
    /// Repository that keeps the attestations, if not the subject's own
    #[arg(long, value_name = "REPOSITORY", env = "COSIGN_REPOSITORY", help_heading = "Where it goes")]
    pub attestation_repository: Option<String>,
    /// Sign the charter's snapshot too, its title and text, and attach it beside the attestation
    #[arg(long, help_heading = "Where it goes", conflicts_with = "predicate")]
    pub attach_charter: bool,
}

/// What may be forgotten where a word behind a subject is no file, or a flag is none of ours.
pub(in crate::cli) const FORGOTTEN: &str =
    "check the names; a build step stands behind `--`: attest create app --key attest.key -- make app";

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

/// The command line, as what a plan is carried out with.
struct Here<'a> {
    args: &'a CreateArgs,
    common: &'a Common,
    ui: &'a Ui,
    env: &'a Environment,
    method: Method,
    outbox: Option<Outbox>,
}

impl Caller for Here<'_> {
    type Error = Failure;

    fn is_outage(error: &Failure) -> bool {
        error.exit == Exit::Unknown
    }

    fn now(&self) -> Timestamp {
        places::now()
    }

    fn note(&self, text: &str) {
        self.ui.note(text);
    }

    async fn charter(&self, context: &mut Context) -> Result<Option<Further>, Failure> {
        let Self { args, common, ui, env, .. } = *self;
        charter::capture(&args.build, args.attach_charter, context, env, common, ui).await
    }

    async fn prepared(&self) -> Result<(), Failure> {
        let Self { args, common, ui, .. } = *self;
        self.method.look()?;
        let can_wait = self.outbox.is_some();
        if !can_wait && args.output.is_none() {
            for path in build::default_outputs(&args.subjects) {
                files::writable(&path, true)?;
            }
        }
        if args.no_attach {
            return Ok(());
        }
        match build::pushable(&args.subjects, common, args.attestation_repository.as_deref()).await {
            // What an outage keeps back waits.
            Err(failure) if can_wait && Self::is_outage(&failure) => {
                ui.note(&format!("before the build step: {}", failure.message))
            }
            done => done?,
        }
        Ok(())
    }

    fn stepped(&self) {
        for path in self.common.registries.changed() {
            let path = path.display();
            let why = "what it said before counts: log in before `attest create`";
            self.ui.note(&format!("the build step changed `{path}`; {why}"));
        }
    }

    async fn signing(&self) -> Result<Signing, Failure> {
        self.method.open(self.common, self.ui).await
    }

    async fn subjects(&self) -> Result<Subjects, Failure> {
        let Self { args, common, ui, env, .. } = *self;
        let store = args.attestation_repository.as_deref();
        let found = build::subjects(&args.subjects, args.list.as_deref(), env, common, store, ui).await;
        found.map_err(|failure| match args.subjects.as_slice() {
            [_, _, ..] if args.command.is_empty() && failure.code == codes::FILE_UNREADABLE => {
                Failure { hint: Some(FORGOTTEN), ..failure }
            }
            _ => failure,
        })
    }

    fn writable(&self, path: &Path) -> Result<(), Failure> {
        Ok(files::writable(path, false)?)
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> Result<(), Failure> {
        Ok(files::replace(path, bytes)?)
    }

    fn add(&self, path: &Path, bundles: &[&[u8]], same: Same<'_>) -> Result<Vec<Added>, Failure> {
        Ok(evidence::add(path, bundles, same, self.common.timeout.min(evidence::PATIENCE))?)
    }

    fn takes_more(&self, path: &Path) -> Result<(), Failure> {
        Ok(evidence::takes_more(path)?)
    }

    fn has_outbox(&self) -> bool {
        self.outbox.is_some()
    }

    fn keep(&self, entry: &Entry) -> Option<Result<Digest, Failure>> {
        Some(self.outbox.as_ref()?.keep(entry).map_err(Failure::from))
    }
}
