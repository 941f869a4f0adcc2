#![expect(clippy::disallowed_methods, reason = "a benchmark: looks at the clock")]
#![expect(clippy::print_stdout, reason = "a benchmark: prints its figures")]
//! The admission webhook: reviews of a remembered image, in process and over TLS beside a hook that says yes without looking;
//! and reviews of images that nobody asked about before, from a registry on loopback.
//!
//! ```text
//! cargo bench --bench admission
//! ```
//!
//! The generator takes its share of the same cores: the ratio to the bare hook says more than the rates. Fails when a cold
//! image takes more than four requests for its one bundle.

use attest::model::Timestamp;
use attest::places::{NearBy, Pool, Until};
use attest::policy::{Policy, Requirement, SignerRule};
use attest::registry::oci_http::{Anonymous, HttpOptions};
use attest::registry::{Memory, Registry as _, Shelf};
use attest::seam::Deadline;
use attest::sign::LocalKey;
use attest::testing::world::{attach, block_on, sign};
use attest::testing::{Behaviour, Claim, Image, TestRegistry};
use attest::trust::KeyAlgorithm;
use attest::webhook::{Bearers, Certificate, Decider, Door, Known, Outlets, Request, Router, Settings, Unmatched};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::{Value, json};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio_rustls::TlsAcceptor;

/// Reviews of each kind that are timed.
const REVIEWS: usize = 20_000;
/// Connections of the generator.
const CLIENTS: usize = 16;
/// Images that nobody asked about before.
const COLD: usize = 200;

fn main() -> ExitCode {
    let key = LocalKey::generate(KeyAlgorithm::EcdsaP256).expect("a key");
    let registry = TestRegistry::start(Behaviour::default());
    let names: Vec<_> = (0..COLD + 1).map(|n| image(&registry, &key, &format!("acme/app{n}"), 1)).collect();
    let many: Vec<_> = (0..20)
        .map(|n| (0..10).map(|i| image(&registry, &key, &format!("many/app{n}-{i}"), 5)).collect::<Vec<_>>())
        .collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let router = Arc::new(router(&key));
        let known = review(&names[..1]);
        assert!(allowed(&router, &known).await, "the image is attested");
        let inside = one_after_another(&router, &known).await;
        println!("remembered, in process       p50 {:>8.1?}  p99 {:>8.1?}", inside.0, inside.1);
        let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).expect("a certificate");
        let (chain, secret) = (made.cert.pem(), made.signing_key.serialize_pem());
        let certificate = Certificate::new(chain.as_bytes(), secret.as_bytes()).expect("a pair");
        let door = Door::listen("127.0.0.1:0".parse().expect("an address"), &certificate, router.clone())
            .await
            .expect("a port");
        let ours = door.address().expect("an address");
        tokio::spawn(door.serve());
        let bare = bare(&certificate).await;
        for (what, at) in [
            ("bare hook, over TLS", bare),
            ("remembered, over TLS", ours),
            ("bare hook, over TLS", bare),
            ("remembered, over TLS", ours),
        ] {
            let (p50, p99, rate) = load(at, &chain, &known).await;
            println!("{what:<28} p50 {p50:>8.1?}  p99 {p99:>8.1?}  {rate:>8.0}/s");
        }
        registry.forget_requests();
        let mut cold = Vec::new();
        for name in &names[1..] {
            let body = review(std::slice::from_ref(name));
            let begun = Instant::now();
            assert!(allowed(&router, &body).await);
            cold.push(begun.elapsed());
        }
        // Of each repository the first request asks whether it is there at all.
        let requests = registry.requests().len() as f64 / COLD as f64;
        let (p50, p99) = percentiles(&mut cold);
        println!("cold, one bundle             p50 {p50:>8.1?}  p99 {p99:>8.1?}  {requests:.2} requests");
        let mut all = Vec::new();
        for images in &many {
            let body = review(images);
            let begun = Instant::now();
            assert!(allowed(&router, &body).await);
            all.push(begun.elapsed());
        }
        let (p50, p99) = percentiles(&mut all);
        println!("cold, 10 images x 5 bundles  p50 {p50:>8.1?}  p99 {p99:>8.1?}");
        println!("peak memory of this process: {}", peak());
        if requests > 4.0 {
            println!("expected at most 4 requests for one bundle");
            return ExitCode::FAILURE;
        }
        ExitCode::SUCCESS
    })
}

/// An image with so many attestations by the key: its name with its digest.
fn image(registry: &TestRegistry, key: &LocalKey, repository: &str, count: usize) -> String {
    let image = Image::of(repository.as_bytes());
    let memory = Memory::new("memory");
    image.push(&memory);
    for n in 0..count {
        let mut claim = Claim::about(&image.digest());
        claim.task = Some(format!("task-{n}"));
        attach(&memory, &image.digest(), &sign(key, &claim.to_bytes()).expect("signed")).expect("attached");
    }
    registry.load(repository, None, &memory, &image.digest());
    for referrer in block_on(memory.referrers(&image.digest(), count)).expect("listed") {
        registry.load(repository, None, &memory, &referrer.digest);
    }
    format!("{}@{}", registry.name(repository), image.digest())
}

fn now() -> Timestamp {
    attest::places::now()
}

fn deadlines(given: Duration) -> Box<dyn Deadline> {
    Box::new(Until::within(given))
}

fn router(key: &LocalKey) -> Router {
    let requirement = Requirement::provenance().signer(SignerRule::key(key.public_key().clone()));
    let policies = Ok(vec![Policy::named("bench").require(requirement)]);
    let settings = Settings { unmatched: Unmatched::Deny, evidence_age: 86_400, now: Box::new(now), deadlines };
    let near = NearBy { loopback: true, private: Vec::new() };
    let pool = Pool::new(HttpOptions::new(Arc::new(Anonymous)), near);
    let known = Known { policies, roots: Vec::new() };
    let decider = Decider::new(settings, known, Box::new(pool), Shelf::new(64 << 20, now));
    let outlets = Outlets { deadlines, stopwatch: attest::places::stopwatch, journal: Box::new(|_| ()), record: None };
    Router::new(decider, Bearers::default(), outlets)
}

/// A review of the creation of a pod, of the size that API servers send.
fn review(images: &[String]) -> Vec<u8> {
    let containers: Vec<_> = images
        .iter()
        .enumerate()
        .map(|(i, image)| {
            let variables: Vec<_> = (0..20).map(|n| json!({ "name": format!("V{n}"), "value": "some value of it" })).collect();
            json!({ "name": format!("c{i}"), "image": image, "env": variables, "resources": {}, "imagePullPolicy": "IfNotPresent" })
        })
        .collect();
    let fields = json!({ "f:metadata": { "f:labels": { ".": {}, "f:app": {} } }, "f:spec": { "f:containers": {} } });
    json!({ "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {
        "uid": "0df28fbd-5f5f-11e8-bc74-36e6bb280816", "kind": { "group": "", "version": "v1", "kind": "Pod" },
        "operation": "CREATE", "namespace": "default", "name": "p", "userInfo": { "username": "alice", "groups": ["g"] },
        "object": { "apiVersion": "v1", "kind": "Pod",
            "metadata": { "name": "p", "labels": { "app": "a" }, "managedFields": [{ "manager": "kubectl", "fieldsV1": fields }] },
            "spec": { "containers": containers } } } })
    .to_string()
    .into_bytes()
}

async fn allowed(router: &Router, body: &[u8]) -> bool {
    let request = Request {
        method: "POST".into(),
        path: "/validate".into(),
        query: "timeout=10s".into(),
        content_type: "application/json".into(),
        body: body.to_vec().into(),
    };
    let answer = router.answer(request).await;
    let value: Value = serde_json::from_slice(&answer.body).expect("JSON");
    let allowed = value["response"]["allowed"] == true;
    if !allowed {
        println!("{value}");
    }
    allowed
}

async fn one_after_another(router: &Router, body: &[u8]) -> (Duration, Duration) {
    let mut took = Vec::with_capacity(REVIEWS);
    for _ in 0..REVIEWS {
        let begun = Instant::now();
        assert!(allowed(router, body).await);
        took.push(begun.elapsed());
    }
    percentiles(&mut took)
}

fn percentiles(took: &mut [Duration]) -> (Duration, Duration) {
    took.sort_unstable();
    (took[took.len() / 2], took[took.len() * 99 / 100])
}

/// A hook that reads a body and says yes.
async fn bare(certificate: &Arc<Certificate>) -> std::net::SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let at = listener.local_addr().expect("an address");
    let tls = TlsAcceptor::from(Arc::new(certificate.config().expect("a configuration")));
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.expect("a connection");
            let _ = stream.set_nodelay(true);
            let tls = tls.clone();
            tokio::spawn(async move {
                let stream = tls.accept(stream).await.expect("a handshake");
                let service = service_fn(|request: hyper::Request<hyper::body::Incoming>| async move {
                    let _ = request.into_body().collect().await;
                    let body = r#"{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","response":{"uid":"0df28fbd-5f5f-11e8-bc74-36e6bb280816","allowed":true}}"#;
                    Ok::<_, std::convert::Infallible>(hyper::Response::new(Full::new(Bytes::from_static(
                        body.as_bytes(),
                    ))))
                });
                let builder = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
                let _ = builder.serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    at
}

/// Reviews over TLS, from several clients of HTTP/1.1 at a time, as an API server is one.
async fn load(at: std::net::SocketAddr, trusted: &str, body: &[u8]) -> (Duration, Duration, f64) {
    let url = format!("https://{at}/validate?timeout=10s");
    let begun = Instant::now();
    let clients = (0..CLIENTS).map(|_| {
        let trusted = reqwest::Certificate::from_pem(trusted.as_bytes()).expect("a certificate");
        let client =
            reqwest::Client::builder().tls_certs_only([trusted]).no_proxy().http1_only().build().expect("a client");
        let (url, body) = (url.clone(), body.to_vec());
        tokio::spawn(async move {
            let mut took = Vec::new();
            for _ in 0..REVIEWS / CLIENTS {
                let begun = Instant::now();
                let sent = client.post(&url).header("content-type", "application/json").body(body.clone()).send();
                let answer = sent.await.expect("an answer").bytes().await.expect("a body");
                assert!(answer.windows(14).any(|w| w == b"\"allowed\":true"));
                took.push(begun.elapsed());
            }
            took
        })
    });
    let mut took: Vec<_> =
        futures_util::future::join_all(clients).await.into_iter().flat_map(|t| t.expect("a client")).collect();
    let rate = took.len() as f64 / begun.elapsed().as_secs_f64();
    let (p50, p99) = percentiles(&mut took);
    (p50, p99, rate)
}

fn peak() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status
        .lines()
        .find_map(|l| l.strip_prefix("VmHWM:"))
        .map_or_else(|| "not known".to_owned(), |l| l.trim().to_owned())
}
