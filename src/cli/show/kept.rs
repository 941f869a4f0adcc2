//! How `create` says what it left in an outbox.

use crate::cli::exit::{Failure, codes};
use crate::cli::show::sanitize::line;
use crate::flow::create::Kept;
use crate::model::plural::counted;
use crate::outbox;
use std::fmt::Write as _;

/// Says what is kept in `folder` and how to send it; `failed` is what could not be kept or not be made.
///
/// # Errors
/// `outbox-kept` when anything is, `failed` otherwise.
pub(in crate::cli) fn say(kept: &[Kept<Failure>], failed: Option<Failure>, folder: &str) -> Result<(), Failure> {
    let Some(first) = kept.first() else { return failed.map_or(Ok(()), Err) };
    let cause = failed.as_ref().unwrap_or(&first.cause);
    let unsigned: Vec<_> = kept.iter().filter(|k| k.unsigned).map(|k| k.digest.to_string()).collect();
    let what = match (kept.len() - unsigned.len(), unsigned.len()) {
        (s, 0) => counted(s, "signed bundle"),
        (0, u) => counted(u, "unsigned statement"),
        (s, u) => format!("{} and {}", counted(s, "signed bundle"), counted(u, "unsigned statement")),
    };
    let message = format!("{}: {}; {what} wait in the outbox `{folder}`", cause.code, cause.message);
    let mut failure = Failure::unknown(codes::OUTBOX_KEPT, message);
    // A file that `flush` writes only when it is named.
    let named = kept.iter().filter_map(|k| k.file.as_deref()).find(|path| outbox::place(path).is_err());
    let output = named.map(|path| format!(" --output {}", line(&path.display().to_string()))).unwrap_or_default();
    let sign = unsigned.iter().fold(output, |mut out, digest| {
        let _ = write!(out, " --sign {digest}");
        out
    });
    let how =
        if unsigned.is_empty() { "send it with" } else { "sign and send it, with the flags of signing as they were" };
    failure.detail = format!("{how}:\n  attest flush --outbox {}{sign}\n", line(folder));
    Err(failure)
}
