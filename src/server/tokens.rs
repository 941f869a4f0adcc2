//! Machines that may hand in over HTTP, each by a token of its own. Of a token only its hash is kept.

use crate::audit::AuditError;
use crate::model::{Digest, limits};
use crate::secrets::{Search, find_secret};
use serde_json::json;
use std::hint::black_box;

/// The fewest characters of a token: nobody guesses it.
const SHORTEST: usize = 32;

/// Tokens, by their hashes, with the machines whose they are.
#[derive(Clone)]
pub struct Tokens(Vec<([u8; 32], String)>);

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(_, machine)| machine)).finish()
    }
}

impl Tokens {
    /// Reads a list: on each line the name of a machine and its token; empty lines, and those that begin with `#`, say nothing. A machine
    /// may have two, so that it can change from one to the other.
    ///
    /// # Errors
    /// [`AuditError::Malformed`] with the number of the line, and nothing of what stands there.
    pub fn read(what: &str, text: &str) -> Result<Self, AuditError> {
        let wrong = |cause: String| AuditError::Malformed { what: what.to_owned(), cause };
        let mut all: Vec<([u8; 32], String)> = Vec::new();
        for (number, line) in text.lines().enumerate() {
            if line.trim().is_empty() || line.trim_start().starts_with('#') {
                continue;
            }
            let at = |expected: &str| wrong(format!("line {}: expected {expected}", number + 1));
            let words: Vec<&str> = line.split_whitespace().collect();
            let [machine, token] = words[..] else { return Err(at("the name of a machine and its token")) };
            if !is_name(machine) {
                return Err(at("a machine's name of letters, digits, `.`, `-` and `_`, at most 64"));
            }
            if token.len() < SHORTEST || !token.bytes().all(|b| b.is_ascii_graphic()) {
                return Err(at(&format!(
                    "a token of at least {SHORTEST} characters, as `openssl rand -hex 32` makes one"
                )));
            }
            let hash = hash(token);
            if all.iter().any(|(own, _)| *own == hash) {
                return Err(at("another token than those before it: by one that two have nobody is told apart"));
            }
            all.push((hash, machine.to_owned()));
            if all.len() > limits::SERVER_TOKENS {
                return Err(wrong(format!("over {} tokens", limits::SERVER_TOKENS)));
            }
        }
        if all.is_empty() {
            return Err(wrong("it has no token, so that nobody could hand anything in".into()));
        }
        Ok(Self(all))
    }

    /// The machine whose token a request shows. It takes as long whatever token that is.
    pub(super) fn machine(&self, authorization: Option<&str>) -> Option<&str> {
        let (scheme, token) = authorization?.split_once(' ')?;
        let shown = hash(token.trim_matches(' '));
        let mut found = None;
        for (own, machine) in &self.0 {
            let differs = own.iter().zip(&shown).fold(0, |sum, (a, b)| sum | black_box(a ^ b));
            if differs == 0 {
                found = Some(machine.as_str());
            }
        }
        found.filter(|_| scheme.eq_ignore_ascii_case("bearer"))
    }
}

fn hash(token: &str) -> [u8; 32] {
    let mut out = [0; 32];
    let digest = Digest::sha256(token.as_bytes());
    for (to, from) in out.iter_mut().zip(digest.hex().as_bytes().chunks(2)) {
        *to = std::str::from_utf8(from).ok().and_then(|hex| u8::from_str_radix(hex, 16).ok()).unwrap_or_default();
    }
    out
}

/// Whether a text is the name of a machine, and no token that stands in its place.
fn is_name(text: &str) -> bool {
    let is_word = text.len() <= 64 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b".-_".contains(&b));
    is_word && find_secret(&json!({ "machine": text }), &Search::default()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "0123456789abcdef0123456789abcdef";
    const TWO: &str = "fedcba9876543210fedcba9876543210";

    #[test]
    fn a_machine_is_known_by_its_token_alone() {
        let tokens = Tokens::read("tokens", &format!("# who\n\nrunner-1 {ONE}\n  laptop\t{TWO}\n")).unwrap();
        let machine = |header: &str| tokens.machine(Some(header)).map(str::to_owned);
        assert_eq!(machine(&format!("Bearer {ONE}")).as_deref(), Some("runner-1"));
        assert_eq!(machine(&format!("bearer  {TWO} ")).as_deref(), Some("laptop"));
        for header in ["Bearer ", "Bearer", "", ONE, &format!("Basic {ONE}"), &format!("Bearer {ONE}0"), "Bearer x"] {
            assert_eq!(machine(header), None, "{header}");
        }
        assert_eq!(tokens.machine(None), None);
        assert!(!format!("{tokens:?}").contains(ONE) && format!("{tokens:?}").contains("runner-1"));
        let mut one = [0; 32];
        one[0] = 0xba;
        assert_eq!(hash("abc")[0], one[0], "SHA-256 as everybody computes it");
    }

    #[test]
    fn a_list_that_would_let_in_more_than_it_says_is_refused() {
        let line = format!("runner-1 {ONE}");
        assert!(Tokens::read("tokens", &line).is_ok());
        let same = format!("{line}\nother {ONE}");
        for bad in
            ["", "# nothing\n", "runner-1\n", ONE, "runner-1 short", &format!("a/b {ONE}"), &format!("{line} x"), &same]
        {
            let e = Tokens::read("tokens", bad).unwrap_err().to_string();
            assert!(!e.contains(ONE), "nothing of it is quoted: {e}");
        }
        let many: String = (0..=limits::SERVER_TOKENS).map(|n| format!("m {ONE}{n}\n")).collect();
        assert!(Tokens::read("tokens", &many).is_err());
    }
}
