//! Whether the repository that git finds is that of the checkout.
//!
//! `.git` may be a link, or a file that names a folder elsewhere; a folder of it may name another that it shares refs and
//! configuration with, and each of its files may be a link. Whoever writes the checkout could so have another repository
//! of the machine published as its own: its address, branches, tags and commit. Linked work trees and submodules keep
//! their repository elsewhere, too, but there it says which folder it belongs to, and that is what counts.

use crate::capture::git::call::GitCaller;
use crate::capture::input::files;
use crate::model::limits;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

/// Folders of a repository whose files say what its refs are.
const REFS: &[&str] = &["refs", "reftable"];

/// That the repository which git finds is the checkout's, or the one that the caller's own variable names.
///
/// # Errors
/// The reason, for a person.
pub(in crate::capture) fn check(git: &GitCaller) -> Result<(), String> {
    if git.git_dir().is_some() {
        return Ok(());
    }
    let found = git.call(&["rev-parse", "--absolute-git-dir", "--git-common-dir"], Vec::new())?;
    let mut lines = found.stdout.split(|b| *b == b'\n').map(|l| Path::new(OsStr::from_bytes(l)));
    let (true, Some(own), Some(common)) = (found.ok, lines.next(), lines.next()) else {
        // There is none: whoever asks will be told so by git itself.
        return Ok(());
    };
    let real = |path: &Path| path.canonicalize().map_err(|e| format!("`{}`: {e}", path.display()));
    let (dir, own, common) = (real(&git.dir)?, real(own)?, real(&git.dir.join(common))?);
    let holder = dir.ancestors().find(|a| leads_to(a).as_deref() == Some(&own));
    let belongs = match holder {
        Some(holder) => own.starts_with(holder) || points_back(git, &own, holder),
        // A bare repository, asked from inside.
        None => dir.starts_with(&own),
    };
    if !belongs {
        let what = "`.git` leads to a repository outside the checkout, which does not point back to it";
        return Err(format!("{what}; set core.worktree there, or GIT_DIR, if it is meant"));
    }
    let shared = own.parent().filter(|p| p.file_name() == Some(OsStr::new("worktrees"))).and_then(Path::parent);
    let inside = |path: &Path| path.starts_with(&own) || holder.is_some_and(|holder| path.starts_with(holder));
    if !inside(&common) && shared != Some(&*common) {
        return Err("`commondir` of the repository leads out of the checkout".to_owned());
    }
    let stays = |path: &Path| inside(path) || path.starts_with(&common);
    let mut left = limits::NAR_ENTRIES;
    for folder in [&own, &common] {
        look(folder, 0, &stays, &mut left)?;
        for refs in REFS {
            look(&folder.join(refs), limits::JSON_DEPTH, &stays, &mut left)?;
        }
    }
    Ok(())
}

/// The repository that `.git` in a folder stands for.
fn leads_to(folder: &Path) -> Option<PathBuf> {
    let git = folder.join(".git");
    if git.is_dir() {
        return git.canonicalize().ok();
    }
    let to = line(&git, "gitdir:")?;
    folder.join(to).canonicalize().ok()
}

/// Whether a repository says itself that it is the one of this folder: as that of a linked work tree does with the file
/// `gitdir`, and that of a submodule with the setting `core.worktree`.
fn points_back(git: &GitCaller, own: &Path, holder: &Path) -> bool {
    let is_holder = |path: &Path| path.canonicalize().is_ok_and(|path| path == holder);
    let of_work_tree = line(&own.join("gitdir"), "").is_some_and(|to| {
        // Its folder alone: `.git` itself may be a link to that of another work tree.
        let to = own.join(to);
        to.file_name() == Some(OsStr::new(".git")) && to.parent().is_some_and(is_holder)
    });
    of_work_tree || {
        let config = own.join("config");
        let config = config.to_str().unwrap_or_default();
        let out = git.call(&["config", "--no-includes", "-z", "--file", config, "--get", "core.worktree"], Vec::new());
        out.is_ok_and(|out| {
            let value = out.stdout.strip_suffix(&[0]).filter(|v| out.ok && !v.is_empty());
            value.is_some_and(|v| is_holder(&own.join(OsStr::from_bytes(v))))
        })
    }
}

/// The first line of a small file, behind `beginning`.
fn line(path: &Path, beginning: &str) -> Option<PathBuf> {
    let bytes = files::read(path, limits::VALUE_BYTES).ok()?;
    let text = bytes.strip_prefix(beginning.as_bytes())?;
    let text = text.trim_ascii_start().split(|b| *b == b'\n').next()?.trim_ascii_end();
    (!text.is_empty()).then(|| PathBuf::from(OsStr::from_bytes(text)))
}

/// That no link in a folder, down to `depth` folders, leads out.
fn look(folder: &Path, depth: usize, stays: &dyn Fn(&Path) -> bool, left: &mut usize) -> Result<(), String> {
    let Ok(entries) = folder.read_dir() else { return Ok(()) };
    for entry in entries.filter_map(Result::ok) {
        *left = left.checked_sub(1).ok_or_else(|| "the repository has too many refs to look at".to_owned())?;
        let Ok(kind) = entry.file_type() else { continue };
        let path = entry.path();
        if kind.is_symlink() && path.canonicalize().is_ok_and(|to| !stays(&to)) {
            let shown: PathBuf = path.components().skip_while(|c| c.as_os_str() != ".git").collect();
            return Err(format!("`{}` leads out of the checkout; the repository was not looked at", shown.display()));
        }
        if kind.is_dir() && depth > 0 {
            look(&path, depth - 1, stays, left)?;
        }
    }
    Ok(())
}
