//! From bytes to [`VerifiedStatement`]: the only place where one is made.
//!
//! What this does not do: decide. Whether a verified statement is the one that was wanted, by a signer that may speak
//! for its builder, in a window in which its key may sign, is the policy's question.

mod authorities;
mod basket;
mod candidate;
mod certificate;
mod cosignature;
mod error;
mod proven;
mod referent;
mod signature;
mod sigstore;
mod statement;
mod subject;
mod support;

pub use basket::{Basket, Budget};
pub use candidate::{Candidate, Content, EvidenceSource, Origin};
pub use error::{SUBJECT_MISMATCH, VerifyError};
pub use referent::{Referent, ReferentKind};
pub use signature::made_by;
pub use sigstore::message_signature;
pub use statement::{LogEntry, ProvenTime, RootUsed, Signer, TimeSource, VerifiedStatement};
pub use support::SupportingStatement;

use crate::model::bundle::VerificationMaterial;
use crate::model::json::{self, Field, JsonError};
use crate::model::{Artifact, Bundle, Digest, DigestSet, Envelope, Statement, Timestamp, envelope, limits, uri};
use crate::predicate::{self, Provenance};
use crate::trust::{PublicKey, TrustMaterial};
use proven::Proven;

/// Verifies evidence with one set of trust material, at one point in time.
#[derive(Clone, Copy, Debug)]
pub struct Verifier<'a> {
    /// Keys (and, with keyless signing, roots) that may vouch.
    pub trust: &'a TrustMaterial,
    /// The time of verification: the one point in time that the verifier itself can swear to.
    pub now: Timestamp,
}

/// What a statement must be about.
enum About<'a> {
    Artifact(&'a Artifact),
    Referent(&'a Referent),
}

impl About<'_> {
    fn bind(&self, statement: &Statement) -> Result<usize, VerifyError> {
        match self {
            Self::Artifact(artifact) => subject::bind(statement, &artifact.digests, &artifact.digest),
            Self::Referent(referent) => referent.bind(statement),
        }
    }

    fn digests(&self) -> &DigestSet {
        match self {
            Self::Artifact(artifact) => &artifact.digests,
            Self::Referent(referent) => referent.digests(),
        }
    }

    fn digest(&self) -> Digest {
        match self {
            Self::Artifact(artifact) => artifact.digest.clone(),
            Self::Referent(referent) => referent.digest().clone(),
        }
    }
}

/// Whether the signature was made with a key.
enum Keyed<'a> {
    /// By these, verified.
    Signers(Vec<Signer>),
    /// No: with the first certificate of this chain.
    No(&'a [Vec<u8>]),
}

impl Verifier<'_> {
    /// Verifies one piece of evidence about `artifact`.
    ///
    /// Steps, in this order (numbers in the body):
    /// 1. the evidence is a bundle, or a bare DSSE envelope as older tools attach it;
    /// 2. it holds an envelope of an in-toto statement, not a signature over a digest;
    /// 3. it was signed with a key: a trusted key made a signature over the payload (DSSE protocol, "Verification");
    /// 4. the payload is a statement, and its predicate has the form its type demands;
    /// 5. a subject binds to the artifact: one strong digest is equal and none contradicts;
    /// 6. it was signed with a certificate: a trusted root's authorities vouch for certificate, log entries, time and
    ///    signature, and these are about one another;
    /// 7. it was signed with a key: log entries and timestamps of authorities that a root knows are about this
    ///    signature and verify.
    ///
    /// # Errors
    /// [`VerifyError`], by the first step that fails.
    pub fn verify(&self, evidence: &[u8], artifact: &Artifact) -> Result<VerifiedStatement, VerifyError> {
        self.verify_about(evidence, &About::Artifact(artifact))
    }

    /// Verifies one piece of evidence about something that a verified statement names: the same steps as
    /// [`Verifier::verify`], with the referent's digests in the artifact's place. Of another type than those that may
    /// support one, it is about something else.
    ///
    /// # Errors
    /// [`VerifyError`], by the first step that fails.
    pub fn verify_support(&self, evidence: &[u8], referent: &Referent) -> Result<SupportingStatement, VerifyError> {
        let statement = self.verify_about(evidence, &About::Referent(referent))?;
        Ok(SupportingStatement::new(statement, referent.clone()))
    }

    fn verify_about(&self, evidence: &[u8], about: &About<'_>) -> Result<VerifiedStatement, VerifyError> {
        let bundle = read_evidence(evidence)?; // 1
        let envelope = in_toto_envelope(&bundle)?; // 2
        let by_key = match bundle.material() {
            VerificationMaterial::PublicKey { hint } => Keyed::Signers(self.signers(envelope, hint)?), // 3
            VerificationMaterial::Certificates(chain) => Keyed::No(chain),
        };
        let statement = Statement::parse(envelope.payload()).map_err(VerifyError::Statement)?; // 4
        let provenance = read_predicate(&statement).map_err(VerifyError::Statement)?;
        let subject = about.bind(&statement)?; // 5
        let bound = subject::bound_digest(&statement, subject, about.digests());
        let (signers, proven) = match by_key {
            Keyed::Signers(signers) => {
                let proven = self.beside_key(&bundle, evidence, &signers, bound.as_ref())?; // 7
                (signers, proven)
            }
            Keyed::No(chain) => {
                let parsed = sigstore::parse(&bundle, evidence)?; // 6
                let digest = bound.as_ref().and_then(sigstore::digest).ok_or_else(|| {
                    VerifyError::UnsupportedMaterial { found: "a certificate over a sha384 digest alone".into() }
                })?;
                let (signer, proven) = sigstore::by_certificate(&parsed, chain, &digest, self.trust, self.now)?;
                (vec![signer], proven)
            }
        };
        Ok(VerifiedStatement {
            statement,
            provenance,
            payload: envelope.payload().to_vec(),
            evidence: Digest::sha256(evidence),
            about: about.digest(),
            subject,
            signers,
            proven_times: proven.times,
            log_entries: proven.entries,
            roots: proven.roots,
            unchecked_log_entries: proven.unchecked.0,
            unchecked_timestamps: proven.unchecked.1,
            verified_at: self.now,
        })
    }

    /// What logs and timestamp authorities say beside a key's signature.
    fn beside_key(
        &self,
        bundle: &Bundle,
        evidence: &[u8],
        signers: &[Signer],
        bound: Option<&Digest>,
    ) -> Result<Proven, VerifyError> {
        let unchecked = (bundle.log_entries().len(), bundle.timestamps().len());
        let unproven = Ok(Proven { unchecked, ..Default::default() });
        // Most keyed evidence carries neither: then no root is looked at.
        if unchecked == (0, 0) || self.trust.roots.is_empty() {
            return unproven;
        }
        // Logs and timestamps speak of one signature by one key, over content that a digest we can hand on names.
        let one = bundle.envelope().is_some_and(|e| e.signatures().len() == 1);
        let ([Signer::Key { key }], true, Some(digest)) = (signers, one, bound.and_then(sigstore::digest)) else {
            return unproven;
        };
        match sigstore::parse(bundle, evidence) {
            Ok(parsed) => sigstore::beside_key(&parsed, key, &digest, self.trust, self.now),
            Err(VerifyError::UnsupportedMaterial { .. }) => unproven,
            Err(e) => Err(e),
        }
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

/// That a predicate has the form its type demands; a SLSA provenance is kept as it was read.
fn read_predicate(statement: &Statement) -> Result<Option<Provenance>, JsonError> {
    let kind = statement.predicate_type().as_str();
    if kind == uri::SLSA_PROVENANCE {
        return Provenance::from_json(statement.predicate()).map(Some);
    }
    predicate::by_uri(kind).map_or(Ok(()), |p| p.check(statement.predicate())).map(|()| None)
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

/// Predicate type of the statement in a piece of evidence, as it describes itself. Nothing is verified by this.
#[must_use]
pub fn read_statement_type(bytes: &[u8]) -> Option<String> {
    let bundle = read_evidence(bytes).ok()?;
    let statement = Statement::parse(in_toto_envelope(&bundle).ok()?.payload()).ok()?;
    Some(statement.predicate_type().to_string())
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

/// Whom a bundle's certificate names: identity and issuer, as it describes itself. Nothing is verified by this.
#[must_use]
pub fn certificate_names(bundle: &Bundle) -> Option<(String, String)> {
    let VerificationMaterial::Certificates(chain) = bundle.material() else { return None };
    let leaf = certificate::read(chain.first()?).ok()?;
    Some((leaf.identity, leaf.issuer))
}
