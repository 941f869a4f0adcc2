#![expect(clippy::disallowed_methods, reason = "a benchmark: makes files, starts sha256sum, looks at the clock")]
#![expect(clippy::print_stdout, reason = "a benchmark: prints its figures")]
//! SHA-256 of files as `create` and `verify` do it, on one core and on all, beside `sha256sum` and beside what the
//! cores can do at most.
//!
//! ```text
//! cargo bench --bench hash            # 8 files of 64 MiB in the temporary folder
//! cargo bench --bench hash -- 4 256   # files, MiB each
//! ```
//!
//! Every line is measured in the same run, in turns, and the best turn counts, so that a busy machine hurts all alike.
//! The limit is the two things that cannot be left out, done apart and as fast as they go: reading the files to nowhere,
//! and the same hasher over as many bytes of memory that stay in the cache; on one thread, and on one per core. The files
//! are in the page cache: this measures hashing, not disks. Fails when `ours, all cores` reaches less than 90 % of the
//! limit, which on a machine that does other things at the same time says little.

use attest::capture::input::files;
use sha2::{Digest as _, Sha256};
use std::hint::black_box;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

/// Turns; the best of each line counts.
const TURNS: usize = 7;
/// What the last line must reach of the limit.
const AIM: f64 = 0.9;

fn main() -> ExitCode {
    // `cargo bench` passes `--bench`.
    let numbers: Vec<usize> = std::env::args().filter_map(|a| a.parse().ok()).collect();
    let count = numbers.first().copied().unwrap_or(8);
    let mib = numbers.get(1).copied().unwrap_or(64);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let total = count * mib;

    let folder = tempfile::tempdir().expect("a temporary folder");
    let paths: Vec<PathBuf> = (0..count).map(|n| folder.path().join(n.to_string())).collect();
    for (n, path) in paths.iter().enumerate() {
        std::fs::write(path, vec![n as u8; mib << 20]).expect("a file");
    }
    let quiet = |_: u64| ();

    let list = list(&paths, folder.path());
    let processes = cores.to_string();
    let apart = |paths: &[PathBuf]| {
        paths.iter().for_each(|p| read(p));
        memory(paths.len() * mib);
    };
    let lines: [(&str, &dyn Fn()); 7] = [
        ("hashing alone, one core", &|| memory(total)),
        ("limit, one core", &|| apart(&paths)),
        ("ours, one core", &|| paths.iter().for_each(|p| drop(black_box(files::sha256(p, &quiet).expect("a digest"))))),
        ("sha256sum, one process", &|| run(Command::new("sha256sum").args(&paths))),
        ("limit, all cores", &|| {
            std::thread::scope(|scope| {
                for part in paths.chunks(count.div_ceil(cores)) {
                    scope.spawn(|| apart(part));
                }
            });
        }),
        ("ours, all cores", &|| drop(black_box(files::sha256_all(&paths, &quiet).expect("digests")))),
        ("sha256sum, one process per core", &|| {
            run(Command::new("xargs").args(["-P", &processes, "-n", "1", "-a"]).arg(&list).arg("sha256sum"));
        }),
    ];
    let mut best = [f64::MAX; 7];
    for _ in 0..TURNS {
        for (best, (_, work)) in best.iter_mut().zip(&lines) {
            let begun = Instant::now();
            work();
            *best = best.min(begun.elapsed().as_secs_f64());
        }
    }

    println!("{count} files of {mib} MiB, {cores} cores, best of {TURNS}");
    for ((name, _), seconds) in lines.iter().zip(best) {
        println!("{name:32} {:8.0} MiB/s", total as f64 / seconds);
    }
    let (one, all) = (best[1] / best[2], best[4] / best[5]);
    println!("of the limit: {:.0} % on one core, {:.0} % on all", one * 100.0, all * 100.0);
    println!("sha256sum takes {:.2} and {:.2} times as long", best[3] / best[2], best[6] / best[5]);
    if all < AIM {
        println!("below the aim of {:.0} %", AIM * 100.0);
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

/// Reads a file to nowhere.
fn read(path: &Path) {
    let mut file = std::fs::File::open(path).expect("a file");
    let mut buffer = vec![0; 1 << 20];
    while file.read(&mut buffer).expect("bytes") > 0 {
        black_box(&buffer);
    }
}

/// Hashes `mib` MiB of memory that stays in the cache.
fn memory(mib: usize) {
    let block = vec![1; 256 << 10];
    let mut hasher = Sha256::new();
    (0..mib * 4).for_each(|_| hasher.update(black_box(&block)));
    black_box(hasher.finalize());
}

/// The paths, one a line, in a file.
fn list(paths: &[PathBuf], folder: &Path) -> PathBuf {
    let text: String = paths.iter().map(|p| format!("{}\n", p.display())).collect();
    let list = folder.join("list");
    std::fs::write(&list, text).expect("a list");
    list
}

fn run(command: &mut Command) {
    let status = command.stdout(Stdio::null()).status().expect("Debian's coreutils and findutils");
    assert!(status.success());
}
