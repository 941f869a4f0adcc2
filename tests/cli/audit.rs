//! The audit log as a person and an attacker use it.

use crate::world::World;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

pub(crate) const LOG: &str = "log";

pub(crate) fn audit(world: &World, args: &[&str]) -> Output {
    let all: Vec<&str> = ["audit", "--log", LOG].into_iter().chain(args.iter().copied()).collect();
    world.attest(&all)
}

/// What a command prints, which ends with 0.
pub(crate) fn done(world: &World, args: &[&str]) -> String {
    let out = audit(world, args);
    assert_eq!(out.status.code(), Some(0), "{args:?}: {}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).unwrap()
}

/// What a command prints and says, which ends with a code.
pub(crate) fn ends(world: &World, code: i32, args: &[&str]) -> String {
    let out = audit(world, args);
    let said = String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr);
    assert_eq!(out.status.code(), Some(code), "{args:?}: {said}");
    said
}

/// Hands lines in on standard input.
fn lines(world: &World, args: &[&str], input: &str) -> Output {
    let mut program = Command::new(env!("CARGO_BIN_EXE_attest"));
    program.args(["audit", "--log", LOG]).args(args).current_dir(world.root()).env("HOME", world.home());
    program.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = program.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

/// What a document of a name is held against.
pub(crate) fn schema(name: &str) -> jsonschema::Validator {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("schemas/{name}.schema.json"));
    let schema: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    jsonschema::validator_for(&schema).unwrap()
}

pub(crate) fn started() -> World {
    let world = World::empty();
    done(&world, &["init", "--origin", "audit.example/test"]);
    world
}

/// A log with one execution of three records behind the one of its settings.
fn worked() -> World {
    let world = started();
    let start = ["start", "--agent", "platform/builder", "--execution", "exec-1", "--requested-by", "github:583231"];
    assert_eq!(done(&world, &start), "exec-1\n");
    let action = [
        "record",
        "action",
        "execution_id=exec-1",
        "action_type=command_run",
        "command=cargo test --all",
        "exit_code=0",
    ];
    assert_eq!(done(&world, &action), "recorded as record 2\n");
    done(&world, &["finish", "exec-1", "tokens_in=812", "cost=3.87"]);
    world
}

pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut out = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { out.extend(files(&path)) } else { out.push(path) }
    }
    out
}

pub(crate) fn holds(folder: &Path, text: &str) -> bool {
    let encoded = STANDARD.encode(text);
    let inner = encoded.get(..encoded.len() / 4 * 4 - 4).unwrap().as_bytes();
    files(folder).iter().any(|file| {
        let bytes = fs::read(file).unwrap();
        [text.as_bytes(), inner].iter().any(|part| bytes.windows(part.len()).any(|w| w == *part))
    })
}

fn flip(file: &Path, at: usize) {
    let mut bytes = fs::read(file).unwrap();
    bytes[at] ^= 1;
    fs::write(file, bytes).unwrap();
}

/// A folder with all that is below it, modes of folders too.
pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let to = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &to);
        } else {
            fs::copy(&path, &to).unwrap();
        }
    }
    fs::set_permissions(to, fs::metadata(from).unwrap().permissions()).unwrap();
}

#[test]
fn what_was_recorded_is_shown_and_accounted_for() {
    let world = worked();
    let shown = done(&world, &["show", "exec-1"]);
    assert!(shown.contains("records 1..3") && shown.contains("1 action: 1 command_run"), "{shown}");
    let one = done(&world, &["show", "1"]);
    assert!(
        one.contains("requested_by         github:583231 d") && one.contains("agent                platform/builder d"),
        "{one}"
    );
    let json: Value = serde_json::from_str(&done(&world, &["show", "exec-1", "--format", "json"])).unwrap();
    assert_eq!(json["records"][2]["record"]["cost"], "3.87");
    assert_eq!(json["records"][2]["record"]["tokens_in"], 812);
    let verified = done(&world, &["verify"]);
    assert!(
        verified.starts_with(
            "OK audit.example/test: 4 records: 4 verified, 0 redacted, 0 expired under policy, 0 unexplained\n"
        ),
        "{verified}"
    );
    assert!(verified.contains("by this machine's word alone"), "{verified}");
    assert!(ends(&world, 1, &["show", "exec-2"]).contains("audit-unknown"));
    assert!(ends(&world, 2, &["init"]).contains("audit-log-exists"));
    assert!(done(&world, &["keys"]).contains("1 stand in records under a key of their own"));
    // Checked by itself, the record as it is written is what its schema says.
    let validator = schema("audit-record");
    for record in json["records"].as_array().unwrap() {
        assert!(validator.is_valid(&record["record"]), "{record}");
    }
    assert!(!validator.is_valid(&serde_json::json!({ "kind": "action" })));
}

#[test]
fn commands_and_people_are_in_no_file_and_a_text_is_known_again() {
    let world = worked();
    let log = world.root().join(LOG);
    assert!(holds(&log, "platform/builder"), "the search finds what is there");
    for text in ["cargo test --all", "github:583231"] {
        assert!(!holds(&log, text), "{text}");
    }
    world.write("command", "cargo test --all");
    world.write("other", "cargo test --al");
    assert!(done(&world, &["match", "2", "--field", "command", "command"]).starts_with("yes"));
    assert!(ends(&world, 1, &["match", "2", "--field", "command", "other"]).starts_with("no"));
    assert!(ends(&world, 1, &["match", "2", "--field", "output", "other"]).contains("audit-unknown"));
}

#[test]
fn secrets_are_refused_where_they_are_typed_and_withheld_where_they_are_found() {
    let world = started();
    let secret = format!("ghp_{}", "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8");
    let said = ends(&world, 1, &["record", "action", "action_type=tool_call", &format!("metadata.header={secret}")]);
    assert!(said.contains("record-secret") && !said.contains("ghp_"), "{said}");
    let line = format!(
        "{{\"kind\":\"action\",\"action_type\":\"tool_call\",\"result\":\"{secret}\",\"target\":\"/home/alice/x\"}}\n"
    );
    let out = lines(&world, &["record", "--file", "-"], &line);
    assert_ne!(out.status.code(), Some(0));
    let out = lines(&world, &["record", "--file", "-", "--captured"], &line);
    let said = String::from_utf8_lossy(&out.stdout).into_owned();
    assert!(out.status.success() && said.contains("2 fields withheld"), "{said}");
    assert!(done(&world, &["show", "1"]).contains("(withheld)"));
    assert!(!holds(&world.root().join(LOG), &secret) && !holds(&world.root().join(LOG), "/home/alice"));
    for (args, word) in [
        (&["record", "acton", "action_type=x"][..], "record-malformed"),
        (&["record", "action", "target=src/x"], "action_type"),
        (&["record", "action", "action_type=file_read", "target=/etc/passwd"], "relative to the repository"),
        (&["record", "action", "action_type"], "FIELD=VALUE"),
    ] {
        assert!(ends(&world, 2, args).contains(word), "{args:?}");
    }
}

#[test]
fn the_same_event_is_recorded_once_and_a_broken_line_records_nothing() {
    let world = started();
    let line = |n: usize| {
        format!(
            "{{\"kind\":\"action\",\"action_type\":\"file_read\",\"source\":\"import test\",\"source_id\":\"id-{n}\"}}\n"
        )
    };
    let first: String = (0..50).map(line).collect();
    assert!(lines(&world, &["record", "--file", "-"], &first).status.success());
    let more: String = (25..60).map(line).collect();
    let out = lines(&world, &["record", "--file", "-"], &(more.clone() + &more));
    assert_eq!(String::from_utf8(out.stdout).unwrap(), "recorded 10 records, 51 to 60\n60 were in the log already\n");
    let out = lines(&world, &["record", "--file", "-"], &(line(100) + "{\"kind\":\n"));
    assert!(String::from_utf8_lossy(&out.stderr).contains("line 2"));
    assert!(done(&world, &["verify"]).contains("61 records: 61 verified"));
}

#[test]
fn two_sources_may_have_the_same_id_and_each_is_recorded_once() {
    let world = started();
    let both: String = ["import a", "import b"]
        .map(|source| {
            format!("{{\"kind\":\"action\",\"action_type\":\"search\",\"source\":\"{source}\",\"source_id\":\"1\"}}\n")
        })
        .concat();
    let said = |input: &str| String::from_utf8(lines(&world, &["record", "--file", "-"], input).stdout).unwrap();
    assert_eq!(said(&both), "recorded 2 records, 1 to 2\n");
    assert_eq!(said(&both), "nothing new is recorded\n2 were in the log already\n");
}

#[test]
fn what_is_handed_in_otherwise_under_the_same_id_is_told_and_changes_nothing() {
    let world = started();
    let line = |target: &str, command: &str| {
        serde_json::json!({ "kind": "action", "action_type": "command_run", "source": "test", "source_id": "id-1",
            "target": target, "command": command })
        .to_string()
            + "\n"
    };
    let record = |input: &str, more: &[&str]| {
        let out = lines(&world, &[&["record", "--file", "-"], more].concat(), input);
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8(out.stdout).unwrap()
    };
    let first = line("src/a.rs", "cargo test");
    assert_eq!(record(&first, &[]), "recorded as record 1\n");
    assert_eq!(record(&first, &[]), "nothing new is recorded\n1 was in the log already\n");
    // Another value, and another text of the same length, of which only a hash is kept.
    let other = line("src/b.rs", "cargo test");
    for other in [&other, &line("src/a.rs", "cargo tesT")] {
        assert_eq!(
            record(other, &[]),
            "nothing new is recorded\n1 differs from what was recorded under the same id, and is not recorded: see record 1\n"
        );
    }
    let json: Value = serde_json::from_str(&record(&(first.clone() + &other), &["--format", "json"])).unwrap();
    assert_eq!((&json["known"], &json["differs"]), (&1.into(), &serde_json::json!([1])), "{json}");
    // Two of one file are no other than two of two.
    let two = (line("src/c.rs", "ls") + &line("src/d.rs", "ls")).replace("id-1", "id-2");
    assert_eq!(
        record(&two, &[]),
        "recorded as record 2\n1 differs from what was recorded under the same id, and is not recorded: see record 2\n"
    );
    assert!(done(&world, &["show", "1"]).contains("src/a.rs"));
    assert!(done(&world, &["verify"]).contains("3 records: 3 verified"));
}

#[test]
fn a_log_in_a_checkout_is_refused() {
    let world = World::empty();
    fs::create_dir(world.root().join(".git")).unwrap();
    assert!(ends(&world, 2, &["init"]).contains("lies in the checkout"));
    // Through a link, too; and a path that only passes through it is none.
    let other = tempfile::tempdir().unwrap();
    fs::create_dir(world.root().join("below")).unwrap();
    std::os::unix::fs::symlink(world.root().join("below"), other.path().join("link")).unwrap();
    let at = |place: &str| world.attest(&["audit", "--log", other.path().join(place).to_str().unwrap(), "init"]);
    assert_eq!(at("link/log").status.code(), Some(2));
    fs::create_dir(other.path().join("a")).unwrap();
    assert_eq!(at("a/../log").status.code(), Some(0));
    let home = world.attest(&["audit", "init"]);
    assert!(home.status.success(), "the user's folder of state is none");
    assert!(world.home().join(".local/state/attest/audit/log.json").exists());
    let out = world.attest(&["audit", "init"]);
    assert_eq!(out.status.code(), Some(2));
}

#[test]
fn a_receipt_proves_one_field_to_whoever_has_the_key_alone() {
    let world = worked();
    done(&world, &["prove", "1", "--field", "agent", "--output", "1.tlog-proof"]);
    let settings: Value = serde_json::from_str(&world.read("log/log.json")).unwrap();
    let key = settings["key"].as_str().unwrap();
    fs::rename(world.root().join(LOG), world.root().join("away")).unwrap();
    let shown = done(&world, &["verify", "--proof", "1.tlog-proof", "--log-key", key]);
    assert!(shown.starts_with("OK record 1 of audit.example/test: execution_started"), "{shown}");
    assert!(shown.contains("platform/builder") && !shown.contains("github:583231"), "{shown}");
    let officer = settings["officer"].as_str().unwrap();
    ends(&world, 1, &["verify", "--proof", "1.tlog-proof", "--log-key", officer]);
    assert!(ends(&world, 2, &["verify", "--proof", "1.tlog-proof"]).contains("--log-key"));
    // What is shown is bound to the entry, the entry to the tree.
    let proof = world.read("1.tlog-proof");
    let line = proof.lines().find(|l| l.starts_with("extra ")).unwrap();
    let extra = String::from_utf8(STANDARD.decode(&line[6..]).unwrap()).unwrap();
    let forged = extra.replacen("platform/builder", "research/builder", 1);
    world.write("1.tlog-proof", proof.replacen(&line[6..], &STANDARD.encode(forged), 1));
    ends(&world, 1, &["verify", "--proof", "1.tlog-proof", "--log-key", key]);
}

#[test]
fn each_change_of_a_file_is_found() {
    let world = worked();
    let checkpoint = done(&world, &["checkpoint"]);
    world.write("kept", &checkpoint);
    let (log, whole) = (world.root().join(LOG), world.root().join("whole"));
    copy(&log, &whole);
    let journal = "journal/00000000000000000000";
    for (file, at, first) in [
        (journal, 80, Some("TAMPERED audit.example/test: record 0")),
        (journal, 200, Some("TAMPERED audit.example/test: record 0")),
        ("tlog/tile/0/000.p/4", 40, Some("record 1")),
        ("tlog/tile/entries/000.p/4", 100, Some("record 1")),
        ("tlog/checkpoint", 30, None),
    ] {
        fs::remove_dir_all(&log).unwrap();
        copy(&whole, &log);
        assert!(done(&world, &["verify", "--checkpoint", "kept"]).contains("not edited   proved"), "the twin");
        flip(&log.join(file), at);
        let said = ends(&world, 1, &["verify"]);
        assert!(first.is_none_or(|first| said.contains(first)), "{file} {at}: {said}");
    }
    // A row of the index that says something else.
    fs::remove_dir_all(&log).unwrap();
    copy(&whole, &log);
    done(&world, &["show", "exec-1"]);
    let index = fs::read(log.join("index.sqlite")).unwrap();
    let at = index.windows(11).position(|w| w == b"command_run").unwrap();
    flip(&log.join("index.sqlite"), at);
    let said = ends(&world, 1, &["verify"]);
    assert!(said.starts_with("INDEX DIFFERS audit.example/test: record 2: the index says something else"), "{said}");
    // An old copy, and a journal that was cut with everything that is made from it.
    fs::remove_dir_all(&log).unwrap();
    copy(&whole, &log);
    done(&world, &["record", "decision", "what=ship", "reason=tests pass"]);
    world.write("later", done(&world, &["checkpoint"]));
    fs::remove_dir_all(&log).unwrap();
    copy(&whole, &log);
    done(&world, &["verify"]);
    let said = ends(&world, 1, &["verify", "--checkpoint", "later"]);
    assert!(said.starts_with("TAMPERED") && said.contains("5 records were there"), "{said}");
    // Nothing is added to a log whose journal is shorter than its checkpoint.
    let mut bytes = fs::read(log.join(journal)).unwrap();
    let end = bytes.iter().rposition(|b| *b != 0).unwrap();
    bytes[end - 200..].fill(0);
    fs::write(log.join(journal), bytes).unwrap();
    assert!(ends(&world, 1, &["record", "heartbeat"]).contains("audit-log-damaged"));
}

#[test]
fn a_person_who_is_erased_is_nowhere_and_every_proof_still_holds() {
    let world = worked();
    done(&world, &["prove", "1", "--field", "agent", "--output", "1.tlog-proof"]);
    let settings: Value = serde_json::from_str(&world.read("log/log.json")).unwrap();
    let (log, old) = (world.root().join(LOG), world.root().join("old"));
    copy(&log, &old);
    let said = done(&world, &["erase", "--person", "github:583231", "--basis", "request-1"]);
    assert_eq!(said, "erased: 1 record; keys destroyed, the redaction is record 4, its receipt erase-4.tlog-proof\n");
    let redaction = done(&world, &["show", "4"]);
    assert!(
        redaction.contains("basis                request-1 ") && redaction.contains("what                 person "),
        "{redaction}"
    );
    assert!(done(&world, &["show", "1"]).contains("requested_by         (a person who was erased: redaction 4)"));
    assert!(done(&world, &["verify"]).contains("5 records: 5 verified, 0 redacted"));
    let key = settings["key"].as_str().unwrap();
    done(&world, &["verify", "--proof", "1.tlog-proof", "--log-key", key]);
    let receipt = done(&world, &["verify", "--proof", "erase-4.tlog-proof", "--log-key", key]);
    assert!(receipt.contains("redaction\n") && receipt.contains("basis request-1"), "{receipt}");
    ends(&world, 1, &["erase", "--person", "github:583231", "--basis", "request-1"]);
    // The reason stays in clear for ever.
    let token = ["ghp_", &"aB3dE6gH9j".repeat(4)[..36]].concat();
    let said = ends(&world, 1, &["erase", "--record", "2", "--basis", &token]);
    assert!(said.contains("error[record-secret]") && said.contains("basis") && !said.contains(&token), "{said}");
    assert!(done(&world, &["show", "2"]).contains("command_run"));
    // Nothing is destroyed where the receipt cannot be written.
    let said = ends(&world, 2, &["erase", "--record", "2", "--basis", "r", "--receipt", "nowhere/x"]);
    assert!(said.contains("nowhere/x") && done(&world, &["show", "2"]).contains("command_run"), "{said}");
    // Another key than the one of redactions has no authority.
    ends(&world, 2, &["erase", "--record", "2", "--basis", "r", "--redaction-key", "log/keys/log.key"]);
    let said = done(&world, &["erase", "--execution", "exec-1", "--basis", "by mistake"]);
    assert!(said.starts_with("erased: 3 records"), "{said}");
    assert!(
        done(&world, &["verify"]).contains("6 records: 3 verified, 3 redacted, 0 expired under policy, 0 unexplained")
    );
    assert!(done(&world, &["show"]).contains("HOLE what it said was destroyed: redaction 5, by mistake"));
    let shown: Value = serde_json::from_str(&done(&world, &["show", "3", "--format", "json"])).unwrap();
    assert_eq!(shown["records"][0]["redaction"], 5);
    // Whatever it was named by, what is erased is erased once.
    for again in [&["--person", "github:583231"][..], &["--record", "1-3"], &["--execution", "exec-1"]] {
        let said = ends(&world, 1, &[&["erase", "--basis", "again"], again].concat());
        assert!(said.contains("audit-unknown") && said.contains("nothing to erase: "), "{again:?}: {said}");
        assert!(said.contains("erased already"), "{again:?}: {said}");
    }
    assert!(done(&world, &["keys"]).contains("keys were destroyed 2 times"));
    assert!(done(&world, &["verify"]).contains("6 records:"));
    assert!(!holds(&log, "platform/builder"), "the index forgot it");
    // The old keys, put under the new master key, open nothing.
    for file in files(&old.join("keys")) {
        let name = file.file_name().unwrap().to_str().unwrap();
        if let Some(generation) = name.strip_prefix("keys.") {
            assert_ne!(generation, "3");
            fs::copy(&file, log.join("keys/keys.3")).unwrap();
        }
    }
    assert!(ends(&world, 2, &["verify"]).contains("not of this master key"));
    // Keys that are gone without a redaction are what tampering looks like.
    fs::remove_dir_all(&log).unwrap();
    copy(&old, &log);
    fs::remove_dir_all(log.join("keys")).unwrap();
    assert!(ends(&world, 3, &["verify"]).contains("--without-keys"));
    let said = done(&world, &["verify", "--without-keys"]);
    assert!(said.starts_with("OK WITHOUT KEYS") && said.contains("3 records not opened"), "{said}");
}

#[test]
fn a_key_of_redactions_that_somebody_else_named_erases_nothing() {
    let world = worked();
    let settings = world.read("log/log.json");
    let read: Value = serde_json::from_str(&settings).unwrap();
    // Another log's officer, under the name that this log's has.
    let other = ["audit", "--log", "other", "init", "--origin", "audit.example/test"];
    assert!(world.attest(&other).status.success());
    let theirs: Value = serde_json::from_str(&world.read("other/log.json")).unwrap();
    let (own, their) = (read["officer"].as_str().unwrap(), theirs["officer"].as_str().unwrap());
    let erase =
        ["erase", "--record", "2", "--basis", "mine", "--redaction-key", "other/keys/redaction.key", "--receipt", "r"];
    for (forged, what) in [
        (settings.replace(own, their), "the key of redactions"),
        (settings.replace("\"executions\": 90", "\"executions\": 1"), "the days that things are kept"),
    ] {
        world.write("log/log.json", forged);
        for args in [&erase[..], &["retain"], &["record", "heartbeat"], &["show", "2"], &["keys"]] {
            let said = ends(&world, 1, args);
            assert!(said.contains("error[audit-settings-changed]") && said.contains(what), "{args:?}: {said}");
        }
        let said = ends(&world, 1, &["verify"]);
        assert!(said.starts_with("TAMPERED audit.example/test: record 0: log.json") && said.contains(what), "{said}");
    }
    world.write("log/log.json", &settings);
    assert!(done(&world, &["show", "0"]).contains(own), "whoever is shown the log sees whom it believes");
    done(&world, &["erase", "--record", "2", "--basis", "theirs", "--receipt", "r"]);
    let json: Value = serde_json::from_str(&done(&world, &["verify", "--format", "json"])).unwrap();
    assert_eq!((&json["ok"], &json["bound"], &json["redacted"]), (&true.into(), &true.into(), &1.into()));
}

#[test]
fn only_what_was_there_is_counted_as_erased() {
    let world = worked();
    // A folder has the name of the next file of keys, so that its number is passed over.
    fs::create_dir(world.root().join("log/keys/keys.2")).unwrap();
    assert!(done(&world, &["erase", "--record", "2", "--basis", "r"]).starts_with("erased: 1 record;"));
    assert!(done(&world, &["keys"]).contains("keys were destroyed once"));
    let said = done(&world, &["erase", "--record", "1-3", "--basis", "r", "--format", "json"]);
    let said: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(said["records"], serde_json::json!([1, 3]));
    assert!(done(&world, &["keys"]).contains("keys were destroyed 2 times"));
}

#[test]
fn what_is_held_is_not_erased_until_the_hold_is_let_go() {
    let world = worked();
    assert_eq!(done(&world, &["hold"]), "nothing is held\n");
    let said = done(&world, &["hold", "--execution", "exec-1", "--basis", "case-7"]);
    assert!(said.starts_with("held: the hold is record 4\n1 hold in force\n       4  "), "{said}");
    assert!(said.ends_with("  records 1-3  case-7\n"), "{said}");
    assert!(done(&world, &["show", "4"]).contains("what                 hold records 1-3 "));
    for what in [["--record", "2"], ["--person", "github:583231"], ["--execution", "exec-1"]] {
        let said = ends(&world, 1, &[&["erase", "--basis", "r"], &what[..]].concat());
        assert!(said.contains("error[audit-held]: record ") && said.contains(" is held by record 4: case-7"), "{said}");
        assert!(said.contains("attest audit hold --release NUMBER"), "{said}");
    }
    assert!(done(&world, &["verify"]).contains("1 hold in force"));
    assert!(done(&world, &["retain"]).contains("1 hold in force"));
    ends(&world, 2, &["hold", "--record", "2", "--basis", "r", "--redaction-key", "log/keys/log.key"]);
    for bad in [&["hold", "--record", "2"][..], &["hold", "--basis", "r"], &["hold", "--record", "2", "--everything"]] {
        ends(&world, 2, bad);
    }
    ends(&world, 1, &["hold", "--record", "99", "--basis", "r"]);
    ends(&world, 1, &["hold", "--release", "2", "--basis", "r"]);
    let said = done(&world, &["hold", "--release", "4", "--basis", "case-7 is closed"]);
    assert_eq!(said, "released: the hold of record 4; record 5 says so\nnothing is held\n");
    assert!(done(&world, &["erase", "--record", "2", "--basis", "r"]).starts_with("erased: 1 record;"));
    let said: Value =
        serde_json::from_str(&done(&world, &["hold", "--everything", "--basis", "b", "--format", "json"])).unwrap();
    assert_eq!(
        (said["record"].clone(), said["holds"][0]["keeps"].clone()),
        (serde_json::json!(7), "everything".into())
    );
}

#[test]
fn what_is_wrong_is_said_of_the_file_that_was_named() {
    let world = worked();
    world.write("bad", "no such thing");
    for args in [
        &["erase", "--record", "2", "--basis", "r", "--redaction-key", "bad"][..],
        &["retain", "--redaction-key", "bad"],
        &["verify", "--policy", "bad"],
        &["verify", "--checkpoint", "bad"],
        &["verify", "--proof", "bad", "--policy", "bad"],
        &["anchor", "--policy", "bad"],
        &["show", "2", "--policy", "bad"],
        &["record", "--file", "bad"],
        &["record", "--session", "bad"],
        &["serve", "--listen", "127.0.0.1:0", "--witness", "bad"],
    ] {
        let said = ends(&world, 2, args);
        let first = said.lines().next().unwrap();
        assert!(first.contains("]: bad") || first.contains("`bad`"), "{args:?}: {said}");
    }
    assert!(ends(&world, 2, &["verify", "--log-key", "bad"]).contains("--log-key: "));
    let said = ends(&world, 2, &["erase", "--record", "2", "--basis", "r", "--redaction-key", "log/keys/log.key"]);
    assert!(said.contains("log/keys/log.key: it is not the key of redactions"), "{said}");
    let said = ends(&world, 2, &["erase", "--record", "2", "--basis", "a\u{1b}b"]);
    assert!(said.contains("without control characters"), "{said}");
    let said = ends(&world, 2, &["record", "decision", "what=a\u{1b}b", "reason=r"]);
    assert!(said.contains("what: expected a text of one line") && said.contains("a control character"), "{said}");
    world.write("log/log.json", world.read("log/log.json").replace("\"sessions\": 30", "\"sessions\": 0"));
    assert!(ends(&world, 2, &["verify"]).contains("expected whole days from 1 on for `sessions`"));
}

#[test]
fn a_socket_that_is_none_is_said_to_be_none() {
    let world = worked();
    world.write("file", "x");
    let record = |socket: &str| {
        let mut program = Command::new(env!("CARGO_BIN_EXE_attest"));
        program
            .args(["audit", "--log", LOG, "record", "heartbeat"])
            .current_dir(world.root())
            .env("HOME", world.home());
        let out = program.env("ATTEST_AUDIT_SOCKET", world.root().join(socket)).output().unwrap();
        (out.status.code(), String::from_utf8_lossy(&out.stderr).into_owned())
    };
    let (code, said) = record("file");
    assert!(code == Some(3) && said.contains("it is no socket"), "{said}");
    assert_eq!(record("nothing").0, Some(0), "where nobody listens it is written");
    let said = ends(&world, 3, &["serve", "--socket", "file"]);
    assert!(said.contains("a file that is no socket is there"), "{said}");
    assert_eq!(world.read("file"), "x");
}

#[test]
fn many_write_at_once_and_none_is_lost() {
    let world = started();
    let write = |n: usize| {
        let (root, home) = (world.root().to_owned(), world.home().to_owned());
        std::thread::spawn(move || {
            let mut program = Command::new(env!("CARGO_BIN_EXE_attest"));
            program
                .args(["audit", "--log", LOG, "record", "action", "action_type=file_read"])
                .arg(format!("target=f{n}"));
            program.current_dir(root).env("HOME", home).output().unwrap()
        })
    };
    let all: Vec<_> = (0..8).map(write).collect();
    let mut numbers: Vec<String> = Vec::new();
    for one in all {
        let out = one.join().unwrap();
        let said = String::from_utf8(out.stdout).unwrap();
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        numbers.push(said.trim_end().split(' ').nth(3).unwrap().to_owned());
    }
    numbers.sort();
    assert_eq!(numbers, ["1", "2", "3", "4", "5", "6", "7", "8"]);
    assert!(done(&world, &["verify"]).contains("9 records: 9 verified"));
}

#[test]
fn create_and_verify_record_themselves_and_what_could_not_be_is_counted() {
    let world = World::new();
    let log = world.home().join("log");
    let run = |args: &[&str]| {
        let mut program = Command::new(env!("CARGO_BIN_EXE_attest"));
        program.args(args).current_dir(world.root()).env("HOME", world.home());
        program.env("ATTEST_AUDIT_LOG", &log).env("ATTEST_PASSWORD", crate::world::PASSWORD).output().unwrap()
    };
    let text = |out: &Output| String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr);
    let create =
        ["create", "app", "--key", "attest.key", "--agent", "platform/builder", "--requested-by", "github:583231"];
    let verify = ["verify", "app", "--key", "attest.pub"];
    // Without a log nothing is said, unless one is demanded.
    assert!(!text(&run(&create)).contains("audit"));
    assert!(!text(&run(&verify)).contains("audit"));
    let out = run(&[&verify[..], &["--require-audit"]].concat());
    assert_eq!((out.status.code(), text(&out).contains("audit-log-absent")), (Some(2), true), "{}", text(&out));

    assert!(run(&["audit", "init", "--origin", "audit.example/itself"]).status.success());
    assert_eq!(run(&verify).status.code(), Some(0));
    assert_eq!(run(&[&verify[..], &["--agent", "other/*"]].concat()).status.code(), Some(1));
    assert!(run(&[&create[..], &["--task", "t-2"]].concat()).status.success());
    let shown: Value = serde_json::from_slice(&run(&["audit", "show", "--format", "json"]).stdout).unwrap();
    let record = |n: usize| &shown["records"][n + 1]["record"];
    assert_eq!(
        (&record(0)["kind"], &record(0)["verdict"], &record(0)["subject"]),
        (&"verified".into(), &"allow".into(), &"file:app".into())
    );
    assert_eq!((&record(1)["verdict"], &record(1)["code"]), (&"deny".into(), &"agent-mismatch".into()));
    assert_eq!(
        (&record(2)["kind"], &record(2)["agent"], &record(2)["task_id"]),
        (&"attested".into(), &"platform/builder".into(), &"t-2".into())
    );
    assert_eq!(record(2)["requested_by"], "github:583231");
    assert_eq!((&record(3)["kind"], &record(3)["statement"]), (&"materials".into(), &record(2)["statement"]));
    assert!(!holds(&log, "github:583231"));

    // A log that cannot be written to changes no answer.
    use std::os::unix::fs::PermissionsExt as _;
    let mode = |mode: u32| fs::set_permissions(log.join("keys"), fs::Permissions::from_mode(mode)).unwrap();
    mode(0o755);
    let out = run(&verify);
    assert!(
        out.status.success() && text(&out).contains("this was not recorded, the log will say so"),
        "{}",
        text(&out)
    );
    assert_eq!(run(&[&verify[..], &["--agent", "other/*"]].concat()).status.code(), Some(1));
    let out = run(&[&verify[..], &["--require-audit"]].concat());
    assert_eq!((out.status.code(), text(&out).contains("ALLOW")), (Some(3), false), "{}", text(&out));
    mode(0o700);
    assert!(run(&verify).status.success());
    let shown: Value = serde_json::from_slice(&run(&["audit", "show", "--format", "json"]).stdout).unwrap();
    let loss = &shown["records"][6]["record"];
    assert_eq!((&loss["kind"], &loss["lost"]), (&"loss".into(), &3.into()));
    assert_eq!(shown["size"], 7);
    assert!(run(&verify).status.success());
    assert!(text(&run(&["audit", "verify"])).contains("3 lost events, in 1 record"));
    // A crash came between the record and the end of the count; what is counted from then on is another loss.
    let id = loss["source_id"].as_str().unwrap().strip_prefix("lost/").unwrap();
    fs::write(log.join(format!("lost.{id}")), "...").unwrap();
    assert!(run(&verify).status.success() && !log.join(format!("lost.{id}")).exists());
    assert!(text(&run(&["audit", "verify"])).contains("3 lost events, in 1 record"));
    fs::write(log.join("lost"), "..").unwrap();
    assert!(run(&verify).status.success() && !log.join("lost").exists());
    assert!(text(&run(&["audit", "verify"])).contains("5 lost events, in 2 records"));
}

#[test]
fn the_tour_shows_what_it_says() {
    let world = World::empty();
    let out = world.attest(&["audit", "quickstart"]);
    let said = String::from_utf8_lossy(&out.stdout).into_owned();
    assert!(out.status.success(), "{said}{}", String::from_utf8_lossy(&out.stderr));
    for word in ["OK audit.example/quickstart", "(exit code 1)", "records were there", "a person who was erased"] {
        assert!(said.contains(word), "{word}: {said}");
    }
    assert!(files(world.root()).is_empty(), "the checkout stays as it is");
}

#[test]
fn a_record_is_named_by_its_execution_where_one_record_is_meant() {
    let world = worked();
    world.write("command", "cargo test --all");
    assert!(done(&world, &["match", "exec-1", "--field", "command", "command"]).contains("of record 2"));
    done(&world, &["prove", "exec-1", "--field", "cost", "--output", "2.tlog-proof"]);
    let said = ends(&world, 1, &["prove", "exec-1", "--field", "execution_id"]);
    assert!(said.contains("it has 3; name one of them: 1, 2, 3"), "{said}");
    assert!(ends(&world, 1, &["prove", "exec-1", "--field", "diff"]).contains("none has what was asked for"));
    assert!(ends(&world, 1, &["match", "exec-2", "--field", "command", "command"]).contains("audit-unknown"));
    // Ranges of records, and what none is.
    for bad in ["2-1", "x", "1-", "-1"] {
        ends(&world, 2, &["erase", &format!("--record={bad}"), "--basis", "r"]);
    }
    ends(&world, 1, &["erase", "--record", "1-4", "--basis", "r"]);
    assert!(done(&world, &["erase", "--record", "2-3", "--basis", "r"]).starts_with("erased: 2 records"));
    assert!(done(&world, &["verify"]).contains("5 records: 3 verified, 2 redacted"));
}
