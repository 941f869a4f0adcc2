//! Trails: what coding agents leave behind of their work. Each is referenced by digest as a byproduct of the build, and
//! never copied: a conversation may hold anything. It is the agent's own word, and nobody has verified it.
//!
//! To add one: a file here, and a row in [`ALL`].

mod agent_trace;
mod claude_code;
mod entire;
mod git_ai;

use crate::capture::{Agent, Captured, Checkout, Environment, SourceState};
use crate::model::{Digest, ResourceDescriptor};
use serde_json::{Map, Value};

/// A kind of trail.
trait Trail: Sync {
    /// Name of the byproduct.
    fn name(&self) -> &'static str;

    /// The trail of this build, or why there is none.
    fn find(&self, scene: &Scene<'_>) -> Captured<Vec<ResourceDescriptor>>;

    /// What the trail says of itself, as annotations.
    fn read(&self, bytes: &[u8]) -> Map<String, Value>;
}

const ALL: &[&dyn Trail] = &[&claude_code::ClaudeCode, &git_ai::GitAi, &entire::Entire, &agent_trace::AgentTrace];

/// A byproduct by name: descriptors, or the reason why there is none.
pub type Byproduct = (&'static str, Captured<Vec<ResourceDescriptor>>);

/// A file as it was when it was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrivateFile {
    /// SHA-256 of its first `size` bytes.
    pub digest: Digest,
    /// Its size when it was opened (bytes).
    pub size: u64,
    /// Whether more was appended while it was read.
    pub growing: bool,
}

/// The content of a blob of the repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blob {
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// What is known when trails are looked for.
pub(in crate::capture) struct Scene<'a> {
    pub(in crate::capture) env: &'a Environment,
    pub(in crate::capture) git: &'a SourceState,
    pub(in crate::capture) agent: &'a Agent,
    pub(in crate::capture) checkout: &'a dyn Checkout,
}

impl Scene<'_> {
    /// A place below the repository: `git+REMOTE@REF#PATH`.
    fn place(&self, reference: &str, path: &str) -> Option<String> {
        Some(format!("git+{}@{reference}#{path}", self.git.remote.value()?))
    }
}

/// All trails, by their names.
pub(in crate::capture) fn find(scene: &Scene<'_>) -> Vec<Byproduct> {
    ALL.iter().map(|t| (t.name(), t.find(scene))).collect()
}

/// What every kind of trail reads out of these bytes, by kind: the readers of untrusted bytes, for fuzzing.
#[must_use]
pub fn read_trails(bytes: &[u8]) -> Vec<(&'static str, Map<String, Value>)> {
    ALL.iter().map(|t| (t.name(), t.read(bytes))).collect()
}

/// A word of at most 64 letters, digits and `-_./`: what may be repeated from a trail.
fn word(value: Option<&Value>) -> Option<Value> {
    let text = value?.as_str()?;
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_./".contains(&b);
    (!text.is_empty() && text.len() <= 64 && text.bytes().all(plain)).then(|| text.into())
}

/// The descriptor with all annotations.
fn annotated(descriptor: ResourceDescriptor, annotations: Map<String, Value>) -> ResourceDescriptor {
    annotations.into_iter().fold(descriptor, |d, (key, value)| d.annotated(&key, value))
}
