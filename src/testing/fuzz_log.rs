//! Readers of transparency logs and of the audit log.

use crate::audit::{Disclosure, Redaction, Settings, keys::Keys, read_frames};
use crate::record::draft::Origin;
use crate::record::{Draft, Entry};
use crate::tlog::note::NoteSigner;
use crate::tlog::policy::Policy;
use crate::tlog::proof::Proof;
use crate::tlog::tile::{self, Row, Tile};
use crate::tlog::witness::AddCheckpoint;
use crate::tlog::{Checkpoint, Hash, Note, NoteKey};
use serde_json::{Value, json};

const ORIGIN: &str = "log.example/audit";

fn signer(seed: u8) -> NoteSigner {
    NoteSigner::from_seed(ORIGIN, &[seed; 32]).expect("a key")
}

fn checkpoint() -> String {
    signer(1).sign(&format!("{ORIGIN}\n1\n{}\n", Hash::of_entry(b"one")))
}

pub(super) fn notes() -> Vec<Vec<u8>> {
    vec![checkpoint().into_bytes(), signer(1).key().to_string().into_bytes()]
}

/// A note, the checkpoint in it, and a key: what is read is written as it was.
pub(super) fn read_note(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    if let Ok(key) = NoteKey::parse(&text) {
        assert_eq!(key.to_string(), text, "a key has one spelling");
        return true;
    }
    let Ok(note) = Note::parse(bytes) else { return false };
    if let Ok(checkpoint) = Checkpoint::parse(note.text) {
        assert_eq!(checkpoint.to_string(), note.text, "a checkpoint has one spelling");
    }
    if note.is_signed_by(signer(1).key()) == Ok(true) {
        assert_eq!(
            note.text,
            Note::parse(checkpoint().as_bytes()).expect("a note").text,
            "signed, and not what was signed"
        );
    }
    true
}

pub(super) fn answers() -> Vec<Vec<u8>> {
    let list = "<ListVersionsResult><IsTruncated>true</IsTruncated><NextKeyMarker>a</NextKeyMarker><Version><Key>a</Key>\
        <VersionId>1</VersionId><ETag>&quot;b&quot;</ETag></Version><DeleteMarker><Key>a</Key><VersionId>2</VersionId>\
        </DeleteMarker></ListVersionsResult>";
    vec![list.into(), "<Error><Code>AccessDenied</Code><Message>no</Message></Error>".into()]
}

pub(super) fn proofs() -> Vec<Vec<u8>> {
    let proof = Proof { extra: Some(b"{}".to_vec()), index: 0, hashes: vec![], checkpoint: checkpoint() };
    vec![proof.write().into_bytes()]
}

/// A receipt proves the one entry that it was made for.
pub(super) fn read_proof(bytes: &[u8]) -> bool {
    let Ok(proof) = Proof::parse(bytes) else { return false };
    let policy = format!("log {}\nquorum none\n", signer(1).key());
    let policy = Policy::parse(&policy).expect("a policy");
    assert!(proof.check(Hash::of_entry(b"two"), &policy).is_err(), "proven, and not in the tree");
    if let Some(extra) = &proof.extra {
        let _ = Disclosure::check(extra);
    }
    proof.check(Hash::of_entry(b"one"), &policy).is_ok()
}

pub(super) fn policies() -> Vec<Vec<u8>> {
    vec![format!("# ours\nlog {}\nquorum none\n", signer(1).key()).into_bytes()]
}

pub(super) fn read_policy(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_ok_and(|text| Policy::parse(text).is_ok())
}

pub(super) fn tiles() -> Vec<Vec<u8>> {
    let mut bundle = Vec::new();
    tile::add_entry(&mut bundle, b"one").expect("an entry");
    vec![b"tile/0/x001/x234/067".to_vec(), b"tile/entries/000.p/1".to_vec(), bundle]
}

/// A path of a tile, or a bundle of one entry.
pub(super) fn read_tile(bytes: &[u8]) -> bool {
    let path = std::str::from_utf8(bytes).ok().and_then(Tile::parse);
    if let Some(tile) = path {
        assert_eq!(tile.path().as_bytes(), bytes, "a tile has one path");
        assert!(tile.width > 0 && matches!(tile.row, Row::Level(0..=63) | Row::Entries));
    }
    // Any bytes are hashes, where there are as many as they should be.
    let _ = tile::hashes(bytes, 2);
    path.is_some() || tile::entries(bytes, 1).is_ok()
}

pub(super) fn requests() -> Vec<Vec<u8>> {
    vec![format!("old 0\n\n{}", checkpoint()).into_bytes()]
}

pub(super) fn read_request(bytes: &[u8]) -> bool {
    let Ok(request) = AddCheckpoint::parse(bytes) else { return false };
    assert_eq!(request.write().as_bytes(), bytes, "a request has one spelling");
    true
}

pub(super) fn records() -> Vec<Vec<u8>> {
    let action = json!({ "kind": "action", "action_type": "file_modify", "target": "src/a.rs", "command": "make",
        "metadata": { "a": "b" }, "known": { "target": "witnessed" } });
    let start = json!({ "kind": "execution_started", "execution_id": "e", "agent": "a/b", "requested_by": "github:1",
        "started_at": "2026-11-29T20:00:00Z", "credentials": ["t:read"], "elevated": false });
    vec![action.to_string().into_bytes(), start.to_string().into_bytes()]
}

/// A record, whoever hands it in: no path leads out of the repository, and what was read is written as it was.
pub(super) fn read_record(bytes: &[u8]) -> bool {
    let Ok(value) = crate::model::json::parse(bytes, 1 << 16) else { return false };
    let mut any = false;
    for origin in [Origin::Typed, Origin::Captured] {
        let Ok(draft) = Draft::read(&value, origin, &mut |bytes| bytes.fill(7)) else { continue };
        let again = Draft::read(&Value::Object(draft.document()), Origin::Captured, &mut |bytes| bytes.fill(8));
        assert_eq!(again.as_ref(), Ok(&draft), "a record changes when it is written");
        assert!(draft.text("target").is_none_or(|target| !target.starts_with(['/', '~'])));
        any = true;
    }
    any
}

pub(super) fn journals() -> Vec<Vec<u8>> {
    vec![crate::audit::sample_frames()]
}

/// A segment of a journal, an entry, keys, settings and redactions: whatever is on the disk of a log.
pub(super) fn read_journal(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    if let Ok(redaction) = Redaction::parse(&text) {
        assert_eq!(redaction.to_string(), text, "a redaction has one spelling");
    }
    if let Ok(entry) = Entry::parse(bytes) {
        assert_eq!(entry.bytes(), bytes, "an entry has one spelling");
    }
    if let Ok(keys) = Keys::parse(bytes) {
        assert_eq!(&keys.write()[..], bytes, "keys have one spelling");
    }
    let _ = Settings::parse(bytes);
    read_frames(bytes) > 0
}

pub(super) fn taken_in() -> Vec<Vec<u8>> {
    let id = "0123456789abcdef0123456789abcdef01234567";
    let commit = format!(
        "{id}\ntree {id}\nparent {id}\nparent {id}\nauthor A <1+a@users.noreply.github.com> 1736935200 +0100\n\
         committer W <w@example.com> 1736935300 +0000\n\n    T\n    \n    Agent: a\n    Squad: s\n    Execution: e\n    \
         Trigger: event (x)\n    Model: p/m\n"
    );
    let call = json!({ "type": "assistant", "sessionId": "s", "cwd": "/w/app", "timestamp": "2026-01-02T03:04:05.678Z",
        "message": { "content": [{ "type": "tool_use", "id": "t", "name": "Edit", "input": { "file_path": "/w/app/a" } }] } });
    let merge = crate::sources::merge_into("main", commit.as_bytes());
    let mut all = vec![commit.into_bytes(), merge, call.to_string().into_bytes()];
    all.extend(rollouts().iter().chain(&documents()).map(|document| document.to_string().into_bytes()));
    all.extend(kept_files());
    all
}

fn rollouts() -> Vec<Value> {
    let line = |kind: &str, payload: Value| json!({ "timestamp": "2026-01-02T03:04:05.678Z", "type": kind, "payload": payload, "ordinal": 1 });
    let patch = "*** Begin Patch\n*** Update File: a\n*** Add File: b\n*** End Patch";
    vec![
        line(
            "session_meta",
            json!({ "id": "s", "cwd": "/w/app", "cli_version": "1", "parent_thread_id": "p",
            "git": { "branch": "main", "repository_url": "git@github.com:acme/app.git" } }),
        ),
        line(
            "response_item",
            json!({ "type": "function_call", "name": "shell", "call_id": "c",
            "arguments": "{\"command\":[\"bash\",\"-lc\",\"ls\"]}" }),
        ),
        line(
            "response_item",
            json!({ "type": "custom_tool_call", "name": "apply_patch", "call_id": "c", "input": patch }),
        ),
        line(
            "response_item",
            json!({ "type": "function_call_output", "call_id": "c", "output": "Exit code: 1\nOutput:\n" }),
        ),
        line(
            "event_msg",
            json!({ "type": "token_count", "info": { "total_token_usage": { "input_tokens": 3,
            "cached_input_tokens": 1, "output_tokens": 2 } } }),
        ),
    ]
}

fn documents() -> Vec<Value> {
    let id = "0123456789abcdef0123456789abcdef01234567";
    let user = json!({ "login": "a", "id": 1, "type": "User" });
    let url = "https://api.github.com/repos/acme/app/pulls/57";
    let attribute = |key: &str, value: &str| json!({ "key": key, "value": { "stringValue": value } });
    let called = [
        attribute("event.name", "claude_code.tool_result"),
        attribute("tool_name", "Bash"),
        attribute("success", "true"),
    ];
    let asked = [attribute("gen_ai.operation.name", "chat"), attribute("gen_ai.usage.output_tokens", "7")];
    vec![
        json!({ "url": url, "user": user, "merged_by": user, "merged_at": "2026-01-02T03:04:05Z", "merge_commit_sha": id,
            "head": { "sha": id }, "base": {} }),
        json!({ "pull_request_url": url, "id": 9, "state": "APPROVED", "user": user, "commit_id": id }),
        json!({ "version": "0.1.0", "id": "t", "vcs": { "type": "git", "revision": id }, "files": [{ "path": "a\\b",
            "conversations": [{ "contributor": { "type": "ai", "model_id": "p/m" }, "ranges": [{ "start_line": 1, "end_line": 2 }] }] }] }),
        json!({ "schema": "agent-trace/v0.1.0", "file_path": "a", "tool": "Edit", "tool_use_id": "t", "start_line": 1, "end_line": 2 }),
        json!({ "resourceLogs": [{ "scopeLogs": [{ "logRecords": [{ "timeUnixNano": "1767323045000000000", "attributes": called }] }] }] }),
        json!({ "resourceSpans": [{ "scopeSpans": [{ "spans": [{ "traceId": "a", "spanId": "b", "startTimeUnixNano": "1",
            "attributes": asked }] }] }] }),
    ]
}

fn kept_files() -> Vec<Vec<u8>> {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let id = "0123456789abcdef0123456789abcdef01234567".to_owned();
    let note = "a\n  s_1::t_1 1-4\n---\n{\"schema_version\":\"authorship/3.0.0\",\"sessions\":{\"s_1\":{\"agent_id\":\
                {\"tool\":\"t\",\"id\":\"i\",\"model\":\"m\"}}}}";
    let statement = json!({ "predicate_type": "https://gittuf.dev/github-pull-request-approval/v0.1",
        "subject": [{ "digest": { "gitTree": id } }], "predicate": { "approvers": ["a+1"], "dismissedApprovers": ["b+2"],
            "fromRevisionID": id, "targetTreeID": id } });
    let envelope =
        json!({ "payload": STANDARD.encode(statement.to_string()), "signatures": [{ "keyid": "k", "sig": "" }] });
    let commits = [id];
    vec![
        crate::sources::kept_unit("01/23", &commits, note.as_bytes()),
        crate::sources::kept_unit("code-review-approvals/x", &commits, envelope.to_string().as_bytes()),
        crate::sources::kept_unit("00/c9e2351016/0/metadata.json", &[], b"{\"session_id\":\"s\"}"),
        crate::sources::kept_unit(
            "00/c9e2351016/0/full.jsonl",
            &[],
            b"{\"type\":\"user\",\"message\":{\"content\":\"x\"}}\n",
        ),
    ]
}

/// Whatever a source makes of bytes is a record with an id of its own, and names no home.
pub(super) fn read_source(bytes: &[u8]) -> bool {
    let mut any = false;
    let mut documents = crate::sources::documents::Documents::default();
    let mut whole = 0;
    let mut take = |document: Option<&[u8]>| {
        whole += document.map_or(0, <[u8]>::len);
        Ok::<(), ()>(())
    };
    documents.feed(bytes, &mut take).and_then(|()| documents.end(&mut take)).expect("nothing fails");
    assert!(whole <= bytes.len(), "documents have more in them than the file");
    for source in crate::sources::ALL {
        any |= source.recognises(bytes);
        let mut all: Vec<Value> = Vec::new();
        let mut reader = source.begin();
        reader.line(Some(bytes), &mut all);
        reader.line(Some(bytes), &mut all);
        reader.end("sha256:00", &mut all);
        for document in all {
            let draft = Draft::read(&document, Origin::Captured, &mut |bytes| bytes.fill(7)).expect("a record");
            let id = draft.text("source_id").expect("it would be recorded again and again");
            assert!(!crate::record::draft::has_address(id), "somebody's address");
            let target = draft.text("target").unwrap_or_default();
            assert!(!crate::record::draft::is_outside(target), "a place of this machine");
        }
    }
    any
}

pub(super) fn hooked() -> Vec<Vec<u8>> {
    let event = |name: &str, tool: &str, input: Value| {
        json!({ "session_id": "s", "transcript_path": "/home/a/t.jsonl", "cwd": "/w/app", "permission_mode": "default",
            "hook_event_name": name, "tool_name": tool, "tool_use_id": "t", "tool_input": input, "agent_type": "Explore",
            "tool_response": { "stdout": "x" }, "error": "e", "source": "startup", "model": "m" })
    };
    let patch = json!({ "command": "*** Begin Patch\n*** Update File: a.rs\n*** End Patch" });
    let record =
        json!({ "kind": "action", "action_type": "deploy", "session_id": "s", "source_id": "1", "command": "c" });
    let events = [
        event("PreToolUse", "Bash", json!({ "command": "ls" })),
        event("PostToolUse", "Edit", json!({ "file_path": "/w/app/a" })),
        event("PostToolUseFailure", "apply_patch", patch),
        event("PermissionRequest", "Bash", json!({})),
        event("SessionStart", "", json!({})),
        event("SessionEnd", "", json!({})),
        record,
    ];
    events.iter().map(|event| event.to_string().into_bytes()).collect()
}

/// Whatever an agent hands to its hook is a record with an id of its own, holds no text that is never kept, and is the same one when
/// it is read from a spool; or it is missed.
pub(super) fn read_hooked(bytes: &[u8]) -> bool {
    use crate::sources::hook::{AGENTS, Around, hear};
    let now = crate::model::Timestamp::from_unix(1_767_323_045).expect("a time");
    let around = Around { now, project: None, execution: Some("e".into()), agent: Some("s/a".into()) };
    let mut any = false;
    for agent in AGENTS {
        let heard = hear(agent, bytes, &around);
        let Some(record) = heard.record else { continue };
        let draft = Draft::read(&record, Origin::Captured, &mut |bytes| bytes.fill(7));
        let draft = match draft {
            Ok(draft) => draft,
            Err(_) if agent.name == "json" => continue,
            Err(e) => panic!("{}: no record: {e}", agent.name),
        };
        any = true;
        assert!(agent.name == "json" || draft.text("source_id").is_some(), "it would be recorded again and again");
        assert!(!crate::record::draft::is_outside(draft.text("target").unwrap_or_default()), "a place of this machine");
        let mut document = Value::Object(draft.document());
        if heard.counts {
            crate::flow::audit::hooked::numbered(&mut document, 7);
        }
        let line = document.to_string();
        let read = crate::flow::audit::hooked::waited(line.as_bytes(), &mut |bytes| bytes.fill(8));
        assert!(line.len() > 1 << 16 || read.len() == 1, "what waits is lost: {line}");
    }
    let _ = crate::flow::audit::hooked::waited(bytes, &mut |bytes| bytes.fill(8));
    any
}
