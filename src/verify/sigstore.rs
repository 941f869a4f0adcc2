//! Certificates, logs and timestamps, by the sigstore library. The one place where its checks are switched off, and
//! where what it does not check is added.
//!
//! What a root has, it demands: one with transparency logs wants a log entry, one with certificate logs wants their
//! word for the certificate. So the authority that issued a certificate decides what else must vouch, never a flag.

mod entered;

pub use entered::{Entered, entered, holds};

use super::certificate::{self, Leaf};
use super::proven::Proven;
use super::statement::{ProvenTime, Signer};
use super::{VerifyError, read_evidence};
use crate::model::bundle::VerificationMaterial;
use crate::model::json::{Field, JsonError};
use crate::model::work::{self, Work};
use crate::model::{Bundle, Digest, Timestamp, ValidityWindow, limits};
use crate::tlog::CosignerKey;
use crate::trust::{CertificateAuthority, Prepared, PublicKey, RootError, TrustMaterial, TrustedRoot};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use sigstore_verify::bundle::Error as ShapeError;
use sigstore_verify::types::{
    self as wire, Artifact, ArtifactDigest, DerPublicKey, HashAlgorithm, SignatureBytes, SignatureContent,
    TransparencyLogEntry,
};
use sigstore_verify::{
    CertificateError, Error, PublicKeyVerificationPolicy, TimestampError, TransparencyLogError, VerificationPolicy,
};
use std::borrow::Cow;

/// How far a proven time may lie ahead of the verifier's clock (seconds).
const CLOCK_SKEW: i64 = 300;

/// A bundle in the library's form beside ours.
pub(super) struct Parsed {
    bundle: wire::Bundle,
}

/// Reads a bundle a second time, for the library, and checks that both readers saw the same bytes.
pub(super) fn parse(ours: &Bundle, evidence: &[u8]) -> Result<Parsed, VerifyError> {
    for (i, entry) in ours.log_entries().iter().enumerate() {
        let entry = Field::root(&format!("bundle.verificationMaterial.tlogEntries[{i}]"), entry);
        known_kind(&entry)?;
    }
    let malformed = |message: String| VerifyError::Evidence(JsonError::Syntax { message });
    let text =
        ours.respelled().map_or_else(|| std::str::from_utf8(evidence), Ok).map_err(|e| malformed(e.to_string()))?;
    let bundle = wire::Bundle::from_json(text).map_err(|e| malformed(e.to_string()))?;
    // Each is tried with the log's key, and with every witness's.
    let checkpoints = bundle.verification_material.tlog_entries.iter().filter_map(|e| e.inclusion_proof.as_ref());
    let signatures = |p: &wire::bundle::InclusionProof| p.checkpoint.checkpoint().map_or(0, |c| c.signatures().len());
    if checkpoints.map(signatures).any(|n| n > limits::COSIGNATURES) {
        let what = "the number of signatures of a checkpoint".to_owned();
        return Err(VerifyError::Evidence(JsonError::TooLarge { what, limit: limits::COSIGNATURES }));
    }
    let same_content = match (&bundle.content, ours.envelope()) {
        (SignatureContent::DsseEnvelope(theirs), Some(envelope)) => {
            theirs.payload.as_bytes() == envelope.payload()
                && theirs.payload_type == envelope.payload_type()
                && matches!(envelope.signatures(), [one] if one.sig == theirs.signature.sig.as_bytes())
        }
        (SignatureContent::MessageSignature(_), None) => true,
        _ => false,
    };
    let same_material = match ours.material() {
        VerificationMaterial::Certificates(chain) => {
            bundle.signing_certificate().map(wire::DerCertificate::as_bytes) == chain.first().map(Vec::as_slice)
        }
        VerificationMaterial::PublicKey { .. } => bundle.signing_certificate().is_none(),
    };
    if !same_content || !same_material {
        return Err(malformed("two readers of this bundle do not agree on what it says".into()));
    }
    Ok(Parsed { bundle })
}

/// That a log entry is of a kind that is verified; the library's own refusal has no type.
fn known_kind(entry: &Field<'_>) -> Result<(), VerifyError> {
    let read = || -> Result<(String, String), JsonError> {
        let kind = entry.need("kindVersion")?;
        Ok((kind.need("kind")?.str()?.to_owned(), kind.need("version")?.str()?.to_owned()))
    };
    let (kind, version) = read().map_err(VerifyError::Evidence)?;
    match (kind.as_str(), version.as_str()) {
        ("hashedrekord" | "dsse", "0.0.1") | ("hashedrekord" | "intoto", "0.0.2") => Ok(()),
        _ => {
            let cut = |t: &str| t.chars().take(40).collect::<String>();
            Err(VerifyError::UnsupportedMaterial { found: format!("a log entry {} {}", cut(&kind), cut(&version)) })
        }
    }
}

/// The library's artifact for a digest that a subject bound to; none for sha384, which it does not bind.
pub(super) fn digest(digest: &Digest) -> Option<Artifact<'static>> {
    let algorithm = match digest.algorithm().name() {
        "sha256" => HashAlgorithm::Sha2256,
        "sha512" => HashAlgorithm::Sha2512,
        _ => return None,
    };
    let pairs = digest.hex().as_bytes().chunks(2);
    let bytes = pairs.map(|p| u8::from_str_radix(std::str::from_utf8(p).ok()?, 16).ok()).collect::<Option<Vec<_>>>()?;
    Some(Artifact::Digest(ArtifactDigest::new(algorithm, bytes).ok()?))
}

/// Verifies a bundle that was signed with a certificate, against each authority of each root that may have issued it.
pub(super) fn by_certificate(
    parsed: &Parsed,
    chain: &[Vec<u8>],
    artifact: &Artifact<'_>,
    trust: &TrustMaterial,
    now: Timestamp,
) -> Result<(Signer, Proven), VerifyError> {
    let bundle = &parsed.bundle;
    let der = chain.first().map(Vec::as_slice).unwrap_or_default();
    let leaf = certificate::read(der)?;
    let above = chain.iter().skip(1).map(|c| certificate::issuer_name(c));
    let issuers = std::iter::once(Ok(leaf.issued_by.clone())).chain(above).collect::<Result<Vec<_>, _>>()?;
    let mut refusal = None;
    for root in &trust.roots {
        let prepared = prepared(root)?;
        // Another authority may have issued it under the same name.
        let named = |a: &&CertificateAuthority| a.certificates.iter().any(|c| issuers.contains(&c.subject));
        let mut named: Vec<_> = prepared.issuers.iter().filter(named).collect();
        named.sort_by_key(|a| !leaf.authority_key.as_ref().is_some_and(|key| a.has_key(key)));
        for authority in named {
            let (promise_only, witnesses) = (trust.allow_promise_only, trust.witnesses.as_slice());
            let attempt = Attempt { bundle, root, prepared, authority, leaf: &leaf, der, now, promise_only, witnesses };
            match attempt.certificate(artifact) {
                Ok(mut proven) => {
                    proven.uses(root);
                    let Leaf { identity, issuer, claims, .. } = leaf;
                    return Ok((Signer::Certificate { chain: chain.to_vec(), identity, issuer, claims }, proven));
                }
                // The refusal of the authority that issued it is told rather than that of one that may not have; else the first.
                Err(e) if refusal.as_ref().is_none_or(|first| said_of(&e) > said_of(first)) => refusal = Some(e),
                Err(_) => {}
            }
        }
    }
    Err(refusal.unwrap_or_else(|| VerifyError::CertificateUntrusted {
        issuer: certificate::issuer_words(der),
        cause: match trust.roots.as_slice() {
            [] => "no root is trusted".to_owned(),
            roots => format!("tried {}", roots.iter().map(TrustedRoot::origin).collect::<Vec<_>>().join("; ")),
        },
    }))
}

/// How much a refusal says of a certificate: that an authority did not issue it, or was not asked, is the least.
fn said_of(refusal: &VerifyError) -> u8 {
    match refusal {
        VerifyError::CertificateUntrusted { .. } => 0,
        VerifyError::AuthorityNotValid { .. } => 1,
        _ => 2,
    }
}

/// Verifies what logs and timestamp authorities say about a signature that `key` made.
///
/// An entry of a log, or a timestamp of an authority, that a root knows must verify; others prove nothing and are
/// counted as not checked.
pub(super) fn beside_key(
    parsed: &Parsed,
    key: &PublicKey,
    artifact: &Artifact<'_>,
    trust: &TrustMaterial,
    now: Timestamp,
) -> Result<Proven, VerifyError> {
    let whole = &parsed.bundle;
    let policy = PublicKeyVerificationPolicy::new(DerPublicKey::from_bytes(key.spki()));
    let mut proven = Proven::default();
    let mut counted = Vec::new();
    for entry in &whole.verification_material.tlog_entries {
        let Some((used, root)) = with_root(trust, |p| p.log(entry).is_some())? else {
            proven.unchecked.0 += 1;
            continue;
        };
        let mut alone = whole.clone();
        alone.verification_material.tlog_entries = vec![entry.clone()];
        alone.verification_material.timestamp_verification_data.rfc3161_timestamps.clear();
        proof_or_promise(entry, trust.allow_promise_only)?;
        let verifier = root.verifiers.of_log(root.log(entry)).map_err(|e| unusable(used, e))?;
        note_work(&alone);
        verifier.verify(artifact.clone(), &alone, &policy).map_err(|e| refused(e, &[]))?;
        let (times, logged) = root.logged(entry, false, &trust.witnesses, now)?;
        proven.times.extend(times);
        proven.entries.push(logged);
        proven.uses(used);
        counted.push((root, entry));
    }
    let signature = signature(whole);
    for stamp in &whole.verification_material.timestamp_verification_data.rfc3161_timestamps {
        let token = &stamp.signed_timestamp;
        let Some((used, root)) = with_root(trust, |p| p.stamped_by(token.as_bytes()))? else {
            proven.unchecked.1 += 1;
            continue;
        };
        proven.times.push(root.stamp(token, &signature)?);
        proven.uses(used);
    }
    not_in_future(&proven.times, now)?;
    // The library asks of a log's key only that it has begun to count. What no time is proven for exists now.
    let first = proven.times.iter().map(|t| t.time).min().unwrap_or(now);
    for (root, entry) in counted {
        root.log_valid(entry, first)?;
    }
    Ok(proven)
}

/// Verifies a signature over an artifact's digest. It says who signed and nothing about what: so it gives a signer and
/// never a statement, and no command decides on it.
///
/// # Errors
/// [`VerifyError`].
pub fn message_signature(
    evidence: &[u8],
    artifact: Result<&[u8], &Digest>,
    trust: &TrustMaterial,
    now: Timestamp,
) -> Result<Signer, VerifyError> {
    let ours = read_evidence(evidence)?;
    if ours.envelope().is_some() {
        return Err(VerifyError::UnsupportedMaterial { found: "a signed statement".into() });
    }
    let parsed = parse(&ours, evidence)?;
    let artifact = match artifact {
        Ok(bytes) => Artifact::Blob(bytes),
        Err(d) => digest(d).ok_or_else(|| VerifyError::UnsupportedMaterial { found: d.to_string() })?,
    };
    match (ours.material(), trust.keys.as_slice()) {
        (VerificationMaterial::Certificates(chain), []) => {
            by_certificate(&parsed, chain, &artifact, trust, now).map(|(signer, _)| signer)
        }
        (VerificationMaterial::PublicKey { .. }, [key]) => {
            let policy = PublicKeyVerificationPolicy::new(DerPublicKey::from_bytes(key.spki()));
            let mut refusal = VerifyError::TimestampMissing;
            for root in &trust.roots {
                let verifier = prepared(root)?.verifiers.of_log(None).map_err(|e| unusable(root, e))?;
                match verifier.verify(artifact.clone(), &parsed.bundle, &policy) {
                    Ok(_) => {
                        beside_key(&parsed, key, &artifact, trust, now)?;
                        return Ok(Signer::Key { key: key.clone() });
                    }
                    Err(e) => refusal = refused(e, &[]),
                }
            }
            Err(refusal)
        }
        (VerificationMaterial::Certificates(_), _) => {
            Err(VerifyError::UnsupportedMaterial { found: "a certificate where a key is demanded".into() })
        }
        (VerificationMaterial::PublicKey { .. }, _) => {
            Err(VerifyError::UnsupportedMaterial { found: "a key where a certificate is demanded".into() })
        }
    }
}

/// One bundle against one certificate authority of one root.
struct Attempt<'a> {
    bundle: &'a wire::Bundle,
    root: &'a TrustedRoot,
    prepared: &'a Prepared,
    authority: &'a CertificateAuthority,
    leaf: &'a Leaf,
    der: &'a [u8],
    now: Timestamp,
    promise_only: bool,
    witnesses: &'a [CosignerKey],
}

impl Attempt<'_> {
    fn certificate(&self, artifact: &Artifact<'_>) -> Result<Proven, VerifyError> {
        let material = &self.bundle.verification_material;
        // Who it is that signed is the policy's question, and it has more words than the library: issuers, patterns.
        let mut policy = VerificationPolicy::any_identity();
        let mut bundle = Cow::Borrowed(self.bundle);
        if self.prepared.logs.is_empty() {
            policy = policy.skip_tlog_unsafe();
            // A root without logs asks for no entry and has nothing to check one with.
            bundle.to_mut().verification_material.tlog_entries.clear();
        } else {
            if material.tlog_entries.is_empty() {
                return Err(VerifyError::LogEntryMissing);
            }
            for entry in &material.tlog_entries {
                if self.prepared.log(entry).is_none() {
                    return Err(VerifyError::LogUnknown { log: STANDARD.encode(entry.log_id.key_id.as_bytes()) });
                }
                proof_or_promise(entry, self.promise_only)?;
            }
        }
        if !self.prepared.certificate_logs {
            policy = policy.skip_sct();
        }
        // A timestamp of an authority that this root does not know proves nothing, and is left out where something else
        // proves a time. Where nothing does, it stays, so that the refusal is about it.
        let stamps = &material.timestamp_verification_data.rfc3161_timestamps;
        let timed = material.tlog_entries.iter().any(|e| e.inclusion_promise.is_some());
        let known = |s: &wire::bundle::Rfc3161Timestamp| self.prepared.stamped_by(s.signed_timestamp.as_bytes());
        let counts = |s: &&wire::bundle::Rfc3161Timestamp| known(s) || !(timed || stamps.iter().any(known));
        let known: Vec<_> = stamps.iter().filter(counts).cloned().collect();
        let unknown = stamps.len() - known.len();
        if unknown > 0 {
            bundle.to_mut().verification_material.timestamp_verification_data.rfc3161_timestamps.clone_from(&known);
        }
        let log = self.prepared.only_log(&bundle.verification_material.tlog_entries);
        let verifier = self.authority.verifiers.of_log(log).map_err(|e| unusable(self.root, e))?;
        note_work(&bundle);
        let result = verifier.verify(artifact.clone(), &bundle, &policy).map_err(|e| self.refused(e))?;
        // What was asked for was done: the library says so itself.
        if !result.certificate_verified()
            || result.sct_verified() != self.prepared.certificate_logs
            || result.tlog_verified() == self.prepared.logs.is_empty()
            || result.verified_timestamps().is_empty()
        {
            return Err(VerifyError::TimestampMissing);
        }
        let mut proven = Proven::default();
        proven.unchecked.1 = unknown;
        let signature = signature(self.bundle);
        // The library gives the times of timestamps first, in the order of the bundle, but not whose each is: one that names
        // several authorities is verified once more.
        for (stamp, time) in known.iter().zip(result.verified_timestamps()) {
            let token = &stamp.signed_timestamp;
            proven.times.push(match self.prepared.only_stamper(token.as_bytes()) {
                Some(a) => a.proves(time.as_second()).map_err(|cause| VerifyError::TimestampInvalid { cause })?,
                None => self.prepared.stamp(token, &signature)?,
            });
        }
        if self.prepared.logs.is_empty() {
            proven.unchecked.0 = material.tlog_entries.len();
        } else {
            for entry in &material.tlog_entries {
                let (times, logged) = self.prepared.logged(entry, log.is_none(), self.witnesses, self.now)?;
                proven.times.extend(times);
                proven.entries.push(logged);
            }
        }
        let Some(first) = proven.times.iter().map(|t| t.time).min() else { return Err(VerifyError::TimestampMissing) };
        not_in_future(&proven.times, self.now)?;
        for entry in &material.tlog_entries {
            self.prepared.log_valid(entry, first)?;
        }
        for proven in &proven.times {
            self.authority_valid(proven.time)?;
        }
        Ok(proven)
    }

    /// That every certificate of the authority was valid: the library takes all of them as anchors, and does not check
    /// when an anchor ends.
    fn authority_valid(&self, time: Timestamp) -> Result<(), VerifyError> {
        match self.authority.certificates.iter().find(|c| !c.window.contains(time)) {
            None => Ok(()),
            Some(c) => {
                let cause = format!("one of its certificates is valid {}", c.window);
                Err(VerifyError::AuthorityNotValid { time, cause })
            }
        }
    }

    /// The library's refusal in our words. A chain that ends because a certificate had expired is said as such.
    fn refused(&self, e: Error) -> VerifyError {
        let times: Vec<_> = match &e {
            Error::Certificate(CertificateError::ChainInvalid(_)) => self.claimed_times(),
            _ => Vec::new(),
        };
        if let Some(time) = times.into_iter().find(|t| !self.leaf.window.contains(*t)) {
            return VerifyError::CertificateExpired { time, window: self.leaf.window };
        }
        match e {
            Error::Certificate(CertificateError::ChainInvalid(cause)) => {
                VerifyError::CertificateUntrusted { issuer: certificate::issuer_words(self.der), cause }
            }
            other => refused(other, &[self.leaf.window]),
        }
    }

    /// Times that the bundle claims, for the words of a refusal.
    fn claimed_times(&self) -> Vec<Timestamp> {
        let material = &self.bundle.verification_material;
        let signature = signature(self.bundle);
        let stamps = material.timestamp_verification_data.rfc3161_timestamps.iter();
        let stamps = stamps.filter_map(|s| self.prepared.stamp(&s.signed_timestamp, &signature).ok().map(|t| t.time));
        let logged = material.tlog_entries.iter().filter_map(|e| Timestamp::from_unix(e.integrated_time?.as_second()));
        stamps.chain(logged).collect()
    }
}

/// Counts what the library is about to check of a bundle.
fn note_work(bundle: &wire::Bundle) {
    let material = &bundle.verification_material;
    work::did(Work::Signature, signature(bundle).as_bytes());
    for stamp in &material.timestamp_verification_data.rfc3161_timestamps {
        work::did(Work::Timestamp, stamp.signed_timestamp.as_bytes());
    }
    for proof in material.tlog_entries.iter().filter_map(|e| e.inclusion_proof.as_ref()) {
        work::did(Work::Checkpoint, proof.checkpoint.checkpoint().map_or(&[][..], |c| c.signed_data()));
    }
}

fn prepared(root: &TrustedRoot) -> Result<&Prepared, VerifyError> {
    root.prepared().map_err(|e| unusable(root, e))
}

fn unusable(root: &TrustedRoot, source: RootError) -> VerifyError {
    VerifyError::Root { root: root.origin().to_owned(), source }
}

/// The first root that is wanted.
fn with_root(
    trust: &TrustMaterial,
    wanted: impl Fn(&Prepared) -> bool,
) -> Result<Option<(&TrustedRoot, &Prepared)>, VerifyError> {
    for root in &trust.roots {
        let prepared = prepared(root)?;
        if wanted(prepared) {
            return Ok(Some((root, prepared)));
        }
    }
    Ok(None)
}

/// That an entry is proven to be in its log. A bundle's version is not signed: whoever left the proof out could claim one of
/// a version that had none.
fn proof_or_promise(entry: &TransparencyLogEntry, promise_only: bool) -> Result<(), VerifyError> {
    match (&entry.inclusion_proof, &entry.inclusion_promise) {
        (Some(_), _) => Ok(()),
        (None, Some(_)) if promise_only => Ok(()),
        (None, Some(_)) => Err(VerifyError::LogProofMissing { found: "the log's promise" }),
        (None, None) => Err(VerifyError::LogProofMissing { found: "the entry itself" }),
    }
}

fn not_in_future(times: &[ProvenTime], now: Timestamp) -> Result<(), VerifyError> {
    match times.iter().find(|t| t.time.unix() > now.unix().saturating_add(CLOCK_SKEW)) {
        Some(t) => Err(VerifyError::TimestampInvalid { cause: format!("{} lies in the future of {now}", t.time) }),
        None => Ok(()),
    }
}

fn signature(bundle: &wire::Bundle) -> SignatureBytes {
    match &bundle.content {
        SignatureContent::DsseEnvelope(envelope) => envelope.signature.sig.clone(),
        SignatureContent::MessageSignature(message) => message.signature.clone(),
        _ => SignatureBytes::from_bytes(b""),
    }
}

/// The library's refusal as one of ours, by its type.
fn refused(e: Error, leaf: &[ValidityWindow]) -> VerifyError {
    let time = |t: i64| Timestamp::from_unix(t);
    let cause = e.to_string();
    match e {
        Error::SignatureInvalid(cause) => VerifyError::CertificateSignature { cause },
        // Subjects were bound before: what does not match here is what the log says of the artifact.
        Error::ArtifactMismatch(cause) => VerifyError::LogEntryInvalid { cause },
        Error::Certificate(CertificateError::Malformed(found)) => VerifyError::CertificateMalformed { found },
        Error::Certificate(CertificateError::Sct(cause)) => VerifyError::SctInvalid { cause },
        Error::Certificate(CertificateError::NoValidAuthority { time: t }) => match time(t.as_second()) {
            Some(time) => VerifyError::AuthorityNotValid { time, cause: "none of the root's is".into() },
            None => VerifyError::TimestampInvalid { cause },
        },
        Error::Certificate(
            CertificateError::NotYetValid { time: t, .. } | CertificateError::Expired { time: t, .. },
        ) => match (time(t.as_second()), leaf) {
            (Some(time), [window]) => VerifyError::CertificateExpired { time, window: *window },
            _ => VerifyError::TimestampInvalid { cause },
        },
        Error::TransparencyLog(TransparencyLogError::UnknownLog { log_id }) => VerifyError::LogUnknown { log: log_id },
        Error::TransparencyLog(_) => VerifyError::LogEntryInvalid { cause },
        Error::Timestamp(TimestampError::NoVerifiedTimestamp(_)) => VerifyError::TimestampMissing,
        Error::Timestamp(_) => VerifyError::TimestampInvalid { cause },
        Error::Bundle(ShapeError::MissingInclusionProof(_)) => {
            VerifyError::LogProofMissing { found: "the log's promise" }
        }
        Error::Bundle(ShapeError::MissingInclusionPromise(_)) => {
            VerifyError::LogEntryInvalid { cause: "a bundle of version 0.1 has no promise of its log".into() }
        }
        Error::Bundle(ShapeError::MissingSigningTimeEvidence | ShapeError::MissingTimestamp) => {
            VerifyError::TimestampMissing
        }
        Error::Bundle(
            ShapeError::MissingCheckpoint | ShapeError::LogIndexOutOfRange { .. } | ShapeError::CheckpointRootMismatch,
        ) => VerifyError::LogEntryInvalid { cause },
        Error::UnsupportedArtifact(found) | Error::UnsupportedBundle(found) => {
            VerifyError::UnsupportedMaterial { found }
        }
        Error::Certificate(_) => VerifyError::CertificateUntrusted { issuer: String::new(), cause },
        _ => VerifyError::Evidence(JsonError::Syntax { message: cause }),
    }
}
