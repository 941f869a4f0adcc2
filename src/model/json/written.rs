//! JSON as it is written: what a tree of its values would not keep.

/// The text without white space between its parts, on one line; strings and numbers are as they were. For text that
/// [`check`](super::check) has accepted.
#[must_use]
pub fn compact(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (part, is_string) in parts(text) {
        if is_string {
            out.push_str(part);
        } else {
            out.extend(part.split_ascii_whitespace());
        }
    }
    out
}

/// The numbers of a document, as they are written. A tree of its values rounds those that no 64 bits hold.
pub fn numbers(text: &str) -> impl Iterator<Item = &str> {
    let outside = parts(text).filter(|(_, is_string)| !is_string);
    let words = outside.flat_map(|(part, _)| part.split(|c: char| !c.is_ascii_alphanumeric() && !"+-.".contains(c)));
    words.filter(|word| word.starts_with(|c: char| c == '-' || c.is_ascii_digit()))
}

/// What stands in strings, with their quotes, and what stands between them, in turn.
fn parts(text: &str) -> impl Iterator<Item = (&str, bool)> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let is_string = rest.starts_with('"');
        let end = if is_string { string_end(rest) } else { rest.find('"').unwrap_or(rest.len()) };
        let (part, after) = rest.split_at(end);
        rest = after;
        Some((part, is_string))
    })
}

/// Where a string ends that the text begins with.
fn string_end(text: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_goes_and_everything_else_stays() {
        let text = "{ \"a b\\\" {\" :\n\t[1.10,  18446744073709551616 , -0.0,1E400],\r\n\"\\\\\": true }";
        let found = compact(text);
        assert_eq!(found, "{\"a b\\\" {\":[1.10,18446744073709551616,-0.0,1E400],\"\\\\\":true}");
        assert_eq!(compact(&found), found);
        assert_eq!(numbers(text).collect::<Vec<_>>(), ["1.10", "18446744073709551616", "-0.0", "1E400"]);
        assert_eq!(numbers(r#"{"1": "2, 3", "a": null}"#).count(), 0);
    }
}
