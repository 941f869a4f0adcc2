#![expect(clippy::disallowed_methods, reason = "copies folders of logs, and reads them as who comes after a crash")]
//! Each change of the disk that appending, erasing and expiring make, failed once: as a full disk does, or `kill -9`.

use super::fault::{Plan, Strike, under};
use crate::audit::keys::FolderKeys;
use crate::audit::log_tests::{action, counter, now, officer, settings, signer, started};
use crate::audit::store::{CHECKPOINT, FolderStore};
use crate::audit::*;
use crate::record::Draft;
use crate::tlog::{Checkpoint, Note};
use std::fs;
use std::path::Path;

/// Opens the log of a folder to write, with segments that a few records fill.
fn writer(place: &Path) -> Result<Log, AuditError> {
    let mut store = FolderStore::writer(place);
    // A program that another test starts holds the lock for the moment between fork and exec.
    for _ in 0..500 {
        if !matches!(store, Err(AuditError::Locked { .. })) {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
        store = FolderStore::writer(place);
    }
    let mut store = store?;
    store.segment_bytes = 2048;
    let keys = Box::new(FolderKeys::open(&place.join("keys"))?);
    Log::open(Parts { settings: settings(), store: Box::new(store), keys, signer: signer(1) })
}

/// A log of 21 records, all published.
fn made(place: &Path) {
    FolderStore::create(place).unwrap();
    FolderKeys::create(&place.join("keys")).unwrap();
    let mut log = writer(place).unwrap();
    let mut random = counter();
    log.append(&[started(0, "github:1")], now(0), &mut random).unwrap();
    for n in 0..5 {
        let few: Vec<Draft> = (0..4).map(|m| action(n * 4 + m)).collect();
        log.append(&few, now(0), &mut random).unwrap();
        log.publish().unwrap();
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.path().is_dir() { copy(&entry.path(), &to) } else { fs::copy(entry.path(), to).map(|_| ()).unwrap() }
    }
    fs::set_permissions(to, fs::metadata(from).unwrap().permissions()).unwrap();
}

/// The checkpoint that is there, as somebody outside would keep it.
fn seen(place: &Path, name: &str) -> Outside {
    let bytes = FolderStore::read_only(place).unwrap().get(CHECKPOINT).unwrap().unwrap();
    let checkpoint = Checkpoint::parse(Note::parse(&bytes).unwrap().text).unwrap();
    Outside::kept(name, checkpoint)
}

fn accounted(place: &Path, outside: &[Outside]) -> Account {
    let keys = FolderKeys::open(&place.join("keys")).unwrap().load().unwrap().unwrap();
    account(&FolderStore::read_only(place).unwrap(), &settings(), Some(&keys), outside).unwrap()
}

/// What is done while the disk fails; how many records were acknowledged by it.
type Work = fn(&mut Log) -> Result<u64, AuditError>;

fn append(log: &mut Log) -> Result<u64, AuditError> {
    let mut random = counter();
    // A new day and a new person, so that keys are saved; more than a segment holds, so that a new one is made.
    log.append(&[started(5, "github:5"), action(90)], now(1), &mut random)?;
    log.append(&(0..8).map(action).collect::<Vec<_>>(), now(1), &mut random)?;
    log.publish()?;
    Ok(10)
}

fn erase_records(log: &mut Log) -> Result<u64, AuditError> {
    log.erase(&Erase::Records(vec![3, 4, 9]), "request-1", &officer(), now(1), &mut counter())?;
    log.publish().map(|_| 1)
}

fn erase_person(log: &mut Log) -> Result<u64, AuditError> {
    log.erase(&Erase::Person("github:1".into()), "request-2", &officer(), now(1), &mut counter())?;
    log.publish().map(|_| 1)
}

fn retain(log: &mut Log) -> Result<u64, AuditError> {
    log.retain(&officer(), now(91), &mut counter())?;
    log.publish().map(|_| 1)
}

/// Fails every change of the disk of some work, in every way, and looks at what is there then.
fn at_every_change(work: Work) -> u64 {
    let dir = tempfile::tempdir().unwrap();
    let base = dir.path().join("base");
    made(&base);
    let before = seen(&base, "before");
    let mut changes = 0;
    for strike in [Strike::Before, Strike::Half, Strike::After] {
        for last in [true, false] {
            for at in 1.. {
                let place = dir.path().join("log");
                copy(&base, &place);
                // Whoever holds the files of keys open sees what becomes of them.
                let held = ["master", "keys.1"].map(|name| (place.join("keys").join(name), dir.path().join(name)));
                held.iter().for_each(|(file, held)| fs::hard_link(file, held).unwrap());
                let plan = Plan { at, strike, last };
                let (done, struck) = under(plan, || {
                    let mut log = writer(&place)?;
                    let done = work(&mut log);
                    // Where the process lives on, it tries once more, and must not acknowledge what is not there.
                    if done.is_err() && !last { work(&mut log).or(done) } else { done }
                });
                if !struck {
                    held.iter().for_each(|(_, held)| fs::remove_file(held).unwrap());
                    assert!(done.is_ok(), "{plan:?}: {done:?}");
                    fs::remove_dir_all(&place).unwrap();
                    break;
                }
                changes += 1;
                let destroyed = after(&place, &before, done.ok(), &format!("{plan:?}"));
                fs::remove_dir_all(&place).unwrap();
                for (_, held) in held {
                    let is_gone = fs::read(&held).unwrap().iter().all(|b| *b == 0);
                    assert!(is_gone || !destroyed, "{plan:?}: {} is still there", held.display());
                    fs::remove_file(held).unwrap();
                }
            }
        }
    }
    changes
}

/// What must be true after a crash, without anybody's help; whether keys were destroyed.
fn after(place: &Path, before: &Outside, acknowledged: Option<u64>, plan: &str) -> bool {
    let outside = [before.clone(), seen(place, "crashed")];
    let crashed = accounted(place, &outside);
    assert_eq!(crashed.faults, 0, "{plan}: before it is opened: {:?}", crashed.unexplained);
    assert!(crashed.size >= 21 + acknowledged.unwrap_or(0), "{plan}: {crashed:?}");
    let mut log = writer(place).unwrap_or_else(|e| panic!("{plan}: {e}"));
    log.append(&[action(99)], now(91), &mut counter()).unwrap_or_else(|e| panic!("{plan}: {e}"));
    log.publish().unwrap_or_else(|e| panic!("{plan}: {e}"));
    drop(log);
    let whole = accounted(place, &outside);
    assert_eq!((whole.faults, whole.unfinished), (0, None), "{plan}: {:?}", whole.unexplained);
    assert!(whole.size > crashed.size && whole.published == whole.size, "{plan}");
    // A redaction that is in the log is carried out.
    let redactions = crashed.redactions.max(u64::from(acknowledged == Some(1)));
    assert!(whole.redactions >= redactions, "{plan}");
    assert_eq!(whole.redactions > 0, whole.redacted + whole.expired + whole.partly > 0, "{plan}: {whole:?}");
    // Nothing of earlier keys stays beside those that count.
    let keys = FolderKeys::open(&place.join("keys")).unwrap();
    let mut files: Vec<_> = fs::read_dir(place.join("keys")).unwrap().map(|f| f.unwrap().file_name()).collect();
    files.sort();
    assert_eq!(files, [format!("keys.{}", keys.generation()), "master".into()].map(std::ffi::OsString::from), "{plan}");
    whole.redactions > 0
}

#[test]
fn an_append_that_fails_anywhere_loses_nothing_that_was_acknowledged() {
    assert!(at_every_change(append) > 100);
}

#[test]
fn an_erasure_of_records_that_fails_anywhere_is_carried_out_or_was_not_begun() {
    assert!(at_every_change(erase_records) > 100);
}

#[test]
fn an_erasure_of_a_person_that_fails_anywhere_is_carried_out_or_was_not_begun() {
    assert!(at_every_change(erase_person) > 100);
}

#[test]
fn expiring_that_fails_anywhere_is_carried_out_or_was_not_begun() {
    assert!(at_every_change(retain) > 100);
}

#[test]
fn a_log_whose_last_frame_cannot_be_made_durable_is_not_written_to() {
    let dir = tempfile::tempdir().unwrap();
    made(dir.path());
    let before = seen(dir.path(), "before");
    // The frame is written, and the disk does not say that it has it.
    let mut log = writer(dir.path()).unwrap();
    let plan = Plan { at: 7, strike: Strike::Before, last: true };
    let (done, _) = under(plan, || log.append(&[action(90)], now(0), &mut counter()).map(drop));
    drop(log);
    let plan = Plan { at: 1, strike: Strike::Before, last: true };
    let (opened, struck) = under(plan, || writer(dir.path()).map(drop));
    assert!(struck && opened.unwrap_err().to_string().contains("No space left"), "{done:?}");
    assert_eq!(seen(dir.path(), "before"), before, "no checkpoint is signed over it");
    // The twin.
    writer(dir.path()).unwrap().publish().unwrap();
    assert_eq!(accounted(dir.path(), &[before]).faults, 0);
}

#[test]
fn partial_tiles_that_went_with_the_power_come_again_with_the_next_record() {
    let dir = tempfile::tempdir().unwrap();
    made(dir.path());
    let before = seen(dir.path(), "before");
    for name in ["tile/0/000.p/21", "tile/entries/000.p/21"] {
        fs::write(dir.path().join("tlog").join(name), []).unwrap();
    }
    let mut log = writer(dir.path()).unwrap();
    log.append(&[action(99)], now(1), &mut counter()).unwrap();
    log.publish().unwrap();
    drop(log);
    assert_eq!(accounted(dir.path(), &[before]).faults, 0);
}

#[test]
fn a_writer_whose_keys_could_not_be_saved_acknowledges_nothing_under_them() {
    let dir = tempfile::tempdir().unwrap();
    made(dir.path());
    let mut log = writer(dir.path()).unwrap();
    let mut one = || log.append(&[action(90)], now(1), &mut counter()).map(drop);
    // The first change is the file of the new day's key.
    let plan = Plan { at: 1, strike: Strike::Before, last: false };
    let ((first, second), struck) = under(plan, || (one(), one()));
    assert!(struck && first.is_err());
    assert!(second.unwrap_err().to_string().contains("open the log again"));
    assert_eq!(accounted(dir.path(), &[]).size, 21);
}

#[test]
fn a_folder_in_the_place_of_keys_holds_no_erasure_up() {
    let dir = tempfile::tempdir().unwrap();
    made(dir.path());
    for name in ["keys.2", "keys.3", "keys.77"] {
        fs::create_dir_all(dir.path().join("keys").join(name).join("more")).unwrap();
    }
    let mut log = writer(dir.path()).unwrap();
    log.erase(&Erase::Records(vec![3]), "request-1", &officer(), now(1), &mut counter()).unwrap();
    log.publish().unwrap();
    drop(log);
    let whole = accounted(dir.path(), &[]);
    assert_eq!((whole.faults, whole.redacted), (0, 1), "{whole:?}");
    assert!(!dir.path().join("keys/keys.1").exists(), "the old keys are gone");
    assert!(writer(dir.path()).is_ok());
}
