//! What a log is: its name, whose signatures are its own, and how long what it says is kept.

use super::AuditError;
use crate::model::json::{self, Field, JsonError};
use crate::model::{Timestamp, limits};
use crate::record::Class;
use crate::tlog::NoteKey;
use crate::trust::{KeyAlgorithm, PublicKey};
use base64::{Engine as _, engine::general_purpose::STANDARD};
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
    /// Key under which public logs know its checkpoints: ECDSA P-256, as they take no other; none of a log that was made without.
    pub anchor: Option<PublicKey>,
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
        let mut document = json!({
            "schemaVersion": 1, "origin": self.origin, "key": self.key.to_string(), "officer": self.officer.to_string(),
            "created": self.created.to_string(), "retentionDays": retention });
        if let Some(anchor) = &self.anchor {
            document["anchor"] = shown(anchor).into();
        }
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
        let names = ["schemaVersion", "origin", "key", "officer", "anchor", "created", "retentionDays"];
        root.spelled(&names).map_err(read)?;
        let text = |name: &str| root.need(name).and_then(|f| f.str()).map_err(read);
        let key = |name: &str| NoteKey::parse(text(name)?).map_err(AuditError::from);
        let anchor = match root.get("anchor").map_err(read)? {
            Some(field) => {
                let found = anchor_key(field.str().map_err(read)?);
                Some(found.ok_or_else(|| wrong("anchor: expected a key of ECDSA P-256, DER in base64".into()))?)
            }
            None => None,
        };
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
        let (key, officer) = (key("key")?, key("officer")?);
        let found = Self { origin: text("origin")?.to_owned(), key, officer, anchor, created, retention };
        if found.key.name() != found.origin {
            return Err(wrong(format!("its key is named {}, not {}", found.key.name(), found.origin)));
        }
        if found.key.raw() == found.officer.raw() {
            return Err(wrong("the key of redactions is the log's own: it could forge the authority to erase".into()));
        }
        Ok(found)
    }
}

/// The key of anchors as settings and notes have it: DER of the SubjectPublicKeyInfo, in base64.
#[must_use]
pub fn shown(anchor: &PublicKey) -> String {
    STANDARD.encode(anchor.spki())
}

/// Reads what [`shown`] writes; none of what public logs would not take.
pub(in crate::audit) fn anchor_key(text: &str) -> Option<PublicKey> {
    let key = PublicKey::from_der(&STANDARD.decode(text).ok()?).ok()?;
    (key.algorithm() == KeyAlgorithm::EcdsaP256).then_some(key)
}

/// A key of ECDSA P-256, for tests.
#[cfg(test)]
pub(in crate::audit) const P256: &str = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEczvH+yCHq/xSWCvkBC57AzGkQIOGpON9dT1YJLaw0LdPmnESAKUfFhKHrovmz3P1SW7qXJAEWkOf2A2MfNdhHQ==";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tlog::note::NoteSigner;

    /// A key of Ed25519.
    const ED25519: &str = "MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=";

    #[test]
    fn settings_are_read_as_they_were_written_and_their_keys_are_two() {
        let key = |name: &str, seed| NoteSigner::from_seed(name, &[seed; 32]).unwrap().key().clone();
        let settings = Settings {
            origin: "log.example/a".into(),
            key: key("log.example/a", 1),
            officer: key("log.example/a/redaction", 2),
            anchor: anchor_key(P256),
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
        let without = Settings { anchor: None, ..settings.clone() };
        assert_eq!(Settings::parse(&without.write()).unwrap(), without, "a log that was made without");
        for other in [ED25519, "", "none"] {
            let bad = text.replacen(P256, other, 1);
            assert!(Settings::parse(bad.as_bytes()).unwrap_err().to_string().contains("P-256"), "{bad}");
        }
        for bad in [text.replacen("\"key\"", "\"kee\"", 1), text.replacen("2027", "yesterday", 1)] {
            assert!(Settings::parse(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
