//! Commits of agents, made by the real git: the trailers that are written, and the rule that they are held against.

use crate::audit::{LOG, done, started};
use crate::audit_trace::Repository;
use crate::world::World;
use serde_json::Value;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

pub(crate) const ALICE: (&str, &str) = ("Alice", "alice@example.com");
pub(crate) const FIVE: &str =
    "Agent: solver\nSquad: eng\nTrigger: event (issue.labeled)\nExecution: exec-1\nModel: claude-sonnet-4";
pub(crate) const VARIABLES: &[(&str, &str)] = &[
    ("ATTEST_AGENT", "eng/solver"),
    ("ATTEST_TRIGGER", "event (issue.labeled)"),
    ("ATTEST_EXECUTION", "exec-1"),
    ("ATTEST_MODEL", "claude-sonnet-4"),
];

pub(crate) fn attest(world: &World, variables: &[(&str, &str)], args: &[&str], input: &str) -> Output {
    let mut program = Command::new(env!("CARGO_BIN_EXE_attest"));
    program.args(args).current_dir(world.root().join("app")).env("HOME", world.home()).envs(variables.iter().copied());
    program.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = program.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

/// What `git check` says, which ends with a code.
pub(crate) fn check(world: &World, code: i32, args: &[&str]) -> String {
    let out = attest(world, &[], &[&["git", "check"], args].concat(), "");
    let said = String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr);
    assert_eq!(out.status.code(), Some(code), "{args:?}: {said}");
    said
}

/// A hook that runs this program.
fn hook(path: &Path, arguments: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, format!("#!/bin/sh\nexec '{}' {arguments}\n", env!("CARGO_BIN_EXE_attest"))).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn trailers_are_written_where_git_finds_them_and_a_squash_keeps_all() {
    let world = World::empty();
    let repository = Repository::new(&world);
    let printed = attest(&world, VARIABLES, &["git", "trailers"], "");
    assert_eq!(String::from_utf8(printed.stdout).unwrap(), format!("{FIVE}\n"));
    for (args, word) in [
        (&["git", "trailers"][..], "no agent is named"),
        (&["git", "trailers", "--agent", "a b"], "Agent: expected"),
        (&["git", "trailers", "--agent", "a", "--trigger", "sometime"], "Trigger: expected"),
        (&["git", "trailers", "--agent", "a", "--execution", "a b"], "Execution: expected"),
    ] {
        let out = attest(&world, &[], args, "");
        assert_eq!(out.status.code(), Some(2), "{args:?}");
        assert!(String::from_utf8_lossy(&out.stderr).contains(word), "{args:?}");
    }
    hook(&world.root().join("app/.git/hooks/prepare-commit-msg"), "git trailers \"$@\"");
    let git = |variables: &[(&str, &str)], args: &[&str]| {
        let mut git = Command::new("git");
        git.args(["-c", "user.name=A", "-c", "user.email=a@example.com"]).args(args);
        git.current_dir(world.root().join("app")).env("HOME", world.home()).envs(variables.iter().copied());
        let out = git.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_EDITOR", "true").output().unwrap();
        assert!(out.status.success(), "{args:?}: {}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8(out.stdout).unwrap()
    };
    let trailers = |rev: &str| git(&[], &["log", "-1", "--format=%(trailers:only)", rev]).trim_end().to_owned();
    let commit = |variables: &[(&str, &str)], message: &str| {
        git(variables, &["commit", "-q", "--allow-empty", "-m", message]);
        trailers("HEAD")
    };
    assert_eq!(commit(&[], "By a person"), "", "a person's commit stays as it is");
    assert_eq!(commit(VARIABLES, "fix: it"), FIVE);
    assert_eq!(commit(VARIABLES, "fix: it\n\nText.\n---\nMore text."), FIVE);
    let signed = commit(VARIABLES, "fix: it\n\nText.\n\nReviewed-by: B <b@b>");
    assert_eq!(signed, format!("Reviewed-by: B <b@b>\n{FIVE}"));
    git(VARIABLES, &["commit", "-q", "--amend", "--allow-empty", "--no-edit"]);
    assert_eq!(trailers("HEAD"), signed, "not twice");
    // Two executions, squashed by git.
    git(&[], &["checkout", "-q", "-b", "work"]);
    let second: Vec<_> = VARIABLES.iter().map(|(n, v)| (*n, if *v == "exec-1" { "exec-2" } else { v })).collect();
    repository.0.write("app/a", "a");
    git(&[], &["add", "a"]);
    commit(VARIABLES, "fix: one");
    repository.0.write("app/b", "b");
    git(&[], &["add", "b"]);
    commit(&second, "fix: two");
    git(&[], &["checkout", "-q", "-"]);
    git(&[], &["checkout", "-q", "main"]);
    git(&[], &["merge", "-q", "--squash", "work"]);
    git(&second, &["commit", "-q"]);
    let all = trailers("HEAD");
    assert_eq!(all, format!("{}\n{FIVE}", FIVE.replace("exec-1", "exec-2")), "git lists the newest first");
}

#[test]
fn each_rule_has_a_commit_that_keeps_it_and_one_that_does_not() {
    let world = World::empty();
    let repository = Repository::new(&world);
    repository.commit(ALICE, "README", "First");
    let good = format!("fix: it\n\n{FIVE}");
    let says = |who: (&str, &str), message: &str, code: i32| {
        repository.commit(who, "a", message);
        check(&world, code, &["HEAD~1..HEAD"])
    };
    assert!(says(ALICE, &good, 0).ends_with("ORG-001: 1 of 1 commit by agents: 1 kept it, 0 exceptions, 0 did not\n"));
    for line in FIVE.lines() {
        let name = line.split_once(':').unwrap().0;
        let said = says(ALICE, &good.replace(&format!("\n{line}"), ""), 1);
        assert!(said.contains(&format!("git-trailer-missing: no trailer {name}")), "{said}");
        let said = says(ALICE, &good.replace(line, &format!("{name}: no <value>")), 1);
        assert!(said.contains(&format!("git-trailer-malformed: {name}: expected")), "{said}");
    }
    assert!(says(ALICE, &good.replace("fix: it", "Fix it"), 1).contains("git-subject"));
    // Whose it is: by author, committer, sign in the message, or list; a person's is let alone.
    assert!(says(ALICE, "Fix it by hand", 0).contains("0 of 1 commit by agents"));
    assert!(says(ALICE, "Then came\nAgent: Smith", 0).contains("0 of 1 commit by agents"));
    assert!(says(("Claude", "noreply@anthropic.com"), "Fix it", 1).contains("its author, claude-code"));
    assert!(says(ALICE, "fix: it\n\nCo-authored-by: Amp <amp@ampcode.com>", 1).contains("a hint in its message, amp"));
    repository.commit(("Bot", "bot@example.com"), "a", "fix: it");
    assert!(check(&world, 0, &["HEAD~1..HEAD"]).contains("0 of 1 commit"));
    world.write("agents", "# ours\nBOT@example.com  # the bot\n");
    assert!(check(&world, 1, &["HEAD~1..HEAD", "--agents", "../agents"]).contains("its author, who is listed"));
    // An exception passes, and is told.
    let broken = good.replace("Squad: eng\n", "");
    let says = |message: &str, code: i32| {
        repository.commit(ALICE, "a", message);
        check(&world, code, &["HEAD~1..HEAD"])
    };
    let said = says(&format!("{broken}\n\nAudit-Exception: ORG-001; the site is down"), 0);
    assert!(said.contains("EXCEPTION") && said.contains("the site is down, approved by nobody"), "{said}");
    assert!(said.ends_with("0 kept it, 1 exception, 0 did not\n"), "{said}");
    assert!(says(&format!("{broken}\n\nAudit-Exception: ORG-001"), 1).contains("git-exception-without-reason"));
    says(&format!("{broken}\n\nAudit-Exception: ORG-002; x"), 1);
    // Nothing looked at is nothing proved.
    assert!(check(&world, 2, &["HEAD..HEAD"]).contains("git-check-nothing"));
    let typo = check(&world, 2, &["nothing..HEAD"]);
    assert!(typo.contains("git-check-range") && typo.contains("expected commits of this repository"), "{typo}");
    assert!(typo.contains("bad revision 'nothing..HEAD'") && !typo.contains("audit log"), "{typo}");
    assert!(check(&world, 2, &["--", "--all"]).contains("git-check-range"), "no option of git's");
    check(&world, 2, &[]);
    let json = attest(&world, &[], &["git", "check", "HEAD~1..HEAD", "--format", "json"], "");
    let json: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(
        (&json["passes"], &json["agents"][0]["faults"][0]["code"]),
        (&false.into(), &"git-trailer-missing".into())
    );
}

#[test]
fn the_execution_is_in_the_log_and_in_the_description() {
    let world = started();
    let repository = Repository::new(&world);
    repository.commit(ALICE, "README", "First");
    let fix = repository.commit(ALICE, "a", &format!("fix: it\n\n{FIVE}"));
    let log = world.root().join(LOG);
    let with_log = ["HEAD~1..HEAD", "--log", log.to_str().unwrap()];
    assert!(check(&world, 1, &with_log).contains("git-execution-unknown"));
    // That a commit names it is no record of it.
    done(&world, &["import", "git", "app"]);
    assert!(check(&world, 1, &with_log).contains("git-execution-unknown"));
    let other = format!("target=commit:{}", "0123456789".repeat(4));
    done(&world, &["record", "exception", "rule=ORG-001", &other, "reason=another"]);
    check(&world, 1, &with_log);
    let target = format!("target=commit:{fix}");
    done(&world, &["record", "exception", "rule=ORG-001", &target, "reason=hotfix", "approver=github:7"]);
    assert!(check(&world, 0, &with_log).contains("passes all the same (log): hotfix, approved by github:7"));
    done(&world, &["start", "--agent", "eng/solver", "--execution", "exec-1"]);
    assert!(check(&world, 0, &with_log).contains("1 kept it"));
    let described = ["HEAD~1..HEAD", "--pull-request", "../description"];
    for (text, code) in [
        ("What it does.\n\nExecution: exec-1\n", 0),
        ("What it does.\n\nExecution: exec-12\n", 1),
        ("What it does, with exec-1 in a sentence.\n", 1),
        ("<!-- Execution: exec-1 -->\n", 1),
        ("<!--\nAudit-Exception: ORG-001; REASON\n-->\n", 1),
        ("```\nAudit-Exception: ORG-001; REASON\n```\n", 1),
        ("What it does.\n\nAudit-Exception: ORG-001; a revert\n", 0),
    ] {
        world.write("description", text);
        let said = check(&world, code, &described);
        assert_eq!(
            said.contains("git-execution-not-described"),
            !text.starts_with("What it does.\n\nExecution: exec-1\n"),
            "{said}"
        );
    }
}

#[test]
fn a_server_refuses_a_push_that_does_not_keep_the_rule() {
    let world = World::empty();
    let repository = Repository::new(&world);
    repository.commit(ALICE, "README", "First");
    let server = world.root().join("server.git");
    repository.git(ALICE, &["clone", "-q", "--bare", ".", server.to_str().unwrap()]);
    hook(&server.join("hooks/pre-receive"), "git check --pre-receive");
    let push = |refs: &str| {
        let mut git = Command::new("git");
        git.args(["push", "-q", server.to_str().unwrap(), refs]).current_dir(world.root().join("app"));
        let out = git.env("HOME", world.home()).env("GIT_CONFIG_GLOBAL", "/dev/null").output().unwrap();
        (out.status.success(), String::from_utf8_lossy(&out.stderr).into_owned())
    };
    repository.commit(ALICE, "a", &format!("fix: it\n\n{FIVE}"));
    repository.commit(ALICE, "a", "By hand");
    let (ok, said) = push("HEAD:main");
    assert!(ok, "{said}");
    repository.commit(ALICE, "a", "fix: it\n\nAgent: solver\nSquad: eng");
    let (ok, said) = push("HEAD:main");
    assert!(!ok && said.contains("git-trailer-missing: no trailer Execution"), "{said}");
    assert!(!push("HEAD:refs/heads/new").0, "by another name neither");
    assert!(push("HEAD~1:refs/heads/new").0, "nothing new");
    assert!(push(":refs/heads/new").0, "a branch that goes brings nothing");
    let out = attest(&world, &[], &["git", "check", "--pre-receive"], "x y z\n");
    assert_eq!(out.status.code(), Some(2));
}
