//! Listing referrers: the API with its pages, and the `sha256-<hex>` index where there is no API.
//!
//! Only a definite "no" of the registry counts as absence: 404 of the index's tag. A refusal, a rate limit or a
//! failure, of either, is an error; "no attestation" must never be what a 403 looks like.

use super::transport::Ask;
use super::{MANIFESTS, OciHttp, media_type};
use crate::model::oci::{IMAGE_INDEX, Manifest};
use crate::model::{Digest, limits};
use crate::registry::listing::{Listing, fallback_tag, too_many};
use crate::registry::{Referrers, RegistryError};
use reqwest::Url;
use reqwest::header::{ETAG, HeaderValue, LINK};
use std::collections::HashSet;
use tokio::time::Instant;

/// The fallback index as it was read.
pub(super) struct Fallback {
    pub(super) listing: Listing,
    /// Whether the tag is there at all.
    pub(super) exists: bool,
    pub(super) etag: Option<HeaderValue>,
    /// What the tag names where that is no index of referrers, in words: then the listing is empty.
    pub(super) instead: Option<String>,
}

/// What the referrers API answered.
pub(super) enum Api {
    /// Its listing, all pages.
    Listed(Referrers),
    /// There is none.
    Absent,
    /// An answer that is no listing, with status 200 or as a redirect: a proxy, a login page, a registry that knows no API
    /// and says so in no status.
    Unusable(RegistryError),
}

impl OciHttp {
    /// The API's list and, where that is empty or there is none, the fallback index's; each digest once.
    ///
    /// An API that answered nothing that can be used stays something that could not be read, beside what the fallback has.
    pub(super) async fn list(
        &self,
        subject: &Digest,
        limit: usize,
        deadline: Instant,
    ) -> Result<Referrers, RegistryError> {
        let (mut found, has_api) = match self.list_api(subject, limit, deadline).await? {
            Api::Listed(found) => (found, true),
            Api::Absent => (Referrers::default(), false),
            Api::Unusable(error) => (Referrers { unread: vec![error], ..Referrers::default() }, false),
        };
        if found.listed.is_empty() {
            let what = fallback_name(subject);
            let fallback = self.read_fallback(subject, deadline).await?;
            let (listed, odd) = fallback.listing.referrers().map_err(|e| self.transport.unreadable(&what, e))?;
            found.listed = listed;
            found.unread.extend(odd.into_iter().map(|e| self.transport.unreadable(&what, e)));
            // With the API, that tag is anybody's.
            found.aside.extend(fallback.instead.filter(|_| !has_api));
        }
        let mut seen = HashSet::new();
        found.listed.retain(|d| seen.insert(d.digest.clone()));
        let count = found.listed.len() + found.unread.len();
        if count > limit { Err(too_many(&self.transport.place, subject, limit)) } else { Ok(found) }
    }

    /// All pages of the API.
    pub(super) async fn list_api(
        &self,
        subject: &Digest,
        limit: usize,
        deadline: Instant,
    ) -> Result<Api, RegistryError> {
        let what = format!("listing the referrers of {subject}");
        let mut url = self.url(&format!("referrers/{subject}"), deadline).await?;
        let (mut out, mut led_by) = (Referrers::default(), None);
        for page in 0..limits::REFERRER_PAGES {
            let mut ask = Ask::get(url, &what, IMAGE_INDEX, limits::MANIFEST_BYTES, deadline);
            ask.led_by = led_by;
            let answer = match self.send(&ask).await {
                Err(error @ RegistryError::Malformed { .. }) if page == 0 => return Ok(Api::Unusable(error)),
                answer => answer?,
            };
            match answer.status {
                200 => {}
                // Registries from before the API: an unknown path, or one that looks like an upload or a manifest.
                400 | 404 | 405 | 406 if page == 0 => return Ok(Api::Absent),
                201..=399 if page == 0 => return Ok(Api::Unusable(self.transport.refused(&what, &answer))),
                _ => return Err(self.transport.refused(&what, &answer)),
            }
            let entries = Listing::parse(&answer.body).and_then(|l| l.referrers());
            let (listed, odd) = match entries.map_err(|e| self.transport.unreadable(&what, e)) {
                Err(error @ RegistryError::Malformed { .. }) if page == 0 => return Ok(Api::Unusable(error)),
                entries => entries?,
            };
            out.listed.extend(listed);
            out.unread.extend(odd.into_iter().map(|e| self.transport.unreadable(&what, e)));
            if out.listed.len() + out.unread.len() > limit {
                return Err(too_many(&self.transport.place, subject, limit));
            }
            let Some(next) = next_page(answer.headers.get_all(LINK).iter().filter_map(|h| h.to_str().ok())) else {
                return Ok(Api::Listed(out));
            };
            let next = answer.url.join(&next);
            let next = next.map_err(|e| self.transport.malformed(&what, format!("the next page's URL: {e}")))?;
            if next.origin() != ask.url.origin() {
                let cause = format!("its next page is on another host, {}", self.transport.named(&next));
                return Err(self.transport.malformed(&what, cause));
            }
            (url, led_by) = (next, Some(answer.url));
        }
        let (place, limit) = (self.transport.place.clone(), limits::REFERRER_PAGES);
        Err(RegistryError::TooLarge { place, what: format!("the number of pages of referrers of {subject}"), limit })
    }

    /// Reads the fallback index; an empty one when the registry says that there is none, or has an image there, as after a
    /// copy that tagged it with its digest.
    pub(super) async fn read_fallback(&self, subject: &Digest, deadline: Instant) -> Result<Fallback, RegistryError> {
        let what = fallback_name(subject);
        let url = self.url(&format!("manifests/{}", fallback_tag(subject)), deadline).await?;
        let accept = MANIFESTS.join(", ");
        let ask = Ask::get(url, &what, &accept, limits::MANIFEST_BYTES, deadline);
        let answer = self.send(&ask).await?;
        let none = |exists, instead| Fallback { listing: Listing::empty(), exists, etag: None, instead };
        match answer.status {
            200 => {}
            404 => return Ok(none(false, None)),
            _ => return Err(self.transport.refused(&what, &answer)),
        }
        match Listing::parse(&answer.body) {
            Ok(listing) if !listing.lists_platforms() => {
                Ok(Fallback { listing, exists: true, etag: answer.headers.get(ETAG).cloned(), instead: None })
            }
            Ok(_) => Ok(none(true, Some(instead(subject, "an image for several platforms")))),
            Err(e) => match Manifest::parse(&answer.body, &media_type(&answer).unwrap_or_default()) {
                Ok(manifest) if !manifest.is_index() && manifest.config.is_some() => {
                    Ok(none(true, Some(instead(subject, "an image"))))
                }
                _ => Err(self.transport.unreadable(&what, e)),
            },
        }
    }

    pub(super) async fn url(&self, path: &str, deadline: Instant) -> Result<Url, RegistryError> {
        self.transport.url(&format!("{}/{path}", self.repository), deadline).await
    }
}

/// What the fallback index is called in errors.
pub(super) fn fallback_name(subject: &Digest) -> String {
    format!("the referrers index `{}`", fallback_tag(subject))
}

/// What stands under the tag of a list of referrers.
fn instead(subject: &Digest, what: &str) -> String {
    format!("the tag `{}`, under which attestations would be listed, names {what}", fallback_tag(subject))
}

/// The target of `rel="next"` (RFC 8288).
fn next_page<'a>(headers: impl Iterator<Item = &'a str>) -> Option<String> {
    headers.flat_map(|h| h.split(',')).find_map(|link| {
        let (target, params) = link.trim().strip_prefix('<')?.split_once('>')?;
        let next = params.split(';').any(|p| {
            p.split_once('=').is_some_and(|(name, value)| {
                name.trim().eq_ignore_ascii_case("rel") && value.trim().trim_matches('"').eq_ignore_ascii_case("next")
            })
        });
        next.then(|| target.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::next_page;

    #[test]
    fn finds_the_next_page() {
        let next = |h: &str| next_page([h].into_iter());
        assert_eq!(next(r#"</v2/a?last=b>; rel="next""#).as_deref(), Some("/v2/a?last=b"));
        assert_eq!(next(r#"</x>; rel="prev", </y>; REL=next"#).as_deref(), Some("/y"));
        assert_eq!(next(r#"</x>; rel="prev""#), None);
        assert_eq!(next("garbage"), None);
    }
}
