//! [`Entry`]: what waits, and the rules under which it may go.
//!
//! A signed entry is published, once: attaching the same bundle again changes nothing. An unsigned one is signed only
//! when its digest is named, which `create` printed, and only in the context that left it: else a folder that a build
//! step can write to would be a way to get anything signed. The digest is that of the whole entry, so that neither the
//! statement nor where it goes nor its context can be exchanged.

use crate::model::code::codes;
use crate::model::json::{self, Field, JsonError};
use crate::model::{Code, Digest, limits};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

/// Where a bundle goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// To an image in a registry, as a referrer.
    Image {
        /// `REPOSITORY@DIGEST`.
        subject: String,
        /// The repository that keeps the evidence, where it is another.
        store: Option<String>,
    },
    /// To a file of bundles, one per line.
    File {
        /// Absolute path.
        path: String,
    },
}

/// Who signs, and in which run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Context {
    /// The run of a CI system, or the machine and folder.
    pub run: String,
    /// The identity that signs, or the reference of a key that did not answer.
    pub signer: String,
}

/// What waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Waiting {
    /// A bundle that was verified and could not be published.
    Signed {
        /// The bundle.
        bundle: Vec<u8>,
        /// The unsigned entry that it was made from.
        made_from: Option<Digest>,
    },
    /// A statement that could not be signed.
    Unsigned {
        /// The statement's bytes.
        statement: Vec<u8>,
        /// In which context it was left.
        context: Context,
        /// Whether the identity that signs names the builder of this provenance: there was none when it was made.
        builder_is_open: bool,
    },
}

impl Waiting {
    /// Whether the identity that signs names the builder.
    #[must_use]
    pub fn builder_is_open(&self) -> bool {
        matches!(self, Self::Unsigned { builder_is_open: true, .. })
    }

    /// The bytes to be signed by an identity that speaks for `builder`; none for what is signed already.
    ///
    /// # Errors
    /// [`JsonError`] for an open builder in what is no provenance.
    #[must_use]
    pub fn statement(&self, builder: Option<&str>) -> Option<Result<Vec<u8>, JsonError>> {
        let Self::Unsigned { statement, builder_is_open, .. } = self else { return None };
        let (true, Some(builder)) = (*builder_is_open, builder) else { return Some(Ok(statement.clone())) };
        Some(json::parse(statement, limits::STATEMENT_BYTES).and_then(|mut value| {
            let path = "predicate.runDetails.builder.id";
            let id = value.pointer_mut("/predicate/runDetails/builder/id");
            *id.ok_or_else(|| JsonError::Missing { path: path.into() })? = builder.into();
            Ok(value.to_string().into_bytes())
        }))
    }
}

/// One entry of an outbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What waits.
    pub waiting: Waiting,
    /// Where it goes.
    pub destinations: Vec<Destination>,
}

/// Why an entry may not go.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OutboxError {
    /// No entry, or one that was changed.
    #[error("the entry `{name}` of the outbox cannot be used: {cause}")]
    Damaged {
        /// Its file's name.
        name: String,
        /// What is wrong with it.
        cause: String,
    },
    /// Nothing of this digest waits to be signed.
    #[error("no unsigned entry {digest} waits in the outbox")]
    NotWaiting {
        /// The digest as given.
        digest: String,
    },
    /// Another run or identity left it.
    #[error(
        "the entry {digest} was left by another {what}: expected `{expected}`, found `{found}`; nothing was signed"
    )]
    ContextChanged {
        /// The entry.
        digest: String,
        /// `run` or `identity`.
        what: &'static str,
        /// What the entry says.
        expected: String,
        /// What is so now.
        found: String,
    },
    /// The folder is not one that only its owner can use.
    #[error("the outbox `{path}` cannot be used: {cause}")]
    Folder {
        /// The folder.
        path: String,
        /// Why not.
        cause: String,
    },
    /// A bundle is not written where its entry says.
    #[error("a bundle was not written to `{path}`, and waits on: {cause}")]
    Place {
        /// The file.
        path: String,
        /// Why not.
        cause: String,
    },
    /// Another process is at work in it.
    #[error("the outbox `{path}` is in use by another process; waited {seconds} s for it")]
    Locked {
        /// The folder.
        path: String,
        /// How long it was waited for.
        seconds: u64,
    },
}

codes! {
    /// Codes of [`OutboxError`].
    CODES;
    OUTBOX_ENTRY_DAMAGED = "outbox-entry-damaged", [Operator],
        "a file of the outbox is not what its name says, or no entry",
        "remove the file that the message names, then run `attest create` again for its subject";
    OUTBOX_ENTRY_MISSING = "outbox-entry-missing", [Caller],
        "nothing of this digest waits in the outbox to be signed",
        "run `attest flush --outbox DIR` without --sign: it lists what waits";
    OUTBOX_CONTEXT_CHANGED = "outbox-context-changed", [Producer],
        "another run or identity left the statement in the outbox; it was not signed",
        "run `attest create` again, with this identity and in this run";
    OUTBOX_UNUSABLE = "outbox-unusable", [Caller],
        "the outbox is no folder for its owner alone",
        "make the folder your own and closed to others: chmod 700 DIR, or name another with --outbox";
    OUTBOX_LOCKED = "outbox-locked", [Operator],
        "another process works in the outbox",
        "wait until the other process has ended, then try again";
    OUTBOX_PLACE_REFUSED = "outbox-place-refused", [Caller],
        "an entry of the outbox names a file that is not written on its word alone",
        "pass --output FILE to say where the bundle goes";
}

impl OutboxError {
    /// Codes of this enum.
    pub const CODES: &'static [Code] = CODES;

    /// The stable code.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Damaged { .. } => OUTBOX_ENTRY_DAMAGED,
            Self::NotWaiting { .. } => OUTBOX_ENTRY_MISSING,
            Self::ContextChanged { .. } => OUTBOX_CONTEXT_CHANGED,
            Self::Folder { .. } => OUTBOX_UNUSABLE,
            Self::Locked { .. } => OUTBOX_LOCKED,
            Self::Place { .. } => OUTBOX_PLACE_REFUSED,
        }
    }
}

impl Context {
    /// That `now` is the context in which the entry was left. `signers` are the names that the present signer goes by.
    ///
    /// # Errors
    /// [`OutboxError::ContextChanged`].
    pub fn permits(&self, digest: &Digest, run: &str, signers: &[String]) -> Result<(), OutboxError> {
        let changed = |what, expected: &str, found: String| OutboxError::ContextChanged {
            digest: digest.to_string(),
            what,
            expected: expected.to_owned(),
            found,
        };
        if self.run != run {
            return Err(changed("run", &self.run, run.to_owned()));
        }
        if !signers.contains(&self.signer) {
            return Err(changed("identity", &self.signer, signers.join("` or `")));
        }
        Ok(())
    }
}

impl Entry {
    /// As it is kept.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let destinations = self.destinations.iter().map(|d| match d {
            Destination::Image { subject, store: None } => json!({ "image": subject }),
            Destination::Image { subject, store: Some(store) } => json!({ "image": subject, "store": store }),
            Destination::File { path } => json!({ "file": path }),
        });
        let destinations: Vec<Value> = destinations.collect();
        let mut out = json!({ "schemaVersion": 1 });
        match &self.waiting {
            Waiting::Signed { bundle, made_from } => {
                out["bundle"] = STANDARD.encode(bundle).into();
                if let Some(digest) = made_from {
                    out["madeFrom"] = digest.to_string().into();
                }
            }
            Waiting::Unsigned { statement, context, builder_is_open } => {
                if *builder_is_open {
                    out["builderIsOpen"] = true.into();
                }
                out["statement"] = STANDARD.encode(statement).into();
                out["context"] = json!({ "run": context.run, "signer": context.signer });
            }
        }
        out["destinations"] = destinations.into();
        out.to_string().into_bytes()
    }

    /// Reads what was kept.
    ///
    /// # Errors
    /// [`JsonError`] names the field.
    pub fn parse(bytes: &[u8]) -> Result<Self, JsonError> {
        let value = json::parse(bytes, limits::OUTBOX_ENTRY_BYTES)?;
        let root = Field::root("entry", &value);
        let text = |f: &Field<'_>| f.str().map(str::to_owned);
        let waiting = match (root.get("bundle")?, root.get("statement")?) {
            (Some(bundle), None) => {
                let made_from = root.get("madeFrom")?.map(|f| digest(&f)).transpose()?;
                Waiting::Signed { bundle: bundle.base64()?, made_from }
            }
            (None, Some(statement)) => {
                let context = root.need("context")?;
                let context = Context { run: text(&context.need("run")?)?, signer: text(&context.need("signer")?)? };
                let builder_is_open = match root.get("builderIsOpen")? {
                    Some(f) => f.value().as_bool().ok_or_else(|| f.error("true or false", "something else"))?,
                    None => false,
                };
                Waiting::Unsigned { statement: statement.base64()?, context, builder_is_open }
            }
            _ => return Err(root.error("one of `bundle` and `statement`", "both or none")),
        };
        let mut destinations = Vec::new();
        for d in root.need("destinations")?.list(limits::SUBJECTS)? {
            destinations.push(match (d.get("image")?, d.get("file")?) {
                (Some(image), None) => {
                    Destination::Image { subject: text(&image)?, store: d.get("store")?.map(|f| text(&f)).transpose()? }
                }
                (None, Some(path)) => Destination::File { path: text(&path)? },
                _ => return Err(d.error("one of `image` and `file`", "both or none")),
            });
        }
        Ok(Self { waiting, destinations })
    }

    /// What names it: the digest of its bytes.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::sha256(&self.to_bytes())
    }
}

fn digest(field: &Field<'_>) -> Result<Digest, JsonError> {
    let text = field.str()?;
    Digest::parse(text).map_err(|_| field.error("a digest", text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unsigned() -> Entry {
        let context = Context { run: "run 7".into(), signer: "key sha256:ab".into() };
        let image = Destination::Image { subject: "r.example/a@sha256:00".into(), store: Some("r.example/b".into()) };
        let file = Destination::File { path: "/build/out.sigstore.json".into() };
        let waiting = Waiting::Unsigned { statement: b"{}".to_vec(), context, builder_is_open: false };
        Entry { waiting, destinations: vec![image, file] }
    }

    #[test]
    fn an_entry_is_read_as_it_was_written_and_its_digest_covers_all_of_it() {
        let entry = unsigned();
        assert_eq!(Entry::parse(&entry.to_bytes()).unwrap(), entry);
        let signed = Waiting::Signed { bundle: b"b".to_vec(), made_from: Some(entry.digest()) };
        let signed = Entry { waiting: signed, destinations: entry.destinations.clone() };
        assert_eq!(Entry::parse(&signed.to_bytes()).unwrap(), signed);

        let mut other = unsigned();
        other.destinations.pop();
        assert_ne!(other.digest(), entry.digest());
        let mut other = unsigned();
        if let Waiting::Unsigned { context, .. } = &mut other.waiting {
            context.signer = "key sha256:cd".into();
        }
        assert_ne!(other.digest(), entry.digest());
    }

    #[test]
    fn an_open_builder_is_named_by_who_signs_and_nothing_else_changes() {
        let statement = br#"{"predicate":{"runDetails":{"builder":{"id":"local"},"x":1}},"b":2}"#.to_vec();
        let context = Context { run: "run 7".into(), signer: "identity of GitHub Actions".into() };
        let waiting = |builder_is_open| {
            let context = context.clone();
            Waiting::Unsigned { statement: statement.clone(), context, builder_is_open }
        };
        let signed = |open, builder| waiting(open).statement(builder).unwrap().unwrap();
        let named = br#"{"predicate":{"runDetails":{"builder":{"id":"https://b"},"x":1}},"b":2}"#;
        assert_eq!(signed(true, Some("https://b")), named);
        assert_eq!(signed(true, None), statement);
        assert_eq!(signed(false, Some("https://b")), statement);
        let mut other = waiting(true);
        if let Waiting::Unsigned { statement, .. } = &mut other {
            *statement = b"{}".to_vec();
        }
        assert!(other.statement(Some("https://b")).unwrap().is_err());
        // Whether it is open is part of what was kept, and so of its digest.
        let entry = |open| Entry { waiting: waiting(open), destinations: Vec::new() };
        assert_ne!(entry(true).digest(), entry(false).digest());
        assert_eq!(Entry::parse(&entry(true).to_bytes()).unwrap(), entry(true));
        let signed = Waiting::Signed { bundle: Vec::new(), made_from: None };
        assert!(signed.statement(Some("https://b")).is_none());
    }

    #[test]
    fn an_entry_is_one_thing_with_places_to_go() {
        for (good, bad) in [
            ("\"statement\"", "\"bundle\":\"\",\"statement\""),
            ("\"statement\"", "\"stmt\""),
            ("\"run\"", "\"ran\""),
            ("\"file\"", "\"folder\""),
            ("\"destinations\"", "\"places\""),
        ] {
            let text = String::from_utf8(unsigned().to_bytes()).unwrap();
            assert!(text.contains(good));
            assert!(Entry::parse(text.replacen(good, bad, 1).as_bytes()).is_err(), "{bad}");
        }
    }

    #[test]
    fn another_run_or_identity_may_not_sign() {
        let entry = unsigned();
        let Waiting::Unsigned { context, .. } = &entry.waiting else { panic!("it is unsigned") };
        let permits = |run: &str, signers: &[&str]| {
            let signers: Vec<String> = signers.iter().map(|s| (*s).to_owned()).collect();
            context.permits(&entry.digest(), run, &signers)
        };
        assert_eq!(permits("run 7", &["reference a.key", "key sha256:ab"]), Ok(()));
        for (run, signers) in [("run 8", &["key sha256:ab"][..]), ("run 7", &["key sha256:cd"]), ("run 7", &[])] {
            assert_eq!(permits(run, signers).unwrap_err().code().as_str(), "outbox-context-changed");
        }
    }
}
