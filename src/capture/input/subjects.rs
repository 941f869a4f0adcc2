//! Subjects from a checksum file, and more of them than one statement may hold.

use crate::capture::CaptureError;
use crate::model::{Digest, DigestSet, Subject, digest::DigestAlgorithm, limits};

/// Whether a file of this name holds checksums of others: `SHA256SUMS`, `checksums.txt`, `app.sha256` and the like.
#[must_use]
pub fn is_checksum_file(name: &str) -> bool {
    let name = name.rsplit('/').next().unwrap_or(name).to_ascii_lowercase();
    let stem = name.strip_suffix(".txt").unwrap_or(&name);
    let sums = |s: &str| s.ends_with("sums") || s.ends_with("checksums") || s == "checksum";
    sums(stem)
        || ["sha256", "sha384", "sha512", "sha256sum", "sha384sum", "sha512sum"]
            .iter()
            .any(|e| name.strip_suffix(e).is_some_and(|rest| rest.ends_with('.')))
}

/// Reads what `sha256sum` and its kin write: `HEX  NAME`, `HEX *NAME`, `SHA256 (NAME) = HEX`, each with a leading `\`
/// where the name is escaped. The digest's length tells the algorithm. Subjects in the file's order, each once.
///
/// # Errors
/// [`CaptureError::MalformedLine`]; [`CaptureError::TooLarge`] over [`limits::CHECKSUM_BYTES`] or
/// [`limits::INPUT_SUBJECTS`]; [`CaptureError::NothingMatches`] when no line names a subject.
pub fn from_checksums(file: &str, bytes: &[u8]) -> Result<Vec<Subject>, CaptureError> {
    if bytes.len() > limits::CHECKSUM_BYTES {
        let what = format!("the size of `{file}`");
        return Err(CaptureError::TooLarge { what, limit: limits::CHECKSUM_BYTES });
    }
    let mut out: Vec<Subject> = Vec::new();
    let mut seen = std::collections::BTreeMap::new();
    for (i, raw) in bytes.split(|b| *b == b'\n').enumerate() {
        let raw = raw.strip_suffix(b"\r").unwrap_or(raw);
        if raw.is_empty() {
            continue;
        }
        let malformed = |expected| CaptureError::MalformedLine {
            file: file.to_owned(),
            line: i + 1,
            expected,
            // The file may be a link to one that holds something else: the line is not quoted.
            found: "another line".to_owned(),
        };
        let line = std::str::from_utf8(raw).map_err(|_| malformed("UTF-8"))?;
        let (name, digest) =
            checksum(line).ok_or_else(|| malformed("a digest and a file name, as sha256sum writes"))?;
        // The same name with two digests would be two artifacts under one name.
        let key = (name.clone(), digest.algorithm());
        match seen.insert(key, digest.clone()) {
            Some(other) if other != digest => return Err(malformed("the digest given to this name before")),
            Some(_) => continue,
            None => out.push(Subject::new(name, DigestSet::of(&digest))),
        }
        if out.len() > limits::INPUT_SUBJECTS {
            let what = format!("the number of subjects in `{file}`");
            return Err(CaptureError::TooLarge { what, limit: limits::INPUT_SUBJECTS });
        }
    }
    if out.is_empty() {
        return Err(CaptureError::NothingMatches { pattern: file.to_owned() });
    }
    Ok(out)
}

fn checksum(line: &str) -> Option<(String, Digest)> {
    let (escaped, line) = line.strip_prefix('\\').map_or((false, line), |l| (true, l));
    let digest = |hex: &str| {
        let hex = hex.to_ascii_lowercase();
        DigestAlgorithm::ALL.into_iter().find_map(|a| Digest::from_hex(a, &hex))
    };
    let tagged = DigestAlgorithm::ALL.into_iter().find_map(|a| {
        let (name, hex) = line.strip_prefix(&format!("{} (", a.name().to_ascii_uppercase()))?.rsplit_once(") = ")?;
        Some((name, Digest::from_hex(a, &hex.to_ascii_lowercase())?))
    });
    let (name, digest) = match tagged {
        Some(found) => found,
        None => {
            let (hex, rest) = line.split_once(' ')?;
            (rest.strip_prefix([' ', '*'])?, digest(hex)?)
        }
    };
    let name = if escaped { unescape(name)? } else { name.to_owned() };
    (!name.is_empty()).then_some((name, digest))
}

fn unescape(name: &str) -> Option<String> {
    let mut out = String::new();
    let mut chars = name.chars();
    while let Some(c) = chars.next() {
        out.push(match c {
            '\\' => match chars.next()? {
                'n' => '\n',
                'r' => '\r',
                '\\' => '\\',
                _ => return None,
            },
            c => c,
        });
    }
    Some(out)
}

/// Splits subjects into groups that one statement each can hold ([`limits::SUBJECTS`]), in order.
#[must_use]
pub fn chunks(subjects: Vec<Subject>) -> Vec<Vec<Subject>> {
    let mut out = Vec::new();
    let mut rest = subjects;
    while rest.len() > limits::SUBJECTS {
        let tail = rest.split_off(limits::SUBJECTS);
        out.push(std::mem::replace(&mut rest, tail));
    }
    if !rest.is_empty() {
        out.push(rest);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Result<Vec<String>, CaptureError> {
        let subjects = from_checksums("SUMS", text.as_bytes())?;
        Ok(subjects.iter().map(|s| s.descriptor().name().unwrap().to_owned()).collect())
    }

    #[test]
    fn every_form_of_the_tools_is_read() {
        let (a, b) = ("a".repeat(64), "B".repeat(128));
        let text = format!(
            "{a}  plain\n{a} *binary\r\nSHA256 (with (brackets) = in it) = {a}\nSHA512 (big) = {b}\n\\{a}  new\\nline\\\\\n\n{a}  plain\n"
        );
        assert_eq!(names(&text).unwrap(), ["plain", "binary", "with (brackets) = in it", "big", "new\nline\\"]);
    }

    #[test]
    fn a_bad_line_is_named() {
        let a = "a".repeat(64);
        let defects = [
            format!("{a}  x\n{} y", &a[1..]),
            format!("{a}  x\n{a} y"),
            format!("{a}  x\nSHA512 (y) = {a}"),
            format!("{a}  x\n\\{a}  y\\q"),
            format!("{a}  x\n{}  x", "b".repeat(64)),
            format!("{a}  x\n{a}  "),
        ];
        for text in defects {
            let e = names(&text).unwrap_err();
            assert!(matches!(&e, CaptureError::MalformedLine { line: 2, .. }), "{text}: {e}");
        }
        assert_eq!(names("\n").unwrap_err().code().as_str(), "no-file-matches");
        assert!(from_checksums("SUMS", b"\xff").is_err());
    }

    #[test]
    fn checksum_files_are_known_by_name() {
        for name in ["dist/SHA256SUMS", "checksums.txt", "app_1.0_checksums.txt", "app.tar.gz.sha256", "a.sha512sum"] {
            assert!(is_checksum_file(name), "{name}");
        }
        for name in ["app", "sha256", "sums.bin", "checksums.json"] {
            assert!(!is_checksum_file(name), "{name}");
        }
    }

    #[test]
    fn more_than_one_statement_holds_is_split() {
        let many = |n: usize| (0..n).map(|i| Subject::new(i.to_string(), DigestSet::sha256(b"x"))).collect::<Vec<_>>();
        let sizes = |n| chunks(many(n)).iter().map(Vec::len).collect::<Vec<_>>();
        assert_eq!(sizes(0), [0; 0]);
        assert_eq!(sizes(1024), [1024]);
        assert_eq!(sizes(1131), [1024, 107]);
        assert_eq!(chunks(many(1131)).concat(), many(1131));
    }
}
