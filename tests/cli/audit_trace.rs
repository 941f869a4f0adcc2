//! From a commit back to who asked for it, over a history that the real git made.

use crate::audit::{LOG, done, ends, holds, started};
use crate::world::World;
use serde_json::{Value, json};
use std::process::Command;

const ALICE: (&str, &str) = ("Alice Example", "583231+alice@users.noreply.github.com");
const BOB: (&str, &str) = ("Bob Example", "1024+bob@users.noreply.github.com");
const FIVE: &str = "Agent: issue-solver\nSquad: engineering\nTrigger: event (issue.labeled)\nExecution: exec-abc123\nModel: claude-sonnet-4";

/// A repository beside the log, in `app`.
pub(crate) struct Repository<'a>(pub(crate) &'a World);

impl Repository<'_> {
    pub(crate) fn new(world: &World) -> Repository<'_> {
        std::fs::create_dir(world.root().join("app")).unwrap();
        let repository = Repository(world);
        repository.git(ALICE, &["init", "-q", "-b", "main"]);
        repository.git(ALICE, &["remote", "add", "origin", "git@github.com:acme/app.git"]);
        repository
    }

    pub(crate) fn git(&self, who: (&str, &str), args: &[&str]) -> String {
        let mut git = Command::new("git");
        git.args(args).current_dir(self.0.root().join("app")).env("HOME", self.0.home());
        for (role, of) in [("AUTHOR", who), ("COMMITTER", who)] {
            git.env(format!("GIT_{role}_NAME"), of.0).env(format!("GIT_{role}_EMAIL"), of.1);
        }
        let out = git.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1").output().unwrap();
        assert!(out.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8(out.stdout).unwrap().trim().to_owned()
    }

    /// Commits a change of a file; the commit's id.
    pub(crate) fn commit(&self, who: (&str, &str), file: &str, message: &str) -> String {
        let path = format!("app/{file}");
        let before = std::fs::read_to_string(self.0.root().join(&path)).unwrap_or_default();
        self.0.write(&path, format!("{before}{message}\n"));
        self.git(who, &["add", "-A"]);
        self.git(who, &["commit", "-q", "--cleanup=verbatim", "-m", message]);
        self.git(who, &["rev-parse", "HEAD"])
    }
}

/// A commit of an agent on a branch, which somebody else merged; its id, and that of the merge.
fn merged(repository: &Repository<'_>) -> (String, String) {
    repository.commit(ALICE, "README", "First");
    repository.git(ALICE, &["checkout", "-q", "-b", "fix"]);
    let fix = repository.commit(ALICE, "login.ts", &format!("Fix the secret plan\n\nSome text.\n---\n{FIVE}"));
    repository.commit(ALICE, "login.ts", "Mend it");
    repository.git(ALICE, &["checkout", "-q", "main"]);
    repository.git(BOB, &["merge", "-q", "--no-ff", "-m", "Merge fix", "fix"]);
    (fix, repository.git(ALICE, &["rev-parse", "HEAD"]))
}

fn import(world: &World) -> Value {
    serde_json::from_str(&done(world, &["import", "git", "app", "--format", "json"])).unwrap()
}

#[test]
fn a_history_is_taken_in_once_with_its_trailers_and_nothing_of_its_text() {
    let world = started();
    let repository = Repository::new(&world);
    let (fix, merge) = merged(&repository);
    let report = import(&world);
    let counts = |report: &Value| {
        ["read", "new", "known", "other", "broken", "withheld"].map(|name| report[name].as_u64().unwrap())
    };
    assert_eq!(counts(&report), [4, 5, 0, 3, 0, 0], "a merge says also who let it in: {report}");
    let again = import(&world);
    assert_eq!(counts(&again), [4, 0, 5, 3, 0, 0]);
    assert_eq!(again["differs"], json!([]));
    repository.commit(ALICE, "more", "More");
    assert_eq!(counts(&import(&world))[..3], [5, 1, 5], "only what is new");
    let log = world.root().join(LOG);
    assert!(holds(&log, &fix) && holds(&log, "engineering/issue-solver"), "the search finds what is there");
    for text in ["secret plan", "Some text", "Alice Example", "alice@users", "github:583231", "Mend it"] {
        assert!(!holds(&log, text), "{text}");
    }
    let rows = |sql: &str| {
        let answer: Value = serde_json::from_str(&done(&world, &["query", sql, "--format", "json"])).unwrap();
        answer["rows"].as_array().unwrap().clone()
    };
    let sql = format!(
        "SELECT agent, squad, execution_id, model, repository FROM audit_log WHERE artifact_ref = 'commit:{fix}' AND action = 'commit'"
    );
    let expected =
        json!(["issue-solver", "engineering", "exec-abc123", "claude-sonnet-4", "https://github.com/acme/app"]);
    assert_eq!(rows(&sql), [expected]);
    let sql =
        format!("SELECT \"trigger\", merged FROM record WHERE head_commit IN ('{fix}', '{merge}') ORDER BY number");
    assert_eq!(rows(&sql)[0], json!(["event", null]));
    assert!(rows(&sql)[1][1].is_string());
    // A message that is longer than one may be is a loss, and stops nothing.
    world.write("app/long", format!("Long\n\n{}\n", "x".repeat(1 << 20)));
    repository.git(ALICE, &["commit", "-q", "--allow-empty", "-F", "long"]);
    repository.commit(ALICE, "after", "After");
    assert_eq!(counts(&import(&world)), [7, 2, 6, 3 + 2, 1, 0]);
    assert_eq!(counts(&import(&world))[1], 0);
    assert!(done(&world, &["verify"]).contains("1 lost event"));
    assert_eq!(done(&world, &["import", "git", "app", "--range", "HEAD~1..HEAD"]).lines().count(), 1);
    for (args, code, word) in [
        (&["import", "git", "nowhere"][..], 3, "audit-source-unreadable"),
        (&["import", "git", "app", "--range", "nothing..x"], 3, "audit-source-unreadable"),
        (&["import", "git", "app", "--agent", "a/b"], 2, "--agent says nothing of git"),
        (&["import", "claude-code", "app/README"], 2, "audit-malformed"),
        (&["import", "svn", "app"], 2, "possible values: claude-code, git"),
        (&["import", "git", "app", "--range=--output=x"], 3, "audit-source-unreadable"),
    ] {
        assert!(ends(&world, code, args).contains(word), "{args:?}: {}", ends(&world, code, args));
    }
}

#[test]
fn commits_that_git_squashed_rebased_amended_and_picked_are_still_of_their_executions() {
    let world = started();
    let repository = Repository::new(&world);
    repository.commit(ALICE, "README", "First");
    let five = |n: u8| FIVE.replace("exec-abc123", &format!("exec-{n}"));
    repository.git(ALICE, &["checkout", "-q", "-b", "work"]);
    repository.commit(ALICE, "a", &format!("One\n\n{}", five(1)));
    repository.commit(ALICE, "b", &format!("Two\n\n{}", five(2)));
    let prose = repository.commit(ALICE, "c", "Three\n\nThen came\nAgent: Smith\nand Execution: none\n");
    // Squashed by git, which puts each message in.
    repository.git(ALICE, &["checkout", "-q", "main"]);
    repository.git(ALICE, &["merge", "-q", "--squash", "work"]);
    repository.git(ALICE, &["commit", "-q", "--no-edit"]);
    let squash = repository.git(ALICE, &["rev-parse", "HEAD"]);
    // Picked, with what git adds; then amended; then rebased.
    repository.git(ALICE, &["checkout", "-q", "-b", "other", "main~1"]);
    repository.git(ALICE, &["cherry-pick", "-x", "work~2"]);
    let picked = repository.git(ALICE, &["rev-parse", "HEAD"]);
    repository.git(ALICE, &["commit", "-q", "--amend", "--no-edit", "--signoff"]);
    let amended = repository.git(ALICE, &["rev-parse", "HEAD"]);
    repository.git(ALICE, &["checkout", "-q", "-b", "kept"]);
    repository.commit(ALICE, "z", "Apart");
    repository.git(ALICE, &["rebase", "-q", "main~1"]);
    import(&world);
    let executions = |id: &str| {
        let sql = format!("SELECT execution_id FROM record WHERE head_commit = '{id}' ORDER BY 1");
        let out = done(&world, &["query", &sql, "--format", "json"]);
        let answer: Value = serde_json::from_str(&out).unwrap();
        answer["rows"].as_array().unwrap().iter().map(|row| row[0].clone()).collect::<Vec<_>>()
    };
    assert_eq!(executions(&squash), [json!("exec-1"), json!("exec-2")], "a squash is of both");
    assert_eq!(executions(&amended), [json!("exec-1")]);
    assert_eq!(executions(&prose), [Value::Null], "prose is nobody's");
    assert_eq!(
        ends(&world, 1, &["query", &format!("SELECT 1 FROM record WHERE head_commit = '{picked}'")]).lines().count(),
        2,
        "amended away"
    );
}

#[test]
fn a_commit_is_traced_back_and_forth_and_what_is_not_known_is_a_hole() {
    let world = started();
    let repository = Repository::new(&world);
    let (fix, merge) = merged(&repository);
    let start =
        ["start", "--agent", "engineering/issue-solver", "--execution", "exec-abc123", "--requested-by", "github:7"];
    let more = ["--charter", "https://github.com/acme/app/issues/42", "environment=runner-1"];
    done(&world, &[&start[..], &more].concat());
    done(
        &world,
        &[
            "record",
            "action",
            "execution_id=exec-abc123",
            "session_id=253fd5ef",
            "action_type=file_modify",
            "target=login.ts",
        ],
    );
    done(&world, &["record", "session", "session_id=253fd5ef", "transcript=sha256:9ab3"]);
    done(&world, &["finish", "exec-abc123"]);
    import(&world);
    let digest = format!("sha256:{}", "ab".repeat(32));
    let attested =
        ["record", "attested", "subject=ghcr.io/acme/app", &format!("digest={digest}"), &format!("commit={fix}")];
    done(&world, &attested);
    let admitted = [
        "record",
        "admitted",
        "subject=ghcr.io/acme/app",
        "verdict=allow",
        &format!("digest={digest}"),
        "namespace=prod",
    ];
    done(&world, &admitted);
    let lines = |what: &str| done(&world, &["trace", what]);
    let of_commit = lines(&format!("commit:{fix}"));
    for line in [
        "|- made by   execution exec-abc123  engineering/issue-solver  success",
        "|  |- session   253fd5ef, transcript sha256:9ab3",
        "|  |- asked by  github:7 d",
        "|  |- asked by  charter https://github.com/acme/app/issues/42 d",
        "|  |- where     runner-1 d",
        "|- author    github:583231 d",
        "|- merged    github:1024, merge, ",
        "`- built     ghcr.io/acme/app@sha256:abab",
        "   `- admitted  allow in prod",
    ] {
        assert!(of_commit.lines().any(|found| found.starts_with(line)), "{line}\n{of_commit}");
    }
    assert!(!of_commit.contains("HOLE"), "{of_commit}");
    assert_eq!(lines(&fix[..9]), of_commit, "by the beginning of its id");
    // From each other thing one comes to the same.
    for what in [
        "exec-abc123",
        "execution:exec-abc123",
        "253fd5ef",
        "login.ts",
        "file:login.ts",
        &digest,
        &format!("x@{digest}"),
    ] {
        let found = lines(what);
        assert!(found.contains(&fix) && found.contains("github:7") && found.contains("253fd5ef"), "{what}: {found}");
    }
    assert!(lines("exec-abc123").contains("admitted  allow in prod") && lines(&digest).contains("issues/42"));
    let by_person = lines(&format!("commit:{merge}"));
    assert!(by_person.contains("HOLE      no agent and no execution is named"), "{by_person}");
    assert!(by_person.contains("HOLE      nobody approved it"), "{by_person}");
    // Without what was done in it there is a hole, and without the commit, too.
    let bare = started();
    let repository = Repository::new(&bare);
    let (fix, _) = merged(&repository);
    import(&bare);
    assert!(done(&bare, &["trace", &fix]).contains("`- HOLE      the log has nothing of it but commits that name it"));
    done(&bare, &["record", "action", "action_type=push", "target=commit:abc1234"]);
    assert!(done(&bare, &["trace", "commit:abc1234"]).contains("HOLE      no record of the commit itself"));
    for nothing in ["commit:0000000", "nothing", "sha256:00", "file:x", &fix[..5]] {
        assert!(ends(&bare, 1, &["trace", nothing]).contains("audit-unknown"), "{nothing}");
    }
    let json: Value = serde_json::from_str(&done(&bare, &["trace", &fix, "--format", "json"])).unwrap();
    assert_eq!((&json["unknown"], &json["trace"]["more"][0]["relation"]), (&json!(1), &json!("made by")), "{json}");
}

#[test]
fn whoever_approved_counts_unless_they_made_it_or_asked_for_it() {
    let world = started();
    let repository = Repository::new(&world);
    let (fix, merge) = merged(&repository);
    import(&world);
    let who = |id: &str| done(&world, &["who-approved", &format!("commit:{id}")]);
    let by_merge = who(&fix);
    assert!(by_merge.starts_with("github:1024, merge, ") && by_merge.contains("of commit:"), "{by_merge}");
    for nobody in [&merge, &repository.git(ALICE, &["rev-parse", "main~1"])] {
        let said = ends(&world, 1, &["who-approved", &format!("commit:{nobody}")]);
        assert_eq!(said, format!("nobody approved commit {nobody}, as far as this log knows\n"));
    }
    done(
        &world,
        &[
            "start",
            "--agent",
            "engineering/issue-solver",
            "--execution",
            "exec-abc123",
            "--requested-by",
            "github:1024",
        ],
    );
    let said = ends(&world, 1, &["who-approved", &fix]);
    assert!(said.contains("not counted, asked for it: github:1024, merge"), "{said}");
    let approve = |who: &str, how: &str, more: &[&str]| {
        let target = format!("target=commit:{fix}");
        let (who, how) = (format!("approver={who}"), format!("how={how}"));
        done(&world, &[&["record", "approval", &target, &who, &how][..], more].concat());
    };
    approve("github:583231", "click", &[]);
    approve("github:9", "review", &["result=dismissed"]);
    let said = ends(&world, 1, &["who-approved", &fix]);
    assert!(
        said.contains("not counted, made it: github:583231, click")
            && said.contains("not counted, dismissed: github:9"),
        "{said}"
    );
    approve("github:8", "rule", &[]);
    let json: Value = serde_json::from_str(&done(&world, &["who-approved", &fix, "--format", "json"])).unwrap();
    assert_eq!((&json["approved"][0]["who"], &json["approved"][0]["how"]), (&json!("github:8"), &json!("rule")));
    assert_eq!(json["notCounted"].as_array().unwrap().len(), 3);
    // An approval that was erased may have been one of this commit.
    done(&world, &["erase", "--record", "9", "--basis", "request-1"]);
    let said = ends(&world, 1, &["who-approved", &fix]);
    assert!(said.contains("HOLE  1 record cannot be read (9), erased: redaction 10, request-1"), "{said}");
    ends(&world, 1, &["who-approved", "commit:0000000"]);
}

#[test]
fn a_merge_approves_what_it_brings_in_and_not_what_was_there() {
    let world = started();
    let repository = Repository::new(&world);
    let first = repository.commit(ALICE, "README", "First");
    repository.git(ALICE, &["checkout", "-q", "-b", "side"]);
    let side = repository.commit(ALICE, "side", "On the side");
    repository.git(ALICE, &["checkout", "-q", "main"]);
    let main = repository.commit(ALICE, "README", "On main");
    // Main into the side, which is nobody's word on main; then the side into main.
    repository.git(ALICE, &["checkout", "-q", "side"]);
    repository.git(BOB, &["merge", "-q", "--no-ff", "-m", "Take main", "main"]);
    repository.git(ALICE, &["checkout", "-q", "main"]);
    repository.git(BOB, &["merge", "-q", "--no-ff", "-m", "Take side", "side"]);
    import(&world);
    for nobody in [&first, &main] {
        ends(&world, 1, &["who-approved", nobody]);
    }
    assert!(done(&world, &["who-approved", &side]).starts_with("github:1024, merge"));
}

#[test]
fn an_approval_that_is_signed_records_itself() {
    let world = World::new();
    world.repository();
    let log = world.home().join("log");
    let run = |args: &[&str]| {
        let mut program = Command::new(env!("CARGO_BIN_EXE_attest"));
        program.args(args).current_dir(world.root()).env("HOME", world.home()).env("ATTEST_AUDIT_LOG", &log);
        let out = program.env("ATTEST_PASSWORD", crate::world::PASSWORD).output().unwrap();
        assert!(out.status.success(), "{args:?}: {}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8(out.stdout).unwrap()
    };
    let approve = ["approve", "commit:HEAD", "--key", "attest.key", "--yes", "--output", "approval.json"];
    run(&approve);
    run(&["audit", "init", "--origin", "audit.example/test"]);
    run(&approve);
    run(&["audit", "import", "git", "."]);
    let said = run(&["audit", "who-approved", "HEAD"]);
    assert!(
        said.starts_with("key:sha256:") && said.contains(", signed, ") && said.contains(" w, said by attest"),
        "{said}"
    );
    run(&[&approve[..], &["--approver", "github:1024"]].concat());
    assert!(run(&["audit", "who-approved", "HEAD"]).contains("github:1024, signed, "), "as they say");
    assert!(!holds(&log, "github:1024"));
}
