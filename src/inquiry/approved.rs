//! Who approved a commit, by which means, and who does not count.
//!
//! Somebody counts who said so of this commit, and is neither who made it nor who asked for it: four eyes, as far as the log knows
//! whose they are. An agent is nobody's second pair of eyes.

use super::Event;
use crate::record::{Known, reading};
use std::collections::BTreeSet;

/// Somebody who said yes.
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
}

/// Who approved a commit.
#[must_use]
pub fn approved(commit: &Commit<'_>) -> Verdict {
    let own = || commit.events.iter().filter(|event| event.makes(commit.id));
    let authors: BTreeSet<&str> = own().filter_map(|event| event.text("author")).collect();
    let mut all: Vec<Voice> = Vec::new();
    for event in commit.events {
        match event.kind.as_str() {
            "approval" => all.push(voice(event, commit.id)),
            "action" if event.action() == "pr_approve" => {
                let mut voice = voice(event, commit.id);
                voice.who = event.text("agent").map(str::to_owned);
                voice.how = Some("review".into());
                voice.not = Some("an agent, and no person".into());
                all.push(voice);
            }
            _ => {}
        }
    }
    let mut verdict = Verdict::default();
    for mut voice in all {
        let who = voice.who.as_deref();
        let why = match () {
            () if voice.not.is_some() => voice.not.clone(),
            () if who.is_some_and(|who| authors.contains(who)) => Some("made it".to_owned()),
            () if who.is_some_and(|who| commit.requested_by.contains(who)) => Some("asked for it".to_owned()),
            () => None,
        };
        match why {
            None => verdict.counted.push(voice),
            Some(why) => {
                voice.not = Some(why);
                verdict.not_counted.push(voice);
            }
        }
    }
    verdict
}

fn voice(event: &Event, id: &str) -> Voice {
    let text = |name: &str| event.text(name).map(str::to_owned);
    let taken_back = text("result").filter(|result| event.kind == "approval" && reading::is_taken_back(result));
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
        not: taken_back,
    }
}

/// Whether a target names a commit: its whole id, or so much of one as people write.
#[must_use]
pub fn names(target: &str, id: &str) -> bool {
    target.strip_prefix("commit:").is_some_and(|short| short == id || (short.len() >= 7 && id.starts_with(short)))
}

#[cfg(test)]
mod tests {
    use super::super::event::tests::event;
    use super::*;

    fn verdict(events: &[Event], requested_by: &[&str]) -> (Vec<String>, Vec<String>) {
        let requested_by = requested_by.iter().map(|who| (*who).to_owned()).collect();
        let found = approved(&Commit { id: "abc", events, requested_by });
        let one = |v: &Voice| format!("{} {}", v.who.as_deref().unwrap_or("?"), v.not.as_deref().unwrap_or("yes"));
        (found.counted.iter().map(one).collect(), found.not_counted.iter().map(one).collect())
    }

    #[test]
    fn who_made_or_asked_or_took_it_back_does_not_count() {
        let commit = event(1, "action", &["action_type=commit", "target=commit:abc", "author=github:1"]);
        let approval = |number, who: &str, more: &[&str]| {
            let approver = format!("approver={who}");
            event(number, "approval", &[&["target=commit:abc", "how=review", approver.as_str()][..], more].concat())
        };
        let agent = event(9, "action", &["action_type=pr_approve", "target=commit:abc", "agent=s/reviewer"]);
        let events = [
            commit,
            approval(2, "github:1", &[]),
            approval(3, "github:2", &[]),
            approval(4, "github:3", &[]),
            approval(5, "github:4", &["result=dismissed"]),
            agent,
        ];
        let (counted, not) = verdict(&events, &["github:2"]);
        assert_eq!(counted, ["github:3 yes"]);
        let expected =
            ["github:1 made it", "github:2 asked for it", "github:4 dismissed", "s/reviewer an agent, and no person"];
        assert_eq!(not, expected);
        assert_eq!(verdict(&events[..1], &[]), (vec![], vec![]), "nobody");
    }

    #[test]
    fn whoever_merged_it_let_it_in_unless_they_made_it() {
        let made = event(1, "action", &["action_type=commit", "target=commit:abc", "author=github:1"]);
        let merge = |who: &str| event(2, "approval", &["how=merge", "target=commit:def", who]);
        let of = |who: &str| verdict(&[made.clone(), merge(who)], &[]);
        assert_eq!(of("approver=github:2").0, ["github:2 yes"]);
        assert_eq!(of("approver=github:1").1, ["github:1 made it"]);
    }

    #[test]
    fn a_short_name_is_that_of_a_commit_from_seven_digits_on() {
        let id = "0123456789abcdef0123456789abcdef01234567";
        assert!(names(&format!("commit:{id}"), id) && names("commit:0123456", id));
        assert!(!names("commit:012345", id) && !names("commit:1234567", id) && !names("0123456", id));
        assert!(names("commit:abc123", "abc123"), "as it was recorded");
    }
}
