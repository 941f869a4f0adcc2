#![expect(
    clippy::disallowed_methods,
    reason = "the back end of stored credentials: reads their files and where they are"
)]
//! Where a registry's user name, password or identity token come from.

use std::fmt;
use std::fs::File;
use std::io::Read as _;
use std::path::PathBuf;
use zeroize::Zeroizing;

/// A docker configuration file that is read (bytes).
const CONFIG_BYTES: u64 = 4 << 20;

/// What proves to a registry, or to its token service, who asks. Never shown.
pub enum Credential {
    /// A user name and a password or access token.
    Basic {
        /// The user's name; may be empty.
        username: String,
        /// The password.
        password: Zeroizing<String>,
    },
    /// A refresh token for the registry's token service.
    Identity(Zeroizing<String>),
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Basic { .. } => "Basic(hidden)",
            Self::Identity(_) => "Identity(hidden)",
        })
    }
}

/// Why stored credentials could not be read. Carries no output of a helper, which could hold a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CredentialError {
    /// A configuration file is there and cannot be used.
    #[error("cannot read the registry credentials in `{path}`: {cause}")]
    Unreadable {
        /// The file.
        path: String,
        /// What is wrong with it.
        cause: String,
    },
    /// A credential helper failed.
    #[error("{helper} failed to give the credentials of `{server}`: run it by hand to see why")]
    Helper {
        /// The program's name, or that it could not be started.
        helper: String,
        /// The registry asked for.
        server: String,
    },
}

/// Where credentials are looked up.
pub trait CredentialStore: Send + Sync {
    /// The credential of a registry, by the name that `docker login` stores it under: the host with its port, for Docker
    /// Hub `https://index.docker.io/v1/`. `None` when there is none. May block, for example on a helper program.
    ///
    /// # Errors
    /// [`CredentialError`] when it cannot be told whether there is one.
    fn get(&self, server: &str) -> Result<Option<Credential>, CredentialError>;
}

/// No credentials: everything is asked anonymously.
#[derive(Clone, Copy, Debug, Default)]
pub struct Anonymous;

impl CredentialStore for Anonymous {
    fn get(&self, _: &str) -> Result<Option<Credential>, CredentialError> {
        Ok(None)
    }
}

/// What `docker login` and `podman login` have stored: `auths`, `credHelpers`, `credsStore`, identity tokens.
///
/// A helper is a program `docker-credential-NAME` of the search path that the configuration names; it is run.
#[derive(Clone, Debug, Default)]
pub struct DockerCredentials {
    files: Vec<PathBuf>,
}

impl DockerCredentials {
    /// Reads these files in turn, when asked; the first that has a credential decides. Those that are not there are
    /// passed over.
    #[must_use]
    pub fn new(files: Vec<PathBuf>) -> Self {
        Self { files }
    }

    /// The files that docker and podman read: `$DOCKER_CONFIG/config.json` or `~/.docker/config.json`, then
    /// `$REGISTRY_AUTH_FILE` or `$XDG_RUNTIME_DIR/containers/auth.json`.
    #[must_use]
    pub fn from_environment() -> Self {
        let var = |name| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
        let docker = var("DOCKER_CONFIG").or_else(|| var("HOME").map(|h| h.join(".docker")));
        let podman = var("REGISTRY_AUTH_FILE")
            .or_else(|| var("XDG_RUNTIME_DIR").map(|d| d.join("containers").join("auth.json")));
        Self::new(docker.map(|d| d.join("config.json")).into_iter().chain(podman).collect())
    }
}

impl CredentialStore for DockerCredentials {
    fn get(&self, server: &str) -> Result<Option<Credential>, CredentialError> {
        for path in &self.files {
            let unreadable =
                |cause: &str| CredentialError::Unreadable { path: path.display().to_string(), cause: cause.to_owned() };
            let file = match File::open(path) {
                Ok(f) => f.take(CONFIG_BYTES),
                Err(e) if matches!(e.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory) => {
                    continue;
                }
                Err(e) => return Err(unreadable(&e.to_string())),
            };
            use docker_credential::{CredentialRetrievalError as E, DockerCredential as C};
            match docker_credential::get_credential_from_reader(file, server) {
                Ok(C::IdentityToken(token)) => return Ok(Some(Credential::Identity(Zeroizing::new(token)))),
                Ok(C::UsernamePassword(username, password)) => {
                    return Ok(Some(Credential::Basic { username, password: Zeroizing::new(password) }));
                }
                Err(E::NoCredentialConfigured | E::ConfigNotFound) => {}
                // The helpers' protocol has no other word for "none": this text, on standard output.
                Err(E::HelperFailure { stdout, .. }) if stdout.contains("credentials not found") => {}
                Err(E::HelperFailure { helper, .. }) => {
                    return Err(CredentialError::Helper { helper, server: server.to_owned() });
                }
                Err(E::HelperCommunicationError | E::MalformedHelperResponse) => {
                    let helper = "the configured credential helper".to_owned();
                    return Err(CredentialError::Helper { helper, server: server.to_owned() });
                }
                Err(E::ConfigReadError) => return Err(unreadable("it is not the JSON of a docker configuration")),
                Err(E::CredentialDecodingError) => return Err(unreadable("`auth` is not base64 of `user:password`")),
                Err(E::CredentialMismatchError) => {
                    return Err(unreadable("`auth` and `username`/`password` do not agree"));
                }
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(text: &str, server: &str) -> Result<Option<Credential>, CredentialError> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.json");
        std::fs::write(&path, text).unwrap();
        DockerCredentials::new(vec![dir.path().join("absent.json"), path]).get(server)
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
