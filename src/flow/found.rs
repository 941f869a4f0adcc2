//! Look: what evidence there is, without believing any of it.

use crate::model::bundle::VerificationMaterial;
use crate::model::{Artifact, Digest, Statement};
use crate::predicate::Provenance;
use crate::verify::{Candidate, Content, EvidenceSource, Origin, in_toto_envelope, read_evidence};

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
    /// `key HINT` or `certificate`.
    pub signer: String,
    /// The first signature.
    pub signature: Vec<u8>,
    /// Log entries and timestamps it carries.
    pub log_entries: usize,
    /// Timestamps it carries.
    pub timestamps: usize,
}

/// Everything that the sources have about an artifact, as it describes itself.
pub async fn look(sources: &[&dyn EvidenceSource], artifact: &Artifact) -> Vec<Found> {
    let mut out = Vec::new();
    for source in sources {
        out.extend(source.candidates(artifact).await.into_iter().map(Found::read));
    }
    out
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
        let statement = Statement::parse(envelope.payload()).map_err(crate::verify::VerifyError::Statement)?;
        Ok(Self {
            provenance: provenance_of(&statement),
            payload_digest: Digest::sha256(envelope.payload()),
            signer: match bundle.material() {
                VerificationMaterial::PublicKey { hint } => format!("key {hint}"),
                VerificationMaterial::Certificates(_) => "certificate".into(),
            },
            signature: envelope.signatures()[0].sig.clone(),
            log_entries: bundle.log_entries().len(),
            timestamps: bundle.timestamps().len(),
            statement,
        })
    }
}

impl Claim {
    /// A statement that nobody signed.
    #[must_use]
    pub fn unsigned(statement: Statement, bytes: &[u8]) -> Self {
        Self {
            provenance: provenance_of(&statement),
            payload_digest: Digest::sha256(bytes),
            signer: "nobody".into(),
            signature: Vec::new(),
            log_entries: 0,
            timestamps: 0,
            statement,
        }
    }
}

fn provenance_of(statement: &Statement) -> Option<Provenance> {
    let is_provenance = statement.predicate_type().as_str() == crate::model::uri::SLSA_PROVENANCE;
    is_provenance.then(|| Provenance::from_json(statement.predicate()).ok()).flatten()
}
