//! Text in the encoding that git's headers and attributes name.

use encoding_rs::{Encoding, REPLACEMENT, WINDOWS_874, WINDOWS_1252, WINDOWS_1254, X_USER_DEFINED};

/// Why a text was not read. What is not certain is not guessed: a wrong letter would be signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Undecoded {
    /// The encoding is none that we know.
    Unknown,
    /// The bytes are no text in that encoding.
    Otherwise,
}

/// The text of these bytes in the encoding of this name.
///
/// # Errors
/// [`Undecoded`].
pub(super) fn decoded(bytes: &[u8], name: &str) -> Result<String, Undecoded> {
    let name = name.trim().to_ascii_lowercase();
    let known = Encoding::for_label(name.as_bytes()).filter(|e| ![REPLACEMENT, X_USER_DEFINED].contains(e));
    let known = known.ok_or(Undecoded::Unknown)?;
    // Browsers take ASCII and some of ISO 8859 for encodings of Windows, which have letters where those have none.
    let ascii = name.contains("ascii") || name.starts_with("ansi_x3.4");
    let widened = [WINDOWS_874, WINDOWS_1252, WINDOWS_1254].contains(&known)
        && !["windows", "cp125", "dos"].iter().any(|own| name.contains(own));
    let beyond = |b: &u8| ascii && *b >= 0x80 || widened && (0x80..0xA0).contains(b);
    if bytes.iter().any(beyond) {
        return Err(Undecoded::Otherwise);
    }
    let text = known.decode_without_bom_handling_and_without_replacement(bytes);
    text.map(std::borrow::Cow::into_owned).ok_or(Undecoded::Otherwise)
}

/// A file of the work tree in UTF-8, as git commits it (gitattributes, `working-tree-encoding`): UTF-16 needs its byte order
/// mark where the name does not say the order, and may have none where it does.
///
/// # Errors
/// [`Undecoded`].
pub(super) fn of_the_work_tree(bytes: &[u8], name: &str) -> Result<String, Undecoded> {
    let upper = name.to_ascii_uppercase();
    let utf = upper.strip_prefix("UTF").map(|rest| rest.trim_start_matches('-'));
    let marked = Encoding::for_bom(bytes).filter(|(found, _)| found.name().starts_with("UTF-16"));
    match (utf, marked) {
        (Some("16" | "16LE-BOM"), Some((found, length))) => decoded(&bytes[length..], found.name()),
        (Some("16" | "16LE-BOM"), None) | (Some("16LE" | "16BE"), Some(_)) => Err(Undecoded::Otherwise),
        (Some("16LE"), None) => decoded(bytes, "utf-16le"),
        (Some("16BE"), None) => decoded(bytes, "utf-16be"),
        _ => decoded(bytes, name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_read_as_its_encoding_says_or_not_at_all() {
        for (bytes, name, expected) in [
            (&b"caf\xE9"[..], "ISO-8859-1", Ok("caf\u{e9}")),
            (b"caf\xE9", "latin1", Ok("caf\u{e9}")),
            (b"\xA4", "ISO-8859-15", Ok("\u{20ac}")),
            (b"\x80", "windows-1252", Ok("\u{20ac}")),
            (b"\x93\xFA", "Shift_JIS", Ok("\u{65e5}")),
            (b"\xC6\xFC", " EUC-JP ", Ok("\u{65e5}")),
            (b"plain", "us-ascii", Ok("plain")),
            // The euro of Windows is none of ISO 8859, and ASCII has no letters beyond its own.
            (b"\x80", "ISO-8859-1", Err(Undecoded::Otherwise)),
            (b"caf\xE9", "ascii", Err(Undecoded::Otherwise)),
            (b"\xFF", "Shift_JIS", Err(Undecoded::Otherwise)),
            (b"caf\xE9", "utf-8", Err(Undecoded::Otherwise)),
            (b"plain", "x-unknown", Err(Undecoded::Unknown)),
            (b"plain", "iso-2022-kr", Err(Undecoded::Unknown)),
            (b"plain", "utf-7", Err(Undecoded::Unknown)),
            (b"plain", "", Err(Undecoded::Unknown)),
        ] {
            assert_eq!(decoded(bytes, name).as_deref(), expected.as_ref().copied(), "{name}: {bytes:?}");
        }
    }

    #[test]
    fn a_byte_order_mark_stands_where_git_wants_one() {
        let (little, big) = (b"a\0".as_slice(), b"\0a".as_slice());
        let (little_marked, big_marked) = ([b"\xFF\xFE", little].concat(), [b"\xFE\xFF", big].concat());
        for (name, bytes, reads) in [
            ("UTF-16", little_marked.as_slice(), true),
            ("utf16", &big_marked, true),
            ("UTF-16LE-BOM", &little_marked, true),
            ("UTF-16LE", little, true),
            ("UTF-16BE", big, true),
            ("UTF-16", little, false),
            ("UTF-16LE", &little_marked, false),
            ("UTF-16BE", &big_marked, false),
            ("UTF-16", b"\xEF\xBB\xBFa", false),
            ("UTF-32", &little_marked, false),
        ] {
            assert_eq!(of_the_work_tree(bytes, name).ok().as_deref(), reads.then_some("a"), "{name}: {bytes:?}");
        }
    }
}
