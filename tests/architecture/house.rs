//! Size, names, and what must not be written anywhere.

use crate::assert_none;
use crate::source::{File, below, code, sources};
use std::collections::BTreeMap;

/// The most lines of a source file, without its trailing `mod tests`.
const LINES: usize = 500;
/// The most lines of `main.rs`: parse, run, exit.
const MAIN_LINES: usize = 40;
/// The most lines of `lib.rs`: what it is, the modules, the paved path.
const LIB_LINES: usize = 100;

/// The most lines of the two main commands, which ask and print: what they do is in `flow`.
const VERIFY_LINES: usize = 150;
const CREATE_LINES: usize = 200;

/// Names that say nothing about what a module is for.
const EMPTY_NAMES: &[&str] = &["helpers", "helper", "utils", "util", "common", "misc", "types", "errors"];

fn size_violations(file: &File) -> Vec<String> {
    let limit = match file.path.as_str() {
        "src/main.rs" => MAIN_LINES,
        "src/lib.rs" => LIB_LINES,
        "src/cli/cmd/verify/mod.rs" => VERIFY_LINES,
        "src/cli/cmd/create/mod.rs" => CREATE_LINES,
        _ => LINES,
    };
    let lines = code(&file.text).lines().count();
    if lines > limit { vec![format!("{}: {lines} lines, at most {limit}", file.path)] } else { Vec::new() }
}

/// The most source files that one folder holds: more are not found by looking.
const FOLDER: usize = 15;

fn folder_violations(paths: &[&str]) -> Vec<String> {
    let mut folders: BTreeMap<&str, usize> = BTreeMap::new();
    for path in paths {
        *folders.entry(path.rsplit_once('/').map_or("", |(folder, _)| folder)).or_default() += 1;
    }
    let full = folders.into_iter().filter(|(_, files)| *files > FOLDER);
    full.map(|(folder, files)| format!("{folder}: {files} files, at most {FOLDER}")).collect()
}

fn name_violations(file: &File) -> Vec<String> {
    let mut found = Vec::new();
    let stems = file.path.trim_end_matches(".rs").split('/');
    found.extend(
        stems.filter(|stem| EMPTY_NAMES.contains(stem)).map(|stem| format!("{}: `{stem}` names no purpose", file.path)),
    );
    let code = code(&file.text);
    for (number, line) in code.lines().enumerate() {
        let at = format!("{}:{}", file.path, number + 1);
        // A private `get_manifest` may be the handler of an HTTP GET.
        if line.trim_start().starts_with("pub") && line.contains("fn get_") {
            found.push(format!("{at}: a getter is named after what it gives, without `get_`"));
        }
        if line.contains("Other(String)") {
            found.push(format!("{at}: an error says what happened in fields, not in `Other(String)`"));
        }
        if line.contains("anyhow::") && !file.path.starts_with("src/cli/") && file.path != "src/main.rs" {
            found.push(format!("{at}: `anyhow` hides which errors a function has"));
        }
    }
    found
}

/// Texts that belong to one machine or to one registry. Written in parts, so that this file does not contain them.
fn forbidden() -> Vec<String> {
    let folders =
        [["/wo", "rk/"], ["/ro", "ot/"], ["/tmp/ba", "sh_jobs"], ["/tmp/bri", "ef"]].map(|parts| parts.concat());
    let hosts = [
        ["index.crates", "io"],
        ["static.crates", "io"],
        ["proxy.golang", "org"],
        ["registry.npmjs", "org"],
        ["files.pythonhosted", "org"],
        ["deb.debian", "org"],
    ]
    .map(|parts| parts.join("."));
    folders.into_iter().chain(hosts).collect()
}

fn text_violations(file: &File) -> Vec<String> {
    let mut found = Vec::new();
    for text in forbidden() {
        for (number, line) in file.text.lines().enumerate() {
            if line.contains(&text) {
                found.push(format!("{}:{}: `{text}` belongs to one machine or registry", file.path, number + 1));
            }
        }
    }
    found
}

#[test]
fn folders_stay_small() {
    let files = sources();
    assert_none(&folder_violations(&files.iter().map(|f| f.path.as_str()).collect::<Vec<_>>()));
    let names: Vec<_> = (0..=FOLDER).map(|n| format!("src/a/{n}.rs")).collect();
    let planted: Vec<_> = names.iter().map(String::as_str).collect();
    assert_eq!(folder_violations(&planted), ["src/a: 16 files, at most 15"]);
    assert!(folder_violations(&planted[1..]).is_empty());
}

#[test]
fn files_stay_small() {
    assert_none(&sources().iter().flat_map(size_violations).collect::<Vec<_>>());
}

#[test]
fn names_say_what_things_are() {
    assert_none(&sources().iter().flat_map(name_violations).collect::<Vec<_>>());
}

#[test]
fn nothing_names_a_machine_or_a_registry_host() {
    let files = below("");
    assert!(files.iter().any(|file| file.path == "Cargo.toml"), "the repository was not found");
    assert_none(&files.iter().flat_map(text_violations).collect::<Vec<_>>());
}

#[test]
fn planted_violations_of_the_house_are_caught() {
    let caught = |found: Vec<String>| assert_eq!(found.len(), 1, "{found:?}");
    caught(size_violations(&File::new("src/flow/check.rs", &"fn f() {}\n".repeat(501))));
    caught(size_violations(&File::new("src/main.rs", &"fn f() {}\n".repeat(41))));
    caught(size_violations(&File::new("src/lib.rs", &"mod a;\n".repeat(101))));
    caught(size_violations(&File::new("src/cli/cmd/verify/mod.rs", &"fn f() {}\n".repeat(151))));
    caught(size_violations(&File::new("src/cli/cmd/create/mod.rs", &"fn f() {}\n".repeat(201))));
    let with_tests = format!("fn f() {{}}\n#[cfg(test)]\nmod tests {{\n{}}}\n", "fn t() {}\n".repeat(600));
    assert_none(&size_violations(&File::new("src/flow/check.rs", &with_tests)));

    caught(name_violations(&File::new("src/flow/utils.rs", "")));
    caught(name_violations(&File::new("src/flow/check.rs", "pub fn get_subject() {}")));
    caught(name_violations(&File::new("src/flow/check.rs", "enum E { Other(String) }")));
    caught(name_violations(&File::new("src/flow/check.rs", "fn f() -> anyhow::Result<()> {}")));
    assert_none(&name_violations(&File::new("src/flow/check.rs", "// fn get_subject\npub fn subject() {}")));

    for text in forbidden() {
        caught(text_violations(&File::new("README.md", &format!("see {text}x"))));
    }
}

/// An abort would end a server with whatever made one request panic; `cli/panics.rs` makes an error of a panic.
#[test]
fn no_profile_aborts_on_a_panic() {
    let manifest = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")).unwrap();
    assert!(manifest.contains("[profile.release]"));
    assert!(!manifest.lines().any(|l| l.trim_start().starts_with("panic")), "a profile says what a panic does");
}
