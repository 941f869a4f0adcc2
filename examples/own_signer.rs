//! Signs a statement with a signer of one's own, here one that counts what it signs: `own_signer STATEMENT`.
#![expect(clippy::print_stdout, reason = "an example: prints")]
#![expect(clippy::disallowed_methods, reason = "an example: reads a file")]

use attest::seam::BoxFuture;
use attest::sign::{SignError, Signed};
use attest::trust::KeyAlgorithm;
use attest::{LocalKey, PublicKey, Signer, Signing, Timestamp, Unsigned};
use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A key of another program's, a service or a device: all it takes is a signature over the bytes that it is handed.
pub(crate) struct Counting {
    key: LocalKey,
    /// How often it signed.
    pub(crate) count: Arc<AtomicUsize>,
}

impl Counting {
    pub(crate) fn new() -> Result<Self, SignError> {
        Ok(Self { key: LocalKey::generate(KeyAlgorithm::Ed25519)?, count: Arc::default() })
    }

    pub(crate) fn public_key(&self) -> PublicKey {
        self.key.public_key().clone()
    }
}

impl Signer for Counting {
    fn sign<'a>(&'a self, pae: &'a [u8]) -> BoxFuture<'a, Result<Signed, SignError>> {
        self.count.fetch_add(1, Ordering::Relaxed);
        self.key.sign(pae)
    }
}

/// The bundle, which was verified with the signer's own key.
pub(crate) async fn sign(
    statement: Vec<u8>,
    signer: Counting,
    now: &dyn Fn() -> Timestamp,
) -> Result<Vec<u8>, Box<dyn Error>> {
    let key = signer.public_key();
    let signing = Signing::with_key(Box::new(signer), key);
    Ok(signing.sign(&Unsigned::parse(statement)?, now).await?.0)
}

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).ok_or("expected STATEMENT")?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let now = || chrono::Utc::now().into();
    let bundle = runtime.block_on(sign(std::fs::read(path)?, Counting::new()?, &now))?;
    println!("{}", String::from_utf8_lossy(&bundle));
    Ok(())
}
