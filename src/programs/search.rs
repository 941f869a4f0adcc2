#![expect(clippy::disallowed_methods, reason = "back end: looks where programs lie, and where links lead")]
//! Where programs are looked for: the absolute folders of a search path, without what lies in the checkout.

use super::named::{files, values};
use super::{NamedFile, ProgramError, StoredFile};
use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Component, Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

/// Links on the way to one file, as the kernel counts them.
const LINKS: usize = 40;
/// Scripts whose interpreter is a script, as the kernel counts them.
const INTERPRETERS: usize = 4;
/// The first line of a script, as far as the kernel reads it (bytes).
const FIRST_LINE: u64 = 256;

/// Where programs are looked for.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Search(Arc<Places>);

#[derive(Default, PartialEq, Eq)]
struct Places {
    folders: Vec<PathBuf>,
    checkout: Option<PathBuf>,
    working_dir: PathBuf,
}

impl std::fmt::Debug for Search {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Search").field("folders", &self.0.folders).field("checkout", &self.0.checkout).finish()
    }
}

/// A program that was found, and what interprets it if it is a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// What it is called by: the name that it sees.
    name: OsString,
    file: StoredFile,
    interpreters: Vec<Interpreter>,
    /// What its first line names besides: with `#!/bin/sh /x/script`, that script is what runs.
    named: Named,
    search: Search,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Interpreter {
    program: Program,
    /// The name by which `env` looks for it each time.
    looked_up: Option<String>,
}

/// What words that a program is started with may name: files, and programs that it looks for itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Named {
    files: Vec<NamedFile>,
    programs: Vec<NamedProgram>,
}

/// A word that is the name of a program in the search path, or could become one: `env`, `nice` or `sudo` run what comes
/// first there by the time they are started.
#[derive(Clone, Debug, PartialEq, Eq)]
struct NamedProgram {
    name: String,
    /// Where it was, and what, where this user may read it.
    was: Option<(PathBuf, Option<Program>)>,
}

impl Named {
    /// What the words name now; `depth` counts programs whose first lines name programs.
    ///
    /// # Errors
    /// [`ProgramError::TooLarge`].
    pub(super) fn remember(words: &[String], search: &Search, depth: usize) -> Result<Self, ProgramError> {
        let mut named = Self { files: files(words, &search.0.working_dir)?, programs: Vec::new() };
        let values: Vec<&str> = words.iter().flat_map(|w| values(w)).filter(|v| !v.is_empty()).collect();
        // A wrapper may be told where to look (`env PATH=FOLDER`), or to change to a folder first (`env -C FOLDER`).
        let folders: Vec<_> = named.files.iter().filter_map(NamedFile::folder).map(Path::to_owned).collect();
        for inner in folders.iter().flat_map(|f| values.iter().map(|v| f.join(v))) {
            named.keep(NamedFile::remember(inner)?);
        }
        for name in values.into_iter().filter(|v| !v.contains('/')) {
            named.programs.push(NamedProgram { name: name.to_owned(), was: search.looked_up(name, depth)? });
        }
        Ok(named)
    }

    fn keep(&mut self, file: NamedFile) {
        if !self.files.contains(&file) {
            self.files.push(file);
        }
    }

    /// That nothing of it lies in the checkout: a script, a module or a configuration there would say what is signed.
    ///
    /// # Errors
    /// [`ProgramError::InCheckout`].
    pub(super) fn outside(self, search: &Search) -> Result<Self, ProgramError> {
        self.files.iter().filter(|f| f.was_there()).try_for_each(|f| search.outside(f.path()))?;
        Ok(self)
    }

    /// That all of it is what it was.
    ///
    /// # Errors
    /// [`ProgramError::Changed`].
    pub(super) fn unchanged(&self, search: &Search) -> Result<(), ProgramError> {
        self.files.iter().try_for_each(NamedFile::unchanged)?;
        self.programs.iter().try_for_each(|p| p.unchanged(search))
    }
}

impl NamedProgram {
    fn unchanged(&self, search: &Search) -> Result<(), ProgramError> {
        let now = search.looked_up_path(&self.name);
        let was = self.was.as_ref().map(|(path, _)| path.clone());
        if now != was {
            let shown = |p: Option<PathBuf>| p.map_or_else(|| "nothing".to_owned(), |p| format!("`{}`", p.display()));
            return Err(ProgramError::Changed { path: self.name.clone(), expected: shown(was), found: shown(now) });
        }
        self.was.iter().filter_map(|(_, program)| program.as_ref()).try_for_each(Program::unchanged)
    }
}

impl Search {
    /// In the folders of `path` (the variable `PATH`), for a process in `working_dir`. Folders that are relative, that are
    /// not there (so that a build step could make them), or that lie in the checkout never count.
    #[must_use]
    pub fn new(path: Option<&OsStr>, working_dir: &Path, home: Option<&Path>) -> Self {
        let checkout = checkout(working_dir, home);
        let mut places = Places { folders: Vec::new(), checkout, working_dir: working_dir.to_owned() };
        let folders = path.map(std::env::split_paths).into_iter().flatten();
        places.folders = folders.filter(|p| p.is_absolute() && places.walk(p).is_ok()).collect();
        Self(Arc::new(places))
    }

    /// The folder that counts as the checkout, by its real path: whose content anybody may have written.
    #[must_use]
    pub fn checkout(&self) -> Option<&Path> {
        self.0.checkout.as_deref()
    }

    /// What is left of the search path, for a process that we start.
    #[must_use]
    pub fn path(&self) -> OsString {
        // They came out of such a list, so none holds a separator.
        std::env::join_paths(&self.0.folders).unwrap_or_default()
    }

    /// Finds a program: by its path where the name has a `/`, else in the search path.
    ///
    /// # Errors
    /// [`ProgramError`].
    pub fn program(&self, name: &str) -> Result<Program, ProgramError> {
        self.interpreted(name, 0)
    }

    /// Finds a file by its path.
    ///
    /// # Errors
    /// [`ProgramError`].
    pub fn file(&self, path: &Path) -> Result<StoredFile, ProgramError> {
        StoredFile::remember(self.0.walk(path)?)
    }

    /// Where a path really leads.
    ///
    /// # Errors
    /// [`ProgramError::InCheckout`], and [`ProgramError::Missing`] where nothing is there.
    pub fn place(&self, path: &Path) -> Result<PathBuf, ProgramError> {
        self.0.walk(path)
    }

    /// What a path leads to now, below the working folder where it is relative; it may lie in the checkout.
    ///
    /// # Errors
    /// [`ProgramError::TooLarge`].
    pub fn named(&self, path: &str) -> Result<NamedFile, ProgramError> {
        NamedFile::remember(self.0.working_dir.join(path))
    }

    /// That what a path leads to is not in the checkout, nor reached over a link there. What is not there is nowhere.
    pub(super) fn outside(&self, path: &Path) -> Result<(), ProgramError> {
        match self.0.walk(path) {
            Err(e @ ProgramError::InCheckout { .. }) => Err(e),
            _ => Ok(()),
        }
    }

    /// Where a name is in the search path, and the program there, where this user may read it.
    pub(super) fn looked_up(
        &self,
        name: &str,
        depth: usize,
    ) -> Result<Option<(PathBuf, Option<Program>)>, ProgramError> {
        let Some(path) = self.looked_up_path(name) else { return Ok(None) };
        match self.interpreted(name, depth) {
            Ok(program) => Ok(Some((path, Some(program)))),
            Err(ProgramError::Missing { .. }) => Ok(Some((path, None))),
            Err(e) => Err(e),
        }
    }

    /// Where a name is in the search path.
    pub(super) fn looked_up_path(&self, name: &str) -> Option<PathBuf> {
        self.look_up(name).ok()
    }

    fn interpreted(&self, name: &str, depth: usize) -> Result<Program, ProgramError> {
        let real = if name.contains('/') { self.0.walk(Path::new(name))? } else { self.look_up(name)? };
        let file = StoredFile::remember(real)?;
        let line = first_line(&file.beginning(FIRST_LINE)?);
        let mut interpreters = Vec::new();
        for (word, looked_up) in line.programs {
            if depth == INTERPRETERS {
                return Err(missing(name, "its interpreters never end"));
            }
            let program = self.interpreted(&word, depth + 1)?;
            interpreters.push(Interpreter { program, looked_up: looked_up.then_some(word) });
        }
        if depth == INTERPRETERS && !line.arguments.is_empty() {
            return Err(missing(name, "the programs of its first line never end"));
        }
        let named = Named::remember(&line.arguments, self, depth + 1)?.outside(self)?;
        Ok(Program { name: name.into(), file, interpreters, named, search: self.clone() })
    }

    fn look_up(&self, name: &str) -> Result<PathBuf, ProgramError> {
        let found = self.0.folders.iter().find_map(|folder| {
            let real = self.0.walk(&folder.join(name)).ok()?;
            let meta = std::fs::metadata(&real).ok()?;
            (meta.is_file() && meta.permissions().mode() & 0o111 != 0).then_some(real)
        });
        match found {
            Some(real) if !name.is_empty() => Ok(real),
            _ => Err(missing(name, "no such program in PATH outside the checkout")),
        }
    }
}

impl Places {
    /// Follows every link of a path by hand: whoever can choose one of them chooses the file.
    fn walk(&self, path: &Path) -> Result<PathBuf, ProgramError> {
        let name = path.display().to_string();
        let mut at = if path.is_absolute() { PathBuf::from("/") } else { self.working_dir.clone() };
        let mut left: VecDeque<OsString> = path.components().map(|c| c.as_os_str().to_owned()).collect();
        let mut links = 0;
        while let Some(part) = left.pop_front() {
            match Path::new(&part).components().next() {
                Some(Component::RootDir) => at = PathBuf::from("/"),
                Some(Component::ParentDir) => drop(at.pop()),
                Some(Component::Normal(part)) => {
                    at.push(part);
                    self.beside(&at, &name)?;
                    let meta = std::fs::symlink_metadata(&at).map_err(|e| missing(&name, &e.to_string()))?;
                    if meta.is_symlink() {
                        links += 1;
                        if links > LINKS {
                            return Err(missing(&name, "too many links"));
                        }
                        let target = std::fs::read_link(&at).map_err(|e| missing(&name, &e.to_string()))?;
                        at.pop();
                        for part in target.components().rev() {
                            left.push_front(part.as_os_str().to_owned());
                        }
                    }
                }
                Some(Component::CurDir | Component::Prefix(_)) | None => {}
            }
        }
        // `.` is reached without a step.
        self.beside(&at, &name)?;
        Ok(at)
    }

    /// That a place on the way is not in the checkout.
    fn beside(&self, at: &Path, name: &str) -> Result<(), ProgramError> {
        match self.checkout.as_ref().filter(|checkout| at.starts_with(checkout)) {
            Some(checkout) => {
                Err(ProgramError::InCheckout { path: name.to_owned(), checkout: checkout.display().to_string() })
            }
            None => Ok(()),
        }
    }
}

impl Program {
    /// Where it really lies.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.file.path()
    }

    /// That it, and what interprets it, is what it was when it was found.
    ///
    /// # Errors
    /// [`ProgramError::Changed`].
    pub fn unchanged(&self) -> Result<(), ProgramError> {
        self.file.unchanged()?;
        for Interpreter { program, looked_up } in &self.interpreters {
            // A script of `#!/usr/bin/env NAME` runs whatever comes first in PATH by then.
            let now = looked_up.as_ref().map_or_else(|| Ok(program.path().to_owned()), |n| self.search.look_up(n));
            if now.as_deref() != Ok(program.path()) {
                let found = now.map_or_else(|e| e.to_string(), |p| p.display().to_string());
                let path = program.name.to_string_lossy().into_owned();
                return Err(ProgramError::Changed { path, expected: program.path().display().to_string(), found });
            }
            program.unchanged()?;
        }
        self.named.unchanged(&self.search)
    }

    /// Starts it without variables, called by the name that it was found by. Ask [`unchanged`](Self::unchanged) before.
    #[must_use]
    pub fn command(&self) -> Command {
        let mut command = Command::new(self.path());
        command.arg0(&self.name).env_clear();
        command
    }
}

/// What the first line of a script names.
#[derive(Debug, Default, PartialEq, Eq)]
struct FirstLine {
    /// Programs, and whether `env` looks them up.
    programs: Vec<(String, bool)>,
    /// What is handed to them before the script's own name: by the kernel as one word, by `env -S` as several.
    arguments: Vec<String>,
}

fn first_line(bytes: &[u8]) -> FirstLine {
    let Some(line) = bytes.strip_prefix(b"#!") else { return FirstLine::default() };
    let line = String::from_utf8_lossy(line.split(|b| *b == b'\n').next().unwrap_or_default()).into_owned();
    let line = line.trim_matches([' ', '\t', '\r']);
    let (interpreter, rest) = line.split_once([' ', '\t']).map_or((line, ""), |(i, rest)| (i, rest.trim_start()));
    if interpreter.is_empty() {
        return FirstLine::default();
    }
    let mut programs = vec![(interpreter.to_owned(), false)];
    let mut words: Vec<&str> = rest.split_ascii_whitespace().collect();
    let env = Path::new(interpreter).file_name() == Some(OsStr::from_bytes(b"env"));
    // `env` without `-S` takes all of it for one name, too, and finds none.
    if words.len() > 1 && !env {
        words.push(rest);
    }
    let program = words.iter().position(|w| env && !w.starts_with('-') && !w.contains(['=', ' ']));
    if let Some(program) = program.map(|at| words.remove(at)) {
        programs.push((program.to_owned(), !program.contains('/')));
    }
    // Letters of options (`-eu`) name nothing.
    let arguments = words.into_iter().filter(|w| !w.starts_with('-') || w.contains('/')).map(str::to_owned).collect();
    FirstLine { programs, arguments }
}

/// The folder whose content anybody may have written: the outermost around `dir` that looks like a checkout (`dir` may
/// lie in a submodule), else `dir`.
///
/// A home folder that is a checkout itself (of its owner's settings) counts only for what has no checkout of its own
/// below it, and a home folder or what is above one is no checkout because somebody works there.
fn checkout(dir: &Path, home: Option<&Path>) -> Option<PathBuf> {
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let (dir, home) = (real(dir), home.filter(|h| h.is_absolute()).map(real));
    let marked = |a: &&Path| a.parent().is_some() && a.join(".git").symlink_metadata().is_ok();
    let is_below_home = |a: &&Path| home.as_deref().is_some_and(|home| a.starts_with(home) && *a != home);
    let outermost = dir.ancestors().filter(marked).filter(is_below_home).last();
    let outermost = outermost.or_else(|| dir.ancestors().filter(marked).last());
    let holds_home = dir.parent().is_none() || home.is_some_and(|home| home.starts_with(&dir));
    match outermost {
        Some(outermost) => Some(outermost.to_owned()),
        None if holds_home => None,
        None => Some(dir),
    }
}

fn missing(name: &str, cause: &str) -> ProgramError {
    ProgramError::Missing { name: name.to_owned(), cause: cause.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folders(names: &[&str]) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        for name in names {
            std::fs::create_dir_all(root.join(name)).unwrap();
        }
        (dir, root)
    }

    #[test]
    fn the_checkout_is_the_outermost_one_and_a_home_is_none_for_working_in_it() {
        let (_dir, root) =
            folders(&["home/src/app/.git", "home/src/app/sub/.git", "home/src/app/sub/x", "home/plain", "ci"]);
        let found = |dir: &str, home: &str| {
            let found = checkout(&root.join(dir), Some(&root.join(home)));
            found.map(|f| f.strip_prefix(&root).unwrap().display().to_string())
        };
        assert_eq!(found("home/src/app/sub/x", "home").as_deref(), Some("home/src/app"));
        assert_eq!(found("home/plain", "home").as_deref(), Some("home/plain"));
        assert_eq!(found("home", "home"), None);
        assert_eq!(found("", "home"), None);
        assert_eq!(checkout(Path::new("/"), None), None);
        // Settings under version control make no checkout of all that lies below; a job's home in its checkout does.
        std::fs::create_dir(root.join("home/.git")).unwrap();
        assert_eq!(found("home/src/app/sub/x", "home").as_deref(), Some("home/src/app"));
        assert_eq!(found("home/plain", "home").as_deref(), Some("home"));
        std::fs::create_dir(root.join("ci/.git")).unwrap();
        assert_eq!(found("ci", "ci").as_deref(), Some("ci"));
        assert_eq!(found("ci", "ci/home").as_deref(), Some("ci"));
    }

    #[test]
    fn every_link_on_the_way_is_followed_and_none_through_the_checkout() {
        let (_dir, root) = folders(&["co/.git", "co/bin", "out/bin"]);
        std::fs::write(root.join("out/bin/tool"), "x").unwrap();
        std::fs::write(root.join("co/bin/tool"), "x").unwrap();
        let link = |from: &str, to: &str| std::os::unix::fs::symlink(to, root.join(from)).unwrap();
        link("out/back", "../out/./bin");
        link("out/into", "../co/bin");
        link("co/leads-out", "../out/bin/tool");
        link("out/through", "../co/leads-out");
        link("out/round", "round");
        let search = Search::new(None, &root.join("co"), None);
        let place = |path: &str| search.place(&root.join(path)).map(|p| p.strip_prefix(&root).unwrap().to_owned());
        assert_eq!(place("out/back/tool").unwrap(), Path::new("out/bin/tool"));
        assert_eq!(search.place(Path::new("../out/bin/tool")).unwrap(), root.join("out/bin/tool"));
        for path in ["co/bin/tool", "out/into/tool", "out/through", "co/leads-out", "co/../out/bin/tool"] {
            assert!(matches!(place(path), Err(ProgramError::InCheckout { .. })), "{path}");
        }
        for path in ["bin/tool", ".", ""] {
            assert!(matches!(search.place(Path::new(path)), Err(ProgramError::InCheckout { .. })), "{path:?}");
        }
        for path in ["out/round", "out/absent", "out/bin/tool/x"] {
            assert!(matches!(place(path), Err(ProgramError::Missing { .. })), "{path}");
        }
    }

    #[test]
    fn what_a_first_line_runs_is_told_from_its_options() {
        let read = |line: &str| first_line(line.as_bytes()).programs;
        let env = |name: &str, looked_up| vec![("/usr/bin/env".to_owned(), false), (name.to_owned(), looked_up)];
        assert_eq!(read("#!/bin/sh -eu\necho"), [("/bin/sh".to_owned(), false)]);
        assert_eq!(read("#! /usr/bin/env python3\n"), env("python3", true));
        assert_eq!(read("#!/usr/bin/env -S A=b python3 -u"), env("python3", true));
        assert_eq!(read("#!/usr/bin/env /opt/python3"), env("/opt/python3", false));
        assert!(read("\x7fELF").is_empty() && read("#!\n/bin/sh").is_empty());
        let handed = |line: &str| first_line(line.as_bytes()).arguments;
        assert_eq!(handed("#!/bin/sh /x/script\n"), ["/x/script"]);
        assert_eq!(handed("#!/bin/sh /x/my script\r\n"), ["/x/my", "script", "/x/my script"]);
        assert_eq!(handed("#!/usr/bin/env -S nice python3 -f/x/script y"), ["python3", "-f/x/script", "y"]);
        assert!(handed("#!/bin/sh -eu").is_empty() && handed("#!/usr/bin/env python3").is_empty());
    }
}
