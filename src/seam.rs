//! The rules every seam keeps, and the one type they share.
//!
//! A seam is a small object-safe trait behind which back ends live. Its methods return [`BoxFuture`] so that a
//! back end may wait for a network while an in-memory one answers at once; nothing above the seam knows a runtime.
//!
//! Contract of every seam:
//! - a reader takes its limit as an argument and MUST NOT return more than it;
//! - absence is a value (`Ok(None)`, an empty list), never an error, and an error is never turned into absence;
//! - an error says what was asked, of whom, and what was found.

use std::future::Future;
use std::pin::Pin;

/// A future that a seam returns: boxed, so that the trait stays object-safe, and bound to its arguments.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Answers at once: what a back end that never waits returns.
pub fn ready<'a, T: Send + 'a>(value: T) -> BoxFuture<'a, T> {
    Box::pin(std::future::ready(value))
}

/// How long something may take. The clock is the caller's: what waits here reads none.
pub trait Deadline: Send + Sync {
    /// Ends when the time is up.
    fn wait(&self) -> BoxFuture<'_, ()>;

    /// Whether the time is up.
    fn passed(&self) -> bool;

    /// What was given, in words: `2 s`.
    fn given(&self) -> String;
}

/// No deadline: for what asks no network, and for tests.
#[derive(Clone, Copy, Debug)]
pub struct Endless;

impl Deadline for Endless {
    fn wait(&self) -> BoxFuture<'_, ()> {
        Box::pin(std::future::pending())
    }

    fn passed(&self) -> bool {
        false
    }

    fn given(&self) -> String {
        "all the time there is".into()
    }
}
