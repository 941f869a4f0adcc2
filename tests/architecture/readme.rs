//! What README and the example policies show is what the program reads.

#![expect(clippy::disallowed_methods, reason = "reads the documents and asks the built binary for its help")]

use std::fs;
use std::path::Path;

use crate::source::below;
use attest::policy;
use attest::trust::PublicKey;

/// A key that stands for every path a policy names.
const KEY: &[u8] = b"-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n";

fn parse(text: &str, origin: &str) -> Result<policy::Policy, String> {
    policy::parse(text, origin, &|_| PublicKey::from_pem(KEY).map_err(|error| error.to_string()))
        .map_err(|error| format!("{origin}: {error}"))
}

fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Fenced blocks of a language.
fn blocks<'a>(markdown: &'a str, language: &str) -> Vec<&'a str> {
    let open = format!("```{language}\n");
    markdown.split(&open).skip(1).filter_map(|rest| rest.split("```").next()).collect()
}

/// Commands that have commands.
const GROUPS: [&str; 5] = ["action", "admission", "audit", "git", "trust"];

/// Command lines of `attest` in a shell block, continued lines joined: subcommand and flags, up to the build step. What is
/// between quotes is a value.
fn command_lines(shell: &str) -> Vec<(String, Vec<String>)> {
    let joined = shell.replace("\\\n", " ").replace('"', "'").split('\'').step_by(2).collect::<Vec<_>>().join("VALUE");
    let lines = joined.lines().flat_map(|line| line.split(" | ")).filter_map(|line| line.strip_prefix("attest "));
    lines
        .map(|line| {
            let words = line.split_whitespace().take_while(|word| *word != "--" && *word != "#");
            let words: Vec<&str> = words.collect();
            let flags = words.iter().filter(|word| word.starts_with("--"));
            let grouped = words.len() > 1 && GROUPS.contains(&words[0]) && !words[1].starts_with('-');
            let command = if grouped { words[..2].join(" ") } else { words[0].to_owned() };
            (command, flags.map(|flag| flag.split('=').next().unwrap_or(flag).to_owned()).collect())
        })
        .collect()
}

/// Whether clap's help names a flag.
fn names(help: &str, flag: &str) -> bool {
    help.split(|c: char| c.is_whitespace() || c == ',' || c == '[' || c == '=').any(|word| word == flag)
}

#[cfg(feature = "cli")]
fn help(command: &str) -> String {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_attest"))
        .args(command.split(' ').chain(["--help"]))
        .output()
        .unwrap();
    assert!(output.status.success(), "attest {command} --help");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn command_lines_are_found() {
    let found =
        command_lines("attest create a --key k \\\n  --task=t -- make --all\nattest keygen   # --no\nother --x\n");
    let expected =
        [("create".to_owned(), vec!["--key".to_owned(), "--task".to_owned()]), ("keygen".to_owned(), vec![])];
    assert_eq!(found, expected);
    assert!(names("  -k, --key <REF>  x\n", "--key") && !names("  --keys <REF>", "--key"));
}

#[test]
#[cfg(feature = "cli")]
fn the_command_lines_of_readme_have_flags_that_exist() {
    let readme = fs::read_to_string(top().join("README.md")).unwrap();
    let lines: Vec<_> = blocks(&readme, "sh").into_iter().flat_map(command_lines).collect();
    assert!(lines.len() >= 6, "README.md shows {} command lines", lines.len());
    for (command, flags) in lines {
        let help = help(&command);
        for flag in flags {
            assert!(names(&help, &flag), "attest {command} has no {flag}");
        }
    }
}

/// Flags in the cells of a table's second column.
fn flags_of_tables(markdown: &str) -> Vec<String> {
    let rows = markdown.lines().filter(|line| line.starts_with("| ") && line.matches(" | ").count() >= 1);
    let cells = rows.filter_map(|line| line.split(" | ").nth(1));
    let words = cells.flat_map(|cell| cell.split('`').skip(1).step_by(2)).flat_map(str::split_whitespace);
    let flags = words.map(|word| word.trim_matches(['[', ']'])).filter(|word| word.starts_with("--") && word.len() > 2);
    flags.map(str::to_owned).collect()
}

#[test]
#[cfg(feature = "cli")]
fn the_flags_that_documents_show_exist() {
    const COMMANDS: &[&str] = &[
        "create",
        "verify",
        "download",
        "list",
        "inspect",
        "attach",
        "approve",
        "flush",
        "keygen",
        "admission scan",
        "admission test",
        "admission manifests",
        "admission serve",
    ];
    let helps: Vec<(&str, String)> = COMMANDS.iter().map(|command| (*command, help(command))).collect();
    let mut lines = 0;
    for page in below("docs").into_iter().filter(|file| file.path.ends_with(".md")) {
        for (command, flags) in blocks(&page.text, "sh").into_iter().flat_map(command_lines) {
            let own = helps.iter().find(|(name, _)| *name == command).map(|(_, help)| help.clone());
            let help = own.unwrap_or_else(|| help(&command));
            for flag in flags {
                assert!(names(&help, &flag), "{}: attest {command} has no {flag}", page.path);
            }
            lines += 1;
        }
    }
    assert!(lines >= 5, "{lines} command lines in docs");
    let others = fs::read_to_string(top().join("docs/from-cosign-gh-slsa-verifier.md")).unwrap();
    let flags = flags_of_tables(&others);
    assert!(flags.len() > 25, "{flags:?}");
    for flag in flags {
        assert!(helps.iter().any(|(_, help)| names(help, &flag)), "no command has {flag}");
    }
    assert_eq!(flags_of_tables("| a | b |\n|---|---|\n| `--x` | `y --z` or `[--w]` | `--v` |\n"), ["--z", "--w"]);
}

#[test]
fn the_policy_of_readme_is_one() {
    let readme = fs::read_to_string(top().join("README.md")).unwrap();
    let policies: Vec<&str> =
        blocks(&readme, "yaml").into_iter().filter(|block| block.contains("kind: AttestationPolicy")).collect();
    assert!(!policies.is_empty(), "README.md shows no policy");
    for text in policies {
        parse(text, "README.md").unwrap();
        let misspelt = text.replace("allowDirty", "allowDirt");
        assert_ne!(misspelt, text);
        parse(&misspelt, "README.md").unwrap_err();
    }
}

#[test]
fn the_example_policies_are_policies() {
    let mut count = 0;
    for entry in fs::read_dir(top().join("examples/policies")).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        let policy = parse(&text, &path.display().to_string()).unwrap();
        let stem = path.file_stem().unwrap().to_string_lossy();
        assert_eq!(policy.name, stem, "an example is named after its file");
        count += 1;
    }
    assert!(count >= 3, "{count} examples");
}

/// What a workflow says to the steps that use an action (`attest`, `attest/verify`): the keys below `with`, and the outputs that
/// it reads of the step that is named after it.
fn used_of_action<'w>(workflow: &'w str, action: &str) -> (Vec<&'w str>, Vec<&'w str>) {
    let mut inputs = Vec::new();
    for step in workflow.split(&format!("uses: agent-attest/{action}@")).skip(1) {
        let step = step.split("\n      - ").next().unwrap_or(step);
        let with = step.lines().skip_while(|line| line.trim() != "with:").skip(1);
        let keys = with.take_while(|line| line.starts_with("          ")).filter_map(|line| line.split_once(':'));
        inputs.extend(keys.map(|(key, _)| key.trim()));
    }
    let id = action.rsplit('/').next().unwrap_or(action);
    let outputs = workflow.split(&format!("steps.{id}.outputs.")).skip(1).collect::<Vec<_>>();
    let name = |rest: &'w str| rest.split(|c: char| !c.is_ascii_alphanumeric() && c != '-').next();
    (inputs, outputs.into_iter().filter_map(name).collect())
}

#[test]
fn the_workflows_of_documents_use_the_action_as_it_is() {
    let has = |part: &str, name: &str| part.lines().any(|line| line == format!("  {name}:"));
    let page = fs::read_to_string(top().join("docs/github-actions.md")).unwrap();
    let workflows: Vec<&str> = blocks(&page, "yaml").into_iter().filter(|block| block.contains("jobs:")).collect();
    assert_eq!(workflows.len(), 3);
    for workflow in workflows {
        let verifies = workflow.contains("uses: agent-attest/attest/verify@");
        let (name, file) = if verifies { ("attest/verify", "verify/action.yml") } else { ("attest", "action.yml") };
        let action = fs::read_to_string(top().join(file)).unwrap();
        let (inputs, outputs) = action.split_once("\noutputs:\n").unwrap();
        let (with, read) = used_of_action(workflow, name);
        assert!(with.len() >= 4, "{with:?}");
        assert!(with.iter().all(|name| has(inputs, name)), "{with:?}");
        assert!(read.iter().all(|name| has(outputs, name)), "{read:?}");
        for part in ["permissions: {}", "actions/checkout@", "contents: "] {
            assert!(workflow.contains(part), "{part}");
        }
        // A key, or the identity that a job is given only where it asks for it.
        assert_ne!(with.contains(&"key") || verifies, workflow.contains("id-token: write"));
    }
    let policies = blocks(&page, "yaml").into_iter().filter(|block| block.contains("kind: AttestationPolicy"));
    assert_eq!(policies.map(|text| parse(text, "github-actions.md").unwrap()).collect::<Vec<_>>().len(), 1);
    let planted = "      - uses: agent-attest/attest@v1\n        with:\n          subject: x\n          nokey: y\n      - run: ${{ steps.attest.outputs.digest }}\n";
    assert_eq!(used_of_action(planted, "attest"), (vec!["subject", "nokey"], vec!["digest"]));
}
