//! docs/provenance.md in step with the schema, with the platforms' tables, and with what the program makes and computes.

use crate::environments::PLATFORMS;
use crate::explain::{context, with};
use crate::platforms::detached;
use crate::providers;
use crate::repo::{Repo, env_in};
use attest::capture::step::StepOutcome;
use attest::capture::{Captured, Checkout as _, Local, Request, input::nar};
use attest::model::{Digest, DigestSet, PredicateUri, Statement, Subject, Timestamp};
use attest::predicate::{CharterSnapshot, Provenance, field, schema};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/provenance.md")
}

fn page() -> String {
    std::fs::read_to_string(path()).unwrap()
}

/// The first cell of every row of the tables that begin with `| field |`, and of those below a heading.
fn cells(page: &str, head: &str) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    let mut inside = false;
    for line in page.lines() {
        inside = (inside || line.starts_with(head)) && line.starts_with('|');
        if inside && !line.starts_with(head) && !line.starts_with("|---") {
            let row = line.split('|').map(|c| c.trim_matches([' ', '`']).to_owned());
            let row: Vec<_> = row.collect();
            rows.push(row[1..row.len() - 1].to_vec());
        }
    }
    rows
}

/// Every property below a schema, by its path; each has a description.
fn walk(path: &str, schema: &Value, out: &mut BTreeSet<String>) {
    for (name, property) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        if !path.starts_with("DigestSet.") {
            assert!(property["description"].as_str().is_some_and(|d| !d.is_empty()), "{path} is not described");
        }
        let items = &property["items"];
        if items.get("properties").is_some() {
            walk(&format!("{path}[]"), items, out);
        }
        walk(&path, property, out);
        out.insert(path);
    }
}

#[test]
fn every_field_of_the_schema_is_on_the_page_and_the_reverse() {
    let schema = schema::provenance();
    let mut ours = BTreeSet::new();
    for part in ["buildDefinition", "runDetails"] {
        walk("", &schema["properties"][part], &mut ours);
    }
    walk("ResourceDescriptor", &schema["$defs"]["resource"], &mut ours);
    walk("DigestSet", &schema["$defs"]["digest"], &mut ours);
    let rows = cells(&page(), "| field | type |");
    let theirs: BTreeSet<_> = rows.iter().map(|row| row[0].clone()).collect();
    assert_eq!(theirs.len(), rows.len(), "a field stands there twice");
    assert_eq!(ours, theirs);
    assert!(ours.len() > 80, "{}", ours.len());
    assert!(rows.iter().all(|row| row.len() == 5), "{:?}", rows.iter().find(|row| row.len() != 5));
}

#[test]
fn every_member_of_a_platform_is_on_the_page_with_its_variable_and_claim() {
    let repo = detached();
    let text = page();
    for p in PLATFORMS {
        let section = text.split(&format!("### `{}`\n", p.name)).nth(1).unwrap_or_else(|| panic!("no {}", p.name));
        let section = section.split("\n#").next().unwrap();
        let rows = cells(section, "| member |");
        let context = context(&with(repo.env(), p.variables), &Request::default());
        let members: Vec<_> = context.platform.details.iter().map(|(k, _)| (*k).to_owned()).collect();
        assert_eq!(rows.iter().map(|row| row[0].clone()).collect::<Vec<_>>(), members, "{}", p.name);
        let details = attest::issuer::ALL.iter().find(|i| i.name == p.name).filter(|i| i.tokens.is_some());
        let details = details.and_then(|i| i.system).map(|s| s.details);
        for row in &rows {
            let variable = p.variables.iter().any(|(name, _)| *name == row[1]);
            let claim = details.into_iter().flatten().find(|d| d.0 == row[0]);
            assert!(variable || row[1].is_empty(), "{}: no documented environment sets {}", p.name, row[1]);
            if let Some(claim) = claim {
                assert_eq!((claim.1, claim.2), (row[1].as_str(), row[2].as_str()), "{}: {}", p.name, row[0]);
            }
        }
    }
}

/// The tables of fields are those of the program's own: a field that it gains is on the page before it is anywhere else.
#[test]
fn the_tables_of_fields_are_made_from_the_programs_own() {
    let mut text = page();
    for (part, mark) in field::Part::ALL {
        let head = format!("<!-- {mark} -->\n");
        let (before, rest) = text.split_once(&head).unwrap_or_else(|| panic!("no {mark}"));
        let table: String = rest.split_inclusive('\n').take_while(|l| l.starts_with('|')).collect();
        let ours = field::page(part);
        if table != ours {
            let update = std::env::var_os("SNAPSHOTS").is_some_and(|v| v == "overwrite");
            assert!(update, "docs/provenance.md, {mark}: SNAPSHOTS=overwrite cargo test page::the_tables_of_fields");
            text = format!("{before}{head}{ours}{}", &rest[table.len()..]);
            std::fs::write(path(), &text).unwrap();
        }
    }
}

/// The block behind a mark.
fn block(page: &str, mark: &str) -> String {
    let rest = page.split(&format!("<!-- {mark} -->\n```")).nth(1).unwrap_or_else(|| panic!("no {mark}"));
    let (_, rest) = rest.split_once('\n').unwrap();
    rest.split("```").next().unwrap().to_owned()
}

/// Replaces it where goldens are rewritten; it must be `text` otherwise.
fn block_is(mark: &str, text: &str) {
    let page = page();
    let found = block(&page, mark);
    if std::env::var_os("UPDATE_GOLDEN").is_some() && found != text {
        let (before, rest) = page.split_once(&format!("<!-- {mark} -->\n")).unwrap();
        let (fence, rest) = rest.split_once('\n').unwrap();
        let (_, after) = rest.split_once("```").unwrap();
        std::fs::write(path(), format!("{before}<!-- {mark} -->\n{fence}\n{text}```{after}")).unwrap();
        return;
    }
    assert_eq!(found, text, "docs/provenance.md, {mark}: UPDATE_GOLDEN=1 cargo test --test capture page");
}

/// One test, so that no two write the page at once.
#[test]
fn what_the_page_shows_is_what_the_program_makes() {
    let repo = Repo::new();
    repo.write("a.txt", "changed\n");
    std::fs::remove_file(repo.root.join("dir/b.txt")).unwrap();
    let digest = repo.state().dirty.value().unwrap().digest.value().unwrap().clone();
    let rows =
        json!([["a.txt", "100644", Digest::sha256(b"changed\n").hex()], ["dir/b.txt", "000000", ""]]).to_string();
    assert_eq!(Digest::sha256(rows.as_bytes()), digest, "the list as the page writes it is what is digested");
    block_is("difference", &format!("{rows}\n{digest}\n"));

    let text = |s: &str| s.to_owned();
    let snapshot = CharterSnapshot {
        author_id: text("583231"),
        body: text("Ship it.\n"),
        host: text("github.com"),
        id: text("1902345678"),
        title: text("Release 1.0"),
    };
    let canonical = String::from_utf8(snapshot.canonical()).unwrap();
    assert_eq!(Digest::sha256(canonical.as_bytes()), snapshot.digest());
    block_is("charter", &format!("{canonical}\n{}\n", snapshot.digest()));

    let file = repo.outside().join("hello");
    std::fs::write(&file, "hello\n").unwrap();
    // The archive by the page's words alone.
    let string = |s: &[u8]| [&(s.len() as u64).to_le_bytes()[..], s, &[0; 8][..(8 - s.len() % 8) % 8]].concat();
    let words: [&[u8]; 8] = [b"nix-archive-1", b"(", b"type", b"regular", b"contents", b"hello\n", b")", b""];
    let archive: Vec<u8> = words[..7].iter().flat_map(|w| string(w)).collect();
    let digest = Digest::sha256(&archive);
    assert_eq!(nar::hash(&file).unwrap(), digest.hex());
    block_is("nar", &format!("{digest}\n"));

    example();
}

fn example() {
    let repo = Repo::empty(&[]);
    repo.write("Cargo.lock", "version = 4\n\n[[package]]\nname = \"serde\"\nversion = \"1.0.228\"\nsource = \"registry+https://github.com/rust-lang/crates.io-index\"\nchecksum = \"9a8e94ea7f378bd32cbbd37198a4a91436180c5bb472411e48b5ec2e2124ae9e\"\n");
    repo.write("Containerfile", format!("FROM registry.example/base:1@sha256:{}\n", "a".repeat(64)));
    repo.write("charter.md", "Ship it.\n");
    repo.write("model.bin", "weights\n");
    repo.commit();
    repo.git(&["remote", "add", "origin", "https://github.com/acme/app.git"]);
    repo.git(&["tag", "v1.0"]);
    repo.git(&["checkout", "-q", "--detach"]);
    let commit = repo.git(&["rev-parse", "HEAD"]);
    repo.write("model.bin", "other weights\n");
    let platform = PLATFORMS.iter().find(|p| p.name == "github-actions").unwrap();
    let mut env = with(env_in(&repo.root), platform.variables);
    env = with(env, &[("GITHUB_SHA", &commit), ("GITHUB_EVENT_NAME", "workflow_dispatch")]);
    let event = repo.outside().join("event.json");
    std::fs::write(&event, json!({ "inputs": { "channel": "stable", "deploy-token": "x" } }).to_string()).unwrap();
    env = with(env, &[("GITHUB_EVENT_PATH", event.to_str().unwrap())]);
    env.effective_user = Some(1000);
    env.capabilities = Some(0);
    let said = |s: &str| Some(s.to_owned());
    let request = Request {
        agent: said("platform/builder"),
        agent_version: said("2.1"),
        model: said("acme/m1"),
        session: said("s-17"),
        execution: said("e-4"),
        task: said("task-7"),
        task_uri: said("https://tasks.example/7"),
        charter: said("charter.md"),
        materials: vec!["model=nar:model.bin".into()],
        command: vec!["cargo".into(), "build".into(), "--release".into()],
        ..Request::default()
    };
    let mut context = context(&env, &request);
    let provider = &providers::providers()[0];
    let mut claims = provider.claims.clone();
    claims["sha"] = json!(commit);
    claims["event_name"] = json!("workflow_dispatch");
    context.signed_by(&providers::identity(provider.issuer, &claims));
    let time = |s: i64| Timestamp::from_unix(1_767_225_600 + s).unwrap();
    let outcome = StepOutcome {
        code: 0,
        signal: None,
        started: time(0),
        finished: time(95),
        stdout: Captured::absent("a terminal"),
        stderr: Captured::absent("a terminal"),
    };
    context.record_step(outcome.record(Vec::new(), Captured::absent("no files were asked for")).unwrap());
    let predicate = context.provenance().to_json();
    let subject = Subject::new("app", DigestSet::sha256(b"an application\n"));
    let statement = Statement::new(vec![subject], PredicateUri::slsa_provenance(), predicate).unwrap();
    let value: Value = serde_json::from_slice(&statement.to_bytes()).unwrap();
    block_is("example", &(serde_json::to_string_pretty(&value).unwrap() + "\n"));
    // A stranger's reading of the page: the schema takes it, the reader takes it, and nothing in it is unknown.
    let shown: Value = serde_json::from_str(&block(&page(), "example")).unwrap();
    let validator = jsonschema::options().should_validate_formats(true).build(&schema::provenance()).unwrap();
    let problems: Vec<_> = validator.iter_errors(&shown["predicate"]).map(|e| e.to_string()).collect();
    assert_eq!(problems, [""; 0]);
    Provenance::from_json(shown["predicate"].as_object().unwrap()).unwrap();
    assert!(Local::default().source(&env, &[]).dirty.value().is_some_and(|d| d.files == 1));
}
