//! What the program says of itself: completions, manual pages, schemas, its version.

pub mod completions;
pub mod schema;
pub mod version;
