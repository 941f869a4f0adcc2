//! What one wants to know of a log, each with what proves it or what would raise it.

mod public;

use crate::audit::Account;
use crate::flow::audit::witnessed::names;
use crate::model::Timestamp;
use crate::model::plural::counted;

/// What is said of one claim.
#[derive(Clone, Debug, serde::Serialize, schemars::JsonSchema)]
pub struct Claim {
    /// What is claimed: `not edited`, `not cut`, `one history`, `no gaps`, `not forged`, `times true`.
    pub claim: String,
    /// `proved`, `conditional` or `unprovable`; `NO` where it is known to be untrue.
    pub standing: String,
    /// Why, and what would raise it.
    pub because: String,
    /// For how many of the first records somebody outside proves it, or public logs have it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<u64>,
    /// Those who do: witnesses by the names of the policy, public logs and timestamp authorities by their names in the trusted root.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub by: Vec<String>,
}

/// The claims of an account. `named`: whether the log's key was given, and is not only the one in its own settings.
pub(super) fn of(account: &Account, named: bool) -> Vec<Claim> {
    let size = account.size;
    let outside = account.furthest.as_ref();
    let until = outside.map_or(0, |o| o.checkpoint.size);
    let by: Vec<String> = outside.map(|o| o.seen.keys().cloned().collect()).unwrap_or_default();
    let seen = outside.map_or(String::new(), |o| match o.seen.len() {
        0 if o.name.starts_with("the replica ") => o.name.clone(),
        0 => format!("the checkpoint kept at {}", o.name),
        _ => names(o.seen.keys()),
    });
    let plain = |what: &str, standing: &str, because: String| Claim {
        claim: what.into(),
        standing: standing.into(),
        because,
        until: None,
        by: Vec::new(),
    };
    let claim = |what: &str, standing: &str, because: String| Claim {
        until: (until > 0 && standing != "NO").then_some(until),
        by: if standing == "NO" { Vec::new() } else { by.clone() },
        ..plain(what, standing, because)
    };
    let key = if named { "the key that was given" } else { "the key in its own settings" };
    let edited = match (account.faults == 0, until) {
        (false, _) => claim("not edited", "NO", format!("{} unexplained", counted(account.faults, "thing"))),
        (true, 0) => claim("not edited", "conditional", "by this machine's word alone".into()),
        (true, n) if n == size => claim("not edited", "proved", format!("by {seen}")),
        (true, n) => claim("not edited", "conditional", format!("the first {n} by {seen}; the rest by {key}")),
    };
    let alone = "nobody outside has seen it; run `attest audit anchor`, or keep `attest audit checkpoint` elsewhere";
    let tail = match (account.cut, until) {
        (true, _) => claim("not cut", "NO", "a checkpoint that was seen elsewhere has more records".into()),
        (false, 0) => claim("not cut", "unprovable", alone.to_owned()),
        (false, n) => {
            claim("not cut", "conditional", format!("not before record {n}, by {seen}; nobody else saw anything later"))
        }
    };
    let gaps = match account.losses {
        (0, _) => "no loss is recorded; what was never handed in cannot be seen".into(),
        (records, events) => format!("{events} lost events, in {}", counted(records, "record")),
    };
    let forged = match size.saturating_sub(until) {
        _ if account.faults > 0 => claim("not forged", "NO", "see the first line".into()),
        0 if size > 0 => {
            claim("not forged", "proved", "who holds the log's key cannot write any of it anew unseen".into())
        }
        n if until == 0 => {
            claim("not forged", "unprovable", format!("who holds the log's key could write all {n} anew"))
        }
        n => claim("not forged", "conditional", format!("who holds the log's key could write the last {n} anew")),
    };
    let times = match &account.timed {
        Some((size, (time, who))) => {
            let time = i64::try_from(*time).ok().and_then(Timestamp::from_unix);
            let time = time.map_or_else(String::new, |time| time.to_string());
            let because = format!("the first {size} were there by {time}, as {} says", who.join(", "));
            Claim { until: Some(*size), by: who.clone(), ..plain("times true", "conditional", because) }
        }
        None => plain("times true", "unprovable", "all are by the log's own clock: nobody outside said when".into()),
    };
    let one = one_history(account, (until, &seen), &claim);
    let mut claims = vec![edited, tail, one, plain("no gaps", "conditional", gaps), forged, times];
    public::raise(&mut claims, account);
    claims
}

/// Whether everybody is shown the same log: a witness cosigns no two that contradict each other, and a checkpoint that somebody
/// kept says only what its keeper was shown.
fn one_history(account: &Account, (until, seen): (u64, &str), claim: &dyn Fn(&str, &str, String) -> Claim) -> Claim {
    let what = "one history";
    let witnessed = account.furthest.as_ref().is_some_and(|o| !o.seen.is_empty());
    match () {
        () if account.other => claim(what, "NO", "another one was shown elsewhere".into()),
        () if !witnessed => Claim {
            until: None,
            ..claim(what, "unprovable", "no witness has cosigned it: run `attest audit anchor`".into())
        },
        () if account.faults == 0 && until == account.size => {
            claim(what, "proved", format!("by {seen}: a witness cosigns one history of a log alone"))
        }
        () => {
            claim(what, "conditional", format!("the first {until} by {seen}; of the rest others may be shown others"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::Outside;
    use crate::tlog::{Checkpoint, Hash};
    use std::collections::BTreeMap;

    pub(super) fn account(size: u64, until: u64, by: &[&str]) -> Account {
        let checkpoint = Checkpoint { origin: "o".into(), size: until, root: Hash::of_nothing(), extensions: vec![] };
        let seen: BTreeMap<String, u64> = by.iter().map(|name| ((*name).to_owned(), 1_790_000_000)).collect();
        let time = seen.keys().next().map(|name| (1_790_000_000, vec![name.clone()]));
        let timed = time.clone().filter(|_| until > 0).map(|time| (until, time));
        let outside = Outside { seen, time, ..Outside::kept("kept.checkpoint", checkpoint) };
        Account { size, timed, furthest: (until > 0).then_some(outside), ..Account::default() }
    }

    fn standings(account: &Account) -> Vec<String> {
        of(account, true).iter().map(|c| format!("{}: {}", c.claim, c.standing)).collect()
    }

    #[test]
    fn what_a_witness_saw_is_proved_by_its_name_and_no_further() {
        let all = of(&account(4, 4, &["w1", "w2"]), true);
        for name in ["not edited", "one history", "not forged"] {
            let claim = all.iter().find(|c| c.claim == name).unwrap();
            assert_eq!((claim.standing.as_str(), claim.until, claim.by.len()), ("proved", Some(4), 2), "{claim:?}");
        }
        assert!(all[0].because.contains("witnesses w1, w2"), "{all:?}");
        let part = standings(&account(5, 4, &["w1"]));
        assert!(part.iter().all(|line| !line.ends_with(": proved")), "{part:?}");
        assert!(of(&account(5, 4, &["w1"]), true)[2].because.starts_with("the first 4 by witness w1"));
    }

    #[test]
    fn a_checkpoint_that_was_kept_is_no_witness_and_nothing_is_proved_by_nobody() {
        let kept = standings(&account(4, 4, &[]));
        assert!(
            kept.contains(&"one history: unprovable".to_owned()) && kept.contains(&"not edited: proved".to_owned())
        );
        let alone = standings(&account(4, 0, &[]));
        assert!(alone.iter().all(|line| !line.ends_with(": proved")), "{alone:?}");
        let other = Account { other: true, faults: 1, ..account(4, 4, &["w1"]) };
        assert!(standings(&other).contains(&"one history: NO".to_owned()));
    }
}
