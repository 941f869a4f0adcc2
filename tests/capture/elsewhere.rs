//! `.git` that leads to another repository of the machine: nothing of that is recorded, unless it points back.

use crate::explain::context;
use crate::repo::{Repo, env_in};
use attest::capture::{Checkout as _, Local, Request, commit_object};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

/// What a private repository has and nobody else should see.
const SECRET: &str = "private-project";

/// A repository outside, whose address, tag and branch are nobody's business.
fn private(repo: &Repo) -> std::path::PathBuf {
    let path = repo.outside().join("private");
    fs::create_dir(&path).unwrap();
    repo.git_in(&path, &["init", "-q", "-b", SECRET]);
    fs::write(path.join("secret.txt"), SECRET).unwrap();
    repo.git_in(&path, &["add", "-A"]);
    repo.git_in(&path, &["commit", "-q", "-m", SECRET]);
    repo.git_in(&path, &["tag", SECRET]);
    repo.git_in(&path, &["remote", "add", "origin", &format!("https://git.example/{SECRET}.git")]);
    path
}

fn shown(dir: &Path) -> String {
    let found = context(&env_in(dir), &Request::default());
    format!("{:?} {}", found.explain(), serde_json::to_string(&found.provenance().to_json()).unwrap())
}

#[track_caller]
fn refused(repo: &Repo, dir: &Path, what: &str) {
    let secret_commit = repo.git_in(&repo.outside().join("private"), &["rev-parse", "HEAD"]);
    let state = Local::default().source(&env_in(dir), &[]);
    let text = format!("{state:?} {}", shown(dir));
    assert!(!text.contains(SECRET) && !text.contains(&secret_commit), "{what}: {text}");
    assert!(state.commit.value().is_none() && state.remote.value().is_none(), "{what}: {state:?}");
    assert!(state.refused.as_ref().is_some_and(|r| r.starts_with(".git: ")), "{what}: {state:?}");
    let found = context(&env_in(dir), &Request::default());
    assert!(found.passed_over.iter().any(|p| p.starts_with(".git: ")), "{what}: {:?}", found.passed_over);
    let e = commit_object(&env_in(dir), "HEAD").unwrap_err().to_string();
    assert!(!e.contains(&secret_commit), "{what}: {e}");
}

#[test]
fn a_repository_outside_that_does_not_point_back_is_not_looked_at() {
    for (what, plant) in [
        ("a link", (|p, git| symlink(p, git).unwrap()) as fn(&Path, &Path)),
        ("a relative link", |_, git| symlink("../private/.git", git).unwrap()),
        ("a file", |p, git| fs::write(git, format!("gitdir: {}\n", p.display())).unwrap()),
        ("a relative file", |_, git| fs::write(git, "gitdir: ../private/.git\n").unwrap()),
        ("a link to a file", |p, git| {
            fs::write(git.with_file_name("link"), format!("gitdir: {}\n", p.display())).unwrap();
            symlink("link", git).unwrap();
        }),
    ] {
        let repo = Repo::new();
        let private = private(&repo);
        fs::rename(repo.root.join(".git"), repo.outside().join("own")).unwrap();
        plant(&private.join(".git"), &repo.root.join(".git"));
        refused(&repo, &repo.root, what);
        refused(&repo, &repo.root.join("dir"), what);
        // The caller's own variable may name any.
        let mut env = env_in(&repo.root);
        env.variables.insert("GIT_DIR".into(), private.join(".git").into());
        assert!(Local::default().source(&env, &[]).commit.value().is_some(), "{what}");
    }
}

#[test]
fn what_belongs_to_another_work_tree_or_submodule_is_not_looked_at() {
    let repo = Repo::new();
    let private = private(&repo);
    repo.git_in(&private, &["worktree", "add", "-q", "../other", "-b", "other"]);
    let admin = private.join(".git/worktrees/other");
    let git = repo.root.join(".git");
    fs::rename(&git, repo.outside().join("own")).unwrap();
    fs::write(&git, format!("gitdir: {}\n", admin.display())).unwrap();
    refused(&repo, &repo.root, "another work tree");
    fs::remove_file(&git).unwrap();
    symlink(repo.outside().join("other/.git"), &git).unwrap();
    refused(&repo, &repo.root, "a link to that of another work tree");
    fs::remove_file(&git).unwrap();
    fs::create_dir(repo.outside().join("elsewhere")).unwrap();
    repo.git_in(&private, &["config", "core.worktree", "../../elsewhere"]);
    fs::write(&git, "gitdir: ../private/.git\n").unwrap();
    refused(&repo, &repo.root, "core.worktree elsewhere");
    // The twins: it points back.
    repo.git_in(&private, &["config", "core.worktree", "../../checkout"]);
    let state = Local::default().source(&env_in(&repo.root), &[]);
    assert!(state.commit.value().is_some() && state.root.as_deref() == Some(&*repo.root), "{state:?}");
}

#[test]
fn parts_of_a_repository_do_not_lead_to_another() {
    for (what, plant) in [
        ("config", (|p, git| swap(git, "config", &p.join("config"))) as fn(&Path, &Path)),
        ("refs", |p, git| swap(git, "refs", &p.join("refs"))),
        ("packed-refs", |p, git| swap(git, "packed-refs", &p.join("packed-refs"))),
        ("a ref", |p, git| swap(git, "refs/heads/main", &p.join(format!("refs/heads/{SECRET}")))),
        ("objects", |p, git| swap(git, "objects", &p.join("objects"))),
        ("commondir", |p, git| fs::write(git.join("commondir"), format!("{}\n", p.display())).unwrap()),
        ("relative commondir", |_, git| fs::write(git.join("commondir"), "../../private/.git\n").unwrap()),
    ] {
        let repo = Repo::new();
        let private = private(&repo);
        repo.git_in(&private, &["pack-refs", "--all", "--no-prune"]);
        plant(&private.join(".git"), &repo.root.join(".git"));
        refused(&repo, &repo.root, what);
    }
    // Configuration that is included is not the repository's own.
    let repo = Repo::new();
    let private = private(&repo);
    repo.git(&["remote", "remove", "origin"]);
    repo.git(&["config", "include.path", private.join(".git/config").to_str().unwrap()]);
    repo.git(&["config", "includeIf.gitdir:**.path", private.join(".git/config").to_str().unwrap()]);
    let state = repo.state();
    assert!(state.remote.value().is_none() && !format!("{state:?}").contains(SECRET), "{state:?}");
    assert!(state.commit.value().is_some(), "{state:?}");
}

fn swap(git: &Path, name: &str, to: &Path) {
    let path = git.join(name);
    let _ = fs::remove_dir_all(&path).or_else(|_| fs::remove_file(&path));
    symlink(to, path).unwrap();
}

#[test]
fn work_trees_submodules_and_links_inside_are_as_ever() {
    let repo = Repo::new();
    let commit = repo.git(&["rev-parse", "HEAD"]);
    let of = |dir: &Path| {
        let state = Local::default().source(&env_in(dir), &[]);
        assert_eq!(state.refused, None, "{}: {state:?}", dir.display());
        assert!(state.dirty.value().is_some(), "{}: {state:?}", dir.display());
        state.commit.value().cloned()
    };
    repo.git(&["worktree", "add", "-q", "../linked", "-b", "linked"]);
    assert_eq!(of(&repo.outside().join("linked")), Some(commit.clone()));
    assert_eq!(of(&repo.outside().join("linked/dir")), Some(commit.clone()));
    let library = Repo::new();
    repo.git(&["submodule", "--quiet", "add", library.root.to_str().unwrap(), "lib"]);
    assert_eq!(of(&repo.root.join("lib")), Some(commit.clone()));
    assert_eq!(of(&repo.root.join("lib/dir")), Some(commit.clone()));
    // The repository beside the files, in the checkout.
    let inside = Repo::new();
    fs::rename(inside.root.join(".git"), inside.root.join("repository")).unwrap();
    symlink("repository", inside.root.join(".git")).unwrap();
    assert_eq!(of(&inside.root), Some(commit.clone()));
    fs::remove_file(inside.root.join(".git")).unwrap();
    fs::write(inside.root.join(".git"), "gitdir: repository\n").unwrap();
    assert_eq!(of(&inside.root), Some(commit.clone()));
    // A name of a branch that is a link to another, and a clone that borrows objects.
    symlink("main", repo.root.join(".git/refs/heads/alias")).unwrap();
    assert_eq!(of(&repo.root), Some(commit.clone()));
    repo.git_in(repo.outside(), &["clone", "-q", "--shared", "checkout", "borrowing"]);
    assert_eq!(of(&repo.outside().join("borrowing")), Some(commit.clone()));
    // A bare repository, from inside.
    repo.git_in(repo.outside(), &["clone", "-q", "--bare", "checkout", "bare.git"]);
    let state = Local::default().source(&env_in(&repo.outside().join("bare.git")), &[]);
    assert_eq!((state.commit.value(), &state.refused), (Some(&commit), &None));
}
