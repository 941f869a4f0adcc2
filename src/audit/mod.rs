//! The audit log: what agents did, in a transparency log in a folder of one machine.
//!
//! | file | job |
//! |---|---|
//! | `settings.rs` | what a log is: its name, its keys, how long things are kept |
//! | `frame.rs` | the frames of the journal, whose writing is the commit |
//! | `disk/` | each change of a file, so that tests can stop at any of them |
//! | `store/` | [`LogStore`]: where entries, contents and published files are |
//! | `keys/` | [`KeyStore`]: keys of contents and of people, which can be destroyed |
//! | `content.rs` | what a record says, as it is encrypted |
//! | `seal.rs` | a draft to what is stored, and back |
//! | `log.rs`, `tree.rs` | [`Log`]: append, publish, prove |
//! | `notes/` | signed notes in clear: what the log is, which keys were destroyed and on whose authority, what must stay |
//! | `holding.rs` | writing holds, and finding what they keep |
//! | `erase.rs` | destroying them, in an order that no crash can break |
//! | `disclosure.rs` | a record's entry, and single fields of it, shown with their proof |
//! | `handout/` | records for others, with what proves them, and how that is checked without the log |
//! | `anchor/` | what others outside say of a checkpoint |
//! | `replica/` | copies of the log elsewhere |
//! | `witness/` | a small witness of other logs |
//! | `account.rs` | checks a log whole, and accounts for every record |
//! | `index/` | [`Index`]: a copy of what can be asked, which can be made again |

mod account;
pub mod anchor;
#[cfg(test)]
mod bound_tests;
mod content;
mod disclosure;
mod disk;
mod erase;
mod error;
mod frame;
pub mod handout;
#[cfg(test)]
mod hold_tests;
mod holding;
pub mod index;
pub mod keys;
mod log;
#[cfg(test)]
mod log_tests;
mod notes;
pub mod replica;
mod seal;
mod settings;
pub mod store;
mod tree;
pub mod witness;

pub use account::{Account, Bad, Outside, account};
pub use disclosure::{Disclosed, Disclosure};
pub use erase::Erase;
pub use error::AuditError;
#[cfg(feature = "testing")]
pub use frame::{read_frames, sample_frames};
pub use index::Index;
pub use keys::{KeyStore, Keys};
pub use log::{Log, Parts, consistency, inclusion, own as own_checkpoint, receipt};
pub use notes::bound::{bound, keep_to};
pub use notes::{Held, Hold, Holds, Keep, OneHold, Redaction, What};
pub use seal::{Opened, Unopened, open};
pub use settings::{Settings, shown as shown_anchor};
pub use store::{LogStore, Stored};
