#![expect(clippy::disallowed_methods, reason = "changes files as whoever owns the disk would")]
//! What every store must do.

use super::{CHECKPOINT, FolderStore, LogStore, MemoryStore, Stored};

fn record(n: u8) -> Stored {
    Stored { entry: vec![n; 87], content: vec![n; usize::from(n)] }
}

/// Opens a log to write. A program that another test starts holds the lock for the moment between fork and exec.
fn writer(place: &std::path::Path) -> Result<FolderStore, crate::audit::AuditError> {
    for _ in 0..500 {
        match FolderStore::writer(place) {
            Err(crate::audit::AuditError::Locked { .. }) => std::thread::sleep(std::time::Duration::from_millis(10)),
            other => return other,
        }
    }
    FolderStore::writer(place)
}

fn suite(store: &mut dyn LogStore) {
    assert_eq!(store.size(), 0);
    assert!(store.read(0, 10).unwrap().is_empty());
    store.append(&[record(0), record(1)]).unwrap();
    store.append(&[record(2)]).unwrap();
    assert_eq!(store.size(), 3);
    assert_eq!(store.read(1, 1).unwrap(), [record(1)]);
    let all = crate::audit::tree::read_all(store, 0, 3).unwrap();
    assert_eq!(all, [record(0), record(1), record(2)]);
    assert!(store.read(3, 10).unwrap().is_empty());
    assert_eq!(store.get(CHECKPOINT).unwrap(), None);
    assert!(store.swap_checkpoint(Some(b"old"), b"one").is_err());
    store.swap_checkpoint(None, b"one").unwrap();
    assert!(store.swap_checkpoint(None, b"two").is_err());
    store.swap_checkpoint(Some(b"one"), b"two").unwrap();
    assert_eq!(store.get(CHECKPOINT).unwrap().as_deref(), Some(&b"two"[..]));
    store.put("tile/0/000.p/3", b"tile").unwrap();
    store.put("tile/0/000.p/3", b"tiles").unwrap();
    assert_eq!(store.get("tile/0/000.p/3").unwrap().as_deref(), Some(&b"tiles"[..]));
    assert_eq!(store.get("tile/0/000").unwrap(), None);
}

#[test]
fn memory() {
    suite(&mut MemoryStore::default());
}

#[test]
fn folder() {
    let dir = tempfile::tempdir().unwrap();
    let place = dir.path().join("log");
    assert_eq!(writer(&place).unwrap_err().code().as_str(), "audit-log-absent");
    FolderStore::create(&place).unwrap();
    assert_eq!(FolderStore::create(&place).unwrap_err().code().as_str(), "audit-log-exists");
    let mut store = writer(&place).unwrap();
    suite(&mut store);
    assert_eq!(FolderStore::writer(&place).unwrap_err().code().as_str(), "audit-log-locked");
    // Another process that only reads sees the same.
    assert_eq!(FolderStore::read_only(&place).unwrap().read(2, 9).unwrap(), [record(2)]);
    drop(store);
    let mut store = writer(&place).unwrap();
    assert_eq!(store.size(), 3);
    // Frames that are larger than a segment, and many segments.
    let large = Stored { entry: vec![1; 87], content: vec![7; 9 << 20] };
    store.append(std::slice::from_ref(&large)).unwrap();
    store.append(&[record(4)]).unwrap();
    assert_eq!(store.read(3, 1).unwrap(), [large]);
    assert_eq!(store.read(4, 1).unwrap(), [record(4)]);
    drop(store);
    assert_eq!(FolderStore::read_only(&place).unwrap().size(), 5);
}

#[test]
fn a_frame_that_was_cut_off_is_cut_away_and_one_that_others_follow_is_damage() {
    let dir = tempfile::tempdir().unwrap();
    let place = dir.path().join("log");
    FolderStore::create(&place).unwrap();
    let mut store = writer(&place).unwrap();
    (1..4).for_each(|n| store.append(&[record(n)]).unwrap());
    drop(store);
    let segment = place.join("journal/00000000000000000000");
    let whole = std::fs::read(&segment).unwrap();
    let length = |n: u8| super::super::frame::HEAD + 6 + 87 + usize::from(n);
    let last = 32 + length(1) + length(2);
    for cut in 0..length(3) {
        let mut torn = whole.clone();
        torn[last + cut..].fill(0);
        std::fs::write(&segment, &torn).unwrap();
        let mut store = writer(&place).unwrap();
        assert_eq!(store.size(), 2, "cut at {cut}");
        store.append(&[record(9)]).unwrap();
        assert_eq!(store.read(2, 1).unwrap(), [record(9)]);
        drop(store);
        assert_eq!(writer(&place).unwrap().size(), 3);
    }
    for at in [40, 60, last - 1] {
        let mut changed = whole.clone();
        changed[at] ^= 1;
        std::fs::write(&segment, &changed).unwrap();
        assert_eq!(writer(&place).unwrap_err().code().as_str(), "audit-log-damaged", "byte {at}");
        assert_eq!(std::fs::read(&segment).unwrap(), changed, "it stays as it is");
    }
}

#[test]
fn only_what_the_specification_names_is_handed_out() {
    use super::published::Published;
    let dir = tempfile::tempdir().unwrap();
    for (name, bytes) in [("keys/log.key", "secret"), ("tlog/checkpoint", "note"), ("tlog/other", "x")] {
        let path = dir.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
    let published = Published::of(dir.path());
    for name in ["../keys/log.key", "other", "tile/../../keys/log.key", "", "."] {
        assert_eq!(published.get(name).unwrap(), None, "{name}");
    }
    assert_eq!(published.get(CHECKPOINT).unwrap().as_deref(), Some(&b"note"[..]));
}
