//! Where a provenance says what one of Fulcio's claims says (fulcio/docs/oid-info.md tells what each means), and when both
//! mean the same. Which claims the certificates of a provider have is known of each [`Issuer`](crate::issuer::Issuer).

use super::rule::normal_repository;
use crate::issuer;
use crate::model::Code;
use crate::model::code::codes;
use crate::predicate::field::fact::{self, Fact, TRIGGER_KIND};

codes! {
    /// Codes of this file: of a contradiction, one for each field.
    pub CODES;
    pub(super) REPOSITORY = "certificate-contradicts-source-repository", [Producer],
        "the provenance names another repository than the certificate",
        "do not trust the provenance; a job that builds another repository than its own cannot state it under this certificate";
    pub(super) COMMIT = "certificate-contradicts-source-commit", [Producer],
        "the provenance names another commit than the certificate",
        "do not trust the provenance; a job that checks out another commit than its own cannot state it under this certificate";
    pub(super) REF = "certificate-contradicts-source-ref", [Producer],
        "the provenance names another ref than the certificate",
        "do not trust the provenance; a job that checks out another ref than its own cannot state it under this certificate";
    pub(super) WORKFLOW = "certificate-contradicts-workflow", [Producer],
        "the provenance names another workflow than the certificate",
        "do not trust the provenance: another workflow signed than it names";
    pub(super) RUN = "certificate-contradicts-invocation", [Producer],
        "the provenance names another run than the certificate",
        "do not trust the provenance: it was not made for the run that signed it";
    pub(super) TRIGGER = "certificate-contradicts-trigger", [Producer],
        "the provenance names another trigger than the certificate",
        "do not trust the provenance: the platform says that something else started the run";
    pub(super) RUNNER = "certificate-contradicts-runner", [Producer],
        "the provenance names another kind of runner than the certificate",
        "do not trust the provenance: it names another kind of machine than the one that signed";
    pub(super) REPOSITORY_ID = "certificate-contradicts-repository-id", [Producer],
        "the provenance has another id of the repository than the certificate",
        "do not trust the provenance: it was not made for the repository that the certificate names";
    pub(super) OWNER_ID = "certificate-contradicts-owner-id", [Producer],
        "the provenance has another id of the repository's owner than the certificate",
        "do not trust the provenance: it was not made for the repository owner that the certificate names";
    pub BUILDER = "certificate-contradicts-builder", [Producer],
        "the provenance claims another builder than the certificate's build signer",
        "list the builder under the signer's `builders` in a policy, if this identity may speak for it";
}

/// One claim and where a predicate says the same thing.
#[derive(Clone, Copy)]
pub(super) struct Row {
    /// Name of the field in output.
    pub(super) field: &'static str,
    /// Code of a contradiction.
    pub(super) code: Code,
    /// The claim, by last arc.
    pub(super) claim: u32,
    /// What both say: every place where a predicate says it stands in the table of fields.
    pub(super) fact: &'static Fact,
    /// Whether a claim and a value of the predicate mean the same.
    pub(super) same: fn(&str, &str) -> bool,
}

/// The row of a fact that a certificate can say: of any other this does not compile.
const fn row(fact: &'static Fact, code: Code, same: fn(&str, &str) -> bool) -> Row {
    let Some(claim) = fact.claim else { panic!("no certificate says it") };
    Row { field: fact.name, code, claim, fact, same }
}

pub(super) const BUILDER_ROW: Row = row(fact::BUILDER_ID, BUILDER, same);
pub(super) const RUNNER_ROW: Row = row(fact::RUNNER, RUNNER, same);
pub(super) const REPOSITORY_ROW: Row = row(fact::REPOSITORY, REPOSITORY, same_repository);
pub(super) const COMMIT_ROW: Row = row(fact::COMMIT, COMMIT, same_commit);
pub(super) const REF_ROW: Row = row(fact::REF, REF, same_ref);
const REPOSITORY_ID_ROW: Row = row(fact::REPOSITORY_ID, REPOSITORY_ID, same);
const OWNER_ID_ROW: Row = row(fact::OWNER_ID, OWNER_ID, same);
const WORKFLOW_ROW: Row = row(fact::WORKFLOW, WORKFLOW, same_workflow);
const TRIGGER_ROW: Row = row(fact::TRIGGER, TRIGGER, same_trigger);
const RUN_ROW: Row = row(fact::INVOCATION, RUN, same_run);

/// Every claim that a provenance can repeat, as Fulcio's documentation means it.
const ANY: &[Row] = &[
    BUILDER_ROW,
    RUNNER_ROW,
    REPOSITORY_ROW,
    COMMIT_ROW,
    REF_ROW,
    REPOSITORY_ID_ROW,
    OWNER_ID_ROW,
    WORKFLOW_ROW,
    TRIGGER_ROW,
    RUN_ROW,
];

/// The rows that the certificates of an issuer can be held against: its provider's; of an issuer that no provider is known
/// to have, all.
pub(super) fn rows_of(issuer: &str) -> impl Iterator<Item = &'static Row> {
    let tokens = issuer::tokens_of(issuer);
    ANY.iter().filter(move |row| tokens.is_none_or(|t| t.claims.iter().any(|(arc, _)| *arc == row.claim)))
}

fn same(claim: &str, value: &str) -> bool {
    claim == value
}

/// Repositories are compared without scheme and `.git`: CircleCI's claim has no scheme.
fn same_repository(claim: &str, value: &str) -> bool {
    let bare = |url: &str| {
        let url = normal_repository(url);
        url.strip_prefix("https://").unwrap_or(&url).to_owned()
    };
    bare(claim) == bare(value)
}

/// A commit is a number in hex, in whatever case: Buildkite takes it as whoever starts a build types it.
fn same_commit(claim: &str, value: &str) -> bool {
    claim.eq_ignore_ascii_case(value)
}

/// Codefresh's claim is a branch or tag without `refs/`.
fn same_ref(claim: &str, value: &str) -> bool {
    claim == value
        || (!claim.starts_with("refs/")
            && ["refs/heads/", "refs/tags/"].iter().any(|p| value.strip_prefix(p) == Some(claim)))
}

/// GitLab writes `//` between repository and file.
fn same_workflow(claim: &str, value: &str) -> bool {
    claim == value || claim.replacen("//", "/", 2) == value.replacen("//", "/", 2)
}

/// Buildkite's claim names the job in a run that predicates name whole.
fn same_run(claim: &str, value: &str) -> bool {
    claim == value || claim.split_once('#').is_some_and(|(run, job)| run == value && !job.is_empty())
}

/// An event by its platform's name, or by the kind that the agent build type knows it as.
fn same_trigger(claim: &str, value: &str) -> bool {
    let Some(kind) = value.strip_prefix(TRIGGER_KIND) else { return claim == value };
    let meant = issuer::trigger_of(claim).name();
    kind == meant
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_is_one_in_whatever_case() {
        let (lower, upper) = ("a".repeat(40), "A".repeat(40));
        assert!((COMMIT_ROW.same)(&upper, &lower) && !(COMMIT_ROW.same)(&upper, &"b".repeat(40)));
    }

    #[test]
    fn a_job_is_one_of_its_own_run() {
        let run = "https://buildkite.com/acme/app/builds/7";
        for (claim, same) in [(run, true), (&format!("{run}#job"), true), (&format!("{run}#"), false), ("x#job", false)]
        {
            assert_eq!(same_run(claim, run), same, "{claim}");
        }
        assert!(!same_run(run, &format!("{run}#job")));
    }
}
