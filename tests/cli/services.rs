//! Services that sign or witness, each down, slow, limiting, failing or talking nonsense: `create` ends within its
//! deadline, says which and how, and nothing is lost.
#![expect(
    clippy::disallowed_methods,
    reason = "a test: runs the built binary, serves on loopback and looks at the clock"
)]

use crate::world::World;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use sigstore_verify::trust_root::SigstoreInstance;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::process::Output;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Answers every request the same way, on a thread that ends with the process.
#[derive(Clone)]
struct Service {
    url: String,
    count: Arc<AtomicUsize>,
    seen: Arc<Mutex<Vec<String>>>,
}

#[derive(Clone)]
enum Behaviour {
    Answer(u16, &'static str),
    Silent,
}

impl Service {
    fn start(behaviour: Behaviour) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let service = Self { url, count: Arc::default(), seen: Arc::default() };
        let (count, seen) = (service.count.clone(), service.seen.clone());
        std::thread::spawn(move || {
            let mut held = Vec::new();
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                count.fetch_add(1, Ordering::SeqCst);
                let Behaviour::Answer(status, body) = behaviour else {
                    held.push(stream);
                    continue;
                };
                let request = read_request(&mut stream);
                seen.lock().unwrap().push(request);
                let head =
                    format!("HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
                let _ = stream.write_all(format!("{head}{body}").as_bytes());
            }
        });
        service
    }

    fn count(&self) -> usize {
        self.count.load(Ordering::SeqCst)
    }
}

fn read_request(stream: &mut std::net::TcpStream) -> String {
    stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let n = stream.read(&mut buffer).unwrap_or(0);
        bytes.extend_from_slice(&buffer[..n]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            assert!(n > 0, "a request without an end");
            continue;
        };
        let length = head
            .to_ascii_lowercase()
            .split("content-length: ")
            .nth(1)
            .map_or(0, |rest| rest.lines().next().unwrap().trim().parse::<usize>().unwrap());
        if n == 0 || body.len() >= length {
            return text;
        }
    }
}

fn token(expires: i64) -> String {
    let claims = json!({ "iss": "https://issuer.example", "sub": "who", "aud": "sigstore", "exp": expires });
    format!("eyJhbGciOiJub25lIn0.{}.c2lnbmVk", URL_SAFE_NO_PAD.encode(claims.to_string()))
}

const LATER: i64 = 4_000_000_000;

/// A world with a token, and a root that is well formed.
fn world() -> World {
    let world = World::new();
    world.write("token", token(LATER));
    world.write("root.json", SigstoreInstance::Staging.embedded_trusted_root_json());
    world
}

fn create(world: &World, more: &[&str]) -> (Output, Duration) {
    let began = Instant::now();
    let common = ["create", "app", "--outbox", "box", "--trusted-root", "root.json", "--timeout", "2s"];
    let out = world.attest(&[&common, more].concat());
    (out, began.elapsed())
}

fn error(out: &Output) -> String {
    String::from_utf8_lossy(&out.stderr).into_owned()
}

fn kept(world: &World) -> usize {
    let files = fs::read_dir(world.root().join("box")).map(|d| d.map(|e| e.unwrap().path()).collect::<Vec<_>>());
    files.unwrap_or_default().iter().filter(|p| p.extension().is_some_and(|e| e == "json")).count()
}

/// How a service can fail; what the message then says; how often it is asked.
fn failures() -> Vec<(&'static str, String, Option<Service>, &'static str)> {
    let serve = |behaviour| Service::start(behaviour);
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut out = vec![
        ("refused", format!("http://{closed}"), None, "connection refused"),
        ("no name", "https://no-such-host.invalid".into(), None, "its name cannot be resolved"),
    ];
    for (name, behaviour, text) in [
        ("silent", Behaviour::Silent, "timed out after 2 s"),
        ("500", Behaviour::Answer(500, "on fire"), "status 500: on fire (tried "),
        ("429", Behaviour::Answer(429, "slower"), "status 429: slower (tried "),
        ("garbage", Behaviour::Answer(200, "<html>"), "as its answer, found"),
        ("no", Behaviour::Answer(400, "not you"), "refused with status 400: not you"),
    ] {
        let service = serve(behaviour);
        out.push((name, service.url.clone(), Some(service), text));
    }
    out
}

#[track_caller]
fn fails(name: &str, out: &(Output, Duration), world: &World, service: &str, text: &str) {
    let message = error(&out.0);
    assert_eq!(out.0.status.code(), Some(3), "{name}: {message}");
    assert!(message.contains("error[outbox-kept]"), "{name}: {message}");
    assert!(message.contains(service) && message.contains(text), "{name}: {message}");
    assert!(message.contains(" --sign sha256:"), "{name}: {message}");
    assert!(out.1 < Duration::from_secs(15), "{name}: {:?}", out.1);
    assert_eq!(kept(world), 1, "{name}");
    assert!(!fs::exists(world.root().join("app.sigstore.json")).unwrap(), "{name}");
}

#[test]
fn a_fulcio_that_fails_is_named_with_how_and_the_statement_is_kept() {
    for (name, url, _service, text) in failures() {
        let world = world();
        let services = ["--fulcio-url", &url, "--timestamp-url", "http://127.0.0.1:9/never"];
        let out = create(&world, &[&["--identity-token", "token"][..], &services].concat());
        fails(name, &out, &world, &format!("Fulcio at {url}"), text);
    }
}

#[test]
fn a_timestamp_authority_that_fails_is_asked_before_any_log() {
    for (name, url, _service, text) in failures() {
        let world = world();
        let log = Service::start(Behaviour::Answer(500, ""));
        let services = ["--timestamp-url", &url, "--rekor-url", &log.url];
        let out = create(&world, &[&["--key", "attest.key"][..], &services].concat());
        fails(name, &out, &world, &format!("the timestamp authority at {url}"), text);
        assert_eq!(log.count(), 0, "{name}: the log was asked, and keeps an entry that belongs to nothing");
    }
}

#[test]
fn a_log_that_fails_is_named_with_how() {
    for (name, url, _service, text) in failures() {
        let world = world();
        let out = create(&world, &["--key", "attest.key", "--rekor-url", &url]);
        fails(name, &out, &world, &format!("Rekor v1 at {url}"), text);
    }
}

#[test]
fn what_cannot_work_is_said_before_anything_is_sent() {
    let world = world();
    let ca = Service::start(Behaviour::Answer(500, ""));
    world.write("expired", token(1_000_000_000));
    let keyless = |more: &[&str]| {
        let out = create(&world, more);
        let message = error(&out.0);
        assert_eq!(out.0.status.code(), Some(2), "{more:?}: {message}");
        message
    };
    let time = ["--timestamp-url", ca.url.as_str()];
    let fulcio = ["--fulcio-url", ca.url.as_str()];
    let with = |token, rest: &[&[&str]]| keyless(&[&["--identity-token", token][..], &rest.concat()].concat());
    assert!(with("expired", &[&fulcio, &time]).contains("error[identity-token-unusable]"));
    assert!(with("absent", &[&fulcio, &time]).contains("absent"));
    assert!(with("app", &[&fulcio, &time]).contains("no JSON Web Token"));
    assert!(with("token", &[&fulcio]).contains("valid for minutes"));
    assert!(with("token", &[&time]).contains("--fulcio-url"));
    let v2 = ["--rekor-url", &ca.url, "--rekor-version", "2"];
    assert!(with("token", &[&fulcio, &v2]).contains("proves no time"));
    assert!(with("token", &[&["--fulcio-url", "http://ca.example"], &time]).contains("expected https"));
    assert!(keyless(&[&["--key", "attest.key"][..], &v2].concat()).contains("proves no time"));
    world.done(&["keygen", "--algorithm", "ed25519", "--output-key-prefix", "ed"]);
    assert!(keyless(&[&["--key", "ed.key"][..], &v2, &time].concat()).contains("Ed25519"));
    // Nobody could say later whether what these services signed is worth anything.
    let out = world.attest(&["create", "app", "--key", "attest.key", "--rekor-url", &ca.url]);
    assert!(error(&out).contains("--trusted-root"), "{}", error(&out));
    assert_eq!((ca.count(), kept(&world)), (0, 0));
}

#[test]
fn a_token_among_the_arguments_is_not_shown_to_a_build_step() {
    let world = world();
    let text = token(LATER);
    let out = create(&world, &["--identity-token", &text, "--", "touch", "ran"]);
    assert_eq!(out.0.status.code(), Some(2));
    assert!(error(&out.0).contains("could read a token") && !error(&out.0).contains(&text));
    assert!(!fs::exists(world.root().join("ran")).unwrap());
}

#[test]
fn a_variable_with_a_token_is_withheld_from_the_step_and_never_shown() {
    let world = world();
    let ca = Service::start(Behaviour::Answer(400, "no"));
    let text = token(LATER);
    let args = [
        "create",
        "app",
        "--identity-token",
        "env:MINE",
        "--fulcio-url",
        &ca.url,
        "--timestamp-url",
        &ca.url,
        "--trusted-root",
        "root.json",
        "--format",
        "json",
        "--",
        "sh",
        "-c",
        "env >seen",
    ];
    let out = world.attest_with(&[("MINE", &text), ("OTHER", "kept")], &args);
    let answer: Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!((out.status.code(), &answer["code"]), (Some(3), &json!("signing-refused")));
    let seen = world.read("seen");
    assert!(seen.contains("OTHER=kept") && !seen.contains("MINE"), "{seen}");
    assert!(!error(&out).contains(&text) && !String::from_utf8_lossy(&out.stdout).contains(&text));
    // The service was shown the token, a key and a proof that we hold it.
    let request = ca.seen.lock().unwrap().concat();
    assert!(request.starts_with("POST /api/v2/signingCert "), "{request}");
    assert!(request.contains(&text) && request.contains("proofOfPossession") && request.contains("BEGIN PUBLIC KEY"));
}

#[test]
fn what_an_authority_repeats_of_the_token_is_not_shown() {
    let (world, text) = (world(), token(LATER));
    for (said, shown) in [
        (text.clone(), false),
        (text[..text.len() - 1].to_owned(), false),
        (text[30..60].to_owned(), false),
        (URL_SAFE_NO_PAD.encode(&text), false),
        (r#"{"chain":1,"chain":2}"#.to_owned(), true),
    ] {
        for (status, body) in [(400, said.clone()), (200, format!(r#"{{"{said}":1,"{said}":2}}"#))] {
            let body = Box::leak(body.into_boxed_str()) as &'static str;
            let ca = Service::start(Behaviour::Answer(status, body));
            let services = ["--fulcio-url", &ca.url, "--timestamp-url", "http://127.0.0.1:9/never"];
            let out = create(&world, &[&["--identity-token", "token"][..], &services].concat());
            let message = error(&out.0);
            assert_eq!(out.0.status.code(), Some(3), "{message}");
            // Of a success, only what is wrong with it is quoted.
            assert!(!message.contains(&said) || (shown && status != 200), "{status}: {message}");
            assert!(shown || message.contains("its words repeat what was sent"), "{status}: {message}");
            assert!(!shown || message.contains("chain"), "{status}: {message}");
        }
    }
}

#[test]
fn a_runners_token_service_is_asked_with_its_bearer_for_our_audience() {
    let world = world();
    let body: &'static str = Box::leak(json!({ "value": token(LATER) }).to_string().into_boxed_str());
    let runner = Service::start(Behaviour::Answer(200, body));
    let ca = Service::start(Behaviour::Answer(400, "no"));
    let url = format!("{}/token?api-version=2", runner.url);
    let variables = [
        ("GITHUB_ACTIONS", "true"),
        ("ACTIONS_ID_TOKEN_REQUEST_URL", &*url),
        ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "b-73"),
    ];
    let create = ["create", "app", "--fulcio-url", &ca.url, "--timestamp-url", &ca.url, "--trusted-root", "root.json"];
    let out = world.attest_with(&variables, &create);
    assert!(error(&out).contains("error[signing-refused]"), "{}", error(&out));
    let request = runner.seen.lock().unwrap().concat();
    assert!(request.starts_with("GET /token?api-version=2&audience=sigstore "), "{request}");
    assert!(request.to_ascii_lowercase().contains("authorization: bearer b-73"), "{request}");

    let out = world.attest_with(&[("GITHUB_ACTIONS", "true")], &create);
    assert_eq!(out.status.code(), Some(2));
    assert!(error(&out).contains("error[no-signer]") && error(&out).contains("id-token: write"), "{}", error(&out));
}
