//! Captures the checkout that this runs in, and signs provenance of files with a new key: `capture_and_sign AGENT FILE...`.
#![expect(clippy::print_stdout, reason = "an example: prints")]
#![expect(clippy::disallowed_methods, reason = "an example: reads the clock")]

use attest::capture::{Environment, Request, input::files};
use attest::create::{Caller, CreateError, Created, Plan, Subjects, create};
use attest::evidence::{Added, Same};
use attest::trust::KeyAlgorithm;
use attest::{LocalKey, Signing, Timestamp};
use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Why this program made nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failed(String);

impl From<CreateError> for Failed {
    fn from(e: CreateError) -> Self {
        Self(e.to_string())
    }
}

impl std::fmt::Display for Failed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for Failed {}

/// What this program has: a key, files as subjects, and a disk.
pub(crate) struct Build<'a> {
    pub(crate) env: &'a Environment,
    pub(crate) files: &'a [String],
    pub(crate) key: Arc<LocalKey>,
    pub(crate) now: Timestamp,
}

impl Caller for Build<'_> {
    type Error = Failed;

    fn now(&self) -> Timestamp {
        self.now
    }

    async fn signing(&self) -> Result<Signing, Failed> {
        Ok(Signing::with_key(Box::new(self.key.clone()), self.key.public_key().clone()))
    }

    async fn subjects(&self) -> Result<Subjects, Failed> {
        let files = files::subjects(self.files, &self.env.working_dir, &|_| ());
        let files = files.map_err(|e| Failed(e.to_string()))?;
        let paths = self.files.iter().map(|file| self.env.working_dir.join(file)).collect();
        Ok(Subjects { files, paths, ..Subjects::default() })
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> Result<(), Failed> {
        attest::places::files::replace(&self.env.working_dir.join(path), bytes).map_err(|e| Failed(e.to_string()))
    }

    fn add(&self, path: &Path, bundles: &[&[u8]], same: Same<'_>) -> Result<Vec<Added>, Failed> {
        let path = self.env.working_dir.join(path);
        attest::evidence::add(&path, bundles, same, attest::evidence::PATIENCE).map_err(|e| Failed(e.to_string()))
    }
}

/// Provenance of the files, signed, verified, and written beside them.
pub(crate) async fn attest(build: &Build<'_>, agent: &str) -> Result<Created<Failed>, Failed> {
    let request = Request { agent: Some(agent.to_owned()), ..Request::default() };
    create(&Plan::new(build.env, request), build).await
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [agent, files @ ..] = arguments.as_slice() else { return Err("expected AGENT FILE...".into()) };
    let env = Environment::from_process()?;
    let key = Arc::new(LocalKey::generate(KeyAlgorithm::Ed25519)?);
    let build = Build { env: &env, files, key, now: chrono::Utc::now().into() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let made = runtime.block_on(attest(&build, agent))?;
    println!("wrote {}", made.output.unwrap_or_else(PathBuf::new).display());
    Ok(())
}
