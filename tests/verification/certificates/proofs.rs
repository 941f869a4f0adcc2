//! What proves a time and an inclusion: logs of version 2, timestamp authorities, each with what is wrong with it.

use super::{claim, code, refused, roots, verify, verify_with, workflow};
use attest::testing::Instance;
use attest::testing::sigstore::SIGNED_AT;
use attest::trust::TrustMaterial;
use attest::verify::TimeSource;
use serde_json::{Value, json};

/// An instance as it is built today: a log of version 2 and a timestamp authority.
fn modern() -> Instance {
    Instance::new("acme", 0).with_tile_logs(1).with_stamps(1)
}

#[test]
fn an_entry_of_version_2_and_a_timestamp_prove_a_signature() {
    let instance = modern();
    let mut bundle = instance.sign_alone(&workflow(), &claim().to_bytes());
    assert_eq!(code(&instance.root(), &bundle), refused("log-entry-missing"));
    instance.log_in_tiles(&mut bundle, 0, None);
    // A log of version 2 signs no time.
    assert_eq!(code(&instance.root(), &bundle), refused("timestamp-missing"));
    instance.stamp(&mut bundle, 0, SIGNED_AT);
    let proven = verify(&instance.root(), &bundle).unwrap();
    assert_eq!((proven.log_entries().len(), proven.log_entries()[0].index, proven.unchecked()), (1, 3, (0, 0)));
    assert_eq!(proven.existed_at().unix(), SIGNED_AT);
    let source = TimeSource::TimestampAuthority("https://stamps0.acme.example".into());
    assert_eq!(proven.proven_times()[0].source, source);
}

/// The time beside an entry is signed by the log's promise alone: without that it is anybody's, and would backdate what a
/// timestamp proves.
#[test]
fn a_time_that_nobody_signed_proves_nothing() {
    let instance = Instance::new("acme", 1).with_stamps(1);
    let mut bundle = instance.sign(&workflow(), &claim().to_bytes());
    instance.stamp(&mut bundle, 0, SIGNED_AT + 60);
    let times = |bundle: &Value| {
        let proven = verify(&instance.root(), bundle).unwrap();
        proven.proven_times().iter().map(|t| t.time.unix()).collect::<Vec<_>>()
    };
    assert_eq!(times(&bundle), [SIGNED_AT + 60, SIGNED_AT]);
    let entry = &mut bundle["verificationMaterial"]["tlogEntries"][0];
    entry.as_object_mut().unwrap().remove("inclusionPromise");
    assert_eq!(times(&bundle), [SIGNED_AT + 60]);
    bundle["verificationMaterial"]["tlogEntries"][0]["integratedTime"] = (SIGNED_AT - 30).to_string().into();
    assert_eq!(times(&bundle), [SIGNED_AT + 60]);
}

#[test]
fn a_timestamp_of_an_unknown_authority_harms_nothing_beside_what_proves_a_time() {
    let (instance, other) = (modern(), Instance::new("other", 0).with_stamps(1));
    let judged = |instance: &Instance, bundle: &Value| {
        verify(&instance.root(), bundle)
            .map(|p| (p.proven_times().len(), p.unchecked().1))
            .map_err(|e| e.code().to_string())
    };
    // Beside one of a known authority, and beside a log's time.
    let stamped = || {
        let mut bundle = instance.sign_alone(&workflow(), &claim().to_bytes());
        instance.stamp(&mut bundle, 0, SIGNED_AT);
        instance.log_in_tiles(&mut bundle, 0, None);
        bundle
    };
    let mut two = stamped();
    assert_eq!(judged(&instance, &two), Ok((1, 0)));
    other.stamp(&mut two, 0, SIGNED_AT + 5);
    assert_eq!(judged(&instance, &two), Ok((1, 1)));
    let old = Instance::new("acme", 1);
    let mut logged = old.sign(&workflow(), &claim().to_bytes());
    other.stamp(&mut logged, 0, SIGNED_AT + 5);
    assert_eq!(judged(&old, &logged), Ok((1, 1)));
    // Alone it proves nothing, and one that a known authority is named in must verify.
    let stamps = |b: &mut Value, keep: &dyn Fn(&mut Vec<Value>)| {
        keep(
            b.pointer_mut("/verificationMaterial/timestampVerificationData/rfc3161Timestamps")
                .unwrap()
                .as_array_mut()
                .unwrap(),
        );
    };
    let mut alone = two.clone();
    stamps(&mut alone, &|list| drop(list.remove(0)));
    assert_eq!(judged(&instance, &alone), refused("timestamp-invalid").map(|()| (0, 0)));
    let mut foreign = two;
    let of_another_signature = {
        let mut bundle = stamped();
        bundle.pointer_mut("/verificationMaterial/timestampVerificationData/rfc3161Timestamps/0").unwrap().take()
    };
    stamps(&mut foreign, &|list| list[1] = of_another_signature.clone());
    assert_eq!(judged(&instance, &foreign), refused("timestamp-invalid").map(|()| (0, 0)));
}

/// As gh and sigstore-go have it: the root that holds the authority decides what else it asks for. Where that root has no
/// logs, its authority and its timestamps are all that there is to trust, and an entry of a log beside them is neither
/// asked for nor believed. Whoever could leave it out gains nothing by adding it.
#[test]
fn a_root_without_logs_asks_for_none_and_believes_none() {
    let instance = modern();
    let mut without = instance.root();
    without["tlogs"] = json!([]);
    let mut stamped = instance.sign_alone(&workflow(), &claim().to_bytes());
    instance.stamp(&mut stamped, 0, SIGNED_AT);
    let mut logged = stamped.clone();
    instance.log_in_tiles(&mut logged, 0, None);
    let counted = |root: &Value, bundle: &Value| {
        let proven = verify(root, bundle).unwrap();
        (proven.log_entries().len(), proven.unchecked().0, proven.proven_times().len())
    };
    assert_eq!(counted(&instance.root(), &logged), (1, 0, 1));
    assert_eq!(counted(&without, &stamped), (0, 0, 1));
    assert_eq!(counted(&without, &logged), (0, 1, 1));
    // An older log's too, though it signs a time.
    let mut both = instance.sign_alone(&workflow(), &claim().to_bytes());
    instance.stamp(&mut both, 0, SIGNED_AT);
    both["verificationMaterial"]["tlogEntries"] =
        Instance::new("x", 1).sign(&workflow(), &claim().to_bytes())["verificationMaterial"]["tlogEntries"].clone();
    assert_eq!(counted(&without, &both), (0, 1, 1));
    // Nor does an entry, whatever time it claims, stand for a timestamp.
    let mut old = Instance { logs: Instance::new("x", 1).logs, ..modern() };
    old.stamps.clear();
    let unstamped = old.sign(&workflow(), &claim().to_bytes());
    let mut root = old.root();
    assert_eq!(code(&root, &unstamped), Ok(()));
    root["tlogs"] = json!([]);
    assert_eq!(code(&root, &unstamped), refused("timestamp-missing"));
}

/// What one root does not ask for is no excuse before another: it would be enough to name both.
#[test]
fn a_root_with_logs_asks_for_an_entry_whatever_other_root_is_trusted() {
    let (instance, other) = (modern(), Instance::new("other", 0).with_stamps(1));
    let mut stamped = instance.sign_alone(&workflow(), &claim().to_bytes());
    instance.stamp(&mut stamped, 0, SIGNED_AT);
    let mut logged = stamped.clone();
    instance.log_in_tiles(&mut logged, 0, None);
    // An authority of the same name, in a root that asks for nothing, with the same timestamp authority.
    let mut namesake = Instance::new("acme", 0).root();
    namesake["timestampAuthorities"] = instance.root()["timestampAuthorities"].clone();
    namesake["ctlogs"] = instance.root()["ctlogs"].clone();
    for lenient in [other.root(), namesake] {
        for first in [true, false] {
            let mut both = [roots(&lenient), roots(&instance.root())].concat();
            if first {
                both.reverse();
            }
            let trust = TrustMaterial::default().with_roots(&both);
            let code = |bundle: &Value| verify_with(&trust, bundle).map(|_| ()).map_err(|e| e.code().to_string());
            assert_eq!(code(&logged), Ok(()));
            assert!(code(&stamped).is_err(), "{:?}", code(&stamped));
        }
    }
}
