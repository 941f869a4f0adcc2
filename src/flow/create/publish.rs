//! Signing what was made, and putting it where it goes; what an outage keeps back waits in the outbox.

use super::{Caller, CreateError, Created, Image, Kept, Plan, Signed, Subjects, agrees, agrees_beforehand};
use crate::evidence::{own_bundle, shared_bundles};
use crate::flow::{Attached, Signing, Unsigned, attach};
use crate::model::{Digest, PredicateUri, Timestamp, json, limits, uri};
use crate::outbox::{Context, Destination, Entry, Waiting};
use crate::predicate::field;
use crate::registry::RegistryEvidence;
use crate::verify::{Candidate, Content, EvidenceSource as _, in_toto_envelope, read_evidence};
use std::path::{Path, PathBuf};

/// The file that bundles are written to, if they are.
pub(super) fn output(plan: &Plan<'_>, subjects: &Subjects) -> Result<Option<PathBuf>, CreateError> {
    let default = match (subjects.paths.as_slice(), subjects.lists.as_slice()) {
        _ if subjects.files.is_empty() => None,
        ([one], []) if subjects.files.len() == 1 && !plan.attach_charter => Some(own_bundle(one)),
        (paths, lists) => Some(shared_bundles(paths.iter().chain(lists), &plan.env.working_dir)),
    };
    let output = plan.places.output.clone().or(default);
    if plan.places.attach_nothing && output.is_none() {
        return Err(CreateError::Nowhere);
    }
    Ok(output)
}

/// One run of a plan, from signing on.
pub(super) struct Run<'a, C: Caller> {
    plan: &'a Plan<'a>,
    caller: &'a C,
    subjects: &'a Subjects,
    output: Option<PathBuf>,
    /// What was made so far.
    pub(super) made: Created<C::Error>,
}

impl<'a, C: Caller> Run<'a, C> {
    pub(super) fn new(plan: &'a Plan<'a>, caller: &'a C, subjects: &'a Subjects, output: Option<PathBuf>) -> Self {
        let made = Created {
            key_id: None,
            signer: None,
            signed: Vec::new(),
            output: None,
            beside_others: false,
            attached: Vec::new(),
            kept: Vec::new(),
            failed: None,
        };
        Self { plan, caller, subjects, output, made }
    }

    /// Signs one statement, or keeps it for later where that could not be done now.
    ///
    /// # Errors
    /// Where it is not to be signed, or nothing keeps it.
    pub(super) async fn sign(
        &mut self,
        statement: Unsigned,
        signing: &Result<Signing, C::Error>,
        builder_is_open: bool,
    ) -> Result<(), C::Error> {
        let note = |text: &str| self.caller.note(text);
        let read = signing.as_ref().ok().and_then(|s| s.certificate.as_ref()).filter(|_| self.plan.given.is_none());
        if let Some(certificate) = read {
            agrees_beforehand(&statement, certificate, &note)?;
        }
        let signed = match signing {
            Ok(signing) => {
                signing.sign(&statement, &|| self.caller.now()).await.map_err(|e| CreateError::from(e).into())
            }
            Err(error) => Err(error.clone()),
        };
        match signed {
            Ok((bundle, signer)) => {
                if self.plan.given.is_none() && read.is_none() {
                    agrees(&statement, &signer, &note)?;
                }
                self.made.signer = Some(signer);
                self.made.signed.push(Signed { statement, bundle, already: false });
                Ok(())
            }
            // Only what could not be found out may end otherwise later.
            Err(error) if !C::is_outage(&error) => Err(error),
            Err(error) => {
                let open =
                    builder_is_open && *statement.statement().predicate_type() == PredicateUri::slsa_provenance();
                let Context { run, signer } = &self.plan.context;
                let signer = signing.as_ref().ok().and_then(|s| s.names.last()).unwrap_or(signer).clone();
                let destinations = self.destinations(&statement);
                let waiting = Waiting::Unsigned {
                    statement: statement.bytes().to_vec(),
                    context: Context { run: run.clone(), signer },
                    builder_is_open: open,
                };
                self.keep(Entry { waiting, destinations }, error)
            }
        }
    }

    /// Publishes what was signed. Where a statement could not be signed none is, and each is kept for later.
    pub(super) async fn publish(&mut self, signing: &Result<Signing, C::Error>) {
        if let Some(error) = self.made.failed.clone() {
            for signed in std::mem::take(&mut self.made.signed) {
                let destinations = self.destinations(&signed.statement);
                self.keep_bundle(&signed.bundle, destinations, error.clone());
                self.made.signed.push(signed);
            }
            return;
        }
        self.write(signing);
        for image in &self.subjects.images {
            for at in 0..self.made.signed.len() {
                let Signed { statement, bundle, .. } = &self.made.signed[at];
                if !self.is_for(statement, image) {
                    continue;
                }
                if let Some(referrer) = said_before(image, self.made.signed.get(at), signing, self.caller.now()).await {
                    let done = Attached { referrer, already: true };
                    self.made.attached.push((image.artifact.digest.clone(), image.store.place(), done));
                    continue;
                }
                let now = self.caller.now();
                match attach(image.subject.as_ref(), image.store.as_ref(), &image.artifact, bundle, now).await {
                    Ok(done) => self.made.attached.push((image.artifact.digest.clone(), image.store.place(), done)),
                    Err(e) => {
                        let (bundle, place) = (bundle.clone(), self.place(image));
                        self.keep_bundle(&bundle, vec![place], CreateError::from(e).into());
                    }
                }
            }
        }
    }

    /// Writes the file that was named, or adds to those beside the files.
    fn write(&mut self, signing: &Result<Signing, C::Error>) {
        let Some(path) = self.output.clone().filter(|_| !self.made.signed.is_empty()) else { return };
        let mut signed = std::mem::take(&mut self.made.signed);
        let written = match &self.plan.places.output {
            Some(_) => {
                let lines: Vec<_> = signed.iter().flat_map(|s| [s.bundle.as_slice(), b"\n"]).collect();
                self.caller.write(&path, &lines.concat())
            }
            None => self.add(&path, &mut signed, signing),
        };
        match written {
            Ok(()) => {
                self.made.output.get_or_insert(path);
            }
            Err(error) => {
                for Signed { bundle, .. } in &signed {
                    self.keep_bundle(bundle, vec![self.file(&path)], error.clone());
                }
            }
        }
        self.made.signed = signed;
    }

    /// Adds the bundles to those of before, but for what the same signer has said there already.
    fn add(&mut self, path: &Path, signed: &mut [Signed], signing: &Result<Signing, C::Error>) -> Result<(), C::Error> {
        let now = self.caller.now();
        let same = |there: &[u8], new: &[u8]| {
            let of = signed.iter().find(|s| s.bundle == new).map(|s| &s.statement);
            of.zip(signing.as_ref().ok()).is_some_and(|(statement, signing)| {
                says_the_same(there, new, statement) && signing.has_signed(statement, there, new, now)
            })
        };
        let bundles: Vec<_> = signed.iter().map(|s| s.bundle.as_slice()).collect();
        let added = self.caller.add(path, &bundles, &same)?;
        for (signed, added) in signed.iter_mut().zip(&added) {
            signed.already = added.already;
        }
        self.made.beside_others = added.first().is_some_and(|a| a.beside_others);
        // All of several statements go to one file; of one alone this says to which.
        self.made.output = added.into_iter().next_back().map(|a| a.path);
        Ok(())
    }

    /// Whether a bundle of the statement is attached to the image.
    fn is_for(&self, statement: &Unsigned, image: &Image) -> bool {
        let statement = statement.statement();
        let beside = statement.predicate_type().as_str() == uri::CHARTER && self.plan.attach_charter;
        let named = || statement.subjects().iter().any(|s| s.digest().strong().any(|d| d == image.artifact.digest));
        !self.plan.places.attach_nothing && (beside || named())
    }

    fn destinations(&self, statement: &Unsigned) -> Vec<Destination> {
        let file = self.output.as_deref().map(|path| self.file(path));
        let images = self.subjects.images.iter().filter(|i| self.is_for(statement, i)).map(|i| self.place(i));
        file.into_iter().chain(images).collect()
    }

    fn place(&self, image: &Image) -> Destination {
        let subject = format!("{}@{}", image.artifact.scope, image.artifact.digest);
        Destination::Image { subject, store: self.plan.places.store.clone() }
    }

    fn file(&self, path: &Path) -> Destination {
        Destination::File { path: self.plan.env.working_dir.join(path).display().to_string() }
    }

    /// Keeps a bundle that could not be published, whatever the reason: it may be in a log, and is not made again.
    fn keep_bundle(&mut self, bundle: &[u8], destinations: Vec<Destination>, error: C::Error) {
        let waiting = Waiting::Signed { bundle: bundle.to_vec(), made_from: None };
        if let Err(error) = self.keep(Entry { waiting, destinations }, error) {
            self.made.failed.get_or_insert(error);
        }
    }

    fn keep(&mut self, entry: Entry, cause: C::Error) -> Result<(), C::Error> {
        let Some(kept) = self.caller.keep(&entry) else { return Err(cause) };
        let digest = kept?;
        let unsigned = matches!(entry.waiting, Waiting::Unsigned { .. });
        let file = entry.destinations.into_iter().find_map(|d| match d {
            Destination::File { path } => Some(PathBuf::from(path)),
            Destination::Image { .. } => None,
        });
        self.made.kept.push(Kept { digest, unsigned, file, cause });
        Ok(())
    }
}

/// The referrer by which the same signer has said the same of the image before. What cannot be looked at has not been said.
async fn said_before<E>(
    image: &Image,
    signed: Option<&Signed>,
    signing: &Result<Signing, E>,
    now: Timestamp,
) -> Option<Digest> {
    let (Signed { statement, bundle, .. }, signing) = signed.zip(signing.as_ref().ok())?;
    let there = RegistryEvidence::new(image.store.as_ref()).candidates(&image.artifact).await;
    let same = |c: &Candidate| match &c.content {
        Content::Evidence(there) => {
            says_the_same(there, bundle, statement) && signing.has_signed(statement, there, bundle, now)
        }
        _ => false,
    };
    there.iter().filter(|c| same(c)).find_map(|c| Digest::parse(&c.origin.id).ok())
}

/// Whether a bundle that is there is about the same statement, to the byte but for when it was captured, and has no fewer log
/// entries and timestamps than the new one. Nothing is verified by this.
fn says_the_same(there: &[u8], new: &[u8], statement: &Unsigned) -> bool {
    let (Ok(there), Ok(new)) = (read_evidence(there), read_evidence(new)) else { return false };
    let payload = in_toto_envelope(&there).is_ok_and(|e| is_same_but_for_when(e.payload(), statement.bytes()));
    payload
        && there.log_entries().len() >= new.log_entries().len()
        && there.timestamps().len() >= new.timestamps().len()
}

/// Whether two statements are one, but for `internalParameters.capturedAt`.
fn is_same_but_for_when(there: &[u8], new: &[u8]) -> bool {
    let without = |bytes: &[u8]| {
        let mut value = json::parse(bytes, limits::STATEMENT_BYTES).ok()?;
        let internal = value.pointer_mut("/predicate/buildDefinition/internalParameters")?.as_object_mut()?;
        internal.remove(field::CAPTURED_AT.path.rsplit('.').next()?)?;
        Some(value)
    };
    // A time has as many characters as another.
    there == new
        || there.len() == new.len() && without(there).zip(without(new)).is_some_and(|(there, new)| there == new)
}
