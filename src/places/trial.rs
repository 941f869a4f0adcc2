#![expect(clippy::disallowed_methods, reason = "back end: a temporary folder, and this program run as its user would")]
//! [`Trial`]: a folder to try things in, and this program run by itself.

use crate::model::digest::hex;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A temporary folder for this user alone, and where this program is run.
#[derive(Debug)]
pub struct Trial {
    /// The temporary folder.
    pub folder: PathBuf,
    /// The working folder of what is run.
    pub here: PathBuf,
    program: PathBuf,
}

impl Trial {
    /// Makes the folder.
    ///
    /// # Errors
    /// The operating system's: of the folder, or of finding this program's own file.
    pub fn new(here: PathBuf) -> io::Result<Self> {
        let program = std::env::current_exe().or_else(|e| called_by_path(std::env::args_os().next()).ok_or(e))?;
        // Ours alone: it must be new, and nobody else may look into it.
        let path = std::env::temp_dir().join(format!("attest-quickstart-{}", std::process::id()));
        fs::DirBuilder::new().mode(0o700).create(&path)?;
        Ok(Self { folder: path.canonicalize()?, here, program })
    }

    /// Runs this program with arguments and variables, and waits for its end.
    ///
    /// # Errors
    /// The operating system's, where it cannot be started.
    pub fn run(&self, arguments: &[impl AsRef<OsStr>], variables: &[(&str, &str)]) -> io::Result<Output> {
        let mut command = Command::new(&self.program);
        // Nothing to read: a pipe that is closed, as there may be no `/dev/null`.
        command.args(arguments).current_dir(&self.here).envs(variables.iter().copied()).stdin(Stdio::piped());
        // What is tried here is none of what the user's own audit log is for.
        command.env_remove(super::audit::VARIABLE).env("XDG_STATE_HOME", self.folder.join("state"));
        command.output()
    }

    /// Copies a folder in the temporary folder, with all that is in it.
    ///
    /// # Errors
    /// The operating system's.
    pub fn copy(&self, from: &Path, to: &Path) -> io::Result<()> {
        let (from, to) = (self.folder.join(from), self.folder.join(to));
        fs::DirBuilder::new().mode(0o700).create(&to)?;
        for entry in fs::read_dir(&from)? {
            let entry = entry?;
            let name = PathBuf::from(entry.file_name());
            if entry.file_type()?.is_dir() {
                self.copy(&from.join(&name), &to.join(&name))?;
            } else {
                fs::copy(entry.path(), to.join(&name))?;
            }
        }
        Ok(())
    }

    /// Removes the folder with all that is in it.
    ///
    /// # Errors
    /// The operating system's.
    pub fn remove(&self) -> io::Result<()> {
        fs::remove_dir_all(&self.folder)
    }
}

/// The file of a program that was called by its path, where the system does not say which one runs (without `/proc`).
fn called_by_path(name: Option<OsString>) -> Option<PathBuf> {
    let path = PathBuf::from(name?);
    let is_path = path.parent().is_some_and(|folder| !folder.as_os_str().is_empty());
    is_path.then(|| path.canonicalize().ok()).flatten()
}

/// 128 bits that nobody guesses, as text; none where the system gives no randomness.
#[must_use]
pub fn random_text() -> Option<String> {
    let mut bytes = [0; 16];
    aws_lc_rs::rand::fill(&mut bytes).ok()?;
    Some(hex(&bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_found_by_the_path_that_it_was_called_by_and_by_no_bare_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("program");
        assert_eq!(called_by_path(Some(path.clone().into())), None);
        fs::write(&path, "").unwrap();
        assert_eq!(called_by_path(Some(path.clone().into())), Some(path.canonicalize().unwrap()));
        // A bare name would be whatever lies in the working folder.
        assert_eq!(called_by_path(Some("Cargo.toml".into())), None);
        assert_eq!(called_by_path(None), None);
    }
}
