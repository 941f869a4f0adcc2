//! Records of several sources in the log's order.

use crate::audit::{done, ends, started};
use crate::audit_blast::digest;
use crate::world::World;
use serde_json::{Value, json};

/// Two sources, of which one is behind; a person who approved; and what became of the commit.
fn worked() -> World {
    let world = started();
    let record = |args: &[&str]| done(&world, &[&["record"][..], args].concat());
    let (of, hook, import) = ("execution_id=exec-1", "source=hook", "source=import claude-code");
    done(&world, &["start", "--agent", "eng/coder", "--execution", "exec-1", "started_at=2025-01-15T10:00:00Z"]);
    let commit = format!("commit:{}", "ab".repeat(20));
    let target = format!("target={commit}");
    record(&[
        "action",
        of,
        hook,
        "action_type=file_modify",
        "target=src/auth/login.ts",
        "at=2025-01-15T10:02:14Z",
        "lines_added=14",
    ]);
    record(&["action", of, import, "action_type=command_run", "exit_code=1", "at=2025-01-15T10:02:09Z"]);
    record(&["action", of, hook, "action_type=commit", &target, "at=2025-01-15T10:03:00Z", "author=github:583231"]);
    record(&["approval", &target, "approver=github:1024", "how=review", "at=2025-01-15T10:11:52Z"]);
    record(&["attested", "subject=app", &format!("digest={}", digest("a")), &format!("commit={}", "ab".repeat(20))]);
    record(&["admitted", "subject=app", "verdict=deny", "namespace=prod", &format!("digest={}", digest("a"))]);
    record(&[
        "action",
        "session_id=s-2",
        "agent=eng/other",
        "action_type=file_read",
        "target=src/auth/login.ts",
        "at=2025-01-16T10:00:00Z",
    ]);
    record(&["action", "session_id=s-2", "action_type=file_read", "target=README", "at=2999-01-01T00:00:00Z"]);
    world
}

fn numbers(world: &World, args: &[&str]) -> Vec<u64> {
    let all = [&["timeline"][..], args, &["--format", "json"]].concat();
    let json: Value = serde_json::from_str(&done(world, &all)).unwrap();
    json["moments"].as_array().unwrap().iter().map(|one| one["record"].as_u64().unwrap()).collect()
}

#[test]
fn records_stand_in_the_logs_order_and_times_that_contradict_it_are_marked() {
    let world = worked();
    let text = done(&world, &["timeline", "exec-1"]);
    for line in [
        "RECORD  TIME (AS DECLARED)     SOURCE                WHO          ACTION             WHAT",
        "     2  2025-01-15 10:02:14    hook d                eng/coder    file_modify        src/auth/login.ts (+14)",
        "     3  2025-01-15 10:02:09 !  import claude-code d  eng/coder    command_run        (exit 1)",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
    assert!(text.contains("github:1024  pr_approve "), "{text}");
    let said = "! import claude-code: 1 of 1 stand after a later time of another source, by 5s in the median; it was recorded ";
    assert!(text.contains(said), "{text}");
    assert!(!text.contains("~ says no time") && !text.contains("> "), "{text}");
    let other = done(&world, &["timeline", "s-2"]);
    assert!(
        other.contains("2999-01-01 00:00:00 >  ")
            && other.contains("> 1 say a later time than when they were recorded"),
        "{other}"
    );
    let whole = done(&world, &["timeline"]);
    assert!(whole.contains("     6  ~20") && whole.contains("~ says no time: when it was recorded"), "{whole}");
    assert!(whole.contains("eng/other    file_read") && whole.lines().count() > 10, "whose session it is: {whole}");
}

#[test]
fn each_condition_keeps_what_fits_and_all_of_them_hold() {
    let world = worked();
    let commit = "ab".repeat(20);
    for (args, expected) in [
        (&["exec-1"][..], &[1, 2, 3, 4, 5][..]),
        (&["--agent", "eng/coder"], &[1, 2, 3, 4]),
        (&["--agent", "other"], &[8, 9]),
        (&["--path", "src/auth/login.ts"], &[2, 8]),
        (&["--path", "src/"], &[2, 8]),
        (&["--path", "src/", "--agent", "coder"], &[2]),
        (&["--commit", &commit[..7]], &[4, 5, 6, 7]),
        (&["--from", "2025-01-15T10:02:14Z", "--to", "2025-01-15T10:11:52Z"], &[2, 4, 5]),
        (&["exec-1", "--to", "2025-01-15T10:02:09Z"], &[1, 3]),
        (&["exec-1", "--rows", "2"], &[4, 5]),
    ] {
        assert_eq!(numbers(&world, args), expected, "{args:?}");
    }
    assert!(
        done(&world, &["timeline", "exec-1", "--rows", "2"])
            .contains("HOLE  3 older records that fit are not shown (--rows)")
    );
    assert!(!done(&world, &["timeline", "exec-1", "--rows", "5"]).contains("HOLE"), "the twin");
    for (args, code, word) in [
        (&["timeline", "--path", "nothing"][..], 1, "no record fits"),
        (&["timeline", "exec-9"], 1, "audit-unknown"),
        (&["timeline", "--commit", "0000000"], 1, "audit-unknown"),
        (&["timeline", "--rows", "0"], 2, "expected a number"),
        (&["timeline", "--format", "html"], 2, "--format mermaid, dot and html are for"),
    ] {
        assert!(ends(&world, code, args).contains(word), "{args:?}");
    }
    let csv = done(&world, &["timeline", "exec-1", "--format", "csv"]);
    assert!(csv.contains("\r\n3,action,2025-01-15T10:02:09Z,behind,5,"), "{csv}");
    done(&world, &["erase", "--record", "3", "--basis", "request-1"]);
    let text = done(&world, &["timeline", "exec-1"]);
    assert!(text.contains("HOLE  1 record cannot be read (3), erased: redaction 10, request-1"), "{text}");
    done(&world, &["erase", "--person", "github:1024", "--basis", "request-2"]);
    assert!(done(&world, &["timeline", "exec-1"]).contains("(a person who was erased)  pr_approve"));
    let json: Value = serde_json::from_str(&done(&world, &["timeline", "exec-1", "--format", "json"])).unwrap();
    assert_eq!((&json["holes"][0]["why"], &json["sources"][1]["source"]), (&json!("erased"), &json!("hook")));
}
