#![expect(clippy::disallowed_methods, reason = "a benchmark: reads vectors, looks at the clock")]
#![expect(clippy::print_stdout, reason = "a benchmark: prints its figures")]
//! Verification of one keyless bundle in this process, trust material prepared once, on one core and on all, beside the
//! bare signature checks that such a bundle cannot be verified without.
//!
//! ```text
//! cargo bench --bench keyless               # or of some alone: -- "Rekor v2"
//! ```
//!
//! Bundles: one that the tests' own instance makes (Rekor v1, P-256 throughout), and where `../shared/vectors` is there,
//! one of the public-good instance (Rekor v1, its authority on P-384) and one of the staging instance (Rekor v2, so with a
//! timestamp). Every figure is measured in the same run, in short turns, and the best turn counts, so that a busy machine
//! hurts all alike; beside the time on the clock stands the time on the processor, where the system tells it. The floor is
//! as many checks by the same provider, with keys of the same kinds, of messages as long: who
//! certified the key, the certificate log, the transparency log's checkpoint and promise, the timestamp with its authority's
//! certificate, and the signature itself. What we take more is reading, the log's hashes, and checks done twice.
//!
//! Fails when a bundle takes more times its floor than its case says, or all cores together verify less than nine tenths of
//! what the floor gains from them. With Rekor v2 that is 1.5. With Rekor v1 the library checks two signatures more than the
//! floor has: that of the authority's own certificate, though the root is prepared once, and the log's promise twice.

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
const TURNS: usize = 200;
/// How long one figure of one turn is measured: short, so that some turns are not interrupted.
const TURN: Duration = Duration::from_millis(8);

struct Case {
    name: String,
    trust: TrustMaterial,
    evidence: Vec<u8>,
    artifact: Artifact,
    floor: Vec<(PublicKey, Vec<u8>, Vec<u8>)>,
    /// How many times its floor a bundle may take.
    most: f64,
}

impl Case {
    fn new(
        name: &str,
        roots: &[TrustedRoot],
        evidence: Vec<u8>,
        content: &[u8],
        floor: &[(KeyAlgorithm, usize)],
        most: f64,
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
            most,
        }
    }

    fn verify(&self) {
        let now = Timestamp::from_unix(1_800_000_000).expect("a time");
        Verifier::new(&self.trust, now).verify(&self.evidence, &self.artifact).expect("verified");
    }

    fn check_signatures(&self) {
        assert!(self.floor.iter().all(|(key, message, signature)| made_by(key, message, signature)));
    }
}

fn main() -> ExitCode {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let (mut good, mut all) = (true, cases());
    if let Some(wanted) = std::env::args().skip(1).find(|a| !a.starts_with('-')) {
        all.retain(|case| case.name.contains(&wanted));
    }
    println!("{cores} cores; microseconds per bundle, best of {TURNS} turns");
    println!("{:<42} {:>9} {:>9} {:>9} {:>9}", "", "one core", "processor", "all cores", "gain");
    for case in &all {
        let mut figures = [[Figure::NONE; 2]; 2];
        for _ in 0..TURNS {
            for (i, threads) in [1, cores].into_iter().enumerate() {
                figures[0][i] = figures[0][i].with(measure(threads, &|| case.verify()));
                figures[1][i] = figures[1][i].with(measure(threads, &|| case.check_signatures()));
            }
        }
        let gain = figures.map(|[one, all]| one.wall / all.wall);
        let floor = format!("  its {} signatures alone", case.floor.len());
        for ((name, [one, all]), gain) in [(case.name.as_str(), figures[0]), (&floor, figures[1])].into_iter().zip(gain)
        {
            println!("{name:<42} {:>9.0} {:>9.0} {:>9.0} {gain:>9.2}", one.wall, one.on_processor(), all.wall);
        }
        let [ours, floor] = figures.map(|[one, _]| one);
        println!(
            "{:<42} {:>9.2} {:>9.2}",
            "  ratio",
            ours.wall / floor.wall,
            ours.on_processor() / floor.on_processor()
        );
        good &= ours.wall <= floor.wall * case.most && gain[0] >= gain[1] * 0.9;
    }
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Microseconds per run: on the clock, of the best turn; and on the processor, of all turns.
#[derive(Clone, Copy)]
struct Figure {
    wall: f64,
    processor: f64,
    runs: u32,
}

impl Figure {
    const NONE: Self = Self { wall: f64::INFINITY, processor: 0.0, runs: 0 };

    fn with(self, turn: Self) -> Self {
        Self { wall: self.wall.min(turn.wall), processor: self.processor + turn.processor, runs: self.runs + turn.runs }
    }

    fn on_processor(self) -> f64 {
        self.processor / f64::from(self.runs)
    }
}

/// What one run takes while so many threads run it.
fn measure(threads: usize, run: &(impl Fn() + Sync)) -> Figure {
    let begun = Instant::now();
    let one = || {
        let (mut runs, before) = (0_u32, on_processor());
        while begun.elapsed() < TURN {
            run();
            runs += 1;
        }
        (runs, before.zip(on_processor()).map_or(f64::NAN, |(before, after)| after - before))
    };
    let done: Vec<_> = thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(one)).collect();
        running.into_iter().map(|t| t.join().expect("a thread")).collect()
    });
    let runs = done.iter().map(|(runs, _)| runs).sum();
    let wall = begun.elapsed().as_secs_f64() * 1e6 / f64::from(runs);
    Figure { wall, processor: done.iter().map(|(_, p)| p).sum(), runs }
}

/// Microseconds that this thread has been on a processor: the first figure of Linux's `schedstat`, which a yield brings up
/// to date.
fn on_processor() -> Option<f64> {
    thread::yield_now();
    let figures = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    Some(figures.split(' ').next()?.parse::<f64>().ok()? / 1000.0)
}

fn cases() -> Vec<Case> {
    let instance = Instance::new("acme", 1);
    let holder = Holder::new("https://ci.acme.example/main", "https://id.acme.example");
    let bundle = instance.sign(&holder, &statement(100)).to_string().into_bytes();
    let root = TrustedRoot::parse(instance.root().to_string().as_bytes(), "bench").expect("a root");
    let floor = [(EcdsaP256, 600), (EcdsaP256, 500), (EcdsaP256, 200), (EcdsaP256, 60), (EcdsaP256, 16_000)];
    let mut out = vec![Case::new("own instance, Rekor v1, 100 dependencies", &root, bundle, b"artifact", &floor, 3.0)];

    let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/vectors/sigstore-conformance");
    let read = |name: &str| std::fs::read(vectors.join(name)).expect("a vector");
    if vectors.is_dir() {
        let roots = TrustedRoot::embedded();
        let bundle = read("happy-path-intoto-in-dsse-v3/bundle.sigstore.json");
        let floor = [(EcdsaP384, 1700), (EcdsaP256, 1600), (EcdsaP256, 1500), (EcdsaP256, 90), (EcdsaP256, 2000)];
        out.push(Case::new("public-good instance, Rekor v1", &roots, bundle, &read("a.txt"), &floor, 2.0));

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
            1.5,
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
