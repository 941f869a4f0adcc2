//! What other agents and services keep, in the audit log: what was done, and nothing of what was said.

use crate::audit::{LOG, done, ends, holds, started};
use crate::audit_trace::Repository;
use crate::world::World;
use serde_json::{Value, json};

const SECRET: &str = concat!("ghp_", "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8");
/// What must be nowhere in a log.
const PLANTED: &[&str] = &[
    "/home/alice",
    "home/alice",
    "C:\\Users\\alice",
    "alice@example.com",
    SECRET,
    "the secret plan",
    "planted output",
    "curl -H",
    "fn planted",
];

/// What an import says: read, new, known, other, broken, withheld.
pub(crate) fn import(world: &World, args: &[&str]) -> [u64; 6] {
    let args = [&["import"][..], args, &["--format", "json"]].concat();
    let report: Value = serde_json::from_str(&done(world, &args)).unwrap();
    assert_eq!(report["differs"], json!([]), "{report}");
    ["read", "new", "known", "other", "broken", "withheld"].map(|name| report[name].as_u64().unwrap())
}

/// Records of the log, those of its settings left out.
fn records(world: &World) -> Vec<Value> {
    let shown: Value = serde_json::from_str(&done(world, &["show", "--last", "5000", "--format", "json"])).unwrap();
    let all = shown["records"].as_array().unwrap().iter().map(|r| r["record"].clone());
    all.filter(|r| r["source"].is_string()).collect()
}

pub(crate) fn of_id(world: &World, id: &str) -> Value {
    let all = records(world);
    all.iter().find(|r| r["source_id"] == id).unwrap_or_else(|| panic!("{id}: {all:?}")).clone()
}

pub(crate) fn nothing_is_planted(world: &World, what: &str) {
    let log = world.root().join(LOG);
    assert!(holds(&log, what), "the search finds what is there: {what}");
    for text in PLANTED {
        assert!(!holds(&log, text), "{text}");
    }
}

fn lines(values: &[Value]) -> String {
    values.iter().map(|value| value.to_string() + "\n").collect()
}

fn rollout() -> Vec<Value> {
    let line = |second: u32, kind: &str, payload: Value| json!({ "timestamp": format!("2026-02-23T11:40:{second:02}.100Z"), "type": kind, "payload": payload });
    let call = |second, name: &str, id: &str, input: Value| {
        let payload = json!({ "type": "function_call", "name": name, "arguments": input.to_string(), "call_id": id });
        line(second, "response_item", payload)
    };
    let output = |second, id: &str, text: &str| {
        line(second, "response_item", json!({ "type": "function_call_output", "call_id": id, "output": text }))
    };
    let tokens = |second, read: u64, cached: u64, out: u64| {
        let total = json!({ "input_tokens": read, "cached_input_tokens": cached, "output_tokens": out });
        line(second, "event_msg", json!({ "type": "token_count", "info": { "total_token_usage": total } }))
    };
    let patch = "*** Begin Patch\n*** Update File: src/a.rs\n+fn planted() {}\n*** Add File: /home/alice/app/src/b.rs\n\
                 *** Update File: /home/alice/.netrc\n*** End Patch";
    vec![
        line(
            1,
            "session_meta",
            json!({ "id": "s-1", "timestamp": "2026-02-23T11:40:00.500Z", "cwd": "/home/alice/app",
            "cli_version": "0.104.0", "model_provider": "openai", "base_instructions": { "text": "the secret plan" },
            "git": { "branch": "main", "commit_hash": "1cdfa7b17410e00cddbb7a4347336af2c6f80ee0",
                "repository_url": format!("https://x:{SECRET}@github.com/acme/app.git") } }),
        ),
        line(2, "turn_context", json!({ "cwd": "/home/alice/app", "model": "gpt-5.3-codex" })),
        line(3, "event_msg", json!({ "type": "user_message", "message": "alice@example.com: the secret plan" })),
        call(4, "exec_command", "c1", json!({ "cmd": format!("curl -H {SECRET}"), "workdir": "/home/alice/app" })),
        tokens(5, 1000, 600, 20),
        output(
            6,
            "c1",
            "Chunk ID: 1\nProcess exited with code 3\nOutput:\nplanted output\nProcess exited with code 0\n",
        ),
        tokens(7, 1000, 600, 20),
        line(
            8,
            "response_item",
            json!({ "type": "custom_tool_call", "status": "completed", "call_id": "c2",
            "name": "apply_patch", "input": patch }),
        ),
        line(
            9,
            "response_item",
            json!({ "type": "custom_tool_call_output", "call_id": "c2",
            "output": "{\"output\":\"planted output\",\"metadata\":{\"exit_code\":0}}" }),
        ),
        call(10, "shell", "c3", json!({ "command": ["bash", "-lc", "curl -H x"] })),
        tokens(11, 1500, 700, 50),
        line(
            1,
            "response_item",
            json!({ "type": "web_search_call", "action": { "type": "search", "query": "the secret plan" } }),
        ),
    ]
}

#[test]
fn a_rollout_of_codex_is_recorded_once_with_its_tokens_once_and_nothing_of_what_was_said() {
    let world = started();
    world.write("r.jsonl", lines(&rollout()));
    let args = ["codex", "r.jsonl", "--execution", "exec-1", "--agent", "platform/builder"];
    // Start, two sums, command, patch with three files, search, unanswered call, end.
    assert_eq!(import(&world, &args), [12, 11, 0, 8, 0, 1]);
    assert_eq!(import(&world, &args), [12, 0, 11, 8, 0, 1], "again it adds nothing");
    nothing_is_planted(&world, "gpt-5.3-codex");
    let command = of_id(&world, "c1");
    assert_eq!(
        (&command["exit_code"], &command["result"]),
        (&json!(3), &json!("error")),
        "above what it wrote: {command}"
    );
    assert_eq!((&command["model"], command.get("known")), (&json!("gpt-5.3-codex"), None), "declared: {command}");
    let number = records(&world).iter().position(|r| r["source_id"] == "c1").unwrap() + 1;
    world.write("command", format!("curl -H {SECRET}"));
    assert!(done(&world, &["match", &number.to_string(), "--field", "command", "command"]).starts_with("yes"));
    let patch = of_id(&world, "c2");
    assert_eq!((&patch["result"], patch.get("target")), (&json!("ok"), None), "{patch}");
    let file = |n: u32| {
        let one = of_id(&world, &format!("c2/file/{n}"));
        (one["action_type"].clone(), one["target"].clone())
    };
    assert_eq!(
        (file(1), file(2)),
        ((json!("file_modify"), json!("src/a.rs")), (json!("file_create"), json!("src/b.rs")))
    );
    assert_eq!(file(3), (json!("file_modify"), Value::Null), "withheld");
    assert_eq!(of_id(&world, "c3/unanswered")["result"], "unanswered");
    let start = of_id(&world, "s-1/start");
    assert_eq!(start["repository"], "https://github.com/acme/app");
    let used = |name: &str| -> u64 { records(&world).iter().filter_map(|r| r[name].as_u64()).sum() };
    assert_eq!([used("tokens_in"), used("tokens_cache_read"), used("tokens_out")], [800, 700, 50]);
    assert!(records(&world).iter().all(|r| r.get("tokens_cache_write").is_none()), "not said is no 0");
}

#[test]
fn what_a_rollout_below_another_repeats_is_its_parents() {
    let world = started();
    world.write("parent.jsonl", lines(&rollout()));
    import(&world, &["codex", "parent.jsonl"]);
    let before = records(&world).len();
    let below = |numbered: bool| {
        let meta = json!({ "id": if numbered { "s-2" } else { "s-3" }, "timestamp": "2026-02-23T11:50:00Z", "cwd": "/home/alice/app",
            "parent_thread_id": "s-1", "subagent_history_start_ordinal": if numbered { json!(13) } else { Value::Null } });
        let mut all = vec![json!({ "timestamp": "2026-02-23T11:50:00Z", "type": "session_meta", "payload": meta })];
        all.extend(rollout());
        let id = if numbered { "d1" } else { "e1" };
        let own =
            json!({ "type": "function_call", "name": "exec_command", "arguments": "{\"cmd\":\"ls\"}", "call_id": id });
        let total = json!({ "input_tokens": 1600, "cached_input_tokens": 700, "output_tokens": 55 });
        let used = json!({ "type": "token_count", "info": { "total_token_usage": total } });
        for (kind, payload) in [("response_item", own), ("event_msg", used)] {
            all.push(json!({ "timestamp": "2026-02-23T11:50:09Z", "type": kind, "payload": payload }));
        }
        if numbered {
            all.iter_mut().enumerate().for_each(|(at, line)| line["ordinal"] = json!(at));
        }
        lines(&all)
    };
    for (numbered, id, session) in [(true, "d1", "s-2"), (false, "e1", "s-3")] {
        world.write("below.jsonl", below(numbered));
        let [_, new, known, ..] = import(&world, &["codex", "below.jsonl"]);
        assert_eq!((new, known), (4, 0), "start, call, what was used, end");
        let call = of_id(&world, &format!("{id}/unanswered"));
        assert_eq!((&call["session_id"], &call["metadata"]["parent_session"]), (&json!(session), &json!("s-1")));
    }
    let own: Vec<Value> = records(&world).split_off(before);
    let used: Vec<&Value> = own.iter().filter(|r| r.get("tokens_out").is_some()).collect();
    assert_eq!(
        used.iter().map(|r| (r["tokens_in"].as_u64(), r["tokens_out"].as_u64())).collect::<Vec<_>>(),
        [(Some(100), Some(5)); 2]
    );
}

/// A file that is taken in up to each of some places, and then whole, says what the whole one says, and of what was cut only that it
/// was.
fn cut_anywhere_is_whole(source: &str, whole: &str, kinds: &[&str]) {
    let alone = started();
    alone.write("f", whole);
    import(&alone, &[source, "f"]);
    let ids = |world: &World| {
        records(world).into_iter().map(|r| r["source_id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let expected = ids(&alone);
    let world = started();
    for part in 1..12 {
        world.write("f", &whole.as_bytes()[..whole.len() * part / 12]);
        let args = ["import", source, "f"];
        let out = crate::audit::audit(&world, &args);
        assert!([Some(0), Some(2)].contains(&out.status.code()), "{}", String::from_utf8_lossy(&out.stderr));
    }
    world.write("f", whole);
    import(&world, &[source, "f"]);
    let found = ids(&world);
    for id in &expected {
        assert_eq!(found.iter().filter(|other| *other == id).count(), 1, "{id}: {found:?}");
    }
    for record in records(&world) {
        let id = record["source_id"].as_str().unwrap();
        let is_of_the_cut = kinds.contains(&record["kind"].as_str().unwrap()) || record["result"] == "unanswered";
        assert!(expected.iter().any(|other| other == id) || is_of_the_cut, "{record}");
    }
}

#[test]
fn a_rollout_that_was_cut_anywhere_is_whole_when_it_is_taken_in_again() {
    cut_anywhere_is_whole("codex", &lines(&rollout()), &["loss", "session"]);
}

#[test]
fn broken_and_large_lines_of_a_rollout_are_losses() {
    let world = started();
    let large = json!({ "timestamp": "x", "type": "response_item", "payload": { "type": "message", "text": "x".repeat(1 << 20) } });
    let nameless = json!({ "type": "response_item", "payload": { "type": "function_call", "call_id": "c9" } });
    let text = lines(&[&rollout()[..], &[large, nameless]].concat())
        + "{\"type\":\"response_item\",\n42\n"
        + &lines(&rollout());
    world.write("r.jsonl", text);
    let [read, new, _, _, broken, _] = import(&world, &["codex", "r.jsonl"]);
    assert_eq!((read, broken), (28, 3));
    assert_eq!(new, 11 + 3, "repeated lines are known");
    assert!(ends(&world, 2, &["import", "claude-code", "r.jsonl"]).contains("nothing of it is of a format"));
}

/// A pull request of `583231` and its reviews, as `gh api` prints them.
fn pull_request(head: &str, merge: &str, reviews: &[(u64, u64, &str, &str)]) -> (Value, Vec<Value>) {
    let user = |id: u64| json!({ "login": format!("user{id}"), "id": id, "type": "User", "html_url": "https://github.com/alice" });
    let request = json!({ "url": "https://api.github.com/repos/acme/app/pulls/57", "number": 57, "user": user(583_231),
        "title": "the secret plan", "body": format!("alice@example.com {SECRET} /home/alice curl -H"),
        "created_at": "2025-01-15T10:00:00Z", "merged_at": "2025-01-15T10:31:00Z", "closed_at": "2025-01-15T10:31:00Z",
        "merged_by": user(583_231), "merge_commit_sha": merge, "head": { "sha": head, "ref": "fix" }, "base": { "ref": "main" } });
    let review = |(id, who, state, commit): &(u64, u64, &str, &str)| {
        json!({ "id": id, "user": user(*who), "body": "fn planted", "state": state, "commit_id": commit,
            "submitted_at": "2025-01-15T10:11:00Z", "pull_request_url": "https://api.github.com/repos/acme/app/pulls/57" })
    };
    (request, reviews.iter().map(review).collect())
}

#[test]
fn who_approved_a_pull_request_approved_what_its_squash_made() {
    let world = started();
    let repository = Repository::new(&world);
    let alice = ("Alice", "583231+alice@users.noreply.github.com");
    let early = repository.commit(alice, "a", "Early");
    let head = repository.commit(alice, "a", "Head");
    let squash = repository.commit(alice, "b", "Fix (#57)");
    import(&world, &["git", "app"]);
    let reviews = [
        (1, 1024, "APPROVED", head.as_str()),
        (2, 2048, "APPROVED", &early),
        (3, 4096, "APPROVED", &head),
        (4, 4096, "CHANGES_REQUESTED", &head),
        (5, 8192, "DISMISSED", &head),
        (6, 1024, "COMMENTED", &head),
    ];
    let (request, reviews) = pull_request(&head, &squash, &reviews);
    world.write("pull.json", format!("{request:#}"));
    world.write("reviews.json", format!("{:#}\n", json!(reviews)));
    assert_eq!(import(&world, &["pull-requests", "reviews.json"]), [6, 11, 0, 0, 0, 0]);
    assert_eq!(import(&world, &["pull-requests", "pull.json"]), [1, 5, 0, 0, 0, 0]);
    assert_eq!(import(&world, &["pull-requests", "reviews.json"])[1..3], [0, 11], "again it adds nothing");
    nothing_is_planted(&world, "acme/app#57");
    let who = |commit: &str, code: i32| {
        let args = ["who-approved", &format!("commit:{commit}"), "--format", "json"];
        let said = ends(&world, code, &args);
        let said: Value = serde_json::from_str(said.lines().collect::<Vec<_>>().join("\n").trim()).unwrap();
        let names = |list: &str| {
            let all = said[list].as_array().unwrap().iter();
            all.map(|v| v["who"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        (names("approved"), names("notCounted"))
    };
    for commit in [&squash, &head] {
        let (yes, no) = who(commit, 0);
        assert_eq!(yes, ["github:1024"], "{no:?}");
        assert!(
            ["github:4096", "github:8192", "github:583231"].iter().all(|id| no.contains(&(*id).to_owned())),
            "{no:?}"
        );
    }
    assert_eq!(who(&early, 0).0, ["github:2048"], "that one was what they looked at");
    assert!(done(&world, &["trace", &format!("commit:{squash}")]).contains("github:1024"));
}

#[test]
fn pull_requests_are_read_however_they_stand_and_what_is_broken_is_a_loss() {
    let id = "0123456789abcdef0123456789abcdef01234567";
    let (request, reviews) = pull_request(id, id, &[(1, 1024, "APPROVED", id), (2, 1024, "APPROVED", id)]);
    let expected = {
        let world = started();
        world.write("f", format!("{request}\n{}\n{}\n", reviews[0], reviews[1]));
        import(&world, &["pull-requests", "f"]);
        records(&world)
    };
    for text in [
        format!("{request}{}{}", reviews[0], reviews[1]),
        format!("[{request}]\n[{}, {}]", reviews[0], reviews[1]),
        format!("{request:#}\n{:#}", json!([reviews])),
    ] {
        let world = started();
        world.write("f", &text);
        assert_eq!(import(&world, &["pull-requests", "f"]), [3, 9, 0, 0, 0, 0], "{text}");
        assert_eq!(records(&world), expected);
    }
    let world = started();
    let large = json!({ "pull_request_url": "x", "body": "x".repeat(17 << 20) });
    world.write(
        "f",
        format!(
            "{request}\n{{\"a\":\n{large}\n{{\"message\":\"Not Found\"}}\n{}\ngh: Not Found\n{}{}",
            reviews[0],
            "[".repeat(1000),
            "{\"a\":".repeat(1000)
        ),
    );
    assert_eq!(import(&world, &["pull-requests", "f"])[3..5], [1, 4]);
    assert!(ends(&world, 2, &["import", "pull-requests", "f", "--agent", "a/b"]).contains("--agent says nothing"));
    world.write("none", "{\"message\":\"Not Found\"}");
    assert!(ends(&world, 2, &["import", "pull-requests", "none"]).contains("nothing of it is of a format"));
    cut_anywhere_is_whole("pull-requests", &format!("{request:#}\n{:#}", json!([reviews])), &["loss"]);
}

#[test]
fn traces_are_recorded_in_both_shapes_without_their_commands_and_places() {
    let world = started();
    let id = "1a0c18c75bc19149cec8a0bc4c91115bf9a44469";
    let trace = |n: u32, path: &str, metadata: Value| {
        let contributor = json!({ "type": "ai", "model_id": "anthropic/claude-opus-4-8" });
        let conversation = json!({ "url": "file://c:\\Users\\alice\\x.jsonl", "contributor": contributor,
            "ranges": [{ "start_line": 13, "end_line": 13, "content_hash": "sha256:04d0" }, { "start_line": 18, "end_line": 20 }] });
        json!({ "version": "0.1.0", "id": format!("trace-{n}"), "timestamp": "2026-07-20T11:38:35.042Z",
            "vcs": { "type": "git", "revision": id }, "tool": { "name": "cursor", "version": "3.12.17" },
            "files": [{ "path": path, "conversations": [conversation] }], "metadata": metadata })
    };
    let flat = |path: &str, id: &str| {
        json!({ "schema": "agent-trace/v0.1.0", "session_id": "s-9", "file_path": path, "start_line": 2, "end_line": 7,
            "tool": "Write", "tool_use_id": id, "timestamp": "2026-06-12T08:45:13.515282+00:00" })
    };
    let all = [
        trace(1, "src\\lib\\data.ts", json!({ "conversation_id": "c-1", "prompt": "the secret plan" })),
        trace(2, ".shell-history", json!({ "conversation_id": "c-1", "command": format!("curl -H {SECRET}") })),
        trace(3, "C:\\Users\\alice\\x", Value::Null),
        trace(4, "../../x", json!({ "conversation_id": "alice@example.com" })),
        trace(5, ".sessions", json!({})),
        flat("/home/alice/app/src/a.rs", "t1"),
        flat("src/a.rs", "t2"),
        json!({ "something": "else" }),
    ];
    world.write("t", lines(&all) + "{\"version\":\"0.1.0\",\n");
    assert_eq!(import(&world, &["agent-trace", "t"]), [9, 7, 0, 2, 1, 4]);
    assert_eq!(import(&world, &["agent-trace", "t"])[1..3], [0, 7]);
    nothing_is_planted(&world, "claude-opus-4-8");
    assert!(!holds(&world.root().join(LOG), "Users"), "of Windows, too");
    let change = of_id(&world, "trace-1/1");
    assert_eq!((&change["target"], &change["commit"]), (&json!("src/lib/data.ts"), &json!(id)), "{change}");
    assert_eq!((&change["provider"], &change["model"]), (&json!("anthropic"), &json!("claude-opus-4-8")));
    assert_eq!(
        change["metadata"],
        json!({ "contributor": "ai", "lines": "13-13,18-20", "tool": "cursor", "tool_version": "3.12.17" })
    );
    let command = of_id(&world, "trace-2/1");
    assert_eq!((&command["action_type"], command.get("target")), (&json!("command_run"), None), "{command}");
    let number = records(&world).iter().position(|r| r["source_id"] == "trace-2/1").unwrap() + 1;
    world.write("command", format!("curl -H {SECRET}"));
    assert!(done(&world, &["match", &number.to_string(), "--field", "command", "command"]).starts_with("yes"));
    assert_eq!(
        (&of_id(&world, "trace-3/1")["target"], &of_id(&world, "t1/2-7")["target"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(
        (&of_id(&world, "t2/2-7")["target"], &of_id(&world, "t2/2-7")["action_type"]),
        (&json!("src/a.rs"), &json!("file_create"))
    );
    cut_anywhere_is_whole("agent-trace", &lines(&all), &["loss"]);
}

fn attribute(key: &str, value: Value) -> Value {
    let kind = if value.is_string() { "stringValue" } else { "intValue" };
    json!({ "key": key, "value": { kind: value } })
}

fn attributes(of: &[(&str, Value)]) -> Value {
    of.iter().map(|(key, value)| attribute(key, value.clone())).collect()
}

/// Events of Claude Code and Codex, and spans.
fn telemetry() -> String {
    let about = json!({ "attributes": attributes(&[("service.name", json!("claude-code")), ("service.version", json!("2.1.0"))]) });
    let private = [
        ("user.email", json!("alice@example.com")),
        ("session.id", json!("s-1")),
        ("prompt", json!("the secret plan")),
    ];
    let log = |second: u32, event: &str, more: &[(&str, Value)]| {
        json!({ "timeUnixNano": format!("17673230{second:02}000000000"), "body": { "stringValue": event },
            "attributes": attributes(&[&private[..], &[("event.sequence", json!(second))], more].concat()) })
    };
    let logs = [
        log(1, "claude_code.user_prompt", &[]),
        log(
            2,
            "claude_code.tool_decision",
            &[("tool_name", json!("Bash")), ("decision", json!("accept")), ("source", json!("user_temporary"))],
        ),
        log(
            3,
            "claude_code.tool_result",
            &[
                ("tool_name", json!("Bash")),
                ("success", json!("false")),
                (
                    "tool_parameters",
                    json!(json!({ "full_command": format!("curl -H {SECRET} /home/alice") }).to_string()),
                ),
            ],
        ),
        log(
            4,
            "claude_code.api_request",
            &[
                ("model", json!("claude-x")),
                ("input_tokens", json!("10")),
                ("output_tokens", json!(20)),
                ("cache_read_tokens", json!(30)),
                ("cost_usd", json!("0.0125")),
            ],
        ),
        log(5, "codex.sse_event", &[("event.kind", json!("response.completed")), ("input_token_count", json!("100"))]),
    ];
    json!({ "resourceLogs": [{ "resource": about, "scopeLogs": [{ "logRecords": logs }] }] }).to_string()
        + &json!({ "resourceSpans": [{ "scopeSpans": [{ "spans": spans() }] }] }).to_string()
}

fn spans() -> Value {
    let span = |id: &str, operation: &str, more: &[(&str, Value)]| {
        let own = [
            ("gen_ai.operation.name", json!(operation)),
            ("gen_ai.conversation.id", json!("g-1")),
            ("gen_ai.input.messages", json!("the secret plan")),
        ];
        json!({ "traceId": "5b8efff798038103d269b633813fc60c", "spanId": id, "name": "x", "startTimeUnixNano": "1767323045000000000",
            "endTimeUnixNano": "1767323046000000000", "status": { "code": 2 }, "attributes": attributes(&[&own[..], more].concat()) })
    };
    json!([
        span(
            "a1",
            "execute_tool",
            &[
                ("gen_ai.tool.name", json!("Edit")),
                ("gen_ai.tool.call.id", json!("t1")),
                ("gen_ai.agent.name", json!("eng/coder")),
                ("gen_ai.tool.call.arguments", json!("{\"new\":\"fn planted\"}")),
                ("gen_ai.tool.call.result", json!("planted output")),
            ],
        ),
        span(
            "a2",
            "chat",
            &[
                ("gen_ai.usage.input_tokens", json!(100)),
                ("gen_ai.usage.cache_read.input_tokens", json!(60)),
                ("gen_ai.usage.output_tokens", json!(7)),
            ],
        ),
        span(
            "a3",
            "invoke_agent",
            &[("gen_ai.agent.name", json!("/home/alice/agent")), ("gen_ai.usage.input_tokens", json!(100))],
        ),
        span("a4", "embeddings", &[]),
    ])
}

#[test]
fn telemetry_is_recorded_once_and_nothing_that_was_said_with_it() {
    let world = started();
    world.write("otel.json", telemetry());
    let args = ["otlp", "otel.json", "--execution", "exec-1"];
    assert_eq!(import(&world, &args), [9, 6, 0, 3, 0, 1]);
    assert_eq!(import(&world, &args)[1..3], [0, 6], "again it adds nothing");
    nothing_is_planted(&world, "claude-x");
    let all = records(&world);
    let used: Vec<[Value; 4]> = all
        .iter()
        .filter(|r| r["kind"] == "session")
        .map(|r| ["tokens_in", "tokens_out", "tokens_cache_read", "cost"].map(|name| r[name].clone()))
        .collect();
    let none = Value::Null;
    assert_eq!(
        used,
        [[json!(10), json!(20), json!(30), json!("0.0125")], [json!(40), json!(7), json!(60), none.clone()],],
        "of what was read how much was the cache's is not said of the third, so nothing is: {all:?}"
    );
    let decision = all.iter().find(|r| r["action_type"] == "permission_request").unwrap();
    assert_eq!(
        (&decision["result"], &decision["metadata"]["decided_by"]),
        (&json!("accept"), &json!("user_temporary"))
    );
    let bash = all.iter().find(|r| r["action_type"] == "command_run").unwrap();
    assert_eq!(
        (&bash["result"], &bash["agent_version"], bash["command"].is_object()),
        (&json!("error"), &json!("2.1.0"), true)
    );
    let edit = of_id(&world, "g-1/tool/5b8efff798038103d269b633813fc60c/a1");
    assert_eq!((&edit["agent"], &edit["result"]), (&json!("eng/coder"), &json!("error")));
    let agent = of_id(&world, "g-1/agent/5b8efff798038103d269b633813fc60c/a3");
    assert_eq!((&agent["agent"], agent.get("tokens_in")), (&Value::Null, None), "what is below is counted there");
}
