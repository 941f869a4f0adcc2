//! The audit log and those outside who see its checkpoints.

use crate::serve::{Reply, Server};
use crate::world::World;
use attest::tlog::note::NoteSigner;
use attest::tlog::witness::{AddCheckpoint, Refusal, may_cosign};
use attest::tlog::{Cosigner, Hash, Note, NoteKey};
use serde_json::Value;
use std::fs;
use std::sync::{Arc, Mutex};

/// What a witness does with a request that it should cosign.
#[derive(Clone, Copy, PartialEq)]
enum Way {
    /// Cosigns.
    Honest,
    /// Signs with another key than the one that its policy line has.
    Impostor,
    /// Cosigns as if it were 1970.
    Old,
    /// Answers with a status.
    Status(u16),
}

/// A witness on loopback, whose way can be changed.
struct TestWitness {
    server: Server,
    key: String,
    way: Arc<Mutex<Way>>,
    /// The time that it says (seconds since 1970).
    time: u64,
}

impl TestWitness {
    fn of(seed: u8, log: &NoteKey, way: Way) -> Self {
        let cosigner = |seed: u8| Cosigner::of(NoteSigner::from_seed("w.example", &[seed; 32]).unwrap()).unwrap();
        let (own, other) = (cosigner(seed), cosigner(99));
        let key = own.key().key().to_string();
        let (way, log) = (Arc::new(Mutex::new(way)), log.clone());
        let (at, last) = (way.clone(), Mutex::new(None::<(u64, Hash)>));
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
        let time = now - u64::from(seed);
        let server = Server::start(move |asked| {
            assert_eq!((asked.method.as_str(), asked.path()), ("POST", "/add-checkpoint"));
            let text = asked.text();
            let request = AddCheckpoint::parse(text.as_bytes()).unwrap();
            let way = *at.lock().unwrap();
            if let Way::Status(status) = way {
                return Reply::status(status, "not now");
            }
            let mut last = last.lock().unwrap();
            match may_cosign(&request, std::slice::from_ref(&log), |_| *last) {
                Ok(checkpoint) => {
                    *last = Some((checkpoint.size, checkpoint.root));
                    let note = Note::parse(request.checkpoint.as_bytes()).unwrap();
                    let by = if way == Way::Impostor { &other } else { &own };
                    let time = if way == Way::Old { 9 } else { time };
                    Reply::status(200, &format!("{}\n", by.cosign(note.text, time)))
                }
                Err(refusal) => {
                    let (media_type, body) = refusal.body();
                    let status = refusal.status();
                    assert_eq!(matches!(refusal, Refusal::Conflict(_)), status == 409);
                    Reply::Answer(status, format!("content-type: {media_type}\r\n"), body.into_bytes())
                }
            }
        });
        Self { server, key, way, time }
    }

    fn line(&self, name: &str) -> String {
        format!("witness {name} {} {}\n", self.key, self.server.url)
    }

    /// The day that it says.
    fn day(&self) -> String {
        let time = attest::model::Timestamp::from_unix(i64::try_from(self.time).unwrap()).unwrap().to_string();
        time[..11].to_owned()
    }

    /// The sizes that it was told.
    fn told(&self) -> Vec<u64> {
        self.server.asked().iter().map(|asked| AddCheckpoint::parse(&asked.body).unwrap().old).collect()
    }
}

pub(crate) fn run(world: &World, log: &str, code: i32, args: &[&str]) -> String {
    let all: Vec<&str> = ["audit", "--log", log].into_iter().chain(args.iter().copied()).collect();
    let out = world.attest(&all);
    let said = String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr);
    assert_eq!(out.status.code(), Some(code), "{args:?}: {said}");
    said
}

/// A log of three records, its settings among them, and its key.
fn logged() -> (World, NoteKey) {
    let world = World::empty();
    run(&world, "log", 0, &["init", "--origin", "audit.example/test"]);
    for n in 1..3 {
        decide(&world, "log", &format!("number {n}"));
    }
    let settings: Value = serde_json::from_str(&world.read("log/log.json")).unwrap();
    let key = NoteKey::parse(settings["key"].as_str().unwrap()).unwrap();
    (world, key)
}

fn decide(world: &World, log: &str, what: &str) {
    run(world, log, 0, &["record", "decision", &format!("what={what}"), "reason=a test"]);
}

fn copy(world: &World, to: &str) {
    crate::audit::copy(&world.root().join("log"), &world.root().join(to));
}

fn anchors(world: &World, log: &str) -> Vec<String> {
    let Ok(listed) = fs::read_dir(world.root().join(log).join("anchors")) else { return Vec::new() };
    let names = listed.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter(|name| name.ends_with(".checkpoint")).collect();
    names.sort();
    names
}

#[test]
fn a_witness_cosigns_a_log_as_it_grows() {
    let (world, log) = logged();
    let witness = TestWitness::of(1, &log, Way::Honest);
    world.write("policy", format!("log {log}\n{}quorum w1\n", witness.line("w1")));
    let said = run(&world, "log", 0, &["anchor", "--policy", "policy"]);
    assert!(said.starts_with("ANCHORED audit.example/test: 3 records, the quorum is met\n"), "{said}");
    assert!(said.contains("w1") && said.contains("cosigned") && said.contains(&witness.day()), "{said}");
    let kept = anchors(&world, "log");
    assert_eq!(kept.len(), 1);
    assert!(said.contains(&kept[0]), "{said}");
    let note = world.read(&format!("log/anchors/{}", kept[0]));
    assert_eq!(Note::parse(note.as_bytes()).unwrap().lines.len(), 2, "the log's signature and the witness's");
    // Beside the log it is found by itself.
    decide(&world, "log", "number 3");
    fs::copy(world.root().join("policy"), world.root().join("log/witnesses.policy")).unwrap();
    let json: Value = serde_json::from_str(&run(&world, "log", 0, &["anchor", "--format", "json"])).unwrap();
    assert_eq!(
        (json["ok"].as_bool(), json["size"].as_u64(), json["quorumMet"].as_bool()),
        (Some(true), Some(5), Some(true)),
        "with the record of what was said before"
    );
    assert_eq!(json["witnesses"][0]["outcome"], "cosigned");
    assert_eq!(witness.told(), [0, 3], "what is kept says where the proof begins");
    assert_eq!(anchors(&world, "log").len(), 2);
    // A witness that knows the log from elsewhere says its size.
    fs::remove_dir_all(world.root().join("log/anchors")).unwrap();
    decide(&world, "log", "number 4");
    run(&world, "log", 0, &["anchor"]);
    assert_eq!(witness.told(), [0, 3, 0, 5]);
}

#[test]
fn a_time_that_is_later_than_when_the_record_was_proven_to_be_there_is_false() {
    let (world, log) = logged();
    let witness = TestWitness::of(1, &log, Way::Honest);
    world.write("policy", format!("log {log}\n{}quorum w1\n", witness.line("w1")));
    run(&world, "log", 0, &["record", "action", "action_type=search", "at=2999-01-01T00:00:00Z"]);
    let line = || run(&world, "log", 0, &["timeline", "--policy", "policy", "--from", "2999-01-01"]);
    assert!(line().contains("2999-01-01 00:00:00 >  - .. -  "), "nothing proves it yet: {}", line());
    run(&world, "log", 0, &["anchor", "--policy", "policy"]);
    let text = line();
    assert!(text.contains("PROVEN BETWEEN") && text.contains("2999-01-01 00:00:00 x  - .. 20"), "{text}");
    assert!(
        text.contains("x 1 say a later time than when they were proven to be in the log: that time is false"),
        "{text}"
    );
}

#[test]
fn a_quorum_that_is_not_met_is_no_and_one_that_was_not_reached_is_not_known() {
    let (world, log) = logged();
    let (one, two) = (TestWitness::of(1, &log, Way::Honest), TestWitness::of(2, &log, Way::Status(503)));
    let both = |quorum: &str| {
        format!("log {log}\n{}{}group both all w1 w2\ngroup any any w3 w4\n", one.line("w1"), two.line("w2"))
            .replace("group any any w3 w4\n", "")
            + &format!("quorum {quorum}\n")
    };
    world.write("policy", both("both"));
    let said = run(&world, "log", 3, &["anchor", "--policy", "policy", "--timeout", "2s"]);
    assert!(said.starts_with("NOT ANCHORED ") && said.contains("the quorum is not met"), "{said}");
    assert!(said.contains("w2") && said.contains("unreached"), "{said}");
    let kept = anchors(&world, "log");
    assert_eq!(kept.len(), 1, "what was got is kept all the same");
    // One that will not is no.
    *two.way.lock().unwrap() = Way::Status(404);
    let said = run(&world, "log", 1, &["anchor", "--policy", "policy"]);
    assert!(said.contains("refused") && said.contains("does not watch this log"), "{said}");
    // Where one suffices, the other is only told of.
    world.write("one", both("w1"));
    run(&world, "log", 0, &["anchor", "--policy", "one"]);
    // And what the first said stays.
    *one.way.lock().unwrap() = Way::Status(404);
    *two.way.lock().unwrap() = Way::Honest;
    let said = run(&world, "log", 0, &["anchor", "--policy", "policy"]);
    assert!(said.contains("the quorum is met"), "{said}");
    let last = anchors(&world, "log").pop().unwrap();
    let note = world.read(&format!("log/anchors/{last}"));
    assert_eq!(Note::parse(note.as_bytes()).unwrap().lines.len(), 3, "{note}");
    assert!(anchors(&world, "log").contains(&kept[0]), "and what was kept first");
}

#[test]
fn a_cosignature_by_another_key_is_none() {
    let (world, log) = logged();
    let witness = TestWitness::of(1, &log, Way::Impostor);
    world.write("policy", format!("log {log}\n{}quorum w1\n", witness.line("w1")));
    let said = run(&world, "log", 1, &["anchor", "--policy", "policy"]);
    assert!(said.contains("refused") && said.contains("no cosignature by the key"), "{said}");
    assert!(anchors(&world, "log").is_empty());
    // Where no quorum is demanded, nothing is still not something.
    world.write("none", format!("log {log}\n{}quorum none\n", witness.line("w1")));
    run(&world, "log", 1, &["anchor", "--policy", "none"]);
    *witness.way.lock().unwrap() = Way::Status(500);
    run(&world, "log", 3, &["anchor", "--policy", "none", "--timeout", "2s"]);
}

#[test]
fn a_cosignature_of_a_time_long_ago_is_none_when_asked_and_none_when_kept() {
    let (world, log) = logged();
    let witness = TestWitness::of(1, &log, Way::Old);
    world.write("policy", format!("log {log}\n{}quorum north\n", witness.line("north")));
    let said = run(&world, "log", 1, &["anchor", "--policy", "policy"]);
    assert!(said.contains("refused") && said.contains("1970-01-01T00:00:09Z"), "{said}");
    assert!(anchors(&world, "log").is_empty());
    // The twin, and then one of 1970 in its place, which the witness's own key made.
    *witness.way.lock().unwrap() = Way::Honest;
    run(&world, "log", 0, &["anchor", "--policy", "policy"]);
    let (_, all) = claims(&world, "log", "policy");
    has(&all, &["one history: proved", "times true: conditional"]);
    // A receipt carries what the witness said of the checkpoint: nobody else could bring it.
    run(&world, "log", 0, &["prove", "1", "--output", "1.tlog-proof"]);
    let said = run(&world, "log", 0, &["verify", "--proof", "1.tlog-proof", "--policy", "policy"]);
    assert!(said.contains("cosigned by 1 witness"), "{said}");
    let name = format!("log/anchors/{}", anchors(&world, "log")[0]);
    let good = world.read(&name);
    let (text, lines) = good.split_once("\n\n").unwrap();
    let cosigner = Cosigner::of(NoteSigner::from_seed("w.example", &[1; 32]).unwrap()).unwrap();
    let (text, own) = (format!("{text}\n"), lines.lines().next().unwrap());
    let with = |time: u64| format!("{text}\n{own}\n{}\n", cosigner.cosign(&text, time));
    for (time, standing) in [(9, "unprovable"), (witness.time, "conditional")] {
        world.write(&name, with(time));
        let (_, all) = claims(&world, "log", "policy");
        has(&all, &[&format!("times true: {standing}")]);
        let code = if time == 9 { 1 } else { 0 };
        world.write("kept", with(time));
        run(&world, "log", code, &["verify", "--policy", "policy", "--checkpoint", "kept"]);
        let shown = run(&world, "log", 0, &["show", "1", "--policy", "policy"]);
        assert_eq!(shown.contains("proven not after"), time != 9, "{shown}");
    }
}

#[test]
fn a_witness_that_saw_more_or_another_history_is_heard() {
    let (world, log) = logged();
    let witness = TestWitness::of(1, &log, Way::Honest);
    world.write("policy", format!("log {log}\n{}quorum w1\n", witness.line("w1")));
    copy(&world, "old");
    decide(&world, "log", "number 3");
    run(&world, "log", 0, &["anchor", "--policy", "policy"]);
    let said = run(&world, "old", 1, &["anchor", "--policy", "policy"]);
    assert!(said.starts_with("DISPUTED ") && said.contains("it saw 4 records of this log, which has 3"), "{said}");
    decide(&world, "old", "something else");
    let said = run(&world, "old", 1, &["anchor", "--policy", "policy"]);
    assert!(said.starts_with("DISPUTED ") && said.contains("does not continue what it saw"), "{said}");
    assert!(anchors(&world, "old").is_empty());
    run(&world, "log", 0, &["anchor", "--policy", "policy"]);
}

#[test]
fn who_is_asked_has_to_be_named() {
    let (world, log) = logged();
    let witness = TestWitness::of(1, &log, Way::Honest);
    assert!(run(&world, "log", 2, &["anchor"]).contains("--policy"));
    let other = NoteSigner::from_seed("audit.example/test", &[5; 32]).unwrap();
    world.write("other", format!("log {}\n{}quorum w1\n", other.key(), witness.line("w1")));
    let said = run(&world, "log", 2, &["anchor", "--policy", "other"]);
    assert!(said.contains("audit-malformed") && said.contains("no log with the key"), "{said}");
    world.write("nobody", format!("log {log}\nquorum none\n"));
    assert!(run(&world, "log", 2, &["anchor", "--policy", "nobody"]).contains("nobody can be asked"));
    world.write(
        "addressless",
        format!(
            "log {log}\nwitness w1 {}\n{}quorum w1\n",
            TestWitness::of(7, &log, Way::Honest).key,
            witness.line("w2")
        ),
    );
    let said = run(&world, "log", 1, &["anchor", "--policy", "addressless"]);
    assert!(said.contains("gives no address"), "{said}");
    assert_eq!(witness.told().len(), 1);
}

/// Claims of `verify`, each with its standing.
fn claims(world: &World, log: &str, policy: &str) -> (Value, Vec<String>) {
    let all = ["audit", "--log", log, "verify", "--policy", policy, "--format", "json"];
    let json: Value = serde_json::from_slice(&world.attest(&all).stdout).unwrap();
    let of = |claim: &Value| format!("{}: {}", claim["claim"].as_str().unwrap(), claim["standing"].as_str().unwrap());
    let claims = json["claims"].as_array().unwrap().iter().map(of).collect();
    (json, claims)
}

fn has(claims: &[String], wanted: &[&str]) {
    for wanted in wanted {
        assert!(claims.iter().any(|claim| claim == wanted), "{wanted}: {claims:?}");
    }
}

#[test]
fn what_a_trusted_witness_saw_is_proved_by_its_name() {
    let (world, log) = logged();
    let witness = TestWitness::of(1, &log, Way::Honest);
    world.write("policy", format!("log {log}\n{}quorum north\n", witness.line("north")));
    run(&world, "log", 0, &["anchor", "--policy", "policy"]);
    let (json, all) = claims(&world, "log", "policy");
    has(&all, &["not edited: proved", "one history: proved", "not forged: proved", "not cut: conditional"]);
    assert_eq!((json["claims"][0]["until"].as_u64(), &json["claims"][0]["by"][0]), (Some(3), &Value::from("north")));
    let said = run(&world, "log", 0, &["verify", "--policy", "policy"]);
    assert!(said.contains("not edited   proved       by witness north"), "{said}");
    assert!(said.contains(&format!("the first 3 were there by {}", witness.day())), "{said}");
    // What comes later it has not seen.
    decide(&world, "log", "number 3");
    let (_, all) = claims(&world, "log", "policy");
    has(&all, &["not edited: conditional", "one history: conditional", "not forged: conditional"]);
    // Somebody whom nobody trusts proves nothing, and neither does the log's own word.
    let stranger = TestWitness::of(7, &log, Way::Honest);
    world.write("stranger", format!("log {log}\n{}quorum other\n", stranger.line("other")));
    let (_, all) = claims(&world, "log", "stranger");
    has(&all, &["not edited: conditional", "not cut: unprovable", "one history: unprovable", "times true: unprovable"]);
    // Where two are demanded, one is not enough.
    let both = format!("log {log}\n{}{}", witness.line("north"), stranger.line("other"));
    world.write("both", format!("{both}group both all north other\nquorum both\n"));
    let (_, all) = claims(&world, "log", "both");
    has(&all, &["not cut: unprovable", "one history: unprovable"]);
    assert!(!run(&world, "log", 0, &["verify"]).contains(" proved "), "without a policy nobody is trusted");
}

#[test]
fn a_log_that_is_not_what_a_witness_saw_is_found_by_the_witness_s_name() {
    let (world, log) = logged();
    let witness = TestWitness::of(1, &log, Way::Honest);
    world.write("policy", format!("log {log}\n{}quorum north\n", witness.line("north")));
    run(&world, "log", 0, &["anchor", "--policy", "policy"]);
    copy(&world, "old");
    decide(&world, "log", "number 3");
    run(&world, "log", 0, &["anchor", "--policy", "policy"]);
    // The old copy as a backup has it is whole. With what the witness saw meanwhile, its end is missing.
    run(&world, "old", 0, &["verify", "--policy", "policy"]);
    let newest = anchors(&world, "log").pop().unwrap();
    fs::copy(world.root().join("log/anchors").join(&newest), world.root().join("old/anchors").join(&newest)).unwrap();
    let said = run(&world, "old", 1, &["verify", "--policy", "policy"]);
    assert!(said.starts_with("TAMPERED ") && said.contains("witness north: 5 records were there"), "{said}");
    assert!(said.contains("not cut      NO"), "{said}");
    // Whoever has the log's key writes its end anew.
    decide(&world, "old", "something else");
    decide(&world, "old", "and more");
    let said = run(&world, "old", 1, &["verify", "--policy", "policy"]);
    let first = said.lines().next().unwrap();
    assert!(
        first.contains(
            "record 3: witness north: of the first 5 records, another history was shown elsewhere; the first 3 fit"
        ),
        "{said}"
    );
    assert!(said.contains("one history  NO"), "{said}");
    // Its own signature under two histories is found without any witness.
    run(&world, "old", 1, &["verify"]);
    // A trusted witness is heard though more are demanded.
    let absent = TestWitness::of(7, &log, Way::Honest);
    let both = format!(
        "log {log}\n{}{}group both all north south\nquorum both\n",
        witness.line("north"),
        absent.line("south")
    );
    world.write("both", both);
    assert!(run(&world, "old", 1, &["verify", "--policy", "both"]).starts_with("TAMPERED "));
    // Of a log that one of them saw, the quorum is not met all the same.
    assert!(run(&world, "log", 1, &["verify", "--policy", "both"]).starts_with("NOT WITNESSED "));
}

#[test]
fn an_anchor_that_was_changed_is_found() {
    let (world, log) = logged();
    let witness = TestWitness::of(1, &log, Way::Honest);
    world.write("policy", format!("log {log}\n{}quorum north\n", witness.line("north")));
    run(&world, "log", 0, &["anchor", "--policy", "policy"]);
    let name = format!("log/anchors/{}", anchors(&world, "log")[0]);
    let good = world.read(&name);
    world.write(&name, good.replacen("\n3\n", "\n2\n", 1));
    let said = run(&world, "log", 1, &["verify", "--policy", "policy"]);
    assert!(said.starts_with("TAMPERED ") && said.contains("was changed"), "{said}");
    world.write(&name, &good);
    run(&world, "log", 0, &["verify", "--policy", "policy"]);
    let (text, lines) = good.split_once("\n\n").unwrap();
    let mut lines: Vec<String> = lines.lines().map(str::to_owned).collect();
    // In the log's name, and not by its key: nobody has said that these were its records.
    let unsigned = attest::tlog::Line { name: log.name(), id: log.id(), signature: vec![0; 64] }.to_string();
    world.write(&name, format!("{text}\n\n{unsigned}\n{}\n", lines[1..].join("\n")));
    let said = run(&world, "log", 1, &["verify"]);
    assert!(said.starts_with("TAMPERED ") && said.contains("is not by its key"), "{said}");
    // Another time, and the witness's signature is over the first.
    let key = NoteKey::parse(&witness.key).unwrap();
    let forged =
        attest::tlog::Line { name: key.name(), id: key.id(), signature: [&9_u64.to_be_bytes()[..], &[0; 64]].concat() };
    lines[1] = forged.to_string();
    world.write(&name, format!("{text}\n\n{}\n", lines.join("\n")));
    let (_, all) = claims(&world, "log", "policy");
    has(&all, &["not cut: unprovable", "times true: unprovable"]);
}

#[test]
fn the_time_of_a_record_lies_between_what_witnesses_say() {
    let (world, log) = logged();
    let witness = TestWitness::of(1, &log, Way::Honest);
    world.write("policy", format!("log {log}\n{}quorum north\n", witness.line("north")));
    run(&world, "log", 0, &["anchor", "--policy", "policy"]);
    decide(&world, "log", "number 3");
    run(&world, "log", 0, &["anchor", "--policy", "policy"]);
    decide(&world, "log", "number 5");
    let show = |record: &str, policy: &str| {
        let shown = run(&world, "log", 0, &["show", record, "--policy", policy, "--format", "json"]);
        let json: Value = serde_json::from_str(&shown).unwrap();
        let one = &json["records"][0];
        (one["record"]["kind"].clone(), one["notBefore"]["by"][0].clone(), one["notAfter"]["by"][0].clone())
    };
    let north = Value::from("north");
    assert_eq!(show("0", "policy"), ("settings".into(), Value::Null, north.clone()));
    assert_eq!(show("4", "policy"), ("anchored".into(), Value::Null, north.clone()));
    assert_eq!(show("5", "policy"), ("decision".into(), north.clone(), Value::Null), "behind what was said before");
    run(&world, "log", 0, &["anchor", "--policy", "policy"]);
    assert_eq!(show("5", "policy"), ("decision".into(), north.clone(), north));
    let said = run(&world, "log", 0, &["show", "5", "--policy", "policy"]);
    assert!(
        said.contains(&format!("proven not before    {}", witness.day())) && said.contains("proven not after"),
        "{said}"
    );
    let stranger = TestWitness::of(7, &log, Way::Honest);
    world.write("stranger", format!("log {log}\n{}quorum other\n", stranger.line("other")));
    assert_eq!(show("5", "stranger"), ("decision".into(), Value::Null, Value::Null));
}

#[test]
fn what_is_handed_out_carries_what_witnesses_saw() {
    let (world, log) = logged();
    let (witness, other) = (TestWitness::of(1, &log, Way::Honest), TestWitness::of(2, &log, Way::Honest));
    world.write("policy", format!("log {log}\n{}quorum w1\n", witness.line("w1")));
    world.write("other", format!("log {log}\n{}quorum w2\n", other.line("w2")));
    run(&world, "log", 0, &["anchor", "--policy", "policy"]);
    decide(&world, "log", "number 3");
    run(&world, "log", 0, &["erase", "--record", "1", "--basis", "by mistake"]);
    let shown: Value = serde_json::from_str(&run(&world, "log", 0, &["show", "0", "--format", "json"])).unwrap();
    let month = &shown["records"][0]["loggedAt"].as_str().unwrap()[..7];
    run(&world, "log", 0, &["export", "--month", month, "--to", "out"]);
    let with = |code, policy: &str| run(&world, "log", code, &["verify", "--bundle", "out", "--policy", policy]);
    assert!(with(0, "policy").contains("a checkpoint in it was seen by witness w1\n"));
    assert!(with(1, "other").contains("no checkpoint in it was seen by those whom the policy demands"));
    let mut manifest: Value = serde_json::from_str(&world.read("out/manifest.json")).unwrap();
    manifest["anchors"][0]["consistency"][0] = manifest["range"]["rootAfter"].clone();
    world.write("out/manifest.json", manifest.to_string());
    assert!(with(1, "policy").contains("an anchor and the checkpoint"));
}
