//! `attest --version`: which program this is, so that whoever asks can find its source and build the same bytes again.

use std::fmt::{self, Display, Formatter};

/// What `attest --version --format json` prints.
#[derive(Debug, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct VersionReport {
    /// Always 1 for this document.
    pub schema_version: u32,
    /// Version of the package.
    pub version: &'static str,
    /// The git commit that was built, and nothing beside it; absent where whoever built it did not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit: Option<&'static str>,
    /// Target that it was built for, as Rust names it.
    pub target: &'static str,
    /// Whether it needs no library of the machine that runs it.
    #[serde(rename = "static")]
    pub is_static: bool,
    /// Optional parts that are in it, sorted.
    pub features: Vec<&'static str>,
}

impl VersionReport {
    /// What this build is.
    #[must_use]
    pub fn of_this_build() -> Self {
        let features = [("cli", cfg!(feature = "cli")), ("pkcs11", cfg!(feature = "pkcs11"))];
        let testing = ("testing", cfg!(feature = "testing"));
        let present = features.into_iter().chain([testing]).filter_map(|(name, present)| present.then_some(name));
        Self {
            schema_version: 1,
            version: env!("CARGO_PKG_VERSION"),
            commit: option_env!("ATTEST_COMMIT"),
            target: env!("ATTEST_TARGET"),
            is_static: cfg!(target_feature = "crt-static"),
            features: present.collect(),
        }
    }
}

impl Display for VersionReport {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.version)?;
        writeln!(f, "commit:   {}", self.commit.unwrap_or("not known: whoever built it did not name one"))?;
        writeln!(f, "target:   {}{}", self.target, if self.is_static { ", static" } else { "" })?;
        write!(f, "features: {}", self.features.join(", "))
    }
}
