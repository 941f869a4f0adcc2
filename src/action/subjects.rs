//! The inputs that name subjects, as arguments of a command.

use super::inputs::{
    Action, DIGEST, IMAGE, PUSH, SUBJECT, SUBJECT_CHECKSUMS, SUBJECT_DIGEST, SUBJECT_NAME, SUBJECT_PATH,
};
use super::list::{self, Listed};
use super::{ActionError, given::Given};
use crate::capture::is_checksum_file;
use crate::model::Digest;

/// Subjects as a command takes them.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Subjects {
    /// Arguments.
    pub(super) arguments: Vec<String>,
    /// A file of further subjects.
    pub(super) list: Option<String>,
    /// The lines of a checksum file that stands for what is named by digest and need not be here.
    pub(super) named: String,
}

/// The subjects that the inputs name; where they name none, those of the runner's list, of which there may be none.
///
/// # Errors
/// What names no subject.
pub(super) fn subjects(given: &Given, listed: Option<Vec<Listed>>) -> Result<Subjects, ActionError> {
    let mut out = Subjects::default();
    for line in given.lines(SUBJECT) {
        if line.starts_with('-') {
            return Err(ActionError::Malformed {
                name: SUBJECT,
                expected: "artifacts (write ./-NAME for a file of such a name)".into(),
                found: "a line that begins with `-`".into(),
            });
        }
        out.arguments.push(line.to_owned());
    }
    for line in given.lines(SUBJECT_PATH) {
        out.arguments.push(path(line)?);
    }
    if let (Some(name), Some(digest)) = (given.text(SUBJECT_NAME), given.text(SUBJECT_DIGEST)) {
        let digest = Digest::parse(digest).map_err(|e| ActionError::Malformed {
            name: SUBJECT_DIGEST,
            expected: "sha256:...".into(),
            found: format!("`{digest}` ({e})"),
        })?;
        match given.flag(PUSH) {
            Some(true) => out.arguments.push(image(name, &digest.to_string())),
            _ if given.action == Action::Verify => out.arguments.push(format!("file:{name}@{digest}")),
            _ => out.named = list::line(name, &digest),
        }
    }
    if let Some(file) = given.text(SUBJECT_CHECKSUMS) {
        match is_checksum_file(file) && !file.contains(['*', '?', '[', ':']) {
            true => out.arguments.push(as_path(file)),
            false => out.list = Some(file.to_owned()),
        }
    }
    match (given.text(IMAGE), given.text(DIGEST)) {
        (Some(name), Some(digest)) => out.arguments.push(image(name, digest)),
        (Some(pinned), None) => out.arguments.push(format!("docker://{pinned}")),
        _ => {}
    }
    if out == Subjects::default() {
        out = of_runner(given, listed)?;
    }
    Ok(out)
}

/// Those of the runner's list.
fn of_runner(given: &Given, listed: Option<Vec<Listed>>) -> Result<Subjects, ActionError> {
    let Some(listed) = listed else {
        return Err(ActionError::NoSubject { why: "$GITHUB_ARTIFACTS_LIST is not set" });
    };
    let mut out = Subjects::default();
    if listed.is_empty() {
        return Err(ActionError::NoSubject { why: "$GITHUB_ARTIFACTS_LIST lists none" });
    }
    let pushes = given.flag(PUSH) == Some(true) || given.action == Action::Verify;
    if let Some(file) = listed.iter().find(|l| given.flag(PUSH) == Some(true) && !l.is_image) {
        return Err(ActionError::Malformed {
            name: PUSH,
            expected: "images alone in $GITHUB_ARTIFACTS_LIST".into(),
            found: format!("the file `{}`", file.name),
        });
    }
    for Listed { name, digest, is_image } in listed {
        match (is_image && pushes, given.action) {
            (true, _) => out.arguments.push(image(&name, &digest.to_string())),
            (false, Action::Verify) => out.arguments.push(format!("file:{name}@{digest}")),
            (false, Action::Create) => out.named.push_str(&list::line(&name, &digest)),
        }
    }
    Ok(out)
}

/// A repository and a digest as the reference that they are, whatever files are here.
fn image(name: &str, digest: &str) -> String {
    format!("docker://{name}@{digest}")
}

/// A line of `subject-path`: what it names is a file, whatever it looks like.
fn path(line: &str) -> Result<String, ActionError> {
    if line.starts_with('!') {
        return Err(ActionError::Malformed {
            name: SUBJECT_PATH,
            expected: "paths and globs of what is meant".into(),
            found: "an exclusion (`!...`)".into(),
        });
    }
    Ok(match line.contains(['*', '?', '[']) {
        true => as_path(line),
        false => format!("file:{line}"),
    })
}

/// A path that no command reads as anything else.
fn as_path(text: &str) -> String {
    let plain = !text.starts_with(['-', '.', '/']) && !text.contains([':', '@']);
    if plain || text.starts_with(['.', '/']) { text.to_owned() } else { format!("./{text}") }
}
