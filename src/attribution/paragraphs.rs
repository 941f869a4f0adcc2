//! [`Block`]: paragraphs of a commit message that are of trailers, as git's `trailer.c` has it, wherever they stand: a squash leaves
//! them in the middle. What git takes for trailers is among them, whatever stands beside it.

use crate::model::limits;

/// What git counts as blank. Other blanks of Unicode are letters to it, and part of a line.
pub(super) const BLANK: [char; 4] = [' ', '\t', '\r', '\n'];
/// The line below which git cuts a message that is being edited.
pub(super) const SCISSORS: &str = "------------------------ >8 ------------------------";
/// What git itself writes into a paragraph: with one of these, a quarter of trailers is enough.
const GENERATED: [&str; 2] = ["Signed-off-by: ", "(cherry picked from commit "];

/// A trailer.
pub(super) struct Pair {
    pub(super) name: String,
    /// With the lines that continue it; as it stands, which may be nothing.
    pub(super) value: String,
    /// Whether it begins its line, as git wants it: not indented, and no item of a list.
    pub(super) is_plain: bool,
}

/// A paragraph of trailers.
pub(super) struct Block {
    pub(super) pairs: Vec<Pair>,
    /// Whether it is the last of its message, where git looks for trailers.
    pub(super) is_last: bool,
}

/// Without what git counts as blank.
pub(super) fn trim(text: &str) -> &str {
    text.trim_matches(BLANK)
}

/// How far a line stands in.
pub(super) fn indent(line: &str) -> usize {
    line.len() - line.trim_start_matches(BLANK).len()
}

/// Key and value as git reads them: letters, digits and `-`, blanks, a colon.
fn of_git(line: &str) -> Option<(&str, &str)> {
    let (key, value) = line.split_once(':')?;
    let key = key.trim_end_matches([' ', '\t']);
    let named = !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    named.then(|| (key, trim(value)))
}

/// Key and first line of a trailer, also of an item of a list.
pub(super) fn trailer(line: &str) -> Option<(&str, &str)> {
    let line = trim(line);
    let item = line.trim_start_matches(['*', '-', ' ']);
    of_git(item).or_else(|| of_git(line))
}

/// Whether git takes a paragraph for one of trailers though other lines stand in it.
fn is_mixed(paragraph: &[&str]) -> bool {
    let (mut trailers, mut others, mut continuing, mut is_generated) = (0_usize, 0_usize, 0, false);
    for line in paragraph.iter().rev() {
        let generated = GENERATED.iter().any(|beginning| line.starts_with(beginning));
        if line.starts_with('#') {
            others += continuing;
            continuing = 0;
        } else if line.starts_with(BLANK) {
            continuing += 1;
        } else if generated || of_git(line).is_some() {
            is_generated |= generated;
            trailers += 1;
            continuing = 0;
        } else {
            others += 1 + continuing;
            continuing = 0;
        }
    }
    is_generated && trailers * 3 >= others + continuing
}

/// The trailers of a paragraph, and whether it has nothing else.
fn pairs(paragraph: &[&str]) -> (Vec<Pair>, bool) {
    let (mut all, mut whole, mut open) = (Vec::<Pair>::new(), true, None);
    // Git leaves remarks out.
    for line in paragraph.iter().filter(|line| !line.starts_with('#')) {
        let inner = indent(line);
        match (open.filter(|outer| inner > *outer), trailer(line), all.last_mut()) {
            // A line that stands further in than the trailer continues it.
            (Some(_), _, Some(last)) => {
                last.value.push(' ');
                last.value.push_str(trim(line));
            }
            (_, Some((name, value)), _) => {
                open = Some(inner);
                let is_plain = line.starts_with(name);
                all.push(Pair { name: name.to_owned(), value: value.to_owned(), is_plain });
            }
            _ => {
                open = None;
                whole &= line.starts_with(GENERATED[1]) || trim(line).starts_with('[');
            }
        }
    }
    all.iter_mut().for_each(|pair| pair.value = trim(&pair.value).to_owned());
    (all, whole)
}

/// Where the text ends: what stands below are remarks, and what git wrote of conflicts.
fn end(lines: &[&str]) -> usize {
    let cut = lines.iter().position(|line| line.starts_with('#') && line.contains(SCISSORS)).unwrap_or(lines.len());
    let (mut end, mut conflicts) = (0, false);
    for (at, line) in lines.iter().enumerate().take(cut) {
        let passed_over = line.starts_with('#') || trim(line).is_empty() || conflicts && line.starts_with('\t');
        if *line == "Conflicts:" {
            conflicts = true;
        } else if !passed_over {
            conflicts = false;
            end = at + 1;
        }
    }
    end
}

/// Paragraphs of trailers. The first paragraph, the subject, is none. Of more than [`limits::MESSAGE_LINES`] lines nothing is read.
pub(super) fn blocks(message: &str) -> Vec<Block> {
    let lines: Vec<&str> = message.lines().take(limits::MESSAGE_LINES).collect();
    let end = end(&lines);
    let mut out = Vec::new();
    let mut start = 0;
    for (at, paragraph) in lines.split(|line| trim(line).is_empty()).enumerate() {
        let is_last = start < end && start + paragraph.len() >= end;
        start += paragraph.len() + 1;
        if at > 0 && is_mixed(paragraph) {
            out.push(Block { pairs: pairs(paragraph).0, is_last });
            continue;
        }
        // A line `---`, below which a mail has what is no part of the message, ends one too.
        for (part, lines) in paragraph.split(|line| trim(line) == "---").enumerate() {
            if (at, part) == (0, 0) || lines.is_empty() {
                continue;
            }
            let (pairs, whole) = pairs(lines);
            if whole && !pairs.is_empty() {
                out.push(Block { pairs, is_last: is_last && lines.len() == paragraph.len() });
            }
        }
    }
    out
}

/// Which limit a message is over, so that not all that it says is read; none for one that is read.
#[must_use]
pub fn over_limit(message: &str) -> Option<String> {
    let over = |what: &str, limit: usize| Some(format!("a commit's message has more than {limit} {what}"));
    if message.lines().nth(limits::MESSAGE_LINES).is_some() {
        return over("lines", limits::MESSAGE_LINES);
    }
    if blocks(message).iter().map(|block| block.pairs.len()).sum::<usize>() > limits::MESSAGE_TRAILERS {
        return over("trailers", limits::MESSAGE_TRAILERS);
    }
    let sets = super::own::attributions(message).len();
    if sets > limits::MESSAGE_SETS { over("sets of trailers", limits::MESSAGE_SETS) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(message: &str) -> Vec<String> {
        blocks(message).into_iter().flat_map(|block| block.pairs).map(|pair| pair.name).collect()
    }

    #[test]
    fn a_quarter_of_trailers_is_enough_beside_one_of_gits_own() {
        let signed = "Signed-off-by: A <a@a>";
        assert_eq!(names(&format!("T\n\none\ntwo\nAgent: x\n{signed}\n")), ["Agent", "Signed-off-by"]);
        assert_eq!(names(&format!("T\n\n{}{signed}\n", "text\n".repeat(3))), ["Signed-off-by"]);
        assert_eq!(names(&format!("T\n\n{}{signed}\n", "text\n".repeat(4))), [""; 0], "less than a quarter");
        assert_eq!(names("T\n\none\nAgent: x\n"), [""; 0], "none of git's own");
        assert_eq!(names("T\n\none\nAgent: x\n(cherry picked from commit 01)\n"), ["Agent"]);
        assert_eq!(names("T\n\n# remark\nAgent: x\n# remark\n"), ["Agent"]);
        assert_eq!(names(&format!("T\n\n{signed}\n---\nAgent: x\ntext\n")), ["Signed-off-by", "Agent"]);
        assert_eq!(names("T\n\nAgent: x\n---: y\n"), ["Agent", "---"]);
    }

    #[test]
    fn the_last_is_before_remarks_and_conflicts() {
        let last = |message: &str| blocks(message).iter().map(|block| block.is_last).collect::<Vec<_>>();
        assert_eq!(last("T\n\nA: x\n\nB: y\n"), [false, true]);
        assert_eq!(last("T\n\nA: x\n\n# B: y\n\nConflicts:\n\tfile\n"), [true, false]);
        assert_eq!(last(&format!("T\n\nA: x\n\n# {SCISSORS}\nB: y\n")), [true, false]);
        assert_eq!(last("T\n\nA: x\n\ntext\n"), [false]);
    }

    #[test]
    fn over_a_limit_is_said() {
        let lines = |n: usize| format!("T\n{}", "\n".repeat(n - 1));
        assert_eq!(over_limit(&lines(limits::MESSAGE_LINES)), None);
        assert!(over_limit(&lines(limits::MESSAGE_LINES + 1)).unwrap().contains("lines"));
        let trailers = |n: usize| format!("T\n\n{}", "X: y\n".repeat(n));
        assert_eq!(over_limit(&trailers(limits::MESSAGE_TRAILERS)), None);
        assert!(over_limit(&trailers(limits::MESSAGE_TRAILERS + 1)).unwrap().contains("trailers"));
        let sets = |n: usize| (0..n).map(|n| format!("\nAgent: a{n}\n")).fold("T\n".to_owned(), |all, one| all + &one);
        assert_eq!(over_limit(&sets(limits::MESSAGE_SETS)), None);
        assert!(over_limit(&sets(limits::MESSAGE_SETS + 1)).unwrap().contains("sets"));
    }
}
