//! Who made the commit, as its message says.
//!
//! Own trailers (`Agent`, `Squad`, `Model`, ...) go first. What agents write by themselves ([`hints`]) names the agent where
//! all of it agrees; where it does not, nothing is chosen and all of it is shown.

use super::lines::Trailers;
use super::{Agent, Trigger, hints, own};
use crate::model::Captured;

/// Trailers whose value is the conversation that the commit came from.
const SESSIONS: &[&str] =
    &["Claude-Session", "Amp-Thread-ID", "Agent-Logs-Url", "Entire-Session", "Chainloop-Trace-Sessions"];

/// What the two sides of a disagreement are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum About {
    /// Which agent.
    Agent,
    /// Which model.
    Model,
}

/// What a message says.
pub(crate) struct Said {
    /// Of the agent.
    pub(crate) agent: Agent,
    /// Why it was set off.
    pub(crate) trigger: Captured<Trigger>,
    /// What agents wrote by themselves and the own trailers do not say.
    pub(crate) disagreements: Vec<(About, String)>,
}

/// What a commit message says of the agent, and why it was set off.
///
/// Every field is absent where the message does not name it, or names it twice and differently.
pub(crate) fn read(message: &str) -> Said {
    let trailers = Trailers::of(message);
    let hints = hints::find(&trailers);
    let own = trailers.one(&["Agent"]);
    let mut disagreements = Vec::new();
    let id = match (&own, trailers.one(&["Squad"])) {
        (Captured::Found { value: agent, .. }, Captured::Found { value: squad, .. }) if !agent.contains('/') => {
            Captured::found(format!("{squad}/{agent}"), "the commit's trailers Squad and Agent")
        }
        (Captured::Found { .. }, _) => own,
        (Captured::Absent { .. }, _) if trailers.has("Agent") => own,
        (Captured::Absent { reason }, _) => match hints.one() {
            Captured::Absent { reason: other } => Captured::absent(&format!("{reason}, and {other}")),
            found => found,
        },
    };
    if trailers.has("Agent") {
        let others = hints.agents().filter(|(name, _)| id.value() != Some(name));
        disagreements.extend(others.map(|(name, by)| (About::Agent, format!("{by} says {name}"))));
    }
    let model = match trailers.one(&["Model"]) {
        Captured::Absent { reason } => match hints.models().next() {
            Some((model, by)) if !trailers.has("Model") => {
                Captured::absent(&format!("{reason}, and {by} names the model {model} without its provider"))
            }
            _ => Captured::Absent { reason },
        },
        Captured::Found { value, source } => match value.split_once('/') {
            Some((p, m)) if !p.is_empty() && !m.is_empty() => Captured::found((p.to_owned(), m.to_owned()), &source),
            _ => Captured::absent("the commit's trailer Model is not PROVIDER/ID"),
        },
    };
    if let Some((_, own)) = model.value() {
        let others = hints.models().filter(|(name, _)| *name != own);
        disagreements.extend(others.map(|(name, by)| (About::Model, format!("{by} says {name}"))));
    }
    let trigger = match trailers.one(&["Trigger"]) {
        Captured::Absent { reason } => Captured::Absent { reason },
        Captured::Found { value, source } => match own::trigger(&value).map(|(trigger, _)| trigger) {
            // An agent's own decision is said by flag, where the build is, or not at all.
            Some(Trigger::Smart) => {
                Captured::absent("the commit's trailer Trigger is smart, which only a flag can say")
            }
            Some(trigger) => Captured::found(trigger, &source),
            None => Captured::absent("the commit's trailer Trigger is not manual, scheduled or event"),
        },
    };
    let agent = Agent {
        id,
        version: Captured::absent("no trailer of a commit names a version"),
        model,
        session: trailers.one(SESSIONS),
        execution: trailers.one(&["Execution"]),
    };
    Said { agent, trigger, disagreements }
}

/// The agent whose signs stand in a message, beside the own trailers.
pub(crate) fn hinted(message: &str) -> Option<String> {
    hints::find(&Trailers::of(message)).one().value().cloned()
}

/// The value of one trailer.
pub(crate) fn named(message: &str, key: &str) -> Captured<String> {
    Trailers::of(message).one(&[key])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(message: &str) -> Option<String> {
        read(message).agent.id.value().cloned()
    }

    #[test]
    fn trailers_are_found_wherever_they_stand() {
        let message = "Fix it (#1)\n\n* Part one\n\nagent: builder\nSQUAD: platform\nModel: acme/m1\nExecution: e-1\nTrigger: scheduled\nClaude-Session: https://claude.ai/code/session_1\n\n* Part two\n\nSigned-off-by: A <a@a>\n";
        let Said { agent, trigger, .. } = read(message);
        assert_eq!(agent.id.value().map(String::as_str), Some("platform/builder"));
        assert_eq!(agent.model.value(), Some(&("acme".to_owned(), "m1".to_owned())));
        assert_eq!(agent.execution.value().map(String::as_str), Some("e-1"));
        assert_eq!(agent.session.value().map(String::as_str), Some("https://claude.ai/code/session_1"));
        assert_eq!(trigger.value(), Some(&Trigger::Scheduled));
        assert_eq!(id("T\n\nthe agent: is not a trailer of one word\n"), None);
    }

    /// As `git interpret-trailers --parse` unfolds them.
    #[test]
    fn trailers_are_what_git_takes_for_them() {
        for (message, expected) in [
            ("T\n\nAgent : a/b\n", Some("a/b")),
            ("T\n\nAgent\t: a/b\n", Some("a/b")),
            ("T\n\nAgent: a/b\n  and more\n", Some("a/b and more")),
            ("T\n\nAgent:\n  a/b\nSquad: s\n", Some("a/b")),
            ("T\n\nAgent: a/b\n Squad: s\n", Some("a/b Squad: s")),
            // A squash moves all of it in.
            ("T\n\n    Agent: b\n    Squad: s\n", Some("s/b")),
            ("T\n\nAgent: a/b\n\n  text\n", Some("a/b")),
            ("T\n\nAgent b: a/b\n", None),
            ("T\n\nAgent:\n", None),
        ] {
            assert_eq!(id(message).as_deref(), expected, "{message:?}");
        }
    }

    #[test]
    fn what_differs_is_not_chosen_from() {
        let agent = read("T\n\nAgent: a/b\nAgent: c/d\nCo-authored-by: Amp <amp@ampcode.com>\n").agent;
        let Captured::Absent { reason } = &agent.id else { panic!("{agent:?}") };
        assert!(reason.contains("a/b, c/d"), "{reason}");
        assert_eq!(id("T\n\nAgent: a/b\nAgent: a/b\n").as_deref(), Some("a/b"));
    }

    #[test]
    fn every_session_trailer_is_known_alone_and_two_must_agree() {
        for key in SESSIONS {
            let session = |text: &str| read(text).agent.session;
            let line = format!("T\n\n{}: https://s.example/1\n\nmore\n", key.to_lowercase());
            assert_eq!(session(&line).value().map(String::as_str), Some("https://s.example/1"), "{key}");
            let both =
                session(&format!("{line}Amp-Thread-ID: https://s.example/2\nAgent-Logs-Url: https://s.example/2"));
            assert!(
                matches!(&both, Captured::Absent { reason } if reason.contains("/1") && reason.contains("/2")),
                "{both:?}"
            );
        }
    }

    #[test]
    fn what_an_agent_wrote_beside_the_own_trailers_is_a_disagreement() {
        let said = read("T\n\nAgent: team/a\nModel: acme/m1\nAssisted-by: Amp:m2 shell\nMade-with: Cursor\n");
        assert_eq!(said.agent.id.value().map(String::as_str), Some("team/a"));
        let all: Vec<_> = said.disagreements.iter().map(|(_, text)| text.as_str()).collect();
        assert_eq!(all.len(), 3, "{all:?}");
        for part in ["Assisted-by says amp", "Made-with says cursor", "Assisted-by says m2"] {
            assert!(all.iter().any(|text| text.contains(part)), "{part}: {all:?}");
        }
        assert!(read("T\n\nAgent: amp\nModel: acme/m2\nAssisted-by: Amp:m2 shell\n").disagreements.is_empty());
    }

    #[test]
    fn a_trigger_is_never_smart_and_a_model_has_a_provider() {
        for (message, trigger) in [
            ("Trigger: smart", None),
            ("Trigger: x", None),
            ("Trigger: event", Some(Trigger::Event)),
            ("Trigger: event (issue.labeled)", Some(Trigger::Event)),
        ] {
            assert_eq!(read(message).trigger.value().copied(), trigger, "{message}");
        }
        assert_eq!(read("Model: m1").agent.model.value(), None);
        let model = read("Assisted-by: Claude:opus-9 [lint]").agent.model;
        assert!(matches!(&model, Captured::Absent { reason } if reason.contains("opus-9 without")), "{model:?}");
    }
}
