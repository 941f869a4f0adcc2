//! The scripts of `release/` that make a release of a program that was built: the same files from the same program, whoever
//! packs it, where and when. That the program itself is built to the same bytes, `tests/reproducible.sh` tries.
#![expect(clippy::disallowed_methods, reason = "a test: runs the scripts and reads what they write")]
#![expect(clippy::print_stderr, reason = "says what was skipped")]

use attest::model::Digest;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Contents by path below a folder.
type Files = BTreeMap<String, Vec<u8>>;

fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Whether jq is here, which the scripts need: `.ci/run` installs it and insists.
fn has_jq() -> bool {
    let here = Command::new("jq").arg("--version").output().is_ok();
    assert!(here || std::env::var_os("ATTEST_VECTORS").is_none_or(|v| v != "required"), "jq is needed");
    if !here {
        eprintln!("skipped: jq is not here");
    }
    here
}

fn run(script: &str, arguments: &[&Path], umask: &str, variables: &[(&str, &str)]) {
    run_in(top(), script, arguments, umask, variables);
}

/// Runs a script of a checkout.
fn run_in(checkout: &Path, script: &str, arguments: &[&Path], umask: &str, variables: &[(&str, &str)]) {
    let shell = format!("umask {umask} && exec \"$0\" \"$@\"");
    let mut command = Command::new("sh");
    command.args(["-c", &shell]).arg(checkout.join("release").join(script)).args(arguments);
    command.env("CARGO_NET_OFFLINE", "true").env("SOURCE_DATE_EPOCH", "1700000000").envs(variables.iter().copied());
    let out = command.output().unwrap();
    assert!(out.status.success(), "{script}: {}", String::from_utf8_lossy(&out.stderr));
}

/// A program that is the one under test, and small.
fn program(folder: &Path, says: &str) -> PathBuf {
    let path = folder.join("built");
    fs::write(&path, format!("#!/bin/sh\n# {says}\nexec '{}' \"$@\"\n", env!("CARGO_BIN_EXE_attest"))).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

fn below(folder: &Path) -> Files {
    let find = Command::new("find").args([".", "-type", "f"]).current_dir(folder).output().unwrap();
    let paths = String::from_utf8(find.stdout).unwrap();
    paths.lines().map(|path| (path.trim_start_matches("./").to_owned(), fs::read(folder.join(path)).unwrap())).collect()
}

/// A release in a folder of its own.
fn release(says: &str, umask: &str, variables: &[(&str, &str)]) -> (tempfile::TempDir, Files) {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("dist");
    run("pack.sh", &[&program(folder.path(), says), &out], umask, variables);
    run("finish.sh", &[&out], umask, variables);
    let files = below(&out);
    (folder, files)
}

fn digest(bytes: &[u8]) -> String {
    Digest::sha256(bytes).hex().to_owned()
}

/// The name of the only file with that ending.
fn named<'a>(files: &'a Files, ending: &str) -> &'a str {
    let mut found = files.keys().filter(|name| name.ends_with(ending));
    match (found.next(), found.next()) {
        (Some(name), None) => name,
        _ => panic!("not one {ending}: {:?}", files.keys()),
    }
}

fn json(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap()
}

#[test]
fn the_same_program_is_packed_to_the_same_bytes_and_a_changed_one_to_others() {
    if !has_jq() {
        return;
    }
    let (_first_folder, first) = release("one", "022", &[]);
    // Another folder, mask, language and zone, and later.
    std::thread::sleep(std::time::Duration::from_millis(1100));
    let elsewhere =
        [("TZ", "Asia/Tokyo"), ("LC_ALL", "C.UTF-8"), ("LANG", "de_DE.UTF-8"), ("GZIP", ""), ("COLUMNS", "40")];
    let (_second_folder, second) = release("one", "077", &elsewhere);
    assert_eq!(first.keys().collect::<Vec<_>>(), second.keys().collect::<Vec<_>>());
    for (name, bytes) in &first {
        assert!(second[name] == *bytes, "{name} differs");
    }

    let (_third_folder, third) = release("two", "022", &[]);
    for ending in [".tar.gz", ".cdx.json", "index.json", "releases.json", "SHA256SUMS"] {
        assert!(first[named(&first, ending)] != third[named(&third, ending)], "{ending} does not change");
    }
    let (_later_folder, later) = release("one", "022", &[("SOURCE_DATE_EPOCH", "1700000001")]);
    assert!(first[named(&first, ".tar.gz")] != later[named(&later, ".tar.gz")]);
    is_whole(&first);
}

/// What is in a release, and that each part names the others as they are.
fn is_whole(files: &Files) {
    let archive = named(files, ".tar.gz");
    let target = archive.trim_start_matches("attest-").trim_end_matches(".tar.gz");
    let sums = String::from_utf8(files["SHA256SUMS"].clone()).unwrap();
    let listed: Vec<_> = sums.lines().map(|line| line.split_once("  ").unwrap()).collect();
    let wanted = [archive, &format!("attest-{target}.cdx.json"), "install.sh", "releases.json"];
    assert_eq!(listed.iter().map(|(_, name)| *name).collect::<Vec<_>>(), wanted);
    assert!(listed.iter().all(|(sum, name)| *sum == digest(&files[*name])), "{sums}");

    let row = &json(&files["releases.json"])["releases"][0];
    assert_eq!((row["target"].as_str(), row["sha256"].as_str()), (Some(target), Some(&*digest(&files[archive]))));
    let version = format!("v{}", env!("CARGO_PKG_VERSION"));
    let url = format!("https://github.com/agent-attest/attest/releases/download/{version}/{archive}");
    assert_eq!((row["version"].as_str(), row["url"].as_str()), (Some(&*version), Some(&*url)));
    materials(&json(&files[&format!("attest-{target}.cdx.json")]));
    image(files);
}

fn materials(bill: &Value) {
    assert_eq!((bill["bomFormat"].as_str(), bill["specVersion"].as_str()), (Some("CycloneDX"), Some("1.6")));
    let program = &bill["metadata"]["component"];
    assert_eq!((program["name"].as_str(), program["hashes"][0]["alg"].as_str()), (Some("attest"), Some("SHA-256")));
    let parts = bill["components"].as_array().unwrap();
    let scope = |name: &str| parts.iter().find(|p| p["name"] == name).map(|p| p["scope"].as_str().unwrap().to_owned());
    // What is linked, what only helps to build, and what a test needs.
    for (name, wanted) in [("rustls", Some("required")), ("serde_derive", Some("excluded")), ("cc", Some("excluded"))] {
        assert_eq!(scope(name).as_deref(), wanted, "{name}");
    }
    for absent in ["snapbox", "divan", "jsonschema", "ring"] {
        assert_eq!(scope(absent), None, "{absent}");
    }
    let (mut references, mut depends) = (Vec::new(), Vec::new());
    for part in parts {
        let named = part["licenses"][0]["expression"].is_string() && part["purl"].as_str().unwrap().starts_with("pkg:");
        assert!(named && (part["hashes"][0]["content"].is_string() || part["name"] == "rust-std"), "{part}");
        references.push(part["bom-ref"].as_str().unwrap());
    }
    references.push(program["bom-ref"].as_str().unwrap());
    for entry in bill["dependencies"].as_array().unwrap() {
        depends.push(entry["ref"].as_str().unwrap());
        for on in entry["dependsOn"].as_array().unwrap() {
            assert!(references.contains(&on.as_str().unwrap()), "{on} is no component");
        }
    }
    references.sort_unstable();
    depends.sort_unstable();
    assert_eq!(references, depends);
}

fn image(files: &Files) {
    let blob = |descriptor: &Value| {
        let digest_of = descriptor["digest"].as_str().unwrap().trim_start_matches("sha256:");
        let bytes = &files[&format!("image/blobs/sha256/{digest_of}")];
        assert_eq!((digest(bytes).as_str(), Some(bytes.len() as u64)), (digest_of, descriptor["size"].as_u64()));
        bytes.clone()
    };
    let index = json(&blob(&json(&files["image/index.json"])["manifests"][0]));
    assert_eq!(index["manifests"].as_array().unwrap().len(), 1);
    let manifest = json(&blob(&index["manifests"][0]));
    let config = json(&blob(&manifest["config"]));
    assert_eq!((config["config"]["User"].as_str(), config["os"].as_str()), (Some("65532:65532"), Some("linux")));
    assert_eq!(config["architecture"], index["manifests"][0]["platform"]["architecture"]);
    assert_eq!(config["config"]["Entrypoint"][0], "/usr/bin/attest");
    assert_eq!(config["config"]["Labels"]["org.opencontainers.image.version"], env!("CARGO_PKG_VERSION"));
    let folder = tempfile::tempdir().unwrap();
    let layer = folder.path().join("layer");
    fs::write(&layer, blob(&manifest["layers"][0])).unwrap();
    let listed = Command::new("tar").args(["-tvzf"]).arg(&layer).output().unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    let program = listed.lines().find(|line| line.ends_with(" usr/bin/attest")).unwrap_or_else(|| panic!("{listed}"));
    assert!(program.starts_with("-rwxr-xr-x 0/0 "), "{program}");
    assert!(listed.contains(" etc/passwd\n") && listed.contains(" usr/share/attest/licences/crates.txt\n"), "{listed}");
    // Everything that lies there is named by something.
    assert_eq!(files.keys().filter(|name| name.starts_with("image/blobs/")).count(), 4);
}

#[test]
fn an_image_of_another_platform_joins_the_index() {
    if !has_jq() {
        return;
    }
    let (folder, files) = release("one", "022", &[]);
    let dist = folder.path().join("dist");
    let archive = named(&files, ".tar.gz").trim_end_matches(".tar.gz").to_owned();
    let other = match archive.contains("x86_64") {
        true => archive.replace("x86_64", "aarch64"),
        false => archive.replace("aarch64", "x86_64"),
    };
    // What a build on such a machine would leave.
    let pack = "mkdir x && tar -xzf \"$0.tar.gz\" -C x && mv \"x/$0\" \"x/$1\" && tar -czf \"$1.tar.gz\" -C x \"$1\" && rm -r x && \
                cp \"$0.cdx.json\" \"$1.cdx.json\"";
    let packed = Command::new("sh").args(["-c", pack, &archive, &other]).current_dir(&dist).status();
    assert!(packed.unwrap().success());
    run("finish.sh", &[&dist], "022", &[]);
    let files = below(&dist);
    let index = json(&files["image/index.json"]);
    let index = index["manifests"][0]["digest"].as_str().unwrap().replace("sha256:", "image/blobs/sha256/");
    let platforms = json(&files[&index]);
    let platforms = platforms["manifests"].as_array().unwrap().iter().map(|m| m["platform"]["architecture"].clone());
    assert_eq!(platforms.collect::<Vec<_>>(), ["amd64", "arm64"]);
    assert_eq!(json(&files["releases.json"])["releases"].as_array().unwrap().len(), 2);
}

#[test]
fn releases_of_before_stay_in_the_list_behind_the_new_one() {
    if !has_jq() {
        return;
    }
    let (folder, files) = release("one", "022", &[]);
    let row = |version: &str| {
        let url = format!("https://example.org/{version}/attest-{version}.tar.gz");
        format!(r#"  {{ "version": "{version}", "target": "t", "url": "{url}", "sha256": "{}" }}"#, "0".repeat(64))
    };
    let current = format!("v{}", env!("CARGO_PKG_VERSION"));
    let checkout = folder.path().join("checkout");
    fs::create_dir_all(checkout.join("action")).unwrap();
    for name in ["release", "install.sh"] {
        assert!(Command::new("cp").arg("-R").arg(top().join(name)).arg(&checkout).status().unwrap().success());
    }
    let listed = format!("{{ \"releases\": [\n{},\n{},\n{}\n] }}\n", row(&current), row("v0.0.9"), row("v0.0.8"));
    fs::write(checkout.join("action/releases.json"), &listed).unwrap();
    let dist = folder.path().join("dist");
    run_in(&checkout, "finish.sh", &[&dist], "022", &[]);
    let releases = json(&fs::read(dist.join("releases.json")).unwrap());
    let found: Vec<_> =
        releases["releases"].as_array().unwrap().iter().map(|r| (&r["version"], &r["sha256"])).collect();
    let (current, archive) = (Value::from(current), Value::from(digest(&files[named(&files, ".tar.gz")])));
    let (older, oldest, none) = (Value::from("v0.0.9"), Value::from("v0.0.8"), Value::from("0".repeat(64)));
    assert_eq!(found, [(&current, &archive), (&older, &none), (&oldest, &none)]);
}

/// What the build script says of a build in a folder.
fn said_of_build(folder: &Path, commit: Option<&str>) -> Vec<String> {
    let program = folder.join("../build-script");
    if !program.exists() {
        let mut rustc = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
        let made = rustc.args(["--edition", "2024", "-o"]).arg(&program).arg(top().join("build.rs")).status();
        assert!(made.unwrap().success());
    }
    let mut script = Command::new(program);
    script.current_dir(folder).env_clear().env("TARGET", "a-target").envs(commit.map(|c| ("ATTEST_BUILD_COMMIT", c)));
    let out = script.output().unwrap();
    let lines = String::from_utf8(out.stdout).unwrap();
    let told = |line: &&str| !line.starts_with("cargo::rerun-if-");
    lines.lines().filter(told).map(|line| line.trim_start_matches("cargo::").to_owned()).collect()
}

#[test]
fn a_build_names_a_commit_only_where_somebody_vouches_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let package = folder.path().join("package");
    fs::create_dir(&package).unwrap();
    let (one, other) = ("1".repeat(40), "2".repeat(40));
    let target = "rustc-env=ATTEST_TARGET=a-target".to_owned();
    let names = |commit: &str| vec![target.clone(), format!("rustc-env=ATTEST_COMMIT={commit}")];
    // A checkout, of which nobody says anything.
    assert!(Command::new("git").args(["init", "-q"]).arg(&package).status().unwrap().success());
    assert_eq!(said_of_build(&package, None), [target.as_str()]);
    assert_eq!(said_of_build(&package, Some("")), [target.as_str()]);
    assert_eq!(said_of_build(&package, Some(&one)), names(&one));
    // A package that cargo made of a commit, and one of files that differed from it.
    let packaged = |dirty: &str| {
        let text = format!("{{\n  \"git\": {{\n    \"sha1\": \"{other}\"{dirty}\n  }},\n  \"path_in_vcs\": \"\"\n}}");
        fs::write(package.join(".cargo_vcs_info.json"), text).unwrap();
    };
    packaged("");
    assert_eq!(said_of_build(&package, None), names(&other));
    assert_eq!(said_of_build(&package, Some(&one)), names(&one));
    packaged(",\n    \"dirty\": true");
    assert_eq!(said_of_build(&package, None), [target.as_str()]);
    for wrong in ["main", &one[1..], &"A".repeat(40)] {
        assert!(said_of_build(&package, Some(wrong))[1].starts_with("error=ATTEST_BUILD_COMMIT: expected a commit"));
    }
}
