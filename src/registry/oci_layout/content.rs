//! Hashing everything that a manifest reaches: what a registry's client does on pull, a layout's reader must do here.

use super::OciLayout;
use super::folder::Folder;
use crate::model::digest::{DigestAlgorithm, hex};
use crate::model::oci::{DOCKER_LIST, DOCKER_MANIFEST, IMAGE_INDEX, IMAGE_MANIFEST, Manifest};
use crate::model::{Descriptor, Digest, limits};
use crate::registry::RegistryError;
use crate::registry::listing::unreadable;
use sha2::{Digest as _, Sha256, Sha384, Sha512};
use std::collections::HashSet;
use std::io::Read;
use std::num::NonZero;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

/// Bytes read at once by each thread: large enough for the disk, small enough for the cache.
const CHUNK: usize = 256 << 10;
/// Bytes beyond the described size that are still hashed, so that the error can name the digest found.
const SURPLUS: u64 = 64 << 20;

/// What has content of its own to follow.
const MANIFESTS: [&str; 4] = [IMAGE_MANIFEST, IMAGE_INDEX, DOCKER_MANIFEST, DOCKER_LIST];

/// What was read and hashed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ContentReport {
    /// Manifests and indexes.
    pub manifests: usize,
    /// Configs and layers, each digest once.
    pub blobs: usize,
    /// All their bytes together.
    pub bytes: u64,
}

impl OciLayout {
    /// Reads and hashes everything that `root` reaches: its config and layers, or an index's manifests and theirs.
    ///
    /// Memory does not grow with the size of the content; files are hashed by as many threads as there are cores.
    /// `subject` is not followed: it is what this content refers to, not what it is made of.
    ///
    /// # Errors
    /// `DigestMismatch` and `NotFound` name the first defect found; `TooLarge` over [`limits::CHILDREN`] manifests or
    /// [`limits::INDEX_DEPTH`] levels; `Malformed` for a manifest that cannot be read.
    pub fn verify_content(&self, root: &Digest) -> Result<ContentReport, RegistryError> {
        let mut report = ContentReport::default();
        let mut blobs = Vec::new();
        self.walk(root, &mut report, &mut blobs)?;
        let bytes = self.hash_all(&blobs)?;
        report.blobs = blobs.len();
        report.bytes += bytes;
        Ok(report)
    }

    /// Collects the blobs below `root`, each once, checking every manifest on the way.
    fn walk(
        &self,
        root: &Digest,
        report: &mut ContentReport,
        blobs: &mut Vec<Descriptor>,
    ) -> Result<(), RegistryError> {
        let too_large = |what: String, limit| RegistryError::TooLarge { place: self.name.clone(), what, limit };
        // Apart from each other: a manifest that is also listed as somebody's layer must still be followed.
        let (mut seen, mut seen_blobs) = (HashSet::from([root.clone()]), HashSet::new());
        let mut queue = vec![(root.clone(), String::new(), None, 0)];
        while let Some((digest, media_type, size, depth)) = queue.pop() {
            let what = format!("manifest {digest}");
            let bytes = self.checked_bytes(&digest, limits::MANIFEST_BYTES)?.ok_or_else(|| self.not_found(&what))?;
            if let Some(size) = size.filter(|s| *s != bytes.len() as u64) {
                let cause = format!("its descriptor says {size} bytes, it has {}", bytes.len());
                return Err(RegistryError::Malformed { place: self.name.clone(), what, cause });
            }
            let manifest = Manifest::parse(&bytes, &media_type).map_err(|e| unreadable(&self.name, &what, e))?;
            report.manifests += 1;
            report.bytes += bytes.len() as u64;
            for blob in manifest.config.into_iter().chain(manifest.layers) {
                if seen_blobs.insert(blob.digest.clone()) {
                    blobs.push(blob);
                }
            }
            if !manifest.manifests.is_empty() && depth >= limits::INDEX_DEPTH {
                return Err(too_large(format!("the levels of indexes below {root}"), limits::INDEX_DEPTH));
            }
            for child in manifest.manifests {
                if !MANIFESTS.contains(&child.media_type.as_str()) {
                    // An index may name any content; what is no manifest is hashed and not followed.
                    if seen_blobs.insert(child.digest.clone()) {
                        blobs.push(child);
                    }
                    continue;
                }
                if seen.insert(child.digest.clone()) {
                    queue.push((child.digest, child.media_type, Some(child.size), depth + 1));
                }
                // The root is one of those that were counted, and no child.
                if report.manifests + queue.len() > limits::CHILDREN + 1 {
                    return Err(too_large(format!("the number of manifests below {root}"), limits::CHILDREN));
                }
            }
        }
        Ok(())
    }

    /// Hashes files in parallel; their bytes together, or the error of the first bad one in the list's order.
    fn hash_all(&self, blobs: &[Descriptor]) -> Result<u64, RegistryError> {
        // The largest first: the last one to be taken must not be the one that takes longest.
        let mut order: Vec<usize> = (0..blobs.len()).collect();
        order.sort_by_key(|i| std::cmp::Reverse(blobs[*i].size));
        let next = AtomicUsize::new(0);
        let failed = AtomicBool::new(false);
        let total = Mutex::new((0_u64, Vec::new()));
        let work = || {
            let mut buffer = vec![0; CHUNK];
            while !failed.load(Ordering::Relaxed) {
                let Some(index) = order.get(next.fetch_add(1, Ordering::Relaxed)).copied() else { break };
                let outcome = self.hash_one(&blobs[index], &mut buffer);
                let mut total = total.lock().unwrap_or_else(PoisonError::into_inner);
                match outcome {
                    Ok(bytes) => total.0 += bytes,
                    Err(e) => {
                        failed.store(true, Ordering::Relaxed);
                        total.1.push((index, e));
                    }
                }
            }
        };
        let threads = thread::available_parallelism().map_or(1, NonZero::get).min(blobs.len());
        thread::scope(|scope| {
            for _ in 1..threads {
                scope.spawn(work);
            }
            work();
        });
        let (bytes, mut errors) = total.into_inner().unwrap_or_else(PoisonError::into_inner);
        errors.sort_by_key(|(index, _)| *index);
        errors.into_iter().next().map_or(Ok(bytes), |(_, e)| Err(e))
    }

    fn hash_one(&self, blob: &Descriptor, buffer: &mut [u8]) -> Result<u64, RegistryError> {
        let what = format!("blob {}", blob.digest);
        let read = |e: std::io::Error| self.io_error(&what, &e);
        let Some((mut file, size)) = self.folder.file(&Folder::blob_name(&blob.digest)).map_err(read)? else {
            return Err(self.not_found(&what));
        };
        let mismatch = |found: String| RegistryError::DigestMismatch {
            place: self.name.clone(),
            what: what.clone(),
            expected: blob.digest.to_string(),
            found,
        };
        // Its size is part of a manifest whose digest is right, so another size is another content.
        let allowed = blob.size.saturating_add(SURPLUS);
        if size > allowed {
            return Err(mismatch(format!("another ({size} bytes, described as {})", blob.size)));
        }
        let mut hasher = Hasher::new(blob.digest.algorithm());
        let mut bytes = 0;
        loop {
            let n = file.read(buffer).map_err(read)?;
            if n == 0 {
                break;
            }
            bytes += n as u64;
            if bytes > allowed {
                return Err(mismatch(format!("another (over {allowed} bytes, described as {})", blob.size)));
            }
            hasher.update(&buffer[..n]);
        }
        let found = hasher.finish();
        if found != blob.digest.hex() {
            return Err(mismatch(format!("{}:{found}", blob.digest.algorithm().name())));
        }
        if bytes != blob.size {
            let cause = format!("its descriptor says {} bytes, it has {bytes}", blob.size);
            return Err(RegistryError::Malformed { place: self.name.clone(), what, cause });
        }
        Ok(bytes)
    }
}

enum Hasher {
    Sha256(Sha256),
    Sha384(Sha384),
    Sha512(Sha512),
}

impl Hasher {
    fn new(algorithm: DigestAlgorithm) -> Self {
        match algorithm {
            DigestAlgorithm::Sha256 => Self::Sha256(Sha256::new()),
            DigestAlgorithm::Sha384 => Self::Sha384(Sha384::new()),
            DigestAlgorithm::Sha512 => Self::Sha512(Sha512::new()),
        }
    }

    fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha256(h) => h.update(bytes),
            Self::Sha384(h) => h.update(bytes),
            Self::Sha512(h) => h.update(bytes),
        }
    }

    fn finish(self) -> String {
        match self {
            Self::Sha256(h) => hex(&h.finalize()),
            Self::Sha384(h) => hex(&h.finalize()),
            Self::Sha512(h) => hex(&h.finalize()),
        }
    }
}
