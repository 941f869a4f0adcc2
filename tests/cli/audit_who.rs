//! Who approved a commit: what must not count, each beside what does.

use crate::audit::{done, ends, started};
use crate::audit_trace::Repository;
use crate::world::World;
use serde_json::Value;

const ALICE: (&str, &str) = ("Alice Example", "583231+alice@users.noreply.github.com");
const BOB: (&str, &str) = ("Bob Example", "1024+bob@users.noreply.github.com");
const ID: &str = "4444444aaaabbbbccccddddeeeeffff000011112";

fn record(world: &World, kind: &str, fields: &[&str]) {
    done(world, &[&["record", kind], fields].concat());
}

/// A commit by `github:1` as record 1, and approvals of it.
fn commit(approvals: &[&[&str]]) -> (World, String) {
    let world = started();
    let target = format!("target=commit:{ID}");
    record(&world, "action", &["action_type=commit", &target, "author=github:1"]);
    for fields in approvals {
        record(&world, "approval", &[&[target.as_str(), "how=review"], *fields].concat());
    }
    (world, format!("commit:{ID}"))
}

#[test]
fn who_erased_what_would_show_that_they_approved_themselves_gains_nothing_by_it() {
    let (world, commit) = commit(&[&["approver=github:1"], &["approver=github:3"]]);
    let before = done(&world, &["who-approved", &commit]);
    assert!(before.starts_with("github:3, review d (record 3)\n") && before.contains("made it: github:1"), "{before}");
    // The person, who is then nobody, and might be anybody.
    done(&world, &["erase", "--person", "github:1", "--basis", "request-1"]);
    let said = ends(&world, 3, &["who-approved", &commit]);
    assert!(said.contains("HOLE  who made it cannot be read, and nobody counts who might have\n"), "{said}");
    assert!(said.contains("not counted, who it was is erased: (a person who was erased), review"), "{said}");
    assert!(said.contains("not counted, who made it or asked for it cannot be read: github:3"), "{said}");
    let json = ends(&world, 3, &["who-approved", &commit, "--format", "json"]);
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!((json["approved"].as_array().unwrap().len(), json["unread"].as_array().unwrap().len()), (0, 1));
    let traced = done(&world, &["trace", &commit]);
    assert!(
        traced.contains("HOLE      who made it cannot be read") && !traced.contains("approved  github"),
        "{traced}"
    );
}

#[test]
fn a_commit_whose_record_was_erased_or_never_was_is_approved_by_nobody() {
    let (world, commit) = commit(&[&["approver=github:1"], &["approver=github:3"]]);
    done(&world, &["erase", "--record", "1", "--basis", "request-1"]);
    let said = ends(&world, 3, &["who-approved", &commit]);
    assert!(
        said.contains("HOLE  who made it cannot be read") && said.contains("HOLE  1 record cannot be read (1)"),
        "{said}"
    );
    // Recorded again, it is known again.
    record(&world, "action", &["action_type=commit", &format!("target=commit:{ID}"), "author=github:1"]);
    assert!(done(&world, &["who-approved", &commit]).starts_with("github:3, review"));
    let never = started();
    record(&never, "approval", &[&format!("target={commit}"), "approver=github:3"]);
    let said = ends(&never, 1, &["who-approved", &commit]);
    assert!(
        said.contains("the log has no record of who made it, so nobody counts: `attest audit import git`"),
        "{said}"
    );
    assert!(said.contains("not counted, who made it is not known: github:3"), "{said}");
}

#[test]
fn a_start_that_cannot_be_read_may_have_named_who_approves() {
    let world = started();
    let (target, execution) = (format!("target=commit:{ID}"), "execution_id=exec-1");
    done(&world, &["start", "--agent", "eng/solver", "--execution", "exec-1", "--requested-by", "github:3"]);
    record(&world, "action", &["action_type=commit", &target, "agent=eng/solver", execution]);
    record(&world, "approval", &[&target, "approver=github:3", "how=review"]);
    let who = ["who-approved", &target["target=".len()..]];
    assert!(ends(&world, 1, &who).contains("not counted, asked for it: github:3"));
    record(&world, "approval", &[&target, "approver=github:4", "how=review"]);
    assert!(done(&world, &who).starts_with("github:4, review"), "the twin");
    done(&world, &["erase", "--record", "1", "--basis", "request-1"]);
    let said = ends(&world, 3, &who);
    assert!(said.contains("HOLE  who asked for it cannot be read, and nobody counts who might have\n"), "{said}");
    assert!(said.contains("HOLE  1 record cannot be read (1), erased"), "{said}");
    // One that was never recorded was not taken away.
    let never = started();
    record(&never, "action", &["action_type=commit", &target, "agent=eng/solver", execution]);
    record(&never, "approval", &[&target, "approver=github:3", "how=review"]);
    done(&never, &who);
}

#[test]
fn an_approval_that_was_taken_back_counts_no_more_and_what_is_erased_may_have_taken_it_back() {
    let (world, commit) = commit(&[&["approver=github:3", "approval_id=r1", "result=approved"]]);
    done(&world, &["who-approved", &commit]);
    let target = format!("target={commit}");
    record(&world, "approval", &[&target, "approver=github:3", "approval_id=r1", "result=DISMISSED"]);
    let said = ends(&world, 1, &["who-approved", &commit]);
    assert!(said.contains("not counted, dismissed in record 3: github:3"), "{said}");
    assert!(done(&world, &["query", "SELECT action FROM audit_log WHERE record = 3"]).contains("approval_taken_back"));
    done(&world, &["erase", "--record", "3", "--basis", "request-1"]);
    let said = ends(&world, 3, &["who-approved", &commit]);
    assert!(said.contains("HOLE  an approval that came later cannot be read"), "{said}");
    record(&world, "approval", &[&target, "approver=github:3", "approval_id=r1", "result=approved"]);
    done(&world, &["who-approved", &commit]);
}

#[test]
fn what_names_a_commit_by_less_than_its_whole_id_is_refused() {
    let world = started();
    for target in ["commit:4444444", "commit:HEAD", ID] {
        let target = format!("target={target}");
        for kind in [
            &["approval", "approver=github:3"][..],
            &["exception", "rule=ORG-001", "reason=hotfix"],
            &["outcome", "outcome_kind=pr", "state=merged"],
        ] {
            let said = ends(&world, 2, &[&["record"], kind, &[&target]].concat());
            assert!(said.contains("target: expected commit: and a whole id, found `"), "{said}");
        }
    }
    record(&world, "approval", &["approver=github:3", &format!("target=commit:{ID}")]);
}

#[test]
fn an_approval_by_its_id_is_of_the_pull_request_that_names_both() {
    let (world, commit) = commit(&[]);
    let other = format!("target=commit:{}", ID.replace('4', "5"));
    record(&world, "approval", &[&other, "approver=github:3", "approval_id=r1", "how=review"]);
    record(&world, "approval", &["target=acme/app#57", "approver=github:4", "approval_id=r2", "how=review"]);
    // The commit's own record borrows both.
    for id in ["approval_id=r1", "approval_id=r2"] {
        record(&world, "action", &["action_type=commit", &format!("target={commit}"), "author=github:1", id]);
    }
    ends(&world, 1, &["who-approved", &commit]);
    let request = ["action_type=pr_create", "target=acme/app#57", "approval_id=r2", &format!("head_commit={ID}")];
    record(&world, "action", &request);
    let said = done(&world, &["who-approved", &commit]);
    assert!(said.starts_with("github:4, review, of acme/app#57") && !said.contains("github:3"), "{said}");
}

#[test]
fn whoever_pulls_approves_nothing_and_whoever_merges_what_the_merge_brings() {
    let world = started();
    let repository = Repository::new(&world);
    repository.commit(ALICE, "README", "First");
    // Bob works while Alice pushes to main, and pulls.
    repository.git(BOB, &["checkout", "-q", "-b", "work"]);
    let own = repository.commit(BOB, "own", "Bob's own");
    repository.git(ALICE, &["checkout", "-q", "main"]);
    let pushed = repository.commit(ALICE, "pushed", "Pushed by Alice");
    repository.git(BOB, &["checkout", "-q", "work"]);
    repository.git(BOB, &["merge", "-q", "--no-ff", "-m", "Merge branch 'main' of github.com:acme/app", "main"]);
    repository.git(BOB, &["branch", "-f", "main", "work"]);
    repository.git(BOB, &["checkout", "-q", "main"]);
    // A branch that takes main in before it is merged, and one that is merged twice.
    repository.git(ALICE, &["checkout", "-q", "-b", "fix"]);
    let fix = repository.commit(ALICE, "fix", "Fix");
    repository.git(ALICE, &["checkout", "-q", "main"]);
    let later = repository.commit(ALICE, "later", "On main meanwhile");
    repository.git(ALICE, &["merge", "-q", "--no-ff", "-m", "Merge fix myself", "fix"]);
    repository.git(ALICE, &["checkout", "-q", "fix"]);
    repository.git(ALICE, &["merge", "-q", "--no-ff", "-m", "Take main", "main"]);
    let more = repository.commit(ALICE, "fix", "More");
    repository.git(ALICE, &["checkout", "-q", "main"]);
    repository.git(BOB, &["merge", "-q", "--no-ff", "-m", "Merge the rest", "fix"]);
    done(&world, &["import", "git", "app"]);
    for nobody in [&own, &pushed, &later] {
        let said = ends(&world, 1, &["who-approved", nobody]);
        assert_eq!(said, format!("nobody approved commit {nobody}, as far as this log knows\n"));
    }
    let said = ends(&world, 1, &["who-approved", &fix]);
    assert!(said.contains("not counted, made it: github:583231, merge") && !said.contains("github:1024"), "{said}");
    assert!(done(&world, &["who-approved", &more]).starts_with("github:1024, merge"));
}

#[test]
fn a_merge_whose_records_cannot_be_read_says_nothing_of_what_it_brought() {
    let world = started();
    let repository = Repository::new(&world);
    repository.commit(ALICE, "README", "First");
    repository.git(ALICE, &["checkout", "-q", "-b", "fix"]);
    let fix = repository.commit(ALICE, "fix", "Fix");
    repository.git(ALICE, &["checkout", "-q", "main"]);
    repository
        .git(BOB, &["merge", "-q", "--no-ff", "-m", "Merge fix\n\nCo-authored-by: A <noreply@anthropic.com>", "fix"]);
    done(&world, &["import", "git", "app"]);
    let said = ends(&world, 1, &["who-approved", &fix]);
    assert!(said.contains("not counted, an agent (claude-code), and no person: github:1024, merge"), "{said}");
    repository.git(BOB, &["commit", "-q", "--amend", "-m", "Merge fix"]);
    done(&world, &["import", "git", "app"]);
    assert!(done(&world, &["who-approved", &fix]).starts_with("github:1024, merge"), "the twin");
    done(&world, &["erase", "--record", "1", "--basis", "request-1"]);
    let said = ends(&world, 3, &["who-approved", &fix]);
    assert!(
        said.contains("HOLE  records of commits cannot be read, so that what a merge brought is not known"),
        "{said}"
    );
}

#[test]
fn who_built_from_a_commit_did_not_make_it() {
    let world = started();
    let digest = format!("sha256:{}", "ab".repeat(32));
    let (target, of) = (format!("target=commit:{ID}"), format!("commit={ID}"));
    record(&world, "action", &["action_type=commit", &target, "agent=eng/solver", "execution_id=exec-1"]);
    record(&world, "action", &["action_type=push", &target, "agent=eng/other", "execution_id=exec-9"]);
    let attested = ["subject=app", "execution_id=exec-2", "agent=ci/builder", &of, &format!("digest={digest}")];
    record(&world, "attested", &attested);
    let said = done(&world, &["trace", ID]);
    for line in [
        "|- made by   execution exec-1  eng/solver\n",
        "|  `- HOLE      the log has nothing of it but commits that name it\n",
        "|- built in  execution exec-2  ci/builder  [3]\n",
        "|  `- HOLE      the log has nothing of it but attestations that name it\n",
    ] {
        assert!(said.contains(line), "{line}\n{said}");
    }
    assert!(!said.contains("exec-9"), "who pushed it did not make it: {said}");
    assert!(done(&world, &["trace", &digest]).contains(&format!("from      commit {ID}")));
    // The one with a record of its own, and one that only was built from.
    done(&world, &["start", "--agent", "ci/builder", "--execution", "exec-2"]);
    assert!(done(&world, &["trace", ID]).contains("|- built in  execution exec-2  ci/builder"));
    let bare = started();
    record(&bare, "attested", &attested);
    let said = done(&bare, &["trace", ID]);
    assert!(!said.contains("made by") && said.contains("built in  execution exec-2"), "{said}");
}
