//! Who made the commit, as its message says: trailers wherever they stand, since a squash leaves them in the middle.

use super::{Agent, Captured, Trigger};
use crate::model::limits;

/// `Key: value` lines of a message, in its order.
struct Trailers<'a> {
    all: Vec<(&'a str, &'a str)>,
}

/// Most trailers of one message that are looked at.
const TRAILERS: usize = 1000;

/// Trailers whose value is the conversation that the commit came from.
const SESSIONS: &[&str] = &["Claude-Session", "Amp-Thread-ID", "Agent-Logs-Url", "Entire-Session"];

/// Agents by the address under which they are co-authors; of `users.noreply.github.com` the number in front decides.
const CO_AUTHORS: &[(&str, &str)] = &[
    ("noreply@anthropic.com", "claude-code"),
    ("amp@ampcode.com", "amp"),
    ("cursoragent@cursor.com", "cursor"),
    ("noreply@openai.com", "codex"),
    ("codex@openai.com", "codex"),
    ("help@firebender.com", "firebender"),
    ("198982749+Copilot@users.noreply.github.com", "copilot"),
    ("223556219+Copilot@users.noreply.github.com", "copilot"),
    ("175728472+Copilot@users.noreply.github.com", "copilot"),
    ("158243242+devin-ai-integration[bot]@users.noreply.github.com", "devin"),
    ("138933559+factory-droid[bot]@users.noreply.github.com", "factory-droid"),
];

/// What a commit message says of the agent, and why it was set off.
///
/// Every field is absent where the message does not name it, or names it twice and differently.
pub(super) fn read(message: &str) -> (Agent, Captured<Trigger>) {
    let trailers = Trailers::of(message);
    let own = trailers.one(&["Agent"]);
    let id = match (&own, trailers.one(&["Squad"])) {
        (Captured::Found { value: agent, .. }, Captured::Found { value: squad, .. }) if !agent.contains('/') => {
            Captured::found(format!("{squad}/{agent}"), "the commit's trailers Squad and Agent")
        }
        (Captured::Found { .. }, _) => own,
        (Captured::Absent { .. }, _) if trailers.has("Agent") => own,
        (Captured::Absent { reason }, _) => match trailers.co_author() {
            Captured::Absent { reason: other } => Captured::absent(&format!("{reason}, and {other}")),
            found => found,
        },
    };
    let model = match trailers.one(&["Model"]) {
        Captured::Absent { reason } => Captured::Absent { reason },
        Captured::Found { value, source } => match value.split_once('/') {
            Some((p, m)) if !p.is_empty() && !m.is_empty() => Captured::found((p.to_owned(), m.to_owned()), &source),
            _ => Captured::absent("the commit's trailer Model is not PROVIDER/ID"),
        },
    };
    let trigger = match trailers.one(&["Trigger"]) {
        Captured::Absent { reason } => Captured::Absent { reason },
        Captured::Found { value, source } => match Trigger::parse(&source, &value.to_ascii_lowercase()) {
            // An agent's own decision is said by flag, where the build is, or not at all.
            Ok(Trigger::Smart) => Captured::absent("the commit's trailer Trigger is smart, which only a flag can say"),
            Ok(trigger) => Captured::found(trigger, &source),
            Err(_) => Captured::absent("the commit's trailer Trigger is not manual, scheduled or event"),
        },
    };
    let agent = Agent {
        id,
        version: Captured::absent("no trailer of a commit names a version"),
        model,
        session: trailers.one(SESSIONS),
        execution: trailers.one(&["Execution"]),
    };
    (agent, trigger)
}

impl<'a> Trailers<'a> {
    fn of(message: &'a str) -> Self {
        let trailer = |line: &'a str| {
            let (key, value) = line.trim().trim_start_matches(['*', '-', ' ']).split_once(':')?;
            let named = !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
            let value = value.trim();
            let plain = !value.is_empty() && value.len() <= limits::VALUE_BYTES && !value.chars().any(char::is_control);
            (named && plain).then_some((key, value))
        };
        Self { all: message.lines().filter_map(trailer).take(TRAILERS).collect() }
    }

    fn has(&self, key: &str) -> bool {
        self.all.iter().any(|(k, _)| k.eq_ignore_ascii_case(key))
    }

    /// The value that all trailers of these names have.
    fn one(&self, keys: &[&str]) -> Captured<String> {
        let named = |key: &str| keys.iter().find(|k| k.eq_ignore_ascii_case(key));
        let found: Vec<_> = self.all.iter().filter_map(|(k, v)| Some((named(k)?, *v))).collect();
        match found.as_slice() {
            [] => Captured::absent(&format!("the commit has no trailer {}", keys.join(", "))),
            [(key, value), rest @ ..] if rest.iter().all(|(_, v)| v == value) => {
                Captured::found((*value).to_owned(), &format!("the commit's trailer {key}"))
            }
            _ => {
                let mut all: Vec<_> = found.iter().map(|(_, v)| *v).collect();
                all.sort_unstable();
                all.dedup();
                all.truncate(5);
                Captured::absent(&format!("the commit's trailers {} differ: {}", keys.join(", "), all.join(", ")))
            }
        }
    }

    /// The one agent that is a co-author.
    fn co_author(&self) -> Captured<String> {
        let address = |v: &'a str| Some(v.rsplit_once('<')?.1.split_once('>')?.0);
        let agent = |a: &str| CO_AUTHORS.iter().find(|(known, _)| known.eq_ignore_ascii_case(a)).map(|(_, name)| *name);
        let authors = self.all.iter().filter(|(k, _)| k.eq_ignore_ascii_case("Co-authored-by"));
        let mut agents: Vec<_> = authors.filter_map(|(_, v)| agent(address(v)?)).collect();
        agents.sort_unstable();
        agents.dedup();
        match agents.as_slice() {
            [] => Captured::absent("no known agent is its co-author"),
            [one] => Captured::found((*one).to_owned(), "the commit's trailer Co-authored-by"),
            several => Captured::absent(&format!("several agents are its co-authors: {}", several.join(", "))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(message: &str) -> Option<String> {
        read(message).0.id.value().cloned()
    }

    #[test]
    fn trailers_are_found_wherever_they_stand() {
        let message = "Fix it (#1)\n\n* Part one\n\nagent: builder\nSQUAD: platform\nModel: acme/m1\nExecution: e-1\nTrigger: scheduled\nClaude-Session: https://claude.ai/code/session_1\n\n* Part two\n\nSigned-off-by: A <a@a>\n";
        let (agent, trigger) = read(message);
        assert_eq!(agent.id.value().map(String::as_str), Some("platform/builder"));
        assert_eq!(agent.model.value(), Some(&("acme".to_owned(), "m1".to_owned())));
        assert_eq!(agent.execution.value().map(String::as_str), Some("e-1"));
        assert_eq!(agent.session.value().map(String::as_str), Some("https://claude.ai/code/session_1"));
        assert_eq!(trigger.value(), Some(&Trigger::Scheduled));
        assert_eq!(id("T\n\nthe agent: is not a trailer of one word\n"), None);
    }

    #[test]
    fn what_differs_is_not_chosen_from() {
        let (agent, _) = read("T\n\nAgent: a/b\nAgent: c/d\nCo-authored-by: Amp <amp@ampcode.com>\n");
        let Captured::Absent { reason } = &agent.id else { panic!("{agent:?}") };
        assert!(reason.contains("a/b, c/d"), "{reason}");
        assert_eq!(id("T\n\nAgent: a/b\nAgent: a/b\n").as_deref(), Some("a/b"));
    }

    #[test]
    fn co_authors_are_known_by_their_address() {
        assert_eq!(id("T\n\nCo-Authored-By: Claude X 1 <noreply@anthropic.com>").as_deref(), Some("claude-code"));
        let copilot = "T\n\nCo-authored-by: c[bot] <198982749+Copilot@users.noreply.github.com>";
        assert_eq!(id(copilot).as_deref(), Some("copilot"));
        assert_eq!(id("T\n\nCo-authored-by: Claude <claude@people.example>"), None);
        let two = "T\n\nCo-authored-by: A <amp@ampcode.com>\nCo-authored-by: C <codex@openai.com>";
        assert_eq!(id(two), None);
    }

    #[test]
    fn a_trigger_is_never_smart_and_a_model_has_a_provider() {
        for (message, trigger) in
            [("Trigger: smart", None), ("Trigger: x", None), ("Trigger: event", Some(Trigger::Event))]
        {
            assert_eq!(read(message).1.value().copied(), trigger, "{message}");
        }
        assert_eq!(read("Model: m1").0.model.value(), None);
    }
}
