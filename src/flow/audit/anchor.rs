//! Anchoring an audit log: its checkpoint is shown to those outside whom a policy names, entered in public logs, and what they
//! answer is kept as it comes.

use crate::audit::anchor::{Anchors, Asked, Beside, Said, Witness, ask};
use crate::audit::{AuditError, LogStore, Settings, consistency};
use crate::model::{Timestamp, limits};
use crate::sign::{Evidence, EvidenceItem, KeyMaterial, SignError, Signer, Witnessed};
use crate::tlog::policy::{Policy, Seen};
use crate::tlog::{Checkpoint, CosignerKey, Note};
use crate::verify;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;

/// Who is asked.
pub struct Asking<'a> {
    /// Whose cosignatures count, and how many are demanded.
    pub policy: &'a Policy,
    /// The witnesses of the policy that can be asked, by its names.
    pub witnesses: BTreeMap<String, Box<dyn Witness + 'a>>,
    /// Timestamp authorities.
    pub timestamps: Vec<Box<dyn Evidence + 'a>>,
    /// Public logs, and who signs what is entered there.
    pub public: Option<Public<'a>>,
    /// The present.
    pub now: Timestamp,
}

/// Public logs that take the checkpoint.
pub struct Public<'a> {
    /// The logs.
    pub logs: Vec<Box<dyn Evidence + 'a>>,
    /// The key of anchors.
    pub signer: Box<dyn Signer + 'a>,
}

/// What came of it.
#[derive(Debug)]
pub struct Anchored {
    /// The checkpoint that was shown.
    pub checkpoint: Checkpoint,
    /// What each witness of the policy said.
    pub witnesses: BTreeMap<String, Said>,
    /// Who cosigned this checkpoint, now or before.
    pub seen: Seen,
    /// Whether that is as many as the policy demands.
    pub met: bool,
    /// Whether it could be, if those that were not reached cosigned.
    pub open: bool,
    /// What each timestamp authority said.
    pub timestamps: Vec<(String, Result<(), SignError>)>,
    /// What each public log said.
    pub entries: Vec<(String, Result<(), SignError>)>,
    /// The name of what is kept, where anything is.
    pub kept: Option<String>,
}

/// Shows a published checkpoint to everybody who is asked. Each answer is kept before the next is waited for, so that none is
/// lost whatever becomes of the others.
///
/// # Errors
/// [`AuditError`]: the log could not prove its growth, or an answer could not be kept.
pub async fn anchor(
    store: &(dyn LogStore + Sync),
    settings: &Settings,
    note: &str,
    anchors: &mut dyn Anchors,
    asking: &Asking<'_>,
) -> Result<Anchored, AuditError> {
    let policy = asking.policy;
    let parsed = Note::parse(note.as_bytes())?;
    let checkpoint = crate::audit::own_checkpoint(note.as_bytes(), settings)?;
    let before = sizes(&*anchors, policy)?;
    let now = u64::try_from(asking.now.unix()).unwrap_or(0);
    let proof = |old: u64| consistency(store, old, checkpoint.size);
    let mut out = Anchored {
        checkpoint: checkpoint.clone(),
        witnesses: BTreeMap::new(),
        seen: Seen::new(),
        met: false,
        open: false,
        timestamps: Vec::new(),
        entries: Vec::new(),
        kept: None,
    };
    let mut running = FuturesUnordered::new();
    for (name, key, _) in policy.witnesses() {
        let Some(witness) = asking.witnesses.get(name) else {
            let cause = "the policy gives no address for it".to_owned();
            out.witnesses.insert(name.to_owned(), Said::Refused { cause });
            continue;
        };
        let old = before.get(name).copied().unwrap_or(0);
        let asked = Asked { note, text: parsed.text, checkpoint: &checkpoint, old, proof: &proof, now };
        running.push(async move { (name, ask(&**witness, key, &asked).await) });
    }
    while let Some((name, said)) = running.next().await {
        let said = said?;
        if let Said::Cosigned { line, .. } = &said {
            out.kept = Some(anchors.keep(note, line)?);
        }
        out.witnesses.insert(name.to_owned(), said);
    }
    drop(running);
    for authority in &asking.timestamps {
        let said = stamp(&**authority, parsed.text).await;
        let said = said.map(|tokens| keep_all(anchors, note, Beside::Timestamp, &tokens));
        out.timestamps.push((authority.name(), keep(said, &mut out.kept)?));
    }
    if let Some(public) = &asking.public {
        for log in &public.logs {
            let said = enter(&**log, &*public.signer, parsed.text).await;
            let said = said.map(|entries| keep_all(anchors, note, Beside::Entry, &entries));
            out.entries.push((log.name(), keep(said, &mut out.kept)?));
        }
    }
    settle(&mut out, anchors, (policy, settings), parsed.text)?;
    Ok(out)
}

/// Keeps all that one service said; the anchor's name.
fn keep_all(anchors: &mut dyn Anchors, note: &str, kind: Beside, all: &[Vec<u8>]) -> Result<String, AuditError> {
    let mut name = String::new();
    for bytes in all {
        name = anchors.keep_beside(note, kind, bytes)?;
    }
    Ok(name)
}

/// What was said, once it is kept under the name that is remembered.
fn keep(
    said: Result<Result<String, AuditError>, SignError>,
    kept: &mut Option<String>,
) -> Result<Result<(), SignError>, AuditError> {
    match said {
        Ok(name) => {
            *kept = Some(name?);
            Ok(Ok(()))
        }
        Err(e) => Ok(Err(e)),
    }
}

/// Whether the policy is met by all that is kept of the checkpoint, now that everybody was asked.
fn settle(
    out: &mut Anchored,
    anchors: &dyn Anchors,
    (policy, settings): (&Policy, &Settings),
    text: &str,
) -> Result<(), AuditError> {
    for anchor in anchors.all()? {
        if let Some(note) = Note::parse(&anchor.note).ok().filter(|note| note.text == text)
            && let Ok((_, seen)) = policy.look(&note)
        {
            out.seen = later(seen, settings);
        }
    }
    out.met = policy.is_met(&out.seen);
    let mut could = out.seen.clone();
    for (name, said) in &out.witnesses {
        if let Said::Unreached { .. } = said {
            could.insert(name.clone(), 1);
        }
    }
    out.open = policy.is_met(&could) && could.len() > out.seen.len();
    Ok(())
}

/// The largest tree of this log that each witness is known to have cosigned.
fn sizes(anchors: &dyn Anchors, policy: &Policy) -> Result<BTreeMap<String, u64>, AuditError> {
    let mut out = BTreeMap::new();
    for anchor in anchors.all()? {
        let Ok(note) = Note::parse(&anchor.note) else { continue };
        let Ok(checkpoint) = Checkpoint::parse(note.text) else { continue };
        let by = |key: &CosignerKey| note.lines.iter().any(|line| key.cosigned(note.text, line).is_some());
        for (name, ..) in policy.witnesses().filter(|(_, key, _)| by(key)) {
            let size: &mut u64 = out.entry(name.to_owned()).or_default();
            *size = checkpoint.size.max(*size);
        }
    }
    Ok(out)
}

/// Timestamps over the text of a checkpoint.
async fn stamp(authority: &dyn Evidence, text: &str) -> Result<Vec<Vec<u8>>, SignError> {
    let witnessed = Witnessed::Message { digest: Sha256::digest(text).into(), signature: text.as_bytes() };
    let items = authority.attest(witnessed, &KeyMaterial::Certificates(Vec::new())).await?;
    let tokens = items.into_iter().filter_map(|item| match item {
        EvidenceItem::Timestamp(token) => Some(token),
        EvidenceItem::LogEntry(_) => None,
    });
    some(authority, "a timestamp", tokens.collect())
}

/// Entries of public logs about the text of a checkpoint, signed as anchors are.
async fn enter(log: &dyn Evidence, signer: &dyn Signer, text: &str) -> Result<Vec<Vec<u8>>, SignError> {
    let signed = signer.sign(text.as_bytes()).await?;
    let witnessed = Witnessed::Message { digest: Sha256::digest(text).into(), signature: &signed.signature };
    let items = log.attest(witnessed, &signed.material).await?;
    let entries = items.into_iter().filter_map(|item| match item {
        EvidenceItem::LogEntry(entry) => Some(entry.to_string().into_bytes()),
        EvidenceItem::Timestamp(_) => None,
    });
    // Whether it is proven is found by whoever brings a root; an entry about something else is of no use to anybody.
    let entries = entries.filter(|entry| verify::holds(entry, &signed.signature)).collect();
    some(log, "an entry about this checkpoint", entries)
}

/// What a service was asked for, of which it has to give one at least.
fn some(service: &dyn Evidence, expected: &str, found: Vec<Vec<u8>>) -> Result<Vec<Vec<u8>>, SignError> {
    if found.is_empty() {
        let (service, expected) = (service.name(), expected.to_owned());
        return Err(SignError::Answer { service, expected, found: "something else".into() });
    }
    Ok(found)
}

/// Whether a cosignature's time may be believed now: one of a time yet to come is none.
#[must_use]
pub fn is_past(time: u64, now: Timestamp) -> bool {
    time <= u64::try_from(now.unix()).unwrap_or(0).saturating_add(limits::WITNESS_SKEW_SECONDS)
}

/// Whether a cosignature's time may be believed of a log: none is older than the log.
#[must_use]
pub fn is_later(time: u64, settings: &Settings) -> bool {
    time.saturating_add(limits::WITNESS_SKEW_SECONDS) >= u64::try_from(settings.created.unix()).unwrap_or(0)
}

/// Of those who cosigned a checkpoint of a log, those who say a time that can be.
#[must_use]
pub fn later(seen: Seen, settings: &Settings) -> Seen {
    seen.into_iter().filter(|(_, time)| is_later(*time, settings)).collect()
}
