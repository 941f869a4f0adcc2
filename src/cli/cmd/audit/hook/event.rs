//! An event of an agent, before anything else of this program is started: no runtime, no arguments by clap, no key, no index.

use crate::flow::audit::hooked;
use crate::model::limits;
use crate::places::{self, AuditPlace, Spool, audit::random, input};
use crate::record::Draft;
use crate::record::draft::Origin;
use crate::server::tell;
use crate::sources::hook::{self, Agent, Around, Heard};
use serde_json::{Value, json};
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

/// What is asked of a hook that is run by an agent, and not by a person.
#[derive(Debug, PartialEq, Eq)]
struct Asked {
    log: Option<PathBuf>,
    /// None where the agent's name is none: there is nothing that an agent could do about it.
    agent: Option<&'static Agent>,
}

/// Takes an event, where that is what the arguments ask for and no person does: whether it did. It prints nothing, and whatever
/// happens there is nothing to be said of it: an agent takes every other answer of a hook for a refusal.
#[must_use]
pub(in crate::cli) fn taken(arguments: &[OsString]) -> bool {
    let Some(asked) = asked(arguments) else { return false };
    if input::is_typed() {
        return false;
    }
    std::panic::set_hook(Box::new(|_| {}));
    // A disk that does not answer holds up this thread, and not the agent.
    let time = Duration::from_millis(limits::HOOK_MILLISECONDS);
    let _ = places::within(time + time / 2, move || {
        // Who hands over nothing has no event.
        let given = Some(input::handed_over(limits::HOOK_BYTES, time));
        given.filter(|(bytes, ended)| !(bytes.is_empty() && *ended)).and_then(|(bytes, _)| take(&asked, &bytes))
    });
    true
}

fn asked(arguments: &[OsString]) -> Option<Asked> {
    let mut words = arguments.iter().skip(1);
    let (mut log, mut plain) = (None, Vec::new());
    while let Some(word) = words.next() {
        match word.to_str() {
            Some("--log") => log = Some(PathBuf::from(words.next()?)),
            Some(text) if text.starts_with("--log=") => log = Some(PathBuf::from(&text["--log=".len()..])),
            // Only who runs it by hand passes others.
            Some(text) if text.starts_with('-') => return None,
            text => plain.push(text.unwrap_or_default()),
        }
    }
    match plain[..] {
        ["audit", "hook"] => Some(Asked { log, agent: None }),
        ["audit", "hook", agent, ..] => Some(Asked { log, agent: hook::agent(agent) }),
        _ => None,
    }
}

/// Takes an event in: nothing where there is no log.
fn take(asked: &Asked, bytes: &[u8]) -> Option<()> {
    let agent = asked.agent?;
    let place = AuditPlace::find(asked.log.as_deref()).ok()?;
    let text = |name: &str| places::variable(name)?.into_string().ok();
    let squad = text("ATTEST_SQUAD").map_or_else(String::new, |squad| format!("{squad}/"));
    let around = Around {
        now: places::now(),
        project: text("CLAUDE_PROJECT_DIR"),
        execution: text("ATTEST_EXECUTION"),
        agent: text("ATTEST_AGENT").map(|agent| if agent.contains('/') { agent } else { squad + &agent }),
    };
    let socket = place.socket();
    if !place.exists() && !socket.exists() {
        return None;
    }
    let heard = hook::hear(agent, bytes, &around);
    // The texts that are never kept are committed to here, so that they get no further.
    let draft = heard.record.as_ref().map(|record| Draft::read(record, Origin::Captured, &mut random));
    let draft = draft.transpose().ok().flatten();
    let session = match &draft {
        Some(draft) => draft.text("session_id").map(str::to_owned),
        None => heard.session.clone(),
    };
    let spool = Spool::of(&place).filter(|spool| spool.ready().is_ok());
    let counts = heard.counts && (session.is_some() || draft.is_none());
    let number = match (&spool, counts) {
        (_, false) => None,
        (Some(spool), true) => spool.count(agent.name, session.as_deref()).ok(),
        (None, true) => None,
    };
    let arrived = draft.is_some_and(|draft| {
        let mut record = Value::Object(draft.document());
        if let Some(number) = number {
            hooked::numbered(&mut record, number);
        }
        let line = record.to_string();
        tell(&socket, line.as_bytes())
            || spool.as_ref().is_some_and(|s| s.add(agent.name, session.as_deref(), line.as_bytes()).is_ok())
    });
    // Where it has a number it is missed; else the log's own count has it.
    if !arrived && counts && number.is_none() {
        let _ = place.lose(1);
    }
    note(&heard, spool.as_ref()?, (agent.name, session.as_deref()), &place);
    Some(())
}

/// Where the transcript is, and at its end that it is to be taken in, before the agent cleans it up.
fn note(heard: &Heard, spool: &Spool, of: (&str, Option<&str>), place: &AuditPlace) {
    let begins = heard.record.as_ref().is_some_and(|record| record["kind"] == json!("session"));
    if begins && spool.note_session(of, heard.transcript.as_deref(), heard.ended).is_ok() && heard.ended {
        let _ = input::take_in_aside(place);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_taken_only_where_no_person_asks() {
        let asked = |words: &str| asked(&words.split(' ').map(OsString::from).collect::<Vec<_>>());
        let of = |name: &str| Some(Asked { log: None, agent: hook::agent(name) });
        assert_eq!(asked("attest audit hook claude-code"), of("claude-code"));
        let log = Some(PathBuf::from("/l"));
        for words in ["attest audit hook codex --log /l", "attest audit --log=/l hook codex"] {
            assert_eq!(asked(words), Some(Asked { log: log.clone(), agent: hook::agent("codex") }), "{words}");
        }
        assert_eq!(asked("attest audit hook clade"), Some(Asked { log: None, agent: None }));
        for words in ["attest audit hook claude-code --install", "attest audit hook --help", "attest audit", "attest"] {
            assert_eq!(asked(words), None, "{words}");
        }
    }
}
