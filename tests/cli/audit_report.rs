//! What executions, sessions and weeks are together, as who answers for them asks.

use crate::audit::{done, ends, schema, started};
use crate::audit_ask::incident;
use crate::world::World;
use serde_json::Value;

fn json_of(world: &World, args: &[&str]) -> Value {
    let found = serde_json::from_str(&done(world, &[args, &["--format", "json"]].concat())).unwrap();
    assert!(schema(&format!("audit-{}", args[0])).is_valid(&found), "{found}");
    found
}

#[test]
fn stats_count_executions_and_actions_and_make_no_number_of_what_is_not_known() {
    let world = incident();
    let shown = done(&world, &["stats"]);
    for line in [
        "2 runs, 1 failed, 1 without an end. Cost $3.87 d, known for 1 of 2 runs.",
        "Tokens: 812,000 in, 41,000 out, - cache read, - cache write.",
        "engineering/claude-coder     1        0       1        4  812k / 41k     $3.87 d",
        "cli/lead                     1        0       0        0  -                    -",
        "command_run      1",
    ] {
        assert!(shown.lines().any(|found| found == line), "{line}\n{shown}");
    }
    assert!(shown.lines().all(|line| line.chars().count() <= 80), "{shown}");
    let all = json_of(&world, &["stats"]);
    assert_eq!((&all["total"]["runs"], &all["total"]["ended"]["failed"]), (&2.into(), &1.into()));
    assert_eq!(all["total"]["tokens"]["in"], 812_000);
    assert!(all["total"]["tokens"].get("cacheRead").is_none(), "absent, and no 0");
    let lead = all["squads"].as_array().unwrap().iter().find(|squad| squad["name"] == "cli").unwrap();
    assert_eq!((&lead["cost"], &lead["costKnown"]), (&Value::Null, &0.into()));
    assert_eq!(json_of(&world, &["stats", "--squad", "engineering"])["total"]["runs"], 1);
    assert_eq!(ends(&world, 1, &["stats", "--squad", "x"]), "no execution fits\n");
    let csv = done(&world, &["stats", "--format", "csv"]);
    assert!(csv.contains("\r\nall,,2,0,1,1,4,812000,41000,,,3.87,1\r\n"), "{csv}");
    assert!(csv.contains("\r\nsquad,cli,1,0,0,1,0,,,,,,0\r\n") && csv.contains("\r\naction,merge,1,"), "{csv}");
}

#[test]
fn sessions_are_listed_by_who_told_of_them_with_what_was_lost() {
    let world = started();
    let record = |args: &[&str]| done(&world, &[&["record"][..], args].concat());
    let (of, at) = ("session_id=253fd5ef-1111", "at=2025-01-15T10:02:14Z");
    let call = ["action", of, "action_type=file_read", "target=a.rs"];
    record(&[&call[..], &["source=hook claude-code", "source_id=t1/unanswered", "result=unanswered", at]].concat());
    record(&[&call[..], &["source=import claude-code", "source_id=t1", "execution_id=exec-1", at]].concat());
    record(&["loss", of, "lost=17", "reason=the spool was full", "started_at=2025-01-15T10:05:00Z"]);
    let file = ["source=import claude-code", "lost=2", "completed_at=2025-01-15T10:30:00Z"];
    record(&[&["session", of][..], &file, &["transcript=sha256:9ab3"]].concat());
    record(&["action", "session_id=253fd5ef-2222", "action_type=search", "source=codex", "agent=web/fixer"]);
    let shown = done(&world, &["sessions"]);
    for line in [
        "SOURCE       SESSION        EXECUTION  STARTED           LASTED  CALLS  LOST",
        "claude-code  253fd5ef-111",
        "2 sessions, 2 calls; 17 lost before they were recorded, 2 lines of their files unread.",
    ] {
        let line = line.split_whitespace().collect::<Vec<_>>();
        let has = |shown: &str| shown.split_whitespace().take(line.len()).eq(line.iter().copied());
        assert!(shown.lines().any(has), "{line:?}\n{shown}");
    }
    let all = json_of(&world, &["sessions"]);
    let one = &all["sessions"][0];
    assert_eq!((&one["calls"], &one["lost"], &one["unreadLines"]), (&1.into(), &17.into(), &2.into()), "{one}");
    assert_eq!((&one["executions"][0], &one["toldBy"]), (&"exec-1".into(), &"claude-code".into()));
    assert_eq!(one["firstAt"], "2025-01-15T10:02:14Z");
    assert!(all["sessions"][1].get("unreadLines").is_none(), "nobody said");
    for (args, id) in [(["--source", "codex"], "253fd5ef-2222"), (["--agent", "fixer"], "253fd5ef-2222")] {
        let found = json_of(&world, &[&["sessions"], &args[..]].concat());
        assert_eq!((found["sessions"].as_array().unwrap().len(), &found["sessions"][0]["id"]), (1, &id.into()));
    }
    assert_eq!(ends(&world, 1, &["sessions", "--agent", "nobody"]), "no session fits\n");
    assert!(done(&world, &["sessions", "--format", "csv"]).starts_with("session,told_by,sources,executions,agent,"));
    done(&world, &["erase", "--execution", "exec-1", "--basis", "by mistake"]);
    assert!(done(&world, &["sessions"]).contains("HOLE"), "what was erased is a hole");
}

/// A week in which two pull requests were merged, one issue resolved, and something else was done.
fn week() -> World {
    let world = started();
    let work = |id: &str, more: &[&str], end: &[&str]| {
        let start = ["start", "--agent", "web/fixer", "--execution", id, "started_at=2026-11-24T10:00:00Z"];
        done(&world, &[&start[..], more].concat());
        let action = ["record", "action", &format!("execution_id={id}"), "action_type=file_modify", "target=a.rs"];
        done(&world, &[&action[..], &["at=2026-11-24T10:01:00Z"]].concat());
        let ended = ["finish", id, "completed_at=2026-11-24T11:00:00Z"];
        done(&world, &[&ended[..], end].concat());
    };
    work("exec-1", &["--task", "t-1"], &["--status", "success", "cost=3", "tokens_in=900", "tokens_out=30"]);
    work("exec-2", &[], &["--status", "failed", "cost=0.5"]);
    work("exec-3", &["--charter", "https://github.com/acme/app/issues/42"], &["--status", "success"]);
    let record = |args: &[&str]| done(&world, &[&["record"][..], args].concat());
    let at = "completed_at=2026-11-25T10:00:00Z";
    for pr in ["acme/app#57", "acme/app#58"] {
        record(&["outcome", "outcome_kind=pr", &format!("target={pr}"), "state=merged", "execution_id=exec-1", at]);
    }
    record(&["outcome", "outcome_kind=issue", "target=acme/app#42", "state=resolved", at]);
    record(&["exception", "rule=ORG-001", "target=acme/app#57", "reason=hotfix", at]);
    record(&["exception", "rule=ORG-001", "target=acme/app#58", "reason=late", "approver=github:1024", at]);
    record(&["admitted", "subject=web", "verdict=deny", "code=no-evidence", "policy=production", at]);
    record(&["admitted", "subject=web", "verdict=allow", at]);
    record(&["loss", "lost=17", "reason=the spool was full", "started_at=2026-11-25T10:00:00Z"]);
    record(&["action", "action_type=search", "at=2026-11-25T10:00:00Z"]);
    world
}

const OF: [&str; 4] = ["report", "weekly", "--until", "2026-11-29"];

#[test]
fn a_week_has_what_each_outcome_cost_and_what_is_of_none() {
    let world = week();
    let shown = done(&world, &OF);
    let lines = [
        "2026-11-23 to 2026-11-29 (UTC)",
        "3 runs, 1 failed, 2 success. Cost $3.50 r, known for 2 of 3 runs.",
        "OUTCOME               COUNT  RUNS  TOKENS IN/OUT   COST   EACH",
        "goals achieved            0     0  -                  -      -",
        "pull requests merged      2     1  900 / 30       $3.00  $1.50",
        "issues resolved           1     1  -                  -      -",
        "not attributed                  1  -              $0.50",
        "Exceptions 2",
        "  ORG-001 on acme/app#57: \"hotfix\", approved by nobody  [13]",
        "  ORG-001 on acme/app#58: \"late\", approved by github:1024 d  [14]",
        "Policy violations 1",
        "  not admitted: web, no-evidence, policy production  [15]",
        "Lost before they were recorded 17",
        "  17 the spool was full",
        "Actions without task or charter 2 of 4",
    ];
    for line in lines {
        assert!(shown.lines().any(|found| found == line), "{line}\n{shown}");
    }
    assert!(shown.lines().all(|line| line.chars().count() <= 80), "{shown}");
    let all = json_of(&world, &OF);
    assert_eq!((&all["from"], &all["until"]), (&"2026-11-23T00:00:00Z".into(), &"2026-11-30T00:00:00Z".into()));
    let prs = &all["outcomes"][1];
    assert_eq!((&prs["costEach"], &prs["reached"][0]["used"]["tokens"]["in"]), (&"1.5".into(), &450.into()));
    assert!(all["outcomes"][2]["used"].get("cost").is_none(), "what nobody said is absent: {all}");
    assert_eq!(all["unattributed"]["cost"], "0.5");
    let markdown = done(&world, &[&OF[..], &["--markdown"]].concat());
    assert!(markdown.contains("| pull requests merged | 2 | 1 | 900 / 30 | $3.00 | $1.50 |\n"), "{markdown}");
    let none = ends(&world, 1, &["report", "weekly", "--until", "2026-11-22"]);
    assert!(none.ends_with("nothing was recorded of this time\n"), "{none}");
    assert!(ends(&world, 2, &["report", "weekly", "--until", "yesterday"]).contains("--until: expected a day"));
}

#[test]
fn what_was_erased_is_a_hole_of_the_report_and_not_silence() {
    let world = week();
    let now = |world: &World| done(world, &["report", "weekly", "--days", "3660"]);
    assert!(!now(&world).contains("HOLE"));
    done(&world, &["erase", "--record", "13", "--basis", "request-7"]);
    done(&world, &["erase", "--person", "github:1024", "--basis", "request-8"]);
    let shown = now(&world);
    assert!(shown.contains("Exceptions 1\n") && shown.contains("approved by a person who was erased"), "{shown}");
    assert!(shown.contains("HOLE  1 record cannot be read (13), erased: redaction 19, request-7\n"), "{shown}");
}

#[test]
fn what_history_says_of_nobody_is_absent_as_its_schema_demands() {
    let world = incident();
    let found = json_of(&world, &["history"]);
    assert!(found["executions"][0].get("cost").is_none() && found["executions"][1]["cost"].is_object(), "{found}");
}
