//! Session files of agents in the audit log: what was done, and nothing of what was said.

use crate::audit::{LOG, done, ends, holds, started};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

const SECRET: &str = concat!("ghp_", "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8");

/// Two calls, one with its result, between things that are nobody's business.
fn session() -> String {
    let line = |value: Value| value.to_string() + "\n";
    let head = |kind: &str, second: u32, message: Value| {
        json!({ "type": kind, "uuid": format!("u{second}"), "sessionId": "s-1", "cwd": "/home/alice/app", "version": "2.1.0",
            "gitBranch": "main", "timestamp": format!("2026-01-02T03:04:{second:02}.000Z"), "message": message })
    };
    let call =
        |id: &str, name: &str, input: Value| json!({ "type": "tool_use", "id": id, "name": name, "input": input });
    let calls = json!({ "model": "claude-x", "content": [{ "type": "text", "text": "the secret plan" },
        call("t1", "Bash", json!({ "command": format!("curl -H {SECRET} /home/alice/x") })),
        call("t2", "Edit", json!({ "file_path": "/home/alice/app/src/a.rs", "new_string": "fn planted() {}" })),
        call("t3", "Read", json!({ "file_path": "/home/alice/.netrc" })),
        call("t4", "WebFetch", json!({ "url": format!("https://example.com/?token={SECRET}") }))] });
    let result =
        |id: &str| json!({ "type": "tool_result", "tool_use_id": id, "content": "planted output", "is_error": false });
    [
        line(head("user", 1, json!({ "content": "alice@example.com asks" }))),
        line(head("assistant", 2, calls)),
        line(head("user", 3, json!({ "content": [result("t1"), result("t2"), result("t3"), result("t4")] }))),
        "{\"type\":\"user\",\n".to_owned(),
        line(json!({ "type": "summary", "summary": "the secret plan" })),
    ]
    .concat()
}

#[test]
fn a_session_is_recorded_once_and_nothing_of_what_was_said_is_kept() {
    let world = started();
    world.write("session.jsonl", session());
    let record = ["record", "--session", "session.jsonl", "--agent", "platform/builder", "--execution", "exec-1"];
    let said = done(&world, &record);
    assert!(said.starts_with("claude-code: 4 tool calls in 5 lines; 7 records new, 0 in the log already\n"), "{said}");
    assert!(said.contains("1 line or part could not be read") && said.contains("withheld"), "{said}");
    let log = world.root().join(LOG);
    assert!(holds(&log, "file_modify"), "the search finds what is there");
    for text in ["/home/alice", "alice@example.com", SECRET, "planted", "the secret plan", "curl"] {
        assert!(!holds(&log, text), "{text}");
    }
    let shown: Value = serde_json::from_str(&done(&world, &["show", "exec-1", "--format", "json"])).unwrap();
    let records = shown["records"].as_array().unwrap();
    let action = |id: &str| {
        let found = records.iter().find(|r| r["record"]["source_id"] == id).unwrap();
        (found["index"].to_string(), found["record"].clone())
    };
    let (number, bash) = action("t1");
    assert_eq!(
        (&bash["action_type"], &bash["result"], &bash["target"]),
        (&json!("command_run"), &json!("ok"), &Value::Null)
    );
    world.write("command", format!("curl -H {SECRET} /home/alice/x"));
    assert!(done(&world, &["match", &number, "--field", "command", "command"]).starts_with("yes"));
    let (number, edit) = action("t2");
    assert_eq!(
        (&edit["target"], &edit["branch"], &edit["model"]),
        (&json!("src/a.rs"), &json!("main"), &json!("claude-x"))
    );
    assert_eq!(edit["known"], Value::Null, "what a transcript says is declared");
    world.write("output", "planted output");
    assert!(done(&world, &["match", &number, "--field", "output", "output"]).starts_with("yes"));
    assert!(action("t3").1["target"].is_null() && action("t4").1["target"].is_null(), "withheld");
    // Again it adds nothing; a longer one what is new.
    let said = done(&world, &record);
    assert!(said.starts_with("claude-code: 4 tool calls in 5 lines; 0 records new, 7 in the log already\n"), "{said}");
    let more = session().replace("t1", "u1").replace("t2", "u2").replace("t3", "u3").replace("t4", "u4");
    world.write("session.jsonl", session() + &more);
    let said = done(&world, &record);
    assert!(said.contains("8 tool calls in 10 lines; 6 records new, 6 in the log already\n"), "{said}");
    let verified = done(&world, &["verify"]);
    assert!(verified.contains("14 records: 14 verified") && verified.contains("2 lost events"), "{verified}");
}

#[test]
fn a_session_that_says_something_else_under_an_id_is_told() {
    let world = started();
    let record = ["record", "--session", "session.jsonl", "--format", "json"];
    let run = |session: String| -> Value {
        world.write("session.jsonl", session);
        serde_json::from_str(&done(&world, &record)).unwrap()
    };
    assert_eq!(run(session())["differs"], json!([]));
    // As long as before, so that only its hash says that it is another; and one that was said to have gone well.
    let said = run(session().replace("curl -H", "wget -H").replace("fn planted", "fn pIanted"));
    assert_eq!(said["differs"], json!([2, 3]), "{said}");
    assert_eq!((&said["new"], &said["known"]), (&json!(1), &json!(4)), "the end of another file: {said}");
    let shown = done(&world, &record[..3]);
    assert!(
        shown.contains("2 differ from what was recorded under the same id, and are not recorded: see 2, 3"),
        "{shown}"
    );
    world.write("command", format!("curl -H {SECRET} /home/alice/x"));
    assert!(done(&world, &["match", "2", "--field", "command", "command"]).starts_with("yes"), "the first stays");
}

#[test]
fn paths_of_this_machine_are_kept_nowhere_whatever_they_are_called() {
    let world = started();
    let place = "/srv/people/bob";
    let mut session = session().replace("\"cwd\":\"/home/alice/app\"", "\"cwd\":\"/\"");
    for (old, new) in [
        ("\"name\":\"Edit\"", "\"name\":\"PLACE/tool\""),
        ("\"gitBranch\":\"main\"", "\"gitBranch\":\"PLACE\""),
        ("\"model\":\"claude-x\"", "\"model\":\"PLACE/m\""),
        ("\"sessionId\":\"s-1\"", "\"sessionId\":\"PLACE/s\""),
        ("\"id\":\"t1\"", "\"id\":\"PLACE/t1\""),
        ("\"tool_use_id\":\"t1\"", "\"tool_use_id\":\"PLACE/t1\""),
    ] {
        assert!(session.contains(old), "{old}: {session}");
        session = session.replace(old, &new.replace("PLACE", place));
    }
    world.write("session.jsonl", session);
    let record = ["record", "--session", "session.jsonl", "--execution", "exec-1"];
    let said = done(&world, &record);
    assert!(said.starts_with("claude-code: 4 tool calls in 5 lines; 7 records new, 0 in the log already\n"), "{said}");
    let log = world.root().join(LOG);
    assert!(holds(&log, "file_read"), "the search finds what is there");
    let shown = done(&world, &["show", "--format", "json"]);
    for text in [place, "people/bob", "/home/alice", "home/alice"] {
        assert!(!holds(&log, text), "{text}");
        assert!(!shown.contains(text), "{text}: {shown}");
    }
    // What is named so is known again all the same.
    let said = done(&world, &record);
    assert!(said.contains("; 0 records new, 7 in the log already\n"), "{said}");
}

#[test]
fn a_call_whose_id_is_withheld_is_known_again() {
    let world = started();
    let session = session().replace("\"t1\"", &format!("\"{SECRET}\""));
    world.write("session.jsonl", &session);
    let record = ["record", "--session", "session.jsonl", "--execution", "exec-1"];
    done(&world, &record);
    assert!(!holds(&world.root().join(LOG), SECRET));
    let said = done(&world, &record);
    assert!(said.contains("; 0 records new, 7 in the log already\n"), "{said}");
    // Another call under such an id is another record: nothing of the id is there by which it could be compared.
    world.write("session.jsonl", session.replace("curl -H", "wget -H"));
    let said = done(&world, &record);
    assert!(said.contains("; 2 records new, 5 in the log already\n"), "{said}");
}

#[test]
fn hostile_and_strange_files_are_taken_or_refused_and_stop_nothing() {
    let world = started();
    world.write("none.jsonl", "hello\n{}\n");
    assert!(ends(&world, 2, &["record", "--session", "none.jsonl"]).contains("nothing of it is of a format"));
    assert!(done(&world, &["verify"]).contains(" 1 record:"), "nothing was recorded");
    // A line of 20 MB, one that is deep, bytes that are no text, and no end of the last line.
    let mut bytes = session().into_bytes();
    bytes.extend(b"{\"type\":\"user\",\"message\":\"".iter().chain(&vec![b'x'; 20 << 20]).chain(b"\"}\n"));
    bytes.extend(b"[".repeat(100_000).iter().chain(b"\n\xff\xfe\n\0\n"));
    bytes.extend(session().replace("t1", "v1").replace("s-1", "s\\u0000").trim_end().bytes());
    fs::write(world.root().join("hostile.jsonl"), bytes).unwrap();
    let said = done(&world, &["record", "--session", "hostile.jsonl"]);
    assert!(
        said.starts_with(
            "claude-code: 5 tool calls in 14 lines; 13 records new, 0 in the log already\n6 lines or parts"
        ),
        "{said}"
    );
    assert!(done(&world, &["verify"]).contains(" 0 unexplained"));
}

#[test]
fn the_session_files_that_others_published_are_taken() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/vectors/transcripts");
    let Ok(files) = fs::read_dir(&folder) else { return };
    let world = started();
    let mut taken = Vec::new();
    for file in files.map(|f| f.unwrap().path()).filter(|f| f.extension().is_some_and(|e| e == "jsonl")) {
        let args = ["record", "--session", file.to_str().unwrap(), "--format", "json"];
        let first: Value = serde_json::from_str(&done(&world, &args)).unwrap();
        let again: Value = serde_json::from_str(&done(&world, &args)).unwrap();
        assert_eq!(again["new"], 0, "{}", file.display());
        taken.push((
            file.file_stem().unwrap().to_str().unwrap().to_owned(),
            first["actions"].clone(),
            first["broken"].clone(),
        ));
    }
    taken.sort_by(|a, b| a.0.cmp(&b.0));
    let expected =
        [("edge_cases", 3, 7), ("representative_messages", 2, 0), ("session_b", 0, 0), ("todowrite_examples", 3, 0)];
    assert_eq!(taken, expected.map(|(name, actions, broken)| (name.to_owned(), json!(actions), json!(broken))));
    assert!(done(&world, &["verify"]).contains(" 0 unexplained"));
}
