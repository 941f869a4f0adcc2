//! [`Played`]: the commands that a quickstart runs, as a person sees them who could have typed them.

use super::decision::screen::{WIDTH, shortened, wrapped};
use std::io::{self, IsTerminal as _, Write as _};

/// Standard output: a terminal has short digests and lines that fit, a pipe has everything whole.
#[derive(Clone, Copy, Debug)]
pub(in crate::cli) struct Played {
    terminal: bool,
}

impl Played {
    /// For where standard output leads.
    pub(in crate::cli) fn new() -> Self {
        Self { terminal: io::stdout().is_terminal() }
    }

    /// Says something about what comes.
    pub(in crate::cli) fn say(self, text: &str) {
        for line in text.split('\n') {
            put(&if self.terminal { wrapped(line) } else { line.to_owned() });
        }
    }

    /// Shows a command before it is run, on several lines as a shell takes it.
    pub(in crate::cli) fn command(self, line: &str) {
        let line = format!("$ {line}");
        put(&if self.terminal { continued(&line) } else { line });
    }

    /// Shows what a command printed.
    pub(in crate::cli) fn output(self, text: &str) {
        for line in text.lines() {
            let line = format!("  {line}");
            put(&if self.terminal { wrapped(&shortened(&line)) } else { line });
        }
    }
}

fn put(text: &str) {
    let mut out = io::stdout().lock();
    let _ = writeln!(out, "{text}");
    let _ = out.flush();
}

/// A command on as many lines as it needs, each but the last with a backslash at its end. What is quoted, and a flag and its value,
/// stay on one line.
fn continued(line: &str) -> String {
    let (mut parts, mut open): (Vec<String>, bool) = (Vec::new(), false);
    for word in line.split(' ') {
        match parts.last_mut() {
            Some(last) if open || last.starts_with("--") && !last.contains(' ') && !word.starts_with('-') => {
                last.push(' ');
                last.push_str(word);
            }
            _ => parts.push(word.to_owned()),
        }
        open ^= word.matches('\'').count() % 2 == 1;
    }
    let (mut out, mut used) = (String::new(), 0);
    for part in parts {
        let width = part.chars().count();
        if out.is_empty() {
            used = width;
        } else if used + 1 + width > WIDTH - 2 {
            out.push_str(" \\\n    ");
            used = 4 + width;
        } else {
            out.push(' ');
            used += 1 + width;
        }
        out.push_str(&part);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_command_is_one_that_a_shell_takes() {
        let words = "--flag value ".repeat(20);
        let text = continued(&format!("$ attest audit {words}'two words'"));
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH), "{text}");
        assert!(text.lines().rev().skip(1).all(|line| line.ends_with(" \\")), "{text}");
        assert_eq!(text.replace(" \\\n    ", " "), format!("$ attest audit {words}'two words'"));
        let quoted = format!("$ attest '{}'", "word ".repeat(30));
        let below = quoted.replacen(" '", " \\\n    '", 1);
        assert_eq!(continued(&quoted), below, "what is quoted is one word");
    }
}
