//! One declaration per code, beside its error: no second table says what a code means, how it ends or what to do.

use crate::assert_none;
use crate::source::{File, code, sources};

/// The only file that makes a code: `codes!` stands there.
const MAKER: &str = "src/model/code.rs";

/// The name of a code where `codes!` declares it: `NAME = "some-code", [`.
fn declared(line: &str) -> Option<&str> {
    let seen = ["pub(super) ", "pub(in crate::policy) ", "pub "];
    let line = seen.into_iter().find_map(|seen| line.trim().strip_prefix(seen)).unwrap_or_else(|| line.trim());
    let (constant, rest) = line.split_once(" = \"")?;
    let (name, rest) = rest.split_once('"')?;
    let is_constant = constant.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_');
    (is_constant && rest.starts_with(", [")).then_some(name)
}

/// Every code of the files with the file that declares it.
fn declarations(files: &[File]) -> Vec<(String, String)> {
    let of = |file: &File| file.text.lines().filter_map(declared).map(str::to_owned).collect::<Vec<_>>();
    files.iter().flat_map(|file| of(file).into_iter().map(|name| (name, file.path.clone()))).collect()
}

fn violations(files: &[File]) -> Vec<String> {
    let mut found = Vec::new();
    let declarations = declarations(files);
    for (number, (name, path)) in declarations.iter().enumerate() {
        if let Some((_, first)) = declarations[..number].iter().find(|(n, _)| n == name) {
            found.push(format!("{path}: `{name}` is declared in {first}"));
        }
    }
    for file in files {
        let bare = code(&file.text);
        if bare.contains("Code::declared(") && file.path != MAKER {
            found.push(format!("{}: makes a code without `codes!`", file.path));
        }
        for (number, (line, _)) in file.text.lines().zip(bare.lines()).enumerate() {
            let literal = |(name, _): &&(String, String)| name.contains('-') && line.contains(&format!("\"{name}\""));
            if !line.trim_start().starts_with("//") && declared(line).is_none() {
                found.extend(declarations.iter().find(literal).map(|(name, _)| {
                    format!("{}:{}: says something of `{name}` beside its declaration", file.path, number + 1)
                }));
            }
        }
    }
    found
}

#[test]
fn each_code_is_declared_once_and_nothing_else_speaks_of_it() {
    // These compare what the program says with the name that they expect.
    let compares = |path: &str| {
        path.starts_with("src/testing/") || path.ends_with("tests.rs") || path == "src/cli/cmd/quickstart.rs"
    };
    let files: Vec<_> = sources().into_iter().filter(|file| !compares(&file.path)).collect();
    assert!(declarations(&files).len() > 100, "the declarations were not found");
    assert_none(&violations(&files));
}

/// A list that nobody registered would be of codes without documentation.
#[cfg(feature = "cli")]
#[test]
fn every_declared_code_is_in_a_registered_list() {
    let mut declared: Vec<_> = declarations(&sources()).into_iter().map(|(name, _)| name).collect();
    declared.sort();
    let listed: Vec<_> = attest::cli::code_lists::all().iter().map(ToString::to_string).collect();
    assert_eq!(declared, listed, "a list of codes has no row in src/cli/code_lists.rs");
}

#[test]
fn catches_a_second_declaration_and_a_second_table() {
    let first = "codes! {\n    CODES;\n    GONE = \"is-gone\", [Caller],\n        \"m\",\n        \"t\";\n}\n";
    let clean = [File::new("src/a.rs", first), File::new("src/b.rs", "const A: u8 = 1;\n")];
    assert_eq!(violations(&clean), Vec::<String>::new());
    let planted = [
        ("src/b.rs", first, "src/b.rs: `is-gone` is declared in src/a.rs"),
        ("src/b.rs", "fn hint() { \"is-gone\" }\n", "src/b.rs:1: says something of `is-gone` beside its declaration"),
        ("src/b.rs", "let c = Code::declared(&D);\n", "src/b.rs: makes a code without `codes!`"),
    ];
    for (path, text, expected) in planted {
        assert_eq!(violations(&[File::new("src/a.rs", first), File::new(path, text)]), [expected]);
    }
}
