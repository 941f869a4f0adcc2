//! Values as YAML that a person reads and edits: blocks, and texts quoted wherever another reader could take them for
//! something else.

use serde_json::Value;

/// A value as a YAML document without its `---`.
pub(super) fn text(value: &Value) -> String {
    let mut out = String::new();
    block(value, 0, &mut out);
    out
}

fn block(value: &Value, depth: usize, out: &mut String) {
    let indent = "  ".repeat(depth);
    match value {
        Value::Object(members) if !members.is_empty() => {
            for (name, member) in members {
                *out += &format!("{indent}{}:", scalar(&Value::String(name.clone())));
                after(member, depth, out);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for item in items {
                let mut inner = String::new();
                block(item, depth + 1, &mut inner);
                // The first line of an item stands behind its dash.
                *out += &format!("{indent}- {}", inner.get(indent.len() + 2..).unwrap_or_default());
            }
        }
        other => *out += &format!("{indent}{}\n", scalar(other)),
    }
}

/// What stands behind `name:`.
fn after(value: &Value, depth: usize, out: &mut String) {
    match value {
        Value::Object(members) if !members.is_empty() => {
            out.push('\n');
            block(value, depth + 1, out);
        }
        Value::Array(items) if !items.is_empty() => {
            out.push('\n');
            block(value, depth + 1, out);
        }
        Value::String(text) if is_literal(text) => {
            *out += " |\n";
            for line in text.lines() {
                *out += &format!("{}{line}\n", if line.is_empty() { String::new() } else { "  ".repeat(depth + 1) });
            }
        }
        other => *out += &format!(" {}\n", scalar(other)),
    }
}

/// Whether a text can stand as it is, line by line, and come back the same.
fn is_literal(text: &str) -> bool {
    let plain = |c: char| c == '\n' || !c.is_control();
    text.ends_with('\n') && !text.ends_with("\n\n") && !text.starts_with([' ', '\n']) && text.chars().all(plain)
}

fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) if is_plain(text) => text.clone(),
        // A text of JSON is one of YAML.
        other => other.to_string(),
    }
}

fn is_plain(text: &str) -> bool {
    let known = |c: char| c.is_ascii_alphanumeric() || "._/@:-".contains(c);
    let word = !matches!(
        text.to_ascii_lowercase().as_str(),
        "true" | "false" | "null" | "yes" | "no" | "on" | "off" | "y" | "n"
    );
    let begins = text.starts_with(|c: char| c.is_ascii_alphabetic());
    word && begins && text.chars().all(known) && !text.ends_with(':') && !text.contains(": ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::yaml::{Bounds, Kind, Node};
    use serde_json::json;

    fn back(node: Node) -> Value {
        match node.kind {
            Kind::Null => Value::Null,
            Kind::Bool(truth) => json!(truth),
            Kind::Text(text) => json!(text),
            Kind::List(items) => Value::Array(items.into_iter().map(back).collect()),
            Kind::Map(members) => Value::Object(members.into_iter().map(|(k, v)| (k, back(v))).collect()),
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        let value = json!({
            "apiVersion": "v1", "truth": true, "text-of-truth": "true", "no": "no", "number": "012", "colon": "a: b",
            "policy.yaml": "spec:\n  images: [x]\n\n  more: y\n", "odd": " leading\n", "open": "no end", "tab": "a\tb\n",
            "list": [{ "name": "x", "list": ["1", "2"], "empty": [] }, "y", [["z"]], {}],
            "nothing": null, "empty": "", "key: odd": "v", "hash": "a #b", "star": "*a", "quote": "\"'", "end": "x:",
        });
        let bounds = Bounds { what: "a test", bytes: 10_000, nodes: 1000, depth: 64 };
        let read = |text: &str| back(Node::parse(text, &bounds).unwrap());
        let written = text(&value);
        let mut expected = value.clone();
        for (name, empty) in [("/list/0/empty", "[]"), ("/list/3", "{}")] {
            assert!(written.contains(empty), "{name}: {written}");
        }
        expected["nothing"] = Value::Null;
        assert_eq!(read(&written), expected, "{written}");
        assert!(written.contains("policy.yaml: |\n  spec:\n    images: [x]\n\n    more: y\n"), "{written}");
        assert!(written.contains("apiVersion: v1\n") && written.contains("text-of-truth: \"true\"\n"), "{written}");
    }
}
