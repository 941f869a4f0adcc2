#![expect(clippy::disallowed_methods, reason = "a benchmark: makes a checkout, looks at the clock")]
#![expect(clippy::print_stdout, reason = "a benchmark: prints its figures")]
//! The whole route of `create` on a small checkout, for one file and for 1,024 of them, in turns of the same run.
//!
//! ```text
//! cargo bench --bench create
//! ```
//!
//! Fails when 1,024 subjects take twice as long as one, by the medians.

use attest::LocalKey;
use attest::capture::Environment;
use attest::trust::KeyAlgorithm;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::time::{Duration, Instant};

#[path = "../examples/capture_and_sign.rs"]
#[allow(dead_code, unfulfilled_lint_expectations, reason = "its main is not called")]
mod capture_and_sign;

const TURNS: usize = 15;
const MANY: usize = 1024;

fn main() -> ExitCode {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path().canonicalize().expect("its path");
    git(&root, &["init", "-q", "-b", "main"]);
    std::fs::create_dir(root.join("out")).expect("a folder");
    std::fs::write(root.join(".gitignore"), "out/\n*.jsonl\n*.json\n").expect("written");
    for n in 0..MANY {
        std::fs::write(root.join(format!("out/{n}")), format!("{n}\n")).expect("written");
    }
    git(&root, &["add", "."]);
    git(&root, &["-c", "user.name=A", "-c", "user.email=a@a.example", "commit", "-q", "-m", "one"]);
    std::env::set_current_dir(&root).expect("the folder");
    let env = Environment::from_process().expect("the surroundings");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let create = |count: usize| {
        let files: Vec<_> = (0..count).map(|n| format!("out/{n}")).collect();
        // What an earlier turn attached is not there to be read and added to.
        for name in ["out/attest.sigstore.jsonl", "out/0.sigstore.json"] {
            let _ = std::fs::remove_file(root.join(name));
        }
        let key = Arc::new(LocalKey::generate(KeyAlgorithm::EcdsaP256).expect("a key"));
        let build = capture_and_sign::Build { env: &env, files: &files, key, now: chrono::Utc::now().into() };
        let begun = Instant::now();
        let made = runtime.block_on(capture_and_sign::attest(&build, "squad/builder")).expect("made");
        assert!(made.failed.is_none() && made.output.is_some());
        begun.elapsed()
    };
    let (mut one, mut many) = (Vec::new(), Vec::new());
    for _ in 0..TURNS {
        one.push(create(1));
        many.push(create(MANY));
    }
    let [one, many] = [one, many].map(median);
    let ratio = many.as_secs_f64() / one.as_secs_f64();
    println!("create, median of {TURNS}");
    println!("  one subject    {:>7.1} ms", one.as_secs_f64() * 1e3);
    println!("  {MANY} subjects  {:>7.1} ms: {ratio:.2} times one", many.as_secs_f64() * 1e3);
    if ratio < 2.0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn median(mut all: Vec<Duration>) -> Duration {
    all.sort_unstable();
    all[all.len() / 2]
}

fn git(folder: &Path, arguments: &[&str]) {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut command = Command::new("git");
    command.args(arguments).current_dir(folder).env_clear().env("PATH", path).env("GIT_CONFIG_NOSYSTEM", "1");
    assert!(command.status().expect("git").success(), "git {arguments:?}");
}
