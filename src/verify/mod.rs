//! From bytes to [`VerifiedStatement`]: the only place where one is made.
//!
//! It makes no decision. Whether a verified statement is the one that was wanted, by a signer that may speak
//! for its builder, in a window in which its key may sign, is the policy's question.

mod authorities;
mod bare;
mod basket;
mod candidate;
mod certificate;
mod error;
mod examined;
mod proven;
mod referent;
mod signature;
mod sigstore;
mod statement;
mod subject;
mod support;

pub use authorities::stamp_time;
pub use basket::{Basket, Budget, EvidenceSource};
pub use candidate::{CODES as CANDIDATE_CODES, Candidate, Content, OTHER_KIND, Origin};
pub use error::{KEY_NOT_TRUSTED, SUBJECT_MISMATCH, VerifyError};
pub use examined::Examined;
pub use referent::{Referent, ReferentKind};
pub use signature::made_by;
pub use sigstore::{Entered, entered, holds, message_signature};
pub use statement::{LogEntry, ProvenTime, RootUsed, Signer, TimeSource, VerifiedStatement};
pub use support::SupportingStatement;

use crate::model::bundle::VerificationMaterial;
use crate::model::json::JsonError;
use crate::model::{Artifact, Bundle, Digest, Envelope, Statement, Timestamp, envelope, limits};
use crate::trust::{PublicKey, TrustMaterial};
use examined::{Piece, Vouched, Vouchers};
use proven::Proven;
use statement::Signed;
use std::sync::Arc;
use subject::Positions;

/// Verifies evidence with one set of trust material, at one point in time.
#[derive(Clone, Debug)]
pub struct Verifier<'a> {
    /// Keys (and, with keyless signing, roots) that may vouch.
    trust: &'a TrustMaterial,
    /// The time of verification, by the clock of whoever verifies.
    now: Timestamp,
    vouchers: Vouchers,
    examined: Option<&'a Examined>,
    /// A payload that was read already, and what it says.
    read: Option<(&'a [u8], &'a Statement)>,
}

/// What a statement must be about.
enum About<'a> {
    Artifact(&'a Artifact),
    Referent(&'a Referent),
}

impl About<'_> {
    fn bind(&self, statement: &Statement, at: &Positions) -> Result<usize, VerifyError> {
        match self {
            Self::Artifact(artifact) => subject::bind(statement, at, &artifact.digests, &artifact.digest),
            Self::Referent(referent) => referent.bind(statement, at),
        }
    }

    fn digest(&self) -> Digest {
        match self {
            Self::Artifact(artifact) => artifact.digest.clone(),
            Self::Referent(referent) => referent.digest().clone(),
        }
    }
}

/// Evidence whose form was read, once, and whose signature verifies if it was made with a key.
struct Opened<'a> {
    evidence: &'a [u8],
    bundle: Bundle,
    signed: Arc<Signed>,
    /// Trusted keys that signed; none beside a certificate, which is asked about only once a subject binds.
    by_key: Option<Vec<Signer>>,
    piece: Arc<Piece>,
    /// Where in the statement a digest stands.
    positions: Positions,
    /// Whether the caller has read the predicate already, and found it to be of the form that its type demands.
    is_known: bool,
}

impl<'a> Verifier<'a> {
    /// A verifier that may trust `trust`, at the time `now`.
    #[must_use]
    pub fn new(trust: &'a TrustMaterial, now: Timestamp) -> Self {
        Self { trust, now, vouchers: Vouchers::of(trust), examined: None, read: None }
    }

    /// The same verifier, which checks nothing that was checked before, and remembers what it checks.
    #[must_use]
    pub fn remembering(self, examined: &'a Examined) -> Self {
        Self { examined: Some(examined), ..self }
    }

    /// The same verifier, which does not read a payload of exactly these bytes again: `statement` is what
    /// [`Statement::parse`] made of them, and its predicate has the form that its type demands.
    #[must_use]
    pub(crate) fn having_read(self, payload: &'a [u8], statement: &'a Statement) -> Self {
        Self { read: Some((payload, statement)), ..self }
    }

    /// Verifies one piece of evidence about `artifact`.
    ///
    /// Steps, in this order (numbers in the body):
    /// 1. the evidence is a bundle, or a bare DSSE envelope as older tools attach it;
    /// 2. it holds an envelope of an in-toto statement, not a signature over a digest;
    /// 3. it was signed with a key: a trusted key made a signature over the payload (DSSE protocol, "Verification");
    /// 4. the payload is a statement, and its predicate has the form its type demands (with a certificate after step 6: once
    ///    read, a predicate takes many times its size in memory, so only that of a trusted signer is read);
    /// 5. a subject binds to the artifact: one strong digest is equal and none contradicts;
    /// 6. it was signed with a certificate: a trusted root's authorities vouch for certificate, log entries, time and
    ///    signature, and these are about one another;
    /// 7. it was signed with a key: log entries and timestamps of authorities that a root knows are about this
    ///    signature and verify.
    ///
    /// # Errors
    /// [`VerifyError`], by the first step that fails.
    pub fn verify(&self, evidence: &[u8], artifact: &Artifact) -> Result<VerifiedStatement, VerifyError> {
        let own = Examined::default();
        let examined = self.examined.unwrap_or(&own);
        self.about(examined, &self.open(examined, evidence)?, &About::Artifact(artifact))
    }

    /// Verifies one piece of evidence about each of several artifacts, in their order: the same steps as
    /// [`Verifier::verify`], of which only the binding is done for each.
    ///
    /// # Errors
    /// [`VerifyError`], by the first artifact that it is not about, or the first step that fails.
    pub fn verify_each(&self, evidence: &[u8], artifacts: &[Artifact]) -> Result<Vec<VerifiedStatement>, VerifyError> {
        let own = Examined::default();
        let examined = self.examined.unwrap_or(&own);
        let opened = self.open(examined, evidence)?;
        artifacts.iter().map(|a| self.about(examined, &opened, &About::Artifact(a))).collect()
    }

    /// Verifies one piece of evidence about each of several things that verified statements name, in their order: the same
    /// steps as [`Verifier::verify`], with the referent's digests in the artifact's place. Of another type than those that
    /// may support one, it is about something else.
    ///
    /// # Errors
    /// [`VerifyError`] of reading it or of its key, which is about no referent; and within, for each referent, by the first
    /// step that fails.
    pub fn verify_support(
        &self,
        evidence: &[u8],
        referents: &[Referent],
    ) -> Result<Vec<Result<SupportingStatement, VerifyError>>, VerifyError> {
        let own = Examined::default();
        let examined = self.examined.unwrap_or(&own);
        let opened = self.open(examined, evidence)?;
        let about = |referent: &Referent| {
            let statement = self.about(examined, &opened, &About::Referent(referent))?;
            Ok(SupportingStatement::new(statement, referent.clone()))
        };
        Ok(referents.iter().map(about).collect())
    }

    /// Predicate type of the statement in a piece of evidence, as it describes itself; not read again where it was. Nothing is
    /// verified by this.
    #[must_use]
    pub fn statement_type(&self, evidence: &[u8]) -> Option<String> {
        let known = self.examined.and_then(|e| e.piece(&Digest::sha256(evidence)).kind.get().map(ToString::to_string));
        known.or_else(|| read_statement_type(evidence))
    }

    fn open<'e>(&self, examined: &Examined, evidence: &'e [u8]) -> Result<Opened<'e>, VerifyError> {
        let bundle = self.by_key_if_it_is(read_evidence(evidence)?); // 1
        let envelope = in_toto_envelope(&bundle)?; // 2
        let digest = Digest::sha256(evidence);
        let piece = examined.piece(&digest);
        let by_key = match bundle.material() {
            VerificationMaterial::PublicKey { hint } => Some(self.signers(examined, &piece, envelope, hint)?), // 3
            VerificationMaterial::Certificates(_) => None,
        };
        let known = self.read.filter(|(payload, _)| *payload == envelope.payload());
        let statement = match known {
            Some((_, statement)) => statement.clone(),
            None => Statement::parse_shared(envelope.shared_payload()).map_err(VerifyError::Statement)?, // 4
        };
        let _ = piece.kind.set(statement.predicate_type().clone());
        let signed = Signed::new(statement, envelope.shared_payload().clone(), digest);
        // The predicate of a trusted signer alone is read; of a certificate it is known only later whether it is trusted.
        let is_known = known.is_some();
        if by_key.is_some() && !is_known {
            signed.form()?;
        }
        let positions = Positions::of(&signed.statement);
        Ok(Opened { evidence, bundle, signed: Arc::new(signed), by_key, piece, positions, is_known })
    }

    fn about(
        &self,
        examined: &Examined,
        opened: &Opened<'_>,
        about: &About<'_>,
    ) -> Result<VerifiedStatement, VerifyError> {
        let Opened { evidence, bundle, signed, by_key, piece, positions, is_known } = opened;
        let subject = about.bind(&signed.statement, positions)?; // 5
        // Logs and the library speak of the statement: any subject's digest names it, so that one answer serves all.
        let bound = subject::named_digest(&signed.statement);
        let key = match by_key.as_deref() {
            Some([Signer::Key { key }]) => Some(key),
            _ => None,
        };
        let question = self.vouchers.asked(bound.as_ref(), key);
        let Vouched { signer, proven } =
            piece.vouched(examined, question, self.now, || match (by_key, bundle.material()) {
                (Some(signers), _) => self.beside_key(bundle, evidence, signers, bound.as_ref()), // 7
                (None, VerificationMaterial::Certificates(chain)) => {
                    let parsed = sigstore::parse(bundle, evidence)?; // 6
                    let digest = bound.as_ref().and_then(sigstore::digest).ok_or_else(|| {
                        VerifyError::UnsupportedMaterial { found: "a certificate over sha384 digests alone".into() }
                    })?;
                    let (signer, proven) = sigstore::by_certificate(&parsed, chain, &digest, self.trust, self.now)?;
                    Ok(Vouched { signer: Some(signer), proven })
                }
                (None, VerificationMaterial::PublicKey { .. }) => {
                    Ok(Vouched { signer: None, proven: Proven::default() })
                }
            })?;
        if !is_known {
            signed.form()?;
        }
        let signers: Vec<_> = by_key.iter().flatten().cloned().chain(signer).collect();
        if signers.is_empty() {
            return Err(VerifyError::MessageSignature);
        }
        Ok(VerifiedStatement {
            signed: signed.clone(),
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

    /// An envelope that names its certificate beside the signature may be made by a key that is trusted as such: then
    /// nobody asks what the certificate says.
    fn by_key_if_it_is(&self, bundle: Bundle) -> Bundle {
        let Some(envelope) = bundle.envelope().filter(|_| bare::is_certified(&bundle)) else { return bundle };
        let pae = envelope.pae();
        let made = |key: &PublicKey| envelope.signatures().iter().any(|s| made_by(key, &pae, &s.sig));
        match self.trust.keys.iter().take(limits::KEYS).any(made) {
            true => Bundle::keyed(envelope.clone(), envelope.signatures()[0].keyid.clone()),
            false => bundle,
        }
    }

    /// What logs and timestamp authorities say beside a key's signature.
    fn beside_key(
        &self,
        bundle: &Bundle,
        evidence: &[u8],
        signers: &[Signer],
        bound: Option<&Digest>,
    ) -> Result<Vouched, VerifyError> {
        let vouched = |proven| Ok(Vouched { signer: None, proven });
        let unchecked = (bundle.log_entries().len(), bundle.timestamps().len());
        let unproven = Proven { unchecked, ..Default::default() };
        // Most keyed evidence carries neither: then no root is looked at.
        if unchecked == (0, 0) || self.trust.roots.is_empty() {
            return vouched(unproven);
        }
        // Logs and timestamps speak of one signature by one key, over content that a digest we can hand on names.
        let one = bundle.envelope().is_some_and(|e| e.signatures().len() == 1);
        let ([Signer::Key { key }], true, Some(digest)) = (signers, one, bound.and_then(sigstore::digest)) else {
            return vouched(unproven);
        };
        match sigstore::parse(bundle, evidence) {
            Ok(parsed) => vouched(sigstore::beside_key(&parsed, key, &digest, self.trust, self.now)?),
            Err(VerifyError::UnsupportedMaterial { .. }) => vouched(unproven),
            Err(e) => Err(e),
        }
    }

    fn signers(
        &self,
        examined: &Examined,
        piece: &Piece,
        envelope: &Envelope,
        hint: &str,
    ) -> Result<Vec<Signer>, VerifyError> {
        let keys = &self.trust.keys;
        if keys.len() > limits::KEYS {
            return Err(VerifyError::TooManyKeys { found: keys.len(), limit: limits::KEYS });
        }
        let pae = envelope.pae();
        let made = |key: &&PublicKey| piece.made_by(examined, key, &pae, envelope);
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
    // Most evidence is a bundle: parse it once, and look for the other form only when that fails.
    match Bundle::parse(bytes) {
        Ok(bundle) => Ok(bundle),
        Err(JsonError::Missing { path }) if path == "bundle.mediaType" => {
            let bare = bare::read(bytes).map_err(VerifyError::Evidence)?;
            bare.ok_or(VerifyError::Evidence(JsonError::Missing { path }))
        }
        Err(e) => Err(VerifyError::Evidence(e)),
    }
}

/// Predicate type of the statement in a piece of evidence, as it describes itself. Nothing is verified by this.
#[must_use]
pub fn read_statement_type(bytes: &[u8]) -> Option<String> {
    let bundle = read_evidence(bytes).ok()?;
    let statement = Statement::parse_shared(in_toto_envelope(&bundle).ok()?.shared_payload()).ok()?;
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

/// What a leaf certificate says of its holder: the issuer, and Fulcio's claims by last arc. Nothing is verified by this.
///
/// # Errors
/// [`VerifyError::CertificateMalformed`].
pub fn certificate_claims(der: &[u8]) -> Result<(String, std::collections::BTreeMap<u32, String>), VerifyError> {
    certificate::read(der).map(|leaf| (leaf.issuer, leaf.claims))
}

/// Whom a bundle's certificate names: identity and issuer, as it describes itself. Nothing is verified by this.
#[must_use]
pub fn certificate_names(bundle: &Bundle) -> Option<(String, String)> {
    let VerificationMaterial::Certificates(chain) = bundle.material() else { return None };
    let leaf = certificate::read(chain.first()?).ok()?;
    Some((leaf.identity, leaf.issuer))
}
