//! The raw commit object: who signed it and how, and its message. Read as bytes; nothing is verified, and no program that
//! a repository could name is run.

use crate::capture::Captured;
use crate::capture::git::encoding::{Undecoded, decoded};
use crate::model::Digest;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};

/// What a commit object says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// Digest of the whole object: what a commit id of SHA-1 cannot vouch for.
    pub digest: Digest,
    /// `Name <email>` of the author: whatever they typed.
    pub author: String,
    /// `Name <email>` of the committer: whatever they typed.
    pub committer: String,
    /// The signature, if there is one. Nobody has verified it.
    pub signature: Option<CommitSignature>,
    /// The message; absent where it is in an encoding that cannot be read.
    pub message: Captured<String>,
}

/// A signature that stands in a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitSignature {
    /// `openpgp`, `ssh`, `x509` or `unknown`.
    pub kind: &'static str,
    /// Which key it says to be of: `SHA256:...` of an SSH key, the fingerprint of an OpenPGP key.
    pub signer: Option<String>,
}

/// Reads a commit object. Where a header is missing, or is no UTF-8, it is empty or has replacement characters.
pub(in crate::capture) fn read(object: &[u8]) -> Commit {
    let end = object.windows(2).position(|two| two == b"\n\n");
    let (head, said) = end.map_or((object, &[][..]), |end| (&object[..end], &object[end + 2..]));
    let message = message(head, said);
    let head = String::from_utf8_lossy(head);
    let (mut author, mut committer, mut signature) = ("", "", None);
    let mut lines = head.lines().peekable();
    while let Some(line) = lines.next() {
        let (key, value) = line.split_once(' ').unwrap_or((line, ""));
        match key {
            "author" if author.is_empty() => author = person(value),
            "committer" if committer.is_empty() => committer = person(value),
            // The second one is of the commit's other name, in a repository that has two.
            "gpgsig" | "gpgsig-sha256" if signature.is_none() => {
                let mut armor = value.to_owned();
                while let Some(more) = lines.next_if(|l| l.starts_with(' ')) {
                    armor.push('\n');
                    armor.push_str(&more[1..]);
                }
                signature = Some(signed(&armor));
            }
            _ => {}
        }
    }
    let digest = Digest::sha256(object);
    Commit { digest, author: author.to_owned(), committer: committer.to_owned(), signature, message }
}

/// The message in the encoding that the commit names (`i18n.commitEncoding` of who made it), else in UTF-8, which git takes for
/// granted. Absent where it cannot be read as the commit says: what a trailer says is signed, and never guessed.
fn message(head: &[u8], bytes: &[u8]) -> Captured<String> {
    const BY: &str = "the commit's message";
    let named = head.split(|b| *b == b'\n').find_map(|line| line.strip_prefix(b"encoding "));
    let name = named.map(|name| String::from_utf8_lossy(name.trim_ascii()).into_owned());
    let Some(name) = name.filter(|n| !n.eq_ignore_ascii_case("utf-8") && !n.eq_ignore_ascii_case("utf8")) else {
        return Captured::found(String::from_utf8_lossy(bytes).into_owned(), BY);
    };
    match decoded(bytes, &name) {
        Ok(text) => Captured::found(text, BY),
        Err(Undecoded::Unknown) => Captured::absent(&format!(
            "the commit's message is in the encoding {}, which is not known here",
            word(&name)
        )),
        Err(Undecoded::Otherwise) => {
            Captured::absent(&format!("the commit's message is not in the encoding that it names, {}", word(&name)))
        }
    }
}

/// A name of an encoding, as somebody wrote it, for a reason.
fn word(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_graphic() { c } else { '?' };
    name.chars().take(40).map(plain).collect()
}

/// Without the time.
fn person(text: &str) -> &str {
    text.find('>').map_or(text, |end| &text[..=end])
}

fn signed(armor: &str) -> CommitSignature {
    let first = armor.lines().next().unwrap_or_default();
    let (kind, signer) = match first {
        "-----BEGIN SSH SIGNATURE-----" => ("ssh", body(armor).and_then(|b| ssh_key(&b))),
        "-----BEGIN PGP SIGNATURE-----" | "-----BEGIN PGP MESSAGE-----" => {
            ("openpgp", body(armor).and_then(|b| openpgp_fingerprint(&b)))
        }
        "-----BEGIN SIGNED MESSAGE-----" | "-----BEGIN CMS-----" => ("x509", None),
        _ => ("unknown", None),
    };
    CommitSignature { kind, signer }
}

/// The bytes between the armour's lines: without its headers, and without OpenPGP's checksum.
fn body(armor: &str) -> Option<Vec<u8>> {
    let lines = armor.lines().skip(1).take_while(|l| !l.starts_with("-----"));
    let text: String = lines.filter(|l| !l.contains(": ") && !l.starts_with('=')).map(str::trim).collect();
    STANDARD.decode(text).ok()
}

/// `SHA256:...` of the public key in an SSHSIG blob, as `ssh-keygen -l` writes it (OpenSSH, `PROTOCOL.sshsig`).
fn ssh_key(blob: &[u8]) -> Option<String> {
    // Six bytes of magic, a version, then the key with its length before it.
    let rest = blob.strip_prefix(b"SSHSIG")?.get(4..)?;
    let (length, rest) = rest.split_first_chunk::<4>()?;
    let key = rest.get(..usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
    let digest = Digest::sha256(key);
    let bytes: Vec<u8> =
        (0..32).filter_map(|i| u8::from_str_radix(digest.hex().get(2 * i..2 * i + 2)?, 16).ok()).collect();
    Some(format!("SHA256:{}", STANDARD_NO_PAD.encode(bytes)))
}

/// The issuer's fingerprint in the hashed part of a version 4 signature packet (RFC 9580, 5.2.3).
fn openpgp_fingerprint(packets: &[u8]) -> Option<String> {
    let (tag, rest) = packets.split_first()?;
    let packet = match tag & 0xC0 {
        // A new header: one or two octets of length.
        0xC0 if tag & 0x3F == 2 => match *rest.first()? {
            0..=191 => rest.get(1..)?,
            192..=223 => rest.get(2..)?,
            _ => return None,
        },
        // An old header: its lowest bits say how long the length is.
        0x80 if tag >> 2 & 0x0F == 2 => rest.get([1, 2, 4].get(usize::from(tag & 3)).copied()?..)?,
        _ => return None,
    };
    let (&[4, _, _, _, high, low], rest) = packet.split_first_chunk::<6>()? else { return None };
    let mut left = rest.get(..usize::from(u16::from_be_bytes([high, low])))?;
    while let Some((&length, rest)) = left.split_first() {
        // Longer subpackets than one octet can say hold nothing that is looked for.
        let (content, after) = rest.split_at_checked(usize::from(length)).filter(|_| length < 192)?;
        // Kind 33, the key's version, its fingerprint.
        if let [33, _, fingerprint @ ..] = content {
            return Some(fingerprint.iter().map(|b| format!("{b:02X}")).collect());
        }
        left = after;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_message_and_signature_are_found() {
        let object = b"tree aa\nparent bb\nauthor A <a@a> 1 +0000\ncommitter C <c@c> 2 +0000\ngpgsig -----BEGIN SIGNED MESSAGE-----\n MIIB\n -----END SIGNED MESSAGE-----\nencoding UTF-8\n\nTitle\n\ngpgsig no\n";
        let commit = read(object);
        assert_eq!((commit.author.as_str(), commit.committer.as_str()), ("A <a@a>", "C <c@c>"));
        assert_eq!(commit.signature, Some(CommitSignature { kind: "x509", signer: None }));
        assert_eq!(commit.message.value().unwrap(), "Title\n\ngpgsig no\n");
        assert_eq!(read(b"tree aa\n\nT\n\ngpgsig -----BEGIN SSH SIGNATURE-----\n").signature, None);
        assert_eq!(read(b"").message.value().unwrap(), "");
    }

    #[test]
    fn a_message_is_in_the_encoding_that_it_names_and_is_never_guessed() {
        let object = |encoding: &str, message: &[u8]| {
            let head = format!("tree aa\nauthor A <a@a> 1 +0000\n{encoding}\n");
            read(&[head.as_bytes(), message].concat()).message
        };
        let text = |encoding: &str, message: &[u8]| object(encoding, message).value().cloned().unwrap();
        assert_eq!(text("encoding ISO-8859-1\n", b"caf\xE9"), "caf\u{e9}");
        assert_eq!(text("encoding Shift_JIS\n", b"\x93\xFA"), "\u{65e5}");
        assert_eq!(text("", "caf\u{e9}".as_bytes()), "caf\u{e9}");
        // Only a header says it.
        assert_eq!(text("", b"T\n\nencoding ISO-8859-1\n\xE9"), "T\n\nencoding ISO-8859-1\n\u{FFFD}");
        for (encoding, why) in [
            ("encoding x-unknown\n", "in the encoding x-unknown, which is not known"),
            ("encoding x\u{1b}[2J\n", "in the encoding x?[2J, which"),
            ("encoding EUC-JP\n", "not in the encoding that it names, EUC-JP"),
        ] {
            let found = object(encoding, b"Agent: caf\xE9");
            assert!(matches!(&found, Captured::Absent { reason } if reason.contains(why)), "{found:?}");
        }
    }

    #[test]
    fn a_broken_signature_has_a_kind_and_no_signer() {
        for armor in ["", "AAAA", "U1NIU0lH", "wsFzBAAB////"] {
            for (begin, kind) in [("SSH SIGNATURE", "ssh"), ("PGP SIGNATURE", "openpgp"), ("OTHER", "unknown")] {
                let object = format!("gpgsig -----BEGIN {begin}-----\n {armor}\n -----END {begin}-----\n\nT");
                assert_eq!(read(object.as_bytes()).signature, Some(CommitSignature { kind, signer: None }));
            }
        }
        // A version 4 packet with one hashed subpacket: the fingerprint of a version 4 key.
        let mut packet = vec![0xC2, 29, 4, 0, 1, 8, 0, 23, 22, 33, 4];
        packet.extend([0xAB; 20]);
        assert_eq!(openpgp_fingerprint(&packet), Some("AB".repeat(20)));
        for cut in 0..packet.len() {
            assert_eq!(openpgp_fingerprint(&packet[..cut]), None);
        }
    }
}
