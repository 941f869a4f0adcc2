//! What a flag names inside a checkout is not followed out of it: the source would choose which file of the machine is
//! published under the name that was typed.

use crate::world::World;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

const SECRET: &str = "what-the-machine-knows";

/// A checkout, and beside it a folder of files that are none of its business.
struct Scene {
    world: World,
    outside: PathBuf,
}

impl Scene {
    fn new() -> Self {
        let world = World::new();
        world.repository();
        let outside = world.home().join("outside");
        std::fs::create_dir(&outside).unwrap();
        let scene = Self { world, outside };
        for (name, text) in scene.files() {
            std::fs::write(scene.outside.join(name), text).unwrap();
        }
        scene
    }

    /// What each flag takes.
    fn files(&self) -> [(&'static str, String); 4] {
        let digest = attest::model::Digest::sha256(b"an application\n");
        let statement = format!(
            r#"{{"_type":"https://in-toto.io/Statement/v1","subject":[{{"name":"app","digest":{{"sha256":"{}"}}}}],"predicateType":"https://p.example/v1","predicate":{{"note":"{SECRET}"}}}}"#,
            digest.hex()
        );
        let lock = format!(
            "[[package]]\nname = \"{SECRET}\"\nversion = \"1.0.0\"\nsource = \"registry+https://github.com/rust-lang/crates.io-index\"\n"
        );
        [
            ("predicate.json", format!(r#"{{"note":"{SECRET}"}}"#)),
            ("statement.json", statement),
            ("plan.md", format!("{SECRET}\n")),
            ("Cargo.lock", lock),
        ]
    }

    /// The ways in which the source can lead the name `name` out, and how it is then typed.
    fn plant(&self, name: &str) -> Vec<String> {
        let root = self.world.root();
        let sub = |folder: &str| {
            std::fs::create_dir_all(root.join(folder)).unwrap();
            root.join(folder).join(name)
        };
        symlink(self.outside.join(name), sub("absolute")).unwrap();
        symlink(format!("../../home/outside/{name}"), sub("relative")).unwrap();
        let _ = symlink("../home/outside", root.join("folder"));
        // A link of whoever runs this leads into the checkout: from there on the checkout chooses.
        let _ = symlink(root, self.world.home().join("alias"));
        let _ = symlink(root.join("absolute"), self.world.home().join("deeper"));
        let home = self.world.home().display();
        vec![
            format!("absolute/{name}"),
            format!("./absolute/../relative/{name}"),
            format!("folder/{name}"),
            format!("{}/relative/{name}", root.display()),
            format!("{home}/alias/relative/{name}"),
            format!("{home}/deeper/{name}"),
            // What the kernel shows of a process is a link like any other.
            format!("/proc/self/cwd/relative/{name}"),
            format!("/proc/thread-self/cwd/folder/{name}"),
            format!("/proc/self/root{}/absolute/{name}", root.display()),
        ]
    }
}

/// Each flag whose file is published, by the file that it takes.
fn commands(path: &str, name: &str) -> Vec<Vec<String>> {
    let words = |text: &str| text.split(' ').map(|w| w.replace("PATH", path)).collect::<Vec<_>>();
    let create = "create app --key attest.key --output out.jsonl";
    match name {
        "predicate.json" => vec![
            words(&format!("{create} --predicate PATH --predicate-type https://p.example/v1")),
            words("generate app --predicate PATH --predicate-type https://p.example/v1"),
        ],
        "statement.json" => vec![words("sign PATH --key attest.key --output out.jsonl")],
        "plan.md" => vec![
            words("approve charter:PATH --key attest.key --yes --output out.jsonl"),
            words(&format!("{create} --charter PATH")),
            words(&format!("{create} --materials PATH")),
            words(&format!("{create} --materials x=nar:PATH")),
        ],
        _ => vec![words(&format!("{create} --dependencies PATH"))],
    }
}

#[test]
fn a_file_that_a_flag_names_is_not_followed_out_of_the_checkout() {
    let scene = Scene::new();
    for (name, text) in scene.files() {
        for typed in scene.plant(name) {
            for command in commands(&typed, name) {
                let args: Vec<&str> = command.iter().map(String::as_str).collect();
                let out = scene.world.attest(&args);
                let said = String::from_utf8_lossy(&[out.stdout.as_slice(), &out.stderr].concat()).into_owned();
                let is_link = args.iter().any(|a| a.contains("nar:")) && !typed.contains("folder/");
                // The NAR of a link is of the link, whatever it points at.
                assert_eq!(out.status.code(), Some(if is_link { 0 } else { 2 }), "{args:?}: {said}");
                assert!(is_link || said.contains("leads-out-of-checkout"), "{args:?}: {said}");
                assert!(!said.contains(SECRET), "{args:?}: {said}");
                assert_eq!(std::fs::remove_file(scene.world.root().join("out.jsonl")).is_ok(), is_link, "{args:?}");
            }
        }
        // The twins: the file itself, a link that stays inside, and one outside that is named by its own path.
        scene.world.write(&format!("real/{name}"), text);
        std::fs::create_dir_all(scene.world.root().join("inner")).unwrap();
        symlink(format!("../real/{name}"), scene.world.root().join("inner").join(name)).unwrap();
        let own = scene.outside.join(name).display().to_string();
        let alias = scene.world.home().join("alias/real").join(name).display().to_string();
        let [cwd, top] = [format!("/proc/self/cwd/inner/{name}"), format!("/proc/self/root{own}")];
        for typed in [&format!("real/{name}"), &format!("inner/{name}"), &own, &alias, &cwd, &top] {
            for command in commands(typed, name) {
                scene.world.done(&command.iter().map(String::as_str).collect::<Vec<_>>());
                let _ = std::fs::remove_file(scene.world.root().join("out.jsonl"));
            }
        }
    }
}

#[test]
fn a_folder_of_the_checkout_that_is_open_leads_no_further_than_the_checkout() {
    let scene = Scene::new();
    scene.plant("predicate.json");
    std::fs::create_dir(scene.world.root().join("real")).unwrap();
    std::fs::copy(scene.outside.join("predicate.json"), scene.world.root().join("real/predicate.json")).unwrap();
    let run = |typed: &str| {
        let mut shell = std::process::Command::new("bash");
        let command = format!(
            "exec 7<. 8<real 9<relative; \"$ATTEST\" generate app --predicate {typed} --predicate-type https://p.example/v1"
        );
        shell.args(["-c", &command]).current_dir(scene.world.root()).env("PATH", std::env::var_os("PATH").unwrap());
        shell.env("HOME", scene.world.home()).env("ATTEST", env!("CARGO_BIN_EXE_attest"));
        let out = shell.output().unwrap();
        (out.status.code(), String::from_utf8_lossy(&[out.stdout.as_slice(), &out.stderr].concat()).into_owned())
    };
    for (typed, expected) in [
        ("/dev/fd/7/relative/predicate.json", 2),
        ("/proc/self/fd/7/folder/predicate.json", 2),
        ("/dev/fd/9/predicate.json", 2),
        ("/dev/fd/8/../absolute/predicate.json", 2),
        ("/dev/fd/7/real/predicate.json", 0),
        ("/dev/fd/8/predicate.json", 0),
        ("/dev/fd/9/../real/predicate.json", 0),
    ] {
        let (code, said) = run(typed);
        assert_eq!(code, Some(expected), "{typed}: {said}");
        assert_eq!(said.contains("leads-out-of-checkout"), expected == 2, "{typed}: {said}");
        assert_eq!(said.contains(SECRET), expected == 0, "{typed}: {said}");
    }
}

#[test]
fn what_a_shell_hands_over_is_read_as_ever() {
    let scene = Scene::new();
    let run = |command: &str| {
        let mut shell = std::process::Command::new("bash");
        shell.args(["-c", command]).current_dir(scene.world.root()).env("PATH", std::env::var_os("PATH").unwrap());
        shell.env("HOME", scene.world.home()).env("ATTEST", env!("CARGO_BIN_EXE_attest"));
        let out = shell.output().unwrap();
        assert!(out.status.success(), "{command}: {}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8(out.stdout).unwrap()
    };
    let flags = "--predicate-type https://p.example/v1";
    for command in [
        format!("\"$ATTEST\" generate app --predicate <(echo '{{\"a\":1}}') {flags}"),
        format!("echo '{{\"a\":1}}' | \"$ATTEST\" generate app --predicate - {flags}"),
        format!("echo '{{\"a\":1}}' | \"$ATTEST\" generate app --predicate /dev/stdin {flags}"),
    ] {
        assert!(run(&command).contains(r#""predicate":{"a":1}"#), "{command}");
    }
}
