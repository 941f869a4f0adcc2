//! GitLab: gitlab.com and servers of one's own. Merge requests are numbered apart from issues.

use super::live::{self, Names, decimal};
use super::server::address;
use super::{Forge, Live, Place, Server, Token, Variables, WebUrl};
use crate::model::json::{Field, JsonError};
use crate::model::limits;

/// The row.
pub(super) struct GitLab;

impl GitLab {
    fn personal(env: Variables<'_>) -> Option<Token> {
        Token::of(env, &["GITLAB_TOKEN"], "private-token", "")
    }
}

impl Forge for GitLab {
    fn name(&self) -> &'static str {
        "gitlab"
    }

    fn is_public(&self, host: &str) -> bool {
        host == "gitlab.com"
    }

    fn short(&self, host: &str) -> Option<&'static str> {
        (host == "gitlab.com").then_some("gitlab")
    }

    fn api(&self, web: &WebUrl) -> String {
        format!("{web}/api/v4")
    }

    fn servers(&self, env: Variables<'_>) -> Vec<Server> {
        // A personal token belongs to the server that `GITLAB_HOST` names, else to the one that runs the job.
        let mut personal = Self::personal(env);
        let mut all = Vec::new();
        if let Some(web) = env("GITLAB_HOST").and_then(|h| address(&h)) {
            all.push(Server { api: self.api(&web), web, token: personal.take() });
        }
        if let Some(server) = Server::named(env, "CI_SERVER_URL", "CI_API_V4_URL", |web| self.api(web)) {
            let job = || Token::of(env, &["CI_JOB_TOKEN"], "job-token", "");
            all.push(server.with(personal.take().or_else(job)));
        }
        if let Some(web) = WebUrl::parse("https://gitlab.com") {
            all.push(Server { api: self.api(&web), web, token: personal });
        }
        all
    }

    fn locate(&self, segments: &[String]) -> Option<Place> {
        let [project @ .., dash, word, number] = segments else { return None };
        let change = match word.as_str() {
            "issues" | "work_items" => false,
            "merge_requests" => true,
            _ => return None,
        };
        if dash != "-" || project.len() < 2 || project.iter().any(|p| p == "-") {
            return None;
        }
        Some(Place { project: project.join("/"), number: decimal(number)?, change })
    }

    fn issue_path(&self, place: &Place) -> String {
        let word = if place.change { "merge_requests" } else { "issues" };
        format!("{}/{word}/{}", self.project_path(place), place.number)
    }

    fn project_path(&self, place: &Place) -> String {
        format!("/projects/{}", place.project.replace('/', "%2F"))
    }

    fn approvals_path(&self, place: &Place) -> String {
        format!("{}/approvals", self.issue_path(place))
    }

    fn approvals(&self, answer: &Field<'_>) -> Result<Option<Vec<String>>, JsonError> {
        let list = answer.need("approved_by")?.list(limits::CHARTER_LABELS)?;
        list.iter().map(|a| live::number(&a.need("user")?.need("id")?)).collect::<Result<_, _>>().map(Some)
    }

    fn read(&self, web: &WebUrl, place: &Place, answer: &Field<'_>) -> Result<Live, JsonError> {
        const NAMES: Names = Names { author: "author", body: "description", page: "web_url" };
        let words = [("opened", "open"), ("closed", "closed"), ("merged", "merged"), ("locked", "locked")];
        let mut live = live::read(self, &NAMES, web, answer)?;
        live.state = live::state(answer, &words)?;
        live.moved = answer.get("moved_to_id")?.is_some();
        if place.change {
            // An issue and a merge request may have one number.
            live.snapshot.id = format!("merge_requests/{}", live.snapshot.id);
        }
        Ok(live)
    }
}
