//! What agents leave behind is referenced by digest, and what is hostile about it is reported and not read.

use crate::explain::{context, row, with};
use crate::repo::Repo;
use attest::capture::{Checkout as _, Context, Environment, Local, Request};
use attest::model::{Digest, ResourceDescriptor};
use serde_json::json;
use std::os::unix::fs::{chown, symlink};
use std::path::PathBuf;

const SESSION: &str = "0199a213-81a0-7d60-8f62-1b3f0f0f0f0f";

fn found<'a>(context: &'a Context, name: &str) -> Vec<&'a ResourceDescriptor> {
    let all = context.byproducts.iter().find(|(n, _)| *n == name).unwrap();
    all.1.value().into_iter().flatten().collect()
}

fn reason(context: &Context, name: &str) -> String {
    let rows = context.explain();
    let row = row(&rows, &format!("byproducts.{name}"));
    assert_eq!(row.value, None, "{name}");
    row.reason.clone().unwrap()
}

/// An environment in which Claude Code works, and the path of its session file.
fn claude(repo: &Repo) -> (Environment, PathBuf) {
    let home = repo.home().to_str().unwrap();
    let env = with(repo.env(), &[("CLAUDECODE", "1"), ("CLAUDE_CODE_SESSION_ID", SESSION), ("HOME", home)]);
    let slug: String =
        repo.root.to_str().unwrap().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let folder = repo.home().join(".claude/projects").join(slug);
    std::fs::create_dir_all(&folder).unwrap();
    (env, folder.join(format!("{SESSION}.jsonl")))
}

#[test]
fn a_session_file_is_referenced_by_digest_and_not_by_where_it_lies() {
    let repo = Repo::new();
    let (mut env, file) = claude(&repo);
    let name = "claude-code-session";
    assert!(reason(&context(&env, &Request::default()), name).contains("no session file"));
    std::fs::write(&file, "{\"type\":\"user\",\"message\":\"private words\"}\n").unwrap();
    let bytes = std::fs::read(&file).unwrap();
    for dir in [repo.root.clone(), repo.root.join("dir")] {
        env.working_dir = dir;
        let context = context(&env, &Request::default());
        let [trail] = found(&context, name)[..] else { panic!("{context:?}") };
        let expected = json!({
            "name": name, "uri": format!("claude-code:{SESSION}"), "digest": { "sha256": Digest::sha256(&bytes).hex() },
            "annotations": { "size": bytes.len() }, "mediaType": "application/jsonl",
        });
        assert_eq!(trail.to_json(), expected);
        let written = serde_json::Value::Object(context.provenance().to_json());
        assert_eq!(written["runDetails"]["byproducts"], json!([expected]));
        let text = written.to_string();
        for hidden in ["private words", ".claude/projects", repo.home().to_str().unwrap()] {
            assert!(!text.contains(hidden), "{hidden}: {text}");
        }
        assert_eq!(context.agent.session.value().map(String::as_str), Some(SESSION));
    }
    // A build step may be the agent's own work: then it is looked for again.
    let mut context = context(&env, &Request::default());
    std::fs::write(&file, "longer than before").unwrap();
    context.look_for_trails(&env, &Local::default());
    assert_eq!(
        found(&context, name)[0].digest().unwrap().get("sha256"),
        Some(Digest::sha256(b"longer than before").hex())
    );
}

#[test]
fn a_session_leads_nowhere_else() {
    let repo = Repo::new();
    let (env, file) = claude(&repo);
    let name = "claude-code-session";
    std::fs::write(repo.outside().join("secret.jsonl"), "secret").unwrap();
    std::fs::write(&file, "good").unwrap();
    assert_eq!(found(&context(&env, &Request::default()), name).len(), 1, "the twin");
    for session in ["../../../../secret", "..", "a/../../../../../secret", "/etc/passwd", "x\u{1}y-0000000"] {
        let env = with(env.clone(), &[("CLAUDE_CODE_SESSION_ID", session)]);
        let context = context(&env, &Request::default());
        assert!(reason(&context, name).contains("has no form"), "{session}");
    }
    for (config, expected) in
        [("/etc", "not below HOME"), ("HOME/../x", "not below HOME"), ("HOME/other", "no session file")]
    {
        let config = config.replace("HOME", repo.home().to_str().unwrap());
        let env = with(env.clone(), &[("CLAUDE_CONFIG_DIR", &config)]);
        assert!(reason(&context(&env, &Request::default()), name).contains(expected), "{config}");
    }
    // A link in place of the file, or of a folder on the way.
    std::fs::remove_file(&file).unwrap();
    symlink(repo.outside().join("secret.jsonl"), &file).unwrap();
    assert!(reason(&context(&env, &Request::default()), name).contains("is a link"));
    std::fs::remove_file(&file).unwrap();
    std::fs::create_dir(&file).unwrap();
    assert!(reason(&context(&env, &Request::default()), name).contains("no regular file"));
    std::fs::remove_dir(&file).unwrap();
    let folder = file.parent().unwrap();
    let elsewhere = repo.outside().join("elsewhere");
    std::fs::rename(folder, &elsewhere).unwrap();
    std::fs::write(elsewhere.join(file.file_name().unwrap()), "x").unwrap();
    symlink(&elsewhere, folder).unwrap();
    assert!(reason(&context(&env, &Request::default()), name).contains("was not followed"));
    std::fs::remove_file(folder).unwrap();
    std::fs::rename(&elsewhere, folder).unwrap();
    // Another user's.
    if chown(&file, Some(12345), None).is_err() {
        println!("skipped: only root can give a file to another user");
        return;
    }
    assert!(reason(&context(&env, &Request::default()), name).contains("another user"));
}

/// Whatever happens to a file while it is read: what is appended is said, what is lost is no digest.
#[test]
fn a_file_that_changes_while_it_is_read_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("f");
    type Change = fn(&std::path::Path);
    let read = |change: Change| {
        std::fs::write(&path, vec![b'x'; 200_000]).unwrap();
        let mut first = true;
        let mut each = |_: &[u8]| {
            if std::mem::take(&mut first) {
                change(&path);
            }
        };
        Local::default().private_file(folder.path(), std::path::Path::new("f"), 1 << 20, &mut each)
    };
    let append = |path: &std::path::Path| {
        use std::io::Write as _;
        std::fs::OpenOptions::new().append(true).open(path).unwrap().write_all(b"more").unwrap();
    };
    let grown = read(append).unwrap().unwrap();
    assert_eq!((grown.digest, grown.size, grown.growing), (Digest::sha256(&[b'x'; 200_000]), 200_000, true));
    assert!(!read(|_| {}).unwrap().unwrap().growing);
    let cut = read(|path| std::fs::File::options().write(true).open(path).unwrap().set_len(70_000).unwrap());
    assert!(cut.unwrap_err().contains("shrank"));
    let small = Local::default().private_file(folder.path(), std::path::Path::new("f"), 10, &mut |_| {});
    assert!(small.unwrap_err().contains("more than 10 bytes"));
}

#[test]
fn a_note_of_git_ai_is_found_at_every_depth() {
    let repo = Repo::new();
    let note = "a.txt\n  h_00000000000000 1\n---\n{\"schema_version\":\"authorship/3.0.0\",\"base_commit_sha\":\"x\",\"prompts\":{}}";
    assert!(reason(&context(&repo.env(), &Request::default()), "git-ai-note").contains("no note"));
    repo.git(&["notes", "--ref", "ai", "add", "-m", note, "HEAD"]);
    let commit = repo.git(&["rev-parse", "HEAD"]);
    let bytes = repo.git(&["notes", "--ref", "ai", "show", "HEAD"]) + "\n";
    let expected = |context: &Context| {
        let [trail] = found(context, "git-ai-note")[..] else { panic!("{context:?}") };
        assert_eq!(trail.digest().unwrap().get("sha256"), Some(Digest::sha256(bytes.as_bytes()).hex()));
        let uri = format!("git+https://github.com/acme/app@refs/notes/ai#{commit}");
        assert_eq!(
            (trail.uri(), &trail.annotations()["schemaVersion"]),
            (Some(uri.as_str()), &json!("authorship/3.0.0"))
        );
    };
    expected(&context(&repo.env(), &Request::default()));
    // As git spreads many notes.
    let blob = repo.git(&["rev-parse", &format!("refs/notes/ai:{commit}")]);
    let (a, b, rest) = (&commit[..2], &commit[2..4], &commit[4..]);
    let index = repo.outside().join("index");
    let script = format!(
        "GIT_INDEX_FILE={0} git update-index --add --cacheinfo 100644,{blob},{a}/{b}/{rest} && git update-ref refs/notes/ai $(git commit-tree -m x $(GIT_INDEX_FILE={0} git write-tree))",
        index.display()
    );
    repo.git(&["-c", &format!("alias.spread=!{script}"), "spread"]);
    expected(&context(&repo.env(), &Request::default()));
}

#[test]
fn a_checkpoint_of_entire_is_found_by_its_trailer() {
    let repo = Repo::new();
    let id = "a1b2c3d4e5f6";
    let main = repo.git(&["rev-parse", "HEAD"]);
    repo.git(&["checkout", "-q", "--orphan", "entire/checkpoints/v1"]);
    repo.write("a1/b2c3d4e5f6/metadata.json", "{\"checkpoint_id\":\"a1b2c3d4e5f6\",\"strategy\":\"manual-commit\"}");
    repo.write("a1/b2c3d4e5f6/0/full.jsonl", "{}\n");
    repo.write("a1/b2c3d4e5f6/1/full.jsonl", "{}\n{}\n");
    repo.commit();
    repo.git(&["checkout", "-q", "-f", "main"]);
    repo.git(&["reset", "-q", "--hard", &main]);
    let say = |text: &str| {
        repo.git(&["commit", "-q", "--allow-empty", "-m", text]);
        context(&repo.env(), &Request::default())
    };
    let name = "entire-checkpoint";
    let context = say(&format!("T\n\n* part\n\nentire-checkpoint: {id}\n\n* other part\n"));
    let all = found(&context, name);
    let names: Vec<_> = all.iter().map(|d| d.name().unwrap()).collect();
    assert_eq!(names, ["entire-checkpoint", "entire-transcript", "entire-transcript"]);
    assert_eq!(all[2].digest().unwrap().get("sha256"), Some(Digest::sha256(b"{}\n{}\n").hex()));
    let place = "git+https://github.com/acme/app@refs/heads/entire/checkpoints/v1#a1/b2c3d4e5f6/metadata.json";
    assert_eq!((all[0].uri(), &all[0].annotations()["strategy"]), (Some(place), &json!("manual-commit")));
    for (message, expected) in [
        ("T", "no trailer Entire-Checkpoint"),
        ("T\n\nEntire-Checkpoint: ../../../x\n", "not 12 hexadecimal digits"),
        ("T\n\nEntire-Checkpoint: 000000000000\n", "has no checkpoint"),
        ("T\n\nEntire-Checkpoint: a1b2c3d4e5f6\nEntire-Checkpoint: 000000000000\n", "differ"),
    ] {
        assert!(reason(&say(message), name).contains(expected), "{message}");
    }
}

#[test]
fn a_file_of_agent_traces_is_counted_and_a_link_is_not_read() {
    let repo = Repo::new();
    let commit = repo.git(&["rev-parse", "HEAD"]);
    let record = |revision: &str| json!({ "version": "0.1.0", "id": "i", "timestamp": "t", "files": [], "vcs": { "type": "git", "revision": revision } });
    let text = format!("{}\n{}\n", record(&commit), record("0"));
    repo.write(".agent-trace/traces.jsonl", &text);
    let context = context(&repo.env(), &Request::default());
    let [trail] = found(&context, "agent-trace")[..] else { panic!("{context:?}") };
    assert_eq!(trail.digest().unwrap().get("sha256"), Some(Digest::sha256(text.as_bytes()).hex()));
    let expected = json!({ "size": text.len(), "records": 2, "recordsOfCommit": 1, "versions": ["0.1.0"] });
    assert_eq!(serde_json::Value::Object(trail.annotations().clone()), expected);
    std::fs::remove_file(repo.root.join(".agent-trace/traces.jsonl")).unwrap();
    symlink("/etc/passwd", repo.root.join(".agent-trace/traces.jsonl")).unwrap();
    assert!(reason(&crate::explain::context(&repo.env(), &Request::default()), "agent-trace").contains("is a link"));
}
