//! Records of several sources in the log's order, which is the only one that is proven; where the times that they say contradict it,
//! that is said.

use super::Event;
use crate::model::Timestamp;
use crate::record::reading;
use std::collections::BTreeMap;

/// Between which times a record was put into the log, as far as others prove it (seconds since 1970).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Proven {
    /// After this time.
    pub after: Option<i64>,
    /// Before this time.
    pub before: Option<i64>,
}

/// What is wrong with the time that a record says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Odd {
    /// It stands after one of a later time: by how much (seconds).
    Behind(i64),
    /// It is later than when it was put into the log, by the log's clock: by how much (seconds).
    Ahead(i64),
    /// It is later than when it was proven to be in the log: by how much (seconds).
    Disproven(i64),
}

/// A record on the line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moment {
    /// The record.
    pub event: Event,
    /// When it was, as it says itself; none where it says no time (seconds since 1970).
    pub at: Option<i64>,
    /// What is wrong with that.
    pub odd: Option<Odd>,
    /// When it was recorded, as far as that is proven.
    pub proven: Proven,
}

/// How the times of one source are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clock {
    /// The source; none for records that name none.
    pub source: Option<String>,
    /// Its records that say a time.
    pub records: u64,
    /// Those of them that stand after a later time of another source.
    pub behind: u64,
    /// By how much, in the median of these (seconds).
    pub by: i64,
    /// How long after it happened it was recorded, by the log's clock, in the median of its records (seconds, to the minute).
    pub lag: i64,
}

/// Records in the log's order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Timeline {
    /// The records.
    pub moments: Vec<Moment>,
    /// Their sources.
    pub clocks: Vec<Clock>,
}

/// Whole minutes are kept of when a record was put into the log.
const MINUTE: i64 = 60;

/// Puts records on a line. They are in the log's order; `proven` says what others prove of each.
#[must_use]
pub fn timeline(events: Vec<Event>, proven: &BTreeMap<u64, Proven>) -> Timeline {
    /// What is gathered of a source.
    #[derive(Default)]
    struct Gathered {
        latest: Option<i64>,
        records: u64,
        behind: Vec<i64>,
        lags: Vec<i64>,
    }
    let mut sources: BTreeMap<Option<String>, Gathered> = BTreeMap::new();
    let mut moments = Vec::with_capacity(events.len());
    for event in events {
        let source = event.text("source").map(str::to_owned);
        let at = said(&event);
        let proven = proven.get(&event.number).copied().unwrap_or_default();
        let latest = sources.values().filter_map(|gathered| gathered.latest).max();
        let others =
            sources.iter().filter(|(name, _)| **name != source).filter_map(|(_, gathered)| gathered.latest).max();
        let odd = at.and_then(|at| odd(at, &event, latest, proven));
        if let Some(at) = at {
            let gathered = sources.entry(source).or_default();
            gathered.records += 1;
            gathered.latest = gathered.latest.max(Some(at));
            gathered.behind.extend(others.map(|other| other - at).filter(|by| *by > 0));
            gathered.lags.push(event.logged - at);
        }
        moments.push(Moment { event, at, odd, proven });
    }
    let clocks = sources.into_iter().map(|(source, mut gathered)| Clock {
        source,
        records: gathered.records,
        behind: gathered.behind.len() as u64,
        by: median(&mut gathered.behind),
        lag: median(&mut gathered.lags),
    });
    Timeline { clocks: clocks.collect(), moments }
}

/// When it was, where the record says so.
fn said(event: &Event) -> Option<i64> {
    let when = reading::when(&event.kind, &|name| event.text(name).map(str::to_owned))?;
    Timestamp::parse(&when).ok().map(Timestamp::unix)
}

/// What is wrong with a time; the strongest that can be said.
fn odd(at: i64, event: &Event, latest: Option<i64>, proven: Proven) -> Option<Odd> {
    let disproven = proven.before.map(|before| at - before).filter(|by| *by > 0);
    let ahead = Some(at - event.logged - MINUTE).filter(|by| *by >= 0).map(|by| by + 1);
    let behind = latest.map(|latest| latest - at).filter(|by| *by > 0);
    let all = [disproven.map(Odd::Disproven), ahead.map(Odd::Ahead), behind.map(Odd::Behind)];
    all.into_iter().flatten().next()
}

fn median(all: &mut [i64]) -> i64 {
    all.sort_unstable();
    all.get(all.len() / 2).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::super::event::tests::event;
    use super::*;

    const NOON: i64 = 1_767_268_800;

    /// A record of a source at some seconds after noon, recorded in the minute that begins at others.
    fn at(number: u64, source: &str, seconds: i64, logged: i64) -> Event {
        let time = Timestamp::from_unix(NOON + seconds).unwrap();
        let all = [format!("source={source}"), format!("at={time}")];
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        Event { logged: NOON + logged, ..event(number, "action", &all) }
    }

    fn odds(events: Vec<Event>, proven: &[(u64, i64)]) -> Vec<Option<Odd>> {
        let proven =
            proven.iter().map(|(n, before)| (*n, Proven { after: None, before: Some(NOON + before) })).collect();
        timeline(events, &proven).moments.into_iter().map(|moment| moment.odd).collect()
    }

    #[test]
    fn what_contradicts_the_order_of_the_log_is_marked() {
        let found = odds(vec![at(1, "a", 10, 0), at(2, "b", 5, 0), at(3, "a", 11, 0)], &[]);
        assert_eq!(found, [None, Some(Odd::Behind(5)), None]);
        let found = odds(vec![at(1, "a", 59, 0), at(2, "a", 60, 0), at(3, "a", 120, 0)], &[]);
        assert_eq!(found, [None, Some(Odd::Ahead(1)), Some(Odd::Ahead(61))], "its minute may have all of its seconds");
        let found = odds(vec![at(1, "a", 10, 0), at(2, "a", 20, 0)], &[(1, 10), (2, 19)]);
        assert_eq!(found, [None, Some(Odd::Disproven(1))]);
        let mut silent = event(2, "action", &["source=b"]);
        silent.logged = NOON - 1000;
        assert_eq!(odds(vec![at(1, "a", 10, 0), silent], &[]), [None, None], "what says no time contradicts nothing");
    }

    #[test]
    fn how_far_a_source_is_behind_is_told_by_the_others() {
        let events = vec![
            at(1, "hook", 100, 60),
            at(2, "import", 95, 3600),
            at(3, "import", 90, 3600),
            at(4, "import", 99, 3600),
            at(5, "hook", 101, 60),
            at(6, "hook", 100, 60),
        ];
        let found = timeline(events, &BTreeMap::new());
        let of = |name: &str| found.clocks.iter().find(|clock| clock.source.as_deref() == Some(name)).unwrap();
        assert_eq!((of("import").records, of("import").behind, of("import").by), (3, 3, 5));
        assert_eq!((of("hook").behind, of("hook").by), (0, 0), "its own order is no word on its clock");
        assert_eq!((of("import").lag, of("hook").lag), (3505, -40));
        assert_eq!(found.moments[2].odd, Some(Odd::Behind(10)));
    }
}
