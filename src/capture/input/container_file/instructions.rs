//! From lines to instructions: directives, comments, continued lines, here-documents.

use super::shell::{HereDocument, here_documents};
use super::{NoBase, refused};
use serde_json::value::RawValue;

/// Every instruction there is; a file with another is refused.
const NAMES: &[&str] = &[
    "add",
    "arg",
    "cmd",
    "copy",
    "entrypoint",
    "env",
    "expose",
    "from",
    "healthcheck",
    "label",
    "maintainer",
    "onbuild",
    "run",
    "shell",
    "stopsignal",
    "user",
    "volume",
    "workdir",
];

/// Those that may have here-documents.
const WITH_DOCUMENTS: &[&str] = &["add", "copy", "run"];

/// What a comment at the very top may say to the reader.
const DIRECTIVES: &[&str] = &["syntax", "escape", "check"];

/// The most bytes of a line that BuildKit takes.
const LINE_BYTES: usize = (64 << 10) - 1;

/// One instruction.
pub(super) struct Instruction {
    /// Its name in lower case.
    pub(super) name: &'static str,
    /// What begins with `--`.
    pub(super) flags: Vec<String>,
    /// The rest, without blanks around it.
    pub(super) rest: String,
}

/// What a file holds.
pub(super) struct File {
    /// The character that continues a line, and takes the meaning from the next.
    pub(super) escape: char,
    /// The program that reads it, where it names one.
    pub(super) syntax: Option<String>,
    /// Its instructions.
    pub(super) instructions: Vec<Instruction>,
}

/// Reads a file.
///
/// # Errors
/// What BuildKit refuses.
pub(super) fn read(bytes: &[u8]) -> Result<File, NoBase> {
    let text = String::from_utf8_lossy(bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes)).into_owned();
    let mut lines = text.split_terminator('\n');
    if bytes.split(|b| *b == b'\n').any(|line| line.len() > LINE_BYTES) {
        return refused(format!("a line of more than {LINE_BYTES} bytes"));
    }
    let escape = escape_of(&text)?;
    let mut instructions = Vec::new();
    while let Some(first) = lines.next() {
        let first = without_end(first).trim_start();
        if first.is_empty() || first.starts_with('#') {
            continue;
        }
        let line = continued(first, &mut lines, escape);
        let instruction = instruction(&line, escape)?;
        let documents = match has_documents(&instruction, escape)? && line.contains("<<") {
            true => here_documents(&line)?,
            false => Vec::new(),
        };
        for document in &documents {
            if document.end.contains('\u{FFFD}') || !lines.any(|line| ends(document, line)) {
                return refused("a here-document that does not end");
            }
        }
        instructions.push(instruction);
    }
    Ok(File { escape, syntax: syntax_of(&text), instructions })
}

fn without_end(line: &str) -> &str {
    line.trim_end_matches(['\r', '\n'])
}

fn ends(document: &HereDocument, line: &str) -> bool {
    let line = without_end(line);
    (if document.tabs_too { line.trim_start_matches('\t') } else { line }) == document.end
}

/// The directives at the top, by name: comments of the form `NAME=VALUE`, up to the first line that is none.
fn directives<'a>(lines: impl Iterator<Item = &'a str>) -> impl Iterator<Item = (String, &'a str)> {
    lines.map_while(|line| {
        let (name, value) = line.strip_prefix('#')?.trim_start().split_once('=')?;
        let name = name.trim_end_matches(['\t', '\n', '\x0C', '\r', ' ']).to_ascii_lowercase();
        // What has blanks alone for a value has one.
        let plain = value.trim_matches(['\t', '\n', '\x0C', '\r', ' ']);
        let value = if plain.is_empty() { value } else { plain };
        (DIRECTIVES.contains(&name.as_str()) && !value.is_empty()).then_some((name, value))
    })
}

fn escape_of(text: &str) -> Result<char, NoBase> {
    let mut escape = '\\';
    let mut seen = Vec::new();
    for (name, value) in directives(text.split('\n').map(|line| without_end(line).trim_start())) {
        if seen.contains(&name) {
            return refused(format!("the directive {name} stands there twice"));
        }
        if name == "escape" {
            escape = match value {
                "`" => '`',
                "\\" => '\\',
                _ => return refused("an escape character other than ` and \\"),
            };
        }
        seen.push(name);
    }
    Ok(escape)
}

/// What is asked for it is looked for by another reader, which passes over the line that names an interpreter.
fn syntax_of(text: &str) -> Option<String> {
    let rest = match text.split_once('\n') {
        Some((first, rest)) if first.starts_with("#!") => rest,
        _ => text,
    };
    let found = directives(rest.split('\n').map(without_end)).find(|(name, _)| name == "syntax");
    found.map(|(_, value)| value.split(' ').next().unwrap_or_default().to_owned())
}

/// The whole of a line that goes on below: comments between are none of it, nor are empty lines.
fn continued<'a>(first: &str, lines: &mut impl Iterator<Item = &'a str>, escape: char) -> String {
    let (text, mut goes_on) = unended(first, escape);
    let mut whole = text.to_owned();
    while goes_on {
        let Some(line) = lines.next() else { break };
        let line = without_end(line);
        let shown = line.trim_start();
        if shown.is_empty() || shown.starts_with('#') {
            continue;
        }
        let (text, more) = unended(line, escape);
        whole.push_str(text);
        goes_on = more;
    }
    whole
}

/// A line without the character that continues it, and whether that was there: not where another stands before it.
fn unended(line: &str, escape: char) -> (&str, bool) {
    match line.trim_end_matches([' ', '\t']).strip_suffix(escape) {
        Some(begun) if !begun.ends_with(escape) => (begun, true),
        _ => (line, false),
    }
}

fn is_blank(c: char) -> bool {
    matches!(c, '\t' | '\x0B' | '\x0C' | '\r' | ' ')
}

fn instruction(line: &str, escape: char) -> Result<Instruction, NoBase> {
    let line = line.trim();
    let (name, rest) =
        line.split_once(is_blank).map_or((line, ""), |(name, rest)| (name, rest.trim_start_matches(is_blank)));
    let Some(name) = NAMES.iter().find(|known| name.eq_ignore_ascii_case(known)) else {
        return refused("an instruction that is none");
    };
    let (flags, rest) = flags(rest, escape);
    Ok(Instruction { name, flags, rest: rest.trim().to_owned() })
}

/// The words at the beginning that begin with `--`, without their quotes; `--` alone ends them.
fn flags(text: &str, escape: char) -> (Vec<String>, &str) {
    let mut all = Vec::new();
    let mut rest = text.trim_start();
    while rest.starts_with("--") {
        let (mut word, mut quote, mut end) = (String::new(), None, rest.len());
        let mut chars = rest.char_indices();
        while let Some((at, c)) = chars.next() {
            match quote {
                None if c.is_whitespace() => {
                    end = at;
                    break;
                }
                None if c == '\'' || c == '"' => quote = Some(c),
                Some(open) if c == open => quote = None,
                _ if c == escape => word.extend(chars.next().map(|(_, c)| c)),
                _ => word.push(c),
            }
        }
        rest = rest[end..].trim_start();
        if word == "--" {
            break;
        }
        all.push(word);
    }
    (all, rest)
}

/// Whether an instruction may begin here-documents: one that is written as a list of words may not.
fn has_documents(instruction: &Instruction, escape: char) -> Result<bool, NoBase> {
    if instruction.name == "onbuild" {
        let Ok(triggered) = self::instruction(&instruction.rest, escape) else { return Ok(false) };
        return Ok(WITH_DOCUMENTS.contains(&triggered.name) && !is_list(&triggered.rest)?);
    }
    Ok(WITH_DOCUMENTS.contains(&instruction.name) && !is_list(&instruction.rest)?)
}

fn is_list(text: &str) -> Result<bool, NoBase> {
    if !text.starts_with('[') {
        return Ok(false);
    }
    match serde_json::from_str::<Vec<&RawValue>>(text) {
        Err(_) => Ok(false),
        Ok(all) if all.iter().all(|word| word.get().starts_with('"')) => Ok(true),
        Ok(_) => refused("a list of other things than words"),
    }
}
