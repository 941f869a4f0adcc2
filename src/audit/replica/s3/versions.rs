//! Which versions a bucket has of each object. The one that was put first counts: to put another one on top, or to say that it is
//! deleted, is open to whoever may write there.

use super::answer::Version;
use super::bucket::{Bucket, Refused};
use crate::audit::Bad;
use crate::audit::replica::ReplicaError;
use crate::model::limits;
use crate::tlog::tile::Tile;
use std::collections::BTreeMap;

/// Versions by key, without the place's prefix, the newest first.
pub(super) type Objects = BTreeMap<String, Vec<Version>>;

/// Part of a list: every object from one key to another one.
#[derive(Default)]
pub(super) struct Window {
    prefix: String,
    /// Behind which key it begins.
    after: String,
    /// Up to which key it is whole; none where it is so up to the end.
    until: Option<String>,
    objects: Objects,
}

impl Window {
    /// Whether it would have a key.
    fn spans(&self, prefix: &str, key: &str) -> bool {
        self.prefix == prefix && *self.after < *key && self.until.as_deref().is_none_or(|until| key < until)
    }

    /// The versions of an object, the newest first; asks for a part of the list where this one has it not.
    pub(super) async fn of(
        &mut self,
        bucket: &Bucket,
        prefix: &str,
        key: &str,
    ) -> Result<Result<Vec<Version>, Refused>, ReplicaError> {
        if !self.spans(prefix, key) {
            let after = before(key);
            let from = if after.is_empty() { String::new() } else { format!("{}{after}", bucket.place.prefix) };
            let mut window = Self { prefix: prefix.to_owned(), after, ..Self::default() };
            let mut pages = Pages::of(bucket, prefix, from);
            while let Some(page) = pages.next().await? {
                match page {
                    Ok(versions) => put(&mut window.objects, versions, &bucket.place.prefix),
                    Err(refused) => return Ok(Err(refused)),
                }
                // The versions of the last key may go on.
                window.until = window.objects.last_key_value().map(|(key, _)| key.clone());
                if window.spans(prefix, key) {
                    break;
                }
            }
            if pages.is_over() {
                window.until = None;
            }
            *self = window;
        }
        Ok(Ok(self.objects.get(key).cloned().unwrap_or_default()))
    }
}

/// The pages of a list. Who may write there can make it as long as they like.
pub(super) struct Pages<'a> {
    bucket: &'a Bucket,
    prefix: &'a str,
    /// Behind which key and version the next one begins; none at the end.
    next: Option<(String, String)>,
    seen: usize,
}

impl<'a> Pages<'a> {
    /// Those of the objects whose keys begin so, from behind a key on.
    pub(super) fn of(bucket: &'a Bucket, prefix: &'a str, after: String) -> Self {
        Self { bucket, prefix, next: Some((after, String::new())), seen: 0 }
    }

    /// Whether there are no more.
    fn is_over(&self) -> bool {
        self.next.is_none()
    }

    /// The next page: keys and versions.
    ///
    /// # Errors
    /// [`ReplicaError::Unusable`] where the list has more than [`limits::REPLICA_FILES`] versions.
    pub(super) async fn next(&mut self) -> Result<Option<Result<Vec<(String, Version)>, Refused>>, ReplicaError> {
        let Some(from) = self.next.take() else { return Ok(None) };
        if self.seen > limits::REPLICA_FILES {
            let cause = format!("more than {} versions of {}", limits::REPLICA_FILES, self.prefix);
            return Err(self.bucket.unusable(cause));
        }
        let page = match self.bucket.versions(self.prefix, (&from.0, &from.1)).await? {
            Ok(page) => page,
            Err(refused) => return Ok(Some(Err(refused))),
        };
        if page.next.as_ref() == Some(&from) {
            return Err(self.bucket.unusable("its list of versions does not go on"));
        }
        self.seen += page.versions.len().max(1);
        self.next = page.next;
        Ok(Some(Ok(page.versions)))
    }
}

/// A key behind which the given one is the next that this log writes.
fn before(key: &str) -> String {
    let mut out = key.to_owned();
    match out.pop() {
        Some(last @ '1'..='9') => {
            out.push(char::from_u32(u32::from(last) - 1).unwrap_or('0'));
            out.push('~');
        }
        // Nothing that begins with what is left, and goes on with less than a 0, is written.
        Some(_) => {}
        None => {}
    }
    out
}

/// All objects whose keys begin so.
pub(super) async fn all(bucket: &Bucket, prefix: &str) -> Result<Result<Objects, Refused>, ReplicaError> {
    let mut out = Objects::new();
    let mut pages = Pages::of(bucket, prefix, String::new());
    while let Some(page) = pages.next().await? {
        match page {
            Ok(versions) => put(&mut out, versions, &bucket.place.prefix),
            Err(refused) => return Ok(Err(refused)),
        }
    }
    Ok(Ok(out))
}

fn put(objects: &mut Objects, versions: Vec<(String, Version)>, prefix: &str) {
    for (key, version) in versions {
        let key = key.strip_prefix(prefix).unwrap_or(&key).to_owned();
        objects.entry(key).or_default().push(version);
    }
}

/// The version that was put first: the one that counts.
pub(super) fn first(versions: &[Version]) -> Option<&Version> {
    versions.iter().rfind(|version| version.etag.is_some())
}

/// What somebody did to an object after it was put.
pub(super) fn covered(key: &str, versions: &[Version]) -> Option<Bad> {
    let first = first(versions)?;
    let index = Tile::parse(key).map(|tile| tile.first());
    let cause = match versions.iter().find(|version| version.etag != first.etag)? {
        Version { etag: None, .. } => {
            format!("{key} was marked as deleted there; the version that was copied is below")
        }
        _ => format!("another version of {key} was put on top of the one that was copied"),
    };
    Some(Bad { index, cause })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(id: &str, etag: Option<&str>) -> Version {
        Version { id: id.into(), etag: etag.map(str::to_owned) }
    }

    #[test]
    fn the_version_that_was_put_first_counts_and_what_is_on_top_is_said() {
        let (one, other, gone) = (version("1", Some("a")), version("2", Some("b")), version("3", None));
        let of = |versions: &[Version]| {
            (
                first(versions).map(|v| v.id.clone()),
                covered("tile/entries/001", versions).map(|bad| (bad.index, bad.cause)),
            )
        };
        assert_eq!(of(std::slice::from_ref(&one)), (Some("1".into()), None));
        // Put twice, as after an answer that was lost.
        assert_eq!(of(&[version("2", Some("a")), one.clone()]), (Some("1".into()), None));
        let (first, said) = of(&[other, one.clone()]);
        assert_eq!((first.as_deref(), said.clone().unwrap().0), (Some("1"), Some(256)));
        assert!(said.unwrap().1.contains("put on top"));
        let (first, said) = of(&[gone.clone(), one]);
        assert_eq!(first.as_deref(), Some("1"));
        assert!(said.unwrap().1.contains("marked as deleted"));
        assert_eq!(of(&[gone]).0, None);
    }

    #[test]
    fn a_window_begins_right_before_a_key() {
        for (key, wanted) in [("tile/0/x001/129", "tile/0/x001/128~"), ("tile/0/000", "tile/0/00"), ("", "")] {
            assert_eq!(before(key), wanted);
            assert!(*before(key) < *key || key.is_empty());
        }
        assert!(*before("tile/0/129") > *"tile/0/128.p/255");
    }
}
