//! One test per advisory about bundles, logs, certificates, identities and registries of the programs that do what this
//! one does, named after it. Each has a twin that differs only in what the advisory is about, and is accepted.
//!
//! Advisories about other things are not tested here:
//! - of admission webhooks, as there is none here yet: CVE-2023-34091 (objects that are being deleted are skipped),
//!   CVE-2025-46342 (an error of the API is taken for "no match"; that an error is never "none" holds for registries,
//!   `registry_500_for_the_listing` among the refusals), CVE-2024-48921 and GHSA-gg4x-fgg2-h9w9 (exceptions of any
//!   namespace), kyverno issue 16336 (an annotation of the user's is believed), CVE-2025-24376, CVE-2025-24784, CVE-2026-29773 and CVE-2026-42541 (rights of a controller);
//! - of policy languages that this one has not, with variables, calls and expressions: CVE-2026-23881, CVE-2025-47281,
//!   CVE-2026-41485, GHSA-gcjh-h69q-9w9g, CVE-2026-22039, CVE-2026-41068, CVE-2026-41323, CVE-2026-40868, CVE-2026-4789;
//! - of metrics, which a program that ends has not: CVE-2026-49835;
//! - of credentials for registries: CVE-2025-27403, which the tests of the registry client cover (a token goes to the
//!   host that it is for).
#![allow(clippy::type_complexity, reason = "a row of a table names its types where it stands")]

mod bundles;
mod certificates;
mod memory;
mod policies;
mod registries;

use crate::certificates::{GITHUB, WORKFLOW, artifact, claim, code, refused, roots};
use crate::refusals::scene::{Answer, Scene};
use attest::sign::LocalKey;
use attest::testing::world::now;
use attest::testing::{Holder, Instance};
use attest::trust::{KeyAlgorithm, TrustMaterial};
use attest::verify::{VerifiedStatement, Verifier, VerifyError};
use serde_json::{Value, json};

fn holder() -> Holder {
    Holder::new(WORKFLOW, GITHUB)
}

fn key() -> LocalKey {
    LocalKey::generate(KeyAlgorithm::EcdsaP256).unwrap()
}

/// An instance with a log of either version and a timestamp authority.
fn instance() -> Instance {
    Instance::new("acme", 1).with_tile_logs(1).with_stamps(1)
}

fn verify_bytes(trust: &TrustMaterial, bundle: &[u8]) -> Result<VerifiedStatement, VerifyError> {
    Verifier::new(trust, now()).verify(bundle, &artifact())
}

/// The code of a decision by one requirement; nothing where it allows.
fn decided(root: &Value, requirement: &Value, bundles: &[Value]) -> Option<String> {
    let decision = attest::testing::decide(&roots(root), std::slice::from_ref(requirement), artifact(), bundles);
    decision.unwrap_or_else(|e| panic!("{e}")).code().map(|c| c.to_string())
}

fn exactly() -> Value {
    json!({ "issuer": GITHUB, "identity": WORKFLOW })
}

/// That the program allows the twin and, with the defect alone, refuses it so.
fn by_the_program(base: &dyn Fn(&mut Scene), defect: &dyn Fn(&mut Scene), exit: i32, code: &str) -> Answer {
    let run = |defect: &dyn Fn(&mut Scene)| {
        let mut scene = Scene::new();
        base(&mut scene);
        defect(&mut scene);
        scene.answer()
    };
    let twin = run(&|_| ());
    assert_eq!((twin.exit, twin.json["verdict"].as_str()), (0, Some("allow")), "the twin: {twin:#?}");
    let answer = run(defect);
    assert_eq!((answer.exit, answer.code.as_str()), (exit, code), "{answer:#?}");
    answer
}
