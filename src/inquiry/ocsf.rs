//! Records as events of the Open Cybersecurity Schema Framework (OCSF 1.5), which programs that watch for incidents read.

use super::Event;
use serde_json::{Map, Value, json};

/// The version of the framework.
const VERSION: &str = "1.5.0";
/// Fields that have a place of their own in an event.
const PLACED: [&str; 5] = ["agent", "requested_by", "session_id", "machine", "target"];

/// What an event is about.
enum Class {
    /// File System Activity (1001).
    File,
    /// Process Activity (1007).
    Process,
    /// API Activity (6003).
    Api,
}

impl Class {
    /// Class and category.
    fn uids(&self) -> (u64, u64) {
        match self {
            Self::File => (1001, 1),
            Self::Process => (1007, 1),
            Self::Api => (6003, 6),
        }
    }
}

/// Class and activity of an action.
fn class(action: &str) -> (Class, u64) {
    match action {
        "file_create" => (Class::File, 1),
        "file_read" => (Class::File, 2),
        "file_modify" => (Class::File, 3),
        "file_delete" => (Class::File, 4),
        "command_run" => (Class::Process, 1),
        "search" | "web_fetch" => (Class::Api, 2),
        "pr_create" | "issue_create" | "branch_create" => (Class::Api, 1),
        _ => (Class::Api, 99),
    }
}

/// A record as an event; `id` is the record's. What has no place in an event is in `unmapped`, by the names of the log.
#[must_use]
pub fn ocsf(event: &Event, id: &str) -> Value {
    let text = |name: &str| event.text(name);
    let action = event.action();
    let (class, activity) = class(&action);
    let (uid, category) = class.uids();
    let went_wrong = event.failed() || ["failed", "timeout"].map(Some).contains(&text("status"));
    let is_known = text("result").or_else(|| text("status")).or_else(|| text("exit_code")).is_some();
    let status = if went_wrong { 2 } else { u64::from(is_known) };
    let mut actor = Map::from_iter([("app_name".to_owned(), json!(text("agent").unwrap_or("unknown")))]);
    actor.extend(text("requested_by").map(|who| ("user".to_owned(), json!({ "name": who }))));
    actor.extend(text("session_id").map(|id| ("session".to_owned(), json!({ "uid": id }))));
    let mut out = json!({
        "class_uid": uid, "category_uid": category, "activity_id": activity, "activity_name": action,
        "type_uid": uid * 100 + activity, "time": event.at() * 1000, "severity_id": if went_wrong { 2 } else { 1 },
        "status_id": status, "actor": actor,
        "metadata": { "version": VERSION, "uid": id, "sequence": event.number,
            "product": { "name": "attest", "vendor_name": "attest" }, "logged_time": event.logged * 1000 },
    });
    let target = text("target").unwrap_or("unknown");
    let place = text("machine").unwrap_or("unknown");
    match class {
        Class::File => {
            let name = target.rsplit('/').next().unwrap_or(target);
            out["file"] = json!({ "name": name, "path": target, "type_id": 1 });
            out["device"] = json!({ "name": place, "type_id": 0 });
        }
        Class::Process => {
            // The command is not kept.
            out["process"] = json!({ "name": "unknown" });
            out["device"] = json!({ "name": place, "type_id": 0 });
        }
        Class::Api => {
            out["api"] = json!({ "operation": action });
            out["src_endpoint"] = json!({ "name": place });
            if let Some(target) = text("target") {
                out["resources"] = json!([{ "name": target }]);
            }
        }
    }
    let rest = event.said.iter().filter(|cell| !PLACED.contains(&cell.name.as_str()));
    let mut unmapped: Map<String, Value> = rest.map(|cell| (cell.name.clone(), json!(cell.text))).collect();
    unmapped.insert("kind".to_owned(), json!(event.kind));
    out["unmapped"] = Value::Object(unmapped);
    out
}

#[cfg(test)]
mod tests {
    use super::super::event::tests::event;
    use super::*;

    #[test]
    fn each_class_has_what_it_demands_and_nothing_of_the_record_is_lost() {
        let of = |kind: &str, said: &[&str]| ocsf(&event(7, kind, said), "0a");
        let file = of("action", &["action_type=file_modify", "target=src/a.rs", "agent=web/fixer", "execution_id=e"]);
        assert_eq!(
            (&file["class_uid"], &file["type_uid"], &file["status_id"]),
            (&json!(1001), &json!(100_103), &json!(0))
        );
        assert_eq!((&file["file"]["name"], &file["file"]["path"]), (&json!("a.rs"), &json!("src/a.rs")));
        assert_eq!((&file["unmapped"]["execution_id"], &file["actor"]["app_name"]), (&json!("e"), &json!("web/fixer")));
        let ran = of("action", &["action_type=command_run", "exit_code=101", "at=1970-01-01T00:00:07Z"]);
        assert_eq!((&ran["class_uid"], &ran["status_id"], &ran["severity_id"]), (&json!(1007), &json!(2), &json!(2)));
        assert_eq!((&ran["time"], &ran["unmapped"]["exit_code"]), (&json!(7000), &json!("101")));
        let other = of("approval", &["target=acme/app#57", "approver=github:1", "how=review"]);
        assert_eq!((&other["class_uid"], &other["api"]["operation"]), (&json!(6003), &json!("pr_approve")));
        assert_eq!(other["resources"][0]["name"], "acme/app#57");
        for (one, needs) in [(file, ["file", "device"]), (ran, ["process", "device"]), (other, ["api", "src_endpoint"])]
        {
            for name in ["activity_id", "category_uid", "metadata", "severity_id", "time", "actor"].iter().chain(&needs)
            {
                assert!(!one[*name].is_null(), "{name}: {one}");
            }
        }
    }
}
