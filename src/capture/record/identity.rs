//! What the identity token that will sign says of the run, against what its surroundings say.
//!
//! What the certificate will repeat is taken from the token, since a statement that says otherwise verifies nowhere; what
//! the surroundings say differently is kept beside it. Only of which commit was checked out is git the judge.

use crate::capture::{Captured, Context, Principal, Trigger, Workflow};
use crate::issuer::variables::{NO_TOKEN, is_commit, principal};
use crate::issuer::{self, Certified, Issuer, Tokens, tokens_of, trigger_of};
use crate::model::{ResourceDescriptor, remote};
use crate::predicate::field::{self, fact};
use crate::predicate::{source_uri, split_source};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

/// An identity token, as the caller hands it over. Nobody has verified its claims: they are those of whoever signs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Identity {
    /// Who issued it.
    pub issuer: String,
    /// Its claims, an object.
    pub claims: Value,
    /// What the certificate will say.
    pub certified: Vec<Certified>,
}

impl Identity {
    /// The builder that its certificate will name: the build signer URI.
    #[must_use]
    pub fn builder(&self) -> Option<&str> {
        self.certified(9).map(|(value, _)| value)
    }

    /// Takes what a certificate says that is there already, by last arc. What the token itself says of its server stays where the
    /// certificate says otherwise: then the certificate is wrong, and the statement must not become so.
    pub fn certified_by(&mut self, claims: &BTreeMap<u32, String>) {
        self.certified.retain(|c| claims.get(&c.arc).is_some_and(|said| !said.is_empty()));
        for arc in fact::ALL.iter().filter_map(|f| f.claim) {
            let Some(value) = claims.get(&arc).filter(|said| !said.is_empty()) else { continue };
            if !self.certified.iter().any(|c| c.arc == arc) {
                self.certified.push(Certified { arc, value: value.clone(), from: "the signing certificate".into() });
            }
        }
    }

    /// A claim as text.
    fn claim(&self, name: &str) -> Option<String> {
        match self.claims.get(name)? {
            Value::String(text) if !text.is_empty() => Some(text.clone()),
            Value::Number(n) => Some(n.to_string()),
            Value::Bool(b) => Some(b.to_string()),
            _ => None,
        }
    }

    fn certified(&self, arc: u32) -> Option<(&str, &str)> {
        let found = self.certified.iter().find(|c| c.arc == arc)?;
        Some((&found.value, &found.from))
    }

    /// Whether it is one of the platform's own.
    fn is_of(&self, tokens: &Tokens) -> bool {
        match tokens_of(&self.issuer) {
            None => self.claims.get(tokens.mark).is_some(),
            Some(of) => of.provider == tokens.provider,
        }
    }
}

/// Sources of a builder that a person named.
const GIVEN_BUILDER: [&str; 2] = ["--builder-id", "ATTEST_BUILDER_ID"];

impl Context {
    /// Takes from the token that will sign what its certificate will say, and compares the rest.
    pub fn signed_by(&mut self, identity: &Identity) {
        self.certified = identity.certified.iter().map(|c| c.arc).collect();
        let mut said = Said { notes: &mut self.contradictions };
        let platform = &mut self.platform;
        match identity.certified(9) {
            Some((value, from)) => said.builder(&mut platform.builder, value, from),
            None => {
                if let Captured::Found { source, .. } = &mut platform.builder {
                    let none = format!("no claim of a token of {} says who built", identity.issuer);
                    let before = source.trim_end_matches(NO_TOKEN);
                    *source = format!("{before}; {none}");
                }
            }
        }
        let known: Option<&Issuer> = issuer::named(self.platform_name);
        let own = known.and_then(|i| i.tokens.as_ref()).filter(|tokens| identity.is_of(tokens));
        if let Some((value, from)) = identity.certified(21) {
            if own.is_some_and(|tokens| !tokens.runs_alike) {
                platform.invocation = Captured::absent("the certificate names the run otherwise than a variable does");
            }
            said.merge(field::METADATA_INVOCATION_ID.path, &mut platform.invocation, value, from);
        }
        if let Some((value, from)) = identity.certified(11) {
            // That no CI system was recognised is no word against one.
            if self.platform_name == "local" {
                platform.runner_kind = Captured::absent("no CI system was recognised");
            }
            said.merge(field::ENVIRONMENT_KIND.path, &mut platform.runner_kind, value, from);
        }
        if let Some((event, from)) = identity.certified(20) {
            let followed = self.trigger == platform.trigger;
            let trigger = trigger_of(event);
            let mut name = platform.trigger.clone().map(|t| t.name().to_owned());
            said.merge(field::TRIGGER.path, &mut name, trigger.name(), from);
            platform.trigger = name.map(|_| trigger);
            if followed || self.trigger.value().is_none() {
                self.trigger = platform.trigger.clone();
            } else if self.trigger.value().is_some_and(|t| *t != trigger && *t != Trigger::Smart) {
                said.note(field::TRIGGER.path, &format!("{from} says {event}, which is {}", trigger.name()));
            }
        }
        if let Some((value, from)) = identity.certified(18) {
            said.workflow(&mut platform.workflow, value, from);
        }
        let system = known.and_then(|i| i.system.as_ref());
        match own {
            Some(tokens) => {
                for (member, _, claim) in system.iter().flat_map(|s| s.details).filter(|d| !d.2.is_empty()) {
                    let Some(value) = identity.claim(claim) else { continue };
                    let Some((_, slot)) = platform.details.iter_mut().find(|(k, _)| k == member) else { continue };
                    let field = format!("internalParameters.{}.{member}", system.map_or("", |s| s.section));
                    said.merge(&field, slot, &value, &format!("the identity token's {claim}"));
                }
                if let Some(actor) = &tokens.actor {
                    let followed = self.requested_by == platform.requested_by || self.requested_by.value().is_none();
                    let server = identity.certified(12).map_or("", |(url, _)| url);
                    let server = Captured::found(server.to_owned(), "the identity token");
                    let claimed = |name: &str| match identity.claim(name) {
                        Some(value) => Captured::found(value, name),
                        None => Captured::absent(&format!("the identity token has no {name}")),
                    };
                    let theirs = principal(&server, actor.public, &claimed(actor.id), &claimed(actor.name));
                    let by = format!("the identity token's {}, {}", actor.id, actor.name);
                    let theirs = match theirs {
                        Captured::Found { value, .. } => Captured::found(value, &by),
                        absent => absent,
                    };
                    said.actor(&mut platform.requested_by, theirs, platform.trigger.value().copied());
                    if followed {
                        self.requested_by = platform.requested_by.clone();
                    }
                }
            }
            None if !identity.certified.is_empty() && self.platform_name != "local" => {
                let text = format!("the token is of {}, the environment of {}", identity.issuer, self.platform_name);
                said.note(field::BUILDER_ID.path, &text);
            }
            None => {}
        }
        self.compare_source(identity);
    }

    /// For the commit that is checked out the token's word of repository and ref counts; of another it says nothing.
    fn compare_source(&mut self, identity: &Identity) {
        let mut said = Said { notes: &mut self.contradictions };
        let Some(commit) = self.source.value().and_then(|s| s.digest()?.get("gitCommit").map(str::to_owned)) else {
            return;
        };
        let theirs = identity.certified(13).filter(|(c, _)| is_commit(&c.to_ascii_lowercase()));
        let same = match theirs {
            Some((theirs, from)) if !theirs.eq_ignore_ascii_case(&commit) => {
                let text = format!("{from} says {theirs}: no certificate of this token vouches for another commit");
                said.note(field::SOURCE.path, &text);
                false
            }
            Some(_) => true,
            None => self.platform.commit.value() == Some(&commit),
        };
        let Some(before) = self.source.value().and_then(|s| s.uri()).map(str::to_owned) else { return };
        let Some((repository, reference)) = split_source(&before) else { return };
        let reference = reference.map(|r| crate::model::uri::decoded(&r).unwrap_or(r));
        let wanted = identity.certified(12).and_then(|(value, from)| {
            let url = if value.contains("://") { value.to_owned() } else { format!("https://{value}") };
            Some((remote::normalise(&url, Path::new("/"))?, from))
        });
        let full = |r: &str| r.starts_with("refs/");
        let referred = identity.certified(14).filter(|(r, _)| full(r));
        let (mut now, mut by) = ((repository.clone(), reference.clone()), Vec::new());
        if let Some((theirs, from)) = wanted.filter(|(theirs, _)| !theirs.eq_ignore_ascii_case(&repository)) {
            said.note(field::SOURCE.path, &format!("{from} says {theirs}, the checkout {repository}"));
            now.0 = theirs;
            by.push(from);
        }
        if let Some((theirs, from)) = referred.filter(|(theirs, _)| reference.as_deref() != Some(theirs)) {
            if let Some(ours) = &reference {
                said.note(field::SOURCE.path, &format!("{from} says {theirs}, the checkout {ours}"));
            }
            now.1 = Some(theirs.to_owned());
            by.push(from);
        }
        if same && !by.is_empty() {
            let uri = source_uri(&now.0, now.1.as_deref());
            self.rename_source(&before, &uri, &by.join("; "));
        }
    }

    /// The source under another address, and with it all that lies in it.
    fn rename_source(&mut self, before: &str, now: &str, by: &str) {
        let renamed = |d: &ResourceDescriptor| {
            let rest = d.uri()?.strip_prefix(before).filter(|rest| rest.is_empty() || rest.starts_with('#'))?;
            Some(d.clone().uri_of(format!("{now}{rest}")))
        };
        for held in [&mut self.source, &mut self.charter] {
            if let Captured::Found { value, source } = held
                && let Some(other) = renamed(value)
            {
                *value = other;
                *source = format!("{source}; {by}");
            }
        }
        for dependency in &mut self.dependencies {
            if let Some(other) = renamed(dependency) {
                *dependency = other;
            }
        }
    }
}

/// What was said twice.
struct Said<'a> {
    notes: &'a mut Vec<(String, String)>,
}

impl Said<'_> {
    fn note(&mut self, field: &str, text: &str) {
        self.notes.push((field.to_owned(), text.to_owned()));
    }

    /// The builder that the certificate will name, whatever a person named.
    fn builder(&mut self, slot: &mut Captured<String>, value: &str, from: &str) {
        if let Captured::Found { value: ours, source } = &*slot
            && GIVEN_BUILDER.contains(&source.as_str())
            && ours != value
        {
            self.note(field::BUILDER_ID.path, &format!("{from} says {value}, {source} {ours}"));
        }
        *slot = Captured::found(value.to_owned(), from);
    }

    /// The token's word, and beside it what was said differently.
    fn merge(&mut self, field: &str, slot: &mut Captured<String>, value: &str, by: &str) {
        *slot = match &*slot {
            Captured::Found { value: ours, source } if ours == value => {
                Captured::found(value.to_owned(), &format!("{source}; {by}"))
            }
            Captured::Found { value: ours, source } => {
                self.note(field, &format!("{source} says {ours}, {by} says {value}"));
                Captured::found(value.to_owned(), by)
            }
            Captured::Absent { .. } => Captured::found(value.to_owned(), by),
        };
    }

    /// `SERVER/OWNER/NAME/PATH@REF`, or GitLab's with `//` before the path. Of another form it is no file of a repository.
    fn workflow(&mut self, slot: &mut Captured<Workflow>, text: &str, by: &str) {
        let Some((place, reference)) = text.find("@refs/").map(|at| (&text[..at], &text[at + 1..])) else { return };
        let Some((scheme, rest)) = place.split_once("://") else { return };
        let parts: Vec<&str> = rest.split('/').collect();
        let split = parts.iter().position(|p| p.is_empty()).unwrap_or(3);
        let path = parts.iter().skip(split).filter(|p| !p.is_empty()).copied().collect::<Vec<_>>().join("/");
        let Some(repository) = parts.get(..split).filter(|p| p.len() > 2 && !path.is_empty()) else { return };
        let theirs = Workflow {
            repository: format!("{scheme}://{}", repository.join("/")),
            path,
            reference: reference.to_owned(),
        };
        *slot = match &*slot {
            Captured::Found { value, source } if *value == theirs => {
                Captured::found(theirs, &format!("{source}; {by}"))
            }
            Captured::Found { value, source } => {
                let ours = format!("{}/{}@{}", value.repository, value.path, value.reference);
                self.note(field::WORKFLOW.path, &format!("{source} says {ours}, {by} says {text}"));
                Captured::found(theirs, by)
            }
            Captured::Absent { .. } => Captured::found(theirs, by),
        };
    }

    /// Another number is another person. Nobody asks for a scheduled run, whomever a token names.
    fn actor(&mut self, slot: &mut Captured<Principal>, theirs: Captured<Principal>, trigger: Option<Trigger>) {
        let Captured::Found { value: theirs, source: by } = theirs else { return };
        match (&*slot, trigger) {
            (_, None) => {}
            (Captured::Found { source, .. }, Some(Trigger::Scheduled)) => {
                let text = format!("nobody asks for a scheduled run; {source} is who changed or owns its timetable");
                *slot = Captured::absent(&text);
            }
            (Captured::Absent { .. }, Some(Trigger::Scheduled)) => {}
            (Captured::Found { value, source }, _) if value.id == theirs.id => {
                *slot = Captured::found(value.clone(), &format!("{source}; {by}"));
            }
            (Captured::Found { value, source }, _) => {
                let text = format!("{source} says {}, {by} says {}", value.id, theirs.id);
                self.note(field::REQUESTED_BY.path, &text);
                *slot = Captured::found(theirs, &by);
            }
            (Captured::Absent { .. }, _) => *slot = Captured::found(theirs, &by),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_that_is_there_counts_and_makes_no_truth_of_the_token_untrue() {
        let claim = |arc, value: &str| Certified { arc, value: value.into(), from: "the identity token's x".into() };
        let certified =
            vec![claim(12, "https://git.acme.example/g/p"), claim(20, "push"), claim(14, "refs/heads/main")];
        let mut identity = Identity { certified, ..Identity::default() };
        let said =
            [(9, "https://b"), (12, "https://gitlab.com/g/p"), (14, "refs/heads/main"), (16, "https://o"), (18, "")];
        identity.certified_by(&said.map(|(arc, value)| (arc, value.to_owned())).into());
        assert_eq!(identity.builder(), Some("https://b"));
        assert_eq!(identity.certified(12).map(|c| c.0), Some("https://git.acme.example/g/p"));
        assert_eq!(identity.certified(14).map(|c| c.0), Some("refs/heads/main"));
        // What the certificate does not say nobody certifies, and what no field repeats is not asked for.
        assert!([16, 18, 20].iter().all(|arc| identity.certified(*arc).is_none()));
    }
}
