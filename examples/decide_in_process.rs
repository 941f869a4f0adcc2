//! Decides inside another program: bundles come from its own memory, and the policy is built, not read:
//! `decide_in_process FILE BUNDLE KEY AGENT`.
#![expect(clippy::print_stdout, reason = "an example: prints")]
#![expect(clippy::disallowed_methods, reason = "an example: reads files and the clock")]

use attest::evidence::candidates_of;
use attest::policy::rule::AgentCheck;
use attest::policy::{Glob, Requirement, SignerRule};
use attest::seam::{BoxFuture, ready};
use attest::verify::{Basket, EvidenceSource};
use attest::{Artifact, Digest, Endless, Given, Policy, PublicKey, Target, Timestamp, Verdict, check};
use std::error::Error;
use std::path::Path;

/// Bundles of a database, a message or a cache. What it hands over is not trusted: whatever it says is verified.
pub(crate) struct Kept(pub(crate) Vec<u8>);

impl EvidenceSource for Kept {
    fn place(&self) -> String {
        "kept".into()
    }

    fn gather<'a>(&'a self, _: &'a Artifact, basket: &'a Basket) -> BoxFuture<'a, ()> {
        for (rank, candidate) in candidates_of(Path::new("kept"), &self.0).into_iter().enumerate() {
            basket.put(rank, candidate);
        }
        ready(())
    }
}

/// Whether provenance by the holder of a key says that such an agent made the file.
pub(crate) async fn decide(
    file: &[u8],
    bundles: Vec<u8>,
    key: PublicKey,
    agent: &str,
    now: Timestamp,
) -> Result<Verdict, Box<dyn Error>> {
    let made_by = AgentCheck::default().id(Glob::parse(agent).ok_or("expected a pattern of agents")?);
    let required = Requirement::provenance().signer(SignerRule::key(key)).check(made_by);
    let policies = [Policy::named("in process").require(required)];
    let artifact = Artifact::new("the file", "file:", Digest::sha256(file));
    let target = Target { artifact, sources: vec![Box::new(Kept(bundles))], content: None, digests: None };
    Ok(check(target, Given::new(&policies, &[], now), &Endless).await.verdict)
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [file, bundle, key, agent] = arguments.as_slice() else { return Err("expected FILE BUNDLE KEY AGENT".into()) };
    let key = PublicKey::from_pem(&std::fs::read(key)?)?;
    let file = std::fs::read(file)?;
    let decided = decide(&file, std::fs::read(bundle)?, key, agent, chrono::Utc::now().into());
    println!("{:?}", tokio::runtime::Builder::new_current_thread().build()?.block_on(decided)?);
    Ok(())
}
