//! Which runs were asked for, and what they are together.

use super::run::{Cost, Run, RunId};
use super::{Amount, Tokens};
use crate::record::{Known, reading};
use std::collections::BTreeMap;

/// What is asked for: every condition that is given holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// Runs that worked at this time or later (seconds since 1970).
    pub since: Option<i64>,
    /// Of this squad.
    pub squad: Option<String>,
    /// Of this agent: `squad/agent`, or the name without its squad.
    pub agent: Option<String>,
    /// That ended so; `unended` for those that no record says to have ended.
    pub status: Option<String>,
    /// With all of these tags: a name, and a value where one was given.
    pub tags: Vec<(String, Option<String>)>,
}

/// The word for a run that no record says to have ended.
pub const UNENDED: &str = "unended";

impl Asked {
    /// Whether a run is one of those that are asked for.
    #[must_use]
    pub fn fits(&self, run: &Run) -> bool {
        let agent = run.agent.as_deref();
        let is_agent =
            |asked: &str| agent == Some(asked) || agent.is_some_and(|agent| reading::squad_and_name(agent).1 == asked);
        let is_tagged = |(key, value): &(String, Option<String>)| {
            run.tags.get(key).is_some_and(|found| value.as_ref().is_none_or(|value| value == found))
        };
        self.since.is_none_or(|since| run.times.1 >= since)
            && self.squad.as_deref().is_none_or(|squad| run.squad() == Some(squad))
            && self.agent.as_deref().is_none_or(is_agent)
            && self.status.as_deref().is_none_or(|status| ended(run) == Some(status))
            && self.tags.iter().all(is_tagged)
    }
}

/// How a run ended; none for a session, of which that is not said.
#[must_use]
pub fn ended(run: &Run) -> Option<&str> {
    match (&run.id, run.status.as_deref()) {
        (RunId::Session(_), None) => None,
        (_, status) => Some(status.unwrap_or(UNENDED)),
    }
}

/// Runs of one agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PerAgent {
    /// The agent, as `squad/agent`; none for runs of which nothing says whose they are.
    pub agent: Option<String>,
    /// What they are together.
    pub all: Kept,
}

/// What runs are together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// How many.
    pub runs: u64,
    /// By how they ended.
    pub ended: BTreeMap<String, u64>,
    /// How many executions no record says to have ended.
    pub unended: u64,
    /// How many are sessions that are of no execution, of which it is not said how they ended.
    pub sessions: u64,
    /// Their actions.
    pub actions: u64,
    /// Their tokens.
    pub tokens: Tokens,
    /// What they cost, those of which it is known.
    pub cost: Option<Cost>,
    /// Of how many that is.
    pub cost_known: u64,
    /// When the first of them worked (seconds since 1970).
    pub first: Option<i64>,
    /// When the last of them worked.
    pub last: Option<i64>,
}

impl Kept {
    /// How many ended in a way.
    #[must_use]
    pub fn ended(&self, status: &str) -> u64 {
        self.ended.get(status).copied().unwrap_or(0)
    }

    /// Adds a run.
    pub fn add(&mut self, run: &Run) {
        self.runs += 1;
        match (ended(run), &run.status) {
            (None, _) => self.sessions += 1,
            (Some(_), None) => self.unended += 1,
            (Some(status), _) => *self.ended.entry(status.to_owned()).or_default() += 1,
        }
        self.actions += run.actions;
        self.tokens = self.tokens.plus(run.tokens);
        if let Some(cost) = run.cost {
            self.cost_known += 1;
            let sum = |before: Cost| Cost { amount: before.amount.plus(cost.amount), known: Known::Derived };
            self.cost = Some(self.cost.map_or(cost, sum));
        }
        self.first = Some(self.first.map_or(run.times.0, |first| first.min(run.times.0)));
        self.last = self.last.max(Some(run.times.1));
    }

    /// The cost to the cent, where any is known.
    #[must_use]
    pub fn amount(&self) -> Option<Amount> {
        self.cost.map(|cost| cost.amount)
    }
}

/// Runs, the newest first, and what they are together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// The runs.
    pub runs: Vec<Run>,
    /// By agent, who did most first.
    pub agents: Vec<PerAgent>,
    /// All of them.
    pub all: Kept,
}

impl History {
    /// Of all runs those that are asked for.
    #[must_use]
    pub fn of(runs: Vec<Run>, asked: &Asked) -> Self {
        let mut runs: Vec<Run> = runs.into_iter().filter(|run| asked.fits(run)).collect();
        runs.sort_by_key(|run| std::cmp::Reverse((run.times.1, run.records)));
        let mut agents: BTreeMap<Option<String>, Kept> = BTreeMap::new();
        let mut all = Kept::default();
        for run in &runs {
            all.add(run);
            agents.entry(run.agent.clone()).or_default().add(run);
        }
        let mut agents: Vec<_> = agents.into_iter().map(|(agent, all)| PerAgent { agent, all }).collect();
        agents.sort_by_key(|agent| std::cmp::Reverse(agent.all.runs));
        Self { runs, agents, all }
    }
}

#[cfg(test)]
mod tests {
    use super::super::event::tests::event;
    use super::super::run::runs;
    use super::*;

    fn all() -> Vec<Run> {
        let start = |number: u64, id: &str, agent: &str, at: &str| {
            event(number, "execution_started", &[&format!("execution_id={id}"), agent, at])
        };
        runs(&[
            start(1, "a", "agent=web/fixer", "at=2026-01-01T00:00:00Z"),
            start(2, "b", "agent=web/fixer", "at=2026-01-02T00:00:00Z"),
            start(3, "c", "agent=cli/lead", "at=2026-01-03T00:00:00Z"),
            event(4, "execution_ended", &["execution_id=a", "status=success", "cost=0.1", "at=2026-01-01T01:00:00Z"]),
            event(5, "execution_ended", &["execution_id=c", "status=failed", "cost=0.2", "at=2026-01-03T01:00:00Z"]),
            event(7, "action", &["session_id=s", "at=2025-01-01T00:00:00Z"]),
            event(6, "tag", &["execution_id=b", "key=team", "value=red"]),
        ])
    }

    #[test]
    fn each_condition_keeps_what_fits_and_leaves_out_the_rest() {
        let time = |text: &str| Some(crate::model::Timestamp::parse(text).unwrap().unix());
        let tag = |value: Option<&str>| vec![("team".to_owned(), value.map(str::to_owned))];
        let cases: Vec<(Asked, &[&str])> = vec![
            (Asked::default(), &["c", "b", "a", "s"]),
            (Asked { since: time("2026-01-02T00:00:00Z"), ..Asked::default() }, &["c", "b"]),
            (Asked { squad: Some("cli".into()), ..Asked::default() }, &["c"]),
            (Asked { squad: Some("lead".into()), ..Asked::default() }, &[]),
            (Asked { agent: Some("fixer".into()), ..Asked::default() }, &["b", "a"]),
            (Asked { agent: Some("web/fixer".into()), ..Asked::default() }, &["b", "a"]),
            (Asked { agent: Some("cli/fixer".into()), ..Asked::default() }, &[]),
            (Asked { status: Some("failed".into()), ..Asked::default() }, &["c"]),
            (Asked { status: Some(UNENDED.into()), ..Asked::default() }, &["b"]),
            (Asked { tags: tag(None), ..Asked::default() }, &["b"]),
            (Asked { tags: tag(Some("red")), ..Asked::default() }, &["b"]),
            (Asked { tags: tag(Some("blue")), ..Asked::default() }, &[]),
        ];
        for (asked, expected) in cases {
            let found = History::of(all(), &asked);
            assert_eq!(found.runs.iter().map(|run| run.id.text()).collect::<Vec<_>>(), expected, "{asked:?}");
        }
    }

    #[test]
    fn what_is_not_known_is_not_counted_as_nothing() {
        let found = History::of(all(), &Asked::default());
        assert_eq!((found.all.runs, found.all.ended("success"), found.all.ended("failed")), (4, 1, 1));
        assert_eq!((found.all.unended, found.all.sessions), (1, 1), "of a session nobody says how it ended");
        assert_eq!((found.all.cost_known, found.all.amount().map(Amount::exact)), (2, Some("0.3".into())));
        assert_eq!(found.agents[0].agent.as_deref(), Some("web/fixer"));
        assert_eq!(found.agents[0].all.amount().map(Amount::exact), Some("0.1".into()));
        assert!(found.all.tokens.are_unknown());
    }
}
