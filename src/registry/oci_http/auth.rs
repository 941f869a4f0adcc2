//! Bearer tokens and Basic credentials (distribution-spec's token flow), for one repository.
//!
//! `oci-client` has this flow too. It is not used: it reads a token service's answer without a limit, takes a realm
//! of any scheme, gives every refusal of it the same class, takes a failed challenge for "no credentials needed", and
//! cannot use identity tokens. Each of these would turn "could not find out" into another answer here.

use super::challenge::{self, Challenge};
use super::credential::{Credential, CredentialError, CredentialStore};
use super::transport::{Ask, Scope, Secret, Transport};
use crate::model::json::{self, Field};
use crate::model::limits;
use crate::net::Answer;
use crate::registry::RegistryError;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::WWW_AUTHENTICATE;
use reqwest::{Method, Url};
use std::sync::Arc;
use tokio::sync::{Mutex, oneshot};
use tokio::time::{self, Instant};
use zeroize::Zeroizing;

/// What proves to one registry who asks, once it has asked.
pub(super) struct Auth {
    repository: String,
    /// The name that credentials are stored under.
    server: String,
    store: Arc<dyn CredentialStore>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Looked up when first needed, then kept: a helper program takes its time.
    credential: Option<Option<Arc<Credential>>>,
    pull: Option<Secret>,
    push: Option<Secret>,
}

impl State {
    fn known(&self, scope: Scope) -> Option<&Secret> {
        match scope {
            Scope::Push => self.push.as_ref(),
            Scope::Pull => self.pull.as_ref().or(self.push.as_ref()),
        }
    }
}

impl Auth {
    pub(super) fn new(repository: String, server: String, store: Arc<dyn CredentialStore>) -> Self {
        Self { repository, server, store, state: Mutex::default() }
    }

    /// The header that convinced the registry before.
    pub(super) async fn known(&self, scope: Scope) -> Option<Secret> {
        self.state.lock().await.known(scope).cloned()
    }

    /// The header that answers a 401. `used` is the one that was refused. `None` when there is nothing to answer with.
    pub(super) async fn answer(
        &self,
        transport: &Transport,
        refusal: &Answer,
        scope: Scope,
        used: Option<&Secret>,
        deadline: Instant,
    ) -> Result<Option<Secret>, RegistryError> {
        // Held while asking, so that of several requests that were refused at once one asks and the others wait.
        let mut state = self.state.lock().await;
        match (state.known(scope), used) {
            (Some(known), None) => return Ok(Some(known.clone())),
            (Some(known), Some(used)) if !Arc::ptr_eq(known, used) => return Ok(Some(known.clone())),
            _ => {}
        }
        let challenges: Vec<Challenge> = refusal
            .headers
            .get_all(WWW_AUTHENTICATE)
            .iter()
            .filter_map(|h| h.to_str().ok())
            .flat_map(challenge::parse)
            .collect();
        let credential = match &state.credential {
            Some(c) => c.clone(),
            None => {
                let found = self.look_up(transport, deadline).await?.map(Arc::new);
                state.credential.insert(found).clone()
            }
        };
        let secret = if let Some(bearer) = challenges.iter().find(|c| c.is("bearer")) {
            let asked = (&refusal.url, scope, deadline);
            Some(self.token(transport, bearer, credential.as_deref(), asked).await?)
        } else if challenges.iter().any(|c| c.is("basic")) {
            // The same again would be refused again.
            credential.as_deref().and_then(basic).filter(|b| used.is_none_or(|u| ***u != **b))
        } else {
            None
        };
        let Some(secret) = secret.map(Arc::new) else { return Ok(None) };
        match scope {
            Scope::Pull => state.pull = Some(secret.clone()),
            Scope::Push => state.push = Some(secret.clone()),
        }
        Ok(Some(secret))
    }

    /// Asks the store on a thread of its own: it may wait for a helper program, which may wait for ever.
    async fn look_up(&self, transport: &Transport, deadline: Instant) -> Result<Option<Credential>, RegistryError> {
        let error = |cause: String| RegistryError::Configuration { place: transport.place.clone(), cause };
        let (send, receive) = oneshot::channel();
        let (store, server, repository) = (self.store.clone(), self.server.clone(), self.repository.clone());
        std::thread::Builder::new()
            .name("credentials".into())
            .spawn(move || {
                // Nobody waits any more when the deadline has passed.
                let _ = send.send(store.get(&server, &repository));
            })
            .map_err(|e| error(format!("cannot start a thread: {e}")))?;
        match time::timeout_at(deadline, receive).await {
            Ok(Ok(Err(missing @ CredentialError::NotInstalled { .. }))) => {
                transport.lacks(missing.to_string());
                Ok(None)
            }
            Ok(Ok(found)) => found.map_err(|e| match e {
                CredentialError::Refused(refused) => {
                    RegistryError::Helper { place: transport.place.clone(), error: refused }
                }
                e => error(e.to_string()),
            }),
            Ok(Err(_)) => Err(error("the credential store gave no answer".into())),
            Err(_) => Err(error("the credential helper gave no answer in time".into())),
        }
    }

    async fn token(
        &self,
        transport: &Transport,
        challenge: &Challenge,
        credential: Option<&Credential>,
        (led_by, scope, deadline): (&Url, Scope, Instant),
    ) -> Result<Zeroizing<String>, RegistryError> {
        let what = "the request for credentials";
        let realm = challenge.get("realm").and_then(|r| Url::parse(r).ok()).filter(|u| u.host_str().is_some());
        let mut realm = realm.ok_or_else(|| transport.malformed(what, "it names no token service"))?;
        if !transport.may_trust_realm(&realm) || !realm.username().is_empty() || realm.password().is_some() {
            let cause = format!("the token service {} would get the request in the clear", transport.named(&realm));
            return Err(transport.malformed(what, cause));
        }
        // Always the repository's own scope, whatever the challenge asks for: a token that can do more is not wanted.
        let actions = if scope == Scope::Push { "pull,push" } else { "pull" };
        let mut query = vec![("scope", format!("repository:{}:{actions}", self.repository))];
        if let Some(service) = challenge.get("service") {
            query.push(("service", service.to_owned()));
        }
        let what = format!("the token service {}", transport.named(&realm));
        let (mut secret, mut withheld) = (None, Vec::new());
        let form = if let Some(Credential::Identity(refresh)) = credential {
            withheld.push(refresh.as_str());
            query.push(("grant_type", "refresh_token".into()));
            query.push(("client_id", "attest".into()));
            let mut form = realm.clone();
            form.query_pairs_mut().clear().extend_pairs(&query).append_pair("refresh_token", refresh);
            Some(Zeroizing::new(form.query().unwrap_or_default().to_owned()))
        } else {
            realm.query_pairs_mut().extend_pairs(&query);
            secret = credential.and_then(basic).map(Arc::new);
            None
        };
        let mut ask = Ask::get(realm, &what, "application/json", limits::TOKEN_BYTES, deadline);
        ask.led_by = Some(led_by.clone());
        ask.withheld = &withheld;
        if let Some(form) = &form {
            ask.body = Some(("application/x-www-form-urlencoded", form.as_bytes()));
        }
        ask.method = if form.is_some() { Method::POST } else { Method::GET };
        // The header and the form are for this host alone.
        ask.redirects = false;
        let answer = transport.tries(&ask, secret.as_ref()).await?;
        if !answer.is_success() {
            return Err(transport.refused(&what, &answer));
        }
        let error = |e: json::JsonError| transport.malformed(&what, e.to_string());
        let value = json::parse(&answer.body, limits::TOKEN_BYTES).map_err(|_| {
            // The parser's message could hold a piece of a token.
            transport.malformed(&what, "it is not JSON")
        })?;
        let root = Field::root("answer", &value);
        let token = match root.opt_str("token").map_err(error)? {
            Some(t) if !t.is_empty() => Some(t),
            _ => root.opt_str("access_token").map_err(error)?.filter(|t| !t.is_empty()),
        };
        let token = token.ok_or_else(|| transport.malformed(&what, "neither `token` nor `access_token`"))?;
        if !token.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(transport.malformed(&what, "a token that fits no header"));
        }
        Ok(Zeroizing::new(format!("Bearer {token}")))
    }
}

/// The header of a user name and password.
fn basic(credential: &Credential) -> Option<Zeroizing<String>> {
    let Credential::Basic { username, password } = credential else { return None };
    let pair = Zeroizing::new(format!("{username}:{}", password.as_str()));
    Some(Zeroizing::new(format!("Basic {}", STANDARD.encode(pair.as_bytes()))))
}
