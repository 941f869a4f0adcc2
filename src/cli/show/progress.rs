//! Progress of long work, on a terminal only: one line, whatever number of files is hashed at once.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// What is done within this time is done before anybody could read about it.
const PATIENCE: Duration = Duration::from_secs(1);

/// What is being done. Shared by all copies.
#[derive(Clone, Debug, Default)]
pub(in crate::cli) struct Progress(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    /// The line, while anything is done.
    bar: Option<ProgressBar>,
    /// How many work at it.
    running: usize,
}

/// One of those that work: the line goes when the last of them does.
struct Worker {
    all: Progress,
    bar: ProgressBar,
}

impl Progress {
    /// A callback that takes bytes done of `total`, for hashing; draws only where standard error is a terminal, and only
    /// what takes longer than a second.
    pub(in crate::cli) fn hashing(&self, quiet: bool, total: u64) -> Box<dyn Fn(u64) + Send + Sync> {
        if quiet || !std::io::stderr().is_terminal() {
            return Box::new(|_| ());
        }
        let worker = self.begin(total);
        Box::new(move |bytes| {
            worker.bar.inc(bytes);
            if worker.bar.is_hidden() && worker.bar.elapsed() >= PATIENCE {
                worker.bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(5));
            }
        })
    }

    fn begin(&self, total: u64) -> Worker {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let bar = state.bar.get_or_insert_with(|| {
            let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::hidden());
            match ProgressStyle::with_template("hashing: {bytes} of {total_bytes}, {eta} left") {
                Ok(style) => bar.with_style(style),
                Err(_) => bar,
            }
        });
        bar.inc_length(total);
        let bar = bar.clone();
        state.running += 1;
        Worker { all: self.clone(), bar }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let mut state = self.all.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.running -= 1;
        if state.running == 0
            && let Some(bar) = state.bar.take()
        {
            bar.finish_and_clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_are_hashed_at_once_are_one_line_which_goes_with_the_last() {
        let progress = Progress::default();
        let (first, second) = (progress.begin(10), progress.clone().begin(20));
        first.bar.inc(5);
        assert_eq!((second.bar.length(), second.bar.position()), (Some(30), 5));
        drop(first);
        assert!(!second.bar.is_finished());
        let bar = second.bar.clone();
        drop(second);
        assert!(bar.is_finished());
        // What comes later begins again.
        assert_eq!(progress.begin(7).bar.length(), Some(7));
    }
}
