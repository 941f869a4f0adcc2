//! No file imports one that imports it back, over however many others: what goes round can only be read, tested and moved as
//! one. A folder's file that registers its own modules by their bare names (`ALL`) imports nothing by that.

use crate::source::{File, code, sources};
use std::collections::{BTreeMap, BTreeSet};

/// The tree of modules as text.
struct Tree {
    /// Code by path below `src`.
    files: BTreeMap<String, String>,
    /// What the file of a folder hands on: name to path.
    handed_on: BTreeMap<String, BTreeMap<String, String>>,
}

impl Tree {
    fn of(files: &[File]) -> Self {
        let below = |file: &File| Some((file.path.strip_prefix("src/")?.to_owned(), code(&file.text)));
        let files: BTreeMap<_, _> = files.iter().filter_map(below).collect();
        let mut handed_on = BTreeMap::new();
        for (path, text) in &files {
            let hands_on = |(is_public, used): (bool, String)| {
                let name = used.rsplit("::").next().unwrap_or_default().to_owned();
                (is_public && path.ends_with("mod.rs")).then_some((name, used))
            };
            handed_on.insert(path.clone(), imports(text).into_iter().filter_map(hands_on).collect());
        }
        Self { files, handed_on }
    }

    /// The file of a module.
    fn file(&self, module: &[&str]) -> Option<String> {
        let path = module.join("/");
        [format!("{path}.rs"), format!("{path}/mod.rs")].into_iter().find(|p| self.files.contains_key(p))
    }

    /// The file that a path written in `from` leads to; none for another crate's.
    fn resolve(&self, from: &str, path: &str, depth: usize) -> Option<String> {
        let own: Vec<&str> = module(from);
        let mut left: Vec<&str> = path.split("::").collect();
        let mut at: Vec<&str> = match *left.first()? {
            "crate" => Vec::new(),
            "super" | "self" => own.clone(),
            // Of a folder's file: one of its own modules.
            first if from.ends_with("mod.rs") && self.file(&[&own[..], &[first]].concat()).is_some() => own.clone(),
            _ => return None,
        };
        while let Some(first) = left.first().copied().filter(|f| ["crate", "super", "self"].contains(f)) {
            if first == "super" {
                at.pop();
            }
            left.remove(0);
        }
        while let Some(first) = left.first() {
            let next = [&at[..], &[*first]].concat();
            if self.file(&next).is_none() {
                break;
            }
            at = next;
            left.remove(0);
        }
        let file = self.file(&at)?;
        let handed_on = left.first().and_then(|name| self.handed_on.get(&file)?.get(*name));
        match handed_on {
            Some(further) if depth > 0 => self.resolve(&file, further, depth - 1).or(Some(file)),
            _ => Some(file),
        }
    }

    /// Every file with those that it uses.
    fn edges(&self) -> BTreeMap<&str, BTreeSet<String>> {
        let used = |path: &str, text: &str| -> BTreeSet<String> {
            let imported = imports(text).into_iter().filter(|(is_public, _)| !(*is_public && path.ends_with("mod.rs")));
            let paths = imported.map(|(_, used)| used).chain(inline(text));
            paths.filter_map(|used| self.resolve(path, &used, 4)).filter(|file| file != path).collect()
        };
        self.files.iter().map(|(path, text)| (path.as_str(), used(path, text))).collect()
    }

    /// Sets of files each of which leads to each.
    fn circles(&self) -> BTreeSet<Vec<String>> {
        let edges = self.edges();
        let reach: BTreeMap<&str, BTreeSet<&str>> = edges.keys().map(|from| (*from, reachable(from, &edges))).collect();
        let mut out = BTreeSet::new();
        for (file, reached) in &reach {
            let back = |other: &&&str| reach.get(**other).is_some_and(|r| r.contains(file));
            let circle: Vec<String> = reached.iter().filter(back).map(|f| (*f).to_owned()).collect();
            if circle.len() > 1 {
                out.insert(circle);
            }
        }
        out
    }
}

fn reachable<'e>(from: &'e str, edges: &'e BTreeMap<&str, BTreeSet<String>>) -> BTreeSet<&'e str> {
    let (mut seen, mut left) = (BTreeSet::new(), vec![from]);
    while let Some(file) = left.pop() {
        for next in edges.get(file).into_iter().flatten() {
            if seen.insert(next.as_str()) {
                left.push(next);
            }
        }
    }
    seen
}

/// The names of a file's module, from the root.
fn module(path: &str) -> Vec<&str> {
    let mut names: Vec<_> = path.trim_end_matches(".rs").split('/').collect();
    if names.last().is_some_and(|last| ["mod", "lib", "main"].contains(last)) {
        names.pop();
    }
    names
}

/// Every import, groups taken apart, with whether it is handed on.
fn imports(text: &str) -> Vec<(bool, String)> {
    let mut out = Vec::new();
    for statement in text.split(';') {
        let Some(at) = statement.rfind("use ").filter(|at| begins_a_line(statement, *at)) else { continue };
        let line = statement[..at].lines().last().unwrap_or_default();
        out.extend(expanded(&statement[at + 4..]).into_iter().map(|path| (line.contains("pub"), path)));
    }
    out
}

/// Whether only a visibility stands before it on its line.
fn begins_a_line(text: &str, at: usize) -> bool {
    let before = text[..at].rsplit('\n').next().unwrap_or_default().trim();
    before.is_empty() || before == "pub" || (before.starts_with("pub(") && before.ends_with(')'))
}

fn expanded(tree: &str) -> Vec<String> {
    let tree = tree.trim();
    let Some((prefix, inner)) = tree.split_once('{') else {
        return vec![tree.split(" as ").next().unwrap_or_default().split_whitespace().collect()];
    };
    let inner = inner.trim_end().trim_end_matches('}');
    let (mut parts, mut depth, mut part) = (Vec::new(), 0usize, String::new());
    for c in inner.chars().chain([',']) {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                parts.push(std::mem::take(&mut part));
                continue;
            }
            _ => {}
        }
        part.push(c);
    }
    let whole = |path: String| format!("{}{path}", prefix.trim()).trim_end_matches("::self").to_owned();
    parts.iter().filter(|p| !p.trim().is_empty()).flat_map(|p| expanded(p)).map(whole).collect()
}

/// Paths from the root that stand in the text itself.
fn inline(text: &str) -> Vec<String> {
    let path = |(at, _): (usize, &str)| -> String {
        text[at..].chars().take_while(|c| c.is_alphanumeric() || ['_', ':'].contains(c)).collect()
    };
    // A visibility (`pub(in crate::…)`) says who may look here, and uses nothing.
    let used = |(at, _): &(usize, &str)| !text[..*at].ends_with("(in ");
    text.match_indices("crate::").filter(used).map(path).collect()
}

#[test]
fn no_file_uses_one_that_uses_it_back() {
    let sources: Vec<File> = sources().into_iter().filter(|f| !f.path.starts_with("src/testing/")).collect();
    let found = Tree::of(&sources).circles();
    assert!(found.is_empty(), "these files use one another: {found:#?}");
}

#[test]
fn planted_circles_are_found() {
    let circles = |files: &[(&str, &str)]| {
        let files: Vec<_> = files.iter().map(|(path, text)| File::new(path, text)).collect();
        Tree::of(&files).circles().len()
    };
    let one = ("src/a/one.rs", "use crate::a::two::Two;\n");
    let plain = ("src/a/mod.rs", "mod one;\nmod two;\n");
    assert_eq!(circles(&[plain, one, ("src/a/two.rs", "use super::one::One;\n")]), 1);
    assert_eq!(circles(&[plain, one, ("src/a/two.rs", "fn f() { crate::a::one::f() }\n")]), 1);
    assert_eq!(circles(&[plain, one, ("src/a/two.rs", "use std::fmt;\n")]), 0);
    assert_eq!(circles(&[plain, one, ("src/a/two.rs", "pub(in crate::a::one) fn f() {}\n")]), 0);
    // Over a folder's file that only hands names on, and in a group.
    let folder = ("src/a/mod.rs", "mod one;\nmod two;\npub use one::One;\npub use two::Two;\n");
    assert_eq!(circles(&[folder, one, ("src/a/two.rs", "use super::{One, fmt as f};\n")]), 1);
    assert_eq!(circles(&[folder, ("src/a/one.rs", "use super::Two;\n"), ("src/a/two.rs", "")]), 0);
    // Over three, and between a folder's file and one of its own.
    let three =
        [("src/x.rs", "use crate::y::Y;\n"), ("src/y.rs", "use crate::z::Z;\n"), ("src/z.rs", "use crate::x::X;\n")];
    assert_eq!(circles(&three), 1);
    assert_eq!(circles(&[("src/b/mod.rs", "mod c;\nuse c::C;\n"), ("src/b/c.rs", "use super::B;\n")]), 1);
}
