#![expect(clippy::disallowed_methods, reason = "reads files as who comes after a crash")]
//! Each change of the disk that copying and deleting make in a folder, failed once: as a full disk does, or `kill -9`.

use super::*;
use crate::audit::disk::fault::{Plan, Strike, under};
use crate::audit::log_tests::{World, action, counter, now, officer, settings};
use crate::audit::{Erase, LogStore as _};
use futures_util::FutureExt as _;
use std::path::Path;

fn copied(world: &World, place: &Path) -> Result<Replicated, ReplicaError> {
    let mut replica = super::tests::writer(place)?;
    replicate(&world.store, &settings(), &mut replica, now(91)).now_or_never().expect("a folder answers at once")
}

fn faults(world: &World, place: &Path) -> Vec<crate::audit::Bad> {
    let replica = FolderReplica::open(place, false).unwrap();
    let done = compare(&world.store, &settings(), &replica, now(91)).now_or_never().expect("a folder answers at once");
    done.unwrap().bad
}

#[test]
fn copying_that_fails_anywhere_leaves_a_replica_that_is_whole_and_goes_on() {
    let mut world = World::of(300);
    let early = World { store: crate::audit::log_tests::Shared::default(), log: World::of(0).log };
    *early.store.0.lock().unwrap() = world.store.0.lock().unwrap().clone();
    world.log.append(&(300..320).map(action).collect::<Vec<_>>(), now(1), &mut counter()).unwrap();
    world.log.publish().unwrap();
    world.log.erase(&Erase::Records(vec![5, 6, 7]), "request-1", &officer(), now(1), &mut counter()).unwrap();
    let mut changes = 0;
    for strike in [Strike::Before, Strike::Half, Strike::After] {
        for at in 1.. {
            let dir = tempfile::tempdir().unwrap();
            copied(&early, dir.path()).unwrap();
            let plan = Plan { at, strike, last: true };
            let (done, struck) = under(plan, || copied(&world, dir.path()));
            if !struck {
                assert!(done.is_ok(), "{plan:?}");
                break;
            }
            changes += 1;
            assert!(done.is_err(), "{plan:?}: it says that it copied");
            let left = faults(&world, dir.path());
            assert!(left.is_empty(), "{plan:?}: {left:?}");
            let size = size_of(&std::fs::read(dir.path().join("checkpoint")).unwrap());
            assert!([301, world.store.size()].contains(&size), "{plan:?}");
            let again = copied(&world, dir.path()).unwrap_or_else(|e| panic!("{plan:?}: {e}"));
            assert_eq!(again.size, world.store.size(), "{plan:?}");
            assert_eq!(faults(&world, dir.path()), [], "{plan:?}");
            let replica = FolderReplica::open(dir.path(), false).unwrap();
            let gone = replica.read(5, 3).now_or_never().unwrap().unwrap();
            assert!(gone.iter().all(|copied| copied.content.is_none()), "{plan:?}: deleted in the end");
        }
    }
    assert!(changes > 60, "{changes}");
}
