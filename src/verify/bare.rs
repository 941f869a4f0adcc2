//! A DSSE envelope without a bundle around it, as tools attached it before there were bundles.

use crate::model::bundle::VerificationMaterial;
use crate::model::json::{self, Field, JsonError};
use crate::model::spelling::{to_standard, without_mark};
use crate::model::{Bundle, Envelope, limits};

/// Reads evidence as a bare envelope; `None` where it is something else. A certificate beside the signature makes it one
/// that was signed with a certificate: no key has that name.
pub(super) fn read(bytes: &[u8]) -> Result<Option<Bundle>, JsonError> {
    let mut value = json::parse(without_mark(bytes), limits::BUNDLE_BYTES)?;
    to_standard(&mut value);
    let root = Field::root("envelope", &value);
    let object = root.object()?;
    if object.contains_key("mediaType") || !object.contains_key("payloadType") {
        return Ok(None);
    }
    let envelope = Envelope::from_json(&root)?;
    let signatures = root.need("signatures")?.list(limits::SIGNATURES)?;
    if let [one] = &signatures[..]
        && let Some(text) = one.opt_str("cert")?.filter(|t| !t.trim().is_empty())
    {
        let cert = one.need("cert")?;
        let chain = pem::parse_many(text).map_err(|e| cert.error("certificates in PEM", e))?;
        let chain: Vec<_> = chain.into_iter().take(limits::CHAIN).map(pem::Pem::into_contents).collect();
        if chain.is_empty() {
            return Err(cert.error("certificates in PEM", "none"));
        }
        return Ok(Some(Bundle::bare(envelope, chain)));
    }
    let keyid = envelope.signatures()[0].keyid.clone();
    Ok(Some(Bundle::keyed(envelope, keyid)))
}

/// Whether a bundle is such an envelope, with its certificate.
pub(super) fn is_certified(bundle: &Bundle) -> bool {
    bundle.is_bare() && matches!(bundle.material(), VerificationMaterial::Certificates(_))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn with(cert: serde_json::Value) -> Result<Option<Bundle>, JsonError> {
        let signature = json!({ "keyid": "", "sig": "AA", "cert": cert });
        let envelope =
            json!({ "payloadType": "application/vnd.in-toto+json", "payload": "e30", "signatures": [signature] });
        read(envelope.to_string().as_bytes())
    }

    #[test]
    fn a_certificate_beside_the_signature_is_what_it_was_made_with() {
        let pem = pem::encode(&pem::Pem::new("CERTIFICATE", vec![1, 2, 3]));
        let bundle = with(pem.into()).unwrap().unwrap();
        assert_eq!(bundle.material(), &VerificationMaterial::Certificates(vec![vec![1, 2, 3]]));
        assert!(is_certified(&bundle) && bundle.log_entries().is_empty());
        for none in [json!(null), json!(""), json!("\n")] {
            let keyed = with(none).unwrap().unwrap();
            assert!(matches!(keyed.material(), VerificationMaterial::PublicKey { .. }) && !is_certified(&keyed));
        }
        assert!(with("a certificate".into()).is_err());
    }
}
