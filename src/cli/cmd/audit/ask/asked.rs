//! Which executions a question is about.

use crate::inquiry::{Asked, UNENDED};
use clap::Args;

/// Conditions that all hold.
#[derive(Clone, Debug, Args)]
pub(super) struct AskedArgs {
    /// Only what worked in the last N days
    #[arg(long, value_name = "N")]
    days: Option<u32>,
    /// Only of this squad
    #[arg(long, value_name = "SQUAD")]
    squad: Option<String>,
    /// Only of this agent: SQUAD/AGENT, or AGENT of any squad
    #[arg(long, value_name = "AGENT")]
    agent: Option<String>,
    /// Only what ended so: success, failed, cancelled, timeout, unknown, or `unended`
    #[arg(long, value_name = "STATUS", value_parser = ["success", "failed", "cancelled", "timeout", "unknown", UNENDED])]
    status: Option<String>,
    /// Only with this tag (repeatable: all of them)
    #[arg(long, value_name = "KEY[=VALUE]")]
    tag: Vec<String>,
}

impl AskedArgs {
    /// As a question puts it; `now` in seconds since 1970.
    pub(super) fn asked(&self, now: i64) -> Asked {
        let tags = self.tag.iter().map(|tag| match tag.split_once('=') {
            Some((key, value)) => (key.to_owned(), Some(value.to_owned())),
            None => (tag.clone(), None),
        });
        Asked {
            since: self.days.map(|days| now - i64::from(days) * 86_400),
            squad: self.squad.clone(),
            agent: self.agent.clone(),
            status: self.status.clone(),
            tags: tags.collect(),
        }
    }
}
