//! What would raise a field's assurance: what a verifier would need to see to hold it for more than declared.

use crate::capture::{Captured, Context};
use crate::issuer;
use crate::predicate::field;
use crate::predicate::field::fact::{self, Fact};

impl Context {
    /// What would raise the assurance of a field that is there.
    pub(in crate::capture) fn raised_by(&self, path: &str) -> String {
        let other = field::raised_by(path);
        let claims = field::by_path(path).map(field::Row::claims).unwrap_or_default();
        let claim = |fact: &Fact| fact.claim.unwrap_or_default();
        let (repository, commit) = (claim(fact::REPOSITORY), claim(fact::COMMIT));
        // Of a source it is the commit that counts first.
        let Some(arc) = claims.iter().find(|c| **c == commit).or_else(|| claims.first()).copied() else { return other };
        let own = issuer::named(self.platform_name);
        let tokens = own.and_then(|i| i.tokens.as_ref());
        let says: Vec<u32> = match tokens {
            _ if !self.certified.is_empty() => self.certified.clone(),
            Some(tokens) => tokens.claims.iter().map(|(arc, _)| *arc).collect(),
            None => Vec::new(),
        };
        let part = match (arc == commit, says.contains(&repository), says.contains(&commit)) {
            (true, true, true) => "",
            (true, false, true) => " of the commit, not of repository and ref",
            (true, true, false) => " of repository and ref, not of the commit",
            _ if says.contains(&arc) => "",
            _ => return other,
        };
        let title = own.and_then(|i| i.system.as_ref()).map_or("", |s| s.title);
        let identity = tokens.and_then(|t| t.ambient.as_ref()).map(|a| format!("{title} ({})", a.how));
        match identity {
            _ if !self.certified.is_empty() => {
                format!("certificate if this token signs: its certificate will say the same{part}")
            }
            Some(identity) => {
                format!("certificate if the identity of {identity} signs: it says the same{part}")
            }
            None => other,
        }
    }
}

/// The subjects that the build step left as they were.
pub(in crate::capture) fn unwritten(names: Option<&Vec<String>>) -> Captured<Vec<String>> {
    match names {
        None => Captured::absent("no build step was run"),
        Some(names) if names.is_empty() => Captured::absent("the build step wrote every subject"),
        Some(names) => Captured::found(names.clone(), "the subjects before and after the build step"),
    }
}
