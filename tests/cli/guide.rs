//! docs/getting-started.md, run from its first command to its last: each shell block prints what the block behind it shows.
//!
//! `SNAPSHOTS=overwrite cargo test --test cli guide` writes what they print.

use crate::world::{PASSWORD, World};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

/// A part of a document: prose, or a block with its language.
#[derive(Clone, Debug, PartialEq)]
enum Part {
    Prose(String),
    Block(String, String),
}

fn parts(text: &str) -> Vec<Part> {
    let mut out = Vec::new();
    for (at, piece) in text.split("```").enumerate() {
        out.push(match piece.split_once('\n') {
            Some((language, code)) if at % 2 == 1 => Part::Block(language.to_owned(), code.to_owned()),
            _ => Part::Prose(piece.to_owned()),
        });
    }
    out
}

fn text_of(parts: &[Part]) -> String {
    let one = |part: &Part| match part {
        Part::Prose(text) => text.clone(),
        Part::Block(language, code) => format!("```{language}\n{code}```"),
    };
    parts.iter().map(one).collect()
}

/// The same document with what each shell block prints behind it, and none of what stood there before.
fn with_output(text: &str, run: &mut dyn FnMut(&str) -> String) -> String {
    let mut out: Vec<Part> = Vec::new();
    for part in parts(text) {
        match &part {
            Part::Block(language, _) if language == "text" => {
                // Its place between two shell blocks' prose goes too.
                if out.last() == Some(&Part::Prose("\n\n".to_owned())) {
                    out.pop();
                }
            }
            Part::Block(language, code) if language == "sh" => {
                let printed = run(code);
                out.push(part);
                if !printed.is_empty() {
                    out.extend([Part::Prose("\n\n".to_owned()), Part::Block("text".to_owned(), printed)]);
                }
            }
            _ => out.push(part),
        }
    }
    text_of(&out)
}

/// What a terminal shows of digests and times, with others in place of those that differ each time, or with the machine.
fn shown(text: &str, seen: &mut BTreeMap<String, usize>) -> String {
    let line = |line: &str| {
        let fixed = [("\"signature\": \"", "MEUCIQD...\""), ("\"runner\": \"", "laptop\"")];
        let found = fixed.iter().find_map(|(name, value)| {
            let at = line.find(name)? + name.len();
            Some(format!("{}{value}\n", &line[..at]))
        });
        found.unwrap_or_else(|| format!("{line}\n"))
    };
    let text: String = text.lines().map(line).collect();
    let mut out = String::new();
    let mut word = String::new();
    for c in text.chars().chain(['\0']) {
        if c.is_ascii_alphanumeric() || "-:.+".contains(c) {
            word.push(c);
            continue;
        }
        out.push_str(&word_shown(&word, seen));
        word.clear();
        out.push(c);
    }
    out.pop();
    out
}

fn word_shown(word: &str, seen: &mut BTreeMap<String, usize>) -> String {
    let body = word.trim_end_matches([':', '.']);
    let (before, digits) = body.rsplit_once(':').map_or(("", body), |(name, digits)| (name, digits));
    let is_hex = [40, 64].contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_hexdigit());
    let is_time = body.len() >= 20 && body.ends_with('Z') && body.get(10..11) == Some("T") && body.starts_with("20");
    if is_time {
        return word.replace(body, "2026-01-15T10:30:00Z");
    }
    if !is_hex {
        return word.to_owned();
    }
    let count = seen.len();
    let number = *seen.entry(digits.to_owned()).or_insert(count);
    // Eight digits that look like a digest and are always the same for the same place.
    let digits = format!("{:08x}", (number as u32 + 1).wrapping_mul(0x9e37_79b1));
    format!("{before}{}{digits}{}", if before.is_empty() { "" } else { ":" }, &word[body.len()..])
}

fn run(world: &World, folder: &Path, code: &str) -> String {
    let binary = Path::new(env!("CARGO_BIN_EXE_attest"));
    let path = std::env::join_paths(
        std::iter::once(binary.parent().unwrap().to_owned())
            .chain(std::env::split_paths(&std::env::var_os("PATH").unwrap())),
    );
    let out = Command::new("sh")
        .args(["-c", &format!("exec 2>&1\n{code}")])
        .current_dir(folder)
        .env_clear()
        .env("PATH", path.unwrap())
        .env("HOME", world.home())
        .env("ATTEST_PASSWORD", PASSWORD)
        .env("ATTEST_AUDIT_LOG", world.home().join("acme/log"))
        .output()
        .unwrap();
    String::from_utf8(out.stdout).unwrap()
}

/// Runs a page whose first block makes the folder that the others are in, and compares what it shows.
fn prints_what_it_shows(page: &str, folder: &str, at_least: usize) {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join(page);
    let text = std::fs::read_to_string(&page).unwrap();
    let world = World::empty();
    let (mut seen, mut blocks) = (BTreeMap::new(), 0);
    let found = with_output(&text, &mut |code| {
        blocks += 1;
        let folder = if blocks == 1 { world.root().to_owned() } else { world.root().join(folder) };
        shown(&run(&world, &folder, code), &mut seen)
    });
    assert!(blocks >= at_least, "{blocks} blocks");
    if std::env::var_os("SNAPSHOTS").is_some_and(|v| v == "overwrite") {
        std::fs::write(&page, &found).unwrap();
    }
    snapbox::assert_data_eq!(found, snapbox::Data::from(text).raw());
}

#[test]
fn getting_started_prints_what_it_shows() {
    prints_what_it_shows("docs/getting-started.md", "demo", 8);
}

#[test]
fn the_tutorial_of_a_pipeline_prints_what_it_shows() {
    prints_what_it_shows("docs/tutorial-ci.md", "shop", 6);
}

#[test]
fn the_tutorial_of_a_deployment_prints_what_it_shows() {
    prints_what_it_shows("docs/tutorial-deploy.md", "release", 6);
}

/// Times of today, and how long ago the story was, with others in place of those that differ each day.
fn of_the_story(text: &str) -> String {
    let mut out = String::new();
    for line in text.lines() {
        let mut line = line.to_owned();
        let (mut at, is_digit) = (0, |b: &u8| b.is_ascii_digit());
        while let Some(word) = line.get(at..).and_then(|rest| rest.get(..16)) {
            let bytes = word.as_bytes();
            let is_time = word.starts_with("20") && bytes[4] == b'-' && bytes[10] == b' ' && bytes[13] == b':';
            if is_time && bytes[14..].iter().all(is_digit) && !word.starts_with("2026-01-1") {
                line.replace_range(at..at + 16, "2026-01-13 10:45");
                let seconds = line.get(at + 16..at + 19).filter(|rest| rest.starts_with(':')).is_some();
                if seconds {
                    line.replace_range(at + 16..at + 19, ":00");
                }
            }
            at += 1;
        }
        if let Some((before, after)) = line
            .split_once("it was recorded ")
            .and_then(|(before, rest)| Some((before.to_owned(), rest.split_once(" after it happened")?.1.to_owned())))
        {
            line = format!("{before}it was recorded 3h 5m after it happened{after}");
        }
        out += &line;
        out.push('\n');
    }
    out
}

#[test]
fn an_incident_prints_what_its_page_shows() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = top.join("docs/audit/incident.md");
    let text = std::fs::read_to_string(&page).unwrap();
    let world = World::empty();
    crate::audit::copy(&top.join("examples/incident"), &world.root().join("examples/incident"));
    let (mut seen, mut blocks) = (BTreeMap::new(), 0);
    let found = with_output(&text, &mut |code| {
        blocks += 1;
        of_the_story(&shown(&run(&world, world.root(), code), &mut seen))
    });
    assert!(blocks >= 10, "{blocks} blocks");
    for word in ["error[", "HOLE  nothing was followed"] {
        assert!(!found.contains(word), "{word}: {found}");
    }
    if std::env::var_os("SNAPSHOTS").is_some_and(|v| v == "overwrite") {
        std::fs::write(&page, &found).unwrap();
    }
    snapbox::assert_data_eq!(found, snapbox::Data::from(text).raw());
}

#[test]
fn blocks_are_found_and_replaced() {
    let page = "A\n\n```sh\none\n```\n\n```text\nold\n```\n\nB\n```yaml\na: 1\n```\n\n```sh\ntwo\n```\n";
    let found = with_output(page, &mut |code| if code == "one\n" { "new\n".to_owned() } else { String::new() });
    assert_eq!(found, page.replace("old", "new"));
    let none = with_output(page, &mut |_| String::new());
    assert_eq!(none, page.replace("\n\n```text\nold\n```", ""));
    let mut seen = BTreeMap::new();
    let digest = "ab".repeat(32);
    let text = format!("DENY x sha256:{digest}: no; {digest} at 2026-11-29T16:00:00Z.\n");
    assert_eq!(shown(&text, &mut seen), "DENY x sha256:9e3779b1: no; 9e3779b1 at 2026-01-15T10:30:00Z.\n");
}
