//! What an issuer says of itself (OpenID Connect Discovery 1.0), and the token that it answers with.

use super::super::{IdentityToken, ServiceClient, SignError};
use super::asked::Login;
use crate::model::json::{self, Field};
use crate::model::limits;
use crate::sign::sigstore::service::{Answer, Question};
use crate::sign::sigstore::url;
use serde_json::Value;
use std::borrow::Cow;

/// Parameters of a form that everybody may know; any other may be what a login is worth.
const PUBLIC: [&str; 6] =
    ["client_id", "code_challenge", "code_challenge_method", "grant_type", "redirect_uri", "scope"];

/// An issuer and its endpoints, all of one host.
pub(super) struct Provider {
    /// In words, with its address.
    pub(super) service: String,
    /// Where a browser is sent.
    pub(super) authorization: Option<String>,
    /// Where a code becomes a token.
    pub(super) token: String,
    /// Where a device asks for a code.
    pub(super) device: Option<String>,
}

/// An answer of the token endpoint.
pub(super) enum Granted {
    /// A token for this login.
    Token(IdentityToken),
    /// The error of RFC 6749 section 5.2, and its description.
    No(String, String),
}

impl Provider {
    /// Asks an issuer for its endpoints.
    ///
    /// # Errors
    /// [`SignError::Answer`] when it calls itself otherwise, or sends us to another host: an issuer that is made to do
    /// so would hand codes and tokens to a stranger.
    pub(super) async fn discover(issuer: &str, client: &ServiceClient) -> Result<Self, SignError> {
        let service = format!("the issuer {issuer}");
        let address = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
        let limit = limits::TOKEN_BYTES;
        let question = Question { service: &service, url: &address, limit, ..Question::default() };
        let body = client.ask(&question).await?.success(&service)?;
        Self::read(service, issuer, &body)
    }

    /// Reads what an issuer says of itself.
    pub(super) fn read(service: String, issuer: &str, body: &[u8]) -> Result<Self, SignError> {
        let malformed = |found: String| SignError::Answer {
            service: service.clone(),
            expected: "an OpenID Connect configuration".into(),
            found,
        };
        let value = json::parse(body, limits::TOKEN_BYTES).map_err(|e| malformed(e.to_string()))?;
        let root = Field::root("configuration", &value);
        let claimed = root.need("issuer").and_then(|f| f.str()).map_err(|e| malformed(e.to_string()))?;
        if claimed != issuer {
            return Err(malformed(format!("that of the issuer `{}`", shown(claimed))));
        }
        let endpoint = |name: &str| match root.opt_str(name).map_err(|e| malformed(e.to_string()))? {
            Some(text) if url::origin(text).is_none() || url::origin(text) != url::origin(issuer) => {
                Err(malformed(format!("`{name}` on another host: `{}`", shown(text))))
            }
            found => Ok(found.map(str::to_owned)),
        };
        let token = endpoint("token_endpoint")?.ok_or_else(|| malformed("no `token_endpoint`".into()))?;
        let authorization = endpoint("authorization_endpoint")?;
        let device = endpoint("device_authorization_endpoint")?;
        Ok(Self { authorization, token, device, service })
    }

    /// Sends a form.
    ///
    /// # Errors
    /// As [`ServiceClient::ask`].
    pub(super) async fn post(
        &self,
        endpoint: &str,
        parameters: &[(&str, &str)],
        client: &ServiceClient,
    ) -> Result<Answer, SignError> {
        let body = Some(("application/x-www-form-urlencoded", url::form(parameters)));
        let withheld = parameters.iter().filter(|(name, _)| !PUBLIC.contains(name)).map(|(_, value)| *value);
        let withheld: Vec<&str> = withheld.collect();
        let limit = limits::TOKEN_BYTES;
        client
            .ask(&Question {
                service: &self.service,
                url: endpoint,
                body,
                withheld: &withheld,
                limit,
                ..Question::default()
            })
            .await
    }

    /// Asks the token endpoint, and holds the token to this login (OpenID Connect Core 1.0 section 3.1.3.7). Its
    /// signature is not checked: it comes from the issuer itself over TLS, and the certificate authority checks it.
    ///
    /// # Errors
    /// [`SignError::Answer`] for what is no token, or one of another issuer, client or login.
    pub(super) async fn exchange(
        &self,
        login: &Login,
        parameters: &[(&str, &str)],
        nonce: Option<&str>,
        client: &ServiceClient,
    ) -> Result<Granted, SignError> {
        let answer = self.post(&self.token, parameters, client).await?;
        let status = answer.status;
        let value = json::parse(&answer.body, limits::TOKEN_BYTES);
        if !(200..300).contains(&status) {
            let text = |name: &str| value.as_ref().ok().and_then(|v| v.get(name)?.as_str().map(|t| client.words(t)));
            return match text("error") {
                Some(error) if (400..500).contains(&status) => {
                    Ok(Granted::No(error, text("error_description").unwrap_or_default()))
                }
                // Its body may repeat what it was sent.
                _ => Err(SignError::Refused { service: self.service.clone(), status, detail: String::new() }),
            };
        }
        let value = value.map_err(|e| self.malformed(&e.to_string()))?;
        let text = value.get("id_token").and_then(Value::as_str).ok_or_else(|| self.malformed("no `id_token`"))?;
        let token = IdentityToken::parse(text, &format!("of {}", self.service))
            .map_err(|e| self.malformed(&format!("none: {e}")))?;
        belongs(&token, login, nonce).map_err(|found| self.malformed(&found))?;
        Ok(Granted::Token(token))
    }

    /// An answer of the issuer that is no token for this login.
    pub(super) fn malformed(&self, found: &str) -> SignError {
        let expected = "a token for this login".into();
        SignError::Answer { service: self.service.clone(), expected, found: found.to_owned() }
    }

    /// The issuer's no, in its words.
    pub(super) fn refused(&self, error: &str, description: &str) -> SignError {
        let detail = if description.is_empty() { format!(": {error}") } else { format!(": {error}: {description}") };
        SignError::Refused { service: self.service.clone(), status: 400, detail }
    }

    /// Nobody logged in in time.
    pub(super) fn late(&self, seconds: f32, why: &str) -> SignError {
        let cause = format!("nobody logged in within {seconds} s{why}");
        SignError::Unavailable { service: self.service.clone(), cause }
    }
}

/// That a token is of the issuer that was asked, for this client, and of this login.
fn belongs(token: &IdentityToken, login: &Login, nonce: Option<&str>) -> Result<(), String> {
    if token.issuer() != login.issuer {
        return Err(format!("one of the issuer `{}`", shown(token.issuer())));
    }
    let audience: Vec<&str> = match token.claim("aud") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    if !audience.contains(&login.client.as_str()) {
        return Err(format!("one for `{}`", shown(&audience.join("`, `"))));
    }
    // Of several audiences, the one that asked is named apart.
    let party = token.claim("azp").and_then(Value::as_str);
    if party.map_or(audience.len() > 1, |p| p != login.client) {
        return Err("one that another client asked for".into());
    }
    if nonce.is_some() && token.claim("nonce").and_then(Value::as_str) != nonce {
        return Err("one of another login: its nonce is not ours".into());
    }
    Ok(())
}

/// Words of a stranger, cut.
pub(super) fn shown(text: &str) -> String {
    let text: Cow<'_, str> = text.into();
    text.chars().take(limits::SHOWN_CHARS.min(200)).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::super::asked::LoginFlow;
    use super::*;
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    use serde_json::json;
    use std::time::Duration;

    fn check(change: Value) -> Result<(), String> {
        let mut claims = json!({ "iss": "https://i.example", "sub": "s", "exp": 1, "aud": "c", "nonce": "n" });
        claims.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let text = format!("aGVhZA.{}.c2ln", URL_SAFE_NO_PAD.encode(claims.to_string()));
        let token = IdentityToken::parse(&text, "of a test").unwrap();
        let flow = LoginFlow::Browser;
        let login = Login { issuer: "https://i.example".into(), client: "c".into(), flow, patience: Duration::ZERO };
        belongs(&token, &login, Some("n"))
    }

    #[test]
    fn a_token_is_of_this_issuer_client_and_login() {
        for good in
            [json!({}), json!({ "aud": ["c"] }), json!({ "aud": ["x", "c"], "azp": "c" }), json!({ "azp": "c" })]
        {
            assert_eq!(check(good.clone()), Ok(()), "{good}");
        }
        for (bad, why) in [
            (json!({ "iss": "https://i.example/" }), "issuer"),
            (json!({ "aud": "other" }), "for `other`"),
            (json!({ "aud": ["x", "y"] }), "for `x`, `y`"),
            (json!({ "aud": null }), "for ``"),
            (json!({ "aud": 7 }), "for ``"),
            (json!({ "aud": ["x", "c"] }), "another client"),
            (json!({ "azp": "x" }), "another client"),
            (json!({ "nonce": "m" }), "nonce"),
            (json!({ "nonce": null }), "nonce"),
        ] {
            assert!(check(bad.clone()).unwrap_err().contains(why), "{bad}");
        }
    }
}
