//! What a registry answered, and how a refusal becomes an error that says so.

use crate::model::json;
use crate::model::limits;
use crate::net::{Answer, HttpClient};
use crate::registry::RegistryError;
use serde_json::Value;

/// Characters of a registry's own words that are shown.
const WORDS: usize = 240;

/// The error that a status other than the expected ones means.
pub(super) fn refused(answer: &Answer, place: &str, what: &str, http: &HttpClient) -> RegistryError {
    let (place, what, status) = (place.to_owned(), what.to_owned(), answer.status);
    let mut detail = match words(&answer.body) {
        Some(w) => format!(": {}", http.harmless(&w, WORDS)),
        None => String::new(),
    };
    if let Some(wait) = answer.wait() {
        detail = format!("{detail}, it asks to wait {} s", wait.as_secs());
    }
    detail.push_str(&tried(answer.tries));
    match status {
        401 | 403 => RegistryError::Unauthorized { place, what, status, detail },
        404 => RegistryError::NotFound { place, what },
        429 => RegistryError::RateLimited { place, what, detail, wait: answer.wait() },
        400..=499 if ![408, 425].contains(&status) => RegistryError::Refused { place, what, status, detail },
        400.. => RegistryError::Failed { place, what, status, detail, wait: answer.wait() },
        _ => RegistryError::Malformed { place, what, cause: format!("unexpected status {status}{detail}") },
    }
}

/// `, tried N times`, when it was more than once.
pub(super) fn tried(tries: usize) -> String {
    if tries > 1 { format!(", tried {tries} times") } else { String::new() }
}

/// Code and message of the first errors of a distribution-spec error body, or of a token service's.
fn words(body: &[u8]) -> Option<String> {
    let value = json::parse(body, limits::ERROR_BODY_BYTES).ok()?;
    let texts: Vec<String> = match value["errors"].as_array() {
        Some(errors) => errors
            .iter()
            .take(3)
            .map(|e| ["code", "message"].iter().filter_map(|k| e[*k].as_str()).collect::<Vec<_>>().join(" "))
            .collect(),
        None => ["error", "error_description", "details", "message"]
            .iter()
            .filter_map(|k| value.get(*k).and_then(Value::as_str))
            .map(str::to_owned)
            .collect(),
    };
    let text = texts.join("; ");
    (!text.trim().is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::Settings;
    use reqwest::Url;
    use reqwest::header::{HeaderMap, HeaderValue, RETRY_AFTER};
    use std::time::Duration;

    fn refused(status: u16, body: &str) -> RegistryError {
        refused_with(HeaderMap::new(), status, body)
    }

    fn refused_with(headers: HeaderMap, status: u16, body: &str) -> RegistryError {
        let http = HttpClient::new(Settings::default());
        let url = Url::parse("http://127.0.0.1/").unwrap();
        let body = body.as_bytes().to_vec();
        super::refused(&Answer { status, headers, url, body, tries: 1, repeated: false }, "p", "w", &http)
    }

    #[test]
    fn each_class_of_refusal_has_its_error() {
        for (status, code) in [
            (401, "registry-unauthorized"),
            (403, "registry-unauthorized"),
            (404, "content-missing"),
            (429, "rate-limited"),
            (400, "registry-refused"),
            (405, "registry-refused"),
            (408, "registry-unavailable"),
            (500, "registry-unavailable"),
            (503, "registry-unavailable"),
            (302, "registry-malformed"),
        ] {
            assert_eq!(refused(status, "").code().as_str(), code, "{status}");
        }
    }

    #[test]
    fn how_long_it_asks_to_be_left_alone_is_known_and_told() {
        let asking = || HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_static("90"))]);
        for status in [429, 503] {
            let e = refused_with(asking(), status, "");
            let (RegistryError::RateLimited { wait, .. } | RegistryError::Failed { wait, .. }) = &e else {
                panic!("{e:?}")
            };
            assert_eq!(*wait, Some(Duration::from_secs(90)));
            assert!(e.to_string().ends_with(", it asks to wait 90 s"), "{e}");
        }
        let RegistryError::RateLimited { wait: None, .. } = refused(429, "") else { panic!("a time out of nothing") };
    }

    #[test]
    fn a_registrys_words_are_escaped_and_cut() {
        let body = r#"{"errors":[{"code":"DENIED","message":"\u001b[31mred\u202e"}]}"#;
        let e = refused(403, body).to_string();
        assert_eq!(e, "p: w was refused with status 403: DENIED \\u{1b}[31mred\\u{202e}");
        let long = format!(r#"{{"errors":[{{"code":"A","message":"{}"}}]}}"#, "x".repeat(1000));
        assert!(refused(500, &long).to_string().len() < 400);
        assert_eq!(refused(500, "<html>").to_string(), "p: w failed with status 500");
    }
}
