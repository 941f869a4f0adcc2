//! The files of examples/ci: each is what its ending says, and its commands are ones that the program takes.
#![expect(clippy::disallowed_methods, reason = "reads the files")]

use attest::action::Action;
use attest::cli::Cli;
use attest::model::yaml::{Bounds, Kind, Node};
use clap::Parser as _;
use std::fs;
use std::path::Path;

const BOUNDS: Bounds = Bounds { what: "a workflow", bytes: 1 << 20, nodes: 10_000, depth: 50 };

/// Every text of a document.
fn texts(node: &Node) -> Vec<&str> {
    match &node.kind {
        Kind::Text(text) => vec![text],
        Kind::List(nodes) => nodes.iter().flat_map(texts).collect(),
        Kind::Map(members) => members.iter().flat_map(|(_, node)| texts(node)).collect(),
        Kind::Null | Kind::Bool(_) => Vec::new(),
    }
}

/// The command lines of `attest` in a script, as words; what a shell would put in for a variable stays its name.
fn commands(script: &str) -> Vec<Vec<String>> {
    let joined = script.replace("\\\n", " ");
    joined.lines().map(str::trim).filter(|line| line.starts_with("attest ")).map(words).collect()
}

fn words(line: &str) -> Vec<String> {
    let (mut out, mut word, mut quote, mut any) = (Vec::new(), String::new(), None, false);
    for c in line.chars() {
        match (quote, c) {
            (Some(q), c) if q == c => quote = None,
            (Some(_), c) => word.push(c),
            (None, '"' | '\'') => (quote, any) = (Some(c), true),
            (None, c) if c.is_whitespace() => {
                if any || !word.is_empty() {
                    out.push(std::mem::take(&mut word));
                }
                any = false;
            }
            (None, c) => word.push(c),
        }
    }
    assert_eq!(quote, None, "a quote without its end: {line}");
    if any || !word.is_empty() {
        out.push(word);
    }
    out
}

/// The scripts of a Jenkinsfile.
fn of_jenkins(text: &str) -> Vec<String> {
    let parts: Vec<_> = text.split("sh '").skip(1).collect();
    let script = |rest: &str| match rest.strip_prefix("''") {
        Some(long) => long.split("'''").next().unwrap_or_default().to_owned(),
        None => rest.split('\'').next().unwrap_or_default().to_owned(),
    };
    parts.into_iter().map(script).collect()
}

/// The inputs that steps give to an action of ours.
fn inputs(node: &Node) -> Vec<String> {
    match &node.kind {
        Kind::List(nodes) => nodes.iter().flat_map(inputs).collect(),
        Kind::Map(members) => {
            let member = |name: &str| members.iter().find(|(n, _)| n == name).map(|(_, node)| &node.kind);
            let own = matches!(member("uses"), Some(Kind::Text(uses)) if uses.starts_with("agent-attest/attest@"));
            match member("with") {
                Some(Kind::Map(with)) if own => with.iter().map(|(name, _)| name.clone()).collect(),
                _ => members.iter().flat_map(|(_, node)| inputs(node)).collect(),
            }
        }
        _ => Vec::new(),
    }
}

#[test]
fn the_files_of_ci_systems_have_commands_that_the_program_takes() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/ci");
    let index = fs::read_to_string(folder.join("README.md")).unwrap();
    let mut files = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name == "README.md" {
            continue;
        }
        assert!(index.contains(&format!("({name})")), "README.md does not name {name}");
        let text = fs::read_to_string(&path).unwrap();
        files += 1;
        let scripts = if name == "Jenkinsfile" {
            assert_eq!(text.matches('{').count(), text.matches('}').count(), "{name}");
            of_jenkins(&text)
        } else {
            let document = Node::parse(&text, &BOUNDS).unwrap_or_else(|e| panic!("{name}: {e}"));
            let given = inputs(&document);
            assert_eq!(given.is_empty(), name != "github.yml", "{name}");
            for input in given {
                assert!(Action::Create.inputs().any(|i| i.name == input), "{name}: no input {input}");
            }
            texts(&document).into_iter().map(str::to_owned).collect()
        };
        let all: Vec<_> = scripts.iter().flat_map(|script| commands(script)).collect();
        for words in &all {
            if let Err(e) = Cli::try_parse_from(words) {
                panic!("{name}: {words:?}: {e}");
            }
        }
        let count = |command: &str| all.iter().filter(|words| words[1] == command).count();
        let wanted = if name == "github.yml" { (0, 0) } else { (1, 1) };
        assert_eq!((count("create"), count("verify")), wanted, "{name}: {all:?}");
    }
    assert_eq!(files, 8);
}

#[test]
fn a_command_that_the_program_does_not_take_is_seen() {
    let found = commands("set -e\nattest create \"$A B\" \\\n  --key env:K '' -- make\nother\n");
    assert_eq!(found, [["attest", "create", "$A B", "--key", "env:K", "", "--", "make"].map(str::to_owned)]);
    assert!(Cli::try_parse_from(&found[0]).is_ok());
    assert!(Cli::try_parse_from(["attest", "create", "a", "--kei", "env:K"]).is_err());
    let jenkins = "sh 'attest verify a'\nsh '''\n  attest create b \\\n  --key c\n'''\n";
    let scripts = of_jenkins(jenkins);
    assert_eq!(scripts.iter().flat_map(|s| commands(s)).map(|w| w.len()).collect::<Vec<_>>(), [3, 5]);
}

/// Every member of that name, wherever it stands.
fn members<'a>(node: &'a Node, name: &str) -> Vec<&'a str> {
    match &node.kind {
        Kind::List(nodes) => nodes.iter().flat_map(|node| members(node, name)).collect(),
        Kind::Map(all) => {
            let own = all.iter().filter(|(n, _)| n == name).filter_map(|(_, node)| match &node.kind {
                Kind::Text(text) => Some(text.as_str()),
                _ => None,
            });
            own.chain(all.iter().flat_map(|(_, node)| members(node, name))).collect()
        }
        _ => Vec::new(),
    }
}

/// What is wrong with a workflow that publishes.
fn unsafe_parts(text: &str) -> Vec<String> {
    let document = Node::parse(text, &BOUNDS).unwrap();
    let mut found = Vec::new();
    for script in members(&document, "run") {
        if script.contains("${{") {
            found.push(format!("an expression in a script: {script}"));
        }
    }
    for used in members(&document, "uses") {
        let version = used.split_once('@').map_or("", |(_, version)| version);
        if version.len() != 40 || !version.bytes().all(|c| c.is_ascii_hexdigit()) {
            found.push(format!("not named by its commit: {used}"));
        }
    }
    if !text.lines().any(|line| line == "permissions: {}") {
        found.push("a job has permissions that it does not ask for".to_owned());
    }
    found
}

#[test]
fn the_workflow_of_a_release_runs_the_scripts_that_are_here() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(top.join(".github/workflows/release.yml")).unwrap();
    assert_eq!(unsafe_parts(&text), [""; 0]);
    let document = Node::parse(&text, &BOUNDS).unwrap();
    let words: Vec<_> = members(&document, "run").iter().flat_map(|script| script.split_whitespace()).collect();
    let scripts: Vec<_> = words.iter().filter(|w| w.starts_with("release/") || w.ends_with(".sh")).collect();
    for script in &scripts {
        assert!(top.join(script).exists(), "{script}");
    }
    for wanted in ["release/build.sh", "release/finish.sh", "release/sign.sh", "install.sh"] {
        assert!(scripts.iter().any(|s| **s == wanted), "{wanted} is not run");
    }
    // One toolchain: what the scripts demand is what the workflow installs, and no older than the package says.
    let library = fs::read_to_string(top.join("release/lib.sh")).unwrap();
    let pinned = library.lines().find_map(|line| line.strip_prefix("RUST=")).unwrap();
    assert_eq!(members(&document, "RUSTUP_TOOLCHAIN"), [pinned]);
    assert!(pinned.starts_with(env!("CARGO_PKG_RUST_VERSION")), "{pinned}");

    let planted = text.replace("permissions: {}", "").replace("# v7.0.1", "").replacen(
        "release/finish.sh dist",
        "echo ${{ x }}",
        1,
    );
    let planted = planted.replacen("actions/download-artifact@3e5f", "actions/download-artifact@v8-", 1);
    assert_eq!(unsafe_parts(&planted).len(), 3);
}
