//! Records that are handed out, as whoever gets them checks them, and as whoever wants to change them tries.

use crate::audit::{done, ends, files, schema, started};
use crate::audit_ask::incident;
use crate::world::World;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use std::fs;
use std::path::{Path, PathBuf};

/// The month in which the log was made.
fn month(world: &World) -> String {
    let shown: Value = serde_json::from_str(&done(world, &["show", "0", "--format", "json"])).unwrap();
    shown["records"][0]["loggedAt"].as_str().unwrap()[..7].to_owned()
}

fn export(world: &World, more: &[&str]) -> String {
    done(world, &[&["export", "--month", &month(world), "--to", "out"][..], more].concat())
}

/// The key of the world's log, wherever a test has put that.
fn key_of(world: &World) -> String {
    let places = ["log", "gone", "kept-log"].map(|name| world.root().join(name).join("log.json"));
    let settings = fs::read(places.iter().find(|path| path.exists()).unwrap()).unwrap();
    serde_json::from_slice::<Value>(&settings).unwrap()["key"].as_str().unwrap().to_owned()
}

fn verified(world: &World) -> String {
    done(world, &["verify", "--bundle", "out", "--log-key", &key_of(world)])
}

fn refused(world: &World, code: i32) -> String {
    ends(world, code, &["verify", "--bundle", "out", "--log-key", &key_of(world)])
}

fn lines(world: &World) -> Vec<Value> {
    let text = fs::read_to_string(world.root().join("out/records.jsonl")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect()
}

/// Writes lines as somebody does who knows the format: chained again, and the manifest made to fit.
fn forge(world: &World, mut lines: Vec<Value>, change: impl Fn(&mut Value)) {
    let mut last = "0".repeat(64);
    let mut text = String::new();
    for line in &mut lines {
        line["previous"] = last.clone().into();
        let line = line.to_string();
        last = sha256(line.as_bytes());
        text += &(line + "\n");
    }
    fs::write(world.root().join("out/records.jsonl"), &text).unwrap();
    let mut manifest: Value =
        serde_json::from_slice(&fs::read(world.root().join("out/manifest.json")).unwrap()).unwrap();
    manifest["files"]["records.jsonl"] = format!("sha256:{}", sha256(text.as_bytes())).into();
    (manifest["records"], manifest["lastLine"]) = (lines.len().into(), last.into());
    change(&mut manifest);
    fs::write(world.root().join("out/manifest.json"), serde_json::to_string_pretty(&manifest).unwrap() + "\n").unwrap();
}

#[test]
fn a_month_is_handed_out_whole_and_that_it_was_is_in_the_log() {
    let world = incident();
    let said = export(&world, &["--recipient", "auditor@example.com"]);
    assert!(said.starts_with("wrote 11 records, all from 0 to 10 to out; that is record 11\n"), "{said}");
    assert!(said.contains(&format!("verify --bundle out --log-key '{}'", key_of(&world))), "{said}");
    let found = verified(&world);
    assert!(found.contains(" of audit.example/test: 11 records\n  all from 0 to 10: none is missing"), "{found}");
    let shown: Value = serde_json::from_str(&done(&world, &["show", "11", "--format", "json"])).unwrap();
    let record = &shown["records"][0]["record"];
    assert_eq!((&record["kind"], &record["recipient"]), (&"exported".into(), &"auditor@example.com".into()));
    let manifest = fs::read(world.root().join("out/manifest.json")).unwrap();
    assert_eq!(record["digest"], format!("sha256:{}", sha256(&manifest)));
    let first = &lines(&world)[1];
    assert_eq!(
        (&first["record"]["agent"], &first["previous"].as_str().unwrap().len()),
        (&"engineering/claude-coder".into(), &64)
    );
    let ran = &lines(&world)[3];
    assert!(
        ran["hidden"]["command"].is_string() && ran["record"].get("command").is_none(),
        "who has the salt could guess it"
    );
    let csv = fs::read_to_string(world.root().join("out/records.csv")).unwrap();
    assert!(csv.starts_with("index,id,kind,logged_at,hole,execution_id,") && csv.lines().count() == 12, "{csv}");
    let report: Value = serde_json::from_slice(&fs::read(world.root().join("out/report.json")).unwrap()).unwrap();
    assert_eq!((&report["total"]["runs"], &report["lost"]), (&2.into(), &17.into()));
    // It is checked under a key from elsewhere, and needs no log.
    let key: Value = serde_json::from_slice(&manifest).unwrap();
    assert!(schema("audit-export-manifest").is_valid(&key) && schema("audit-report").is_valid(&report));
    let line = schema("audit-export-line");
    assert!(lines(&world).iter().all(|one| line.is_valid(one)));
    // Without a key from elsewhere it is somebody's: whoever makes a folder can sign it.
    let said = ends(&world, 3, &["verify", "--bundle", "out"]);
    assert!(said.starts_with("UNKNOWN month/") && said.contains("whose log it is nobody said"), "{said}");
    assert!(said.contains(&format!("--log-key '{}'", key_of(&world))), "{said}");
    let checked = ends(&world, 3, &["verify", "--bundle", "out", "--format", "json"]);
    let checked: Value = serde_json::from_str(&checked).unwrap();
    assert!(schema("audit-bundle").is_valid(&checked) && checked["ok"] == false, "{checked}");
    let said = done(&world, &["export", "--month", &month(&world), "--to", "json", "--format", "json"]);
    assert!(schema("audit-export").is_valid(&serde_json::from_str(&said).unwrap()), "{said}");
    let key = key["logKey"].as_str().unwrap();
    fs::rename(world.root().join("log"), world.root().join("gone")).unwrap();
    assert!(
        done(&world, &["verify", "--bundle", "out", "--log-key", key]).ends_with("signed by the key that was given\n")
    );
    fs::rename(world.root().join("gone"), world.root().join("log")).unwrap();
    let other = started();
    let settings: Value = serde_json::from_slice(&fs::read(other.root().join("log/log.json")).unwrap()).unwrap();
    let other = settings["key"].as_str().unwrap();
    assert!(ends(&world, 1, &["verify", "--bundle", "out", "--log-key", other]).contains("not the one that was given"));
    assert!(ends(&world, 1, &["export", "--month", "2001-01", "--to", "none"]).contains("nothing to export"));
    assert!(ends(&world, 2, &["export", "--month", "2001-13", "--to", "none"]).contains("as 2026-10"));
    assert!(ends(&world, 2, &["export", "--month", &month(&world), "--to", "out"]).contains("the folder is not empty"));
}

#[test]
fn a_record_that_is_taken_out_is_named_however_the_rest_is_mended() {
    let world = incident();
    export(&world, &[]);
    let all = lines(&world);
    let without = |at: usize| [&all[..at], &all[at + 1..]].concat();
    let whole = fs::read_to_string(world.root().join("out/records.jsonl")).unwrap();
    let cut: Vec<&str> = whole.lines().enumerate().filter(|(at, _)| *at != 5).map(|(_, line)| line).collect();
    fs::write(world.root().join("out/records.jsonl"), cut.join("\n") + "\n").unwrap();
    assert!(refused(&world, 1).contains("record 5 is not there"));
    forge(&world, without(5), |_| {});
    assert!(refused(&world, 1).contains("record 5 is not there"));
    forge(&world, without(10), |_| {});
    assert!(refused(&world, 1).contains("record 10 is not there"));
    let mut renumbered = without(5);
    for (at, line) in renumbered.iter_mut().enumerate() {
        line["index"] = at.into();
    }
    forge(&world, renumbered.clone(), |_| {});
    assert!(refused(&world, 1).contains("record 10 is not there"));
    forge(&world, renumbered, |manifest| manifest["range"]["end"] = 10.into());
    assert!(refused(&world, 1).contains("the records 0 to 9 are not those of the log"));
    let mut changed = all.clone();
    changed[2]["record"]["target"] = "src/auth/other.ts".into();
    forge(&world, changed, |_| {});
    assert!(refused(&world, 1).contains("its fields are not those that its entry commits to"));
    let mut swapped = all.clone();
    let (hidden, value) = (swapped[2]["salts"]["target"].clone(), Value::from("src/auth/other.ts"));
    (swapped[2]["hidden"]["target"], swapped[2]["record"]["target"]) = (hidden, value);
    swapped[2]["salts"].as_object_mut().unwrap().remove("target");
    forge(&world, swapped, |_| {});
    assert!(refused(&world, 1).contains("its fields are not those that its entry commits to"));
    let mut silent = all.clone();
    for name in ["salts", "hidden", "known"] {
        silent[2].as_object_mut().unwrap().remove(name);
    }
    forge(&world, silent, |_| {});
    assert!(refused(&world, 1).contains("it proves nothing of what it says"));
    let mut late = all.clone();
    late[2]["loggedAt"] = "2001-01-01T00:00:00Z".into();
    forge(&world, late, |_| {});
    assert!(refused(&world, 1).contains("its kind, id or time is not that of its entry"));
    let mut note = all.clone();
    note[0]["text"] = "another log".into();
    forge(&world, note, |_| {});
    assert!(refused(&world, 1).contains("its text is not the one of its entry"));
    let unchained = whole.replacen(all[4]["previous"].as_str().unwrap(), &"0".repeat(64), 1);
    fs::write(world.root().join("out/records.jsonl"), unchained).unwrap();
    assert!(refused(&world, 1).contains("record 4: the line before it is not the one that it was written behind"));
    forge(&world, all, |manifest| {
        (manifest["range"]["end"], manifest["what"]) = (11.into(), "month/2001-01".into());
    });
    assert!(refused(&world, 1).contains("the log has another digest of it"));
}

/// Copies a folder.
fn copy(from: &Path, to: &Path) {
    for file in files(from) {
        let path = to.join(file.strip_prefix(from).unwrap());
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::copy(&file, &path).unwrap();
    }
}

/// That one byte more, less or other in any file is refused, each beside the twin that passes.
fn nothing_can_be_changed(world: &World) {
    verified(world);
    copy(&world.root().join("out"), &world.root().join("kept"));
    for file in files(&world.root().join("out")) {
        let bytes = fs::read(&file).unwrap();
        let step = (bytes.len() / 12).max(1);
        let mut changes: Vec<Vec<u8>> = (0..bytes.len()).step_by(step).map(|at| flipped(&bytes, at)).collect();
        changes.push(flipped(&bytes, bytes.len() - 1));
        changes.push([&bytes[..], b"\n"].concat());
        changes.push(bytes[..bytes.len() - 1].to_vec());
        for changed in changes {
            fs::write(&file, &changed).unwrap();
            let out = crate::audit::audit(world, &["verify", "--bundle", "out", "--log-key", &key_of(world)]);
            let at = changed.iter().zip(&bytes).position(|(a, b)| a != b);
            assert_ne!(out.status.code(), Some(0), "{} {at:?}", file.display());
        }
        fs::write(&file, &bytes).unwrap();
    }
    fs::write(world.root().join("out/more.txt"), "x").unwrap();
    assert!(refused(world, 1).contains("the file more.txt is none of it"));
    fs::remove_file(world.root().join("out/more.txt")).unwrap();
    verified(world);
}

fn flipped(bytes: &[u8], at: usize) -> Vec<u8> {
    let mut out = bytes.to_vec();
    out[at] ^= 1;
    out
}

#[test]
fn no_byte_of_a_month_can_be_changed() {
    let world = incident();
    export(&world, &[]);
    nothing_can_be_changed(&world);
    fs::remove_file(world.root().join("out/report.json")).unwrap();
    assert!(refused(&world, 1).contains("the file report.json is not there"));
}

#[test]
fn what_was_erased_is_a_hole_that_is_named() {
    let world = incident();
    done(&world, &["erase", "--record", "3", "--basis", "on request of carol@example.com"]);
    done(&world, &["erase", "--person", "github:1024", "--basis", "request-8"]);
    let said = export(&world, &[]);
    assert!(said.contains("HOLE  1 record cannot be read (3), erased: redaction 11, on request of"), "{said}");
    let holes = verified(&world);
    assert!(
        holes.contains("  HOLE  1 record cannot be read: erased\n  1 of these by redactions with authority"),
        "{holes}"
    );
    let all = lines(&world);
    assert_eq!((&all[3]["hole"]["why"], &all[3]["hole"]["redaction"]), (&"erased".into(), &11.into()));
    assert!(all[3].get("record").is_none() && all[3]["kind"] == "action", "{}", all[3]);
    assert!(all[5]["record"].get("approver").is_none() && all[5]["hidden"]["approver"].is_string(), "{}", all[5]);
    assert!(!found(&world.root().join("out"), "github:1024"));
    let report: Value = serde_json::from_slice(&fs::read(world.root().join("out/report.json")).unwrap()).unwrap();
    assert_eq!((&report["holes"][0]["first"], &report["holes"][0]["redaction"]), (&3.into(), &11.into()));
}

/// Whether a text is in a file of a folder, as it is, in base64 or escaped.
fn found(folder: &Path, text: &str) -> bool {
    let all: Vec<PathBuf> = files(folder);
    let encoded = STANDARD.encode(text);
    let inner = encoded.get(..encoded.len() / 4 * 4 - 4).unwrap();
    let escaped = text.replace('/', "\\/");
    all.iter().any(|file| {
        let bytes = String::from_utf8_lossy(&fs::read(file).unwrap()).to_lowercase();
        [text, inner, &escaped].iter().any(|form| bytes.contains(&form.to_lowercase()))
    })
}

/// A log in which people, machines, paths and texts stand.
fn telling() -> World {
    let world = started();
    let record = |args: &[&str]| done(&world, &[&["record"][..], args].concat());
    let of = "execution_id=exec-secret-name";
    let by = [
        "requested_by=mailto:alice.archer@corp.example",
        "machine=buildbox7.corp.example",
        "environment=alices-laptop",
    ];
    record(
        &[&["execution_started", of, "agent=web/fixer", "model=claude-sonnet-4", "branch=alice/fix"][..], &by].concat(),
    );
    let action =
        ["action", of, "action_type=file_modify", "target=src/payroll/archer.rs", "repository=git.corp.example/x"];
    record(&[&action[..], &["command=cat /home/alice/secret", "metadata.cwd=payroll", "agent=archer/helper"]].concat());
    record(&[
        "action",
        of,
        "action_type=commit",
        "target=commit:abc1230000000000000000000000000000000000",
        "head_commit=abc1230000000000000000000000000000000000",
        "author=mailto:alice.archer@corp.example",
        "result=ok",
    ]);
    record(&["decision", "what=promote alice", "reason=bob said so", "decided_by=github:58323144910277"]);
    record(&["tag", of, "key=team", "value=payroll"]);
    record(&["outcome", "outcome_kind=goal", "target=ship payroll", "state=achieved"]);
    record(&["loss", "lost=3", "reason=the disk of buildbox7 was full"]);
    done(&world, &["erase", "--record", "5", "--basis", "asked by carol@corp.example"]);
    world
}

#[test]
fn an_anonymised_month_names_nobody_and_calls_one_thing_by_one_name() {
    let world = telling();
    let planted = [
        "alice",
        "archer",
        "corp.example",
        "buildbox7",
        "/home/",
        "payroll",
        "58323144910277",
        "carol",
        "bob said",
        "secret",
        "abc1230000000000000000000000000000000000",
        "exec-secret-name",
    ];
    export(&world, &[]);
    let without = |text: &&str| !found(&world.root().join("out"), text);
    assert_eq!(
        planted.iter().copied().filter(without).collect::<Vec<_>>(),
        ["/home/"],
        "the twin has them, but no command"
    );
    fs::rename(world.root().join("out"), world.root().join("plain")).unwrap();
    export(&world, &["--anonymize", "--ocsf"]);
    let events = fs::read_to_string(world.root().join("out/records.ocsf.jsonl")).unwrap();
    let event: Value = serde_json::from_str(events.lines().nth(1).unwrap()).unwrap();
    assert_eq!(
        (&event["class_uid"], &event["activity_id"], &event["metadata"]["sequence"]),
        (&1001.into(), &3.into(), &2.into())
    );
    assert_eq!(events.lines().count(), lines(&world).iter().filter(|line| line.get("record").is_some()).count());
    let with = |text: &&str| found(&world.root().join("out"), text);
    assert_eq!(planted.iter().copied().filter(with).collect::<Vec<_>>(), [""; 0]);
    assert!(verified(&world).contains("none is missing"), "what is left is proven all the same");
    let all = lines(&world);
    let of = |at: usize, name: &str| all[at]["record"][name].as_str().unwrap().to_owned();
    assert_eq!(of(1, "execution_id"), of(2, "execution_id"));
    assert_eq!(of(1, "requested_by"), of(3, "author"));
    assert_eq!(of(3, "target"), format!("commit:{}", of(3, "head_commit")));
    assert_eq!(
        (of(1, "agent"), of(1, "model"), of(3, "result")),
        ("web/fixer".into(), "claude-sonnet-4".into(), "ok".into())
    );
    assert!(of(2, "agent").starts_with("p-"), "a name of a person in it");
    for name in ["what", "reason"] {
        assert!(all[4]["hidden"][name].is_string() && all[4]["record"].get(name).is_none(), "{}", all[4]);
    }
    assert!(all[2]["record"].get("metadata").is_none() && all[2]["hidden"]["metadata"].is_string());
    let named = of(1, "execution_id");
    let again = |key: &[&str]| {
        fs::remove_dir_all(world.root().join("out")).unwrap();
        export(&world, &[&["--anonymize"], key].concat());
        lines(&world)[1]["record"]["execution_id"].as_str().unwrap().to_owned()
    };
    assert_ne!(again(&[]), named, "a key that was forgotten");
    fs::write(world.root().join("key"), "a secret of many words").unwrap();
    let key = ["--pseudonym-key", "key"];
    assert_eq!(again(&key), again(&key));
}

#[test]
fn a_person_gets_their_own_records_and_nobody_elses_name() {
    let world = incident();
    let said = done(&world, &["export", "--person", "github:583231", "--to", "out"]);
    assert!(said.starts_with("wrote 2 records to out; that is record 11\n"), "{said}");
    let found_here = verified(&world);
    assert!(found_here.contains("that there are no others is not proven"), "{found_here}");
    let mut turned = lines(&world);
    assert!(turned.iter().all(|line| line["record"]["requested_by"] == "github:583231"));
    // Each is proven by itself; that one came before the other, their places say.
    fs::rename(world.root().join("out"), world.root().join("whole")).unwrap();
    copy(&world.root().join("whole"), &world.root().join("out"));
    turned.reverse();
    forge(&world, turned, |_| ());
    assert!(refused(&world, 1).contains("stands behind a later one"));
    let shown: Value = serde_json::from_str(&done(&world, &["show", "11", "--format", "json"])).unwrap();
    assert_eq!(shown["records"][0]["record"]["recipient"], "github:583231");
    assert_eq!(shown["records"][0]["record"]["target"], "export:person", "the index, which has no people, has it");
    fs::remove_dir_all(world.root().join("out")).unwrap();
    let both = ["approval", "target=acme/app#57", "approver=github:1024", "requested_by=github:583231"];
    ends(&world, 2, &[&["record"][..], &both].concat());
    let both = ["action", "action_type=commit", "target=commit:abc", "author=github:583231", "committer=github:999"];
    done(&world, &[&["record"][..], &both].concat());
    done(&world, &["export", "--person", "github:583231", "--to", "out"]);
    assert!(!found(&world.root().join("out"), "github:999") && found(&world.root().join("out"), "github:583231"));
    verified(&world);
    assert!(ends(&world, 1, &["export", "--person", "github:7", "--to", "none"]).contains("names github:7"));
}

#[test]
fn an_incident_is_checked_by_who_has_neither_log_nor_keys() {
    let world = incident();
    done(&world, &["erase", "--record", "3", "--basis", "request-7"]);
    let said = done(&world, &["report", "incident", "exec-1", "--to", "out", "--recipient", "counsel"]);
    assert!(said.contains("HOLE  1 record cannot be read (3), erased: redaction 11, request-7\n"), "{said}");
    let numbers: Vec<u64> = lines(&world).iter().map(|line| line["index"].as_u64().unwrap()).collect();
    assert_eq!(numbers, [0, 1, 2, 3, 4, 5, 6, 7, 11], "with what the log is, and the redaction that says why");
    let page = fs::read_to_string(world.root().join("out/index.html")).unwrap();
    assert!(page.contains("Execution exec-1") && page.contains("file_modify") && !page.contains("<script"), "{page}");
    let explained = |world: &World| {
        let said = done(world, &["verify", "--bundle", "out", "--format", "json", "--log-key", &key_of(world)]);
        serde_json::from_str::<Value>(&said).unwrap()["explainedHoles"].as_u64().unwrap()
    };
    assert_eq!(explained(&world), 1);
    let kept = world.root().join("kept-log");
    fs::rename(world.root().join("log"), &kept).unwrap();
    nothing_can_be_changed(&world);
    // A record that is put in, and one that is put elsewhere.
    let all = lines(&world);
    let mut moved = all.clone();
    moved[7]["index"] = 8.into();
    forge(&world, moved, |_| {});
    assert!(
        refused(&world, 1).contains("stands behind a later one") || refused(&world, 1).contains("is not in the log")
    );
    forge(&world, all[..8].to_vec(), |_| {});
    assert!(refused(&world, 1).contains("the log has another digest of it"), "one less");
    fs::rename(kept, world.root().join("log")).unwrap();
    fs::remove_dir_all(world.root().join("out")).unwrap();
    let told = ["action", "execution_id=exec-1", "action_type=file_read", "target=<script>alert(1)</script>"];
    done(&world, &[&["record"][..], &told].concat());
    let commit = "commit:abc1230000000000000000000000000000000000";
    done(&world, &["report", "incident", commit, "--to", "out"]);
    assert!(lines(&world).iter().any(|line| line["kind"] == "execution_ended"), "its execution is followed");
    let page = fs::read_to_string(world.root().join("out/index.html")).unwrap();
    assert!(page.contains("\n  asked by    github:583231 d\n") && page.contains("&lt;script&gt;alert(1)"), "{page}");
    assert!(!page.contains("<script"), "{page}");
    verified(&world);
    assert!(ends(&world, 1, &["report", "incident", "exec-9", "--to", "none"]).contains("audit-unknown"));
}
