//! More than is looked at: could not find out, in bounded time and memory.

use crate::refusals::scene::{REPOSITORY, Scene, Staged, attest};
use crate::refusals::{file, registry};
use attest::model::oci::{IMAGE_INDEX, IMAGE_MANIFEST};
use attest::model::{Descriptor, Digest, bundle};
use attest::testing::world::{self, text};
use attest::testing::{Action, Fault, World};
use attest::trust::KeyAlgorithm;
use serde_json::{Value, json};
use std::fs;
use std::time::{Duration, Instant};

fn fault(path: &'static str, action: fn() -> Action) -> impl Fn(&mut Scene) {
    move |s| s.then(move |at| at.server().fault(Fault::on(path, action())))
}

/// A referrer whose layer claims this size.
fn sized(at: &Staged, size: u64) {
    let mut manifest: Value =
        serde_json::from_slice(&world::referrer(Some(&at.image.descriptor()), &at.bundles[0])).unwrap();
    manifest["layers"][0]["size"] = size.into();
    let d = at.server().put_manifest(REPOSITORY, None, IMAGE_MANIFEST, manifest.to_string().as_bytes());
    at.server().fault(Fault::on("/referrers/", Action::body(IMAGE_INDEX, world::index(&[d.to_json()]))));
}

fn deep(levels: usize) -> String {
    format!("{}{}", "[".repeat(levels), "]".repeat(levels))
}

crate::refusals::refusals! {
    bundle_over_32_mib: file(&[]), |s| s.bundle = Some(|_, b| [&b[..b.len() - 1], br#","x":""#, &vec![b'x'; 33 << 20], br#""}"#].concat()) => 3 "limit-exceeded";
    bundle_over_32_mib_in_a_registry: registry, |s| s.then(|at| sized(at, 33 << 20)) => 3 "limit-exceeded";
    bundle_larger_than_its_descriptor_says: registry, |s| s.then(|at| sized(at, 10)) => 3 "limit-exceeded";
    bundle_of_json_10_000_deep: file(&[]), |s| s.bundle = Some(|_, b| world::tamper(&b, |b| b["x"] = "DEEP".into()).into_iter().map(char::from).collect::<String>().replace("\"DEEP\"", &deep(10_000)).into_bytes()) => 3 "limit-exceeded";
    statement_of_json_10_000_deep: file(&[]), |s| s.statement = Some(|t| t.replacen('{', &format!(r#"{{"x":{},"#, deep(10_000)), 1)) => 3 "limit-exceeded";
    statement_of_1_025_subjects: |s| (1..1024).for_each(|i| s.claim.subjects.push(world::subject(&format!("f{i}"), &Digest::sha256(format!("{i}").as_bytes())))), |s| {
        s.claim.subjects.push(world::subject("one more", &Digest::sha256(b"one more")));
    } => 3 "limit-exceeded";
    subject_of_33_digests: |s| (1..32).for_each(|i| s.claim.subjects[0].1.push((format!("x{i}"), "00".into()))), |s| s.claim.subjects[0].1.push(("y".into(), "00".into())) => 3 "limit-exceeded";
    envelope_of_17_signatures: |s| s.bundle = Some(|w, b| signatures(w, &b, 16)), |s| s.bundle = Some(|w, b| signatures(w, &b, 17)) => 3 "limit-exceeded";
    listing_of_10_000_referrers: registry, fault("/referrers/", || Action::many_referrers(10_000)) => 3 "limit-exceeded";
    listing_of_json_10_000_deep: registry, fault("/referrers/", || Action::deep_json(10_000)) => 3 "limit-exceeded";
    listing_without_an_end: registry, fault("/referrers/", || Action::Endless) => 3 "limit-exceeded";
    bundle_without_an_end: registry, fault("/blobs/", || Action::Endless) => 3 "limit-exceeded";
    referrer_without_an_end: registry, |s| s.then(|at| { let p = format!("/manifests/{}", at.referrers[0]); at.server().fault(Fault::on(&p, Action::Endless)) }) => 3 "limit-exceeded";
    index_of_257_children: registry, |s| s.then(|at| {
        let entries: Vec<_> = (0..257_u32).map(|i| Descriptor::of(IMAGE_MANIFEST, &i.to_be_bytes()).to_json()).collect();
        let d = at.server().put_manifest(REPOSITORY, None, IMAGE_INDEX, &world::index(&entries));
        at.arguments[0] = format!("{}@{}", at.server().name(REPOSITORY), d.digest);
    }) => 3 "limit-exceeded";
    policy_over_1_mib: |s| s.by_policy(), |s| s.then(|at| {
        let text = fs::read_to_string(at.world.path("policies/0.yaml")).unwrap();
        at.world.write("policies/0.yaml", text + &"# more\n".repeat(160_000));
    }) => 3 "limit-exceeded";
}

/// The same signature so many times, ours last.
fn signatures(world: &World, bundle: &[u8], count: usize) -> Vec<u8> {
    let mut keys = vec![&world.other; count - 1];
    keys.push(&world.key);
    world::signed_by(bundle, &keys)
}

/// The most memory that a run took, in KiB, and how long it took; looked at while it runs.
fn measured(staged: &Staged) -> (i32, u64, Duration) {
    let mut command = attest(&staged.world);
    command.arg("verify").args(&staged.arguments).args(["--quiet", "--timeout", "5s"]);
    command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
    let start = Instant::now();
    let mut child = command.spawn().unwrap();
    let (mut most, path) = (0, format!("/proc/{}/status", child.id()));
    loop {
        let status = fs::read_to_string(&path).unwrap_or_default();
        let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
        let now = line.and_then(|l| l.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0);
        most = most.max(now);
        if let Some(ended) = child.try_wait().unwrap() {
            return (ended.code().unwrap_or(-1), most, start.elapsed());
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn what_is_too_much_takes_neither_memory_nor_time() {
    let cases: [(&str, fn(&mut Scene)); 4] = [
        ("10,000 referrers", |s| {
            registry(s);
            fault("/referrers/", || Action::many_referrers(10_000))(s)
        }),
        ("an endless listing", |s| {
            registry(s);
            fault("/referrers/", || Action::Endless)(s)
        }),
        ("an endless bundle", |s| {
            registry(s);
            fault("/blobs/", || Action::Endless)(s)
        }),
        ("a bundle of 33 MiB", |s| s.bundle = Some(|_, b| [&b[..], &vec![b' '; 33 << 20]].concat())),
    ];
    for (name, change) in cases {
        let mut s = Scene::new();
        change(&mut s);
        let (exit, kib, time) = measured(&s.stage());
        assert_eq!(exit, 3, "{name}");
        assert!(kib < 96 << 10, "{name}: {kib} KiB");
        assert!(time < Duration::from_secs(10), "{name}: {time:?}");
    }
}

#[test]
fn a_thousand_files_are_split_over_two_statements_that_both_verify() {
    const FILES: usize = 1131;
    let world = World::new(KeyAlgorithm::EcdsaP256);
    for i in 0..FILES {
        world.write(&format!("out/f{i:04}"), format!("file {i}"));
    }
    let run = |arguments: &[&str]| {
        let output = attest(&world).env("ATTEST_PASSWORD", "p").args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    };
    run(&["keygen"]);
    let report = run(&["create", "out/f*", "--key", "attest.key", "--output", "all.jsonl", "--format", "json"]);
    let report: Value = serde_json::from_slice(&report).unwrap();
    let counts: Vec<_> = report["statements"].as_array().unwrap().iter().map(|s| s["subjects"].clone()).collect();
    assert_eq!(json!(counts), json!([1024, FILES - 1024]));
    let bundles = fs::read_to_string(world.path("all.jsonl")).unwrap();
    assert_eq!(bundles.lines().filter(|l| l.contains(bundle::MEDIA_TYPE)).count(), 2);
    let last = format!("out/f{:04}", FILES - 1);
    for name in ["out/f0000", "out/f1023", "out/f1024", &last] {
        run(&["verify", name, "--key", "attest.pub", "--bundle", "all.jsonl"]);
    }
    world.write("out/new", "not among them");
    let other = text(&world.path("out/new"));
    let output =
        attest(&world).args(["verify", &other, "--key", "attest.pub", "--bundle", "all.jsonl"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
}
