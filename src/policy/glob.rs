//! Globs of policies and flags.

use std::fmt;

/// A pattern over names: `*` matches any run of characters but `/` and `@`; `**` also crosses `/`, never `@`.
///
/// In an identity an `@` separates a workflow from the ref that it ran for, and `refs/heads/x@refs/heads/main` is a legal
/// branch name: there nothing but a literal `@` matches an `@` ([`Glob::matches`]). In a ref by itself, or the name of a
/// subject, it is a character like any other ([`Glob::matches_text`]). All others stand for themselves; the whole text must
/// match.
#[derive(Clone, PartialEq, Eq)]
pub struct Glob {
    pattern: String,
    parts: Vec<Part>,
}

#[derive(Clone, PartialEq, Eq)]
enum Part {
    Literal(String),
    Star,
    DoubleStar,
}

impl Glob {
    /// Reads a pattern; `None` for an empty one, one of over 2,048 characters, or three stars in a row.
    #[must_use]
    pub fn parse(pattern: &str) -> Option<Self> {
        if pattern.is_empty() || pattern.len() > 2048 || pattern.contains("***") {
            return None;
        }
        let mut parts = Vec::new();
        let mut rest = pattern;
        while !rest.is_empty() {
            if let Some(r) = rest.strip_prefix("**") {
                parts.push(Part::DoubleStar);
                rest = r;
            } else if let Some(r) = rest.strip_prefix('*') {
                parts.push(Part::Star);
                rest = r;
            } else {
                let end = rest.find('*').unwrap_or(rest.len());
                parts.push(Part::Literal(rest[..end].to_owned()));
                rest = &rest[end..];
            }
        }
        Some(Self { pattern: pattern.to_owned(), parts })
    }

    /// The pattern that only this text matches.
    #[must_use]
    pub fn exact(text: &str) -> Self {
        Self { pattern: text.to_owned(), parts: vec![Part::Literal(text.to_owned())] }
    }

    /// Whether it has no star.
    #[must_use]
    pub fn is_literal(&self) -> bool {
        self.parts.iter().all(|p| matches!(p, Part::Literal(_)))
    }

    /// Whether the whole text, an identity, matches: a star stands for no `@`.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        self.covers(text, |b| b != b'@')
    }

    /// Whether the whole text matches, in which an `@` is a character like any other: a ref, or the name of a subject,
    /// which ends before any tag or digest.
    #[must_use]
    pub fn matches_text(&self, text: &str) -> bool {
        self.covers(text, |_| true)
    }

    /// What a person is told where only an `@` keeps a text from matching.
    #[must_use]
    pub fn at_hint(&self, text: &str) -> &'static str {
        if !self.matches(text) && self.matches_text(text) {
            " (in an identity no star stands for an `@`: write it out, such as `**@**`)"
        } else {
            ""
        }
    }

    /// Whether the whole text matches, where stars match the bytes that `star` says yes to.
    fn covers(&self, text: &str, star: impl Fn(u8) -> bool) -> bool {
        // Positions of `text` that the parts so far can end at: linear in text x parts, whatever the pattern.
        let mut ends = vec![false; text.len() + 1];
        ends[0] = true;
        for part in &self.parts {
            let mut next = vec![false; text.len() + 1];
            match part {
                Part::Literal(l) => {
                    for (i, _) in ends.iter().enumerate().filter(|(_, e)| **e) {
                        if text.as_bytes()[i..].starts_with(l.as_bytes()) {
                            next[i + l.len()] = true;
                        }
                    }
                }
                Part::Star | Part::DoubleStar => {
                    let mut open = false;
                    for i in 0..=text.len() {
                        open |= ends[i];
                        next[i] = open;
                        if let Some(b) = text.as_bytes().get(i) {
                            open &= star(*b) && (*b != b'/' || *part == Part::DoubleStar);
                        }
                    }
                }
            }
            ends = next;
        }
        ends[text.len()]
    }
}

impl fmt::Display for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.pattern)
    }
}

impl fmt::Debug for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.pattern)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_cross_what_they_may_and_nothing_else() {
        for (pattern, text, want) in [
            ("a", "a", true),
            ("a", "ab", false),
            ("refs/heads/*", "refs/heads/main", true),
            ("refs/heads/*", "refs/heads/x/y", false),
            ("refs/heads/**", "refs/heads/x/y", true),
            ("refs/heads/*", "refs/heads/x@refs/heads/main", false),
            ("**", "a@b", false),
            ("**@**", "a/b@c/d", true),
            ("*@main", "x@y@main", false),
            ("https://h/*/w.yml@refs/heads/main", "https://h/a/w.yml@refs/heads/main", true),
            ("https://h/*/w.yml@refs/heads/main", "https://h/a/b/w.yml@refs/heads/main", false),
            ("a*", "a", true),
            ("*a*", "bab", true),
            ("**/x", "x", false),
            ("a**", "a/b/c", true),
            ("a.c", "abc", false),
            ("é*", "éa", true),
        ] {
            assert_eq!(Glob::parse(pattern).unwrap().matches(text), want, "{pattern} {text}");
        }
        for (pattern, want) in [("**", true), ("file:d/*/app", true), ("file:d/a*", false), ("file:d/a@b/app", true)] {
            assert_eq!(Glob::parse(pattern).unwrap().matches_text("file:d/a@b/app"), want, "{pattern}");
        }
        let tags = Glob::parse("refs/tags/*").unwrap();
        let (plain, with_at, deeper) = ("refs/tags/5", "refs/tags/app@5.0.0", "refs/tags/a/b");
        assert!(tags.matches_text(with_at) && !tags.matches(with_at) && !tags.matches_text(deeper));
        assert!(!tags.at_hint(with_at).is_empty() && tags.at_hint(plain).is_empty() && tags.at_hint(deeper).is_empty());
        assert!(Glob::parse("").is_none() && Glob::parse("a***").is_none());
    }

    #[test]
    fn a_pattern_of_many_stars_ends() {
        let pattern = "*a".repeat(500);
        assert!(!Glob::parse(&pattern).unwrap().matches(&"a".repeat(2000).replace("aaaa", "aaab").replace('a', "b")));
    }
}
