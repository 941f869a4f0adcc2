//! A panic is a defect of this program, wherever it happens. It ends the command as "could not find out": no answer that
//! was under way stands, and none is made up. Its own words may quote what came from outside, so only its place is shown.

use crate::cli::exit::Failure;
use crate::model::code;
use std::panic::{self, AssertUnwindSafe};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// Where the first one happened.
static PLACE: Mutex<Option<String>> = Mutex::new(None);

/// From now on a panic is noted, not printed; developers who ask for a backtrace see it as ever.
pub(super) fn note(with_backtrace: bool) {
    let printing = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        let place = info.location().map(|l| {
            let file = Path::new(l.file());
            // A path of the machine that built this says nothing here.
            let file = if file.is_absolute() { file.file_name().map(Path::new).unwrap_or(file) } else { file };
            format!("{}:{}", file.display(), l.line())
        });
        *PLACE.lock().unwrap_or_else(PoisonError::into_inner) = place;
        if with_backtrace {
            printing(info);
        }
    }));
}

/// Does the work; a panic in it, or handed on from a thread of it, is a failure.
///
/// # Errors
/// `internal`, exit 3, and what the work returns.
pub(super) fn caught<T>(work: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    // What the work has changed is not looked at again.
    panic::catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        let place = PLACE.lock().unwrap_or_else(PoisonError::into_inner).take();
        let place = place.map(|p| format!(" at {p}")).unwrap_or_default();
        let message = format!("a defect of attest {}{place} stopped it; there is no answer", env!("CARGO_PKG_VERSION"));
        Err(Failure::of(code::INTERNAL, message))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::target::apart;
    use crate::cli::exit::Exit;

    #[test]
    fn a_panic_is_could_not_find_out_wherever_it_happens() {
        let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        type Work = Box<dyn FnOnce() -> Result<(), Failure>>;
        let here: Work = Box::new(|| panic!("secret"));
        let in_a_task: Work = Box::new(move || runtime().block_on(async { panic!("secret") }));
        let apart_from_it: Work = Box::new(move || {
            runtime().block_on(apart(|| -> () { panic!("secret") }));
            Ok(())
        });
        let on_another_thread: Work = Box::new(|| {
            std::thread::scope(|scope| drop(scope.spawn(|| panic!("secret"))));
            Ok(())
        });
        for work in [here, in_a_task, apart_from_it, on_another_thread] {
            let failure = caught(work).unwrap_err();
            assert_eq!((failure.exit, failure.code.as_str()), (Exit::Unknown, "internal"));
            assert!(!failure.message.contains("secret"), "{}", failure.message);
        }
        // The twin.
        assert_eq!(caught(move || Ok(runtime().block_on(apart(|| 7)))).unwrap(), 7);
    }
}
