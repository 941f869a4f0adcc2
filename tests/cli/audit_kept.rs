//! What programs keep in a repository beside its history, in the audit log.

use crate::audit::{LOG, ends, holds, started};
use crate::audit_sources::{import, nothing_is_planted, of_id};
use crate::audit_trace::Repository;
use crate::world::World;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

/// Puts files on a reference of their own, as programs do that keep theirs beside the history.
fn keep(world: &World, repository: &Repository<'_>, reference: &str, files: &[(&str, String)]) {
    let who = ("Alice", "alice@example.com");
    let index = world.root().join("index-of-its-own");
    let _ = std::fs::remove_file(&index);
    for (path, content) in files {
        world.write("app/.git/kept", content);
        let blob = repository.git(who, &["hash-object", "-w", ".git/kept"]);
        let out = std::process::Command::new("git")
            .args(["update-index", "--add", "--cacheinfo", &format!("100644,{blob},{path}")])
            .current_dir(world.root().join("app"))
            .env("GIT_INDEX_FILE", &index)
            .output()
            .unwrap();
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    }
    let out = std::process::Command::new("git")
        .arg("write-tree")
        .current_dir(world.root().join("app"))
        .env("GIT_INDEX_FILE", &index)
        .output()
        .unwrap();
    let tree = String::from_utf8(out.stdout).unwrap().trim().to_owned();
    let commit = repository.git(who, &["commit-tree", &tree, "-m", "kept"]);
    repository.git(who, &["update-ref", reference, &commit]);
}

#[test]
fn notes_of_git_ai_say_which_lines_an_agent_wrote_and_those_on_commits_that_are_gone_are_counted() {
    let world = started();
    let repository = Repository::new(&world);
    let commit = repository.commit(("Alice", "alice@example.com"), "a", "One");
    assert!(ends(&world, 3, &["import", "git-ai", "app"]).contains("it has none of refs/notes/ai"));
    let agent = json!({ "agent_id": { "tool": "claude", "id": "conv-1", "model": "claude-opus-4-6" },
        "human_author": "Alice <alice@example.com>", "messages": [{ "text": "the secret plan" }], "messages_url": "http://x/home/alice" });
    let note = |agents: &Value| {
        let about = json!({ "schema_version": "authorship/3.0.0", "base_commit_sha": commit, "prompts": { "4a60f5ac951ddc7b": agents },
            "sessions": { "s_8b4f4308942dc1": agents }, "humans": { "h_1": { "name": "alice@example.com" } } });
        format!(
            "src/a.rs\n  4a60f5ac951ddc7b 1-4,9\n  h_1 5\n\"/home/alice/my file\"\n  s_8b4f4308942dc1::t_1 7\n  s_8b4f4308942dc1::t_2 9-12\n---\n{about:#}"
        )
    };
    let gone = "f".repeat(40);
    let other = repository.commit(("Alice", "alice@example.com"), "a", "Two");
    let files = [
        (format!("{}/{}", &commit[..2], &commit[2..]), note(&agent)),
        (gone.clone(), note(&agent)),
        (other, "no note".to_owned()),
    ];
    let files: Vec<(&str, String)> = files.iter().map(|(path, text)| (path.as_str(), text.clone())).collect();
    keep(&world, &repository, "refs/notes/ai", &files);
    let counts = import(&world, &["git-ai", "app"]);
    assert_eq!(counts, [3, 3, 0, 1, 1, 1], "two files and a loss; one on a commit that is gone");
    assert_eq!(import(&world, &["git-ai", "app"])[1..3], [0, 3]);
    nothing_is_planted(&world, "claude-opus-4-6");
    assert!(!holds(&world.root().join(LOG), &gone));
    let first = of_id(&world, &format!("git-ai:{commit}/1/4a60f5ac951ddc7b"));
    assert_eq!((&first["target"], &first["head_commit"]), (&json!("src/a.rs"), &json!(commit)));
    assert_eq!(
        (&first["session_id"], &first["metadata"]),
        (&json!("conv-1"), &json!({ "tool": "claude", "lines": "1-4,9" }))
    );
    assert_eq!(first["repository"], "https://github.com/acme/app");
    let second = of_id(&world, &format!("git-ai:{commit}/2/s_8b4f4308942dc1"));
    assert_eq!((&second["target"], &second["metadata"]["lines"]), (&Value::Null, &json!("7,9-12")));
    let said = ends(&world, 1, &["who-approved", &format!("commit:{commit}")]);
    assert!(!said.contains("claude"), "a note makes no commit: {said}");
}

#[test]
fn a_session_that_is_stored_again_at_each_checkpoint_is_recorded_once() {
    let world = started();
    let repository = Repository::new(&world);
    repository.commit(("Alice", "alice@example.com"), "a", "One");
    let line = |kind: &str, content: Value| {
        json!({ "type": kind, "uuid": "u", "sessionId": "s-1", "cwd": "/home/alice/app", "timestamp": "2026-02-03T06:34:50Z",
            "message": { "content": content } }).to_string() + "\n"
    };
    let call = |id: &str| {
        line(
            "assistant",
            json!([{ "type": "text", "text": "the secret plan" }, { "type": "tool_use", "id": id, "name": "Edit",
            "input": { "file_path": "/home/alice/app/src/a.rs", "new_string": "fn planted" } }]),
        ) + &line("user", json!([{ "type": "tool_result", "tool_use_id": id, "content": "planted output" }]))
    };
    let about = |checkpoint: &str| {
        json!({ "checkpoint_id": checkpoint, "session_id": "s-1", "created_at": "2026-02-03T06:34:50.246415Z" })
            .to_string()
    };
    let files = [
        ("00/c9e2351016/metadata.json", "{}".to_owned()),
        ("00/c9e2351016/0/metadata.json", about("00c9e2351016")),
        ("00/c9e2351016/0/full.jsonl", call("t1")),
        ("00/c9e2351016/0/prompt.txt", "alice@example.com".to_owned()),
        ("ff/c9e2351016/0/metadata.json", about("ffc9e2351016")),
        ("ff/c9e2351016/0/full.jsonl", call("t1") + &call("t2")),
        ("ff/c9e2351016/1/full.jsonl", "{\"messages\":[\"the secret plan\"]}\n".to_owned()),
    ];
    keep(&world, &repository, "refs/heads/entire/checkpoints/v1", &files);
    // Two tags, one start, two calls, an end of each checkpoint; of the second, start and first call are known.
    assert_eq!(import(&world, &["entire", "app"]), [9, 7, 2, 4, 0, 0]);
    assert_eq!(import(&world, &["entire", "app"])[1..3], [0, 9], "again it adds nothing");
    nothing_is_planted(&world, "entire-checkpoint");
    world.write("own.jsonl", call("t1") + &call("t2"));
    assert_eq!(import(&world, &["claude-code", "own.jsonl"])[1..3], [1, 3], "the agent's own file has the same calls");
}

#[test]
fn an_approval_of_gittuf_is_of_the_commit_with_its_tree_and_its_first_parent() {
    let world = started();
    let repository = Repository::new(&world);
    let alice = ("Alice", "583231+alice@users.noreply.github.com");
    let base = repository.commit(alice, "a", "Base");
    let commit = repository.commit(alice, "a", "Change");
    let tree = repository.git(alice, &["rev-parse", "HEAD^{tree}"]);
    // The same tree upon another commit is another change.
    let other = repository.git(alice, &["commit-tree", &tree, "-p", &commit, "-m", "Other"]);
    repository.git(alice, &["update-ref", "refs/heads/other", &other]);
    import(&world, &["git", "app"]);
    let envelope = |kind: &str, subject: &str, predicate: Value| {
        let statement = json!({ "type": "https://in-toto.io/Statement/v1", "subject": [{ "digest": { "gitTree": subject } }],
            "predicate_type": format!("https://gittuf.dev/{kind}"), "predicate": predicate });
        json!({ "payloadType": "application/vnd.gittuf+json", "payload": STANDARD.encode(statement.to_string()),
            "signatures": [{ "keyid": "SHA256:KTrCAHHGUSCkNjanR0t4", "sig": "AAAA" }] })
        .to_string()
    };
    let change = |approvers: &[&str], dismissed: &[&str], target: &str| {
        json!({ "approvers": approvers, "dismissedApprovers": dismissed, "fromRevisionID": base, "targetRef": "refs/heads/main",
            "targetTreeID": target })
    };
    let approval = "github-pull-request-approval/v0.1";
    let files = [
        (
            "code-review-approvals/1",
            envelope(approval, &tree, change(&["bob+1024", "carol+2048"], &["carol+2048", "dan+4096"], &tree)),
        ),
        ("code-review-approvals/2", envelope(approval, &tree, change(&["eve+8192"], &[], &base))),
        ("code-review-approvals/3", envelope(approval, &base, change(&["eve+8192"], &[], &base))),
        ("reference-authorizations/1", envelope("reference-authorization/v0.2", &tree, change(&[], &[], &tree))),
        ("github-pull-requests/1", envelope("github-pull-request/v0.1", &tree, json!({ "title": "the secret plan" }))),
        ("code-review-approvals/4", "{\"payload\":\"!\"}".to_owned()),
    ];
    keep(&world, &repository, "refs/gittuf/attestations", &files);
    assert_eq!(import(&world, &["gittuf", "app"]), [6, 5, 0, 3, 1, 0]);
    assert_eq!(import(&world, &["gittuf", "app"])[1..3], [0, 5], "again it adds nothing");
    nothing_is_planted(&world, "import gittuf");
    assert!(!holds(&world.root().join(LOG), "github:1024"), "a person is in the log only so that they can be erased");
    let who = |commit: &str, code: i32| ends(&world, code, &["who-approved", &format!("commit:{commit}")]);
    let said = who(&commit, 0);
    let counts = said.split("not counted").next().unwrap();
    assert!(counts.contains("github:1024") && !counts.contains("github:2048"), "{said}");
    for not in ["github:2048", "github:4096", "dismissed", "key:SHA256:KTrC", "signature not verified"] {
        assert!(said.contains(not), "{not}: {said}");
    }
    assert!(!said.contains("github:8192"), "what subject and predicate say apart is of nothing: {said}");
    let said = who(&other, 1);
    assert!(!said.contains("github:1024"), "{said}");
}
