//! Frames of the journal: a batch of records, written at once and synced once. What is in a whole frame was committed.
//!
//! A frame is `len`, `first`, `count`, `sum` and the records, each as `u16` length and entry, `u32` length and content
//! (big endian). `sum` is the start of SHA-256 over the sum before it, the other numbers and the records: a frame that was
//! cut off, left over from earlier or put in another place has another one.

use super::{AuditError, Stored};
use crate::model::limits;
use sha2::{Digest as _, Sha256};

/// Bytes before the records of a frame.
pub(super) const HEAD: usize = 4 + 8 + 4 + 16;

/// The chain of sums: what the next frame's is made with.
pub(super) type Sum = [u8; 16];

/// What stands at a place of the journal.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found<'a> {
    /// A frame: its number of bytes, the first record's number, how many there are, the records' bytes and the sum.
    Frame {
        /// Bytes that it takes.
        length: usize,
        /// Number of its first record.
        first: u64,
        /// How many records it has.
        count: u32,
        /// The records.
        records: &'a [u8],
        /// Its sum.
        sum: Sum,
    },
    /// Nothing was written here yet.
    Nothing,
    /// Something that is no frame: cut off while it was written, or changed.
    Torn,
}

/// A batch as a frame.
#[must_use]
pub(super) fn write(first: u64, batch: &[Stored], before: &Sum) -> (Vec<u8>, Sum) {
    let size: usize = batch.iter().map(|r| 6 + r.entry.len() + r.content.len()).sum();
    let mut out = Vec::with_capacity(HEAD + size);
    out.extend((size as u32).to_be_bytes());
    out.extend(first.to_be_bytes());
    out.extend((batch.len() as u32).to_be_bytes());
    out.extend([0; 16]);
    for record in batch {
        out.extend((record.entry.len() as u16).to_be_bytes());
        out.extend(&record.entry);
        out.extend((record.content.len() as u32).to_be_bytes());
        out.extend(&record.content);
    }
    let sum = sum(before, &out[..16], &out[HEAD..]);
    out[16..HEAD].copy_from_slice(&sum);
    (out, sum)
}

fn sum(before: &Sum, numbers: &[u8], records: &[u8]) -> Sum {
    let hash = Sha256::new().chain_update(before).chain_update(numbers).chain_update(records).finalize();
    let mut out = [0; 16];
    out.copy_from_slice(&hash[..16]);
    out
}

/// What stands at the start of some bytes of a journal.
#[must_use]
pub(super) fn read<'a>(bytes: &'a [u8], before: &Sum) -> Found<'a> {
    let Some(head) = bytes.get(..HEAD) else {
        return if bytes.iter().all(|b| *b == 0) { Found::Nothing } else { Found::Torn };
    };
    let number = |range: std::ops::Range<usize>| head[range].iter().fold(0_u64, |n, b| n << 8 | u64::from(*b));
    let (size, first, count) = (number(0..4) as usize, number(4..12), number(12..16) as u32);
    if head.iter().all(|b| *b == 0) {
        return Found::Nothing;
    }
    let Some(records) = bytes.get(HEAD..HEAD.saturating_add(size)) else { return Found::Torn };
    let sum = sum(before, &head[..16], records);
    if count == 0 || sum != head[16..] || first.checked_add(u64::from(count)).is_none() {
        return Found::Torn;
    }
    Found::Frame { length: HEAD + size, first, count, records, sum }
}

/// Whether a whole frame stands behind one that is not whole: then that one was whole once, as frames are written one after
/// another, each when the one before is on the disk.
#[must_use]
pub(super) fn is_followed(torn: &[u8], first: u64, before: &Sum) -> bool {
    let Some(head) = torn.get(..HEAD) else { return false };
    let end = torn.iter().rposition(|b| *b != 0).map_or(0, |last| last + 1);
    let mut stored = [0; 16];
    stored.copy_from_slice(&head[16..]);
    let size = u32::from_be_bytes([head[0], head[1], head[2], head[3]]) as usize;
    // The sum that the next frame continues: the one that stands here, or, where that was changed, the one that belongs here.
    let made = torn.get(HEAD..HEAD.saturating_add(size)).map(|records| sum(before, &head[..16], records));
    let mut left = limits::JOURNAL_SEARCH_BYTES;
    (1..end.min(torn.len().saturating_sub(HEAD))).any(|at| {
        let number = torn[at + 4..at + 12].iter().fold(0_u64, |n, b| n << 8 | u64::from(*b));
        let near = number.checked_sub(first).is_some_and(|n| (1..=limits::RECORD_BATCH as u64).contains(&n));
        if !near {
            return false;
        }
        // Made to cost much, it is no accident.
        let length = torn[at..at + 4].iter().fold(0_usize, |n, b| n << 8 | usize::from(*b)).min(torn.len());
        let Some(less) = left.checked_sub(2 * (HEAD + length)) else { return true };
        left = less;
        let whole = |sum: &Sum| matches!(read(&torn[at..], sum), Found::Frame { .. });
        whole(&stored) || made.as_ref().is_some_and(whole)
    })
}

/// The records of a frame whose sum does not fit, as far as they can be told apart.
#[must_use]
pub(super) fn unchecked(frame: &[u8]) -> Option<Vec<Stored>> {
    let head = frame.get(..HEAD)?;
    let size = u32::from_be_bytes(head[..4].try_into().ok()?) as usize;
    let count = u32::from_be_bytes(head[12..16].try_into().ok()?);
    records(frame.get(HEAD..HEAD.checked_add(size)?)?, 0, count).ok()
}

/// The records of a frame.
///
/// # Errors
/// [`AuditError::Damaged`] names the record: its sum fits and its inside does not.
pub(super) fn records(mut bytes: &[u8], first: u64, count: u32) -> Result<Vec<Stored>, AuditError> {
    let mut out = Vec::with_capacity(count.min(65_536) as usize);
    for n in 0..u64::from(count) {
        let cut = || AuditError::damaged(first + n, format!("record {} of the journal is cut off", first + n));
        let (length, rest) = bytes.split_first_chunk::<2>().ok_or_else(cut)?;
        let (entry, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length))).ok_or_else(cut)?;
        let (length, rest) = rest.split_first_chunk::<4>().ok_or_else(cut)?;
        let (content, rest) = rest.split_at_checked(u32::from_be_bytes(*length) as usize).ok_or_else(cut)?;
        out.push(Stored { entry: entry.to_vec(), content: content.to_vec() });
        bytes = rest;
    }
    match bytes {
        [] => Ok(out),
        _ => Err(AuditError::damaged(first, format!("{} bytes behind the records of a frame", bytes.len()))),
    }
}

/// How many records the whole frames at the start of some bytes have: for who feeds it anything.
#[cfg(feature = "testing")]
#[must_use]
pub fn read_frames(mut bytes: &[u8]) -> u64 {
    let (mut before, mut all) = ([0; 16], 0);
    while let Found::Frame { length, first, count, records: inner, sum } = read(bytes, &before) {
        let found = records(inner, first, count).map_or(0, |records| records.len() as u64);
        (bytes, before, all) = (&bytes[length..], sum, all + found);
    }
    let _ = (is_followed(bytes, all, &before), unchecked(bytes));
    all
}

/// Two frames to start from.
#[cfg(feature = "testing")]
#[must_use]
pub fn sample_frames() -> Vec<u8> {
    let record = |n: u8| Stored { entry: vec![n; 87], content: vec![n; 40] };
    let (mut one, sum) = write(0, &[record(1), record(2)], &[0; 16]);
    one.extend(write(2, &[record(3)], &sum).0);
    one
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch() -> Vec<Stored> {
        (0..3_u8).map(|n| Stored { entry: vec![n; 87], content: vec![n; usize::from(n) * 50] }).collect()
    }

    #[test]
    fn a_frame_is_read_as_it_was_written_and_every_flipped_bit_is_seen() {
        let before = [5; 16];
        let (bytes, written) = write(7, &batch(), &before);
        let Found::Frame { length, first, count, records: body, sum } = read(&bytes, &before) else { panic!() };
        assert_eq!((length, first, count, sum), (bytes.len(), 7, 3, written));
        assert_eq!(records(body, first, count).unwrap(), batch());
        assert_eq!(read(&bytes, &[6; 16]), Found::Torn, "behind another frame");
        for bit in 0..bytes.len() * 8 {
            let mut other = bytes.clone();
            other[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(read(&other, &before), Found::Torn, "bit {bit}");
        }
        for end in 1..bytes.len() {
            assert!(!matches!(read(&bytes[..end], &before), Found::Frame { .. }), "cut at {end}");
        }
        assert_eq!(read(&[0; 100], &before), Found::Nothing);
        assert_eq!(read(&[], &before), Found::Nothing);
    }

    #[test]
    fn a_frame_that_another_follows_was_whole_once() {
        let before = [5; 16];
        let (one, sum) = write(7, &batch(), &before);
        let (two, _) = write(10, &batch(), &sum);
        for bit in 0..one.len() * 8 {
            let mut other = [&one[..], &two, &[0; 64]].concat();
            other[bit / 8] ^= 1 << (bit % 8);
            assert!(is_followed(&other, 7, &before), "bit {bit}");
        }
        let mut torn = [&one[..], &[0; 64]].concat();
        torn[60] ^= 1;
        assert!(!is_followed(&torn, 7, &before), "nothing stands behind it");
        assert!(!is_followed(&one[..40], 7, &before));
    }

    #[test]
    fn a_frame_whose_inside_does_not_fit_is_damage() {
        assert!(records(&[0, 1], 3, 1).is_err());
        assert!(records(&[0, 0, 0, 0, 0, 0, 9], 3, 1).is_err());
        assert_eq!(records(&[0, 0, 0, 0, 0, 0], 3, 1).unwrap().len(), 1);
    }
}
