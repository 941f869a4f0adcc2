//! What acts for whoever signs is found before the build step: a step that puts a program in its place, writes over one
//! or names one is neither handed what it was not, nor signs.

use crate::world::{PASSWORD, World};
use attest::model::oci::IMAGE_MANIFEST;
use attest::testing::registry::{Access, Behaviour, TestRegistry};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::json;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Output;

/// What a step is not handed, and what it is.
const HANDED: &[(&str, &str)] = &[
    ("ATTEST_PASSWORD", PASSWORD),
    ("ATTEST_PKCS11_PIN", "pin-value"),
    ("ACTIONS_ID_TOKEN_REQUEST_URL", "http://127.0.0.1:1/token"),
    ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "request-token-value"),
    ("COSIGN_PASSWORD", "cosign-password-value"),
    ("ATTEST_IDENTITY_TOKEN", "attest-token-value"),
    ("KEPT", "kept"),
];

/// Notes its variables in `FILE.ran`, then does as told.
fn program(path: &Path, then: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, format!("#!/bin/sh\nenv >'{}.ran'\n{then}\n", path.display())).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// The variables that a program was started with; `None` if it was not.
fn ran(path: &Path) -> Option<String> {
    fs::read_to_string(format!("{}.ran", path.display())).ok()
}

struct Scene {
    world: World,
    registry: TestRegistry,
    image: String,
}

impl Scene {
    /// A checkout, and a registry that wants `user` and `secret`.
    fn new() -> Self {
        let world = World::new();
        world.repository();
        let access = Access::Basic { username: "user".into(), password: "secret".into() };
        let registry = TestRegistry::start(Behaviour { access, ..Behaviour::default() });
        let config = registry.put_blob("demo/app", b"{}");
        let manifest = json!({
            "schemaVersion": 2, "mediaType": IMAGE_MANIFEST, "layers": [],
            "config": { "mediaType": "application/vnd.oci.image.config.v1+json", "digest": config.to_string(), "size": 2 },
        });
        let image = registry.put_manifest("demo/app", None, IMAGE_MANIFEST, manifest.to_string().as_bytes());
        let image = format!("{}@{}", registry.name("demo/app"), image.digest);
        Self { world, registry, image }
    }

    fn bin(&self) -> PathBuf {
        self.world.home().join(".local/bin")
    }

    fn helper(&self) -> PathBuf {
        self.bin().join("docker-credential-zz")
    }

    /// What an honest helper answers.
    fn answer(&self) -> String {
        let server = self.registry.name("demo/app");
        let server = server.split('/').next().unwrap().to_owned();
        format!(
            r#"[ "$(cat)" = {server} ] || exit 1; echo '{{"ServerURL":"{server}","Username":"user","Secret":"secret"}}'"#
        )
    }

    fn docker(&self, config: &serde_json::Value) {
        fs::create_dir_all(self.world.home().join(".docker")).unwrap();
        fs::write(self.world.home().join(".docker/config.json"), config.to_string()).unwrap();
    }

    /// With these folders first in `PATH`.
    fn attest(&self, first: &str, more: &[(&str, &str)], args: &[&str]) -> Output {
        let path = format!("{first}:{}", std::env::var("PATH").unwrap());
        self.world.attest_with(&[HANDED, &[("PATH", path.as_str())], more].concat(), args)
    }

    fn create(&self, key: &str, step: &str) -> Output {
        let bin = self.bin().display().to_string();
        self.attest(&bin, &[], &["create", &self.image, "--key", key, "--", "sh", "-c", step])
    }
}

#[track_caller]
fn ends(out: &Output, exit: i32, word: &str) {
    let err = String::from_utf8_lossy(&out.stderr);
    assert_eq!(out.status.code(), Some(exit), "{err}");
    assert!(err.contains(word), "{word}: {err}");
}

/// Shell that writes a program which notes that it ran.
fn writes(path: &Path) -> String {
    let path = path.display();
    format!("mkdir -p $(dirname {path}); printf '#!/bin/sh\\nenv >{path}.ran\\nexit 1\\n' >{path}; chmod +x {path}")
}

#[test]
fn a_credential_helper_that_a_step_writes_and_names_is_not_run() {
    let scene = Scene::new();
    let names = r#"mkdir -p ~/.docker; echo '{"credsStore":"zz"}' >~/.docker/config.json"#;
    let step = format!("{}; {names}", writes(&scene.helper()));
    // Where the registry would not take a push, the step is not even run.
    ends(&scene.create("attest.key", &step), 3, "registry-unauthorized");
    assert!(!scene.helper().exists());

    // It would take one before the step, which then names the helper that it wrote: the configuration of before counts.
    let host = scene.image.split('/').next().unwrap();
    scene.docker(&json!({ "auths": { host: { "auth": STANDARD.encode("user:secret") } } }));
    ends(&scene.create("attest.key", &step), 0, "what it said before counts");
    assert!(scene.helper().exists());
    assert_eq!(ran(&scene.helper()), None);

    // Named before the step, and not there before it.
    fs::remove_file(scene.helper()).unwrap();
    ends(&scene.create("attest.key", &writes(&scene.helper())), 3, "registry-unauthorized");
    assert_eq!(ran(&scene.helper()), None);

    // The twin is there before it: asked after the step, without what the step is not handed.
    program(&scene.helper(), &scene.answer());
    ends(&scene.create("attest.key", "true"), 0, "");
    let handed = ran(&scene.helper()).unwrap();
    assert!(handed.contains("KEPT=kept"), "{handed}");
    for (name, _) in HANDED.iter().filter(|(name, _)| *name != "KEPT") {
        assert!(!handed.contains(name), "{name}: {handed}");
    }

    // Written over by the step, it is not the one that was found.
    let forgets = format!("rm {}.ran; {}", scene.helper().display(), writes(&scene.helper()));
    ends(&scene.create("attest.key", &forgets), 2, "program-changed");
    assert_eq!(ran(&scene.helper()), None);
}

#[test]
fn what_a_configuration_said_before_the_step_is_what_counts() {
    let scene = Scene::new();
    program(&scene.helper(), "exit 1");
    let server = scene.image.split('/').next().unwrap();
    scene.docker(&json!({ "auths": { server: { "auth": "dXNlcjpzZWNyZXQ=" } } }));
    let out = scene.create("attest.key", r#"echo '{"credsStore":"zz"}' >~/.docker/config.json"#);
    ends(&out, 0, "the build step changed");
    assert_eq!(ran(&scene.helper()), None);
    // The twin: what it says when there is no step in between.
    ends(
        &scene.attest(&scene.bin().display().to_string(), &[], &["list", &scene.image]),
        3,
        "it ended with exit status: 1",
    );
    assert!(ran(&scene.helper()).is_some());
}

#[test]
fn a_helper_or_configuration_of_the_checkout_never_counts() {
    let scene = Scene::new();
    scene.docker(&json!({ "credsStore": "zz" }));
    let inside = scene.world.root().join("node_modules/.bin/docker-credential-zz");
    program(&inside, &scene.answer());
    // A folder of the search path may be a link, and so may a program: the checkout would choose what runs.
    std::os::unix::fs::symlink(inside.parent().unwrap(), scene.world.home().join("linked")).unwrap();
    let link = scene.bin().join("docker-credential-zz");
    fs::create_dir_all(scene.bin()).unwrap();
    std::os::unix::fs::symlink(&inside, &link).unwrap();
    let [absolute, linked, bin] =
        [inside.parent().unwrap(), &scene.world.home().join("linked"), &scene.bin()].map(|p| p.display().to_string());
    let verify = ["verify", &scene.image, "--key", "attest.pub"];
    let bundle = ["attach", &scene.image, "--bundle", "image.jsonl"];
    scene.world.done(&["create", &scene.image, "--key", "attest.key", "--no-attach", "--output", "image.jsonl"]);
    for first in [absolute.as_str(), "node_modules/.bin", "./node_modules/.bin", &linked, &bin] {
        for args in [&verify[..], &["list", &scene.image], &bundle] {
            let out = scene.attest(first, &[], args);
            let all = [out.stdout.as_slice(), &out.stderr].concat();
            let all = String::from_utf8_lossy(&all);
            assert!(all.contains("no such program in PATH outside the checkout"), "{first}: {all}");
            assert_eq!(ran(&inside), None, "{first} {args:?}");
        }
    }
    // The twin lies elsewhere.
    fs::remove_file(&link).unwrap();
    program(&link, &scene.answer());
    ends(&scene.attest(&bin, &[], &verify), 1, "make one with `attest create`");
    assert!(ran(&link).is_some());
    // A configuration of the checkout is not read either.
    scene.world.write(".docker/config.json", json!({ "credsStore": "zz" }).to_string());
    for folder in [scene.world.root().join(".docker").to_str().unwrap(), ".docker"] {
        fs::remove_file(format!("{}.ran", link.display())).unwrap();
        let out = scene.attest(&bin, &[("DOCKER_CONFIG", folder)], &["list", &scene.image]);
        ends(&out, 3, "is reached through the checkout");
        assert_eq!(ran(&link), None);
        ends(&scene.attest(&bin, &[], &["list", &scene.image]), 1, "make one with `attest create`");
    }
}

#[test]
fn a_signer_that_a_step_changes_does_not_sign() {
    let scene = Scene::new();
    let signer = scene.world.home().join("signer");
    let key = format!("exec:{}", signer.display());
    let create = |key: &str, step: &str| {
        let args = ["create", "app", "--key", key, "--", "sh", "-c", step];
        scene.attest(&scene.bin().display().to_string(), &[], &args)
    };
    program(&signer, r#"echo '{"error":"as told"}'"#);
    // The twin is started, and handed what docs/exec-signer.md names.
    fs::create_dir_all(scene.world.root().join("node_modules/.bin")).unwrap();
    let inside = scene.world.root().join("node_modules/.bin").display().to_string();
    let (bin, later) = (scene.world.home().display().to_string(), scene.bin().display().to_string());
    let path = format!("{inside}:node_modules/.bin:.:{later}:{bin}");
    let out = scene.attest(&path, &[], &["create", "app", "--key", &key, "--", "mkdir", "-p", &later]);
    ends(&out, 3, "as told");
    let handed = ran(&signer).unwrap();
    // What it looks for by name, it finds neither in the checkout nor where the step could first make a folder.
    let rest = handed.lines().find_map(|l| l.strip_prefix("PATH=")).unwrap();
    assert!(rest.starts_with(&format!("{bin}:")) && !rest.contains("node_modules"), "{rest}");
    for (name, _) in HANDED {
        let is_handed = !["COSIGN_PASSWORD", "ATTEST_IDENTITY_TOKEN"].contains(name);
        assert_eq!(handed.contains(&format!("{name}=")), is_handed, "{name}: {handed}");
    }
    fs::remove_file(format!("{}.ran", signer.display())).unwrap();
    ends(&create(&key, &writes(&signer)), 2, "program-changed");
    ends(&create(&key, &format!("rm {}", signer.display())), 2, "program-changed");
    assert_eq!(ran(&signer), None);

    // A file that an argument names, as an interpreter's script is.
    program(&signer, r#"echo '{"error":"as told"}'"#);
    let key = format!("exec:/bin/sh {}", signer.display());
    ends(&create(&key, "true"), 3, "as told");
    fs::remove_file(format!("{}.ran", signer.display())).unwrap();
    ends(&create(&key, &writes(&signer)), 2, "program-changed");
    assert_eq!(ran(&signer), None);

    // What interprets it: `env` would take whatever comes first in PATH by then.
    program(&signer, "");
    let interpreter = scene.world.home().join("tools/interpreter");
    program(&interpreter, r#"echo '{"error":"as told"}'"#);
    fs::write(&signer, "#!/usr/bin/env -S interpreter -u\n").unwrap();
    let path = [scene.bin(), interpreter.parent().unwrap().to_owned()].map(|p| p.display().to_string()).join(":");
    fs::create_dir_all(scene.bin()).unwrap();
    let key = format!("exec:{}", signer.display());
    let create = |step: &str| scene.attest(&path, &[], &["create", "app", "--key", &key, "--", "sh", "-c", step]);
    ends(&create("true"), 3, "as told");
    let shadow = scene.bin().join("interpreter");
    ends(&create(&writes(&shadow)), 2, "program-changed");
    assert_eq!(ran(&shadow), None);
}

#[test]
fn a_file_that_an_argument_of_a_signer_names_is_what_it_was() {
    let scene = Scene::new();
    let (home, root) = (scene.world.home().to_owned(), scene.world.root().to_owned());
    let signer = home.join("signer");
    program(&signer, r#"echo '{"error":"as told"}'"#);
    let create = |arguments: &str, step: &str| {
        let key = format!("exec:{} {arguments}", signer.display()).replace("HOME", &home.display().to_string());
        let step = step.replace("HOME", &home.display().to_string());
        scene.attest("/nonexistent", &[], &["create", "app", "--key", &key, "--", "sh", "-c", &step])
    };
    let clean = || {
        for folder in [&home, &root] {
            for name in ["kms.json", "other.json", "link.json", "folder", "other", "kms.json.bak"] {
                let path = folder.join(name);
                let _ = fs::remove_dir_all(&path).or_else(|_| fs::remove_file(&path));
            }
        }
        let _ = fs::remove_file(format!("{}.ran", signer.display()));
        fs::write(home.join("kms.json"), "{}").unwrap();
        fs::write(home.join("other.json"), "{\"key\":\"other\"}").unwrap();
        fs::create_dir(home.join("folder")).unwrap();
        fs::create_dir(home.join("other")).unwrap();
        fs::write(home.join("folder/inner.json"), "{}").unwrap();
        fs::write(home.join("other/inner.json"), "{}").unwrap();
        std::os::unix::fs::symlink("kms.json", home.join("link.json")).unwrap();
    };
    for (arguments, step) in [
        // Written over.
        ("HOME/kms.json", "echo >>HOME/kms.json"),
        ("--config=HOME/kms.json", "echo >>HOME/kms.json"),
        ("--config HOME/kms.json", "cp HOME/other.json HOME/kms.json"),
        ("-cHOME/kms.json", "rm HOME/kms.json"),
        ("config=HOME/kms.json", "echo >>HOME/kms.json"),
        ("--configs=HOME/other.json,HOME/kms.json", "echo >>HOME/kms.json"),
        ("@HOME/kms.json", "echo >>HOME/kms.json"),
        ("--key=file://HOME/kms.json", "echo >>HOME/kms.json"),
        // A link of it turned, or one on the way to it: to a file of the same bytes, too.
        ("--config=HOME/link.json", "ln -sfn other.json HOME/link.json"),
        ("HOME/link.json", "cp HOME/kms.json HOME/kms.json.bak; ln -sfn kms.json.bak HOME/link.json"),
        ("--config=HOME/link.json", "echo >>HOME/kms.json"),
        ("--folder=HOME/folder", "rm -r HOME/folder; ln -s other HOME/folder"),
        ("--config=HOME/folder/inner.json", "mv HOME/folder HOME/was; ln -s other HOME/folder; rm -r HOME/was"),
        // Made: in the working folder, and elsewhere.
        ("--config=made.json", "echo '{}' >made.json"),
        ("made.json", "echo '{}' >made.json"),
        ("HOME/made/made.json", "mkdir -p HOME/made; echo '{}' >HOME/made/made.json"),
        ("--config=HOME/folder/made.json", "ln -s ../kms.json HOME/folder/made.json"),
    ] {
        clean();
        let out = create(arguments, step);
        ends(&out, 2, "program-changed");
        assert_eq!(ran(&signer), None, "{arguments}: {step}");
        let _ = fs::remove_file(root.join("made.json"));
        let _ = fs::remove_dir_all(home.join("made"));
        // The twin: the step changes another file.
        clean();
        ends(&create(arguments, "echo >HOME/unrelated.json; mkdir -p HOME/other"), 3, "as told");
        assert!(ran(&signer).is_some(), "{arguments}");
    }
    // What the signer itself writes is no change: it is asked twice, for its key and for a signature.
    let pem = fs::read_to_string(root.join("attest.pub")).unwrap();
    let answer = json!({ "publicKey": pem });
    program(&signer, &format!("echo asked >>{}/signer.log; cat >/dev/null; printf '%s' '{answer}'", home.display()));
    let out = create("--log=HOME/signer.log", "true");
    ends(&out, 3, "signing-answer-malformed");
    assert_eq!(fs::read_to_string(home.join("signer.log")).unwrap().lines().count(), 2);
}

/// A scene with a signer in a folder of `PATH`, one of the same name elsewhere, and a folder in which the step may write
/// that comes first in `PATH`.
fn wrapped() -> (Scene, impl Fn(&Scene, &str, &str) -> Output) {
    let scene = Scene::new();
    for folder in ["tools", "other", "first"] {
        fs::create_dir(scene.world.home().join(folder)).unwrap();
    }
    program(&scene.world.home().join("tools/kms"), r#"echo '{"error":"as told"}'"#);
    let create = |scene: &Scene, key: &str, step: &str| {
        let home = scene.world.home().display().to_string();
        let [key, step] = [key, step].map(|t| t.replace("HOME", &home));
        let key = format!("exec:{key}");
        let args = ["create", "app", "--key", &key, "--", "sh", "-c", &step];
        scene.attest(&format!("{home}/first:{home}/tools"), &[], &args)
    };
    (scene, create)
}

#[test]
fn what_a_wrapper_would_find_in_path_is_found_before_the_step() {
    let (scene, create) = wrapped();
    let tool = scene.world.home().join("tools/kms");
    let first = scene.world.home().join("first/kms");
    let clean = || {
        // Not written over: it may be a link now.
        for file in [&first, &tool, &scene.world.home().join("other/kms")] {
            let _ = fs::remove_file(file);
        }
        program(&tool, r#"echo '{"error":"as told"}'"#);
        let _ = fs::remove_file(format!("{}.ran", tool.display()));
    };
    let shadow = writes(&first);
    for (key, step) in [
        ("env kms", shadow.as_str()),
        ("env -u X A=b kms --key release", &shadow),
        ("nice -n 1 kms", &shadow),
        ("timeout 50 kms", &shadow),
        ("nohup kms", &shadow),
        ("env nice env kms", &shadow),
        ("xargs -a /dev/null kms", &shadow),
        ("sh -c kms", &shadow),
        // Written over where it is, taken away, or turned to another.
        ("env kms", "echo exit >>HOME/tools/kms"),
        ("timeout 50 kms", "cp HOME/tools/kms HOME/other/kms; ln -sf HOME/other/kms HOME/tools/kms"),
        ("nice kms", "rm HOME/tools/kms"),
        // Where a wrapper is told to look.
        ("env PATH=HOME/other:/usr/bin:/bin:HOME/tools kms", "cp HOME/tools/kms HOME/other/kms"),
        ("env -C HOME/other sh ./kms", "cp HOME/tools/kms HOME/other/kms"),
    ] {
        clean();
        let out = create(&scene, key, step);
        ends(&out, 2, "program-changed");
        assert_eq!((ran(&tool), ran(&first)), (None, None), "{key}: {step}");
        // The twin: the step puts another program there.
        if !key.contains("other") {
            clean();
            ends(&create(&scene, key, &writes(&scene.world.home().join("first/unrelated"))), 3, "as told");
            assert!(ran(&tool).is_some(), "{key}");
        }
    }
    // One that is in no folder, and comes.
    clean();
    fs::remove_file(&tool).unwrap();
    ends(&create(&scene, "env kms", "true"), 3, "signing-unavailable");
    ends(&create(&scene, "env kms", &shadow), 2, "program-changed");
}

#[test]
fn a_script_that_a_first_line_names_is_what_it_was() {
    let (scene, create) = wrapped();
    let home = scene.world.home().to_owned();
    let script = home.join("other/script");
    let signer = home.join("tools/signer");
    for line in [
        "#!/bin/sh HOME/other/script",
        "#!/usr/bin/env -S sh HOME/other/script",
        "#!/usr/bin/env -S nice sh HOME/other/script",
    ] {
        let write = || {
            program(&script, r#"echo '{"error":"as told"}'"#);
            program(&signer, "");
            fs::write(&signer, line.replace("HOME", &home.display().to_string()) + "\n").unwrap();
            let _ = fs::remove_file(format!("{}.ran", script.display()));
        };
        for key in ["HOME/tools/signer", "signer", "env signer"] {
            write();
            ends(&create(&scene, key, "true"), 3, "as told");
            assert!(ran(&script).is_some());
            write();
            ends(&create(&scene, key, "echo exit >>HOME/other/script"), 2, "program-changed");
            ends(&create(&scene, key, "rm -f HOME/other/script"), 2, "program-changed");
            assert_eq!(ran(&script), None, "{line} {key}");
        }
    }
}

#[test]
fn what_an_argument_of_a_signer_names_in_the_checkout_is_refused_before_the_step() {
    let (scene, create) = wrapped();
    let (home, root) = (scene.world.home().to_owned(), scene.world.root().to_owned());
    let inside = root.join("ci/sign");
    program(&inside, r#"echo '{"error":"as told"}'"#);
    let outside = home.join("other/sign");
    program(&outside, r#"echo '{"error":"as told"}'"#);
    std::os::unix::fs::symlink(&inside, home.join("other/link")).unwrap();
    std::os::unix::fs::symlink(&outside, root.join("ci/out")).unwrap();
    let signer = home.join("tools/signer");
    let through = |line: &str| {
        program(&signer, "");
        fs::write(&signer, line.replace("HOME", &home.display().to_string())).unwrap();
    };
    through("#!/bin/sh ci/sign\n");
    for key in [
        "sh ci/sign",
        "sh ./ci/sign",
        &format!("sh {}", inside.display()),
        "env sh ci/sign",
        "timeout 50 ci/sign",
        "sh HOME/other/link",
        "sh ci/out",
        "env -C ci sh sign",
        "kms --config=ci/sign",
        "kms @ci/sign",
        "kms .",
        &format!("kms --root={}", root.display()),
        "signer",
    ] {
        let out = create(&scene, key, ": >built");
        ends(&out, 2, "program-in-checkout");
        assert!(fs::remove_file(root.join("built")).is_err(), "{key}: the step ran");
        assert_eq!((ran(&inside), ran(&outside)), (None, None), "{key}");
    }
    // The twins lie elsewhere.
    through("#!/bin/sh HOME/other/sign\n");
    for key in [
        "sh HOME/other/sign",
        "env sh HOME/other/sign",
        "env -C HOME/other sh sign",
        "kms --config=HOME/other/sign",
        "signer",
    ] {
        ends(&create(&scene, key, "true"), 3, "as told");
    }
    // What a signer makes in the checkout itself, as a log, is its own: it is asked twice.
    let pem = fs::read_to_string(root.join("attest.pub")).unwrap();
    let answer = json!({ "publicKey": pem });
    program(&home.join("tools/kms"), &format!("echo asked >>signer.log; cat >/dev/null; printf '%s' '{answer}'"));
    ends(&create(&scene, "kms --log=signer.log", "true"), 3, "signing-answer-malformed");
    assert_eq!(fs::read_to_string(root.join("signer.log")).unwrap().lines().count(), 2);
}

#[test]
fn the_file_of_a_pin_is_what_it_was() {
    let scene = Scene::new();
    let module = scene.world.home().join("module.so");
    fs::write(&module, "no library").unwrap();
    let pin = scene.world.home().join("pin");
    for (before, source, step) in [
        (true, "", "echo more >>PIN"),
        (false, "", "echo 1 >PIN"),
        (true, "file:", "rm PIN; ln -s /etc/hostname PIN"),
        (true, "file://", "echo more >>PIN"),
    ] {
        let _ = fs::remove_file(&pin);
        if before {
            fs::write(&pin, "1234").unwrap();
        }
        let source = format!("{source}{}", pin.display());
        let key = format!("pkcs11:object=a?module-path={}&pin-source={source}", module.display());
        let create = |step: &str| {
            let step = step.replace("PIN", &pin.display().to_string());
            scene.attest("/nonexistent", &[], &["create", "app", "--key", &key, "--", "sh", "-c", &step])
        };
        ends(&create("true"), 2, "key-unreadable");
        ends(&create(step), 2, "program-changed");
    }
}

#[test]
fn a_signer_or_module_of_the_checkout_is_refused_before_the_step() {
    let scene = Scene::new();
    let inside = scene.world.root().join("tools/signer");
    program(&inside, r#"echo '{"error":"as told"}'"#);
    let link = scene.world.home().join("link");
    std::os::unix::fs::symlink(&inside, &link).unwrap();
    // And one that leads out of it again.
    let outside = scene.world.home().join("signer");
    program(&outside, r#"echo '{"error":"as told"}'"#);
    std::os::unix::fs::symlink(&outside, scene.world.root().join("tools/out")).unwrap();
    let create = |key: &str, step: &str| {
        let out = scene.attest("/nonexistent", &[], &["create", "app", "--key", key, "--", "sh", "-c", step]);
        (fs::remove_file(scene.world.root().join("built")).is_ok(), out)
    };
    let module = scene.world.root().join("module.so");
    fs::write(&module, "no library").unwrap();
    for key in [
        format!("exec:{}", inside.display()),
        "exec:./tools/signer".into(),
        "exec:tools/out".into(),
        format!("exec:{}", link.display()),
        format!("pkcs11:object=a?module-path={}", module.display()),
    ] {
        let (built, out) = create(&key, ": >built");
        ends(&out, 2, "program-in-checkout");
        assert!(!built, "{key}: the step ran");
    }
    assert_eq!(ran(&inside), None);
    let (built, out) = create(&format!("exec:{}", outside.display()), ": >built");
    ends(&out, 3, "as told");
    assert!(built);
    // A module is compared, too, before it is loaded.
    let module = scene.world.home().join("module.so");
    fs::write(&module, "no library").unwrap();
    let key = format!("pkcs11:object=a?module-path={}", module.display());
    ends(&create(&key, "true").1, 2, "key-unreadable");
    ends(&create(&key, &format!("echo more >>{}", module.display())).1, 2, "program-changed");
}

#[test]
fn a_git_or_token_program_that_a_step_writes_is_not_run() {
    let scene = Scene::new();
    let (git, agent) = (scene.bin().join("git"), scene.bin().join("buildkite-agent"));
    let args = |step: &str| ["create", "app", "--key", "attest.key", "--", "sh", "-c", step].map(str::to_owned);
    let bin = scene.bin().display().to_string();
    fs::create_dir_all(scene.bin()).unwrap();
    let run = |args: &[String], more: &[(&str, &str)]| {
        scene.attest(&bin, more, &args.iter().map(String::as_str).collect::<Vec<_>>())
    };
    ends(&run(&args(&writes(&git)), &[]), 0, "");
    assert_eq!(ran(&git), None);
    // The twin is there before the step.
    program(&git, "exec /usr/bin/env -u GIT_X PATH=/usr/bin:/bin git \"$@\"");
    ends(&run(&args("true"), &[]), 0, "");
    assert!(ran(&git).is_some());

    let args = |step: &str| ["create", "app", "--", "sh", "-c", step].map(str::to_owned);
    let more = [("ATTEST_IDENTITY_TOKEN", ""), ("ACTIONS_ID_TOKEN_REQUEST_URL", ""), ("BUILDKITE", "true")];
    let out = run(&args(&writes(&agent)), &more);
    ends(&out, 2, "buildkite-agent");
    assert_eq!(ran(&agent), None);
    program(&agent, "exit 4");
    ends(&run(&args("true"), &more), 3, "exit status: 4");
    assert!(ran(&agent).unwrap().contains("KEPT=kept"));
}
