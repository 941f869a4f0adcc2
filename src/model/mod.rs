//! Values: what is read and written, and nothing that happens. No I/O, clock, environment or randomness.

pub mod artifact;
pub mod captured;
pub mod code;
pub mod digest;
mod in_toto;
pub mod json;
pub mod limits;
pub mod oci;
pub mod plural;
pub mod remote;
pub mod shown;
pub mod time;
mod trigger;
pub(crate) mod unrunnable;
pub mod uri;
pub mod work;
pub mod yaml;

pub use in_toto::{bundle, envelope, resource, spelling, statement};

pub use artifact::Artifact;
pub use bundle::{Bundle, BundleContent, BundleVersion, VerificationMaterial};
pub use captured::Captured;
pub use code::Code;
pub use digest::{Digest, DigestSet};
pub use envelope::{Envelope, EnvelopeSignature};
pub use oci::{Descriptor, Reference};
pub use resource::{ResourceDescriptor, Subject};
pub use statement::{PredicateUri, Statement, Text};
pub use time::{Timestamp, ValidityWindow};
pub use trigger::Trigger;
