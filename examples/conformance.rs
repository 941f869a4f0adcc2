//! The client protocol of Sigstore's conformance suite (sigstore-conformance, docs/cli_protocol.md), on the library:
//! `conformance sign-bundle …` and `conformance verify-bundle …`.
//!
//! It says yes or no about a bundle; it makes no decision and applies no policy.
#![expect(clippy::print_stderr, reason = "an example: prints")]
#![expect(clippy::disallowed_methods, reason = "an example: reads files and the clock")]

use attest::model::Code;
use attest::sign::{IdentityToken, ServiceClient, Services};
use attest::verify::{Signer, message_signature, read_evidence};
use attest::{Artifact, Digest, PublicKey, Signing, Timestamp, TrustMaterial, TrustedRoot, Unsigned, Verifier};
use clap::{Args, Parser};
use std::fmt::{self, Display};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

/// How long each service may take.
const TIMEOUT: Duration = Duration::from_secs(60);

/// The protocol of Sigstore's conformance suite
#[derive(Parser)]
enum Command {
    SignBundle(SignBundle),
    VerifyBundle(VerifyBundle),
}

/// Sign one artifact as the identity of a token
#[derive(Args)]
struct SignBundle {
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
#[derive(Args)]
struct VerifyBundle {
    /// Trust Sigstore's staging instance
    #[arg(long)]
    staging: bool,
    /// The bundle
    #[arg(long, value_name = "FILE")]
    bundle: PathBuf,
    /// Identity that must have signed
    #[arg(long, value_name = "IDENTITY", requires = "certificate_oidc_issuer", required_unless_present = "key")]
    certificate_identity: Option<String>,
    /// Issuer of that identity
    #[arg(long, value_name = "URL", requires = "certificate_identity")]
    certificate_oidc_issuer: Option<String>,
    /// Key that must have signed
    #[arg(long, value_name = "FILE", conflicts_with = "certificate_identity")]
    key: Option<PathBuf>,
    /// Trusted root
    #[arg(long, value_name = "FILE")]
    trusted_root: Option<PathBuf>,
    /// A file, or sha256:DIGEST
    #[arg(value_name = "FILE|DIGEST")]
    artifact: String,
}

/// Why there is no yes.
#[derive(Debug)]
pub(crate) struct Refusal {
    /// 1 where the bundle is not what it should be, 2 where it was not looked at or not made.
    pub(crate) exit: u8,
    /// The library's code for it, or one of this program.
    code: String,
    message: String,
}

impl Refusal {
    fn new(exit: u8, code: impl Display, message: impl Display) -> Self {
        Self { exit, code: code.to_string(), message: message.to_string() }
    }

    fn no(code: Code, message: impl Display) -> Self {
        Self::new(1, code, message)
    }

    fn failed(code: Code, message: impl Display) -> Self {
        Self::new(2, code, message)
    }
}

impl Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error[{}]: {}", self.code, self.message)
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Refusal> {
    std::fs::read(path).map_err(|e| Refusal::new(2, "file-unreadable", format!("`{}`: {e}", path.display())))
}

fn roots(path: Option<&Path>, staging: bool) -> Result<Vec<TrustedRoot>, Refusal> {
    Ok(match (path, staging) {
        (Some(path), _) => {
            TrustedRoot::parse(&read(path)?, &path.display().to_string()).map_err(|e| Refusal::failed(e.code(), e))?
        }
        (None, true) => vec![TrustedRoot::staging()],
        (None, false) => TrustedRoot::embedded().into_iter().take(1).collect(),
    })
}

async fn sign(args: &SignBundle, now: &dyn Fn() -> Timestamp) -> Result<(), Refusal> {
    let failed = |e: attest::sign::SignError| Refusal::failed(e.code(), e);
    let services = match (&args.signing_config, args.staging) {
        (Some(path), _) => Services::from_config(&read(path)?, &format!("`{}`", path.display()), now()),
        (None, true) => Services::staging(now()),
        (None, false) => Services::public_good(now()),
    };
    let token = IdentityToken::parse(&args.identity_token, "of --identity-token").map_err(failed)?;
    token.check(now()).map_err(failed)?;
    let roots = roots(args.trusted_root.as_deref(), args.staging)?;
    let client = ServiceClient::new(TIMEOUT);
    let signing = Signing::keyless(token, &services.map_err(failed)?, &roots, client).map_err(failed)?;
    let content = read(&args.artifact)?;
    let bundle = match args.in_toto {
        true => {
            let statement = Unsigned::parse(content).map_err(|e| Refusal::failed(e.code(), e))?;
            signing.sign(&statement, now).await.map(|(bundle, _)| bundle)
        }
        false => signing.sign_message(&content, now).await,
    };
    let bundle = bundle.map_err(|e| Refusal::failed(e.code(), e))?;
    std::fs::write(&args.bundle, bundle)
        .map_err(|e| Refusal::new(2, "file-unwritable", format!("`{}`: {e}", args.bundle.display())))
}

/// A digest, unless there is a file of that name.
fn digest_of(artifact: &str) -> Option<Digest> {
    let is_digest = artifact.starts_with("sha256:") && !Path::new(artifact).exists();
    Digest::parse(artifact).ok().filter(|_| is_digest)
}

fn verify(args: &VerifyBundle, now: Timestamp) -> Result<(), Refusal> {
    let refused = |e: attest::verify::VerifyError| Refusal::no(e.code(), e);
    let key = args.key.as_deref().map(|path| {
        let pem = read(path)?;
        PublicKey::from_pem(&pem).map_err(|e| Refusal::failed(e.code(), e))
    });
    let mut trust = TrustMaterial::of_keys(key.transpose()?);
    trust.roots = roots(args.trusted_root.as_deref(), args.staging)?;
    let evidence = read(&args.bundle)?;
    let digest = digest_of(&args.artifact);
    let bytes = if digest.is_some() { Vec::new() } else { read(Path::new(&args.artifact))? };
    let signers = if read_evidence(&evidence).map_err(refused)?.envelope().is_some() {
        let digest = digest.unwrap_or_else(|| Digest::sha256(&bytes));
        let artifact = Artifact::new("artifact", "artifact", digest);
        Verifier::new(&trust, now).verify(&evidence, &artifact).map_err(refused)?.signers().to_vec()
    } else {
        let artifact = digest.as_ref().map_or(Ok(bytes.as_slice()), Err);
        vec![message_signature(&evidence, artifact, &trust, now).map_err(refused)?]
    };
    let is_wanted = |signer: &Signer| match signer {
        Signer::Key { .. } => args.key.is_some(),
        Signer::Certificate { identity, issuer, .. } => {
            Some(identity) == args.certificate_identity.as_ref()
                && Some(issuer) == args.certificate_oidc_issuer.as_ref()
        }
        _ => false,
    };
    if signers.iter().any(is_wanted) {
        return Ok(());
    }
    let found = signers.iter().map(Signer::describe).collect::<Vec<_>>().join(", ");
    Err(Refusal::new(1, "bundle-of-another-signer", format!("the bundle is signed by somebody else: {found}")))
}

/// Does what the arguments say, the program's name not among them.
pub(crate) fn run<'a>(
    arguments: impl IntoIterator<Item = &'a str>,
    now: &dyn Fn() -> Timestamp,
) -> Result<(), Refusal> {
    let command = Command::try_parse_from(std::iter::once("conformance").chain(arguments));
    match command.map_err(|e| Refusal::new(2, "usage", e))? {
        Command::SignBundle(args) => {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.map_err(|e| Refusal::new(2, "runtime", e))?.block_on(sign(&args, now))
        }
        Command::VerifyBundle(args) => verify(&args, now()),
    }
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(arguments.iter().map(String::as_str), &|| chrono::Utc::now().into()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(refusal) => {
            eprintln!("{refusal}");
            ExitCode::from(refusal.exit)
        }
    }
}
