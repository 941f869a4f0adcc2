//! The checkpoint of Entire: the commit's trailer `Entire-Checkpoint` names a folder on the branch
//! `entire/checkpoints/v1`, with `metadata.json` and the transcripts `0/full.jsonl`, `1/full.jsonl` and on.

use crate::attribution;
use crate::capture::agent::trail::{Scene, Trail, annotated, word};
use crate::capture::{Blob, Captured};
use crate::model::{Digest, DigestSet, ResourceDescriptor, json, limits};
use serde_json::{Map, Value};

pub(super) struct Entire;

const BRANCH: &str = "entire/checkpoints/v1";

impl Trail for Entire {
    fn name(&self) -> &'static str {
        "entire-checkpoint"
    }

    fn find(&self, scene: &Scene<'_>) -> Captured<Vec<ResourceDescriptor>> {
        let message = match &scene.git.object {
            Captured::Found { value, .. } => match &value.message {
                Captured::Found { value, .. } => value,
                Captured::Absent { reason } => return Captured::absent(reason),
            },
            Captured::Absent { reason } => return Captured::absent(reason),
        };
        let (id, source) = match attribution::named(message, "Entire-Checkpoint") {
            Captured::Found { value, source } => (value, source),
            Captured::Absent { reason } => return Captured::absent(&reason),
        };
        if id.len() != 12 || !id.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
            return Captured::absent(&format!("{source} is not 12 hexadecimal digits"));
        }
        let references = [format!("refs/heads/{BRANCH}"), format!("refs/remotes/origin/{BRANCH}")];
        let folder = format!("{}/{}", &id[..2], &id[2..]);
        let names = |file: &str| references.each_ref().map(|r| format!("{r}:{folder}/{file}"));
        let metadata = match scene.checkout.blob(scene.env, &names("metadata.json")) {
            Err(reason) => return Captured::absent(&reason),
            Ok(None) => return Captured::absent(&format!("the branch {BRANCH} has no checkpoint {id}")),
            Ok(Some(blob)) => blob,
        };
        let describe = |blob: &Blob, file: &str, name: &str| {
            let digest = DigestSet::of(&Digest::sha256(&blob.bytes));
            let descriptor = ResourceDescriptor::with_digest(digest).named(name).annotated("size", blob.bytes.len());
            match scene.place(&format!("refs/heads/{BRANCH}"), &format!("{folder}/{file}")) {
                Some(uri) => descriptor.uri_of(uri),
                None => descriptor,
            }
        };
        let first = describe(&metadata, "metadata.json", self.name()).media_type_of("application/json");
        let mut first = annotated(first, self.read(&metadata.bytes)).annotated("checkpoint", id);
        let mut all = Vec::new();
        for i in 0..limits::TRANSCRIPTS {
            let file = format!("{i}/full.jsonl");
            match scene.checkout.blob(scene.env, &names(&file)) {
                Ok(Some(blob)) => {
                    let transcript = describe(&blob, &file, "entire-transcript");
                    all.push(transcript.media_type_of("application/jsonl"));
                }
                Ok(None) => break,
                Err(reason) => {
                    first = first.annotated("incomplete", format!("{file}: {reason}"));
                    break;
                }
            }
        }
        all.insert(0, first);
        Captured::found(all, &format!("{source}, and the branch {BRANCH}"))
    }

    fn read(&self, bytes: &[u8]) -> Map<String, Value> {
        let json = json::parse(bytes, limits::GIT_OUTPUT_BYTES).ok();
        let strategy = word(json.as_ref().and_then(|j| j.get("strategy")));
        strategy.map(|s| ("strategy".to_owned(), s)).into_iter().collect()
    }
}
