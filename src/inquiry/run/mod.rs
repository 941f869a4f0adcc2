//! [`Run`]: the records that are of one execution, or of one session that is of none.

mod also;

pub use also::AlsoSaid;

use super::{Amount, Event};
use crate::model::Timestamp;
use crate::record::draft::OWN_TAGS;
use crate::record::{Known, reading};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

/// Which run.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RunId {
    /// An execution.
    Execution(String),
    /// A session of which no record names an execution.
    Session(String),
}

impl RunId {
    /// The id as it is typed.
    #[must_use]
    pub fn text(&self) -> &str {
        let (Self::Execution(text) | Self::Session(text)) = self;
        text
    }
}

/// Tokens, by their four classes. A class of which nothing is said is absent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tokens {
    /// Read, without those of the cache.
    pub read: Option<u64>,
    /// Written.
    pub written: Option<u64>,
    /// Read from the cache.
    pub cache_read: Option<u64>,
    /// Written to the cache.
    pub cache_write: Option<u64>,
}

impl Tokens {
    fn of(event: &Event) -> Self {
        Self {
            read: event.count("tokens_in"),
            written: event.count("tokens_out"),
            cache_read: event.count("tokens_cache_read"),
            cache_write: event.count("tokens_cache_write"),
        }
    }

    /// Whether nothing is said of any.
    #[must_use]
    pub fn are_unknown(self) -> bool {
        self == Self::default()
    }

    /// Both together; what is absent in both stays absent.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        let add = |a: Option<u64>, b: Option<u64>| match (a, b) {
            (None, None) => None,
            (a, b) => Some(a.unwrap_or(0).saturating_add(b.unwrap_or(0))),
        };
        Self {
            read: add(self.read, other.read),
            written: add(self.written, other.written),
            cache_read: add(self.cache_read, other.cache_read),
            cache_write: add(self.cache_write, other.cache_write),
        }
    }
}

/// What it cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// How much.
    pub amount: Amount,
    /// How it is known; derived where it was added up of several records.
    pub known: Known,
}

/// A run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Which.
    pub id: RunId,
    /// The agent, as `squad/agent`.
    pub agent: Option<String>,
    /// The model.
    pub model: Option<String>,
    /// The task.
    pub task: Option<String>,
    /// The issue or document that authorised it.
    pub charter: Option<String>,
    /// How it ended; none where no record says that it did.
    pub status: Option<String>,
    /// Its first and last time, by the clocks of whoever says so (seconds since 1970).
    pub times: (i64, i64),
    /// Whether a record says that it began.
    pub has_start: bool,
    /// Numbers of its first and last record.
    pub records: (u64, u64),
    /// Actions.
    pub actions: u64,
    /// How many of them of each action type.
    pub did: BTreeMap<String, u64>,
    /// Those of them that did not go well.
    pub failed: u64,
    /// Pull requests and issues that it opened, closed, merged or spoke about.
    pub about: BTreeSet<String>,
    /// Tokens.
    pub tokens: Tokens,
    /// Cost.
    pub cost: Option<Cost>,
    /// Tags, the last value of each.
    pub tags: BTreeMap<String, String>,
    /// What records say of it beside agent, task, charter and status as they are above.
    pub also: AlsoSaid,
}

/// Runs, while their records are looked at one after another, in their order: none of them is held.
#[derive(Debug, Default)]
pub struct Runs {
    all: BTreeMap<RunId, Gathered>,
    /// A session is of an execution where any of its records says so.
    of_session: HashMap<String, String>,
}

/// The runs of events, in the order of their first records.
#[must_use]
pub fn runs(events: &[Event]) -> Vec<Run> {
    let mut runs = Runs::default();
    events.iter().for_each(|event| runs.take(event));
    runs.end()
}

impl Runs {
    /// Takes a record. What is of no execution and no session is of no run.
    pub fn take(&mut self, event: &Event) {
        let (session, execution) = (event.text("session_id"), event.text("execution_id"));
        if let (Some(session), Some(execution)) = (session, execution)
            && !self.of_session.contains_key(session)
        {
            self.of_session.insert(session.to_owned(), execution.to_owned());
        }
        let id = match (execution, session) {
            (Some(execution), _) => RunId::Execution(execution.to_owned()),
            (None, Some(session)) => RunId::Session(session.to_owned()),
            (None, None) => return,
        };
        self.all.entry(id).or_default().take(event);
    }

    /// The runs, in the order of their first records.
    #[must_use]
    pub fn end(mut self) -> Vec<Run> {
        for (session, execution) in self.of_session {
            if let Some(own) = self.all.remove(&RunId::Session(session)) {
                self.all.entry(RunId::Execution(execution)).or_default().join(own);
            }
        }
        let mut out: Vec<Run> = self.all.into_iter().filter_map(|(id, gathered)| gathered.end(id)).collect();
        out.sort_by_key(|run| run.records);
        out
    }
}

/// What says tokens and cost: the end says them of the whole execution, a session of its own, an action of itself. The first of
/// these that says anything counts, and they are never added across.
const USED: [&str; 3] = ["execution_ended", "session", "action"];

/// First words of action types whose targets are pull requests and issues.
const ABOUT: [&str; 3] = ["pr", "merge", "issue"];

/// What is gathered of a run.
#[derive(Debug, Default)]
struct Gathered {
    agent: Option<String>,
    model: Option<String>,
    task: Option<String>,
    charter: Option<String>,
    status: Option<String>,
    /// First and last time of work that says its time, of other work, and of anything.
    worked: Option<(i64, i64)>,
    minutes: Option<(i64, i64)>,
    any: Option<(i64, i64)>,
    has_start: bool,
    records: Option<(u64, u64)>,
    actions: u64,
    /// How many actions of each type.
    did: Vec<(String, u64)>,
    /// Calls that are counted, by hashes of their ids, each with the place of its type.
    calls: HashMap<u64, usize>,
    failed: u64,
    about: BTreeSet<String>,
    tokens: [Tokens; 3],
    costs: [Option<Cost>; 3],
    /// Whether something was used there whose cost nobody knows.
    unpriced: [bool; 3],
    tags: BTreeMap<String, String>,
    also: AlsoSaid,
}

impl Gathered {
    fn take(&mut self, event: &Event) {
        let text = |name: &str| event.text(name).map(str::to_owned);
        if event.kind == "tag" && event.text("key").is_some_and(|key| key.starts_with(OWN_TAGS)) {
            // The log's own note of an execution is none of its work, and outlives all that there is of it.
            return self.tags.extend(text("key").zip(text("value")));
        }
        let named = [(&mut self.agent, "agent"), (&mut self.model, "model"), (&mut self.task, "task_id")];
        for (own, name) in named.into_iter().chain([(&mut self.charter, "charter")]) {
            *own = own.take().or_else(|| text(name));
        }
        let span = span(event);
        self.any = wider(self.any, Some(span));
        // What was said of an execution later (a tag, an approval, an attestation) is no time at which it worked.
        if ["execution_started", "execution_ended", "action", "session"].contains(&event.kind.as_str()) {
            // Of what says no time, the log knows the minute.
            let own = if event.told_at().is_some() { &mut self.worked } else { &mut self.minutes };
            *own = wider(*own, Some(span));
            self.also.take(event);
        }
        self.records = wider(self.records, Some((event.number, event.number)));
        match event.kind.as_str() {
            "execution_started" => self.has_start = true,
            "execution_ended" => self.status = text("status").or_else(|| self.status.take()),
            "action" => {
                self.did(event);
                self.failed += u64::from(event.failed());
            }
            "tag" => self.tags.extend(text("key").zip(text("value"))),
            _ => {}
        }
        if let Some(at) = USED.iter().position(|kind| *kind == event.kind) {
            let tokens = Tokens::of(event);
            self.tokens[at] = self.tokens[at].plus(tokens);
            let cost = event.cell("cost").and_then(|cell| Some((Amount::parse(&cell.text)?, cell.known)));
            self.unpriced[at] |= cost.is_none() && !tokens.are_unknown();
            self.costs[at] = added(self.costs[at], cost.map(|(amount, known)| Cost { amount, known }));
        }
    }

    fn did(&mut self, event: &Event) {
        let name = event.action();
        // A call is told before and after it, and by its hook and the transcript.
        let key = |(source, id): (Cow<'_, str>, &str)| call_hash(&source, id);
        let at = self.place_of(&name);
        let is_new = event.call().map(key).is_none_or(|call| self.calls.insert(call, at).is_none());
        self.actions += u64::from(is_new);
        self.did[at].1 += u64::from(is_new);
        if ABOUT.iter().any(|word| name.split('_').next() == Some(word)) {
            self.about.extend(event.text("target").filter(|target| reading::is_reference(target)).map(str::to_owned));
        }
    }

    fn place_of(&mut self, name: &str) -> usize {
        self.did.iter().position(|(own, _)| own == name).unwrap_or_else(|| {
            self.did.push((name.to_owned(), 0));
            self.did.len() - 1
        })
    }

    fn join(&mut self, other: Self) {
        let both = [(&mut self.agent, other.agent), (&mut self.model, other.model), (&mut self.task, other.task)];
        for (own, other) in both.into_iter().chain([(&mut self.charter, other.charter)]) {
            *own = own.take().or(other);
        }
        self.status = self.status.take().or(other.status);
        self.worked = wider(self.worked, other.worked);
        self.minutes = wider(self.minutes, other.minutes);
        self.any = wider(self.any, other.any);
        self.has_start |= other.has_start;
        self.records = wider(self.records, other.records);
        self.actions += other.actions;
        let places: Vec<usize> = other.did.iter().map(|(name, _)| self.place_of(name)).collect();
        for (at, (_, count)) in places.iter().zip(&other.did) {
            self.did[*at].1 += count;
        }
        for (call, at) in other.calls {
            // It was counted there and here.
            if let Some(at) = places.get(at).filter(|_| self.calls.contains_key(&call)) {
                self.actions -= 1;
                self.did[*at].1 -= 1;
            } else if let Some(at) = places.get(at) {
                self.calls.insert(call, *at);
            }
        }
        self.about.extend(other.about);
        self.failed += other.failed;
        for at in 0..USED.len() {
            self.tokens[at] = self.tokens[at].plus(other.tokens[at]);
            self.costs[at] = added(self.costs[at], other.costs[at]);
            self.unpriced[at] |= other.unpriced[at];
        }
        self.tags.extend(other.tags);
        self.also.join(&other.also);
    }

    fn end(self, id: RunId) -> Option<Run> {
        let shown = [&self.agent, &self.task, &self.charter, &self.status].map(|value| value.as_deref());
        let also = self.also.beside(shown);
        Some(Run {
            id,
            agent: self.agent,
            model: self.model,
            task: self.task,
            charter: self.charter,
            status: self.status,
            times: self.worked.or(self.minutes).or(self.any)?,
            has_start: self.has_start,
            records: self.records?,
            actions: self.actions,
            did: self.did.into_iter().filter(|(_, count)| *count > 0).collect(),
            failed: self.failed,
            about: self.about,
            tokens: self.tokens.into_iter().find(|tokens| !tokens.are_unknown()).unwrap_or_default(),
            // A part of a cost is none.
            cost: self.costs.into_iter().zip(self.unpriced).find_map(|(cost, unpriced)| cost.filter(|_| !unpriced)),
            tags: self.tags,
            also,
        })
    }
}

/// A call in few bytes: nobody gains from two that are one here, as both stand in the log.
fn call_hash(source: &str, id: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    (source, id).hash(&mut hasher);
    hasher.finish()
}

/// The span that holds both.
fn wider<T: Ord + Copy>(one: Option<(T, T)>, other: Option<(T, T)>) -> Option<(T, T)> {
    match (one, other) {
        (Some(one), Some(other)) => Some((one.0.min(other.0), one.1.max(other.1))),
        (one, other) => one.or(other),
    }
}

/// Both together, which nobody said: it is worked out.
fn added(one: Option<Cost>, other: Option<Cost>) -> Option<Cost> {
    match (one, other) {
        (Some(one), Some(other)) => Some(Cost { amount: one.amount.plus(other.amount), known: Known::Derived }),
        (one, other) => one.or(other),
    }
}

/// From when to when it was.
fn span(event: &Event) -> (i64, i64) {
    let time = |name: &str| Timestamp::parse(event.text(name)?).ok().map(Timestamp::unix);
    let at = event.at();
    let (from, to) = (time("started_at").unwrap_or(at), time("completed_at").unwrap_or(at));
    (from.min(to), to.max(from))
}

impl Run {
    /// Its squad, where the agent has one.
    #[must_use]
    pub fn squad(&self) -> Option<&str> {
        self.agent.as_deref().and_then(|agent| reading::squad_and_name(agent).0)
    }
}

#[cfg(test)]
mod tests {
    use super::super::event::tests::event;
    use super::*;

    fn worked() -> Vec<Event> {
        vec![
            event(1, "execution_started", &["execution_id=e", "agent=s/a", "started_at=2026-01-01T10:00:00Z"]),
            event(2, "action", &["execution_id=e", "session_id=c", "result=error", "tokens_in=5", "cost=0.1"]),
            event(3, "session", &["session_id=c", "tokens_in=7", "completed_at=2026-01-01T10:30:00Z"]),
            event(4, "action", &["session_id=other", "at=2026-01-01T09:00:00Z"]),
            event(5, "decision", &["what=x"]),
        ]
    }

    #[test]
    fn records_are_of_the_execution_that_they_or_their_session_name() {
        let found = runs(&worked());
        let ids: Vec<_> = found.iter().map(|run| run.id.clone()).collect();
        assert_eq!(ids, [RunId::Execution("e".into()), RunId::Session("other".into())]);
        let run = &found[0];
        assert_eq!((run.actions, run.failed, run.records, run.squad()), (1, 1, (1, 3), Some("s")));
        assert_eq!(run.status, None, "it never ended");
        assert!(run.has_start && !found[1].has_start);
    }

    #[test]
    fn a_call_that_is_told_twice_is_counted_once() {
        let told = |number, id: &str, of: &str| event(number, "action", &["source=hook a", id, of]);
        let own = [told(1, "source_id=t/unanswered", "session_id=c"), told(2, "source_id=t", "session_id=c")];
        assert_eq!(runs(&own)[0].actions, 1);
        let elsewhere = [own.to_vec(), vec![told(3, "source_id=t", "execution_id=e")]].concat();
        assert_eq!(runs(&elsewhere).len(), 2, "nothing says that the session is of it");
        let joined = [elsewhere, vec![event(4, "session", &["session_id=c", "execution_id=e"])]].concat();
        let found = runs(&joined);
        assert_eq!((found.len(), found[0].actions), (1, 1));
        assert_eq!(found[0].did, BTreeMap::from([("action".to_owned(), 1)]));
        assert_eq!(
            runs(&[told(1, "source_id=t", "session_id=c"), told(2, "source_id=u", "session_id=c")])[0].actions,
            2
        );
    }

    #[test]
    fn tokens_and_cost_are_counted_once() {
        let mut events = worked();
        assert_eq!(runs(&events)[0].tokens.read, Some(7), "of the session, which says all of its actions");
        assert_eq!(runs(&events)[0].cost.map(|c| (c.amount.exact(), c.known)), Some(("0.1".into(), Known::Declared)));
        events.push(event(6, "action", &["execution_id=e", "cost=0.2"]));
        assert_eq!(runs(&events)[0].cost.map(|c| (c.amount.exact(), c.known)), Some(("0.3".into(), Known::Derived)));
        events.push(event(7, "execution_ended", &["execution_id=e", "status=failed", "tokens_in=9", "cost=w:1"]));
        let run = &runs(&events)[0];
        assert_eq!((run.tokens.read, run.tokens.written), (Some(9), None), "what is not known is no 0");
        assert_eq!(run.cost.map(|c| (c.amount.exact(), c.known)), Some(("1".into(), Known::Witnessed)));
        assert_eq!(run.status.as_deref(), Some("failed"));
    }

    #[test]
    fn a_cost_of_which_a_part_is_not_known_is_not_known() {
        let used = |number, more: &[&str]| event(number, "session", &[&["session_id=c", "tokens_in=5"], more].concat());
        let cost = |events: &[Event]| runs(events)[0].cost.map(|cost| (cost.amount.exact(), cost.known));
        let mut events = vec![used(1, &["cost=0.1"]), used(2, &["cost=0.2"])];
        assert_eq!(cost(&events), Some(("0.3".into(), Known::Derived)));
        events.push(used(3, &[]));
        assert_eq!(cost(&events), None, "its third part has no price");
        assert_eq!(runs(&events)[0].tokens.read, Some(15));
        let elsewhere = event(4, "session", &["session_id=c", "execution_id=e", "tokens_in=5"]);
        assert_eq!(cost(&[events[0].clone(), elsewhere]), None, "also where it is known by its session only");
        events.push(event(5, "execution_ended", &["session_id=c", "execution_id=e", "status=success", "cost=2"]));
        assert_eq!(cost(&events), Some(("2".into(), Known::Declared)), "the end says all of it");
    }

    #[test]
    fn what_the_log_noted_of_an_execution_is_no_execution() {
        let own = event(9, "tag", &["execution_id=gone", "key=attest.summary", "value=2026-01:2026-01-31"]);
        assert_eq!(runs(std::slice::from_ref(&own)), []);
        let other = event(8, "tag", &["execution_id=gone", "key=team", "value=red"]);
        let found = runs(&[other, own]);
        assert_eq!((found.len(), found[0].tags.len(), found[0].records), (1, 2, (8, 8)), "the twin");
    }

    #[test]
    fn what_was_said_later_is_no_time_of_work() {
        let mut events = worked();
        events.push(event(8, "approval", &["execution_id=e", "completed_at=2026-02-01T00:00:00Z"]));
        events.push(event(9, "tag", &["execution_id=e", "key=k", "value=v"]));
        let run = &runs(&events)[0];
        let end = crate::model::Timestamp::parse("2026-01-01T10:30:00Z").unwrap().unix();
        assert_eq!((run.times.1, run.tags.get("k").map(String::as_str)), (end, Some("v")));
    }

    #[test]
    fn what_says_no_time_makes_no_run_longer() {
        let more = |number, kind: &str, fields: &[&str]| event(number, kind, &[&["execution_id=e"], fields].concat());
        let start = more(1, "execution_started", &["started_at=1970-01-01T00:00:15Z"]);
        let timeless = more(2, "action", &["action_type=file_modify"]);
        let end = more(3, "execution_ended", &["completed_at=1970-01-01T00:00:16Z"]);
        assert_eq!(runs(&[start.clone(), timeless.clone(), end])[0].times, (15, 16));
        let logged = timeless.logged;
        assert_eq!(
            runs(std::slice::from_ref(&timeless))[0].times,
            (logged, logged),
            "the minute, where nothing says more"
        );
    }

    #[test]
    fn what_records_say_beside_what_is_shown_is_kept() {
        let more = |number, kind: &str, fields: &[&str]| event(number, kind, &[&["execution_id=e"], fields].concat());
        let also = |events: &[Event]| -> Vec<(String, String, u64)> {
            let run = runs(events).remove(0);
            run.also.iter().map(|(field, value, at)| (field.to_owned(), value.to_owned(), at)).collect()
        };
        let honest = [
            more(1, "execution_started", &["agent=p/a", "task_id=T"]),
            more(2, "action", &["agent=p/a", "action_type=file_modify", "result=error"]),
            more(3, "execution_ended", &["status=failed"]),
        ];
        assert_eq!(also(&honest), []);
        let again = more(4, "execution_ended", &["status=success"]);
        let other = more(5, "execution_started", &["agent=p/b", "task_id=T"]);
        let found = also(&[&honest[..], &[again, other]].concat());
        let said = |field: &str, value: &str, at| (field.to_owned(), value.to_owned(), at);
        assert_eq!(found, [said("agent", "p/b", 5), said("status", "failed", 3)]);
    }
}
