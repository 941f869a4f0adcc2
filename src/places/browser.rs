#![expect(clippy::disallowed_methods, reason = "back end: starts a program, and looks at it for a moment")]
//! [`Browser`]: the program that opens an address, found before a build step that could put another in its place.

use crate::places::process::variable;
use crate::programs::{Launch, Prepared};
use std::ffi::OsString;
use std::process::Stdio;
use std::time::{Duration, Instant};

/// The program that opens an address, and its arguments; `%s` among them stands for the address.
pub struct Browser {
    program: Prepared,
    arguments: Vec<String>,
}

/// The program that opens an address, as words; `%s` stands for the address. None where nothing could be shown.
fn words(variables: &dyn Fn(&str) -> Option<OsString>) -> Option<Vec<String>> {
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
    /// Finds it: what `BROWSER` names, else what opens addresses on this system. None where nothing could be shown.
    #[must_use]
    pub fn find(launch: &Launch) -> Option<Self> {
        Self::of(&words(&variable)?, launch)
    }

    fn of(words: &[String], launch: &Launch) -> Option<Self> {
        let (program, arguments) = words.split_first()?;
        Some(Self { program: launch.prepare(&[program]).ok()?, arguments: arguments.to_vec() })
    }

    /// Starts it without a shell; `false` when it cannot be started, or says at once that it failed.
    #[must_use]
    pub fn start(&self, url: &str) -> bool {
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
    fn a_browser_is_named_or_stands_on_a_display() {
        assert_eq!(words(&among(&[("BROWSER", "firefox -new-tab %s:w3m")])).unwrap(), ["firefox", "-new-tab", "%s"]);
        assert_eq!(words(&among(&[("BROWSER", "w3m"), ("DISPLAY", ":0")])).unwrap(), ["w3m"]);
        if cfg!(target_os = "linux") {
            assert_eq!(words(&among(&[("DISPLAY", ":0")])).unwrap(), ["xdg-open"]);
            assert_eq!(words(&among(&[("HOME", "/")])), None);
        }
    }

    #[test]
    fn what_cannot_be_started_or_fails_at_once_has_opened_nothing() {
        let search = crate::programs::Search::new(std::env::var_os("PATH").as_deref(), std::path::Path::new("/"), None);
        let launch = Launch::new(search, std::env::vars_os());
        let start = |words: &[String], url| Browser::of(words, &launch).is_some_and(|b| b.start(url));
        let split = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        assert!(start(&split("true"), "http://localhost/"));
        assert!(!start(&split("false"), "http://localhost/"));
        assert!(!start(&split("no-such-browser-anywhere"), "http://localhost/"));
        // The address is one argument, whatever is in it.
        assert!(start(&["test".into(), "%s".into(), "=".into(), "a;b c".into()], "a;b c"));
    }
}
