//! `attest sign`

use crate::cli::args::Common;
use crate::cli::exit::{Failure, Outcome, codes};
use crate::cli::{Ui, files, keys};
use crate::flow::{self, PublishError};
use crate::model::{Artifact, Statement, Timestamp, limits};
use crate::sign::Signer;
use crate::trust::PublicKey;
use clap::Args;
use std::path::PathBuf;

/// Sign a statement of any predicate type: to a Sigstore bundle
///
/// The statement's bytes are signed as they are. A statement that `attest verify` would refuse to read is not signed.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  attest sign statement.json --key attest.key --output statement.sigstore.json
  attest generate app.tar.gz | attest sign - --key attest.key > app.tar.gz.sigstore.json")]
pub struct SignArgs {
    /// in-toto statement, JSON; - for standard input
    #[arg(value_name = "STATEMENT")]
    pub statement: PathBuf,
    #[command(flatten)]
    signing: SigningArgs,
    /// Where to write the bundle [default: standard output]
    #[arg(long, value_name = "FILE", help_heading = "Where it goes")]
    pub output: Option<PathBuf>,
}

/// How to sign.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "How to sign")]
pub struct SigningArgs {
    /// What signs: the PEM file of a private key, env:VARIABLE, pkcs11:URI, or exec:PROGRAM
    #[arg(long, value_name = "REF")]
    pub key: Option<String>,
}

impl From<PublishError> for Failure {
    fn from(e: PublishError) -> Self {
        match e {
            PublishError::Sign(e) => e.into(),
            PublishError::Registry(e) => e.into(),
            PublishError::Statement(_) => Self::usage(e.code(), e.to_string()),
            PublishError::Bundle(_) | PublishError::OwnBundle(_) => Self::no(e.code(), e.to_string()),
            _ => Self::unknown(e.code(), e.to_string()),
        }
    }
}

impl SigningArgs {
    /// The key's reference.
    ///
    /// # Errors
    /// Exit 2 says the ways to sign and what each lacks here.
    pub fn reference(&self) -> Result<&str, Failure> {
        self.key.as_deref().ok_or_else(|| {
            let mut failure = Failure::usage(codes::NO_SIGNER, "there is nothing to sign with: no --key was given");
            failure.detail = "ways to sign:\n  a key: `attest keygen`, then --key attest.key\n  the ambient identity of a CI system: not in this version\n  a person's identity, by browser: not in this version\n".into();
            failure
        })
    }

    /// Opens the key.
    ///
    /// # Errors
    /// [`Failure`].
    pub fn open(&self, ui: &Ui) -> Result<(Box<dyn Signer>, PublicKey), Failure> {
        let opened = keys::open_signer(self.reference()?)?;
        if opened.file.as_ref().is_some_and(|f| f.readable_by_others) {
            ui.note("others on this machine can read the private key's file: chmod 600 it");
        }
        match opened.public_key {
            Some(key) => Ok((opened.signer, key)),
            None => Err(Failure::usage(codes::NOT_SUPPORTED, "this version signs with keys only")),
        }
    }
}

/// Signs a statement and verifies the result as a stranger would.
///
/// # Errors
/// [`Failure`].
pub async fn sign_and_check(
    statement: Vec<u8>,
    signer: &dyn Signer,
    key: &PublicKey,
    now: Timestamp,
) -> Result<Vec<u8>, Failure> {
    let parsed = Statement::parse(&statement).map_err(PublishError::Statement)?;
    let about: Vec<_> = parsed
        .subjects()
        .iter()
        .filter_map(|s| {
            let digest = s.digest().strong().next()?;
            let mut artifact = Artifact::new("own", "own", digest);
            for d in s.digest().strong() {
                artifact.digests = artifact.digests.with(&d)?;
            }
            Some(artifact)
        })
        .collect();
    if about.is_empty() {
        let message =
            "no subject of the statement has a sha256, sha384 or sha512 digest, so nothing could be verified with it";
        return Err(Failure::usage(crate::model::Code::new("statement-refused"), message));
    }
    let (bundle, _) = flow::sign(statement, signer, &[]).await?;
    let bytes = bundle.to_bytes();
    flow::verify_own(&bytes, &about, key, now)?;
    Ok(bytes)
}

/// Runs the command.
///
/// # Errors
/// [`Failure`].
pub async fn run(args: &SignArgs, _common: &Common, ui: &Ui) -> Result<Outcome, Failure> {
    args.signing.reference()?;
    let statement = files::read(&args.statement, limits::STATEMENT_BYTES)?;
    let (signer, key) = args.signing.open(ui)?;
    let mut bundle = sign_and_check(statement, signer.as_ref(), &key, ui.now).await?;
    bundle.push(b'\n');
    match &args.output {
        Some(path) => {
            files::replace(path, &bundle)?;
            ui.note(&format!("wrote {}", path.display()));
            Ok(Outcome::done(Vec::new()))
        }
        None => Ok(Outcome::done(bundle)),
    }
}
