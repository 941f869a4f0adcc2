//! `source`: repository, refs, commits, work tree.

use super::matching::{Level, any_of_texts, assurance, verdict};
use super::seam::{Check, Rule, RuleInput};
use crate::model::code::codes;
use crate::policy::form::{Field, ListOf, Map, Parsed, Truth, pattern};
use crate::policy::{Assurance, Glob, Reason};
use crate::predicate::field::fact;
use serde_json::json;

codes! {
    /// Codes of this rule.
    pub(super) CODES;
    REPOSITORY = "source-repository-mismatch", [Producer],
        "the provenance names another repository than is demanded, or none",
        "compare the repository in the message with --source-repository or `source.repository`";
    REF = "source-ref-mismatch", [Producer],
        "the provenance names another ref than is demanded, or none",
        "compare the ref in the message with --source-ref or `source.refs`; build from an allowed branch or tag";
    COMMIT = "source-commit-mismatch", [Producer],
        "the provenance names another commit than is demanded, or none",
        "compare the commit in the message with --source-commit: the artifact was built from another one";
    DIRTY = "source-dirty", [Producer],
        "the work tree differed from the commit, or nothing says that it did not",
        "commit or discard the changes and build again";
}

static REPOSITORY_URL: Field<Parsed<String>> = Field::new(
    "repository",
    "Repository URL; a trailing / or .git makes no difference.",
    Parsed {
        read: |text| match text.contains("://") {
            true => Ok(normal_repository(text)),
            false => Err("a repository URL such as https://github.com/acme/app".to_owned()),
        },
        schema: || json!({ "type": "string", "pattern": "://" }),
    },
);
static REFS: Field<ListOf<Parsed<Glob>>> = Field::new(
    "refs",
    "Full refs: any of these.",
    ListOf(Parsed {
        read: |text| {
            if !text.starts_with("refs/") && !text.starts_with('*') {
                return Err("a full ref such as refs/heads/main".to_owned());
            }
            pattern(text)
        },
        schema: || json!({ "allOf": [Glob::schema("A full ref or glob."), { "pattern": "^(refs/|\\*)" }] }),
    }),
);
static COMMIT_ID: Field<Parsed<String>> = Field::new(
    "commit",
    "The full commit id.",
    Parsed {
        read: |text| match is_commit(text) {
            true => Ok(text.to_owned()),
            false => Err("a full commit id of 40 or 64 lower-case hex digits".to_owned()),
        },
        schema: || json!({ "type": "string", "pattern": "^([0-9a-f]{40}|[0-9a-f]{64})$" }),
    },
);
static ASSURANCE: Field<Level> = assurance("the source");
static ALLOW_DIRTY: Field<Truth> = Field::new(
    "allowDirty",
    "false: the provenance must say that the work tree equalled the commit. true: anything. Absent: it must not say that it differed.",
    Truth,
);

/// The row.
pub(super) static RULE: Rule = Rule::of(
    "source",
    &Map::of("From which source.", &[&REPOSITORY_URL, &REFS, &COMMIT_ID, &ASSURANCE, &ALLOW_DIRTY]).not_empty(),
    |field| {
        let (repository, commit) = (REPOSITORY_URL.read(field)?, COMMIT_ID.read(field)?);
        let assurance = ASSURANCE.read(field)?;
        let refs = REFS.read(field)?.unwrap_or_default();
        let allow_dirty = ALLOW_DIRTY.read(field)?;
        if repository.is_none() && refs.is_empty() && commit.is_none() && assurance.is_none() && allow_dirty.is_none() {
            return Err(field.error("at least one of repository, refs, commit, assurance, allowDirty"));
        }
        Ok(Box::new(SourceCheck { repository, refs, commit, assurance, allow_dirty }))
    },
);

/// A demand on the source.
#[derive(Debug, Default, Clone)]
#[non_exhaustive]
pub struct SourceCheck {
    /// Repository URL, compared without a trailing `/` or `.git`.
    pub repository: Option<String>,
    /// Any of these refs.
    pub refs: Vec<Glob>,
    /// This commit.
    pub commit: Option<String>,
    /// At least this level; unset means `declared`.
    pub assurance: Option<Assurance>,
    /// `Some(false)`: the provenance must say that the work tree was clean. `None`: it must not say that it was dirty.
    /// `Some(true)`: anything.
    pub allow_dirty: Option<bool>,
}

impl SourceCheck {
    /// The repository's URL; a trailing `/` or `.git` makes no difference.
    #[must_use]
    pub fn repository(mut self, url: &str) -> Self {
        self.repository = Some(normal_repository(url));
        self
    }

    /// Adds a full ref: any of them will do.
    #[must_use]
    pub fn reference(mut self, reference: Glob) -> Self {
        self.refs.push(reference);
        self
    }

    /// The full commit id.
    #[must_use]
    pub fn commit(mut self, commit: impl Into<String>) -> Self {
        self.commit = Some(commit.into());
        self
    }

    /// How it must be known.
    #[must_use]
    pub fn assurance(mut self, assurance: Assurance) -> Self {
        self.assurance = Some(assurance);
        self
    }

    /// `false`: the provenance must say that the work tree was clean. `true`: anything.
    #[must_use]
    pub fn allow_dirty(mut self, allow: bool) -> Self {
        self.allow_dirty = Some(allow);
        self
    }
}

impl Check for SourceCheck {
    fn check(&self, input: &RuleInput<'_>) -> Result<(), Vec<Reason>> {
        let source = input.source()?;
        let source = source.as_ref();
        let repository = source.and_then(|s| s.repository.as_deref()).map(normal_repository);
        let mut reasons = Vec::new();
        if let Some(wanted) = &self.repository {
            let met = repository.as_deref().is_some_and(|found| same_repository(wanted, found));
            reasons.push(
                (!met).then(|| {
                    Reason::unmet(REPOSITORY, "source repository", format!("`{wanted}`"), repository.as_deref())
                }),
            );
        }
        if !self.refs.is_empty() {
            reasons.push(any_of_texts(REF, "source ref", &self.refs, source.and_then(|s| s.reference.as_deref())));
        }
        if let Some(wanted) = &self.commit {
            let found = source.and_then(|s| s.commit.as_deref());
            reasons.push(
                (found != Some(wanted)).then(|| Reason::unmet(COMMIT, "source commit", format!("`{wanted}`"), found)),
            );
        }
        let dirty = source.and_then(|s| s.dirty);
        let clean_enough = match self.allow_dirty {
            Some(true) => true,
            Some(false) => dirty == Some(false),
            None => dirty != Some(true),
        };
        if !clean_enough {
            let found = match dirty {
                Some(true) => "a work tree that differs from the commit",
                _ => "no word about it",
            };
            reasons.push(Some(Reason::unmet(DIRTY, "source work tree", "one that equals the commit", Some(found))));
        }
        if let Some(wanted) = self.assurance {
            let parts = source.map(|s| self.parts(s)).unwrap_or_default();
            reasons.push(input.too_low("source", wanted, &parts));
        }
        verdict(reasons)
    }
}

impl SourceCheck {
    /// The parts whose assurance counts: those that are demanded, or else all that the provenance names.
    fn parts(&self, source: &crate::predicate::Source) -> Vec<&'static str> {
        let demanded = [self.repository.is_some(), !self.refs.is_empty(), self.commit.is_some()];
        let named = [true, source.reference.is_some(), source.commit.is_some()];
        let parts = if demanded.contains(&true) { demanded } else { named };
        let fields = [fact::REPOSITORY, fact::REF, fact::COMMIT].into_iter().zip(parts);
        fields.filter(|(_, counts)| *counts).map(|(field, _)| field.name).collect()
    }
}

/// A repository URL without trailing `/` and `.git`; nothing else is folded.
#[must_use]
pub fn normal_repository(url: &str) -> String {
    let url = url.trim_end_matches('/');
    url.strip_suffix(".git").unwrap_or(url).to_owned()
}

/// Hosts whose owners and repositories have no case of their own: two spellings are one repository, and nobody else can have
/// the other one. Of any other host that is not known.
const ANY_CASE: [&str; 4] = ["github.com", "gitlab.com", "codeberg.org", "bitbucket.org"];

/// Whether two addresses, each without trailing `/` and `.git`, are one repository. Scheme and host have no case anywhere.
fn same_repository(one: &str, other: &str) -> bool {
    let parts = |url: &str| {
        let (scheme, rest) = url.split_once("://")?;
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (scheme, host) = (scheme.to_ascii_lowercase(), host.to_ascii_lowercase());
        let path = if ANY_CASE.contains(&host.as_str()) { path.to_ascii_lowercase() } else { path.to_owned() };
        Some((scheme, host, path))
    };
    one == other || parts(one).is_some_and(|one| parts(other) == Some(one))
}

/// Whether a text is a full commit id.
fn is_commit(text: &str) -> bool {
    [40, 64].contains(&text.len()) && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::same_repository;

    #[test]
    fn a_repository_is_folded_only_where_its_host_does() {
        for (one, other) in [
            ("https://github.com/acme/app", "https://GitHub.com/Acme/App"),
            ("https://gitlab.com/a/b/c", "HTTPS://gitlab.com/A/b/C"),
            ("https://git.acme.example/a/b", "https://Git.Acme.example/a/b"),
            ("no address", "no address"),
        ] {
            assert!(same_repository(one, other), "{one} {other}");
        }
        for (one, other) in [
            ("https://git.acme.example/a/b", "https://git.acme.example/A/b"),
            ("https://github.com/acme/app", "https://github.com/acme/app2"),
            ("https://github.com/acme/app", "https://github.com.evil.example/acme/app"),
            ("https://github.com/acme/app", "http://github.com/acme/app"),
            ("https://github.com/acme/app", "github.com/acme/app"),
            ("no address", "No Address"),
        ] {
            assert!(!same_repository(one, other), "{one} {other}");
        }
    }
}
