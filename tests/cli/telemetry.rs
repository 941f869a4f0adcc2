//! Telemetry that programs send to the server of an audit log, as exporters of OpenTelemetry do.

use crate::audit::{LOG, done, ends, holds, started};
use crate::serving::Server;
use crate::world::World;
use serde_json::{Value, json};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;

const TOKEN: &str = "0123456789abcdef0123456789abcdef";
const OTHER: &str = "fedcba9876543210fedcba9876543210";

fn attributes(all: &[(&str, Value)]) -> Value {
    let kind = |value: &Value| if value.is_string() { "stringValue" } else { "intValue" };
    json!(all.iter().map(|(name, value)| json!({ "key": name, "value": { kind(value): value } })).collect::<Vec<_>>())
}

/// Log records of Claude Code: a call, what was used, and a prompt, which says nothing of what was done.
fn logs(name: &str) -> Value {
    let at = "1790000000000000000";
    let own = [
        ("tool_name", json!(name)),
        ("tool_use_id", json!("t1")),
        ("session.id", json!("s-1")),
        ("success", json!("true")),
    ];
    let used = [
        ("session.id", json!("s-1")),
        ("model", json!("m-1")),
        ("input_tokens", json!(10)),
        ("output_tokens", json!(20)),
        ("event.sequence", json!(2)),
    ];
    let items = json!([
        { "timeUnixNano": at, "eventName": "claude_code.tool_result", "attributes": attributes(&own) },
        { "timeUnixNano": at, "eventName": "claude_code.api_request", "attributes": attributes(&used) },
        { "timeUnixNano": at, "eventName": "claude_code.user_prompt", "body": { "stringValue": "the secret plan" } },
    ]);
    let about = attributes(&[("service.name", json!("claude-code")), ("attest.execution", json!("exec-1"))]);
    json!({ "resourceLogs": [{ "resource": { "attributes": about }, "scopeLogs": [{ "logRecords": items }] }] })
}

fn spans() -> Value {
    let own = attributes(&[
        ("gen_ai.operation.name", json!("execute_tool")),
        ("gen_ai.tool.name", json!("Edit")),
        ("gen_ai.conversation.id", json!("g-1")),
    ]);
    let span = json!({ "traceId": "5b8efff798038103d269b633813fc60c", "spanId": "eee19b7ec3c1b174",
        "startTimeUnixNano": "1790000000000000000", "endTimeUnixNano": "1790000001000000000", "attributes": own });
    json!({ "resourceSpans": [{ "scopeSpans": [{ "spans": [span] }] }] })
}

/// Sends a request, and gives the status, the head and the body of the answer.
fn post(server: &Server, path: &str, headers: &[&str], body: &[u8]) -> (u16, String, Value) {
    let mut stream = TcpStream::connect(&server.address).unwrap();
    let more: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
    let length = body.len();
    let head =
        format!("POST {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n{more}content-length: {length}\r\n\r\n");
    // A server that refuses does not read on.
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body));
    let mut out = Vec::new();
    let _ = stream.read_to_end(&mut out);
    let text = String::from_utf8_lossy(&out);
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head.get(9..12).and_then(|status| status.parse().ok()).unwrap_or_default();
    (status, head.to_ascii_lowercase(), serde_json::from_str(body).unwrap_or_default())
}

/// The first line of the answer to a request that was not sent whole.
fn begun(server: &Server, head: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(&server.address).unwrap();
    stream.write_all(format!("POST /v1/logs HTTP/1.1\r\nhost: a\r\n{head}\r\n\r\n").as_bytes()).unwrap();
    let _ = stream.write_all(body.as_bytes());
    let mut start = [0; 12];
    let _ = stream.read_exact(&mut start);
    String::from_utf8_lossy(&start).into_owned()
}

const JSON: &str = "content-type: application/json; charset=utf-8";

fn bearer(token: &str) -> String {
    format!("authorization: Bearer {token}")
}

fn sent(server: &Server, path: &str, body: &Value) -> (u16, Value) {
    let (status, _, answer) = post(server, path, &[&bearer(TOKEN), JSON], body.to_string().as_bytes());
    (status, answer)
}

fn serving() -> (World, Server) {
    let world = started();
    world.write("tokens", format!("# machines\nrunner-1 {TOKEN}\nlaptop {OTHER}\n"));
    let server = Server::start(&world, LOG, &["--token-file", "tokens", "--sync"]);
    (world, server)
}

fn records(world: &World) -> Vec<Value> {
    let shown: Value = serde_json::from_str(&done(world, &["show", "--last", "5000", "--format", "json"])).unwrap();
    let all = shown["records"].as_array().unwrap().iter().map(|r| r["record"].clone());
    all.filter(|r| r["source"] == "import otlp").collect()
}

#[test]
fn telemetry_is_recorded_once_with_the_machine_that_sent_it() {
    let (world, server) = serving();
    assert_eq!(sent(&server, "/v1/logs", &logs("Bash")), (200, json!({})));
    assert_eq!(sent(&server, "/v1/traces", &spans()), (200, json!({})));
    let all = records(&world);
    assert_eq!(all.len(), 3, "{all:?}");
    assert!(all.iter().all(|r| r["machine"] == "runner-1"), "{all:?}");
    assert_eq!((&all[0]["action_type"], &all[0]["execution_id"]), (&json!("command_run"), &json!("exec-1")));
    assert_eq!((&all[1]["tokens_in"], &all[1]["tokens_out"]), (&json!(10), &json!(20)));
    // Again, as an exporter sends what it got no answer to.
    assert_eq!(sent(&server, "/v1/logs", &logs("Bash")), (200, json!({})));
    assert_eq!(sent(&server, "/v1/traces", &spans()), (200, json!({})));
    assert_eq!(records(&world).len(), 3, "it adds nothing");
    // Something else under the same id stays out, and so does the same from another machine.
    let (status, answer) = sent(&server, "/v1/logs", &logs("Read"));
    assert_eq!((status, &answer["partialSuccess"]["rejectedLogRecords"]), (200, &json!("1")), "{answer}");
    let (status, _, answer) = post(&server, "/v1/traces", &[&bearer(OTHER), JSON], spans().to_string().as_bytes());
    assert_eq!((status, &answer["partialSuccess"]["rejectedSpans"]), (200, &json!("1")), "{answer}");
    let mut broken = spans();
    broken["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array_mut().unwrap().push(json!(42));
    let (status, answer) = sent(&server, "/v1/traces", &broken);
    let expected = json!({ "partialSuccess": { "rejectedSpans": "1", "errorMessage": "1 could not be read" } });
    assert_eq!((status, answer), (200, expected));
    assert_eq!(records(&world).len(), 3);
    assert!(done(&world, &["verify"]).starts_with("OK "));
    drop(server);
    std::fs::remove_file(world.root().join(LOG).join("socket")).unwrap();
    assert!(holds(&world.root().join(LOG), "runner-1") || holds(&world.root().join(LOG), "command_run"), "it finds");
    assert!(!holds(&world.root().join(LOG), "the secret plan") && !holds(&world.root().join(LOG), TOKEN));
    // The file that a collector writes of the same is the same, but that nobody says which machine it was.
    world.write("logs.json", logs("Bash").to_string());
    let said = done(&world, &["import", "otlp", "logs.json"]);
    assert!(said.contains("0 new") && said.contains("2 differ"), "{said}");
}

#[test]
fn without_a_token_of_the_list_nothing_is_taken() {
    let (world, server) = serving();
    let body = logs("Bash").to_string();
    let wrong = [
        "accept: */*".to_owned(),
        bearer(&format!("{TOKEN}0")),
        bearer(&TOKEN.to_uppercase()),
        format!("authorization: Basic {TOKEN}"),
        bearer("runner-1"),
        bearer(""),
        "authorization:".to_owned(),
    ];
    for header in &wrong {
        for path in ["/v1/logs", "/v1/traces"] {
            let (status, head, answer) = post(&server, path, &[header, JSON], body.as_bytes());
            assert_eq!((status, &answer["code"]), (401, &json!(16)), "{header}: {head}");
            assert!(head.contains("www-authenticate: bearer"), "{head}");
            assert!(head.contains("content-type: application/json"), "{head}");
        }
    }
    assert_eq!(records(&world).len(), 0);
    assert_eq!(begun(&server, "content-length: 1000000", ""), "HTTP/1.1 401", "before the body is waited for");
    assert_eq!(post(&server, "/v1/logs", &[&bearer(TOKEN), JSON], body.as_bytes()).0, 200, "the twin");
    assert_eq!(records(&world).len(), 2);
    drop(server);
    let server = Server::start(&world, LOG, &[]);
    let (status, _, answer) = post(&server, "/v1/logs", &[&bearer(TOKEN), JSON], body.as_bytes());
    assert_eq!(status, 404, "nobody was named who may");
    assert!(answer["message"].as_str().unwrap().contains("--token-file"), "{answer}");
}

#[test]
fn what_is_no_telemetry_is_refused_as_the_specification_says() {
    let (world, server) = serving();
    let right = bearer(TOKEN);
    let ask = |headers: &[&str], body: &[u8]| {
        let (status, head, answer) = post(&server, "/v1/logs", &[&[right.as_str()], headers].concat(), body);
        let message = answer["message"].as_str().unwrap_or_default().to_owned();
        assert!(head.contains("content-type: application/json"), "{head}");
        assert!(status == 200 || !message.is_empty(), "{answer}");
        (status, message)
    };
    let body = logs("Bash").to_string();
    let (status, why) = ask(&["content-type: application/x-protobuf"], b"\x0a\x00");
    assert!(status == 415 && why.contains("OTEL_EXPORTER_OTLP_PROTOCOL=http/json"), "{why}");
    assert_eq!(ask(&[], body.as_bytes()).0, 415, "it does not say what it is");
    let (status, why) = ask(&[JSON, "content-encoding: gzip"], body.as_bytes());
    assert!(status == 415 && why.contains("OTEL_EXPORTER_OTLP_COMPRESSION=none"), "{why}");
    let twice = "{\"resourceLogs\":[],\"resourceLogs\":[]}";
    for bad in ["", "{", "[]", "{\"resourceLogs\":[", &spans().to_string(), twice] {
        assert_eq!(ask(&[JSON], bad.as_bytes()).0, 400, "{bad}");
    }
    let (_, why) = ask(&[JSON], b"{\"resourceLogs\": the secret plan}");
    assert!(!why.contains("secret"), "nothing of what was sent is repeated: {why}");
    assert_eq!(ask(&[JSON], b"{}").0, 200, "nothing is not wrong");
    let large = format!("{{\"resourceLogs\":[],\"x\":\"{}\"}}", "x".repeat(4 << 20));
    let head = format!("{right}\r\n{JSON}\r\ncontent-length: {}", large.len());
    assert_eq!(begun(&server, &head, ""), "HTTP/1.1 413", "by what it announces");
    let head = format!("{right}\r\n{JSON}\r\ntransfer-encoding: chunked");
    let chunk = format!("{:x}\r\n{large}\r\n", large.len());
    assert_eq!(begun(&server, &head, &chunk), "HTTP/1.1 413", "who announces nothing is cut off where the limit is");
    assert_eq!(records(&world).len(), 0);
    assert_eq!(ask(&[JSON], body.as_bytes()).0, 200, "and it serves on");
}

#[test]
fn large_requests_that_are_half_sent_keep_no_small_one_out() {
    let (world, server) = serving();
    let head = format!("{}\r\n{JSON}\r\ncontent-length: {}", bearer(TOKEN), 4 << 20);
    let half = |_| {
        let mut stream = TcpStream::connect(&server.address).unwrap();
        stream.write_all(format!("POST /v1/logs HTTP/1.1\r\nhost: a\r\n{head}\r\n\r\n{{").as_bytes()).unwrap();
        stream
    };
    let held: Vec<_> = (0..4).map(half).collect();
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert_eq!(sent(&server, "/v1/logs", &logs("Bash")).0, 200);
    // For one more large one there is no room, and it is told to come again.
    assert_eq!(begun(&server, &head, "{"), "HTTP/1.1 503");
    drop(held);
    assert_eq!(records(&world).len(), 2);
}

#[test]
fn a_list_of_tokens_that_is_none_starts_no_server() {
    let world = started();
    let serve = |code: i32| ends(&world, code, &["serve", "--listen", "127.0.0.1:0", "--token-file", "tokens"]);
    for bad in [String::new(), "runner-1 short\n".into(), format!("{TOKEN}\n"), format!("a {TOKEN}\nb {TOKEN}\n")] {
        world.write("tokens", &bad);
        let said = serve(2);
        assert!(said.contains("--token-file tokens") && !said.contains(TOKEN), "{said}");
    }
    assert!(ends(&world, 2, &["serve", "--token-file", "tokens"]).contains("--listen"));
}
