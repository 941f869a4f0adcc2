//! [`HttpOptions`]: how a registry is reached.

use super::credential::CredentialStore;
use super::locks;
use crate::net::{HttpClient, Reach, Settings};
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// How a registry is reached.
#[derive(Clone)]
pub struct HttpOptions {
    /// Take plain HTTP from other hosts than this machine, where they do not speak TLS. This machine's own may always speak
    /// plain HTTP, unless there is a certificate for them.
    pub allow_http: bool,
    /// Certificates (PEM) to trust beside the usual ones: of authorities, or of the registry itself.
    pub ca_pem: Option<Vec<u8>>,
    /// How long one operation may take, with all its requests and retries.
    pub timeout: Duration,
    /// Where credentials are looked up, when the registry asks for any.
    pub credentials: Arc<dyn CredentialStore>,
    /// Which addresses a registry's own name may have.
    pub reach: Reach,
    /// Which addresses may have what its answers name.
    pub led: Reach,
    /// The client that repositories of one registry share; else each has its own.
    pub client: Option<HttpClient>,
    /// A folder of this user for the locks that writers of one machine take; without it they do not take turns.
    pub locks: Option<PathBuf>,
}

impl HttpOptions {
    /// Plain HTTP for this machine only, half a minute, the usual roots, turns taken in the temporary folder.
    #[must_use]
    pub fn new(credentials: Arc<dyn CredentialStore>) -> Self {
        let timeout = Duration::from_secs(30);
        Self {
            allow_http: false,
            ca_pem: None,
            timeout,
            credentials,
            reach: Reach::ALL,
            led: Reach::LED,
            client: None,
            locks: locks::default_folder(),
        }
    }

    /// A client for registries that are reached like this.
    #[must_use]
    pub fn client(&self) -> HttpClient {
        let (ca_pem, typed, led, plain) = (self.ca_pem.clone(), self.reach, self.led, self.allow_http);
        HttpClient::new(Settings { ca_pem, typed, led, plain, ..Settings::default() })
    }
}

impl fmt::Debug for HttpOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("HttpOptions");
        out.field("allow_http", &self.allow_http).field("ca_pem", &self.ca_pem.as_ref().map(Vec::len));
        out.field("timeout", &self.timeout).field("locks", &self.locks).finish_non_exhaustive()
    }
}
