#![expect(clippy::disallowed_methods, reason = "a world for tests: temporary folders, keys and a clock")]
//! [`World`]: good material as the product itself makes it, and wrong material that it would never make.

use crate::flow;
use crate::model::envelope::{IN_TOTO, pae};
use crate::model::oci::{IMAGE_INDEX, IMAGE_MANIFEST};
use crate::model::{Artifact, Bundle, Descriptor, Digest, Envelope, EnvelopeSignature, Timestamp, bundle, uri};
use crate::registry::{Memory, OciLayout, Registry};
use crate::sign::LocalKey;
use crate::trust::KeyAlgorithm;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};

/// A folder of its own, two keys and what can be made with them.
#[derive(Debug)]
pub struct World {
    dir: tempfile::TempDir,
    /// The key that is trusted.
    pub key: LocalKey,
    /// A key that nobody trusts.
    pub other: LocalKey,
}

impl World {
    /// A world whose keys are of this algorithm.
    ///
    /// # Panics
    /// When the machine gives no temporary folder or no key.
    #[must_use]
    pub fn new(algorithm: KeyAlgorithm) -> Self {
        let key = || LocalKey::generate(algorithm).expect("a key");
        Self { dir: tempfile::tempdir().expect("a folder"), key: key(), other: key() }
    }

    /// A path below the world's folder.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Writes a file, making the folders above it.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(&path, bytes).expect("a file");
        path
    }

    /// An image layout that holds this image under the tag `v1`.
    ///
    /// # Panics
    /// When it cannot be written.
    #[must_use]
    pub fn layout(&self, name: &str, image: &Image) -> OciLayout {
        let layout = OciLayout::create(&self.path(name)).expect("a layout");
        let descriptor = image.push(&layout);
        layout.tag("v1", &descriptor).expect("a tag");
        layout
    }
}

/// What a statement claims. [`Claim::about`] is one that a sound build would sign; each field is a knob.
#[derive(Clone, Debug)]
pub struct Claim {
    /// `_type`.
    pub statement_type: String,
    /// `predicateType`.
    pub predicate_type: String,
    /// Subjects: a name and digests by algorithm.
    pub subjects: Vec<(String, Vec<(String, String)>)>,
    /// Repository, without `git+`.
    pub repository: String,
    /// Full ref.
    pub reference: String,
    /// Commit of `externalParameters.source`.
    pub commit: String,
    /// SHA-256 of the commit object beside it, hex.
    pub commit_object: Option<String>,
    /// Commit of the same source among the dependencies.
    pub dependency_commit: String,
    /// Whether the work tree differed; unsaid when `None`.
    pub dirty: Option<bool>,
    /// Agent.
    pub agent: Option<String>,
    /// Provider and id of the model.
    pub model: Option<(String, String)>,
    /// Task.
    pub task: Option<String>,
    /// Charter.
    pub charter: Option<String>,
    /// SHA-256 digest of the charter, hex.
    pub charter_digest: Option<String>,
    /// Requester.
    pub requested_by: Option<String>,
    /// What set the build off.
    pub trigger: Option<String>,
    /// Builder.
    pub builder_id: String,
    /// The whole predicate, instead of the provenance that the other fields make.
    pub predicate: Option<Value>,
}

impl Claim {
    /// A claim about an artifact of this digest.
    #[must_use]
    pub fn about(digest: &Digest) -> Self {
        let text = |t: &str| Some(t.to_owned());
        Self {
            statement_type: uri::STATEMENT_V1.into(),
            predicate_type: uri::SLSA_PROVENANCE.into(),
            subjects: vec![subject("app", digest)],
            repository: "https://git.example/acme/app".into(),
            reference: "refs/heads/main".into(),
            commit: "a".repeat(40),
            commit_object: None,
            dependency_commit: "a".repeat(40),
            dirty: Some(false),
            agent: text("platform/builder"),
            model: Some(("provider".into(), "model-1".into())),
            task: text("task-1"),
            charter: text("https://git.example/acme/app/issues/42"),
            charter_digest: Some(Digest::sha256(b"the charter").hex().to_owned()),
            requested_by: text("github:583231"),
            trigger: None,
            builder_id: "https://builders.example/one".into(),
            predicate: None,
        }
    }

    /// The statement as JSON.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let subjects = self.subjects.iter().map(|(name, digests)| {
            let digests: Map<_, _> = digests.iter().map(|(a, v)| (a.clone(), Value::from(v.clone()))).collect();
            json!({ "name": name, "digest": digests })
        });
        json!({
            "_type": self.statement_type,
            "subject": subjects.collect::<Vec<_>>(),
            "predicateType": self.predicate_type,
            "predicate": self.predicate.clone().unwrap_or_else(|| self.provenance()),
        })
    }

    /// The statement's bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.to_json().to_string().into_bytes()
    }

    fn provenance(&self) -> Value {
        let source = format!("git+{}@{}", self.repository, self.reference);
        let mut external = json!({ "source": { "uri": source, "digest": { "gitCommit": self.commit } } });
        if let Some(hex) = &self.commit_object {
            external["source"]["digest"]["sha256"] = json!(hex);
        }
        let mut put = |key: &str, value: Option<Value>| {
            if let Some(value) = value {
                external[key] = value;
            }
        };
        let id = |text: &String| json!({ "id": text });
        put("agent", self.agent.as_ref().map(id));
        put("task", self.task.as_ref().map(id));
        put("requestedBy", self.requested_by.as_ref().map(id));
        put("trigger", self.trigger.clone().map(Value::from));
        put("charter", self.charter.as_ref().map(|c| json!({ "uri": c })));
        if let Some((provider, id)) = &self.model {
            external["agent"]["model"] = json!({ "provider": provider, "id": id });
        }
        if let Some(hex) = &self.charter_digest {
            external["charter"]["digest"] = json!({ "sha256": hex });
        }
        let mut dependency = json!({ "uri": source, "digest": { "gitCommit": self.dependency_commit } });
        if let Some(dirty) = self.dirty {
            dependency["annotations"] = json!({ "dirty": dirty });
        }
        json!({
            "buildDefinition": {
                "buildType": uri::AGENT_BUILD,
                "externalParameters": external,
                "resolvedDependencies": [dependency],
            },
            "runDetails": { "builder": { "id": self.builder_id } },
        })
    }
}

/// A subject of one digest.
#[must_use]
pub fn subject(name: &str, digest: &Digest) -> (String, Vec<(String, String)>) {
    (name.to_owned(), vec![(digest.algorithm().name().to_owned(), digest.hex().to_owned())])
}

/// Signs a statement as `attest` does: one that it would refuse to read is refused.
///
/// # Errors
/// [`flow::PublishError`].
pub fn sign(key: &LocalKey, statement: &[u8]) -> Result<Vec<u8>, flow::PublishError> {
    let statement = flow::Unsigned::parse(statement.to_vec())?;
    block_on(flow::sign(&statement, key, &[])).map(|(bundle, _)| bundle.to_bytes())
}

/// Signs any payload under any type, checking nothing: what an attacker with a trusted key does.
///
/// # Panics
/// When the key does not sign.
#[must_use]
pub fn sign_unchecked(key: &LocalKey, payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let sig = key.sign_bytes(&pae(payload_type, payload)).expect("a signature");
    let envelope = Envelope::new(payload_type, payload.to_vec(), EnvelopeSignature { sig, keyid: String::new() });
    Bundle::keyed(envelope, key.public_key().hint()).to_bytes()
}

/// A bundle with something in it changed.
///
/// # Panics
/// When the bytes are no JSON.
#[must_use]
pub fn tamper(bundle: &[u8], change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let mut value = serde_json::from_slice(bundle).expect("JSON");
    change(&mut value);
    value.to_string().into_bytes()
}

/// The same signature over another payload.
#[must_use]
pub fn with_payload(bundle: &[u8], payload: &[u8]) -> Vec<u8> {
    tamper(bundle, |b| b["dsseEnvelope"]["payload"] = STANDARD.encode(payload).into())
}

/// The bundle's envelope alone, as older tools attach it.
#[must_use]
pub fn bare(bundle: &[u8]) -> Vec<u8> {
    tamper(bundle, |b| *b = b["dsseEnvelope"].take())
}

/// A bundle that says it was signed with a certificate.
#[must_use]
pub fn keyless(bundle: &[u8]) -> Vec<u8> {
    tamper(bundle, |b| {
        b["verificationMaterial"] = json!({ "certificate": { "rawBytes": STANDARD.encode(b"a certificate") } });
    })
}

/// A bundle that holds a signature over a digest, with the same signature bytes.
#[must_use]
pub fn message_signature(bundle: &[u8]) -> Vec<u8> {
    tamper(bundle, |b| {
        let envelope = b.as_object_mut().and_then(|o| o.remove("dsseEnvelope")).unwrap_or_default();
        let digest = json!({ "algorithm": "SHA2_256", "digest": STANDARD.encode([0; 32]) });
        b["messageSignature"] = json!({ "messageDigest": digest, "signature": envelope["signatures"][0]["sig"] });
    })
}

/// A bundle with the signatures of several keys over its payload, in this order.
///
/// # Panics
/// When a key does not sign.
#[must_use]
pub fn signed_by(bundle: &[u8], keys: &[&LocalKey]) -> Vec<u8> {
    let payload = STANDARD.decode(tampered_payload(bundle)).expect("base64");
    let sign = |key: &&LocalKey| key.sign_bytes(&pae(IN_TOTO, &payload)).expect("a signature");
    let all: Vec<_> = keys.iter().map(|k| json!({ "sig": STANDARD.encode(sign(k)) })).collect();
    tamper(bundle, |b| b["dsseEnvelope"]["signatures"] = all.into())
}

fn tampered_payload(bundle: &[u8]) -> String {
    let value: Value = serde_json::from_slice(bundle).expect("JSON");
    value["dsseEnvelope"]["payload"].as_str().unwrap_or_default().to_owned()
}

/// An image of one layer.
#[derive(Clone, Debug)]
pub struct Image {
    /// The layer's bytes.
    pub layer: Vec<u8>,
    /// The config's bytes.
    pub config: Vec<u8>,
    /// The manifest's bytes.
    pub manifest: Vec<u8>,
}

impl Image {
    /// An image whose layer is these bytes.
    #[must_use]
    pub fn of(layer: &[u8]) -> Self {
        let config = json!({ "architecture": "amd64", "os": "linux", "rootfs": { "type": "layers", "diff_ids": [Digest::sha256(layer).to_string()] } });
        let config = config.to_string().into_bytes();
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": IMAGE_MANIFEST,
            "config": Descriptor::of("application/vnd.oci.image.config.v1+json", &config).to_json(),
            "layers": [Descriptor::of("application/vnd.oci.image.layer.v1.tar", layer).to_json()],
        });
        Self { layer: layer.to_vec(), config, manifest: manifest.to_string().into_bytes() }
    }

    /// Its digest.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::sha256(&self.manifest)
    }

    /// Its descriptor.
    #[must_use]
    pub fn descriptor(&self) -> Descriptor {
        Descriptor::of(IMAGE_MANIFEST, &self.manifest)
    }

    /// Stores it.
    ///
    /// # Panics
    /// When the repository does not take it.
    pub fn push(&self, to: &dyn Registry) -> Descriptor {
        let descriptor = self.descriptor();
        block_on(async {
            for blob in [&self.layer, &self.config] {
                to.push_blob(&Digest::sha256(blob), blob).await?;
            }
            to.push_manifest(&descriptor, &self.manifest).await
        })
        .expect("a repository that takes an image");
        descriptor
    }

    /// A repository in memory that holds it.
    #[must_use]
    pub fn in_memory(&self) -> Memory {
        let memory = Memory::new("memory");
        let _ = self.push(&memory);
        memory
    }
}

/// An index of these manifests.
#[must_use]
pub fn index(entries: &[Value]) -> Vec<u8> {
    json!({ "schemaVersion": 2, "mediaType": IMAGE_INDEX, "manifests": entries }).to_string().into_bytes()
}

/// Attaches a bundle with [`flow::attach`] and gives back the referrer's digest.
///
/// # Errors
/// [`flow::PublishError`].
pub fn attach(to: &dyn Registry, subject: &Digest, bundle: &[u8]) -> Result<Digest, flow::PublishError> {
    let artifact = Artifact::new("app", "registry.example/acme/app", subject.clone());
    block_on(flow::attach(to, to, &artifact, bundle, now())).map(|a| a.referrer)
}

/// The manifest of a referrer of any subject, in the shape that [`flow::attach`] writes, checking nothing.
#[must_use]
pub fn referrer(subject: Option<&Descriptor>, bundle: &[u8]) -> Vec<u8> {
    let empty = Descriptor::of(crate::model::oci::EMPTY, b"{}");
    let mut manifest = json!({
        "schemaVersion": 2,
        "mediaType": IMAGE_MANIFEST,
        "artifactType": bundle::MEDIA_TYPE,
        "config": empty.to_json(),
        "layers": [Descriptor::of(bundle::MEDIA_TYPE, bundle).to_json()],
    });
    if let Some(subject) = subject {
        manifest["subject"] = subject.to_json();
    }
    manifest.to_string().into_bytes()
}

/// The time now.
#[must_use]
pub fn now() -> Timestamp {
    chrono::Utc::now().into()
}

/// Waits for a future on this thread.
///
/// # Panics
/// When no runtime can be made.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(future)
}

/// A path as text, for an argument.
#[must_use]
pub fn text(path: &Path) -> String {
    path.display().to_string()
}
