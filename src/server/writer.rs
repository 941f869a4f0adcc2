#![expect(clippy::disallowed_methods, reason = "back end: the thread that writes a log, and its clock")]
//! The one thread that writes. While it waits for the disk others hand in more, and all of that goes to the disk together: one
//! sync for many. Nobody is answered before his records are durable.

use crate::audit::index::SqliteIndex;
use crate::audit::{AuditError, Log};
use crate::flow::audit;
use crate::model::{Timestamp, limits};
use crate::record::Draft;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// After how long a signed checkpoint follows what was written.
const PUBLISH: Duration = Duration::from_millis(500);
/// For how long the log is held under load before others may write: `erase`, `retain`, `anchor`.
const HOLD: Duration = Duration::from_secs(5);
/// For how long they then may take it.
const PAUSE: Duration = Duration::from_millis(50);

/// A log and its index, open to write.
pub type Opened = (Log, SqliteIndex);

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    /// Number of each record.
    pub numbers: Vec<u64>,
    /// How many were there already, and say the same.
    pub known: usize,
    /// Numbers of records under whose id something else was handed in.
    pub differing: Vec<u64>,
    /// How many records the log then had.
    pub size: u64,
}

type Answer = Result<Done, AuditError>;

struct Job {
    drafts: Vec<Draft>,
    /// How large it is, by what was read.
    bytes: usize,
    reply: SyncSender<Answer>,
}

enum Order {
    Write(Job),
    /// Write what waits, publish, and end.
    End,
}

/// Hands records to the thread that writes. Clones hand in to the same one.
#[derive(Clone, Debug)]
pub struct Writer {
    jobs: SyncSender<Order>,
}

/// What the thread needs.
pub struct Parts {
    /// Opens the log.
    pub open: Box<dyn FnMut() -> Result<Opened, AuditError> + Send>,
    /// The clock.
    pub now: fn() -> Timestamp,
    /// Randomness.
    pub random: fn(&mut [u8]),
    /// Whether a signed checkpoint is published before anybody is answered.
    pub sync: bool,
}

impl std::fmt::Debug for Parts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Parts").field("sync", &self.sync).finish_non_exhaustive()
    }
}

impl Writer {
    /// Starts the thread, once the log could be opened.
    ///
    /// # Errors
    /// [`AuditError`] of opening the log.
    pub fn start(mut parts: Parts) -> Result<(Self, JoinHandle<()>), AuditError> {
        let (jobs, queue) = sync_channel(limits::HANDED_IN_QUEUE);
        let opened = (parts.open)()?;
        let mut thread = Thread { parts, held: None, unpublished: None, ending: false };
        thread.take(opened)?;
        Ok((Self { jobs }, thread::spawn(move || thread.run(&queue))))
    }

    /// Writes records, all or none; comes back when they are durable.
    ///
    /// # Errors
    /// [`AuditError`]; where the thread is gone they may or may not be written.
    pub fn write(&self, drafts: Vec<Draft>, bytes: usize) -> Answer {
        let (reply, answer) = sync_channel(1);
        let gone = || AuditError::Unusable { what: "the writer of the audit log".into(), cause: "it has ended".into() };
        self.jobs.send(Order::Write(Job { drafts, bytes, reply })).map_err(|_| gone())?;
        answer.recv().map_err(|_| gone())?
    }

    /// Ends the thread, once all that was handed in is written and published; whether it ended well.
    #[must_use]
    pub fn finish(self, thread: JoinHandle<()>) -> bool {
        let told = self.jobs.send(Order::End).is_ok();
        thread.join().is_ok() && told
    }
}

struct Thread {
    parts: Parts,
    /// The log while it is open, and since when.
    held: Option<(Opened, Instant)>,
    /// When the first record was written that no checkpoint covers yet.
    unpublished: Option<Instant>,
    /// Whether it was told to end.
    ending: bool,
}

impl Thread {
    fn run(mut self, queue: &Receiver<Order>) {
        loop {
            let due = self.unpublished.map(|since| (since + PUBLISH).saturating_duration_since(Instant::now()));
            let next = match due {
                Some(due) => queue.recv_timeout(due),
                None => queue.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            match next {
                Ok(Order::Write(job)) => {
                    // What a panic leaves of the log is not known: it is opened anew. Who waits for it is told that it ended.
                    let done = catch_unwind(AssertUnwindSafe(|| self.batch(job, queue)));
                    if done.unwrap_or(true) {
                        self.held = None;
                    }
                }
                Err(RecvTimeoutError::Timeout) => self.settle(),
                Ok(Order::End) | Err(RecvTimeoutError::Disconnected) => break,
            }
            if self.ending {
                break;
            }
            let is_due = self.unpublished.is_some_and(|since| since.elapsed() >= PUBLISH);
            if is_due {
                self.publish();
            }
            if self.held.as_ref().is_some_and(|(_, since)| since.elapsed() >= HOLD) {
                self.settle();
                thread::sleep(PAUSE);
            }
        }
        if self.unpublished.is_some() {
            self.settle();
        }
    }

    /// Keeps a log that was opened, and publishes what another process left.
    fn take(&mut self, (mut log, index): Opened) -> Result<(), AuditError> {
        log.finish_redaction((self.parts.now)(), &mut self.parts.random)?;
        log.publish()?;
        self.held = Some(((log, index), Instant::now()));
        Ok(())
    }

    /// Writes a job and all that wait behind it; whether the log has to be opened anew.
    fn batch(&mut self, first: Job, queue: &Receiver<Order>) -> bool {
        let (mut bytes, mut jobs) = (first.bytes, vec![first]);
        while bytes < limits::HANDED_IN_BYTES {
            match queue.try_recv() {
                Ok(Order::Write(job)) => {
                    bytes += job.bytes;
                    jobs.push(job);
                }
                Ok(Order::End) => {
                    self.ending = true;
                    break;
                }
                Err(_) => break,
            }
        }
        let (replies, drafts): (Vec<_>, Vec<_>) = jobs.into_iter().map(|job| (job.reply, job.drafts)).unzip();
        let written = self.write(&drafts);
        // What is on the disk is not known any more: it is looked at anew before anything else is written.
        let lost = written.is_err();
        let answers = written.unwrap_or_else(|e| drafts.iter().map(|_| Err(e.clone())).collect());
        for (reply, answer) in replies.into_iter().zip(answers) {
            // Who does not wait any more has his records all the same.
            let _ = reply.send(answer);
        }
        lost
    }

    fn write(&mut self, drafts: &[Vec<Draft>]) -> Result<Vec<Answer>, AuditError> {
        if self.held.is_none() {
            let opened = (self.parts.open)()?;
            self.take(opened)?;
        }
        let Some(((log, index), _)) = &mut self.held else { return Ok(Vec::new()) };
        let written = audit::commit(log, index, drafts, (self.parts.now)(), &mut self.parts.random)?;
        self.unpublished.get_or_insert_with(Instant::now);
        if self.parts.sync {
            log.publish()?;
        }
        let size = log.size();
        let done = |audit::Recorded { numbers, known, differing }| Done { numbers, known, differing, size };
        Ok(written.into_iter().map(|one| one.map(done)).collect())
    }

    /// Publishes a checkpoint, and brings the index up to it. Where that fails it is tried again.
    fn publish(&mut self) {
        let Some(((log, index), _)) = &mut self.held else { return };
        let size = log.size();
        let published = log.publish().and_then(|_| audit::catch_up(log.store(), log.keys(), size, index));
        match published {
            Ok(()) => self.unpublished = None,
            Err(_) => {
                self.held = None;
                self.unpublished = Some(Instant::now());
            }
        }
    }

    /// Publishes, and lets go of the log: nobody writes just now.
    fn settle(&mut self) {
        if self.held.is_none() && self.unpublished.is_some() {
            self.unpublished = Some(Instant::now());
            if let Ok(opened) = (self.parts.open)() {
                let _ = self.take(opened);
            }
        }
        self.publish();
        self.held = None;
    }
}
