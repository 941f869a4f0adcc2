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
    vec![commit.into_bytes(), merge, call.to_string().into_bytes()]
}

/// Whatever a source makes of bytes is a record with an id of its own, and names no home.
pub(super) fn read_source(bytes: &[u8]) -> bool {
    let mut any = false;
    for source in crate::sources::ALL {
        any |= source.recognises(bytes);
        let mut all: Vec<Value> = Vec::new();
        let mut reader = source.begin();
        reader.line(Some(bytes), &mut all);
        reader.line(Some(bytes), &mut all);
        reader.end("sha256:00", &mut all);
        for document in all {
            let draft = Draft::read(&document, Origin::Captured, &mut |bytes| bytes.fill(7)).expect("a record");
            assert!(draft.text("source_id").is_some(), "it would be recorded again and again");
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
