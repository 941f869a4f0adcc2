//! Policies (C2SP tlog-policy): which logs count, and whose cosignatures suffice.

use super::error::{LogError, decimal};
use super::{Checkpoint, CosignerKey, Kind, Note, NoteKey};
use crate::model::limits;
use std::collections::{BTreeMap, BTreeSet};

/// Logs, witnesses, groups of them, and the one whose agreement is demanded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Logs, by key, each with its address where one is given.
    pub logs: Vec<(NoteKey, Option<String>)>,
    members: BTreeMap<String, Member>,
    /// None where a log's own signature suffices.
    quorum: Option<String>,
}

/// A line of a policy that has a name.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Member {
    Witness(CosignerKey, Option<String>),
    /// As many of these as must agree.
    Group(usize, Vec<String>),
}

/// Who cosigned a checkpoint, by the policy's names, each with its time (seconds since 1970).
pub type Seen = BTreeMap<String, u64>;

impl Policy {
    /// Reads a policy. Each line is `log`, `witness`, `group` or `quorum`; names are defined before they are used.
    ///
    /// # Errors
    /// Names the line and what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, LogError> {
        let wrong = |cause: String| LogError::new("log policy", cause);
        if text.len() > limits::LOG_POLICY_BYTES {
            return Err(wrong(format!("{} bytes, of {} at most", text.len(), limits::LOG_POLICY_BYTES)));
        }
        let mut reader = Reader::default();
        for (number, line) in text.split('\n').enumerate() {
            if line.bytes().any(|b| b == 0x7f || (b < b' ' && b != b'\t')) {
                return Err(wrong(format!("line {}: a control character", number + 1)));
            }
            let words: Vec<&str> = line.split([' ', '\t']).filter(|word| !word.is_empty()).collect();
            if words.first().is_some_and(|word| !word.starts_with('#')) {
                reader.line(&words).map_err(|cause| wrong(format!("line {}: {cause}", number + 1)))?;
            }
        }
        let Reader { logs, members, quorum, .. } = reader;
        let quorum = quorum.ok_or_else(|| wrong("no `quorum`".into()))?;
        Ok(Self { logs, members, quorum: (quorum != NONE).then_some(quorum) })
    }

    /// Witnesses by name, each with its key and, where one is given, its address.
    pub fn witnesses(&self) -> impl Iterator<Item = (&str, &CosignerKey, Option<&str>)> {
        self.members.iter().filter_map(|(name, member)| match member {
            Member::Witness(key, url) => Some((name.as_str(), key, url.as_deref())),
            Member::Group(..) => None,
        })
    }

    /// Checks a note: that it is the checkpoint of a log of this policy, signed by that log and seen by as many as are
    /// demanded.
    ///
    /// # Errors
    /// What is missing.
    pub fn check(&self, note: &Note<'_>) -> Result<(Checkpoint, Seen), LogError> {
        let (checkpoint, seen) = self.look(note)?;
        match &self.quorum {
            Some(name) if !self.agrees(name, &seen) => {
                let cause = format!("`quorum {name}` is not met: {} of its witnesses cosigned it", seen.len());
                Err(LogError::new("checkpoint", cause))
            }
            _ => Ok((checkpoint, seen)),
        }
    }

    /// Whether these cosigned as the quorum demands.
    #[must_use]
    pub fn is_met(&self, seen: &Seen) -> bool {
        self.quorum.as_ref().is_none_or(|name| self.agrees(name, seen))
    }

    /// The time by which as many had cosigned as the quorum demands: one witness whose clock lies does not move it alone
    /// where two are demanded. None where nobody cosigned, or too few.
    #[must_use]
    pub fn met_at(&self, seen: &Seen) -> Option<u64> {
        let mut times: Vec<u64> = seen.values().copied().collect();
        times.sort_unstable();
        let by = |time: u64| seen.iter().filter(|(_, t)| **t <= time).map(|(name, t)| (name.clone(), *t)).collect();
        times.into_iter().find(|time| self.is_met(&by(*time)))
    }

    /// Who of this policy cosigned a note, whether they suffice or not: that it is the checkpoint of a log of this policy, signed
    /// by that log, is checked.
    ///
    /// # Errors
    /// What is missing.
    pub fn look(&self, note: &Note<'_>) -> Result<(Checkpoint, Seen), LogError> {
        let wrong = |cause: String| LogError::new("checkpoint", cause);
        let checkpoint = Checkpoint::parse(note.text)?;
        let mut logs = self.logs.iter().filter(|(key, _)| key.name() == checkpoint.origin).peekable();
        if logs.peek().is_none() {
            return Err(wrong(format!("the policy has no log `{}`", checkpoint.origin)));
        }
        let mut signed = false;
        for (key, _) in logs {
            signed |= note.is_signed_by(key)?;
        }
        if !signed {
            return Err(wrong(format!("no key of the log `{}` signed it", checkpoint.origin)));
        }
        let time = |key: &CosignerKey| note.lines.iter().find_map(|line| key.cosigned(note.text, line));
        let seen: Seen = self.witnesses().filter_map(|(name, key, _)| Some((name.to_owned(), time(key)?))).collect();
        Ok((checkpoint, seen))
    }

    /// Whether a witness cosigned, or enough members of a group agree. Names lead to earlier lines only, so this ends.
    fn agrees(&self, name: &str, seen: &Seen) -> bool {
        match self.members.get(name) {
            Some(Member::Witness(..)) => seen.contains_key(name),
            Some(Member::Group(needed, names)) => names.iter().filter(|n| self.agrees(n, seen)).count() >= *needed,
            None => false,
        }
    }
}

/// The quorum that nobody has to meet.
const NONE: &str = "none";

#[derive(Default)]
struct Reader {
    logs: Vec<(NoteKey, Option<String>)>,
    members: BTreeMap<String, Member>,
    /// Names that are a member of a group already.
    taken: BTreeSet<String>,
    quorum: Option<String>,
}

impl Reader {
    fn line(&mut self, words: &[&str]) -> Result<(), String> {
        match words {
            ["log", key] => self.log(key, None),
            ["log", key, url] => self.log(key, Some(url)),
            ["witness", name, key] => self.witness(name, key, None),
            ["witness", name, key, url] => self.witness(name, key, Some(url)),
            ["group", name, needed, members @ ..] if !members.is_empty() => self.group(name, needed, members),
            ["quorum", _] if self.quorum.is_some() => Err("a second `quorum`".into()),
            ["quorum", name] if *name == NONE || self.members.contains_key(*name) => {
                self.quorum = Some((*name).to_owned());
                Ok(())
            }
            ["quorum", name] => Err(format!("`{name}` is no witness or group of an earlier line")),
            _ => Err(
                "expected `log KEY [URL]`, `witness NAME KEY [URL]`, `group NAME all|any|N MEMBER...` or `quorum NAME`"
                    .into(),
            ),
        }
    }

    fn log(&mut self, key: &str, url: Option<&str>) -> Result<(), String> {
        let key = NoteKey::parse(key).map_err(|e| e.cause)?;
        if key.kind() != Kind::Ed25519 {
            return Err("a log's key must be one that signs notes".into());
        }
        if self.logs.iter().any(|(known, _)| known.raw() == key.raw()) {
            return Err("the key of another log".into());
        }
        self.logs.push((key, url.map(str::to_owned)));
        within(self.logs.len())
    }

    fn witness(&mut self, name: &str, key: &str, url: Option<&str>) -> Result<(), String> {
        let key = CosignerKey::parse(key).map_err(|e| e.cause)?;
        // Under two names, one key would count twice.
        let is_same = |m: &Member| matches!(m, Member::Witness(known, _) if known.key().raw() == key.key().raw());
        if self.members.values().any(is_same) {
            return Err("the key of another witness".into());
        }
        self.name(name, Member::Witness(key, url.map(str::to_owned)))
    }

    fn group(&mut self, name: &str, needed: &str, members: &[&str]) -> Result<(), String> {
        let count = match needed {
            "all" => members.len(),
            "any" => 1,
            number => decimal(number).and_then(|n| usize::try_from(n).ok()).unwrap_or(0),
        };
        if count == 0 || count > members.len() {
            return Err(format!("`{needed}` of {} members", members.len()));
        }
        for member in members {
            if !self.members.contains_key(*member) {
                return Err(format!("`{member}` is no witness or group of an earlier line"));
            }
            // In two groups, one witness would count twice.
            if !self.taken.insert((*member).to_owned()) {
                return Err(format!("`{member}` is a member already"));
            }
        }
        self.name(name, Member::Group(count, members.iter().map(|m| (*m).to_owned()).collect()))
    }

    fn name(&mut self, name: &str, member: Member) -> Result<(), String> {
        if name == NONE || self.members.contains_key(name) {
            return Err(format!("`{name}` is taken"));
        }
        self.members.insert(name.to_owned(), member);
        within(self.members.len())
    }
}

fn within(count: usize) -> Result<(), String> {
    let most = limits::LOG_POLICY_NAMES;
    if count > most { Err(format!("over {most} of a kind")) } else { Ok(()) }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::tlog::{Hash, Line, cosignature};
    use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};

    /// A log and two witnesses.
    pub(in crate::tlog) struct World(Ed25519KeyPair, Vec<Ed25519KeyPair>);

    impl World {
        pub(in crate::tlog) fn new() -> Self {
            let pair = |seed| Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap();
            Self(pair(1), vec![pair(2), pair(3)])
        }

        fn log(&self) -> NoteKey {
            NoteKey::new("log.example", Kind::Ed25519, self.0.public_key().as_ref()).unwrap()
        }

        fn witness(&self, n: usize) -> NoteKey {
            NoteKey::new(&format!("w{}.example", n + 1), Kind::Cosignature, self.1[n].public_key().as_ref()).unwrap()
        }

        fn text(&self, quorum: &str) -> String {
            let (log, one, two) = (self.log(), self.witness(0), self.witness(1));
            let lines =
                format!("# who counts\n\nlog {log} https://log.example\nwitness w1 {one}\nwitness\tw2  {two}\n");
            format!("{lines}group both all w1 w2\nquorum {quorum}\n").replace("quorum any", "group x 1 both\nquorum x")
        }

        pub(in crate::tlog) fn policy(&self, quorum: &str) -> Policy {
            Policy::parse(&self.text(quorum)).unwrap()
        }

        pub(in crate::tlog) fn checkpoint(&self, size: u64, root: Hash, by: &[&str]) -> String {
            let text = format!("log.example\n{size}\n{root}\n");
            let log = self.log();
            let own =
                Line { name: log.name(), id: log.id(), signature: self.0.sign(text.as_bytes()).as_ref().to_vec() };
            let mut out = format!("{text}\n{own}\n");
            for n in (0..2).filter(|n| by.contains(&["w1", "w2"][*n])) {
                let key = self.witness(n);
                let signature = self.1[n].sign(&cosignature::message(&key, &text, 7).unwrap());
                let signature = [&7_u64.to_be_bytes()[..], signature.as_ref()].concat();
                out += &format!("{}\n", Line { name: key.name(), id: key.id(), signature });
            }
            out
        }
    }

    #[test]
    fn as_many_as_are_demanded_must_have_seen_it() {
        let world = World::new();
        for (quorum, by, is_enough) in [
            ("none", &[][..], true),
            ("w1", &["w1"], true),
            ("w1", &["w2"], false),
            ("both", &["w1", "w2"], true),
            ("both", &["w2"], false),
            ("any", &["w1", "w2"], true),
            ("any", &[], false),
        ] {
            let note = world.checkpoint(1, Hash::of_nothing(), by);
            let found = world.policy(quorum).check(&Note::parse(note.as_bytes()).unwrap());
            assert_eq!(
                found.as_ref().map(|(_, seen)| seen.len()).ok(),
                is_enough.then_some(by.len()),
                "{quorum} {by:?}: {found:?}"
            );
        }
    }

    #[test]
    fn one_witness_whose_clock_lies_does_not_move_the_time_of_two() {
        let world = World::new();
        let seen = Seen::from([("w1".to_owned(), 5), ("w2".to_owned(), 900)]);
        assert_eq!(world.policy("both").met_at(&seen), Some(900));
        assert_eq!(world.policy("any").met_at(&seen), Some(900), "a group of one, which is both");
        assert_eq!(world.policy("w1").met_at(&seen), Some(5));
        assert_eq!(world.policy("none").met_at(&seen), Some(5));
        let one = Seen::from([("w2".to_owned(), 900)]);
        assert_eq!((world.policy("both").met_at(&one), world.policy("none").met_at(&Seen::new())), (None, None));
        assert!(world.policy("w2").is_met(&one) && !world.policy("w1").is_met(&one));
    }

    #[test]
    fn a_checkpoint_is_one_of_a_log_that_is_named_and_signed_by_it() {
        let world = World::new();
        let note = world.checkpoint(1, Hash::of_nothing(), &[]);
        let check = |note: &str| world.policy("none").check(&Note::parse(note.as_bytes()).unwrap()).map(drop);
        check(&note).unwrap();
        let other = note.replacen("log.example\n", "other.example\n", 1);
        assert!(check(&other).unwrap_err().to_string().contains("no log `other.example`"));
        let (text, _) = note.split_once("\n\n").unwrap();
        let key = world.witness(0);
        let line = Line { name: key.name(), id: key.id(), signature: vec![0; 72] };
        assert!(check(&format!("{text}\n\n{line}\n")).unwrap_err().to_string().contains("no key of the log"));
        assert!(check(&note.replacen("\n1\n", "\n2\n", 1)).is_err(), "its own line is not over this text");
    }

    #[test]
    fn a_policy_has_one_meaning() {
        let world = World::new();
        let text = world.text("both");
        assert_eq!(world.policy("both").witnesses().count(), 2);
        let (log, one) = (world.log().to_string(), world.witness(0).to_string());
        for (bad, why) in [
            (text.replace("quorum both\n", ""), "no `quorum`"),
            (format!("{text}quorum w1\n"), "a second `quorum`"),
            (text.replace("quorum both", "quorum all"), "no witness or group"),
            (text.replace("all w1 w2", "3 w1 w2"), "`3` of 2"),
            (text.replace("all w1 w2", "0 w1 w2"), "`0` of 2"),
            (text.replace("all w1 w2", "all w1 w3"), "`w3` is no witness"),
            (text.replace("all w1 w2", "all w1 w1"), "`w1` is a member already"),
            (text.replace("group both", "group w1"), "`w1` is taken"),
            (text.replace("group both", "group none"), "`none` is taken"),
            (format!("{text}witness w3 {one}\n"), "the key of another witness"),
            (format!("{text}log {log}\n"), "the key of another log"),
            (format!("{text}log {one}\n"), "must be one that signs notes"),
            (format!("{text}witness w3 {log}\n"), "cosigns nothing"),
            (format!("{text}groups\n"), "line 8: expected"),
            (format!("{text}\u{1}\n"), "a control character"),
            ("#".repeat(limits::LOG_POLICY_BYTES + 1), "at most"),
        ] {
            let found = Policy::parse(&bad).map(drop).unwrap_err().to_string();
            assert!(found.contains(why), "{why}: {found}");
        }
    }
}
