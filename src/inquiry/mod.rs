//! What happened, by the records of the audit log that are handed in: nothing here reads a log, a clock or a file.
//!
//! | file | job |
//! |---|---|
//! | `event.rs` | [`Event`]: a record as questions see it, or that it cannot be read ([`Hole`]) |
//! | `amount.rs` | sums of money without rounding |
//! | `run.rs` | [`Run`]: what was one execution, or one session that is of none |
//! | `history.rs` | which runs were asked for, and what they are together |
//! | `sheet.rs` | what is to be said of one execution |
//! | `approved.rs` | who approved a commit, by which means, and who does not count |
//! | `trace.rs` | [`Branch`]: from one thing back to who asked for it, and forward to what became of it |

mod amount;
mod approved;
mod event;
mod history;
mod run;
mod sheet;
mod trace;

pub use amount::Amount;
pub use approved::{Commit, Verdict, Voice, approved, names};
pub use event::{Cell, Event, Hole, Why, each_once};
pub use history::{Asked, History, Kept, PerAgent, UNENDED, ended};
pub use run::{Cost, Run, RunId, Runs, Tokens, runs};
pub use sheet::{Action, Approval, Fact, Loss, Sheet, Transcript, sheet};
pub use trace::{Branch, Material, Subject, Word, trace};
