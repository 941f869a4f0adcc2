//! [`TileLog`]: a transparency log of version 2 (Rekor on tiles) of a test's own, and [`Witness`]es of its checkpoints.

use crate::sign::LocalKey;
use crate::trust::KeyAlgorithm;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// A log of hashes and signatures (`hashedrekord` 0.0.2). It signs checkpoints and promises nothing.
#[derive(Debug)]
pub struct TileLog {
    /// Origin line of its checkpoints, and the name that its signature carries.
    pub origin: String,
    /// Its Ed25519 key.
    pub key: LocalKey,
    /// How many entries it has; the one that is asked for is the last but one.
    pub size: usize,
}

impl TileLog {
    /// A log of five entries.
    ///
    /// # Panics
    /// When the system makes no key.
    #[must_use]
    pub fn new(origin: &str) -> Self {
        Self { origin: origin.to_owned(), key: LocalKey::generate(KeyAlgorithm::Ed25519).expect("a key"), size: 5 }
    }

    /// Its id: the whole digest of which a checkpoint's key id is the start (C2SP signed-note).
    #[must_use]
    pub fn id(&self) -> [u8; 32] {
        key_id(&self.origin, 0x01, &self.key)
    }

    /// How it stands in a trusted root (`tlogs`).
    #[must_use]
    pub fn root(&self) -> Value {
        json!({
            "baseUrl": format!("https://{}", self.origin),
            "hashAlgorithm": "SHA2_256",
            "publicKey": {
                "rawBytes": STANDARD.encode(self.key.public_key().spki()),
                "keyDetails": "PKIX_ED25519",
                "validFor": { "start": "2024-01-01T00:00:00Z" },
            },
            "logId": { "keyId": STANDARD.encode(self.id()) },
        })
    }

    /// The entry of a body, with its proof of inclusion and a checkpoint.
    #[must_use]
    pub fn entry(&self, body: &[u8]) -> Value {
        let index = self.size.saturating_sub(2);
        let leaf = |i: usize| if i == index { leaf_hash(body) } else { leaf_hash(format!("entry {i}").as_bytes()) };
        let leaves: Vec<_> = (0..self.size).map(leaf).collect();
        let root = root_of(&leaves);
        json!({
            "logIndex": index.to_string(),
            "logId": { "keyId": STANDARD.encode(self.id()) },
            "kindVersion": { "kind": "hashedrekord", "version": "0.0.2" },
            "inclusionProof": {
                "logIndex": index.to_string(),
                "treeSize": self.size.to_string(),
                "rootHash": STANDARD.encode(root),
                "hashes": proof_of(&leaves, index).iter().map(|h| STANDARD.encode(h)).collect::<Vec<_>>(),
                "checkpoint": { "envelope": self.checkpoint(&root) },
            },
            "canonicalizedBody": STANDARD.encode(body),
        })
    }

    /// A checkpoint over a root hash, signed by the log alone.
    ///
    /// # Panics
    /// When the key does not sign.
    #[must_use]
    pub fn checkpoint(&self, root: &[u8]) -> String {
        let note = format!("{}\n{}\n{}\n", self.origin, self.size, STANDARD.encode(root));
        let signature = self.key.sign_bytes(note.as_bytes()).expect("a signature");
        format!("{note}\n{}", note_line(&self.origin, &self.id(), &signature))
    }
}

/// The body of a log entry about one signature over a PAE (`hashedrekord` 0.0.2, RFC 8785). `verifier`: the DER of a
/// certificate, or of a key.
#[must_use]
pub fn hashed_body(pae: &[u8], signature: &[u8], verifier: &[u8], is_certificate: bool) -> Vec<u8> {
    let kind = if is_certificate { "x509Certificate" } else { "publicKey" };
    let mut who = json!({ "keyDetails": "PKIX_ECDSA_P256_SHA_256" });
    who[kind] = json!({ "rawBytes": STANDARD.encode(verifier) });
    json!({
        "apiVersion": "0.0.2",
        "kind": "hashedrekord",
        "spec": { "hashedRekordV002": {
            "data": { "algorithm": "SHA2_256", "digest": STANDARD.encode(Sha256::digest(pae)) },
            "signature": { "content": STANDARD.encode(signature), "verifier": who },
        } },
    })
    .to_string()
    .into_bytes()
}

/// A witness: it cosigns checkpoints that it found consistent (C2SP tlog-cosignature, Ed25519).
#[derive(Debug)]
pub struct Witness {
    /// Its name.
    pub name: String,
    /// Its Ed25519 key.
    pub key: LocalKey,
}

impl Witness {
    /// A witness with a fresh key.
    ///
    /// # Panics
    /// When the system makes no key.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), key: LocalKey::generate(KeyAlgorithm::Ed25519).expect("a key") }
    }

    /// Its key as policies list it (C2SP signed-note, "vkey").
    #[must_use]
    pub fn vkey(&self) -> String {
        vkey(&self.name, &self.key)
    }

    /// The signature line of a cosignature over the text of a checkpoint (what stands before the empty line).
    ///
    /// # Panics
    /// When the key does not sign.
    #[must_use]
    pub fn cosign(&self, text: &str, time: u64) -> String {
        let signature = self.key.sign_bytes(format!("cosignature/v1\ntime {time}\n{text}").as_bytes());
        let signature = [&time.to_be_bytes()[..], &signature.expect("a signature")].concat();
        note_line(&self.name, &key_id(&self.name, 0x04, &self.key), &signature)
    }

    /// Adds its cosignature to the checkpoint of every entry of a bundle.
    ///
    /// # Panics
    /// When an entry has no checkpoint.
    pub fn join(&self, bundle: &mut Value, time: u64) {
        for entry in bundle["verificationMaterial"]["tlogEntries"].as_array_mut().expect("entries") {
            let envelope = &mut entry["inclusionProof"]["checkpoint"]["envelope"];
            let note = envelope.as_str().expect("a checkpoint").to_owned();
            let end = note.find("\n\n").expect("a note");
            *envelope = format!("{note}{}", self.cosign(&note[..=end], time)).into();
        }
    }
}

/// The vkey of a witness of this name with this key.
#[must_use]
pub fn vkey(name: &str, key: &LocalKey) -> String {
    let id = key_id(name, 0x04, key);
    let id: String = id[..4].iter().map(|b| format!("{b:02x}")).collect();
    format!("{name}+{id}+{}", STANDARD.encode([&[0x04], key.public_key().raw()].concat()))
}

/// `SHA-256(name || LF || type || key)`.
fn key_id(name: &str, kind: u8, key: &LocalKey) -> [u8; 32] {
    Sha256::digest([name.as_bytes(), &[b'\n', kind], key.public_key().raw()].concat()).into()
}

fn note_line(name: &str, id: &[u8; 32], signature: &[u8]) -> String {
    format!("\u{2014} {name} {}\n", STANDARD.encode([&id[..4], signature].concat()))
}

fn leaf_hash(entry: &[u8]) -> [u8; 32] {
    Sha256::digest([&[0], entry].concat()).into()
}

/// The root of a tree (RFC 6962 section 2.1).
fn root_of(leaves: &[[u8; 32]]) -> [u8; 32] {
    match leaves {
        [one] => *one,
        many => {
            let (left, right) = many.split_at(split(many.len()));
            Sha256::digest([&[1], &root_of(left)[..], &root_of(right)[..]].concat()).into()
        }
    }
}

/// The proof that a leaf is in a tree (RFC 6962 section 2.1.1), the leaf's neighbour first.
fn proof_of(leaves: &[[u8; 32]], index: usize) -> Vec<[u8; 32]> {
    if leaves.len() < 2 {
        return Vec::new();
    }
    let (left, right) = leaves.split_at(split(leaves.len()));
    let (mut proof, other) = if index < left.len() {
        (proof_of(left, index), root_of(right))
    } else {
        (proof_of(right, index - left.len()), root_of(left))
    };
    proof.push(other);
    proof
}

/// The largest power of two below the number of leaves.
fn split(leaves: usize) -> usize {
    leaves.next_power_of_two() / 2
}
