//! Each service that `create` needs, failing in each way: it ends within its deadline, says which and how, and loses
//! nothing; `flush` completes what is left, once, however often it is started and killed.
#![expect(clippy::disallowed_methods, reason = "a test: runs the built binary, and kills it")]

use crate::serve::{Asked, Reply, Server};
use crate::world::World;
use attest::model::oci::IMAGE_MANIFEST;
use attest::testing::Instance;
use attest::testing::registry::{Action, Behaviour, Fault, TestRegistry};
use attest::testing::sigstore::Request;
use base64::{Engine as _, engine::general_purpose::STANDARD, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const ISSUER: &str = "https://issuer.example";
const WORKFLOW: &str = "acme/app/.github/workflows/release.yml@refs/heads/main";

/// A way to fail.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Failing {
    Refusing,
    Slow,
    Limiting,
    Broken,
    Babbling,
}

impl Failing {
    const ALL: [Self; 5] = [Self::Refusing, Self::Slow, Self::Limiting, Self::Broken, Self::Babbling];

    fn reply(self) -> Reply {
        match self {
            Self::Refusing => panic!("nobody listens"),
            Self::Slow => Reply::Silence,
            Self::Limiting => Reply::Answer(429, "retry-after: 1\r\n".into(), b"slower".to_vec()),
            Self::Broken => Reply::status(500, "on fire"),
            Self::Babbling => Reply::status(200, "<html>"),
        }
    }

    /// What is said of a service other than a registry.
    fn words(self) -> &'static str {
        match self {
            Self::Refusing => "connection refused",
            Self::Slow => "timed out after 2 s",
            Self::Limiting => "status 429: slower, and asks to wait 1 s (tried ",
            Self::Broken => "status 500: on fire (tried ",
            Self::Babbling => "as its answer, found",
        }
    }
}

/// Services that sign and witness, and a runner that hands out tokens.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Service {
    Token,
    Fulcio,
    Timestamps,
    Rekor,
}

impl Service {
    fn of(asked: &Asked) -> Self {
        match asked.path() {
            "/token" => Self::Token,
            "/api/v2/signingCert" => Self::Fulcio,
            "/api/v1/timestamp" => Self::Timestamps,
            _ => Self::Rekor,
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Token => "the token service of GitHub Actions",
            Self::Fulcio => "Fulcio at",
            Self::Timestamps => "the timestamp authority at",
            Self::Rekor => "Rekor v1 at",
        }
    }
}

/// A Sigstore instance, an image in a registry, and a job of a CI system.
struct Scene {
    world: World,
    sigstore: Server,
    failing: Arc<Mutex<Option<(Service, Failing)>>>,
    subject: Mutex<String>,
}

fn token(subject: &str) -> String {
    let claims = json!({ "iss": ISSUER, "sub": subject, "aud": "sigstore", "exp": 4_000_000_000_i64,
        "job_workflow_ref": WORKFLOW });
    format!("eyJhbGciOiJub25lIn0.{}.c2lnbmVk", URL_SAFE_NO_PAD.encode(claims.to_string()))
}

fn manifest() -> String {
    let config = attest::model::Digest::sha256(b"{}").to_string();
    json!({
        "schemaVersion": 2,
        "mediaType": IMAGE_MANIFEST,
        "config": { "mediaType": "application/vnd.oci.image.config.v1+json", "digest": config, "size": 2 },
        "layers": [],
    })
    .to_string()
}

fn fill(registry: &TestRegistry) -> String {
    registry.put_blob("demo/app", b"{}");
    let image = registry.put_manifest("demo/app", Some("v1"), IMAGE_MANIFEST, manifest().as_bytes());
    format!("{}@{}", registry.name("demo/app"), image.digest)
}

impl Scene {
    fn new(subject: String) -> Self {
        let address = Some("https://github.com".to_owned());
        let instance = Instance { address, ..Instance::new("acme", 1).with_stamps(1) };
        let world = World::empty();
        world.write("root.json", instance.root().to_string());
        let failing: Arc<Mutex<Option<(Service, Failing)>>> = Arc::default();
        let state = failing.clone();
        let sigstore = Server::start(move |asked| {
            match *state.lock().unwrap() {
                Some((service, how)) if service == Service::of(asked) => return how.reply(),
                _ => {}
            }
            if asked.path() == "/token" {
                let who = if asked.head.contains("Bearer intruder") { "intruder" } else { "who" };
                return Reply::json(&json!({ "value": token(who) }));
            }
            let request = Request { path: asked.path(), body: &asked.body };
            instance.answer(request).map_or_else(
                || Reply::status(400, "no"),
                // As a Rekor answers, and no client minds elsewhere.
                |body| Reply::Answer(201, String::new(), body),
            )
        });
        Self { world, sigstore, failing, subject: Mutex::new(subject) }
    }

    fn subject(&self) -> String {
        self.subject.lock().unwrap().clone()
    }

    /// Address of a service; one that refuses is at a port where nobody listens.
    fn url(&self, service: Service) -> String {
        match *self.failing.lock().unwrap() {
            Some((s, Failing::Refusing)) if s == service => {
                format!("http://{}", TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap())
            }
            _ => self.sigstore.url.clone(),
        }
    }

    fn command(&self, runner: &str, args: &[&str]) -> Command {
        let mut program = Command::new(env!("CARGO_BIN_EXE_attest"));
        program.args(args).current_dir(self.world.root()).env_clear().env("PATH", std::env::var_os("PATH").unwrap());
        program.env("HOME", self.world.home()).envs([("GITHUB_ACTIONS", "true"), ("GITHUB_RUN_ID", "7")]);
        program.env("ACTIONS_ID_TOKEN_REQUEST_URL", format!("{}/token?v=1", self.url(Service::Token)));
        program.env("ACTIONS_ID_TOKEN_REQUEST_TOKEN", runner).stdin(Stdio::null());
        program.stdout(Stdio::piped()).stderr(Stdio::piped());
        program
    }

    fn signing(&self) -> Vec<String> {
        let words = [
            ("--fulcio-url", self.url(Service::Fulcio)),
            ("--rekor-url", self.url(Service::Rekor)),
            ("--timestamp-url", format!("{}/api/v1/timestamp", self.url(Service::Timestamps))),
            ("--trusted-root", "root.json".to_owned()),
            ("--outbox", "box".to_owned()),
        ];
        words.into_iter().flat_map(|(flag, value)| [flag.to_owned(), value]).collect()
    }

    fn create(&self, timeout: &str) -> Output {
        let (signing, subject) = (self.signing(), self.subject());
        let args: Vec<&str> = ["create", &subject, "--timeout", timeout].into_iter().collect();
        let args: Vec<&str> = args.into_iter().chain(signing.iter().map(String::as_str)).collect();
        self.command("runner", &args).output().unwrap()
    }

    fn flush(&self, runner: &str, sign: Option<&str>) -> Command {
        let signing = self.signing();
        let mut args = vec!["flush", "--format", "json", "--timeout", "30s"];
        args.extend(signing.iter().map(String::as_str));
        args.extend(sign.iter().flat_map(|digest| ["--sign", digest]));
        self.command(runner, &args)
    }

    fn kept(&self) -> Vec<PathBuf> {
        let files = fs::read_dir(self.world.root().join("box")).unwrap().map(|e| e.unwrap().path());
        files.filter(|p| p.extension().is_some_and(|e| e == "json")).collect()
    }

    fn attestations(&self) -> usize {
        let out = self.world.attest(&["list", &self.subject(), "--format", "json"]);
        let list: Value = serde_json::from_slice(&out.stdout).unwrap();
        match out.status.code() {
            Some(1) if list["code"] == "no-attestation" => 0,
            Some(0) => list["attestations"].as_array().unwrap_or_else(|| panic!("{list}")).len(),
            _ => panic!("{list}"),
        }
    }

    /// `create` has failed: it said so, and everything is still there. The digest to sign, if there is one.
    #[track_caller]
    fn has_kept(&self, name: &str, out: &Output, took: Duration) -> Option<String> {
        let message = error(out);
        assert_eq!(out.status.code(), Some(3), "{name}: {message}");
        assert!(message.contains("error[outbox-kept]"), "{name}: {message}");
        assert!(message.contains("attest flush --outbox box"), "{name}: {message}");
        // Four tries of a service, two seconds each, and a slow machine; nothing that waits for ever.
        assert!(took < Duration::from_secs(90), "{name}: {took:?}");
        assert_eq!(self.kept().len(), 1, "{name}");
        let sign = message.split("--sign ").nth(1)?;
        Some(sign.split_whitespace().next().unwrap().to_owned())
    }

    /// Everything is well again: one killed half way and two at once make one attestation, and it verifies.
    #[track_caller]
    fn is_completed(&self, name: &str, sign: Option<&str>) {
        assert_eq!(self.attestations(), 0, "{name}");
        let mut killed = self.flush("runner", sign).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(120));
        killed.kill().unwrap();
        killed.wait().unwrap();
        let both = [self.flush("runner", sign).spawn().unwrap(), self.flush("runner", sign).spawn().unwrap()];
        let outs = both.map(|child| child.wait_with_output().unwrap());
        for out in &outs {
            // Whoever comes second finds nothing of that digest left to sign.
            let late = sign.is_some() && out.status.code() == Some(2) && error(out).contains("outbox-entry-missing");
            assert!(out.status.success() || late, "{name}: {}", error(out));
        }
        let last = self.flush("runner", None).output().unwrap();
        assert_eq!(last.status.code(), Some(0), "{name}: {}", error(&last));
        assert!(self.kept().is_empty(), "{name}");
        assert_eq!(self.attestations(), 1, "{name}");
        let whom =
            ["--certificate-identity", "who", "--certificate-oidc-issuer", ISSUER, "--trusted-root", "root.json"];
        self.world.done(&[&["verify", &self.subject()][..], &whom].concat());
    }

    /// The provenance that was published.
    fn provenance(&self) -> Value {
        self.world.done(&["download", &self.subject(), "--output", "bundles.jsonl"]);
        let bundle: Value = serde_json::from_str(self.world.read("bundles.jsonl").lines().next().unwrap()).unwrap();
        let payload = STANDARD.decode(bundle["dsseEnvelope"]["payload"].as_str().unwrap()).unwrap();
        serde_json::from_slice::<Value>(&payload).unwrap()["predicate"].take()
    }
}

fn error(out: &Output) -> String {
    String::from_utf8_lossy(&out.stderr).into_owned()
}

/// One service, failing in each way.
#[track_caller]
fn fails_in_each_way(service: Service) {
    for how in Failing::ALL {
        let name = format!("{service:?} {how:?}");
        let registry = TestRegistry::start(Behaviour::default());
        let scene = Scene::new(fill(&registry));
        *scene.failing.lock().unwrap() = Some((service, how));
        let began = Instant::now();
        let out = scene.create(if how == Failing::Slow { "2s" } else { "20s" });
        let sign = scene.has_kept(&name, &out, began.elapsed()).unwrap_or_else(|| panic!("{name}: nothing to sign"));
        let message = error(&out);
        assert!(message.contains(service.words()) && message.contains(how.words()), "{name}: {message}");
        if service == Service::Timestamps {
            let logged = scene.sigstore.asked().iter().any(|a| Service::of(a) == Service::Rekor);
            assert!(!logged, "{name}: the log was asked, and keeps an entry that belongs to nothing");
        }
        *scene.failing.lock().unwrap() = None;

        // Nothing is signed that is not named, and nobody else signs what this identity left.
        let out = scene.flush("intruder", None).output().unwrap();
        assert_eq!((out.status.code(), scene.attestations()), (Some(0), 0), "{name}: {}", error(&out));
        if service != Service::Token {
            let out = scene.flush("intruder", Some(&sign)).output().unwrap();
            assert_eq!(out.status.code(), Some(1), "{name}: {}", error(&out));
            assert!(error(&out).contains("error[outbox-context-changed]"), "{name}: {}", error(&out));
        }
        let mut other = scene.flush("runner", Some(&sign));
        let out = other.env("GITHUB_RUN_ID", "8").output().unwrap();
        assert!(error(&out).contains("error[outbox-context-changed]"), "{name}: {}", error(&out));
        assert_eq!((scene.kept().len(), scene.attestations()), (1, 0), "{name}");

        scene.is_completed(&name, Some(&sign));
        let builder = format!("https://github.com/{WORKFLOW}");
        assert_eq!(scene.provenance()["runDetails"]["builder"]["id"], builder, "{name}");
    }
}

#[test]
fn a_token_service_that_fails_loses_nothing() {
    fails_in_each_way(Service::Token);
}

#[test]
fn a_fulcio_that_fails_loses_nothing() {
    fails_in_each_way(Service::Fulcio);
}

#[test]
fn a_timestamp_authority_that_fails_loses_nothing() {
    fails_in_each_way(Service::Timestamps);
}

#[test]
fn a_log_that_fails_loses_nothing() {
    fails_in_each_way(Service::Rekor);
}

#[test]
fn a_registry_that_fails_loses_nothing() {
    for how in Failing::ALL {
        let name = format!("registry {how:?}");
        let mut registry = None;
        let subject = match how {
            Failing::Refusing => {
                let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
                format!("{closed}/demo/app@{}", attest::model::Digest::sha256(manifest().as_bytes()))
            }
            _ => fill(registry.insert(TestRegistry::start(Behaviour::default()))),
        };
        let scene = Scene::new(subject);
        if let Some(registry) = &registry {
            registry.fault(Fault::on(
                "/v2/",
                match how {
                    Failing::Slow => Action::Delay(Duration::from_secs(60)),
                    Failing::Limiting => Action::rate_limit("1"),
                    Failing::Broken => Action::status(500),
                    _ => Action::body("text/html", "<html>"),
                },
            ));
        }
        let began = Instant::now();
        let out = scene.create(if how == Failing::Slow { "4s" } else { "20s" });
        let sign = scene.has_kept(&name, &out, began.elapsed());
        assert_eq!(sign, None, "{name}: what is signed is not signed again");
        match &registry {
            Some(registry) => registry.heal(),
            None => {
                let port = scene.subject().split(['/', ':']).nth(1).unwrap().parse().unwrap();
                fill(registry.insert(TestRegistry::start_at(port, Behaviour::default())));
            }
        }
        scene.is_completed(&name, None);
    }
}

#[test]
fn a_service_that_stands_in_for_one_that_is_down_is_asked_and_only_then() {
    let registry = TestRegistry::start(Behaviour::default());
    let scene = Scene::new(fill(&registry));
    let down = Server::start(|_| Reply::status(503, "closed"));
    let endpoint = |server: &Server, path: &str, operator: &str| {
        json!({ "url": format!("{}{path}", server.url), "majorApiVersion": 1, "operator": operator,
            "validFor": { "start": "2020-01-01T00:00:00Z" } })
    };
    let config = |first: &Server, second: &Server, selector: Value| {
        let both = |path| json!([endpoint(first, path, "a"), endpoint(second, path, "b")]);
        json!({
            "mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json",
            "caUrls": both(""), "rekorTlogUrls": both(""), "tsaUrls": both("/api/v1/timestamp"),
            "rekorTlogConfig": selector, "tsaConfig": selector,
        })
        .to_string()
    };
    let create = || {
        scene.world.write("app", "an application\n");
        let args = ["create", "app", "--signing-config", "config.json", "--trusted-root", "root.json"];
        scene.command("runner", &args).output().unwrap()
    };
    let any = json!({ "selector": "ANY" });
    scene.world.write("config.json", config(&down, &scene.sigstore, any.clone()));
    let out = create();
    assert_eq!(out.status.code(), Some(0), "{}", error(&out));
    let paths: Vec<_> = down.asked().iter().map(|a| a.path().to_owned()).collect();
    for path in ["/api/v2/signingCert", "/api/v1/timestamp", "/api/v1/log/entries"] {
        assert!(paths.iter().any(|p| p == path), "{path} was not tried first: {paths:?}");
    }
    // One that answers is enough.
    let before = down.asked().len();
    scene.world.write("config.json", config(&scene.sigstore, &down, any));
    assert_eq!(create().status.code(), Some(0));
    assert_eq!(down.asked().len(), before, "a service was asked that was not needed");
    // Of two that are demanded, one is not enough; both are named.
    for selector in [json!({ "selector": "ALL" }), json!({ "selector": "EXACT", "count": 2 })] {
        scene.world.write("config.json", config(&scene.sigstore, &down, selector));
        let message = error(&create());
        let expected =
            "signing-unavailable]: timestamp authorities: 2 wanted, and 1 failed: the timestamp authority at ";
        assert!(message.contains(expected) && message.contains("status 503: closed (tried "), "{message}");
    }
    let other = Server::start(|_| Reply::status(503, "closed too"));
    scene.world.write("config.json", config(&down, &other, json!({ "selector": "ANY" })));
    let message = error(&create());
    assert!(message.contains("certificate authorities: 1 wanted, and 2 failed: Fulcio at "), "{message}");
    assert!(message.contains("503: closed (") && message.contains("503: closed too ("), "{message}");
}

#[test]
fn a_key_is_timestamped_and_logged_and_a_policy_can_demand_both() {
    let scene = Scene::new(String::new());
    let world = &scene.world;
    world.write("app", "an application\n");
    world.done(&["keygen"]);
    let stamps = format!("{}/api/v1/timestamp", scene.sigstore.url);
    let create = |services: &[&str], output: &str| {
        let key = ["create", "app", "--key", "attest.key", "--output", output, "--trusted-root", "root.json"];
        world.done(&[&key[..], services].concat());
        let bundle: Value = serde_json::from_str(world.read(output).trim()).unwrap();
        let material = &bundle["verificationMaterial"];
        let count = |list: &Value| list.as_array().map_or(0, Vec::len);
        assert!(material["publicKey"].is_object(), "{bundle}");
        (count(&material["timestampVerificationData"]["rfc3161Timestamps"]), count(&material["tlogEntries"]))
    };
    let (stamp, log) = (["--timestamp-url", &stamps], ["--rekor-url", &scene.sigstore.url]);
    assert_eq!(create(&[stamp, log].concat(), "both.json"), (1, 1));
    assert_eq!(create(&stamp, "stamped.json"), (1, 0));
    assert_eq!(create(&log, "logged.json"), (0, 1));
    let verify = |bundle: &str, trust: &str| {
        world.write("policy.yaml", format!(
            "apiVersion: agent-attest.github.io/v1\nkind: AttestationPolicy\nmetadata: {{ name: p }}\nspec:\n  \
             images: [{{ glob: 'file:app' }}]\n  require:\n    - signers: [{{ key: attest.pub }}]\n      trust: {trust}\n"
        ));
        let args = ["verify", "app", "--bundle", bundle, "--policy", "policy.yaml", "--trusted-root", "root.json"];
        let out = world.attest(&args);
        (out.status.code().unwrap(), String::from_utf8_lossy(&out.stdout).into_owned() + &error(&out))
    };
    for (bundle, trust, code) in [
        ("both.json", "{ timestamps: 1, logs: 1 }", None),
        ("stamped.json", "{ timestamps: 1 }", None),
        ("logged.json", "{ logs: 1 }", None),
        ("logged.json", "{ timestamps: 1 }", Some("too-few-timestamps")),
        ("stamped.json", "{ logs: 1 }", Some("too-few-logs")),
    ] {
        let (exit, said) = verify(bundle, trust);
        assert_eq!(exit, i32::from(code.is_some()), "{bundle} {trust}: {said}");
        assert!(code.is_none_or(|c| said.contains(c)), "{bundle} {trust}: {said}");
    }
}
