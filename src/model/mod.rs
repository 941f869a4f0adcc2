//! Values: what is read and written, and nothing that happens. No I/O, clock, environment or randomness.

pub mod artifact;
pub mod bundle;
pub mod captured;
pub mod code;
pub mod digest;
pub mod envelope;
pub mod json;
pub mod json_pieces;
mod json_read;
pub mod limits;
pub mod oci;
pub mod plural;
pub mod remote;
pub mod resource;
pub mod statement;
pub mod time;
mod trigger;
pub mod uri;
pub mod yaml;

pub use artifact::Artifact;
pub use bundle::{Bundle, BundleContent, BundleVersion, VerificationMaterial};
pub use captured::Captured;
pub use code::Code;
pub use digest::{Digest, DigestSet};
pub use envelope::{Envelope, EnvelopeSignature};
pub use oci::{Descriptor, Reference};
pub use resource::{ResourceDescriptor, Subject};
pub use statement::{PredicateUri, Statement};
pub use time::{Timestamp, ValidityWindow};
pub use trigger::Trigger;
