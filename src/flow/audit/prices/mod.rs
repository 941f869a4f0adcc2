//! What was used at what it cost: prices of models on days, for records whose source says tokens and no cost.

mod list;

pub use list::PricesError;

use self::list::{CLASSES, Price, day_of};
use crate::inquiry::Amount;
use crate::model::{Timestamp, limits};
use crate::record::{Draft, Told};
use serde_json::json;
use std::collections::{BTreeMap, HashSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

/// A list of prices.
#[derive(Clone, Debug)]
pub struct Prices(Vec<Price>);

/// Why what was used has no cost.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Why {
    NoModel,
    NoTime,
    Unlisted,
    NotThen,
    Unpriced(&'static str),
    Unsaid(&'static str),
    TooMuch,
}

impl Why {
    fn words(&self) -> String {
        match self {
            Self::NoModel => "no model is said, or more than one".into(),
            Self::NoTime => "no time is said".into(),
            Self::Unlisted => "it is not in the list".into(),
            Self::NotThen => "the list has no price of that day".into(),
            Self::Unpriced(class) => format!("the list has no price of `{class}`"),
            Self::Unsaid(field) => format!("`{field}` is not said"),
            Self::TooMuch => "the count of tokens is too large".into(),
        }
    }
}

/// What was used without a price, of one model and for one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unpriced {
    /// The model, as the records name it.
    pub model: Option<String>,
    /// Why there is no price, in words.
    pub why: String,
    /// How many executions; of what is of none, how many sessions, and of what is of neither, how many records.
    pub executions: u64,
    /// How many records.
    pub records: u64,
}

/// Prices, while records are given their cost.
#[derive(Debug)]
pub struct Pricing<'a> {
    prices: &'a Prices,
    without: BTreeMap<(Option<String>, Why), (u64, HashSet<u64>)>,
    /// How many are in all of these sets.
    held: usize,
}

impl Prices {
    /// Reads a list as somebody wrote it, in YAML or JSON.
    ///
    /// # Errors
    /// [`PricesError`].
    pub fn read(text: &str) -> Result<Self, PricesError> {
        list::read(text).map(Self)
    }

    /// What a record's tokens cost on its day. Each class that has a price must be said, and each that has tokens must have one: a part
    /// of a cost is none.
    fn cost(&self, draft: &Draft) -> Result<Amount, Why> {
        let model = draft.text("model").ok_or(Why::NoModel)?;
        let time = ["at", "completed_at", "started_at"].iter().find_map(|name| draft.text(name));
        let day = time.and_then(|time| Timestamp::parse(time).ok()).map(day_of).ok_or(Why::NoTime)?;
        let exact = self.0.iter().any(|price| price.is_exact() && price.fits(model));
        let mut of_model = self.0.iter().filter(|price| price.is_exact() == exact && price.fits(model)).peekable();
        of_model.peek().ok_or(Why::Unlisted)?;
        let price = of_model.find(|price| price.holds(day)).ok_or(Why::NotThen)?;
        let mut sum = Amount::default();
        for ((field, class), price) in CLASSES.iter().zip(price.classes) {
            sum = match (count(draft, field), price) {
                (None | Some(0), None) => sum,
                (Some(_), None) => return Err(Why::Unpriced(class)),
                (None, Some(_)) => return Err(Why::Unsaid(field)),
                (Some(count), Some(price)) => sum.plus(price.of_million(count).ok_or(Why::TooMuch)?),
            };
        }
        Ok(sum)
    }
}

/// How many tokens of a class a record says.
fn count(draft: &Draft, field: &str) -> Option<u64> {
    draft.get(field)?.told.value().as_u64()
}

impl<'a> Pricing<'a> {
    /// Begins.
    #[must_use]
    pub fn new(prices: &'a Prices) -> Self {
        Self { prices, without: BTreeMap::new(), held: 0 }
    }

    /// Gives a record that says tokens and no cost the one that is worked out of them, as derived. What a source says of its cost stays.
    pub fn price(&mut self, draft: &mut Draft) {
        if draft.get("cost").is_some() || CLASSES.iter().all(|(field, _)| count(draft, field).is_none()) {
            return;
        }
        match self.prices.cost(draft) {
            // What has no such field is of a kind that no source says tokens in.
            Ok(cost) => drop(draft.derive("cost", Told::Value(json!(cost.exact())))),
            Err(why) => self.missed(draft, why),
        }
    }

    fn missed(&mut self, draft: &Draft, why: Why) {
        let mut key = (draft.text("model").map(str::to_owned), why);
        if !self.without.contains_key(&key) && self.without.len() >= limits::UNPRICED_MODELS {
            // Whoever makes names up fills no memory.
            key.0 = None;
        }
        let (records, of) = self.without.entry(key).or_default();
        *records += 1;
        let id = ["execution_id", "session_id", "source_id"].iter().find_map(|name| Some((name, draft.text(name)?)));
        let mut hasher = DefaultHasher::new();
        id.hash(&mut hasher);
        if self.held < limits::UNPRICED_EXECUTIONS && of.insert(hasher.finish()) {
            self.held += 1;
        }
    }

    /// What has no cost.
    #[must_use]
    pub fn end(self) -> Vec<Unpriced> {
        let all = self.without.into_iter().map(|((model, why), (records, of))| {
            let executions = of.len() as u64;
            Unpriced { model, why: why.words(), executions, records }
        });
        all.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Known;
    use crate::record::draft::Origin;
    use serde_json::Value;

    const LIST: &str = "currency: USD
prices:
- { model: m-*, from: 2026-01-01, until: 2026-01-31, in: 3, out: 15, cacheRead: 0.30, cacheWrite: 3.75 }
- { model: m-*, from: 2026-02-01, in: 2, out: 10, cacheRead: 0.20, cacheWrite: 2.50 }
- { model: m-mini, from: 2026-01-01, in: 0.000000000001, out: 0 }
";

    fn draft(change: &dyn Fn(&mut Value)) -> Draft {
        let mut document = json!({ "kind": "session", "session_id": "s", "model": "m-1", "at": "2026-01-15T10:00:00Z",
            "tokens_in": 1, "tokens_out": 20, "tokens_cache_read": 300, "tokens_cache_write": 4000 });
        change(&mut document);
        Draft::read(&document, Origin::Captured, &mut |bytes| bytes.fill(7)).unwrap()
    }

    fn priced(change: &dyn Fn(&mut Value)) -> (Option<String>, Vec<Unpriced>) {
        let (prices, mut draft) = (Prices::read(LIST).unwrap(), draft(change));
        let mut pricing = Pricing::new(&prices);
        pricing.price(&mut draft);
        let before: Vec<_> = draft.said.iter().map(|said| said.field.name).collect();
        let again = Value::Object(draft.document());
        let read = Draft::read(&again, Origin::Captured, &mut |bytes| bytes.fill(7)).unwrap();
        assert_eq!(read, draft, "in the order of the table: {before:?}");
        (draft.text("cost").map(str::to_owned), pricing.end())
    }

    #[test]
    fn each_class_has_its_price_and_the_sum_is_exact_and_derived() {
        // 1 x 3 + 20 x 15 + 300 x 0.30 + 4000 x 3.75 = 15393 dollars for a million.
        assert_eq!(priced(&|_| {}), (Some("0.015393".into()), vec![]));
        let mini = |tokens: u64| {
            priced(&|d| {
                d["model"] = json!("m-mini");
                d["tokens_in"] = json!(tokens);
                (d["tokens_cache_read"], d["tokens_cache_write"]) = (json!(0), json!(0));
            })
        };
        assert_eq!(mini(1).0.as_deref(), Some("0.000000000000000001"), "a whole name goes before a pattern");
        assert_eq!(mini(1 << 53).0.as_deref(), Some("0.009007199254740992"));
        assert_eq!(mini(0).0.as_deref(), Some("0"), "nothing was used, and that is known");
        let prices = Prices::read(LIST).unwrap();
        let mut one = draft(&|_| {});
        Pricing::new(&prices).price(&mut one);
        assert_eq!(one.get("cost").unwrap().known, Known::Derived);
    }

    #[test]
    fn the_price_is_that_of_the_day_in_utc() {
        let at = |time: &str| priced(&|d| d["at"] = json!(time));
        assert_eq!(at("2026-01-31T23:59:59Z").0.as_deref(), Some("0.015393"));
        assert_eq!(at("2026-02-01T00:00:00Z").0.as_deref(), Some("0.010262"));
        assert_eq!(at("2026-02-01T00:30:00+01:00").0.as_deref(), Some("0.015393"), "it is January in UTC");
        assert_eq!(at("2026-01-01T00:00:00Z").0.as_deref(), Some("0.015393"));
        let (cost, without) = at("2025-12-31T23:59:59Z");
        assert_eq!((cost, without[0].why.as_str()), (None, "the list has no price of that day"));
    }

    #[test]
    fn what_is_not_known_is_absent_and_not_nothing() {
        let none = |change: &dyn Fn(&mut Value), why: &str| {
            let (cost, without) = priced(change);
            assert_eq!((cost, without.len()), (None, 1), "{why}");
            assert_eq!((without[0].why.as_str(), without[0].executions, without[0].records), (why, 1, 1));
        };
        let gone = |d: &mut Value, name: &str| drop(d.as_object_mut().unwrap().remove(name));
        none(&|d| d["model"] = json!("other"), "it is not in the list");
        none(&|d| gone(d, "model"), "no model is said, or more than one");
        none(&|d| gone(d, "at"), "no time is said");
        none(&|d| gone(d, "tokens_in"), "`tokens_in` is not said");
        none(&|d| gone(d, "tokens_cache_write"), "`tokens_cache_write` is not said");
        none(&|d| d["model"] = json!("m-mini"), "the list has no price of `cacheRead`");
        let without_tokens = |d: &mut Value| CLASSES.iter().for_each(|(field, _)| gone(d, field));
        assert_eq!(priced(&without_tokens), (None, vec![]), "nothing is said to have been used");
    }

    #[test]
    fn what_the_source_says_of_its_cost_stays() {
        assert_eq!(priced(&|d| d["cost"] = json!("9.5")), (Some("9.5".into()), vec![]));
        let (prices, mut one) = (Prices::read(LIST).unwrap(), draft(&|d| d["cost"] = json!("9.5")));
        Pricing::new(&prices).price(&mut one);
        assert_eq!(one.get("cost").unwrap().known, Known::Declared);
        // A cost that is worked out is no other word of the source; one of the source's is.
        let mut derived = draft(&|_| {});
        Pricing::new(&prices).price(&mut derived);
        let plain = draft(&|_| {});
        assert!(!derived.differs(&plain, &[]) && !plain.differs(&derived, &[]));
        assert!(one.differs(&plain, &[]) && plain.differs(&one, &[]) && one.differs(&derived, &[]));
    }

    #[test]
    fn executions_are_counted_once_and_names_fill_no_memory() {
        let prices = Prices::read(LIST).unwrap();
        let mut pricing = Pricing::new(&prices);
        for (n, model) in ["x", "x", "y"].iter().enumerate() {
            pricing.price(&mut draft(&|d| {
                d["model"] = json!(model);
                d["execution_id"] = json!(format!("e{}", n.min(1)));
            }));
            pricing.price(&mut draft(&|d| {
                d["model"] = json!(model);
                d["execution_id"] = json!("e0");
            }));
        }
        let all: Vec<_> = pricing.end().into_iter().map(|u| (u.model.unwrap(), u.executions, u.records)).collect();
        assert_eq!(all, [("x".into(), 2, 4), ("y".into(), 2, 2)]);
        let mut pricing = Pricing::new(&prices);
        for n in 0..2 * limits::UNPRICED_MODELS {
            pricing.price(&mut draft(&|d| d["model"] = json!(format!("x{n}"))));
        }
        let all = pricing.end();
        assert_eq!(all.len(), limits::UNPRICED_MODELS + 1);
        assert_eq!(all.iter().map(|one| one.records).sum::<u64>(), 2 * limits::UNPRICED_MODELS as u64, "none is lost");
    }
}
