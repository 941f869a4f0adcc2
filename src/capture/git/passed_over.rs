//! What git would run, or believe, if it were asked in the usual way, and what was passed over instead: named, so that a
//! person sees it. Names only, since a value may hold a secret.

use crate::capture::git::answers::path_text;
use crate::capture::git::call::GitCaller;
use crate::capture::git::source::SourceState;
use crate::capture::{Captured, Environment};
use crate::model::limits;
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

/// Settings that run a program, fetch, or read another file.
const SETTINGS: &str = r"^(core\.(fsmonitor|hookspath|sshcommand|pager|editor|askpass|gitproxy|alternaterefscommand|worktree|attributesfile|excludesfile)|gpg\.program|gpg\..*\.(program|defaultkeycommand)|diff\.external|diff\..*\.(textconv|command)|filter\..*\.(clean|smudge|process)|merge\..*\.driver|(diff|merge)tool\..*\.cmd|alias\..*|pager\..*|credential\.helper|credential\..*\.helper|include\.path|includeif\..*\.path|url\..*\.(insteadof|pushinsteadof)|protocol\.allow|protocol\..*\.allow|remote\..*\.(uploadpack|receivepack|vcs|proxy|promisor|partialclonefilter)|submodule\..*\.update|uploadpack\.packobjectshook|sequence\.editor|interactive\.difffilter|trailer\..*\.(command|cmd)|init\.templatedir|safe\.directory)$";

/// Beginnings of variables that make git run a program, write a file, or look elsewhere.
const VARIABLES: &[&str] = &[
    "GIT_ALLOW_PROTOCOL",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_ASKPASS",
    "GIT_ATTR_",
    "GIT_CEILING_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_CONFIG",
    "GIT_DEFAULT_HASH",
    "GIT_DISCOVERY_ACROSS_FILESYSTEM",
    "GIT_EDITOR",
    "GIT_EXEC_PATH",
    "GIT_EXTERNAL_DIFF",
    "GIT_GRAFT_FILE",
    "GIT_INDEX_FILE",
    "GIT_NAMESPACE",
    "GIT_NOTES_",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PAGER",
    "GIT_PROTOCOL",
    "GIT_PROXY_",
    "GIT_REDIRECT_",
    "GIT_REPLACE_REF_BASE",
    "GIT_SEQUENCE_EDITOR",
    "GIT_SHALLOW_FILE",
    "GIT_SSH",
    "GIT_TEMPLATE_DIR",
    "GIT_TRACE",
    "SSH_ASKPASS",
];

/// Adds them to the state.
pub(in crate::capture) fn add(state: &mut SourceState, git: &GitCaller, env: &Environment) {
    let mut all = BTreeSet::new();
    let found = settings(git, &mut all).and_then(|()| in_the_repository(git, &mut all));
    for name in env.variables.keys().filter_map(|n| n.to_str()) {
        if VARIABLES.iter().any(|beginning| name.starts_with(beginning)) {
            all.insert(format!("variable {name}"));
        }
    }
    for submodule in state.submodules.value().into_iter().flatten().filter(|s| s.url.is_none()) {
        all.insert(format!("submodule {}: what it names is no address", submodule.path));
    }
    let mut all: Vec<_> = all.into_iter().collect();
    if all.len() > limits::PASSED_OVER {
        all.truncate(limits::PASSED_OVER);
        all.push(format!("more than {} things", limits::PASSED_OVER));
    }
    state.passed_over = match found {
        Ok(()) => Captured::found(all, "git config, and the repository's own files"),
        Err(reason) => Captured::absent(&reason),
    };
}

fn settings(git: &GitCaller, all: &mut BTreeSet<String>) -> Result<(), String> {
    let out = git.call(&["config", "-z", "--show-scope", "--get-regexp", SETTINGS], Vec::new())?;
    let mut parts = out.stdout.split(|b| *b == 0);
    while let (Some(scope), Some(entry)) = (parts.next(), parts.next()) {
        // What we say ourselves is of the scope `command`.
        if scope == b"local" || scope == b"worktree" {
            let key = entry.split(|b| *b == b'\n').next().unwrap_or_default();
            all.insert(format!("setting {}", path_text(key)));
        }
    }
    Ok(())
}

fn in_the_repository(git: &GitCaller, all: &mut BTreeSet<String>) -> Result<(), String> {
    let out = git.call(&["rev-parse", "--git-common-dir"], Vec::new())?;
    let Some(folder) = out.stdout.strip_suffix(b"\n").filter(|_| out.ok) else {
        return Err(format!("git rev-parse: {}", out.complaint));
    };
    let folder = git.dir.join(PathBuf::from(OsStr::from_bytes(folder)));
    if let Ok(hooks) = folder.join("hooks").read_dir() {
        let is_hook = |e: &std::fs::DirEntry| {
            !e.file_name().as_bytes().ends_with(b".sample")
                && e.path().metadata().is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 != 0)
        };
        let hooks = hooks.take(10 * limits::PASSED_OVER).filter_map(Result::ok).filter(is_hook);
        all.extend(hooks.map(|e| format!("hook {}", path_text(e.file_name().as_bytes()))));
    }
    for (file, what) in [
        ("info/grafts", "grafts"),
        ("objects/info/alternates", "alternates"),
        ("info/attributes", "attributes of the repository"),
    ] {
        if folder.join(file).symlink_metadata().is_ok_and(|m| m.len() > 0) {
            all.insert(format!("{what} ({file})"));
        }
    }
    let out = git.call(&["for-each-ref", "--count=1", "--format=%(refname)", "refs/replace/"], Vec::new())?;
    if !out.stdout.is_empty() {
        all.insert("replaced objects (refs/replace)".to_owned());
    }
    Ok(())
}
