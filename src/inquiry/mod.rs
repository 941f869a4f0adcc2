//! What happened, by the records of the audit log that are handed in: nothing here reads a log, a clock or a file.
//!
//! | file | job |
//! |---|---|
//! | `event.rs` | [`Event`]: a record as questions see it, or that it cannot be read ([`Hole`]) |
//! | `amount.rs` | sums of money without rounding |
//! | `run/` | [`Run`]: what was one execution, or one session that is of none; and what is also said of it |
//! | `history.rs` | which runs were asked for, and what they are together |
//! | `summary.rs` | what an agent did in a month, as it is kept when its executions expire |
//! | `ocsf.rs` | records as events that programs of others read |
//! | `sessions.rs` | conversations, by who told of them |
//! | `stats.rs` | what executions are together, by agent, squad, status and action type |
//! | `sheet.rs` | what is to be said of one execution |
//! | `approved.rs` | who approved a commit, by which means, and who does not count |
//! | `principal.rs` | who is one person under several spellings, and who is an agent |
//! | `blast/` | [`blast::Blast`]: from one thing forward to everything that it may have reached |
//! | `state.rs` | what is needed to do an execution again, and what of it is missing |
//! | `timeline.rs` | records of several sources in the log's order, and where their times contradict it |
//! | `week/` | [`week::Week`]: what came of a span of time, and what each outcome cost |
//! | `trace.rs` | [`Branch`]: from one thing back to who asked for it, and forward to what became of it |

mod amount;
mod approved;
pub mod blast;
mod event;
mod history;
mod ocsf;
pub mod principal;
mod run;
mod sessions;
mod sheet;
mod state;
mod stats;
mod summary;
mod timeline;
mod trace;
pub mod week;

pub use amount::Amount;
pub use approved::{Brought, Commit, Verdict, Voice, approved, is_whole, names};
pub use approved::{MAKER_UNREAD, MERGES_UNREAD, REQUESTER_UNREAD};
pub use event::{Cell, Event, Hole, Why, each_once};
pub use history::{Asked, History, Kept, PerAgent, UNENDED, ended};
pub use ocsf::ocsf;
pub use run::{AlsoSaid, Cost, Run, RunId, Runs, Tokens, runs};
pub use sessions::{Session, Sessions, SessionsAsked};
pub use sheet::{Action, Approval, Fact, Loss, Sheet, Transcript, sheet};
pub use state::{Part, State, state};
pub use stats::Stats;
pub use summary::{ALL_AGENTS, NOT_SAID, Summary, summaries};
pub use timeline::{Clock, Moment, Odd, Proven, Timeline, timeline};
pub use trace::{Branch, Material, Subject, Word, trace};
