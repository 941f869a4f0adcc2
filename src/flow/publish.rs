//! Sign: from a checked statement to a bundle that its own verifier accepts.

use crate::model::code::codes;
use crate::model::envelope::IN_TOTO;
use crate::model::json::JsonError;
use crate::model::plural::counted;
use crate::model::{Artifact, Bundle, Code, Envelope, EnvelopeSignature, Statement, Subject, Timestamp, code};
use crate::predicate;
use crate::registry::RegistryError;
use crate::sign::{Evidence, EvidenceItem, KeyMaterial, SignError, Signer, Witnessed};
use crate::trust::TrustMaterial;
use crate::verify::{VerifiedStatement, Verifier, VerifyError};
use bytes::Bytes;
use sha2::{Digest as _, Sha256};

/// Why nothing was published.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PublishError {
    /// The statement is one that we would refuse to read.
    #[error("the statement is not acceptable: {0}")]
    Statement(#[source] JsonError),
    /// No subject has a digest that anything could be verified with.
    #[error("no subject of the statement has a sha256, sha384 or sha512 digest, so nothing could be verified with it")]
    NoDigest,
    /// No signature.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// Our own bundle does not verify.
    #[error("the signed bundle does not verify, so it was not published: {0}")]
    OwnBundle(#[source] VerifyError),
    /// Our own bundle verifies, but a log entry or timestamp of it is of no authority in the trusted root.
    #[error(
        "the signed bundle was not published: of no authority in the trusted root are {} and {} of it",
        counted(*.entries, "log entry"), counted(*.timestamps, "timestamp")
    )]
    Unproven {
        /// Log entries that were not checked.
        entries: usize,
        /// Timestamps that were not checked.
        timestamps: usize,
    },
    /// The bundle to be attached is about something else, or is none.
    #[error("the bundle cannot be attached: {0}")]
    Bundle(#[source] VerifyError),
    /// The registry could not take it, or does not give it back.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// The subject is not in the registry.
    #[error("{place}: the subject {digest} is not there, so nothing can refer to it")]
    SubjectNotFound {
        /// The repository.
        place: String,
        /// The subject's digest.
        digest: String,
    },
    /// What was pushed is not listed afterwards.
    #[error("{place}: the pushed referrer {digest} is not listed for its subject")]
    NotListed {
        /// The repository.
        place: String,
        /// The referrer's digest.
        digest: String,
    },
}

codes! {
    /// Codes of [`PublishError`].
    CODES;
    pub STATEMENT_REFUSED = "statement-refused", [Caller],
        "a statement that `attest verify` would refuse to read; nothing was signed",
        "correct the predicate; `attest generate` shows the whole statement";
    OWN_BUNDLE_INVALID = "own-bundle-invalid", [Producer],
        "what was just signed does not verify, so it was not published",
        "check that the signer, its certificate and --trusted-root belong together; -v shows which check failed";
    BUNDLE_NOT_ATTACHABLE = "bundle-not-attachable", [Producer],
        "the bundle is no attestation, or one about another artifact",
        "name the subject that the bundle is about: `attest inspect FILE` shows which";
    pub SUBJECT_NOT_FOUND = "subject-not-found", [Operator],
        "the artifact is not there: no such tag, or nothing to attach to",
        "push the artifact first, then attest it";
    OWN_EVIDENCE_UNPROVEN = "own-evidence-unproven", [Producer],
        "a log entry or timestamp of what was just signed proves nothing, so it was not published",
        "pass the root of the services that were used with --trusted-root FILE";
}

impl PublishError {
    /// Codes of this enum.
    pub const CODES: &'static [Code] = CODES;

    /// The stable code.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Statement(JsonError::TooLarge { .. }) => code::LIMIT_EXCEEDED,
            Self::Statement(_) | Self::NoDigest => STATEMENT_REFUSED,
            Self::OwnBundle(_) => OWN_BUNDLE_INVALID,
            Self::Bundle(_) => BUNDLE_NOT_ATTACHABLE,
            Self::SubjectNotFound { .. } => SUBJECT_NOT_FOUND,
            Self::NotListed { .. } => crate::registry::REFERRER_NOT_LISTED,
            Self::Unproven { .. } => OWN_EVIDENCE_UNPROVEN,
            Self::Sign(e) => e.code(),
            Self::Registry(e) => e.code(),
        }
    }
}

/// A statement that may be signed: its bytes, and what they say, read once and as strictly as a verifier reads them.
#[derive(Clone, Debug)]
pub struct Unsigned {
    bytes: Bytes,
    statement: Statement,
}

impl Unsigned {
    /// Reads it.
    ///
    /// # Errors
    /// [`PublishError::Statement`] for one that we would refuse to read.
    pub fn parse(bytes: Vec<u8>) -> Result<Self, PublishError> {
        let bytes = Bytes::from(bytes);
        let statement = Statement::parse_whole(&bytes).map_err(PublishError::Statement)?;
        predicate::read(&statement).map_err(PublishError::Statement)?;
        Ok(Self { bytes, statement })
    }

    /// The bytes that are signed.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What they say.
    #[must_use]
    pub fn statement(&self) -> &Statement {
        &self.statement
    }

    /// The artifacts that it is about.
    ///
    /// # Errors
    /// [`PublishError::NoDigest`] where no subject has a digest that anything could be verified with.
    pub fn about(&self) -> Result<Vec<Artifact>, PublishError> {
        let artifact = |subject: &Subject| {
            let digest = subject.digest().strong().next()?;
            let mut artifact = Artifact::new("own", "own", digest);
            for d in subject.digest().strong() {
                artifact.digests = artifact.digests.with(&d)?;
            }
            Some(artifact)
        };
        let about: Vec<_> = self.statement.subjects().iter().filter_map(artifact).collect();
        if about.is_empty() { Err(PublishError::NoDigest) } else { Ok(about) }
    }
}

/// Signs the bytes of a statement as they are, and hands the envelope to every witness of signatures.
///
/// # Errors
/// [`PublishError::Sign`].
pub async fn sign(
    statement: &Unsigned,
    signer: &dyn Signer,
    evidence: &[&dyn Evidence],
) -> Result<(Bundle, KeyMaterial), PublishError> {
    let signed = signer.sign(&crate::model::envelope::pae(IN_TOTO, &statement.bytes)).await?;
    // Readers want the member, and cosign passes over a signature whose key id is not the one that it would write itself.
    let signature = EnvelopeSignature { sig: signed.signature, keyid: String::new() };
    let envelope = Envelope::new(IN_TOTO, statement.bytes.clone(), signature);
    let mut items = Vec::new();
    for witness in evidence {
        items.extend(witness.attest(Witnessed::Envelope(&envelope), &signed.material).await?);
    }
    let bundle = match &signed.material {
        KeyMaterial::PublicKey(key) => Bundle::keyed(envelope, key.hint()),
        KeyMaterial::Certificates(chain) => Bundle::certified(envelope, chain.clone()),
    };
    Ok((with_items(bundle, items), signed.material))
}

/// Signs the content of a file as it is, for tools that want no statement, and has the signature witnessed. The signer must
/// be one with a certificate.
///
/// # Errors
/// [`PublishError::Sign`].
pub async fn sign_message(
    content: &[u8],
    signer: &dyn Signer,
    evidence: &[&dyn Evidence],
) -> Result<Bundle, PublishError> {
    let signed = signer.sign(content).await?;
    let KeyMaterial::Certificates(chain) = &signed.material else {
        let cause = "a signature over a file is made with a certificate here".into();
        return Err(SignError::Services { cause }.into());
    };
    let digest = Sha256::digest(content).into();
    let witnessed = Witnessed::Message { digest, signature: &signed.signature };
    let mut items = Vec::new();
    for witness in evidence {
        items.extend(witness.attest(witnessed, &signed.material).await?);
    }
    Ok(with_items(Bundle::message(digest, signed.signature.clone(), chain.clone()), items))
}

fn with_items(bundle: Bundle, items: Vec<EvidenceItem>) -> Bundle {
    items.into_iter().fold(bundle, |bundle, item| match item {
        EvidenceItem::LogEntry(entry) => bundle.with_log_entry(entry),
        EvidenceItem::Timestamp(response) => bundle.with_timestamp(response),
    })
}

/// Verifies a bundle of ours as a stranger would, for each artifact that its statement is about; and that each of its log entries
/// and timestamps was checked: one of an unknown authority would look like proof to a reader, and be none.
///
/// # Errors
/// [`PublishError::OwnBundle`], [`PublishError::Unproven`].
pub fn verify_own(
    bundle: &[u8],
    statement: &Unsigned,
    artifacts: &[Artifact],
    trust: &TrustMaterial,
    now: Timestamp,
) -> Result<Vec<VerifiedStatement>, PublishError> {
    let verifier = Verifier::new(trust, now).having_read(&statement.bytes, &statement.statement);
    let verified = verifier.verify_each(bundle, artifacts).map_err(PublishError::OwnBundle)?;
    for statement in &verified {
        let (entries, timestamps) = statement.unchecked();
        if (entries, timestamps) != (0, 0) {
            return Err(PublishError::Unproven { entries, timestamps });
        }
    }
    Ok(verified)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::uri;

    #[test]
    fn what_names_a_subject_without_a_digest_is_not_signed() {
        let of = |more: &str| {
            let digest = "0".repeat(64);
            let text = format!(
                r#"{{"_type":"{}","subject":[{{"name":"a","digest":{{"sha256":"{digest}"}}}}{more}],"predicateType":"a:b"}}"#,
                uri::STATEMENT_V1
            );
            Unsigned::parse(text.into_bytes())
        };
        // Signed, it would say of `b` what nobody can compare with anything.
        assert!(matches!(of(r#",{"name":"b"}"#), Err(PublishError::Statement(_))));
        assert!(of("").is_ok());
    }
}
