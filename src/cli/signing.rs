//! What `create`, `sign` and `flush` share: the flags of signing, an open signer, a bundle that verifies.

use super::exit::{Failure, codes};
use super::{Ui, keys};
use crate::flow::{self, OutboxError, PublishError};
use crate::model::{Artifact, Statement, Timestamp};
use crate::sign::Signer;
use crate::trust::PublicKey;
use clap::Args;

/// How to sign.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "How to sign")]
pub(super) struct SigningArgs {
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

impl From<OutboxError> for Failure {
    fn from(e: OutboxError) -> Self {
        match e {
            OutboxError::ContextChanged { .. } => Self::no(e.code(), e.to_string()),
            OutboxError::Locked { .. } | OutboxError::Damaged { .. } => Self::unknown(e.code(), e.to_string()),
            _ => Self::usage(e.code(), e.to_string()),
        }
    }
}

/// A signer that is open.
pub(super) struct Signing {
    signer: Box<dyn Signer>,
    /// The key that its signatures are checked with.
    pub(super) key: PublicKey,
    /// What it goes by in an outbox.
    pub(super) names: Vec<String>,
}

impl SigningArgs {
    /// The key's reference.
    ///
    /// # Errors
    /// Exit 2 says the ways to sign and what each lacks here.
    pub(super) fn reference(&self) -> Result<&str, Failure> {
        self.key.as_deref().ok_or_else(|| {
            let mut failure = Failure::usage(codes::NO_SIGNER, "there is nothing to sign with: no --key was given");
            failure.detail = "ways to sign:\n  a key: `attest keygen`, then --key attest.key\n  the ambient identity of a CI system: not in this version\n  a person's identity, by browser: not in this version\n".into();
            failure
        })
    }

    /// What the signer goes by in an outbox as long as it has not answered.
    ///
    /// # Errors
    /// As [`SigningArgs::reference`].
    pub(super) fn name(&self) -> Result<String, Failure> {
        // A PIN is no part of who signs, and is not to be kept.
        let reference = self.reference()?;
        Ok(format!("reference {}", reference.split("?").next().unwrap_or_default()))
    }

    /// Opens the key.
    ///
    /// # Errors
    /// [`Failure`].
    pub(super) fn open(&self, ui: &Ui) -> Result<Signing, Failure> {
        let opened = keys::open_signer(self.reference()?)?;
        if opened.file.as_ref().is_some_and(|f| f.readable_by_others) {
            ui.note("others on this machine can read the private key's file: chmod 600 it");
        }
        match opened.public_key {
            Some(key) => {
                let names = vec![self.name()?, format!("key {}", key.id())];
                Ok(Signing { signer: opened.signer, key, names })
            }
            None => Err(Failure::usage(codes::NOT_SUPPORTED, "this version signs with keys only")),
        }
    }
}

impl Signing {
    /// Signs a statement and verifies the result as a stranger would.
    ///
    /// # Errors
    /// [`Failure`].
    pub(super) async fn sign(&self, statement: Vec<u8>, now: Timestamp) -> Result<Vec<u8>, Failure> {
        let about = about(&statement)?;
        let (bundle, _) = flow::sign(statement, self.signer.as_ref(), &[]).await?;
        let bytes = bundle.to_bytes();
        flow::verify_own(&bytes, &about, &self.key, now)?;
        Ok(bytes)
    }
}

/// The artifacts that a statement is about.
fn about(statement: &[u8]) -> Result<Vec<Artifact>, Failure> {
    let parsed = Statement::parse(statement).map_err(PublishError::Statement)?;
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
    Ok(about)
}
