//! What a log is: its name, whose signatures are its own, and how long what it says is kept.

use super::AuditError;
use crate::model::json::{self, Field, JsonError};
use crate::model::{Timestamp, limits};
use crate::record::Class;
use crate::tlog::NoteKey;
use serde_json::json;
use std::collections::BTreeMap;

/// The settings of a log. They are not secret, and prove nothing: who checks a log takes its key from elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Its name: an address without a scheme, the first line of its checkpoints.
    pub origin: String,
    /// Key of its checkpoints.
    pub key: NoteKey,
    /// Key of redactions: another one.
    pub officer: NoteKey,
    /// When it was made.
    pub created: Timestamp,
    /// Days that each class is kept; a class that is not here is kept for ever.
    pub retention: BTreeMap<Class, u32>,
}

impl Settings {
    /// How long classes are kept unless told.
    #[must_use]
    pub fn default_retention() -> BTreeMap<Class, u32> {
        Class::ALL.iter().filter_map(|(class, _, days)| Some((*class, (*days)?))).collect()
    }

    /// As a file.
    #[must_use]
    pub fn write(&self) -> Vec<u8> {
        let retention: serde_json::Map<_, _> =
            self.retention.iter().map(|(class, days)| (class.name().to_owned(), json!(days))).collect();
        let document = json!({
            "schemaVersion": 1, "origin": self.origin, "key": self.key.to_string(), "officer": self.officer.to_string(),
            "created": self.created.to_string(), "retentionDays": retention });
        let mut out = serde_json::to_vec_pretty(&document).unwrap_or_default();
        out.push(b'\n');
        out
    }

    /// Reads a file.
    ///
    /// # Errors
    /// [`AuditError::Malformed`].
    pub fn parse(bytes: &[u8]) -> Result<Self, AuditError> {
        let wrong = |cause: String| AuditError::malformed("settings of the audit log", cause);
        let read = |e: JsonError| wrong(e.to_string());
        let value = json::parse(bytes, limits::SETTINGS_BYTES).map_err(read)?;
        let root = Field::root("log.json", &value);
        root.spelled(&["schemaVersion", "origin", "key", "officer", "created", "retentionDays"]).map_err(read)?;
        let text = |name: &str| root.need(name).and_then(|f| f.str()).map_err(read);
        let key = |name: &str| NoteKey::parse(text(name)?).map_err(AuditError::from);
        let created = Timestamp::parse(text("created")?).map_err(|e| wrong(e.to_string()))?;
        let mut retention = BTreeMap::new();
        for (name, days) in root.need("retentionDays").and_then(|f| f.object()).map_err(read)? {
            let class = Class::named(name).filter(|c| ![Class::Permanent, Class::Public].contains(c));
            let class = class.ok_or_else(|| {
                let expiring: Vec<_> =
                    Class::ALL.iter().filter(|(.., days)| days.is_some()).map(|(_, name, _)| *name).collect();
                wrong(format!("retentionDays: expected classes that expire ({}), found `{name}`", expiring.join(", ")))
            })?;
            let days = days.as_u64().and_then(|days| u32::try_from(days).ok()).filter(|days| *days > 0);
            let days = days.ok_or_else(|| {
                wrong(format!(
                    "retentionDays: expected whole days from 1 on for `{name}`; without it, it is kept for ever"
                ))
            })?;
            retention.insert(class, days);
        }
        let found =
            Self { origin: text("origin")?.to_owned(), key: key("key")?, officer: key("officer")?, created, retention };
        if found.key.name() != found.origin {
            return Err(wrong(format!("its key is named {}, not {}", found.key.name(), found.origin)));
        }
        if found.key.raw() == found.officer.raw() {
            return Err(wrong("the key of redactions is the log's own: it could forge the authority to erase".into()));
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tlog::note::NoteSigner;

    #[test]
    fn settings_are_read_as_they_were_written_and_their_keys_are_two() {
        let key = |name: &str, seed| NoteSigner::from_seed(name, &[seed; 32]).unwrap().key().clone();
        let settings = Settings {
            origin: "log.example/a".into(),
            key: key("log.example/a", 1),
            officer: key("log.example/a/redaction", 2),
            created: Timestamp::from_unix(1_800_000_000).unwrap(),
            retention: Settings::default_retention(),
        };
        assert_eq!(Settings::parse(&settings.write()).unwrap(), settings);
        let cause = |change: &dyn Fn(&mut Settings)| {
            let mut other = settings.clone();
            change(&mut other);
            Settings::parse(&other.write()).unwrap_err().to_string()
        };
        assert!(cause(&|s| s.officer = key("log.example/a/redaction", 1)).contains("the log's own"));
        assert!(cause(&|s| s.origin = "log.example/b".into()).contains("its key is named"));
        assert!(cause(&|s| s.retention = BTreeMap::from([(Class::Permanent, 3)])).contains("permanent"));
        assert!(
            cause(&|s| s.retention = BTreeMap::from([(Class::Sessions, 0)])).contains("days from 1 on for `sessions`")
        );
        let text = String::from_utf8(settings.write()).unwrap();
        for bad in [text.replacen("\"key\"", "\"kee\"", 1), text.replacen("2027", "yesterday", 1)] {
            assert!(Settings::parse(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
