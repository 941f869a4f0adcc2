//! Listing referrers: the API with its pages, and the `sha256-<hex>` index where there is no API.
//!
//! Only a definite "no" of the registry counts as absence: 404 of the index's tag. A refusal, a rate limit or a
//! failure, of either, is an error; "no attestation" must never be what a 403 looks like.

use super::OciHttp;
use super::transport::Ask;
use crate::model::oci::{IMAGE_INDEX, IMAGE_MANIFEST};
use crate::model::{Descriptor, Digest, limits};
use crate::registry::RegistryError;
use crate::registry::listing::{Listing, fallback_tag, too_many};
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
}

impl OciHttp {
    /// The API's list and, where that is empty or there is none, the fallback index's; each digest once.
    pub(super) async fn list(
        &self,
        subject: &Digest,
        limit: usize,
        deadline: Instant,
    ) -> Result<Vec<Descriptor>, RegistryError> {
        let mut list = self.list_api(subject, limit, deadline).await?.unwrap_or_default();
        if list.is_empty() {
            let what = fallback_name(subject);
            let fallback = self.read_fallback(subject, deadline).await?;
            list = fallback.listing.entries().map_err(|e| self.transport.unreadable(&what, e))?;
        }
        let mut seen = HashSet::new();
        list.retain(|d| seen.insert(d.digest.clone()));
        if list.len() > limit { Err(too_many(&self.transport.place, subject, limit)) } else { Ok(list) }
    }

    /// All pages of the API; `None` when the registry has no such API.
    pub(super) async fn list_api(
        &self,
        subject: &Digest,
        limit: usize,
        deadline: Instant,
    ) -> Result<Option<Vec<Descriptor>>, RegistryError> {
        let what = format!("listing the referrers of {subject}");
        let mut url = self.url(&format!("referrers/{subject}"), deadline).await?;
        let (mut out, mut led_by) = (Vec::new(), None);
        for page in 0..limits::REFERRER_PAGES {
            let mut ask = Ask::get(url, &what, IMAGE_INDEX, limits::MANIFEST_BYTES, deadline);
            ask.led_by = led_by;
            let answer = self.send(&ask).await?;
            match answer.status {
                200 => {}
                // Registries from before the API: an unknown path, or one that looks like an upload or a manifest.
                400 | 404 | 405 | 406 if page == 0 => return Ok(None),
                _ => return Err(self.transport.refused(&what, &answer)),
            }
            let entries = Listing::parse(&answer.body).and_then(|l| l.entries());
            out.extend(entries.map_err(|e| self.transport.unreadable(&what, e))?);
            if out.len() > limit {
                return Err(too_many(&self.transport.place, subject, limit));
            }
            let Some(next) = next_page(answer.headers.get_all(LINK).iter().filter_map(|h| h.to_str().ok())) else {
                return Ok(Some(out));
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

    /// Reads the fallback index; an empty one when the registry says that there is none.
    pub(super) async fn read_fallback(&self, subject: &Digest, deadline: Instant) -> Result<Fallback, RegistryError> {
        let what = fallback_name(subject);
        let url = self.url(&format!("manifests/{}", fallback_tag(subject)), deadline).await?;
        let accept = format!("{IMAGE_INDEX}, {IMAGE_MANIFEST};q=0.5");
        let ask = Ask::get(url, &what, &accept, limits::MANIFEST_BYTES, deadline);
        let answer = self.send(&ask).await?;
        match answer.status {
            200 => {
                let listing = Listing::parse(&answer.body).map_err(|e| self.transport.unreadable(&what, e))?;
                Ok(Fallback { listing, exists: true, etag: answer.headers.get(ETAG).cloned() })
            }
            404 => Ok(Fallback { listing: Listing::empty(), exists: false, etag: None }),
            _ => Err(self.transport.refused(&what, &answer)),
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
