//! [`admit`]: what a cluster does with one image, by each policy that speaks about it there.

use super::check::Check;
use super::gather::Target;
use super::judge::Given;
use crate::model::Timestamp;
use crate::policy::{Effect, Policy, SubjectDecision};
use crate::seam::Deadline;
use crate::trust::TrustedRoot;

/// Where and when an image is to run, and what it is checked against.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// All policies; those apply that speak about the image and the namespace.
    pub policies: &'a [Policy],
    /// Trusted roots.
    pub roots: &'a [TrustedRoot],
    /// The time of the decision.
    pub now: Timestamp,
    /// The namespace, where it is known.
    pub namespace: Option<&'a str>,
}

/// What one policy says of an image, and what a cluster does about it.
#[derive(Clone, Debug)]
pub struct Ruling {
    /// The policy's name.
    pub policy: String,
    /// What is done.
    pub effect: Effect,
    /// The policy's decision on the image.
    pub decision: SubjectDecision,
}

/// Decides by each policy that speaks about the image, apart: what one of them takes an exception from, another may demand.
/// Evidence is read once. Where no policy speaks about it there is no ruling, and nothing is read.
pub async fn admit<'t>(target: Target<'t>, place: Place<'t>, deadline: &'t dyn Deadline) -> Vec<Ruling> {
    let Place { policies, roots, now, namespace } = place;
    let artifact = target.artifact.clone();
    let speaking: Vec<_> = policies.iter().filter(|p| p.applies_in(namespace) && p.speaks_of(&artifact)).collect();
    let mut rulings = Vec::new();
    if speaking.is_empty() {
        return rulings;
    }
    let mut check = Check::begin(target, Given::new(&[], roots, now), deadline).await;
    for policy in speaking {
        check.by(std::slice::from_ref(policy));
        let decision = check.decide(None).await;
        let effect = policy.effect(decision.verdict, &artifact.scope, namespace, now);
        rulings.push(Ruling { policy: policy.name.clone(), effect, decision });
    }
    rulings
}
