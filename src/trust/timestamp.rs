//! RFC 3161 timestamp responses, read so far as to know what they are about and who signed them. Nothing is verified here.

use cms::content_info::ContentInfo;
use cms::signed_data::{SignedData, SignerIdentifier};
use x509_cert::Certificate;
use x509_cert::der::asn1::{ObjectIdentifier, OctetString};
use x509_cert::der::{self, AnyRef, Decode as _, Encode as _, Reader as _, SliceReader, Tag, Tagged as _};

/// `id-ct-TSTInfo`: what is signed is a timestamp (RFC 3161 section 2.4.2).
const TST_INFO: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.1.4");

/// A `TimeStampResp` (RFC 3161 section 2.4.2).
#[derive(Debug)]
pub(crate) struct StampResponse {
    /// `PKIStatus`: 0 and 1 grant a timestamp.
    pub(crate) status: u8,
    /// What is signed, in a response that grants it.
    signed: Option<SignedData>,
}

/// What a timestamp says (`TSTInfo`).
#[derive(Debug)]
pub(crate) struct Stamp {
    /// The digest that it is about.
    pub(crate) imprint: Vec<u8>,
    /// The number by which it answers one request; the content of the INTEGER.
    pub(crate) nonce: Option<Vec<u8>>,
}

impl StampResponse {
    /// Reads one.
    ///
    /// # Errors
    /// Where it is no DER of this form.
    pub(crate) fn read(response: &[u8]) -> der::Result<Self> {
        let mut reader = SliceReader::new(response)?;
        let (status, token) = reader.sequence(|response| {
            let status = response.sequence(|info| {
                let status = u8::decode(info)?;
                // Words, and a reason.
                while !info.is_finished() {
                    AnyRef::decode(info)?;
                }
                Ok(status)
            })?;
            let token = if response.is_finished() { None } else { Some(ContentInfo::decode(response)?) };
            Ok((status, token))
        })?;
        let response = Self { status, signed: token.map(|t| t.content.decode_as()).transpose()? };
        reader.finish(response)
    }

    /// The timestamp, if it is one that is signed.
    ///
    /// # Errors
    /// Where it is no DER of this form.
    pub(crate) fn stamp(&self) -> der::Result<Option<Stamp>> {
        let content = self.signed.as_ref().map(|s| &s.encap_content_info);
        let Some(content) = content.filter(|c| c.econtent_type == TST_INFO) else { return Ok(None) };
        let Some(octets) = &content.econtent else { return Ok(None) };
        Stamp::read(octets.decode_as::<OctetString>()?.as_bytes()).map(Some)
    }

    /// Issuer and serial number of the certificates that it names as its signers' (RFC 5652 section 10.2.4), as
    /// [`issuer_and_serial`] writes them.
    pub(crate) fn signers(&self) -> impl Iterator<Item = Vec<u8>> {
        let infos = self.signed.iter().flat_map(|s| s.signer_infos.0.iter());
        infos.filter_map(|info| match &info.sid {
            SignerIdentifier::IssuerAndSerialNumber(name) => name.to_der().ok(),
            SignerIdentifier::SubjectKeyIdentifier(_) => None,
        })
    }
}

impl Stamp {
    fn read(info: &[u8]) -> der::Result<Self> {
        SliceReader::new(info)?.sequence(|info| {
            // Version and policy.
            let (_, _) = (AnyRef::decode(info)?, AnyRef::decode(info)?);
            let imprint = info.sequence(|imprint| {
                AnyRef::decode(imprint)?;
                OctetString::decode(imprint)
            })?;
            // Serial number and time.
            let (_, _) = (AnyRef::decode(info)?, AnyRef::decode(info)?);
            let mut nonce = None;
            while !info.is_finished() {
                let further = AnyRef::decode(info)?;
                if further.tag() == Tag::Integer {
                    nonce.get_or_insert_with(|| further.value().to_vec());
                }
            }
            Ok(Self { imprint: imprint.into_bytes(), nonce })
        })
    }
}

/// The name by which a signed message names the signer whose certificate this is: DER of `IssuerAndSerialNumber`.
pub(crate) fn issuer_and_serial(certificate: &[u8]) -> Option<Vec<u8>> {
    let certificate = Certificate::from_der(certificate).ok()?.tbs_certificate;
    let name =
        cms::cert::IssuerAndSerialNumber { issuer: certificate.issuer, serial_number: certificate.serial_number };
    name.to_der().ok()
}
