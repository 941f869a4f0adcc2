//! What asking a registry takes of this machine: stored credentials, helper programs, certificates. Read once per run,
//! and before a build step: what the step writes over them would be used with our rights.

use crate::capture::launch;
use crate::cli::args::Common;
use crate::cli::args::build;
use crate::cli::exit::Failure;
use crate::cli::{Ui, files};
use crate::model::limits;
use crate::registry::oci_http::{DockerCredentials, HttpOptions};
use std::sync::{Arc, OnceLock};

/// What has been read so far. Shared by all copies of the arguments that it stands in.
#[derive(Clone, Debug, Default)]
pub(super) struct Access(Arc<OnceLock<Read>>);

#[derive(Debug)]
struct Read {
    credentials: Arc<DockerCredentials>,
    ca_pem: Option<Vec<u8>>,
}

/// Reads it now. `keys` are the variables that hold keys: no helper is handed them.
///
/// # Errors
/// Exit 2 when the CA file cannot be read, or the working folder is gone.
pub(super) fn prepare(common: &Common, keys: &[String]) -> Result<(), Failure> {
    read(common, keys).map(drop)
}

/// Says which files of credentials a build step has changed, for what they say now does not count.
pub(super) fn note_changes(common: &Common, ui: &Ui) {
    for path in common.access.0.get().into_iter().flat_map(|read| read.credentials.changed()) {
        let path = path.display();
        ui.note(&format!("the build step changed `{path}`; what it said before counts: log in before `attest create`"));
    }
}

/// Options for registries, from the flags that every command has.
///
/// # Errors
/// As [`prepare`].
pub(super) fn http_options(common: &Common) -> Result<HttpOptions, Failure> {
    let read = read(common, &[])?;
    let mut options = HttpOptions::new(read.credentials.clone());
    options.allow_http = common.allow_http_registry;
    options.ca_pem = read.ca_pem.clone();
    options.timeout = common.timeout;
    Ok(options)
}

fn read<'a>(common: &'a Common, keys: &[String]) -> Result<&'a Read, Failure> {
    let cell = &common.access.0;
    if let Some(read) = cell.get() {
        return Ok(read);
    }
    let ca_pem = common.registry_ca.as_deref().map(|p| files::read(p, limits::KEY_BYTES * 64)).transpose()?;
    let launch = launch::helpers(&build::environment()?, keys);
    let credentials = Arc::new(DockerCredentials::from_environment(&launch));
    Ok(cell.get_or_init(|| Read { credentials, ca_pem }))
}
