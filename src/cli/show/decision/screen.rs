//! Lines for where they are read: a terminal has short digests, colour and lines of [`WIDTH`]; a pipe has everything whole.

use crate::policy::Verdict;
use clap::builder::styling::{AnsiColor, Style};

/// What a terminal shows without breaking lines itself.
pub(in crate::cli) const WIDTH: usize = 80;

/// Hex digits of a digest that a terminal shows.
const DIGITS: usize = 8;

/// Hex digits of the shortest digest that is shortened: a commit's.
const LONG: usize = 40;

/// How much a reader wants to see, and where it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli) struct View {
    /// Every requirement and candidate, and every field.
    pub(in crate::cli) verbose: bool,
    /// Only what is not allowed.
    pub(in crate::cli) quiet: bool,
    /// A person reads it on a terminal.
    pub(in crate::cli) terminal: bool,
    /// The terminal shows colours.
    pub(in crate::cli) colour: bool,
}

/// Text that grows by lines.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::cli) struct Page {
    /// Where it is read.
    pub(in crate::cli) view: View,
    text: String,
}

impl Page {
    pub(in crate::cli) fn new(view: View) -> Self {
        Self { view, text: String::new() }
    }

    /// A line, `depth` levels in.
    pub(in crate::cli) fn line(&mut self, depth: usize, text: &str) {
        if self.view.terminal && !self.view.verbose {
            self.whole(depth, &shortened(text));
        } else {
            self.whole(depth, text);
        }
    }

    /// A line whose digests are meant to be copied.
    pub(in crate::cli) fn whole(&mut self, depth: usize, text: &str) {
        let line = format!("{}{text}", "  ".repeat(depth));
        self.text.push_str(&if self.view.terminal { wrapped(&line) } else { line });
        self.text.push('\n');
    }

    /// A line that is as wide as it should be.
    pub(in crate::cli) fn cut(&mut self, text: &str) {
        self.text.push_str(text);
        self.text.push('\n');
    }

    /// A line that begins with a verdict.
    pub(in crate::cli) fn verdict(&mut self, depth: usize, verdict: Verdict, text: &str) {
        let (word, colour) = match verdict {
            Verdict::Allow => ("ALLOW", AnsiColor::Green),
            Verdict::Deny => ("DENY", AnsiColor::Red),
            Verdict::Unavailable => ("UNKNOWN", AnsiColor::Yellow),
        };
        let from = self.text.len();
        self.line(depth, &format!("{word} {text}"));
        if self.view.colour {
            // Painted when the line is made: its colour takes no room on it.
            let style = Style::new().bold().fg_color(Some(colour.into()));
            let at = from + 2 * depth;
            self.text.replace_range(at..at + word.len(), &format!("{style}{word}{style:#}"));
        }
    }

    /// Another page below this one.
    pub(in crate::cli) fn append(&mut self, page: Self) {
        self.text.push_str(&page.text);
    }

    pub(in crate::cli) fn text(self) -> String {
        self.text
    }
}

/// The same with [`DIGITS`] digits of every digest and commit.
pub(in crate::cli) fn shortened(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(|c: char| c.is_ascii_alphanumeric()) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let word = &rest[..rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len())];
        let is_digest = word.len() >= LONG && word.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        out.push_str(if is_digest { &word[..DIGITS] } else { word });
        rest = &rest[word.len()..];
    }
    out + rest
}

/// One line as several of [`WIDTH`], broken at spaces; those below the first stand further in. A longer word stays whole.
pub(in crate::cli) fn wrapped(line: &str) -> String {
    let indent = line.len() - line.trim_start_matches(' ').len();
    let mut out = " ".repeat(indent);
    let mut used = indent;
    for (n, word) in line[indent..].split(' ').enumerate() {
        let width = word.chars().count();
        if n > 0 && used + 1 + width > WIDTH {
            out.push('\n');
            out.push_str(&" ".repeat(indent + 4));
            used = indent + 4;
        } else if n > 0 {
            out.push(' ');
            used += 1;
        }
        out.push_str(word);
        used += width;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_line_is_broken_at_spaces_and_goes_on_further_in() {
        let text = wrapped(&format!("  {}", "word ".repeat(40).trim_end()));
        assert!(text.lines().all(|l| l.chars().count() <= WIDTH), "{text}");
        assert!(text.lines().skip(1).all(|l| l.starts_with("      word")), "{text}");
        assert_eq!(text.split_whitespace().count(), 40);
        // A word that is longer than a line can be copied.
        let long = format!("note: {}", "a".repeat(100));
        assert_eq!(wrapped(&long), format!("note:\n    {}", "a".repeat(100)));
        assert_eq!(wrapped("short  line"), "short  line");
    }

    #[test]
    fn digests_and_commits_are_short_and_nothing_else_is() {
        let (hex, commit) = ("4f53a1c0".repeat(8), "78dde6c4".repeat(5));
        let text = format!("app@sha256:{hex}: {{\"gitCommit\":\"{commit}\"}} at {}, deadbeef é", "word".repeat(20));
        let short = text.replace(&hex, "4f53a1c0").replace(&commit, "78dde6c4");
        assert_eq!(shortened(&text), short);
        assert_eq!(shortened(&hex), "4f53a1c0");
    }

    #[test]
    fn only_a_terminal_with_colours_is_painted() {
        let show = |terminal, colour| {
            let mut page = Page::new(View { verbose: false, quiet: false, terminal, colour });
            page.verdict(1, Verdict::Deny, "app");
            page.text()
        };
        assert_eq!((show(false, false), show(true, false)), ("  DENY app\n".into(), "  DENY app\n".into()));
        assert_eq!(show(true, true), "  \u{1b}[1m\u{1b}[31mDENY\u{1b}[0m app\n");
    }
}
