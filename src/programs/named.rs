//! What the arguments of a program name, as it was when the program was found.
//!
//! A signer that is started as `signer --config=kms.json` signs with whatever that file says by then. A build step that
//! writes it, makes it, or turns a link on the way to it chooses the key and the service; so each is compared before the
//! program is started.

use super::{ProgramError, StoredFile};
use std::path::{Path, PathBuf};

/// A path, and what it led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedFile {
    path: PathBuf,
    was: State,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    /// A file, by its real path and digest.
    File(StoredFile),
    /// A folder, or what is neither, by its real path: of its content nothing is remembered.
    Other(PathBuf),
    /// Nothing, or nothing that this user may look at.
    Absent,
}

impl State {
    fn of(path: &Path) -> Result<Self, ProgramError> {
        let Ok(real) = path.canonicalize() else { return Ok(Self::Absent) };
        if !real.is_file() {
            return Ok(Self::Other(real));
        }
        match StoredFile::remember(real.clone()) {
            Ok(file) => Ok(Self::File(file)),
            // One that this user cannot read: the program may run as another.
            Err(ProgramError::Missing { .. }) => Ok(Self::Other(real)),
            Err(e) => Err(e),
        }
    }

    fn shown(&self) -> String {
        match self {
            Self::File(file) => format!("{} at `{}`", file.digest(), file.path().display()),
            Self::Other(real) => format!("`{}`", real.display()),
            Self::Absent => "nothing".to_owned(),
        }
    }
}

impl NamedFile {
    /// What stands at a path now, over links; it may lie in the checkout.
    pub(super) fn remember(path: PathBuf) -> Result<Self, ProgramError> {
        Ok(Self { was: State::of(&path)?, path })
    }

    /// Where it leads, if that is a folder.
    pub(super) fn folder(&self) -> Option<&Path> {
        match &self.was {
            State::Other(real) if real.is_dir() => Some(real),
            _ => None,
        }
    }

    /// The path.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether anything was there.
    pub(super) fn was_there(&self) -> bool {
        self.was != State::Absent
    }

    /// That the path leads to the same file, byte for byte; to nothing, where it led to nothing.
    ///
    /// # Errors
    /// [`ProgramError::Changed`].
    pub fn unchanged(&self) -> Result<(), ProgramError> {
        let now = State::of(&self.path)?;
        if now == self.was {
            return Ok(());
        }
        let path = self.path.display().to_string();
        Err(ProgramError::Changed { path, expected: self.was.shown(), found: now.shown() })
    }
}

/// What the arguments may name, below `dir` where they are relative: each word, and what stands in it behind `=`, a short
/// option, `@` or `file:`. Of lists in it only what is there already: any piece of a word could be a file's name some day.
pub(super) fn files(words: &[String], dir: &Path) -> Result<Vec<NamedFile>, ProgramError> {
    let mut out: Vec<NamedFile> = Vec::new();
    for word in words {
        let values = values(word);
        let pieces = values.iter().flat_map(|v| v.split([',', ':', '=', ';'])).filter(|p| !values.contains(p));
        let pieces: Vec<_> = pieces.map(|p| (p, false)).collect();
        for (text, whole) in values.iter().map(|v| (*v, true)).chain(pieces).filter(|(text, _)| !text.is_empty()) {
            let named = NamedFile::remember(dir.join(text))?;
            if (whole || named.was != State::Absent) && !out.contains(&named) {
                out.push(named);
            }
        }
    }
    Ok(out)
}

/// The values that one word may hold.
pub(super) fn values(word: &str) -> Vec<&str> {
    let behind_short = word.strip_prefix('-').filter(|rest| !rest.starts_with('-'));
    let behind_short = behind_short.and_then(|rest| rest.get(rest.chars().next()?.len_utf8()..));
    let own = Some(word).filter(|w| !w.starts_with('-'));
    let behind_equals = word.split_once('=').map(|(_, value)| value);
    let all: Vec<&str> = own.into_iter().chain(behind_short).chain(behind_equals).collect();
    let stripped = all.iter().flat_map(|v| {
        let at = v.strip_prefix('@');
        let url = v.strip_prefix("file://").or_else(|| v.strip_prefix("file:"));
        at.into_iter().chain(url)
    });
    let mut out: Vec<&str> = all.iter().copied().chain(stripped).collect();
    out.dedup();
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_may_name_a_file_in_several_ways() {
        for (word, expected) in [
            ("kms.json", vec!["kms.json"]),
            ("--config=kms.json", vec!["kms.json"]),
            ("-ckms.json", vec!["kms.json"]),
            ("-c=kms.json", vec!["=kms.json", "kms.json"]),
            ("key=a=b", vec!["key=a=b", "a=b"]),
            ("@args", vec!["@args", "args"]),
            ("--key=file:///etc/k", vec!["file:///etc/k", "/etc/k"]),
            ("--verbose", vec![]),
        ] {
            assert_eq!(values(word), expected, "{word}");
        }
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "makes files")]
    fn pieces_of_a_word_count_where_they_are_there() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("a"), "x").unwrap();
        let named = files(&["--config=a,b".to_owned(), "arn:aws:a".to_owned()], dir.path()).unwrap();
        let names: Vec<_> = named.iter().map(|n| n.path.strip_prefix(dir.path()).unwrap().to_str().unwrap()).collect();
        assert_eq!(names, ["a,b", "a", "arn:aws:a"]);
        assert!(named.iter().all(|n| n.unchanged().is_ok()));
        // A piece that was not there may come.
        std::fs::write(dir.path().join("b"), "x").unwrap();
        assert!(named.iter().all(|n| n.unchanged().is_ok()));
        std::fs::write(dir.path().join("a"), "y").unwrap();
        assert_eq!(named.iter().filter(|n| n.unchanged().is_err()).count(), 1);
    }
}
