//! Which coding agent runs this process, by the variables that agents set. It is the agent's own word, no boundary: what
//! it says is `declared`, and where two agents match none is chosen.

use crate::capture::{Agent, Captured, Environment};
use crate::issuer::variables::{is_word, variable};

/// An agent, the variables by which it is known, and the one that names the conversation.
struct Known {
    name: &'static str,
    marks: &'static [&'static str],
    session: Option<&'static str>,
}

const KNOWN: &[Known] = &[
    Known {
        name: "claude-code",
        marks: &["CLAUDECODE", "CLAUDE_CODE_ENTRYPOINT", "CLAUDE_CODE_REMOTE"],
        session: Some("CLAUDE_CODE_SESSION_ID"),
    },
    Known { name: "cursor", marks: &["CURSOR_AGENT"], session: None },
    Known {
        name: "codex",
        marks: &["CODEX_THREAD_ID", "CODEX_SANDBOX", "CODEX_INTERNAL_ORIGINATOR_OVERRIDE"],
        session: Some("CODEX_THREAD_ID"),
    },
    Known { name: "gemini-cli", marks: &["GEMINI_CLI"], session: None },
    Known { name: "copilot", marks: &["COPILOT_CLI"], session: None },
    Known { name: "opencode", marks: &["OPENCODE"], session: None },
    Known { name: "augment", marks: &["AUGMENT_AGENT"], session: None },
    Known { name: "qwen-code", marks: &["QWEN_CODE"], session: None },
    Known { name: "amp", marks: &["AMP_CURRENT_THREAD_ID"], session: Some("AMP_CURRENT_THREAD_ID") },
    Known { name: "antigravity", marks: &["ANTIGRAVITY_AGENT"], session: None },
    Known { name: "crush", marks: &[], session: None },
    Known { name: "goose", marks: &[], session: None },
];

/// Variables whose value is an agent's name. The second is a common word, so only known names count.
const NAMES: &[&str] = &["AI_AGENT", "AGENT"];

/// The agent that the environment tells of.
pub(in crate::capture) fn detect(env: &Environment) -> Agent {
    let mut found: Vec<(&Known, String)> = Vec::new();
    for known in KNOWN {
        let by_mark = known.marks.iter().copied().filter(|m| env.variable(m).is_some_and(|v| v != "0" && v != "false"));
        // `NAME`, or `NAME` and its version behind a separator.
        let names =
            |v: &str| v.strip_prefix(known.name).is_some_and(|r| r.is_empty() || r.starts_with(['/', '_', '@', ' ']));
        let by_name = NAMES.iter().copied().filter(|n| env.variable(n).is_some_and(names));
        let by: Vec<_> = by_mark.chain(by_name).collect();
        if !by.is_empty() {
            found.push((known, by.join(", ")));
        }
    }
    let mut reason = "no variable of a known coding agent is set".to_owned();
    match found.as_slice() {
        [] => {}
        [(known, by)] => {
            let session = match known.session {
                Some(name) => variable(env, name, is_word),
                None => Captured::absent(&format!("no variable of {} names the conversation", known.name)),
            };
            let absent = format!("no variable of {} says it", known.name);
            return Agent {
                id: Captured::found(known.name.to_owned(), by),
                version: Captured::absent(&absent),
                model: Captured::absent(&absent),
                session,
                execution: Captured::absent(&absent),
            };
        }
        several => {
            let all: Vec<_> = several.iter().map(|(k, by)| format!("{} ({by})", k.name)).collect();
            reason = format!("variables of several coding agents are set: {}", all.join(", "));
        }
    }
    Agent::absent(&reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(all: &[(&str, &str)]) -> Option<String> {
        let variables = all.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect();
        detect(&Environment { variables, ..Environment::default() }).id.value().cloned()
    }

    #[test]
    fn every_agent_is_known_by_each_of_its_variables_alone() {
        for known in KNOWN {
            for mark in known.marks {
                assert_eq!(id(&[(mark, "1")]).as_deref(), Some(known.name));
            }
            for name in NAMES {
                assert_eq!(id(&[(name, known.name)]).as_deref(), Some(known.name));
            }
        }
    }

    #[test]
    fn exactly_one_must_match() {
        assert_eq!(id(&[("CLAUDECODE", "1"), ("AI_AGENT", "claude-code/2.1.120")]).as_deref(), Some("claude-code"));
        for none in [
            &[][..],
            &[("CLAUDECODE", "1"), ("GEMINI_CLI", "1")],
            &[("AGENT", "ssh-agent")],
            &[("AGENT", "amplifier")],
            &[("CURSOR_AGENT", "0")],
        ] {
            assert_eq!(id(none), None, "{none:?}");
        }
    }
}
