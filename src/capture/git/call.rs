#![expect(clippy::disallowed_methods, reason = "starts the real git, and looks where it is")]
//! Calls the real `git` so that nothing the checkout contains runs, and no call outlasts its time or its size.
//!
//! What a repository can make git run, and what stops it here: hooks (`core.hooksPath`), the file system monitor,
//! filters, textconv and external diffs (no command is called that uses them), pagers, `gpg.program` (nothing is
//! verified or shown by git), aliases (built-in commands only), credential helpers and transports (nothing is fetched:
//! no protocol is allowed, so that a partial clone cannot fetch either), replaced objects, grafts and a stored graph of
//! commits, and a `git` of its own in `PATH`.

use crate::capture::Environment;
use crate::capture::git::waiting;
use crate::model::limits;
use crate::programs::{Program, ProgramError, drain};
use std::ffi::{OsStr, OsString};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Settings that win over the repository's own.
const SETTINGS: &[&str] = &[
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "core.sshCommand=false",
    "core.pager=cat",
    "core.untrackedCache=false",
    "core.commitGraph=false",
    "advice.graftFileDeprecated=false",
    "core.excludesFile=/dev/null",
    "core.attributesFile=/dev/null",
    "diff.external=",
    "protocol.allow=never",
    "gc.auto=0",
    "maintenance.auto=false",
];

/// The whole environment of a call, beside `PATH` and a validated `GIT_DIR` and `GIT_WORK_TREE`.
const VARIABLES: &[(&str, &str)] = &[
    ("GIT_CONFIG_NOSYSTEM", "1"),
    ("GIT_CONFIG_GLOBAL", "/dev/null"),
    ("GIT_TERMINAL_PROMPT", "0"),
    ("GIT_OPTIONAL_LOCKS", "0"),
    ("GIT_NO_REPLACE_OBJECTS", "1"),
    ("GIT_NO_LAZY_FETCH", "1"),
    // Unlike the setting, this one also wins over `protocol.NAME.allow` of the repository.
    ("GIT_ALLOW_PROTOCOL", "none"),
    ("GIT_EXTERNAL_DIFF", ""),
    ("GIT_PAGER", "cat"),
    ("LC_ALL", "C"),
];

/// Where git keeps what is being pushed, while a hook looks at it; handed on where [`QUARANTINE`] says that this is so.
const OBJECTS: &[&str] = &["GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES"];
const QUARANTINE: &str = "GIT_QUARANTINE_PATH";

/// Variables by which a user configures git, handed on where it is asked whom the user trusts, and nowhere else.
const OF_THE_USER: &[&str] = &[
    "HOME",
    "XDG_CONFIG_HOME",
    "GIT_CONFIG_GLOBAL",
    "GIT_CONFIG_SYSTEM",
    "GIT_CONFIG_NOSYSTEM",
    "GIT_CONFIG_COUNT",
    "GIT_CONFIG_PARAMETERS",
];

const SUDO: &str = "SUDO_UID";

/// A `git` that is safe to call, and the folder it is called in.
#[derive(Clone)]
pub(in crate::capture) struct GitCaller {
    program: Program,
    path: OsString,
    location: Vec<(&'static str, PathBuf)>,
    trusted: Vec<String>,
    /// Variables that say where the user's own configuration is, and what more of it there is.
    of_the_user: Vec<(OsString, OsString)>,
    /// Where the objects of a push are, for a hook.
    objects: Vec<(&'static str, OsString)>,
    /// Who became root: git takes what belongs to them for root's own.
    sudo: Option<OsString>,
    /// Where it is called.
    pub(in crate::capture) dir: PathBuf,
    timeout: Duration,
    /// Whether a call ran out of time: what stands in its way stands in that of the others.
    late: Arc<AtomicBool>,
}

/// What one call gave.
pub(in crate::capture) struct GitOutput {
    /// Standard output, complete.
    pub(in crate::capture) stdout: Vec<u8>,
    /// Whether it exited with 0.
    pub(in crate::capture) ok: bool,
    /// The first line of what it complained about.
    pub(in crate::capture) complaint: String,
}

impl GitCaller {
    /// Finds the `git` of the machine; one inside the checkout is not it.
    ///
    /// # Errors
    /// The reason, for a person.
    pub(in crate::capture) fn find(env: &Environment, timeout: Duration) -> Result<Self, String> {
        if !env.variables.contains_key(OsStr::new("PATH")) {
            return Err("PATH is not set, so git was not looked for".into());
        }
        let search = env.search();
        let program = match &env.git {
            // The one from before a build step: what the step has put in its place says what the step wants.
            Some(found) => found.clone().and_then(|git| git.unchanged().map(|()| git)),
            None => search.program("git"),
        };
        let program = program.map_err(|e| match e {
            ProgramError::Missing { .. } => "no git in PATH outside the checkout".to_owned(),
            e => e.to_string(),
        })?;
        let mut location = Vec::new();
        for name in ["GIT_DIR", "GIT_WORK_TREE"] {
            if let Some(value) = env.variables.get(OsStr::new(name)) {
                let folder = env.working_dir.join(value);
                if !folder.is_dir() {
                    return Err(format!("{name} is set and names no folder"));
                }
                location.push((name, folder));
            }
        }
        let git_dir = location.iter().find(|(name, _)| *name == "GIT_DIR").map(|(_, folder)| folder.as_path());
        if let Some(reason) = waiting::before_a_call(&env.working_dir, git_dir) {
            return Err(reason);
        }
        let of_the_user = |name: &str| {
            OF_THE_USER.contains(&name) || name.starts_with("GIT_CONFIG_KEY_") || name.starts_with("GIT_CONFIG_VALUE_")
        };
        let configured = env.variables.iter().filter(|(name, _)| name.to_str().is_some_and(of_the_user));
        // The question is asked elsewhere than git would ask it: the place is the same.
        let placed = |name: &OsString, value: &OsString| match name.to_str() {
            Some("GIT_CONFIG_GLOBAL" | "GIT_CONFIG_SYSTEM") if !value.is_empty() => {
                env.working_dir.join(value).into_os_string()
            }
            _ => value.clone(),
        };
        Ok(Self {
            program,
            path: search.path(),
            location,
            trusted: Vec::new(),
            of_the_user: configured.map(|(name, value)| (name.clone(), placed(name, value))).collect(),
            objects: Vec::new(),
            sudo: env.variables.get(OsStr::new(SUDO)).cloned(),
            dir: env.working_dir.clone(),
            timeout,
            late: Arc::default(),
        })
    }

    /// Whether a variable of the caller, not the working folder, says where the repository is.
    pub(in crate::capture) fn is_placed(&self) -> bool {
        !self.location.is_empty()
    }

    /// Where a variable says that the repository is.
    pub(in crate::capture) fn git_dir(&self) -> Option<&Path> {
        self.location.iter().find(|(name, _)| *name == "GIT_DIR").map(|(_, folder)| folder.as_path())
    }

    /// The same git and repository, called in another folder.
    pub(in crate::capture) fn moved_to(&self, dir: PathBuf) -> Self {
        Self { dir, ..self.clone() }
    }

    /// The same git with the objects of the push that a hook is asked about.
    pub(in crate::capture) fn in_quarantine(mut self, env: &Environment) -> Self {
        if env.variables.contains_key(OsStr::new(QUARANTINE)) {
            let value = |name: &&'static str| Some((*name, env.variables.get(OsStr::new(name))?.clone()));
            self.objects = OBJECTS.iter().filter_map(value).collect();
        }
        self
    }

    /// The same git for a submodule: found by its folder, whatever the variables say.
    pub(in crate::capture) fn at(&self, dir: PathBuf) -> Self {
        Self { dir, location: Vec::new(), ..self.clone() }
    }

    /// Runs one command to its end.
    ///
    /// # Errors
    /// The reason, for a person: not started, out of time, or over [`limits::GIT_OUTPUT_BYTES`].
    pub(in crate::capture) fn call(&self, args: &[&str], stdin: Vec<u8>) -> Result<GitOutput, String> {
        self.run(self.command(args), stdin).map_err(|e| format!("git {}: {e}", args.first().unwrap_or(&"")))
    }

    /// Starts one command whose output is read as it comes; nothing is handed to it.
    ///
    /// # Errors
    /// The operating system's words.
    pub(in crate::capture) fn started(&self, args: &[&str]) -> Result<Child, String> {
        let mut command = self.command(args);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().map_err(|e| e.to_string())
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = self.program.command();
        command.arg("--no-pager");
        for setting in SETTINGS {
            command.args(["-c", setting]);
        }
        for folder in &self.trusted {
            command.arg("-c").arg(format!("safe.directory={folder}"));
        }
        command.args(args).current_dir(&self.dir).env("PATH", &self.path);
        // Who a commit's parents are, it says itself.
        command.env("GIT_GRAFT_FILE", "/dev/null");
        command.envs(VARIABLES.iter().copied()).envs(self.location.iter().map(|(k, v)| (k, v)));
        command.envs(self.objects.iter().map(|(name, value)| (name, value)));
        command.envs(self.sudo.iter().map(|user| (SUDO, user)));
        command
    }

    /// Git refuses a repository that another user owns, unless the user's or the system's own configuration, or that which
    /// the user hands over in variables (never the repository's) names it. Takes over what they name; whether that was
    /// anything.
    pub(in crate::capture) fn trust_what_the_user_trusts(&mut self) -> bool {
        let mut command = self.program.command();
        command.args(["config", "--show-scope", "-z", "--get-all", "safe.directory"]).current_dir("/");
        command.env("PATH", &self.path).env("LC_ALL", "C").envs(self.of_the_user.iter().map(|(k, v)| (k, v)));
        let Ok(out) = self.run(command, Vec::new()) else { return false };
        let home = self.of_the_user.iter().find(|(name, _)| name == "HOME").and_then(|(_, home)| home.to_str());
        let mut parts = out.stdout.split(|b| *b == 0);
        while let (Some(scope), Some(folder)) = (parts.next(), parts.next()) {
            if [b"system".as_slice(), b"global", b"command"].contains(&scope) {
                match std::str::from_utf8(folder) {
                    // It takes back what was named before.
                    Ok("") => self.trusted.clear(),
                    // A call of ours has no home.
                    Ok(folder) => self.trusted.push(match (folder.strip_prefix("~/"), home) {
                        (Some(below), Some(home)) => format!("{home}/{below}"),
                        _ => folder.to_owned(),
                    }),
                    Err(_) => {}
                }
            }
        }
        !self.trusted.is_empty()
    }

    fn run(&self, mut command: Command, stdin: Vec<u8>) -> Result<GitOutput, String> {
        if self.late.load(Ordering::Relaxed) {
            return Err("an earlier call did not end in time".to_owned());
        }
        let deadline = Instant::now() + self.timeout;
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|e| e.to_string())?;
        if let Some(mut pipe) = child.stdin.take() {
            // A git that ends without reading is no failure of ours.
            std::thread::spawn(move || drop(pipe.write_all(&stdin)));
        }
        let out = drain(child.stdout.take(), limits::GIT_OUTPUT_BYTES);
        let err = drain(child.stderr.take(), limits::ERROR_BODY_BYTES);
        let end = (|| {
            let late = |_| {
                self.late.store(true, Ordering::Relaxed);
                format!("no answer within {} seconds", self.timeout.as_secs_f32())
            };
            let left = || deadline.saturating_duration_since(Instant::now());
            let slow = Duration::from_millis(limits::GIT_SLOW_MILLIS).min(left());
            let stdout = match out.recv_timeout(slow) {
                Ok(stdout) => stdout,
                Err(_) => match waiting::of_a_slow_call(&self.dir, self.git_dir()) {
                    Some(reason) => return Err(reason),
                    None => out.recv_timeout(left()).map_err(late)?,
                },
            };
            if stdout.len() > limits::GIT_OUTPUT_BYTES {
                return Err(format!("more than {} bytes of output", limits::GIT_OUTPUT_BYTES));
            }
            let stderr = err.recv_timeout(left()).map_err(late)?;
            loop {
                if let Some(status) = child.try_wait().map_err(|e| e.to_string())? {
                    return Ok((stdout, stderr, status.success()));
                }
                if left().is_zero() {
                    return Err("it did not end".to_owned());
                }
                std::thread::sleep(Duration::from_micros(200));
            }
        })();
        if end.is_err() {
            // Already gone is as good as killed.
            let _ = child.kill();
            let _ = child.wait();
        }
        let (stdout, stderr, ok) = end?;
        let complaint = String::from_utf8_lossy(&stderr).lines().next().unwrap_or_default().chars().take(200).collect();
        Ok(GitOutput { stdout, ok, complaint })
    }
}
