//! What programs are handed that act for us: helpers what a build step gets, signers what signing takes besides.

use crate::capture::Environment;
use crate::capture::secret::variables::{handed, is_handed};
use crate::programs::Launch;
use std::ffi::OsString;

/// Variables that sign, and that a program which signs is handed: for a key or token of its own.
const OF_SIGNERS: &[&str] = &["ATTEST_PASSWORD", "ATTEST_PKCS11_PIN"];

/// For programs that have no part in signing: credential helpers, a browser. Nothing that a build step is not handed.
#[must_use]
pub fn helpers(env: &Environment, keys: &[String]) -> Launch {
    Launch::new(env.search(), handed(env, keys, false))
}

/// For programs that sign or give the identity that signs: besides, what asks for identity tokens (a key management
/// service may want one), and `OF_SIGNERS`. docs/exec-signer.md names them.
#[must_use]
pub fn signers(env: &Environment) -> Launch {
    let is_for_signers = |name: &OsString| {
        let name = name.to_string_lossy();
        is_handed(&name, &[], true) || OF_SIGNERS.contains(&name.to_ascii_uppercase().as_str())
    };
    let variables = env.variables.iter().filter(|(name, _)| is_for_signers(name));
    Launch::new(env.search(), variables.map(|(n, v)| (n.clone(), v.clone())))
}
