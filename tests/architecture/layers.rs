//! Direction: a module uses only lower layers, and never a peer of its own.

use crate::assert_none;
use crate::source::{File, code, sources};

/// Every module of the library with its layer. ARCHITECTURE.md explains them; a new module needs a row here.
const LAYERS: &[(&str, u8)] = &[
    ("cli", 8),
    ("webhook", 7),
    ("action", 7),
    ("server", 7),
    ("flow", 6),
    ("places", 6),
    ("capture", 5),
    ("sign", 5),
    ("charter", 5),
    ("roots", 5),
    ("registry", 5),
    ("evidence", 5),
    ("audit", 5),
    ("outbox", 5),
    ("sources", 5),
    ("policy", 4),
    ("inquiry", 4),
    ("net", 4),
    ("programs", 4),
    ("verify", 3),
    ("trust", 2),
    ("predicate", 2),
    ("record", 2),
    ("issuer", 1),
    ("regular", 1),
    ("tlog", 1),
    ("attribution", 1),
    ("secrets", 1),
    ("model", 0),
    ("seam", 0),
];

/// Sees everything, and is seen by tests alone.
const TESTING: &str = "testing";

fn layer(module: &str) -> Option<u8> {
    LAYERS.iter().find(|(name, _)| *name == module).map(|(_, layer)| *layer)
}

/// The module a source file belongs to, and how many modules deep it lies; none for the crate's root files.
fn module(path: &str) -> Option<(&str, usize)> {
    let inner = path.strip_prefix("src/")?.strip_suffix(".rs")?;
    let parts: Vec<&str> = inner.split('/').collect();
    match parts.as_slice() {
        ["lib" | "main"] => None,
        [folders @ .., "mod"] => Some((parts[0], folders.len())),
        _ => Some((parts[0], parts.len())),
    }
}

/// Whether the whole file is compiled for tests only.
fn is_test_file(path: &str) -> bool {
    path.ends_with("/tests.rs") || path.ends_with("_tests.rs") || path.contains("/tests/")
}

/// What one file does against the direction of the layers.
fn violations(file: &File) -> Vec<String> {
    let Some((own, depth)) = module(&file.path) else { return Vec::new() };
    if own == TESTING || is_test_file(&file.path) {
        return Vec::new();
    }
    let Some(level) = layer(own) else {
        return vec![format!(
            "{}: module `{own}` has no layer: give it a row in tests/architecture/layers.rs",
            file.path
        )];
    };
    let code = code(&file.text);
    let mut found = Vec::new();
    for used in used_modules(&code) {
        match layer(&used) {
            _ if used == own => {}
            _ if used == TESTING => found.push(format!("{}: uses `testing`, which is for tests", file.path)),
            None => found.push(format!("{}: uses `crate::{used}`, which is no module with a layer", file.path)),
            Some(other) if other > level => {
                found.push(format!("{}: `{own}` (layer {level}) looks up to `{used}` (layer {other})", file.path))
            }
            Some(other) if other == level => {
                found.push(format!("{}: `{own}` uses its peer `{used}` (both layer {level})", file.path));
            }
            Some(_) => {}
        }
    }
    if longest_climb(&code) >= depth {
        found.push(format!("{}: climbs to the root with `super`: write `crate::`", file.path));
    }
    found
}

/// First names behind `crate::`, those of a group `crate::{a, b::c}` included, each once.
fn used_modules(code: &str) -> Vec<String> {
    let mut names = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        let before = code[..at].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '$') {
            continue;
        }
        let rest = code[at + "crate::".len()..].trim_start();
        match rest.strip_prefix('{') {
            Some(group) => names.extend(group_names(group)),
            None => names.push(word(rest)),
        }
    }
    names.sort();
    names.dedup();
    names
}

fn word(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

/// First names of a `use` group, whose opening brace is already gone.
fn group_names(group: &str) -> Vec<String> {
    let mut names = vec![word(group.trim_start())];
    let mut depth = 0;
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => names.push(word(group[at + 1..].trim_start())),
            _ => {}
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

/// The most `super::` in a row.
fn longest_climb(code: &str) -> usize {
    let mut longest = 0;
    for (at, _) in code.match_indices("super::") {
        let mut rest = &code[at..];
        let mut steps = 0;
        while let Some(after) = rest.strip_prefix("super::") {
            steps += 1;
            rest = after;
        }
        longest = longest.max(steps);
    }
    longest
}

#[test]
fn modules_look_only_down() {
    let files = sources();
    assert!(files.len() > 20, "the source tree was not found");
    assert_none(&files.iter().flat_map(violations).collect::<Vec<_>>());
}

#[test]
fn planted_violations_of_direction_are_caught() {
    let caught = |path: &str, text: &str, why: &str| {
        let found = violations(&File::new(path, text));
        assert!(found.len() == 1 && found[0].contains(why), "{path}: {text}: {found:?}");
    };
    caught("src/verify/signature.rs", "use crate::policy::Decision;", "looks up to `policy`");
    caught("src/verify/mod.rs", "use crate::{model::Digest, flow::{check, publish}};", "looks up to `flow`");
    caught("src/verify/mod.rs", "fn f() { crate::cli::exit() }", "looks up to `cli`");
    caught("src/sign/file.rs", "use crate::registry::Registry;", "uses its peer `registry`");
    caught("src/seam.rs", "use crate::model::Digest;", "uses its peer `model`");
    caught("src/helpers/mod.rs", "", "has no layer");
    caught("src/policy/mod.rs", "use crate::Decision;", "no module with a layer");
    caught("src/flow/check.rs", "use crate::testing::World;", "is for tests");
    caught("src/verify/subject.rs", "use super::super::policy::Decision;", "climbs to the root");
    caught("src/verify/mod.rs", "use super::policy::Decision;", "climbs to the root");
    caught("src/seam.rs", "use super::policy::Decision;", "climbs to the root");
}

#[test]
fn what_is_allowed_is_not_caught() {
    for (path, text) in [
        (
            "src/verify/signature.rs",
            "use crate::{model::{Digest, Envelope}, trust::PublicKey};\nuse super::VerifyError;",
        ),
        ("src/cli/cmd/verify.rs", "use super::super::exit::Exit; use crate::flow;"),
        (
            "src/verify/mod.rs",
            "//! Not [`crate::policy`].\n#[cfg(test)]\nmod tests {\n    use crate::testing::World;\n}\n",
        ),
        ("src/verify/tests.rs", "use crate::testing::World;"),
        ("src/testing/world.rs", "use crate::flow::publish;"),
        ("src/lib.rs", "pub use crate::policy::Decision;"),
    ] {
        assert_none(&violations(&File::new(path, text)));
    }
}
