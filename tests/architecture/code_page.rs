//! The stable codes: each is declared once, and the documentation is made from the declarations.
#![expect(clippy::disallowed_methods, reason = "reads the source and the document")]

use attest::cli::code_lists::{all, markdown};
use std::fs;
use std::path::Path;

fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn names_are_unique_and_well_formed() {
    for pair in all().windows(2) {
        assert!(pair[0] < pair[1], "`{}` is a code of two lists", pair[0]);
    }
    for code in all() {
        let word = |w: &str| !w.is_empty() && w.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        assert!(code.as_str().split('-').all(word), "`{code}` is not kebab-case");
    }
}

#[test]
fn each_code_says_what_it_means_and_what_to_do() {
    for code in all() {
        for text in [code.meaning(), code.todo()] {
            let fits = text.len() > 10 && !text.contains(['|', '\n']) && !text.ends_with('.');
            assert!(fits, "`{code}`: one line without a full stop and without `|`, found {text:?}");
        }
        let acts = code.acts();
        assert!(!acts.is_empty() && (1..acts.len()).all(|i| !acts[..i].contains(&acts[i])), "`{code}`: {acts:?}");
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
        "docs/codes.md is not up to date: SNAPSHOTS=overwrite cargo test --test architecture code_page"
    );
}

/// A document whose rows of codes say what the declarations say; a code that does not exist stays as it is.
fn with_declared_rows(text: &str) -> String {
    let row = |line: &str| {
        let name = line.strip_prefix("| `")?.split('`').next()?.to_owned();
        let code = all().into_iter().find(|code| code.as_str() == name)?;
        Some(format!("| `{code}` | {} | {} |", code.meaning(), code.todo()))
    };
    text.lines().map(|line| row(line).unwrap_or_else(|| line.to_owned()) + "\n").collect()
}

#[test]
fn troubleshooting_says_what_the_declarations_say() {
    let path = top().join("docs/troubleshooting.md");
    let text = fs::read_to_string(&path).unwrap();
    let declared = with_declared_rows(&text);
    if std::env::var_os("SNAPSHOTS").is_some_and(|v| v == "overwrite") {
        fs::write(&path, &declared).unwrap();
        return;
    }
    assert_eq!(text, declared, "SNAPSHOTS=overwrite cargo test --test architecture code_page");
    let rows: Vec<&str> = text.lines().filter(|line| line.starts_with("| `")).collect();
    let unknown = rows.iter().filter(|row| row.matches(" | ").count() != 2).collect::<Vec<_>>();
    assert!(rows.len() > 40 && unknown.is_empty(), "no such codes: {unknown:?}");
}

#[test]
fn a_row_of_another_text_is_caught() {
    let row = "| `no-signer` | something else | nothing |\n| `no-such-code` |\n";
    let found = with_declared_rows(row);
    assert!(
        found.starts_with("| `no-signer` | there is nothing to sign with |") && found.ends_with("| `no-such-code` |\n")
    );
}
