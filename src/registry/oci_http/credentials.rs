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
    /// `$REGISTRY_AUTH_FILE`, or else `containers/auth.json` below `$XDG_RUNTIME_DIR` (or `/run/containers/UID/auth.json`) and
    /// below `$XDG_CONFIG_HOME` or `~/.config`.
    #[must_use]
    pub fn from_environment(launch: &Launch) -> Self {
        let var = |name| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
        let docker = var("DOCKER_CONFIG").or_else(|| var("HOME").map(|h| h.join(".docker")));
        let below = |folder: PathBuf| folder.join("containers").join("auth.json");
        let of_the_user = || PathBuf::from(format!("/run/containers/{}/auth.json", rustix::process::getuid().as_raw()));
        let podman = match var("REGISTRY_AUTH_FILE") {
            Some(file) => vec![file],
            None => {
                let run = var("XDG_RUNTIME_DIR").map_or_else(of_the_user, below);
                let config = var("XDG_CONFIG_HOME").or_else(|| var("HOME").map(|h| h.join(".config")));
                std::iter::once(run).chain(config.map(below)).collect()
            }
        };
        Self::read(docker.map(|d| d.join("config.json")).into_iter().chain(podman).collect(), launch)
    }
}

impl CredentialStore for DockerCredentials {
    fn get(&self, server: &str, repository: &str) -> Result<Option<Credential>, CredentialError> {
        let mut missing = None;
        for StoredConfig { path, content } in &self.files {
            let config = content.as_ref().map_err(Clone::clone)?;
            match config.get(server, repository) {
                Ok(None) => {}
                Ok(found) => return Ok(found),
                Err(ConfigError::Content(cause)) => return Err(unreadable(path, cause)),
                Err(ConfigError::Helper(e)) => return Err(e),
                Err(ConfigError::NotInstalled(helper)) => {
                    let (path, server) = (path.display().to_string(), server.to_owned());
                    missing = missing.or(Some(CredentialError::NotInstalled { helper, server, path }));
                }
            }
        }
        missing.map_or(Ok(None), Err)
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
        DockerCredentials::read(vec![dir.path().join("absent.json"), path], &Launch::default()).get(server, "team/app")
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
    fn a_key_with_a_path_is_for_what_lies_below_it() {
        let text = |keys: &[&str]| {
            let auths = keys.iter().map(|k| ((*k).to_owned(), serde_json::json!({ "username": k, "password": "p" })));
            serde_json::json!({ "auths": auths.collect::<serde_json::Map<_, _>>() }).to_string()
        };
        let user = |keys: &[&str], server: &str| match stored(&text(keys), server).unwrap() {
            Some(Credential::Basic { username, .. }) => Some(username),
            _ => None,
        };
        let hub = "https://index.docker.io/v1/";
        for (keys, server, expected) in [
            (&["r.example", "r.example/team", "r.example/team/app"][..], "r.example", Some("r.example/team/app")),
            (&["r.example", "r.example/team"], "r.example", Some("r.example/team")),
            (&["r.example", "r.example/other", "r.example/te"], "r.example", Some("r.example")),
            (&["https://r.example/v2/"], "r.example", Some("https://r.example/v2/")),
            (&["https://r.example"], "r.example", Some("https://r.example")),
            (&["docker.io/team"], hub, Some("docker.io/team")),
            (&["docker.io"], hub, Some("docker.io")),
            (&["registry-1.docker.io"], hub, Some("registry-1.docker.io")),
            // What is meant for another place.
            (&["r.example/other"], "r.example", None),
            (&["r.example/team/app/more"], "r.example", None),
            (&["https://r.example/other"], "r.example", None),
            (&["r.example:5000", "evil-r.example", "r.example.evil"], "r.example", None),
            (&["r.example"], "r.example:5000", None),
            (&["docker.io"], "r.example", None),
        ] {
            assert_eq!(user(keys, server).as_deref(), expected, "{keys:?} of {server}");
        }
    }

    #[test]
    fn what_is_empty_is_as_if_it_were_not_there() {
        for text in [
            "",
            " \n",
            "{}",
            r#"{"auths":null}"#,
            r#"{"auths":{"r.example":{}}}"#,
            r#"{"auths":{"r.example":{"auth":""}}}"#,
        ] {
            assert!(matches!(stored(text, "r.example"), Ok(None)), "{text}");
        }
        let beside = r#"{"auths":{"r.example":{"auth":"dXNlcjpwYTpzcw==","identitytoken":"","username":""}}}"#;
        assert!(matches!(stored(beside, "r.example"), Ok(Some(Credential::Basic { .. }))));
    }

    #[test]
    fn what_cannot_be_read_is_an_error_without_the_secret() {
        let e = stored(r#"{"auths":{"r.example":{"auth":"c2VjcmV0"}}}"#, "r.example").unwrap_err().to_string();
        assert!(e.contains("config.json") && !e.contains("c2VjcmV0") && !e.contains("secret"), "{e}");
        assert!(stored("{", "r.example").is_err());
    }

    #[test]
    fn a_helper_that_is_not_installed_is_named_and_leaves_what_else_there_is() {
        for text in [r#"{"credHelpers":{"r.example":"attest-test-absent"}}"#, r#"{"credsStore":"attest-test-absent"}"#]
        {
            let e = stored(text, "r.example").unwrap_err();
            assert!(matches!(e, CredentialError::NotInstalled { .. }), "{e:?}");
            assert!(e.to_string().contains("docker-credential-attest-test-absent"), "{e}");
        }
        let beside = r#"{"credsStore":"attest-test-absent","auths":{"r.example":{"auth":"dXNlcjpwYTpzcw=="}}}"#;
        assert!(matches!(stored(beside, "r.example"), Ok(Some(Credential::Basic { .. }))));
        assert!(stored(r#"{"credHelpers":{"r.example":"a/b"}}"#, "r.example").is_err());
    }

    #[test]
    fn a_secret_is_not_shown() {
        let c = Credential::Basic { username: "u".into(), password: Zeroizing::new("hunter2".into()) };
        assert!(!format!("{c:?}").contains("hunter2"));
    }
}
