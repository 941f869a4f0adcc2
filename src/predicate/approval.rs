//! Approval v1 ([`uri::APPROVAL`]): somebody approves a charter, a commit or an artifact.
//!
//! What is approved is the statement's one subject, by digest; who approves is whoever signed. The predicate says what
//! kind of thing the subject is, so that the approval of a file is never one of a charter with the same bytes.

use super::PredicateType;
use crate::model::json::{Field, JsonError};
use crate::model::{Timestamp, limits, uri};
use serde_json::{Map, Value, json};

/// The predicate type's row.
pub(super) struct ApprovalV1;

impl PredicateType for ApprovalV1 {
    fn uri(&self) -> &'static str {
        uri::APPROVAL
    }
    fn name(&self) -> &'static str {
        "approval"
    }
    fn check(&self, predicate: &Map<String, Value>) -> Result<(), JsonError> {
        Approval::from_json(predicate).map(|_| ())
    }
    fn supports(&self) -> bool {
        true
    }
}

/// The only decision there is. Another one is refused when it is read, so that no later kind of decision (a withdrawal,
/// a refusal) is ever taken for an approval by a version that does not know it.
pub const APPROVED: &str = "approved";

/// What kind of thing is approved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum TargetKind {
    /// An issue or document that authorises work. Subject: the charter's digest.
    Charter,
    /// A commit. Subject: `gitCommit`, and `sha256` of the raw commit object (the bytes of `git cat-file commit`).
    Commit,
    /// An artifact. Subject: its digest.
    Artifact,
}

impl TargetKind {
    /// Every kind with its name.
    pub const ALL: [(Self, &'static str); 3] =
        [(Self::Charter, "charter"), (Self::Commit, "commit"), (Self::Artifact, "artifact")];

    /// Its name in a predicate.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL.into_iter().find(|(k, _)| *k == self).map_or("artifact", |(_, n)| n)
    }
}

/// An approval. Members this version does not know are legal and not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    /// `target.kind`.
    pub kind: TargetKind,
    /// `target.uri`: where the target is, as the approver names it. Of a commit `git+REPOSITORY`.
    pub uri: Option<String>,
    /// `approver.id`: who approves, in their own words. Nothing depends on it: the signer is what counts.
    pub approver: Option<String>,
    /// `approvedAt`: when, by the approver's clock. Nothing depends on it: the proven time is what counts.
    pub approved_at: Timestamp,
    /// `comment`, for people.
    pub comment: Option<String>,
}

impl Approval {
    /// Reads a predicate.
    ///
    /// # Errors
    /// When `target.kind`, `decision` or `approvedAt` is missing or of another form, `decision` is not `approved`, or a
    /// text is longer than [`limits::VALUE_BYTES`].
    pub fn from_json(predicate: &Map<String, Value>) -> Result<Self, JsonError> {
        let whole = Value::Object(predicate.clone());
        let root = Field::root("predicate", &whole);
        let target = root.need("target")?;
        let kind = target.need("kind")?;
        let found = kind.str()?;
        let known = TargetKind::ALL.into_iter().find(|(_, name)| *name == found);
        let (kind, _) = known.ok_or_else(|| kind.error("charter, commit or artifact", shown(found)))?;
        let decision = root.need("decision")?;
        if decision.str()? != APPROVED {
            return Err(decision.error("`approved`", shown(decision.str()?)));
        }
        let time = root.need("approvedAt")?;
        let approved_at = Timestamp::parse(time.str()?)
            .map_err(|e| JsonError::unexpected(time.path(), "an RFC 3339 time", e.found))?;
        let approver = match root.get("approver")? {
            Some(approver) => Some(short(&approver.need("id")?)?),
            None => None,
        };
        let text = |f: Option<Field<'_>>| f.map(|f| short(&f)).transpose();
        Ok(Self { kind, uri: text(target.get("uri")?)?, approver, approved_at, comment: text(root.get("comment")?)? })
    }

    /// The JSON form.
    #[must_use]
    pub fn to_json(&self) -> Map<String, Value> {
        let mut target = Map::new();
        target.insert("kind".into(), self.kind.name().into());
        target.extend(self.uri.as_ref().map(|u| ("uri".to_owned(), json!(u))));
        let mut out = Map::new();
        out.insert("target".into(), Value::Object(target));
        out.insert("decision".into(), APPROVED.into());
        out.extend(self.approver.as_ref().map(|id| ("approver".to_owned(), json!({ "id": id }))));
        out.insert("approvedAt".into(), self.approved_at.to_string().into());
        out.extend(self.comment.as_ref().map(|c| ("comment".to_owned(), json!(c))));
        out
    }
}

fn shown(text: &str) -> String {
    format!("`{}`", text.chars().take(80).collect::<String>())
}

fn short(field: &Field<'_>) -> Result<String, JsonError> {
    let text = field.str()?;
    if text.is_empty() || text.len() > limits::VALUE_BYTES {
        let expected = format!("1 to {} bytes of text", limits::VALUE_BYTES);
        return Err(field.error(expected, format!("{} bytes", text.len())));
    }
    Ok(text.to_owned())
}

/// The JSON Schema of the predicate.
#[must_use]
pub fn schema() -> Value {
    let text = |description: &str| json!({ "description": description, "type": "string", "minLength": 1, "maxLength": limits::VALUE_BYTES });
    json!({
        "description": "Predicate of an approval. The statement has one subject: what is approved. Of a charter its digest, as a provenance has it; of a commit gitCommit, and sha256 of the raw commit object (the bytes of git cat-file commit); of an artifact its digest. Who approves is whoever signed.",
        "type": "object",
        "required": ["target", "decision", "approvedAt"],
        "properties": {
            "target": {
                "description": "What kind of thing the subject is.",
                "type": "object",
                "required": ["kind"],
                "properties": {
                    "kind": {
                        "description": "An approval supports a provenance about what that names as the same kind of thing.",
                        "enum": TargetKind::ALL.map(|(_, name)| name),
                    },
                    "uri": text("Where it is, as the approver names it: the charter's URI, git+REPOSITORY of a commit, an artifact's name. Where the approval and a provenance both name a charter's or commit's place, they must agree."),
                },
            },
            "decision": { "description": "Any other value is no approval.", "const": APPROVED },
            "approver": {
                "description": "Who approves, in their own words. Nothing depends on it: the signer is what counts.",
                "type": "object",
                "required": ["id"],
                "properties": { "id": text("Principal that does not change hands, for example github:583231.") },
            },
            "approvedAt": {
                "description": "When, by the approver's clock. Nothing depends on it: the proven time is what counts.",
                "type": "string", "format": "date-time",
            },
            "comment": text("For people."),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_approval_is_read_as_one() {
        let good = json!({
            "target": { "kind": "charter", "uri": "https://h.example/1" }, "decision": "approved",
            "approver": { "id": "github:1" }, "approvedAt": "2026-01-31T00:00:00Z", "comment": "c",
        });
        let read = |v: &Value| Approval::from_json(v.as_object().unwrap());
        assert_eq!(Value::Object(read(&good).unwrap().to_json()), good);
        let mut more = good.clone();
        more["later"] = 1.into();
        assert!(read(&more).is_ok());
        let long = Value::from("x".repeat(limits::VALUE_BYTES + 1));
        for (path, value) in [
            ("/target/kind", json!("image")),
            ("/target/kind", json!(1)),
            ("/target/uri", json!("")),
            ("/target/uri", long.clone()),
            ("/decision", json!("rejected")),
            ("/decision", json!("Approved")),
            ("/decision", json!(true)),
            ("/approver", json!("github:1")),
            ("/approvedAt", json!("yesterday")),
            ("/comment", long),
        ] {
            let mut bad = good.clone();
            *bad.pointer_mut(path).unwrap() = value.clone();
            assert!(read(&bad).is_err(), "{path} {value}");
        }
        for missing in ["target", "decision", "approvedAt"] {
            let mut bad = good.clone();
            bad.as_object_mut().unwrap().remove(missing);
            assert!(read(&bad).is_err(), "{missing}");
        }
        for optional in ["approver", "comment"] {
            let mut fewer = good.clone();
            fewer.as_object_mut().unwrap().remove(optional);
            assert!(read(&fewer).is_ok(), "{optional}");
        }
    }
}
