//! Whether a bucket's lock holds. Servers exist that take every header of a lock and keep none of them, so it is tried: on an object
//! of each day, which is locked for a day, everything that a lock has to refuse.

use super::bucket::{Bucket, Put, Refused};
use super::sign::times;
use super::versions::{all, first};
use crate::audit::replica::{Lock, ReplicaError};
use crate::model::{Timestamp, limits};

const HOUR: i64 = 3600;
/// What the objects say of themselves.
const SAYS: &[u8] = b"attest tries here whether this bucket's lock holds: this object is locked for a day\n";

/// What trying found.
pub(super) struct Found {
    pub(super) lock: Lock,
    /// Whether the server refuses to put something where something is.
    pub(super) conditional: bool,
}

/// Tries the lock.
///
/// # Errors
/// [`ReplicaError::NotAppendOnly`] where something was allowed that a lock refuses.
pub(super) async fn probe(bucket: &Bucket, now: Timestamp) -> Result<Found, ReplicaError> {
    let weak = |cause: String| ReplicaError::NotAppendOnly { place: bucket.place.name.clone(), cause };
    let key = format!("probe/{}", times(now).1);
    let put = match bucket.put(&key, SAYS, later(now, 24 * HOUR)).await? {
        Ok(put) => put,
        Err(refused) if is_no_word_on_locks(&refused) => {
            return Err(bucket.unusable(refused.said));
        }
        Err(refused) => return Err(weak(format!("it takes no locked object: {}", refused.said))),
    };
    let (version, conditional) = match put {
        Put::Made(None) => return Err(weak("it keeps no versions, so that what is there can be written over".into())),
        Put::Made(Some(version)) => {
            let again = bucket.put(&key, SAYS, later(now, 24 * HOUR)).await?;
            (version, again == Ok(Put::There))
        }
        Put::There => match oldest(bucket, &key).await? {
            Ok(Some(version)) => (version, true),
            Ok(None) => return Err(weak("the object of today that was locked is gone".into())),
            Err(refused) => return Ok(Found { lock: untried(&refused), conditional: true }),
        },
    };
    let mut refusals = Vec::new();
    let shorter = bucket.lock(&key, &version, later(now, HOUR).unwrap_or(now)).await?;
    refusals.push(("the time until which something is locked was shortened", shorter));
    let round = bucket.delete(&key, &version, true).await?;
    refusals.push(("a locked version was deleted, with a word to go round the lock", round));
    let deleted = bucket.delete(&key, &version, false).await?;
    refusals.push(("a locked version was deleted", deleted));
    for (what, tried) in refusals {
        match tried {
            Ok(()) => return Err(weak(format!("its lock does not hold: {what}"))),
            Err(refused) if refused.status >= 500 => return Err(bucket.unusable(refused.said)),
            Err(_) => {}
        }
    }
    if let Ok(None) = bucket.get(&key, &version, limits::ERROR_BODY_BYTES).await? {
        return Err(weak("its lock does not hold: a locked version is gone though deleting it was refused".into()));
    }
    let lock = may_delete(bucket, now).await?;
    Ok(Found { lock, conditional })
}

/// Whether a refusal is of who comes or of where it is asked, and not of the lock.
fn is_no_word_on_locks(refused: &Refused) -> bool {
    let elsewhere = refused.code == "AuthorizationHeaderMalformed" || (300..400).contains(&refused.status);
    elsewhere || [403, 404].contains(&refused.status) || refused.status >= 500
}

/// Whether these credentials could delete at all: else that they were refused says nothing of the lock.
async fn may_delete(bucket: &Bucket, now: Timestamp) -> Result<Lock, ReplicaError> {
    let key = format!("probe/{}-free", times(now).1);
    let version = match bucket.put(&key, SAYS, None).await? {
        Ok(Put::Made(Some(version))) => version,
        // What could be deleted was: it is one that could not.
        Ok(_) => return Ok(Lock::Untried { cause: "these credentials may delete nothing".into() }),
        Err(refused) => return Ok(untried(&refused)),
    };
    Ok(match bucket.delete(&key, &version, false).await? {
        Ok(()) => Lock::Tried,
        Err(refused) => untried(&refused),
    })
}

fn untried(refused: &Refused) -> Lock {
    Lock::Untried { cause: format!("these credentials may not: {}", refused.said) }
}

/// The version that was put first.
async fn oldest(bucket: &Bucket, key: &str) -> Result<Result<Option<String>, Refused>, ReplicaError> {
    let objects = match all(bucket, key).await? {
        Ok(objects) => objects,
        Err(refused) if refused.is_denied() => return Ok(Err(refused)),
        Err(refused) => return Err(bucket.unusable(refused.said)),
    };
    Ok(Ok(objects.get(key).and_then(|versions| first(versions)).map(|version| version.id.clone())))
}

fn later(now: Timestamp, seconds: i64) -> Option<Timestamp> {
    Timestamp::from_unix(now.unix().saturating_add(seconds))
}
