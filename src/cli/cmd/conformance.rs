//! `attest conformance`: the client protocol of Sigstore's conformance suite (sigstore-conformance, docs/cli_protocol.md).
//!
//! It says yes or no about a bundle; it makes no decision and applies no policy.

use crate::cli::Ui;
use crate::cli::args::Common;
use crate::cli::args::signing::Method;
use crate::cli::exit::{Failure, Outcome, codes};
use crate::flow::Unsigned;
use crate::model::code::codes;
use crate::model::{Artifact, Digest, limits};
use crate::places::{self, files};
use crate::sign::Services;
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
    SignBundle(SignBundleArgs),
    VerifyBundle(VerifyBundleArgs),
}

/// Sign one artifact as the identity of a token
#[derive(Clone, Debug, Args)]
struct SignBundleArgs {
    /// Use Sigstore's staging instance
    #[arg(long)]
    staging: bool,
    /// The artifact is an in-toto statement: sign it as one
    #[arg(long)]
    in_toto: bool,
    /// The token
    #[arg(long, value_name = "TOKEN")]
    identity_token: String,
    /// Where to write the bundle
    #[arg(long, value_name = "FILE")]
    bundle: PathBuf,
    /// Trusted root that the bundle is verified with before it is written
    #[arg(long, value_name = "FILE")]
    trusted_root: Option<PathBuf>,
    /// Services to use
    #[arg(long, value_name = "FILE")]
    signing_config: Option<PathBuf>,
    /// The artifact
    #[arg(value_name = "FILE")]
    artifact: PathBuf,
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

codes! {
    /// Codes of this file.
    pub CODES;
    SIGNER = "bundle-of-another-signer", [Producer],
        "the bundle verifies, and another identity signed it (`attest conformance`)",
        "the message shows who signed; the expected identity is part of the test case";
}

/// Runs the command.
///
/// # Errors
/// [`Failure`]: exit 1 where the bundle does not verify.
pub async fn run(args: &ConformanceArgs, common: &Common, ui: &Ui) -> Result<Outcome, Failure> {
    match &args.command {
        ConformanceCommand::SignBundle(args) => sign(args, common, ui).await,
        ConformanceCommand::VerifyBundle(args) => verify(args, ui),
    }
}

async fn sign(args: &SignBundleArgs, common: &Common, ui: &Ui) -> Result<Outcome, Failure> {
    let services = match (&args.signing_config, args.staging) {
        (Some(path), _) => {
            let bytes = files::read(path, limits::SIGNING_CONFIG_BYTES)?;
            Services::from_config(&bytes, &format!("`{}`", path.display()), ui.now)?
        }
        (None, true) => Services::staging(ui.now)?,
        (None, false) => Services::public_good(ui.now)?,
    };
    let roots = roots(args.trusted_root.as_deref(), args.staging)?;
    let content = files::read(&args.artifact, limits::BUNDLE_BYTES)?;
    let signing = Method::identity(&args.identity_token, services, roots)?.open(common, ui).await?;
    let bundle = match args.in_toto {
        true => signing.sign(&Unsigned::parse(content)?, &crate::cli::now).await?.0,
        false => signing.sign_message(&content, &crate::cli::now).await?,
    };
    files::replace(&args.bundle, &bundle)?;
    Ok(Outcome::done(Vec::new()))
}

fn roots(path: Option<&Path>, staging: bool) -> Result<Vec<TrustedRoot>, Failure> {
    Ok(match (path, staging) {
        (Some(path), _) => TrustedRoot::parse(&files::read(path, limits::ROOT_BYTES)?, &path.display().to_string())
            .map_err(|e| Failure::usage(e.code(), e.to_string()))?,
        (None, true) => vec![TrustedRoot::staging()],
        (None, false) => TrustedRoot::embedded().into_iter().take(1).collect(),
    })
}

/// A digest, unless there is a file of that name.
fn digest_of(artifact: &str) -> Result<Option<Digest>, Failure> {
    let digest = Digest::parse(artifact).ok().filter(|_| artifact.starts_with("sha256:"));
    Ok(if files::exists(Path::new(artifact))? { None } else { digest })
}

fn verify(args: &VerifyBundleArgs, ui: &Ui) -> Result<Outcome, Failure> {
    let refused = |e: &VerifyError| Failure::no(e.code(), e.to_string());
    let mut trust = TrustMaterial::of_keys(args.key.as_deref().map(places::public_key).transpose()?);
    if trust.keys.is_empty() && args.certificate_identity.is_none() {
        return Err(Failure::usage(codes::USAGE, "expected --certificate-identity and its issuer, or --key"));
    }
    trust.roots = roots(args.trusted_root.as_deref(), args.staging)?;
    let evidence = files::read(&args.bundle, limits::BUNDLE_BYTES)?;
    let digest = digest_of(&args.artifact)?;
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
        let verified = Verifier::new(&trust, ui.now).verify(&evidence, &artifact).map_err(|e| refused(&e))?;
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
