#![expect(clippy::disallowed_methods, reason = "back end: files in which what hooks hand over waits")]
//! [`Spool`]: where events of hooks wait until they are taken into an audit log, a few files for each session.
//!
//! | file | what |
//! |---|---|
//! | `NAME.count` | a byte for each event of the session: its length is how many there were, whatever became of them |
//! | `NAME.jsonl` | records that wait, one line each, behind an empty one: what a full disk cut off spoils no other |
//! | `NAME.session` | the agent, and the session's id |
//! | `NAME.transcript` | where the session's transcript is |
//! | `NAME.ended` | the session ended |
//! | `NAME.taken` | how much of `NAME.jsonl` was taken in, and up to which event it was settled what was lost |
//!
//! It is in the user's folder of state, for that user alone. A folder or file of anybody else, a link or a pipe in the place of one,
//! or one that others may write is not touched.

use super::AuditPlace;
use super::state_folder;
use crate::model::{Digest, limits};
use crate::regular;
use rustix::fs::{FlockOperation, OFlags};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// The spool of one log and user.
#[derive(Clone, Debug)]
pub struct Spool {
    folder: PathBuf,
}

/// A session that has events in a spool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    name: String,
    /// The agent.
    pub agent: String,
    /// The session's id; none where events did not say one.
    pub session: Option<String>,
    /// How many events it had.
    pub counted: u64,
    /// Bytes that wait, from the first one on.
    pub spooled: u64,
    /// How long ago the last event was.
    pub quiet: Duration,
    /// Where its transcript is.
    pub transcript: Option<PathBuf>,
    /// Whether it ended.
    pub ended: bool,
    /// What was taken in.
    pub taken: Taken,
}

/// How far a session was taken in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// Bytes of what waits.
    pub bytes: u64,
    /// Up to which event it is settled what was lost.
    pub settled: u64,
    /// How large its transcript was when it was imported.
    pub transcript: u64,
}

impl Spool {
    /// The spool of a log: none where this user has no folder of state.
    #[must_use]
    pub fn of(place: &AuditPlace) -> Option<Self> {
        let log = Digest::sha256(place.folder.as_os_str().as_encoded_bytes());
        Some(Self { folder: state_folder()?.join("attest/hook").join(&log.hex()[..16]) })
    }

    /// The spool in a folder.
    #[must_use]
    pub fn at(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    /// Makes its folder, where it is not there.
    ///
    /// # Errors
    /// The system's, and where it is not this user's alone.
    pub fn ready(&self) -> io::Result<()> {
        if fs::symlink_metadata(&self.folder).is_err() {
            fs::DirBuilder::new().mode(0o700).recursive(true).create(&self.folder)?;
        }
        self.is_own()
    }

    /// Whether its folder is this user's alone.
    fn is_own(&self) -> io::Result<()> {
        let meta = fs::symlink_metadata(&self.folder)?;
        let own = meta.is_dir() && meta.uid() == rustix::process::geteuid().as_raw() && meta.mode() & 0o022 == 0;
        own.then_some(()).ok_or_else(|| io::Error::other("the folder is not this user's alone"))
    }

    /// Counts an event of a session: its number, from 1 on. What becomes of the event after that is seen.
    ///
    /// # Errors
    /// The system's, and where the file is not this user's.
    pub fn count(&self, agent: &str, session: Option<&str>) -> io::Result<u64> {
        let name = name(agent, session);
        let mut file = self.open(&format!("{name}.count"), true)?;
        file.write_all(b".")?;
        // Where the file is written at its end, the place behind the byte is this byte's alone.
        let number = file.stream_position()?;
        if number == 1 {
            let text = format!("{agent}\n{}\n", session.unwrap_or_default());
            self.note(&name, "session", &text)?;
        }
        Ok(number)
    }

    /// Adds a record that waits.
    ///
    /// # Errors
    /// The system's, where the file is not this user's, and where it is full.
    pub fn add(&self, agent: &str, session: Option<&str>, line: &[u8]) -> io::Result<()> {
        let mut file = self.open(&format!("{}.jsonl", name(agent, session)), true)?;
        // A taker holds it only for as long as it takes away what was taken in.
        rustix::fs::flock(&file, FlockOperation::NonBlockingLockShared)?;
        let meta = file.metadata()?;
        if meta.nlink() == 0 || meta.len() + line.len() as u64 > limits::SPOOL_BYTES {
            return Err(io::Error::other("the spool is full"));
        }
        let whole = [b"\n", line, b"\n"].concat();
        match file.write(&whole)? {
            n if n == whole.len() => Ok(()),
            _ => Err(io::ErrorKind::WriteZero.into()),
        }
    }

    /// Notes where the transcript of a session is, and whether it ended.
    ///
    /// # Errors
    /// The system's.
    pub fn note_session(
        &self,
        (agent, session): (&str, Option<&str>),
        transcript: Option<&str>,
        ended: bool,
    ) -> io::Result<()> {
        let name = name(agent, session);
        self.note(&name, "session", &format!("{agent}\n{}\n", session.unwrap_or_default()))?;
        if let Some(path) = transcript.filter(|path| Path::new(path).is_absolute() && !path.contains('\n')) {
            self.note(&name, "transcript", path)?;
        }
        if ended { self.note(&name, "ended", "") } else { Ok(()) }
    }

    fn note(&self, name: &str, what: &str, text: &str) -> io::Result<()> {
        let mut file = self.open(&format!("{name}.{what}"), false)?;
        file.set_len(0)?;
        file.write_all(text.as_bytes())
    }

    /// Opens a file of this user's, or makes it; nothing is waited for and no link followed.
    fn open(&self, name: &str, append: bool) -> io::Result<File> {
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
        let mut options = OpenOptions::new();
        options.create(true).mode(0o600).custom_flags(flags.bits().cast_signed());
        let file = if append { options.append(true) } else { options.write(true) }.open(self.folder.join(name))?;
        let meta = file.metadata()?;
        let own = meta.is_file() && meta.uid() == rustix::process::geteuid().as_raw() && meta.mode() & 0o022 == 0;
        own.then_some(file).ok_or_else(|| io::Error::other("the file is not this user's"))
    }

    /// Keeps others from taking in what waits, while it is held; none where somebody does, or nothing waits.
    #[must_use]
    pub fn taker(&self) -> Option<File> {
        self.is_own().ok()?;
        let lock = self.open("lock", false).ok()?;
        rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive).ok()?;
        Some(lock)
    }

    /// Sessions that have events here.
    ///
    /// # Errors
    /// The system's; nothing is there where the folder is not.
    pub fn waiting(&self) -> io::Result<Vec<Waiting>> {
        let files = match fs::read_dir(&self.folder) {
            Ok(files) => files,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(e) => return Err(e),
        };
        let names = files.flatten().filter_map(|file| {
            let name = file.file_name().into_string().ok()?;
            name.strip_suffix(".session").map(str::to_owned)
        });
        let mut names: Vec<String> = names.take(limits::SPOOL_SESSIONS).collect();
        names.sort();
        Ok(names.into_iter().filter_map(|name| self.look(name)).collect())
    }

    fn look(&self, name: String) -> Option<Waiting> {
        let read = |what: &str| {
            let bytes = regular::read(&self.path(&name, what), limits::SPOOL_NOTE_BYTES).ok()?;
            String::from_utf8(bytes).ok()
        };
        let meta = |what: &str| fs::symlink_metadata(self.path(&name, what)).ok().filter(fs::Metadata::is_file);
        let whose = read("session")?;
        let (agent, session) = whose.split_once('\n')?;
        let taken = read("taken").unwrap_or_default();
        let mut taken = taken.split(' ').map(|n| n.trim().parse().unwrap_or(0));
        let mut next = || taken.next().unwrap_or(0);
        let taken = Taken { bytes: next(), settled: next(), transcript: next() };
        let last = ["count", "jsonl", "session", "ended"].iter().filter_map(|what| meta(what)?.modified().ok()).max();
        let quiet = last.and_then(|last| SystemTime::now().duration_since(last).ok()).unwrap_or_default();
        Some(Waiting {
            agent: agent.to_owned(),
            session: Some(session.trim_end_matches('\n').to_owned()).filter(|id| !id.is_empty()),
            counted: meta("count").map_or(0, |meta| meta.len()),
            spooled: meta("jsonl").map_or(0, |meta| meta.len()),
            transcript: read("transcript").map(PathBuf::from),
            ended: meta("ended").is_some(),
            quiet,
            taken,
            name,
        })
    }

    fn path(&self, name: &str, what: &str) -> PathBuf {
        self.folder.join(format!("{name}.{what}"))
    }

    /// Whole lines of what waits of a session, from where it was taken in up to now, and where they end.
    ///
    /// # Errors
    /// The system's.
    pub fn lines(&self, of: &Waiting) -> io::Result<(Vec<u8>, u64)> {
        if of.spooled <= of.taken.bytes {
            return Ok((Vec::new(), of.taken.bytes));
        }
        let (mut file, _) = regular::open(&self.path(&of.name, "jsonl"))?;
        file.seek(SeekFrom::Start(of.taken.bytes))?;
        let mut bytes = Vec::new();
        file.take(limits::SPOOL_READ_BYTES as u64).read_to_end(&mut bytes)?;
        // A line that is longer than all that is read at once is none of ours.
        let whole = match bytes.iter().rposition(|b| *b == b'\n') {
            Some(at) => at + 1,
            None if bytes.len() == limits::SPOOL_READ_BYTES => bytes.len(),
            // Nobody is writing it any more: a full disk cut it off.
            None if of.quiet >= Duration::from_secs(limits::HOOK_QUIET_SECONDS) => bytes.len(),
            None => 0,
        };
        bytes.truncate(whole);
        Ok((bytes, of.taken.bytes + whole as u64))
    }

    /// Notes how far a session was taken in.
    ///
    /// # Errors
    /// The system's.
    pub fn took(&self, of: &Waiting, taken: Taken) -> io::Result<()> {
        let text = format!("{} {} {}\n", taken.bytes, taken.settled, taken.transcript);
        regular::replace(&self.path(&of.name, "taken"), text.as_bytes())
    }

    /// Notes that the transcript of a session was imported, and need not be again.
    ///
    /// # Errors
    /// The system's.
    pub fn imported(&self, of: &Waiting) -> io::Result<()> {
        ["transcript", "ended"].iter().try_for_each(|what| self.remove(of, what))
    }

    /// Takes away what waited of a session and was taken in, overwritten first; not where more came meanwhile.
    ///
    /// # Errors
    /// The system's.
    pub fn empty(&self, of: &Waiting) -> io::Result<()> {
        let path = self.path(&of.name, "jsonl");
        if fs::symlink_metadata(&path).is_err() {
            return Ok(());
        }
        let file = self.open(&format!("{}.jsonl", of.name), false)?;
        rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive)?;
        if file.metadata()?.len() > of.taken.bytes {
            return Ok(());
        }
        // Where this is cut off, all of it is taken in again, which adds nothing.
        self.took(of, Taken { bytes: 0, ..of.taken })?;
        let zeros = vec![0; 1 << 16];
        let mut at = 0;
        while at < of.taken.bytes {
            let part = (of.taken.bytes - at).min(zeros.len() as u64);
            file.write_all_at(&zeros[..usize::try_from(part).unwrap_or(0)], at)?;
            at += part;
        }
        file.sync_data()?;
        fs::remove_file(&path)
    }

    /// Takes away everything of a session.
    ///
    /// # Errors
    /// The system's.
    pub fn forget(&self, of: &Waiting) -> io::Result<()> {
        self.empty(of)?;
        ["count", "transcript", "ended", "taken", "session"].iter().try_for_each(|what| self.remove(of, what))
    }

    fn remove(&self, of: &Waiting, what: &str) -> io::Result<()> {
        match fs::remove_file(self.path(&of.name, what)) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
            _ => Ok(()),
        }
    }
}

/// The name of a session's files: its id where that can be one.
fn name(agent: &str, session: Option<&str>) -> String {
    let is_plain = |id: &&str| id.len() <= 64 && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
    match session {
        None => format!("{agent}.-"),
        Some(id) if is_plain(&id) && id != "-" => format!("{agent}.{id}"),
        Some(id) => format!("{agent}.+{}", &Digest::sha256(id.as_bytes()).hex()[..32]),
    }
}
