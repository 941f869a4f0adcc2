//! `attest conformance`: the client protocol of Sigstore's conformance suite (sigstore-conformance, docs/cli_protocol.md).
//!
//! It says yes or no about a bundle; it makes no decision and applies no policy.

use crate::cli::exit::{Failure, Outcome, codes};
use crate::cli::{Ui, files, keys};
use crate::model::{Artifact, Code, Digest, limits};
use crate::trust::{TrustMaterial, TrustedRoot};
use crate::verify::{Signer, Verifier, VerifyError, message_signature, read_evidence};
use clap::{Args, Subcommand};
use std::path::{Path, PathBuf};

/// Speak the protocol of Sigstore's conformance suite
#[derive(Clone, Debug, Args)]
pub struct ConformanceArgs {
    #[command(subcommand)]
    command: ConformanceCommand,
}

#[derive(Clone, Debug, Subcommand)]
enum ConformanceCommand {
    VerifyBundle(VerifyBundleArgs),
}

/// Verify one bundle for one artifact
#[derive(Clone, Debug, Args)]
struct VerifyBundleArgs {
    /// Trust Sigstore's staging instance
    #[arg(long)]
    staging: bool,
    /// The bundle
    #[arg(long, value_name = "FILE")]
    bundle: PathBuf,
    /// Identity that must have signed
    #[arg(long, value_name = "IDENTITY", requires = "certificate_oidc_issuer")]
    certificate_identity: Option<String>,
    /// Issuer of that identity
    #[arg(long, value_name = "URL", requires = "certificate_identity")]
    certificate_oidc_issuer: Option<String>,
    /// Key that must have signed
    #[arg(long, value_name = "FILE", conflicts_with = "certificate_identity")]
    key: Option<String>,
    /// Trusted root
    #[arg(long, value_name = "FILE")]
    trusted_root: Option<PathBuf>,
    /// A file, or sha256:DIGEST
    #[arg(value_name = "FILE|DIGEST")]
    artifact: String,
}

const SIGNER: Code = Code::new("bundle-of-another-signer");
/// Codes of this file.
pub const CODES: &[Code] = &[SIGNER];

/// Runs the command.
///
/// # Errors
/// [`Failure`]: exit 1 where the bundle does not verify.
pub fn run(args: &ConformanceArgs, ui: &Ui) -> Result<Outcome, Failure> {
    let ConformanceCommand::VerifyBundle(args) = &args.command;
    let refused = |e: &VerifyError| Failure::no(e.code(), e.to_string());
    let mut trust = TrustMaterial::of_keys(args.key.as_deref().map(keys::public_key).transpose()?);
    if trust.keys.is_empty() && args.certificate_identity.is_none() {
        return Err(Failure::usage(codes::USAGE, "expected --certificate-identity and its issuer, or --key"));
    }
    trust.roots = match (&args.trusted_root, args.staging) {
        (Some(path), _) => TrustedRoot::parse(&files::read(path, limits::ROOT_BYTES)?, &path.display().to_string())
            .map_err(|e| Failure::usage(e.code(), e.to_string()))?,
        (None, true) => vec![TrustedRoot::staging()],
        (None, false) => TrustedRoot::embedded().into_iter().take(1).collect(),
    };
    let evidence = files::read(&args.bundle, limits::BUNDLE_BYTES)?;
    let digest = Digest::parse(&args.artifact).ok();
    let bytes = match digest {
        Some(_) => Vec::new(),
        None => files::read(Path::new(&args.artifact), limits::BUNDLE_BYTES)?,
    };
    let bundle = read_evidence(&evidence).map_err(|e| refused(&e))?;
    let signers = if bundle.envelope().is_some() {
        let artifact = match &digest {
            Some(d) => Some(Artifact::new("artifact", "artifact", d.clone())),
            None => Artifact::new("artifact", "artifact", Digest::sha256(&bytes)).with_bytes(&bytes),
        };
        let artifact = artifact.ok_or_else(|| Failure::unknown(codes::USAGE, "the artifact cannot be hashed"))?;
        let verified = Verifier { trust: &trust, now: ui.now }.verify(&evidence, &artifact).map_err(|e| refused(&e))?;
        verified.signers().to_vec()
    } else {
        let artifact = digest.as_ref().map_or(Ok(bytes.as_slice()), Err);
        vec![message_signature(&evidence, artifact, &trust, ui.now).map_err(|e| refused(&e))?]
    };
    let wanted = signers.iter().any(|s| match s {
        Signer::Key { .. } => args.key.is_some(),
        Signer::Certificate { identity, issuer, .. } => {
            Some(identity) == args.certificate_identity.as_ref()
                && Some(issuer) == args.certificate_oidc_issuer.as_ref()
        }
    });
    if !wanted {
        let found = signers.iter().map(Signer::describe).collect::<Vec<_>>().join(", ");
        let message = format!("the bundle is signed by somebody else: {found}");
        return Err(Failure::no(SIGNER, message));
    }
    Ok(Outcome::done(Vec::new()))
}
