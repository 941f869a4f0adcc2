//! What several questions to git need of its answers: the configuration, object ids, paths as text.

use crate::capture::git::call::GitCaller;

/// Key and value of the repository's configuration; a key without value is `true`.
pub(in crate::capture) type Config = Vec<(String, String)>;

/// Of the repository's own files alone: what it includes may be the configuration of another.
pub(in crate::capture) fn config(git: &GitCaller) -> Result<Config, String> {
    let wanted = r"^(remote\..*\.url|branch\..*\.remote|core\.(filemode|symlinks|autocrlf|eol))$";
    let out = git.call(&["config", "--no-includes", "-z", "--get-regexp", wanted], Vec::new())?;
    let entries = out.stdout.split(|b| *b == 0).filter(|e| !e.is_empty()).map(|entry| {
        let text = String::from_utf8_lossy(entry).into_owned();
        let (key, value) = text.split_once('\n').unwrap_or((text.as_str(), "true"));
        (key.to_owned(), value.to_owned())
    });
    Ok(entries.collect())
}

/// Whether a text is the id of an object, by SHA-1 or SHA-256.
pub(in crate::capture) fn is_object_id(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// A path as JSON text; bytes that are no UTF-8 as `\xHH`.
pub(in crate::capture) fn path_text(path: &[u8]) -> String {
    let mut out = String::new();
    for chunk in path.utf8_chunks() {
        out.push_str(chunk.valid());
        for byte in chunk.invalid() {
            out.push_str(&format!("\\x{byte:02x}"));
        }
    }
    out
}
