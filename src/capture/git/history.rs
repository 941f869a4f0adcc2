#![expect(clippy::disallowed_methods, reason = "back end: a thread hands on what git writes, as it comes")]
//! The commits of a repository, one after another, however many there are.

mod kept;

pub use kept::{TakeFile, each_kept, gone};

use crate::capture::Environment;
use crate::capture::git::call::GitCaller;
use crate::capture::git::{belongs, checkout};
use crate::model::limits;
use crate::programs::drain;
use std::collections::HashMap;
use std::io::Read as _;
use std::path::Path;
use std::process::Child;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::Duration;

/// Bytes that are handed on at once, and how many of such wait to be taken.
const CHUNK: usize = 1 << 16;
const WAITING: usize = 16;
/// What is handed on of a commit that is too long (bytes): its id, and too little to be read as a commit.
const BEGINNING: usize = 64;

/// Commits whose differences are asked for at once.
const BATCH: usize = 200;
/// How git says that a range names nothing.
const NO_SUCH: [&str; 2] = ["bad revision ", "bad object "];

/// Which commits.
#[derive(Clone, Copy, Debug)]
pub enum Commits<'a> {
    /// Those that any branch or tag leads to, the oldest first.
    All,
    /// The same, and those that led there before, as far as the clone remembers: what was rebased or amended away.
    Remembered,
    /// Those that a range names as git reads it, the oldest first.
    Range(&'a str),
    /// The same, and none may be missing: [`HistoryError::Cut`] where the history here ends before it does.
    Whole(&'a str),
    /// One commit, by whatever names it.
    One(&'a str),
    /// Those that a push brings, by the old and new id of a ref as a hook is told them: what no ref leads to yet. None may be
    /// missing.
    Pushed {
        /// The id before; zeros for a new ref.
        old: &'a str,
        /// The id after.
        new: &'a str,
    },
    /// The merges that a branch is made of: those of its first parents.
    Merges(&'a str),
}

/// Why commits could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HistoryError<E> {
    /// In words, for a person.
    Git(String),
    /// The repository has not all of what was asked for: it is a shallow clone, and this commit's parents are not there.
    Cut(String),
    /// The range names something that is not there; in git's words.
    NoSuch(String),
    /// Whoever takes them gave up.
    Taker(E),
}

/// Takes a commit as it is printed, or the beginning of one that is too long.
pub type Take<'a, E> = &'a mut dyn FnMut(&[u8]) -> Result<(), E>;

/// Gives each commit as `git rev-list --header` prints it, and the beginning of one over [`limits::COMMIT_BYTES`]; nothing of
/// the repository is run. The address of the repository, where it has one that means something elsewhere.
///
/// # Errors
/// [`HistoryError`].
pub fn each_commit<E>(
    env: &Environment,
    folder: &Path,
    which: Commits<'_>,
    timeout: Duration,
    take: Take<'_, E>,
) -> Result<Option<String>, HistoryError<E>> {
    let git = opened(env, folder, timeout).map_err(HistoryError::Git)?;
    let remote = checkout::remote_of(&git).value().cloned();
    let not_old;
    let mut args = vec!["rev-list", "--header", "--encoding=UTF-8", "--topo-order", "--reverse"];
    match which {
        Commits::All => args.extend(["--branches", "--tags", "--remotes", "HEAD"]),
        Commits::Remembered => args.extend(["--all", "--reflog"]),
        Commits::Range(range) => args.extend(["--end-of-options", range]),
        Commits::Whole(range) => args.extend(["--parents", "--end-of-options", range]),
        Commits::Merges(branch) => args.extend(["--first-parent", "--merges", "--end-of-options", branch]),
        Commits::Pushed { old, new } => {
            if old.bytes().all(|b| b == b'0') {
                args.extend(["--parents", "--not", "--all", "--not", "--end-of-options", new]);
            } else {
                not_old = format!("^{old}");
                args.extend(["--parents", "--end-of-options", new, not_old.as_str()]);
            }
        }
        Commits::One(name) => args.extend(["--max-count=1", "--end-of-options", name]),
    }
    args.push("--");
    let mut child = git.started(&args).map_err(|e| HistoryError::Git(format!("git rev-list: {e}")))?;
    let done = match which {
        Commits::Whole(_) | Commits::Pushed { .. } => pieces(&mut child, timeout, &mut |piece| {
            let whole = with_its_parents(piece).map_err(HistoryError::Cut)?;
            take(&whole).map_err(HistoryError::Taker)
        }),
        _ => pieces(&mut child, timeout, &mut |piece| take(piece).map_err(HistoryError::Taker)),
    };
    if done.is_err() {
        let _ = child.kill();
        let _ = child.wait();
    }
    done.map(|()| remote)
}

/// The real id of one commit.
///
/// # Errors
/// The reason, for a person: there is none of that name.
pub fn commit_id(env: &Environment, folder: &Path, name: &str, timeout: Duration) -> Result<String, String> {
    let git = opened(env, folder, timeout)?;
    let name = format!("{name}^{{commit}}");
    let out = git.call(&["rev-parse", "--verify", "--quiet", "--end-of-options", &name], Vec::new())?;
    let id = String::from_utf8_lossy(&out.stdout).lines().last().unwrap_or_default().to_owned();
    if out.ok && crate::capture::git::answers::is_object_id(&id) {
        Ok(id)
    } else {
        Err("no commit of that name".into())
    }
}

/// What commits of a repository change.
pub struct Changes(GitCaller);

impl Changes {
    /// Of the repository in a folder.
    ///
    /// # Errors
    /// The reason, for a person.
    pub fn of(env: &Environment, folder: &Path, timeout: Duration) -> Result<Self, String> {
        opened(env, folder, timeout).map(Self)
    }

    /// The id of the change of each commit, as `git patch-id --stable` makes it; none for one that changes nothing, and for a merge.
    /// It stays the same on another parent, with another message and other white space. How the repository wants differences shown
    /// changes nothing. A commit whose difference is over [`limits::GIT_OUTPUT_BYTES`] is among the second, of which nothing is known.
    #[must_use]
    pub fn ids(&self, commits: &[String]) -> (HashMap<String, String>, usize) {
        let (mut out, mut unknown) = (HashMap::new(), 0);
        let mut batches: Vec<&[String]> = commits.chunks(BATCH).collect();
        while let Some(batch) = batches.pop() {
            match self.batch(batch) {
                Some(found) => out.extend(found),
                None if batch.len() > 1 => {
                    let (one, other) = batch.split_at(batch.len() / 2);
                    batches.extend([one, other]);
                }
                None => unknown += 1,
            }
        }
        (out, unknown)
    }

    fn batch(&self, commits: &[String]) -> Option<Vec<(String, String)>> {
        let is_id = |id: &String| crate::capture::git::answers::is_object_id(id);
        let ids = commits.iter().filter(|id| is_id(id)).fold(String::new(), |all, id| all + id + "\n");
        // Whatever the repository says of how differences are shown, and by which programs.
        let show =
            ["diff-tree", "--stdin", "-p", "--root", "--no-ext-diff", "--no-textconv", "--no-renames", "--no-color"];
        let alike = ["--full-index", "--diff-algorithm=myers", "--unified=3", "--src-prefix=a/", "--dst-prefix=b/"];
        let arguments = [&show[..], &alike[..]].concat();
        let difference = self.0.call(&arguments, ids.into_bytes()).ok().filter(|out| out.ok)?;
        let out = self.0.call(&["patch-id", "--stable"], difference.stdout).ok().filter(|out| out.ok)?;
        let text = String::from_utf8_lossy(&out.stdout).into_owned();
        let pairs = text.lines().filter_map(|line| line.split_once(' '));
        Some(pairs.map(|(change, commit)| (commit.trim().to_owned(), change.to_owned())).collect())
    }
}

/// The branch that others are merged into: the one that `origin` names as its own, else the one that is checked out.
///
/// # Errors
/// The reason, for a person.
pub fn main_branch(env: &Environment, folder: &Path, timeout: Duration) -> Result<Option<String>, String> {
    let git = opened(env, folder, timeout)?;
    for name in ["refs/remotes/origin/HEAD", "HEAD"] {
        let out = git.call(&["symbolic-ref", "--quiet", name], Vec::new())?;
        let branch = String::from_utf8_lossy(&out.stdout).trim_end_matches('\n').to_owned();
        if out.ok && branch.starts_with("refs/") {
            return Ok(Some(branch));
        }
    }
    Ok(None)
}

/// The repository in a folder, where it is the folder's own.
fn opened(env: &Environment, folder: &Path, timeout: Duration) -> Result<GitCaller, String> {
    let mut env = env.clone();
    env.working_dir = env.working_dir.join(folder);
    if !env.working_dir.is_dir() {
        return Err("there is no such folder".into());
    }
    let git = checkout::opened(GitCaller::find(&env, timeout)?)?;
    belongs::check(&git)?;
    Ok(git.in_quarantine(&env))
}

/// A commit that was printed with the parents that git takes it to have, without them. Where the commit itself names others,
/// the walk ended before the history does.
///
/// # Errors
/// Its id.
fn with_its_parents(piece: &[u8]) -> Result<Vec<u8>, String> {
    let end = piece.iter().position(|b| *b == b'\n').unwrap_or(piece.len());
    let (first, rest) = piece.split_at(end);
    let mut walked: Vec<&[u8]> = first.split(|b| *b == b' ').collect();
    let id = if walked.is_empty() { &[][..] } else { walked.remove(0) };
    let head = rest.get(1..).unwrap_or_default().split(|b| *b == b'\n').take_while(|line| !line.is_empty());
    let said = head.filter_map(|line| line.strip_prefix(b"parent "));
    // One that is too long is known as such by whoever takes it.
    if rest.is_empty() || said.eq(walked) {
        Ok([id, rest].concat())
    } else {
        Err(String::from_utf8_lossy(id).into_owned())
    }
}

/// Hands on what git writes.
type Hand<'a, E> = &'a mut dyn FnMut(&[u8]) -> Result<(), HistoryError<E>>;

/// Reads what a git writes, up to each NUL.
fn pieces<E>(child: &mut Child, timeout: Duration, take: Hand<'_, E>) -> Result<(), HistoryError<E>> {
    let (send, chunks) = sync_channel::<Vec<u8>>(WAITING);
    let errors = drain(child.stderr.take(), limits::ERROR_BODY_BYTES);
    if let Some(mut out) = child.stdout.take() {
        std::thread::spawn(move || {
            loop {
                let mut chunk = vec![0; CHUNK];
                match out.read(&mut chunk) {
                    Ok(0) | Err(_) => break,
                    Ok(read) => chunk.truncate(read),
                }
                if send.send(chunk).is_err() {
                    break;
                }
            }
        });
    }
    split(&chunks, timeout, take)?;
    let late = || HistoryError::Git(format!("no answer within {} seconds", timeout.as_secs_f32()));
    let said = errors.recv_timeout(timeout).map_err(|_| late())?;
    let status = child.wait().map_err(|e| HistoryError::Git(e.to_string()))?;
    if status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&said).lines().next().unwrap_or_default().chars().take(200).collect::<String>();
    if let Some(said) = said.strip_prefix("fatal: ").filter(|said| NO_SUCH.iter().any(|no| said.starts_with(no))) {
        return Err(HistoryError::NoSuch(said.to_owned()));
    }
    Err(HistoryError::Git(if said.is_empty() { "git rev-list failed".into() } else { format!("git: {said}") }))
}

fn split<E>(chunks: &Receiver<Vec<u8>>, timeout: Duration, take: Hand<'_, E>) -> Result<(), HistoryError<E>> {
    let (mut piece, mut too_long) = (Vec::new(), false);
    loop {
        let chunk = match chunks.recv_timeout(timeout) {
            Ok(chunk) => chunk,
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {
                return Err(HistoryError::Git(format!("no answer within {} seconds", timeout.as_secs_f32())));
            }
        };
        let mut parts = chunk.split(|b| *b == 0).peekable();
        while let Some(part) = parts.next() {
            // Of one that is too long its beginning is handed on, which is no commit and known again.
            too_long |= piece.len() + part.len() > limits::COMMIT_BYTES;
            piece.extend_from_slice(&part[..part.len().min(if too_long { BEGINNING } else { part.len() })]);
            if too_long {
                piece.truncate(BEGINNING);
            }
            if parts.peek().is_some() {
                take(&piece)?;
                piece.clear();
                too_long = false;
            }
        }
    }
    if !piece.trim_ascii().is_empty() {
        take(&piece)?;
    }
    Ok(())
}
