//! Records of a log for others: which, how each field is shown, and what they come to.

mod anonymous;
mod chosen;

pub use anonymous::Anonymous;
pub use chosen::{Chosen, of_incident, of_month, of_person};

use super::investigate::Log;
use crate::audit::handout::{Chain, Line, Missing, Show, Showing};
use crate::audit::store::CHECKPOINT;
use crate::audit::{self, AuditError, LogStore, Settings, Stored, Unopened, What};
use crate::flow::audit::{redacted_by, redactions};
use crate::inquiry::{Cell, Event, Hole, Why};
use crate::model::{Timestamp, limits};
use crate::record::Said;
use crate::record::fields::Form;
use crate::tlog::{Checkpoint, merkle};
use serde_json::Value;

/// The checkpoint that is published, as the log signed it.
///
/// # Errors
/// [`AuditError::Unknown`] where there is none.
pub fn checkpoint(store: &dyn LogStore, settings: &Settings) -> Result<(String, Checkpoint), AuditError> {
    let note = store.get(CHECKPOINT)?.ok_or_else(|| AuditError::Unknown { what: "a checkpoint".into() })?;
    let checkpoint = audit::own_checkpoint(&note, settings)?;
    Ok((String::from_utf8_lossy(&note).into_owned(), checkpoint))
}

/// How fields are shown to who may see what the log's questions show: as they are, but for texts that the log itself only commits to,
/// which who has the salt could guess.
#[must_use]
pub fn whole(said: &Said) -> Show {
    if said.field.form == Form::Committed { Show::Hidden } else { Show::Open }
}

/// How fields are shown to a person whose records they are: nobody else is named.
#[must_use]
pub fn own(said: &Said, person: &str) -> Show {
    let is_other = said.field.person && said.told.value() != person;
    let is_free = said.field.form == Form::Map;
    if is_other || is_free { Show::Hidden } else { whole(said) }
}

/// What was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// How many records.
    pub records: u64,
    /// Hash of the last line, in hex.
    pub last: String,
    /// Those that cannot be read.
    pub holes: Vec<Hole>,
}

/// Takes a line, and its bytes.
pub type Take<'a> = &'a mut dyn FnMut(&Line, &[u8]) -> Result<(), AuditError>;

/// Gives each record that is chosen as a line, in their order, with the bytes of the line.
///
/// # Errors
/// [`AuditError`].
pub fn lines(
    log: &Log<'_>,
    (chosen, checkpoint): (&Chosen, &Checkpoint),
    (showing, texts): (Showing<'_>, bool),
    take: Take<'_>,
) -> Result<Written, AuditError> {
    let (mut out, mut chain, mut known) = (Written::default(), Chain::default(), None);
    chosen.each(log.store, &mut |number, stored: &Stored| {
        let found = audit::open(stored, number, log.keys);
        let mut line = Line::of(number, &found, &stored.content, (log.keys, showing, texts))?;
        if let Err(Unopened::NoKey(entry) | Unopened::AnotherKey(entry)) = &found {
            let list = match known.take() {
                Some(list) => list,
                None => redactions(log.store, log.settings)?,
            };
            let why = match redacted_by(&list, number, entry) {
                Some((at, by)) if matches!(by.what, What::Expired { .. }) => Why::Expired(*at),
                Some((at, by)) if texts => Why::Erased(*at, by.basis.clone()),
                Some((at, _)) => Why::Erased(*at, "(not shown)".into()),
                None => Why::NoKey,
            };
            line.hole = Some(missing(&why));
            Hole::add(&mut out.holes, number, why);
            known = Some(list);
        }
        if matches!(chosen, Chosen::Single(_)) {
            let proof = audit::inclusion(log.store, number, checkpoint.size)?;
            let leaf = crate::tlog::Hash::of_entry(&stored.entry);
            merkle::check_inclusion(leaf, number, checkpoint.size, &proof, checkpoint.root)?;
            line.inclusion = proof.iter().map(ToString::to_string).collect();
        }
        let bytes = chain.add(&mut line);
        out.records += 1;
        if bytes.len() > limits::HANDOUT_LINE_BYTES {
            return Err(AuditError::OverLimit { what: format!("record {number} is longer than may be handed out") });
        }
        take(&line, &bytes)
    })?;
    out.last = chain.last();
    Ok(out)
}

fn missing(why: &Why) -> Missing {
    let (why, redaction) = match why {
        Why::Expired(at) => ("expired", Some(*at)),
        Why::Erased(at, _) => ("erased", Some(*at)),
        Why::NoKey | Why::Damaged => ("no-key", None),
    };
    Missing { why: why.to_owned(), redaction }
}

/// A line as a question sees it: what is shown, and nothing else.
#[must_use]
pub fn event_of(line: &Line) -> Event {
    let cell = |(name, value): (&String, &Value)| {
        let text = match value {
            Value::Null => return None,
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        Some(Cell { name: name.clone(), text, known: line.known(name) })
    };
    let logged = Timestamp::parse(&line.logged_at).map(Timestamp::unix).unwrap_or_default();
    let said = line.record.iter().filter_map(cell).collect();
    let person = |name: &&String| crate::record::fields::named(name).is_some_and(|field| field.person);
    let erased = line.hidden.keys().filter(|name| !line.record.contains_key(*name)).filter(person).cloned().collect();
    Event { number: line.index, kind: line.kind.clone(), logged, said, erased }
}
