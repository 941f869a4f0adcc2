//! Where the password of an encrypted key comes from.

use crate::sign::SignError;
use std::ffi::OsString;
use zeroize::Zeroizing;

/// Variables that may hold the password, the first one set counts. The empty password is given as cosign takes it, by an empty
/// `COSIGN_PASSWORD`: one of ours that is empty is as if it were not set.
pub const PASSWORD_VARIABLES: [&str; 2] = ["ATTEST_PASSWORD", "COSIGN_PASSWORD"];

/// Gives the password of a key: variables, a prompt, a test.
///
/// Contract: `Ok(None)` means that this source has none; a password MUST NOT appear in an error.
pub trait PasswordSource: Send + Sync {
    /// The password of `for_what`, the key's reference. Asked only when that key is encrypted.
    ///
    /// # Errors
    /// [`SignError`] when the source should have one and could not give it.
    fn password(&self, for_what: &str) -> Result<Option<Zeroizing<Vec<u8>>>, SignError>;

    /// Whether it could give one later: a source that asks a person MUST NOT ask for this.
    ///
    /// # Errors
    /// As [`Self::password`].
    fn can_give(&self, for_what: &str) -> Result<bool, SignError> {
        Ok(self.password(for_what)?.is_some())
    }
}

/// No password at all.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoPassword;

impl PasswordSource for NoPassword {
    fn password(&self, _: &str) -> Result<Option<Zeroizing<Vec<u8>>>, SignError> {
        Ok(None)
    }
}

/// The first of [`PASSWORD_VARIABLES`] that is set in the environment that the caller looks into.
pub struct EnvironmentPasswords<F>(pub F);

impl<F: Fn(&str) -> Option<OsString> + Send + Sync> PasswordSource for EnvironmentPasswords<F> {
    fn password(&self, _: &str) -> Result<Option<Zeroizing<Vec<u8>>>, SignError> {
        let set = |name| (self.0)(name).filter(|v| !v.is_empty() || name != PASSWORD_VARIABLES[0]);
        let value = PASSWORD_VARIABLES.into_iter().find_map(set);
        Ok(value.map(|v| Zeroizing::new(v.into_encoded_bytes())))
    }
}

/// Asks each source in turn; the first that has a password gives it.
pub struct FirstOf<'a>(pub &'a [&'a dyn PasswordSource]);

impl PasswordSource for FirstOf<'_> {
    fn password(&self, for_what: &str) -> Result<Option<Zeroizing<Vec<u8>>>, SignError> {
        for source in self.0 {
            if let Some(password) = source.password(for_what)? {
                return Ok(Some(password));
            }
        }
        Ok(None)
    }

    fn can_give(&self, for_what: &str) -> Result<bool, SignError> {
        for source in self.0 {
            if source.can_give(for_what)? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(set: &[(&str, &str)]) -> Option<Vec<u8>> {
        let set: Vec<(String, OsString)> = set.iter().map(|(k, v)| ((*k).to_owned(), OsString::from(v))).collect();
        let look = move |name: &str| set.iter().find(|(k, _)| k == name).map(|(_, v)| v.clone());
        let source = EnvironmentPasswords(look);
        FirstOf(&[&NoPassword, &source]).password("k").unwrap().map(|p| p.to_vec())
    }

    #[test]
    fn our_variable_counts_before_cosigns_whose_empty_one_is_a_password() {
        assert_eq!(of(&[("COSIGN_PASSWORD", "c"), ("ATTEST_PASSWORD", "a")]), Some(b"a".to_vec()));
        assert_eq!(of(&[("COSIGN_PASSWORD", "c")]), Some(b"c".to_vec()));
        assert_eq!(of(&[("COSIGN_PASSWORD", "")]), Some(Vec::new()));
        assert_eq!(of(&[("ATTEST_PASSWORD", "")]), None);
        assert_eq!(of(&[("ATTEST_PASSWORD", ""), ("COSIGN_PASSWORD", "c")]), Some(b"c".to_vec()));
        assert_eq!(of(&[("PASSWORD", "p")]), None);
    }
}
