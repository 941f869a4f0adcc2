//! ORG-001: a commit of an agent says which one it was, with all five trailers, and its subject line is a conventional one.

use super::hints;
use super::own::{Attribution, Key, attributions};
use super::paragraphs::{Block, blocks};
use crate::model::Code;
use crate::model::code::codes;
use std::fmt;

/// The rule's name.
pub const RULE: &str = "ORG-001";

/// What a commit lacks.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// A trailer.
    Missing(Key),
    /// A trailer's value is none.
    Malformed(Key, String),
    /// The subject line is not `type: description`.
    Subject,
    /// The log that was named has nothing of the execution.
    UnknownExecution(String),
    /// The pull request's description does not name the execution.
    NotDescribed(String),
    /// An exception without a reason.
    NoReason,
}

codes! {
    /// Codes of [`Fault`].
    LIST;
    MISSING = "git-trailer-missing", [Producer],
        "a commit of an agent lacks one of the trailers Agent, Squad, Trigger, Execution and Model",
        "add them with `attest git trailers`, as a hook or by hand; of a commit that cannot be changed, record an exception";
    MALFORMED = "git-trailer-malformed", [Producer],
        "a trailer of an agent's commit has a value that is none",
        "see the form in the message, and write the commit anew";
    SUBJECT = "git-subject", [Producer],
        "the subject line of an agent's commit is not one of Conventional Commits",
        "begin it with a type, such as `fix: ` or `feat(scope): `";
    UNKNOWN_EXECUTION = "git-execution-unknown", [Producer],
        "a commit names an execution of which the audit log has nothing",
        "record executions where they run (`attest audit start`); or the trailer names another one than it should";
    NOT_DESCRIBED = "git-execution-not-described", [Producer],
        "the description of the pull request does not name the execution that a commit names",
        "add the lines that `attest git trailers` prints to the description";
    NO_REASON = "git-exception-without-reason", [Producer],
        "a line `Audit-Exception` names the rule and no reason, so it is none",
        "write it as `Audit-Exception: ORG-001; reason`";
}

impl Fault {
    /// Every code that a fault can have.
    pub const CODES: &'static [Code] = LIST;

    /// The stable code.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Missing(_) => MISSING,
            Self::Malformed(..) => MALFORMED,
            Self::Subject => SUBJECT,
            Self::UnknownExecution(_) => UNKNOWN_EXECUTION,
            Self::NotDescribed(_) => NOT_DESCRIBED,
            Self::NoReason => NO_REASON,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(key) => write!(f, "no trailer {}", key.name()),
            Self::Malformed(key, value) => {
                write!(
                    f,
                    "{}: expected {}, found `{}`",
                    key.name(),
                    key.form(),
                    value.chars().take(80).collect::<String>()
                )
            }
            Self::Subject => f.write_str("the subject line is not `type: description` of Conventional Commits"),
            Self::UnknownExecution(id) => write!(f, "the audit log has nothing of the execution {id}"),
            Self::NotDescribed(id) => write!(f, "the description does not name the execution {id}"),
            Self::NoReason => f.write_str("`Audit-Exception` without a reason is none"),
        }
    }
}

/// A commit that is looked at.
#[derive(Clone, Copy, Debug)]
pub struct Looked<'a> {
    /// Addresses of the author, of whom one is enough to be an agent.
    pub authors: &'a [String],
    /// Addresses of the committer.
    pub committers: &'a [String],
    /// The message.
    pub message: &'a str,
    /// Whether it has several parents: its subject is the server's.
    pub is_merge: bool,
}

/// By what a commit is known to be an agent's; none for a person's.
#[must_use]
pub fn agent_by(commit: &Looked<'_>, listed: &[String]) -> Option<String> {
    if blocks(commit.message).iter().any(claims) {
        return Some("its trailers".into());
    }
    for (role, addresses) in [("author", commit.authors), ("committer", commit.committers)] {
        for address in addresses {
            if listed.iter().any(|agent| agent.eq_ignore_ascii_case(address)) {
                return Some(format!("its {role}, who is listed"));
            }
            if let Some(agent) = hints::of_address(address) {
                return Some(format!("its {role}, {agent}"));
            }
        }
    }
    let hinted = super::every_hinted(commit.message);
    if !hinted.is_empty() {
        return Some(format!("a hint in its message, {}", hinted.join(", ")));
    }
    let (agent, key) = super::looks_like(commit.message)?;
    Some(format!("a line that looks like `{key}`, {agent}"))
}

/// Whether a paragraph says that an agent made the commit: what git shows as a trailer does, whatever its value; of what stands
/// elsewhere, a sentence that begins with `Agent:` and stands alone does not.
fn claims(block: &Block) -> bool {
    let own = || block.pairs.iter().filter_map(|pair| Some((Key::named(&pair.name)?, &pair.value)));
    let several = || own().any(|(key, _)| own().any(|(other, _)| other != key));
    own().any(|(key, value)| block.is_last || key.is_well_formed(value)) || several()
}

/// What a commit of an agent lacks.
#[must_use]
pub fn faults(commit: &Looked<'_>) -> Vec<Fault> {
    let mut out = Vec::new();
    let mut all = attributions(commit.message);
    if all.is_empty() {
        all.push(Attribution::default());
    }
    for one in &all {
        for key in Key::ALL {
            let fault = match one.get(key) {
                // The squad may stand before the agent's name.
                None if key == Key::Squad && one.get(Key::Agent).is_some_and(|agent| agent.contains('/')) => continue,
                None => Fault::Missing(key),
                Some(value) if key.is_well_formed(value) => continue,
                Some(value) => Fault::Malformed(key, value.to_owned()),
            };
            if !out.contains(&fault) {
                out.push(fault);
            }
        }
    }
    let subject = commit.message.lines().next().unwrap_or_default();
    if !commit.is_merge && !is_conventional(subject) {
        out.push(Fault::Subject);
    }
    out
}

/// Executions that a commit names.
#[must_use]
pub fn executions(message: &str) -> Vec<String> {
    let all = attributions(message);
    let named = all.iter().filter_map(|one| one.get(Key::Execution).filter(|id| Key::Execution.is_well_formed(id)));
    let mut out: Vec<String> = Vec::new();
    named.for_each(|id| {
        if !out.iter().any(|known| known == id) {
            out.push(id.to_owned());
        }
    });
    out
}

/// The reason of an exception from the rule that a message has among its trailers: `Audit-Exception: ORG-001; reason`.
///
/// # Errors
/// [`Fault::NoReason`].
pub fn exception(message: &str) -> Result<Option<String>, Fault> {
    let blocks = blocks(message);
    let plain = blocks.iter().flat_map(|block| &block.pairs).filter(|pair| pair.is_plain);
    reason(plain.map(|pair| (pair.name.as_str(), pair.value.as_str())))
}

/// The reason of the first exception from the rule. An error where there is one without a reason alone.
pub(super) fn reason<'a>(lines: impl Iterator<Item = (&'a str, &'a str)>) -> Result<Option<String>, Fault> {
    let mut bare = false;
    for (key, rest) in lines {
        if !key.eq_ignore_ascii_case("Audit-Exception") {
            continue;
        }
        let (rule, reason) = rest.split_once(';').unwrap_or((rest, ""));
        if rule.trim() != RULE {
            continue;
        }
        match reason.trim() {
            "" => bare = true,
            reason => return Ok(Some(reason.chars().filter(|c| !c.is_control()).take(500).collect())),
        }
    }
    if bare { Err(Fault::NoReason) } else { Ok(None) }
}

/// `type(scope)!: description`, as <https://www.conventionalcommits.org/en/v1.0.0/> has it.
fn is_conventional(subject: &str) -> bool {
    let Some((head, description)) = subject.split_once(": ") else { return false };
    let head = head.strip_suffix('!').unwrap_or(head);
    let (kind, scope) = match head.split_once('(') {
        Some((kind, rest)) => (kind, rest.strip_suffix(')')),
        None => (head, Some("-")),
    };
    let word = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let scope = scope.is_some_and(|scope| !scope.is_empty() && !scope.contains(['(', ')']));
    word(kind) && scope && !description.trim().is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIVE: &str = "Agent: a\nSquad: s\nTrigger: event (issue.labeled)\nExecution: e1\nModel: m\n";

    fn looked(message: &str) -> Looked<'_> {
        Looked { authors: &[], committers: &[], message, is_merge: false }
    }

    #[test]
    fn each_trailer_and_the_subject_is_demanded() {
        let good = format!("fix: it\n\n{FIVE}");
        assert_eq!(faults(&looked(&good)), []);
        for key in Key::ALL {
            let line = FIVE.lines().find(|line| line.starts_with(key.name())).unwrap();
            let without = good.replace(&format!("{line}\n"), "");
            assert_eq!(faults(&looked(&without)), [Fault::Missing(key)], "{without}");
            let bad = good.replace(line, &format!("{}: a b<c>", key.name()));
            assert_eq!(faults(&looked(&bad)), [Fault::Malformed(key, "a b<c>".into())], "{bad}");
        }
        assert_eq!(faults(&looked(&format!("Fix it\n\n{FIVE}"))), [Fault::Subject]);
        let merge = format!("Merge x\n\n{FIVE}");
        assert_eq!(faults(&Looked { is_merge: true, ..looked(&merge) }), []);
        assert_eq!(faults(&looked(&good.replace("Squad: s\n", "").replace("Agent: a", "Agent: s/a"))), []);
        assert_eq!(faults(&looked("fix: it")).len(), 5);
    }

    #[test]
    fn subjects_are_those_of_conventional_commits() {
        for good in ["fix: it", "feat(api): x", "feat(api)!: x", "chore!: x", "build-x: y"] {
            assert!(is_conventional(good), "{good}");
        }
        for bad in ["Fix it", "fix:it", "fix : it", "fix(): x", "fix(a: x", ": x", "fix: ", "fix it: now", ""] {
            assert!(!is_conventional(bad), "{bad}");
        }
    }

    #[test]
    fn an_agents_commit_is_known_by_each_of_its_signs() {
        let listed = ["bot@example.com".to_owned()];
        let by = |commit: Looked<'_>| agent_by(&commit, &listed);
        assert_eq!(by(looked("fix: it")), None, "a person's");
        assert_eq!(by(looked("T\n\nSquad: s\n")).as_deref(), Some("its trailers"));
        assert!(by(looked("T\n\nCo-authored-by: Amp <amp@ampcode.com>\n")).unwrap().contains("amp"));
        let bot = ["alice@example.com".to_owned(), "BOT@example.com".to_owned()];
        assert!(by(Looked { authors: &bot, ..looked("T") }).unwrap().contains("author, who is listed"));
        let claude = ["noreply@anthropic.com".to_owned()];
        assert!(by(Looked { committers: &claude, ..looked("T") }).unwrap().contains("committer, claude-code"));
        assert_eq!(by(looked("T\n\nAgent: we should drop it\n\nText.\n")), None, "a sentence of its own");
        assert_eq!(by(looked("T\n\nThen came\nAgent: Smith\nand left.\n")), None, "prose");
        let two = "T\n\nCo-authored-by: A <amp@ampcode.com>\nMade-with: Cursor";
        assert_eq!(by(looked(two)).as_deref(), Some("a hint in its message, amp, cursor"));
        let prose = "T\n\nWe no longer accept\nMade-with: Cursor\nin a commit.";
        assert_eq!(by(looked(prose)).as_deref(), Some("a line that looks like `Made-with`, cursor"));
    }

    /// What git shows at the end of a message is an agent's, whatever it is worth.
    #[test]
    fn what_cannot_be_read_is_malformed_and_an_agents() {
        for value in ["we should drop it", "агент", "x\u{1}", "x\u{FFFD}", "", "<script>"] {
            let message = format!("fix: it\n\nAgent: {value}\n");
            assert_eq!(agent_by(&looked(&message), &[]).as_deref(), Some("its trailers"), "{message:?}");
            assert_eq!(faults(&looked(&message))[0], Fault::Malformed(Key::Agent, value.into()), "{message:?}");
        }
        let mixed = "fix: it\n\nText.\nAgent: x\nSigned-off-by: A <a@a.example>\n";
        assert_eq!(agent_by(&looked(mixed), &[]).as_deref(), Some("its trailers"));
        let prose = mixed.replace("Signed-off-by: A <a@a.example>", "and more.");
        assert_eq!(agent_by(&looked(&prose), &[]), None);
    }

    #[test]
    fn an_exception_has_a_reason() {
        assert_eq!(exception("T\n\nAudit-Exception: ORG-001; hotfix\n"), Ok(Some("hotfix".into())));
        assert_eq!(exception("T\n\naudit-exception : ORG-001 ;  hotfix"), Ok(Some("hotfix".into())));
        assert_eq!(exception("T\n\nAudit-Exception: ORG-001\n"), Err(Fault::NoReason));
        assert_eq!(exception("T\n\nAudit-Exception: ORG-001; \n"), Err(Fault::NoReason));
        assert_eq!(exception("T\n\nAudit-Exception: ORG-002; x\n"), Ok(None));
        assert_eq!(exception("T"), Ok(None));
    }

    /// Only among trailers: not in a sentence, a list, a quotation or an example.
    #[test]
    fn an_exception_stands_among_trailers() {
        let line = "Audit-Exception: ORG-001; hotfix";
        for text in [
            format!("As we said,\n{line}\nis how to write it."),
            format!("> {line}"),
            format!("    {line}"),
            format!("* {line}"),
            format!("See:\n    {line}"),
            format!("<!--\n{line}\n-->"),
        ] {
            assert_eq!(exception(&format!("T\n\n{text}\n\nSquad: s\n")), Ok(None), "{text}");
        }
        assert_eq!(exception(line), Ok(None), "the subject");
        assert_eq!(exception(&format!("T\n\n{FIVE}{line}\n")), Ok(Some("hotfix".into())));
    }

    #[test]
    fn each_execution_is_named_once() {
        assert_eq!(executions(&format!("T\n\n{FIVE}\n{}", FIVE.replace("e1", "e2"))), ["e1", "e2"]);
    }
}
