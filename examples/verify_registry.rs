//! Decides on an image of a registry by a policy file: `verify_registry REPOSITORY@sha256:DIGEST POLICY`.
#![expect(clippy::print_stdout, reason = "an example: prints")]
#![expect(clippy::disallowed_methods, reason = "an example: reads files and the clock")]

use attest::registry::OciHttp;
use attest::registry::oci_http::{Anonymous, HttpOptions};
use attest::{Artifact, Endless, Given, Policy, Reference, Registry, Target, Timestamp, TrustedRoot, Verdict, check};
use std::error::Error;
use std::sync::Arc;

/// The decision on an image: its verdict, and the code of the reason where there is one.
pub(crate) async fn decide(
    image: &Reference,
    registry: &dyn Registry,
    policies: &[Policy],
    now: Timestamp,
) -> Result<(Verdict, Option<String>), Box<dyn Error>> {
    let digest = image.digest().ok_or("expected REPOSITORY@sha256:DIGEST")?.clone();
    let artifact = Artifact::new(image.to_string(), image.name(), digest);
    let roots = TrustedRoot::embedded();
    let decision = check(Target::in_repository(artifact, registry), Given::new(policies, &roots, now), &Endless).await;
    Ok((decision.verdict, decision.code().map(|c| c.to_string())))
}

/// The policy of a text; keys stand in it, or beside it in files.
pub(crate) fn policy(text: &str) -> Result<Policy, Box<dyn Error>> {
    Ok(attest::policy::parse(text, "policy", &|name| attest::places::public_key(name).map_err(|e| e.to_string()))?)
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [image, file] = arguments.as_slice() else { return Err("expected REPOSITORY@sha256:DIGEST POLICY".into()) };
    let image = Reference::parse(image)?;
    let registry = OciHttp::new(&image, HttpOptions::new(Arc::new(Anonymous)))?;
    let policies = [policy(&std::fs::read_to_string(file)?)?];
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (verdict, code) = runtime.block_on(decide(&image, &registry, &policies, chrono::Utc::now().into()))?;
    println!("{verdict:?} {}", code.unwrap_or_default());
    Ok(())
}
