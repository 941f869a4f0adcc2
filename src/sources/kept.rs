//! Files that are kept in a repository beside its history, each handed in as a unit: a line with its path and the commits that it
//! is about, and behind it what is in it.

/// Where a source's files are in a repository.
#[derive(Debug)]
pub struct Kept {
    /// References: the first that is there.
    pub references: &'static [&'static str],
    /// Which paths of it.
    pub wants: fn(&str) -> bool,
    /// What a file is about.
    pub about: About,
}

impl PartialEq for Kept {
    fn eq(&self, other: &Self) -> bool {
        self.references == other.references
    }
}

impl Eq for Kept {}

/// What a file is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// What it says itself.
    Nothing,
    /// The commit that is its path; none where the repository has it not.
    NamedCommit,
    /// Commits of a tree and a first parent, which it names.
    Trees,
}

/// A file.
pub(super) struct Unit<'a> {
    pub(super) path: &'a str,
    pub(super) commits: Vec<&'a str>,
    pub(super) bytes: &'a [u8],
}

/// A file as it is handed in.
#[must_use]
pub fn kept_unit(path: &str, commits: &[String], bytes: &[u8]) -> Vec<u8> {
    let mut head = vec![path.replace(['\n', '\0'], "?")];
    head.extend(commits.iter().cloned());
    [head.join("\0").as_bytes(), b"\n", bytes].concat()
}

pub(super) fn unit(bytes: &[u8]) -> Option<Unit<'_>> {
    let end = bytes.iter().position(|b| *b == b'\n')?;
    let mut head = std::str::from_utf8(bytes.get(..end)?).ok()?.split('\0');
    Some(Unit { path: head.next()?, commits: head.collect(), bytes: bytes.get(end + 1..)? })
}
