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

/// A command on as many lines as it needs, each but the last with a backslash at its end. What is quoted stays on one line.
fn continued(line: &str) -> String {
    let (mut out, mut used, mut quoted) = (String::new(), 0, false);
    for word in line.split(' ') {
        let width = word.chars().count();
        match () {
            () if out.is_empty() => {}
            () if !quoted && used + 1 + width > WIDTH - 2 => {
                out.push_str(" \\\n    ");
                used = 4;
            }
            () => {
                out.push(' ');
                used += 1;
            }
        }
        out.push_str(word);
        used += width;
        quoted ^= word.matches('\'').count() % 2 == 1;
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
        assert_eq!(continued(&quoted), quoted, "what is quoted is one word");
    }
}
