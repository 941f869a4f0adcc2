//! What executions, sessions and weeks are together, as who answers for them asks.

use crate::audit::{LOG, audit, done, ends, started};
use crate::audit_ask::incident;
use crate::world::World;
use serde_json::Value;

fn json_of(world: &World, args: &[&str]) -> Value {
    serde_json::from_str(&done(world, &[args, &["--format", "json"]].concat())).unwrap()
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
    let _ = (LOG, audit);
}
