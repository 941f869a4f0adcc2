//! `attest action` as a step of a workflow runs it: inputs, outputs, summary, annotations.
#![expect(clippy::disallowed_methods, reason = "a test: runs the built binary and looks at what it leaves")]

use crate::runner::Runner;
use crate::world::PASSWORD;
use attest::action::inputs::{INPUTS, Input};
use attest::model::Digest;
use attest::testing::registry::{Action, Behaviour, Fault, TestRegistry};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use std::fs;

/// The statements of a file of bundles.
fn statements(runner: &Runner, path: &str) -> Vec<Value> {
    let text = runner.world.read(path);
    let bundles = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let payload = |bundle: Value| STANDARD.decode(bundle["dsseEnvelope"]["payload"].as_str().unwrap()).unwrap();
    bundles.map(|bundle| serde_json::from_slice(&payload(bundle)).unwrap()).collect()
}

/// Names of the subjects of a file of bundles.
fn names(runner: &Runner, path: &str) -> Vec<String> {
    let subjects = statements(runner, path).into_iter().flat_map(|s| s["subject"].as_array().unwrap().clone());
    subjects.map(|s| s["name"].as_str().unwrap().to_owned()).collect()
}

/// A registry with an image, and the image's repository and digest.
fn image(behaviour: Behaviour) -> (TestRegistry, String, String) {
    let registry = TestRegistry::start(behaviour);
    let pushed = registry.put_image("demo/app", "v1");
    let name = registry.name("demo/app");
    (registry, name, pushed.digest.to_string())
}

const BUNDLE: &str = "attestation.sigstore.json";

#[test]
fn a_file_is_attested_verified_and_told_of() {
    let runner = Runner::new();
    runner.world.repository();
    let inputs = [
        ("subject", "app\n"),
        ("agent", "squad/agent"),
        ("task", "t-1"),
        ("requested-by", "github:1"),
        ("public-key", "attest.pub"),
    ];
    let ran = runner.create(&inputs).done();
    assert_eq!(ran.output("bundle"), BUNDLE);
    assert_eq!(ran.output("digest"), Digest::sha256(b"an application\n").to_string());
    assert_eq!((ran.output("decision"), ran.output("attestation-digest")), ("allow", ""));
    assert_eq!(ran.output("outbox"), runner.path("attest-outbox"));
    assert_eq!(ran.summary.trim_end(), fs::read_to_string(ran.output("summary")).unwrap().trim_end());
    for part in [
        "- `app` `sha256:",
        "- signed by the key `",
        "- agent: `squad/agent` (declared, from `",
        "- requested by: `github:1` (declared",
        "- not known: charter",
        "- dependencies: 1, 0 of them without digest",
        "- decision: **allow** by `flags`",
        "attest verify file:app --bundle attestation.sigstore.json --key attest.pub\n",
    ] {
        assert!(ran.summary.contains(part), "{part}: {}", ran.summary);
    }
    let remembered = fs::read_to_string(runner.path("created_attestation_paths.txt")).unwrap();
    assert_eq!(remembered, format!("{}\n", runner.world.root().join(BUNDLE).display()));
    // The command of the summary is one.
    runner.world.done(&["verify", "file:app", "--bundle", BUNDLE, "--key", "attest.pub"]);
    assert!(!format!("{ran:?}").contains(PASSWORD), "the password is shown");
    // A second step of the job adds itself.
    runner.create(&[("subject", "lib"), ("output", "lib.json"), ("summary", "false")]).done();
    let remembered = fs::read_to_string(runner.path("created_attestation_paths.txt")).unwrap();
    assert_eq!(remembered.lines().count(), 2);
}

#[test]
fn the_summary_is_left_out_where_it_is_not_wanted() {
    let runner = Runner::new();
    let ran = runner.create(&[("subject", "app"), ("summary", "false")]).done();
    assert_eq!(ran.summary, "");
    assert!(fs::read_to_string(ran.output("summary")).unwrap().contains("`app`"));
}

#[test]
fn each_way_of_naming_subjects() {
    let runner = Runner::new();
    let digest = Digest::sha256(b"an application\n").to_string();
    let hex = digest.trim_start_matches("sha256:");
    runner.world.write("dist/SHA256SUMS", format!("{hex}  app-1.0\n"));
    runner.world.write("dist/sums", format!("{hex}  app-1.0\n{hex}  other\n"));
    runner.world.write("dist/-x.gz", "x");
    runner.world.write("dist/y.gz", "y");
    let of = |inputs: &[(&str, &str)]| {
        runner.create(&[inputs, &[("public-key", "attest.pub")]].concat()).done();
        names(&runner, BUNDLE)
    };
    assert_eq!(of(&[("subject", "app\n\nlib\n")]), ["app", "lib"]);
    assert_eq!(of(&[("subject", "dist/*.gz")]), ["dist/-x.gz", "dist/y.gz"]);
    assert_eq!(of(&[("subject-path", "dist/*.gz\napp\n")]), ["app", "dist/-x.gz", "dist/y.gz"]);
    // A path is a file, whatever its name means elsewhere.
    assert_eq!(of(&[("subject-path", "dist/SHA256SUMS")]), ["dist/SHA256SUMS"]);
    assert_eq!(of(&[("subject", "dist/SHA256SUMS")]), ["app-1.0"]);
    assert_eq!(of(&[("subject-checksums", "dist/SHA256SUMS")]), ["app-1.0"]);
    assert_eq!(of(&[("subject-checksums", "dist/sums")]), ["app-1.0", "other"]);
    // Named by digest, it need not be here, and is not what happens to be here by that name.
    assert_eq!(of(&[("subject-digest", &digest), ("subject-name", "lib")]), ["lib"]);
    assert_eq!(of(&[("subject-digest", &digest), ("subject-name", "ghcr.io/acme/app")]), ["ghcr.io/acme/app"]);
}

#[test]
fn the_artifacts_that_the_runner_lists_are_the_subjects_where_no_input_names_any() {
    let runner = Runner::new();
    let digest = Digest::sha256(b"x").to_string();
    let key = runner.world.read("attest.key");
    let list = runner.path("list");
    let with = [("GITHUB_ARTIFACTS_LIST", list.as_str())];
    let step = |inputs: &[(&str, &str)]| {
        runner.step("create", &[&[("key", key.as_str()), ("password", PASSWORD)], inputs].concat(), &with)
    };
    // A folder has the name of an artifact as often as not.
    runner.world.write("dist/x", "x");
    let listed = json!({ "version": 1, "subjects": [
        { "name": "dist", "digest": digest, "kind": "file" },
        { "name": "ghcr.io/acme/app", "digest": digest, "kind": "oci" },
    ]});
    fs::write(&list, listed.to_string()).unwrap();
    step(&[]).done();
    assert_eq!(names(&runner, BUNDLE), ["dist", "ghcr.io/acme/app"]);
    step(&[("subject", "app")]).done();
    assert_eq!(names(&runner, BUNDLE), ["app"]);
    step(&[("push-to-registry", "true")]).failed(2, "action-input");
    for (text, what) in [("", "lists none"), ("{}", "version 1"), ("{\"version\":1,\"subjects\":[{}]}", "entry 1")] {
        fs::write(&list, text).unwrap();
        let ran = step(&[]).failed(2, "action-input");
        assert!(ran.annotation().contains(what), "{ran:?}");
        assert!(ran.outputs.is_empty());
    }
    let ran = runner.create(&[]).failed(2, "action-input");
    assert!(ran.annotation().contains("$GITHUB_ARTIFACTS_LIST is not set"), "{ran:?}");
}

#[test]
fn an_image_is_attested_in_its_registry_and_verified_there() {
    let (_registry, name, digest) = image(Behaviour::default());
    let runner = Runner::new();
    let pinned = format!("{name}@{digest}");
    for inputs in [
        vec![("subject", pinned.as_str())],
        vec![("image", pinned.as_str())],
        vec![("image", name.as_str()), ("digest", &digest)],
        vec![("subject-name", name.as_str()), ("subject-digest", &digest), ("push-to-registry", "true")],
    ] {
        let ran = runner.create(&[&inputs[..], &[("public-key", "attest.pub")]].concat()).done();
        assert_eq!((ran.output("digest"), ran.output("decision")), (digest.as_str(), "allow"));
        let referrer = ran.output("attestation-digest");
        assert!(
            referrer.starts_with("sha256:") && ran.summary.contains(&format!("- attached: `{referrer}`")),
            "{ran:?}"
        );
        let command = format!("attest verify {pinned} --key attest.pub\n");
        assert!(ran.summary.contains(&command), "{command}: {}", ran.summary);
    }
    runner.world.done(&["verify", &pinned, "--key", "attest.pub"]);
    // Several images, and a file, in one step.
    let both = format!("{pinned}\napp\n");
    let ran = runner.create(&[("subject", both.as_str()), ("public-key", "attest.pub")]).done();
    assert_eq!(ran.output("decision"), "allow");
}

#[test]
fn nothing_is_pushed_where_it_is_not_wanted() {
    let (registry, name, digest) = image(Behaviour::default());
    let runner = Runner::new();
    let pinned = format!("{name}@{digest}");
    let inputs = [("subject", pinned.as_str()), ("push-to-registry", "false"), ("public-key", "attest.pub")];
    let ran = runner.create(&inputs).done();
    assert_eq!((ran.output("attestation-digest"), ran.output("decision")), ("", "allow"));
    drop(registry);
    assert!(!ran.summary.contains("attached"));
}

#[test]
fn contradictions_name_both_inputs_and_leave_nothing() {
    let runner = Runner::new();
    let digest = Digest::sha256(b"x").to_string();
    let ways = [
        vec![("subject", "app")],
        vec![("subject-path", "app")],
        vec![("subject-digest", digest.as_str()), ("subject-name", "x")],
        vec![("subject-checksums", "SHA256SUMS")],
        vec![("image", "ghcr.io/acme/app"), ("digest", digest.as_str())],
    ];
    let mut both = Vec::new();
    for (i, one) in ways.iter().enumerate() {
        for other in &ways[i + 1..] {
            both.push(([one.clone(), other.clone()].concat(), [one[0].0, other[0].0]));
        }
    }
    let app = |more: &[(&'static str, &'static str)]| [&[("subject", "app")][..], more].concat();
    let pinned = format!("a.example/b@{digest}");
    both.extend([
        (vec![("subject-name", "x"), ("subject", "app")], ["subject-name", "subject-digest"]),
        (vec![("subject-digest", digest.as_str())], ["subject-digest", "subject-name"]),
        (vec![("image", "ghcr.io/acme/app")], ["image", "digest"]),
        (vec![("digest", digest.as_str()), ("subject", "app")], ["digest", "image"]),
        (vec![("image", pinned.as_str()), ("digest", digest.as_str())], ["image", "digest"]),
        (app(&[("predicate", "p.json")]), ["predicate", "predicate-type"]),
        (app(&[("predicate-type", "vuln")]), ["predicate-type", "predicate"]),
        (app(&[("sbom", "s"), ("predicate", "p"), ("predicate-type", "vuln")]), ["sbom", "predicate"]),
        (app(&[("sbom", "s"), ("agent", "a/b")]), ["sbom", "agent"]),
        (app(&[("predicate", "p"), ("predicate-type", "vuln"), ("task", "t")]), ["predicate", "task"]),
        (app(&[("signing", "keyless")]), ["signing: keyless", "key"]),
        (app(&[("signing", "none")]), ["signing: none", "key"]),
        (vec![("subject-path", "app"), ("push-to-registry", "true")], ["push-to-registry: true", "subject-path"]),
    ]);
    for (inputs, named) in both {
        let ran = runner.create(&inputs).failed(2, "action-input");
        for name in named {
            assert!(ran.annotation().contains(&format!("`{name}`")), "{inputs:?}: {}", ran.annotation());
        }
        assert!(ran.outputs.is_empty() && ran.summary.is_empty() && !runner.world.root().join(BUNDLE).exists());
    }
    let ran = runner.step("create", &[("subject", "app"), ("signing", "key")], &[]).failed(2, "action-input");
    assert!(ran.annotation().contains("`signing: key` needs the input `key`"), "{ran:?}");
    let ran = runner.step("create", &[("subject", "app"), ("password", "x")], &[]).failed(2, "action-input");
    assert!(ran.annotation().contains("`password` needs the input `key`"), "{ran:?}");
}

#[test]
fn a_misspelt_or_malformed_input_is_refused() {
    let runner = Runner::new();
    for (name, value, message) in [
        ("subjects", "app", "the input `subjects` is unknown"),
        ("bundle", "x", "the input `bundle` is unknown"),
        ("signing", "keyles", "the input `signing`: expected one of keyless, key, none, found `keyles`"),
        ("summary", "yes", "the input `summary`: expected true or false, found `yes`"),
        ("agent", "a\nb", "the input `agent`: expected one line, found several"),
        ("subject", "--version", "the input `subject`: expected artifacts"),
        ("subject-path", "!x", "the input `subject-path`: expected paths and globs of what is meant"),
    ] {
        let mut inputs = vec![("subject", "app"), (name, value)];
        inputs.retain(|(n, v)| name == *n && value == *v || !name.starts_with("subject"));
        let ran = runner.create(&inputs).failed(2, "action-input");
        assert!(ran.annotation().contains(message), "{message}: {ran:?}");
        assert!(ran.outputs.is_empty() && !runner.world.root().join(BUNDLE).exists());
    }
    // Empty is as if it were not given: that is what a workflow hands over for every input that it leaves out.
    let names: Vec<_> = INPUTS.iter().filter(|i| i.of.contains(&attest::action::Action::Create)).collect();
    let empty: Vec<_> = names.iter().filter(|i| !["subject", "key", "password"].contains(&i.name)).collect();
    let of = |input: &&&Input| (input.name, "");
    let inputs: Vec<_> = empty.iter().filter(|i| i.variable().starts_with("ATTEST_INPUT_")).map(of).collect();
    assert!(inputs.len() > 15);
    runner.create(&[&[("subject", "app")][..], &inputs].concat()).done();
}

#[test]
fn other_predicates_are_signed_and_verified_as_what_they_are() {
    let runner = Runner::new();
    runner.world.write("spdx.json", r#"{"spdxVersion":"SPDX-2.3","name":"x"}"#);
    runner.world.write("cyclonedx.json", r#"{"bomFormat":"CycloneDX","specVersion":"1.6"}"#);
    runner.world.write("other.json", r#"{"name":"x"}"#);
    let kind = |inputs: &[(&str, &str)]| {
        let ran = runner.create(&[inputs, &[("subject", "app"), ("public-key", "attest.pub")]].concat()).done();
        assert_eq!(ran.output("decision"), "allow");
        let kind = statements(&runner, BUNDLE)[0]["predicateType"].as_str().unwrap().to_owned();
        assert!(ran.summary.contains(&format!("- type: `{kind}`")) && ran.summary.contains("--predicate-type"));
        kind
    };
    assert_eq!(kind(&[("sbom", "spdx.json")]), "https://spdx.dev/Document/v2.3");
    assert_eq!(kind(&[("sbom", "cyclonedx.json")]), "https://cyclonedx.org/bom");
    let inputs = [("predicate", "other.json"), ("predicate-type", "https://acme.example/scan/v1")];
    assert_eq!(kind(&inputs), "https://acme.example/scan/v1");
    let ran = runner.create(&[("sbom", "other.json"), ("subject", "app")]).failed(2, "action-input");
    assert!(ran.annotation().contains("SPDX or CycloneDX"), "{ran:?}");
}

#[test]
fn nothing_signs_where_that_is_asked_for() {
    let runner = Runner::new();
    let inputs = [("subject", "app"), ("signing", "none"), ("output", "statement.json"), ("agent", "a/b")];
    let ran = runner.step("create", &inputs, &[]).done();
    let statement: Value = serde_json::from_str(runner.world.read("statement.json").trim()).unwrap();
    assert_eq!(statement["subject"][0]["name"], "app");
    assert_eq!(ran.output("bundle"), "statement.json");
    assert!(ran.summary.contains("**unsigned**") && !ran.summary.contains("attest verify"), "{}", ran.summary);
    assert_eq!(fs::read_to_string(runner.path("created_attestation_paths.txt")).unwrap(), "");
    runner.world.done(&["sign", "statement.json", "--key", "attest.key"]);
}

#[test]
fn a_policy_that_refuses_fails_the_step_and_leaves_what_was_made() {
    let runner = Runner::new();
    let policy = |agent: &str| {
        json!({ "apiVersion": "agent-attest.github.io/v1", "kind": "AttestationPolicy", "metadata": { "name": "p" },
            "spec": { "images": [{ "glob": "file:app" }], "require": [{ "signers": [{ "key": "attest.pub" }],
            "agent": { "ids": [agent] } }] } })
    };
    runner.world.write("policy.json", policy("other/*").to_string());
    let inputs = [("subject", "app"), ("agent", "squad/agent"), ("policy", "policy.json")];
    let ran = runner.create(&inputs).failed(1, "agent-mismatch");
    assert!(ran.annotation().starts_with("The policy is not met.\napp: agent-mismatch: "), "{ran:?}");
    assert_eq!((ran.output("decision"), ran.output("bundle")), ("deny", BUNDLE));
    assert!(ran.summary.contains("- decision: **deny** by `p`"), "{}", ran.summary);
    runner.world.write("policy.json", policy("squad/*").to_string());
    let ran = runner.create(&inputs).done();
    assert_eq!(ran.output("decision"), "allow");
}

/// The event of a pull request, from a repository.
fn event(runner: &Runner, head: &str) -> String {
    let path = runner.path("event.json");
    let side = |name: &str| match name {
        "" => json!({ "repo": null }),
        name => json!({ "repo": { "full_name": name } }),
    };
    let event = json!({ "pull_request": { "head": side(head), "base": side("acme/app") } });
    fs::write(&path, event.to_string()).unwrap();
    path
}

#[test]
fn a_job_without_an_identity_is_told_what_to_add() {
    let runner = Runner::new();
    let ran = runner.step("create", &[("subject", "app")], &[]).failed(2, "no-signer");
    assert!(
        ran.annotation().contains("\n    permissions:\n      contents: read\n      id-token: write\n"),
        "{}",
        ran.annotation()
    );
    assert!(!runner.world.root().join(BUNDLE).exists());
    // With the permission, it is the service that is in the way, and that is said.
    let asks = [("ACTIONS_ID_TOKEN_REQUEST_URL", "http://127.0.0.1:9/"), ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "t")];
    let ran = runner.step("create", &[("subject", "app"), ("signing", "keyless")], &asks);
    assert!(ran.code == 3 && !ran.annotation().contains("id-token: write"), "{ran:?}");
}

#[test]
fn a_pull_request_of_a_fork_is_left_alone_unless_it_has_to_fail() {
    let runner = Runner::new();
    let ran = |head: &str, kind: &str, inputs: &[(&str, &str)]| {
        let path = event(&runner, head);
        let variables = [("GITHUB_EVENT_NAME", kind), ("GITHUB_EVENT_PATH", path.as_str())];
        runner.step("create", &[&[("subject", "app")], inputs].concat(), &variables)
    };
    for head in ["mallory/app", ""] {
        for inputs in [&[][..], &[("signing", "keyless")], &[("signing", "key")], &[("public-key", "attest.pub")]] {
            let ran = ran(head, "pull_request", inputs);
            assert!(ran.code == 0 && ran.commands[0].0 == "notice" && ran.commands.len() == 1, "{ran:?}");
            assert!(ran.summary.starts_with("### Not attested") && ran.output("bundle").is_empty(), "{ran:?}");
            assert!(!runner.world.root().join(BUNDLE).exists());
        }
    }
    ran("mallory/app", "pull_request", &[("on-missing-identity", "fail")]).failed(2, "no-signer");
    ran("mallory/app", "pull_request", &[("on-missing-identity", "fail"), ("signing", "key")])
        .failed(2, "action-input");
    // Whatever else is wrong fails there, too.
    ran("mallory/app", "pull_request", &[("signing", "x")]).failed(2, "action-input");
    for (head, kind) in [("acme/app", "pull_request"), ("mallory/app", "pull_request_target"), ("mallory/app", "push")]
    {
        ran(head, kind, &[]).failed(2, "no-signer");
    }
}

#[test]
fn what_an_outage_keeps_back_waits_and_the_annotation_says_how_to_send_it() {
    let (registry, name, digest) = image(Behaviour::default());
    registry.fault(Fault::on("/v2/", Action::status(500)));
    let runner = Runner::new();
    let inputs = [("image", name.as_str()), ("digest", digest.as_str())];
    let ran = runner.create(&inputs).failed(3, "outbox-kept");
    let outbox = runner.path("attest-outbox");
    assert_eq!(ran.output("outbox"), outbox);
    assert!(ran.annotation().contains(&format!("attest flush --outbox {outbox}")), "{}", ran.annotation());
    assert_eq!(fs::read_dir(&outbox).unwrap().filter(|e| e.as_ref().unwrap().path().extension().is_some()).count(), 1);
    let named = runner.path("named");
    let ran = runner.create(&[&inputs[..], &[("outbox", named.as_str())]].concat()).failed(3, "outbox-kept");
    assert!(ran.output("outbox") == named && fs::metadata(&named).unwrap().is_dir());
    registry.heal();
    runner.world.done(&["flush", "--outbox", &outbox]);
    runner.world.done(&["verify", &format!("{name}@{digest}"), "--key", "attest.pub"]);
}

#[test]
fn outside_of_a_runner_one_line_says_what_to_do() {
    let runner = Runner::new();
    let key = runner.world.read("attest.key");
    let inputs = [("ATTEST_INPUT_SUBJECT", "app"), ("ATTEST_INPUT_KEY", key.as_str()), ("ATTEST_PASSWORD", PASSWORD)];
    let run = |change: &[(&str, Option<&str>)]| {
        let mut variables = runner.variables();
        for (name, value) in change {
            variables.retain(|(n, _)| n != name);
            variables.extend(value.map(|value| ((*name).to_owned(), value.to_owned())));
        }
        let all: Vec<_> = variables.iter().map(|(n, v)| (n.as_str(), v.as_str())).chain(inputs).collect();
        let out = runner.world.attest_with(&all, &["action", "create"]);
        (
            out.status.code(),
            String::from_utf8_lossy(&out.stdout).into_owned(),
            String::from_utf8_lossy(&out.stderr).into_owned(),
        )
    };
    let below = runner.path("output/x");
    fs::write(runner.path("output"), "").unwrap();
    for (change, said) in [
        (vec![("GITHUB_OUTPUT", None)], "error[no-runner]: GITHUB_OUTPUT is not set"),
        (vec![("GITHUB_OUTPUT", Some(""))], "error[no-runner]: GITHUB_OUTPUT is not set"),
        (vec![("RUNNER_TEMP", None)], "error[no-runner]: RUNNER_TEMP is not set"),
        (vec![("GITHUB_OUTPUT", Some("/"))], "error[file-unwritable]: GITHUB_OUTPUT names `/`"),
        (vec![("GITHUB_OUTPUT", Some("/dev/full"))], "error[file-unwritable]: GITHUB_OUTPUT names `/dev/full`"),
        (vec![("GITHUB_OUTPUT", Some(&below))], "error[file-unwritable]: GITHUB_OUTPUT names"),
        (vec![("GITHUB_STEP_SUMMARY", Some(&below))], "error[file-unwritable]: GITHUB_STEP_SUMMARY names"),
        (vec![("RUNNER_TEMP", Some(&below))], "error[file-unwritable]: RUNNER_TEMP names"),
    ] {
        let (code, out, err) = run(&change);
        assert!(code == Some(2) && out.is_empty() && err.starts_with(said), "{change:?}: {out}{err}");
        assert!(err.contains("\nhint: ") && err.lines().filter(|l| l.starts_with("error[")).count() == 1, "{err}");
        assert!(!runner.world.root().join(BUNDLE).exists());
    }
    // Without a summary to add to, everything else is as ever.
    assert_eq!(run(&[("GITHUB_STEP_SUMMARY", None)]).0, Some(0));
}

#[test]
fn inputs_that_are_too_large_leave_nothing() {
    let runner = Runner::new();
    runner.world.write("large.json", format!("{{\"a\":\"{}\"}}", "x".repeat(24 << 20)));
    let inputs = [("subject", "app"), ("predicate", "large.json"), ("predicate-type", "https://acme.example/p/v1")];
    let ran = runner.create(&inputs).failed(3, "limit-exceeded");
    assert!(ran.outputs.keys().eq(["outbox"]) && ran.summary.is_empty(), "{ran:?}");
    let sums: String = (0..100_001).map(|n| format!("{:064x}  f{n}\n", n)).collect();
    runner.world.write("many", sums);
    let ran = runner.create(&[("subject-checksums", "many")]).failed(3, "limit-exceeded");
    assert!(ran.outputs.keys().eq(["outbox"]), "{ran:?}");
    assert!(!runner.world.root().join(BUNDLE).exists());
}

#[test]
fn seventy_thousand_subjects_are_several_statements_in_one_file() {
    let runner = Runner::new();
    let sums: String = (0..70_000).map(|n| format!("{n:064x}  f{n}\n")).collect();
    runner.world.write("many", sums);
    let ran = runner.create(&[("subject-checksums", "many")]).done();
    assert_eq!(runner.world.read(BUNDLE).lines().count(), 70_000_usize.div_ceil(1024));
    assert!(ran.summary.contains("- and 69980 subjects more"), "{}", ran.summary);
}

#[test]
fn what_was_attested_is_verified_by_a_step() {
    let runner = Runner::new();
    runner.create(&[("subject", "app\nlib"), ("agent", "squad/agent"), ("output", "b.jsonl")]).done();
    let inputs = [("subject", "app\nlib"), ("bundle", "b.jsonl"), ("public-key", "attest.pub")];
    let ran = runner.step("verify", &[&inputs[..], &[("junit", "junit.xml")]].concat(), &[]).done();
    assert_eq!((ran.output("decision"), ran.output("junit")), ("allow", "junit.xml"));
    let junit = runner.world.read("junit.xml");
    assert!(junit.contains(r#"<testsuites tests="2" failures="0" errors="0">"#), "{junit}");
    assert!(junit.contains(r#"name="app"/>"#) && junit.contains(r#"name="lib"/>"#), "{junit}");
    for part in ["- decision: **allow** by `flags`", "- `app`: allow", "- agent.id: `squad/agent` (declared)"] {
        assert!(ran.summary.contains(part), "{part}: {}", ran.summary);
    }
    // The same with something changed.
    runner.world.write("lib", "another");
    let ran = runner.step("verify", &inputs, &[]).failed(1, "subject-mismatch");
    assert_eq!(ran.output("decision"), "deny");
    let junit = fs::read_to_string(ran.output("junit")).unwrap();
    assert!(junit.contains(r#"failures="1""#) && junit.contains(r#"<failure type="subject-mismatch""#), "{junit}");
    assert!(ran.summary.contains("- `lib`: **deny**") && ran.summary.contains("- `app`: allow"), "{}", ran.summary);
    // Without anybody to trust, nothing is decided.
    let ran = runner.step("verify", &[("subject", "app")], &[]).failed(2, "no-policy");
    assert!(ran.outputs.is_empty());
    let digest = Digest::sha256(b"an application\n").to_string();
    let named = [("subject-name", "app"), ("subject-digest", digest.as_str())];
    let ran = runner.step("verify", &[&named[..], &inputs[1..]].concat(), &[]).done();
    assert_eq!(ran.output("decision"), "allow");
}
