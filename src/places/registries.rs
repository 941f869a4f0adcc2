//! What asking a registry takes of this machine: stored credentials, helper programs, certificates. Read once per run,
//! and before a build step: what the step writes over them would be used with our rights.

use super::{PlaceError, environment, files};
use crate::capture::launch;
use crate::model::limits;
use crate::registry::oci_http::{DockerCredentials, HttpOptions};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// What a caller says of registries.
#[derive(Clone, Copy, Debug)]
pub struct RegistrySettings<'a> {
    /// A file of certificates of authorities, in PEM, beside the embedded ones.
    pub ca: Option<&'a Path>,
    /// Whether a registry that is not on this machine may be asked without TLS.
    pub allow_http: bool,
    /// How long one request may take.
    pub timeout: Duration,
}

/// What has been read so far. Shared by all copies.
#[derive(Clone, Debug, Default)]
pub struct RegistryAccess(Arc<OnceLock<Read>>);

#[derive(Debug)]
struct Read {
    credentials: Arc<DockerCredentials>,
    ca_pem: Option<Vec<u8>>,
}

impl RegistryAccess {
    /// Reads it now. `keys` are the variables that hold keys: no helper is handed them.
    ///
    /// # Errors
    /// [`PlaceError`] when the file of authorities cannot be read, or the working folder is gone.
    pub fn prepare(&self, settings: &RegistrySettings<'_>, keys: &[String]) -> Result<(), PlaceError> {
        self.read(settings, keys).map(drop)
    }

    /// Options of a client for registries; reads what [`Self::prepare`] has not read.
    ///
    /// # Errors
    /// As [`Self::prepare`].
    pub fn options(&self, settings: &RegistrySettings<'_>) -> Result<HttpOptions, PlaceError> {
        let read = self.read(settings, &[])?;
        let mut options = HttpOptions::new(read.credentials.clone());
        options.allow_http = settings.allow_http;
        options.ca_pem = read.ca_pem.clone();
        options.timeout = settings.timeout;
        Ok(options)
    }

    /// Files of credentials that were changed since they were read, as a build step can do it. What they say now does not
    /// count.
    #[must_use]
    pub fn changed(&self) -> Vec<PathBuf> {
        self.0.get().into_iter().flat_map(|read| read.credentials.changed()).map(std::path::Path::to_path_buf).collect()
    }

    fn read(&self, settings: &RegistrySettings<'_>, keys: &[String]) -> Result<&Read, PlaceError> {
        if let Some(read) = self.0.get() {
            return Ok(read);
        }
        let ca_pem = settings.ca.map(|p| files::read(p, limits::KEY_BYTES * 64)).transpose()?;
        let launch = launch::helpers(&environment()?, keys);
        let credentials = Arc::new(DockerCredentials::from_environment(&launch));
        Ok(self.0.get_or_init(|| Read { credentials, ca_pem }))
    }
}
