//! Readers of [`fuzz`](super::fuzz) for charters: addresses, answers of hosts, snapshots.

use super::Speaks;
use crate::charter::{self, Issue, WebUrl};
use crate::model::json::{self, Field};
use crate::model::{Timestamp, limits};
use crate::predicate::{Charter, CharterSnapshot};
use serde_json::Value;

const TEXT: &str = r#"{"user":{"id":1},"author":{"id":1},"id":2,"title":"t","body":"b\r\n","description":"b","labels":["a",{"name":"b"}],"updated_at":"2026-01-01T00:00:00Z","pull_request":{"merged":true,"merged_at":null},"moved_to_id":null"#;

/// The same issue at three hosts.
fn issues() -> [(Issue, String); 3] {
    let at = |speaks: Speaks, host: &str, name: &str, state: &str| {
        let url = format!("https://{host}{}", speaks.page(42));
        let issue = Issue::find(&url, charter::by_name(name), &|_| None).expect("an issue");
        (issue, format!("{TEXT},\"html_url\":\"{url}\",\"web_url\":\"{url}\",\"state\":\"{state}\"}}"))
    };
    [
        at(Speaks::GitHub, "github.com", "github", "open"),
        at(Speaks::GitLab, "gitlab.com", "gitlab", "opened"),
        at(Speaks::Forgejo, "codeberg.org", "forgejo", "closed"),
    ]
}

pub(super) fn answers() -> Vec<Vec<u8>> {
    issues().into_iter().map(|(_, text)| text.into_bytes()).collect()
}

/// What a host answers: the digest is of what was read, and nothing of it is taken for another host's.
pub(super) fn read_answer(bytes: &[u8]) -> bool {
    let mut any = false;
    for (issue, _) in issues() {
        let Ok(live) = issue.read(bytes) else { continue };
        any = true;
        assert_eq!(live.snapshot.host, issue.host());
        let canonical = json::parse(&live.snapshot.canonical(), limits::PREDICATE_BYTES * 2).expect("JSON");
        let again = CharterSnapshot::from_json(&Field::root("snapshot", &canonical));
        assert_eq!(again.as_ref(), Ok(&live.snapshot), "a snapshot changes when it is written");
        let at = Timestamp::from_unix(0).expect("a time");
        let compared = charter::compare(&live.descriptor(&issue.uri, at), &live);
        assert!(compared.changed.is_empty(), "an issue differs from itself");
    }
    any
}

pub(super) fn snapshots() -> Vec<Vec<u8>> {
    let (issue, answer) = issues().into_iter().next().expect("three");
    let live = issue.read(answer.as_bytes()).expect("an issue");
    let charter = live.charter(&issue.uri, Timestamp::from_unix(0).expect("a time"));
    vec![Value::Object(charter.to_json()).to_string().into_bytes()]
}

/// A snapshot's predicate.
pub(super) fn read_snapshot(bytes: &[u8]) -> bool {
    let Ok(Value::Object(predicate)) = json::parse(bytes, limits::PREDICATE_BYTES) else { return false };
    let Ok(read) = Charter::from_json(&predicate) else { return false };
    assert_eq!(Charter::from_json(&read.to_json()).as_ref(), Ok(&read), "a charter changes when it is written");
    true
}

pub(super) fn urls() -> Vec<Vec<u8>> {
    let more = ["http://127.0.0.1:80/a", "https://[::1]:8443/group/sub/project/-/merge_requests/7/", "HTTPS://H:443"];
    let own = issues().into_iter().map(|(issue, _)| issue.uri);
    own.chain(more.map(str::to_owned)).map(String::into_bytes).collect()
}

/// A charter's address: one spelling, no user, nothing that leads up.
pub(super) fn read_url(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    let Some(url) = WebUrl::parse(text) else { return false };
    let written = url.to_string();
    assert_eq!(WebUrl::parse(&written).as_ref(), Some(&url), "{text:?} became {written:?}");
    assert!(written.is_ascii() && !written.contains(['@', '%', ' ', '\\', '?', '#']), "{text:?} became {written:?}");
    assert!(url.segments().iter().all(|s| s != "." && s != ".."), "{text:?}");
    true
}
