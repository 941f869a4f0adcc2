//! Who may sign: a key or a certificate, when, and what they may speak for; and what is never accepted.

mod certificate;
mod form;
mod revoked;
mod rule;
mod standing;

pub use certificate::{CLAIMS, CertificateMatch, Regexp, TextMatch};
pub(super) use form::{Others, SIGNERS, Signer, TIME, definition, of_provenance};
pub(super) use revoked::REVOKED;
pub use revoked::Revoked;
pub use rule::{SignerMatch, SignerRule};
pub use standing::CODES;
pub(super) use standing::{WINDOW, key_revoked, outside, statement_revoked};
