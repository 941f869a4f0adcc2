//! JSON as it is written: what a tree of its values would not keep.

use serde_json::Value;

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

/// The text with every member and element on a line of its own, `depth` levels in: as `serde_json` writes it, but for strings
/// and numbers, which are as they were. For text that [`check`](super::check) has accepted.
#[must_use]
pub fn spread(text: &str, depth: usize) -> String {
    let text = compact(text);
    let mut out = String::with_capacity(text.len() * 2);
    let mut depth = depth;
    let line = |out: &mut String, depth: usize| {
        out.push('\n');
        out.extend(std::iter::repeat_n("  ", depth));
    };
    for (part, is_string) in parts(&text) {
        if is_string {
            out.push_str(part);
            continue;
        }
        let mut letters = part.chars().peekable();
        while let Some(letter) = letters.next() {
            match letter {
                '{' | '[' => {
                    out.push(letter);
                    if let Some(end) = letters.next_if(|next| "}]".contains(*next)) {
                        out.push(end);
                        continue;
                    }
                    depth += 1;
                    line(&mut out, depth);
                }
                '}' | ']' => {
                    depth = depth.saturating_sub(1);
                    line(&mut out, depth);
                    out.push(letter);
                }
                ',' => {
                    out.push(letter);
                    line(&mut out, depth);
                }
                ':' => out.push_str(": "),
                letter => out.push(letter),
            }
        }
    }
    out
}

/// The value at keys with dots between them, as it is written; keys may have dots of their own.
#[must_use]
pub fn written_at<'a>(text: &'a str, path: &str) -> Option<&'a str> {
    if path.is_empty() {
        return Some(text);
    }
    let members = super::members("document", text.as_bytes()).ok()?;
    // The longest key first: `a.b` before `a`.
    members.iter().rev().find_map(|(key, value)| {
        let rest = path.strip_prefix(key.as_ref())?;
        let rest = if rest.is_empty() { rest } else { rest.strip_prefix('.')? };
        written_at(value.get(), rest)
    })
}

/// Whether a tree holds a number that may not be the one that was written: all that 64 bits do not hold as a whole number.
#[must_use]
pub fn may_round(value: &Value) -> bool {
    match value {
        Value::Number(n) => n.is_f64(),
        Value::Array(all) => all.iter().any(may_round),
        Value::Object(members) => members.values().any(may_round),
        _ => false,
    }
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
    fn lines_are_spread_as_serde_spreads_them_and_numbers_stay() {
        let text = r#"{"a": [], "b":{}, "c" :[1,{"d":"x, {y}: \" z"} , null],"e":{ "f":true}, "g": [[]] }"#;
        let value: Value = serde_json::from_str(text).unwrap();
        assert_eq!(spread(text, 0), serde_json::to_string_pretty(&value).unwrap());
        let within = serde_json::to_string_pretty(&serde_json::json!({ "k": value })).unwrap();
        assert_eq!(format!("{{\n  \"k\": {}\n}}", spread(text, 1)), within);
        assert_eq!(spread("[1.10,18446744073709551616]", 0), "[\n  1.10,\n  18446744073709551616\n]");
        assert_eq!(spread("1.10", 3), "1.10");
        let text = r#"{"a.b":{"c":1.10},"a":{"b":{"d":2}}}"#;
        assert_eq!((written_at(text, "a.b.c"), written_at(text, "a.b.d")), (Some("1.10"), Some("2")));
        assert_eq!((written_at(text, "a.b"), written_at(text, "x")), (Some(r#"{"c":1.10}"#), None));
        let rounds = |text: &str| may_round(&serde_json::from_str(text).unwrap());
        assert!(rounds("[1.10]") && rounds(r#"{"a":18446744073709551616}"#) && !rounds("[1,18446744073709551615]"));
    }

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
