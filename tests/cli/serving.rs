//! The server of an audit log as its clients meet it.

use crate::world::World;
use attest::tlog::{Checkpoint, Note, NoteKey};
use serde_json::Value;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A server that is killed when the test ends.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: String,
    witness: Option<String>,
    socket: PathBuf,
}

impl Server {
    pub(crate) fn start(world: &World, log: &str, more: &[&str]) -> Self {
        let mut program = Command::new(env!("CARGO_BIN_EXE_attest"));
        program.args(["audit", "--log", log, "serve", "--listen", "127.0.0.1:0"]).args(more);
        program.current_dir(world.root()).env("HOME", world.home()).stderr(Stdio::piped()).stdout(Stdio::null());
        let mut child = program.spawn().unwrap();
        let mut said = BufReader::new(child.stderr.take().unwrap());
        let (mut witness, mut all) = (None, String::new());
        let address = loop {
            let mut line = String::new();
            assert_ne!(said.read_line(&mut line).unwrap(), 0, "it ended: {all}");
            all += &line;
            if let Some((_, key)) = line.trim().split_once("attest: witness ") {
                witness = Some(key.to_owned());
            }
            if let Some((_, address)) = line.trim().split_once("listening on http://") {
                break address.to_owned();
            }
        };
        std::thread::spawn(move || std::io::copy(&mut said, &mut std::io::sink()));
        Self { child, address, witness, socket: world.root().join(log).join("socket") }
    }

    /// As the system does it to whom it wants gone.
    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    fn get(&self, path: &str) -> (u16, Vec<u8>) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").unwrap();
        let mut out = Vec::new();
        stream.read_to_end(&mut out).unwrap();
        let end = out.windows(4).position(|w| w == b"\r\n\r\n").unwrap();
        let status = String::from_utf8_lossy(&out[9..12]).parse().unwrap();
        (status, out[end + 4..].to_vec())
    }

    fn published(&self) -> u64 {
        let (status, body) = self.get("/checkpoint");
        assert_eq!(status, 200);
        Checkpoint::parse(Note::parse(&body).unwrap().text).unwrap().size
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Asks through the socket: what it answers, none where it is gone.
fn hand_in(stream: &UnixStream, head: &str, body: &str) -> Option<Value> {
    let mut to = stream;
    to.write_all(format!("attest-audit/1 {head} {}\n{body}", body.len()).as_bytes()).ok()?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).ok()?;
    serde_json::from_str(&line).ok()
}

fn decision(what: &str) -> String {
    format!("{{\"kind\":\"decision\",\"what\":\"{what}\",\"reason\":\"a test\"}}\n")
}

fn run(world: &World, log: &str, code: i32, args: &[&str]) -> String {
    let all: Vec<&str> = ["audit", "--log", log].into_iter().chain(args.iter().copied()).collect();
    let out = world.attest(&all);
    let said = String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr);
    assert_eq!(out.status.code(), Some(code), "{args:?}: {said}");
    said
}

fn started(origin: &str) -> World {
    let world = World::empty();
    run(&world, "log", 0, &["init", "--origin", origin]);
    world
}

fn key(world: &World, log: &str) -> NoteKey {
    let settings: Value = serde_json::from_str(&world.read(&format!("{log}/log.json"))).unwrap();
    NoteKey::parse(settings["key"].as_str().unwrap()).unwrap()
}

#[test]
fn records_are_handed_in_and_published() {
    let world = started("audit.example/served");
    let mut server = Server::start(&world, "log", &[]);
    let said = run(&world, "log", 0, &["record", "decision", "what=one", "reason=a test"]);
    assert_eq!(said, "recorded as record 1\n");
    let stream = UnixStream::connect(&server.socket).unwrap();
    let two = hand_in(&stream, "typed", &(decision("two") + &decision("three"))).unwrap();
    assert_eq!(two["records"].as_array().unwrap().len(), 2, "{two}");
    let same = |what: &str| decision(what).replace("}", ",\"source_id\":\"id-1\"}");
    let placed = |what: &str| {
        let said = hand_in(&stream, "typed", &same(what)).unwrap();
        (said["records"][0].clone(), said["known"].clone(), said["differs"].clone())
    };
    assert_eq!(placed("four"), (4.into(), 0.into(), serde_json::json!([])));
    assert_eq!(placed("four"), (4.into(), 1.into(), serde_json::json!([])));
    assert_eq!(placed("five"), (4.into(), 0.into(), serde_json::json!([4])), "something else under the same id");
    // What is wrong with a request is its answer, and the next is answered.
    let wrong = hand_in(&stream, "typed", "{\"kind\":\"decision\"}\n").unwrap();
    assert_eq!(wrong["error"]["code"], "record-malformed", "{wrong}");
    let secret = decision("ghp_16C7e42F292c6912E7710c838347Ae178B4a");
    let refused = hand_in(&stream, "typed", &secret).unwrap();
    assert!(refused["error"]["code"].is_string(), "{refused}");
    assert_eq!(hand_in(&stream, "captured", &secret).unwrap()["records"][0], 5);
    let other = UnixStream::connect(&server.socket).unwrap();
    assert!(hand_in(&other, "else", "").unwrap()["error"]["code"].is_string());
    // A signed checkpoint follows within a second, and the tiles with it.
    std::thread::sleep(Duration::from_millis(1200));
    assert_eq!(server.published(), 6);
    let (status, bundle) = server.get("/tile/entries/000.p/6");
    assert_eq!((status, &bundle), (200, &fs::read(world.root().join("log/tlog/tile/entries/000.p/6")).unwrap()));
    assert_eq!(server.get("/tile/../log.json").0, 404);
    // The log can be written and anchored by others while nobody hands in.
    run(&world, "log", 0, &["erase", "--record", "1", "--basis", "a mistake"]);
    assert!(run(&world, "log", 0, &["verify"]).starts_with("OK audit.example/served: 7 records"));
    let again = Command::new(env!("CARGO_BIN_EXE_attest"))
        .args(["audit", "--log", "log", "serve"])
        .current_dir(world.root())
        .env("HOME", world.home())
        .output()
        .unwrap();
    assert_eq!(again.status.code(), Some(3), "a second server");
    // Told to end, it publishes what it has; its socket is gone.
    run(&world, "log", 0, &["record", "decision", "what=last", "reason=a test"]);
    let pid = rustix::process::Pid::from_raw(i32::try_from(server.child.id()).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert_eq!(server.child.wait().unwrap().code(), Some(0));
    assert!(!server.socket.exists());
    let text = fs::read(world.root().join("log/tlog/checkpoint")).unwrap();
    assert_eq!(Checkpoint::parse(Note::parse(&text).unwrap().text).unwrap().size, 8);
}

/// Only root can let a program run as somebody else; the rule itself is tested beside its code.
#[test]
fn nothing_is_handed_over_to_another_user_who_listens() {
    use std::os::unix::process::CommandExt as _;
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let world = started("audit.example/stranger");
    let theirs = tempfile::tempdir().unwrap();
    std::os::unix::fs::chown(theirs.path(), Some(65_534), Some(65_534)).unwrap();
    let attest = theirs.path().join("attest");
    fs::copy(env!("CARGO_BIN_EXE_attest"), &attest).unwrap();
    let as_other = |args: &[&str]| {
        let mut program = Command::new(&attest);
        program.args(["audit", "--log"]).arg(theirs.path().join("log")).args(args).uid(65_534).gid(65_534);
        program.current_dir(theirs.path()).env("HOME", theirs.path()).stderr(Stdio::null()).stdout(Stdio::null());
        program
    };
    assert!(as_other(&["init"]).status().unwrap().success());
    let socket = theirs.path().join("log/socket");
    let record = |socket: &std::path::Path| {
        let mut program = Command::new(env!("CARGO_BIN_EXE_attest"));
        program.args(["audit", "--log", "log", "record", "decision", "what=secret plan", "reason=a test"]);
        program.current_dir(world.root()).env("HOME", world.home()).env("ATTEST_AUDIT_SOCKET", socket);
        let out = program.output().unwrap();
        (out.status.code(), String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr))
    };
    let serve = |program: &mut Command| {
        let server = program.spawn().unwrap();
        let listens = || {
            std::thread::sleep(Duration::from_millis(10));
            UnixStream::connect(&socket).is_ok()
        };
        assert!((0..500).any(|_| listens()), "it does not listen");
        server
    };
    let mut server = serve(&mut as_other(&["serve"]));
    let (code, said) = record(&socket);
    assert_eq!((code, said.contains("error[audit-server-stranger]: user 65534 listens at")), (Some(3), true), "{said}");
    server.kill().unwrap();
    server.wait().unwrap();
    // The twin: the same socket, with the same log, of this user.
    fs::remove_file(&socket).unwrap();
    std::os::unix::fs::chown(theirs.path().join("log/keys"), Some(0), Some(0)).unwrap();
    let mut server = serve(as_other(&["serve"]).uid(0).gid(0));
    assert_eq!(record(&socket), (Some(0), "recorded as record 1\n".into()));
    server.kill().unwrap();
    server.wait().unwrap();
}

#[test]
fn a_server_that_is_killed_under_load_loses_nothing_that_it_acknowledged() {
    let world = started("audit.example/killed");
    let acknowledged: Arc<Mutex<Vec<(u64, String)>>> = Arc::default();
    for round in 0..3 {
        let mut server = Server::start(&world, "log", &[]);
        let hands: Vec<_> = (0..8)
            .map(|hand| {
                let (socket, acknowledged) = (server.socket.clone(), acknowledged.clone());
                std::thread::spawn(move || {
                    let stream = UnixStream::connect(socket).unwrap();
                    for n in 0.. {
                        let what = format!("{round}-{hand}-{n}");
                        let Some(said) = hand_in(&stream, "typed", &decision(&what)) else { return };
                        acknowledged.lock().unwrap().push((said["records"][0].as_u64().unwrap(), what));
                    }
                })
            })
            .collect();
        std::thread::sleep(Duration::from_millis(700 + 150 * round));
        server.kill();
        hands.into_iter().for_each(|hand| hand.join().unwrap());
    }
    let acknowledged = acknowledged.lock().unwrap().clone();
    assert!(acknowledged.len() > 50, "{}", acknowledged.len());
    let shown = run(&world, "log", 0, &["show", "--last", "1000000", "--format", "json"]);
    let shown: Value = serde_json::from_str(&shown).unwrap();
    let records = shown["records"].as_array().unwrap();
    for (number, what) in &acknowledged {
        assert_eq!(records[usize::try_from(*number).unwrap()]["record"]["what"], what.as_str(), "record {number}");
    }
    run(&world, "log", 0, &["record", "decision", "what=after", "reason=a test"]);
    assert!(run(&world, "log", 0, &["verify"]).starts_with("OK "));
}

#[test]
fn a_server_is_a_witness_of_another_log_and_of_one_history_of_it() {
    let watching = started("audit.example/witness");
    let world = started("audit.example/watched");
    for n in 0..3 {
        run(&world, "log", 0, &["record", "decision", &format!("what=number {n}"), "reason=a test"]);
    }
    watching.write("others", format!("log {}\nquorum none\n", key(&world, "log")));
    let mut server = Server::start(&watching, "log", &["--witness", "others"]);
    let vkey = server.witness.clone().unwrap();
    let policy = |server: &Server| {
        let log = key(&world, "log");
        world.write("policy", format!("log {log}\nwitness w {vkey} http://{}\nquorum w\n", server.address));
    };
    policy(&server);
    assert!(run(&world, "log", 0, &["anchor", "--policy", "policy"]).starts_with("ANCHORED "));
    crate::audit::copy(&world.root().join("log"), &world.root().join("fork"));
    run(&world, "log", 0, &["record", "decision", "what=one more", "reason=a test"]);
    run(&world, "log", 0, &["anchor", "--policy", "policy"]);
    let (_, verified) = (0, run(&world, "log", 0, &["verify", "--policy", "policy"]));
    assert!(verified.contains("one history  proved       by witness w"), "{verified}");
    // It remembers when it was killed, and gives the fork nothing.
    server.kill();
    let server = Server::start(&watching, "log", &["--witness", "others"]);
    assert_eq!(server.witness.as_deref(), Some(vkey.as_str()), "the same key");
    policy(&server);
    for n in 0..4 {
        run(&world, "fork", 0, &["record", "decision", &format!("what=forked {n}"), "reason=a test"]);
    }
    let said = run(&world, "fork", 1, &["anchor", "--policy", "policy"]);
    assert!(said.starts_with("DISPUTED "), "{said}");
    run(&world, "log", 0, &["anchor", "--policy", "policy"]);
    // What it cosigned is lost, and its key is not: it would give the fork what it gave the log.
    drop(server);
    fs::rename(watching.root().join("log/witness"), watching.root().join("away")).unwrap();
    let serve = ["serve", "--listen", "127.0.0.1:0", "--witness", "others"];
    let said = run(&watching, "log", 3, &serve);
    assert!(said.contains("error[audit-witness-forgot]") && said.contains("remove `keys/witness.key`"), "{said}");
    fs::remove_file(watching.root().join("log/keys/witness.key")).unwrap();
    let server = Server::start(&watching, "log", &["--witness", "others"]);
    assert_ne!(server.witness.as_deref(), Some(vkey.as_str()), "another key");
}
