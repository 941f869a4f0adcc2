//! Look: what evidence there is, without believing any of it.

use super::buildkit::{REFERENCE_DIGEST, is_marked};
use crate::model::bundle::VerificationMaterial;
use crate::model::oci::{IMAGE_MANIFEST, Manifest};
use crate::model::{Artifact, Descriptor, Digest, Statement, Timestamp, envelope, limits, uri};
use crate::predicate::{Approval, Provenance};
use crate::registry::Checked;
use crate::verify::{Candidate, Content, Origin, certificate_names, in_toto_envelope, read_evidence};

/// One piece of evidence as it describes itself. Nothing here is verified.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// Where it is.
    pub origin: Origin,
    /// The bytes, when they could be read.
    pub bytes: Vec<u8>,
    /// What it claims, or why it could not be read.
    pub claim: Result<Claim, String>,
}

/// What a piece of evidence claims.
#[derive(Clone, Debug, PartialEq)]
pub struct Claim {
    /// The statement.
    pub statement: Statement,
    /// The provenance in it, if it is one.
    pub provenance: Option<Provenance>,
    /// Digest of the signed bytes.
    pub payload_digest: Digest,
    /// `key HINT`, or `certificate` and whom it names.
    pub signer: String,
    /// Identity and issuer that its certificate names.
    pub certificate: Option<(String, String)>,
    /// The first signature.
    pub signature: Vec<u8>,
    /// The time in its first log entry.
    pub logged: Option<Timestamp>,
    /// Log entries and timestamps it carries.
    pub log_entries: usize,
    /// Timestamps it carries.
    pub timestamps: usize,
}

/// What BuildKit keeps inside an index about the images beside it: statements that nobody signed. They are shown and
/// never trusted. `None` where the artifact is no index.
pub async fn look_inside(content: &Checked<'_>, artifact: &Artifact) -> Option<Vec<Found>> {
    look_into(content, &artifact.digest, None).await
}

/// The same about one image of an index, which lies beside it there.
pub async fn look_beside(content: &Checked<'_>, index: &Digest, image: &Digest) -> Vec<Found> {
    look_into(content, index, Some(image)).await.unwrap_or_default()
}

async fn look_into(content: &Checked<'_>, index: &Digest, about: Option<&Digest>) -> Option<Vec<Found>> {
    let mut out = Vec::new();
    let served = content.manifest(index).await.ok()??;
    let index = Manifest::parse(&served.bytes, &served.media_type).ok().filter(Manifest::is_index)?;
    let names = |listed: &Descriptor, image: &Digest| {
        listed.annotations.get(REFERENCE_DIGEST).and_then(|d| d.as_str()) == Some(image.to_string().as_str())
    };
    let marked = index.manifests.iter().filter(|d| is_marked(d) && about.is_none_or(|image| names(d, image)));
    for listed in marked.take(limits::CHILDREN) {
        let Ok(served) = content.need_manifest(&listed.digest).await else { continue };
        let Ok(manifest) = Manifest::parse(&served.bytes, IMAGE_MANIFEST) else { continue };
        for layer in manifest.layers.iter().filter(|l| l.media_type == envelope::IN_TOTO).take(limits::SIGNATURES) {
            let origin = Origin { place: format!("the index, in {}", content.place()), id: layer.digest.to_string() };
            let read = content.need_blob(&layer.digest, limits::STATEMENT_BYTES).await.map_err(|e| e.to_string());
            let (bytes, claim) = match read {
                Ok(bytes) => {
                    let claim = Statement::parse(&bytes).map(|s| Claim::unsigned(s, &bytes)).map_err(|e| e.to_string());
                    (bytes, claim)
                }
                Err(e) => (Vec::new(), Err(e)),
            };
            out.push(Found { origin, bytes, claim });
        }
    }
    Some(out)
}

impl Found {
    /// Reads one candidate.
    #[must_use]
    pub fn read(candidate: Candidate) -> Self {
        let (bytes, claim) = match candidate.content {
            Content::Evidence(bytes) => {
                let claim = Claim::read(&bytes).map_err(|e| e.to_string());
                (bytes, claim)
            }
            Content::SetAside { message, .. } | Content::Unavailable { message, .. } => (Vec::new(), Err(message)),
        };
        Self { origin: candidate.origin, bytes, claim }
    }
}

impl Claim {
    /// Reads evidence as it describes itself.
    ///
    /// # Errors
    /// [`VerifyError`](crate::verify::VerifyError) when it is no attestation or its statement is not acceptable.
    pub fn read(bytes: &[u8]) -> Result<Self, crate::verify::VerifyError> {
        let bundle = read_evidence(bytes)?;
        let envelope = in_toto_envelope(&bundle)?;
        let statement =
            Statement::parse_shared(envelope.shared_payload()).map_err(crate::verify::VerifyError::Statement)?;
        let certificate = certificate_names(&bundle);
        Ok(Self {
            provenance: provenance_of(&statement),
            payload_digest: Digest::sha256(envelope.payload()),
            signer: match bundle.material() {
                VerificationMaterial::PublicKey { hint } => format!("key {}", crate::trust::shown_hint(hint)),
                VerificationMaterial::Certificates(_) => match &certificate {
                    Some((identity, issuer)) => format!("certificate of {identity} (issuer {issuer})"),
                    None => "certificate".into(),
                },
            },
            certificate,
            signature: envelope.signatures()[0].sig.clone(),
            logged: bundle.log_entries().first().and_then(integrated),
            log_entries: bundle.log_entries().len(),
            timestamps: bundle.timestamps().len(),
            statement,
        })
    }
}

impl Claim {
    /// When what it tells of ended, by its own words; else when a log took it, it was captured, or approved.
    #[must_use]
    pub fn time(&self) -> Option<Timestamp> {
        let said = |text: Option<&str>| Timestamp::parse(text?).ok();
        let provenance = self.provenance.as_ref();
        said(provenance.and_then(|p| p.metadata("finishedOn")))
            .or(self.logged)
            .or_else(|| said(provenance?.internal.get("capturedAt")?.as_str()))
            .or_else(|| said(provenance?.metadata("startedOn")))
            .or_else(|| Some(self.approval()?.approved_at))
    }

    /// Who acted, in its own words: the agent that built, or the one who approves.
    #[must_use]
    pub fn actor(&self) -> Option<String> {
        let agent = self.provenance.as_ref().and_then(|p| p.agent()).map(str::to_owned);
        agent.or_else(|| self.approval()?.approver)
    }

    /// The approval that it is, if it is one.
    #[must_use]
    pub fn approval(&self) -> Option<Approval> {
        let is_one = self.statement.predicate_type().as_str() == uri::APPROVAL;
        is_one.then(|| self.statement.predicate().ok()).flatten().and_then(|p| Approval::from_json(&p).ok())
    }

    /// A statement that nobody signed.
    #[must_use]
    pub fn unsigned(statement: Statement, bytes: &[u8]) -> Self {
        Self {
            provenance: provenance_of(&statement),
            payload_digest: Digest::sha256(bytes),
            signer: "nobody".into(),
            certificate: None,
            signature: Vec::new(),
            logged: None,
            log_entries: 0,
            timestamps: 0,
            statement,
        }
    }
}

/// The time that a log entry says it was added at; protobuf's JSON writes it as text.
fn integrated(entry: &serde_json::Value) -> Option<Timestamp> {
    let time = entry.get("integratedTime")?;
    let seconds = time.as_str().map_or_else(|| time.as_i64(), |text| text.parse().ok());
    Timestamp::from_unix(seconds.filter(|s| *s > 0)?)
}

fn provenance_of(statement: &Statement) -> Option<Provenance> {
    let read = crate::predicate::provenance_of(statement.predicate_type().as_str())?;
    read(statement.predicate_text()).ok().map(|(provenance, _)| provenance)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::buildkit::REFERENCE_TYPE;
    use crate::model::oci::{EMPTY, IMAGE_INDEX};
    use crate::registry::{Memory, Registry as _};
    use serde_json::json;

    /// An index as BuildKit makes it: one image, and beside it the manifest of one unsigned statement.
    async fn built(reference_type: &str) -> Vec<Found> {
        let memory = Memory::new("memory");
        let image = Digest::sha256(b"image");
        let statement = format!(
            r#"{{"_type":"https://in-toto.io/Statement/v0.1","subject":[{{"name":"i","digest":{{"sha256":"{}"}}}}],"predicateType":"https://slsa.dev/provenance/v0.2","predicate":{{}}}}"#,
            image.hex()
        );
        let layer = Descriptor::of(envelope::IN_TOTO, statement.as_bytes());
        memory.push_blob(&layer.digest, statement.as_bytes()).await.unwrap();
        let config = Descriptor::of(EMPTY, b"{}");
        let manifest = json!({"schemaVersion": 2, "config": config.to_json(), "layers": [layer.to_json()]}).to_string();
        let listed = Descriptor::of(IMAGE_MANIFEST, manifest.as_bytes());
        memory.push_manifest(&listed, manifest.as_bytes()).await.unwrap();
        let mut entry = listed.to_json();
        entry["annotations"] = json!({ REFERENCE_TYPE: reference_type });
        let index = json!({"schemaVersion": 2, "mediaType": IMAGE_INDEX, "manifests": [entry]}).to_string();
        let index_descriptor = Descriptor::of(IMAGE_INDEX, index.as_bytes());
        memory.push_manifest(&index_descriptor, index.as_bytes()).await.unwrap();
        look_inside(&Checked::new(&memory), &Artifact::new("i", "i", index_descriptor.digest)).await.unwrap()
    }

    #[test]
    fn what_buildkit_keeps_in_an_index_is_shown_as_signed_by_nobody() {
        let run = |t| futures_util::FutureExt::now_or_never(built(t)).expect("memory never waits");
        let found = run("attestation-manifest");
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].claim.as_ref().unwrap().signer, "nobody");
        assert!(run("something-else").is_empty());
    }
}
