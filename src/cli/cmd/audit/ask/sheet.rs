//! What `attest audit show EXECUTION` says of an execution.

use super::{figures, told};
use crate::cli::cmd::audit::handout::proven::LineReport;
use crate::cli::show::sanitize;
use crate::inquiry::{self, Approval, Fact, Hole, RunId, Sheet, UNENDED};
use crate::record::Known;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// An execution.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExecutionReport {
    /// Its id, numbers, status, tokens and cost, as `attest audit history` has them.
    #[serde(flatten)]
    pub run: super::history::RunReport,
    /// Fields of its records, each with every value that was said.
    pub facts: BTreeMap<String, Vec<FactReport>>,
    /// Fields of people who were erased.
    pub erased: Vec<String>,
    /// What was done, by type.
    pub did: Vec<DidReport>,
    /// Who approved it, its actions or its commits.
    pub approvals: Vec<ApprovalReport>,
    /// Events that were lost, by the records that say so.
    pub losses: Vec<LossReport>,
    /// Its conversations.
    pub transcripts: Vec<super::logs::TranscriptReport>,
    /// What was attested to be of it.
    pub attested: Vec<String>,
    /// Commits that say to be of it.
    pub commits: Vec<String>,
    /// Records that may be of it, and cannot be read.
    pub holes: Vec<told::HoleReport>,
}

/// A value of a field.
#[derive(Debug, Serialize, JsonSchema)]
pub struct FactReport {
    /// The value.
    pub value: String,
    /// `witnessed`, `declared` or `derived`.
    pub known: &'static str,
    /// The first record that says it.
    pub record: u64,
}

/// How often an action type was done.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DidReport {
    /// The type.
    pub action: String,
    /// How often.
    pub count: u64,
    /// How often it did not go well.
    pub failed: u64,
}

/// An approval.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApprovalReport {
    /// Its record.
    pub record: u64,
    /// Who; none where that person was erased.
    pub approver: Option<String>,
    /// By which means.
    pub how: Option<String>,
    /// Of what.
    pub target: Option<String>,
    /// When.
    pub at: Option<String>,
    /// Who says so.
    pub source: Option<String>,
    /// What became of it, where it was taken back.
    pub taken_back: Option<String>,
    /// Digest of the signed statement.
    pub statement: Option<String>,
}

/// Events that were lost, for one reason.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LossReport {
    /// The first record that says so.
    pub record: u64,
    /// The last one; between them may be others.
    pub last_record: u64,
    /// How many.
    pub lost: u64,
    /// Why.
    pub reason: String,
}

/// What a sheet says, line by line, each with the records that say so.
pub(in crate::cli::cmd::audit) fn lines(sheet: &Sheet) -> Vec<LineReport> {
    let mut out = Vec::new();
    for (name, facts) in &sheet.facts {
        out.extend(facts.iter().map(|fact| LineReport::new(format!("{name} {}", fact.cell.text), [fact.record])));
    }
    for one in &sheet.approvals {
        let who = one.approver.as_ref().map_or("(a person who was erased)", |cell| &cell.text);
        let of = one.target.as_deref().unwrap_or_default();
        let taken_back = one.taken_back.as_ref().map_or_else(String::new, |what| format!(", taken back: {what}"));
        out.push(LineReport::new(format!("approval by {who} of {of}{taken_back}"), [one.record]));
    }
    let lost = |one: &inquiry::Loss| {
        let ends = if one.last == one.record { vec![one.record] } else { vec![one.record, one.last] };
        LineReport::new(format!("{} lost: {}", one.lost, one.reason), ends)
    };
    out.extend(sheet.losses.iter().map(lost));
    out.extend(sheet.attested.iter().map(|(record, what)| LineReport::new(format!("attested {what}"), [*record])));
    out.extend(sheet.commits.iter().map(|(record, id)| LineReport::new(format!("commit {id}"), [*record])));
    out
}

/// That records are shown as they are, or counted together.
pub(in crate::cli::cmd::audit) fn all(records: &[u64]) -> LineReport {
    let what = match records {
        [one] => format!("record {one}"),
        all => format!("what is counted together, of {} records", all.len()),
    };
    LineReport::new(what, records.iter().copied())
}

impl From<&Approval> for ApprovalReport {
    fn from(one: &Approval) -> Self {
        let text = |cell: &Option<crate::inquiry::Cell>| cell.as_ref().map(|cell| cell.text.clone());
        Self {
            record: one.record,
            approver: text(&one.approver),
            how: text(&one.how),
            target: one.target.clone(),
            at: one.at.clone(),
            source: one.source.clone(),
            taken_back: one.taken_back.clone(),
            statement: one.statement.clone(),
        }
    }
}

impl ExecutionReport {
    pub(in crate::cli::cmd::audit) fn of(sheet: &Sheet, holes: &[Hole]) -> Self {
        let fact = |fact: &Fact| FactReport {
            value: fact.cell.text.clone(),
            known: fact.cell.known.name(),
            record: fact.record,
        };
        let facts = sheet.facts.iter().map(|(name, said)| (name.clone(), said.iter().map(fact).collect()));
        let did = sheet.actions.iter();
        let losses = sheet.losses.iter();
        let transcripts = sheet.transcripts.iter();
        let named = |list: &[(u64, String)]| list.iter().map(|(_, name)| name.clone()).collect();
        Self {
            run: (&sheet.run).into(),
            facts: facts.collect(),
            erased: sheet.erased.clone(),
            did: did.map(|a| DidReport { action: a.name.clone(), count: a.count, failed: a.failed }).collect(),
            approvals: sheet.approvals.iter().map(Into::into).collect(),
            losses: losses
                .map(|l| LossReport { record: l.record, last_record: l.last, lost: l.lost, reason: l.reason.clone() })
                .collect(),
            transcripts: transcripts
                .map(|t| super::logs::TranscriptReport {
                    session: t.session.clone(),
                    digest: t.digest.clone(),
                    source: t.source.clone(),
                })
                .collect(),
            attested: named(&sheet.attested),
            commits: named(&sheet.commits),
            holes: holes.iter().map(Into::into).collect(),
        }
    }
}

/// As a person reads it. `proven` are the lines about times that others prove.
pub(in crate::cli::cmd::audit) fn page(sheet: &Sheet, holes: &[Hole], proven: &str) -> String {
    let run = &sheet.run;
    let kind = if matches!(run.id, RunId::Session(_)) { "Session" } else { "Execution" };
    let agent = run.agent.as_deref().unwrap_or("(no agent is said)");
    let status = inquiry::ended(run).unwrap_or("of no execution");
    let (first, last) = (figures::number(run.records.0), figures::number(run.records.1));
    let mut out = format!(
        "{kind} {}   {}   {status}   records {first}..{last}\n",
        sanitize::line(run.id.text()),
        sanitize::line(agent)
    );
    let mut line = |name: &str, text: &str| {
        if !text.is_empty() {
            let _ = writeln!(out, "  {name:12}{}", sanitize::line(text));
        }
    };
    for (field, value, record) in run.also.iter() {
        line("also said", &format!("{field} {value} (record {})", figures::number(record)));
    }
    for (name, fields) in [
        ("asked by", &["requested_by", "charter", "charter_digest"][..]),
        ("task", &["task_id"]),
        ("trigger", &["trigger"]),
        ("model", &["model", "provider", "agent_version"]),
    ] {
        line(name, &facts(sheet, fields));
    }
    line("when", &when(sheet));
    line("", proven);
    line("where", &facts(sheet, &["environment", "machine", "container", "repository", "branch", "commit"]));
    line("authority", &authority(sheet));
    line("used", &used(sheet));
    line("did", &did(sheet));
    for (record, commit) in &sheet.commits {
        line("made", &format!("{commit} (record {})", figures::number(*record)));
    }
    for (record, what) in &sheet.attested {
        line("attested", &format!("{what} (record {})", figures::number(*record)));
    }
    let standing = sheet.approvals.iter().filter(|approval| approval.taken_back.is_none()).count();
    for (at, approval) in sheet.approvals.iter().enumerate() {
        let name = if at == 0 { format!("approvals   {standing}: ") } else { " ".repeat(12) };
        let _ = writeln!(out, "  {name}{}", sanitize::line(&approved(approval)));
    }
    for transcript in &sheet.transcripts {
        let digest = transcript.digest.as_deref().unwrap_or("no digest of its transcript");
        let _ = writeln!(out, "  session     {}, {}", sanitize::line(&transcript.session), sanitize::line(digest));
    }
    for loss in &sheet.losses {
        let sealed = match loss.last == loss.record {
            true => format!("record {}", figures::number(loss.record)),
            false => format!("records {}..{}", figures::number(loss.record), figures::number(loss.last)),
        };
        let lost = figures::number(loss.lost);
        let _ = writeln!(out, "  HOLE        {lost} lost: {}, sealed in {sealed}", sanitize::line(&loss.reason));
    }
    for hole in told::holes(holes).lines() {
        let _ = writeln!(out, "  HOLE        between its records: {}", hole.trim_start_matches("HOLE").trim_start());
    }
    out += "w witnessed, d declared, r derived; `attest audit logs` has the actions, `show NUMBER` a record\n";
    out
}

fn letter(known: Known) -> char {
    char::from(known as u8)
}

/// Every value of fields, each with how it is known.
fn facts(sheet: &Sheet, fields: &[&str]) -> String {
    let mut all: Vec<String> = Vec::new();
    for name in fields {
        if sheet.erased.iter().any(|erased| erased == name) {
            all.push("(a person who was erased)".into());
        }
        for fact in sheet.facts.get(*name).into_iter().flatten() {
            let mark = letter(fact.cell.known);
            all.push(match *name {
                "charter" => format!("charter {} {mark}", fact.cell.text),
                "agent_version" => format!("version {} {mark}", fact.cell.text),
                _ => format!("{} {mark}", fact.cell.text),
            });
        }
    }
    all.join(", ")
}

fn when(sheet: &Sheet) -> String {
    let (from, to) = sheet.run.times;
    let (start, end) = (figures::second(from), figures::second(to));
    let end = if start.get(..10) == end.get(..10) { end.get(11..).unwrap_or_default().to_owned() } else { end };
    let mut text = format!("{start} to {end} d, {}", figures::span(to - from));
    if !sheet.run.has_start && matches!(sheet.run.id, RunId::Execution(_)) {
        text += "; no record says that it began";
    }
    if inquiry::ended(&sheet.run) == Some(UNENDED) {
        text += "; no record says that it ended";
    }
    text
}

fn authority(sheet: &Sheet) -> String {
    let mut all = Vec::new();
    for fact in sheet.facts.get("credentials").into_iter().flatten() {
        let names: Vec<String> = serde_json::from_str(&fact.cell.text).unwrap_or_else(|_| vec![fact.cell.text.clone()]);
        all.push(format!("{} {}", names.join(", "), letter(fact.cell.known)));
    }
    for fact in sheet.facts.get("elevated").into_iter().flatten() {
        let elevated = if fact.cell.text == "true" { "yes" } else { "no" };
        all.push(format!("elevated: {elevated} {}", letter(fact.cell.known)));
    }
    all.join("; ")
}

fn used(sheet: &Sheet) -> String {
    let tokens = sheet.run.tokens;
    let class = [
        (tokens.read, "in"),
        (tokens.written, "out"),
        (tokens.cache_read, "cache read"),
        (tokens.cache_write, "cache write"),
    ];
    let class = class.into_iter().filter_map(|(n, name)| Some(format!("{} {name}", figures::rough(Some(n?)))));
    let mut text = class.collect::<Vec<_>>().join(", ");
    if let Some(cost) = sheet.run.cost {
        text += if text.is_empty() { "" } else { "; " };
        text += &figures::cost(Some(cost));
    }
    text
}

fn did(sheet: &Sheet) -> String {
    let each = sheet.actions.iter().map(|action| {
        let failed = match action.failed {
            0 => String::new(),
            n => format!(" ({} failed)", figures::number(n)),
        };
        format!("{} {}{failed}", figures::number(action.count), action.name)
    });
    let each: Vec<String> = each.collect();
    match sheet.run.actions {
        0 => "nothing that was recorded".into(),
        n => format!("{} {}: {}", figures::number(n), if n == 1 { "action" } else { "actions" }, each.join(", ")),
    }
}

/// Who approved, by which means, and who says so.
pub(super) fn approved(approval: &Approval) -> String {
    let who = approval.approver.as_ref().map_or("(a person who was erased)", |cell| cell.text.as_str());
    let mut parts = vec![who.to_owned()];
    parts.extend(approval.how.as_ref().map(|how| how.text.clone()));
    parts.extend(approval.at.as_ref().map(|at| at.replace('T', " ").trim_end_matches('Z').to_owned()));
    parts.extend(approval.target.as_ref().map(|target| format!("of {target}")));
    parts.extend(approval.statement.as_ref().map(|digest| format!("statement {digest}")));
    parts.extend(approval.source.as_ref().map(|source| format!("said by {source}")));
    let known = approval.approver.as_ref().or(approval.how.as_ref()).map_or(Known::Declared, |cell| cell.known);
    let text = format!("{} {}", parts.join(", "), letter(known));
    match &approval.taken_back {
        Some(result) => format!("not counted, {result}: {text}"),
        None => text,
    }
}
