//! `attest keygen`

use crate::cli::args::{Common, Format};
use crate::cli::ask::password;
use crate::cli::exit::{Exit, Failure, Outcome};
use crate::sign::{DEFAULT_PREFIX, KeygenError, LocalKey, SignError, write_key_pair};
use crate::trust::KeyAlgorithm;
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// Algorithms that keys are made for.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Algorithm {
    /// ECDSA on P-256.
    EcdsaP256,
    /// Ed25519.
    Ed25519,
}

/// Make a key pair for signing
///
/// Writes PREFIX.key (encrypted, in cosign's format) and PREFIX.pub. Never overwrites. The password comes from
/// ATTEST_PASSWORD or COSIGN_PASSWORD, or is asked for on a terminal.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  attest keygen
  ATTEST_PASSWORD=... attest keygen --output-key-prefix release --algorithm ed25519")]
pub struct KeygenArgs {
    /// Files to write: PREFIX.key and PREFIX.pub
    #[arg(long, value_name = "PREFIX", default_value = DEFAULT_PREFIX)]
    pub output_key_prefix: PathBuf,
    /// Algorithm
    #[arg(long, value_enum, default_value = "ecdsa-p256")]
    pub algorithm: Algorithm,
}

/// What `attest keygen --format json` prints.
#[derive(Debug, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct KeygenReport {
    /// Always 1 for this document.
    pub schema_version: u32,
    /// Path of the private key.
    pub private_key: String,
    /// Path of the public key.
    pub public_key: String,
    /// The key's id: sha256 of its SubjectPublicKeyInfo.
    pub key_id: String,
    /// Its algorithm.
    pub algorithm: String,
}

impl From<SignError> for Failure {
    fn from(e: SignError) -> Self {
        Self::of(e.code(), e.to_string())
    }
}

impl From<KeygenError> for Failure {
    fn from(e: KeygenError) -> Self {
        Self::of(e.code(), e.to_string())
    }
}

/// Runs the command.
///
/// # Errors
/// [`Failure`].
pub fn run(args: &KeygenArgs, common: &Common) -> Result<Outcome, Failure> {
    let name = format!("{}.key", args.output_key_prefix.display());
    let password = password::new_password(&name, common.patience())?.ok_or_else(|| {
        let message = format!("`{name}` is to be encrypted, and there is no password for it");
        Failure::usage(crate::sign::PASSWORD_NEEDED, message)
    })?;
    let algorithm = match args.algorithm {
        Algorithm::EcdsaP256 => KeyAlgorithm::EcdsaP256,
        Algorithm::Ed25519 => KeyAlgorithm::Ed25519,
    };
    let key = LocalKey::generate(algorithm)?;
    let files = write_key_pair(&args.output_key_prefix, &key, &password)?;
    let report = KeygenReport {
        schema_version: 1,
        private_key: files.private.display().to_string(),
        public_key: files.public.display().to_string(),
        key_id: key.public_key().id(),
        algorithm: key.public_key().algorithm().to_string(),
    };
    if common.format == Format::Json {
        return Ok(Outcome::json(&report, Exit::Done));
    }
    Ok(Outcome::told(format!(
        "private key: {}\npublic key:  {}\nkey id:      {} ({})\n",
        report.private_key, report.public_key, report.key_id, report.algorithm
    )))
}
