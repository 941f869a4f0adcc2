//! Subject arguments as people give them: names, globs, checksum files and lists, each read the same way by every command.

use crate::capture::input::files as hashing;
use crate::capture::{self, CaptureError, Environment};
use crate::cli::args::subject::{SubjectSpec, remark};
use crate::cli::exit::{Failure, codes};
use crate::evidence::{SHARED_BUNDLES, bundles_of, is_bundles, is_named_as_bundles, shared_bundles};
use crate::model::limits;
use crate::model::plural::counted;
use crate::places::files;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A subject, and what it is called.
#[derive(Clone, Debug)]
pub(in crate::cli) struct Named {
    /// As it was typed, or as a list calls it.
    pub(in crate::cli) name: String,
    pub(in crate::cli) spec: SubjectSpec,
    /// Whether its name chooses the folder that bundles are written to. Of what a list names, only what lies below the list's
    /// folder does: who writes a list must not choose where else this user writes.
    pub(in crate::cli) places: bool,
}

impl Named {
    /// What was typed.
    pub(in crate::cli) fn typed(name: &str, spec: SubjectSpec) -> Self {
        Self { name: name.to_owned(), spec, places: true }
    }

    /// The path of a file that bundles may be written beside.
    pub(in crate::cli) fn place(&self) -> Option<&PathBuf> {
        self.spec.path().filter(|_| self.places)
    }
}

/// How lists are read.
#[derive(Clone, Copy, Debug)]
pub(in crate::cli) struct Lists<'a> {
    /// Whose checkout they may lie in, where what they say is published: none is followed out of it.
    pub(in crate::cli) published: Option<&'a Environment>,
    /// How long a pipe, or standard input, is waited for.
    pub(in crate::cli) time: Duration,
    /// Whether a file of bundles that a glob matches is one of those that are looked for.
    pub(in crate::cli) with_bundles: bool,
}

/// What arguments stand for.
#[derive(Debug, Default)]
pub(in crate::cli) struct Expanded {
    /// Each subject, or why an argument names none.
    pub(in crate::cli) all: Vec<Result<Named, Failure>>,
    /// Checksum files that named subjects: bundles are beside them, too. For a list that names what lies elsewhere, a name in
    /// the working folder.
    pub(in crate::cli) lists: Vec<PathBuf>,
    /// What whoever typed them is told.
    pub(in crate::cli) notes: Vec<String>,
}

/// Reads arguments, and the list of them that `--subjects` names. `-` is a list on standard input; a glob stands for the
/// files that it matches, and a checksum file for what it lists, by digest. `file:PATH` is that very file.
///
/// # Errors
/// A list that cannot be read.
pub(in crate::cli) fn expand(typed: &[String], list: Option<&Path>, lists: Lists<'_>) -> Result<Expanded, Failure> {
    let mut out = Expanded::default();
    for text in typed {
        match text.as_str() {
            "-" => out.list(Path::new("-"), lists)?,
            text => out.argument(text, lists)?,
        }
    }
    if let Some(path) = list {
        out.list(path, lists)?;
    }
    if out.all.is_empty() {
        return Err(Failure::usage(codes::USAGE, "the list names no subject"));
    }
    Ok(out)
}

impl Expanded {
    fn argument(&mut self, text: &str, lists: Lists<'_>) -> Result<(), Failure> {
        self.notes.extend(remark(text));
        let spec = SubjectSpec::parse(text);
        if text.starts_with("file:") || text.starts_with("oci:") {
            self.all.push(spec.map(|spec| Named::typed(text, spec)));
            return Ok(());
        }
        if !matches!(spec, Ok(SubjectSpec::Image(_) | SubjectSpec::Digest { .. })) && is_glob(text)? {
            match hashing::expand(&[text.to_owned()], &files::working_folder()) {
                Ok(found) => self.matched(text, found, lists.with_bundles),
                // A bracket in a name that is no pattern.
                Err(CaptureError::Value { .. }) => self.all.push(spec.map(|spec| Named::typed(text, spec))),
                Err(e) => self.all.push(Err(e.into())),
            }
            return Ok(());
        }
        match spec {
            Ok(SubjectSpec::File(path)) if is_checksum_file(&path) && files::exists(&path)? => {
                self.checksums(&path, lists)?
            }
            spec => self.all.push(spec.map(|spec| Named::typed(text, spec))),
        }
        Ok(())
    }

    /// What a glob matched, but for the bundles that attest itself wrote beside it: they are evidence, and there is none of them.
    /// What has the name of one and holds something else is a subject like any other.
    fn matched(&mut self, glob: &str, found: Vec<PathBuf>, with_bundles: bool) {
        let (bundles, subjects): (Vec<_>, Vec<_>) = found.into_iter().partition(|path| is_bundle_file(path));
        // A glob of nothing else asks for the bundles themselves.
        let (bundles, subjects) =
            if with_bundles && subjects.is_empty() { (subjects, bundles) } else { (bundles, subjects) };
        if !bundles.is_empty() {
            let left_out = counted(bundles.len(), "file");
            self.notes
                .push(format!("`{glob}`: left out {left_out} of bundles; one that is named by itself is a subject"));
        }
        if subjects.is_empty() {
            self.all.push(Err(CaptureError::NothingMatches { pattern: glob.to_owned() }.into()));
        }
        self.all.extend(subjects.into_iter().map(|path| {
            let name = path.display().to_string();
            Ok(Named::typed(&name, SubjectSpec::File(path)))
        }));
    }

    /// A file in the form of `sha256sum`.
    fn checksums(&mut self, path: &Path, lists: Lists<'_>) -> Result<(), Failure> {
        let shown = path.display();
        let bytes = files::read_list(path, lists.published, limits::CHECKSUM_BYTES, lists.time)?;
        let read = capture::from_checksums(&shown.to_string(), &bytes).map_err(|e| {
            let mut failure = Failure::from(e);
            failure.message.push_str(&format!("; file:{shown} is the file itself"));
            failure
        })?;
        let (n, itself) = (read.subjects.len(), format!("file:{shown} would be the file itself"));
        self.notes.push(match n {
            1 => format!("the subject is the file that `{shown}` lists; {itself}"),
            n => format!("the subjects are the {n} files that `{shown}` lists; {itself}"),
        });
        self.passed_over(&shown.to_string(), read.passed_over);
        self.listed(read.subjects, path.parent().unwrap_or_else(|| Path::new("")));
        self.lists.push(path.to_owned());
        Ok(())
    }

    fn passed_over(&mut self, list: &str, lines: usize) {
        if lines > 0 {
            let lines = counted(lines, "line");
            self.notes.push(format!("`{list}`: passed over {lines} of algorithms by which nothing is proven"));
        }
    }

    /// What a list names lies below its folder.
    fn listed(&mut self, subjects: Vec<crate::model::Subject>, folder: &Path) {
        let here = |name: Option<&str>| name.is_some_and(|name| files::exists(&folder.join(name)).unwrap_or(true));
        let (all, absent) = (subjects.len(), subjects.iter().filter(|s| !here(s.descriptor().name())).count());
        if absent > 0 {
            self.notes
                .push(format!("{absent} of {all} listed files are not here: their listed digests stand for them"));
        }
        for subject in subjects {
            let name = subject.descriptor().name().unwrap_or_default().to_owned();
            let digest = subject.digest().strong().next();
            let path = folder.join(&name);
            let places = self.places(&path, folder);
            let spec = |digest| SubjectSpec::Digest { path: Some(path), digest };
            self.all.extend(digest.map(|digest| Ok(Named { name, spec: spec(digest), places })));
        }
    }

    /// Whether what a list names lies below the folder that it may name something in. Of one that does not, bundles are where
    /// those of a list in that folder would be.
    fn places(&mut self, path: &Path, folder: &Path) -> bool {
        let places = files::is_below(path, folder);
        let instead = folder.join(SHARED_BUNDLES);
        if !places && !self.lists.contains(&instead) {
            self.lists.push(instead);
        }
        places
    }

    /// A list of arguments, one per line; lines in the form of `sha256sum` count, too.
    fn list(&mut self, path: &Path, lists: Lists<'_>) -> Result<(), Failure> {
        let shown = path.display().to_string();
        let bytes = files::read_list(path, lists.published, limits::CHECKSUM_BYTES, lists.time)?;
        match capture::from_checksums(&shown, &bytes) {
            Ok(read) => {
                self.passed_over(&shown, read.passed_over);
                self.listed(read.subjects, Path::new(""));
                return Ok(());
            }
            // Line by line, it would be read all the same.
            Err(e @ CaptureError::TooLarge { .. }) => return Err(e.into()),
            Err(_) => {}
        }
        let text = std::str::from_utf8(&bytes).map_err(|_| {
            Failure::usage(codes::FILE_UNREADABLE, format!("the list of subjects `{shown}` is not UTF-8"))
        })?;
        for (number, line) in (1..).zip(text.lines()).filter(|(_, l)| !l.trim().is_empty() && !l.starts_with('#')) {
            if self.all.len() > limits::INPUT_SUBJECTS {
                let message = format!("`{shown}` names more than {} subjects", limits::INPUT_SUBJECTS);
                return Err(Failure::unknown(crate::model::code::LIMIT_EXCEEDED, message));
            }
            match capture::from_checksums(&shown, line.as_bytes()) {
                Ok(read) => self.listed(read.subjects, Path::new("")),
                Err(_) if line == "-" => {
                    return Err(Failure::usage(codes::USAGE, format!("`{shown}`: a list cannot name standard input")));
                }
                Err(_) => {
                    let (before, further) = (self.all.len(), self.lists.len());
                    self.argument(line, lists)?;
                    self.of_list(before, further);
                    // The list may be a link to a file that holds something else, a password for one: no line is quoted.
                    for failure in self.all[before..].iter_mut().filter_map(|named| named.as_mut().err()) {
                        failure.message = format!("line {number} of `{shown}` is no file that exists and no reference");
                    }
                }
            }
        }
        Ok(())
    }
}

impl Expanded {
    /// Subjects and checksum files that a line of a list named choose no folder above the working one.
    fn of_list(&mut self, subjects: usize, lists: usize) {
        let mut named = self.all.split_off(subjects);
        for path in self.lists.split_off(lists) {
            if self.places(&path, Path::new("")) {
                self.lists.push(path);
            }
        }
        for subject in named.iter_mut().filter_map(|named| named.as_mut().ok()) {
            if let Some(path) = subject.place().cloned() {
                subject.places = self.places(&path, Path::new(""));
            }
        }
        self.all.extend(named);
    }
}

/// Whether a file is one of bundles, by its name as `attest create` gives it and by what it holds.
fn is_bundle_file(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    is_named_as_bundles(&name) && files::read(path, limits::EVIDENCE_BYTES).is_ok_and(|bytes| is_bundles(&bytes))
}

/// Whether a text is a pattern, and no name of a file that is there.
fn is_glob(text: &str) -> Result<bool, Failure> {
    Ok(text.contains(['*', '?', '[']) && !files::exists(text.as_ref())?)
}

fn is_checksum_file(path: &Path) -> bool {
    path.file_name().and_then(|n| n.to_str()).is_some_and(capture::is_checksum_file)
}

/// Where the bundles of files may be.
#[derive(Clone, Debug)]
pub(in crate::cli) struct Around {
    base: PathBuf,
    shared: Option<PathBuf>,
}

impl Around {
    /// For subjects that are given together: where `attest create` of the same ones writes.
    pub(in crate::cli) fn of(expanded: &Expanded) -> Self {
        let base = files::working_folder();
        let paths = expanded.all.iter().filter_map(|n| n.as_ref().ok()?.place());
        let shared = Some(shared_bundles(paths.chain(&expanded.lists), &base));
        Self { base, shared }
    }

    /// For one alone.
    pub(in crate::cli) fn alone(spec: &SubjectSpec) -> Self {
        // A digest without a name has no folder of its own.
        let shared = matches!(spec, SubjectSpec::Digest { path: None, .. }).then(|| SHARED_BUNDLES.into());
        Self { base: files::working_folder(), shared }
    }

    /// Every file that may hold bundles of one of them.
    pub(in crate::cli) fn bundles(&self, file: Option<&Path>) -> Vec<PathBuf> {
        let mut out = file.map_or_else(Vec::new, |file| bundles_of(file, &self.base));
        out.extend(self.shared.clone());
        let mut seen = std::collections::BTreeSet::new();
        out.retain(|path| seen.insert(self.base.join(path)));
        out
    }
}
