//! What is known of each CI system and identity provider: how its jobs are recognised, what its variables say of a run,
//! which of them must not be handed on, how its jobs come by an identity token, and what a certificate says of one.
//!
//! One file of `known/` for each, and one row in [`ALL`]. Capture, signing, policies, the outbox and the table of provenance
//! fields read it from here; nothing here reads the environment, a file or the network.

mod claims;
mod find;
mod known;
mod run;
pub(crate) mod variables;

pub use claims::{Certified, certified};
pub(crate) use find::{credentials, marks, named, run, withheld};
pub use find::{detect, is_foreseen, platforms, tokens_of, trigger_of};
pub use known::ALL;
pub(crate) use known::GITHUB_TOKENS;
pub use run::{CiContext, Principal, Workflow};

use serde_json::Value;

/// What a job can see of where it runs. An environment of a test is as good as a process's.
pub trait Surroundings {
    /// A variable that is set, not empty and UTF-8; an empty one says as little as none.
    fn variable(&self, name: &str) -> Option<&str>;

    /// The host's name, where the system tells it.
    fn hostname(&self) -> Option<&str>;

    /// Whether the file or folder is there, of those that some platform is known by.
    fn is_there(&self, path: &str) -> bool;
}

/// A CI system, an identity provider, or both.
#[derive(Clone, Copy, Debug)]
pub struct Issuer {
    /// Its short name; of a CI system the one in `builder.id` (`github-actions`).
    pub name: &'static str,
    /// What its jobs see, where it is a CI system.
    pub system: Option<System>,
    /// The identity tokens that it issues.
    pub tokens: Option<Tokens>,
    /// Variables that ask for the right to sign: handed to a build step only with `--share-identity`.
    pub withheld: &'static [&'static str],
    /// How the names of such variables begin, where its users or versions choose the rest.
    pub withheld_beginnings: &'static [&'static str],
    /// Its variables that hold credentials, each with the kind that a provenance names.
    pub credentials: &'static [(&'static str, &'static str)],
}

impl Issuer {
    /// One of which nothing is known but its name.
    const fn new(name: &'static str) -> Self {
        Self { name, system: None, tokens: None, withheld: &[], withheld_beginnings: &[], credentials: &[] }
    }
}

/// What the jobs of a CI system see.
#[derive(Clone, Copy)]
pub struct System {
    /// Its name, for people.
    pub title: &'static str,
    /// The name of its own section of `internalParameters`; empty where it has none.
    pub section: &'static str,
    /// What the schema says of that section.
    pub about: &'static str,
    /// Variables that are set for every job: where one of them is, nobody sits before the terminal.
    pub marks: &'static [&'static str],
    /// Variables that name a run, in groups, the widest run first. The first group of which one is set names the run.
    pub run: &'static [&'static [&'static str]],
    /// Events by which a person asks for a run, and those of a timetable, by its own names.
    pub manual: &'static [&'static str],
    /// Events of a timetable.
    pub scheduled: &'static [&'static str],
    /// Members of its section.
    pub details: &'static [Detail],
    /// Members that a certificate repeats, each with the last arc of the claim.
    pub tells: &'static [(&'static str, u32)],
    /// What reads its variables.
    pub platform: &'static dyn Platform,
}

impl std::fmt::Debug for System {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("System").field("title", &self.title).finish_non_exhaustive()
    }
}

/// What reads the variables of a CI system, or of a machine without one.
///
/// Contract: pure over what it is handed; a value that a platform did not give, or gave in another form than its
/// documentation says, is absent with a reason that names the variable.
pub trait Platform: Sync {
    /// Whether this process runs there.
    fn detects(&self, env: &dyn Surroundings) -> bool;

    /// What the platform says of this run.
    fn capture(&self, env: &dyn Surroundings) -> CiContext;

    /// The file in which the platform describes what set the run off, if it writes one.
    fn event_file<'e>(&self, _env: &'e dyn Surroundings) -> Option<&'e str> {
        None
    }

    /// What that file adds. Inputs come as they are: whoever calls takes out those that are secret by their name.
    fn with_event(&self, _event: &Value, context: CiContext, _env: &dyn Surroundings) -> CiContext {
        context
    }
}

/// The identity tokens of a provider, and what a certificate says of one (fulcio/config/identity/config.yaml).
#[derive(Clone, Copy, Debug)]
pub struct Tokens {
    /// The provider's name.
    pub provider: &'static str,
    /// Their issuers; a final `*` stands for one path element, a leading `*.` for a host below.
    pub issuers: &'static [&'static str],
    /// The claim by which the tokens of a server of its users' own are known; empty where none is.
    pub mark: &'static str,
    /// Issuers of the same kind on servers of their users' own that a public authority knows. What its certificates say of their
    /// tokens cannot be told beforehand: it may have another address for them.
    pub elsewhere: &'static [&'static str],
    /// What a claim is where a token of `issuers` has none of this name; of another issuer it is not known.
    pub defaults: &'static [(&'static str, &'static str)],
    /// The claims of the certificate that a provenance repeats: last arc, and the value with the names of the token's
    /// claims in braces.
    pub claims: &'static [(u32, &'static str)],
    /// The address of the server that issues them, from their issuer, where that tells it.
    pub server: fn(&str) -> Option<String>,
    /// Whom a run acts for.
    pub actor: Option<Actor>,
    /// Whether a certificate names a run as the platform's variables do; else the two names are no contradiction.
    pub runs_alike: bool,
    /// How a job comes by one.
    pub ambient: Option<Ambient>,
}

impl Tokens {
    /// Those of a provider of which nothing else is known.
    const fn new(provider: &'static str, issuers: &'static [&'static str]) -> Self {
        Self {
            provider,
            issuers,
            elsewhere: &[],
            mark: "",
            defaults: &[],
            claims: &[],
            server: |_| None,
            actor: None,
            runs_alike: true,
            ambient: None,
        }
    }
}

/// How a job comes by an identity token.
#[derive(Clone, Copy, Debug)]
pub struct Ambient {
    /// The variable by which a job of this platform is known.
    pub mark: &'static str,
    /// Where the token is from.
    pub from: TokenFrom,
    /// How a job gets one, as a person reads it who has none.
    pub how: &'static str,
}

/// Where a job's identity token is from.
#[derive(Clone, Copy, Debug)]
pub enum TokenFrom {
    /// A service of the runner: the variables of its address and of what is shown to it.
    Service {
        /// Holds the address.
        url: &'static str,
        /// Holds the secret that is shown to it.
        bearer: &'static str,
    },
    /// A variable that the job's own configuration fills, one of those that every signer looks at.
    Variable,
    /// A program of the runner: the words of its command.
    Program(&'static str),
}

/// The claims that name whom a run acts for.
#[derive(Clone, Copy, Debug)]
pub struct Actor {
    /// The claim with a number.
    pub id: &'static str,
    /// The claim with a name.
    pub name: &'static str,
    /// The one server whose numbers have a short name, and that name.
    pub public: (&'static str, &'static str),
}

/// A member of a platform's section of `internalParameters`, its variable and its claim; empty where there is none.
pub type Detail = (&'static str, &'static str, &'static str);
