//! A machine without a CI system that we know.

use crate::issuer::{CiContext, Issuer, Platform, Surroundings, System};
use crate::model::{Captured, uri};

pub(in crate::issuer) const NAME: &str = "local";

pub(in crate::issuer) static SYSTEM: System = System {
    title: "this machine",
    section: "",
    about: "",
    marks: &[],
    run: &[],
    manual: &[],
    scheduled: &[],
    details: &[],
    tells: &[],
    platform: &Plain,
};

pub(super) static ISSUER: Issuer = Issuer { system: Some(SYSTEM), ..Issuer::new(NAME) };

/// Matches everywhere.
struct Plain;

impl Platform for Plain {
    fn detects(&self, _: &dyn Surroundings) -> bool {
        true
    }

    fn capture(&self, env: &dyn Surroundings) -> CiContext {
        const FALLBACK: &str = "the absence of a CI system that is recognised";
        CiContext {
            builder: Captured::found(uri::BUILDER_LOCAL.to_owned(), FALLBACK),
            runner: match env.hostname() {
                Some(name) => Captured::found(name.to_owned(), "the host's name"),
                None => Captured::absent("the system tells no host name"),
            },
            runner_kind: Captured::found("local".to_owned(), FALLBACK),
            ..CiContext::unknown("no CI system was recognised")
        }
    }
}
