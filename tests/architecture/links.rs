//! Documents lead to each other: every link has a target, and every document is in the index.

use crate::assert_none;
use crate::source::{File, below, exists, read};
use std::path::{Component, Path, PathBuf};

/// Documents at the top and below `docs/`.
fn documents() -> Vec<File> {
    let top = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md"].map(read);
    top.into_iter().chain(below("docs").into_iter().filter(|file| file.path.ends_with(".md"))).collect()
}

/// Targets of the links of a text, outside of code blocks.
fn links(text: &str) -> Vec<&str> {
    let prose: Vec<&str> = text.split("```").step_by(2).collect();
    prose.iter().flat_map(|part| part.split("](").skip(1)).filter_map(|rest| rest.split(')').next()).collect()
}

/// The anchor that a heading gets.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

fn anchors(text: &str) -> Vec<String> {
    text.lines().filter(|line| line.starts_with('#')).map(|line| anchor(line.trim_start_matches('#'))).collect()
}

/// A path without `..`.
fn plain(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        if part == Component::ParentDir {
            out.pop();
        } else {
            out.push(part);
        }
    }
    out
}

/// What a link of a document does not lead to.
fn dangling(file: &File, exists: &dyn Fn(&str) -> bool, read: &dyn Fn(&str) -> String) -> Vec<String> {
    let folder = Path::new(&file.path).parent().unwrap_or_else(|| Path::new(""));
    let mut found = Vec::new();
    for link in links(&file.text).into_iter().filter(|link| !link.starts_with("http")) {
        let (path, part) = link.split_once('#').unwrap_or((link, ""));
        let target = if path.is_empty() { file.path.clone() } else { plain(&folder.join(path)).display().to_string() };
        if !exists(&target) {
            found.push(format!("{}: nothing is at `{link}`", file.path));
        } else if !part.is_empty() && target.ends_with(".md") && !anchors(&read(&target)).contains(&part.to_owned()) {
            found.push(format!("{}: `{link}` has no such heading", file.path));
        }
    }
    found
}

#[test]
fn every_link_leads_somewhere() {
    let documents = documents();
    assert!(documents.len() >= 12, "{} documents", documents.len());
    let found: Vec<String> =
        documents.iter().flat_map(|file| dangling(file, &exists, &|path| read(path).text)).collect();
    assert_none(&found);
}

#[test]
fn every_document_is_in_the_index() {
    let index = read("docs/README.md");
    let listed = links(&index.text);
    let missing = documents().into_iter().filter_map(|file| {
        let name = file.path.strip_prefix("docs/")?;
        (name != "README.md" && !listed.contains(&name)).then(|| format!("docs/README.md does not name {name}"))
    });
    assert_none(&missing.collect::<Vec<_>>());
}

#[test]
fn planted_links_are_caught() {
    let file = |text: &str| File::new("docs/a.md", text);
    let there = |path: &str| ["docs/a.md", "docs/b.md", "README.md"].contains(&path);
    let text = |_: &str| "# One thing\n## It's `two`: things\n".to_owned();
    let found = |link: &str| dangling(&file(&format!("x [y]({link}) z\n")), &there, &text);
    for good in ["b.md", "../README.md", "b.md#one-thing", "#its-two-things", "https://h.example/x"] {
        assert_none(&found(good));
    }
    for bad in ["c.md", "../b.md", "b.md#one", "#x"] {
        assert_eq!(found(bad).len(), 1, "{bad}");
    }
    assert_none(&dangling(&file("```\n[x](no.md)\n```\n"), &there, &text));
}
