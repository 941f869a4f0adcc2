//! What is asked of the person who sits before this program.

pub(super) mod confirm;
pub(super) mod person;
