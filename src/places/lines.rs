//! A file line by line, for what may be too large to be held.

use super::PlaceError;
use crate::model::digest::hex;
use crate::regular;
use sha2::{Digest as _, Sha256};
use std::io::{BufRead as _, BufReader};
use std::path::Path;

/// Gives every line of a file, without its end, and none for one longer than `limit`; the digest of the whole file.
///
/// # Errors
/// [`PlaceError`] as `E` where it cannot be read, and what `each` gives.
pub fn each<E: From<PlaceError>>(
    path: &Path,
    limit: usize,
    mut each: impl FnMut(Option<&[u8]>) -> Result<(), E>,
) -> Result<String, E> {
    let fail =
        |e: std::io::Error| PlaceError::Unreadable { what: format!("`{}`", path.display()), cause: e.to_string() };
    let (file, _) = regular::open(path).map_err(fail)?;
    let mut reader = BufReader::with_capacity(1 << 16, file);
    let (mut line, mut too_long, mut hash) = (Vec::new(), false, Sha256::new());
    loop {
        let bytes = reader.fill_buf().map_err(fail)?;
        if bytes.is_empty() {
            break;
        }
        let end = bytes.iter().position(|b| *b == b'\n');
        let part = &bytes[..end.unwrap_or(bytes.len())];
        too_long |= line.len() + part.len() > limit;
        if too_long {
            line = Vec::new();
        } else {
            line.extend_from_slice(part);
        }
        let taken = part.len() + usize::from(end.is_some());
        hash.update(&bytes[..taken]);
        reader.consume(taken);
        if end.is_some() {
            each(if too_long { None } else { Some(&line) })?;
            (too_long, line) = (false, {
                line.clear();
                line
            });
        }
    }
    if too_long || !line.is_empty() {
        each(if too_long { None } else { Some(&line) })?;
    }
    Ok(format!("sha256:{}", hex(&hash.finalize())))
}

/// Gives a file piece by piece; the digest of the whole.
///
/// # Errors
/// As [`each`].
pub fn pieces<E: From<PlaceError>>(path: &Path, mut take: impl FnMut(&[u8]) -> Result<(), E>) -> Result<String, E> {
    let fail =
        |e: std::io::Error| PlaceError::Unreadable { what: format!("`{}`", path.display()), cause: e.to_string() };
    let (file, _) = regular::open(path).map_err(fail)?;
    let (mut reader, mut hash) = (BufReader::with_capacity(1 << 16, file), Sha256::new());
    loop {
        let bytes = reader.fill_buf().map_err(fail)?;
        if bytes.is_empty() {
            return Ok(format!("sha256:{}", hex(&hash.finalize())));
        }
        hash.update(bytes);
        take(bytes)?;
        let taken = bytes.len();
        reader.consume(taken);
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "makes the file that it reads")]
mod tests {
    use super::*;

    #[test]
    fn a_line_over_the_limit_is_none_and_those_around_it_are_read() {
        let path = std::env::temp_dir().join(format!("attest-lines-{}", std::process::id()));
        // Longer than what is read at once, too.
        let long = "x".repeat(200_000);
        std::fs::write(&path, format!("one\nfour5\n{long}\nfour\nlast")).unwrap();
        let mut found = Vec::new();
        let taken = each::<PlaceError>(&path, 4, |line| {
            found.push(line.map(|line| String::from_utf8_lossy(line).into_owned()));
            Ok(())
        });
        std::fs::remove_file(&path).unwrap();
        taken.unwrap();
        let read = |text: &str| Some(text.to_owned());
        assert_eq!(found, [read("one"), None, None, read("four"), read("last")]);
    }
}
