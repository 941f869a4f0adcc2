//! Which trusted roots this machine verifies with.

use super::PlaceError;
use crate::model::{Timestamp, limits};
use crate::roots::{Embedded, Instance, RootFile, TrustSource as _, TufCache, TufRepository, cache_folder};
use crate::trust::TrustedRoot;
use std::path::PathBuf;

/// The roots to verify with: those that files name, or else the embedded ones, each replaced by a newer one that
/// `attest trust update` left. No network. `note` is told of what was kept and cannot be used.
///
/// # Errors
/// [`PlaceError`]: a file that cannot be read or is no trusted root.
pub async fn roots(files: &[PathBuf], now: Timestamp, note: &dyn Fn(&str)) -> Result<Vec<TrustedRoot>, PlaceError> {
    let mut out = Vec::new();
    for path in files {
        let file = RootFile::new(path);
        let failed = |source| PlaceError::Root { place: file.place().to_owned(), source: Box::new(source) };
        out.extend(file.roots(now).await.map_err(failed)?);
    }
    if out.len() > limits::ROOTS {
        return Err(PlaceError::TooManyRoots { found: out.len(), limit: limits::ROOTS });
    }
    if files.is_empty() {
        out = Embedded.roots(now).await.map_err(|e| PlaceError::Roots(Box::new(e)))?;
        // The embedded ones stand in the order of the instances.
        if let Some(folder) = cache_folder() {
            let kept = Instance::ALL.iter().map(|i| (TufRepository::of(*i), TufCache::new(&folder, i.name())));
            newer(&mut out, kept, now, note).await;
        }
    }
    Ok(out)
}

/// Puts what the last `attest trust update` left in the place of the roots that are older, one repository for each. A
/// cache that cannot be used is said and passed over.
async fn newer(
    roots: &mut [TrustedRoot],
    kept: impl Iterator<Item = (TufRepository, TufCache)>,
    now: Timestamp,
    note: &dyn Fn(&str),
) {
    for (root, (repository, cache)) in roots.iter_mut().zip(kept) {
        match repository.kept(&cache, now).await {
            Ok(Some(kept)) if kept.root.as_of() > root.as_of() => *root = kept.root,
            Ok(_) => {}
            Err(e) => note(&format!("the embedded root is used: {e} ({})", e.code())),
        }
    }
}

/// The roots that were used and are old, by origin, with their age in days.
#[must_use]
pub fn old(roots: &[TrustedRoot], now: Timestamp) -> Vec<(&str, i64)> {
    let used = roots.iter().filter(|r| r.was_used());
    used.filter_map(|r| Some((r.origin(), age_days(r, now).filter(|d| *d > limits::ROOT_AGE_DAYS)?))).collect()
}

/// Whole days since the root was known to be the instance's own, where that is known.
#[must_use]
pub fn age_days(root: &TrustedRoot, now: Timestamp) -> Option<i64> {
    const DAY: i64 = 86_400;
    Some((now.unix() - root.as_of()?.unix()) / DAY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_root_is_old_after_ninety_days_where_its_date_is_known() {
        let at = |text: &str| Timestamp::parse(text).unwrap();
        let embedded = TrustedRoot::embedded();
        let json = embedded[0].json();
        let dated = TrustedRoot::parse_one(json.as_bytes(), "tuf", at("2026-01-01T12:00:00Z")).unwrap();
        let roots = [dated, TrustedRoot::parse(json.as_bytes(), "file").unwrap().remove(0)];
        assert_eq!(old(&roots, at("2030-01-01T00:00:00Z")), [], "no root was used");
        for root in &roots {
            root.prepared().unwrap();
        }
        assert_eq!(old(&roots, at("2026-04-02T11:59:59Z")), []);
        assert_eq!(old(&roots, at("2026-04-02T12:00:00Z")), [("tuf", 91)]);
    }

    #[test]
    fn a_root_that_was_kept_is_used_where_it_is_newer_and_verifies() {
        // What `attest trust update` left of a repository that python-tuf made, and that repository's first root.
        const CACHE: &str = include_str!("../roots/testdata/tuf-cache.json");
        const PINNED: &[u8] = include_bytes!("../roots/testdata/tuf-root.json");
        const OTHER: &[u8] = include_bytes!("../roots/testdata/other-root.json");
        let embedded = TrustedRoot::embedded();
        // The origin of the root that is used and how often something was said.
        let used = |cache: Option<&str>, pinned: &[u8], as_of: &str| {
            let folder = tempfile::tempdir().unwrap();
            let cache_file = TufCache::new(folder.path(), "public-good");
            if let Some(text) = cache {
                assert!(crate::places::files::replace(cache_file.path(), text.as_bytes()).is_ok());
            }
            let as_of = Timestamp::parse(as_of).unwrap();
            let mut roots = vec![
                TrustedRoot::parse_one(embedded[0].json().as_bytes(), "embedded", as_of).unwrap(),
                embedded[1].clone(),
            ];
            let kept = [(TufRepository::new("https://tuf.example.org", pinned.to_vec()), cache_file)];
            let said = std::cell::RefCell::new(Vec::new());
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let now = Timestamp::parse("2036-01-01T00:00:00Z").unwrap();
            runtime.block_on(newer(&mut roots, kept.into_iter(), now, &|n| said.borrow_mut().push(n.to_owned())));
            assert_eq!(roots[1], embedded[1], "a root of another instance");
            (roots[0].origin().to_owned(), said.into_inner())
        };
        let (older, newer) = ("2020-01-01T00:00:00Z", "2035-01-01T00:00:00Z");
        assert_eq!(used(Some(CACHE), PINNED, older), ("TUF: https://tuf.example.org".into(), vec![]));
        assert_eq!(used(Some(CACHE), PINNED, newer), ("embedded".into(), vec![]));
        assert_eq!(used(None, PINNED, older), ("embedded".into(), vec![]));
        for (cache, pinned) in [(CACHE, OTHER), (&CACHE.replacen("\"files\"", "\"lost\"", 1), PINNED), ("{", PINNED)] {
            let (origin, said) = used(Some(cache), pinned, older);
            assert_eq!(origin, "embedded");
            assert!(said.len() == 1 && said[0].contains("(trust-cache-unusable)"), "{said:?}");
        }
    }
}
