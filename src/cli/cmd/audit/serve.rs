//! `attest audit serve`

use super::{hook, trusted};
use crate::audit::witness::Watcher;
use crate::cli::args::Common;
use crate::cli::exit::{Failure, Outcome, codes};
use crate::cli::ui::Ui;
use crate::model::{code, limits};
use crate::places::audit::random;
use crate::places::files;
use crate::places::{self, AuditPlace};
use crate::server::{Http, Parts, Site, Socket, Telemetry, Tokens, Writer};
use clap::Args;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

/// Write the log for every process of this machine, publish it over HTTP, and be a witness of other logs
///
/// Processes of this machine hand in records through a Unix socket: what comes together goes to the disk together, and is
/// acknowledged when it is durable. `attest audit record`, `create` and `verify` use the socket by themselves where there is one.
/// With --listen, everybody may read the checkpoint and the tiles (C2SP tlog-tiles), which hold nothing that anybody said. With
/// --token-file, machines that have a token of it may send telemetry (OTLP/HTTP in JSON, `/v1/logs` and `/v1/traces`). With
/// --witness, this server cosigns checkpoints of the logs of a policy file (C2SP tlog-witness), and never two histories of one.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  attest audit serve
  attest audit serve --listen 127.0.0.1:8080
  attest audit serve --listen 127.0.0.1:4318 --token-file tokens      lines: the name of a machine, its token
  attest audit serve --listen 127.0.0.1:8080 --witness others.policy")]
pub(super) struct ServeArgs {
    /// Address and port of HTTP
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
    /// Path of the socket; `socket` in the log's folder unless told. Others find it by ATTEST_AUDIT_SOCKET
    #[arg(long, value_name = "PATH")]
    socket: Option<PathBuf>,
    /// Publish a signed checkpoint before each acknowledgement, not up to a second after it
    #[arg(long)]
    sync: bool,
    /// C2SP policy file whose `log` lines are the logs to be a witness of
    #[arg(long, value_name = "FILE", requires = "listen")]
    witness: Option<PathBuf>,
    /// Machines that may send telemetry: on each line a name, and a token of at least 32 characters that its `authorization: Bearer` shows
    #[arg(long, value_name = "FILE", requires = "listen")]
    token_file: Option<PathBuf>,
}

pub(super) async fn run(args: &ServeArgs, place: &AuditPlace, common: &Common, ui: &Ui) -> Result<Outcome, Failure> {
    let settings = place.settings()?;
    let watcher = match &args.witness {
        Some(path) => {
            let policy = trusted::policy(path)?;
            if policy.logs.is_empty() {
                let message = format!("--witness: {} has no `log` line", path.display());
                return Err(Failure::usage(codes::USAGE, message));
            }
            let logs = policy.logs.into_iter().map(|(key, _)| key).collect();
            let (cosigner, store) = place.witness(&settings)?;
            ui.note(&format!("witness {}", cosigner.key().key()));
            let watcher = Watcher::new(logs, cosigner, Box::new(store));
            watcher.ready()?;
            Some(Mutex::new(watcher))
        }
        None => None,
    };
    let tokens = args.token_file.as_deref().map(tokens).transpose()?;
    let opens = place.clone();
    let patience = common.timeout;
    let open = Box::new(move || Ok((opens.writer(patience)?, opens.index()?)));
    let parts = Parts { open, now: places::now, random, sync: args.sync };
    let (writer, thread) = Writer::start(parts)?;
    let path = args.socket.clone().unwrap_or_else(|| place.socket());
    let socket = Socket::listen(&path, writer.clone(), random, hook::late(place))?;
    hook::beside(place);
    ui.note(&format!("records are handed in at {}", path.display()));
    let ended = places::told_to_end()?;
    let http = match args.listen {
        Some(address) => {
            let telemetry = tokens.map(|tokens| Telemetry { writer: writer.clone(), tokens, random });
            if telemetry.is_some() && !address.ip().is_loopback() {
                ui.note("tokens and telemetry come over this address in clear: let a proxy with TLS stand before it");
            }
            let site = Site { published: place.published(), watcher, telemetry, now: places::now };
            let (http, served) = Http::listen(address, site).await?;
            ui.note(&format!("listening on http://{}", served.0));
            Some(http)
        }
        None => None,
    };
    let serving = async {
        match http {
            Some(http) => http.serve().await,
            None => std::future::pending().await,
        }
    };
    let dead = async {
        while !thread.is_finished() {
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    };
    tokio::select! {
        () = serving => {}
        () = dead => {}
        _ = ended => {}
    }
    drop(socket);
    // Everything that was handed in is written and published before this process ends.
    let finished = writer.finish(thread);
    match finished {
        true => Ok(Outcome::done(Vec::new())),
        false => Err(Failure::of(code::INTERNAL, "the thread that writes the log was stopped by a defect of attest")),
    }
}

/// The tokens of a file.
fn tokens(path: &Path) -> Result<Tokens, Failure> {
    let text = files::read(path, limits::SERVER_TOKENS_BYTES)?;
    Ok(Tokens::read(&format!("--token-file {}", path.display()), &String::from_utf8_lossy(&text))?)
}
