#![expect(clippy::disallowed_methods, reason = "a server on a thread of its own")]
//! [`TestForge`]: a host of issues on a loopback port that speaks the APIs of GitHub (`/api/v3`), GitLab (`/api/v4`) and
//! Forgejo (`/api/v1`) as their documentation gives them, errors included, and misbehaves as told.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{Response, StatusCode};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use tokio::sync::oneshot;

/// The API that a path belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speaks {
    /// GitHub.
    GitHub,
    /// GitLab.
    GitLab,
    /// Forgejo and Gitea.
    Forgejo,
}

impl Speaks {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::GitHub, Self::GitLab, Self::Forgejo];

    /// The page of issue `number` of `acme/app`, below the server's address.
    #[must_use]
    pub fn page(self, number: u64) -> String {
        match self {
            Self::GitLab => format!("/acme/app/-/issues/{number}"),
            _ => format!("/acme/app/issues/{number}"),
        }
    }

    /// The variables by which a CI system names its server, and the token that it gives.
    #[must_use]
    pub fn variables(self, url: &str, token: &str) -> Vec<(&'static str, String)> {
        let all: [(&str, String); 4] = match self {
            Self::GitHub => [
                ("GITHUB_ACTIONS", "true".into()),
                ("GITHUB_SERVER_URL", url.into()),
                ("GITHUB_API_URL", format!("{url}/api/v3")),
                ("GITHUB_TOKEN", token.into()),
            ],
            Self::GitLab => [
                ("GITLAB_CI", "true".into()),
                ("CI_SERVER_URL", url.into()),
                ("CI_API_V4_URL", format!("{url}/api/v4")),
                ("GITLAB_TOKEN", token.into()),
            ],
            Self::Forgejo => [
                ("FORGEJO_ACTIONS", "true".into()),
                ("GITHUB_SERVER_URL", url.into()),
                ("GITHUB_API_URL", format!("{url}/api/v1")),
                ("FORGEJO_TOKEN", token.into()),
            ],
        };
        all.into_iter().filter(|(_, value)| !value.is_empty()).collect()
    }

    fn of(path: &str) -> Option<(Self, &str)> {
        let prefixes = [("/api/v3/", Self::GitHub), ("/api/v4/", Self::GitLab), ("/api/v1/", Self::Forgejo)];
        prefixes.into_iter().find_map(|(prefix, speaks)| Some((speaks, path.strip_prefix(prefix)?)))
    }
}

/// The issue that the host keeps: `acme/app`, number 42.
#[derive(Clone, Debug)]
pub struct TestIssue {
    /// Its number among all of the host.
    pub id: u64,
    /// Its author's number.
    pub author: u64,
    /// Title.
    pub title: String,
    /// Text; a host serves none as `null`.
    pub body: Option<String>,
    /// Whether it is open.
    pub open: bool,
    /// Labels.
    pub labels: Vec<String>,
    /// How many comments it has.
    pub comments: u64,
    /// When it was last changed.
    pub updated_at: String,
    /// The project's path, as the host writes it.
    pub project: String,
    /// Whether it is a pull or merge request, which user 7 approved and user 8 did not.
    pub change: bool,
    /// The id of what GitLab moved it to.
    pub moved_to: Option<u64>,
}

/// What the host does instead of answering with the issue.
#[derive(Clone, Debug)]
pub enum Misbehaviour {
    /// This status, these headers, this body.
    Answer(u16, Vec<(&'static str, String)>, Vec<u8>),
    /// 404 for the issue; the project is shown.
    Missing,
    /// 404 for both.
    Hidden,
    /// 410, as GitHub says of what was deleted.
    Gone,
    /// 301 to this address, as GitHub says of what was transferred, and the issue there.
    Sends(String),
    /// 401 for any token, and the issue to who has none.
    UnknownToken,
    /// No answer at all.
    Silent,
    /// 503, as many times.
    Failing(usize),
}

/// A request as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Path and query.
    pub path: String,
    /// Headers that may hold a token, `name: value`.
    pub tokens: Vec<String>,
}

struct Shared {
    address: SocketAddr,
    inner: Mutex<Inner>,
}

struct Inner {
    issue: TestIssue,
    misbehaviour: Option<Misbehaviour>,
    asked: Vec<Asked>,
}

impl Shared {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A host of issues, until it is dropped.
pub struct TestForge {
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl TestForge {
    /// Starts one.
    ///
    /// # Panics
    /// When no loopback port can be had.
    #[must_use]
    pub fn start() -> Self {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a loopback port");
        listener.set_nonblocking(true).expect("a non-blocking listener");
        let address = listener.local_addr().expect("the port's number");
        let issue = TestIssue {
            id: 2021,
            author: 583_231,
            title: "Release 1.0".into(),
            body: Some("Ship it.\r\n\r\n\u{1f680} e\u{301}".into()),
            open: true,
            labels: vec!["approved".into()],
            comments: 0,
            updated_at: "2026-01-02T03:04:05Z".into(),
            project: "acme/app".into(),
            change: false,
            moved_to: None,
        };
        let inner = Mutex::new(Inner { issue, misbehaviour: None, asked: Vec::new() });
        let shared = Arc::new(Shared { address, inner });
        let (stop, stopped) = oneshot::channel::<()>();
        let served = shared.clone();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async move {
                let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
                let app = axum::Router::new().fallback(handle).with_state(served);
                tokio::select! {
                    _ = axum::serve(listener, app).into_future() => {}
                    _ = stopped => {}
                }
            });
        });
        Self { shared, stop: Some(stop), thread: Some(thread) }
    }

    /// Its address, without a path.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.shared.address)
    }

    /// Host and port.
    #[must_use]
    pub fn host(&self) -> String {
        self.shared.address.to_string()
    }

    /// Changes the issue.
    pub fn edit(&self, change: impl FnOnce(&mut TestIssue)) {
        change(&mut self.shared.inner().issue);
    }

    /// Misbehaves from now on, or no more.
    pub fn misbehave(&self, how: impl Into<Option<Misbehaviour>>) {
        self.shared.inner().misbehaviour = how.into();
    }

    /// All requests so far.
    #[must_use]
    pub fn asked(&self) -> Vec<Asked> {
        self.shared.inner().asked.clone()
    }
}

impl std::fmt::Debug for TestForge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TestForge").field("url", &self.url()).finish_non_exhaustive()
    }
}

impl Drop for TestForge {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn handle(State(shared): State<Arc<Shared>>, request: Request) -> Response<Body> {
    let path = request.uri().path_and_query().map_or_else(String::new, ToString::to_string);
    let names = ["authorization", "private-token", "job-token", "cookie", "proxy-authorization"];
    let headers = request.headers();
    let token = |name: &&str| Some(format!("{name}: {}", headers.get(*name)?.to_str().ok()?));
    let tokens: Vec<_> = names.iter().filter_map(token).collect();
    let with_token = !tokens.is_empty();
    let misbehaviour = {
        let mut inner = shared.inner();
        inner.asked.push(Asked { path: path.clone(), tokens });
        if let Some(Misbehaviour::Failing(left)) = &mut inner.misbehaviour {
            let failing = *left > 0;
            *left = left.saturating_sub(1);
            failing.then_some(Misbehaviour::Failing(0))
        } else {
            inner.misbehaviour.clone()
        }
    };
    let Some((speaks, rest)) = Speaks::of(&path) else { return answer(404, &json!({ "message": "no such page" })) };
    let moved = rest.contains("/moved/") || rest.starts_with("repositories/");
    let is_issue = rest.ends_with("/issues/42") || rest.ends_with("/merge_requests/42") || moved;
    let is_project = !rest.contains("/issues/");
    match misbehaviour {
        Some(Misbehaviour::Silent) => std::future::pending().await,
        Some(Misbehaviour::Failing(_)) => answer(503, &json!({ "message": "busy" })),
        Some(Misbehaviour::UnknownToken) if with_token => unauthorized(speaks),
        Some(Misbehaviour::Answer(status, headers, body)) if is_issue => raw(status, &headers, body),
        Some(Misbehaviour::Missing) if is_issue => missing(speaks),
        Some(Misbehaviour::Hidden) => missing(speaks),
        Some(Misbehaviour::Gone) if is_issue => answer(
            410,
            &json!({ "message": "This issue was deleted", "documentation_url": "https://docs.example/rest", "status": "410" }),
        ),
        Some(Misbehaviour::Sends(to)) if is_issue && !moved => {
            let body =
                json!({ "message": "Moved Permanently", "url": to, "documentation_url": "https://docs.example" });
            raw(301, &[("location", to), ("content-type", "application/json".into())], body.to_string().into_bytes())
        }
        _ if rest.contains("/reviews") => {
            let review = |id: u64, state: &str| json!({ "id": 80, "user": { "id": id }, "body": "", "state": state });
            let no = if speaks == Speaks::GitHub { "CHANGES_REQUESTED" } else { "REQUEST_CHANGES" };
            answer(200, &json!([review(7, "APPROVED"), review(8, no)]))
        }
        _ if rest.ends_with("/approvals") => {
            answer(200, &json!({ "approved": true, "approvals_left": 0, "approved_by": [{ "user": { "id": 7 } }] }))
        }
        _ if is_issue => answer(200, &issue(speaks, &shared)),
        _ if is_project => answer(200, &json!({ "id": 1, "name": "app" })),
        _ => missing(speaks),
    }
}

fn issue(speaks: Speaks, shared: &Shared) -> Value {
    let url = format!("http://{}", shared.address);
    let i = shared.inner().issue.clone();
    let project = &i.project;
    let page = match (speaks, i.change) {
        (Speaks::GitHub, true) => format!("{url}/{project}/pull/42"),
        (Speaks::Forgejo, true) => format!("{url}/{project}/pulls/42"),
        (Speaks::GitLab, true) => format!("{url}/{project}/-/merge_requests/42"),
        (Speaks::GitLab, false) => format!("{url}/{project}/-/issues/42"),
        (_, false) => format!("{url}/{project}/issues/42"),
    };
    let user = json!({ "id": i.author, "login": "octocat", "type": "User", "site_admin": false });
    match speaks {
        Speaks::GitHub => json!({
            "url": format!("{url}/api/v3/repos/{project}/issues/42"),
            "repository_url": format!("{url}/api/v3/repos/{project}"),
            "html_url": page,
            "id": i.id, "node_id": "I_kwDOABCD", "number": 42, "title": i.title, "user": user,
            "labels": i.labels.iter().map(|l| json!({ "id": 1, "name": l, "color": "ededed", "default": false })).collect::<Vec<_>>(),
            "state": if i.open { "open" } else { "closed" }, "state_reason": null, "locked": false,
            "assignee": null, "assignees": [], "milestone": null, "comments": i.comments,
            "created_at": "2026-01-01T00:00:00Z", "updated_at": i.updated_at,
            "closed_at": if i.open { Value::Null } else { json!("2026-01-03T00:00:00Z") },
            "author_association": "MEMBER", "body": i.body,
            "reactions": { "total_count": 0, "+1": 0 }, "performed_via_github_app": null,
        }),
        Speaks::GitLab => json!({
            "id": i.id, "iid": 42, "project_id": 4, "title": i.title, "description": i.body,
            "state": if i.open { "opened" } else { "closed" }, "created_at": "2026-01-01T00:00:00.000Z",
            "updated_at": i.updated_at, "closed_at": null, "labels": i.labels, "milestone": null, "assignees": [],
            "author": { "id": i.author, "username": "octocat", "state": "active", "web_url": format!("{url}/octocat") },
            "type": "ISSUE", "user_notes_count": i.comments, "upvotes": 0, "confidential": false, "issue_type": "issue",
            "web_url": page, "moved_to_id": i.moved_to,
        }),
        Speaks::Forgejo => json!({
            "id": i.id, "url": format!("{url}/api/v1/repos/{project}/issues/42"),
            "html_url": page, "number": 42, "user": user, "original_author": "",
            "title": i.title, "body": i.body.unwrap_or_default(), "ref": "", "assets": [],
            "labels": i.labels.iter().map(|l| json!({ "id": 1, "name": l, "exclusive": false })).collect::<Vec<_>>(),
            "milestone": null, "assignee": null, "state": if i.open { "open" } else { "closed" }, "is_locked": false,
            "comments": i.comments, "created_at": "2026-01-01T00:00:00Z", "updated_at": i.updated_at, "closed_at": null,
            "pull_request": null, "repository": { "id": 1, "full_name": project },
        }),
    }
}

fn missing(speaks: Speaks) -> Response<Body> {
    let body = match speaks {
        Speaks::GitHub => {
            json!({ "message": "Not Found", "documentation_url": "https://docs.example", "status": "404" })
        }
        Speaks::GitLab => json!({ "message": "404 Not found" }),
        Speaks::Forgejo => json!({ "message": "issue does not exist [id: 0, repo_id: 1, index: 42]", "errors": [] }),
    };
    answer(404, &body)
}

fn unauthorized(speaks: Speaks) -> Response<Body> {
    let message = match speaks {
        Speaks::GitHub => "Bad credentials",
        Speaks::GitLab => "401 Unauthorized",
        Speaks::Forgejo => "invalid username, password or token",
    };
    answer(401, &json!({ "message": message }))
}

fn answer(status: u16, body: &Value) -> Response<Body> {
    raw(status, &[("content-type", "application/json; charset=utf-8".into())], body.to_string().into_bytes())
}

fn raw(status: u16, headers: &[(&'static str, String)], body: Vec<u8>) -> Response<Body> {
    let mut response = Response::builder().status(StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY));
    for (name, value) in headers {
        response = response.header(*name, value);
    }
    response.body(Body::from(body)).unwrap_or_default()
}
