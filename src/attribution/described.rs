//! What the description of a pull request says of a commit: which execution it names, and an exception from the rule. What nobody
//! sees who reads it (`<!-- -->`) says nothing.

use super::demanded::{Fault, reason};
use super::paragraphs::{trailer, trim};

/// How long an id must be to be named without `Execution:` (characters): a shorter one is a word like any other.
const NAMED_ALONE: usize = 8;

/// A line as it is shown, and whether it is in a block of code.
struct Line {
    text: String,
    is_code: bool,
}

/// The lines of a description without comments.
fn lines(text: &str) -> Vec<Line> {
    let mut out = Vec::new();
    let (mut fence, mut in_comment) = (None::<(char, usize)>, false);
    for line in text.lines() {
        let mark = mark(line);
        if let Some((sign, length)) = fence {
            if mark.is_some_and(|(other, long, bare)| other == sign && long >= length && bare) {
                fence = None;
            }
            out.push(Line { text: line.to_owned(), is_code: true });
            continue;
        }
        if let Some((sign, length, _)) = mark.filter(|_| !in_comment) {
            fence = Some((sign, length));
            continue;
        }
        let text = shown(line, &mut in_comment);
        let is_code = text.starts_with("    ") || text.starts_with('\t');
        out.push(Line { text, is_code });
    }
    out
}

/// What begins or ends a block of code: its sign, how many of it, and whether nothing stands behind.
fn mark(line: &str) -> Option<(char, usize, bool)> {
    let line = trim(line);
    let sign = line.chars().next().filter(|c| ['`', '~'].contains(c))?;
    let rest = line.trim_start_matches(sign);
    let length = line.len() - rest.len();
    (length >= 3 && !(sign == '`' && rest.contains('`'))).then_some((sign, length, rest.is_empty()))
}

/// A line without what is in comments.
fn shown(line: &str, in_comment: &mut bool) -> String {
    let (mut out, mut rest) = (String::new(), line);
    loop {
        let (end, length) = if *in_comment { ("-->", 3) } else { ("<!--", 4) };
        let at = rest.find(end);
        let (before, after) = at.map_or((rest, None), |at| (&rest[..at], Some(&rest[at + length..])));
        if !*in_comment {
            out.push_str(before);
        }
        let Some(after) = after else { return out };
        *in_comment = !*in_comment;
        rest = after;
    }
}

/// Whether a description names an execution: `Execution: ID`, or the whole id anywhere, where that is no word like any other.
#[must_use]
pub fn names(text: &str, id: &str) -> bool {
    let said = |line: &Line| {
        trailer(&line.text)
            .is_some_and(|(key, value)| key.eq_ignore_ascii_case("Execution") && value.trim_matches(['`', ' ']) == id)
    };
    let alone = id.chars().count() >= NAMED_ALONE && id.contains(|c: char| c.is_ascii_alphanumeric());
    lines(text).iter().any(|line| said(line) || alone && has_word(&line.text, id))
}

/// Whether a text has an id, and not only a longer one that holds it.
fn has_word(text: &str, id: &str) -> bool {
    let inner = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
    text.match_indices(id).any(|(at, _)| {
        let (before, after) = (text[..at].chars().next_back(), text[at + id.len()..].chars().next());
        !before.is_some_and(inner) && !after.is_some_and(inner)
    })
}

/// The reason of an exception from the rule that a description has, on a line of its own outside of code.
///
/// # Errors
/// [`Fault::NoReason`].
pub fn exception(text: &str) -> Result<Option<String>, Fault> {
    let lines = lines(text);
    reason(lines.iter().filter(|line| !line.is_code).filter_map(|line| {
        let (key, rest) = trim(&line.text).split_once(':')?;
        Some((key.trim_end(), rest))
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_names_the_whole_id() {
        for (text, id, named) in [
            ("Execution: exec-1\n", "exec-1", true),
            ("- execution: `exec-1`\n", "exec-1", true),
            ("```\nExecution: exec-1\n```\n", "exec-1", true),
            ("It is exec-1.\n", "exec-1", false),
            ("this is a fix", "a", false),
            ("It is exec-1234.\n", "exec-1234", true),
            ("It is exec-12345.\n", "exec-1234", false),
            ("It is my-exec-1234.\n", "exec-1234", false),
            ("Execution: exec-12\n", "exec-1", false),
            ("<!-- Execution: exec-1234 -->\n", "exec-1234", false),
            ("<!--\nExecution: exec-1234\n-->\n", "exec-1234", false),
            ("Title\n========\n", "========", false),
            ("", "exec-1", false),
        ] {
            assert_eq!(names(text, id), named, "{text:?}");
        }
    }

    #[test]
    fn an_exception_is_seen_by_whoever_reads_it() {
        let line = "Audit-Exception: ORG-001; hotfix";
        for (text, found) in [
            (format!("Text\n{line}\n"), true),
            (format!("<!-- x -->\n{line}\n"), true),
            (format!("```\ncode\n```\n{line}\n"), true),
            (format!("a `<!--` b --> c\n{line}\n"), true),
            (format!("<!-- to except write\n{line}\n-->\n"), false),
            (format!("<!-- never closed\n\n{line}\n"), false),
            (format!("```\n{line}\n```\n"), false),
            (format!("~~~~ text\n~~~\n{line}\n~~~~\n"), false),
            (format!("    {line}\n"), false),
            (format!("> {line}\n"), false),
            (format!("Write {line}\n"), false),
        ] {
            assert_eq!(exception(&text), Ok(found.then(|| "hotfix".to_owned())), "{text}");
        }
        assert_eq!(exception("Audit-Exception: ORG-001\n"), Err(Fault::NoReason));
    }
}
