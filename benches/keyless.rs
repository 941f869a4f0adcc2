#![expect(clippy::disallowed_methods, reason = "a benchmark: reads vectors, looks at the clock")]
#![expect(clippy::print_stdout, reason = "a benchmark: prints its figures")]
//! Verification of one keyless bundle in this process, trust material prepared once, on one core and on all, beside the
//! bare signature checks that such a bundle cannot be verified without.
//!
//! ```text
//! cargo bench --bench keyless
//! ```
//!
//! Bundles: one that the tests' own instance makes (Rekor v1, P-256 throughout), and where `../shared/vectors` is there,
//! one of the public-good instance (Rekor v1, its authority on P-384) and one of the staging instance (Rekor v2, so with a
//! timestamp). Every figure is measured in the same run, in turns, and the best turn counts, so that a busy machine hurts
//! all alike. The floor is as many checks by the same provider, with keys of the same kinds, of messages as long: who
//! certified the key, the certificate log, the transparency log's checkpoint and promise, the timestamp with its authority's
//! certificate, and the signature itself. What we take more is reading, the log's hashes, and checks done twice.
//!
//! Fails when a bundle takes more than 1 ms, or all cores together verify less than nine tenths of what the floor gains
//! from them.

use attest::model::{Artifact, Digest, Timestamp};
use attest::sign::LocalKey;
use attest::testing::{Holder, Instance};
use attest::trust::KeyAlgorithm::{self, EcdsaP256, EcdsaP384, Ed25519};
use attest::trust::{PublicKey, TrustMaterial, TrustedRoot};
use attest::verify::{Verifier, made_by};
use serde_json::{Value, json};
use std::path::Path;
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

/// Turns; the best of each figure counts.
const TURNS: usize = 15;
/// How long one figure of one turn is measured.
const TURN: Duration = Duration::from_millis(100);
/// Milliseconds that one bundle may take.
const AIM: f64 = 1.0;

struct Case {
    name: String,
    trust: TrustMaterial,
    evidence: Vec<u8>,
    artifact: Artifact,
    floor: Vec<(PublicKey, Vec<u8>, Vec<u8>)>,
}

impl Case {
    fn new(
        name: &str,
        roots: &[TrustedRoot],
        evidence: Vec<u8>,
        content: &[u8],
        floor: &[(KeyAlgorithm, usize)],
    ) -> Self {
        let floor = floor.iter().map(|(algorithm, length)| {
            let (key, message) = (LocalKey::generate(*algorithm).expect("a key"), vec![b'm'; *length]);
            let signature = key.sign_bytes(&message).expect("a signature");
            (key.public_key().clone(), message, signature)
        });
        Self {
            name: format!("{name}, {:.1} KiB", evidence.len() as f64 / 1024.0),
            trust: TrustMaterial::default().with_roots(roots),
            evidence,
            artifact: Artifact::new("artifact", "artifact", Digest::sha256(content)),
            floor: floor.collect(),
        }
    }

    fn verify(&self) {
        let now = Timestamp::from_unix(1_800_000_000).expect("a time");
        Verifier { trust: &self.trust, now }.verify(&self.evidence, &self.artifact).expect("verified");
    }

    fn check_signatures(&self) {
        assert!(self.floor.iter().all(|(key, message, signature)| made_by(key, message, signature)));
    }
}

fn main() -> ExitCode {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let (mut good, all) = (true, cases());
    println!("{cores} cores; microseconds per bundle, best of {TURNS} turns");
    for case in &all {
        let (mut ours, mut floor) = ([f64::MAX; 2], [f64::MAX; 2]);
        for _ in 0..TURNS {
            for (i, threads) in [1, cores].into_iter().enumerate() {
                ours[i] = ours[i].min(micros(threads, &|| case.verify()));
                floor[i] = floor[i].min(micros(threads, &|| case.check_signatures()));
            }
        }
        let gain = [ours, floor].map(|[one, all]| one / all);
        println!("{}", case.name);
        println!("  verified        {:>7.0}  on all cores {:>7.0}, {:.2} times as many", ours[0], ours[1], gain[0]);
        println!(
            "  floor           {:>7.0}  on all cores {:>7.0}, {:.2} times as many; {} signatures",
            floor[0],
            floor[1],
            gain[1],
            case.floor.len()
        );
        println!("  above the floor {:>7.0}  {:.2} times the floor", ours[0] - floor[0], ours[0] / floor[0]);
        good &= ours[0] <= AIM * 1000.0 && gain[0] >= gain[1] * 0.9;
    }
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Microseconds per run while so many threads run it.
fn micros(threads: usize, run: &(impl Fn() + Sync)) -> f64 {
    let begun = Instant::now();
    let runs = thread::scope(|scope| {
        let one = || {
            let mut runs = 0_u32;
            while begun.elapsed() < TURN {
                run();
                runs += 1;
            }
            runs
        };
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(one)).collect();
        running.into_iter().map(|t| t.join().expect("a thread")).sum::<u32>()
    });
    begun.elapsed().as_secs_f64() * 1e6 / f64::from(runs)
}

fn cases() -> Vec<Case> {
    let instance = Instance::new("acme", 1);
    let holder = Holder::new("https://ci.acme.example/main", "https://id.acme.example");
    let bundle = instance.sign(&holder, &statement(100)).to_string().into_bytes();
    let root = TrustedRoot::parse(instance.root().to_string().as_bytes(), "bench").expect("a root");
    let floor = [(EcdsaP256, 600), (EcdsaP256, 500), (EcdsaP256, 200), (EcdsaP256, 60), (EcdsaP256, 16_000)];
    let mut out = vec![Case::new("own instance, Rekor v1, 100 dependencies", &root, bundle, b"artifact", &floor)];

    let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/vectors/sigstore-conformance");
    let read = |name: &str| std::fs::read(vectors.join(name)).expect("a vector");
    if vectors.is_dir() {
        let roots = TrustedRoot::embedded();
        let bundle = read("happy-path-intoto-in-dsse-v3/bundle.sigstore.json");
        let floor = [(EcdsaP384, 1700), (EcdsaP256, 1600), (EcdsaP256, 1500), (EcdsaP256, 90), (EcdsaP256, 2000)];
        out.push(Case::new("public-good instance, Rekor v1", &roots, bundle, &read("a.txt"), &floor));

        let roots = TrustedRoot::parse(&read("rekor2-dsse-happy-path/trusted_root.json"), "vector").expect("a root");
        let bundle = read("rekor2-dsse-happy-path/bundle.sigstore.json");
        let stamp = [(EcdsaP384, 250), (EcdsaP384, 400)];
        let floor = [(EcdsaP384, 1700), (EcdsaP256, 1600), (Ed25519, 90), (EcdsaP256, 600)];
        out.push(Case::new(
            "staging instance, Rekor v2",
            &roots,
            bundle,
            &read("a.txt"),
            &[&floor[..], &stamp].concat(),
        ));
    } else {
        println!("not measured: bundles of other instances, as ../shared/vectors is not there");
    }
    out
}

fn statement(dependencies: usize) -> Vec<u8> {
    let dependency = |n: usize| -> Value {
        json!({ "uri": format!("pkg:cargo/crate-{n}@1.{n}.0"), "digest": { "sha256": Digest::sha256(&n.to_le_bytes()).hex() } })
    };
    let statement = json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{ "name": "artifact", "digest": { "sha256": Digest::sha256(b"artifact").hex() } }],
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {
            "buildDefinition": {
                "buildType": "https://ci.acme.example/build/v1",
                "externalParameters": { "task": "acme/app#7" },
                "resolvedDependencies": (0..dependencies).map(dependency).collect::<Vec<_>>(),
            },
            "runDetails": { "builder": { "id": "https://ci.acme.example/main" } },
        },
    });
    statement.to_string().into_bytes()
}
