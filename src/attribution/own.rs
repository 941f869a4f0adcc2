//! Who made a commit, by the trailers `Agent`, `Squad`, `Trigger`, `Execution` and `Model`, with all that a squash keeps: one
//! [`Attribution`] for each that the message has.
//!
//! A trailer stands in a paragraph of trailers, as git has it, and not in a sentence: `Agent: Smith` in the middle of a text is
//! nobody's. The paragraph may stand anywhere, as a squash leaves it in the middle, and behind a line `---`.

use super::paragraphs::blocks;
use crate::model::{Trigger, limits};
use std::fmt;

/// One of the five trailers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// Which agent.
    Agent,
    /// Its squad.
    Squad,
    /// What set it off.
    Trigger,
    /// The execution.
    Execution,
    /// The model.
    Model,
}

impl Key {
    /// Every one, in the order in which they are written.
    pub const ALL: [Self; 5] = [Self::Agent, Self::Squad, Self::Trigger, Self::Execution, Self::Model];

    /// The one of a name, in any case.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|key| key.name().eq_ignore_ascii_case(name))
    }

    /// Its name, as it is written.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Agent => "Agent",
            Self::Squad => "Squad",
            Self::Trigger => "Trigger",
            Self::Execution => "Execution",
            Self::Model => "Model",
        }
    }

    /// What a value looks like.
    #[must_use]
    pub fn form(self) -> &'static str {
        match self {
            Self::Agent => "a name of letters, digits and `-_.@+`, or SQUAD/NAME",
            Self::Squad => "a name of letters, digits and `-_.@+/`",
            Self::Trigger => "manual, scheduled, event or smart, and more in parentheses: `event (issue.labeled)`",
            Self::Execution => "an id without blanks",
            Self::Model => "the name of a model, or PROVIDER/MODEL",
        }
    }

    /// Whether a value is one.
    #[must_use]
    pub fn is_well_formed(self, value: &str) -> bool {
        let name = |text: &str| {
            let inner = |b: u8| b.is_ascii_alphanumeric() || b"-_.@+".contains(&b);
            let [first, ..] = text.as_bytes() else { return false };
            first.is_ascii_alphanumeric() && text.len() <= 200 && text.bytes().all(inner)
        };
        let path = |text: &str| text.split('/').all(name);
        match self {
            Self::Agent | Self::Squad => path(value) && value.split('/').count() <= 4,
            Self::Trigger => trigger(value).is_some(),
            Self::Execution => {
                let inner = |b: u8| b.is_ascii_graphic();
                !value.is_empty() && value.len() <= 200 && value.bytes().all(inner)
            }
            Self::Model => {
                let inner = |b: u8| b.is_ascii_alphanumeric() || b"-_.:@+/".contains(&b);
                let edges = |text: &str| !text.starts_with('/') && !text.ends_with('/') && !text.contains("//");
                !value.is_empty() && value.len() <= 200 && value.bytes().all(inner) && edges(value)
            }
        }
    }
}

/// A trigger, and what it says in parentheses.
#[must_use]
pub fn trigger(value: &str) -> Option<(Trigger, Option<&str>)> {
    let (word, rest) = value.split_once([' ', '\t']).unwrap_or((value, ""));
    let trigger = Trigger::named(&word.to_ascii_lowercase())?;
    match rest.trim() {
        "" => Some((trigger, None)),
        rest => {
            let inner = rest.strip_prefix('(')?.strip_suffix(')')?;
            (!inner.is_empty() && !inner.contains(['(', ')'])).then_some((trigger, Some(inner)))
        }
    }
}

/// What one set of trailers says. Values are as they stand, well-formed or not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attribution {
    values: [Option<String>; 5],
}

impl Attribution {
    /// The value of a trailer.
    #[must_use]
    pub fn get(&self, key: Key) -> Option<&str> {
        self.values[key as usize].as_deref()
    }

    /// With a value.
    #[must_use]
    pub fn with(mut self, key: Key, value: &str) -> Self {
        self.values[key as usize] = Some(value.to_owned());
        self
    }

    /// The agent as `squad/agent`, where both are well-formed; the agent alone where no squad is named.
    #[must_use]
    pub fn agent_path(&self) -> Option<String> {
        let value = |key: Key| self.get(key).filter(|value| key.is_well_formed(value));
        let agent = value(Key::Agent)?;
        match value(Key::Squad) {
            Some(squad) if !agent.contains('/') => Some(format!("{squad}/{agent}")),
            _ => Some(agent.to_owned()),
        }
    }
}

impl fmt::Display for Attribution {
    /// As lines of a message.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for key in Key::ALL {
            if let Some(value) = self.get(key) {
                writeln!(f, "{}: {value}", key.name())?;
            }
        }
        Ok(())
    }
}

/// Every attribution of a message, each once, in their order: one more than [`limits::MESSAGE_SETS`] where there are more.
#[must_use]
pub fn attributions(message: &str) -> Vec<Attribution> {
    let mut out: Vec<Attribution> = Vec::new();
    for block in blocks(message) {
        let mut values: [Vec<String>; 5] = Default::default();
        for pair in block.pairs {
            if let Some(key) = Key::named(&pair.name) {
                values[key as usize].push(pair.value);
            }
        }
        // Where one paragraph says things several times, the first of each are together, and so on; what is said once is of all.
        let several = values.iter().map(Vec::len).max().unwrap_or(0);
        for at in 0..several {
            let each = |said: &Vec<String>| said.get(at).or_else(|| said.first().filter(|_| said.len() == 1)).cloned();
            let one = Attribution { values: [0, 1, 2, 3, 4].map(|key: usize| each(&values[key])) };
            if !out.contains(&one) && out.len() <= limits::MESSAGE_SETS {
                out.push(one);
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIVE: &str = "Agent: issue-solver\nSquad: engineering\nTrigger: event (issue.labeled)\nExecution: exec-1\nModel: claude-sonnet-4\n";

    fn agents(message: &str) -> Vec<String> {
        attributions(message).iter().map(|a| a.agent_path().unwrap_or_default()).collect()
    }

    #[test]
    fn the_five_are_read_as_people_write_them() {
        for message in [
            format!("T\n\n{FIVE}"),
            format!("T\n\nText.\n\n---\n\n{FIVE}"),
            format!("T\n\nText.\n---\n{FIVE}"),
            format!("T\n\n{FIVE}Signed-off-by: A <a@a>\n"),
            format!("T\n\n{FIVE}(cherry picked from commit 0123)\n"),
            format!("T (#1)\n\n* One\n\n{FIVE}\n* Two\n\nSigned-off-by: A <a@a>\n"),
            format!("T\n\n    {}\n", FIVE.trim().replace('\n', "\n    ")),
            format!(
                "T\n\n{}",
                FIVE.to_uppercase().replace("ISSUE-SOLVER", "issue-solver").replace("ENGINEERING", "engineering")
            ),
        ] {
            let found = attributions(&message);
            assert_eq!(found.len(), 1, "{message}");
            assert_eq!(found[0].agent_path().as_deref(), Some("engineering/issue-solver"), "{message}");
            assert!(Key::ALL.iter().all(|key| found[0].get(*key).is_some_and(|v| key.is_well_formed(v))), "{found:?}");
        }
        let found = &attributions(&format!("T\n\n{FIVE}"))[0];
        assert_eq!(found.get(Key::Model), Some("claude-sonnet-4"));
        assert_eq!(trigger(found.get(Key::Trigger).unwrap()), Some((Trigger::Event, Some("issue.labeled"))));
        assert_eq!(found.to_string(), FIVE);
    }

    #[test]
    fn prose_is_nobodys() {
        for message in [
            "Agent: b",
            "Agent: b\nSquad: s",
            "T\n\nWe met\nAgent: Smith\nand went home.\n",
            "T\n\nThe new field is\nAgent: which names it\n",
            "T\n\nAgent:\n",
            "T\n\nagent b: c\n",
        ] {
            assert!(attributions(message).iter().all(|a| a.agent_path().is_none()), "{message:?}");
        }
        // In a paragraph of its own it is a trailer, whose value is none of an agent.
        assert_eq!(agents("T\n\nAgent: we should drop it\n"), [""]);
    }

    #[test]
    fn a_squash_keeps_all_of_them() {
        let one = |n: usize| format!("Agent: a{n}\nSquad: s\nExecution: e{n}\n");
        assert_eq!(agents(&format!("T\n\n* 1\n\n{}\n* 2\n\n{}\n* 1\n\n{}", one(1), one(2), one(1))), ["s/a1", "s/a2"]);
        // Within one paragraph, as `git interpret-trailers` leaves them; what is said once is of all.
        assert_eq!(agents("T\n\nAgent: a1\nAgent: a2\nSquad: s\nExecution: e1\nExecution: e2\n"), ["s/a1", "s/a2"]);
        assert_eq!(attributions("T\n\nAgent: a\nSquad: s\n").len(), 1);
        let many: String = (0..limits::MESSAGE_SETS + 10).map(|n| format!("\n{}", one(n))).collect();
        assert_eq!(attributions(&format!("T\n{many}")).len(), limits::MESSAGE_SETS + 1);
    }

    #[test]
    fn each_key_knows_its_form() {
        for (key, good, bad) in [
            (
                Key::Agent,
                &["a", "s/a", "a-1_b.c@d+e"][..],
                &["", "a b", "/a", "a/", "-a", "a\u{e9}", "<a@b>", "a/b/c/d/e"][..],
            ),
            (Key::Squad, &["s", "a/b"], &["", "s t"]),
            (
                Key::Trigger,
                &["manual", "Event", "event (x.y)", "scheduled (cron 5 4)", "smart"],
                &["", "x", "event x", "event ()", "event (a) b"],
            ),
            (Key::Execution, &["exec-1", "253fd5ef-0000", "https://x/1"], &["", "a b"]),
            (Key::Model, &["m", "claude-sonnet-4", "acme/m:1"], &["", "a b", "/m", "a//b", "a/"]),
        ] {
            assert!(good.iter().all(|value| key.is_well_formed(value)), "{key:?} {good:?}");
            assert!(bad.iter().all(|value| !key.is_well_formed(value)), "{key:?} {bad:?}");
        }
    }
}
