//! Redirects, over every route on which answers are asked for: none leads from https to http, to this machine, or to its
//! neighbours on the link. The program runs as it does for a user; a proxy on loopback is its whole web.
#![expect(clippy::disallowed_methods, reason = "a test: runs the built binary, and serves on loopback")]

use crate::web::{Reply, Web};
use crate::world::World;
use attest::model::Digest;
use attest::model::oci::IMAGE_MANIFEST;
use attest::sign::LocalKey;
use attest::trust::KeyAlgorithm;
use serde_json::{Value, json};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A way to the web.
struct Route {
    name: &'static str,
    args: &'static [&'static str],
    variables: &'static [(&'static str, &'static str)],
    /// Its host, which redirects.
    host: &'static str,
    /// The code of a redirect that is not followed.
    refused: &'static str,
    /// Where it may be sent to, and how that ends: exit and code.
    other: &'static str,
    ends: (i32, &'static str),
}

const ROUTES: [Route; 4] = [
    Route {
        name: "trust init",
        args: &["trust", "init", "--rekor", "https://log.example", "--output", "private.json"],
        variables: &[],
        host: "log.example",
        refused: "trust-service-unavailable",
        other: "https://cdn.example",
        ends: (0, ""),
    },
    Route {
        name: "trust update",
        args: &[
            "trust",
            "update",
            "--mirror",
            "https://tuf.example",
            "--root",
            "tuf-root.json",
            "--output",
            "private.json",
        ],
        variables: &[],
        host: "tuf.example",
        refused: "tuf-unavailable",
        other: "https://cdn.example",
        ends: (0, ""),
    },
    Route {
        name: "charter",
        args: &[
            "generate",
            "app",
            "--charter",
            "https://git.example/acme/app/issues/42",
            "--charter-snapshot",
            "required",
        ],
        variables: &[
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_SERVER_URL", "https://git.example"),
            ("GITHUB_API_URL", "https://git.example/api/v3"),
        ],
        host: "git.example",
        refused: "charter-redirected",
        // A charter is never at another host: what it became on its own is looked at, and is another charter.
        other: "https://git.example/moved",
        ends: (1, "charter-moved"),
    },
    Route {
        name: "registry",
        args: &["list", "r.example/demo/app:v1"],
        variables: &[],
        host: "r.example",
        refused: "registry-malformed",
        other: "https://cdn.example",
        // The image is found, and the registry says that there is no attestation.
        ends: (1, "no-attestation"),
    },
];

/// What each host says of a path, where it does not redirect.
struct Content {
    log_key: String,
    tuf: Vec<(String, String)>,
    issue: String,
    manifest: String,
}

impl Content {
    fn new() -> Self {
        let key = LocalKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
        let issue = json!({
            "html_url": "https://git.example/acme/renamed/issues/42", "id": 7, "number": 42, "title": "t", "body": "b",
            "user": { "id": 1, "login": "o", "type": "User" }, "labels": [], "state": "open", "comments": 0,
            "updated_at": "2026-01-01T00:00:00Z",
        });
        let config = json!({ "mediaType": "application/vnd.oci.image.config.v1+json", "size": 2,
            "digest": Digest::sha256(b"{}").to_string() });
        let manifest =
            json!({ "schemaVersion": 2, "mediaType": IMAGE_MANIFEST, "config": config, "layers": [] }).to_string();
        Self { log_key: key.public_key().to_pem(), tuf: tuf(), issue: issue.to_string(), manifest }
    }

    fn reply(&self, path: &str) -> Reply {
        let file = path.rsplit('/').next().unwrap_or_default();
        let tuf = self.tuf.iter().find(|(name, _)| path.trim_start_matches('/') == name.as_str());
        match file {
            "publicKey" => Reply::new(200, "", &self.log_key),
            "42" => Reply::new(200, "", &self.issue),
            "v1" => Reply::new(200, &format!("content-type: {IMAGE_MANIFEST}\r\n"), &self.manifest),
            _ => tuf.map_or_else(|| Reply::new(404, "", "{}"), |(_, text)| Reply::new(200, "", text)),
        }
    }
}

/// A TUF repository of one key, by file name; members of every object in order, which is its canonical form.
fn tuf() -> Vec<(String, String)> {
    const EXPIRES: &str = "2049-01-01T00:00:00Z";
    let key = LocalKey::generate(KeyAlgorithm::Ed25519).unwrap();
    let root = attest::testing::Instance::new("private", 1).root().to_string();
    let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
    let sign = |signed: Value| {
        let signature = key.sign_bytes(signed.to_string().as_bytes()).unwrap();
        json!({ "signatures": [{ "keyid": "k", "sig": hex(&signature) }], "signed": signed }).to_string()
    };
    let role = json!({ "keyids": ["k"], "threshold": 1 });
    let public =
        json!({ "keytype": "ed25519", "keyval": { "public": hex(key.public_key().raw()) }, "scheme": "ed25519" });
    let version = json!({ "version": 1 });
    let digest = Digest::sha256(root.as_bytes());
    let target = json!({ "hashes": { "sha256": digest.hex() }, "length": root.len() });
    let signed = [
        (
            "1.root.json",
            json!({
                "_type": "root", "consistent_snapshot": false, "expires": EXPIRES, "keys": { "k": public },
                "roles": { "root": role, "snapshot": role, "targets": role, "timestamp": role },
                "spec_version": "1.0.31", "version": 1,
            }),
        ),
        (
            "timestamp.json",
            json!({ "_type": "timestamp", "expires": EXPIRES, "meta": { "snapshot.json": version },
            "spec_version": "1.0.31", "version": 1 }),
        ),
        (
            "snapshot.json",
            json!({ "_type": "snapshot", "expires": EXPIRES, "meta": { "targets.json": version },
            "spec_version": "1.0.31", "version": 1 }),
        ),
        (
            "targets.json",
            json!({ "_type": "targets", "expires": EXPIRES, "spec_version": "1.0.31",
            "targets": { "trusted_root.json": target }, "version": 1 }),
        ),
    ];
    let mut files: Vec<_> = signed.map(|(name, signed)| (name.to_owned(), sign(signed))).into();
    files.push(("targets/trusted_root.json".into(), root));
    files
}

/// A service of this machine that counts who connects.
fn victim() -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (port, count) = (listener.local_addr().unwrap().port(), Arc::new(AtomicUsize::new(0)));
    let counted = count.clone();
    std::thread::spawn(move || {
        for _ in listener.incoming() {
            counted.fetch_add(1, Ordering::SeqCst);
        }
    });
    (port, count)
}

/// Where nobody may be sent to by an answer.
fn forbidden(host: &str, port: u16) -> Vec<String> {
    let near = [
        "127.0.0.1",
        "localhost",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::]",
        "0.0.0.0",
        "0",
        "2130706433",
        "0x7f000001",
        "017700000001",
        "127.1",
        "localhost.",
    ];
    let mut all: Vec<String> = near.iter().map(|name| format!("https://{name}:{port}")).collect();
    all.extend([format!("http://{host}"), "http://cdn.example".into(), format!("http://127.0.0.1:{port}")]);
    all.extend(["https://169.254.169.254", "https://[::ffff:a9fe:a9fe]", "https://2852039166"].map(str::to_owned));
    all
}

/// Runs a route whose host sends to `target`: exit, code, words, and what of the web was asked.
fn run(route: &Route, target: &str, content: &Arc<Content>) -> (i32, String, String, Vec<String>) {
    let (content, world) = (content.clone(), World::empty());
    world.write("app", "an application\n");
    world.write("tuf-root.json", &content.tuf[0].1);
    let (host, target) = (route.host, target.to_owned());
    let registry = route.name == "registry";
    let web = Web::start(&[&ROUTES.map(|r| r.host)[..], &["cdn.example"]].concat(), move |asked, path| {
        // The registry sends to what it stores elsewhere, and answers the rest itself.
        let sends = asked == host && !path.starts_with("/moved/") && (!registry || path.ends_with("/v1"));
        match sends {
            true => Reply::new(302, &format!("location: {target}{path}\r\n"), ""),
            false => content.reply(path.strip_prefix("/moved").unwrap_or(path)),
        }
    });
    world.write("web.pem", &web.authority);
    let authority = world.root().join("web.pem");
    let mut variables = vec![("SSL_CERT_FILE", authority.to_str().unwrap())];
    variables.extend(["https_proxy", "http_proxy"].map(|name| (name, web.proxy.as_str())));
    variables.extend(route.variables);
    let out = world.attest_with(&variables, &[route.args, &["--timeout", "20s"]].concat());
    let words = String::from_utf8_lossy(&out.stderr).into_owned();
    let code = words.split("error[").nth(1).and_then(|rest| rest.split(']').next()).unwrap_or_default().to_owned();
    (out.status.code().unwrap(), code, words, web.asked())
}

#[test]
fn no_redirect_leads_to_plain_http_or_to_this_machine() {
    let ((port, connected), content) = (victim(), Arc::new(Content::new()));
    for route in &ROUTES {
        for target in forbidden(route.host, port) {
            let name = format!("{} to {target}", route.name);
            let (exit, code, words, asked) = run(route, &target, &content);
            assert_eq!(connected.load(Ordering::SeqCst), 0, "{name}: this machine was asked: {words}");
            assert!(asked.iter().all(|a| a.starts_with(&format!("https://{}/", route.host))), "{name}: {asked:?}");
            assert!(!asked.is_empty(), "{name}: nothing was asked: {words}");
            assert_eq!((exit, code.as_str()), (3, route.refused), "{name}: {words}");
        }
    }
}

#[test]
fn a_redirect_to_another_host_of_the_web_is_followed() {
    let content = Arc::new(Content::new());
    for route in &ROUTES {
        let (exit, code, words, asked) = run(route, route.other, &content);
        assert_eq!((exit, code.as_str()), route.ends, "{}: {words} {asked:?}", route.name);
        assert!(asked.iter().any(|a| a.starts_with(&format!("{}/", route.other))), "{}: {asked:?}", route.name);
    }
}
