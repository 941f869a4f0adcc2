//! `people`: which principals are one person. What is not listed cannot be compared, only be equal.
//!
//! A principal is how somebody is named in one place: `github:583231` by a provenance, an e-mail address or URI by a
//! certificate, `key:sha256:HEX` for whoever holds a key, `agent:squad/agent` for an agent. That two of them differ as
//! texts proves nothing: one person has several.

use super::form::{At, Form};
use super::{Glob, PolicyError};
use crate::model::limits;
use crate::model::yaml::Kind;
use crate::verify::Signer;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Marks an agent's id as a principal.
const AGENT: &str = "agent:";
/// Marks a key's id as a principal.
const KEY: &str = "key:";

/// Persons (or agents, or services) and their principals.
#[derive(Clone, Debug, Default)]
pub struct People {
    exact: BTreeMap<String, String>,
    globs: Vec<(Glob, String)>,
}

/// How two principals relate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// They are one.
    Same,
    /// They are two different persons that the policy lists.
    Different,
    /// Nothing says whether they are one.
    NotComparable,
}

/// One who acts, by every principal that is known of them: at least one, unless nobody is named.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Actor(Vec<String>);

impl Actor {
    /// Whoever is named by a text; nobody where there is none.
    #[must_use]
    pub fn named(id: Option<&str>) -> Self {
        Self(id.map(str::to_owned).into_iter().collect())
    }

    /// An agent by its id. Agents have a place of their own among principals, so that none can be named like a person.
    #[must_use]
    pub fn agent(id: Option<&str>) -> Self {
        Self(id.map(|id| format!("{AGENT}{id}")).into_iter().collect())
    }

    /// A signer: by the name that its certificate gives it, and by its key.
    #[must_use]
    pub fn signer(signer: &Signer) -> Self {
        let name = match signer {
            Signer::Certificate { identity, .. } => Some(identity.clone()),
            Signer::Key { .. } => None,
        };
        Self(name.into_iter().chain(signer.key_id().map(|id| format!("{KEY}{id}"))).collect())
    }

    /// In words.
    #[must_use]
    pub fn describe(&self) -> String {
        self.0.first().cloned().unwrap_or_else(|| "nobody".into())
    }
}

/// `spec.people`.
pub(super) struct Listed;

impl Form for Listed {
    type Value = People;

    fn read(&self, at: &At<'_>) -> Result<People, PolicyError> {
        People::parse(at)
    }

    fn schema(&self) -> Value {
        json!({
            "type": "object",
            "additionalProperties": {
                "type": "array", "minItems": 1,
                "items": { "type": "string", "minLength": 3, "maxLength": 2048, "pattern": "^[^\\s:@!]+[:@!][^\\s]+$" },
            },
        })
    }
}

impl People {
    /// Reads `spec.people`: a name, and the principals of whom it means.
    ///
    /// # Errors
    /// [`PolicyError`]: no map of lists, a text that is no principal, or one that two entries have.
    fn parse(field: &At<'_>) -> Result<Self, PolicyError> {
        let Kind::Map(members) = &field.node.kind else { return Err(field.error("a map of names to principals")) };
        let mut people = Self::default();
        // Who has a text, whatever its case.
        let mut texts: BTreeMap<String, &String> = BTreeMap::new();
        for (name, _) in members {
            for principal in field.need(name)?.list()? {
                let text = principal.str()?;
                let glob = read(text).ok_or_else(|| principal.error(EXPECTED))?;
                let matching = people.overlapping(&glob).map(str::to_owned);
                if let Some(other) = texts.insert(text.to_ascii_lowercase(), name).cloned().or(matching) {
                    return Err(principal.error(format!("a principal of one person; `{other}` has it too")));
                }
                match glob.is_literal() {
                    true => drop(people.exact.insert(text.to_owned(), name.clone())),
                    false => people.globs.push((glob, name.clone())),
                }
                if texts.len() > limits::PRINCIPALS {
                    return Err(PolicyError::TooLarge { what: "the number of principals", limit: limits::PRINCIPALS });
                }
            }
        }
        Ok(people)
    }

    /// Who has a principal that this one matches, or that matches it, where one of the two is a glob.
    fn overlapping(&self, new: &Glob) -> Option<&str> {
        let (text, literal) = (new.to_string(), new.is_literal());
        let globs =
            self.globs.iter().find(|(known, _)| known.matches(&text) || (!literal && new.matches(&known.to_string())));
        let by_glob = globs.map(|(_, name)| name.as_str());
        by_glob.or_else(|| {
            self.exact.iter().find(|(known, _)| !literal && new.matches(known)).map(|(_, name)| name.as_str())
        })
    }

    /// The one person whose principals these are. `None` where none is listed, and where they are of several: then it
    /// is not known who acts.
    #[must_use]
    pub fn person(&self, actor: &Actor) -> Option<&str> {
        let mut persons = actor.0.iter().flat_map(|p| {
            let globs = self.globs.iter().filter(move |(known, _)| known.matches(p)).map(|(_, name)| name);
            self.exact.get(p).into_iter().chain(globs)
        });
        let first = persons.next()?;
        persons.all(|other| other == first).then_some(first.as_str())
    }

    /// Compares two who act.
    ///
    /// They are one where a principal of both is equal (upper and lower case make no difference: to take two for one
    /// only ever refuses), or both are listed under one name. They are two only where both are listed, under two names.
    #[must_use]
    pub fn compare(&self, a: &Actor, b: &Actor) -> Comparison {
        if a.0.iter().any(|p| b.0.iter().any(|q| p.eq_ignore_ascii_case(q))) {
            return Comparison::Same;
        }
        match (self.person(a), self.person(b)) {
            (Some(a), Some(b)) if a == b => Comparison::Same,
            (Some(_), Some(_)) => Comparison::Different,
            _ => Comparison::NotComparable,
        }
    }
}

/// Signers of whom no two are one: as identities, as persons, or as one workflow that ran for two refs, which whoever may
/// push a tag can have. To take two for one only ever refuses.
pub(super) fn distinct<'a>(people: &People, signers: impl Iterator<Item = &'a Signer>) -> Vec<&'a Signer> {
    let mut who: Vec<&Signer> = Vec::new();
    for signer in signers {
        let one = |other: &&Signer| {
            let (a, b) = (Actor::signer(signer), Actor::signer(other));
            signer.is_same_identity(other)
                || people.compare(&a, &b) == Comparison::Same
                || workflow(signer).is_some_and(|path| workflow(other) == Some(path))
        };
        if !who.iter().any(one) {
            who.push(signer);
        }
    }
    who
}

/// A workflow's name without its ref.
fn workflow(signer: &Signer) -> Option<&str> {
    let Signer::Certificate { identity, .. } = signer else { return None };
    identity.split_once('@').map(|(path, _)| path).filter(|path| path.contains("://"))
}

const EXPECTED: &str = "a principal: github:583231 or HOST:ID, an e-mail address, the URI of a certificate (`*` and `**` as in globs), key:sha256:HEX, or agent:squad/agent";

/// A principal, or a glob of them where that is a URI or an agent: a workflow's identity ends in the ref that it ran
/// for.
fn read(text: &str) -> Option<Glob> {
    let plain = text.len() <= 2048 && !text.chars().any(|c| c.is_whitespace() || c.is_control());
    let formed = match text.strip_prefix(KEY) {
        Some(id) => id
            .strip_prefix("sha256:")
            .is_some_and(|hex| hex.len() == 64 && hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))),
        None => match text.strip_prefix(AGENT) {
            Some(id) => !id.is_empty(),
            None => text.split_once([':', '@', '!']).is_some_and(|(a, b)| !a.is_empty() && !b.is_empty()),
        },
    };
    let may_glob = text.contains("://") || text.starts_with(AGENT);
    let globbed = text.contains('*');
    // One that is nothing but stars is everybody.
    let bound = !globbed || (may_glob && text.split_once('*').is_some_and(|(before, _)| fixed(before)));
    (plain && formed && bound).then(|| if globbed { Glob::parse(text) } else { Some(Glob::exact(text)) })?
}

/// Whether what stands before the first star names a host, or a squad.
fn fixed(before: &str) -> bool {
    match before.split_once("://") {
        Some((_, rest)) => rest.contains('/'),
        None => before.strip_prefix(AGENT).is_some_and(|squad| squad.contains('/')),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::node;

    fn people(text: &str) -> Result<People, PolicyError> {
        let node = node(text).unwrap();
        People::parse(&At::root(&node, &|_| Err(String::new())))
    }

    fn named(id: &str) -> Actor {
        Actor::named(Some(id))
    }

    #[test]
    fn only_listed_principals_are_two() {
        let key = format!("key:sha256:{}", "a".repeat(64));
        let p = people(&format!(
            "alice: ['github:1', alice@acme.example, '{key}']\nbob: ['github:2']\nci: ['https://github.com/acme/app/.github/workflows/r.yml@refs/tags/*']\nbots: ['agent:platform/*']"
        ))
        .unwrap();
        for (a, b, expected) in [
            ("github:1", "alice@acme.example", Comparison::Same),
            ("github:1", key.as_str(), Comparison::Same),
            ("github:1", "github:2", Comparison::Different),
            ("github:9", "github:9", Comparison::Same),
            ("github:9", "GitHub:9", Comparison::Same),
            ("github:1", "github:9", Comparison::NotComparable),
            ("github:8", "github:9", Comparison::NotComparable),
            // Nobody is listed by another case: it may be somebody else.
            ("Alice@acme.example", "github:2", Comparison::NotComparable),
            ("https://github.com/acme/app/.github/workflows/r.yml@refs/tags/v1", "github:2", Comparison::Different),
            (
                "https://github.com/acme/app/.github/workflows/r.yml@refs/tags/v1/x",
                "github:2",
                Comparison::NotComparable,
            ),
            ("agent:platform/x", "github:2", Comparison::Different),
        ] {
            assert_eq!(p.compare(&named(a), &named(b)), expected, "{a} {b}");
            assert_eq!(p.compare(&named(b), &named(a)), expected, "{b} {a}");
        }
        assert_eq!(p.compare(&Actor::named(None), &named("github:2")), Comparison::NotComparable);
        assert_eq!(p.compare(&Actor::named(None), &Actor::named(None)), Comparison::NotComparable);
        assert_eq!(p.compare(&Actor::agent(Some("github:2")), &named("github:1")), Comparison::NotComparable);
        // Principals of two persons: nobody knows who that is.
        let both = Actor(vec!["github:1".into(), "github:2".into()]);
        assert_eq!((p.person(&both), p.compare(&both, &named("agent:platform/x"))), (None, Comparison::NotComparable));
        assert_eq!(p.compare(&both, &named("github:2")), Comparison::Same);
    }

    #[test]
    fn what_could_mean_two_persons_is_refused() {
        let key = format!("key:sha256:{}", "a".repeat(64));
        let cases = [
            "a: ['github:1']\nb: ['github:1']".to_owned(),
            format!("a: ['{key}']\nb: ['{key}']"),
            "a: [A@acme.example]\nb: [a@acme.example]".into(),
            "a: ['github:1', 'github:1']".into(),
            "a: ['agent:x/*']\nb: ['agent:x/y']".into(),
            "a: ['agent:x/y']\nb: ['agent:x/*']".into(),
            "a: []".into(),
            "a: alice@acme.example".into(),
            "a: [alice]".into(),
            "a: [platform/builder]".into(),
            "a: ['agent:']".into(),
            "a: ['agent:*']".into(),
            "a: ['https://**']".into(),
            "a: ['*@acme.example']".into(),
            "a: ['github:*']".into(),
            "a: ['key:*']".into(),
            "a: ['key:sha256:AA']".into(),
            "a: ['a @b']".into(),
            "[a]".into(),
        ];
        let many =
            |n: usize| people(&format!("a: [{}]", (0..n).map(|i| format!("'x:{i}'")).collect::<Vec<_>>().join(",")));
        assert!(many(limits::PRINCIPALS).is_ok());
        assert!(matches!(many(limits::PRINCIPALS + 1), Err(PolicyError::TooLarge { .. })));
        for case in cases {
            let e = people(&case).expect_err(&case);
            assert_eq!(e.code().as_str(), "policy-malformed", "{case}: {e}");
        }
    }
}
