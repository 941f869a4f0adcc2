//! Strings from outside, made safe for a terminal or log line.

use crate::model::shown::is_invisible;
use std::fmt::Write as _;

pub(in crate::cli) use crate::model::shown::{line, shell, visible};

/// A JSON document, with what [`line`] escapes escaped as JSON does, so that it means the same. All of it can stand in
/// strings alone.
#[must_use]
pub(in crate::cli) fn json(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if (c.is_control() && c != '\n') || is_invisible(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(c);
        }
    }
    // A copy only where it is needed: a statement may have megabytes.
    if out.contains("##[") { out.replace("##[", "#\\u0023[") } else { out }
}
