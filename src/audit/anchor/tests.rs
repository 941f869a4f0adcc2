#![expect(clippy::disallowed_methods, reason = "changes files as whoever owns the disk would")]
//! What is kept of anchors, by every back end.

use super::*;
use crate::audit::disk::fault::{Plan, Strike, under};
use crate::tlog::note::NoteSigner;
use crate::tlog::{Cosigner, Hash, Note};
use std::time::Duration;

/// A program that another test starts holds a lock for the moment between fork and exec.
const PATIENCE: Duration = Duration::from_secs(5);

fn note(size: u64) -> String {
    let text = format!("log.example\n{size}\n{}\n", Hash::of_entry(&size.to_be_bytes()));
    NoteSigner::from_seed("log.example", &[1; 32]).unwrap().sign(&text)
}

fn line(seed: u8, note: &str, time: u64) -> String {
    let name = format!("w{seed}.example");
    let witness = Cosigner::of(NoteSigner::from_seed(&name, &[seed; 32]).unwrap()).unwrap();
    witness.cosign(Note::parse(note.as_bytes()).unwrap().text, time)
}

/// What every back end does.
fn conforms(anchors: &mut dyn Anchors) {
    assert!(anchors.all().unwrap().is_empty());
    let (large, small) = (note(300), note(7));
    let (one, two, later) = (line(2, &large, 5), line(3, &large, 6), line(2, &large, 9));
    let name = anchors.keep(&large, &one).unwrap();
    assert_eq!(anchors.keep(&large, &two).unwrap(), name);
    assert_eq!(anchors.keep(&large, &later).unwrap(), name, "a later one by the same key adds nothing");
    anchors.keep(&small, &line(2, &small, 4)).unwrap();
    for (kind, bytes) in [
        (Beside::Timestamp, &b"stamp"[..]),
        (Beside::Timestamp, b"stamp"),
        (Beside::Timestamp, b"another"),
        (Beside::Entry, b"stamp"),
    ] {
        assert_eq!(anchors.keep_beside(&large, kind, bytes).unwrap(), name);
    }
    let all = anchors.all().unwrap();
    assert_eq!(all.len(), 2);
    assert!(all[0].name.starts_with("00000000000000000007-") && all[0].timestamps.is_empty(), "{}", all[0].name);
    assert_eq!(String::from_utf8(all[1].note.clone()).unwrap(), format!("{large}{one}\n{two}\n"));
    let mut stamps = all[1].timestamps.clone();
    stamps.sort();
    assert_eq!(stamps, [b"another".to_vec(), b"stamp".to_vec()]);
    assert_eq!((all[1].entries.clone(), all[1].changed.len()), (vec![b"stamp".to_vec()], 0));
    // Another history of the same size is another anchor.
    let other = NoteSigner::from_seed("log.example", &[1; 32]).unwrap();
    let other = other.sign(&format!("log.example\n300\n{}\n", Hash::of_nothing()));
    assert_ne!(anchors.keep(&other, &line(2, &other, 5)).unwrap(), name);
    assert_eq!(anchors.all().unwrap().len(), 3);
    assert!(anchors.keep("no note", &one).is_err() && anchors.keep(&large, "no line").is_err());
}

#[test]
fn anchors_are_kept_and_added_to() {
    conforms(&mut MemoryAnchors::default());
    let dir = tempfile::tempdir().unwrap();
    conforms(&mut FolderAnchors::writer(dir.path(), PATIENCE).unwrap());
    assert_eq!(FolderAnchors::read_only(dir.path()).all().unwrap().len(), 3);
}

#[test]
fn one_process_at_a_time_adds_and_a_changed_anchor_is_found() {
    let dir = tempfile::tempdir().unwrap();
    assert!(FolderAnchors::read_only(dir.path()).all().unwrap().is_empty(), "none is no error");
    let mut anchors = FolderAnchors::writer(dir.path(), PATIENCE).unwrap();
    let again = FolderAnchors::writer(dir.path(), Duration::ZERO);
    assert!(matches!(again, Err(AuditError::Locked { .. })));
    let (seven, eight) = (note(7), note(8));
    let name = anchors.keep(&seven, &line(2, &seven, 4)).unwrap();
    let path = dir.path().join("anchors").join(format!("{name}.checkpoint"));
    std::fs::write(&path, format!("{eight}{}\n", line(2, &eight, 4))).unwrap();
    assert!(matches!(anchors.keep(&seven, &line(3, &seven, 4)), Err(AuditError::Damaged { .. })));
    // What is kept beside a checkpoint is found to be another thing by its name.
    for kind in [Beside::Timestamp, Beside::Entry] {
        anchors.keep_beside(&eight, kind, b"what was said").unwrap();
        let name = anchors.all().unwrap().last().unwrap().name.clone();
        let file = file_of(&name, kind, b"what was said");
        let path = dir.path().join("anchors").join(&file);
        std::fs::write(&path, b"what was sayd").unwrap();
        let all = anchors.all().unwrap();
        assert_eq!((&all.last().unwrap().changed, all.last().unwrap().entries.len()), (&vec![file], 0));
        std::fs::remove_file(&path).unwrap();
        assert!(anchors.all().unwrap().last().unwrap().changed.is_empty(), "the twin");
    }
    std::fs::remove_file(dir.path().join("anchors").join(format!("{}.checkpoint", anchors.all().unwrap()[1].name)))
        .unwrap();
    // What is no anchor is passed over.
    std::fs::write(dir.path().join("anchors/notes.txt"), "x").unwrap();
    assert_eq!(anchors.all().unwrap().len(), 1);
}

/// Each change of the disk that keeping makes, failed once: as a full disk does, or `kill -9`.
#[test]
fn whatever_change_fails_each_anchor_is_as_it_was_before_or_after() {
    let (seven, eight) = (note(7), note(8));
    let (first, second) = (line(2, &seven, 4), line(3, &seven, 5));
    let keep = |anchors: &mut dyn Anchors, kept: &mut usize| -> Result<(), AuditError> {
        anchors.keep(&seven, &second)?;
        *kept += 1;
        anchors.keep_beside(&eight, Beside::Timestamp, b"stamp")?;
        *kept += 1;
        anchors.keep_beside(&eight, Beside::Entry, b"entry")?;
        *kept += 1;
        Ok(())
    };
    let mut strikes = 0;
    for strike in [Strike::Before, Strike::Half, Strike::After] {
        for at in 1.. {
            let dir = tempfile::tempdir().unwrap();
            let mut anchors = FolderAnchors::writer(dir.path(), PATIENCE).unwrap();
            anchors.keep(&seven, &first).unwrap();
            let (mut kept, plan) = (0, Plan { at, strike, last: true });
            let (done, struck) = under(plan, || keep(&mut anchors, &mut kept));
            let all = anchors.all().unwrap();
            assert!(all.iter().all(|anchor| anchor.changed.is_empty()), "{plan:?}: {all:?}");
            let text = String::from_utf8(all[0].note.clone()).unwrap();
            let whole = [format!("{seven}{first}\n"), format!("{seven}{first}\n{second}\n")];
            assert!(text == whole[1] || kept == 0 && text == whole[0], "{plan:?}: {text}");
            let beside = all.get(1).map_or((0, 0), |anchor| (anchor.timestamps.len(), anchor.entries.len()));
            assert!(beside >= [(0, 0), (0, 0), (1, 0), (1, 1)][kept], "{plan:?}: {beside:?} after {kept}");
            // Whoever comes next repairs nothing first.
            keep(&mut anchors, &mut kept).unwrap();
            let all = anchors.all().unwrap();
            let found = (all.len(), all[0].note.clone(), all[1].timestamps.clone(), all[1].entries.clone());
            let whole = whole[1].clone().into_bytes();
            assert_eq!(found, (2, whole, vec![b"stamp".to_vec()], vec![b"entry".to_vec()]), "{plan:?}");
            if !struck {
                assert!(done.is_ok(), "{plan:?}: {done:?}");
                break;
            }
            strikes += 1;
        }
    }
    assert_eq!(strikes, 60, "four files, each made, written, synced, renamed, and its name synced");
}
