//! What is said of what happened: the one table of fields. Parser, schema, commitments and questions are made from it.

/// Which form the value of a field has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A text of one line.
    Text,
    /// One of these words.
    Word(&'static [&'static str]),
    /// A time as RFC 3339.
    Time,
    /// A whole number, not negative.
    Count,
    /// A whole number.
    Number,
    /// A decimal number, kept as it is written: `3.87`.
    Decimal,
    /// True or false.
    Flag,
    /// A list of texts.
    List,
    /// Names and texts.
    Map,
    /// A text that is never kept: a salted commitment to it and its size.
    Committed,
    /// The name of an action type.
    Action,
    /// A path in the repository, or the address of what was acted on.
    Target,
}

/// A field of records.
#[derive(Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// The form of its value.
    pub form: Form,
    /// Whether its value is a person: it is then encrypted under a key of that person as well, and can be erased with it.
    pub person: bool,
    /// What it says.
    pub about: &'static str,
}

const fn field(name: &'static str, form: Form, about: &'static str) -> Field {
    Field { name, form, person: false, about }
}

const fn person(name: &'static str, about: &'static str) -> Field {
    Field { name, form: Form::Text, person: true, about }
}

/// Every field, in the order in which the commitments of a record stand. New ones go to the end: the order is part of the
/// format.
pub const ALL: &[Field] = &[
    field("execution_id", Form::Text, "one run of an agent"),
    field("session_id", Form::Text, "one conversation of an agent"),
    field("agent", Form::Text, "which agent, as `squad/agent`"),
    field("agent_version", Form::Text, "its version"),
    field("model", Form::Text, "the model that it used"),
    field("provider", Form::Text, "who provides the model"),
    person("requested_by", "who asked for it, as `github:583231`"),
    field("task_id", Form::Text, "the task"),
    field("charter", Form::Text, "the issue or document that authorised the work"),
    field("charter_digest", Form::Text, "its digest when it was read, as `sha256:HEX`"),
    field("trigger", Form::Word(&["manual", "scheduled", "event", "smart"]), "what set it off"),
    field("started_at", Form::Time, "when it began, by the clock of whoever says so"),
    field("completed_at", Form::Time, "when it ended, by the same clock"),
    field("at", Form::Time, "when it happened, where it has no length"),
    field("status", Form::Word(&["success", "failed", "cancelled", "timeout", "unknown"]), "how it ended"),
    field("tokens_in", Form::Count, "tokens read, without those of the cache"),
    field("tokens_out", Form::Count, "tokens written"),
    field("tokens_cache_read", Form::Count, "tokens read from the cache"),
    field("tokens_cache_write", Form::Count, "tokens written to the cache"),
    field("cost", Form::Decimal, "what it cost, in US dollars"),
    field("action_type", Form::Action, "what was done: `attest schema audit-record` lists the types"),
    field("target", Form::Target, "what it was done to: a path in the repository, `commit:HEX`, `acme/app#57`"),
    field("result", Form::Text, "what came of it, in a word: `ok`, `error`, `denied`"),
    field("approval_id", Form::Text, "the approval on which it rests"),
    field("command", Form::Committed, "the command, committed to"),
    field("input", Form::Committed, "what it was given, committed to"),
    field("output", Form::Committed, "what it gave, committed to"),
    field("diff", Form::Committed, "the change as a diff, committed to"),
    field("exit_code", Form::Number, "exit code of the command"),
    field("lines_added", Form::Count, "lines that were added"),
    field("lines_removed", Form::Count, "lines that were removed"),
    field("patch_id", Form::Text, "id of the change as `git patch-id --stable` makes it"),
    field("base_commit", Form::Text, "the commit before"),
    field("head_commit", Form::Text, "the commit after"),
    field("metadata", Form::Map, "anything else, as names and texts"),
    field("environment", Form::Text, "where it ran: `gha-runner-abc`, `laptop`"),
    field("machine", Form::Text, "the machine"),
    field("container", Form::Text, "digest of the container's image"),
    field("repository", Form::Text, "the repository"),
    field("commit", Form::Text, "the commit that was checked out"),
    field("branch", Form::Text, "the branch that was checked out"),
    field("credentials", Form::List, "names and scopes of what it could use, as `NAME:SCOPE`; never a value"),
    field("elevated", Form::Flag, "whether it had more rights than its user"),
    person("approver", "who approved"),
    field(
        "how",
        Form::Word(&["signed", "review", "merge", "rule", "click", "policy"]),
        "by which means it was approved",
    ),
    field("statement", Form::Text, "digest of the signed statement"),
    field("signer", Form::Text, "who signed it"),
    field("rule", Form::Text, "the rule, as `ORG-001`"),
    field("reason", Form::Text, "why"),
    field("what", Form::Text, "what was decided"),
    person("decided_by", "who decided"),
    field("outcome_kind", Form::Word(&["goal", "pr", "issue"]), "of what"),
    field("state", Form::Text, "how it stands: `achieved`, `merged`, `resolved`"),
    field("key", Form::Text, "name of the tag"),
    field("value", Form::Text, "value of the tag"),
    field("lost", Form::Count, "how many events"),
    field("clock", Form::Text, "what the machine's time service says of its clock"),
    field("subject", Form::Text, "the artifact, as it was named"),
    field("digest", Form::Text, "its digest, as `sha256:HEX`"),
    field("builder", Form::Text, "who built it"),
    field("predicate_type", Form::Text, "type of the statement's predicate"),
    field("verdict", Form::Word(&["allow", "deny", "unknown"]), "the answer"),
    field("code", Form::Text, "the code of the reason"),
    field("policy", Form::Text, "the policies that were asked"),
    field("namespace", Form::Text, "the namespace of the cluster"),
    field("transcript", Form::Text, "digest of the transcript, as `sha256:HEX`"),
    field("month", Form::Text, "which month, as `2026-10`"),
    field("executions", Form::Count, "executions"),
    field("executions_succeeded", Form::Count, "executions that ended well"),
    field("executions_failed", Form::Count, "executions that failed"),
    field("actions", Form::Count, "actions"),
    field("source", Form::Text, "which program said so: `hook`, `import claude-code`"),
    field("source_id", Form::Text, "its own id of what happened: the same one is recorded once"),
    person("author", "who made the change, as `github:583231` or `mailto:ADDRESS`"),
    field("executions_cancelled", Form::Count, "executions that were cancelled"),
    field("executions_timed_out", Form::Count, "executions that took too long"),
    field("executions_unknown", Form::Count, "executions of which it is not known how they ended"),
    field("cost_known", Form::Count, "of how many executions the cost is known"),
    field("materials", Form::List, "what it was built of, each as an address and a digest"),
    field("base_image", Form::Text, "the image that it is built on, as an address and a digest"),
    field("left_out", Form::Count, "how many of them are not listed"),
    person("committer", "who committed the change, where that is another than its author"),
    person("recipient", "to whom records were handed out"),
];

/// The field of a name, with its place in the order.
#[must_use]
pub fn placed(name: &str) -> Option<(usize, &'static Field)> {
    ALL.iter().enumerate().find(|(_, field)| field.name == name)
}

/// The field of a name.
#[must_use]
pub fn named(name: &str) -> Option<&'static Field> {
    placed(name).map(|(_, field)| field)
}
