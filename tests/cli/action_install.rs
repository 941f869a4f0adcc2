//! `action/install.sh` against a server on loopback: the right archive, and everything that is none. What it shares with
//! `install.sh` is tried there.
#![expect(clippy::disallowed_methods, reason = "a test: runs the script and serves what it downloads")]

use crate::serve::{Reply, Server};
use attest::model::Digest;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The script beside a list of releases, a folder to install to, and a server with one archive.
struct Place {
    folder: tempfile::TempDir,
    server: Server,
    digest: String,
}

/// What the archive's program prints.
pub(crate) const SAYS: &str = "attest of the archive";
pub(crate) const TARGET: &str = "x86_64-unknown-linux-gnu";

pub(crate) fn archive(folder: &Path, name: &str) -> Vec<u8> {
    archive_of(folder, name, format!("#!/bin/sh\necho {SAYS}\n").as_bytes())
}

pub(crate) fn archive_of(folder: &Path, name: &str, program: &[u8]) -> Vec<u8> {
    let inner = folder.join("pack").join(format!("attest-{TARGET}"));
    fs::create_dir_all(&inner).unwrap();
    fs::write(inner.join(name), program).unwrap();
    let out = folder.join("pack/archive.tar.gz");
    let ran = Command::new("tar")
        .args(["-czf"])
        .arg(&out)
        .args(["-C"])
        .arg(folder.join("pack"))
        .arg(format!("attest-{TARGET}"))
        .status();
    assert!(ran.unwrap().success());
    fs::read(out).unwrap()
}

impl Place {
    fn new() -> Self {
        Self::with("attest")
    }

    fn with(program: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let bytes = archive(folder.path(), program);
        let digest = Digest::sha256(&bytes).hex().to_owned();
        let server = Server::start(move |asked| match asked.path() {
            "/good.tar.gz" | "/mirror/good.tar.gz" => Reply::Answer(200, String::new(), bytes.clone()),
            "/cut.tar.gz" => Reply::Answer(200, String::new(), bytes[..bytes.len() / 2].to_vec()),
            "/ftp.tar.gz" => Reply::Answer(302, "location: ftp://127.0.0.1:1/good.tar.gz\r\n".into(), Vec::new()),
            "/file.tar.gz" => Reply::Answer(302, "location: file:///etc/passwd\r\n".into(), Vec::new()),
            "/https.tar.gz" => Reply::Answer(302, "location: https://127.0.0.1:1/good.tar.gz\r\n".into(), Vec::new()),
            "/here.tar.gz" => Reply::Answer(302, "location: /good.tar.gz\r\n".into(), Vec::new()),
            _ => Reply::status(404, "nothing here"),
        });
        fs::create_dir(folder.path().join("action")).unwrap();
        for script in ["install.sh", "action/install.sh"] {
            fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join(script), folder.path().join(script)).unwrap();
        }
        Self { folder, server, digest }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Lists an archive of the server.
    fn list(&self, version: &str, archive: &str, digest: &str) -> String {
        let url = format!("{}/{archive}.tar.gz", self.server.url);
        format!(r#"  {{ "version": "{version}", "target": "{TARGET}", "url": "{url}", "sha256": "{digest}" }}"#)
    }

    fn releases(&self, rows: &[String]) {
        let text = format!("{{ \"releases\": [\n{}\n] }}\n", rows.join(",\n"));
        serde_json::from_str::<serde_json::Value>(&text).unwrap();
        fs::write(self.path("action/releases.json"), text).unwrap();
    }

    /// Runs the script on a machine of that kind.
    fn install_on(&self, machine: &str, to: &str, variables: &[(&str, &str)]) -> Output {
        let programs = self.path("programs");
        fs::create_dir_all(&programs).unwrap();
        fs::write(programs.join("uname"), format!("#!/bin/sh\n[ $1 = -s ] && echo Linux || echo {machine}\n")).unwrap();
        Command::new("chmod").arg("755").arg(programs.join("uname")).status().unwrap();
        let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
        let mut script = Command::new("sh");
        script.arg(self.path("action/install.sh")).arg(self.path(to)).current_dir(self.folder.path());
        script.env_clear().env("PATH", path).env("HOME", self.path("home")).envs(variables.iter().copied());
        script.output().unwrap()
    }

    fn install(&self, variables: &[(&str, &str)]) -> Output {
        self.install_on("x86_64", "bin", variables)
    }

    /// What is installed says what the archive's program says, and nothing else is in the folder.
    #[track_caller]
    fn is_installed(&self, out: &Output) {
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        let said = Command::new(self.path("bin/attest")).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&said.stdout).trim(), SAYS);
        self.holds(&["attest"]);
    }

    #[track_caller]
    fn holds(&self, names: &[&str]) {
        let found = fs::read_dir(self.path("bin")).map_or_else(|_| Vec::new(), |entries| entries.collect());
        let found: Vec<_> = found.into_iter().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        assert_eq!(found, names);
    }

    #[track_caller]
    fn is_refused(&self, out: &Output, why: &str) {
        let err = String::from_utf8_lossy(&out.stderr);
        let ours = err.lines().filter(|line| line.starts_with("install.sh: ")).count();
        assert!(out.status.code() == Some(3) && ours == 1 && err.contains(why), "{why}: {err}");
        self.holds(&[]);
    }
}

/// A server whose answers end before they are whole.
pub(crate) fn cut_off() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 999999\r\n\r\nhalf");
        }
    });
    url
}

#[test]
fn the_listed_archive_is_installed_and_kept_by_its_digest() {
    let place = Place::new();
    place.releases(&[place.list("v2", "good", &place.digest), place.list("v1", "absent", &place.digest)]);
    let cache = place.path("cache").display().to_string();
    place.is_installed(&place.install(&[("RUNNER_TOOL_CACHE", &cache)]));
    place.is_installed(&place.install(&[("RUNNER_TOOL_CACHE", &cache)]));
    assert_eq!(place.server.asked().len(), 1, "the second time comes from the cache");
    // What was changed in the cache is not believed.
    fs::write(place.path("cache/attest").join(format!("{}.tar.gz", place.digest)), "x").unwrap();
    place.is_installed(&place.install(&[("RUNNER_TOOL_CACHE", &cache)]));
    assert_eq!(place.server.asked().len(), 2);
    place.is_installed(&place.install(&[("RUNNER_TOOL_CACHE", "/dev/null")]));
    place.is_installed(&place.install(&[]));
}

#[test]
fn a_version_and_a_mirror_are_held_to_the_list() {
    let place = Place::new();
    let wrong = "0".repeat(64);
    place.releases(&[place.list("v2", "absent", &wrong), place.list("v1.0", "good", &place.digest)]);
    place.is_installed(&place.install(&[("ATTEST_VERSION", "v1.0")]));
    fs::remove_dir_all(place.path("bin")).unwrap();
    place.is_refused(&place.install(&[("ATTEST_VERSION", "v3")]), "there is no release v3 of attest");
    place.is_refused(&place.install(&[("ATTEST_VERSION", "v1\", \"x")]), "the version is none");
    let mirror = format!("{}/mirror", place.server.url);
    place.is_installed(&place.install(&[("ATTEST_VERSION", "v1.0"), ("ATTEST_RELEASE_URL", &mirror)]));
    fs::remove_dir_all(place.path("bin")).unwrap();
    place.is_refused(&place.install(&[("ATTEST_RELEASE_URL", &mirror)]), "/mirror/absent.tar.gz");
    for elsewhere in ["http://mirror.example", "ftp://127.0.0.1:1", "file:///"] {
        let out = place.install(&[("ATTEST_VERSION", "v1.0"), ("ATTEST_RELEASE_URL", elsewhere)]);
        place.is_refused(&out, "expected an address of https");
    }
}

#[test]
fn whatever_is_not_the_listed_archive_is_refused() {
    let place = Place::new();
    for (archive, why) in [
        ("absent", "cannot download"),
        ("ftp", "cannot download"),
        ("file", "cannot download"),
        ("https", "cannot download"),
        ("cut", "is another file than is listed"),
    ] {
        place.releases(&[place.list("v1", archive, &place.digest)]);
        place.is_refused(&place.install(&[]), why);
    }
    place.releases(&[place.list("v1", "good", &place.digest).replace(&place.server.url, &cut_off())]);
    place.is_refused(&place.install(&[]), "cannot download");
    let other = Digest::sha256(b"another").hex().to_owned();
    place.releases(&[place.list("v1", "good", &other)]);
    let out = place.install(&[]);
    place.is_refused(&out, &format!("expected sha256 {other}, found {}", place.digest));
    // A redirect that stays with its scheme is followed.
    place.releases(&[place.list("v1", "here", &place.digest)]);
    place.is_installed(&place.install(&[]));
    let empty = Place::with("other");
    empty.releases(&[empty.list("v1", "good", &empty.digest)]);
    empty.is_refused(&empty.install(&[]), "holds no attest");
}

#[test]
fn a_machine_without_a_release_builds_from_source_where_there_is_any() {
    let place = Place::new();
    place.releases(&[place.list("v1", "good", &place.digest)]);
    place.is_refused(&place.install_on("riscv64", "bin", &[]), "there is no release of attest for Linux on riscv64");
    // A cargo that makes what the real one would.
    fs::write(place.path("Cargo.toml"), "").unwrap();
    let cargo = "#!/bin/sh\n[ \"$1 $2 $3 $4\" = 'build --release --locked --target-dir' ] && mkdir -p \"$5/release\" &&\n\
                 printf '#!/bin/sh\\necho attest of the archive\\n' >\"$5/release/attest\" && chmod 755 \"$5/release/attest\"\n";
    fs::create_dir_all(place.path("programs")).unwrap();
    fs::write(place.path("programs/cargo"), cargo).unwrap();
    Command::new("chmod").arg("755").arg(place.path("programs/cargo")).status().unwrap();
    let out = place.install_on("riscv64", "bin", &[]);
    assert!(String::from_utf8_lossy(&out.stdout).contains("which takes five to ten minutes"), "{out:?}");
    let said = Command::new(place.path("bin/attest")).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&said.stdout).trim(), SAYS);
}

#[test]
fn a_binary_that_is_there_is_used() {
    let place = Place::new();
    fs::write(place.path("mine"), format!("#!/bin/sh\necho {SAYS}\n")).unwrap();
    Command::new("chmod").arg("755").arg(place.path("mine")).status().unwrap();
    place.is_installed(&place.install(&[("ATTEST_BINARY", "./mine")]));
    fs::remove_dir_all(place.path("bin")).unwrap();
    place.is_refused(&place.install(&[("ATTEST_BINARY", "./other\n::error::x")]), "./other ::error::x is no program");
    place.is_refused(&place.install(&[("ATTEST_BINARY", "./mine"), ("ATTEST_VERSION", "v1")]), "contradict each other");
}

#[test]
fn a_folder_that_cannot_be_written_is_said() {
    let place = Place::new();
    place.releases(&[place.list("v1", "good", &place.digest)]);
    fs::write(place.path("occupied"), "").unwrap();
    let out = place.install_on("x86_64", "occupied/bin", &[]);
    place.is_refused(&out, "cannot write to the folder");
}
