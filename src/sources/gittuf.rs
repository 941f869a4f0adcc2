//! Attestations of gittuf on `refs/gittuf/attestations`: DSSE envelopes whose statements say `type` and `predicate_type`. An approval
//! names a tree and the commit before it, and is one of whichever commits have both: of the tree alone it would be one of a commit
//! that somebody made of something else.
//!
//! Signatures are not verified here. That of a pull request's approval is the one of a program that tells what GitHub told it, and no
//! approver's; that of an authorisation is its approver's, and what is not verified counts for nobody.

use super::calls::Calls;
use super::claude_code::text;
use super::kept::{About, Kept, unit};
use super::plain::plain;
use super::pull_requests;
use super::{Counts, Reader, Source, Units};
use crate::model::{Digest, json, limits};
use crate::record::reading::is_commit_id;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Map, Value, json};

/// What records of this source say of where they are from.
const SOURCE: &str = "import gittuf";
const KEPT: Kept = Kept {
    references: &["refs/gittuf/attestations"],
    wants: |path| path.split_once('/').is_some_and(|(first, rest)| FOLDERS.contains(&first) && rest != INDEX),
    about: About::Trees,
};
const FOLDERS: &[&str] = &["code-review-approvals", "reference-authorizations", "github-pull-requests"];
/// What stands among the approvals and is none: which review is which.
const INDEX: &str = "review-index.json";
const APPROVAL: &str = "https://gittuf.dev/github-pull-request-approval/";
const AUTHORISATION: &str = "https://gittuf.dev/reference-authorization/";
const REQUEST: &str = "https://gittuf.dev/github-pull-request/";

/// The format.
#[derive(Debug)]
pub struct Gittuf;

impl Source for Gittuf {
    fn name(&self) -> &'static str {
        "gittuf"
    }

    fn recognises(&self, file: &[u8]) -> bool {
        unit(file).is_some_and(|unit| Statement::of(unit.bytes).is_some())
    }

    fn units(&self) -> Units {
        Units::Kept(&KEPT)
    }

    fn part(&self) -> &'static str {
        "attestation"
    }

    fn begin(&self) -> Box<dyn Reader> {
        Box::new(Attestations { calls: Calls::new(SOURCE, "an attestation of gittuf") })
    }
}

/// A statement, and who says that they signed it.
struct Statement {
    kind: String,
    /// The tree of its subject.
    tree: Option<String>,
    predicate: Map<String, Value>,
    signers: Vec<String>,
    digest: Digest,
}

impl Statement {
    fn of(envelope: &[u8]) -> Option<Self> {
        let Ok(Value::Object(envelope)) = json::parse(envelope, limits::SESSION_LINE_BYTES) else { return None };
        let payload = STANDARD.decode(envelope.get("payload")?.as_str()?).ok()?;
        let Ok(Value::Object(statement)) = json::parse(&payload, limits::SESSION_LINE_BYTES) else { return None };
        let kind = text(&statement, "predicate_type").or_else(|| text(&statement, "predicateType"))?;
        let known = [APPROVAL, AUTHORISATION, REQUEST].iter().any(|prefix| kind.starts_with(prefix));
        let predicate = statement.get("predicate").and_then(Value::as_object).filter(|_| known)?;
        let [subject] = statement.get("subject")?.as_array()?.as_slice() else { return None };
        let tree = subject.get("digest").and_then(|digest| digest.get("gitTree")).and_then(Value::as_str);
        let signatures = envelope.get("signatures").and_then(Value::as_array).into_iter().flatten();
        let signers = signatures.filter_map(|one| text(one.as_object()?, "keyid").map(str::to_owned));
        Some(Self {
            kind: kind.to_owned(),
            tree: tree.map(str::to_owned),
            predicate: predicate.clone(),
            signers: signers.take(limits::RECORD_LIST).collect(),
            digest: Digest::sha256(&payload),
        })
    }

    /// The tree that it is about and the commit before it. What the subject says and what the predicate says must be one.
    fn pair(&self) -> Option<(String, String)> {
        let said = text(&self.predicate, "targetTreeID").or_else(|| text(&self.predicate, "targetID"))?;
        let from = text(&self.predicate, "fromRevisionID").or_else(|| text(&self.predicate, "fromID"));
        let from = from.filter(|id| is_commit_id(id))?;
        let tree = self.tree.as_deref().filter(|tree| *tree == said && is_commit_id(tree))?;
        Some((tree.to_owned(), from.to_owned()))
    }

    fn people(&self, name: &str) -> Vec<&str> {
        let all = self.predicate.get(name).and_then(Value::as_array).into_iter().flatten();
        let is_name = |who: &&str| !who.is_empty() && who.len() <= 254 && !who.chars().any(char::is_control);
        all.filter_map(Value::as_str).filter(is_name).take(limits::RECORD_LIST).collect()
    }
}

/// The tree and the commit before it that an envelope is about.
#[must_use]
pub fn tree_wanted(envelope: &[u8]) -> Option<(String, String)> {
    Statement::of(envelope)?.pair()
}

/// Attestations that are being read.
struct Attestations {
    calls: Calls,
}

impl Reader for Attestations {
    fn line(&mut self, file: Option<&[u8]>, out: &mut Vec<Value>) {
        self.calls.counts.lines += 1;
        let Some(bytes) = file else { return self.calls.broken("too long", b"", None, out) };
        let read = unit(bytes).and_then(|unit| Some((unit.commits, Statement::of(unit.bytes)?)));
        let Some((commits, statement)) = read else { return self.calls.broken("no attestation", bytes, None, out) };
        let before = out.len();
        if statement.kind.starts_with(REQUEST) {
            pull_requests::of_document(&statement.predicate, out);
        } else if statement.pair().is_some() {
            for commit in commits.into_iter().filter(|id| is_commit_id(id)).take(limits::RECORD_LIST) {
                approvals(commit, &statement, out);
            }
        }
        self.calls.gave(out.len() - before);
    }

    fn end(&mut self, _: &str, _: &mut Vec<Value>) {}

    fn counts(&self) -> Counts {
        self.calls.counts
    }
}

/// Who approved a commit, and who is among the dismissed, whatever else is said of them.
fn approvals(commit: &str, statement: &Statement, out: &mut Vec<Value>) {
    let by_app = statement.kind.starts_with(APPROVAL);
    let dismissed = statement.people("dismissedApprovers");
    let keys: Vec<String> = statement.signers.iter().map(|key| format!("key:{key}")).collect();
    let approvers = match by_app {
        true => statement.people("approvers"),
        false => keys.iter().map(String::as_str).collect(),
    };
    let approved = approvers.into_iter().filter(|who| !dismissed.contains(who)).map(|who| (who, false));
    for (at, (who, is_dismissed)) in approved.chain(dismissed.iter().map(|who| (*who, true))).enumerate() {
        let digest = statement.digest.to_string();
        let mut record = json!({ "kind": "approval", "target": format!("commit:{commit}"), "source": SOURCE,
            "source_id": format!("gittuf:{digest}/{commit}/{}", at + 1), "approver": person(who), "statement": digest });
        record["result"] = json!(match (by_app, is_dismissed) {
            (_, true) => "dismissed",
            (true, false) => "approved",
            (false, false) => "signature not verified",
        });
        record["how"] = json!(if by_app { "review" } else { "signed" });
        // The last word on one change is theirs, whichever envelope says it.
        if let Some((tree, from)) = statement.pair() {
            record["approval_id"] = json!(format!("gittuf:{from}-{tree}"));
        }
        if let [key] = keys.as_slice() {
            plain(&mut record, "signer", Some(key));
        }
        out.push(record);
    }
}

/// An approver as gittuf's program writes one, `login+NUMBER`: by the number.
fn person(who: &str) -> String {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    match who.rsplit_once('+') {
        Some((_, number)) if is_number(number) && !who.contains('@') => format!("github:{number}"),
        _ if who.contains(':') => who.to_owned(),
        _ if who.contains('@') => format!("mailto:{who}"),
        _ => format!("github:{who}"),
    }
}
