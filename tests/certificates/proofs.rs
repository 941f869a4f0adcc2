//! What proves a time and an inclusion: logs of version 2, timestamp authorities, each with what is wrong with it.

use super::{claim, code, refused, verify, workflow};
use attest::testing::Instance;
use attest::testing::sigstore::SIGNED_AT;
use attest::verify::TimeSource;

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
