//! Searches a document as it is written. A tree of an SBOM's million values would take hundreds of megabytes: only of small
//! parts one is made, one after the other.

use super::FoundSecret;
use super::search::{Needles, Search, find, find_in_numbers, is_of_package};
use crate::model::json::{self, JsonError};

/// Parts of at most so much text are looked at as trees (bytes).
const PIECE: usize = 16 << 10;

/// Why a document is not to be signed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SearchError {
    /// It is no acceptable JSON.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// It holds a secret.
    #[error(transparent)]
    Found(#[from] FoundSecret),
}

/// Searches a JSON document of at most `limit` bytes, names of fields included, as [`find_secret`](super::find_secret) does; and
/// its numbers as they are written, which a tree of values would round. `name` is what the paths of fields begin with.
///
/// # Errors
/// [`SearchError`].
pub fn find_in_document(name: &str, document: &[u8], limit: usize, search: &Search) -> Result<(), SearchError> {
    json::check(document, limit)?;
    let text = std::str::from_utf8(document).map_err(|e| JsonError::Syntax { message: e.to_string() })?;
    let Search { secrets, allowed } = search;
    Document { needles: Needles::of(secrets, allowed) }.find(name, text)?;
    Ok(find_in_numbers(json::numbers(text), search)?)
}

struct Document<'a> {
    needles: Needles<'a>,
}

impl Document<'_> {
    /// A part at a path. The depth of the whole was checked, so that the recursion has an end.
    fn find(&self, path: &str, text: &str) -> Result<(), SearchError> {
        let text = text.trim_ascii();
        match json::written_kind(text.as_bytes()) {
            "an object" if text.len() > PIECE => self.object(path, text),
            "a list" if text.len() > PIECE => {
                let elements = json::elements(path, text.as_bytes())?;
                elements.iter().enumerate().try_for_each(|(at, part)| self.find(&format!("{path}[{at}]"), part.get()))
            }
            _ => Ok(find(&self.needles, path, &json::parse(text.as_bytes(), text.len())?)?),
        }
    }

    fn object(&self, path: &str, text: &str) -> Result<(), SearchError> {
        let members = json::members(path, text.as_bytes())?;
        // Before any path is made of them.
        for name in members.keys() {
            self.needles.check(path, name)?;
        }
        let string = |key: &str| {
            let text = members.get(key)?.get();
            json::parse(text.as_bytes(), text.len()).ok()?.as_str().map(str::to_owned)
        };
        let is_package = is_of_package(|key| string(key));
        for (key, part) in &members {
            let at = format!("{path}.{key}");
            match string("name").filter(|_| is_package && key == "name") {
                Some(name) => self.needles.check_but_words(&at, &name)?,
                None => self.find(&at, part.get())?,
            }
        }
        Ok(())
    }
}
