//! Forgejo and Gitea: codeberg.org, gitea.com and servers of one's own. A pull request is an issue too.

use super::approvals::REVIEWS;
use super::live::{self, Names};
use super::{Forge, Live, Place, Server, Token, Variables, WebUrl};
use crate::model::json::{Field, JsonError};

/// The row.
pub(super) struct Forgejo;

/// Whether this is a run of Forgejo's or Gitea's: they set GitHub's variables too.
pub(super) fn is_running(env: Variables<'_>) -> bool {
    ["FORGEJO_ACTIONS", "GITEA_ACTIONS"].iter().any(|name| env(name).as_deref() == Some("true"))
}

impl Forge for Forgejo {
    fn name(&self) -> &'static str {
        "forgejo"
    }

    fn is_public(&self, host: &str) -> bool {
        ["codeberg.org", "gitea.com"].contains(&host)
    }

    fn short(&self, _: &str) -> Option<&'static str> {
        None
    }

    fn api(&self, web: &WebUrl) -> String {
        format!("{web}/api/v1")
    }

    fn servers(&self, env: Variables<'_>) -> Vec<Server> {
        let token = |names| Token::of(env, names, "authorization", "token ");
        let named = |web, api| Server::named(env, web, api, |url| self.api(url));
        // A token without a server that it belongs to is shown to none.
        if is_running(env) {
            let run = named("GITHUB_SERVER_URL", "GITHUB_API_URL");
            let token = token(&["FORGEJO_TOKEN", "GITEA_TOKEN", "GITHUB_TOKEN"]);
            return run.map(|s| s.with(token)).into_iter().collect();
        }
        let own = named("FORGEJO_SERVER_URL", "FORGEJO_API_URL").map(|s| s.with(token(&["FORGEJO_TOKEN"])));
        let gitea = named("GITEA_SERVER_URL", "GITEA_API_URL").map(|s| s.with(token(&["GITEA_TOKEN"])));
        own.into_iter().chain(gitea).collect()
    }

    fn locate(&self, segments: &[String]) -> Option<Place> {
        live::two_deep(segments, "issues", "pulls")
    }

    fn issue_path(&self, place: &Place) -> String {
        format!("/repos/{}/issues/{}", place.project, place.number)
    }

    fn project_path(&self, place: &Place) -> String {
        format!("/repos/{}", place.project)
    }

    fn approvals_path(&self, place: &Place) -> String {
        format!("/repos/{}/pulls/{}/reviews?limit={REVIEWS}", place.project, place.number)
    }

    fn read(&self, web: &WebUrl, _: &Place, answer: &Field<'_>) -> Result<Live, JsonError> {
        const NAMES: Names = Names { author: "user", body: "body", page: "html_url" };
        let live = live::read(self, &NAMES, web, answer)?;
        let merged = answer.get("pull_request")?.map(|p| p.get("merged")).transpose()?.flatten();
        let merged = merged.is_some_and(|m| m.value().as_bool() == Some(true));
        let state = live::state(answer, &[("open", "open"), ("closed", "closed")])?;
        Ok(Live { state: if merged { "merged".into() } else { state }, ..live })
    }
}
