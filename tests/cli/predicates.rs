//! A predicate that is given is signed as it is written.

use crate::world::{PASSWORD, World};
use attest::model::{Bundle, BundleContent};

const SCAN: &str = "https://acme.example/scan/v1";
/// `../shared/vectors/reports/P02`: numbers that no 64 bits hold.
const NUMBERS: &str = "{\"id\": 123456789012345678901234567890,\n \"u64\": 18446744073709551616, \"ratio\": 1.10}\n";

#[test]
fn numbers_keep_their_text() {
    let world = World::new();
    world.write("scan.json", NUMBERS);
    let create = ["create", "app", "--key", "attest.key", "--predicate", "scan.json", "--predicate-type", SCAN];
    world.done(&create);
    let bundle = Bundle::parse(world.read("app.sigstore.json").trim().as_bytes()).unwrap();
    let BundleContent::Envelope(envelope) = bundle.content() else { panic!("no envelope") };
    let text = std::str::from_utf8(envelope.payload()).unwrap();
    let written = r#""predicate":{"id":123456789012345678901234567890,"u64":18446744073709551616,"ratio":1.10}}"#;
    assert!(text.ends_with(written), "{text}");
    world.done(&["verify", "app", "--key", "attest.pub", "--predicate-type", SCAN]);
    // A secret of digits is found in them, too.
    let secret = [("ATTEST_PASSWORD", PASSWORD), ("API_TOKEN", "123456789012345678901234567890")];
    let out = world.attest_with(&secret, &create);
    let said = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.code() == Some(1) && said.contains("error[secret-in-statement]"), "{said}");
}

#[test]
fn inspect_shows_numbers_as_they_were_written() {
    let world = World::new();
    world.write("n.json", r#"{"big":18446744073709551616,"price":1.10,"list":[1e2,-0.0]}"#);
    world.done(&[
        "create",
        "app",
        "--key",
        "attest.key",
        "--predicate",
        "n.json",
        "--predicate-type",
        "https://x.example/n",
    ]);
    let shown = world.done(&["inspect", "app", "--format", "json"]);
    for written in ["\"big\": 18446744073709551616,", "\"price\": 1.10,", "1e2,", "-0.0"] {
        assert!(shown.contains(written), "{written}: {shown}");
    }
    let provenance = r#"{"_type":"https://in-toto.io/Statement/v1","subject":[{"name":"a","digest":{"sha256":"DIGEST"}}],
        "predicateType":"https://slsa.dev/provenance/v1","predicate":{
        "buildDefinition":{"buildType":"https://b.example","externalParameters":{"a.b":1.10,"n":{"m":18446744073709551616}}},
        "runDetails":{"builder":{"id":"https://b.example"},"metadata":{"cost":2.50}}}}"#;
    world.write("p.json", provenance.replace("DIGEST", &"a".repeat(64)));
    let shown = world.done(&["inspect", "p.json", "--format", "json"]);
    assert_eq!((shown.matches("1.10").count(), shown.matches("18446744073709551616").count()), (2, 2), "{shown}");
    let shown = world.done(&["inspect", "p.json"]);
    for written in ["a.b: 1.10", "n.m: 18446744073709551616", "cost: 2.50"] {
        assert!(shown.contains(written), "{written}: {shown}");
    }
}

#[test]
fn a_large_sbom_is_searched_and_no_lock_file_is_read_for_it() {
    let world = World::new();
    world.write("Cargo.lock", "no lock file");
    let sbom = |word: &str| {
        let package = |i: usize| {
            let word = if i == 1_234 { word } else { "MIT" };
            format!(r#"{{"name":"p-{i}","licenseDeclared":"{word}","purl":"pkg:npm/p-{i}@1.0.0","of":[1,2,3]}}"#)
        };
        format!(r#"{{"packages":[{}]}}"#, (0..2_000).map(package).collect::<Vec<_>>().join(","))
    };
    let create = ["create", "app", "--key", "attest.key", "--predicate", "sbom.json", "--predicate-type", "spdx"];
    let token = "a-token-of-no-form-at-all";
    let with = [("ATTEST_PASSWORD", PASSWORD), ("API_TOKEN", token)];
    world.write("sbom.json", sbom(token));
    let out = world.attest_with(&with, &create);
    let said = String::from_utf8_lossy(&out.stderr);
    let field = "`statement.predicate.packages[1234].licenseDeclared` holds the value of `API_TOKEN`";
    assert!(out.status.code() == Some(1) && said.contains(field), "{said}");
    world.write("sbom.json", sbom("Apache-2.0"));
    let out = world.attest_with(&with, &create);
    let said = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success() && !said.contains("Cargo.lock"), "{said}");
    world.done(&["verify", "app", "--key", "attest.pub", "--predicate-type", "spdx"]);
}
