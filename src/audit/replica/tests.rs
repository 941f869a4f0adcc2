#![expect(clippy::disallowed_methods, reason = "changes files as whoever owns the disk would")]
//! What every replica must do, and what a log and its replica show of each other.

use super::*;
use crate::audit::log_tests::{Shared, World, action, counter, now, officer, parts, settings, signer, started};
use crate::audit::store::{CHECKPOINT, MemoryStore};
use crate::audit::{AuditError, Erase, Held, Keep, Log, LogStore, Stored, account};
use crate::record::Draft;
use futures_util::FutureExt as _;
use std::path::Path;

thread_local! {
    /// What waits for a server, where the back end is one.
    pub(super) static RUNTIME: std::cell::RefCell<Option<tokio::runtime::Handle>> = const { std::cell::RefCell::new(None) };
}

pub(super) fn now_or<T>(future: impl Future<Output = T>) -> T {
    if let Some(runtime) = RUNTIME.with_borrow(Clone::clone) {
        return runtime.block_on(future);
    }
    future.now_or_never().expect("a back end on this machine answers at once")
}

pub(super) fn replicated(world: &World, replica: &mut dyn Replica) -> Result<Replicated, ReplicaError> {
    now_or(replicate(&world.store, &settings(), replica, now(91)))
}

pub(super) fn compared(store: &dyn LogStore, replica: &dyn Replica) -> Compared {
    now_or(compare(store, &settings(), replica, now(91))).unwrap()
}

/// What a log's account says when the replica is held against it: its first fault.
pub(super) fn judged(store: &dyn LogStore, log: &Log, replica: &dyn Replica) -> Option<(Option<u64>, String)> {
    let found = compared(store, replica);
    let outside: Vec<_> = found.outside.into_iter().chain(found.earlier).collect();
    let account = account(store, &settings(), Some(log.keys()), &outside).unwrap();
    account.unexplained.first().map(|bad| (bad.index, bad.cause.clone()))
}

pub(super) fn grow(world: &mut World, from: usize, count: usize, days: i64) {
    let drafts: Vec<Draft> = (from..from + count).map(action).collect();
    world.log.append(&drafts, now(days), &mut counter()).unwrap();
    world.log.publish().unwrap();
}

/// A store as it was at some time, as a backup keeps it.
fn backup(world: &World) -> MemoryStore {
    world.store.0.lock().unwrap().clone()
}

/// Opens a replica to write. A program that another test starts holds the lock for the moment between fork and exec.
pub(super) fn writer(path: &Path) -> Result<FolderReplica, ReplicaError> {
    for _ in 0..500 {
        match FolderReplica::open(path, true) {
            Err(ReplicaError::Log(AuditError::Locked { .. })) => {
                std::thread::sleep(std::time::Duration::from_millis(10));
            }
            other => return other,
        }
    }
    FolderReplica::open(path, true)
}

fn open(path: &Path) -> FolderReplica {
    writer(path).unwrap()
}

pub(super) fn opening(variable: fn(&str) -> Option<String>) -> Opening {
    let patience = std::time::Duration::from_secs(9);
    Opening { write: true, patience, variable, settings: settings(), memory: None }
}

/// What every back end does, over a log that grows.
pub(super) fn conforms(replica: &mut dyn Replica) {
    let mut world = World::of(300);
    assert_eq!(now_or(replica.checkpoint()).unwrap(), None);
    assert!(now_or(replica.read(0, 10)).unwrap().is_empty());
    let first = replicated(&world, replica).unwrap();
    assert_eq!((first.before, first.size, first.forgotten.len()), (0, 301, 0));
    let again = replicated(&world, replica).unwrap();
    assert_eq!((again.before, again.size), (301, 301), "again it adds nothing");
    grow(&mut world, 300, 400, 1);
    let more = replicated(&world, replica).unwrap();
    assert_eq!((more.before, more.size), (301, 701));
    assert_eq!(now_or(replica.checkpoint()).unwrap(), world.store.get(CHECKPOINT).unwrap());
    let mut index = 0;
    while index < 701 {
        let copied = now_or(replica.read(index, 97)).unwrap();
        assert!((1..=97).contains(&copied.len()), "{index}");
        for copied in copied {
            let ours = world.store.read(index, 1).unwrap().remove(0);
            assert_eq!(copied.entry, ours.entry, "{index}");
            if replica.keeps().contents {
                assert_eq!(copied.content, Some(ours.content), "{index}");
            }
            index += 1;
        }
    }
    assert!(now_or(replica.read(701, 1)).unwrap().is_empty());
    for tile in crate::tlog::tile::Tile::added(0, 701).filter(|_| replica.keeps().tiles) {
        assert_eq!(now_or(replica.file(&tile.path())).unwrap(), world.store.get(&tile.path()).unwrap());
    }
    // Neither back, nor another thing in the place of what is there.
    for older in [301, 250].map(|size| settings_note(&world, size)) {
        assert!(now_or(replica.seal(older.as_bytes())).is_err());
    }
    assert_eq!(compared(&world.store, replica).bad, []);
    assert_eq!(judged(&world.store, &world.log, replica), None);
    deletes(&mut world, replica);
}

fn settings_note(world: &World, size: u64) -> String {
    let root = crate::tlog::Hash::of_nothing();
    let origin = world.log.settings().origin.clone();
    signer(1).sign(&crate::tlog::Checkpoint { origin, size, root, extensions: Vec::new() }.to_string())
}

/// What was erased and what expired is deleted there, once and with its order.
fn deletes(world: &mut World, replica: &mut dyn Replica) {
    let content = |replica: &dyn Replica, n: u64| now_or(replica.read(n, 1)).unwrap().remove(0).content;
    let at = world.log.erase(&Erase::Records(vec![5, 6]), "request-1", &officer(), now(1), &mut counter()).unwrap();
    let done = replicated(world, replica).unwrap();
    if !replica.keeps().contents || !replica.keeps().forgets {
        assert_eq!(done.forgotten, []);
        world.log.retain(&officer(), now(91), &mut counter()).unwrap();
        replicated(world, replica).unwrap();
        // What was destroyed there stays, or never was there: neither is a fault.
        return assert_eq!(compared(&world.store, replica).bad, []);
    }
    assert_eq!(done.forgotten, [Forgotten { redaction: at, contents: 2 }]);
    assert_eq!((content(replica, 5), content(replica, 6)), (None, None));
    assert!(content(replica, 4).is_some() && content(replica, 7).is_some());
    let expired = world.log.retain(&officer(), now(91), &mut counter()).unwrap();
    let done = replicated(world, replica).unwrap();
    assert_eq!(done.forgotten, [Forgotten { redaction: expired[0], contents: 299 }]);
    assert!(content(replica, 0).is_none() && content(replica, 300).is_none());
    assert!(content(replica, 301).is_some(), "the day after is kept");
    assert_eq!(replicated(world, replica).unwrap().forgotten, []);
    assert_eq!(compared(&world.store, replica).bad, []);
}

#[test]
fn memory() {
    conforms(&mut MemoryReplica::default());
}

#[test]
fn folder() {
    let dir = tempfile::tempdir().unwrap();
    conforms(&mut open(dir.path()));
}

/// The suite against a real server: `tests/interop/cases/audit-postgresql.sh` starts one.
#[cfg(feature = "postgresql")]
#[test]
fn postgresql() {
    let Ok(place) = std::env::var("ATTEST_TEST_POSTGRESQL") else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let opening = opening(|name| std::env::var(name).ok());
    let mut replica = runtime.block_on(PostgresReplica::open(&place, &opening)).unwrap();
    RUNTIME.set(Some(runtime.handle().clone()));
    conforms(&mut replica);
}

/// A log of 601 records and its replica.
fn pair() -> (World, MemoryReplica) {
    let world = World::of(600);
    let mut replica = MemoryReplica::default();
    replicated(&world, &mut replica).unwrap();
    (world, replica)
}

/// The same records written anew from `from` on by who holds the log's key; so many of them.
pub(super) fn rewritten(world: &World, from: usize, size: usize) -> World {
    let (store, mut random, records) = (Shared::default(), counter(), backup(world).records);
    let mut other = Log::open(parts(&store)).unwrap();
    other.keys = world.log.keys().clone();
    other.put(records[..from].to_vec()).unwrap();
    let drafts: Vec<Draft> = (from..size).map(|n| action(n + 1000)).collect();
    other.append(&drafts, now(0), &mut random).unwrap();
    other.publish().unwrap();
    World { store, log: other }
}

#[test]
fn a_cut_tail_is_seen_by_the_replica_and_nothing_is_copied() {
    let (world, mut replica) = pair();
    let cut = rewritten(&world, 400, 400);
    let before = (replica.note.clone(), replica.files.len());
    let refused = replicated(&cut, &mut replica).unwrap_err();
    assert_eq!((refused.code().as_str(), refused.index()), ("audit-replica-differs", Some(400)));
    assert!(refused.to_string().contains("its tail was cut off"), "{refused}");
    assert_eq!((replica.note.clone(), replica.files.len()), before);
    let (index, cause) = judged(&cut.store, &cut.log, &replica).unwrap();
    assert_eq!(index, Some(400));
    assert!(cause.contains("the replica memory: 601 records were there"), "{cause}");
    // A replica that was changed besides does not say which record is another one.
    let mut changed = replica.clone();
    changed.files.get_mut("tile/entries/000").unwrap()[89 * 5 + 40] ^= 1;
    let (index, cause) = judged(&cut.store, &cut.log, &changed).unwrap();
    assert_eq!((index, cause.contains("601 records were there")), (Some(400), true), "{cause}");
    // The twin: nothing was cut.
    assert_eq!(judged(&world.store, &world.log, &replica), None);
}

#[test]
fn a_log_written_anew_from_a_record_on_is_found_at_that_record() {
    let (world, mut replica) = pair();
    for (from, size) in [(0, 601), (123, 601), (123, 900), (600, 601), (300, 500)] {
        let other = rewritten(&world, from, size);
        let refused = replicated(&other, &mut replica).unwrap_err();
        assert_eq!((refused.code().as_str(), refused.index()), ("audit-replica-differs", Some(from as u64)), "{from}");
        let (index, cause) = judged(&other.store, &other.log, &replica).unwrap();
        assert_eq!(index, Some(from as u64), "{from} {size}: {cause}");
        assert!(cause.contains("the replica memory shows another record"), "{cause}");
        assert_eq!(compared(&other.store, &replica).bad, [], "the replica itself is whole");
    }
    let mut grown = rewritten(&world, 601, 700);
    assert_eq!(replicated(&grown, &mut replica).unwrap().size, 700, "the twin goes on where the replica is");
    grow(&mut grown, 5, 1, 0);
    assert_eq!(replicated(&grown, &mut replica).unwrap().size, 701);
}

#[test]
fn an_old_backup_that_was_put_back_is_found_even_after_it_went_on() {
    let mut world = World::of(300);
    let old = backup(&world);
    let mut replica = MemoryReplica::default();
    grow(&mut world, 300, 50, 0);
    replicated(&world, &mut replica).unwrap();
    *world.store.0.lock().unwrap() = old;
    assert_eq!(replicated(&world, &mut replica).unwrap_err().index(), Some(301));
    let keys = world.log.keys().clone();
    world.log = Log::open(parts(&world.store)).unwrap();
    world.log.keys = keys;
    grow(&mut world, 900, 90, 0);
    let refused = replicated(&world, &mut replica).unwrap_err();
    assert_eq!((refused.code().as_str(), refused.index()), ("audit-replica-differs", Some(301)));
    let (index, cause) = judged(&world.store, &world.log, &replica).unwrap();
    assert_eq!(index, Some(301), "{cause}");
}

#[test]
fn what_was_changed_in_the_replica_is_said_of_the_replica() {
    let (world, replica) = pair();
    let bad = |change: &dyn Fn(&mut MemoryReplica)| {
        let mut other = replica.clone();
        change(&mut other);
        let found = compared(&world.store, &other);
        assert_eq!(judged(&world.store, &world.log, &other), None, "the log is as it was");
        let first = found.bad.first().expect("a change that nobody noticed");
        (first.index, first.cause.clone())
    };
    let flip = |name: &'static str, at: usize| move |r: &mut MemoryReplica| r.files.get_mut(name).unwrap()[at] ^= 1;
    let bundle = bad(&flip("tile/entries/001", 89 * 20 + 40));
    assert_eq!(bundle.0, Some(256 + 20), "{bundle:?}");
    assert!(bad(&flip("tile/0/001", 7)).1.contains("tile/0/001 is not what its records make"));
    assert!(bad(&|r| drop(r.files.remove("tile/1/000.p/2"))).1.contains("is missing"));
    assert!(bad(&|r| r.contents.get_mut(&77).unwrap().2[3] ^= 1).1.contains("record 77"));
    assert_eq!(bad(&|r| drop(r.contents.remove(&78))).0, Some(78));
    assert!(bad(&|r| r.note = None).1.contains("no checkpoint"));
    let forged = settings_note(&world, 601).replace("log.example/audit", "log.example/other");
    assert!(bad(&|r| r.note = Some(forged.clone().into_bytes())).1.contains("signed"));
}

#[test]
fn a_replica_of_another_log_takes_nothing() {
    let (world, mut replica) = pair();
    let text = format!("log.example/b\n601\n{}\n", crate::tlog::Hash::of_nothing());
    let other = crate::tlog::note::NoteSigner::from_seed("log.example/b", &[5; 32]).unwrap();
    replica.note = Some(other.sign(&text).into_bytes());
    assert_eq!(replicated(&world, &mut replica).unwrap_err().code().as_str(), "audit-replica-foreign");
}

#[test]
fn a_journal_that_is_not_its_checkpoints_is_not_copied() {
    let mut world = World::of(300);
    let mut replica = MemoryReplica::default();
    replicated(&world, &mut replica).unwrap();
    grow(&mut world, 300, 50, 0);
    let whole = backup(&world);
    let refused = |change: &dyn Fn(&mut Stored)| {
        *world.store.0.lock().unwrap() = whole.clone();
        change(&mut world.store.0.lock().unwrap().records[320]);
        let mut other = replica.clone();
        let refused = now_or(replicate(&world.store, &settings(), &mut other, now(91))).unwrap_err();
        assert_eq!(other.files, replica.files, "nothing was copied");
        refused
    };
    let entry = refused(&|record| record.entry[12] ^= 1);
    assert_eq!(entry.code().as_str(), "audit-log-damaged");
    let content = refused(&|record| record.content[12] ^= 1);
    assert_eq!(content.index(), Some(320), "{content}");
}

#[test]
fn nothing_is_deleted_without_authority_sooner_than_the_policy_or_against_a_hold() {
    let bytes = |world: &World, order: &str, by: &crate::tlog::note::NoteSigner, day: i64| {
        let at = world.log.size();
        let text =
            format!("attest/redaction/v1\n{}\ntime {}\nbasis policy\nat {at}\n{order}\n", settings().origin, now(day));
        crate::audit::seal::in_clear(
            crate::record::kinds::REDACTION,
            &by.sign(&text),
            u32::try_from(now(day).unix() / 60).unwrap(),
            &mut counter(),
        )
    };
    let today = u32::try_from(now(0).unix() / 86_400).unwrap();
    let expired = format!("expired executions until {today} kept 90");
    let sooner = format!("expired executions until {today} kept 1");
    let deleted = |order: &str, by: u8, day: i64, held: bool| {
        let mut world = World::of(20);
        let mut replica = MemoryReplica::default();
        replicated(&world, &mut replica).unwrap();
        if held {
            let keep = Keep::Hold(Held::Records(vec![(3, 4)]));
            world.log.hold(keep, "case-1", &officer(), now(0), &mut counter()).unwrap();
        }
        let name = settings().officer.name().to_owned();
        let by = crate::tlog::note::NoteSigner::from_seed(&name, &[by; 32]).unwrap();
        let record = bytes(&world, order, &by, day);
        world.log.put(vec![record]).unwrap();
        world.log.publish().unwrap();
        replicated(&world, &mut replica).unwrap();
        21 - replica.contents.keys().filter(|n| **n < 21).count()
    };
    assert_eq!(deleted(&expired, 9, 91, false), 21, "the twin");
    assert_eq!(deleted(&expired, 8, 91, false), 0, "another key");
    assert_eq!(deleted(&expired, 9, 90, false), 0, "a day too soon");
    assert_eq!(deleted(&expired, 9, 92, false), 21, "the log's clock may be a day ahead");
    assert_eq!(deleted(&expired, 9, 93, false), 0, "dated ahead, so that it would have expired by then");
    assert_eq!(deleted(&sooner, 9, 91, false), 0, "not as long as the settings say");
    assert_eq!(deleted(&expired, 9, 91, true), 0, "a day of which a hold keeps a record");
    assert_eq!(deleted("records 3-6", 9, 1, false), 4, "the twin");
    assert_eq!(deleted("records 3-6", 9, 1, true), 2, "two of them are held");
}

#[test]
fn what_log_json_says_besides_the_first_record_orders_nothing() {
    let store = Shared::default();
    let mut log = Log::open(parts(&store)).unwrap();
    log.found(now(0), &mut counter()).unwrap();
    log.publish().unwrap();
    let other = crate::audit::Settings { officer: signer(7).key().clone(), ..settings() };
    let mut replica = MemoryReplica::default();
    let refused = now_or(replicate(&store, &other, &mut replica, now(91))).unwrap_err();
    assert_eq!(refused.code().as_str(), "audit-settings-changed", "{refused}");
    assert_eq!(now_or(replicate(&store, &settings(), &mut replica, now(91))).unwrap().size, 1, "the twin");
}

#[test]
fn what_was_destroyed_before_it_was_copied_never_comes_there() {
    let mut world = World::of(20);
    world.log.erase(&Erase::Records(vec![5]), "request-1", &officer(), now(0), &mut counter()).unwrap();
    let mut replica = MemoryReplica::default();
    let done = replicated(&world, &mut replica).unwrap();
    assert_eq!(done.forgotten.iter().map(|f| f.contents).sum::<u64>(), 0);
    assert!(!replica.contents.contains_key(&5) && replica.contents.contains_key(&6));
    // A person's key is the log's own: what else the record says stays.
    world.log.append(&[started(1, "github:2")], now(0), &mut counter()).unwrap();
    world.log.publish().unwrap();
    world.log.erase(&Erase::Person("github:2".into()), "request-2", &officer(), now(0), &mut counter()).unwrap();
    replicated(&world, &mut replica).unwrap();
    assert!(replica.contents.contains_key(&22));
}

#[test]
fn a_file_that_is_there_is_never_replaced_by_another_one() {
    let dir = tempfile::tempdir().unwrap();
    let world = World::of(300);
    replicated(&world, &mut open(dir.path())).unwrap();
    // Whoever took the checkpoint away would else have the whole history copied anew over the old one.
    std::fs::remove_file(dir.path().join("checkpoint")).unwrap();
    let other = rewritten(&world, 260, 400);
    let refused = replicated(&other, &mut open(dir.path())).unwrap_err();
    assert_eq!(refused.code().as_str(), "audit-replica-changed", "{refused}");
    assert!(!dir.path().join("checkpoint").exists());
    // The twin: the same log goes on.
    let dir = tempfile::tempdir().unwrap();
    replicated(&world, &mut open(dir.path())).unwrap();
    std::fs::remove_file(dir.path().join("checkpoint")).unwrap();
    assert_eq!(replicated(&world, &mut open(dir.path())).unwrap().size, 301);
}

#[test]
fn a_folder_with_other_things_is_left_alone_and_two_do_not_copy_at_once() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("thesis.odt"), "x").unwrap();
    let refused = FolderReplica::open(dir.path(), true).unwrap_err();
    assert_eq!(refused.code().as_str(), "audit-replica-foreign", "{refused}");
    assert!(refused.to_string().contains("thesis.odt") && !dir.path().join("lock").exists());
    let missing = FolderReplica::open(&dir.path().join("not-mounted"), true).unwrap_err();
    assert_eq!(missing.code().as_str(), "audit-replica-unavailable", "{missing}");
    let dir = tempfile::tempdir().unwrap();
    let one = open(dir.path());
    let locked = FolderReplica::open(dir.path(), true).unwrap_err();
    assert!(matches!(locked, ReplicaError::Log(AuditError::Locked { .. })), "{locked}");
    assert!(FolderReplica::open(dir.path(), false).is_ok(), "to read it is open");
    drop(one);
}
