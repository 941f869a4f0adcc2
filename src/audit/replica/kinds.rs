//! The back ends of replicas, and which of them a place names.

use super::{FolderReplica, Opening, Replica, ReplicaError, S3Replica};
use crate::audit::AuditError;
use crate::seam::{BoxFuture, ready};
use std::path::Path;

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
        name: "s3",
        form: "s3://BUCKET[/PREFIX]",
        is: |place| place.starts_with("s3://"),
        open: |place, opening| Box::pin(s3(place, opening)),
    },
    Kind {
        name: "folder",
        form: "DIR",
        is: |place| !place.contains("://") && !place.starts_with("s3:") && !place.starts_with("s3//"),
        open: |place, opening| {
            let open = FolderReplica::open(Path::new(place), opening.write);
            ready(open.map(|replica| Box::new(replica) as Box<dyn Replica>))
        },
    },
];

async fn s3(place: &str, opening: &Opening) -> Opened {
    Ok(Box::new(S3Replica::open(place, opening).await?))
}

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
        None => {
            let forms: Vec<_> = ALL.iter().map(|kind| kind.form).collect();
            let cause = format!("expected one of {}", forms.join(", "));
            Err(AuditError::malformed(format!("the replica {}", super::shown(place)), cause).into())
        }
    }
}
