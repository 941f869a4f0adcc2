//! Values that must not leave: withheld from the build step, and searched for in what is about to be signed.

use super::{CaptureError, Environment};
use serde_json::Value;
use std::ffi::OsString;

/// A secret value and the variable that holds it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret {
    /// The variable's name.
    pub name: String,
    value: String,
}

impl Secret {
    /// A secret by name and value.
    #[must_use]
    pub fn new(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self { name: name.into(), value: value.into() }
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Secret").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Variables that sign, or ask for the right to: never handed to a build step.
const WITHHELD: &[&str] = &[
    "ATTEST_PASSWORD",
    "ATTEST_IDENTITY_TOKEN",
    "ATTEST_PKCS11_PIN",
    "COSIGN_PKCS11_PIN",
    "COSIGN_PASSWORD",
    "COSIGN_PRIVATE_KEY",
    "SIGSTORE_ID_TOKEN",
    "ACTIONS_ID_TOKEN_REQUEST_URL",
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
    "ACTIONS_RUNTIME_TOKEN",
    "BUILDKITE_AGENT_ACCESS_TOKEN",
    "CIRCLE_OIDC_TOKEN",
    "CIRCLE_OIDC_TOKEN_V2",
    "SYSTEM_OIDCREQUESTURI",
    "SYSTEM_ACCESSTOKEN",
];

/// Beginnings and endings of such variables' names, where a platform lets its users choose the rest.
const WITHHELD_BEGINNINGS: &[&str] = &["CI_JOB_JWT", "CIRCLE_OIDC_TOKEN", "ACTIONS_ID_TOKEN_"];
const WITHHELD_ENDINGS: &[&str] = &["_ID_TOKEN", "_IDENTITY_TOKEN"];

/// Endings of names whose values are secret, whatever they are for. They are a step's own affair, so it keeps them.
const SECRET_ENDINGS: &[&str] =
    &["TOKEN", "PASSWORD", "PASSWD", "SECRET", "PRIVATE_KEY", "API_KEY", "APIKEY", "ACCESS_KEY", "CREDENTIALS"];

/// Whether a build step must not be handed the variable; `keys` are the variables that key references name (`env:NAME`).
#[must_use]
pub fn withheld(name: &str, keys: &[String]) -> bool {
    let upper = name.to_ascii_uppercase();
    WITHHELD.contains(&upper.as_str())
        || WITHHELD_BEGINNINGS.iter().any(|b| upper.starts_with(b))
        || WITHHELD_ENDINGS.iter().any(|e| upper.ends_with(e))
        || keys.iter().any(|k| k == name)
}

/// Whether a name says that what it names is secret.
pub(super) fn sounds_secret(name: &str) -> bool {
    let upper = name.to_ascii_uppercase().replace('-', "_");
    WITHHELD.contains(&upper.as_str()) || SECRET_ENDINGS.iter().any(|e| upper.ends_with(e))
}

/// The environment without what is withheld.
#[cfg(feature = "cli")]
pub(super) fn handed(env: &Environment, keys: &[String]) -> Vec<(OsString, OsString)> {
    let keep = |name: &OsString| !withheld(&name.to_string_lossy(), keys);
    env.variables.iter().filter(|(name, _)| keep(name)).map(|(n, v)| (n.clone(), v.clone())).collect()
}

/// The secret values that the environment holds: of the withheld variables, and of others whose name says so.
#[must_use]
pub fn secrets(env: &Environment, keys: &[String]) -> Vec<Secret> {
    let secret = |(name, value): (&OsString, &OsString)| {
        let (name, value) = (name.to_str()?, value.to_str()?);
        // A short value of a variable that only looks secret (`NO_TOKEN=main`) would be found in everything.
        let looks = sounds_secret(name) && value.len() >= 8;
        let is = !value.is_empty() && (withheld(name, keys) || looks);
        is.then(|| Secret::new(name, value))
    };
    env.variables.iter().filter_map(secret).collect()
}

/// Searches a finished statement, names of fields included. Values shorter than 8 bytes count only as a whole field.
///
/// # Errors
/// [`CaptureError::SecretInStatement`] names the field and the variable, never the value.
pub fn find_secret(statement: &Value, secrets: &[Secret]) -> Result<(), CaptureError> {
    let hit = |text: &str| {
        let found = |s: &&Secret| if s.value.len() < 8 { text == s.value } else { text.contains(s.value.trim()) };
        secrets.iter().filter(|s| !s.value.trim().is_empty()).find(found)
    };
    // An explicit stack: the statement's depth is capped elsewhere, a recursion here would have its own.
    let mut left = vec![("statement".to_owned(), statement)];
    while let Some((path, value)) = left.pop() {
        let secret = match value {
            Value::String(text) => hit(text),
            Value::Number(n) => hit(&n.to_string()),
            Value::Array(items) => {
                left.extend(items.iter().enumerate().map(|(i, v)| (format!("{path}[{i}]"), v)));
                None
            }
            Value::Object(members) => {
                let named = members.keys().find_map(|k| hit(k));
                left.extend(members.iter().map(|(k, v)| (format!("{path}.{k}"), v)));
                named
            }
            Value::Null | Value::Bool(_) => None,
        };
        if let Some(secret) = secret {
            return Err(CaptureError::SecretInStatement { path, name: secret.name.clone() });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_secret_is_found_by_field_and_never_shown() {
        let secrets = [Secret::new("A_TOKEN", "s3cr3t-value"), Secret::new("PIN", "1234")];
        let clean = json!({"a": ["x", {"b": "12345"}], "n": 5});
        assert_eq!(find_secret(&clean, &secrets), Ok(()));
        for (statement, path, name) in [
            (json!({"a": ["x", {"b": "https://u:s3cr3t-value@h"}]}), "statement.a[1].b", "A_TOKEN"),
            (json!({"a": {"--s3cr3t-value": 1}}), "statement.a", "A_TOKEN"),
            (json!({"a": ["1234"]}), "statement.a[0]", "PIN"),
            (json!({"a": 1234}), "statement.a", "PIN"),
        ] {
            let e = find_secret(&statement, &secrets).unwrap_err();
            assert_eq!(e, CaptureError::SecretInStatement { path: path.into(), name: name.into() });
            assert!(!e.to_string().contains("s3cr3t") && !format!("{e:?}{secrets:?}").contains("s3cr3t"));
        }
    }

    #[test]
    fn what_signs_is_withheld_and_the_rest_is_handed_over() {
        for name in ["ATTEST_PASSWORD", "CI_JOB_JWT_V2", "ACTIONS_ID_TOKEN_REQUEST_TOKEN", "MY_ID_TOKEN", "KEY_X"] {
            assert!(withheld(name, &["KEY_X".into()]), "{name}");
        }
        for name in ["PATH", "GITHUB_TOKEN", "ATTEST_AGENT", "KEY_Y", "ACTIONS_RUNTIME_URL"] {
            assert!(!withheld(name, &["KEY_X".into()]), "{name}");
        }
        let mut env = Environment::default();
        for (name, value) in [("PATH", "/usr/bin:/bin"), ("GITHUB_TOKEN", "ghs_0123456789"), ("NO_TOKEN", "main")] {
            env.variables.insert(name.into(), value.into());
        }
        assert_eq!(secrets(&env, &[]), [Secret::new("GITHUB_TOKEN", "ghs_0123456789")]);
        assert_eq!(secrets(&env, &["PATH".into()]).len(), 2);
    }
}
