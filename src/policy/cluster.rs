//! What a policy says of a cluster: what an outage means, and what is excepted. None of it changes an answer of the command
//! line.

use super::Glob;
use crate::model::Timestamp;

/// What a cluster does with an image of which it could not be found out whether it is acceptable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnUnavailable {
    /// Deny.
    #[default]
    Deny,
    /// Answer with an error, so that the `failurePolicy` of the webhook's configuration decides.
    Defer,
    /// Admit with a warning.
    Warn,
}

impl OnUnavailable {
    /// Every choice with its name in a policy.
    pub const ALL: [(Self, &'static str); 3] = [(Self::Deny, "deny"), (Self::Defer, "defer"), (Self::Warn, "warn")];
}

/// Images that a cluster admits for a while although the policy refuses them. Each is for the images that it names and for no
/// other of the same pod.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Exception {
    /// Names that it is for, as in `images` of the policy.
    pub images: Vec<Glob>,
    /// Namespaces that it is for; none listed means each that the policy applies in.
    pub namespaces: Vec<Glob>,
    /// When it ends.
    pub until: Timestamp,
    /// Who approved it.
    pub approved_by: String,
    /// Why.
    pub reason: String,
}
