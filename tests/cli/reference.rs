//! The pages of `docs/reference` are made from the program: its commands, the fields of a policy, its limits.
//! To accept what changed: `SNAPSHOTS=overwrite cargo test --test cli reference`.

use attest::cli::command_line;
use clap::{Arg, ArgAction, Command};
use serde_json::Value;
use std::fmt::Write as _;
use std::path::Path;

const MADE: &str = "<!-- Made by `SNAPSHOTS=overwrite cargo test --test cli reference`. -->\n";

fn is(page: &str, expected: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reference").join(page);
    if std::env::var_os("SNAPSHOTS").is_some_and(|v| v == "overwrite") {
        std::fs::write(&path, expected).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == expected,
        "docs/reference/{page} is not up to date: SNAPSHOTS=overwrite cargo test --test cli reference"
    );
}

/// Text in a cell of a table.
fn cell(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|").replace('<', "&lt;")
}

#[test]
fn commands() {
    let command = command_line();
    let mut page = format!("# Commands\n\n{MADE}\n");
    page += "What `attest COMMAND --help` says, in one page. Flags of every command that a command has no use for are refused.\n";
    page += "\n## Flags of every command\n\n";
    let common: Vec<_> = command.get_arguments().filter(|a| a.is_global_set()).collect();
    table(&mut page, &common);
    for sub in command.get_subcommands() {
        one(&mut page, sub, "attest", &common);
    }
    assert!(page.matches("\n## `attest").count() > 40, "a page of all commands");
    is("commands.md", &page);
}

fn one(page: &mut String, command: &Command, above: &str, common: &[&Arg]) {
    if command.get_name() == "help" || command.is_hide_set() {
        return;
    }
    let name = format!("{above} {}", command.get_name());
    let about = command.get_long_about().or_else(|| command.get_about()).map(ToString::to_string).unwrap_or_default();
    assert!(!about.is_empty(), "{name} says what it does");
    let inner: Vec<_> = command.get_subcommands().filter(|c| c.get_name() != "help").collect();
    let usage = command.clone().bin_name(&name).render_usage().to_string();
    let usage = usage.trim_start_matches("Usage:").trim();
    let _ = write!(page, "\n## `{name}`\n\n{}\n\n```text\n{usage}\n```\n", about.trim().replace('<', "&lt;"));
    let own: Vec<_> = command
        .get_arguments()
        .filter(|a| !a.is_hide_set() && !["help", "version"].contains(&a.get_id().as_str()))
        .filter(|a| !common.iter().any(|c| c.get_id() == a.get_id()))
        .collect();
    if !own.is_empty() {
        page.push('\n');
        table(page, &own);
    }
    if let Some(after) = command.get_after_long_help().or_else(|| command.get_after_help()) {
        let _ = write!(page, "\n```text\n{}\n```\n", after.to_string().trim_end());
    }
    inner.into_iter().for_each(|sub| one(page, sub, &name, common));
}

fn table(page: &mut String, arguments: &[&Arg]) {
    *page += "| argument | is | default, variable |\n|---|---|---|\n";
    for argument in arguments {
        let help =
            argument.get_long_help().or_else(|| argument.get_help()).map(ToString::to_string).unwrap_or_default();
        assert!(!help.is_empty(), "{} says what it is", argument.get_id());
        let takes = argument.get_action().takes_values();
        let values: Vec<_> = argument.get_value_names().into_iter().flatten().map(|v| format!("<{v}>")).collect();
        let many = matches!(argument.get_action(), ArgAction::Append)
            || argument.get_num_args().is_some_and(|n| n.max_values() > 1);
        let mut name = match (argument.get_long(), argument.get_short()) {
            (Some(long), Some(short)) => format!("-{short}, --{long}"),
            (Some(long), None) => format!("--{long}"),
            (None, Some(short)) => format!("-{short}"),
            (None, None) => String::new(),
        };
        if takes {
            let _ = write!(name, " {}", values.join(" "));
        }
        if many {
            name += "...";
        }
        let choices: Vec<_> = argument
            .get_possible_values()
            .iter()
            .filter(|v| !v.is_hide_set())
            .map(|v| format!("`{}`", v.get_name()))
            .collect();
        let choices =
            if choices.is_empty() || !takes { String::new() } else { format!(" One of {}.", choices.join(", ")) };
        let defaults =
            argument.get_default_values().iter().filter(|_| takes).map(|v| format!("`{}`", v.to_string_lossy()));
        let variable = argument.get_env().map(|v| format!("`{}`", v.to_string_lossy()));
        let from: Vec<_> = defaults.chain(variable).collect();
        let help = cell(&help);
        let stop = if help.ends_with(['.', ')', ':']) { "" } else { "." };
        let _ =
            writeln!(page, "| `{}` | {help}{stop}{choices} | {} |", name.trim().replace('|', "\\|"), from.join(", "));
    }
}

#[test]
fn policy() {
    let schema = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas/policy.schema.json")).unwrap();
    let schema: Value = serde_json::from_slice(&schema).unwrap();
    let mut page = format!("# Fields of a policy\n\n{MADE}\n");
    page += "`[]` stands for each entry of a list. A field that is not here is refused. `attest schema policy` prints the same as JSON Schema;\n";
    page += "[examples/policies](../../examples/policies) has whole policies.\n\n";
    page += "| field | takes | meaning |\n|---|---|---|\n";
    fields(&mut page, &schema, &schema, "");
    assert!(page.contains("`spec.require[].signers[].key`") && page.contains("`spec.onUnavailable`"), "{page}");
    is("policy.md", &page);
}

fn fields(page: &mut String, root: &Value, schema: &Value, at: &str) {
    let schema = resolved(root, schema);
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        let field = resolved(root, field);
        let path = if at.is_empty() { name.clone() } else { format!("{at}.{name}") };
        let meaning = field["description"].as_str().unwrap_or_default();
        if meaning == "What an API server adds. Not read." {
            continue;
        }
        assert!(!meaning.is_empty(), "{path} says what it means");
        let needed = schema["required"].as_array().is_some_and(|all| all.iter().any(|n| n.as_str() == Some(name)));
        let needed = if needed { ", required" } else { "" };
        let _ = writeln!(page, "| `{path}` | {}{needed} | {} |", takes(field), cell(meaning));
        fields(page, root, field, &path);
        if field.get("items").is_some() {
            fields(page, root, &field["items"], &format!("{path}[]"));
        }
        if field["additionalProperties"].is_object() {
            fields(page, root, &field["additionalProperties"], &format!("{path}.NAME"));
        }
    }
    for branch in ["oneOf", "anyOf", "allOf"].iter().filter_map(|key| schema[key].as_array()).flatten() {
        fields(page, root, branch, at);
    }
}

fn resolved<'a>(root: &'a Value, schema: &'a Value) -> &'a Value {
    match schema["$ref"].as_str() {
        Some(place) => root.pointer(place.trim_start_matches('#')).unwrap(),
        None => schema,
    }
}

/// A type as a writer of YAML knows it.
fn named(kind: &str) -> &str {
    match kind {
        "array" => "a list",
        "object" => "fields",
        "string" => "text",
        "integer" => "a number",
        "boolean" => "`true` or `false`",
        other => other,
    }
}

fn takes(field: &Value) -> String {
    let quoted = |v: &Value| format!("`{}`", v.as_str().map_or_else(|| v.to_string(), str::to_owned));
    let default = field.get("default").map(|d| format!(" (default {})", quoted(d))).unwrap_or_default();
    let what = match (&field["const"], field["enum"].as_array(), &field["type"]) {
        (Value::Null, Some(all), _) => all.iter().map(quoted).collect::<Vec<_>>().join(", "),
        (Value::Null, None, Value::String(kind)) => named(kind).to_owned(),
        (Value::Null, None, Value::Array(kinds)) => {
            kinds.iter().filter_map(Value::as_str).map(named).collect::<Vec<_>>().join(" or ")
        }
        (Value::Null, None, _) => {
            let forms = ["oneOf", "anyOf"].iter().filter_map(|key| field[key].as_array()).flatten().map(takes);
            let mut forms: Vec<_> = forms.filter(|form| !form.is_empty()).collect();
            forms.dedup();
            forms.join(" or ")
        }
        (value, ..) => quoted(value),
    };
    format!("{what}{default}")
}

#[test]
fn limits() {
    let source = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/model/limits.rs")).unwrap();
    let mut page = format!("# Limits\n\n{MADE}\n");
    page += "Everything that comes from elsewhere is read up to a limit. What is over one is an error (`limit-exceeded`, exit 3: could not find\n";
    page += "out), which names the limit and what was found; it is never taken for \"none\".\n\n";
    page += "| limit | value | of |\n|---|---|---|\n";
    let mut said = String::new();
    for line in source.lines() {
        if let Some(text) = line.strip_prefix("/// ") {
            said = format!("{said} {text}");
        } else if let Some((name, value)) = line.strip_prefix("pub const ").and_then(|l| l.split_once(" = ")) {
            let (name, value) = (name.split(':').next().unwrap(), value.trim_end_matches(';'));
            assert!(!said.is_empty(), "{name} says what it limits");
            let unit = if said.contains("(bytes") || name.ends_with("_BYTES") { " bytes" } else { "" };
            let _ = writeln!(page, "| `{name}` | {} | {} |", value_of(value, unit), cell(&said));
            said.clear();
        } else if !line.starts_with("#[") {
            said.clear();
        }
    }
    assert!(page.lines().count() > 150 && page.contains("| `JSON_DEPTH` | 64 |"), "{page}");
    is("limits.md", &page);
}

/// A value of the source as a person reads it.
fn value_of(text: &str, unit: &str) -> String {
    let shifted = |by: &str, name: &str| text.strip_suffix(by).map(|n| format!("{} {name}", n.trim()));
    let plain =
        || text.bytes().all(|b| b.is_ascii_digit() || b == b'_').then(|| format!("{}{unit}", text.replace('_', ",")));
    [shifted("<< 10", "KiB"), shifted("<< 20", "MiB"), shifted("<< 30", "GiB"), plain()]
        .into_iter()
        .flatten()
        .next()
        .unwrap_or_else(|| format!("`{}`", text.replace("Duration::", "")))
}
