//! Levels of assurance that are demanded and not there.

use crate::refusals::approving::{charter, commit};
use crate::refusals::scene::Scene;
use serde_json::{Value, json};

/// The signer measures this, and a field must be known like that.
fn measured(what: &'static str, field: &'static str, demand: fn() -> Value) -> impl Fn(&mut Scene) {
    move |s| {
        s.by_policy();
        s.signer()["measures"] = json!([what]);
        s.require()[field] = demand();
    }
}

fn measures(what: &'static str) -> impl Fn(&mut Scene) {
    move |s| s.signer()["measures"] = json!([what])
}

/// The charter must be vouched for by another, and is.
fn signed_charter(s: &mut Scene) {
    charter(s);
    s.require()["charter"] = json!({ "assurance": "signed" });
}

/// The commit must be vouched for by another, and is.
fn signed_commit(s: &mut Scene) {
    commit(s);
    s.require()["source"] = json!({ "commit": "a".repeat(40), "assurance": "signed" });
}

/// The charter must be measured, and is; it is approved too.
fn measured_and_approved(s: &mut Scene) {
    signed_charter(s);
    s.signer()["measures"] = json!(["charter"]);
    s.require()["charter"] = json!({ "assurance": "measured" });
}

crate::refusals::refusals! {
    source_that_the_signer_does_not_measure: measured("source", "source", || json!({ "assurance": "measured" })), measures("agent") => 1 "assurance-too-low";
    agent_that_the_signer_does_not_measure: measured("agent", "agent", || json!({ "ids": ["platform/*"], "assurance": "measured" })), measures("source") => 1 "assurance-too-low";
    agent_that_is_not_named_and_must_be_measured: measured("agent", "agent", || json!({ "assurance": "measured" })), |s| { s.claim.agent = None; s.claim.model = None } => 1 "assurance-too-low";
    task_that_the_signer_does_not_measure: measured("task", "task", || json!({ "ids": ["**"], "assurance": "measured" })), measures("charter") => 1 "assurance-too-low";
    charter_that_the_signer_does_not_measure: measured("charter", "charter", || json!({ "assurance": "measured" })), measures("task") => 1 "assurance-too-low";
    what_is_measured_is_not_certified: measured("source", "source", || json!({ "assurance": "measured" })), |s| s.require()["source"]["assurance"] = "certificate".into() => 1 "assurance-too-low";
    what_is_measured_is_not_vouched_for: measured("charter", "charter", || json!({ "assurance": "measured" })), |s| s.require()["charter"]["assurance"] = "signed".into() => 1 "assurance-too-low";
    what_is_vouched_for_is_not_measured: measured_and_approved, |s| { s.signer().as_object_mut().unwrap().remove("measures"); } => 1 "assurance-too-low";
    charter_whose_place_nobody_vouches_for: signed_charter, |s| { s.approval().predicate["target"].as_object_mut().unwrap().remove("uri"); } => 1 "assurance-too-low";
    ref_that_nobody_vouches_for: signed_commit, |s| s.require()["source"]["refs"] = json!(["refs/heads/main"]) => 1 "assurance-too-low";
    charter_that_only_the_signer_names: signed_charter, |s| { s.require().as_object_mut().unwrap().remove("approvals"); } => 1 "assurance-too-low";
    field_that_nobody_measures: measured("source", "source", || json!({ "assurance": "measured" })), measures("sources") => 2 "policy-malformed";
    level_that_there_is_none_of: measured("agent", "agent", || json!({ "assurance": "measured" })), |s| s.require()["agent"]["assurance"] = "sure".into() => 2 "policy-malformed";
}
