//! Words, quotes and variables of a container file, which are nearly those of a shell.

use super::{NoBase, refused};
use std::iter::Peekable;
use std::str::Chars;

/// What an argument stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// Its default.
    Text(String),
    /// Declared, and only the builder is told.
    NoDefault,
    /// Nothing that the file says alone.
    Open(String),
}

/// The arguments that stand before the first stage.
#[derive(Default)]
pub(super) struct Scope(Vec<(String, Value)>);

impl Scope {
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.0.iter().rev().find(|(n, _)| n == name).map(|(_, v)| v)
    }

    pub(super) fn set(&mut self, name: &str, value: Value) {
        self.0.push((name.to_owned(), value));
    }
}

/// What text counts as.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    /// What is left when quotes and escapes have done their work.
    Plain,
    /// As it stands.
    Raw,
    /// As it stands, and read once more as a pattern.
    Pattern,
}

/// Reads one text.
struct Lexer<'a> {
    rest: Peekable<Chars<'a>>,
    escape: char,
    keep_quotes: bool,
    part: Part,
    /// Without one, variables stay as they are written.
    scope: Option<&'a Scope>,
    /// The word that is being read. A substitution with a word of its own begins it anew, there as here.
    word: String,
    /// The arguments whose defaults were taken.
    used: Vec<String>,
}

/// A text with its variables replaced, and the arguments that they are.
///
/// # Errors
/// Quotes or braces that do not end, and values that the file does not say.
pub(super) fn expand(text: &str, escape: char, scope: &Scope) -> Result<(String, Vec<String>), NoBase> {
    let mut lexer = Lexer::new(text, escape, Some(scope));
    let (text, _) = lexer.run(None, Part::Plain)?;
    Ok((text, lexer.used))
}

/// The word that ends a here-document, and whether tabs before it count.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct HereDocument {
    pub(super) end: String,
    pub(super) tabs_too: bool,
}

/// The here-documents that a line begins: words of the shell that begin with `<<`, maybe after a number.
///
/// # Errors
/// A quote that does not end in such a word.
pub(super) fn here_documents(line: &str) -> Result<Vec<HereDocument>, NoBase> {
    let mut lexer = Lexer { keep_quotes: true, ..Lexer::new(line, '\\', None) };
    // A line that is no sequence of words has no here-document.
    let Ok((_, words)) = lexer.run(None, Part::Raw) else { return Ok(Vec::new()) };
    let mut all = Vec::new();
    for word in words {
        let Some(rest) = word.trim_start_matches(|c: char| c.is_ascii_digit()).strip_prefix("<<") else { continue };
        let (tabs_too, rest) = rest.strip_prefix('-').map_or((false, rest), |rest| (true, rest));
        let rest = rest.trim_start_matches(['\t', '\n', '\x0C', '\r', ' ']);
        if rest.is_empty() || rest.contains('<') {
            continue;
        }
        let (_, mut plain) = Lexer::new(rest, '\\', None).run(None, Part::Plain)?;
        if plain.len() == 1 {
            all.push(HereDocument { end: plain.remove(0), tabs_too });
        }
    }
    Ok(all)
}

fn no_default(name: &str) -> Result<String, NoBase> {
    Err(NoBase::Open(format!("the base image is given by the build argument {name}, which has no default")))
}

impl<'a> Lexer<'a> {
    fn new(text: &'a str, escape: char, scope: Option<&'a Scope>) -> Self {
        let (word, used) = (String::new(), Vec::new());
        Self { rest: text.chars().peekable(), escape, keep_quotes: false, part: Part::Plain, scope, word, used }
    }

    /// Up to `stop` or the end: the text, and its words.
    fn run(&mut self, stop: Option<char>, part: Part) -> Result<(String, Vec<String>), NoBase> {
        let outer = std::mem::replace(&mut self.part, part);
        self.word.clear();
        let (mut text, mut words, mut inside, mut ended) = (String::new(), Vec::new(), false, stop.is_none());
        while let Some(&next) = self.rest.peek() {
            let (found, splits) = match next {
                c if Some(c) == stop => {
                    self.rest.next();
                    ended = true;
                    break;
                }
                '$' => (self.variable()?, true),
                '<' => (self.angle(), false),
                '\'' => (self.single_quoted()?, false),
                '"' => (self.double_quoted()?, false),
                c if c == self.escape => {
                    self.rest.next();
                    let kept = self.part != Part::Plain;
                    let Some(escaped) = self.rest.next() else {
                        if kept {
                            self.word.push(c);
                            text.push(c);
                        }
                        break;
                    };
                    (if kept { format!("{c}{escaped}") } else { escaped.to_string() }, false)
                }
                c => {
                    self.rest.next();
                    (c.to_string(), true)
                }
            };
            text.push_str(&found);
            if !splits {
                self.word.push_str(&found);
                inside = true;
                continue;
            }
            for c in found.chars() {
                if !c.is_whitespace() {
                    self.word.push(c);
                    inside = true;
                } else if inside && !self.word.is_empty() {
                    words.push(std::mem::take(&mut self.word));
                    inside = false;
                }
            }
        }
        self.part = outer;
        if !self.word.is_empty() {
            words.push(std::mem::take(&mut self.word));
        }
        if ended { Ok((text, words)) } else { refused("a substitution that does not end") }
    }

    /// `<`, or `<<` and the blanks behind it, which are part of the word.
    fn angle(&mut self) -> String {
        let mut out = String::from('<');
        self.rest.next();
        if self.rest.next_if_eq(&'<').is_some() {
            out.push('<');
            while let Some(blank) = self.rest.next_if(|c| matches!(c, '\t' | '\r' | ' ')) {
                out.push(blank);
            }
        }
        out
    }

    fn single_quoted(&mut self) -> Result<String, NoBase> {
        let mut out = String::new();
        out.extend(self.rest.next().filter(|_| self.keep_quotes));
        loop {
            match self.rest.next() {
                None => return refused("a quote that does not end"),
                Some('\'') => break,
                Some(c) => {
                    out.extend((self.part == Part::Pattern && c == self.escape).then_some(c));
                    out.push(c);
                }
            }
        }
        out.extend(self.keep_quotes.then_some('\''));
        Ok(out)
    }

    fn double_quoted(&mut self) -> Result<String, NoBase> {
        let mut out = String::new();
        out.extend(self.rest.next().filter(|_| self.keep_quotes));
        loop {
            match self.rest.peek().copied() {
                None => return refused("a quote that does not end"),
                Some('"') => {
                    out.extend(self.rest.next().filter(|_| self.keep_quotes));
                    return Ok(out);
                }
                Some('$') => out.push_str(&self.variable()?),
                Some(c) if c == self.escape => {
                    self.rest.next();
                    let kept = self.part != Part::Plain;
                    match self.rest.peek().copied() {
                        None => {}
                        Some(next) if next == '"' || next == '$' || next == self.escape => {
                            out.extend(kept.then_some(c));
                            out.extend(self.rest.next());
                        }
                        Some(_) => {
                            let doubled = kept && (!self.keep_quotes || self.part == Part::Pattern);
                            out.extend(doubled.then_some(c));
                            out.push(c);
                        }
                    }
                }
                Some(c) => {
                    self.rest.next();
                    out.push(c);
                }
            }
        }
    }

    /// `$NAME`, `${NAME}` and `${NAME` with a modifier.
    fn variable(&mut self) -> Result<String, NoBase> {
        self.rest.next();
        if self.rest.next_if_eq(&'{').is_none() {
            let name = self.name();
            return match self.scope {
                _ if name.is_empty() => Ok("$".to_owned()),
                None => Ok(format!("${name}")),
                Some(scope) => self.value(scope, &name),
            };
        }
        if matches!(self.rest.peek(), None | Some('{' | '}' | ':')) {
            return refused("a substitution of nothing");
        }
        let name = self.name();
        match self.rest.next() {
            Some('}') => match self.scope {
                None => Ok(format!("${{{name}}}")),
                Some(scope) => self.value(scope, &name),
            },
            Some(c @ (':' | '+' | '-' | '?' | '#' | '%')) => self.modified(&name, c),
            Some('/') => {
                let (pattern, _) = self.run(Some('/'), Part::Pattern)?;
                let (by, _) = self.run(Some('}'), Part::Raw)?;
                match self.scope {
                    None => Ok(format!("${{{name}/{pattern}/{by}}}")),
                    Some(_) => self.of_a_pattern(&name),
                }
            }
            _ => refused("a substitution of an unknown kind"),
        }
    }

    fn modified(&mut self, name: &str, first: char) -> Result<String, NoBase> {
        let colon = first == ':';
        let kind = match self.rest.next_if(|_| colon) {
            None if colon => return refused("a substitution that does not end"),
            None => first,
            Some(kind) => kind,
        };
        let of_pattern = matches!(kind, '#' | '%');
        if colon && of_pattern {
            return refused("a substitution of an unknown kind");
        }
        let (word, _) = self.run(Some('}'), if of_pattern { Part::Pattern } else { Part::Plain })?;
        let Some(scope) = self.scope else {
            let colon = if colon { ":" } else { "" };
            return Ok(format!("${{{name}{colon}{kind}{word}}}"));
        };
        if of_pattern {
            return self.of_a_pattern(name);
        }
        let value = match scope.get(name) {
            Some(Value::Open(reason)) => return Err(NoBase::Open(reason.clone())),
            Some(Value::NoDefault) if kind == '?' => return no_default(name),
            Some(Value::Text(text)) if !(colon && text.is_empty()) => Some(text.clone()),
            _ => None,
        };
        self.used.extend(value.is_some().then(|| name.to_owned()));
        match (kind, value) {
            ('-' | '?', Some(value)) => Ok(value),
            ('-', None) => Ok(word),
            ('+', value) => Ok(value.map_or_else(String::new, |_| word)),
            ('?', None) => refused(format!("the argument {name} is not allowed to be unset")),
            _ => refused("a substitution of an unknown kind"),
        }
    }

    fn value(&mut self, scope: &Scope, name: &str) -> Result<String, NoBase> {
        match scope.get(name) {
            None => Ok(String::new()),
            Some(Value::Text(text)) => {
                self.used.push(name.to_owned());
                Ok(text.clone())
            }
            Some(Value::NoDefault) => no_default(name),
            Some(Value::Open(reason)) => Err(NoBase::Open(reason.clone())),
        }
    }

    fn of_a_pattern(&self, name: &str) -> Result<String, NoBase> {
        Err(NoBase::Open(format!("the base image is cut out of the build argument {name}")))
    }

    fn name(&mut self) -> String {
        let mut out = String::new();
        match self.rest.peek().copied() {
            Some(c) if c.is_ascii_digit() => {
                while let Some(digit) = self.rest.next_if(char::is_ascii_digit) {
                    out.push(digit);
                }
            }
            Some('@' | '*' | '#' | '?' | '-' | '$' | '!') => out.extend(self.rest.next()),
            _ => {
                while let Some(c) = self.rest.next_if(|c| c.is_alphanumeric() || *c == '_') {
                    out.push(c);
                }
            }
        }
        out
    }
}
