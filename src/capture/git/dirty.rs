#![expect(clippy::disallowed_methods, reason = "looks at the files of the work tree")]
//! How a work tree differs from its commit, found by hashing the files ourselves.
//!
//! `git status` and `git diff` would run the checkout's filters, and believe file times. So the lists come from git
//! (`ls-tree`, `ls-files`) and the contents are hashed here as git hashes them. A file whose bytes differ from its blob is
//! clean only where that is proved: line endings, encodings and `$Id$` that git converts, and files of Git LFS, whose pointer
//! follows from their bytes. Whatever another filter would make of a file is not known, so it counts as a difference.

use crate::capture::Captured;
use crate::capture::git::answers::{Config, config, is_object_id, path_text};
use crate::capture::git::blob::OTHER_CONTENT;
use crate::capture::git::call::GitCaller;
use crate::capture::git::source::Difference;
use crate::capture::git::{belongs, blob};
use crate::capture::input::bounded::Bounded;
use crate::capture::input::files;
use crate::model::{Digest, limits};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// What of a repository's configuration decides how files are compared.
pub(in crate::capture) struct Settings {
    sha256: bool,
    file_mode: bool,
    symlinks: bool,
    converts_line_ends: bool,
    time: Bounded,
}

impl Settings {
    pub(in crate::capture) fn new(config: &Config, sha256: bool, time: Bounded) -> Self {
        let get = |key: &str| config.iter().rev().find(|(k, _)| k == key).map(|(_, v)| v.to_ascii_lowercase());
        let on = |key: &str| get(key).is_none_or(|v| !["false", "no", "off", "0", ""].contains(&v.as_str()));
        Self {
            sha256,
            file_mode: on("core.filemode"),
            symlinks: on("core.symlinks"),
            converts_line_ends: get("core.autocrlf").is_some() && on("core.autocrlf"),
            time,
        }
    }
}

/// A path of the tree or the index.
#[derive(Clone, PartialEq, Eq)]
struct Entry {
    mode: String,
    id: String,
}

/// What stands at a path of the work tree, and how it relates to the commit.
struct Found {
    path: Vec<u8>,
    mode: &'static str,
    why: Option<&'static str>,
}

/// The difference between the work tree in the caller's folder and `commit`.
pub(in crate::capture) fn difference(
    git: &GitCaller,
    commit: &str,
    settings: &Settings,
    excluded: &[PathBuf],
    depth: usize,
) -> Captured<Difference> {
    match compare(git, commit, settings, excluded, depth) {
        Ok(difference) => Captured::found(difference, "git ls-tree and ls-files, contents hashed"),
        Err(reason) => Captured::absent(&reason),
    }
}

fn compare(
    git: &GitCaller,
    commit: &str,
    settings: &Settings,
    excluded: &[PathBuf],
    depth: usize,
) -> Result<Difference, String> {
    let root = &git.dir;
    let tree = entries(&lines(git, &["ls-tree", "-r", "-z", "--full-tree", commit])?, tree_entry)?;
    let listed = lines(git, &["ls-files", "-s", "-t", "-z"])?;
    let others = lines(git, &["ls-files", "--others", "--exclude-standard", "-z"])?;
    let sparse: HashSet<&[u8]> = listed.iter().filter(|l| l.starts_with(b"S ")).filter_map(|l| path_of(l)).collect();
    // A path with a conflict stands there up to three times; none of them is "the" entry.
    let conflicts: HashSet<&[u8]> =
        listed.iter().filter(|l| !stage(l).ends_with(b" 0")).filter_map(|l| path_of(l)).collect();
    let index = entries(&listed, index_entry)?;

    let skip: Vec<PathBuf> = excluded.iter().map(|p| real(&root.join(p))).collect();
    let is_excluded = |path: &[u8]| {
        let full = root.join(OsStr::from_bytes(path));
        skip.iter().any(|s| full.starts_with(s))
    };
    let mut paths: Vec<&Vec<u8>> = tree.keys().chain(index.keys().filter(|p| !tree.contains_key(*p))).collect();
    paths.retain(|p| !is_excluded(p));
    let look = |path: &&Vec<u8>| -> Found {
        let committed = tree.get(*path);
        let mut found = match committed {
            Some(entry) => file_state(root, path, entry, settings, sparse.contains(path.as_slice())),
            None => Found { path: path.to_vec(), mode: mode_of(root, path), why: Some("added") },
        };
        if found.why.is_none() && (conflicts.contains(path.as_slice()) || index.get(*path) != committed) {
            found.why = Some("the index differs from the commit");
        }
        found
    };
    let mut found: Vec<Found> = files::on_every_core(&paths, look).into_iter().filter(|f| f.why.is_some()).collect();
    convert(git, &mut found, &tree, settings)?;
    if !settings.time.goes_on() {
        // A file that was not compared is neither the same nor another.
        return Err(settings.time.late());
    }
    submodules(git, &mut found, &tree, &paths, (depth, settings.time));
    for path in others.iter().filter(|p| !tree.contains_key(*p) && !is_excluded(p)) {
        found.push(Found { path: path.to_vec(), mode: mode_of(root, path), why: Some("not tracked and not ignored") });
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found.dedup_by(|a, b| a.path == b.path);
    Ok(summary(root, &found, &settings.time))
}

fn lines(git: &GitCaller, args: &[&str]) -> Result<Vec<Vec<u8>>, String> {
    let out = git.call(args, Vec::new())?;
    if !out.ok {
        return Err(format!("git {}: {}", args[0], out.complaint));
    }
    Ok(out.stdout.split(|b| *b == 0).filter(|l| !l.is_empty()).map(<[u8]>::to_vec).collect())
}

fn stage(line: &[u8]) -> &[u8] {
    line.split(|b| *b == b'\t').next().unwrap_or_default()
}

fn path_of(line: &[u8]) -> Option<&[u8]> {
    line.iter().position(|b| *b == b'\t').map(|i| &line[i + 1..])
}

/// `MODE TYPE ID`.
fn tree_entry(words: &[&str]) -> Option<Entry> {
    matches!(words, [_, _, _]).then(|| Entry { mode: words[0].to_owned(), id: words[2].to_owned() })
}

/// `TAG MODE ID STAGE`.
fn index_entry(words: &[&str]) -> Option<Entry> {
    matches!(words, [_, _, _, _]).then(|| Entry { mode: words[1].to_owned(), id: words[2].to_owned() })
}

fn entries(lines: &[Vec<u8>], read: fn(&[&str]) -> Option<Entry>) -> Result<BTreeMap<Vec<u8>, Entry>, String> {
    let entry = |line: &Vec<u8>| {
        let words: Vec<_> = std::str::from_utf8(stage(line)).ok()?.split(' ').collect();
        Some((path_of(line)?.to_vec(), read(&words).filter(|e| is_object_id(&e.id))?))
    };
    lines
        .iter()
        .map(entry)
        .collect::<Option<_>>()
        .ok_or_else(|| "git printed a list that was not understood".to_owned())
}

/// The path with its links resolved, as far as it exists.
fn real(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| match (path.parent(), path.file_name()) {
        (Some(parent), Some(name)) => parent.canonicalize().map_or_else(|_| path.to_owned(), |p| p.join(name)),
        _ => path.to_owned(),
    })
}

/// Whether a folder between `root` and `path` is a link: git does not look through one.
fn behind_a_link(root: &Path, path: &[u8]) -> bool {
    let path = Path::new(OsStr::from_bytes(path));
    path.ancestors().skip(1).filter(|a| !a.as_os_str().is_empty()).any(|a| root.join(a).is_symlink())
}

fn mode_of(root: &Path, path: &[u8]) -> &'static str {
    match std::fs::symlink_metadata(root.join(OsStr::from_bytes(path))) {
        Ok(_) if behind_a_link(root, path) => "000000",
        Ok(m) if m.file_type().is_symlink() => "120000",
        Ok(m) if m.is_dir() => "160000",
        Ok(m) if m.permissions().mode() & 0o100 != 0 => "100755",
        Ok(_) => "100644",
        Err(_) => "000000",
    }
}

/// Compares one committed file with the work tree.
fn file_state(root: &Path, path: &[u8], entry: &Entry, settings: &Settings, sparse: bool) -> Found {
    let full = root.join(OsStr::from_bytes(path));
    let mode = mode_of(root, path);
    let of_a_link = entry.mode == "120000";
    let same_kind = match mode {
        "120000" => of_a_link,
        "100644" | "100755" if of_a_link => !settings.symlinks,
        "100644" | "100755" => entry.mode.starts_with("100") && (!settings.file_mode || mode == entry.mode),
        "160000" => entry.mode == "160000",
        _ => false,
    };
    let why = if mode == "000000" {
        // Left out on purpose (sparse checkout), and a submodule that was never fetched, are no difference.
        (!sparse && entry.mode != "160000").then_some("missing")
    } else if mode == "160000" && same_kind {
        None
    } else if !same_kind {
        Some("another type or mode")
    } else if mode == "120000" {
        let target = std::fs::read_link(&full).map(|t| blob::id(t.as_os_str().as_bytes(), settings.sha256));
        (target.ok().as_ref() != Some(&entry.id)).then_some("another target")
    } else {
        (blob::id_of_file(&full, settings.sha256, &settings.time).as_ref() != Some(&entry.id)).then_some(OTHER_CONTENT)
    };
    Found { path: path.to_vec(), mode, why }
}

/// Clears those whose other content is only what git itself makes of the committed bytes.
fn convert(
    git: &GitCaller,
    found: &mut Vec<Found>,
    tree: &BTreeMap<Vec<u8>, Entry>,
    settings: &Settings,
) -> Result<(), String> {
    let suspects: Vec<&Found> = found.iter().filter(|f| f.why == Some(OTHER_CONTENT)).collect();
    if suspects.is_empty() {
        return Ok(());
    }
    let names = ["filter", "text", "eol", "crlf", "ident", "working-tree-encoding"];
    let stdin = suspects.iter().flat_map(|f| f.path.iter().copied().chain([0])).collect();
    let out = git.call(&[&["check-attr", "--stdin", "-z"], names.as_slice()].concat(), stdin)?;
    let mut attributes: HashMap<&[u8], HashMap<&[u8], &[u8]>> = HashMap::new();
    let words: Vec<&[u8]> = out.stdout.split(|b| *b == 0).collect();
    for triple in words.chunks_exact(3).filter(|t| t[2] != b"unspecified" && t[2] != b"unset") {
        attributes.entry(triple[0]).or_default().insert(triple[1], triple[2]);
    }
    let none = HashMap::new();
    let verdicts = files::on_every_core(&suspects, |f| {
        let of = attributes.get(f.path.as_slice()).unwrap_or(&none);
        let id = tree.get(&f.path).map_or("", |e| e.id.as_str());
        let full = git.dir.join(OsStr::from_bytes(&f.path));
        match of.get(b"filter".as_slice()).copied() {
            Some(b"lfs")
                if blob::lfs_pointer(&full, &settings.time).is_some_and(|p| blob::id(&p, settings.sha256) == id) =>
            {
                None
            }
            Some(_) => Some("other content than the commit's; its filter was not run"),
            None => {
                let text = ["text", "eol", "crlf"].iter().any(|a| of.contains_key(a.as_bytes()));
                let conversion = blob::Conversion {
                    line_ends: text || settings.converts_line_ends,
                    ident: of.get(b"ident".as_slice()).is_some_and(|v| *v == b"set"),
                    // UTF-8 is no other encoding to git, whatever the file holds.
                    encoding: of.get(b"working-tree-encoding".as_slice()).copied().filter(|name| !is_utf8(name)),
                };
                if !(conversion.line_ends || conversion.ident || conversion.encoding.is_some()) {
                    return Some(OTHER_CONTENT);
                }
                match blob::committed(&full, conversion) {
                    Ok(bytes) => (blob::id(&bytes, settings.sha256) != id).then_some(OTHER_CONTENT),
                    Err(why) => Some(why),
                }
            }
        }
    });
    let verdicts: HashMap<Vec<u8>, Option<&'static str>> =
        suspects.iter().map(|f| f.path.clone()).zip(verdicts).collect();
    for f in found.iter_mut() {
        if let Some(verdict) = verdicts.get(&f.path) {
            f.why = *verdict;
        }
    }
    found.retain(|f| f.why.is_some());
    Ok(())
}

fn is_utf8(name: &[u8]) -> bool {
    name.eq_ignore_ascii_case(b"utf-8") || name.eq_ignore_ascii_case(b"utf8")
}

/// Adds the submodules that stand at another commit, or differ themselves.
fn submodules(
    git: &GitCaller,
    found: &mut Vec<Found>,
    tree: &BTreeMap<Vec<u8>, Entry>,
    paths: &[&Vec<u8>],
    (depth, time): (usize, Bounded),
) {
    for path in paths {
        let Some(entry) = tree.get(*path).filter(|e| e.mode == "160000") else { continue };
        let full = git.dir.join(OsStr::from_bytes(path));
        if behind_a_link(&git.dir, path) || full.join(".git").symlink_metadata().is_err() {
            // Never fetched: nothing of it is there, unless something else was put in its place.
            if full.read_dir().is_ok_and(|mut d| d.next().is_some()) {
                found.push(Found { path: path.to_vec(), mode: "160000", why: Some("files in an unfetched submodule") });
            }
            continue;
        }
        let sub = git.at(full);
        let same = depth < limits::SUBMODULE_DEPTH && submodule_is_clean(&sub, &entry.id, depth, time).unwrap_or(false);
        if !same {
            found.push(Found { path: path.to_vec(), mode: "160000", why: Some("the submodule differs") });
        }
    }
}

fn submodule_is_clean(sub: &GitCaller, commit: &str, depth: usize, time: Bounded) -> Result<bool, String> {
    let out = sub.call(&["rev-parse", "--show-toplevel", "HEAD^{commit}"], Vec::new())?;
    let expected = [sub.dir.as_os_str().as_bytes(), b"\n", commit.as_bytes(), b"\n"].concat();
    if !out.ok || out.stdout != expected {
        return Ok(false);
    }
    belongs::check(sub)?;
    let settings = Settings::new(&config(sub)?, commit.len() == 64, time);
    Ok(compare(sub, commit, &settings, &[], depth + 1)?.files == 0)
}

fn summary(root: &Path, found: &[Found], time: &Bounded) -> Difference {
    let example = |f: &Found| (String::from_utf8_lossy(&f.path).into_owned(), f.why.unwrap_or_default());
    let examples = found.iter().take(20).map(example).collect();
    let digest = if found.is_empty() {
        Captured::absent("nothing differs")
    } else if found.len() > limits::DIRTY_FILES {
        Captured::absent(&format!("more than {} files differ", limits::DIRTY_FILES))
    } else {
        digest(root, found, time)
    };
    Difference { files: found.len(), digest, examples }
}

fn digest(root: &Path, found: &[Found], time: &Bounded) -> Captured<Digest> {
    let unread = |_| "a differing file could not be read".to_owned();
    let rows = files::on_every_core(found, |f| {
        let full = root.join(OsStr::from_bytes(&f.path));
        let sha256 = match f.mode {
            "000000" | "160000" => String::new(),
            "120000" => {
                let target = std::fs::read_link(&full).map_err(|e| unread(e.to_string()))?;
                Digest::sha256(target.as_os_str().as_bytes()).hex().to_owned()
            }
            _ => time.sha256(&full, &|_| {})?.hex().to_owned(),
        };
        Ok([path_text(&f.path), f.mode.to_owned(), sha256])
    });
    let rows = match rows.into_iter().collect::<Result<Vec<_>, String>>() {
        Ok(rows) => rows,
        Err(reason) => return Captured::absent(&reason),
    };
    match serde_json_canonicalizer::to_vec(&rows) {
        Ok(json) => Captured::found(Digest::sha256(&json), "sha256 of the canonical list of differing files"),
        Err(e) => Captured::absent(&e.to_string()),
    }
}
