//! Questions to the audit log, as whoever looks into an incident asks them.

use crate::audit::{LOG, audit, done, ends, holds, started};
use crate::world::World;
use serde_json::{Value, json};
use std::fs;
use std::process::Command;

/// The commit of the incident, whole: what is decided of a commit names it so.
const ABC: &str = "abc1230000000000000000000000000000000000";

/// A log in which an agent worked for an hour, another one later, and a person approved.
pub(crate) fn incident() -> World {
    let world = started();
    let start = |agent: &str, id: &str, more: &[&str]| {
        let args = ["start", "--agent", agent, "--execution", id, "--requested-by", "github:583231"];
        assert_eq!(done(&world, &[&args[..], more].concat()), format!("{id}\n"));
    };
    let record = |args: &[&str]| done(&world, &[&["record"][..], args].concat());
    let of = "execution_id=exec-1";
    start(
        "engineering/claude-coder",
        "exec-1",
        &[
            "--task",
            "task-xyz789",
            "--model",
            "claude-sonnet-4",
            "started_at=2025-01-15T10:00:00Z",
            "credentials=npm:publish",
        ],
    );
    let at = |time: &str| format!("at=2025-01-15T{time}Z");
    record(&["action", of, "action_type=file_modify", "target=src/auth/login.ts", "lines_added=14", &at("10:02:14")]);
    let failed = ["action", of, "action_type=command_run", "command=cargo test", "exit_code=101", "result=error"];
    record(&[&failed[..], &[&at("11:00:00")]].concat());
    record(&["action", of, "action_type=file_read", "target=src/main.ts", &at("11:00:01")]);
    record(&[
        "approval",
        of,
        &format!("target=commit:{ABC}"),
        "approver=github:1024",
        "how=review",
        "completed_at=2025-01-15T10:30:00Z",
    ]);
    record(&["action", of, "action_type=merge", "target=commit:abc123", &at("10:40:00")]);
    let end = ["finish", "exec-1", "--status", "failed", "tokens_in=812000", "tokens_out=41000", "cost=3.87"];
    done(&world, &[&end[..], &["completed_at=2025-01-15T11:31:40Z"]].concat());
    start("cli/lead", "exec-2", &["started_at=2025-01-16T10:00:00Z"]);
    record(&["tag", "execution_id=exec-2", "key=team", "value=payments"]);
    record(&["loss", "execution_id=exec-2", "lost=17", "reason=the spool was full"]);
    world
}

fn json_of(world: &World, args: &[&str]) -> Value {
    serde_json::from_str(&done(world, &[args, &["--format", "json"]].concat())).unwrap()
}

fn query(world: &World, sql: &str) -> Vec<Vec<Value>> {
    let answer = json_of(world, &["query", sql]);
    answer["rows"].as_array().unwrap().iter().map(|row| row.as_array().unwrap().clone()).collect()
}

#[test]
fn history_lists_executions_and_says_what_is_not_known() {
    let world = incident();
    let shown = done(&world, &["history"]);
    let lines: Vec<&str> = shown.lines().collect();
    assert!(lines[0].starts_with("EXECUTION  AGENT") && lines[1].starts_with("exec-2     cli/lead "), "{shown}");
    assert!(lines[2].contains("failed   2025-01-15 10:00  1h 31m") && lines[2].ends_with("4 (1 failed)"), "{shown}");
    assert!(shown.ends_with("2 runs, 1 failed, 1 without an end. Cost $3.87 d, known for 1 of 2 runs.\n"), "{shown}");
    let verbose = done(&world, &["history", "--verbose"]);
    assert!(verbose.contains("engineering/claude-coder     1  0 (0%)   812k / 41k     $3.87 d"), "{verbose}");
    assert!(verbose.ends_with("Log audit.example/test, 11 records; all under a signed checkpoint\n"), "{verbose}");
    for (args, ids) in [
        (&["--squad", "cli"][..], &["exec-2"][..]),
        (&["--agent", "claude-coder"], &["exec-1"]),
        (&["--status", "unended"], &["exec-2"]),
        (&["--status", "failed"], &["exec-1"]),
        (&["--tag", "team=payments"], &["exec-2"]),
        (&["--days", "100000"], &["exec-2", "exec-1"]),
    ] {
        let found = json_of(&world, &[&["history"], args].concat());
        let found: Vec<&str> =
            found["executions"].as_array().unwrap().iter().map(|e| e["id"].as_str().unwrap()).collect();
        assert_eq!(found, ids, "{args:?}");
    }
    for none in [&["--squad", "x"][..], &["--days", "1"], &["--tag", "team=x"], &["--status", "success"]] {
        assert_eq!(ends(&world, 1, &[&["history"], none].concat()), "no execution fits\n", "{none:?}");
    }
    let csv = done(&world, &["history", "--format", "csv"]);
    let mut rows = csv.split("\r\n");
    assert!(rows.next().unwrap().starts_with("execution,session,agent,task,model,status,first_at,last_at,actions"));
    let second = rows.nth(1).unwrap();
    assert!(second.starts_with("exec-1,,engineering/claude-coder,task-xyz789,claude-sonnet-4,failed,"), "{second}");
    assert!(second.contains(",812000,41000,,,3.87,declared,1,7"), "what is not known is empty: {second}");
    assert!(ends(&world, 2, &["show", "--format", "csv"]).contains("--format csv is for questions"));
}

#[test]
fn an_execution_is_shown_with_what_it_did_and_what_is_missing() {
    let world = incident();
    let shown = done(&world, &["show", "exec-1"]);
    for line in [
        "Execution exec-1   engineering/claude-coder   failed   records 1..7",
        "  asked by    github:583231 d",
        "  task        task-xyz789 d",
        "  when        2025-01-15 10:00:00 to 11:31:40 d, 1h 31m",
        "  authority   npm:publish d",
        "  used        812k in, 41k out; $3.87 d",
        "  did         4 actions: 1 command_run (1 failed), 1 file_modify, 1 file_read, 1 merge",
        "  made        commit:abc123 (record 6)",
        "  approvals   1: github:1024, review, 2025-01-15 10:30:00, of commit:abc1230000000000000000000000000000000000 d",
    ] {
        assert!(shown.lines().any(|found| found == line), "{line}\n{shown}");
    }
    let second = done(&world, &["show", "exec-2"]);
    assert!(second.contains("unended") && second.contains("no record says that it ended"), "{second}");
    assert!(second.contains("  HOLE        17 lost: the spool was full, sealed in record 10\n"), "{second}");
    // The beginning is enough where it is that of one alone.
    assert!(ends(&world, 1, &["show", "exec-9"]).contains("audit-unknown"));
    done(&world, &["start", "--agent", "a/b", "--execution", "0123456789ab"]);
    assert!(done(&world, &["show", "0123456"]).starts_with("Execution 0123456789ab"));
    assert!(ends(&world, 1, &["show", "01234"]).contains("audit-unknown"), "too short");
    done(&world, &["start", "--agent", "a/b", "--execution", "0123456789cd"]);
    assert!(ends(&world, 1, &["show", "0123456"]).contains("audit-unknown"), "of two");
    let json = json_of(&world, &["show", "exec-1"]);
    assert_eq!(json["execution"]["facts"]["requested_by"][0]["value"], "github:583231");
    assert_eq!(
        (&json["execution"]["approvals"][0]["how"], json["records"].as_array().unwrap().len()),
        (&json!("review"), 7)
    );
}

#[test]
fn logs_show_each_action_and_none_of_its_texts() {
    let world = incident();
    let shown = done(&world, &["logs", "exec-1"]);
    assert!(shown.contains("     2  2025-01-15 10:02:14  file_modify  src/auth/login.ts (+14)\n"), "{shown}");
    assert!(shown.contains("command_run  (error, exit 101, command 10 B)") && !shown.contains("cargo"), "{shown}");
    assert!(
        shown.contains("4 actions of execution exec-1, 1 failed; commands, inputs and outputs are not kept"),
        "{shown}"
    );
    let failed = done(&world, &["logs", "exec-1", "--failed"]);
    assert!(failed.contains("command_run") && !failed.contains("file_modify"), "{failed}");
    assert_eq!(done(&world, &["logs", "exec-1", "--action", "file_read"]).lines().count(), 3);
    ends(&world, 1, &["logs", "exec-2"]);
    ends(&world, 1, &["logs", "exec-3"]);
    let csv = done(&world, &["logs", "exec-1", "--format", "csv"]);
    assert!(csv.contains("3,2025-01-15T11:00:00Z,command_run,,error,101,true,10,"), "{csv}");
    assert_eq!(json_of(&world, &["logs", "exec-1"])["actions"][1]["commandBytes"], 10);
}

#[test]
fn the_three_questions_run_to_the_letter() {
    let world = incident();
    let all = query(
        &world,
        "SELECT * FROM audit_log WHERE agent = 'claude-coder' AND timestamp BETWEEN '2025-01-15T10:00:00Z' AND '2025-01-15T11:00:00Z' ORDER BY timestamp;",
    );
    let records: Vec<i64> = all.iter().map(|row| row.last().unwrap().as_i64().unwrap()).collect();
    assert_eq!(records, [1, 2, 5, 6, 3], "both ends are in, and the second behind is not");
    let tasks = query(
        &world,
        "SELECT DISTINCT task_id FROM audit_log WHERE action = 'file_modify' AND path LIKE '%/auth/login.ts';",
    );
    assert_eq!(tasks, [[json!("task-xyz789")]], "the task is that of the execution");
    done(&world, &["record", "action", "action_type=pr_approve", "target=commit:abc123", "agent=review/bot"]);
    let approved = query(
        &world,
        "SELECT * FROM audit_log WHERE artifact_ref = 'commit:abc123' AND action IN ('pr_approve', 'merge');",
    );
    assert_eq!(approved.len(), 2, "{approved:?}");
}

#[test]
fn the_three_questions_find_what_an_import_and_a_create_recorded() {
    let world = World::new();
    let log = world.home().join("log");
    let run = |args: &[&str]| {
        let mut program = Command::new(env!("CARGO_BIN_EXE_attest"));
        program.args(args).current_dir(world.root()).env("HOME", world.home()).env("ATTEST_AUDIT_LOG", &log);
        let out = program.env("ATTEST_PASSWORD", crate::world::PASSWORD).output().unwrap();
        assert!(out.status.success(), "{args:?}: {}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8(out.stdout).unwrap()
    };
    run(&["audit", "init", "--origin", "audit.example/test"]);
    run(&[
        "audit",
        "start",
        "--agent",
        "web/claude-coder",
        "--execution",
        "exec-1",
        "--task",
        "task-xyz789",
        "started_at=2025-01-15T10:00:00Z",
    ]);
    let line = |second: u32, message: Value| {
        json!({ "type": if second == 0 { "assistant" } else { "user" }, "uuid": second.to_string(), "sessionId": "s-1",
            "cwd": "/w/app", "timestamp": format!("2025-01-15T11:00:0{second}.000Z"), "message": message })
        .to_string()
    };
    let call = json!({ "content": [{ "type": "tool_use", "id": "t1", "name": "Edit", "input": { "file_path": "/w/app/src/auth/login.ts" } }] });
    let result = json!({ "content": [{ "type": "tool_result", "tool_use_id": "t1", "content": "done" }] });
    world.write("session.jsonl", format!("{}\n{}\n", line(0, call), line(1, result)));
    run(&["audit", "record", "--session", "session.jsonl", "--execution", "exec-1"]);
    run(&[
        "create",
        "app",
        "--key",
        "attest.key",
        "--agent",
        "web/claude-coder",
        "--execution",
        "exec-1",
        "--task",
        "task-xyz789",
    ]);
    let rows = |sql: &str| {
        let answer: Value = serde_json::from_str(&run(&["audit", "query", sql, "--format", "json"])).unwrap();
        answer["rows"].as_array().unwrap().clone()
    };
    let asked = "SELECT action FROM audit_log WHERE agent = 'claude-coder' AND timestamp BETWEEN '2025-01-15T10:00:00Z' AND '2025-01-15T11:00:00Z' ORDER BY timestamp;";
    assert_eq!(rows(asked), [json!(["execution_started"]), json!(["session"]), json!(["file_modify"])]);
    let asked = "SELECT DISTINCT task_id FROM audit_log WHERE action = 'file_modify' AND path LIKE '%/auth/login.ts';";
    assert_eq!(rows(asked), [json!(["task-xyz789"])]);
    let attested = rows("SELECT artifact_ref FROM audit_log WHERE action = 'attested' AND agent = 'claude-coder'");
    assert!(attested[0][0].as_str().unwrap().starts_with("sha256:"), "{attested:?}");
    assert!(
        run(&["audit", "show", "exec-1"]).contains("  attested    app@sha256:"),
        "{}",
        run(&["audit", "show", "exec-1"])
    );
}

/// SQL and `history` say the same of an execution that was begun and ended more than once, or never.
#[test]
fn executions_in_sql_are_those_of_history() {
    let world = incident();
    done(&world, &["start", "--agent", "platform/builder", "--execution", "run-1"]);
    done(&world, &["record", "execution_started", "execution_id=run-1", "agent=research/scout"]);
    done(&world, &["finish", "run-1", "--status", "success"]);
    done(&world, &["finish", "run-1", "--status", "failed"]);
    done(
        &world,
        &["record", "action", "execution_id=run-2", "action_type=file_read", "agent=alone", "at=2026-01-01T10:00:00Z"],
    );
    let history = json_of(&world, &["history", "--days", "36500"]);
    let told = |run: &Value| ["id", "agent", "status"].map(|name| run[name].clone()).to_vec();
    let mut told: Vec<Vec<Value>> = history["executions"].as_array().unwrap().iter().map(told).collect();
    let mut asked = query(&world, "SELECT execution_id, agent_path, status FROM execution");
    for list in [&mut told, &mut asked] {
        list.sort_by_key(|row| row[0].to_string());
    }
    assert!(told.len() >= 4, "{history}");
    assert_eq!(asked, told, "{history}");
    assert_eq!(asked.iter().find(|row| row[0] == "run-1").unwrap()[1..], [json!("platform/builder"), json!("failed")]);
    let lone = "SELECT agent, squad, started_at FROM execution WHERE execution_id = 'run-2'";
    assert_eq!(query(&world, lone), [[json!("alone"), Value::Null, json!("2026-01-01T10:00:00Z")]]);
}

#[test]
fn a_question_reads_the_documented_tables_and_nothing_else() {
    let world = incident();
    let before = query(&world, "SELECT count(*) FROM record");
    for sql in [
        "DELETE FROM record",
        "DELETE FROM audit_log",
        "UPDATE execution SET agent = 'x'",
        "INSERT INTO record (number, id, kind, logged) VALUES (99, 'x', 'action', 0)",
        "UPDATE record SET agent = 'x'",
        "REPLACE INTO record (number, id, kind, logged) VALUES (1, 'x', 'action', 0)",
        "DROP TABLE record",
        "CREATE TABLE x (y)",
        "CREATE TEMP TABLE x (y)",
        "CREATE TEMP VIEW x AS SELECT 1",
        "ALTER TABLE record ADD x",
        "ATTACH 'other.db' AS other",
        "DETACH main",
        "VACUUM",
        "VACUUM INTO 'other.db'",
        "PRAGMA user_version",
        "PRAGMA query_only = OFF",
        "SELECT * FROM pragma_table_info('record')",
        "SELECT count(*) FROM pragma_database_list",
        "SELECT * FROM sqlite_master",
        "SELECT count(*) FROM sqlite_schema",
        "SELECT * FROM seen",
        "SELECT count(*) FROM seen",
        "SELECT count(*) FROM gone",
        "SELECT load_extension('x')",
        "BEGIN",
        "SAVEPOINT x",
        "ANALYZE",
        "REINDEX",
        "SELECT 1; SELECT 2",
        "SELECT 1; DELETE FROM record",
        "WITH x AS (SELECT 1) DELETE FROM record",
        "EXPLAIN DELETE FROM record",
    ] {
        assert!(ends(&world, 2, &["query", sql]).contains("audit-query-refused"), "{sql}");
    }
    assert_eq!(query(&world, "SELECT count(*) FROM record"), before);
    assert!(!world.root().join("other.db").exists() && !world.root().join(LOG).join("other.db").exists());
    for sql in ["SELEC 1", "SELECT nothing FROM record", "", "/* nothing */", "SELECT * FROM nowhere"] {
        assert!(ends(&world, 2, &["query", sql]).contains("audit-query-wrong"), "{sql}");
    }
    // What reads is answered, however it is put.
    for sql in [
        "SELECT count(*) FROM audit_log;",
        "WITH mine AS (SELECT * FROM record) SELECT count(*) FROM mine",
        "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 5) SELECT x FROM n",
        "SELECT name.value FROM record, json_each(credentials) AS name",
        "SELECT a.agent FROM execution a JOIN execution b USING (squad)",
        "SELECT max(timestamp), upper(agent) FROM audit_log GROUP BY 2 -- a remark",
    ] {
        done(&world, &["query", sql]);
    }
    assert!(ends(&world, 1, &["query", "SELECT * FROM audit_log WHERE agent = 'nobody'"]).ends_with("0 rows, 0.0 s\n"));
}

#[test]
fn a_question_that_does_not_end_is_cut_and_says_so() {
    let world = incident();
    let endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT";
    let cut = |args: &[&str], sql: &str, why: &str| {
        let said = ends(&world, 3, &[&["query", &format!("{endless} {sql}")], args].concat());
        assert!(said.contains("audit-query-cut") && said.contains(why), "{said}");
        said
    };
    // It never ends by itself.
    cut(&["--timeout", "1s"], "count(*) FROM n", "cut after 1 s, at 0 rows");
    let said = cut(&["--rows", "3"], "x FROM n", "cut at 3 rows: there are more");
    assert!(said.contains("\n1\n2\n3\n3 rows"), "{said}");
    cut(&["--timeout", "1s"], "count(*) FROM n a, n b, n c", "cut after 1 s");
    cut(&[], "zeroblob(1000000000) FROM n", "more memory than a question may");
    cut(&[], "printf('%.1000000000c', 'x') FROM n", "more memory than a question may");
    // Functions that take the square of their arguments in time: the clock is looked at between any two.
    let part = |n: usize| format!("instr(x, y || {n})");
    let column = |c: usize| (0..60).map(|n| part(c * 60 + n)).collect::<Vec<_>>().join(" + ");
    let columns: Vec<_> = (0..12).map(column).collect();
    let text =
        "WITH t(x, y) AS (SELECT replace(hex(zeroblob(30000)), '0', 'a'), replace(hex(zeroblob(15000)), '0', 'a'))";
    let said = ends(&world, 3, &["query", &format!("{text} SELECT {} FROM t", columns.join(", ")), "--timeout", "1s"]);
    assert!(said.contains("audit-query-cut"), "{said}");
    // As many as were asked for, and no more, is the whole answer.
    done(&world, &["query", "SELECT number FROM record LIMIT 3", "--rows", "3"]);
    let json: Value = serde_json::from_str(&ends(
        &world,
        3,
        &["query", "SELECT number FROM record", "--rows", "3", "--format", "json", "--quiet"],
    ))
    .unwrap();
    assert_eq!((json["rows"].as_array().unwrap().len(), &json["cut"]["code"]), (3, &json!("audit-query-cut")));
    ends(&world, 2, &["query", "SELECT 1", "--rows", "0"]);
}

#[test]
fn the_tables_are_those_that_the_page_lists() {
    let world = started();
    let page = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/audit/ask.md")).unwrap();
    let found = json_of(&world, &["query", "--tables"]);
    let mut tables: Vec<(String, Vec<String>)> = Vec::new();
    for row in found["rows"].as_array().unwrap() {
        let (table, column) = (row[0].as_str().unwrap().to_owned(), row[1].as_str().unwrap().to_owned());
        match tables.last_mut().filter(|(last, _)| *last == table) {
            Some((_, columns)) => columns.push(column),
            None => tables.push((table, vec![column])),
        }
    }
    assert_eq!(tables.len(), 3);
    for (table, columns) in tables {
        let line =
            format!("| `{table}` | {} |", columns.iter().map(|c| format!("`{c}`")).collect::<Vec<_>>().join(", "));
        assert!(page.lines().any(|found| found == line), "docs/audit/ask.md lacks\n{line}");
    }
}

#[test]
fn what_was_erased_or_expired_is_a_named_hole() {
    let world = incident();
    assert!(!done(&world, &["history"]).contains("HOLE"), "the twin");
    done(&world, &["erase", "--record", "3", "--basis", "request-7"]);
    let hole = "HOLE  1 record cannot be read (3), erased: redaction 11, request-7\n";
    for args in [&["history"][..], &["logs", "exec-1"], &["query", "SELECT 1"]] {
        assert!(done(&world, args).ends_with(hole), "{args:?}: {}", done(&world, args));
    }
    let shown = done(&world, &["show", "exec-1"]);
    assert!(
        shown.contains(
            "  HOLE        between its records: 1 record cannot be read (3), erased: redaction 11, request-7"
        ),
        "{shown}"
    );
    assert!(shown.contains("  did         3 actions: "), "{shown}");
    assert!(!done(&world, &["show", "exec-2"]).contains("cannot be read"), "it is not between its records");
    let json = json_of(&world, &["history"]);
    assert_eq!(
        json["holes"],
        json!([{ "count": 1, "first": 3, "last": 3, "why": "erased", "redaction": 11, "basis": "request-7" }])
    );
    done(&world, &["erase", "--person", "github:583231", "--basis", "request-8"]);
    assert!(done(&world, &["show", "exec-1"]).contains("  asked by    (a person who was erased)\n"));
    done(&world, &["erase", "--execution", "exec-2", "--basis", "request-9"]);
    assert!(ends(&world, 1, &["show", "exec-2"]).contains("audit-unknown"));
    assert!(done(&world, &["history"]).contains("erased: redaction 13, request-9"));
}

/// Whoever cuts off the end of a journal, or changes a byte in it, takes an action out of every answer: none is whole then.
#[test]
fn a_question_to_a_log_whose_end_is_gone_says_so() {
    const QUESTIONS: [&[&str]; 9] = [
        &["history"],
        &["logs", "exec-1"],
        &["show", "exec-1"],
        &["show"],
        &["query", "SELECT 1"],
        &["timeline"],
        &["trace", "execution:exec-1"],
        &["blast-radius", "agent:engineering/claude-coder"],
        &["who-approved", "commit:abc123"],
    ];
    let cut = |bytes: &mut Vec<u8>, end: usize| bytes[end / 2..].fill(0);
    let flip = |bytes: &mut Vec<u8>, end: usize| bytes[end / 2] ^= 1;
    for change in [&cut as &dyn Fn(&mut Vec<u8>, usize), &flip] {
        let world = incident();
        for question in QUESTIONS {
            let whole = audit(&world, question);
            let said = String::from_utf8_lossy(&whole.stdout).into_owned() + &String::from_utf8_lossy(&whole.stderr);
            assert!(!said.contains("HOLE record"), "the twin, {question:?}: {said}");
        }
        let journal = world.root().join(LOG).join("journal");
        let file = fs::read_dir(journal).unwrap().next().unwrap().unwrap().path();
        let mut bytes = fs::read(&file).unwrap();
        let end = bytes.iter().rposition(|b| *b != 0).unwrap();
        change(&mut bytes, end);
        fs::write(&file, bytes).unwrap();
        for question in QUESTIONS {
            let said = ends(&world, 3, question);
            assert!(said.contains("HOLE ") && said.contains("attest audit verify"), "{question:?}: {said}");
        }
        let answer = audit(&world, &["history", "--format", "json"]);
        assert_eq!(answer.status.code(), Some(3));
        serde_json::from_slice::<Value>(&answer.stdout).unwrap();
    }
    // Behind the last checkpoint, as a writer leaves it that is killed before it signs: no checkpoint says what was there.
    let world = incident();
    let (checkpoint, journal) =
        (world.root().join(LOG).join("tlog/checkpoint"), world.root().join(LOG).join("journal"));
    let before = fs::read(&checkpoint).unwrap();
    let file = || fs::read_dir(&journal).unwrap().next().unwrap().unwrap().path();
    let more = |what: &str| {
        done(&world, &["record", "decision", &format!("what={what}"), "reason=none"]);
        fs::read(file()).unwrap().iter().rposition(|b| *b != 0).unwrap()
    };
    let end = more("one");
    more("another");
    fs::write(&checkpoint, before).unwrap();
    let said = audit(&world, &["history"]);
    assert!(!String::from_utf8_lossy(&said.stdout).contains("HOLE record"), "the twin");
    let mut bytes = fs::read(file()).unwrap();
    bytes[end - 1] ^= 1;
    fs::write(file(), bytes).unwrap();
    assert!(ends(&world, 3, &["history"]).contains("HOLE "));
}

#[test]
fn the_index_holds_nothing_of_a_person_and_without_keys_there_is_no_answer() {
    let world = incident();
    done(
        &world,
        &[
            "record",
            "decision",
            "what=ship to bob@example.com",
            "reason=alice@example.com asked",
            "decided_by=carol@example.com",
        ],
    );
    done(&world, &["record", "action", "action_type=deploy", "machine=host-of-dave", "environment=laptop-of-erin"]);
    done(&world, &["history"]);
    let log = world.root().join(LOG);
    assert!(holds(&log, "src/auth/login.ts"), "the search finds what is there");
    for text in ["github:583231", "github:1024", "@example.com", "host-of-dave", "laptop-of-erin", "cargo test"] {
        assert!(!holds(&log, text), "{text}");
    }
    fs::rename(log.join("keys"), world.root().join("away")).unwrap();
    for args in [&["history"][..], &["logs", "exec-1"], &["query", "SELECT 1"]] {
        assert!(ends(&world, 3, args).contains("audit-log-unavailable"), "{args:?}");
    }
    fs::rename(world.root().join("away"), log.join("keys")).unwrap();
    assert!(done(&world, &["history"]).contains("exec-1"), "nothing was forgotten meanwhile");
}
