//! The source: its commit, its remote, and the state of the checkout as the real git knows it.

#[cfg(feature = "cli")]
pub(in crate::capture) mod answers;
#[cfg(feature = "cli")]
mod belongs;
#[cfg(feature = "cli")]
mod blob;
#[cfg(feature = "cli")]
mod call;
#[cfg(feature = "cli")]
pub(in crate::capture) mod checkout;
pub(in crate::capture) mod commit;
#[cfg(feature = "cli")]
mod dirty;
mod encoding;
#[cfg(feature = "cli")]
mod facts;
#[cfg(feature = "cli")]
pub(in crate::capture) mod history;
#[cfg(feature = "cli")]
pub(in crate::capture) mod named;
#[cfg(feature = "cli")]
mod passed_over;
pub(in crate::capture) mod source;
#[cfg(feature = "cli")]
mod waiting;
