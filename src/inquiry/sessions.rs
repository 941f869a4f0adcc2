//! [`Session`]: conversations of agents, by who told of them.

use super::Event;
use crate::record::draft::witness_of;
use crate::record::reading;
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// What is asked for: every condition that is given holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionsAsked {
    /// Sessions of which something was at this time or later (seconds since 1970).
    pub since: Option<i64>,
    /// Of this agent: `squad/agent`, or the name without its squad.
    pub agent: Option<String>,
    /// Of which a source with this word in its name told: `claude-code`, `hook`.
    pub source: Option<String>,
}

/// A conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Its id.
    pub id: String,
    /// Who told of it: programs, as `hook claude-code`.
    pub sources: BTreeSet<String>,
    /// Executions that it is of.
    pub executions: BTreeSet<String>,
    /// The agent.
    pub agent: Option<String>,
    /// First and last time, by the clocks of whoever says so (seconds since 1970).
    pub times: (i64, i64),
    /// Calls of tools, each once, whoever told it.
    pub calls: u64,
    /// Events that records of losses say were not recorded.
    pub lost: u64,
    /// Lines of its file that could not be read, where a record says how many.
    pub unread: Option<u64>,
    /// Digest of its transcript, where one was taken in.
    pub transcript: Option<String>,
}

/// Sessions while their records are looked at, in their order.
#[derive(Debug, Default)]
pub struct Sessions(BTreeMap<String, Gathered>);

/// A session while its records are looked at.
#[derive(Debug)]
struct Gathered {
    own: Session,
    calls: HashSet<(String, String)>,
    /// Whether a record that says its time was among them: then what says none makes it no longer.
    timed: bool,
    /// Lines of its file that losses of an import are of.
    unread: u64,
}

impl Sessions {
    /// Takes a record. What names no session is of none.
    pub fn take(&mut self, event: &Event) {
        let Some(id) = event.text("session_id") else { return };
        let at = event.at();
        let new = || Session {
            id: id.to_owned(),
            sources: BTreeSet::new(),
            executions: BTreeSet::new(),
            agent: None,
            times: (at, at),
            calls: 0,
            lost: 0,
            unread: None,
            transcript: None,
        };
        let gathered = || Gathered { own: new(), calls: HashSet::new(), timed: false, unread: 0 };
        let Gathered { own, calls, timed, unread } = self.0.entry(id.to_owned()).or_insert_with(gathered);
        let owned = |name: &str| event.text(name).map(str::to_owned);
        own.sources.extend(owned("source"));
        own.executions.extend(owned("execution_id"));
        own.agent = own.agent.take().or_else(|| owned("agent"));
        // A loss is found later than it was.
        match event.told_at().filter(|_| event.kind != "loss") {
            Some(at) if !std::mem::replace(timed, true) => own.times = (at, at),
            None if *timed => {}
            _ => own.times = (own.times.0.min(at), own.times.1.max(at)),
        }
        match event.kind.as_str() {
            "action" => {
                let call = event.call().map(|(source, id)| (source.into_owned(), id.to_owned()));
                own.calls += u64::from(call.is_none_or(|call| calls.insert(call)));
            }
            // What an import could not read, the record of its session says, too.
            "loss" if event.text("source").is_some_and(|source| source.starts_with("import ")) => {
                *unread = unread.saturating_add(event.count("lost").unwrap_or(0));
            }
            "loss" => own.lost = own.lost.saturating_add(event.count("lost").unwrap_or(0)),
            // A longer file says all of it again.
            "session" => {
                own.unread = event.count("lost").or(own.unread);
                own.transcript = owned("transcript").or_else(|| own.transcript.take());
            }
            _ => {}
        }
    }

    /// Those that are asked for, by who told of them, and of each the newest first.
    #[must_use]
    pub fn end(self, asked: &SessionsAsked) -> Vec<Session> {
        let fits = |session: &Session| {
            let of = |agent: &str| session.agent.as_deref().is_some_and(|own| is_named(own, agent));
            asked.since.is_none_or(|since| session.times.1 >= since)
                && asked.agent.as_deref().is_none_or(of)
                && asked.source.as_deref().is_none_or(|word| session.sources.iter().any(|own| own.contains(word)))
        };
        let mut out: Vec<Session> = self.0.into_values().map(Gathered::end).filter(fits).collect();
        out.sort_by_cached_key(|session| (session.told_by(), std::cmp::Reverse(session.times.1)));
        out
    }
}

impl Gathered {
    fn end(self) -> Session {
        Session { unread: self.own.unread.or_else(|| Some(self.unread).filter(|n| *n > 0)), ..self.own }
    }
}

fn is_named(own: &str, agent: &str) -> bool {
    own == agent || reading::squad_and_name(own).1 == agent
}

impl Session {
    /// Whose conversation it is, by the program of which hook and transcript both tell: none where no record says so.
    #[must_use]
    pub fn told_by(&self) -> Option<String> {
        let all = self.sources.iter().map(|source| {
            let known = witness_of(source).into_owned();
            known.strip_prefix("import ").map(str::to_owned).unwrap_or(known)
        });
        all.min()
    }
}

#[cfg(test)]
mod tests {
    use super::super::event::tests::event;
    use super::*;

    #[test]
    fn a_session_is_one_whoever_told_of_it() {
        let mut all = Sessions::default();
        let events = [
            event(1, "action", &["session_id=c", "source=hook claude-code", "source_id=t/unanswered"]),
            event(2, "action", &["session_id=c", "source=import claude-code", "source_id=t", "execution_id=e"]),
            event(3, "session", &["session_id=c", "source=import claude-code", "lost=1", "transcript=sha256:0"]),
            event(4, "session", &["session_id=c", "source=import claude-code", "lost=2", "transcript=sha256:1"]),
            event(5, "loss", &["session_id=c", "lost=17", "reason=spool"]),
            event(6, "action", &["session_id=d", "source=codex", "agent=web/fixer", "at=1970-01-01T00:00:07Z"]),
            event(7, "action", &["execution_id=e"]),
        ];
        events.iter().for_each(|event| all.take(event));
        let found = all.end(&SessionsAsked::default());
        assert_eq!(found.iter().map(|s| s.id.as_str()).collect::<Vec<_>>(), ["c", "d"]);
        let one = &found[0];
        assert_eq!((one.calls, one.lost, one.unread), (1, 17, Some(2)), "a call that is told twice is one");
        assert_eq!((one.told_by().as_deref(), one.transcript.as_deref()), (Some("claude-code"), Some("sha256:1")));
        assert_eq!(found[1].unread, None, "what nobody said is no 0");
        let of = |asked: SessionsAsked| {
            let mut all = Sessions::default();
            events.iter().for_each(|event| all.take(event));
            all.end(&asked).into_iter().map(|session| session.id).collect::<Vec<_>>()
        };
        assert_eq!(of(SessionsAsked { agent: Some("fixer".into()), ..Default::default() }), ["d"]);
        assert_eq!(of(SessionsAsked { source: Some("hook".into()), ..Default::default() }), ["c"]);
        assert_eq!(of(SessionsAsked { since: Some(30), ..Default::default() }), ["c"]);
    }
}
