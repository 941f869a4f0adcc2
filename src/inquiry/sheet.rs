//! [`Sheet`]: what is to be said of one execution.

use super::event::Cell;
use super::{Event, Run, each_once, runs};
use crate::record::reading;
use std::collections::BTreeMap;

/// Values of one field over all records, each with the number of the first record that says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// The field and value.
    pub cell: Cell,
    /// The record.
    pub record: u64,
}

/// An action type, and how often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    /// Its name.
    pub name: String,
    /// How many.
    pub count: u64,
    /// Those of them that did not go well.
    pub failed: u64,
}

/// Somebody's approval.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    /// Its record.
    pub record: u64,
    /// Who; none where that person was erased.
    pub approver: Option<Cell>,
    /// By which means.
    pub how: Option<Cell>,
    /// Of what.
    pub target: Option<String>,
    /// When, in the words of who says so.
    pub at: Option<String>,
    /// Who says so.
    pub source: Option<String>,
    /// Whether it was taken back: what became of it.
    pub taken_back: Option<String>,
    /// Digest of the signed statement, where one stands behind it.
    pub statement: Option<String>,
}

impl Approval {
    pub(super) fn of(event: &Event) -> Self {
        let owned = |name: &str| event.text(name).map(str::to_owned);
        Self {
            record: event.number,
            approver: event.cell("approver").cloned(),
            how: event.cell("how").cloned(),
            target: owned("target"),
            at: reading::when(&event.kind, &|name| owned(name)),
            source: owned("source"),
            taken_back: owned("result").filter(|result| reading::is_taken_back(result)),
            statement: owned("statement"),
        }
    }
}

/// Events that were not recorded, for one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loss {
    /// The first record that says so.
    pub record: u64,
    /// The last one; between them may be others.
    pub last: u64,
    /// How many.
    pub lost: u64,
    /// Why.
    pub reason: String,
}

/// Where a conversation is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transcript {
    /// Its session.
    pub session: String,
    /// Digest of its file, where a record has it.
    pub digest: Option<String>,
    /// Who said so.
    pub source: Option<String>,
}

/// What is to be said of one execution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sheet {
    /// The execution.
    pub run: Run,
    /// Numbers of all of its records, in their order.
    pub records: Vec<u64>,
    /// Facts by field, the values of each in the order in which they were said.
    pub facts: BTreeMap<String, Vec<Fact>>,
    /// Fields of people who were erased.
    pub erased: Vec<String>,
    /// What was done.
    pub actions: Vec<Action>,
    /// Who approved it, or what it made.
    pub approvals: Vec<Approval>,
    /// What was lost of it.
    pub losses: Vec<Loss>,
    /// Its conversations.
    pub transcripts: Vec<Transcript>,
    /// Artifacts that were attested to be of it: number of the record, and what was attested.
    pub attested: Vec<(u64, String)>,
    /// Commits that say to be of it: number of the record, and the commit.
    pub commits: Vec<(u64, String)>,
}

/// Fields of which the sheet has every value.
const FACTS: &[&str] = &[
    "agent_version",
    "model",
    "provider",
    "requested_by",
    "task_id",
    "charter",
    "charter_digest",
    "trigger",
    "started_at",
    "completed_at",
    "environment",
    "machine",
    "container",
    "repository",
    "commit",
    "branch",
    "credentials",
    "elevated",
    "exit_code",
    "cost",
    "source",
];

/// Those of them that say where it was done.
const PLACE: &[&str] = &["environment", "machine", "container", "repository", "commit", "branch", "source"];

/// The sheet of an execution, or of a session that is of none, by all records that are of it; none where none is.
#[must_use]
pub fn sheet(events: &[Event], id: &str) -> Option<Sheet> {
    let run = runs(events).into_iter().find(|run| run.id.text() == id)?;
    let mut records: Vec<u64> = events.iter().map(|event| event.number).collect();
    records.sort_unstable();
    records.dedup();
    let events = &each_once(events.to_vec())[..];
    let of = |kind: &'static str| events.iter().filter(move |event| event.kind == kind);
    let mut facts: BTreeMap<String, Vec<Fact>> = BTreeMap::new();
    // Of a time or an exit code those of the execution itself: each action has its own.
    let own = |event: &&Event| ["execution_started", "execution_ended", "session"].contains(&event.kind.as_str());
    for name in FACTS {
        let own_only = ["started_at", "completed_at", "exit_code", "cost"].contains(name);
        let place = PLACE.contains(name);
        for event in events.iter().filter(|event| (!place || is_of_the_work(event)) && (!own_only || own(event))) {
            let Some(cell) = event.cell(name) else { continue };
            let said = facts.entry((*name).to_owned()).or_default();
            if !said.iter().any(|fact| fact.cell.text == cell.text) {
                said.push(Fact { cell: cell.clone(), record: event.number });
            }
        }
    }
    let mut erased: Vec<String> = events.iter().flat_map(|event| event.erased.clone()).collect();
    erased.sort();
    erased.dedup();
    let mut actions: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    for event in of("action") {
        let (count, failed) = actions.entry(event.action()).or_default();
        (*count, *failed) = (*count + 1, *failed + u64::from(event.failed()));
    }
    let mut actions: Vec<Action> =
        actions.into_iter().map(|(name, (count, failed))| Action { name, count, failed }).collect();
    actions.sort_by_key(|action| std::cmp::Reverse(action.count));
    let mut losses: Vec<Loss> = Vec::new();
    for event in of("loss") {
        let (record, lost) = (event.number, event.count("lost").unwrap_or(0));
        let reason = event.text("reason").unwrap_or_default();
        match losses.iter_mut().find(|loss| loss.reason == reason) {
            Some(loss) => (loss.last, loss.lost) = (record, loss.lost.saturating_add(lost)),
            None => losses.push(Loss { record, last: record, lost, reason: reason.to_owned() }),
        }
    }
    let named = |event: &Event| {
        let (subject, digest) = (event.text("subject").unwrap_or("unnamed"), event.text("digest"));
        digest.map_or_else(|| subject.to_owned(), |digest| format!("{subject}@{digest}"))
    };
    let commit = |event: &Event| {
        let target = event.text("target").filter(|target| target.starts_with("commit:"))?;
        ["commit", "merge"].contains(&event.text("action_type")?).then(|| (event.number, target.to_owned()))
    };
    Some(Sheet {
        records,
        run,
        facts,
        erased,
        actions,
        approvals: of("approval").map(Approval::of).collect(),
        losses,
        transcripts: transcripts(events),
        attested: of("attested").map(|event| (event.number, named(event))).collect(),
        commits: of("action").filter_map(commit).collect(),
    })
}

/// Whether a record says where and how the work was done: what was committed, built or approved of it says of those what it says.
fn is_of_the_work(event: &Event) -> bool {
    let made = event.text("action_type").is_some_and(|action| ["commit", "merge"].contains(&action));
    ["execution_started", "execution_ended", "action", "session"].contains(&event.kind.as_str()) && !made
}

/// Every session that the events name, with the digest of the longest file that was seen of it: the last.
fn transcripts(events: &[Event]) -> Vec<Transcript> {
    let mut out: Vec<Transcript> = Vec::new();
    for event in events {
        let Some(session) = event.text("session_id") else { continue };
        let at = out.iter().position(|found| found.session == session).unwrap_or_else(|| {
            out.push(Transcript { session: session.to_owned(), digest: None, source: None });
            out.len() - 1
        });
        if let Some(digest) = event.text("transcript") {
            out[at].digest = Some(digest.to_owned());
            out[at].source = event.text("source").map(str::to_owned);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::event::tests::event;
    use super::*;

    #[test]
    fn everything_that_was_said_of_an_execution_is_on_its_sheet() {
        let sheet = sheet(
            &[
                event(
                    1,
                    "execution_started",
                    &["execution_id=e", "agent=s/a", "started_at=2026-01-01T10:00:00Z", "model=m"],
                ),
                event(
                    2,
                    "action",
                    &["execution_id=e", "session_id=c", "action_type=file_modify", "completed_at=2026-01-01T11:00:00Z"],
                ),
                event(
                    3,
                    "action",
                    &["execution_id=e", "session_id=c", "action_type=command_run", "exit_code=1", "model=n"],
                ),
                event(4, "loss", &["execution_id=e", "lost=17", "reason=spool full"]),
                event(5, "session", &["session_id=c", "transcript=sha256:0"]),
                event(6, "session", &["session_id=c", "transcript=sha256:1", "source=import claude-code"]),
                event(
                    7,
                    "approval",
                    &["execution_id=e", "target=e", "approver=github:1", "how=review", "result=dismissed"],
                ),
                event(8, "attested", &["execution_id=e", "subject=app", "digest=sha256:2"]),
                event(9, "action", &["execution_id=e", "action_type=commit", "target=commit:abc"]),
            ],
            "e",
        )
        .unwrap();
        let models: Vec<_> = sheet.facts["model"].iter().map(|fact| fact.cell.text.as_str()).collect();
        assert_eq!(models, ["m", "n"], "what differs is shown, and nothing chosen");
        assert!(!sheet.facts.contains_key("exit_code") && !sheet.facts.contains_key("completed_at"), "of actions");
        assert_eq!(sheet.actions.iter().map(|a| a.failed).sum::<u64>(), 1);
        assert_eq!((sheet.losses[0].lost, sheet.losses.len()), (17, 1));
        assert_eq!(sheet.transcripts[0].digest.as_deref(), Some("sha256:1"));
        assert_eq!(sheet.approvals[0].taken_back.as_deref(), Some("dismissed"));
        assert_eq!(sheet.attested, [(8, "app@sha256:2".to_owned())]);
        assert_eq!(sheet.commits, [(9, "commit:abc".to_owned())]);
        assert_eq!(super::sheet(&[], "e"), None);
    }
}
