//! `attest audit`

mod anchor;
mod ask;
mod erase;
mod handout;
pub(in crate::cli) mod hook;
mod import;
mod init;
mod itself;
mod keep;
mod matching;
mod proof;
mod quickstart;
mod record;
mod replicate;
mod report;
mod serve;
mod session;
mod show;
mod trusted;
mod verify;
mod worked;

pub use anchor::AnchorReport;
pub(in crate::cli) use ask::Open;
pub use ask::{
    BlastReport, HistoryReport, LogsReport, QueryReport, SessionsReport, StateReport, StatsReport, TimelineReport,
    TraceReport, WhoReport,
};
pub use erase::EraseReport;
pub use handout::{ExportReport, Line, Manifest, ProofsReport};
pub use import::ImportReport;
pub use init::InitReport;
pub(in crate::cli) use itself::{beside, record as record_itself};
pub use keep::hold::HoldReport;
pub use keep::{KeysReport, RetainReport};
pub use matching::MatchReport;
pub use record::RecordReport;
pub use replicate::ReplicateReport;
pub use report::WeekReport;
pub use session::SessionReport;
pub use show::ShowReport;
pub use verify::{BundleReport, ReceiptReport, VerifyReport};

use crate::audit::AuditError;
use crate::audit::replica::ReplicaError;
use crate::cli::args::{Common, Format};
use crate::cli::exit::{Exit, Failure, Outcome};
use crate::cli::ui::Ui;
use crate::places::AuditPlace;
use crate::record::RecordError;
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// Keep a tamper-evident log of what agents did, and prove what is in it
///
/// The log is a folder: entries that stay for ever in a transparency log, and what they say, encrypted, so that it can be
/// destroyed without breaking a proof. It is where --log or ATTEST_AUDIT_LOG says, else in the user's folder of state.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  attest audit quickstart
  attest audit init --origin audit.example.com/team
  attest audit start --agent platform/builder --task task-42
  attest audit record action execution_id=exec-1 action_type=file_modify target=src/lib.rs
  attest audit history --days 7
  attest audit show exec-1
  attest audit logs exec-1 --failed
  attest audit verify")]
pub struct AuditCommand {
    /// Folder of the log [env: ATTEST_AUDIT_LOG=]
    #[arg(long, global = true, value_name = "DIR")]
    log: Option<PathBuf>,
    #[command(subcommand)]
    which: Which,
}

#[derive(Clone, Debug, Subcommand)]
enum Which {
    Quickstart(quickstart::QuickstartArgs),
    Init(init::InitArgs),
    Record(record::RecordArgs),
    Import(import::ImportArgs),
    Hook(hook::HookArgs),
    Start(worked::StartArgs),
    Finish(worked::FinishArgs),
    Run(worked::run::RunArgs),
    Tag(worked::said::TagArgs),
    Decide(worked::said::DecideArgs),
    Exception(worked::said::ExceptionArgs),
    Outcome(worked::said::OutcomeArgs),
    Show(show::ShowArgs),
    History(ask::history::HistoryArgs),
    Stats(ask::stats::StatsArgs),
    Sessions(ask::sessions::SessionsArgs),
    Logs(ask::logs::LogsArgs),
    Query(ask::query::QueryArgs),
    Trace(ask::trace::TraceArgs),
    WhoApproved(ask::trace::WhoArgs),
    BlastRadius(ask::blast::BlastArgs),
    Timeline(ask::timeline::TimelineArgs),
    State(ask::state::StateArgs),
    Report(report::ReportArgs),
    Export(handout::export::ExportArgs),
    Match(matching::MatchArgs),
    Verify(verify::VerifyArgs),
    Prove(proof::ProveArgs),
    Checkpoint(proof::CheckpointArgs),
    Anchor(anchor::AnchorArgs),
    Replicate(replicate::ReplicateArgs),
    Serve(serve::ServeArgs),
    Retain(keep::RetainArgs),
    Erase(erase::EraseArgs),
    Hold(keep::hold::HoldArgs),
    Keys(keep::KeysArgs),
}

impl Which {
    /// Whether it takes in what hooks left before it does anything else: so that it is recorded, asked, held and erased, too.
    fn takes_in(&self) -> bool {
        !matches!(
            self,
            Self::Quickstart(_) | Self::Init(_) | Self::Hook(_) | Self::Serve(_) | Self::Keys(_) | Self::Checkpoint(_)
        )
    }
}

impl AuditCommand {
    /// Whether its answer is rows, which can be printed as CSV.
    pub(in crate::cli) fn gives_rows(&self) -> bool {
        matches!(
            self.which,
            Which::History(_)
                | Which::Stats(_)
                | Which::Sessions(_)
                | Which::Logs(_)
                | Which::Query(_)
                | Which::BlastRadius(_)
                | Which::Timeline(_)
        )
    }
}

impl AuditCommand {
    /// Whether its answer can be drawn.
    pub(in crate::cli) fn gives_pictures(&self) -> bool {
        matches!(self.which, Which::BlastRadius(_) | Which::Trace(_))
    }
}

impl From<AuditError> for Failure {
    fn from(e: AuditError) -> Self {
        Self::of(e.code(), e.to_string())
    }
}

impl From<ReplicaError> for Failure {
    fn from(e: ReplicaError) -> Self {
        Self::of(e.code(), e.to_string())
    }
}

impl From<RecordError> for Failure {
    fn from(e: RecordError) -> Self {
        Self::of(e.code(), e.to_string())
    }
}

impl Which {
    /// Whether it is a question: its answer rests on all that was recorded.
    fn asks(&self) -> bool {
        matches!(
            self,
            Self::Show(_)
                | Self::History(_)
                | Self::Stats(_)
                | Self::Sessions(_)
                | Self::Logs(_)
                | Self::Query(_)
                | Self::Trace(_)
                | Self::WhoApproved(_)
                | Self::BlastRadius(_)
                | Self::Timeline(_)
                | Self::State(_)
                | Self::Report(_)
                | Self::Export(_)
        )
    }
}

/// Runs the command.
///
/// # Errors
/// [`Failure`].
pub async fn run(command: &AuditCommand, common: &Common, ui: &Ui) -> Result<Outcome, Failure> {
    let answer = carry_out(command, common, ui).await;
    if !command.which.asks() {
        return answer;
    }
    match AuditPlace::find(command.log.as_deref()).and_then(|place| place.is_whole()) {
        Err(damage @ AuditError::Damaged { .. }) => in_part(answer, &damage, common, ui),
        _ => answer,
    }
}

/// An answer from what is left of a log whose end is gone: said with it, and never an answer that is whole.
fn in_part(
    answer: Result<Outcome, Failure>,
    damage: &AuditError,
    common: &Common,
    ui: &Ui,
) -> Result<Outcome, Failure> {
    let hole = format!("HOLE {damage}; whatever was recorded from there on is not in this answer: attest audit verify");
    match answer {
        Ok(mut outcome) if common.format == Format::Text => {
            outcome.stdout.extend(format!("{hole}\n").bytes());
            Ok(Outcome { exit: Exit::Unknown, ..outcome })
        }
        // What a program reads keeps its form: it is told by the exit code, and whoever looks on by a line beside it.
        Ok(outcome) => {
            ui.note(&hole);
            Ok(Outcome { exit: Exit::Unknown, ..outcome })
        }
        Err(mut failure) => {
            failure.exit = Exit::Unknown;
            failure.detail += &format!("{hole}\n");
            Err(failure)
        }
    }
}

async fn carry_out(command: &AuditCommand, common: &Common, ui: &Ui) -> Result<Outcome, Failure> {
    let find = || AuditPlace::find(command.log.as_deref());
    if command.which.takes_in()
        && let Ok(place) = find()
        && place.exists()
    {
        // What fails now is tried again by the next command.
        let _ = itself::told(&place, common.timeout);
        if let Err(e) = hook::take_in(&place, common.timeout) {
            ui.note(&format!("not all that hooks left could be taken in: {}", e.message));
        }
    }
    match &command.which {
        Which::Quickstart(args) => quickstart::run(args),
        Which::Init(args) => init::run(args, &find()?, common, ui),
        Which::Record(args) => record::run(args, &find()?, common, ui),
        Which::Import(args) => import::run(args, &find()?, common),
        Which::Hook(args) => hook::run(args, command.log.as_deref(), &find()?, common, ui),
        Which::Start(args) => worked::start(args, &find()?, common),
        Which::Finish(args) => worked::finish(args, &find()?, common),
        Which::Run(args) => worked::run::run(args, command.log.as_deref(), &find()?, common, ui),
        Which::Tag(args) => worked::said::tags(args, &find()?, common),
        Which::Decide(args) => worked::said::decide(args, &find()?, common),
        Which::Exception(args) => worked::said::exception(args, &find()?, common),
        Which::Outcome(args) => worked::said::outcome(args, &find()?, common),
        Which::Show(args) => show::run(args, &find()?, common),
        Which::History(args) => ask::history::run(args, &find()?, common),
        Which::Stats(args) => ask::stats::run(args, &find()?, common),
        Which::Sessions(args) => ask::sessions::run(args, &find()?, common),
        Which::Logs(args) => ask::logs::run(args, &find()?, common),
        Which::Query(args) => ask::query::run(args, &find()?, common, ui),
        Which::Trace(args) => ask::trace::run(args, &find()?, common),
        Which::WhoApproved(args) => ask::trace::who(args, &find()?, common),
        Which::State(args) => ask::state::run(args, &find()?, common),
        Which::Timeline(args) => ask::timeline::run(args, &find()?, common),
        Which::BlastRadius(args) => ask::blast::run(args, &find()?, common),
        Which::Report(args) => report::run(args, &find()?, common),
        Which::Export(args) => handout::export::run(args, &find()?, common),
        Which::Match(args) => matching::run(args, &find()?, common),
        Which::Verify(args) => verify::run(args, &find()?, common).await,
        Which::Prove(args) => proof::prove(args, &find()?),
        Which::Checkpoint(_) => proof::checkpoint(&find()?),
        Which::Anchor(args) => anchor::run(args, &find()?, common).await,
        Which::Replicate(args) if args.prints_schema() => replicate::schema(),
        Which::Replicate(args) => replicate::run(args, &find()?, common).await,
        Which::Serve(args) => serve::run(args, &find()?, common, ui).await,
        Which::Retain(args) => keep::retain(args, &find()?, common),
        Which::Erase(args) => erase::run(args, &find()?, common),
        Which::Hold(args) => keep::hold::run(args, &find()?, common),
        Which::Keys(_) => keep::keys(&find()?, common),
    }
}
