#![expect(clippy::disallowed_methods, reason = "runs the build step, and looks at what it wrote")]
//! The build step: run as it would run alone, but without what could sign in its name.
//!
//! It inherits standard input, output and error, so that interactive programs work; only what is no terminal is digested
//! on its way (`output.rs`). Its exit code and its signals are passed on. It is handed no variable that signs or, unless
//! its caller says so, asks for a token ([`withheld`](crate::capture::withheld)), and no descriptor but those three.

mod files;
mod output;
mod pass;
pub(in crate::capture) mod private;

use crate::capture::input::bounded::Bounded;
use crate::capture::input::files as hashing;
use crate::capture::secret::variables::handed;
use crate::capture::{CaptureError, Captured, Environment, StepRecord};
use crate::model::{Digest, ResourceDescriptor, Timestamp};
use rustix::io::Errno;
use rustix::process::{DumpableBehavior, Pid, Signal, WaitId, WaitIdOptions};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};
use signal_hook::iterator::SignalsInfo;
use signal_hook::iterator::exfiltrator::WithOrigin;
use signal_hook::low_level::siginfo::{Cause, Origin};
use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;

pub use files::{Watch, Watched};
pub use output::StreamDigest;
pub use pass::{Passed, pass_through};

/// A build step, and what it is handed.
#[derive(Clone, Copy, Debug)]
pub struct BuildStep<'a> {
    /// Program and arguments.
    pub command: &'a [String],
    /// The variables that key references name (`env:NAME`): withheld.
    pub keys: &'a [String],
    /// Whether it is handed the variables that ask for identity tokens.
    pub share_identity: bool,
    /// Whether what it writes to standard output goes to our standard error: standard output is for a document of ours.
    pub output_to_stderr: bool,
}

/// How a build step ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepOutcome {
    /// Its exit code; 128 and the signal's number when a signal ended it, as shells say it.
    pub code: i32,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// What it wrote to standard output.
    pub stdout: Captured<StreamDigest>,
    /// What it wrote to standard error.
    pub stderr: Captured<StreamDigest>,
    /// When it was started.
    pub started: Timestamp,
    /// When it ended.
    pub finished: Timestamp,
}

/// What subjects looked like at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Snapshot(BTreeMap<PathBuf, Option<FileState>>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct FileState {
    digest: Digest,
    /// Device, inode, change time: writing the same bytes again is writing.
    identity: (u64, u64, i64, i64),
}

impl Snapshot {
    /// Of the files, on every core; one that is not there is noted as such.
    ///
    /// # Errors
    /// A file's that is there and cannot be hashed.
    pub fn take(paths: &[PathBuf], progress: hashing::Progress<'_>) -> Result<Self, CaptureError> {
        Ok(Self::of(paths, &|| true, progress)?.expect("nothing stops it"))
    }

    /// The same; `None` where it takes longer than this.
    ///
    /// # Errors
    /// As [`take`](Self::take).
    pub fn take_within(
        paths: &[PathBuf],
        time: Duration,
        progress: hashing::Progress<'_>,
    ) -> Result<Option<Self>, CaptureError> {
        let time = Bounded::within(time);
        Self::of(paths, &|| time.goes_on(), progress)
    }

    fn of(
        paths: &[PathBuf],
        go_on: hashing::GoOn<'_>,
        progress: hashing::Progress<'_>,
    ) -> Result<Option<Self>, CaptureError> {
        let states = hashing::on_every_core(paths, |path| state(path, go_on, progress));
        let mut out = BTreeMap::new();
        for (path, state) in paths.iter().cloned().zip(states) {
            let Some(state) = state? else { return Ok(None) };
            out.insert(path, state);
        }
        Ok(Some(Self(out)))
    }

    /// The digest of a file; `None` where it was not there.
    #[must_use]
    pub fn digest(&self, path: &Path) -> Option<&Digest> {
        Some(&self.0.get(path)?.as_ref()?.digest)
    }

    /// The files that are the same as `before`, untouched.
    #[must_use]
    pub fn unwritten(&self, before: &Self) -> Vec<PathBuf> {
        let same = |(path, state): &(&PathBuf, &Option<FileState>)| before.0.get(*path) == Some(*state);
        self.0.iter().filter(same).map(|(path, _)| path.clone()).collect()
    }
}

/// What a file is like; nothing where there was no time for it.
fn state(
    path: &Path,
    go_on: hashing::GoOn<'_>,
    progress: hashing::Progress<'_>,
) -> Result<Option<Option<FileState>>, CaptureError> {
    if std::fs::symlink_metadata(path).is_err_and(|e| e.kind() == std::io::ErrorKind::NotFound) {
        return Ok(Some(None));
    }
    let Some(digest) = hashing::sha256_while(path, go_on, progress)? else { return Ok(None) };
    let meta = std::fs::metadata(path).map_err(|e| CaptureError::unreadable(path, e))?;
    let identity = (meta.dev(), meta.ino(), meta.ctime(), meta.ctime_nsec());
    Ok(Some(Some(FileState { digest, identity })))
}

impl StepOutcome {
    /// What goes into the provenance; `None` unless the step ended with 0: a failure is never attested as a success.
    #[must_use]
    pub fn record(&self, unwritten: Vec<String>, files: Captured<Vec<ResourceDescriptor>>) -> Option<StepRecord> {
        let stream = |name, s: &Captured<StreamDigest>| (name, s.clone().map(|s| vec![s.descriptor(name)]));
        let byproducts = vec![stream("stdout", &self.stdout), stream("stderr", &self.stderr), ("step-files", files)];
        (self.code == 0).then_some(StepRecord { started: self.started, finished: self.finished, unwritten, byproducts })
    }

    /// Whether a process that the step left running still holds its output.
    #[must_use]
    pub fn is_still_open(&self) -> bool {
        [&self.stdout, &self.stderr].iter().any(|s| s.value().is_some_and(|s| s.still_open))
    }
}

/// Makes this process one that others of the same user cannot look into (`/proc/PID/mem`, `ptrace`), and that leaves no
/// core file. Called before a build step runs, and before any key is opened.
///
/// # Errors
/// [`CaptureError::StepNotIsolated`].
pub fn keep_memory_private() -> Result<(), CaptureError> {
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)
        .map_err(|e| CaptureError::StepNotIsolated { cause: e.to_string() })
}

/// Runs the step to its end. `make`'s job server descriptors, if `MAKEFLAGS` names them, are handed on.
///
/// # Errors
/// [`CaptureError::StepNotStarted`] and [`CaptureError::StepNotIsolated`].
pub fn run(
    what: &BuildStep<'_>,
    env: &Environment,
    clock: &dyn Fn() -> Timestamp,
) -> Result<StepOutcome, CaptureError> {
    let (program, args) = what.command.split_first().ok_or_else(|| not_started("", "no command"))?;
    let isolated = |cause: std::io::Error| CaptureError::StepNotIsolated { cause: cause.to_string() };
    // What the caller left open (a key from a shell's `<(...)`, say) is for us, not for the step.
    close_fds::set_fds_cloexec_threadsafe(3, &job_server(env));
    let forwarded = not_ignored();
    stand_back(&forwarded).map_err(isolated)?;
    let signals = SignalsInfo::<WithOrigin>::new(&forwarded).map_err(isolated)?;
    let mut step = Command::new(program);
    step.args(args).env_clear().envs(handed(env, what.keys, what.share_identity)).current_dir(&env.working_dir);
    let (streams, stdout, stderr) = output::prepare(what.output_to_stderr).map_err(isolated)?;
    if let Some(stdout) = stdout {
        step.stdout(stdout);
    }
    if let Some(stderr) = stderr {
        step.stderr(stderr);
    }
    let started = clock();
    let child = step.spawn();
    // The ends that were the step's are closed here, so that its end is the end of its output.
    drop(step);
    let status = attend(child, signals);
    let finished = clock();
    let (stdout, stderr) = streams.end();
    let status = status.map_err(|e| not_started(program, &e.to_string()))?;
    Ok(StepOutcome { code: code(status), signal: status.signal(), stdout, stderr, started, finished })
}

/// Waits for a child to end, and forwards signals to it until then; from then on they mean us again.
fn attend(child: std::io::Result<Child>, mut signals: SignalsInfo<WithOrigin>) -> std::io::Result<ExitStatus> {
    let handle = signals.handle();
    let with_id = child.and_then(|child| {
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        Ok((child, pid.ok_or_else(|| std::io::Error::other("no process id"))?))
    });
    let (mut child, pid) = match with_id {
        Ok(with_id) => with_id,
        Err(e) => {
            handle.close();
            STEP_HAS_ENDED.store(true, Ordering::SeqCst);
            return Err(e);
        }
    };
    let status = std::thread::scope(|scope| {
        scope.spawn(move || {
            for Origin { signal, cause, .. } in signals.forever() {
                // What the keyboard sends, the kernel has sent to the step already: it is of our group.
                if matches!(signal, SIGINT | SIGQUIT) && cause == Cause::Kernel {
                    continue;
                }
                if let Some(signal) = Signal::from_named_raw(signal) {
                    // It may have ended meanwhile; it is not reaped yet, so the id is still its own.
                    let _ = rustix::process::kill_process(pid, signal);
                }
            }
        });
        // Waits without reaping: until the forwarding has stopped nobody else may get this process id.
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        while rustix::process::waitid(WaitId::Pid(pid), options).is_err_and(|e| e == Errno::INTR) {}
        handle.close();
        child.wait()
    });
    STEP_HAS_ENDED.store(true, Ordering::SeqCst);
    status
}

/// Ends this process by the signal that ended the step, so that whoever waits for it sees what it would have seen. Returns
/// where that cannot be.
pub fn end_by(signal: i32) {
    // Others do not end a process by themselves, or have no such action at all.
    if signal_hook::low_level::signal_name(signal).is_some() {
        let _ = signal_hook::low_level::emulate_default_handler(signal);
    }
}

/// Whether signals mean us again, as they do without a handler.
static STEP_HAS_ENDED: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);
static REGISTERED: Mutex<BTreeSet<i32>> = Mutex::new(BTreeSet::new());

/// From now on until the step has ended, its signals do not end us.
fn stand_back(signals: &[i32]) -> std::io::Result<()> {
    let mut registered = REGISTERED.lock().unwrap_or_else(PoisonError::into_inner);
    STEP_HAS_ENDED.store(false, Ordering::SeqCst);
    for signal in signals {
        // A handler stays for the life of the process, and each would act.
        if registered.insert(*signal) {
            signal_hook::flag::register_conditional_default(*signal, Arc::clone(&STEP_HAS_ENDED))?;
        }
    }
    Ok(())
}

/// The signals to forward, without those that the caller has us ignore (`nohup`): the step inherits that.
fn not_ignored() -> Vec<i32> {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|l| l.strip_prefix("SigIgn:")).map(str::trim);
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask, 16).ok()).unwrap_or(0);
    let all = [SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2];
    all.into_iter().filter(|signal| ignored & (1 << (signal - 1)) == 0).collect()
}

fn not_started(program: &str, cause: &str) -> CaptureError {
    CaptureError::StepNotStarted { program: program.to_owned(), cause: cause.to_owned() }
}

fn code(status: ExitStatus) -> i32 {
    status.code().or_else(|| status.signal().map(|s| 128 + s)).unwrap_or(128)
}

/// `--jobserver-auth=R,W` of `MAKEFLAGS`, sorted.
fn job_server(env: &Environment) -> Vec<i32> {
    let flags = env.variable("MAKEFLAGS").unwrap_or_default();
    let pair = flags.split_whitespace().filter_map(|f| f.strip_prefix("--jobserver-auth=")).next_back();
    let mut fds: Vec<i32> =
        pair.unwrap_or_default().split(',').filter_map(|n| n.parse().ok()).filter(|n| *n > 2).collect();
    fds.sort_unstable();
    fds
}
