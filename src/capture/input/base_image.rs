//! What an image is built on: by flag, by its own annotations, or from a container file.

use crate::capture::input::lockfiles::purl;
use crate::capture::input::unasked::Unasked;
use crate::capture::{CaptureError, Captured, Request};
use crate::model::{Digest, DigestSet, ResourceDescriptor, limits};

/// By precedence: `--base-image` or its variable, the subject's annotations, `Containerfile`, `Dockerfile`.
///
/// # Errors
/// [`CaptureError::Value`] for a given reference without a digest; a container file that cannot be read.
pub(in crate::capture) fn capture(
    request: &Request,
    given: Captured<String>,
    unasked: &mut Unasked<'_>,
) -> Result<Captured<ResourceDescriptor>, CaptureError> {
    if let Captured::Found { value, source } = &given {
        let found = descriptor(value);
        let found =
            found.ok_or_else(|| CaptureError::value(source, "an image with a digest: NAME@sha256:HEX", value))?;
        return Ok(Captured::found(found, source));
    }
    if let Some((name, digest)) = &request.base_annotations
        && let Some(found) = descriptor(&format!("{}@{digest}", name.split('@').next().unwrap_or(name)))
    {
        return Ok(Captured::found(found, "the subject's annotations org.opencontainers.image.base.*"));
    }
    for name in ["Containerfile", "Dockerfile"] {
        let before = unasked.passed_over.len();
        let bytes = match unasked.read(&unasked.root.join(name), limits::TEXT_FILE_BYTES)? {
            Ok(bytes) => bytes,
            // It stands there, so the build would use it and not the next one.
            Err(reason) if unasked.passed_over.len() > before => return Ok(Captured::absent(&reason)),
            Err(_) => continue,
        };
        return Ok(match last_stage(&String::from_utf8_lossy(&bytes)) {
            Ok(image) => match descriptor(&image) {
                Some(found) => Captured::found(found, &format!("{name}, last FROM")),
                None => Captured::absent(&format!("{name} names its base image without a digest")),
            },
            Err(reason) => Captured::absent(&format!("{name}: {reason}")),
        });
    }
    Ok(Captured::absent(NO_FILE))
}

const SCRATCH: &str = "the image is built from scratch";
const NO_FILE: &str = "neither --base-image nor ATTEST_BASE_IMAGE was given, and there is no container file";

/// Whether a reason for an absence says that there is nothing to be recorded: then nothing is missing.
pub(in crate::capture) fn is_none_at_all(reason: &str) -> bool {
    reason == NO_FILE || reason.ends_with(SCRATCH)
}

/// `pkg:docker/NAME@DIGEST`, the registry as a qualifier, from `[REGISTRY/]NAME[:TAG]@DIGEST`.
fn descriptor(image: &str) -> Option<ResourceDescriptor> {
    let (name, digest) = image.split_once('@')?;
    let digest = Digest::parse(digest).ok()?;
    if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._/:[]".contains(&b)) {
        return None;
    }
    let tagless = match name.rsplit_once(':') {
        Some((before, tag)) if !tag.contains('/') => before,
        _ => name,
    };
    let (registry, path) = match tagless.split_once('/') {
        Some((host, path)) if host.contains(['.', ':']) || host == "localhost" => (Some(host), path),
        _ => (None, tagless),
    };
    let qualifiers: Vec<_> = registry.into_iter().map(|r| ("repository_url", r)).collect();
    let uri = purl("docker", path, &digest.to_string(), &qualifiers);
    Some(ResourceDescriptor::at(uri).named("base-image").digest_of(DigestSet::of(&digest)))
}

/// The image that the last stage of a container file starts from, through the stages it builds on.
fn last_stage(text: &str) -> Result<String, &'static str> {
    let mut stages: Vec<(Option<String>, String)> = Vec::new();
    for line in instructions(text) {
        let mut words = line.split_whitespace();
        if !words.next().is_some_and(|w| w.eq_ignore_ascii_case("FROM")) {
            continue;
        }
        let mut words = words.filter(|w| !w.starts_with("--"));
        let image = words.next().ok_or("a FROM without an image")?.to_owned();
        let alias = match (words.next(), words.next()) {
            (Some(word), Some(alias)) if word.eq_ignore_ascii_case("AS") => Some(alias.to_ascii_lowercase()),
            _ => None,
        };
        stages.push((alias, image));
    }
    let (_, mut image) = stages.pop().ok_or("no FROM")?;
    while let Some((alias, before)) = stages.pop() {
        if alias.is_some_and(|a| a == image.to_ascii_lowercase()) {
            image = before;
        }
    }
    match image.as_str() {
        "scratch" => Err(SCRATCH),
        i if i.contains('$') => Err("the base image is given by a build argument"),
        _ => Ok(image),
    }
}

/// Lines without comments, continued ones joined; bodies of here-documents left out.
fn instructions(text: &str) -> Vec<String> {
    let escape = |line: &str| {
        let directive = line.strip_prefix('#')?.split_once('=')?;
        directive.0.trim().eq_ignore_ascii_case("escape").then(|| directive.1.trim().starts_with('`'))
    };
    let escape = if text.lines().next().and_then(escape) == Some(true) { '`' } else { '\\' };
    let (mut out, mut current, mut here): (Vec<String>, String, Vec<String>) = (Vec::new(), String::new(), Vec::new());
    for line in text.lines() {
        if let Some(end) = here.first() {
            if line.trim_start_matches('\t') == end {
                here.remove(0);
            }
            continue;
        }
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        match line.strip_suffix(escape) {
            Some(begun) => {
                current.push_str(begun);
                current.push(' ');
            }
            None => {
                current.push_str(line);
                if !current.trim_start().to_ascii_uppercase().starts_with("FROM") {
                    here = here_documents(&current);
                }
                out.push(std::mem::take(&mut current));
            }
        }
    }
    out.extend((!current.is_empty()).then_some(current));
    out
}

/// The words that end the here-documents a line begins: `<<EOF`, `<<-"EOF"`.
fn here_documents(line: &str) -> Vec<String> {
    let word = |rest: &str| {
        let rest = rest.strip_prefix('-').unwrap_or(rest).trim_start_matches(['"', '\'']);
        let word: String = rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
        (!word.is_empty()).then_some(word)
    };
    line.split("<<").skip(1).filter_map(word).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_stage_is_followed_to_its_image() {
        let d = format!("sha256:{}", "a".repeat(64));
        let image = |text: &str| last_stage(&text.replace("DIGEST", &d));
        let base = Ok(format!("r.example/base@{d}"));
        assert_eq!(image("FROM r.example/base@DIGEST"), base);
        assert_eq!(
            image("# c\nARG X\nfrom --platform=$B \\\n  r.example/base@DIGEST as Build\nFROM tools\nFROM BUILD\n"),
            base
        );
        assert_eq!(image("FROM r.example/base@DIGEST\nRUN <<EOF\nFROM nowhere\nEOF\n"), base);
        assert_eq!(image("# escape=`\nFROM `\nr.example/base@DIGEST\n"), base);
        assert_eq!(image("FROM a AS a\nFROM a"), Ok("a".into()));
        for (text, reason) in [
            ("FROM x\nFROM scratch", "the image is built from scratch"),
            ("ARG V=1\nFROM r.example/base:${V}@DIGEST", "the base image is given by a build argument"),
            ("RUN true", "no FROM"),
            ("FROM", "a FROM without an image"),
        ] {
            assert_eq!(image(text), Err(reason));
        }
    }

    #[test]
    fn an_image_becomes_a_package_url() {
        let d = format!("sha256:{}", "a".repeat(64));
        let uri = |name: &str| descriptor(&format!("{name}@{d}")).map(|r| r.uri().unwrap().to_owned());
        let version = format!("sha256:{}", "a".repeat(64));
        assert_eq!(uri("debian"), Some(format!("pkg:docker/debian@{version}")));
        assert_eq!(uri("acme/base:1.2"), Some(format!("pkg:docker/acme/base@{version}")));
        let qualified = format!("pkg:docker/a/b@{version}?repository_url=r.example%3A5000");
        assert_eq!(uri("r.example:5000/a/b:1"), Some(qualified));
        assert_eq!(uri("a b"), None);
        assert_eq!(descriptor("debian:12"), None);
    }
}
