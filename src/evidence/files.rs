//! [`FileEvidence`]: bundles that a person or a download put into files.
#![expect(clippy::disallowed_methods, reason = "back end: files")]

use crate::model::code::codes;
use crate::model::spelling::without_mark;
use crate::model::{Artifact, Code, code, limits};
use crate::regular;
use crate::seam::{BoxFuture, ready};
use crate::verify::{Basket, Candidate, Content, EvidenceSource, Origin, read_evidence};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

codes! {
    /// Codes of [`FileEvidence`].
    CODES;
    pub UNREADABLE = "evidence-unreadable", [Caller, Operator],
        "evidence could not be read",
        "check the path and its permissions; for a registry, try again";
    EMPTY = "evidence-empty", [Caller, Producer],
        "a file or folder of evidence holds no bundle",
        "pass a file with a Sigstore bundle, a JSON line for each of several, or a folder of such files";
}

/// What a candidate that is all of a file is called there.
pub const WHOLE_FILE: &str = "whole file";

/// A file or folder of evidence.
///
/// A file is one JSON document, a list of such as `gh` writes it, or one document per line (JSONL). Of a folder, the files that end in `.json`, `.jsonl`
/// or `.sigstore` are read, not those of folders below it; at most [`limits::BUNDLE_FILES`].
///
/// All is read once, up to [`limits::EVIDENCE_BYTES`], and takes nothing from the budget of a check: it is the same for each
/// manifest that an index lists, and a pipe gives it only once.
#[derive(Clone, Debug)]
pub struct FileEvidence {
    path: PathBuf,
    /// Whether somebody named the path itself: then it may be a pipe that a shell hands over.
    named: bool,
    /// What was found, once it was looked for; copies of this share it.
    found: Arc<OnceLock<Vec<Candidate>>>,
}

impl FileEvidence {
    /// Codes of this type.
    pub const CODES: &'static [Code] = CODES;

    /// Evidence at a path.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), named: true, found: Arc::default() }
    }

    /// Evidence at a path that nobody named, found beside its subject: only a file, for opening a pipe waits for its
    /// writer.
    #[must_use]
    pub fn beside(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), named: false, found: Arc::default() }
    }

    fn all(&self) -> &[Candidate] {
        self.found.get_or_init(|| self.read())
    }

    fn read(&self) -> Vec<Candidate> {
        let mut budget = limits::EVIDENCE_BYTES;
        let files = match files_of(&self.path) {
            Ok(files) => files,
            Err(content) => return vec![candidate(&self.path, String::new(), content)],
        };
        let mut out = Vec::new();
        for file in &files {
            match read(file, budget, self.named && *file == self.path) {
                Ok(bytes) => {
                    budget -= bytes.len();
                    split(file, &bytes, &mut out);
                }
                Err(content) => out.push(candidate(file, String::new(), content)),
            }
        }
        if out.is_empty() {
            out.push(nothing(&self.path));
        }
        out
    }
}

impl EvidenceSource for FileEvidence {
    fn place(&self) -> String {
        self.path.display().to_string()
    }

    fn gather<'a>(&'a self, _: &'a Artifact, basket: &'a Basket) -> BoxFuture<'a, ()> {
        for (rank, found) in self.all().iter().enumerate() {
            basket.put(rank, found.clone());
        }
        ready(())
    }
}

fn candidate(path: &Path, id: String, content: Content) -> Candidate {
    Candidate { origin: Origin { place: path.display().to_string(), id }, content }
}

fn nothing(path: &Path) -> Candidate {
    let message = format!("`{}` holds no bundle", path.display());
    candidate(path, String::new(), Content::SetAside { code: EMPTY, message })
}

fn unreadable(path: &Path, e: &io::Error) -> Content {
    Content::Unavailable { code: UNREADABLE, message: format!("cannot read `{}`: {e}", path.display()) }
}

fn too_large(path: &Path, what: &str, limit: usize) -> Content {
    Content::Unavailable {
        code: code::LIMIT_EXCEEDED,
        message: format!("`{}`: {what} is over the limit of {limit}", path.display()),
    }
}

fn files_of(path: &Path) -> Result<Vec<PathBuf>, Content> {
    if !fs::metadata(path).map_err(|e| unreadable(path, &e))?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut out = Vec::new();
    for entry in fs::read_dir(path).map_err(|e| unreadable(path, &e))? {
        let file = entry.map_err(|e| unreadable(path, &e))?.path();
        if file.extension().is_some_and(|e| e == "json" || e == "jsonl" || e == "sigstore") {
            out.push(file);
        }
        if out.len() > limits::BUNDLE_FILES {
            return Err(too_large(path, "the number of files", limits::BUNDLE_FILES));
        }
    }
    out.sort();
    Ok(out)
}

/// How much of a file is read (bytes): of one of lines all that a check may have, of any other one bundle. No more is written.
pub(super) fn limit_of(path: &Path) -> usize {
    let is_lines = path.extension().is_some_and(|e| e == "jsonl");
    if is_lines { limits::EVIDENCE_BYTES } else { limits::BUNDLE_BYTES }
}

/// Whether a file holds bundles and nothing else, so that it is evidence and nothing that evidence is looked for.
#[must_use]
pub fn is_bundles(bytes: &[u8]) -> bool {
    let pieces = pieces_of(bytes);
    !pieces.is_empty() && pieces.iter().all(|piece| read_evidence(piece).is_ok())
}

fn read(path: &Path, budget: usize, pipe: bool) -> Result<Vec<u8>, Content> {
    let limit = budget.min(limit_of(path));
    let bytes = if pipe { regular::read_typed(path, limit) } else { regular::read(path, limit) };
    let bytes = bytes.map_err(|e| unreadable(path, &e))?;
    if bytes.len() <= limit {
        return Ok(bytes);
    }
    // A pipe has no size.
    let size = fs::metadata(path).ok().filter(|m| m.is_file() && m.len() > limit as u64);
    let what = size.map_or_else(|| "its size (bytes)".to_owned(), |m| format!("its size ({} bytes)", m.len()));
    Err(too_large(path, &what, limit))
}

/// The documents of a file.
pub(super) fn pieces_of(bytes: &[u8]) -> Vec<&[u8]> {
    numbered(bytes).into_iter().map(|(_, piece)| piece).collect()
}

/// Whether a file is one document that lists bundles: a line behind it would make it none.
pub(super) fn is_list(bytes: &[u8]) -> bool {
    listed(without_mark(bytes)).is_some()
}

/// The documents of a file that was read, as candidates.
#[must_use]
pub fn candidates_of(path: &Path, bytes: &[u8]) -> Vec<Candidate> {
    let mut out = Vec::new();
    split(path, bytes, &mut out);
    if out.is_empty() {
        out.push(nothing(path));
    }
    out
}

/// What tells the pieces of a file apart, and its number from 1.
type Number = Option<(&'static str, usize)>;

/// The pieces of a file: one document; the bundles that a document lists; or, where it is none, its lines, if one of them is
/// a document. A line that is none is a piece of evidence like the others, wherever it stands.
fn numbered(bytes: &[u8]) -> Vec<(Number, &[u8])> {
    let bytes = without_mark(bytes);
    if bytes.trim_ascii().is_empty() {
        return Vec::new();
    }
    if let Some(listed) = listed(bytes) {
        return listed.into_iter().enumerate().map(|(i, piece)| (Some(("bundle", i + 1)), piece)).collect();
    }
    let is_document = |text: &[u8]| serde_json::from_slice::<IgnoredAny>(text).is_ok();
    let lines = || bytes.split(|b| *b == b'\n').map(<[u8]>::trim_ascii).enumerate().filter(|(_, l)| !l.is_empty());
    if is_document(bytes) || !lines().any(|(_, l)| l.starts_with(b"{") && is_document(l)) {
        return vec![(None, bytes)];
    }
    lines().map(|(i, line)| (Some(("line", i + 1)), line)).collect()
}

/// Each piece of a file as a candidate, up to the limit.
fn split(path: &Path, bytes: &[u8], out: &mut Vec<Candidate>) {
    for (number, piece) in numbered(bytes) {
        let id = number.map_or_else(|| WHOLE_FILE.to_owned(), |(what, n)| format!("{what} {n}"));
        if number.is_some() && out.len() >= limits::REFERRERS {
            out.push(candidate(path, id, too_large(path, "the number of bundles", limits::REFERRERS)));
            return;
        }
        out.push(candidate(path, id, Content::Evidence(piece.to_vec())));
    }
}

/// `{"attestations":[...]}`, as the APIs of GitHub and npm answer.
#[derive(Deserialize)]
struct Answer<'b> {
    #[serde(borrow)]
    attestations: Vec<&'b RawValue>,
}

/// One of a list: a bundle, or what holds one, as `gh` and these APIs write it.
#[derive(Deserialize)]
struct Holder<'b> {
    #[serde(borrow)]
    bundle: Option<&'b RawValue>,
    #[serde(borrow)]
    attestation: Option<&'b RawValue>,
}

/// The bundles that a document lists; `None` where it is no list. The list itself is signed by nobody: each is what it is.
fn listed(bytes: &[u8]) -> Option<Vec<&[u8]>> {
    let all = match bytes.trim_ascii_start().first()? {
        b'[' => serde_json::from_slice::<Vec<&RawValue>>(bytes).ok()?,
        _ => serde_json::from_slice::<Answer<'_>>(bytes).ok()?.attestations,
    };
    Some(all.into_iter().map(|one| inner(one.get()).unwrap_or_else(|| one.get()).as_bytes()).collect())
}

/// The bundle in what holds one.
fn inner(text: &str) -> Option<&str> {
    let held = serde_json::from_str::<Holder<'_>>(text).ok()?;
    let held = match held.attestation {
        Some(attestation) => serde_json::from_str(attestation.get()).ok()?,
        None => held,
    };
    held.bundle.map(RawValue::get)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixListener;

    #[test]
    fn a_file_is_read_once_for_all_that_an_index_lists() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.json");
        fs::write(&path, "{}").unwrap();
        let evidence = FileEvidence::new(&path);
        let artifact = Artifact::new("a", "a", crate::model::Digest::sha256(b""));
        // Nothing is left of the budget of the check, as after a listing of a registry that is full of junk.
        let budget = Arc::new(crate::verify::Budget::default());
        assert!(budget.bytes(limits::EVIDENCE_BYTES));
        for asked in [&evidence, &evidence.clone(), &evidence] {
            let basket = Basket::sharing(&budget);
            drop(asked.gather(&artifact, &basket));
            assert!(matches!(basket.into_candidates()[..], [Candidate { content: Content::Evidence(_), .. }]));
            // A pipe would be empty now.
            fs::write(&path, "").unwrap();
        }
    }

    /// The pieces of a file: what names them, and their text.
    fn pieces(text: &str) -> Vec<(String, String)> {
        let mut out = Vec::new();
        split(Path::new("x"), text.as_bytes(), &mut out);
        let text = |c: Candidate| match c.content {
            Content::Evidence(bytes) => (c.origin.id, String::from_utf8(bytes).unwrap()),
            other => panic!("{other:?}"),
        };
        out.into_iter().map(text).collect()
    }

    fn texts(text: &str) -> Vec<String> {
        pieces(text).into_iter().map(|(_, text)| text).collect()
    }

    #[test]
    fn a_broken_line_hides_no_other_wherever_it_stands() {
        let (a, b, broken) = (r#"{"a":1}"#, r#"{"b":2}"#, r#"{"c":"#);
        for lines in [[broken, a, b], [a, broken, b], [a, b, broken]] {
            assert_eq!(texts(&lines.join("\n")), lines);
            assert_eq!(texts(&format!("\u{feff}{}\r\n", lines.join("\r\n\r\n"))), lines);
        }
        assert_eq!(pieces(broken), [("whole file".into(), broken.into())]);
        let pretty = "{\n  \"a\": {},\n  \"b\": 1\n}";
        assert_eq!(pieces(pretty), [("whole file".into(), pretty.into())]);
        assert_eq!(pieces(&format!("\u{feff}{a}")), [("whole file".into(), a.into())]);
    }

    #[test]
    fn a_list_of_bundles_is_read_as_gh_and_npm_write_it() {
        let (a, b) = (r#"{"mediaType": "a"}"#, r#"{"mediaType": "b"}"#);
        for list in [
            format!("[{a},\n{b}]"),
            format!(r#"{{"attestations":[{{"bundle":{a},"repository_id":1}},{{"predicateType":"x","bundle":{b}}}]}}"#),
            format!(
                r#"[{{"attestation":{{"bundle":{a},"bundle_url":""}},"verificationResult":{{}}}},{{"bundle":{b}}}]"#
            ),
        ] {
            assert_eq!(texts(&list), [a, b], "{list}");
        }
        // What holds no bundle is shown as it is, and hides none.
        assert_eq!(texts(&format!(r#"[{{"bundle":null}},{a}]"#)), [r#"{"bundle":null}"#, a]);
        assert!(pieces("[]").is_empty());
    }

    #[test]
    fn what_is_no_file_is_not_opened() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.json");
        let _socket = UnixListener::bind(&path).unwrap();
        for evidence in [FileEvidence::new(dir.path()), FileEvidence::beside(&path)] {
            let found = evidence.all();
            let Content::Unavailable { code, message } = &found[0].content else { panic!("{found:?}") };
            assert!(*code == UNREADABLE && message.contains("not a regular file"), "{message}");
        }
        fs::remove_file(&path).unwrap();
        fs::write(&path, "{}").unwrap();
        assert!(matches!(FileEvidence::beside(&path).all()[0].content, Content::Evidence(_)));
    }
}
