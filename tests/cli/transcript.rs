//! What a person sees: commands and the whole of what they print, with what differs each time replaced.

use crate::world::{PASSWORD, World};
use attest::cli::code_lists::all;
use snapbox::Assert;
use snapbox::assert::DEFAULT_ACTION_ENV;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;

/// Commands of one world and what they printed.
pub(crate) struct Transcript<'w> {
    world: &'w World,
    text: String,
}

impl<'w> Transcript<'w> {
    pub(crate) fn new(world: &'w World) -> Self {
        Self { world, text: String::new() }
    }

    /// Runs `attest` with a line of arguments; single quotes keep words together.
    #[track_caller]
    pub(crate) fn run(self, exit: i32, line: &str) -> Self {
        self.run_with(&[("ATTEST_PASSWORD", PASSWORD)], exit, line)
    }

    /// The same with other variables than the password.
    #[track_caller]
    pub(crate) fn run_with(mut self, variables: &[(&str, &str)], exit: i32, line: &str) -> Self {
        let args = words(line);
        let args: Vec<_> = args.iter().map(String::as_str).collect();
        let out = self.world.attest_with(variables, &args);
        let (stdout, stderr) = (text(&out.stdout), text(&out.stderr));
        // A signal as shells say it: 128 and its number.
        let code = out.status.code().or_else(|| out.status.signal().map(|s| 128 + s));
        assert_eq!(code, Some(exit), "attest {line}:\n{stdout}{stderr}");
        codes_are_documented(&stderr, exit);
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        let _ = writeln!(self.text, "$ attest {}", visible(line));
        for (name, stream) in [("stdout", stdout), ("stderr", stderr)] {
            if !stream.is_empty() {
                let end = if stream.ends_with('\n') { "" } else { "(no newline)\n" };
                let _ = write!(self.text, "--- {name}\n{stream}{end}");
            }
        }
        let _ = writeln!(self.text, "--- exit {exit}");
        self
    }

    /// What happens between commands, in words.
    pub(crate) fn note(mut self, what: &str, act: impl FnOnce(&World)) -> Self {
        act(self.world);
        let _ = writeln!(self.text, "\n({what})");
        self
    }

    /// Compares with `snapshots/NAME.txt`; `SNAPSHOTS=overwrite` writes it.
    #[track_caller]
    pub(crate) fn is(self, name: &str) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/cli/snapshots/{name}.txt"));
        let text = redacted(&self.text, self.world);
        Assert::new()
            .action_env(DEFAULT_ACTION_ENV)
            .normalize_paths(false)
            .eq(text, snapbox::Data::read_from(&path, Some(snapbox::data::DataFormat::Text)).raw());
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("attest prints UTF-8")
}

fn visible(line: &str) -> String {
    line.chars().map(|c| if c.is_control() { c.escape_default().to_string() } else { c.to_string() }).collect()
}

fn words(line: &str) -> Vec<String> {
    let mut out = vec![String::new()];
    let mut quoted = false;
    for c in line.chars() {
        match c {
            '\'' => quoted = !quoted,
            ' ' if !quoted => out.push(String::new()),
            c => out.last_mut().expect("never empty").push(c),
        }
    }
    out
}

/// Every `error[CODE]` is declared, with this exit code.
#[track_caller]
fn codes_are_documented(stderr: &str, exit: i32) {
    for (code, _) in stderr.lines().filter_map(|l| l.strip_prefix("error[")?.split_once(']')) {
        let code = all().into_iter().find(|c| c.as_str() == code).unwrap_or_else(|| panic!("`{code}` is not declared"));
        let fits = code.acts().iter().any(|a| a.exit().is_none_or(|e| i32::from(e) == exit));
        assert!(fits, "`{code}` came with exit {exit}, declared are {:?}", code.acts());
    }
}

/// Replaces what differs each time: each distinct value gets a number, so that equal ones stay equal.
fn redacted(text: &str, world: &World) -> String {
    let mut text = text.to_owned();
    // Before the parts of them.
    for (path, name) in [(world.root(), "[WORK]"), (world.home(), "[HOME]")] {
        text = text.replace(&path.display().to_string(), name);
    }
    let mut seen = BTreeMap::new();
    let mut out = String::with_capacity(text.len());
    for line in text.lines() {
        out.push_str(&if line.starts_with("{\"mediaType\":\"application/vnd.dev.sigstore.bundle") {
            "[BUNDLE]".to_owned()
        } else {
            line_redacted(line, &mut seen)
        });
        out.push('\n');
    }
    out
}

fn line_redacted(line: &str, seen: &mut BTreeMap<String, String>) -> String {
    for machine in ["environment.id: ", "environment.arch: ", "credentials: ", "elevated: "] {
        let (indent, rest) = line.split_at(line.len() - line.trim_start().len());
        for before in ["internalParameters.", ""] {
            if rest.starts_with(&format!("{before}{machine}")) {
                return format!("{indent}{before}{machine}[MACHINE]");
            }
        }
    }
    let mut out = String::new();
    let mut word = String::new();
    for c in line.chars().chain([' ']) {
        if c.is_ascii_alphanumeric() || "+/=:-.".contains(c) {
            word.push(c);
            continue;
        }
        out.push_str(&word_redacted(&word, seen));
        word.clear();
        out.push(c);
    }
    out.pop();
    out
}

fn word_redacted(word: &str, seen: &mut BTreeMap<String, String>) -> String {
    let hex = |s: &str, n: usize| s.len() == n && s.bytes().all(|b| b.is_ascii_hexdigit());
    let is_time = word.len() >= 20 && word.ends_with('Z') && word.get(10..11) == Some("T") && word.starts_with("20");
    let is_hint = word.len() == 44 && word.ends_with('=');
    match word.rsplit_once("sha256:") {
        Some((before, digits)) if hex(digits.trim_end_matches([':', '.', ';']), 64) => {
            let digits_only = digits.trim_end_matches([':', '.', ';']);
            let after = &digits[digits_only.len()..];
            let count = seen.keys().filter(|k| k.len() == 64).count() + 1;
            let name = seen.entry(digits_only.to_owned()).or_insert_with(|| format!("sha256:[DIGEST-{count}]"));
            format!("{before}{name}{after}")
        }
        _ if is_time => "[TIME]".to_owned(),
        _ if is_hint => {
            let count = seen.keys().filter(|k| k.len() == 44).count() + 1;
            seen.entry(word.to_owned()).or_insert_with(|| format!("[HINT-{count}]")).clone()
        }
        _ => word.to_owned(),
    }
}
