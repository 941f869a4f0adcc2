//! The raw commit object: who signed it and how, and its message. Read as bytes; nothing is verified, and no program that
//! a repository could name is run.

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
    /// The message.
    pub message: String,
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
    let text = String::from_utf8_lossy(object);
    let (head, message) = text.split_once("\n\n").unwrap_or((&text, ""));
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
    Commit {
        digest,
        author: author.to_owned(),
        committer: committer.to_owned(),
        signature,
        message: message.to_owned(),
    }
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
        let object = b"tree aa\nparent bb\nauthor A <a@a> 1 +0000\ncommitter C <c@c> 2 +0000\ngpgsig -----BEGIN SIGNED MESSAGE-----\n MIIB\n -----END SIGNED MESSAGE-----\nencoding x\n\nTitle\n\ngpgsig no\n";
        let commit = read(object);
        assert_eq!((commit.author.as_str(), commit.committer.as_str()), ("A <a@a>", "C <c@c>"));
        assert_eq!(commit.signature, Some(CommitSignature { kind: "x509", signer: None }));
        assert_eq!(commit.message, "Title\n\ngpgsig no\n");
        assert_eq!(read(b"tree aa\n\nT\n\ngpgsig -----BEGIN SSH SIGNATURE-----\n").signature, None);
        assert_eq!(read(b"").message, "");
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
