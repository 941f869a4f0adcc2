//! A statement that was signed, as records.

use crate::flow::Unsigned;
use crate::model::json::parse_apart;
use crate::model::{Digest, Statement, Subject, Timestamp, limits};
use crate::predicate;
use crate::record::draft::is_outside;
use crate::record::material;
use crate::secrets::{Search, find_secret};
use serde_json::{Value, json};

/// A statement that was signed as records, one for each subject. Of what it claims, what a person asks a log for.
#[must_use]
pub fn of_statement(statement: &Unsigned, signer: &str, now: Timestamp) -> Vec<Value> {
    let (read, bytes) = (statement.statement(), statement.bytes());
    let (predicate, materials) = apart(read);
    let claims = [
        ("agent", "/buildDefinition/externalParameters/agent/id"),
        ("execution_id", "/buildDefinition/externalParameters/agent/execution"),
        ("session_id", "/buildDefinition/externalParameters/agent/session"),
        ("task_id", "/buildDefinition/externalParameters/task/id"),
        ("charter", "/buildDefinition/externalParameters/charter/uri"),
        ("requested_by", "/buildDefinition/externalParameters/requestedBy/id"),
        ("commit", "/buildDefinition/externalParameters/source/digest/gitCommit"),
        ("builder", "/runDetails/builder/id"),
    ];
    let record = |subject: &Subject| {
        let digests = subject.digest();
        let digest =
            ["sha256", "sha512", "sha384"].iter().find_map(|name| Some(format!("{name}:{}", digests.get(name)?)));
        let mut out = json!({ "kind": "attested", "subject": named(subject.descriptor().name().unwrap_or("unnamed")),
            "statement": Digest::sha256(bytes).to_string(), "signer": signer,
            "predicate_type": read.predicate_type().as_str(), "completed_at": now.to_string(), "source": "attest",
            "known": { "subject": "witnessed", "statement": "witnessed" } });
        if let Some(digest) = digest {
            out["digest"] = json!(digest);
        }
        for (name, at) in claims {
            if let Some(value) = predicate.pointer(at).filter(|v| v.is_string()) {
                out[name] = value.clone();
            }
        }
        out
    };
    let mut out: Vec<Value> = read.subjects().iter().map(record).collect();
    out.extend(materials.into_iter().flat_map(|all| all.records(&Digest::sha256(bytes).to_string())));
    out
}

/// A provenance without its dependencies, of which there may be a hundred thousand, and what of these a log has; nothing of another
/// predicate.
fn apart(statement: &Statement) -> (Value, Option<Materials>) {
    let mut materials = Materials::default();
    if predicate::provenance_of(statement.predicate_type().as_str()).is_none() {
        return (Value::Null, None);
    }
    let (text, long) = (statement.predicate_text().as_bytes(), ["buildDefinition", "resolvedDependencies"]);
    let rest = parse_apart(text, limits::STATEMENT_BYTES, &long, &mut |one| materials.take(&one));
    (rest.map_or(Value::Null, |(rest, _)| rest), Some(materials))
}

/// What something was built of.
#[derive(Default)]
struct Materials {
    /// How many were looked at.
    seen: usize,
    lines: Vec<String>,
    base_image: Option<String>,
    /// Those that a record cannot hold, and those beyond the limit.
    left_out: u64,
}

impl Materials {
    /// Takes one; how much of its memory stays (bytes). The first is the source, which the record of the attestation has.
    fn take(&mut self, one: &Value) -> usize {
        self.seen += 1;
        let text = |name: &str| one.get(name).and_then(Value::as_str);
        let address = text("uri").or_else(|| text("name")).unwrap_or_default();
        let digests = one.get("digest").and_then(Value::as_object);
        let digest = digests.and_then(|all| {
            ["sha256", "sha512", "sha384", "gitCommit"]
                .iter()
                .find_map(|n| Some(format!("{n}:{}", all.get(*n)?.as_str()?)))
        });
        if self.seen == 1 && address.starts_with("git+") {
            return 0;
        }
        let line = material::line(address, digest.as_deref());
        let may_stand = !line.is_empty()
            && line.len() <= limits::MATERIAL_BYTES
            && !line.chars().any(char::is_control)
            && !is_outside(&line)
            && find_secret(&json!(line), &Search::default()).is_ok();
        let kept = line.len();
        match () {
            () if !may_stand || self.lines.len() >= limits::MATERIALS => self.left_out += 1,
            () if text("name") == Some("base-image") => self.base_image = Some(line),
            () => self.lines.push(line),
        }
        kept
    }

    /// As records of the statement of a digest: as many as they take.
    fn records(self, statement: &str) -> Vec<Value> {
        let record = || json!({ "kind": "materials", "statement": statement, "source": "attest", "known": { "statement": "witnessed" } });
        let mut out: Vec<Value> = Vec::new();
        for part in self.lines.chunks(limits::RECORD_LIST) {
            let mut one = record();
            one["materials"] = json!(part);
            out.push(one);
        }
        // That it lists nothing is something, too: whoever asks for a dependency knows then that there is none.
        if out.is_empty() {
            out.push(record());
        }
        if let Some(first) = out.first_mut() {
            if let Some(image) = self.base_image {
                first["base_image"] = json!(image);
            }
            if self.left_out > 0 {
                first["left_out"] = json!(self.left_out);
            }
        }
        out
    }
}

/// A subject without the folders of this machine.
pub(super) fn named(subject: &str) -> String {
    let (scheme, path) = match subject.split_once(':') {
        Some((scheme @ ("file" | "oci"), path)) => (Some(scheme), path),
        _ => (None, subject),
    };
    let path = match path.rsplit_once('/') {
        Some((folder, last)) if folder.starts_with(['/', '~']) || path.starts_with('/') || path.contains("..") => last,
        _ => path,
    };
    scheme.map_or_else(|| path.to_owned(), |scheme| format!("{scheme}:{path}"))
}
