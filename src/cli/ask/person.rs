//! Whether somebody sits before this program, and how it speaks to them.
#![expect(clippy::disallowed_methods, reason = "back end: looks for a terminal, asks at it, and starts the browser")]

use crate::cli::show::sanitize;
use crate::issuer;
use crate::programs::{Launch, Prepared};
use crate::sign::Person;
use std::ffi::OsString;
use std::io::{self, IsTerminal as _, Write as _};
use std::process::Stdio;
use std::time::{Duration, Instant};

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

struct Browser {
    program: Prepared,
    arguments: Vec<String>,
}

impl Here {
    pub(in crate::cli) fn find(launch: &Launch) -> Self {
        Self(browser(&|name| std::env::var_os(name)).and_then(|words| Browser::find(&words, launch)))
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

/// The program that opens an address, as words; `%s` stands for the address. None where nothing could be shown.
fn browser(variables: &dyn Fn(&str) -> Option<OsString>) -> Option<Vec<String>> {
    let text = |name: &str| variables(name).and_then(|v| v.into_string().ok()).filter(|v| !v.trim().is_empty());
    if let Some(named) = text("BROWSER") {
        // Several may be named, as in PATH; the first is the preferred one.
        let first = named.split(':').find(|w| !w.trim().is_empty())?;
        return Some(first.split_whitespace().map(str::to_owned).collect());
    }
    if cfg!(target_os = "macos") {
        return Some(vec!["open".into()]);
    }
    let shows = text("DISPLAY").is_some() || text("WAYLAND_DISPLAY").is_some();
    shows.then(|| vec!["xdg-open".into()])
}

impl Browser {
    fn find(words: &[String], launch: &Launch) -> Option<Self> {
        let (program, arguments) = words.split_first()?;
        Some(Self { program: launch.prepare(&[program]).ok()?, arguments: arguments.to_vec() })
    }

    /// Starts it without a shell; `false` when it cannot be started, or says at once that it failed.
    fn start(&self, url: &str) -> bool {
        let Ok(mut command) = self.program.command() else { return false };
        command.args(self.arguments.iter().map(|word| word.replace("%s", url)));
        if !self.arguments.iter().any(|word| word.contains("%s")) {
            command.arg(url);
        }
        let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let Ok(mut child) = quiet.spawn() else { return false };
        let until = Instant::now() + Duration::from_secs(2);
        while Instant::now() < until {
            match child.try_wait() {
                Ok(Some(status)) => return status.success(),
                Ok(None) => std::thread::sleep(Duration::from_millis(20)),
                Err(_) => return false,
            }
        }
        // Still there: some browsers run in the program that opened them.
        true
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

    #[test]
    fn a_browser_is_named_or_stands_on_a_display() {
        assert_eq!(browser(&among(&[("BROWSER", "firefox -new-tab %s:w3m")])).unwrap(), ["firefox", "-new-tab", "%s"]);
        assert_eq!(browser(&among(&[("BROWSER", "w3m"), ("DISPLAY", ":0")])).unwrap(), ["w3m"]);
        if cfg!(target_os = "linux") {
            assert_eq!(browser(&among(&[("DISPLAY", ":0")])).unwrap(), ["xdg-open"]);
            assert_eq!(browser(&among(&[("HOME", "/")])), None);
        }
    }

    #[test]
    fn what_cannot_be_started_or_fails_at_once_has_opened_nothing() {
        let search = crate::programs::Search::new(std::env::var_os("PATH").as_deref(), std::path::Path::new("/"), None);
        let launch = Launch::new(search, std::env::vars_os());
        let start = |words: &[String], url| Browser::find(words, &launch).is_some_and(|b| b.start(url));
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        assert!(start(&words("true"), "http://localhost/"));
        assert!(!start(&words("false"), "http://localhost/"));
        assert!(!start(&words("no-such-browser-anywhere"), "http://localhost/"));
        // The address is one argument, whatever is in it.
        assert!(start(&["test".into(), "%s".into(), "=".into(), "a;b c".into()], "a;b c"));
    }
}
