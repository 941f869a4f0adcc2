//! A person's word that something is meant.

use super::exit::{Failure, codes};
use super::sanitize;
use std::io::{self, BufRead as _, IsTerminal as _, Read as _, Write as _};

/// Most bytes of an answer.
const ANSWER_BYTES: u64 = 64;

/// Shows `lines` and asks whether that is meant; with `yes` it only shows them.
///
/// # Errors
/// `not-confirmed`: exit 2 where nobody can be asked, exit 1 where the answer is anything but yes.
pub(super) fn confirm(lines: &[String], question: &str, yes: bool) -> Result<(), Failure> {
    let mut err = io::stderr().lock();
    let shown = lines.iter().try_for_each(|l| writeln!(err, "{}", sanitize::line(l)));
    if yes {
        return Ok(());
    }
    if shown.is_err() || !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        let message = "there is no terminal to ask whether this is meant; pass --yes to say so";
        return Err(Failure::usage(codes::NOT_CONFIRMED, message));
    }
    let _ = write!(err, "{question} [yes/no] ");
    let _ = err.flush();
    let mut answer = String::new();
    let read = io::stdin().lock().take(ANSWER_BYTES).read_line(&mut answer);
    match answer.trim().to_ascii_lowercase().as_str() {
        "yes" | "y" if read.is_ok() => Ok(()),
        _ => Err(Failure::no(codes::NOT_CONFIRMED, "nothing was signed")),
    }
}
