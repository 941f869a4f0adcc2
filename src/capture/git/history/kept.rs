//! Files that are kept beside the history: on a branch of their own, or as notes. Read as git has them, with nothing checked out.

use super::{HistoryError, opened};
use crate::capture::Environment;
use crate::capture::git::answers::is_object_id;
use crate::model::limits;
use std::collections::HashSet;
use std::path::Path;
use std::time::Duration;

/// Bytes of files that are asked for at once.
const AT_ONCE: u64 = 16 << 20;
/// Objects that are asked for at once.
const MANY_AT_ONCE: usize = 10_000;

/// Takes a file: its path, and what is in it; none of one that is over [`limits::KEPT_FILE_BYTES`], or is not here.
pub type TakeFile<'a, E> = &'a mut dyn FnMut(&str, Option<&[u8]>) -> Result<(), E>;

/// Gives each wanted file of the first of these references that is there, in the order of their paths; whether one was there.
///
/// # Errors
/// [`HistoryError`].
pub fn each_kept<E>(
    env: &Environment,
    folder: &Path,
    references: &[&str],
    timeout: Duration,
    wants: &dyn Fn(&str) -> bool,
    take: TakeFile<'_, E>,
) -> Result<bool, HistoryError<E>> {
    let git = opened(env, folder, timeout).map_err(HistoryError::Git)?;
    for reference in references {
        let there = git.call(&["rev-parse", "--verify", "--quiet", "--end-of-options", reference], Vec::new());
        if !there.map_err(HistoryError::Git)?.ok {
            continue;
        }
        let listed = git.call(&["ls-tree", "-r", "-z", "-l", "--full-tree", reference], Vec::new());
        let listed = listed.map_err(HistoryError::Git)?;
        if !listed.ok {
            return Err(HistoryError::Git(format!("git ls-tree: {}", listed.complaint)));
        }
        let text = String::from_utf8_lossy(&listed.stdout);
        let all: Vec<Listed<'_>> = text.split('\0').filter_map(Listed::of).filter(|one| wants(one.path)).collect();
        let mut rest = all.as_slice();
        while !rest.is_empty() {
            let mut bytes = 0;
            let mut fits = |one: &Listed<'_>| {
                bytes += one.size.unwrap_or(0);
                bytes <= AT_ONCE
            };
            let count = rest.iter().take(MANY_AT_ONCE).take_while(|one| fits(one)).count().max(1);
            let (now, later) = rest.split_at(count);
            rest = later;
            let asked: Vec<&Listed<'_>> = now.iter().filter(|one| one.is_taken()).collect();
            let ids: String = asked.iter().map(|one| format!("{}\n", one.id)).collect();
            let out = git.call(&["cat-file", "--batch"], ids.into_bytes()).map_err(HistoryError::Git)?;
            let mut answers = Answers(&out.stdout);
            for one in now {
                let content = if one.is_taken() { answers.next() } else { None };
                take(one.path, content).map_err(HistoryError::Taker)?;
            }
        }
        return Ok(true);
    }
    Ok(false)
}

/// Which of these commits the repository has not.
///
/// # Errors
/// The reason, for a person.
pub fn gone(env: &Environment, folder: &Path, ids: &[String], timeout: Duration) -> Result<HashSet<String>, String> {
    let git = opened(env, folder, timeout)?;
    let mut out = HashSet::new();
    for some in ids.chunks(MANY_AT_ONCE) {
        let asked: String = some.iter().map(|id| format!("{id}\n")).collect();
        let said = git.call(&["cat-file", "--batch-check=%(objectname) %(objecttype)"], asked.into_bytes())?;
        let text = String::from_utf8_lossy(&said.stdout);
        let here: HashSet<&str> = text.lines().filter_map(|line| line.strip_suffix(" commit")).collect();
        out.extend(some.iter().filter(|id| !here.contains(id.as_str())).cloned());
    }
    Ok(out)
}

/// A file as `git ls-tree -l` lists it.
struct Listed<'a> {
    id: &'a str,
    /// None where the object is not here.
    size: Option<u64>,
    path: &'a str,
}

impl<'a> Listed<'a> {
    fn of(line: &'a str) -> Option<Self> {
        let (head, path) = line.split_once('\t')?;
        let mut words = head.split_whitespace();
        let (_, kind, id) = (words.next()?, words.next()?, words.next()?);
        let size = words.next()?.parse().ok();
        (kind == "blob" && is_object_id(id)).then_some(Self { id, size, path })
    }

    fn is_taken(&self) -> bool {
        self.size.is_some_and(|size| size <= limits::KEPT_FILE_BYTES)
    }
}

/// What `git cat-file --batch` answers, one after another.
struct Answers<'a>(&'a [u8]);

impl<'a> Iterator for Answers<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let end = self.0.iter().position(|b| *b == b'\n')?;
        let (head, rest) = self.0.split_at(end);
        let rest = rest.get(1..)?;
        let size: Option<usize> = std::str::from_utf8(head).ok().and_then(|head| head.rsplit_once(" ")?.1.parse().ok());
        let Some(size) = size else {
            self.0 = rest;
            return None;
        };
        self.0 = rest.get(size + 1..).unwrap_or_default();
        rest.get(..size)
    }
}
