//! [`IdentityToken`]: an OpenID Connect token (RFC 7519) as the certificate authority will read it.
//!
//! Nothing is verified here: the authority does that. The claims say beforehand what the certificate will say.

use crate::issuer::{self, Certified};
use crate::model::json::{self, Field};
use crate::model::{Timestamp, limits};
use crate::sign::SignError;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;
use std::fmt;
use zeroize::Zeroizing;

/// A token and its claims. Its text leaves only through `IdentityToken::secret`.
#[derive(Clone)]
pub struct IdentityToken {
    text: Zeroizing<String>,
    claims: Value,
    issuer: String,
    identity: String,
    expires: Timestamp,
    /// Where it came from, in words.
    pub(in crate::sign) origin: String,
}

impl IdentityToken {
    /// Reads a JSON Web Token.
    ///
    /// # Errors
    /// [`SignError::Token`] names `origin` and what is wrong, never the token.
    pub fn parse(text: &str, origin: &str) -> Result<Self, SignError> {
        let refuse = |cause: &str| SignError::Token { origin: origin.to_owned(), cause: cause.to_owned() };
        let text = text.trim();
        if text.len() > limits::IDENTITY_TOKEN_BYTES {
            return Err(refuse("is longer than any honest one"));
        }
        let [_, payload, _] = text.split('.').collect::<Vec<_>>()[..] else {
            return Err(refuse("is no JSON Web Token: expected three parts between dots"));
        };
        let payload = URL_SAFE_NO_PAD
            .decode(payload.trim_end_matches('='))
            .map_err(|_| refuse("is no JSON Web Token: its claims are not base64url"))?;
        let claims = json::parse(&payload, limits::IDENTITY_TOKEN_BYTES)
            .map_err(|_| refuse("is no JSON Web Token: its claims are no JSON"))?;
        let root = Field::root("claims", &claims);
        let text_of = |name: &str| root.need(name).and_then(|f| f.str().map(str::to_owned));
        let issuer = text_of("iss").map_err(|e| refuse(&format!("cannot be used: {e}")))?;
        let subject = text_of("sub").map_err(|e| refuse(&format!("cannot be used: {e}")))?;
        let expires = claims.get("exp").and_then(Value::as_i64).and_then(Timestamp::from_unix);
        let expires = expires.ok_or_else(|| refuse("cannot be used: it has no `exp`"))?;
        let email = claims.get("email").and_then(Value::as_str);
        if email.is_some() && claims.get("email_verified").and_then(Value::as_bool) == Some(false) {
            return Err(refuse("cannot be used: its e-mail address is not verified"));
        }
        let identity = email.map_or(subject, str::to_owned);
        Ok(Self { text: Zeroizing::new(text.to_owned()), issuer, identity, expires, claims, origin: origin.to_owned() })
    }

    /// The token's text, for the certificate authority alone.
    pub(in crate::sign) fn secret(&self) -> &str {
        &self.text
    }

    /// A claim, as it is.
    pub(in crate::sign) fn claim(&self, name: &str) -> Option<&Value> {
        self.claims.get(name)
    }

    /// `iss`.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// What possession of the key is proven with: the e-mail address where there is one, else `sub`.
    #[must_use]
    pub fn identity(&self) -> &str {
        &self.identity
    }

    /// That it counts at `now`.
    ///
    /// # Errors
    /// [`SignError::Token`].
    pub fn check(&self, now: Timestamp) -> Result<(), SignError> {
        if now < self.expires {
            return Ok(());
        }
        Err(SignError::Token { origin: self.origin.clone(), cause: format!("expired at {}", self.expires) })
    }

    /// Its claims. Nobody has verified them; whoever signs with it is who it was given to.
    #[must_use]
    pub fn claims(&self) -> &Value {
        &self.claims
    }

    /// What the certificate will say of it: the claims that a provenance repeats.
    #[must_use]
    pub fn certified(&self) -> Vec<Certified> {
        issuer::certified(&self.issuer, &self.claims)
    }

    /// Whether it speaks for a repository of GitHub that not everybody can read: its name belongs in no public log.
    #[must_use]
    pub fn is_private_on_github(&self) -> bool {
        let claim = |name: &str| self.claims.get(name).and_then(Value::as_str);
        let github = issuer::GITHUB_TOKENS;
        (self.issuer == github || self.issuer.starts_with(&format!("{github}/")))
            && claim("repository_visibility").is_some_and(|v| v != "public")
    }
}

impl fmt::Debug for IdentityToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IdentityToken({} of {})", self.identity, self.issuer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn token(claims: &Value) -> Result<IdentityToken, SignError> {
        let payload = URL_SAFE_NO_PAD.encode(claims.to_string());
        IdentityToken::parse(&format!("aGVhZA.{payload}.c2lnbmVk\n"), "of a test")
    }

    #[test]
    fn claims_say_who_and_until_when() {
        let claims =
            json!({ "iss": "https://i.example", "sub": "s", "exp": 100, "email": "a@b.c", "email_verified": true });
        let t = token(&claims).unwrap();
        assert_eq!((t.issuer(), t.identity()), ("https://i.example", "a@b.c"));
        let at = |s| t.check(Timestamp::from_unix(s).unwrap());
        assert_eq!(at(99), Ok(()));
        assert_eq!(at(100).unwrap_err().code().as_str(), "identity-token-unusable");
        assert_eq!(token(&json!({ "iss": "i", "sub": "s", "exp": 1 })).unwrap().identity(), "s");
    }

    #[test]
    fn what_is_no_token_says_why_and_is_not_shown() {
        let bad = |claims: Value| token(&claims).unwrap_err().to_string();
        assert!(bad(json!({ "sub": "secret", "exp": 1 })).contains("claims.iss"));
        assert!(bad(json!({ "iss": "secret", "exp": 1 })).contains("claims.sub"));
        assert!(bad(json!({ "iss": "i", "sub": "s" })).contains("`exp`"));
        assert!(
            bad(json!({ "iss": "i", "sub": "s", "exp": 1, "email": "e", "email_verified": false })).contains("e-mail")
        );
        for text in ["secret", "secret.secret", "a.%%secret.c", "a.c2VjcmV0.c", ""] {
            let e = IdentityToken::parse(text, "of a test").unwrap_err();
            assert!(!format!("{e}{e:?}").contains("secret") && e.to_string().contains("of a test"), "{e}");
        }
        let t = token(&json!({ "iss": "i", "sub": "s", "exp": 1 })).unwrap();
        assert!(!format!("{t:?}").contains("aGVhZA"));
    }

    #[test]
    fn a_repository_that_is_not_public_is_told_from_its_issuer_and_visibility() {
        let private = |issuer: &str, visibility: &str| {
            let claims = json!({ "iss": issuer, "sub": "s", "exp": 1, "repository_visibility": visibility });
            token(&claims).unwrap().is_private_on_github()
        };
        let github = "https://token.actions.githubusercontent.com";
        assert!(private(github, "private") && private(github, "internal"));
        assert!(private("https://token.actions.githubusercontent.com/acme", "private"));
        assert!(!private(github, "public"));
        assert!(!private("https://token.actions.githubusercontent.com.evil.example", "private"));
    }
}
