//! A folder with a home, the real binary run in it with nothing else of the machine, and things to attest.
#![allow(dead_code, reason = "each test target uses a part of it")]

use attest::model::Digest;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The password of every key that a world makes.
pub(crate) const PASSWORD: &str = "correct horse battery staple";

pub(crate) struct World {
    _folder: tempfile::TempDir,
    root: PathBuf,
    home: PathBuf,
}

impl World {
    /// With a key pair `attest.key`, `attest.pub` and two files, `app` and `lib`.
    pub(crate) fn new() -> Self {
        let world = Self::empty();
        world.write("app", "an application\n");
        world.write("lib", "a library\n");
        world.done(&["keygen"]);
        world
    }

    pub(crate) fn empty() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let base = folder.path().canonicalize().unwrap();
        let (root, home) = (base.join("work"), base.join("home"));
        std::fs::create_dir(&root).unwrap();
        std::fs::create_dir(&home).unwrap();
        Self { _folder: folder, root, home }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn home(&self) -> &Path {
        &self.home
    }

    pub(crate) fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        let path = self.root.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub(crate) fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.root.join(path)).unwrap()
    }

    /// An image layout with one image.
    pub(crate) fn layout(&self, path: &str) {
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": self.blob(path, "application/vnd.oci.image.config.v1+json", b"{}"),
            "layers": [self.blob(path, "application/octet-stream", b"a layer")],
        });
        let image = self.blob(path, "application/vnd.oci.image.manifest.v1+json", manifest.to_string().as_bytes());
        self.write(&format!("{path}/oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#);
        let index = json!({ "schemaVersion": 2, "manifests": [image] });
        self.write(&format!("{path}/index.json"), index.to_string());
    }

    fn blob(&self, layout: &str, media_type: &str, bytes: &[u8]) -> serde_json::Value {
        let digest = Digest::sha256(bytes);
        self.write(&format!("{layout}/blobs/sha256/{}", digest.hex()), bytes);
        json!({ "mediaType": media_type, "digest": digest.to_string(), "size": bytes.len() })
    }

    /// A git repository with one commit whose id never changes.
    pub(crate) fn repository(&self) {
        self.git(&["init", "-q", "-b", "main"]);
        self.write("main.c", "int main(void) { return 0; }\n");
        // Keys, artifacts and bundles are no part of the source.
        self.write(".gitignore", "*\n!main.c\n!charter.md\n");
        self.git(&["add", "-f", "main.c", ".gitignore"]);
        self.git(&["commit", "-q", "-m", "one"]);
        self.git(&["remote", "add", "origin", "https://github.com/acme/app.git"]);
    }

    pub(crate) fn git(&self, args: &[&str]) {
        let mut git = Command::new("git");
        git.args(args).current_dir(&self.root).env_clear().env("PATH", std::env::var_os("PATH").unwrap());
        git.env("HOME", &self.home).env("GIT_CONFIG_NOSYSTEM", "1");
        for who in ["AUTHOR", "COMMITTER"] {
            git.env(format!("GIT_{who}_NAME"), "A").env(format!("GIT_{who}_EMAIL"), "a@a.example");
            git.env(format!("GIT_{who}_DATE"), "2026-01-01T00:00:00Z");
        }
        let out = git.output().unwrap();
        assert!(out.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&out.stderr));
    }

    /// Runs the binary with PATH, HOME and these variables.
    pub(crate) fn attest_with(&self, variables: &[(&str, &str)], args: &[&str]) -> Output {
        let mut program = Command::new(env!("CARGO_BIN_EXE_attest"));
        program.args(args).current_dir(&self.root).env_clear().env("PATH", std::env::var_os("PATH").unwrap());
        // No test asks a host of the network; those of charters serve one on loopback and say so.
        program.env("ATTEST_CHARTER_SNAPSHOT", "none");
        program.env("HOME", &self.home).envs(variables.iter().copied());
        program.stdin(std::process::Stdio::null()).output().unwrap()
    }

    /// Runs the binary with the password.
    pub(crate) fn attest(&self, args: &[&str]) -> Output {
        self.attest_with(&[("ATTEST_PASSWORD", PASSWORD)], args)
    }

    /// Runs the binary, which must succeed; its standard output.
    pub(crate) fn done(&self, args: &[&str]) -> String {
        let out = self.attest(args);
        assert!(out.status.success(), "attest {args:?}: {}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8(out.stdout).unwrap()
    }
}
