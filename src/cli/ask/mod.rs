//! What is asked of the person who sits before this program.

pub(super) mod confirm;
pub(super) mod password;
pub(super) mod person;
