//! The build step behaves as it would alone, and is handed nothing that signs.

use crate::repo::env_in;
use attest::capture::step::{self, Snapshot, StepOutcome};
use attest::model::Timestamp;
use std::sync::{Mutex, PoisonError};

/// A process has one set of signal handlers.
static ONE_STEP: Mutex<()> = Mutex::new(());

fn run(script: &str, variables: &[(&str, &str)], keys: &[&str]) -> (StepOutcome, String) {
    let _one = ONE_STEP.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = tempfile::tempdir().unwrap();
    let mut env = env_in(folder.path());
    env.variables.extend(variables.iter().map(|(k, v)| ((*k).into(), (*v).into())));
    let clock = std::cell::Cell::new(1_767_225_600);
    let tick = || {
        clock.set(clock.get() + 1);
        Timestamp::from_unix(clock.get()).unwrap()
    };
    let keys: Vec<_> = keys.iter().map(|k| (*k).to_owned()).collect();
    let command = ["sh", "-c", script].map(str::to_owned);
    let outcome = step::run(&command, &env, &keys, &tick).unwrap();
    (outcome, std::fs::read_to_string(folder.path().join("out")).unwrap_or_default())
}

#[test]
fn its_end_is_passed_on_and_only_success_is_recorded() {
    for (script, code) in [("exit 0", 0), ("exit 3", 3), ("kill -KILL $$", 137), ("kill -TERM $$", 143)] {
        let (outcome, _) = run(script, &[], &[]);
        assert_eq!(outcome.code, code, "{script}");
        assert_eq!(outcome.record(vec![]).is_some(), code == 0, "{script}");
    }
    let record = run("true", &[], &[]).0.record(vec!["x".into()]).unwrap();
    assert_eq!(record.started.to_string(), "2026-01-01T00:00:01Z");
    assert_eq!(record.finished.to_string(), "2026-01-01T00:00:02Z");
}

#[test]
fn a_program_that_is_not_there_is_no_step() {
    let _one = ONE_STEP.lock().unwrap_or_else(PoisonError::into_inner);
    let env = env_in(std::path::Path::new("/"));
    let clock = || Timestamp::from_unix(0).unwrap();
    let e = step::run(&["/nonexistent/program".into()], &env, &[], &clock).unwrap_err();
    assert_eq!(e.code().as_str(), "step-not-started");
}

#[test]
fn signals_are_passed_on() {
    for (signal, code) in [("TERM", 7), ("HUP", 8), ("INT", 9)] {
        let script = format!("trap 'exit {code}' {signal}; kill -{signal} $PPID; while :; do sleep 0.02; done");
        assert_eq!(run(&script, &[], &[]).0.code, code, "{signal}");
    }
}

#[test]
fn nothing_that_signs_is_in_its_environment() {
    let secret = [
        "ATTEST_PASSWORD",
        "COSIGN_PASSWORD",
        "SIGSTORE_ID_TOKEN",
        "ATTEST_IDENTITY_TOKEN",
        "ACTIONS_ID_TOKEN_REQUEST_URL",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
        "ACTIONS_RUNTIME_TOKEN",
        "CI_JOB_JWT",
        "CI_JOB_JWT_V2",
        "BUILDKITE_AGENT_ACCESS_TOKEN",
        "CIRCLE_OIDC_TOKEN_V2",
        "MY_ID_TOKEN",
        "KEY_IN_VARIABLE",
    ];
    let mut variables: Vec<_> = secret.iter().map(|n| (*n, "withheld-value")).collect();
    variables.push(("KEPT", "kept-value"));
    let (_, out) = run("env > out", &variables, &["KEY_IN_VARIABLE"]);
    assert!(!out.contains("withheld-value"), "{out}");
    assert!(out.contains("KEPT=kept-value") && out.contains("PATH="), "{out}");
    // The twin: a key that no reference names is the step's own variable.
    assert!(run("env > out", &variables, &[]).1.contains("KEY_IN_VARIABLE=withheld-value"));
}

#[test]
fn no_descriptor_but_the_three_is_inherited() {
    let file = std::fs::File::open("/proc/self/cmdline").unwrap();
    let inheritable = || rustix::io::fcntl_setfd(&file, rustix::io::FdFlags::empty()).unwrap();
    inheritable();
    // The twin: left alone, the descriptor does reach a child.
    let number = {
        use std::os::fd::AsRawFd as _;
        file.as_raw_fd()
    };
    let plain = std::process::Command::new("sh").args(["-c", &format!("test -e /proc/self/fd/{number}")]).status();
    assert!(plain.unwrap().success());
    inheritable();
    let (outcome, _) = run(&format!("test ! -e /proc/self/fd/{number}"), &[], &[]);
    assert_eq!(outcome.code, 0);
    // The job server of make is meant for children.
    inheritable();
    let flags = format!("-j --jobserver-auth={number},{number}");
    let (outcome, _) = run(&format!("test -e /proc/self/fd/{number}"), &[("MAKEFLAGS", &flags)], &[]);
    assert_eq!(outcome.code, 0);
}

#[test]
fn what_was_written_shows_even_when_the_bytes_are_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let paths: Vec<_> = ["same", "rewritten", "changed", "new"].iter().map(|n| folder.path().join(n)).collect();
    for path in &paths[..3] {
        std::fs::write(path, "before").unwrap();
    }
    let before = Snapshot::take(&paths, &|_| {}).unwrap();
    std::fs::write(&paths[1], "before").unwrap();
    std::fs::write(&paths[2], "after").unwrap();
    std::fs::write(&paths[3], "new").unwrap();
    let after = Snapshot::take(&paths, &|_| {}).unwrap();
    assert_eq!(after.unwritten(&before), [paths[0].clone()]);
    assert_eq!(before.digest(&paths[3]), None);
    assert_eq!(after.digest(&paths[1]), before.digest(&paths[1]));
}
