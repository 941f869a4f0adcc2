//! The device authorization grant (RFC 8628): the person logs in on any device, with a code that is shown here.

use super::super::{IdentityToken, ServiceClient, SignError};
use super::asked::{Login, Person, SCOPE};
use super::provider::{Granted, Provider, shown};
use super::verifier::Verifier;
use crate::model::json::{self, Field, JsonError};
use crate::model::limits;
use crate::sign::sigstore::services::is_safe;
use crate::sign::sigstore::url;
use std::time::Duration;
use tokio::time::{Instant, sleep};

const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// What the issuer gives a device (section 3.2).
pub(super) struct Begun {
    device_code: String,
    pub(super) user_code: String,
    /// Where the person goes, and the same with the code in it.
    pub(super) address: String,
    complete: Option<String>,
    expires: Duration,
    interval: u64,
}

/// What an error of the token endpoint means for a device that waits (section 3.5).
#[derive(Debug, PartialEq, Eq)]
enum Next {
    /// Ask again after this many seconds.
    Wait(u64),
    /// The code has expired.
    Expired,
    /// No.
    Stop,
}

fn next(error: &str, interval: u64) -> Next {
    match error {
        "authorization_pending" => Next::Wait(interval),
        "slow_down" => Next::Wait((interval + 5).min(limits::DEVICE_INTERVAL_SECONDS)),
        "expired_token" => Next::Expired,
        _ => Next::Stop,
    }
}

/// Shows the person a code, and waits until it was entered.
pub(super) async fn log_in(
    login: &Login,
    provider: &Provider,
    person: &dyn Person,
    client: &ServiceClient,
) -> Result<IdentityToken, SignError> {
    let endpoint = provider.device.as_ref().ok_or_else(|| SignError::Services {
        cause: format!("{} offers no login by code: use --fulcio-auth-flow normal", provider.service),
    })?;
    let verifier = Verifier::new()?;
    let parameters = [
        ("client_id", login.client.as_str()),
        ("scope", SCOPE),
        ("code_challenge", verifier.challenge.as_str()),
        ("code_challenge_method", "S256"),
    ];
    let answer = provider.post(endpoint, &parameters, client).await?.success(&provider.service)?;
    let begun = read(&answer).map_err(|e| provider.malformed(&e.to_string()))?;
    let (code, address) = (&begun.user_code, &begun.address);
    person.tell(&match &begun.complete {
        Some(complete) => format!("to log in, visit\n  {complete}\nwhich must show the code {code}"),
        None => format!("to log in, visit\n  {address}\nand enter the code {code}"),
    });
    let patience = login.patience.min(begun.expires);
    let until = Instant::now() + patience;
    let late = || provider.late(patience.as_secs_f32(), "");
    let parameters = [
        ("grant_type", GRANT),
        ("device_code", begun.device_code.as_str()),
        ("client_id", login.client.as_str()),
        ("code_verifier", verifier.secret.as_str()),
    ];
    let mut interval = begun.interval;
    loop {
        let pause = Duration::from_secs(interval);
        if Instant::now() + pause > until {
            sleep(until.saturating_duration_since(Instant::now())).await;
            return Err(late());
        }
        sleep(pause).await;
        match provider.exchange(login, &parameters, None, client).await? {
            Granted::Token(token) => return Ok(token),
            Granted::No(error, description) => match next(&error, interval) {
                Next::Wait(seconds) => interval = seconds,
                Next::Expired => return Err(late()),
                Next::Stop => return Err(provider.refused(&error, &description)),
            },
        }
    }
}

pub(super) fn read(answer: &[u8]) -> Result<Begun, JsonError> {
    let value = json::parse(answer, limits::TOKEN_BYTES)?;
    let root = Field::root("answer", &value);
    let address = |name: &str| match root.opt_str(name)? {
        Some(text)
            if !is_safe(text)
                || url::origin(text).is_none()
                || text.chars().any(|c| c.is_control() || c.is_whitespace()) =>
        {
            Err(root.need(name)?.error("an https address", format!("`{}`", shown(text))))
        }
        found => Ok(found.map(str::to_owned)),
    };
    let code = root.need("user_code")?;
    let user_code = code.str()?.to_owned();
    // Typed in by a person; shown to one.
    if user_code.is_empty() || user_code.len() > 64 || !user_code.chars().all(|c| c.is_ascii_graphic()) {
        return Err(code.error("a code that can be typed", format!("`{}`", shown(&user_code))));
    }
    let number = |name: &str| root.get(name).map(|f| f.and_then(|f| f.value().as_u64()));
    let missing = || JsonError::Missing { path: "answer.verification_uri".into() };
    Ok(Begun {
        device_code: root.need("device_code")?.str()?.to_owned(),
        user_code,
        address: address("verification_uri")?.ok_or_else(missing)?,
        complete: address("verification_uri_complete")?,
        expires: Duration::from_secs(number("expires_in")?.unwrap_or(limits::LOGIN_SECONDS).min(limits::LOGIN_SECONDS)),
        interval: number("interval")?.unwrap_or(5).clamp(1, limits::DEVICE_INTERVAL_SECONDS),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn a_device_waits_as_it_is_told_and_no_longer_than_the_limit() {
        assert_eq!(next("authorization_pending", 5), Next::Wait(5));
        assert_eq!(next("slow_down", 5), Next::Wait(10));
        assert_eq!(next("slow_down", limits::DEVICE_INTERVAL_SECONDS), Next::Wait(limits::DEVICE_INTERVAL_SECONDS));
        assert_eq!(next("expired_token", 5), Next::Expired);
        assert_eq!(
            (next("access_denied", 5), next("invalid_grant", 5), next("", 5)),
            (Next::Stop, Next::Stop, Next::Stop)
        );
    }

    #[test]
    fn what_a_person_is_shown_can_be_typed_and_visited() {
        let good = json!({ "device_code": "d", "user_code": "ABCD-EFGH", "verification_uri": "https://i.example/device",
            "expires_in": 60, "interval": 7 });
        let with = |name: &str, value: Value| {
            let mut answer = good.clone();
            answer[name] = value;
            read(answer.to_string().as_bytes())
        };
        let begun = with("x", Value::Null).unwrap();
        assert_eq!((begun.expires.as_secs(), begun.interval), (60, 7));
        assert_eq!(with("interval", json!(1_000_000)).unwrap().interval, limits::DEVICE_INTERVAL_SECONDS);
        assert_eq!(with("interval", json!(0)).unwrap().interval, 1);
        assert_eq!(with("expires_in", json!(u64::MAX)).unwrap().expires.as_secs(), limits::LOGIN_SECONDS);
        for (name, value) in [
            ("user_code", json!("a\u{1b}[2J")),
            ("user_code", json!("A B")),
            ("user_code", json!("")),
            ("user_code", json!("A".repeat(65))),
            ("verification_uri", json!("http://i.example/device")),
            ("verification_uri", json!("javascript:alert(1)")),
            ("verification_uri", json!("https://i.example/\u{1b}[2J")),
            ("verification_uri_complete", json!("file:///etc/passwd")),
            ("verification_uri", Value::Null),
            ("device_code", Value::Null),
        ] {
            assert!(with(name, value.clone()).is_err(), "{name}: {value}");
        }
    }
}
