//! From instructions to the image that the last stage starts from.

use super::instructions::{self, Instruction};
use super::shell::{Scope, Value, expand};
use super::{NoBase, refused};

/// What an image is built on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::capture) struct Base {
    /// As the file names it, with its arguments replaced.
    pub(in crate::capture) image: String,
    /// The arguments whose defaults are part of that: a builder may be told otherwise.
    pub(in crate::capture) defaults: Vec<String>,
}

/// Arguments that the builder sets by itself.
const OF_THE_BUILDER: &[&str] = &[
    "BUILDPLATFORM",
    "BUILDOS",
    "BUILDOSVERSION",
    "BUILDARCH",
    "BUILDVARIANT",
    "TARGETPLATFORM",
    "TARGETOS",
    "TARGETOSVERSION",
    "TARGETARCH",
    "TARGETVARIANT",
    "TARGETSTAGE",
];

/// A stage: its name, and what it starts from.
type Stage = (Option<String>, Result<Base, String>);

/// The image that the last stage of a container file starts from, through the stages that it builds on.
///
/// # Errors
/// Why there is none, for a person.
pub(in crate::capture) fn base(bytes: &[u8]) -> Result<Base, String> {
    of_the_last_stage(bytes).map_err(|e| match e {
        NoBase::Refused(reason) => format!("no builder takes it: {reason}"),
        NoBase::Open(reason) => reason,
    })
}

fn of_the_last_stage(bytes: &[u8]) -> Result<Base, NoBase> {
    let file = instructions::read(bytes)?;
    if let Some(program) = file.syntax.filter(|s| !is_of_container_files(s)) {
        return Err(NoBase::Open(format!(
            "`{}` reads it, which is not known here",
            crate::capture::error::cut(&program)
        )));
    }
    let mut scope = Scope::default();
    for name in OF_THE_BUILDER {
        scope.set(name, Value::Open("the base image depends on the platform that is built for".to_owned()));
    }
    let mut stages: Vec<Stage> = Vec::new();
    for instruction in &file.instructions {
        match instruction.name {
            "from" => stages.push(stage(instruction, file.escape, &scope)?),
            "arg" if stages.is_empty() => arguments(&instruction.rest, file.escape, &mut scope)?,
            _ if stages.is_empty() => return refused("an instruction before the first FROM"),
            _ => {}
        }
    }
    let Some((_, base)) = stages.pop() else { return refused("no FROM") };
    let mut base = base.map_err(NoBase::Open)?;
    while let Some((name, before)) = stages.pop() {
        if name.is_some_and(|name| name == base.image) {
            let mut defaults = std::mem::take(&mut base.defaults);
            base = before.map_err(NoBase::Open)?;
            defaults.append(&mut base.defaults);
            base.defaults = defaults;
        }
    }
    base.defaults.sort_unstable();
    base.defaults.dedup();
    match base.image.as_str() {
        "scratch" => Err(NoBase::Open("the image is built from scratch".to_owned())),
        _ => Ok(base),
    }
}

/// Whether a `syntax` directive names the reader that is followed here, from whatever registry it comes.
fn is_of_container_files(image: &str) -> bool {
    let name = image.split('@').next().unwrap_or_default();
    let mut parts = name.rsplit('/');
    let program = parts.next().unwrap_or_default().split(':').next();
    matches!(program, Some("dockerfile" | "dockerfile-upstream")) && parts.next() == Some("docker")
}

fn stage(from: &Instruction, escape: char, scope: &Scope) -> Result<Stage, NoBase> {
    if from.flags.iter().any(|f| !f.starts_with("--platform=")) || from.flags.len() > 1 {
        return refused("a FROM with another flag than --platform");
    }
    let words: Vec<_> = from.rest.split(['\t', '\x0B', '\x0C', '\r', ' ']).filter(|w| !w.is_empty()).collect();
    let (image, name) = match words.as_slice() {
        [image] => (image, None),
        [image, word, name] if word.eq_ignore_ascii_case("as") => (image, Some(name.to_ascii_lowercase())),
        [] => return refused("a FROM without an image"),
        _ => return refused("a FROM that is not FROM IMAGE [AS NAME]"),
    };
    let fits = |name: &String| {
        name.starts_with(|c: char| c.is_ascii_lowercase())
            && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_.".contains(&b))
    };
    if name.as_ref().is_some_and(|name| !fits(name)) {
        return refused("a stage with a name that none may have");
    }
    if !from.rest.is_ascii() {
        return refused("a FROM with other characters than ASCII");
    }
    match expand(image, escape, scope) {
        Ok((image, _)) if image.is_empty() => refused("a FROM without an image"),
        Ok((image, defaults)) => Ok((name, Ok(Base { image, defaults }))),
        Err(NoBase::Open(reason)) => Ok((name, Err(reason))),
        Err(e) => Err(e),
    }
}

/// `ARG NAME[=DEFAULT]...` before the first stage.
fn arguments(text: &str, escape: char, scope: &mut Scope) -> Result<(), NoBase> {
    let words = words(text, escape);
    if words.is_empty() {
        return refused("an ARG without a name");
    }
    for word in words {
        let Some((name, value)) = word.split_once('=') else {
            if scope.get(&word).is_none() {
                scope.set(&word, Value::NoDefault);
            }
            continue;
        };
        if name.is_empty() {
            return refused("an ARG without a name");
        }
        let value = match expand(value, escape, scope) {
            Ok((text, _)) => Value::Text(text),
            Err(NoBase::Open(reason)) => Value::Open(reason),
            Err(e) => return Err(e),
        };
        scope.set(name, value);
    }
    Ok(())
}

/// Words between blanks; quotes and escapes keep blanks together, and stay.
fn words(text: &str, escape: char) -> Vec<String> {
    let (mut all, mut word, mut quote) = (Vec::new(), String::new(), None);
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match quote {
            None if c.is_whitespace() => {
                all.extend(Some(std::mem::take(&mut word)).filter(|w| !w.is_empty()));
                continue;
            }
            None if c == '\'' || c == '"' => quote = Some(c),
            Some(open) if c == open => quote = None,
            _ => {}
        }
        if c == escape && quote != Some('\'') {
            // One at the very end says nothing.
            let Some(escaped) = chars.next() else { break };
            word.push(c);
            word.push(escaped);
        } else {
            word.push(c);
        }
    }
    all.extend(Some(word).filter(|w| !w.is_empty()));
    all
}
