//! `docs/reference/metrics.md` is made from what the webhook serves.
//! To accept what changed: `SNAPSHOTS=overwrite cargo test --test admission metrics_page`.
#![expect(clippy::disallowed_methods, reason = "reads and writes the document")]

use crate::world::Cluster;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

#[test]
fn it_is_what_is_served() {
    let cluster = Cluster::new("");
    cluster.pod(&["registry.example/acme/app:v1"]);
    let text = String::from_utf8(cluster.router.watched("/metrics").body).unwrap();
    let mut page = "# Metrics of the webhook\n\n".to_owned();
    page += "<!-- Made by `SNAPSHOTS=overwrite cargo test --test admission metrics_page`. -->\n\n";
    page += "`attest admission serve` serves them as OpenMetrics text on `/metrics` of its port for probes (8080). Labels have closed sets of\n";
    page += "values: no name of an image, namespace or user makes a series.\n\n";
    page += "| metric | type | labels | meaning |\n|---|---|---|---|\n";
    let described = |kind: &str, name: &str| {
        let head = format!("# {kind} {name} ");
        text.lines().find_map(|line| line.strip_prefix(&head)).unwrap_or_else(|| panic!("{head}: {text}")).to_owned()
    };
    let names: Vec<_> = text.lines().filter_map(|l| l.strip_prefix("# HELP ")?.split(' ').next()).collect();
    assert!(names.len() >= 10, "{text}");
    for name in names {
        let kind = described("TYPE", name);
        let suffix = if kind == "counter" { "_total" } else { "" };
        let labels: BTreeSet<_> = text
            .lines()
            .filter_map(|line| line.strip_prefix(name)?.split_once('{')?.1.split_once('}'))
            .flat_map(|(labels, _)| labels.split(','))
            .filter_map(|label| label.split('=').next())
            .map(|label| format!("`{label}`"))
            .collect();
        let labels = labels.into_iter().collect::<Vec<_>>().join(", ");
        let _ = writeln!(page, "| `{name}{suffix}` | {kind} | {labels} | {} |", described("HELP", name));
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reference/metrics.md");
    if std::env::var_os("SNAPSHOTS").is_some_and(|v| v == "overwrite") {
        std::fs::write(&path, &page).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == page,
        "docs/reference/metrics.md is not up to date: SNAPSHOTS=overwrite cargo test --test admission metrics_page"
    );
}
