//! Certificates, logs and policies about them, with an instance of the tests' own: each defect beside its sound twin.
#![expect(clippy::disallowed_methods, reason = "reads vectors")]

mod any_predicate;
mod defects;
mod flips;
mod keyed;
mod policies;
mod proofs;
mod witnesses;

use attest::model::{Artifact, Digest};
use attest::testing::sigstore::SIGNED_AT;
use attest::testing::world::now;
use attest::testing::{Claim, Holder, Instance};
use attest::trust::{TrustMaterial, TrustedRoot};
use attest::verify::{VerifiedStatement, Verifier, VerifyError};
use serde_json::Value;

pub(crate) const WORKFLOW: &str = "https://github.com/acme/app/.github/workflows/release.yml@refs/heads/main";
pub(crate) const GITHUB: &str = "https://token.actions.githubusercontent.com";

pub(crate) fn digest() -> Digest {
    Digest::sha256(b"the artifact")
}

pub(crate) fn artifact() -> Artifact {
    Artifact::new("registry.example/acme/app", "registry.example/acme/app", digest())
}

/// A provenance that says what [`workflow`]'s certificate says.
pub(crate) fn claim() -> Claim {
    Claim { repository: "https://github.com/acme/app".into(), builder_id: WORKFLOW.into(), ..Claim::about(&digest()) }
}

/// A workflow of GitHub's as its certificate describes it.
fn workflow() -> Holder {
    Holder::new(WORKFLOW, GITHUB)
        .claiming(9, WORKFLOW)
        .claiming(11, "github-hosted")
        .claiming(12, "https://github.com/acme/app")
        .claiming(13, &"a".repeat(40))
        .claiming(14, "refs/heads/main")
}

pub(crate) fn roots(root: &Value) -> Vec<TrustedRoot> {
    TrustedRoot::parse(root.to_string().as_bytes(), "test").unwrap()
}

/// Verifies a bundle against one root.
fn verify_with(trust: &TrustMaterial, bundle: &Value) -> Result<VerifiedStatement, VerifyError> {
    Verifier::new(trust, now()).verify(bundle.to_string().as_bytes(), &artifact())
}

fn verify(root: &Value, bundle: &Value) -> Result<VerifiedStatement, VerifyError> {
    verify_with(&TrustMaterial::default().with_roots(&roots(root)), bundle)
}

/// Verifies, and says the code of a refusal.
pub(crate) fn code(root: &Value, bundle: &Value) -> Result<(), String> {
    verify(root, bundle).map(|_| ()).map_err(|e| e.code().to_string())
}

pub(crate) fn refused(code: &str) -> Result<(), String> {
    Err(code.to_owned())
}

#[test]
fn what_is_sound_is_proven() {
    let instance = Instance::new("acme", 1);
    let proven = verify(&instance.root(), &instance.sign(&workflow(), &claim().to_bytes())).unwrap();
    assert_eq!(proven.existed_at().unix(), SIGNED_AT);
    assert_eq!((proven.proven_times().len(), proven.log_entries().len(), proven.unchecked()), (1, 1, (0, 0)));
    assert_eq!((proven.log_entries()[0].index, proven.log_entries()[0].promise_only), (7, false));
    let attest::verify::Signer::Certificate { chain, identity, issuer, claims } = &proven.signers()[0] else {
        panic!()
    };
    assert_eq!((chain.len(), identity.as_str(), issuer.as_str()), (1, WORKFLOW, GITHUB));
    assert_eq!(claims.keys().copied().collect::<Vec<_>>(), [9, 11, 12, 13, 14]);
}
