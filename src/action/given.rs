//! What a workflow gave: each input read in its form, and no two that contradict each other.

use super::ActionError;
use super::inputs::{
    APART, Action, DIGEST, Form, IMAGE, INPUTS, Input, KEY, NEEDS, PUSH, SIGNING, STORE, VARIABLES, WAYS,
};
use crate::capture::Environment;
use std::collections::BTreeMap;
use std::ffi::OsStr;

/// The inputs that are given, by name; none is empty.
#[derive(Debug)]
pub(super) struct Given {
    pub(super) action: Action,
    values: BTreeMap<&'static str, String>,
}

/// How the subjects of the inputs would be found a second time.
const ONE_WAY: &str = "each names the subjects, and one of them has to";

impl Given {
    /// Reads them from the variables of this process.
    ///
    /// # Errors
    /// An unknown or malformed one, and two that contradict each other: both are named.
    pub(super) fn read(action: Action, env: &Environment) -> Result<Self, ActionError> {
        unknown(action, env)?;
        let mut values = BTreeMap::new();
        for input in action.inputs().filter(|i| i.form != Form::Install) {
            if let Some(value) = value(input, env)? {
                values.insert(input.name, value);
            }
        }
        let given = Self { action, values };
        given.together()?;
        Ok(given)
    }

    /// The one line of an input.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// The lines of an input.
    pub(super) fn lines(&self, name: &str) -> impl Iterator<Item = &str> {
        self.text(name).into_iter().flat_map(str::lines).filter(|line| !line.trim().is_empty())
    }

    /// Whether an input is `true`; none where it is not given.
    pub(super) fn flag(&self, name: &str) -> Option<bool> {
        self.text(name).map(|text| text == "true")
    }

    /// Whether attestations go to GitHub's API.
    pub(super) fn stores_at_github(&self) -> bool {
        self.text(STORE).is_some_and(|store| store != "registry")
    }

    /// Whether attestations of images are left out of their registry.
    pub(super) fn attaches_nothing(&self) -> bool {
        self.flag(PUSH) == Some(false) || self.text(STORE) == Some("github")
    }

    /// Whether a key signs, as far as the inputs say.
    pub(super) fn has_key(&self) -> bool {
        self.text(KEY).is_some()
    }

    /// Whether a rule's input is given; `NAME: VALUE` is one with that value.
    fn is_given(&self, rule: &str) -> bool {
        match rule.split_once(": ") {
            Some((name, value)) => self.text(name) == Some(value),
            None => self.values.contains_key(rule) && self.flag_is_not_off(rule),
        }
    }

    /// `false` is as if a flag were not given.
    fn flag_is_not_off(&self, name: &str) -> bool {
        let is_flag = INPUTS.iter().any(|input| input.name == name && input.form == Form::Flag);
        !is_flag || self.flag(name) == Some(true)
    }

    fn together(&self) -> Result<(), ActionError> {
        let ways: Vec<_> = WAYS.iter().filter(|way| self.is_given(way)).collect();
        if let [one, other, ..] = ways.as_slice() {
            return Err(ActionError::Apart { one, other, why: ONE_WAY });
        }
        for (one, others) in APART.iter().filter(|(one, _)| self.is_given(one)) {
            if let Some(other) = others.iter().find(|other| self.is_given(other)) {
                return Err(ActionError::Apart { one, other, why: "leave one of them out" });
            }
        }
        let pinned = self.text(IMAGE).is_some_and(|image| image.contains('@'));
        if let (true, Some(_)) = (pinned, self.text(DIGEST)) {
            return Err(ActionError::Apart { one: IMAGE, other: DIGEST, why: "each names the image's digest" });
        }
        let has = |name: &str| self.action.inputs().any(|input| input.name == name);
        for (one, other) in NEEDS.iter().filter(|(one, other)| self.is_given(one) && has(other)) {
            let is_said_elsewhere = pinned && *other == DIGEST;
            if !self.is_given(other) && !is_said_elsewhere {
                return Err(ActionError::Needs { one, other });
            }
        }
        Ok(())
    }

    /// That there is a key where one has to sign.
    ///
    /// # Errors
    /// Where there is none.
    pub(super) fn key_is_there(&self) -> Result<(), ActionError> {
        match self.text(SIGNING) {
            Some("key") if !self.has_key() => Err(ActionError::Needs { one: "signing: key", other: KEY }),
            _ => Ok(()),
        }
    }
}

/// That every variable of inputs is one of this action's: a misspelt one must not count for nothing.
fn unknown(action: Action, env: &Environment) -> Result<(), ActionError> {
    let known: Vec<_> = action.inputs().map(Input::variable).collect();
    for name in env.variables.keys().map(|name| name.to_string_lossy()) {
        let Some(rest) = name.strip_prefix(VARIABLES) else { continue };
        if !known.iter().any(|k| *k == name) {
            let known = action.inputs().map(|i| i.name).collect::<Vec<_>>().join(", ");
            return Err(ActionError::Unknown { name: rest.to_ascii_lowercase().replace('_', "-"), known });
        }
    }
    Ok(())
}

/// The value of an input, in its form; none where it is empty.
fn value(input: &Input, env: &Environment) -> Result<Option<String>, ActionError> {
    let malformed = |expected: String, found: String| ActionError::Malformed { name: input.name, expected, found };
    let Some(raw) = env.variables.get(OsStr::new(&input.variable())) else { return Ok(default(input)) };
    let text = raw.to_str().ok_or_else(|| malformed("UTF-8".into(), "other bytes".into()))?;
    // A block of YAML ends in a line break.
    let text = if input.form == Form::Secret { text } else { text.trim_end_matches(['\r', '\n']) };
    if text.trim().is_empty() {
        return Ok(default(input));
    }
    match input.form {
        Form::Text if text.contains(['\n', '\r']) => Err(malformed("one line".into(), "several".into())),
        Form::Flag if !["true", "false"].contains(&text) => Err(malformed("true or false".into(), format!("`{text}`"))),
        Form::OneOf(words) if !words.contains(&text) => {
            Err(malformed(format!("one of {}", words.join(", ")), format!("`{text}`")))
        }
        _ => Ok(Some(text.to_owned())),
    }
}

/// What an input is that nobody gives. That of a secret is an expression, which only a workflow has a value for.
fn default(input: &Input) -> Option<String> {
    (!input.default.is_empty() && input.form != Form::Secret).then(|| input.default.to_owned())
}
