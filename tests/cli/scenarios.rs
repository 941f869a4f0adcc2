//! What people do, and what they see.

use crate::transcript::Transcript;
use crate::world::{PASSWORD, World};
use attest::model::Digest;

/// Flags of `create` that give a statement something to be checked.
const DONE: &str = "--agent squad/builder --model acme/m1 --task task-1 --charter https://github.com/acme/app/issues/42 --requested-by github:583231";

#[test]
fn keygen() {
    let world = World::empty();
    Transcript::new(&world)
        .run_with(&[], 2, "keygen")
        .run(0, "keygen")
        .run(2, "keygen")
        .run(0, "keygen --output-key-prefix release --algorithm ed25519")
        .run(2, "keygen --output-key-prefix missing/release")
        .is("keygen");
}

#[test]
fn create_and_verify_a_file() {
    let world = World::new();
    world.repository();
    Transcript::new(&world)
        .run(0, &format!("create app --key attest.key {DONE}"))
        .run(0, "verify app --key attest.pub")
        .run(0, "verify app --key attest.pub --agent 'squad/*' --source-ref refs/heads/main --task task-1")
        .run(1, "verify app --key attest.pub --task task-2")
        .run(1, "verify app --key attest.pub --builder-id https://ci.example/main")
        .note("the file changes", |w| w.write("app", "another application\n"))
        .run(1, "verify app --key attest.pub")
        .is("create-and-verify");
}

#[test]
fn a_verification_that_demands_nothing() {
    let world = World::new();
    world.done(&["create", "app", "--key", "attest.key"]);
    Transcript::new(&world).run(2, "verify app").run(2, "verify lib").is("verify-without-policy");
}

#[test]
fn a_verification_with_another_key() {
    let world = World::new();
    world.done(&["create", "app", "--key", "attest.key"]);
    world.done(&["keygen", "--output-key-prefix", "other"]);
    Transcript::new(&world)
        .run(1, "verify app --key other.pub")
        .run(0, "verify app --key other.pub --key attest.pub")
        .run(2, "verify app --key attest.key")
        .run(2, "verify app --key missing.pub")
        .run(1, "verify lib --key attest.pub")
        .is("verify-with-another-key");
}

#[test]
fn wrong_arguments() {
    let world = World::new();
    Transcript::new(&world)
        .run(2, "verify --format json")
        .run(2, "verify app --no-such-flag --format json")
        .run(2, "verify app --key attest.pub --source-ref main")
        .run(2, "verify app --key attest.pub --certificate-identity someone")
        .run(2, "verify app --key attest.pub --predicate-type scan")
        .run(2, "verify app --key attest.pub --timeout soon")
        .run(2, "verify missing --key attest.pub")
        .run(2, "list app --format record")
        .is("wrong-arguments");
}

#[test]
fn policies() {
    let world = World::new();
    world.done(&["create", "app", "--key", "attest.key", "--agent", "squad/builder"]);
    let policy = |spec: &str| {
        format!(
            "apiVersion: agent-attest.github.io/v1\nkind: AttestationPolicy\nmetadata: {{ name: production }}\nspec:\n{spec}"
        )
    };
    world.write(
        "good.yaml",
        policy("  images: [{ glob: 'file:app' }]\n  require:\n    - signers: [{ key: attest.pub }]\n      agent: { ids: ['squad/*'] }\n"),
    );
    world.write("typo.yaml", policy("  images: [{ glob: 'file:app' }]\n  required: []\n"));
    world.write(
        "later.yaml",
        policy("  images: [{ glob: 'file:app' }]\n  require:\n    - signers: [{ key: attest.pub }]\n      cel: [x]\n"),
    );
    world.write("key.yaml", policy("  images: [{ glob: a }]\n  require: [{ signers: [{ key: missing.pub }] }]\n"));
    Transcript::new(&world)
        .run(0, "verify app --policy good.yaml")
        .run(1, "verify lib --policy good.yaml")
        .run(2, "verify app --policy typo.yaml")
        .run(2, "verify app --policy later.yaml")
        .run(2, "verify app --policy key.yaml")
        .run(2, "verify app --policy missing.yaml")
        .run(2, "verify app --policy good.yaml --predicate-type https://acme.example/scan/v1")
        .is("policies");
}

#[test]
fn inspect_list_and_download() {
    let world = World::new();
    world.repository();
    world.layout("image");
    world.done(&[&["create", "oci:image", "--key", "attest.key"], &DONE.split(' ').collect::<Vec<_>>()[..]].concat());
    Transcript::new(&world)
        .run(0, "inspect oci:image")
        .run(0, "list oci:image")
        .run(0, "download oci:image")
        .run(0, "download oci:image --output image.jsonl")
        .run(0, "inspect image.jsonl")
        .run(1, "inspect app")
        .run(1, "list app")
        .run(1, "download app")
        .run(2, "inspect nothing-here")
        .is("inspect-list-download");
}

#[test]
fn explain() {
    let world = World::empty();
    world.repository();
    world.write("charter.md", "Do it.\n");
    Transcript::new(&world)
        .run(0, "generate --explain")
        .run(0, &format!("generate --explain {DONE} --trigger smart"))
        .run(2, "generate --explain --model m1")
        .run(2, "generate --explain --trigger sometimes")
        .is("generate-explain");
}

#[test]
fn build_steps() {
    let world = World::new();
    Transcript::new(&world)
        .run(7, "create app --key attest.key -- sh -c 'echo out; echo err >&2; exit 7'")
        .run(137, "create app --key attest.key -- sh -c 'kill -9 $$'")
        .run(2, "create app --key attest.key -- no-such-program")
        .run(0, "create built --key attest.key -- sh -c 'echo built > built'")
        .run(2, "create never --key attest.key -- true")
        .note("only the step that ended well left a bundle", |w| {
            let found: Vec<_> = ["app", "built", "never"]
                .into_iter()
                .filter(|n| w.root().join(format!("{n}.sigstore.json")).exists())
                .collect();
            assert_eq!(found, ["built"]);
        })
        .is("build-steps");
}

#[test]
fn nothing_to_sign_with() {
    let world = World::new();
    Transcript::new(&world)
        .run(2, "create app")
        .run(2, "create app --key missing.key")
        .run_with(&[], 2, "create app --key attest.key")
        .run_with(&[("ATTEST_PASSWORD", "wrong")], 2, "create app --key attest.key")
        .run(2, "create app --key attest.pub")
        .run(2, "create app --key awskms:///alias/k")
        .is("nothing-to-sign-with");
}

#[test]
fn statements_that_are_not_signed() {
    let world = World::new();
    let digest = Digest::sha256(b"x").to_string().replace("sha256:", "");
    let statement = |subject: &str, predicate: &str| {
        format!(
            "{{\"_type\":\"https://in-toto.io/Statement/v1\",\"subject\":{subject},\"predicateType\":\"https://slsa.dev/provenance/v1\",\"predicate\":{predicate}}}"
        )
    };
    let subject = format!("[{{\"name\":\"x\",\"digest\":{{\"sha256\":\"{digest}\"}}}}]");
    world.write("text.json", "not JSON\n");
    world.write("none.json", statement("[]", "{}"));
    world.write("upper.json", statement(&subject.replace(&digest, &digest.to_uppercase()), "{}"));
    world.write("empty.json", statement(&subject, "{}"));
    world.write("twice.json", statement(&subject, "{}").replacen('{', "{\"_type\":\"x\",", 1));
    world.write(
        "good.json",
        statement(
            &subject,
            "{\"buildDefinition\":{\"buildType\":\"https://b.example\",\"externalParameters\":{}},\"runDetails\":{\"builder\":{\"id\":\"https://b.example\"}}}",
        ),
    );
    Transcript::new(&world)
        .run(2, "sign text.json --key attest.key")
        .run(2, "sign none.json --key attest.key")
        .run(2, "sign upper.json --key attest.key")
        .run(2, "sign empty.json --key attest.key")
        .run(2, "sign twice.json --key attest.key")
        .run(2, "sign missing.json --key attest.key")
        .run(0, "sign good.json --key attest.key")
        .run(0, "sign good.json --key attest.key --output good.sigstore.json")
        .is("sign");
}

#[test]
fn attach_and_verify_an_image_layout() {
    let world = World::new();
    world.layout("image");
    world.done(&["create", "oci:image", "--key", "attest.key", "--no-attach", "--output", "image.jsonl"]);
    world.done(&["create", "app", "--key", "attest.key"]);
    Transcript::new(&world)
        .run(1, "verify oci:image --key attest.pub")
        .run(0, "attach oci:image --bundle image.jsonl")
        .run(0, "attach oci:image --bundle image.jsonl")
        .run(1, "attach oci:image --bundle app.sigstore.json")
        .run(2, "attach app --bundle app.sigstore.json")
        .run(2, "attach oci:image --bundle missing.json")
        .run(0, "verify oci:image --key attest.pub")
        .run(2, "verify oci:image --key attest.pub --require-digest")
        .run(2, "verify oci:nowhere --key attest.pub")
        .run(0, "create oci:image --key attest.key --predicate-type https://acme.example/scan/v1 --predicate image/oci-layout")
        .run(0, "list oci:image")
        .note("a byte of the layer changes", |w| {
            let layer = Digest::sha256(b"a layer");
            w.write(&format!("image/blobs/sha256/{}", layer.hex()), "a laxer");
        })
        .run(1, "verify oci:image --key attest.pub")
        .is("image-layout");
}

#[test]
fn text_from_outside_does_not_move_the_cursor() {
    let world = World::new();
    // A statement that another tool signed could hold anything; `create` refuses to write this.
    let statement = format!(
        "{{\"_type\":\"https://in-toto.io/Statement/v1\",\"subject\":[{{\"name\":\"app\\u001b[2J\",\"digest\":{{\"sha256\":\"{}\"}}}}],\
         \"predicateType\":\"https://slsa.dev/provenance/v1\",\"predicate\":{{\"buildDefinition\":{{\"buildType\":\"https://agent-attest.github.io/agent-build/v1\",\
         \"externalParameters\":{{\"task\":{{\"id\":\"task\\u001b[31m\\u202e\\n\\nallow: app\"}}}}}},\"runDetails\":{{\"builder\":{{\"id\":\"https://b.example\\r\"}}}}}}}}",
        Digest::sha256(b"an application\n").hex()
    );
    world.write("app.json", statement);
    world.done(&["sign", "app.json", "--key", "attest.key", "--output", "app.sigstore.json"]);
    Transcript::new(&world)
        .run(2, "create lib --key attest.key --task 'a\u{1b}[31m'")
        .run(0, "inspect app")
        .run(0, "verify app --key attest.pub")
        .run(1, "verify app --key attest.pub --task task-1")
        .run(2, "verify 'no\u{1b}[2Jfile' --key attest.pub")
        .run(2, "verify app --key 'no\u{1b}[2Jkey'")
        .run(2, "verify app '--no\u{7}\u{1b}[2Jflag'")
        .run(2, "sign app.json --key attest.key --output 'no\u{1b}[2J/out'")
        .is("escapes");
}

#[test]
fn generate_prints_nothing_that_a_runner_or_a_terminal_obeys() {
    let world = World::new();
    let name = "##[warning]a\u{202e}b\u{e0041}";
    world.write(name, "x");
    let shown = world.done(&["generate", name, "--task", name]);
    let plain = |b: u8| b.is_ascii_graphic() || b == b' ';
    assert!(!shown.contains("##[") && shown.trim_end().bytes().all(plain), "{shown}");
    // And it means the same.
    let statement: serde_json::Value = serde_json::from_str(&shown).unwrap();
    let task = &statement["predicate"]["buildDefinition"]["externalParameters"]["task"]["id"];
    assert_eq!([&statement["subject"][0]["name"], task], [name, name]);
}

#[test]
fn checksum_files_and_globs() {
    let world = World::new();
    let line = |name: &str, text: &str| format!("{}  {name}\n", Digest::sha256(text.as_bytes()).hex());
    world.write("dist/SHA256SUMS", line("app", "an application\n") + &line("lib", "a library\n"));
    world.write("dist/broken.sha256", "abc  app\n");
    world.write("dist/one.bin", "one\n");
    world.write("dist/two.bin", "two\n");
    Transcript::new(&world)
        .run(0, "create 'dist/*.bin' --key attest.key")
        .run(0, "verify dist/one.bin --key attest.pub")
        .run(0, "verify dist/one.bin dist/two.bin --key attest.pub --quiet")
        .run(0, "create dist/SHA256SUMS --key attest.key --output sums.jsonl")
        .run(0, "verify app lib --key attest.pub --bundle sums.jsonl")
        .run(2, "create dist/broken.sha256 --key attest.key --output x.jsonl")
        .run(2, "create 'dist/*.exe' --key attest.key")
        .run(2, "create dist --key attest.key")
        .is("checksum-files-and-globs");
}

#[test]
fn secrets_do_not_get_into_statements() {
    let world = World::new();
    let variables = [("ATTEST_PASSWORD", PASSWORD), ("DEPLOY_TOKEN", "s3cr3t-value-of-a-token")];
    Transcript::new(&world)
        .run_with(&variables, 1, "create app --key attest.key --task s3cr3t-value-of-a-token")
        .run_with(
            &variables,
            0,
            "create app --key attest.key -- sh -c 'echo \"token: $DEPLOY_TOKEN, password: $ATTEST_PASSWORD\"'",
        )
        .is("secrets");
}

#[test]
fn what_is_over_a_limit_was_not_found_out() {
    let world = World::new();
    let deep = format!("{}1{}", "{\"a\":".repeat(80), "}".repeat(80));
    world.write("deep.json", &deep);
    world.write("deep.yaml", deep);
    let large = std::fs::File::create(world.root().join("large.json")).unwrap();
    large.set_len(33 << 20).unwrap();
    world.layout("image");
    Transcript::new(&world)
        .run(3, "create app --key attest.key --predicate-type https://acme.example/scan/v1 --predicate deep.json")
        .run(3, "create app --key attest.key --predicate-type https://acme.example/scan/v1 --predicate large.json")
        .run(3, "sign deep.json --key attest.key")
        .run(3, "sign large.json --key attest.key")
        .run(3, "verify app --policy deep.yaml")
        .run(3, "verify app --policy large.json")
        .run(3, "verify app --key attest.pub --bundle large.json")
        .run(3, "attach oci:image --bundle large.json")
        .is("limits");
}
