//! What something was built of: an address and a digest in a line, and the names under which it is looked for.

/// A line for something of an address and a digest.
#[must_use]
pub fn line(address: &str, digest: Option<&str>) -> String {
    [Some(address), digest].into_iter().flatten().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

/// The names under which a line is found: its address without qualifiers, the same without a version, each digest.
#[must_use]
pub fn names(line: &str) -> Vec<String> {
    let mut out = Vec::new();
    let mut add = |name: &str| {
        if !name.is_empty() && !out.iter().any(|known| known == name) {
            out.push(name.to_owned());
        }
    };
    for part in line.split_whitespace() {
        if is_digest(part) {
            add(part);
            continue;
        }
        let address = plain(part);
        add(address);
        if let Some((name, version)) = versioned(address) {
            add(name);
            if is_digest(version) {
                add(version);
            }
        }
    }
    out
}

/// Kinds of package URLs that a package without one may be of.
const KINDS: &[&str] = &[
    "npm", "pypi", "cargo", "golang", "maven", "gem", "nuget", "composer", "hex", "deb", "rpm", "apk", "github",
    "docker", "oci",
];

/// The names by which somebody who writes a package, an image or a digest may mean it. `lodash` is a package of any kind,
/// `debian` an image, too.
#[must_use]
pub fn asked(text: &str) -> Vec<String> {
    let text = plain(text.trim());
    if is_digest(text) || text.contains("://") || text.starts_with("git+") {
        return vec![text.to_owned()];
    }
    let (kinds, name) = match text.strip_prefix("pkg:") {
        Some(rest) => (None, rest),
        None => (Some(KINDS), text),
    };
    // A scope is written `@scope/name`, and `%40scope/name` in a package URL.
    let name = name.replace("/@", "/%40");
    let name = name.strip_prefix('@').map_or_else(|| name.clone(), |rest| format!("%40{rest}"));
    // Of an image, the name without its registry and its tag is the one of the package URL.
    let mut names = vec![name.clone()];
    if kinds.is_some() {
        let (before, digest) = name.split_once('@').map_or((name.as_str(), None), |(name, d)| (name, Some(d)));
        let path = match before.split_once('/') {
            Some((host, path)) if host.contains(['.', ':']) || host == "localhost" => path,
            _ => before,
        };
        let path = path.rsplit_once(':').map_or(path, |(path, _)| path);
        let image = digest.map_or_else(|| path.to_owned(), |digest| format!("{path}@{digest}"));
        if image != name {
            names.push(image);
        }
    }
    match kinds {
        None => names.iter().map(|name| format!("pkg:{name}")).collect(),
        Some(kinds) => {
            let of = |name: &String| kinds.iter().map(|kind| format!("pkg:{kind}/{name}")).collect::<Vec<_>>();
            std::iter::once(text.to_owned()).chain(names.iter().flat_map(of)).collect()
        }
    }
}

/// Whether a text is `sha256:HEX` or another digest.
fn is_digest(text: &str) -> bool {
    text.split_once(':').is_some_and(|(name, hex)| {
        name.starts_with("sha") && hex.len() >= 40 && hex.bytes().all(|b| b.is_ascii_hexdigit())
    })
}

/// An address without qualifiers.
fn plain(address: &str) -> &str {
    if address.starts_with("pkg:") { address.split(['?', '#']).next().unwrap_or(address) } else { address }
}

/// A package URL as its name and its version.
fn versioned(address: &str) -> Option<(&str, &str)> {
    let (name, version) = address.strip_prefix("pkg:").and_then(|_| address.rsplit_once('@'))?;
    (!version.contains('/')).then_some((name, version))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn something_is_found_by_its_address_its_name_and_its_digest() {
        let digest = format!("sha256:{}", "a".repeat(64));
        let found = names(&line("pkg:npm/%40acme/ui@1.2.3?checksum=x", Some(&digest)));
        assert_eq!(found, ["pkg:npm/%40acme/ui@1.2.3", "pkg:npm/%40acme/ui", digest.as_str()]);
        let image = names(&line(&format!("pkg:docker/acme/base@{digest}?repository_url=r.example"), Some(&digest)));
        assert_eq!(image[..2], [format!("pkg:docker/acme/base@{digest}"), "pkg:docker/acme/base".to_owned()]);
        assert_eq!(image[2], digest);
        assert_eq!(names("git+https://github.com/a/b@main#model.bin"), ["git+https://github.com/a/b@main#model.bin"]);
    }

    #[test]
    fn what_people_write_is_one_of_these_names() {
        let digest = format!("sha256:{}", "a".repeat(64));
        let meant = |text: &str, line: &str| asked(text).iter().any(|name| names(line).contains(name));
        let package = line("pkg:npm/%40acme/ui@1.2.3", Some(&digest));
        for text in ["pkg:npm/@acme/ui", "pkg:npm/@acme/ui@1.2.3", "@acme/ui", "@acme/ui@1.2.3", &digest] {
            assert!(meant(text, &package), "{text}");
        }
        let image = line(&format!("pkg:docker/acme/base@{digest}?repository_url=r.example"), None);
        for text in ["acme/base", "r.example/acme/base", "acme/base:1.2", &format!("r.example/acme/base@{digest}")] {
            assert!(meant(text, &image), "{text}");
        }
        for other in ["ui", "@acme/ui@1.2.4", "pkg:pypi/@acme/ui", "acme/ui", "base"] {
            assert!(!meant(other, &package) && !meant(other, &image), "{other}");
        }
    }
}
