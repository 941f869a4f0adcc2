//! Patterns over names of subjects, brought into the form in which names are compared.

use super::Glob;
use crate::model::oci;

/// Reads a pattern over names of subjects: `registry/repository`, `oci:PATH`, `file:PATH`. Whatever takes one calls this.
///
/// A policy whose pattern no name can match protects nothing, and a policy beside it that demands less would be met without
/// anybody noticing. So a pattern is read as a reference is: `nginx` is `docker.io/library/nginx`, whatever Docker Hub's host is called, and a host is lower case
/// and without port 443. What cannot be a name then is an error.
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

const NO_TAG: &str = "a repository without tag or digest, such as ghcr.io/acme/** (`*` stands for an `@` of a path)";

/// That a path can be one of those that are compared: without `.`, without `..` after a name, without empty parts.
fn local(path: &str) -> Result<(), String> {
    if path.contains('@') {
        return Err(NO_TAG.to_owned());
    }
    let (whole, relative) = (path.is_empty() || path == "/", path.strip_prefix('/').unwrap_or(path));
    let mut named = path.starts_with('/');
    for part in relative.split('/').filter(|_| !whole) {
        if part.is_empty() || part == "." || (part == ".." && named) {
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
    let (host, path) = match text.split_once('/') {
        Some((first, path)) if is_host(first) || first.contains('*') => (host(first)?, path.to_owned()),
        // Of stars alone everything is meant, or what is below one registry.
        None if text.starts_with("**") => return path_ok(text).map(|()| text.to_owned()),
        None if is_host(text) => return Err(format!("{NO_TAG}; {text}/** for all of a registry")),
        _ => (oci::DOCKER_HUB.to_owned(), text.to_owned()),
    };
    let official = host == oci::DOCKER_HUB && !path.contains('/') && !path.contains("**");
    if official && path == "*" {
        return Err(
            "docker.io/** for all of Docker Hub, docker.io/library/* for its official images, ** for everything"
                .to_owned(),
        );
    }
    let path = if official { format!("library/{path}") } else { path };
    path_ok(&path)?;
    Ok(format!("{host}/{path}"))
}

/// Whether the first part of a name is a registry, as for a reference.
fn is_host(first: &str) -> bool {
    first.contains(['.', ':', '[']) || first == "localhost"
}

/// A registry, or a pattern of some.
fn host(text: &str) -> Result<String, String> {
    let error = || format!("a registry's host name with an optional port before the first `/`, not `{text}`");
    // Where stars may stand for one, a digit shows whether there can be such a host.
    let one = oci::registry_name(&text.replace('*', "1")).ok_or_else(error)?;
    if !text.contains('*') {
        return Ok(one);
    }
    let host = text.to_ascii_lowercase();
    Ok(if one.ends_with(":443") { host } else { host.strip_suffix(":443").unwrap_or(&host).to_owned() })
}

/// That a repository can have this path.
fn path_ok(path: &str) -> Result<(), String> {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'*';
    let known = |b: u8| plain(b) || b"._-".contains(&b);
    for part in path.split('/') {
        if let Some(other) = part.chars().find(|c| !u8::try_from(*c).is_ok_and(known)) {
            if ":@".contains(other) {
                return Err(NO_TAG.to_owned());
            }
            let expected = "lower-case letters, digits, `.`, `_`, `-` and stars between the `/` of a repository";
            let other = other.escape_debug();
            return Err(format!("{expected}, not `{other}` (file:PATH and oci:PATH may hold others)"));
        }
        let edges = [part.bytes().next(), part.bytes().last()];
        if !edges.into_iter().all(|b| b.is_some_and(plain)) {
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
            "ghcr.io/acme/aPp",
            "ghcr.io/acme/a{b,c}d",
            "ghcr.io/acme/a?d",
            "[gq]hcr.io/acme/app",
            "oci:app@sha256:1",
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
