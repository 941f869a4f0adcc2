//! The services of an [`Instance`], as they answer requests: Fulcio, Rekor in both versions, a timestamp authority. They take no
//! clock: everything was signed at [`SIGNED_AT`].

use super::tile_log::digest_body;
use super::{Holder, Instance, SIGNED_AT, entry_body};
use crate::model::digest::hex;
use crate::trust::PublicKey;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

/// A request to one of them.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Its path.
    pub path: &'a str,
    /// Its body.
    pub body: &'a [u8],
}

impl Instance {
    /// The body of the answer; none for what is no sound request to a service of a Sigstore instance.
    #[must_use]
    pub fn answer(&self, request: Request<'_>) -> Option<Vec<u8>> {
        match request.path {
            "/api/v2/signingCert" => self.certified(request.body),
            "/api/v1/log/entries" => self.logged(request.body),
            "/api/v2/log/entries" => self.tiled(request.body),
            "/api/v1/timestamp" => self.stamps.first()?.answer(request.body, SIGNED_AT),
            _ => None,
        }
    }

    /// A certificate for whom the token names: its e-mail address or its subject.
    fn certified(&self, body: &[u8]) -> Option<Vec<u8>> {
        let request: Value = serde_json::from_slice(body).ok()?;
        let token = request.pointer("/credentials/oidcIdentityToken")?.as_str()?;
        let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
        let claims: Value = serde_json::from_slice(&claims).ok()?;
        let identity = claims.get("email").or_else(|| claims.get("sub"))?.as_str()?;
        let key = request.pointer("/publicKeyRequest/publicKey/content")?.as_str()?;
        let key = PublicKey::from_pem(key.as_bytes()).ok()?;
        let mut holder = Holder::new(identity, claims.get("iss")?.as_str()?);
        if let Some(url) = &self.address {
            holder = of_job(holder, url, &claims);
        }
        holder.logged = self.has_certificate_log;
        let leaf = self.certify_public(&holder, &key);
        let chain = [leaf, self.certificate()].map(|der| pem::encode(&pem::Pem::new("CERTIFICATE", der)));
        let chain = json!({ "certificates": chain });
        let answer = match self.has_certificate_log {
            true => json!({ "signedCertificateEmbeddedSct": { "chain": chain } }),
            // As Fulcio answers without a log: the promise that is not there is empty.
            false => json!({ "signedCertificateDetachedSct": { "chain": chain, "signedCertificateTimestamp": "" } }),
        };
        Some(answer.to_string().into_bytes())
    }

    /// An entry for an envelope or for a file's digest, as the log's own interface gives it: numbers, and hexadecimal.
    fn logged(&self, body: &[u8]) -> Option<Vec<u8>> {
        let request: Value = serde_json::from_slice(body).ok()?;
        if request.get("kind")? == "hashedrekord" {
            // The log keeps what it was sent.
            return self.given_out(body);
        }
        let content = request.pointer("/spec/proposedContent")?;
        let envelope: Value = serde_json::from_str(content.get("envelope")?.as_str()?).ok()?;
        let bytes = |v: &Value| STANDARD.decode(v.as_str()?).ok();
        let statement = bytes(envelope.get("payload")?)?;
        let signature = bytes(envelope.pointer("/signatures/0/sig")?)?;
        let verifier = pem::parse(bytes(content.pointer("/verifiers/0")?)?).ok()?;
        self.given_out(&entry_body(&statement, &signature, &verifier))
    }

    /// An entry of the first log of version 2, for the digest of what a key or the holder of a certificate signed.
    fn tiled(&self, body: &[u8]) -> Option<Vec<u8>> {
        let request: Value = serde_json::from_slice(body).ok()?;
        let request = request.get("hashedRekordRequestV002")?;
        let bytes = |pointer: &str| STANDARD.decode(request.pointer(pointer)?.as_str()?).ok();
        let (key, certificate) =
            ("/signature/verifier/publicKey/rawBytes", "/signature/verifier/x509Certificate/rawBytes");
        let (verifier, is_certificate) = match bytes(certificate) {
            Some(certificate) => (certificate, true),
            None => (bytes(key)?, false),
        };
        let body = digest_body(&bytes("/digest")?, &bytes("/signature/content")?, &verifier, is_certificate);
        Some(self.tile_logs.first()?.entry(&body).to_string().into_bytes())
    }

    fn given_out(&self, body: &[u8]) -> Option<Vec<u8>> {
        let bytes = |v: &Value| STANDARD.decode(v.as_str()?).ok();
        let entry = self.entry(0, body);
        let unbase64 = |pointer: &str| entry.pointer(pointer).and_then(bytes).map(|b| hex(&b));
        let number = |pointer: &str| entry.pointer(pointer)?.as_str()?.parse::<u64>().ok();
        let answer = json!({ "24296fb24b8ad77a": {
            "body": entry["canonicalizedBody"],
            "integratedTime": number("/integratedTime")?,
            "logID": unbase64("/logId/keyId")?,
            "logIndex": number("/logIndex")?,
            "verification": {
                "signedEntryTimestamp": entry["inclusionPromise"]["signedEntryTimestamp"],
                "inclusionProof": {
                    "checkpoint": entry["inclusionProof"]["checkpoint"]["envelope"],
                    "hashes": [],
                    "logIndex": number("/inclusionProof/logIndex")?,
                    "rootHash": unbase64("/inclusionProof/rootHash")?,
                    "treeSize": number("/inclusionProof/treeSize")?,
                },
            },
        } });
        Some(answer.to_string().into_bytes())
    }
}

/// A holder with the claims of a job of GitLab or GitHub, whose server an authority takes to be at `url`.
fn of_job(holder: Holder, url: &str, claims: &Value) -> Holder {
    let text = |name: &str| match claims.get(name) {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => String::new(),
    };
    let rows = if claims.get("ci_config_ref_uri").is_some() {
        let (config, project) = (format!("https://{}", text("ci_config_ref_uri")), text("project_path"));
        vec![
            (9, config.clone()),
            (11, text("runner_environment")),
            (12, format!("{url}/{project}")),
            (13, text("sha")),
            (14, format!("refs/heads/{}", text("ref"))),
            (15, text("project_id")),
            (17, text("namespace_id")),
            (18, config),
            (20, text("pipeline_source")),
            (21, format!("{url}/{project}/-/jobs/{}", text("job_id"))),
        ]
    } else if claims.get("job_workflow_ref").is_some() {
        vec![(9, format!("{url}/{}", text("job_workflow_ref")))]
    } else {
        Vec::new()
    };
    rows.iter().fold(holder, |holder, (arc, value)| holder.claiming(*arc, value))
}
