//! Patterns over names of subjects, brought into the form in which names are compared.

use super::Glob;
use crate::model::oci;

/// Reads a pattern over names of subjects: `registry/repository`, `oci:PATH`, `file:PATH`. Whatever takes one calls this.
///
/// A pattern that no name can match protects nothing, and beside a policy that demands less nobody notices. So it is read
/// as a reference is: `nginx` is `docker.io/library/nginx`, whatever host Docker Hub is called by, a host is lower case
/// and has no port 443; and what cannot be a name then is an error.
///
/// # Errors
/// What was expected, in words.
pub fn image_glob(text: &str) -> Result<Glob, String> {
    let pattern = match text.split_once(':') {
        Some(("oci" | "file", path)) => {
            local(path)?;
            text.to_owned()
        }
        _ => remote(text)?,
    };
    Glob::parse(&pattern).ok_or_else(|| "a glob (`*` within a path element, `**` across `/`)".to_owned())
}

/// That a path can be one of those that are compared: without `.`, without `..` after a name, without empty parts.
fn local(path: &str) -> Result<(), String> {
    let mut named = path.starts_with('/');
    for part in path.strip_prefix('/').unwrap_or(path).split('/') {
        if part == "." || (part.is_empty() && !path.is_empty() && path != "/") || (part == ".." && named) {
            return Err("a path without `.`, `//` and `/` at its end, and with `..` at its beginning alone".to_owned());
        }
        named |= part != "..";
    }
    Ok(())
}

/// A pattern over repositories, as references spell them.
fn remote(text: &str) -> Result<String, String> {
    if text.contains("://") {
        return Err("a repository without `https://`, such as ghcr.io/acme/**".to_owned());
    }
    // What is matched has neither digest nor tag.
    let last = text.rsplit('/').next().unwrap_or(text);
    if text.contains('@') || (last.contains(':') && !last.ends_with(']')) {
        let expected = "a repository without tag or digest, such as ghcr.io/acme/** (`*` stands for an `@` of a path)";
        return Err(expected.to_owned());
    }
    let (host, path) = match text.split_once('/') {
        Some((first, path)) if is_host(first) => (host(first)?, path.to_owned()),
        Some(_) => (oci::DOCKER_HUB.to_owned(), text.to_owned()),
        // Of one that is all stars alone the whole is meant, and of `*` alone nobody knows what.
        None if text.starts_with("**") => return parts(text).map(|()| text.to_owned()),
        None if is_host(text) => return Err(format!("a repository, such as {text}/**")),
        None => (oci::DOCKER_HUB.to_owned(), text.to_owned()),
    };
    let official = host == oci::DOCKER_HUB && !path.contains(['/']) && !path.contains("**");
    if official && path == "*" {
        return Err("docker.io/** for all of Docker Hub, or docker.io/library/* for its official images".to_owned());
    }
    let path = if official { format!("library/{path}") } else { path };
    parts(&path)?;
    Ok(format!("{host}/{path}"))
}

/// Whether the first part of a name is a registry, as for a reference; one with a star may be.
fn is_host(first: &str) -> bool {
    first.contains(['.', ':', '*', '[']) || first == "localhost"
}

/// A registry, or a pattern of some.
fn host(text: &str) -> Result<String, String> {
    let host = oci::registry_name(text).or_else(|| {
        // Any letter in place of a star shows whether there is such a host.
        let one = text.to_ascii_lowercase();
        let stands = oci::registry_name(&one.replace('*', "0"))?;
        let port = one.strip_suffix(":443").filter(|_| !stands.ends_with(":443"));
        text.contains('*').then(|| port.unwrap_or(&one).to_owned())
    });
    host.ok_or_else(|| format!("a registry's host name with an optional port before the first `/`, not `{text}`"))
}

/// That a repository can have this path.
fn parts(path: &str) -> Result<(), String> {
    let known = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-*".contains(&b);
    let edge = |b: Option<&u8>| b.is_some_and(|b| known(*b) && !b"._-".contains(b));
    for part in path.split('/') {
        if let Some(other) = part.chars().find(|c| !u8::try_from(*c).is_ok_and(known)) {
            let expected = "lower-case letters, digits, `.`, `_`, `-` and stars between the `/` of a repository";
            return Err(format!("{expected}, not `{}` (a file or layout is file:PATH or oci:PATH)", other.escape_debug()));
        }
        if !edge(part.as_bytes().first()) || !edge(part.as_bytes().last()) {
            return Err(format!("parts of a repository that begin and end with a letter or digit, not `{part}`"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Reference;

    #[test]
    fn a_pattern_is_read_as_a_reference_is() {
        for (pattern, read, reference) in [
            ("nginx", "docker.io/library/nginx", "nginx:1"),
            ("docker.io/nginx", "docker.io/library/nginx", "nginx"),
            ("nginx*", "docker.io/library/nginx*", "nginx2"),
            ("acme/app", "docker.io/acme/app", "acme/app"),
            ("registry.hub.docker.com/acme/*", "docker.io/acme/*", "acme/app"),
            ("index.docker.io/**", "docker.io/**", "nginx"),
            ("Registry-1.Docker.IO:443/library/*", "docker.io/library/*", "registry.hub.docker.com/nginx"),
            ("GHCR.io/acme/**", "ghcr.io/acme/**", "ghcr.io/acme/app/x"),
            ("ghcr.io:443/acme/app", "ghcr.io/acme/app", "GHCR.io:443/acme/app"),
            ("*.Example.com:443/**", "*.example.com/**", "a.example.com/x"),
            ("*.example.com:5000/**", "*.example.com:5000/**", "a.example.com:5000/x"),
            ("localhost:5000/app", "localhost:5000/app", "localhost:5000/app"),
            ("[::1]:5000/app", "[::1]:5000/app", "[::1]:5000/app"),
            ("**", "**", "nginx"),
            ("**/app", "**/app", "acme/app"),
            ("*/acme/app", "*/acme/app", "ghcr.io/acme/app"),
        ] {
            let glob = image_glob(pattern).unwrap();
            assert_eq!(glob.to_string(), read, "{pattern}");
            assert!(glob.matches_text(&Reference::parse(reference).unwrap().name()), "{pattern} {reference}");
        }
        for local in ["oci:build/*:x", "file:A b/{c}?", "file:../x", "file:/", "oci:", "oci:**", "file:/a/**"] {
            assert_eq!(image_glob(local).unwrap().to_string(), local);
        }
    }

    #[test]
    fn a_pattern_that_nothing_can_match_is_refused() {
        for pattern in [
            "",
            " docker.io/library/nginx",
            "docker.io/library/nginx ",
            "https://ghcr.io/acme/**",
            "ghcr.io./**",
            "ghcr.io:0443/acme/**",
            "ghcr.io:99999/acme/**",
            "*.example.com:0443/**",
            "ghcr.io/{a,b}",
            "ghcr.io/acme/ap?",
            "ghcr.io/acme/[ab]",
            "ghcr.io/acme/App",
            "ghcr.io",
            "ghcr.io/",
            "ghcr.io//app",
            "ghcr.io/acme/",
            "ghcr.io/acme/../app",
            "ghcr.io/_app",
            "ghcr.io/app:v1",
            "ghcr.io/app@sha256:1",
            "-x.io/app",
            "localhost:5000",
            "docker.io/*",
            "*",
            "a/***",
            "oci:./build",
            "oci:build/",
            "file:a/../b",
            "file:a//b",
        ] {
            assert!(image_glob(pattern).is_err(), "{pattern}");
        }
    }
}
