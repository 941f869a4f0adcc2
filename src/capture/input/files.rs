#![expect(clippy::disallowed_methods, reason = "opens, lists and hashes the files that are captured")]
//! Files as subjects and materials: opened only when regular, read with a limit, hashed on every core.

use crate::capture::CaptureError;
use crate::model::{Digest, DigestSet, Subject, digest::DigestAlgorithm, digest::hex, limits};
use rustix::fs::{FileType, Mode, OFlags};
use sha2::{Digest as _, Sha256, Sha384, Sha512};
use std::fs::{File, Metadata};
use std::io::Read;
use std::num::NonZero;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Told how many more bytes have been hashed; may be called from several threads.
pub type Progress<'a> = &'a (dyn Fn(u64) + Sync);

/// Opens a regular file (a link to one too). What could block or act on being opened is never opened.
///
/// # Errors
/// [`CaptureError::Unreadable`] and [`CaptureError::NotRegular`].
pub fn open_regular(path: &Path) -> Result<(File, Metadata), CaptureError> {
    let failed = |e: std::io::Error| CaptureError::unreadable(path, e);
    must_be_regular(path, std::fs::metadata(path).map_err(failed)?.mode())?;
    // Between the look and the open the path may have become a FIFO: not waiting, and looking again at what was opened.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
    let file = File::from(rustix::fs::open(path, flags, Mode::empty()).map_err(|e| failed(e.into()))?);
    let meta = file.metadata().map_err(failed)?;
    must_be_regular(path, meta.mode())?;
    Ok((file, meta))
}

/// That the mode is a regular file's.
///
/// # Errors
/// [`CaptureError::NotRegular`].
pub(in crate::capture) fn must_be_regular(path: &Path, mode: u32) -> Result<(), CaptureError> {
    let found = match FileType::from_raw_mode(mode) {
        FileType::RegularFile => return Ok(()),
        FileType::Directory => "a folder",
        FileType::Fifo => "a FIFO",
        FileType::Socket => "a socket",
        FileType::BlockDevice | FileType::CharacterDevice => "a device",
        _ => "something else",
    };
    Err(CaptureError::NotRegular { path: path.display().to_string(), found })
}

/// The bytes of a regular file of at most `limit` bytes.
///
/// # Errors
/// As [`open_regular`], and [`CaptureError::TooLarge`].
pub fn read(path: &Path, limit: usize) -> Result<Vec<u8>, CaptureError> {
    let (file, _) = open_regular(path)?;
    read_open(file, path, limit)
}

/// The bytes of an open file of at most `limit` bytes; `path` is for errors.
///
/// # Errors
/// [`CaptureError::Unreadable`] and [`CaptureError::TooLarge`].
pub(in crate::capture) fn read_open(file: File, path: &Path, limit: usize) -> Result<Vec<u8>, CaptureError> {
    let mut bytes = Vec::new();
    let size = file.metadata().map(|m| m.len());
    file.take(limit as u64 + 1).read_to_end(&mut bytes).map_err(|e| CaptureError::unreadable(path, e))?;
    if bytes.len() > limit {
        // What has no size, as a device, was not read to its end.
        let size =
            size.ok().filter(|size| *size > limit as u64).map_or_else(String::new, |size| format!(" ({size} bytes)"));
        return Err(CaptureError::TooLarge { what: format!("the size of `{}`{size}", path.display()), limit });
    }
    Ok(bytes)
}

/// Asked between two pieces of a file whether to go on; may be called from several threads.
pub type GoOn<'a> = &'a (dyn Fn() -> bool + Sync);

/// Hands a regular file to `each`, piece by piece; whether that came to its end.
///
/// # Errors
/// As [`open_regular`].
pub(in crate::capture) fn pieces(
    path: &Path,
    go_on: GoOn<'_>,
    each: &mut dyn FnMut(&[u8]),
) -> Result<bool, CaptureError> {
    let (mut file, meta) = open_regular(path)?;
    let mut buffer = vec![0; usize::try_from(meta.len()).unwrap_or(usize::MAX).clamp(4 << 10, 1 << 20)];
    while go_on() {
        match file.read(&mut buffer).map_err(|e| CaptureError::unreadable(path, e))? {
            0 => return Ok(true),
            n => each(&buffer[..n]),
        }
    }
    Ok(false)
}

/// SHA-256 of a regular file, whatever its size.
///
/// # Errors
/// As [`open_regular`].
pub fn sha256(path: &Path, progress: Progress<'_>) -> Result<Digest, CaptureError> {
    Ok(sha256_while(path, &|| true, progress)?.expect("nothing stops it"))
}

/// SHA-256 of a regular file; `None` where it was told not to go on.
///
/// # Errors
/// As [`open_regular`].
pub fn sha256_while(path: &Path, go_on: GoOn<'_>, progress: Progress<'_>) -> Result<Option<Digest>, CaptureError> {
    let mut hasher = Sha256::new();
    let whole = pieces(path, go_on, &mut |piece| {
        hasher.update(piece);
        progress(piece.len() as u64);
    })?;
    let digest = || Digest::from_hex(DigestAlgorithm::Sha256, &hex(&hasher.finalize()));
    Ok(whole.then(|| digest().expect("SHA-256 in hex is 64 digits")))
}

/// SHA-256, SHA-384 and SHA-512 of a regular file, whatever its size; `None` where it was told not to go on.
///
/// # Errors
/// As [`open_regular`].
pub fn strong_digests(path: &Path, go_on: GoOn<'_>) -> Result<Option<DigestSet>, CaptureError> {
    let (mut a, mut b, mut c) = (Sha256::new(), Sha384::new(), Sha512::new());
    let whole = pieces(path, go_on, &mut |piece| {
        a.update(piece);
        b.update(piece);
        c.update(piece);
    })?;
    let pairs = [("sha256", hex(&a.finalize())), ("sha384", hex(&b.finalize())), ("sha512", hex(&c.finalize()))];
    Ok(whole.then(|| DigestSet::new("file", pairs).expect("digests in hex have their lengths")))
}

/// Does `job` to every item on as many threads as there are cores; results in the items' order.
pub(in crate::capture) fn on_every_core<T: Sync, R: Send>(items: &[T], job: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let threads = std::thread::available_parallelism().map_or(1, NonZero::get).min(16).min(items.len());
    if threads < 2 {
        return items.iter().map(job).collect();
    }
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        while let Some((i, item)) = Some(next.fetch_add(1, Ordering::Relaxed)).and_then(|i| Some((i, items.get(i)?))) {
            done.push((i, job(item)));
        }
        done
    };
    let mut all: Vec<(usize, R)> = std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        let mut all = work();
        for other in others {
            match other.join() {
                Ok(done) => all.extend(done),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        all
    });
    all.sort_unstable_by_key(|(i, _)| *i);
    all.into_iter().map(|(_, r)| r).collect()
}

/// SHA-256 of many files, in their order, on every core.
///
/// # Errors
/// The first file's that cannot be hashed.
pub fn sha256_all(paths: &[PathBuf], progress: Progress<'_>) -> Result<Vec<Digest>, CaptureError> {
    Ok(sha256_all_while(paths, &|| true, progress)?.expect("nothing stops it"))
}

/// The same; `None` where it was told not to go on.
fn sha256_all_while(
    paths: &[PathBuf],
    go_on: GoOn<'_>,
    progress: Progress<'_>,
) -> Result<Option<Vec<Digest>>, CaptureError> {
    on_every_core(paths, |path| sha256_while(path, go_on, progress)).into_iter().collect()
}

/// The files that names and globs mean, below `base` where they are relative; sorted, each once.
///
/// A name that exists is itself, even if it looks like a glob. Folders that a glob meets are passed over; a folder that
/// is named is not.
///
/// # Errors
/// [`CaptureError::NothingMatches`], [`CaptureError::Value`] for a malformed glob, [`CaptureError::TooLarge`] over
/// [`limits::INPUT_SUBJECTS`], [`CaptureError::NotRegular`], [`CaptureError::Unreadable`].
pub fn expand(patterns: &[String], base: &Path) -> Result<Vec<PathBuf>, CaptureError> {
    let mut out = std::collections::BTreeSet::new();
    for pattern in patterns {
        let path = base.join(pattern);
        if std::fs::symlink_metadata(&path).is_ok() {
            out.insert(PathBuf::from(pattern));
            continue;
        }
        let nothing = || CaptureError::NothingMatches { pattern: pattern.clone() };
        let text = if Path::new(pattern).is_absolute() {
            pattern.clone()
        } else {
            format!("{}/{pattern}", glob::Pattern::escape(base.to_str().ok_or_else(nothing)?))
        };
        let bad = |_| CaptureError::value("subject", "a file name or a glob", pattern);
        let mut matched = false;
        for found in glob::glob(&text).map_err(bad)? {
            let found = found.map_err(|e| CaptureError::unreadable(e.path(), e.error()))?;
            if std::fs::metadata(&found).is_ok_and(|m| m.is_dir()) {
                continue;
            }
            matched = true;
            out.insert(found.strip_prefix(base).map_or_else(|_| found.clone(), Path::to_path_buf));
            if out.len() > limits::INPUT_SUBJECTS {
                let what = "the number of files that are subjects".to_owned();
                return Err(CaptureError::TooLarge { what, limit: limits::INPUT_SUBJECTS });
            }
        }
        if !matched {
            return Err(nothing());
        }
    }
    Ok(out.into_iter().collect())
}

/// Subjects from file names and globs: the name is the path as given.
///
/// # Errors
/// As [`expand`] and [`sha256_all`], and [`CaptureError::Value`] for a name that is no UTF-8: a statement is JSON.
pub fn subjects(patterns: &[String], base: &Path, progress: Progress<'_>) -> Result<Vec<Subject>, CaptureError> {
    Ok(subjects_while(patterns, base, &|| true, progress)?.expect("nothing stops it"))
}

/// The same; `None` where it was told not to go on.
///
/// # Errors
/// As [`subjects`].
pub fn subjects_while(
    patterns: &[String],
    base: &Path,
    go_on: GoOn<'_>,
    progress: Progress<'_>,
) -> Result<Option<Vec<Subject>>, CaptureError> {
    let names = expand(patterns, base)?;
    let paths: Vec<_> = names.iter().map(|n| base.join(n)).collect();
    let Some(digests) = sha256_all_while(&paths, go_on, progress)? else { return Ok(None) };
    let subject = |(name, digest): (&PathBuf, &Digest)| {
        let text = name.to_str();
        let text =
            text.ok_or_else(|| CaptureError::value("subject", "a file name in UTF-8", &name.to_string_lossy()))?;
        Ok(Subject::new(text, DigestSet::of(digest)))
    };
    names.iter().zip(&digests).map(subject).collect::<Result<_, _>>().map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUIET: Progress<'static> = &|_| {};

    #[test]
    fn names_globs_and_progress() {
        let dir = tempfile::tempdir().unwrap();
        let base = dir.path();
        std::fs::create_dir(base.join("dist")).unwrap();
        for name in ["dist/a.bin", "dist/b.bin", "dist/[x].txt"] {
            std::fs::write(base.join(name), name).unwrap();
        }
        let seen = std::sync::atomic::AtomicU64::new(0);
        let count = |n| {
            seen.fetch_add(n, Ordering::Relaxed);
        };
        let found = subjects(&["dist/*.bin".into(), "dist/[x].txt".into(), "dist/a.bin".into()], base, &count).unwrap();
        let names: Vec<_> = found.iter().map(|s| s.descriptor().name().unwrap()).collect();
        assert_eq!(names, ["dist/[x].txt", "dist/a.bin", "dist/b.bin"]);
        assert_eq!(found[1].digest(), &DigestSet::sha256(b"dist/a.bin"));
        assert_eq!(seen.into_inner(), 12 + 10 + 10);
        // A name and then a glob that adds nothing new is no error; a glob without a match is.
        assert!(expand(&["dist/a.bin".into(), "dist/a.*".into()], base).is_ok());
        let code = |p: &str| subjects(&[p.into()], base, QUIET).unwrap_err().code().as_str();
        assert_eq!(code("dist/*.exe"), "no-file-matches");
        assert_eq!(code("dist/c.bin"), "no-file-matches");
        assert_eq!(code("dist"), "not-a-regular-file");
        assert_eq!(code("dist/[.bin"), "value-malformed");
    }

    #[test]
    fn what_blocks_is_never_opened() {
        let dir = tempfile::tempdir().unwrap();
        let fifo = dir.path().join("fifo");
        rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
        assert_eq!(sha256(&fifo, QUIET).unwrap_err().code().as_str(), "not-a-regular-file");
        assert_eq!(sha256(Path::new("/dev/zero"), QUIET).unwrap_err().code().as_str(), "not-a-regular-file");
    }

    #[test]
    fn reading_is_capped() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("f");
        std::fs::write(&file, "12345").unwrap();
        assert_eq!(read(&file, 5).unwrap(), b"12345");
        assert_eq!(read(&file, 4).unwrap_err().code().as_str(), "limit-exceeded");
    }

    #[test]
    fn many_items_keep_their_order() {
        let items: Vec<usize> = (0..1000).collect();
        assert_eq!(on_every_core(&items, |i| i * 2), items.iter().map(|i| i * 2).collect::<Vec<_>>());
    }
}
