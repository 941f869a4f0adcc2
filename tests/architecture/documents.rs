//! Documents and the action say what is true: commands exist, inputs are used, the change log is open.

use std::process::Command;

use crate::assert_none;
use crate::source::{File, below, exists, read};

/// Files that a repository of this kind has at its top.
const TOP: &[&str] = &[
    "README.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "SECURITY.md",
    "LICENSE",
    "action.yml",
    "verify/action.yml",
    "action/install.sh",
    "install.sh",
    "release/build.sh",
    ".github/workflows/release.yml",
    "deny.toml",
    "clippy.toml",
    ".ci/run",
];

/// Subcommands that README's table names: rows like ``| `attest verify SUBJECT...` | … |``.
fn commands_of_readme(readme: &str) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for row in readme.lines().filter(|line| line.starts_with("| `attest ")) {
        let cell = row.split('|').nth(1).unwrap_or_default();
        for command in cell.split('`').filter_map(|text| text.strip_prefix("attest ")) {
            names.extend(command.split_whitespace().next().map(str::to_owned));
        }
    }
    names.sort();
    names.dedup();
    names
}

/// Subcommands of clap's help text.
fn commands_of_help(help: &str) -> Vec<String> {
    let mut names: Vec<String> = help
        .lines()
        .skip_while(|line| line.trim() != "Commands:")
        .skip(1)
        .take_while(|line| !line.trim().is_empty())
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .map(str::to_owned)
        .collect();
    names.sort();
    names
}

fn differences(what: &str, expected: &[String], found: &[String]) -> Vec<String> {
    let missing =
        expected.iter().filter(|name| !found.contains(name)).map(|name| format!("{what}: `{name}` is missing"));
    let extra =
        found.iter().filter(|name| !expected.contains(name)).map(|name| format!("{what}: `{name}` does not exist"));
    missing.chain(extra).collect()
}

/// What is wrong with a composite action: an input that nothing uses or that does not exist, an expression inside a
/// script (where a caller's text would be run).
fn action_violations(file: &File) -> Vec<String> {
    let mut found = Vec::new();
    let inputs = keys_below(&file.text, "inputs");
    for name in &inputs {
        if !file.text.contains(&format!("inputs.{name} ")) {
            found.push(format!("{}: input `{name}` is not used", file.path));
        }
    }
    for (at, _) in file.text.match_indices("inputs.") {
        let rest = &file.text[at + "inputs.".len()..];
        let name: String = rest.chars().take_while(|c| c.is_alphanumeric() || matches!(c, '-' | '_')).collect();
        if !inputs.contains(&name) {
            found.push(format!("{}: input `{name}` is used and not declared", file.path));
        }
    }
    let scripts = scripts(&file.text);
    for line in &scripts {
        if line.contains("${{") {
            found.push(format!("{}: a script has an expression in it: `{}`", file.path, line.trim()));
        }
    }
    found
}

/// Keys two spaces below a top-level key.
fn keys_below(yaml: &str, top: &str) -> Vec<String> {
    yaml.lines()
        .skip_while(|line| *line != format!("{top}:"))
        .skip(1)
        .take_while(|line| line.is_empty() || line.starts_with([' ', '#']))
        .filter(|line| line.starts_with("  ") && !line.starts_with("   ") && !line.trim().starts_with('#'))
        .filter_map(|line| line.trim().split_once(':').map(|(key, _)| key.to_owned()))
        .collect()
}

/// Lines of all `run:` scripts.
fn scripts(yaml: &str) -> Vec<&str> {
    let mut lines = Vec::new();
    let mut inside = None;
    for line in yaml.lines() {
        let indent = line.len() - line.trim_start().len();
        if inside.is_some_and(|outer| !line.trim().is_empty() && indent <= outer) {
            inside = None;
        }
        if inside.is_some() {
            lines.push(line);
        } else if let Some(script) = line.trim_start().trim_start_matches("- ").strip_prefix("run:") {
            lines.push(script);
            inside = Some(indent);
        }
    }
    lines
}

/// Parts of the interop suite: one for each case, or for each peer that its header names behind `# each:`.
fn interop_parts(cases: &[File]) -> usize {
    let each = |case: &File| case.text.lines().find_map(|line| line.strip_prefix("# each:").map(str::to_owned));
    cases.iter().map(|case| each(case).map_or(1, |peers| peers.split_whitespace().count())).sum()
}

#[test]
fn the_house_has_its_documents() {
    let missing = TOP.iter().filter(|path| !exists(path)).map(|path| format!("{path} is missing"));
    assert_none(&missing.collect::<Vec<_>>());
}

#[test]
fn the_change_log_is_open() {
    let log = read("CHANGELOG.md").text;
    assert!(
        log.lines().any(|line| line == "## [Unreleased]"),
        "CHANGELOG.md has no section for what is not released yet"
    );
}

#[test]
#[cfg(feature = "cli")]
fn readme_lists_the_commands_that_exist() {
    let output = Command::new(env!("CARGO_BIN_EXE_attest")).arg("--help").output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    let commands = commands_of_help(&help);
    assert!(!commands.is_empty(), "no commands in: {help}");
    assert_none(&differences("README.md", &commands, &commands_of_readme(&read("README.md").text)));
}

#[test]
fn the_action_uses_its_inputs_and_never_in_a_script() {
    for file in ["action.yml", "verify/action.yml"] {
        assert_none(&action_violations(&read(file)));
    }
}

#[test]
fn the_interop_suite_states_how_many_parts_it_has() {
    let cases: Vec<File> = below("tests/interop/cases").into_iter().filter(|file| file.path.ends_with(".sh")).collect();
    let run = read("tests/interop/run").text;
    let stated = run.lines().find_map(|line| line.strip_prefix("MINIMUM=")).and_then(|number| number.parse().ok());
    assert_eq!(stated, Some(interop_parts(&cases)), "MINIMUM in tests/interop/run");
    for case in &cases {
        let peers =
            case.text.lines().filter_map(|line| line.strip_prefix("# needs:").or_else(|| line.strip_prefix("# each:")));
        for peer in peers.flat_map(str::split_whitespace) {
            assert!(exists(&format!("tests/interop/peer/{peer}.sh")), "{}: no peer {peer}", case.path);
        }
    }
}

#[test]
fn planted_lies_of_documents_are_caught() {
    let help = "Proves things\n\nUsage: attest\n\nCommands:\n  create  Does it\n            in two lines\n  verify  Asks\n  help    Print\n\nOptions:\n  -h\n";
    assert_eq!(commands_of_help(help), ["create", "verify"]);
    let readme = "| `attest verify X` | asks |\n| `attest sign` / `attest attach` | does |\n| other | `attest no` |\n";
    assert_eq!(commands_of_readme(readme), ["attach", "sign", "verify"]);
    let found = differences("README.md", &commands_of_help(help), &commands_of_readme(readme));
    assert_eq!(found.len(), 3, "{found:?}");

    let action = |input: &str, script: &str| {
        let yaml = format!(
            "inputs:\n  subject:\n    required: true\noutputs:\n  digest:\n    value: ${{{{ steps.a.outputs.digest }}}}\nruns:\n  steps:\n    - env:\n        SUBJECT: ${{{{ inputs.{input} }}}}\n      run: |\n        {script}\n      shell: bash\n"
        );
        action_violations(&File::new("action.yml", &yaml))
    };
    let write = "echo \"digest=$SUBJECT\" >>\"$GITHUB_OUTPUT\"";
    assert_none(&action("subject", write));
    assert_eq!(action("subjekt", write).len(), 2);
    assert_eq!(action("subject", &format!("{write} ${{{{ inputs.subject }}}}")).len(), 1);

    let cases = [File::new("a.sh", "# needs: jq\n"), File::new("b.sh", "# each: olareg docker-registry\n")];
    assert_eq!(interop_parts(&cases), 3);
}
