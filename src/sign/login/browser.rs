//! The authorization code flow with a browser on this machine (RFC 6749 section 4.1, RFC 7636, RFC 8252).

use super::super::{IdentityToken, ServiceClient, SignError};
use super::asked::{Login, Person, SCOPE};
use super::callback::{Callback, Expected, Outcome};
use super::provider::{Granted, Provider};
use super::verifier::{Verifier, random};
use crate::model::plural::counted;
use crate::sign::sigstore::url;

/// Lets the person log in in a browser; none where no browser can be opened and the issuer offers the other way.
pub(super) async fn log_in(
    login: &Login,
    provider: &Provider,
    person: &dyn Person,
    client: &ServiceClient,
) -> Result<Option<IdentityToken>, SignError> {
    let Some(authorization) = &provider.authorization else {
        return if provider.device.is_some() { Ok(None) } else { Err(provider.malformed("no way for a person")) };
    };
    let callback = Callback::listen().await?;
    let redirect = callback.redirect();
    let (verifier, state, nonce) = (Verifier::new()?, random()?, random()?);
    let parameters = [
        ("response_type", "code"),
        ("client_id", login.client.as_str()),
        ("redirect_uri", redirect.as_str()),
        ("scope", SCOPE),
        ("state", state.as_str()),
        ("nonce", nonce.as_str()),
        ("code_challenge", verifier.challenge.as_str()),
        ("code_challenge_method", "S256"),
    ];
    let address = url::with_query(authorization, &parameters).ok_or_else(|| provider.malformed("no web address"))?;
    if person.open(&address) {
        person.tell(&format!("log in in the browser; if none has opened, visit\n  {address}"));
    } else if provider.device.is_some() {
        return Ok(None);
    } else {
        person.tell(&format!("no browser could be opened; to log in, visit, on this machine,\n  {address}"));
    }
    let expected = Expected { state, issuer: login.issuer.clone() };
    let (outcome, refused) = callback.wait(&expected, login.patience).await;
    let code = match outcome {
        Some(Outcome::Code(code)) => code,
        Some(Outcome::Denied(error, description)) => return Err(provider.refused(&error, &description)),
        None => {
            let why = match refused {
                0 => String::new(),
                n => format!("; {} not of this login and refused", counted(n, "answer")),
            };
            return Err(provider.late(login.patience.as_secs_f32(), &why));
        }
    };
    let parameters = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", redirect.as_str()),
        ("client_id", login.client.as_str()),
        ("code_verifier", verifier.secret.as_str()),
    ];
    match provider.exchange(login, &parameters, Some(&nonce), client).await? {
        Granted::Token(token) => Ok(Some(token)),
        Granted::No(error, description) => Err(provider.refused(&error, &description)),
    }
}
