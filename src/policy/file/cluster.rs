//! Fields of `spec` that act in a cluster alone: where the policy applies, what an outage means, and exceptions.

use super::images::IMAGES_OF;
use crate::model::Timestamp;
use crate::policy::cluster::{Exception, OnUnavailable};
use crate::policy::form::{At, Defaulted, Field, ListOf, Map, Needed, OneOf, Parsed, Sub, TEXT};
use crate::policy::signer::TIME;
use crate::policy::{Glob, PolicyError};

pub(super) static ON_UNAVAILABLE: Defaulted<OneOf<OnUnavailable>> = Field::new(
    "onUnavailable",
    "What a cluster does where it could not be found out whether an image is acceptable: deny it, answer with an error so that the webhook's `failurePolicy` decides (defer), or admit it with a warning. It never changes an exit code of the command line.",
    OneOf(|| OnUnavailable::ALL.to_vec()),
)
.or("deny");

pub(super) static NAMESPACES: Field<ListOf<Parsed<Glob>>> = Field::new(
    "namespaces",
    "Namespaces of a cluster that the policy applies in, and what `attest verify --namespace` names: any of these. Where none is listed, and where the caller names none, it applies.",
    NAMESPACE_GLOBS,
);

pub(super) static EXCEPTIONS: Field<ListOf<Sub<Exception>>> = Field::new(
    "exceptions",
    "Images that a cluster admits for a while although the policy refuses them, each with a warning. They never change an exit code of the command line.",
    ListOf(Sub { map: &EXCEPTION, read: exception }),
);

const NAMESPACE_GLOBS: ListOf<Parsed<Glob>> =
    ListOf(Parsed { read: namespace, schema: || Glob::schema("A namespace or glob.") });

static WHICH: Needed<ListOf<Sub<Glob>>> =
    Field::new("images", "Images that it is for, and for no other of the same pod.", IMAGES_OF).needed();
static WHERE: Field<ListOf<Parsed<Glob>>> =
    Field::new("namespaces", "Namespaces that it is for: any of these.", NAMESPACE_GLOBS);
static UNTIL: Needed<Parsed<Timestamp>> = Field::new("until", "When it ends.", TIME).needed();
static APPROVED_BY: Needed<Parsed<String>> = Field::new("approvedBy", "Who approved it.", TEXT).needed();
static REASON: Needed<Parsed<String>> = Field::new("reason", "Why.", TEXT).needed();
static EXCEPTION: Map = Map::of("An exception.", &[&WHICH, &WHERE, &UNTIL, &APPROVED_BY, &REASON]);

fn exception(at: &At<'_>) -> Result<Exception, PolicyError> {
    Ok(Exception {
        images: WHICH.read(at)?,
        namespaces: WHERE.read(at)?.unwrap_or_default(),
        until: UNTIL.read(at)?,
        approved_by: APPROVED_BY.read(at)?,
        reason: REASON.read(at)?,
    })
}

/// Reads a glob over names of namespaces. One that no namespace can have is a policy that never applies.
fn namespace(text: &str) -> Result<Glob, String> {
    let possible = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'*');
    let expected = "a namespace (lower-case letters, digits, `-`), with `*` for any part of it";
    let glob = Glob::parse(text).filter(|_| text.bytes().all(possible) && text.len() <= 63);
    glob.ok_or_else(|| expected.to_owned())
}
