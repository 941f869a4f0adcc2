//! Checking what was handed out, without the log.

use super::line::{Chain, Line};
use super::manifest::{FILES, Manifest};
use crate::audit::notes::Covers;
use crate::audit::{AuditError, Disclosure, Redaction, Stored, bound};
use crate::model::Digest;
use crate::model::digest::hex;
use crate::record::{Entry, kinds};
use crate::tlog::merkle::{self, Edge};
use crate::tlog::policy::{Policy, Seen};
use crate::tlog::proof::Proof;
use crate::tlog::{Checkpoint, Hash, LogError, Note, NoteKey};
use std::collections::BTreeMap;

/// A folder while it is checked: its lines first, in their order, so that a record that is missing is named.
pub struct Check {
    manifest: Manifest,
    /// The log's key alone: what the log says needs no witness.
    own: Policy,
    checkpoint: Checkpoint,
    chain: Chain,
    /// Of a range the tree so far.
    edge: Option<Edge>,
    lines: u64,
    last: Option<u64>,
    /// Notes in clear that may say why records say nothing, with their entries.
    notes: Vec<(u64, Entry, String)>,
    /// Records that say nothing.
    holes: Vec<(u64, Entry)>,
    checked: Checked,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// Records that say something.
    pub opened: u64,
    /// Records in clear.
    pub in_clear: u64,
    /// Records that say nothing, by why.
    pub holes: BTreeMap<String, u64>,
    /// How many of these a redaction with authority explains that is among the records, as is the first one, which says whose authority.
    pub explained: u64,
    /// Fields that are proven.
    pub proven: u64,
    /// Fields that are not shown as they are.
    pub hidden: u64,
    /// Witnesses by whose word the policy is met, and the size of the tree that they saw.
    pub seen: Option<(u64, Seen)>,
}

fn unproven(cause: impl Into<String>) -> AuditError {
    AuditError::Unproven { what: "the bundle".into(), cause: cause.into() }
}

/// What is wrong beside what.
fn at(what: &str) -> impl Fn(LogError) -> AuditError {
    move |e| unproven(format!("{what}: {e}"))
}

fn hashes(texts: &[String]) -> Result<Vec<Hash>, AuditError> {
    let read = |text: &String| Hash::parse(text).ok_or_else(|| unproven("a hash that is not 32 bytes in base64"));
    texts.iter().map(read).collect()
}

fn hash(text: &str) -> Result<Hash, AuditError> {
    Hash::parse(text).ok_or_else(|| unproven("a hash that is not 32 bytes in base64"))
}

impl Check {
    /// Begins, under a key of the log from elsewhere, or under the one that the folder itself names.
    ///
    /// # Errors
    /// [`AuditError::Unproven`].
    pub fn begin(manifest: &[u8], policy: Option<&Policy>) -> Result<Self, AuditError> {
        let manifest = Manifest::read(manifest).map_err(|cause| unproven(format!("{}: {cause}", FILES.1)))?;
        let named = |policy: &Policy| policy.logs.iter().any(|(key, _)| key.to_string() == manifest.log_key);
        if policy.is_some_and(|policy| !named(policy)) {
            return Err(unproven(format!(
                "it is of the key {}, which is not the one that was given",
                manifest.log_key
            )));
        }
        let own = Policy::parse(&format!("log {}\nquorum none\n", manifest.log_key)).map_err(at("its key"))?;
        let note = Note::parse(manifest.checkpoint.as_bytes()).map_err(at("its checkpoint"))?;
        let (checkpoint, _) = own.check(&note).map_err(at("its checkpoint"))?;
        if checkpoint.origin != manifest.origin {
            return Err(unproven(format!("its checkpoint is of {}, not {}", checkpoint.origin, manifest.origin)));
        }
        let edge = manifest.range.as_ref().map(|range| {
            let edge = Edge::from_subtrees(range.first, hashes(&range.edge_before)?);
            let before = hash(&range.root_before)?;
            edge.filter(|edge| edge.root() == before)
                .ok_or_else(|| unproven("the tree before its records is another one"))
        });
        let edge = edge.transpose()?;
        Ok(Self {
            last: manifest.range.as_ref().and_then(|range| range.first.checked_sub(1)),
            manifest,
            own,
            checkpoint,
            chain: Chain::default(),
            edge,
            lines: 0,
            notes: Vec::new(),
            holes: Vec::new(),
            checked: Checked::default(),
        })
    }

    /// What is checked.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Takes the next line of `records.jsonl`, without its end.
    ///
    /// # Errors
    /// [`AuditError::Unproven`], with the number of the record.
    pub fn line(&mut self, bytes: &[u8]) -> Result<(), AuditError> {
        self.lines += 1;
        let place = format!("line {} of {}", self.lines, FILES.0);
        let (line, entry) = Line::read(bytes).map_err(|cause| unproven(format!("{place}: {cause}")))?;
        let index = line.index;
        let next = self.last.map_or(0, |last| last + 1);
        if self.edge.is_some() && index != next {
            return Err(unproven(format!("record {next} is not there: {place} is record {index}")));
        }
        if self.last.is_some_and(|last| index <= last) && self.edge.is_none() {
            return Err(unproven(format!("{place}: record {index} stands behind a later one")));
        }
        if line.previous != self.chain.last() {
            return Err(unproven(format!(
                "record {index}: the line before it is not the one that it was written behind"
            )));
        }
        self.chain.took(bytes);
        match &mut self.edge {
            Some(edge) => edge.push(Chain::leaf(&entry), &mut |_, _, _| {}),
            None => {
                let (leaf, way) = (Chain::leaf(&entry), hashes(&line.inclusion)?);
                let proven = merkle::check_inclusion(leaf, index, self.checkpoint.size, &way, self.checkpoint.root);
                proven.map_err(|e| unproven(format!("record {index} is not in the log: {e}")))?;
            }
        }
        self.last = Some(index);
        self.count(line, entry);
        Ok(())
    }

    fn count(&mut self, line: Line, entry: Entry) {
        let found = &mut self.checked;
        found.proven += line.salts.len() as u64;
        found.hidden += line.hidden.len() as u64;
        match (line.hole, line.text) {
            (Some(hole), _) => {
                *found.holes.entry(hole.why).or_default() += 1;
                self.holes.push((line.index, entry));
            }
            (None, text) if entry.kind.in_clear() => {
                found.in_clear += 1;
                let says = [kinds::SETTINGS, kinds::REDACTION].contains(&entry.kind.number);
                self.notes.extend(text.filter(|_| says).map(|text| (line.index, entry, text)));
            }
            _ => found.opened += 1,
        }
    }

    /// How many records that say nothing are explained by redactions that are here, by the authority that the first record names.
    fn explained(&self) -> Result<u64, AuditError> {
        let key = NoteKey::parse(&self.manifest.log_key).map_err(at("its key"))?;
        let first = self.notes.first().filter(|(index, ..)| *index == 0);
        let stored = |(_, entry, text): &(u64, Entry, String)| Stored {
            entry: entry.bytes().to_vec(),
            content: text.clone().into_bytes(),
        };
        let Some(settings) = first.map(stored).map(|first| bound(&first, &key)).transpose()?.flatten() else {
            return Ok(0);
        };
        let authorised = |(index, entry, text): &(u64, Entry, String)| {
            let is_one = entry.kind.number == kinds::REDACTION;
            let found = Redaction::authorised(text.as_bytes(), &settings.origin, &settings.officer).ok()?;
            (is_one && found.at == *index).then_some((*index, found))
        };
        let covers = Covers::of(&self.notes.iter().filter_map(authorised).collect::<Vec<_>>());
        let is_explained = |(index, entry): &&(u64, Entry)| {
            covers.record(*index).or_else(|| covers.expired(*index, entry.class, entry.day())).is_some()
        };
        Ok(self.holes.iter().filter(is_explained).count() as u64)
    }

    /// The lines ended. `files` are the digests of all other files, `anchors` what those of the manifest hold, `receipt` the one of the
    /// manifest, and `manifest` its bytes.
    ///
    /// # Errors
    /// [`AuditError::Unproven`].
    pub fn end(
        mut self,
        files: &BTreeMap<String, String>,
        anchors: &[Vec<u8>],
        (manifest, receipt): (&[u8], &[u8]),
        policy: Option<&Policy>,
    ) -> Result<Checked, AuditError> {
        self.is_whole()?;
        for (name, digest) in &self.manifest.files {
            match files.get(name) {
                None => return Err(unproven(format!("the file {name} is not there"))),
                Some(found) if found != digest => return Err(unproven(format!("the file {name} was changed"))),
                Some(_) => {}
            }
        }
        if let Some(name) = files.keys().find(|name| !self.manifest.files.contains_key(*name)) {
            return Err(unproven(format!("the file {name} is none of it")));
        }
        self.anchors(anchors, policy)?;
        self.is_of_the_log(manifest, receipt)?;
        self.checked.explained = self.explained()?;
        Ok(self.checked)
    }

    /// That all records are there, and are those of the checkpoint.
    fn is_whole(&self) -> Result<(), AuditError> {
        let (found, said) = (self.lines, self.manifest.records);
        if let (Some(range), Some(edge)) = (&self.manifest.range, &self.edge) {
            if edge.size() != range.end {
                return Err(unproven(format!("record {} is not there: the lines end before it", edge.size())));
            }
            let after = hash(&range.root_after)?;
            if edge.root() != after {
                let (first, last) = (range.first, range.end.saturating_sub(1));
                return Err(unproven(format!("the records {first} to {last} are not those of the log")));
            }
            let before = (range.first, hash(&range.root_before)?);
            let goes_on = merkle::check_consistency(before, (range.end, after), &hashes(&range.consistency)?);
            goes_on.map_err(at("its range"))?;
            let checkpoint = (self.checkpoint.size, self.checkpoint.root);
            let goes_on = merkle::check_consistency((range.end, after), checkpoint, &hashes(&range.to_checkpoint)?);
            goes_on.map_err(at("its range and its checkpoint"))?;
        }
        if found != said {
            return Err(unproven(format!("it has {found} records, and its manifest says {said}")));
        }
        if self.chain.last() != self.manifest.last_line {
            return Err(unproven("its last line is not the one that its manifest names"));
        }
        Ok(())
    }

    /// That a record of the log has the digest of the manifest.
    fn is_of_the_log(&self, manifest: &[u8], receipt: &[u8]) -> Result<(), AuditError> {
        let proof = Proof::parse(receipt).map_err(at(FILES.2))?;
        if proof.write().as_bytes() != receipt {
            return Err(unproven(format!("{} is not as it was written", FILES.2)));
        }
        let extra = proof.extra.as_deref().ok_or_else(|| unproven(format!("{} shows no record", FILES.2)))?;
        let (shown, entry) = Disclosure::check(extra)?;
        if shown.write() != extra {
            return Err(unproven(format!("{} is not as it was written", FILES.2)));
        }
        proof.check(Hash::of_entry(&shown.entry), &self.own).map_err(at(FILES.2))?;
        let said =
            |name: &str| shown.fields.iter().find(|field| field.name == name).and_then(|field| field.value.as_str());
        let digest = Digest::sha256(manifest).to_string();
        let is_it = said("digest") == Some(digest.as_str());
        match entry.kind.name == "exported"
            && said("target") == Some(&format!("export:{}", self.manifest.what))
            && is_it
        {
            true => Ok(()),
            false => Err(unproven(format!("{} was changed: the log has another digest of it", FILES.1))),
        }
    }

    /// That the checkpoint goes on from each anchor, and who saw one of them.
    fn anchors(&mut self, notes: &[Vec<u8>], policy: Option<&Policy>) -> Result<(), AuditError> {
        let mut seen: Option<(u64, Seen)> = None;
        let mut take = |note: &[u8], proof: Option<&[String]>, own: &Policy, to: &Checkpoint| {
            let note = Note::parse(note).map_err(at("an anchor"))?;
            let (checkpoint, _) = own.check(&note).map_err(at("an anchor"))?;
            if let Some(proof) = proof {
                let from = (checkpoint.size, checkpoint.root);
                let goes_on = merkle::check_consistency(from, (to.size, to.root), &hashes(proof)?);
                goes_on.map_err(at("an anchor and the checkpoint"))?;
            }
            let Some(policy) = policy else { return Ok::<(), AuditError>(()) };
            let (_, by) = policy.look(&note).map_err(at("an anchor"))?;
            if policy.is_met(&by) && seen.as_ref().is_none_or(|(size, _)| *size < checkpoint.size) {
                seen = Some((checkpoint.size, by));
            }
            Ok(())
        };
        let proofs = self.manifest.anchors.iter().map(|anchor| Some(anchor.consistency.as_slice()));
        for (note, proof) in notes.iter().zip(proofs) {
            take(note, proof, &self.own, &self.checkpoint)?;
        }
        take(self.manifest.checkpoint.as_bytes(), None, &self.own, &self.checkpoint)?;
        self.checked.seen = seen;
        match policy.is_some() && self.checked.seen.is_none() {
            true => Err(unproven("no checkpoint in it was seen by those whom the policy demands")),
            false => Ok(()),
        }
    }
}

impl Check {
    /// The digest of bytes, as the manifest has it.
    #[must_use]
    pub fn digest(bytes: &[u8]) -> String {
        use sha2::Digest as _;
        format!("sha256:{}", hex(&sha2::Sha256::digest(bytes)))
    }
}
