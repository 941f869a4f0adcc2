//! [`Branch`]: from one thing back to who asked for it, and forward to what became of it.

use super::approved::{Verdict, is_whole, names};
use super::event::Cell;
use super::{Event, Fact, RunId, Sheet};
use crate::model::Timestamp;
use crate::record::Known;
use std::collections::BTreeMap;

/// What is traced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A commit, by its id.
    Commit(String),
    /// An execution, or a session that is of none.
    Execution(String),
    /// An image or another artifact, by its digest.
    Artifact(String),
    /// A path in the repository.
    File(String),
}

/// How a branch is related to the one that it hangs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// The thing itself.
    Itself,
    /// Made by an execution.
    MadeBy,
    /// Built from in an execution.
    BuiltIn,
    /// What it was built from.
    From,
    /// Written by a person.
    Author,
    /// Of a conversation.
    Session,
    /// Asked for by.
    AskedBy,
    /// Where it ran.
    Where,
    /// What was done.
    Did,
    /// A file was changed.
    Changed,
    /// Approved by.
    Approved,
    /// It made a commit.
    Made,
    /// Merged by.
    Merged,
    /// An artifact was built of it.
    Built,
    /// Its attestations were checked.
    Verified,
    /// A cluster let it run, or did not.
    Admitted,
    /// A rule was not kept.
    Exception,
    /// Something is not known.
    Hole,
}

impl Word {
    /// As it is printed.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Itself => "",
            Self::MadeBy => "made by",
            Self::BuiltIn => "built in",
            Self::From => "from",
            Self::Author => "author",
            Self::Session => "session",
            Self::AskedBy => "asked by",
            Self::Where => "where",
            Self::Did => "did",
            Self::Changed => "changed",
            Self::Approved => "approved",
            Self::Made => "made",
            Self::Merged => "merged",
            Self::Built => "built",
            Self::Verified => "verified",
            Self::Admitted => "admitted",
            Self::Exception => "exception",
            Self::Hole => "HOLE",
        }
    }
}

/// One thing that is known, and what hangs on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Branch {
    /// How it is related.
    pub word: Word,
    /// What.
    pub what: String,
    /// How it is known, where it is one value.
    pub known: Option<Known>,
    /// Records that say so.
    pub records: Vec<u64>,
    /// All records on which it rests, where it says what many come to.
    pub rests: Vec<u64>,
    /// What hangs on it.
    pub more: Vec<Self>,
}

impl Branch {
    fn new(word: Word, what: impl Into<String>) -> Self {
        Self { word, what: what.into(), known: None, records: Vec::new(), rests: Vec::new(), more: Vec::new() }
    }

    fn known(mut self, known: Known) -> Self {
        self.known = Some(known);
        self
    }

    /// It is what all records of an execution come to.
    fn of_all(mut self, sheet: &Sheet) -> Self {
        self.rests.clone_from(&sheet.records);
        self
    }

    fn by(mut self, record: u64) -> Self {
        self.records.push(record);
        self
    }

    fn hole(what: impl Into<String>) -> Self {
        Self::new(Word::Hole, what)
    }

    /// How many branches say that something is not known.
    #[must_use]
    pub fn holes(&self) -> usize {
        usize::from(self.word == Word::Hole) + self.more.iter().map(Self::holes).sum::<usize>()
    }
}

/// What the log has of what is traced.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Material {
    /// Records about each commit: the commit itself, merges of it, approvals, exceptions.
    pub commits: BTreeMap<String, Vec<Event>>,
    /// Who approved each commit.
    pub approved: BTreeMap<String, Verdict>,
    /// Executions by id.
    pub sheets: BTreeMap<String, Sheet>,
    /// Records that something was attested.
    pub attested: Vec<Event>,
    /// Records that attestations were checked, or a cluster asked.
    pub checked: Vec<Event>,
    /// Actions on the file.
    pub files: Vec<Event>,
    /// How many actions on the file were left out, the oldest.
    pub left_out: u64,
}

/// Traces a thing through what the log has of it; none where it has nothing.
#[must_use]
pub fn trace(subject: &Subject, material: &Material) -> Option<Branch> {
    match subject {
        Subject::Commit(id) => material.commits.contains_key(id).then(|| commit(id, material, true)),
        Subject::Execution(id) => material.sheets.get(id).map(|sheet| execution(sheet, material, Word::Itself)),
        Subject::Artifact(digest) => artifact_itself(digest, material),
        Subject::File(path) => (!material.files.is_empty()).then(|| file(path, material)),
    }
}

fn commit(id: &str, material: &Material, with_execution: bool) -> Branch {
    let events = material.commits.get(id).map(Vec::as_slice).unwrap_or_default();
    let own: Vec<&Event> = events.iter().filter(|event| event.makes(id)).collect();
    let mut found = Branch::new(if with_execution { Word::Itself } else { Word::Made }, format!("commit {id}"));
    match own.first() {
        Some(first) => {
            let place = [first.text("repository").map(str::to_owned), time(first)];
            let place: Vec<String> = place.into_iter().flatten().collect();
            found.what += &format!(" ({})", place.join(", "));
            found.records = own.iter().map(|event| event.number).collect();
        }
        None => found.more.push(Branch::hole("no record of the commit itself: `attest audit import git`")),
    }
    if with_execution {
        found.more.extend(made_by(id, &own, events, material));
        found.more.extend(built_in(id, material));
    }
    let author = own.iter().find_map(|event| Some((event.cell("author")?, event.number)));
    found.more.extend(author.map(|(cell, record)| value(Word::Author, cell).by(record)));
    if own.iter().any(|event| event.erased.iter().any(|name| name == "author")) {
        found.more.push(Branch::new(Word::Author, "(a person who was erased)"));
    }
    found.more.extend(approvals(material.approved.get(id)));
    let whole = |event: &&Event| event.text("target").is_some_and(|target| is_whole(target, id));
    for event in events.iter().filter(|event| event.kind == "exception").filter(whole) {
        let rule = event.text("rule").unwrap_or_default();
        let reason = event.text("reason").unwrap_or_default();
        let by =
            event.text("approver").map_or_else(|| "approved by nobody".to_owned(), |who| format!("approved by {who}"));
        found.more.push(Branch::new(Word::Exception, format!("{rule}: {reason}, {by}")).by(event.number));
    }
    let built: Vec<Branch> = material
        .attested
        .iter()
        .filter(|event| event.text("commit") == Some(id))
        .map(|event| artifact(event, material, Word::Built))
        .collect();
    found.more.extend(built);
    found
}

/// Which executions a commit's own record says it to be of, or why that is not known.
fn made_by(id: &str, own: &[&Event], events: &[Event], material: &Material) -> Vec<Branch> {
    // What an agent noted when it made it names it by the beginning of its id.
    let is_own = |event: &&Event| {
        event.kind == "action"
            && ["commit", "merge"].contains(&event.action().as_str())
            && event.text("target").is_some_and(|target| names(target, id))
    };
    let mut named: BTreeMap<&str, Option<&str>> = BTreeMap::new();
    for event in events.iter().filter(is_own) {
        if let Some(execution) = event.text("execution_id") {
            let agent = named.entry(execution).or_default();
            *agent = agent.or(event.text("agent"));
        }
    }
    let all = named.into_iter();
    let out: Vec<Branch> = all.map(|(id, agent)| run(id, agent, "commits", material, Word::MadeBy)).collect();
    if !out.is_empty() || own.is_empty() {
        return out;
    }
    let agent = own.iter().find_map(|event| event.cell("agent").map(|cell| (cell, event.number)));
    vec![match agent {
        Some((cell, record)) => {
            let mut branch = value(Word::MadeBy, cell).by(record);
            let how = if cell.known == Known::Derived { "by a hint in its message" } else { "by its trailers" };
            branch.more.push(Branch::hole(format!("no session: it is an agent's {how}, and names no execution")));
            branch
        }
        None => Branch::hole("no agent and no execution is named: a person's commit, or one that does not say so"),
    }]
}

/// In which executions something was built from a commit: who did that made an artifact, and not the commit.
fn built_in(id: &str, material: &Material) -> Vec<Branch> {
    let mut named: BTreeMap<&str, (Option<&str>, Vec<u64>)> = BTreeMap::new();
    for event in material.attested.iter().filter(|event| event.text("commit") == Some(id)) {
        if let Some(execution) = event.text("execution_id") {
            let (agent, records) = named.entry(execution).or_default();
            *agent = agent.or(event.text("agent"));
            records.push(event.number);
        }
    }
    let all = named.into_iter().map(|(id, (agent, records))| {
        let mut branch = run(id, agent, "attestations", material, Word::BuiltIn);
        if branch.records.is_empty() {
            branch.records = records;
        }
        branch
    });
    all.collect()
}

/// An execution that is named, with the agent that whoever names it says, where the log has nothing else of it.
fn run(id: &str, agent: Option<&str>, named_by: &str, material: &Material, word: Word) -> Branch {
    match material.sheets.get(id) {
        Some(sheet) if is_recorded(sheet) => execution(sheet, material, word),
        _ => {
            let agent = agent.map_or_else(String::new, |agent| format!("  {agent}"));
            let mut branch = Branch::new(word, format!("execution {id}{agent}"));
            branch.more.push(Branch::hole(format!("the log has nothing of it but {named_by} that name it")));
            branch
        }
    }
}

/// Whether anything was recorded of what was done, beside commits that only name the execution.
fn is_recorded(sheet: &Sheet) -> bool {
    sheet.run.has_start || sheet.run.status.is_some() || sheet.run.actions > sheet.commits.len() as u64
}

fn execution(sheet: &Sheet, material: &Material, word: Word) -> Branch {
    let run = &sheet.run;
    let kind = if matches!(run.id, RunId::Session(_)) { "session" } else { "execution" };
    let agent = run.agent.as_deref().unwrap_or("(no agent is said)");
    let ended = super::ended(run).map_or_else(String::new, |status| format!("  {status}"));
    let mut found = Branch::new(word, format!("{kind} {}  {agent}{ended}", run.id.text())).of_all(sheet);
    found.records = vec![run.records.0, run.records.1];
    for transcript in &sheet.transcripts {
        let digest = transcript
            .digest
            .as_ref()
            .map_or_else(|| "no transcript was recorded".into(), |d| format!("transcript {d}"));
        found.more.push(Branch::new(Word::Session, format!("{}, {digest}", transcript.session)).of_all(sheet));
    }
    found.more.extend(asked(sheet));
    let place = facts(sheet, &["environment", "machine", "container", "repository", "branch", "commit", "model"]);
    if let Some(place) = place {
        found.more.push(Branch::new(Word::Where, place).of_all(sheet));
    }
    if run.actions > 0 {
        let each = sheet.actions.iter().map(|action| match action.failed {
            0 => format!("{} {}", action.count, action.name),
            failed => format!("{} {} ({failed} failed)", action.count, action.name),
        });
        found.more.push(Branch::new(Word::Did, each.collect::<Vec<_>>().join(", ")).of_all(sheet));
    }
    for loss in &sheet.losses {
        found.more.push(Branch::hole(format!("{} events were lost: {}", loss.lost, loss.reason)).by(loss.record));
    }
    if [Word::MadeBy, Word::BuiltIn].contains(&word) {
        return found;
    }
    let mut commits: Vec<&str> = sheet.commits.iter().filter_map(|(_, name)| name.strip_prefix("commit:")).collect();
    commits.dedup();
    found.more.extend(commits.into_iter().map(|id| commit(id, material, false)));
    // What was built of one of its commits hangs there.
    let own = material.attested.iter().filter(|event| {
        event.text("execution_id") == Some(run.id.text())
            && !event.text("commit").is_some_and(|id| material.commits.contains_key(id))
    });
    found.more.extend(own.map(|event| artifact(event, material, Word::Built)));
    found
}

fn asked(sheet: &Sheet) -> Vec<Branch> {
    let mut out = Vec::new();
    if sheet.erased.iter().any(|name| name == "requested_by") {
        out.push(Branch::new(Word::AskedBy, "(a person who was erased)"));
    }
    for name in ["requested_by", "charter", "task_id"] {
        for fact in sheet.facts.get(name).into_iter().flatten() {
            let mut branch = value(Word::AskedBy, &fact.cell).by(fact.record);
            match name {
                "charter" => branch.what = format!("charter {}{}", fact.cell.text, digest(sheet)),
                "task_id" => branch.what = format!("task {}", fact.cell.text),
                _ => {}
            }
            out.push(branch);
        }
    }
    if out.is_empty() {
        out.push(Branch::hole("who asked for it, and under which charter, is not said"));
    }
    out
}

fn digest(sheet: &Sheet) -> String {
    let digest: Option<&Fact> = sheet.facts.get("charter_digest").and_then(|facts| facts.first());
    digest.map_or_else(String::new, |fact| format!(", its text {}", fact.cell.text))
}

fn artifact(event: &Event, material: &Material, word: Word) -> Branch {
    let (subject, digest) = (event.text("subject").unwrap_or("unnamed"), event.text("digest"));
    let mut found = Branch::new(word, digest.map_or_else(|| subject.to_owned(), |d| format!("{subject}@{d}")));
    found.records.push(event.number);
    found.known = event.cell("subject").map(|cell| cell.known);
    if let Some(signer) = event.text("signer") {
        found.what += &format!(", signed by {signer}");
    }
    if let Some(digest) = digest {
        found.more.extend(checked(digest, material));
    }
    found
}

/// How attestations of an artifact were judged, each answer once with its last record.
fn checked(digest: &str, material: &Material) -> Vec<Branch> {
    let mut out: Vec<Branch> = Vec::new();
    for event in material.checked.iter().filter(|event| event.text("digest") == Some(digest)) {
        let verdict = event.text("verdict").unwrap_or_default();
        let code = event.text("code").map_or_else(String::new, |code| format!(" ({code})"));
        let policy = event.text("policy").map_or_else(String::new, |policy| format!(", policy {policy}"));
        let (word, place) = match event.kind.as_str() {
            "admitted" => (Word::Admitted, event.text("namespace").map_or_else(String::new, |n| format!(" in {n}"))),
            _ => (Word::Verified, String::new()),
        };
        let what = format!("{verdict}{code}{place}{policy}");
        match out.iter_mut().find(|branch| branch.word == word && branch.what.starts_with(&what)) {
            Some(branch) => branch.records.push(event.number),
            None => out.push(Branch::new(word, what).by(event.number)),
        }
    }
    for branch in &mut out {
        let last = branch.records.last().copied();
        let times = branch.records.len();
        let at = material.checked.iter().find(|event| Some(event.number) == last).and_then(time);
        branch.what += &at.map_or_else(String::new, |at| format!(", {at}"));
        if times > 1 {
            branch.what += &format!(", {times} times");
        }
        branch.records = last.into_iter().collect();
    }
    out
}

fn artifact_itself(digest: &str, material: &Material) -> Option<Branch> {
    let attested: Vec<&Event> = material.attested.iter().filter(|e| e.text("digest") == Some(digest)).collect();
    let checked = checked(digest, material);
    if attested.is_empty() && checked.is_empty() {
        return None;
    }
    let mut found = Branch::new(Word::Itself, format!("artifact {digest}"));
    if attested.is_empty() {
        found.more.push(Branch::hole("no record says that anything was attested of it here"));
    }
    let mut commits: Vec<&str> = Vec::new();
    for event in &attested {
        let mut built = artifact(event, material, Word::Built);
        built.more.clear();
        found.more.push(built);
        match event.text("commit") {
            Some(id) if !commits.contains(&id) => commits.push(id),
            Some(_) => {}
            None => found.more.push(Branch::hole("its attestation names no commit").by(event.number)),
        }
    }
    for id in commits {
        let mut source = commit(id, material, true);
        source.word = Word::From;
        source.more.retain(|branch| branch.word != Word::Built);
        found.more.push(source);
    }
    found.more.extend(checked);
    Some(found)
}

fn file(path: &str, material: &Material) -> Branch {
    let mut found = Branch::new(Word::Itself, format!("file {path}"));
    if material.left_out > 0 {
        found.more.push(Branch::hole(format!("{} older actions on it are not shown", material.left_out)));
    }
    let mut by: BTreeMap<Option<&str>, Vec<&Event>> = BTreeMap::new();
    for event in &material.files {
        let run = event.text("execution_id").or_else(|| event.text("session_id"));
        by.entry(run).or_default().push(event);
    }
    let mut all: Vec<_> = by.into_iter().collect();
    all.sort_by_key(|(_, events)| std::cmp::Reverse(events.last().map(|event| event.number)));
    for (run, events) in all {
        let mut counts: BTreeMap<String, u64> = BTreeMap::new();
        events.iter().for_each(|event| *counts.entry(event.action()).or_default() += 1);
        let counts: Vec<String> = counts.into_iter().map(|(name, n)| format!("{n} {name}")).collect();
        let at = events.last().and_then(|event| time(event)).unwrap_or_default();
        let mut changed = Branch::new(Word::Changed, format!("{}, last {at}", counts.join(", ")));
        changed.records = events.iter().map(|event| event.number).collect();
        match run.and_then(|id| material.sheets.get(id)) {
            Some(sheet) => {
                let mut by = execution(sheet, material, Word::MadeBy);
                by.more.retain(|branch| branch.word != Word::Did);
                changed.more.push(by);
                let commits = sheet.commits.iter().filter_map(|(_, name)| name.strip_prefix("commit:"));
                let mut commits: Vec<&str> = commits.collect();
                commits.dedup();
                changed.more.extend(commits.iter().map(|id| commit(id, material, false)));
                if commits.is_empty() {
                    changed.more.push(Branch::hole("no commit names this execution"));
                }
            }
            None => changed.more.push(Branch::hole("it is of no execution and no session")),
        }
        found.more.push(changed);
    }
    found
}

fn approvals(verdict: Option<&Verdict>) -> Vec<Branch> {
    let Some(verdict) = verdict else { return Vec::new() };
    let mut out: Vec<Branch> = Vec::new();
    for one in &verdict.counted {
        let word = if one.how.as_deref() == Some("merge") { Word::Merged } else { Word::Approved };
        out.push(Branch::new(word, one.line()).known(one.known).by(one.record));
    }
    out.extend(verdict.unread.iter().map(|what| Branch::hole(*what)));
    if out.is_empty() {
        out.push(Branch::hole("nobody approved it, as far as this log knows"));
    }
    out
}

fn value(word: Word, cell: &Cell) -> Branch {
    Branch::new(word, cell.text.clone()).known(cell.known)
}

fn facts(sheet: &Sheet, names: &[&str]) -> Option<String> {
    let said = names.iter().flat_map(|name| sheet.facts.get(*name).into_iter().flatten());
    let said: Vec<String> =
        said.map(|fact| format!("{} {}", fact.cell.text, char::from(fact.cell.known as u8))).collect();
    (!said.is_empty()).then(|| said.join(", "))
}

fn time(event: &Event) -> Option<String> {
    let text = Timestamp::from_unix(event.at())?.to_string();
    Some(text.replace('T', " ").trim_end_matches('Z').to_owned())
}
