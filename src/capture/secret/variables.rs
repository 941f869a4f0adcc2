//! Values that must not leave: withheld from the build step, and searched for in what is about to be signed.

use crate::capture::Environment;
use crate::issuer;
use crate::secrets::{Secret, passwords_of};
use std::ffi::OsString;

/// Variables that sign: never handed to a build step.
const SIGNING: &[&str] = &[
    "ATTEST_PASSWORD",
    "ATTEST_IDENTITY_TOKEN",
    "ATTEST_PKCS11_PIN",
    "COSIGN_PKCS11_PIN",
    "COSIGN_PASSWORD",
    "COSIGN_PRIVATE_KEY",
    // Inputs of the GitHub Action.
    "ATTEST_INPUT_KEY",
    "ATTEST_INPUT_GITHUB_TOKEN",
];

/// The variable of a token that every signer looks at.
const TOKEN: &str = "SIGSTORE_ID_TOKEN";
/// Endings of the names of variables that ask for the right to sign, where users choose the rest; those of each platform are
/// known of its [`Issuer`](crate::issuer::Issuer). They are handed to a build step only with `--share-identity`.
const WITHHELD_ENDINGS: &[&str] = &["_ID_TOKEN", "_IDENTITY_TOKEN"];

/// Endings of names whose values are secret, whatever they are for. They are a step's own affair, so it keeps them.
const SECRET_ENDINGS: &[&str] = &[
    "TOKEN",
    "PASSWORD",
    "PASSWD",
    "PASSPHRASE",
    "_PASS",
    "_PAT",
    "_AUTH",
    "SECRET",
    "PRIVATE_KEY",
    "SECRET_KEY",
    "SIGNING_KEY",
    "ENCRYPTION_KEY",
    "API_KEY",
    "APIKEY",
    "ACCESS_KEY",
    "CREDENTIALS",
    "SECRET_KEY_BASE",
    "_PWD",
    "_DSN",
    "CONNECTION_STRING",
    // Keys of services and ciphers. `_KEY` alone would take names of caches and fingerprints for secrets.
    "STRIPE_KEY",
    "SENDGRID_KEY",
    "MAILGUN_KEY",
    "SENTRY_KEY",
    "DEPLOY_KEY",
    "MASTER_KEY",
    "ACCOUNT_KEY",
    "STORAGE_KEY",
    "SERVICE_KEY",
    "SHARED_KEY",
    "AUTH_KEY",
    "HMAC_KEY",
    "JWT_KEY",
    "AES_KEY",
    "SSH_KEY",
    "APP_KEY",
];

/// Whether a build step must not be handed the variable; `keys` are the variables that key references name (`env:NAME`).
#[must_use]
pub fn withheld(name: &str, keys: &[String]) -> bool {
    let upper = name.to_ascii_uppercase();
    signs(name, keys)
        || upper == TOKEN
        || issuer::withheld(&upper, false)
        || WITHHELD_ENDINGS.iter().any(|e| upper.ends_with(e))
}

/// Whether a variable is for signing itself, so that no flag hands it to a build step.
fn signs(name: &str, keys: &[String]) -> bool {
    SIGNING.contains(&name.to_ascii_uppercase().as_str()) || keys.iter().any(|k| k == name)
}

/// Whether a build step is handed the variable; `share_identity` is `--share-identity`.
pub(in crate::capture) fn is_handed(name: &str, keys: &[String], share_identity: bool) -> bool {
    !withheld(name, keys) || (share_identity && !signs(name, keys))
}

/// Whether a name says that what it names is secret.
pub(in crate::capture) fn sounds_secret(name: &str) -> bool {
    let upper = name.to_ascii_uppercase().replace('-', "_");
    // The second of its kind: `NPM_TOKEN_2`.
    let kind = upper.trim_end_matches(|c: char| c.is_ascii_digit()).trim_end_matches('_');
    let ends = |name: &str| SECRET_ENDINGS.iter().any(|e| name.ends_with(e));
    signs(&upper, &[]) || upper == TOKEN || issuer::withheld(&upper, true) || ends(&upper) || ends(kind)
}

/// The environment without what is withheld.
#[cfg(feature = "cli")]
pub(in crate::capture) fn handed(
    env: &Environment,
    keys: &[String],
    share_identity: bool,
) -> Vec<(OsString, OsString)> {
    let keep = |name: &OsString| is_handed(&name.to_string_lossy(), keys, share_identity);
    env.variables.iter().filter(|(name, _)| keep(name)).map(|(n, v)| (n.clone(), v.clone())).collect()
}

/// The secret values that the environment holds: of the withheld variables, of others whose name says so, and passwords in
/// URLs.
#[must_use]
pub fn secrets(env: &Environment, keys: &[String]) -> Vec<Secret> {
    let secret = |(name, value): (&OsString, &OsString)| {
        let (Some(name), Some(value)) = (name.to_str(), value.to_str()) else { return Vec::new() };
        // A short value of a variable that only looks secret (`NO_TOKEN=main`) would be found in everything.
        let looks = sounds_secret(name) && value.len() >= 8;
        let is = !value.is_empty() && (withheld(name, keys) || looks);
        let mut all = passwords_of(name, value);
        all.extend(is.then(|| Secret::new(name, value)));
        all
    };
    env.variables.iter().flat_map(secret).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_signs_is_withheld_and_the_rest_is_handed_over() {
        for name in ["ATTEST_PASSWORD", "CI_JOB_JWT_V2", "ACTIONS_ID_TOKEN_REQUEST_TOKEN", "MY_ID_TOKEN", "KEY_X"] {
            assert!(withheld(name, &["KEY_X".into()]), "{name}");
        }
        for name in ["ACTIONS_ID_TOKEN_REQUEST_TOKEN", "MY_ID_TOKEN", "SIGSTORE_ID_TOKEN", "CI_JOB_JWT_V2"] {
            assert!(!is_handed(name, &[], false) && is_handed(name, &[], true), "{name}");
        }
        for name in [
            "ATTEST_PASSWORD",
            "ATTEST_IDENTITY_TOKEN",
            "COSIGN_PRIVATE_KEY",
            "attest_password",
            "KEY_X",
            "ATTEST_INPUT_KEY",
            "ATTEST_INPUT_GITHUB_TOKEN",
        ] {
            assert!(!is_handed(name, &["KEY_X".into()], true), "{name}");
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

    #[test]
    fn names_that_say_that_what_they_name_is_secret() {
        for name in
            ["SECRET_KEY_BASE", "MYSQL_PWD", "STRIPE_KEY", "NPM_TOKEN_2", "NPM_TOKEN2", "SENTRY_DSN", "db_password_01"]
        {
            assert!(sounds_secret(name), "{name}");
        }
        for name in
            ["PWD", "OLDPWD", "GPG_KEY", "CACHE_KEY", "PUBLIC_KEY", "KEYBOARD", "PYTHON_VERSION_2", "DSN_TIMEOUT"]
        {
            assert!(!sounds_secret(name), "{name}");
        }
    }
}
