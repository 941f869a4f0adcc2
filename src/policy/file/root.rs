//! The document: what it says of itself, the subjects that it speaks about, and what it demands of them.

use super::cluster::{EXCEPTIONS, NAMESPACES, ON_UNAVAILABLE};
use super::images::IMAGES_OF;
use super::requirement::{self, Entry};
use crate::model::yaml::{Bounds, Node};
use crate::model::{Digest, limits};
use crate::policy::cluster::{Exception, OnUnavailable};
use crate::policy::form::{
    Anything, At, Defaulted, Field, KeyLoader, ListOf, Map, Needed, OneOf, Parsed, Sub, TEXT, Unread, Word,
};
use crate::policy::people::Listed;
use crate::policy::signer::{self, REVOKED};
use crate::policy::{Glob, Mode, People, Policy, PolicyError, Requirement, Revoked};
use serde_json::{Value, json};

/// `apiVersion` of a policy.
pub(super) const API_VERSION: &str = "agent-attest.github.io/v1";
/// `kind` of a policy.
pub(super) const KIND: &str = "AttestationPolicy";

static OF_VERSION: Needed<Word> =
    Field::new("apiVersion", "Version of the format.", Word { word: API_VERSION, intro: "" }).needed();
static OF_KIND: Needed<Word> = Field::new("kind", "What the document is.", Word { word: KIND, intro: "" }).needed();
static METADATA: Needed<Sub<String>> =
    Field::new("metadata", "", Sub { map: &METADATA_FIELDS, read: |at| NAME.read(at) }).needed();
static SPEC: Needed<Sub<Spec>> = Field::new("spec", "", Sub { map: &SPEC_FIELDS, read: spec }).needed();
static ROOT: Map = Map::of(
    "Which artifacts it speaks about, and what each of them must show.",
    &[&OF_VERSION, &OF_KIND, &METADATA, &SPEC, &STATUS],
);

static STATUS: Field<Unread> = Field::new("status", "What an API server adds. Not read.", Unread);

static NAME: Needed<Parsed<String>> = Field::new("name", "Stands in every decision.", TEXT).needed();
static LABELS: Field<Unread> = Field::new("labels", "Not read.", Unread);
static ANNOTATIONS: Field<Unread> = Field::new("annotations", "Not read.", Unread);
/// What an API server adds, so that what `kubectl get -o yaml` prints is a policy file.
static OF_A_SERVER: [Field<Anything>; 9] = [
    served("namespace"),
    served("uid"),
    served("resourceVersion"),
    served("generation"),
    served("creationTimestamp"),
    served("managedFields"),
    served("ownerReferences"),
    served("finalizers"),
    served("selfLink"),
];
static METADATA_FIELDS: Map = Map::of(
    "What the policy is called.",
    &[
        &NAME,
        &LABELS,
        &ANNOTATIONS,
        &OF_A_SERVER[0],
        &OF_A_SERVER[1],
        &OF_A_SERVER[2],
        &OF_A_SERVER[3],
        &OF_A_SERVER[4],
        &OF_A_SERVER[5],
        &OF_A_SERVER[6],
        &OF_A_SERVER[7],
        &OF_A_SERVER[8],
    ],
);

const fn served(name: &'static str) -> Field<Anything> {
    Field::new(name, "What an API server adds. Not read.", Anything)
}

static IMAGES: Needed<ListOf<Sub<Glob>>> =
    Field::new("images", "Subjects it speaks about. One that no policy speaks about is denied.", IMAGES_OF).needed();
static MODE: Defaulted<OneOf<Mode>> = Field::new(
    "mode",
    "What a cluster does with a denial. It never changes an exit code of the command line.",
    OneOf(|| Mode::ALL.to_vec()),
)
.or("enforce");
static PEOPLE: Field<Listed> = Field::new(
    "people",
    "Which principals are one person, agent or service: github:583231 or HOST:ID as a provenance names it, an e-mail address or URI as a certificate names it (a URI may have `*` and `**` after its host), key:sha256:HEX of a key's DER, agent:squad/agent (or agent:squad/*). None may stand twice.",
    Listed,
);
static NEVER: Field<Sub<Revoked>> = Field::new("revoked", "", REVOKED);
static REQUIRE: Needed<ListOf<Entry>> =
    Field::new("require", "All of these must be met, each by one statement that meets all of it.", ListOf(Entry))
        .needed();
static SPEC_FIELDS: Map =
    Map::of("The policy.", &[&IMAGES, &MODE, &ON_UNAVAILABLE, &NAMESPACES, &EXCEPTIONS, &PEOPLE, &NEVER, &REQUIRE]);

/// Reads the values of a policy file, whatever they say.
///
/// # Errors
/// [`PolicyError::Syntax`] and [`PolicyError::TooLarge`].
pub fn node(text: &str) -> Result<Node, PolicyError> {
    let (bytes, nodes) = (limits::POLICY_BYTES, limits::POLICY_NODES);
    Ok(Node::parse(text, &Bounds { what: "a policy", bytes, nodes, depth: limits::JSON_DEPTH })?)
}

/// Reads a policy. `origin` is the file's name; `load_key` reads the keys it names by path.
///
/// # Errors
/// [`PolicyError`] for an unknown field, one this version does not enforce, a missing or malformed one, a key that
/// cannot be read.
pub fn parse(text: &str, origin: &str, load_key: KeyLoader<'_>) -> Result<Policy, PolicyError> {
    let node = node(text)?;
    let root = At::root(&node, load_key);
    ROOT.check(&root, &[])?;
    OF_VERSION.read(&root)?;
    OF_KIND.read(&root)?;
    let (name, spec) = (METADATA.read(&root)?, SPEC.read(&root)?);
    let policy = Policy::named(name).read_from(origin, Digest::sha256(text.as_bytes()));
    let policy = policy.mode(spec.mode).revoked(spec.revoked).people(spec.people);
    let policy = policy.on_unavailable(spec.on_unavailable).namespaces(spec.namespaces).exceptions(spec.exceptions);
    let policy = spec.images.into_iter().fold(policy, Policy::image);
    Ok(spec.requirements.into_iter().fold(policy, Policy::require))
}

fn spec(at: &At<'_>) -> Result<Spec, PolicyError> {
    Ok(Spec {
        images: IMAGES.read(at)?,
        mode: MODE.read(at)?,
        on_unavailable: ON_UNAVAILABLE.read(at)?,
        namespaces: NAMESPACES.read(at)?.unwrap_or_default(),
        exceptions: EXCEPTIONS.read(at)?.unwrap_or_default(),
        requirements: REQUIRE.read(at)?,
        revoked: NEVER.read(at)?.unwrap_or_default(),
        people: PEOPLE.read(at)?.unwrap_or_default(),
    })
}

/// What `spec` says.
struct Spec {
    images: Vec<Glob>,
    mode: Mode,
    on_unavailable: OnUnavailable,
    namespaces: Vec<Glob>,
    exceptions: Vec<Exception>,
    requirements: Vec<Requirement>,
    revoked: Revoked,
    people: People,
}

/// The schema of a policy in JSON, or in YAML read as JSON with every plain scalar but `true` and `false` as a text.
///
/// What a schema cannot say (a key that can be read, a window that does not end before it begins) only the parser refuses.
#[must_use]
pub fn schema() -> Value {
    let mut root = ROOT.schema(&[]);
    root["$defs"] = json!({ "requirement": requirement::definition(), "signer": signer::definition() });
    root
}
