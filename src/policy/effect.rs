//! What a cluster does with the answer of a policy.

use super::cluster::{Exception, OnUnavailable};
use super::{Glob, Mode, Policy, Verdict};
use crate::model::Timestamp;

/// What a cluster does with an image, by one policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Admits it: it is proven to be what the policy demands.
    Admit,
    /// Admits it for a while, in these words.
    Except(String),
    /// Admits it with a warning.
    Warn,
    /// Admits it, and writes the answer down.
    Record,
    /// Answers with an error, so that the `failurePolicy` of the webhook's configuration decides.
    Defer,
    /// Refuses it.
    Deny,
}

impl Effect {
    /// Its name in output.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Admit => "admit",
            Self::Except(_) => "except",
            Self::Warn => "warn",
            Self::Record => "record",
            Self::Defer => "defer",
            Self::Deny => "deny",
        }
    }
}

impl Policy {
    /// What a cluster does with an image of this name by this policy's own verdict on it.
    #[must_use]
    pub fn effect(&self, verdict: Verdict, name: &str, namespace: Option<&str>, now: Timestamp) -> Effect {
        if verdict == Verdict::Allow {
            return Effect::Admit;
        }
        if let Some(e) = self.exception(name, namespace, now) {
            return Effect::Except(format!("excepted until {} by {}: {}", e.until, e.approved_by, e.reason));
        }
        match (self.mode, verdict, self.on_unavailable) {
            (Mode::Warn, ..) => Effect::Warn,
            (Mode::Audit, ..) => Effect::Record,
            (Mode::Enforce, Verdict::Unavailable, OnUnavailable::Defer) => Effect::Defer,
            (Mode::Enforce, Verdict::Unavailable, OnUnavailable::Warn) => Effect::Warn,
            (Mode::Enforce, ..) => Effect::Deny,
        }
    }

    /// Whether it applies in a namespace. Where the caller knows of none it applies: leaving the namespace out must not be a
    /// way around it.
    #[must_use]
    pub fn applies_in(&self, namespace: Option<&str>) -> bool {
        among(&self.namespaces, namespace)
    }

    /// The exception that holds for an image of this name in a namespace at a time.
    #[must_use]
    pub fn exception(&self, name: &str, namespace: Option<&str>, now: Timestamp) -> Option<&Exception> {
        self.exceptions.iter().find(|e| {
            let named = e.images.iter().any(|glob| glob.matches_text(name));
            // Of an exception, unlike of a demand, what is not known does not count.
            let here = e.namespaces.is_empty() || namespace.is_some_and(|n| among(&e.namespaces, Some(n)));
            named && here && now <= e.until
        })
    }
}

fn among(namespaces: &[Glob], namespace: Option<&str>) -> bool {
    namespaces.is_empty() || namespace.is_none_or(|n| namespaces.iter().any(|glob| glob.matches_text(n)))
}
