//! The agent that builds: the variables that agents set, and the trails that they leave.

pub(in crate::capture) mod trail;
pub(in crate::capture) mod variables;
