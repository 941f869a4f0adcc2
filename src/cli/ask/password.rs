//! Passwords: given by variables, else asked for at the terminal.

use crate::places::{variable, within};
use crate::programs::Launch;
use crate::sign::{EnvironmentPasswords, FirstOf, Found, OpenContext, Opened, PasswordSource, SignError};
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};
use std::io::{IsTerminal as _, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use zeroize::Zeroizing;

/// How often a person is asked who mistypes.
const TRIES: usize = 3;

/// Finds what a reference names, so that a build step can put nothing in its place.
///
/// # Errors
/// [`SignError`].
pub(in crate::cli) fn find_signer(reference: &str, launch: &Launch) -> Result<Found, SignError> {
    with_context(launch, &Prompt::default(), |context| crate::sign::find(reference, context))
}

/// Looks whether a signer could be opened later, and asks nobody.
///
/// # Errors
/// [`SignError`].
pub(in crate::cli) fn look_at_signer(found: &Found, launch: &Launch) -> Result<(), SignError> {
    with_context(launch, &Prompt::default(), |context| found.look(context))
}

/// Opens a signer, asking for a password where there is a terminal: again where what was typed is not it. `patience` is how
/// long each question waits; for ever without it.
///
/// # Errors
/// [`SignError`].
pub(in crate::cli) fn open_signer(
    found: &Found,
    launch: &Launch,
    patience: Option<Duration>,
) -> Result<Opened, SignError> {
    let mut left = TRIES;
    loop {
        left -= 1;
        let prompt = Prompt { patience, typed: AtomicBool::new(false) };
        match with_context(launch, &prompt, |context| found.open(context)) {
            // What a variable holds is no better the second time.
            Err(SignError::WrongPassword { .. }) if left > 0 && prompt.typed.load(Ordering::SeqCst) => {
                tell("that is not the password; once more");
            }
            done => return done,
        }
    }
}

fn with_context<T>(launch: &Launch, prompt: &Prompt, job: impl FnOnce(&OpenContext<'_>) -> T) -> T {
    let look = variable;
    let variables = EnvironmentPasswords(look);
    let passwords = FirstOf(&[&variables, prompt]);
    job(&OpenContext { environment: &look, passwords: &passwords, launch })
}

/// The password for a new key: variables, else asked for twice, and again where the two differ; `None` without a terminal.
///
/// # Errors
/// [`SignError`] when the terminal fails, nobody types in time, or the two never agree.
pub(in crate::cli) fn new_password(
    name: &str,
    patience: Option<Duration>,
) -> Result<Option<Zeroizing<Vec<u8>>>, SignError> {
    if let Some(p) = EnvironmentPasswords(variable).password(name)? {
        return Ok(Some(p));
    }
    for left in (0..TRIES).rev() {
        let Some(first) = ask("New password", name, patience)? else { return Ok(None) };
        if ask("The same again", name, patience)?.as_ref() == Some(&first) {
            return Ok(Some(first));
        }
        if left > 0 {
            tell("the two are not the same; once more");
        }
    }
    Err(SignError::PasswordsDiffer { what: name.to_owned() })
}

/// Also with `--quiet`: it says why the question comes again.
fn tell(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "attest: {text}");
}

/// Asks on the terminal, if there is one, and remembers that somebody typed.
#[derive(Default)]
struct Prompt {
    patience: Option<Duration>,
    typed: AtomicBool,
}

impl PasswordSource for Prompt {
    fn password(&self, for_what: &str) -> Result<Option<Zeroizing<Vec<u8>>>, SignError> {
        let answer = ask("Password", for_what, self.patience)?;
        self.typed.store(answer.is_some(), Ordering::SeqCst);
        Ok(answer)
    }

    fn can_give(&self, _: &str) -> Result<bool, SignError> {
        Ok(has_terminal())
    }
}

fn has_terminal() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

fn ask(question: &str, for_what: &str, patience: Option<Duration>) -> Result<Option<Zeroizing<Vec<u8>>>, SignError> {
    if !has_terminal() {
        return Ok(None);
    }
    let prompt = format!("{question} for {for_what}: ");
    let Some(patience) = patience else { return typed(rpassword::prompt_password(prompt)) };
    // Whoever reads a terminal cannot be stopped: it goes on by itself, and ends with the process.
    let before = tcgetattr(std::io::stdin());
    within(patience, move || rpassword::prompt_password(prompt)).map_or_else(
        || {
            if let Ok(before) = before {
                // It shows again what is typed.
                let _ = tcsetattr(std::io::stdin(), OptionalActions::Now, &before);
            }
            let _ = writeln!(std::io::stderr().lock());
            Err(SignError::NotTyped { what: for_what.to_owned(), waited: patience })
        },
        typed,
    )
}

fn typed(answer: std::io::Result<String>) -> Result<Option<Zeroizing<Vec<u8>>>, SignError> {
    match answer {
        Ok(text) => Ok(Some(Zeroizing::new(text.into_bytes()))),
        Err(e) => Err(SignError::Failed { cause: format!("the terminal gave no password: {e}") }),
    }
}
