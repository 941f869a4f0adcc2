//! [`PublicKey`]: a verification key by its SubjectPublicKeyInfo.

use crate::model::code::codes;
use crate::model::digest::hex;
use crate::model::{Code, limits};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use sha2::{Digest as _, Sha256};
use spki::der::asn1::UintRef;
use spki::der::{self, Decode as _, Encode as _, Reader as _, SliceReader};
use std::fmt;

/// Algorithm of a key together with the hash that DSSE signatures made with it use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum KeyAlgorithm {
    /// ECDSA on P-256 with SHA-256.
    EcdsaP256,
    /// ECDSA on P-384 with SHA-384.
    EcdsaP384,
    /// ECDSA on P-521 with SHA-512.
    EcdsaP521,
    /// Ed25519, pure.
    Ed25519,
    /// RSA, PKCS#1 v1.5 with SHA-256, 2048 to 8192 bits: read only, for keys that cosign users have.
    RsaPkcs1Sha256,
}

impl fmt::Display for KeyAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::EcdsaP256 => "ECDSA P-256",
            Self::EcdsaP384 => "ECDSA P-384",
            Self::EcdsaP521 => "ECDSA P-521",
            Self::Ed25519 => "Ed25519",
            Self::RsaPkcs1Sha256 => "RSA PKCS#1 v1.5",
        })
    }
}

/// Not a public key that this version can verify with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// Not PEM or DER of a SubjectPublicKeyInfo.
    #[error("expected a PEM public key (-----BEGIN PUBLIC KEY-----), found {found}")]
    Malformed {
        /// What was found, in words.
        found: String,
    },
    /// A key in another form than the one that is read, so that one key never passes for two.
    #[error("expected a key in its one canonical form, found {found}: `{convert}` writes it")]
    NotCanonical {
        /// What was found, in words.
        found: &'static str,
        /// A command that writes the same key in the form that is read.
        convert: &'static str,
    },
    /// A key of an algorithm that is not verified.
    #[error("expected an ECDSA P-256, P-384 or P-521, an Ed25519 or an RSA key, found algorithm {found}")]
    UnsupportedAlgorithm {
        /// Object identifier.
        found: String,
    },
}

codes! {
    /// Codes of [`KeyError`].
    CODES;
    PUBLIC_KEY_MALFORMED = "public-key-malformed", [Caller],
        "what was named is no public key in its canonical form",
        "pass a public key as PEM (`BEGIN PUBLIC KEY`), as `attest keygen` or `openssl pkey -pubout` writes it";
    PUBLIC_KEY_UNSUPPORTED = "public-key-unsupported", [Caller],
        "a public key of an algorithm that is not verified",
        "use an ECDSA key (P-256, P-384 or P-521), an Ed25519 key, or RSA of 2048 to 8192 bits";
}

impl KeyError {
    /// Codes of this enum.
    pub const CODES: &'static [Code] = CODES;

    /// The stable code.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Malformed { .. } | Self::NotCanonical { .. } => PUBLIC_KEY_MALFORMED,
            Self::UnsupportedAlgorithm { .. } => PUBLIC_KEY_UNSUPPORTED,
        }
    }
}

/// A public key: DER of its SubjectPublicKeyInfo (RFC 5280 section 4.1) and the algorithm it says.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey {
    algorithm: KeyAlgorithm,
    spki: Vec<u8>,
}

impl PublicKey {
    /// Reads a file: PEM as [`Self::from_pem`] has it, or DER.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn from_file(bytes: &[u8]) -> Result<Self, KeyError> {
        match is_der(bytes) {
            true => Self::from_der(bytes),
            false => Self::from_pem(bytes),
        }
    }

    /// Reads PEM (`PUBLIC KEY`), one block.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn from_pem(bytes: &[u8]) -> Result<Self, KeyError> {
        let malformed = |found: &str| KeyError::Malformed { found: found.to_owned() };
        if bytes.len() > limits::KEY_BYTES {
            return Err(malformed("a file over 64 KiB"));
        }
        let text = std::str::from_utf8(bytes).map_err(|_| malformed("bytes that are no text"))?;
        let mut blocks = pem::parse_many(text).map_err(|_| malformed("text that is no PEM"))?;
        match blocks.len() {
            0 => return Err(malformed("no PEM block")),
            1 => {}
            n => return Err(malformed(&format!("{n} PEM blocks"))),
        }
        let block = blocks.remove(0);
        if block.tag() != "PUBLIC KEY" {
            return Err(malformed(&format!("a PEM block `{}`", block.tag().chars().take(60).collect::<String>())));
        }
        Self::from_der(block.contents())
    }

    /// Reads DER of a SubjectPublicKeyInfo; nothing may follow it.
    ///
    /// A key is known by the digest of this DER: policies count, compare and revoke by it. So of the encodings that one
    /// key can have only one is read: the point of an ECDSA key is not compressed (SEC 1 section 2.3.3), an RSA key has
    /// the parameters NULL (RFC 3279 section 2.3.1), an Ed25519 key has none (RFC 8410 section 3).
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn from_der(der: &[u8]) -> Result<Self, KeyError> {
        let info = spki::SubjectPublicKeyInfoRef::from_der(der)
            .map_err(|_| KeyError::Malformed { found: "DER that is no SubjectPublicKeyInfo".into() })?;
        let other_form = |found| KeyError::NotCanonical { found, convert: "openssl pkey -pubin -in KEY -pubout" };
        if info.to_der().ok().as_deref() != Some(der) {
            return Err(other_form("DER that is not canonical"));
        }
        let oid = info.algorithm.oid.to_string();
        let curve = info.algorithm.parameters_oid().map(|o| o.to_string()).unwrap_or_default();
        let bits = info.subject_public_key.as_bytes().unwrap_or_default();
        let parameters = info.algorithm.parameters;
        let algorithm = match (oid.as_str(), curve.as_str()) {
            ("1.2.840.10045.2.1", "1.2.840.10045.3.1.7") => point(bits, 32, KeyAlgorithm::EcdsaP256)?,
            ("1.2.840.10045.2.1", "1.3.132.0.34") => point(bits, 48, KeyAlgorithm::EcdsaP384)?,
            ("1.2.840.10045.2.1", "1.3.132.0.35") => point(bits, 66, KeyAlgorithm::EcdsaP521)?,
            ("1.3.101.112", _) => match (parameters, bits.len()) {
                (None, 32) => KeyAlgorithm::Ed25519,
                (None, n) => return Err(KeyError::Malformed { found: format!("an Ed25519 key of {n} bytes") }),
                _ => return Err(KeyError::Malformed { found: "an Ed25519 key with parameters".into() }),
            },
            ("1.2.840.113549.1.1.1", _) => {
                if parameters.is_none_or(|p| !p.is_null()) {
                    return Err(other_form("an RSA key whose parameters are not NULL"));
                }
                rsa(bits)
                    .map_err(|_| KeyError::Malformed { found: "an RSA key that is not two numbers in DER".into() })?;
                KeyAlgorithm::RsaPkcs1Sha256
            }
            _ => return Err(KeyError::UnsupportedAlgorithm { found: format!("{oid} {curve}").trim().to_owned() }),
        };
        Ok(Self { algorithm, spki: der.to_vec() })
    }

    /// The algorithm.
    #[must_use]
    pub fn algorithm(&self) -> KeyAlgorithm {
        self.algorithm
    }

    /// DER of the SubjectPublicKeyInfo.
    #[must_use]
    pub fn spki(&self) -> &[u8] {
        &self.spki
    }

    /// The key bits of the SubjectPublicKeyInfo: a point, 32 bytes, or an RSAPublicKey.
    #[must_use]
    pub fn raw(&self) -> &[u8] {
        spki::SubjectPublicKeyInfoRef::from_der(&self.spki)
            .ok()
            .and_then(|i| i.subject_public_key.as_bytes())
            .unwrap_or_default()
    }

    /// PEM, as it is written to a file.
    #[must_use]
    pub fn to_pem(&self) -> String {
        pem::encode_config(
            &pem::Pem::new("PUBLIC KEY", self.spki.clone()),
            pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF),
        )
    }

    /// The hint that a bundle carries for this key: base64 of the SHA-256 digest of its DER, as cosign writes it.
    #[must_use]
    pub fn hint(&self) -> String {
        STANDARD.encode(Sha256::digest(&self.spki))
    }

    /// The key's name in policies and output: `sha256:` and the hex digest of its DER.
    #[must_use]
    pub fn id(&self) -> String {
        format!("sha256:{}", hex(&Sha256::digest(&self.spki)))
    }
}

/// Whether a file is a DER sequence and no text with a PEM block in it.
pub(crate) fn is_der(bytes: &[u8]) -> bool {
    const BEGIN: &[u8] = b"-----BEGIN ";
    bytes.first() == Some(&0x30) && !bytes.windows(BEGIN.len()).any(|w| w == BEGIN)
}

/// That a point of two numbers of `length` bytes is written in full.
fn point(bits: &[u8], length: usize, algorithm: KeyAlgorithm) -> Result<KeyAlgorithm, KeyError> {
    match bits {
        [0x04, numbers @ ..] if numbers.len() == 2 * length => Ok(algorithm),
        [0x02 | 0x03 | 0x06 | 0x07, ..] => Err(KeyError::NotCanonical {
            found: "an ECDSA key whose point is compressed or hybrid",
            convert: "openssl ec -pubin -in KEY -pubout -conv_form uncompressed",
        }),
        _ => Err(KeyError::Malformed { found: format!("an {algorithm} key that is no point") }),
    }
}

/// That an RSAPublicKey (RFC 8017 appendix A.1.1) is two numbers in DER, which has one form for each.
fn rsa(bits: &[u8]) -> Result<(), der::Error> {
    let mut reader = SliceReader::new(bits)?;
    reader.sequence(|r| Ok::<_, der::Error>((UintRef::decode(r)?, UintRef::decode(r)?)))?;
    reader.finish()
}

/// A bundle's hint as [`PublicKey::id`] writes it, where it has the form of [`PublicKey::hint`]; else as it is. It is a
/// claim: nothing that it names is verified.
#[must_use]
pub fn shown_hint(hint: &str) -> String {
    match STANDARD.decode(hint) {
        Ok(digest) if digest.len() == 32 => format!("sha256:{}", hex(&digest)),
        _ => hint.chars().take(100).collect(),
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.algorithm, self.id())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hint_is_shown_as_the_id_that_it_means() {
        const PEM: &[u8] = b"-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n";
        let key = PublicKey::from_pem(PEM).unwrap();
        assert_eq!(shown_hint(&key.hint()), key.id());
        for other in ["", "my-key", "AAAA"] {
            assert_eq!(shown_hint(other), other);
        }
        assert_eq!(shown_hint(&"x".repeat(1000)).len(), 100);
    }

    /// Keys that OpenSSL made, each in the form that is read.
    const P256: &str = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEczvH+yCHq/xSWCvkBC57AzGkQIOGpON9dT1YJLaw0LdPmnESAKUfFhKHrovmz3P1SW7qXJAEWkOf2A2MfNdhHQ==";
    const P384: &str = "MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAE0zjLgqfYwSJeom54iiewN2K38PStlfL0Injz3c/Tnr2CDdawnP10SmBPusIC9lU3uLMaB9GzP+3hE7qNy5mNbBT2OTk5pUi1d4DnvyIXWjkLYoCa9SmZNU42Q8BernIF";
    const ED25519: &str = "MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=";
    const RSA: &str = "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAx7YKpcc252E67yo36aRJGyrARtGPcXWcubHccRt+P7RvZQhGeXYdWPcm\
        RoAbXsVbIz4ufUQ8BzT0vguC4dLFCenpzp3IC62JhHS5Beqg3k8eeKfVML1nrIXqz69uYevw3rjNF+pQKLcSSVpU64tp5WkIAJO/\
        Be9H10gwh3S4vUJXexUqrXC/YMZ2zYvHGoOrMGWUerCV9nfClhvLnv3AXngY0BdoTJaQVjHe+2wEmO+aXiBtTSdMkZLzq1Cp14Wh\
        Ai9hcTlboEtJUNA7aUHXDlW0TerqkyxGcBxRpizxA/AaODK4psGUdpEwgFISomLshHIq85Bces69/VtLMH+//wIDAQAB";
    /// The first two as `-conv_form compressed` writes them.
    const P256_COMPRESSED: &str = "MDkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDIgADczvH+yCHq/xSWCvkBC57AzGkQIOGpON9dT1YJLaw0Lc=";
    const P384_COMPRESSED: &str =
        "MEYwEAYHKoZIzj0CAQYFK4EEACIDMgAD0zjLgqfYwSJeom54iiewN2K38PStlfL0Injz3c/Tnr2CDdawnP10SmBPusIC9lU3";

    fn der(base64: &str) -> Vec<u8> {
        STANDARD.decode(base64).unwrap()
    }

    /// One element in DER, of up to 64 KiB.
    fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
        let body = parts.concat();
        let [high, low] = u16::try_from(body.len()).unwrap().to_be_bytes();
        let length = match (high, low) {
            (0, 0..=127) => vec![low],
            (0, _) => vec![0x81, low],
            _ => vec![0x82, high, low],
        };
        [&[tag][..], &length, &body].concat()
    }

    #[test]
    fn a_key_has_one_encoding() {
        let keys = [P256, P384, ED25519, RSA].map(der);
        let algorithms = keys.each_ref().map(|k| PublicKey::from_der(k).unwrap().algorithm());
        let expected =
            [KeyAlgorithm::EcdsaP256, KeyAlgorithm::EcdsaP384, KeyAlgorithm::Ed25519, KeyAlgorithm::RsaPkcs1Sha256];
        assert_eq!(algorithms, expected);
        let [p256, _, ed25519, rsa] = keys;
        let hybrid = |key: &[u8], at: usize| [&key[..at], &[0x06 | key[key.len() - 1] & 1], &key[at + 1..]].concat();
        let oid = [0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1];
        let public = PublicKey::from_der(&rsa).unwrap().raw().to_vec();
        // The numbers of the RSA key: a modulus of 257 bytes with its sign, and 65537.
        let (modulus, exponent) = (&public[8..265], &public[267..]);
        let spki = |parameters: &[u8], key: &[u8]| {
            element(0x30, &[&element(0x30, &[&oid, parameters]), &element(0x03, &[&[0], key])])
        };
        let numbers =
            |modulus: &[u8], exponent: &[u8]| element(0x30, &[&element(0x02, &[modulus]), &element(0x02, &[exponent])]);
        let null = [5, 0];
        assert_eq!(spki(&null, &numbers(modulus, exponent)), rsa);
        let point = &p256[26..];
        let p256_of = |bits: &[u8]| element(0x30, &[&p256[2..23], &element(0x03, &[bits])]);
        assert_eq!(p256_of(&[&[0], point].concat()), p256);
        let ed25519_of = |parameters: &[u8], key: &[u8]| {
            element(0x30, &[&element(0x30, &[&ed25519[4..9], parameters]), &element(0x03, &[&[0], key])])
        };
        assert_eq!(ed25519_of(&[], &ed25519[12..]), ed25519);
        let (form, bytes) = ("in its one canonical form", "PEM public key");
        for (what, key, why) in [
            ("P-256, compressed", der(P256_COMPRESSED), form),
            ("P-384, compressed", der(P384_COMPRESSED), form),
            ("P-256, hybrid", hybrid(&p256, 26), form),
            ("P-256, cut", p256_of(&[&[0], &point[..64]].concat()), bytes),
            ("P-256, longer", p256_of(&[&[0], point, &[0]].concat()), bytes),
            ("P-256, of no form", p256_of(&[&[0, 5], &point[1..]].concat()), bytes),
            ("P-256, infinity", p256_of(&[0, 0]), bytes),
            ("P-256, unused bits", p256_of(&[&[4], &point[..64], &[0xf0]].concat()), bytes),
            ("Ed25519, NULL", ed25519_of(&null, &ed25519[12..]), bytes),
            ("Ed25519, an identifier", ed25519_of(&ed25519[4..9], &ed25519[12..]), bytes),
            ("Ed25519, longer", ed25519_of(&[], &[&ed25519[12..], &[0]].concat()), bytes),
            ("RSA without parameters", spki(&[], &public), form),
            ("RSA with an identifier", spki(&oid, &public), form),
            ("RSA with a text", spki(&[0x04, 0], &public), form),
            ("RSA, a longer modulus", spki(&null, &numbers(&[&[0], modulus].concat(), exponent)), bytes),
            ("RSA, a longer exponent", spki(&null, &numbers(modulus, &[&[0], exponent].concat())), bytes),
            ("RSA, a negative modulus", spki(&null, &numbers(&modulus[1..], exponent)), bytes),
            ("RSA, more after it", spki(&null, &[&public[..], &[0]].concat()), bytes),
            ("RSA, three numbers", spki(&null, &element(0x30, &[&public[4..], &[2, 1, 1]])), bytes),
        ] {
            let e = PublicKey::from_der(&key).map(|_| ()).expect_err(what);
            assert!(e.code() == PUBLIC_KEY_MALFORMED && e.to_string().contains(why), "{what}: {e}");
        }
    }
}
