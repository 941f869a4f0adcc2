//! What else the source says: its signature, tags, submodules, and the shape of the checkout.

use crate::explain::{context, row};
use crate::repo::{Repo, env_in};
use attest::capture::{Captured, Checkout as _, Local, Request};
use serde_json::json;
use std::process::Command;

/// Signed with a real key by the real `ssh-keygen`, where the machine has one.
#[test]
fn a_signature_is_described_and_never_verified() {
    let repo = Repo::new();
    let signature = |repo: &Repo| repo.state().object.value().unwrap().signature.clone();
    assert_eq!(signature(&repo), None);
    let key = repo.outside().join("id");
    let made = Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(&key).status();
    if !made.is_ok_and(|s| s.success()) {
        println!("skipped: no ssh-keygen");
        return;
    }
    let path = format!("user.signingkey={}.pub", key.display());
    repo.git(&["-c", "gpg.format=ssh", "-c", &path, "commit", "-q", "-S", "--allow-empty", "-m", "signed"]);
    // A program of the repository's choice would be run by whoever asks git to verify.
    let trap = repo.outside().join("ran");
    repo.write("trap.sh", format!("#!/bin/sh\ntouch {}\n", trap.display()));
    for name in ["gpg.program", "gpg.ssh.program", "gpg.x509.program"] {
        repo.git(&["config", name, "./trap.sh"]);
    }
    let listed = Command::new("ssh-keygen").args(["-l", "-f"]).arg(key.with_extension("pub")).output().unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    let found = signature(&repo).unwrap();
    assert_eq!((found.kind, found.signer.as_deref()), ("ssh", listed.split(' ').nth(1)));
    assert!(!trap.exists());
    let provenance = context(&repo.env(), &Request::default()).provenance();
    let annotation = &provenance.dependencies[0].annotations()["signature"];
    assert_eq!(annotation, &json!({ "kind": "ssh", "signer": found.signer }));
}

#[test]
fn tags_at_the_commit_and_no_others() {
    let repo = Repo::new();
    repo.git(&["tag", "old"]);
    repo.git(&["commit", "-q", "--allow-empty", "-m", "two"]);
    assert_eq!(repo.state().tags.value(), Some(&vec![]));
    repo.git(&["tag", "v2"]);
    repo.git(&["tag", "-a", "-m", "annotated", "a1"]);
    let tags = ["refs/tags/a1", "refs/tags/v2"];
    assert_eq!(repo.state().tags.value().unwrap(), &tags);
    let provenance = context(&repo.env(), &Request::default()).provenance();
    assert_eq!(provenance.dependencies[0].annotations()["tags"], json!(tags));
}

#[test]
fn submodules_are_named_by_the_tree_and_a_hostile_address_by_nothing() {
    let repo = Repo::new();
    let id = "1234567890123456789012345678901234567890";
    let modules = "[submodule \"lib\"]\n\tpath = lib\n\turl = ../lib.git\n[submodule \"evil\"]\n\tpath = evil\n\turl = ext::sh -c touch% /ran\n[submodule \"self\"]\n\tpath = self\n\turl = https://t:secret@github.com/acme/app\n";
    repo.write(".gitmodules", modules);
    repo.git(&["add", ".gitmodules"]);
    for path in ["lib", "evil", "self", "unnamed"] {
        repo.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{id},{path}")]);
    }
    repo.git(&["commit", "-q", "-m", "submodules"]);
    // Detached, so that the source has no ref and its address is the third submodule's.
    repo.git(&["checkout", "-q", "--detach"]);
    // The work tree's word is not the commit's.
    repo.write(".gitmodules", "[submodule \"lib\"]\n\tpath = lib\n\turl = https://evil.example/lib\n");
    let context = context(&repo.env(), &Request::default());
    let submodules = context.git.submodules.value().unwrap();
    let found: Vec<_> = submodules.iter().map(|s| (s.path.as_str(), s.url.as_deref())).collect();
    let expected = [
        ("evil", None),
        ("lib", Some("https://github.com/acme/lib")),
        ("self", Some("https://github.com/acme/app")),
        ("unnamed", None),
    ];
    assert_eq!(found, expected);
    assert!(submodules.iter().all(|s| s.commit == id));
    let written = serde_json::to_value(context.provenance().to_json()).unwrap();
    let uris: Vec<_> = written["buildDefinition"]["resolvedDependencies"].as_array().unwrap().iter().skip(1).collect();
    assert_eq!(uris.len(), 4);
    assert_eq!(uris[1]["uri"], json!("git+https://github.com/acme/lib"));
    assert!(uris[2].get("uri").is_none() && !written.to_string().contains("secret"));
}

#[test]
fn the_shape_of_a_checkout_is_reported() {
    let repo = Repo::new();
    let shape = |dir: &std::path::Path, variables: &[(&str, &std::path::Path)]| {
        let mut env = env_in(dir);
        env.variables.extend(variables.iter().map(|(k, v)| ((*k).into(), v.as_os_str().to_owned())));
        let state = Local::default().source(&env, &[]);
        assert!(state.commit.value().is_some(), "{state:?}");
        state.shape.value().unwrap().clone()
    };
    assert_eq!(shape(&repo.root, &[]), [""; 0]);
    assert_eq!(shape(&repo.root.join("dir"), &[]), [""; 0]);
    repo.git(&["commit", "-q", "--allow-empty", "-m", "two"]);
    let at = |name: &str| repo.outside().join(name);
    let url = format!("file://{}", repo.root.display());
    repo.git_in(repo.outside(), &["clone", "-q", "--depth", "1", &url, "shallow"]);
    assert_eq!(shape(&at("shallow"), &[]), ["shallow"]);
    repo.git_in(repo.outside(), &["clone", "-q", "--bare", &url, "bare.git"]);
    assert_eq!(shape(&at("bare.git"), &[]), ["bare"]);
    repo.git(&["worktree", "add", "-q", "--detach", at("linked").to_str().unwrap()]);
    assert_eq!(shape(&at("linked"), &[]), ["detached", "linked-worktree"]);
    std::fs::create_dir(at("empty")).unwrap();
    assert_eq!(shape(&at("empty"), &[("GIT_DIR", &at("bare.git"))]), ["bare", "git-dir"]);
    repo.git(&["config", "remote.origin.promisor", "true"]);
    assert_eq!(shape(&repo.root, &[]), ["partial"]);
}

#[test]
fn without_a_commit_each_has_its_reason() {
    let repo = Repo::empty(&[]);
    let state = repo.state();
    for absent in [matches!(state.object, Captured::Absent { .. }), matches!(state.tags, Captured::Absent { .. })] {
        assert!(absent);
    }
    let rows = context(&repo.env(), &Request::default()).explain();
    for field in ["source.signature", "source.tags", "source.checkout", "resolvedDependencies.submodules"] {
        assert!(row(&rows, field).reason.is_some(), "{field}");
    }
}
