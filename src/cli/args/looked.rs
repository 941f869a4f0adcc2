//! What there is about subjects, as it describes itself: found where `attest verify` of the same arguments looks. Nothing of it
//! is verified.

use crate::capture::input::files as hashing;
use crate::cli::args::demands::predicate_type;
use crate::cli::args::named::{Around, Lists, Named, expand};
use crate::cli::args::subject::SubjectSpec;
use crate::cli::args::target::{Resolved, apart, resolve_named};
use crate::cli::args::{Common, EvidenceArgs, given};
use crate::cli::exit::{Decided, Exit, Failure, Outcome, Purpose};
use crate::cli::ui::Ui;
use crate::evidence;
use crate::flow::{self, About, Claim, Found, Pieces};
use crate::model::plural::counted;
use crate::model::{Artifact, PredicateUri, Statement, limits};
use crate::places::files;
use crate::policy::{NO_ATTESTATION, NO_ATTESTATION_OF_FILE};
use crate::registry::Checked;
use crate::verify::{Candidate, Origin};
use clap::Args;
use futures_util::stream::{self, StreamExt as _};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Arguments of the commands that show what there is.
#[derive(Clone, Debug, Args)]
pub(in crate::cli) struct LookArgs {
    /// As for verify: REPOSITORY@sha256:DIGEST, REPOSITORY:TAG, oci:PATH[:TAG][@sha256:DIGEST], a file, a glob, a checksum file,
    /// sha256:DIGEST, NAME@sha256:DIGEST; - reads a list
    #[arg(value_name = "SUBJECT", required_unless_present = "list")]
    pub subjects: Vec<String>,
    /// File of further subjects, one per line, or as sha256sum writes them; - is standard input
    #[arg(id = "list", long = "subjects", value_name = "FILE")]
    pub list: Option<PathBuf>,
    /// Only those of this type: a URI, or a name such as provenance, approval, charter, slsaprovenance02, spdx, cyclonedx,
    /// vuln, openvex
    #[arg(long, value_name = "TYPE", value_parser = given)]
    pub predicate_type: Option<String>,
    #[command(flatten)]
    pub evidence: EvidenceArgs,
}

/// Which of it a command shows.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::cli) struct Wanted {
    /// An argument that is itself a bundle, a file of bundles or a statement is shown, and not what is beside it.
    pub(in crate::cli) documents: bool,
    /// What BuildKit keeps inside an index, signed by nobody.
    pub(in crate::cli) inside: bool,
}

/// What a subject is, as far as it is known without its attestations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli) enum Kind {
    /// A file, here or not.
    File,
    /// An image of a registry or layout.
    Image,
    /// A digest without a name.
    Digest,
}

/// What there is about some subjects.
#[derive(Debug, Default)]
pub(in crate::cli) struct Looked {
    /// Every subject that could be resolved, with all digests that were needed to tell.
    pub(in crate::cli) subjects: Vec<(Artifact, Kind)>,
    /// Each attestation once: what is about a subject, what supports that, and what could not be read.
    pub(in crate::cli) shown: Vec<Shown>,
    /// How many more there are that are about something else.
    pub(in crate::cli) others: usize,
    /// How many more there are of another predicate type than was asked for.
    other_types: usize,
    failures: Vec<Failure>,
}

/// An attestation that is shown.
#[derive(Debug)]
pub(in crate::cli) struct Shown {
    pub(in crate::cli) found: Found,
    /// Numbers of the subjects that it was found for; none of a document that was named itself.
    pub(in crate::cli) subjects: Vec<usize>,
    /// What it is about, seen from the subject that it is nearest to; nothing where there is none, or it could not be read.
    pub(in crate::cli) about: Option<About>,
}

/// One argument.
enum One {
    Document(Vec<Found>),
    Subject { resolved: Box<Resolved>, kind: Kind, candidates: Vec<Candidate>, inside: Vec<Found> },
}

/// Looks for what there is.
///
/// # Errors
/// Exit 1 or 3 where there is nothing, or nothing that can be read; [`Failure`] of what is no subject.
pub(in crate::cli) async fn look(args: &LookArgs, wanted: Wanted, common: &Common, ui: &Ui) -> Result<Looked, Failure> {
    let kind = args.predicate_type.as_deref().map(|t| predicate_type(Some(t))).transpose()?;
    let lists = Lists { published: None, time: common.timeout, with_bundles: true };
    let subjects = expand(&args.subjects, args.list.as_deref(), lists)?;
    let around = Around::of(&subjects);
    subjects.notes.iter().for_each(|text| ui.note(text));
    let asked = subjects.all.into_iter().map(|named| one(named, &around, &args.evidence, wanted, common));
    let asked: Vec<_> = asked.collect();
    let mut answers = stream::iter(asked).buffered(limits::PARALLEL_FETCHES);
    let (mut looked, mut pieces) = (Looked::default(), Pieces::default());
    let mut about: BTreeMap<usize, Vec<(Option<usize>, About)>> = BTreeMap::new();
    while let Some(answer) = answers.next().await {
        match answer {
            Ok(One::Document(found)) => {
                for found in found {
                    about.entry(pieces.push(found)).or_default().push((None, About::Subject));
                }
            }
            Ok(One::Subject { resolved, kind, candidates, inside }) => {
                resolved.warn_of_tag(ui);
                let number = looked.subjects.len();
                let inside: Vec<_> = inside.into_iter().map(|found| pieces.push(found)).collect();
                let own: Vec<_> = candidates.into_iter().map(|c| pieces.add(c)).collect();
                let (artifact, judged) = judged(&resolved, &pieces, &own).await?;
                for (piece, what) in judged.into_iter().chain(inside.into_iter().map(|n| (n, About::Listed))) {
                    about.entry(piece).or_default().push((Some(number), what));
                }
                looked.subjects.push((artifact, kind));
            }
            Err(failure) => looked.failures.push(failure),
        }
    }
    looked.take(pieces, about, kind.as_ref());
    looked.something()
}

async fn one(
    named: Result<Named, Failure>,
    around: &Around,
    evidence: &EvidenceArgs,
    wanted: Wanted,
    common: &Common,
) -> Result<One, Failure> {
    let named = named?;
    if let (true, SubjectSpec::File(path)) = (wanted.documents, &named.spec)
        && let Some(found) = document(path)
    {
        return Ok(One::Document(found));
    }
    let resolved = resolve_named(&named, around, common, evidence, false).await?;
    let mut candidates = Vec::new();
    for source in resolved.sources() {
        candidates.extend(source.candidates(&resolved.artifact).await);
    }
    let inside = match resolved.subject.as_deref().filter(|_| wanted.inside) {
        Some(registry) => unsigned(&Checked::new(registry), &named, &resolved).await,
        None => Vec::new(),
    };
    let kind = match &named.spec {
        SubjectSpec::Image(_) | SubjectSpec::Layout { .. } => Kind::Image,
        SubjectSpec::Digest { path: None, .. } => Kind::Digest,
        SubjectSpec::File(_) | SubjectSpec::Digest { .. } => Kind::File,
    };
    Ok(One::Subject { resolved: Box::new(resolved), kind, candidates, inside })
}

/// What BuildKit keeps about a subject: inside an index, or beside an image of an index: the one that the tag before its digest
/// names, and those that the repository or layout lists. Nobody has signed it, so what cannot be asked for is left out.
async fn unsigned(content: &Checked<'_>, named: &Named, resolved: &Resolved) -> Vec<Found> {
    let image = &resolved.artifact.digest;
    if let Some(inside) = flow::look_inside(content, &resolved.artifact).await {
        return inside;
    }
    let tag = match &named.spec {
        SubjectSpec::Image(reference) if reference.digest().is_some() => reference.tag(),
        _ => None,
    };
    let tagged = match tag {
        Some(tag) => content.resolve(tag).await.ok().flatten().map(|d| d.digest),
        None => None,
    };
    let listed = content.indexes().await.unwrap_or_default();
    let (mut seen, mut found) = (BTreeSet::from([image.to_string()]), Vec::new());
    for index in tagged.into_iter().chain(listed) {
        if seen.insert(index.to_string()) {
            found.extend(flow::look_beside(content, &index, image).await);
        }
    }
    found
}

/// A file that is itself a bundle, several of them, an envelope or a statement.
fn document(path: &Path) -> Option<Vec<Found>> {
    let is_list = path.extension().is_some_and(|e| e == "jsonl");
    let bytes = files::read(path, if is_list { limits::EVIDENCE_BYTES } else { limits::BUNDLE_BYTES }).ok()?;
    if let Ok(statement) = Statement::parse(&bytes) {
        let origin = Origin { place: path.display().to_string(), id: String::new() };
        return Some(vec![Found { origin, claim: Ok(Claim::unsigned(statement, &bytes)), bytes }]);
    }
    let found: Vec<_> = evidence::candidates_of(path, &bytes).into_iter().map(Found::read).collect();
    found.iter().any(|f| f.claim.is_ok()).then_some(found)
}

/// What there is about one subject that was resolved, and how many pieces are about something else.
///
/// # Errors
/// That further digests of it could not be had.
pub(in crate::cli) async fn about_one(resolved: &Resolved) -> Result<(Vec<Found>, usize), Failure> {
    let (mut pieces, mut own) = (Pieces::default(), Vec::new());
    for source in resolved.sources() {
        own.extend(source.candidates(&resolved.artifact).await.into_iter().map(|c| pieces.add(c)));
    }
    let (_, judged) = judged(resolved, &pieces, &own).await?;
    let others: Vec<_> = judged.iter().filter(|(_, about)| *about == About::Other).map(|(n, _)| *n).collect();
    let all = pieces.into_all().into_iter().enumerate();
    let found = all.filter(|(n, _)| !others.contains(n)).map(|(_, found)| found).collect();
    Ok((found, others.len()))
}

/// What each piece is about, seen from a subject; with further digests of it, where that cannot be told without.
async fn judged(
    resolved: &Resolved,
    pieces: &Pieces,
    own: &[usize],
) -> Result<(Artifact, Vec<(usize, About)>), Failure> {
    let mut artifact = resolved.artifact.clone();
    let claims = || own.iter().filter_map(|n| pieces.get(*n).claim.as_ref().ok());
    if claims().any(|c| c.about(&artifact) == About::Unclear) {
        artifact = further(resolved, &artifact).await?.unwrap_or(artifact);
    }
    let about = |n: &usize| pieces.get(*n).claim.as_ref().map_or(About::Subject, |c| c.about(&artifact));
    let mut judged: Vec<_> = own.iter().map(|n| (*n, about(n))).collect();
    if resolved.subject.is_none() {
        // Several files share a file of bundles: what supports one says nothing of the others.
        let of_subject = judged.iter().filter(|(_, about)| *about == About::Subject);
        let of_subject: Vec<_> = of_subject.filter_map(|(n, _)| pieces.get(*n).claim.as_ref().ok()).collect();
        for (n, about) in judged.iter_mut().filter(|(_, about)| *about == About::Support) {
            let support = pieces.get(*n).claim.as_ref();
            if !support.is_ok_and(|support| of_subject.iter().any(|c| c.names_subject_of(support))) {
                *about = About::Other;
            }
        }
    }
    Ok((artifact, judged))
}

/// The artifact with all its digests, where its bytes can be had.
async fn further(resolved: &Resolved, artifact: &Artifact) -> Result<Option<Artifact>, Failure> {
    if let Some(path) = resolved.path.clone() {
        let digests = apart(move || hashing::strong_digests(&path, &|| true)).await?;
        return Ok(digests.and_then(|digests| artifact.clone().with_set(&digests)));
    }
    let Some(registry) = &resolved.subject else { return Ok(None) };
    let served = Checked::new(registry.as_ref()).need_manifest(&artifact.digest).await;
    Ok(served.ok().and_then(|served| artifact.clone().with_bytes(&served.bytes)))
}

impl Looked {
    /// Sorts what was found into what is shown and what is only counted.
    fn take(
        &mut self,
        pieces: Pieces,
        mut about: BTreeMap<usize, Vec<(Option<usize>, About)>>,
        kind: Option<&PredicateUri>,
    ) {
        for (number, found) in pieces.into_all().into_iter().enumerate() {
            let mut seen = about.remove(&number).unwrap_or_default();
            seen.retain(|(_, about)| *about != About::Other);
            let nearest = seen.iter().map(|(_, about)| *about).min();
            let of_type = found.claim.as_ref().map_or(true, |c| kind.is_none_or(|k| c.statement.predicate_type() == k));
            match nearest {
                None => self.others += 1,
                Some(_) if !of_type => self.other_types += 1,
                Some(nearest) => {
                    let subjects: Vec<_> = seen.iter().filter_map(|(subject, _)| *subject).collect();
                    let about = Some(nearest).filter(|_| found.claim.is_ok() && !subjects.is_empty());
                    self.shown.push(Shown { found, subjects, about });
                }
            }
        }
    }

    /// What was left out, if anything was.
    #[must_use]
    pub(in crate::cli) fn left_out(&self) -> Option<String> {
        let verb = |n: usize, one: &str, many: &str| if n == 1 { one.to_owned() } else { many.to_owned() };
        let others = (self.others > 0).then(|| {
            format!("{} {} about something else", counted(self.others, "attestation"), verb(self.others, "is", "are"))
        });
        let types = (self.other_types > 0)
            .then(|| format!("{} of another predicate type", counted(self.other_types, "attestation")));
        let all: Vec<_> = others.into_iter().chain(types).collect();
        (!all.is_empty()).then(|| all.join(", "))
    }

    /// Whether anything about a subject can be read.
    fn is_about(&self, subject: usize) -> bool {
        self.shown.iter().any(|s| s.found.claim.is_ok() && s.subjects.contains(&subject))
    }

    fn something(self) -> Result<Self, Failure> {
        if self.shown.iter().any(|s| s.found.claim.is_ok()) {
            return Ok(self);
        }
        if !self.failures.is_empty() {
            return Err(Failure::together(self.failures));
        }
        let what = self.names((0..self.subjects.len()).collect());
        let unreadable = self.shown.iter().find_map(|s| s.found.claim.as_ref().err());
        Err(match unreadable {
            Some(e) => Failure::unknown(evidence::UNREADABLE, format!("no attestation of {what} could be read: {e}")),
            None => {
                let left_out = self.left_out().map(|t| format!("; {t}")).unwrap_or_default();
                let failure = Failure::no(NO_ATTESTATION, format!("no attestation of {what} was found{left_out}"));
                Failure { hint: self.hint((0..self.subjects.len()).collect::<Vec<_>>().as_slice()), ..failure }
            }
        })
    }

    /// What to do where none of these has an attestation and all are files.
    fn hint(&self, which: &[usize]) -> Option<&'static str> {
        which.iter().all(|n| self.subjects[*n].1 != Kind::Image).then_some(NO_ATTESTATION_OF_FILE)
    }

    /// Subjects by name, of one alone with its digest.
    fn names(&self, which: Vec<usize>) -> String {
        let name = |n: &usize| self.subjects[*n].0.name.clone();
        match which.as_slice() {
            [one] => match (name(one), self.subjects[*one].0.digest.to_string()) {
                (name, digest) if name.contains(&digest) => name,
                (name, digest) => format!("`{name}` ({digest})"),
            },
            many if many.len() > NAMED => {
                let some: Vec<_> = many.iter().take(NAMED).map(name).collect();
                format!("{} subjects ({}, ...)", many.len(), some.join(", "))
            }
            many => many.iter().map(|n| format!("`{}`", name(n))).collect::<Vec<_>>().join(", "),
        }
    }

    /// Ends the command: with what it prints, and what is to be said of subjects about which there is nothing.
    ///
    /// # Errors
    /// That an argument names no subject, beside what there is about the others.
    pub(in crate::cli) fn end(self, printed: Vec<u8>, is_json: bool, ui: &Ui) -> Result<Outcome, Failure> {
        if !self.failures.is_empty() {
            let mut failure = Failure::together(self.failures);
            let text = (!is_json).then(|| String::from_utf8_lossy(&printed).into_owned());
            failure.decided = text.map(|text| Box::new(Decided::Text(text)));
            return Err(failure);
        }
        let without: Vec<_> = (0..self.subjects.len()).filter(|n| !self.is_about(*n)).collect();
        if without.is_empty() {
            return Ok(Outcome::done(printed));
        }
        let unreadable = self.shown.iter().any(|s| without.iter().any(|n| s.subjects.contains(n)));
        ui.suggest(self.hint(&without).unwrap_or_else(|| NO_ATTESTATION.todo()));
        ui.note(&format!("there is no attestation of {} that can be read", self.names(without)));
        Ok(Outcome { stdout: printed, exit: if unreadable { Exit::Unknown } else { Exit::No }, purpose: Purpose::Data })
    }
}

/// How many subjects a message names.
const NAMED: usize = 4;
