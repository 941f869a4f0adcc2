//! GitHub: github.com, ghe.com and GitHub Enterprise Server. A pull request is an issue too, with the same number.

use super::approvals::REVIEWS;
use super::live::{self, Names};
use super::server::address;
use super::{Forge, Live, Place, Server, Token, Variables, WebUrl, forgejo};
use crate::model::json::{Field, JsonError};

/// The row.
pub(super) struct GitHub;

/// GitHub's own variables, and those of its command line.
const TOKENS: &[&str] = &["GITHUB_TOKEN", "GH_TOKEN"];
/// The command line's, for the server that `GH_HOST` names.
const ENTERPRISE_TOKENS: &[&str] = &["GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN"];

fn is_cloud(host: &str) -> bool {
    host == "github.com" || host.strip_suffix(".ghe.com").is_some_and(|name| !name.is_empty())
}

impl Forge for GitHub {
    fn name(&self) -> &'static str {
        "github"
    }

    fn is_public(&self, host: &str) -> bool {
        is_cloud(host)
    }

    fn short(&self, host: &str) -> Option<&'static str> {
        (host == "github.com").then_some("github")
    }

    fn api(&self, web: &WebUrl) -> String {
        if is_cloud(web.host()) { format!("https://api.{}", web.authority()) } else { format!("{web}/api/v3") }
    }

    fn servers(&self, env: Variables<'_>) -> Vec<Server> {
        // There GitHub's variables, the token's among them, are the other server's.
        if forgejo::is_running(env) {
            return Vec::new();
        }
        let token = |names| Token::of(env, names, "authorization", "Bearer ");
        let run = Server::named(env, "GITHUB_SERVER_URL", "GITHUB_API_URL", |web| self.api(web));
        let named =
            env("GH_HOST").and_then(|h| address(&h)).map(|web| Server { api: self.api(&web), web, token: None });
        let mut all = Vec::new();
        // A run's token belongs to the server that runs it. Else the command line's rules: `GH_HOST` has tokens of its
        // own, unless it is a tenant of ghe.com.
        let mut left = token(TOKENS);
        if let Some(server) = run {
            all.push(server.with(left.take()));
        }
        if let Some(server) = named {
            let tenant = is_cloud(server.web.host());
            all.push(server.with(if tenant { left.take() } else { token(ENTERPRISE_TOKENS) }));
        }
        if let Some(web) = WebUrl::parse("https://github.com") {
            all.push(Server { api: self.api(&web), web, token: left });
        }
        all
    }

    fn locate(&self, segments: &[String]) -> Option<Place> {
        live::two_deep(segments, "issues", "pull")
    }

    fn issue_path(&self, place: &Place) -> String {
        format!("/repos/{}/issues/{}", place.project, place.number)
    }

    fn project_path(&self, place: &Place) -> String {
        format!("/repos/{}", place.project)
    }

    fn approvals_path(&self, place: &Place) -> String {
        format!("/repos/{}/pulls/{}/reviews?per_page={REVIEWS}", place.project, place.number)
    }

    fn read(&self, web: &WebUrl, _: &Place, answer: &Field<'_>) -> Result<Live, JsonError> {
        const NAMES: Names = Names { author: "user", body: "body", page: "html_url" };
        let live = live::read(self, &NAMES, web, answer)?;
        let merged = answer.get("pull_request")?.map(|p| p.get("merged_at")).transpose()?.flatten().is_some();
        let state = live::state(answer, &[("open", "open"), ("closed", "closed")])?;
        Ok(Live { state: if merged { "merged".into() } else { state }, ..live })
    }
}
