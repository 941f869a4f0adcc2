//! A git history: each commit as `git rev-list --header` prints it (its id, its object, and the message four blanks in), one at
//! a time. What a commit says of its author, its agent and its time is what somebody typed, so all of it is declared.
//!
//! A merge into the main branch comes a second time, behind a line `into BRANCH`: whoever made it let in what was merged.
//!
//! Of the message nothing is kept but the trailers that say which agent it was; of who made it the address, as a person.

use super::{Counts, Reader, Source, Units};
use crate::attribution;
use crate::attribution::own::{self, Attribution, Key};
use crate::model::{Timestamp, limits};
use crate::record::draft::is_outside;
use serde_json::{Map, Value, json};
use std::fmt::Write as _;

/// What records of this source say of where they are from.
pub const GIT_SOURCE: &str = "import git";

/// The format.
#[derive(Debug)]
pub struct GitHistory;

impl Source for GitHistory {
    fn name(&self) -> &'static str {
        "git"
    }

    fn recognises(&self, line: &[u8]) -> bool {
        commit(into(line).map_or(line, |(_, merge)| merge)).is_some()
    }

    fn units(&self) -> Units {
        Units::Commits
    }

    fn part(&self) -> &'static str {
        "commit"
    }

    fn begin(&self) -> Box<dyn Reader> {
        Box::new(History::default())
    }
}

/// A commit.
#[derive(Debug, Default, PartialEq, Eq)]
struct Commit<'a> {
    id: &'a str,
    tree: &'a str,
    parents: Vec<&'a str>,
    /// Every header of that name: git reads the first, other programs the last.
    authors: Vec<&'a str>,
    committers: Vec<&'a str>,
    signature: Option<&'static str>,
    message: String,
}

impl<'a> Commit<'a> {
    fn author(&self) -> &'a str {
        self.authors.first().copied().unwrap_or_default()
    }

    fn committer(&self) -> &'a str {
        self.committers.first().copied().unwrap_or_default()
    }
}

fn is_id(text: &str) -> bool {
    [40, 64].contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

/// Reads a commit as it is printed.
fn commit(bytes: &[u8]) -> Option<(String, String)> {
    let text = String::from_utf8_lossy(bytes);
    let (head, message) = text.split_once("\n\n").unwrap_or_else(|| (text.trim_end_matches('\n'), ""));
    let (id, rest) = head.split_once('\n')?;
    (is_id(id) && rest.starts_with("tree ")).then(|| (head.to_owned(), message.to_owned()))
}

/// The headers of a commit.
fn headers<'a>(head: &'a str, message: &str) -> Option<Commit<'a>> {
    let (id, rest) = head.split_once('\n')?;
    let mut found = Commit { id, ..Commit::default() };
    for line in rest.lines() {
        let (key, value) = line.split_once(' ').unwrap_or((line, ""));
        match key {
            "tree" if found.tree.is_empty() && is_id(value) => found.tree = value,
            "parent" if is_id(value) && found.parents.len() < limits::COMMIT_PARENTS => found.parents.push(value),
            "author" if found.authors.len() < limits::COMMIT_PARENTS => found.authors.push(value),
            "committer" if found.committers.len() < limits::COMMIT_PARENTS => found.committers.push(value),
            "gpgsig" | "gpgsig-sha256" if found.signature.is_none() => {
                let of = [("SSH", "ssh"), ("PGP", "openpgp"), ("SIGNED MESSAGE", "x509")];
                found.signature = Some(of.iter().find(|(word, _)| value.contains(word)).map_or("unknown", |(_, n)| *n));
            }
            _ => {}
        }
    }
    let plain = |line: &str| line.strip_prefix("    ").unwrap_or(line).to_owned();
    found.message = message.lines().map(plain).collect::<Vec<_>>().join("\n");
    (!found.tree.is_empty() && !found.committer().is_empty()).then_some(found)
}

/// A commit as who holds it against a rule wants it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitRead {
    /// Its id.
    pub id: String,
    /// Its parents.
    pub parents: Vec<String>,
    /// Addresses of the author: every one, where the header has several.
    pub authors: Vec<String>,
    /// Addresses of the committer.
    pub committers: Vec<String>,
    /// When it was committed, as it says itself; none where that is no time.
    pub committed: Option<String>,
    /// The message.
    pub message: String,
}

/// Reads a commit as `git rev-list --header` prints it; none where it is none.
#[must_use]
pub fn read_commit(bytes: &[u8]) -> Option<CommitRead> {
    let (head, message) = commit(bytes)?;
    let read = headers(&head, &message)?;
    Some(CommitRead {
        id: read.id.to_owned(),
        parents: read.parents.iter().map(|id| (*id).to_owned()).collect(),
        authors: every_address(&read.authors),
        committers: every_address(&read.committers),
        committed: person_and_time(read.committer()).1,
        message: read.message,
    })
}

/// The id of a commit as `git rev-list --header` prints it, its tree and its first parent.
#[must_use]
pub fn tree_and_parent(bytes: &[u8]) -> Option<(String, String, Option<String>)> {
    let (head, message) = commit(bytes)?;
    let read = headers(&head, &message)?;
    Some((read.id.to_owned(), read.tree.to_owned(), read.parents.first().map(|id| (*id).to_owned())))
}

/// A history that is being read.
#[derive(Default)]
struct History {
    counts: Counts,
}

impl Reader for History {
    fn line(&mut self, line: Option<&[u8]>, out: &mut Vec<Value>) {
        if let Some((branch, merge)) = line.and_then(into) {
            // What cannot be read was counted when it came as a commit.
            let read = commit(merge);
            out.extend(read.as_ref().and_then(|(head, message)| merged(&headers(head, message)?, branch)));
            return;
        }
        self.counts.lines += 1;
        let read = line.and_then(commit);
        let Some(commit) = read.as_ref().and_then(|(head, message)| headers(head, message)) else {
            self.counts.broken += 1;
            if self.counts.broken <= limits::SESSION_LOSSES {
                let digest = crate::model::Digest::sha256(line.unwrap_or_default()).to_string();
                out.push(json!({ "kind": "loss", "lost": 1, "reason": "a commit of a git history could not be read",
                    "source": GIT_SOURCE, "source_id": format!("git:{digest}") }));
            }
            return;
        };
        let all = records(&commit);
        self.counts.actions += 1;
        self.counts.other += u64::from(all.iter().all(|record| record.get("agent").is_none()));
        out.extend(all);
    }

    fn end(&mut self, _: &str, _: &mut Vec<Value>) {}

    fn counts(&self) -> Counts {
        self.counts
    }
}

/// Committers that are servers, and no persons.
const SERVERS: &[&str] = &["mailto:noreply@github.com"];

/// What stands before a merge into the main branch.
const INTO: &[u8] = b"into ";

/// A merge as it is handed in with the branch that it is into.
#[must_use]
pub fn merge_into(branch: &str, merge: &[u8]) -> Vec<u8> {
    [INTO, branch.as_bytes(), b"\n", merge].concat()
}

fn into(line: &[u8]) -> Option<(&str, &[u8])> {
    let rest = line.strip_prefix(INTO)?;
    let end = rest.iter().position(|b| *b == b'\n')?;
    Some((std::str::from_utf8(rest.get(..end)?).ok()?, rest.get(end + 1..)?))
}

/// Whether a merge's subject says, in the words of git, that the branch was merged into itself: whoever pulls does that, and lets in
/// nothing. What comes with its other parent was in the branch before.
fn is_pull(merge: &Commit<'_>, branch: &str) -> bool {
    let subject = merge.message.lines().next().unwrap_or_default();
    let after = |words: &str| subject.strip_prefix(words).and_then(|rest| rest.split_once('\'')).map(|(name, _)| name);
    let remote = after("Merge remote-tracking branch '").and_then(|name| name.split_once('/')).map(|(_, name)| name);
    [after("Merge branch '"), remote].contains(&Some(branch))
}

/// That whoever made a merge into a branch let in what was merged.
fn merged(merge: &Commit<'_>, branch: &str) -> Option<Value> {
    let tip = merge.parents.get(1).filter(|_| !is_pull(merge, branch))?;
    let (who, _) = person_and_time(merge.author());
    let (_, at) = person_and_time(merge.committer());
    let mut record = json!({ "kind": "approval", "target": format!("commit:{tip}"), "approver": who?, "how": "merge",
        "source": GIT_SOURCE, "source_id": format!("git:{}/merged", merge.id), "approval_id": format!("commit:{}", merge.id) });
    if let Some(at) = at {
        record["completed_at"] = json!(at);
    }
    if !is_outside(branch) && branch.len() <= 256 {
        record["branch"] = json!(branch);
    }
    Some(record)
}

/// A commit as records: one, or where a squash made it of several executions one for each.
fn records(commit: &Commit<'_>) -> Vec<Value> {
    let mut own: Vec<Attribution> = own::attributions(&commit.message);
    let is_read = attribution::over_limit(&commit.message).is_none();
    own.retain(|one| is_read && (one.agent_path().is_some() || value(one, Key::Execution).is_some()));
    let (hinted, session) = (attribution::hinted(&commit.message), attribution::read(&commit.message).agent.session);
    let whole = whole(commit);
    if own.is_empty() {
        own.push(Attribution::default());
    }
    let several = own.len() > 1;
    own.iter()
        .enumerate()
        .map(|(at, one)| {
            let mut record = whole.clone();
            let id = format!("git:{}", commit.id);
            record.insert("source_id".into(), json!(if at == 0 { id } else { format!("{id}/{}", at + 1) }));
            said(&mut record, one);
            if !record.contains_key("agent")
                && let Some(agent) = hinted.as_ref().filter(|agent| Key::Agent.is_well_formed(agent))
            {
                record.insert("agent".into(), json!(agent));
                record.insert("known".into(), json!({ "agent": "derived" }));
            }
            // Of which of several executions the conversation was is not said.
            if let Some(session) = session.value().filter(|id| !several && id.len() <= 256) {
                record.insert("session_id".into(), if is_outside(session) { Value::Null } else { json!(session) });
            }
            Value::Object(record)
        })
        .collect()
}

/// A well-formed value.
fn value(one: &Attribution, key: Key) -> Option<&str> {
    one.get(key).filter(|value| key.is_well_formed(value))
}

/// What trailers say.
fn said(record: &mut Map<String, Value>, one: &Attribution) {
    let mut add = |name: &str, value: Option<&str>| {
        if let Some(value) = value {
            record.insert(name.to_owned(), json!(value));
        }
    };
    add("agent", one.agent_path().as_deref());
    add("execution_id", value(one, Key::Execution));
    let model = value(one, Key::Model);
    match model.and_then(|model| model.split_once('/')) {
        Some((provider, model)) => {
            add("provider", Some(provider));
            add("model", Some(model));
        }
        None => add("model", model),
    }
    add("trigger", value(one, Key::Trigger).and_then(own::trigger).map(|(trigger, _)| trigger.name()));
}

/// What is said of a commit whoever made it.
fn whole(commit: &Commit<'_>) -> Map<String, Value> {
    let merge = commit.parents.len() > 1;
    let mut metadata = Map::from_iter([("tree".to_owned(), json!(commit.tree))]);
    if let Some((_, merged)) = commit.parents.split_first().filter(|_| merge) {
        metadata.insert("merged".into(), json!(merged.join(" ")));
    }
    metadata.extend(commit.signature.map(|kind| ("signature".to_owned(), json!(kind))));
    let mut record = Map::from_iter([
        ("kind".to_owned(), json!("action")),
        ("action_type".to_owned(), json!(if merge { "merge" } else { "commit" })),
        ("target".to_owned(), json!(format!("commit:{}", commit.id))),
        ("head_commit".to_owned(), json!(commit.id)),
        ("source".to_owned(), json!(GIT_SOURCE)),
        ("metadata".to_owned(), Value::Object(metadata)),
    ]);
    let (author, authored) = person_and_time(commit.author());
    let (committer, committed) = person_and_time(commit.committer());
    // That it is the author's own is nothing more, and the server of a button is nobody.
    let committer = committer.filter(|who| Some(who) != author.as_ref() && !SERVERS.contains(&who.as_str()));
    for (name, value) in [
        ("committer", committer),
        ("base_commit", commit.parents.first().map(|id| (*id).to_owned())),
        ("author", author),
        ("started_at", authored.clone().filter(|_| authored != committed)),
        ("at", committed),
    ] {
        record.extend(value.map(|value| (name.to_owned(), json!(value))));
    }
    record
}

/// The address of `NAME <ADDRESS> SECONDS ZONE` as git reads it: what stands in the first `<>`.
fn address(line: &str) -> &str {
    let inner = line.split_once('<').and_then(|(_, rest)| rest.split_once('>'));
    inner.map(|(address, _)| address.trim()).unwrap_or_default()
}

/// Every address in `<>` of such lines.
fn every_address(lines: &[&str]) -> Vec<String> {
    let parts = lines.iter().flat_map(|line| line.split(['<', '>']).skip(1)).map(str::trim);
    parts.filter(|part| part.contains('@')).map(str::to_owned).collect()
}

/// `NAME <ADDRESS> SECONDS ZONE`: who, by the address alone, and when.
fn person_and_time(line: &str) -> (Option<String>, Option<String>) {
    let after = line.rsplit_once('>').map_or("", |(_, after)| after);
    let seconds = after.split_whitespace().next().and_then(|text| text.parse().ok());
    let time = seconds.and_then(Timestamp::from_unix).map(|time| time.to_string());
    let address = address(line);
    let is_one = !address.is_empty() && address.len() <= 254 && !address.chars().any(|c| c.is_control() || c == ' ');
    let account = address
        .strip_suffix("@users.noreply.github.com")
        .and_then(|own| own.split_once('+'))
        .filter(|(number, _)| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()));
    let mut who = String::new();
    let _ = match account {
        Some((number, _)) => write!(who, "github:{number}"),
        None => write!(who, "mailto:{address}"),
    };
    (is_one.then_some(who), time)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0123456789abcdef0123456789abcdef01234567";

    fn printed(parents: &[&str], author: &str, message: &str) -> String {
        let parents: String = parents.iter().map(|id| format!("parent {id}\n")).collect();
        let message: String = message.lines().map(|line| format!("    {line}\n")).collect();
        format!(
            "{ID}\ntree {ID}\n{parents}author {author} 1736935200 +0100\ncommitter Web <noreply@github.com> 1736935300 +0000\n\n{message}"
        )
    }

    fn read(text: &str) -> (Vec<Value>, Counts) {
        let (mut reader, mut out) = (GitHistory.begin(), Vec::new());
        reader.line(Some(text.as_bytes()), &mut out);
        reader.end("", &mut out);
        (out, reader.counts())
    }

    #[test]
    fn a_commit_is_what_its_trailers_say_and_nothing_of_its_text() {
        let message = "Fix the secret plan\n\nThe text.\n\nAgent: solver\nSquad: eng\nTrigger: event (issue.labeled)\nExecution: exec-1\nModel: acme/m-1\n";
        let (out, counts) = read(&printed(&[ID], "Alice B <583231+alice@users.noreply.github.com>", message));
        assert_eq!((counts.lines, counts.actions, counts.other, counts.broken), (1, 1, 0, 0));
        let record = &out[0];
        let expected = json!({ "kind": "action", "action_type": "commit", "target": format!("commit:{ID}"), "head_commit": ID,
            "base_commit": ID, "source": GIT_SOURCE, "source_id": format!("git:{ID}"), "agent": "eng/solver", "trigger": "event",
            "execution_id": "exec-1", "model": "m-1", "provider": "acme", "author": "github:583231",
            "started_at": "2025-01-15T10:00:00Z", "at": "2025-01-15T10:01:40Z", "metadata": { "tree": ID } });
        assert_eq!(*record, expected);
        assert!(!record.to_string().contains("plan") && !record.to_string().contains("Alice"));
    }

    #[test]
    fn a_merge_names_what_it_merged_and_a_squash_is_of_each_execution() {
        let other = ID.replace('0', "f");
        let merge = read(&printed(&[ID, &other], "A <a@example.com>", "Merge\n")).0;
        assert_eq!((&merge[0]["action_type"], &merge[0]["metadata"]["merged"]), (&json!("merge"), &json!(other)));
        assert_eq!((&merge[0]["author"], merge[0].get("agent")), (&json!("mailto:a@example.com"), None));
        let text = printed(&[ID, &other], "B <b@example.com>", "Merge\n");
        let into = String::from_utf8(merge_into("main", text.as_bytes())).unwrap();
        let (approval, counts) = read(&into);
        assert_eq!((&approval[0]["kind"], &approval[0]["how"], counts.lines), (&json!("approval"), &json!("merge"), 0));
        let expected = (&json!(format!("commit:{other}")), &json!("mailto:b@example.com"), &json!("main"));
        assert_eq!((&approval[0]["target"], &approval[0]["approver"], &approval[0]["branch"]), expected);
        assert!(read(&into.replace(&format!("parent {other}\n"), "")).0.is_empty(), "no merge lets nothing in");
        let one = |n: u8| format!("Agent: a\nSquad: s\nExecution: e{n}\n");
        let squash = read(&printed(&[], "A <a@example.com>", &format!("T\n\n{}\n{}", one(1), one(2)))).0;
        let ids: Vec<_> = squash.iter().map(|r| (r["execution_id"].clone(), r["source_id"].clone())).collect();
        let id = |end: &str| json!(format!("git:{ID}{end}"));
        assert_eq!(ids, [(json!("e1"), id("")), (json!("e2"), id("/2"))]);
        let many: String = (0..101).map(|n| format!("\n{}", one(n))).collect();
        let (many, _) = read(&printed(&[], "A <a@example.com>", &format!("T\n{many}")));
        assert_eq!((many.len(), many[0].get("agent")), (1, None), "what is not all read says nothing");
    }

    #[test]
    fn an_author_is_who_git_says() {
        let author = |text: &str| read(&printed(&[], text, "T\n")).0[0].get("author").cloned();
        assert_eq!(author("A <a@example.com> <b@example.com>"), Some(json!("mailto:a@example.com")));
        assert_eq!(author("A <a@example.com>"), Some(json!("mailto:a@example.com")));
        let two =
            printed(&[], "A <a@example.com>", "T\n").replacen("author", "author B <b@example.com> 1 +0000\nauthor", 1);
        assert_eq!(read(&two).0[0]["author"], json!("mailto:b@example.com"));
        assert_eq!(read_commit(two.as_bytes()).unwrap().authors, ["b@example.com", "a@example.com"]);
    }

    #[test]
    fn whoever_pulls_lets_nothing_in() {
        let other = ID.replace('0', "f");
        let lets_in = |subject: &str| {
            let text = printed(&[ID, &other], "B <b@example.com>", &format!("{subject}\n"));
            read(&String::from_utf8(merge_into("main", text.as_bytes())).unwrap()).0.len()
        };
        for pull in [
            "Merge branch 'main' of github.com:acme/app",
            "Merge branch 'main' of https://github.com/acme/app",
            "Merge remote-tracking branch 'origin/main'",
            "Merge branch 'main' into work",
        ] {
            assert_eq!(lets_in(pull), 0, "{pull}");
        }
        for merge in [
            "Merge branch 'fix'",
            "Merge branch 'mainly' into main",
            "Merge pull request #5 from eve/main",
            "Merge remote-tracking branch 'origin/fix'",
            "Merge it",
        ] {
            assert_eq!(lets_in(merge), 1, "{merge}");
        }
    }

    #[test]
    fn whoever_committed_it_for_another_is_recorded() {
        let text = printed(&[], "A <a@example.com>", "T\n");
        let by = |who: &str| read(&text.replace("Web <noreply@github.com>", who)).0[0].get("committer").cloned();
        assert_eq!(by("B <1024+bob@users.noreply.github.com>"), Some(json!("github:1024")));
        assert_eq!((by("A <a@example.com>"), by("Web <noreply@github.com>")), (None, None));
    }

    #[test]
    fn an_agent_by_hint_is_derived_and_a_false_trailer_is_none() {
        let hinted = read(&printed(&[], "A <a@example.com>", "T\n\nCo-authored-by: Amp <amp@ampcode.com>\n"));
        assert_eq!((&hinted.0[0]["agent"], &hinted.0[0]["known"]["agent"]), (&json!("amp"), &json!("derived")));
        let (prose, counts) = read(&printed(&[], "A <a@example.com>", "T\n\nThen came\nAgent: Smith\nand left.\n"));
        assert_eq!((prose[0].get("agent"), counts.other), (None, 1), "{prose:?}");
        let bad = "T\n\nAgent: a\nSquad: s\nExecution: a b\nModel: <m>\nTrigger: sometime\n";
        let (bad, _) = read(&printed(&[], "A <a@example.com>", bad));
        let said = ["agent", "execution_id", "model", "trigger"].map(|name| bad[0].get(name).cloned());
        assert_eq!(said, [Some(json!("s/a")), None, None, None], "what is not well-formed is not taken");
        let place = read(&printed(&[], "A <>", "T\n\nClaude-Session: /home/alice/x\n")).0;
        assert_eq!((&place[0]["session_id"], place[0].get("author")), (&Value::Null, None), "{place:?}");
    }

    #[test]
    fn what_is_no_commit_is_a_loss() {
        for bad in
            ["", "x", "0123\ntree 1\n", &format!("{ID}\nauthor A <a> 1 +0\n\n"), &format!("{ID}\ntree {ID}\n\n    T")]
        {
            let (out, counts) = read(bad);
            assert_eq!((counts.broken, &out[0]["kind"]), (1, &json!("loss")), "{bad:?}");
        }
        let mut reader = GitHistory.begin();
        let mut out = Vec::new();
        (0..1000).for_each(|_| reader.line(None, &mut out));
        assert_eq!((reader.counts().broken, out.len() as u64), (1000, limits::SESSION_LOSSES));
        assert!(!GitHistory.recognises(b"{\"type\":\"user\"}"));
    }
}
