//! What hooks left in a spool goes into the log, transcripts of sessions that ended too, and what was lost is said there.

use crate::audit::{AuditError, LogStore as _};
use crate::cli::cmd::audit::record::through_server_or_lock;
use crate::cli::exit::Failure;
use crate::flow::audit;
use crate::flow::audit::hooked::{self, Counted};
use crate::flow::audit::session::Intake;
use crate::model::limits;
use crate::places::spool::Waiting;
use crate::places::{self, AuditPlace, Spool, audit::random, files, lines};
use crate::record::Draft;
use crate::record::draft::Origin;
use serde_json::json;
use std::ffi::OsStr;
use std::path::Path;
use std::time::Duration;

/// How long the log is waited for: what is taken in beside a command must not hold it up.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long a session's files are left alone behind its last event before what was taken in is overwritten.
const LEFT: Duration = Duration::from_secs(60);

/// Takes in what there is; nothing where another process does. A command goes on whatever comes of it.
///
/// # Errors
/// [`Failure`] of the first session that could not be taken in; the others are.
pub(in crate::cli) fn take_in(place: &AuditPlace, patience: Duration) -> Result<(), Failure> {
    let Some(spool) = Spool::of(place) else { return Ok(()) };
    let unread = |e: std::io::Error| {
        Failure::from(AuditError::Unreadable { what: "the spool of hooks".into(), cause: e.to_string() })
    };
    let settles = Duration::from_secs(match place.socket().exists() {
        true => limits::HOOK_SERVER_SECONDS,
        false => limits::HOOK_QUIET_SECONDS,
    });
    let is_due = |session: &Waiting| is_due(session, settles);
    if !spool.waiting().map_err(unread)?.iter().any(is_due) {
        return Ok(());
    }
    let Some(_held) = spool.taker() else { return Ok(()) };
    let mut failed = None;
    // It is looked again, now that nobody else takes in.
    for session in spool.waiting().map_err(unread)?.into_iter().filter(|session| is_due(session)) {
        let settles = session.quiet >= settles;
        let taken = one(&spool, session, place, (patience.min(PATIENCE), settles));
        failed = failed.or_else(|| taken.err());
    }
    failed.map_or(Ok(()), Err)
}

/// Whether there is anything to do for a session.
fn is_due(session: &Waiting, settles: Duration) -> bool {
    let quiet = |seconds: u64| session.quiet >= Duration::from_secs(seconds);
    session.spooled > session.taken.bytes
        || (session.counted > session.taken.settled && session.quiet >= settles)
        || wants_import(session)
        || (session.spooled > 0 && session.quiet >= LEFT)
        || quiet(limits::HOOK_KEPT_DAYS * 86_400)
}

/// Whether the transcript of a session is to be imported: it ended, or nothing was heard of it for long.
fn wants_import(session: &Waiting) -> bool {
    let Some(path) = &session.transcript else { return false };
    let idle = session.quiet >= Duration::from_secs(limits::HOOK_IDLE_SECONDS);
    session.ended || (idle && files::size(path).is_some_and(|size| size != session.taken.transcript))
}

/// Takes in one session. With `settles` all that is under way of it has arrived or is lost.
fn one(
    spool: &Spool,
    mut session: Waiting,
    place: &AuditPlace,
    (patience, settles): (Duration, bool),
) -> Result<(), Failure> {
    let is_old = session.quiet >= Duration::from_secs(limits::HOOK_KEPT_DAYS * 86_400);
    loop {
        let (bytes, end) = spool.lines(&session).map_err(unwritten)?;
        if end == session.taken.bytes {
            break;
        }
        let drafts = hooked::waited(&bytes, &mut random);
        if !drafts.is_empty() {
            through_server_or_lock(&drafts, place, patience)?;
        }
        session.taken.bytes = end;
        spool.took(&session, session.taken).map_err(unwritten)?;
    }
    if let Some(path) = session.transcript.clone().filter(|_| wants_import(&session)) {
        session.taken.transcript = files::size(&path).unwrap_or(0);
        import(&session, &path, place, patience)?;
        spool.took(&session, session.taken).map_err(unwritten)?;
        if session.ended {
            spool.imported(&session).map_err(unwritten)?;
        }
    }
    if settles && session.counted > session.taken.settled && settle(&session, place, patience)? {
        session.taken.settled = session.counted;
        spool.took(&session, session.taken).map_err(unwritten)?;
    }
    match () {
        () if is_old => spool.forget(&session).map_err(unwritten),
        () if session.quiet >= LEFT => spool.empty(&session).map_err(unwritten),
        () => Ok(()),
    }
}

fn unwritten(e: std::io::Error) -> Failure {
    AuditError::Unusable { what: "the spool of hooks".into(), cause: e.to_string() }.into()
}

/// Imports the transcript of a session. What its hook told already is known; one that is gone is a loss, and one of a format that
/// this version does not read is left to whoever knows it.
fn import(session: &Waiting, path: &Path, place: &AuditPlace, patience: Duration) -> Result<(), Failure> {
    let mut log = place.writer(patience)?;
    let (now, mut index, mut random) = (places::now(), place.index()?, random);
    log.finish_redaction(now, &mut random)?;
    if files::size(path).is_none() {
        let id = session.session.as_deref().unwrap_or("-");
        let mut loss = json!({ "kind": "loss", "lost": 1, "source": format!("hook {}", session.agent),
            "reason": "the transcript of a session was gone before it was taken in",
            "source_id": format!("{id}/transcript/{now}") });
        if let Some(id) = &session.session {
            loss["session_id"] = json!(id);
        }
        let draft = Draft::read(&loss, Origin::Captured, &mut random)?;
        audit::record(&mut log, &mut index, &[draft], now, &mut random)?;
        return Ok(());
    }
    // What agents below the agent did stands in files of their own, in a folder of the session's name.
    let below = path.with_extension("").join("subagents");
    let is_one = |name: &OsStr| Path::new(name).extension().is_some_and(|end| end == "jsonl");
    let below = files::list(&below, limits::SUBAGENTS, is_one).unwrap_or_default();
    for path in std::iter::once(path.to_owned()).chain(below) {
        let mut intake = Intake::new(&mut log, &mut index, now, &mut random, Vec::new());
        let digest = lines::each(&path, limits::SESSION_LINE_BYTES, |line| intake.line(line).map_err(Failure::from))?;
        match intake.end(&digest) {
            Ok(_) | Err(AuditError::Malformed { .. }) => {}
            Err(e) => return Err(e.into()),
        }
    }
    Ok(())
}

/// Says in the log how many events of a session did not arrive; whether that could be found out.
fn settle(session: &Waiting, place: &AuditPlace, patience: Duration) -> Result<bool, Failure> {
    let counted = Counted {
        agent: &session.agent,
        session: session.session.as_deref(),
        settled: session.taken.settled,
        last: session.counted,
    };
    let store = place.reader()?;
    let Some(keys) = place.keys()? else { return Ok(false) };
    let mut index = place.index()?;
    audit::catch_up(&store, &keys, store.size(), &mut index)?;
    let lost = hooked::missing(&store, &keys, &index, counted)?;
    if lost > 0 {
        let draft = Draft::read(&hooked::loss(counted, lost), Origin::Captured, &mut random)?;
        through_server_or_lock(&[draft], place, patience)?;
    }
    Ok(true)
}
