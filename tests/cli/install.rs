//! `install.sh` against a server on loopback, under each shell that is here, as root and as nobody in particular.
#![expect(clippy::disallowed_methods, reason = "a test: runs the script and serves what it downloads")]

use crate::action_install::{SAYS, TARGET, archive, archive_of, cut_off};
use crate::serve::{Reply, Server};
use attest::model::Digest;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Where the script installs from and to.
struct Place {
    folder: tempfile::TempDir,
    server: Server,
    digest: String,
    /// The digest of an archive of little room whose program takes much.
    large: String,
}

/// A shell that the script is for, and whether it runs as root.
#[derive(Clone, Copy, Debug)]
struct Shell {
    command: &'static [&'static str],
    root: bool,
}

/// A user and group that nothing belongs to.
const NOBODY: &str = "65532";

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Every shell that this machine has, once as whoever runs the tests, and once without root's rights where that is root.
fn shells() -> Vec<Shell> {
    let shells: [&[&str]; 3] = [&["sh"], &["dash"], &["busybox", "sh"]];
    let here = |command: &[&str]| Command::new(command[0]).args(&command[1..]).args(["-c", ":"]).status().is_ok();
    let here: Vec<_> = shells.into_iter().filter(|command| here(command)).collect();
    let needed = std::env::var_os("ATTEST_VECTORS").is_some_and(|v| v == "required");
    assert!(here.len() == 3 || !needed, "dash and busybox are needed: {here:?}");
    let all = here.iter().map(|command| Shell { command, root: true }).filter(|_| is_root());
    all.chain(here.iter().map(|command| Shell { command, root: false })).collect()
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let bytes = archive(folder.path(), "attest");
        let digest = Digest::sha256(&bytes).hex().to_owned();
        let roomy = folder.path().join("roomy");
        fs::create_dir(&roomy).unwrap();
        let large = archive_of(&roomy, "attest", &vec![b'x'; 1 << 20]);
        let large_digest = Digest::sha256(&large).hex().to_owned();
        let name = format!("attest-{TARGET}.tar.gz");
        let sums = move |digest: &str| {
            let other = "0".repeat(64);
            format!(
                "{other}  attest-{TARGET}.tar.gz.old\n{digest}  attest-{TARGET}.tar.gz\n{other}  attest-other.tar.gz\n"
            )
        };
        let right = digest.clone();
        // Folders: a release, and what can be wrong with one.
        let server = Server::start(move |asked| {
            let (folder, file) = asked.path().trim_start_matches('/').rsplit_once('/').unwrap_or_default();
            let moved = |to: String| Reply::Answer(302, format!("location: {to}\r\n"), Vec::new());
            match (folder, file == name) {
                ("none", _) | ("absent", true) => Reply::status(404, "nothing here"),
                ("wrong", false) => Reply::status(200, &sums(&"1".repeat(64))),
                ("silent", false) => Reply::status(200, "no line of it\n"),
                (_, false) if file == "SHA256SUMS" => Reply::status(200, &sums(&right)),
                ("large", true) => Reply::Answer(200, String::new(), large.clone()),
                ("cut", true) => Reply::Answer(200, String::new(), bytes[..bytes.len() / 2].to_vec()),
                ("ftp", true) => moved("ftp://127.0.0.1:1/x".into()),
                ("file", true) => moved("file:///etc/passwd".into()),
                ("elsewhere", true) => moved(format!("/good/{name}")),
                ("good" | "wrong" | "silent", true) => Reply::Answer(200, String::new(), bytes.clone()),
                _ => Reply::status(404, "nothing here"),
            }
        });
        let place = Self { folder, server, digest, large: large_digest };
        for folder in ["", "out", "out/home"] {
            fs::create_dir_all(place.path(folder)).unwrap();
            fs::set_permissions(place.path(folder), fs::Permissions::from_mode(0o777)).unwrap();
        }
        fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join("install.sh"), place.path("install.sh")).unwrap();
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The folder of a release.
    fn release(&self, name: &str) -> String {
        format!("{}/{name}", self.server.url)
    }

    /// Runs a script of the shell's on a machine of that kind, which may have one of its own for `install.sh`.
    fn run(&self, shell: Shell, script: &str, machine: &str, variables: &[(&str, &str)]) -> Output {
        let programs = self.path("programs");
        fs::create_dir_all(&programs).unwrap();
        let uname = programs.join("uname");
        fs::write(&uname, format!("#!/bin/sh\n[ $1 = -s ] && echo Linux || echo {machine}\n")).unwrap();
        for path in [&uname, &programs] {
            fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
        let mut words: Vec<&str> = Vec::new();
        if is_root() && !shell.root {
            words.extend(["setpriv", "--reuid", NOBODY, "--regid", NOBODY, "--clear-groups"]);
        }
        words.extend(shell.command.iter().chain(&["-c", script]));
        let mut command = Command::new(words[0]);
        command.args(&words[1..]).current_dir(self.path("out"));
        command.env_clear().env("PATH", path).env("HOME", self.path("out/home")).envs(variables.iter().copied());
        command.output().unwrap()
    }

    fn install(&self, shell: Shell, variables: &[(&str, &str)]) -> Output {
        self.run(
            shell,
            "exec sh ../install.sh bin".replace("exec sh", &shell.command.join(" ")).as_str(),
            "x86_64",
            variables,
        )
    }

    /// Everything below the folder in which it ran.
    fn written(&self) -> Vec<String> {
        let find = Command::new("find").args([".", "-type", "f"]).current_dir(self.path("out")).output().unwrap();
        String::from_utf8(find.stdout).unwrap().lines().map(str::to_owned).collect()
    }

    #[track_caller]
    fn is_installed(&self, shell: Shell, out: &Output) {
        assert!(out.status.success(), "{shell:?}: {}", String::from_utf8_lossy(&out.stderr));
        assert_eq!(self.written(), ["./bin/attest"], "{shell:?}");
        let said = Command::new(self.path("out/bin/attest")).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&said.stdout).trim(), SAYS);
        let told = String::from_utf8_lossy(&out.stdout).into_owned();
        assert!(told.starts_with("installed ") && told.contains(&self.digest), "{told}");
        fs::remove_dir_all(self.path("out/bin")).unwrap();
    }

    #[track_caller]
    fn is_refused(&self, shell: Shell, out: &Output, why: &str) {
        let err = String::from_utf8_lossy(&out.stderr);
        let ours = err.lines().filter(|line| line.starts_with("install.sh: ")).count();
        assert!(out.status.code() == Some(3) && ours == 1 && err.contains(why), "{shell:?}: {why}: {err}");
        assert_eq!(self.written(), [""; 0], "{shell:?}: {why}");
        let _ = fs::remove_dir_all(self.path("out/bin"));
    }
}

#[test]
fn the_archive_of_the_machine_is_installed() {
    let place = Place::new();
    for shell in shells() {
        let (good, moved) = (place.release("good"), place.release("elsewhere"));
        place.is_installed(shell, &place.install(shell, &[("ATTEST_RELEASE_URL", &good)]));
        place.is_installed(shell, &place.install(shell, &[("ATTEST_RELEASE_URL", &moved)]));
        // A digest of one's own counts, whatever the list says or where there is none.
        for folder in ["wrong", "silent"] {
            let variables = [("ATTEST_RELEASE_URL", place.release(folder)), ("ATTEST_SHA256", place.digest.clone())];
            let variables = variables.each_ref().map(|(name, value)| (*name, value.as_str()));
            place.is_installed(shell, &place.install(shell, &variables));
        }
        // As people do it: the script is read from a pipe, in a folder that has what the Action's script would look at.
        fs::write(place.path("releases.json"), r#"{ "releases": [] }"#).unwrap();
        let piped = format!("cat ../install.sh | {} -s -- bin", shell.command.join(" "));
        place.is_installed(shell, &place.run(shell, &piped, "x86_64", &[("ATTEST_RELEASE_URL", &good)]));
    }
}

#[test]
fn whatever_is_not_the_listed_archive_is_refused() {
    let place = Place::new();
    let half = cut_off();
    for shell in shells() {
        for (folder, why) in [
            ("wrong", "is another file than is listed: expected sha256 1111"),
            ("cut", "is another file than is listed"),
            ("none", "cannot download"),
            ("absent", "cannot download"),
            ("ftp", "cannot download"),
            ("file", "cannot download"),
            ("silent", "no digest is known of attest-x86_64-unknown-linux-gnu.tar.gz"),
        ] {
            let release = place.release(folder);
            place.is_refused(shell, &place.install(shell, &[("ATTEST_RELEASE_URL", &release)]), why);
        }
        let good = place.release("good");
        let variables = [("ATTEST_RELEASE_URL", good.as_str()), ("ATTEST_SHA256", &"2".repeat(64))];
        place.is_refused(shell, &place.install(shell, &variables), "expected sha256 2222");
        place.is_refused(shell, &place.install(shell, &[("ATTEST_RELEASE_URL", &half)]), "cannot download");
        for elsewhere in ["http://mirror.example", "ftp://127.0.0.1:1", "file:///"] {
            let out = place.install(shell, &[("ATTEST_RELEASE_URL", elsewhere)]);
            place.is_refused(shell, &out, "expected an address of https");
        }
        let other = place.run(shell, "sh ../install.sh bin", "riscv64", &[("ATTEST_RELEASE_URL", &good)]);
        place.is_refused(shell, &other, "there is no release of attest for Linux on riscv64");
        let version = [("ATTEST_RELEASE_URL", good.as_str()), ("ATTEST_VERSION", "v1/../..")];
        place.is_refused(shell, &place.install(shell, &version), "the version is none");
    }
}

#[test]
fn a_disk_that_is_full_and_a_folder_that_cannot_be_written_are_said() {
    let place = Place::new();
    let good = place.release("good");
    let variables = [("ATTEST_RELEASE_URL", good.as_str())];
    let (large, digest) = (place.release("large"), place.large.clone());
    let large = [("ATTEST_RELEASE_URL", large.as_str()), ("ATTEST_SHA256", &digest)];
    fs::write(place.path("occupied"), "").unwrap();
    for shell in shells() {
        let script = shell.command.join(" ");
        let full = |blocks: u32| format!("ulimit -f {blocks}; {script} ../install.sh bin");
        place.is_refused(shell, &place.run(shell, &full(0), "x86_64", &variables), "cannot download");
        place.is_refused(shell, &place.run(shell, &full(64), "x86_64", &large), "cannot be unpacked to");
        let refused =
            |folder: &str| place.run(shell, &format!("{script} ../install.sh {folder}"), "x86_64", &variables);
        place.is_refused(shell, &refused("../occupied/bin"), "cannot write to the folder");
        place.is_refused(shell, &refused("/proc/attest"), "cannot write to the folder");
        if !(is_root() && shell.root) {
            place.is_refused(shell, &refused("/usr"), "cannot write to the folder");
        }
        place.is_refused(shell, &refused("one two"), "expected one argument");
        fs::create_dir_all(place.path("out/taken/attest")).unwrap();
        fs::set_permissions(place.path("out/taken"), fs::Permissions::from_mode(0o777)).unwrap();
        place.is_refused(shell, &refused("taken"), "cannot write");
    }
}

#[test]
fn a_script_that_was_cut_off_on_its_way_does_nothing() {
    let place = Place::new();
    let text = fs::read_to_string(place.path("install.sh")).unwrap();
    let good = place.release("good");
    let lines: Vec<_> = text.lines().collect();
    let shell = shells()[0];
    for kept in 0..lines.len() {
        fs::write(place.path("half.sh"), lines[..kept].join("\n")).unwrap();
        place.run(shell, "sh ../half.sh bin", "x86_64", &[("ATTEST_RELEASE_URL", &good)]);
        assert_eq!(place.written(), [""; 0], "after line {kept}");
    }
    assert!(place.server.asked().is_empty());
}

/// Makes an archive of members by name: a kind of tar, and the name that the member has in it.
fn odd_archive(folder: &Path, name: &str, kind: &str) -> Vec<u8> {
    let inner = folder.join("odd");
    let _ = fs::remove_dir_all(&inner);
    fs::create_dir_all(&inner).unwrap();
    let from = inner.join("x");
    match kind {
        "link" => std::os::unix::fs::symlink("/etc/hostname", &from).unwrap(),
        "empty" => fs::write(&from, "").unwrap(),
        _ => fs::write(&from, "#!/bin/sh\necho of another\n").unwrap(),
    }
    // More than one record of tar's, so that its checkpoints are reached.
    fs::write(inner.join("y"), vec![b'y'; 200_000]).unwrap();
    let ran = Command::new("tar")
        .args(["-czf", "a.tar.gz", "--transform"])
        .arg(format!("flags=r;s#^x$#{name}#"))
        .args(["x", "y"])
        .current_dir(&inner)
        .status();
    assert!(ran.unwrap().success());
    fs::read(inner.join("a.tar.gz")).unwrap()
}

#[test]
fn names_in_an_archive_are_no_arguments_and_what_is_no_program_is_not_installed() {
    let place = Place::new();
    let member = format!("attest-{TARGET}/attest");
    let archives = tempfile::tempdir().unwrap();
    let name = format!("attest-{TARGET}.tar.gz");
    for (inside, kind, why) in [
        ("--checkpoint-action=exec=touch ran #/attest", "file", "holds no attest-"),
        ("--to-command=touch ran #/attest", "file", "holds no attest-"),
        ("../attest", "file", "holds no attest-"),
        (member.as_str(), "link", "it is empty, or a link"),
        (member.as_str(), "empty", "it is empty, or a link"),
    ] {
        let bytes = odd_archive(archives.path(), &inside.replace('#', "\\#"), kind);
        let digest = Digest::sha256(&bytes).hex().to_owned();
        let server = Server::start({
            let name = name.clone();
            move |asked| match asked.path().ends_with(&name) {
                true => Reply::Answer(200, String::new(), bytes.clone()),
                false => Reply::status(404, "nothing here"),
            }
        });
        for shell in shells() {
            let variables = [("ATTEST_RELEASE_URL", server.url.as_str()), ("ATTEST_SHA256", &digest)];
            place.is_refused(shell, &place.install(shell, &variables), why);
        }
    }
    // With a variable that makes `cd` print where it went, too.
    let good = place.release("good");
    let out = place.path("out");
    for shell in shells() {
        let variables = [("ATTEST_RELEASE_URL", good.as_str()), ("CDPATH", out.to_str().unwrap())];
        place.is_installed(shell, &place.install(shell, &variables));
    }
}
