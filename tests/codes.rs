//! The stable codes: each is documented once, with one meaning, and the documentation is what the program says.
#![cfg(feature = "cli")]
#![expect(clippy::disallowed_methods, reason = "reads the source and the document")]

use attest::cli::code_table::{ROWS, lists, markdown};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

fn documented() -> BTreeSet<&'static str> {
    ROWS.iter().map(|row| row.code).collect()
}

fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn every_list_is_documented_and_nothing_else() {
    let listed: BTreeSet<_> = lists().iter().flat_map(|l| l.codes).map(|c| c.as_str()).collect();
    let missing: Vec<_> = listed.difference(&documented()).copied().collect();
    assert!(missing.is_empty(), "give these codes a row in src/cli/code_table.rs: {missing:?}");
    let documented = documented();
    let stale: Vec<_> = documented.difference(&listed).collect();
    assert!(stale.is_empty(), "these rows of src/cli/code_table.rs are of no list: {stale:?}");
}

#[test]
fn one_name_has_one_meaning() {
    let mut owners: BTreeMap<&str, &str> = BTreeMap::new();
    for list in lists() {
        let mut shared: BTreeSet<_> = list.shared.iter().copied().collect();
        for code in list.codes {
            let code = code.as_str();
            match owners.insert(code, list.owner) {
                Some(owner) => {
                    assert!(shared.remove(code), "`{code}` is a code of {owner} and of {}", list.owner);
                }
                None => assert!(!shared.contains(code), "`{code}` of {} is of no list before it", list.owner),
            }
        }
        assert!(shared.is_empty(), "{} does not have {shared:?}", list.owner);
    }
}

#[test]
fn rows_are_in_order_and_well_formed() {
    for pair in ROWS.windows(2) {
        assert!(pair[0].code < pair[1].code, "`{}` stands before `{}`", pair[0].code, pair[1].code);
    }
    for row in ROWS {
        let word = |w: &str| !w.is_empty() && w.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        assert!(row.code.split('-').all(word), "`{}` is not kebab-case", row.code);
        assert!(row.exits.iter().all(|e| (1..=3).contains(e)), "`{}`: exits {:?}", row.code, row.exits);
        assert!(!row.meaning.is_empty() && !row.meaning.contains('|') && !row.meaning.ends_with('.'), "{row:?}");
    }
}

#[test]
fn the_document_is_what_the_program_says() {
    let path = top().join("docs/codes.md");
    if std::env::var_os("SNAPSHOTS").is_some_and(|v| v == "overwrite") {
        fs::write(&path, markdown()).unwrap();
    }
    assert_eq!(
        fs::read_to_string(path).unwrap(),
        markdown(),
        "docs/codes.md is not up to date: SNAPSHOTS=overwrite cargo test --test codes"
    );
}

/// Texts behind `before` and up to the next `"`, of the code of all source files; tests at a file's end are left out.
fn texts_behind(before: &str) -> Vec<(String, String)> {
    let mut out = Vec::new();
    let mut folders = vec![top().join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = fs::read_to_string(&path).unwrap();
            let code = text.split("#[cfg(test)]\nmod tests").next().unwrap();
            for (at, _) in code.match_indices(before) {
                let value = code[at + before.len()..].split('"').next().unwrap();
                out.push((path.display().to_string(), value.to_owned()));
            }
        }
    }
    out
}

#[test]
fn no_code_is_made_outside_the_lists() {
    let made = texts_behind("Code::new(\"");
    assert!(made.len() > 50, "the source was not found");
    for (path, code) in made {
        assert!(documented().contains(code.as_str()), "{path}: `{code}` is of no list in src/cli/code_table.rs");
    }
}

#[test]
fn every_hint_is_about_a_code() {
    let hints = fs::read_to_string(top().join("src/cli/hint.rs")).unwrap();
    let keys: Vec<_> = hints
        .lines()
        .filter_map(|line| line.trim().strip_prefix('"')?.split_once("\" =>"))
        .map(|(code, _)| code.to_owned())
        .collect();
    assert!(keys.len() > 10, "the hints were not found");
    for code in keys {
        assert!(documented().contains(code.as_str()), "src/cli/hint.rs: `{code}` is no code");
    }
}
