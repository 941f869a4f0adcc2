//! Who made the commit, as its message says.
//!
//! Only what stands in a paragraph of trailers counts, and a line `Generated with [AGENT]`. Own trailers (`Agent`, `Squad`, `Model`, ...) go
//! first, where their values have the form of one. What agents write by themselves ([`hints`]) names the agent where all of it
//! agrees; where it does not, nothing is chosen and all of it is shown.

use super::lines::Trailers;
use super::own::{self, Key};
use super::{Agent, Model, Trigger, hints};
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
    if let Some(over) = super::over_limit(message) {
        return Said { agent: Agent::absent(&over), trigger: Captured::absent(&over), disagreements: Vec::new() };
    }
    let trailers = Trailers::of(message);
    let hints = hints::find(&trailers);
    let own = trailers.own(Key::Agent);
    let mut disagreements = Vec::new();
    let id = match (&own, trailers.own(Key::Squad)) {
        (Captured::Found { value: agent, .. }, Captured::Found { value: squad, .. }) if !agent.contains('/') => {
            Captured::found(format!("{squad}/{agent}"), "the commit's trailers Squad and Agent")
        }
        // Which one it is of those of that name is not known.
        (Captured::Found { value, .. }, Captured::Absent { reason })
            if !value.contains('/') && trailers.has_own(Key::Squad) =>
        {
            Captured::absent(&reason)
        }
        (Captured::Found { .. }, _) => own,
        (Captured::Absent { .. }, _) if trailers.has_own(Key::Agent) => own,
        (Captured::Absent { reason }, _) => match hints.one() {
            Captured::Absent { reason: other } => Captured::absent(&format!("{reason}, and {other}")),
            found => found,
        },
    };
    if trailers.has_own(Key::Agent) {
        let others = hints.agents().filter(|(name, _)| id.value() != Some(name));
        disagreements.extend(others.map(|(name, by)| (About::Agent, format!("{by} says {name}"))));
    }
    let model = match trailers.own(Key::Model) {
        Captured::Absent { reason } if trailers.has_own(Key::Model) => Captured::Absent { reason },
        Captured::Absent { reason } => match hints.model() {
            Some(Captured::Absent { reason: other }) => Captured::absent(&format!("{reason}, and {other}")),
            Some(found) => found,
            None => Captured::Absent { reason },
        },
        found => found,
    };
    let model = match model {
        Captured::Absent { reason } => Captured::Absent { reason },
        Captured::Found { value, source } => match Model::parse(&value) {
            Some(model) => Captured::found(model, &source),
            None => Captured::absent(&format!("{source} names no model")),
        },
    };
    if let Some(own) = model.value() {
        let others = hints.models().filter(|(name, _)| Model::parse(name).is_none_or(|other| !other.fits(own)));
        disagreements.extend(others.map(|(name, by)| (About::Model, format!("{by} says {name}"))));
    }
    let trigger = match trailers.own(Key::Trigger) {
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
        execution: trailers.own(Key::Execution),
    };
    Said { agent, trigger, disagreements }
}

/// The agent whose signs stand in a message, beside the own trailers.
pub(crate) fn hinted(message: &str) -> Option<String> {
    if super::over_limit(message).is_some() { None } else { hints::find(&Trailers::of(message)).one().value().cloned() }
}

/// The agent of what looks like a sign of one, on any line, and like what it looks.
pub(crate) fn looks_like(message: &str) -> Option<(&'static str, &'static str)> {
    hints::looks_like(&Trailers::anywhere(message))
}

/// Every agent whose signs stand in a message, also where they contradict each other.
pub(crate) fn every_hinted(message: &str) -> Vec<String> {
    let mut all: Vec<String> = hints::find(&Trailers::of(message)).every().map(str::to_owned).collect();
    all.dedup();
    all
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
        assert_eq!(agent.model.value(), Model::parse("acme/m1").as_ref());
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
            ("T\n\n    Agent: b\n    Squad: s\n", Some("b")),
            ("T\n\nAgent: a/b\n\n  text\n", Some("a/b")),
            ("T\n\nAgent b: a/b\n", None),
            ("T\n\nAgent:\n", None),
        ] {
            assert_eq!(Trailers::of(message).values("Agent").next(), expected, "{message:?}");
        }
        assert_eq!(id("T\n\nAgent: a/b\n  and more\n"), None, "no agent has such a name");
        assert_eq!(id("T\n\n    Agent: b\n    Squad: s\n").as_deref(), Some("s/b"));
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
            let line = format!("T\n\n{}: https://s.example/1\n\nmore\n\n", key.to_lowercase());
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
    fn a_trigger_is_never_smart_and_a_model_may_lack_its_provider() {
        for (message, trigger) in [
            ("Trigger: smart", None),
            ("Trigger: x", None),
            ("Trigger: event", Some(Trigger::Event)),
            ("Trigger: event (issue.labeled)", Some(Trigger::Event)),
        ] {
            assert_eq!(read(&format!("T\n\n{message}")).trigger.value().copied(), trigger, "{message}");
        }
        let model = |message: &str| read(&format!("T\n\n{message}")).agent.model;
        for (message, expected) in [
            ("Model: claude-sonnet-4", Some("claude-sonnet-4")),
            ("Model: acme/m1", Some("acme/m1")),
            ("Assisted-by: Claude:opus-9 [lint]", Some("opus-9")),
            ("Assisted-by: Claude:opus-9\nAssisted-by: Amp:opus-8", None),
            ("Model: acme/m1\nModel: m2", None),
            ("Model: acme/", None),
            ("Model: /m1", None),
        ] {
            assert_eq!(model(message).value().map(Model::to_string).as_deref(), expected, "{message}");
        }
        let said = read("T\n\nAgent: amp\nModel: m2\nAssisted-by: Amp:m2\n");
        assert!(said.disagreements.is_empty(), "{:?}", said.disagreements);
    }

    #[test]
    fn a_sentence_is_no_trailer_of_ours() {
        let text = "T\n\nWe met the agent, who said:\nAgent: Smith\nTrigger: event\nModel: m\nSquad: s\nExecution: e\nand left.\n";
        let Said { agent, trigger, .. } = read(text);
        assert_eq!((agent.id.value(), agent.model.value(), agent.execution.value()), (None, None, None));
        assert_eq!(trigger.value(), None);
        // Among trailers it is one, also behind a line `---`.
        assert_eq!(id("T\n\nText.\n\nAgent: smith\nReviewed-by: A <a@a>\n").as_deref(), Some("smith"));
        assert_eq!(id("T\n\nText.\n---\nAgent: smith\n").as_deref(), Some("smith"));
    }

    #[test]
    fn of_a_message_that_is_not_all_read_nothing_is_taken() {
        let message = |n: usize| format!("T\n\nAgent: a\nTrigger: event\n\nAmp-Thread-ID: x\n{}", "text\n".repeat(n));
        assert_eq!(id(&message(10)).as_deref(), Some("a"));
        let Said { agent, trigger, .. } = read(&message(20_001));
        assert_eq!((agent.id.value(), trigger.value()), (None, None));
        assert!(matches!(agent.id, Captured::Absent { reason } if reason.contains("more than 20000 lines")));
        assert_eq!(hinted(&format!("T\n\nMade-with: Cursor\n\n{}", "text\n".repeat(20_001))), None);
    }

    #[test]
    fn a_squad_that_cannot_be_read_leaves_the_agent_unknown() {
        assert_eq!(id("T\n\nAgent: a\nSquad: ../..\n"), None);
        assert_eq!(id("T\n\nAgent: a\nSquad: s\nSquad: t\n"), None);
        assert_eq!(id("T\n\nAgent: a\nSquad: s\n").as_deref(), Some("s/a"));
        assert_eq!(id("T\n\nAgent: a\n").as_deref(), Some("a"));
    }
}
