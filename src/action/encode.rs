//! The one place where a value from outside becomes part of what a runner or a browser reads: workflow commands, the file of
//! outputs, Markdown and XML. No value can end the place that it stands in.

use crate::model::shown;

/// A workflow command, `::NAME title=TITLE::MESSAGE`. Line breaks of the message stay line breaks; whatever else a log would obey
/// or not show is escaped.
#[must_use]
pub fn command(name: &str, title: &str, message: &str) -> String {
    format!("::{name} title={}::{}", property(title), data(message))
}

/// Makes the runner obey nothing that is printed until [`resume`] with the same token, which nobody may guess.
#[must_use]
pub fn stop(token: &str) -> String {
    format!("::stop-commands::{token}")
}

/// Ends [`stop`].
#[must_use]
pub fn resume(token: &str) -> String {
    format!("::{token}::")
}

fn data(text: &str) -> String {
    let lines: Vec<_> = text.split('\n').map(|line| shown::visible(line).replace('%', "%25")).collect();
    lines.join("%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

/// An output as the file of outputs takes it. `token` is one that nobody may guess; it ends the value, and is made longer where
/// the value has it all the same.
#[must_use]
pub fn output(name: &str, value: &str, token: &str) -> String {
    let mut end = format!("end_{token}");
    while value.contains(&end) {
        end.push('_');
    }
    format!("{name}<<{end}\n{value}\n{end}\n")
}

/// A text in one line of Markdown, as code: nothing in it is a link, a mention, HTML or an image.
#[must_use]
pub fn code(text: &str) -> String {
    let text = shown::line(text);
    let ticks = "`".repeat(longest_run(&text) + 1);
    // Of a span that begins and ends with a space, one of each is taken away.
    let pad = if text.is_empty() || text.starts_with(['`', ' ']) || text.ends_with(['`', ' ']) { " " } else { "" };
    format!("{ticks}{pad}{text}{pad}{ticks}")
}

/// Lines of Markdown, as a block of code that is named after a language.
#[must_use]
pub fn block(language: &str, text: &str) -> String {
    let lines: Vec<_> = text.lines().map(shown::line).collect();
    let ticks = "`".repeat(lines.iter().map(|line| longest_run(line)).max().unwrap_or_default().max(2) + 1);
    format!("{ticks}{language}\n{}\n{ticks}\n", lines.join("\n"))
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or_default()
}

/// A text in an attribute or between two tags of XML.
#[must_use]
pub fn xml(text: &str) -> String {
    let text = shown::line(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    // What XML 1.0 has no characters for.
    text.replace('"', "&quot;").replace('\'', "&apos;").replace(['\u{fffe}', '\u{ffff}'], "\u{fffd}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What the runner reads of a file of outputs: names and values.
    fn outputs(file: &str) -> Vec<(String, String)> {
        let mut lines = file.split_inclusive('\n');
        let mut out = Vec::new();
        while let Some(line) = lines.next() {
            let line = line.trim_end_matches(['\r', '\n']);
            let (equals, here) = (line.find('='), line.find("<<"));
            match (equals, here) {
                (Some(e), h) if h.is_none_or(|h| e < h) => out.push((line[..e].to_owned(), line[e + 1..].to_owned())),
                (_, Some(h)) => {
                    let mut value = String::new();
                    let end = &line[h + 2..];
                    loop {
                        let Some(next) = lines.next() else { panic!("no end: {file:?}") };
                        if next.trim_end_matches('\n') == end {
                            break;
                        }
                        value.push_str(next);
                    }
                    let value = value.strip_suffix('\n').unwrap_or(&value).to_owned();
                    out.push((line[..h].to_owned(), value));
                }
                _ if line.is_empty() => {}
                _ => panic!("no output: {line:?}"),
            }
        }
        out
    }

    /// The commands that the runner obeys in a log: name, title and message.
    fn commands(log: &str) -> Vec<(String, String, String)> {
        let undo = |t: &str| {
            let t = t.replace("%2C", ",").replace("%3A", ":").replace("%0A", "\n").replace("%0D", "\r");
            t.replace("%25", "%")
        };
        let read = |line: &str| {
            let rest = line.trim_start().strip_prefix("::")?;
            let (head, message) = rest.split_once("::")?;
            let (name, properties) = head.split_once(' ').unwrap_or((head, ""));
            assert!(!properties.contains(','), "a second property: {line}");
            let title = properties.split_once('=').map(|(_, title)| title).unwrap_or_default();
            Some((name.to_owned(), undo(title), undo(message)))
        };
        log.split(['\n', '\r']).filter_map(read).collect()
    }

    /// The text of the code span that a line of Markdown is, if it is one and nothing else.
    fn span(markdown: &str) -> Option<&str> {
        let ticks = markdown.len() - markdown.trim_start_matches('`').len();
        let inner = &markdown[ticks..];
        let (mut at, mut rest) = (0, inner);
        loop {
            let next = rest.find('`')?;
            let run = rest[next..].len() - rest[next..].trim_start_matches('`').len();
            if run == ticks {
                return (rest[next + run..].is_empty()).then_some(&inner[..at + next]);
            }
            at += next + run;
            rest = &rest[next + run..];
        }
    }

    const HOSTILE: &[&str] = &[
        "::error::x",
        "\n::set-output name=a::b",
        "%0A::warning::x",
        "%25",
        "a<<EOF\nb\nEOF",
        "end_token",
        "end_token_\nend_token",
        "```",
        "`",
        "``a`",
        " `",
        "${{ secrets.X }}",
        "<script>",
        "[a](javascript:b)",
        "\r\n::stop-commands::x",
        "a:b,c=d",
        "|",
        "",
        "\u{202e}x",
        "##[add-mask]x",
        "-->",
        "]]>",
        "&amp;",
        "\u{0}",
        "=",
        "a=b\nc=d",
    ];

    fn each(text: &str) {
        assert_eq!(
            outputs(&(output("one", text, "token") + &output("two", "2", "token"))),
            [("one".to_owned(), text.to_owned()), ("two".to_owned(), "2".to_owned())]
        );
        let log = command("error", text, text);
        // The runner undoes `%25` last, so a text that looks encoded comes back as it was.
        let undone = |t: &str| t.split('\n').map(shown::visible).collect::<Vec<_>>().join("\n");
        assert!(!log.contains(|c: char| c.is_control()) && !log.contains("##["), "{log:?}");
        assert_eq!(commands(&log), [("error".to_owned(), undone(text), undone(text))], "{log:?}");
        let shown = shown::line(text);
        let one = code(text);
        assert_eq!(
            span(&one).map(|s| if s.starts_with(' ') { &s[1..s.len() - 1] } else { s }),
            Some(if shown.is_empty() { "" } else { &shown }),
            "{one:?}"
        );
        assert!(!one.contains(['\n', '\r']));
        let fence = block("sh", text);
        let (first, rest) = fence.split_once('\n').unwrap();
        let ticks = first.trim_end_matches("sh");
        let ends = rest.lines().filter(|line| line.trim().starts_with(ticks)).count();
        assert_eq!(ends, 1, "{fence}");
        let quoted = xml(text);
        assert!(!quoted.contains(['<', '>', '"', '\'']) && !quoted.contains(|c: char| c.is_control()));
    }

    #[test]
    fn hostile_values_stay_values() {
        for text in HOSTILE {
            each(text);
            for other in HOSTILE {
                each(&format!("{text}{other}"));
                each(&format!("{text}\n{other}"));
            }
        }
    }

    proptest! {
        #[test]
        fn any_text_stays_one_value(text in "(?s).{0,200}") {
            each(&text);
        }

        #[test]
        fn what_looks_like_the_form_stays_a_value(text in "[`:%<=\\n\\r A-Eendtok_0]{0,80}") {
            each(&text);
        }
    }
}
