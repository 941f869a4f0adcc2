//! [`Signing`]: a signer that is open, and what its signatures are verified with.

use super::publish::{PublishError, Unsigned, sign, sign_message, verify_own};
use crate::capture::Identity;
use crate::model::Timestamp;
#[cfg(feature = "cli")]
use crate::seam::{BoxFuture, ready};
use crate::sign::{Evidence, SignError, Signer};
#[cfg(feature = "cli")]
use crate::sign::{IdentityToken, KeylessSigner, ServiceClient, Services, Signed};
#[cfg(feature = "cli")]
use crate::trust::TrustedRoot;
use crate::trust::{PublicKey, TrustMaterial};
use crate::verify;
use std::collections::BTreeMap;
#[cfg(feature = "cli")]
use std::sync::Arc;

/// A signer that is open.
pub struct Signing {
    /// What signs.
    pub signer: Box<dyn Signer>,
    /// What witnesses its signatures: timestamp authorities before logs, so that where one of them fails, no log has an entry
    /// of a signature that is never published.
    pub evidence: Vec<Box<dyn Evidence>>,
    /// What whoever trusts this signer trusts: all that is signed is verified with it before it is published.
    pub trust: TrustMaterial,
    /// The key that its signatures are checked with, if it is one.
    pub key: Option<PublicKey>,
    /// What it goes by in an outbox, the most particular last.
    pub names: Vec<String>,
    /// What the identity token says, if one signs.
    pub identity: Option<Identity>,
    /// Issuer and claims of the certificate, where it was read before anything is signed.
    pub certificate: Option<(String, BTreeMap<u32, String>)>,
    /// Whether no authority answered, so that what the certificate will say is not known.
    pub is_open: bool,
}

impl Signing {
    /// A key that is at hand, with no witnesses.
    #[must_use]
    pub fn with_key(signer: Box<dyn Signer>, key: PublicKey) -> Self {
        let names = vec![format!("key {}", key.id())];
        let trust = TrustMaterial::of_keys([key.clone()]);
        Self {
            signer,
            evidence: Vec::new(),
            trust,
            key: Some(key),
            names,
            identity: None,
            certificate: None,
            is_open: false,
        }
    }

    /// Signs the content of a file, and verifies the result as a stranger would at the time that `now` gives afterwards.
    ///
    /// # Errors
    /// [`PublishError`].
    pub async fn sign_message(&self, content: &[u8], now: &dyn Fn() -> Timestamp) -> Result<Vec<u8>, PublishError> {
        let bundle = sign_message(content, self.signer.as_ref(), &self.witnesses()).await?.to_bytes();
        verify::message_signature(&bundle, Ok(content), &self.trust, now()).map_err(PublishError::OwnBundle)?;
        Ok(bundle)
    }

    /// Signs a statement and verifies the result as a stranger would; gives the bundle and whom it shows as signer. `now`
    /// is asked afterwards: certificate and timestamps are younger than the command.
    ///
    /// # Errors
    /// [`PublishError`].
    pub async fn sign(
        &self,
        statement: &Unsigned,
        now: &dyn Fn() -> Timestamp,
    ) -> Result<(Vec<u8>, verify::Signer), PublishError> {
        let about = statement.about()?;
        let (bundle, _) = sign(statement, self.signer.as_ref(), &self.witnesses()).await?;
        let bytes = bundle.to_bytes();
        let verified = verify_own(&bytes, statement, &about, &self.trust, now())?;
        let signer = verified.first().and_then(|s| s.signers().first()).cloned();
        let signer = signer.ok_or_else(|| SignError::Failed { cause: "the bundle shows no signer".into() })?;
        Ok((bytes, signer))
    }

    /// Whether a bundle from before verifies as what this signer makes does, and shows the same signer as the new one of the
    /// same statement.
    pub(super) fn has_signed(&self, statement: &Unsigned, before: &[u8], new: &[u8], now: Timestamp) -> bool {
        let Ok(about) = statement.about() else { return false };
        let signer = |bundle: &[u8]| {
            let verified = verify_own(bundle, statement, &about, &self.trust, now).ok()?;
            verified.first().and_then(|s| s.signers().first()).cloned()
        };
        signer(before).zip(signer(new)).is_some_and(|(before, new)| before.is_same_identity(&new))
    }

    fn witnesses(&self) -> Vec<&dyn Evidence> {
        self.evidence.iter().map(AsRef::as_ref).collect()
    }
}

#[cfg(feature = "cli")]
impl Signing {
    /// The identity that a token proves, without a key of one's own: an authority of `services` certifies a fresh key for it,
    /// and their logs and authorities of time witness what it signs. Nothing is sent before it signs. What was signed is
    /// verified with `roots`, those of the same services.
    ///
    /// # Errors
    /// Services that do not go together; [`SignError::Failed`] when the system makes no key.
    pub fn keyless(
        token: IdentityToken,
        services: &Services,
        roots: &[TrustedRoot],
        client: ServiceClient,
    ) -> Result<Self, SignError> {
        Ok(Self::of_identity(token, services, roots, client)?.0)
    }

    /// As [`Signing::keyless`], but the certificate is fetched at once, so that a statement can say of the identity what the
    /// certificate says. Where no authority answers, [`Signing::is_open`] is set and signing gives that error.
    ///
    /// # Errors
    /// As [`Signing::keyless`].
    pub async fn certified(
        token: IdentityToken,
        services: &Services,
        roots: &[TrustedRoot],
        client: ServiceClient,
    ) -> Result<Self, SignError> {
        let (mut signing, signer) = Self::of_identity(token, services, roots, client)?;
        match signer.certificate().await {
            Ok(certificate) => {
                if let Some(identity) = &mut signing.identity {
                    identity.certified_by(&certificate.1);
                }
                signing.certificate = Some(certificate);
            }
            Err(e) => {
                signing.signer = Box::new(Unanswered(e));
                signing.is_open = true;
            }
        }
        Ok(signing)
    }

    fn of_identity(
        token: IdentityToken,
        services: &Services,
        roots: &[TrustedRoot],
        client: ServiceClient,
    ) -> Result<(Self, Arc<KeylessSigner>), SignError> {
        services.check()?;
        let identity = identity_of(&token);
        let names = vec![format!("identity {} of {}", token.identity(), token.issuer())];
        let evidence = services.witnesses(&client);
        let signer = Arc::new(KeylessSigner::new(&services.certificates, token, client)?);
        let signing = Self {
            signer: Box::new(Arc::clone(&signer)),
            evidence,
            trust: TrustMaterial::default().with_roots(roots),
            key: None,
            names,
            identity: Some(identity),
            certificate: None,
            is_open: false,
        };
        Ok((signing, signer))
    }
}

/// The claims of a token, for the captured context.
#[cfg(feature = "cli")]
#[must_use]
pub fn identity_of(token: &IdentityToken) -> Identity {
    Identity { issuer: token.issuer().to_owned(), claims: token.claims().clone(), certified: token.certified() }
}

/// A signer whose authority was asked already, and did not answer.
#[cfg(feature = "cli")]
struct Unanswered(SignError);

#[cfg(feature = "cli")]
impl Signer for Unanswered {
    fn sign<'a>(&'a self, _: &'a [u8]) -> BoxFuture<'a, Result<Signed, SignError>> {
        ready(Err(self.0.clone()))
    }
}
