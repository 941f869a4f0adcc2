//! What a checkout, a list or a folder can make a command do or say: each attack, its variants, and a twin that differs in
//! nothing else.

use crate::world::{PASSWORD, World};
use attest::model::Digest;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// Longer than a busy machine takes, and shorter than what is waited for without the rule.
const PATIENCE: Duration = Duration::from_secs(60);

const CREATE: [&str; 3] = ["create", "--key", "attest.key"];
const VERIFY: [&str; 3] = ["verify", "--key", "attest.pub"];

fn said(out: &Output) -> String {
    String::from_utf8_lossy(&out.stderr).into_owned() + &String::from_utf8_lossy(&out.stdout)
}

fn run(world: &World, command: [&str; 3], args: &[&str]) -> (Option<i32>, String) {
    let out = world.attest(&[&command, args].concat());
    (out.status.code(), said(&out))
}

fn sum(name: &str, content: &str) -> String {
    format!("{}  {name}\n", Digest::sha256(content.as_bytes()).hex())
}

/// Every file below a folder whose name is one of a bundle.
fn bundles(folder: &Path) -> Vec<PathBuf> {
    let mut out = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()) {
        match std::fs::symlink_metadata(&entry).unwrap().is_dir() {
            true => out.extend(bundles(&entry)),
            false if entry.to_string_lossy().contains(".sigstore.json") => out.push(entry),
            false => {}
        }
    }
    out
}

#[test]
fn a_list_does_not_choose_where_is_written() {
    let place = |lists: &[(&str, String)], args: &[&str]| {
        let world = World::new();
        world.write("dist/a", "a");
        world.write("dist/sub/b", "b");
        std::fs::create_dir(world.home().join("x")).unwrap();
        for name in ["x/one", "x/two"] {
            std::fs::write(world.home().join(name), name).unwrap();
        }
        symlink(world.home(), world.root().join("dist/link")).unwrap();
        symlink(world.root(), world.home().join("back")).unwrap();
        for (name, text) in lists {
            world.write(name, text.replace("HOME", world.home().to_str().unwrap()));
        }
        let (code, text) = run(&world, CREATE, args);
        assert_eq!(code, Some(0), "{args:?}: {text}");
        // What was written is found by the same arguments.
        assert_eq!(run(&world, VERIFY, args).0, Some(0), "{args:?}");
        let outside = bundles(world.home());
        assert!(outside.is_empty(), "{args:?}: {outside:?}");
        let inside = bundles(world.root());
        let name = |path: &PathBuf| path.strip_prefix(world.root()).unwrap().display().to_string();
        inside.iter().map(name).collect::<Vec<_>>().join(" ")
    };
    let (one, two) = (|name: &str| sum(name, "x/one"), |name: &str| sum(name, "x/two"));
    let sums = "dist/SHA256SUMS";
    for text in [
        one("../../home/x/one"),
        one("HOME/x/one"),
        one("link/x/one"),
        one("../../home/x/one") + &two("../../home/x/two"),
        sum("a", "a") + &one("HOME/x/one"),
        one("sub/../../../home/x/one"),
    ] {
        assert_eq!(place(&[(sums, text.clone())], &[sums]), "dist/attest.sigstore.jsonl", "{text}");
    }
    for text in [
        "HOME/x/one\n".to_owned(),
        "../home/x/one\n../home/x/two\n".to_owned(),
        "dist/link/x/one\n".to_owned(),
        "file:../home/x/one\n".to_owned(),
        "../home/x/*\n".to_owned(),
        "../home/back/app\ndist/a\n".to_owned(),
        one("HOME/x/one"),
        one("../home/x/one") + &two("dist/link/x/two"),
    ] {
        assert_eq!(place(&[("list", text.clone())], &["--subjects", "list"]), "attest.sigstore.jsonl", "{text}");
    }
    let world = World::new();
    std::fs::write(world.home().join("SHA256SUMS"), sum("gone", "gone")).unwrap();
    for line in ["../home/SHA256SUMS\n".to_owned(), world.home().join("SHA256SUMS").display().to_string()] {
        world.write("list", &line);
        let (_, text) = run(&world, CREATE, &["--subjects", "list", "--task", line.trim()]);
        assert!(
            text.contains("attest.sigstore.jsonl") && world.root().join("attest.sigstore.jsonl").exists(),
            "{text}"
        );
        assert!(bundles(world.home()).is_empty());
    }
    // The twins: what lies below, and what a person typed.
    let both = sum("a", "a") + &sum("sub/b", "b");
    assert_eq!(place(&[(sums, both)], &[sums]), "dist/attest.sigstore.jsonl");
    assert_eq!(place(&[("list", "dist/sub/b\n".into())], &["--subjects", "list"]), "dist/sub/b.sigstore.json");
    assert_eq!(
        place(&[("list", "dist/a\ndist/sub/b\n".into())], &["--subjects", "list"]),
        "dist/attest.sigstore.jsonl"
    );
    std::fs::write(world.home().join("typed"), "typed").unwrap();
    assert_eq!(run(&world, CREATE, &["../home/typed"]).0, Some(0));
    assert_eq!(bundles(world.home()), [world.home().join("typed.sigstore.json")]);
}

#[test]
fn no_list_of_a_checkout_is_followed_out_of_it_where_it_is_published() {
    let world = World::new();
    world.repository();
    world.write("dist/app", "an application\n");
    let lists = world.home().join("lists");
    std::fs::create_dir(&lists).unwrap();
    for name in ["SHA256SUMS", "list"] {
        std::fs::write(lists.join(name), sum("a-name-of-elsewhere", "x")).unwrap();
        symlink(lists.join(name), world.root().join("dist").join(name)).unwrap();
    }
    symlink(&lists, world.root().join("lists")).unwrap();
    symlink(world.root(), world.home().join("back")).unwrap();
    for args in [
        &["dist/SHA256SUMS"][..],
        &["lists/SHA256SUMS"],
        &["--subjects", "dist/list"],
        &["--subjects", "lists/list"],
        &["./dist/SHA256SUMS"],
        &["../home/back/dist/SHA256SUMS"],
    ] {
        for command in [CREATE, ["generate", "--task", "t"]] {
            let (code, text) = run(&world, command, args);
            assert_eq!(code, Some(2), "{args:?}: {text}");
            assert!(
                text.contains("leads-out-of-checkout") && !text.contains("a-name-of-elsewhere"),
                "{args:?}: {text}"
            );
        }
    }
    // The twins: a link that stays inside, a list that is named where it is, and a subject.
    world.write("sums", sum("app", "an application\n"));
    symlink("../sums", world.root().join("dist/checksums.txt")).unwrap();
    let outside = lists.join("list").display().to_string();
    for args in [
        &["dist/checksums.txt"][..],
        &["--subjects", "../home/lists/list"],
        &["../home/lists/SHA256SUMS"],
        &["--subjects", &outside],
    ] {
        let (code, text) = run(&world, ["generate", "--task", "t"], args);
        assert_eq!(code, Some(0), "{args:?}: {text}");
    }
}

#[test]
fn a_glob_leaves_out_bundles_and_nothing_that_is_called_like_one() {
    let world = World::new();
    world.write("dist/a", "a");
    world.write("dist/b", "b");
    for _ in 0..2 {
        assert!(run(&world, CREATE, &["dist/*", "--task", "t"]).1.contains("dist/attest.sigstore.jsonl"));
    }
    run(&world, CREATE, &["dist/a", "--task", "u"]);
    run(&world, CREATE, &["dist/a", "--task", "v"]);
    assert_eq!(bundles(world.root()).len(), 3);
    let (code, text) = run(&world, VERIFY, &["dist/*"]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("left out 3 files of bundles") && text.contains("2 allowed"), "{text}");
    // One that is named is meant, and where nothing else matches there is no subject.
    assert_eq!(run(&world, VERIFY, &["dist/attest.sigstore.jsonl"]).0, Some(1));
    let (code, text) = run(&world, VERIFY, &["dist/*.jsonl"]);
    assert!(code == Some(2) && text.contains("no-file-matches"), "{text}");
    // What somebody wants to be passed over is not.
    let bundle = world.read("dist/a.sigstore.json");
    for (name, content) in [
        ("dist/c.sigstore.json", "#!/bin/sh\n".to_owned()),
        ("dist/attest.sigstore.jsonl.sh", bundle.clone()),
        ("dist/d.sigstore.jsonl", format!("{bundle}\n#!/bin/sh\n")),
        ("dist/e.sigstore.json", String::new()),
        ("dist/f.json", bundle.clone()),
    ] {
        world.write(name, content);
        let (code, text) = run(&world, VERIFY, &["dist/*"]);
        assert!(code != Some(0) && text.contains(name), "{name}: {text}");
        std::fs::remove_file(world.root().join(name)).unwrap();
    }
    assert_eq!(run(&world, VERIFY, &["dist/*"]).0, Some(0));
}

#[test]
fn a_policy_over_a_link_is_not_quoted() {
    const TOKEN: &str = "q8zr-kwv2-hm4x";
    let texts = [
        format!("{TOKEN}\n"),
        format!("apiVersion: {TOKEN}\n"),
        format!("{{ apiVersion: agent-attest.github.io/v1, kind: {TOKEN} }}\n"),
        format!("apiVersion: agent-attest.github.io/v1\nkind: AttestationPolicy\nmetadata: {TOKEN}\nspec: {{}}\n"),
        format!(
            "apiVersion: agent-attest.github.io/v1\nkind: AttestationPolicy\nmetadata: {{ name: p }}\nspec: {{ images: [{{ glob: a }}], require: [{{ signers: [{{ key: {TOKEN} }}] }}] }}\n"
        ),
    ];
    for text in &texts {
        let world = World::new();
        std::fs::create_dir(world.home().join("secret")).unwrap();
        std::fs::write(world.home().join("secret/policy.yaml"), text).unwrap();
        world.write("plain.yaml", text);
        world.write("inside/secret.yaml", text);
        symlink(world.home().join("secret/policy.yaml"), world.root().join("link.yaml")).unwrap();
        symlink("../home/secret", world.root().join("folder")).unwrap();
        symlink("inside/secret.yaml", world.root().join("near.yaml")).unwrap();
        for path in ["link.yaml", "folder/policy.yaml", "folder", "near.yaml", "./link.yaml"] {
            let (code, told) = run(&world, VERIFY, &["app", "--policy", path]);
            assert!(code == Some(2) && !told.contains(TOKEN), "{path}, {text}: {told}");
            assert!(told.contains("policy-malformed") && told.contains("line "), "{path}, {text}: {told}");
        }
        // The twin: a file that is what it is called.
        let (code, told) = run(&world, VERIFY, &["app", "--policy", "plain.yaml"]);
        assert!(code == Some(2) && told.contains(TOKEN), "{text}: {told}");
    }
}

#[test]
fn what_is_required_by_mistake_is_not_quoted() {
    let world = World::new();
    let token = "ghp_".to_owned() + &"aB3dE6gH9j".repeat(4)[..36];
    for value in [token.as_str(), "hunter2hunter2", "source.Tr0ub4dorAnd3", "agent.id,x9f2k4m8q1z7"] {
        let (code, text) = run(&world, ["generate", "app", "--require"], &[value]);
        assert!(code == Some(2) && !text.contains(value) && text.contains("value-malformed"), "{text}");
        for part in value.split(['.', ',']).filter(|p| p.len() > 8) {
            assert!(!text.contains(part), "{text}");
        }
    }
    let (code, text) = run(&world, ["generate", "app", "--require"], &["agent.idd"]);
    assert!(code == Some(2) && text.contains("`agent.idd`"), "{text}");
}

/// Runs `create` with an idle standard input, through a shell.
fn idle(world: &World, command: &str) -> (Option<i32>, String, Duration) {
    let began = Instant::now();
    let mut shell = Command::new("bash");
    shell.args(["-c", command, env!("CARGO_BIN_EXE_attest")]).current_dir(world.root()).env_clear();
    shell.env("ATTEST_PASSWORD", PASSWORD).env("HOME", world.home()).env("PATH", std::env::var_os("PATH").unwrap());
    shell.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = shell.spawn().unwrap();
    let stdin = child.stdin.take();
    let code = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status.code();
        }
        if began.elapsed() > PATIENCE {
            child.kill().unwrap();
            break None;
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    drop(stdin);
    let took = began.elapsed();
    (code, said(&child.wait_with_output().unwrap()), took)
}

#[test]
fn the_time_of_create_bounds_lists_and_locks() {
    let world = World::new();
    for command in [
        "exec $0 create - --key attest.key --timeout 1s",
        "exec $0 create --subjects - --key attest.key --timeout 1s",
        "exec $0 generate --subjects /dev/stdin --timeout 1s",
        "exec $0 create --subjects <(exec sleep 90 2>/dev/null) --key attest.key --timeout 1s",
        "exec $0 verify - --key attest.pub --timeout 1s",
    ] {
        let (code, text, took) = idle(&world, command);
        assert!(code == Some(2) && took < PATIENCE, "{command}: {code:?} after {took:?}: {text}");
        assert!(text.contains("did not end within 1 s"), "{command}: {text}");
    }
    // The twin: what comes in time is read.
    let (code, text, _) = idle(&world, "exec $0 generate --subjects <(sleep 0.2; echo app) --timeout 20s");
    assert_eq!(code, Some(0), "{text}");
    let lock = world.root().join(".app.sigstore.json.lock");
    let held = std::fs::File::create(&lock).unwrap();
    held.lock().unwrap();
    let (code, text) = run(&world, CREATE, &["app", "--timeout", "1s"]);
    assert!(code != Some(0) && text.contains("another process adds to it since 1 s"), "{text}");
    drop(held);
    assert_eq!(run(&world, CREATE, &["app", "--timeout", "20s"]).0, Some(0));
    // What somebody put in a lock's place is named, and left to them.
    for (plant, what) in [("ln -s /nowhere", "a link"), ("mkfifo", "something else"), ("mkdir", "a folder")] {
        let done =
            Command::new("sh").args(["-c", &format!("rm -f \"$0\"; {plant} \"$0\"")]).arg(&lock).status().unwrap();
        assert!(done.success());
        let (code, text) = run(&world, CREATE, &["app", "--task", what]);
        assert!(code == Some(2) && text.contains(&format!("is {what} and not a file: remove it")), "{text}");
        assert!(text.contains("bundle-not-added") && !text.contains("os error"), "{text}");
    }
}
