//! Keyless signing: a key that lives in this process for minutes, and a certificate for it from a Fulcio.

use crate::model::json::{self, Field};
use crate::model::{Timestamp, limits};
use crate::seam::BoxFuture;
use crate::sign::sigstore::service::Question;
use crate::sign::sigstore::several;
use crate::sign::{IdentityToken, KeyMaterial, LocalKey, ServiceClient, Services, SignError, Signed, Signer};
use crate::trust::KeyAlgorithm;
use crate::verify::certificate_claims;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::json;
use std::collections::BTreeMap;
use tokio::sync::OnceCell;

impl Services {
    /// Those of Sigstore's public-good instance, as this version knows them.
    ///
    /// # Errors
    /// [`SignError::Services`] when none of them is valid at `now`.
    pub fn public_good(now: Timestamp) -> Result<Self, SignError> {
        let config = sigstore_verify::trust_root::SIGSTORE_PRODUCTION_SIGNING_CONFIG;
        Self::from_config(config.as_bytes(), "the public-good instance", now)
    }

    /// Those of Sigstore's staging instance, which nobody should trust.
    ///
    /// # Errors
    /// [`SignError::Services`] when none of them is valid at `now`.
    pub fn staging(now: Timestamp) -> Result<Self, SignError> {
        let config = sigstore_verify::trust_root::SIGSTORE_STAGING_SIGNING_CONFIG;
        Self::from_config(config.as_bytes(), "the staging instance", now)
    }
}

/// Signs with a fresh key, certified for a token's identity when it first signs.
pub struct KeylessSigner {
    /// Each in words, and where it is asked; the preferred first.
    authorities: Vec<(String, String)>,
    token: IdentityToken,
    client: ServiceClient,
    key: LocalKey,
    chain: OnceCell<Vec<Vec<u8>>>,
}

impl KeylessSigner {
    /// A signer for the token's identity: the first of the authorities that answers certifies it. Nothing is sent before
    /// it signs.
    ///
    /// # Errors
    /// [`SignError::Failed`] when the system makes no key.
    pub fn new(fulcios: &[String], token: IdentityToken, client: ServiceClient) -> Result<Self, SignError> {
        let bases = fulcios.iter().map(|url| url.trim_end_matches('/'));
        Ok(Self {
            authorities: bases.map(|b| (format!("Fulcio at {b}"), format!("{b}/api/v2/signingCert"))).collect(),
            token,
            client,
            // What every certificate authority and both versions of the log take.
            key: LocalKey::generate(KeyAlgorithm::EcdsaP256)?,
            chain: OnceCell::new(),
        })
    }

    /// What the certificate says that this signer has or gets now: the issuer, and Fulcio's claims by last arc.
    ///
    /// # Errors
    /// As signing would.
    pub async fn certificate(&self) -> Result<(String, BTreeMap<u32, String>), SignError> {
        let chain = self.chain.get_or_try_init(|| self.certify()).await?;
        let leaf = chain.first().map(Vec::as_slice).unwrap_or_default();
        certificate_claims(leaf).map_err(|e| SignError::Answer {
            service: "the certificate authority".to_owned(),
            expected: "a certificate that names its holder".into(),
            found: e.to_string(),
        })
    }

    /// Asks for a certificate; where an authority is down, the next one.
    async fn certify(&self) -> Result<Vec<Vec<u8>>, SignError> {
        let mut failed = Vec::new();
        for (service, url) in &self.authorities {
            match self.certified_by(service, url).await.map_err(|e| self.client.harmless(e)) {
                Err(e) if e.is_outage() => failed.push(e),
                other => return other,
            }
        }
        Err(several::outage("certificate authorities", 1, failed))
    }

    /// Asks one authority (`fulcio.proto`, `CreateSigningCertificate`).
    async fn certified_by(&self, service: &str, url: &str) -> Result<Vec<Vec<u8>>, SignError> {
        let proof = self.key.sign_bytes(self.token.identity().as_bytes())?;
        let body = json!({
            "credentials": { "oidcIdentityToken": self.token.secret() },
            "publicKeyRequest": {
                "publicKey": { "algorithm": "ECDSA", "content": self.key.public_key().to_pem() },
                "proofOfPossession": STANDARD.encode(proof),
            },
        });
        let body = Some(("application/json", body.to_string().into_bytes()));
        let question = Question {
            service,
            url,
            body,
            withheld: &[self.token.secret()],
            limit: limits::CHAIN_BYTES,
            ..Question::default()
        };
        let answer = self.client.ask(&question).await?.success(service)?;
        chain(service, &answer)
    }
}

fn chain(service: &str, answer: &[u8]) -> Result<Vec<Vec<u8>>, SignError> {
    let malformed = |found: String| SignError::Answer {
        service: service.to_owned(),
        expected: "a certificate chain with an embedded SCT".into(),
        found,
    };
    let value = json::parse(answer, limits::CHAIN_BYTES).map_err(|e| malformed(e.to_string()))?;
    let root = Field::root("answer", &value);
    // An authority without a certificate log has no promise of one to embed. Whether that will do is for the trusted root to
    // say: it names the logs of the authority, or none.
    let answered = || match root.get("signedCertificateDetachedSct")? {
        Some(detached) => Ok(detached),
        None => root.need("signedCertificateEmbeddedSct"),
    };
    let list = answered().and_then(|answered| answered.need("chain")?.need("certificates"));
    let list = list.map_err(|e| malformed(e.to_string()))?;
    let mut chain = Vec::new();
    for certificate in list.list(limits::CHAIN).map_err(|e| malformed(e.to_string()))? {
        let text = certificate.str().map_err(|e| malformed(e.to_string()))?;
        let block = pem::parse(text).ok().filter(|b| b.tag() == "CERTIFICATE");
        chain.push(block.ok_or_else(|| malformed("a certificate that is no PEM".into()))?.into_contents());
    }
    if chain.is_empty() { Err(malformed("an empty chain".into())) } else { Ok(chain) }
}

impl Signer for KeylessSigner {
    fn sign<'a>(&'a self, pae: &'a [u8]) -> BoxFuture<'a, Result<Signed, SignError>> {
        Box::pin(async move {
            let chain = self.chain.get_or_try_init(|| self.certify()).await?;
            let signature = self.key.sign_bytes(pae)?;
            Ok(Signed { signature, material: KeyMaterial::Certificates(chain.clone()) })
        })
    }
}
