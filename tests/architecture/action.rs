//! Both actions, the table of their inputs and outputs in `src/action/`, and docs/github-actions.md say the same.
//!
//! `SNAPSHOTS=overwrite cargo test --test architecture action` writes what follows from the table.
#![expect(clippy::disallowed_methods, reason = "reads and writes files of the repository")]

use attest::action::inputs::Form;
use attest::action::{Action, Input};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// The files, and what names them in the document.
const FILES: &[(Action, &str)] = &[(Action::Create, "action.yml"), (Action::Verify, "verify/action.yml")];
const PAGE: &str = "docs/github-actions.md";
/// The widest line of these files.
const WIDTH: usize = 120;

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn read(name: &str) -> String {
    fs::read_to_string(path(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
}

/// A `description:` of YAML, folded.
fn description(text: &str) -> String {
    let (mut out, mut width) = (String::from("    description:"), 16);
    for word in text.split(' ') {
        if width + 1 + word.len() > WIDTH {
            out.push_str("\n     ");
            width = 5;
        }
        let _ = write!(out, " {word}");
        width += 1 + word.len();
    }
    out + "\n"
}

fn inputs(action: Action) -> String {
    let one = |input: &Input| {
        format!("  {}:\n{}    default: \"{}\"\n", input.name, description(input.meaning), input.default)
    };
    action.inputs().map(one).collect()
}

fn outputs(action: Action) -> String {
    let value = |name: &str| format!("    value: ${{{{ steps.attest.outputs.{name} }}}}\n");
    action
        .outputs()
        .iter()
        .map(|(name, meaning)| format!("  {name}:\n{}{}", description(meaning), value(name)))
        .collect()
}

/// The variables of a step: those that install, or all others.
fn variables(action: Action, installs: bool) -> String {
    let own = action.inputs().filter(|input| (input.form == Form::Install) == installs);
    own.map(|input| format!("        {}: ${{{{ inputs.{} }}}}\n", input.variable(), input.name)).collect()
}

/// What stands behind a line, up to the first that is not indented as deep as the section's own.
fn section<'t>(text: &'t str, head: &str, indent: usize) -> Option<&'t str> {
    let start = text.find(head)? + head.len();
    let rest = &text[start..];
    let inside = |line: &str| line.len() - line.trim_start().len() >= indent && !line.trim().is_empty();
    Some(&rest[..rest.split_inclusive('\n').take_while(|line| inside(line)).map(str::len).sum()])
}

/// A file with the sections that the table has.
fn with_sections(action: Action, text: &str) -> String {
    let mut text = text.to_owned();
    let install = "    - name: Install attest\n      shell: sh\n      env:\n";
    let attest = "      id: attest\n      shell: sh\n      env:\n";
    for (head, indent, wanted) in [
        ("\ninputs:\n", 2, inputs(action)),
        ("\noutputs:\n", 2, outputs(action)),
        (install, 8, variables(action, true)),
        (attest, 8, variables(action, false)),
    ] {
        let found = section(&text, head, indent).unwrap_or_else(|| panic!("no {head:?}")).to_owned();
        text = text.replacen(&format!("{head}{found}"), &format!("{head}{wanted}"), 1);
    }
    text
}

/// The page with the tables between its marks.
fn with_tables(page: &str) -> String {
    let mut page = page.to_owned();
    for (action, file) in FILES {
        let default = |input: &Input| match input.default {
            "" => String::new(),
            default => format!(" (by default `{default}`)"),
        };
        let inputs = action.inputs().map(|i| format!("| `{}` | {}{} |\n", i.name, i.meaning, default(i)));
        let outputs = action.outputs().iter().map(|(name, meaning)| format!("| `{name}` | {meaning} |\n"));
        for (what, rows) in [("input", inputs.collect::<String>()), ("output", outputs.collect())] {
            let (begin, end) = (format!("<!-- {what}s of {file} -->\n"), "<!-- end -->");
            let start = page.find(&begin).unwrap_or_else(|| panic!("no {begin}")) + begin.len();
            let length = page[start..].find(end).expect("an end");
            let table = format!("\n| {what} | meaning |\n|---|---|\n{rows}\n");
            page.replace_range(start..start + length, &table);
        }
    }
    page
}

fn compare(name: &str, wanted: &str) {
    if std::env::var_os("SNAPSHOTS").is_some_and(|v| v == "overwrite") {
        fs::write(path(name), wanted).unwrap();
    }
    assert_eq!(read(name), wanted, "{name}: SNAPSHOTS=overwrite cargo test --test architecture action");
}

#[test]
fn both_actions_have_the_inputs_and_outputs_of_the_table() {
    for (action, file) in FILES {
        compare(file, &with_sections(*action, &read(file)));
    }
}

#[test]
fn the_page_has_the_inputs_and_outputs_of_the_table() {
    compare(PAGE, &with_tables(&read(PAGE)));
}

#[test]
fn an_input_that_is_removed_in_one_place_is_missed() {
    for (action, file) in FILES {
        let text = read(file);
        for input in action.inputs() {
            for gone in [format!("  {}:\n", input.name), format!("        {}: ", input.variable())] {
                assert!(text.contains(&gone), "{file}: {gone}");
                let without = text.replacen(&gone, "", 1);
                assert_ne!(with_sections(*action, &without), without, "{file}: {gone}");
            }
        }
        for (name, _) in action.outputs() {
            let without = text.replace(&format!("steps.attest.outputs.{name} "), "x");
            assert_ne!(with_sections(*action, &without), without, "{file}: {name}");
        }
        let page = read(PAGE);
        for name in action.inputs().map(|i| i.name).chain(action.outputs().iter().map(|(name, _)| *name)) {
            let without: String =
                page.split_inclusive('\n').filter(|l| !l.starts_with(&format!("| `{name}` |"))).collect();
            assert_ne!(with_tables(&without), without, "{PAGE}: {name}");
        }
    }
}

#[test]
fn no_logic_is_in_the_files() {
    for (_, file) in FILES {
        let text = read(file);
        let scripts: Vec<_> = text.lines().filter(|line| line.trim_start().starts_with("run:")).collect();
        assert_eq!(scripts.len(), 2, "{file}: {scripts:?}");
        for script in scripts {
            let words = script.trim_start().trim_start_matches("run: ");
            assert!(words.starts_with("exec ") && !script.contains(['|', '$']) || !script.contains("${{"), "{script}");
            assert!(!words.contains("jq") && !words.contains(';') && !words.contains("bash"), "{file}: {script}");
        }
        assert!(!text.contains("shell: bash"), "{file}");
    }
}

#[test]
fn the_script_that_installs_reads_its_inputs() {
    let script = read("action/install.sh");
    for input in Action::Create.inputs().filter(|input| input.form == Form::Install) {
        let variable = input.variable();
        assert!(script.contains(&format!("${{{variable}:-")), "{variable} is not read");
    }
    assert!(script.lines().count() <= 60);
}

#[test]
fn the_list_of_releases_can_be_read_line_by_line() {
    let text = read("action/releases.json");
    let document: serde_json::Value = serde_json::from_str(&text).unwrap();
    let releases = document["releases"].as_array().unwrap();
    for release in releases {
        let text_of = |member: &str| release[member].as_str().unwrap_or_else(|| panic!("{release}: no {member}"));
        let line = format!(
            r#""version": "{}", "target": "{}", "url": "{}", "sha256": "{}""#,
            text_of("version"),
            text_of("target"),
            text_of("url"),
            text_of("sha256")
        );
        assert!(text.lines().any(|l| l.contains(&line)), "not in one line, in this order: {line}");
        assert!(text_of("url").starts_with("https://") && text_of("sha256").len() == 64, "{release}");
    }
}
