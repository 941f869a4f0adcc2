//! Secrets that programs keep in files where everybody knows them: of registries, package managers and forges. Their values
//! are looked for in what is about to be signed, and written nowhere.

use crate::capture::{CaptureError, Checkout, Environment, Secret};
use crate::model::{json, limits};
use crate::secrets::passwords_of;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Secrets of files, and the files that are there and could not be searched, each with its reason.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileSecrets {
    /// What was found.
    pub secrets: Vec<Secret>,
    /// What was not read: a secret in it would not be recognised.
    pub unread: Vec<String>,
    /// Kinds of credentials that were found, and the files.
    pub kinds: Vec<(&'static str, String)>,
}

type Reader = fn(&str) -> Option<Vec<String>>;

/// A file, and how its secrets are read; `None` when it is not in its form.
struct Known {
    kind: &'static str,
    /// A variable that names the file, or a folder and the file in it.
    variable: Option<(&'static str, &'static str)>,
    /// Where it is otherwise, below HOME.
    at_home: &'static str,
    read: Reader,
}

const fn known(
    kind: &'static str,
    variable: Option<(&'static str, &'static str)>,
    at_home: &'static str,
    read: Reader,
) -> Known {
    Known { kind, variable, at_home, read }
}

const KNOWN: &[Known] = &[
    known("registry", Some(("DOCKER_CONFIG", "config.json")), ".docker/config.json", docker),
    known("registry", Some(("REGISTRY_AUTH_FILE", "")), ".config/containers/auth.json", docker),
    known("registry", Some(("XDG_RUNTIME_DIR", "containers/auth.json")), "", docker),
    known("netrc", Some(("NETRC", "")), ".netrc", netrc),
    known("npm-token", Some(("NPM_CONFIG_USERCONFIG", "")), ".npmrc", npmrc),
    known("cargo-token", Some(("CARGO_HOME", "credentials.toml")), ".cargo/credentials.toml", assignments),
    known("cargo-token", Some(("CARGO_HOME", "credentials")), ".cargo/credentials", assignments),
    known("git-credentials", None, ".git-credentials", urls),
    known("git-credentials", None, ".config/git/credentials", urls),
    known("pypi-token", None, ".pypirc", assignments),
    known("github-token", Some(("GH_CONFIG_DIR", "hosts.yml")), ".config/gh/hosts.yml", assignments),
    known("gitlab-token", Some(("GLAB_CONFIG_DIR", "config.yml")), ".config/glab-cli/config.yml", assignments),
    known("aws-access-key", Some(("AWS_SHARED_CREDENTIALS_FILE", "")), ".aws/credentials", assignments),
];

/// Files in the working folder and at the top of the checkout.
const IN_THE_CHECKOUT: &[(&str, &str, Reader)] =
    &[("npm-token", ".npmrc", npmrc), ("pypi-token", ".pypirc", assignments)];

/// The secrets of all known files that are there.
#[must_use]
pub fn file_secrets(env: &Environment, root: Option<&Path>, checkout: &dyn Checkout) -> FileSecrets {
    let mut found = FileSecrets::default();
    let home = env.variable("HOME").map(Path::new).filter(|h| h.is_absolute());
    for k in KNOWN {
        let named = k.variable.and_then(|(name, file)| Some((env.variable(name)?, file)));
        let path = match (named, home) {
            (Some((place, "")), _) => env.working_dir.join(place),
            (Some((folder, file)), _) => env.working_dir.join(folder).join(file),
            (None, Some(home)) if !k.at_home.is_empty() => home.join(k.at_home),
            _ => continue,
        };
        found.read(k.kind, None, path, k.read, checkout);
    }
    let top = root.filter(|root| env.working_dir.starts_with(root)).unwrap_or(&env.working_dir);
    for folder in [Some(env.working_dir.as_path()), root.filter(|r| *r != env.working_dir)].into_iter().flatten() {
        let top = if folder.starts_with(top) { top } else { folder };
        for (kind, name, read) in IN_THE_CHECKOUT {
            found.read(kind, Some(top), folder.join(name), *read, checkout);
        }
    }
    if let Some(text) = env.variable("DOCKER_AUTH_CONFIG") {
        found.add("registry", "DOCKER_AUTH_CONFIG", docker(text));
    }
    found
}

impl FileSecrets {
    fn read(&mut self, kind: &'static str, root: Option<&Path>, path: PathBuf, read: Reader, checkout: &dyn Checkout) {
        let name = path.display().to_string();
        match checkout.read(root, &path, limits::CREDENTIAL_FILE_BYTES) {
            Ok(None) => {}
            // A folder or device of that name holds nothing that these programs would use.
            Err(CaptureError::NotRegular { .. }) => {}
            Err(e) => self.unread.push(format!("{e}")),
            Ok(Some(bytes)) => self.add(kind, &name, read(&String::from_utf8_lossy(&bytes))),
        }
    }

    fn add(&mut self, kind: &'static str, name: &str, values: Option<Vec<String>>) {
        let Some(values) = values else {
            self.unread.push(format!("`{name}` does not have its form"));
            return;
        };
        // A short value would be found in everything, and a variable's name is none.
        let mut values: Vec<_> = values.into_iter().filter(|v| v.len() >= 8 && !v.starts_with("${")).collect();
        values.sort_unstable();
        values.dedup();
        if !values.is_empty() {
            self.kinds.push((kind, name.to_owned()));
        }
        self.secrets.extend(values.into_iter().map(|v| Secret::new(name, v)));
    }
}

/// `auths.HOST.auth` is base64 of `USER:PASSWORD`; tokens stand beside it.
fn docker(text: &str) -> Option<Vec<String>> {
    let config = json::parse(text.as_bytes(), limits::CREDENTIAL_FILE_BYTES).ok()?;
    let mut out = Vec::new();
    for (_, entry) in config.get("auths").and_then(Value::as_object).into_iter().flatten() {
        for key in ["auth", "password", "identitytoken", "registrytoken"] {
            let Some(value) = entry.get(key).and_then(Value::as_str) else { continue };
            out.push(value.to_owned());
            if key == "auth" {
                out.extend(password_of_pair(value));
            }
        }
    }
    Some(out)
}

fn password_of_pair(encoded: &str) -> Option<String> {
    let pair = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    // Some write padding of zeros.
    Some(pair.split_once(':')?.1.trim_end_matches('\0').to_owned())
}

/// Words; the one after `password` counts, in quotes or not.
fn netrc(text: &str) -> Option<Vec<String>> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let after = words.windows(2).filter(|w| w[0] == "password");
    Some(after.map(|w| unquoted(w[1]).to_owned()).collect())
}

/// `//HOST/:_authToken=VALUE`, `_auth` (of a pair) and `_password` (encoded).
fn npmrc(text: &str) -> Option<Vec<String>> {
    let mut out = Vec::new();
    for (key, value) in pairs(text, &['=']) {
        let name = key.rsplit(':').next().unwrap_or(key);
        if ["_authToken", "_auth", "_password"].contains(&name) {
            out.push(value.to_owned());
        }
        match name {
            "_auth" => out.extend(password_of_pair(value)),
            "_password" => out.extend(STANDARD.decode(value).ok().and_then(|b| String::from_utf8(b).ok())),
            _ => {}
        }
    }
    Some(out)
}

/// `KEY = VALUE` or `KEY: VALUE` where the key says that the value is secret: TOML, INI and YAML of one line each.
fn assignments(text: &str) -> Option<Vec<String>> {
    let secret = |key: &str| {
        let key = unquoted(key).rsplit('.').next().unwrap_or(key).to_ascii_lowercase().replace('-', "_");
        ["token", "password", "secret_access_key", "secret", "secret_key"].iter().any(|end| key.ends_with(end))
    };
    Some(pairs(text, &['=', ':']).filter(|(key, _)| secret(key)).map(|(_, value)| value.to_owned()).collect())
}

fn urls(text: &str) -> Option<Vec<String>> {
    Some(text.lines().flat_map(|line| passwords_of("", line)).map(|s| s.value().to_owned()).collect())
}

fn pairs<'a>(text: &'a str, signs: &'static [char]) -> impl Iterator<Item = (&'a str, &'a str)> {
    let lines = text.lines().map(str::trim).filter(|l| !l.starts_with(['#', ';']));
    lines.filter_map(move |line| {
        let (key, value) = line.split_once(signs)?;
        Some((key.trim(), unquoted(value.trim())))
    })
}

fn unquoted(text: &str) -> &str {
    let of = |quote: char| text.strip_prefix(quote).and_then(|t| t.strip_suffix(quote));
    of('"').or_else(|| of('\'')).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_gives_its_secrets_and_nothing_else() {
        let pair = STANDARD.encode("bot:registry-password");
        let docker_config = format!(
            r#"{{"auths":{{"ghcr.io":{{"auth":"{pair}"}},"r.example":{{"identitytoken":"identity-token","username":"somebody"}}}},"credsStore":"desktop"}}"#
        );
        let npm = format!(
            "registry=https://npm.example:8080/\n//npm.example:8080/:_authToken=npm-token-value\n; //x/:_authToken=comment-value\n//y/:_auth={pair}\n//z/:_password={}\nemail=somebody@example\n",
            STANDARD.encode("npm-password")
        );
        let toml = "[registry]\ntoken = \"cargo-token-1\"\n[registries.mine]\ntoken='cargo-token-2'\nindex = \"https://not-secret.example\"\n";
        let all: [(Reader, &str, &[&str]); 7] = [
            (docker, &docker_config, &[&pair, "registry-password", "identity-token"]),
            (
                netrc,
                "machine h.example login somebody password netrc-password\nmachine x\n password \"in-quotes\"",
                &["netrc-password", "in-quotes"],
            ),
            (
                npmrc,
                &npm,
                &["npm-token-value", &pair, "registry-password", &STANDARD.encode("npm-password"), "npm-password"],
            ),
            (assignments, toml, &["cargo-token-1", "cargo-token-2"]),
            (assignments, "github.com:\n    user: somebody\n    oauth_token: forge-token\n", &["forge-token"]),
            (
                assignments,
                "[default]\naws_access_key_id = not-this\naws_secret_access_key = aws-secret-value\naws_session_token=aws-session\n",
                &["aws-secret-value", "aws-session"],
            ),
            (urls, "https://bot:forge-password@h.example\n\nhttps://h.example\n", &["forge-password"]),
        ];
        for (read, text, expected) in all {
            let mut found = read(text).unwrap();
            found.dedup();
            assert_eq!(found, expected, "{text}");
        }
        assert_eq!(docker("{"), None);
    }
}
