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

/// What a checksum file names.
#[derive(Clone, Debug, PartialEq)]
pub struct Checksums {
    /// In the file's order, each once.
    pub subjects: Vec<Subject>,
    /// Lines of algorithms by which nothing can be verified, such as MD5.
    pub passed_over: usize,
}

/// Reads what `sha256sum -c` reads: `HEX  NAME`, `HEX *NAME`, `HEX NAME`, a tab for the space, `SHA256 (NAME) = HEX` as BSD
/// and `SHA2-256(NAME)= HEX` as openssl write it, each with a leading `\` where the name is escaped; comments begin with `#`.
/// A digest alone is that of the file whose name this one's has without its ending. The digest's length tells the algorithm.
///
/// # Errors
/// [`CaptureError::MalformedLine`]; [`CaptureError::TooLarge`] over [`limits::CHECKSUM_BYTES`] or
/// [`limits::INPUT_SUBJECTS`]; [`CaptureError::NothingMatches`] when no line names a subject.
pub fn from_checksums(file: &str, bytes: &[u8]) -> Result<Checksums, CaptureError> {
    if bytes.len() > limits::CHECKSUM_BYTES {
        let what = format!("the size of `{file}`");
        return Err(CaptureError::TooLarge { what, limit: limits::CHECKSUM_BYTES });
    }
    let malformed = |line: usize, expected, found: &str| CaptureError::MalformedLine {
        file: file.to_owned(),
        line: line + 1,
        expected,
        // The file may be a link to one that holds something else: the line is not quoted.
        found: found.to_owned(),
    };
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err(malformed(0, "UTF-8", "UTF-16, as PowerShell writes by itself"));
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut out = Checksums { subjects: Vec::new(), passed_over: 0 };
    let (mut seen, mut weak) = (std::collections::BTreeMap::new(), Vec::new());
    for (i, raw) in bytes.split(|b| *b == b'\n').enumerate() {
        let raw = raw.strip_suffix(b"\r").unwrap_or(raw);
        let line = std::str::from_utf8(raw).map_err(|_| malformed(i, "UTF-8", "another line"))?;
        let line = line.trim_start_matches([' ', '\t']);
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (name, digest) = match checksum(line, file) {
            Some(Line::Named(name, digest)) => (name, digest),
            Some(Line::Weak(name)) => {
                out.passed_over += 1;
                weak.push((i, name));
                continue;
            }
            None => return Err(malformed(i, "a digest and a file name, as sha256sum writes", "another line")),
        };
        // The same name with two digests would be two artifacts under one name.
        let key = (name.clone(), digest.algorithm());
        match seen.insert(key, digest.clone()) {
            Some(other) if other != digest => {
                return Err(malformed(i, "the digest given to this name before", "another line"));
            }
            Some(_) => continue,
            None => out.subjects.push(Subject::new(name, DigestSet::of(&digest))),
        }
        if out.subjects.len() > limits::INPUT_SUBJECTS {
            let what = format!("the number of subjects in `{file}`");
            return Err(CaptureError::TooLarge { what, limit: limits::INPUT_SUBJECTS });
        }
    }
    if out.subjects.is_empty() {
        return Err(CaptureError::NothingMatches { pattern: file.to_owned() });
    }
    // Passed over, a name that has no other digest would count as verified with the others, and nobody looked at it.
    let named: std::collections::BTreeSet<_> = seen.keys().map(|(name, _)| name).collect();
    match weak.iter().find(|(_, name)| !named.contains(name)) {
        Some((i, _)) => {
            Err(malformed(*i, "a digest of SHA-256, SHA-384 or SHA-512 for each name", "a weaker one alone"))
        }
        None => Ok(out),
    }
}

/// A line of a checksum file.
enum Line {
    /// A name and its digest.
    Named(String, Digest),
    /// A name with a digest of an algorithm by which nothing can be verified.
    Weak(String),
}

/// Names that tools give to algorithms in lines that begin with one; those of ours first.
const TAGS: &[(&str, Option<DigestAlgorithm>)] = &[
    ("SHA256", Some(DigestAlgorithm::Sha256)),
    ("SHA2-256", Some(DigestAlgorithm::Sha256)),
    ("SHA384", Some(DigestAlgorithm::Sha384)),
    ("SHA2-384", Some(DigestAlgorithm::Sha384)),
    ("SHA512", Some(DigestAlgorithm::Sha512)),
    ("SHA2-512", Some(DigestAlgorithm::Sha512)),
    ("MD5", None),
    ("SHA1", None),
    ("SHA224", None),
    ("SHA2-224", None),
    ("RMD160", None),
    ("RIPEMD160", None),
    ("SM3", None),
    ("BLAKE2b", None),
];

/// Hex digits of MD5, SHA-1 and SHA-224.
const WEAK_DIGITS: [usize; 3] = [32, 40, 56];

fn checksum(line: &str, file: &str) -> Option<Line> {
    let (escaped, line) = line.strip_prefix('\\').map_or((false, line), |l| (true, l));
    // `sha256sum -z` ends each entry by a zero byte: read as one line, all but the first would be a part of its name.
    let written = |name: &str| {
        let name = Some(name).filter(|name| !name.contains(['\0', '\r']))?;
        let name = if escaped { unescape(name)? } else { name.to_owned() };
        (!name.is_empty()).then_some(name)
    };
    let named = |name: &str, digest: Digest| Some(Line::Named(written(name)?, digest));
    let weak = |name: &str| Some(Line::Weak(written(name)?));
    for (tag, algorithm) in TAGS {
        let Some(rest) = line.strip_prefix(tag) else { continue };
        let bsd = rest.strip_prefix(" (").and_then(|rest| rest.rsplit_once(") = "));
        let Some((name, hex)) = bsd.or_else(|| rest.strip_prefix('(')?.rsplit_once(")= ")) else { continue };
        return match algorithm {
            Some(algorithm) => named(name, Digest::from_hex(*algorithm, &hex.trim_end().to_ascii_lowercase())?),
            None => weak(name),
        };
    }
    let end = line.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(line.len());
    let (hex, rest) = line.split_at(end);
    let hex = hex.to_ascii_lowercase();
    let digest = DigestAlgorithm::ALL.into_iter().find_map(|a| Digest::from_hex(a, &hex));
    if digest.is_none() && WEAK_DIGITS.contains(&hex.len()) && rest.starts_with([' ', '\t']) {
        let name = &rest[1..];
        return weak(name.strip_prefix([' ', '*']).unwrap_or(name));
    }
    if rest.trim().is_empty() {
        return named(own_name(file)?, digest?);
    }
    let rest = rest.strip_prefix([' ', '\t'])?;
    named(rest.strip_prefix([' ', '*']).unwrap_or(rest), digest?)
}

/// The name of the file that a file of one digest is about: `app` for `dist/app.sha256`.
fn own_name(file: &str) -> Option<&str> {
    let name = file.rsplit('/').next().unwrap_or(file);
    ["", "sum"]
        .iter()
        .find_map(|end| DigestAlgorithm::ALL.iter().find_map(|a| name.strip_suffix(&format!(".{}{end}", a.name()))))
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
        Ok(subjects.subjects.iter().map(|s| s.descriptor().name().unwrap().to_owned()).collect())
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
    fn what_sha256sum_reads_is_read() {
        let a = "a".repeat(64);
        let (md5, sha1) = ("b".repeat(32), "c".repeat(40));
        let text = format!(
            "\u{feff}# made by acme\n{a} one\n{a}\ttab\n  {a}  indented\nMD5 (one) = {md5}\n{sha1}  tab\nSHA2-256(ssl)= {a}\nSHA256(old ssl)= {a}\n"
        );
        let read = from_checksums("SUMS", text.as_bytes()).unwrap();
        assert_eq!(read.passed_over, 2);
        assert_eq!(names(&text).unwrap(), ["one", "tab", "indented", "ssl", "old ssl"]);
        // A digest alone is the one of the file that this one is named after.
        for (file, name) in [("dist/app.tar.gz.sha256", "app.tar.gz"), ("app.sha256sum", "app")] {
            let read = from_checksums(file, format!("{a}\n").as_bytes()).unwrap();
            assert_eq!(read.subjects[0].descriptor().name(), Some(name));
        }
        assert!(from_checksums("SHA256SUMS", a.as_bytes()).is_err());
        // Of what proves nothing alone there is nothing.
        assert_eq!(names(&format!("MD5 (x) = {md5}\n")).unwrap_err().code().as_str(), "no-file-matches");
        let utf16: Vec<u8> = "\u{feff}aa".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert!(from_checksums("SUMS", &utf16).unwrap_err().to_string().contains("UTF-16"));
    }

    #[test]
    fn a_bad_line_is_named() {
        let a = "a".repeat(64);
        let defects = [
            format!("{a}  x\n{} y", &a[1..]),
            format!("{a}  x\n{a}-y"),
            format!("{a}  x\nSHA512 (y) = {a}"),
            format!("{a}  x\n\\{a}  y\\q"),
            format!("{a}  x\n{}  x", "b".repeat(64)),
            format!("{a}  x\n{a}  "),
            format!("{a}  x\nMD5 (y) = {}", "b".repeat(32)),
            format!("{a}  x\n{}  y", "b".repeat(40)),
            format!("{a}  x\n{a}  y\0{a}  z\0"),
            format!("{a}  x\n{a}  y\r{a}  z"),
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
