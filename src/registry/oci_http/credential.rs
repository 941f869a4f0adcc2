//! What proves to a registry who asks, and the seam of where it is looked up.

use crate::programs::ProgramError;
use std::fmt;
use zeroize::Zeroizing;

/// What proves to a registry, or to its token service, who asks. Never shown.
#[non_exhaustive]
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
    #[error("{helper} failed to give the credentials of `{server}`: {cause}; run it by hand to see why")]
    Helper {
        /// The program's name.
        helper: String,
        /// The registry asked for.
        server: String,
        /// What happened, without the helper's own words.
        cause: String,
    },
    /// A credential helper is named and not there: the registry is asked without credentials, and a refusal says so.
    #[error("`{path}` names {helper} for `{server}`, and there is no such program in PATH outside the checkout")]
    NotInstalled {
        /// The program's name.
        helper: String,
        /// The registry asked for.
        server: String,
        /// The file that names it.
        path: String,
    },
    /// A configuration or helper may not act for whoever asks.
    #[error(transparent)]
    Refused(ProgramError),
}

/// Where credentials are looked up.
pub trait CredentialStore: Send + Sync {
    /// The credential for a repository of a registry, which goes by the name that `docker login` stores it under: the host
    /// with its port, for Docker Hub `https://index.docker.io/v1/`. `None` when there is none. May block, for example on a
    /// helper program.
    ///
    /// # Errors
    /// [`CredentialError`] when it cannot be told whether there is one.
    fn get(&self, server: &str, repository: &str) -> Result<Option<Credential>, CredentialError>;
}

/// No credentials: everything is asked anonymously.
#[derive(Clone, Copy, Debug, Default)]
pub struct Anonymous;

impl CredentialStore for Anonymous {
    fn get(&self, _: &str, _: &str) -> Result<Option<Credential>, CredentialError> {
        Ok(None)
    }
}
