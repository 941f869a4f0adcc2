//! [`WebUrl`]: the address of a page, read narrowly: what another reader could take for another place is refused.

use std::net::{Ipv4Addr, Ipv6Addr};

/// The address of a page or server, without query and fragment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebUrl {
    secure: bool,
    authority: String,
    segments: Vec<String>,
}

impl WebUrl {
    /// Reads `https://HOST[:PORT]/PATH`, or the same with `http`. `None` for a user, white space, an empty host, dot
    /// segments, empty segments, or anything that is percent-encoded.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (scheme, rest) = text.split_once("://")?;
        let secure = match scheme.to_ascii_lowercase().as_str() {
            "https" => true,
            "http" => false,
            _ => return None,
        };
        let rest = rest.split(['?', '#']).next().unwrap_or_default();
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let authority = authority.to_ascii_lowercase();
        let (host, port) = split_port(&authority)?;
        let authority = match port {
            Some(port) if port == if secure { 443 } else { 80 } => host.to_owned(),
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        };
        let path = path.strip_suffix('/').unwrap_or(path);
        let segments: Vec<String> = match path {
            "" => Vec::new(),
            path => path.split('/').map(str::to_owned).collect(),
        };
        segments.iter().all(|s| is_plain(s)).then_some(Self { secure, authority, segments })
    }

    /// Host and, where it is not the scheme's own, port; lower case.
    #[must_use]
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// The host alone.
    #[must_use]
    pub fn host(&self) -> &str {
        split_port(&self.authority).map_or(&self.authority, |(host, _)| host)
    }

    /// The parts of the path.
    #[must_use]
    pub fn segments(&self) -> &[String] {
        &self.segments
    }

    /// Whether it is reached over TLS.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.secure
    }

    /// Whether it is on this machine, so that what is sent there crosses no network.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        let host = self.host();
        let six = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).and_then(|h| h.parse::<Ipv6Addr>().ok());
        host == "localhost"
            || host.parse::<Ipv4Addr>().is_ok_and(|ip| ip.is_loopback())
            || six.is_some_and(|ip| ip.is_loopback())
    }

    /// Scheme and authority.
    #[must_use]
    pub fn origin(&self) -> String {
        format!("{}://{}", if self.secure { "https" } else { "http" }, self.authority)
    }

    /// Whether two are on the same server: scheme, host and port.
    #[must_use]
    pub fn is_same_origin(&self, other: &Self) -> bool {
        (self.secure, &self.authority) == (other.secure, &other.authority)
    }

    /// What is left of a path below this one.
    #[must_use]
    pub fn below<'a>(&self, other: &'a Self) -> Option<&'a [String]> {
        if !self.is_same_origin(other) {
            return None;
        }
        other.segments.strip_prefix(self.segments.as_slice())
    }
}

impl std::fmt::Display for WebUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.origin())?;
        self.segments.iter().try_for_each(|s| write!(f, "/{s}"))
    }
}

/// Letters, digits and `-._~`, and no dot segment.
fn is_plain(segment: &str) -> bool {
    !segment.is_empty()
        && segment != "."
        && segment != ".."
        && segment.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b))
}

/// A host name or address in lower case, and its port.
fn split_port(authority: &str) -> Option<(&str, Option<u16>)> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let end = rest.find(']')?;
            rest[..end].parse::<Ipv6Addr>().ok()?;
            (&authority[..end + 2], &rest[end + 1..])
        }
        None => authority.find(':').map_or((authority, ""), |at| authority.split_at(at)),
    };
    let is_name = |h: &str| h.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.".contains(&b)) && !h.contains("..");
    if host.is_empty() || !(host.starts_with('[') || is_name(host)) || host.starts_with('.') || host.ends_with('.') {
        return None;
    }
    match port.strip_prefix(':') {
        None if port.is_empty() => Some((host, None)),
        Some(digits) if digits.bytes().all(|b| b.is_ascii_digit()) => Some((host, Some(digits.parse().ok()?))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_be_taken_for_another_place_is_no_url() {
        for bad in [
            "github.com/a/b",
            "ftp://github.com/a",
            "https:///a",
            "https://u@github.com/a",
            "https://github.com@evil.example/a",
            "https://github.com:x/a",
            "https://github.com:99999/a",
            "https://github.com./a",
            "https://git hub.com/a",
            "https://github.com\\@evil.example/a",
            "https://github.com/a/../b",
            "https://github.com/a/%2e%2e/b",
            "https://github.com/a//b",
            "https://github.com/a/./b",
            "https://g\u{ed}thub.com/a",
            "https://[::1/a",
        ] {
            assert_eq!(WebUrl::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn one_server_has_one_spelling() {
        let url = |t: &str| WebUrl::parse(t).unwrap();
        assert_eq!(url("HTTPS://GitHub.com:443/A/b/?q=1#c").to_string(), "https://github.com/A/b");
        assert_eq!(url("http://h:8080/a").authority(), "h:8080");
        assert_eq!(url("http://[::1]:8080/a").host(), "[::1]");
        assert!(!url("https://h/a").is_same_origin(&url("http://h/a")));
        assert!(!url("https://h/a").is_same_origin(&url("https://h:8443/a")));
        assert_eq!(url("https://h/git").below(&url("https://h/git/a")).unwrap(), ["a"]);
        assert_eq!(url("https://h/git").below(&url("https://h/github/a")), None);
    }

    #[test]
    fn only_this_machine_is_loopback() {
        let is = |t: &str| WebUrl::parse(t).unwrap().is_loopback();
        for near in ["http://127.0.0.1:1", "http://127.9.9.9", "http://localhost:2/x", "http://[::1]"] {
            assert!(is(near), "{near}");
        }
        for far in ["http://127.0.0.1.evil.example", "http://localhost.evil.example", "http://[::2]", "http://10.0.0.1"]
        {
            assert!(!is(far), "{far}");
        }
    }
}
