//! Attach: make a bundle a referrer of its subject, in the shape that cosign 3, `gh` and actions/attest write and read.

use super::check::describe;
use super::publish::PublishError;
use crate::model::oci::{EMPTY, IMAGE_MANIFEST, Manifest};
use crate::model::{Artifact, Descriptor, Digest, Statement, Timestamp, bundle, limits};
use crate::predicate;
use crate::registry::{Checked, Registry, RegistryError};
use crate::verify::{VerifyError, in_toto_envelope, read_evidence};
use serde_json::json;

/// What attaching did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attached {
    /// Digest of the referrer's manifest.
    pub referrer: Digest,
    /// Whether it was there before, so that nothing was pushed.
    pub already: bool,
}

/// Attaches a bundle to an artifact.
///
/// `subject` is the repository of the artifact, `store` the one that keeps its evidence (often the same). What was
/// pushed is fetched again and compared, and listed for its subject, before success is reported. The same bundle again
/// changes nothing.
///
/// # Errors
/// [`PublishError`]: the bundle is none or about something else, the subject is not there, the registry failed.
pub async fn attach(
    subject: &dyn Registry,
    store: &dyn Registry,
    artifact: &Artifact,
    bundle_bytes: &[u8],
    now: Timestamp,
) -> Result<Attached, PublishError> {
    let predicate_type = check_subject(bundle_bytes, artifact)?;
    let descriptor = describe(&Checked::new(subject), artifact).await.map_err(|e| match e {
        RegistryError::NotFound { place, .. } => {
            PublishError::SubjectNotFound { place, digest: artifact.digest.to_string() }
        }
        e => e.into(),
    })?;
    let checked = Checked::new(store);
    let layer = Descriptor::of(bundle::MEDIA_TYPE, bundle_bytes);
    if let Some(referrer) = already_there(&checked, &artifact.digest, &layer.digest).await? {
        // A registry that cleaned up may have kept the manifest and lost what it names.
        store.push_blob(&layer.digest, bundle_bytes).await?;
        return Ok(Attached { referrer, already: true });
    }
    let empty = Descriptor::of(EMPTY, b"{}");
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": IMAGE_MANIFEST,
        "artifactType": bundle::MEDIA_TYPE,
        "config": empty.to_json(),
        "layers": [layer.to_json()],
        "subject": descriptor.to_json(),
        "annotations": {
            "dev.sigstore.bundle.content": "dsse-envelope",
            "dev.sigstore.bundle.predicateType": predicate_type,
            "org.opencontainers.image.created": now.to_string(),
        },
    });
    let annotations = manifest["annotations"].as_object().cloned().unwrap_or_default();
    let manifest = manifest.to_string().into_bytes();
    let mut referrer = Descriptor::of(IMAGE_MANIFEST, &manifest);
    referrer.artifact_type = Some(bundle::MEDIA_TYPE.to_owned());
    referrer.annotations = annotations;
    store.push_blob(&empty.digest, b"{}").await?;
    store.push_blob(&layer.digest, bundle_bytes).await?;
    store.push_manifest(&referrer, &manifest).await?;
    // What a verifier will do: list, fetch, compare. `Checked` compares the digests.
    checked.need_manifest(&referrer.digest).await?;
    checked.need_blob(&layer.digest, limits::BUNDLE_BYTES).await?;
    if !checked.referrers(&artifact.digest).await?.iter().any(|d| d.digest == referrer.digest) {
        return Err(PublishError::NotListed { place: store.place(), digest: referrer.digest.to_string() });
    }
    Ok(Attached { referrer: referrer.digest, already: false })
}

/// That a bundle is an attestation about the artifact, or of a type that supports one; returns its predicate type. Nothing is verified by this.
fn check_subject(bundle_bytes: &[u8], artifact: &Artifact) -> Result<String, PublishError> {
    let bundle = read_evidence(bundle_bytes).map_err(PublishError::Bundle)?;
    let envelope = in_toto_envelope(&bundle).map_err(PublishError::Bundle)?;
    let statement = Statement::parse_shared(envelope.shared_payload())
        .map_err(|e| PublishError::Bundle(VerifyError::Statement(e)))?;
    let about = statement.subjects().iter().any(|s| s.digest().strong().any(|d| d == artifact.digest));
    // What may support an attestation of the artifact belongs beside it, whatever it is about.
    let supports = predicate::by_uri(statement.predicate_type().as_str()).is_some_and(|p| p.supports());
    if !about && !supports {
        let found =
            statement.subjects().iter().take(3).flat_map(|s| s.digest().iter()).map(|(a, v)| format!("{a}:{v}"));
        return Err(PublishError::Bundle(VerifyError::SubjectMismatch {
            expected: artifact.digest.to_string(),
            found: found.collect(),
            subjects: statement.subjects().len(),
        }));
    }
    Ok(statement.predicate_type().to_string())
}

/// The referrer that already holds this bundle, if one does.
async fn already_there(store: &Checked<'_>, subject: &Digest, layer: &Digest) -> Result<Option<Digest>, PublishError> {
    for d in store.referrers(subject).await? {
        let Ok(Some(served)) = store.manifest(&d.digest).await else { continue };
        let Ok(manifest) = Manifest::parse(&served.bytes, IMAGE_MANIFEST) else { continue };
        let holds = manifest.layers.len() == 1 && manifest.layers[0].digest == *layer;
        if holds && manifest.subject.is_some_and(|s| s.digest == *subject) {
            return Ok(Some(d.digest));
        }
    }
    Ok(None)
}
