//! Outcomes, and what each of them used, by one rule:
//!
//! - An outcome is what the last of its records says: a goal that is `achieved`, a pull request that is `merged`, an issue that is
//!   `resolved` or `closed`. A merge of a pull request that an action tells is one too.
//! - An execution is of an outcome where the outcome's record names it, its session or its task, or where the execution acted on it or
//!   names it as its charter.
//! - What an execution used is divided evenly among the outcomes of one kind that it is of. Each kind is a way of its own to look at
//!   the same executions, so kinds are never added together.
//! - What is of no outcome of any kind is not attributed.

use super::super::{Amount, Event, Run, RunId, Tokens};
use crate::record::reading;
use std::collections::BTreeMap;

/// A goal.
pub const GOAL: &str = "goal";
/// A pull request.
pub const PULL_REQUEST: &str = "pr";
/// An issue.
pub const ISSUE: &str = "issue";

/// States in which an outcome of a kind is reached.
const REACHED: [(&str, &[&str]); 3] =
    [(GOAL, &["achieved"]), (PULL_REQUEST, &["merged"]), (ISSUE, &["resolved", "closed"])];

/// What executions used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Used {
    /// How many executions.
    pub runs: u64,
    /// Their tokens.
    pub tokens: Tokens,
    /// What those cost of which it is known; none where it is known of none.
    pub cost: Option<Amount>,
    /// Of how many that is.
    pub cost_known: u64,
}

/// Outcomes of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// [`GOAL`], [`PULL_REQUEST`] or [`ISSUE`].
    pub kind: &'static str,
    /// The outcomes.
    pub outcomes: Vec<Outcome>,
    /// What executions used that are of at least one of them.
    pub used: Used,
}

/// Something that was reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// What, as it was named.
    pub target: String,
    /// The last record that says so.
    pub record: u64,
    /// Its share of what the executions used that are of it.
    pub used: Used,
}

impl Used {
    fn add(&mut self, run: &Run, of: u64, at: u64) {
        let part = |n: u64| n / of + if at == 0 { n % of } else { 0 };
        let Tokens { read, written, cache_read, cache_write } = run.tokens;
        let tokens = Tokens {
            read: read.map(part),
            written: written.map(part),
            cache_read: cache_read.map(part),
            cache_write: cache_write.map(part),
        };
        self.runs += 1;
        self.tokens = self.tokens.plus(tokens);
        if let Some(cost) = run.cost {
            self.cost_known += 1;
            self.cost = Some(self.cost.unwrap_or_default().plus(cost.amount.part(of, at)));
        }
    }
}

impl Part {
    /// What one of its outcomes cost on average, of those of which it is known, and how many these are.
    #[must_use]
    pub fn each(&self) -> Option<(Amount, u64)> {
        let known = self.outcomes.iter().filter(|outcome| outcome.used.cost.is_some()).count() as u64;
        Some((self.used.cost?.part(known, 1), known)).filter(|(_, known)| *known > 0)
    }
}

/// What is known of an outcome.
#[derive(Default)]
struct Named {
    target: String,
    record: u64,
    state: String,
    executions: Vec<String>,
    sessions: Vec<String>,
    tasks: Vec<String>,
}

impl Named {
    fn take(&mut self, event: &Event, target: &str, state: &str) {
        (self.target, self.record, self.state) = (target.to_owned(), event.number, state.to_lowercase());
        let add = |list: &mut Vec<String>, name: &str| list.extend(event.text(name).map(str::to_owned));
        add(&mut self.executions, "execution_id");
        add(&mut self.sessions, "session_id");
        add(&mut self.tasks, "task_id");
    }

    fn has(&self, run: &Run) -> bool {
        let named = match &run.id {
            RunId::Execution(id) => self.executions.contains(id),
            RunId::Session(id) => self.sessions.contains(id),
        };
        let own = reference(&self.target);
        let worked = run.about.iter().chain(&run.charter).any(|text| reference(text) == own);
        named || worked || run.task.as_ref().is_some_and(|task| self.tasks.contains(task) || *task == self.target)
    }
}

/// Outcomes by kind with what is of each, and what is of none.
pub(super) fn attributed(runs: &[Run], events: &[Event]) -> (Vec<Part>, Used) {
    let mut named: BTreeMap<(&str, String), Named> = BTreeMap::new();
    for event in events {
        let Some(target) = event.text("target") else { continue };
        let (kind, state) = match (event.kind.as_str(), event.text("outcome_kind")) {
            ("outcome", Some(kind)) => (kind, event.text("state").unwrap_or_default()),
            ("action", _) if event.action() == "merge" && is_numbered(target) && !event.failed() => {
                (PULL_REQUEST, "merged")
            }
            _ => continue,
        };
        let Some((kind, _)) = REACHED.iter().find(|(own, _)| *own == kind) else { continue };
        named.entry((*kind, reference(target))).or_default().take(event, target, state);
    }
    let mut is_of_any = vec![false; runs.len()];
    let mut parts = Vec::new();
    for (kind, states) in REACHED {
        let own = named.iter().filter(|((own, _), one)| *own == kind && states.contains(&one.state.as_str()));
        let own: Vec<&Named> = own.map(|(_, one)| one).collect();
        let new = |one: &&Named| Outcome { target: one.target.clone(), record: one.record, used: Used::default() };
        let mut part = Part { kind, outcomes: own.iter().map(new).collect(), used: Used::default() };
        for (run, is_of_any) in runs.iter().zip(&mut is_of_any) {
            let of: Vec<usize> = (0..own.len()).filter(|at| own[*at].has(run)).collect();
            for (nth, at) in of.iter().enumerate() {
                part.outcomes[*at].used.add(run, of.len() as u64, nth as u64);
            }
            if !of.is_empty() {
                *is_of_any = true;
                part.used.add(run, 1, 0);
            }
        }
        parts.push(part);
    }
    let mut unattributed = Used::default();
    let of_none = runs.iter().zip(&is_of_any).filter(|(_, is_of_any)| !**is_of_any);
    of_none.for_each(|(run, _)| unattributed.add(run, 1, 0));
    (parts, unattributed)
}

fn is_numbered(target: &str) -> bool {
    reading::is_reference(target) && reference(target).contains('#')
}

/// One spelling of a pull request or an issue: `https://HOST/acme/app/pull/57` is `acme/app#57`. Anything else stays.
fn reference(text: &str) -> String {
    let Some((_, rest)) = text.split_once("://") else { return text.to_owned() };
    let parts: Vec<&str> = rest.trim_end_matches('/').split('/').filter(|part| *part != "-").skip(1).collect();
    match parts.as_slice() {
        [path @ .., "pull" | "pulls" | "issues" | "merge_requests", number]
            if !path.is_empty() && number.bytes().all(|b| b.is_ascii_digit()) =>
        {
            format!("{}#{number}", path.join("/"))
        }
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::event::tests::event;
    use super::super::super::runs;
    use super::*;

    fn ended(number: u64, id: &str, cost: &str, more: &[&str]) -> Event {
        event(number, "execution_ended", &[&[&format!("execution_id={id}"), "status=success", cost][..], more].concat())
    }

    fn outcome(number: u64, kind: &str, target: &str, state: &str, more: &str) -> Event {
        let said = [format!("outcome_kind={kind}"), format!("target={target}"), format!("state={state}")];
        event(number, "outcome", &[said.each_ref().map(String::as_str).as_slice(), &[more]].concat())
    }

    #[test]
    fn what_was_used_is_divided_once_within_each_kind_and_the_rest_is_of_nobody() {
        let work = [
            ended(1, "a", "cost=1", &["tokens_in=9", "task_id=t1"]),
            event(2, "action", &["execution_id=b", "action_type=pr_create", "target=acme/app#57"]),
            ended(3, "b", "cost=0.5", &["tokens_in=10"]),
            ended(4, "c", "cost=0.25", &[]),
            ended(5, "d", "tokens_in=3", &["charter=https://github.com/acme/app/issues/42"]),
        ];
        let said = [
            outcome(10, PULL_REQUEST, "https://github.com/acme/app/pull/57", "merged", "execution_id=a"),
            outcome(11, PULL_REQUEST, "acme/app#58", "merged", "task_id=t1"),
            outcome(12, ISSUE, "acme/app#42", "Resolved", "execution_id=b"),
            outcome(13, GOAL, "faster", "achieved", "source=x"),
            outcome(14, GOAL, "undone", "achieved", "source=x"),
            outcome(15, GOAL, "undone", "dropped", "source=x"),
        ];
        let (parts, rest) = attributed(&runs(&work), &said);
        let cost = |used: &Used| used.cost.map(Amount::exact);
        let of = |part: &Part| {
            part.outcomes
                .iter()
                .map(|one| (one.target.clone(), cost(&one.used), one.used.tokens.read))
                .collect::<Vec<_>>()
        };
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(of(&parts[0]), [("faster".to_owned(), None, None)], "reached, and nobody knows for how much");
        assert_eq!(parts[0].each(), None);
        let prs = [
            ("https://github.com/acme/app/pull/57".to_owned(), text("1"), Some(15)),
            ("acme/app#58".to_owned(), text("0.5"), Some(4)),
        ];
        assert_eq!(of(&parts[1]), prs, "an execution of two is divided, and its remainder goes to the first");
        assert_eq!((cost(&parts[1].used), parts[1].used.runs), (text("1.5"), 2));
        assert_eq!(parts[1].each().map(|(each, of)| (each.exact(), of)), Some(("0.75".into(), 2)));
        assert_eq!(of(&parts[2]), [("acme/app#42".to_owned(), text("0.5"), Some(13))]);
        assert_eq!((parts[2].used.cost_known, parts[2].used.runs), (1, 2), "of one nobody said it");
        assert_eq!((cost(&rest), rest.runs), (text("0.25"), 1), "c is of nothing");
    }

    #[test]
    fn a_merge_that_was_done_is_one_and_one_that_failed_is_none() {
        let merge = |target: &str, result: &str| {
            event(1, "action", &["action_type=merge", &format!("target={target}"), &format!("result={result}")])
        };
        let prs = |event: Event| attributed(&[], &[event]).0[1].outcomes.len();
        assert_eq!(prs(merge("acme/app#57", "ok")), 1);
        assert_eq!((prs(merge("acme/app#57", "error")), prs(merge("commit:abc", "ok"))), (0, 0));
        let reopened = [merge("acme/app#57", "ok"), outcome(2, PULL_REQUEST, "acme/app#57", "reverted", "source=x")];
        assert_eq!(attributed(&[], &reopened).0[1].outcomes.len(), 0, "the last word counts");
    }
}
