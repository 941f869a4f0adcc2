//! What is remembered, for how long, and what is never.

use super::{Remembered, Shelf};
use crate::model::oci::IMAGE_MANIFEST;
use crate::model::{Descriptor, Digest, Timestamp, limits};
use crate::registry::memory::Operation;
use crate::registry::{Checked, Memory, Registry, RegistryError};
use serde_json::json;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};

/// A registry that counts what it is asked and may be down, and a clock.
struct World {
    asked: Arc<AtomicUsize>,
    down: Arc<AtomicBool>,
    clock: Arc<AtomicI64>,
    registry: Arc<Memory>,
    shelf: Arc<Shelf>,
}

fn world(capacity: usize) -> World {
    let (asked, down, clock) =
        (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)), Arc::new(AtomicI64::new(1_000_000)));
    let (counter, off, time) = (asked.clone(), down.clone(), clock.clone());
    let registry = Memory::new("r/a").with_faults(move |operation| {
        let reads = !matches!(operation, Operation::PushBlob(_) | Operation::PushManifest(_));
        counter.fetch_add(usize::from(reads), Ordering::SeqCst);
        (reads && off.load(Ordering::SeqCst)).then(|| RegistryError::Unreachable {
            place: "r/a".into(),
            what: "it".into(),
            cause: "down".into(),
        })
    });
    let now = move || Timestamp::from_unix(time.load(Ordering::SeqCst)).unwrap();
    World { asked, down, clock, registry: Arc::new(registry), shelf: Shelf::new(capacity, now) }
}

impl World {
    fn remembered(&self, oldest: i64) -> Remembered {
        Remembered::over(self.registry.clone(), self.shelf.clone(), oldest)
    }

    fn asked(&self) -> usize {
        self.asked.swap(0, Ordering::SeqCst)
    }

    async fn attach(&self, subject: &Digest, n: usize) {
        let subject = Descriptor::new(IMAGE_MANIFEST, 1, subject.clone());
        let manifest = json!({ "schemaVersion": 2, "mediaType": IMAGE_MANIFEST, "layers": [],
            "subject": subject.to_json(), "annotations": { "n": n.to_string() } });
        let bytes = manifest.to_string().into_bytes();
        self.registry.push_manifest(&Descriptor::of(IMAGE_MANIFEST, &bytes), &bytes).await.unwrap();
    }
}

static SUBJECT: LazyLock<Digest> = LazyLock::new(|| Digest::sha256(b"an image"));
const DAY: i64 = 86_400;
const ROOM: usize = 1 << 20;

fn run(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test);
}

async fn settled() {
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
}

#[test]
fn content_is_asked_for_once_and_known_when_the_registry_is_gone() {
    run(async {
        let world = world(ROOM);
        let digest = Digest::sha256(b"evidence");
        world.registry.push_blob(&digest, b"evidence").await.unwrap();
        for _ in 0..3 {
            assert_eq!(world.remembered(0).blob(&digest, 100).await.unwrap().unwrap(), b"evidence");
        }
        assert_eq!(world.asked(), 1);
        world.down.store(true, Ordering::SeqCst);
        assert!(world.remembered(0).blob(&digest, 100).await.unwrap().is_some());
        let small = world.remembered(0).blob(&digest, 3).await.unwrap_err();
        assert_eq!(small.code().as_str(), "limit-exceeded");
        // What is absent, and what failed, is asked again.
        let other = Digest::sha256(b"another");
        assert!(world.remembered(0).blob(&other, 100).await.is_err());
        world.down.store(false, Ordering::SeqCst);
        assert!(world.remembered(0).blob(&other, 100).await.unwrap().is_none());
        world.registry.push_blob(&other, b"another").await.unwrap();
        assert!(world.remembered(0).blob(&other, 100).await.unwrap().is_some());
    });
}

#[test]
fn wrong_content_is_an_error_and_no_one_else_hears_it() {
    run(async {
        let world = world(ROOM);
        let digest = Digest::sha256(b"good");
        world.registry.push_blob(&digest, b"good").await.unwrap();
        world.registry.corrupt(&digest, b"evil".to_vec());
        let e = world.remembered(0).blob(&digest, 100).await.unwrap_err();
        assert_eq!(e.code().as_str(), "digest-mismatch");
        world.registry.corrupt(&digest, b"good".to_vec());
        assert_eq!(Checked::new(&world.remembered(0)).blob(&digest, 100).await.unwrap().unwrap(), b"good");
    });
}

#[test]
fn a_listing_is_as_old_as_whoever_asks_takes_it() {
    run(async {
        let world = world(ROOM);
        let count = async |oldest: i64| {
            let remembered = world.remembered(oldest);
            let found = remembered.listing(&SUBJECT, 10).await.map(|l| l.listed.len());
            (found.map_err(|e| e.code().as_str()), remembered.oldest_used())
        };
        assert_eq!(count(DAY).await, (Ok(0), 0));
        world.attach(&SUBJECT, 1).await;
        // Attached behind our back: the old listing does not have it.
        world.clock.fetch_add(limits::LISTING_SECONDS, Ordering::SeqCst);
        assert_eq!((world.asked(), count(DAY).await), (1, (Ok(0), limits::LISTING_SECONDS)));
        assert_eq!(count(limits::LISTING_OF_A_NO_SECONDS).await, (Ok(1), 0));
        assert_eq!(world.asked(), 1);
        // Over five minutes it is used, and asked again meanwhile.
        world.attach(&SUBJECT, 2).await;
        world.clock.fetch_add(limits::LISTING_SECONDS + 1, Ordering::SeqCst);
        assert_eq!(count(DAY).await.0, Ok(1));
        settled().await;
        assert_eq!((count(DAY).await, world.asked()), ((Ok(2), 0), 1));
        // Without the registry it is used while it is not too old, and no longer.
        world.down.store(true, Ordering::SeqCst);
        world.clock.fetch_add(DAY, Ordering::SeqCst);
        assert_eq!(count(DAY).await, (Ok(2), DAY));
        assert_eq!(count(limits::LISTING_OF_A_NO_SECONDS).await.0, Err("registry-unavailable"));
        world.clock.fetch_add(1, Ordering::SeqCst);
        assert_eq!(count(DAY).await.0, Err("registry-unavailable"));
        // A clock that is set back makes no listing new.
        world.clock.fetch_sub(3 * DAY, Ordering::SeqCst);
        assert_eq!(count(DAY).await.0, Err("registry-unavailable"));
    });
}

#[test]
fn a_listing_of_one_repository_is_none_of_another() {
    run(async {
        let world = world(ROOM);
        world.attach(&SUBJECT, 1).await;
        assert_eq!(world.remembered(DAY).listing(&SUBJECT, 10).await.unwrap().listed.len(), 1);
        let other = Remembered::over(Arc::new(Memory::new("r/b")), world.shelf.clone(), DAY);
        assert_eq!(other.listing(&SUBJECT, 10).await.unwrap().listed.len(), 0);
        // What a tag names is never remembered.
        let descriptor = Descriptor::of(IMAGE_MANIFEST, b"one");
        world.registry.tag("t", descriptor.clone());
        let remembered = world.remembered(DAY);
        assert_eq!(remembered.resolve("t").await.unwrap(), Some(descriptor));
        let moved = Descriptor::of(IMAGE_MANIFEST, b"two");
        world.registry.tag("t", moved.clone());
        assert_eq!(remembered.resolve("t").await.unwrap(), Some(moved));
    });
}

#[test]
fn what_many_ask_at_once_is_asked_once_and_outlives_who_asked() {
    run(async {
        let world = world(ROOM);
        let digest = Digest::sha256(b"evidence");
        world.registry.push_blob(&digest, b"evidence").await.unwrap();
        let remembered = world.remembered(DAY);
        let all = (0..1000).map(|_| remembered.blob(&digest, 100));
        let answers = futures_util::future::join_all(all).await;
        assert!(answers.iter().all(|a| a.as_ref().unwrap().is_some()));
        assert_eq!(world.asked(), 1);
        let listed = remembered.listing(&SUBJECT, 10);
        // Whoever asked first has gone before the answer came.
        drop(futures_util::future::select(listed, std::future::ready(())).await);
        settled().await;
        world.asked();
        world.down.store(true, Ordering::SeqCst);
        assert!(remembered.listing(&SUBJECT, 10).await.is_ok());
        assert_eq!(world.asked(), 0);
    });
}

#[test]
fn what_a_listing_says_beside_its_digests_counts() {
    run(async {
        let world = world(ROOM);
        let mut entry = Descriptor::of(IMAGE_MANIFEST, b"one");
        entry.artifact_type = Some("x".repeat(50_000));
        world.registry.list(&SUBJECT, entry);
        world.remembered(DAY).listing(&SUBJECT, 10).await.unwrap();
        assert!(world.shelf.held().bytes > 50_000, "{:?}", world.shelf.held());
    });
}

#[test]
fn annotations_that_nothing_is_decided_by_take_no_memory() {
    run(async {
        let world = world(ROOM);
        let mut entry = Descriptor::of(IMAGE_MANIFEST, b"one");
        entry.annotations.insert("note".into(), json!("x".repeat(50_000)));
        world.registry.list(&SUBJECT, entry.clone());
        let listed = world.remembered(DAY).listing(&SUBJECT, 10).await.unwrap().listed;
        assert_eq!((listed.len(), &listed[0].digest), (1, &entry.digest));
        assert!(listed[0].annotations.is_empty() && world.shelf.held().bytes < 5_000, "{:?}", world.shelf.held());
    });
}

#[test]
fn it_keeps_to_its_size_and_what_was_used_last_stays() {
    run(async {
        let world = world(20_000);
        let bytes = |n: u8| vec![n; 4000];
        for n in 0..10 {
            world.registry.push_blob(&Digest::sha256(&bytes(n)), &bytes(n)).await.unwrap();
            world.remembered(0).blob(&Digest::sha256(&bytes(n)), 5000).await.unwrap();
            world.remembered(0).blob(&Digest::sha256(&bytes(0)), 5000).await.unwrap();
        }
        let held = world.shelf.held();
        assert!(held.bytes <= 20_000 && held.entries == 4 && held.evicted == 6, "{held:?}");
        world.asked();
        world.remembered(0).blob(&Digest::sha256(&bytes(0)), 5000).await.unwrap();
        assert_eq!(world.asked(), 0);
        // What would push out most of the others is not kept at all.
        let large = vec![1; 6000];
        world.registry.push_blob(&Digest::sha256(&large), &large).await.unwrap();
        world.remembered(0).blob(&Digest::sha256(&large), 9000).await.unwrap();
        assert_eq!(world.shelf.held().entries, 4);
    });
}
