//! What merges bring, over histories that are written down here, and how far one is followed.

use super::*;
use crate::audit::index::SqliteIndex;
use crate::audit::keys::MemoryKeys;
use crate::audit::store::MemoryStore;
use crate::audit::{Log, Parts, Settings};
use crate::flow::audit;
use crate::flow::investigate::Log as Asked;
use crate::model::Timestamp;
use crate::record::{Class, Draft, draft::Origin};
use crate::seam::{BoxFuture, Deadline, Endless};
use crate::tlog::note::NoteSigner;
use serde_json::{Value, json};

const NOW: i64 = 1_780_000_000;

/// No time at all.
struct Passed;

impl Deadline for Passed {
    fn wait(&self) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }
    fn passed(&self) -> bool {
        true
    }
    fn given(&self) -> String {
        "0 s".into()
    }
}

struct World {
    log: Log,
    index: SqliteIndex,
    settings: Settings,
}

fn id(name: &str) -> String {
    let hex: String = name.bytes().map(|b| format!("{b:02x}")).collect();
    format!("{hex:0<40}")
}

impl World {
    /// A history: commits with their parents.
    fn of(commits: &[(&str, &[&str])]) -> Self {
        let signer = || NoteSigner::from_seed("log.example/audit", &[1; 32]).unwrap();
        let settings = Settings {
            origin: "log.example/audit".into(),
            key: signer().key().clone(),
            officer: NoteSigner::from_seed("log.example/officer", &[9; 32]).unwrap().key().clone(),
            anchor: None,
            created: Timestamp::from_unix(NOW).unwrap(),
            retention: [(Class::Executions, 90)].into(),
        };
        let (store, keys) = (Box::new(MemoryStore::default()), Box::new(MemoryKeys::default()));
        let log = Log::open(Parts { settings: settings.clone(), store, keys, signer: signer() }).unwrap();
        let mut world = Self { log, index: SqliteIndex::in_memory().unwrap(), settings };
        for (name, parents) in commits {
            world.record(commit(name, parents));
        }
        world
    }

    fn record(&mut self, document: Value) -> u64 {
        let mut n = self.log.size() << 32;
        let mut random = |bytes: &mut [u8]| {
            n += 1;
            let text = crate::model::digest::hex(&n.to_be_bytes());
            bytes.iter_mut().zip(text.bytes().cycle()).for_each(|(byte, b)| *byte = b);
        };
        let draft = Draft::read(&document, Origin::Typed, &mut random).unwrap();
        self.log.append(&[draft], Timestamp::from_unix(NOW).unwrap(), &mut random).unwrap();
        audit::catch_up(self.log.store(), self.log.keys(), self.log.size(), &mut self.index).unwrap();
        self.log.size() - 1
    }

    /// That somebody merged a tip; the number of the record.
    fn merged(&mut self, tip: &str, merge: &str) -> u64 {
        self.record(json!({ "kind": "approval", "approver": "github:2", "how": "merge",
            "target": format!("commit:{}", id(tip)), "approval_id": format!("commit:{}", id(merge)) }))
    }

    fn ask<T>(&self, until: &dyn Deadline, ask: impl FnOnce(&Asking<'_>) -> T) -> T {
        let keys = self.log.keys().clone();
        let log = Asked { store: self.log.store(), settings: &self.settings, keys: &keys, index: &self.index };
        ask(&Asking::of(&log, until))
    }

    fn brought(&self, of: &str) -> BTreeMap<u64, Brought> {
        self.ask(&Endless, |asking| merges_of(asking, &id(of)).unwrap())
    }
}

fn commit(name: &str, parents: &[&str]) -> Value {
    let mut out = json!({ "kind": "action", "action_type": if parents.len() > 1 { "merge" } else { "commit" },
        "target": format!("commit:{}", id(name)), "head_commit": id(name), "author": "github:1" });
    if let Some((first, others)) = parents.split_first() {
        out["base_commit"] = json!(id(first));
        if !others.is_empty() {
            let merged: Vec<String> = others.iter().map(|name| id(name)).collect();
            out["metadata"] = json!({ "merged": merged.join(" ") });
        }
    }
    out
}

#[test]
fn a_merge_brings_what_its_first_parent_did_not_lead_to() {
    let mut world = World::of(&[
        ("a", &[]),
        ("f", &["a"]),
        ("g", &["f"]),
        ("b", &["a"]),
        // The side takes main in by a second parent, and is then merged.
        ("s", &["g", "b"]),
        ("m", &["b", "s"]),
    ]);
    let merge = world.merged("s", "m");
    for brought in ["f", "g", "s"] {
        assert_eq!(world.brought(brought), BTreeMap::from([(merge, Brought::It(None))]), "{brought}");
    }
    for there in ["a", "b", "m"] {
        assert!(world.brought(there).is_empty(), "{there}");
    }
}

#[test]
fn what_came_in_by_an_earlier_merge_is_not_brought_by_a_later_one() {
    let mut world =
        World::of(&[("a", &[]), ("f", &["a"]), ("m", &["a", "f"]), ("g", &["f"]), ("c", &["m"]), ("n", &["c", "g"])]);
    let (first, second) = (world.merged("f", "m"), world.merged("g", "n"));
    assert_eq!(world.brought("f"), BTreeMap::from([(first, Brought::It(None))]));
    assert_eq!(world.brought("g"), BTreeMap::from([(second, Brought::It(None))]));
}

#[test]
fn an_approval_that_names_a_merge_needs_its_record_and_what_was_there_before() {
    let mut world = World::of(&[("a", &[]), ("f", &["a"]), ("m", &["a", "f"]), ("x", &["f"])]);
    let number = world.merged("f", "nowhere");
    assert_eq!(world.brought("f"), BTreeMap::from([(number, Brought::Unrecorded)]));
    // A commit on it, which merged nothing.
    let mut other = World::of(&[("a", &[]), ("f", &["a"]), ("x", &["f"])]);
    let number = other.merged("f", "x");
    assert_eq!(other.brought("f"), BTreeMap::from([(number, Brought::Unrecorded)]));
    // What was there before the merge is not in the log: it may be this one.
    let mut part = World::of(&[("f", &["a"]), ("m", &["b", "f"])]);
    let number = part.merged("f", "m");
    assert_eq!(part.brought("f"), BTreeMap::from([(number, Brought::Unrecorded)]));
    // One that names a commit that was there.
    let mut there = World::of(&[("a", &[]), ("b", &["a"]), ("m", &["b", "a"])]);
    let number = there.merged("a", "m");
    assert_eq!(there.brought("a"), BTreeMap::from([(number, Brought::Nothing)]));
}

#[test]
fn other_records_that_name_two_commits_are_no_way_from_one_to_the_other() {
    let mut world = World::of(&[("a", &[]), ("f", &["a"]), ("t", &["a"]), ("m", &["a", "t"])]);
    let merge = world.merged("t", "m");
    for (action, target) in [("merge", "acme/app#1".to_owned()), ("push", format!("commit:{}", id("t")))] {
        world.record(json!({ "kind": "action", "action_type": action, "target": target, "base_commit": id("f"),
            "head_commit": id("t") }));
    }
    assert!(world.brought("f").is_empty());
    assert_eq!(world.brought("t"), BTreeMap::from([(merge, Brought::It(None))]));
}

#[test]
fn the_agent_of_a_merge_is_named() {
    let mut world = World::of(&[("a", &[]), ("f", &["a"])]);
    let mut merge = commit("m", &["a", "f"]);
    merge["agent"] = json!("eng/merger");
    world.record(merge);
    let number = world.merged("f", "m");
    assert_eq!(world.brought("f"), BTreeMap::from([(number, Brought::It(Some("eng/merger".into())))]));
}

#[test]
fn one_question_goes_so_far_and_no_further_over_all_of_its_parts() {
    let mut world = World::of(&[("a", &[]), ("b", &["a"]), ("c", &["b"])]);
    world.merged("nothing", "none");
    world.ask(&Endless, |asking| {
        asking.spend(crate::model::limits::WALKED - 3).unwrap();
        assert!(merges_of(asking, &id("a")).is_ok());
        let e = merges_of(asking, &id("a")).unwrap_err();
        assert_eq!(e.code().as_str(), "limit-exceeded");
        assert_eq!(e.to_string(), "the answer was not found out: it leads over more than 50000 commits");
    });
    let e = world.ask(&Passed, |asking| merges_of(asking, &id("a")).unwrap_err());
    assert_eq!((e.code().as_str(), e.to_string().ends_with("it takes longer than 0 s")), ("limit-exceeded", true));
}

#[test]
fn what_is_on_the_main_branch_already_is_followed_no_further_than_the_next_merge() {
    let mut world =
        World::of(&[("a", &[]), ("b", &["a"]), ("f", &["b"]), ("m", &["b", "f"]), ("n", &["m"]), ("o", &["n"])]);
    let merge = world.merged("f", "m");
    world.ask(&Endless, |asking| {
        asking.spend(crate::model::limits::WALKED - 3).unwrap();
        assert!(merges_of(asking, &id("a")).unwrap().is_empty(), "a, b, f, and not what is behind the merge");
        assert!(merges_of(asking, &id("a")).is_err());
    });
    assert_eq!(world.brought("f"), BTreeMap::from([(merge, Brought::It(None))]));
}
