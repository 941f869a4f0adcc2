//! [`Review`]: what the API server asks (`admission.k8s.io/v1`, AdmissionReview).

use crate::model::code::codes;
use crate::model::json::{self, Field, JsonError};
use crate::model::limits;
use serde_json::Value;

codes! {
    /// Codes of this file.
    pub CODES;
    pub(super) REVIEW_MALFORMED = "review-malformed", [Operator],
        "what the webhook was sent is no AdmissionReview of admission.k8s.io/v1",
        "let `admissionReviewVersions` of the webhook's configuration be [v1], and its path /validate or /mutate";
}

/// A request for a review.
#[derive(Clone, Debug)]
pub struct Review {
    /// The request's id, which the answer repeats.
    pub uid: String,
    /// `CREATE`, `UPDATE`, `DELETE` or `CONNECT`.
    pub operation: String,
    /// Group and kind of the object.
    pub kind: (String, String),
    /// The part of the object that is written to, such as `ephemeralcontainers`; empty for all of it.
    pub subresource: String,
    /// The namespace; none for what is in none.
    pub namespace: Option<String>,
    /// The object's name; empty where the server chooses one.
    pub name: String,
    /// Who asks.
    pub user: String,
    /// Whether nothing will be stored.
    pub dry_run: bool,
    /// The object as it would be stored.
    pub object: Value,
    /// The object that is there.
    pub old: Value,
}

/// A body that is no review.
#[derive(Debug, thiserror::Error)]
#[error("{source}")]
pub struct NoReview {
    /// The request's id, where it has one: then the answer can be a denial of that request.
    pub uid: Option<String>,
    /// What is wrong.
    pub source: JsonError,
}

const API_VERSION: &str = "admission.k8s.io/v1";
/// Characters of a request's id: the API server sends a UUID.
const UID_CHARS: usize = 128;

impl Review {
    /// Reads a body of at most [`limits::REVIEW_BYTES`].
    ///
    /// # Errors
    /// [`NoReview`].
    pub fn read(body: &[u8]) -> Result<Self, NoReview> {
        let mut value = json::parse(body, limits::REVIEW_BYTES).map_err(|source| NoReview { uid: None, source })?;
        let uid = value.pointer("/request/uid").and_then(Value::as_str);
        let uid = uid.filter(|u| !u.is_empty() && u.len() <= UID_CHARS).map(str::to_owned);
        let mut read = Self::of(&value).map_err(|source| NoReview { uid, source })?;
        if let Some(request) = value.get_mut("request") {
            let mut take = |name: &str| request.get_mut(name).map(Value::take).unwrap_or_default();
            (read.object, read.old) = (take("object"), take("oldObject"));
        }
        Ok(read)
    }

    fn of(value: &Value) -> Result<Self, JsonError> {
        let root = Field::root("review", value);
        for (name, wanted) in [("apiVersion", API_VERSION), ("kind", "AdmissionReview")] {
            let field = root.need(name)?;
            if field.str()? != wanted {
                return Err(field.error(format!("`{wanted}`"), field.str()?));
            }
        }
        let request = root.need("request")?;
        request.object()?;
        let kind = request.need("kind")?;
        let text =
            |field: &Field<'_>, name: &str| Ok::<_, JsonError>(field.opt_str(name)?.unwrap_or_default().to_owned());
        let uid = request.need("uid")?;
        if uid.str()?.is_empty() || uid.str()?.len() > UID_CHARS {
            return Err(uid.error(format!("1 to {UID_CHARS} characters"), uid.str()?.len()));
        }
        let operation = request.need("operation")?.str()?.to_owned();
        let user = request.get("userInfo")?.map_or(Ok(String::new()), |u| text(&u, "username"))?;
        let dry_run = request.get("dryRun")?.is_some_and(|d| d.value() == &Value::Bool(true));
        Ok(Self {
            uid: uid.str()?.to_owned(),
            operation,
            kind: (text(&kind, "group")?, kind.need("kind")?.str()?.to_owned()),
            subresource: text(&request, "subResource")?,
            namespace: Some(text(&request, "namespace")?).filter(|n| !n.is_empty()),
            name: text(&request, "name")?,
            user,
            dry_run,
            object: Value::Null,
            old: Value::Null,
        })
    }
}
