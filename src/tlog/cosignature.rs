//! Cosignatures (C2SP tlog-cosignature): somebody besides the log saw a checkpoint, found it to continue what it saw before,
//! and says when.

use super::note::NoteSigner;
use super::{Checkpoint, Kind, Line, LogError, NoteKey};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};

/// The key of a witness or mirror: what its cosignatures are by.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CosignerKey(NoteKey);

impl CosignerKey {
    /// Reads a vkey of a cosigner: Ed25519 (type 4) or ML-DSA-44 (type 6).
    ///
    /// # Errors
    /// What is wrong with it. A key that signs notes cosigns nothing.
    pub fn parse(text: &str) -> Result<Self, LogError> {
        Self::new(NoteKey::parse(text)?)
    }

    /// A key that cosigns.
    ///
    /// # Errors
    /// When it is one that signs notes.
    pub fn new(key: NoteKey) -> Result<Self, LogError> {
        match key.kind() {
            Kind::Ed25519 => Err(LogError::new("key", "a key of type 1, which signs notes and cosigns nothing")),
            Kind::Cosignature | Kind::MlDsa44 => Ok(Self(key)),
        }
    }

    /// The key under its name.
    #[must_use]
    pub fn key(&self) -> &NoteKey {
        &self.0
    }

    /// The name it cosigns under.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.name()
    }

    /// The time (seconds since 1970) at which this cosigner saw a checkpoint, where a line of its note is by its key over
    /// the text. A cosignature of time 0 is of a part of a tree and says nothing of when.
    #[must_use]
    pub fn cosigned(&self, text: &str, line: &Line<'_>) -> Option<u64> {
        if !line.is_of(&self.0) {
            return None;
        }
        let (time, signature) = line.signature.split_first_chunk::<8>()?;
        let time = Some(u64::from_be_bytes(*time)).filter(|time| *time > 0 && i64::try_from(*time).is_ok())?;
        let message = message(&self.0, text, time)?;
        self.0.made(&message, signature).then_some(time)
    }
}

/// The private key of a witness, which cosigns and signs nothing else.
pub struct Cosigner {
    key: CosignerKey,
    pair: Ed25519KeyPair,
}

impl Cosigner {
    /// A witness with the seed and the name of a key that was read from a file.
    ///
    /// # Errors
    /// Never of a key that was read.
    pub fn of(signer: NoteSigner) -> Result<Self, LogError> {
        let (name, pair) = signer.into_parts();
        let key = CosignerKey::new(NoteKey::new(&name, Kind::Cosignature, pair.public_key().as_ref())?)?;
        Ok(Self { key, pair })
    }

    /// The public key.
    #[must_use]
    pub fn key(&self) -> &CosignerKey {
        &self.key
    }

    /// The line that says that this witness saw a checkpoint's text at a time (seconds since 1970).
    #[must_use]
    pub fn cosign(&self, text: &str, time: u64) -> String {
        let message = message(self.key.key(), text, time).unwrap_or_default();
        let signature = [&time.to_be_bytes()[..], self.pair.sign(&message).as_ref()].concat();
        Line { name: self.key.name(), id: self.key.key().id(), signature }.to_string()
    }
}

impl std::fmt::Debug for Cosigner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Debug::fmt(&self.key, f)
    }
}

/// What a cosigner signs for a checkpoint's text at a time; none where ML-DSA-44 is to sign a text that is no checkpoint, or a
/// name of over 255 bytes.
#[must_use]
pub fn message(key: &NoteKey, text: &str, time: u64) -> Option<Vec<u8>> {
    match key.kind() {
        Kind::Ed25519 => None,
        Kind::Cosignature => Some(format!("cosignature/v1\ntime {time}\n{text}").into_bytes()),
        Kind::MlDsa44 => {
            let checkpoint = Checkpoint::parse(text).ok()?;
            let mut out = b"subtree/v1\n\0".to_vec();
            short(&mut out, key.name())?;
            out.extend(time.to_be_bytes());
            short(&mut out, &checkpoint.origin)?;
            out.extend(0_u64.to_be_bytes());
            out.extend(checkpoint.size.to_be_bytes());
            out.extend(checkpoint.root.bytes());
            Some(out)
        }
    }
}

/// A text of at most 255 bytes behind its length.
fn short(out: &mut Vec<u8>, text: &str) -> Option<()> {
    out.push(u8::try_from(text.len()).ok()?);
    out.extend(text.as_bytes());
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tlog::Hash;
    use aws_lc_rs::signature::{ML_DSA_44_SIGNING, PqdsaKeyPair};

    type Sign = Box<dyn Fn(&[u8]) -> Vec<u8>>;

    /// A cosigner of each kind.
    fn cosigners() -> Vec<(NoteKey, Sign)> {
        let classic = Ed25519KeyPair::from_seed_unchecked(&[3; 32]).unwrap();
        let key = NoteKey::new("w.example", Kind::Cosignature, classic.public_key().as_ref()).unwrap();
        let lattice = PqdsaKeyPair::generate(&ML_DSA_44_SIGNING).unwrap();
        let other = NoteKey::new("w.example", Kind::MlDsa44, lattice.public_key().as_ref()).unwrap();
        let sign = move |message: &[u8]| {
            let mut signature = vec![0; 2420];
            let length = lattice.sign(message, &mut signature).unwrap();
            signature[..length].to_vec()
        };
        vec![(key, Box::new(move |m: &[u8]| classic.sign(m).as_ref().to_vec())), (other, Box::new(sign))]
    }

    fn text(size: u64) -> String {
        format!("log.example\n{size}\n{}\n", Hash::of_nothing())
    }

    #[test]
    fn a_cosignature_is_by_the_key_over_text_and_time() {
        for (key, sign) in cosigners() {
            let line = |text: &str, signed_time: u64, time: u64| {
                let signature = sign(&message(&key, text, signed_time).unwrap());
                Line { name: "w.example", id: key.id(), signature: [&time.to_be_bytes()[..], &signature].concat() }
            };
            let cosigner = CosignerKey::new(key.clone()).unwrap();
            assert_eq!(cosigner.cosigned(&text(5), &line(&text(5), 1_700_000_000, 1_700_000_000)), Some(1_700_000_000));
            assert_eq!(cosigner.cosigned(&text(6), &line(&text(5), 9, 9)), None, "another size");
            assert_eq!(cosigner.cosigned(&text(5), &line(&text(5), 9, 10)), None, "another time");
            assert_eq!(cosigner.cosigned(&text(5), &line(&text(5), 0, 0)), None, "no time");
            assert_eq!(cosigner.cosigned(&text(5), &line(&text(5), 1 << 63, 1 << 63)), None, "no such time");
            let good = line(&text(5), 9, 9);
            assert_eq!(cosigner.cosigned(&text(5), &Line { name: "v.example", ..good.clone() }), None);
            assert_eq!(cosigner.cosigned(&text(5), &Line { id: [0; 4], ..good.clone() }), None);
            assert_eq!(cosigner.cosigned(&text(5), &Line { signature: vec![0; 7], ..good }), None);
        }
    }

    #[test]
    fn what_a_witness_writes_is_its_cosignature() {
        let witness = Cosigner::of(NoteSigner::from_seed("w.example", &[3; 32]).unwrap()).unwrap();
        assert_eq!(witness.key().key(), &cosigners()[0].0);
        let line = witness.cosign(&text(5), 9);
        assert_eq!(witness.key().cosigned(&text(5), &Line::parse(&line).unwrap()), Some(9));
        assert_eq!(witness.key().cosigned(&text(6), &Line::parse(&line).unwrap()), None);
    }

    #[test]
    fn a_key_for_notes_cosigns_nothing() {
        let key = NoteKey::new("w.example", Kind::Ed25519, &[7; 32]).unwrap();
        assert!(message(&key, &text(1), 1).is_none());
        assert!(CosignerKey::parse(&key.to_string()).is_err());
    }

    #[test]
    fn a_text_that_is_no_checkpoint_is_cosigned_by_the_older_kind_alone() {
        let keys = cosigners();
        assert!(message(&keys[0].0, "no checkpoint\n", 1).is_some());
        assert!(message(&keys[1].0, "no checkpoint\n", 1).is_none());
    }
}
