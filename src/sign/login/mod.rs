//! A person logs in: OpenID Connect with a browser on this machine, or with a code that is typed in elsewhere.
//!
//! What comes back is an identity token for the certificate authority. Everything in between is material of strangers:
//! whoever can reach this machine can call the loopback address, so an answer counts only with the state that this
//! login drew, its code is worth nothing without the verifier that stays here (RFC 7636), and a token counts only when
//! it is of the issuer that was asked, for this client and this login.

mod asked;
mod browser;
mod callback;
mod device;
mod provider;
mod verifier;

pub use asked::{Login, LoginFlow, PUBLIC_CLIENT, PUBLIC_ISSUER, Person};

use super::{IdentityToken, ServiceClient, SignError};
use provider::Provider;

impl Login {
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
