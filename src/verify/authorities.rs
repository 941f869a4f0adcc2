//! What the logs and timestamp authorities of one root prove, beyond what the sigstore library looks at.

use super::VerifyError;
use super::statement::{LogEntry, ProvenTime, TimeSource};
use crate::model::Timestamp;
use crate::model::work::{self, Work};
use crate::tlog::{CosignerKey, Line};
use crate::trust::timestamp::{StampResponse, issuer_and_serial};
use crate::trust::{Prepared, StampAuthority, TrustedRoot};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use sigstore_verify::crypto::Checkpoint;
use sigstore_verify::tsa::verify_timestamp_for_authority;
use sigstore_verify::types::{KindVersion, SignatureBytes, TimestampToken, TransparencyLogEntry};

/// How far the time of a cosignature may lie ahead of the verifier's clock (seconds).
const CLOCK_SKEW: u64 = 300;

/// The time that a timestamp over a message proves, by an authority of a root.
///
/// # Errors
/// When it is over something else, by nobody whom the root names, or outside of the time in which they count.
pub fn stamp_time(root: &TrustedRoot, token: &[u8], message: &[u8]) -> Result<ProvenTime, VerifyError> {
    let prepared = root.prepared().map_err(|source| VerifyError::Root { root: root.origin().to_owned(), source })?;
    prepared.stamp(&TimestampToken::from_bytes(token), &SignatureBytes::from_bytes(message))
}

impl Prepared {
    /// Position of the log that an entry names.
    pub(super) fn log(&self, entry: &TransparencyLogEntry) -> Option<usize> {
        self.logs.iter().position(|(id, _)| id == entry.log_id.key_id.as_bytes())
    }

    /// The log that all of these entries name; none where they name several.
    pub(super) fn only_log(&self, entries: &[TransparencyLogEntry]) -> Option<usize> {
        let log = self.log(entries.first()?)?;
        entries.iter().all(|e| self.log(e) == Some(log)).then_some(log)
    }

    /// What a verified entry proves, and which of `witnesses` cosigned its checkpoint. Where the library verified it with the
    /// keys of several logs (`among_several`), the checkpoint may be by any of them whose short hint fits: it must be by the
    /// log that the entry names, or one log could pass for two.
    pub(super) fn logged(
        &self,
        entry: &TransparencyLogEntry,
        among_several: bool,
        witnesses: &[CosignerKey],
        now: Timestamp,
    ) -> Result<(Option<ProvenTime>, LogEntry), VerifyError> {
        let id = entry.log_id.key_id.as_bytes();
        let log = STANDARD.encode(id);
        let mut seen = Vec::new();
        if let Some(proof) = &entry.inclusion_proof {
            let signed = proof.checkpoint.checkpoint().filter(|c| !among_several || self.is_signed_by_log(c, entry));
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

    /// Whether a checkpoint is signed by the log that an entry names.
    fn is_signed_by_log(&self, checkpoint: &Checkpoint, entry: &TransparencyLogEntry) -> bool {
        work::did(Work::Checkpoint, checkpoint.signed_data());
        let id = entry.log_id.key_id.as_bytes();
        let Some(key) = self.log(entry).and_then(|i| self.log_keys.get(i)?.as_ref()) else { return false };
        let mut signatures = checkpoint.signatures().iter().filter(|s| id.starts_with(s.key_id.as_bytes()));
        signatures.any(|s| key.verify(checkpoint.signed_data(), &s.signature).is_ok())
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

    /// Whether a timestamp names one of the root's authorities as its signer.
    pub(super) fn stamped_by(&self, token: &[u8]) -> bool {
        self.stampers(token).next().is_some()
    }

    /// The one authority of the root that a timestamp names as its signer; none where it names several.
    pub(super) fn only_stamper(&self, token: &[u8]) -> Option<&StampAuthority> {
        let mut named = self.stampers(token);
        named.next().filter(|_| named.next().is_none())
    }

    /// What cannot be read may be by any of them: then the library says why it is none.
    fn stampers<'s>(&'s self, token: &[u8]) -> impl Iterator<Item = &'s StampAuthority> {
        let signers = StampResponse::read(token).map(|response| response.signers().collect::<Vec<_>>());
        let names = move |name: Option<Vec<u8>>| match &signers {
            Ok(signers) => name.is_some_and(|name| signers.contains(&name)),
            Err(_) => true,
        };
        self.timestamp_authorities.iter().filter(move |a| names(issuer_and_serial(a.authority.leaf.as_bytes())))
    }

    /// The time that a timestamp proves.
    pub(super) fn stamp(&self, token: &TimestampToken, signature: &SignatureBytes) -> Result<ProvenTime, VerifyError> {
        let mut cause = "the trusted root has no timestamp authority".to_owned();
        for authority in &self.timestamp_authorities {
            work::did(Work::Timestamp, token.as_bytes());
            match verify_timestamp_for_authority(token, signature, &authority.authority) {
                Ok(time) => match authority.proves(time.as_second()) {
                    Ok(proven) => return Ok(proven),
                    Err(why) => cause = why,
                },
                Err(e) => cause = e.to_string(),
            }
        }
        Err(VerifyError::TimestampInvalid { cause })
    }
}

impl StampAuthority {
    /// The time of a timestamp of this authority, which was verified. The library takes the last certificate of an
    /// authority's chain as an anchor, and does not check when an anchor ends: this does.
    pub(super) fn proves(&self, seconds: i64) -> Result<ProvenTime, String> {
        let time = Timestamp::from_unix(seconds).ok_or("its time is none that can be written")?;
        match self.windows.iter().find(|w| !w.contains(time)) {
            None => Ok(ProvenTime { time, source: TimeSource::TimestampAuthority(self.name.clone()) }),
            Some(window) => Err(format!("it is of {time}; one of its authority's certificates is valid {window}")),
        }
    }
}
