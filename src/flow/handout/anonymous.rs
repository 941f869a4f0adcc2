//! Which values are shown to those who must not know whose they are.

use super::Chosen;
use crate::audit::handout::{Pseudonyms, Show};
use crate::audit::{AuditError, open};
use crate::flow::investigate::Log;
use crate::record::Said;
use crate::record::fields::Form;
use serde_json::Value;
use std::collections::BTreeSet;

/// Texts that are shown where they give nobody away. All other texts get another name.
const SHOWN: &[&str] =
    &["agent", "agent_version", "model", "provider", "rule", "state", "result", "code", "source", "key", "month"];
/// Texts that people write for people, and those that hold anything: nothing takes their place.
const LEFT_OUT: &[&str] = &["reason", "what", "value", "metadata", "clock"];
/// Texts whose words name somebody or a machine wherever they stand.
const NAMES: &[&str] = &["machine", "environment", "signer"];
/// The shortest word that counts as a name (characters).
const WORD: usize = 4;

/// Says how each field is shown: numbers, times and words of the tables as they are, people, machines, paths, commits and ids under
/// pseudonyms.
pub struct Anonymous {
    pseudonyms: Pseudonyms,
    /// Words that name somebody or a machine in one of the records.
    words: BTreeSet<String>,
}

fn words(text: &str) -> impl Iterator<Item = String> + '_ {
    let all = text.split(|c: char| !c.is_alphanumeric()).filter(|word| word.chars().count() >= WORD);
    all.map(str::to_lowercase)
}

impl Anonymous {
    /// For the records that are chosen, which are looked at once for the names in them.
    ///
    /// # Errors
    /// [`AuditError`].
    pub fn of(log: &Log<'_>, chosen: &Chosen, pseudonyms: Pseudonyms) -> Result<Self, AuditError> {
        let mut found = BTreeSet::new();
        chosen.each(log.store, &mut |number, stored| {
            let Ok(opened) = open(stored, number, log.keys) else { return Ok(()) };
            let said = opened.draft.said.iter().filter(|said| said.field.person || NAMES.contains(&said.field.name));
            said.filter_map(|said| said.told.value().as_str()).for_each(|text| found.extend(words(text)));
            Ok(())
        })?;
        // The word before a person's name says where the name is from.
        found.retain(|word| !["github", "gitlab", "mailto", "https", "http"].contains(&word.as_str()));
        Ok(Self { pseudonyms, words: found })
    }

    /// How a field is shown.
    #[must_use]
    pub fn show(&self, said: &Said) -> Show {
        let name = said.field.name;
        if said.told.value().is_null() {
            return Show::Open;
        }
        if LEFT_OUT.contains(&name) {
            return Show::Hidden;
        }
        match said.field.form {
            Form::Committed | Form::Map => Show::Hidden,
            Form::Word(_) | Form::Time | Form::Count | Form::Number | Form::Decimal | Form::Flag => Show::Open,
            Form::Action | Form::Text if !said.field.person && self.is_shown(said) => Show::Open,
            Form::Action | Form::Text | Form::Target | Form::List => Show::As(self.named(said.told.value())),
        }
    }

    fn is_shown(&self, said: &Said) -> bool {
        let is_listed = SHOWN.contains(&said.field.name) || said.field.form == Form::Action;
        is_listed && said.told.value().as_str().is_some_and(|text| !self.gives_away(text))
    }

    /// Whether a text may say who or where: an address, a path, or a word that does so elsewhere.
    fn gives_away(&self, text: &str) -> bool {
        let is_address = text.contains(['@', '\\', '~']) || text.contains("://");
        let is_path =
            text.starts_with('/') || ["home", "Users", "root"].iter().any(|name| text.contains(&format!("/{name}/")));
        is_address || is_path || words(text).any(|word| self.words.contains(&word))
    }

    fn named(&self, value: &Value) -> Value {
        match value {
            Value::Array(all) => Value::Array(all.iter().map(|value| self.named(value)).collect()),
            Value::String(text) => Value::String(self.pseudonyms.of(text)),
            other => Value::String(self.pseudonyms.of(&other.to_string())),
        }
    }
}
