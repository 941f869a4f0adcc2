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

/// Does something that cannot be stopped, on a thread of its own, and waits for it as long as is given; none where it did not
/// end in time. It then goes on by itself, and ends with the process.
pub fn within<T: Send + 'static>(given: Duration, job: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let (send, done) = std::sync::mpsc::channel();
    std::thread::spawn(move || send.send(job()));
    done.recv_timeout(given).ok()
}

/// Does something on a thread of its own, beside everything else, until it ends or the process does.
pub fn aside(job: impl FnOnce() + Send + 'static) {
    std::thread::spawn(job);
}

/// Waits.
pub fn pause(time: Duration) {
    std::thread::sleep(time);
}

/// Does something again and again beside everything else, with a pause behind each time, until the process ends.
pub fn again_and_again(pause: Duration, mut job: impl FnMut() + Send + 'static) {
    std::thread::spawn(move || {
        loop {
            job();
            std::thread::sleep(pause);
        }
    });
}
