//! `attest create`

use crate::capture::step;
use crate::capture::step::{BuildStep, Watch, Watched};
use crate::capture::{Context, Environment, Local};
use crate::cli::Ui;
use crate::cli::args::build;
use crate::cli::args::build::Subjects;
use crate::cli::args::charter;
use crate::cli::args::signing::{Signing, SigningArgs};
use crate::cli::args::subject::SubjectSpec;
use crate::cli::args::target::{Resolved, SHARED_BUNDLES};
use crate::cli::args::{BuildArgs, Common, Format};
use crate::cli::cmd::attach::{AttachedReport, attach_one};
use crate::cli::exit::{Exit, Failure, Outcome, codes};
use crate::cli::outbox::Outbox;
use crate::cli::show::kept::{Left, run_of};
use crate::cli::show::progress;
use crate::cli::show::sanitize::line;
use crate::flow::{self, Destination};
use crate::model::plural::counted;
use crate::model::{Digest, PredicateUri, Statement, uri};
use crate::places::{self, files};
use crate::sign::key_file_facts;
use crate::verify::Signer;
use clap::Args;
use serde_json::json;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Run a build step, capture its context, sign it and attach it
///
/// The attestation of an image is attached to it; that of one file is written beside it as FILE.sigstore.json, that of
/// several as attest.sigstore.jsonl. The bundle is verified before it is published. The exit code of a build step that
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
    /// What is attested: REPOSITORY@sha256:DIGEST, REPOSITORY:TAG, oci:PATH, files, globs, checksum files
    #[arg(value_name = "SUBJECT", required = true)]
    pub subjects: Vec<String>,
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
    /// Write the bundles to this file, one per line
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

/// What `attest create --format json` prints.
#[derive(Debug, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CreateReport {
    /// Always 1 for this document.
    pub schema_version: u32,
    /// Id of the key that signed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_id: Option<String>,
    /// The identity that signed, without a key of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity: Option<CreatedIdentity>,
    /// One entry per statement.
    pub statements: Vec<CreatedStatement>,
    /// The file that the bundles were written to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
    /// Where bundles were attached.
    pub attached: Vec<AttachedReport>,
}

/// The identity of the certificate that signed: what a verifier demands.
#[derive(Debug, Clone, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CreatedIdentity {
    /// Its subject alternative name.
    pub identity: String,
    /// The OpenID Connect issuer behind it.
    pub issuer: String,
}

/// A statement that was signed.
#[derive(Debug, Clone, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CreatedStatement {
    /// Digest of the signed bytes.
    pub statement_digest: String,
    /// Digest of the bundle.
    pub bundle_digest: String,
    /// Type of its predicate.
    pub predicate_type: String,
    /// How many subjects it has.
    pub subjects: usize,
}

/// Runs the command.
///
/// # Errors
/// [`Failure`].
pub async fn run(args: &CreateArgs, common: &Common, ui: &Ui) -> Result<Outcome, Failure> {
    // What can be known to be wrong is said before a build that may take an hour.
    let method = args.signing.method(ui.now)?;
    if !args.command.is_empty() {
        method.hides_secrets()?;
    }
    let env = places::environment()?;
    repository_is_used(args, &env)?;
    let outbox = args.outbox.as_deref().map(Outbox::open).transpose()?;
    if let (None, Some(path)) = (&outbox, &args.output) {
        // A folder that is missing may be made by the step.
        files::writable(path, !args.command.is_empty())?;
    }
    let given = build::given_predicate(&args.build, &env)?;
    let key_file = method.reference().map(key_file_facts).transpose()?.flatten();
    let variables: Vec<String> = method.variable().into_iter().collect();
    common.registries.prepare(&common.registry_settings(), &variables)?;
    let own = own_files(args, method.reference());
    let step = (!args.command.is_empty()).then_some(BuildStep {
        command: &args.command,
        keys: &variables,
        share_identity: args.share_identity,
    });
    let mut context = build::context(&args.build, &args.subjects, &own, step.as_ref(), &env, common)?;
    let snapshot = match &given {
        Some(_) => None,
        None => charter::capture(&args.build, args.attach_charter, &mut context, &env, common, ui).await?,
    };
    if args.attach_charter && snapshot.is_none() {
        let message = "--attach-charter: the charter is a file, whose digest the attestation has; attach it as a blob";
        return Err(Failure::usage(codes::USAGE, message));
    }
    step::keep_memory_private()?;
    if let Some(step) = &step {
        run_step(args, step, &mut context, &own, &env, common, ui)?;
    }
    let subjects = build::subjects(&args.subjects, &env, common, args.attestation_repository.as_deref()).await?;
    for r in &subjects.images {
        r.warn(ui);
    }
    // Keys are opened, and tokens fetched, after the step has ended and what is hashed is hashed: certificates live for minutes.
    let signing = method.open(common, ui).await;
    if let (Err(failure), true) = (&signing, method.has_identity())
        && (outbox.is_none() || failure.exit != Exit::Unknown)
    {
        return Err(failure.clone());
    }
    if let Some(identity) = signing.as_ref().ok().and_then(|s| s.identity.as_ref()) {
        context.signed_by(identity);
    }
    build::note_disagreements(&context, ui);
    let is_ours = given.is_none();
    // An identity that could not be had would have said who builds.
    let builder_is_open = given.is_none() && method.has_identity() && signing.as_ref().map_or(true, |s| s.is_open);
    let (kind, predicate) = match given {
        Some(given) => given,
        None => {
            let mut provenance = context.provenance();
            if key_file.is_some() && !args.command.is_empty() {
                // Same user, same file: the step could have read it.
                provenance.internal.insert("signingKey".into(), json!({ "readableByStep": true }));
            }
            (PredicateUri::slsa_provenance(), provenance.to_json())
        }
    };
    let secrets = build::secrets(&env, &variables, &context, ui);
    let mut statements = build::statements(subjects.all(), &kind, &predicate, &secrets)?;
    if let Some(snapshot) = snapshot.filter(|_| args.attach_charter) {
        statements.extend(build::statements(vec![snapshot.subject], &snapshot.kind, &snapshot.predicate, &secrets)?);
    }
    let folder = args.outbox.as_deref().unwrap_or_else(|| Path::new("")).display().to_string();
    let mut left = Left::new(outbox, folder, run_of(&env), method.name());
    let output = output(args, &subjects)?;
    if let (None, Some(path)) = (&args.outbox, &output) {
        // What is signed and then lost may be in a log for ever.
        files::writable(path, false)?;
    }
    let mut bundles = Vec::new();
    let mut report = CreateReport {
        schema_version: 1,
        key_id: None,
        identity: None,
        statements: Vec::new(),
        output: None,
        attached: Vec::new(),
    };
    report.key_id = signing.as_ref().ok().and_then(|s| Some(s.key.as_ref()?.id()));
    let mut failed = None;
    for statement in statements {
        match sign(statement, is_ours, &signing, &mut report, ui).await {
            Ok(signed) => bundles.push(signed),
            Err((statement, failure)) => {
                let kept = match statement {
                    Some((statement, parsed)) => {
                        let places = destinations(args, &subjects, &parsed, output.as_deref(), &env);
                        let open = builder_is_open && *parsed.predicate_type() == PredicateUri::slsa_provenance();
                        left.unsigned(statement, open, places, signing.as_ref().ok(), failure)
                    }
                    None => Err(failure),
                };
                if let Err(failure) = kept {
                    failed = Some(failure);
                    break;
                }
            }
        }
    }
    match &failed {
        None => failed = publish(args, &subjects, &bundles, output, &env, &mut left, &mut report, ui).await.err(),
        // All are published or none is; none is lost where there is an outbox.
        Some(failure) => {
            for (statement, bundle) in bundles {
                let places = destinations(args, &subjects, &statement, output.as_deref(), &env);
                left.signed(bundle, places, failure.clone())?;
            }
        }
    }
    left.end(failed)?;
    Ok(match common.format {
        Format::Json => Outcome::json(&report, Exit::Done),
        _ => Outcome::done(text(&report)),
    })
}

/// That a flag which names a repository for attestations has an image whose they would be. The variable may be set for
/// other commands.
fn repository_is_used(args: &CreateArgs, env: &Environment) -> Result<(), Failure> {
    let is_file = |text: &String| matches!(SubjectSpec::parse(text), Ok(SubjectSpec::File(_)));
    let named = args.attestation_repository.as_deref().filter(|r| env.variable("COSIGN_REPOSITORY") != Some(r));
    match named {
        Some(_) if args.subjects.iter().all(is_file) => {
            let message = "--attestation-repository keeps attestations of images, and no subject is one";
            Err(Failure::usage(codes::USAGE, message))
        }
        _ => Ok(()),
    }
}

/// Signs one statement, and notes it in the report. What could not be signed comes back with the failure, unless it may
/// not be signed later either.
async fn sign(
    statement: Vec<u8>,
    is_ours: bool,
    signing: &Result<Signing, Failure>,
    report: &mut CreateReport,
    ui: &Ui,
) -> Result<(Statement, Vec<u8>), (Option<(Vec<u8>, Statement)>, Failure)> {
    let parsed = Statement::parse(&statement).map_err(|e| (None, flow::PublishError::Statement(e).into()))?;
    let digest = Digest::sha256(&statement);
    let read = signing.as_ref().ok().and_then(|s| s.certificate.as_ref()).filter(|_| is_ours);
    if let Some(certificate) = read {
        build::agrees_beforehand(&parsed, certificate, ui).map_err(|e| (None, e))?;
    }
    let signed = match signing {
        Ok(signing) => signing.sign(statement.clone()).await,
        Err(failure) => Err(failure.clone()),
    };
    let (bundle, signer) = match signed {
        Ok(signed) => signed,
        Err(failure) => return Err((Some((statement, parsed)), failure)),
    };
    if is_ours && read.is_none() {
        build::agrees(&parsed, &signer, ui).map_err(|e| (None, e))?;
    }
    report.identity = identity_of(signer);
    report.statements.push(CreatedStatement {
        statement_digest: digest.to_string(),
        bundle_digest: Digest::sha256(&bundle).to_string(),
        predicate_type: parsed.predicate_type().to_string(),
        subjects: parsed.subjects().len(),
    });
    Ok((parsed, bundle))
}

fn identity_of(signer: Signer) -> Option<CreatedIdentity> {
    match signer {
        Signer::Certificate { identity, issuer, .. } => Some(CreatedIdentity { identity, issuer }),
        Signer::Key { .. } => None,
    }
}

/// Files of ours that may lie in the checkout and are no part of the source: the key pair, and the bundles of before.
fn own_files(args: &CreateArgs, reference: Option<&str>) -> Vec<PathBuf> {
    let key = reference.map(|r| PathBuf::from(r.strip_prefix("file:").unwrap_or(r)));
    let keys = key.into_iter().flat_map(|key| [key.with_extension("pub"), key]);
    let bundles = args.subjects.iter().map(|s| PathBuf::from(format!("{s}.sigstore.json")));
    let shared = args.subjects.iter().map(|s| Path::new(s).with_file_name(SHARED_BUNDLES));
    bundles.chain(shared).chain(args.output.clone()).chain(args.outbox.clone()).chain(keys).collect()
}

fn run_step(
    args: &CreateArgs,
    step: &BuildStep<'_>,
    context: &mut Context,
    own: &[PathBuf],
    env: &Environment,
    common: &Common,
    ui: &Ui,
) -> Result<(), Failure> {
    let local = Local { hash_time: common.timeout, ..Local::default() };
    let excluded = build::excluded(&args.subjects, own);
    let watch = Watch {
        env,
        globs: &args.products,
        excluded: &excluded,
        git_timeout: local.git_timeout,
        hash_time: local.hash_time,
    };
    let before = build::snapshot(&args.subjects, env, common)?;
    let watched = Watched::before(&watch);
    let ended = step::run(step, env, &crate::cli::now)?;
    if ended.is_still_open() {
        ui.note("the build step left a process running that still holds its output; what it writes from now on is not recorded");
    }
    if ended.code != 0 {
        let code = u8::try_from(ended.code).unwrap_or(1).max(1);
        let exit = ended.signal.map_or(Exit::Step(code), Exit::StepSignal);
        let message = match ended.signal {
            Some(signal) => format!("signal {signal} ended the build step; nothing was attested"),
            None => format!("the build step ended with {}; nothing was attested", ended.code),
        };
        return Err(Failure { exit, ..Failure::no(codes::STEP_FAILED, message) });
    }
    for path in common.registries.changed() {
        let path = path.display();
        ui.note(&format!("the build step changed `{path}`; what it said before counts: log in before `attest create`"));
    }
    let after = build::snapshot(&args.subjects, env, common)?;
    let unwritten = after.unwritten(&before);
    let name = |p: &PathBuf| p.strip_prefix(&env.working_dir).unwrap_or(p).display().to_string();
    let files = watched.changes(&watch, progress::hashing(common).as_ref());
    if let Some(record) = ended.record(unwritten.iter().map(name).collect(), files) {
        context.record_step(record);
    }
    context.look_for_trails(env, &local);
    Ok(())
}

/// The file that bundles are written to, if they are.
fn output(args: &CreateArgs, subjects: &Subjects) -> Result<Option<PathBuf>, Failure> {
    let default = match subjects.paths.as_slice() {
        _ if subjects.files.is_empty() => None,
        [one] if subjects.files.len() == 1 && !args.attach_charter => {
            let name = one.file_name().unwrap_or_default().to_string_lossy();
            Some(one.with_file_name(format!("{name}.sigstore.json")))
        }
        paths => Some(paths.first().and_then(|p| p.parent()).unwrap_or_else(|| Path::new("")).join(SHARED_BUNDLES)),
    };
    let output = args.output.clone().or(default);
    if args.no_attach && output.is_none() {
        return Err(Failure::usage(codes::USAGE, "--no-attach without --output leaves the bundle nowhere"));
    }
    Ok(output)
}

/// The images that a statement is about and that its bundle is attached to.
fn attached_to<'a>(args: &CreateArgs, subjects: &'a Subjects, statement: &Statement) -> Vec<&'a Resolved> {
    let beside = statement.predicate_type().as_str() == uri::CHARTER && args.attach_charter;
    let about = |r: &&Resolved| {
        let named = || statement.subjects().iter().any(|s| s.digest().strong().any(|d| d == r.artifact.digest));
        !args.no_attach && (beside || named())
    };
    subjects.images.iter().filter(about).collect()
}

fn image(args: &CreateArgs, resolved: &Resolved) -> Destination {
    let subject = format!("{}@{}", resolved.artifact.scope, resolved.artifact.digest);
    Destination::Image { subject, store: args.attestation_repository.clone() }
}

fn file(path: &Path, env: &Environment) -> Destination {
    Destination::File { path: env.working_dir.join(path).display().to_string() }
}

fn destinations(
    args: &CreateArgs,
    subjects: &Subjects,
    statement: &Statement,
    output: Option<&Path>,
    env: &Environment,
) -> Vec<Destination> {
    let file = output.map(|path| file(path, env));
    file.into_iter().chain(attached_to(args, subjects, statement).into_iter().map(|r| image(args, r))).collect()
}

#[expect(clippy::too_many_arguments, reason = "what goes where, and what is said of it")]
async fn publish(
    args: &CreateArgs,
    subjects: &Subjects,
    bundles: &[(Statement, Vec<u8>)],
    output: Option<PathBuf>,
    env: &Environment,
    left: &mut Left,
    report: &mut CreateReport,
    ui: &Ui,
) -> Result<(), Failure> {
    let mut failed = None;
    if let Some(path) = output.filter(|_| !bundles.is_empty()) {
        let mut lines = Vec::new();
        for (_, bundle) in bundles {
            lines.extend_from_slice(bundle);
            lines.push(b'\n');
        }
        match files::replace(&path, &lines) {
            Ok(()) => report.output = Some(path.display().to_string()),
            Err(e) => {
                let failure = Failure::from(e);
                for (_, bundle) in bundles {
                    if let Err(e) = left.signed(bundle.clone(), vec![file(&path, env)], failure.clone()) {
                        failed.get_or_insert(e);
                    }
                }
            }
        }
    }
    for resolved in &subjects.images {
        for (statement, bundle) in bundles {
            if attached_to(args, subjects, statement).iter().any(|r| std::ptr::eq(*r, resolved)) {
                match attach_one(resolved, bundle, ui.now).await {
                    Ok(attached) => report.attached.push(attached),
                    Err(failure) => {
                        if let Err(e) = left.signed(bundle.clone(), vec![image(args, resolved)], failure) {
                            failed.get_or_insert(e);
                        }
                    }
                }
            }
        }
    }
    failed.map_or(Ok(()), |mut failure| {
        failure.detail += &crate::cli::cmd::attach::text(&report.attached);
        Err(failure)
    })
}

fn text(report: &CreateReport) -> String {
    let mut out = String::new();
    for s in &report.statements {
        let _ = writeln!(
            out,
            "signed: {} about {}, {}",
            s.statement_digest,
            counted(s.subjects, "subject"),
            line(&s.predicate_type)
        );
    }
    if let Some(key) = &report.key_id {
        let _ = writeln!(out, "key: {key}");
    }
    if let Some(CreatedIdentity { identity, issuer }) = &report.identity {
        let _ = writeln!(out, "identity: {} (issuer {})", line(identity), line(issuer));
    }
    if let Some(path) = &report.output {
        let _ = writeln!(out, "wrote: {}", line(path));
    }
    out + &crate::cli::cmd::attach::text(&report.attached)
}
