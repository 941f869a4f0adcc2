//! Storing blobs and manifests, and making a referrer a listed one.
//!
//! # The fallback index without conditional writes
//!
//! A registry without the referrers API leaves the listing to its clients: read the index, add an entry, write it
//! back. Two writers that read the same state both write, and the later one takes the other's entry away. Where the
//! registry honours `If-Match` that cannot happen. Where it does not (some send an `ETag` and still do not), this is done:
//!
//! 1. The writers of one user on one machine take turns, by an advisory lock held from reading to writing.
//! 2. After writing, the index is read again after a pause and once more after a longer one. Only when the own entry was
//!    there both times is the push done; otherwise it is added again, with longer pauses. Pauses have jitter, and grow
//!    with the time that this writer's own reading and writing took, since that is how long another's takes.
//!
//! What remains: a writer elsewhere whose own reading-to-writing takes longer than both pauses of another together (at
//! least 120 ms and nine times that other's own) can still write back a state from before the other's entry, after the
//! other has finished. The entry is then not listed although its manifest is there. Pushing the same again lists it.

use super::OciHttp;
use super::locks;
use super::referrers::{Api, fallback_name};
use super::transport::{Ask, Scope};
use crate::model::oci::IMAGE_INDEX;
use crate::model::{Descriptor, Digest, limits};
use crate::net::{Answer, growing};
use crate::registry::RegistryError;
use crate::registry::listing::{fallback_tag, referrer_entry, unreadable};
use reqwest::Method;
use reqwest::header::{HeaderValue, IF_MATCH, IF_NONE_MATCH, LOCATION};
use std::time::Duration;
use tokio::time::{self, Instant};

/// How often it is seen whether a registry's own listing has the entry, the first time after [`API_PAUSE`].
const API_ROUNDS: usize = 8;
const API_PAUSE: Duration = Duration::from_millis(15);
/// How often the fallback index is read and written for one entry.
const ROUNDS: usize = 40;
/// How often in a row the registry may fail to write the index.
const REFUSALS: usize = 6;
/// The own entry must be seen this often after it was written, each time after a pause of so many times what reading
/// and writing took.
const FACTORS: [u32; 2] = [3, 6];
/// The first pause before reading back; the next ones double.
const FIRST_PAUSE: Duration = Duration::from_millis(40);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// The pause before trying again when another writer was faster.
const CONFLICT_PAUSE: Duration = Duration::from_millis(5);

impl OciHttp {
    /// Uploads a blob in one piece, unless it is there.
    pub(super) async fn upload(&self, digest: &Digest, bytes: &[u8], deadline: Instant) -> Result<(), RegistryError> {
        self.own_digest("blob", digest, bytes)?;
        let what = format!("looking for blob {digest}");
        let url = self.url(&format!("blobs/{digest}"), deadline).await?;
        let answer = self.send(&Ask { scope: Scope::Push, ..Ask::head(url, &what, "*/*", deadline) }).await?;
        match answer.status {
            200 => return Ok(()),
            404 => {}
            _ => return Err(self.transport.refused(&what, &answer)),
        }
        let what = format!("uploading blob {digest}");
        let url = self.url("blobs/uploads/", deadline).await?;
        let answer = self.send(&Ask::write(Method::POST, url, &what, deadline)).await?;
        if answer.status != 202 {
            return Err(self.transport.refused(&what, &answer));
        }
        let location = answer.header(LOCATION).and_then(|l| answer.url.join(l).ok());
        let mut location = location.ok_or_else(|| self.transport.malformed(&what, "no usable `Location`"))?;
        location.query_pairs_mut().append_pair("digest", &digest.to_string());
        // The transport leaves the credentials out when this is another host.
        let mut ask = Ask::write(Method::PUT, location, &what, deadline);
        ask.led_by = Some(answer.url);
        ask.body = Some(("application/octet-stream", bytes));
        let answer = self.send(&ask).await?;
        if matches!(answer.status, 200 | 201 | 204) {
            return Ok(());
        }
        Err(self.transport.refused(&what, &answer))
    }

    /// Begins an upload and gives it up: the registry answers, takes the credentials, and lets them write to this repository.
    pub(super) async fn begin(&self, deadline: Instant) -> Result<(), RegistryError> {
        let what = "asking whether this repository can be pushed to";
        let url = self.url("blobs/uploads/", deadline).await?;
        let answer = self.send(&Ask::write(Method::POST, url, what, deadline)).await?;
        if answer.status != 202 {
            return Err(self.transport.refused(what, &answer));
        }
        let location = answer.header(LOCATION).and_then(|l| answer.url.join(l).ok());
        // Only an upload is given up, and only here: a registry could name anything else to have it deleted.
        let is_own = |l: &reqwest::Url| l.origin() == answer.url.origin() && l.path().contains("/blobs/uploads/");
        if let Some(location) = location.filter(is_own) {
            let mut ask = Ask::write(Method::DELETE, location, what, deadline);
            ask.led_by = Some(answer.url);
            // Not every registry takes uploads back; each forgets them.
            let _ = self.send(&ask).await;
        }
        Ok(())
    }

    /// Stores a manifest by digest and sees that it is listed. What is there and listed is left as it is.
    pub(super) async fn store(
        &self,
        descriptor: &Descriptor,
        bytes: &[u8],
        deadline: Instant,
    ) -> Result<(), RegistryError> {
        let digest = &descriptor.digest;
        let what = format!("pushing manifest {digest}");
        self.own_digest("manifest", digest, bytes)?;
        let referrer = referrer_entry(descriptor, bytes).map_err(|e| unreadable(&self.transport.place, &what, e))?;
        let url = self.url(&format!("manifests/{digest}"), deadline).await?;
        let head = Ask::head(url.clone(), &what, &descriptor.media_type, deadline);
        let there = self.send(&Ask { scope: Scope::Push, ..head }).await?;
        match there.status {
            200 if self.is_listed(referrer.as_ref(), deadline).await? => return Ok(()),
            200 | 404 => {}
            _ => return Err(self.transport.refused(&what, &there)),
        }
        let mut ask = Ask::write(Method::PUT, url, &what, deadline);
        ask.body = Some((&descriptor.media_type, bytes));
        let answer = self.put(&ask).await?;
        let Some((subject, entry)) = referrer else { return Ok(()) };
        if answer.header("oci-subject") == Some(&subject.digest.to_string())
            && self.is_listed_by_api(&subject.digest, &ask, &entry, deadline).await?
        {
            return Ok(());
        }
        self.list_in_fallback(&subject.digest, &entry, deadline).await
    }

    async fn put(&self, ask: &Ask<'_>) -> Result<Answer, RegistryError> {
        let answer = self.send(ask).await?;
        if matches!(answer.status, 200..=202 | 204) {
            return Ok(answer);
        }
        Err(self.transport.refused(ask.what, &answer))
    }

    /// Sees that the registry lists what it said it would, and pushes again where it does not: olareg 0.1 loses one of
    /// two that come at the same moment. `false` when there is no API after all.
    async fn is_listed_by_api(
        &self,
        subject: &Digest,
        push: &Ask<'_>,
        entry: &Descriptor,
        deadline: Instant,
    ) -> Result<bool, RegistryError> {
        let mut pauses = growing(API_PAUSE, LONGEST_PAUSE, API_ROUNDS);
        let lost = |tries| {
            let (place, what) = (self.transport.place.clone(), format!("manifest {}", entry.digest));
            RegistryError::NotListed { place, what, tries }
        };
        for round in 1..=API_ROUNDS {
            pause(pauses.next(), Duration::ZERO, deadline).await.ok_or_else(|| lost(round))?;
            match self.list_api(subject, limits::REFERRERS, deadline).await {
                Ok(Api::Listed(found)) if found.listed.iter().any(|d| d.digest == entry.digest) => return Ok(true),
                Ok(Api::Listed(_)) => self.put(push).await?,
                Ok(Api::Absent | Api::Unusable(_)) => return Ok(false),
                // More than are looked at: the registry's word has to do.
                Err(RegistryError::TooLarge { .. }) => return Ok(true),
                Err(e) => return Err(e),
            };
        }
        Err(lost(API_ROUNDS))
    }

    async fn is_listed(
        &self,
        referrer: Option<&(Descriptor, Descriptor)>,
        deadline: Instant,
    ) -> Result<bool, RegistryError> {
        let Some((subject, entry)) = referrer else { return Ok(true) };
        match self.list(&subject.digest, limits::REFERRERS, deadline).await {
            Ok(found) => Ok(found.listed.iter().any(|d| d.digest == entry.digest)),
            // More than are looked at: pushing again does no harm.
            Err(RegistryError::TooLarge { .. }) => Ok(false),
            Err(e) => Err(e),
        }
    }

    /// Adds an entry to the fallback index and makes sure that it stays: see the module's text.
    async fn list_in_fallback(
        &self,
        subject: &Digest,
        entry: &Descriptor,
        deadline: Instant,
    ) -> Result<(), RegistryError> {
        let mut pauses = growing(FIRST_PAUSE, LONGEST_PAUSE, ROUNDS * FACTORS.len());
        let mut conflicts = growing(CONFLICT_PAUSE, LONGEST_PAUSE / 4, ROUNDS);
        let lost = |tries| {
            let what = format!("manifest {} in {}", entry.digest, fallback_name(subject));
            RegistryError::NotListed { place: self.transport.place.clone(), what, tries }
        };
        let mut refusals = 0;
        for round in 1..=ROUNDS {
            let own = match self.add_once(subject, entry, deadline).await? {
                Added::WasThere if round == 1 => return Ok(()),
                Added::WasThere => Duration::ZERO,
                Added::Written(own) => own,
                Added::Conflict(refusal) => {
                    refusals = if refusal.is_some() { refusals + 1 } else { 0 };
                    if let Some(error) = refusal.filter(|_| refusals >= REFUSALS) {
                        return Err(error);
                    }
                    pause(conflicts.next(), Duration::ZERO, deadline).await.ok_or_else(|| lost(round))?;
                    continue;
                }
            };
            let mut stays = true;
            for factor in FACTORS {
                pause(pauses.next(), own * factor, deadline).await.ok_or_else(|| lost(round))?;
                stays = stays && self.read_fallback(subject, deadline).await?.listing.contains(&entry.digest);
                if !stays {
                    break;
                }
            }
            if stays {
                return Ok(());
            }
        }
        Err(lost(ROUNDS))
    }

    /// One reading, adding and writing back.
    async fn add_once(&self, subject: &Digest, entry: &Descriptor, deadline: Instant) -> Result<Added, RegistryError> {
        let _turn = locks::take(self.locks.as_deref(), &self.transport.place, subject).await;
        let started = Instant::now();
        let mut old = self.read_fallback(subject, deadline).await?;
        if let Some(instead) = old.instead {
            // Whoever runs the image by that tag would find the list of its attestations there.
            let cause = format!(
                "{instead}: the list would replace it; keep attestations in another repository, with \
                                 --attestation-repository"
            );
            return Err(self.transport.malformed(&format!("writing {}", fallback_name(subject)), cause));
        }
        if old.listing.contains(&entry.digest) {
            return Ok(Added::WasThere);
        }
        old.listing.push(entry);
        let bytes = old.listing.to_bytes();
        let what = format!("writing {}", fallback_name(subject));
        if bytes.len() > limits::MANIFEST_BYTES {
            // What could be written and not read again would hide every other entry too.
            let (place, limit) = (self.transport.place.clone(), limits::MANIFEST_BYTES);
            return Err(RegistryError::TooLarge { place, what: format!("{what} (bytes)"), limit });
        }
        let url = self.url(&format!("manifests/{}", fallback_tag(subject)), deadline).await?;
        let mut ask = Ask::write(Method::PUT, url, &what, deadline);
        ask.body = Some((IMAGE_INDEX, &bytes));
        // A second try would write what was read before the first.
        ask.repeatable = false;
        match old.etag {
            Some(etag) => drop(ask.headers.insert(IF_MATCH, etag)),
            None if !old.exists => drop(ask.headers.insert(IF_NONE_MATCH, HeaderValue::from_static("*"))),
            None => {}
        }
        let answer = self.send(&ask).await?;
        match answer.status {
            200..=202 | 204 => Ok(Added::Written(started.elapsed())),
            409 | 412 => Ok(Added::Conflict(None)),
            429 | 500..=504 => {
                let refusal = self.transport.refused(&what, &answer);
                Ok(Added::Conflict(Some(refusal)))
            }
            _ => Err(self.transport.refused(&what, &answer)),
        }
    }

    fn own_digest(&self, what: &str, digest: &Digest, bytes: &[u8]) -> Result<(), RegistryError> {
        if digest.matches(bytes) {
            return Ok(());
        }
        Err(RegistryError::DigestMismatch {
            place: self.transport.place.clone(),
            what: format!("{what} {digest}"),
            expected: digest.to_string(),
            found: format!("{}:{}", digest.algorithm().name(), digest.algorithm().hex_of(bytes)),
        })
    }
}

/// Waits for what is due or for what is needed, if that is longer; `None` when there is no time for it.
async fn pause(due: Option<Duration>, needed: Duration, deadline: Instant) -> Option<()> {
    let wait = due.unwrap_or(LONGEST_PAUSE).max(needed.min(LONGEST_PAUSE * 2));
    (Instant::now() + wait < deadline).then_some(())?;
    time::sleep(wait).await;
    Some(())
}

enum Added {
    /// Nothing was to be done.
    WasThere,
    /// The index was written with the entry; how long that took from the start of reading.
    Written(Duration),
    /// Somebody else was faster, or the registry could not write, with its refusal: to be read again.
    Conflict(Option<RegistryError>),
}
