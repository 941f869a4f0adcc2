//! The charter: what authorises the work, as a URL or as a file.

use crate::capture::input::materials;
use crate::capture::{CaptureError, Captured, Checkout};
use crate::model::{DigestSet, ResourceDescriptor, limits, uri};
use std::path::Path;

/// A URL is recorded as it is, without credentials; a file by its place in the source and the digest of its bytes.
///
/// # Errors
/// The file's that cannot be read; [`CaptureError::Value`] for a URL with a password.
pub(in crate::capture) fn capture(
    given: Captured<String>,
    place: &materials::Place<'_>,
    checkout: &dyn Checkout,
) -> Result<Captured<ResourceDescriptor>, CaptureError> {
    let (text, source) = match given {
        Captured::Found { value, source } => (value, source),
        Captured::Absent { reason } => return Ok(Captured::absent(&reason)),
    };
    if uri::is_url(&text) {
        if uri::authority(&text).contains('@') || text.contains(char::is_whitespace) {
            return Err(CaptureError::Value { name: source, expected: "a URL without user", found: "another".into() });
        }
        if uri::holds_credential(&text) {
            let expected = "a URL without a token or password";
            return Err(CaptureError::Value { name: source, expected, found: "one in its query".into() });
        }
        return Ok(Captured::found(ResourceDescriptor::at(text), &source));
    }
    let path = place.full(Path::new(&text), checkout)?;
    let bytes = checkout.read(place.within(&path), &path, limits::PREDICATE_BYTES)?;
    let bytes = bytes.ok_or(CaptureError::NothingMatches { pattern: text })?;
    let at = place.uri(Path::new(&path));
    Ok(Captured::found(ResourceDescriptor::at(at).digest_of(DigestSet::sha256(&bytes)), &format!("{source}, the file")))
}
