#![expect(clippy::disallowed_methods, reason = "the one place that reads the environment of the process")]
//! [`Environment`]: what a process can know of where it runs, taken once, so that everything else is a function of it.

use crate::issuer::Surroundings;
use crate::programs::{Program, ProgramError, Search};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// A snapshot of the process's surroundings. Tests make their own.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Environment {
    /// Environment variables.
    pub variables: BTreeMap<OsString, OsString>,
    /// The working folder, absolute.
    pub working_dir: PathBuf,
    /// Operating system, as Rust names it (`linux`).
    pub os: String,
    /// Processor architecture, as Rust names it (`x86_64`).
    pub arch: String,
    /// The host's name, where the system tells it.
    pub hostname: Option<String>,
    /// Those of [`MARKS`] that are there.
    pub marks: BTreeSet<String>,
    /// The user whose rights the process has; 0 is root.
    pub effective_user: Option<u32>,
    /// The process's effective capabilities, as Linux numbers their bits.
    pub capabilities: Option<u64>,
    /// The git that was found when this was taken; `None` where none was looked for.
    pub git: Option<Result<Program, ProgramError>>,
}

/// Files and folders whose presence says where a process runs.
pub const MARKS: &[&str] = &[
    "/tekton/steps",
    "/.dockerenv",
    "/run/.containerenv",
    "/var/run/secrets/kubernetes.io/serviceaccount/token",
    "/var/run/docker.sock",
];

impl Environment {
    /// Of this process, now.
    ///
    /// # Errors
    /// When the working folder is gone.
    pub fn from_process() -> std::io::Result<Self> {
        let hostname = std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let line = |name: &str| status.lines().find_map(|l| l.strip_prefix(name)).map(str::trim);
        let mut env = Self {
            variables: std::env::vars_os().collect(),
            working_dir: std::env::current_dir()?,
            os: std::env::consts::OS.to_owned(),
            arch: std::env::consts::ARCH.to_owned(),
            hostname: hostname.map(|h| h.trim().to_owned()).filter(|h| !h.is_empty()),
            marks: MARKS.iter().filter(|m| std::path::Path::new(m).exists()).map(|m| (*m).to_owned()).collect(),
            // Real, effective, saved and file system user.
            effective_user: line("Uid:").and_then(|ids| ids.split_whitespace().nth(1)?.parse().ok()),
            capabilities: line("CapEff:").and_then(|bits| u64::from_str_radix(bits, 16).ok()),
            git: None,
        };
        env.git = Some(env.search().program("git"));
        Ok(env)
    }

    /// Where programs are looked for that act for us.
    #[must_use]
    pub fn search(&self) -> Search {
        let variable = |name: &str| self.variables.get(OsStr::new(name)).map(OsString::as_os_str);
        Search::new(variable("PATH"), &self.working_dir, variable("HOME").map(Path::new))
    }

    /// A variable that is set, not empty and UTF-8; an empty one says as little as none.
    #[must_use]
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.variables.get(OsStr::new(name))?.to_str().filter(|v| !v.is_empty())
    }
}

impl Surroundings for Environment {
    fn variable(&self, name: &str) -> Option<&str> {
        self.variable(name)
    }

    fn hostname(&self) -> Option<&str> {
        self.hostname.as_deref()
    }

    fn is_there(&self, path: &str) -> bool {
        self.marks.contains(path)
    }
}

/// Names only: any variable may be a secret.
impl std::fmt::Debug for Environment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Environment")
            .field("variables", &self.variables.keys().collect::<Vec<_>>())
            .field("working_dir", &self.working_dir)
            .field("os", &self.os)
            .field("arch", &self.arch)
            .field("hostname", &self.hostname)
            .field("marks", &self.marks)
            .field("effective_user", &self.effective_user)
            .field("capabilities", &self.capabilities)
            .field("git", &self.git)
            .finish()
    }
}
