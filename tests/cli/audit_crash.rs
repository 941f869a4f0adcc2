//! The audit log when its writer is killed, and when it was killed while the log was made.

use crate::audit::{LOG, done, ends, started};
use crate::world::World;
use serde_json::Value;
use std::fs;
use std::process::{Command, Stdio};
use std::time::Duration;

/// Starts a command, and kills it after so many milliseconds; what it printed, where it ended well before.
fn killed(world: &World, args: &[&str], after: u64) -> Option<String> {
    let mut program = Command::new(env!("CARGO_BIN_EXE_attest"));
    program.args(["audit", "--log", LOG]).args(args).current_dir(world.root()).env("HOME", world.home());
    let mut child = program.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    std::thread::sleep(Duration::from_millis(after));
    let _ = child.kill();
    let out = child.wait_with_output().unwrap();
    out.status.success().then(|| String::from_utf8(out.stdout).unwrap())
}

/// `ATTEST_KILL_ROUNDS` makes it as many rounds as one has time for.
#[test]
fn a_writer_that_is_killed_loses_nothing_that_it_acknowledged_and_half_erases_nothing() {
    let rounds = std::env::var("ATTEST_KILL_ROUNDS").ok().and_then(|n| n.parse().ok()).unwrap_or(12_u64);
    let world = started();
    let lines: String = (0..400)
        .map(|n| format!("{{\"kind\":\"action\",\"action_type\":\"file_read\",\"target\":\"f{n}\"}}\n"))
        .collect();
    world.write("lines", lines);
    let (mut acknowledged, mut erased) = (0, Vec::new());
    for round in 0..rounds {
        done(&world, &["record", "heartbeat"]);
        acknowledged += 1;
        let wait = round * 37 % 180;
        let last = (acknowledged - 1).to_string();
        match round % 3 {
            2 => {
                let args = ["erase", "--record", &last, "--basis", "r", "--receipt", "receipt"];
                if killed(&world, &args, wait).is_some() {
                    acknowledged += 1;
                    erased.push(last);
                }
            }
            _ if killed(&world, &["record", "--file", "lines"], wait).is_some() => acknowledged += 400,
            _ => {}
        }
        // What is there before anybody writes again, and after.
        done(&world, &["verify"]);
        done(&world, &["record", "heartbeat"]);
        acknowledged += 1;
        let json: Value = serde_json::from_str(&done(&world, &["verify", "--format", "json"])).unwrap();
        assert_eq!((&json["ok"], json.get("unfinished")), (&true.into(), None), "round {round}: {json}");
        assert!(json["size"].as_u64().unwrap() >= acknowledged, "round {round}: {json}");
        assert_eq!(json["size"], json["published"]);
        assert!(json["redacted"].as_u64().unwrap() >= erased.len() as u64, "round {round}: {json}");
        // What was not acknowledged may be there all the same.
        acknowledged = json["size"].as_u64().unwrap();
    }
    for record in erased {
        assert!(done(&world, &["show", &record]).contains("HOLE"), "record {record}");
    }
}

#[test]
fn a_log_whose_making_was_interrupted_is_made_again_and_one_that_was_made_never_is() {
    let world = started();
    let log = world.root().join(LOG);
    // The settings of a log that was made are gone: its keys are not to be.
    let key = fs::read(log.join("keys/log.key")).unwrap();
    fs::rename(log.join("log.json"), world.root().join("kept")).unwrap();
    assert!(ends(&world, 2, &["init"]).contains("audit-log-exists"));
    assert_eq!(fs::read(log.join("keys/log.key")).unwrap(), key);
    // Its journal is gone, too: what was published is still of a log that was made.
    for file in fs::read_dir(log.join("journal")).unwrap() {
        fs::remove_file(file.unwrap().path()).unwrap();
    }
    assert!(ends(&world, 2, &["init"]).contains("audit-log-exists"));
    assert_eq!(fs::read(log.join("keys/log.key")).unwrap(), key);
    // The settings were not written yet, and nothing was recorded or published.
    fs::remove_file(log.join("tlog/checkpoint")).unwrap();
    fs::write(log.join("keys/redaction.key"), "PRIVATE+K").unwrap();
    done(&world, &["init", "--origin", "audit.example/again"]);
    done(&world, &["record", "heartbeat"]);
    assert!(done(&world, &["verify"]).contains("2 records: 2 verified"));
}
