//! What the logs and timestamp authorities of one root prove, beyond what the sigstore library looks at.

use super::VerifyError;
use super::certificate;
use super::statement::{LogEntry, ProvenTime, TimeSource};
use crate::model::Timestamp;
use crate::tlog::{CosignerKey, Line};
use crate::trust::{Prepared, StampAuthority};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use sigstore_verify::crypto::VerificationKey;
use sigstore_verify::tsa::verify_timestamp_for_authority;
use sigstore_verify::types::{DerPublicKey, KindVersion, SignatureBytes, TimestampToken, TransparencyLogEntry};

/// How far the time of a cosignature may lie ahead of the verifier's clock (seconds).
const CLOCK_SKEW: u64 = 300;

impl Prepared {
    /// Position of the log that an entry names.
    pub(super) fn log(&self, entry: &TransparencyLogEntry) -> Option<usize> {
        self.logs.iter().position(|(id, _)| id == entry.log_id.key_id.as_bytes())
    }

    /// What a verified entry proves, and which of `witnesses` cosigned its checkpoint. The library takes a checkpoint by
    /// any log of the root whose short hint fits; it must be by the log that the entry names, or one log could pass for
    /// two.
    pub(super) fn logged(
        &self,
        entry: &TransparencyLogEntry,
        witnesses: &[CosignerKey],
        now: Timestamp,
    ) -> Result<(Option<ProvenTime>, LogEntry), VerifyError> {
        let id = entry.log_id.key_id.as_bytes();
        let log = STANDARD.encode(id);
        let mut seen = Vec::new();
        if let Some(proof) = &entry.inclusion_proof {
            let key = self.log(entry).and_then(|i| self.log_keys.get(i)).map(|k| DerPublicKey::from_bytes(k));
            let key = key.and_then(|k| VerificationKey::from_spki(&k).ok());
            let signed = proof.checkpoint.checkpoint().filter(|c| {
                c.signatures()
                    .iter()
                    .filter(|s| id.starts_with(s.key_id.as_bytes()))
                    .any(|s| key.as_ref().is_some_and(|k| k.verify(c.signed_data(), &s.signature).is_ok()))
            });
            let Some(checkpoint) = signed else {
                let cause = "its checkpoint is not signed by the log that it names".to_owned();
                return Err(VerifyError::LogEntryInvalid { cause });
            };
            let lines = checkpoint.signatures().iter().map(|s| Line {
                name: &s.name,
                id: *s.key_id.as_bytes(),
                signature: s.signature.as_bytes().to_vec(),
            });
            let lines: Vec<_> = lines.collect();
            let text = std::str::from_utf8(checkpoint.signed_data()).unwrap_or_default();
            // A cosignature of a time that is yet to come is none.
            let latest = u64::try_from(now.unix()).unwrap_or(0).saturating_add(CLOCK_SKEW);
            let by = |w: &&CosignerKey| lines.iter().any(|l| w.cosigned(text, l).is_some_and(|time| time <= latest));
            seen = witnesses.iter().filter(by).cloned().collect();
        }
        let old = entry.kind_version != KindVersion::HashedRekordV002 && entry.inclusion_promise.is_some();
        let time = entry.integrated_time.filter(|_| old).and_then(|t| Timestamp::from_unix(t.as_second()));
        let time = time.map(|time| ProvenTime { time, source: TimeSource::Log(log.clone()) });
        let promise_only = entry.inclusion_proof.is_none();
        Ok((time, LogEntry { log, index: entry.log_index.get(), promise_only, witnesses: seen }))
    }

    /// That the log of an entry was in use at a time.
    pub(super) fn log_valid(&self, entry: &TransparencyLogEntry, time: Timestamp) -> Result<(), VerifyError> {
        match self.log(entry).and_then(|i| self.logs.get(i)) {
            Some((_, window)) if !window.contains(time) => {
                let cause = format!("its log counts {window}; the signature existed at {time}");
                Err(VerifyError::LogEntryInvalid { cause })
            }
            _ => Ok(()),
        }
    }

    /// Whether a timestamp names one of the root's authorities as its signer: a token carries the issuer and serial
    /// number of its signer's certificate in plain DER.
    pub(super) fn stamped_by(&self, token: &[u8]) -> bool {
        self.timestamp_authorities.iter().any(|a| {
            certificate::issuer_and_serial(a.authority.leaf.as_bytes())
                .is_some_and(|name| token.windows(name.len()).any(|w| w == name))
        })
    }

    /// The time that a timestamp proves. The library takes the last certificate of an authority's chain as an anchor, and
    /// of an anchor nobody asks when it ends.
    pub(super) fn stamp(&self, token: &TimestampToken, signature: &SignatureBytes) -> Result<ProvenTime, VerifyError> {
        let mut cause = "the trusted root has no timestamp authority".to_owned();
        for StampAuthority { name, authority, windows } in &self.timestamp_authorities {
            match verify_timestamp_for_authority(token, signature, authority) {
                Ok(time) => {
                    let Some(time) = Timestamp::from_unix(time.as_second()) else { continue };
                    if let Some(window) = windows.iter().find(|w| !w.contains(time)) {
                        cause = format!("it is of {time}; one of its authority's certificates is valid {window}");
                        continue;
                    }
                    return Ok(ProvenTime { time, source: TimeSource::TimestampAuthority(name.clone()) });
                }
                Err(e) => cause = e.to_string(),
            }
        }
        Err(VerifyError::TimestampInvalid { cause })
    }
}
