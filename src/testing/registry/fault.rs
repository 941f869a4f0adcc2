//! What goes wrong, where, and how often.

use serde_json::{Value, json};
use std::time::Duration;

/// Something that goes wrong for some requests.
#[derive(Clone, Debug)]
pub struct Fault {
    /// Only requests of this method; any when `None`.
    pub method: Option<String>,
    /// Only requests whose path contains this.
    pub path: String,
    /// How many requests it still applies to.
    pub times: usize,
    /// What happens.
    pub action: Action,
}

impl Fault {
    /// For every request whose path contains `path`.
    #[must_use]
    pub fn on(path: &str, action: Action) -> Self {
        Self { method: None, path: path.to_owned(), times: usize::MAX, action }
    }

    /// Only for requests of this method.
    #[must_use]
    pub fn method(mut self, method: &str) -> Self {
        self.method = Some(method.to_owned());
        self
    }

    /// Only for the first `times` that fit.
    #[must_use]
    pub fn times(mut self, times: usize) -> Self {
        self.times = times;
        self
    }

    pub(super) fn fits(&self, method: &str, path: &str) -> bool {
        self.times > 0 && self.method.as_ref().is_none_or(|m| m == method) && path.contains(&self.path)
    }
}

/// What happens to a request.
#[derive(Clone, Debug)]
pub enum Action {
    /// Another answer altogether.
    Answer {
        /// HTTP status.
        status: u16,
        /// Headers.
        headers: Vec<(String, String)>,
        /// Body.
        body: Vec<u8>,
    },
    /// The right answer, later; what the request does is done after the wait.
    Delay(Duration),
    /// A body without an end.
    Endless,
    /// The right answer with one byte of its body changed.
    WrongBytes,
    /// A `Content-Length` that is larger than the body.
    LyingLength,
    /// The connection ends before the answer.
    Reset,
    /// The right answer without its headers.
    Bare,
}

impl Action {
    /// A status with the error body of the distribution-spec.
    #[must_use]
    pub fn status(status: u16) -> Self {
        let code = match status {
            401 => "UNAUTHORIZED",
            403 => "DENIED",
            404 => "MANIFEST_UNKNOWN",
            429 => "TOOMANYREQUESTS",
            _ => "UNKNOWN",
        };
        let body = json!({ "errors": [{ "code": code, "message": "as told" }] }).to_string();
        Self::Answer {
            status,
            headers: vec![("content-type".into(), "application/json".into())],
            body: body.into_bytes(),
        }
    }

    /// 429 that asks to wait.
    #[must_use]
    pub fn rate_limit(retry_after: &str) -> Self {
        Self::Answer { status: 429, headers: vec![("retry-after".into(), retry_after.into())], body: Vec::new() }
    }

    /// A body of this media type instead of the right one, with status 200.
    #[must_use]
    pub fn body(media_type: &str, bytes: impl Into<Vec<u8>>) -> Self {
        Self::Answer { status: 200, headers: vec![("content-type".into(), media_type.into())], body: bytes.into() }
    }

    /// A temporary redirect.
    #[must_use]
    pub fn redirect(location: impl Into<String>) -> Self {
        Self::Answer { status: 307, headers: vec![("location".into(), location.into())], body: Vec::new() }
    }

    /// A referrers listing of `count` entries that lead nowhere.
    #[must_use]
    pub fn many_referrers(count: usize) -> Self {
        let entry = |i: usize| -> Value {
            let digest = crate::model::Digest::sha256(&i.to_be_bytes()).to_string();
            json!({ "mediaType": crate::model::oci::IMAGE_MANIFEST, "size": 1, "digest": digest })
        };
        let list: Vec<Value> = (0..count).map(entry).collect();
        let index = json!({ "schemaVersion": 2, "mediaType": crate::model::oci::IMAGE_INDEX, "manifests": list });
        Self::body(crate::model::oci::IMAGE_INDEX, index.to_string())
    }

    /// JSON that is nested `levels` deep.
    #[must_use]
    pub fn deep_json(levels: usize) -> Self {
        let text = format!("{{\"manifests\":{}{}}}", "[".repeat(levels), "]".repeat(levels));
        Self::body(crate::model::oci::IMAGE_INDEX, text)
    }
}
