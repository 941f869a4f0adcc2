//! What came of a span of time.

use super::history::{Found, each_since};
use super::{Log, event_of_row, holes, text};
use crate::audit::AuditError;
use crate::audit::index::Question;
use crate::inquiry::week::{Given, OF_WEEKS, Week};
use crate::inquiry::{Event, Runs};
use crate::model::Timestamp;
use crate::record::{Class, Entry};

/// What came of the time from one moment to just before another (seconds since 1970). An execution is of the span in which it worked
/// the last time, so that it is of one alone.
///
/// # Errors
/// [`AuditError`].
pub fn week(log: &Log<'_>, (from, until): (i64, i64)) -> Result<Found<Week>, AuditError> {
    let mut runs = Runs::default();
    each_since(log, Some(from), &mut |event| runs.take(event))?;
    let runs = runs.end().into_iter().filter(|run| (from..until).contains(&run.times.1)).collect();
    let mut given = Given { runs, ..Given::default() };
    let time = |unix: i64| Timestamp::from_unix(unix).map(|time| time.to_string());
    let within = Question { since: time(from), until: time(until - 1), ..Question::all() };
    // The log has people and reasons, which the index has not.
    let said = log.index.ask(&within.clone().of(OF_WEEKS))?;
    given.events = log.events(&said)?;
    log.index.each(&within.of(&["action"]), &mut |row| {
        let of_nothing =
            ["execution_id", "session_id", "task_id", "charter"].iter().all(|name| text(&row, name).is_none());
        given.loose += u64::from(of_nothing);
        if text(&row, "action_type").as_deref() == Some("merge") {
            given.events.push(event_of_row(&row));
        }
    })?;
    given.events.sort_by_key(|event: &Event| event.number);
    let of_span =
        |entry: &Entry| entry.class != Class::Public && (from..until).contains(&(i64::from(entry.minutes) * 60));
    Ok(Found { what: Week::of(&given), holes: holes(log, 0..=u64::MAX, &of_span)? })
}
