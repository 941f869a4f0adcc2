#![expect(clippy::disallowed_methods, reason = "a test: looks at the clock and at fuzz/")]
//! No reader of untrusted bytes panics, hangs or breaks its property, whatever it is given.
//!
//! Mutates good input with a generator whose seed is fixed, so a failure is the same on every machine and the message
//! holds the bytes. `fuzz/` goes further, with coverage.

use attest::testing::fuzz::READERS;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

/// Mutated inputs per reader.
const ROUNDS: u64 = 5000;
/// What one input may take: generous for a busy machine, far from what a loop without a limit takes.
const PATIENCE: Duration = Duration::from_secs(5);

/// What often means something to a reader.
const TOKENS: &[&[u8]] = &[
    b"\"",
    b"\\",
    b"{",
    b"}",
    b"[",
    b"]",
    b":",
    b",",
    b"null",
    b"-1",
    b"1e999",
    b"18446744073709551616",
    b"\\u0000",
    b"\\ud800",
    b"\x00",
    b"\xff",
    b"\xe2\x80\xae",
    b"\n",
    b"\r\n",
    b"\t",
    b"-----BEGIN ",
    b"-----END ",
    b"=",
    b"sha256",
    b"@",
    b"/",
    b"..",
    b"*",
    b"**",
    b"&a ",
    b"*a",
    b"!!binary ",
    b"<<: ",
    b"---\n",
    b"|\n",
    b"\x30\x84\xff\xff\xff\xff",
];

/// Xorshift (Marsaglia, 2003): small, and the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }
}

fn mutate(random: &mut Random, seeds: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = seeds[random.below(seeds.len())].clone();
    for _ in 0..=random.below(4) {
        let at = random.below(bytes.len() + 1);
        let end = (at + random.below(40)).min(bytes.len());
        match random.below(8) {
            0 if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
            1 if at < bytes.len() => bytes[at] = random.next() as u8,
            2 => drop(bytes.drain(at..end)),
            3 => bytes.truncate(at),
            4 => {
                let part = bytes[at..end].to_vec();
                let to = random.below(bytes.len() + 1);
                bytes.splice(to..to, part);
            }
            5 => {
                let other = &seeds[random.below(seeds.len())];
                let from = random.below(other.len());
                bytes.splice(at..end, other[from..].iter().copied().take(60));
            }
            6 => {
                let token = TOKENS[random.below(TOKENS.len())];
                bytes.splice(at..at, token.repeat(1 + random.below(3) * random.below(50)));
            }
            _ => {
                bytes.splice(at..end, TOKENS[random.below(TOKENS.len())].iter().copied());
            }
        }
    }
    bytes
}

#[test]
fn no_reader_of_untrusted_bytes_panics_hangs_or_breaks_its_property() {
    for reader in READERS {
        let seeds = (reader.seeds)();
        for seed in &seeds {
            assert!((reader.read)(seed), "{}: good input is refused: {}", reader.name, String::from_utf8_lossy(seed));
        }
        let mut random = Random(0x9e37_79b9_7f4a_7c15);
        let mut refused = 0;
        // Each of these is two whole commands.
        let rounds = if reader.name == "run" { ROUNDS / 20 } else { ROUNDS };
        for round in 0..rounds {
            let bytes = mutate(&mut random, &seeds);
            let begun = Instant::now();
            let result = catch_unwind(AssertUnwindSafe(|| (reader.read)(&bytes)));
            let shown = || format!("{} round {round}: {:?}", reader.name, String::from_utf8_lossy(&bytes));
            let accepted = result.unwrap_or_else(|_| panic!("{}", shown()));
            assert!(begun.elapsed() < PATIENCE, "{:?} for {}", begun.elapsed(), shown());
            refused += u64::from(!accepted);
        }
        // Mutations that never hurt would test nothing.
        assert!(refused > rounds / 10, "{}: only {refused} of {rounds} were refused", reader.name);
    }
}

#[test]
fn bytes_without_any_form_are_refused() {
    let mut random = Random(1);
    for reader in READERS {
        // An empty Cargo.lock is one without packages; for the others it is nothing. None may panic.
        let empty = (reader.read)(b"");
        assert!(!empty || reader.name == "lock_cargo", "{} takes nothing at all", reader.name);
        for _ in 0..200 {
            let bytes: Vec<u8> = (0..64 + random.below(300)).map(|_| random.next() as u8).collect();
            assert!(!(reader.read)(&bytes), "{} takes noise", reader.name);
        }
    }
}

#[test]
fn every_reader_has_its_fuzz_target() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    let manifest = std::fs::read_to_string(root.join("Cargo.toml")).expect("fuzz/Cargo.toml");
    for reader in READERS {
        let path = format!("fuzz_targets/{}.rs", reader.name);
        assert!(manifest.contains(&format!("path = \"{path}\"")), "fuzz/Cargo.toml lacks a [[bin]] of {path}");
        let source = std::fs::read_to_string(root.join(&path)).expect("the fuzz target");
        assert!(source.contains(&format!("run(\"{}\"", reader.name)), "{path} runs another reader");
    }
    let targets = std::fs::read_dir(root.join("fuzz_targets")).expect("fuzz/fuzz_targets").count();
    assert_eq!(targets, READERS.len(), "fuzz/fuzz_targets has a target without a reader");
}
