//! A repository that would run something, or lie, is captured without either.

use crate::repo::{Repo, env_in};
use attest::capture::{Captured, Checkout as _, Local};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// A program that leaves a file behind when it runs, and then does what a filter would.
fn trap(repo: &Repo, name: &str) -> (String, PathBuf) {
    let (program, marker) = (repo.outside().join(format!("trap-{name}")), repo.outside().join(format!("ran-{name}")));
    std::fs::write(&program, format!("#!/bin/sh\ntouch '{}'\ncat 2>/dev/null\n", marker.display())).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    (program.to_str().unwrap().to_owned(), marker)
}

/// Everything in a repository's configuration, attributes and hooks that git may run.
fn trapped() -> (Repo, Vec<PathBuf>) {
    let repo = Repo::new();
    repo.write("sub.conf", "");
    repo.write(".gitattributes", "* filter=clean\n*.p filter=proc\n* diff=conv\n");
    repo.write("x.p", "x");
    repo.commit();
    let mut markers = Vec::new();
    let mut set = |key: &str| {
        let (program, marker) = trap(&repo, &key.replace(['.', '/'], "-"));
        repo.git(&["config", key, &program]);
        markers.push(marker);
    };
    for key in [
        "filter.clean.clean",
        "filter.clean.smudge",
        "filter.proc.process",
        "core.fsmonitor",
        "gpg.program",
        "diff.external",
        "diff.conv.textconv",
        "diff.conv.command",
        "core.sshCommand",
        "core.pager",
        "core.editor",
        "core.askPass",
        "credential.helper",
        "core.alternateRefsCommand",
        "uploadpack.packObjectsHook",
        "remote.origin.uploadpack",
    ] {
        set(key);
    }
    let (program, marker) = trap(&repo, "alias");
    for alias in ["rev-parse", "ls-files", "ls-tree", "symbolic-ref", "config", "check-attr"] {
        repo.git(&["config", &format!("alias.{alias}"), &format!("!{program}")]);
    }
    markers.push(marker);
    let (included, marker) = trap(&repo, "included");
    std::fs::write(repo.outside().join("included"), format!("[core]\n\tfsmonitor = {included}\n")).unwrap();
    repo.git(&["config", "--add", "include.path", repo.outside().join("included").to_str().unwrap()]);
    markers.push(marker);
    let (hook, marker) = trap(&repo, "hook");
    std::fs::create_dir(repo.root.join("hooks")).unwrap();
    for name in ["post-index-change", "pre-commit", "post-checkout", "reference-transaction", "fsmonitor-watchman"] {
        std::fs::copy(&hook, repo.root.join("hooks").join(name)).unwrap();
    }
    repo.git(&["config", "core.hooksPath", "hooks"]);
    markers.push(marker);
    // Same size, other content, so that a look at the files is needed to see it.
    repo.write("a.txt", "b\n");
    repo.write("x.p", "y");
    (repo, markers)
}

fn ran(markers: &[PathBuf]) -> Vec<&Path> {
    markers.iter().filter(|m| m.exists()).map(PathBuf::as_path).collect()
}

#[test]
fn nothing_of_the_checkout_runs() {
    let (repo, markers) = trapped();
    assert_eq!(ran(&markers), [] as [&Path; 0], "the traps went off while they were laid");
    let state = repo.state();
    assert_eq!(ran(&markers), [] as [&Path; 0]);
    let head = std::fs::read_to_string(repo.root.join(".git/refs/heads/main")).unwrap();
    assert_eq!(state.commit.value().map(String::as_str), Some(head.trim()));
    let differing: Vec<_> = repo.differing().into_iter().map(|(path, _)| path).collect();
    assert!(differing.contains(&"a.txt".to_owned()) && differing.contains(&"x.p".to_owned()), "{differing:?}");
    assert_eq!(ran(&markers), [] as [&Path; 0]);
}

#[test]
fn the_same_traps_go_off_under_plain_git() {
    let (repo, markers) = trapped();
    for args in [&["status", "--porcelain"][..], &["diff"], &["log", "-p", "--show-signature"]] {
        let mut git = Command::new("git");
        git.args(args).current_dir(&repo.root).env("HOME", repo.home()).env("GIT_CONFIG_NOSYSTEM", "1");
        git.output().unwrap();
    }
    let went: Vec<_> = ran(&markers).iter().map(|m| m.file_name().unwrap().to_str().unwrap().to_owned()).collect();
    for name in ["ran-filter-clean-clean", "ran-filter-proc-process", "ran-diff-conv-command", "ran-included"] {
        assert!(went.contains(&name.to_owned()), "{name} did not run under plain git: {went:?}");
    }
}

#[test]
fn a_partial_clone_fetches_nothing() {
    let build = || {
        let repo = Repo::new();
        let (program, marker) = trap(&repo, "transport");
        // A transport that waited for its caller would wait for ever.
        std::fs::write(&program, format!("#!/bin/sh\ntouch '{}'\n", marker.display())).unwrap();
        repo.git(&["config", "extensions.partialClone", "origin"]);
        repo.git(&["config", "remote.origin.promisor", "true"]);
        repo.git(&["config", "remote.origin.url", &format!("ext::{program} %S")]);
        repo.git(&["config", "protocol.ext.allow", "always"]);
        repo.git(&["config", "protocol.allow", "always"]);
        let tree = repo.git(&["rev-parse", "HEAD:dir"]);
        std::fs::remove_file(repo.root.join(".git/objects").join(&tree[..2]).join(&tree[2..])).unwrap();
        (repo, marker)
    };
    let (repo, marker) = build();
    let state = repo.state();
    assert!(!marker.exists());
    assert!(state.commit.value().is_some());
    assert!(state.dirty.value().is_none(), "{state:?}");
    // The twin: plain git would have fetched.
    let (repo, marker) = build();
    Command::new("git").args(["ls-tree", "-r", "HEAD"]).current_dir(&repo.root).output().unwrap();
    assert!(marker.exists());
}

#[test]
fn a_git_of_the_checkout_is_not_called() {
    let repo = Repo::new();
    let (program, marker) = trap(&repo, "git");
    std::fs::create_dir_all(repo.root.join("node_modules/.bin")).unwrap();
    std::fs::copy(&program, repo.root.join("node_modules/.bin/git")).unwrap();
    repo.write(".git/info/exclude", "node_modules\n");
    let mut env = repo.env();
    let real = env.variables[std::ffi::OsStr::new("PATH")].to_str().unwrap().to_owned();
    for first in [repo.root.join("node_modules/.bin").to_str().unwrap(), "node_modules/.bin", ".", ""] {
        env.variables.insert("PATH".into(), format!("{first}:{real}").into());
        env.working_dir =
            if first.is_empty() || first == "." { repo.root.join("node_modules/.bin") } else { repo.root.clone() };
        let state = Local::default().source(&env, &[]);
        assert!(state.commit.value().is_some(), "{state:?}");
        assert!(!marker.exists(), "{first}");
    }
    env.variables.insert("PATH".into(), repo.root.join("node_modules/.bin").into());
    assert!(Local::default().source(&env, &[]).commit.value().is_none());
}

#[test]
fn variables_of_the_caller_change_nothing() {
    let repo = Repo::new();
    let (program, marker) = trap(&repo, "variable");
    let mut env = repo.env();
    let before = Local::default().source(&env, &[]);
    for (name, value) in [
        ("GIT_EXTERNAL_DIFF", program.as_str()),
        ("GIT_SSH_COMMAND", &program),
        ("GIT_PAGER", &program),
        ("GIT_CONFIG_COUNT", "1"),
        ("GIT_CONFIG_KEY_0", "core.fsmonitor"),
        ("GIT_CONFIG_VALUE_0", &program),
        ("GIT_INDEX_FILE", "/nonexistent"),
        ("GIT_OBJECT_DIRECTORY", "/nonexistent"),
        ("GIT_EXEC_PATH", repo.outside().to_str().unwrap()),
    ] {
        env.variables.insert(name.into(), value.into());
    }
    assert_eq!(Local::default().source(&env, &[]), before);
    assert!(!marker.exists());
    // Where the repository is may be said, if it is somewhere.
    let mut env = env_in(repo.outside());
    env.variables.insert("GIT_DIR".into(), repo.root.join(".git").into());
    assert_eq!(Local::default().source(&env, &[]).commit, before.commit);
    env.variables.insert("GIT_DIR".into(), "/nonexistent".into());
    assert!(
        matches!(Local::default().source(&env, &[]).commit, Captured::Absent { reason } if reason.contains("GIT_DIR"))
    );
}

/// A process cannot change its own variables safely, so a test of this file runs again in one that was started with them.
#[test]
fn variables_of_this_process_change_nothing() {
    let again = |variables: &[(&str, &str)]| {
        let mut test = Command::new(std::env::current_exe().unwrap());
        test.args(["--exact", "source::what_git_says_is_what_is_captured"]).envs(variables.iter().copied());
        let out = test.output().unwrap();
        assert!(String::from_utf8_lossy(&out.stdout).contains("running 1 test"));
        (out.status.success(), String::from_utf8_lossy(&out.stdout).into_owned())
    };
    for variable in [
        ("GIT_DIR", "/nonexistent"),
        ("GIT_INDEX_FILE", "/nonexistent"),
        ("GIT_OBJECT_DIRECTORY", "/nonexistent"),
        ("GIT_CONFIG_PARAMETERS", "'core.bare=true'"),
        ("GIT_NAMESPACE", "other"),
    ] {
        let (ok, out) = again(&[variable]);
        assert!(ok, "{variable:?}: {out}");
    }
}

#[test]
fn a_replaced_object_hides_no_difference() {
    let repo = Repo::new();
    let honest = repo.git(&["rev-parse", "HEAD"]);
    repo.write("a.txt", "evil\n");
    repo.git(&["commit", "-q", "-a", "-m", "evil"]);
    let evil = repo.git(&["rev-parse", "HEAD"]);
    repo.git(&["update-ref", "refs/heads/main", &honest]);
    repo.git(&["replace", &honest, &evil]);
    assert_eq!(repo.git(&["status", "--porcelain"]), "", "the twin: plain git believes the replacement");
    let state = repo.state();
    assert_eq!(state.commit.value(), Some(&honest));
    assert_eq!(state.dirty.value().unwrap().files, 1);
}

#[test]
fn a_work_tree_elsewhere_is_not_looked_at() {
    let repo = Repo::new();
    let elsewhere = repo.outside().join("elsewhere");
    std::fs::create_dir(&elsewhere).unwrap();
    repo.git(&["config", "core.worktree", elsewhere.to_str().unwrap()]);
    let state = repo.state();
    assert!(state.dirty.value().is_none() && state.root.is_none(), "{state:?}");
}

#[test]
fn a_repository_of_another_user_is_reported() {
    let repo = Repo::new();
    if chown(&repo.root, Some(12345), None).is_err() || chown(repo.root.join(".git"), Some(12345), None).is_err() {
        println!("skipped: only root can give a repository to another user");
        return;
    }
    let state = repo.state();
    let Captured::Absent { reason } = &state.commit else { panic!("{state:?}") };
    assert!(reason.contains("another user"), "{reason}");
    assert!(state.dirty.value().is_none());
    // The repository cannot vouch for itself; the user can.
    std::fs::write(repo.root.join(".git/config"), "[core]\n\trepositoryformatversion = 0\n[safe]\n\tdirectory = *\n")
        .unwrap();
    assert!(repo.state().commit.value().is_none());
    std::fs::write(repo.home().join(".gitconfig"), format!("[safe]\n\tdirectory = {}\n", repo.root.display())).unwrap();
    let mut env = repo.env();
    env.variables.insert("HOME".into(), repo.home().into());
    assert!(Local::default().source(&env, &[]).commit.value().is_some());
}

#[test]
fn a_call_that_hangs_ends() {
    let repo = Repo::new();
    let fifo = repo.outside().join("fifo");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    repo.git(&["config", "include.path", "../../fifo.conf"]);
    std::fs::rename(&fifo, repo.outside().join("fifo.conf")).unwrap();
    let begun = Instant::now();
    let state = Local { git_timeout: Duration::from_millis(300) }.source(&repo.env(), &[]);
    assert!(begun.elapsed() < Duration::from_secs(5));
    assert!(matches!(&state.commit, Captured::Absent { reason } if reason.contains("no answer")), "{state:?}");
}
