//! Programs with what they are handed: variables, arguments.

use super::search::Named;
#[cfg(feature = "cli")]
use super::{Bounds, Ended, RunError, run};
use super::{Program, ProgramError, Search};
use std::ffi::OsString;
use std::process::Command;
use std::sync::Arc;

/// Where programs are looked for, and the variables that they are handed.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Launch {
    search: Search,
    variables: Arc<Vec<(OsString, OsString)>>,
}

/// Names only: any variable may be a secret.
impl std::fmt::Debug for Launch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<_> = self.variables.iter().map(|(name, _)| name).collect();
        f.debug_struct("Launch").field("search", &self.search).field("variables", &names).finish()
    }
}

/// A program that was found, with its arguments and what it is handed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prepared {
    program: Program,
    arguments: Vec<String>,
    named: Named,
    launch: Launch,
}

impl Launch {
    /// These variables, with `PATH` as far as `search` uses it: what the program starts is looked for there.
    #[must_use]
    pub fn new(search: Search, variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let path = search.path();
        let variables = variables.into_iter().map(|(n, v)| if n == "PATH" { (n, path.clone()) } else { (n, v) });
        Self { variables: Arc::new(variables.collect()), search }
    }

    /// Where it looks.
    #[must_use]
    pub fn search(&self) -> &Search {
        &self.search
    }

    /// Finds the program that the first word names.
    ///
    /// # Errors
    /// [`ProgramError`].
    pub fn prepare(&self, words: &[&str]) -> Result<Prepared, ProgramError> {
        let (name, arguments) = words
            .split_first()
            .ok_or_else(|| ProgramError::Missing { name: String::new(), cause: "no program is named".into() })?;
        let program = self.search.program(name)?;
        let arguments = arguments.iter().map(|a| (*a).to_owned()).collect();
        Ok(Prepared { program, arguments, named: Named::default(), launch: self.clone() })
    }
}

impl Prepared {
    /// Remembers what arguments name, too: a script that an interpreter runs, a key, a configuration, a program that a
    /// wrapper starts.
    ///
    /// # Errors
    /// [`ProgramError`]: where one lies in the checkout.
    pub fn with_arguments(self) -> Result<Self, ProgramError> {
        let named = Named::remember(&self.arguments, &self.launch.search, 0)?.outside(&self.launch.search)?;
        Ok(Self { named, ..self })
    }

    /// Remembers again what arguments name, after a run of the program itself: it may keep a log or a state there.
    ///
    /// # Errors
    /// [`ProgramError`].
    pub fn again(self) -> Result<Self, ProgramError> {
        let named = Named::remember(&self.arguments, &self.launch.search, 0)?;
        Ok(Self { named, ..self })
    }

    /// The command, if all of it is what it was when it was found.
    ///
    /// # Errors
    /// [`ProgramError::Changed`].
    pub fn command(&self) -> Result<Command, ProgramError> {
        self.program.unchanged()?;
        self.named.unchanged(&self.launch.search)?;
        let mut command = self.program.command();
        command.args(&self.arguments).envs(self.launch.variables.iter().map(|(n, v)| (n, v)));
        Ok(command)
    }

    /// Runs it to its end: hands it `question` on standard input, and gives what it answers.
    ///
    /// # Errors
    /// [`RunError`].
    #[cfg(feature = "cli")]
    pub fn ask(&self, question: Vec<u8>, bounds: &Bounds) -> Result<Ended, RunError> {
        run(self.command().map_err(RunError::Refused)?, question, bounds)
    }
}
