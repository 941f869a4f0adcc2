//! A machine without a CI system that we know.

use super::{Capture, Captured, CiContext, Environment};
use crate::model::uri;
use serde_json::Map;

/// Matches everywhere.
pub(super) struct Plain;

impl Capture for Plain {
    fn name(&self) -> &'static str {
        "local"
    }

    fn detects(&self, _: &Environment) -> bool {
        true
    }

    fn capture(&self, env: &Environment) -> CiContext {
        const NO_CI: &str = "no CI system was recognised";
        const FALLBACK: &str = "the absence of a CI system that is recognised";
        CiContext {
            builder: Captured::found(uri::BUILDER_LOCAL.to_owned(), FALLBACK),
            invocation: Captured::absent(NO_CI),
            trigger: Captured::absent(NO_CI),
            requested_by: Captured::absent(NO_CI),
            workflow: Captured::absent(NO_CI),
            repository: Captured::absent(NO_CI),
            reference: Captured::absent(NO_CI),
            commit: Captured::absent(NO_CI),
            runner: match &env.hostname {
                Some(name) => Captured::found(name.clone(), "the host's name"),
                None => Captured::absent("the system tells no host name"),
            },
            runner_kind: Captured::found("local".to_owned(), FALLBACK),
            details: Map::new(),
        }
    }
}
