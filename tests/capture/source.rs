//! The source: commit, ref, remote, and how the work tree differs.

use crate::repo::{Repo, env_in};
use attest::capture::{Captured, Checkout as _, Local};
use attest::model::Digest;
use serde_json::json;
use std::os::unix::fs::{PermissionsExt as _, symlink};

fn reason<T: std::fmt::Debug>(captured: &Captured<T>) -> &str {
    match captured {
        Captured::Absent { reason } => reason,
        found => panic!("{found:?}"),
    }
}

#[test]
fn what_git_says_is_what_is_captured() {
    let repo = Repo::new();
    let state = repo.state();
    assert_eq!(state.commit.value(), Some(&repo.git(&["rev-parse", "HEAD"])));
    assert_eq!(state.tree.value(), Some(&repo.git(&["rev-parse", "HEAD^{tree}"])));
    assert_eq!(state.reference.value().unwrap(), "refs/heads/main");
    assert_eq!(state.remote.value().unwrap(), "https://github.com/acme/app");
    assert_eq!(state.root.as_deref(), Some(repo.root.as_path()));
    assert_eq!(state.dirty.value().unwrap().files, 0);
    // The same from a folder below, and over a link to the checkout.
    let link = repo.outside().join("link");
    symlink(&repo.root, &link).unwrap();
    for dir in [repo.root.join("dir"), link] {
        let other = Local::default().source(&env_in(&dir), &[]);
        assert_eq!(
            (other.commit, other.dirty, other.root),
            (state.commit.clone(), state.dirty.clone(), state.root.clone())
        );
    }
}

#[test]
fn the_remote_is_the_branch_s_else_origin_else_the_only_one() {
    let repo = Repo::new();
    repo.git(&["remote", "add", "fork", "git@git.example:me/app.git"]);
    assert_eq!(repo.state().remote.value().unwrap(), "https://github.com/acme/app");
    repo.git(&["config", "branch.main.remote", "fork"]);
    assert_eq!(repo.state().remote.value().unwrap(), "ssh://git.example/me/app");
    repo.git(&["config", "--unset", "branch.main.remote"]);
    repo.git(&["remote", "remove", "origin"]);
    assert_eq!(repo.state().remote.value().unwrap(), "ssh://git.example/me/app");
    repo.git(&["remote", "add", "third", "/srv/app"]);
    assert!(reason(&repo.state().remote).contains("several remotes"));
    for name in ["fork", "third"] {
        repo.git(&["remote", "remove", name]);
    }
    assert!(reason(&repo.state().remote).contains("no remote"));
}

#[test]
fn a_detached_head_has_no_ref() {
    let repo = Repo::new();
    repo.git(&["checkout", "-q", "--detach"]);
    let state = repo.state();
    assert!(reason(&state.reference).contains("detached"));
    assert!(state.commit.value().is_some());
}

/// Every way to differ, its twin being the checkout before; the digest is recomputed here from the definition.
#[test]
fn every_difference_is_seen_and_digested() {
    type Change = fn(&Repo);
    let sha = |text: &str| Digest::sha256(text.as_bytes()).hex().to_owned();
    let all: &[(Change, serde_json::Value)] = &[
        (|r| r.write("a.txt", "A\n"), json!([["a.txt", "100644", sha("A\n")]])),
        (|r| std::fs::remove_file(r.root.join("a.txt")).unwrap(), json!([["a.txt", "000000", ""]])),
        (|r| r.write("new", "n"), json!([["new", "100644", sha("n")]])),
        (
            |r| {
                r.write("staged", "s");
                r.git(&["add", "staged"]);
            },
            json!([["staged", "100644", sha("s")]]),
        ),
        (
            |r| std::fs::set_permissions(r.root.join("a.txt"), std::fs::Permissions::from_mode(0o755)).unwrap(),
            json!([["a.txt", "100755", sha("a\n")]]),
        ),
        (
            |r| {
                std::fs::remove_file(r.root.join("a.txt")).unwrap();
                symlink("dir/b.txt", r.root.join("a.txt")).unwrap();
            },
            json!([["a.txt", "120000", sha("dir/b.txt")]]),
        ),
        (
            // A folder replaced by a link to one with the same files: git does not look through it.
            |r| {
                std::fs::rename(r.root.join("dir"), r.outside().join("dir")).unwrap();
                symlink(r.outside().join("dir"), r.root.join("dir")).unwrap();
                r.write(".git/info/exclude", "/dir\n");
            },
            json!([["dir/b.txt", "000000", ""]]),
        ),
        (
            // The index alone: the work tree has been put back.
            |r| {
                r.write("a.txt", "A\n");
                r.git(&["add", "a.txt"]);
                r.write("a.txt", "a\n");
            },
            json!([["a.txt", "100644", sha("a\n")]]),
        ),
        (
            |r| {
                r.write("dir/b.txt", "same size\n");
                r.git(&["update-index", "--assume-unchanged", "dir/b.txt"]);
            },
            json!([["dir/b.txt", "100644", sha("same size\n")]]),
        ),
        (
            |r| {
                r.write("z", "z");
                r.write("A", "A");
                r.write("a.txt", "A\n");
            },
            json!([["A", "100644", sha("A")], ["a.txt", "100644", sha("A\n")], ["z", "100644", sha("z")]]),
        ),
    ];
    for (i, (change, rows)) in all.iter().enumerate() {
        let repo = Repo::new();
        repo.write("ignored/x", "not part of the source");
        assert_eq!(repo.state().dirty.value().unwrap().files, 0, "before change {i}");
        change(&repo);
        let state = repo.state();
        let difference = state.dirty.value().unwrap();
        assert_eq!(difference.files, rows.as_array().unwrap().len(), "change {i}: {difference:?}");
        let expected = Digest::sha256(&serde_json_canonicalizer::to_vec(rows).unwrap());
        assert_eq!(difference.digest.value(), Some(&expected), "change {i}: {difference:?}");
    }
}

#[test]
fn subjects_are_no_difference() {
    let repo = Repo::new();
    repo.write("dist/app.bin", "app");
    repo.write("dist/notes", "notes");
    let files = |excluded: &[&str]| {
        let excluded: Vec<_> = excluded.iter().map(Into::into).collect();
        Local::default().source(&repo.env(), &excluded).dirty.value().unwrap().files
    };
    assert_eq!(files(&[]), 2);
    assert_eq!(files(&["dist/app.bin"]), 1);
    assert_eq!(files(&["dist/*.bin"]), 1);
    assert_eq!(files(&["./dist"]), 0);
    assert_eq!(files(&["elsewhere/app.bin"]), 2);
}

#[test]
fn conversions_that_git_makes_are_clean_and_others_are_not() {
    let repo = Repo::empty(&[]);
    repo.write(".gitattributes", "*.txt text\n*.big filter=lfs\n*.id ident\n*.odd filter=odd\n");
    repo.write("t.txt", "one\ntwo\n");
    repo.write("plain.bin", "one\ntwo\n");
    repo.write("i.id", "$Id$\n");
    let pointer = format!("version https://git-lfs.github.com/spec/v1\noid {}\nsize 7\n", Digest::sha256(b"content"));
    repo.write("f.big", &pointer);
    repo.write("o.odd", "converted");
    repo.commit();
    assert_eq!(repo.differing(), []);
    // What a checkout with conversions looks like.
    repo.write("t.txt", "one\r\ntwo\r\n");
    repo.write("f.big", "content");
    assert_eq!(repo.differing(), []);
    // And what only looks like one.
    repo.write("t.txt", "one\r\ntwo\r\nthree\r\n");
    repo.write("f.big", "CONTENT");
    repo.write("plain.bin", "one\r\ntwo\r\n");
    repo.write("i.id", "$Id: 0123 $\n");
    repo.write("o.odd", "whatever the filter makes of it");
    let why: Vec<_> = repo.differing().into_iter().map(|(path, _)| path).collect();
    assert_eq!(why, ["f.big", "i.id", "o.odd", "plain.bin", "t.txt"]);
    assert!(repo.differing()[2].1.contains("its filter was not run"));
    repo.git(&["config", "core.autocrlf", "true"]);
    assert!(!repo.differing().iter().any(|(path, _)| path == "plain.bin"));
}

/// A fresh checkout by git itself, which converts, is clean; what git would not have written is not.
#[test]
fn what_a_checkout_converts_is_no_difference() {
    let repo = Repo::empty(&[]);
    repo.write(".gitattributes", "*.id ident\n*.u16 text working-tree-encoding=UTF-16\n*.le working-tree-encoding=UTF-16LE\n*.jis working-tree-encoding=SHIFT-JIS\n*.none working-tree-encoding=x-none\n");
    let utf16 = |text: &str, mark: bool| {
        let mark = mark.then_some(0xFEFF);
        mark.into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect::<Vec<u8>>()
    };
    repo.write("a.id", "one $Id$ two\n$Id$\n");
    repo.write("b.u16", utf16("gr\u{fc}n\nrot\n", true));
    repo.write("c.le", utf16("gr\u{fc}n\n", false));
    repo.write("d.jis", b"\x93\xFA\x96\x7B\n");
    repo.commit();
    for name in ["a.id", "b.u16", "c.le", "d.jis"] {
        std::fs::remove_file(repo.root.join(name)).unwrap();
    }
    repo.git(&["checkout", "-q", "--", "."]);
    let written = std::fs::read_to_string(repo.root.join("a.id")).unwrap();
    assert!(written.contains("$Id: "), "{written}");
    assert_eq!(repo.differing(), []);
    repo.write("a.id", written.replacen("$Id: ", "$Id: rm -rf / ", 1));
    repo.write("b.u16", utf16("gr\u{fc}n\r\nrot\r\n", true));
    assert_eq!(repo.differing(), [("a.id".to_owned(), "other content")]);
    repo.write("a.id", &written);
    repo.write("b.u16", utf16("gr\u{fc}n\nrot\n", false));
    repo.write("c.le", utf16("gelb\n", false));
    repo.write("d.jis", b"\xC6\xFC\xCB\xDC\n");
    let why: Vec<_> = repo.differing().into_iter().map(|(path, _)| path).collect();
    assert_eq!(why, ["b.u16", "c.le", "d.jis"]);
}

/// Branches and files may be named as they like: the address of a file has one `#`, and is ASCII.
#[test]
fn an_address_has_one_mark_before_the_file_and_is_ascii() {
    let repo = Repo::new();
    for (branch, written) in [("fix#12", "fix%2312"), ("gr\u{fc}n", "gr%C3%BCn"), ("50%", "50%25"), ("plain", "plain")]
    {
        repo.git(&["checkout", "-q", "-b", branch]);
        let lock = "dir #1/\u{fc}/Cargo.lock";
        repo.write(lock, "version = 4\n");
        let request = attest::capture::Request { dependencies: vec![lock.into()], ..Default::default() };
        let provenance = crate::explain::context(&repo.env(), &request).provenance();
        let source = format!("git+https://github.com/acme/app@refs/heads/{written}");
        assert_eq!(provenance.dependencies[0].uri(), Some(source.as_str()));
        assert_eq!(provenance.dependencies[1].uri(), Some(&*format!("{source}#dir%20%231/%C3%BC/Cargo.lock")));
        assert_eq!(provenance.dependencies[1].name(), Some(lock));
        // Whoever reads it has the branch as it is.
        assert_eq!(provenance.source().unwrap().reference, Some(format!("refs/heads/{branch}")));
    }
}

#[test]
fn odd_names_and_the_other_object_format() {
    let repo = Repo::empty(&["--object-format=sha256"]);
    use std::os::unix::ffi::OsStrExt as _;
    let odd = std::ffi::OsStr::from_bytes(b"tab\there\nand \xff");
    std::fs::write(repo.root.join(odd), "x").unwrap();
    repo.commit();
    let state = repo.state();
    assert_eq!(state.commit.value().unwrap().len(), 64);
    assert_eq!(state.dirty.value().unwrap().files, 0);
    std::fs::write(repo.root.join(odd), "y").unwrap();
    let rows = json!([["tab\there\nand \\xff", "100644", Digest::sha256(b"y").hex()]]);
    let expected = Digest::sha256(&serde_json_canonicalizer::to_vec(&rows).unwrap());
    assert_eq!(repo.state().dirty.value().unwrap().digest.value(), Some(&expected));
}

/// A file of terabytes that takes no room on a disk, in every way that a file may differ.
#[test]
fn a_file_of_any_size_holds_nothing_up() {
    use std::time::{Duration, Instant};
    const OVER: u64 = 8 << 40;
    const BELOW: u64 = 15 << 30;
    let look = |repo: &Repo, millis: u64| {
        let began = Instant::now();
        let local = Local { hash_time: Duration::from_millis(millis), ..Local::default() };
        let dirty = local.source(&repo.env(), &[]).dirty;
        assert!(began.elapsed() < Duration::from_secs(60), "{:?}", began.elapsed());
        dirty
    };
    for (what, attributes, name) in [
        ("untracked", "", "new.bin"),
        ("changed", "", "a.txt"),
        ("text", "* text\n", "a.txt"),
        ("of Git LFS", "* filter=lfs\n", "a.txt"),
    ] {
        let repo = Repo::empty(&[]);
        repo.write("a.txt", "a\n");
        repo.write(".gitattributes", attributes);
        repo.commit();
        let sparse = |size: u64| {
            let file = std::fs::File::create(repo.root.join(name)).unwrap();
            file.set_len(size).unwrap();
        };
        sparse(OVER);
        let dirty = look(&repo, 60_000);
        let found = dirty.value().unwrap_or_else(|| panic!("{what}: {dirty:?}"));
        let reason = format!("`{name}` has more than 17179869184 bytes");
        assert_eq!((found.files, &found.digest), (1, &attest::capture::Captured::absent(&reason)), "{what}");
        sparse(BELOW);
        let late = look(&repo, 200);
        let reason = match &late {
            Captured::Absent { reason } => reason.clone(),
            Captured::Found { value, .. } => format!("{:?}", value.digest),
        };
        assert!(reason.contains("hashed within 0.2 s"), "{what}: {reason}");
        // One that was not compared is neither the same nor another.
        assert!(name == "new.bin" || late.value().is_none(), "{what}: {late:?}");
        // The twin is a small one.
        sparse(5);
        let dirty = look(&repo, 60_000);
        assert!(dirty.value().is_some_and(|d| d.files == 1 && d.digest.value().is_some()), "{what}: {dirty:?}");
    }
}

#[test]
fn submodules_and_sparse_checkouts() {
    let library = Repo::new();
    let repo = Repo::new();
    repo.git(&["submodule", "--quiet", "add", library.root.to_str().unwrap(), "lib"]);
    repo.commit();
    assert_eq!(repo.differing(), []);
    repo.write("lib/a.txt", "changed inside");
    assert_eq!(repo.differing(), [("lib".to_owned(), "the submodule differs")]);
    repo.git_in(&repo.root.join("lib"), &["checkout", "-q", "a.txt"]);
    assert_eq!(repo.differing(), []);
    repo.write("lib/untracked", "");
    assert_eq!(repo.differing(), [("lib".to_owned(), "the submodule differs")]);
    repo.git(&["submodule", "--quiet", "deinit", "-f", "lib"]);
    assert_eq!(repo.differing(), []);
    repo.write("lib/in-place-of-it", "");
    assert_eq!(repo.differing().len(), 1);
    std::fs::remove_file(repo.root.join("lib/in-place-of-it")).unwrap();

    repo.git(&["sparse-checkout", "set", "--no-cone", "/a.txt", "/.git*", "/lib"]);
    assert!(!repo.root.join("dir").exists());
    assert_eq!(repo.differing(), []);
    repo.write("dir/b.txt", "brought back, but another");
    assert_eq!(repo.differing(), [("dir/b.txt".to_owned(), "other content")]);
}

#[test]
fn what_is_not_known_is_never_clean() {
    // No commit yet.
    let repo = Repo::empty(&[]);
    let state = repo.state();
    assert!(reason(&state.commit).contains("no commit"));
    assert!(reason(&state.dirty).contains("no commit"));
    // Bare.
    let repo = Repo::new();
    repo.git(&["clone", "-q", "--bare", ".", "../bare"]);
    let state = Local::default().source(&env_in(&repo.outside().join("bare")), &[]);
    assert_eq!(state.commit.value(), repo.state().commit.value());
    assert!(reason(&state.dirty).contains("bare"));
    // No checkout.
    let folder = tempfile::tempdir().unwrap();
    let state = Local::default().source(&env_in(folder.path()), &[]);
    assert!(reason(&state.commit).contains("not a git repository"), "{state:?}");
    assert!(reason(&state.dirty).contains("not a git repository"));
    // No git.
    let mut env = repo.env();
    for path in [Some("/nonexistent"), Some(""), None] {
        env.variables.remove(std::ffi::OsStr::new("PATH"));
        env.variables.extend(path.map(|p| ("PATH".into(), p.into())));
        let state = Local::default().source(&env, &[]);
        assert!(reason(&state.commit).contains("PATH") && reason(&state.dirty).contains("PATH"), "{state:?}");
    }
}
