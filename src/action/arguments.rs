//! Inputs as the arguments of a command: `attest create`, `attest generate` or `attest verify`, as a person would type them.

use super::given::Given;
use super::inputs::{Action, Form, INPUTS, JUNIT, KEY, OUTPUT, POLICY, PUBLIC_KEY, SBOM, TRUSTED_ROOT};
use super::subjects::Subjects;
use super::{ActionError, Input};
use crate::model::{json, limits};
use serde_json::Value;
use std::path::Path;

/// Inputs of `action.yml` that `attest verify` alone has a flag for.
const OF_VERIFY: &[&str] = &[POLICY, PUBLIC_KEY];

/// Inputs of `action.yml` that say whom to trust.
const TRUST: &[&str] = &[POLICY, PUBLIC_KEY, TRUSTED_ROOT];

/// What `attest create` is asked.
pub(super) fn create(given: &Given, subjects: &[String], outbox: &Path) -> Vec<String> {
    let mut out = vec!["create".to_owned()];
    out.extend(flags(given, |name| !OF_VERIFY.contains(&name)));
    out.extend(given.text(OUTPUT).map(|path| format!("--output={path}")));
    out.push(format!("--outbox={}", outbox.display()));
    if given.has_key() {
        out.push(format!("--key=env:{}", variable(KEY)));
    }
    if given.attaches_nothing() {
        out.push("--no-attach".to_owned());
    }
    out.extend(subjects.iter().cloned());
    out
}

/// What `attest generate` is asked, where nothing signs.
pub(super) fn generate(given: &Given, subjects: &[String]) -> Vec<String> {
    let mut out = vec!["generate".to_owned()];
    out.extend(flags(given, |name| !OF_VERIFY.contains(&name)));
    out.extend(subjects.iter().cloned());
    out
}

/// What `attest verify` is asked of these subjects.
pub(super) fn verify(given: &Given, subjects: &[String], bundle: Option<&str>) -> Vec<String> {
    let mut out = vec!["verify".to_owned()];
    // Of what was attested, only whom to trust is said: the rest is what was done.
    out.extend(flags(given, |name| given.action == Action::Verify || TRUST.contains(&name)));
    out.extend(bundle.map(|path| format!("--bundle={path}")));
    out.extend(subjects.iter().cloned());
    out
}

/// Subjects as a command takes them, with the checksum file that stands for some.
pub(super) fn positional(subjects: &Subjects, named: Option<&Path>) -> Vec<String> {
    let list = subjects.list.iter().map(|file| format!("--subjects={file}"));
    let named = named.map(|path| path.display().to_string());
    list.chain(subjects.arguments.iter().cloned()).chain(named).collect()
}

/// The type of an SBOM, as actions/attest gives it.
///
/// # Errors
/// What is neither of the two.
pub(super) fn sbom_type(bytes: &[u8]) -> Result<String, ActionError> {
    let document =
        json::parse(bytes, limits::PREDICATE_BYTES).map_err(|e| ActionError::Sbom { found: e.to_string() })?;
    let text = |member: &str| document.get(member).and_then(Value::as_str);
    match (text("spdxVersion").and_then(|v| v.strip_prefix("SPDX-")), text("bomFormat")) {
        (Some(version), _) if version.bytes().all(|b| b.is_ascii_digit() || b == b'.') && !version.is_empty() => {
            Ok(format!("https://spdx.dev/Document/v{version}"))
        }
        (None, Some("CycloneDX")) => Ok("cyclonedx".to_owned()),
        _ => Err(ActionError::Sbom { found: "neither `spdxVersion` nor `bomFormat` of such a document".into() }),
    }
}

/// An SBOM as the predicate that it is.
pub(super) fn of_sbom(given: &Given, kind: &str) -> Vec<String> {
    let path = given.text(SBOM).map(|path| format!("--predicate={path}"));
    path.into_iter().chain([format!("--predicate-type={kind}")]).collect()
}

/// The flags of the inputs that have one.
fn flags(given: &Given, wanted: impl Fn(&str) -> bool) -> Vec<String> {
    let mut out = Vec::new();
    for input in given.action.inputs().filter(|input| wanted(input.name) && input.name != JUNIT) {
        let Some(flag) = input.flag else { continue };
        match input.form {
            Form::Lines => out.extend(given.lines(input.name).map(|value| format!("{flag}={value}"))),
            Form::Flag => out.extend((given.flag(input.name) == Some(true)).then(|| flag.to_owned())),
            _ => out.extend(given.text(input.name).map(|value| format!("{flag}={value}"))),
        }
    }
    out
}

fn variable(name: &str) -> String {
    INPUTS.iter().find(|input| input.name == name).map(Input::variable).unwrap_or_default()
}
