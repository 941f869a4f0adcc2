//! A log as its writer, a reader and an attacker see it.

use super::keys::MemoryKeys;
use super::settings::P256;
use super::store::{CHECKPOINT, MemoryStore};
use super::*;
use crate::model::Timestamp;
use crate::record::{Class, Draft, draft::Origin};
use crate::tlog::note::NoteSigner;
use crate::tlog::{Checkpoint, Hash, Note};
use serde_json::json;
use std::sync::{Arc, Mutex};

pub(super) const ORIGIN: &str = "log.example/audit";

pub(super) fn now(days: i64) -> Timestamp {
    Timestamp::from_unix(1_800_000_000 + days * 86_400).unwrap()
}

/// Numbers that are all different, as random ones would be.
pub(super) fn counter() -> impl FnMut(&mut [u8]) {
    let mut n = 0_u64;
    move |bytes| {
        n += 1;
        for (at, byte) in bytes.iter_mut().enumerate() {
            *byte = (n >> (8 * (at % 8))) as u8 ^ at as u8;
        }
    }
}

pub(super) fn signer(seed: u8) -> NoteSigner {
    NoteSigner::from_seed(ORIGIN, &[seed; 32]).unwrap()
}

pub(super) fn officer() -> NoteSigner {
    NoteSigner::from_seed("log.example/officer", &[9; 32]).unwrap()
}

pub(super) fn settings() -> Settings {
    Settings {
        origin: ORIGIN.into(),
        key: signer(1).key().clone(),
        officer: officer().key().clone(),
        anchor: super::settings::anchor_key(P256),
        created: now(0),
        retention: Settings::default_retention(),
    }
}

/// A store that two can hold: the log, and whoever owns the disk.
#[derive(Clone, Default)]
pub(super) struct Shared(pub(super) Arc<Mutex<MemoryStore>>);

impl LogStore for Shared {
    fn size(&self) -> u64 {
        self.0.lock().unwrap().size()
    }
    fn append(&mut self, batch: &[Stored]) -> Result<(), AuditError> {
        self.0.lock().unwrap().append(batch)
    }
    fn read(&self, from: u64, count: usize) -> Result<Vec<Stored>, AuditError> {
        self.0.lock().unwrap().read(from, count)
    }
    fn get(&self, name: &str) -> Result<Option<Vec<u8>>, AuditError> {
        self.0.lock().unwrap().get(name)
    }
    fn put(&mut self, name: &str, bytes: &[u8]) -> Result<(), AuditError> {
        self.0.lock().unwrap().put(name, bytes)
    }
    fn swap_checkpoint(&mut self, old: Option<&[u8]>, new: &[u8]) -> Result<(), AuditError> {
        self.0.lock().unwrap().swap_checkpoint(old, new)
    }
}

pub(super) fn action(n: usize) -> Draft {
    let document = json!({ "kind": "action", "execution_id": format!("exec-{}", n / 10), "action_type": "file_modify",
        "target": format!("src/file-{n}.rs"), "command": "sed -i" });
    Draft::read(&document, Origin::Typed, &mut counter()).unwrap()
}

pub(super) fn started(n: usize, person: &str) -> Draft {
    let document = json!({ "kind": "execution_started", "execution_id": format!("exec-{n}"), "agent": "platform/builder",
        "requested_by": person });
    Draft::read(&document, Origin::Typed, &mut counter()).unwrap()
}

pub(super) struct World {
    pub(super) store: Shared,
    pub(super) log: Log,
}

pub(super) fn parts(store: &Shared) -> Parts {
    Parts {
        settings: settings(),
        store: Box::new(store.clone()),
        keys: Box::new(MemoryKeys::default()),
        signer: signer(1),
    }
}

impl World {
    /// A log of so many actions behind one start, published.
    pub(super) fn of(actions: usize) -> Self {
        let store = Shared::default();
        let mut log = Log::open(parts(&store)).unwrap();
        let mut random = counter();
        log.append(&[started(0, "github:1")], now(0), &mut random).unwrap();
        let actions: Vec<Draft> = (0..actions).map(action).collect();
        log.append(&actions, now(0), &mut random).unwrap();
        log.publish().unwrap();
        Self { store, log }
    }

    pub(super) fn account(&self) -> Account {
        self.against(&[])
    }

    pub(super) fn against(&self, outside: &[Outside]) -> Account {
        account(&self.store, &settings(), Some(self.log.keys()), outside).unwrap()
    }

    fn seen(&self) -> Outside {
        let bytes = self.store.get(CHECKPOINT).unwrap().unwrap();
        let checkpoint = Checkpoint::parse(Note::parse(&bytes).unwrap().text).unwrap();
        Outside::kept("w1", checkpoint)
    }

    /// The first fault, after the disk was changed.
    fn after(&self, change: impl FnOnce(&mut MemoryStore)) -> (Option<u64>, String) {
        let store = self.store.0.lock().unwrap().clone();
        let copy = Self { store: Shared(Arc::new(Mutex::new(store))), log: self.reopened() };
        change(&mut copy.store.0.lock().unwrap());
        let account = copy.account();
        let first = account.unexplained.first().expect("a change that nobody noticed");
        (first.index, first.cause.clone())
    }

    /// A second log over the same store, with the same keys.
    fn reopened(&self) -> Log {
        let mut keys = MemoryKeys::default();
        keys.save(self.log.keys(), false).unwrap();
        Log::open(Parts { keys: Box::new(keys), ..parts(&self.store) }).unwrap()
    }
}

#[test]
fn what_was_recorded_is_read_back_and_accounted_for() {
    let world = World::of(600);
    let account = world.account();
    assert_eq!((account.size, account.published, account.verified, account.faults), (601, 601, 601, 0));
    let records = world.store.read(0, 2).unwrap();
    let opened = open(&records[0], 0, world.log.keys()).unwrap();
    assert_eq!(opened.draft.text("requested_by"), Some("github:1"));
    assert_eq!(opened.draft, started(0, "github:1"));
    assert_eq!(open(&records[1], 1, world.log.keys()).unwrap().draft.text("target"), Some("src/file-0.rs"));
    assert!(records.iter().all(|r| r.entry.len() < 200));
    // Nothing of it is on the disk in clear.
    for record in &records {
        let bytes = String::from_utf8_lossy(&record.content).into_owned();
        assert!(!bytes.contains("exec-0") && !bytes.contains("github:1"));
    }
    // A record behind another number is not the record.
    assert!(matches!(open(&records[1], 0, world.log.keys()), Err(Unopened::AnotherKey(_))));
}

#[test]
fn every_record_has_a_receipt_that_proves_what_is_shown_of_it() {
    let world = World::of(300);
    let policy = format!("log {}\nquorum none\n", settings().key);
    let policy = crate::tlog::policy::Policy::parse(&policy).unwrap();
    for index in [0, 1, 255, 256, 300] {
        let records = world.store.read(index, 1).unwrap();
        let opened = open(&records[0], index, world.log.keys()).unwrap();
        let names = vec!["execution_id".to_owned()];
        let shown = Disclosure::of(&opened, index, &names, world.log.keys()).unwrap();
        let (read, entry) = Disclosure::check(&shown.write()).unwrap();
        assert_eq!(read, shown);
        let proof = world.log.prove(index).unwrap();
        let (checkpoint, _) = proof.check(Hash::of_entry(&entry.bytes()), &policy).unwrap();
        assert_eq!(checkpoint.size, 301);
        assert!(proof.check(Hash::of_entry(b"another"), &policy).is_err());
        let text = String::from_utf8(shown.write()).unwrap();
        assert!(!text.contains("src/file"), "what is not shown is not in it");
        let forged = text.replacen("\"exec-", "\"axec-", 1);
        assert_eq!(Disclosure::check(forged.as_bytes()).unwrap_err().code().as_str(), "audit-not-proven");
        let known = text.replacen("\"declared\"", "\"witnessed\"", 1);
        assert!(Disclosure::check(known.as_bytes()).is_err(), "how it is known is part of what is proven");
    }
    assert!(world.log.prove(301).is_err());
    let records = world.store.read(0, 1).unwrap();
    let opened = open(&records[0], 0, world.log.keys()).unwrap();
    assert!(Disclosure::of(&opened, 0, &["target".to_owned()], world.log.keys()).is_err());
}

#[test]
fn a_log_that_is_opened_again_goes_on_where_it_was() {
    let mut world = World::of(700);
    let mut again = world.reopened();
    let mut random = counter();
    again.append(&[action(1000)], now(0), &mut random).unwrap();
    let one = again.publish().unwrap();
    drop(again);
    // Without its tiles it is made again from the journal, to the same tree.
    world.store.0.lock().unwrap().files.retain(|name, _| name == CHECKPOINT);
    world.log = world.reopened();
    assert_eq!((world.log.size(), world.log.publish().unwrap()), (702, one));
    world.log.append(&[action(1001)], now(0), &mut random).unwrap();
    world.log.publish().unwrap();
    let missing = world.account();
    assert!(missing.unexplained.iter().all(|bad| bad.cause.contains("missing")), "{missing:?}");
}

#[test]
fn each_change_of_the_disk_is_found_with_the_first_record_that_it_touches() {
    let world = World::of(600);
    assert_eq!(world.account().faults, 0, "the twin");
    let record = |at: usize, change: fn(&mut Stored)| move |store: &mut MemoryStore| change(&mut store.records[at]);
    for (name, at, change) in [
        ("content", 300, record(300, |r| r.content[5] ^= 1)),
        ("entry's id", 300, record(300, |r| r.entry[10] ^= 1)),
        ("entry's commitment", 300, record(300, |r| r.entry[30] ^= 1)),
        ("entry's class", 300, record(300, |r| r.entry[2] = 2)),
    ] {
        assert_eq!(world.after(change).0, Some(at), "{name}");
    }
    // Without any key: what an entry commits to is seen to be there, or not.
    let mut bare = world.store.0.lock().unwrap().clone();
    let without = |store: &MemoryStore| account(store, &settings(), None, &[]).unwrap();
    assert_eq!((without(&bare).unopened, without(&bare).faults), (601, 0));
    bare.records[300].content[5] ^= 1;
    assert_eq!(without(&bare).unexplained[0].index, Some(300));
    let (index, _) = world.after(|store| store.records.swap(100, 101));
    assert_eq!(index, Some(100), "reordered");
    let (index, _) = world.after(|store| drop(store.records.remove(77)));
    assert_eq!(index, Some(77), "one taken out");
    let (index, cause) = world.after(|store| store.records.truncate(590));
    assert_eq!((index, cause.contains("the checkpoint has 601")), (Some(590), true), "{cause}");
    let tile =
        |name: &'static str, at: usize| move |store: &mut MemoryStore| store.files.get_mut(name).unwrap()[at] ^= 1;
    assert_eq!(world.after(tile("tile/0/001", 32 * 3)).0, Some(259));
    assert_eq!(world.after(tile("tile/entries/000", 89 * 5 + 40)).0, Some(5));
    assert_eq!(world.after(tile("tile/1/000.p/2", 3)).0, None);
    let (_, cause) = world.after(tile(CHECKPOINT, 25));
    assert!(cause.contains("checkpoint") || cause.contains("key"), "{cause}");
    let other = signer(2).sign(&format!("{ORIGIN}\n601\n{}\n", Hash::of_nothing()));
    let (_, cause) = world.after(|store| drop(store.files.insert(CHECKPOINT.into(), other.into_bytes())));
    assert!(cause.contains("key"), "{cause}");
}

#[test]
fn only_an_outside_copy_shows_what_the_holder_of_the_key_wrote_again() {
    let world = World::of(600);
    let seen = world.seen();
    // The holder writes history anew from record 500 on, with the log's own key.
    let store = Shared::default();
    let mut forged = Log::open(parts(&store)).unwrap();
    let mut random = counter();
    forged.append(&[started(0, "github:1")], now(0), &mut random).unwrap();
    let actions: Vec<Draft> = (0..600).map(|n| action(if n < 500 { n } else { n + 1 })).collect();
    forged.append(&actions, now(0), &mut random).unwrap();
    forged.publish().unwrap();
    let forged = World { store, log: forged };
    assert_eq!(forged.account().faults, 0, "by itself it is whole");
    let account = forged.against(std::slice::from_ref(&seen));
    assert!(account.unexplained[0].cause.starts_with("w1: of the first 601 records, another history"), "{account:?}");
    assert_eq!(account.furthest, None);
    // An old copy is whole, and too short.
    let old = World::of(100);
    assert_eq!(old.account().faults, 0);
    let account = old.against(std::slice::from_ref(&seen));
    assert!(account.unexplained[0].cause.contains("601 records were there"), "{account:?}");
    // The twin: the same log, and longer.
    let mut world = world;
    world.log.append(&[action(9000)], now(0), &mut counter()).unwrap();
    world.log.publish().unwrap();
    let account = world.against(std::slice::from_ref(&seen));
    assert_eq!((account.faults, account.furthest), (0, Some(seen)));
}

#[test]
fn a_journal_that_is_not_the_one_of_its_checkpoint_is_not_written_to() {
    let world = World::of(300);
    world.store.0.lock().unwrap().records.truncate(299);
    let keys = MemoryKeys::default();
    let error = Log::open(Parts { keys: Box::new(keys), ..parts(&world.store) }).unwrap_err();
    assert_eq!(error, AuditError::damaged(299, "its checkpoint has 301 records, and its journal ends after 299"));
    let world = World::of(300);
    world.store.0.lock().unwrap().files.retain(|name, _| name == CHECKPOINT);
    world.store.0.lock().unwrap().records[5].entry[10] ^= 1;
    assert_eq!(Log::open(parts(&world.store)).unwrap_err().code().as_str(), "audit-log-damaged");
}

#[test]
fn a_person_who_is_erased_is_in_no_record_and_every_other_field_stays() {
    let mut world = World::of(20);
    let mut random = counter();
    world.log.append(&[started(7, "github:2")], now(0), &mut random).unwrap();
    let receipt = world.log.publish().map(|_| world.log.prove(0).unwrap()).unwrap();
    let before = world.store.read(0, 1).unwrap();
    assert_eq!(world.log.records_of("github:1").unwrap(), [0]);
    let erase = Erase::Person("github:1".into());
    let at = world.log.erase(&erase, "request-1", &officer(), now(1), &mut random).unwrap();
    assert_eq!(at, 22);
    world.log.publish().unwrap();
    let opened = open(&before[0], 0, world.log.keys()).unwrap();
    assert_eq!((opened.draft.text("requested_by"), opened.draft.text("agent")), (None, Some("platform/builder")));
    assert_eq!(opened.redacted.len(), 1);
    assert!(world.log.records_of("github:1").unwrap().is_empty());
    let account = world.account();
    assert_eq!((account.faults, account.partly, account.redactions, account.verified), (0, 1, 1, 23), "{account:?}");
    // What was proven before still is.
    let policy = format!("log {}\nquorum none\n", settings().key);
    let policy = crate::tlog::policy::Policy::parse(&policy).unwrap();
    receipt.check(Hash::of_entry(&before[0].entry), &policy).unwrap();
    assert_eq!(
        world.log.erase(&erase, "request-1", &officer(), now(1), &mut random).unwrap_err().code().as_str(),
        "audit-unknown"
    );
    let by_log = world.log.erase(&Erase::Person("github:2".into()), "r", &signer(1), now(1), &mut random);
    assert_eq!(by_log.unwrap_err().code().as_str(), "audit-malformed", "the log's own key has no authority");
    assert_eq!(world.log.records_of("github:2").unwrap(), [21]);
}

#[test]
fn records_that_are_erased_and_days_that_expired_are_holes_with_a_name() {
    let mut world = World::of(20);
    let mut random = counter();
    let erased = Erase::Records(vec![5, 3, 4, 9]);
    world.log.erase(&erased, "request-2", &officer(), now(1), &mut random).unwrap();
    world.log.append(&[action(1)], now(60), &mut random).unwrap();
    assert!(world.log.retain(&officer(), now(89), &mut random).unwrap().is_empty(), "not yet");
    assert_eq!(world.log.retain(&officer(), now(91), &mut random).unwrap(), [23]);
    world.log.publish().unwrap();
    let account = world.account();
    assert_eq!((account.redacted, account.expired, account.verified, account.faults), (4, 17, 3, 0), "{account:?}");
    assert!(matches!(open(&world.store.read(5, 1).unwrap()[0], 5, world.log.keys()), Err(Unopened::NoKey(_))));
    assert!(open(&world.store.read(22, 1).unwrap()[0], 22, world.log.keys()).is_ok(), "of a later day");
    assert!(world.log.erase(&Erase::Records(vec![99]), "r", &officer(), now(1), &mut random).is_err());
    // Again there is nothing to erase, and no redaction says that there was; of several, only what is still there.
    let size = world.log.size();
    let again = world.log.erase(&Erase::Records(vec![3, 9]), "r", &officer(), now(92), &mut random);
    assert_eq!((again.unwrap_err().code().as_str(), world.log.size()), ("audit-unknown", size));
    let at = world.log.erase(&Erase::Records(vec![9, 22]), "r", &officer(), now(92), &mut random).unwrap();
    let text = String::from_utf8(world.store.read(at, 1).unwrap().remove(0).content).unwrap();
    assert!(text.contains("records 22-22\n"), "{text}");
}

#[test]
fn a_commit_is_kept_when_what_was_done_in_its_execution_expires() {
    let (mut world, mut random) = (World::of(1), counter());
    let draft = |action: &str, target: &str| {
        let document = json!({ "kind": "action", "action_type": action, "target": target });
        Draft::read(&document, Origin::Typed, &mut counter()).unwrap()
    };
    let drafts = [
        draft("commit", "commit:a1"),
        draft("merge", "commit:a2"),
        draft("merge", "acme/app#7"),
        draft("push", "commit:a1"),
    ];
    let numbers = world.log.append(&drafts, now(0), &mut random).unwrap();
    world.log.retain(&officer(), now(91), &mut random).unwrap();
    world.log.publish().unwrap();
    let stays = |number: u64| open(&world.store.read(number, 1).unwrap()[0], number, world.log.keys()).is_ok();
    assert_eq!(numbers.map(stays).collect::<Vec<_>>(), [true, true, false, false]);
    assert_eq!(world.account().faults, 0);
}

#[test]
fn a_hole_without_a_redaction_is_unexplained() {
    let mut world = World::of(20);
    let (day, id) = (log::day(now(0)), world.log.keys().person("github:1").unwrap().id);
    world.log.keys.forget_record(Class::Executions, day, 5);
    world.log.keys.forget_person(&id);
    let account = world.account();
    let causes: Vec<_> = account.unexplained.iter().map(|bad| (bad.index, bad.cause.as_str())).collect();
    assert_eq!(
        causes,
        [
            (Some(0), "the key of a person is gone, and no redaction says so"),
            (Some(5), "its key is gone, and no redaction says so"),
        ]
    );
    // A redaction that somebody else signed, and one that comes sooner than the policy says.
    let mut world = World::of(20);
    let redaction = |signer: &NoteSigner, what: What| {
        let redaction = Redaction { origin: ORIGIN.into(), time: now(0), basis: "policy".into(), at: 21, what };
        signer.sign(&redaction.to_string())
    };
    let early = What::Expired { class: Class::Executions, from: 0, until: day, kept: 90 };
    world.log.keys.pending = Some(redaction(&officer(), early));
    world.log.finish_redaction(now(10), &mut counter()).unwrap();
    world.log.publish().unwrap();
    assert_eq!(world.account().unexplained[0].cause, "`executions` expired sooner than the policy says");
    // One that is dated years ahead, when it would be no sooner: what expired by it is not yet to.
    let mut world = World::of(20);
    let in_time = What::Expired { class: Class::Executions, from: 0, until: day, kept: 90 };
    world.log.keys.pending = Some(redaction(&officer(), in_time));
    world.log.finish_redaction(now(1000), &mut counter()).unwrap();
    world.log.publish().unwrap();
    let seen = |today: i64| {
        let mut account = world.account();
        account.as_of(now(today));
        account.unexplained.first().map(|bad| (bad.index, bad.cause.clone()))
    };
    assert_eq!((seen(1000), seen(999)), (None, None), "the twins");
    let words = "it says that records expired, and is dated 990 days ahead of this clock";
    assert_eq!(seen(10), Some((Some(21), words.to_owned())));
    let mut world = World::of(20);
    world.log.keys.pending = Some(redaction(&signer(1), What::Records(vec![(5, 5)])));
    assert!(world.log.finish_redaction(now(10), &mut counter()).is_err(), "without authority nothing is destroyed");
    assert!(open(&world.store.read(5, 1).unwrap()[0], 5, world.log.keys()).is_ok());
}

#[test]
fn an_erasure_that_was_interrupted_is_finished_when_the_log_is_opened() {
    for done in 0..3 {
        let mut world = World::of(20);
        let mut random = counter();
        let redaction = Redaction {
            origin: ORIGIN.into(),
            time: now(1),
            basis: "request-3".into(),
            at: 21,
            what: What::Records(vec![(5, 5)]),
        };
        world.log.keys.pending = Some(officer().sign(&redaction.to_string()));
        if done > 0 {
            let pending = world.log.keys.pending.clone();
            world.log.finish_redaction(now(1), &mut random).unwrap();
            if done == 1 {
                // The crash came before the keys went: the record is written, and the keys are those from before.
                world.log.keys = World::of(20).log.keys.clone();
                world.log.keys.pending = pending;
            }
        }
        let index = world.log.finish_redaction(now(2), &mut random).unwrap();
        assert_eq!(index, [Some(21), Some(21), None][done]);
        world.log.publish().unwrap();
        let account = world.account();
        assert_eq!((account.size, account.redacted, account.faults), (22, 1, 0), "{done}: {account:?}");
        assert_eq!(world.log.finish_redaction(now(2), &mut random).unwrap(), None);
    }
}

#[test]
fn a_record_that_somebody_else_wrote_behind_the_last_is_never_signed() {
    let mut world = World::of(20);
    let mut random = counter();
    let at = world.log.erase(&Erase::Records(vec![5]), "request-4", &officer(), now(1), &mut random).unwrap();
    world.log.publish().unwrap();
    let redaction = world.store.read(at, 1).unwrap().remove(0);
    let open_again = |world: &World, record: Stored| {
        let store = Shared(Arc::new(Mutex::new(world.store.0.lock().unwrap().clone())));
        store.0.lock().unwrap().records.push(record);
        let mut keys = MemoryKeys::default();
        keys.save(world.log.keys(), false).unwrap();
        let opened = Log::open(Parts { keys: Box::new(keys), ..parts(&store) });
        let account = account(&store, &settings(), Some(world.log.keys()), &[]).unwrap();
        (opened.map(|log| log.size()).map_err(|e| e.to_string()), account)
    };
    // One that says what it likes: whoever owns the disk knows the form of an entry, and no key.
    let mut forged = world.store.read(3, 1).unwrap().remove(0);
    forged.entry[10] ^= 1;
    // One of before, and a redaction that the officer did sign, for another place.
    for record in [forged, world.store.read(3, 1).unwrap().remove(0), redaction.clone()] {
        let (opened, account) = open_again(&world, record);
        assert!(opened.unwrap_err().contains("record 22 stands behind the last"));
        assert_eq!(account.unexplained[0].index, Some(22), "{account:?}");
    }
    // A redaction has no fields that could be shown.
    let mut with_fields = redaction;
    with_fields.entry[30] ^= 1;
    assert!(matches!(open(&with_fields, 21, world.log.keys()), Err(Unopened::Damaged(_))));
    // One of who holds the keys of contents, and not the log's own: it opens, and is signed by nobody.
    let mut other = Log::open(Parts {
        settings: Settings { key: signer(2).key().clone(), ..settings() },
        store: Box::new(Shared::default()),
        keys: Box::new(MemoryKeys::default()),
        signer: signer(2),
    })
    .unwrap();
    let records = world.store.0.lock().unwrap().records.clone();
    other.put(records).unwrap();
    other.keys = world.log.keys.clone();
    other.append(&[action(98)], now(0), &mut random).unwrap();
    let record = other.store.read(22, 1).unwrap().remove(0);
    assert!(open(&record, 22, world.log.keys()).is_ok());
    let (opened, _) = open_again(&world, record);
    assert!(opened.unwrap_err().contains("record 22 stands behind the last"));
    // The twin: one that this log wrote, and that was not published yet.
    world.log.append(&[action(99)], now(1), &mut random).unwrap();
    let last = world.store.0.lock().unwrap().records.pop().unwrap();
    let (opened, account) = open_again(&world, last);
    assert_eq!((opened, account.faults), (Ok(23), 0));
}
