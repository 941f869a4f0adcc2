//! What merges brought in: from a commit to its children, along every parent, up to the merges that approvals rest upon.
//!
//! A merge lets in what its other parents brought: what could not be reached from its first parent. Whether that one is behind the
//! commit is seen from the commit on: then it is among what the commit leads to.

use super::asking::{Asking, Of};
use super::text;
use crate::audit::AuditError;
use crate::audit::index::{Following, Question};
use crate::inquiry::Brought;
use crate::record::reading::is_commit_id;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// An approval that rests upon a merge.
struct Approval {
    number: u64,
    /// The commit that was merged.
    tip: String,
    merge: String,
}

/// Parents of what was reached.
#[derive(Default)]
struct Parents {
    first: Option<String>,
    others: Vec<String>,
}

/// A way from one commit on.
struct Walk<'a, 'b> {
    asking: &'b Asking<'a>,
    /// What the commit leads to, itself among it.
    reached: HashSet<String>,
    approvals: Vec<Approval>,
    parents: HashMap<String, Parents>,
    /// Merges that somebody approved by, which are not followed further: what comes behind one says nothing of what was before it.
    stopped: BTreeSet<String>,
}

/// Approvals by merges of what a commit leads to, each with what its merge brought; of those that did not bring it only the ones that
/// name the commit itself.
///
/// # Errors
/// [`AuditError::OverLimit`].
pub(super) fn merges_of(asking: &Asking<'_>, id: &str) -> Result<BTreeMap<u64, Brought>, AuditError> {
    let any = Question::default().of(&["approval"]).with("how", "merge");
    if !is_commit_id(id) || asking.log.index.ask(&Question { last: 1, ..any })?.is_empty() {
        return Ok(BTreeMap::new());
    }
    let mut walk = Walk {
        asking,
        reached: HashSet::from([id.to_owned()]),
        approvals: Vec::new(),
        parents: HashMap::new(),
        stopped: BTreeSet::new(),
    };
    walk.find_approvals("target", &[id.to_owned()])?;
    walk.follow(vec![id.to_owned()], true)?;
    let brought: Vec<String> = walk.stopped.iter().filter(|merge| !walk.was_there(merge)).cloned().collect();
    // Behind one merge may be the first parent of another; behind one alone is nothing that was before it.
    if let Some(one) = brought.first() {
        let alone = brought.len() == 1;
        let others = walk.stopped.iter().filter(|merge| !alone || *merge != one).cloned().collect();
        walk.follow(others, false)?;
    }
    walk.end(id)
}

impl Walk<'_, '_> {
    fn follow(&mut self, mut from: Vec<String>, stops: bool) -> Result<(), AuditError> {
        while !from.is_empty() {
            self.asking.spend(from.len())?;
            let mut new: Vec<String> = Vec::new();
            for child in self.children(&from)? {
                if self.reached.insert(child.clone()) {
                    new.push(child);
                }
            }
            let approved = self.find_approvals("approval_id", &new)?;
            let (ends, next) = new.into_iter().partition(|child| stops && approved.contains(child));
            self.stopped.extend::<Vec<String>>(ends);
            from = next;
        }
        Ok(())
    }

    /// Approvals by merges that name one of these commits, as what was merged or as the merge; the merges.
    fn find_approvals(&mut self, column: &'static str, of: &[String]) -> Result<HashSet<String>, AuditError> {
        if of.is_empty() {
            return Ok(HashSet::new());
        }
        let values: Vec<String> = of.iter().map(|id| format!("commit:{id}")).collect();
        let following = Following {
            column,
            values: &values,
            kinds: &["approval"],
            some: &["approval_id"],
            wants: &["how", "target", "approval_id"],
            ..Following::default()
        };
        let mut found = Vec::new();
        let id = |cell: &Option<String>| {
            cell.as_deref().and_then(|id| id.strip_prefix("commit:")).filter(|id| is_commit_id(id)).map(str::to_owned)
        };
        self.asking.log.index.follow(&following, &mut |row| {
            let [how, tip, merge] = row.cells.as_slice() else { return };
            if let (Some("merge"), Some(tip), Some(merge)) = (how.as_deref(), id(tip), id(merge)) {
                found.push(Approval { number: row.number, tip, merge });
            }
        })?;
        let merges = found.iter().map(|approval| approval.merge.clone()).collect();
        self.approvals.extend(found);
        Ok(merges)
    }

    /// Commits of which one of these is a parent, by their own records.
    fn children(&mut self, of: &[String]) -> Result<Vec<String>, AuditError> {
        let mut out = Vec::new();
        for column in ["base_commit", "merged"] {
            let following = Following {
                column,
                values: of,
                kinds: &["action"],
                some: &["head_commit"],
                wants: &["head_commit", "base_commit", "merged", "action_type", "target"],
                ..Following::default()
            };
            self.asking.log.index.follow(&following, &mut |row| {
                let [Some(child), first, others, Some(action), Some(target)] = row.cells.as_slice() else { return };
                let is_made = ["commit", "merge"].contains(&action.as_str());
                if !is_made || target.strip_prefix("commit:") != Some(child) {
                    return;
                }
                let others = others.as_deref().unwrap_or_default().split_whitespace().map(str::to_owned).collect();
                self.parents.insert(child.clone(), Parents { first: first.clone(), others });
                out.push(child.clone());
            })?;
        }
        Ok(out)
    }

    /// Whether a merge's first parent was behind the commit already.
    fn was_there(&self, merge: &str) -> bool {
        let first = self.parents.get(merge).and_then(|parents| parents.first.as_ref());
        first.is_some_and(|first| self.reached.contains(first))
    }

    /// Whether a merge merged a commit to which this one leads.
    fn joins(&self, approval: &Approval) -> bool {
        let others = self.parents.get(&approval.merge).map(|parents| &parents.others);
        self.reached.contains(&approval.tip) && others.is_some_and(|others| others.contains(&approval.tip))
    }

    fn end(self, id: &str) -> Result<BTreeMap<u64, Brought>, AuditError> {
        let mut out = BTreeMap::new();
        for approval in &self.approvals {
            let merge = &approval.merge;
            let brought = match () {
                () if self.joins(approval) && self.was_there(merge) => Brought::Nothing,
                () if !self.asking.unread(Of::Commits)?.is_empty() => Brought::Unread,
                () if !self.joins(approval) || !self.is_recorded(merge)? => Brought::Unrecorded,
                () => Brought::It(self.agent_of(merge)?),
            };
            let is_led_to = self.joins(approval) && matches!(brought, Brought::It(_) | Brought::Unread);
            if approval.tip == id || is_led_to {
                out.insert(approval.number, brought);
            }
        }
        Ok(out)
    }

    /// Whether the log knows what was there before a merge.
    fn is_recorded(&self, merge: &str) -> Result<bool, AuditError> {
        let first = self.parents.get(merge).and_then(|parents| parents.first.as_ref());
        let Some(first) = first else { return Ok(false) };
        let one = Question::default().of(&["action"]).with("target", &format!("commit:{first}"));
        Ok(!self.asking.log.index.ask(&Question { last: 1, ..one })?.is_empty())
    }

    fn agent_of(&self, merge: &str) -> Result<Option<String>, AuditError> {
        let own = Question::all().of(&["action"]).with("target", &format!("commit:{merge}"));
        Ok(self.asking.log.index.ask(&own)?.iter().find_map(|row| text(row, "agent")))
    }
}

#[cfg(test)]
mod tests;
