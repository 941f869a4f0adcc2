//! A person logs in: OpenID Connect with a browser on this machine, or with a code that is typed in elsewhere.
//!
//! What comes back is an identity token for the certificate authority. Everything in between is material of strangers:
//! whoever can reach this machine can call the loopback address, so an answer counts only with the state that this
//! login drew, its code is worth nothing without the verifier that stays here (RFC 7636), and a token counts only when
//! it is of the issuer that was asked, for this client and this login.

mod browser;
mod callback;
mod device;
mod provider;

use super::{IdentityToken, ServiceClient, SignError};
use crate::model::uri;
use crate::sign::sigstore::services::is_safe;
use crate::sign::sigstore::url;
use aws_lc_rs::rand;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use provider::Provider;
use sha2::{Digest as _, Sha256};
use std::time::Duration;
use zeroize::Zeroizing;

/// Issuer of the public-good instance.
pub const PUBLIC_ISSUER: &str = "https://oauth2.sigstore.dev/auth";
/// The client that certificate authorities of Sigstore expect a token for.
pub const PUBLIC_CLIENT: &str = "sigstore";
/// What is asked for: who the person is.
const SCOPE: &str = "openid email";

/// Somebody who sits before this program.
pub trait Person: Send + Sync {
    /// Opens an address in a browser; `false` where there is none.
    fn open(&self, url: &str) -> bool;
    /// Says something that must be seen.
    fn tell(&self, text: &str);
}

/// How a person logs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginFlow {
    /// In a browser on this machine (RFC 6749 section 4.1 with RFC 7636 and RFC 8252); where none can be opened, as
    /// [`LoginFlow::Device`].
    Browser,
    /// On any other device, by a code (RFC 8628).
    Device,
}

/// A login that can be begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// The issuer: discovery starts here, and the token must name it.
    pub issuer: String,
    /// The client that the token must be for.
    pub client: String,
    /// How.
    pub flow: LoginFlow,
    /// How long the person may take.
    pub patience: Duration,
}

impl Login {
    /// That the issuer may be talked to.
    ///
    /// # Errors
    /// [`SignError::Services`].
    pub fn check(&self) -> Result<(), SignError> {
        if is_safe(&self.issuer) && url::origin(&self.issuer).is_some() && !self.issuer.contains(['?', '#']) {
            return Ok(());
        }
        let found = uri::public(&self.issuer);
        let cause = format!("expected an issuer as https://HOST, or http on this machine, found `{found}`");
        Err(SignError::Services { cause })
    }

    /// Lets the person log in, and waits for it.
    ///
    /// # Errors
    /// [`SignError::Unavailable`] when nobody logs in in time or the issuer does not answer, [`SignError::Refused`]
    /// when it or the person says no, [`SignError::Answer`] for an answer that is none or a token of another login.
    pub async fn token(&self, person: &dyn Person, client: &ServiceClient) -> Result<IdentityToken, SignError> {
        self.check()?;
        self.log_in(person, client).await.map_err(|e| client.harmless(e))
    }

    async fn log_in(&self, person: &dyn Person, client: &ServiceClient) -> Result<IdentityToken, SignError> {
        let provider = Provider::discover(&self.issuer, client).await?;
        if self.flow == LoginFlow::Browser
            && let Some(token) = browser::log_in(self, &provider, person, client).await?
        {
            return Ok(token);
        }
        device::log_in(self, &provider, person, client).await
    }
}

/// The readers of what strangers send, for fuzzing. Each says whether it took the bytes.
#[cfg(feature = "testing")]
pub(crate) mod untrusted {
    use super::{callback, device, provider};

    /// An issuer's configuration: every endpoint is of its host.
    pub(crate) fn configuration(bytes: &[u8]) -> bool {
        let issuer = "https://issuer.example/auth";
        let Ok(read) = provider::Provider::read("the issuer".into(), issuer, bytes) else { return false };
        for endpoint in [Some(&read.token), read.authorization.as_ref(), read.device.as_ref()].into_iter().flatten() {
            assert_eq!(
                crate::sign::sigstore::url::origin(endpoint).as_deref(),
                Some("https://issuer.example"),
                "{endpoint:?}"
            );
        }
        true
    }

    /// What a device is told: what a person is shown of it is one line.
    pub(crate) fn device(bytes: &[u8]) -> bool {
        let Ok(read) = device::read(bytes) else { return false };
        assert!(!read.user_code.contains(char::is_whitespace) && !read.address.contains(char::is_control));
        true
    }

    /// A request to the address that a browser is sent back to: a code is taken with this login's state alone.
    pub(crate) fn callback(bytes: &[u8]) -> bool {
        let expected = callback::Expected { state: "state".into(), issuer: "https://issuer.example".into() };
        let Ok(head) = std::str::from_utf8(bytes) else { return false };
        let taken = matches!(callback::judge(head, 1234, &expected), callback::Visit::Answer(_));
        assert!(!taken || head.starts_with("GET /"), "{head:?}");
        taken
    }
}

/// A secret that stays here, and what is shown of it (RFC 7636 section 4).
struct Verifier {
    secret: Zeroizing<String>,
    challenge: String,
}

impl Verifier {
    fn new() -> Result<Self, SignError> {
        let secret = Zeroizing::new(random()?);
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(secret.as_bytes()));
        Ok(Self { secret, challenge })
    }
}

/// 256 bits that nobody guesses, as text.
fn random() -> Result<String, SignError> {
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

    #[test]
    fn an_issuer_is_talked_to_over_no_open_line() {
        let check = |issuer: &str| {
            let flow = LoginFlow::Device;
            Login { issuer: issuer.into(), client: "c".into(), flow, patience: Duration::ZERO }.check()
        };
        assert_eq!(check(PUBLIC_ISSUER), Ok(()));
        assert_eq!(check("http://127.0.0.1:5556/auth"), Ok(()));
        for bad in ["http://issuer.example", "https://u:p@issuer.example", "https://issuer.example?x", "issuer", ""] {
            assert_eq!(check(bad).unwrap_err().code().as_str(), "signing-services-unusable", "{bad}");
        }
    }
}
