//! `attest inspect` for people: what attestations say, each thing once. Nobody verified it.

use crate::cli::args::looked::{Looked, Shown};
use crate::cli::show::decision::{Page, View};
use crate::cli::show::sanitize::line;
use crate::flow::{About, Claim};
use crate::model::{ResourceDescriptor, Subject, json, uri};
use crate::predicate::field::{self, Field};
use crate::predicate::{Charter, Provenance};
use serde_json::{Map, Value};

/// Subjects of a statement that a person sees by name, and those of one look.
const NAMED: usize = 10;

/// Dependencies that a person sees one by one.
const LISTED: usize = 20;

/// Fields that a reader looks for, the first first; the others stand below them.
const FIRST: [&str; 8] = ["agent", "task", "charter", "requestedBy", "source", "builder", "trigger", "metadata"];

/// What was found.
#[must_use]
pub(in crate::cli) fn page(looked: &Looked, view: View) -> String {
    let mut page = Page::new(view);
    let many = looked.subjects.len() > NAMED;
    for (artifact, _) in looked.subjects.iter().take(if many { NAMED } else { looked.subjects.len() }) {
        let (name, digest) = (line(&artifact.name), artifact.digest.to_string());
        page.line(0, &if name.contains(&digest) { name } else { format!("{name} {digest}") });
    }
    if many {
        page.line(0, &format!("and {} more", looked.subjects.len() - NAMED));
    }
    for s in &looked.shown {
        let id = crate::cli::show::origin(&s.found.origin);
        match &s.found.claim {
            Err(e) => {
                page.line(0, &format!("attestation {id}"));
                page.line(1, &format!("cannot be read: {}", line(e)));
            }
            Ok(c) => {
                page.line(0, &format!("attestation {id} (unverified)"));
                claim(&mut page, c, s, looked);
            }
        }
    }
    if let Some(text) = looked.left_out() {
        page.line(0, &format!("left out: {text}"));
    }
    let has_sources = looked.shown.iter().any(|s| s.found.claim.as_ref().is_ok_and(|c| c.provenance.is_some()));
    if view.terminal && !view.verbose && has_sources {
        page.line(0, "-v shows where each field came from");
    }
    page.text()
}

fn claim(page: &mut Page, c: &Claim, s: &Shown, looked: &Looked) {
    row(page, "type", c.statement.predicate_type().as_str());
    row(page, "signer", &c.signer);
    row(page, "statement", &c.payload_digest.to_string());
    if c.log_entries + c.timestamps > 0 {
        row(page, "log entries, timestamps", &format!("{}, {}", c.log_entries, c.timestamps));
    }
    about(page, c, s, looked);
    if c.statement.predicate_type().as_str() == uri::CHARTER
        && let Ok(charter) = c.statement.predicate().and_then(|p| Charter::from_json(&p))
    {
        row(page, "charter", &shown_charter(&charter.uri, &charter.annotations));
        row(page, "title", &charter.snapshot.title);
        row(page, "text", &format!("{} bytes; --format json shows it", charter.snapshot.body.len()));
    }
    if let Some(approval) = c.approval() {
        row(page, "approves", &format!("the {} {}", approval.kind.name(), approval.uri.unwrap_or_default()));
        row(page, "approver, in their words", &approval.approver.unwrap_or_else(|| "not said".into()));
        row(page, "comment", &approval.comment.unwrap_or_else(|| "none".into()));
    }
    let Some(p) = &c.provenance else { return };
    let mut fields = p.fields();
    let rank = |f: &Field| {
        let short = field::short(&f.path);
        FIRST.iter().position(|first| short.split('.').next() == Some(first)).unwrap_or(FIRST.len())
    };
    fields.sort_by_key(rank);
    for f in fields {
        one_field(page, c, f);
    }
    dependencies(page, p);
}

fn row(page: &mut Page, name: &str, value: &str) {
    page.line(1, &format!("{name}: {}", line(value)));
}

/// The subjects of a statement: of one that was looked for only the name by which the statement has it, as its digest stands
/// above.
fn about(page: &mut Page, c: &Claim, s: &Shown, looked: &Looked) {
    match s.about {
        Some(About::Support) => row(page, "about", "something that others may name, and not the artifact"),
        Some(About::Listed) => row(page, "about", "an image that the artifact lists"),
        Some(About::Unclear) => row(page, "about", "digests of other algorithms than are known of the artifact"),
        Some(About::Subject | About::Other) | None => {}
    }
    let asked: Vec<_> = s.subjects.iter().map(|n| &looked.subjects[*n].0.digests).collect();
    let is_asked = |subject: &&Subject| {
        subject.digest().strong().any(|d| asked.iter().any(|a| a.get(d.algorithm().name()) == Some(d.hex())))
    };
    let (own, others): (Vec<_>, Vec<_>) = c.statement.subjects().iter().partition(is_asked);
    let name = |subject: &Subject| subject.descriptor().name().unwrap_or("(no name)").to_owned();
    let with_digests = |subject: &&Subject| {
        let digests: Vec<_> = subject.digest().iter().map(|(a, v)| format!("{a}:{v}")).collect();
        format!("{} {}", name(subject), digests.join(" "))
    };
    let of_many = own.len() + others.len() > 1;
    for subject in own.iter().take(NAMED) {
        row(page, "subject", &if asked.len() > 1 { with_digests(subject) } else { name(subject) });
    }
    // Of a file's own attestation with many subjects, the file is what a person asked about.
    let shown = if own.is_empty() { NAMED } else { 0 };
    others.iter().take(shown).for_each(|subject| row(page, "subject", &with_digests(subject)));
    let rest = own.len().saturating_sub(NAMED) + others.len().saturating_sub(shown);
    if of_many && rest > 0 {
        row(page, "subject", &format!("and {rest} more"));
    }
}

/// The value of a field as the statement writes it: a tree of it rounds numbers that no 64 bits hold.
#[must_use]
pub(in crate::cli) fn written(c: &Claim, f: &Field) -> String {
    let at = |part: &&str| json::written_at(c.statement.predicate_text(), &format!("{part}.{}", f.path));
    let found = json::may_round(&f.value).then(|| ["buildDefinition", "runDetails"].iter().find_map(at)).flatten();
    found.map_or_else(|| f.value.to_string(), json::compact)
}

fn one_field(page: &mut Page, c: &Claim, f: Field) {
    let short = page.view.terminal && !page.view.verbose;
    let (value, whole) = (shown(&f.value), f.value.to_string());
    let value = if value == whole { written(c, &f) } else { value };
    let from = f.source.filter(|_| !short).map_or_else(String::new, |s| format!(" (from {})", line(&s)));
    page.line(1, &format!("{}: {}{from}", line(field::short(&f.path)), line(&value)));
    if let Some(other) = f.disagreement {
        page.line(2, &format!("disagreement: {}", line(&other)));
    }
}

/// What it was built from, but its source, which stands among the fields.
fn dependencies(page: &mut Page, p: &Provenance) {
    let source = p.external.get("source");
    let (place, digests) =
        (source.and_then(|s| s.get("uri")).and_then(Value::as_str), source.and_then(|s| s.get("digest")));
    // Without a remote it has no place, and its digests alone tell it.
    let same = |d: &ResourceDescriptor| match d.uri() {
        Some(uri) => Some(uri) == place,
        None => d.digest().is_some() && serde_json::to_value(d.digest()).ok().as_ref() == digests,
    };
    let is_source = |d: &&ResourceDescriptor| d.name().is_none() && same(d);
    // Packages of lock files come by the hundred: what stands beside them is what a person looks for.
    let is_package = |d: &&ResourceDescriptor| d.name().is_none() && d.uri().is_some_and(|u| u.starts_with("pkg:"));
    let all = p.dependencies.iter().filter(|d| !is_source(d));
    let (packages, others): (Vec<_>, Vec<_>) = all.partition(is_package);
    for d in others.iter().take(LISTED) {
        let digests: Vec<_> =
            d.digest().map(|d| d.iter().map(|(a, v)| format!("{a}:{v}")).collect()).unwrap_or_default();
        let name = d.name().or_else(|| d.uri()).unwrap_or("(no name)");
        row(page, "dependency", format!("{name} {}", digests.join(" ")).trim_end());
    }
    let rest = others.len().saturating_sub(LISTED) + packages.len();
    if rest > 0 {
        let bare = packages.iter().filter(|d| !d.is_pinned()).count();
        let what = format!("and {rest} more, {bare} packages of them without digest; --format json shows all");
        row(page, "dependency", &what);
    }
}

/// A value as a person reads it: a resource by its place and digests, a principal or model by its ids.
fn shown(value: &Value) -> String {
    let text = |key: &str| value.get(key).and_then(Value::as_str);
    let digests = value.get("digest").and_then(Value::as_object).into_iter().flatten();
    let digests: String =
        digests.filter_map(|(algorithm, hex)| Some(format!(" {algorithm}:{}", hex.as_str()?))).collect();
    match (value, text("uri"), text("id")) {
        (Value::String(text), ..) => text.clone(),
        (_, Some(uri), _) => match value.get("annotations").and_then(Value::as_object) {
            Some(annotations) => shown_charter(&format!("{uri}{digests}"), annotations),
            None => format!("{uri}{digests}"),
        },
        (_, _, Some(id)) => match (text("provider"), text("name")) {
            (Some(provider), _) => format!("{provider}/{id}"),
            (_, Some(name)) => format!("{id}, {name}"),
            _ => id.to_owned(),
        },
        _ if !digests.is_empty() => nameless(value, digests.trim_start()),
        (Value::Array(all), ..) if all.is_empty() => "none".to_owned(),
        _ => match (text("repository"), text("path"), text("ref")) {
            (Some(repository), Some(path), Some(reference)) => format!("{repository} {path} {reference}"),
            _ => value.to_string(),
        },
    }
}

/// A resource without a place, as what a build wrote beside its subjects: its digests, and what is noted of it.
fn nameless(value: &Value, digests: &str) -> String {
    let notes = value.get("annotations").and_then(Value::as_object).into_iter().flatten();
    let notes: Vec<_> = notes.map(|(name, note)| format!("{name} {}", shown(note))).collect();
    if notes.is_empty() { digests.to_owned() } else { format!("{digests} ({})", notes.join(", ")) }
}

/// A charter by its place and digest, and what was so when it was captured.
fn shown_charter(what: &str, annotations: &Map<String, Value>) -> String {
    let note = |key: &str, before: &str| Some(format!("{before}{}", annotations.get(key)?.as_str()?));
    let notes = [note("state", ""), note("author", "by "), note("capturedAt", "captured ")];
    let notes: Vec<_> = notes.into_iter().flatten().collect();
    if notes.is_empty() { what.to_owned() } else { format!("{what} ({})", notes.join(", ")) }
}
