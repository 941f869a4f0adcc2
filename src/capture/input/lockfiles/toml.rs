//! TOML lock files, package by package.
//!
//! A parsed TOML document takes a hundred times its size: 17 MiB of small tables became 4 GiB. So a file is first cut,
//! token by token, into its `[[package]]` elements and the rest; each is parsed by itself and let go of. What is counted
//! on the way keeps any of them small.

use crate::model::json::{Field, JsonError};
use crate::model::limits;
use serde_json::Value;
use std::ops::Range;
use toml_parser::lexer::TokenKind;

/// A lock file that was cut, and not yet parsed.
pub(super) struct Pieces<'a> {
    /// The format's name, for errors.
    file: &'static str,
    text: &'a str,
    packages: Vec<Range<usize>>,
    rest: Value,
}

impl<'a> Pieces<'a> {
    /// Cuts a file. Everything but its packages is parsed.
    ///
    /// # Errors
    /// What is no TOML, [`JsonError::TooLarge`] over [`limits::LOCK_FILE_BYTES`], [`limits::LOCK_VALUES`],
    /// [`limits::LOCK_PIECE_VALUES`], [`limits::LOCK_PIECE_BYTES`], [`limits::JSON_DEPTH`] or [`limits::DEPENDENCIES`].
    pub(super) fn cut(file: &'static str, bytes: &'a [u8]) -> Result<Self, JsonError> {
        if bytes.len() > limits::LOCK_FILE_BYTES {
            let what = format!("a TOML document of {} bytes", bytes.len());
            return Err(JsonError::TooLarge { what, limit: limits::LOCK_FILE_BYTES });
        }
        let text = std::str::from_utf8(bytes).map_err(|e| syntax(format!("not TOML: {e}")))?;
        let Cut { packages, rest } = cut(text)?;
        // Line breaks stand for what was cut out, so that errors name the right line.
        let mut document = String::new();
        let mut at = 0;
        for range in rest {
            document.extend(text[at..range.start].matches('\n'));
            document.push_str(&text[range.clone()]);
            at = range.end;
        }
        let rest: Value = toml::from_str(&document).map_err(|e| not_toml(&document, 0, &e))?;
        if !packages.is_empty() && rest.get("package").is_some() {
            return Err(JsonError::DuplicateKey { key: "package".to_owned() });
        }
        Ok(Self { file, text, packages, rest })
    }

    /// The file without its packages.
    pub(super) fn rest(&self) -> Field<'_> {
        Field::root(self.file, &self.rest)
    }

    /// Parses each package in turn.
    ///
    /// # Errors
    /// The first of `read`, or of a package that is no TOML.
    pub(super) fn each_package(
        &self,
        mut read: impl FnMut(&Field<'_>) -> Result<(), JsonError>,
    ) -> Result<(), JsonError> {
        if let Some(inline) = self.rest().get("package")? {
            inline.list(limits::DEPENDENCIES)?.iter().try_for_each(&mut read)?;
        }
        let (mut line, mut counted) = (0, 0);
        for (i, range) in self.packages.iter().enumerate() {
            line += self.text[counted..range.start].matches('\n').count();
            counted = range.start;
            let piece = &self.text[range.clone()];
            let value: Value = toml::from_str(piece).map_err(|e| not_toml(piece, line, &e))?;
            let package = value.get("package").and_then(|all| all.get(0)).unwrap_or(&Value::Null);
            read(&Field::root(&format!("{}.package[{i}]", self.file), package))?;
        }
        Ok(())
    }
}

fn syntax(message: String) -> JsonError {
    JsonError::Syntax { message }
}

fn not_toml(text: &str, before: usize, e: &toml::de::Error) -> JsonError {
    let line = e.span().map_or(0, |s| text[..s.start.min(text.len())].matches('\n').count() + 1);
    syntax(format!("not TOML: {} at line {}", e.message(), before + line))
}

struct Cut {
    packages: Vec<Range<usize>>,
    rest: Vec<Range<usize>>,
}

/// What a header begins.
enum Header {
    /// `[[package]]`.
    Package,
    /// A table of the package before it: `[package.metadata]`.
    OfPackage,
    /// Any other table.
    Other,
}

/// What was counted of the piece that is being read.
#[derive(Default)]
struct Count {
    values: usize,
    bytes: usize,
}

fn cut(text: &str) -> Result<Cut, JsonError> {
    let mut out = Cut { packages: Vec::new(), rest: Vec::new() };
    let (mut total, mut of_rest, mut of_package) = (0, Count::default(), Count::default());
    let (mut in_package, mut begun) = (false, 0);
    let (mut depth, mut dots, mut fresh_line, mut header) = (0usize, 0usize, true, None);
    let mut close = |in_package: bool, range: Range<usize>, of_package: &mut Count, of_rest: &mut Count| {
        let count = if in_package { &mut *of_package } else { &mut *of_rest };
        count.bytes += range.len();
        let checked = count.check();
        if in_package {
            out.packages.push(range);
            *of_package = Count::default();
        } else {
            out.rest.push(range);
        }
        checked
    };
    let mut packages = 0usize;
    for token in toml_parser::Source::new(text).lex() {
        let (kind, span) = (token.kind(), token.span());
        let ended = matches!(kind, TokenKind::Newline | TokenKind::Eof);
        if let Some(start) = header.filter(|_| ended) {
            header = None;
            let next = header_of(&text[start..span.start()])?;
            if matches!(next, Header::Package) || (in_package && matches!(next, Header::Other)) {
                close(in_package, begun..start, &mut of_package, &mut of_rest)?;
                begun = start;
                in_package = matches!(next, Header::Package);
                packages += usize::from(in_package);
            }
            if packages > limits::DEPENDENCIES {
                let what = format!("the number of packages, {packages} by byte {start},");
                return Err(JsonError::TooLarge { what, limit: limits::DEPENDENCIES });
            }
        }
        let count = if in_package { &mut of_package } else { &mut of_rest };
        let mut add = || {
            count.values += 1;
            total += 1;
        };
        match kind {
            TokenKind::LeftSquareBracket if depth == 0 && fresh_line => {
                header = Some(span.start());
                add();
            }
            TokenKind::LeftSquareBracket | TokenKind::LeftCurlyBracket if header.is_none() => {
                depth += 1;
                add();
            }
            TokenKind::RightSquareBracket | TokenKind::RightCurlyBracket if header.is_none() => {
                depth = depth.saturating_sub(1);
            }
            TokenKind::Atom
            | TokenKind::LiteralString
            | TokenKind::BasicString
            | TokenKind::MlLiteralString
            | TokenKind::MlBasicString => add(),
            TokenKind::Dot => dots += 1,
            _ => {}
        }
        if matches!(kind, TokenKind::Equals | TokenKind::Comma) || ended {
            dots = 0;
        }
        if depth.max(dots) > limits::JSON_DEPTH {
            return Err(JsonError::TooLarge {
                what: "the nesting of a TOML document".into(),
                limit: limits::JSON_DEPTH,
            });
        }
        fresh_line = if kind == TokenKind::Newline { depth == 0 } else { fresh_line && kind == TokenKind::Whitespace };
    }
    close(in_package, begun..text.len(), &mut of_package, &mut of_rest)?;
    if total > limits::LOCK_VALUES {
        let what = format!("the number of keys and values of a lock file, {total},");
        return Err(JsonError::TooLarge { what, limit: limits::LOCK_VALUES });
    }
    Ok(out)
}

impl Count {
    fn check(&self) -> Result<(), JsonError> {
        if self.values > limits::LOCK_PIECE_VALUES {
            let what = format!("the number of keys and values of one part of a lock file, {},", self.values);
            return Err(JsonError::TooLarge { what, limit: limits::LOCK_PIECE_VALUES });
        }
        if self.bytes > limits::LOCK_PIECE_BYTES {
            let what = format!("the size of one part of a lock file, {} bytes,", self.bytes);
            return Err(JsonError::TooLarge { what, limit: limits::LOCK_PIECE_BYTES });
        }
        Ok(())
    }
}

/// What a header is, as TOML reads it: its key may be written in quotes and with escapes.
fn header_of(text: &str) -> Result<Header, JsonError> {
    if text.trim_end() == "[[package]]" {
        return Ok(Header::Package);
    }
    if text.len() > limits::VALUE_BYTES {
        return Err(JsonError::TooLarge { what: "the name of a table (bytes)".into(), limit: limits::VALUE_BYTES });
    }
    // What is no header is found by whoever parses the piece that it stands in.
    let Ok(Value::Object(table)) = toml::from_str::<Value>(text) else { return Ok(Header::Other) };
    Ok(match table.get("package") {
        None => Header::Other,
        Some(Value::Array(all)) if all.len() == 1 && all[0].as_object().is_some_and(serde_json::Map::is_empty) => {
            Header::Package
        }
        Some(_) => Header::OfPackage,
    })
}
