//! What the program says of itself: completions, manual pages, schemas.

pub mod completions;
pub mod schema;
