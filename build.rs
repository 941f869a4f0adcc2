//! What `attest --version` says of a build: for which target it is, and of which commit where that is known. A commit is known
//! to whoever made sure that nothing else was built, and says so in `ATTEST_BUILD_COMMIT` (`release/build.sh`), and of a
//! package that cargo made of a commit. A checkout is not asked: what lies in it need not be what its commit has.
#![expect(clippy::disallowed_methods, reason = "reads what cargo and whoever builds hand over")]

use std::env;
use std::fs;
use std::path::Path;

/// What `cargo package` writes beside a package's files.
const PACKAGED: &str = ".cargo_vcs_info.json";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=ATTEST_BUILD_COMMIT");
    println!("cargo::rustc-env=ATTEST_TARGET={}", env::var("TARGET").unwrap_or_default());
    let given = env::var("ATTEST_BUILD_COMMIT").ok().filter(|commit| !commit.is_empty());
    if let Some(commit) = given.or_else(of_package) {
        let hex = commit.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f'));
        if !hex || !matches!(commit.len(), 40 | 64) {
            println!("cargo::error=ATTEST_BUILD_COMMIT: expected a commit in hexadecimal, found `{commit}`");
        }
        println!("cargo::rustc-env=ATTEST_COMMIT={commit}");
    }
}

/// The commit that a package was made of, unless files differed from it.
fn of_package() -> Option<String> {
    if !Path::new(PACKAGED).exists() {
        return None;
    }
    println!("cargo::rerun-if-changed={PACKAGED}");
    let text = fs::read_to_string(PACKAGED).ok()?;
    let commit = text.split("\"sha1\": \"").nth(1)?.split('"').next()?;
    (!text.contains("\"dirty\": true")).then(|| commit.to_owned())
}
