//! One row per field of a provenance: its path, and its name in a decision, stand in the table of fields and nowhere else.
//! A second place would go on to show, demand or explain a field under a name that the table no longer has.

use crate::assert_none;
use crate::source::{File, code, sources};
use attest::predicate::field::{self, fact};

/// Where the table stands.
const TABLE: &str = "src/predicate/field/";

/// Paths and names that are nothing else: words without a dot are words of many other things.
fn names() -> Vec<&'static str> {
    let mut names: Vec<_> = declared().filter(|name| name.contains('.')).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// Every path and every name in a decision, as often as the table declares it: `builder.id` is both.
fn declared() -> impl Iterator<Item = &'static str> {
    field::all().map(|row| row.path).chain(fact::ALL.iter().map(|f| f.name))
}

/// Lines that hold a name as a whole text: of the table those outside its tests, elsewhere of tests, too.
fn violations(files: &[File]) -> Vec<String> {
    let names = names();
    let mut found = Vec::new();
    for file in files {
        let lines = if file.path.starts_with(TABLE) { code(&file.text).lines().count() } else { usize::MAX };
        for (number, line) in file.text.lines().take(lines).enumerate() {
            if line.trim_start().starts_with("//") {
                continue;
            }
            for name in names.iter().filter(|name| line.contains(&format!("\"{name}\""))) {
                found.push((*name, format!("{}:{}", file.path, number + 1)));
            }
        }
    }
    let tells = |(name, place): &(&str, String)| {
        let rows = declared().filter(|n| n == name).count();
        let again = found.iter().filter(|(n, p)| n == name && p.starts_with(TABLE)).count() > rows;
        (again || !place.starts_with(TABLE)).then(|| format!("{place}: names the field `{name}` beside its row"))
    };
    found.iter().filter_map(tells).collect()
}

#[test]
fn each_field_is_named_in_its_row_and_nowhere_else() {
    let files: Vec<_> = sources().into_iter().filter(|file| !file.path.starts_with("src/testing/")).collect();
    assert!(names().len() > 100, "the table was not found");
    assert_none(&violations(&files));
}

#[test]
fn catches_a_field_that_is_named_twice() {
    let row = || File::new("src/predicate/field/external.rs", "A: \"externalParameters.task.id\" => row();\n");
    let said = File::new("src/a.rs", "// what \"task.id\" tells\nlet longer = \"a task.id\";\n");
    assert_eq!(violations(&[row(), said]), Vec::<String>::new());
    let test = "#[cfg(test)]\nmod tests {\n const A: &str = \"task.id\";\n}\n";
    assert_eq!(
        violations(&[row(), File::new("src/a.rs", test)]),
        ["src/a.rs:3: names the field `task.id` beside its row"]
    );
    let again = "src/a.rs:1: names the field `externalParameters.task.id` beside its row";
    let planted = File::new("src/a.rs", "const A: &str = \"externalParameters.task.id\";\n");
    assert_eq!(violations(&[row(), planted]), [again]);
    let fact = File::new("src/policy/rule/task.rs", "let fields = [\"task.id\"];\n");
    assert_eq!(violations(&[row(), fact]), ["src/policy/rule/task.rs:1: names the field `task.id` beside its row"]);
    let twice = File::new("src/predicate/field/run.rs", "A: \"externalParameters.task.id\" => row();\n");
    assert_eq!(violations(&[row(), twice]).len(), 2);
}
