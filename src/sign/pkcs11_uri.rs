//! `pkcs11:` URIs (RFC 7512): which module, which token, which key.

use super::SignError;
use zeroize::Zeroizing;

/// What a URI names. An attribute that is absent matches everything.
#[derive(Clone, PartialEq, Eq, Default)]
pub(super) struct Pkcs11Uri {
    /// Label of the token.
    pub(super) token: Option<String>,
    /// Serial number of the token.
    pub(super) serial: Option<String>,
    /// Manufacturer of the token.
    pub(super) manufacturer: Option<String>,
    /// Model of the token.
    pub(super) model: Option<String>,
    /// Number of the slot.
    pub(super) slot_id: Option<u64>,
    /// Label of the key.
    pub(super) object: Option<String>,
    /// Id of the key, as bytes.
    pub(super) id: Option<Vec<u8>>,
    /// The library, a path.
    pub(super) module_path: Option<String>,
    /// Where the PIN is, a path or `file:` URI.
    pub(super) pin_source: Option<String>,
    /// The PIN itself.
    pub(super) pin_value: Option<Zeroizing<String>>,
}

/// A reference as it may be shown: without a PIN.
pub(super) fn shown(reference: &str) -> String {
    match reference.find("pin-value=") {
        None => reference.to_owned(),
        Some(at) => {
            let value = at + "pin-value=".len();
            let end = reference[value..].find('&').map_or(reference.len(), |e| value + e);
            format!("{}...{}", &reference[..value], shown(&reference[end..]))
        }
    }
}

/// Reads what stands behind `pkcs11:`.
///
/// An attribute that is not understood is refused: leaving it out could name another key.
pub(super) fn parse(rest: &str, reference: &str) -> Result<Pkcs11Uri, SignError> {
    let refuse = |why: String| SignError::Malformed { reference: shown(reference), why };
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let mut uri = Pkcs11Uri::default();
    let mut seen = Vec::new();
    let path = path.split(';').map(|a| (a, false));
    let query = query.split('&').map(|a| (a, true));
    for (attribute, in_query) in path.chain(query).filter(|(a, _)| !a.is_empty()) {
        let (name, value) =
            attribute.split_once('=').ok_or_else(|| refuse("expected NAME=VALUE between `;` or `&`".into()))?;
        if seen.contains(&name) {
            return Err(refuse(format!("the attribute `{name}` is there twice")));
        }
        seen.push(name);
        let bytes = unescape(value).ok_or_else(|| refuse(format!("`{name}` has a `%` that escapes nothing")))?;
        let text = || String::from_utf8(bytes.to_vec()).map_err(|_| refuse(format!("`{name}` is no UTF-8 text")));
        match (name, in_query) {
            ("token", false) => uri.token = Some(text()?),
            ("serial", false) => uri.serial = Some(text()?),
            ("manufacturer", false) => uri.manufacturer = Some(text()?),
            ("model", false) => uri.model = Some(text()?),
            ("slot-id", false) => {
                uri.slot_id = Some(text()?.parse().map_err(|_| refuse("`slot-id` is no number".into()))?);
            }
            ("object", false) => uri.object = Some(text()?),
            ("id", false) => uri.id = Some(bytes.to_vec()),
            ("type", false) if text()? == "private" => {}
            ("type", false) => return Err(refuse(format!("expected `type` private, found `{}`", text()?))),
            ("module-path", true) => uri.module_path = Some(text()?),
            ("pin-source", true) => uri.pin_source = Some(text()?),
            ("pin-value", true) => uri.pin_value = Some(Zeroizing::new(text()?)),
            (name, _) => return Err(refuse(format!("the attribute `{name}` is not known there"))),
        }
    }
    if uri.object.is_none() && uri.id.is_none() {
        return Err(refuse("expected `object` or `id`, so that one key is named".into()));
    }
    Ok(uri)
}

/// Percent-decoding (RFC 3986 section 2.1); none when a `%` is not followed by two hexadecimal digits.
fn unescape(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let mut out = Zeroizing::new(Vec::with_capacity(text.len()));
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let digit = |b: Option<u8>| char::from(b?).to_digit(16).and_then(|d| u8::try_from(d).ok());
        let (high, low) = (digit(bytes.next())?, digit(bytes.next())?);
        out.push((high << 4) | low);
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(rest: &str) -> Result<Pkcs11Uri, SignError> {
        parse(rest, &format!("pkcs11:{rest}"))
    }

    #[test]
    fn attributes_are_unescaped_and_each_has_its_place() {
        let uri = read("token=My%20token;serial=12;slot-id=7;object=release;id=%01%fF;type=private?module-path=/lib/m.so&pin-source=file:/pin")
            .unwrap();
        assert_eq!(uri.token.as_deref(), Some("My token"));
        assert_eq!((uri.serial.as_deref(), uri.slot_id), (Some("12"), Some(7)));
        assert_eq!((uri.object.as_deref(), uri.id.as_deref()), (Some("release"), Some(&[1, 255][..])));
        assert_eq!((uri.module_path.as_deref(), uri.pin_source.as_deref()), (Some("/lib/m.so"), Some("file:/pin")));
    }

    #[test]
    fn what_could_name_another_key_is_refused() {
        assert!(read("object=a").is_ok());
        for (rest, why) in [
            ("token=a", "expected `object` or `id`"),
            ("object=a;object=b", "twice"),
            ("object=a;library-version=3", "`library-version` is not known"),
            ("object=a;module-path=/x", "`module-path` is not known there"),
            ("object=a?token=b", "`token` is not known there"),
            ("object=a;type=public", "found `public`"),
            ("object=%4", "escapes nothing"),
            ("object=a;slot-id=x", "no number"),
            ("object", "NAME=VALUE"),
        ] {
            let e = read(rest).err().unwrap();
            assert_eq!(e.code().as_str(), "key-malformed");
            assert!(e.to_string().contains(why), "{rest}: {e}");
        }
    }

    #[test]
    fn a_pin_is_never_shown() {
        assert_eq!(
            shown("pkcs11:object=a?pin-value=1234&module-path=/m"),
            "pkcs11:object=a?pin-value=...&module-path=/m"
        );
        assert_eq!(shown("pkcs11:a?pin-value=1234"), "pkcs11:a?pin-value=...");
        let e = read("object=a;object=b?pin-value=1234").err().unwrap();
        assert!(!format!("{e}{e:?}").contains("1234"));
        let e = read("token=a?pin-value=1234&pin-value=5678").err().unwrap();
        assert!(!format!("{e}{e:?}").contains("1234") && !format!("{e}{e:?}").contains("5678"), "{e}");
    }
}
