//! Copies of the audit log elsewhere, as a person and an attacker use them.

use crate::audit::{LOG, copy, done, ends, started};
use crate::world::World;
use serde_json::Value;
use std::fs;
use std::path::PathBuf;

fn decide(world: &World, what: &str) {
    done(world, &["record", "decision", &format!("what={what}"), "reason=a test"]);
}

fn folder(world: &World, name: &str) -> PathBuf {
    world.root().join(name)
}

/// A log of four records, its settings among them, with a copy of all of them in `other`.
fn replicated() -> World {
    let world = started();
    fs::create_dir(folder(&world, "other")).unwrap();
    (1..4).for_each(|n| decide(&world, &format!("number {n}")));
    let said = done(&world, &["replicate", "other"]);
    assert_eq!(said, "REPLICATED audit.example/test to other: 4 records, 4 new\n");
    world
}

/// Puts a copy of the log in its place.
fn put_back(world: &World, name: &str) {
    fs::remove_dir_all(folder(world, LOG)).unwrap();
    copy(&folder(world, name), &folder(world, LOG));
}

/// The first line of `verify` with the replica, which finds something.
fn tampered(world: &World) -> String {
    let said = ends(world, 1, &["verify", "--replica", "other"]);
    said.lines().next().unwrap().to_owned()
}

#[test]
fn what_is_new_is_copied_and_the_copy_proves_the_log() {
    let world = replicated();
    decide(&world, "number 4");
    assert_eq!(done(&world, &["replicate", "other"]), "REPLICATED audit.example/test to other: 5 records, 1 new\n");
    assert!(done(&world, &["replicate", "other"]).ends_with("5 records, nothing new\n"));
    let said = done(&world, &["verify", "--replica", "other"]);
    assert!(said.starts_with("OK ") && said.contains("replica other: 5 records, whole\n"), "{said}");
    assert!(said.contains("not edited   proved       by the replica other"), "{said}");
    let report: Value =
        serde_json::from_str(&done(&world, &["verify", "--replica", "other", "--format", "json"])).unwrap();
    assert_eq!((&report["ok"], &report["replicas"][0]["size"]), (&Value::Bool(true), &Value::from(5)));
    // No key goes there, and nothing that says what a record said.
    for file in walk(&folder(&world, "other")) {
        let bytes = fs::read(&file).unwrap();
        assert!(!bytes.windows(6).any(|w| w == b"number"), "{}", file.display());
        assert!(!file.to_string_lossy().contains("key"), "{}", file.display());
    }
    for key in walk(&folder(&world, LOG).join("keys")) {
        let key = fs::read(key).unwrap();
        assert!(walk(&folder(&world, "other")).iter().all(|file| fs::read(file).unwrap() != key));
    }
}

fn walk(folder: &std::path::Path) -> Vec<PathBuf> {
    let mut out = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { out.extend(walk(&path)) } else { out.push(path) }
    }
    out
}

#[test]
fn an_old_copy_that_was_put_back_is_refused_and_named_by_the_replica() {
    let world = started();
    fs::create_dir(folder(&world, "other")).unwrap();
    decide(&world, "number 1");
    copy(&folder(&world, LOG), &folder(&world, "old"));
    decide(&world, "number 2");
    done(&world, &["replicate", "other"]);
    put_back(&world, "old");
    assert!(done(&world, &["verify"]).starts_with("OK "), "by itself the old copy is whole");
    let before = fs::read(folder(&world, "other/checkpoint")).unwrap();
    let said = ends(&world, 1, &["replicate", "other"]);
    assert!(said.starts_with("DISPUTED ") && said.contains("audit-replica-differs"), "{said}");
    assert!(said.contains("it has 3 records, and the log ends after 2"), "{said}");
    let first = "TAMPERED audit.example/test: record 2: the replica other";
    assert!(tampered(&world).starts_with(first), "{}", tampered(&world));
    // It goes on, so that it has more records than were copied.
    (0..3).for_each(|_| decide(&world, "another"));
    let json = ends(&world, 1, &["replicate", "other", "--format", "json"]);
    let report: Value = serde_json::from_str(&json).unwrap();
    let one = &report["replicas"][0];
    assert_eq!((&one["code"], &one["index"]), (&Value::from("audit-replica-differs"), &Value::from(2)), "{report}");
    assert!(tampered(&world).starts_with(first), "{}", tampered(&world));
    assert_eq!(fs::read(folder(&world, "other/checkpoint")).unwrap(), before, "nothing was moved forward");
}

#[test]
fn a_log_that_was_written_anew_with_its_own_keys_is_found_at_the_record() {
    let world = started();
    fs::create_dir(folder(&world, "other")).unwrap();
    (1..4).for_each(|n| decide(&world, &format!("number {n}")));
    copy(&folder(&world, LOG), &folder(&world, "fork"));
    (4..7).for_each(|n| decide(&world, &format!("number {n}")));
    done(&world, &["replicate", "other"]);
    // Who has the log's keys writes what came after the third anew: as many records, all signed.
    put_back(&world, "fork");
    (4..7).for_each(|n| decide(&world, &format!("instead of {n}")));
    assert!(done(&world, &["verify"]).starts_with("OK "));
    let said = tampered(&world);
    assert!(said.contains("record 4: the replica other shows another record 4"), "{said}");
    let claims = ends(&world, 1, &["verify", "--replica", "other"]);
    assert!(claims.contains("one history  NO") && claims.contains("replica other: 7 records, whole"), "{claims}");
}

#[test]
fn a_replica_that_was_changed_is_not_taken_for_a_changed_log() {
    let world = replicated();
    let bundle = folder(&world, "other/tile/entries/000.p/4");
    let whole = fs::read(&bundle).unwrap();
    let mut bytes = whole.clone();
    bytes[2 * 89 + 50] ^= 1;
    fs::write(&bundle, bytes).unwrap();
    let said = ends(&world, 1, &["verify", "--replica", "other"]);
    assert!(said.starts_with("REPLICA CHANGED audit.example/test: the log itself is as it was\n"), "{said}");
    assert!(said.contains("\n         2  its records are not those of its checkpoint\n"), "{said}");
    fs::write(&bundle, whole).unwrap();
    assert!(done(&world, &["verify", "--replica", "other"]).starts_with("OK "));
    let contents = folder(&world, "other/contents/permanent");
    fs::remove_dir_all(contents).unwrap();
    let said = ends(&world, 1, &["verify", "--replica", "other"]);
    assert!(said.contains("what record 1 says is missing, and no redaction says so"), "{said}");
}

#[test]
fn what_was_erased_is_deleted_in_the_replica_and_said() {
    let world = replicated();
    let contents = || walk(&folder(&world, "other/contents/permanent"))[0].clone();
    let content = |length: u64| assert_eq!(fs::metadata(contents()).unwrap().len(), length);
    let length = fs::metadata(contents()).unwrap().len();
    done(&world, &["erase", "--record", "2", "--basis", "request-1"]);
    let said = done(&world, &["replicate", "other"]);
    assert!(said.contains("deleted there: what 1 record said, by redaction 4\n"), "{said}");
    assert!(fs::metadata(contents()).unwrap().len() < length);
    let length = fs::metadata(contents()).unwrap().len();
    assert!(done(&world, &["verify", "--replica", "other"]).contains("replica other: 5 records, whole"));
    done(&world, &["replicate", "other"]);
    content(length);
}

#[test]
fn a_place_is_elsewhere_empty_and_there() {
    let world = replicated();
    let said = ends(&world, 2, &["replicate", LOG]);
    assert!(said.contains("audit-malformed") && said.contains("the log's own folder"), "{said}");
    let said = ends(&world, 3, &["replicate", "not-mounted"]);
    assert!(said.contains("NOT REPLICATED") && said.contains("audit-replica-unavailable"), "{said}");
    assert!(!folder(&world, "not-mounted").exists(), "a disk that is not there is not made of another one");
    // A replica of another log.
    fs::create_dir(folder(&world, "third")).unwrap();
    world.write("third/notes.txt", "mine");
    assert!(ends(&world, 2, &["replicate", "third"]).contains("audit-replica-foreign"));
    assert_eq!(fs::read_dir(folder(&world, "third")).unwrap().count(), 1);
    // Of several places one that fails keeps no other from its copy.
    fs::create_dir(folder(&world, "fourth")).unwrap();
    let said = ends(&world, 3, &["replicate", "not-mounted", "fourth"]);
    assert!(said.contains("REPLICATED audit.example/test to fourth: 4 records, 4 new"), "{said}");
    let schema = done(&world, &["replicate", "--schema"]);
    assert!(schema.contains("CREATE TABLE audit_entries") && schema.contains("BEFORE UPDATE OR DELETE OR TRUNCATE"));
}
