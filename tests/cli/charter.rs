//! Charters that are issues, against a host on loopback that speaks the three APIs: what is recorded, what is noticed
//! later, and to whom a token is shown.
#![expect(clippy::disallowed_methods, reason = "a test: runs the built binary and reads documents")]

use crate::world::{PASSWORD, World};
use attest::charter::CharterError;
use attest::model::Digest;
use attest::predicate::CharterSnapshot;
use attest::testing::forge::TestIssue;
use attest::testing::{Misbehaviour, Speaks, TestForge};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use std::process::Output;

const TOKEN: &str = "token-of-the-host-71";

/// A world beside a host of one kind, which its variables name.
struct Scene {
    world: World,
    forge: TestForge,
    speaks: Speaks,
}

impl Scene {
    fn new(speaks: Speaks) -> Self {
        Self { world: World::new(), forge: TestForge::start(), speaks }
    }

    fn charter(&self) -> String {
        format!("{}{}", self.forge.url(), self.speaks.page(42))
    }

    fn run(&self, args: &[&str]) -> Output {
        let named = self.speaks.variables(&self.forge.url(), TOKEN);
        let mut all: Vec<(&str, &str)> = named.iter().map(|(k, v)| (*k, v.as_str())).collect();
        all.extend([("ATTEST_PASSWORD", PASSWORD), ("ATTEST_CHARTER_SNAPSHOT", "try")]);
        let out = self.world.attest_with(&all, args);
        let text = [out.stdout.as_slice(), &out.stderr].concat();
        assert!(!String::from_utf8_lossy(&text).contains(TOKEN), "the token is shown: {args:?}");
        out
    }

    #[track_caller]
    fn done(&self, args: &[&str]) -> String {
        let out = self.run(args);
        assert!(out.status.success(), "{args:?}: {}", error(&out));
        String::from_utf8(out.stdout).unwrap()
    }

    /// The charter in the statement that `generate` makes.
    #[track_caller]
    fn recorded(&self, more: &[&str]) -> Value {
        let charter = self.charter();
        let text = self.done(&[&["generate", "app", "--charter", &charter], more].concat());
        let statement: Value = serde_json::from_str(&text).unwrap();
        statement["predicate"]["buildDefinition"]["externalParameters"]["charter"].clone()
    }

    /// Attests `app`.
    fn create(&self) {
        let charter = self.charter();
        self.done(&["create", "app", "--key", "attest.key", "--charter", &charter, "--charter-snapshot", "required"]);
    }

    /// Exit, code and all of the decision.
    fn recheck(&self, more: &[&str]) -> (i32, String, String) {
        let common = ["verify", "app", "--key", "attest.pub", "--recheck-charter", "--format", "json"];
        let out = self.run(&[&common, more].concat());
        let text = String::from_utf8(out.stdout.clone()).unwrap();
        let json: Value = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}{}", error(&out)));
        let code = json["code"].as_str().unwrap_or_default().to_owned();
        (out.status.code().unwrap(), code, text)
    }
}

fn error(out: &Output) -> String {
    String::from_utf8_lossy(&out.stderr).into_owned()
}

fn answer(status: u16, headers: &[(&'static str, &str)], body: impl Into<Vec<u8>>) -> Misbehaviour {
    let headers = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    Misbehaviour::Answer(status, headers, body.into())
}

#[test]
fn what_is_recorded_is_the_digest_of_five_members_and_what_may_change_beside_it() {
    for speaks in Speaks::ALL {
        let scene = Scene::new(speaks);
        let host = scene.forge.host();
        // As docs/charter.md says it, by hand.
        let canonical = format!(
            "{{\"authorId\":\"583231\",\"body\":\"Ship it.\\r\\n\\r\\n\u{1f680} e\u{301}\",\"host\":\"{host}\",\"id\":\"2021\",\"title\":\"Release 1.0\"}}"
        );
        let found = scene.recorded(&[]);
        let digest = Digest::sha256(canonical.as_bytes()).hex().to_owned();
        assert_eq!(found["uri"], json!(scene.charter()), "{speaks:?}");
        assert_eq!(found["digest"], json!({ "sha256": digest }), "{speaks:?}");
        let notes = &found["annotations"];
        assert_eq!(notes["author"], json!(format!("{host}:583231")));
        assert_eq!((&notes["state"], &notes["labels"]), (&json!("open"), &json!(["approved"])));
        assert_eq!(notes["updatedAt"], json!("2026-01-02T03:04:05Z"));
        assert_eq!(notes["parts"]["title"]["sha256"], json!(Digest::sha256(b"Release 1.0").hex()));
        assert!(notes["capturedAt"].is_string() && !found.to_string().contains("Ship it"));
        // One question, with the token that the server's own variables bind to it.
        let asked = scene.forge.asked();
        assert_eq!((asked.len(), asked[0].tokens.len()), (1, 1), "{asked:?}");
        assert!(asked[0].tokens[0].ends_with(TOKEN));

        // No text and a comment: neither is a digest of its own.
        scene.forge.edit(|i| {
            (i.comments, i.open, i.labels) = (9, false, Vec::new());
            i.updated_at = "2026-02-02T00:00:00Z".into();
        });
        assert_eq!(scene.recorded(&[])["digest"], found["digest"], "{speaks:?}");
        scene.forge.edit(|i| i.body = None);
        let none = scene.recorded(&[])["digest"].clone();
        scene.forge.edit(|i| i.body = Some(String::new()));
        assert_eq!(scene.recorded(&[])["digest"], none, "{speaks:?}");
    }
}

/// What happens to an issue; the exit and code of `--recheck-charter`; what its words are.
struct Case {
    name: &'static str,
    edit: fn(&mut TestIssue),
    how: Option<Misbehaviour>,
    ends: (i32, &'static str),
    says: &'static str,
}

fn case(name: &'static str, edit: fn(&mut TestIssue), ends: (i32, &'static str), says: &'static str) -> Case {
    Case { name, edit, how: None, ends, says }
}

fn host(name: &'static str, how: Misbehaviour, ends: (i32, &'static str), says: &'static str) -> Case {
    Case { name, edit: |_| (), how: Some(how), ends, says }
}

fn cases(scene: &Scene) -> Vec<Case> {
    const ALLOW: (i32, &str) = (0, "");
    const CHANGED: (i32, &str) = (1, "charter-changed");
    const MALFORMED: (i32, &str) = (3, "charter-malformed");
    const LIMITED: (i32, &str) = (3, "charter-rate-limited");
    let elsewhere = |api: &str| format!("{}{api}", scene.forge.url());
    let moved = match scene.speaks {
        Speaks::GitHub => elsewhere("/api/v3/repositories/7/issues/42"),
        Speaks::GitLab => elsewhere("/api/v4/projects/moved/issues/42"),
        Speaks::Forgejo => elsewhere("/api/v1/repos/acme/moved/issues/42"),
    };
    let renamed = |i: &mut TestIssue| i.project = "acme/renamed".into();
    vec![
        case("nothing", |_| (), ALLOW, "says what it said"),
        case(
            "a comment",
            |i| (i.comments, i.updated_at) = (1, "2026-05-05T00:00:00Z".into()),
            ALLOW,
            "says what it said",
        ),
        case("a label", |i| i.labels.push("urgent".into()), ALLOW, "says what it said"),
        case("closed", |i| i.open = false, ALLOW, "it is closed now and was open when it was captured"),
        case("title", |i| i.title.push('!'), CHANGED, "changed since it was captured: its title\""),
        case("body", |i| i.body = Some("Ship it not.".into()), CHANGED, "its body"),
        case("line endings", |i| i.body = Some("Ship it.\n\n\u{1f680} e\u{301}".into()), CHANGED, "its body"),
        case("a composed letter", |i| i.body = Some("Ship it.\r\n\r\n\u{1f680} \u{e9}".into()), CHANGED, "its body"),
        case("no body", |i| i.body = None, CHANGED, "its body"),
        case("title and body", |i| (i.title, i.body) = ("x".into(), None), CHANGED, "its title, its body"),
        case("author", |i| i.author = 1, CHANGED, "its author"),
        case("another issue", |i| i.id = 9, CHANGED, "another one has its number"),
        host("deleted", Misbehaviour::Missing, (1, "charter-deleted"), "404"),
        host("gone", Misbehaviour::Gone, (1, "charter-deleted"), "410"),
        host("private", Misbehaviour::Hidden, (3, "charter-unauthorized"), "shows its project neither"),
        Case {
            edit: |i| (i.project, i.id) = ("acme/other".into(), 77),
            ..host("transferred", Misbehaviour::Sends(moved.clone()), (1, "charter-moved"), "acme/other")
        },
        Case { edit: renamed, ..host("renamed", Misbehaviour::Sends(moved.clone()), ALLOW, "acme/renamed") },
        case("renamed without a redirect", renamed, ALLOW, "acme/renamed"),
        Case {
            edit: |i| (i.project, i.title) = ("acme/renamed".into(), "x".into()),
            ..host("renamed and changed", Misbehaviour::Sends(moved), (1, "charter-moved"), "acme/renamed")
        },
        host(
            "in a circle",
            Misbehaviour::Sends(scene.forge.asked()[0].path.clone()),
            (1, "charter-moved"),
            "was moved",
        ),
        host(
            "too large",
            answer(200, &[], format!("{{\"body\":\"{}\"}}", "x".repeat(5 << 20))),
            (3, "limit-exceeded"),
            "4194304",
        ),
        host("too deep", answer(200, &[], "[".repeat(200)), (3, "limit-exceeded"), "over the limit"),
        host("garbage", answer(200, &[], "<html>login</html>"), MALFORMED, "not acceptable JSON"),
        host("half an answer", answer(200, &[], r#"{"id":1"#), MALFORMED, "not acceptable JSON"),
        host("twice", answer(200, &[], r#"{"title":"Release 1.0","title":"x"}"#), MALFORMED, "duplicate key `title`"),
        host("a list", answer(200, &[], "[]"), MALFORMED, "expected an object"),
        host("no id", answer(200, &[], r#"{"title":"Release 1.0"}"#), MALFORMED, "is missing"),
        host("half a letter", answer(200, &[], r#"{"title":"\ud83d"}"#), MALFORMED, "not acceptable JSON"),
        host("limited", answer(429, &[("retry-after", "17")], "Retry later\n"), LIMITED, "try again in 17 s"),
        host(
            "limited as GitHub says it",
            answer(
                403,
                &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "4102444800")],
                r#"{"message":"API rate limit exceeded"}"#,
            ),
            LIMITED,
            "try again after 2100-01-01T00:00:00Z",
        ),
        host("forbidden", answer(403, &[("x-ratelimit-remaining", "59")], "{}"), (3, "charter-unauthorized"), "403"),
        host("unauthorized", answer(401, &[], "{}"), (3, "charter-unauthorized"), "401"),
        host("a strange status", answer(204, &[], ""), (3, "charter-unavailable"), "204"),
        host("failing", Misbehaviour::Failing(1000), (3, "charter-unavailable"), "tried 3 times"),
        host("failing in passing", Misbehaviour::Failing(2), ALLOW, "says what it said"),
        host("an old token", Misbehaviour::UnknownToken, ALLOW, "says what it said"),
    ]
}

fn recheck(speaks: Speaks) {
    let scene = Scene::new(speaks);
    scene.create();
    let mut first = None;
    scene.forge.edit(|i| first = Some(i.clone()));
    for Case { name, edit, how, ends, says } in cases(&scene) {
        scene.forge.edit(|i| {
            *i = first.clone().unwrap();
            edit(i);
        });
        scene.forge.misbehave(how);
        let before = scene.forge.asked().len();
        let (exit, code, text) = scene.recheck(&[]);
        assert_eq!((exit, code.as_str()), ends, "{speaks:?}, {name}: {text}");
        assert!(text.contains(says), "{speaks:?}, {name}: `{says}` is not in {text}");
        // A token is shown where the issue and its project are asked for, never where a redirect leads.
        for asked in &scene.forge.asked()[before..] {
            let own = asked.path.contains("acme/app") || asked.path.contains("acme%2Fapp");
            assert!(asked.tokens.is_empty() || own, "{name}: {asked:?}");
        }
    }
}

#[test]
fn github_is_looked_at_again() {
    recheck(Speaks::GitHub);
}

#[test]
fn gitlab_is_looked_at_again() {
    recheck(Speaks::GitLab);
}

#[test]
fn forgejo_is_looked_at_again() {
    recheck(Speaks::Forgejo);
}

#[test]
fn what_another_url_says_is_not_recorded_under_the_old_one() {
    for speaks in Speaks::ALL {
        let scene = Scene::new(speaks);
        scene.forge.edit(|i| i.project = "acme/Renamed".into());
        let charter = scene.charter();
        let out = scene.run(&["generate", "app", "--charter", &charter, "--charter-snapshot", "required"]);
        assert_eq!(out.status.code(), Some(1), "{}", error(&out));
        assert!(
            error(&out).contains("error[charter-moved]") && error(&out).contains("acme/Renamed"),
            "{}",
            error(&out)
        );
        assert_eq!(scene.recorded(&[]), json!({ "uri": charter }));
        // Hosts do not tell names apart by case.
        scene.forge.edit(|i| i.project = "Acme/App".into());
        assert!(scene.recorded(&[])["digest"].is_object());
    }
}

#[test]
fn what_gitlab_moved_is_moved_although_its_text_is_left_behind() {
    let scene = Scene::new(Speaks::GitLab);
    scene.create();
    assert_eq!(scene.recheck(&[]).0, 0);
    scene.forge.edit(|i| (i.open, i.moved_to) = (false, Some(99)));
    let (exit, code, _) = scene.recheck(&[]);
    assert_eq!((exit, code.as_str()), (1, "charter-moved"));
}

#[test]
fn a_host_that_sends_elsewhere_is_not_followed_and_nothing_is_shown_there() {
    for speaks in Speaks::ALL {
        let (scene, other) = (Scene::new(speaks), TestForge::start());
        scene.create();
        let path = scene.forge.asked()[0].path.clone();
        scene.forge.misbehave(Misbehaviour::Sends(format!("{}{path}", other.url())));
        let (exit, code, text) = scene.recheck(&[]);
        assert_eq!((exit, code.as_str()), (3, "charter-redirected"), "{text}");
        assert!(text.contains(&other.url()));
        let charter = scene.charter();
        let out = scene.run(&["generate", "app", "--charter", &charter, "--charter-snapshot", "required"]);
        assert!(error(&out).contains("error[charter-redirected]"), "{}", error(&out));
        assert_eq!(other.asked(), [], "the other host was asked");
    }
}

/// `run` looks for the token in everything that is printed.
#[test]
fn what_a_host_repeats_of_the_token_is_not_shown() {
    let scene = Scene::new(Speaks::GitHub);
    scene.create();
    for name in [TOKEN, &STANDARD.encode(TOKEN)[2..], "elsewhere"] {
        let twice = format!(r#"{{"{name}":1,"{name}":2}}"#);
        let host = format!("http://{}.example/", name.trim_end_matches('=').to_lowercase());
        for how in [answer(200, &[], twice), Misbehaviour::Sends(host)] {
            scene.forge.misbehave(Some(how));
            let (exit, _, text) = scene.recheck(&[]);
            let shown = text.to_lowercase().contains(&name.trim_end_matches('=').to_lowercase());
            assert_eq!((exit, shown), (3, name == "elsewhere"), "{name}: {text}");
        }
    }
}

#[test]
fn a_host_that_does_not_answer_ends_within_the_deadline() {
    let scene = Scene::new(Speaks::GitHub);
    scene.create();
    scene.forge.misbehave(Misbehaviour::Silent);
    let (exit, code, text) = scene.recheck(&["--timeout", "3s"]);
    assert_eq!((exit, code.as_str()), (3, "charter-unavailable"), "{text}");
    assert!(text.contains("did not answer within 3 s"), "{text}");
    let charter = scene.charter();
    // Where it is only tried, the rest goes on.
    let text = scene.done(&["generate", "app", "--charter", &charter, "--timeout", "500ms"]);
    let statement: serde_json::Value = serde_json::from_str(&text).unwrap();
    let found = &statement["predicate"]["buildDefinition"]["externalParameters"]["charter"];
    assert_eq!((found["uri"].as_str(), found.get("annotations")), (Some(charter.as_str()), None));
}

#[test]
fn another_server_than_the_one_of_the_variables_is_not_asked() {
    let (scene, other) = (Scene::new(Speaks::GitHub), TestForge::start());
    let foreign = format!("{}/acme/app/issues/42", other.url());
    for more in [&[][..], &["--charter-api", "github"]] {
        let args = [&["generate", "app", "--charter", &foreign, "--charter-snapshot", "required"], more].concat();
        let out = scene.run(&args);
        assert_eq!(out.status.code(), Some(2), "{}", error(&out));
        assert!(error(&out).contains("error[charter-not-an-issue]"), "{}", error(&out));
    }
    assert_eq!(other.asked(), []);
}

#[test]
fn what_is_required_stops_before_the_build_step_and_what_is_tried_does_not() {
    let scene = Scene::new(Speaks::GitHub);
    let charter = scene.charter();
    let create = |snapshot: &'static str| {
        let common = ["create", "app", "--key", "attest.key", "--charter", &charter, "--charter-snapshot"];
        scene.run(&[&common[..], &[snapshot, "--", "touch", "ran"]].concat())
    };
    scene.forge.misbehave(Misbehaviour::Missing);
    let out = create("required");
    assert_eq!(out.status.code(), Some(1), "{}", error(&out));
    assert!(error(&out).contains("error[charter-deleted]"), "{}", error(&out));
    assert!(!scene.world.root().join("ran").exists() && !scene.world.root().join("app.sigstore.json").exists());
    let out = create("try");
    assert!(out.status.success() && error(&out).contains("no digest of the charter is recorded"), "{}", error(&out));
    assert!(scene.world.root().join("ran").exists());
    // Without a digest there is nothing to compare with, and `digest: required` is not met.
    let (exit, code, _) = scene.recheck(&[]);
    assert_eq!((exit, code.as_str()), (1, "charter-digest-missing"));

    let before = scene.forge.asked().len();
    assert!(create("none").status.success());
    assert_eq!(scene.forge.asked().len(), before, "a connection that was not wanted");
    let out = scene.run(&["create", "app", "--key", "attest.key", "--charter-snapshot", "required"]);
    assert_eq!(out.status.code(), Some(2), "{}", error(&out));
}

#[test]
fn explain_says_where_the_digest_comes_from_or_why_there_is_none() {
    let scene = Scene::new(Speaks::GitLab);
    let charter = scene.charter();
    let explain = |more: &[&str]| scene.done(&[&["generate", "--explain", "--charter", &charter], more].concat());
    let host = scene.forge.host();
    assert!(explain(&[]).contains(&format!("--charter, the gitlab API of {host}, asked with GITLAB_TOKEN")));
    assert!(explain(&["--charter-snapshot", "none"]).contains("no digest: --charter-snapshot none"));
    scene.forge.misbehave(answer(429, &[], ""));
    assert!(explain(&[]).contains("limits how often it is asked: it does not say for how long"));
}

#[test]
fn a_no_stays_a_no_and_asks_nobody() {
    let scene = Scene::new(Speaks::GitHub);
    scene.create();
    scene.world.done(&["keygen", "--output-key-prefix", "other"]);
    let before = scene.forge.asked().len();
    let out = scene.run(&["verify", "app", "--key", "other.pub", "--recheck-charter", "--format", "json"]);
    let json: Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!((out.status.code(), json["code"].as_str()), (Some(1), Some("key-not-trusted")));
    assert_eq!(scene.forge.asked().len(), before);
    let out = scene.run(&["verify", "app", "--key", "attest.pub", "--recheck-charter", "--offline"]);
    assert_eq!(out.status.code(), Some(2), "{}", error(&out));
    assert!(error(&out).contains("error[offline]"));
    // The charter is asked about only where that is demanded.
    scene.forge.edit(|i| i.title = "x".into());
    scene.done(&["verify", "app", "--key", "attest.pub"]);
    assert_eq!(scene.forge.asked().len(), before);
}

/// Of another build type a charter may have any form: one that cannot be read is none, for every demand alike.
#[test]
fn a_charter_that_cannot_be_read_is_none() {
    let scene = Scene::new(Speaks::GitHub);
    let charter = scene.charter();
    let text = scene.done(&["generate", "app", "--charter", &charter]);
    let signed = |edit: &dyn Fn(&mut Value)| {
        let mut statement: Value = serde_json::from_str(&text).unwrap();
        let definition = &mut statement["predicate"]["buildDefinition"];
        definition["buildType"] = json!("https://acme.example/build/v1");
        edit(&mut definition["externalParameters"]["charter"]);
        scene.world.write("statement.json", statement.to_string());
        std::fs::remove_file(scene.world.root().join("s.json")).ok();
        scene.done(&["sign", "statement.json", "--key", "attest.key", "--output", "s.json"]);
        let (exit, code, _) = scene.recheck(&["--bundle", "s.json", "--charter", &charter]);
        (exit, code)
    };
    assert_eq!(signed(&|_| ()), (0, String::new()));
    scene.forge.edit(|i| i.title = "Release 2.0".into());
    assert_eq!(signed(&|_| ()), (1, "charter-changed".into()));
    for member in ["annotations", "name", "content"] {
        assert_eq!(signed(&|c| c[member] = json!(1)), (1, "charter-mismatch".into()), "{member}");
    }
    let (exit, code) = signed(&|c| drop(c.as_object_mut().unwrap().remove("uri")));
    assert_eq!((exit, code.as_str()), (1, "charter-mismatch"));
    // By its digest alone there is nowhere to look.
    let (exit, code, _) = scene.recheck(&["--bundle", "s.json"]);
    assert_eq!((exit, code.as_str()), (3, "charter-not-an-issue"));
}

#[test]
fn one_of_two_attestations_is_enough_and_its_charter_is_the_one_that_counts() {
    let scene = Scene::new(Speaks::Forgejo);
    let charter = scene.charter();
    let create = |output: &str| {
        scene.done(&["create", "app", "--key", "attest.key", "--charter", &charter, "--output", output]);
    };
    create("old.json");
    scene.forge.edit(|i| i.title = "Release 2.0".into());
    create("new.json");
    assert_eq!(scene.recheck(&["--bundle", "old.json"]).1, "charter-changed");
    let (exit, _, text) = scene.recheck(&["--bundle", "old.json", "--bundle", "new.json"]);
    assert_eq!(exit, 0, "{text}");
    assert!(text.contains("charter-changed") && text.contains("says what it said"), "{text}");
}

#[test]
fn the_snapshot_is_attached_as_an_attestation_of_its_own() {
    let scene = Scene::new(Speaks::GitHub);
    scene.world.layout("image");
    let charter = scene.charter();
    let create = ["create", "oci:image", "--key", "attest.key", "--charter", &charter, "--attach-charter"];
    let report: Value = serde_json::from_str(&scene.done(&[&create[..], &["--format", "json"]].concat())).unwrap();
    assert_eq!(report["statements"][1]["predicateType"], json!("https://agent-attest.github.io/charter/v1"));
    assert_eq!(report["attached"].as_array().unwrap().len(), 2);
    let seen: Value = serde_json::from_str(&scene.done(&["inspect", "oci:image", "--format", "json"])).unwrap();
    let statements = seen["attestations"].as_array().unwrap();
    let of = |kind: &str| {
        let is = |s: &&Value| s["statement"]["predicateType"].as_str().unwrap().contains(kind);
        statements.iter().find(is).unwrap()["statement"].clone()
    };
    let (snapshot, provenance) = (of("charter/v1"), of("slsa"));
    let named = &provenance["predicate"]["buildDefinition"]["externalParameters"]["charter"];
    assert_eq!(snapshot["subject"], json!([{ "name": charter, "digest": named["digest"] }]));
    assert_eq!(snapshot["predicate"]["snapshot"]["body"], json!("Ship it.\r\n\r\n\u{1f680} e\u{301}"));
    // It is no evidence about the image, and does not stand in the way of what is.
    let text = scene.done(&["verify", "oci:image", "--key", "attest.pub", "--recheck-charter"]);
    assert!(text.starts_with("ALLOW oci:image "), "{text}");
    let out = scene.run(&["verify", "oci:image", "--key", "attest.pub", "--predicate-type", "charter"]);
    assert_eq!(out.status.code(), Some(1));
    // The same again attaches nothing twice; a person reads what it is.
    let shown = scene.done(&["inspect", "oci:image"]);
    assert!(shown.contains("title: Release 1.0") && shown.contains(&format!("charter: {charter} sha256:")), "{shown}");
}

#[test]
fn a_secret_in_an_issue_is_never_signed() {
    let scene = Scene::new(Speaks::GitHub);
    scene.world.layout("image");
    let charter = scene.charter();
    let create = ["create", "oci:image", "--key", "attest.key", "--charter", &charter];
    for (planted, field) in [
        (format!("deploy with {TOKEN}"), "body"),
        (format!("ghp_{}", "a1".repeat(18)), "body"),
        (format!("https://u:{}@h.example", "pass-word-9"), "body"),
    ] {
        scene.forge.edit(|i| i.body = Some(planted.clone()));
        let out = scene.run(&[&create[..], &["--attach-charter"]].concat());
        assert_eq!(out.status.code(), Some(1), "{}", error(&out));
        let text = error(&out);
        assert!(text.contains("error[secret-in-statement]") && text.contains(field), "{text}");
        assert!(!text.contains(&planted));
        assert!(
            scene.run(&["list", "oci:image"]).stdout.is_empty()
                || scene.run(&["inspect", "oci:image"]).status.code() != Some(0)
        );
    }
    // Its digest gives nothing away, so that the provenance alone can be signed.
    scene.done(&create);
    scene.forge.edit(|i| i.labels = vec![TOKEN.into()]);
    let out = scene.run(&create);
    assert!(error(&out).contains("charter.annotations.labels"), "{}", error(&out));
}

#[test]
fn a_file_as_charter_has_no_snapshot_to_attach_and_no_host_to_ask() {
    let scene = Scene::new(Speaks::GitHub);
    scene.world.write("charter.md", "Ship it.\n");
    scene.done(&["create", "app", "--key", "attest.key", "--charter", "charter.md"]);
    let (exit, code, text) = scene.recheck(&[]);
    assert_eq!((exit, code.as_str()), (3, "charter-not-an-issue"), "{text}");
    let out = scene.run(&["create", "app", "--key", "attest.key", "--charter", "charter.md", "--attach-charter"]);
    assert_eq!(out.status.code(), Some(2));
    assert!(error(&out).contains("is a file"), "{}", error(&out));
    assert_eq!(scene.forge.asked(), []);
}

#[test]
fn the_example_of_the_document_is_what_the_program_computes() {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/charter.md")).unwrap();
    let example = text.split("```json\n").nth(1).unwrap().split("\n```").next().unwrap();
    let snapshot = CharterSnapshot {
        author_id: "583231".into(),
        body: "Ship it.\r\n\u{2603}".into(),
        host: "github.com".into(),
        id: "2021".into(),
        title: "Release 1.0".into(),
    };
    assert_eq!(String::from_utf8(snapshot.canonical()).unwrap(), example);
    assert!(text.contains(&format!("its digest is `{}`", snapshot.digest())));
    for code in CharterError::CODES {
        assert!(text.contains(code.as_str()), "docs/charter.md does not say what `{code}` is");
    }
}

/// An image whose provenance `attest.key` signed, and a policy that wants the charter's text signed by `bot.key`.
fn with_policy(fields: &str) -> Scene {
    let scene = Scene::new(Speaks::GitHub);
    scene.world.layout("image");
    scene.world.done(&["keygen", "--output-key-prefix", "bot"]);
    let policy = format!(
        "apiVersion: agent-attest.github.io/v1\nkind: AttestationPolicy\nmetadata: {{ name: p }}\nspec:\n  \
         images: [{{ glob: \"oci:image\" }}]\n  require:\n    - signers: [{{ key: attest.pub }}]\n      \
         charter: {{ {fields} }}\n"
    );
    scene.world.write("policy.yaml", policy);
    scene
}

impl Scene {
    fn attach(&self, key: &str, more: &[&str]) {
        let charter = self.charter();
        let create = ["create", "oci:image", "--key", key, "--charter", &charter, "--charter-snapshot", "required"];
        self.done(&[&create[..], more].concat());
    }

    fn decide(&self) -> (i32, String, Value) {
        let out = self.run(&["verify", "oci:image", "--policy", "policy.yaml", "--format", "json"]);
        let json: Value = serde_json::from_slice(&out.stdout).unwrap_or_else(|e| panic!("{e}: {}", error(&out)));
        (out.status.code().unwrap(), json["code"].as_str().unwrap_or_default().to_owned(), json)
    }
}

const BY_BOT: &str = "digest: required, assurance: signed, snapshot: { by: [{ key: bot.pub }] }";

#[test]
fn a_snapshot_by_somebody_whom_the_policy_names_makes_the_charter_signed() {
    let scene = with_policy(BY_BOT);
    // Its own signer's word for the text is no more than for the digest.
    scene.attach("attest.key", &["--attach-charter"]);
    let (exit, _, json) = scene.decide();
    assert_eq!(exit, 1);
    assert!(json.to_string().contains("charter-snapshot-missing"), "{json:#}");
    // The bot's own provenance of the image is not accepted; its snapshot is.
    scene.attach("bot.key", &["--attach-charter"]);
    let (exit, code, json) = scene.decide();
    assert_eq!((exit, code.as_str()), (0, ""), "{json:#}");
    let text = json.to_string();
    assert!(text.contains("charter.digest") && text.contains("\"signed\""), "{json:#}");
    let accepted = |c: &&Value| c["outcome"] == "accepted";
    let candidates = json.pointer("/subjects/0/policies/0/requirements/0/candidates").unwrap().as_array().unwrap();
    assert_eq!(candidates.iter().filter(accepted).count(), 1, "the bot signs no provenance: {json:#}");
    // Without the demand the level is what it was.
    scene.world.write("policy.yaml", scene.world.read("policy.yaml").replace(BY_BOT, "assurance: signed"));
    let (exit, code, _) = scene.decide();
    assert_eq!((exit, code.as_str()), (1, "assurance-too-low"));
}

#[test]
fn a_snapshot_of_another_text_place_or_time_does_not_count() {
    let scene = with_policy(BY_BOT);
    scene.attach("attest.key", &["--no-attach", "--attach-charter", "--output", "own.jsonl"]);
    let lines = scene.world.read("own.jsonl");
    let statements: Vec<Value> = lines
        .lines()
        .map(|line| {
            let bundle: Value = serde_json::from_str(line).unwrap();
            let payload = bundle["dsseEnvelope"]["payload"].as_str().unwrap();
            serde_json::from_slice(&STANDARD.decode(payload).unwrap()).unwrap()
        })
        .collect();
    let snapshot = &statements[1];
    let provenance = lines.lines().next().unwrap();
    let decide = |change: &dyn Fn(&mut Value)| {
        let mut statement = snapshot.clone();
        change(&mut statement);
        scene.world.write("snapshot.json", statement.to_string());
        scene.done(&["sign", "snapshot.json", "--key", "bot.key", "--output", "snapshot.sigstore.json"]);
        scene.world.write("both.jsonl", format!("{provenance}\n{}", scene.world.read("snapshot.sigstore.json")));
        let args = ["verify", "oci:image", "--policy", "policy.yaml", "--bundle", "both.jsonl", "--format", "json"];
        let out = scene.run(&args);
        (out.status.code().unwrap(), String::from_utf8(out.stdout).unwrap())
    };
    assert_eq!(decide(&|_| ()).0, 0);
    let refused = |change: &dyn Fn(&mut Value), code: &str| {
        let (exit, text) = decide(change);
        assert_eq!(exit, 1, "{text}");
        assert!(text.contains(code), "`{code}` is not in {text}");
    };
    // Signed as the named digest, and saying something else.
    refused(&|s| s["predicate"]["snapshot"]["body"] = json!("Ship anything."), "charter-snapshot-mismatch");
    refused(&|s| s["predicate"]["snapshot"]["title"] = json!(""), "charter-snapshot-mismatch");
    refused(&|s| s["predicate"]["uri"] = json!("https://github.com/acme/app/issues/7"), "charter-snapshot-mismatch");
    let two = |s: &mut Value| {
        let other = json!({ "name": "x", "digest": { "sha256": "a".repeat(64) } });
        s["subject"].as_array_mut().unwrap().push(other);
    };
    refused(&two, "charter-snapshot-mismatch");
    // Of another charter, it supports nothing here.
    refused(&|s| s["subject"][0]["digest"]["sha256"] = json!("a".repeat(64)), "charter-snapshot-missing");
    // Another kind of statement about the charter.
    refused(&|s| s["predicateType"] = json!("https://acme.example/note/v1"), "charter-snapshot-missing");
    // What is revoked or outside its window counts no more than elsewhere.
    let policy = scene.world.read("policy.yaml");
    scene.world.write("policy.yaml", policy.replace("bot.pub", "bot.pub, notAfter: \"2020-01-01T00:00:00Z\""));
    refused(&|_| (), "key-outside-window");
    let digest = Digest::sha256(snapshot.to_string().as_bytes());
    let revoked = format!("  revoked: {{ statements: [\"{digest}\"] }}\n  require:");
    scene.world.write("policy.yaml", policy.replace("  require:", &revoked));
    refused(&|_| (), "statement-revoked");
}

#[test]
fn a_snapshot_of_another_host_does_not_count() {
    // The digest is the provenance's own, so that its signer chose the host, too: the URL that the policy reads decides.
    let scene = with_policy(BY_BOT);
    scene.attach("attest.key", &["--no-attach", "--attach-charter", "--output", "own.jsonl"]);
    let lines = scene.world.read("own.jsonl");
    let statement = |line: &str| -> Value {
        let bundle: Value = serde_json::from_str(line).unwrap();
        serde_json::from_slice(&STANDARD.decode(bundle["dsseEnvelope"]["payload"].as_str().unwrap()).unwrap()).unwrap()
    };
    let all: Vec<Value> = lines.lines().map(statement).collect();
    let decide = |host: &str| {
        let (mut provenance, mut snapshot) = (all[0].clone(), all[1].clone());
        snapshot["predicate"]["snapshot"]["host"] = json!(host);
        let value = attest::predicate::Charter::from_json(snapshot["predicate"].as_object().unwrap()).unwrap();
        let digest = json!({ "sha256": value.snapshot.digest().hex() });
        snapshot["subject"][0]["digest"] = digest.clone();
        provenance["predicate"]["buildDefinition"]["externalParameters"]["charter"]["digest"] = digest;
        let mut both = String::new();
        for (statement, key) in [(provenance, "attest.key"), (snapshot, "bot.key")] {
            scene.world.write("one.json", statement.to_string());
            both += &scene.done(&["sign", "one.json", "--key", key]);
        }
        scene.world.write("both.jsonl", both);
        let args = ["verify", "oci:image", "--policy", "policy.yaml", "--bundle", "both.jsonl", "--format", "json"];
        let out = scene.run(&args);
        (out.status.code().unwrap(), String::from_utf8(out.stdout).unwrap())
    };
    assert_eq!(decide(&scene.forge.host()).0, 0);
    let (exit, text) = decide("github.com");
    assert!(exit == 1 && text.contains("charter-snapshot-mismatch"), "{text}");
}

#[test]
fn a_pull_or_merge_request_is_a_charter_with_its_approvals_beside_it() {
    for (speaks, path, id) in [
        (Speaks::GitHub, "/acme/app/pull/42", "2021"),
        (Speaks::GitLab, "/acme/app/-/merge_requests/42", "merge_requests/2021"),
        (Speaks::Forgejo, "/acme/app/pulls/42", "2021"),
    ] {
        let scene = Scene::new(speaks);
        scene.forge.edit(|i| i.change = true);
        let charter = format!("{}{path}", scene.forge.url());
        let recorded = || {
            let text = scene.done(&["generate", "app", "--charter", &charter]);
            let statement: Value = serde_json::from_str(&text).unwrap();
            statement["predicate"]["buildDefinition"]["externalParameters"]["charter"].clone()
        };
        let found = recorded();
        let host = scene.forge.host();
        assert_eq!(found["annotations"]["approvals"], json!([format!("{host}:7")]), "{speaks:?}: {found:#}");
        assert_eq!(found["annotations"]["id"], json!(id));
        // An issue has none, and none is asked for.
        scene.forge.edit(|i| i.change = false);
        let asked = scene.forge.asked().len();
        assert!(scene.recorded(&[])["annotations"].get("approvals").is_none());
        assert_eq!(scene.forge.asked().len(), asked + 1);
    }
}
