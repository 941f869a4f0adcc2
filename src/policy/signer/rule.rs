//! [`SignerRule`]: a signer that a requirement accepts.

use super::certificate::CertificateMatch;
use crate::model::ValidityWindow;
use crate::policy::Glob;
use crate::trust::PublicKey;
use crate::verify::Signer;

/// A signer that a requirement accepts.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SignerRule {
    /// As the policy or flag writes it.
    pub label: String,
    /// Who it is.
    pub who: SignerMatch,
    /// When it may sign.
    pub window: ValidityWindow,
    /// Builders that it may speak for; with none, a builder id is only declared.
    pub builders: Vec<Glob>,
    /// Fields of a provenance that it measures, as the policy knows: by their names in output.
    pub measures: Vec<&'static str>,
}

/// Whom a signer rule accepts.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SignerMatch {
    /// Exactly this key.
    Key(PublicKey),
    /// Whoever holds a certificate that says this.
    Certificate(Box<CertificateMatch>),
}

impl SignerRule {
    /// Whoever has this key, at any time; called by the key's id.
    #[must_use]
    pub fn key(key: PublicKey) -> Self {
        Self::new(key.id(), SignerMatch::Key(key))
    }

    /// Whoever holds a certificate that says this, at any time; called by the identities that it may have.
    #[must_use]
    pub fn certificate(wanted: CertificateMatch) -> Self {
        let names = wanted.identities.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or ");
        Self::new(format!("certificate of {names}"), SignerMatch::Certificate(Box::new(wanted)))
    }

    fn new(label: String, who: SignerMatch) -> Self {
        Self { label, who, window: ValidityWindow::default(), builders: Vec::new(), measures: Vec::new() }
    }

    /// What reasons call it.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// When it may sign.
    #[must_use]
    pub fn window(mut self, window: ValidityWindow) -> Self {
        self.window = window;
        self
    }

    /// Builders that it may speak for.
    #[must_use]
    pub fn builders(mut self, builders: Vec<Glob>) -> Self {
        self.builders = builders;
        self
    }

    /// Fields of a provenance that it finds out itself, by their names in output.
    #[must_use]
    pub fn measures(mut self, fields: Vec<&'static str>) -> Self {
        self.measures = fields;
        self
    }
}

impl SignerMatch {
    /// Whether a verified signer is the one meant.
    #[must_use]
    pub fn matches(&self, signer: &Signer) -> bool {
        match (self, signer) {
            (Self::Key(wanted), Signer::Key { key }) => wanted == key,
            (Self::Certificate(wanted), Signer::Certificate { identity, issuer, claims, .. }) => {
                wanted.matches(identity, issuer, claims)
            }
            (Self::Key(_), Signer::Certificate { .. }) | (Self::Certificate(_), Signer::Key { .. }) => false,
        }
    }
}
