#![expect(clippy::disallowed_methods, reason = "looks at the files of the repository")]
//! What git would wait for: a FIFO or a device in the place of one of its files. Git opens `HEAD`, `index`, `packed-refs`
//! or a `.gitignore` without looking what it is, so whoever writes the checkout could hold up every call until its time is
//! over. What every call opens is looked at before one; the rest only where a call takes long.

use crate::capture::input::files;
use crate::model::limits;
use std::fs::{DirEntry, Metadata};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Folders of a repository whose files every call may open.
const FOLDERS: &[&str] = &["refs", "info", "objects/info", "objects/pack"];

/// Files of a work tree that git reads as it lists it.
const OF_THE_TREE: &[&str] = &[".gitignore", ".gitattributes", ".gitmodules", ".git"];

/// What stands in the way of any call in `dir`; `git_dir` is where a variable says that the repository is.
pub(in crate::capture) fn before_a_call(dir: &Path, git_dir: Option<&Path>) -> Option<String> {
    let mut look = Look::new();
    repositories(dir, git_dir).iter().find_map(|git| {
        let shallow = look.below(git, 0, 0, &|_| true);
        shallow.or_else(|| FOLDERS.iter().find_map(|f| look.below(&git.join(f), 0, limits::JSON_DEPTH, &|_| true)))
    })
}

/// What stands in the way of a call that takes long, anywhere in the repository and the work tree around `dir`.
pub(in crate::capture) fn of_a_slow_call(dir: &Path, git_dir: Option<&Path>) -> Option<String> {
    let mut look = Look::new();
    let of_the_tree = |path: &Path| {
        path.components().any(|c| c.as_os_str() == ".git")
            || path.file_name().is_some_and(|n| OF_THE_TREE.iter().any(|known| n == *known))
    };
    let found = repositories(dir, git_dir).iter().find_map(|git| look.below(git, 0, limits::NAR_DEPTH, &|_| true));
    found.or_else(|| look.below(top(dir)?, 0, limits::NAR_DEPTH, &of_the_tree))
}

/// The folder around `dir` that holds `.git`.
fn top(dir: &Path) -> Option<&Path> {
    dir.ancestors().find(|a| a.join(".git").symlink_metadata().is_ok())
}

/// The folders that git keeps a repository in: its own, and the one that it shares with other work trees.
fn repositories(dir: &Path, git_dir: Option<&Path>) -> Vec<PathBuf> {
    let line = |path: &Path, beginning: &str| {
        let bytes = files::read(path, limits::VALUE_BYTES).ok()?;
        let text = String::from_utf8(bytes).ok()?;
        Some(PathBuf::from(text.trim_end().strip_prefix(beginning)?.trim_start()))
    };
    let found = top(dir).map(|top| (top, top.join(".git")));
    let own = match (git_dir, found) {
        (Some(git_dir), _) => git_dir.to_owned(),
        (None, Some((_, git))) if git.is_dir() => git,
        // A FIFO under that name is found as an entry of the top.
        (None, Some((top, git))) => line(&git, "gitdir:").map_or_else(|| git.clone(), |to| top.join(to)),
        (None, None) => return Vec::new(),
    };
    let common = line(&own.join("commondir"), "").map(|to| own.join(to));
    [own].into_iter().chain(common).collect()
}

/// Looks through folders, for a bounded time.
struct Look {
    entries: usize,
    until: Instant,
}

impl Look {
    fn new() -> Self {
        Self { entries: 0, until: Instant::now() + Duration::from_secs(limits::GIT_LOOK_SECONDS) }
    }

    /// The first file below `folder`, down to `depth` folders, that git would wait for; `concerns` says whether git reads it.
    fn below(&mut self, folder: &Path, at: usize, depth: usize, concerns: &dyn Fn(&Path) -> bool) -> Option<String> {
        if at == 0 && !folder.is_dir() {
            return waits(folder);
        }
        let mut inner = Vec::new();
        for entry in folder.read_dir().ok()?.filter_map(Result::ok) {
            self.entries += 1;
            if self.entries > limits::NAR_ENTRIES || (self.entries.is_multiple_of(1024) && Instant::now() > self.until)
            {
                return None;
            }
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => inner.push(entry.path()),
                Ok(kind) if kind.is_file() && !is_large(&entry) => {}
                _ if !concerns(&entry.path()) => {}
                _ => match waits(&entry.path()) {
                    None => {}
                    found => return found,
                },
            }
        }
        if at == depth {
            return None;
        }
        inner.iter().find_map(|folder| self.below(folder, at + 1, depth, concerns))
    }
}

/// Whether it is one of the files that git reads whole, and may have grown beyond what that takes a moment for.
fn is_large(entry: &DirEntry) -> bool {
    let known = [".gitignore", ".gitattributes", ".gitmodules", "HEAD", "config", "exclude", "attributes"];
    known.iter().any(|n| entry.file_name() == *n) && entry.metadata().is_ok_and(|m| m.len() > large())
}

fn large() -> u64 {
    limits::GIT_OUTPUT_BYTES as u64
}

/// What git would wait for at this path, through a link as git goes.
fn waits(path: &Path) -> Option<String> {
    let meta = std::fs::metadata(path).ok()?;
    let kind = meta.file_type();
    let what = match () {
        () if kind.is_fifo() => "is a FIFO",
        () if (kind.is_char_device() || kind.is_block_device()) && !is_null(&meta) => "is a device",
        () if kind.is_file() && meta.len() > large() => "is too large",
        () => return None,
    };
    let shown: PathBuf = path.components().skip_while(|c| c.as_os_str() != ".git").collect();
    let shown = if shown.as_os_str().is_empty() { path.file_name().unwrap_or_default().into() } else { shown };
    Some(format!("`{}` {what}; git was not asked", shown.display()))
}

/// `/dev/null`, by which people say that a file is empty.
fn is_null(meta: &Metadata) -> bool {
    std::fs::metadata("/dev/null").is_ok_and(|null| null.rdev() == meta.rdev())
}
