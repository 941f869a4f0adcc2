//! [`Week`]: what came of a span of time: outcomes and what each cost, executions, exceptions, violations, losses.

mod outcome;

pub use outcome::{GOAL, ISSUE, Outcome, PULL_REQUEST, Part, Used};

use super::{Cell, Event, Kept, Run, Runs};

/// Records and executions of a span of time.
#[derive(Clone, Debug, Default)]
pub struct Given {
    /// Executions and sessions that worked in it the last time.
    pub runs: Vec<Run>,
    /// Records of outcomes, exceptions, verifications, admissions and losses, and merges, that are of it, in their order.
    pub events: Vec<Event>,
    /// Actions of it that are of no execution and no session, and name neither a task nor a charter.
    pub loose: u64,
}

/// Records of a span, while they are looked at one after another, in their order.
#[derive(Debug, Default)]
pub struct Gathering {
    runs: Runs,
    given: Given,
}

impl Gathering {
    /// Takes a record.
    pub fn take(&mut self, event: &Event) {
        self.runs.take(event);
        let is_merge = event.kind == "action" && event.text("action_type") == Some("merge");
        if is_merge || OF_WEEKS.contains(&event.kind.as_str()) {
            self.given.events.push(event.clone());
        }
        let of_nothing =
            ["execution_id", "session_id", "task_id", "charter"].iter().all(|name| event.cell(name).is_none());
        self.given.loose += u64::from(event.kind == "action" && of_nothing);
    }

    /// What they come to.
    #[must_use]
    pub fn end(self) -> Week {
        Week::of(&Given { runs: self.runs.end(), ..self.given })
    }
}

/// Kinds of records that a week is made of beside executions.
pub const OF_WEEKS: &[&str] = &["outcome", "exception", "verified", "admitted", "loss"];

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Week {
    /// All executions.
    pub all: Kept,
    /// What was reached: goals, pull requests, issues, each with what it used.
    pub parts: Vec<Part>,
    /// What executions used that are of no outcome.
    pub unattributed: Used,
    /// Rules that were not kept.
    pub exceptions: Vec<Exempt>,
    /// What was refused.
    pub violations: Vec<Violation>,
    /// What was not recorded, by its reason, most first.
    pub losses: Vec<(String, u64)>,
    /// Actions that name neither a task nor a charter, nor does their execution.
    pub adrift: u64,
    /// All actions.
    pub actions: u64,
}

/// A rule that was not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exempt {
    /// The record.
    pub record: u64,
    /// The rule.
    pub rule: String,
    /// By what.
    pub target: String,
    /// Why; none where that was withheld.
    pub reason: Option<String>,
    /// Who approved it; none where nobody did, or that person was erased.
    pub approver: Option<Cell>,
    /// Whether somebody did who was erased.
    pub erased: bool,
}

/// What was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The record.
    pub record: u64,
    /// Its kind: `verified` or `admitted`.
    pub kind: String,
    /// What.
    pub subject: String,
    /// The code of the reason.
    pub code: Option<String>,
    /// The policies.
    pub policy: Option<String>,
}

impl Week {
    /// Of what is given.
    #[must_use]
    pub fn of(given: &Given) -> Self {
        let mut all = Kept::default();
        given.runs.iter().for_each(|run| all.add(run));
        let (parts, unattributed) = outcome::attributed(&given.runs, &given.events);
        let is_adrift = |run: &&Run| run.task.is_none() && run.charter.is_none();
        let adrift = given.runs.iter().filter(is_adrift).map(|run| run.actions).sum::<u64>() + given.loose;
        let of = |kind: &'static str| given.events.iter().filter(move |event| event.kind == kind);
        let denied = given.events.iter().filter(|event| ["verified", "admitted"].contains(&event.kind.as_str()));
        let denied = denied.filter(|event| event.text("verdict") == Some("deny"));
        let mut losses: Vec<(String, u64)> = Vec::new();
        for event in of("loss") {
            let (reason, lost) = (event.text("reason").unwrap_or("(not said)"), event.count("lost").unwrap_or(0));
            match losses.iter_mut().find(|(own, _)| own == reason) {
                Some((_, own)) => *own = own.saturating_add(lost),
                None => losses.push((reason.to_owned(), lost)),
            }
        }
        losses.sort_by_key(|(_, lost)| std::cmp::Reverse(*lost));
        Self {
            actions: all.actions + given.loose,
            all,
            parts,
            unattributed,
            exceptions: of("exception").map(Exempt::of).collect(),
            violations: denied.map(Violation::of).collect(),
            losses,
            adrift,
        }
    }

    /// Events that were not recorded.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.losses.iter().map(|(_, lost)| *lost).fold(0, u64::saturating_add)
    }

    /// Whether nothing is of it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let nothing = self.parts.iter().all(|part| part.outcomes.is_empty()) && self.losses.is_empty();
        nothing && self.all.runs == 0 && self.actions == 0 && self.exceptions.is_empty() && self.violations.is_empty()
    }
}

fn owned(event: &Event, name: &str) -> Option<String> {
    event.text(name).map(str::to_owned)
}

impl Exempt {
    fn of(event: &Event) -> Self {
        Self {
            record: event.number,
            rule: owned(event, "rule").unwrap_or_default(),
            target: owned(event, "target").unwrap_or_default(),
            reason: owned(event, "reason"),
            approver: event.cell("approver").cloned(),
            erased: event.erased.iter().any(|name| name == "approver"),
        }
    }
}

impl Violation {
    fn of(event: &Event) -> Self {
        Self {
            record: event.number,
            kind: event.kind.clone(),
            subject: owned(event, "subject").unwrap_or_default(),
            code: owned(event, "code"),
            policy: owned(event, "policy"),
        }
    }
}
