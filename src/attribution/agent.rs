//! [`Agent`]: which agent worked, with which [`Model`].

use crate::model::Captured;
use std::fmt;

/// The agent that builds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agent {
    /// Written `squad/agent`.
    pub id: Captured<String>,
    /// Its version.
    pub version: Captured<String>,
    /// Its model.
    pub model: Captured<Model>,
    /// The conversation.
    pub session: Captured<String>,
    /// The run.
    pub execution: Captured<String>,
}

/// A model, as `PROVIDER/ID`, or as its id alone, as commits of agents have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Model {
    /// Who offers it.
    pub provider: Option<String>,
    /// Its name there.
    pub id: String,
}

impl Model {
    /// Reads one. [`None`] for text that begins or ends with a slash, or has nothing in it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (provider, id) = match text.split_once('/') {
            Some((provider, id)) => (Some(provider), id),
            None => (None, text),
        };
        let named = !id.is_empty() && !id.ends_with('/') && provider != Some("");
        named.then(|| Self { provider: provider.map(str::to_owned), id: id.to_owned() })
    }

    /// Whether both may be one: the ids are the same, and no provider speaks against it.
    #[must_use]
    pub fn fits(&self, other: &Self) -> bool {
        self.id == other.id && (self.provider.is_none() || other.provider.is_none() || self.provider == other.provider)
    }
}

impl fmt::Display for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.provider {
            Some(provider) => write!(f, "{provider}/{}", self.id),
            None => f.write_str(&self.id),
        }
    }
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
