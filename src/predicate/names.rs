//! Short names of predicate types, as people and other programs have them.

use super::ALL;
use crate::model::{PredicateUri, uri};

/// Names by which cosign knows types, and their URIs.
const OTHERS: &[(&str, &str)] = &[
    ("slsaprovenance", uri::SLSA_PROVENANCE_V02),
    ("slsaprovenance02", uri::SLSA_PROVENANCE_V02),
    ("slsaprovenance1", uri::SLSA_PROVENANCE),
    ("spdx", uri::SPDX),
    ("spdxjson", uri::SPDX),
    ("cyclonedx", uri::CYCLONE_DX),
    ("vuln", uri::COSIGN_VULN),
    ("link", uri::LINK),
    ("openvex", uri::OPEN_VEX),
    ("custom", uri::COSIGN_CUSTOM),
];

/// The type of a short name, or of a URI.
#[must_use]
pub fn named(text: &str) -> Option<PredicateUri> {
    let known = ALL.iter().find(|p| p.name() == text).map(|p| p.uri());
    let known = known.or_else(|| OTHERS.iter().find(|(name, _)| *name == text).map(|(_, uri)| *uri));
    PredicateUri::parse(known.unwrap_or(text))
}

/// The short name of a type, if it has one.
#[must_use]
pub fn short(uri: &str) -> Option<&'static str> {
    let ours = ALL.iter().find(|p| p.uri() == uri).map(|p| p.name());
    ours.or_else(|| OTHERS.iter().find(|(_, other)| *other == uri).map(|(name, _)| *name))
}

/// Every short name.
pub fn names() -> impl Iterator<Item = &'static str> {
    ALL.iter().map(|p| p.name()).chain(OTHERS.iter().map(|(name, _)| *name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_name_means_one_type_and_a_uri_itself() {
        let all: Vec<_> = names().collect();
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
        let uri = |text: &str| named(text).map(|u| u.as_str().to_owned());
        for name in all {
            assert!(uri(name).is_some_and(|u| u.contains("://")), "{name}");
        }
        assert_eq!(uri("slsaprovenance").as_deref(), Some("https://slsa.dev/provenance/v0.2"));
        assert_eq!(uri("provenance"), uri("slsaprovenance1"));
        assert_eq!(uri("cyclonedx").as_deref(), Some("https://cyclonedx.org/bom"));
        assert_eq!(uri("https://acme.example/scan/v1").as_deref(), Some("https://acme.example/scan/v1"));
        assert_eq!(uri("scan"), None);
        assert_eq!(short("https://slsa.dev/provenance/v1"), Some("provenance"));
        assert_eq!(short("https://spdx.dev/Document"), Some("spdx"));
        assert_eq!(short("https://acme.example/scan/v1"), None);
    }
}
