//! What one login draws by lot: nobody else can answer in its place.

use super::super::SignError;
use aws_lc_rs::rand;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

/// A secret that stays here, and what is shown of it (RFC 7636 section 4).
pub(super) struct Verifier {
    pub(super) secret: Zeroizing<String>,
    pub(super) challenge: String,
}

impl Verifier {
    pub(super) fn new() -> Result<Self, SignError> {
        let secret = Zeroizing::new(random()?);
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(secret.as_bytes()));
        Ok(Self { secret, challenge })
    }
}

/// 256 bits that nobody guesses, as text.
pub(super) fn random() -> Result<String, SignError> {
    let mut bytes = Zeroizing::new([0; 32]);
    rand::fill(&mut bytes[..]).map_err(|_| SignError::Failed { cause: "the system gives no randomness".into() })?;
    Ok(URL_SAFE_NO_PAD.encode(&bytes[..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_challenge_is_the_digest_of_the_verifier() {
        let (one, two) = (Verifier::new().unwrap(), Verifier::new().unwrap());
        assert_eq!((one.secret.len(), one.challenge.len()), (43, 43));
        assert_eq!(one.challenge, URL_SAFE_NO_PAD.encode(Sha256::digest(one.secret.as_bytes())));
        assert!(one.secret != two.secret && one.challenge != two.challenge);
    }
}
