//! [`on_cores`]: work that needs no waiting, on all cores.

use std::num::NonZero;
use std::sync::{Mutex, PoisonError};
use std::thread;

/// Does `work` on every item, on all cores, and gives what came of it in the items' order.
///
/// One item, or one core, takes no thread. A panic in `work` is the caller's.
pub(super) fn on_cores<T: Send, R: Send>(items: Vec<T>, work: impl Fn(T) -> R + Sync) -> Vec<R> {
    let cores = thread::available_parallelism().map_or(1, NonZero::get).min(items.len());
    if cores <= 1 {
        return items.into_iter().map(work).collect();
    }
    let waiting = Mutex::new(items.into_iter().enumerate());
    let take = || {
        let mut done = Vec::new();
        loop {
            // The lock is let go of before the work begins.
            let one = waiting.lock().unwrap_or_else(PoisonError::into_inner).next();
            match one {
                Some((i, item)) => done.push((i, work(item))),
                None => return done,
            }
        }
    };
    let mut done = thread::scope(|scope| {
        let others: Vec<_> = (1..cores).map(|_| scope.spawn(take)).collect();
        let mut done = take();
        for other in others {
            done.extend(other.join().unwrap_or_else(|e| std::panic::resume_unwind(e)));
        }
        done
    });
    done.sort_unstable_by_key(|(i, _)| *i);
    done.into_iter().map(|(_, r)| r).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;
    use std::sync::Barrier;

    #[test]
    fn every_item_is_done_once_in_order_by_as_many_threads_as_there_are_cores() {
        assert!(on_cores(Vec::<u8>::new(), |n| n).is_empty());
        assert_eq!(on_cores((0..1000).collect(), |n: usize| n * 2), (0..1000).map(|n| n * 2).collect::<Vec<_>>());
        let cores = thread::available_parallelism().map_or(1, NonZero::get);
        // Ends only if all of them work at the same time.
        let together = Barrier::new(cores);
        let by = on_cores(vec![(); cores], |()| {
            together.wait();
            thread::current().id()
        });
        assert_eq!(by.into_iter().collect::<HashSet<_>>().len(), cores);
    }
}
