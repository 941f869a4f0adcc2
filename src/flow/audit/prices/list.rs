//! A list of prices as somebody writes it: which model, from which day until which, and what a million tokens of each class cost.

use crate::inquiry::Amount;
use crate::model::code::{LIMIT_EXCEEDED, codes};
use crate::model::yaml::{Bounds, Kind, Node, YamlError};
use crate::model::{Code, Timestamp, limits};

/// What of a list is read.
const BOUNDS: Bounds = Bounds {
    what: "a list of prices",
    bytes: limits::PRICES_BYTES,
    nodes: limits::PRICES_NODES,
    depth: limits::JSON_DEPTH,
};
/// The one currency that costs of the log are in.
const CURRENCY: &str = "USD";

/// Classes of tokens: the field of a record that counts them, and what their price is called in a list.
pub(super) const CLASSES: [(&str, &str); 4] = [
    ("tokens_in", "in"),
    ("tokens_out", "out"),
    ("tokens_cache_read", "cacheRead"),
    ("tokens_cache_write", "cacheWrite"),
];

/// Why a list of prices cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PricesError {
    /// It is not in the form of one.
    #[error("line {line}: expected {expected}, found {found}")]
    Malformed {
        /// Line, from 1.
        line: usize,
        /// What belongs there.
        expected: String,
        /// What is there.
        found: String,
    },
    /// Two prices hold for one model on one day.
    #[error("line {line}: `{model}` has a price on {day} already, by line {before}")]
    Overlaps {
        /// Line of the second one, from 1.
        line: usize,
        /// Line of the first one.
        before: usize,
        /// The model that the second one names.
        model: String,
        /// The first day on which both hold.
        day: String,
    },
    /// It is over a limit.
    #[error("{what} of the list of prices is over the limit of {limit}")]
    TooLarge {
        /// What was counted.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
}

codes! {
    /// Codes of [`PricesError`].
    LIST;
    MALFORMED = "audit-prices-malformed", [Caller],
        "a list of prices is not in the form of one",
        "see the line in the message, and docs/audit/sources.md for the form";
    OVERLAPS = "audit-prices-overlap", [Caller],
        "two prices of a list hold for one model on one day, so that neither is the price",
        "end the older one with `until` on the day before the newer one begins, or name models so that only one of the two fits";
}

impl PricesError {
    /// Every code that this error can have.
    pub const CODES: &'static [Code] = LIST;

    /// The stable code.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Malformed { .. } => MALFORMED,
            Self::Overlaps { .. } => OVERLAPS,
            Self::TooLarge { .. } => LIMIT_EXCEEDED,
        }
    }
}

/// What a model costs for some time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Price {
    line: usize,
    /// Its name; `*` stands for any characters, also none.
    pub(super) model: String,
    /// The first and the last day, in days since 1970.
    days: (i64, i64),
    /// Of a million tokens of each class.
    pub(super) classes: [Option<Amount>; 4],
}

impl Price {
    /// Whether it is of one model by its whole name.
    pub(super) fn is_exact(&self) -> bool {
        !self.model.contains('*')
    }

    /// Whether it is of a model.
    pub(super) fn fits(&self, model: &str) -> bool {
        meet(self.model.as_bytes(), model.as_bytes(), false)
    }

    /// Whether it holds on a day.
    pub(super) fn holds(&self, day: i64) -> bool {
        (self.days.0..=self.days.1).contains(&day)
    }
}

/// Reads a list.
///
/// # Errors
/// [`PricesError`].
pub(super) fn read(text: &str) -> Result<Vec<Price>, PricesError> {
    let node = Node::parse(text, &BOUNDS).map_err(|e| match e {
        YamlError::TooLarge { what, limit } => PricesError::TooLarge { what, limit },
        YamlError::Syntax { line, message, .. } => {
            PricesError::Malformed { line, expected: "YAML or JSON".into(), found: message }
        }
    })?;
    let Kind::Map(members) = &node.kind else { return Err(wrong(&node, "a map with `currency` and `prices`")) };
    let (mut currency, mut prices) = (false, None);
    for (key, value) in members {
        match (key.as_str(), &value.kind) {
            ("currency", Kind::Text(text)) if text == CURRENCY => currency = true,
            ("currency", _) => return Err(wrong(value, format!("`{CURRENCY}`, in which the log counts"))),
            ("prices", Kind::List(items)) => prices = Some(items),
            ("prices", _) => return Err(wrong(value, "a list of prices")),
            _ => return Err(other(value.line, "`currency` or `prices`", key)),
        }
    }
    let (Some(items), true) = (prices, currency) else {
        return Err(wrong(&node, "both `currency` and `prices`"));
    };
    if items.len() > limits::PRICES {
        return Err(PricesError::TooLarge { what: "the number of prices", limit: limits::PRICES });
    }
    let all = items.iter().map(price).collect::<Result<Vec<_>, _>>()?;
    for (at, one) in all.iter().enumerate() {
        let overlaps = |before: &&Price| {
            before.is_exact() == one.is_exact()
                && before.days.0 <= one.days.1
                && one.days.0 <= before.days.1
                && meet(before.model.as_bytes(), one.model.as_bytes(), true)
        };
        if let Some(before) = all[..at].iter().find(overlaps) {
            let day = written(before.days.0.max(one.days.0));
            return Err(PricesError::Overlaps { line: one.line, before: before.line, model: one.model.clone(), day });
        }
    }
    Ok(all)
}

fn price(node: &Node) -> Result<Price, PricesError> {
    const FIELDS: &str = "`model`, `from`, `until`, `in`, `out`, `cacheRead` or `cacheWrite`";
    let Kind::Map(members) = &node.kind else { return Err(wrong(node, "a price, as a map")) };
    let (mut model, mut from, mut until, mut classes) = (None, None, None, [None; 4]);
    for (key, value) in members {
        let class = CLASSES.iter().position(|(_, name)| name == key);
        match (key.as_str(), class) {
            ("model", _) => model = Some(name(value)?),
            ("from", _) => from = Some(day(value)?),
            ("until", _) => until = Some(day(value)?),
            (_, Some(at)) => classes[at] = Some(amount(value)?),
            _ => return Err(other(value.line, FIELDS, key)),
        }
    }
    let (Some(model), Some(from)) = (model, from) else { return Err(wrong(node, "both `model` and `from`")) };
    if classes.iter().all(Option::is_none) {
        return Err(wrong(node, "a price of at least one class: `in`, `out`, `cacheRead`, `cacheWrite`"));
    }
    let days = (from, until.unwrap_or(i64::MAX));
    if days.1 < days.0 {
        return Err(wrong(node, "an `until` that is not before `from`"));
    }
    Ok(Price { line: node.line, model, days, classes })
}

fn name(node: &Node) -> Result<String, PricesError> {
    match &node.kind {
        Kind::Text(text)
            if !text.is_empty() && text.len() <= limits::PRICE_MODEL_BYTES && !text.chars().any(char::is_control) =>
        {
            Ok(text.clone())
        }
        _ => Err(wrong(node, format!("the name of a model, of at most {} bytes", limits::PRICE_MODEL_BYTES))),
    }
}

/// A day of UTC, in days since 1970.
fn day(node: &Node) -> Result<i64, PricesError> {
    let Kind::Text(text) = &node.kind else { return Err(wrong(node, "a day, as 2026-01-31")) };
    let time =
        Some(text).filter(|text| text.len() == 10).and_then(|text| Timestamp::parse(&format!("{text}T00:00:00Z")).ok());
    time.map(day_of).ok_or_else(|| wrong(node, "a day, as 2026-01-31"))
}

/// The day of a time, in days since 1970.
pub(super) fn day_of(time: Timestamp) -> i64 {
    time.unix().div_euclid(86_400)
}

fn written(day: i64) -> String {
    let time = day.checked_mul(86_400).and_then(Timestamp::from_unix);
    time.map_or_else(|| "that day".into(), |time| time.to_string().chars().take(10).collect())
}

/// A price of a million tokens that gives an exact one of a token.
fn amount(node: &Node) -> Result<Amount, PricesError> {
    let expected =
        "dollars for a million tokens, as 3 or 0.30, with at most 6 digits before the point and 12 behind it";
    let Kind::Text(text) = &node.kind else { return Err(wrong(node, expected)) };
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let is_short = whole.len() <= 6 && part.len() <= 12;
    Amount::parse(text).filter(|_| is_short).ok_or_else(|| wrong(node, expected))
}

/// Whether a pattern fits a name, or with `both` whether there is a name that two patterns fit.
fn meet(one: &[u8], other: &[u8], both: bool) -> bool {
    // Which beginnings of the other one meet the beginning of this one that was looked at so far.
    let mut row = vec![false; other.len() + 1];
    row[0] = true;
    let is_any = |byte: u8| both && byte == b'*';
    for at in 0..other.len() {
        row[at + 1] = row[at] && is_any(other[at]);
    }
    for byte in one {
        let mut next = vec![false; other.len() + 1];
        next[0] = row[0] && *byte == b'*';
        for at in 0..other.len() {
            // What stands for anything stands for nothing, or for one character more.
            next[at + 1] = match *byte == b'*' || is_any(other[at]) {
                true => row[at + 1] || next[at],
                false => row[at] && *byte == other[at],
            };
        }
        row = next;
    }
    row[other.len()]
}

fn wrong(node: &Node, expected: impl Into<String>) -> PricesError {
    PricesError::Malformed { line: node.line, expected: expected.into(), found: node.describe() }
}

fn other(line: usize, expected: &str, key: &str) -> PricesError {
    let found = format!("`{}`", key.chars().take(80).collect::<String>());
    PricesError::Malformed { line, expected: expected.into(), found }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(prices: &str) -> Result<Vec<Price>, PricesError> {
        read(&format!("currency: USD\nprices:\n{prices}"))
    }

    #[test]
    fn yaml_and_json_are_one_list() {
        let yaml = listed("- { model: m-1, from: 2026-01-01, until: 2026-01-31, in: 3, cacheRead: 0.30 }\n").unwrap();
        let json = r#"{"prices":[{"model":"m-1","from":"2026-01-01","until":"2026-01-31","in":3,"cacheRead":"0.3"}],"currency":"USD"}"#;
        let json = read(json).unwrap();
        assert_eq!((yaml[0].days, yaml[0].classes), (json[0].days, json[0].classes));
        assert_eq!(yaml[0].classes[2].map(Amount::exact), Some("0.3".into()));
        assert_eq!(yaml[0].classes[1], None, "what is not said is not free");
    }

    #[test]
    fn what_is_no_list_is_refused_with_its_line() {
        let good = "- { model: m, from: 2026-01-01, in: 3 }\n";
        assert!(listed(good).is_ok());
        for (bad, word) in [
            ("- { model: m, from: 2026-01-01 }\n", "at least one class"),
            ("- { model: m, in: 3 }\n", "both `model` and `from`"),
            ("- { from: 2026-01-01, in: 3 }\n", "both `model` and `from`"),
            ("- { model: '', from: 2026-01-01, in: 3 }\n", "name of a model"),
            ("- { model: m, from: 2026-02-30, in: 3 }\n", "a day"),
            ("- { model: m, from: 2026-01-01T00:00:00Z, in: 3 }\n", "a day"),
            ("- { model: m, from: 2026-01-02, until: 2026-01-01, in: 3 }\n", "not before `from`"),
            ("- { model: m, from: 2026-01-01, in: -3 }\n", "dollars"),
            ("- { model: m, from: 2026-01-01, in: 3e2 }\n", "dollars"),
            ("- { model: m, from: 2026-01-01, in: 0.1234567890123 }\n", "dollars"),
            ("- { model: m, from: 2026-01-01, in: 1234567 }\n", "dollars"),
            ("- { model: m, from: 2026-01-01, in: 3, in: 4 }\n", "duplicate"),
            ("- { model: m, from: 2026-01-01, input: 3 }\n", "`input`"),
            ("- m\n", "a price"),
        ] {
            let e = listed(bad).unwrap_err();
            assert!(e.to_string().contains(word) && e.to_string().starts_with("line 3"), "{bad}: {e}");
            assert_eq!(e.code().as_str(), "audit-prices-malformed");
        }
        let whole = |text: &str| read(text).unwrap_err().to_string();
        assert!(whole("currency: EUR\nprices: []\n").contains("`USD`"));
        assert!(whole("prices: []\n").contains("both `currency`") && whole("currency: USD\n").contains("both"));
        assert!(whole("[]").contains("a map") && whole("currency: USD\nprices: x\n").contains("a list"));
        let many = good.replace(" m,", " NAME,").repeat(limits::PRICES + 1);
        assert!(matches!(listed(&many), Err(PricesError::TooLarge { .. })));
    }

    #[test]
    fn two_prices_of_one_day_are_no_price() {
        let two = |one: &str, other: &str| {
            let all = listed(&format!("- {{ {one}, in: 3 }}\n- {{ {other}, in: 4 }}\n"));
            all.map(|all| all.len()).map_err(|e| (e.code().as_str(), e.to_string()))
        };
        let first = "model: m, from: 2026-01-01, until: 2026-01-31";
        assert_eq!(two(first, "model: m, from: 2026-02-01"), Ok(2), "the day after its last one");
        assert_eq!(two("model: m, from: 2026-02-01", first), Ok(2), "in whatever order");
        let (code, message) = two(first, "model: m, from: 2026-01-31").unwrap_err();
        assert_eq!(code, "audit-prices-overlap");
        assert_eq!(message, "line 4: `m` has a price on 2026-01-31 already, by line 3");
        assert!(two("model: m, from: 2026-01-01", "model: m, from: 2026-02-01").is_err(), "the older one has no end");
        assert_eq!(two(first, "model: n, from: 2026-01-31"), Ok(2), "another model");
        assert!(two("model: a*, from: 2026-01-01", "model: '*b', from: 2026-01-01").is_err(), "`ab` would have two");
        assert!(two("model: a*c, from: 2026-01-01", "model: 'ab*', from: 2026-01-01").is_err(), "`abc`");
        assert_eq!(two("model: a*, from: 2026-01-01", "model: 'b*', from: 2026-01-01"), Ok(2));
        assert_eq!(two("model: a*, from: 2026-01-01", "model: ab, from: 2026-01-01"), Ok(2), "the whole name counts");
    }

    #[test]
    fn a_pattern_fits_whole_names() {
        let fits = |pattern: &str, name: &str| meet(pattern.as_bytes(), name.as_bytes(), false);
        for (pattern, name) in
            [("m", "m"), ("m*", "m"), ("*", ""), ("a*b*c", "a-b-b-c"), ("*/m-*", "x/m-1"), ("**", "a")]
        {
            assert!(fits(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [("m", "M"), ("m", "m1"), ("m*", "xm"), ("a*b", "abc"), ("a", "*"), ("", "a")] {
            assert!(!fits(pattern, name), "{pattern} {name}");
        }
    }
}
