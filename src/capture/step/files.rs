#![expect(clippy::disallowed_methods, reason = "looks at the files that the build step wrote")]
//! Which files a build step added, wrote and removed: those that git tracks or does not ignore, or those that globs name.
//!
//! Before the step only the state of each file is noted; afterwards those are hashed whose state is another. A state holds
//! the change time, which no program can set, so writing the same bytes again is writing. A file that was changed just
//! before is hashed before, too: its next change could fall into the same tick of the clock.

use crate::capture::git::answers::path_text;
use crate::capture::git::checkout;
use crate::capture::input::bounded::Bounded;
use crate::capture::input::files;
use crate::capture::input::files::Progress;
use crate::capture::{Captured, Environment};
use crate::model::{Digest, DigestSet, ResourceDescriptor, limits};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs::Metadata;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Component, Path, PathBuf};
use std::time::{Duration, SystemTime};

/// Which files are watched.
#[derive(Clone, Copy, Debug)]
pub struct Watch<'a> {
    /// The process's surroundings.
    pub env: &'a Environment,
    /// Globs below the working folder; none for what git tracks or does not ignore.
    pub globs: &'a [String],
    /// Subjects and files of ours, names or globs: not watched.
    pub excluded: &'a [PathBuf],
    /// How long one call to git may take.
    pub git_timeout: Duration,
    /// How long files may be hashed before the step, and again after it.
    pub hash_time: Duration,
}

/// The watched files at one moment, or why none are.
#[derive(Clone, Debug)]
pub struct Watched(Result<State, String>);

#[derive(Clone, Debug)]
struct State {
    base: PathBuf,
    source: String,
    files: BTreeMap<PathBuf, Identity>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Identity {
    /// Device, inode, size, mode, change time.
    stat: (u64, u64, u64, u32, i64, i64),
    /// Where the change time alone is no proof.
    digest: Option<Digest>,
}

/// A change younger than this is hashed (seconds): clocks of file systems may tick that coarsely.
const YOUNG: i64 = 2;

impl Watched {
    /// Before the step.
    #[must_use]
    pub fn before(watch: &Watch<'_>) -> Self {
        Self(state(watch))
    }

    /// What is another after the step, as byproducts.
    #[must_use]
    pub fn changes(self, watch: &Watch<'_>, progress: Progress<'_>) -> Captured<Vec<ResourceDescriptor>> {
        let found = self.0.and_then(|before| changes(before, watch, progress));
        found.unwrap_or_else(|reason| Captured::absent(&reason))
    }
}

fn state(watch: &Watch<'_>) -> Result<State, String> {
    let (base, names, source) = list(watch)?;
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |d| d.as_secs().cast_signed());
    let time = Bounded::within(watch.hash_time);
    let mut files = BTreeMap::new();
    for name in names {
        let path = base.join(&name);
        let Some(meta) = found_below(&base, &name) else { continue };
        let young = meta.is_file() && now - meta.ctime() < YOUNG;
        let digest = if young { time.sha256(&path, &|_| {}).ok() } else { None };
        files.insert(name, Identity { stat: stat(&meta), digest });
    }
    Ok(State { base, source, files })
}

/// What is at a name below the base: nothing where a folder on the way leads out of it by a link.
///
/// A build step that puts a link in the place of a folder would otherwise have digests of files published that it was never
/// given. Whoever calls may name files elsewhere, by an absolute path or by `..`; no step can.
fn found_below(base: &Path, name: &Path) -> Option<Metadata> {
    let path = base.join(name);
    let elsewhere = !path.starts_with(base) || name.components().any(|part| part == Component::ParentDir);
    let stays =
        || path.parent().and_then(|folder| folder.canonicalize().ok()).is_some_and(|real| real.starts_with(base));
    (elsewhere || stays()).then(|| std::fs::symlink_metadata(&path).ok()).flatten()
}

fn stat(m: &Metadata) -> (u64, u64, u64, u32, i64, i64) {
    (m.dev(), m.ino(), m.len(), m.mode(), m.ctime(), m.ctime_nsec())
}

/// The names of the watched files, below their base.
fn list(watch: &Watch<'_>) -> Result<(PathBuf, BTreeSet<PathBuf>, String), String> {
    let dir = &watch.env.working_dir;
    let (base, mut names, source) = if watch.globs.is_empty() {
        let (root, names) = checkout::files(watch.env, watch.git_timeout)?;
        let names: BTreeSet<_> = names.iter().map(|n| PathBuf::from(OsStr::from_bytes(n))).collect();
        (root, names, "the files that git tracks or does not ignore, before the step and after it".to_owned())
    } else {
        let mut names = BTreeSet::new();
        for glob in watch.globs {
            match files::expand(std::slice::from_ref(glob), dir) {
                Ok(found) => names.extend(found),
                // What the step is to make need not be there before it.
                Err(crate::capture::CaptureError::NothingMatches { .. }) => {}
                Err(e) => return Err(e.to_string()),
            }
        }
        (dir.clone(), names, "the files that --products names, before the step and after it".to_owned())
    };
    if names.len() > limits::STEP_FILES {
        return Err(format!("there are more than {} files to watch", limits::STEP_FILES));
    }
    let expand = |pattern: &PathBuf| {
        let found = pattern.to_str().and_then(|p| files::expand(&[p.to_owned()], dir).ok());
        found.unwrap_or_else(|| vec![pattern.clone()])
    };
    let real = |path: PathBuf| path.canonicalize().unwrap_or(path);
    let excluded: Vec<_> = watch.excluded.iter().flat_map(expand).map(|p| real(dir.join(p))).collect();
    let base = real(base);
    names.retain(|name| {
        let path = base.join(name);
        !excluded.iter().any(|e| path.starts_with(e))
    });
    Ok((base, names, source))
}

struct Change {
    path: PathBuf,
    how: &'static str,
    /// Of the bytes, or of a link's target; none of what is gone or is neither file nor link.
    digest: Option<Digest>,
}

fn changes(
    before: State,
    watch: &Watch<'_>,
    progress: Progress<'_>,
) -> Result<Captured<Vec<ResourceDescriptor>>, String> {
    let (base, names, _) = list(watch)?;
    if base != before.base {
        return Err("the checkout is another one than before the build step".to_owned());
    }
    let all: BTreeSet<&PathBuf> = before.files.keys().chain(&names).collect();
    let (mut suspects, mut bytes) = (Vec::new(), 0_u64);
    for path in all {
        let was = before.files.get(path);
        let is = found_below(&base, path);
        let same = was.map(|w| w.stat) == is.as_ref().map(stat);
        if !same || was.is_some_and(|w| w.digest.is_some()) {
            bytes += is.as_ref().map_or(0, Metadata::len);
            suspects.push((path, was, is));
        }
    }
    if bytes > limits::STEP_FILES_BYTES {
        return Err(format!("the build step wrote more than {} bytes beside its subjects", limits::STEP_FILES_BYTES));
    }
    let time = Bounded::within(watch.hash_time);
    let look = |(path, was, is): &(&PathBuf, Option<&Identity>, Option<Metadata>)| {
        let full = base.join(path);
        let digest = is.as_ref().and_then(|meta| content(&full, meta, &time, progress));
        let how = match (was, is) {
            (None, None) => return None,
            (None, Some(_)) => "added",
            (Some(_), None) => "removed",
            (Some(w), Some(m)) if w.stat == stat(m) && (w.digest.is_none() || w.digest == digest) => return None,
            (Some(_), Some(_)) => "written",
        };
        Some(Change { path: (*path).clone(), how, digest })
    };
    let changes: Vec<_> = files::on_every_core(&suspects, look).into_iter().flatten().collect();
    if !time.goes_on() {
        return Err(time.late());
    }
    summary(&changes).map(|all| Captured::found(all, &before.source))
}

fn content(path: &Path, meta: &Metadata, time: &Bounded, progress: Progress<'_>) -> Option<Digest> {
    if meta.is_symlink() {
        return Some(Digest::sha256(std::fs::read_link(path).ok()?.as_os_str().as_bytes()));
    }
    if meta.is_file() { time.sha256(path, progress).ok() } else { None }
}

/// A digest of all changes with their number, then the first files one by one.
fn summary(changes: &[Change]) -> Result<Vec<ResourceDescriptor>, String> {
    let name = |c: &Change| path_text(c.path.as_os_str().as_bytes());
    let hex = |c: &Change| c.digest.as_ref().map_or(String::new(), |d| d.hex().to_owned());
    let rows: Vec<[String; 3]> = changes.iter().map(|c| [name(c), c.how.to_owned(), hex(c)]).collect();
    let canonical = serde_json_canonicalizer::to_vec(&rows).map_err(|e| e.to_string())?;
    let mut whole = ResourceDescriptor::with_digest(DigestSet::sha256(&canonical)).named("step-files");
    for how in ["added", "written", "removed"] {
        whole = whole.annotated(how, changes.iter().filter(|c| c.how == how).count());
    }
    let removed = changes.iter().filter(|c| c.how == "removed").take(limits::STEP_FILES_NAMED);
    let removed: Vec<Value> = removed.map(|c| json!(name(c))).collect();
    if !removed.is_empty() {
        whole = whole.annotated("removedFiles", removed);
    }
    let named = changes.iter().filter_map(|c| Some((c, c.digest.as_ref()?))).take(limits::STEP_FILES_NAMED);
    let named = named.map(|(c, digest)| {
        ResourceDescriptor::with_digest(DigestSet::of(digest)).named(name(c)).annotated("change", c.how)
    });
    Ok(std::iter::once(whole).chain(named).collect())
}
