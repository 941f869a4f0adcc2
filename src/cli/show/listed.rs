//! `attest list` for people: a table of attestations that nobody verified.

use crate::cli::args::looked::{Looked, Shown};
use crate::cli::show::decision::{Page, View, WIDTH};
use crate::cli::show::sanitize::line;
use crate::flow::{About, Claim};
use crate::model::plural::counted;
use crate::predicate;

const HEAD: [&str; 5] = ["TIME", "TYPE", "AGENT", "SIGNER", "STATEMENT"];

/// Columns that are cut where a terminal has too little room.
const NARROWED: [usize; 3] = [1, 2, 3];

/// What stays of each of them.
const LEAST: usize = 10;

type Row = [String; 5];

/// A table; of several subjects one for each set of them that have the same attestations.
#[must_use]
pub(in crate::cli) fn page(looked: &Looked, view: View) -> String {
    let mut page = Page::new(view);
    let mut groups: Vec<(&[usize], Vec<&Shown>)> = Vec::new();
    for shown in &looked.shown {
        match groups.iter_mut().find(|(subjects, _)| *subjects == shown.subjects) {
            Some((_, members)) => members.push(shown),
            None => groups.push((&shown.subjects, vec![shown])),
        }
    }
    for (subjects, members) in groups {
        if looked.subjects.len() > 1 {
            let names: Vec<_> = subjects.iter().map(|n| line(&looked.subjects[*n].0.name)).collect();
            page.line(0, &format!("{}:", few(&names, view)));
        }
        let rows: Vec<_> =
            members.iter().filter_map(|s| Some(row(s.found.claim.as_ref().ok()?, s.about, view))).collect();
        if !rows.is_empty() {
            table(&mut page, rows);
        }
        for s in &members {
            if let Err(e) = &s.found.claim {
                page.line(0, &format!("{} cannot be read: {}", crate::cli::show::origin(&s.found.origin), line(e)));
            }
        }
    }
    let readable = looked.shown.iter().filter(|s| s.found.claim.is_ok()).count();
    let of = if looked.subjects.len() > 1 {
        format!(" of {}", counted(looked.subjects.len(), "subject"))
    } else {
        String::new()
    };
    let left_out = looked.left_out().map(|text| format!("; left out: {text}")).unwrap_or_default();
    page.line(0, &format!("{}{of}, not verified{left_out}", counted(readable, "attestation")));
    page.text()
}

/// Names, or the first of many.
fn few(names: &[String], view: View) -> String {
    const FEW: usize = 4;
    if names.len() <= FEW || !view.terminal || view.verbose {
        return names.join(", ");
    }
    format!("{} and {} more", names[..FEW - 1].join(", "), names.len() - FEW + 1)
}

fn row(claim: &Claim, about: Option<About>, view: View) -> Row {
    let short = view.terminal && !view.verbose;
    let kind = claim.statement.predicate_type().as_str();
    let kind = match (predicate::short(kind), short) {
        (Some(name), true) => name,
        (None, true) => kind.strip_prefix("https://").unwrap_or(kind),
        (_, false) => kind,
    };
    let kind = match about {
        Some(About::Subject) | None => kind.to_owned(),
        Some(About::Unclear) => format!("{kind}, about an unknown digest"),
        Some(About::Support) => format!("{kind} (support)"),
        Some(About::Listed | About::Other) => format!("{kind} (of an image in it)"),
    };
    // To the minute is enough to see which came first.
    let time = claim.time().map(|t| t.to_string());
    let time = if short { time.map(|t| t.chars().take(16).collect::<String>().replace('T', " ")) } else { time };
    let signer = match &claim.certificate {
        Some((identity, _)) if short => identity.strip_prefix("https://").unwrap_or(identity).to_owned(),
        None if short => claim.signer.replace("key sha256:", "key "),
        _ => claim.signer.clone(),
    };
    let digest = if short { claim.payload_digest.hex().to_owned() } else { claim.payload_digest.to_string() };
    let none = || "-".to_owned();
    [time.unwrap_or_else(none), kind, claim.actor().unwrap_or_else(none), signer, digest].map(|cell| line(&cell))
}

fn table(page: &mut Page, rows: Vec<Row>) {
    let short = page.view.terminal && !page.view.verbose;
    let mut all = vec![HEAD.map(str::to_owned)];
    all.extend(rows);
    if short {
        all.iter_mut().flatten().for_each(|cell| *cell = crate::cli::show::decision::shortened(cell));
    }
    let mut widths: [usize; 5] =
        std::array::from_fn(|i| all.iter().map(|cells| cells[i].chars().count()).max().unwrap_or_default());
    if short {
        let room = WIDTH - 2 * (HEAD.len() - 1);
        // The widest gives first.
        while widths.iter().sum::<usize>() > room
            && let Some(column) = NARROWED.into_iter().filter(|c| widths[*c] > LEAST).max_by_key(|c| widths[*c])
        {
            widths[column] -= 1;
        }
    }
    for cells in &all {
        let fits = |(cell, width): (&String, usize)| match cell.chars().count() > width {
            true => cell.chars().take(width - 1).chain(['…']).collect(),
            false => format!("{cell:width$}"),
        };
        let padded: Vec<String> = cells.iter().zip(widths).map(fits).collect();
        page.cut(padded.join("  ").trim_end());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(terminal: bool) -> String {
        let mut page = Page::new(View { verbose: false, quiet: false, terminal, colour: false });
        let row = |agent: &str, signer: &str| {
            let hex = "4f53a1c0".repeat(8);
            ["2026-01-02 03:04", "acme.example/a/long/type/v1", agent, signer, &hex].map(str::to_owned)
        };
        let signer = format!("key {}", "9e3779b1".repeat(8));
        let long = "github.com/acme/app/.github/workflows/release.yml@refs/tags/v1";
        table(&mut page, vec![row("research/scout-of-the-north", long), row("-", &signer)]);
        page.text()
    }

    #[test]
    fn a_table_fits_a_terminal_and_is_whole_in_a_pipe() {
        let text = shown(true);
        assert!(text.lines().all(|l| l.chars().count() <= 80), "{text}");
        assert_eq!(text.lines().count(), 3, "{text}");
        for part in ["key 9e3779b1", "acme.example/a", "research/scout", "github.com/acm", "  4f53a1c0\n"] {
            assert!(text.contains(part), "{part}: {text}");
        }
        let text = shown(false);
        assert!(text.contains("research/scout-of-the-north") && text.contains(&"4f53a1c0".repeat(8)), "{text}");
    }
}
