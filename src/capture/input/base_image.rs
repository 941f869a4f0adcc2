//! What an image is built on: by flag, by its own annotations, or from a container file.

use crate::capture::input::container_file;
use crate::capture::input::lockfiles::purl;
use crate::capture::input::materials::Place;
use crate::capture::input::unasked::{Found, Unasked};
use crate::capture::{CaptureError, Captured, Request};
use crate::model::{Digest, DigestSet, ResourceDescriptor, limits};

/// By precedence: `--base-image` or its variable, the subject's annotations, then `Containerfile`, `Dockerfile` of the
/// working folder, else of the nearest folder above it that has one.
///
/// # Errors
/// [`CaptureError::Value`] for a given reference without a digest.
pub(in crate::capture) fn capture(
    request: &Request,
    given: Captured<String>,
    place: &Place<'_>,
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
    for path in place.folders().flat_map(|folder| NAMES.map(|name| folder.join(name))) {
        match unasked.read_or_pass_over(&path, limits::TEXT_FILE_BYTES) {
            Found::Bytes(bytes) => return Ok(of_a_file(&place.name(&path), &bytes)),
            // It stands there, so the build would use it and not the next one.
            Found::PassedOver(reason) => return Ok(Captured::Absent { reason }),
            Found::Nothing => {}
        }
    }
    Ok(Captured::absent(NO_FILE))
}

const SCRATCH: &str = "the image is built from scratch";
const NO_FILE: &str = "neither --base-image nor ATTEST_BASE_IMAGE was given, and there is no container file";

/// Whether a reason for an absence says that there is nothing to be recorded: then nothing is missing.
pub(in crate::capture) fn is_none_at_all(reason: &str) -> bool {
    reason == NO_FILE || reason.ends_with(SCRATCH)
}

/// Names of container files, the first that is there first.
const NAMES: [&str; 2] = ["Containerfile", "Dockerfile"];

fn of_a_file(name: &str, bytes: &[u8]) -> Captured<ResourceDescriptor> {
    let base = match container_file::base(bytes) {
        Ok(base) => base,
        Err(reason) => return Captured::absent(&format!("{name}: {reason}")),
    };
    match descriptor(&base.image) {
        None => Captured::absent(&format!("{name} names its base image without a digest")),
        Some(found) if base.defaults.is_empty() => Captured::found(found, &format!("{name}, last FROM")),
        Some(found) => {
            let defaults = base.defaults.join(", ");
            Captured::found(found, &format!("{name}, last FROM, with the default of ARG {defaults}"))
        }
    }
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
    // No image has such a name: it would be that of a stage, which is written in lower case.
    if path.is_empty() || path.bytes().any(|b| b.is_ascii_uppercase()) {
        return None;
    }
    let qualifiers: Vec<_> = registry.into_iter().map(|r| ("repository_url", r)).collect();
    let uri = purl("docker", path, Some(&digest.to_string()), &qualifiers);
    Some(ResourceDescriptor::at(uri).named("base-image").digest_of(DigestSet::of(&digest)))
}

#[cfg(test)]
mod tests {
    use super::*;

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
        assert_eq!(uri("BUILD"), None);
        assert_eq!(descriptor("debian:12"), None);
    }
}
