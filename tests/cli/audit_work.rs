//! What people and agents say of work: a command as an execution, tags, decisions, exceptions, outcomes.

use crate::audit::{LOG, done, ends, started};
use crate::world::World;
use serde_json::{Value, json};
use std::fs::File;
use std::io::Read as _;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command, Output, Stdio};

fn rows(world: &World, sql: &str) -> Value {
    let said: Value = serde_json::from_str(&done(world, &["query", sql, "--format", "json"])).unwrap();
    said["rows"].clone()
}

fn program(world: &World, more: &[&str], command: &str) -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_attest"));
    program.args(["audit", "--log", LOG, "run", "--agent", "platform/builder", "--execution", "exec-1"]).args(more);
    program.args(["--", "sh", "-c", command]).current_dir(world.root()).env("HOME", world.home());
    program.env("ATTEST", env!("CARGO_BIN_EXE_attest")).stdout(Stdio::piped()).stderr(Stdio::piped());
    program
}

fn run(world: &World, more: &[&str], command: &str) -> Output {
    program(world, more, command).output().unwrap()
}

#[test]
fn a_command_is_an_execution_that_what_runs_below_it_joins() {
    let world = started();
    // What it sees while it runs: its start is there, and its end is not.
    let command = r#"mkdir -p elsewhere && cd elsewhere && "$ATTEST" audit history --format json;
        printf '{"session_id":"s","hook_event_name":"PreToolUse","tool_name":"Read","tool_use_id":"t","tool_input":{}}' |
        "$ATTEST" audit hook claude-code; echo "$ATTEST_EXECUTION $ATTEST_SQUAD/$ATTEST_AGENT $ATTEST_TASK $ATTEST_TRIGGER""#;
    let out = run(&world, &["--task", "task-42", "--trigger", "event", "--tag", "team=core"], command);
    assert_eq!(out.status.code(), Some(0), "{}", String::from_utf8_lossy(&out.stderr));
    let said = String::from_utf8(out.stdout).unwrap();
    let (history, last) = said.trim_end().rsplit_once('\n').unwrap();
    assert_eq!(last, "exec-1 platform/builder task-42 event");
    let history: Value = serde_json::from_str(history).unwrap();
    let run = &history["executions"][0];
    assert_eq!((&run["id"], &run["status"]), (&json!("exec-1"), &Value::Null), "it has not ended: {history}");
    assert!(String::from_utf8(out.stderr).unwrap().contains("attest: execution exec-1"));
    let row = rows(&world, "SELECT status, agent_path, task_id, trigger, actions FROM execution");
    assert_eq!(row, json!([["success", "platform/builder", "task-42", "event", 1]]));
    assert_eq!(rows(&world, "SELECT exit_code FROM record WHERE kind = 'execution_ended'"), json!([[0]]));
    let found = done(&world, &["history", "--tag", "team=core"]);
    assert!(found.contains("exec-1"), "{found}");
}

#[test]
fn exit_codes_and_signals_are_passed_on_and_recorded() {
    let ended = |command: &str| {
        let world = started();
        let out = run(&world, &[], command);
        (out.status, rows(&world, "SELECT status, exit_code FROM record WHERE kind = 'execution_ended'"))
    };
    let (status, row) = ended("exit 7");
    assert_eq!((status.code(), row), (Some(7), json!([["failed", 7]])));
    let (status, row) = ended("kill -TERM $$");
    assert_eq!((status.signal(), row), (Some(15), json!([["cancelled", 143]])));
    let (status, row) = ended("kill -KILL $$");
    assert_eq!((status.signal(), row), (Some(9), json!([["failed", 137]])));
    // One that is sent to us is sent on, and what the command makes of it counts.
    let world = started();
    let mut child: Child =
        program(&world, &[], "trap 'exit 9' TERM; echo ready; while :; do sleep 0.05; done").spawn().unwrap();
    let mut ready = [0; 6];
    child.stdout.as_mut().unwrap().read_exact(&mut ready).unwrap();
    let pid = rustix::process::Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(9));
    assert_eq!(rows(&world, "SELECT status FROM execution"), json!([["failed"]]));
}

#[test]
fn a_command_that_is_not_there_is_an_execution_that_failed() {
    let world = started();
    let said = ends(&world, 2, &["run", "--agent", "a", "--execution", "exec-1", "--", "no-such-program"]);
    assert!(said.contains("no-such-program"), "{said}");
    assert_eq!(rows(&world, "SELECT status FROM execution"), json!([["failed"]]));
}

#[test]
fn a_log_that_is_locked_stops_the_command_only_where_it_was_demanded() {
    let world = started();
    let lock = File::options().write(true).open(world.root().join(LOG).join("lock")).unwrap();
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive).unwrap();
    let out = run(&world, &["--timeout", "1s"], "echo ran; exit 5");
    let said = String::from_utf8(out.stderr).unwrap();
    assert_eq!((out.status.code(), out.stdout.as_slice()), (Some(5), &b"ran\n"[..]));
    assert!(
        said.contains("the start was not recorded, the log will say so") && said.contains("the end was not"),
        "{said}"
    );
    let out = run(&world, &["--timeout", "1s", "--require-audit"], "echo ran");
    assert_eq!((out.status.code(), out.stdout.as_slice()), (Some(3), &b""[..]));
    drop(lock);
    assert_eq!(rows(&world, "SELECT sum(lost) FROM record WHERE kind = 'loss'"), json!([[2]]), "and it says so");
    let none = World::empty();
    let out = run(&none, &[], "echo ran");
    assert_eq!(out.stdout, b"", "nothing could ever be recorded");
    assert!(String::from_utf8(out.stderr).unwrap().contains("audit-log-absent"));
}

#[test]
fn an_execution_is_tagged_later() {
    let world = started();
    done(&world, &["start", "--agent", "a", "--execution", "exec-1", "--tag", "team=core"]);
    let said = done(&world, &["tag", "exec-1", "reviewed=yes", "team=web"]);
    assert_eq!(said, "tagged exec-1: reviewed=yes, team=web as record 4\n");
    for (tag, code) in [("reviewed=yes", 0), ("team=web", 0), ("team=core", 1)] {
        ends(&world, code, &["history", "--tag", tag]);
    }
    assert!(ends(&world, 1, &["tag", "exec-2", "a=b"]).contains("audit-unknown"));
    assert!(ends(&world, 2, &["tag", "exec-1", "nothing"]).contains("KEY=VALUE"));
}

#[test]
fn decisions_say_who_and_outcomes_say_what_became_of_it() {
    let world = started();
    let decide = ["decide", "use SQLite", "--reason", "one file"];
    assert!(ends(&world, 2, &decide).contains("who decided is not said"));
    let by = [&decide[..], &["--by", "github:1", "--at", "2026-01-02T03:04:05Z"]].concat();
    assert_eq!(done(&world, &by), "recorded the decision as record 1\n");
    let shown: Value = serde_json::from_str(&done(&world, &["show", "1", "--format", "json"])).unwrap();
    let record = &shown["records"][0]["record"];
    let said = ["what", "reason", "decided_by", "completed_at"].map(|name| record[name].clone());
    assert_eq!(json!(said), json!(["use SQLite", "one file", "github:1", "2026-01-02T03:04:05Z"]));
    let outcome = ["outcome", "pr", "acme/app#57", "--state", "merged", "--execution", "exec-1"];
    assert_eq!(done(&world, &outcome), "recorded that pr acme/app#57 is merged as record 2\n");
    let row = rows(&world, "SELECT outcome_kind, target, state, execution_id FROM record WHERE kind = 'outcome'");
    assert_eq!(row, json!([["pr", "acme/app#57", "merged", "exec-1"]]));
    ends(&world, 2, &["outcome", "wish", "x", "--state", "achieved"]);
}

#[test]
fn an_exception_of_the_log_lets_a_commit_pass_and_says_who_approved_it() {
    let world = started();
    let git = |args: &[&str]| {
        let mut git = Command::new("git");
        git.args(["-c", "user.name=A", "-c", "user.email=noreply@anthropic.com"]).args(args).current_dir(world.root());
        let out = git.env("HOME", world.home()).output().unwrap();
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8(out.stdout).unwrap().trim().to_owned()
    };
    // The log must not lie in the checkout.
    let log = world.home().join("log");
    std::fs::rename(world.root().join(LOG), &log).unwrap();
    git(&["init", "-q"]);
    for subject in ["first", "hotfix"] {
        git(&["commit", "-q", "--allow-empty", "-m", subject]);
    }
    let attest = |args: &[&str]| {
        let mut program = Command::new(env!("CARGO_BIN_EXE_attest"));
        program.args(args).current_dir(world.root()).env("HOME", world.home()).env("ATTEST_AUDIT_LOG", &log);
        let out = program.output().unwrap();
        let said = String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr);
        (out.status.code().unwrap(), said)
    };
    let check = ["git", "check", "HEAD~1..HEAD", "--log", log.to_str().unwrap()];
    assert_eq!(attest(&check).0, 1, "{}", attest(&check).1);
    let except = ["audit", "exception", "--rule", "ORG-001", "--reason", "the site is down", "--target"];
    // Of the commit before it says nothing of this one.
    assert_eq!(attest(&[&except[..], &["commit:HEAD~1"]].concat()).0, 0);
    assert_eq!(attest(&check).0, 1);
    let id = git(&["rev-parse", "HEAD"]);
    let (code, said) = attest(&[&except[..], &["commit:HEAD"]].concat());
    assert_eq!(
        (code, said),
        (0, format!("recorded an exception of commit:{id} from ORG-001, approved by nobody, as record 2\n"))
    );
    let (code, said) = attest(&check);
    assert!(code == 0 && said.contains("passes all the same (log): the site is down, approved by nobody"), "{said}");
    assert_eq!(attest(&[&except[..], &[&id[..8], "--approved-by", "github:1024"]].concat()).0, 0);
    let (code, said) = attest(&check);
    assert!(code == 0 && said.contains("approved by github:1024"), "{said}");
    assert_eq!(attest(&[&except[..], &["src/lib.rs"]].concat()).0, 2, "the rule is about commits");
}
