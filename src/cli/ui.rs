//! [`Ui`]: what a command tells a person while it runs, and how what it prints is read.

use super::show::{decision, sanitize};
use crate::model::{Code, Timestamp};
use crate::places;
use std::cell::Cell;
use std::io::{self, IsTerminal as _, Write as _};

/// What a command tells a person while it runs.
#[derive(Debug)]
pub struct Ui {
    /// The time at which the command started: the present for everything that it decides.
    pub now: Timestamp,
    quiet: bool,
    /// Whether standard output is a terminal, and whether that shows colours.
    terminal: bool,
    colour: bool,
    hint: Cell<Option<&'static str>>,
}

impl Ui {
    /// That of this process's streams.
    pub(in crate::cli) fn of_process(quiet: bool) -> Self {
        let terminal = io::stdout().is_terminal();
        let colour = terminal && shows_colours();
        Self { now: places::now(), quiet, terminal, colour, hint: Cell::new(None) }
    }

    /// One that tells nobody anything.
    #[cfg(feature = "testing")]
    pub(in crate::cli) fn silent() -> Self {
        Self { now: places::now(), quiet: true, terminal: false, colour: false, hint: Cell::new(None) }
    }

    /// A line on standard error, unless `--quiet`.
    pub fn note(&self, text: &str) {
        if !self.quiet {
            let _ = writeln!(io::stderr().lock(), "attest: {}", sanitize::line(text));
        }
    }

    /// How what is printed on standard output is read.
    pub(in crate::cli) fn view(&self, verbose: bool) -> decision::View {
        decision::View { verbose, quiet: self.quiet, terminal: self.terminal, colour: self.colour }
    }

    /// What a person is told on standard output: on a terminal with short digests, unless they ask for more.
    pub(in crate::cli) fn told(&self, text: &[u8], verbose: bool) -> String {
        let text = String::from_utf8_lossy(text);
        if !self.terminal || verbose {
            return text.into_owned();
        }
        text.lines().map(|line| decision::wrapped(&decision::shortened(line)) + "\n").collect()
    }

    /// Offers the suggestion of a code at the end.
    pub fn hint(&self, code: Code) {
        self.suggest(code.todo());
    }

    /// Offers a suggestion at the end.
    pub fn suggest(&self, what: &'static str) {
        self.hint.set(Some(what));
    }

    /// What was suggested last.
    pub(in crate::cli) fn hinted(&self) -> Option<&'static str> {
        self.hint.get()
    }
}

/// Whether a terminal is told to show colours: <https://no-color.org>, and a terminal that says it has none.
fn shows_colours() -> bool {
    let set = |name: &str| places::variable(name).filter(|v| !v.is_empty());
    set("NO_COLOR").is_none() && set("TERM").is_none_or(|term| term != "dumb")
}
