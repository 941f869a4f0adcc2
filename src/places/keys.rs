//! Public keys that a caller names.
#![expect(clippy::disallowed_methods, reason = "back end: the environment")]

use super::{PlaceError, files};
use crate::model::limits;
use crate::trust::PublicKey;
use std::path::Path;

/// Reads a public key: a file of PEM or DER, `file:PATH` or `env:VARIABLE`.
///
/// # Errors
/// `file-unreadable`, `public-key-malformed`, `public-key-unsupported`.
pub fn public_key(reference: &str) -> Result<PublicKey, PlaceError> {
    let bytes = match reference.strip_prefix("env:") {
        Some(variable) => std::env::var_os(variable)
            .ok_or_else(|| PlaceError::Unset { name: variable.to_owned() })?
            .into_encoded_bytes(),
        None => files::read(Path::new(reference.strip_prefix("file:").unwrap_or(reference)), limits::KEY_BYTES)?,
    };
    PublicKey::from_file(&bytes).map_err(|source| PlaceError::Key { reference: reference.to_owned(), source })
}
