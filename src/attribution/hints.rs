//! What coding agents write into the messages of their commits by themselves: co-authors, `Assisted-by` (as the Linux
//! kernel asks for), `Made-with`, `Entire-Agent`, the address of a session, a line "Generated with". Tables, no rules.

use super::lines::Trailers;
use crate::model::Captured;

/// Agents by the address under which they are co-authors.
const CO_AUTHORS: &[(&str, &str)] = &[
    ("noreply@anthropic.com", "claude-code"),
    ("amp@ampcode.com", "amp"),
    ("cursoragent@cursor.com", "cursor"),
    ("noreply@openai.com", "codex"),
    ("codex@openai.com", "codex"),
    ("help@firebender.com", "firebender"),
];

/// Agents by the number of their account: of `NUMBER+NAME@users.noreply.github.com` only it cannot change hands.
const ACCOUNTS: &[(&str, &str)] = &[
    ("198982749", "copilot"),
    ("223556219", "copilot"),
    ("175728472", "copilot"),
    ("158243242", "devin"),
    ("138933559", "factory-droid"),
];

/// Agents by how people write them; letters and digits decide.
const NAMES: &[(&str, &str)] = &[
    ("claude", "claude-code"),
    ("claudecode", "claude-code"),
    ("cursor", "cursor"),
    ("codex", "codex"),
    ("codexcli", "codex"),
    ("gemini", "gemini-cli"),
    ("geminicli", "gemini-cli"),
    ("copilot", "copilot"),
    ("githubcopilot", "copilot"),
    ("copilotcli", "copilot"),
    ("opencode", "opencode"),
    ("amp", "amp"),
    ("augment", "augment"),
    ("qwencode", "qwen-code"),
    ("crush", "crush"),
    ("goose", "goose"),
    ("devin", "devin"),
    ("firebender", "firebender"),
    ("factorydroid", "factory-droid"),
    ("droid", "factory-droid"),
];

/// Trailers whose value is the name of an agent.
const NAMING: &[&str] = &["Made-with", "Entire-Agent"];

/// Trailers that only one agent writes, and how their values begin.
const ADDRESSES: &[(&str, &str, &str)] = &[
    ("Claude-Session", "https://claude.ai/code/", "claude-code"),
    ("Amp-Thread-ID", "https://ampcode.com/threads/", "amp"),
];

/// What was found, each with where.
#[derive(Default)]
pub(super) struct Hints {
    agents: Vec<(String, String)>,
    /// Places that follow from something else than a name: enough where nothing else is said, too little to contradict.
    indirect: Vec<String>,
    models: Vec<(String, String)>,
}

pub(super) fn find(trailers: &Trailers<'_>) -> Hints {
    let mut hints = Hints::default();
    for author in trailers.values("Co-authored-by") {
        hints.agent(co_author(author), "the commit's trailer Co-authored-by");
    }
    for text in trailers.values("Assisted-by") {
        if let Some((agent, model)) = assisted(text) {
            hints.agent(Some(by_name(agent).unwrap_or(agent)), "the commit's trailer Assisted-by");
            hints.models.push((model.to_owned(), "the commit's trailer Assisted-by".to_owned()));
        }
    }
    for key in NAMING {
        for name in trailers.values(key) {
            hints.agent(by_name(name), &format!("the commit's trailer {key}"));
        }
    }
    for (key, beginning, agent) in ADDRESSES {
        let by = format!("the commit's trailer {key}");
        for address in trailers.values(key) {
            hints.agent(address.starts_with(beginning).then_some(*agent), &by);
        }
        hints.indirect.push(by);
    }
    for line in &trailers.lines {
        hints.agent(generated(line).and_then(by_name), "the commit's line Generated with");
    }
    hints
}

impl Hints {
    fn agent(&mut self, name: Option<&str>, by: &str) {
        let Some(name) = name else { return };
        if !self.agents.iter().any(|(n, b)| n == name && b == by) {
            self.agents.push((name.to_owned(), by.to_owned()));
        }
    }

    /// Names of agents, and what gave them.
    pub(super) fn agents(&self) -> impl Iterator<Item = (&String, &String)> {
        self.agents.iter().filter(|(_, by)| !self.indirect.contains(by)).map(|(name, by)| (name, by))
    }

    /// The model that all of it names. [`None`] where it names none.
    pub(super) fn model(&self) -> Option<Captured<String>> {
        Some(match self.models.as_slice() {
            [] => return None,
            [(model, by), rest @ ..] if rest.iter().all(|(other, _)| other == model) => {
                Captured::found(model.clone(), by)
            }
            [(model, by), ..] => Captured::absent(&format!("{by} names {model} and others")),
        })
    }

    /// Models without their providers, and what gave them.
    pub(super) fn models(&self) -> impl Iterator<Item = (&String, &String)> {
        self.models.iter().map(|(name, by)| (name, by))
    }

    /// The agent that all of them name.
    pub(super) fn one(&self) -> Captured<String> {
        match self.agents.as_slice() {
            [] => Captured::absent("nothing in its message names a known agent"),
            [(first, _), rest @ ..] if rest.iter().all(|(name, _)| name == first) => {
                let by: Vec<_> = self.agents.iter().map(|(_, by)| by.as_str()).collect();
                Captured::found(first.clone(), &by.join(", "))
            }
            several => {
                let all: Vec<_> = several.iter().take(5).map(|(name, by)| format!("{name} ({by})")).collect();
                Captured::absent(&format!("its message names several agents: {}", all.join(", ")))
            }
        }
    }
}

/// `NAME <ADDRESS>`.
fn co_author(text: &str) -> Option<&'static str> {
    of_address(text.rsplit_once('<')?.1.split_once('>')?.0)
}

/// The agent of an address.
pub(super) fn of_address(address: &str) -> Option<&'static str> {
    let address = address.trim().to_ascii_lowercase();
    let account = address.strip_suffix("@users.noreply.github.com").and_then(|a| a.split_once('+'));
    match account {
        Some((number, _)) => of_account(number),
        None => CO_AUTHORS.iter().find(|(known, _)| *known == address).map(|(_, agent)| *agent),
    }
}

/// The agent of an account of GitHub, by its number.
pub(super) fn of_account(number: &str) -> Option<&'static str> {
    ACCOUNTS.iter().find(|(known, _)| *known == number).map(|(_, agent)| *agent)
}

/// `AGENT:MODEL [TOOL...]`. A person (`NAME <ADDRESS>`) is none.
fn assisted(text: &str) -> Option<(&str, &str)> {
    let (agent, rest) = text.split_once(':')?;
    let model = rest.split_whitespace().next()?;
    let word = |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_. ".contains(&b));
    let plain = |t: &str| t.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.:/".contains(&b));
    (word(agent) && agent.trim() == agent && plain(model) && rest.starts_with(model) && !model.starts_with('/'))
        .then_some((agent, model))
}

/// `Generated with [NAME]`, whatever sign stands before it.
fn generated(line: &str) -> Option<&str> {
    const WORDS: &str = "generated with [";
    let at = line.find(|c: char| c.is_ascii_alphanumeric())?;
    let rest = line.get(at..)?;
    let begins = rest.get(..WORDS.len()).is_some_and(|r| r.eq_ignore_ascii_case(WORDS));
    if begins { Some(rest[WORDS.len()..].split_once(']')?.0) } else { None }
}

/// The agent that people call so.
pub(super) fn by_name(name: &str) -> Option<&'static str> {
    let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    NAMES.iter().find(|(known, _)| *known == plain).map(|(_, agent)| *agent)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(message: &str) -> Option<String> {
        find(&Trailers::of(message)).one().value().cloned()
    }

    #[test]
    fn every_row_of_the_tables_names_its_agent_alone_and_in_any_case() {
        let mut all = Vec::new();
        all.extend(CO_AUTHORS.iter().map(|(a, agent)| (format!("Co-Authored-By: X 1 <{a}>"), *agent)));
        all.extend(ACCOUNTS.iter().map(|(number, agent)| {
            (format!("Co-authored-by: some-bot[bot] <{number}+some-bot[bot]@users.noreply.github.com>"), *agent)
        }));
        for (name, agent) in NAMES {
            all.push((format!("Assisted-by: {name}:some-model-4.5 [tool one] two"), *agent));
            all.push((format!("🤖 Generated with [{name}](https://x.example)"), *agent));
            all.extend(NAMING.iter().map(|key| (format!("{key}: {name}"), *agent)));
        }
        all.extend(ADDRESSES.iter().map(|(key, from, agent)| (format!("{key}: {from}x-1"), *agent)));
        for (line, agent) in &all {
            let squashed = format!("Fix (#1)\n\n* one\n\n{line}\n\n* two\n\nSigned-off-by: A <a@a>\n");
            assert_eq!(id(&squashed).as_deref(), Some(*agent), "{line}");
            let key = line.split_once(':').map_or(line.as_str(), |(key, _)| key);
            assert_eq!(id(&line.replace(key, &key.to_ascii_uppercase())).as_deref(), Some(*agent), "{line}");
        }
    }

    #[test]
    fn people_and_other_things_are_no_agents() {
        for line in [
            "Co-authored-by: Claude <claude@people.example>",
            "Co-authored-by: Claude <noreply@anthropic.com.evil.example>",
            "Co-authored-by: x <1198982749+Copilot@users.noreply.github.com>",
            "Co-authored-by: 198982749+Copilot",
            "Co-authored-by: <x",
            "Assisted-by: Jane Doe <jane@people.example>",
            "Assisted-by: a thought: that came to me",
            "Assisted-by: https://example.com/x",
            "Assisted-by: Claude",
            "Assisted-by: Claude:",
            "Made-with: love",
            "Claude-Session: https://evil.example/code/1",
            "It was Generated with [Claude Code] some day",
            "Generated with care by Claude",
            "Generated with [a tool](x)",
        ] {
            assert_eq!(id(&format!("T\n\n{line}\n")), None, "{line}");
        }
        assert_eq!(id("Assisted-by: NewAgent:m-1").as_deref(), Some("NewAgent"));
    }

    #[test]
    fn two_that_differ_are_shown_and_none_is_chosen() {
        let two = "T\n\nCo-authored-by: A <amp@ampcode.com>\nMade-with: Cursor";
        let Captured::Absent { reason } = find(&Trailers::of(two)).one() else { panic!() };
        assert!(
            reason.contains("amp (the commit's trailer Co-authored-by)") && reason.contains("cursor ("),
            "{reason}"
        );
        let same = "T\n\nCo-authored-by: C <noreply@anthropic.com>\n🤖 Generated with [Claude Code](x)";
        assert_eq!(id(same).as_deref(), Some("claude-code"));
    }
}
