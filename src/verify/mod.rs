//! From bytes to [`VerifiedStatement`]: the only place where one is made.
//!
//! What this does not do: decide. Whether a verified statement is the one that was wanted, by a signer that may speak
//! for its builder, in a window in which its key may sign, is the policy's question.

mod candidate;
mod error;
mod signature;
mod statement;
mod subject;

pub use candidate::{Candidate, Content, EvidenceSource, Origin};
pub use error::VerifyError;
pub use signature::made_by;
pub use statement::{LogEntry, ProvenTime, Signer, TimeSource, VerifiedStatement};

use crate::model::bundle::VerificationMaterial;
use crate::model::json::{self, Field, JsonError};
use crate::model::{Artifact, Bundle, Digest, Envelope, Statement, Timestamp, envelope, limits};
use crate::predicate;
use crate::trust::{PublicKey, TrustMaterial};

/// Verifies evidence with one set of trust material, at one point in time.
#[derive(Clone, Copy, Debug)]
pub struct Verifier<'a> {
    /// Keys (and, with keyless signing, roots) that may vouch.
    pub trust: &'a TrustMaterial,
    /// The time of verification: the one point in time that the verifier itself can swear to.
    pub now: Timestamp,
}

impl Verifier<'_> {
    /// Verifies one piece of evidence about `artifact`.
    ///
    /// Steps, in this order (numbers in the body):
    /// 1. the evidence is a bundle, or a bare DSSE envelope as older tools attach it;
    /// 2. it holds an envelope of an in-toto statement, not a signature over a digest;
    /// 3. its verification material is one that this version can check;
    /// 4. a trusted key made a signature over the payload (DSSE protocol, "Verification");
    /// 5. the payload is a statement, and its predicate has the form its type demands;
    /// 6. a subject binds to the artifact: one strong digest is equal and none contradicts.
    ///
    /// # Errors
    /// [`VerifyError`], by the first step that fails.
    pub fn verify(&self, evidence: &[u8], artifact: &Artifact) -> Result<VerifiedStatement, VerifyError> {
        let bundle = read_evidence(evidence)?; // 1
        let envelope = in_toto_envelope(&bundle)?; // 2
        let hint = match bundle.material() {
            VerificationMaterial::PublicKey { hint } => hint, // 3
            VerificationMaterial::Certificates(_) => {
                return Err(VerifyError::UnsupportedMaterial { found: "a certificate (keyless signing)" });
            }
        };
        let signers = self.signers(envelope, hint)?; // 4
        let statement = Statement::parse(envelope.payload()).map_err(VerifyError::Statement)?; // 5
        if let Some(kind) = predicate::by_uri(statement.predicate_type().as_str()) {
            kind.check(statement.predicate()).map_err(VerifyError::Statement)?;
        }
        let subject = subject::bind(&statement, artifact)?; // 6
        Ok(VerifiedStatement {
            statement,
            payload: envelope.payload().to_vec(),
            evidence: Digest::sha256(evidence),
            signature: envelope.signatures()[0].sig.clone(),
            artifact: artifact.digest.clone(),
            subject,
            signers,
            proven_times: Vec::new(),
            log_entries: Vec::new(),
            unchecked_log_entries: bundle.log_entries().len(),
            unchecked_timestamps: bundle.timestamps().len(),
            verified_at: self.now,
        })
    }

    fn signers(&self, envelope: &Envelope, hint: &str) -> Result<Vec<Signer>, VerifyError> {
        let keys = &self.trust.keys;
        if keys.len() > limits::KEYS {
            return Err(VerifyError::TooManyKeys { found: keys.len(), limit: limits::KEYS });
        }
        let pae = envelope.pae();
        let made = |key: &&PublicKey| envelope.signatures().iter().any(|s| made_by(key, &pae, &s.sig));
        let signers: Vec<_> = keys.iter().filter(made).map(|key| Signer::Key { key: key.clone() }).collect();
        if !signers.is_empty() {
            return Ok(signers);
        }
        // The hint is not signed; it only chooses the words of the refusal.
        match keys.iter().find(|k| k.hint() == hint) {
            Some(key) => Err(VerifyError::SignatureInvalid { key: key.id() }),
            None => Err(VerifyError::KeyNotTrusted {
                hint: crate::trust::shown_hint(hint),
                trusted: keys.iter().map(PublicKey::id).collect(),
            }),
        }
    }
}

/// Reads evidence as a bundle; a bare DSSE envelope becomes a keyed bundle. Nothing is verified by this.
///
/// # Errors
/// [`VerifyError::Evidence`].
pub fn read_evidence(bytes: &[u8]) -> Result<Bundle, VerifyError> {
    let bare = |b: &[u8]| -> Result<Option<Envelope>, JsonError> {
        let value = json::parse(b, limits::BUNDLE_BYTES)?;
        let root = Field::root("envelope", &value);
        let object = root.object()?;
        (!object.contains_key("mediaType") && object.contains_key("payloadType"))
            .then(|| Envelope::from_json(&root))
            .transpose()
    };
    // Most evidence is a bundle: parse it once, and look for the other form only when that fails.
    match Bundle::parse(bytes) {
        Ok(bundle) => Ok(bundle),
        Err(JsonError::Missing { path }) if path == "bundle.mediaType" => {
            match bare(bytes).map_err(VerifyError::Evidence)? {
                Some(envelope) => {
                    let keyid = envelope.signatures()[0].keyid.clone();
                    Ok(Bundle::keyed(envelope, keyid))
                }
                None => Err(VerifyError::Evidence(JsonError::Missing { path })),
            }
        }
        Err(e) => Err(VerifyError::Evidence(e)),
    }
}

/// The envelope of a bundle, if it holds an in-toto statement. Nothing is verified by this.
///
/// # Errors
/// [`VerifyError::MessageSignature`], [`VerifyError::PayloadType`].
pub fn in_toto_envelope(bundle: &Bundle) -> Result<&Envelope, VerifyError> {
    let envelope = bundle.envelope().ok_or(VerifyError::MessageSignature)?;
    if envelope.payload_type() != envelope::IN_TOTO {
        return Err(VerifyError::PayloadType { found: envelope.payload_type().chars().take(100).collect() });
    }
    Ok(envelope)
}

/// The strong digest algorithms that evidence carries for a subject of `artifact` and the artifact's own digest lacks.
///
/// Read from *unverified* evidence, so that a caller can compute what the binding will ask for; evidence that cannot be
/// read asks for nothing here and fails in [`Verifier::verify`].
#[must_use]
pub fn digests_wanted(evidence: &[u8], artifact: &Artifact) -> bool {
    let Ok(bundle) = read_evidence(evidence) else { return false };
    let Some(statement) = bundle.envelope().and_then(|e| Statement::parse(e.payload()).ok()) else { return false };
    subject::wants_more(&statement, artifact)
}
