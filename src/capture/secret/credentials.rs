//! Which credentials a build could reach, by kind, scope and expiry; never a value. Known variables and files only: what
//! else a machine holds is not looked for.

use crate::capture::secret::variables::{is_handed, sounds_secret, withheld};
use crate::capture::{Captured, Environment};
use crate::issuer;
use crate::model::Timestamp;
use crate::secrets::passwords_of;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

/// A credential that a build could reach.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    /// For example `github-token`; `secret` where only the variable's name says that it is one.
    pub kind: &'static str,
    /// The variable or file; written only where the caller asked for names.
    pub name: String,
    /// What it is good for, where that is known: a role, an audience.
    pub scope: Vec<String>,
    /// When it ends, where that is known.
    pub expires_at: Option<Timestamp>,
}

/// Kinds by variable; those of a platform are known of its [`Issuer`](crate::issuer::Issuer). Other variables whose name or value says that they are secret are `secret` or `url-password`.
const KINDS: &[(&str, &str)] = &[
    ("AWS_ACCESS_KEY_ID", "aws-access-key"),
    ("AWS_SECRET_ACCESS_KEY", "aws-access-key"),
    ("AWS_SESSION_TOKEN", "aws-access-key"),
    ("AWS_WEB_IDENTITY_TOKEN_FILE", "aws-role"),
    ("GOOGLE_APPLICATION_CREDENTIALS", "gcp-credentials"),
    ("AZURE_CLIENT_SECRET", "azure-credentials"),
    ("AZURE_FEDERATED_TOKEN_FILE", "azure-credentials"),
    ("VAULT_TOKEN", "vault-token"),
    ("KUBECONFIG", "kubernetes"),
    ("DOCKER_AUTH_CONFIG", "registry"),
    ("DOCKER_CONFIG", "registry"),
    ("NPM_TOKEN", "npm-token"),
    ("NODE_AUTH_TOKEN", "npm-token"),
    ("CARGO_REGISTRY_TOKEN", "cargo-token"),
    ("TWINE_PASSWORD", "pypi-token"),
    ("SSH_AUTH_SOCK", "ssh-agent"),
    ("ANTHROPIC_API_KEY", "model-key"),
    ("OPENAI_API_KEY", "model-key"),
];

/// Kinds by file.
const FILES: &[(&str, &str)] =
    &[("/var/run/secrets/kubernetes.io/serviceaccount/token", "kubernetes"), ("/var/run/docker.sock", "docker-socket")];

/// Beginnings of variables that are for signing itself.
const OWN: &[&str] = &["ATTEST_", "COSIGN_", "SIGSTORE_"];

/// Linux's number of `CAP_SYS_ADMIN`, which only a privileged container has.
const SYS_ADMIN: u32 = 21;

/// The credentials that a build could reach: with a build step those that it is handed, else all but those for signing.
/// `step` is whether a step is handed what asks for identity tokens; `None` without a step.
/// `in_files` are kinds and names of the files that hold some.
pub(in crate::capture) fn inventory(
    env: &Environment,
    step: Option<bool>,
    in_files: &[(&'static str, String)],
) -> Captured<Vec<Credential>> {
    let mut all = Vec::new();
    for (name, value) in &env.variables {
        let (Some(name), Some(value)) = (name.to_str(), value.to_str().filter(|v| !v.is_empty())) else { continue };
        if OWN.iter().any(|own| name.starts_with(own)) || step.is_some_and(|share| !is_handed(name, &[], share)) {
            continue;
        }
        if let Some(kind) = kind(name, value) {
            let (scope, expires_at) = reach(env, kind, value);
            all.push(Credential { kind, name: name.to_owned(), scope, expires_at });
        }
    }
    for (file, kind) in FILES.iter().filter(|(file, _)| env.marks.contains(*file)) {
        all.push(Credential { kind, name: (*file).to_owned(), scope: Vec::new(), expires_at: None });
    }
    for (kind, name) in in_files {
        all.push(Credential { kind, name: name.clone(), scope: Vec::new(), expires_at: None });
    }
    Captured::found(all, "variables and files that are known to hold credentials")
}

fn kind(name: &str, value: &str) -> Option<&'static str> {
    match KINDS.iter().copied().chain(issuer::credentials()).find(|(known, _)| *known == name) {
        Some((_, kind)) => Some(kind),
        None if claims(value).is_some() => Some("oidc-token"),
        None if sounds_secret(name) || withheld(name, &[]) => Some("secret"),
        None if !passwords_of(name, value).is_empty() => Some("url-password"),
        None => None,
    }
}

/// Scope and expiry, from the variables beside it or the token's own claims.
fn reach(env: &Environment, kind: &str, value: &str) -> (Vec<String>, Option<Timestamp>) {
    let time = |name: &str| Timestamp::parse(env.variable(name)?).ok();
    let text = |name: &str| env.variable(name).map(str::to_owned).into_iter().collect();
    match kind {
        "aws-access-key" => (Vec::new(), time("AWS_CREDENTIAL_EXPIRATION")),
        "aws-role" => (text("AWS_ROLE_ARN"), None),
        "azure-credentials" => (text("AZURE_CLIENT_ID"), None),
        "oidc-token" => {
            let Some(claims) = claims(value) else { return (Vec::new(), None) };
            let audience = match claims.get("aud") {
                Some(Value::String(one)) => vec![one.clone()],
                Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
                _ => Vec::new(),
            };
            (audience, claims.get("exp").and_then(Value::as_i64).and_then(Timestamp::from_unix))
        }
        _ => (Vec::new(), None),
    }
}

/// The claims of a signed JSON token. Nobody has verified them: they say what it is for, not whether it is good.
fn claims(value: &str) -> Option<Map<String, Value>> {
    let mut parts = value.split('.');
    let (header, claims, _) = (parts.next()?, parts.next()?, parts.next()?);
    if !header.starts_with("eyJ") || value.len() > crate::model::limits::TOKEN_BYTES {
        return None;
    }
    let bytes = URL_SAFE_NO_PAD.decode(claims).ok()?;
    match crate::model::json::parse(&bytes, crate::model::limits::TOKEN_BYTES) {
        Ok(Value::Object(claims)) => Some(claims),
        _ => None,
    }
}

/// As provenance writes them: without names one of each kind, scope and expiry.
pub(in crate::capture) fn to_json(all: &[Credential], names: bool) -> Value {
    let mut out: Vec<Value> = Vec::new();
    for c in all {
        let mut row = Map::from_iter([("kind".to_owned(), json!(c.kind))]);
        if names {
            row.insert("name".to_owned(), json!(c.name));
        }
        if !c.scope.is_empty() {
            row.insert("scope".to_owned(), json!(c.scope));
        }
        row.extend(c.expires_at.map(|t| ("expiresAt".to_owned(), json!(t.to_string()))));
        let row = Value::Object(row);
        if !out.contains(&row) {
            out.push(row);
        }
    }
    Value::Array(out)
}

/// Whether the process has more rights than an ordinary user: root (`sudo` makes it that), or what only a privileged
/// container is given.
pub(in crate::capture) fn elevated(env: &Environment) -> Captured<bool> {
    const FROM: &str = "the process's user and capabilities";
    let privileged = env.capabilities.map(|bits| bits >> SYS_ADMIN & 1 == 1);
    match (env.effective_user, privileged) {
        (Some(0), _) | (_, Some(true)) => Captured::found(true, FROM),
        (Some(_), Some(false)) => Captured::found(false, FROM),
        _ => Captured::absent("the system tells no user or no capabilities"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(all: &[(&str, &str)]) -> Environment {
        let variables = all.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect();
        Environment { variables, ..Environment::default() }
    }

    #[test]
    fn kinds_scopes_and_expiry_and_never_a_value() {
        let claims = URL_SAFE_NO_PAD.encode(json!({ "aud": ["sts.example"], "exp": 1_767_225_600 }).to_string());
        let token = format!("eyJhbGciOiJub25lIn0.{claims}.c2lnbmF0dXJl");
        let mut env = env(&[
            ("AWS_ACCESS_KEY_ID", "value-1"),
            ("AWS_SECRET_ACCESS_KEY", "value-2"),
            ("AWS_CREDENTIAL_EXPIRATION", "2026-01-01T00:00:00Z"),
            ("AWS_WEB_IDENTITY_TOKEN_FILE", "/value-3"),
            ("AWS_ROLE_ARN", "arn:aws:iam::1:role/deploy"),
            ("MY_ID_TOKEN", &token),
            ("DEPLOY_TOKEN", "value-4"),
            ("PROXY", "http://u:value-5@p.example"),
            ("ATTEST_PASSWORD", "value-6"),
            ("PATH", "/usr/bin"),
        ]);
        env.marks.insert("/var/run/docker.sock".into());
        let all = inventory(&env, None, &[("netrc", "/home/u/.netrc".to_owned())]).value().unwrap().clone();
        let end = "2026-01-01T00:00:00Z";
        let expected = json!([
            { "kind": "aws-access-key", "expiresAt": end },
            { "kind": "aws-role", "scope": ["arn:aws:iam::1:role/deploy"] },
            { "kind": "secret" },
            { "kind": "oidc-token", "scope": ["sts.example"], "expiresAt": end },
            { "kind": "url-password" },
            { "kind": "docker-socket" },
            { "kind": "netrc" },
        ]);
        assert_eq!(to_json(&all, false), expected);
        let named = to_json(&all, true);
        assert_eq!(named[0]["name"], json!("AWS_ACCESS_KEY_ID"));
        assert_eq!(named.as_array().unwrap().len(), 8);
        assert!(!format!("{all:?}{named}").contains("value-") && !named.to_string().contains("ATTEST_PASSWORD"));
        // A step is not handed what signs, so it cannot reach it.
        let reaches =
            |share| inventory(&env, Some(share), &[]).value().unwrap().iter().any(|c| c.name == "MY_ID_TOKEN");
        assert!(!reaches(false) && reaches(true));
    }

    #[test]
    fn elevated_is_said_only_where_it_is_known() {
        let of = |user, capabilities, sudo: &[(&str, &str)]| {
            elevated(&Environment { effective_user: user, capabilities, ..env(sudo) }).value().copied()
        };
        assert_eq!(of(Some(0), Some(0), &[]), Some(true));
        assert_eq!(of(Some(0), None, &[("SUDO_USER", "a")]), Some(true));
        assert_eq!(of(Some(1000), Some(0), &[("SUDO_USER", "a")]), Some(false), "a variable that is left over");
        assert_eq!(of(Some(1000), Some(1 << SYS_ADMIN), &[]), Some(true));
        assert_eq!(of(Some(1000), Some(0), &[]), Some(false));
        assert_eq!(of(Some(1000), None, &[]), None);
        assert_eq!(of(None, None, &[]), None);
    }
}
