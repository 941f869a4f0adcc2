//! The source as the real git knows it. `call.rs` says why that runs nothing of the checkout.

use crate::capture::git::answers::{Config, config, is_object_id};
use crate::capture::git::call::{GitCaller, GitOutput};
use crate::capture::git::dirty::Settings;
use crate::capture::git::source::SourceState;
use crate::capture::git::{belongs, dirty, facts, passed_over};
use crate::capture::input::bounded::Bounded;
use crate::capture::{Blob, Captured, Environment};
use crate::model::limits;
use crate::model::remote;
use crate::secrets::passwords_of;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The state of the checkout around the working folder. `excluded` are subjects: that they differ is what a build is. No
/// call to git lasts longer than `timeout`, and files are hashed for the time `hashing`.
pub(in crate::capture) fn state(
    env: &Environment,
    excluded: &[PathBuf],
    timeout: Duration,
    hashing: Duration,
) -> SourceState {
    match GitCaller::find(env, timeout) {
        Ok(git) => state_of(git, env, excluded, hashing),
        Err(reason) => SourceState::absent(&reason),
    }
}

/// The remote's URL, for a caller that needs nothing else of the state.
pub(in crate::capture) fn remote_of(git: &GitCaller) -> Captured<String> {
    match config(git) {
        Ok(config) => find_remote(&config, &reference(git), &git.dir),
        Err(reason) => Captured::absent(&reason),
    }
}

const WHERE: [&str; 4] = ["rev-parse", "--show-object-format", "--is-inside-work-tree", "--show-toplevel"];

fn state_of(git: GitCaller, env: &Environment, excluded: &[PathBuf], hashing: Duration) -> SourceState {
    let (git, place) = match at(git) {
        Ok(found) => found,
        Err(reason) => return SourceState::absent(&reason),
    };
    if !place.ok && place.complaint.contains("dubious ownership") {
        return SourceState::absent(
            "the repository belongs to another user; `git config --global safe.directory` can say that you trust it",
        );
    }
    let Some((sha256, root)) = place_of(&place) else {
        return SourceState::absent(&complaint(&place, "not a git checkout"));
    };
    if let Err(reason) = belongs::check(&git) {
        return SourceState { refused: Some(format!(".git: {reason}")), ..SourceState::absent(&reason) };
    }
    let mut state = SourceState::absent("the repository has no commit yet");
    match git.call(&["rev-parse", "HEAD^{commit}", "HEAD^{tree}"], Vec::new()) {
        Ok(out) if out.ok => {
            let text = String::from_utf8_lossy(&out.stdout).into_owned();
            let mut ids = text.lines().filter(|l| is_object_id(l)).map(str::to_owned);
            if let (Some(commit), Some(tree)) = (ids.next(), ids.next()) {
                state.commit = Captured::found(commit, "git rev-parse HEAD");
                state.tree = Captured::found(tree, "git rev-parse HEAD^{tree}");
            }
        }
        Ok(_) => {}
        Err(reason) => state.commit = Captured::absent(&reason),
    }
    state.reference = reference(&git);
    let config = config(&git);
    state.remote = match &config {
        Ok(config) => find_remote(config, &state.reference, root.as_deref().unwrap_or(&git.dir)),
        Err(reason) => Captured::absent(reason),
    };
    let within = |root: &PathBuf| is_within(&git, root);
    let urls = config.iter().flatten().filter(|(key, _)| key.ends_with(".url"));
    state.secrets = urls.flat_map(|(key, url)| passwords_of(&format!("git config {key}"), url)).collect();
    facts::add(&mut state, &git);
    passed_over::add(&mut state, &git, env);
    state.dirty = match (&root, &state.commit, &config) {
        (Some(root), _, _) if !within(root) => {
            Captured::absent("the repository says that its work tree is elsewhere; it was not looked at")
        }
        (Some(root), Captured::Found { value: commit, .. }, Ok(config)) => {
            let settings = Settings::new(config, sha256, Bounded::within(hashing));
            dirty::difference(&git.moved_to(root.clone()), commit, &settings, excluded, 0)
        }
        (None, _, _) => Captured::absent("a bare repository has no work tree"),
        (_, Captured::Absent { reason }, _) | (_, _, Err(reason)) => Captured::absent(reason),
    };
    state.root = root.filter(within);
    state
}

/// The first of these blobs (`REF:PATH`) that is there. The names hold no line break.
///
/// # Errors
/// The reason, for a person; [`limits::GIT_OUTPUT_BYTES`] is the most that is read.
pub(in crate::capture) fn blob(env: &Environment, names: &[String], timeout: Duration) -> Result<Option<Blob>, String> {
    let mut git = GitCaller::find(env, timeout)?;
    let look = |git: &GitCaller| git.call(&["cat-file", "--batch-check"], names.join("\n").into_bytes());
    let mut out = look(&git)?;
    if !out.ok && out.complaint.contains("dubious ownership") && git.trust_what_the_user_trusts() {
        out = look(&git)?;
    }
    if !out.ok {
        return Err(complaint(&out, "git cat-file failed"));
    }
    belongs::check(&git)?;
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    let found = text.lines().find_map(|line| {
        let mut words = line.split(' ');
        let (id, kind, size) = (words.next()?, words.next()?, words.next()?.parse::<usize>().ok()?);
        (kind == "blob" && is_object_id(id)).then_some((id, size))
    });
    let Some((id, size)) = found else { return Ok(None) };
    if size > limits::GIT_OUTPUT_BYTES {
        return Err(format!("the blob {id} has more than {} bytes", limits::GIT_OUTPUT_BYTES));
    }
    let out = git.call(&["cat-file", "blob", id], Vec::new())?;
    if !out.ok || out.stdout.len() != size {
        return Err(complaint(&out, "git cat-file gave another size than it had said"));
    }
    Ok(Some(Blob { bytes: out.stdout }))
}

/// The top of the checkout, and the files in it that git tracks or does not ignore.
///
/// # Errors
/// The reason, for a person.
pub(in crate::capture) fn files(env: &Environment, timeout: Duration) -> Result<(PathBuf, Vec<Vec<u8>>), String> {
    let git = GitCaller::find(env, timeout)?;
    let (git, place) = at(git)?;
    let (_, root) = place_of(&place).ok_or_else(|| complaint(&place, "not a git checkout"))?;
    belongs::check(&git)?;
    let root = root.filter(|root| is_within(&git, root)).ok_or("the repository has no work tree around this folder")?;
    let git = git.moved_to(root.clone());
    let out = git.call(&["ls-files", "--cached", "--others", "--exclude-standard", "-z"], Vec::new())?;
    if !out.ok {
        return Err(complaint(&out, "git ls-files failed"));
    }
    Ok((root, out.stdout.split(|b| *b == 0).filter(|n| !n.is_empty()).map(<[u8]>::to_vec).collect()))
}

/// A git that answers for the folder in which it is called.
///
/// # Errors
/// The reason, for a person.
pub(in crate::capture) fn opened(git: GitCaller) -> Result<GitCaller, String> {
    let (git, place) = at(git)?;
    if !place.ok && place.complaint.contains("dubious ownership") {
        let how = "`git config --global safe.directory` can say that you trust it";
        return Err(format!("the repository belongs to another user; {how}"));
    }
    place_of(&place).map(|_| git).ok_or_else(|| complaint(&place, "not a git repository"))
}

/// Where git says that it is. Trusts what the user trusts.
fn at(mut git: GitCaller) -> Result<(GitCaller, GitOutput), String> {
    let mut place = git.call(&WHERE, Vec::new())?;
    if !place.ok && place.complaint.contains("dubious ownership") && git.trust_what_the_user_trusts() {
        place = git.call(&WHERE, Vec::new())?;
    }
    Ok((git, place))
}

/// Whether objects are named by SHA-256, and the top of the work tree.
fn place_of(place: &GitOutput) -> Option<(bool, Option<PathBuf>)> {
    let mut lines = place.stdout.splitn(3, |b| *b == b'\n');
    let (format, inside) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
    let sha256 = match format {
        b"sha1" => false,
        b"sha256" => true,
        _ => return None,
    };
    let root = lines.next().and_then(|l| l.strip_suffix(b"\n")).filter(|_| place.ok && inside == b"true");
    Some((sha256, root.map(|r| PathBuf::from(OsStr::from_bytes(r)))))
}

/// Whether the folder that git is called in lies in this one.
fn is_within(git: &GitCaller, root: &Path) -> bool {
    git.dir.canonicalize().is_ok_and(|dir| dir.starts_with(root))
}

fn complaint(out: &GitOutput, otherwise: &str) -> String {
    if out.complaint.is_empty() { otherwise.to_owned() } else { format!("git: {}", out.complaint) }
}

fn reference(git: &GitCaller) -> Captured<String> {
    match git.call(&["symbolic-ref", "-q", "HEAD"], Vec::new()) {
        Ok(out) if out.ok => match std::str::from_utf8(&out.stdout).map(|s| s.trim_end_matches('\n')) {
            Ok(name) if name.starts_with("refs/") => Captured::found(name.to_owned(), "git symbolic-ref HEAD"),
            _ => Captured::absent("the branch's name is no UTF-8 below refs/"),
        },
        Ok(_) => Captured::absent("HEAD is detached"),
        Err(reason) => Captured::absent(&reason),
    }
}

/// The remote of the branch, else `origin`, else the only one.
fn find_remote(config: &Config, reference: &Captured<String>, root: &Path) -> Captured<String> {
    let get = |key: &str| config.iter().rev().find(|(k, _)| k == key).map(|(_, v)| v.as_str());
    let branch = reference.value().and_then(|r| r.strip_prefix("refs/heads/"));
    let mut names: Vec<&str> =
        config.iter().filter_map(|(k, _)| k.strip_prefix("remote.")?.strip_suffix(".url")).collect();
    names.sort_unstable();
    names.dedup();
    let tracked = branch.and_then(|b| get(&format!("branch.{b}.remote"))).filter(|r| names.contains(r));
    let name = match (tracked, names.as_slice()) {
        (Some(name), _) => name,
        (None, names) if names.contains(&"origin") => "origin",
        (None, [only]) => only,
        (None, []) => return Captured::absent("the repository has no remote"),
        (None, _) => return Captured::absent("several remotes, none named origin and none that the branch tracks"),
    };
    // Of several URLs of one remote the first is the one that is fetched from.
    let key = format!("remote.{name}.url");
    let url = config.iter().find(|(k, _)| *k == key).map_or("", |(_, v)| v.as_str());
    match remote::normalise(url, root) {
        // Where things lie on this machine is nobody's business, and means nothing elsewhere.
        Some(url) if url.starts_with("file:") => {
            Captured::absent(&format!("the remote {name} is a folder of this machine, whose path is not recorded"))
        }
        Some(url) => Captured::found(url, &format!("git config remote.{name}.url, normalised")),
        None => Captured::absent(&format!("the URL of the remote {name} is no address of a repository")),
    }
}
