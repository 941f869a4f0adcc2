//! What an outage keeps from being signed or published: [`Entry`], and [`Outbox`], the folder in which entries wait.

mod entry;
#[cfg(feature = "cli")]
mod folder;

pub use entry::{Context, Destination, Entry, OutboxError, Waiting};
#[cfg(feature = "cli")]
pub use folder::{Lock, Outbox, place};
