//! The source tree as text: which files there are, and what of a file is code.

use std::fs;
use std::path::{Path, PathBuf};

/// A file of the repository.
pub(crate) struct File {
    /// Path from the top of the repository, with `/`.
    pub(crate) path: String,
    /// What is in it; bytes that are not UTF-8 are replaced.
    pub(crate) text: String,
}

impl File {
    /// A planted file, for self-tests.
    pub(crate) fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned() }
    }
}

fn top() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// One file by its path from the top.
pub(crate) fn read(path: &str) -> File {
    let bytes = fs::read(top().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    File::new(path, &String::from_utf8_lossy(&bytes))
}

/// Whether the repository has this file.
pub(crate) fn exists(path: &str) -> bool {
    top().join(path).exists()
}

/// All files below a folder of the repository, in order; build output and what git keeps are left out.
pub(crate) fn below(folder: &str) -> Vec<File> {
    let mut paths = Vec::new();
    walk(&top().join(folder), &mut paths);
    paths.sort();
    let name = |path: &Path| path.strip_prefix(top()).unwrap().to_string_lossy().replace('\\', "/");
    paths.iter().map(|path| read(&name(path))).collect()
}

fn walk(folder: &Path, paths: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_symlink() || [".git", "target", "node_modules"].contains(&name.as_str()) {
            continue;
        }
        if path.is_dir() {
            walk(&path, paths);
        } else {
            paths.push(path);
        }
    }
}

/// The Rust files below `src`.
pub(crate) fn sources() -> Vec<File> {
    below("src").into_iter().filter(|file| file.path.ends_with(".rs")).collect()
}

/// The code of a file: comments and the contents of literals blanked, and a trailing `mod tests` cut off. Lines keep
/// their numbers.
pub(crate) fn code(text: &str) -> String {
    without_tests(&blanked(text)).to_owned()
}

/// Cuts from the first `#[cfg(test)]` or `#[cfg(all(test, …))]` that heads a `mod … {` at the start of a line.
fn without_tests(code: &str) -> &str {
    let mut offset = 0;
    let lines: Vec<&str> = code.split_inclusive('\n').collect();
    for (number, line) in lines.iter().enumerate() {
        let heads_tests = (line.trim_end() == "#[cfg(test)]" || line.starts_with("#[cfg(all(test,"))
            && lines[number + 1..]
                .iter()
                .find(|next| !next.trim_start().starts_with("#["))
                .is_some_and(|next| next.starts_with("mod ") && next.trim_end().ends_with('{'));
        if heads_tests {
            return &code[..offset];
        }
        offset += line.len();
    }
    code
}

/// Comments and the contents of string and character literals replaced by spaces.
fn blanked(text: &str) -> String {
    let bytes: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    let blank = |out: &mut String, part: &[char]| out.extend(part.iter().map(|c| if *c == '\n' { '\n' } else { ' ' }));
    while at < bytes.len() {
        let end = match (bytes[at], bytes.get(at + 1)) {
            ('/', Some('/')) => find(&bytes, at, &['\n']),
            ('/', Some('*')) => block_comment_end(&bytes, at),
            ('"', _) => string_end(&bytes, at + 1),
            ('r', Some('"' | '#')) if !is_word(at.checked_sub(1).map(|before| bytes[before])) => raw_end(&bytes, at),
            ('\'', _) => char_end(&bytes, at),
            _ => at,
        };
        if end > at {
            blank(&mut out, &bytes[at..end]);
            at = end;
        } else {
            out.push(bytes[at]);
            at += 1;
        }
    }
    out
}

fn is_word(c: Option<char>) -> bool {
    c.is_some_and(|c| c.is_alphanumeric() || c == '_')
}

fn find(text: &[char], from: usize, what: &[char]) -> usize {
    (from..text.len()).find(|at| text[*at..].starts_with(what)).unwrap_or(text.len())
}

fn block_comment_end(text: &[char], from: usize) -> usize {
    (find(text, from + 2, &['*', '/']) + 2).min(text.len())
}

fn string_end(text: &[char], mut at: usize) -> usize {
    while at < text.len() && text[at] != '"' {
        at += if text[at] == '\\' { 2 } else { 1 };
    }
    (at + 1).min(text.len())
}

/// The end of `r"…"`, `r#"…"#`; the start itself when it is a raw identifier.
fn raw_end(text: &[char], from: usize) -> usize {
    let hashes = text[from + 1..].iter().take_while(|c| **c == '#').count();
    if text.get(from + 1 + hashes) != Some(&'"') {
        return from;
    }
    let mut close = vec!['"'];
    close.extend(std::iter::repeat_n('#', hashes));
    (find(text, from + 2 + hashes, &close) + close.len()).min(text.len())
}

/// The end of a character literal; the start itself when it is a lifetime.
fn char_end(text: &[char], from: usize) -> usize {
    match (text.get(from + 1), text.get(from + 2)) {
        (Some('\\'), _) => (find(text, from + 3, &['\'']) + 1).min(text.len()),
        (Some(_), Some('\'')) => from + 3,
        _ => from,
    }
}

#[test]
fn only_code_is_left() {
    let text = "// crate::a\nlet b = \"crate::c\"; /* crate::d */ let e = r#\"crate::\"f\"#; let g: &'static str = 'h';\n\
                #[cfg(test)]\nmod tests {\n crate::i }\n";
    let code = code(text);
    assert!(!code.contains("crate::"), "{code}");
    assert!(code.contains("let b =") && code.contains("let e =") && code.contains("&'static str"), "{code}");
    assert_eq!(code.lines().count(), 2, "{code}");
}

#[test]
fn tests_of_one_system_are_tests() {
    assert!(!code("fn a() {}\n#[cfg(all(test, unix))]\nmod tests {\n fn b() {}\n}\n").contains("fn b"));
}

#[test]
fn a_test_only_import_does_not_cut_the_file() {
    assert!(code("#[cfg(test)]\nuse a::b;\n#[cfg(test)]\nmod tests;\nfn after() {}\n").contains("fn after"));
}
