//! The answer to a review (`admission.k8s.io/v1`), within what an API server takes: see [`limits`].

use super::answer::{ImageAnswer, Worst, fit, short};
use super::images::ImageUse;
use crate::model::shown::shell;
use crate::model::{Code, limits};
use crate::policy::Effect;
use serde_json::{Map, Value, json};
use std::collections::HashSet;

/// What is answered.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reply {
    /// Whether the object is admitted.
    pub allowed: bool,
    /// The first line of why not, and the others.
    pub reasons: Vec<Cause>,
    /// What whoever asked is told all the same.
    pub warnings: Vec<String>,
    /// What is written to the API server's audit log.
    pub annotations: Vec<(&'static str, String)>,
    /// A patch (RFC 6902), of the mutating webhook.
    pub patch: Vec<Value>,
}

/// One reason of a denial.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// Code.
    pub code: Code,
    /// The field of the object.
    pub field: String,
    /// One line.
    pub message: String,
    /// What to run, to see all of it.
    pub command: Option<String>,
}

impl Reply {
    /// An admission with nothing to say.
    #[must_use]
    pub fn allowed() -> Self {
        Self { allowed: true, ..Self::default() }
    }

    /// A denial for one reason that is no image's.
    #[must_use]
    pub fn denied(code: Code, field: &str, message: &str) -> Self {
        let reason = Cause { code, field: field.to_owned(), message: format!("{code}: {message}"), command: None };
        Self { reasons: vec![reason], annotations: vec![("verdict", "deny".into())], ..Self::default() }
    }

    /// The reply to an object of these images, each with its answer.
    #[must_use]
    pub fn of(images: &[(ImageUse, std::sync::Arc<ImageAnswer>)], namespace: Option<&str>) -> Self {
        let worst = images.iter().map(|(_, answer)| answer.effect()).max().unwrap_or(Worst::Admit);
        let mut out = Self { allowed: worst == Worst::Admit, ..Self::default() };
        for (used, answer) in images {
            let (field, image) = (used.field(), short(&used.image));
            for line in &answer.lines {
                let by = line.policy.as_ref().map_or_else(String::new, |p| format!(" (policy {p})"));
                let code = line.code.map_or("", Code::as_str);
                let text = format!("{image} at {field}: {code}: {}{by}", line.message);
                match &line.effect {
                    Effect::Deny | Effect::Defer => out.reasons.push(Cause {
                        code: line.code.unwrap_or(crate::model::code::INTERNAL),
                        field: field.clone(),
                        message: text,
                        command: answer.digest.as_ref().map(|digest| command(&answer.name, digest, namespace)),
                    }),
                    Effect::Warn | Effect::Except(_) => out.warnings.push(text),
                    Effect::Record => out.annotations.push(("would-deny", text)),
                    Effect::Admit => {}
                }
            }
            if let (true, Some(digest)) = (answer.by_tag && worst == Worst::Admit, &answer.digest) {
                out.warnings.push(format!("{image} at {field} is {digest} now and can move: deploy that digest"));
            }
        }
        let verdict = match worst {
            Worst::Admit if images.iter().all(|(_, answer)| answer.is_clean()) => "allow",
            Worst::Admit => "allow-with-warning",
            Worst::Defer => "unavailable",
            Worst::Deny => "deny",
        };
        out.annotations.insert(0, ("verdict", verdict.into()));
        out
    }

    /// All reasons, a line each, then the commands that show more: at most [`limits::DENIAL_BYTES`].
    #[must_use]
    pub fn message(&self) -> String {
        let lines = self.reasons.iter().map(|r| r.message.clone());
        let commands = self.reasons.iter().filter_map(|r| Some(format!("see more: {}", r.command.as_ref()?)));
        let mut seen = HashSet::new();
        let all: Vec<String> = lines.chain(commands).filter(|line| seen.insert(line.clone())).collect();
        let mut out = String::new();
        for (n, line) in all.iter().enumerate() {
            let more = format!("\n(and {} more lines)", all.len() - n);
            if out.len() + line.len() + 1 + more.len() > limits::DENIAL_BYTES {
                out += &more;
                break;
            }
            if !out.is_empty() {
                out.push('\n');
            }
            out += line;
        }
        out
    }

    /// The whole answer, with the request's id.
    #[must_use]
    pub fn to_json(&self, uid: &str) -> Value {
        let mut response = Map::new();
        response.insert("uid".into(), json!(uid));
        response.insert("allowed".into(), json!(self.allowed));
        if !self.allowed {
            let causes: Vec<_> = self
                .reasons
                .iter()
                .take(CAUSES)
                .map(|r| json!({ "reason": r.code.as_str(), "field": r.field, "message": fit(&r.message, limits::WARNING_CHARS) }))
                .collect();
            response.insert(
                "status".into(),
                json!({ "code": 403, "reason": "Forbidden", "message": self.message(), "details": { "causes": causes } }),
            );
        }
        let warnings = self.bounded_warnings();
        if !warnings.is_empty() {
            response.insert("warnings".into(), json!(warnings));
        }
        let mut annotations = Map::new();
        for (name, text) in &self.annotations {
            let before = annotations.get(*name).and_then(Value::as_str).map(|b| format!("{b}; ")).unwrap_or_default();
            annotations.insert((*name).to_owned(), json!(fit(&(before + text), limits::DENIAL_BYTES / 4)));
        }
        if !annotations.is_empty() {
            response.insert("auditAnnotations".into(), Value::Object(annotations));
        }
        if !self.patch.is_empty() {
            use base64::Engine as _;
            let patch = base64::engine::general_purpose::STANDARD.encode(Value::Array(self.patch.clone()).to_string());
            response.insert("patchType".into(), json!("JSONPatch"));
            response.insert("patch".into(), json!(patch));
        }
        json!({ "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response })
    }

    /// Each warning once and short, and as many as an API server passes on whole; the last one says how many are missing.
    fn bounded_warnings(&self) -> Vec<String> {
        let mut out: Vec<String> = Vec::new();
        let mut left = limits::WARNINGS_CHARS - limits::WARNING_CHARS;
        let mut dropped = 0_usize;
        for warning in &self.warnings {
            let warning = fit(warning, limits::WARNING_CHARS);
            if out.contains(&warning) {
                continue;
            }
            match left.checked_sub(warning.chars().count()) {
                Some(rest) => {
                    left = rest;
                    out.push(warning);
                }
                None => dropped += 1,
            }
        }
        if dropped > 0 {
            out.push(format!("and {dropped} more warnings of attest"));
        }
        out
    }
}

/// Causes of one denial.
const CAUSES: usize = 20;

fn command(name: &str, digest: &str, namespace: Option<&str>) -> String {
    let namespace = namespace.map_or_else(String::new, |n| format!(" --namespace {}", shell(n)));
    format!("attest verify {name}@{digest}{namespace}")
}
