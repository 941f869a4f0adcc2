//! From one thing forward to all that it may have reached.

use crate::audit::{done, ends, started};
use crate::audit_trace::Repository;
use crate::world::{PASSWORD, World};
use serde_json::{Value, json};
use std::path::Path;

pub(crate) const ALICE: (&str, &str) = ("Alice Example", "583231+alice@users.noreply.github.com");

/// `sha256:` and a digit as often as it takes.
pub(crate) fn digest(digit: &str) -> String {
    format!("sha256:{}", digit.repeat(64))
}

fn record(world: &World, args: &[&str]) {
    done(world, &[&["record"][..], args].concat());
}

/// An execution that leaked a credential: its commit, one after it, an image of that, and what two clusters said.
fn leaked() -> (World, String, String) {
    let world = started();
    let repository = Repository::new(&world);
    repository.commit(ALICE, "README", "First");
    let trailers = "Agent: issue-solver\nSquad: engineering\nTrigger: event\nExecution: exec-1\nModel: m-1";
    let bad = repository.commit(ALICE, "login.ts", &format!("fix: login\n\n{trailers}"));
    let after = repository.commit(ALICE, "more", "More");
    let start =
        ["start", "--agent", "engineering/issue-solver", "--execution", "exec-1", "started_at=2025-01-15T10:00:00Z"];
    done(&world, &[&start[..], &["credentials=NPM_TOKEN:publish"]].concat());
    let run = ["action", "execution_id=exec-1", "action_type=command_run", "credentials=NPM_TOKEN:publish"];
    record(&world, &run);
    done(&world, &["import", "git", "app"]);
    done(&world, &["start", "--agent", "engineering/other", "--execution", "exec-2", "credentials=NPM_TOKEN:read"]);
    let image = "subject=ghcr.io/acme/app";
    let of = format!("digest={}", digest("a"));
    record(&world, &["attested", image, &of, &format!("commit={after}"), &format!("statement={}", digest("b"))]);
    record(&world, &["admitted", image, &of, "verdict=allow", "namespace=prod"]);
    record(&world, &["admitted", image, &of, "verdict=deny", "namespace=test"]);
    (world, bad, after)
}

fn json_of(world: &World, args: &[&str]) -> Value {
    serde_json::from_str(&done(world, &[args, &["--format", "json"]].concat())).unwrap()
}

#[test]
fn a_leaked_credential_is_followed_to_what_runs_and_each_step_names_its_record() {
    let (world, bad, after) = leaked();
    let text = done(&world, &["blast-radius", "credential:NPM_TOKEN"]);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "credential NPM_TOKEN: 2 executions, 1 commit, 1 image, 1 admitted, 1 later commit", "{text}");
    assert_eq!(lines[1], "  1 used it, 1 only could have");
    assert!(text.contains("\n  admitted in prod\n"), "{text}");
    let json = json_of(&world, &["blast-radius", "credential:NPM_TOKEN"]);
    let name = |at: &Value| json["nodes"][at.as_u64().unwrap() as usize]["name"].as_str().unwrap().to_owned();
    let way = |edge: &Value| {
        let relation = edge["relation"].as_str().unwrap();
        let record: Value = json_of(&world, &["show", &edge["record"].to_string()]);
        (
            format!("{} {relation} {}", name(&edge["from"]), name(&edge["to"])),
            record["records"][0]["record"]["kind"].clone(),
        )
    };
    let found: Vec<_> = json["edges"].as_array().unwrap().iter().map(way).collect();
    for (edge, kind) in [
        ("credential NPM_TOKEN held by exec-1".to_owned(), "execution_started"),
        ("credential NPM_TOKEN used by exec-1".to_owned(), "action"),
        ("credential NPM_TOKEN held by exec-2".to_owned(), "execution_started"),
        (format!("exec-1 made {bad}"), "action"),
        (format!("{bad} is before {after}"), "action"),
        (format!("{after} built into {}", digest("a")), "attested"),
        (format!("{} admission of allow in prod of {}", digest("a"), digest("a")), "admitted"),
    ] {
        assert!(found.contains(&(edge.clone(), json!(kind))), "{edge} {kind}\n{found:?}");
    }
    assert_eq!((&json["total"]["used"], &json["total"]["admitted"]), (&json!(1), &json!(1)));
    assert_eq!(json["cut"], Value::Null);
    // From each other end one comes to the same image.
    for what in
        ["agent:issue-solver", "agent:engineering/issue-solver", "exec-1", "execution:exec-1", &bad, &after[..9]]
    {
        let text = done(&world, &["blast-radius", what]);
        assert!(text.lines().next().unwrap().contains("1 image, 1 admitted"), "{what}: {text}");
    }
    assert!(done(&world, &["blast-radius", &digest("a")]).contains("admission  prod"));
    assert!(
        done(&world, &["blast-radius", "credential:NPM_TOKEN:read"])
            .starts_with("credential NPM_TOKEN:read: 1 execution\n")
    );
    assert!(
        done(&world, &["blast-radius", "--from", "2025-01-15", "--to", "2025-01-15"])
            .starts_with("this time: 1 execution,")
    );
    let late = ends(&world, 1, &["blast-radius", "credential:NPM_TOKEN", "--to", "2025-01-14"]);
    assert!(late.starts_with("credential NPM_TOKEN: nothing that this log knows of"), "{late}");
    let csv = done(&world, &["blast-radius", "credential:NPM_TOKEN", "--format", "csv"]);
    assert!(
        csv.starts_with("thing,name,about,state,at,repository,later,depth,relation,from_thing,from,known,record\r\n")
    );
    assert!(csv.contains(&format!("commit,{bad},,")) && csv.contains(",made,execution,exec-1,declared,"), "{csv}");
    for (args, code, word) in [
        (&["blast-radius", "agent:nobody"][..], 1, "nothing that this log knows of"),
        (&["blast-radius", "exec-9"], 1, "audit-unknown"),
        (&["blast-radius", "commit:0000000"], 1, "audit-unknown"),
        (&["blast-radius", "file:README"], 1, "audit-unknown"),
        (&["blast-radius"], 2, "required arguments"),
        (&["blast-radius", "exec-1", "--from", "2025-01-01"], 2, "--from and --to narrow"),
        (&["blast-radius", "exec-1", "--depth", "0"], 2, "expected a number"),
        (&["blast-radius", "--from", "yesterday"], 2, "expected a time"),
        (&["history", "--format", "dot"], 2, "--format mermaid, dot and html are for"),
    ] {
        assert!(ends(&world, code, args).contains(word), "{args:?}: {}", ends(&world, code, args));
    }
    let index = world.root().join("log/index.sqlite");
    std::fs::remove_file(&index).unwrap();
    std::fs::create_dir_all(index.join("x")).unwrap();
    let said = ends(&world, 3, &["blast-radius", "exec-1"]);
    assert!(said.contains("error[audit-"), "{said}");
}

#[test]
fn what_was_not_followed_and_what_cannot_be_read_is_said() {
    let (world, _, _) = leaked();
    let text = done(&world, &["blast-radius", "credential:NPM_TOKEN"]);
    assert!(!text.contains("HOLE"), "the twin: {text}");
    let text = done(&world, &["blast-radius", "credential:NPM_TOKEN", "--depth", "2"]);
    assert!(text.contains("HOLE  nothing was followed from 1 thing") && !text.contains("artifact"), "{text}");
    let text = done(&world, &["blast-radius", "credential:NPM_TOKEN", "--nodes", "2"]);
    assert!(text.contains("HOLE  not all was followed: there are more than 2 things"), "{text}");
    record(&world, &["loss", "execution_id=exec-1", "lost=17", "reason=the spool was full"]);
    record(&world, &["loss", "lost=3", "reason=a line could not be read"]);
    let admitted = done(
        &world,
        &["query", "SELECT number FROM record WHERE kind = 'admitted' AND namespace = 'prod'", "--format", "csv"],
    );
    let number = admitted.lines().nth(1).unwrap();
    done(&world, &["erase", "--record", number, "--basis", "request-1"]);
    let text = done(&world, &["blast-radius", "credential:NPM_TOKEN"]);
    assert!(text.contains("1 image, 0 admitted"), "{text}");
    for line in ["HOLE  17 events of these executions were lost", "HOLE  3 events lost, and nobody says whose"] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
    assert!(text.contains(&format!("HOLE  1 record cannot be read ({number}), erased: redaction ")), "{text}");
    let none = ends(&world, 1, &["blast-radius", "credential:OTHER"]);
    assert!(none.contains("HOLE  1 record cannot be read"), "each may have been of it: {none}");
    let json = json_of(&world, &["blast-radius", "credential:NPM_TOKEN"]);
    assert_eq!(
        (&json["lost"], &json["lostOfNobody"], &json["holes"][0]["why"]),
        (&json!(17), &json!(3), &json!("erased"))
    );
}

#[test]
fn what_create_built_of_what_is_in_the_log_and_found_again() {
    let world = World::new();
    world.repository();
    world.write("Cargo.lock", "version = 4\n\n[[package]]\nname = \"serde\"\nversion = \"1.0.228\"\nsource = \"registry+https://github.com/rust-lang/crates.io-index\"\nchecksum = \"9a8e94ea7f378bd32cbbd37198a4a91436180c5bb472411e48b5ec2e2124ae9e\"\n");
    let log = world.home().join("log");
    let log = log.to_str().unwrap().to_owned();
    let run = |args: &[&str], code: i32| {
        let out = world.attest_with(&[("ATTEST_AUDIT_LOG", log.as_str()), ("ATTEST_PASSWORD", PASSWORD)], args);
        let said = String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr);
        assert_eq!(out.status.code(), Some(code), "{args:?}: {said}");
        String::from_utf8(out.stdout).unwrap()
    };
    run(&["audit", "init", "--origin", "audit.example/test"], 0);
    let base = format!("registry.example/base@{}", digest("a"));
    run(&["create", "app", "--key", "attest.key", "--base-image", &base, "--execution", "exec-1", "--agent", "s/a"], 0);
    for what in
        ["dependency:serde", "dependency:serde@1.0.228", "pkg:cargo/serde", "dependency:pkg:cargo/serde@1.0.228"]
    {
        let text = run(&["audit", "blast-radius", what], 0);
        assert!(text.lines().next().unwrap().ends_with(": 1 file, 0 admitted"), "{what}: {text}");
        assert!(text.contains("built of dependency") && !text.contains("HOLE"), "{text}");
    }
    for what in
        ["base-image:registry.example/base", &format!("base-image:{base}"), &format!("base-image:{}", digest("a"))]
    {
        let text = run(&["audit", "blast-radius", what], 0);
        assert!(text.contains("built on base image"), "{what}: {text}");
    }
    let state = run(&["audit", "state", "exec-1"], 0);
    assert!(
        state.starts_with("exec-1: ")
            && state.contains("  dependencies  2 listed with digests d, pkg:docker/base@sha256:"),
        "{state}"
    );
    assert!(state.contains("MISSING  what it was told is not recorded: no session"), "{state}");
    run(&["audit", "state", "exec-2"], 1);
    for what in ["dependency:serd", "dependency:serde@1.0.227", "base-image:registry.example/other"] {
        assert!(run(&["audit", "blast-radius", what], 1).ends_with("nothing that this log knows of\n"), "{what}");
    }
    // What says nothing of its dependencies may have any.
    run(&["audit", "record", "attested", "subject=other", &format!("digest={}", digest("c"))], 0);
    let text = run(&["audit", "blast-radius", "dependency:serd"], 1);
    assert!(text.contains("HOLE  1 attestation does not say, or not wholly, what was built of what"), "{text}");
    run(&["audit", "record", "materials", &format!("statement={}", digest("d")), "left_out=5"], 0);
    assert!(run(&["audit", "blast-radius", "dependency:serd"], 1).contains("HOLE  2 attestations do not say"));
    let third = [format!("digest={}", digest("e")), format!("statement={}", digest("f"))];
    run(&["audit", "record", "attested", "subject=third", &third[0], &third[1]], 0);
    assert!(run(&["audit", "blast-radius", "dependency:serd"], 1).contains("HOLE  3 attestations do not say"));
    let rows = run(&["audit", "query", "SELECT count(*) FROM part"], 2);
    assert_eq!(rows, "");
}

/// What somebody may call an execution, who wants to be looked at.
const HOSTILE: &str = "<script>document.title='owned'</script><img src=x onerror=alert(1)>";

#[test]
fn a_picture_is_text_whatever_a_record_is_called() {
    let (world, bad, _) = leaked();
    let agent = format!("s/{HOSTILE}");
    done(&world, &["start", "--agent", &agent, "--execution", HOSTILE, "credentials=NPM_TOKEN"]);
    let of = format!("execution_id={HOSTILE}");
    record(&world, &["action", &of, "action_type=commit", "target=commit:abcdef0123", "branch=\"]; x"]);
    for (command, what) in [("blast-radius", "credential:NPM_TOKEN"), ("trace", "commit:abcdef0123"), ("trace", &bad)] {
        for format in ["html", "mermaid", "dot"] {
            let text = done(&world, &[command, what, "--format", format]);
            let begins = match format {
                "html" => "<!DOCTYPE html>",
                "mermaid" => "---\ntitle: ",
                _ => "digraph attest {",
            };
            assert!(text.starts_with(begins), "{text}");
            if format != "dot" {
                assert!(!text.contains("<script") && !text.contains("<img"), "{command} {format}: {text}");
            }
            let word = if what == bad { bad.as_str() } else { "owned" };
            assert!(text.contains(word), "{command} {format}: {text}");
        }
    }
    let page = done(&world, &["blast-radius", "credential:NPM_TOKEN", "--format", "html"]);
    assert!(page.contains("default-src 'none'") && page.contains("&lt;script&gt;"), "{page}");
    world.write("page.html", &page);
    in_a_browser(&world.root().join("page.html"), &world);
}

/// Opens a page in a browser, where one is here: nothing of it runs.
fn in_a_browser(page: &Path, world: &World) {
    let path = std::env::var_os("PATH").unwrap();
    let named =
        |folder: std::path::PathBuf| ["chromium", "chromium-browser", "google-chrome"].map(|name| folder.join(name));
    let Some(browser) = std::env::split_paths(&path).flat_map(named).find(|program| program.exists()) else { return };
    let out = std::process::Command::new(browser)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=2000", "--dump-dom"])
        .arg(format!("file://{}", page.display()))
        .env("HOME", world.home())
        .output()
        .unwrap();
    let dom = String::from_utf8_lossy(&out.stdout);
    assert!(dom.contains("<title>credential NPM_TOKEN: "), "the title is the one that was written: {dom}");
    assert!(!dom.contains("<script") && !dom.contains("<img") && dom.contains("<svg"), "{dom}");
}
