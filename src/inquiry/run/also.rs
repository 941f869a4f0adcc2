//! [`AlsoSaid`]: what records say of a run beside what is shown of it.

use crate::inquiry::Event;
use crate::model::limits;
use std::collections::BTreeMap;

/// What a run has one of.
const FIELDS: [&str; 4] = ["agent", "task_id", "charter", "status"];

/// Values that records say of a run, by field, each with the first record that says it. Who can write to a log could else end an
/// execution a second time, as a success, or begin it again under another agent's name, and nobody would see the first word.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AlsoSaid(BTreeMap<&'static str, BTreeMap<String, u64>>);

impl AlsoSaid {
    /// Takes what a record of the run's own work says.
    pub(super) fn take(&mut self, event: &Event) {
        for field in FIELDS {
            // An action has a result of its own, and no status of the execution.
            if let Some(value) = event.text(field).filter(|_| field != "status" || event.kind == "execution_ended") {
                self.add(field, value, event.number);
            }
        }
    }

    fn add(&mut self, field: &'static str, value: &str, number: u64) {
        let values = self.0.entry(field).or_default();
        if let Some(first) = values.get_mut(value) {
            *first = number.min(*first);
        } else if values.len() < limits::ALSO_SAID {
            values.insert(value.to_owned(), number);
        }
    }

    /// Takes what was said elsewhere of the same run.
    pub(super) fn join(&mut self, other: &Self) {
        for (field, values) in &other.0 {
            values.iter().for_each(|(value, number)| self.add(field, value, *number));
        }
    }

    /// The same without what is shown of the run.
    pub(super) fn beside(mut self, shown: [Option<&str>; 4]) -> Self {
        for (field, shown) in FIELDS.iter().zip(shown) {
            if let (Some(values), Some(shown)) = (self.0.get_mut(field), shown) {
                values.remove(shown);
            }
        }
        self.0.retain(|_, values| !values.is_empty());
        self
    }

    /// Whether nothing else is said.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Field, value, and number of the first record that says it; of each field at most [`limits::ALSO_SAID`].
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &str, u64)> {
        let of = |(field, values): (&&'static str, _)| (*field, values);
        self.0.iter().map(of).flat_map(|(field, values): (_, &BTreeMap<String, u64>)| {
            values.iter().map(move |(value, number)| (field, value.as_str(), *number))
        })
    }
}
