//! The suite of every replica over a bucket of the test world, and what its owner, its writer and its maker can do.

use super::super::tests::{RUNTIME, compared, conforms, grow, judged, now_or, opening, replicated, rewritten};
use super::bucket::Bucket;
use super::replica::{DAY, S3Replica, checkpoint_key};
use crate::audit::LogStore as _;
use crate::audit::log_tests::{World, settings};
use crate::audit::replica::{Lock, Opening, Replica as _, ReplicaError, compare};
use crate::audit::store::CHECKPOINT;
use crate::model::Timestamp;
use crate::testing::{TestBucket, Ways};
use crate::tlog::note::NoteSigner;

/// A bucket, and what runs it.
fn bucket() -> (tokio::runtime::Runtime, TestBucket) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    RUNTIME.set(Some(runtime.handle().clone()));
    let bucket = runtime.block_on(TestBucket::start());
    (runtime, bucket)
}

fn keys(name: &str) -> Option<String> {
    ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"].contains(&name).then(|| "test".to_owned())
}

fn open(bucket: &TestBucket, write: bool) -> Result<S3Replica, ReplicaError> {
    now_or(S3Replica::open(&bucket.place(), &Opening { write, ..opening(keys) }))
}

/// The object whose key ends so.
fn ends(bucket: &TestBucket, end: &str) -> String {
    bucket.objects().into_keys().find(|key| key.ends_with(end)).unwrap()
}

#[test]
fn a_bucket_does_what_every_replica_does() {
    let (_runtime, bucket) = bucket();
    conforms(&mut open(&bucket, true).unwrap());
    assert_eq!(open(&bucket, true).unwrap().lock(), Some(Lock::Tried));
}

#[test]
fn a_server_that_writes_over_what_is_there_is_asked_first() {
    let (_runtime, bucket) = bucket();
    bucket.set(Ways { overwrites: true, ..Ways::default() });
    let world = World::of(300);
    replicated(&world, &mut open(&bucket, true).unwrap()).unwrap();
    // The copy is made again, as by who lost what it knew: nothing is put a second time.
    bucket.put(&format!("team/{}", checkpoint_key(301)), None);
    let other = rewritten(&world, 260, 301);
    let refused = replicated(&other, &mut open(&bucket, true).unwrap()).unwrap_err();
    assert_eq!(refused.code().as_str(), "audit-replica-differs", "{refused}");
    let twice = bucket.objects().into_iter().filter(|(key, all)| !key.contains("probe") && all.len() > 1);
    assert_eq!(twice.map(|(key, _)| key).collect::<Vec<_>>(), [format!("team/{}", checkpoint_key(301))]);
}

#[test]
fn a_bucket_whose_lock_does_not_hold_is_refused_and_nothing_is_copied() {
    let (_runtime, bucket) = bucket();
    let weak = |ways: Ways| {
        bucket.set(ways);
        let refused = open(&bucket, true).err().unwrap();
        assert_eq!(refused.code().as_str(), "audit-replica-not-append-only", "{refused}");
        refused.to_string()
    };
    assert!(weak(Ways { deletes: true, ..Ways::default() }).contains("a locked version was deleted"));
    assert!(weak(Ways { goes_round: true, ..Ways::default() }).contains("with a word to go round the lock"));
    let lies = weak(Ways { lies: true, ..Ways::default() });
    assert!(lies.contains("is gone though deleting it was refused"), "{lies}");
    assert!(weak(Ways { unversioned: true, overwrites: true, ..Ways::default() }).contains("it keeps no versions"));
    let lockless = weak(Ways { lockless: true, overwrites: true, ..Ways::default() });
    assert!(lockless.contains("it takes no locked object: InvalidRequest"), "{lockless}");
    assert!(weak(Ways { shortens: true, ..Ways::default() }).contains("was shortened"));
    assert!(bucket.objects().keys().all(|key| key.starts_with("team/probe/")));
    // What was shortened is locked anew by nobody: another bucket.
    let (_other, bucket) = self::bucket();
    // The twin, and who only reads tries nothing.
    bucket.set(Ways::default());
    assert_eq!(open(&bucket, true).unwrap().lock(), Some(Lock::Tried));
    bucket.set(Ways { deletes: true, ..Ways::default() });
    assert!(open(&bucket, false).is_ok());
}

#[test]
fn everything_but_a_free_object_of_the_probe_is_locked_until_its_time() {
    let (_runtime, bucket) = bucket();
    replicated(&World::of(300), &mut open(&bucket, true).unwrap()).unwrap();
    let mut kinds = std::collections::BTreeSet::new();
    for (key, all) in bucket.objects() {
        let until = all[0].until.clone().unwrap_or_else(|| panic!("{key} is not locked"));
        let days = (Timestamp::parse(&until).unwrap().unix() - Bucket::now().unix()) / DAY;
        let kind = key.split('/').nth(1).unwrap().to_owned();
        match kind.as_str() {
            "tile" | "checkpoints" => assert!((3649..=3650).contains(&days), "{key}: {days}"),
            "contents" => assert!(days >= 1, "{key}: {days}"),
            "probe" => assert!(days <= 1, "{key}: {days}"),
            other => panic!("{other}"),
        }
        kinds.insert(kind);
    }
    assert_eq!(kinds.into_iter().collect::<Vec<_>>(), ["checkpoints", "contents", "probe", "tile"]);
}

#[test]
fn what_was_copied_first_counts_and_what_is_put_on_top_is_said() {
    let (_runtime, bucket) = bucket();
    let world = World::of(600);
    replicated(&world, &mut open(&bucket, true).unwrap()).unwrap();
    let bad = |key: &str, bytes: Option<&[u8]>| {
        bucket.put(key, bytes);
        let found = compared(&world.store, &open(&bucket, false).unwrap());
        assert!(found.outside.is_some(), "what was copied is still evidence");
        found.bad.into_iter().map(|bad| (bad.index, bad.cause)).collect::<Vec<_>>()
    };
    assert_eq!(compared(&world.store, &open(&bucket, false).unwrap()).bad, []);
    let found = bad("team/tile/entries/001", Some(b"other"));
    assert!(found.len() == 1 && found[0].0 == Some(256) && found[0].1.contains("was put on top"), "{found:?}");
    let found = bad("team/tile/0/000", None);
    assert!(found.iter().any(|(_, cause)| cause.contains("tile/0/000 was marked as deleted")), "{found:?}");
    let contents = bucket.objects().into_keys().find(|key| key.contains("contents/executions")).unwrap();
    let found = bad(&contents, Some(b"other"));
    assert!(found.iter().any(|(_, cause)| cause.contains("contents/executions")), "{found:?}");
}

#[test]
fn who_may_write_there_cannot_hide_the_last_checkpoint_behind_another_one() {
    let (_runtime, bucket) = bucket();
    let world = World::of(600);
    replicated(&world, &mut open(&bucket, true).unwrap()).unwrap();
    let cut = rewritten(&world, 400, 400);
    let by_another = |size: u64| {
        let text = format!("{}\n{size}\n{}\n", settings().origin, crate::tlog::Hash::of_nothing());
        NoteSigner::from_seed(&settings().origin, &[77; 32]).unwrap().sign(&text)
    };
    bucket.put(&format!("team/{}", checkpoint_key(900)), Some(by_another(900).as_bytes()));
    bucket.put(&format!("team/{}", checkpoint_key(800)), Some(b"anything"));
    // One that the log did sign, under the number of another: it would be the last one for ever.
    // More of them than a list has on a page, and more versions on top of the last one.
    for n in 0..20 {
        bucket.put(&format!("team/{}", checkpoint_key(10_000 + n)), Some(b"anything"));
        bucket.put(&format!("team/{}", checkpoint_key(601)), Some(format!("on top {n}").as_bytes()));
    }
    let old = bucket.objects()[&format!("team/{}", checkpoint_key(601))][0].bytes.clone().unwrap();
    bucket.put(&format!("team/{}", checkpoint_key(700)), Some(&old));
    bucket.put(&format!("team/{}", checkpoint_key(601)), Some(b"on top"));
    let replica = open(&bucket, false).unwrap();
    let (index, cause) = judged(&cut.store, &cut.log, &replica).unwrap();
    assert_eq!(index, Some(400), "{cause}");
    let found = compared(&world.store, &replica).bad;
    assert_eq!(
        found.iter().filter(|bad| bad.cause.contains("is no checkpoint that this log signed")).count(),
        23,
        "{found:?}"
    );
    assert_eq!(judged(&world.store, &world.log, &replica), None, "the log is as it was");
}

#[test]
fn who_may_only_write_copies_and_goes_on_and_who_reads_compares() {
    let (_runtime, bucket) = bucket();
    bucket.set(Ways { write_only: true, ..Ways::default() });
    let dir = tempfile::tempdir().unwrap();
    let open = |write: bool| {
        let memory = Some(dir.path().join("replicas"));
        now_or(S3Replica::open(&bucket.place(), &Opening { write, memory, ..opening(keys) })).unwrap()
    };
    let mut world = World::of(300);
    let mut replica = open(true);
    assert!(matches!(replica.lock(), Some(Lock::Untried { .. })), "{:?}", replica.lock());
    assert_eq!(replicated(&world, &mut replica).unwrap().size, 301);
    grow(&mut world, 300, 50, 0);
    let more = replicated(&world, &mut open(true)).unwrap();
    assert_eq!((more.before, more.size), (301, 351), "it knows what was copied");
    // Another history is refused by what is remembered, and by what is there.
    let other = rewritten(&world, 260, 400);
    assert_eq!(replicated(&other, &mut open(true)).unwrap_err().code().as_str(), "audit-replica-differs");
    std::fs::remove_dir_all(dir.path().join("replicas")).unwrap();
    let again = replicated(&world, &mut open(true)).unwrap();
    assert_eq!((again.before, again.size), (0, 351), "without it, all is copied again");
    let unread = now_or(compare(&world.store, &settings(), &open(false), Bucket::now())).unwrap_err();
    assert_eq!(unread.code().as_str(), "audit-replica-unavailable", "that is no answer");
    bucket.set(Ways::default());
    let replica = open(false);
    assert_eq!(compared(&world.store, &replica).bad, []);
    assert_eq!(judged(&world.store, &world.log, &replica), None);
    assert_eq!(bucket.objects().values().filter(|all| all.len() > 1).count(), 0, "nothing was put twice");
}

#[test]
fn another_history_is_never_put_over_what_is_there() {
    let (_runtime, bucket) = bucket();
    let world = World::of(300);
    replicated(&world, &mut open(&bucket, true).unwrap()).unwrap();
    let before = bucket.objects();
    let other = rewritten(&world, 260, 400);
    let mut replica = open(&bucket, true).unwrap();
    let name = ends(&bucket, "tile/entries/001.p/45");
    let name = name.strip_prefix("team/").unwrap().to_owned();
    let files = [(name, b"other".to_vec())];
    assert_eq!(now_or(replica.publish(&files)).unwrap_err().index(), Some(256));
    assert_eq!(replicated(&other, &mut replica).unwrap_err().index(), Some(260));
    let changed =
        bucket.objects().into_iter().filter(|(key, all)| before.get(key).is_none_or(|old| old.len() != all.len()));
    assert_eq!(changed.map(|(key, _)| key).collect::<Vec<_>>(), Vec::<String>::new());
}

#[test]
fn what_is_listed_beside_what_was_asked_for_is_no_part_of_the_replica() {
    let (_runtime, bucket) = bucket();
    let world = World::of(300);
    replicated(&world, &mut open(&bucket, true).unwrap()).unwrap();
    bucket.set(Ways { strays: true, ..Ways::default() });
    let replica = open(&bucket, false).unwrap();
    let unread = now_or(compare(&world.store, &settings(), &replica, Bucket::now())).unwrap_err();
    assert!(unread.to_string().contains("keys that were not asked for"), "{unread}");
}

/// Puts what a log publishes in a bucket, as who has its keys and may write there does without asking anybody.
fn put_by_hand(bucket: &TestBucket, world: &World) {
    for tile in crate::tlog::tile::Tile::added(0, world.store.size()) {
        let key = format!("team/{}", tile.path());
        if !bucket.objects().contains_key(&key) {
            bucket.put(&key, world.store.get(&tile.path()).unwrap().as_deref());
        }
    }
    let note = world.store.get(CHECKPOINT).unwrap();
    bucket.put(&format!("team/{}", checkpoint_key(world.store.size())), note.as_deref());
}

#[test]
fn a_checkpoint_of_another_history_on_top_hides_none_that_was_there() {
    let (_runtime, bucket) = bucket();
    let world = World::of(600);
    replicated(&world, &mut open(&bucket, true).unwrap()).unwrap();
    let fork = rewritten(&world, 512, 700);
    put_by_hand(&bucket, &fork);
    let (_, cause) = judged(&fork.store, &fork.log, &open(&bucket, false).unwrap()).unwrap();
    assert!(cause.contains("another history"), "{cause}");
    // The twin: a log that goes on has many checkpoints there, and each continues the one before.
    let (_other, bucket) = self::bucket();
    let mut world = World::of(600);
    for n in 0..4 {
        replicated(&world, &mut open(&bucket, true).unwrap()).unwrap();
        grow(&mut world, 600 + n, 1, 0);
    }
    assert_eq!(judged(&world.store, &world.log, &open(&bucket, false).unwrap()), None);
    assert_eq!(compared(&world.store, &open(&bucket, false).unwrap()).earlier.len(), 3);
}

#[test]
fn what_somebody_put_there_before_is_locked_as_if_it_were_put_now() {
    let (_runtime, bucket) = bucket();
    let world = World::of(300);
    put_by_hand(&bucket, &world);
    assert!(bucket.objects().values().all(|all| all[0].until.is_none()), "whoever put it could delete it");
    replicated(&world, &mut open(&bucket, true).unwrap()).unwrap();
    for (key, all) in bucket.objects() {
        assert!(all.len() == 1 && all[0].until.is_some(), "{key}");
    }
    assert_eq!(compared(&world.store, &open(&bucket, false).unwrap()).bad, [], "and what was missing is there");
}
