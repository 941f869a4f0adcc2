//! Pull requests and their reviews as `gh api repos/O/R/pulls/N` and `.../reviews` print them: who opened, reviewed, approved and
//! merged. The file is signed by nobody, so all of it is declared.
//!
//! A review is of the commit that it was made at. It is an approval of that commit and, by the name of the pull request and the
//! commit, of what a squash or rebase made of it; one of an earlier commit than was merged is none of that.

use super::calls::Calls;
use super::claude_code::text;
use super::documents::object as read;
use super::plain::{may_stand, plain};
use super::{Counts, Reader, Source, Units};
use crate::model::Timestamp;
use crate::record::reading::is_commit_id;
use serde_json::{Map, Value, json};

/// What records of this source say of where they are from.
const SOURCE: &str = "import pull-requests";
/// That whoever merged a pull request is who opened it.
const OWN: &str = "merged their own pull request";

/// The format.
#[derive(Debug)]
pub struct PullRequests;

impl Source for PullRequests {
    fn name(&self) -> &'static str {
        "pull-requests"
    }

    fn recognises(&self, document: &[u8]) -> bool {
        read(document).is_some_and(|read| Place::of(&read).is_some())
    }

    fn units(&self) -> Units {
        Units::Documents
    }

    fn part(&self) -> &'static str {
        "document"
    }

    fn begin(&self) -> Box<dyn Reader> {
        Box::new(Requests { calls: Calls::new(SOURCE, "a document of a file of pull requests") })
    }
}

/// Which pull request a document is about.
struct Place {
    /// `acme/app#57`.
    name: String,
    /// `https://github.com/acme/app`.
    repository: String,
    /// What principals begin with: `github:` of GitHub itself, the address of another host.
    people: String,
}

impl Place {
    /// By its own address, or that of the pull request that a review is of.
    fn of(document: &Map<String, Value>) -> Option<Self> {
        let is_request = document.contains_key("base") && document.contains_key("head");
        let own = text(document, "url").filter(|_| is_request);
        let url = own.or_else(|| text(document, "pull_request_url"))?;
        let (host, path) = url.strip_prefix("https://")?.split_once('/')?;
        let path = path.strip_prefix("api/v3/").unwrap_or(path).strip_prefix("repos/")?;
        let [owner, name, "pulls", number] = path.split('/').collect::<Vec<_>>()[..] else { return None };
        let is_word =
            |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
        let is_number = !number.is_empty() && number.len() < 10 && number.bytes().all(|b| b.is_ascii_digit());
        if ![owner, name, host].iter().all(|word| is_word(word)) || !is_number {
            return None;
        }
        let (web, people) = match host {
            "api.github.com" => ("github.com", "github:".to_owned()),
            host => (host, format!("https://{host}/")),
        };
        let repository = format!("https://{web}/{owner}/{name}");
        Some(Self { name: format!("{owner}/{name}#{number}"), repository, people })
    }

    /// Somebody of this host: by number on GitHub, whose names change hands; and, of a program, its name as an agent.
    fn who(&self, user: Option<&Value>) -> Option<(String, Option<String>)> {
        let user = user?.as_object()?;
        let login = text(user, "login").filter(|login| may_stand(login))?;
        let id = user.get("id").and_then(Value::as_u64).filter(|_| self.people == "github:");
        let who = id.map_or_else(|| login.to_owned(), |id| id.to_string());
        let agent = (text(user, "type") == Some("Bot") || login.ends_with("[bot]")).then(|| login.to_owned());
        Some((format!("{}{who}", self.people), agent))
    }

    /// A record about it.
    fn record(&self, kind: &str, target: &str, id: &str) -> Value {
        let id = format!("{}/{id}", self.repository.trim_start_matches("https://").to_owned() + self.number());
        json!({ "kind": kind, "target": target, "source": SOURCE, "source_id": id, "repository": self.repository })
    }

    fn number(&self) -> &str {
        self.name.find('#').and_then(|at| self.name.get(at..)).unwrap_or_default()
    }
}

/// A time of a document.
fn time(document: &Map<String, Value>, name: &str) -> Option<String> {
    Some(Timestamp::parse(document.get(name)?.as_str()?).ok()?.to_string())
}

fn timed(record: &mut Value, field: &str, time: Option<String>) {
    if let Some(time) = time {
        record[field] = json!(time);
    }
}

/// A file that is being read.
struct Requests {
    calls: Calls,
}

impl Reader for Requests {
    fn line(&mut self, document: Option<&[u8]>, out: &mut Vec<Value>) {
        self.calls.counts.lines += 1;
        let Some(bytes) = document else { return self.calls.broken("too long", b"", None, out) };
        let Some(read) = read(bytes) else { return self.calls.broken("no document", bytes, None, out) };
        let before = out.len();
        of_document(&read, out);
        self.calls.gave(out.len() - before);
    }

    fn end(&mut self, _: &str, _: &mut Vec<Value>) {}

    fn counts(&self) -> Counts {
        self.calls.counts
    }
}

/// What a pull request or a review says, and nothing where it is neither.
pub(super) fn of_document(document: &Map<String, Value>, out: &mut Vec<Value>) {
    let Some(place) = Place::of(document) else { return };
    match document.contains_key("pull_request_url") {
        true => review(&place, document, out),
        false => request(&place, document, out),
    }
}

/// What a review says.
fn review(place: &Place, review: &Map<String, Value>, out: &mut Vec<Value>) {
    let (Some(id), Some(state)) = (review.get("id").and_then(Value::as_u64), text(review, "state")) else { return };
    let state = state.to_ascii_lowercase();
    let commit = text(review, "commit_id").filter(|id| is_commit_id(id));
    let who = place.who(review.get("user"));
    let decides = ["approved", "changes_requested", "dismissed"].contains(&state.as_str());
    match (who, commit) {
        (Some((who, agent)), Some(commit)) if decides => {
            let mut one = |target: &str, end: &str| {
                let mut record = place.record("approval", target, &format!("review/{id}/{state}/{end}"));
                record["approver"] = json!(who);
                record["how"] = json!("review");
                record["result"] = json!(state);
                record["approval_id"] = json!(format!("{}@{commit}", place.name));
                plain(&mut record, "agent", agent.as_deref());
                timed(&mut record, "completed_at", time(review, "submitted_at"));
                out.push(record);
            };
            one(&format!("commit:{commit}"), "commit");
            one(&place.name, "request");
        }
        // Said, and nothing decided by it; or by nobody, or of no commit, that can be named.
        (who, _) if decides || state == "commented" => {
            let mut record = place.record("action", &place.name, &format!("review/{id}/{state}"));
            record["action_type"] = json!("pr_review");
            record["result"] = json!(state);
            said_by(&mut record, who);
            timed(&mut record, "at", time(review, "submitted_at"));
            out.push(record);
        }
        // One that is not handed in yet is nothing.
        _ => {}
    }
}

/// Who did it, and the agent where it was a program.
fn said_by(record: &mut Value, who: Option<(String, Option<String>)>) {
    let Some((who, agent)) = who else { return };
    record["author"] = json!(who);
    plain(record, "agent", agent.as_deref());
}

/// What a pull request says of itself: only what stays as it is, however often it is asked.
fn request(place: &Place, request: &Map<String, Value>, out: &mut Vec<Value>) {
    let opened_by = place.who(request.get("user"));
    let mut opened = place.record("action", &place.name, "opened");
    opened["action_type"] = json!("pr_create");
    said_by(&mut opened, opened_by.clone());
    timed(&mut opened, "at", time(request, "created_at"));
    out.push(opened);
    let Some(merged) = time(request, "merged_at") else {
        if let Some(closed) = time(request, "closed_at") {
            out.push(outcome(place, "closed", &closed));
        }
        return;
    };
    out.push(outcome(place, "merged", &merged));
    let commit = |of: Option<&Map<String, Value>>, name: &str| {
        of.and_then(|of| text(of, name)).filter(|id| is_commit_id(id)).map(str::to_owned)
    };
    let Some(head) = commit(request.get("head").and_then(Value::as_object), "sha") else { return };
    let mut merge = place.record("action", &place.name, "merged");
    merge["action_type"] = json!("merge");
    merge["approval_id"] = json!(format!("{}@{head}", place.name));
    plain(&mut merge, "head_commit", commit(Some(request), "merge_commit_sha").as_deref());
    timed(&mut merge, "at", Some(merged.clone()));
    out.push(merge);
    let Some((who, agent)) = place.who(request.get("merged_by")) else { return };
    for (target, end) in [(format!("commit:{head}"), "commit"), (place.name.clone(), "request")] {
        let mut record = place.record("approval", &target, &format!("merged/{end}"));
        record["approver"] = json!(who);
        record["how"] = json!("merge");
        record["approval_id"] = json!(format!("{}@{head}", place.name));
        // Who opens a pull request and merges it is one pair of eyes.
        let is_own = opened_by.as_ref().is_some_and(|(opened_by, _)| *opened_by == who);
        record["result"] = json!(if is_own { OWN } else { "approved" });
        plain(&mut record, "agent", agent.as_deref());
        timed(&mut record, "completed_at", Some(merged.clone()));
        out.push(record);
    }
}

fn outcome(place: &Place, state: &str, at: &str) -> Value {
    let mut record = place.record("outcome", &place.name, &format!("{state}/{at}"));
    record["outcome_kind"] = json!("pr");
    record["state"] = json!(state);
    record["completed_at"] = json!(at);
    record
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "0123456789abcdef0123456789abcdef01234567";

    fn of(document: &Value) -> Vec<Value> {
        let (mut reader, mut out) = (PullRequests.begin(), Vec::new());
        reader.line(Some(document.to_string().as_bytes()), &mut out);
        out
    }

    fn review(state: &str) -> Value {
        json!({ "id": 9, "state": state, "user": { "login": "bob", "id": 1024, "type": "User" }, "commit_id": HEAD,
            "submitted_at": "2025-01-15T10:11:00Z", "body": "the secret plan",
            "pull_request_url": "https://api.github.com/repos/acme/app/pulls/57" })
    }

    #[test]
    fn a_review_is_of_the_commit_that_it_was_made_at() {
        for (state, result) in
            [("APPROVED", "approved"), ("CHANGES_REQUESTED", "changes_requested"), ("DISMISSED", "dismissed")]
        {
            let out = of(&review(state));
            let said = |n: usize, name: &str| out[n][name].clone();
            assert_eq!((said(0, "target"), said(1, "target")), (json!(format!("commit:{HEAD}")), json!("acme/app#57")));
            assert_eq!((said(0, "approver"), said(0, "result")), (json!("github:1024"), json!(result)));
            assert_eq!(said(1, "approval_id"), json!(format!("acme/app#57@{HEAD}")));
            assert!(!out.iter().any(|r| r.to_string().contains("plan")) && said(0, "known").is_null());
        }
        assert!(of(&review("PENDING")).is_empty());
        for (change, value) in [("state", json!("COMMENTED")), ("commit_id", json!("0123456")), ("user", Value::Null)] {
            let mut other = review("APPROVED");
            other[change] = value;
            let out = of(&other);
            assert_eq!((out.len(), &out[0]["action_type"]), (1, &json!("pr_review")), "{change} approves nothing");
        }
    }

    #[test]
    fn a_program_is_an_agent_and_another_host_has_other_people() {
        let mut bot = review("APPROVED");
        bot["user"] = json!({ "login": "copilot[bot]", "id": 198_982_749, "type": "Bot" });
        assert_eq!(of(&bot)[0]["agent"], "copilot[bot]");
        assert_eq!(of(&review("APPROVED"))[0].get("agent"), None);
        let mut other = review("APPROVED");
        other["pull_request_url"] = json!("https://ghe.example/api/v3/repos/acme/app/pulls/57");
        let out = of(&other);
        assert_eq!(
            (&out[0]["approver"], &out[0]["repository"]),
            (&json!("https://ghe.example/bob"), &json!("https://ghe.example/acme/app"))
        );
        for bad in [
            "https://api.github.com/repos/acme/app/issues/57",
            "https://api.github.com/repos/../app/pulls/5/x",
            "x",
            "https://api.github.com/repos/a b/app/pulls/5",
        ] {
            other["pull_request_url"] = json!(bad);
            assert!(of(&other).is_empty(), "{bad}");
        }
    }

    #[test]
    fn who_merges_their_own_lets_nothing_in() {
        let request = |by: u64| {
            json!({ "url": "https://api.github.com/repos/acme/app/pulls/57", "number": 57, "created_at": "2025-01-15T10:00:00Z",
                "user": { "login": "alice", "id": 583_231 }, "merged_by": { "login": "x", "id": by }, "merge_commit_sha": HEAD,
                "merged_at": "2025-01-15T10:31:00Z", "head": { "sha": HEAD }, "base": { "ref": "main" }, "title": "the secret plan" })
        };
        let results = |by| {
            of(&request(by))
                .into_iter()
                .filter(|r| r["kind"] == "approval")
                .map(|r| r["result"].clone())
                .collect::<Vec<_>>()
        };
        assert_eq!(results(583_231), [OWN, OWN]);
        assert_eq!(results(1024), ["approved", "approved"]);
        let out = of(&request(1024));
        assert_eq!(
            out.iter().map(|r| r["kind"].as_str().unwrap()).collect::<Vec<_>>(),
            ["action", "outcome", "action", "approval", "approval"]
        );
        assert_eq!((&out[2]["head_commit"], &out[2]["target"]), (&json!(HEAD), &json!("acme/app#57")));
    }
}
