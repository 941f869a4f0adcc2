//! Subjects as people type them.

use crate::transcript::Transcript;
use crate::world::{PASSWORD, World};
use attest::model::Digest;
use attest::model::oci::IMAGE_INDEX;
use serde_json::{Value, json};
use std::io::Write as _;
use std::process::{Command, Output, Stdio};

fn piped(world: &World, input: &str, args: &[&str]) -> Output {
    let mut program = Command::new(env!("CARGO_BIN_EXE_attest"));
    program.args(args).current_dir(world.root()).env("HOME", world.home()).env("ATTEST_PASSWORD", PASSWORD);
    program.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = program.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

#[test]
fn names_that_are_easily_taken_for_something_else() {
    let world = World::new();
    world.write("icon@2x.png", "an icon\n");
    world.layout("image");
    Transcript::new(&world)
        .run(0, "create icon@2x.png --key attest.key")
        .run(0, "verify icon@2x.png --key attest.pub")
        .run(2, "verify icon@3x.png --key attest.pub")
        .run(2, "verify ghcr.io/Acme/App:v1 --key attest.pub")
        .run(2, "verify https://ghcr.io/acme/app:v1 --key attest.pub")
        .run(2, "verify sha256:4f53 --key attest.pub")
        .run(2, "verify docker://localhost:1/acme/app:v1 --key attest.pub --offline")
        .run(2, "attach sha256:4f53a1c04f53a1c04f53a1c04f53a1c04f53a1c04f53a1c04f53a1c04f53a1c0 --bundle icon@2x.png.sigstore.json")
        .is("subjects-as-typed");
}

#[test]
fn a_listed_file_that_is_here_is_the_one_that_is_listed() {
    let world = World::new();
    world.write("dist/one", "1\n");
    world.write("dist/two", "2\n");
    let sums = |names: &[&str]| {
        let line = |name: &&str| {
            let digest = attest::Digest::sha256(world.read(&format!("dist/{name}")).as_bytes());
            format!("{}  {name}\n", digest.hex())
        };
        world.write("dist/SHA256SUMS", names.iter().map(line).collect::<String>());
    };
    sums(&["one", "two"]);
    world.done(&["create", "dist/SHA256SUMS", "--key", "attest.key"]);
    let verify = || world.attest(&["verify", "dist/SHA256SUMS", "--key", "attest.pub"]);
    assert_eq!(verify().status.code(), Some(0));
    world.write("dist/two", "two\n");
    let out = verify();
    let shown = String::from_utf8_lossy(&out.stdout);
    assert_eq!(out.status.code(), Some(1), "{shown}");
    assert!(shown.starts_with("DENY two ") && shown.contains(": digest-mismatch: `two`"), "{shown}");
    assert!(shown.contains("ALLOW one") && shown.ends_with("1 allowed, 1 denied\n"), "{shown}");
    // Nothing is signed of it either.
    let create = world.attest(&["create", "dist/SHA256SUMS", "--key", "attest.key", "--task", "other"]);
    assert_eq!(create.status.code(), Some(1));
    // One that is not here is what is listed, and that is told.
    std::fs::remove_file(world.root().join("dist/two")).unwrap();
    let out = verify();
    let said = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success() && said.contains("1 of 2 listed files are not here"), "{said}");
}

#[test]
fn a_list_is_not_quoted() {
    let world = World::new();
    std::fs::write(world.home().join("secret"), "machine h password hunter-22-hunter\n").unwrap();
    std::os::unix::fs::symlink(world.home().join("secret"), world.root().join("list")).unwrap();
    for command in ["create", "verify"] {
        let key = if command == "create" { "attest.key" } else { "attest.pub" };
        let out = world.attest(&[command, "--subjects", "list", "--key", key]);
        let said = String::from_utf8_lossy(&out.stderr);
        // What is published is not even read where it leads out.
        let told = if command == "create" { "leads-out-of-checkout" } else { "line 1 of `list`" };
        assert!(out.status.code() == Some(2) && said.contains(told), "{said}");
        assert!(!said.contains("hunter"), "{said}");
    }
}

#[test]
fn one_that_is_missing_hides_no_verdict_on_the_others() {
    let world = World::new();
    world.done(&["create", "app", "--key", "attest.key"]);
    Transcript::new(&world)
        .run(2, "verify app missing lib --key attest.pub")
        .run(2, "verify missing lost --key attest.pub")
        .is("one-subject-missing");
    let out = world.attest(&["verify", "missing", "app", "--key", "attest.pub", "--format", "json"]);
    let answer: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!((out.status.code(), answer["code"].as_str()), (Some(2), Some("file-unreadable")));
    let decided = (&answer["decision"]["verdict"], &answer["decision"]["subjects"][0]["name"]);
    assert_eq!(decided, (&"allow".into(), &"app".into()), "{answer}");
}

#[test]
fn lists_and_checksum_files_mean_the_same_to_create_and_verify() {
    let world = World::new();
    let line = |name: &str, text: &str| format!("{}  {name}\n", Digest::sha256(text.as_bytes()).hex());
    let sums = line("app", "an application\n") + &line("lib", "a library\n");
    world.write("SHA256SUMS", format!("# made by acme\n{sums}MD5 (app) = {}\n", "0".repeat(32)));
    world.write("names.txt", "app\n\n# and\nlib\n");
    Transcript::new(&world)
        .run(0, "create SHA256SUMS --key attest.key")
        .run(0, "verify SHA256SUMS --key attest.pub")
        .run(0, "verify app lib --key attest.pub --quiet")
        .run(0, "verify --subjects names.txt --key attest.pub")
        .run(0, "verify --subjects SHA256SUMS --key attest.pub")
        .run(2, "verify --subjects missing.txt --key attest.pub")
        .run(1, "verify file:SHA256SUMS --key attest.pub")
        .run(0, "create file:SHA256SUMS --key attest.key")
        .run(0, "verify file:SHA256SUMS --key attest.pub")
        .run(0, "verify 'li[b]' --key attest.pub")
        .run(2, "verify '*.exe' --key attest.pub")
        .note("a listed digest is another one", |w| {
            w.write("SHA256SUMS", line("app", "other\n") + &line("lib", "a library\n"))
        })
        .run(1, "verify SHA256SUMS --key attest.pub")
        .is("subject-lists");
    for list in ["app\nlib\n", &sums] {
        for args in [&["verify", "-"][..], &["verify", "--subjects", "-"]] {
            let out = piped(&world, list, &[args, &["--key", "attest.pub"]].concat());
            let said = String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr);
            assert!(out.status.success() && said.contains("2 allowed"), "{said}");
        }
    }
    let none = piped(&world, "\n", &["verify", "-", "--key", "attest.pub"]);
    assert_eq!(none.status.code(), Some(2));
}

#[test]
fn predicate_types_go_by_the_names_that_cosign_has() {
    let world = World::new();
    world.write("sbom.json", "{}");
    for (name, uri) in [("spdx", "https://spdx.dev/Document"), ("openvex", "https://openvex.dev/ns")] {
        world.done(&["create", "app", "--key", "attest.key", "--predicate", "sbom.json", "--predicate-type", name]);
        assert!(world.done(&["verify", "app", "--key", "attest.pub", "--predicate-type", uri]).starts_with("ALLOW"));
        world.done(&["verify", "app", "--key", "attest.pub", "--predicate-type", name]);
    }
    let out = world.attest(&["verify", "app", "--key", "attest.pub", "--predicate-type", "cyclonedx"]);
    assert_eq!(out.status.code(), Some(1));
}

#[test]
fn a_layout_is_named_by_its_tag_and_an_untagged_one_is_warned_of() {
    let world = World::new();
    world.layout("image");
    world.done(&["create", "oci:image", "--key", "attest.key", "--no-attach", "--output", "bundle.json"]);
    let attach = |subject: &str| {
        let out = world.attest(&["attach", subject, "--bundle", "bundle.json"]);
        assert!(out.status.success());
        String::from_utf8(out.stderr).unwrap()
    };
    let index: Value = serde_json::from_str(&world.read("image/index.json")).unwrap();
    let mut tagged = index.clone();
    tagged["manifests"][0]["annotations"] = json!({ "org.opencontainers.image.ref.name": "v1" });
    let said = attach("oci:image");
    assert!(said.contains("two entries") && said.contains("oci:PATH:TAG"), "{said}");
    // Where the image has a tag, other programs see one entry under it.
    world.write("image/index.json", tagged.to_string());
    let said = attach("oci:image:v1");
    assert!(!said.contains("two entries"), "{said}");
    world.done(&["verify", "oci:image:v1", "--key", "attest.pub"]);
    let out = world.attest(&["verify", "oci:image:v2", "--key", "attest.pub"]);
    assert_eq!(out.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&out.stderr).contains("has no tag `v2`"));
}

/// Gigabytes would be hashed for an answer that is there already.
#[test]
fn the_content_of_an_image_that_is_denied_is_not_looked_at() {
    let world = World::new();
    world.layout("image");
    let blobs = world.root().join("image/blobs/sha256");
    let layer = || {
        let files = std::fs::read_dir(&blobs).unwrap().map(|file| file.unwrap().path());
        let is_layer =
            |path: &std::path::PathBuf| serde_json::from_slice::<Value>(&std::fs::read(path).unwrap()).is_err();
        files.into_iter().find(is_layer).unwrap()
    };
    world.done(&["create", "oci:image", "--key", "attest.key"]);
    std::fs::write(layer(), "changed").unwrap();
    let codes = |agent: &[&str]| {
        let args = ["verify", "oci:image", "--key", "attest.pub", "--format", "json"];
        let out = world.attest(&[&args[..], agent].concat());
        assert_eq!(out.status.code(), Some(1));
        let answer: Value = serde_json::from_slice(&out.stdout).unwrap();
        answer["subjects"][0].to_string().contains("digest-mismatch")
    };
    assert!(!codes(&["--agent", "platform/other"]), "it was hashed all the same");
    assert!(codes(&[]), "the twin, whose statement is accepted");
}

#[test]
fn one_of_two_hundred_that_was_changed_is_denied_first_and_counted() {
    let world = World::new();
    let names: Vec<_> = (0..200).map(|n| format!("f{n}")).collect();
    names.iter().for_each(|name| world.write(&format!("many/{name}"), name));
    let line = |name: &String| format!("{}  {name}\n", Digest::sha256(name.as_bytes()).hex());
    world.write("many/SHA256SUMS", names.iter().map(line).collect::<String>());
    world.done(&["create", "many/SHA256SUMS", "--key", "attest.key"]);
    world.write("many/f77", "tampered");
    let out = world.attest(&["verify", "many/SHA256SUMS", "--key", "attest.pub"]);
    let text = String::from_utf8_lossy(&out.stdout);
    assert_eq!(out.status.code(), Some(1));
    assert!(text.starts_with("DENY f77 sha256:") && text.ends_with("\n199 allowed, 1 denied\n"), "{text}");
    let first = text.lines().next().unwrap();
    let found = Digest::sha256(b"tampered").to_string();
    assert!(first.contains(": digest-mismatch: ") && first.ends_with(&format!("found {found}")), "{first}");
    // In JSON it is a decision like the others, and with -q it alone is left to be read.
    let out = world.attest(&["verify", "many/SHA256SUMS", "--key", "attest.pub", "--format", "json"]);
    let answer: Value = serde_json::from_slice(&out.stdout).unwrap();
    let denied: Vec<_> = answer["subjects"].as_array().unwrap().iter().filter(|s| s["verdict"] == "deny").collect();
    assert!(answer["verdict"] == "deny" && denied.len() == 1 && denied[0]["name"] == "f77", "{denied:?}");
    // Alone, too; its twin is the file as it was.
    world.write("one.sum", line(&names[77]));
    world.write("f77", "tampered");
    assert_eq!(world.attest(&["verify", "one.sum", "--key", "attest.pub"]).status.code(), Some(1));
    world.write("many/f77", "f77");
    let text = world.done(&["verify", "many/SHA256SUMS", "--key", "attest.pub"]);
    assert!(text.ends_with("\n200 allowed\n"), "{text}");
}

/// A policy that is met by whatever the key of the world signed, by this agent where one is named.
fn policy(world: &World, name: &str, glob: &str, agent: Option<&str>) {
    let agent = agent.map_or_else(String::new, |agent| format!("\n      agent: {{ ids: [\"{agent}\"] }}"));
    let text = format!(
        "apiVersion: agent-attest.github.io/v1\nkind: AttestationPolicy\nmetadata: {{ name: {name} }}\nspec:\n  images: [{{ glob: \"{glob}\" }}]\n  \
         require:\n    - predicateType: https://slsa.dev/provenance/v1\n      \
         signers: [{{ key: attest.pub, builders: [\"https://agent-attest.github.io/builder/local/v1\"] }}]{agent}\n"
    );
    world.write(&format!("{name}.yaml"), text);
}

/// Exit code of `verify` of a subject under the lax policy and another.
fn under_both(world: &World, subject: &str, other: &str) -> Option<i32> {
    world.attest(&["verify", subject, "--policy", "lax.yaml", "--policy", other]).status.code()
}

#[test]
fn a_policy_about_a_path_holds_however_the_path_is_typed() {
    let world = World::new();
    let root = world.root().canonicalize().unwrap().display().to_string();
    world.write("dist/app", "made\n");
    world.write("other/app", "made\n");
    world.done(&["create", "dist/app", "--key", "attest.key", "--agent", "squad/other"]);
    world.done(&["create", "other/app", "--key", "attest.key", "--agent", "squad/other"]);
    policy(&world, "lax", "file:**", None);
    policy(&world, "whole", &format!("file:{root}/dist/**"), Some("squad/builder"));
    policy(&world, "below", "file:dist/**", Some("squad/builder"));
    let typed = ["dist/app", "./dist//app", "other/../dist/app", &format!("{root}/dist/app")].map(str::to_owned);
    for strict in ["whole.yaml", "below.yaml"] {
        for subject in &typed {
            assert_eq!(under_both(&world, subject, strict), Some(1), "{strict} {subject}");
        }
        // What it is not about, it does not forbid.
        for subject in ["other/app", &format!("{root}/other/app")] {
            assert_eq!(under_both(&world, subject, strict), Some(0), "{strict} {subject}");
        }
    }
    // What is not here is named by a path, too.
    let digest = Digest::sha256(b"made\n");
    let absent = format!("file:{root}/dist/gone@{digest}");
    assert_eq!(under_both(&world, &absent, "below.yaml"), Some(1));
}

#[test]
fn a_policy_about_a_layout_holds_for_what_its_index_lists() {
    let world = World::new();
    let root = world.root().canonicalize().unwrap().display().to_string();
    world.layout("image");
    let mut top: Value = serde_json::from_str(&world.read("image/index.json")).unwrap();
    let image = top["manifests"][0].clone();
    world.done(&["create", "oci:image", "--key", "attest.key", "--agent", "squad/other"]);
    let index = json!({ "schemaVersion": 2, "mediaType": IMAGE_INDEX, "manifests": [image] }).to_string();
    let digest = Digest::sha256(index.as_bytes());
    world.write(&format!("image/blobs/sha256/{}", digest.hex()), &index);
    let listed = json!({ "mediaType": IMAGE_INDEX, "digest": digest.to_string(), "size": index.len() });
    top = serde_json::from_str(&world.read("image/index.json")).unwrap();
    top["manifests"][0] = listed;
    world.write("image/index.json", top.to_string());
    policy(&world, "lax", "oci:**", None);
    policy(&world, "whole", &format!("oci:{root}/image"), Some("squad/builder"));
    policy(&world, "elsewhere", &format!("oci:{root}/other"), Some("squad/builder"));
    let subject = format!("oci:image@{digest}");
    assert_eq!(under_both(&world, &subject, "elsewhere.yaml"), Some(0));
    assert_eq!(under_both(&world, &subject, "whole.yaml"), Some(1));
}
