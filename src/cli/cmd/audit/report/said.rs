//! A week as a person reads it: on a terminal, and as Markdown.

use crate::action::encode;
use crate::cli::cmd::audit::ask::{figures, history, rows, told};
use crate::cli::show::sanitize;
use crate::inquiry::Hole;
use crate::inquiry::week::{Exempt, GOAL, ISSUE, Part, Used, Violation, Week};

/// Exceptions and violations that are listed; the others are counted.
const LISTED: usize = 20;

/// `2026-11-23 to 2026-11-29 (UTC)`, where it is whole days.
fn span((from, until): (i64, i64)) -> String {
    const DAY: i64 = 86_400;
    let day = |unix: i64| figures::second(unix).chars().take(10).collect::<String>();
    match from % DAY == 0 && until % DAY == 0 {
        true => format!("{} to {} (UTC)", day(from), day(until - 1)),
        false => format!("{} to {} (UTC)", figures::minute(from), figures::minute(until)),
    }
}

fn name(kind: &str) -> &'static str {
    match kind {
        GOAL => "goals achieved",
        ISSUE => "issues resolved",
        _ => "pull requests merged",
    }
}

const HEAD: [&str; 6] = ["OUTCOME", "COUNT", "RUNS", "TOKENS IN/OUT", "COST", "EACH"];

/// Outcomes, and what is of none.
fn outcomes(week: &Week) -> Vec<Vec<String>> {
    let used = |used: &Used| {
        let cost = match used.cost {
            None => "-".to_owned(),
            Some(cost) if used.cost_known < used.runs => format!("{cost} ({} of {})", used.cost_known, used.runs),
            Some(cost) => cost.to_string(),
        };
        [figures::number(used.runs), figures::in_and_out(used.tokens), cost]
    };
    let row = |part: &Part| {
        let count = part.outcomes.len() as u64;
        let each = match part.each() {
            None => "-".to_owned(),
            Some((each, of)) if of < count => format!("{each} (of {of})"),
            Some((each, _)) => each.to_string(),
        };
        let mut row = vec![name(part.kind).to_owned(), figures::number(count)];
        row.extend(used(&part.used));
        row.push(each);
        row
    };
    let mut out: Vec<_> = week.parts.iter().map(row).collect();
    let mut rest = vec!["not attributed".to_owned(), String::new()];
    rest.extend(used(&week.unattributed));
    rest.push(String::new());
    out.push(rest);
    out
}

fn exception(one: &Exempt) -> String {
    let by = match (&one.approver, one.erased) {
        (Some(by), _) => format!("approved by {} {}", by.text, char::from(by.known as u8)),
        (None, true) => "approved by a person who was erased".to_owned(),
        (None, false) => "approved by nobody".to_owned(),
    };
    let reason = one.reason.as_ref().map_or_else(|| "reason withheld".to_owned(), |reason| format!("\"{reason}\""));
    format!("{} on {}: {reason}, {by}  [{}]", one.rule, one.target, figures::number(one.record))
}

fn violation(one: &Violation) -> String {
    let said = [("", &one.code), ("policy ", &one.policy)];
    let said = said.into_iter().filter_map(|(word, text)| text.as_ref().map(|text| format!(", {word}{text}")));
    let done = if one.kind == "admitted" { "not admitted" } else { "not verified" };
    format!("{done}: {}{}  [{}]", one.subject, said.collect::<String>(), figures::number(one.record))
}

/// A title with its number, and lines below it.
fn listed(week: &Week) -> Vec<(String, Vec<String>)> {
    let cut = |mut lines: Vec<String>| {
        let more = lines.len().saturating_sub(LISTED);
        lines.truncate(LISTED);
        lines.extend((more > 0).then(|| format!("and {more} more; --format json has them")));
        lines
    };
    let losses = week.losses.iter().map(|(reason, lost)| format!("{} {reason}", figures::number(*lost))).collect();
    let adrift = format!("{} of {}", figures::number(week.adrift), figures::number(week.actions));
    vec![
        (format!("Exceptions {}", week.exceptions.len()), cut(week.exceptions.iter().map(exception).collect())),
        (format!("Policy violations {}", week.violations.len()), cut(week.violations.iter().map(violation).collect())),
        (format!("Lost before they were recorded {}", figures::number(week.lost())), cut(losses)),
        (format!("Actions without task or charter {adrift}"), Vec::new()),
    ]
}

pub(super) fn text(week: &Week, holes: &[Hole], of: (i64, i64)) -> String {
    let mut out = format!("{}\n", span(of));
    if week.is_empty() {
        return out + "nothing was recorded of this time\n" + &told::holes(holes);
    }
    out += &history::total(&week.all);
    out.push('\n');
    out += &rows::table(&HEAD, &outcomes(week), &[1, 2, 4, 5]);
    out.push('\n');
    for (title, lines) in listed(week) {
        out += &format!("{title}\n");
        lines.iter().for_each(|line| out += &format!("  {}\n", sanitize::line(line)));
    }
    out += &told::holes(holes);
    out
}

pub(super) fn markdown(week: &Week, holes: &[Hole], of: (i64, i64)) -> String {
    let mut out = format!("## Agents, {}\n\n{}\n", span(of), history::total(&week.all));
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    out += &line(&HEAD.map(|head| head.to_lowercase()));
    out += "|---|---:|---:|---|---:|---:|\n";
    outcomes(week).iter().for_each(|row| out += &line(row));
    for (title, lines) in listed(week) {
        out += &format!("\n**{title}**\n");
        lines.iter().enumerate().for_each(|(at, text)| {
            let first = if at == 0 { "\n" } else { "" };
            out += &format!("{first}- {}\n", encode::code(text));
        });
    }
    let holes = told::holes(holes);
    if !holes.is_empty() {
        out += "\n**Records that cannot be read**\n\n";
        holes.lines().for_each(|line| out += &format!("- {}\n", encode::code(line)));
    }
    out
}
