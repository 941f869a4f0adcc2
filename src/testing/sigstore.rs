//! [`Instance`]: a Sigstore instance of a test's own, with an authority, a certificate log and transparency logs.
//!
//! It makes certificates and log entries as Fulcio and Rekor (version 1) do, and wrong ones that they never would.

use crate::model::digest::hex;
use crate::model::envelope::{IN_TOTO, pae};
use crate::model::{Envelope, EnvelopeSignature, bundle};
use crate::sign::LocalKey;
use crate::trust::KeyAlgorithm;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::str::FromStr as _;
use std::time::Duration;
use x509_cert::der::asn1::{BitString, ObjectIdentifier, OctetString, UtcTime};
use x509_cert::der::{Decode as _, Encode as _};
use x509_cert::ext::Extension;
use x509_cert::name::Name;
use x509_cert::spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned};
use x509_cert::time::{Time, Validity};
use x509_cert::{Certificate, TbsCertificate, Version};

/// When everything here is signed (seconds since 1970): 2024-06-01, so that it is past on every machine.
pub const SIGNED_AT: i64 = 1_717_200_000;

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
    /// The transparency logs' keys.
    pub logs: Vec<LocalKey>,
}

/// Whom a certificate names; each field is a knob.
#[derive(Clone, Debug)]
pub struct Holder {
    /// Subject alternative names: their tag (0x86 for a URI, 0x81 for an e-mail address) and text.
    pub names: Vec<(u8, String)>,
    /// Claims by last arc, as the extension's bytes.
    pub claims: Vec<(u32, Vec<u8>)>,
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
            names: vec![(tag, identity.to_owned())],
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
    /// An instance with this many transparency logs.
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
        }
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
            "tlogs": self.logs.iter().map(log).collect::<Vec<_>>(),
            "certificateAuthorities": [{
                "subject": { "organization": self.name, "commonName": self.name },
                "uri": "https://ca.example",
                "certChain": { "certificates": [{ "rawBytes": STANDARD.encode(self.certificate()) }] },
                "validFor": window,
            }],
            "ctlogs": [log(&self.certificate_log)],
            "timestampAuthorities": [],
        })
    }

    /// The authority's certificate, DER.
    #[must_use]
    pub fn certificate(&self) -> Vec<u8> {
        let extensions = vec![
            extension("2.5.29.19", true, vec![0x30, 0x03, 0x01, 0x01, 0xff]),
            extension("2.5.29.15", true, vec![0x03, 0x02, 0x02, 0x04]),
        ];
        let key = &self.authority;
        self.issue(self.body(&self.subject(), key, self.authority_window, extensions))
    }

    /// A certificate for a holder's key, DER.
    ///
    /// # Panics
    /// When a field cannot be encoded.
    #[must_use]
    pub fn certify(&self, holder: &Holder, key: &LocalKey) -> Vec<u8> {
        let names: Vec<u8> = holder.names.iter().flat_map(|(tag, name)| tlv(*tag, name.as_bytes())).collect();
        let mut extensions = vec![
            extension("2.5.29.15", true, vec![0x03, 0x02, 0x07, 0x80]),
            extension("2.5.29.37", false, tlv(0x30, &tlv(0x06, &[0x2b, 6, 1, 5, 5, 7, 3, 3]))),
            extension("2.5.29.17", true, tlv(0x30, &names)),
        ];
        let claims = holder.claims.iter();
        extensions.extend(claims.map(|(arc, v)| extension(&format!("1.3.6.1.4.1.57264.1.{arc}"), false, v.clone())));
        let mut body = self.body("", key, holder.window, extensions);
        if holder.logged {
            let promise = self.certificate_promise(&body.to_der().expect("DER"));
            let list = [&be(2, promise.len() + 2), &be(2, promise.len()), &promise[..]].concat();
            let list = extension("1.3.6.1.4.1.11129.2.4.2", false, tlv(0x04, &list));
            body.extensions.get_or_insert_default().push(list);
        }
        self.issue(body)
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

    fn bundle(&self, key: &LocalKey, statement: &[u8], mut material: Value, verifier: &pem::Pem) -> Value {
        let sig = key.sign_bytes(&pae(IN_TOTO, statement)).expect("a signature");
        let body = entry_body(statement, &sig, verifier);
        material["tlogEntries"] = json!([self.entry(0, &body)]);
        let envelope = Envelope::new(IN_TOTO, statement.to_vec(), EnvelopeSignature { sig, keyid: String::new() });
        json!({ "mediaType": bundle::MEDIA_TYPE, "verificationMaterial": material, "dsseEnvelope": envelope.to_json() })
    }

    /// The entry of a body in one of the logs: with proof, checkpoint and promise.
    ///
    /// # Panics
    /// When the log is not there.
    #[must_use]
    pub fn entry(&self, log: usize, body: &[u8]) -> Value {
        let key = &self.logs[log];
        let id = log_id(key);
        let encoded = STANDARD.encode(body);
        let promise =
            format!(r#"{{"body":"{encoded}","integratedTime":{SIGNED_AT},"logID":"{}","logIndex":7}}"#, hex(&id));
        let sign = |bytes: &[u8]| key.sign_bytes(bytes).expect("a signature");
        let leaf = Sha256::digest([&[0], body].concat());
        let note = format!("log.example\n1\n{}\n", STANDARD.encode(leaf));
        let signature = STANDARD.encode([&id[..4], &sign(note.as_bytes())].concat());
        json!({
            "logIndex": "7",
            "logId": { "keyId": STANDARD.encode(id) },
            "kindVersion": { "kind": "dsse", "version": "0.0.1" },
            "integratedTime": SIGNED_AT.to_string(),
            "inclusionPromise": { "signedEntryTimestamp": STANDARD.encode(sign(promise.as_bytes())) },
            "inclusionProof": {
                "logIndex": "0", "treeSize": "1", "rootHash": STANDARD.encode(leaf), "hashes": [],
                "checkpoint": { "envelope": format!("{note}\n\u{2014} log.example {signature}\n") },
            },
            "canonicalizedBody": encoded,
        })
    }

    fn subject(&self) -> String {
        format!("CN={0},O={0}", self.name)
    }

    fn body(&self, subject: &str, key: &LocalKey, window: (i64, i64), extensions: Vec<Extension>) -> TbsCertificate {
        let time = |seconds: i64| {
            let since = Duration::from_secs(u64::try_from(seconds).expect("a time after 1970"));
            Time::UtcTime(UtcTime::from_unix_duration(since).expect("a time before 2050"))
        };
        TbsCertificate {
            version: Version::V3,
            serial_number: x509_cert::serial_number::SerialNumber::new(&[1]).expect("a number"),
            signature: ecdsa_with_sha256(),
            issuer: Name::from_str(&self.subject()).expect("a name"),
            validity: Validity { not_before: time(window.0), not_after: time(window.1) },
            subject: if subject.is_empty() { Name::default() } else { Name::from_str(subject).expect("a name") },
            subject_public_key_info: SubjectPublicKeyInfoOwned::from_der(key.public_key().spki()).expect("a key"),
            issuer_unique_id: None,
            subject_unique_id: None,
            extensions: Some(extensions),
        }
    }

    fn issue(&self, body: TbsCertificate) -> Vec<u8> {
        let signature = self.authority.sign_bytes(&body.to_der().expect("DER")).expect("a signature");
        let certificate = Certificate {
            tbs_certificate: body,
            signature_algorithm: ecdsa_with_sha256(),
            signature: BitString::from_bytes(&signature).expect("bits"),
        };
        certificate.to_der().expect("DER")
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

/// A claim's value: DER of a UTF8String.
#[must_use]
pub fn text(value: &str) -> Vec<u8> {
    tlv(0x0c, value.as_bytes())
}

fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = match content.len() {
        short @ 0..0x80 => vec![short as u8],
        middle @ 0x80..0x100 => vec![0x81, middle as u8],
        long => [&[0x82], &be(2, long)[..]].concat(),
    };
    [&[tag], &length[..], content].concat()
}

/// The last `count` bytes of a number, big end first.
fn be(count: usize, number: usize) -> Vec<u8> {
    (number as u64).to_be_bytes()[8 - count..].to_vec()
}

fn extension(oid: &str, critical: bool, value: Vec<u8>) -> Extension {
    Extension {
        extn_id: ObjectIdentifier::new(oid).expect("an object identifier"),
        critical,
        extn_value: OctetString::new(value).expect("bytes"),
    }
}

fn ecdsa_with_sha256() -> AlgorithmIdentifierOwned {
    AlgorithmIdentifierOwned { oid: ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2"), parameters: None }
}
