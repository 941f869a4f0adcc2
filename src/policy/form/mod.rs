//! The form of a policy file: its maps and fields, each declared once, and how their values are read, with errors that name
//! field and place. Parser and schema are made from the same declarations.

mod at;
mod field;
mod value;

pub use at::{At, KeyLoader};
pub use field::{Declared, Defaulted, Field, Form, Map, Needed, Sub};
pub(super) use value::{
    AGE, AnyNumberOf, Anything, COUNT, Either, Key, ListOf, OneOf, Parsed, TEXT, Truth, Unread, Word, pattern,
};
