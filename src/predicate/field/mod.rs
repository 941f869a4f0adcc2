//! The fields of an agent build's provenance, each in one row: its path, its form, what the schema and the page say of it,
//! what it says to a policy, and what can stand behind it.
//!
//! `schemas/provenance.schema.json`, the tables of docs/provenance.md, `attest generate --explain`, `attest inspect`, the
//! fields of a decision and a policy's `measures` are made from these rows. A further field is one row here, and the code
//! that captures it.

mod captured;
mod external;
pub mod fact;
mod form;
mod internal;
mod listed;
mod page;
mod platform;
mod resource;
mod run;
mod shape;

pub use fact::{Fact, Group};
pub use listed::Field;
pub use page::{Part, page};

pub(crate) use captured::*;
pub(crate) use external::*;
pub(crate) use internal::*;
pub(crate) use run::*;
pub(crate) use shape::properties;

use form::Form;

/// One field.
#[derive(Debug)]
pub struct Row {
    /// Its path below `predicate.buildDefinition` or `predicate.runDetails`; of a ResourceDescriptor or DigestSet with that
    /// name before it.
    pub path: &'static str,
    /// What it looks like; none where it stands for a part of another field, as `resolvedDependencies.source.dirty` does.
    form: Option<Form>,
    /// The schema's description.
    schema: &'static str,
    /// What the page says: meaning, where it comes from, when it is absent.
    page: [&'static str; 3],
    /// An object that is one thing: shown and explained as a whole.
    whole: bool,
    /// It says something of other fields, and is none itself.
    about: bool,
    /// What it tells a policy.
    pub facts: &'static [&'static Fact],
    /// Under which name a policy says that a signer measures this field and those below it.
    group: Option<Group>,
    /// Who can sign for it, as a person reads it.
    signed: Option<&'static str>,
    /// Whether a policy's `builders` binds it to a signer.
    bound: bool,
}

impl Row {
    const fn new(form: Form, schema: &'static str) -> Self {
        Self { form: Some(form), schema, ..Self::part() }
    }

    /// A part of another field, which capture explains by a path of its own.
    const fn part() -> Self {
        Self {
            path: "",
            form: None,
            schema: "",
            page: [""; 3],
            whole: false,
            about: false,
            facts: &[],
            group: None,
            signed: None,
            bound: false,
        }
    }

    const fn at(self, path: &'static str) -> Self {
        Self { path, ..self }
    }

    /// What the page says: the meaning, where the value comes from, and when the field is absent.
    const fn page(self, meaning: &'static str, from: &'static str, absent: &'static str) -> Self {
        Self { page: [meaning, from, absent], ..self }
    }

    const fn whole(self) -> Self {
        Self { whole: true, ..self }
    }

    const fn about(self) -> Self {
        Self { about: true, ..self }
    }

    const fn tells(self, facts: &'static [&'static Fact]) -> Self {
        Self { facts, ..self }
    }

    const fn measured(self, group: Group) -> Self {
        Self { group: Some(group), ..self }
    }

    const fn signed(self, how: &'static str) -> Self {
        Self { signed: Some(how), ..self }
    }

    const fn bound(self) -> Self {
        Self { bound: true, ..self }
    }

    /// Under which name a policy says that a signer measures this field.
    #[must_use]
    pub fn group(&self) -> Option<Group> {
        self.group
    }

    /// Whether a certificate's claim, by its last arc, says what this field says.
    #[must_use]
    pub fn claims(&self) -> Vec<u32> {
        self.facts.iter().filter_map(|f| f.claim).collect()
    }
}

/// Declares rows, and the list of them.
macro_rules! fields {
    ($($name:ident: $path:literal => $row:expr;)*) => {
        $(
            #[doc = concat!("`", $path, "`")]
            pub(crate) const $name: &Row = &$row.at($path);
        )*
        /// Every row of this file.
        pub(super) const ROWS: &[&Row] = &[$($name),*];
    };
}
use fields;

/// Every row, in the order of the page.
pub fn all() -> impl Iterator<Item = &'static Row> {
    let files = [external::ROWS, run::ROWS, resource::ROWS, captured::ROWS];
    let own = |rows: &'static [&'static Row]| rows.iter().copied();
    let [external, run, resource, captured] = files.map(own);
    external.chain(internal()).chain(run).chain(resource).chain(captured).chain(platform::members())
}

/// The rows of `internalParameters` and of the dependencies: those of platforms stand last of what is internal.
fn internal() -> impl Iterator<Item = &'static Row> {
    let is_dependency = |row: &&&Row| row.path.starts_with(RESOLVED_DEPENDENCIES.path);
    let inner = internal::ROWS.iter().filter(move |row| !is_dependency(row));
    let last = internal::ROWS.iter().filter(is_dependency);
    inner.copied().chain(platform::sections()).chain(last.copied())
}

/// The row of a path.
#[must_use]
pub fn by_path(path: &str) -> Option<&'static Row> {
    all().find(|row| row.path == path)
}

/// The row that a person means by a name, and the fact where the name is that of a part of the field: its path; the
/// same without the section that it stands in (`agent.id`, `requestedBy`, `base-image`); the name under which a policy says who
/// measures it (`source`, `dependencies`), or that of a fact in a decision (`source.commit`).
#[must_use]
pub fn named(name: &str) -> Option<(&'static Row, Option<&'static Fact>)> {
    let is_field = |row: &&Row| !row.about && !row.path.contains("[]") && !row.path.starts_with(char::is_uppercase);
    let fields = || all().filter(is_field);
    let exactly = fields().find(|row| row.path == name).or_else(|| fields().find(|row| short(row.path) == name));
    let grouped = || fields().find(|row| row.group.is_some_and(|g| g.name() == name));
    let telling = || fields().find_map(|row| Some((row, Some(*row.facts.iter().find(|f| f.name == name)?))));
    exactly.or_else(grouped).map(|row| (row, None)).or_else(telling)
}

/// A path without the section that it stands in, as people write it.
#[must_use]
pub fn short(path: &str) -> &str {
    let sections = [EXTERNAL_PARAMETERS.path, INTERNAL_PARAMETERS.path, RESOLVED_DEPENDENCIES.path];
    let inner = sections.iter().find_map(|s| path.strip_prefix(s)?.strip_prefix('.'));
    inner.unwrap_or(path)
}

/// The group that a field belongs to, by its own row or that of what it is part of.
#[must_use]
pub fn group_of(path: &str) -> Option<Group> {
    upwards(path).find_map(|row| row.group)
}

/// The row of a path, then those of what it is part of.
fn upwards(path: &str) -> impl Iterator<Item = &'static Row> {
    std::iter::successors(Some(path), |p| p.rsplit_once('.').map(|(parent, _)| parent)).filter_map(by_path)
}

/// What raises a field above `declared` beside a certificate: by its own row, or that of what it is part of.
#[must_use]
pub fn raised_by(path: &str) -> String {
    let Some(row) = upwards(path).find(|r| r.group.is_some() || r.signed.is_some() || r.bound) else {
        return "nothing in this version raises it".to_owned();
    };
    let signed = row.signed.map(|how| format!("signed if an identity that the policy names signs {how}"));
    let measured = row.group.map(|g| format!("measured if a policy says of the signer `measures: [{}]`", g.name()));
    let bound = row.bound.then(|| "bound if a policy lists it under `builders` of the signer".to_owned());
    signed.into_iter().chain(measured).chain(bound).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn no_path_and_no_fact_has_two_rows() {
        let mut paths = BTreeSet::new();
        assert!(all().count() > 100);
        for row in all() {
            assert!(!row.path.is_empty() && paths.insert(row.path), "`{}` has two rows", row.path);
        }
        let mut names = BTreeSet::new();
        for fact in fact::ALL {
            assert!(names.insert(fact.name), "`{}` has two rows", fact.name);
            let said = all().filter(|r| r.facts.iter().any(|f| f.name == fact.name)).count();
            assert!(said > 0, "no field tells `{}`", fact.name);
        }
        assert!(fact::PROMISED.iter().all(|f| names.contains(f.name)));
    }

    #[test]
    fn a_field_is_named_as_people_name_it() {
        for (name, path, is_fact) in [
            ("externalParameters.agent.id", "externalParameters.agent.id", false),
            ("agent.id", "externalParameters.agent.id", false),
            ("agent", "externalParameters.agent", false),
            ("requestedBy", "externalParameters.requestedBy", false),
            ("source", "externalParameters.source", false),
            ("source.commit", "externalParameters.source", true),
            ("source.dirty", "resolvedDependencies.source.dirty", false),
            ("dependencies", "resolvedDependencies", false),
            ("base-image", "resolvedDependencies.base-image", false),
            ("lockFiles", "resolvedDependencies.lockFiles", false),
            ("metadata.finishedOn", "metadata.finishedOn", false),
            ("invocation", "metadata.invocationId", true),
        ] {
            let (row, fact) = named(name).unwrap_or_else(|| panic!("{name}"));
            assert_eq!((row.path, fact.is_some()), (path, is_fact), "{name}");
        }
        for name in
            ["", "agents", "externalParameters.", "capturedFrom", "ResourceDescriptor.uri", "credentials[].kind"]
        {
            assert!(named(name).is_none(), "{name}");
        }
    }

    #[test]
    fn what_raises_a_field_is_said_of_its_parts_too() {
        assert_eq!(raised_by("externalParameters.agent.session"), raised_by("externalParameters.agent"));
        assert!(raised_by("externalParameters.agent.id").ends_with("`measures: [agent]`"));
        assert!(raised_by("externalParameters.agents").starts_with("nothing"));
        assert_eq!(Group::Agent.facts(), ["agent.id", "agent.model"]);
        assert_eq!(Group::Source.facts(), ["source.repository", "source.ref", "source.commit", "source.dirty"]);
        assert_eq!(Group::Charter.facts(), ["charter.uri", "charter.digest"]);
        assert_eq!(Group::Dependencies.facts(), ["dependencies"]);
    }
}
