//! Who built: flags, variables, the project file, the commit's trailers, and the agents' own variables.

use crate::explain::{context, golden, row, with};
use crate::repo::Repo;
use attest::capture::{Environment, Local, Request, capture};
use serde_json::json;

fn said(repo: &Repo, message: &str) -> Environment {
    repo.git(&["commit", "-q", "--allow-empty", "-m", message]);
    repo.env()
}

const SQUASHED: &str = "Merge it (#7)\n\n* first\n\nSquad: platform\nAgent: builder\nModel: acme/m1\nExecution: e-7\nTrigger: scheduled\nClaude-Session: https://claude.ai/code/session_1\n\n* second\n\nCo-authored-by: B <b@b.example>\n";

#[test]
fn every_place_wins_over_those_behind_it_and_is_named() {
    let repo = Repo::new();
    let mut env = said(&repo, SQUASHED);
    let id = |env: &Environment, request: &Request| {
        let rows = context(env, request).explain();
        let row = row(&rows, "agent.id");
        (row.value.clone().unwrap(), row.source.clone().unwrap(), row.disagreement.clone().unwrap_or_default())
    };
    let none = Request::default();
    assert_eq!(
        id(&env, &none),
        (json!("platform/builder"), "the commit's trailers Squad and Agent".into(), String::new())
    );
    env = with(env, &[("CODEX_THREAD_ID", "t-1")]);
    let (value, _, differs) = id(&env, &none);
    assert_eq!(value, json!("platform/builder"));
    assert!(differs.contains("CODEX_THREAD_ID says codex"), "{differs}");
    repo.write(".attest.yaml", "agent: team/from-file\n");
    let (value, source, differs) = id(&env, &none);
    assert_eq!((value, source.as_str()), (json!("team/from-file"), "agent of .attest.yaml"));
    assert!(differs.contains("platform/builder") && differs.contains("codex"), "{differs}");
    env = with(env, &[("ATTEST_AGENT", "team/variable")]);
    assert_eq!(id(&env, &none).0, json!("team/variable"));
    let (value, source, differs) = id(&env, &Request { agent: Some("team/flag".into()), ..none });
    assert_eq!((value, source.as_str()), (json!("team/flag"), "--agent"));
    assert!(differs.contains("team/from-file") && differs.contains("platform/builder"), "{differs}");
}

#[test]
fn trailers_fill_what_nothing_else_says() {
    let repo = Repo::new();
    let env = said(&repo, SQUASHED);
    let provenance = context(&env, &Request::default()).provenance();
    let expected = json!({
        "id": "platform/builder", "model": { "provider": "acme", "id": "m1" },
        "session": "https://claude.ai/code/session_1", "execution": "e-7",
    });
    assert_eq!(provenance.external["agent"], expected);
    assert_eq!(provenance.external["trigger"], json!("scheduled"));
    // The run's own trigger goes before that of the commit.
    let run = with(env, crate::platforms::PLATFORMS[0].variables);
    assert_eq!(context(&run, &Request::default()).provenance().external["trigger"], json!("event"));
}

#[test]
fn trailers_that_differ_are_shown_and_none_is_chosen() {
    let repo = Repo::new();
    let env = said(&repo, "T\n\nAgent: a/b\n\nAgent: c/d\nTrigger: smart\n");
    let rows = context(&env, &Request::default()).explain();
    let reason = row(&rows, "agent.id").reason.clone().unwrap();
    assert!(reason.contains("a/b, c/d"), "{reason}");
    assert!(row(&rows, "externalParameters.trigger").reason.as_ref().unwrap().contains("only a flag"));
}

#[test]
fn in_an_agents_environment() {
    let repo = Repo::new();
    let agent = [("CODEX_THREAD_ID", "0199a213-81a0-7d60-8f62-1b3f0f0f0f0f"), ("CODEX_SANDBOX", "seatbelt")];
    golden("agent.json", &context(&with(repo.env(), &agent), &Request::default()));
    let two = with(with(repo.env(), &agent), &[("CLAUDECODE", "1")]);
    let rows = context(&two, &Request::default()).explain();
    let reason = row(&rows, "agent.id").reason.clone().unwrap();
    assert!(reason.contains("several coding agents") && reason.contains("CLAUDECODE"), "{reason}");
}

#[test]
fn the_project_file_gives_defaults_and_nothing_else() {
    let repo = Repo::new();
    repo.write("data.bin", "data");
    repo.write(".attest.yaml", "agent: team/a\ntaskPrefix: https://tasks.example/\nmaterials:\n  - data=data.bin\n");
    let request = Request { task: Some("t-9".into()), ..Request::default() };
    let provenance = context(&repo.env(), &request).provenance();
    assert_eq!(provenance.external["task"], json!({ "id": "t-9", "uri": "https://tasks.example/t-9" }));
    assert!(provenance.dependencies.iter().any(|d| d.name() == Some("data")));
    // Relative to the top, wherever it is called.
    let mut below = repo.env();
    below.working_dir = repo.root.join("dir");
    assert!(context(&below, &request).provenance().dependencies.iter().any(|d| d.name() == Some("data")));
    let given = Request { task_uri: Some("https://other.example/1".into()), ..request };
    assert_eq!(context(&repo.env(), &given).provenance().external["task"]["uri"], json!("https://other.example/1"));
    for (text, code) in [
        ("key: prod.pub\n", "input-malformed"),
        ("trust: {}\n", "input-malformed"),
        ("agent: [a]\n", "input-malformed"),
        ("agent: &a b\n", "input-malformed"),
        ("- a\n", "input-malformed"),
        ("materials: [/etc/passwd]\n", "input-malformed"),
        ("materials: [\"x=nar:dir/../../..\"]\n", "input-malformed"),
        // What looks like an address is a path behind `nar:`.
        ("materials: [\"x=nar:a://../../outside\"]\n", "input-malformed"),
        ("materials: [\"nar:https://../../..\"]\n", "input-malformed"),
        ("materials: [\"x=nar:/etc://x\"]\n", "input-malformed"),
        ("materials: [missing.bin]\n", "no-file-matches"),
    ] {
        repo.write(".attest.yaml", text);
        let e = capture(&Request::default(), &repo.env(), &Local::default()).unwrap_err();
        assert_eq!(e.code().as_str(), code, "{text}: {e}");
    }
}

/// What git itself finds in the same commit: the trailers at the end of a message, unfolded, in UTF-8.
fn of_git(repo: &Repo) -> String {
    let format = "--format=%(trailers:key=Agent,valueonly,unfold,separator=%x2C)";
    repo.git(&["log", "-1", "--encoding=UTF-8", format]).trim().to_owned()
}

#[test]
fn trailers_are_read_as_git_reads_them() {
    let repo = Repo::new();
    for (message, expected) in [
        ("T\n\nAgent: a/b\n", "a/b"),
        ("T\n\nAgent : a/b\nSquad: s\n", "a/b"),
        ("T\n\nAgent\t:a/b\n", "a/b"),
        ("T\n\nagent: a/b\n", "a/b"),
        ("T\n\nAgent: a/b\n  and more\nSquad: s\n", "a/b and more"),
        ("T\n\nAgent: a/b\n\tSquad: s\n", "a/b Squad: s"),
        ("T\n\nAgent: a/b\n one\n  two\n", "a/b one two"),
    ] {
        let env = said(&repo, message);
        assert_eq!(of_git(&repo), expected, "git itself: {message:?}");
        let rows = context(&env, &Request::default()).explain();
        let row = row(&rows, "agent.id");
        // What git reads is read, and signed where it is a name.
        match expected {
            "a/b" if message.contains("Squad") || !message.contains("\n ") => {
                assert_eq!(row.value, Some(json!(expected)), "{message:?}")
            }
            _ => {
                let reason = row.reason.clone().unwrap();
                assert!(row.value.is_none() && reason.contains(&format!("`{expected}`")), "{message:?}: {reason}");
            }
        }
    }
}

/// What `git check` calls malformed is never signed.
#[test]
fn a_value_without_the_form_of_one_is_absent_and_the_reason_shows_it() {
    let repo = Repo::new();
    for (trailer, field, shown) in [
        ("Agent: we should drop it", "agent.id", "`we should drop it`"),
        ("Agent: ../../<script>", "agent.id", "`../../<script>`"),
        ("Agent: /", "agent.id", "`/`"),
        ("Agent: so\u{202e}lver", "agent.id", "`so\\u{202e}lver`"),
        ("Agent: solver\nSquad: ../..", "agent.id", "Squad is not"),
        ("Agent: s/a\nModel: https://u:hunter2@x.example/m", "agent.model", "Model is not"),
        ("Agent: s/a\nModel: a//b", "agent.model", "Model is not"),
        ("Agent: s/a\nExecution: a b", "agent.execution", "Execution is not"),
        ("Agent: s/a\nTrigger: sometime", "externalParameters.trigger", "Trigger is not"),
    ] {
        let env = said(&repo, &format!("T\n\n{trailer}\n"));
        let rows = context(&env, &Request::default()).explain();
        let row = row(&rows, field);
        let reason = row.reason.clone().unwrap_or_default();
        assert!(row.value.is_none() && reason.contains(shown), "{trailer}: {:?} {reason}", row.value);
    }
    let env = said(&repo, "T\n\nAgent: s/a\nModel: acme/m1\nExecution: e-1\nTrigger: scheduled\n");
    let rows = context(&env, &Request::default()).explain();
    assert!(["agent.id", "agent.model", "agent.execution"].iter().all(|field| row(&rows, field).value.is_some()));
}

/// A sign of an agent counts where git or a squash has it among trailers, and not in a sentence about it.
#[test]
fn a_sentence_about_an_agent_names_none() {
    let repo = Repo::new();
    let id = |message: &str| {
        let rows = context(&said(&repo, &format!("T\n\n{message}\n")), &Request::default()).explain();
        row(&rows, "agent.id").value.clone()
    };
    let claude = "Co-authored-by: Claude <noreply@anthropic.com>";
    for message in [
        format!("We no longer accept\n{claude}\nlines in commits by people."),
        "The badge said\nMade-with: Cursor\nwhich was wrong.".into(),
        "Thanks!\nAssisted-by: bob:thanks\nfor lunch.".into(),
        "Remove the line\n\"Generated with [Claude Code](x)\" from the template.".into(),
        format!("This reverts:\n> {claude}"),
        format!("{claude} is what it wrote"),
    ] {
        assert_eq!(id(&message), None, "{message}");
    }
    for message in [
        format!("* one\n\n{claude}\n\n* two"),
        format!("Text.\n\n🤖 Generated with [Claude Code](https://x.example)\n\n{claude}"),
        "Text.\n\n🤖 Generated with [Claude Code](https://x.example)\n\nMore.".into(),
        format!("Text\n{claude}\nSigned-off-by: A <a@a.example>"),
    ] {
        assert_eq!(id(&message), Some(json!("claude-code")), "{message}");
    }
}

/// An agent that somebody gave has the form that every reader takes.
#[test]
fn an_agent_that_is_given_has_the_form_of_one() {
    let repo = Repo::new();
    for bad in ["platform builder", "a/", "<a>", "-a"] {
        let request = Request { agent: Some(bad.into()), ..Request::default() };
        let e = capture(&request, &repo.env(), &Local::default()).unwrap_err();
        assert!(e.to_string().contains("a name of letters, digits") && e.to_string().contains("--agent"), "{bad}: {e}");
    }
    let request = Request { agent: Some("platform/builder".into()), ..Request::default() };
    assert!(capture(&request, &repo.env(), &Local::default()).is_ok());
}

#[test]
fn a_commit_in_another_encoding_is_read_as_git_reads_it_or_not_at_all() {
    let repo = Repo::new();
    let commit = |encoding: &str, message: &[u8]| {
        repo.write(".git/message", message);
        let setting = format!("i18n.commitEncoding={encoding}");
        repo.git(&["-c", &setting, "commit", "-q", "--allow-empty", "-F", ".git/message"]);
        let rows = context(&repo.env(), &Request::default()).explain();
        let row = row(&rows, "agent.id");
        (row.value.clone(), row.reason.clone().unwrap_or_default())
    };
    for (encoding, message) in [
        ("ISO-8859-1", &b"T\n\nAgent: caf\xE9/b\n"[..]),
        ("ISO-8859-15", b"T\n\nAgent: \xA4/b\n"),
        ("SHIFT-JIS", b"T\n\nAgent: \x93\xFA/b\n"),
        ("UTF-8", "T\n\nAgent: \u{65e5}/b\n".as_bytes()),
    ] {
        let (found, reason) = commit(encoding, message);
        // No name has such letters, so the reason shows which they are.
        assert!(found.is_none() && reason.contains(&format!("`{}`", of_git(&repo))), "{encoding}: {reason}");
        assert!(!of_git(&repo).contains('\u{FFFD}'), "{encoding}");
    }
    // Which letters these are nobody can say here; git shows the bytes as they are.
    let (found, reason) = commit("x-unknown", b"T\n\nAgent: caf/b\n");
    assert_eq!(found, None);
    assert!(reason.contains("x-unknown, which is not known"), "{reason}");
    // A letter that was lost is no part of a name.
    let object = repo.git(&["cat-file", "commit", "HEAD"]);
    let head = object.split("\nencoding ").next().unwrap();
    repo.write(".git/object", [head.as_bytes(), b"\n\nT\n\nAgent: caf\xE9/b\n"].concat());
    let id = repo.git(&["hash-object", "-t", "commit", "-w", ".git/object"]);
    repo.git(&["reset", "-q", "--soft", &id]);
    let rows = context(&repo.env(), &Request::default()).explain();
    let (found, reason) = (row(&rows, "agent.id").value.clone(), row(&rows, "agent.id").reason.clone().unwrap());
    assert_eq!(found, None);
    assert!(reason.contains("no UTF-8"), "{reason}");
}
