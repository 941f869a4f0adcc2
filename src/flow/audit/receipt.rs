//! Receipts: files that prove records to others, without the log.

use super::{opened, redacted_by, redactions};
use crate::audit::anchor::Anchor;
use crate::audit::keys::Keys;
use crate::audit::{AuditError, Disclosure, LogStore, Redaction, Settings, Unopened, What};
use crate::record::Told;
use crate::record::fields::Form;
use std::collections::BTreeMap;

/// A log, its settings and keys, and what others said of its checkpoints.
pub type Parts<'a> = (&'a dyn LogStore, &'a Settings, &'a Keys, &'a [Anchor]);

/// The receipt of a record that shows some of its fields.
///
/// # Errors
/// [`AuditError`].
pub fn receipt(
    (store, settings, keys, anchors): Parts<'_>,
    number: u64,
    fields: &[String],
) -> Result<String, AuditError> {
    let mut proof = super::witnessed::receipt(store, settings, number, anchors)?;
    let content = store.read(number, 1)?.into_iter().next().map(|record| record.content).unwrap_or_default();
    let disclosure = match opened(store, keys, number)? {
        Ok(opened) => Disclosure::of(&opened, number, fields, keys)?,
        Err(Unopened::NoKey(entry) | Unopened::AnotherKey(entry)) if fields.is_empty() => {
            Disclosure::of_entry(&entry, None)
        }
        Err(Unopened::InClear(entry)) if fields.is_empty() => {
            Disclosure::of_entry(&entry, String::from_utf8(content).ok())
        }
        Err(Unopened::NoKey(_) | Unopened::AnotherKey(_)) => {
            return Err(AuditError::Gone { index: number, why: "its key is not there".into() });
        }
        Err(Unopened::InClear(_)) => {
            return Err(AuditError::Unknown { what: "a field of a record in clear, which is shown whole".into() });
        }
        Err(Unopened::Damaged(cause)) => return Err(AuditError::Damaged { index: Some(number), cause }),
    };
    proof.extra = Some(disclosure.write());
    Ok(proof.write())
}

/// A record on which an answer rests, and what proves it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proven {
    /// Its receipt, with every field that can be shown; none where nothing proves it yet, or it was changed.
    pub receipt: Option<String>,
    /// What the receipt does not show though the record said it, or why there is none, in words.
    pub missing: Option<String>,
}

/// Makes receipts of records on which an answer rests.
pub struct Prover<'a> {
    log: Parts<'a>,
    redactions: Option<Vec<(u64, Redaction)>>,
    done: BTreeMap<u64, Proven>,
}

impl std::fmt::Debug for Prover<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Prover").field("done", &self.done.len()).finish_non_exhaustive()
    }
}

impl<'a> Prover<'a> {
    /// Begins.
    #[must_use]
    pub fn new(log: Parts<'a>) -> Self {
        Self { log, redactions: None, done: BTreeMap::new() }
    }

    /// Makes the receipt of a record, once.
    ///
    /// # Errors
    /// [`AuditError`], but for what is only not there: that is said in [`Proven::missing`].
    pub fn add(&mut self, number: u64) -> Result<(), AuditError> {
        if self.done.contains_key(&number) {
            return Ok(());
        }
        let proven = self.prove(number)?;
        self.done.insert(number, proven);
        Ok(())
    }

    /// Makes the receipts of those of a span of records that cannot be read: that they are there, and nothing of what they said. Which
    /// these are.
    ///
    /// # Errors
    /// As [`add`](Self::add).
    pub fn add_unread(&mut self, first: u64, last: u64) -> Result<Vec<u64>, AuditError> {
        let (store, _, keys, _) = self.log;
        let mut out = Vec::new();
        for number in first..=last {
            if opened(store, keys, number)?.is_err() {
                self.add(number)?;
                out.push(number);
            }
        }
        Ok(out)
    }

    /// The receipts, by numbers of records.
    #[must_use]
    pub fn end(self) -> BTreeMap<u64, Proven> {
        self.done
    }

    fn prove(&mut self, number: u64) -> Result<Proven, AuditError> {
        let (store, _, keys, _) = self.log;
        let (fields, missing) = match opened(store, keys, number)? {
            Ok(opened) => {
                // Whoever has the salt of a text that is not kept could guess it.
                let shown = |said: &&crate::record::Said| {
                    said.field.form != Form::Committed && matches!(said.told, Told::Value(_))
                };
                let fields = opened.draft.said.iter().filter(shown).map(|said| said.field.name.to_owned()).collect();
                let erased: Vec<&str> = opened.redacted.iter().map(|(name, _)| *name).collect();
                let missing = format!("a person was erased from it: {}", erased.join(", "));
                (fields, (!erased.is_empty()).then_some(missing))
            }
            Err(Unopened::NoKey(entry) | Unopened::AnotherKey(entry)) => {
                let list = match self.redactions.take() {
                    Some(list) => list,
                    None => redactions(store, self.log.1)?,
                };
                let why = match redacted_by(&list, number, &entry) {
                    Some((at, by)) if matches!(by.what, What::Expired { .. }) => format!("it expired: redaction {at}"),
                    Some((at, by)) => format!("it was erased: redaction {at}, {}", by.basis),
                    None => "its key is not here, and no redaction says that it was destroyed".to_owned(),
                };
                self.redactions = Some(list);
                (Vec::new(), Some(why))
            }
            Err(Unopened::InClear(_)) => (Vec::new(), None),
            Err(Unopened::Damaged(cause)) => {
                return Ok(Proven { receipt: None, missing: Some(format!("it was changed: {cause}")) });
            }
        };
        match receipt(self.log, number, &fields) {
            Ok(receipt) => Ok(Proven { receipt: Some(receipt), missing }),
            Err(AuditError::Unknown { .. }) => {
                Ok(Proven { receipt: None, missing: Some("no checkpoint covers it yet".into()) })
            }
            Err(e) => Err(e),
        }
    }
}
