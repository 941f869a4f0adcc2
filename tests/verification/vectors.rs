//! Data made by other projects, which lies beside the checkout and not in it.

use std::path::{Path, PathBuf};

/// The folder `name` of `../shared/vectors`; `None` where it is absent, for a test that then says what it skipped.
///
/// With `ATTEST_VECTORS=required`, as `.ci/run` sets it, its absence fails: a check that quietly looked at nothing would
/// be taken for one that passed.
pub(crate) fn vectors(name: &str) -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/vectors").join(name);
    let required = std::env::var_os("ATTEST_VECTORS").is_some_and(|v| v == "required");
    found(folder, required).unwrap_or_else(|folder| {
        panic!("{} is not there, and ATTEST_VECTORS=required: unset it to skip what needs it", folder.display())
    })
}

fn found(folder: PathBuf, required: bool) -> Result<Option<PathBuf>, PathBuf> {
    match folder.is_dir() {
        true => Ok(Some(folder)),
        false if required => Err(folder),
        false => Ok(None),
    }
}

#[test]
fn the_absence_of_vectors_fails_where_they_are_required() {
    let folder = tempfile::tempdir().unwrap();
    let (there, absent) = (folder.path().to_owned(), folder.path().join("absent"));
    for required in [false, true] {
        assert_eq!(found(there.clone(), required), Ok(Some(there.clone())));
    }
    assert_eq!(found(absent.clone(), false), Ok(None));
    assert_eq!(found(absent.clone(), true), Err(absent));
}
