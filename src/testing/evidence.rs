//! [`Bundles`]: evidence that is simply there, and a decision on it by a policy.

use crate::flow::{self, Given, Target};
use crate::model::{Artifact, Timestamp};
use crate::policy::{self, PolicyError, SubjectDecision};
use crate::seam::{BoxFuture, Endless, ready};
use crate::testing::world::{block_on, now};
use crate::trust::TrustedRoot;
use crate::verify::{Basket, Candidate, Content, EvidenceSource, Origin};
use serde_json::{Value, json};

/// Pieces of evidence, handed over as they are.
#[derive(Clone, Debug)]
pub struct Bundles(pub Vec<Vec<u8>>);

impl EvidenceSource for Bundles {
    fn place(&self) -> String {
        "the test".into()
    }
    fn gather<'a>(&'a self, _: &'a Artifact, basket: &'a Basket) -> BoxFuture<'a, ()> {
        let candidate = |(i, b): (usize, &Vec<u8>)| Candidate {
            origin: Origin { place: "the test".into(), id: i.to_string() },
            content: Content::Evidence(b.clone()),
        };
        self.0.iter().enumerate().map(candidate).for_each(|c| basket.put(0, c));
        ready(())
    }
}

/// Decides on an artifact by a policy of these requirements, which speaks about every subject.
///
/// # Errors
/// [`PolicyError`] for requirements that no policy has.
pub fn decide(
    roots: &[TrustedRoot],
    requirements: &[Value],
    artifact: Artifact,
    bundles: &[Value],
) -> Result<SubjectDecision, PolicyError> {
    decide_by(roots, &json!({ "images": [{ "glob": "**" }], "require": requirements }), artifact, bundles)
}

/// Decides on an artifact by a policy of this `spec`.
///
/// # Errors
/// [`PolicyError`] for what no policy says.
pub fn decide_by(
    roots: &[TrustedRoot],
    spec: &Value,
    artifact: Artifact,
    bundles: &[Value],
) -> Result<SubjectDecision, PolicyError> {
    decide_at(now(), roots, spec, artifact, bundles)
}

/// The same at a time.
///
/// # Errors
/// As [`decide_by`].
pub fn decide_at(
    at: Timestamp,
    roots: &[TrustedRoot],
    spec: &Value,
    artifact: Artifact,
    bundles: &[Value],
) -> Result<SubjectDecision, PolicyError> {
    let text = json!({
        "apiVersion": "agent-attest.github.io/v1", "kind": "AttestationPolicy", "metadata": { "name": "t" },
        "spec": spec,
    });
    let policy = policy::parse(&text.to_string(), "t", &|_| Err("none".into()))?;
    let source = Bundles(bundles.iter().map(|b| b.to_string().into_bytes()).collect());
    let target = Target { artifact, sources: vec![Box::new(source)], content: None, digests: None };
    Ok(block_on(flow::check(target, Given::new(&[policy], roots, at), &Endless)))
}
