//! What is shown to a person.

pub(super) mod created;
pub(super) mod decision;
pub(super) mod graph;
pub(super) mod inspected;
pub(super) mod kept;
pub(super) mod listed;
pub(super) mod played;
pub(super) mod progress;
pub(super) mod sanitize;
pub(super) mod untrusted;

use crate::evidence::WHOLE_FILE;
use crate::verify::Origin;

/// Where evidence was found: which piece of what, or what, where it is all of it.
pub(super) fn origin(origin: &Origin) -> String {
    let place = sanitize::line(&origin.place);
    match origin.id.as_str() {
        "" | WHOLE_FILE => place,
        id => format!("{} in {place}", sanitize::line(id)),
    }
}
