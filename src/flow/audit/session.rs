//! A session file into an audit log, line by line: in bounded memory, and the same file again adds nothing.

use super::prices::{Prices, Pricing, Unpriced};
use super::record;
use crate::audit::keys::Random;
use crate::audit::{AuditError, Index, Log};
use crate::model::{Timestamp, limits};
use crate::record::draft::Origin;
use crate::record::{Draft, Told};
use crate::sources::{self, Counts, Reader, Source, Units};
use serde_json::{Value, json};

/// What was taken from a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// The format.
    pub format: &'static str,
    /// What the file held.
    pub counts: Counts,
    /// Records that are new.
    pub new: u64,
    /// Records that were in the log already, and say the same.
    pub known: u64,
    /// Numbers of records under whose id the file says something else: what was recorded stays.
    pub differing: Vec<u64>,
    /// Fields that were withheld.
    pub withheld: u64,
    /// What was used without a price, where prices were given.
    pub unpriced: Vec<Unpriced>,
}

/// A file that is being taken in.
pub struct Intake<'a> {
    log: &'a mut Log,
    index: &'a mut dyn Index,
    now: Timestamp,
    random: Random<'a>,
    /// Fields that every record gets: who the agent is, which execution it was.
    given: Vec<(&'static str, String)>,
    reader: Option<Box<dyn Reader>>,
    /// Formats of which the file may be.
    formats: Vec<&'static dyn Source>,
    /// Prices of what was used.
    pricing: Option<Pricing<'a>>,
    /// Lines before one was recognised.
    unknown: u64,
    taken: Taken,
    drafts: Vec<Draft>,
}

impl<'a> Intake<'a> {
    /// Begins.
    pub fn new(
        log: &'a mut Log,
        index: &'a mut dyn Index,
        now: Timestamp,
        random: Random<'a>,
        given: Vec<(&'static str, String)>,
    ) -> Self {
        let taken = Taken::default();
        let formats = sources::ALL.iter().filter(|source| source.units() == Units::Lines).copied().collect();
        let (reader, pricing, drafts) = (None, None, Vec::new());
        Self { log, index, now, random, given, reader, formats, pricing, unknown: 0, taken, drafts }
    }

    /// The same with prices: records that say tokens and no cost get the one that is worked out of them.
    #[must_use]
    pub fn priced_by(mut self, prices: Option<&'a Prices>) -> Self {
        self.pricing = prices.map(Pricing::new);
        self
    }

    /// The same for a file that is said to be of one format: where nothing of it is, it is refused.
    #[must_use]
    pub fn only(mut self, source: &'static dyn Source) -> Self {
        self.formats = vec![source];
        self
    }

    /// The same for a format that is known, in whose units it is then given: nothing is recognised.
    #[must_use]
    pub fn of(mut self, source: &dyn Source) -> Self {
        self.taken.format = source.name();
        self.reader = Some(source.begin());
        self
    }

    /// Takes a line; none for one that is too long to be kept.
    ///
    /// # Errors
    /// [`AuditError`].
    pub fn line(&mut self, line: Option<&[u8]>) -> Result<(), AuditError> {
        if line.is_some_and(|line| line.trim_ascii().is_empty()) {
            return Ok(());
        }
        if self.reader.is_none() {
            let found = line.and_then(|line| self.formats.iter().find(|source| source.recognises(line)));
            let Some(source) = found else {
                self.unknown += 1;
                return Ok(());
            };
            self.taken.format = source.name();
            let mut reader = source.begin();
            let mut out = Vec::new();
            (0..self.unknown.min(limits::SESSION_LOSSES)).for_each(|_| reader.line(None, &mut out));
            self.reader = Some(reader);
            self.add(out)?;
        }
        let mut out = Vec::new();
        if let Some(reader) = &mut self.reader {
            reader.line(line, &mut out);
        }
        self.add(out)
    }

    /// The file ended.
    ///
    /// # Errors
    /// [`AuditError::Malformed`] where no line of it was of a format that is known; nothing was recorded then.
    pub fn end(mut self, digest: &str) -> Result<Taken, AuditError> {
        let Some(mut reader) = self.reader.take() else {
            let names: Vec<&str> = self.formats.iter().map(|source| source.name()).collect();
            let cause = format!("nothing of it is of a format that was looked for ({})", names.join(", "));
            return Err(AuditError::Malformed { what: "file".into(), cause });
        };
        let mut out = Vec::new();
        reader.end(digest, &mut out);
        self.add(out)?;
        self.flush()?;
        self.taken.counts = reader.counts();
        self.taken.unpriced = self.pricing.map(Pricing::end).unwrap_or_default();
        Ok(self.taken)
    }

    fn add(&mut self, documents: Vec<Value>) -> Result<(), AuditError> {
        for mut document in documents {
            for (name, value) in &self.given {
                document[*name] = json!(value);
            }
            let draft = Draft::read(&document, Origin::Captured, &mut *self.random).or_else(|_| {
                // A source hands in what a record can hold; where it does not, that something was there is not lost.
                let loss = json!({ "kind": "loss", "lost": 1, "reason": "what was taken in could not be recorded",
                    "source": document["source"], "source_id": document["source_id"] });
                Draft::read(&loss, Origin::Captured, &mut *self.random)
            });
            let mut draft =
                draft.map_err(|e| AuditError::Malformed { what: "session file".into(), cause: e.to_string() })?;
            self.taken.withheld += draft.said.iter().filter(|said| said.told == Told::Withheld).count() as u64;
            if let Some(pricing) = &mut self.pricing {
                pricing.price(&mut draft);
            }
            self.drafts.push(draft);
        }
        if self.drafts.len() >= limits::SESSION_BATCH { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), AuditError> {
        let drafts = std::mem::take(&mut self.drafts);
        let recorded = record(self.log, self.index, &drafts, self.now, &mut *self.random)?;
        self.taken.known += recorded.known as u64;
        self.taken.new += (recorded.numbers.len() - recorded.known - recorded.differing.len()) as u64;
        self.taken.differing.extend(recorded.differing);
        Ok(())
    }
}
