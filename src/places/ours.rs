//! That nobody but this user and root decides what a path leads to.
#![expect(clippy::disallowed_methods, reason = "back end: owners and modes of files")]

use super::{PlaceError, files};
use crate::model::limits;
use std::ffi::OsString;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Component, Path, PathBuf};

/// Links that are followed on the way to one file, as many as Linux follows.
const LINKS: usize = 40;

/// The file that a path leads to, once links are followed, if nobody else can decide that.
///
/// Whoever can write the file writes the policy. So does whoever can rename one of the folders above it, or of those that
/// a link on the way stands in, and put another in its place: each of them is looked at, not the last alone. In a sticky
/// folder (/tmp) others cannot replace what is not theirs, so what stands there must be ours. Where a mount is read-only
/// (`read_only`), modes allow nothing: a ConfigMap of Kubernetes is writable by everybody, by its modes.
///
/// # Errors
/// `policy-writable-by-others`, `file-unreadable`; both name the place.
pub(super) fn only(path: &Path, read_only: fn(&Path) -> bool) -> Result<PathBuf, PlaceError> {
    let unreadable =
        |e: io::Error| PlaceError::Unreadable { what: format!("`{}`", path.display()), cause: e.to_string() };
    let absolute = std::path::absolute(path).map_err(unreadable)?;
    let mut left: Vec<OsString> = Vec::new();
    follow(&mut left, &absolute);
    let (mut at, mut links) = (PathBuf::from("/"), 0);
    while let Some(name) = left.pop() {
        if name == ".." {
            at.pop();
            continue;
        }
        let folder = fs::symlink_metadata(&at).map_err(unreadable)?;
        let next = at.join(&name);
        let meta = fs::symlink_metadata(&next).map_err(unreadable)?;
        refuse(path, &at, writer(&folder, read_only(&at)))?;
        if !meta.is_symlink() {
            at = next;
            continue;
        }
        // The modes of a link mean nothing; who made it could make it lead elsewhere.
        refuse(path, &next, owner(&meta))?;
        links += 1;
        if links > LINKS {
            return Err(unreadable(io::Error::other("too many links")));
        }
        let target = fs::read_link(&next).map_err(unreadable)?;
        if target.is_absolute() {
            at = PathBuf::from("/");
        }
        follow(&mut left, &target);
    }
    let meta = fs::symlink_metadata(&at).map_err(unreadable)?;
    refuse(path, &at, writer(&meta, read_only(&at)))?;
    Ok(at)
}

/// Whether a path is on a mount that nothing can be written to.
pub(super) fn is_read_only(path: &Path) -> bool {
    rustix::fs::statvfs(path).is_ok_and(|s| s.f_flag.contains(rustix::fs::StatVfsMountFlags::RDONLY))
}

/// Puts the parts of a path before those that are left, the next one last.
fn follow(left: &mut Vec<OsString>, path: &Path) {
    let parts = path.components().filter(|c| matches!(c, Component::Normal(_) | Component::ParentDir));
    let mut parts: Vec<_> = parts.map(|c| c.as_os_str().to_owned()).collect();
    parts.reverse();
    left.extend(parts);
}

fn refuse(path: &Path, at: &Path, who: Option<String>) -> Result<(), PlaceError> {
    let Some(who) = who else { return Ok(()) };
    let (path, at) = (path.display().to_string(), at.display().to_string());
    Err(PlaceError::WritableByOthers { path, who, at })
}

/// Who else owns it.
fn owner(meta: &Metadata) -> Option<String> {
    let us = rustix::process::geteuid().as_raw();
    (![0, us].contains(&meta.uid())).then(|| format!("user {}, who owns it,", meta.uid()))
}

/// Who else can write a file, or replace what is in a folder.
fn writer(meta: &Metadata, read_only: bool) -> Option<String> {
    let mode = meta.mode();
    let sticky = meta.is_dir() && mode & 0o1000 != 0;
    owner(meta).or_else(|| match () {
        () if read_only || sticky => None,
        () if mode & 0o002 != 0 => Some("everybody".to_owned()),
        () if mode & 0o020 != 0 && !is_private_group(meta.uid(), meta.gid()) => Some(format!("group {}", meta.gid())),
        () => None,
    })
}

/// Whether a group is the owner's private one: the owner's own primary group, and nobody else is in it.
fn is_private_group(uid: u32, gid: u32) -> bool {
    let read = |p: &str| files::read(Path::new(p), limits::POLICY_BYTES).ok().and_then(|b| String::from_utf8(b).ok());
    let (Some(users), Some(groups)) = (read("/etc/passwd"), read("/etc/group")) else { return false };
    let field = |line: &str, n: usize| line.split(':').nth(n).unwrap_or_default().to_owned();
    let Some(owner) = users.lines().find(|l| field(l, 2) == uid.to_string()) else { return false };
    let name = field(owner, 0);
    let others = users.lines().filter(|l| field(l, 3) == gid.to_string() && field(l, 0) != name).count();
    let members = groups.lines().find(|l| field(l, 2) == gid.to_string()).map(|l| field(l, 3)).unwrap_or_default();
    field(owner, 3) == gid.to_string() && others == 0 && members.split(',').all(|m| m.is_empty() || m == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt as _, lchown, symlink};

    struct Tree(tempfile::TempDir);

    impl Tree {
        /// `a/b/c/policy`, and `other`, where nobody else can write.
        fn new() -> Self {
            let tree = Self(tempfile::tempdir().unwrap());
            fs::create_dir_all(tree.at("a/b/c")).unwrap();
            fs::create_dir(tree.at("other")).unwrap();
            fs::write(tree.at("a/b/c/policy"), "x").unwrap();
            tree.mode("a/b/c/policy", 0o644);
            for folder in ["", "a", "a/b", "a/b/c", "other"] {
                tree.mode(folder, 0o755);
            }
            tree
        }

        fn at(&self, path: &str) -> PathBuf {
            self.0.path().canonicalize().unwrap().join(path)
        }

        fn mode(&self, path: &str, mode: u32) {
            fs::set_permissions(self.at(path), fs::Permissions::from_mode(mode)).unwrap();
        }

        fn link(&self, target: &str, path: &str) {
            symlink(target, self.at(path)).unwrap();
        }

        /// Whether the path leads to the policy and nobody else decides that; else the code.
        fn only(&self, path: &str) -> Result<bool, &'static str> {
            let real = only(&self.at(path), |_| false).map_err(|e| e.code().as_str())?;
            Ok(fs::read(real).unwrap() == b"x")
        }
    }

    const WRITABLE: Result<bool, &str> = Err("policy-writable-by-others");

    #[test]
    fn every_folder_on_the_way_must_be_ours() {
        let tree = Tree::new();
        assert_eq!(tree.only("a/b/c/policy"), Ok(true));
        for folder in ["a", "a/b", "a/b/c", "a/b/c/policy"] {
            for bits in [0o777, 0o757] {
                tree.mode(folder, bits);
                assert_eq!(tree.only("a/b/c/policy"), WRITABLE, "{folder} {bits:o}");
            }
            tree.mode(folder, 0o1777);
            let sticky = if folder.ends_with("policy") { WRITABLE } else { Ok(true) };
            assert_eq!(tree.only("a/b/c/policy"), sticky, "{folder} sticky");
            tree.mode(folder, 0o755);
        }
        assert_eq!(tree.only("a/b/c/absent"), Err("file-unreadable"));
        assert_eq!(tree.only("a/../other/../a/b/c/policy"), Ok(true));
    }

    #[test]
    fn a_link_leads_only_where_nobody_else_can_make_it_lead() {
        let tree = Tree::new();
        tree.link("../a/b/c/policy", "other/policy");
        tree.link("a/b", "short");
        tree.link("short/c/../c", "long");
        for path in ["other/policy", "short/c/policy", "long/policy"] {
            assert_eq!(tree.only(path), Ok(true), "{path}");
        }
        // The folder of a link, and one that a link leads through.
        tree.mode("other", 0o777);
        assert_eq!(tree.only("other/policy"), WRITABLE);
        tree.mode("other", 0o755);
        tree.mode("a", 0o777);
        assert!(["other/policy", "short/c/policy", "long/policy"].into_iter().all(|p| tree.only(p) == WRITABLE));
        tree.mode("a", 0o755);
        tree.link("again", "again");
        assert_eq!(tree.only("again/policy"), Err("file-unreadable"));
        // Only root can make what another user has made; a link in a sticky folder may be anybody's.
        if rustix::process::geteuid().is_root() {
            tree.mode("other", 0o1777);
            assert_eq!(tree.only("other/policy"), Ok(true));
            lchown(tree.at("other/policy"), Some(12345), None).unwrap();
            assert_eq!(tree.only("other/policy"), WRITABLE);
        }
    }

    #[test]
    fn modes_allow_nothing_on_a_read_only_mount() {
        let tree = Tree::new();
        // As Kubernetes mounts a ConfigMap.
        fs::create_dir(tree.at("other/..v1")).unwrap();
        fs::write(tree.at("other/..v1/policy"), "x").unwrap();
        tree.link("..v1", "other/..data");
        tree.link("..data/policy", "other/policy");
        tree.mode("other", 0o777);
        tree.mode("other/..v1", 0o777);
        tree.mode("other/..v1/policy", 0o666);
        assert_eq!(tree.only("other/policy"), WRITABLE);
        let mounted = |path: &Path| path.components().any(|c| c.as_os_str() == "other");
        assert_eq!(only(&tree.at("other/policy"), mounted).unwrap(), tree.at("other/..v1/policy"));
        // The folder that it is mounted in is not part of it.
        tree.mode("", 0o777);
        assert_eq!(only(&tree.at("other/policy"), mounted).unwrap_err().code().as_str(), "policy-writable-by-others");
        tree.mode("", 0o755);
        assert!(!is_read_only(&tree.at("")));
    }
}
