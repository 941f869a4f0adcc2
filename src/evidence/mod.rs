//! Evidence in files: a bundle, a file of one bundle per line, or a folder of both.

mod files;

pub use files::{FileEvidence, UNREADABLE, WHOLE_FILE};
