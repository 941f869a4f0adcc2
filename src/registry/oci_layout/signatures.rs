//! Signatures that are no bundles: which media types they have, and how their content shows that it is one.
//!
//! Whoever makes a layout chooses the media type of a layer; content that only claims to be a signature would hide an image
//! from whoever asks which images the folder holds. What is JSON is no layer that a program could run; COSE is none of
//! these, as its bytes may be an archive's too.

use crate::model::json::{self, Field, JsonError};
use crate::model::{Digest, limits};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;

/// Whether content is a signature of this subject.
type Proof = fn(&[u8], &Digest) -> bool;

/// By the layer's media type.
pub(super) const SIGNATURES: [(&str, Proof); 2] = [
    ("application/vnd.dev.cosign.simplesigning.v1+json", |bytes, subject| simple_signing(bytes, subject).is_ok()),
    ("application/jose+json", |bytes, subject| notation(bytes, subject).is_ok()),
];

/// What simple signing documents say that they are (containers/image, docs/containers-signature.5.md; cosign, SPEC.md).
const KINDS: [&str; 2] = ["cosign container image signature", "atomic container signature"];

/// `{"critical":{"type":...,"image":{"docker-manifest-digest":...},"identity":{"docker-reference":...}},"optional":...}`.
fn simple_signing(bytes: &[u8], subject: &Digest) -> Result<(), JsonError> {
    let value = json::parse(bytes, limits::MANIFEST_BYTES)?;
    let root = Field::root("signature", &value);
    only(&root, &["critical", "optional"])?;
    let critical = root.need("critical")?;
    only(&critical, &["type", "image", "identity"])?;
    let kind = critical.need("type")?;
    if !KINDS.contains(&kind.str()?) {
        return Err(kind.error("the type of a signature", "another"));
    }
    let image = critical.need("image")?;
    only(&image, &["docker-manifest-digest"])?;
    of_subject(&image.need("docker-manifest-digest")?, subject)?;
    let identity = critical.need("identity")?;
    only(&identity, &["docker-reference"])?;
    identity.need("docker-reference")?.str()?;
    Ok(())
}

/// A Notary Project signature: a JWS in its JSON form, whose payload names the subject as its target artifact
/// (notaryproject/specifications, signature-envelope-jws.md).
fn notation(bytes: &[u8], subject: &Digest) -> Result<(), JsonError> {
    let value = json::parse(bytes, limits::MANIFEST_BYTES)?;
    let root = Field::root("signature", &value);
    only(&root, &["payload", "protected", "header", "signature"])?;
    let decoded = |name: &str| {
        let field = root.need(name)?;
        URL_SAFE_NO_PAD.decode(field.str()?).map_err(|_| field.error("base64url", "another text"))
    };
    decoded("signature")?;
    let object = |name: &str| -> Result<Value, JsonError> { json::parse(&decoded(name)?, limits::MANIFEST_BYTES) };
    let (protected, payload) = (object("protected")?, object("payload")?);
    Field::root("protected", &protected).need("alg")?.str()?;
    of_subject(&Field::root("payload", &payload).need("targetArtifact")?.need("digest")?, subject)
}

fn of_subject(field: &Field<'_>, subject: &Digest) -> Result<(), JsonError> {
    match Digest::parse(field.str()?) {
        Ok(found) if found == *subject => Ok(()),
        _ => Err(field.error("the subject's digest", "another text")),
    }
}

/// That an object has no other members: they could hold anything.
fn only(field: &Field<'_>, known: &[&str]) -> Result<(), JsonError> {
    match field.object()?.keys().find(|k| !known.contains(&k.as_str())) {
        None => Ok(()),
        Some(_) => Err(field.error("the members of a signature", "another")),
    }
}
