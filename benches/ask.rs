#![expect(clippy::disallowed_methods, reason = "a benchmark: looks at the clock")]
#![expect(clippy::print_stdout, reason = "a benchmark: prints its figures")]
//! Questions to an audit log of a million records, in process: an execution, a commit, and a blast radius of 100,000 things, beside the
//! plain statements in SQLite.
//!
//! ```text
//! cargo bench --bench ask
//! ATTEST_BENCH_RECORDS=100000 cargo bench --bench ask      a tenth of it
//! ```
//!
//! Fails when an execution or a commit takes over 0.2 ms or the blast radius over 500 ms. Each figure is the median of several turns of
//! the same run.

use attest::audit::LogStore as _;
use attest::audit::index::{Index as _, Question};
use attest::flow::audit::record;
use attest::flow::investigate::{self, Log, Span};
use attest::inquiry::blast::{Bounds, Start};
use attest::model::{Timestamp, limits};
use attest::places::{AuditPlace, audit::random};
use attest::record::draft::Origin;
use attest::record::{Class, Draft};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Records of one execution: a start, its commit, what was built of that and that it was admitted, and what else it did.
const EACH: usize = 40;
const TURNS: usize = 5;
const LOOKED_UP: usize = 200;

fn main() -> ExitCode {
    let records = std::env::var("ATTEST_BENCH_RECORDS").ok().and_then(|n| n.parse().ok()).unwrap_or(1_000_000_usize);
    let executions = records / EACH;
    let folder = tempfile::tempdir().expect("a folder");
    let place = AuditPlace::find(Some(&folder.path().join("log"))).expect("a place");
    let retention: BTreeMap<Class, u32> = BTreeMap::new();
    let now = Timestamp::from_unix(1_800_000_000).expect("a time");
    place.create("bench.example/audit", retention, now).expect("made");
    let begun = Instant::now();
    fill(&place, executions, now);
    println!("{} records written and indexed in {:.1} s", executions * EACH, begun.elapsed().as_secs_f64());
    let store = place.reader().expect("a log");
    let (settings, keys) = (place.bound(&store).expect("settings"), place.keys().expect("read").expect("keys"));
    let index = place.index().expect("an index");
    assert_eq!(index.position().expect("asked"), store.size());
    let log = Log { store: &store, settings: &settings, keys: &keys, index: &index };

    let by = |column: &'static str, name: &dyn Fn(usize) -> String, expected: usize| {
        median((0..TURNS).map(|turn| {
            let begun = Instant::now();
            for n in 0..LOOKED_UP {
                let value = name((n * 7919 + turn) % executions);
                assert_eq!(index.ask(&Question::all().with(column, &value)).expect("asked").len(), expected);
            }
            begun.elapsed() / LOOKED_UP as u32
        }))
    };
    let execution = by("execution_id", &|n| format!("exec-{n}"), EACH - 2);
    let commit = by("target", &|n| format!("commit:{n:040x}"), 1);
    let plain = plain(&place, executions);
    let bounds =
        Bounds { nodes: limits::BLAST_MOST_NODES, edges: limits::BLAST_MOST_NODES * 4, depth: limits::BLAST_DEPTH };
    let mut reached = 0;
    let blast = median((0..TURNS).map(|_| {
        let begun = Instant::now();
        let start = Start::Agent("bench/agent".into());
        let found = investigate::blast(&log, &start, &Span::default(), bounds).expect("asked");
        reached = found.what.radius.reached().count();
        begun.elapsed()
    }));
    let ms = |time: Duration| time.as_secs_f64() * 1000.0;
    println!("an execution, {} rows  {:8.3} ms   (plain SQLite {:.3} ms)", EACH - 2, ms(execution), ms(plain.0));
    println!("a commit, 1 row        {:8.3} ms   (plain SQLite {:.3} ms)", ms(commit), ms(plain.1));
    println!("a blast radius of {reached} things  {:.0} ms", ms(blast));
    let holds = ms(execution) <= 0.2 && ms(commit) <= 0.2 && ms(blast) <= 500.0;
    if holds { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn fill(place: &AuditPlace, executions: usize, now: Timestamp) {
    let mut log = place.writer(Duration::from_secs(5)).expect("a writer");
    let mut index = place.index().expect("an index");
    let mut random = random;
    let mut drafts: Vec<Draft> = Vec::new();
    for n in 0..executions {
        let (id, commit, digest) = (format!("exec-{n}"), format!("{n:040x}"), format!("sha256:{n:064x}"));
        let at =
            |second: usize| Timestamp::from_unix(1_700_000_000 + (n * 60 + second) as i64).expect("a time").to_string();
        let mut all =
            vec![json!({ "kind": "execution_started", "execution_id": id, "agent": "bench/agent", "started_at": at(0),
            "credentials": ["NPM_TOKEN:publish"] })];
        let action = |k: usize| {
            json!({ "kind": "action", "execution_id": id, "action_type": "file_modify", "target": format!("src/{}.rs", k % 17),
                "at": at(k), "result": "ok", "source": "hook" })
        };
        all.extend((1..EACH - 4).map(action));
        all.push(json!({ "kind": "action", "execution_id": id, "action_type": "commit", "target": format!("commit:{commit}"), "at": at(50) }));
        all.push(json!({ "kind": "attested", "subject": "ghcr.io/acme/app", "digest": digest, "commit": commit, "completed_at": at(55) }));
        all.push(json!({ "kind": "admitted", "subject": "ghcr.io/acme/app", "digest": digest, "verdict": "allow",
            "namespace": "prod", "completed_at": at(58) }));
        all.push(json!({ "kind": "execution_ended", "execution_id": id, "status": "success", "completed_at": at(59) }));
        let read = |one: &Value| Draft::read(one, Origin::Typed, &mut random).expect("a record");
        drafts.extend(all.iter().map(read));
        if drafts.len() >= 50_000 || n + 1 == executions {
            record(&mut log, &mut index, &drafts, now, &mut random).expect("recorded");
            drafts.clear();
        }
    }
}

/// The same two questions as statements in SQLite, each of them prepared once.
fn plain(place: &AuditPlace, executions: usize) -> (Duration, Duration) {
    let connection = rusqlite::Connection::open(place.index_file()).expect("the index");
    let time = |column: &str, name: &dyn Fn(usize) -> String| {
        let mut statement =
            connection.prepare(&format!("SELECT * FROM record WHERE {column} = ?1")).expect("a statement");
        median((0..TURNS).map(|turn| {
            let begun = Instant::now();
            for n in 0..LOOKED_UP {
                let mut rows = statement.query([name((n * 7919 + turn) % executions)]).expect("rows");
                while rows.next().expect("a row").is_some() {}
            }
            begun.elapsed() / LOOKED_UP as u32
        }))
    };
    (time("execution_id", &|n| format!("exec-{n}")), time("target", &|n| format!("commit:{n:040x}")))
}

fn median(times: impl Iterator<Item = Duration>) -> Duration {
    let mut all: Vec<Duration> = times.collect();
    all.sort();
    all[all.len() / 2]
}
