//! Witnesses of a log's checkpoint: whoever counts is listed by the policy, and cosigned this very checkpoint.

use super::{GITHUB, WORKFLOW, artifact, claim, code, refused, roots, workflow};
use attest::policy::{Outcome, PolicyError, SubjectDecision, Verdict};
use attest::testing::sigstore::{SIGNED_AT, vkey};
use attest::testing::{Instance, Witness};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

const ENVELOPE: &str = "/verificationMaterial/tlogEntries/0/inclusionProof/checkpoint/envelope";
const TIME: u64 = 1_717_200_010;

fn instance() -> Instance {
    Instance::new("acme", 0).with_tile_logs(2).with_stamps(1)
}

fn signed(instance: &Instance) -> Value {
    let mut bundle = instance.sign_alone(&workflow(), &claim().to_bytes());
    instance.log_in_tiles(&mut bundle, 0, None);
    instance.stamp(&mut bundle, 0, SIGNED_AT);
    bundle
}

fn decide(instance: &Instance, witnesses: Value, bundle: &Value) -> Result<SubjectDecision, PolicyError> {
    let signer = json!({ "issuer": GITHUB, "identity": WORKFLOW });
    let requirement = json!({ "signers": [signer], "trust": { "witnesses": witnesses } });
    attest::testing::decide(&roots(&instance.root()), &[requirement], artifact(), std::slice::from_ref(bundle))
}

/// Whether so many of these witnesses are found.
fn enough(instance: &Instance, threshold: usize, keys: &[String], bundle: &Value) -> bool {
    let decision = decide(instance, json!({ "threshold": threshold, "keys": keys }), bundle).unwrap();
    match decision.code() {
        None => true,
        Some(code) => {
            assert_eq!(code.as_str(), "too-few-witnesses");
            false
        }
    }
}

/// The text of a checkpoint, and its signature lines.
fn checkpoint(bundle: &Value) -> (String, String) {
    let (text, lines) = bundle.pointer(ENVELOPE).unwrap().as_str().unwrap().split_once("\n\n").unwrap();
    (format!("{text}\n"), lines.to_owned())
}

fn with_line(bundle: &Value, line: &str) -> Value {
    let mut bundle = bundle.clone();
    let (text, lines) = checkpoint(&bundle);
    *bundle.pointer_mut(ENVELOPE).unwrap() = format!("{text}\n{lines}{line}").into();
    bundle
}

#[test]
fn distinct_witnesses_of_the_policy_count() {
    let instance = instance();
    let (a, b, stranger) = (Witness::new("a.example"), Witness::new("b.example"), Witness::new("c.example"));
    let keys = [a.vkey(), b.vkey()];
    let none = signed(&instance);
    let mut one = none.clone();
    a.join(&mut one, TIME);
    stranger.join(&mut one, TIME);
    let mut two = one.clone();
    b.join(&mut two, TIME + 60);
    for (bundle, found) in [(&none, 0), (&one, 1), (&two, 2)] {
        for threshold in 1..=2 {
            assert_eq!(enough(&instance, threshold, &keys, bundle), found >= threshold, "{found} of {threshold}");
        }
    }
    // The same line again is the same witness.
    let mut again = one.clone();
    a.join(&mut again, TIME);
    a.join(&mut again, TIME + 1);
    assert!(!enough(&instance, 2, &keys, &again));
    // Who they were is said.
    let decision = decide(&instance, json!({ "threshold": 1, "keys": keys }), &two).unwrap();
    let Outcome::Accepted(accepted) = &decision.policies[0].requirements[0].candidates[0].outcome else { panic!() };
    let names: Vec<_> = accepted.statement.log_entries()[0].witnesses.iter().map(|w| w.name()).collect();
    assert_eq!(names, ["a.example", "b.example"]);
}

#[test]
fn one_key_under_two_names_is_one_witness() {
    let instance = instance();
    let first = Witness::new("a.example");
    let (other, third) =
        (Witness { name: "b.example".into(), key: super::keyed::copy(&first.key) }, Witness::new("c.example"));
    let mut bundle = signed(&instance);
    first.join(&mut bundle, TIME);
    other.join(&mut bundle, TIME);
    let keys = [first.vkey(), vkey("b.example", &first.key), third.vkey()];
    assert!(enough(&instance, 1, &keys, &bundle));
    assert!(!enough(&instance, 2, &keys, &bundle));
    third.join(&mut bundle, TIME);
    assert!(enough(&instance, 2, &keys, &bundle));
}

#[test]
fn a_cosignature_is_of_this_checkpoint_in_this_form() {
    let instance = instance();
    let witness = Witness::new("a.example");
    let bundle = signed(&instance);
    let keys = [witness.vkey()];
    let (text, _) = checkpoint(&bundle);
    let line = |name: &str, bytes: &[u8]| format!("\u{2014} {name} {}\n", STANDARD.encode(bytes));
    let good = witness.cosign(&text, TIME);
    let bytes = STANDARD.decode(good.trim().rsplit(' ').next().unwrap()).unwrap();
    let found = |line: &str| enough(&instance, 1, &keys, &with_line(&bundle, line));
    assert!(found(&good));
    assert!(found(&line("a.example", &bytes)));
    let lines: Vec<&str> = text.lines().collect();
    let cases = [
        ("another tree", witness.cosign(&text.replace(lines[2], &STANDARD.encode([0; 32])), TIME)),
        ("another size", witness.cosign(&text.replace("\n5\n", "\n6\n"), TIME)),
        ("another origin", witness.cosign(&text.replace(lines[0], "other.example"), TIME)),
        ("another line more", witness.cosign(&format!("{text}more\n"), TIME)),
        ("another name", line("b.example", &bytes)),
        ("another id", line("a.example", &[&[0; 4], &bytes[4..]].concat())),
        ("another time", line("a.example", &[&bytes[..11], &[1], &bytes[12..]].concat())),
        ("no time", line("a.example", &[&bytes[..4], &bytes[12..]].concat())),
        ("the time 0", witness.cosign(&text, 0)),
        ("a time that is to come", witness.cosign(&text, 32_503_680_000)),
        ("a time out of bounds", witness.cosign(&text, u64::MAX)),
        ("a plain signature of the text", {
            let signature = witness.key.sign_bytes(text.as_bytes()).unwrap();
            line("a.example", &[&bytes[..4], &signature].concat())
        }),
        ("a plain signature with a time before it", {
            let signature = witness.key.sign_bytes(text.as_bytes()).unwrap();
            line("a.example", &[&bytes[..12], &signature].concat())
        }),
        ("a byte more", line("a.example", &[&bytes[..], &[0]].concat())),
        ("a byte less", line("a.example", &bytes[..bytes.len() - 1])),
        ("somebody else's key", Witness::new("a.example").cosign(&text, TIME)),
    ];
    for (what, line) in cases {
        assert!(!found(&line), "{what}");
    }
    // A line that is none makes the checkpoint none.
    for garbage in ["garbage\n", "- a.example AAAAAAAA\n", "\u{2014} a.example ?\n", "\u{2014} a.example\n"] {
        assert_eq!(code(&instance.root(), &with_line(&bundle, garbage)), refused("evidence-malformed"), "{garbage:?}");
    }
    // Nor can a line be cosigned into a text that the log did not sign.
    let mut forged = bundle.clone();
    let (_, signatures) = checkpoint(&bundle);
    let other = text.replace(lines[0], "other.example");
    let own = witness.cosign(&other, TIME);
    *forged.pointer_mut(ENVELOPE).unwrap() = format!("{other}\n{signatures}{own}").into();
    assert_eq!(code(&instance.root(), &forged), refused("log-entry-invalid"));
}

#[test]
fn the_witnesses_of_one_requirement_are_none_of_another() {
    let instance = instance();
    let (a, b) = (Witness::new("a.example"), Witness::new("b.example"));
    let mut bundle = signed(&instance);
    a.join(&mut bundle, TIME);
    let requirement = |witness: &Witness| {
        let signer = json!({ "issuer": GITHUB, "identity": WORKFLOW });
        json!({ "signers": [signer], "trust": { "witnesses": { "threshold": 1, "keys": [witness.vkey()] } } })
    };
    let both = [requirement(&a), requirement(&b)];
    let decision = attest::testing::decide(&roots(&instance.root()), &both, artifact(), &[bundle]).unwrap();
    let verdicts: Vec<_> = decision.policies[0].requirements.iter().map(|r| r.verdict).collect();
    assert_eq!(verdicts, [Verdict::Allow, Verdict::Deny]);
}

#[test]
fn witnesses_of_two_checkpoints_do_not_add_up() {
    let instance = instance();
    let (a, b) = (Witness::new("a.example"), Witness::new("b.example"));
    let keys = [a.vkey(), b.vkey()];
    let mut bundle = signed(&instance);
    a.join(&mut bundle, TIME);
    instance.log_in_tiles(&mut bundle, 1, None);
    let envelope = "/verificationMaterial/tlogEntries/1/inclusionProof/checkpoint/envelope";
    let note = bundle.pointer(envelope).unwrap().as_str().unwrap().to_owned();
    let text = format!("{}\n", note.split_once("\n\n").unwrap().0);
    *bundle.pointer_mut(envelope).unwrap() = format!("{note}{}", b.cosign(&text, TIME)).into();
    assert!(enough(&instance, 1, &keys, &bundle));
    assert!(!enough(&instance, 2, &keys, &bundle));
}

#[test]
fn a_checkpoint_has_few_signatures() {
    let instance = instance();
    let bundle = signed(&instance);
    let with = |count: usize| {
        let (text, _) = checkpoint(&bundle);
        let lines: String = (0..count).map(|i| Witness::new(&format!("w{i}")).cosign(&text, TIME)).collect();
        code(&instance.root(), &with_line(&bundle, &lines))
    };
    assert_eq!((with(63), with(64)), (Ok(()), refused("limit-exceeded")));
}

#[test]
fn a_policy_says_whose_cosignatures_count() {
    let (instance, key) = (instance(), Witness::new("a.example").vkey());
    let read = |witnesses: Value| decide(&instance, witnesses, &json!({})).map(|_| ()).map_err(|e| e.to_string());
    assert_eq!(read(json!({ "threshold": 1, "keys": [key] })), Ok(()));
    for (witnesses, why) in [
        (json!(2), "a trusted root names no witnesses, so the policy lists theirs"),
        (json!([key]), "a map of `threshold` and `keys`"),
        (json!({ "threshold": 1 }), "`spec.require[0].trust.witnesses.keys` is missing"),
        (json!({ "keys": [key] }), "`spec.require[0].trust.witnesses.threshold` is missing"),
        (json!({ "threshold": 1, "keys": [] }), "expected a list"),
        (json!({ "threshold": 0, "keys": [key] }), "a number from 1 to 32"),
        (json!({ "threshold": 2, "keys": [key] }), "at most 1: so many distinct keys are listed"),
        (json!({ "threshold": 2, "keys": [key, key] }), "at most 1"),
        (json!({ "threshold": 1, "keys": [key, "a.example"] }), "the vkey of a witness, name+id+base64 (not of"),
        (json!({ "threshold": 1, "keys": [key], "quorum": "any" }), "unknown field"),
        (json!({ "threshold": 1, "keys": vec![key.as_str(); 33] }), "over the limit of 32"),
    ] {
        let found = read(witnesses.clone()).unwrap_err();
        assert!(found.contains(why), "{witnesses}: {found}");
    }
}
