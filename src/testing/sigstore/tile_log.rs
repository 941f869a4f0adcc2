//! [`TileLog`]: a transparency log of version 2 (Rekor on tiles) of a test's own, and [`Witness`]es of its checkpoints.

use crate::sign::LocalKey;
use crate::tlog::merkle::{self, Edge};
use crate::tlog::{Checkpoint, Hash, Kind, Line, NoteKey, cosignature};
use crate::trust::KeyAlgorithm;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;

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
        Sha256::digest([self.origin.as_bytes(), b"\n\x01", self.key.public_key().raw()].concat()).into()
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
        let (mut edge, mut nodes) = (Edge::default(), BTreeMap::new());
        let (size, index) = (self.size as u64, self.size.saturating_sub(2) as u64);
        for i in 0..size {
            let entry = if i == index { Hash::of_entry(body) } else { Hash::of_entry(format!("entry {i}").as_bytes()) };
            edge.push(entry, &mut |level, at, hash| {
                nodes.insert((level, at), hash);
            });
        }
        let proof = merkle::inclusion(index, size, &Kept(nodes)).expect("every node is there");
        let root = edge.root();
        json!({
            "logIndex": index.to_string(),
            "logId": { "keyId": STANDARD.encode(self.id()) },
            "kindVersion": { "kind": "hashedrekord", "version": "0.0.2" },
            "inclusionProof": {
                "logIndex": index.to_string(),
                "treeSize": self.size.to_string(),
                "rootHash": root.to_string(),
                "hashes": proof.iter().map(Hash::to_string).collect::<Vec<_>>(),
                "checkpoint": { "envelope": self.checkpoint(root.bytes()) },
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
        let root = <[u8; 32]>::try_from(root).expect("32 bytes").into();
        let checkpoint = Checkpoint { origin: self.origin.clone(), size: self.size as u64, root, extensions: vec![] };
        let text = checkpoint.to_string();
        let signature = self.key.sign_bytes(text.as_bytes()).expect("a signature");
        let id = key(&self.origin, Kind::Ed25519, &self.key).id();
        format!("{text}\n{}\n", Line { name: &self.origin, id, signature })
    }
}

/// The nodes of a small tree.
struct Kept(BTreeMap<(u32, u64), Hash>);

impl merkle::Nodes for Kept {
    fn node(&self, level: u32, index: u64) -> Option<Hash> {
        self.0.get(&(level, index)).copied()
    }
}

/// The body of a log entry about one signature over a PAE (`hashedrekord` 0.0.2, RFC 8785). `verifier`: the DER of a
/// certificate, or of a key.
#[must_use]
pub fn hashed_body(pae: &[u8], signature: &[u8], verifier: &[u8], is_certificate: bool) -> Vec<u8> {
    digest_body(&Sha256::digest(pae), signature, verifier, is_certificate)
}

/// The same about one signature over what has this digest.
pub(super) fn digest_body(digest: &[u8], signature: &[u8], verifier: &[u8], is_certificate: bool) -> Vec<u8> {
    let kind = if is_certificate { "x509Certificate" } else { "publicKey" };
    let mut who = json!({ "keyDetails": "PKIX_ECDSA_P256_SHA_256" });
    who[kind] = json!({ "rawBytes": STANDARD.encode(verifier) });
    json!({
        "apiVersion": "0.0.2",
        "kind": "hashedrekord",
        "spec": { "hashedRekordV002": {
            "data": { "algorithm": "SHA2_256", "digest": STANDARD.encode(digest) },
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
        let own = key(&self.name, Kind::Cosignature, &self.key);
        let message = cosignature::message(&own, text, time).expect("a message");
        let signature = self.key.sign_bytes(&message).expect("a signature");
        let signature = [&time.to_be_bytes()[..], &signature].concat();
        format!("{}\n", Line { name: &self.name, id: own.id(), signature })
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
///
/// # Panics
/// When the name cannot stand in one.
#[must_use]
pub fn vkey(name: &str, own: &LocalKey) -> String {
    key(name, Kind::Cosignature, own).to_string()
}

fn key(name: &str, kind: Kind, own: &LocalKey) -> NoteKey {
    NoteKey::new(name, kind, own.public_key().raw()).expect("a name")
}
