//! What those outside have seen of an audit log: kept anchors, held against a policy and trusted roots, and the times that they
//! prove.

use super::anchor::{is_later, is_past, later};
use crate::audit::anchor::{Anchor, Beside, file_of};
use crate::audit::{AuditError, Bad, Index, Keys, LogStore, Outside, Settings, inclusion, own_checkpoint};
use crate::model::digest::hex;
use crate::model::{Digest, Timestamp};
use crate::record::Draft;
use crate::tlog::policy::{Policy, Seen};
use crate::tlog::proof::Proof;
use crate::tlog::{Hash, Note, merkle};
use crate::trust::TrustedRoot;
use crate::verify::{TimeSource, VerifyError, entered, stamp_time};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// What is brought to the anchors of a log, from a place that the log's owner cannot change.
#[derive(Clone, Copy, Debug, Default)]
pub struct Trusted<'a> {
    /// Whose cosignatures count. Without one, none does.
    pub policy: Option<&'a Policy>,
    /// Whose timestamps count, and which public logs.
    pub roots: &'a [TrustedRoot],
}

/// What became of kept anchors.
#[derive(Debug, Default)]
pub struct Kept {
    /// Checkpoints that somebody outside saw.
    pub outside: Vec<Outside>,
    /// Anchors that are not what was kept.
    pub bad: Vec<Bad>,
    /// Files that prove nothing by the roots that were brought, and why: neither proof nor a sign of tampering.
    pub uncounted: Vec<(String, VerifyError)>,
}

/// Anchors as checkpoints that somebody outside saw, at the present `now`.
#[must_use]
pub fn kept(anchors: &[Anchor], settings: &Settings, trusted: Trusted<'_>, now: Timestamp) -> Kept {
    let mut out = Kept::default();
    for anchor in anchors {
        match one(anchor, (settings, now), trusted, &mut out.uncounted) {
            Ok(found) => out.outside.push(found),
            Err(e) => out.bad.push(Bad { index: None, cause: format!("the anchor {} was changed: {e}", anchor.name) }),
        }
        out.bad.extend(anchor.changed.iter().map(|file| {
            let cause = format!("anchors/{file} was changed: it holds something else than what was kept");
            Bad { index: None, cause }
        }));
    }
    out
}

/// An anchor is only ever written of a checkpoint that the log signed.
fn one(
    anchor: &Anchor,
    (settings, now): (&Settings, Timestamp),
    trusted: Trusted<'_>,
    uncounted: &mut Vec<(String, VerifyError)>,
) -> Result<Outside, AuditError> {
    let checkpoint = own_checkpoint(&anchor.note, settings)?;
    let note = Note::parse(&anchor.note)?;
    let seen = match trusted.policy {
        Some(policy) => later(policy.look(&note)?.1, settings),
        None => Seen::new(),
    };
    // Two witnesses that are demanded are not one that was bought.
    let proves = trusted.policy.is_some_and(|policy| !seen.is_empty() && policy.is_met(&seen));
    let mut times: Vec<(u64, Vec<String>)> = Vec::new();
    if let Some(time) = trusted.policy.filter(|_| proves).and_then(|policy| policy.met_at(&seen)) {
        let by = seen.iter().filter(|(_, at)| **at <= time).map(|(name, _)| name.clone()).collect();
        times.push((time, by));
    }
    let text = note.text.as_bytes();
    // Where no root was brought, nobody's word counts, and there is nothing to say of it.
    for token in anchor.timestamps.iter().filter(|_| !trusted.roots.is_empty()) {
        match first(trusted.roots, |root| stamp_time(root, token, text)) {
            Ok(stamped) => {
                if let (Ok(time), TimeSource::TimestampAuthority(name)) =
                    (u64::try_from(stamped.time.unix()), stamped.source)
                {
                    times.push((time, vec![name]));
                }
            }
            Err(e) => uncounted.push((file_of(&anchor.name, Beside::Timestamp, token), e)),
        }
    }
    let mut public = Vec::new();
    let entries = anchor.entries.iter().filter(|_| !trusted.roots.is_empty());
    for (entry, key) in entries.filter_map(|entry| Some((entry, settings.anchor.as_ref()?))) {
        match entered(entry, (key, text), trusted.roots, now) {
            Ok(found) if public.contains(&found.log) => {}
            Ok(found) => public.push(found.log),
            Err(e) => uncounted.push((file_of(&anchor.name, Beside::Entry, entry), e)),
        }
    }
    public.sort();
    let name = match (names(seen.keys()), public.as_slice()) {
        (names, []) if names.is_empty() => format!("the anchor {}", anchor.name),
        (names, logs) if names.is_empty() => logs.join(", "),
        (names, _) => names,
    };
    Ok(Outside { name, checkpoint, seen, proves, public, time: times.into_iter().min(), differs: None })
}

/// What one of the roots says, else why the first does not.
fn first<T>(roots: &[TrustedRoot], ask: impl Fn(&TrustedRoot) -> Result<T, VerifyError>) -> Result<T, VerifyError> {
    let mut refusal = VerifyError::TimestampMissing;
    for (at, root) in roots.iter().enumerate() {
        match ask(root) {
            Ok(found) => return Ok(found),
            Err(e) if at == 0 => refusal = e,
            Err(_) => {}
        }
    }
    Err(refusal)
}

/// The receipt of a record under the last checkpoint that somebody outside cosigned, so that it can meet a policy about witnesses;
/// under the last one that is published where nobody cosigned one with it.
///
/// # Errors
/// As [`crate::audit::receipt`].
pub fn receipt(store: &dyn LogStore, settings: &Settings, index: u64, anchors: &[Anchor]) -> Result<Proof, AuditError> {
    let plain = crate::audit::receipt(store, settings, index)?;
    let cosigned = anchors.iter().rev().find_map(|anchor| {
        let checkpoint = own_checkpoint(&anchor.note, settings).ok().filter(|found| found.size > index)?;
        let is_cosigned = Note::parse(&anchor.note).is_ok_and(|note| note.lines.len() > 1);
        let hashes = inclusion(store, index, checkpoint.size).ok().filter(|_| is_cosigned)?;
        let entry = store.read(index, 1).ok()?.into_iter().next()?.entry;
        merkle::check_inclusion(Hash::of_entry(&entry), index, checkpoint.size, &hashes, checkpoint.root).ok()?;
        Some(Proof { extra: None, index, hashes, checkpoint: String::from_utf8(anchor.note.clone()).ok()? })
    });
    Ok(cosigned.unwrap_or(plain))
}

/// Names of witnesses in a line, the first ones where there are many.
#[must_use]
pub fn names<'a>(seen: impl ExactSizeIterator<Item = &'a String>) -> String {
    let (count, shown) = (seen.len(), 5);
    let first: Vec<&str> = seen.take(shown).map(String::as_str).collect();
    match count {
        0 => String::new(),
        1 => format!("witness {}", first.join(", ")),
        n if n > shown => format!("witnesses {} and {} more", first.join(", "), n - shown),
        _ => format!("witnesses {}", first.join(", ")),
    }
}

/// Between which times a record was put into the log, and who says so.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bracket {
    /// It was put behind a record that holds what was said at this time (seconds since 1970).
    pub not_before: Option<(u64, Vec<String>)>,
    /// It was under a checkpoint that was seen at this time.
    pub not_after: Option<(u64, Vec<String>)>,
}

/// A record of the log that holds a cosignature: what stands behind it was put there later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marker {
    /// The record's number.
    pub index: u64,
    /// Whose cosignature, by the policy's name.
    pub name: String,
    /// The time that it says.
    pub time: u64,
}

/// The markers of a log: records of kind `anchored` whose digest is that of a kept cosignature by a witness of the policy.
///
/// # Errors
/// [`AuditError::Unusable`].
pub fn markers(
    anchors: &[Anchor],
    (store, keys): (&dyn LogStore, &Keys),
    index: &dyn Index,
    policy: &Policy,
    (settings, now): (&Settings, Timestamp),
) -> Result<Vec<Marker>, AuditError> {
    let possible = |time: &u64| is_past(*time, now) && is_later(*time, settings);
    let mut out = Vec::new();
    for anchor in anchors {
        let Ok(note) = Note::parse(&anchor.note) else { continue };
        for (name, key, _) in policy.witnesses() {
            for line in &note.lines {
                let Some(time) = key.cosigned(note.text, line).filter(possible) else { continue };
                let line = line.to_string();
                for number in index.of_source(&source_id(&line))? {
                    let Ok(found) = super::opened(store, keys, number)? else { continue };
                    // The index only says where to look.
                    if found.entry.kind.name == "anchored" && found.draft.text("digest") == Some(&digest(&line)) {
                        out.push(Marker { index: number, name: name.to_owned(), time });
                        break;
                    }
                }
            }
        }
    }
    Ok(out)
}

/// The bracket of a record. `outside` are checkpoints that trusted ones saw; each counts where the record is proven to be under
/// it.
#[must_use]
pub fn bracket(
    store: &dyn LogStore,
    (index, entry): (u64, &[u8]),
    outside: &[Outside],
    (policy, markers): (Option<&Policy>, &[Marker]),
) -> Bracket {
    let mut out = Bracket::default();
    let mut by_time: Vec<&Outside> = outside.iter().filter(|o| o.checkpoint.size > index && o.time.is_some()).collect();
    by_time.sort_by(|a, b| a.time.cmp(&b.time));
    for seen in by_time {
        let (size, root) = (seen.checkpoint.size, seen.checkpoint.root);
        let Ok(hashes) = inclusion(store, index, size) else { continue };
        if merkle::check_inclusion(Hash::of_entry(entry), index, size, &hashes, root).is_ok() {
            out.not_after.clone_from(&seen.time);
            break;
        }
    }
    let before: Vec<&Marker> = markers.iter().filter(|marker| marker.index < index).collect();
    let mut times: Vec<u64> = before.iter().map(|marker| marker.time).collect();
    times.sort_unstable_by(|a, b| b.cmp(a));
    for time in times {
        let later: Seen = before.iter().filter(|m| m.time >= time).map(|m| (m.name.clone(), m.time)).collect();
        // A witness whose clock runs ahead does not move it alone where two are demanded.
        if policy.is_some_and(|policy| policy.is_met(&later)) {
            out.not_before = Some((time, later.into_keys().collect()));
            break;
        }
    }
    out
}

/// Records that say what was kept of the anchors and is not in the log yet: the log then holds, at a place, what could not be
/// known before.
#[must_use]
pub fn of_anchors(anchors: &[Anchor], policy: &Policy, settings: &Settings) -> Vec<Value> {
    let mut out = Vec::new();
    // Only the last ones: what was not recorded when it was fresh narrows nothing.
    for anchor in anchors.iter().rev().take(8).rev() {
        let Ok(note) = Note::parse(&anchor.note) else { continue };
        let Ok((checkpoint, seen)) = policy.look(&note) else { continue };
        let seen = later(seen, settings);
        if seen.is_empty() || !policy.is_met(&seen) {
            continue;
        }
        for (name, key, _) in policy.witnesses() {
            for line in &note.lines {
                let time = key.cosigned(note.text, line).filter(|time| is_later(*time, settings));
                let time = time.and_then(|time| i64::try_from(time).ok());
                let Some(time) = time.and_then(Timestamp::from_unix) else { continue };
                let line = line.to_string();
                out.push(json!({ "kind": "anchored", "target": format!("checkpoint:{}", checkpoint.size),
                    "digest": digest(&line), "completed_at": time.to_string(), "result": format!("cosigned by {name}"),
                    "source": "attest", "source_id": source_id(&line),
                    "known": { "target": "witnessed", "digest": "witnessed" } }));
            }
        }
    }
    out
}

fn digest(line: &str) -> String {
    Digest::sha256(line.as_bytes()).to_string()
}

fn source_id(line: &str) -> String {
    format!("anchor:{}", &hex(&Sha256::digest(line.as_bytes()))[..32])
}

/// Reads what [`of_anchors`] writes.
///
/// # Errors
/// [`AuditError::Malformed`].
pub fn drafts(documents: &[Value], random: crate::audit::keys::Random<'_>) -> Result<Vec<Draft>, AuditError> {
    let read = |document: &Value| {
        Draft::read(document, crate::record::draft::Origin::Captured, &mut *random)
            .map_err(|e| AuditError::Malformed { what: "record".into(), cause: e.to_string() })
    };
    documents.iter().map(read).collect()
}
