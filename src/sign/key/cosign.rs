//! cosign's encrypted private key: JSON with a scrypt salt and a NaCl secretbox around PKCS#8.

use crate::model::json::{self, Field, JsonError};
use crate::model::limits;
use crate::sign::key::pbes2::scrypt_cost;
use crate::sign::{LocalKey, SignError};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use crypto_secretbox::{AeadInPlace as _, KeyInit as _, Nonce, Tag, XSalsa20Poly1305};
use serde_json::json;
use zeroize::Zeroizing;

/// The PEM label that is written.
pub(in crate::sign) const LABEL: &str = "ENCRYPTED SIGSTORE PRIVATE KEY";
/// The PEM label that early versions of cosign wrote.
pub(in crate::sign) const OLD_LABEL: &str = "ENCRYPTED COSIGN PRIVATE KEY";

/// scrypt parameters as cosign 2 and 3 write them: log2 of N, r, p.
pub(in crate::sign) const COST: (u8, u32, u32) = (16, 8, 1);
/// Bytes of the salt.
pub(in crate::sign) const SALT: usize = 32;
/// Bytes of the nonce.
pub(in crate::sign) const NONCE: usize = 24;
const TAG: usize = 16;

/// Opens the JSON body of a PEM block. `password` is asked for only after the cost was found to be in bounds.
///
/// # Errors
/// [`SignError::Malformed`], [`SignError::TooExpensive`], [`SignError::WrongPassword`], and what `password` returns.
pub(in crate::sign) fn read(
    reference: &str,
    body: &[u8],
    password: &dyn Fn() -> Result<Zeroizing<Vec<u8>>, SignError>,
) -> Result<LocalKey, SignError> {
    let sealed = Sealed::parse(body)
        .map_err(|e| SignError::Malformed { reference: reference.to_owned(), why: e.to_string() })?;
    let log_n = scrypt_cost(reference, sealed.n, sealed.r, sealed.p)?;
    let malformed = |why: &str| SignError::Malformed { reference: reference.to_owned(), why: why.to_owned() };
    let (r, p) = (u32::try_from(sealed.r), u32::try_from(sealed.p));
    let (Ok(r), Ok(p)) = (r, p) else { return Err(malformed("expected scrypt parameters r and p of 32 bits")) };
    let key = derive((log_n, r, p), &password()?, &sealed.salt).ok_or_else(|| malformed(NO_SCRYPT))?;
    let (tag, ciphertext) = sealed.ciphertext.split_at(TAG);
    let mut plain = Zeroizing::new(ciphertext.to_vec());
    XSalsa20Poly1305::new(key.as_ref().into())
        .decrypt_in_place_detached(Nonce::from_slice(&sealed.nonce), b"", &mut plain, Tag::from_slice(tag))
        .map_err(|_| SignError::WrongPassword { reference: reference.to_owned() })?;
    crate::sign::key::pkcs8::read(reference, &plain)
}

/// Seals PKCS#8 under a password; the answer is PEM. Salt and nonce must be fresh and random.
///
/// # Errors
/// [`SignError::Failed`].
pub(in crate::sign) fn seal(
    pkcs8: &[u8],
    password: &[u8],
    cost: (u8, u32, u32),
    salt: &[u8; SALT],
    nonce: &[u8; NONCE],
) -> Result<String, SignError> {
    let failed = |cause: &str| SignError::Failed { cause: cause.to_owned() };
    let key = derive(cost, password, salt).ok_or_else(|| failed(NO_SCRYPT))?;
    let mut text = Zeroizing::new(pkcs8.to_vec());
    let tag = XSalsa20Poly1305::new(key.as_ref().into())
        .encrypt_in_place_detached(Nonce::from_slice(nonce), b"", &mut text)
        .map_err(|_| failed("the key cannot be encrypted"))?;
    // NaCl puts the tag before the ciphertext.
    let ciphertext = [tag.as_slice(), text.as_slice()].concat();
    let body = json!({
        "kdf": {
            "name": "scrypt",
            "params": { "N": 1u64 << cost.0, "r": cost.1, "p": cost.2 },
            "salt": STANDARD.encode(salt),
        },
        "cipher": { "name": "nacl/secretbox", "nonce": STANDARD.encode(nonce) },
        "ciphertext": STANDARD.encode(ciphertext),
    });
    let block = pem::Pem::new(LABEL, body.to_string().into_bytes());
    Ok(pem::encode_config(&block, pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF)))
}

const NO_SCRYPT: &str = "scrypt does not take these parameters";

fn derive((log_n, r, p): (u8, u32, u32), password: &[u8], salt: &[u8]) -> Option<Zeroizing<[u8; 32]>> {
    let mut key = Zeroizing::new([0; 32]);
    let parameters = scrypt::Params::new(log_n, r, p).ok()?;
    scrypt::scrypt(password, salt, &parameters, key.as_mut()).ok()?;
    Some(key)
}

struct Sealed {
    n: u64,
    r: u64,
    p: u64,
    salt: Vec<u8>,
    nonce: Vec<u8>,
    ciphertext: Vec<u8>,
}

impl Sealed {
    fn parse(body: &[u8]) -> Result<Self, JsonError> {
        let value = json::parse(body, limits::KEY_BYTES)?;
        let root = Field::root("key", &value);
        let (kdf, cipher) = (root.need("kdf")?, root.need("cipher")?);
        let is = |field: Field<'_>, expected: &str| match field.str()? {
            name if name == expected => Ok(()),
            other => Err(field.error(format!("`{expected}`"), format!("`{other}`"))),
        };
        is(kdf.need("name")?, "scrypt")?;
        is(cipher.need("name")?, "nacl/secretbox")?;
        let parameters = kdf.need("params")?;
        let number = |name: &str| {
            let field = parameters.need(name)?;
            field.value().as_u64().ok_or_else(|| field.error("a whole number", field.value()))
        };
        let nonce_field = cipher.need("nonce")?;
        let nonce = nonce_field.base64()?;
        if nonce.len() != NONCE {
            return Err(nonce_field.error(format!("{NONCE} bytes"), format!("{} bytes", nonce.len())));
        }
        let ciphertext_field = root.need("ciphertext")?;
        let ciphertext = ciphertext_field.base64()?;
        if ciphertext.len() < TAG {
            return Err(ciphertext_field.error(format!("{TAG} bytes or more"), format!("{} bytes", ciphertext.len())));
        }
        Ok(Self {
            n: number("N")?,
            r: number("r")?,
            p: number("p")?,
            salt: kdf.need("salt")?.base64()?,
            nonce,
            ciphertext,
        })
    }
}
