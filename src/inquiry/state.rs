//! [`State`]: what is needed to do an execution again, as far as the log has it, and what is missing.

use super::event::Cell;
use super::{Event, Fact, Run, Sheet};
use crate::record::Known;

/// One of the things that are needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Its name.
    pub name: &'static str,
    /// What is known of it.
    pub known: Vec<Fact>,
    /// What is not, each in a sentence.
    pub missing: Vec<String>,
}

/// What is needed to do an execution again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// The execution.
    pub run: Run,
    /// Everything that is needed.
    pub parts: Vec<Part>,
}

/// What is needed to do an execution again. `events` are all of its records, `materials` what the log has of what its artifacts
/// were built of.
#[must_use]
pub fn state(sheet: &Sheet, events: &[Event], materials: &[Event]) -> State {
    let parts = vec![
        of(sheet, "source", &[("repository", "which repository"), ("commit", "which commit was checked out")]),
        of(
            sheet,
            "task",
            &[
                ("charter", "under which charter"),
                ("charter_digest", "the charter's text at that time"),
                ("task_id", ""),
            ],
        ),
        conversation(sheet),
        of(sheet, "agent", &[("agent_version", "its version")]),
        of(sheet, "model", &[("model", "which one"), ("provider", "who provides it")]),
        of(sheet, "environment", &[("container", "the image in which it ran"), ("environment", ""), ("machine", "")]),
        of(sheet, "authority", &[("credentials", "what it could use"), ("elevated", "")]),
        built_of(sheet, materials),
        steps(sheet, events),
        results(sheet),
    ];
    State { run: sheet.run.clone(), parts }
}

/// A part that stands in fields; one whose absence says nothing has no word for it.
fn of(sheet: &Sheet, name: &'static str, fields: &[(&str, &str)]) -> Part {
    let known = |field: &str| sheet.facts.get(field).into_iter().flatten().cloned();
    let mut part = Part { name, known: Vec::new(), missing: Vec::new() };
    for (field, word) in fields {
        let before = part.known.len();
        part.known.extend(known(field));
        if part.known.len() == before && !word.is_empty() {
            part.missing.push(format!("{word} is not said"));
        }
        if part.known.len() > before + 1 && ["commit", "model", "container", "charter_digest"].contains(field) {
            part.missing.push(format!("{} different values are said of {field}", part.known.len() - before));
        }
    }
    part
}

fn conversation(sheet: &Sheet) -> Part {
    let mut part = Part { name: "conversation", known: Vec::new(), missing: Vec::new() };
    for one in &sheet.transcripts {
        match &one.digest {
            Some(digest) => part.known.push(fact("transcript", digest, sheet.run.records.0)),
            None => part.missing.push(format!("no transcript of session {} was recorded", one.session)),
        }
    }
    match sheet.transcripts.is_empty() {
        true => part.missing.push("what it was told is not recorded: no session".to_owned()),
        false if !part.known.is_empty() => {
            part.missing
                .push("the log has the digest of the transcript, and not its text: the agent keeps that".to_owned());
        }
        false => {}
    }
    part
}

fn built_of(sheet: &Sheet, materials: &[Event]) -> Part {
    let mut part = Part { name: "dependencies", known: Vec::new(), missing: Vec::new() };
    let listed = |event: &Event| {
        let list: Vec<String> = serde_json::from_str(event.text("materials")?).ok()?;
        Some(list.len())
    };
    for event in materials {
        let count = listed(event).unwrap_or(0);
        if count > 0 {
            part.known.push(fact("materials", &format!("{count} listed with digests"), event.number));
        }
        part.known.extend(event.text("base_image").map(|image| fact("base_image", image, event.number)));
        if let Some(n @ 1..) = event.count("left_out") {
            part.missing.push(format!("{n} more are not listed (record {})", event.number));
        }
    }
    if materials.is_empty() {
        part.missing.push(match sheet.attested.is_empty() {
            true => "what it depended on is not recorded: nothing of it was attested".to_owned(),
            false => "its attestations say nothing of what was built of what".to_owned(),
        });
    }
    part
}

fn steps(sheet: &Sheet, events: &[Event]) -> Part {
    let mut part = Part { name: "steps", known: Vec::new(), missing: Vec::new() };
    let first = sheet.run.records.0;
    for action in &sheet.actions {
        part.known.push(fact("action_type", &format!("{} {}", action.count, action.name), first));
    }
    let texts = events.iter().filter(|event| event.text("command").is_some() || event.text("input").is_some()).count();
    if texts > 0 {
        part.missing.push(format!(
            "the texts of {texts} actions are committed to and not kept: `attest audit match` proves one"
        ));
    }
    if sheet.actions.is_empty() {
        part.missing.push("nothing of what it did is recorded".to_owned());
    }
    for loss in &sheet.losses {
        part.missing.push(format!("{} events were lost: {} (record {})", loss.lost, loss.reason, loss.record));
    }
    part
}

fn results(sheet: &Sheet) -> Part {
    let mut part = Part { name: "results", known: Vec::new(), missing: Vec::new() };
    for (record, what) in sheet.commits.iter().chain(&sheet.attested) {
        part.known.push(fact("target", what, *record));
    }
    if part.known.is_empty() {
        part.missing.push("no commit and no attestation: nothing to compare with".to_owned());
    }
    part
}

fn fact(name: &str, text: &str, record: u64) -> Fact {
    Fact { cell: Cell { name: name.to_owned(), text: text.to_owned(), known: Known::Declared }, record }
}

#[cfg(test)]
mod tests {
    use super::super::event::tests::event;
    use super::super::sheet;
    use super::*;

    fn missing(events: &[Event], materials: &[Event]) -> Vec<(&'static str, Vec<String>)> {
        let sheet = sheet(events, "e").unwrap();
        state(&sheet, events, materials).parts.into_iter().map(|part| (part.name, part.missing)).collect()
    }

    fn whole() -> Vec<Event> {
        vec![
            event(
                1,
                "execution_started",
                &[
                    "execution_id=e",
                    "agent=s/a",
                    "agent_version=2",
                    "repository=r",
                    "commit=c",
                    "charter=https://x/1",
                    "charter_digest=sha256:1",
                    "model=m",
                    "provider=p",
                    "container=sha256:2",
                    "credentials=[\"A:b\"]",
                ],
            ),
            event(2, "action", &["execution_id=e", "session_id=s", "action_type=commit", "target=commit:c2"]),
            event(3, "session", &["session_id=s", "transcript=sha256:3"]),
        ]
    }

    #[test]
    fn what_is_missing_of_each_part_is_said() {
        let materials = [event(9, "materials", &["statement=s1", "materials=[\"pkg:npm/x\"]"])];
        let kept = "the log has the digest of the transcript, and not its text: the agent keeps that";
        let found = missing(&whole(), &materials);
        let all: Vec<&String> = found.iter().flat_map(|(_, missing)| missing).collect();
        assert_eq!(all, [kept], "the twin");
        for (field, part, said) in [
            ("repository", "source", "which repository is not said"),
            ("commit", "source", "which commit was checked out is not said"),
            ("charter_digest", "task", "the charter's text at that time is not said"),
            ("provider", "model", "who provides it is not said"),
            ("container", "environment", "the image in which it ran is not said"),
            ("credentials", "authority", "what it could use is not said"),
        ] {
            let mut events = whole();
            events[0].said.retain(|cell| cell.name != field);
            let found = missing(&events, &materials);
            let (_, of) = found.iter().find(|(name, _)| *name == part).unwrap();
            assert_eq!(of, &[said.to_owned()], "{field}");
        }
        let mut more = whole();
        more.push(event(4, "loss", &["execution_id=e", "lost=17", "reason=spool full"]));
        more.push(event(5, "execution_ended", &["execution_id=e", "status=failed", "commit=other", "command=x"]));
        let found = missing(&more, &[event(9, "materials", &["statement=s1", "left_out=5"])]);
        let of = |name: &str| found.iter().find(|(part, _)| *part == name).unwrap().1.join("; ");
        assert_eq!(of("source"), "2 different values are said of commit");
        assert_eq!(of("dependencies"), "5 more are not listed (record 9)");
        assert!(
            of("steps").contains("17 events were lost: spool full (record 4)")
                && of("steps").contains("1 actions are committed")
        );
        assert!(missing(&whole(), &[]).contains(&(
            "dependencies",
            vec!["what it depended on is not recorded: nothing of it was attested".into()]
        )));
        let bare = [event(1, "execution_started", &["execution_id=e", "agent=s/a"])];
        assert_eq!(missing(&bare, &[]).iter().filter(|(_, missing)| !missing.is_empty()).count(), 10);
    }
}
