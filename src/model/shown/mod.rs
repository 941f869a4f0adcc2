//! Strings from outside, as people, terminals and shells may be shown them.

use crate::model::limits;
use std::fmt::Write as _;

/// The text on one line, as [`visible`], cut at [`limits::SHOWN_CHARS`].
#[must_use]
pub fn line(text: &str) -> String {
    match text.char_indices().nth(limits::SHOWN_CHARS) {
        Some((at, _)) => visible(text.get(..at).unwrap_or_default()) + "…",
        None => visible(text),
    }
}

/// The text on one line, with control and direction-changing characters escaped.
#[must_use]
pub fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() || is_invisible(c) {
            let _ = write!(out, "\\u{{{:x}}}", c as u32);
        } else {
            out.push(c);
        }
    }
    // GitHub's runner obeys `##[command]` wherever it stands in a line of a step's output.
    out.replace("##[", "#\\u{23}[")
}

/// A text as one word of a POSIX shell, for a command line that a person will copy.
#[must_use]
pub fn shell(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/:._-@%+=,".contains(c);
    let text = line(text);
    if !text.is_empty() && text.chars().all(plain) { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

/// Characters that change how others are shown: bidirectional controls, zero-width, line and paragraph separators, tags.
#[must_use]
pub fn is_invisible(c: char) -> bool {
    matches!(c as u32, 0x00ad | 0x061c | 0x180e | 0x200b..=0x200f | 0x2028..=0x202e | 0x2060..=0x206f | 0xfe00..=0xfe0f | 0xfeff | 0xfff9..=0xfffb | 0xe0000..=0xe0fff)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_a_command_to_a_runner_or_a_shell() {
        assert_eq!(line("a ##[add-mask]b #[c]"), "a #\\u{23}[add-mask]b #[c]");
        assert_eq!(shell("https://x.example/p/v1"), "https://x.example/p/v1");
        assert_eq!(shell("https://x/$(id)';id"), r"'https://x/$(id)'\'';id'");
    }

    #[test]
    fn nothing_moves_the_cursor_or_the_reading_direction() {
        assert_eq!(line("a\x1b[2Jb\r\nc"), "a\\u{1b}[2Jb\\u{d}\\u{a}c");
        assert_eq!(line("x\u{202e}y\u{200b}"), "x\\u{202e}y\\u{200b}");
        assert_eq!(line("ghcr.io/acme/app é 日本"), "ghcr.io/acme/app é 日本");
        assert!(line(&"a".repeat(5000)).chars().count() <= limits::SHOWN_CHARS + 1);
    }
}
