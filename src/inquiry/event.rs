//! [`Event`]: a record as questions see it.

use crate::model::Timestamp;
use crate::record::draft::{UNANSWERED, witness_of};
use crate::record::{Known, reading};
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

/// One thing that a record says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    /// The field.
    pub name: String,
    /// Its value as a text.
    pub text: String,
    /// How it is known.
    pub known: Known,
}

/// A record that can be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Event {
    /// Its number.
    pub number: u64,
    /// Its kind.
    pub kind: String,
    /// When it was put into the log (seconds since 1970, whole minutes).
    pub logged: i64,
    /// What it says.
    pub said: Vec<Cell>,
    /// Fields of people who were erased.
    pub erased: Vec<String>,
}

impl Event {
    /// The cell of a field.
    #[must_use]
    pub fn cell(&self, name: &str) -> Option<&Cell> {
        self.said.iter().find(|cell| cell.name == name)
    }

    /// The text of a field.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.cell(name).map(|cell| cell.text.as_str())
    }

    /// The number in a field.
    #[must_use]
    pub fn count(&self, name: &str) -> Option<u64> {
        self.text(name)?.parse().ok()
    }

    /// When it was, by the clock of whoever says so, else when it was put into the log (seconds since 1970).
    #[must_use]
    pub fn at(&self) -> i64 {
        self.told_at().unwrap_or(self.logged)
    }

    /// When it was, where it says so (seconds since 1970).
    #[must_use]
    pub fn told_at(&self) -> Option<i64> {
        let when = reading::when(&self.kind, &|name| self.text(name).map(str::to_owned));
        when.and_then(|text| Timestamp::parse(&text).ok()).map(Timestamp::unix)
    }

    /// What was done, in the names of action types.
    #[must_use]
    pub fn action(&self) -> String {
        reading::action(&self.kind, &|name| self.text(name).map(str::to_owned))
    }

    /// Whether it says that a commit was made.
    #[must_use]
    pub fn makes(&self, commit: &str) -> bool {
        let is_one = self.text("action_type").is_some_and(|action| ["commit", "merge"].contains(&action));
        let target = self.text("target").and_then(|target| target.strip_prefix("commit:"));
        self.kind == "action" && is_one && target == Some(commit)
    }

    /// The call of a tool that it tells, by the agent's id of it. It may be told before and after it, by its hook and by the transcript.
    #[must_use]
    pub fn call(&self) -> Option<(Cow<'_, str>, &str)> {
        let id = self.text("source_id").filter(|_| self.kind == "action")?;
        Some((witness_of(self.text("source").unwrap_or_default()), id.strip_suffix(UNANSWERED).unwrap_or(id)))
    }

    /// How much of a call it tells: what saw how it went the most.
    fn tells(&self) -> (bool, bool) {
        let is_hook = self.text("source").is_some_and(|source| source.starts_with("hook "));
        (self.text("result") != Some("unanswered"), is_hook)
    }

    /// Whether it says of itself that it did not go well.
    #[must_use]
    pub fn failed(&self) -> bool {
        let result = self.text("result").is_some_and(|result| !["ok", "success", "unanswered"].contains(&result));
        result || self.text("exit_code").is_some_and(|code| code != "0")
    }
}

/// Each call of a tool once: of several records of one, the one that tells most.
#[must_use]
pub fn each_once(events: Vec<Event>) -> Vec<Event> {
    let mut best: HashMap<(String, String), usize> = HashMap::new();
    for (at, event) in events.iter().enumerate() {
        let Some((source, id)) = event.call() else { continue };
        let before = best.entry((source.into_owned(), id.to_owned())).or_insert(at);
        if event.tells() > events[*before].tells() {
            *before = at;
        }
    }
    let kept: HashSet<usize> = best.into_values().collect();
    let is_kept = |(at, event): &(usize, Event)| event.call().is_none() || kept.contains(at);
    events.into_iter().enumerate().filter(is_kept).map(|(_, event)| event).collect()
}

/// Why records cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// They were kept as long as the log keeps them: the number of the redaction that says so.
    Expired(u64),
    /// They were erased: the number of the redaction, and its reason.
    Erased(u64, String),
    /// Their key is not here, and nothing says why.
    NoKey,
    /// They are not what was written.
    Damaged,
}

/// Records that cannot be read, of which only kind and minute are known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hole {
    /// The first number.
    pub first: u64,
    /// The last number; between them may be records that can be read.
    pub last: u64,
    /// How many.
    pub count: u64,
    /// Why.
    pub why: Why,
}

impl Hole {
    /// Adds a record to holes, to the one of the same reason where there is one.
    pub fn add(holes: &mut Vec<Self>, number: u64, why: Why) {
        match holes.iter_mut().find(|hole| hole.why == why) {
            Some(hole) => {
                (hole.first, hole.last) = (hole.first.min(number), hole.last.max(number));
                hole.count += 1;
            }
            None => holes.push(Self { first: number, last: number, count: 1, why }),
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// An event of `name=value` pairs, each declared; a value behind `w:` is witnessed.
    pub(crate) fn event(number: u64, kind: &str, said: &[&str]) -> Event {
        let cell = |text: &&str| {
            let (name, value) = text.split_once('=').unwrap();
            let (known, value) = match value.strip_prefix("w:") {
                Some(value) => (Known::Witnessed, value),
                None => (Known::Declared, value),
            };
            Cell { name: name.to_owned(), text: value.to_owned(), known }
        };
        let said = said.iter().map(cell).collect();
        Event { number, kind: kind.to_owned(), logged: 60, said, erased: Vec::new() }
    }

    #[test]
    fn time_and_outcome_are_those_that_it_says() {
        let at = |said: &[&str]| event(1, "action", said).at();
        assert_eq!(at(&["at=1970-01-01T00:00:07Z"]), 7);
        assert_eq!(at(&[]), 60, "when it was recorded");
        let failed = |said: &[&str]| event(1, "action", said).failed();
        assert!(failed(&["result=error"]) && failed(&["exit_code=101"]) && failed(&["result=denied"]));
        assert!(!failed(&["result=ok", "exit_code=0"]) && !failed(&["result=unanswered"]) && !failed(&[]));
    }

    #[test]
    fn a_call_is_told_once_by_what_tells_most() {
        let hook = |number, id: &str, result: &str| {
            let said = ["source=hook a".to_owned(), format!("source_id={id}"), format!("result={result}")];
            event(number, "action", &said.each_ref().map(String::as_str))
        };
        let import = event(5, "action", &["source=import a", "source_id=t1", "result=ok"]);
        let other = event(6, "action", &["source=import b", "source_id=t1", "result=ok"]);
        let all = vec![hook(1, "t1/unanswered", "unanswered"), hook(2, "t2/unanswered", "unanswered"), import, other];
        let numbers = |events: Vec<Event>| each_once(events).iter().map(|event| event.number).collect::<Vec<_>>();
        assert_eq!(numbers(all.clone()), [2, 5, 6], "how it went");
        assert_eq!(numbers([all, vec![hook(7, "t1", "error")]].concat()), [2, 6, 7], "and who saw it");
        let nameless = vec![event(1, "action", &[]), event(2, "action", &[])];
        assert_eq!(numbers(nameless), [1, 2], "what has no id is told as often as it is there");
    }

    #[test]
    fn holes_of_one_reason_are_one() {
        let mut holes = Vec::new();
        for (number, why) in [(4, Why::NoKey), (9, Why::Expired(20)), (2, Why::NoKey)] {
            Hole::add(&mut holes, number, why);
        }
        assert_eq!(holes.len(), 2);
        assert_eq!((holes[0].first, holes[0].last, holes[0].count), (2, 4, 2));
    }
}
