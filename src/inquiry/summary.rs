//! [`Summary`]: what an agent did in a month. It is written before the month's records expire, and stays for ever; it names no
//! person, no execution and no text.

use super::history::Kept;
use super::{Amount, Cost, Event, Tokens};
use crate::model::Timestamp;
use crate::record::{Known, reading};
use std::collections::BTreeMap;

/// The agent of a summary of all agents together. It is written last, and says that the month's others are all there.
pub const ALL_AGENTS: &str = "*";
/// The agent of executions of which nothing says whose they are.
pub const NOT_SAID: &str = "(not said)";

/// Statuses that have a field of their own. What has none, and what never ended, is unknown.
const STATUSES: [(&str, &str); 4] = [
    ("success", "executions_succeeded"),
    ("failed", "executions_failed"),
    ("cancelled", "executions_cancelled"),
    ("timeout", "executions_timed_out"),
];

/// What an agent did in a month.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// The month, as `2026-08`.
    pub month: String,
    /// The agent, as `squad/agent`.
    pub agent: String,
    /// What its executions are together: `unended` among them are those of which it is not known how they ended.
    pub all: Kept,
    /// The records that say so.
    pub records: Vec<u64>,
}

impl Summary {
    /// The fields of the record, by name.
    #[must_use]
    pub fn fields(month: &str, agent: &str, all: &Kept) -> Vec<(&'static str, String)> {
        let mut out = vec![("month", month.to_owned()), ("agent", agent.to_owned())];
        let mut unknown = all.runs;
        out.push(("executions", all.runs.to_string()));
        for (status, field) in STATUSES {
            out.push((field, all.ended(status).to_string()));
            unknown = unknown.saturating_sub(all.ended(status));
        }
        out.push(("executions_unknown", unknown.to_string()));
        out.push(("actions", all.actions.to_string()));
        let tokens = [
            ("tokens_in", all.tokens.read),
            ("tokens_out", all.tokens.written),
            ("tokens_cache_read", all.tokens.cache_read),
            ("tokens_cache_write", all.tokens.cache_write),
        ];
        out.extend(tokens.into_iter().filter_map(|(name, n)| Some((name, n?.to_string()))));
        out.extend(all.cost.map(|cost| ("cost", cost.amount.exact())));
        out.push(("cost_known", all.cost_known.to_string()));
        let times = [("started_at", all.first), ("completed_at", all.last)];
        let time = |unix: Option<i64>| unix.and_then(Timestamp::from_unix).map(|time| time.to_string());
        out.extend(times.into_iter().filter_map(|(name, unix)| Some((name, time(unix)?))));
        out
    }

    /// Reads a record; none where it is no summary.
    #[must_use]
    pub fn of(event: &Event) -> Option<Self> {
        if event.kind != "summary" {
            return None;
        }
        let time = |name: &str| Timestamp::parse(event.text(name)?).ok().map(Timestamp::unix);
        let count = |name: &str| event.count(name).unwrap_or(0);
        let ended = STATUSES.map(|(status, field)| (status.to_owned(), count(field)));
        let cost = event.text("cost").and_then(Amount::parse);
        let all = Kept {
            runs: count("executions"),
            ended: ended.into_iter().filter(|(_, n)| *n > 0).collect(),
            unended: count("executions_unknown"),
            sessions: 0,
            actions: count("actions"),
            tokens: Tokens {
                read: event.count("tokens_in"),
                written: event.count("tokens_out"),
                cache_read: event.count("tokens_cache_read"),
                cache_write: event.count("tokens_cache_write"),
            },
            cost: cost.map(|amount| Cost { amount, known: Known::Derived }),
            cost_known: count("cost_known"),
            first: time("started_at"),
            last: time("completed_at"),
        };
        let (month, agent) = (event.text("month")?.to_owned(), event.text("agent")?.to_owned());
        Some(Self { month, agent, all, records: vec![event.number] })
    }

    /// Adds another part of the same month: where things are kept for less than a month, it has several.
    fn join(&mut self, other: Self) {
        let (own, more) = (&mut self.all, other.all);
        own.runs += more.runs;
        for (status, n) in more.ended {
            *own.ended.entry(status).or_default() += n;
        }
        own.unended += more.unended;
        own.actions += more.actions;
        own.tokens = own.tokens.plus(more.tokens);
        let sum = |one: Cost, other: Cost| Cost { amount: one.amount.plus(other.amount), known: Known::Derived };
        own.cost = match (own.cost, more.cost) {
            (Some(one), Some(other)) => Some(sum(one, other)),
            (one, other) => one.or(other),
        };
        own.cost_known += more.cost_known;
        own.first = [own.first, more.first].into_iter().flatten().min();
        own.last = own.last.max(more.last);
        self.records.extend(other.records);
    }

    /// Whether it is of a squad, and of an agent by its whole name or by the one without its squad.
    #[must_use]
    pub fn is_of(&self, squad: Option<&str>, agent: Option<&str>) -> bool {
        let (own_squad, name) = reading::squad_and_name(&self.agent);
        squad.is_none_or(|squad| own_squad == Some(squad))
            && agent.is_none_or(|agent| self.agent == agent || name == agent)
    }
}

/// The summaries among records, one for each month and agent, in this order; those of all agents together are not among them.
#[must_use]
pub fn summaries(events: &[Event]) -> Vec<Summary> {
    let mut out: BTreeMap<(String, String), Summary> = BTreeMap::new();
    for summary in events.iter().filter_map(Summary::of).filter(|summary| summary.agent != ALL_AGENTS) {
        let key = (summary.month.clone(), summary.agent.clone());
        match out.get_mut(&key) {
            Some(own) => own.join(summary),
            None => drop(out.insert(key, summary)),
        }
    }
    out.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::super::event::tests::event;
    use super::*;

    #[test]
    fn parts_of_a_month_are_one_and_what_is_not_known_stays_absent() {
        let part = |n: u64, more: &[&str]| {
            let all = [&["month=2026-08", "agent=web/fixer", "executions=2", "executions_failed=1"][..], more].concat();
            event(n, "summary", &all)
        };
        let events = [
            part(1, &["tokens_in=5", "cost=0.1", "cost_known=1", "completed_at=2026-08-02T00:00:00Z"]),
            part(2, &["cost=0.2", "cost_known=2", "completed_at=2026-08-01T00:00:00Z", "executions_unknown=1"]),
            event(3, "summary", &["month=2026-08", "agent=*", "executions=4"]),
            event(4, "summary", &["month=2026-07", "agent=web/fixer", "executions=1"]),
            event(5, "action", &["agent=web/fixer"]),
        ];
        let found = summaries(&events);
        assert_eq!(found.iter().map(|s| s.month.as_str()).collect::<Vec<_>>(), ["2026-07", "2026-08"]);
        let all = &found[1].all;
        assert_eq!((all.runs, all.ended("failed"), all.unended, all.cost_known), (4, 2, 1, 3));
        assert_eq!((all.tokens.read, all.tokens.written), (Some(5), None));
        assert_eq!(all.cost.map(|cost| cost.amount.exact()), Some("0.3".into()));
        assert_eq!(all.last, Timestamp::parse("2026-08-02T00:00:00Z").ok().map(Timestamp::unix));
        assert_eq!(found[1].records, [1, 2]);
        assert_eq!(found[0].all.cost, None);
        assert!(found[0].is_of(Some("web"), Some("fixer")) && found[0].is_of(None, Some("web/fixer")));
        assert!(!found[0].is_of(Some("cli"), None) && !found[0].is_of(None, Some("web")));
    }

    #[test]
    fn a_summary_is_read_as_it_was_written() {
        let all = Kept {
            runs: 5,
            ended: BTreeMap::from([("success".to_owned(), 2), ("timeout".to_owned(), 1)]),
            unended: 2,
            actions: 9,
            tokens: Tokens { read: Some(7), ..Tokens::default() },
            first: Some(1_790_000_000),
            last: Some(1_790_000_100),
            ..Kept::default()
        };
        let fields = Summary::fields("2026-08", "web/fixer", &all);
        assert!(!fields.iter().any(|(name, _)| ["cost", "tokens_out"].contains(name)), "{fields:?}");
        let said: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let event = event(3, "summary", &said.iter().map(String::as_str).collect::<Vec<_>>());
        let read = Summary::of(&event).unwrap();
        assert_eq!((read.all, read.agent.as_str()), (all, "web/fixer"));
    }
}
