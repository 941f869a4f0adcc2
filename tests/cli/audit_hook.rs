//! The hook of an agent: the agent goes on whatever happens, and what was lost is said.

use crate::audit::{LOG, done, ends, holds, started};
use crate::world::World;
use serde_json::{Value, json};
use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

const SESSION: &str = "253fd5ef-1111-4000-8000-000000000001";

const SECRET: &str = concat!("ghp_", "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8");

/// An event in the shape that agents give it.
fn event(name: &str, call: &str) -> Value {
    json!({ "session_id": SESSION, "transcript_path": "/nowhere/transcript.jsonl", "cwd": "/home/alice/app",
        "permission_mode": "default", "hook_event_name": name, "tool_name": "Bash", "tool_use_id": call,
        "tool_input": { "command": format!("planted command {call}") },
        "tool_response": { "stdout": "planted output", "stderr": "", "interrupted": false } })
}

/// Runs the hook as an agent does: it ends with 0 and prints nothing, whatever it is handed.
fn hook_of(world: &World, agent: &str, bytes: &[u8], variables: &[(&str, &str)]) -> Duration {
    let mut program = Command::new(env!("CARGO_BIN_EXE_attest"));
    program.args(["audit", "--log", LOG, "hook", agent]);
    run_hook(world, program, bytes, variables)
}

fn run_hook(world: &World, mut program: Command, bytes: &[u8], variables: &[(&str, &str)]) -> Duration {
    program.current_dir(world.root()).env("HOME", world.home()).env_remove("XDG_STATE_HOME");
    program.envs(variables.iter().copied());
    program.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let begun = Instant::now();
    let mut child = program.spawn().unwrap();
    // Where it has ended already, it did not want it.
    let _ = child.stdin.take().unwrap().write_all(bytes);
    let out = child.wait_with_output().unwrap();
    assert_eq!(out.status.code(), Some(0), "{}", String::from_utf8_lossy(&out.stderr));
    assert_eq!((out.stdout.as_slice(), out.stderr.as_slice()), (&b""[..], &b""[..]));
    begun.elapsed()
}

fn hook(world: &World, event: &Value) {
    hook_of(world, "claude-code", event.to_string().as_bytes(), &[]);
}

/// The one folder of the spool.
fn spool(world: &World) -> PathBuf {
    let all = world.home().join(".local/state/attest/hook");
    fs::read_dir(all).unwrap().next().unwrap().unwrap().path()
}

fn file(world: &World, what: &str) -> PathBuf {
    spool(world).join(format!("claude-code.{SESSION}.{what}"))
}

/// Lets time go by for what waits.
fn later(world: &World, seconds: u64) {
    let at = SystemTime::now() - Duration::from_secs(seconds);
    for entry in fs::read_dir(spool(world)).unwrap().flatten() {
        if entry.file_type().unwrap().is_file() && entry.file_name() != "lock" {
            File::options().append(true).open(entry.path()).unwrap().set_modified(at).unwrap();
        }
    }
}

fn rows(world: &World, sql: &str) -> Value {
    let said: Value = serde_json::from_str(&done(world, &["query", sql, "--format", "json"])).unwrap();
    said["rows"].clone()
}

fn lost(world: &World) -> Value {
    rows(world, "SELECT sum(lost), count(*) FROM record WHERE kind = 'loss'")
}

#[test]
fn what_an_agent_does_is_recorded_and_no_text_gets_further_than_the_hook() {
    let world = started();
    let given = [("ATTEST_EXECUTION", "exec-1"), ("ATTEST_AGENT", "builder"), ("ATTEST_SQUAD", "platform")];
    for (name, call) in [("SessionStart", ""), ("PreToolUse", "t1"), ("PostToolUse", "t1"), ("PreToolUse", "t2")] {
        hook_of(&world, "claude-code", event(name, call).to_string().as_bytes(), &given);
    }
    // A path that leads elsewhere and an address with a secret are withheld, and the call stays.
    for (tool, call, input) in [
        ("Read", "t3", json!({ "file_path": "/home/alice/.netrc" })),
        ("WebFetch", "t4", json!({ "url": format!("https://example.com/?token={SECRET}") })),
    ] {
        let mut event = event("PostToolUse", call);
        (event["tool_name"], event["tool_input"]) = (json!(tool), input);
        hook_of(&world, "claude-code", event.to_string().as_bytes(), &given);
    }
    for place in [world.home().to_owned(), world.root().to_owned()] {
        for text in ["planted command", "planted output", "/home/alice", SECRET] {
            assert!(!holds(&place, text), "{text} in {}", place.display());
        }
    }
    assert!(holds(world.home(), "command_run"), "the search finds what is there");
    let said = done(&world, &["logs", "exec-1"]);
    assert!(said.contains("4 actions of execution exec-1, 0 failed"), "{said}");
    assert!(said.contains("(unanswered, "), "{said}");
    let withheld = rows(&world, "SELECT action, path FROM audit_log WHERE action IN ('file_read', 'web_fetch')");
    assert_eq!(withheld, json!([["file_read", null], ["web_fetch", null]]));
    let number = rows(&world, "SELECT record FROM audit_log WHERE result = 'ok'")[0][0].to_string();
    world.write("command", "planted command t1");
    assert!(done(&world, &["match", &number, "--field", "command", "command"]).starts_with("yes"));
    let all = rows(&world, "SELECT agent_path, source, action FROM audit_log WHERE action = 'command_run'");
    assert_eq!(all, json!(vec![json!(["platform/builder", "hook claude-code", "command_run"]); 2]), "{all}");
    let known: Value = serde_json::from_str(&done(&world, &["show", &number, "--format", "json"])).unwrap();
    assert_eq!(known["records"][0]["record"]["known"]["command"], "witnessed", "{known}");
    assert_eq!(lost(&world)[0][0], Value::Null);
}

#[test]
fn two_hooks_that_tell_one_call_are_one_call_and_nothing_is_lost() {
    // As where the settings of the user and those of the project have one each.
    let world = started();
    for name in ["PreToolUse", "PreToolUse", "PostToolUse", "PostToolUse", "PreToolUse"] {
        hook(&world, &event(name, "t1"));
    }
    later(&world, 10);
    assert_eq!(lost(&world), json!([[null, 0]]));
    assert_eq!(rows(&world, "SELECT count(*) FROM audit_log WHERE kind = 'action'"), json!([[1]]));
    assert!(done(&world, &["logs", SESSION]).contains("1 action of session"));
    let history: Value = serde_json::from_str(&done(&world, &["history", "--format", "json"])).unwrap();
    assert_eq!(history["executions"][0]["actions"], json!(1));
    // One that comes when the others were taken in is an event of its own as well: else it would be said to be lost.
    hook(&world, &event("PostToolUse", "t1"));
    later(&world, 10);
    assert_eq!(lost(&world), json!([[null, 0]]));
    let told = rows(&world, "SELECT count(*) FROM record WHERE kind = 'action' AND source_id = 't1'");
    assert_eq!(
        (told, rows(&world, "SELECT count(*) FROM audit_log WHERE kind = 'action'")),
        (json!([[3]]), json!([[1]]))
    );
}

fn transcript(calls: &[(&str, &str)]) -> String {
    let line = |kind: &str, content: Value| {
        json!({ "type": kind, "uuid": "u", "sessionId": SESSION, "cwd": "/home/alice/app", "version": "2.1.0",
            "timestamp": "2026-01-02T03:04:05.000Z", "message": { "model": "claude-x", "content": content } })
        .to_string()
            + "\n"
    };
    let used = |(id, command): &(&str, &str)| json!({ "type": "tool_use", "id": id, "name": "Bash", "input": { "command": command } });
    let result = |(id, _): &(&str, &str)| json!({ "type": "tool_result", "tool_use_id": id, "content": "out" });
    let (used, results): (Vec<_>, Vec<_>) = calls.iter().map(|call| (used(call), result(call))).unzip();
    line("assistant", json!(used)) + &line("user", json!(results))
}

#[test]
fn a_call_of_the_hook_and_the_same_one_of_the_transcript_count_once() {
    let world = started();
    for (name, call) in [("PreToolUse", "t1"), ("PostToolUse", "t1"), ("PreToolUse", "t2"), ("PostToolUse", "t2")] {
        hook(&world, &event(name, call));
    }
    let calls = [("t1", "planted command t1"), ("t2", "planted command t2"), ("t3", "unseen by the hook")];
    world.write("session.jsonl", transcript(&calls));
    let import = ["import", "claude-code", "session.jsonl", "--format", "json"];
    let said: Value = serde_json::from_str(&done(&world, &import)).unwrap();
    assert_eq!((&said["new"], &said["known"], &said["differs"]), (&json!(3), &json!(2), &json!([])), "{said}");
    let counted = |world: &World| {
        let history: Value = serde_json::from_str(&done(world, &["history", "--format", "json"])).unwrap();
        (
            history["executions"][0]["actions"].clone(),
            rows(world, "SELECT count(*) FROM audit_log WHERE kind = 'action'"),
        )
    };
    assert_eq!(counted(&world), (json!(3), json!([[3]])));
    assert!(done(&world, &["logs", SESSION]).contains("3 actions of session"));
    // A transcript that says another command than the hook saw is told.
    world.write("session.jsonl", transcript(&[("t1", "planted command t9"), ("t2", "planted command t2")]));
    let said: Value = serde_json::from_str(&done(&world, &import)).unwrap();
    let number = rows(&world, "SELECT number FROM record WHERE source_id = 't1'")[0][0].clone();
    assert_eq!(said["differs"], json!([number]), "{said}");
    // A hook that comes late is recorded, as it saw what the transcript only claims; and the call is still one.
    hook(&world, &event("PostToolUse", "t3"));
    assert_eq!(counted(&world), (json!(3), json!([[3]])));
    let source = rows(&world, "SELECT source FROM audit_log WHERE record = (SELECT max(record) FROM audit_log)");
    assert_eq!(source, json!([["hook claude-code"]]));
}

#[test]
fn what_is_lost_is_counted_once_and_said_in_the_log() {
    let world = started();
    hook(&world, &event("PreToolUse", "t1"));
    let broken = format!("{{\"session_id\": \"{SESSION}\", \"tool_input\": ");
    hook_of(&world, "claude-code", broken.as_bytes(), &[]);
    let mut large = event("PostToolUse", "t1");
    large["tool_response"] = json!("x".repeat(9 << 20));
    hook(&world, &large);
    // A spool that is full.
    let waits = file(&world, "jsonl");
    let held = fs::read(&waits).unwrap();
    File::options().write(true).open(&waits).unwrap().set_len(64 << 20).unwrap();
    hook(&world, &event("PreToolUse", "t2"));
    assert_eq!(fs::metadata(&waits).unwrap().len(), 64 << 20, "it grows no more");
    fs::write(&waits, &held).unwrap();
    // What a full disk cut off spoils no other.
    fs::write(&waits, [&held[..], b"\n{\"kind\":\"action\",\"act"].concat()).unwrap();
    hook(&world, &event("PostToolUse", "t2"));
    hook_of(&world, "claude-code", b"\xff\xfe", &[]);
    assert_eq!(rows(&world, "SELECT count(*) FROM audit_log WHERE kind = 'action'"), json!([[2]]));
    assert_eq!(lost(&world), json!([[null, 0]]), "what is under way may still come");
    later(&world, 10);
    assert_eq!(lost(&world), json!([[4, 2]]), "three of the session, and one of nobody's");
    let said = done(&world, &["show", SESSION]);
    assert!(said.contains("3 lost: events of the hook did not arrive (of its events 1 to 5)"), "{said}");
    assert!(done(&world, &["verify"]).contains("4 lost events"));
    later(&world, 100);
    assert_eq!(lost(&world), json!([[4, 2]]), "once");
    // More of the same session.
    hook(&world, &event("PreToolUse", "t3"));
    hook_of(&world, "claude-code", broken.as_bytes(), &[]);
    later(&world, 10);
    assert_eq!(lost(&world), json!([[5, 3]]));
    // What was taken in is gone from the spool, and what is known of the session stays.
    later(&world, 100);
    done(&world, &["history"]);
    assert!(!file(&world, "jsonl").exists() && file(&world, "count").exists());
    hook(&world, &event("PreToolUse", "t4"));
    later(&world, 10);
    assert_eq!(lost(&world), json!([[5, 3]]));
    assert_eq!(rows(&world, "SELECT count(*) FROM audit_log WHERE kind = 'action'"), json!([[4]]));
}

#[test]
fn what_another_put_in_the_place_of_the_spool_is_not_touched_and_the_loss_is_counted() {
    let fifo = |path: &Path| {
        rustix::fs::mknodat(rustix::fs::CWD, path, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    };
    let victim = |world: &World| {
        world.write("victim", "as it was");
        world.root().join("victim")
    };
    type Trap<'a> = &'a dyn Fn(&World, &Path);
    let linked: Trap<'_> = &|world, path| std::os::unix::fs::symlink(victim(world), path).unwrap();
    let piped: Trap<'_> = &|_, path| fifo(path);
    let folder: Trap<'_> = &|_, path| fs::create_dir(path).unwrap();
    for (what, trap) in
        [("count", linked), ("count", piped), ("count", folder), ("jsonl", linked), ("jsonl", piped), ("jsonl", folder)]
    {
        let world = started();
        hook(&world, &event("PreToolUse", "t1"));
        let path = file(&world, what);
        fs::rename(&path, path.with_extension("aside")).unwrap();
        trap(&world, &path);
        let took = hook_of(&world, "claude-code", event("PostToolUse", "t1").to_string().as_bytes(), &[]);
        assert!(took < Duration::from_secs(60), "{what}");
        if world.root().join("victim").exists() {
            assert_eq!(fs::read(world.root().join("victim")).unwrap(), b"as it was", "{what}");
        }
        if path.is_dir() { fs::remove_dir(&path) } else { fs::remove_file(&path) }.unwrap();
        fs::rename(path.with_extension("aside"), &path).unwrap();
        later(&world, 10);
        // What could not be given a number went in without one, and is not missed.
        let actions = rows(&world, "SELECT count(*) FROM audit_log WHERE kind = 'action'");
        let expected =
            if what == "count" { (json!([[null, 0]]), json!([[1]])) } else { (json!([[1, 1]]), json!([[1]])) };
        assert_eq!((lost(&world), actions), expected, "{what}");
        assert!(!world.root().join(LOG).join("lost").exists(), "{what}");
    }
}

#[test]
fn a_link_in_the_place_of_the_spool_is_not_followed() {
    let world = started();
    hook(&world, &event("PreToolUse", "t1"));
    let (own, aside) = (spool(&world), world.root().join("aside"));
    fs::rename(&own, &aside).unwrap();
    fs::create_dir(world.root().join("victim")).unwrap();
    std::os::unix::fs::symlink(world.root().join("victim"), &own).unwrap();
    hook(&world, &event("PostToolUse", "t1"));
    assert_eq!(fs::read_dir(world.root().join("victim")).unwrap().count(), 0);
    assert_eq!(fs::read(world.root().join(LOG).join("lost")).unwrap(), b".", "the log's own count has it");
    // Nothing of it is taken in either.
    fs::copy(aside.join(format!("claude-code.{SESSION}.session")), world.root().join("victim/x.session")).unwrap();
    fs::write(world.root().join("victim/x.jsonl"), "{\"kind\":\"heartbeat\"}\n").unwrap();
    done(&world, &["record", "heartbeat"]);
    let all = "SELECT kind, lost FROM record";
    assert_eq!(rows(&world, all), json!([["loss", 1], ["heartbeat", null]]), "that count is said by the next command");
    fs::remove_file(&own).unwrap();
    fs::rename(&aside, &own).unwrap();
    assert_eq!(rows(&world, all), json!([["loss", 1], ["heartbeat", null], ["action", null]]));
}

#[test]
fn a_spool_that_others_can_write_or_own_is_not_used() {
    use std::os::unix::fs::{PermissionsExt as _, chown};
    let world = started();
    hook(&world, &event("PreToolUse", "t1"));
    let counted = || fs::metadata(file(&world, "count")).unwrap().len();
    let mode = |mode: u32| fs::set_permissions(spool(&world), fs::Permissions::from_mode(mode)).unwrap();
    let gone = || fs::metadata(world.root().join(LOG).join("lost")).map_or(0, |meta| meta.len());
    mode(0o777);
    hook(&world, &event("PostToolUse", "t1"));
    mode(0o700);
    assert_eq!((counted(), gone()), (1, 1));
    if rustix::process::geteuid().is_root() {
        chown(spool(&world), Some(12345), None).unwrap();
        hook(&world, &event("PostToolUse", "t1"));
        chown(spool(&world), Some(0), None).unwrap();
        assert_eq!((counted(), gone()), (1, 2));
        chown(file(&world, "jsonl"), Some(12345), None).unwrap();
        let before = fs::read(file(&world, "jsonl")).unwrap();
        hook(&world, &event("PostToolUse", "t1"));
        assert_eq!(fs::read(file(&world, "jsonl")).unwrap(), before);
        chown(file(&world, "jsonl"), Some(0), None).unwrap();
        assert_eq!((counted(), gone()), (2, 2), "it is missed by its number");
    }
    // The twin.
    let before = (counted(), gone());
    hook(&world, &event("PostToolUse", "t1"));
    assert_eq!((counted(), gone()), (before.0 + 1, before.1));
}

#[test]
fn without_a_log_nothing_happens() {
    let world = World::empty();
    hook(&world, &event("PreToolUse", "t1"));
    hook_of(&world, "no-such-agent", b"{}", &[]);
    hook_of(&world, "codex", b"", &[("HOME", "")]);
    assert!(!world.home().join(".local").exists());
    // Without an event neither.
    let world = started();
    hook_of(&world, "codex", b"", &[]);
    assert!(!world.home().join(".local").exists());
    // In a checkout there is none either: whoever builds there could change it.
    let world = started();
    fs::create_dir(world.root().join(".git")).unwrap();
    hook(&world, &event("PreToolUse", "t1"));
    assert!(!world.home().join(".local").exists());
}

#[test]
fn a_full_disk_stops_no_agent_and_what_it_took_is_said() {
    let world = started();
    hook(&world, &event("PreToolUse", "t1"));
    // Files may not grow over 1 kB: as on a full disk there is room in what is begun, and none for more.
    let full = |event: &Value, kilobytes: u32| {
        let mut shell = Command::new("bash");
        let run = format!("trap '' XFSZ; ulimit -f {kilobytes}; exec \"$0\" audit --log {LOG} hook claude-code");
        shell.args(["-c", &run, env!("CARGO_BIN_EXE_attest")]);
        run_hook(&world, shell, event.to_string().as_bytes(), &[]);
    };
    full(&event("PostToolUse", "t1"), 1);
    full(&event("PreToolUse", "t2"), 1);
    full(&event("PostToolUse", "t2"), 0);
    hook(&world, &event("PreToolUse", "t3"));
    later(&world, 10);
    assert_eq!(lost(&world), json!([[2, 1]]), "and one of which nothing could be written at all");
    assert_eq!(rows(&world, "SELECT count(*) FROM audit_log WHERE kind = 'action'"), json!([[2]]));
}

#[test]
fn a_log_that_is_locked_stops_no_agent_and_what_waits_goes_in_later() {
    let world = started();
    let lock = File::options().write(true).open(world.root().join(LOG).join("lock")).unwrap();
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive).unwrap();
    let took = hook_of(&world, "claude-code", event("PreToolUse", "t1").to_string().as_bytes(), &[]);
    assert!(took < Duration::from_secs(60));
    let said = ends(&world, 1, &["history", "--timeout", "1s"]);
    assert!(said.contains("not all that hooks left could be taken in"), "{said}");
    drop(lock);
    assert_eq!(rows(&world, "SELECT count(*) FROM audit_log WHERE kind = 'action'"), json!([[1]]));
    later(&world, 10);
    assert_eq!(lost(&world), json!([[null, 0]]));
}

#[test]
fn an_event_that_does_not_end_is_not_waited_for() {
    let world = started();
    let mut program = Command::new(env!("CARGO_BIN_EXE_attest"));
    program.args(["audit", "--log", LOG, "hook", "claude-code"]).current_dir(world.root()).env("HOME", world.home());
    let mut child = program.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(format!("{{\"session_id\": \"{SESSION}\",").as_bytes()).unwrap();
    let begun = Instant::now();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert!(begun.elapsed() < Duration::from_secs(60));
    drop(stdin);
    later(&world, 10);
    assert_eq!(lost(&world), json!([[1, 1]]));
}

/// A server that is killed when the test ends.
struct Server(Child);

impl Server {
    fn start(world: &World) -> Self {
        let mut program = Command::new(env!("CARGO_BIN_EXE_attest"));
        program.args(["audit", "--log", LOG, "--timeout", "1s", "serve"]).current_dir(world.root());
        program.env("HOME", world.home()).stderr(Stdio::null()).stdout(Stdio::null());
        let child = program.spawn().unwrap();
        let socket = world.root().join(LOG).join("socket");
        until(|| UnixStream::connect(&socket).is_ok());
        Self(child)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn until(mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(60), "it did not come about");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_server_is_told_at_once_and_where_it_is_gone_the_spool_has_it() {
    let world = started();
    let mut server = Server::start(&world);
    hook(&world, &event("PreToolUse", "t1"));
    let count = "SELECT count(*) FROM audit_log WHERE kind = 'action'";
    until(|| rows(&world, count) == json!([[1]]));
    assert!(!file(&world, "jsonl").exists(), "it was told");
    // One that cannot write just now keeps it.
    let lock = File::options().write(true).open(world.root().join(LOG).join("lock")).unwrap();
    until(|| rustix::fs::flock(&lock, rustix::fs::FlockOperation::NonBlockingLockExclusive).is_ok());
    hook(&world, &event("PostToolUse", "t1"));
    until(|| file(&world, "jsonl").exists());
    drop(lock);
    // And takes it in by itself.
    let settled = || rows(&world, "SELECT count(*) FROM record WHERE source_id = 't1'");
    until(|| settled() == json!([[1]]));
    let _ = (server.0.kill(), server.0.wait());
    hook(&world, &event("PreToolUse", "t2"));
    until(|| rows(&world, count) == json!([[2]]));
    later(&world, 100);
    assert_eq!(lost(&world), json!([[null, 0]]));
}

#[test]
fn a_server_of_another_user_is_told_nothing() {
    use std::os::unix::fs::chown;
    use std::os::unix::process::CommandExt as _;
    const OTHER: u32 = 12345;
    // Only root can run a program as somebody else.
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let world = started();
    let theirs = tempfile::tempdir().unwrap();
    chown(theirs.path(), Some(OTHER), Some(OTHER)).unwrap();
    let log = theirs.path().join("log");
    let as_other = |args: &[&str]| {
        let mut program = Command::new(env!("CARGO_BIN_EXE_attest"));
        program.args(["audit", "--log"]).arg(&log).args(args).current_dir(theirs.path()).env("HOME", theirs.path());
        program.uid(OTHER).gid(OTHER).stdout(Stdio::null()).stderr(Stdio::null());
        program
    };
    if !as_other(&["init", "--origin", "audit.example/other"]).status().is_ok_and(|status| status.success()) {
        // This program lies where nobody else may go.
        return;
    }
    let server = Server(as_other(&["serve"]).spawn().unwrap());
    let socket = log.join("socket");
    until(|| UnixStream::connect(&socket).is_ok());
    let told = [("ATTEST_AUDIT_SOCKET", socket.to_str().unwrap())];
    hook_of(&world, "claude-code", event("PreToolUse", "t1").to_string().as_bytes(), &told);
    assert!(file(&world, "jsonl").exists(), "the spool has it");
    drop(server);
    let shown = String::from_utf8(as_other(&["history"]).stdout(Stdio::piped()).output().unwrap().stdout).unwrap();
    assert!(shown.contains("no execution fits"), "{shown}");
}

#[test]
fn a_socket_that_is_full_or_of_nobody_stops_no_agent() {
    let world = started();
    let path = world.root().join(LOG).join("socket");
    let _nobody_accepts = UnixListener::bind(&path).unwrap();
    let mut held = Vec::new();
    loop {
        let flags = rustix::net::SocketFlags::NONBLOCK;
        let socket =
            rustix::net::socket_with(rustix::net::AddressFamily::UNIX, rustix::net::SocketType::STREAM, flags, None)
                .unwrap();
        let address = rustix::net::SocketAddrUnix::new(&path).unwrap();
        match rustix::net::connect(&socket, &address) {
            Ok(()) => held.push(socket),
            Err(_) => break,
        }
        assert!(held.len() < 100_000);
    }
    let took = hook_of(&world, "claude-code", event("PreToolUse", "t1").to_string().as_bytes(), &[]);
    assert!(took < Duration::from_secs(60));
    assert!(file(&world, "jsonl").exists());
    fs::remove_file(&path).unwrap();
    fs::write(&path, "no socket").unwrap();
    hook(&world, &event("PostToolUse", "t1"));
    fs::remove_file(&path).unwrap();
    assert_eq!(rows(&world, "SELECT count(*) FROM audit_log WHERE kind = 'action'"), json!([[1]]), "both");
    later(&world, 10);
    assert_eq!(lost(&world), json!([[null, 0]]));
}

#[test]
fn at_the_end_of_a_session_its_transcript_is_imported_by_itself() {
    let world = started();
    world.write("transcript.jsonl", transcript(&[("t1", "planted command t1"), ("t2", "missed by the hook")]));
    let path = world.root().join("transcript.jsonl").canonicalize().unwrap();
    let at = |name: &str, call: &str| {
        let mut event = event(name, call);
        event["transcript_path"] = json!(path);
        event
    };
    // An agent below it has a transcript of its own.
    fs::create_dir_all(world.root().join("transcript/subagents")).unwrap();
    world.write("transcript/subagents/agent-1.jsonl", transcript(&[("t9", "of an agent below")]));
    world.write("transcript/subagents/notes.txt", "none");
    for (name, call) in [("SessionStart", ""), ("PostToolUse", "t1"), ("SessionEnd", "")] {
        hook(&world, &at(name, call));
    }
    // No command of anybody's takes it in.
    until(|| !file(&world, "ended").exists());
    fs::remove_file(&path).unwrap();
    assert_eq!(rows(&world, "SELECT count(*) FROM audit_log WHERE kind = 'action'"), json!([[3]]));
    let digest = rows(&world, "SELECT count(*) FROM record WHERE transcript LIKE 'sha256:%'");
    assert_eq!(digest, json!([[2]]));
    // One that is gone before it was taken in is a loss.
    hook(&world, &at("SessionEnd", ""));
    until(|| !file(&world, "ended").exists());
    assert_eq!(lost(&world)[0][0], json!(1));
    assert!(done(&world, &["show", SESSION]).contains("the transcript of a session was gone"));
    assert!(!holds(&world.root().join(LOG), "transcript.jsonl"));
}

#[test]
fn a_session_that_never_ended_is_imported_when_nothing_was_heard_of_it_for_long() {
    let world = started();
    world.write("transcript.jsonl", transcript(&[("t1", "planted command t1")]));
    let mut start = event("SessionStart", "");
    start["transcript_path"] = json!(world.root().join("transcript.jsonl").canonicalize().unwrap());
    hook(&world, &start);
    later(&world, 600);
    let count = || rows(&world, "SELECT count(*) FROM audit_log WHERE kind = 'action'");
    assert_eq!(count(), json!([[0]]), "it may go on");
    later(&world, 4000);
    assert_eq!(count(), json!([[1]]));
    let size = || rows(&world, "SELECT count(*) FROM record");
    let before = size();
    later(&world, 4000);
    assert_eq!(size(), before, "once");
}

#[test]
fn the_settings_of_an_agent_are_changed_on_a_word_and_changed_back() {
    let world = started();
    let settings = world.home().join(".claude/settings.json");
    fs::create_dir_all(settings.parent().unwrap()).unwrap();
    let own = "{\n  \"model\": \"opus\",\n  \"hooks\": {\"Stop\": [{\"hooks\": [{\"type\": \"command\", \"command\": \"./mine\"}]}]}\n}\n";
    fs::write(world.home().join("dotfile"), own).unwrap();
    std::os::unix::fs::symlink(world.home().join("dotfile"), &settings).unwrap();
    let said = ends(&world, 2, &["hook", "claude-code", "--install"]);
    assert!(said.contains("+ hooks.PreToolUse: ") && said.contains("not-confirmed"), "{said}");
    assert_eq!(fs::read_to_string(&settings).unwrap(), own);
    let said = ends(&world, 0, &["hook", "claude-code", "--install", "--yes"]);
    assert!(said.contains("the hook was put there"), "{said}");
    assert!(settings.is_symlink(), "it stays where it is kept");
    let changed: Value = serde_json::from_str(&fs::read_to_string(&settings).unwrap()).unwrap();
    assert_eq!(
        (&changed["model"], &changed["hooks"]["Stop"][0]["hooks"][0]["command"]),
        (&json!("opus"), &json!("./mine"))
    );
    let command = changed["hooks"]["SessionEnd"][0]["hooks"][0]["command"].as_str().unwrap();
    assert!(ends(&world, 0, &["hook", "claude-code", "--install", "--yes"]).contains("is there already"));
    // What stands there is what an agent can run, through a shell.
    let mut shell = Command::new("sh");
    shell.args(["-c", command]);
    run_hook(&world, shell, event("PreToolUse", "t1").to_string().as_bytes(), &[]);
    assert_eq!(rows(&world, "SELECT count(*) FROM audit_log WHERE kind = 'action'"), json!([[1]]));
    done(&world, &["hook", "claude-code", "--uninstall", "--yes"]);
    let back: Value = serde_json::from_str(&fs::read_to_string(&settings).unwrap()).unwrap();
    assert_eq!(back, serde_json::from_str::<Value>(own).unwrap());
    fs::write(&settings, "{ not json").unwrap();
    let said = ends(&world, 2, &["hook", "claude-code", "--install", "--yes"]);
    assert!(said.contains("settings.json"), "{said}");
    assert_eq!(fs::read_to_string(&settings).unwrap(), "{ not json");
    done(&world, &["hook", "codex", "--install", "--yes"]);
    let codex = fs::read_to_string(world.home().join(".codex/hooks.json")).unwrap();
    assert!(codex.contains("hook codex"), "{codex}");
}

#[test]
fn who_runs_the_hook_by_hand_is_told_what_it_is_for() {
    let world = started();
    assert!(ends(&world, 2, &["hook", "clade-code", "--install"]).contains("claude-code"));
    assert!(ends(&world, 2, &["hook", "json", "--install"]).contains("have your program run"));
    assert!(ends(&world, 0, &["hook", "--help"]).contains("--install"));
}
