#![expect(clippy::disallowed_methods, reason = "a benchmark: looks at the clock")]
#![expect(clippy::print_stdout, reason = "a benchmark: prints its figures")]
//! A decision on 1,000 keyless candidates: all of them on all cores, beside the same verifications one after another; and
//! what a deadline of a quarter of that time leaves.
//!
//! ```text
//! cargo bench --bench candidates
//! ```
//!
//! Fails when all cores gain less than 1.7, where there are two or more, or when the deadline is passed by more than
//! 100 ms. Each figure is the median of several turns of the same run, as other programs may be at work, too.

use attest::model::{Artifact, Digest, Timestamp};
use attest::places::Until;
use attest::policy::{Policy, Verdict};
use attest::testing::{Holder, Instance};
use attest::trust::{TrustMaterial, TrustedRoot};
use attest::verify::Verifier;
use attest::{FileEvidence, Given, Target, check};
use serde_json::json;
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

const CANDIDATES: usize = 1000;
const TURNS: usize = 5;
const WHO: &str = "https://ci.acme.example/main";
const ISSUER: &str = "https://id.acme.example";

fn main() -> ExitCode {
    let instance = Instance::new("acme", 1);
    let (holder, digest) = (Holder::new(WHO, ISSUER), Digest::sha256(b"artifact"));
    let bundles: Vec<_> = (0..CANDIDATES).map(|n| instance.sign(&holder, &statement(&digest, n)).to_string()).collect();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("bundles.jsonl");
    std::fs::write(&path, bundles.join("\n")).expect("written");
    let roots = TrustedRoot::parse(instance.root().to_string().as_bytes(), "bench").expect("a root");
    let trust = TrustMaterial::default().with_roots(&roots);
    // Demands a signer that none of them has, so that each is looked at.
    let policies = [policy()];
    let now = Timestamp::from_unix(1_800_000_000).expect("a time");
    let artifact = Artifact::new("artifact", "artifact", digest);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let decide = |given: Duration| {
        let begun = Instant::now();
        let target = Target::with_files(artifact.clone(), [FileEvidence::new(&path)]);
        let decision = runtime.block_on(check(target, Given::new(&policies, &roots, now), &Until::within(given)));
        (begun.elapsed(), decision.verdict)
    };
    let one_by_one = || {
        let begun = Instant::now();
        for bundle in &bundles {
            Verifier::new(&trust, now).verify(bundle.as_bytes(), &artifact).expect("verified");
        }
        begun.elapsed()
    };
    let (mut alone, mut all, mut late) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..TURNS {
        alone.push(one_by_one());
        let (took, verdict) = decide(Duration::from_secs(600));
        assert_eq!(verdict, Verdict::Deny);
        all.push(took);
        let given = took / 4;
        let (took, verdict) = decide(given);
        assert_eq!(verdict, Verdict::Unavailable, "what was left could have made the difference");
        late.push(took.saturating_sub(given));
    }
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let [alone, all] = [alone, all].map(median);
    let worst = late.iter().max().copied().unwrap_or_default();
    let gain = alone.as_secs_f64() / all.as_secs_f64();
    println!("{CANDIDATES} candidates, {cores} cores, median of {TURNS}");
    println!("  one after another   {:>7.0} ms", alone.as_secs_f64() * 1e3);
    println!("  a decision on all   {:>7.0} ms, gathering included: {gain:.2} times as fast", all.as_secs_f64() * 1e3);
    println!("  after its deadline  {:>7.0} ms at most", worst.as_secs_f64() * 1e3);
    let good = (cores < 2 || gain >= 1.7) && worst <= Duration::from_millis(100);
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn median(mut all: Vec<Duration>) -> Duration {
    all.sort_unstable();
    all[all.len() / 2]
}

fn policy() -> Policy {
    let text = format!(
        "{{apiVersion: agent-attest.github.io/v1, kind: AttestationPolicy, metadata: {{name: t}}, spec: {{images: [{{glob: '**'}}], \
         require: [{{signers: [{{identity: 'https://other.example/main', issuer: '{ISSUER}'}}]}}]}}}}"
    );
    attest::policy::parse(&text, "bench", &|_| Err(String::new())).expect("a policy")
}

fn statement(digest: &Digest, n: usize) -> Vec<u8> {
    let predicate = json!({
        "buildDefinition": { "buildType": "https://ci.acme.example/build/v1", "externalParameters": { "run": n } },
        "runDetails": { "builder": { "id": WHO } },
    });
    let statement = json!({ "_type": "https://in-toto.io/Statement/v1", "predicateType": "https://slsa.dev/provenance/v1",
        "subject": [{ "name": "artifact", "digest": { "sha256": digest.hex() } }], "predicate": predicate });
    statement.to_string().into_bytes()
}
