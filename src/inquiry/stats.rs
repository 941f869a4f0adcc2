//! [`Stats`]: what executions are together, by agent, squad, status and action type.

use super::{History, Kept};
use crate::record::reading;
use std::collections::BTreeMap;

/// What executions are together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// All of them.
    pub all: Kept,
    /// By agent, who did most first; none for those of which nothing says whose they are.
    pub agents: Vec<(Option<String>, Kept)>,
    /// By squad, in the same order; none for agents of no squad.
    pub squads: Vec<(Option<String>, Kept)>,
    /// Actions by type, the most frequent first.
    pub actions: Vec<(String, u64)>,
}

impl Stats {
    /// Of executions.
    #[must_use]
    pub fn of(history: &History) -> Self {
        let (mut squads, mut actions) = (BTreeMap::<Option<String>, Kept>::new(), BTreeMap::<String, u64>::new());
        for run in &history.runs {
            let squad = run.agent.as_deref().and_then(|agent| reading::squad_and_name(agent).0);
            squads.entry(squad.map(str::to_owned)).or_default().add(run);
            for (name, count) in &run.did {
                *actions.entry(name.clone()).or_default() += count;
            }
        }
        let mut squads: Vec<_> = squads.into_iter().collect();
        squads.sort_by_key(|(_, all)| std::cmp::Reverse(all.runs));
        let mut actions: Vec<_> = actions.into_iter().collect();
        actions.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        let agents = history.agents.iter().map(|one| (one.agent.clone(), one.all.clone())).collect();
        Self { all: history.all.clone(), agents, squads, actions }
    }
}

#[cfg(test)]
mod tests {
    use super::super::event::tests::event;
    use super::super::{Asked, runs};
    use super::*;

    #[test]
    fn each_action_is_counted_once_under_its_squad_and_its_type() {
        let told = |number, id: &str, kind: &str| {
            event(number, "action", &["execution_id=a", "source=hook x", &format!("source_id={id}"), kind])
        };
        let events = [
            event(1, "execution_started", &["execution_id=a", "agent=web/fixer"]),
            told(2, "t/unanswered", "action_type=command_run"),
            told(3, "t", "action_type=command_run"),
            told(4, "u", "action_type=file_read"),
            told(5, "v", "action_type=file_read"),
            event(6, "execution_started", &["execution_id=b", "agent=lone"]),
            event(7, "execution_ended", &["execution_id=b", "status=success", "cost=0.5"]),
        ];
        let stats = Stats::of(&History::of(runs(&events), &Asked::default()));
        let counted = [("file_read".to_owned(), 2), ("command_run".to_owned(), 1)];
        assert_eq!(stats.actions, counted);
        assert_eq!(stats.squads.iter().map(|(squad, _)| squad.as_deref()).collect::<Vec<_>>(), [None, Some("web")]);
        assert_eq!(stats.squads[1].1.cost, None, "nobody said what it cost");
        assert_eq!((stats.all.runs, stats.all.unended, stats.all.actions), (2, 1, 3));
    }
}
