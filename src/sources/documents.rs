//! A file of JSON cut into its documents, whether they stand one a line, one after another, in an array or in several: in bounded
//! memory, and so that one that is broken takes none with it that begins on a line of its own.

use crate::model::{json, limits};
use serde_json::{Map, Value};

/// Takes a document; none for one that is too long to be kept.
pub type Take<'a, E> = &'a mut dyn FnMut(Option<&[u8]>) -> Result<(), E>;

/// A document that is an object; none for another one, and for what is no JSON or over [`limits::SESSION_LINE_BYTES`].
pub(super) fn object(document: &[u8]) -> Option<Map<String, Value>> {
    match json::parse(document, limits::SESSION_LINE_BYTES) {
        Ok(Value::Object(members)) => Some(members),
        _ => None,
    }
}

/// A file that is being cut.
#[derive(Debug, Default)]
pub struct Documents {
    /// The document so far.
    bytes: Vec<u8>,
    too_long: bool,
    /// How many objects and arrays of the document are open; none between documents.
    depth: usize,
    in_string: bool,
    escaped: bool,
    /// Whether what is read is no document, up to the end of its line.
    is_other: bool,
    /// Whether the byte before ended a line.
    at_start: bool,
}

impl Documents {
    /// Takes the next bytes of the file.
    ///
    /// # Errors
    /// What `take` gives.
    pub fn feed<E>(&mut self, bytes: &[u8], take: Take<'_, E>) -> Result<(), E> {
        for byte in bytes {
            self.byte(*byte, take)?;
        }
        Ok(())
    }

    /// The file ended: what was not whole is given as it is.
    ///
    /// # Errors
    /// What `take` gives.
    pub fn end<E>(&mut self, take: Take<'_, E>) -> Result<(), E> {
        if self.depth > 0 || self.is_other { self.give(take) } else { Ok(()) }
    }

    fn byte<E>(&mut self, byte: u8, take: Take<'_, E>) -> Result<(), E> {
        let at_start = std::mem::replace(&mut self.at_start, byte == b'\n');
        // No string goes over a line, and none of what is inside of a document begins one with a brace: it was cut.
        let is_cut = self.depth > 0 && ((self.in_string && byte == b'\n') || (at_start && byte == b'{'));
        if is_cut || (self.is_other && byte == b'\n') {
            self.give(take)?;
        }
        if self.is_other {
            self.keep(byte);
            return Ok(());
        }
        if self.depth == 0 {
            match byte {
                b' ' | b'\t' | b'\r' | b'\n' | b',' | b'[' | b']' => {}
                b'{' => {
                    self.depth = 1;
                    self.keep(byte);
                }
                _ => {
                    self.is_other = true;
                    self.keep(byte);
                }
            }
            return Ok(());
        }
        self.keep(byte);
        match (self.in_string, byte) {
            (true, _) if self.escaped => self.escaped = false,
            (true, b'\\') => self.escaped = true,
            (_, b'"') => self.in_string = !self.in_string,
            (false, b'{' | b'[') => self.depth += 1,
            (false, b'}' | b']') => self.depth -= 1,
            _ => {}
        }
        if self.depth == 0 { self.give(take) } else { Ok(()) }
    }

    fn keep(&mut self, byte: u8) {
        self.too_long |= self.bytes.len() >= limits::SESSION_LINE_BYTES;
        if self.too_long {
            self.bytes = Vec::new();
        } else {
            self.bytes.push(byte);
        }
    }

    fn give<E>(&mut self, take: Take<'_, E>) -> Result<(), E> {
        let bytes = std::mem::take(&mut self.bytes);
        let too_long = std::mem::take(&mut self.too_long);
        *self = Self { at_start: self.at_start, ..Self::default() };
        take(if too_long { None } else { Some(&bytes) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str) -> Vec<String> {
        let mut out = Vec::new();
        let mut documents = Documents::default();
        let mut take = |document: Option<&[u8]>| {
            out.push(document.map_or_else(|| "(too long)".into(), |bytes| String::from_utf8_lossy(bytes).into_owned()));
            Ok::<(), ()>(())
        };
        documents.feed(text.as_bytes(), &mut take).unwrap();
        documents.end(&mut take).unwrap();
        out
    }

    #[test]
    fn documents_are_found_however_they_stand() {
        let two = [r#"{"a":"}\"{"}"#, r#"{"b":[1,{}]}"#];
        for text in [
            format!("{}\n{}\n", two[0], two[1]),
            format!("{}{}", two[0], two[1]),
            format!("[{},\n  {}]", two[0], two[1]),
            format!("[{}][{}]", two[0], two[1]),
            format!("[[{}],[{}]]\n", two[0], two[1]),
        ] {
            assert_eq!(cut(&text), two, "{text}");
        }
        assert_eq!(cut("[\n  {\n    \"a\": {\n    }\n  }\n]\n").len(), 1);
        assert!(cut("").is_empty() && cut("[]\n").is_empty());
    }

    #[test]
    fn one_that_is_broken_takes_no_other_with_it() {
        assert_eq!(cut("{\"a\":\n{\"b\":1}\n"), ["{\"a\":\n", "{\"b\":1}"]);
        assert_eq!(cut("{\"a\":\"x\n{\"b\":1}\n{\"c\""), ["{\"a\":\"x", "{\"b\":1}", "{\"c\""]);
        assert_eq!(cut("Not Found, really\n42\n{}"), ["Not Found, really", "42", "{}"]);
        assert_eq!(cut(&"[".repeat(100_000)).len(), 0);
        let long = format!("{{\"a\":\"{}\"}}{{}}", "x".repeat(limits::SESSION_LINE_BYTES));
        assert_eq!(cut(&long), ["(too long)", "{}"]);
    }
}
