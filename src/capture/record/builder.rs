//! The builder that whoever runs this names.

use crate::capture::{CaptureError, Captured, CiContext};
use crate::model::uri;
use crate::predicate::field;

/// Who runs the build, as it was given; what a CI system's variables say differently is noted. The token that signs has the
/// last word ([`Context::signed_by`]).
pub(super) fn given(
    given: Captured<String>,
    ci: &mut CiContext,
    platform: &str,
    disagreements: &mut Vec<(&'static str, String)>,
) -> Result<(), CaptureError> {
    let Captured::Found { value, source } = given else { return Ok(()) };
    let is_uri = value.split_once(':').is_some_and(|(scheme, rest)| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b))
            && !rest.is_empty()
            && rest.bytes().all(|b| b.is_ascii_graphic())
    });
    let expected = "a URI such as https://acme.example/builder/v1, without user, token or password";
    if uri::holds_credential(&value) {
        return Err(CaptureError::Value { name: source, expected, found: "another".into() });
    }
    if !is_uri {
        return Err(CaptureError::value(source, expected, &value));
    }
    if let Some(other) = ci.builder.value().filter(|other| platform != "local" && **other != value) {
        disagreements.push((field::BUILDER_ID.path, format!("{source} says {value}, the environment {other}")));
    }
    ci.builder = Captured::found(value, &source);
    Ok(())
}
