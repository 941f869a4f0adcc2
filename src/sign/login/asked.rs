//! [`Login`]: who logs in where, and how.

use super::super::SignError;
use crate::model::uri;
use crate::sign::sigstore::services::is_safe;
use crate::sign::sigstore::url;
use std::time::Duration;

/// Issuer of the public-good instance.
pub const PUBLIC_ISSUER: &str = "https://oauth2.sigstore.dev/auth";
/// The client that certificate authorities of Sigstore expect a token for.
pub const PUBLIC_CLIENT: &str = "sigstore";
/// What is asked for: who the person is.
pub(super) const SCOPE: &str = "openid email";

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
}

#[cfg(test)]
mod tests {
    use super::*;

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
