//! [`Revoked`]: what a policy never accepts, and `spec.revoked`, which says so.

use crate::model::Digest;
use crate::model::digest::DigestAlgorithm;
use crate::policy::PolicyError;
use crate::policy::form::{AnyNumberOf, At, Field, Form, Key, Map, Sub};
use serde_json::{Value, json};

/// What a policy never accepts.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Revoked {
    /// Key ids: `sha256:` and the hex digest of the key's DER.
    pub keys: Vec<String>,
    /// Digests of signed statements.
    pub statements: Vec<Digest>,
}

impl Revoked {
    /// Adds a key by its id: `sha256:` and the hex digest of the key's DER.
    #[must_use]
    pub fn key(mut self, id: impl Into<String>) -> Self {
        self.keys.push(id.into());
        self
    }

    /// Adds a statement by the digest of its signed bytes.
    #[must_use]
    pub fn statement(mut self, digest: Digest) -> Self {
        self.statements.push(digest);
        self
    }
}

static KEYS: Field<AnyNumberOf<KeyId>> = Field::new(
    "keys",
    "Key ids (sha256: and the hex digest of the key's DER), paths of PEM files, or PEM.",
    AnyNumberOf(KeyId),
);
static STATEMENTS: Field<AnyNumberOf<StatementDigest>> =
    Field::new("statements", "Digests of signed statements.", AnyNumberOf(StatementDigest));
static FIELDS: Map = Map::of("What is never accepted, whoever signed.", &[&KEYS, &STATEMENTS]);

/// `spec.revoked`.
pub(in crate::policy) const REVOKED: Sub<Revoked> = Sub {
    map: &FIELDS,
    read: |at| {
        Ok(Revoked { keys: KEYS.read(at)?.unwrap_or_default(), statements: STATEMENTS.read(at)?.unwrap_or_default() })
    },
};

/// A key, by its id or itself.
struct KeyId;

impl Form for KeyId {
    type Value = String;

    fn read(&self, at: &At<'_>) -> Result<String, PolicyError> {
        match Digest::parse(at.str()?) {
            Ok(digest) => sha256(at, digest, "key").map(|d| d.to_string()),
            Err(_) => Ok(Key.read(at)?.id()),
        }
    }

    fn schema(&self) -> Value {
        json!({ "type": "string", "minLength": 1, "not": { "pattern": "^sha(384|512):" } })
    }
}

/// A statement, by the digest of its signed bytes.
struct StatementDigest;

impl Form for StatementDigest {
    type Value = Digest;

    fn read(&self, at: &At<'_>) -> Result<Digest, PolicyError> {
        let digest = Digest::parse(at.str()?).map_err(|_| at.error("the sha256 digest of a signed statement"))?;
        sha256(at, digest, "signed statement")
    }

    fn schema(&self) -> Value {
        json!({ "type": "string", "pattern": "^sha256:[0-9a-f]{64}$" })
    }
}

/// What is revoked is compared by sha256: another digest would revoke nothing, and nobody would notice.
fn sha256(field: &At<'_>, digest: Digest, of: &str) -> Result<Digest, PolicyError> {
    match digest.algorithm() {
        DigestAlgorithm::Sha256 => Ok(digest),
        _ => Err(field.error(format!("the sha256 digest of a {of}"))),
    }
}
