//! Forms by which a credential is known without its value: well-known tokens, private keys, passwords in URLs.

use super::escapes::percent_decoded;
use super::words::{is_example_of_aws, is_example_token, is_placeholder};
use aho_corasick::AhoCorasick;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use std::sync::LazyLock;

/// A beginning, in lower case, that only tokens of one kind have, and what must follow it.
struct Shape {
    kind: &'static str,
    beginning: &'static str,
    /// Beside letters and digits.
    also: &'static [u8],
    /// How many of these characters follow at least.
    least: usize,
}

const fn shape(kind: &'static str, beginning: &'static str, also: &'static [u8], least: usize) -> Shape {
    Shape { kind, beginning, also, least }
}

const SHAPES: &[Shape] = &[
    shape("a GitHub token", "ghp_", b"", 36),
    shape("a GitHub token", "gho_", b"", 36),
    shape("a GitHub token", "ghu_", b"", 36),
    shape("a GitHub token", "ghs_", b"", 36),
    shape("a GitHub token", "ghr_", b"", 36),
    shape("a GitHub token", "github_pat_", b"_", 36),
    shape("a GitLab token", "glpat-", b"_-", 20),
    shape("a GitLab token", "gldt-", b"_-", 20),
    shape("a GitLab token", "glrt-", b"_-", 20),
    shape("a GitLab token", "glcbt-", b"_-", 20),
    shape("a GitLab token", "glptt-", b"_-", 20),
    shape("a GitLab token", "gloas-", b"_-", 20),
    shape("a Slack token", "xoxb-", b"-", 20),
    shape("a Slack token", "xoxp-", b"-", 20),
    shape("a Slack token", "xoxa-", b"-", 20),
    shape("a Slack token", "xoxs-", b"-", 20),
    shape("a Slack token", "xapp-", b"-", 20),
    shape("a Slack webhook", "hooks.slack.com/services/", b"/", 20),
    shape("an npm token", "npm_", b"", 36),
    shape("a PyPI token", "pypi-ageichlwas5vcmc", b"_-", 20),
    shape("an Anthropic key", "sk-ant-", b"_-", 20),
    shape("a Stripe key", "sk_live_", b"", 20),
    shape("a Hugging Face token", "hf_", b"", 34),
    shape("a Google API key", "aiza", b"_-", 35),
];

/// How a private key begins, in lower case.
const PEM: &str = "-----begin";
/// How AWS's access keys begin.
const AWS: [&str; 2] = ["AKIA", "ASIA"];
/// How a JSON object begins in base64.
const JSON: &str = "eyJ";
/// What follows the scheme of a URL.
const URL: &str = "://";

/// How each of the forms begins, in any case. Nearly every text has none of these: then one reading of it is enough. Nothing
/// where they cannot be searched for together, which makes the search slower.
static BEGINNINGS: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    let all = SHAPES.iter().map(|shape| shape.beginning).chain(AWS).chain([PEM, JSON, URL]);
    AhoCorasick::builder().ascii_case_insensitive(true).build(all).ok()
});

/// Runs of base64 that are shorter hold no token.
const RUN: usize = 24;

/// What kind of credential the text holds, if one is known by its form; base64 is looked into twice, wherever it begins.
pub(super) fn known(text: &str) -> Option<&'static str> {
    known_within(text, 2)
}

/// Whether what the text holds is, or has beside it, a secret that a person may have made up: a password in a URL.
pub(super) fn is_guessable(text: &str) -> bool {
    within(text, 2, &|text| password_in_url(text).then_some("")).is_some()
}

fn known_within(text: &str, encodings: usize) -> Option<&'static str> {
    within(text, encodings, &plain)
}

/// What `look` finds in the text, or in what it holds in base64, encoded up to so many times.
fn within(text: &str, encodings: usize, look: &dyn Fn(&str) -> Option<&'static str>) -> Option<&'static str> {
    look(text).or_else(|| {
        let inner = encodings.checked_sub(1)?;
        [("+/", &STANDARD_NO_PAD), ("-_", &URL_SAFE_NO_PAD)].into_iter().find_map(|(also, engine)| {
            let runs = text.split(|c: char| !c.is_ascii_alphanumeric() && !also.contains(c));
            runs.filter(|run| run.len() >= RUN).find_map(|run| {
                // What stands before it (the `/` of a path, say) may be of the same characters.
                (0..4).find_map(|skipped| {
                    let run = &run[skipped..];
                    // Of one that was cut off, the last characters decode to nothing.
                    let whole = &run[..run.len() - usize::from(run.len() % 4 == 1)];
                    let bytes = engine.decode(whole).or_else(|_| engine.decode(&run[..run.len() / 4 * 4]));
                    within(text_of(&bytes.ok()?), inner, look)
                })
            })
        })
    })
}

/// The text that the bytes begin with.
fn text_of(bytes: &[u8]) -> &str {
    let end = std::str::from_utf8(bytes).map_or_else(|e| e.valid_up_to(), |t| t.len());
    std::str::from_utf8(&bytes[..end]).unwrap_or_default()
}

fn plain(text: &str) -> Option<&'static str> {
    if BEGINNINGS.as_ref().is_some_and(|all| !all.is_match(text)) {
        return None;
    }
    let lower = text.to_ascii_lowercase();
    token(&lower)
        .or_else(|| private_key(&lower).then_some("a private key"))
        .or_else(|| aws(text).then_some("an AWS access key"))
        .or_else(|| jwt(text).then_some("a signed token"))
        .or_else(|| password_in_url(text).then_some("a URL with a password"))
}

fn token(lower: &str) -> Option<&'static str> {
    SHAPES
        .iter()
        .find(|s| {
            starts(lower, s.beginning)
                .any(|rest| run(rest, s.also) >= s.least && !is_one_character(&rest[..run(rest, s.also)]))
        })
        .map(|s| s.kind)
}

/// `ghp_xxxx...`: what documentation writes.
fn is_one_character(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.next().is_some_and(|first| bytes.all(|b| b == first))
}

/// What follows every place where a word begins with `beginning`.
fn starts<'a>(text: &'a str, beginning: &'a str) -> impl Iterator<Item = &'a str> {
    text.match_indices(beginning).filter_map(move |(at, found)| {
        let before = text[..at].bytes().next_back();
        (!before.is_some_and(|b| b.is_ascii_alphanumeric())).then(|| &text[at + found.len()..])
    })
}

/// How many characters of a token stand at the beginning.
fn run(text: &str, also: &[u8]) -> usize {
    text.bytes().take_while(|b| b.is_ascii_alphanumeric() || also.contains(b)).count()
}

/// PEM and OpenSSH; a public key is none.
fn private_key(lower: &str) -> bool {
    lower.match_indices(PEM).any(|(at, found)| {
        let label = lower[at + found.len()..].split("-----").next().unwrap_or_default();
        label.len() <= 48 && label.replace(char::is_whitespace, "").contains("privatekey")
    })
}

/// `AKIA` or `ASIA` and sixteen capitals or digits, a word for itself.
fn aws(text: &str) -> bool {
    AWS.iter().flat_map(|b| starts(text, b)).any(|rest| {
        let is_key = || rest.bytes().take(16).all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
        run(rest, b"") == 16 && is_key() && !is_example_of_aws(&rest[..16])
    })
}

/// Three parts, of which the first two are JSON objects in base64.
fn jwt(text: &str) -> bool {
    starts(text, JSON).any(|rest| {
        let mut parts = rest.split('.').map(|p| (p, run(p, b"_-")));
        let whole = |part: Option<(&str, usize)>| part.is_some_and(|(p, n)| n >= 8 && n == p.len());
        let second = |part: Option<(&str, usize)>| part.is_some_and(|(p, n)| p.starts_with(JSON) && n == p.len());
        let third = |(p, n): (&str, usize)| n >= 16 && !is_example_token(&p[..n]);
        whole(parts.next()) && second(parts.next()) && parts.next().is_some_and(third)
    })
}

fn password_in_url(text: &str) -> bool {
    passwords(text).any(|p| !is_placeholder(&percent_decoded(&percent_decoded(p))))
}

/// The passwords of all URLs in a text, as they are written. A user without one counts where it is as long as a token.
pub(super) fn passwords(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices(URL).filter_map(|(at, found)| {
        let rest = &text[at + found.len()..];
        let end = rest.find(|c: char| c == '/' || c == '?' || c == '#' || c.is_whitespace() || c == '"');
        let (user, _host) = rest[..end.unwrap_or(rest.len())].rsplit_once('@')?;
        match user.split_once(':') {
            Some((_, password)) => (!password.is_empty()).then_some(password),
            None => (user.len() >= 20).then_some(user),
        }
    })
}
