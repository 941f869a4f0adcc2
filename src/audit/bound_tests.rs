//! What a log's first record binds.

use super::log_tests::{ORIGIN, Shared, World, action, counter, now, officer, parts, settings, signer};
use super::*;
use crate::record::Class;
use crate::tlog::note::NoteSigner;
use std::collections::BTreeMap;

/// A key of anchors that is another log's.
const ANOTHER: &str = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEzx93qar5OwLuPsL91lY68GfMvmnnRuYKCVFaS18gVbQuCTbd3AhR589lmwNyeWGMaFWadLHk1mGYmVs5TEv3jw==";

/// A log that was made with its settings as the first record, with an action behind it.
fn founded() -> World {
    let store = Shared::default();
    let mut log = Log::open(parts(&store)).unwrap();
    log.found(now(0), &mut counter()).unwrap();
    log.append(&[action(1)], now(0), &mut counter()).unwrap();
    log.publish().unwrap();
    World { store, log }
}

#[test]
fn what_a_log_was_made_with_is_bound_by_its_first_record() {
    let mut world = founded();
    world.log.found(now(1), &mut counter()).unwrap();
    assert_eq!(world.log.size(), 2, "once");
    let of = |settings: &Settings| account(&world.store, settings, Some(world.log.keys()), &[]).unwrap();
    let account = of(&settings());
    assert_eq!((account.bound, account.faults, account.verified), (true, 0, 2), "{account:?}");
    let other = |change: &dyn Fn(&mut Settings)| {
        let mut settings = settings();
        change(&mut settings);
        settings
    };
    let forger = NoteSigner::from_seed("log.example/officer", &[8; 32]).unwrap();
    for (settings, what) in [
        (other(&|s| s.officer = forger.key().clone()), "the key of redactions"),
        (other(&|s| s.retention = BTreeMap::from([(Class::Executions, 1)])), "the days that things are kept"),
        (other(&|s| s.created = now(5)), "when it was made"),
        (other(&|s| s.anchor = None), "the key of anchors"),
        (other(&|s| s.anchor = settings::anchor_key(ANOTHER)), "the key of anchors"),
    ] {
        let opened = Log::open(Parts { settings: settings.clone(), ..parts(&world.store) }).map(drop).unwrap_err();
        assert_eq!(opened.code().as_str(), "audit-settings-changed", "{opened}");
        assert!(opened.to_string().contains(what), "{opened}");
        let account = of(&settings);
        assert_eq!((account.faults, account.unexplained[0].index), (1, Some(0)), "{account:?}");
        assert!(account.unexplained[0].cause.contains(what), "{account:?}");
    }
    // A log of before, whose first record says something else, is read as it was, and says that it binds nothing.
    assert!(!World::of(1).account().bound);
}

#[test]
fn a_redaction_counts_by_the_key_and_the_days_that_the_first_record_binds() {
    let redacted = |what: What, by: &NoteSigner, days: i64| {
        let mut world = founded();
        let redaction = Redaction { origin: ORIGIN.into(), time: now(days), basis: "policy".into(), at: 2, what };
        let note = by.sign(&redaction.to_string());
        let minutes = log::minutes(now(days));
        world.log.put(vec![seal::in_clear(16, &note, minutes, &mut counter())]).unwrap();
        world.log.publish().unwrap();
        world
    };
    let forger = NoteSigner::from_seed("log.example/officer", &[8; 32]).unwrap();
    let forged = Settings { officer: forger.key().clone(), ..settings() };
    // Whoever can write log.json names his own key there, and erases with it.
    let world = redacted(What::Records(vec![(1, 1)]), &forger, 0);
    let account = account(&world.store, &forged, None, &[]).unwrap();
    assert!(account.unexplained.iter().any(|bad| bad.cause.contains("without authority")), "{account:?}");
    let expired = |kept: u32, days: i64| {
        let until = log::day(now(0));
        redacted(What::Expired { class: Class::Executions, from: 0, until, kept }, &officer(), days).against(&[])
    };
    assert!(expired(1, 91).unexplained.iter().any(|bad| bad.cause.contains("sooner than the policy")), "other days");
    assert!(!expired(90, 91).unexplained.iter().any(|bad| bad.cause.contains("sooner")), "the twin");
}

#[test]
fn the_first_record_is_signed_by_the_log_and_stands_first_alone() {
    let world = founded();
    let first = world.store.read(0, 1).unwrap().remove(0);
    // One that somebody else signed, with the entry that commits to it.
    let text = String::from_utf8(first.content.clone()).unwrap();
    let note = signer(3).sign(text.split_once("\n\n").map(|(text, _)| format!("{text}\n")).unwrap().as_str());
    let forged = seal::in_clear(18, &note, log::minutes(now(0)), &mut counter());
    assert!(bound(&forged, &settings().key).is_err() && bound(&first, &settings().key).unwrap().is_some());
    let mut twice = founded();
    twice.log.put(vec![first]).unwrap();
    twice.log.publish().unwrap();
    let account = twice.account();
    assert_eq!((account.faults, account.unexplained[0].index), (1, Some(2)), "{account:?}");
}
