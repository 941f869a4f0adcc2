//! What a row says was made.

use super::row::Row;
use super::{Relation, Thing};

/// Something that a row says was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Made {
    pub thing: Thing,
    pub name: String,
    pub about: Option<String>,
    pub relation: Relation,
    /// Fields on which that rests, beside the one that was followed.
    pub fields: &'static [&'static str],
}

impl Made {
    fn new(thing: Thing, name: &str, relation: Relation, fields: &'static [&'static str]) -> Self {
        Self { thing, name: name.to_owned(), about: None, relation, fields }
    }
}

/// What a row says was made; several where a merge names a pull request and a commit.
pub(super) fn made(row: &Row<'_>) -> Vec<Made> {
    match row.kind {
        "attested" => artifact(row).into_iter().collect(),
        "outcome" if row.text("outcome_kind") == Some("pr") => {
            let target = row.text("target");
            target.map(|name| Made::new(Thing::PullRequest, name, Relation::ActedOn, &["target"])).into_iter().collect()
        }
        "action" => action(row),
        _ => Vec::new(),
    }
}

/// An artifact, by its digest where it has one.
fn artifact(row: &Row<'_>) -> Option<Made> {
    let subject = row.text("subject");
    let (name, fields): (_, &'static [&'static str]) = match row.text("digest") {
        Some(digest) => (digest, &["digest"]),
        None => (subject?, &["subject"]),
    };
    let about = subject.map(str::to_owned);
    Some(Made { about, ..Made::new(Thing::Artifact, name, Relation::Attested, fields) })
}

fn action(row: &Row<'_>) -> Vec<Made> {
    let Some(target) = row.text("target") else { return Vec::new() };
    let action = row.text("action_type").unwrap_or_default();
    let commit = target.strip_prefix("commit:").filter(|id| !id.is_empty());
    let is_pull_request = commit.is_none() && !target.is_empty();
    let mut out = Vec::new();
    match action {
        "commit" | "merge" | "push" => {
            let (id, fields): (_, &'static [&'static str]) = match commit {
                Some(id) => (Some(id), &["target"]),
                None => (row.text("head_commit"), &["head_commit"]),
            };
            out.extend(id.map(|id| Made::new(Thing::Commit, id, Relation::Made, fields)));
            if action == "merge" && is_pull_request {
                out.push(Made::new(Thing::PullRequest, target, Relation::Merged, &["target"]));
            }
        }
        "pr_create" if is_pull_request => {
            out.push(Made::new(Thing::PullRequest, target, Relation::Opened, &["target"]));
        }
        _ if action.starts_with("pr_") && is_pull_request => {
            out.push(Made::new(Thing::PullRequest, target, Relation::ActedOn, &["target"]));
        }
        "deploy" => out.push(Made::new(Thing::Deployment, target, Relation::Deployed, &["target"])),
        _ => {}
    }
    out
}
