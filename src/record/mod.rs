//! What the audit log records: kinds of records, their fields, the bytes that stay for ever and the proofs about single
//! fields. Values and rules only.
//!
//! | file | job |
//! |---|---|
//! | `kinds.rs` | what can happen: the one table of kinds |
//! | `fields.rs` | what is said of it: the one table of fields |
//! | `actions.rs` | the one table of action types |
//! | `draft.rs` | a record as it is handed in, checked against the tables |
//! | `value.rs` | one value of it: its form, and what is withheld |
//! | `committed.rs` | texts that are never kept, and how one is recognised again |
//! | `commitment.rs` | a salted hash of each field, and their root |
//! | `material.rs` | what something was built of, and by which names it is found |
//! | `reading.rs` | how a record answers a question: when, what was done, to what, by whom |
//! | `entry.rs` | what stays in the log for ever |

pub mod actions;
pub mod commitment;
pub mod committed;
pub mod draft;
pub mod entry;
mod error;
pub mod fields;
pub mod kinds;
pub mod material;
pub mod reading;
mod schema;
mod value;

pub use commitment::Commitment;
pub use committed::Committed;
pub use draft::{Draft, Known, Said, Told};
pub use entry::Entry;
pub use error::RecordError;
pub use fields::Field;
pub use kinds::{Class, Kind};
pub use schema::schema;
