//! Who approved a commit, by which means, and who does not count.
//!
//! Somebody counts whose last word on this commit was yes, and who is a person, and neither who made it nor who asked for it: four
//! eyes, as far as the log knows whose they are. Where the log cannot say who made it or who asked for it, nobody counts: anybody
//! might be that one.

use super::Event;
use super::principal::{agent, normal, signer};
use crate::record::{Known, reading};
use std::collections::{BTreeMap, BTreeSet};

/// Somebody who said yes, or no.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Voice {
    /// The record that says so.
    pub record: u64,
    /// Who; none where that person was erased.
    pub who: Option<String>,
    /// By which means: `signed`, `review`, `merge`, `rule`, `click` or `policy`; none where that is not said.
    pub how: Option<String>,
    /// When.
    pub at: Option<String>,
    /// Of what, where it is not the commit itself.
    pub of: Option<String>,
    /// Digest of the signed statement.
    pub statement: Option<String>,
    /// Who said so.
    pub source: Option<String>,
    /// How it is known that it was this one.
    pub known: Known,
    /// Why it does not count.
    pub not: Option<String>,
}

impl Voice {
    /// In a line.
    #[must_use]
    pub fn line(&self) -> String {
        let mut parts = vec![self.who.clone().unwrap_or_else(|| "(a person who was erased)".into())];
        parts.push(self.how.clone().unwrap_or_else(|| "(how is not said)".into()));
        parts.extend(self.at.as_ref().map(|at| at.replace('T', " ").trim_end_matches('Z').to_owned()));
        parts.extend(self.of.as_ref().map(|of| format!("of {of}")));
        parts.extend(self.statement.as_ref().map(|digest| format!("statement {digest}")));
        parts.join(", ")
    }
}

/// Who approved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Who counts.
    pub counted: Vec<Voice>,
    /// Who does not, each with why.
    pub not_counted: Vec<Voice>,
    /// What cannot be read and would have been needed for an answer.
    pub unread: Vec<&'static str>,
    /// Whether the log has a record of the commit that says who made it, or had one.
    pub is_recorded: bool,
}

/// What a merge brought in, by the records of commits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Brought {
    /// This commit; the agent that the merge is of, where its record names one.
    It(Option<String>),
    /// Not this commit, which was there before.
    Nothing,
    /// The log has no record of the merge.
    Unrecorded,
    /// Records of commits cannot be read, so that it is not known what was there before.
    Unread,
}

/// What is known of a commit when it is asked who approved it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Commit<'a> {
    /// Its id.
    pub id: &'a str,
    /// Records about it, and approvals of what it was merged with: of the last commit of its branch.
    pub events: &'a [Event],
    /// Who asked for the executions that it says to be of.
    pub requested_by: BTreeSet<String>,
    /// What the merges brought in that approvals rest upon, by the number of the approval.
    pub merges: BTreeMap<u64, Brought>,
    /// Approvals that a pull request of this commit names by their ids, by their numbers.
    pub by_id: BTreeSet<u64>,
    /// Approvers whom records name as agents, as they are written.
    pub agents: BTreeSet<String>,
    /// Who signed the provenance of what was built of it.
    pub signers: BTreeSet<String>,
    /// Whether records that may say who made it cannot be read.
    pub makers_unread: bool,
    /// Whether records that may say who asked for it cannot be read.
    pub requesters_unread: bool,
    /// The last approval that cannot be read.
    pub last_unread: Option<u64>,
}

/// That who made it cannot be read.
pub const MAKER_UNREAD: &str = "who made it cannot be read, and nobody counts who might have";
/// That who asked for it cannot be read.
pub const REQUESTER_UNREAD: &str = "who asked for it cannot be read, and nobody counts who might have";
/// That what merges brought cannot be read.
pub const MERGES_UNREAD: &str = "records of commits cannot be read, so that what a merge brought is not known";
/// That an approval cannot be read that may take those before it back.
const LATER_UNREAD: &str = "an approval that came later cannot be read, and may take back those before it";

/// An approval that was found, its voice and what decides whether it is one.
struct Found<'a> {
    voice: Voice,
    event: &'a Event,
    /// In the form in which it is compared.
    person: Option<String>,
    is_yes: bool,
}

/// Who approved a commit.
#[must_use]
pub fn approved(commit: &Commit<'_>) -> Verdict {
    let makes = |event: &&Event| event.makes(commit.id);
    let own: Vec<&Event> = commit.events.iter().filter(makes).collect();
    let roles = ["author", "committer"];
    let is_erased = |event: &&Event| event.erased.iter().any(|name| roles.contains(&name.as_str()));
    let says_who = |event: &&Event| ["author", "agent"].iter().any(|name| event.text(name).is_some());
    let known = own.iter().any(says_who);
    let mut unread = Vec::new();
    if own.iter().any(is_erased) || (!known && commit.makers_unread) {
        unread.push(MAKER_UNREAD);
    }
    if commit.requesters_unread {
        unread.push(REQUESTER_UNREAD);
    }
    let is_recorded = known || !unread.is_empty();
    let nobody = match (is_recorded, unread.is_empty()) {
        (false, _) => Some("who made it is not known"),
        (true, false) => Some("who made it or asked for it cannot be read"),
        (true, true) => None,
    };
    let all = found(commit);
    let makers = makers(commit);
    let mut verdict = Verdict { unread, is_recorded, ..Verdict::default() };
    for one in &all {
        let why = why_not(one, &all, commit, &makers);
        if matches!(commit.merges.get(&one.voice.record), Some(Brought::Unread)) && one.is_yes {
            verdict.unread.push(MERGES_UNREAD);
        }
        let why = why.or_else(|| nobody.map(str::to_owned));
        match why {
            None => verdict.counted.push(one.voice.clone()),
            Some(why) => verdict.not_counted.push(Voice { not: Some(why), ..one.voice.clone() }),
        }
    }
    let surely = |voice: &Voice| commit.last_unread.is_none_or(|last| voice.record > last);
    if !verdict.counted.is_empty() && !verdict.counted.iter().any(surely) {
        verdict.unread.push(LATER_UNREAD);
    }
    // That somebody else counts, whatever a merge brought, is an answer.
    if verdict.counted.iter().any(surely) {
        verdict.unread.retain(|what| *what != MERGES_UNREAD);
    }
    verdict.unread.dedup();
    verdict
}

/// Who made it, in the form in which they are compared: also by records that name it by the beginning of its id.
fn makers(commit: &Commit<'_>) -> BTreeSet<String> {
    let is_one = |event: &&Event| {
        event.kind == "action"
            && ["commit", "merge"].contains(&event.action().as_str())
            && event.text("target").is_some_and(|target| names(target, commit.id))
    };
    let people = commit.events.iter().filter(is_one);
    people.flat_map(|event| [event.text("author"), event.text("committer")]).flatten().map(normal).collect()
}

/// Approvals, in the log's order.
fn found<'a>(commit: &Commit<'a>) -> Vec<Found<'a>> {
    let mut out = Vec::new();
    for event in commit.events {
        let is_action = event.kind == "action" && event.action() == "pr_approve";
        if event.kind != "approval" && !is_action {
            continue;
        }
        let mut voice = voice(event, commit.id);
        if is_action {
            voice.who = Some(event.text("agent").unwrap_or("(nobody is named)").to_owned());
            voice.how = Some("review".into());
            voice.not = Some("an agent, and no person".into());
        }
        let person = voice.who.as_deref().map(normal);
        let is_yes = !event.text("result").is_some_and(reading::is_taken_back);
        out.push(Found { voice, event, person, is_yes });
    }
    out.sort_by_key(|one| one.voice.record);
    out
}

/// Why an approval does not count.
fn why_not(one: &Found<'_>, all: &[Found<'_>], commit: &Commit<'_>, makers: &BTreeSet<String>) -> Option<String> {
    if let Some(not) = &one.voice.not {
        return Some(not.clone());
    }
    if !one.is_yes {
        return Some(one.event.text("result").unwrap_or_default().to_lowercase());
    }
    if let Some(why) = of_another(one, commit) {
        return Some(why);
    }
    let (Some(who), Some(person)) = (one.voice.who.as_deref(), one.person.as_deref()) else {
        return Some("who it was is erased".to_owned());
    };
    let merge = match commit.merges.get(&one.voice.record) {
        Some(Brought::It(agent)) => agent.clone(),
        _ => None,
    };
    let named = commit.agents.contains(who).then(|| who.to_owned());
    let by_agent = one.event.text("agent").map(str::to_owned).or_else(|| agent(who)).or(merge).or(named);
    if let Some(agent) = by_agent {
        return Some(if agent == who {
            "an agent, and no person".into()
        } else {
            format!("an agent ({agent}), and no person")
        });
    }
    let signs = [one.event.text("signer"), Some(who).filter(|_| one.voice.how.as_deref() == Some("signed"))];
    let built = |who: &str| commit.signers.iter().any(|one| signer(one) == signer(who));
    if signs.into_iter().flatten().any(built) {
        return Some("signed with the key that signed the provenance".to_owned());
    }
    match () {
        () if makers.contains(person) => Some("made it".to_owned()),
        () if commit.requested_by.iter().any(|who| normal(who) == person) => Some("asked for it".to_owned()),
        () => taken_back(one, all),
    }
}

/// Why an approval is one of something else: of a commit that is not named by its whole id, or of a merge that did not bring it.
fn of_another(one: &Found<'_>, commit: &Commit<'_>) -> Option<String> {
    let target = one.event.text("target").unwrap_or_default();
    match commit.merges.get(&one.voice.record) {
        Some(Brought::It(_)) => return None,
        Some(Brought::Nothing) => return Some("it was there before that merge".to_owned()),
        Some(Brought::Unrecorded) => return Some("the log has no record of that merge".to_owned()),
        Some(Brought::Unread) => return Some("what that merge brought cannot be read".to_owned()),
        None => {}
    }
    let is_of_it = is_whole(target, commit.id) || commit.by_id.contains(&one.voice.record);
    (!is_of_it).then(|| format!("`{target}` is not its whole id"))
}

/// What took an approval back: the last word of the same person, on the same approval where both name one. A person who was erased may
/// be anybody who says no.
fn taken_back(one: &Found<'_>, all: &[Found<'_>]) -> Option<String> {
    let id = |found: &Found<'_>| found.event.text("approval_id").map(str::to_owned);
    let later = |other: &&Found<'_>| {
        let same_id = id(one).zip(id(other)).is_none_or(|(one, other)| one == other);
        let same_person = match &other.person {
            Some(person) => Some(person) == one.person.as_ref(),
            None => !other.is_yes,
        };
        other.voice.record > one.voice.record && same_id && same_person && other.event.kind == "approval"
    };
    let last = all.iter().rfind(later).filter(|last| !last.is_yes)?;
    let word = last.event.text("result").unwrap_or_default().to_lowercase();
    Some(format!("{word} in record {}", last.voice.record))
}

fn voice(event: &Event, id: &str) -> Voice {
    let text = |name: &str| event.text(name).map(str::to_owned);
    let own = |of: &String| of.strip_prefix("commit:").is_none_or(|target| target != id);
    Voice {
        record: event.number,
        who: text("approver"),
        how: text("how"),
        at: reading::when(&event.kind, &|name| text(name)),
        of: text("target").filter(own),
        statement: text("statement"),
        source: text("source"),
        known: event.cell("approver").map_or(Known::Declared, |cell| cell.known),
        not: None,
    }
}

/// Whether a target is a commit by its whole id: what only begins so may be another one, and whoever makes commits can make one that
/// begins as they like.
#[must_use]
pub fn is_whole(target: &str, id: &str) -> bool {
    target.strip_prefix("commit:").is_some_and(|whole| whole == id && reading::is_commit_id(whole))
}

/// Whether a target names a commit: its whole id, or so much of one as people write. Enough to show it, and nothing is decided by it.
#[must_use]
pub fn names(target: &str, id: &str) -> bool {
    target.strip_prefix("commit:").is_some_and(|short| short == id || (short.len() >= 7 && id.starts_with(short)))
}

#[cfg(test)]
mod tests;
