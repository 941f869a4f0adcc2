//! Whom a certificate names: issuer, identity and claims, each by any of several patterns.

use crate::policy::Glob;
use std::collections::BTreeMap;
use std::fmt;

/// Fulcio's claims under `certificate:` in a policy, by the last arc of 1.3.6.1.4.1.57264.1.x (fulcio/docs/oid-info.md).
pub const CLAIMS: &[(&str, u32)] = &[
    ("buildSignerUri", 9),
    ("buildSignerDigest", 10),
    ("runnerEnvironment", 11),
    ("sourceRepositoryUri", 12),
    ("sourceRepositoryDigest", 13),
    ("sourceRepositoryRef", 14),
    ("sourceRepositoryIdentifier", 15),
    ("sourceRepositoryOwnerUri", 16),
    ("sourceRepositoryOwnerIdentifier", 17),
    ("buildConfigUri", 18),
    ("buildConfigDigest", 19),
    ("buildTrigger", 20),
    ("runInvocationUri", 21),
    ("sourceRepositoryVisibilityAtSigning", 22),
    ("deploymentEnvironment", 23),
    ("tokenSubject", 24),
];

/// Most characters of a regular expression.
const PATTERN_CHARS: usize = 2048;

/// A regular expression that must match a whole text. It takes time linear in the text, whatever the pattern.
#[derive(Clone)]
pub struct Regexp {
    pattern: String,
    whole: regex_lite::Regex,
    part: regex_lite::Regex,
}

impl Regexp {
    /// Reads a pattern.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn parse(pattern: &str) -> Result<Self, String> {
        if pattern.is_empty() || pattern.len() > PATTERN_CHARS {
            return Err(format!("expected 1 to {PATTERN_CHARS} characters, found {}", pattern.len()));
        }
        // By itself first: `a)|(b` must not become one because of what is put around it.
        let part = regex_lite::Regex::new(pattern).map_err(|e| e.to_string())?;
        let whole = regex_lite::Regex::new(&format!(r"\A(?:{pattern})\z"));
        // A pattern may end in a comment (`(?x) a # b`), which would swallow the end.
        let whole = whole.or_else(|_| regex_lite::Regex::new(&format!("\\A(?:{pattern}\n)\\z")));
        Ok(Self { pattern: pattern.to_owned(), whole: whole.map_err(|e| e.to_string())?, part })
    }

    /// Whether the whole text matches.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        self.whole.is_match(text)
    }

    /// Whether only a part of the text matches: then other tools, which look for parts, take it.
    #[must_use]
    pub fn matches_part(&self, text: &str) -> bool {
        !self.matches(text) && self.part.is_match(text)
    }
}

impl PartialEq for Regexp {
    fn eq(&self, other: &Self) -> bool {
        self.pattern == other.pattern
    }
}

impl Eq for Regexp {}

impl fmt::Debug for Regexp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "/{}/", self.pattern)
    }
}

/// One pattern over a text of a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TextMatch {
    /// The text itself.
    Exact(String),
    /// A glob over the whole text.
    Glob(Glob),
    /// A regular expression over the whole text.
    Regexp(Regexp),
    /// All of these patterns must match: several flags that speak of one text. An empty list matches nothing.
    All(Vec<Self>),
    /// Any of these patterns: one flag that is given several times. An empty list matches nothing.
    Any(Vec<Self>),
    /// The text in any case of its ASCII letters, as GitHub's owners and repositories are named.
    AnyCase(String),
    /// A workflow at whatever ref: what stands before the first `@` matches the glob. A ref may hold `@` itself.
    Workflow {
        /// Its path.
        path: Glob,
        /// Whether the path is in lower case, and meant in any.
        any_case: bool,
    },
}

impl TextMatch {
    /// Whether the text matches.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        match self {
            Self::Exact(wanted) => wanted == text,
            Self::Glob(glob) => glob.matches(text),
            Self::Regexp(regexp) => regexp.matches(text),
            Self::All(demands) => !demands.is_empty() && demands.iter().all(|m| m.matches(text)),
            Self::Any(choices) => choices.iter().any(|m| m.matches(text)),
            Self::AnyCase(wanted) => wanted.eq_ignore_ascii_case(text),
            Self::Workflow { path, any_case } => text.split_once('@').is_some_and(|(found, reference)| {
                !reference.is_empty()
                    && if *any_case { path.matches(&found.to_ascii_lowercase()) } else { path.matches(found) }
            }),
        }
    }

    /// What a person is told where only an `@` keeps a text from matching a glob.
    fn at_hint(&self, text: &str) -> &'static str {
        match self {
            Self::Glob(glob) => glob.at_hint(text),
            Self::All(list) | Self::Any(list) => {
                list.iter().map(|m| m.at_hint(text)).find(|h| !h.is_empty()).unwrap_or_default()
            }
            _ => "",
        }
    }

    /// Whether a regular expression of it matches only a part of the text.
    fn matches_part(&self, text: &str) -> bool {
        match self {
            Self::Regexp(regexp) => regexp.matches_part(text),
            Self::All(list) | Self::Any(list) => list.iter().any(|m| m.matches_part(text)),
            _ => false,
        }
    }
}

impl fmt::Display for TextMatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(text) | Self::AnyCase(text) => f.write_str(text),
            Self::Workflow { path, .. } => write!(f, "{path}@**"),
            Self::Glob(glob) => write!(f, "{glob}"),
            Self::All(demands) => {
                let all: Vec<_> = demands.iter().map(ToString::to_string).collect();
                f.write_str(&all.join("` and `"))
            }
            Self::Any(choices) => {
                let any: Vec<_> = choices.iter().map(ToString::to_string).collect();
                f.write_str(&any.join("` or `"))
            }
            Self::Regexp(regexp) => f.write_str(&regexp.pattern),
        }
    }
}

/// What a certificate must say. Of each list any one entry must match; all lists must be met.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CertificateMatch {
    /// OIDC issuers; at least one.
    pub issuers: Vec<TextMatch>,
    /// Subject alternative names; at least one.
    pub identities: Vec<TextMatch>,
    /// Claims by last arc.
    pub claims: Vec<(u32, Vec<TextMatch>)>,
}

impl CertificateMatch {
    /// A certificate of any of these issuers that names any of these identities. An empty list matches nothing.
    #[must_use]
    pub fn of(issuers: Vec<TextMatch>, identities: Vec<TextMatch>) -> Self {
        Self { issuers, identities, claims: Vec::new() }
    }

    /// Adds a claim by its last arc: any of the texts will do.
    #[must_use]
    pub fn claim(mut self, arc: u32, texts: Vec<TextMatch>) -> Self {
        self.claims.push((arc, texts));
        self
    }

    /// Whether a verified certificate says it. With no issuer or no identity listed, none does.
    #[must_use]
    pub fn matches(&self, identity: &str, issuer: &str, claims: &BTreeMap<u32, String>) -> bool {
        let any = |list: &[TextMatch], text: &str| list.iter().any(|m| m.matches(text));
        let claimed = |(arc, list): &(u32, Vec<TextMatch>)| claims.get(arc).is_some_and(|text| any(list, text));
        any(&self.issuers, issuer) && any(&self.identities, identity) && self.claims.iter().all(claimed)
    }

    /// What of it a certificate does not say: name, demanded, found.
    #[must_use]
    pub fn unmet(
        &self,
        identity: &str,
        issuer: &str,
        claims: &BTreeMap<u32, String>,
    ) -> Vec<(&'static str, String, Option<String>)> {
        let listed = |list: &[TextMatch]| list.iter().map(|m| format!("`{m}`")).collect::<Vec<_>>().join(" or ");
        let mut out = Vec::new();
        let mut look = |what, list: &[TextMatch], text: Option<&str>| {
            if !text.is_some_and(|t| list.iter().any(|m| m.matches(t))) {
                let part = |m: &TextMatch| text.is_some_and(|t| m.matches_part(t));
                let at = text.and_then(|t| list.iter().map(|m| m.at_hint(t)).find(|h| !h.is_empty()));
                let hint = if let Some(at) = at {
                    at
                } else if list.iter().any(part) {
                    " (it matches a part of what was found; here a regular expression must match the whole, so say `.*` \
                     where anything may stand)"
                } else {
                    ""
                };
                out.push((what, format!("{}{hint}", listed(list)), text.map(str::to_owned)));
            }
        };
        look("certificate issuer", &self.issuers, Some(issuer));
        look("certificate identity", &self.identities, Some(identity));
        for (arc, list) in &self.claims {
            let name = CLAIMS.iter().find(|(_, a)| a == arc).map_or("certificate claim", |(name, _)| name);
            look(name, list, claims.get(arc).map(String::as_str));
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_regular_expression_matches_the_whole_or_says_why_not() {
        let r = |p: &str| Regexp::parse(p).unwrap();
        for (pattern, text, whole) in [
            ("https://github.com/acme/.*", "https://github.com/acme/app", true),
            ("https://github.com/acme/", "https://github.com/acme/app", false),
            ("acme", "https://github.com/acme/app", false),
            ("^acme$", "acme", true),
            ("a|b", "ab", false),
            ("a|b", "b", true),
            ("a", "a\n", false),
            ("(?m)^a$", "a\nb", false),
            ("(?x) a # b", "a", true),
        ] {
            assert_eq!(r(pattern).matches(text), whole, "{pattern} {text:?}");
        }
        assert!(r("acme").matches_part("https://github.com/acme/app") && !r("acme").matches_part("acme"));
        for bad in ["", "(", "a)|(b", "\\"] {
            assert!(Regexp::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn every_part_of_a_match_counts() {
        let exact = |t: &str| vec![TextMatch::Exact(t.into())];
        let wanted = CertificateMatch {
            issuers: exact("i"),
            identities: exact("s"),
            claims: vec![(11, exact("github-hosted"))],
        };
        let claims = |v: &str| BTreeMap::from([(11, v.to_owned())]);
        assert!(wanted.matches("s", "i", &claims("github-hosted")));
        for (identity, issuer, claims, what) in [
            ("x", "i", claims("github-hosted"), "certificate identity"),
            ("s", "x", claims("github-hosted"), "certificate issuer"),
            ("s", "i", claims("self-hosted"), "runnerEnvironment"),
            ("s", "i", BTreeMap::new(), "runnerEnvironment"),
        ] {
            assert!(!wanted.matches(identity, issuer, &claims));
            assert_eq!(wanted.unmet(identity, issuer, &claims)[0].0, what);
        }
        assert!(!CertificateMatch::default().matches("s", "i", &BTreeMap::new()));
    }
}
