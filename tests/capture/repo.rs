//! A git repository of its own for every test.

use attest::capture::{Checkout, Environment, Local, SourceState};
use std::path::{Path, PathBuf};
use std::process::Command;

pub(crate) struct Repo {
    _folder: tempfile::TempDir,
    pub(crate) root: PathBuf,
    home: PathBuf,
}

impl Repo {
    /// With one commit whose id never changes.
    pub(crate) fn new() -> Self {
        let repo = Self::empty(&[]);
        repo.write("a.txt", "a\n");
        repo.write("dir/b.txt", "b\n");
        repo.write(".gitignore", "ignored/\n");
        repo.commit();
        repo.git(&["remote", "add", "origin", "https://user:secret@github.com/acme/app.git"]);
        repo
    }

    pub(crate) fn empty(init: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let base = folder.path().canonicalize().unwrap();
        let (root, home) = (base.join("checkout"), base.join("home"));
        std::fs::create_dir(&root).unwrap();
        std::fs::create_dir(&home).unwrap();
        let repo = Self { _folder: folder, root, home };
        repo.git(&[&["init", "-q", "-b", "main"], init].concat());
        repo
    }

    pub(crate) fn outside(&self) -> &Path {
        self.root.parent().unwrap()
    }

    pub(crate) fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        let path = self.root.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub(crate) fn commit(&self) {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "-m", "one"]);
    }

    pub(crate) fn git(&self, args: &[&str]) -> String {
        self.git_in(&self.root, args)
    }

    /// Git as a person would call it: with the repository's whole configuration.
    pub(crate) fn git_in(&self, dir: &Path, args: &[&str]) -> String {
        let mut command = Command::new("git");
        command
            .args(["-c", "protocol.file.allow=always"])
            .args(args)
            .current_dir(dir)
            .env_clear()
            .env("HOME", &self.home);
        command.env("PATH", std::env::var_os("PATH").unwrap());
        for (name, value) in [
            ("GIT_CONFIG_NOSYSTEM", "1"),
            ("GIT_AUTHOR_NAME", "A"),
            ("GIT_AUTHOR_EMAIL", "a@a.example"),
            ("GIT_AUTHOR_DATE", "2026-01-01T00:00:00Z"),
            ("GIT_COMMITTER_NAME", "C"),
            ("GIT_COMMITTER_EMAIL", "c@c.example"),
            ("GIT_COMMITTER_DATE", "2026-01-01T00:00:00Z"),
        ] {
            command.env(name, value);
        }
        let out = command.output().unwrap();
        assert!(out.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8(out.stdout).unwrap().trim_end().to_owned()
    }

    pub(crate) fn env(&self) -> Environment {
        env_in(&self.root)
    }

    pub(crate) fn home(&self) -> &Path {
        &self.home
    }

    pub(crate) fn state(&self) -> SourceState {
        Local::default().source(&self.env(), &[])
    }

    /// Number of differing files, by the reason for each of the first of them.
    pub(crate) fn differing(&self) -> Vec<(String, &'static str)> {
        let state = self.state();
        state.dirty.value().unwrap_or_else(|| panic!("{state:?}")).examples.clone()
    }
}

pub(crate) fn env_in(dir: &Path) -> Environment {
    let mut env = Environment {
        working_dir: dir.to_owned(),
        os: "linux".into(),
        arch: "x86_64".into(),
        hostname: Some("build-host".into()),
        ..Environment::default()
    };
    env.variables.insert("PATH".into(), std::env::var_os("PATH").unwrap());
    env
}
