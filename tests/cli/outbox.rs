//! Outages: `create` keeps what there is, `flush` sends it once, and nothing that was planted gets signed.
#![expect(clippy::disallowed_methods, reason = "a test: runs the built binary and looks at what it leaves")]

use crate::world::{PASSWORD, World};
use attest::model::envelope::{IN_TOTO, pae};
use attest::outbox::{Context, Destination, Entry, Waiting};
use attest::sign::LocalKey;
use attest::testing::registry::{Action, Behaviour, Fault, TestRegistry};
use attest::trust::KeyAlgorithm;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

struct Outage {
    world: World,
    registry: TestRegistry,
    image: String,
}

impl Outage {
    fn new() -> Self {
        let world = World::new();
        let registry = TestRegistry::start(Behaviour::default());
        let image = registry.put_image("demo/app", "v1");
        let image = format!("{}@{}", registry.name("demo/app"), image.digest);
        Self { world, registry, image }
    }

    fn create(&self) -> Output {
        let timeout = ["--timeout", "3s"];
        self.world.attest(&[&["create", &self.image, "--key", "attest.key", "--outbox", "box"][..], &timeout].concat())
    }

    fn flush(&self, more: &[&str]) -> Output {
        self.world.attest(&[&["flush", "--outbox", "box", "--format", "json", "--timeout", "10s"], more].concat())
    }

    fn attestations(&self) -> usize {
        let out = self.world.attest(&["list", &self.image, "--format", "json"]);
        let list = json_of(&out);
        match out.status.code() {
            Some(1) if list["code"] == "no-attestation" => 0,
            Some(0) => list["attestations"].as_array().unwrap_or_else(|| panic!("{list}")).len(),
            _ => panic!("{list}"),
        }
    }

    fn entries(&self) -> Vec<PathBuf> {
        let files = fs::read_dir(self.world.root().join("box")).unwrap().map(|e| e.unwrap().path());
        files.filter(|p| p.extension().is_some_and(|e| e == "json")).collect()
    }
}

fn json_of(out: &Output) -> Value {
    let text = String::from_utf8_lossy(&out.stdout);
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}{}", String::from_utf8_lossy(&out.stderr)))
}

fn error(out: &Output) -> String {
    String::from_utf8_lossy(&out.stderr).into_owned()
}

#[test]
fn what_a_failing_registry_does_not_take_is_kept_and_sent_once() {
    let slow = || Action::Delay(Duration::from_secs(30));
    let limit = || Action::rate_limit("1");
    let faults: [(&str, &dyn Fn() -> Action); 5] = [
        ("500", &|| Action::status(500)),
        ("429", &limit),
        ("slow", &slow),
        ("garbage", &|| Action::body("text/html", "<html>")),
        ("reset", &|| Action::Reset),
    ];
    for (name, fault) in faults {
        let outage = Outage::new();
        outage.registry.fault(Fault::on("/v2/", fault()));
        let began = Instant::now();
        let out = outage.create();
        assert_eq!(out.status.code(), Some(3), "{name}: {}", error(&out));
        assert!(error(&out).contains("error[outbox-kept]"), "{name}: {}", error(&out));
        assert!(error(&out).contains("attest flush --outbox box\n"), "{name}: {}", error(&out));
        assert!(began.elapsed() < Duration::from_secs(60), "{name}: {:?}", began.elapsed());
        assert_eq!(outage.entries().len(), 1, "{name}");
        let mode = fs::metadata(outage.world.root().join("box")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);

        outage.registry.heal();
        assert_eq!(outage.attestations(), 0, "{name}");
        let out = outage.flush(&[]);
        assert_eq!(out.status.code(), Some(0), "{name}: {}", error(&out));
        assert_eq!(json_of(&out)["attached"].as_array().unwrap().len(), 1);
        assert!(outage.entries().is_empty());
        let again = outage.flush(&[]);
        assert_eq!((again.status.code(), &json_of(&again)["attached"]), (Some(0), &json!([])));
        assert_eq!(outage.attestations(), 1, "{name}");
        outage.world.done(&["verify", &outage.image, "--key", "attest.pub"]);
    }
}

#[test]
fn without_an_outbox_the_failure_itself_is_the_answer() {
    let outage = Outage::new();
    outage.registry.fault(Fault::on("/v2/", Action::status(500)));
    let out = outage.world.attest(&["create", &outage.image, "--key", "attest.key"]);
    assert_eq!(out.status.code(), Some(3));
    assert!(error(&out).contains("error[registry-unavailable]"), "{}", error(&out));
}

#[test]
fn a_wrong_use_is_not_kept() {
    let outage = Outage::new();
    let create = ["create", &outage.image, "--key", "attest.key", "--outbox", "box"];
    let out = outage.world.attest_with(&[("ATTEST_PASSWORD", "wrong")], &create);
    assert_eq!(out.status.code(), Some(2));
    assert!(error(&out).contains("error[password-wrong]") && outage.entries().is_empty());
}

#[test]
fn two_flushes_at_once_make_one_attestation() {
    let outage = Outage::new();
    outage.registry.fault(Fault::on("/v2/", Action::status(500)));
    assert_eq!(outage.create().status.code(), Some(3));
    outage.registry.heal();
    outage.registry.fault(Fault::on("/v2/", Action::Delay(Duration::from_millis(50))));
    std::thread::scope(|scope| {
        let runs: Vec<_> = (0..3).map(|_| scope.spawn(|| outage.flush(&[]))).collect();
        for run in runs {
            let out = run.join().unwrap();
            assert_eq!(out.status.code(), Some(0), "{}", error(&out));
        }
    });
    outage.registry.heal();
    assert_eq!(outage.attestations(), 1);
}

#[test]
fn a_flush_that_is_killed_half_way_is_completed_by_the_next() {
    let outage = Outage::new();
    outage.registry.fault(Fault::on("/v2/", Action::status(500)));
    assert_eq!(outage.create().status.code(), Some(3));
    for delay in [40, 80, 150, 250, 400] {
        outage.registry.heal();
        outage.registry.fault(Fault::on("/v2/", Action::Delay(Duration::from_millis(60))));
        let mut flush = Command::new(env!("CARGO_BIN_EXE_attest"))
            .args(["flush", "--outbox", "box"])
            .current_dir(outage.world.root())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(delay));
        flush.kill().unwrap();
        flush.wait().unwrap();
    }
    outage.registry.heal();
    let out = outage.flush(&[]);
    assert_eq!(out.status.code(), Some(0), "{}", error(&out));
    assert!(outage.entries().is_empty());
    assert_eq!(outage.attestations(), 1);
}

#[test]
fn a_planted_statement_is_never_signed_unless_its_digest_is_named() {
    let outage = Outage::new();
    fs::create_dir(outage.world.root().join("box")).unwrap();
    fs::set_permissions(outage.world.root().join("box"), fs::Permissions::from_mode(0o700)).unwrap();
    let out = outage.world.done(&["generate", "app"]);
    let context = Context { run: "wherever".into(), signer: "whoever".into() };
    let waiting = Waiting::Unsigned { statement: out.into_bytes(), context, builder_is_open: false };
    let path = outage.world.root().join("planted").display().to_string();
    let planted = Entry { waiting, destinations: vec![Destination::File { path: path.clone() }] };
    outage.world.write(&format!("box/{}.json", planted.digest().hex()), planted.to_bytes());

    let out = outage.flush(&["--key", "attest.key"]);
    assert_eq!(out.status.code(), Some(0), "{}", error(&out));
    assert_eq!(json_of(&out)["unsigned"], json!([planted.digest().to_string()]));
    // Named, it still is of another run.
    let out = outage.flush(&["--key", "attest.key", "--sign", &planted.digest().to_string()]);
    assert_eq!(out.status.code(), Some(1));
    assert_eq!(json_of(&out)["code"], "outbox-context-changed");
    assert!(!fs::exists(path).unwrap());
}

/// A signer that does not answer, and later one that answers with `answers` in turn; its reference.
fn signer(world: &World, answers: Option<[Value; 2]>) -> String {
    let script = match answers {
        None => "#!/bin/sh\nexit 9\n".to_owned(),
        Some([key, signature]) => {
            format!(
                "#!/bin/sh\ncase \"$(cat)\" in *public-key*) printf %s '{key}';; *) printf %s '{signature}';; esac\n"
            )
        }
    };
    program(world, &script)
}

/// A program outside the checkout that signs as the script says; its reference.
fn program(world: &World, script: &str) -> String {
    let path = world.home().join("signer");
    fs::write(&path, script).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    format!("exec:{}", path.display())
}

#[test]
fn what_could_not_be_signed_is_signed_by_digest_in_the_same_context_only() {
    let outage = Outage::new();
    let run = [("GITHUB_RUN_ID", "7"), ("ATTEST_PASSWORD", PASSWORD)];
    let service = signer(&outage.world, None);
    let create = ["create", &outage.image, "app", "--key", &service, "--outbox", "box"];
    let out = outage.world.attest_with(&run, &create);
    assert_eq!(out.status.code(), Some(3), "{}", error(&out));
    assert!(
        error(&out).contains("signing-unavailable") && error(&out).contains("1 unsigned statement"),
        "{}",
        error(&out)
    );
    let sign = error(&out).split("--sign ").nth(1).unwrap().split_whitespace().next().unwrap().to_owned();
    assert!(!fs::exists(outage.world.root().join("app.sigstore.json")).unwrap());

    // The service is back: what it signs with can be told from what waits.
    let [path] = outage.entries().try_into().unwrap();
    let entry = Entry::parse(&fs::read(&path).unwrap()).unwrap();
    assert_eq!(entry.digest().to_string(), sign);
    let Waiting::Unsigned { statement, .. } = &entry.waiting else { panic!("it is unsigned") };
    let key = LocalKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
    let signature = STANDARD.encode(key.sign_bytes(&pae(IN_TOTO, statement)).unwrap());
    signer(&outage.world, Some([json!({ "publicKey": key.public_key().to_pem() }), json!({ "signature": signature })]));
    outage.world.write("service.pub", key.public_key().to_pem());

    let flush = |variables: &[(&str, &str)], key: &str, digest: &str| {
        let out = outage
            .world
            .attest_with(variables, &["flush", "--outbox", "box", "--key", key, "--sign", digest, "--format", "json"]);
        (out.status.code().unwrap(), json_of(&out))
    };
    let other_run = [("GITHUB_RUN_ID", "8"), ("ATTEST_PASSWORD", PASSWORD)];
    for (variables, key, digest, code) in [
        (&other_run, service.as_str(), sign.as_str(), "outbox-context-changed"),
        (&run, "attest.key", sign.as_str(), "outbox-context-changed"),
        (
            &run,
            &service,
            "sha256:0000000000000000000000000000000000000000000000000000000000000000",
            "outbox-entry-missing",
        ),
    ] {
        let (exit, answer) = flush(variables, key, digest);
        assert_ne!(exit, 0);
        assert_eq!(answer["code"], code, "{answer}");
    }
    assert_eq!(outage.entries().len(), 1);
    // Changed after it was printed, it is another entry, under its old name no entry.
    let changed = fs::read_to_string(&path).unwrap().replace("demo/app", "demo/xyz");
    fs::write(&path, changed).unwrap();
    assert_eq!(flush(&run, &service, &sign).1["code"], "outbox-entry-missing");
    fs::write(&path, entry.to_bytes()).unwrap();

    let (exit, answer) = flush(&run, &service, &sign);
    assert_eq!((exit, answer["signed"].as_array().unwrap().len()), (0, 1), "{answer}");
    assert_eq!(outage.attestations(), 1);
    outage.world.done(&["verify", &outage.image, "--key", "service.pub"]);
    outage.world.done(&["verify", "app", "--key", "service.pub"]);
    assert!(outage.entries().is_empty());
}

#[test]
fn a_statement_that_was_signed_before_the_kill_is_not_signed_again() {
    let outage = Outage::new();
    outage.registry.fault(Fault::on("/v2/", Action::status(500)));
    assert_eq!(outage.create().status.code(), Some(3));
    outage.registry.heal();
    // As a flush leaves it that is killed between keeping what it signed and taking away what it signed it from.
    let [path] = outage.entries().try_into().unwrap();
    let signed = Entry::parse(&fs::read(&path).unwrap()).unwrap();
    fs::remove_file(&path).unwrap();
    let Waiting::Signed { bundle, .. } = signed.waiting else { panic!("it is signed") };
    let context = Context { run: "r".into(), signer: "s".into() };
    let from = Waiting::Unsigned { statement: payload(&bundle), context, builder_is_open: false };
    let from = Entry { waiting: from, destinations: signed.destinations.clone() };
    let waiting = Waiting::Signed { bundle, made_from: Some(from.digest()) };
    let made = Entry { waiting, destinations: signed.destinations };
    for entry in [&from, &made] {
        outage.world.write(&format!("box/{}.json", entry.digest().hex()), entry.to_bytes());
    }
    let out = outage.flush(&[]);
    assert_eq!(out.status.code(), Some(0), "{}", error(&out));
    assert_eq!(json_of(&out)["unsigned"], json!([]));
    assert!(outage.entries().is_empty());
    assert_eq!(outage.attestations(), 1);
}

/// An outbox with this in it, as somebody plants it who can write to the folder.
fn plant(world: &World, waiting: Waiting, destination: &str) -> Entry {
    let folder = world.root().join("box");
    fs::create_dir_all(&folder).unwrap();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).unwrap();
    let entry = Entry { waiting, destinations: vec![Destination::File { path: destination.into() }] };
    world.write(&format!("box/{}.json", entry.digest().hex()), entry.to_bytes());
    entry
}

fn bundle(world: &World) -> Vec<u8> {
    world.done(&["create", "app", "--key", "attest.key", "--output", "made.json"]);
    world.read("made.json").trim_end().as_bytes().to_vec()
}

fn signed(bundle: &[u8]) -> Waiting {
    Waiting::Signed { bundle: bundle.to_vec(), made_from: None }
}

fn flush(world: &World, more: &[&str]) -> (i32, Value) {
    let out = world.attest(&[&["flush", "--outbox", "box", "--format", "json"], more].concat());
    (out.status.code().unwrap(), json_of(&out))
}

#[test]
fn what_is_no_bundle_goes_nowhere() {
    let world = World::new();
    let good = bundle(&world);
    let not_ours = String::from_utf8(good.clone()).unwrap().replace("application/vnd.in-toto+json", "text/plain");
    let lines = [b"{\n".as_slice(), &good[1..]].concat();
    for bad in [b"touch PWNED #".as_slice(), b"{}", not_ours.as_bytes(), &lines] {
        let entry = plant(&world, signed(bad), "out.jsonl");
        for more in [&[][..], &["--output", "named.jsonl"]] {
            let (exit, answer) = flush(&world, more);
            assert_eq!((exit, &answer["code"]), (3, &json!("outbox-entry-damaged")), "{answer}");
        }
        assert!(!fs::exists(world.root().join("out.jsonl")).unwrap());
        assert!(!fs::exists(world.root().join("named.jsonl")).unwrap());
        fs::remove_file(world.root().join(format!("box/{}.json", entry.digest().hex()))).unwrap();
    }
    plant(&world, signed(&good), "out.jsonl");
    assert_eq!(flush(&world, &[]).0, 0);
    assert_eq!(world.read("out.jsonl").trim_end().as_bytes(), good);
}

#[test]
fn an_entry_writes_only_below_the_present_folder_and_the_person_anywhere() {
    let world = World::new();
    let good = bundle(&world);
    let outside = world.home().join("out.jsonl").display().to_string();
    std::os::unix::fs::symlink(world.home(), world.root().join("away")).unwrap();
    std::os::unix::fs::symlink(world.home().join("target"), world.root().join("link.jsonl")).unwrap();
    fs::write(world.home().join("target"), "").unwrap();
    world.write("notes", "alias a=b\n");
    world.write(".git/config", "");
    fs::create_dir(world.root().join("sub")).unwrap();
    for path in [
        &outside,
        "../home/out.jsonl",
        "sub/../../home/out.jsonl",
        "away/out.jsonl",
        "link.jsonl",
        "notes",
        ".bashrc",
        ".git/hook",
        "sub",
        "sub/..",
        "missing/out.jsonl",
    ] {
        let entry = plant(&world, signed(&good), path);
        let (exit, answer) = flush(&world, &[]);
        assert_eq!((exit, &answer["code"]), (2, &json!("outbox-place-refused")), "{path}: {answer}");
        assert!(answer["hint"].as_str().unwrap().contains("--output FILE"), "{answer}");
        fs::remove_file(world.root().join(format!("box/{}.json", entry.digest().hex()))).unwrap();
    }
    assert_eq!(world.read("notes"), "alias a=b\n");
    assert_eq!(fs::read_dir(world.home()).unwrap().count(), 1, "something was written outside");
    assert_eq!(fs::read_to_string(world.home().join("target")).unwrap(), "");
    assert!(!fs::exists(world.root().join(".bashrc")).unwrap());

    let inside = world.root().join("sub/out.jsonl").display().to_string();
    for (path, more) in [
        (inside.as_str(), &[][..]),
        ("sub/relative.jsonl", &[]),
        (&outside, &["--output", &outside]),
        (".out.jsonl", &["--output", ".out.jsonl"]),
    ] {
        plant(&world, signed(&good), path);
        let (exit, answer) = flush(&world, more);
        assert_eq!(exit, 0, "{path}: {answer}");
        let written = fs::read(world.root().join(path)).unwrap();
        assert_eq!(written.trim_ascii_end(), good, "{path}");
    }
    // Named by the person, it still is added to bundles alone.
    plant(&world, signed(&good), "x");
    assert_eq!(flush(&world, &["--output", "notes"]).1["code"], "outbox-place-refused");
    assert_eq!(world.read("notes"), "alias a=b\n");
}

#[test]
fn a_file_of_bundles_is_added_to_and_keeps_its_mode() {
    let world = World::new();
    let (first, second) = (bundle(&world), bundle(&world));
    assert_ne!(first, second);
    world.write("out.jsonl", &first);
    let path = world.root().join("out.jsonl");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    plant(&world, signed(&second), "out.jsonl");
    assert_eq!(flush(&world, &[]).0, 0);
    let lines = [&first[..], &second[..], b""].join(&b'\n');
    assert_eq!(fs::read(&path).unwrap(), lines);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
}

fn payload(bundle: &[u8]) -> Vec<u8> {
    let bundle: Value = serde_json::from_slice(bundle).unwrap();
    STANDARD.decode(bundle["dsseEnvelope"]["payload"].as_str().unwrap()).unwrap()
}

#[test]
fn an_entry_that_says_falsely_what_it_was_made_from_takes_nothing_away() {
    let world = World::new();
    let good = bundle(&world);
    let statement = payload(&good);
    let open = String::from_utf8(statement.clone()).unwrap();
    let builder = serde_json::from_slice::<Value>(&statement).unwrap()["predicate"]["runDetails"]["builder"]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let open = open.replace(&format!("\"{builder}\""), "\"not yet known\"").into_bytes();
    let other = String::from_utf8(statement.clone()).unwrap().replacen("\"app\"", "\"lib\"", 1).into_bytes();
    assert!(open != statement && other != statement);
    for (statement, builder_is_open, to, is_true) in [
        (&other, false, "out.jsonl", false),
        (&other, true, "out.jsonl", false),
        (&open, false, "out.jsonl", false),
        (&statement, false, "elsewhere.jsonl", false),
        (&statement, false, "out.jsonl", true),
        (&open, true, "out.jsonl", true),
    ] {
        let context = Context { run: "r".into(), signer: "s".into() };
        let from = plant(&world, Waiting::Unsigned { statement: statement.clone(), context, builder_is_open }, to);
        let made = Waiting::Signed { bundle: good.clone(), made_from: Some(from.digest()) };
        let made = plant(&world, made, "out.jsonl");
        let (exit, answer) = flush(&world, &[]);
        for entry in [&from, &made] {
            let path = world.root().join(format!("box/{}.json", entry.digest().hex()));
            assert_eq!(fs::exists(&path).unwrap(), !is_true, "{answer}");
            let _ = fs::remove_file(path);
        }
        assert_eq!(fs::exists(world.root().join("out.jsonl")).unwrap(), is_true);
        let _ = fs::remove_file(world.root().join("out.jsonl"));
        match is_true {
            true => assert_eq!(exit, 0, "{answer}"),
            false => assert_eq!((exit, &answer["code"]), (3, &json!("outbox-entry-damaged")), "{answer}"),
        }
    }
}

#[test]
fn a_bundle_that_cannot_be_written_is_kept_and_the_image_gets_it() {
    let outage = Outage::new();
    let create = ["create", &outage.image, "--key", "attest.key", "--output", "missing/out.jsonl", "--outbox", "box"];
    let out = outage.world.attest(&create);
    assert_eq!(out.status.code(), Some(3), "{}", error(&out));
    assert!(error(&out).contains("error[outbox-kept]: file-unwritable: "), "{}", error(&out));
    let named = outage.world.root().join("missing/out.jsonl").display().to_string();
    assert!(error(&out).contains(&format!("attest flush --outbox box --output {named}\n")), "{}", error(&out));
    assert_eq!((outage.attestations(), outage.entries().len()), (1, 1));
    fs::create_dir(outage.world.root().join("missing")).unwrap();
    let out = outage.flush(&[]);
    assert_eq!(out.status.code(), Some(0), "{}", error(&out));
    outage.world.done(&["verify", &outage.image, "--key", "attest.pub", "--bundle", "missing/out.jsonl"]);
    assert!(outage.entries().is_empty());
}

#[test]
fn a_bundle_that_the_registry_forbids_is_kept() {
    let outage = Outage::new();
    outage.registry.fault(Fault::on("/blobs/uploads", Action::status(403)));
    outage.registry.fault(Fault::on("/manifests/sha256:", Action::status(403)).method("PUT"));
    let out = outage.create();
    assert_eq!(out.status.code(), Some(3), "{}", error(&out));
    assert!(error(&out).contains("1 signed bundle wait"), "{}", error(&out));
    outage.registry.heal();
    assert_eq!(outage.flush(&[]).status.code(), Some(0));
    assert_eq!(outage.attestations(), 1);
}

#[test]
fn without_an_outbox_an_output_that_cannot_be_written_is_said_before_the_step_and_before_signing() {
    let world = World::new();
    fs::create_dir(world.root().join("folder")).unwrap();
    let signer = program(&world, "#!/bin/sh\ntouch asked\nexit 9\n");
    let create = |output: &str, step: &[&str]| {
        let args = ["create", "app", "--key", &signer, "--output", output];
        world.attest(&[&args[..], step].concat())
    };
    let is = |name: &str| fs::exists(world.root().join(name)).unwrap();
    for output in ["folder", "app/out.jsonl"] {
        let out = create(output, &["--", "touch", "built"]);
        assert!(error(&out).contains("error[file-unwritable]"), "{output}: {}", error(&out));
        assert!(!is("built"), "the step ran, and its output has nowhere to go");
    }
    let out = create("missing/out.jsonl", &[]);
    assert!(error(&out).contains("error[file-unwritable]"), "{}", error(&out));
    // A step may make the folder.
    let step = ["--", "mkdir", "made"];
    let made = ["create", "app", "--key", "attest.key", "--output", "made/out.jsonl"];
    world.done(&[&made[..], &step].concat());
    assert!(is("made/out.jsonl"));
}
