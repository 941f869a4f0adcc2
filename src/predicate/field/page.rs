//! The tables of docs/provenance.md.

use super::{Row, external, internal, resource, run};

/// A table of the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// What whoever asked for the build decided.
    External,
    /// What the builder found itself in.
    Internal,
    /// The run.
    Run,
    /// A ResourceDescriptor.
    Resource,
    /// A DigestSet.
    Digest,
}

impl Part {
    /// Every table, and the mark that stands before it on the page.
    pub const ALL: [(Self, &'static str); 5] = [
        (Self::External, "fields: external"),
        (Self::Internal, "fields: internal"),
        (Self::Run, "fields: run"),
        (Self::Resource, "fields: resource"),
        (Self::Digest, "fields: digest"),
    ];

    fn rows(self) -> Vec<&'static Row> {
        let rows: Vec<_> = match self {
            Self::External => external::ROWS.to_vec(),
            Self::Internal => internal().collect(),
            Self::Run => run::ROWS.to_vec(),
            Self::Resource | Self::Digest => resource::ROWS.to_vec(),
        };
        let digest = |row: &&Row| row.path.starts_with("DigestSet.") == (self == Self::Digest);
        rows.into_iter().filter(digest).collect()
    }
}

/// A table of the page, in Markdown.
#[must_use]
pub fn page(part: Part) -> String {
    let mut out = "| field | type | meaning | from | absent |\n|---|---|---|---|---|\n".to_owned();
    for row in part.rows() {
        let Some(form) = &row.form else { continue };
        out.push_str(&format!("| `{}` | {} |", row.path, form.name()));
        for cell in row.page {
            out.push_str(&if cell.is_empty() { " |".to_owned() } else { format!(" {cell} |") });
        }
        out.push('\n');
    }
    out
}
