//! What is named as a file and is none: nothing is waited for, and it is said what it is.

use crate::world::{PASSWORD, World};
use std::path::Path;
use std::process::Command;

/// Every flag and argument that takes a file, as `FILE`.
const COMMANDS: &[&str] = &[
    "verify app --key FILE",
    "verify app --key file:FILE",
    "verify app --key attest.pub --bundle FILE",
    "verify app --policy FILE",
    "verify app --key attest.pub --trusted-root FILE",
    "verify FILE --key attest.pub",
    "inspect FILE",
    "list FILE",
    "attach app --bundle FILE",
    "generate app --predicate FILE --predicate-type https://p.example/v1",
    "generate app --charter FILE",
    "generate app --materials FILE",
    "generate app --materials x=nar:FILE",
    "generate FILE",
    "create FILE --key attest.key",
    "create app --key FILE",
    "create app --key attest.key --registry-ca FILE",
    "create app --signing-config FILE --identity-token env:NONE",
    "create app --trusted-root FILE --identity-token env:NONE",
    "create app --identity-token file:FILE",
    "create app --identity-token FILE",
    "sign FILE --key attest.key",
    "approve charter:FILE --key attest.key --yes",
];

/// Runs it, and gives up where it waits for what never comes.
fn run(world: &World, words: &[String]) -> (Option<i32>, String) {
    let mut command = Command::new("timeout");
    command.args(["60", env!("CARGO_BIN_EXE_attest")]).args(words).current_dir(world.root()).env_clear();
    let out = command
        .env("ATTEST_PASSWORD", PASSWORD)
        .env("HOME", world.home())
        .env("PATH", std::env::var_os("PATH").unwrap())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&[out.stdout.as_slice(), &out.stderr].concat()).into_owned();
    assert_ne!(out.status.code(), Some(124), "{words:?}: {said}");
    (out.status.code(), said)
}

fn fifo(path: &Path) {
    rustix::fs::mknodat(rustix::fs::CWD, path, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
}

#[test]
fn nothing_waits_for_what_is_no_file() {
    let world = World::new();
    world.repository();
    fifo(&world.root().join("fifo"));
    fifo(&world.home().join("fifo"));
    fifo(&world.home().join("SHA256SUMS"));
    fifo(&world.home().join("Cargo.lock"));
    std::os::unix::fs::symlink("fifo", world.root().join("link")).unwrap();
    let home = world.home().display().to_string();
    let [outside, sums] = [format!("{home}/fifo"), format!("{home}/SHA256SUMS")];
    let locked = ["generate", "app", "--dependencies", &format!("{home}/Cargo.lock")].map(str::to_owned);
    assert!(run(&world, &locked).1.contains("FIFO"));
    for command in COMMANDS {
        for (file, kind) in
            [("fifo", "FIFO"), ("link", "FIFO"), (&outside, "FIFO"), (&sums, "FIFO"), ("/dev/zero", "device")]
        {
            // The hash of a link is that of where it leads to as text: nothing is opened.
            if command.contains("nar:") && file == "link" {
                continue;
            }
            let words: Vec<_> = command.split(' ').map(|w| w.replace("FILE", file)).collect();
            let (code, said) = run(&world, &words);
            assert!(code.is_some_and(|code| (1..=3).contains(&code)), "{words:?}: {code:?} {said}");
            assert!(!said.contains("unexpected argument"), "{words:?}: {said}");
            // A policy that everybody may write is refused before it is looked at.
            let refused = command.contains("--policy") && said.contains("policy-writable-by-others");
            assert!(said.contains(kind) || refused, "{words:?}: {said}");
        }
    }
}
