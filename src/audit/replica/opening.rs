//! [`Opening`].

use crate::audit::Settings;
use std::path::PathBuf;
use std::time::Duration;

/// How a replica is opened.
#[derive(Clone)]
pub struct Opening {
    /// Whether something is copied there, and not only compared.
    pub write: bool,
    /// How long a server may let wait.
    pub patience: Duration,
    /// What the environment says: passwords and keys of who comes.
    pub variable: fn(&str) -> Option<String>,
    /// The log: where a place holds several, the one that is meant, and whose checkpoints count.
    pub settings: Settings,
    /// Where it may be kept what a place took last that cannot be asked for it; none where nothing is kept.
    pub memory: Option<PathBuf>,
}

impl std::fmt::Debug for Opening {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Opening({}, write {})", self.settings.origin, self.write)
    }
}
