//! What else git knows of a checkout: the commit object, tags, submodules, and what is unusual about it.

use crate::capture::Captured;
use crate::capture::git::call::GitCaller;
use crate::capture::git::commit;
use crate::capture::git::source::{SourceState, Submodule};
use crate::model::limits;
use crate::model::remote;
use std::collections::BTreeMap;
use std::path::Path;

/// Adds them, each for itself: one call that fails takes nothing from the others.
pub(in crate::capture) fn add(state: &mut SourceState, git: &GitCaller) {
    let Captured::Found { value: id, .. } = &state.commit else { return };
    fn absent<T>(reason: String) -> Captured<T> {
        Captured::Absent { reason }
    }
    state.object = object(git, id).unwrap_or_else(absent);
    state.tags = tags(git, id).unwrap_or_else(absent);
    state.submodules = submodules(git, id, &state.remote).unwrap_or_else(absent);
    state.shape = shape(git, &state.reference).unwrap_or_else(absent);
}

fn object(git: &GitCaller, id: &str) -> Result<Captured<crate::capture::Commit>, String> {
    let out = git.call(&["cat-file", "commit", id], Vec::new())?;
    if !out.ok {
        return Err(format!("git cat-file: {}", out.complaint));
    }
    if out.stdout.len() > limits::COMMIT_BYTES {
        return Err(format!("the commit object has more than {} bytes", limits::COMMIT_BYTES));
    }
    Ok(Captured::found(commit::read(&out.stdout), "git cat-file commit"))
}

fn tags(git: &GitCaller, id: &str) -> Result<Captured<Vec<String>>, String> {
    let out = git.call(&["for-each-ref", "--points-at", id, "--format=%(refname)", "refs/tags"], Vec::new())?;
    if !out.ok {
        return Err(format!("git for-each-ref: {}", out.complaint));
    }
    // A name that is no UTF-8 cannot be written; the others can.
    let names = out.stdout.split(|b| *b == b'\n').filter_map(|n| std::str::from_utf8(n).ok().filter(|n| !n.is_empty()));
    let mut names: Vec<_> = names.map(str::to_owned).collect();
    if names.len() > limits::GIT_NAMES {
        return Err(format!("more than {} tags stand at the commit", limits::GIT_NAMES));
    }
    names.sort_unstable();
    Ok(Captured::found(names, "git for-each-ref --points-at"))
}

/// The commit's own word, whatever the work tree and the configuration say.
fn submodules(git: &GitCaller, id: &str, parent: &Captured<String>) -> Result<Captured<Vec<Submodule>>, String> {
    let out = git.call(&["ls-tree", "-r", "-z", "--full-tree", id], Vec::new())?;
    if !out.ok {
        return Err(format!("git ls-tree: {}", out.complaint));
    }
    let mut links = Vec::new();
    for entry in out.stdout.split(|b| *b == 0) {
        let Some(rest) = entry.strip_prefix(b"160000 commit ") else { continue };
        let text = String::from_utf8_lossy(rest);
        let Some((commit, path)) = text.split_once('\t') else { continue };
        links.push((path.to_owned(), commit.to_owned()));
        if links.len() > limits::GIT_NAMES {
            return Err(format!("more than {} submodules", limits::GIT_NAMES));
        }
    }
    let urls = if links.is_empty() { BTreeMap::new() } else { urls(git, id)? };
    let url = |path: &str| {
        let text = urls.get(path)?;
        match (text.starts_with("./") || text.starts_with("../"), parent.value()) {
            (false, _) => remote::normalise(text, Path::new("/")).filter(|u| !u.starts_with("file:")),
            (true, Some(parent)) => below(parent, text),
            (true, None) => None,
        }
    };
    let all = links.into_iter().map(|(path, commit)| Submodule { url: url(&path), path, commit }).collect();
    Ok(Captured::found(all, "git ls-tree, and .gitmodules of the commit"))
}

/// Addresses by path, from `.gitmodules` as the commit has it: a blob, which includes nothing.
fn urls(git: &GitCaller, id: &str) -> Result<BTreeMap<String, String>, String> {
    let blob = format!("--blob={id}:.gitmodules");
    let out = git.call(&["config", "-z", &blob, "--get-regexp", r"^submodule\..*\.(path|url)$"], Vec::new())?;
    let (mut paths, mut urls) = (BTreeMap::new(), BTreeMap::new());
    for entry in out.stdout.split(|b| *b == 0) {
        let text = String::from_utf8_lossy(entry).into_owned();
        let Some((key, value)) = text.split_once('\n') else { continue };
        if let Some(name) = key.strip_suffix(".path") {
            paths.insert(name.to_owned(), value.to_owned());
        } else if let Some(name) = key.strip_suffix(".url") {
            urls.insert(name.to_owned(), value.to_owned());
        }
    }
    Ok(paths.into_iter().filter_map(|(name, path)| Some((path, urls.remove(&name)?))).collect())
}

/// An address relative to the parent's, as git resolves it.
fn below(parent: &str, relative: &str) -> Option<String> {
    let (scheme, rest) = parent.split_once("://")?;
    let mut parts: Vec<&str> = rest.split('/').collect();
    for part in relative.split('/') {
        match part {
            "." | "" => {}
            // The host stays.
            ".." if parts.len() > 1 => drop(parts.pop()),
            ".." => return None,
            part => parts.push(part),
        }
    }
    remote::normalise(&format!("{scheme}://{}", parts.join("/")), Path::new("/")).filter(|u| !u.starts_with("file:"))
}

fn shape(git: &GitCaller, reference: &Captured<String>) -> Result<Captured<Vec<&'static str>>, String> {
    let wanted =
        ["rev-parse", "--is-shallow-repository", "--is-bare-repository", "--absolute-git-dir", "--git-common-dir"];
    let out = git.call(&wanted, Vec::new())?;
    if !out.ok {
        return Err(format!("git rev-parse: {}", out.complaint));
    }
    let text = String::from_utf8_lossy(&out.stdout);
    let mut lines = text.lines();
    let (shallow, bare) = (lines.next() == Some("true"), lines.next() == Some("true"));
    // Where both folders are the same one, git may write the second as a relative path.
    let linked = match (lines.next(), lines.next()) {
        (Some(own), Some(common)) => {
            let common = git.dir.join(common);
            common.canonicalize().ok() != Path::new(own).canonicalize().ok()
        }
        _ => false,
    };
    let partial =
        git.call(&["config", "-z", "--get-regexp", r"^(extensions\.partialclone|remote\..*\.promisor)$"], Vec::new())?;
    let all = [
        (shallow, "shallow"),
        (reference.value().is_none(), "detached"),
        (linked, "linked-worktree"),
        (bare, "bare"),
        (partial.ok && !partial.stdout.is_empty(), "partial"),
        (git.is_placed(), "git-dir"),
    ];
    let found = all.into_iter().filter(|(is, _)| *is).map(|(_, name)| name).collect();
    Ok(Captured::found(found, "git rev-parse and git config"))
}
