//! Whether a signature that was verified still counts: what was revoked, and when its signer may sign.

use super::revoked::Revoked;
use crate::model::code::codes;
use crate::model::{Digest, Timestamp, ValidityWindow};
use crate::policy::Reason;
use crate::verify::{ProvenTime, Signer};

codes! {
    /// Codes of this file.
    pub CODES;
    pub(in crate::policy) WINDOW = "key-outside-window", [Producer],
        "the key signed before its `notBefore`, after its `notAfter`, or at no proven time where it has a `notBefore`",
        "sign with a key that is valid now and with --timestamp-url, or correct its `notBefore` and `notAfter` in the policy";
    KEY_REVOKED = "key-revoked", [Producer],
        "the policy lists the key as revoked",
        "sign again with a key that is not revoked";
    STATEMENT_REVOKED = "statement-revoked", [Producer],
        "the policy lists the statement as revoked",
        "make a new attestation; this one was withdrawn by whoever keeps the policy";
}

/// That the policy revokes the key that signed, be it trusted by itself or by a certificate.
pub(in crate::policy) fn key_revoked(revoked: &Revoked, signer: &Signer) -> Option<Reason> {
    let id = signer.key_id().filter(|id| revoked.keys.contains(id))?;
    Some(Reason::new(KEY_REVOKED, format!("the policy revokes key {id}")))
}

/// That the policy revokes a statement, by the digest of its signed bytes.
pub(in crate::policy) fn statement_revoked(revoked: &Revoked, digest: &Digest) -> Option<Reason> {
    let listed = revoked.statements.contains(digest);
    listed.then(|| Reason::new(STATEMENT_REVOKED, format!("the policy revokes statement {digest}")))
}

/// Why a signature is not within its signer's window; `existed` is the earliest time at which it provably existed.
///
/// A signature that is there now was made by now, so without a proven time `notAfter` holds while it lies ahead. That it was
/// made after `notBefore` nothing shows then: whoever had the key before it was to count would be believed.
pub(in crate::policy) fn outside(window: &ValidityWindow, proven: &[ProvenTime], existed: Timestamp) -> Option<String> {
    let how = if proven.is_empty() { "no time is proven, and now is" } else { "the proven time is" };
    if !window.contains(existed) {
        return Some(format!("{how} {existed}"));
    }
    (proven.is_empty() && window.not_before.is_some()).then(|| {
        "no log and no timestamp authority proves that it was signed after the first of these: sign with --timestamp-url \
         or --rekor-url, and verify with --trusted-root"
            .to_owned()
    })
}
