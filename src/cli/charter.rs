//! Charters that are issues: their snapshot when something is built, and a look at them when it is verified.

use super::Ui;
use super::args::{BuildArgs, CharterApi, CharterSnapshot, Common};
use super::exit::{Failure, codes};
use crate::capture::{Captured, Context, Environment};
use crate::charter::{self, Answer, CharterClient, CharterError, Issue, Live};
use crate::model::{DigestSet, PredicateUri, ResourceDescriptor, Subject, limits, uri};
use crate::policy::{Decision, Objection, Outcome, Policy, Reason, SubjectDecision, Verdict, reconsider};
use crate::predicate::Provenance;
use crate::verify::VerifiedStatement;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::time::Duration;

impl From<CharterError> for Failure {
    fn from(e: CharterError) -> Self {
        Self::of(e.code(), e.to_string())
    }
}

/// The subject and predicate of a snapshot's own statement.
pub(super) struct Snapshot {
    /// The charter, by its URI and digest.
    pub(super) subject: Subject,
    /// Its predicate type.
    pub(super) kind: PredicateUri,
    /// The snapshot.
    pub(super) predicate: Map<String, Value>,
}

/// Fetches the charter that was named and puts its digest into the context; a file has one already.
///
/// # Errors
/// Where a snapshot is required: why there is none. Else that is noted, and stands beside the charter.
pub(super) async fn capture(
    build: &BuildArgs,
    required: bool,
    context: &mut Context,
    env: &Environment,
    common: &Common,
    ui: &Ui,
) -> Result<Option<Snapshot>, Failure> {
    let required = required || build.charter_snapshot == CharterSnapshot::Required;
    let (uri, source) = match &context.charter {
        Captured::Found { value, source } => match (value.uri(), value.digest()) {
            (Some(uri), None) => (uri.to_owned(), source.clone()),
            // A file: what it says is known already.
            _ => return Ok(None),
        },
        Captured::Absent { reason } if required => {
            return Err(Failure::usage(codes::USAGE, format!("a snapshot of the charter is required: {reason}")));
        }
        Captured::Absent { .. } => return Ok(None),
    };
    let mut without = |why: &str| {
        context.charter = Captured::found(ResourceDescriptor::at(&*uri), &format!("{source}; no digest: {why}"));
    };
    if build.charter_snapshot == CharterSnapshot::None && !required {
        without("--charter-snapshot none");
        return Ok(None);
    }
    let patience =
        if required { common.timeout } else { common.timeout.min(Duration::from_secs(limits::CHARTER_SECONDS)) };
    let (issue, live) = match fetch(&uri, build.charter_api, env, patience).await {
        Ok(found) => found,
        Err(e) if required => return Err(e.into()),
        Err(e) => {
            ui.note(&format!("no digest of the charter is recorded: {e}"));
            without(&e.to_string());
            return Ok(None);
        }
    };
    let token =
        issue.token_variable().map_or_else(|| "asked without a token".to_owned(), |t| format!("asked with {t}"));
    let source = format!("{source}, the {} API of {}, {token}", issue.api(), issue.host());
    context.charter = Captured::found(live.descriptor(&uri, ui.now), &source);
    let subject = Subject::new(&*uri, DigestSet::of(&live.snapshot.digest()));
    Ok(PredicateUri::parse(uri::CHARTER).map(|kind| Snapshot {
        subject,
        kind,
        predicate: live.charter(&uri, ui.now).to_json(),
    }))
}

/// An issue as its host tells it now.
pub(super) async fn fetch(
    uri: &str,
    api: Option<CharterApi>,
    env: &Environment,
    patience: Duration,
) -> Result<(Issue, Live), CharterError> {
    let issue = find(uri, api, env)?;
    let client = CharterClient::new(patience);
    let live = client.fetch(&issue).await?.here(&issue)?;
    let live = client.with_approvals(&issue, live).await;
    Ok((issue, live))
}

fn find(uri: &str, api: Option<CharterApi>, env: &Environment) -> Result<Issue, CharterError> {
    let variable = |name: &str| env.variable(name).map(str::to_owned);
    Issue::find(uri, api.and_then(|a| charter::by_name(a.name())), &variable)
}

/// What became of each charter that an accepted provenance names, by its URI.
type Looked = BTreeMap<String, Result<Answer, CharterError>>;

/// Looks at the charters of all accepted statements and takes those away whose charter is not what it was.
///
/// # Errors
/// Exit 3 where no TLS can be had.
pub(super) async fn recheck(
    decision: &mut Decision,
    policies: &[Policy],
    api: Option<CharterApi>,
    env: &Environment,
    common: &Common,
) -> Result<(), Failure> {
    let mut uris = Vec::new();
    for subject in &decision.subjects {
        accepted(subject, &mut |s| uris.extend(charter_of(s).and_then(|c| c.uri().map(str::to_owned))));
    }
    uris.sort();
    uris.dedup();
    let client = CharterClient::new(common.timeout);
    let mut looked = Looked::new();
    for (i, uri) in uris.into_iter().enumerate() {
        let found = match find(&uri, api, env) {
            _ if i >= limits::RECHECKED_CHARTERS => continue,
            Ok(issue) => client.fetch(&issue).await,
            Err(e) => Err(e),
        };
        looked.insert(uri, found);
    }
    for subject in &mut decision.subjects {
        reconsider(subject, policies, &|statement| judge(statement, &looked).map(|_| ()));
        let mut notes = Vec::new();
        accepted(subject, &mut |s| notes.extend(judge(s, &looked).into_iter().flatten()));
        notes.dedup();
        subject.notes.extend(notes);
    }
    decision.verdict = decision.subjects.iter().map(|s| s.verdict).fold(decision.verdict, Verdict::max);
    Ok(())
}

/// Every accepted statement of a subject and of what it lists.
fn accepted(subject: &SubjectDecision, each: &mut dyn FnMut(&VerifiedStatement)) {
    let requirements = subject.policies.iter().flat_map(|p| &p.requirements);
    for candidate in requirements.flat_map(|r| &r.candidates) {
        if let Outcome::Accepted(accepted) = &candidate.outcome {
            each(&accepted.statement);
        }
    }
    for child in &subject.children {
        accepted(child, each);
    }
}

fn charter_of(statement: &VerifiedStatement) -> Option<ResourceDescriptor> {
    let statement = statement.statement();
    let is_provenance = statement.predicate_type().as_str() == uri::SLSA_PROVENANCE;
    let provenance = is_provenance.then(|| Provenance::from_json(statement.predicate()).ok()).flatten()?;
    provenance.charter_descriptor()
}

/// Whether a statement's charter is what it was; with what else changed. That it has one is a demand of its own.
fn judge(statement: &VerifiedStatement, looked: &Looked) -> Result<Vec<String>, Objection> {
    let Some(recorded) = charter_of(statement) else { return Ok(Vec::new()) };
    let objection =
        |e: &CharterError| Objection { reason: Reason::new(e.code(), e.to_string()), unavailable: !e.is_answer() };
    let Some(uri) = recorded.uri() else {
        let why = "the attestation names it by digest alone, so there is nowhere to look".to_owned();
        return Err(objection(&CharterError::NotAnIssue { uri: String::new(), why }));
    };
    let (live, moved) = match looked.get(uri) {
        Some(Ok(Answer::Here(live))) => (live.as_ref(), None),
        Some(Ok(Answer::Moved { to, live })) => match live {
            // A project of another name keeps its issues: the same one, by its digest, was not transferred.
            Some(live) if charter::compare(&recorded, live).changed.is_empty() => (live.as_ref(), to.clone()),
            _ => return Err(objection(&CharterError::Moved { uri: uri.to_owned(), to: to.clone() })),
        },
        Some(Err(e)) => return Err(objection(e)),
        None => {
            let message = format!("more than {} charters are named", limits::RECHECKED_CHARTERS);
            return Err(Objection {
                reason: Reason::new(crate::model::code::LIMIT_EXCEEDED, message),
                unavailable: true,
            });
        }
    };
    let compared = charter::compare(&recorded, live);
    if !compared.changed.is_empty() {
        let message = format!("charter `{uri}` changed since it was captured: its {}", compared.changed.join(", its "));
        let digests = |d: &DigestSet| d.strong().next().map(|d| d.to_string());
        return Err(Objection {
            reason: Reason {
                expected: recorded.digest().and_then(digests),
                found: Some(live.snapshot.digest().to_string()),
                ..Reason::new(codes::CHARTER_CHANGED, message)
            },
            unavailable: false,
        });
    }
    let mut notes: Vec<_> = compared.notes.iter().map(|n| format!("charter `{uri}`: {n}")).collect();
    notes.extend(moved.map(|to| format!("charter `{uri}` is at {to} now, unchanged")));
    if notes.is_empty() {
        notes.push(format!("charter `{uri}` says what it said when it was captured"));
    }
    Ok(notes)
}
