//! Summaries of what expires: each execution is counted once, whatever happens in between.

use super::{Expired, expire};
use crate::audit::index::SqliteIndex;
use crate::audit::keys::MemoryKeys;
use crate::audit::store::MemoryStore;
use crate::audit::{AuditError, Held, Index as _, Keep, Log, LogStore, Parts, Settings, Stored};
use crate::flow::audit;
use crate::flow::investigate::{Log as Asked, months};
use crate::inquiry::Summary;
use crate::model::Timestamp;
use crate::record::{Class, Draft, draft::Origin};
use crate::tlog::note::NoteSigner;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

const ORIGIN: &str = "log.example/audit";

/// A store that fails from a write on, where it is told to.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<(MemoryStore, Option<u64>)>>);

impl Shared {
    fn act<T>(
        &self,
        write: bool,
        act: impl FnOnce(&mut MemoryStore) -> Result<T, AuditError>,
    ) -> Result<T, AuditError> {
        let mut own = self.0.lock().unwrap();
        if write && let Some(left) = own.1.as_mut() {
            *left = left
                .checked_sub(1)
                .ok_or_else(|| AuditError::Unusable { what: "disk".into(), cause: "full".into() })?;
        }
        act(&mut own.0)
    }
}

impl LogStore for Shared {
    fn size(&self) -> u64 {
        self.0.lock().unwrap().0.size()
    }
    fn append(&mut self, batch: &[Stored]) -> Result<(), AuditError> {
        self.act(true, |store| store.append(batch))
    }
    fn read(&self, from: u64, count: usize) -> Result<Vec<Stored>, AuditError> {
        self.act(false, |store| store.read(from, count))
    }
    fn get(&self, name: &str) -> Result<Option<Vec<u8>>, AuditError> {
        self.act(false, |store| store.get(name))
    }
    fn put(&mut self, name: &str, bytes: &[u8]) -> Result<(), AuditError> {
        self.act(true, |store| store.put(name, bytes))
    }
    fn swap_checkpoint(&mut self, old: Option<&[u8]>, new: &[u8]) -> Result<(), AuditError> {
        self.act(true, |store| store.swap_checkpoint(old, new))
    }
}

/// Keys that two can hold: the log, and who opens it again.
#[derive(Clone, Default)]
struct SharedKeys(Arc<Mutex<MemoryKeys>>);

impl crate::audit::KeyStore for SharedKeys {
    fn load(&self) -> Result<Option<crate::audit::Keys>, AuditError> {
        self.0.lock().unwrap().load()
    }
    fn save(&mut self, keys: &crate::audit::Keys, destroys: bool) -> Result<(), AuditError> {
        self.0.lock().unwrap().save(keys, destroys)
    }
    fn generation(&self) -> u64 {
        self.0.lock().unwrap().generation()
    }
}

fn officer() -> NoteSigner {
    NoteSigner::from_seed("log.example/officer", &[9; 32]).unwrap()
}

fn signer() -> NoteSigner {
    NoteSigner::from_seed(ORIGIN, &[1; 32]).unwrap()
}

fn settings(kept: &[(Class, u32)]) -> Settings {
    Settings {
        origin: ORIGIN.into(),
        key: signer().key().clone(),
        officer: officer().key().clone(),
        anchor: None,
        created: at("2026-07-01", 0),
        retention: kept.iter().copied().collect(),
    }
}

fn at(date: &str, minute: i64) -> Timestamp {
    let day = Timestamp::parse(&format!("{date}T00:00:00Z")).unwrap();
    Timestamp::from_unix(day.unix() + minute * 60).unwrap()
}

struct World {
    store: Shared,
    keys: SharedKeys,
    log: Log,
    index: SqliteIndex,
    n: u64,
    kept: Vec<(Class, u32)>,
}

impl World {
    fn keeping(kept: &[(Class, u32)]) -> Self {
        let (store, keys) = (Shared::default(), SharedKeys::default());
        let log = opened(&store, &keys, kept);
        Self { store, keys, log, index: SqliteIndex::in_memory().unwrap(), n: 0, kept: kept.to_vec() }
    }

    /// As the next process finds it.
    fn reopened(&mut self) {
        self.store.0.lock().unwrap().1 = None;
        self.log = opened(&self.store, &self.keys, &self.kept);
        self.index = SqliteIndex::in_memory().unwrap();
    }

    fn record(&mut self, date: &str, document: Value) {
        let mut random = self.random();
        let draft = Draft::read(&document, Origin::Typed, &mut random).unwrap();
        self.log.append(&[draft], at(date, 600), &mut random).unwrap();
        self.log.publish().unwrap();
    }

    /// Numbers that are all different, as random ones would be.
    fn random(&mut self) -> impl FnMut(&mut [u8]) + use<> {
        self.n += 1;
        let (mut n, own) = (0_u64, self.n << 32);
        move |bytes| {
            n += 1;
            let text = crate::model::digest::hex(&(own + n).to_be_bytes());
            bytes.iter_mut().zip(text.bytes().cycle()).for_each(|(byte, b)| *byte = b);
        }
    }

    fn expire(&mut self, date: &str) -> Result<Expired, AuditError> {
        let mut random = self.random();
        expire(&mut self.log, &mut self.index, &officer(), at(date, 1), &mut random)
    }

    /// What is kept: month, agent, executions.
    fn months(&mut self) -> Vec<(String, String, u64)> {
        self.summaries().iter().map(|s| (s.month.clone(), s.agent.clone(), s.all.runs)).collect()
    }

    /// The executions that `history` lists.
    fn executions(&mut self) -> Vec<String> {
        audit::catch_up(self.log.store(), self.log.keys(), self.log.size(), &mut self.index).unwrap();
        let (settings, keys) = (settings(&self.kept), self.log.keys().clone());
        let log = Asked { store: self.log.store(), settings: &settings, keys: &keys, index: &self.index };
        let found = crate::flow::investigate::history(&log, &crate::inquiry::Asked::default()).unwrap();
        let mut ids: Vec<String> = found.what.runs.iter().map(|run| run.id.text().to_owned()).collect();
        ids.sort();
        ids
    }

    fn summaries(&mut self) -> Vec<Summary> {
        audit::catch_up(self.log.store(), self.log.keys(), self.log.size(), &mut self.index).unwrap();
        let (settings, keys) = (settings(&self.kept), self.log.keys().clone());
        let log = Asked { store: self.log.store(), settings: &settings, keys: &keys, index: &self.index };
        months(&log, &crate::inquiry::Asked::default()).unwrap()
    }
}

fn opened(store: &Shared, keys: &SharedKeys, kept: &[(Class, u32)]) -> Log {
    let (store, keys) = (Box::new(store.clone()), Box::new(keys.clone()));
    Log::open(Parts { settings: settings(kept), store, keys, signer: signer() }).unwrap()
}

fn start(id: &str, agent: &str) -> Value {
    json!({ "kind": "execution_started", "execution_id": id, "agent": agent })
}

fn end(id: &str, status: &str, more: &[(&str, Value)]) -> Value {
    let mut out = json!({ "kind": "execution_ended", "execution_id": id, "status": status });
    more.iter().for_each(|(name, value)| out[*name] = value.clone());
    out
}

const USUAL: [(Class, u32); 2] = [(Class::Executions, 90), (Class::Sessions, 30)];

/// A log with three executions of August, one of them until September, and one of September.
fn worked() -> World {
    let mut world = World::keeping(&USUAL);
    world.record("2026-08-03", start("a", "web/fixer"));
    world.record("2026-08-03", json!({ "kind": "action", "execution_id": "a", "action_type": "file_read" }));
    world.record("2026-08-03", end("a", "success", &[("tokens_in", json!(70)), ("cost", json!("0.5"))]));
    world.record("2026-08-20", start("b", "web/fixer"));
    world.record("2026-08-20", end("b", "failed", &[("tokens_in", json!(5))]));
    world.record("2026-08-31", start("c", "cli/lead"));
    world.record("2026-09-01", end("c", "timeout", &[]));
    world.record("2026-09-02", start("d", "cli/lead"));
    world
}

fn told(list: &[(&str, &str, u64)]) -> Vec<(String, String, u64)> {
    list.iter().map(|(month, agent, runs)| ((*month).to_owned(), (*agent).to_owned(), *runs)).collect()
}

#[test]
fn what_agents_did_is_kept_before_it_expires_and_each_execution_counted_once() {
    let mut world = worked();
    assert_eq!(world.expire("2026-11-01").unwrap(), Expired::default(), "nothing is old enough");
    assert_eq!(world.months(), []);
    let done = world.expire("2026-11-02").unwrap();
    assert_eq!((done.summaries.len(), done.redactions.len()), (3, 1), "each agent's and that of all");
    assert!(done.summaries.iter().all(|n| *n < done.redactions[0]), "{done:?}");
    let august = told(&[("2026-08", "cli/lead", 1), ("2026-08", "web/fixer", 2)]);
    assert_eq!(world.months(), august);
    let all = &world.summaries()[1].all;
    assert_eq!((all.ended("success"), all.ended("failed"), all.unended, all.actions), (1, 1, 0, 1));
    assert_eq!((all.tokens.read, all.tokens.written, all.cost_known), (Some(75), None, 1), "unknown is not 0");
    assert_eq!(all.cost.map(|cost| cost.amount.exact()), Some("0.5".into()));
    assert_eq!(world.summaries()[0].all.cost, None);
    assert_eq!(world.summaries()[0].all.ended("timeout"), 1);
    // Day for day, until everything is gone.
    for day in 3..31 {
        world.expire(&format!("2026-11-{day:02}")).unwrap();
        assert_eq!(world.months()[..2], august[..], "on {day}");
    }
    for day in 1..10 {
        world.expire(&format!("2026-12-{day:02}")).unwrap();
    }
    let both = [august, told(&[("2026-09", "cli/lead", 1)])].concat();
    assert_eq!(world.months(), both, "the one that went on in September is not counted there");
    for day in ["2027-03-01", "2027-06-01"] {
        world.expire(day).unwrap();
        assert_eq!(world.months(), both, "{day}");
    }
}

#[test]
fn where_things_are_kept_for_a_few_days_a_month_has_parts_that_add_up() {
    let mut world = World::keeping(&[(Class::Executions, 2)]);
    for day in 1..10 {
        world.record(&format!("2026-08-{day:02}"), start(&format!("e{day}"), "web/fixer"));
        // One that is at work on several days.
        world.record(
            &format!("2026-08-{day:02}"),
            json!({ "kind": "action", "execution_id": format!("l{}", day / 4),
            "action_type": "file_read", "agent": "web/long" }),
        );
        world.expire(&format!("2026-08-{day:02}")).unwrap();
    }
    for day in ["2026-08-20", "2026-09-20", "2026-10-20"] {
        world.expire(day).unwrap();
    }
    assert_eq!(world.months(), told(&[("2026-08", "web/fixer", 9), ("2026-08", "web/long", 3)]));
    assert!(world.summaries()[0].records.len() > 3);
}

#[test]
fn parts_of_a_month_count_nothing_again_that_is_held_or_was_only_announced() {
    let mut world = World::keeping(&[(Class::Executions, 2)]);
    world.record("2026-08-01", start("held", "web/fixer"));
    let mut random = world.random();
    world
        .log
        .hold(Keep::Hold(Held::Records(vec![(0, 0)])), "case-1", &officer(), at("2026-08-01", 700), &mut random)
        .unwrap();
    world.record("2026-08-02", start("one", "web/fixer"));
    world.expire("2026-08-05").unwrap();
    assert_eq!(world.months(), told(&[("2026-08", "web/fixer", 2)]));
    // A tag of a summary that a crash kept from being written counts nothing.
    world.record("2026-08-06", start("two", "web/fixer"));
    let tag = json!({ "kind": "tag", "execution_id": "two", "key": "attest.summary", "value": "2026-08:2026-08-20" });
    let tag = Draft::read(&tag, Origin::Own, &mut random).unwrap();
    world.log.append(&[tag], at("2026-08-06", 700), &mut random).unwrap();
    world.expire("2026-08-09").unwrap();
    assert_eq!(world.months(), told(&[("2026-08", "web/fixer", 3)]));
    world.record("2026-08-10", start("three", "web/fixer"));
    world.expire("2026-08-13").unwrap();
    assert_eq!(world.months(), told(&[("2026-08", "web/fixer", 4)]));
    assert!(world.executions().contains(&"held".to_owned()));
}

#[test]
fn a_session_that_expires_sooner_is_counted_with_what_it_says() {
    let mut world = World::keeping(&USUAL);
    world.record("2026-08-03", start("a", "web/fixer"));
    let session = json!({ "kind": "session", "session_id": "s", "execution_id": "a", "tokens_in": 41 });
    world.record("2026-08-03", session);
    world.record(
        "2026-08-04",
        json!({ "kind": "approval", "execution_id": "a", "target": format!("commit:{}", "a1".repeat(20)), "approver": "github:1" }),
    );
    world.record("2026-08-04", json!({ "kind": "tag", "execution_id": "t", "key": "k", "value": "v" }));
    // Of a month of its own: what is permanent stays, and is no work.
    world.record(
        "2026-10-04",
        json!({ "kind": "approval", "execution_id": "z", "target": format!("commit:{}", "a2".repeat(20)), "approver": "github:1" }),
    );
    world.record("2026-10-04", json!({ "kind": "tag", "execution_id": "t", "key": "k", "value": "v" }));
    assert!(world.expire("2026-09-02").unwrap().summaries.is_empty());
    let done = world.expire("2026-09-03").unwrap();
    assert_eq!((done.summaries.len(), done.redactions.len()), (2, 1));
    assert_eq!(world.summaries()[0].all.tokens.read, Some(41));
    for day in ["2026-12-01", "2027-06-01"] {
        world.expire(day).unwrap();
    }
    assert_eq!(world.months(), told(&[("2026-08", "web/fixer", 1)]), "a tag or an approval alone is no execution");
    assert_eq!(world.executions(), ["a", "z"], "of the others nothing is left but what the log noted");
}

#[test]
fn what_is_interrupted_anywhere_destroys_nothing_that_is_not_kept_and_counts_nothing_twice() {
    let mut struck = 0;
    for writes in 0.. {
        let mut world = worked();
        let readable = |world: &World| world.log.keys().days(Class::Executions).count();
        let before = readable(&world);
        world.store.0.lock().unwrap().1 = Some(writes);
        let done = world.expire("2026-11-02");
        if done.is_ok() {
            break;
        }
        struck += 1;
        world.reopened();
        let august = told(&[("2026-08", "cli/lead", 1), ("2026-08", "web/fixer", 2)]);
        assert!(readable(&world) >= before || world.months() == august, "after {writes} writes keys are gone");
        // The next one comes a day later, or ten.
        let day = if writes % 2 == 0 { "2026-11-03" } else { "2026-11-12" };
        world.expire(day).unwrap();
        assert_eq!(world.months(), august, "after {writes} writes");
        for day in ["2026-11-30", "2026-12-20", "2027-03-01"] {
            world.expire(day).unwrap();
        }
        assert_eq!(world.months()[..2], august[..], "after {writes} writes");
        assert_eq!(world.months().len(), 3, "after {writes} writes");
    }
    assert!(struck > 5, "{struck}");
}

#[test]
fn what_is_held_is_counted_when_its_month_is_and_not_again_when_it_is_let_go() {
    let mut world = worked();
    let mut random = world.random();
    let hold =
        world.log.hold(Keep::Hold(Held::Records(vec![(0, 0)])), "case-1", &officer(), at("2026-09-03", 0), &mut random);
    let hold = hold.unwrap();
    world.expire("2026-12-20").unwrap();
    let both = told(&[("2026-08", "cli/lead", 1), ("2026-08", "web/fixer", 2), ("2026-09", "cli/lead", 1)]);
    assert_eq!(world.months(), both);
    assert!(world.log.keys().days(Class::Executions).count() > 0, "the day that is held");
    world.log.hold(Keep::Release(hold), "closed", &officer(), at("2026-12-20", 9), &mut random).unwrap();
    assert_eq!(world.expire("2026-12-21").unwrap().redactions.len(), 1);
    assert_eq!(world.months(), both);
}

#[test]
fn nobody_else_says_what_was_counted() {
    let read = |document: Value| Draft::read(&document, Origin::Captured, &mut |bytes| bytes.fill(1));
    let all = json!({ "kind": "summary", "month": "2026-08", "agent": "*", "source": "attest",
        "source_id": "summary:2026-08:2026-08-31:*" });
    assert!(read(all).unwrap_err().to_string().starts_with("kind:"));
    let tag = |key: &str| json!({ "kind": "tag", "execution_id": "a", "key": key, "value": "2026-08:2026-08-31" });
    assert!(read(tag("attest.summary")).unwrap_err().to_string().starts_with("key:"));
    assert!(read(tag("team")).is_ok(), "the twin");
    // An agent with the name of all agents, and one with a name as long as a name may be.
    let mut world = World::keeping(&USUAL);
    world.record("2026-08-03", start("a", "*"));
    world.record("2026-08-03", start("b", &"x".repeat(crate::model::limits::VALUE_BYTES)));
    assert_eq!(world.expire("2026-11-02").unwrap().summaries.len(), 3);
    assert_eq!(world.months()[0], ("2026-08".into(), crate::inquiry::NOT_SAID.into(), 1));
}

#[test]
fn what_was_changed_in_the_log_is_not_counted_for_ever() {
    let mut world = worked();
    world.store.0.lock().unwrap().0.records[1].content[5] ^= 1;
    assert_eq!(world.expire("2026-11-02").unwrap_err().code().as_str(), "audit-log-damaged");
    assert_eq!(world.log.keys().days(Class::Executions).count(), 5, "nothing was destroyed");
}

/// A process that ends between the destruction of keys and of what the index has of it leaves rows that nobody can read any more.
#[test]
fn what_an_interrupted_expiry_leaves_in_the_index_is_no_lie_unless_the_index_says_that_it_forgot_it() {
    let mut world = World::keeping(&[(Class::Executions, 90)]);
    world.record("2026-07-10", json!({ "kind": "action", "action_type": "file_modify", "target": "f" }));
    let mut index = SqliteIndex::in_memory().unwrap();
    audit::catch_up(world.log.store(), world.log.keys(), world.log.size(), &mut index).unwrap();
    world.expire("2026-12-20").unwrap();
    let (settings, keys) = (settings(&world.kept), world.log.keys().clone());
    let check = |index: &SqliteIndex| {
        let now = at("2026-12-20", 2);
        let found = audit::check(world.log.store(), &settings, Some(&keys), &[], Some(index), now).unwrap();
        (found.account.faults, found.lying, found.left)
    };
    assert_eq!(check(&index), (0, None, 1));
    index.set_generation(keys.generation).unwrap();
    assert_eq!(check(&index), (0, Some(0), 0), "it says that nothing of what was destroyed is there");
    index.set_generation(0).unwrap();
    audit::catch_up(world.log.store(), &keys, world.log.size(), &mut index).unwrap();
    assert_eq!(check(&index), (0, None, 0));
}
