//! The build step behaves as it would alone, and is handed nothing that signs.

use crate::repo::env_in;
use attest::capture::Captured;
use attest::capture::step::{self, BuildStep, Snapshot, StepOutcome};
use attest::model::Timestamp;
use std::sync::{Mutex, PoisonError};

/// A process has one set of signal handlers.
static ONE_STEP: Mutex<()> = Mutex::new(());

fn run(script: &str, variables: &[(&str, &str)], keys: &[&str]) -> (StepOutcome, String) {
    run_sharing(script, variables, keys, false)
}

fn run_sharing(script: &str, variables: &[(&str, &str)], keys: &[&str], share_identity: bool) -> (StepOutcome, String) {
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
    let step = BuildStep { command: &command, keys: &keys, share_identity, output_to_stderr: false };
    let outcome = step::run(&step, &env, &tick).unwrap();
    (outcome, std::fs::read_to_string(folder.path().join("out")).unwrap_or_default())
}

#[test]
fn its_end_is_passed_on_and_only_success_is_recorded() {
    for (script, code) in [("exit 0", 0), ("exit 3", 3), ("kill -KILL $$", 137), ("kill -TERM $$", 143)] {
        let (outcome, _) = run(script, &[], &[]);
        assert_eq!(outcome.code, code, "{script}");
        assert_eq!(outcome.signal, (code > 128).then_some(code - 128), "{script}");
        assert_eq!(outcome.record(vec![], Captured::absent("")).is_some(), code == 0, "{script}");
    }
    let record = run("true", &[], &[]).0.record(vec!["x".into()], Captured::absent("")).unwrap();
    assert_eq!(record.started.to_string(), "2026-01-01T00:00:01Z");
    assert_eq!(record.finished.to_string(), "2026-01-01T00:00:02Z");
}

#[test]
fn a_program_that_is_not_there_is_no_step() {
    let _one = ONE_STEP.lock().unwrap_or_else(PoisonError::into_inner);
    let env = env_in(std::path::Path::new("/"));
    let clock = || Timestamp::from_unix(0).unwrap();
    let command = ["/nonexistent/program".into()];
    let step = BuildStep { command: &command, keys: &[], share_identity: false, output_to_stderr: false };
    let e = step::run(&step, &env, &clock).unwrap_err();
    assert_eq!(e.code().as_str(), "step-not-started");
}

/// Whether whoever started the tests told them to ignore a signal, as `nohup` does: a step inherits that.
fn is_ignored(number: u32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let mask = status.lines().find_map(|l| l.strip_prefix("SigIgn:")).unwrap().trim();
    u64::from_str_radix(mask, 16).unwrap() >> (number - 1) & 1 == 1
}

#[test]
#[expect(clippy::print_stderr, reason = "says by name what was skipped")]
fn signals_are_passed_on() {
    for (signal, number, code) in
        [("TERM", 15, 7), ("HUP", 1, 8), ("INT", 2, 9), ("QUIT", 3, 10), ("USR1", 10, 11), ("USR2", 12, 12)]
    {
        if is_ignored(number) {
            eprintln!("skipped: SIG{signal} is ignored here");
            continue;
        }
        // It ends by itself, so that a signal that does not come fails the test and hangs nothing.
        let wait = "i=0; while [ $i -lt 1500 ]; do i=$((i+1)); sleep 0.02; done";
        let script = format!("trap 'exit {code}' {signal}; kill -{signal} $PPID; {wait}");
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
    // On demand it is handed what asks for a token; what signs never is.
    let (_, out) = run_sharing("env > out", &variables, &["KEY_IN_VARIABLE"], true);
    let got: Vec<_> = secret.iter().filter(|n| out.contains(&format!("{n}=withheld-value"))).collect();
    let signs = ["ATTEST_PASSWORD", "COSIGN_PASSWORD", "ATTEST_IDENTITY_TOKEN", "KEY_IN_VARIABLE"];
    assert_eq!(got, secret.iter().filter(|n| !signs.contains(n)).collect::<Vec<_>>());
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

mod files {
    use super::*;
    use crate::repo::Repo;
    use attest::capture::step::{Watch, Watched};
    use attest::model::{Digest, ResourceDescriptor};
    use serde_json::json;
    use std::path::PathBuf;
    use std::time::Duration;

    fn changes(
        repo: &Repo,
        globs: &[&str],
        excluded: &[&str],
        step: impl FnOnce(),
    ) -> Captured<Vec<ResourceDescriptor>> {
        let env = repo.env();
        let globs: Vec<_> = globs.iter().map(|g| (*g).to_owned()).collect();
        let excluded: Vec<_> = excluded.iter().map(PathBuf::from).collect();
        let watch = Watch {
            env: &env,
            globs: &globs,
            excluded: &excluded,
            git_timeout: Duration::from_secs(30),
            hash_time: Duration::from_secs(60),
        };
        let before = Watched::before(&watch);
        step();
        before.changes(&watch, &|_| {})
    }

    fn rows(found: &Captured<Vec<ResourceDescriptor>>) -> Vec<(String, String)> {
        let all = found.value().unwrap_or_else(|| panic!("{found:?}"));
        let row = |d: &ResourceDescriptor| {
            (d.name().unwrap().to_owned(), d.annotations()["change"].as_str().unwrap().to_owned())
        };
        all[1..].iter().map(row).collect()
    }

    #[test]
    fn what_a_step_adds_writes_and_removes_is_recorded_by_digest() {
        let repo = Repo::new();
        repo.write("removed", "r");
        repo.write("untouched", "u");
        repo.write("rewritten", "same");
        repo.write("dist/app", "subject");
        let found = changes(&repo, &[], &["dist/app"], || {
            repo.write("a.txt", "A\n");
            repo.write("rewritten", "same");
            repo.write("new/file", "n");
            repo.write("ignored/x", "i");
            repo.write("dist/app", "another subject");
            std::os::unix::fs::symlink("nowhere", repo.root.join("link")).unwrap();
            std::fs::remove_file(repo.root.join("removed")).unwrap();
            std::fs::rename(repo.root.join("dir/b.txt"), repo.root.join("dir/c\n.txt")).unwrap();
        });
        let expected = [
            ("a.txt", "written"),
            ("dir/c\n.txt", "added"),
            ("link", "added"),
            ("new/file", "added"),
            ("rewritten", "written"),
        ];
        assert_eq!(rows(&found), expected.map(|(a, b)| (a.to_owned(), b.to_owned())));
        let all = found.value().unwrap();
        assert_eq!(all[1].digest().unwrap().get("sha256"), Some(Digest::sha256(b"A\n").hex()));
        assert_eq!(all[3].digest().unwrap().get("sha256"), Some(Digest::sha256(b"nowhere").hex()));
        let whole = &all[0];
        assert_eq!(
            (whole.name(), &whole.annotations()["removedFiles"]),
            (Some("step-files"), &json!(["dir/b.txt", "removed"]))
        );
        // The digest of all, from its definition.
        let sha = |text: &str| Digest::sha256(text.as_bytes()).hex().to_owned();
        let list = json!([
            ["a.txt", "written", sha("A\n")],
            ["dir/b.txt", "removed", ""],
            ["dir/c\n.txt", "added", sha("b\n")],
            ["link", "added", sha("nowhere")],
            ["new/file", "added", sha("n")],
            ["removed", "removed", ""],
            ["rewritten", "written", sha("same")],
        ]);
        let digest = Digest::sha256(&serde_json_canonicalizer::to_vec(&list).unwrap());
        assert_eq!(whole.digest().unwrap().get("sha256"), Some(digest.hex()));
        // The twin: a step that does nothing has written nothing.
        assert_eq!(rows(&changes(&repo, &[], &[], || {})), []);
    }

    #[test]
    fn globs_name_other_files_even_ignored_ones() {
        let repo = Repo::new();
        repo.write("ignored/old.o", "o");
        let step = || {
            repo.write("ignored/new.o", "n");
            repo.write("a.txt", "A\n");
        };
        let found = changes(&repo, &["ignored/*.o", "nothing/*"], &[], step);
        assert_eq!(rows(&found), [("ignored/new.o".to_owned(), "added".to_owned())]);
        let Captured::Absent { reason } = changes(&repo, &["["], &[], || {}) else { panic!() };
        assert!(reason.contains("glob"), "{reason}");
    }

    #[test]
    fn what_cannot_be_watched_is_absent_with_its_reason() {
        let repo = Repo::new();
        let Captured::Absent { reason } =
            changes(&repo, &[], &[], || std::fs::remove_dir_all(repo.root.join(".git")).unwrap())
        else {
            panic!()
        };
        assert!(reason.contains("not a git repository"), "{reason}");
        // A step that makes more than is named: the digest and the numbers still hold all.
        let repo = Repo::new();
        let found = changes(&repo, &[], &[], || (0..300).for_each(|i| repo.write(&format!("n{i:03}"), "n")));
        assert_eq!(rows(&found).len(), 256);
        assert_eq!(found.value().unwrap()[0].annotations()["added"], json!(300));
    }
}
