//! Who approved a commit, by all that the log has: its records, who asked for it, and what merges brought it in.

use super::asking::{Asking, Of};
use super::execution::outline;
use super::merged::merges_of;
use super::{Log, text};
use crate::audit::AuditError;
use crate::audit::index::Question;
use crate::inquiry::{self, Event, Material, RunId, Sheet, Verdict, principal};
use crate::model::limits;
use std::collections::BTreeSet;

/// Who approved a commit of which these records are known, to which approvals are added that are of it by a merge or an id.
///
/// # Errors
/// [`AuditError::OverLimit`] where the way to the merges of it is too long.
pub(super) fn verdict(
    asking: &Asking<'_>,
    material: &Material,
    id: &str,
    events: &mut Vec<Event>,
) -> Result<Verdict, AuditError> {
    let log = &asking.log;
    let merges = merges_of(asking, id)?;
    let of_requests = by_id(log, id)?;
    let by_id = of_requests.iter().map(|event| event.number).collect();
    events.extend(of_requests);
    let rows = merges.keys().filter(|number| !events.iter().any(|event| event.number == **number));
    events.extend(log.numbered(&rows.copied().collect::<Vec<_>>())?);
    events.sort_by_key(|event| event.number);
    events.dedup_by_key(|event| event.number);
    let built = material.attested.iter().filter(|event| event.text("commit") == Some(id));
    let mut asked = Requesters::default();
    for event in built.clone() {
        asked.unread |= event.erased.iter().any(|name| name == "requested_by");
        asked.all.extend(event.text("requested_by").map(str::to_owned));
    }
    asked.of_runs(asking, material, id, events)?;
    let has_own = events.iter().any(|event| event.makes(id));
    let found = inquiry::Commit {
        id,
        events,
        requested_by: asked.all,
        merges,
        by_id,
        agents: agents(log, events)?,
        signers: built.filter_map(|event| event.text("signer")).map(str::to_owned).collect(),
        makers_unread: !has_own && !asking.unread(Of::Makers)?.is_empty(),
        requesters_unread: asked.unread,
        last_unread: asking.unread(Of::Approvals)?.iter().map(|hole| hole.last).max(),
    };
    Ok(inquiry::approved(&found))
}

/// Approvals of a pull request whose own record names both the approval and the commit. A commit's record that names an approval of
/// something else takes nothing over.
fn by_id(log: &Log<'_>, id: &str) -> Result<Vec<Event>, AuditError> {
    let mut out = Vec::new();
    for row in log.index.ask(&Question::all().of(&["action"]).with("head_commit", id))? {
        let (Some(approval), Some(target)) = (text(&row, "approval_id"), text(&row, "target")) else { continue };
        let of = Question::all().of(&["approval"]).with("approval_id", &approval).with("target", &target);
        out.extend(log.events(&log.index.ask(&of)?)?);
    }
    Ok(out)
}

/// Approvers whom any record names as an agent. Whoever is named with a scheme or an address is none by that.
fn agents(log: &Log<'_>, events: &[Event]) -> Result<BTreeSet<String>, AuditError> {
    let mut out = BTreeSet::new();
    let approvals = events.iter().filter(|event| event.kind == "approval");
    for who in approvals.filter_map(|event| event.text("approver")).filter(|who| !who.contains([':', '@'])) {
        for column in ["agent", "name"] {
            let one = Question { last: 1, ..Question::default().with(column, &principal::normal(who)) };
            let as_written = Question { last: 1, ..Question::default().with(column, who.trim()) };
            if !log.index.ask(&one)?.is_empty() || !log.index.ask(&as_written)?.is_empty() {
                out.insert(who.to_owned());
            }
        }
    }
    Ok(out)
}

/// Who asked for a commit.
#[derive(Default)]
struct Requesters {
    all: BTreeSet<String>,
    /// Whether one of them may not be known.
    unread: bool,
}

impl Requesters {
    /// By the executions that records of the commit name, and where one names none by its session.
    fn of_runs(
        &mut self,
        asking: &Asking<'_>,
        material: &Material,
        id: &str,
        events: &[Event],
    ) -> Result<(), AuditError> {
        let sessions = events.iter().filter(|event| event.makes(id) && event.text("execution_id").is_none());
        let sessions: BTreeSet<&str> = sessions.filter_map(|event| event.text("session_id")).collect();
        let built = material.attested.iter().filter(|event| event.text("commit") == Some(id));
        let runs = events.iter().chain(built).filter_map(|event| event.text("execution_id"));
        let runs: BTreeSet<&str> = runs.chain(sessions).collect();
        if runs.len() > limits::TRACED {
            let what = format!("it is of more than {} executions", limits::TRACED);
            return Err(AuditError::OverLimit { what });
        }
        for run in runs {
            match material.sheets.get(run) {
                Some(sheet) => self.of_run(asking, sheet)?,
                None => self.of_run(asking, &outline(&asking.log, run)?)?,
            }
        }
        Ok(())
    }

    fn of_run(&mut self, asking: &Asking<'_>, sheet: &Sheet) -> Result<(), AuditError> {
        let facts = sheet.facts.get("requested_by").into_iter().flatten();
        self.all.extend(facts.map(|fact| fact.cell.text.clone()));
        let begins = match &sheet.run.id {
            RunId::Execution(_) => sheet.run.has_start,
            RunId::Session(id) => {
                let own = Question::default().of(&["session"]).with("session_id", id);
                !asking.log.index.ask(&Question { last: 1, ..own })?.is_empty()
            }
        };
        let is_erased = sheet.erased.iter().any(|name| name == "requested_by");
        self.unread |= is_erased || (!begins && !asking.unread(Of::Requesters)?.is_empty());
        Ok(())
    }
}
