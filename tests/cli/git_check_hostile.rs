//! Commits, clones and descriptions that are made so that a commit of an agent would pass for a person's, or for another agent's.

use crate::audit::{LOG, done, started};
use crate::audit_trace::Repository;
use crate::git_check::{ALICE, FIVE, VARIABLES, attest, check};
use crate::world::{PASSWORD, World};
use serde_json::Value;
use std::fs;
use std::process::Command;

/// That a commit names an execution is no record of it, and neither is what `create` wrote down of that commit.
#[test]
fn what_is_attested_of_a_commit_is_no_proof_of_its_execution() {
    let world = started();
    world.done(&["keygen"]);
    let repository = Repository::new(&world);
    repository.commit(ALICE, "out", "First");
    repository.commit(ALICE, "a", &format!("fix: it\n\n{FIVE}"));
    let log = world.root().join(LOG);
    let with_log = ["HEAD~1..HEAD", "--log", log.to_str().unwrap()];
    let variables = [("ATTEST_PASSWORD", PASSWORD), ("ATTEST_AUDIT_LOG", log.to_str().unwrap())];
    let out = attest(&world, &variables, &["create", "out", "--key", "../attest.key"], "");
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    assert!(
        done(&world, &["query", "SELECT kind, execution_id FROM record", "--format", "csv"])
            .contains("attested,exec-1")
    );
    assert!(check(&world, 1, &with_log).contains("git-execution-unknown"));
    done(&world, &["record", "action", "action_type=commit", "execution_id=exec-1", "target=commit:0123456789"]);
    assert!(check(&world, 1, &with_log).contains("git-execution-unknown"), "another commit of it neither");
    done(&world, &["record", "action", "action_type=file_modify", "execution_id=exec-1", "target=a"]);
    assert!(check(&world, 0, &with_log).contains("1 kept it"));
}

/// Where the history ends before the range does, nobody knows what stands there.
#[test]
fn a_range_that_is_cut_off_is_not_found_out() {
    let world = World::empty();
    let repository = Repository::new(&world);
    let base = repository.commit(ALICE, "a", "First");
    repository.git(ALICE, &["checkout", "-q", "-b", "work"]);
    repository.commit(ALICE, "a", "fix: it\n\nAgent: x\nSquad: s");
    for n in 0..3 {
        repository.commit(ALICE, "a", &format!("By hand {n}"));
    }
    assert!(check(&world, 1, &["main..work"]).contains("1 of 4 commits by agents"));
    assert!(check(&world, 0, &["work~2..work"]).contains("0 of 2 commits"));
    // A graft, and a replaced commit, say another history than the commits do.
    let head = repository.git(ALICE, &["rev-parse", "HEAD"]);
    world.write("app/.git/info/grafts", format!("{head} {base}\n"));
    assert!(check(&world, 1, &["main..work"]).contains("1 of 4 commits by agents"));
    fs::remove_file(world.root().join("app/.git/info/grafts")).unwrap();
    // Moved away, so that the checks that follow are of the clone.
    fs::rename(world.root().join("app"), world.root().join("whole")).unwrap();
    let from = format!("file://{}", world.root().join("whole").display());
    let clone = Command::new("git")
        .args(["clone", "-q", "--depth", "3", "--no-single-branch", "-b", "work", &from, "app"])
        .current_dir(world.root())
        .env("HOME", world.home())
        .status()
        .unwrap();
    assert!(clone.success());
    let said = check(&world, 3, &["origin/main..HEAD"]);
    assert!(said.contains("git-check-cut") && said.contains("fetch the whole history (fetch-depth: 0)"), "{said}");
    check(&world, 3, &["HEAD"]);
    assert!(check(&world, 0, &["HEAD~2..HEAD"]).contains("0 of 2 commits"), "all of it is there");
    let push = format!("{base} {head} refs/heads/work\n");
    let out = attest(&world, &[], &["git", "check", "--pre-receive"], &push);
    assert_eq!(out.status.code(), Some(3), "a push into a shallow clone, too");
}

/// A commit with a message and an author of whatever bytes; its id.
fn raw(repository: &Repository<'_>, heads: &[u8], message: &[u8]) -> String {
    let tree = repository.git(ALICE, &["rev-parse", "HEAD^{tree}"]);
    let parent = repository.git(ALICE, &["rev-parse", "HEAD"]);
    let object = [format!("tree {tree}\nparent {parent}\n").as_bytes(), heads, b"\n", message].concat();
    let path = repository.0.root().join("object");
    fs::write(&path, object).unwrap();
    repository.git(ALICE, &["hash-object", "-t", "commit", "-w", "--literally", path.to_str().unwrap()])
}

const BY_ALICE: &str = "author Alice <alice@example.com> 1736935200 +0000\n";
const IN_BY_ALICE: &str = "committer Alice <alice@example.com> 1736935200 +0000\n";

/// Whatever git itself shows as one of our trailers makes a commit an agent's.
#[test]
fn no_trailer_that_git_shows_is_missed() {
    let world = World::empty();
    let repository = Repository::new(&world);
    repository.commit(ALICE, "a", "First");
    let heads = format!("{BY_ALICE}{IN_BY_ALICE}");
    let messages: &[(&[u8], i32)] = &[
        (b"T\n\nText\nAgent: x\nSquad: s\nSigned-off-by: A <a@a.example>\n", 1),
        (b"T\n\n# remark\nAgent: x\nSquad: s\n", 1),
        (b"T\n\nAgent: x\x01\nSquad: s\x01\n", 1),
        (b"T\n\nAgent: x\xff\nSquad: s\xff\n", 1),
        ("T\n\nAgent: агент\n".as_bytes(), 1),
        (b"T\n\nAgent:\n", 1),
        (b"T\n\nAgent: we should drop it\n", 1),
        (b"T\n\nAgent: x\n---: y\n", 1),
        (b"T\n\nSigned-off-by: A <a@a.example>\n---\nAgent: x\nText\n", 1),
        ("T\n\nSigned-off-by: A <a@a.example>\n\u{a0}\nAgent: x\nText\n".as_bytes(), 1),
        (b"T\n\nAgent: x\n\nConflicts:\n\tfile\n", 1),
        (b"T\n\nAgent: x\n\n# remark\n", 1),
        (b"T\n\nCo-authored-by: Claude <noreply@anthropic.com>\x01\n", 1),
        (b"T\n\nText\nAgent: x\nand text\n", 0),
        (b"T\n\nThe text.\n", 0),
    ];
    for (message, code) in messages {
        let id = raw(&repository, heads.as_bytes(), message);
        let shown = Command::new("git")
            .args(["log", "-1", "--format=%(trailers:only,unfold)", &id])
            .current_dir(world.root().join("app"))
            .output()
            .unwrap();
        let is_shown = shown.stdout.windows(6).any(|word| word == b"Agent:" || word == b"Co-aut");
        assert_eq!(is_shown, *code == 1, "git itself: {}", String::from_utf8_lossy(message));
        check(&world, *code, &[&format!("{id}^!")]);
    }
    let id = raw(&repository, heads.as_bytes(), b"fix: T\n\nAgent: x\x01\n");
    assert!(check(&world, 1, &[&format!("{id}^!")]).contains("git-trailer-malformed: Agent"));
}

#[test]
fn a_message_over_a_limit_is_nobodys_answer() {
    let world = World::empty();
    let repository = Repository::new(&world);
    repository.commit(ALICE, "a", "First");
    let heads = format!("{BY_ALICE}{IN_BY_ALICE}");
    let set = |n: usize| format!("\nAgent: a\nSquad: s\nTrigger: manual\nExecution: e{n}\nModel: m\n");
    let sets = |n: usize| (0..n).map(set).collect::<String>();
    for (message, code) in [
        (format!("fix: T\n\n{}\nAgent: x\n", "a\n".repeat(20_001)), 3),
        (format!("fix: T\n\n{}", "X: y\n".repeat(1001)), 3),
        (format!("fix: T\n{}\nAgent: evil\n", sets(100)), 3),
        (format!("fix: T\n\n{}", "a\n".repeat(19_000)), 0),
        (format!("fix: T\n{}", sets(100)), 0),
    ] {
        let id = raw(&repository, heads.as_bytes(), message.as_bytes());
        let said = check(&world, code, &[&format!("{id}^!")]);
        assert_eq!(said.contains("limit-exceeded"), code == 3, "{said}");
    }
}

/// A second header and a second address are enough: which of them counts, programs answer differently.
#[test]
fn every_address_of_author_and_committer_counts() {
    let world = World::empty();
    let repository = Repository::new(&world);
    repository.commit(ALICE, "a", "First");
    let claude = "C <noreply@anthropic.com>";
    for (author, agents) in [
        ("author C <noreply@anthropic.com> <me@example.com> 1 +0000\n".to_owned(), 1),
        ("author C <me@example.com> <noreply@anthropic.com> 1 +0000\n".to_owned(), 1),
        ("author C <<noreply@anthropic.com> 1 +0000\n".to_owned(), 1),
        (format!("{BY_ALICE}author {claude} 1 +0000\n"), 1),
        (format!("author {claude} 1 +0000\n{BY_ALICE}"), 1),
        (format!("{BY_ALICE}committer {claude} 1 +0000\n"), 1),
        ("author noreply@anthropic.com <me@example.com> 1 +0000\n".to_owned(), 0),
        (BY_ALICE.to_owned(), 0),
    ] {
        let id = raw(&repository, format!("{author}{IN_BY_ALICE}").as_bytes(), b"T\n");
        let said = check(&world, agents, &[&format!("{id}^!")]);
        assert!(said.contains(&format!("{agents} of 1 commit by agents")), "{author}: {said}");
    }
}

/// What merely looks like a sign is said to; `import` does not name an agent by it.
#[test]
fn a_sentence_about_a_sign_is_told_from_a_sign() {
    let world = started();
    let repository = Repository::new(&world);
    repository.commit(ALICE, "a", "First");
    for (message, by) in [
        ("Co-authored-by: Claude <noreply@anthropic.com>", "an agent's by a hint in its message, claude-code"),
        (
            "We no longer accept\nCo-authored-by: Claude <noreply@anthropic.com>\nlines.",
            "an agent's by a line that looks like `Co-authored-by`, claude-code",
        ),
        (
            "Remove the line \"Generated with [Claude Code](x)\".",
            "an agent's by a line that looks like `Generated with`, claude-code",
        ),
    ] {
        repository.commit(ALICE, "a", &format!("T\n\n{message}"));
        assert!(check(&world, 1, &["HEAD~1..HEAD"]).contains(by), "{message}");
    }
    let report: Value = serde_json::from_str(&done(&world, &["import", "git", "app", "--format", "json"])).unwrap();
    assert_eq!((&report["read"], &report["other"]), (&4.into(), &3.into()), "one agent is named: {report}");
}

#[test]
fn a_hook_keeps_bytes_and_other_sets() {
    let world = World::empty();
    let repository = Repository::new(&world);
    let path = world.root().join("app/message");
    let hook = |message: &[u8]| {
        fs::write(&path, message).unwrap();
        let out = attest(&world, VARIABLES, &["git", "trailers", "message"], "");
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        fs::read(&path).unwrap()
    };
    let bytes = b"caf\xE9\n\ntext\xA0\x85\n";
    assert_eq!(hook(bytes), [&bytes[..], b"\n", FIVE.as_bytes(), b"\n"].concat());
    let foreign = "fix: T\n\nAgent: evil\nSquad: s2\n";
    let found = String::from_utf8(hook(foreign.as_bytes())).unwrap();
    assert_eq!(found, format!("{foreign}\n{FIVE}\n"));
    repository.commit(ALICE, "a", "First");
    repository.git(ALICE, &["commit", "-q", "--allow-empty", "-m", &found]);
    assert_eq!(repository.git(ALICE, &["log", "-1", "--format=%(trailers:only)"]), FIVE);
    let said = check(&world, 1, &["HEAD~1..HEAD"]);
    assert!(said.contains("git-trailer-missing: no trailer Execution"), "what the other lacks it still lacks: {said}");
}
