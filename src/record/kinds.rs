//! What can happen: the one table of kinds of records, and how long each class of them is kept.

use std::fmt;

/// How long what a record says is kept. Its entry in the log stays for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Class {
    /// For ever.
    Permanent = 0,
    /// Executions and what was done in them: 90 days unless told.
    Executions = 1,
    /// Sessions: 30 days unless told.
    Sessions = 2,
    /// Redactions, holds and settings: for ever, and in clear, as everybody must be able to check them.
    Public = 3,
}

impl Class {
    /// Every class, by its number, with its name and the days that it is kept unless told; none for ever.
    pub const ALL: &'static [(Self, &'static str, Option<u32>)] = &[
        (Self::Permanent, "permanent", None),
        (Self::Executions, "executions", Some(90)),
        (Self::Sessions, "sessions", Some(30)),
        (Self::Public, "public", None),
    ];

    /// The class of a number.
    #[must_use]
    pub fn of(number: u8) -> Option<Self> {
        Self::ALL.iter().map(|(class, ..)| *class).find(|class| *class as u8 == number)
    }

    /// The class of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, n, _)| *n == name).map(|(class, ..)| *class)
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(class, ..)| *class == self).map_or("", |(_, name, _)| name)
    }
}

/// A kind of record.
#[derive(PartialEq, Eq)]
pub struct Kind {
    /// Its number in entries: never used again for another one.
    pub number: u8,
    /// Its name.
    pub name: &'static str,
    /// How long it is kept.
    pub class: Class,
    /// Fields that a record of it must have.
    pub needs: &'static [&'static str],
    /// Fields that it may have beside those that every kind may have.
    pub may: &'static [&'static str],
    /// What it says.
    pub about: &'static str,
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// Every kind. The start and the end of an execution are two, so that one that never ended is seen.
pub const ALL: &[Kind] = &[
    Kind {
        number: 1,
        name: "execution_started",
        class: Class::Executions,
        needs: &["execution_id", "agent"],
        may: &["trigger", "started_at", "requested_by", "credentials", "elevated"],
        about: "an agent began to work",
    },
    Kind {
        number: 2,
        name: "execution_ended",
        class: Class::Executions,
        needs: &["execution_id", "status"],
        may: &[
            "completed_at",
            "started_at",
            "exit_code",
            "trigger",
            "requested_by",
            "tokens_in",
            "tokens_out",
            "tokens_cache_read",
            "tokens_cache_write",
            "cost",
        ],
        about: "an execution ended, and what it used",
    },
    Kind {
        number: 3,
        name: "action",
        class: Class::Executions,
        needs: &["action_type"],
        may: &[
            "target",
            "result",
            "approval_id",
            "command",
            "input",
            "output",
            "diff",
            "exit_code",
            "lines_added",
            "lines_removed",
            "patch_id",
            "base_commit",
            "head_commit",
            "started_at",
            "completed_at",
            "metadata",
            "tokens_in",
            "tokens_out",
            "tokens_cache_read",
            "tokens_cache_write",
            "cost",
            "credentials",
            "elevated",
            "trigger",
            "author",
            "committer",
        ],
        about: "one thing that was done",
    },
    Kind {
        number: 4,
        name: "session",
        class: Class::Sessions,
        needs: &["session_id"],
        may: &[
            "started_at",
            "completed_at",
            "transcript",
            "requested_by",
            "tokens_in",
            "tokens_out",
            "tokens_cache_read",
            "tokens_cache_write",
            "cost",
            "lost",
        ],
        about: "a conversation of an agent, and where its transcript lies",
    },
    Kind {
        number: 5,
        name: "approval",
        class: Class::Permanent,
        needs: &["target", "approver"],
        may: &["approval_id", "how", "statement", "signer", "completed_at", "result"],
        about: "somebody allowed something",
    },
    Kind {
        number: 6,
        name: "exception",
        class: Class::Permanent,
        needs: &["rule", "target", "reason"],
        may: &["approver", "completed_at"],
        about: "a rule was not kept, and why",
    },
    Kind {
        number: 7,
        name: "decision",
        class: Class::Permanent,
        needs: &["what", "reason"],
        may: &["decided_by", "completed_at"],
        about: "what was decided, why, when and by whom",
    },
    Kind {
        number: 8,
        name: "outcome",
        class: Class::Permanent,
        needs: &["outcome_kind", "target", "state"],
        may: &["completed_at"],
        about: "what became of a goal, a pull request or an issue",
    },
    Kind {
        number: 9,
        name: "tag",
        class: Class::Executions,
        needs: &["key", "value"],
        may: &[],
        about: "a word that somebody gave to an execution",
    },
    Kind {
        number: 10,
        name: "loss",
        class: Class::Permanent,
        needs: &["lost", "reason"],
        may: &["started_at", "completed_at"],
        about: "how many events were not recorded, and why",
    },
    Kind {
        number: 11,
        name: "heartbeat",
        class: Class::Permanent,
        needs: &[],
        may: &["started_at", "completed_at", "clock"],
        about: "an hour in which nothing happened, so that silence differs from deletion",
    },
    Kind {
        number: 12,
        name: "attested",
        class: Class::Permanent,
        needs: &["subject"],
        may: &["digest", "statement", "signer", "builder", "predicate_type", "completed_at", "requested_by"],
        about: "an attestation was made",
    },
    Kind {
        number: 13,
        name: "verified",
        class: Class::Permanent,
        needs: &["subject", "verdict"],
        may: &["digest", "code", "policy", "statement", "signer", "completed_at"],
        about: "attestations were checked, with the answer",
    },
    Kind {
        number: 14,
        name: "admitted",
        class: Class::Permanent,
        needs: &["subject", "verdict"],
        may: &["digest", "code", "policy", "namespace", "approver", "requested_by", "completed_at"],
        about: "a cluster asked whether something may run, with the answer",
    },
    Kind {
        number: 15,
        name: "summary",
        class: Class::Permanent,
        needs: &["month", "agent"],
        may: &[
            "executions",
            "executions_succeeded",
            "executions_failed",
            "executions_cancelled",
            "executions_timed_out",
            "executions_unknown",
            "cost_known",
            "started_at",
            "completed_at",
            "actions",
            "tokens_in",
            "tokens_out",
            "tokens_cache_read",
            "tokens_cache_write",
            "cost",
        ],
        about: "what an agent did in a month, or `*` for all of them, kept when its executions expire",
    },
    Kind {
        number: 16,
        name: "redaction",
        class: Class::Public,
        needs: &[],
        may: &[],
        about: "keys were destroyed, on whose authority; its text is a signed note in clear",
    },
    Kind {
        number: 17,
        name: "anchored",
        class: Class::Permanent,
        needs: &["target"],
        may: &["digest", "completed_at", "result"],
        about: "somebody outside saw a checkpoint of this log",
    },
    Kind {
        number: 18,
        name: "settings",
        class: Class::Public,
        needs: &[],
        may: &[],
        about: "what the log is: the key of redactions, and how long things are kept; its text is a signed note in clear",
    },
    Kind {
        number: 19,
        name: "hold",
        class: Class::Public,
        needs: &[],
        may: &[],
        about: "records must stay, or need not any more, on whose authority; its text is a signed note in clear",
    },
    Kind {
        number: 20,
        name: "materials",
        class: Class::Permanent,
        needs: &["statement"],
        may: &["materials", "base_image", "left_out"],
        about: "what an artifact was built of, by its provenance",
    },
    Kind {
        number: 21,
        name: "exported",
        class: Class::Permanent,
        needs: &["target"],
        may: &["recipient", "digest", "result", "completed_at"],
        about: "records were handed out: which, to whom, and the digest of the manifest",
    },
];

/// Fields that a record of any kind may have: who, for whom, when, where, and how one knows.
pub const COMMON: &[&str] = &[
    "execution_id",
    "session_id",
    "agent",
    "agent_version",
    "model",
    "provider",
    "task_id",
    "charter",
    "charter_digest",
    "at",
    "environment",
    "machine",
    "container",
    "repository",
    "commit",
    "branch",
    "source",
    "source_id",
];

/// The kind of a name.
#[must_use]
pub fn named(name: &str) -> Option<&'static Kind> {
    ALL.iter().find(|kind| kind.name == name)
}

/// The kind of a number.
#[must_use]
pub fn numbered(number: u8) -> Option<&'static Kind> {
    ALL.iter().find(|kind| kind.number == number)
}

impl Kind {
    /// Whether its content is a signed note in clear, which only the log itself writes.
    #[must_use]
    pub fn in_clear(&self) -> bool {
        self.class == Class::Public
    }

    /// Whether somebody hands it in: notes in clear and summaries are written by the log alone.
    #[must_use]
    pub fn is_handed_in(&self) -> bool {
        !self.in_clear() && self.number != SUMMARY
    }

    /// Whether a record of this kind may have a field.
    #[must_use]
    pub fn may_have(&self, field: &str) -> bool {
        !self.in_clear() && [self.needs, self.may, COMMON].iter().any(|list| list.contains(&field))
    }
}

/// The number of the kind that says what an agent did in a month.
pub const SUMMARY: u8 = 15;
/// The number of the kind that says which keys were destroyed.
pub const REDACTION: u8 = 16;
/// The number of the kind that says what the log is: its first record.
pub const SETTINGS: u8 = 18;
/// The number of the kind that says what must stay.
pub const HOLD: u8 = 19;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::fields;

    #[test]
    fn numbers_and_names_stand_once_and_every_field_is_in_its_table() {
        for kind in ALL {
            assert_eq!(ALL.iter().filter(|k| k.number == kind.number || k.name == kind.name).count(), 1, "{kind:?}");
            for field in kind.needs.iter().chain(kind.may).chain(COMMON) {
                assert!(fields::named(field).is_some(), "{kind:?}: {field}");
            }
            for field in kind.may {
                assert!(!kind.needs.contains(field) && !COMMON.contains(field), "{kind:?}: {field} twice");
            }
        }
        for field in fields::ALL {
            assert!(ALL.iter().any(|kind| kind.may_have(field.name)), "{} is of no kind", field.name);
        }
    }
}
