//! What proves the records on which an answer rests: each receipt by itself, with the log's key alone.

use crate::audit::{LOG, done, ends, schema, started};
use crate::world::World;
use serde_json::Value;
use std::fs;
use std::process::Command;

const ID: &str = "4444444aaaabbbbccccddddeeeeffff000011112";

/// A log with an execution, which made a commit that somebody approved.
fn worked() -> World {
    let world = started();
    let record = |kind: &str, fields: &[&str]| drop(done(&world, &[&["record", kind], fields].concat()));
    let target = format!("target=commit:{ID}");
    done(&world, &["start", "--agent", "eng/solver", "--execution", "exec-1", "--requested-by", "github:7"]);
    record("action", &["execution_id=exec-1", "action_type=command_run", "command=cargo test", "exit_code=1"]);
    record("action", &["execution_id=exec-1", "action_type=file_modify", "target=src/a.rs", "metadata.tool=Edit"]);
    record("action", &["execution_id=exec-1", "action_type=commit", &target, "agent=eng/solver"]);
    record("approval", &[&target, "approver=github:3", "how=review"]);
    done(&world, &["finish", "exec-1", "tokens_in=5"]);
    world
}

/// What the list in a folder says, once every receipt was checked in a folder without a log; what each shows.
fn checked(world: &World, folder: &str) -> (Value, Vec<(u64, Value)>) {
    let list: Value = serde_json::from_str(&world.read(&format!("{folder}/proofs.json"))).unwrap();
    assert!(schema("audit-proofs").is_valid(&list), "{list}");
    let log: Value = serde_json::from_str(&world.read(&format!("{LOG}/log.json"))).unwrap();
    assert_eq!(list["logKey"], log["key"]);
    let elsewhere = tempfile::tempdir().unwrap();
    let mut shown = Vec::new();
    for one in list["records"].as_array().unwrap() {
        let Some(name) = one["proof"].as_str() else { continue };
        fs::copy(world.root().join(folder).join(name), elsewhere.path().join(name)).unwrap();
        let mut program = Command::new(env!("CARGO_BIN_EXE_attest"));
        program.args(["audit", "verify", "--format", "json", "--proof", name, "--log-key"]);
        program.arg(log["key"].as_str().unwrap()).current_dir(elsewhere.path()).env("HOME", elsewhere.path());
        let out = program.output().unwrap();
        assert!(out.status.success(), "{name}: {}", String::from_utf8_lossy(&out.stderr));
        let report: Value = serde_json::from_slice(&out.stdout).unwrap();
        assert_eq!(report["index"], one["record"]);
        shown.push((report["index"].as_u64().unwrap(), report["fields"].clone()));
    }
    let files = fs::read_dir(world.root().join(folder)).unwrap().count();
    assert_eq!(files, shown.len() + 1, "every file is in the list");
    (list, shown)
}

/// The records of the first line that begins so.
fn rests(list: &Value, begins: &str) -> Vec<u64> {
    let lines = list["lines"].as_array().unwrap();
    let of = |line: &Value| line["line"].as_str().unwrap().contains(begins);
    let line = lines.iter().find(|line| of(line)).unwrap_or_else(|| panic!("{begins}: {list:#}"));
    line["records"].as_array().unwrap().iter().map(|n| n.as_u64().unwrap()).collect()
}

#[test]
fn each_answer_comes_with_receipts_that_prove_its_records() {
    let world = worked();
    let said = done(&world, &["logs", "exec-1", "--prove", "p/logs"]);
    assert!(
        said.contains("wrote proofs of 3 records to p/logs, and proofs.json: which line rests on which\n"),
        "{said}"
    );
    assert!(
        said.contains("check each anywhere: attest audit verify --proof p/logs/2.tlog-proof --log-key '"),
        "{said}"
    );
    let (list, shown) = checked(&world, "p/logs");
    assert_eq!(list["question"], "logs exec-1");
    assert_eq!((rests(&list, "command_run"), rests(&list, "file_modify src/a.rs")), (vec![2], vec![3]));
    let numbers: Vec<u64> = shown.iter().map(|(number, _)| *number).collect();
    assert_eq!(numbers, [2, 3, 4]);
    assert_eq!(
        (&shown[0].1["exit_code"], shown[0].1.get("command")),
        (&1.into(), None),
        "who has its salt can guess it"
    );
    assert_eq!((&shown[1].1["target"], &shown[1].1["metadata"]["tool"]), (&"src/a.rs".into(), &"Edit".into()));
    done(&world, &["logs", "exec-1", "--failed", "--prove", "p/failed", "--format", "json"]);
    assert_eq!(checked(&world, "p/failed").1.len(), 1, "only what the answer rests on");
    done(&world, &["show", "exec-1", "--prove", "p/show"]);
    let (list, shown) = checked(&world, "p/show");
    assert_eq!((rests(&list, "requested_by github:7"), rests(&list, "approval by github:3")), (vec![1], vec![5]));
    assert_eq!(rests(&list, "what is counted together"), [1, 2, 3, 4, 5, 6]);
    assert_eq!((shown.len(), &shown[0].1["requested_by"]), (6, &"github:7".into()));
    done(&world, &["show", "0", "--prove", "p/zero"]);
    assert_eq!(checked(&world, "p/zero").0["records"].as_array().unwrap().len(), 1, "in clear");
    let commit = format!("commit:{ID}");
    done(&world, &["trace", &commit, "--prove", "p/trace"]);
    let (list, _) = checked(&world, "p/trace");
    for line in ["made by execution exec-1", "did 1 command_run"] {
        let all = rests(&list, line);
        assert!([1, 2, 3, 4, 6].iter().all(|number| all.contains(number)), "{line}: {all:?}");
    }
    assert_eq!(rests(&list, "asked by github:7"), [1]);
    done(&world, &["who-approved", &commit, "--prove", "p/who"]);
    let (list, shown) = checked(&world, "p/who");
    assert_eq!(rests(&list, "github:3, review"), [5]);
    assert!(
        shown.iter().any(|(number, fields)| *number == 4 && fields["agent"] == "eng/solver"),
        "who made it: {list:#}"
    );
}

#[test]
fn what_cannot_be_read_is_said_and_proven_to_be_there() {
    let world = worked();
    done(&world, &["erase", "--record", "3", "--basis", "request-1"]);
    done(&world, &["erase", "--person", "github:7", "--basis", "request-2"]);
    let said = done(&world, &["logs", "exec-1", "--prove", "p"]);
    let line =
        "HOLE  record 3 is proven to be there, and not all that it said: it was erased: redaction 7, request-1\n";
    assert!(said.contains(line), "{said}");
    let (list, shown) = checked(&world, "p");
    assert_eq!(rests(&list, "HOLE  1 record cannot be read (3), erased"), [3]);
    let third = shown.iter().find(|(number, _)| *number == 3).unwrap();
    assert_eq!(third.1, serde_json::json!({}));
    let said = done(&world, &["show", "1", "--prove", "q"]);
    assert!(
        said.contains("HOLE  record 1 is proven to be there") && said.contains("erased from it: requested_by"),
        "{said}"
    );
    let (_, shown) = checked(&world, "q");
    assert_eq!((shown[0].1.get("requested_by"), &shown[0].1["agent"]), (None, &"eng/solver".into()));
}

#[test]
fn proofs_go_into_a_folder_of_their_own_and_are_of_this_log_alone() {
    let world = worked();
    world.write("p/other", "x");
    let said = ends(&world, 2, &["logs", "exec-1", "--prove", "p"]);
    assert!(said.contains("not empty"), "{said}");
    assert_eq!(fs::read_dir(world.root().join("p")).unwrap().count(), 1);
    done(&world, &["logs", "exec-1", "--prove", "q"]);
    let other = started();
    let key: Value = serde_json::from_str(&other.read(&format!("{LOG}/log.json"))).unwrap();
    ends(&world, 1, &["verify", "--proof", "q/2.tlog-proof", "--log-key", key["key"].as_str().unwrap()]);
    // Nothing is written for a question that has no answer.
    ends(&world, 1, &["logs", "exec-9", "--prove", "r"]);
    assert!(!world.root().join("r").exists());
}
