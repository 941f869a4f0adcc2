//! A docker configuration, and the credential helpers that it names: found when it is read, run when they are asked.
//!
//! `docker_credential` reads the credentials that stand in the configuration. It would start helpers too: by whatever
//! `PATH` finds at that moment, with every variable of this process, without limits. So it never sees their names.

use super::credential::{Credential, CredentialError};
use crate::model::limits;
use crate::programs::{Bounds, Launch, Prepared, ProgramError, RunError};
use docker_credential::{CredentialRetrievalError, DockerCredential};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;
use zeroize::Zeroizing;

/// What a helper may take.
const BOUNDS: Bounds =
    Bounds { time: Duration::from_secs(limits::HELPER_SECONDS), output: limits::HELPER_OUTPUT_BYTES };

/// What a configuration says of credentials. Has no secret in its `Debug`.
#[derive(Clone)]
pub(super) struct DockerConfig {
    /// Under each key `{"auths": {KEY: ...}}`, without members that are empty.
    auths: BTreeMap<String, Zeroizing<Vec<u8>>>,
    of_servers: BTreeMap<String, String>,
    of_all: Option<String>,
    helpers: BTreeMap<String, Result<Prepared, ProgramError>>,
}

/// Why a configuration gives no credential.
pub(super) enum ConfigError {
    /// What is wrong with it.
    Content(&'static str),
    /// What is wrong with a helper.
    Helper(CredentialError),
    /// The helper of this name is not there.
    NotInstalled(String),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Members {
    auths: Option<BTreeMap<String, Value>>,
    creds_store: Option<String>,
    cred_helpers: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    username: String,
    secret: String,
}

impl DockerConfig {
    /// Reads a configuration, and finds every helper that it names.
    pub(super) fn parse(bytes: &[u8], launch: &Launch) -> Result<Self, &'static str> {
        // An empty file is what is left where somebody has logged out of everything.
        let bytes = if bytes.trim_ascii().is_empty() { b"{}" } else { bytes };
        let members: Members = serde_json::from_slice(bytes).map_err(|_| NO_CONFIGURATION)?;
        let of_all = members.creds_store.filter(|name| !name.is_empty());
        let mut of_servers = members.cred_helpers.unwrap_or_default();
        of_servers.retain(|_, name| !name.is_empty());
        let names = of_servers.values().chain(&of_all);
        let helpers = names.map(|name| (name.clone(), find(name, launch))).collect();
        let entry = |(key, mut value): (String, Value)| {
            if let Some(members) = value.as_object_mut() {
                members.retain(|_, v| v.as_str() != Some(""));
            }
            let text = json!({ "auths": { key.as_str(): value } }).to_string();
            (key, Zeroizing::new(text.into_bytes()))
        };
        let auths = members.auths.unwrap_or_default().into_iter().map(entry).collect();
        Ok(Self { auths, of_servers, of_all, helpers })
    }

    /// The credential for a repository of a registry: of the registry's own helper, else of the configuration itself, the most
    /// fitting key first, else of the helper for all.
    pub(super) fn get(&self, server: &str, repository: &str) -> Result<Option<Credential>, ConfigError> {
        let hosts = hosts(server);
        if let Some((key, name)) = hosts.iter().find_map(|host| self.of_servers.get_key_value(*host)) {
            return self.ask(name, key);
        }
        use CredentialRetrievalError as E;
        for key in keys(&hosts, repository, self.auths.keys()) {
            let Some(entry) = self.auths.get(key) else { continue };
            match docker_credential::get_credential_from_reader(entry.as_slice(), key) {
                Ok(DockerCredential::IdentityToken(token)) => {
                    return Ok(Some(Credential::Identity(Zeroizing::new(token))));
                }
                Ok(DockerCredential::UsernamePassword(username, password)) => {
                    return Ok(Some(Credential::Basic { username, password: Zeroizing::new(password) }));
                }
                Err(E::CredentialDecodingError) => {
                    return Err(ConfigError::Content("`auth` is not base64 of `user:password`"));
                }
                Err(E::CredentialMismatchError) => {
                    return Err(ConfigError::Content("`auth` and `username`/`password` do not agree"));
                }
                Err(E::ConfigReadError) => return Err(ConfigError::Content(NO_CONFIGURATION)),
                // No helper was named to it, so none has failed.
                Err(_) => {}
            }
        }
        self.of_all.as_ref().map_or(Ok(None), |name| self.ask(name, server))
    }

    fn ask(&self, name: &str, server: &str) -> Result<Option<Credential>, ConfigError> {
        let failed = |cause: String| {
            let helper = format!("docker-credential-{name}");
            ConfigError::Helper(CredentialError::Helper { helper, server: server.to_owned(), cause })
        };
        let refused = |error: ProgramError| match error.refusal() {
            Some(_) => ConfigError::Helper(CredentialError::Refused(error)),
            None => failed(error.to_string()),
        };
        let Some(found) = self.helpers.get(name) else { return Err(failed("it was not looked for".into())) };
        let helper = found.as_ref().map_err(|e| match e {
            ProgramError::Missing { name: program, .. } if !name.contains('/') => {
                ConfigError::NotInstalled(program.clone())
            }
            e => refused(e.clone()),
        })?;
        let ended = helper.ask(server.as_bytes().to_vec(), &BOUNDS).map_err(|e| match e {
            RunError::Refused(error) => refused(error),
            e => failed(e.to_string()),
        })?;
        let stdout = Zeroizing::new(ended.stdout);
        if !ended.status.success() {
            // The helpers' protocol has no other word for "none": this text, on standard output.
            let none = String::from_utf8_lossy(&stdout).contains("credentials not found");
            return if none { Ok(None) } else { Err(failed(format!("it ended with {}", ended.status))) };
        }
        // The parser's message could hold a piece of the secret.
        let answer: Answer = serde_json::from_slice(&stdout)
            .map_err(|_| failed("its answer is not JSON with `Username` and `Secret`".into()))?;
        Ok(Some(match answer.username.as_str() {
            "<token>" => Credential::Identity(Zeroizing::new(answer.secret)),
            _ => Credential::Basic { username: answer.username, password: Zeroizing::new(answer.secret) },
        }))
    }
}

/// Names by which a registry is known. Docker Hub has several.
fn hosts(server: &str) -> Vec<&str> {
    const HUB: [&str; 3] = ["docker.io", "index.docker.io", "registry-1.docker.io"];
    let more = if server == super::HUB_SERVER { &HUB[..] } else { &[] };
    std::iter::once(server).chain(more.iter().copied()).collect()
}

/// The keys that are for a repository, the most fitting first: a host with the repository or the beginning of its path, as
/// containers-auth.json(5) has them; the host; and its address as docker writes it. A key with another path is for another
/// repository: whoever answers for that one must not get to see what is for this one, and the other way round.
fn keys<'a>(hosts: &[&'a str], repository: &str, all: impl Iterator<Item = &'a String>) -> Vec<&'a str> {
    let all: Vec<&str> = all.map(String::as_str).collect();
    let mut paths = vec![repository];
    while let Some((shorter, _)) = paths.last().and_then(|path| path.rsplit_once('/')) {
        paths.push(shorter);
    }
    let named =
        |key: &str, host: &str, path: &str| key.strip_prefix(host).and_then(|k| k.strip_prefix('/')) == Some(path);
    let below = paths.iter().flat_map(|path| all.iter().filter(|key| hosts.iter().any(|host| named(key, host, path))));
    let exact = hosts.iter().filter_map(|host| all.iter().find(|key| *key == host));
    let address = |key: &&&str| {
        let rest = key.strip_prefix("https://").or_else(|| key.strip_prefix("http://"));
        let (host, path) = rest.map_or(("", ""), |rest| rest.split_once('/').unwrap_or((rest, "")));
        hosts.contains(&host) && ["", "v1", "v1/", "v2", "v2/"].contains(&path)
    };
    below.chain(exact).chain(all.iter().filter(address)).copied().collect()
}

const NO_CONFIGURATION: &str = "it is not the JSON of a docker configuration";

fn find(name: &str, launch: &Launch) -> Result<Prepared, ProgramError> {
    let program = format!("docker-credential-{name}");
    if name.contains('/') {
        return Err(ProgramError::Missing { name: program, cause: "a helper's name has no `/`".into() });
    }
    launch.prepare(&[&program, "get"])
}

impl fmt::Debug for DockerConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DockerConfig").field("helpers", &self.helpers.keys()).finish_non_exhaustive()
    }
}
