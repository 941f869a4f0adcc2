//! What a signing certificate says: identity, issuer and Fulcio's claims, read strictly.

use super::VerifyError;
use crate::model::{Timestamp, ValidityWindow};
use std::collections::BTreeMap;
use x509_cert::Certificate;
use x509_cert::der::asn1::{ObjectIdentifier, Utf8StringRef};
use x509_cert::der::{Decode as _, Encode as _};
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{AuthorityKeyIdentifier, SubjectAltName};

/// Fulcio's arc (fulcio/docs/oid-info.md).
const FULCIO: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.57264.1");
/// Name form of a user name in the subject alternative name, in the same arc.
const USER_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.57264.1.7");
/// The subject alternative name (RFC 5280 section 4.2.1.6).
const SUBJECT_ALT_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.17");

/// What a leaf says of its holder. Nothing of it is verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Leaf {
    /// The one subject alternative name.
    pub(super) identity: String,
    /// The OIDC issuer; empty where the certificate names none.
    pub(super) issuer: String,
    /// Claims by last arc; the issuer is not among them.
    pub(super) claims: BTreeMap<u32, String>,
    /// When the certificate is valid.
    pub(super) window: ValidityWindow,
    /// DER of its issuer's name.
    pub(super) issued_by: Vec<u8>,
    /// What it names its issuer's key by (RFC 5280 section 4.2.1.1), if it does.
    pub(super) authority_key: Option<Vec<u8>>,
}

/// Reads a leaf. Two names, two claims of one kind or a claim of another form are refused, so that nobody reads
/// another one than we do.
pub(super) fn read(der: &[u8]) -> Result<Leaf, VerifyError> {
    let certificate = parse(der)?.tbs_certificate;
    let mut claims = BTreeMap::new();
    let mut identity = None;
    for extension in certificate.extensions.iter().flatten() {
        let value = extension.extn_value.as_bytes();
        if extension.extn_id == SUBJECT_ALT_NAME {
            if identity.is_some() {
                return Err(malformed("two subject alternative name extensions"));
            }
            identity = Some(name(value)?);
        }
        let Some(arc) = claim(extension.extn_id) else { continue };
        let text = match Utf8StringRef::from_der(value) {
            Ok(text) => text.as_str().to_owned(),
            // The deprecated claims are bare text; so may the issuer's first form be.
            Err(_) if arc <= 6 => match std::str::from_utf8(value) {
                Ok(text) => text.to_owned(),
                Err(_) => return Err(malformed(&format!("claim {FULCIO}.{arc} is no text"))),
            },
            Err(_) => return Err(malformed(&format!("claim {FULCIO}.{arc} is no UTF8String"))),
        };
        if claims.insert(arc, text).is_some() {
            return Err(malformed(&format!("claim {FULCIO}.{arc} twice")));
        }
    }
    let identity = identity.ok_or_else(|| malformed("no subject alternative name"))?;
    let old = claims.remove(&1);
    // GitHub's instance gives its own releases a certificate without one; no policy can name it by text.
    let issuer = claims.remove(&8).or(old).unwrap_or_default();
    let authority_key = certificate.get::<AuthorityKeyIdentifier>().ok().flatten();
    let authority_key = authority_key.and_then(|(_, id)| Some(id.key_identifier?.as_bytes().to_vec()));
    let issued_by = certificate.issuer.to_der().map_err(|e| malformed(&e.to_string()))?;
    Ok(Leaf { identity, issuer, claims, window: window(&certificate.validity), issued_by, authority_key })
}

/// Id of the key that a certificate certifies.
pub(super) fn key_id(der: &[u8]) -> Option<String> {
    let key = Certificate::from_der(der).ok()?.tbs_certificate.subject_public_key_info;
    Some(crate::model::Digest::sha256(&key.to_der().ok()?).to_string())
}

/// DER of a certificate's issuer name.
pub(super) fn issuer_name(der: &[u8]) -> Result<Vec<u8>, VerifyError> {
    parse(der)?.tbs_certificate.issuer.to_der().map_err(|e| malformed(&e.to_string()))
}

/// The issuer name in words.
pub(super) fn issuer_words(der: &[u8]) -> String {
    parse(der).map(|c| c.tbs_certificate.issuer.to_string()).unwrap_or_default()
}

fn parse(der: &[u8]) -> Result<Certificate, VerifyError> {
    Certificate::from_der(der).map_err(|e| malformed(&e.to_string()))
}

fn malformed(found: &str) -> VerifyError {
    VerifyError::CertificateMalformed { found: found.to_owned() }
}

fn window(validity: &x509_cert::time::Validity) -> ValidityWindow {
    let time =
        |t: x509_cert::time::Time| i64::try_from(t.to_unix_duration().as_secs()).ok().and_then(Timestamp::from_unix);
    ValidityWindow { not_before: time(validity.not_before), not_after: time(validity.not_after) }
}

/// The last arc of a direct child of Fulcio's arc.
fn claim(oid: ObjectIdentifier) -> Option<u32> {
    if oid.parent()? != FULCIO { None } else { oid.arc(FULCIO.len()) }
}

/// Fulcio writes one name: an e-mail address, a URI or a user name.
fn name(value: &[u8]) -> Result<String, VerifyError> {
    let names = SubjectAltName::from_der(value).map_err(|e| malformed(&e.to_string()))?.0;
    let text = match names.as_slice() {
        [GeneralName::Rfc822Name(email)] => email.as_str().to_owned(),
        [GeneralName::UniformResourceIdentifier(uri)] => uri.as_str().to_owned(),
        [GeneralName::OtherName(other)] if other.type_id == USER_NAME => {
            other.value.decode_as::<Utf8StringRef<'_>>().map_err(|e| malformed(&e.to_string()))?.as_str().to_owned()
        }
        [_] => return Err(malformed("a subject alternative name that is no e-mail address, URI or user name")),
        several => return Err(malformed(&format!("{} subject alternative names", several.len()))),
    };
    if text.is_empty() { Err(malformed("an empty subject alternative name")) } else { Ok(text) }
}
