//! Writes attributions into a message, where git's own `%(trailers)` finds them: in its last paragraph.

use super::lines::trailer;
use super::own::{Attribution, Key, attributions};

/// The line below which git cuts a message that is being edited.
const SCISSORS: &str = "------------------------ >8 ------------------------";

/// A message with an attribution added, and with all that stand in it (as a squash leaves them in its middle) in its last paragraph.
/// What is there is not written twice.
#[must_use]
pub fn with(message: &str, new: &Attribution) -> String {
    let mut all = attributions(message);
    if !all.contains(new) {
        all.push(new.clone());
    }
    let lines: Vec<&str> = message.lines().collect();
    let (text, rest) = lines.split_at(end(&lines));
    let text: Vec<&str> = text.iter().map(|line| line.trim_end()).collect();
    let text = &text[..text.iter().rposition(|line| !line.is_empty()).map_or(0, |at| at + 1)];
    let start = text.iter().rposition(|line| line.is_empty()).map_or(0, |at| at + 1);
    let is_block = start > 0 && !text[start..].is_empty() && text[start..].iter().all(|line| is_of_a_block(line));
    let (before, block) = if is_block { text.split_at(start) } else { (text, &[][..]) };
    let mut out: String = before.iter().map(|line| format!("{line}\n")).collect();
    if !is_block {
        // The subject, which is still to be written, stands above it.
        out += if text.is_empty() { "\n\n" } else { "\n" };
    }
    // Other trailers stay where they are; those of the five are written anew, so that each set stands together.
    for line in block {
        let own =
            trailer(line).is_some_and(|(name, _)| Key::ALL.iter().any(|key| key.name().eq_ignore_ascii_case(name)));
        if !own {
            out += line;
            out.push('\n');
        }
    }
    all.iter().for_each(|one| out += &one.to_string());
    if !rest.is_empty() {
        out.push('\n');
        let rest = &rest[rest.iter().position(|line| !line.trim().is_empty()).unwrap_or(rest.len())..];
        rest.iter().for_each(|line| out += &format!("{line}\n"));
    }
    out
}

/// Where the text ends, and what git takes away begins: remarks at the end, or all below the scissors.
fn end(lines: &[&str]) -> usize {
    let remark = |line: &&str| line.trim().is_empty() || line.starts_with('#');
    let cut = lines.iter().position(|line| line.starts_with('#') && line.contains(SCISSORS)).unwrap_or(lines.len());
    let text = &lines[..cut];
    let end = text.iter().rposition(|line| !remark(line)).map_or(0, |at| at + 1);
    if text[end..].iter().all(|line| line.trim().is_empty()) && cut == lines.len() { lines.len() } else { end }
}

/// Whether a line can stand among trailers.
fn is_of_a_block(line: &str) -> bool {
    trailer(line).is_some_and(|(_, value)| !value.is_empty())
        || line.starts_with("(cherry picked from commit ")
        || line.starts_with([' ', '\t'])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(n: u8) -> Attribution {
        Attribution::default().with(Key::Agent, "a").with(Key::Squad, "s").with(Key::Execution, &format!("e{n}"))
    }

    const ONE: &str = "Agent: a\nSquad: s\nExecution: e1\n";
    const TWO: &str = "Agent: a\nSquad: s\nExecution: e2\n";

    #[test]
    fn trailers_go_into_the_last_paragraph_and_stand_there_once() {
        for (message, expected) in [
            ("T\n", format!("T\n\n{ONE}")),
            ("T\n\nText.\n\n\n", format!("T\n\nText.\n\n{ONE}")),
            ("", format!("\n\n{ONE}")),
            ("T\n\nSigned-off-by: A <a@a>\n", format!("T\n\nSigned-off-by: A <a@a>\n{ONE}")),
            ("fix: it\nover two lines\n", format!("fix: it\nover two lines\n\n{ONE}")),
            ("fix: this\n", format!("fix: this\n\n{ONE}")),
            ("T\n\n# Please enter\n# x\n", format!("T\n\n{ONE}\n# Please enter\n# x\n")),
            ("\n# Please enter\n", format!("\n\n{ONE}\n# Please enter\n")),
        ] {
            let found = with(message, &one(1));
            assert_eq!(found, expected, "{message:?}");
            assert_eq!(with(&found, &one(1)), found, "again");
        }
        let cut = format!("T\n\n# {SCISSORS}\n# below\ndiff --git a b\n");
        assert_eq!(with(&cut, &one(1)), format!("T\n\n{ONE}\n# {SCISSORS}\n# below\ndiff --git a b\n"));
    }

    #[test]
    fn a_squash_keeps_every_set_together() {
        let squash = format!("Both\n\n* One\n\n{ONE}\n* Two\n\n{TWO}");
        let found = with(&squash, &one(2));
        assert!(found.ends_with(&format!("\n\n{ONE}{TWO}")), "{found}");
        assert_eq!(attributions(&found), [one(1), one(2)]);
        assert_eq!(attributions(&with(&found, &one(3))), [one(1), one(2), one(3)]);
    }
}
