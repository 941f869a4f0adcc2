//! [`CharterClient`]: asks a host for an issue, and tells what its answer means.

use super::http::{Host, Http, Reply};
use super::live::principal;
use super::{Answer, CharterError, Issue, Live, Place};
use crate::model::json::{self, Field};
use crate::model::limits;
use std::time::Duration;

/// Asks hosts for charters.
#[derive(Clone, Debug)]
pub struct CharterClient {
    http: Http,
}

impl CharterClient {
    /// A client that gives one issue `deadline`, with all that is asked for it.
    #[must_use]
    pub fn new(deadline: Duration) -> Self {
        Self { http: Http::new(deadline) }
    }

    /// Asks for an issue.
    ///
    /// The token is shown to the issue's own server alone, and not where that sends to. A server that does not know the
    /// token is asked without one: the issue may be public.
    ///
    /// # Errors
    /// [`CharterError`].
    pub async fn fetch(&self, issue: &Issue) -> Result<Answer, CharterError> {
        let host = self.http.host(issue.host());
        let answer = ask(&host, issue).await.map_err(|e| host.harmless(e))?;
        Ok(match answer {
            Answer::Moved { to, live } => Answer::Moved { to: to.map(|to| host.words(&to)), live },
            here => here,
        })
    }

    /// Adds who approved a pull or merge request, where the host shows that. Nothing depends on it.
    pub async fn with_approvals(&self, issue: &Issue, mut live: Live) -> Live {
        if live.place.change {
            live.approvals = self.approvals(issue, &live.place).await;
        }
        live
    }

    async fn approvals(&self, issue: &Issue, place: &Place) -> Option<Vec<String>> {
        let url = format!("{}{}", issue.server.api, issue.forge.approvals_path(place));
        let reply = self.http.host(issue.host()).get(&url, issue.server.token.as_ref()).await.ok()?;
        let value = json::parse(&reply.body, limits::TEXT_FILE_BYTES).ok().filter(|_| reply.status == 200)?;
        let mut ids = issue.forge.approvals(&Field::root("approvals", &value)).ok()??;
        ids.sort();
        ids.dedup();
        Some(ids.iter().map(|id| principal(issue.forge, &issue.server.web, id)).collect())
    }
}

/// Asks a host for an issue, and tells what its answers mean.
async fn ask(host: &Host<'_>, issue: &Issue) -> Result<Answer, CharterError> {
    let at = |path: String| format!("{}{path}", issue.server.api);
    let url = at(issue.forge.issue_path(&issue.place));
    let token = issue.server.token.as_ref();
    let mut reply = host.get(&url, token).await?;
    let mut with = token.map_or_else(|| " without a token".to_owned(), |t| format!(" to the token of {}", t.variable));
    if reply.status == 401 && token.is_some() {
        let public = host.get(&url, None).await?;
        if public.status == 200 {
            reply = public;
        }
    }
    if let Some(wait) = reply.limited {
        return Err(CharterError::RateLimited { host: issue.host().to_owned(), wait });
    }
    let unauthorized = |status, with| {
        let (uri, host) = (issue.uri.clone(), issue.host().to_owned());
        CharterError::Unauthorized { uri, host, status, with }
    };
    match reply.status {
        200 => place(issue, read(issue, &reply)?),
        301 | 302 | 303 | 307 | 308 => follow(host, issue, reply).await,
        401 | 403 => Err(unauthorized(reply.status, with)),
        status @ (404 | 410) => {
            // Hosts say 404 of what they hide, too. Where the project is shown, the issue is gone.
            let project = host.get(&at(issue.forge.project_path(&issue.place)), token).await?;
            if project.status == 200 || status == 410 {
                let (uri, host) = (issue.uri.clone(), issue.host().to_owned());
                return Err(CharterError::Deleted { uri, host, status });
            }
            with += ", and shows its project neither: it is gone, or private";
            Err(unauthorized(status, with))
        }
        status if reply.tries > 1 => Err(host.unavailable(format!("answers {status} (tried {} times)", reply.tries))),
        status => Err(host.unavailable(format!("answers {status}"))),
    }
}

/// Where an issue went, on the same host, as everybody may see it.
async fn follow(host: &Host<'_>, issue: &Issue, mut reply: Reply) -> Result<Answer, CharterError> {
    for _ in 0..limits::REDIRECTS {
        let Some(location) = reply.location else { break };
        if let Some(to) = location.elsewhere {
            return Err(CharterError::Redirected { host: issue.host().to_owned(), to });
        }
        reply = host.follow(reply.url, location.url).await?;
        if reply.status == 200 {
            let live = read(issue, &reply)?;
            return Ok(Answer::Moved { to: Some(live.page.clone()), live: Some(Box::new(live)) });
        }
    }
    Ok(Answer::Moved { to: None, live: None })
}

fn read(issue: &Issue, reply: &Reply) -> Result<Live, CharterError> {
    issue.read(&reply.body).map_err(|cause| CharterError::Malformed { host: issue.host().to_owned(), cause })
}

/// Whether the answer is about the issue that was asked for.
fn place(issue: &Issue, live: Live) -> Result<Answer, CharterError> {
    // What an issue became elsewhere is another one; this one was closed.
    if live.moved {
        return Ok(Answer::Moved { to: None, live: None });
    }
    let same = live.place.number == issue.place.number && live.place.project.eq_ignore_ascii_case(&issue.place.project);
    Ok(if same {
        Answer::Here(Box::new(live))
    } else {
        Answer::Moved { to: Some(live.page.clone()), live: Some(Box::new(live)) }
    })
}
