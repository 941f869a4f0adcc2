//! Progress of long work, on a terminal only.

use crate::cli::args::Common;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal as _;

/// A callback that takes bytes done, for hashing and uploads; draws only where standard error is a terminal.
#[must_use]
pub(in crate::cli) fn hashing(common: &Common) -> Box<dyn Fn(u64) + Send + Sync> {
    if common.quiet || !std::io::stderr().is_terminal() {
        return Box::new(|_| ());
    }
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(5));
    if let Ok(style) = ProgressStyle::with_template("hashing {bytes} ({bytes_per_sec})") {
        bar.set_style(style);
    }
    Box::new(move |bytes| bar.inc(bytes))
}
