#![expect(clippy::disallowed_methods, reason = "threads, waiting, and a client on loopback")]
//! Many who hand in, a disk that fails, and what panics.

use super::routes::Request;
use super::*;
use crate::audit::index::SqliteIndex;
use crate::audit::keys::{KeyStore, Keys, MemoryKeys};
use crate::audit::store::{LogStore, MemoryStore, Published};
use crate::audit::witness::{MemoryWitness, Watcher};
use crate::audit::{AuditError, Log, Settings, Stored};
use crate::model::{Timestamp, limits};
use crate::places::audit::random;
use crate::record::Draft;
use crate::record::draft::Origin;
use crate::tlog::note::NoteSigner;
use crate::tlog::witness::AddCheckpoint;
use crate::tlog::{Checkpoint, Cosigner, Hash, Note};
use serde_json::json;
use std::io::{BufRead as _, Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const ORIGIN: &str = "log.example/audit";

fn now() -> Timestamp {
    Timestamp::from_unix(1_790_000_000).unwrap()
}

fn signer(name: &str, seed: u8) -> NoteSigner {
    NoteSigner::from_seed(name, &[seed; 32]).unwrap()
}

/// A store that outlives the log, counts what is synced, takes as long as a disk, and can be full.
#[derive(Clone, Default)]
struct Disk {
    store: Arc<Mutex<MemoryStore>>,
    syncs: Arc<AtomicUsize>,
    full: Arc<AtomicBool>,
}

impl LogStore for Disk {
    fn size(&self) -> u64 {
        self.store.lock().unwrap().size()
    }
    fn append(&mut self, batch: &[Stored]) -> Result<(), AuditError> {
        if self.full.load(Ordering::Acquire) {
            return Err(AuditError::Unusable { what: "journal".into(), cause: "no space left".into() });
        }
        std::thread::sleep(Duration::from_millis(20));
        self.syncs.fetch_add(1, Ordering::AcqRel);
        self.store.lock().unwrap().append(batch)
    }
    fn read(&self, from: u64, count: usize) -> Result<Vec<Stored>, AuditError> {
        self.store.lock().unwrap().read(from, count)
    }
    fn get(&self, name: &str) -> Result<Option<Vec<u8>>, AuditError> {
        self.store.lock().unwrap().get(name)
    }
    fn put(&mut self, name: &str, bytes: &[u8]) -> Result<(), AuditError> {
        self.store.lock().unwrap().put(name, bytes)
    }
    fn swap_checkpoint(&mut self, old: Option<&[u8]>, new: &[u8]) -> Result<(), AuditError> {
        self.store.lock().unwrap().swap_checkpoint(old, new)
    }
}

/// Keys that outlive the log.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<MemoryKeys>>);

impl KeyStore for Shared {
    fn load(&self) -> Result<Option<Keys>, AuditError> {
        self.0.lock().unwrap().load()
    }
    fn save(&mut self, keys: &Keys, destroys: bool) -> Result<(), AuditError> {
        self.0.lock().unwrap().save(keys, destroys)
    }
    fn generation(&self) -> u64 {
        self.0.lock().unwrap().generation()
    }
}

impl Disk {
    fn published(&self) -> Option<u64> {
        let note = self.get("checkpoint").unwrap()?;
        Some(Checkpoint::parse(Note::parse(&note).unwrap().text).unwrap().size)
    }

    fn open(&self, keys: &Shared) -> Result<Opened, AuditError> {
        let settings = Settings {
            origin: ORIGIN.into(),
            key: signer(ORIGIN, 1).key().clone(),
            officer: signer("log.example/officer", 2).key().clone(),
            anchor: None,
            created: now(),
            retention: Settings::default_retention(),
        };
        let parts = crate::audit::Parts {
            settings,
            store: Box::new(self.clone()),
            keys: Box::new(keys.clone()),
            signer: signer(ORIGIN, 1),
        };
        Ok((Log::open(parts)?, SqliteIndex::in_memory()?))
    }

    fn parts(&self, now: fn() -> Timestamp) -> Parts {
        let (disk, keys) = (self.clone(), Shared::default());
        Parts { open: Box::new(move || disk.open(&keys)), now, random, sync: false }
    }
}

fn draft(n: usize) -> Draft {
    let document = json!({ "kind": "decision", "what": format!("number {n}"), "reason": "a test" });
    Draft::read(&document, Origin::Typed, &mut random).unwrap()
}

#[test]
fn what_many_hand_in_together_goes_to_the_disk_together_and_is_published() {
    let disk = Disk::default();
    let (writer, thread) = Writer::start(disk.parts(now)).unwrap();
    let hands: Vec<_> = (0..64)
        .map(|n| {
            let writer = writer.clone();
            std::thread::spawn(move || writer.write(vec![draft(n)], 100).unwrap().numbers[0])
        })
        .collect();
    let mut numbers: Vec<u64> = hands.into_iter().map(|hand| hand.join().unwrap()).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (0..64).collect::<Vec<u64>>(), "each has a number of its own");
    let syncs = disk.syncs.load(Ordering::Acquire);
    assert!(syncs < 32, "{syncs} syncs for 64 who wrote at once");
    let mut waited = 0;
    while disk.published() != Some(64) && waited < 100 {
        std::thread::sleep(Duration::from_millis(10));
        waited += 1;
    }
    assert_eq!(disk.published(), Some(64), "a checkpoint follows within a second");
    // The last ones are published when the server ends.
    writer.write(vec![draft(64)], 100).unwrap();
    assert!(writer.finish(thread));
    assert_eq!(disk.published(), Some(65));
}

#[test]
fn with_sync_the_checkpoint_comes_first() {
    let disk = Disk::default();
    let (writer, thread) = Writer::start(Parts { sync: true, ..disk.parts(now) }).unwrap();
    writer.write(vec![draft(0), draft(1)], 100).unwrap();
    assert_eq!(disk.published(), Some(2));
    assert!(writer.finish(thread));
}

#[test]
fn nobody_is_told_that_it_is_recorded_when_the_disk_is_full_and_later_it_goes_on() {
    let disk = Disk::default();
    let (writer, thread) = Writer::start(disk.parts(now)).unwrap();
    disk.full.store(true, Ordering::Release);
    assert!(matches!(writer.write(vec![draft(0)], 100), Err(AuditError::Unusable { .. })));
    disk.full.store(false, Ordering::Release);
    assert_eq!(writer.write(vec![draft(1)], 100).unwrap().numbers, [0]);
    assert!(writer.finish(thread));
}

static DEFECT: AtomicBool = AtomicBool::new(false);

fn defective() -> Timestamp {
    assert!(!DEFECT.load(Ordering::Acquire), "a defect");
    now()
}

#[test]
fn a_panic_is_the_error_of_its_request() {
    let disk = Disk::default();
    let (writer, thread) = Writer::start(disk.parts(defective)).unwrap();
    DEFECT.store(true, Ordering::Release);
    assert!(writer.write(vec![draft(0)], 100).is_err());
    DEFECT.store(false, Ordering::Release);
    assert_eq!(writer.write(vec![draft(1)], 100).unwrap().size, 1);
    assert!(writer.finish(thread));
}

/// As many files as this process may open: both ends of each connection are here.
fn many_files() {
    let mut limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    limit.current = limit.maximum;
    rustix::process::setrlimit(rustix::process::Resource::Nofile, limit).unwrap();
}

/// Hands a record in over a new connection; what is answered.
fn hand(path: &std::path::Path) -> String {
    let mut stream = UnixStream::connect(path).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let body = json!({ "kind": "decision", "what": "x", "reason": "a test" }).to_string();
    stream.write_all(format!("attest-audit/1 typed {}\n{body}", body.len()).as_bytes()).unwrap();
    let mut line = String::new();
    std::io::BufReader::new(&stream).read_line(&mut line).unwrap();
    line
}

#[test]
fn who_says_nothing_or_half_of_it_keeps_nobody_out_of_the_socket() {
    let (disk, dir) = (Disk::default(), tempfile::tempdir().unwrap());
    let (writer, thread) = Writer::start(disk.parts(now)).unwrap();
    let path = dir.path().join("socket");
    let socket = Socket::listen(&path, writer.clone(), random, Arc::new(|_| {})).unwrap();
    // Halves of requests, more than there is room for.
    let all = limits::HANDED_IN_TOTAL_BYTES / limits::HANDED_IN_BYTES + 1;
    let half = |_: usize| {
        let mut stream = UnixStream::connect(&path).unwrap();
        stream.write_all(format!("attest-audit/1 typed {}\n{{", limits::HANDED_IN_BYTES).as_bytes()).unwrap();
        stream
    };
    let halves: Vec<UnixStream> = (0..all).map(half).collect();
    assert!(hand(&path).contains("\"records\":[0]"), "a small one needs no room");
    // A large one gets room when the others have stopped for too long, and not before.
    let begun = std::time::Instant::now();
    let mut large = UnixStream::connect(&path).unwrap();
    let body = format!("{}\n", json!({ "kind": "decision", "what": "x", "reason": "a test" }))
        + &"\n".repeat(limits::HANDED_IN_SMALL_BYTES);
    large.write_all(format!("attest-audit/1 typed {}\n{body}", body.len()).as_bytes()).unwrap();
    let mut line = String::new();
    std::io::BufReader::new(&large).read_line(&mut line).unwrap();
    assert!(line.contains("\"records\":[1]"), "{line}");
    let waited = begun.elapsed();
    assert!((1..20).contains(&waited.as_secs()), "{waited:?}");
    drop(halves);
    // As many as are let in, and nothing of any of them.
    many_files();
    let idle: Vec<UnixStream> =
        (0..limits::HANDED_IN_CONNECTIONS + 8).map(|_| UnixStream::connect(&path).unwrap()).collect();
    assert!(hand(&path).contains("\"records\":[2]"));
    drop((idle, socket));
    assert!(writer.finish(thread));
}

#[test]
fn who_asks_nothing_keeps_nobody_out_over_http() {
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (http, served) = Http::listen("127.0.0.1:0".parse().unwrap(), site(now)).await.unwrap();
            tell.send(served).unwrap();
            http.serve().await;
        });
    });
    let served = told.recv().unwrap();
    many_files();
    let idle: Vec<TcpStream> =
        (0..limits::SERVER_CONNECTIONS + 8).map(|_| TcpStream::connect(served.0).unwrap()).collect();
    let begun = std::time::Instant::now();
    let get = ask(served.0, b"GET /checkpoint HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
    assert!(get.starts_with("HTTP/1.1 404 "), "{get}");
    assert!(begun.elapsed().as_secs() < limits::SERVER_HEAD_SECONDS / 2, "{:?}", begun.elapsed());
    drop(idle);
}

fn never() -> Timestamp {
    panic!("a defect")
}

fn watcher() -> Mutex<Watcher> {
    let cosigner = Cosigner::of(signer("w.example", 3)).unwrap();
    Mutex::new(Watcher::new(vec![signer(ORIGIN, 1).key().clone()], cosigner, Box::new(MemoryWitness::default())))
}

fn site(now: fn() -> Timestamp) -> Site {
    let published = Published::of(std::path::Path::new("/nowhere/at/all"));
    Site { published, watcher: Some(watcher()), telemetry: None, now }
}

/// Asks with the bytes that are given.
fn ask(address: std::net::SocketAddr, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(request).unwrap();
    let mut out = Vec::new();
    let _ = stream.read_to_end(&mut out);
    String::from_utf8_lossy(&out).into_owned()
}

#[test]
fn over_http_a_panic_is_a_500_and_the_next_is_answered() {
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (http, served) = Http::listen("127.0.0.1:0".parse().unwrap(), site(never)).await.unwrap();
            tell.send(served).unwrap();
            http.serve().await;
        });
    });
    let served = told.recv().unwrap();
    let add =
        ask(served.0, b"POST /add-checkpoint HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: 1\r\n\r\nx");
    assert!(add.starts_with("HTTP/1.1 500 ") && add.contains("a defect"), "{add}");
    let get = ask(served.0, b"GET /checkpoint HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
    assert!(get.starts_with("HTTP/1.1 404 "), "{get}");
    let large =
        format!("POST /add-checkpoint HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", 1 << 20);
    let large = ask(served.0, &[large.as_bytes(), &vec![b'x'; 1 << 20]].concat());
    assert!(large.is_empty() || large.starts_with("HTTP/1.1 413 "), "{large}");
}

#[test]
fn a_server_answers_as_the_specifications_say() {
    let site = site(now);
    let answer = |method: &str, path: &str, body: &[u8]| {
        site.answer(&Request {
            method: method.into(),
            path: path.into(),
            head: Default::default(),
            body: body.to_vec(),
        })
    };
    let note = signer(ORIGIN, 1).sign(&format!("{ORIGIN}\n5\n{}\n", Hash::of_entry(b"x")));
    let body = AddCheckpoint { old: 0, proof: Vec::new(), checkpoint: &note }.write();
    let found = answer("POST", "/add-checkpoint", body.as_bytes());
    assert_eq!(found.status, 200);
    let again = answer("POST", "/add-checkpoint", body.as_bytes());
    assert_eq!((again.status, again.media_type, again.body.as_slice()), (409, "text/x.tlog.size", &b"5\n"[..]));
    let hash = crate::model::Digest::sha256(ORIGIN.as_bytes()).to_string().replace("sha256:", "");
    let monitored = answer("GET", &format!("/{hash}/checkpoint"), b"");
    assert_eq!((monitored.status, Note::parse(&monitored.body).unwrap().lines.len()), (200, 2));
    let other = crate::model::Digest::sha256(b"other").to_string().replace("sha256:", "");
    for (method, path, status) in [
        ("GET", format!("/{other}/checkpoint"), 404),
        ("GET", "/tile/../keys/log.key".into(), 404),
        ("GET", "/tile/0/000/../../../../keys/master".into(), 404),
        ("GET", "/".into(), 404),
        ("POST", "/add".into(), 404),
        ("POST", "/v1/logs".into(), 404),
        ("POST", "/v1/traces".into(), 404),
        ("GET", "/v1/logs".into(), 404),
        ("POST", "/checkpoint".into(), 405),
        ("DELETE", "/tile/0/000".into(), 405),
    ] {
        assert_eq!(answer(method, &path, b"entry").status, status, "{method} {path}");
    }
}
