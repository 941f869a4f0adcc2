//! `attest git log`: commits of agents by what they say, and by what they change where their message was lost.

use crate::audit_trace::Repository;
use crate::git_check::{ALICE, FIVE};
use crate::world::World;
use serde_json::{Value, json};

/// What it lists: the subject of each commit, and how it ended.
fn log(world: &World, args: &[&str]) -> (Option<i32>, Value, String) {
    let mut program = std::process::Command::new(env!("CARGO_BIN_EXE_attest"));
    program.args(["git", "log", "--format", "json"]).args(args).current_dir(world.root().join("app"));
    let out = program.env("HOME", world.home()).output().unwrap();
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    (out.status.code(), serde_json::from_slice(&out.stdout).unwrap_or_default(), said)
}

fn subjects(world: &World, args: &[&str]) -> Vec<String> {
    let (code, found, said) = log(world, args);
    let all: Vec<String> = found["commits"]
        .as_array()
        .unwrap_or_else(|| panic!("{args:?}: {said}"))
        .iter()
        .map(|commit| commit["subject"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(code, Some(i32::from(all.is_empty())), "{args:?}: {said}");
    all
}

#[test]
fn commits_are_found_by_each_thing_that_they_say() {
    let world = World::empty();
    let repository = Repository::new(&world);
    repository.commit(ALICE, "README", "First");
    repository.commit(ALICE, "a", &format!("One\n\n{FIVE}"));
    let other = FIVE.replace("exec-1", "exec-2").replace("eng", "lab");
    repository.commit(ALICE, "b", &format!("Two\n\nText.\n---\n{other}"));
    repository.commit(ALICE, "c", "Three\n\nThen came\nAgent: Smith\nand Execution: exec-1\n");
    assert_eq!(subjects(&world, &[]), ["Two", "One"]);
    assert_eq!(subjects(&world, &["--execution", "exec-1"]), ["One"]);
    assert_eq!(subjects(&world, &["--squad", "lab"]), ["Two"]);
    assert_eq!(subjects(&world, &["--squad", "lab", "--execution", "exec-1"]), [""; 0]);
    assert_eq!(subjects(&world, &["HEAD~1..HEAD"]), [""; 0]);
    let (_, found, _) = log(&world, &["--execution", "exec-2"]);
    let said = &found["commits"][0]["said"][0];
    assert!(said["agent"].as_str().is_some_and(|agent| agent.starts_with("lab/")), "{found}");
    let (code, _, said) = log(&world, &["gone..HEAD"]);
    assert!(code == Some(2) && said.contains("git-check-range"), "{said}");
    let (code, _, said) = log(&world, &["--trigger", "sometimes"]);
    assert!(code == Some(2) && said.contains("smart"), "{said}");
}

#[test]
fn a_squash_is_of_all_and_a_change_whose_message_was_lost_of_its_own() {
    let world = World::empty();
    let repository = Repository::new(&world);
    repository.commit(ALICE, "README", "First");
    repository.git(ALICE, &["checkout", "-q", "-b", "work"]);
    let one = repository.commit(ALICE, "a", &format!("One\n\n{FIVE}"));
    repository.commit(ALICE, "b", &format!("Two\n\n{}", FIVE.replace("exec-1", "exec-2")));
    repository.git(ALICE, &["checkout", "-q", "main"]);
    repository.git(ALICE, &["merge", "-q", "--squash", "work"]);
    repository.git(ALICE, &["commit", "-q", "--no-edit"]);
    for execution in ["exec-1", "exec-2"] {
        assert_eq!(subjects(&world, &["HEAD~1..HEAD", "--execution", execution]).len(), 1, "a squash says both");
    }
    // Rebased by hand: another parent, another message; and a change that is nobody's.
    repository.git(ALICE, &["checkout", "-q", "-b", "other", "main~1"]);
    repository.commit(ALICE, "z", "Apart");
    repository.git(ALICE, &["cherry-pick", "--no-commit", &one]);
    repository.git(ALICE, &["commit", "-q", "-m", "Done anew"]);
    let (code, found, said) = log(&world, &["--execution", "exec-1"]);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(found["commits"].as_array().map(Vec::len), Some(1), "{found}");
    assert_eq!((&found["commits"][0]["subject"], &found["commits"][0]["sameAs"]), (&json!("Done anew"), &json!(one)));
    assert_eq!(subjects(&world, &["--execution", "exec-2"]), [""; 0], "of another change it says nothing");
    // No branch leads to the one that says so any more; the clone remembers it.
    repository.git(ALICE, &["branch", "-q", "-D", "work"]);
    assert_eq!(subjects(&world, &["--execution", "exec-1"]), ["Done anew"]);
    repository.git(ALICE, &["reflog", "expire", "--expire=now", "--all"]);
    repository.git(ALICE, &["branch", "-q", "-D", "main"]);
    assert_eq!(subjects(&world, &["--execution", "exec-1"]), [""; 0], "the twin: it is forgotten");
}

/// Whoever owns the checkout names programs that git would run to show a difference.
#[test]
fn what_shows_differences_for_a_checkout_is_not_run() {
    let world = World::empty();
    let repository = Repository::new(&world);
    repository.commit(ALICE, ".gitattributes", "* diff=trap");
    repository.git(ALICE, &["checkout", "-q", "-b", "work"]);
    let one = repository.commit(ALICE, "a", &format!("One\n\n{FIVE}"));
    repository.git(ALICE, &["checkout", "-q", "-b", "other", "main"]);
    repository.git(ALICE, &["cherry-pick", "--no-commit", &one]);
    repository.git(ALICE, &["commit", "-q", "-m", "Done anew"]);
    let ran = world.root().join("ran");
    for setting in ["diff.trap.command", "diff.trap.textconv", "diff.external"] {
        repository.git(ALICE, &["config", setting, &format!("touch '{}'; true", ran.display())]);
    }
    assert_eq!(subjects(&world, &["--execution", "exec-1"]), ["Done anew"]);
    assert!(!ran.exists());
    // The twin: git itself runs it.
    repository.git(ALICE, &["show", "--ext-diff", "HEAD"]);
    assert!(ran.exists());
}
