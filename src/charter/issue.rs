//! [`Issue`]: which host serves the issue of a URL, with which API, and which token may be shown there.

use super::{ALL, CharterError, Forge, Live, Place, Server, Variables, WebUrl};
use crate::model::json::{self, Field, JsonError};
use crate::model::limits;
use std::cmp::Reverse;

/// An issue that can be asked for. Nothing was asked yet.
#[derive(Clone)]
pub struct Issue {
    /// The URL, as it was given.
    pub uri: String,
    pub(super) forge: &'static dyn Forge,
    pub(super) server: Server,
    pub(super) place: Place,
}

impl std::fmt::Debug for Issue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Issue")
            .field("uri", &self.uri)
            .field("forge", &self.forge.name())
            .field("server", &self.server)
            .field("place", &self.place)
            .finish()
    }
}

impl Issue {
    /// Finds the host of a URL: `api` where the caller says which API it speaks, else what the environment or the name of
    /// a public host says. A host that is known only by `api` is shown no token.
    ///
    /// # Errors
    /// [`CharterError::NotAnIssue`]: why it cannot be asked for.
    pub fn find(uri: &str, api: Option<&'static dyn Forge>, env: Variables<'_>) -> Result<Self, CharterError> {
        let not = |why: &str| CharterError::NotAnIssue { uri: crate::model::uri::public(uri), why: why.to_owned() };
        let url = WebUrl::parse(uri).ok_or_else(|| not("it is no plain https URL"))?;
        let forges = ALL.iter().copied().filter(|f| api.is_none_or(|a| a.name() == f.name()));
        let known = forges.flat_map(|f| f.servers(env).into_iter().map(move |s| (f, s)));
        // The deepest path, and of several names of one server the first, which has the token.
        let named =
            known.filter(|(_, s)| s.web.below(&url).is_some()).min_by_key(|(_, s)| Reverse(s.web.segments().len()));
        let (forge, server) = match named {
            Some(found) => found,
            None if !url.is_secure() => {
                return Err(not(
                    "plain http is only for the server of this machine that the CI system's variables name",
                ));
            }
            None => {
                let public = ALL.iter().copied().find(|f| url.is_secure() && f.is_public(url.authority()));
                let forge = api
                    .or(public)
                    .ok_or_else(|| not("which API its host speaks is not known; --charter-api says it"))?;
                let web = WebUrl::parse(&url.origin()).ok_or_else(|| not("it has no host"))?;
                (forge, Server { api: forge.api(&web), web, token: None })
            }
        };
        let below = server.web.below(&url).unwrap_or_default();
        let place = forge
            .locate(below)
            .ok_or_else(|| not(&format!("its path is not that of an issue at a {} host", forge.name())))?;
        Ok(Self { uri: uri.to_owned(), forge, server, place })
    }

    /// Reads an answer of the issue's API.
    ///
    /// # Errors
    /// The first field that is not as documented, JSON that is none, a limit.
    pub fn read(&self, body: &[u8]) -> Result<Live, JsonError> {
        let value = json::parse(body, limits::TEXT_FILE_BYTES)?;
        self.forge.read(&self.server.web, &self.place, &Field::root("issue", &value))
    }

    /// The host, for messages.
    #[must_use]
    pub fn host(&self) -> &str {
        self.server.web.authority()
    }

    /// The kind of host.
    #[must_use]
    pub fn api(&self) -> &'static str {
        self.forge.name()
    }

    /// The variable whose token may be shown to the host, if there is one.
    #[must_use]
    pub fn token_variable(&self) -> Option<&'static str> {
        self.server.token.as_ref().map(|t| t.variable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::charter::by_name;

    fn find(uri: &str, api: Option<&str>, env: &[(&str, &str)]) -> Result<Issue, CharterError> {
        let env: Vec<(String, String)> = env.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let look = |name: &str| env.iter().find(|(k, _)| k == name).map(|(_, v)| v.clone());
        Issue::find(uri, api.map(|a| by_name(a).unwrap()), &look)
    }

    /// Where it is asked for, and whose token is shown.
    fn at(uri: &str, env: &[(&str, &str)]) -> (String, Option<&'static str>) {
        let issue = find(uri, None, env).unwrap();
        (format!("{}{}", issue.server.api, issue.forge.issue_path(&issue.place)), issue.token_variable())
    }

    const TOKENS: &[(&str, &str)] = &[
        ("GITHUB_TOKEN", "t-1"),
        ("GITLAB_TOKEN", "t-2"),
        ("CI_JOB_TOKEN", "t-3"),
        ("FORGEJO_TOKEN", "t-4"),
        ("GITEA_TOKEN", "t-5"),
        ("GH_ENTERPRISE_TOKEN", "t-6"),
    ];

    fn with(more: &[(&'static str, &'static str)]) -> Vec<(&'static str, &'static str)> {
        [TOKENS, more].concat()
    }

    #[test]
    fn public_hosts_are_known_by_name_and_shown_their_own_token_alone() {
        let github = "https://api.github.com/repos/acme/app/issues/42".to_owned();
        assert_eq!(at("https://github.com/acme/app/issues/42", &with(&[])), (github.clone(), Some("GITHUB_TOKEN")));
        assert_eq!(at("https://GitHub.com/acme/app/pull/42#discussion", &[]), (github, None));
        assert_eq!(
            at("https://tenant.ghe.com/acme/app/issues/42", &with(&[])),
            ("https://api.tenant.ghe.com/repos/acme/app/issues/42".into(), None)
        );
        assert_eq!(
            at("https://gitlab.com/a/b/c/-/issues/7", &with(&[])),
            ("https://gitlab.com/api/v4/projects/a%2Fb%2Fc/issues/7".into(), Some("GITLAB_TOKEN"))
        );
        assert_eq!(
            at("https://gitlab.com/a/b/-/merge_requests/7", &[]).0,
            "https://gitlab.com/api/v4/projects/a%2Fb/merge_requests/7"
        );
        // Nothing binds these tokens to a server.
        assert_eq!(
            at("https://codeberg.org/a/b/pulls/7", &with(&[])),
            ("https://codeberg.org/api/v1/repos/a/b/issues/7".into(), None)
        );
    }

    #[test]
    fn a_token_belongs_to_the_server_of_its_run_and_to_no_other() {
        let own = with(&[
            ("GITHUB_SERVER_URL", "https://git.acme.example"),
            ("GITHUB_API_URL", "https://git.acme.example/api/v3"),
        ]);
        assert_eq!(
            at("https://git.acme.example/a/b/issues/1", &own),
            ("https://git.acme.example/api/v3/repos/a/b/issues/1".into(), Some("GITHUB_TOKEN"))
        );
        assert_eq!(at("https://github.com/a/b/issues/1", &own).1, None);
        let named = with(&[("GH_HOST", "git.acme.example")]);
        assert_eq!(at("https://git.acme.example/a/b/issues/1", &named).1, Some("GH_ENTERPRISE_TOKEN"));
        assert_eq!(at("https://github.com/a/b/issues/1", &named).1, Some("GITHUB_TOKEN"));
        let tenant = with(&[("GH_HOST", "acme.ghe.com")]);
        assert_eq!(at("https://acme.ghe.com/a/b/issues/1", &tenant).1, Some("GITHUB_TOKEN"));
        assert_eq!(at("https://github.com/a/b/issues/1", &tenant).1, None);

        let job = [("CI_JOB_TOKEN", "t-3"), ("CI_SERVER_URL", "https://lab.example/git")];
        assert_eq!(
            at("https://lab.example/git/a/b/-/work_items/1", &job),
            ("https://lab.example/git/api/v4/projects/a%2Fb/issues/1".into(), Some("CI_JOB_TOKEN"))
        );
        assert_eq!(at("https://gitlab.com/a/b/-/issues/1", &job).1, None);
        let job = with(&[("CI_SERVER_URL", "https://lab.example")]);
        assert_eq!(at("https://lab.example/a/b/-/issues/1", &job).1, Some("GITLAB_TOKEN"));
        assert_eq!(at("https://gitlab.com/a/b/-/issues/1", &job).1, None);
        let other = with(&[("CI_SERVER_URL", "https://lab.example"), ("GITLAB_HOST", "gitlab.com")]);
        assert_eq!(at("https://lab.example/a/b/-/issues/1", &other).1, Some("CI_JOB_TOKEN"));
        assert_eq!(at("https://gitlab.com/a/b/-/issues/1", &other).1, Some("GITLAB_TOKEN"));
    }

    #[test]
    fn a_run_of_forgejo_owns_the_variables_that_are_named_after_github() {
        let run = with(&[("FORGEJO_ACTIONS", "true"), ("GITHUB_SERVER_URL", "https://forge.example")]);
        assert_eq!(
            at("https://forge.example/a/b/issues/1", &run),
            ("https://forge.example/api/v1/repos/a/b/issues/1".into(), Some("FORGEJO_TOKEN"))
        );
        assert_eq!(at("https://github.com/a/b/issues/1", &run).1, None);
        let named =
            with(&[("FORGEJO_SERVER_URL", "https://codeberg.org"), ("GITEA_SERVER_URL", "https://tea.example")]);
        assert_eq!(at("https://codeberg.org/a/b/issues/1", &named).1, Some("FORGEJO_TOKEN"));
        assert_eq!(at("https://tea.example/a/b/issues/1", &named).1, Some("GITEA_TOKEN"));
    }

    #[test]
    fn a_host_that_only_the_caller_knows_is_shown_no_token() {
        for (api, url, path) in [
            ("github", "https://h.example/a/b/issues/1", "/api/v3/repos/a/b/issues/1"),
            ("gitlab", "https://h.example/a/b/-/issues/1", "/api/v4/projects/a%2Fb/issues/1"),
            ("forgejo", "https://h.example/a/b/issues/1", "/api/v1/repos/a/b/issues/1"),
        ] {
            assert!(find(url, None, &with(&[])).is_err());
            let issue = find(url, Some(api), &with(&[])).unwrap();
            assert_eq!(
                format!("{}{}", issue.server.api, issue.forge.issue_path(&issue.place)),
                format!("https://h.example{path}")
            );
            assert_eq!(issue.token_variable(), None, "{api}");
        }
        // A token of one kind of host is not shown to another kind.
        let run = with(&[("GITHUB_SERVER_URL", "https://h.example")]);
        assert_eq!(find("https://h.example/a/b/issues/1", Some("forgejo"), &run).unwrap().token_variable(), None);
    }

    #[test]
    fn what_is_no_issue_is_not_asked_for() {
        for uri in [
            "http://github.com/a/b/issues/1",
            "https://github.com.evil.example/a/b/issues/1",
            "https://github.com:8443/a/b/issues/1",
            "https://github.com/a/b/issues",
            "https://github.com/a/b/issues/01",
            "https://github.com/a/b/issues/-1",
            "https://github.com/a/b/issues/1/2",
            "https://github.com/a/b/issues/99999999999999999999",
            "https://github.com/a/b/wiki/1",
            "https://github.com/a/b/c/issues/1",
            "https://gitlab.com/a/-/issues/1",
            "https://gitlab.com/a/b/-/-/issues/1",
            "https://docs.example/charter.md",
            "https://github.com/a/b/../c/issues/1",
        ] {
            let e = find(uri, None, TOKENS).unwrap_err();
            assert_eq!(e.code().as_str(), "charter-not-an-issue", "{uri}");
        }
    }
}
