//! One contract, every back end: what a route may rely on wherever its evidence lives.

use attest::model::oci::{EMPTY, IMAGE_MANIFEST};
use attest::model::{Descriptor, Digest, Reference, Timestamp, limits};
use attest::registry::oci_http::{Anonymous, HttpOptions};
use attest::registry::{
    Checked, Gate, Guarded, Memory, OciHttp, OciLayout, Registry, RegistryError, Remembered, Served, Shelf,
};
use attest::seam::BoxFuture;
use attest::testing::{Behaviour, Conditional, TestRegistry};
use serde_json::json;
use std::sync::Arc;

const ARTIFACT: &str = "application/vnd.example.evidence+json";

/// Lets a tag name something.
type Tag = Box<dyn Fn(&str, &Descriptor)>;

/// A repository, and what lets a tag name something in it.
struct World {
    name: String,
    registry: Arc<dyn Registry>,
    tag: Tag,
    /// Kept until the end.
    _folder: Option<tempfile::TempDir>,
}

fn memory() -> World {
    let memory = Arc::new(Memory::new("memory"));
    let tagged = memory.clone();
    World {
        name: "memory".into(),
        registry: memory,
        tag: Box::new(move |tag, d| tagged.tag(tag, d.clone())),
        _folder: None,
    }
}

/// Over one in memory: what is remembered is not what is pushed elsewhere.
fn remembered() -> World {
    let world = memory();
    let shelf = Shelf::new(1 << 20, || Timestamp::from_unix(1_000_000).unwrap());
    World { name: "remembered".into(), registry: Arc::new(Remembered::over(world.registry, shelf, 3600)), ..world }
}

/// Over one in memory, by a gate that is open.
fn guarded() -> World {
    let world = memory();
    World {
        name: "guarded".into(),
        registry: Arc::new(Guarded::over(world.registry, Arc::new(Gate::default()))),
        ..world
    }
}

fn layout() -> World {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("layout");
    let layout = Arc::new(OciLayout::create(&path).unwrap());
    let tagged = layout.clone();
    World {
        name: "layout".into(),
        registry: layout,
        tag: Box::new(move |tag, d| tagged.tag(tag, d).unwrap()),
        _folder: Some(folder),
    }
}

fn http(name: &str, behaviour: Behaviour) -> World {
    let server = TestRegistry::start(behaviour);
    let folder = tempfile::tempdir().unwrap();
    let reference = Reference::parse(&server.name("demo/app")).unwrap();
    let mut options = HttpOptions::new(Arc::new(Anonymous));
    options.locks = Some(folder.path().join("locks"));
    let registry = Arc::new(OciHttp::new(&reference, options).unwrap());
    World {
        name: name.into(),
        registry,
        tag: Box::new(move |tag, d| server.tag("demo/app", tag, &d.digest)),
        _folder: Some(folder),
    }
}

fn worlds() -> Vec<World> {
    vec![
        memory(),
        remembered(),
        guarded(),
        layout(),
        http("API", Behaviour::default()),
        http("API in pages", Behaviour { page: Some(2), relative_locations: true, ..Behaviour::default() }),
        http("API that does not say so", Behaviour { oci_subject: false, ..Behaviour::default() }),
        http("fallback", Behaviour::without_referrers_api(Conditional::None)),
        http("fallback, ETag without meaning", Behaviour::without_referrers_api(Conditional::Pretended)),
        http("fallback, ETag", Behaviour::without_referrers_api(Conditional::Honoured)),
    ]
}

fn run(check: impl AsyncFn(&World)) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for world in worlds() {
        runtime.block_on(check(&world));
    }
}

fn code<T: std::fmt::Debug>(result: Result<T, RegistryError>) -> &'static str {
    result.unwrap_err().code().as_str()
}

fn image(seed: u8) -> (Descriptor, Vec<u8>) {
    let config = Descriptor::of(EMPTY, b"{}").to_json();
    let manifest = json!({ "schemaVersion": 2, "mediaType": IMAGE_MANIFEST, "config": config, "layers": [], "annotations": { "seed": seed.to_string() } });
    let bytes = manifest.to_string().into_bytes();
    (Descriptor::of(IMAGE_MANIFEST, &bytes), bytes)
}

fn referrer(subject: &Descriptor, seed: usize) -> (Descriptor, Vec<u8>) {
    let manifest = json!({
        "schemaVersion": 2, "mediaType": IMAGE_MANIFEST, "artifactType": ARTIFACT,
        "config": Descriptor::of(EMPTY, b"{}").to_json(), "layers": [],
        "subject": subject.to_json(), "annotations": { "seed": seed.to_string() },
    });
    let bytes = manifest.to_string().into_bytes();
    (Descriptor::of(IMAGE_MANIFEST, &bytes), bytes)
}

#[test]
fn blobs_come_back_and_keep_to_the_limit() {
    run(async |w| {
        let (r, bytes) = (&w.registry, vec![7_u8; 1000]);
        let digest = Digest::sha256(&bytes);
        assert_eq!(r.blob(&digest, 10).await.unwrap(), None, "{}", w.name);
        r.push_blob(&digest, &bytes).await.unwrap();
        r.push_blob(&digest, &bytes).await.unwrap();
        assert_eq!(r.blob(&digest, 1000).await.unwrap().unwrap(), bytes, "{}", w.name);
        assert_eq!(code(r.blob(&digest, 999).await), "limit-exceeded", "{}", w.name);
    });
}

#[test]
fn wrong_content_is_not_stored() {
    run(async |w| {
        let digest = Digest::sha256(b"right");
        assert_eq!(code(w.registry.push_blob(&digest, b"wrong").await), "digest-mismatch", "{}", w.name);
        assert_eq!(w.registry.blob(&digest, 10).await.unwrap(), None, "{}", w.name);
        let ((descriptor, _), (_, other)) = (image(1), image(2));
        assert_eq!(code(w.registry.push_manifest(&descriptor, &other).await), "digest-mismatch", "{}", w.name);
        assert_eq!(w.registry.manifest(&descriptor.digest, 1 << 20).await.unwrap(), None, "{}", w.name);
    });
}

#[test]
fn manifests_and_tags_come_back() {
    run(async |w| {
        let (descriptor, bytes) = image(1);
        let r = &w.registry;
        assert_eq!(r.manifest(&descriptor.digest, 1 << 20).await.unwrap(), None, "{}", w.name);
        assert_eq!(r.resolve("v1").await.unwrap(), None, "{}", w.name);
        r.push_manifest(&descriptor, &bytes).await.unwrap();
        (w.tag)("v1", &descriptor);
        let served = r.manifest(&descriptor.digest, bytes.len()).await.unwrap().unwrap();
        assert_eq!((served.media_type.as_str(), &served.bytes), (IMAGE_MANIFEST, &bytes), "{}", w.name);
        assert_eq!(code(r.manifest(&descriptor.digest, bytes.len() - 1).await), "limit-exceeded", "{}", w.name);
        let found = r.resolve("v1").await.unwrap().unwrap();
        assert_eq!((found.digest, found.size), (descriptor.digest.clone(), bytes.len() as u64), "{}", w.name);
        assert_eq!(found.media_type, IMAGE_MANIFEST, "{}", w.name);
        let (second, bytes) = image(2);
        r.push_manifest(&second, &bytes).await.unwrap();
        (w.tag)("v1", &second);
        assert_eq!(r.resolve("v1").await.unwrap().unwrap().digest, second.digest, "{}", w.name);
    });
}

#[test]
fn a_pushed_referrer_is_listed_once_for_its_subject_only() {
    run(async |w| {
        let ((subject, bytes), (other, _)) = (image(1), image(2));
        let r = &w.registry;
        r.push_manifest(&subject, &bytes).await.unwrap();
        assert!(r.referrers(&subject.digest, 10).await.unwrap().is_empty(), "{}", w.name);
        let (first, bytes) = referrer(&subject, 1);
        for _ in 0..2 {
            r.push_manifest(&first, &bytes).await.unwrap();
        }
        let list = r.referrers(&subject.digest, 10).await.unwrap();
        assert_eq!(list.len(), 1, "{}", w.name);
        assert_eq!((&list[0].digest, list[0].size), (&first.digest, bytes.len() as u64), "{}", w.name);
        assert_eq!(list[0].artifact_type.as_deref(), Some(ARTIFACT), "{}", w.name);
        assert_eq!(list[0].annotations["seed"], "1", "{}", w.name);
        assert!(r.referrers(&other.digest, 10).await.unwrap().is_empty(), "{}", w.name);
        assert_eq!(Checked::new(&**r).need_manifest(&first.digest).await.unwrap().bytes, bytes, "{}", w.name);
    });
}

#[test]
fn a_subject_need_not_be_there() {
    run(async |w| {
        let (subject, _) = image(9);
        let (first, bytes) = referrer(&subject, 1);
        w.registry.push_manifest(&first, &bytes).await.unwrap();
        assert_eq!(w.registry.referrers(&subject.digest, 10).await.unwrap().len(), 1, "{}", w.name);
    });
}

#[test]
fn more_referrers_than_the_limit_are_an_error_and_never_a_part() {
    run(async |w| {
        let (subject, _) = image(1);
        for seed in 0..5 {
            let (d, bytes) = referrer(&subject, seed);
            w.registry.push_manifest(&d, &bytes).await.unwrap();
        }
        assert_eq!(w.registry.referrers(&subject.digest, 5).await.unwrap().len(), 5, "{}", w.name);
        assert_eq!(code(w.registry.referrers(&subject.digest, 4).await), "limit-exceeded", "{}", w.name);
    });
}

/// A back end that keeps to no limit.
struct Heedless(Memory);

impl Registry for Heedless {
    fn place(&self) -> String {
        "heedless".into()
    }
    fn resolve<'a>(&'a self, tag: &'a str) -> BoxFuture<'a, Result<Option<Descriptor>, RegistryError>> {
        self.0.resolve(tag)
    }
    fn manifest<'a>(&'a self, d: &'a Digest, _: usize) -> BoxFuture<'a, Result<Option<Served>, RegistryError>> {
        self.0.manifest(d, usize::MAX)
    }
    fn blob<'a>(&'a self, d: &'a Digest, _: usize) -> BoxFuture<'a, Result<Option<Vec<u8>>, RegistryError>> {
        self.0.blob(d, usize::MAX)
    }
    fn referrers<'a>(&'a self, d: &'a Digest, _: usize) -> BoxFuture<'a, Result<Vec<Descriptor>, RegistryError>> {
        self.0.referrers(d, usize::MAX)
    }
    fn push_blob<'a>(&'a self, d: &'a Digest, bytes: &'a [u8]) -> BoxFuture<'a, Result<(), RegistryError>> {
        self.0.push_blob(d, bytes)
    }
    fn push_manifest<'a>(&'a self, d: &'a Descriptor, bytes: &'a [u8]) -> BoxFuture<'a, Result<(), RegistryError>> {
        self.0.push_manifest(d, bytes)
    }
}

#[tokio::test]
async fn the_limits_hold_for_a_back_end_that_keeps_to_none() {
    let heedless = Heedless(Memory::new("memory"));
    let checked = Checked::new(&heedless);
    let (subject, _) = image(1);
    for seed in 0..limits::REFERRERS {
        let (d, bytes) = referrer(&subject, seed);
        heedless.push_manifest(&d, &bytes).await.unwrap();
    }
    assert_eq!(checked.referrers(&subject.digest).await.unwrap().len(), limits::REFERRERS);
    let (d, bytes) = referrer(&subject, limits::REFERRERS);
    heedless.push_manifest(&d, &bytes).await.unwrap();
    assert_eq!(code(checked.referrers(&subject.digest).await), "limit-exceeded");
    let digest = Digest::sha256(b"a blob");
    heedless.push_blob(&digest, b"a blob").await.unwrap();
    assert_eq!(checked.blob(&digest, 6).await.unwrap().unwrap(), b"a blob");
    assert_eq!(code(checked.blob(&digest, 5).await), "limit-exceeded");
}

#[test]
fn pushes_at_the_same_time_are_all_listed() {
    run(async |w| {
        let (subject, _) = image(1);
        let push = async |seed| {
            let (d, bytes) = referrer(&subject, seed);
            w.registry.push_manifest(&d, &bytes).await.unwrap();
        };
        tokio::join!(push(1), push(2), push(3), push(4));
        assert_eq!(w.registry.referrers(&subject.digest, 10).await.unwrap().len(), 4, "{}", w.name);
    });
}
