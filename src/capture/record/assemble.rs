//! From what was captured to the predicate: what is absent is left out.

use crate::capture::secret::credentials;
use crate::capture::{Byproduct, Captured, Context, Trigger};
use crate::issuer;
use crate::model::{Digest, DigestSet, ResourceDescriptor, Timestamp, uri};
use crate::predicate::Provenance;
use serde_json::{Map, Value, json};

/// What a build step that ended well leaves behind.
#[derive(Clone, Debug, PartialEq)]
pub struct StepRecord {
    /// When it was started.
    pub started: Timestamp,
    /// When it ended.
    pub finished: Timestamp,
    /// Subjects that it did not write.
    pub unwritten: Vec<String>,
    /// Its output, and the files that it wrote beside the subjects.
    pub byproducts: Vec<Byproduct>,
}

impl Context {
    /// Says when this was captured.
    pub fn captured_at(&mut self, now: Timestamp) {
        self.captured_at = Captured::found(now, "the clock, when the context was captured");
    }

    /// Adds what the build step left behind.
    pub fn record_step(&mut self, step: StepRecord) {
        self.started = Captured::found(step.started, "the clock, when the build step was started");
        self.finished = Captured::found(step.finished, "the clock, when the build step ended");
        self.unwritten = Some(step.unwritten);
        for (name, found) in step.byproducts {
            self.set_byproduct(name, found);
        }
    }

    /// `git+REMOTE@REF` and commit again, as a resolved dependency: with the state of the work tree.
    fn source_dependency(&self) -> Option<ResourceDescriptor> {
        let mut source = self.source.value()?.clone();
        if let Some(difference) = self.git.dirty.value() {
            source = source.annotated("dirty", difference.files > 0);
            if let Some(digest) = difference.digest.value() {
                source = source.annotated("difference", json!({ "sha256": digest.hex() }));
            }
        }
        if let Some(tree) = self.git.tree.value() {
            source = source.annotated("gitTree", tree.as_str());
        }
        if let Some(signature) = self.git.object.value().and_then(|c| c.signature.as_ref()) {
            source = source.annotated("signature", signature_json(signature));
        }
        if let Some(tags) = self.git.tags.value().filter(|t| !t.is_empty()) {
            source = source.annotated("tags", json!(tags));
        }
        if let Some(shape) = self.git.shape.value().filter(|s| !s.is_empty()) {
            source = source.annotated("checkout", json!(shape));
        }
        Some(source)
    }

    /// The predicate: SLSA provenance v1 of the agent build type.
    #[must_use]
    pub fn provenance(&self) -> Provenance {
        let mut provenance = self.provenance_but_dependencies();
        provenance.dependencies.extend_from_slice(&self.dependencies);
        provenance
    }

    /// The same as a text, with `more` in its `internalParameters`: packages of lock files are written from where they are.
    #[must_use]
    pub fn predicate(&self, more: Map<String, Value>) -> String {
        let mut provenance = self.provenance_but_dependencies();
        provenance.internal.extend(more);
        provenance.to_text(&self.dependencies)
    }

    fn provenance_but_dependencies(&self) -> Provenance {
        let mut provenance = Provenance::default();
        provenance.build_type = uri::AGENT_BUILD.to_owned();
        provenance.builder_id = match self.platform.builder.value() {
            Some(id) => id.clone(),
            None => uri::BUILDER_LOCAL.to_owned(),
        };
        provenance.external = self.external();
        provenance.internal = self.internal();
        let first = [self.source_dependency(), self.base_image.value().cloned()];
        provenance.dependencies = first.into_iter().flatten().collect();
        let time = |t: &Captured<Timestamp>| t.value().map(|t| json!(t.to_string()));
        provenance.byproducts = self.byproducts.iter().filter_map(|(_, b)| b.value()).flatten().cloned().collect();
        provenance.metadata = object([
            ("invocationId", self.platform.invocation.value().map(|i| json!(i))),
            ("startedOn", time(&self.started)),
            ("finishedOn", time(&self.finished)),
        ]);
        provenance
    }

    fn external(&self) -> Map<String, Value> {
        let text = |c: &Captured<String>| c.value().map(|v| json!(v));
        let model = self.agent.model.value();
        let model = model
            .map(|m| object([("provider", m.provider.as_ref().map(|p| json!(p))), ("id", Some(json!(m.id)))]).into());
        // A task or an agent is named by its id; without one the rest would describe nobody.
        let task = self.task.id.value().map(|id| object([("id", Some(json!(id))), ("uri", text(&self.task.uri))]));
        let agent = self.agent.id.value().map(|id| {
            object([
                ("id", Some(json!(id))),
                ("version", text(&self.agent.version)),
                ("model", model),
                ("session", text(&self.agent.session)),
                ("execution", text(&self.agent.execution)),
            ])
        });
        let workflow = self.platform.workflow.value();
        let workflow = workflow.map(|w| json!({ "repository": w.repository, "path": w.path, "ref": w.reference }));
        object([
            ("source", self.source.value().map(ResourceDescriptor::to_json)),
            ("task", task.map(Value::Object)),
            ("charter", self.charter.value().map(ResourceDescriptor::to_json)),
            ("agent", agent.map(Value::Object)),
            ("requestedBy", self.requested_by.value().map(crate::capture::Principal::to_json)),
            ("trigger", self.trigger.value().copied().map(|t: Trigger| json!(t.name()))),
            ("command", self.command.value().map(|c| json!(c))),
            ("workflow", workflow),
            ("inputs", self.platform.inputs.value().map(|inputs| json!(inputs))),
        ])
    }

    /// The member of `internalParameters` that is the platform's own.
    pub(in crate::capture) fn platform_section(&self) -> &'static str {
        let system = issuer::named(self.platform_name).and_then(|i| i.system.as_ref());
        system.map_or(self.platform_name, |s| s.section)
    }

    fn internal(&self) -> Map<String, Value> {
        let text = |c: &Captured<String>| c.value().map(|v| json!(v));
        let system = format!("{}-{}", self.arch, self.os);
        let environment = object([
            ("id", text(&self.platform.runner)),
            ("kind", text(&self.platform.runner_kind)),
            ("os", (!self.os.is_empty()).then(|| json!(self.os))),
            ("arch", (!self.arch.is_empty()).then(|| json!(self.arch))),
            ("container", self.platform.container.value().map(|image| container(image))),
            ("nix", self.nix.value().map(|flake| json!({ "system": system, "flake": flake }))),
        ]);
        let unwritten = self.unwritten.as_ref().filter(|names| !names.is_empty());
        let allowed = self.allowed_secret_like.iter();
        let allowed: Vec<_> =
            allowed.map(|a| json!({ "field": a.field, "digest": DigestSet::of(&a.digest).to_json() })).collect();
        let mut internal = object([
            ("environment", Some(Value::Object(environment))),
            ("credentials", self.credentials.value().map(|c| credentials::to_json(c, self.credential_names))),
            ("elevated", self.elevated.value().map(|e| json!(e))),
            ("identityShared", self.identity_shared.value().map(|s| json!(s))),
            ("capturedAt", self.captured_at.value().map(|t| json!(t.to_string()))),
            ("allowedSecretLike", (!allowed.is_empty()).then(|| json!(allowed))),
            ("subjectsNotWritten", unwritten.map(|names| json!(names))),
        ]);
        let details = self.platform.details.iter();
        let details: Map<_, _> = details.filter_map(|(k, v)| Some(((*k).to_owned(), json!(v.value()?)))).collect();
        if !details.is_empty() {
            internal.insert(self.platform_section().to_owned(), Value::Object(details));
        }
        internal.insert("capturedFrom".to_owned(), Value::Object(self.recorded_sources()));
        let disagreements = self.recorded_disagreements();
        if !disagreements.is_empty() {
            internal.insert("disagreements".to_owned(), Value::Object(disagreements));
        }
        internal
    }
}

/// A commit's signature: what it claims, since nobody has verified it.
pub(in crate::capture) fn signature_json(signature: &crate::capture::CommitSignature) -> Value {
    object([("kind", Some(json!(signature.kind))), ("signer", signature.signer.as_ref().map(|s| json!(s)))]).into()
}

/// An image as a platform names it, with its digest where the name has one.
pub(in crate::capture) fn container(image: &str) -> Value {
    let digest = image.split_once('@').and_then(|(_, digest)| Digest::parse(digest).ok());
    object([("image", Some(json!(image))), ("digest", digest.map(|d| DigestSet::of(&d).to_json()))]).into()
}

fn object<const N: usize>(members: [(&str, Option<Value>); N]) -> Map<String, Value> {
    members.into_iter().filter_map(|(k, v)| Some((k.to_owned(), v?))).collect()
}
