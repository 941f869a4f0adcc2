#![expect(clippy::disallowed_methods, reason = "back end: the clock that runs while something is waited for")]
//! [`Until`]: the deadline of one subject, by this machine's clock.

use crate::seam::{BoxFuture, Deadline};
use std::time::{Duration, Instant};

/// What an operation that may itself take all of the time is given beyond it, to say what went wrong.
const GRACE: Duration = Duration::from_millis(50);

/// A point in time.
#[derive(Clone, Copy, Debug)]
pub struct Until {
    given: Duration,
    end: Instant,
}

impl Until {
    /// The time from now on that `--timeout` gives.
    #[must_use]
    pub fn within(given: Duration) -> Self {
        Self { given, end: Instant::now() + given + GRACE }
    }
}

impl Deadline for Until {
    fn wait(&self) -> BoxFuture<'_, ()> {
        Box::pin(tokio::time::sleep_until(self.end.into()))
    }

    fn passed(&self) -> bool {
        Instant::now() >= self.end
    }

    fn given(&self) -> String {
        format!("{} s", self.given.as_secs_f32())
    }
}
