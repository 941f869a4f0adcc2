//! Whether somebody sits before this program, and how it speaks to them.

use crate::cli::show::sanitize;
use crate::issuer;
use crate::places::Browser;
use crate::programs::Launch;
use crate::sign::Person;
use std::ffi::OsString;
use std::io::{self, IsTerminal as _, Write as _};

/// Variables of CI systems of which nothing else is known, and the one that most of them set.
const CI: &[&str] = &["CI", "TEAMCITY_VERSION"];

/// The variable that says that this is a job of a CI system, where nobody answers.
pub(in crate::cli) fn ci_variable(variables: &dyn Fn(&str) -> Option<OsString>) -> Option<&'static str> {
    let set = |name: &str| variables(name).is_some_and(|v| !v.is_empty() && v != "false" && v != "0");
    CI.iter().copied().chain(issuer::marks()).find(|name| set(name))
}

/// Whether questions can be asked and answers be given.
pub(in crate::cli) fn has_terminal() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks a question at the terminal whose answer is no unless it is yes.
pub(in crate::cli) fn agrees(question: &str) -> bool {
    let mut err = io::stderr().lock();
    let _ = write!(err, "attest: {} [y/N] ", sanitize::line(question));
    let _ = err.flush();
    let mut answer = String::new();
    io::stdin().read_line(&mut answer).is_ok() && matches!(answer.trim(), "y" | "Y" | "yes")
}

/// The person before this process, and the program that opens a browser, found before a build step.
pub(in crate::cli) struct Here(Option<Browser>);

impl Here {
    pub(in crate::cli) fn find(launch: &Launch) -> Self {
        Self(Browser::find(launch))
    }
}

impl Person for Here {
    fn open(&self, url: &str) -> bool {
        self.0.as_ref().is_some_and(|browser| browser.start(url))
    }

    /// Also with `--quiet`: without it nothing would go on.
    fn tell(&self, text: &str) {
        let mut err = io::stderr().lock();
        for (i, line) in text.lines().enumerate() {
            let _ = writeln!(err, "{}{}", if i == 0 { "attest: " } else { "" }, sanitize::line(line));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn among(set: &'static [(&str, &str)]) -> impl Fn(&str) -> Option<OsString> {
        move |name| set.iter().find(|(n, _)| *n == name).map(|(_, v)| v.into())
    }

    #[test]
    fn a_job_of_a_ci_system_is_told_by_its_variables() {
        assert_eq!(ci_variable(&among(&[("CI", "true")])), Some("CI"));
        assert_eq!(ci_variable(&among(&[("GITLAB_CI", "1")])), Some("GITLAB_CI"));
        assert_eq!(ci_variable(&among(&[("CI", "false"), ("HOME", "/")])), None);
        assert_eq!(ci_variable(&among(&[("CI", "")])), None);
    }
}
