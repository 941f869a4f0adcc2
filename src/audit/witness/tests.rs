#![expect(clippy::disallowed_methods, reason = "changes files as whoever owns the disk would")]
//! What a witness says, and what it remembers.

use super::*;
use crate::tlog::Line;
use crate::tlog::note::NoteSigner;

fn now() -> Timestamp {
    Timestamp::from_unix(1_790_000_000).unwrap()
}

fn log() -> NoteSigner {
    NoteSigner::from_seed("log.example", &[1; 32]).unwrap()
}

fn watcher(store: impl WitnessStore + 'static) -> Watcher {
    let cosigner = Cosigner::of(NoteSigner::from_seed("w.example", &[2; 32]).unwrap()).unwrap();
    Watcher::new(vec![log().key().clone()], cosigner, Box::new(store))
}

/// A request for a checkpoint of a tree without proof.
fn request(old: u64, size: u64, root: Hash) -> Vec<u8> {
    let note = log().sign(&format!("log.example\n{size}\n{root}\n"));
    AddCheckpoint { old, proof: Vec::new(), checkpoint: &note }.write().into_bytes()
}

fn hash(n: u8) -> Hash {
    Hash::of_entry(&[n])
}

#[test]
fn what_it_cosigned_it_remembers_when_it_starts_again() {
    let dir = tempfile::tempdir().unwrap();
    let (folder, mark) = (dir.path().join("witness"), dir.path().join("witness.seen"));
    let key = Cosigner::of(NoteSigner::from_seed("w.example", &[2; 32]).unwrap()).unwrap().key().key().clone();
    let places = Places { folder: &folder, mark: &mark, key: &key };
    let open = || {
        for _ in 0..500 {
            match FolderWitness::open(places) {
                Err(AuditError::Locked { .. }) => std::thread::sleep(std::time::Duration::from_millis(10)),
                other => return other.unwrap(),
            }
        }
        panic!("locked")
    };
    let mut first = watcher(open());
    let line = first.add(&request(0, 5, hash(1)), now()).unwrap().unwrap();
    let text = format!("log.example\n5\n{}\n", hash(1));
    assert_eq!(first.cosigner.key().cosigned(&text, &Line::parse(&line).unwrap()), Some(1_790_000_000));
    assert!(matches!(FolderWitness::open(places), Err(AuditError::Locked { .. })));
    drop(first);
    let mut again = watcher(open());
    assert_eq!(again.add(&request(0, 5, hash(2)), now()).unwrap(), Err(Refusal::Conflict(5)));
    assert_eq!(again.add(&request(5, 5, hash(2)), now()).unwrap().unwrap_err().status(), 422, "another history");
    again.add(&request(5, 5, hash(1)), now()).unwrap().unwrap();
    let kept = again.monitored(&name_of("log.example")).unwrap().unwrap();
    let note = Note::parse(&kept).unwrap();
    assert!(note.is_signed_by(log().key()).unwrap() && note.lines.len() == 2);
    assert_eq!(again.monitored(&name_of("other.example")).unwrap(), None);
    // What it remembers is changed, or cut: it says nothing rather than to forget.
    let path = folder.join(name_of("log.example"));
    std::fs::write(&path, log().sign(&format!("log.example\n1\n{}\n", hash(3)))).unwrap();
    assert!(matches!(again.add(&request(1, 1, hash(3)), now()), Err(AuditError::Unusable { .. })));
    std::fs::write(&path, "").unwrap();
    assert!(again.add(&request(0, 5, hash(2)), now()).is_err());
    assert!(again.ready().is_err());
}

#[test]
fn a_key_that_cosigned_is_no_new_witness_when_what_it_saw_is_gone() {
    let dir = tempfile::tempdir().unwrap();
    let (folder, mark) = (dir.path().join("witness"), dir.path().join("witness.seen"));
    let cosigner = |seed| Cosigner::of(NoteSigner::from_seed("w.example", &[seed; 32]).unwrap()).unwrap();
    let (key, other) = (cosigner(2).key().key().clone(), cosigner(3).key().key().clone());
    let open = |key| FolderWitness::open(Places { folder: &folder, mark: &mark, key });
    // One that has said nothing yet may lose its folder.
    drop(open(&key).unwrap());
    std::fs::remove_dir_all(&folder).unwrap();
    watcher(open(&key).unwrap()).add(&request(0, 5, hash(1)), now()).unwrap().unwrap();
    drop(open(&key).unwrap());
    std::fs::rename(&folder, dir.path().join("away")).unwrap();
    assert_eq!(open(&key).unwrap_err().code().as_str(), "audit-witness-forgot");
    // The folder is there, and without what was seen of that log.
    assert!(folder.exists() && open(&key).is_err());
    drop(open(&other).unwrap());
    std::fs::remove_dir_all(&folder).unwrap();
    std::fs::rename(dir.path().join("away"), &folder).unwrap();
    let mut again = watcher(open(&key).unwrap());
    again.ready().unwrap();
    assert_eq!(again.add(&request(5, 5, hash(2)), now()).unwrap().unwrap_err().status(), 422);
}

#[test]
fn what_cannot_be_kept_is_not_said() {
    let mut store = MemoryWitness::default();
    store.broken = true;
    let mut broken = watcher(store.clone());
    assert!(matches!(broken.add(&request(0, 5, hash(1)), now()), Err(AuditError::Unusable { .. })));
    // Whoever starts it again finds nothing that was said.
    store.broken = false;
    let mut well = watcher(store);
    assert!(well.add(&request(0, 5, hash(2)), now()).unwrap().is_ok());
    assert_eq!(well.add(b"old x\n\n", now()).unwrap().unwrap_err().status(), 400);
}
