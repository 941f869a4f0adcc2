//! [`capture`]: puts the parts together by precedence.

use crate::attribution::own::Key;
use crate::attribution::{self, About, Agent, Model};
use crate::capture::agent::{trail, variables};
use crate::capture::input::unasked::Unasked;
use crate::capture::input::{base_image, charter, materials, packages};
use crate::capture::record::prefer::prefer;
use crate::capture::record::{builder, source};
use crate::capture::request::given;
use crate::capture::secret::credentials;
use crate::capture::secret::variables::sounds_secret;
use crate::capture::{
    Byproduct, CaptureError, Captured, Checkout, CiContext, Credential, Environment, FileSecrets, Principal, Request,
    Required, SourceState, Trigger, UnreadLockFile, file_secrets, project,
};
use crate::issuer::{self, Platform};
use crate::model::{ResourceDescriptor, Timestamp, json, limits, uri};
use crate::predicate::field;
use crate::secrets::Allowed;
use sha2::{Digest as _, Sha256};
use std::path::{Path, PathBuf};

/// What was to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// Its id.
    pub id: Captured<String>,
    /// Where it is written.
    pub uri: Captured<String>,
}

/// Everything that was captured of a build. [`Context::provenance`] makes the predicate, [`Context::explain`] says where
/// each field came from.
#[derive(Clone, Debug, PartialEq)]
pub struct Context {
    /// The agent.
    pub agent: Agent,
    /// The task.
    pub task: Task,
    /// What authorises it.
    pub charter: Captured<ResourceDescriptor>,
    /// Who asked for it.
    pub requested_by: Captured<Principal>,
    /// Why it began.
    pub trigger: Captured<Trigger>,
    /// The build step.
    pub command: Captured<Vec<String>>,
    /// `git+REMOTE@REF` and commit.
    pub source: Captured<ResourceDescriptor>,
    /// What git says of the checkout, before the build step.
    pub git: SourceState,
    /// What the image is built on.
    pub base_image: Captured<ResourceDescriptor>,
    /// Paths of the lock files that were read.
    pub lock_files: Captured<Vec<String>>,
    /// Lock files that are there and whose packages are not recorded, each with why.
    pub unread_lock_files: Vec<UnreadLockFile>,
    /// Fields that must be there before anything is signed.
    pub required: Vec<Required>,
    /// Files of the checkout that were passed over, since they lead out of it or are none, each with why.
    pub passed_over: Vec<String>,
    /// Lock files, the packages they name, and materials; without the source and the base image.
    pub dependencies: Vec<ResourceDescriptor>,
    /// `nixpkgs#REV`, from `flake.lock`.
    pub nix: Captured<String>,
    /// What the platform says.
    pub platform: CiContext,
    /// The platform's name, as in [`crate::issuer::Issuer::name`].
    pub platform_name: &'static str,
    /// Operating system.
    pub os: String,
    /// Processor architecture.
    pub arch: String,
    /// When this was captured, where the caller told the time.
    pub captured_at: Captured<Timestamp>,
    /// When the build step began.
    pub started: Captured<Timestamp>,
    /// When it ended.
    pub finished: Captured<Timestamp>,
    /// Subjects that the build step did not write; `None` without a step.
    pub unwritten: Option<Vec<String>>,
    /// Credentials that the build could reach.
    pub credentials: Captured<Vec<Credential>>,
    /// Secrets of files that programs keep them in: looked for in what is signed, and written nowhere.
    pub file_secrets: FileSecrets,
    /// Texts of the statement that look like secrets and, on the word of whoever signs, are none.
    pub allowed_secret_like: Vec<Allowed>,
    /// Whether their names are written beside their kinds.
    pub credential_names: bool,
    /// Whether the build had more rights than an ordinary user.
    pub elevated: Captured<bool>,
    /// Whether the build step was handed what asks for identity tokens.
    pub identity_shared: Captured<bool>,
    /// What the build left behind beside its subjects: output, files, and the trails of agents; each by digest.
    pub byproducts: Vec<Byproduct>,
    /// What does not agree: a field and what two places say of it.
    pub disagreements: Vec<(&'static str, String)>,
    /// What the identity token that signs and the surroundings say differently: a field, and what each says of it.
    pub contradictions: Vec<(String, String)>,
    /// The claims that the certificate will make, by last arc, where the token that signs is known.
    pub certified: Vec<u32>,
}

const NO_STEP: &str = "no build step was run";

/// Byproducts that only a build step has.
const STEP_BYPRODUCTS: &[&str] = &["stdout", "stderr", "step-files"];

impl Context {
    /// The lock files whose packages are recorded, where that is so of every one that is there; else why not.
    #[must_use]
    pub fn packages(&self) -> Captured<Vec<String>> {
        match self.unread_lock_files.as_slice() {
            [] => self.lock_files.clone(),
            unread => {
                let reasons: Vec<_> = unread.iter().map(UnreadLockFile::to_string).collect();
                Captured::absent(&reasons.join("; "))
            }
        }
    }

    /// Looks for trails again: the build step may have been the agent's work itself.
    pub fn look_for_trails(&mut self, env: &Environment, checkout: &dyn Checkout) {
        let scene = trail::Scene { env, git: &self.git, agent: &self.agent, checkout };
        for (name, found) in trail::find(&scene) {
            self.set_byproduct(name, found);
        }
    }

    /// Replaces what is known of a byproduct.
    pub(in crate::capture) fn set_byproduct(&mut self, name: &'static str, found: Captured<Vec<ResourceDescriptor>>) {
        match self.byproducts.iter_mut().find(|(known, _)| *known == name) {
            Some(row) => row.1 = found,
            None => self.byproducts.push((name, found)),
        }
    }
}

/// Captures the context of a build, before its step runs.
///
/// # Errors
/// [`CaptureError`]: a value, lock file or material that was given or is there, and is malformed, unreadable or over a
/// limit. What merely is not there is absent in the result.
pub fn capture(request: &Request, env: &Environment, checkout: &dyn Checkout) -> Result<Context, CaptureError> {
    let (platform_name, system) = issuer::detect(env);
    let mut ci = run(system.platform, env, checkout);
    let git = checkout.source(env, &request.excluded);
    let (source, mut disagreements) = source::of(&git, &ci);
    let root = git.root.clone().unwrap_or_else(|| env.working_dir.clone());
    let real_dir = real_working_dir(env, &root);
    let source_uri = source.value().and_then(ResourceDescriptor::uri);
    let place = materials::Place { working_dir: &real_dir, root: &root, source: source_uri };

    let value = |flag: &Option<String>, name: &str| given(flag, name, env);
    let mut unasked = Unasked { root: &root, checkout, passed_over: Vec::new() };
    let project = project::read(&mut unasked)?;
    let required = request.required(&project.require)?;
    let agent = agent(request, env, &git, &project, &mut disagreements)?;
    belong(&agent.id, "--agent", request.of_agent())?;
    let charter = charter::capture(value(&request.charter, "charter")?, &place, checkout)?;
    let said_by = value(&request.requested_by, "requested-by")?.map(|id| Principal { id, name: None });
    let requested_by = prefer(said_by, &ci.requested_by);
    let trigger = trigger_of(value(&request.trigger, "trigger")?, &ci, &git, &mut disagreements)?;
    let task = task_of(request, env, &project)?;
    builder::given(value(&request.builder_id, "builder-id")?, &mut ci, platform_name, &mut disagreements)?;
    let base_image = base_image::capture(request, value(&request.base_image, "base-image")?, &place, &mut unasked)?;
    let read = packages::read(&request.dependencies, !request.other_predicate, &place, &mut unasked)?;
    let mut dependencies = read.dependencies;
    let mut materials = materials::Materials::new();
    for text in &request.materials {
        dependencies.extend(materials.all(text, &place, &mut unasked)?);
    }
    let top = materials::Place { working_dir: &root, root: &root, source: source_uri };
    for (line, text) in &project.materials {
        let found = materials.one(text, &top, checkout).map_err(|e| project::of_material(*line, e))?;
        dependencies.push(found);
    }
    dependencies.extend(source::submodules(&git, source_uri));
    let dependencies = merge(dependencies)?;
    let trails = trail::find(&trail::Scene { env, git: &git, agent: &agent, checkout });
    let of_step = STEP_BYPRODUCTS.iter().map(|name| (*name, Captured::absent(NO_STEP)));
    let byproducts = of_step.chain(trails).collect();
    let has_step = !request.command.is_empty();
    let in_files = file_secrets(env, git.root.as_deref(), checkout);
    let mut passed_over = unasked.passed_over;
    passed_over.extend(git.refused.clone());
    Ok(Context {
        agent,
        task,
        charter,
        requested_by,
        trigger,
        command: command(request),
        source,
        git,
        base_image,
        lock_files: read.names,
        unread_lock_files: read.unread,
        required,
        passed_over,
        dependencies,
        nix: read.nix,
        platform: ci,
        platform_name,
        os: env.os.clone(),
        arch: env.arch.clone(),
        captured_at: Captured::absent("the time was not told"),
        started: Captured::absent(NO_STEP),
        finished: Captured::absent(NO_STEP),
        unwritten: None,
        credentials: credentials::inventory(env, has_step.then_some(request.share_identity), &in_files.kinds),
        file_secrets: in_files,
        identity_shared: match (has_step, request.share_identity) {
            (true, true) => Captured::found(true, "--share-identity"),
            (true, false) => Captured::absent("--share-identity was not given"),
            (false, _) => Captured::absent(NO_STEP),
        },
        byproducts,
        credential_names: request.credential_names,
        allowed_secret_like: request.allowed_secret_like.clone(),
        elevated: credentials::elevated(env),
        disagreements,
        contradictions: Vec::new(),
        certified: Vec::new(),
    })
}

fn command(request: &Request) -> Captured<Vec<String>> {
    if request.command.is_empty() {
        return Captured::absent(NO_STEP);
    }
    Captured::found(request.command.clone(), "the command after --")
}

/// What started the build: as it was given, else as the platform says, else the commit; what they say differently is noted.
fn trigger_of(
    given: Captured<String>,
    ci: &CiContext,
    git: &SourceState,
    disagreements: &mut Vec<(&'static str, String)>,
) -> Result<Captured<Trigger>, CaptureError> {
    let trigger = match given {
        Captured::Found { value, source } => Captured::found(trigger(&source, &value)?, &source),
        Captured::Absent { reason } => {
            let run = prefer(Captured::Absent { reason }, &ci.trigger);
            match &git.object {
                Captured::Found { value, .. } => match &value.message {
                    Captured::Found { value, .. } => prefer(run, &attribution::read(value).trigger),
                    Captured::Absent { .. } => run,
                },
                Captured::Absent { .. } => run,
            }
        }
    };
    if let (Some(ours), Some(theirs)) = (trigger.value(), ci.trigger.value())
        && ours != theirs
        && *ours != Trigger::Smart
    {
        let text = format!("`{}` was given, the platform says `{}`", ours.name(), theirs.name());
        disagreements.push((field::TRIGGER.path, text));
    }
    Ok(trigger)
}

/// The task, with its address where one was given or a prefix makes one.
fn task_of(request: &Request, env: &Environment, project: &project::Project) -> Result<Task, CaptureError> {
    let value = |flag: &Option<String>, name: &str| given(flag, name, env);
    let id = value(&request.task, "task")?;
    let by_prefix = match (&id, &project.task_prefix) {
        (Captured::Found { value: id, .. }, Captured::Found { value, source }) => {
            Captured::found(format!("{value}{id}"), &format!("{source}, and the task's id"))
        }
        (Captured::Absent { .. }, Captured::Found { .. }) => {
            Captured::absent("no task that a taskPrefix would belong to")
        }
        (_, Captured::Absent { reason }) => Captured::absent(reason),
    };
    let task = Task { id, uri: prefer(value(&request.task_uri, "task-uri")?, &by_prefix) };
    belong(&task.id, "--task", [("--task-uri", request.task_uri.is_some())])?;
    if let Captured::Found { value, source } = &task.uri
        && uri::holds_credential(value)
    {
        let expected = "a URL without user, token or password";
        return Err(CaptureError::Value { name: source.clone(), expected, found: "another".into() });
    }
    Ok(task)
}

/// That flags which say something of an agent or a task have one to belong to: what a person typed is recorded or refused.
fn belong<const N: usize>(
    id: &Captured<String>,
    needs: &'static str,
    flags: [(&'static str, bool); N],
) -> Result<(), CaptureError> {
    match flags.into_iter().find(|(_, given)| *given) {
        Some((flag, _)) if id.value().is_none() => Err(CaptureError::BelongsToNothing { flag, needs }),
        _ => Ok(()),
    }
}

/// What the platform says of the run, in its variables and in the file that describes the event.
fn run(platform: &dyn Platform, env: &Environment, checkout: &dyn Checkout) -> CiContext {
    let context = platform.capture(env);
    let read = |path: &str| {
        let bytes = checkout.read(None, Path::new(path), limits::TEXT_FILE_BYTES).ok()??;
        json::parse(&bytes, limits::TEXT_FILE_BYTES).ok()
    };
    // A file that cannot be read says nothing; the run itself is no worse for it.
    match platform.event_file(env).filter(|p| Path::new(p).is_absolute()).and_then(read) {
        Some(event) => without_secrets(platform.with_event(&event, context, env)),
        None => context,
    }
}

/// Without the values of inputs that are secret by their name: whoever dispatches a run may be asked for a password.
fn without_secrets(context: CiContext) -> CiContext {
    let masked = |(name, value): (String, _)| {
        let value = Some(value).filter(|_| !sounds_secret(&name)).flatten();
        (name, value)
    };
    CiContext { inputs: context.inputs.map(|all| all.into_iter().map(masked).collect()), ..context }
}

/// The trigger that a flag or a variable names.
fn trigger(name: &str, text: &str) -> Result<Trigger, CaptureError> {
    Trigger::named(text).ok_or_else(|| CaptureError::value(name, "manual, scheduled, event or smart", text))
}

/// `git` names the top folder by its real path; the working folder may have come over a link.
fn real_working_dir(env: &Environment, root: &Path) -> PathBuf {
    if env.working_dir.starts_with(root) {
        return env.working_dir.clone();
    }
    env.working_dir.canonicalize().unwrap_or_else(|_| env.working_dir.clone())
}

/// The agent, each field by precedence. Where two places say differently of one, both are named.
fn agent(
    request: &Request,
    env: &Environment,
    git: &SourceState,
    project: &project::Project,
    disagreements: &mut Vec<(&'static str, String)>,
) -> Result<Agent, CaptureError> {
    let value = |flag: &Option<String>, name: &str| given(flag, name, env);
    let said = Agent {
        id: named(prefer(value(&request.agent, "agent")?, &project.agent))?,
        version: value(&request.agent_version, "agent-version")?,
        model: model(value(&request.model, "model")?)?,
        session: value(&request.session, "session")?,
        execution: value(&request.execution, "execution")?,
    };
    let message = match &git.object {
        Captured::Found { value, .. } => value.message.clone(),
        Captured::Absent { reason } => Captured::absent(reason),
    };
    let commit = match &message {
        Captured::Found { value, .. } => {
            let said = attribution::read(value);
            let path = |about| match about {
                About::Agent => field::AGENT_ID.path,
                About::Model => field::AGENT_MODEL.path,
            };
            disagreements.extend(said.disagreements.into_iter().map(|(about, text)| (path(about), text)));
            said.agent
        }
        Captured::Absent { reason } => Agent::absent(reason),
    };
    let own = variables::detect(env);
    if let (Captured::Found { value, source }, Some(first)) = (&project.agent, said.id.value())
        && value != first
    {
        disagreements.push((field::AGENT_ID.path, format!("{source} says {value}")));
    }
    let mut differ = |field, all: [&Captured<String>; 3]| {
        let found: Vec<_> = all
            .iter()
            .filter_map(|c| match c {
                Captured::Found { value, source } => Some((value, source)),
                Captured::Absent { .. } => None,
            })
            .collect();
        if let [(first, by), rest @ ..] = found.as_slice() {
            let other = rest.iter().filter(|(value, _)| value != first);
            let other: Vec<_> = other.map(|(value, by)| format!("{by} says {value}")).collect();
            if !other.is_empty() {
                disagreements.push((field, format!("{by} says {first}, {}", other.join(", "))));
            }
        }
    };
    // Named without its provider, it may be the one that another place names in full.
    let models = [&said.model, &commit.model, &own.model];
    let name = |m: &Captured<Model>| {
        m.clone().map(|m| {
            let full = models.iter().filter_map(|other| other.value()).find(|o| o.provider.is_some() && o.fits(&m));
            full.unwrap_or(&m).to_string()
        })
    };
    differ(field::AGENT_ID.path, [&said.id, &commit.id, &own.id]);
    differ(field::AGENT_MODEL.path, [&name(&said.model), &name(&commit.model), &name(&own.model)]);
    differ(field::AGENT_SESSION.path, [&said.session, &commit.session, &own.session]);
    differ(field::AGENT_EXECUTION.path, [&said.execution, &commit.execution, &own.execution]);
    Ok(Agent {
        id: prefer(prefer(said.id, &commit.id), &own.id),
        version: prefer(prefer(said.version, &commit.version), &own.version),
        model: prefer(prefer(said.model, &commit.model), &own.model),
        session: prefer(prefer(said.session, &commit.session), &own.session),
        execution: prefer(prefer(said.execution, &commit.execution), &own.execution),
    })
}

/// An agent that was given, where it has the form of one: other readers take no other.
fn named(given: Captured<String>) -> Result<Captured<String>, CaptureError> {
    match given {
        Captured::Found { value, source } if !Key::Agent.is_well_formed(&value) => {
            Err(CaptureError::value(source, Key::Agent.form(), &value))
        }
        given => Ok(given),
    }
}

fn model(given: Captured<String>) -> Result<Captured<Model>, CaptureError> {
    Ok(match given {
        Captured::Absent { reason } => Captured::Absent { reason },
        Captured::Found { value, source } => {
            let Some(model) = Model::parse(&value).filter(|model| model.provider.is_some()) else {
                return Err(CaptureError::value(source, "PROVIDER/ID", &value));
            };
            Captured::found(model, &source)
        }
    })
}

/// Each descriptor once, in the order in which it first came.
fn merge(all: Vec<ResourceDescriptor>) -> Result<Vec<ResourceDescriptor>, CaptureError> {
    let mut seen = std::collections::HashSet::new();
    // By digest: a hundred thousand texts would take more memory than what they are the texts of.
    let key = |d: &ResourceDescriptor| Sha256::digest(serde_json::to_vec(d).unwrap_or_default());
    let merged: Vec<_> = all.into_iter().filter(|d| seen.insert(key(d))).collect();
    // The source and the base image come before them.
    if merged.len() > limits::DEPENDENCIES - 2 {
        return Err(CaptureError::TooLarge {
            what: format!("the number of dependencies, {}", merged.len()),
            limit: limits::DEPENDENCIES - 2,
        });
    }
    Ok(merged)
}
