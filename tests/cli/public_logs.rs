//! The audit log, public logs that take its checkpoints, and authorities that timestamp them.

use crate::anchors::run;
use crate::audit::copy;
use crate::serve::{Reply, Server};
use crate::world::World;
use attest::sign::LocalKey;
use attest::testing::Instance;
use attest::testing::sigstore::{Request, hashed_body};
use attest::trust::KeyAlgorithm;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::{Arc, Mutex};

/// The address of the public log in the trusted root of [`Sigstore`].
const PUBLIC: &str = "https://tiles0.acme.example";

/// What the public log does with a request.
#[derive(Clone, Copy, PartialEq)]
enum Way {
    Honest,
    /// Answers with the entry of another request.
    Another,
    Status(u16),
}

/// A Rekor v2 and a timestamp authority on loopback.
struct Sigstore {
    server: Server,
    instance: Arc<Instance>,
    way: Arc<Mutex<Way>>,
}

impl Sigstore {
    fn start(name: &str) -> Self {
        let instance = Arc::new(Instance::new(name, 1).with_tile_logs(1).with_stamps(1));
        let way = Arc::new(Mutex::new(Way::Honest));
        let (its, at, first) = (instance.clone(), way.clone(), Mutex::new(None::<Vec<u8>>));
        let server = Server::start(move |asked| {
            let body = match *at.lock().unwrap() {
                Way::Honest => asked.body.clone(),
                Way::Another => first.lock().unwrap().clone().unwrap(),
                Way::Status(status) => return Reply::status(status, "not now"),
            };
            if asked.path().ends_with("/entries") {
                first.lock().unwrap().get_or_insert_with(|| asked.body.clone());
            }
            match its.answer(Request { path: asked.path(), body: &body }) {
                Some(answer) => Reply::Answer(200, String::new(), answer),
                None => Reply::status(400, "no sound request"),
            }
        });
        Self { server, instance, way }
    }

    fn root(&self, world: &World, name: &str) {
        world.write(name, self.instance.root().to_string());
    }

    /// The entry of a text in the public log, signed by a key.
    fn entry(&self, text: &str, key: &LocalKey) -> Value {
        let signature = key.sign_bytes(text.as_bytes()).unwrap();
        let body = hashed_body(text.as_bytes(), &signature, key.public_key().spki(), false);
        self.instance.tile_logs[0].entry(&body)
    }
}

/// A log of three records, its settings among them, its key, and a Sigstore whose root lies beside it.
fn logged() -> (World, String, Sigstore) {
    let world = World::empty();
    run(&world, "log", 0, &["init", "--origin", "audit.example/test"]);
    decide(&world, "log", "number 1");
    decide(&world, "log", "number 2");
    let key = settings(&world)["key"].as_str().unwrap().to_owned();
    let sigstore = Sigstore::start("acme");
    sigstore.root(&world, "root.json");
    (world, key, sigstore)
}

fn settings(world: &World) -> Value {
    serde_json::from_str(&world.read("log/log.json")).unwrap()
}

fn decide(world: &World, log: &str, what: &str) {
    run(world, log, 0, &["record", "decision", &format!("what={what}"), "reason=a test"]);
}

/// Files of the anchors that end so.
fn kept(world: &World, log: &str, end: &str) -> Vec<String> {
    let Ok(listed) = fs::read_dir(world.root().join(log).join("anchors")) else { return Vec::new() };
    let names = listed.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter(|name| name.ends_with(end)).collect();
    names.sort();
    names
}

/// Puts an entry in the place of the one that is kept, under the name that is its own.
fn plant(world: &World, entry: &str) {
    let anchor = kept(world, "log", ".checkpoint")[0].trim_end_matches(".checkpoint").to_owned();
    for name in kept(world, "log", ".entry.json") {
        fs::remove_file(world.root().join("log/anchors").join(name)).unwrap();
    }
    let digest: String = Sha256::digest(entry).iter().take(8).map(|b| format!("{b:02x}")).collect();
    world.write(&format!("log/anchors/{anchor}.{digest}.entry.json"), entry);
}

/// What `verify` says: its claims with their standing, its uncounted files by their codes, and all of it.
fn verified(world: &World, code: i32, args: &[&str]) -> (Vec<String>, Vec<String>, Value) {
    let json = run(world, "log", code, &[&["verify", "--format", "json"], args].concat());
    let json: Value = serde_json::from_str(&json).unwrap();
    let of = |claim: &Value| format!("{}: {}", claim["claim"].as_str().unwrap(), claim["standing"].as_str().unwrap());
    let claims = json["claims"].as_array().unwrap().iter().map(of).collect();
    let codes = json["uncounted"].as_array().into_iter().flatten();
    let codes = codes.map(|one| one["code"].as_str().unwrap().to_owned()).collect();
    (claims, codes, json)
}

fn has(claims: &[String], wanted: &str) {
    assert!(claims.iter().any(|claim| claim == wanted), "{wanted}: {claims:?}");
}

#[test]
fn a_public_log_takes_a_checkpoint_and_raises_what_it_has() {
    let (world, key, sigstore) = logged();
    let url = sigstore.server.url.clone();
    let (trusted, untrusted) = (["--log-key", &key, "--trusted-root", "root.json"], ["--log-key", &key]);
    let (claims, ..) = verified(&world, 0, &trusted);
    has(&claims, "not cut: unprovable");
    let said = run(&world, "log", 0, &["anchor", "--rekor", &url]);
    assert!(said.starts_with("ANCHORED audit.example/test: 3 records"), "{said}");
    assert!(said.contains(&format!("Rekor v2 at {url} entered\nkept in anchors/00000000000000000003-")), "{said}");
    assert_eq!((kept(&world, "log", ".checkpoint").len(), kept(&world, "log", ".entry.json").len()), (1, 1));
    let (claims, codes, json) = verified(&world, 0, &trusted);
    for claim in ["not edited", "not cut", "one history", "not forged"] {
        has(&claims, &format!("{claim}: conditional"));
    }
    has(&claims, "times true: unprovable");
    assert_eq!((codes, &json["claims"][1]["by"][0], &json["claims"][1]["until"]), (vec![], &PUBLIC.into(), &3.into()));
    // Without a root nobody's word counts.
    let (claims, codes, _) = verified(&world, 0, &untrusted);
    has(&claims, "not cut: unprovable");
    assert!(codes.is_empty());
    // What comes later it does not have, and what was cut off it does.
    copy(&world.root().join("log"), &world.root().join("old"));
    decide(&world, "log", "number 3");
    let said = run(&world, "log", 0, &[&["verify"], &trusted[..]].concat());
    assert!(said.contains(&format!("not cut      conditional  not before record 3, as {PUBLIC} has it")), "{said}");
    run(&world, "log", 0, &["anchor", "--rekor", &url]);
    for name in kept(&world, "log", "") {
        fs::copy(world.root().join("log/anchors").join(&name), world.root().join("old/anchors").join(&name)).unwrap();
    }
    let said = run(&world, "old", 1, &[&["verify"], &trusted[..]].concat());
    assert!(said.starts_with("TAMPERED ") && said.contains(&format!("{PUBLIC}: 4 records were there")), "{said}");
    assert!(said.contains("not cut      NO"), "{said}");
}

#[test]
fn an_authority_says_when_a_checkpoint_was_there() {
    let (world, key, sigstore) = logged();
    let trusted = ["--log-key", &key, "--trusted-root", "root.json"];
    let url = format!("{}/api/v1/timestamp", sigstore.server.url);
    run(&world, "log", 0, &["anchor", "--rekor", &sigstore.server.url, "--timestamp", &url]);
    let said = run(&world, "log", 0, &[&["verify"], &trusted[..]].concat());
    assert!(said.contains("times true   conditional  the first 3 were there by 2024-06-01T00:00:00Z"), "{said}");
    assert!(!said.contains("not counted"), "{said}");
    // A byte of what it said, under the name that it was kept with.
    let name = format!("log/anchors/{}", kept(&world, "log", ".tsr")[0]);
    let good = fs::read(world.root().join(&name)).unwrap();
    let mut bad = good.clone();
    let last = bad.len() - 10;
    bad[last] ^= 1;
    fs::write(world.root().join(&name), &bad).unwrap();
    let said = run(&world, "log", 1, &[&["verify"], &trusted[..]].concat());
    assert!(said.starts_with("TAMPERED ") && said.contains(".tsr was changed: it holds something else"), "{said}");
    // And under the name that it then has: no proof, and no sign of tampering.
    fs::remove_file(world.root().join(&name)).unwrap();
    let digest: String = Sha256::digest(&bad).iter().take(8).map(|b| format!("{b:02x}")).collect();
    fs::write(world.root().join(format!("{}.{digest}.tsr", &name[..name.len() - 21])), &bad).unwrap();
    let (claims, codes, _) = verified(&world, 0, &trusted);
    has(&claims, "times true: unprovable");
    assert_eq!(codes, ["timestamp-invalid"]);
    // Somebody else's authority.
    fs::write(world.root().join(&name), &good).unwrap();
    let (claims, ..) = verified(&world, 0, &trusted);
    has(&claims, "times true: conditional");
    Sigstore::start("other").root(&world, "other.json");
    let (claims, codes, _) = verified(&world, 0, &["--log-key", &key, "--trusted-root", "other.json"]);
    has(&claims, "times true: unprovable");
    assert_eq!(codes.iter().filter(|code| *code == "timestamp-invalid").count(), 2, "{codes:?}");
}

#[test]
fn an_entry_counts_that_is_of_this_checkpoint_by_the_key_of_anchors_and_proven_by_a_log_of_the_root() {
    let (world, key, sigstore) = logged();
    let trusted = ["--log-key", &key, "--trusted-root", "root.json"];
    run(&world, "log", 0, &["anchor", "--rekor", &sigstore.server.url]);
    let good = world.read(&format!("log/anchors/{}", kept(&world, "log", ".entry.json")[0]));
    let note = world.read(&format!("log/anchors/{}", kept(&world, "log", ".checkpoint")[0]));
    let text = format!("{}\n", note.split_once("\n\n").unwrap().0);
    let anchors = pem::parse(world.read("log/keys/anchor.key")).unwrap();
    let own = LocalKey::from_pkcs8("k", anchors.contents()).unwrap();
    let with = |change: &dyn Fn(&mut Value)| {
        let mut entry: Value = serde_json::from_str(&good).unwrap();
        change(&mut entry);
        entry.to_string()
    };
    let stranger = Instance::new("acme", 1).with_tile_logs(1);
    let mut by_stranger = {
        let body = STANDARD.decode(with(&|_| ()).parse::<Value>().unwrap()["canonicalizedBody"].as_str().unwrap());
        stranger.tile_logs[0].entry(&body.unwrap())
    };
    by_stranger["logId"] = good.parse::<Value>().unwrap()["logId"].clone();
    let other = text.replace("\n3\n", "\n4\n");
    let of_another_text = sigstore.entry(&other, &own).to_string();
    let by_another_key = sigstore.entry(&text, &LocalKey::generate(KeyAlgorithm::EcdsaP256).unwrap()).to_string();
    let gone = |name: &'static str| with(&move |entry| drop(entry.as_object_mut().unwrap().remove(name)));
    for (what, entry, code) in [
        ("of another checkpoint", of_another_text, "log-entry-invalid"),
        ("by another key", by_another_key, "log-entry-invalid"),
        ("by a log that passes for this one", by_stranger.to_string(), "log-entry-invalid"),
        ("in another place", with(&|entry| entry["logIndex"] = "2".into()), "log-entry-invalid"),
        ("without a proof", gone("inclusionProof"), "log-proof-missing"),
        ("of another kind", with(&|entry| entry["kindVersion"]["version"] = "0.0.1".into()), "unsupported-material"),
        ("no entry", "{}".into(), "evidence-malformed"),
        ("nothing", String::new(), "evidence-malformed"),
    ] {
        plant(&world, &entry);
        let (claims, codes, json) = verified(&world, 0, &trusted);
        assert_eq!(codes, [code], "{what}: {json}");
        has(&claims, "not cut: unprovable");
        has(&claims, "not forged: unprovable");
        let said = run(&world, "log", 0, &[&["verify"], &trusted[..]].concat());
        assert!(said.contains("not counted: anchors/0000"), "{what}: {said}");
    }
    // The twin: the same way, and what was kept.
    plant(&world, &good);
    let (claims, codes, _) = verified(&world, 0, &trusted);
    has(&claims, "not cut: conditional");
    assert!(codes.is_empty(), "{codes:?}");
    // A log that the root does not name.
    world.write("other.json", stranger.root().to_string());
    let (claims, codes, _) = verified(&world, 0, &["--log-key", &key, "--trusted-root", "other.json"]);
    has(&claims, "not cut: unprovable");
    assert_eq!(codes, ["log-unknown"]);
    // One that the root says is no longer in use: an entry has no time of its own.
    let mut ended = sigstore.instance.root();
    ended["tlogs"][1]["publicKey"]["validFor"]["end"] = "2024-07-01T00:00:00Z".into();
    world.write("ended.json", ended.to_string());
    let (claims, codes, _) = verified(&world, 0, &["--log-key", &key, "--trusted-root", "ended.json"]);
    has(&claims, "not cut: unprovable");
    assert_eq!(codes, ["log-entry-invalid"]);
    // Both roots: one of them names it.
    let both = ["--log-key", &key, "--trusted-root", "other.json", "--trusted-root", "root.json"];
    has(&verified(&world, 0, &both).0, "not cut: conditional");
    // Another thing under the name that it was kept with.
    let name = format!("log/anchors/{}", kept(&world, "log", ".entry.json")[0]);
    world.write(&name, good.replacen("\"logIndex\":\"3\"", "\"logIndex\":\"4\"", 1));
    let said = run(&world, "log", 1, &[&["verify"], &trusted[..]].concat());
    assert!(said.starts_with("TAMPERED ") && said.contains(".entry.json was changed"), "{said}");
    // And what cannot be read is no answer at all.
    fs::remove_file(world.root().join(&name)).unwrap();
    fs::create_dir(world.root().join(&name)).unwrap();
    assert!(run(&world, "log", 3, &[&["verify"], &trusted[..]].concat()).contains("audit-log-unavailable"));
}

#[test]
fn what_a_public_log_answers_is_kept_only_where_it_is_about_the_checkpoint() {
    let (world, _, sigstore) = logged();
    let url = sigstore.server.url.as_str();
    // Of a signing configuration, what a checkpoint can be shown to.
    let services = |version: u64, stamps: bool| {
        let of = |url: String, version: u64| {
            json!({ "url": url, "majorApiVersion": version, "operator": "o",
                "validFor": { "start": "2024-01-01T00:00:00Z" } })
        };
        let stamps = stamps.then(|| of(format!("{url}/api/v1/timestamp"), 1));
        json!({ "mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json",
            "rekorTlogUrls": [of(url.to_owned(), version)], "rekorTlogConfig": { "selector": "ANY" },
            "tsaUrls": stamps.into_iter().collect::<Vec<_>>(), "tsaConfig": { "selector": "ANY" } })
        .to_string()
    };
    copy(&world.root().join("log"), &world.root().join("configured"));
    for (version, stamps, code, entries) in [(1, false, 2, (0, 0)), (1, true, 0, (1, 0)), (2, true, 0, (2, 1))] {
        world.write("services.json", services(version, stamps));
        run(&world, "configured", code, &["anchor", "--signing-config", "services.json"]);
        let found = (kept(&world, "configured", ".tsr").len(), kept(&world, "configured", ".entry.json").len());
        assert_eq!(found, entries, "{version} {stamps}");
    }
    for (way, code, said) in [(Way::Status(503), 3, "503"), (Way::Status(400), 1, "400")] {
        *sigstore.way.lock().unwrap() = way;
        let found = run(&world, "log", code, &["anchor", "--rekor", url, "--timeout", "2s"]);
        assert!(found.starts_with("NOT ANCHORED") && found.contains(said), "{found}");
        assert_eq!(found.matches("Rekor v2 at").count(), 1, "{found}");
        assert!(kept(&world, "log", "").iter().all(|name| name == "lock"), "{found}");
    }
    *sigstore.way.lock().unwrap() = Way::Honest;
    run(&world, "log", 0, &["anchor", "--rekor", url]);
    assert_eq!(kept(&world, "log", ".entry.json").len(), 1);
    *sigstore.way.lock().unwrap() = Way::Another;
    decide(&world, "log", "number 3");
    let said = run(&world, "log", 3, &["anchor", "--rekor", url]);
    assert!(said.contains("expected an entry about this checkpoint"), "{said}");
    assert_eq!(kept(&world, "log", ".entry.json").len(), 1);
}

#[test]
fn the_key_of_anchors_is_one_of_its_own_and_bound_with_the_log() {
    let (world, key, sigstore) = logged();
    let url = sigstore.server.url.as_str();
    let named = settings(&world)["anchor"].as_str().unwrap().to_owned();
    assert!(run(&world, "log", 0, &["keys"]).contains(&format!("anchors      {named}\n")));
    let own = world.read("log/keys/anchor.key");
    assert_eq!(fs::metadata(world.root().join("log/keys/anchor.key")).unwrap().permissions().mode() & 0o777, 0o600);
    // Another key in its place signs nothing.
    let other = LocalKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
    let pkcs8 = other.to_pkcs8().unwrap();
    world.write("log/keys/anchor.key", pem::encode(&pem::Pem::new("PRIVATE KEY", pkcs8.to_vec())));
    let said = run(&world, "log", 2, &["anchor", "--rekor", url]);
    assert!(said.contains("audit-malformed") && said.contains("not the key of anchors"), "{said}");
    // Nor does one that the settings name and the first record does not.
    let good = world.read("log/log.json");
    world.write("log/log.json", good.replacen(&named, &STANDARD.encode(other.public_key().spki()), 1));
    let said = run(&world, "log", 1, &["anchor", "--rekor", url]);
    assert!(said.contains("audit-settings-changed") && said.contains("the key of anchors"), "{said}");
    assert!(sigstore.server.asked().is_empty());
    let said = run(&world, "log", 1, &["verify", "--log-key", &key]);
    assert!(said.starts_with("TAMPERED ") && said.contains("the key of anchors"), "{said}");
    // A log that was made without one says so.
    let mut without: Value = serde_json::from_str(&good).unwrap();
    without.as_object_mut().unwrap().remove("anchor");
    world.write("log/log.json", without.to_string());
    assert!(run(&world, "log", 3, &["anchor", "--rekor", url]).contains("was made without one"));
    // The twin.
    world.write("log/log.json", &good);
    world.write("log/keys/anchor.key", &own);
    run(&world, "log", 0, &["anchor", "--rekor", url]);
}
