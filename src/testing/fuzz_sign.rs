//! Readers of [`fuzz`](super::fuzz) for signing: configurations of services and issuers, tokens, answers to logins.

use crate::model::Timestamp;
use crate::sign::{self, IdentityToken, Services};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::json;

pub(super) fn signing_configs() -> Vec<Vec<u8>> {
    let service = |url: &str, version: u64, operator: &str| {
        json!({ "url": url, "majorApiVersion": version, "operator": operator,
            "validFor": { "start": "2020-01-01T00:00:00Z", "end": "2030-01-01T00:00:00Z" } })
    };
    let config = json!({
        "mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json",
        "caUrls": [service("https://ca.example", 1, "a")],
        "oidcUrls": [service("https://issuer.example", 1, "a")],
        "rekorTlogUrls": [service("https://v2.example", 2, "a"), service("https://v1.example", 1, "b")],
        "tsaUrls": [service("https://tsa.example", 1, "a")],
        "rekorTlogConfig": { "selector": "EXACT", "count": 2 },
        "tsaConfig": { "selector": "ANY" },
    });
    vec![config.to_string().into_bytes()]
}

/// A signing configuration: there are as many operators as are wanted.
pub(super) fn read_signing_config(bytes: &[u8]) -> bool {
    let now = Timestamp::from_unix(1_700_000_000).expect("a time");
    let Ok(read) = Services::from_config(bytes, "a file", now) else { return false };
    assert!(read.logs.wanted <= read.logs.among.len() && read.timestamps.wanted <= read.timestamps.among.len());
    let _ = read.check();
    true
}

pub(super) fn tokens() -> Vec<Vec<u8>> {
    let claims = json!({ "iss": "https://issuer.example", "sub": "s", "exp": 1, "email": "a@b.c", "email_verified": true,
        "job_workflow_ref": "acme/app/.github/workflows/r.yml@refs/heads/main" });
    vec![format!("aGVhZA.{}.c2ln", URL_SAFE_NO_PAD.encode(claims.to_string())).into_bytes()]
}

/// An identity token: its text is shown nowhere.
pub(super) fn read_token(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    match IdentityToken::parse(text, "of a test") {
        Ok(token) => {
            let _ = (token.certified(), token.is_private_on_github());
            true
        }
        Err(e) => {
            assert!(text.trim().len() < 16 || !e.to_string().contains(text.trim()), "the error shows the token");
            false
        }
    }
}

pub(super) fn configurations() -> Vec<Vec<u8>> {
    let at = |path: &str| format!("https://issuer.example/auth/{path}");
    let configuration = json!({ "issuer": "https://issuer.example/auth", "authorization_endpoint": at("auth"),
        "token_endpoint": at("token"), "device_authorization_endpoint": at("device/code") });
    vec![configuration.to_string().into_bytes()]
}

pub(super) fn devices() -> Vec<Vec<u8>> {
    let answer = json!({ "device_code": "d", "user_code": "WDJB-MJHT", "verification_uri": "https://issuer.example/device",
        "verification_uri_complete": "https://issuer.example/device?c=WDJB-MJHT", "expires_in": 300, "interval": 5 });
    vec![answer.to_string().into_bytes()]
}

pub(super) fn callbacks() -> Vec<Vec<u8>> {
    let request =
        |query: &str| format!("GET /auth/callback?{query} HTTP/1.1\r\nHost: localhost:1234\r\n\r\n").into_bytes();
    vec![request("code=a%20b&state=state&iss=https%3A%2F%2Fissuer.example"), request("error=no&state=state")]
}

pub(super) fn read_configuration(bytes: &[u8]) -> bool {
    sign::untrusted::configuration(bytes)
}

pub(super) fn read_device(bytes: &[u8]) -> bool {
    sign::untrusted::device(bytes)
}

pub(super) fn read_callback(bytes: &[u8]) -> bool {
    sign::untrusted::callback(bytes)
}
