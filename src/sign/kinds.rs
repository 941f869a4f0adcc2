//! Key references: from `attest.key`, `env:VARIABLE` or `exec:PROGRAM` to an open signer.

#[cfg(feature = "cli")]
use super::exec;
#[cfg(feature = "pkcs11")]
use super::pkcs11;
use super::reference::{Found, Holder, Kind, OpenContext, Opened};
use super::{KeyFileFacts, SignError, environment, file};

/// Every kind of signer. A new one is a file and a row here.
pub const KINDS: &[Kind] = &[
    Kind { prefix: "file", form: "PATH or file:PATH", find: passive, look: file::look, open: file::open },
    Kind { prefix: "env", form: "env:VARIABLE", find: passive, look: environment::look, open: environment::open },
    #[cfg(feature = "cli")]
    Kind { prefix: "exec", form: "exec:PROGRAM", find: exec::find, look: found_already, open: exec::open },
    #[cfg(feature = "pkcs11")]
    Kind { prefix: "pkcs11", form: "pkcs11:URI", find: pkcs11::find, look: found_already, open: pkcs11::open },
    #[cfg(not(feature = "pkcs11"))]
    Kind { prefix: "pkcs11", form: "pkcs11:URI", find: without_pkcs11, look: found_already, open: file::open },
];

/// Of a kind that is read when it is opened.
fn passive(_: &str, _: &str, _: &OpenContext<'_>) -> Result<Holder, SignError> {
    Ok(Holder::Passive)
}

/// A program or module that was found is all that can be seen without starting it.
fn found_already(_: &Found, _: &OpenContext<'_>) -> Result<(), SignError> {
    Ok(())
}

/// A static build cannot load a module.
#[cfg(not(feature = "pkcs11"))]
fn without_pkcs11(_: &str, _: &str, _: &OpenContext<'_>) -> Result<Holder, SignError> {
    let why = "this build loads no PKCS#11 module: let a program sign instead (exec:PROGRAM)";
    Err(SignError::Malformed { reference: "pkcs11:...".into(), why: why.into() })
}

impl Found {
    /// The variable that holds the key, if one does.
    #[must_use]
    pub fn variable(&self) -> Option<&str> {
        (self.kind.prefix == "env").then(|| environment::variable(&self.rest))
    }
}

/// Finds what a reference names: `PATH`, or the prefix of one of [`KINDS`], a colon and what it takes. Nothing is opened
/// or started.
///
/// A path that looks like a prefix (`a:b`) is written `file:a:b` or `./a:b`.
///
/// # Errors
/// [`SignError::UnknownReference`] for another prefix, and what the kind returns.
pub fn find(reference: &str, context: &OpenContext<'_>) -> Result<Found, SignError> {
    let (kind, rest) = resolve(reference)?;
    let holder = (kind.find)(rest, reference, context)?;
    Ok(Found { kind, rest: rest.to_owned(), reference: reference.to_owned(), holder })
}

/// Finds a signer and opens it at once: where no build step comes in between.
///
/// # Errors
/// As [`find`] and [`Found::open`].
pub fn open(reference: &str, context: &OpenContext<'_>) -> Result<Opened, SignError> {
    find(reference, context)?.open(context)
}

/// What can be seen of the key's file without opening the key; `None` when the reference names no file or none is
/// there. For asking, before a build step runs, whether the step could read the key.
///
/// # Errors
/// [`SignError::UnknownReference`].
pub fn key_file_facts(reference: &str) -> Result<Option<KeyFileFacts>, SignError> {
    let (kind, rest) = resolve(reference)?;
    Ok(if kind.prefix == "file" { file::facts(rest) } else { None })
}

fn resolve(reference: &str) -> Result<(&'static Kind, &str), SignError> {
    let unknown = |found: String| {
        let known = KINDS.iter().map(|k| k.form).collect::<Vec<_>>().join(" or ");
        SignError::UnknownReference { found, known }
    };
    // A key given in place of its reference must not be shown.
    if reference.contains("-----BEGIN") || reference.contains('\n') {
        return Err(unknown("the text of a key".into()));
    }
    match reference.split_once(':') {
        Some((prefix, rest)) if is_prefix(prefix) => match KINDS.iter().find(|k| k.prefix == prefix) {
            Some(kind) if !rest.is_empty() => Ok((kind, rest)),
            _ => Err(unknown(reference.chars().take(160).collect())),
        },
        _ if reference.is_empty() => Err(unknown(String::new())),
        _ => Ok((&KINDS[0], reference)),
    }
}

/// Whether text before a colon is a URI scheme (RFC 3986 section 3.1) and so no part of a path.
fn is_prefix(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_names_one_kind() {
        for (text, prefix, rest) in [
            ("attest.key", "file", "attest.key"),
            ("/a/b:c", "file", "/a/b:c"),
            ("./a:b", "file", "./a:b"),
            ("file:a:b", "file", "a:b"),
            ("env:KEY", "env", "KEY"),
            #[cfg(feature = "cli")]
            ("exec:kms sign --slot 1", "exec", "kms sign --slot 1"),
        ] {
            let (kind, found) = resolve(text).unwrap();
            assert_eq!((kind.prefix, found), (prefix, rest), "{text}");
        }
    }

    #[test]
    fn an_unknown_kind_names_the_known_ones_and_never_a_key() {
        for text in ["yubikey:slot", "awskms:///alias/a", "env:", "file:", "", "ENV:KEY"] {
            let e = resolve(text).err().unwrap();
            assert_eq!(e.code().as_str(), "key-reference-unknown", "{text}");
            let message = e.to_string();
            assert!(message.contains("file:PATH") && message.contains("env:VARIABLE"), "{message}");
            assert!(message.contains(text), "{message}");
        }
        let e = resolve("-----BEGIN PRIVATE KEY-----\nc2VjcmV0").err().unwrap();
        assert!(!format!("{e} {e:?}").contains("c2VjcmV0"));
    }
}
