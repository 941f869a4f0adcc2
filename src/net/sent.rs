//! [`Sent`]: what services were shown that nobody else may see, and the words of others made harmless against it.
//!
//! A service knows the credential that it was shown, and what it answers is printed: in the log of a build, where
//! everybody may read it. Words that repeat a part of a credential, in whatever usual form, are therefore not shown.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use std::collections::HashSet;
use std::fmt;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Arc, Mutex, PoisonError};

/// What is shown in the place of words that repeat what was sent.
pub const CONCEALED: &str = "(its words repeat what was sent, and are not shown)";

/// So many characters of a secret are recognised wherever they stand; of a shorter one, all of it.
const PART: usize = 6;

/// How many encodings within each other are undone.
const DEPTH: usize = 3;

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// The parts of what was sent. None of it is kept: only keyed hashes are.
#[derive(Clone, Default)]
pub(super) struct Sent(Arc<Mutex<Parts>>);

#[derive(Default)]
struct Parts {
    key: RandomState,
    hashes: HashSet<u64>,
    lengths: HashSet<usize>,
}

impl fmt::Debug for Sent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sent").finish_non_exhaustive()
    }
}

impl Sent {
    /// Remembers the value of a header that holds a credential: without its scheme's word and, for Basic, the password
    /// alone too. A user name is no secret.
    pub(super) fn add_header(&self, value: &str) {
        let (scheme, credential) = value.split_once(' ').unwrap_or(("", value));
        self.add(credential);
        if scheme.eq_ignore_ascii_case("basic")
            && let Ok(pair) = BASE64.decode(credential)
        {
            let pair = String::from_utf8_lossy(&pair).into_owned();
            self.add(pair.split_once(':').map_or(pair.as_str(), |(_, password)| password));
        }
    }

    /// Remembers a secret, and its base64, which in a host name has lost the case that undoing it needs.
    pub(super) fn add(&self, secret: &str) {
        let mut parts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        parts.add(secret.as_bytes());
        for before in 0..3 {
            let group = [&[0; 2][..before], secret.as_bytes()].concat();
            let encoded = BASE64.encode(&group);
            let encoded = encoded.trim_end_matches('=').as_bytes();
            // The first and the last character may be of other text too.
            let inner = encoded.get(before + usize::from(before > 0)..encoded.len() - usize::from(group.len() % 3 > 0));
            parts.add(inner.filter(|inner| inner.len() >= PART).unwrap_or_default());
        }
    }

    /// Words of a service, fit for a terminal or a log: cut, with control and direction characters escaped, and none of
    /// them where they repeat a part of what was sent.
    pub(super) fn harmless(&self, text: &str, limit: usize) -> String {
        let cut: String = text.chars().take(limit).collect();
        if self.is_repeated_in(&cut) {
            return CONCEALED.to_owned();
        }
        let mut out = String::new();
        for c in cut.chars() {
            if is_hidden(c) { out.extend(c.escape_unicode()) } else { out.push(c) }
        }
        if text.chars().nth(limit).is_some() {
            out.push_str("...");
        }
        out
    }

    fn is_repeated_in(&self, text: &str) -> bool {
        let parts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut forms = vec![text.as_bytes().to_vec()];
        for _ in 0..=DEPTH {
            if forms.iter().any(|form| parts.are_in(form)) {
                return true;
            }
            let inner = forms.iter().flat_map(|form| [unescaped(form), from_base64(form), from_hex(form)]);
            forms = inner.filter(|form| form.len() >= 2).collect();
        }
        false
    }
}

impl Parts {
    fn add(&mut self, secret: &[u8]) {
        let folded = secret.to_ascii_lowercase();
        if folded.is_empty() {
            return;
        }
        let length = folded.len().min(PART);
        self.lengths.insert(length);
        self.hashes.extend(folded.windows(length).map(|part| self.key.hash_one(part)).collect::<Vec<_>>());
        self.hashes.extend(bare(&folded).windows(PART).map(|part| self.key.hash_one(part)).collect::<Vec<_>>());
    }

    fn are_in(&self, text: &[u8]) -> bool {
        let folded = text.to_ascii_lowercase();
        let has = |text: &[u8], length| text.windows(length).any(|w| self.hashes.contains(&self.key.hash_one(w)));
        // Between the characters of a secret, others may stand that a reader skips.
        self.lengths.iter().any(|length| has(&folded, *length)) || has(&bare(&folded), PART)
    }
}

fn bare(text: &[u8]) -> Vec<u8> {
    text.iter().copied().filter(u8::is_ascii_alphanumeric).collect()
}

fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// `%41`, `\x41`, `\u0041`, `\u{41}`, `&#65;` and `&#x41;` as the characters that they stand for.
fn unescaped(text: &[u8]) -> Vec<u8> {
    const STARTS: [(&[u8], u32); 6] =
        [(b"%", 16), (b"\\u{", 16), (b"\\u", 16), (b"\\x", 16), (b"&#x", 16), (b"&#", 10)];
    let (mut out, mut at, mut any) = (Vec::new(), 0, false);
    while at < text.len() {
        let found = STARTS.iter().find_map(|(start, radix)| {
            let rest = text[at..].strip_prefix(*start)?;
            let most = if matches!(*start, b"%" | b"\\x") { 2 } else { 6 };
            let most = if *start == b"\\u" { 4 } else { most };
            let digits = rest.iter().take(most).take_while(|b| char::from(**b).is_digit(*radix)).count();
            let number = u32::from_str_radix(std::str::from_utf8(&rest[..digits]).ok()?, *radix).ok()?;
            let end = usize::from(matches!(rest.get(digits), Some(b';' | b'}')) && start.len() > 1);
            Some((u8::try_from(number).ok()?, start.len() + digits + end))
        });
        let (byte, length) = found.unwrap_or((text[at], 1));
        any |= found.is_some();
        out.push(byte);
        at += length;
    }
    if any { out } else { Vec::new() }
}

/// What stretches of base64, of either alphabet, are the encoding of, wherever their groups begin.
fn from_base64(text: &[u8]) -> Vec<u8> {
    let standard = |b: &u8| match b {
        b'-' => b'+',
        b'_' => b'/',
        other => *other,
    };
    let is_inside = |b: &u8| b.is_ascii_alphanumeric() || b"+/-_".contains(b);
    let mut out = Vec::new();
    for stretch in text.split(|b| !is_inside(b)).filter(|s| s.len() >= 4) {
        let stretch: Vec<u8> = stretch.iter().map(standard).collect();
        for begin in 0..4.min(stretch.len()) {
            let part = &stretch[begin..];
            // One character of a group alone stands for nothing.
            let part = &part[..part.len() - usize::from(part.len() % 4 == 1)];
            out.extend(BASE64.decode(part).unwrap_or_default());
            out.push(0);
        }
    }
    out
}

/// What stretches of hexadecimal digits are the encoding of.
fn from_hex(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for stretch in text.split(|b| !b.is_ascii_hexdigit()).filter(|s| s.len() >= 4) {
        for begin in 0..2 {
            let digit = |b: u8| char::from(b).to_digit(16).unwrap_or_default();
            let bytes = stretch[begin..].chunks_exact(2).map(|two| digit(two[0]) * 16 + digit(two[1]));
            out.extend(bytes.filter_map(|b| u8::try_from(b).ok()));
            out.push(0);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWORD: &str = "correct-Horse/7battery";

    fn basic() -> Sent {
        let sent = Sent::default();
        sent.add_header(&format!("Basic {}", BASE64.encode(format!("octocat:{PASSWORD}"))));
        sent
    }

    #[track_caller]
    fn concealed(sent: &Sent, text: &str) {
        assert_eq!(sent.harmless(text, 200), CONCEALED, "{text}");
    }

    #[track_caller]
    fn shown(sent: &Sent, text: &str) {
        assert_eq!(sent.harmless(text, 200), text);
    }

    #[test]
    fn every_form_of_a_password_is_recognised() {
        let sent = basic();
        let header = BASE64.encode(format!("octocat:{PASSWORD}"));
        let hex = |text: &str| text.bytes().map(|b| format!("{b:02x}")).collect::<String>();
        let percent = |text: &str| text.bytes().map(|b| format!("%{b:02X}")).collect::<String>();
        for form in [
            format!("Basic {header}"),
            header[3..].to_owned(),
            header[5..header.len() - 4].to_owned(),
            format!("octocat:{PASSWORD}"),
            PASSWORD.to_owned(),
            PASSWORD.to_uppercase(),
            "orse/7".to_owned(),
            BASE64.encode(PASSWORD),
            BASE64.encode(BASE64.encode(PASSWORD)),
            BASE64.encode(PASSWORD).to_lowercase(),
            BASE64.encode(format!("x{PASSWORD}")).to_lowercase(),
            BASE64.encode(format!("xy{PASSWORD}")).to_uppercase(),
            BASE64.encode(format!("x{PASSWORD}")).replace('/', "_"),
            hex(PASSWORD),
            format!("0{}", hex(PASSWORD)),
            percent(PASSWORD),
            percent(&percent(PASSWORD)),
            percent(&BASE64.encode(PASSWORD)),
            PASSWORD.replace('/', "%2f").replace('7', "\\u0037"),
            PASSWORD.chars().map(|c| format!("&#{};", u32::from(c))).collect(),
            PASSWORD.chars().map(|c| format!("{c} ")).collect(),
            PASSWORD.chars().map(|c| format!("{c}\u{200b}")).collect(),
        ] {
            concealed(&sent, &format!("denied for {form}, sorry"));
        }
        for harmless in ["denied for octocat: no such scope", "the password is wrong", "horse", "%41 &#66; \\u0043"] {
            shown(&sent, harmless);
        }
    }

    #[test]
    fn a_part_of_a_token_is_recognised_and_of_a_short_secret_all_of_it() {
        let sent = Sent::default();
        sent.add_header("Bearer mF_9.B5f-4.1JqM");
        for text in ["mF_9.B5f-4.1JqM", "mF_9.B5f-4.1Jq", "F_9.B5", "mF9B5f"] {
            concealed(&sent, text);
        }
        shown(&sent, "F_9.B");
        sent.add("7b!");
        concealed(&sent, "it was 7B!");
        shown(&sent, "it was 7b");
        sent.add("");
        shown(&sent, "anything");
    }

    #[test]
    fn words_are_cut_and_escaped() {
        let sent = Sent::default();
        assert_eq!(sent.harmless("\u{1b}[31mred\u{202e}", 20), "\\u{1b}[31mred\\u{202e}");
        assert_eq!(sent.harmless("abcdef", 3), "abc...");
        // What is not shown repeats nothing.
        let sent = basic();
        assert_eq!(sent.harmless(&format!("{}{PASSWORD}", "x ".repeat(50)), 10), "x x x x x ...");
        assert!(!format!("{sent:?}").contains("hash"));
    }
}
