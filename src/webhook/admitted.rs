//! Decisions of the webhook as records of an audit log.

use super::answer::{ImageAnswer, Worst};
use super::images::ImageUse;
use super::review::Review;
use crate::model::{Code, Timestamp};
use serde_json::{Value, json};
use std::sync::Arc;

/// Takes records to be written beside the answer; false where they are lost.
pub type Recorder = Box<dyn Fn(Vec<Value>) -> bool + Send + Sync>;

/// One record for each image that was decided on: who asked, where, which image by digest, and what was answered. An image that is
/// acceptable itself was not admitted where another one of the same object was not.
#[must_use]
pub(super) fn documents(
    review: &Review,
    decided: &[(ImageUse, Arc<ImageAnswer>)],
    allowed: bool,
    now: Timestamp,
) -> Vec<Value> {
    let whole = decided.iter().map(|(_, answer)| answer.effect()).max().filter(|_| !allowed).unwrap_or(Worst::Admit);
    let mut seen: Vec<&Arc<ImageAnswer>> = Vec::new();
    let mut out = Vec::new();
    for (_, answer) in decided {
        if seen.iter().any(|s| Arc::ptr_eq(s, answer)) {
            continue;
        }
        seen.push(answer);
        let verdict = match whole {
            Worst::Admit => "allow",
            Worst::Defer => "unknown",
            Worst::Deny => "deny",
        };
        let mut record = json!({ "kind": "admitted", "subject": answer.name, "verdict": verdict,
            "completed_at": now.to_string(), "source": "attest",
            "known": { "subject": "witnessed", "verdict": "witnessed" } });
        let policies: Vec<_> = answer.lines.iter().filter_map(|l| l.policy.as_deref()).collect();
        let code = answer.lines.iter().find(|l| Worst::from(*l) == answer.effect()).and_then(|l| l.code);
        let more = [
            ("digest", answer.digest.clone()),
            ("namespace", review.namespace.clone()),
            ("policy", (!policies.is_empty()).then(|| policies.join(", "))),
            ("code", code.map(Code::as_str).map(str::to_owned)),
            ("requested_by", Some(review.user.clone()).filter(|u| !u.is_empty())),
        ];
        for (name, value) in more {
            if let Some(value) = value {
                record[name] = json!(value);
            }
        }
        out.push(record);
    }
    out
}
