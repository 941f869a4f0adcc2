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
    let mut after = Local::default().source(&env, &[]);
    let named = std::mem::replace(&mut after.passed_over, before.passed_over.clone());
    let names: Vec<_> = env.variables.keys().filter_map(|n| n.to_str()).filter(|n| n.starts_with("GIT_")).collect();
    assert_eq!(named.value().unwrap(), &names.iter().map(|n| format!("variable {n}")).collect::<Vec<_>>());
    assert_eq!(after, before);
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

/// Git itself is asked beside us: what it takes, we take.
#[test]
fn whose_a_repository_may_be_is_decided_as_git_decides_it() {
    let repo = Repo::new();
    if chown(&repo.root, Some(12345), None).is_err() || chown(repo.root.join(".git"), Some(12345), None).is_err() {
        println!("skipped: only root can give a repository to another user");
        return;
    }
    let root = repo.root.display().to_string();
    let file = |name: &str, folder: &str| {
        let path = repo.outside().join(name);
        std::fs::write(&path, format!("[safe]\n\tdirectory = {folder}\n")).unwrap();
        path.display().to_string()
    };
    let (right, wrong) = (file("right", &root), file("wrong", "/elsewhere"));
    let of_home = file("of-home", "~/checkout");
    let outside = repo.outside().display().to_string();
    let home = repo.home().display().to_string();
    let counted = |folder: &str| {
        vec![("GIT_CONFIG_COUNT", "1"), ("GIT_CONFIG_KEY_0", "safe.directory"), ("GIT_CONFIG_VALUE_0", folder)]
            .into_iter()
            .map(|(k, v)| (k, v.to_owned()))
            .collect::<Vec<_>>()
    };
    let taken_back = {
        let mut all = counted("");
        all.push(("GIT_CONFIG_GLOBAL", right.clone()));
        all
    };
    for (variables, takes) in [
        (vec![], false),
        (vec![("SUDO_UID", "12345".to_owned())], true),
        (vec![("SUDO_UID", "12346".to_owned())], false),
        (vec![("GIT_CONFIG_GLOBAL", right.clone())], true),
        (vec![("GIT_CONFIG_GLOBAL", wrong)], false),
        (vec![("GIT_CONFIG_GLOBAL", "../right".to_owned())], true),
        (vec![("GIT_CONFIG_GLOBAL", of_home.clone()), ("HOME", outside)], true),
        (vec![("GIT_CONFIG_GLOBAL", of_home)], false),
        (vec![("GIT_CONFIG_SYSTEM", right.clone())], false),
        (vec![("GIT_CONFIG_SYSTEM", right.clone()), ("GIT_CONFIG_NOSYSTEM", "0".to_owned())], true),
        (counted(&root), true),
        (counted("*"), true),
        (counted("/elsewhere"), false),
        (taken_back, false),
    ] {
        let mut env = repo.env();
        env.variables.insert("HOME".into(), home.clone().into());
        env.variables.insert("GIT_CONFIG_NOSYSTEM".into(), "1".into());
        env.variables.extend(variables.iter().map(|(k, v)| ((*k).into(), v.into())));
        let mut git = Command::new("git");
        git.args(["rev-parse", "HEAD"]).current_dir(&repo.root).env_clear().envs(&env.variables);
        assert_eq!(git.output().unwrap().status.success(), takes, "git itself: {variables:?}");
        let state = Local::default().source(&env, &[]);
        assert_eq!(state.commit.value().is_some(), takes, "{variables:?}: {:?}", state.commit);
    }
}

#[test]
fn a_call_that_hangs_ends() {
    let repo = Repo::new();
    let fifo = repo.outside().join("fifo");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    repo.git(&["config", "include.path", "../../fifo.conf"]);
    std::fs::rename(&fifo, repo.outside().join("fifo.conf")).unwrap();
    let begun = Instant::now();
    let state = Local { git_timeout: Duration::from_millis(300), ..Local::default() }.source(&repo.env(), &[]);
    assert!(begun.elapsed() < Duration::from_secs(60));
    assert!(matches!(&state.commit, Captured::Absent { reason } if reason.contains("no answer")), "{state:?}");
}

/// Nothing that is passed over is passed over in silence.
#[test]
fn what_was_not_run_is_reported_by_name_and_never_by_value() {
    let (repo, markers) = trapped();
    std::fs::copy(repo.root.join("hooks/pre-commit"), repo.root.join(".git/hooks/pre-commit")).unwrap();
    repo.git(&["config", "url.https://u:in-a-value@h.example/.insteadOf", "x:"]);
    let head = repo.git(&["rev-parse", "HEAD"]);
    repo.git(&["-c", "core.hooksPath=/dev/null", "update-ref", &format!("refs/replace/{head}"), &head]);
    repo.write(".git/info/grafts", format!("{head}\n"));
    repo.write(".git/objects/info/alternates", "/nonexistent/objects\n");
    repo.write(".git/info/attributes", "* filter=clean\n");
    let context = crate::explain::context(&repo.env(), &attest::capture::Request::default());
    let rows = context.explain();
    let row = crate::explain::row(&rows, "source.passedOver");
    let all: Vec<String> = serde_json::from_value(row.value.clone().unwrap()).unwrap();
    for name in [
        "setting filter.clean.clean",
        "setting filter.clean.smudge",
        "setting filter.proc.process",
        "setting core.fsmonitor",
        "setting core.hookspath",
        "setting core.sshcommand",
        "setting core.pager",
        "setting core.askpass",
        "setting gpg.program",
        "setting diff.external",
        "setting diff.conv.textconv",
        "setting diff.conv.command",
        "setting credential.helper",
        "setting include.path",
        "setting alias.rev-parse",
        "setting uploadpack.packobjectshook",
        "setting remote.origin.uploadpack",
        "hook pre-commit",
        "grafts (info/grafts)",
        "alternates (objects/info/alternates)",
        "attributes of the repository (info/attributes)",
        "replaced objects (refs/replace)",
    ] {
        assert!(all.iter().any(|found| found == name), "{name}: {all:?}");
    }
    let text = format!("{all:?}");
    assert!(!text.contains("trap-") && !text.contains("samples"), "{text}");
    assert_eq!(ran(&markers), [] as [&Path; 0]);
    // The twin has nothing of it.
    assert_eq!(Repo::new().state().passed_over.value(), Some(&vec![]));
}

#[test]
fn hostile_submodules_are_reported_and_not_fetched() {
    let repo = Repo::new();
    let (program, marker) = trap(&repo, "submodule");
    let id = "1234567890123456789012345678901234567890";
    let hostile = [
        ("ext", format!("ext::{program} %S")),
        ("dash", format!("--upload-pack={program}")),
        ("ssh-dash", format!("ssh://-oProxyCommand={program}/x")),
        ("file", "file:///etc".to_owned()),
        ("path", "/etc".to_owned()),
        ("control", "\"https://h.example/a\\nb\"".to_owned()),
    ];
    let mut modules = String::new();
    for (name, url) in &hostile {
        modules += &format!("[submodule \"{name}\"]\n\tpath = {name}\n\turl = {url}\n\tupdate = !{program}\n");
    }
    repo.write(".gitmodules", modules);
    repo.git(&["add", ".gitmodules"]);
    for (name, _) in &hostile {
        repo.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{id},{name}")]);
        repo.git(&["config", &format!("submodule.{name}.update"), &format!("!{program}")]);
    }
    repo.git(&["commit", "-q", "-m", "submodules"]);
    let state = repo.state();
    let urls: Vec<_> = state.submodules.value().unwrap().iter().map(|s| s.url.as_deref()).collect();
    assert_eq!(urls, [None; 6], "{state:?}");
    let named = state.passed_over.value().unwrap();
    for (name, _) in &hostile {
        assert!(named.iter().any(|n| n.starts_with(&format!("submodule {name}:"))), "{name}: {named:?}");
        assert!(named.contains(&format!("setting submodule.{name}.update")), "{name}: {named:?}");
    }
    assert!(!marker.exists());
}

/// Names that look like options, hold line breaks or no UTF-8, or are as long as names can be; and links that end nowhere.
#[test]
fn odd_names_and_loops_are_files_like_others() {
    use std::os::unix::ffi::OsStrExt as _;
    use std::os::unix::fs::symlink;
    let repo = Repo::new();
    let long = "n".repeat(255);
    let names: Vec<&[u8]> = vec![
        b"--exec=x",
        b"-rf",
        b"new\nline",
        b"\xff\xfe",
        b":(exclude)a.txt",
        b"a\\b",
        b"\"q\"",
        b"~",
        long.as_bytes(),
    ];
    let path = |name: &[u8]| repo.root.join(std::ffi::OsStr::from_bytes(name));
    names.iter().for_each(|name| std::fs::write(path(name), "x").unwrap());
    symlink("loop", path(b"loop")).unwrap();
    symlink("b", path(b"a")).unwrap();
    symlink("a", path(b"b")).unwrap();
    symlink("..", path(b"up")).unwrap();
    repo.commit();
    assert_eq!(repo.differing(), []);
    names.iter().for_each(|name| std::fs::write(path(name), "y").unwrap());
    let state = repo.state();
    assert_eq!(state.dirty.value().unwrap().files, names.len(), "{state:?}");
    assert!(state.dirty.value().unwrap().digest.value().is_some());
    // A loop where the repository itself should be.
    let folder = tempfile::tempdir().unwrap();
    symlink(".git", folder.path().join(".git")).unwrap();
    let state = Local::default().source(&env_in(folder.path()), &[]);
    assert!(matches!(&state.commit, Captured::Absent { reason } if !reason.is_empty()), "{state:?}");
}

/// A program named by the repository is run by none of the calls that look for trails, or watch a step, either.
#[test]
fn nothing_of_the_checkout_runs_while_trails_and_files_are_looked_for() {
    let (repo, markers) = trapped();
    repo.git(&[
        "-c",
        "core.hooksPath=/dev/null",
        "-c",
        "core.fsmonitor=false",
        "notes",
        "--ref",
        "ai",
        "add",
        "-m",
        "x",
        "HEAD",
    ]);
    let gone: Vec<_> = ran(&markers).iter().map(|p| p.to_path_buf()).collect();
    gone.iter().for_each(|p| std::fs::remove_file(p).unwrap());
    let env = repo.env();
    let context = crate::explain::context(&env, &attest::capture::Request::default());
    assert!(context.byproducts.iter().any(|(name, found)| *name == "git-ai-note" && found.value().is_some()));
    let watch = attest::capture::step::Watch {
        env: &env,
        globs: &[],
        excluded: &[],
        git_timeout: Duration::from_secs(30),
        hash_time: Duration::from_secs(60),
    };
    let before = attest::capture::step::Watched::before(&watch);
    repo.write("a.txt", "c\n");
    let changes = before.changes(&watch, &|_| {});
    assert_eq!(changes.value().unwrap().len(), 2, "{changes:?}");
    assert_eq!(ran(&markers), [] as [&Path; 0]);
}

fn fifo(path: &Path) {
    rustix::fs::mknodat(rustix::fs::CWD, path, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
}

/// Git opens these without looking, and would wait until somebody writes to them.
#[test]
fn a_fifo_in_the_place_of_a_file_of_git_holds_nothing_up() {
    for name in [
        ".git/HEAD",
        ".git/index",
        ".git/packed-refs",
        ".git/config",
        ".git/refs/heads/main",
        ".gitignore",
        "dir/.gitignore",
    ] {
        let repo = Repo::new();
        let path = repo.root.join(name);
        let _ = std::fs::remove_file(&path);
        fifo(&path);
        let began = std::time::Instant::now();
        let context = crate::explain::context(&repo.env(), &attest::capture::Request::default());
        let watch = attest::capture::step::Watch {
            env: &repo.env(),
            globs: &[],
            excluded: &[],
            git_timeout: Duration::from_secs(30),
            hash_time: Duration::from_secs(60),
        };
        let _ = attest::capture::step::Watched::before(&watch).changes(&watch, &|_| {});
        assert!(began.elapsed() < Duration::from_secs(60), "{name}: {:?}", began.elapsed());
        let reason = |captured: &Captured<attest::capture::Difference>| match captured {
            Captured::Absent { reason } => reason.clone(),
            Captured::Found { .. } => String::new(),
        };
        assert!(reason(&context.git.dirty).contains("is a FIFO"), "{name}: {:?}", context.git.dirty);
    }
}

#[test]
fn a_repository_with_odd_files_that_git_does_not_wait_for_is_read() {
    let repo = Repo::new();
    std::os::unix::fs::symlink("/dev/null", repo.root.join(".git/info/exclude2")).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(repo.root.join(".git/fsmonitor--daemon.ipc")).unwrap();
    fifo(&repo.root.join("dir/pipe"));
    let state = repo.state();
    assert!(state.commit.value().is_some() && state.dirty.value().is_some(), "{state:?}");
}
