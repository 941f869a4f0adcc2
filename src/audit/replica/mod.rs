//! Copies of a log elsewhere, so that an owner who changes the log, or loses it, is found out. What is published goes there, in
//! one direction: entries, tiles, checkpoints and encrypted contents; never a key.
//!
//! | file | job |
//! |---|---|
//! | `kinds.rs`, `opening.rs` | the list of back ends, which of them a place names, and what it is opened with |
//! | `copy.rs` | what is new to a replica, once it is proven that the log continues what the replica has |
//! | `compare.rs` | a replica and a log held against each other, record by record |
//! | `gone.rs`, `orders.rs` | which contents a replica has to let go of, on whose authority |
//! | `contents.rs` | what records say, as the bytes of a file |
//! | `folder/`, `postgres/`, `s3/`, `memory.rs` | where replicas are |
//!
//! A replica believes nothing but the log's signatures: it takes a checkpoint only where the log's records lead from the one that
//! it has to the new one, and takes nothing back. So what it saw once, it shows for ever.

mod compare;
mod contents;
mod copy;
#[cfg(test)]
mod crash_tests;
mod error;
mod folder;
mod gone;
mod kinds;
mod memory;
mod opening;
mod orders;
#[cfg(feature = "postgresql")]
mod postgres;
mod s3;
#[cfg(test)]
mod tests;

pub use compare::{Compared, compare};
pub use copy::{Forgotten, Replicated, replicate};
pub use error::ReplicaError;
pub use folder::FolderReplica;
pub use gone::Gone;
pub use kinds::{ALL, Kind, Open, Opened, kind, open};
pub use memory::MemoryReplica;
pub use opening::Opening;
#[cfg(feature = "postgresql")]
pub use postgres::{PostgresReplica, SCHEMA};
pub use s3::S3Replica;
#[cfg(feature = "testing")]
pub use s3::reads_answer;

use super::Bad;
use crate::record::Class;
use crate::seam::{BoxFuture, ready};
use crate::tlog::{Checkpoint, Note};

/// After how many records tiles are handed over: as many as two levels of full tiles have.
const STEP: u64 = 65_536;
/// Records that are read at once.
const BATCH: u64 = 4096;

/// A record as it goes to a replica.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// The entry.
    pub entry: Vec<u8>,
    /// What it says, encrypted or in clear as the log has it; none where it was destroyed since.
    pub content: Option<Content>,
}

/// A content, and by what it is let go of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// How long it is kept.
    pub class: Class,
    /// The day whose keys it is under (days since 1970).
    pub day: u32,
    /// As the log stores it.
    pub bytes: Vec<u8>,
}

/// A record as a replica has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copied {
    /// The entry.
    pub entry: Vec<u8>,
    /// The content; none where there is none (any more).
    pub content: Option<Vec<u8>>,
}

/// What a back end keeps of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keeps {
    /// Tiles of hashes and bundles of entries, as files.
    pub tiles: bool,
    /// Contents.
    pub contents: bool,
    /// Whether contents are deleted there on order. Where they are not, what was destroyed stays as bytes without a key.
    pub forgets: bool,
}

/// What is known of a lock that keeps what was copied from being changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lock {
    /// Everything that it has to refuse was tried, and refused.
    Tried,
    /// It was refused, and might have been without a lock.
    Untried {
        /// Why, in words.
        cause: String,
    },
}

/// A copy of one log.
///
/// A back end MUST keep to this:
/// - what was taken is durable and whole when the method returns, and a crash leaves each part as it was before or after;
/// - taking again what is there changes nothing; another thing in its place is [`ReplicaError::Changed`] and MUST NOT replace it.
///   Contents behind the checkpoint alone MAY be replaced;
/// - [`Replica::seal`] comes last, and only a checkpoint of more records than the one that is there replaces it;
/// - nothing but [`Replica::forget`] takes anything away, and that takes contents alone; only where it keeps contents and forgets
///   them is it asked to;
/// - keys are never among what it is given, and it MUST NOT ask for any.
pub trait Replica: Send + Sync {
    /// Where it is, as it may be shown: without a password.
    fn name(&self) -> &str;

    /// What it keeps beside entries and checkpoints.
    fn keeps(&self) -> Keeps;

    /// The checkpoint that it took last; none where it took none.
    fn checkpoint(&self) -> BoxFuture<'_, Result<Option<Vec<u8>>, ReplicaError>>;

    /// Every checkpoint that the log signed and that is there, the last one first: each is a word of the log, and an older one that
    /// the last does not continue shows that it gave two.
    fn checkpoints(&self) -> BoxFuture<'_, Result<Vec<Vec<u8>>, ReplicaError>> {
        Box::pin(async move { Ok(self.checkpoint().await?.into_iter().collect()) })
    }

    /// Up to which number it is sure that everything is there, however far its checkpoint goes: that one somebody else may have put
    /// there.
    fn sure(&self) -> u64 {
        u64::MAX
    }

    /// Records from a number on: at least one where there is one, at most `count`.
    fn read(&self, from: u64, count: usize) -> BoxFuture<'_, Result<Vec<Copied>, ReplicaError>>;

    /// A tile or bundle by its name; none where there is none, or tiles are not kept.
    fn file<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Vec<u8>>, ReplicaError>>;

    /// Takes records from a number on: where tiles are kept, their contents alone, as bundles bring the entries.
    fn take<'a>(&'a mut self, first: u64, records: &'a [Taken]) -> BoxFuture<'a, Result<(), ReplicaError>>;

    /// Takes tiles and bundles by their names.
    fn publish<'a>(&'a mut self, files: &'a [(String, Vec<u8>)]) -> BoxFuture<'a, Result<(), ReplicaError>>;

    /// Takes a checkpoint, after everything that is under it.
    fn seal<'a>(&'a mut self, note: &'a [u8]) -> BoxFuture<'a, Result<(), ReplicaError>>;

    /// The number before which every order to delete was carried out.
    fn carried_out(&self) -> BoxFuture<'_, Result<u64, ReplicaError>> {
        ready(Ok(0))
    }

    /// Deletes contents: how many there were.
    fn forget<'a>(&'a mut self, _: &'a Gone) -> BoxFuture<'a, Result<u64, ReplicaError>> {
        ready(Ok(0))
    }

    /// Every order to delete before a number is carried out.
    fn mark(&mut self, _: u64) -> BoxFuture<'_, Result<(), ReplicaError>> {
        ready(Ok(()))
    }

    /// What was found out about its lock when it was opened to be written; none where nothing is locked.
    fn lock(&self) -> Option<Lock> {
        None
    }

    /// What it saw, as far as it was read until now, that somebody did to what was copied, and that changes nothing of what it shows.
    fn noticed(&self) -> Vec<Bad> {
        Vec::new()
    }
}

/// A place without a password, as it may be shown.
#[must_use]
pub fn shown(place: &str) -> String {
    let Some((scheme, rest)) = place.split_once("://") else { return place.to_owned() };
    // All before the last `@` says who comes, whatever a password is made of; what is behind `?` can be one, too.
    let (user, at) = match rest.rsplit_once('@') {
        Some((user, at)) => (user.split([':', '/', '?']).next(), at),
        None => (None, rest),
    };
    let at = at.split('?').next().unwrap_or_default();
    match user {
        Some(user) => format!("{scheme}://{user}@{at}"),
        None => format!("{scheme}://{at}"),
    }
}

/// How many records a checkpoint says that there are, whoever signed it; 0 where it is none.
fn size_of(note: &[u8]) -> u64 {
    let checkpoint = Note::parse(note).ok().and_then(|note| Checkpoint::parse(note.text).ok());
    checkpoint.map_or(0, |checkpoint| checkpoint.size)
}
