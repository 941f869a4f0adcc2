//! Which of two values counts.

use crate::capture::Captured;

/// `first`, else `second`; where neither was found both reasons count.
pub(in crate::capture) fn prefer<T: Clone>(first: Captured<T>, second: &Captured<T>) -> Captured<T> {
    match (first, second) {
        (Captured::Absent { reason }, Captured::Absent { reason: other }) => {
            Captured::Absent { reason: format!("{reason}; {other}") }
        }
        (Captured::Absent { .. }, found) => found.clone(),
        (found, _) => found,
    }
}
