//! Writes attributions into a message, where git's own `%(trailers)` finds them: in its last paragraph.

use super::own::{Attribution, Key, attributions};
use super::paragraphs::{BLANK, SCISSORS, indent, trailer, trim};

/// A message in whatever encoding, with an attribution added as [`with`] does: every byte of it stays as it is.
#[must_use]
pub fn bytes_with(message: &[u8], new: &Attribution) -> Vec<u8> {
    match std::str::from_utf8(message) {
        Ok(text) => with(text, new).into_bytes(),
        // A letter for each byte, and back: what is written is ASCII, and so is all that is looked for.
        Err(_) => {
            let text: String = message.iter().map(|byte| char::from(*byte)).collect();
            with(&text, new).chars().filter_map(|letter| u8::try_from(letter).ok()).collect()
        }
    }
}

/// A message with an attribution added in its last paragraph, and with those of the same keys that stand in it (as a squash leaves them in
/// its middle). What is there is not written twice. A set of other keys, as of somebody who wrote `Agent` and `Squad` alone, gets a
/// paragraph of its own: beside another one it would be read as if it had what it lacks.
#[must_use]
pub fn with(message: &str, new: &Attribution) -> String {
    let is_like = |other: &Attribution| Key::ALL.iter().all(|key| other.get(*key).is_some() == new.get(*key).is_some());
    let mut all: Vec<Attribution> = attributions(message).into_iter().filter(is_like).collect();
    if !all.contains(new) {
        all.push(new.clone());
    }
    let lines: Vec<&str> = message.lines().collect();
    let (text, rest) = lines.split_at(end(&lines));
    let text: Vec<&str> = text.iter().map(|line| line.trim_end_matches(BLANK)).collect();
    let text = &text[..text.iter().rposition(|line| !line.is_empty()).map_or(0, |at| at + 1)];
    let start = text.iter().rposition(|line| line.is_empty()).map_or(0, |at| at + 1);
    let is_block = start > 0 && !text[start..].is_empty() && text[start..].iter().all(|line| is_of_a_block(line));
    let (before, block) = if is_block { text.split_at(start) } else { (text, &[][..]) };
    let mut out: String = before.iter().map(|line| format!("{line}\n")).collect();
    if !is_block {
        // The subject, which is still to be written, stands above it.
        out += if text.is_empty() { "\n\n" } else { "\n" };
    }
    for other in attributions(&format!("T\n\n{}", block.join("\n"))).iter().filter(|other| !is_like(other)) {
        out += &format!("{other}\n");
    }
    // Other trailers stay where they are; those of the five are written anew, so that each set stands together.
    let (mut in_own, mut open) = (false, None);
    for line in block {
        if open.is_none_or(|outer| indent(line) <= outer) {
            in_own = is_own(line);
            open = trailer(line).map(|_| indent(line));
        }
        if !in_own {
            out += line;
            out.push('\n');
        }
    }
    all.iter().for_each(|one| out += &one.to_string());
    if !rest.is_empty() {
        out.push('\n');
        let rest = &rest[rest.iter().position(|line| !trim(line).is_empty()).unwrap_or(rest.len())..];
        rest.iter().for_each(|line| out += &format!("{line}\n"));
    }
    out
}

/// Whether a line begins a trailer of the five.
fn is_own(line: &str) -> bool {
    trailer(line).is_some_and(|(name, _)| Key::named(name).is_some())
}

/// Where the text ends, and what git takes away begins: remarks at the end, or all below the scissors.
fn end(lines: &[&str]) -> usize {
    let remark = |line: &&str| trim(line).is_empty() || line.starts_with('#');
    let cut = lines.iter().position(|line| line.starts_with('#') && line.contains(SCISSORS)).unwrap_or(lines.len());
    let text = &lines[..cut];
    let end = text.iter().rposition(|line| !remark(line)).map_or(0, |at| at + 1);
    if text[end..].iter().all(|line| trim(line).is_empty()) && cut == lines.len() { lines.len() } else { end }
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
        // As git itself squashes, with all of it moved in; and what continues a line stays with it.
        let inner = format!("    {}\n", ONE.trim_end().replace('\n', "\n    "));
        assert_eq!(with(&format!("Both\n\n{inner}"), &one(2)), format!("Both\n\n{ONE}{TWO}"));
        let folded = "Both\n\nReviewed-by: A\n <a@a>\nAgent: a\nSquad: s\nExecution: e1\n";
        assert_eq!(with(folded, &one(2)), format!("Both\n\nReviewed-by: A\n <a@a>\n{ONE}{TWO}"));
    }

    /// What another one wrote of itself stays what it was: it does not get what is written now.
    #[test]
    fn a_set_of_other_keys_stays_apart() {
        let found = with("T\n\nAgent: evil\nSquad: s2\n", &one(1));
        assert_eq!(found, format!("T\n\nAgent: evil\nSquad: s2\n\n{ONE}"));
        let evil = Attribution::default().with(Key::Agent, "evil").with(Key::Squad, "s2");
        assert_eq!(attributions(&found), [evil.clone(), one(1)]);
        assert_eq!(with(&found, &one(1)), found, "again");
        let signed = with("T\n\nAgent: evil\nSquad: s2\nSigned-off-by: A <a@a>\n", &one(1));
        assert_eq!(signed, format!("T\n\nAgent: evil\nSquad: s2\n\nSigned-off-by: A <a@a>\n{ONE}"));
        let more = with(&format!("T\n\n{ONE}"), &evil);
        assert_eq!(attributions(&more), [one(1), evil], "nor the other way");
    }

    #[test]
    fn a_message_in_another_encoding_keeps_its_bytes() {
        let message = b"caf\xE9\n\ntext\xA0\n\nReviewed-by: \x85 <a@a>\n";
        assert_eq!(bytes_with(message, &one(1)), [&message[..], ONE.as_bytes()].concat());
        assert_eq!(bytes_with("\u{e9}\n".as_bytes(), &one(1)), format!("\u{e9}\n\n{ONE}").into_bytes());
    }
}
