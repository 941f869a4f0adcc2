//! The form of a policy file: how its values are read, with errors that name field and place.

mod at;

pub use at::At;
