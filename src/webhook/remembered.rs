//! [`Decisions`]: what was decided on an image a short time ago. Time is an input of a decision, so none is kept for long.

use super::answer::ImageAnswer;
use crate::model::{Digest, Timestamp, limits};
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What a decision depends on, beside the time.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Case {
    /// The repository.
    pub(super) name: String,
    /// The image.
    pub(super) digest: Digest,
    /// The namespace.
    pub(super) namespace: Option<String>,
    /// Which policies and roots.
    pub(super) generation: u64,
}

#[derive(Default)]
struct State {
    rows: HashMap<Case, (Arc<ImageAnswer>, Timestamp)>,
    /// In the order in which they were decided.
    order: VecDeque<Case>,
}

/// Decisions of the last minute.
#[derive(Default)]
pub(super) struct Decisions(Mutex<State>);

impl Decisions {
    pub(super) fn get(&self, case: &Case, now: Timestamp) -> Option<Arc<ImageAnswer>> {
        let state = self.state();
        let (answer, at) = state.rows.get(case)?;
        let [clean, other] = limits::DECISION_SECONDS;
        let keep = if answer.is_clean() { clean } else { other };
        // A clock that was set back makes nothing new.
        let age = (now.unix() - at.unix()).abs();
        (age <= keep).then(|| answer.clone())
    }

    pub(super) fn put(&self, case: Case, answer: Arc<ImageAnswer>, now: Timestamp) {
        if answer.passing {
            return;
        }
        let mut state = self.state();
        if state.rows.insert(case.clone(), (answer, now)).is_none() {
            state.order.push_back(case);
        }
        while state.order.len() > limits::DECISIONS {
            if let Some(oldest) = state.order.pop_front() {
                state.rows.remove(&oldest);
            }
        }
    }

    pub(super) fn clear(&self) {
        *self.state() = State::default();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
