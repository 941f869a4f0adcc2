//! [`Code`]: the stable name of a failure or a reason, declared once with everything that is said about it.

use std::fmt;

/// Who has to act on a failure or a reason. The exit code of a command follows from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Acts {
    /// Whoever made, signed or approved the artifact: the answer is no (exit 1).
    Producer,
    /// Whoever called: arguments, configuration or a policy are wrong (exit 2).
    Caller,
    /// Whoever runs the service or the machine, or nobody but time: it could not be found out (exit 3).
    Operator,
    /// Whoever wrote the build step: its own exit code is passed through.
    Step,
}

impl Acts {
    /// The exit code; none where that of the build step is passed through.
    #[must_use]
    pub const fn exit(self) -> Option<u8> {
        match self {
            Self::Producer => Some(1),
            Self::Caller => Some(2),
            Self::Operator => Some(3),
            Self::Step => None,
        }
    }
}

/// The stable kebab-case name of a failure or of a reason in a decision, for example `signature-invalid`, with what it
/// means and what to do about it.
///
/// Codes are a public contract: machines match on the name, people read the message beside it. `codes!` declares them
/// beside the error that has them; two codes are equal if their names are.
#[derive(Clone, Copy)]
pub struct Code(&'static Declaration);

/// What [`codes!`] takes for one code.
#[derive(Debug)]
pub(crate) struct Declaration {
    pub(crate) name: &'static str,
    pub(crate) acts: &'static [Acts],
    pub(crate) meaning: &'static str,
    pub(crate) todo: &'static str,
}

impl Code {
    /// For [`codes!`] only.
    pub(crate) const fn declared(declaration: &'static Declaration) -> Self {
        Self(declaration)
    }

    /// The name as machines match it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.0.name
    }

    /// Who has to act. The first is who does where a command fails with this code; others where a decision has it as a
    /// reason, or where it is said of something else.
    #[must_use]
    pub const fn acts(self) -> &'static [Acts] {
        self.0.acts
    }

    /// What it says about the world.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        self.0.meaning
    }

    /// What to do about it, or why nothing can be done.
    #[must_use]
    pub const fn todo(self) -> &'static str {
        self.0.todo
    }
}

/// Declares codes, each once: its name, who has to act, what it means, what to do; and the list of all of them.
///
/// ```text
/// codes! {
///     /// Codes of [`MyError`].
///     CODES;
///     NOT_THERE = "not-there", [Caller],
///         "the file that was named is not there",
///         "check its name";
/// }
/// ```
///
/// A further list is a row in `src/cli/code_lists.rs`.
macro_rules! codes {
    ($(#[$about:meta])* $list_seen:vis $list:ident;
     $($seen:vis $code:ident = $name:literal, [$($acts:ident),+], $meaning:literal, $todo:literal;)+) => {
        $(
            #[doc = concat!("`", $name, "`: ", $meaning, ".")]
            $seen const $code: $crate::model::Code =
                $crate::model::Code::declared(&$crate::model::code::Declaration {
                    name: $name,
                    acts: &[$($crate::model::code::Acts::$acts),+],
                    meaning: $meaning,
                    todo: $todo,
                });
        )+
        $(#[$about])*
        $list_seen const $list: &[$crate::model::Code] = &[$($code),+];
    };
}
pub(crate) use codes;

impl PartialEq for Code {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Code {}

impl PartialOrd for Code {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Code {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.as_str().cmp(other.as_str())
    }
}

impl std::hash::Hash for Code {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl serde::Serialize for Code {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(self.as_str())
    }
}

codes! {
    /// Codes that several modules make.
    pub CODES;
    pub LIMIT_EXCEEDED = "limit-exceeded", [Operator],
        "input is larger, longer or deeper than a limit: what it says was not found out",
        "the input is larger than any honest one should be; src/model/limits.rs lists the limits";
    pub USAGE = "usage", [Caller],
        "wrong arguments",
        "`attest COMMAND --help` shows the arguments and examples";
    pub FILE_UNREADABLE = "file-unreadable", [Caller],
        "a file, folder or variable that was named cannot be read",
        "check the name and its permissions";
    pub INTERNAL = "internal", [Operator],
        "a part of the program stopped in a way that it never should; nothing was decided by it",
        "report it with the whole output: it is a fault of this program, not of your input";
}
