//! `attest admission serve`

use super::given::{Given, deadlines};
use crate::cli::args::{Common, duration};
use crate::cli::cmd::audit::beside;
use crate::cli::exit::{Failure, Outcome, codes};
use crate::cli::ui::Ui;
use crate::model::{code, limits};
use crate::places::{self, PlaceError, PolicyPlaces, files};
use crate::policy::Policy;
use crate::webhook::{Certificate, Decider, Door, Known, Outlets, Router, Watch};
use clap::Args;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;

/// Answer the API server of a cluster
///
/// Policies, certificate and key are read again when they change; a policy that cannot be read denies everything until it can. One
/// line of JSON is written for each review. Where there is an audit log, each decision is recorded in it.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  attest admission serve --policy policies/ --tls-cert tls.crt --tls-key tls.key
  attest admission serve --policy policies/ --tls-cert tls.crt --tls-key tls.key --evidence-age 6h --memory 256")]
pub(super) struct ServeArgs {
    /// Certificate of the webhook (PEM), its chain behind it
    #[arg(long, value_name = "FILE")]
    tls_cert: PathBuf,
    /// Key of the certificate (PEM)
    #[arg(long, value_name = "FILE")]
    tls_key: PathBuf,
    /// Where the API server asks: /validate and /mutate
    #[arg(long, value_name = "ADDRESS", default_value = "[::]:8443")]
    listen: SocketAddr,
    /// Where probes and metrics are asked for, without TLS: /livez, /readyz, /metrics
    #[arg(long, value_name = "ADDRESS", default_value = "[::]:8080")]
    watch: SocketAddr,
    /// How old a registry's listing of attestations may be on which an admission rests
    #[arg(long, value_name = "TIME", default_value = "24h", value_parser = duration)]
    evidence_age: Duration,
    /// Evidence that is remembered (MiB)
    #[arg(long, value_name = "MIB", default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=16384))]
    memory: u16,
    /// How long it still answers after it was told to end
    #[arg(long, value_name = "TIME", default_value = "15s", value_parser = duration)]
    drain: Duration,
    #[command(flatten)]
    given: Given,
}

/// How often files are looked at.
const LOOK: Duration = Duration::from_secs(1);
/// How often the kept trusted roots are read again.
const ROOTS: Duration = Duration::from_secs(3600);

pub(super) async fn run(args: &ServeArgs, common: &Common) -> Result<Outcome, Failure> {
    let (args, common) = (args.clone(), common.clone());
    // Verification takes cores, and what waits for sockets must not wait for it.
    let served = tokio::task::spawn_blocking(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
        let failed =
            |e: std::io::Error| Failure::unknown(codes::OUTPUT, format!("the runtime could not be started: {e}"));
        let runtime = runtime.map_err(failed)?;
        let outcome = runtime.block_on(serve(&args, &common, &Ui::of_process(common.quiet)));
        runtime.shutdown_background();
        outcome
    });
    let stopped = |_| Err(Failure::of(code::INTERNAL, "a defect of attest stopped the webhook"));
    served.await.unwrap_or_else(stopped)
}

async fn serve(args: &ServeArgs, common: &Common, ui: &Ui) -> Result<Outcome, Failure> {
    let files = Files::read(args)?;
    let certificate = Certificate::new(&files.certificate, &files.key).map_err(|why| unusable(args, &why))?;
    let seen = seen(&args.given);
    let roots = args.given.roots(&|n| ui.note(n)).await?;
    if matches!(&seen, Ok(policies) if policies.is_empty()) {
        args.given.policies()?;
    }
    let mark = marked(&seen);
    if let Err((code, why)) = &seen {
        ui.note(&format!("nothing is admitted until the policies can be read: {code}: {why}"));
    }
    let age = i64::try_from(args.evidence_age.as_secs()).unwrap_or(i64::MAX);
    let known = Known { policies: seen, roots };
    let decider = args.given.decider(known, common, age, usize::from(args.memory) << 20)?;
    let outlets = Outlets { deadlines, stopwatch: places::stopwatch, journal: Box::new(tell), record: beside(common) };
    let router = Arc::new(Router::new(decider.clone(), args.given.bearers()?, outlets));
    let ends = |certificate: &Certificate, router: &Router| {
        if let Some(at) = certificate.ends() {
            router.certificate_ends(at);
        }
    };
    ends(&certificate, &router);
    let listening =
        |at: SocketAddr, e: std::io::Error| Failure::unknown(codes::OUTPUT, format!("cannot listen at {at}: {e}"));
    let door = Door::listen(args.listen, &certificate, router.clone()).await.map_err(|e| listening(args.listen, e))?;
    let watch = Watch::listen(args.watch, router.clone()).await.map_err(|e| listening(args.watch, e))?;
    let (at, watched) = (door.address(), watch.address());
    if let (Ok(at), Ok(watched)) = (at, watched) {
        ui.note(&format!("answering at https://{at}, watched at http://{watched}"));
    }
    let told = places::told_to_end()?;
    tokio::spawn(door.serve());
    tokio::spawn(watch.serve());
    let mut following = std::pin::pin!(follow(args, &decider, &certificate, &files, mark, |c| ends(c, &router)));
    tokio::select! {
        () = &mut following => {}
        _ = told => {}
    }
    router.leave();
    ui.note(&format!("told to end: answering for {} s more", args.drain.as_secs()));
    // What changes meanwhile counts, too.
    tokio::select! {
        () = following => {}
        () = sleep(args.drain) => {}
    }
    Ok(Outcome::done(Vec::new()))
}

/// The certificate and its key as they are in their files.
#[derive(PartialEq, Eq)]
struct Files {
    certificate: Vec<u8>,
    key: Vec<u8>,
}

impl Files {
    fn read(args: &ServeArgs) -> Result<Self, PlaceError> {
        let read = |path: &Path| files::read(path, limits::KEY_BYTES * 16);
        Ok(Self { certificate: read(&args.tls_cert)?, key: read(&args.tls_key)? })
    }
}

fn unusable(args: &ServeArgs, why: &str) -> Failure {
    let (cert, key) = (args.tls_cert.display(), args.tls_key.display());
    Failure::usage(codes::FILE_UNREADABLE, format!("--tls-cert `{cert}` and --tls-key `{key}`: {why}"))
}

/// Policies as they are in their files.
type Seen = Result<Vec<Policy>, (crate::model::Code, String)>;

fn seen(given: &Given) -> Seen {
    PolicyPlaces::of_process(&given.policy).load().map_err(|e| (e.code(), e.to_string()))
}

/// What tells one state of the policies from another.
fn marked(seen: &Seen) -> String {
    match seen {
        Ok(policies) => {
            let each = policies.iter().map(|p| format!("{} {:?}", p.origin, p.digest));
            each.collect::<Vec<_>>().join("\n")
        }
        Err((code, why)) => format!("{code}: {why}"),
    }
}

/// Takes up what changes, for ever. What is there now counts, be it good or bad, but for a certificate that does not fit its key:
/// then the old pair serves on.
async fn follow(
    args: &ServeArgs,
    decider: &Arc<Decider>,
    certificate: &Arc<Certificate>,
    first: &Files,
    mut mark: String,
    changed: impl Fn(&Certificate),
) {
    let mut files = Files { certificate: first.certificate.clone(), key: first.key.clone() };
    let mut roots = Duration::ZERO;
    loop {
        sleep(LOOK).await;
        roots += LOOK;
        if let Ok(now) = Files::read(args)
            && now != files
        {
            match certificate.replace(&now.certificate, &now.key) {
                Ok(()) => {
                    tell(&json!({ "time": places::now().to_string(), "event": "certificate-replaced" }));
                    changed(certificate);
                }
                Err(why) => {
                    tell(&json!({ "time": places::now().to_string(), "event": "certificate-refused", "why": why }))
                }
            }
            files = now;
        }
        let given = args.given.clone();
        let Ok(now) = tokio::task::spawn_blocking(move || seen(&given)).await else { continue };
        let new = marked(&now);
        if new == mark && roots < ROOTS {
            continue;
        }
        // Roots that cannot be read now are those of before: they are the machine's own.
        let Ok(read) = args.given.roots(&|_| ()).await else { continue };
        roots = Duration::ZERO;
        if new != mark {
            let event = match &now {
                Ok(policies) => {
                    json!({ "time": places::now().to_string(), "event": "policies-read", "policies": policies.len() })
                }
                Err((code, why)) => {
                    json!({ "time": places::now().to_string(), "event": "policies-unreadable", "code": code.as_str(), "why": why })
                }
            };
            tell(&event);
        }
        decider.learn(Known { policies: now, roots: read });
        mark = new;
    }
}

/// A line of JSON on standard output. Whoever reads it may be gone: the answers go on.
fn tell(value: &Value) {
    use std::io::Write as _;
    let line = crate::cli::show::sanitize::json(&value.to_string()) + "\n";
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(line.as_bytes()).and_then(|()| out.flush());
}
