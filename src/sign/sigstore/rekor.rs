//! Transparency logs: Rekor v1 (`dsse` 0.0.1 for an envelope, `hashedrekord` 0.0.1 for a file) and Rekor v2
//! (`hashedrekord` 0.0.2 over the digest of what was signed).
//!
//! Which keys a log takes and verifiers then accept: P-256 in both, Ed25519 in v1 (pure; v2 takes none), P-384 in
//! neither with SHA-384. Others are refused before anything is sent, so that no log keeps what nobody can verify.

use crate::model::digest::hex;
use crate::model::json::{self, Field, JsonError};
use crate::model::limits;
use crate::seam::BoxFuture;
use crate::sign::sigstore::service::{Answer, Question};
use crate::sign::{Evidence, EvidenceItem, KeyMaterial, LogVersion, ServiceClient, SignError, Witnessed};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

/// The longest answer.
const LIMIT: usize = limits::SERVICE_BYTES;

/// A transparency log.
pub struct Rekor {
    service: String,
    base: String,
    version: LogVersion,
    client: ServiceClient,
}

impl Rekor {
    /// The log at a base URL.
    #[must_use]
    pub fn new(url: &str, version: LogVersion, client: ServiceClient) -> Self {
        let base = url.trim_end_matches('/').to_owned();
        let name = if version == LogVersion::V1 { "v1" } else { "v2" };
        Self { service: format!("Rekor {name} at {base}"), base, version, client }
    }

    async fn enter(&self, signature: Witnessed<'_>, material: &KeyMaterial) -> Result<Value, SignError> {
        if let KeyMaterial::PublicKey(key) = material {
            self.version.takes(key.algorithm())?;
        }
        match self.version {
            LogVersion::V1 => self.enter_v1(signature, material).await,
            LogVersion::V2 => self.enter_v2(signature, material).await,
        }
    }

    async fn enter_v1(&self, signature: Witnessed<'_>, material: &KeyMaterial) -> Result<Value, SignError> {
        let verifier = match material {
            KeyMaterial::PublicKey(key) => key.to_pem(),
            KeyMaterial::Certificates(chain) => pem("CERTIFICATE", leaf(chain)),
        };
        let verifier = STANDARD.encode(verifier);
        let (kind, spec) = match signature {
            Witnessed::Envelope(envelope) => {
                let content = json!({ "envelope": envelope.to_json().to_string(), "verifiers": [verifier] });
                ("dsse", json!({ "proposedContent": content }))
            }
            Witnessed::Message { digest, signature } => {
                let hash = json!({ "algorithm": "sha256", "value": hex(&digest) });
                let by = json!({ "content": STANDARD.encode(signature), "publicKey": { "content": verifier } });
                ("hashedrekord", json!({ "data": { "hash": hash }, "signature": by }))
            }
        };
        let body = json!({ "apiVersion": "0.0.1", "kind": kind, "spec": spec });
        let answer = self.post("/api/v1/log/entries", &body).await?;
        let entry = match &answer {
            // The log has it: most likely from an earlier try whose answer was lost.
            Answer { status: 409, location: Some(location), .. } => {
                let id = location.rsplit('/').next().unwrap_or_default();
                let url = format!("{}/api/v1/log/entries/{id}", self.base);
                let question = Question { service: &self.service, url: &url, limit: LIMIT, ..Question::default() };
                self.client.ask(&question).await?.success(&self.service)?
            }
            _ => answer.success(&self.service)?,
        };
        from_v1(&entry, kind).map_err(|e| self.malformed(&e))
    }

    async fn enter_v2(&self, signature: Witnessed<'_>, material: &KeyMaterial) -> Result<Value, SignError> {
        let mut verifier = json!({ "keyDetails": "PKIX_ECDSA_P256_SHA_256" });
        match material {
            KeyMaterial::PublicKey(key) => verifier["publicKey"] = json!({ "rawBytes": STANDARD.encode(key.spki()) }),
            KeyMaterial::Certificates(chain) => {
                verifier["x509Certificate"] = json!({ "rawBytes": STANDARD.encode(leaf(chain)) });
            }
        }
        let body = json!({ "hashedRekordRequestV002": {
            "digest": STANDARD.encode(signature.digest()),
            "signature": { "content": STANDARD.encode(signature.signature()), "verifier": verifier },
        } });
        let answer = self.post("/api/v2/log/entries", &body).await?;
        if answer.status == 409 && answer.repeated {
            let cause = "it has this entry from an earlier try, whose answer was lost, and does not give it out again";
            return Err(SignError::Unavailable { service: self.service.clone(), cause: cause.into() });
        }
        let body = answer.success(&self.service)?;
        let entry = json::parse(&body, limits::SERVICE_BYTES).map_err(|e| self.malformed(&e))?;
        let complete = (|| {
            let root = Field::root("entry", &entry);
            root.need("canonicalizedBody")?;
            root.need("inclusionProof")?.need("checkpoint")
        })();
        complete.map_err(|e| self.malformed(&e))?;
        Ok(entry)
    }

    async fn post(&self, path: &str, body: &Value) -> Result<Answer, SignError> {
        let url = format!("{}{path}", self.base);
        let body = Some(("application/json", body.to_string().into_bytes()));
        self.client
            .ask(&Question { service: &self.service, url: &url, body, limit: LIMIT, ..Question::default() })
            .await
    }

    fn malformed(&self, e: &JsonError) -> SignError {
        SignError::Answer { service: self.service.clone(), expected: "a log entry".into(), found: e.to_string() }
    }
}

impl Evidence for Rekor {
    fn name(&self) -> String {
        self.service.clone()
    }

    fn attest<'a>(
        &'a self,
        signature: Witnessed<'a>,
        material: &'a KeyMaterial,
    ) -> BoxFuture<'a, Result<Vec<EvidenceItem>, SignError>> {
        Box::pin(async move {
            let entry = self.enter(signature, material).await.map_err(|e| self.client.harmless(e))?;
            Ok(vec![EvidenceItem::LogEntry(entry)])
        })
    }
}

fn leaf(chain: &[Vec<u8>]) -> &[u8] {
    chain.first().map_or(&[], Vec::as_slice)
}

fn pem(tag: &str, der: &[u8]) -> String {
    pem::encode_config(&pem::Pem::new(tag, der), pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF))
}

/// A log entry as Rekor v1 answers it, in the form that a bundle carries (`sigstore_rekor.proto`).
fn from_v1(answer: &[u8], kind: &str) -> Result<Value, JsonError> {
    let value = json::parse(answer, limits::SERVICE_BYTES)?;
    let root = Field::root("answer", &value);
    let entries = root.object()?;
    let name = entries.keys().next().filter(|_| entries.len() == 1);
    let entry = root.need(name.ok_or_else(|| root.error("one entry", entries.len()))?)?;
    let number = |f: &Field<'_>| f.value().as_u64().map(|n| n.to_string()).ok_or_else(|| f.error("a number", "other"));
    let verification = entry.need("verification")?;
    let proof = verification.need("inclusionProof")?;
    let mut hashes = Vec::new();
    for hash in proof.need("hashes")?.list(256)? {
        hashes.push(unhex(&hash)?);
    }
    let mut out = json!({
        "logIndex": number(&entry.need("logIndex")?)?,
        "logId": { "keyId": unhex(&entry.need("logID")?)? },
        "kindVersion": { "kind": kind, "version": "0.0.1" },
        "integratedTime": number(&entry.need("integratedTime")?)?,
    });
    if let Some(promise) = verification.get("signedEntryTimestamp")? {
        out["inclusionPromise"] = json!({ "signedEntryTimestamp": promise.str()? });
    }
    out["inclusionProof"] = json!({
        "logIndex": number(&proof.need("logIndex")?)?,
        "rootHash": unhex(&proof.need("rootHash")?)?,
        "treeSize": number(&proof.need("treeSize")?)?,
        "hashes": hashes,
        "checkpoint": { "envelope": proof.need("checkpoint")?.str()? },
    });
    out["canonicalizedBody"] = entry.need("body")?.str()?.into();
    Ok(out)
}

/// Hexadecimal as base64.
fn unhex(field: &Field<'_>) -> Result<String, JsonError> {
    let text = field.str()?;
    let pairs: Option<Vec<u8>> = text
        .as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok().filter(|p| p.len() == 2)?, 16).ok())
        .collect();
    pairs.map(|bytes| STANDARD.encode(bytes)).ok_or_else(|| field.error("hexadecimal", text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_of_v1_becomes_one_of_a_bundle() {
        let answer = json!({ "24296f": {
            "body": "e30=", "integratedTime": 1_700_000_000, "logID": "00ff", "logIndex": 0,
            "verification": {
                "signedEntryTimestamp": "c2V0",
                "inclusionProof": { "checkpoint": "o\n1\n", "hashes": ["01", "02"], "logIndex": 0, "rootHash": "aa", "treeSize": 3 },
            },
        } });
        let entry = from_v1(answer.to_string().as_bytes(), "dsse").unwrap();
        assert_eq!(entry["logIndex"], "0");
        assert_eq!(entry["logId"]["keyId"], "AP8=");
        assert_eq!(entry["integratedTime"], "1700000000");
        assert_eq!(entry["inclusionPromise"]["signedEntryTimestamp"], "c2V0");
        assert_eq!(entry["inclusionProof"]["hashes"], json!(["AQ==", "Ag=="]));
        assert_eq!(entry["inclusionProof"]["treeSize"], "3");
        for (good, bad) in [
            ("\"rootHash\":\"aa\"", "\"rootHash\":\"zz\""),
            ("\"inclusionProof\"", "\"proof\""),
            ("\"24296f\"", "\"a\":1,\"b\""),
        ] {
            let text = answer.to_string();
            assert!(text.contains(good));
            assert!(from_v1(text.replacen(good, bad, 1).as_bytes(), "dsse").is_err(), "{bad}");
        }
    }

    #[test]
    fn what_no_verifier_would_accept_is_not_logged() {
        use crate::trust::KeyAlgorithm::{EcdsaP256, EcdsaP384, Ed25519};
        let takes = |v: LogVersion, a| v.takes(a).is_ok();
        assert!(takes(LogVersion::V1, EcdsaP256) && takes(LogVersion::V2, EcdsaP256) && takes(LogVersion::V1, Ed25519));
        assert!(!takes(LogVersion::V2, Ed25519));
        assert!(!takes(LogVersion::V1, EcdsaP384) && !takes(LogVersion::V2, EcdsaP384));
    }
}
