//! The address of a git remote as it may be written down: without credentials, one spelling per repository.

use std::path::Path;

/// Hosts whose repositories have the same path over SSH and HTTPS.
const SAME_OVER_HTTPS: &[&str] = &["github.com", "gitlab.com", "bitbucket.org", "codeberg.org"];

/// Normalises a remote's URL, `root` being the work tree that relative paths start from.
///
/// User, password, query, fragment, a default port, `.git` and a final `/` go; SSH to a known host becomes `https`;
/// other SSH becomes `ssh://host/path`; a path becomes a `file:` URL. `None` for what is no address: a remote helper's
/// command (`ext::...`), control characters, a host that begins with `-` or has other characters than hosts have, nothing.
#[must_use]
pub fn normalise(url: &str, root: &Path) -> Option<String> {
    let url = url.trim();
    if url.is_empty() || url.chars().any(char::is_control) {
        return None;
    }
    if let Some((scheme, rest)) = url.split_once("://") {
        return from_url(&scheme.to_ascii_lowercase(), rest);
    }
    if url.split(['/', '[']).next().is_some_and(|s| s.contains("::")) {
        return None;
    }
    if holds_user_or_password(url) {
        return None;
    }
    // `user@host:path`, git's own rule: the first colon stands before the first slash.
    match url.split_once(':') {
        Some((host, path)) if !host.contains('/') => {
            from_url("ssh", &format!("{host}/{}", path.trim_start_matches('/')))
        }
        _ => from_url("file", root.join(url).to_str()?),
    }
}

fn from_url(scheme: &str, rest: &str) -> Option<String> {
    let scheme = scheme.strip_prefix("git+").unwrap_or(scheme);
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = authority.rsplit('@').next().unwrap_or_default().to_ascii_lowercase();
    let default_port = match scheme {
        "https" => ":443",
        "http" => ":80",
        "ssh" => ":22",
        "git" | "file" => "",
        _ => return None,
    };
    let host = host.strip_suffix(default_port).unwrap_or(&host);
    let path = path.trim_end_matches('/');
    let path = path.strip_suffix(".git").unwrap_or(path).trim_end_matches('/');
    if path.is_empty() || (host.is_empty() && scheme != "file") || !is_host(host) {
        return None;
    }
    let scheme = if SAME_OVER_HTTPS.contains(&host) { "https" } else { scheme };
    Some(format!("{scheme}://{}{}", ascii(host), percent_encoded(path)))
}

/// Whether an address without a scheme holds `user:password@` after what git takes for its host: what somebody gets who
/// mistypes `https://user:password@host`, and would find published with the source.
fn holds_user_or_password(url: &str) -> bool {
    let part = |text: &str| text.split_once(':').is_some_and(|(_, rest)| rest.contains('@'));
    url.split('/').any(part)
        || url
            .split_once(':')
            .is_some_and(|(_, path)| path.trim_start_matches('/').split('/').next().is_some_and(|p| p.contains('@')))
}

/// Whether it can be a host and its port. One that begins with `-` would be an option to whoever hands it to `ssh`.
fn is_host(text: &str) -> bool {
    let plain = |c: char| c.is_alphanumeric() || "-._:[]".contains(c);
    !text.starts_with('-') && text.chars().all(plain)
}

/// A host of other letters, too, is part of an address (RFC 3986, section 3.2.2).
fn ascii(host: &str) -> String {
    let encode = |c: char| {
        let mut bytes = [0; 4];
        match c.is_ascii() {
            true => c.to_string(),
            false => c.encode_utf8(&mut bytes).bytes().map(|b| format!("%{b:02X}")).collect(),
        }
    };
    host.chars().map(encode).collect()
}

/// Percent-encodes what would end or split the address: `@` separates the ref in a source URI.
fn percent_encoded(path: &str) -> String {
    let keep = |b: u8| b.is_ascii_alphanumeric() || b"/-._~!$&'()*+,;=:%".contains(&b);
    path.bytes().fold(String::new(), |mut s, b| {
        if keep(b) {
            s.push(char::from(b));
        } else {
            s.push_str(&format!("%{b:02X}"));
        }
        s
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_spelling_per_repository_and_no_credentials() {
        let all = [
            ("https://github.com/o/r.git", Some("https://github.com/o/r")),
            ("https://user:pa%40ss@github.com/o/r.git/", Some("https://github.com/o/r")),
            ("https://a@b:secret@GitHub.com:443/o/r?token=secret#secret", Some("https://github.com/o/r")),
            ("git@github.com:o/r.git", Some("https://github.com/o/r")),
            ("github.com:/o/r", Some("https://github.com/o/r")),
            ("ssh://git@gitlab.com:22/g/s/r.git", Some("https://gitlab.com/g/s/r")),
            ("git+ssh://git@codeberg.org/o/r", Some("https://codeberg.org/o/r")),
            ("http://github.com/o/r", Some("https://github.com/o/r")),
            ("me@git.example:team/r.git", Some("ssh://git.example/team/r")),
            ("ssh://me:secret@git.example:2222/r.git", Some("ssh://git.example:2222/r")),
            ("http://git.example:8080/r", Some("http://git.example:8080/r")),
            ("git://git.example/r.git", Some("git://git.example/r")),
            ("https://h.example/a@b/r x", Some("https://h.example/a%40b/r%20x")),
            ("https://b\u{fc}cher.example/r", Some("https://b%C3%BCcher.example/r")),
            ("/srv/git/r.git", Some("file:///srv/git/r")),
            ("file:///srv/git/r.git", Some("file:///srv/git/r")),
            ("sibling", Some("file:///home/tree/sibling")),
            ("ext::sh -c evil", None),
            ("codecommit::eu-west-1://profile@r", None),
            ("foo://h.example/r", None),
            ("ssh://-oProxyCommand=x/r", None),
            ("ssh://git@-oProxyCommand=x/r", None),
            ("-oProxyCommand=x:r", None),
            ("https://h.example`id`/r", None),
            ("https://h.example", None),
            ("https:user:secret@h.example/r", None),
            ("https:/user:secret@h.example/r", None),
            ("user:secret@github.com:acme/app", None),
            ("https//user:secret@h.example/r", None),
            ("h.example:team/a@b", Some("ssh://h.example/team/a%40b")),
            ("name@work@h.example:r", Some("ssh://h.example/r")),
            ("https:///r", None),
            ("https://h.example/\u{1b}[2J", None),
            ("", None),
        ];
        for (given, expected) in all {
            let found = normalise(given, Path::new("/home/tree"));
            assert_eq!(found.as_deref(), expected, "{given}");
            assert!(!found.unwrap_or_default().contains("secret"));
        }
    }
}
