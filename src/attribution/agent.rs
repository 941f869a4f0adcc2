//! [`Agent`]: which agent worked.

use crate::model::Captured;

/// The agent that builds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agent {
    /// Written `squad/agent`.
    pub id: Captured<String>,
    /// Its version.
    pub version: Captured<String>,
    /// Provider and id of the model.
    pub model: Captured<(String, String)>,
    /// The conversation.
    pub session: Captured<String>,
    /// The run.
    pub execution: Captured<String>,
}

impl Agent {
    /// Nothing is known, for one reason.
    pub(crate) fn absent(reason: &str) -> Self {
        Self {
            id: Captured::absent(reason),
            version: Captured::absent(reason),
            model: Captured::absent(reason),
            session: Captured::absent(reason),
            execution: Captured::absent(reason),
        }
    }
}
