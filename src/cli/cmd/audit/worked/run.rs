//! `attest audit run`

use super::WorkArgs;
use crate::audit::AuditError;
use crate::capture::step::{Passed, pass_through};
use crate::cli::args::Common;
use crate::cli::cmd::audit::record::{document, through_server_or_lock};
use crate::cli::exit::{Exit, Failure, Outcome};
use crate::cli::ui::Ui;
use crate::places::{self, AuditPlace, audit::VARIABLE, audit::random, files};
use crate::record::Draft;
use crate::record::draft::Origin;
use clap::Args;
use serde_json::json;
use std::path::Path;

/// Run a command as an execution: its start is recorded before it, its end behind it
///
/// It runs as if it had been typed alone: its streams, its exit code and its signals are passed on. ATTEST_EXECUTION, ATTEST_AGENT and the
/// others of their kind are set for it, so that hooks, `attest create` and the trailers of its commits join the execution. Where the
/// start cannot be recorded, that is said, counted, and the command runs all the same, unless --require-audit.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  attest audit run --agent platform/builder --task task-42 -- claude -p 'fix the login'
  attest audit run --agent platform/builder --requested-by github:583231 --tag team=core -- make release")]
pub(in crate::cli::cmd::audit) struct RunArgs {
    #[command(flatten)]
    work: WorkArgs,
    /// Do not run the command where its start cannot be recorded
    #[arg(long)]
    require_audit: bool,
    /// The command and its arguments
    #[arg(value_name = "COMMAND", last = true, required = true)]
    command: Vec<String>,
}

pub(in crate::cli::cmd::audit) fn run(
    args: &RunArgs,
    log: Option<&Path>,
    place: &AuditPlace,
    common: &Common,
    ui: &Ui,
) -> Result<Outcome, Failure> {
    // Without a log nothing could ever be recorded: that is a mistake of whoever wrote this.
    if !place.exists() && !place.socket().exists() {
        return Err(AuditError::Absent { place: place.folder.display().to_string() }.into());
    }
    let (id, drafts) = args.work.begins(document("execution_started", &[])?)?;
    let record = |drafts: &[Draft], what: &str| {
        let written = through_server_or_lock(drafts, place, common.timeout);
        let Err(e) = written else { return Ok(()) };
        if args.require_audit {
            return Err(Failure::from(e).context(format!("{what} was not recorded")));
        }
        let counted = match place.lose(drafts.len()) {
            Ok(()) => "the log will say so".to_owned(),
            Err(e) => format!("and the loss was not counted: {e}"),
        };
        ui.note(&format!("{what} was not recorded, {counted}: {e}"));
        Ok(())
    };
    record(&drafts, "the start")?;
    ui.note(&format!("execution {id}"));
    let passed = pass_through(&args.command, &variables(args, log, &id));
    let ended = match &passed {
        Ok(Passed { code: 0, .. }) => "success",
        // Who ends it by hand, or by a limit of time, ends it so.
        Ok(Passed { signal: Some(2 | 15), .. }) => "cancelled",
        Ok(_) | Err(_) => "failed",
    };
    let mut end = json!({ "kind": "execution_ended", "execution_id": id, "status": ended,
        "completed_at": places::now().to_string(), "source": "attest audit run",
        "known": { "status": "witnessed", "completed_at": "witnessed" } });
    if let Ok(passed) = &passed {
        end["exit_code"] = json!(passed.code);
        end["known"]["exit_code"] = json!("witnessed");
    }
    let end = record(&[Draft::read(&end, Origin::Typed, &mut random)?], "the end");
    let Passed { code, signal } = passed?;
    end?;
    let exit = match (u8::try_from(code).unwrap_or(1), signal) {
        (_, Some(signal)) => Exit::StepSignal(signal),
        (0, None) => Exit::Done,
        (code, None) => Exit::Step(code),
    };
    Ok(Outcome { exit, ..Outcome::done(Vec::new()) })
}

/// What the command is handed, so that what records itself below it is of this execution.
fn variables(args: &RunArgs, log: Option<&Path>, id: &str) -> Vec<(&'static str, String)> {
    let agent = args.work.agent();
    let (squad, name) = agent.rsplit_once('/').map_or((None, agent.as_str()), |(squad, name)| (Some(squad), name));
    let mut out = vec![("ATTEST_EXECUTION", id.to_owned()), ("ATTEST_AGENT", name.to_owned())];
    let given = [
        ("ATTEST_SQUAD", squad),
        ("ATTEST_TASK", args.work.task.as_deref()),
        ("ATTEST_TRIGGER", args.work.trigger.as_deref()),
        ("ATTEST_MODEL", args.work.model.as_deref()),
    ];
    out.extend(given.into_iter().filter_map(|(name, value)| Some((name, value?.to_owned()))));
    // A relative one would be another where the command changes its folder.
    out.extend(log.map(|log| (VARIABLE, files::real(log).display().to_string())));
    out
}
