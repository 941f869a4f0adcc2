//! Every URI that this project coined, and the ones of others that it writes; what of an address may be shown.

/// The one base of our own URIs. They carry no `@`: some services refuse a predicate type that does.
pub const BASE: &str = "https://agent-attest.github.io/";
/// `buildType` of the provenance that `attest create` writes.
pub const AGENT_BUILD: &str = "https://agent-attest.github.io/agent-build/v1";
/// Predicate type of an approval: somebody approves a charter, a commit or an artifact.
pub const APPROVAL: &str = "https://agent-attest.github.io/approval/v1";
/// `builder.id` on a machine that no certificate and no recognised CI system speaks for.
pub const BUILDER_LOCAL: &str = "https://agent-attest.github.io/builder/local/v1";
/// What a charter said: the predicate type of a snapshot.
pub const CHARTER: &str = "https://agent-attest.github.io/charter/v1";
/// SLSA provenance, version 1.
pub const SLSA_PROVENANCE: &str = "https://slsa.dev/provenance/v1";
/// SLSA provenance, version 0.2: others write it.
pub const SLSA_PROVENANCE_V02: &str = "https://slsa.dev/provenance/v0.2";
/// A bill of materials in SPDX's form.
pub const SPDX: &str = "https://spdx.dev/Document";
/// A bill of materials in CycloneDX's form.
pub const CYCLONE_DX: &str = "https://cyclonedx.org/bom";
/// What cosign makes of a vulnerability scan.
pub const COSIGN_VULN: &str = "https://cosign.sigstore.dev/attestation/vuln/v1";
/// What cosign makes of anything.
pub const COSIGN_CUSTOM: &str = "https://cosign.sigstore.dev/attestation/v1";
/// in-toto's Link.
pub const LINK: &str = "https://in-toto.io/Link/v1";
/// OpenVEX.
pub const OPEN_VEX: &str = "https://openvex.dev/ns";
/// in-toto Statement, version 1: what we write.
pub const STATEMENT_V1: &str = "https://in-toto.io/Statement/v1";
/// in-toto Statement, version 0.1: read only.
pub const STATEMENT_V01: &str = "https://in-toto.io/Statement/v0.1";

/// An address without what may be secret in it: no user and password, no query, no fragment. For messages.
#[must_use]
pub fn public(address: &str) -> String {
    let whole = address.split(['?', '#']).next().unwrap_or_default();
    let Some((scheme, rest)) = whole.split_once("://") else { return whole.to_owned() };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    // Readers differ about which `@` ends the user: what stands before any of them is left out.
    let host = authority.rsplit('@').next().unwrap_or_default();
    format!("{scheme}://{host}{path}")
}

/// Whether a text is a URL and no file name.
#[must_use]
pub fn is_url(text: &str) -> bool {
    text.split_once("://").is_some_and(|(scheme, rest)| {
        !rest.is_empty()
            && !scheme.is_empty()
            && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b))
    })
}

/// User, host and port of an address, as RFC 3986 section 3.2 has them; empty where it names none.
#[must_use]
pub fn authority(address: &str) -> &str {
    let rest = address.split_once("://").map_or("", |(_, rest)| rest);
    rest.split(['/', '?', '#']).next().unwrap_or_default()
}

/// Whether an address has a user, or its query or fragment names what only a credential is called: it is not to be
/// published.
#[must_use]
pub fn holds_credential(url: &str) -> bool {
    const NAMES: [&str; 9] =
        ["token", "secret", "password", "passwd", "signature", "apikey", "api_key", "credential", "auth"];
    if authority(url).contains('@') {
        return true;
    }
    let rest = url.split_once(['?', '#']).map_or("", |(_, rest)| rest);
    rest.split(['&', ';', '?', '#']).filter_map(|pair| pair.split_once('=')).any(|(name, value)| {
        let name = name.to_ascii_lowercase();
        !value.is_empty() && (["sig", "key"].contains(&name.as_str()) || NAMES.iter().any(|n| name.contains(n)))
    })
}

/// As [`holds_credential`], of what names code: `git@` before a host is what everybody writes there.
#[must_use]
pub fn of_code_holds_credential(url: &str) -> bool {
    match url.split_once("://git@") {
        Some((scheme, rest)) => holds_credential(&format!("{scheme}://{rest}")),
        None => holds_credential(url),
    }
}

/// `builder.id` of a recognised CI system that no certificate speaks for, for example `jenkins`.
#[must_use]
pub fn builder(name: &str) -> String {
    format!("{BASE}builder/{name}/v1")
}

/// A ref or a path as part of an address: in ASCII, and without what would end that part.
#[must_use]
pub fn encoded(bytes: &[u8]) -> String {
    let keep = |b: u8| b.is_ascii_alphanumeric() || b"/-._~!$&'()*+,;=:@".contains(&b);
    bytes.iter().fold(String::new(), |mut out, &b| {
        match keep(b) {
            true => out.push(char::from(b)),
            false => out.push_str(&format!("%{b:02X}")),
        }
        out
    })
}

/// What [`encoded`] was made of. `None` for what it does not make: a second spelling of another text is no spelling of it.
#[must_use]
pub fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(b) = rest.next() {
        bytes.push(match b {
            b'%' => {
                let digits = [rest.next()?, rest.next()?];
                u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?
            }
            b => b,
        });
    }
    String::from_utf8(bytes).ok().filter(|out| encoded(out.as_bytes()) == text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_an_address_has_one_spelling() {
        for (text, written) in [
            ("refs/heads/main", "refs/heads/main"),
            ("refs/heads/fix#12", "refs/heads/fix%2312"),
            ("refs/heads/x@refs/heads/main", "refs/heads/x@refs/heads/main"),
            ("refs/heads/\u{e9}%23", "refs/heads/%C3%A9%2523"),
            ("a b?.md", "a%20b%3F.md"),
        ] {
            assert_eq!(encoded(text.as_bytes()), written);
            assert_eq!(decoded(written).as_deref(), Some(text));
        }
        // `main` in another spelling is not `main`.
        for other in ["refs/heads/m%61in", "%c3%a9", "a#b", "\u{e9}", "%", "%2", "%+1", "%FF"] {
            assert_eq!(decoded(other), None, "{other}");
        }
    }

    #[test]
    fn what_may_be_secret_in_an_address_is_left_out() {
        for (address, shown) in [
            ("https://h.example/a/b", "https://h.example/a/b"),
            ("https://bob:hunter2@h.example:1/a?token=hunter2#hunter2", "https://h.example:1/a"),
            ("https://bob@hunter2@h.example", "https://h.example"),
            ("https://h.example?token=hunter2", "https://h.example"),
            ("plain", "plain"),
        ] {
            assert_eq!(public(address), shown);
        }
    }
}
