//! Subject arguments as people give them: names, globs, checksum files and lists, each read the same way by every command.

use crate::capture::input::files as hashing;
use crate::capture::{self, CaptureError};
use crate::cli::args::subject::{SubjectSpec, remark};
use crate::cli::exit::{Failure, codes};
use crate::evidence::{SHARED_BUNDLES, bundles_of, shared_bundles};
use crate::model::limits;
use crate::model::plural::counted;
use crate::places::files;
use std::path::{Path, PathBuf};

/// A subject, and what it is called.
#[derive(Clone, Debug)]
pub(in crate::cli) struct Named {
    /// As it was typed, or as a list calls it.
    pub(in crate::cli) name: String,
    pub(in crate::cli) spec: SubjectSpec,
}

/// What arguments stand for.
#[derive(Debug, Default)]
pub(in crate::cli) struct Expanded {
    /// Each subject, or why an argument names none.
    pub(in crate::cli) all: Vec<Result<Named, Failure>>,
    /// Checksum files that named subjects: bundles are beside them, too.
    pub(in crate::cli) lists: Vec<PathBuf>,
    /// What whoever typed them is told.
    pub(in crate::cli) notes: Vec<String>,
}

/// Reads arguments, and the list of them that `--subjects` names. `-` is a list on standard input; a glob stands for the
/// files that it matches, and a checksum file for what it lists, by digest. `file:PATH` is that very file.
///
/// # Errors
/// A list that cannot be read.
pub(in crate::cli) fn expand(typed: &[String], list: Option<&Path>) -> Result<Expanded, Failure> {
    let mut out = Expanded::default();
    for text in typed {
        match text.as_str() {
            "-" => out.list(Path::new("-"))?,
            text => out.argument(text)?,
        }
    }
    if let Some(path) = list {
        out.list(path)?;
    }
    if out.all.is_empty() {
        return Err(Failure::usage(codes::USAGE, "the list names no subject"));
    }
    Ok(out)
}

impl Expanded {
    fn argument(&mut self, text: &str) -> Result<(), Failure> {
        self.notes.extend(remark(text));
        let spec = SubjectSpec::parse(text);
        if text.starts_with("file:") || text.starts_with("oci:") {
            self.all.push(spec.map(|spec| Named { name: text.to_owned(), spec }));
            return Ok(());
        }
        if !matches!(spec, Ok(SubjectSpec::Image(_) | SubjectSpec::Digest { .. })) && is_glob(text)? {
            match hashing::expand(&[text.to_owned()], &files::working_folder()) {
                Ok(found) => self.all.extend(found.into_iter().map(|path| {
                    let name = path.display().to_string();
                    Ok(Named { name, spec: SubjectSpec::File(path) })
                })),
                // A bracket in a name that is no pattern.
                Err(CaptureError::Value { .. }) => {
                    self.all.push(spec.map(|spec| Named { name: text.to_owned(), spec }))
                }
                Err(e) => self.all.push(Err(e.into())),
            }
            return Ok(());
        }
        match spec {
            Ok(SubjectSpec::File(path)) if is_checksum_file(&path) && files::exists(&path)? => self.checksums(&path)?,
            spec => self.all.push(spec.map(|spec| Named { name: text.to_owned(), spec })),
        }
        Ok(())
    }

    /// A file in the form of `sha256sum`.
    fn checksums(&mut self, path: &Path) -> Result<(), Failure> {
        let shown = path.display();
        let bytes = files::read(path, limits::CHECKSUM_BYTES)?;
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
            let path = Some(folder.join(&name));
            self.all.extend(digest.map(|digest| Ok(Named { name, spec: SubjectSpec::Digest { path, digest } })));
        }
    }

    /// A list of arguments, one per line; lines in the form of `sha256sum` count, too.
    fn list(&mut self, path: &Path) -> Result<(), Failure> {
        let shown = path.display().to_string();
        let bytes = files::read(path, limits::CHECKSUM_BYTES)?;
        if let Ok(read) = capture::from_checksums(&shown, &bytes) {
            self.passed_over(&shown, read.passed_over);
            self.listed(read.subjects, Path::new(""));
            return Ok(());
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
                    let before = self.all.len();
                    self.argument(line)?;
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
        let paths = expanded.all.iter().filter_map(|n| n.as_ref().ok()?.spec.path());
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
