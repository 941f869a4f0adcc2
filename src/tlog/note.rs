//! Signed notes (C2SP signed-note): a text, and lines that say who signed it.

use super::LogError;
use crate::model::digest::hex;
use crate::model::limits;
use aws_lc_rs::hmac;
use aws_lc_rs::signature::{
    ED25519, Ed25519KeyPair, KeyPair as _, ML_DSA_44, UnparsedPublicKey, VerificationAlgorithm,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use sha2::{Digest as _, Sha256};
use std::fmt;
use zeroize::Zeroizing;

/// What a signature line begins with: an em dash and a space.
const DASH: &str = "\u{2014} ";

/// A note: its text, which is what is signed, and its signature lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note<'a> {
    /// The text with its last line's end, as it is signed.
    pub text: &'a str,
    /// Its lines, in their order.
    pub lines: Vec<Line<'a>>,
}

/// One signature line: who says to have signed, and the signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// Name of the signer.
    pub name: &'a str,
    /// Id of its key: a hint, four bytes that anybody can make equal.
    pub id: [u8; 4],
    /// What follows the id.
    pub signature: Vec<u8>,
}

impl<'a> Note<'a> {
    /// Reads a note: the text ends at the last empty line.
    ///
    /// # Errors
    /// When it is too large, is no UTF-8, has control characters or a line that is no signature.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, LogError> {
        let wrong = |cause: &str| LogError::new("note", cause);
        if bytes.len() > limits::NOTE_BYTES {
            return Err(wrong(&format!("{} bytes, of {} at most", bytes.len(), limits::NOTE_BYTES)));
        }
        let note = std::str::from_utf8(bytes).map_err(|_| wrong("no UTF-8"))?;
        if note.chars().any(|c| c < ' ' && c != '\n') {
            return Err(wrong("a control character"));
        }
        let end = note.rfind("\n\n").ok_or_else(|| wrong("no empty line between text and signatures"))?;
        let (text, lines) = (&note[..=end], &note[end + 2..]);
        let lines = lines.strip_suffix('\n').ok_or_else(|| wrong("no signature, or the last line has no end"))?;
        if lines.split('\n').count() > limits::COSIGNATURES {
            return Err(wrong(&format!("over {} signatures", limits::COSIGNATURES)));
        }
        let lines = lines.split('\n').map(Line::parse).collect::<Result<_, _>>()?;
        Ok(Self { text, lines })
    }

    /// Whether a key signed the text.
    ///
    /// # Errors
    /// When a line has the key's name and id and another signature: somebody wants to pass for it.
    pub fn is_signed_by(&self, key: &NoteKey) -> Result<bool, LogError> {
        let mut lines = self.lines.iter().filter(|line| line.is_of(key)).peekable();
        let any = lines.peek().is_some();
        if lines.all(|line| key.made(self.text.as_bytes(), &line.signature)) {
            return Ok(any);
        }
        Err(LogError::new("note", format!("the signature of {key:?} is not by its key")))
    }
}

impl<'a> Line<'a> {
    /// Reads a line, without its end.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(line: &'a str) -> Result<Self, LogError> {
        let wrong = |cause: &str| LogError::new("signature line", cause);
        let rest = line.strip_prefix(DASH).ok_or_else(|| wrong("it does not begin with a dash"))?;
        let (name, signature) = rest.split_once(' ').ok_or_else(|| wrong("it is not of the form `— name base64`"))?;
        if !is_name(name) {
            return Err(wrong("a name that is empty, or has blanks or `+`"));
        }
        let bytes = STANDARD.decode(signature).map_err(|_| wrong("a signature that is no base64"))?;
        match bytes.split_first_chunk::<4>() {
            Some((id, signature)) if !signature.is_empty() => Ok(Self { name, id: *id, signature: signature.to_vec() }),
            _ => Err(wrong("a signature of fewer than five bytes")),
        }
    }

    /// Whether it has a key's name and id. That is no proof that the key made it.
    #[must_use]
    pub fn is_of(&self, key: &NoteKey) -> bool {
        self.name == key.name && self.id == key.id
    }
}

impl fmt::Display for Line<'_> {
    /// The line, without its end.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{DASH}{} {}", self.name, STANDARD.encode([&self.id[..], &self.signature].concat()))
    }
}

/// What a key signs, and how (signed-note, "Signature types").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// Notes, by Ed25519.
    Ed25519,
    /// Cosignatures of checkpoints with their time, by Ed25519.
    Cosignature,
    /// Cosignatures of checkpoints and subtrees with their time, by ML-DSA-44.
    MlDsa44,
}

impl Kind {
    /// Every kind with its type byte and the length of its public key (bytes).
    const ALL: [(Self, u8, usize); 3] =
        [(Self::Ed25519, 0x01, 32), (Self::Cosignature, 0x04, 32), (Self::MlDsa44, 0x06, 1312)];

    fn row(self) -> (u8, usize) {
        Self::ALL.iter().find(|(kind, ..)| *kind == self).map_or((0, 0), |(_, byte, length)| (*byte, *length))
    }
}

/// A public key with the name that it signs under. As text, a vkey: `name+id+base64`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct NoteKey {
    name: String,
    id: [u8; 4],
    kind: Kind,
    raw: Vec<u8>,
}

impl NoteKey {
    /// Most characters of a vkey: ML-DSA-44 takes 1,752 in base64.
    const CHARS: usize = 4096;

    /// A key under a name.
    ///
    /// # Errors
    /// When the name is empty or has blanks or `+`, or the key is not as long as its kind demands.
    pub fn new(name: &str, kind: Kind, raw: &[u8]) -> Result<Self, LogError> {
        let wrong = |cause: String| LogError::new("key", cause);
        if !is_name(name) {
            return Err(wrong("a name that is empty, or has blanks or `+`".into()));
        }
        let (byte, length) = kind.row();
        if raw.len() != length {
            return Err(wrong(format!("a key of {} bytes, not {length}", raw.len())));
        }
        let digest = Sha256::digest([name.as_bytes(), &[b'\n', byte], raw].concat());
        let id = [digest[0], digest[1], digest[2], digest[3]];
        Ok(Self { name: name.to_owned(), id, kind, raw: raw.to_vec() })
    }

    /// Reads a vkey, whose id must be the one that name and key make.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, LogError> {
        let wrong = |cause: String| LogError::new("key", cause);
        if text.len() > Self::CHARS {
            return Err(wrong(format!("over {} characters", Self::CHARS)));
        }
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(wrong("not of the form name+id+base64".into()));
        };
        let bytes = STANDARD.decode(key).map_err(|_| wrong("a key that is no base64".into()))?;
        let (byte, raw) = bytes.split_first().ok_or_else(|| wrong("an empty key".into()))?;
        let kind = Kind::ALL.iter().find(|(_, known, _)| known == byte).map(|(kind, ..)| *kind);
        let kind = kind.ok_or_else(|| wrong(format!("a key of type {byte}, which is not known")))?;
        let found = Self::new(name, kind, raw)?;
        if id != hex(&found.id) {
            let id: String = id.chars().take(20).collect();
            return Err(wrong(format!("the id {id}, and name and key make {}", hex(&found.id))));
        }
        Ok(found)
    }

    /// The name it signs under.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The id that its signature lines carry.
    #[must_use]
    pub fn id(&self) -> [u8; 4] {
        self.id
    }

    /// What it signs.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The public key: two names of one key are one signer.
    #[must_use]
    pub fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// Whether it made a signature over a message.
    pub(super) fn made(&self, message: &[u8], signature: &[u8]) -> bool {
        let algorithm: &dyn VerificationAlgorithm = match self.kind {
            Kind::Ed25519 | Kind::Cosignature => &ED25519,
            Kind::MlDsa44 => &ML_DSA_44,
        };
        UnparsedPublicKey::new(algorithm, &self.raw).verify(message, signature).is_ok()
    }
}

impl fmt::Display for NoteKey {
    /// The vkey.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (byte, _) = self.kind.row();
        write!(f, "{}+{}+{}", self.name, hex(&self.id), STANDARD.encode([&[byte], &self.raw[..]].concat()))
    }
}

impl fmt::Debug for NoteKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}+{}", self.name, hex(&self.id))
    }
}

/// What a private key begins with, as text.
const PRIVATE: &str = "PRIVATE+KEY+";

/// An Ed25519 key that signs notes.
pub struct NoteSigner {
    key: NoteKey,
    pair: Ed25519KeyPair,
    seed: Zeroizing<[u8; 32]>,
}

impl NoteSigner {
    /// The key of a seed, under a name.
    ///
    /// # Errors
    /// When the name is empty or has blanks or `+`.
    pub fn from_seed(name: &str, seed: &[u8; 32]) -> Result<Self, LogError> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed);
        let pair = pair.map_err(|_| LogError::new("key", "its seed makes no key"))?;
        let key = NoteKey::new(name, Kind::Ed25519, pair.public_key().as_ref())?;
        Ok(Self { key, pair, seed: Zeroizing::new(*seed) })
    }

    /// Reads `PRIVATE+KEY+name+id+base64`, as the tools of C2SP write it: behind a type byte, the seed.
    ///
    /// # Errors
    /// What is wrong with it; never what it holds.
    pub fn parse(text: &str) -> Result<Self, LogError> {
        let wrong = |cause: &str| LogError::new("private key", cause);
        let rest = text.strip_prefix(PRIVATE).ok_or_else(|| wrong("it does not begin with PRIVATE+KEY+"))?;
        let parts: Vec<&str> = rest.splitn(3, '+').collect();
        let [name, id, key] = parts[..] else { return Err(wrong("not of the form PRIVATE+KEY+name+id+base64")) };
        let bytes = Zeroizing::new(STANDARD.decode(key).map_err(|_| wrong("a key that is no base64"))?);
        let seed = match bytes.split_first() {
            Some((1, seed)) => seed.try_into().map_err(|_| wrong("a seed that has not 32 bytes"))?,
            _ => return Err(wrong("a key that is not of type 1, Ed25519")),
        };
        let found = Self::from_seed(name, seed)?;
        if id == hex(&found.key.id) { Ok(found) } else { Err(wrong("its id is not that of its name and key")) }
    }

    /// As text.
    #[must_use]
    pub fn private(&self, seed: &[u8; 32]) -> String {
        let bytes = Zeroizing::new([&[1][..], seed].concat());
        format!("{PRIVATE}{}+{}+{}", self.key.name, hex(&self.key.id), STANDARD.encode(&*bytes))
    }

    /// The public key.
    #[must_use]
    pub fn key(&self) -> &NoteKey {
        &self.key
    }

    /// Its name and its key pair, for who cosigns with it.
    pub(super) fn into_parts(self) -> (String, Ed25519KeyPair) {
        (self.key.name, self.pair)
    }

    /// A secret for another use, which only holders of this key can make: HMAC-SHA-256 of a label under its seed.
    #[must_use]
    pub fn derived(&self, label: &str) -> Zeroizing<[u8; 32]> {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.seed[..]);
        let mut out = Zeroizing::new([0; 32]);
        out.copy_from_slice(hmac::sign(&key, label.as_bytes()).as_ref());
        out
    }

    /// A text, which ends in a line's end, as a note that this key signed.
    #[must_use]
    pub fn sign(&self, text: &str) -> String {
        let signature = self.pair.sign(text.as_bytes()).as_ref().to_vec();
        format!("{text}\n{}\n", Line { name: &self.key.name, id: self.key.id, signature })
    }
}

impl fmt::Debug for NoteSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.key, f)
    }
}

/// Whether a name can stand in a signature line and a vkey.
fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || c.is_control() || c == '+')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(seed: u8) -> (Ed25519KeyPair, NoteKey) {
        let pair = Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap();
        let key = NoteKey::new("log.example", Kind::Ed25519, pair.public_key().as_ref()).unwrap();
        (pair, key)
    }

    fn signed(text: &str, seed: u8) -> String {
        let (pair, key) = key(seed);
        let signature = pair.sign(text.as_bytes()).as_ref().to_vec();
        format!("{text}\n{}\n", Line { name: key.name(), id: key.id(), signature })
    }

    #[test]
    fn the_specification_s_key_has_its_id() {
        let text = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
        let key = NoteKey::parse(text).unwrap();
        assert_eq!((key.to_string().as_str(), key.kind()), (text, Kind::Ed25519));
    }

    #[test]
    fn keys_are_read_whole() {
        let good = NoteKey::new("w.example", Kind::Cosignature, &[7; 32]).unwrap().to_string();
        assert_eq!(NoteKey::parse(&good).unwrap().raw(), [7; 32]);
        let long = NoteKey::new("w.example", Kind::MlDsa44, &[7; 1312]).unwrap();
        assert_eq!(NoteKey::parse(&long.to_string()).unwrap(), long);
        let of = |byte: u8, length: usize| {
            let bytes = [&[byte][..], &vec![7; length]].concat();
            let id = Sha256::digest([b"w.example\n", &bytes[..]].concat());
            format!("w.example+{}+{}", hex(&id[..4]), STANDARD.encode(bytes))
        };
        assert_eq!(of(4, 32), good);
        for (text, why) in [
            (good.replacen("w.example", "", 1), "a name that is empty"),
            (good.replacen("w.ex", "w ex", 1), "a name that is empty, or has blanks"),
            (good.replacen("w.", "v.", 1), "the id"),
            (good.to_uppercase(), "the id"),
            (of(9, 32), "a key of type 9"),
            (of(4, 31), "a key of 31 bytes"),
            (of(6, 32), "a key of 32 bytes, not 1312"),
            ("w.example+00000000+".into(), "an empty key"),
            ("w.example+00000000".into(), "not of the form"),
            ("w.example+00000000+?".into(), "no base64"),
            ("x".repeat(5000), "over 4096 characters"),
        ] {
            let found = NoteKey::parse(&text).map(drop).unwrap_err().to_string();
            assert!(found.contains(why), "{text}: {found}");
        }
    }

    #[test]
    fn a_private_key_is_read_as_it_was_written_and_signs() {
        let signer = NoteSigner::from_seed("log.example", &[1; 32]).unwrap();
        let text = signer.private(&[1; 32]);
        let read = NoteSigner::parse(&text).unwrap();
        assert_eq!(read.key(), &key(1).1);
        assert_eq!(read.sign("one\n"), signed("one\n", 1));
        for bad in
            [&text[1..], &text.replacen("log.", "lag.", 1), "PRIVATE+KEY+a", "PRIVATE+KEY+log.example+00000000+AQ=="]
        {
            assert!(NoteSigner::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_note_is_text_and_lines() {
        let bytes = signed("one\n\ntwo\n", 1);
        let note = Note::parse(bytes.as_bytes()).unwrap();
        assert_eq!((note.text, note.lines.len()), ("one\n\ntwo\n", 1));
        assert_eq!(note.is_signed_by(&key(1).1), Ok(true));
        assert_eq!(note.is_signed_by(&key(2).1), Ok(false));
        let line = note.lines[0].to_string();
        for bad in [
            "".to_owned(),
            "one\n".into(),
            "one\n\n".into(),
            format!("one\n\n{line}"),
            format!("one\n\n{line}\nmore\n"),
            format!("one\r\n\n{line}\n"),
            format!("one\n\n- {}\n", &line[4..]),
            "one\n\n\u{2014} a+b AAAAAAA=\n".into(),
            "one\n\n\u{2014} a AAAAAA==\n".into(),
            "one\n\n\u{2014} a AAAAAAA\n".into(),
            "one\n\n\u{2014}  AAAAAAA=\n".into(),
            format!("one\n\n{}", format!("{line}\n").repeat(65)),
            "x".repeat(limits::NOTE_BYTES + 1),
        ] {
            assert!(Note::parse(bad.as_bytes()).is_err(), "{bad}");
        }
        assert!(Note::parse(b"\xff\n\n").is_err());
    }

    #[test]
    fn who_passes_for_a_key_breaks_the_note() {
        let bytes = signed("one\n", 1);
        let (_, key) = key(1);
        let other = bytes.replacen("one", "two", 1);
        assert!(Note::parse(other.as_bytes()).unwrap().is_signed_by(&key).is_err());
        // A good line beside it does not help.
        let forged = Line { name: key.name(), id: key.id(), signature: vec![0; 64] };
        let both = format!("{bytes}{forged}\n");
        assert!(Note::parse(both.as_bytes()).unwrap().is_signed_by(&key).is_err());
        // One of the same name and of another key says nothing.
        let stranger = Line { name: key.name(), id: [0; 4], signature: vec![0; 64] };
        let both = format!("{bytes}{stranger}\n");
        assert_eq!(Note::parse(both.as_bytes()).unwrap().is_signed_by(&key), Ok(true));
    }
}
