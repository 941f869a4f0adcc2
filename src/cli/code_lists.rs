//! Every list of codes of the program: `docs/codes.md` is generated from them.

use crate::action::ActionError;
use crate::attribution::demanded::Fault;
use crate::audit::AuditError;
use crate::audit::index::query::QueryError;
use crate::audit::replica::ReplicaError;
use crate::cli::cmd::{git, quickstart};
use crate::cli::exit;
use crate::evidence::{AddError, FileEvidence};
use crate::model::json::JsonError;
use crate::model::{Code, code};
use crate::outbox::OutboxError;
use crate::places::PlaceError;
use crate::programs::ProgramError;
use crate::record::RecordError;
use crate::sign::{KeygenError, SignError};
use crate::trust::{KeyError, RootError};
use crate::{capture, charter, flow, policy, registry, roots, verify, webhook};
use std::fmt::Write as _;

/// The lists. A new one is a row here; no two have a code in common.
const LISTS: &[&[Code]] = &[
    code::CODES,
    JsonError::CODES,
    KeyError::CODES,
    RootError::CODES,
    verify::VerifyError::CODES,
    verify::CANDIDATE_CODES,
    policy::DECISION_CODES,
    policy::SIGNER_CODES,
    policy::CROSS_CHECK_CODES,
    policy::CONTRADICTION_CODES,
    policy::PolicyError::CODES,
    ProgramError::CODES,
    SignError::CODES,
    KeygenError::CODES,
    registry::RegistryError::CODES,
    registry::EVIDENCE_CODES,
    FileEvidence::CODES,
    AddError::CODES,
    capture::CaptureError::CODES,
    charter::CharterError::CODES,
    flow::GATHER_CODES,
    flow::JUDGE_CODES,
    OutboxError::CODES,
    webhook::DECIDER_CODES,
    webhook::IMAGES_CODES,
    webhook::REVIEW_CODES,
    AuditError::CODES,
    ReplicaError::CODES,
    Fault::CODES,
    QueryError::CODES,
    ActionError::CODES,
    RecordError::CODES,
    flow::audit::prices::PricesError::CODES,
    flow::PublishError::CODES,
    flow::CreateError::CODES,
    exit::codes::CODES,
    PlaceError::CODES,
    roots::CacheError::CODES,
    roots::HttpError::CODES,
    roots::InitError::CODES,
    roots::TufError::CODES,
    git::CODES,
    quickstart::CODES,
];

/// Every code, by name.
#[must_use]
pub fn all() -> Vec<Code> {
    let mut codes: Vec<_> = LISTS.iter().chain(policy::rule::ALL_CODES).flat_map(|list| *list).copied().collect();
    codes.sort();
    codes
}

/// `docs/codes.md`.
#[must_use]
pub fn markdown() -> String {
    let mut out = String::from(
        "# Codes\n\nEvery failure and every reason has a stable name. Machines match on it; the message beside it may change. \
         A reason inside a\ndecision has the exit code of the decision that it alone leads to. This table is generated from \
         the declarations in the\nsource and compared with the program by a test.\n\n\
         | code | exit | means | what to do |\n|---|---|---|---|\n",
    );
    for code in all() {
        let mut exits: Vec<_> = code.acts().iter().filter_map(|acts| acts.exit()).map(|e| e.to_string()).collect();
        exits.sort();
        let exits = if exits.is_empty() { "the step's".to_owned() } else { exits.join(", ") };
        let _ = writeln!(out, "| `{code}` | {exits} | {} | {} |", code.meaning(), code.todo());
    }
    out
}
