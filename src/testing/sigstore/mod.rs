//! [`Instance`]: a Sigstore instance of a test's own, with an authority, a certificate log, transparency logs and
//! timestamp authorities.
//!
//! It makes certificates, log entries and timestamps as Fulcio, Rekor (both versions) and timestamp authorities do, and
//! wrong ones that they never would.

mod certificate;
mod der;
mod services;
mod tile_log;
mod timestamp;
mod web;

pub use der::text;
pub use services::Request;
pub use tile_log::{TileLog, Witness, hashed_body, vkey};
pub use timestamp::StampAuthority;
pub use web::WebCertificate;

use crate::model::digest::hex;
use crate::model::envelope::{IN_TOTO, pae};
use crate::model::{Envelope, EnvelopeSignature, bundle};
use crate::sign::LocalKey;
use crate::trust::{KeyAlgorithm, PublicKey};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use certificate::{Body, issuing, subject};
use der::{be, extension, oid, sequence, tlv};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// When everything here is signed (seconds since 1970): 2024-06-01, so that it is past on every machine.
pub const SIGNED_AT: i64 = 1_717_200_000;

/// A day in seconds.
const DAY: i64 = 86_400;

/// A Sigstore instance.
#[derive(Debug)]
pub struct Instance {
    /// Name of its authority.
    pub name: String,
    /// From when until when its authority's own certificate is valid.
    pub authority_window: (i64, i64),
    /// The authority's key.
    pub authority: LocalKey,
    /// The certificate log's key.
    pub certificate_log: LocalKey,
    /// The keys of its transparency logs of version 1.
    pub logs: Vec<LocalKey>,
    /// Its transparency logs of version 2.
    pub tile_logs: Vec<TileLog>,
    /// Its timestamp authorities.
    pub stamps: Vec<StampAuthority>,
    /// When what is signed next is logged (seconds since 1970).
    pub logs_at: i64,
    /// Whether its authority has a certificate log.
    pub has_certificate_log: bool,
    /// What its authority's configuration has for the address of a CI system's server (`url`). Its certificates have the claims
    /// of a CI system only where this says it.
    pub address: Option<String>,
}

/// Whom a certificate names; each field is a knob.
#[derive(Clone, Debug)]
pub struct Holder {
    /// Subject alternative names: their tag (0x86 for a URI, 0x81 for an e-mail address) and content.
    pub names: Vec<(u8, Vec<u8>)>,
    /// Claims by last arc, as the extension's bytes.
    pub claims: Vec<(u32, Vec<u8>)>,
    /// Further extensions, each by its object identifier.
    pub more: Vec<(&'static str, Vec<u8>)>,
    /// From when until when the certificate is valid.
    pub window: (i64, i64),
    /// Whether the certificate log vouches for it.
    pub logged: bool,
}

impl Holder {
    /// A holder of this identity, from this issuer.
    #[must_use]
    pub fn new(identity: &str, issuer: &str) -> Self {
        let tag = if identity.contains("://") { 0x86 } else { 0x81 };
        Self {
            names: vec![(tag, identity.into())],
            more: Vec::new(),
            claims: vec![(8, text(issuer))],
            window: (SIGNED_AT - 60, SIGNED_AT + 540),
            logged: true,
        }
    }

    /// The same with one more claim.
    #[must_use]
    pub fn claiming(mut self, arc: u32, value: &str) -> Self {
        self.claims.push((arc, text(value)));
        self
    }
}

impl Instance {
    /// An instance with this many transparency logs of version 1, and nothing else.
    ///
    /// # Panics
    /// When the system makes no keys.
    #[must_use]
    pub fn new(name: &str, logs: usize) -> Self {
        let key = || LocalKey::generate(KeyAlgorithm::EcdsaP256).expect("a key");
        Self {
            name: name.to_owned(),
            authority_window: (SIGNED_AT - 100 * DAY, SIGNED_AT + 1000 * DAY),
            authority: key(),
            certificate_log: key(),
            logs: (0..logs).map(|_| key()).collect(),
            tile_logs: Vec::new(),
            stamps: Vec::new(),
            logs_at: SIGNED_AT,
            has_certificate_log: true,
            address: None,
        }
    }

    /// The same with this many transparency logs of version 2.
    #[must_use]
    pub fn with_tile_logs(mut self, count: usize) -> Self {
        self.tile_logs = (0..count).map(|i| TileLog::new(&format!("tiles{i}.{}.example", self.name))).collect();
        self
    }

    /// The same with this many timestamp authorities.
    #[must_use]
    pub fn with_stamps(mut self, count: usize) -> Self {
        self.stamps = (0..count).map(|i| StampAuthority::new(&format!("stamps{i}.{}", self.name))).collect();
        self
    }

    /// Its trusted root, as JSON.
    #[must_use]
    pub fn root(&self) -> Value {
        let window = json!({ "start": "2024-01-01T00:00:00Z" });
        let log = |key: &LocalKey| {
            json!({
                "baseUrl": "https://log.example",
                "hashAlgorithm": "SHA2_256",
                "publicKey": {
                    "rawBytes": STANDARD.encode(key.public_key().spki()),
                    "keyDetails": "PKIX_ECDSA_P256_SHA_256",
                    "validFor": window,
                },
                "logId": { "keyId": STANDARD.encode(log_id(key)) },
            })
        };
        json!({
            "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "tlogs": self.logs.iter().map(log).chain(self.tile_logs.iter().map(TileLog::root)).collect::<Vec<_>>(),
            "certificateAuthorities": [{
                "subject": { "organization": self.name, "commonName": self.name },
                "uri": "https://ca.example",
                "certChain": { "certificates": [{ "rawBytes": STANDARD.encode(self.certificate()) }] },
                "validFor": window,
            }],
            "ctlogs": self.has_certificate_log.then(|| log(&self.certificate_log)).into_iter().collect::<Vec<_>>(),
            "timestampAuthorities": self.stamps.iter().map(StampAuthority::root).collect::<Vec<_>>(),
        })
    }

    /// The authority's certificate, DER.
    #[must_use]
    pub fn certificate(&self) -> Vec<u8> {
        let (name, key) = (subject(&self.name), &self.authority);
        Body::new(&name, &name, 1, key.public_key(), self.authority_window, issuing()).issued_by(key)
    }

    /// A certificate for a holder's key, DER.
    ///
    /// # Panics
    /// When a field cannot be encoded.
    #[must_use]
    pub fn certify(&self, holder: &Holder, key: &LocalKey) -> Vec<u8> {
        self.certify_public(holder, key.public_key())
    }

    fn certify_public(&self, holder: &Holder, key: &PublicKey) -> Vec<u8> {
        let names: Vec<u8> = holder.names.iter().flat_map(|(tag, name)| tlv(*tag, name)).collect();
        let mut extensions = vec![
            extension("2.5.29.15", true, vec![0x03, 0x02, 0x07, 0x80]),
            extension("2.5.29.37", false, sequence(&[&oid("1.3.6.1.5.5.7.3.3")])),
            extension("2.5.29.17", true, sequence(&[&names])),
        ];
        let claims = holder.claims.iter();
        extensions.extend(claims.map(|(arc, v)| extension(&format!("1.3.6.1.4.1.57264.1.{arc}"), false, v.clone())));
        extensions.extend(holder.more.iter().map(|(id, v)| extension(id, false, v.clone())));
        let mut body = Body::new(&subject(&self.name), "", 1, key, holder.window, extensions);
        if holder.logged {
            let promise = self.certificate_promise(&body.to_der());
            let list = [&be(2, promise.len() + 2), &be(2, promise.len()), &promise[..]].concat();
            let list = extension("1.3.6.1.4.1.11129.2.4.2", false, tlv(0x04, &list));
            body = body.with(list);
        }
        body.issued_by(&self.authority)
    }

    /// Signs a statement as the holder of a fresh certificate and logs it in the first log.
    #[must_use]
    pub fn sign(&self, holder: &Holder, statement: &[u8]) -> Value {
        let key = LocalKey::generate(KeyAlgorithm::EcdsaP256).expect("a key");
        let certificate = self.certify(holder, &key);
        let material = json!({ "certificate": { "rawBytes": STANDARD.encode(&certificate) } });
        self.bundle(&key, statement, material, &pem::Pem::new("CERTIFICATE", certificate))
    }

    /// Signs a statement with a key and logs it in the first log.
    #[must_use]
    pub fn sign_with_key(&self, key: &LocalKey, statement: &[u8]) -> Value {
        let material = json!({ "publicKey": { "hint": key.public_key().hint() } });
        self.bundle(key, statement, material, &pem::Pem::new("PUBLIC KEY", key.public_key().spki()))
    }

    fn bundle(&self, key: &LocalKey, statement: &[u8], material: Value, verifier: &pem::Pem) -> Value {
        let mut bundle = unproven(key, statement, material);
        let body = entry_body(statement, &signature(&bundle), verifier);
        bundle["verificationMaterial"]["tlogEntries"] = json!([self.entry(0, &body)]);
        bundle
    }

    /// Signs a statement as the holder of a fresh certificate, with neither log entry nor timestamp.
    ///
    /// # Panics
    /// When the system makes no key.
    #[must_use]
    pub fn sign_alone(&self, holder: &Holder, statement: &[u8]) -> Value {
        let key = LocalKey::generate(KeyAlgorithm::EcdsaP256).expect("a key");
        let certificate = STANDARD.encode(self.certify(holder, &key));
        unproven(&key, statement, json!({ "certificate": { "rawBytes": certificate } }))
    }

    /// Signs a statement with a key, with neither log entry nor timestamp.
    #[must_use]
    pub fn sign_with_key_alone(&self, key: &LocalKey, statement: &[u8]) -> Value {
        unproven(key, statement, json!({ "publicKey": { "hint": key.public_key().hint() } }))
    }

    /// Adds a timestamp of the bundle's signature by one of its authorities.
    ///
    /// # Panics
    /// When the authority is not there.
    pub fn stamp(&self, bundle: &mut Value, authority: usize, at: i64) {
        let stamp = STANDARD.encode(self.stamps[authority].stamp(&signature(bundle), at));
        let stamps = &mut bundle["verificationMaterial"]["timestampVerificationData"]["rfc3161Timestamps"];
        push(stamps, json!({ "signedTimestamp": stamp }));
    }

    /// Logs the bundle's signature in one of its logs of version 2; `key` made it where no certificate says so.
    ///
    /// # Panics
    /// When the log is not there, or neither certificate nor key is.
    pub fn log_in_tiles(&self, bundle: &mut Value, log: usize, key: Option<&LocalKey>) {
        let certificate = &bundle["verificationMaterial"]["certificate"]["rawBytes"];
        let (verifier, is_certificate) = match (certificate.as_str(), key) {
            (Some(raw), _) => (STANDARD.decode(raw).expect("base64"), true),
            (None, key) => (key.expect("a key").public_key().spki().to_vec(), false),
        };
        let payload = bundle["dsseEnvelope"]["payload"].as_str().expect("a payload");
        let signed = pae(IN_TOTO, &STANDARD.decode(payload).expect("base64"));
        let body = hashed_body(&signed, &signature(bundle), &verifier, is_certificate);
        push(&mut bundle["verificationMaterial"]["tlogEntries"], self.tile_logs[log].entry(&body));
    }

    /// The entry of a body in one of the logs: with proof, checkpoint and promise.
    ///
    /// # Panics
    /// When the log is not there.
    #[must_use]
    pub fn entry(&self, log: usize, body: &[u8]) -> Value {
        let key = &self.logs[log];
        let (id, at) = (log_id(key), self.logs_at);
        let encoded = STANDARD.encode(body);
        let promise = format!(r#"{{"body":"{encoded}","integratedTime":{at},"logID":"{}","logIndex":7}}"#, hex(&id));
        let sign = |bytes: &[u8]| key.sign_bytes(bytes).expect("a signature");
        let leaf = Sha256::digest([&[0], body].concat());
        let note = format!("log.example\n1\n{}\n", STANDARD.encode(leaf));
        let signature = STANDARD.encode([&id[..4], &sign(note.as_bytes())].concat());
        json!({
            "logIndex": "7",
            "logId": { "keyId": STANDARD.encode(id) },
            "kindVersion": { "kind": "dsse", "version": "0.0.1" },
            "integratedTime": at.to_string(),
            "inclusionPromise": { "signedEntryTimestamp": STANDARD.encode(sign(promise.as_bytes())) },
            "inclusionProof": {
                "logIndex": "0", "treeSize": "1", "rootHash": STANDARD.encode(leaf), "hashes": [],
                "checkpoint": { "envelope": format!("{note}\n\u{2014} log.example {signature}\n") },
            },
            "canonicalizedBody": encoded,
        })
    }

    /// What the certificate log promises about a certificate (RFC 6962 section 3.2).
    fn certificate_promise(&self, body: &[u8]) -> Vec<u8> {
        let when = be(8, usize::try_from((SIGNED_AT - 60) * 1000).expect("a time"));
        let issuer = Sha256::digest(self.authority.public_key().spki());
        let signed = [&[0, 0], &when[..], &[0, 1], &issuer[..], &be(3, body.len()), body, &[0, 0]].concat();
        let signature = self.certificate_log.sign_bytes(&signed).expect("a signature");
        let id = log_id(&self.certificate_log);
        [&[0], &id[..], &when, &[0, 0], &[4, 3], &be(2, signature.len()), &signature].concat()
    }
}

/// The body of a log entry about one signature (`dsse` 0.0.1).
#[must_use]
pub fn entry_body(statement: &[u8], signature: &[u8], verifier: &pem::Pem) -> Vec<u8> {
    let digest = |bytes: &[u8]| json!({ "algorithm": "sha256", "value": hex(&Sha256::digest(bytes)) });
    let verifier = pem::encode_config(verifier, pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF));
    json!({
        "apiVersion": "0.0.1",
        "kind": "dsse",
        "spec": {
            "envelopeHash": digest(b"the envelope as it was sent"),
            "payloadHash": digest(statement),
            "signatures": [{ "signature": STANDARD.encode(signature), "verifier": STANDARD.encode(verifier) }],
        },
    })
    .to_string()
    .into_bytes()
}

/// Id of a log: the digest of its key.
#[must_use]
pub fn log_id(key: &LocalKey) -> [u8; 32] {
    Sha256::digest(key.public_key().spki()).into()
}

fn unproven(key: &LocalKey, statement: &[u8], material: Value) -> Value {
    let sig = key.sign_bytes(&pae(IN_TOTO, statement)).expect("a signature");
    let envelope = Envelope::new(IN_TOTO, statement.to_vec(), EnvelopeSignature { sig, keyid: String::new() });
    json!({ "mediaType": bundle::MEDIA_TYPE, "verificationMaterial": material, "dsseEnvelope": envelope.to_json() })
}

/// The one signature of a bundle's envelope.
fn signature(bundle: &Value) -> Vec<u8> {
    let base64 = bundle["dsseEnvelope"]["signatures"][0]["sig"].as_str().expect("a signature");
    STANDARD.decode(base64).expect("base64")
}

fn push(list: &mut Value, item: Value) {
    match list.as_array_mut() {
        Some(list) => list.push(item),
        None => *list = json!([item]),
    }
}
