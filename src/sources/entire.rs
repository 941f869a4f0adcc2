//! Checkpoints of Entire on the branch `entire/checkpoints/v1`: `AA/REST/N/full.jsonl` is a session as its agent keeps it, stored
//! again, and longer, at each checkpoint; `metadata.json` beside it says whose it is.
//!
//! A call has the id that its agent gave it, so that a session is recorded once, whether it comes from here or from the agent's
//! own file.

use super::calls::Calls;
use super::claude_code::text;
use super::kept::{About, Kept, unit};
use super::plain::plain;
use super::{ClaudeCode, Codex, Counts, Reader, Source, Units};
use crate::model::{Digest, Timestamp, json, limits};
use serde_json::{Value, json};

/// What records of this source say of where they are from.
const SOURCE: &str = "import entire";
const KEPT: Kept = Kept {
    references: &["refs/heads/entire/checkpoints/v1", "refs/remotes/origin/entire/checkpoints/v1"],
    wants: |path| Path::of(path).is_some(),
    about: About::Nothing,
};
/// Formats in which agents keep the sessions.
const SESSIONS: &[&dyn Source] = &[&ClaudeCode, &Codex];

/// The format.
#[derive(Debug)]
pub struct Entire;

impl Source for Entire {
    fn name(&self) -> &'static str {
        "entire"
    }

    fn recognises(&self, file: &[u8]) -> bool {
        unit(file).is_some_and(|unit| Path::of(unit.path).is_some())
    }

    fn units(&self) -> Units {
        Units::Kept(&KEPT)
    }

    fn part(&self) -> &'static str {
        "line"
    }

    fn is_about_a_repository(&self) -> bool {
        // A session is the same one where it is taken from its agent's own file, which says nothing of the repository.
        false
    }

    fn begin(&self) -> Box<dyn Reader> {
        Box::new(Checkpoints { calls: Calls::new(SOURCE, "a file of a checkpoint") })
    }
}

/// A file of a checkpoint.
struct Path {
    checkpoint: String,
    number: String,
    is_transcript: bool,
}

impl Path {
    fn of(path: &str) -> Option<Self> {
        let [first, rest, number, file] = path.split('/').collect::<Vec<_>>()[..] else { return None };
        let is_hex = |text: &str| text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        let is_one = first.len() == 2 && rest.len() == 10 && is_hex(first) && is_hex(rest);
        let is_number = !number.is_empty() && number.len() < 6 && number.bytes().all(|b| b.is_ascii_digit());
        let is_transcript = file == "full.jsonl";
        (is_one && is_number && (is_transcript || file == "metadata.json")).then(|| Self {
            checkpoint: format!("{first}{rest}"),
            number: number.to_owned(),
            is_transcript,
        })
    }
}

/// Checkpoints that are being read.
struct Checkpoints {
    calls: Calls,
}

impl Reader for Checkpoints {
    fn line(&mut self, file: Option<&[u8]>, out: &mut Vec<Value>) {
        let read = file.and_then(unit).and_then(|unit| Some((Path::of(unit.path)?, unit.bytes)));
        let Some((path, bytes)) = read else {
            self.calls.counts.lines += 1;
            return self.calls.broken("no file of a checkpoint", file.unwrap_or_default(), None, out);
        };
        match path.is_transcript {
            true => self.session(bytes, out),
            false => self.checkpoint(&path, bytes, out),
        }
    }

    fn end(&mut self, _: &str, _: &mut Vec<Value>) {}

    fn counts(&self) -> Counts {
        self.calls.counts
    }
}

impl Checkpoints {
    /// A session, by the reader of its agent's own files.
    fn session(&mut self, bytes: &[u8], out: &mut Vec<Value>) {
        let mut reader: Option<Box<dyn Reader>> = None;
        let before = out.len();
        for line in bytes.split(|b| *b == b'\n').filter(|line| !line.trim_ascii().is_empty()) {
            if reader.is_none() {
                let format = SESSIONS.iter().find(|format| format.recognises(line));
                reader = format.map(|format| format.begin());
            }
            match &mut reader {
                Some(reader) => reader.line(Some(line).filter(|line| line.len() <= limits::SESSION_LINE_BYTES), out),
                // A session of an agent that is not known says nothing to this version.
                None => {
                    self.calls.counts.lines += 1;
                    self.calls.counts.other += 1;
                }
            }
        }
        let Some(mut reader) = reader else { return };
        reader.end(&Digest::sha256(bytes).to_string(), out);
        // A checkpoint may have a session from somewhere in it on: where it begins is another beginning of the same one.
        for record in out.iter_mut().skip(before).filter(|record| record["kind"] == "session") {
            let id = record["source_id"].as_str().filter(|id| id.ends_with("/start")).map(str::to_owned);
            if let (Some(id), Some(at)) = (id, record["started_at"].as_str().map(str::to_owned)) {
                record["source_id"] = json!(format!("{id}/{at}"));
            }
        }
        let (own, counts) = (&mut self.calls.counts, reader.counts());
        own.lines += counts.lines;
        own.actions += counts.actions;
        own.other += counts.other;
        own.broken += counts.broken;
    }

    /// Which session a checkpoint is of.
    fn checkpoint(&mut self, path: &Path, bytes: &[u8], out: &mut Vec<Value>) {
        self.calls.counts.lines += 1;
        let Ok(Value::Object(about)) = json::parse(bytes, limits::SESSION_LINE_BYTES) else {
            return self.calls.broken("no metadata", bytes, None, out);
        };
        let Some(session) = text(&about, "session_id") else {
            self.calls.counts.other += 1;
            return;
        };
        let mut record = json!({ "kind": "tag", "key": "entire-checkpoint", "value": path.checkpoint, "source": SOURCE,
            "source_id": format!("entire:{}/{}", path.checkpoint, path.number) });
        plain(&mut record, "session_id", Some(session));
        let at = about.get("created_at").and_then(Value::as_str).and_then(|at| Timestamp::parse(at).ok());
        if let Some(at) = at {
            record["at"] = json!(at.to_string());
        }
        out.push(record);
    }
}
