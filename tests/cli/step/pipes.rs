//! What goes to pipes and files arrives as it would alone, byte by byte and in its order, and is digested.

use crate::step::{both, byproduct, signed, was_signed};
use crate::world::{PASSWORD, World};
use attest::model::Digest;
use rustix::process::{Pid, Signal};
use serde_json::json;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, Stdio};

fn start(world: &World, command: &[String]) -> Command {
    let mut program = Command::new(&command[0]);
    program.args(&command[1..]).current_dir(world.root()).env_clear();
    program.env("PATH", std::env::var_os("PATH").unwrap()).env("HOME", world.home()).env("ATTEST_PASSWORD", PASSWORD);
    program.stdin(Stdio::null());
    program
}

fn sha256(bytes: &[u8]) -> serde_json::Value {
    json!({ "sha256": Digest::sha256(bytes).hex() })
}

/// Binary, empty, unended, and more than a pipe holds.
const SCRIPTS: &[&str] = &[
    "echo out; echo err >&2",
    "printf 'no end'; printf '\\000\\377' >&2",
    "true",
    "head -c 300000 /dev/zero; head -c 100000 /dev/zero | tr '\\000' 'e' >&2",
    "test ! -t 1 && test -p /dev/stdout && echo a pipe",
    "echo out; exit 9",
];

#[test]
fn bytes_arrive_and_are_digested() {
    let world = World::new();
    for script in SCRIPTS {
        let [alone, step] = both(script).map(|command| start(&world, &command).output().unwrap());
        assert_eq!(alone.status.code(), step.status.code(), "{script}");
        let said = step.stdout.strip_prefix(alone.stdout.as_slice()).unwrap_or_else(|| panic!("{script}: {step:?}"));
        assert!(step.stderr.starts_with(&alone.stderr), "{script}: {step:?}");
        assert!(said.is_empty(), "{script}: {step:?}");
        if !alone.status.success() {
            assert!(!was_signed(&world), "{script}");
            continue;
        }
        let statement = signed(&world).unwrap();
        for (name, bytes) in [("stdout", &alone.stdout), ("stderr", &alone.stderr)] {
            let expected = json!({ "name": name, "digest": sha256(bytes), "annotations": { "size": bytes.len() } });
            assert_eq!(byproduct(&statement, name), Some(expected), "{script}");
        }
        assert!(was_signed(&world));
    }
}

#[test]
fn two_streams_that_are_one_keep_their_order() {
    let world = World::new();
    let script = "i=0; while [ $i -lt 300 ]; do echo out $i; echo err $i >&2; i=$((i+1)); done";
    let [alone, step] = both(script).map(|command| {
        let whole = ["sh", "-c", "exec \"$@\" 2>&1", "sh"].map(str::to_owned);
        start(&world, &[&whole[..], &command].concat()).output().unwrap().stdout
    });
    assert!(step.starts_with(&alone), "{}", String::from_utf8_lossy(&step));
    let statement = signed(&world).unwrap();
    let expected = json!({ "name": "stdout", "digest": sha256(&alone), "annotations": { "size": alone.len(), "withStderr": true } });
    assert_eq!(byproduct(&statement, "stdout"), Some(expected));
    assert_eq!(byproduct(&statement, "stderr"), None);
}

/// Of a file the step keeps the file itself, and what it wrote there is read afterwards.
#[test]
fn files_stay_files() {
    let world = World::new();
    let command = &both("test -f /dev/stdout || exit 1; echo a file; echo err >&2")[1];
    for append in [false, true] {
        world.write("log", "before\n");
        let log = File::options().write(true).truncate(!append).append(append).open(world.root().join("log")).unwrap();
        let out = start(&world, command).stdout(log).output().unwrap();
        assert!(out.status.success(), "{out:?}");
        let text = world.read("log");
        assert_eq!(text, if append { "before\na file\n" } else { "a file\n" });
        let statement = signed(&world).unwrap();
        let expected = json!({ "name": "stdout", "digest": sha256(b"a file\n"), "annotations": { "size": 7 } });
        assert_eq!(byproduct(&statement, "stdout"), Some(expected));
    }
    let out = start(&world, command).stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
    assert_eq!(out.code(), Some(1), "the twin: it is no file");
    let command = &both("test -c /dev/stdout")[1];
    assert!(start(&world, command).stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap().success());
    assert_eq!(byproduct(&signed(&world).unwrap(), "stdout"), None);
}

#[test]
fn a_reader_that_has_seen_enough_ends_the_step() {
    let world = World::new();
    for command in both("while :; do echo y; done") {
        let mut child = start(&world, &command).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut out = child.stdout.take().unwrap();
        out.read_exact(&mut [0; 4]).unwrap();
        drop(out);
        assert_eq!(child.wait().unwrap().signal(), Some(13), "{command:?}");
    }
    assert!(!was_signed(&world));
}

/// A process that a step leaves behind holds the pipes for longer than anybody waits.
#[test]
fn what_a_step_leaves_running_is_not_waited_for_and_reported() {
    let world = World::new();
    for (script, success) in [("sleep 3000 & echo $!", true), ("sleep 3000 & echo $!; exit 8", false)] {
        let [alone, mut step] = both(script);
        // Without --quiet, to be told.
        step.retain(|a| a != "--quiet");
        for (command, is_step) in [(alone, false), (step, true)] {
            let errors = world.root().join("errors");
            let mut child = start(&world, &command);
            let child = child.stdout(Stdio::piped()).stderr(File::create(&errors).unwrap());
            let mut child = child.spawn().unwrap();
            let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
            let left: i32 = lines.next().unwrap().unwrap().parse().unwrap();
            let status = child.wait().unwrap();
            let left = Pid::from_raw(left).unwrap();
            assert!(rustix::process::test_kill_process(left).is_ok(), "it was waited for, or ended");
            rustix::process::kill_process(left, Signal::KILL).unwrap();
            assert_eq!(status.code(), Some(if success { 0 } else { 8 }), "{command:?}");
            let told = std::fs::read_to_string(&errors).unwrap();
            assert_eq!(told.contains("left a process running"), is_step, "{told}");
        }
        let statement = signed(&world);
        assert_eq!(statement.is_some(), success);
        if let Some(statement) = statement {
            assert_eq!(byproduct(&statement, "stdout").unwrap()["annotations"]["stillOpen"], json!(true));
        }
        was_signed(&world);
    }
}

/// The deadline is for what `attest` asks others, never for the build.
#[test]
fn the_timeout_is_not_the_steps() {
    let world = World::new();
    let command: Vec<String> =
        [env!("CARGO_BIN_EXE_attest"), "create", "app", "--key", "attest.key", "--timeout", "1s", "--", "sleep", "1.5"]
            .map(str::to_owned)
            .to_vec();
    let out = start(&world, &command).output().unwrap();
    assert!(out.status.success() && was_signed(&world), "{out:?}");
}
