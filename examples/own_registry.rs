//! Attaches to and decides on an image in a store of one's own, here a folder per kind of content:
//! `own_registry STORE sha256:DIGEST BUNDLE POLICY`.
#![expect(clippy::print_stdout, reason = "an example: prints")]
#![expect(clippy::disallowed_methods, reason = "an example: reads and writes files, and the clock")]

use attest::flow::attach;
use attest::model::Descriptor;
use attest::model::json::Field;
use attest::registry::{RegistryError, Served, referrer_entry};
use attest::seam::{BoxFuture, ready};
use attest::{Artifact, Digest, Endless, Given, Policy, Registry, Target, Timestamp, Verdict, check};
use std::error::Error;
use std::fs;
use std::io::{ErrorKind, Read as _};
use std::path::PathBuf;

/// A store: `content/HEX` holds blobs and manifests, `listed/HEX/HEX` what is about a manifest. What it serves is not trusted: whoever
/// asks compares digests.
pub(crate) struct Shelf {
    folder: PathBuf,
}

impl Shelf {
    pub(crate) fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    fn failed(&self, what: &str, cause: &dyn ToString) -> RegistryError {
        RegistryError::Unreachable { place: self.place(), what: what.to_owned(), cause: cause.to_string() }
    }

    fn content(&self, digest: &Digest) -> PathBuf {
        self.folder.join("content").join(digest.hex())
    }

    fn listed(&self, subject: &Digest) -> PathBuf {
        self.folder.join("listed").join(subject.hex())
    }

    /// What is there, at most `limit` bytes of it: more is an error, never a part that passes for the whole.
    fn read(&self, digest: &Digest, limit: usize) -> Result<Option<Vec<u8>>, RegistryError> {
        let what = format!("content {digest}");
        let file = match fs::File::open(self.content(digest)) {
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
            opened => opened.map_err(|e| self.failed(&what, &e))?,
        };
        let mut bytes = Vec::new();
        file.take(limit as u64 + 1).read_to_end(&mut bytes).map_err(|e| self.failed(&what, &e))?;
        if bytes.len() > limit {
            return Err(RegistryError::TooLarge { place: self.place(), what, limit });
        }
        Ok(Some(bytes))
    }

    fn write(&self, path: PathBuf, bytes: &[u8]) -> Result<(), RegistryError> {
        let made = path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(&path, bytes));
        made.map_err(|e| self.failed("writing", &e))
    }

    fn about(&self, subject: &Digest, limit: usize) -> Result<Vec<Descriptor>, RegistryError> {
        let mut out = Vec::new();
        let names = match fs::read_dir(self.listed(subject)) {
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(out),
            names => names.map_err(|e| self.failed("a listing", &e))?,
        };
        for name in names {
            let bytes = name.and_then(|name| fs::read(name.path())).map_err(|e| self.failed("a listing", &e))?;
            let entry = serde_json::from_slice(&bytes).map_err(|e| self.failed("a listing", &e))?;
            let entry = Descriptor::from_json(&Field::root("entry", &entry));
            out.push(entry.map_err(|e| self.failed("a listing", &e))?);
            if out.len() > limit {
                return Err(RegistryError::TooLarge { place: self.place(), what: "a listing".into(), limit });
            }
        }
        Ok(out)
    }

    fn put(&self, descriptor: &Descriptor, bytes: &[u8]) -> Result<(), RegistryError> {
        self.write(self.content(&descriptor.digest), bytes)?;
        let entry = referrer_entry(descriptor, bytes).map_err(|e| self.failed("a manifest", &e))?;
        let Some((subject, entry)) = entry else { return Ok(()) };
        let path = self.listed(&subject.digest).join(entry.digest.hex());
        self.write(path, entry.to_json().to_string().as_bytes())
    }
}

impl Registry for Shelf {
    fn place(&self) -> String {
        "shelf".into()
    }

    /// It has no tags: everything is named by its digest.
    fn resolve<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<Option<Descriptor>, RegistryError>> {
        ready(Ok(None))
    }

    fn manifest<'a>(&'a self, d: &'a Digest, limit: usize) -> BoxFuture<'a, Result<Option<Served>, RegistryError>> {
        let media_type = "application/vnd.oci.image.manifest.v1+json";
        let served = |bytes| Served { media_type: media_type.into(), bytes };
        ready(self.read(d, limit).map(|found| found.map(served)))
    }

    fn blob<'a>(&'a self, d: &'a Digest, limit: usize) -> BoxFuture<'a, Result<Option<Vec<u8>>, RegistryError>> {
        ready(self.read(d, limit))
    }

    fn referrers<'a>(&'a self, s: &'a Digest, limit: usize) -> BoxFuture<'a, Result<Vec<Descriptor>, RegistryError>> {
        ready(self.about(s, limit))
    }

    fn push_blob<'a>(&'a self, digest: &'a Digest, bytes: &'a [u8]) -> BoxFuture<'a, Result<(), RegistryError>> {
        ready(self.write(self.content(digest), bytes))
    }

    fn push_manifest<'a>(&'a self, d: &'a Descriptor, bytes: &'a [u8]) -> BoxFuture<'a, Result<(), RegistryError>> {
        ready(self.put(d, bytes))
    }
}

/// Attaches a bundle to an image of the store, and decides on the image.
pub(crate) async fn attach_and_decide(
    shelf: &Shelf,
    image: Digest,
    bundle: &[u8],
    policies: &[Policy],
    now: Timestamp,
) -> Result<Verdict, Box<dyn Error>> {
    let artifact = Artifact::new(image.to_string(), shelf.place(), image);
    attach(shelf, shelf, &artifact, bundle, now).await?;
    let target = Target::in_repository(artifact, shelf);
    Ok(check(target, Given::new(policies, &[], now), &Endless).await.verdict)
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [store, image, bundle, policy] = arguments.as_slice() else {
        return Err("expected STORE sha256:DIGEST BUNDLE POLICY".into());
    };
    let key = |name: &str| attest::places::public_key(name).map_err(|e| e.to_string());
    let policies = [attest::policy::parse(&fs::read_to_string(policy)?, "policy", &key)?];
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (shelf, bundle) = (Shelf::new(store), fs::read(bundle)?);
    let decided = attach_and_decide(&shelf, Digest::parse(image)?, &bundle, &policies, chrono::Utc::now().into());
    println!("{:?}", runtime.block_on(decided)?);
    Ok(())
}
