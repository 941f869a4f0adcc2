//! Arguments that several commands share: one name, one meaning.

pub(super) mod approval;
pub(super) mod build;
pub(super) mod charter;
pub(super) mod demands;
pub(super) mod login;
pub(super) mod looked;
pub(super) mod named;
pub(super) mod signing;
pub(super) mod subject;
pub(super) mod target;
pub(super) mod trust;

use crate::cli::show::progress::Progress;
use crate::places::{RegistryAccess, RegistrySettings};
use crate::secrets::Allowed;
use clap::{Args, ValueEnum};
use std::path::PathBuf;
use std::time::Duration;

/// How results are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// For machines; schemas/ describes it.
    Json,
    /// The flat provenance record (inspect only).
    Record,
    /// Rows with commas between (questions to the audit log only).
    Csv,
    /// A picture as Mermaid draws it (audit blast-radius, audit trace).
    Mermaid,
    /// A picture as Graphviz draws it (the same).
    Dot,
    /// A picture as one page without a script (the same).
    Html,
}

/// What every command has and few need.
const RARE: &str = "Rarely needed";

/// Arguments of every command.
#[derive(Clone, Debug, Args)]
pub struct Common {
    /// How to print the result
    #[arg(long, global = true, value_enum, default_value = "text", value_name = "FORMAT")]
    pub format: Format,
    /// Deadline of one operation and of verifying one subject, for example 30s or 2m; given, a password is waited for no longer
    #[arg(long, global = true, value_name = "TIME", default_value = "60s", value_parser = duration, help_heading = RARE)]
    pub timeout: Duration,
    /// Whether somebody gave it.
    #[arg(skip)]
    pub(super) timeout_is_given: bool,
    /// Print only failures, and what was asked for: what create and others did is not told, nor what verify allows
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// Say more: every requirement, candidate, field and digest
    #[arg(long, short, global = true, conflicts_with = "quiet")]
    pub verbose: bool,
    /// Allow plain HTTP to registries that are not on this machine
    #[arg(long, global = true, help_heading = RARE)]
    pub allow_http_registry: bool,
    /// PEM file of certificates to trust for registries, besides the system's
    #[arg(long, global = true, value_name = "FILE", help_heading = RARE)]
    pub registry_ca: Option<PathBuf>,
    /// What asking a registry takes of this machine.
    #[arg(skip)]
    pub(super) registries: RegistryAccess,
    /// What takes long.
    #[arg(skip)]
    pub(super) progress: Progress,
}

impl Common {
    /// How long a person is waited for: for ever, unless somebody gave a time.
    pub(super) fn patience(&self) -> Option<Duration> {
        self.timeout_is_given.then_some(self.timeout)
    }

    /// What the flags say of registries.
    pub(super) fn registry_settings(&self) -> RegistrySettings<'_> {
        RegistrySettings {
            ca: self.registry_ca.as_deref(),
            allow_http: self.allow_http_registry,
            timeout: self.timeout,
        }
    }
}

/// Whom to trust.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Whom to trust")]
pub struct TrustArgs {
    /// Public key that may have signed: a PEM file, or env:VARIABLE (repeatable: any of them; not beside certificate flags)
    #[arg(long, value_name = "REF", value_parser = given)]
    pub key: Vec<String>,
    /// Policy that must be met, besides the system's (repeatable: all of them)
    #[arg(long, value_name = "FILE")]
    pub policy: Vec<PathBuf>,
    /// Identity of the signing certificate; needs an issuer (repeatable: any of them; different flags must all hold)
    #[arg(long, value_name = "IDENTITY", value_parser = given)]
    pub certificate_identity: Vec<String>,
    /// Glob over the identity of the signing certificate; needs an issuer (repeatable: any of them)
    #[arg(long, value_name = "GLOB", value_parser = given)]
    pub certificate_identity_glob: Vec<String>,
    /// Regular expression over the whole identity of the signing certificate; needs an issuer (repeatable: any of them)
    #[arg(long, value_name = "REGEX", value_parser = given)]
    pub certificate_identity_regexp: Vec<String>,
    /// OIDC issuer of the signing certificate (repeatable: any of them)
    #[arg(long, value_name = "URL", value_parser = given)]
    pub certificate_oidc_issuer: Vec<String>,
    /// Regular expression over the whole OIDC issuer of the signing certificate (repeatable: any of them)
    #[arg(long, value_name = "REGEX", value_parser = given)]
    pub certificate_oidc_issuer_regexp: Vec<String>,
    /// GitHub workflow that must have signed: OWNER/REPO/PATH (repeatable: any of them)
    #[arg(long, value_name = "WORKFLOW", value_parser = given)]
    pub signer_workflow: Vec<String>,
    /// GitHub repository whose source it must be, and whose workflows may have signed where no flag names another signer: OWNER/REPO (repeatable: any of them)
    #[arg(long, value_name = "OWNER/REPO", conflicts_with = "owner", value_parser = given)]
    pub repo: Vec<String>,
    /// GitHub owner whose source it must be, and whose workflows may have signed where no flag names another signer (repeatable: any of them)
    #[arg(long, value_name = "OWNER", value_parser = given)]
    pub owner: Vec<String>,
    /// Trusted root for certificates (repeatable)
    #[arg(long, value_name = "FILE")]
    pub trusted_root: Vec<PathBuf>,
}

/// What to demand.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "What to demand")]
pub struct DemandArgs {
    /// Predicate type: a URI, or a name such as provenance, approval, charter, slsaprovenance02, spdx, cyclonedx, vuln,
    /// openvex [default: SLSA provenance v1]
    #[arg(long, value_name = "TYPE", value_parser = given)]
    pub predicate_type: Option<String>,
    /// Source repository, for example https://github.com/acme/app
    #[allow(rustdoc::bare_urls, reason = "the help shows it as it is typed")]
    #[arg(long, value_name = "URL", value_parser = given)]
    pub source_repository: Option<String>,
    /// Source ref, for example refs/heads/main
    #[arg(long, value_name = "REF", value_parser = given)]
    pub source_ref: Option<String>,
    /// Source commit, the full id
    #[arg(long, value_name = "COMMIT", value_parser = given)]
    pub source_commit: Option<String>,
    /// Builder, to the letter; with --key, that key may speak for it
    #[arg(long, value_name = "URI", value_parser = given)]
    pub builder_id: Option<String>,
    /// Agent that built: squad/agent, or a glob
    #[arg(long, value_name = "GLOB", value_parser = given)]
    pub agent: Option<String>,
    /// Task, or a glob
    #[arg(long, value_name = "GLOB", value_parser = given)]
    pub task: Option<String>,
    /// Charter: the URI of the issue or document that authorised the work
    #[arg(long, value_name = "URI", value_parser = given)]
    pub charter: Option<String>,
    /// Ask the charter's host whether it still says what it said, and refuse where it does not
    #[arg(long)]
    pub recheck_charter: bool,
    /// Who asked for the build, for example github:583231
    #[arg(long, value_name = "ID", value_parser = given)]
    pub requested_by: Option<String>,
    /// Refuse what was not built on a runner of the platform
    #[arg(long)]
    pub deny_self_hosted_runners: bool,
    /// Refuse subjects that are named by tag
    #[arg(long)]
    pub require_digest: bool,
    /// API of a charter's host that is neither public nor the CI system's own
    #[arg(long, value_name = "API", value_enum, env = "ATTEST_CHARTER_API")]
    pub charter_api: Option<CharterApi>,
}

/// Where evidence is.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Where evidence is")]
pub struct EvidenceArgs {
    /// Repository that keeps the attestations, if not the subject's own
    #[arg(long, value_name = "REPOSITORY", env = "COSIGN_REPOSITORY")]
    pub attestation_repository: Option<String>,
    /// Bundle, JSONL of bundles, or folder of them; replaces every other source (repeatable)
    #[arg(long, value_name = "FILE")]
    pub bundle: Vec<PathBuf>,
    /// Make no network connection
    #[arg(long)]
    pub offline: bool,
}

/// What was done.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "What was done")]
pub struct BuildArgs {
    /// Agent that built: squad/agent
    #[arg(long, value_name = "ID")]
    pub agent: Option<String>,
    /// Version of the agent
    #[arg(long, value_name = "VERSION")]
    pub agent_version: Option<String>,
    /// Model that the agent used: provider/id
    #[arg(long, value_name = "PROVIDER/ID")]
    pub model: Option<String>,
    /// Session of the agent
    #[arg(long, value_name = "ID")]
    pub session: Option<String>,
    /// Execution (one run) of the agent
    #[arg(long, value_name = "ID")]
    pub execution: Option<String>,
    /// Task
    #[arg(long, value_name = "ID")]
    pub task: Option<String>,
    /// Where the task is described
    #[arg(long, value_name = "URI")]
    pub task_uri: Option<String>,
    /// Issue or document that authorised the work: a URI, or a file
    #[arg(long, value_name = "URI|FILE")]
    pub charter: Option<String>,
    /// Whether an issue's text is fetched, to record its digest
    #[arg(
        long,
        value_name = "WHETHER",
        value_enum,
        default_value_t,
        env = "ATTEST_CHARTER_SNAPSHOT",
        hide_env_values = true
    )]
    pub charter_snapshot: CharterSnapshot,
    /// API of the charter's host, where that is neither public nor the CI system's own
    #[arg(long, value_name = "API", value_enum, env = "ATTEST_CHARTER_API")]
    pub charter_api: Option<CharterApi>,
    /// Who asked for the build, for example github:583231
    #[arg(long, value_name = "ID")]
    pub requested_by: Option<String>,
    /// What set the build off: manual, scheduled, event or smart
    #[arg(long, value_name = "KIND")]
    pub trigger: Option<String>,
    /// Builder, as a policy's `builders` names it: a URI; where a CI system or a certificate says who builds, it must be that
    #[arg(long, value_name = "URI")]
    pub builder_id: Option<String>,
    /// Lock file whose packages are dependencies, besides those found (repeatable)
    #[arg(long, value_name = "FILE")]
    pub dependencies: Vec<PathBuf>,
    /// Further input: NAME=URI@sha256:DIGEST, NAME=FILE, a file or a glob (repeatable)
    #[arg(long, value_name = "MATERIAL")]
    pub materials: Vec<String>,
    /// Base image: NAME@sha256:DIGEST
    #[arg(long, value_name = "IMAGE")]
    pub base_image: Option<String>,
    /// Fields that must be there, or nothing is signed, besides `require` of .attest.yaml: for example source, agent.id,
    /// requestedBy, dependencies, base-image
    #[arg(long, value_name = "FIELD,...", value_delimiter = ',', value_parser = given)]
    pub require: Vec<String>,
    /// A text of the statement that looks like a secret and is none, as the refusal prints it; recorded in a provenance
    /// (repeatable)
    #[arg(long, value_name = "FIELD=DIGEST")]
    pub allow_secret_like: Vec<Allowed>,
    /// What is written of the credentials that the build could reach; never a value
    #[arg(long, value_name = "WHAT", value_enum, default_value_t)]
    pub record_credentials: RecordCredentials,
    /// Predicate to sign instead of provenance; needs --predicate-type
    #[arg(
        long,
        value_name = "FILE",
        requires = "predicate_type",
        conflicts_with_all = [
            "agent", "agent_version", "model", "session", "execution", "task", "task_uri", "charter", "requested_by",
            "trigger", "builder_id", "dependencies", "materials", "base_image", "require", "record_credentials"
        ]
    )]
    pub predicate: Option<PathBuf>,
    /// Type of --predicate: a URI, or a name such as spdx, cyclonedx, vuln, openvex
    #[arg(long, value_name = "TYPE", requires = "predicate")]
    pub predicate_type: Option<String>,
}

/// A demand as it was typed. An empty one comes of a variable that was not set: taken as it is, it would demand nothing, or
/// something else than was meant.
fn given(text: &str) -> Result<String, String> {
    match text {
        "" => Err("expected a value, found an empty one: is the variable set that it was taken from?".into()),
        text => Ok(text.to_owned()),
    }
}

/// Reads `30s`, `2m`, `500ms`, `1h`.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let expected = || "expected a time such as 30s, 2m or 500ms".to_owned();
    let number: u64 = number.parse().map_err(|_| expected())?;
    let millis = match unit {
        "ms" => Some(number),
        "s" | "" => number.checked_mul(1000),
        "m" => number.checked_mul(60_000),
        "h" => number.checked_mul(3_600_000),
        _ => None,
    };
    let millis = millis.filter(|m| *m > 0).ok_or_else(expected)?;
    Ok(Duration::from_millis(millis))
}

/// What is written of credentials.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum RecordCredentials {
    /// Kinds, scopes and expiry
    #[default]
    Kinds,
    /// The same, and the names of variables and files
    Names,
}

/// Whether the issue that a charter is gets fetched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum CharterSnapshot {
    /// Nothing is done without it
    Required,
    /// Where it cannot be had, that is said and no digest is recorded
    #[default]
    Try,
    /// Make no connection for it
    None,
}

/// APIs of hosts that keep issues.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum CharterApi {
    /// GitHub Enterprise Server
    Github,
    /// GitLab
    Gitlab,
    /// Forgejo or Gitea
    Forgejo,
}

impl CharterApi {
    /// Its name among [`charter::ALL`](crate::charter::ALL).
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Github => "github",
            Self::Gitlab => "gitlab",
            Self::Forgejo => "forgejo",
        }
    }
}
