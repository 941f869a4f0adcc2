//! Verifies a bundle for a file, with a key and without a network: `verify_offline FILE BUNDLE KEY`.
#![expect(clippy::print_stdout, reason = "an example: prints")]
#![expect(clippy::disallowed_methods, reason = "an example: reads files and the clock")]

use attest::{Artifact, Digest, PublicKey, Timestamp, TrustMaterial, VerifiedStatement, Verifier};
use std::error::Error;

/// What the bundle proves about the file, or why it proves nothing.
pub(crate) fn verify(
    file: &[u8],
    bundle: &[u8],
    key: &[u8],
    now: Timestamp,
) -> Result<VerifiedStatement, Box<dyn Error>> {
    let trust = TrustMaterial::of_keys([PublicKey::from_pem(key)?]);
    let artifact = Artifact::new("the file", "file:", Digest::sha256(file));
    Ok(Verifier::new(&trust, now).verify(bundle, &artifact)?)
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [file, bundle, key] = arguments.as_slice() else { return Err("expected FILE BUNDLE KEY".into()) };
    let now = chrono::Utc::now().into();
    let proven = verify(&std::fs::read(file)?, &std::fs::read(bundle)?, &std::fs::read(key)?, now)?;
    println!("verified: {}", proven.statement().predicate_type());
    Ok(())
}
