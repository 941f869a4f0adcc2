//! Changes of the disk that fail, for tests: the n-th one does not happen, or half, or does and nobody is told.

use std::cell::RefCell;
use std::io;

/// What becomes of the change at which it strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::audit) enum Strike {
    /// It does not happen.
    Before,
    /// Half of its bytes are written.
    Half,
    /// It happens, and an error is told.
    After,
}

/// When and how it strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::audit) struct Plan {
    /// At which change, counted from 1.
    pub(in crate::audit) at: u64,
    pub(in crate::audit) strike: Strike,
    /// Nothing happens after it either: the process is gone, or the disk is full.
    pub(in crate::audit) last: bool,
}

struct State {
    plan: Plan,
    seen: u64,
}

thread_local! {
    static STATE: RefCell<Option<State>> = const { RefCell::new(None) };
}

/// Runs something under a plan; what it gave, and whether it came to the change at which the plan strikes.
pub(in crate::audit) fn under<T>(plan: Plan, act: impl FnOnce() -> T) -> (T, bool) {
    STATE.set(Some(State { plan, seen: 0 }));
    let out = act();
    let seen = STATE.take().map_or(0, |state| state.seen);
    (out, seen >= plan.at)
}

/// Does a change, or what the plan makes of it.
pub(super) fn around(bytes: usize, act: impl FnOnce(usize) -> io::Result<()>) -> io::Result<()> {
    let strike = STATE.with_borrow_mut(|state| {
        let state = state.as_mut()?;
        state.seen += 1;
        match state.seen {
            seen if seen == state.plan.at => Some(state.plan.strike),
            seen if seen > state.plan.at && state.plan.last => Some(Strike::Before),
            _ => None,
        }
    });
    // As Linux says it: no space left on the device.
    let full = || io::Error::from_raw_os_error(28);
    match strike {
        None => act(bytes),
        Some(Strike::Before) => Err(full()),
        Some(Strike::Half) => act(bytes / 2).and_then(|()| Err(full())),
        Some(Strike::After) => act(bytes).and_then(|()| Err(full())),
    }
}
