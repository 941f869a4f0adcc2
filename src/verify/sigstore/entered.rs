//! Entries of public logs about a text that is no artifact: what Rekor v2 says of the checkpoint of an audit log.

use super::{beside_key, digest, parse};
use crate::model::json::{self, Field, JsonError};
use crate::model::{Digest, Timestamp, bundle, limits};
use crate::trust::{PublicKey, TrustMaterial, TrustedRoot};
use crate::verify::{VerifyError, read_evidence};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// Kind and version of the entries of Rekor v2.
const KIND: [&str; 2] = ["hashedrekord", "0.0.2"];

/// Where a text was entered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entered {
    /// The log's address in the trusted root.
    pub log: String,
    /// The entry's index in it.
    pub index: u64,
}

/// That a log of one of the roots has an entry with a signature of `key` over `message`: the entry (`TransparencyLogEntry`, JSON)
/// is of Rekor v2, its proof of inclusion leads to a checkpoint that the log signed, and the log is in use at `now`, as an entry of
/// Rekor v2 has no time of its own.
///
/// # Errors
/// [`VerifyError`]: what of this is not so.
pub fn entered(
    entry: &[u8],
    (key, message): (&PublicKey, &[u8]),
    roots: &[TrustedRoot],
    now: Timestamp,
) -> Result<Entered, VerifyError> {
    let entry = read(entry).map_err(VerifyError::Evidence)?;
    let signature = signature(&entry)?;
    let evidence = json!({
        "mediaType": bundle::MEDIA_TYPE,
        "verificationMaterial": { "publicKey": { "hint": key.hint() }, "tlogEntries": [entry] },
        "messageSignature": {
            "messageDigest": { "algorithm": "SHA2_256", "digest": STANDARD.encode(Sha256::digest(message)) },
            "signature": STANDARD.encode(signature),
        },
    })
    .to_string();
    let ours = read_evidence(evidence.as_bytes())?;
    let parsed = parse(&ours, evidence.as_bytes())?;
    let artifact = digest(&Digest::sha256(message));
    let artifact = artifact.ok_or_else(|| VerifyError::UnsupportedMaterial { found: "a digest".into() })?;
    let trust = TrustMaterial::of_keys([key.clone()]).with_roots(roots);
    let proven = beside_key(&parsed, key, &artifact, &trust, now).map_err(|e| match e {
        VerifyError::CertificateSignature { .. } => {
            let cause = format!("its signature is not one of the key {} over this text", key.id());
            VerifyError::LogEntryInvalid { cause }
        }
        e => e,
    })?;
    let [found] = proven.entries.as_slice() else {
        let log = Field::root("entry", &entry).need("logId").and_then(|id| id.need("keyId")?.str().map(str::to_owned));
        return Err(VerifyError::LogUnknown { log: log.map_err(VerifyError::Evidence)? });
    };
    let authorities = roots.iter().filter_map(|root| root.authorities().ok()).flatten();
    let named = authorities.into_iter().find(|authority| authority.log_id.as_ref() == Some(&found.log));
    Ok(Entered { log: named.map_or_else(|| found.log.clone(), |a| a.name.clone()), index: found.index })
}

/// Whether an entry of Rekor v2 holds this signature. Nothing is verified by this.
#[must_use]
pub fn holds(entry: &[u8], made: &[u8]) -> bool {
    read(entry).is_ok_and(|entry| signature(&entry).is_ok_and(|found| found == made))
}

fn read(entry: &[u8]) -> Result<Value, JsonError> {
    json::parse(entry, limits::KEPT_ENTRY_BYTES)
}

/// The signature in the body of an entry.
fn signature(entry: &Value) -> Result<Vec<u8>, VerifyError> {
    let entry = Field::root("entry", entry);
    let kind = || -> Result<[String; 2], JsonError> {
        let kind = entry.need("kindVersion")?;
        Ok([kind.need("kind")?.str()?.to_owned(), kind.need("version")?.str()?.to_owned()])
    };
    let kind = kind().map_err(VerifyError::Evidence)?;
    if kind != KIND {
        let found = kind.join(" ").chars().take(80).collect::<String>();
        return Err(VerifyError::UnsupportedMaterial { found: format!("a log entry {found}") });
    }
    let content = || -> Result<Vec<u8>, JsonError> {
        let body = json::parse(&entry.need("canonicalizedBody")?.base64()?, limits::KEPT_ENTRY_BYTES)?;
        let spec = Field::root("body", &body).need("spec")?.need("hashedRekordV002")?;
        spec.need("signature")?.need("content")?.base64()
    };
    content().map_err(VerifyError::Evidence)
}
