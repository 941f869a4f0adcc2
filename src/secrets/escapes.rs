//! Escapes of URLs and of JSON, resolved once.

/// Resolves percent escapes.
pub(super) fn percent_decoded(text: &str) -> String {
    if !text.contains('%') {
        return text.to_owned();
    }
    let bytes = text.as_bytes();
    let (mut out, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while let Some(&b) = bytes.get(at) {
        let digits = bytes.get(at + 1..at + 3).and_then(|d| std::str::from_utf8(d).ok());
        let escaped = digits.filter(|_| b == b'%').and_then(|d| u8::from_str_radix(d, 16).ok());
        out.push(escaped.unwrap_or(b));
        at += if escaped.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Resolves `\n`, `\"`, `\u0041` and their kin, once.
pub(super) fn json_unescaped(text: &str) -> String {
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some((before, after)) = rest.split_once('\\') {
        out.push_str(before);
        let mut chars = after.chars();
        rest = match chars.next() {
            Some('u') => {
                let code = after.get(1..5).and_then(|d| u32::from_str_radix(d, 16).ok());
                match code.and_then(char::from_u32) {
                    Some(c) => {
                        out.push(c);
                        after.get(5..).unwrap_or_default()
                    }
                    None => after,
                }
            }
            Some('n') => push(&mut out, '\n', &chars),
            Some('r') => push(&mut out, '\r', &chars),
            Some('t') => push(&mut out, '\t', &chars),
            Some(c @ ('"' | '\\' | '/')) => push(&mut out, c, &chars),
            _ => after,
        };
    }
    out + rest
}

fn push<'a>(out: &mut String, c: char, rest: &std::str::Chars<'a>) -> &'a str {
    out.push(c);
    rest.as_str()
}
