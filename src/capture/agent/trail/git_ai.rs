//! The note of git-ai (`authorship/3.0.0`): which lines of the commit came from which agent, at most one per commit, on
//! `refs/notes/ai`.

use crate::capture::Captured;
use crate::capture::agent::trail::{Scene, Trail, annotated, word};
use crate::model::{Digest, DigestSet, ResourceDescriptor, json, limits};
use serde_json::{Map, Value};

pub(super) struct GitAi;

const REFERENCE: &str = "refs/notes/ai";

impl Trail for GitAi {
    fn name(&self) -> &'static str {
        "git-ai-note"
    }

    fn find(&self, scene: &Scene<'_>) -> Captured<Vec<ResourceDescriptor>> {
        let commit = match &scene.git.commit {
            Captured::Found { value, .. } => value,
            Captured::Absent { reason } => return Captured::absent(reason),
        };
        // The more notes, the deeper git spreads them over folders.
        let path = |depth: usize| {
            let parts: Vec<_> = (0..depth).map(|i| &commit[2 * i..2 * i + 2]).chain([&commit[2 * depth..]]).collect();
            format!("{REFERENCE}:{}", parts.join("/"))
        };
        let names: Vec<_> = (0..4).map(path).collect();
        match scene.checkout.blob(scene.env, &names) {
            Err(reason) => Captured::absent(&reason),
            Ok(None) => Captured::absent("the commit has no note on refs/notes/ai"),
            Ok(Some(blob)) => {
                let digest = DigestSet::of(&Digest::sha256(&blob.bytes));
                let mut descriptor = ResourceDescriptor::with_digest(digest).named(self.name());
                if let Some(uri) = scene.place(REFERENCE, commit) {
                    descriptor = descriptor.uri_of(uri);
                }
                let descriptor = annotated(descriptor, self.read(&blob.bytes)).annotated("size", blob.bytes.len());
                Captured::found(vec![descriptor], &format!("git cat-file, {REFERENCE}"))
            }
        }
    }

    /// Below the line `---` stands JSON, which names its schema.
    fn read(&self, bytes: &[u8]) -> Map<String, Value> {
        let text = String::from_utf8_lossy(bytes);
        let below = text.strip_prefix("---\n").or_else(|| Some(text.split_once("\n---\n")?.1));
        let json = below.and_then(|b| json::parse(b.as_bytes(), limits::GIT_OUTPUT_BYTES).ok());
        let version = word(json.as_ref().and_then(|j| j.get("schema_version")));
        version.map(|v| ("schemaVersion".to_owned(), v)).into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_is_read_and_nothing_else() {
        let note = "src/a.rs\n  s_00000000000000::t_00000000000000 1-4\n---\n{\"schema_version\":\"authorship/3.0.0\",\"prompts\":{}}";
        assert_eq!(GitAi.read(note.as_bytes())["schemaVersion"], "authorship/3.0.0");
        assert!(GitAi.read(&note.as_bytes()[3..]).contains_key("schemaVersion"));
        for other in
            ["", "---", "a\n---\n{", "a\n---\n{\"schema_version\":\"no word\"}", "a\n---\n{\"schema_version\":3}"]
        {
            assert!(GitAi.read(other.as_bytes()).is_empty(), "{other}");
        }
    }
}
