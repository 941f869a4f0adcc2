//! Private keys in PEM (RFC 7468) or DER: which is which format.

use crate::model::limits;
use crate::sign::key::cosign;
use crate::sign::key::pbes2;
use crate::sign::key::pkcs8;
use crate::sign::{LocalKey, PasswordSource, SignError};
use crate::trust::is_der;
use ::pkcs8::EncryptedPrivateKeyInfoRef;
use zeroize::Zeroizing;

type Password<'a> = &'a dyn Fn() -> Result<Zeroizing<Vec<u8>>, SignError>;
type Reader = fn(&str, &[u8], Password<'_>) -> Result<LocalKey, SignError>;

/// PEM labels, what reads their contents, and whether these are encrypted. A new format is a file and a row here.
const FORMATS: &[(&str, Reader, bool)] = &[
    ("PRIVATE KEY", |reference, der, _| pkcs8::read(reference, der), false),
    ("EC PRIVATE KEY", |reference, der, _| pkcs8::read_sec1(reference, der), false),
    ("ENCRYPTED PRIVATE KEY", pbes2::read, true),
    (cosign::LABEL, cosign::read, true),
    (cosign::OLD_LABEL, cosign::read, true),
];

/// Labels that people hand in by mistake, and what to say of them.
const MISTAKEN: &[(&str, &str)] = &[
    ("PUBLIC KEY", "a public key; the private half signs"),
    ("CERTIFICATE", "a certificate; a private key signs"),
    ("RSA PRIVATE KEY", "an RSA key; RSA keys verify here but do not sign"),
    ("OPENSSH PRIVATE KEY", "an OpenSSH key; keys are read as PKCS#8, SEC1 or cosign's format"),
];

/// Reads the one private key of a PEM text: PKCS#8, SEC1, encrypted PKCS#8 (PBES2) or cosign's format; or DER of one of the
/// first three.
///
/// `reference` names the key in errors and to `passwords`, which is asked only when the key is encrypted and the cost
/// of deriving from a password is within [`limits`].
///
/// # Errors
/// [`SignError::TooExpensive`] over [`limits::KEY_BYTES`] or a derivation limit, [`SignError::Malformed`] saying what
/// was found, [`SignError::PasswordNeeded`], [`SignError::WrongPassword`], and what `passwords` returns.
pub fn read_private_key(reference: &str, text: &[u8], passwords: &dyn PasswordSource) -> Result<LocalKey, SignError> {
    let (label, contents) = one_block(reference, text)?;
    let (_, read, _) = format_of(reference, &label)?;
    read(reference, &contents, &|| {
        passwords.password(reference)?.ok_or_else(|| SignError::PasswordNeeded { reference: reference.to_owned() })
    })
}

/// That the text is one private key of a known format whose password, if it needs one, can be had. Nothing is decrypted: it is
/// asked before a build step runs, which could read the key from memory.
///
/// # Errors
/// [`SignError::Malformed`], [`SignError::TooExpensive`] and [`SignError::PasswordNeeded`], as [`read_private_key`].
pub(in crate::sign) fn recognise(
    reference: &str,
    text: &[u8],
    passwords: &dyn PasswordSource,
) -> Result<(), SignError> {
    let (label, _) = one_block(reference, text)?;
    let (_, _, is_encrypted) = format_of(reference, &label)?;
    if *is_encrypted && !passwords.can_give(reference)? {
        return Err(SignError::PasswordNeeded { reference: reference.to_owned() });
    }
    Ok(())
}

fn format_of(reference: &str, label: &str) -> Result<&'static (&'static str, Reader, bool), SignError> {
    FORMATS.iter().find(|(known, ..)| *known == label).ok_or_else(|| {
        let found = MISTAKEN.iter().find(|(known, _)| *known == label).map(|(_, words)| (*words).to_owned());
        let found = found.unwrap_or_else(|| format!("a PEM block `{label}`"));
        let why = format!("expected a PEM private key, found {found}");
        SignError::Malformed { reference: reference.to_owned(), why }
    })
}

/// The label and the contents of the only block.
fn one_block(reference: &str, text: &[u8]) -> Result<(String, Zeroizing<Vec<u8>>), SignError> {
    let malformed = |found: &str| SignError::Malformed {
        reference: reference.to_owned(),
        why: format!("expected one PEM private key (-----BEGIN ... PRIVATE KEY-----), found {found}"),
    };
    if text.len() > limits::KEY_BYTES {
        let limit = limits::KEY_BYTES as u64;
        return Err(SignError::TooExpensive { reference: reference.to_owned(), what: "a size in bytes".into(), limit });
    }
    if is_der(text) {
        let encrypted = || EncryptedPrivateKeyInfoRef::try_from(text).is_ok().then_some("ENCRYPTED PRIVATE KEY");
        let label = pkcs8::label(text).or_else(encrypted).ok_or_else(|| malformed("DER that is no PKCS#8 or SEC1"))?;
        return Ok((label.to_owned(), Zeroizing::new(text.to_vec())));
    }
    let text = std::str::from_utf8(text).map_err(|_| malformed("bytes that are no text"))?;
    let blocks = pem::parse_many(text).map_err(|_| malformed("text that is no PEM"))?;
    let mut blocks: Vec<_> = blocks
        .into_iter()
        .map(|b| {
            let headers = b.headers().iter().next().is_some();
            (b.tag().chars().take(60).collect::<String>(), headers, Zeroizing::new(b.into_contents()))
        })
        .collect();
    // A block that is cut short is skipped by the parser; here it counts.
    let mut begun = text.matches("-----BEGIN ").count();
    // `openssl ecparam -genkey` writes the curve before the key, which names it again.
    if begun == 2
        && matches!(&blocks[..], [(curve, ..), (key, ..)] if curve == "EC PARAMETERS" && key == "EC PRIVATE KEY")
    {
        blocks.remove(0);
        begun = 1;
    }
    match (blocks.pop(), begun) {
        (Some((label, false, contents)), 1) => Ok((label, contents)),
        (Some((label, true, _)), 1) => Err(malformed(&format!(
            "`{label}` with headers (OpenSSL's old encryption); `openssl pkcs8 -topk8` converts it"
        ))),
        (None, 0) => Err(malformed("no PEM block")),
        (None, _) => Err(malformed("a PEM block that is cut short")),
        (Some(last), n) => {
            let labels: Vec<_> = blocks.iter().chain([&last]).map(|(label, ..)| format!("`{label}`")).collect();
            Err(malformed(&format!("{n} PEM blocks ({})", labels.join(", "))))
        }
    }
}

#[cfg(test)]
#[path = "armor_tests.rs"]
mod tests;
