//! The list that a runner makes of the artifacts of a job, `$GITHUB_ARTIFACTS_LIST`, and the one that stands for subjects which are
//! named by digest and need not be here.

use super::ActionError;
use crate::model::digest::DigestAlgorithm;
use crate::model::{Digest, json, limits};
use serde_json::Value;
use std::fmt::Write as _;

/// An artifact of the list.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Listed {
    pub(super) name: String,
    pub(super) digest: Digest,
    /// Whether it is an image; a file otherwise.
    pub(super) is_image: bool,
}

/// Reads the runner's list. One without content is what a runner writes that lists nothing.
///
/// # Errors
/// Whatever is not as it is specified: of a list that is read in part, a subject would be missing.
pub(super) fn read(bytes: &[u8]) -> Result<Vec<Listed>, ActionError> {
    let wrong = |cause: String| ActionError::List { cause };
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Ok(Vec::new());
    }
    let document = json::parse(bytes, limits::CHECKSUM_BYTES).map_err(|e| wrong(e.to_string()))?;
    if document.get("version").and_then(Value::as_u64) != Some(1) {
        return Err(wrong("expected version 1".into()));
    }
    let Some(subjects) = document.get("subjects").and_then(Value::as_array) else {
        return Err(wrong("expected `subjects`, an array".into()));
    };
    let mut out: Vec<Listed> = Vec::new();
    for (number, subject) in (1..).zip(subjects) {
        let text = |member: &str| subject.get(member).and_then(Value::as_str).unwrap_or_default();
        let entry = |what: &str| wrong(format!("entry {number}: expected {what}"));
        let is_image = match text("kind") {
            "file" => false,
            "oci" => true,
            _ => return Err(entry("`kind`, file or oci")),
        };
        let name = Some(text("name")).filter(|n| !n.is_empty() && !n.contains(char::is_control));
        let name = name.ok_or_else(|| entry("`name`, a text without control characters"))?.to_owned();
        let digest = Digest::parse(&text("digest").to_ascii_lowercase()).ok();
        let digest = digest.filter(|d| d.algorithm() == DigestAlgorithm::Sha256);
        let listed = Listed { name, digest: digest.ok_or_else(|| entry("`digest`, sha256:..."))?, is_image };
        match out.iter().find(|other| other.name == listed.name) {
            Some(same) if *same == listed => {}
            Some(_) => return Err(entry("another `name` than that of an entry which differs")),
            None => out.push(listed),
        }
    }
    Ok(out)
}

/// A line of a checksum file, escaped as sha256sum does.
pub(super) fn line(name: &str, digest: &Digest) -> String {
    let mut out = String::new();
    let escaped = name.replace('\\', "\\\\");
    let mark = if escaped == name { "" } else { "\\" };
    let _ = writeln!(out, "{mark}{}  {escaped}", digest.hex());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(subjects: &str) -> Result<Vec<Listed>, String> {
        read(format!(r#"{{"version":1,"subjects":[{subjects}]}}"#).as_bytes()).map_err(|e| e.to_string())
    }

    fn entry(name: &str, digit: char, kind: &str) -> String {
        let digest = format!("sha256:{}", digit.to_string().repeat(64));
        format!(r#"{{"name":"{name}","digest":"{digest}","kind":"{kind}"}}"#)
    }

    #[test]
    fn a_list_is_read_whole_or_not_at_all() {
        let both = list(&format!("{},{}", entry("app", 'a', "file"), entry("ghcr.io/acme/app", 'B', "oci"))).unwrap();
        assert_eq!(both.iter().map(|l| l.is_image).collect::<Vec<_>>(), [false, true]);
        assert!(both[1].digest.to_string().ends_with("bbb"));
        assert_eq!(list(&format!("{},{}", entry("a", 'a', "file"), entry("a", 'a', "file"))).map(|l| l.len()), Ok(1));
        assert_eq!(read(b" \n").map(|l| l.len()).ok(), Some(0));
        for wrong in [
            entry("", 'a', "file"),
            entry("a\\n::error::b", 'a', "file"),
            entry("a", 'g', "file"),
            entry("a", 'a', "folder"),
            format!("{},{}", entry("a", 'a', "file"), entry("a", 'b', "file")),
            format!("{},{}", entry("a", 'a', "file"), entry("a", 'a', "oci")),
            "3".into(),
        ] {
            assert!(list(&wrong).is_err(), "{wrong}");
        }
        for wrong in [r#"{"version":2,"subjects":[]}"#, r#"{"version":1}"#, "[]", "\u{feff}{}", "{"] {
            assert!(read(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_line_is_read_back_as_it_was_named() {
        let digest = Digest::sha256(b"x");
        for name in ["app", "a b", r"a\b", " a", "*a", "ghcr.io/acme/app"] {
            let text = line(name, &digest);
            let read = crate::capture::from_checksums("SHA256SUMS", text.as_bytes()).unwrap();
            assert_eq!(read.subjects[0].descriptor().name(), Some(name), "{text}");
        }
    }
}
