//! The back ends of replicas, and which of them a place names.

use super::{FolderReplica, Replica, ReplicaError};
use crate::seam::{BoxFuture, ready};
use std::path::Path;
use std::time::Duration;

/// How a replica is opened.
#[derive(Clone)]
pub struct Opening {
    /// Whether something is copied there, and not only compared.
    pub write: bool,
    /// How long a server may let wait.
    pub patience: Duration,
    /// The password where the place has none.
    pub password: Option<String>,
    /// The log's name: where a place holds several, the one that is meant.
    pub origin: String,
}

impl std::fmt::Debug for Opening {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Opening({}, write {})", self.origin, self.write)
    }
}

/// A back end.
pub struct Kind {
    /// Its name in outputs.
    pub name: &'static str,
    /// How a place of it is written.
    pub form: &'static str,
    /// Whether a place is one of it.
    pub is: fn(&str) -> bool,
    /// Opens it.
    pub open: Open,
}

/// What opens a replica at a place.
pub type Open = for<'a> fn(&'a str, &'a Opening) -> BoxFuture<'a, Opened>;
/// A replica that is open, or why none is.
pub type Opened = Result<Box<dyn Replica>, ReplicaError>;

/// Every back end. A place is of the first one that takes it; a new one is a row here, before the folder.
pub const ALL: &[Kind] = &[
    Kind {
        name: "postgresql",
        form: "postgresql://USER@HOST/DATABASE",
        is: |place| place.starts_with("postgresql://") || place.starts_with("postgres://"),
        open: |place, opening| Box::pin(postgresql(place, opening)),
    },
    Kind {
        name: "folder",
        form: "DIR",
        is: |_| true,
        open: |place, opening| {
            let open = FolderReplica::open(Path::new(place), opening.write);
            ready(open.map(|replica| Box::new(replica) as Box<dyn Replica>))
        },
    },
];

#[cfg(feature = "postgresql")]
async fn postgresql(place: &str, opening: &Opening) -> Opened {
    Ok(Box::new(super::PostgresReplica::open(place, opening).await?))
}

#[cfg(not(feature = "postgresql"))]
async fn postgresql(place: &str, _: &Opening) -> Opened {
    let cause = "this build has no PostgreSQL: build with the feature `postgresql`".to_owned();
    Err(ReplicaError::Foreign { place: super::shown(place), cause })
}

/// The back end that a place names.
#[must_use]
pub fn kind(place: &str) -> Option<&'static Kind> {
    ALL.iter().find(|kind| (kind.is)(place))
}

/// Opens a replica.
///
/// # Errors
/// [`ReplicaError`].
pub async fn open(place: &str, opening: &Opening) -> Opened {
    match kind(place) {
        Some(kind) => (kind.open)(place, opening).await,
        None => Err(ReplicaError::Foreign { place: place.to_owned(), cause: "no kind of replica".into() }),
    }
}
