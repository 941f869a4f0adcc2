#![expect(clippy::disallowed_methods, reason = "deadlines of a test")]
//! A cluster's worth of reviews: policies, images in memory, a clock, and a registry that may be down.

use attest::model::{Descriptor, Digest, Reference, Timestamp};
use attest::policy::{self, Policy};
use attest::registry::memory::Operation;
use attest::registry::{Memory, Registries, Registry, RegistryError, Shelf};
use attest::seam::{BoxFuture, Deadline};
use attest::sign::LocalKey;
use attest::testing::world::{attach, sign};
use attest::testing::{Claim, Image};
use attest::trust::KeyAlgorithm;
use attest::webhook::{Bearers, Decider, Known, Outlets, Request, Router, Settings, Unmatched};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

pub(crate) const DAY: i64 = 86_400;
const NOW: i64 = 1_900_000_000;

/// What the registry does, and how often it was asked.
#[derive(Default)]
pub(crate) struct Weather {
    pub(crate) down: AtomicBool,
    pub(crate) panics: AtomicBool,
    pub(crate) slow: AtomicBool,
    /// The address may not be asked.
    pub(crate) barred: AtomicBool,
    pub(crate) asked: AtomicUsize,
}

/// Repositories in memory, by name.
struct Repositories {
    all: Arc<Mutex<HashMap<String, Arc<Memory>>>>,
    weather: Arc<Weather>,
}

fn repository(name: &str, weather: &Arc<Weather>) -> Arc<Memory> {
    let weather = weather.clone();
    Arc::new(Memory::new(name).with_faults(move |operation| {
        if matches!(operation, Operation::PushBlob(_) | Operation::PushManifest(_)) {
            return None;
        }
        weather.asked.fetch_add(1, Ordering::SeqCst);
        if weather.slow.load(Ordering::SeqCst) {
            std::thread::sleep(Duration::from_millis(20));
        }
        if weather.barred.load(Ordering::SeqCst) {
            return Some(RegistryError::Configuration { place: "it".into(), cause: "may not be asked".into() });
        }
        weather.down.load(Ordering::SeqCst).then(|| RegistryError::Unreachable {
            place: "the registry".into(),
            what: "a question".into(),
            cause: "down".into(),
        })
    }))
}

impl Registries for Repositories {
    fn open(&self, reference: &Reference) -> Result<Arc<dyn Registry>, RegistryError> {
        assert!(!self.weather.panics.load(Ordering::SeqCst), "planted");
        let mut all = self.all.lock().unwrap();
        let name = reference.name();
        Ok(all.entry(name.clone()).or_insert_with(|| repository(&name, &self.weather)).clone())
    }
}

/// A deadline by the real clock.
struct Until(Instant);

impl Deadline for Until {
    fn wait(&self) -> BoxFuture<'_, ()> {
        Box::pin(tokio::time::sleep_until(self.0.into()))
    }
    fn passed(&self) -> bool {
        Instant::now() >= self.0
    }
    fn given(&self) -> String {
        "the time of a test".into()
    }
}

fn deadlines(given: Duration) -> Box<dyn Deadline> {
    Box::new(Until(Instant::now() + given))
}

/// All of it.
pub(crate) struct Cluster {
    pub(crate) router: Router,
    pub(crate) decider: Arc<Decider>,
    pub(crate) weather: Arc<Weather>,
    pub(crate) clock: Arc<AtomicI64>,
    pub(crate) key: LocalKey,
    pub(crate) other: LocalKey,
    pub(crate) journal: Arc<Mutex<Vec<Value>>>,
    pub(crate) records: Arc<Mutex<Vec<Value>>>,
    all: Arc<Mutex<HashMap<String, Arc<Memory>>>>,
    /// One for all reviews, as a server has: what is asked goes on when whoever asked has gone.
    runtime: &'static Runtime,
}

/// What is not as usual.
#[derive(Default)]
pub(crate) struct Odd<'a> {
    pub(crate) unmatched: Unmatched,
    pub(crate) images: &'a [String],
}

impl Cluster {
    /// By one policy about `registry.example/acme/**`, whose `spec` ends in `more`, and `KEY` stands for the key that is trusted.
    pub(crate) fn new(more: &str) -> Self {
        Self::odd(more, Odd::default())
    }

    pub(crate) fn odd(more: &str, odd: Odd<'_>) -> Self {
        let [key, other] = [0, 1].map(|_| LocalKey::generate(KeyAlgorithm::EcdsaP256).unwrap());
        let (weather, clock) = (Arc::new(Weather::default()), Arc::new(AtomicI64::new(NOW)));
        let all = Arc::new(Mutex::new(HashMap::new()));
        let time = clock.clone();
        let now = move || Timestamp::from_unix(time.load(Ordering::SeqCst)).unwrap();
        let settings = Settings { unmatched: odd.unmatched, evidence_age: DAY, now: Box::new(now.clone()), deadlines };
        let known = Known { policies: Ok(vec![usual(&key, more)]), roots: Vec::new() };
        let repositories = Repositories { all: all.clone(), weather: weather.clone() };
        let decider = Decider::new(settings, known, Box::new(repositories), Shelf::new(64 << 20, now));
        let journal: Arc<Mutex<Vec<Value>>> = Arc::default();
        let records: Arc<Mutex<Vec<Value>>> = Arc::default();
        let (told, kept) = (journal.clone(), records.clone());
        let outlets = Outlets {
            deadlines,
            stopwatch: || Duration::ZERO,
            journal: Box::new(move |line| told.lock().unwrap().push(line.clone())),
            record: Some(Box::new(move |documents| {
                kept.lock().unwrap().extend(documents);
                true
            })),
        };
        let bearers = Bearers::with(odd.images).unwrap();
        let router = Router::new(decider.clone(), bearers, outlets);
        let runtime = Box::leak(Box::new(runtime()));
        Self { router, decider, weather, clock, key, other, journal, records, all, runtime }
    }

    /// Policies from now on.
    pub(crate) fn learn(&self, policies: Vec<Policy>) {
        self.decider.learn(Known { policies: Ok(policies), roots: Vec::new() });
    }

    fn repository(&self, name: &str) -> Arc<Memory> {
        self.all.lock().unwrap().entry(name.to_owned()).or_insert_with(|| repository(name, &self.weather)).clone()
    }

    /// An image that is there, without an attestation: its name with its digest.
    pub(crate) fn image(&self, name: &str) -> String {
        let image = Image::of(name.as_bytes());
        let repository = self.repository(name);
        image.push(repository.as_ref());
        format!("{name}@{}", image.digest())
    }

    /// The same, attested by a key.
    pub(crate) fn attested(&self, name: &str, key: &LocalKey) -> String {
        let image = self.image(name);
        self.attest(&image, key);
        image
    }

    /// Attests an image that is there.
    pub(crate) fn attest(&self, image: &str, key: &LocalKey) {
        let (name, digest) = image.split_once('@').unwrap();
        let digest: Digest = Digest::parse(digest).unwrap();
        attach(self.repository(name).as_ref(), &digest, &sign(key, &Claim::about(&digest).to_bytes()).unwrap())
            .unwrap();
    }

    /// Lets a tag name an image.
    pub(crate) fn tag(&self, image: &str, tag: &str) -> String {
        let (name, digest) = image.split_once('@').unwrap();
        let digest = Digest::parse(digest).unwrap();
        self.repository(name).tag(tag, Descriptor::new("application/vnd.oci.image.manifest.v1+json", 1, digest));
        format!("{name}:{tag}")
    }

    pub(crate) fn pass(&self, seconds: i64) {
        self.clock.fetch_add(seconds, Ordering::SeqCst);
    }

    pub(crate) fn down(&self, down: bool) {
        self.weather.down.store(down, Ordering::SeqCst);
    }

    pub(crate) fn asked(&self) -> usize {
        self.weather.asked.swap(0, Ordering::SeqCst)
    }

    /// Sends a review to a path.
    pub(crate) fn send(&self, path: &str, body: &[u8]) -> (u16, Value) {
        let request = Request {
            method: "POST".into(),
            path: path.into(),
            query: "timeout=10s".into(),
            content_type: "application/json".into(),
            body: body.to_vec().into(),
        };
        self.runtime.block_on(async {
            let answer = self.router.answer(request).await;
            let value = serde_json::from_slice(&answer.body);
            (answer.status, value.unwrap_or_else(|_| json!(String::from_utf8_lossy(&answer.body))))
        })
    }

    /// The reply to a review that must have one.
    pub(crate) fn review(&self, review: &Value) -> Reply {
        let (status, answer) = self.send("/validate", review.to_string().as_bytes());
        if status == 503 {
            return Reply { status, allowed: false, response: answer };
        }
        assert_eq!(status, 200, "{answer}");
        let response = &answer["response"];
        assert_eq!(answer["apiVersion"], "admission.k8s.io/v1");
        assert_eq!(answer["kind"], "AdmissionReview");
        assert_eq!(response["uid"], review["request"]["uid"]);
        let allowed = response["allowed"].as_bool().unwrap();
        if !allowed {
            assert_eq!(response["status"]["code"], 403, "{answer}");
            assert!(!response["status"]["message"].as_str().unwrap().is_empty());
        }
        Reply { status, allowed, response: response.clone() }
    }

    /// The reply to the creation of a pod of these images.
    pub(crate) fn pod(&self, images: &[&str]) -> Reply {
        self.review(&created(&pod(images)))
    }
}

/// What an API server gets.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) allowed: bool,
    pub(crate) response: Value,
}

impl Reply {
    pub(crate) fn message(&self) -> &str {
        self.response.pointer("/status/message").and_then(Value::as_str).unwrap_or_default()
    }

    pub(crate) fn warnings(&self) -> String {
        let all = self.response["warnings"].as_array().cloned().unwrap_or_default();
        all.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("\n")
    }
}

pub(crate) fn run<T>(test: impl Future<Output = T>) -> T {
    let runtime = runtime();
    let out = runtime.block_on(test);
    runtime.shutdown_background();
    out
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

/// The usual policy, with more in its `spec`.
pub(crate) fn usual(key: &LocalKey, more: &str) -> Policy {
    named("usual", "registry.example/acme/**", key, more)
}

/// A policy about images, whose `spec` ends in `more`.
pub(crate) fn named(name: &str, images: &str, key: &LocalKey, more: &str) -> Policy {
    let pem = key.public_key().to_pem().replace('\n', "\\n");
    let text = format!(
        "apiVersion: agent-attest.github.io/v1\nkind: AttestationPolicy\nmetadata: {{ name: {name} }}\nspec:\n  images: [{{ glob: '{images}' }}]\n  require: [{{ signers: [{{ key: \"{pem}\" }}] }}]\n{more}"
    );
    policy::parse(&text, &format!("{name}.yaml"), &|_| Err("none".into())).unwrap_or_else(|e| panic!("{e}\n{text}"))
}

pub(crate) fn pod(images: &[&str]) -> Value {
    let containers: Vec<_> =
        images.iter().enumerate().map(|(i, image)| json!({ "name": format!("c{i}"), "image": image })).collect();
    json!({ "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "p" }, "spec": { "containers": containers } })
}

/// A review of the creation of an object.
pub(crate) fn created(object: &Value) -> Value {
    request("CREATE", object, &Value::Null)
}

/// A review of a change.
pub(crate) fn updated(object: &Value, old: &Value) -> Value {
    request("UPDATE", object, old)
}

fn request(operation: &str, object: &Value, old: &Value) -> Value {
    let version = object["apiVersion"].as_str().or_else(|| old["apiVersion"].as_str()).unwrap_or_default();
    let group = version.split_once('/').map_or("", |(group, _)| group);
    let kind = if object.is_null() { &old["kind"] } else { &object["kind"] };
    json!({ "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {
        "uid": "0b4c", "kind": { "group": group, "version": "v1", "kind": kind }, "operation": operation,
        "resource": { "group": group, "version": "v1", "resource": "any" }, "namespace": "default", "name": "p",
        "userInfo": { "username": "alice" }, "object": object, "oldObject": old } })
}
