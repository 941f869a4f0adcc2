//! `trust.witnesses`: who must have cosigned the checkpoint of a log.

use crate::model::code::codes;
use crate::model::limits::POLICY_COUNT as MOST;
use crate::model::yaml::Kind;
use crate::policy::form::{At, COUNT, Field, Form, ListOf, Map, Needed, Parsed};
use crate::policy::{PolicyError, Reason};
use crate::tlog::CosignerKey;
use crate::verify::LogEntry;
use serde_json::{Value, json};

codes! {
    /// Codes of this file.
    pub(super) CODES;
    WITNESSES = "too-few-witnesses", [Producer],
        "fewer distinct witnesses than are demanded cosigned the log's checkpoint",
        "sign again when more witnesses have cosigned the log, or lower `trust.witnesses` in the policy";
}

/// Witnesses of which so many must have cosigned one checkpoint. The default demands none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct WitnessRule {
    /// How many distinct ones.
    pub threshold: usize,
    /// Whom it knows: a trusted root names no witnesses, so the policy does.
    pub keys: Vec<CosignerKey>,
}

impl WitnessRule {
    /// So many distinct ones of these must have cosigned one checkpoint. More than there are is a demand that nothing
    /// meets.
    #[must_use]
    pub fn of(threshold: usize, keys: Vec<CosignerKey>) -> Self {
        Self { threshold, keys }
    }

    /// What is missing: the entry counts that has most of them, as witnesses of two checkpoints never saw one log alike.
    pub(super) fn unmet(&self, entries: &[LogEntry]) -> Option<Reason> {
        let known = |entry: &LogEntry| distinct(entry.witnesses.iter().filter(|w| self.keys.contains(w)));
        let found = entries.iter().map(known).max().unwrap_or(0);
        let expected = || format!("{} distinct", self.threshold);
        (found < self.threshold)
            .then(|| Reason::unmet(WITNESSES, "witnesses of the checkpoint", expected(), Some(&found.to_string())))
    }
}

static THRESHOLD: Needed<Parsed<usize>> = Field::new("threshold", "How many distinct ones.", COUNT).needed();
static KEYS: Needed<Keys> = Field::new(
    "keys",
    "Whom it knows, as vkeys (C2SP signed-note): name, id and key. One key counts once, whatever its names.",
    Keys,
)
.needed();
static FIELDS: Map = Map::of(
    "Witnesses that must have cosigned the checkpoint of one log entry (C2SP tlog-cosignature, Ed25519 or ML-DSA-44).",
    &[&THRESHOLD, &KEYS],
);

/// `trust.witnesses`.
pub(super) struct Witnesses;

impl Form for Witnesses {
    type Value = WitnessRule;

    fn read(&self, field: &At<'_>) -> Result<WitnessRule, PolicyError> {
        // A number says how many and not of whom, and anybody can make a key.
        if !matches!(field.node.kind, Kind::Map(_)) {
            let why = "a map of `threshold` and `keys`: a trusted root names no witnesses, so the policy lists theirs";
            return Err(field.error(why));
        }
        FIELDS.check(field, &[])?;
        let keys = KEYS.read(field)?;
        let rule = WitnessRule { threshold: THRESHOLD.read(field)?, keys };
        let all = distinct(rule.keys.iter());
        if rule.threshold > all {
            let threshold = field.need("threshold")?;
            return Err(threshold.error(format!("at most {all}: so many distinct keys are listed")));
        }
        Ok(rule)
    }

    fn schema(&self) -> Value {
        FIELDS.schema(&[])
    }
}

/// Keys of witnesses.
struct Keys;

const KEY: Parsed<CosignerKey> = Parsed {
    read: |text| {
        CosignerKey::parse(text).map_err(|why| format!("the vkey of a witness, name+id+base64 ({})", why.cause))
    },
    schema: || json!({ "type": "string", "maxLength": 4096, "pattern": "^[^+\\s]+\\+[0-9a-f]{8}\\+[A-Za-z0-9+/]+=*$" }),
};

impl Form for Keys {
    type Value = Vec<CosignerKey>;

    fn read(&self, at: &At<'_>) -> Result<Vec<CosignerKey>, PolicyError> {
        if at.list()?.len() > MOST {
            return Err(PolicyError::TooLarge { what: "the number of witnesses", limit: MOST });
        }
        ListOf(KEY).read(at)
    }

    fn schema(&self) -> Value {
        let mut schema = ListOf(KEY).schema();
        schema["maxItems"] = json!(MOST);
        schema
    }
}

/// How many keys there are: one under two names is one.
fn distinct<'a>(witnesses: impl Iterator<Item = &'a CosignerKey>) -> usize {
    let mut keys: Vec<_> = witnesses.map(|witness| witness.key().raw()).collect();
    keys.sort_unstable();
    keys.dedup();
    keys.len()
}
