//! [`add`]: puts bundles into files without taking one out. A file of one bundle stays as it is, further ones go beside it.
#![expect(clippy::disallowed_methods, reason = "back end: files")]

use super::beside::further;
use super::files::{is_list, pieces_of};
use crate::model::code::codes;
use crate::model::{Code, Digest, code, limits};
use crate::regular::{NAME_BYTES, replace};
use crate::verify::read_evidence;
use rustix::fs::{FlockOperation, OFlags, flock};
use std::borrow::Cow;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long another process that adds to the same file is waited for at most.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// Where a bundle is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Added {
    /// The file that holds it.
    pub path: PathBuf,
    /// Whether it, or one that says the same, was there before.
    pub already: bool,
    /// Whether others were in the file before.
    pub beside_others: bool,
}

/// Why a bundle was not added. What was there is as it was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddError {
    /// The file cannot be read or written.
    #[error("cannot add to `{path}`: {cause}")]
    Unwritable {
        /// The file.
        path: String,
        /// The operating system's words, or what is there instead.
        cause: String,
    },
    /// With one more it would be over what a verifier reads.
    #[error("`{path}` is full: with one more it would be over the limit of {limit} {unit} that is read of it")]
    Full {
        /// The file.
        path: String,
        /// The cap.
        limit: usize,
        /// Of what.
        unit: &'static str,
    },
    /// Another process holds it.
    #[error("`{path}`: another process adds to it since {seconds} s")]
    Locked {
        /// The file.
        path: String,
        /// How long it was waited for.
        seconds: u64,
    },
}

codes! {
    /// Codes of [`AddError`].
    CODES;
    NOT_ADDED = "bundle-not-added", [Caller, Operator],
        "a bundle could not be added to the file that keeps those of before",
        "look at the file that the message names, move it away if it is full, or name another one with --output FILE";
}

impl AddError {
    /// Codes of this enum.
    pub const CODES: &'static [Code] = CODES;

    /// The stable code.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Unwritable { .. } | Self::Locked { .. } => NOT_ADDED,
            Self::Full { .. } => code::LIMIT_EXCEEDED,
        }
    }
}

/// Asked of a bundle that is there and of one that is to be added: whether the second adds nothing.
pub type Same<'a> = &'a dyn Fn(&[u8], &[u8]) -> bool;

/// Adds bundles, each of one line. The first goes to `path`; where something is there already and that is a file of one
/// bundle (`.json`), to the file of lines beside it, else to the end of it. Whole, by rename, one process at a time: what two
/// write at once is all there afterwards. Another process is waited for as long as `patience` says.
///
/// # Errors
/// [`AddError`].
pub fn add<B: AsRef<[u8]>>(
    path: &Path,
    bundles: &[B],
    same: Same<'_>,
    patience: Duration,
) -> Result<Vec<Added>, AddError> {
    let _turn = Turn::take(path, patience)?;
    let lines = further(path);
    let mut all: Vec<(PathBuf, Cow<'_, [u8]>)> = Vec::new();
    for file in if lines == path { vec![path] } else { vec![path, &lines] } {
        let text = read(file)?;
        all.extend(pieces_of(&text).into_iter().map(|piece| (file.to_owned(), piece.trim_ascii().to_vec().into())));
    }
    let mut out = Vec::new();
    for bundle in bundles.iter().map(AsRef::as_ref) {
        if let Some((file, _)) = all.iter().find(|(_, there)| there.as_ref() == bundle || same(there, bundle)) {
            out.push(Added { path: file.clone(), already: true, beside_others: true });
            continue;
        }
        let target = if lines != path && !exists(path)? { path } else { &lines };
        let mut text = read(target)?;
        let beside_others = !text.is_empty();
        has_room(target, &text, bundle.len())?;
        if text.last().is_some_and(|b| *b != b'\n') {
            text.push(b'\n');
        }
        text.extend_from_slice(bundle);
        text.push(b'\n');
        replace(target, &text).map_err(|e| unwritable(target, &e))?;
        all.push((target.to_owned(), bundle.into()));
        out.push(Added { path: target.to_owned(), already: false, beside_others });
    }
    Ok(out)
}

/// That the file which would take a further bundle has room for it, and is one of bundles.
///
/// # Errors
/// [`AddError`].
pub fn takes_more(path: &Path) -> Result<(), AddError> {
    let lines = further(path);
    // Both are read where one is added.
    let first = read(path)?;
    match lines == path || !exists(path)? {
        true => has_room(path, &first, 0),
        false => has_room(&lines, &read(&lines)?, 0),
    }
}

fn has_room(path: &Path, text: &[u8], more: usize) -> Result<(), AddError> {
    let full = |limit, unit| Err(AddError::Full { path: path.display().to_string(), limit, unit });
    let pieces = pieces_of(text);
    // A file of anything else would be one that no verifier finds a bundle in, and somebody's own.
    let is_line = |piece: &[u8]| !piece.trim_ascii().contains(&b'\n') && read_evidence(piece).is_ok();
    if is_list(text) || !pieces.iter().all(|piece| is_line(piece)) {
        let cause = "what is there is no file of bundles, one per line, and stays as it is".into();
        return Err(AddError::Unwritable { path: path.display().to_string(), cause });
    }
    let limit = super::files::limit_of(path);
    match pieces.len() {
        n if n >= limits::REFERRERS => full(limits::REFERRERS, "bundles"),
        _ if text.len() + more + 2 > limit => full(limit, "bytes"),
        _ => named_short(path),
    }
}

/// That a file can have this name: one bundle more of a file with a long name goes to one with a longer one.
fn named_short(path: &Path) -> Result<(), AddError> {
    match path.file_name().unwrap_or_default().len() {
        ..=NAME_BYTES => Ok(()),
        length => {
            let cause = format!(
                "its name has {length} bytes, and no file's has more than {NAME_BYTES}: name another with --output"
            );
            Err(AddError::Unwritable { path: path.display().to_string(), cause })
        }
    }
}

fn unwritable(path: &Path, e: &io::Error) -> AddError {
    AddError::Unwritable { path: path.display().to_string(), cause: e.to_string() }
}

fn exists(path: &Path) -> Result<bool, AddError> {
    match fs::symlink_metadata(path) {
        Ok(_) => Ok(true),
        // A name that is longer than a file's can be names none.
        Err(e) if [io::ErrorKind::NotFound, io::ErrorKind::InvalidFilename].contains(&e.kind()) => Ok(false),
        Err(e) => Err(unwritable(path, &e)),
    }
}

/// What a file holds; nothing, where there is none.
fn read(path: &Path) -> Result<Vec<u8>, AddError> {
    if !exists(path)? {
        return Ok(Vec::new());
    }
    let failed = |e: io::Error| unwritable(path, &e);
    // A link would be replaced by a file, and what it leads to would stay without the bundle.
    if !fs::symlink_metadata(path).map_err(failed)?.is_file() {
        return Err(failed(io::Error::other("what is there is no regular file, and stays as it is")));
    }
    let mut text = Vec::new();
    let limit = super::files::limit_of(path);
    let file = OpenOptions::new().read(true).custom_flags(itself()).open(path).map_err(failed)?;
    file.take(limit as u64 + 1).read_to_end(&mut text).map_err(failed)?;
    if text.len() > limit {
        return Err(AddError::Full { path: path.display().to_string(), limit, unit: "bytes" });
    }
    Ok(text)
}

/// The file of the lock of a file: hidden beside it, under its name, or under the digest of a name that leaves no room.
fn lock_of(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let plain = format!(".{name}.lock");
    let short = || format!(".{}.lock", Digest::sha256(name.as_bytes()).hex());
    path.with_file_name(if plain.len() > NAME_BYTES { short() } else { plain })
}

/// Opens what is at a path itself, not what it links to, and waits for nobody at a pipe.
fn itself() -> i32 {
    (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed()
}

/// Held while a file of bundles is read and replaced. The system releases it when the process ends, however it ends; the
/// file of the lock is taken away by whoever holds it.
struct Turn {
    path: PathBuf,
    _file: File,
}

impl Turn {
    fn take(bundles: &Path, patience: Duration) -> Result<Self, AddError> {
        let path = lock_of(bundles);
        let until = Instant::now() + patience;
        loop {
            // Opening something else fails with words that nobody understands, or waits.
            if let Some(found) = fs::symlink_metadata(&path).ok().filter(|meta| !meta.is_file()) {
                let what = if found.is_symlink() {
                    "a link"
                } else if found.is_dir() {
                    "a folder"
                } else {
                    "something else"
                };
                let lock = path.display();
                let cause = format!("`{lock}`, which keeps two writers apart, is {what} and not a file: remove it");
                return Err(AddError::Unwritable { path: bundles.display().to_string(), cause });
            }
            let mut options = OpenOptions::new();
            options.write(true).create(true).truncate(false).mode(0o600).custom_flags(itself());
            let file = options.open(&path).map_err(|e| unwritable(bundles, &e))?;
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                // Whoever held it before may have taken the file away that this lock is one of.
                Ok(()) if is_at(&file, &path) => return Ok(Self { path, _file: file }),
                Ok(()) => continue,
                Err(e) if e != rustix::io::Errno::WOULDBLOCK => return Err(unwritable(bundles, &e.into())),
                Err(_) if Instant::now() >= until => {
                    let path = bundles.display().to_string();
                    return Err(AddError::Locked { path, seconds: patience.as_secs() });
                }
                Err(_) => std::thread::sleep(Duration::from_millis(20)),
            }
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// Whether an open file is the one that a path names now.
fn is_at(file: &File, path: &Path) -> bool {
    let (Ok(open), Ok(named)) = (file.metadata(), fs::symlink_metadata(path)) else { return false };
    (open.dev(), open.ino()) == (named.dev(), named.ino())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::envelope::IN_TOTO;
    use crate::model::{Bundle, Envelope, EnvelopeSignature};

    const NONE: Same<'static> = &|_, _| false;

    fn bundle(n: usize) -> Vec<u8> {
        let signature = EnvelopeSignature { sig: n.to_be_bytes().to_vec(), keyid: String::new() };
        Bundle::keyed(Envelope::new(IN_TOTO, b"{}".to_vec(), signature), String::new()).to_bytes()
    }

    fn lines(numbers: impl IntoIterator<Item = usize>) -> Vec<u8> {
        numbers.into_iter().flat_map(|n| [bundle(n), b"\n".to_vec()].concat()).collect()
    }

    #[test]
    fn the_first_stays_as_it_is_and_further_ones_go_beside_it() {
        let dir = tempfile::tempdir().unwrap();
        let (one, beside) = (dir.path().join("app.sigstore.json"), dir.path().join("app.sigstore.jsonl"));
        let put = |n| add(&one, &[bundle(n)], NONE, PATIENCE).unwrap().remove(0);
        assert_eq!(put(1), Added { path: one.clone(), already: false, beside_others: false });
        assert_eq!(put(2), Added { path: beside.clone(), already: false, beside_others: false });
        assert_eq!(put(3), Added { path: beside.clone(), already: false, beside_others: true });
        // What is there is not written again, wherever it is.
        assert_eq!(put(1), Added { path: one.clone(), already: true, beside_others: true });
        assert_eq!(put(3), Added { path: beside.clone(), already: true, beside_others: true });
        let same = add(&one, &[bundle(9)], &|there, _| there == bundle(2), PATIENCE).unwrap();
        assert_eq!(same, [Added { path: beside.clone(), already: true, beside_others: true }]);
        assert_eq!(fs::read(&one).unwrap(), lines([1]));
        assert_eq!(fs::read(&beside).unwrap(), lines([2, 3]));
        // Nothing else is left there.
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
    }

    #[test]
    fn what_many_add_at_once_is_all_there() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("attest.sigstore.jsonl");
        std::thread::scope(|scope| {
            for n in 0..8 {
                let path = &path;
                scope.spawn(move || {
                    (0..5).for_each(|m| drop(add(path, &[bundle(10 * n + m)], NONE, PATIENCE).unwrap()))
                });
            }
        });
        let text = fs::read_to_string(&path).unwrap();
        let mut lines: Vec<_> = text.lines().collect();
        lines.sort_unstable();
        lines.dedup();
        assert_eq!(lines.len(), 40);
    }

    #[test]
    fn what_stands_in_the_place_of_a_lock_is_named_and_a_held_one_waited_for_in_time() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("app.sigstore.json");
        let lock = dir.path().join(".app.sigstore.json.lock");
        let refused = |what: &str| {
            let e = add(&path, &[bundle(1)], NONE, PATIENCE).unwrap_err();
            assert_eq!(e.code().as_str(), "bundle-not-added");
            assert!(e.to_string().contains(&format!("is {what} and not a file: remove it")), "{e}");
            assert!(!path.exists());
        };
        std::os::unix::fs::symlink(dir.path().join("elsewhere"), &lock).unwrap();
        refused("a link");
        fs::remove_file(&lock).unwrap();
        rustix::fs::mknodat(rustix::fs::CWD, &lock, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
        refused("something else");
        fs::remove_file(&lock).unwrap();
        fs::create_dir(&lock).unwrap();
        refused("a folder");
        fs::remove_dir(&lock).unwrap();
        let turn = Turn::take(&path, PATIENCE).unwrap();
        let began = Instant::now();
        let e = add(&path, &[bundle(1)], NONE, Duration::from_millis(100)).unwrap_err();
        assert!(matches!(e, AddError::Locked { .. }) && began.elapsed() < PATIENCE / 2, "{e}");
        drop(turn);
        add(&path, &[bundle(1)], NONE, PATIENCE).unwrap();
        // Left by a process that was killed, it is nobody's.
        fs::write(&lock, "").unwrap();
        add(&path, &[bundle(2)], NONE, PATIENCE).unwrap();
    }

    #[test]
    fn a_file_with_a_long_name_takes_further_ones_as_long_as_a_name_can_be() {
        let dir = tempfile::tempdir().unwrap();
        let one = |length: usize| dir.path().join("x".repeat(length) + ".sigstore.json");
        for length in [200, 234, 235, 240] {
            for n in 1..4 {
                add(&one(length), &[bundle(n)], NONE, PATIENCE).unwrap();
            }
            assert_eq!(fs::read(one(length).with_extension("jsonl")).unwrap(), lines([2, 3]));
        }
        // Of one more there is room for the first, but not for what takes further ones.
        add(&one(241), &[bundle(1)], NONE, PATIENCE).unwrap();
        let e = add(&one(241), &[bundle(2)], NONE, PATIENCE).unwrap_err();
        assert!(e.to_string().contains("name another with --output"), "{e}");
        assert_eq!(takes_more(&one(241)).unwrap_err(), e);
        let hidden =
            fs::read_dir(dir.path()).unwrap().filter(|e| e.as_ref().unwrap().file_name().as_encoded_bytes()[0] == b'.');
        assert_eq!(hidden.count(), 0);
    }

    #[test]
    fn what_is_no_file_of_bundles_or_full_stays_as_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.jsonl");
        let refused = |text: &[u8]| {
            fs::write(&path, text).unwrap();
            let e = add(&path, &[bundle(limits::REFERRERS)], NONE, PATIENCE).unwrap_err();
            assert_eq!(takes_more(&path).unwrap_err(), e);
            assert_eq!(fs::read(&path).unwrap(), text);
            e.code().as_str()
        };
        assert_eq!(refused(b"my notes\n"), "bundle-not-added");
        assert_eq!(refused(b"{\"a\":1}\n{\"a\":2}\n"), "bundle-not-added");
        let list = [b"[", &bundle(1)[..], b"]\n"].concat();
        assert_eq!(refused(&list), "bundle-not-added", "a line behind a list would make it none");
        assert_eq!(refused(&lines(0..limits::REFERRERS)), "limit-exceeded");
        fs::write(&path, lines(10..limits::REFERRERS + 9)).unwrap();
        assert!(takes_more(&path).is_ok() && add(&path, &[bundle(1)], NONE, PATIENCE).is_ok());
        // No more is written to a file of one bundle than is read of it.
        let single = dir.path().join("one.json");
        let large = [&bundle(1)[..], &vec![b' '; limits::BUNDLE_BYTES]].concat();
        fs::write(&single, &large).unwrap();
        assert_eq!(takes_more(&single).unwrap_err().code().as_str(), "limit-exceeded");
        assert_eq!(add(&single, &[bundle(2)], NONE, PATIENCE).unwrap_err().code().as_str(), "limit-exceeded");
        assert_eq!(has_room(&single, &bundle(1), limits::BUNDLE_BYTES).unwrap_err().code().as_str(), "limit-exceeded");
        assert_eq!(has_room(&path, &bundle(1), limits::BUNDLE_BYTES), Ok(()));
        let link = dir.path().join("link.jsonl");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert!(add(&link, &[bundle(2)], NONE, PATIENCE).is_err());
    }
}
