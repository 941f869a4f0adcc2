//! Encrypted PKCS#8: PBES2 (RFC 8018) with PBKDF2 or scrypt, AES-CBC or AES-GCM.

use crate::model::limits;
use crate::sign::{LocalKey, SignError};
use pkcs8::EncryptedPrivateKeyInfoRef;
use pkcs8::pkcs5::pbes2::Kdf;
use zeroize::Zeroizing;

/// Reads an encrypted key. `password` is asked for only after the cost of deriving from it was found to be in bounds.
///
/// # Errors
/// [`SignError::Malformed`], [`SignError::TooExpensive`], [`SignError::WrongPassword`], and what `password` returns.
pub(in crate::sign) fn read(
    reference: &str,
    der: &[u8],
    password: &dyn Fn() -> Result<Zeroizing<Vec<u8>>, SignError>,
) -> Result<LocalKey, SignError> {
    let malformed = |why: &str| SignError::Malformed { reference: reference.to_owned(), why: why.to_owned() };
    let info = EncryptedPrivateKeyInfoRef::try_from(der).map_err(|_| malformed(EXPECTED))?;
    let scheme = info.encryption_algorithm.pbes2().ok_or_else(|| malformed(EXPECTED))?;
    match &scheme.kdf {
        Kdf::Pbkdf2(p) => {
            let iterations = u64::from(p.iteration_count);
            within(reference, "PBKDF2 iterations", iterations, u64::from(limits::PBKDF2_ITERATIONS))?;
        }
        Kdf::Scrypt(p) => {
            scrypt_cost(reference, p.cost_parameter, p.block_size.into(), p.parallelization.into())?;
        }
        _ => return Err(malformed(EXPECTED)),
    }
    let mut bytes = Zeroizing::new(info.encrypted_data.as_bytes().to_vec());
    let wrong = || SignError::WrongPassword { reference: reference.to_owned() };
    let plain = match scheme.decrypt_in_place(password()?.as_slice(), &mut bytes) {
        Ok(plain) => plain,
        Err(pkcs8::pkcs5::Error::DecryptFailed) => return Err(wrong()),
        Err(_) => return Err(malformed(EXPECTED)),
    };
    // CBC carries no authentication: one wrong password in 256 leaves good padding around noise.
    if pkcs8::PrivateKeyInfoRef::try_from(plain).is_err() {
        return Err(wrong());
    }
    crate::sign::key::pkcs8::read(reference, plain)
}

const EXPECTED: &str = "expected PKCS#8 encrypted with PBES2 (PBKDF2 with HMAC-SHA-2 or scrypt; AES-CBC or AES-GCM), \
     found something else; `openssl pkcs8 -topk8` converts it";

/// Refuses scrypt parameters that are none or cost more than [`limits`] allow; returns log2 of N.
///
/// # Errors
/// [`SignError::Malformed`], [`SignError::TooExpensive`].
pub(in crate::sign) fn scrypt_cost(reference: &str, n: u64, r: u64, p: u64) -> Result<u8, SignError> {
    within(reference, "a scrypt N", n, 1 << limits::SCRYPT_LOG_N)?;
    within(reference, "scrypt's N x r x p", n.saturating_mul(r).saturating_mul(p), limits::SCRYPT_COST)?;
    // Zero and one are no work at all, and not every implementation survives them.
    if n < 2 || !n.is_power_of_two() || r == 0 || p == 0 {
        let why = format!("expected scrypt parameters (N a power of two from 2), found N {n}, r {r}, p {p}");
        return Err(SignError::Malformed { reference: reference.to_owned(), why });
    }
    Ok(n.trailing_zeros() as u8)
}

fn within(reference: &str, what: &str, found: u64, limit: u64) -> Result<(), SignError> {
    if found > limit {
        return Err(SignError::TooExpensive {
            reference: reference.to_owned(),
            what: format!("{what} of {found}"),
            limit,
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scrypt_cost_is_bounded_and_must_be_one() {
        assert_eq!(scrypt_cost("k", 65536, 8, 1), Ok(16));
        assert_eq!(scrypt_cost("k", 1 << 17, 8, 1), Ok(17));
        for (n, r, p) in [(1 << 18, 1, 1), (1 << 17, 8, 2), (2, 1 << 19, 2), (1 << 17, u64::MAX, u64::MAX)] {
            assert!(matches!(scrypt_cost("k", n, r, p), Err(SignError::TooExpensive { .. })), "{n} {r} {p}");
        }
        for (n, r, p) in [(0, 8, 1), (1, 8, 1), (65535, 8, 1), (2, 0, 1), (2, 1, 0)] {
            assert!(matches!(scrypt_cost("k", n, r, p), Err(SignError::Malformed { .. })), "{n} {r} {p}");
        }
    }
}
