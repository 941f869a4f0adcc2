//! What is counted. Labels come from closed sets: whoever can name images or namespaces must not be able to add series.

use super::answer::Worst;
use super::decider::Decider;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use std::sync::Mutex;
use std::time::Duration;

/// How a review ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelValue)]
pub(super) enum Ended {
    /// Admitted.
    Allow,
    /// Admitted with a warning.
    Warn,
    /// Left to the `failurePolicy`.
    Defer,
    /// Denied.
    Deny,
    /// The request was no review.
    Invalid,
}

/// What was asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelValue)]
enum Operation {
    Create,
    Update,
    Delete,
    Other,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReviewLabels {
    ended: Ended,
    operation: Operation,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ImageLabels {
    effect: Done,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelValue)]
enum Done {
    Admit,
    Defer,
    Deny,
}

/// The metrics of one webhook.
pub(super) struct Metrics {
    registry: Mutex<Registry>,
    reviews: Family<ReviewLabels, Counter>,
    images: Family<ImageLabels, Counter>,
    seconds: Histogram,
    decisions: Gauge,
    remembered_bytes: Gauge,
    remembered_entries: Gauge,
    policies_ok: Gauge,
    policies: Gauge,
    pub(super) certificate_expiry: Gauge,
    pub(super) records_lost: Counter,
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

/// Seconds: from what is remembered to the longest that an API server waits.
const BUCKETS: [f64; 12] = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0];

impl Metrics {
    pub(super) fn new() -> Self {
        let mut registry = Registry::with_prefix("attest_admission");
        let out = Self {
            reviews: Family::default(),
            images: Family::default(),
            seconds: Histogram::new(BUCKETS),
            decisions: Gauge::default(),
            remembered_bytes: Gauge::default(),
            remembered_entries: Gauge::default(),
            policies_ok: Gauge::default(),
            policies: Gauge::default(),
            certificate_expiry: Gauge::default(),
            records_lost: Counter::default(),
            registry: Mutex::new(Registry::default()),
        };
        registry.register("reviews", "Reviews, by how they ended", out.reviews.clone());
        registry.register("images", "Images that were decided on, by what is done with them", out.images.clone());
        registry.register("review_seconds", "How long a review took", out.seconds.clone());
        registry.register("decisions", "Decisions that were made rather than remembered", out.decisions.clone());
        registry.register("remembered_bytes", "Evidence that is remembered", out.remembered_bytes.clone());
        registry.register(
            "remembered_entries",
            "Pieces of evidence that are remembered",
            out.remembered_entries.clone(),
        );
        registry.register("policies_ok", "1 if all policies could be read", out.policies_ok.clone());
        registry.register("policies", "Policies", out.policies.clone());
        registry.register(
            "certificate_expiry_seconds",
            "When the certificate ends, in Unix seconds",
            out.certificate_expiry.clone(),
        );
        registry.register("records_lost", "Decisions that could not be recorded", out.records_lost.clone());
        *out.registry.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = registry;
        out
    }

    pub(super) fn review(&self, ended: Ended, operation: &str, took: Duration) {
        let operation = match operation {
            "CREATE" => Operation::Create,
            "UPDATE" => Operation::Update,
            "DELETE" => Operation::Delete,
            _ => Operation::Other,
        };
        self.reviews.get_or_create(&ReviewLabels { ended, operation }).inc();
        self.seconds.observe(took.as_secs_f64());
    }

    pub(super) fn image(&self, worst: Worst) {
        let effect = match worst {
            Worst::Admit => Done::Admit,
            Worst::Defer => Done::Defer,
            Worst::Deny => Done::Deny,
        };
        self.images.get_or_create(&ImageLabels { effect }).inc();
    }

    /// All of them, as OpenMetrics text.
    pub(super) fn text(&self, decider: &Decider) -> String {
        let (held, known) = (decider.shelf().held(), decider.known());
        let number = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
        self.decisions.set(i64::try_from(decider.looked()).unwrap_or(i64::MAX));
        self.remembered_bytes.set(number(held.bytes));
        self.remembered_entries.set(number(held.entries));
        self.policies_ok.set(i64::from(known.policies.is_ok()));
        self.policies.set(known.policies.as_ref().map_or(0, |p| number(p.len())));
        let mut out = String::new();
        let registry = self.registry.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        match encode(&mut out, &registry) {
            Ok(()) => out,
            Err(_) => String::new(),
        }
    }
}
