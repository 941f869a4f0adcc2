//! What a provenance tells a policy: values with names, which decisions show and rules demand.

use super::all;
use crate::model::uri;
use crate::predicate::Provenance;
use serde_json::Value;

/// Something that a provenance tells, under the name that decisions give it.
#[derive(Debug)]
pub struct Fact {
    /// Its name in a decision.
    pub name: &'static str,
    /// Fulcio's claim that says the same, by last arc (1.3.6.1.4.1.57264.1.N).
    pub claim: Option<u32>,
    /// The value that the predicate has, if it has one.
    pub read: fn(&Provenance) -> Option<String>,
}

impl Fact {
    /// Every place where a predicate says it: where it reads it from, and the platform's own members.
    #[must_use]
    pub fn values(&self, p: &Provenance) -> Vec<String> {
        let tells = |row: &&super::Row| row.facts.iter().any(|f| f.name == self.name);
        let members = super::platform::members().filter(tells).filter_map(|row| {
            let (platform, member) = row.path.strip_prefix("internalParameters.")?.split_once('.')?;
            match p.internal.get(platform)?.get(member)? {
                Value::String(text) => Some(text.clone()),
                Value::Number(n) => Some(n.to_string()),
                _ => None,
            }
        });
        (self.read)(p).into_iter().chain(members).collect()
    }
}

/// Fields that a policy may say a signer measures, by one name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Group {
    /// The checkout.
    Source,
    /// What went into the build.
    Dependencies,
    /// The agent and its model.
    Agent,
    /// The task.
    Task,
    /// The charter.
    Charter,
    /// Who asked.
    RequestedBy,
}

impl Group {
    /// Every group with its name in a policy.
    pub const ALL: [(Self, &'static str); 6] = [
        (Self::Source, "source"),
        (Self::Dependencies, "dependencies"),
        (Self::Agent, "agent"),
        (Self::Task, "task"),
        (Self::Charter, "charter"),
        (Self::RequestedBy, "requestedBy"),
    ];

    /// Its name in a policy.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL.into_iter().find(|(g, _)| *g == self).map_or("", |(_, name)| name)
    }

    /// The facts that its fields tell.
    #[must_use]
    pub fn facts(self) -> Vec<&'static str> {
        let mine = |row: &&super::Row| super::upwards(row.path).find_map(|r| r.group) == Some(self);
        all().filter(mine).flat_map(|row| row.facts).map(|f| f.name).collect()
    }
}

/// Marks a trigger that is a kind of the agent build type, not an event's name.
pub const TRIGGER_KIND: &str = "kind:";

fn workflow(p: &Provenance) -> Option<String> {
    let part = |key| p.text(&["workflow", key]);
    Some(format!("{}/{}@{}", part("repository")?, part("path")?, part("ref")?))
}

fn runner(p: &Provenance) -> Option<String> {
    let kind = p.internal.get("environment").filter(|_| p.build_type == uri::AGENT_BUILD)?;
    kind.get("kind")?.as_str().map(str::to_owned)
}

fn trigger(p: &Provenance) -> Option<String> {
    // That an agent decided is something that no platform knows.
    let kind = p.trigger().filter(|kind| *kind != "smart")?;
    Some(format!("{TRIGGER_KIND}{kind}"))
}

fn dependencies(p: &Provenance) -> Option<String> {
    let pinned = p.dependencies.iter().filter(|d| d.is_pinned()).count();
    (!p.dependencies.is_empty()).then(|| format!("{pinned} of {} by digest", p.dependencies.len()))
}

/// Declares facts, and the list of them.
macro_rules! facts {
    ($($name:ident: $text:literal $(claim $claim:literal)? => $read:expr;)*) => {
        $(
            #[doc = concat!("`", $text, "`")]
            pub const $name: &Fact = &Fact { name: $text, claim: facts!(@ $($claim)?), read: $read };
        )*
        /// Every fact.
        pub const ALL: &[&Fact] = &[$($name),*];
    };
    (@ $claim:literal) => { Some($claim) };
    (@) => { None };
}

facts! {
    BUILDER_ID: "builder.id" claim 9 => |p| Some(p.builder_id.clone());
    RUNNER: "runner" claim 11 => runner;
    REPOSITORY: "source.repository" claim 12 => |p| p.source().and_then(|s| s.repository);
    COMMIT: "source.commit" claim 13 => |p| p.source().and_then(|s| s.commit);
    REF: "source.ref" claim 14 => |p| p.source().and_then(|s| s.reference);
    REPOSITORY_ID: "source.repositoryId" claim 15 => |_| None;
    OWNER_ID: "source.ownerId" claim 17 => |_| None;
    WORKFLOW: "workflow" claim 18 => workflow;
    TRIGGER: "trigger" claim 20 => trigger;
    INVOCATION: "invocation" claim 21 => |p| p.metadata("invocationId").map(str::to_owned);
    DIRTY: "source.dirty" => |p| p.source().and_then(|s| s.dirty).map(|d| d.to_string());
    AGENT_ID: "agent.id" => |p| p.agent().map(str::to_owned);
    AGENT_MODEL: "agent.model" => Provenance::model;
    TASK_ID: "task.id" => |p| p.task().map(str::to_owned);
    CHARTER_URI: "charter.uri" => |p| p.charter().map(str::to_owned);
    CHARTER_DIGEST: "charter.digest" => |p| p.charter_digest().and_then(|d| d.strong().next()).map(|d| d.to_string());
    REQUESTED_BY_ID: "requestedBy.id" => |p| p.requested_by().map(str::to_owned);
    DEPENDENCIES: "dependencies" => dependencies;
}

/// The facts that every decision shows, in their order.
pub const PROMISED: [&Fact; 12] = [
    BUILDER_ID,
    REPOSITORY,
    REF,
    COMMIT,
    DIRTY,
    AGENT_ID,
    AGENT_MODEL,
    TASK_ID,
    CHARTER_URI,
    CHARTER_DIGEST,
    REQUESTED_BY_ID,
    DEPENDENCIES,
];
