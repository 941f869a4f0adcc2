#![expect(
    clippy::disallowed_methods,
    reason = "the back end of stored credentials: reads their files and where they are"
)]
//! Where a registry's user name, password or identity token are stored.

use super::credential::{Credential, CredentialError, CredentialStore};
use super::docker_config::{ConfigError, DockerConfig};
use crate::model::{Digest, limits};
use crate::programs::{Launch, ProgramError};
use crate::regular;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// What `docker login` and `podman login` have stored: `auths`, `credHelpers`, `credsStore`, identity tokens.
///
/// A helper is a program `docker-credential-NAME` that the configuration names; it is run. Configuration and helpers are
/// read and found when this is made, before a build step: one that the step writes, or names, would be handed what the
/// step is not.
#[derive(Clone, Debug, Default)]
pub struct DockerCredentials {
    files: Vec<StoredConfig>,
    /// What each file held when it was read.
    held: Vec<(PathBuf, Option<Digest>)>,
}

#[derive(Clone, Debug)]
struct StoredConfig {
    path: PathBuf,
    content: Result<DockerConfig, CredentialError>,
}

impl DockerCredentials {
    /// Reads these files; the first that has a credential decides. Those that are not there are passed over, what is wrong
    /// with others is told when a credential is asked for.
    #[must_use]
    pub fn read(files: Vec<PathBuf>, launch: &Launch) -> Self {
        let held = files.iter().map(|path| (path.clone(), digest(path))).collect();
        let stored = |path: PathBuf| {
            let content = config(&path, launch).transpose()?;
            Some(StoredConfig { path, content })
        };
        Self { files: files.into_iter().filter_map(stored).collect(), held }
    }

    /// The files that hold something else by now, as after a `docker login` in a build step: it does not count.
    #[must_use]
    pub fn changed(&self) -> Vec<&Path> {
        self.held.iter().filter(|(path, before)| digest(path) != *before).map(|(path, _)| path.as_path()).collect()
    }

    /// Of the files that docker and podman read: `$DOCKER_CONFIG/config.json` or `~/.docker/config.json`, then
    /// `$REGISTRY_AUTH_FILE` or `$XDG_RUNTIME_DIR/containers/auth.json`.
    #[must_use]
    pub fn from_environment(launch: &Launch) -> Self {
        let var = |name| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
        let docker = var("DOCKER_CONFIG").or_else(|| var("HOME").map(|h| h.join(".docker")));
        let podman = var("REGISTRY_AUTH_FILE")
            .or_else(|| var("XDG_RUNTIME_DIR").map(|d| d.join("containers").join("auth.json")));
        Self::read(docker.map(|d| d.join("config.json")).into_iter().chain(podman).collect(), launch)
    }
}

impl CredentialStore for DockerCredentials {
    fn get(&self, server: &str) -> Result<Option<Credential>, CredentialError> {
        for StoredConfig { path, content } in &self.files {
            let config = content.as_ref().map_err(Clone::clone)?;
            let found = config.get(server).map_err(|e| match e {
                ConfigError::Content(cause) => unreadable(path, cause),
                ConfigError::Helper(e) => e,
            })?;
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }
}

/// A configuration; `None` where there is none.
fn config(path: &Path, launch: &Launch) -> Result<Option<DockerConfig>, CredentialError> {
    let path = match launch.search().place(path) {
        Ok(real) => real,
        Err(ProgramError::Missing { cause, .. }) => {
            use std::io::ErrorKind::{NotADirectory, NotFound};
            return match std::fs::metadata(path) {
                Err(e) if matches!(e.kind(), NotFound | NotADirectory) => Ok(None),
                _ => Err(unreadable(path, &cause)),
            };
        }
        Err(error) => return Err(CredentialError::Refused(error)),
    };
    let bytes = content(&path).map_err(|e| unreadable(&path, &e.to_string()))?;
    if bytes.len() > limits::DOCKER_CONFIG_BYTES {
        return Err(unreadable(&path, &format!("it has more than {} bytes", limits::DOCKER_CONFIG_BYTES)));
    }
    DockerConfig::parse(&bytes, launch).map(Some).map_err(|cause| unreadable(&path, cause))
}

/// What a regular file holds, one byte over the limit at most.
fn content(path: &Path) -> std::io::Result<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::new());
    regular::open(path)?.0.take(limits::DOCKER_CONFIG_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn digest(path: &Path) -> Option<Digest> {
    content(path).ok().map(|bytes| Digest::sha256(&bytes))
}

fn unreadable(path: &Path, cause: &str) -> CredentialError {
    CredentialError::Unreadable { path: path.display().to_string(), cause: cause.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(text: &str, server: &str) -> Result<Option<Credential>, CredentialError> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.json");
        std::fs::write(&path, text).unwrap();
        DockerCredentials::read(vec![dir.path().join("absent.json"), path], &Launch::default()).get(server)
    }

    #[test]
    fn reads_what_docker_login_writes() {
        let config = r#"{"auths":{"https://index.docker.io/v1/":{"auth":"dXNlcjpwYTpzcw=="},"r.example:5000":{"identitytoken":"t"}}}"#;
        let Some(Credential::Basic { username, password }) = stored(config, "https://index.docker.io/v1/").unwrap()
        else {
            panic!("no password")
        };
        assert_eq!((username.as_str(), password.as_str()), ("user", "pa:ss"));
        assert!(matches!(stored(config, "r.example:5000").unwrap(), Some(Credential::Identity(_))));
        assert!(stored(config, "other.example").unwrap().is_none());
    }

    #[test]
    fn what_cannot_be_read_is_an_error_without_the_secret() {
        let e = stored(r#"{"auths":{"r.example":{"auth":"c2VjcmV0"}}}"#, "r.example").unwrap_err().to_string();
        assert!(e.contains("config.json") && !e.contains("c2VjcmV0") && !e.contains("secret"), "{e}");
        assert!(stored("{", "r.example").is_err());
        let absent = r#"{"credHelpers":{"r.example":"attest-test-absent"}}"#;
        assert!(matches!(stored(absent, "r.example"), Err(CredentialError::Helper { .. })));
    }

    #[test]
    fn a_secret_is_not_shown() {
        let c = Credential::Basic { username: "u".into(), password: Zeroizing::new("hunter2".into()) };
        assert!(!format!("{c:?}").contains("hunter2"));
    }
}
