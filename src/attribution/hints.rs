//! What coding agents write into the messages of their commits by themselves: co-authors, `Assisted-by` (as the Linux
//! kernel asks for), `Made-with`, `Entire-Agent`, the address of a session, a line "Generated with". Tables, no rules.

use super::lines::Trailers;
use super::own::Key;
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

/// What trailers say, and lines that begin with "Generated with". What is not well-formed says nothing.
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

/// What looks like one of these, on any line, for who must not miss an agent: the agent, and by what.
pub(super) fn looks_like(trailers: &Trailers<'_>) -> Option<(&'static str, &'static str)> {
    let author = trailers.values("Co-authored-by").find_map(|author| addresses(author).find_map(of_address));
    let named = |key: &'static str| Some((trailers.values(key).find_map(by_name)?, key));
    let address = |(key, beginning, agent): &(&'static str, &'static str, &'static str)| {
        trailers.values(key).any(|address| address.starts_with(beginning)).then_some((*agent, *key))
    };
    let assisted = || trailers.values("Assisted-by").find_map(|text| by_name(text.split(':').next()?));
    let within = |line: &&str| {
        let at = line.to_ascii_lowercase().find(GENERATED)?;
        by_name(line.get(at + GENERATED.len()..)?.split(']').next()?)
    };
    author
        .map(|agent| (agent, "Co-authored-by"))
        .or_else(|| assisted().map(|agent| (agent, "Assisted-by")))
        .or_else(|| NAMING.iter().find_map(|key| named(key)))
        .or_else(|| ADDRESSES.iter().find_map(address))
        .or_else(|| trailers.lines.iter().find_map(within).map(|agent| (agent, "Generated with")))
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

    /// Every name, by whatever.
    pub(super) fn every(&self) -> impl Iterator<Item = &str> {
        self.agents.iter().map(|(name, _)| name.as_str())
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

/// `NAME <ADDRESS>`, and nothing behind it.
fn co_author(text: &str) -> Option<&'static str> {
    of_address(text.split_once('<')?.1.strip_suffix('>')?)
}

/// Every address that stands in `<>`, however many there are.
pub(super) fn addresses(text: &str) -> impl Iterator<Item = &str> {
    text.split(['<', '>']).skip(1).map(str::trim).filter(|part| part.contains('@'))
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
    let is_agent = by_name(agent).is_some() || Key::Agent.is_well_formed(agent);
    (is_agent && Key::Model.is_well_formed(model) && rest.starts_with(model)).then_some((agent, model))
}

const GENERATED: &str = "generated with [";

/// `Generated with [NAME]` at the beginning of a line, or after an emoji.
fn generated(line: &str) -> Option<&str> {
    let rest = line.trim_start_matches(|c: char| c.is_whitespace() || !c.is_ascii() && !c.is_alphanumeric());
    let begins = rest.get(..GENERATED.len()).is_some_and(|r| r.eq_ignore_ascii_case(GENERATED));
    if begins { Some(rest[GENERATED.len()..].split_once(']')?.0) } else { None }
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
            let upper = format!("T\n\n{}", line.replace(key, &key.to_ascii_uppercase()));
            assert_eq!(id(&upper).as_deref(), Some(*agent), "{line}");
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
            "\"Generated with [Claude Code](x)\" is to go",
            "> Generated with [Claude Code](x)",
            "Co-authored-by: Claude <noreply@anthropic.com> is what it wrote",
            "Co-authored-by: C <noreply@anthropic.com> <a@people.example>",
            "We no longer accept\nCo-authored-by: Claude <noreply@anthropic.com>\nlines",
            "The badge said\nMade-with: Cursor\nwhich was wrong.",
            "Thanks!\nAssisted-by: bob:thanks\nfor lunch.",
            "Assisted-by: bob smith:thanks",
            "Assisted-by: bob:/thanks//x",
            "Generated with care by Claude",
            "Generated with [a tool](x)",
        ] {
            assert_eq!(id(&format!("T\n\n{line}\n")), None, "{line}");
        }
        assert_eq!(id("T\n\nAssisted-by: NewAgent:m-1").as_deref(), Some("NewAgent"));
    }

    #[test]
    fn what_looks_like_a_sign_is_found_on_any_line() {
        let found = |line: &str| looks_like(&Trailers::anywhere(&format!("T\n\nText\n{line}\nmore text.\n")));
        for (line, expected) in [
            ("Co-authored-by: Claude <noreply@anthropic.com>", Some(("claude-code", "Co-authored-by"))),
            ("> Co-authored-by: C <noreply@anthropic.com>\u{1}", Some(("claude-code", "Co-authored-by"))),
            ("Co-authored-by: C <noreply@anthropic.com> <a@b>", Some(("claude-code", "Co-authored-by"))),
            ("Co-authored-by: Claude\n <noreply@anthropic.com>", Some(("claude-code", "Co-authored-by"))),
            ("Made-with: Cursor", Some(("cursor", "Made-with"))),
            ("Assisted-by: Amp:m", Some(("amp", "Assisted-by"))),
            ("Claude-Session: https://claude.ai/code/1", Some(("claude-code", "Claude-Session"))),
            ("Remove \"Generated with [Claude Code](x)\"", Some(("claude-code", "Generated with"))),
            ("Assisted-by: bob:thanks", None),
            ("Made-with: love", None),
            ("Co-authored-by: Claude <claude@people.example>", None),
        ] {
            assert_eq!(found(line), expected, "{line}");
        }
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
