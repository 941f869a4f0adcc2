#![expect(clippy::disallowed_methods, reason = "back end: waiting, and its clock")]
//! Who is connected and is waited for, and how much of what they send is held: nobody who says nothing keeps others out, and no
//! number of halves of requests fills the memory.

use crate::model::limits;
use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How often one that waits for room looks whether it was shown the door.
const LOOK: Duration = Duration::from_millis(50);

type Leave = Box<dyn Fn() + Send>;

/// Connections from which something is awaited: a request, or the rest of one.
#[derive(Default)]
pub(super) struct Waiting(Mutex<(u64, BTreeMap<u64, Leave>)>);

impl Waiting {
    /// Something is awaited from now on; `leave` ends the connection.
    pub(super) fn begin(self: &Arc<Self>, leave: impl Fn() + Send + 'static) -> Wait {
        let mut inner = self.lock();
        inner.0 += 1;
        let at = inner.0;
        inner.1.insert(at, Box::new(leave));
        Wait { of: self.clone(), at }
    }

    /// Ends the connection that has let wait longest; whether there was one.
    pub(super) fn make_room(&self) -> bool {
        let oldest = self.lock().1.pop_first();
        oldest.map(|(_, leave)| leave()).is_some()
    }

    fn lock(&self) -> MutexGuard<'_, (u64, BTreeMap<u64, Leave>)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Waiting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Waiting({})", self.lock().1.len())
    }
}

/// That something is awaited, until this is dropped.
#[derive(Debug)]
pub(super) struct Wait {
    of: Arc<Waiting>,
    at: u64,
}

impl Wait {
    /// Whether it may stay.
    pub(super) fn may_stay(&self) -> bool {
        self.of.lock().1.contains_key(&self.at)
    }

    /// Nothing is awaited any more; whether it was not ended before.
    pub(super) fn over(self) -> bool {
        self.of.lock().1.remove(&self.at).is_some()
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        self.of.lock().1.remove(&self.at);
    }
}

/// Bytes of large requests that may be held at once, received or being written.
#[derive(Debug)]
pub(super) struct Room {
    left: Mutex<usize>,
    freed: Condvar,
}

impl Room {
    pub(super) fn of(bytes: usize) -> Self {
        Self { left: Mutex::new(bytes), freed: Condvar::new() }
    }

    /// Room for a request, before any of it is held; none where there was none in time, or the connection has to go. A small one
    /// needs none, so that large ones that are half sent do not keep it out.
    pub(super) fn take(&self, bytes: usize, until: Instant, wait: &Wait) -> Option<Taken<'_>> {
        let bytes = if bytes <= limits::HANDED_IN_SMALL_BYTES { 0 } else { bytes };
        let mut left = self.lock();
        while *left < bytes {
            if Instant::now() >= until || !wait.may_stay() {
                return None;
            }
            left = self.freed.wait_timeout(left, LOOK).unwrap_or_else(PoisonError::into_inner).0;
        }
        *left -= bytes;
        Some(Taken { room: self, bytes })
    }

    fn lock(&self) -> MutexGuard<'_, usize> {
        self.left.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Room that is given back when this is dropped.
#[derive(Debug)]
pub(super) struct Taken<'a> {
    room: &'a Room,
    bytes: usize,
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        *self.room.lock() += self.bytes;
        self.room.freed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn who_lets_wait_longest_goes_first_and_who_is_answered_stays() {
        let (waiting, gone) = (Arc::new(Waiting::default()), Arc::new(AtomicUsize::new(0)));
        let begin = |n: usize| {
            let gone = gone.clone();
            waiting.begin(move || gone.store(n, Ordering::Release))
        };
        let (first, second, third) = (begin(1), begin(2), begin(3));
        drop(first);
        let again = begin(4);
        assert!(waiting.make_room() && gone.load(Ordering::Acquire) == 2 && !second.may_stay());
        assert!(third.may_stay() && again.may_stay(), "the twins");
        assert!(!second.over() && third.over() && again.over());
        assert!(!waiting.make_room(), "all are answered just now");
    }

    #[test]
    fn large_requests_share_what_there_is_and_small_ones_need_none() {
        let waiting = Arc::new(Waiting::default());
        let (wait, room) = (waiting.begin(|| {}), Room::of(limits::HANDED_IN_BYTES));
        let soon = || Instant::now() + Duration::from_millis(10);
        let held = room.take(limits::HANDED_IN_BYTES, soon(), &wait).unwrap();
        assert!(room.take(limits::HANDED_IN_SMALL_BYTES + 1, soon(), &wait).is_none());
        assert!(room.take(limits::HANDED_IN_SMALL_BYTES, soon(), &wait).is_some());
        // Who has to go does not wait on.
        assert!(waiting.make_room());
        let begun = Instant::now();
        assert!(room.take(limits::HANDED_IN_BYTES, begun + Duration::from_secs(60), &wait).is_none());
        assert!(begun.elapsed() < Duration::from_secs(30));
        drop(held);
        assert!(room.take(limits::HANDED_IN_BYTES, soon(), &wait).is_some(), "given back");
    }
}
