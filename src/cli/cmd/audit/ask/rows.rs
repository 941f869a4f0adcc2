//! Rows as a table for people, and as CSV.

use crate::cli::show::sanitize;

/// A table whose columns stand below each other; the last one is as wide as it is. `right` are columns of numbers.
pub(in crate::cli::cmd::audit) fn table(head: &[&str], rows: &[Vec<String>], right: &[usize]) -> String {
    let width = |text: &str| text.chars().count();
    let rows: Vec<Vec<String>> = rows.iter().map(|row| row.iter().map(|cell| sanitize::line(cell)).collect()).collect();
    let widest = |at: usize| {
        let cells = rows.iter().filter_map(|row| row.get(at)).map(|cell| width(cell));
        cells.chain(head.get(at).map(|cell| width(cell))).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..head.len()).map(widest).collect();
    let mut out = String::new();
    let head: Vec<String> = head.iter().map(|name| sanitize::line(name)).collect();
    for row in std::iter::once(&head).chain(&rows) {
        let mut line = String::new();
        for (at, cell) in row.iter().enumerate() {
            let gap = " ".repeat(widths.get(at).copied().unwrap_or(0).saturating_sub(width(cell)));
            line += &if right.contains(&at) { format!("{gap}{cell}") } else { format!("{cell}{gap}") };
            line += "  ";
        }
        out += line.trim_end();
        out.push('\n');
    }
    out
}

/// Rows as CSV (RFC 4180), the names first. What a terminal or a runner would obey is escaped, and nothing is cut.
pub(in crate::cli::cmd::audit) fn csv<'a>(
    head: &[impl AsRef<str>],
    rows: impl Iterator<Item = Vec<String>> + 'a,
) -> String {
    let mut out = csv_line(head.iter().map(AsRef::as_ref));
    rows.for_each(|row| out += &csv_line(row.iter().map(String::as_str)));
    out
}

/// One row.
pub(in crate::cli::cmd::audit) fn csv_line<'a>(cells: impl Iterator<Item = &'a str>) -> String {
    let mut out = String::new();
    for (at, cell) in cells.enumerate() {
        if at > 0 {
            out.push(',');
        }
        // Whole, however long: what a program reads must not end in the middle of a path.
        let cell = sanitize::visible(cell);
        if cell.contains(['"', ',', '\n', '\r']) || cell.starts_with(' ') || cell.ends_with(' ') {
            out.push('"');
            out += &cell.replace('"', "\"\"");
            out.push('"');
        } else {
            out += &cell;
        }
    }
    out + "\r\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_read_back_as_they_were_and_obeyed_by_nobody() {
        let long = "p".repeat(5000);
        let text = csv(&["\u{1b}x"], std::iter::once(vec![long.clone()]));
        assert!(text.contains(&long) && !text.contains('\u{1b}'), "nothing is cut");
        assert!(!table(&["\u{1b}[2J"], &[vec!["a".to_owned()]], &[]).contains('\u{1b}'));
        let row = vec!["a,b".to_owned(), "say \"hi\"".to_owned(), "\u{1b}[2J".to_owned(), String::new()];
        let text = csv(&["x", "y", "z", "n"], std::iter::once(row.clone()));
        assert!(text.starts_with("x,y,z,n\r\n\"a,b\",\"say \"\"hi\"\"\",") && text.ends_with(",\r\n"), "{text}");
        assert!(!text.contains('\u{1b}'));
        let shown = table(&["A", "LONG", "Z", "N"], &[row], &[1]);
        assert!(!shown.contains('\u{1b}') && shown.starts_with("A        LONG  Z"), "{shown}");
    }
}
