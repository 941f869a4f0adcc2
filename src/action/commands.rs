//! [`Commands`]: the command line, as an action asks it.

use super::ActionError;
use crate::flow::Unsigned;
use crate::model::{Code, Digest};
use crate::policy::Decision;
use std::time::Duration;

/// What `attest create` made, as far as an action tells of it.
#[derive(Debug, Default)]
pub struct Made {
    /// The statements.
    pub statements: Vec<Unsigned>,
    /// Id of the key that signed.
    pub key_id: Option<String>,
    /// The identity that signed and the issuer that vouches for it.
    pub identity: Option<(String, String)>,
    /// Where attestations were attached, and the digests of their referrers.
    pub attached: Vec<(String, Digest)>,
    /// Where GitHub's attestations API shows what it keeps, and its ids.
    pub stored: Vec<(String, String)>,
}

/// Why a command failed, as far as an action tells of it.
#[derive(Debug)]
pub struct Trouble {
    /// The stable code.
    pub code: Code,
    /// What was expected and found.
    pub message: String,
    /// Further lines.
    pub detail: String,
    /// What to do.
    pub todo: String,
    /// Whether there is nothing to sign with.
    pub lacks_identity: bool,
    /// Whether something waits in the outbox.
    pub waits: bool,
}

/// The command line, as what an action is carried out with: the commands are those that a person types.
#[expect(async_fn_in_trait, reason = "one call on one thread: no future is sent to another")]
pub trait Commands {
    /// Why a command failed.
    type Error: From<ActionError>;

    /// `attest create`, which tells what it did.
    async fn create(&self, arguments: &[String]) -> Result<Made, Self::Error>;
    /// `attest generate`: statements, one a line.
    async fn generate(&self, arguments: &[String]) -> Result<Vec<u8>, Self::Error>;
    /// `attest verify`, which tells what it decided.
    async fn verify(&self, arguments: &[String]) -> Result<Decision, Self::Error>;
    /// Whether a subject is an image in a registry or a layout, which keeps its own evidence.
    fn is_image(&self, subject: &str) -> bool;
    /// What is to be told of a failure.
    fn trouble(&self, error: &Self::Error) -> Trouble;
    /// Tells of a failure as every command does.
    fn fail(&self, error: &Self::Error);
    /// How long one service is waited for.
    fn patience(&self) -> Duration;
    /// Prints a line that the runner reads.
    fn tell(&self, line: &str);
}
