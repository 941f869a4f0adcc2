//! Holds as the officer, who cleans up, and an attacker see them.

use super::keys::MemoryKeys;
use super::log_tests::*;
use super::*;
use crate::record::Class;
use std::sync::{Arc, Mutex};

#[test]
fn what_is_held_neither_expires_nor_is_erased_until_it_is_let_go() {
    let mut world = World::of(20);
    let mut random = counter();
    world.log.append(&[action(1), action(2)], now(60), &mut random).unwrap();
    world.log.append(&[started(7, "github:2")], now(61), &mut random).unwrap();
    let hold = Keep::Hold(Held::records(&[21, 22]));
    let by_log = world.log.hold(hold.clone(), "case-1", &signer(1), now(62), &mut random);
    assert_eq!(by_log.unwrap_err().code().as_str(), "audit-malformed", "the log's own key has no authority");
    let at = world.log.hold(hold, "case-1", &officer(), now(62), &mut random).unwrap();
    assert_eq!(at, 24);
    let everybody = Keep::Hold(Held::records(&[23]));
    let other = world.log.hold(everybody, "case-2", &officer(), now(62), &mut random).unwrap();
    for erase in [Erase::Records(vec![20, 21]), Erase::Person("github:2".into())] {
        let e = world.log.erase(&erase, "request", &officer(), now(62), &mut random).unwrap_err();
        assert_eq!(e.code().as_str(), "audit-held", "{e}");
    }
    // What is not held is erased, and expires: the days before and after, and not the day of a held record.
    world.log.erase(&Erase::Records(vec![20]), "request", &officer(), now(62), &mut random).unwrap();
    world.log.append(&[action(3)], now(63), &mut random).unwrap();
    let done = world.log.retain(&officer(), now(200), &mut random).unwrap();
    assert_eq!(done.len(), 2, "before the days that are held, and after them");
    let readable =
        |world: &World, index: u64| open(&world.store.read(index, 1).unwrap()[0], index, world.log.keys()).is_ok();
    assert_eq!([5, 20, 21, 22, 23, 27].map(|index| readable(&world, index)), [false, false, true, true, true, false]);
    let account = world.account();
    assert_eq!((account.faults, account.holds), (0, 2), "{account:?}");
    // The second keeps on.
    world.log.hold(Keep::Release(at), "closed", &officer(), now(200), &mut random).unwrap();
    for bad in [at, 3, 99] {
        let again = world.log.hold(Keep::Release(bad), "closed", &officer(), now(200), &mut random);
        assert_eq!(again.unwrap_err().code().as_str(), "audit-unknown", "{bad}");
    }
    world.log.retain(&officer(), now(200), &mut random).unwrap();
    assert_eq!([21, 22, 23].map(|index| readable(&world, index)), [false, false, true]);
    world.log.hold(Keep::Release(other), "closed", &officer(), now(200), &mut random).unwrap();
    world.log.erase(&Erase::Person("github:2".into()), "request", &officer(), now(200), &mut random).unwrap();
    world.log.retain(&officer(), now(200), &mut random).unwrap();
    assert!(!readable(&world, 23));
    let account = world.account();
    assert_eq!((account.faults, account.holds), (0, 0), "{account:?}");
}

#[test]
fn a_hold_of_everything_keeps_what_comes_after_it_too() {
    let mut world = World::of(20);
    let mut random = counter();
    let at = world.log.hold(Keep::Hold(Held::Everything), "case", &officer(), now(1), &mut random).unwrap();
    world.log.append(&[action(1)], now(2), &mut random).unwrap();
    assert!(world.log.retain(&officer(), now(900), &mut random).unwrap().is_empty());
    let e = world.log.erase(&Erase::Records(vec![22]), "r", &officer(), now(3), &mut random).unwrap_err();
    assert_eq!(e.to_string(), "record 22 is held by record 21: case");
    world.log.hold(Keep::Release(at), "closed", &officer(), now(3), &mut random).unwrap();
    assert_eq!(world.log.retain(&officer(), now(900), &mut random).unwrap().len(), 1);
}

#[test]
fn what_was_destroyed_while_it_was_held_is_unexplained() {
    for by_record in [true, false] {
        let mut world = World::of(20);
        let mut random = counter();
        world.log.hold(Keep::Hold(Held::records(&[5])), "case", &officer(), now(1), &mut random).unwrap();
        let what = if by_record {
            What::Records(vec![(5, 5)])
        } else {
            let until = log::day(now(0));
            What::Expired { class: Class::Executions, from: 0, until, kept: 90 }
        };
        // Who has the key of redactions writes one with another program.
        let order = Redaction { origin: ORIGIN.into(), time: now(100), basis: "policy".into(), at: 22, what };
        world.log.keys.pending = Some(officer().sign(&order.to_string()));
        world.log.finish_redaction(now(100), &mut random).unwrap();
        let account = world.account();
        let first = account.unexplained.first().map(|bad| (bad.index, bad.cause.as_str()));
        let expected = "redaction 22 destroyed it while the hold of record 21 kept it";
        assert_eq!(first, Some((Some(5), expected)), "{account:?}");
        assert_eq!(account.faults, 1);
    }
}

#[test]
fn a_log_is_opened_again_behind_a_hold_with_authority_alone() {
    let world = World::of(20);
    let opened = |hold: &Hold, by: &crate::tlog::note::NoteSigner| {
        let store = Shared(Arc::new(Mutex::new(world.store.0.lock().unwrap().clone())));
        let note = by.sign(&hold.to_string());
        store.0.lock().unwrap().records.push(seal::in_clear(crate::record::kinds::HOLD, &note, 1, &mut counter()));
        let mut keys = MemoryKeys::default();
        keys.save(world.log.keys(), false).unwrap();
        let opened = Log::open(Parts { keys: Box::new(keys), ..parts(&store) }).map(|log| log.size());
        (opened, account(&store, &settings(), Some(world.log.keys()), &[]).unwrap().faults)
    };
    let hold =
        |at| Hold { origin: ORIGIN.into(), time: now(1), basis: "case".into(), at, what: Keep::Hold(Held::Everything) };
    assert_eq!(opened(&hold(21), &officer()), (Ok(22), 0));
    for (hold, by) in [(hold(21), signer(1)), (hold(20), officer()), (hold(22), officer())] {
        let (opened, faults) = opened(&hold, &by);
        assert!(opened.unwrap_err().to_string().contains("record 21 stands behind the last"), "{hold}");
        assert_eq!(faults, 1, "{hold}");
    }
}

#[test]
fn a_hold_that_is_put_into_the_log_again_keeps_nothing() {
    let mut world = World::of(20);
    let mut random = counter();
    let at = world.log.hold(Keep::Hold(Held::Everything), "case", &officer(), now(1), &mut random).unwrap();
    world.log.hold(Keep::Release(at), "closed", &officer(), now(1), &mut random).unwrap();
    let again = world.store.read(at, 1).unwrap().remove(0);
    world.store.0.lock().unwrap().records.push(again);
    assert_eq!(Holds::of(&world.store, &settings()).unwrap().in_force().count(), 0);
    let account = world.account();
    assert_eq!(
        account.unexplained.first().map(|bad| bad.cause.as_str()),
        Some("the hold of record 21, put here again")
    );
    assert_eq!(account.holds, 0);
}
