//! A machine without a CI system that we know.

use crate::capture::{Capture, Captured, CiContext, Environment};
use crate::model::uri;

/// Matches everywhere.
pub(in crate::capture) struct Plain;

impl Capture for Plain {
    fn name(&self) -> &'static str {
        "local"
    }

    fn detects(&self, _: &Environment) -> bool {
        true
    }

    fn capture(&self, env: &Environment) -> CiContext {
        const FALLBACK: &str = "the absence of a CI system that is recognised";
        CiContext {
            builder: Captured::found(uri::BUILDER_LOCAL.to_owned(), FALLBACK),
            runner: match &env.hostname {
                Some(name) => Captured::found(name.clone(), "the host's name"),
                None => Captured::absent("the system tells no host name"),
            },
            runner_kind: Captured::found("local".to_owned(), FALLBACK),
            ..CiContext::unknown("no CI system was recognised")
        }
    }
}
