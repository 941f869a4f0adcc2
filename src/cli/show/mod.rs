//! What is shown to a person.

pub(super) mod created;
pub(super) mod decision;
pub(super) mod kept;
pub(super) mod progress;
pub(super) mod sanitize;
pub(super) mod untrusted;
