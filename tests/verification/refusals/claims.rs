//! A true signature of a trusted key under a statement that is not the one demanded.

use crate::refusals::scene::Scene;
use crate::refusals::{file, requiring};
use serde_json::json;

const COMMIT: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const CHARTERS: &str = r#"{ "uriPrefix": "https://git.example/acme/app/issues/" }"#;
const BRANCHES: &str = r#"{ "refs": ["refs/heads/*"] }"#;
const MAIN: &str = r#"{ "refs": ["refs/heads/*@refs/heads/main", "refs/heads/main"] }"#;

fn charter(text: &'static str) -> impl Fn(&mut Scene) {
    move |s| s.claim.charter = Some(text.into())
}

fn by_key_for(builder: &'static str) -> impl Fn(&mut Scene) {
    move |s| {
        s.by_policy();
        s.signer()["builders"] = json!([builder]);
    }
}

/// A policy that wants a build that something set off.
fn by_event(s: &mut Scene) {
    requiring("trigger", r#"{ "kinds": ["event", "scheduled"] }"#)(s);
    s.claim.trigger = Some("event".into());
}

crate::refusals::refusals! {
    wrong_agent: file(&["--agent", "platform/*"]), |s| s.claim.agent = Some("evil/builder".into()) => 1 "agent-mismatch";
    agent_not_said: file(&["--agent", "**"]), |s| { s.claim.agent = None; s.claim.model = None } => 1 "agent-mismatch";
    agent_deeper_than_the_glob: file(&["--agent", "platform/*"]), |s| s.claim.agent = Some("platform/builder/x".into()) => 1 "agent-mismatch";
    agent_of_another_case: file(&["--agent", "platform/builder"]), |s| s.claim.agent = Some("Platform/builder".into()) => 1 "agent-mismatch";
    agent_with_the_pattern_inside: file(&["--agent", "platform/*"]), |s| s.claim.agent = Some("evil/platform/builder".into()) => 1 "agent-mismatch";
    wrong_agent_by_policy: requiring("agent", r#"{ "ids": ["platform/*"] }"#), |s| s.claim.agent = Some("evil/builder".into()) => 1 "agent-mismatch";
    wrong_model: requiring("agent", r#"{ "models": ["provider/model-1"] }"#), |s| s.claim.model = Some(("provider".into(), "model-2".into())) => 1 "model-mismatch";
    model_not_said: requiring("agent", r#"{ "models": ["**"] }"#), |s| s.claim.model = None => 1 "model-mismatch";
    wrong_task: file(&["--task", "task-1"]), |s| s.claim.task = Some("task-2".into()) => 1 "task-mismatch";
    task_not_said: requiring("task", r#"{ "ids": ["**"] }"#), |s| s.claim.task = None => 1 "task-mismatch";
    wrong_charter: file(&["--charter", "https://git.example/acme/app/issues/42"]), charter("https://git.example/acme/app/issues/43") => 1 "charter-mismatch";
    charter_not_said: requiring("charter", CHARTERS), |s| { s.claim.charter = None; s.claim.charter_digest = None } => 1 "charter-mismatch";
    charter_of_another_host: requiring("charter", CHARTERS), charter("https://evil.example/acme/app/issues/42") => 1 "charter-mismatch";
    charter_that_climbs_out: requiring("charter", CHARTERS), charter("https://git.example/acme/app/issues/../../evil/issues/1") => 1 "charter-mismatch";
    charter_that_climbs_out_encoded: requiring("charter", CHARTERS), charter("https://git.example/acme/app/issues/%2E%2e/%2e./evil") => 1 "charter-mismatch";
    charter_that_climbs_out_with_backslashes: requiring("charter", CHARTERS), charter("https://git.example/acme/app/issues/..\\..\\evil") => 1 "charter-mismatch";
    charter_that_climbs_out_over_a_tab: requiring("charter", CHARTERS), charter("https://git.example/acme/app/issues/.\t./.\n./evil") => 1 "charter-mismatch";
    charter_of_a_repository_that_begins_alike: requiring("charter", r#"{ "uriPrefix": "https://git.example/acme/app" }"#), charter("https://git.example/acme/app-evil/issues/42") => 1 "charter-mismatch";
    charter_whose_number_begins_alike: requiring("charter", r#"{ "uriPrefix": "https://git.example/acme/app/issues/42" }"#), charter("https://git.example/acme/app/issues/420") => 1 "charter-mismatch";
    charter_that_goes_on_within_the_element: |s| { requiring("charter", r#"{ "uriPrefix": "https://git.example/acme/app" }"#)(s); charter("https://git.example/acme/app?issue=42")(s) }, charter("https://git.example/acme/app&issue=42") => 1 "charter-mismatch";
    charter_that_climbs_out_of_what_is_no_folder: |s| { requiring("charter", r#"{ "uriPrefix": "https://git.example/acme/app" }"#)(s); charter("https://git.example/acme/app#42")(s) }, charter("https://git.example/acme/app/../evil") => 1 "charter-mismatch";
    charter_prefix_that_ends_within_the_host: requiring("charter", r#"{ "uriPrefix": "https://git.example/" }"#), |s| s.require()["charter"]["uriPrefix"] = "https://git.example".into() => 2 "policy-malformed";
    charter_without_a_digest: requiring("charter", r#"{ "digest": "required" }"#), |s| s.claim.charter_digest = None => 1 "charter-digest-missing";
    wrong_commit: file(&["--source-commit", COMMIT]), |s| { s.claim.commit = "b".repeat(40); s.claim.dependency_commit = "b".repeat(40) } => 1 "source-commit-mismatch";
    wrong_commit_by_policy: requiring("source", r#"{ "commit": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" }"#), |s| { s.claim.commit = "b".repeat(40); s.claim.dependency_commit = "b".repeat(40) } => 1 "source-commit-mismatch";
    two_commits_of_one_source: file(&["--source-commit", COMMIT]), |s| s.claim.dependency_commit = "b".repeat(40) => 1 "statement-malformed";
    wrong_repository: file(&["--source-repository", "https://git.example/acme/app"]), |s| s.claim.repository = "https://git.example/evil/app".into() => 1 "source-repository-mismatch";
    repository_that_begins_alike: file(&["--source-repository", "https://git.example/acme/app"]), |s| s.claim.repository = "https://git.example/acme/app-evil".into() => 1 "source-repository-mismatch";
    repository_of_another_user: file(&["--source-repository", "https://git.example/acme/app"]), |s| s.claim.repository = "https://git.example/acme/app@evil.example/x".into() => 1 "source-repository-mismatch";
    wrong_ref: file(&["--source-ref", "refs/heads/main"]), |s| s.claim.reference = "refs/heads/evil".into() => 1 "source-ref-mismatch";
    tag_of_the_branchs_name: file(&["--source-ref", "refs/heads/main"]), |s| s.claim.reference = "refs/tags/main".into() => 1 "source-ref-mismatch";
    branch_named_like_another_ref: requiring("source", BRANCHES), |s| s.claim.reference = "refs/heads/x@refs/heads/main".into() => 1 "source-ref-mismatch";
    branch_with_an_at_deeper_than_the_glob: requiring("source", MAIN), |s| s.claim.reference = "refs/heads/x/y@refs/heads/main".into() => 1 "source-ref-mismatch";
    branch_with_an_at_where_a_tag_is_wanted: |s| { s.flag(&["--source-ref", "refs/tags/*"]); s.claim.reference = "refs/tags/app@5.0.0".into() }, |s| s.claim.reference = "refs/heads/app@5.0.0".into() => 1 "source-ref-mismatch";
    branch_with_an_at_where_a_tag_is_wanted_by_policy: |s| { s.by_policy(); s.require()["source"] = serde_json::json!({ "refs": ["refs/tags/*"] }); s.claim.reference = "refs/tags/app@5.0.0".into() }, |s| s.claim.reference = "refs/heads/app@5.0.0".into() => 1 "source-ref-mismatch";
    branch_deeper_than_the_glob: requiring("source", BRANCHES), |s| s.claim.reference = "refs/heads/evil/main".into() => 1 "source-ref-mismatch";
    wrong_requester: file(&["--requested-by", "github:583231"]), |s| s.claim.requested_by = Some("github:1".into()) => 1 "requester-mismatch";
    requester_not_said: file(&["--requested-by", "github:583231"]), |s| s.claim.requested_by = None => 1 "requester-mismatch";
    wrong_requester_by_policy: requiring("requestedBy", r#"{ "ids": ["github:583231"] }"#), |s| s.claim.requested_by = Some("github:5832311".into()) => 1 "requester-mismatch";
    requester_not_said_by_policy: requiring("requestedBy", r#"{ "ids": ["**"] }"#), |s| s.claim.requested_by = None => 1 "requester-mismatch";
    requester_that_only_the_signer_says: requiring("requestedBy", r#"{ "ids": ["github:*"] }"#), |s| s.require()["requestedBy"]["assurance"] = "signed".into() => 1 "assurance-too-low";
    requester_demanded_of_another_predicate: requiring("requestedBy", r#"{ "ids": ["github:*"] }"#), |s| s.require()["predicateType"] = "https://acme.example/scan/v1".into() => 2 "policy-malformed";
    wrong_trigger: by_event, |s| s.claim.trigger = Some("manual".into()) => 1 "trigger-mismatch";
    trigger_not_said: by_event, |s| s.claim.trigger = None => 1 "trigger-mismatch";
    trigger_of_another_build_type: by_event, |s| { let mut predicate = s.claim.to_json()["predicate"].take(); predicate["buildDefinition"]["buildType"] = "https://builds.example/v1".into(); s.claim.predicate = Some(predicate) } => 1 "trigger-mismatch";
    trigger_that_only_the_signer_says: by_event, |s| s.require()["trigger"]["assurance"] = "signed".into() => 1 "assurance-too-low";
    trigger_of_no_kind: by_event, |s| s.require()["trigger"]["kinds"] = serde_json::json!(["push"]) => 2 "policy-malformed";
    dirty_source: requiring("source", r#"{ "refs": ["refs/heads/main"] }"#), |s| s.claim.dirty = Some(true) => 1 "source-dirty";
    dirty_source_by_flag: file(&["--source-ref", "refs/heads/main"]), |s| s.claim.dirty = Some(true) => 1 "source-dirty";
    source_not_said_to_be_clean: requiring("source", r#"{ "allowDirty": false }"#), |s| s.claim.dirty = None => 1 "source-dirty";
    assurance_above_declared: requiring("source", r#"{ "assurance": "declared" }"#), |s| s.require()["source"]["assurance"] = "measured".into() => 1 "assurance-too-low";
    runner_that_a_key_cannot_prove: file(&[]), |s| s.flag(&["--deny-self-hosted-runners"]) => 1 "runner-not-proven";
    another_builder_claimed: file(&["--builder-id", "https://builders.example/one"]), |s| s.claim.builder_id = "https://builders.example/two".into() => 1 "builder-not-allowed";
    builder_that_begins_alike: file(&["--builder-id", "https://builders.example/one"]), |s| s.claim.builder_id = "https://builders.example/one/".into() => 1 "builder-not-allowed";
    builder_not_in_the_keys_list: by_key_for("https://builders.example/one"), |s| s.claim.builder_id = "https://builders.example/two".into() => 1 "builder-not-allowed";
    builder_not_bound_to_the_key: |s| { by_key_for("https://builders.example/*")(s); s.flag(&["--builder-id", "https://builders.example/one"]) }, |s| { s.signer().as_object_mut().unwrap().remove("builders"); } => 1 "builder-not-bound";
    builder_demanded_and_another_one_claimed: |s| { by_key_for("https://builders.example/*")(s); s.flag(&["--builder-id", "https://builders.example/one"]) }, |s| s.claim.builder_id = "https://builders.example/two".into() => 1 "builder-mismatch";
    builder_demanded_by_policy_and_another_one_claimed: |s| { by_key_for("https://builders.example/*")(s); s.require()["builder"] = json!({ "ids": ["https://builders.example/o*"] }) }, |s| s.claim.builder_id = "https://builders.example/two".into() => 1 "builder-mismatch";
    builder_demanded_by_policy_and_not_bound: |s| { by_key_for("https://builders.example/*")(s); s.require()["builder"] = json!({ "ids": ["https://builders.example/one"] }) }, |s| { s.signer().as_object_mut().unwrap().remove("builders"); } => 1 "builder-not-bound";
    predicate_type_mismatch: file(&[]), |s| s.claim.predicate_type = "https://slsa.dev/provenance/v1/".into() => 1 "predicate-type-mismatch";
    predicate_type_of_another_version: file(&[]), |s| s.claim.predicate_type = "https://slsa.dev/provenance/v0.1".into() => 1 "predicate-type-mismatch";
    provenance_demand_on_another_predicate: |s| { file(&["--predicate-type", "https://acme.example/scan/v1"])(s); s.claim.predicate_type = "https://acme.example/scan/v1".into() }, |s| s.flag(&["--agent", "platform/builder"]) => 1 "not-provenance";
    source_demand_on_another_predicate_by_a_key: |s| { file(&["--predicate-type", "https://acme.example/scan/v1"])(s); s.claim.predicate_type = "https://acme.example/scan/v1".into() }, |s| s.flag(&["--source-repository", "https://git.example/acme/app"]) => 1 "not-provenance";
    builder_demand_on_another_predicate_by_a_key: |s| { file(&["--predicate-type", "https://acme.example/scan/v1"])(s); s.claim.predicate_type = "https://acme.example/scan/v1".into() }, |s| s.flag(&["--builder-id", "https://builders.example/one"]) => 1 "not-provenance";
    halves_of_two_statements: |s| { file(&["--agent", "platform/builder", "--task", "task-1"])(s); s.second = Some(s.claim.clone()); s.claim.task = Some("task-2".into()) }, |s| s.second.as_mut().unwrap().agent = Some("evil/builder".into()) => 1 "task-mismatch";
}
