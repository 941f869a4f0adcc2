//! The help of the program and of every command.

use crate::transcript::Transcript;
use crate::world::World;

#[test]
fn of_the_program() {
    let world = World::empty();
    Transcript::new(&world).run(0, "--help").run(0, "-h").is("help");
}

#[test]
fn of_every_command() {
    let world = World::empty();
    let help = world.done(&["--help"]);
    let commands: Vec<_> = help
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .collect();
    assert!(commands.len() > 10, "{commands:?}");
    for name in commands {
        Transcript::new(&world).run(0, &format!("{name} --help")).is(&format!("help-{name}"));
    }
}

#[test]
fn of_the_commands_about_trust() {
    let world = World::empty();
    for name in ["show", "update", "init"] {
        Transcript::new(&world).run(0, &format!("trust {name} --help")).is(&format!("help-trust-{name}"));
    }
}

#[test]
fn completions_and_manual_pages() {
    let world = World::empty();
    for (shell, word) in [("bash", "_attest()"), ("zsh", "#compdef attest"), ("fish", "complete -c attest")] {
        let text = world.done(&["completions", shell]);
        assert!(text.contains(word) && text.contains("verify"), "{shell}");
    }
    assert!(world.done(&["man"]).contains(".TH attest 1"));
    let page = world.done(&["man", "verify"]);
    assert!(page.contains(".TH attest-verify 1") && page.contains("certificate\\-identity"), "{page}");
    assert!(world.done(&["man", "trust", "show"]).contains(".TH attest-trust-show 1"));
    Transcript::new(&world)
        .run(2, "man nothing")
        .run(2, "man trust nothing")
        .run(2, "man verify nothing")
        .run(2, "completions nothing")
        .run(2, "schema nothing")
        .run(0, "schema")
        .is("describe-itself");
}

#[test]
fn which_program_it_is() {
    let world = World::empty();
    let package = env!("CARGO_PKG_VERSION");
    assert_eq!(world.done(&["-V"]), format!("attest {package}\n"));
    let long = world.done(&["--version"]);
    let names: Vec<_> = long.lines().map(|line| line.split(' ').next().unwrap_or_default()).collect();
    assert_eq!(names, ["attest", "commit:", "target:", "features:"], "{long}");
    assert!(long.starts_with(&format!("attest {package}\n")), "{long}");
    let json: serde_json::Value = serde_json::from_str(&world.done(&["--version", "--format", "json"])).unwrap();
    assert_eq!(json["version"], package);
    for part in [&json["target"], &json["features"][0]].map(|value| value.as_str().unwrap()) {
        assert!(long.contains(part), "{part}: {long}");
    }
    // A build names a commit only where whoever built it did: none of a checkout is taken for one.
    assert_eq!(
        json.get("commit").and_then(|c| c.as_str()),
        option_env!("ATTEST_BUILD_COMMIT").filter(|c| !c.is_empty())
    );
}
