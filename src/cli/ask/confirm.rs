//! A person's word that something is meant.

use crate::cli::ask::person;
use crate::cli::exit::{Failure, codes};
use crate::cli::show::sanitize;
use std::io::{self, Write as _};

/// Shows `lines` and asks whether that is meant; with `yes` it only shows them.
///
/// # Errors
/// `not-confirmed`: exit 2 where nobody can be asked, exit 1 where the answer is anything but yes.
pub(in crate::cli) fn confirm(lines: &[String], question: &str, yes: bool) -> Result<(), Failure> {
    let mut err = io::stderr().lock();
    let shown = lines.iter().try_for_each(|l| writeln!(err, "{}", sanitize::line(l)));
    drop(err);
    if yes {
        return Ok(());
    }
    if shown.is_err() || !person::has_terminal() {
        let message = "there is no terminal to ask whether this is meant; pass --yes to say so";
        return Err(Failure::usage(codes::NOT_CONFIRMED, message));
    }
    match person::agrees(question) {
        true => Ok(()),
        false => Err(Failure::no(codes::NOT_CONFIRMED, "it was not agreed to, so nothing was done")),
    }
}
