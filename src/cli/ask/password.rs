//! Passwords: given by variables, else asked for at the terminal.

use crate::places::variable;
use crate::programs::Launch;
use crate::sign::{EnvironmentPasswords, FirstOf, Found, OpenContext, Opened, PasswordSource, SignError};
use std::io::IsTerminal as _;
use zeroize::Zeroizing;

/// Finds what a reference names, so that a build step can put nothing in its place.
///
/// # Errors
/// [`SignError`].
pub(in crate::cli) fn find_signer(reference: &str, launch: &Launch) -> Result<Found, SignError> {
    with_context(launch, |context| crate::sign::find(reference, context))
}

/// Looks whether a signer could be opened later, and asks nobody.
///
/// # Errors
/// [`SignError`].
pub(in crate::cli) fn look_at_signer(found: &Found, launch: &Launch) -> Result<(), SignError> {
    with_context(launch, |context| found.look(context))
}

/// Opens a signer, asking for a password where there is a terminal.
///
/// # Errors
/// [`SignError`].
pub(in crate::cli) fn open_signer(found: &Found, launch: &Launch) -> Result<Opened, SignError> {
    with_context(launch, |context| found.open(context))
}

fn with_context<T>(launch: &Launch, job: impl FnOnce(&OpenContext<'_>) -> T) -> T {
    let look = variable;
    let variables = EnvironmentPasswords(look);
    let passwords = FirstOf(&[&variables, &Prompt]);
    job(&OpenContext { environment: &look, passwords: &passwords, launch })
}

/// The password for a new key: variables, else asked for twice; `None` without a terminal.
///
/// # Errors
/// [`SignError`] when the terminal fails or the two do not agree.
pub(in crate::cli) fn new_password(name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, SignError> {
    if let Some(p) = EnvironmentPasswords(variable).password(name)? {
        return Ok(Some(p));
    }
    let Some(first) = ask(&format!("New password for {name}: "))? else { return Ok(None) };
    let second = ask("The same again: ")?;
    if second.as_ref() != Some(&first) {
        return Err(SignError::Failed { cause: "the two passwords are not the same".into() });
    }
    Ok(Some(first))
}

/// Asks on the terminal, if there is one.
struct Prompt;

impl PasswordSource for Prompt {
    fn password(&self, for_what: &str) -> Result<Option<Zeroizing<Vec<u8>>>, SignError> {
        ask(&format!("Password for {for_what}: "))
    }

    fn can_give(&self, _: &str) -> Result<bool, SignError> {
        Ok(has_terminal())
    }
}

fn has_terminal() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

fn ask(prompt: &str) -> Result<Option<Zeroizing<Vec<u8>>>, SignError> {
    if !has_terminal() {
        return Ok(None);
    }
    match rpassword::prompt_password(prompt) {
        Ok(text) => Ok(Some(Zeroizing::new(text.into_bytes()))),
        Err(e) => Err(SignError::Failed { cause: format!("the terminal gave no password: {e}") }),
    }
}
