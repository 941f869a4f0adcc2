//! A replica in a bucket of S3 with object lock, or of a server that speaks as it does: what is put there, nobody can change or
//! delete before its time, who holds the account included.
//!
//! | key | what | locked |
//! |---|---|---|
//! | `tile/...` | tiles and bundles of entries, named as C2SP tlog-tiles has it | for a fixed time |
//! | `checkpoints/NUMBER` | a signed checkpoint; the number falls as the log grows, so that a list begins with the last one | for a fixed time |
//! | `contents/CLASS/DAY/FIRST-LAST-HASH` | what these records say, encrypted | until the class ends |
//! | `probe/DAY` | what the lock is tried on | for a day |
//!
//! Who may write there can put other versions on top, and say that an object is deleted; the first version stays, is what is read,
//! and the rest is said. Nothing is deleted here before its lock ends: what was erased has no key any more.
//!
//! | file | job |
//! |---|---|
//! | `place.rs` | `s3://...` |
//! | `bucket.rs`, `sign.rs`, `answer.rs` | requests, their signatures, answers |
//! | `replica.rs`, `days.rs` | a replica's part; what records say, by class and day |
//! | `versions.rs` | which version counts |
//! | `probe.rs` | whether the lock holds |
//! | `memory.rs` | what was copied last, for credentials that may only write |

mod answer;
mod bucket;
mod days;
mod memory;
mod place;
mod probe;
mod replica;
mod sign;
#[cfg(test)]
mod tests;
mod versions;

pub use replica::S3Replica;

/// Whether bytes are a list of versions or a refusal, for a fuzzer.
#[cfg(feature = "testing")]
#[must_use]
pub fn reads_answer(bytes: &[u8]) -> bool {
    answer::page(bytes).is_some() | answer::refusal(bytes).is_some()
}
