//! Snapshots of a charter that do not count, each beside one that does.

use crate::refusals::approving::charter;
use crate::refusals::scene::Scene;
use attest::model::uri;
use attest::predicate::CharterSnapshot;
use serde_json::{Value, json};

const OTHER: &str = "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd";

/// The text of the provenance's charter must be signed by Alice, and is.
fn snapshot(s: &mut Scene) {
    charter(s);
    let text = CharterSnapshot {
        author_id: "7".into(),
        body: "Ship it.".into(),
        host: "git.example".into(),
        id: "42".into(),
        title: "Release".into(),
    };
    let digest = text.digest().hex().to_owned();
    s.claim.charter_digest = Some(digest.clone());
    let require = s.require().as_object_mut().unwrap();
    let mut approvals = require.remove("approvals").unwrap();
    require.insert("charter".into(), json!({ "snapshot": { "by": approvals["by"].take() } }));
    let place = s.claim.charter.clone();
    let approval = s.approval();
    approval.predicate_type = uri::CHARTER.into();
    approval.subjects = vec![vec![("sha256".into(), digest)]];
    approval.predicate = json!({ "uri": place, "snapshot": {
        "authorId": text.author_id, "body": text.body, "host": text.host, "id": text.id, "title": text.title,
    } });
}

fn logged(s: &mut Scene) {
    snapshot(s);
    s.require()["trust"] = json!({ "logs": 1 });
}

/// Two provenances, by one signer; either would do.
fn with_two_provenances(s: &mut Scene) {
    snapshot(s);
    s.require()["agent"] = json!({ "ids": ["platform/*"] });
    s.second = Some(s.claim.clone());
}

fn place(uri: &'static str) -> impl Fn(&mut Scene) {
    move |s| s.approval().predicate["uri"] = Value::from(uri)
}

crate::refusals::refusals! {
    no_snapshot: snapshot, |s| s.approvals().clear() => 1 "charter-snapshot-missing";
    snapshot_of_another_issue_of_the_host: snapshot, place("https://git.example/acme/app/issues/43") => 1 "charter-snapshot-mismatch";
    snapshot_in_no_log_where_one_is_demanded: logged, |s| s.approval().at = None => 1 "too-few-logs";
    snapshot_of_what_another_provenance_names: with_two_provenances, |s| { s.claim.agent = Some("evil/builder".into()); s.second.as_mut().unwrap().charter_digest = Some(OTHER.into()) } => 1 "agent-mismatch";
    approval_in_a_snapshots_place: snapshot, |s| { s.approval().predicate_type = uri::APPROVAL.into(); s.approval().predicate = json!({ "target": { "kind": "charter", "uri": "https://git.example/acme/app/issues/42" }, "decision": "approved", "approvedAt": "2024-05-31T00:00:00Z" }) } => 1 "charter-snapshot-missing";
}
