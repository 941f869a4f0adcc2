//! Where the bundles of files are: one rule for whoever writes them and whoever looks for them. Paths only.

use std::path::{Component, Path, PathBuf};

/// Name of the file that keeps the attestations of several files together, one per line.
pub const SHARED_BUNDLES: &str = "attest.sigstore.jsonl";

/// The first bundle of one file alone: `F.sigstore.json`.
#[must_use]
pub fn own_bundle(file: &Path) -> PathBuf {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    file.with_file_name(format!("{name}.sigstore.json"))
}

/// Whether a file has a name that `attest create` gives to files of bundles.
#[must_use]
pub fn is_named_as_bundles(name: &str) -> bool {
    [".sigstore.json", ".sigstore.jsonl"].iter().any(|end| name.ends_with(end))
}

/// What takes further bundles beside a file that holds one: `F.sigstore.jsonl` beside `F.sigstore.json`. A file of any
/// other name takes them itself.
#[must_use]
pub fn further(bundle: &Path) -> PathBuf {
    match bundle.extension() {
        Some(e) if e == "json" => bundle.with_extension("jsonl"),
        _ => bundle.to_owned(),
    }
}

/// The file of the bundles of several files, or of a list of files: in the deepest folder that all of them lie in. Relative
/// to `base`, the working folder, where it is below that.
#[must_use]
pub fn shared_bundles<'a>(files: impl IntoIterator<Item = &'a PathBuf>, base: &Path) -> PathBuf {
    let mut folders = files.into_iter().map(|file| folder(file, base));
    let first = folders.next().unwrap_or_else(|| base.to_owned());
    let deepest = folders.fold(first, |all, one| {
        all.components().zip(one.components()).take_while(|(a, b)| a == b).map(|(a, _)| a).collect()
    });
    deepest.strip_prefix(base).map_or_else(|_| deepest.clone(), Path::to_path_buf).join(SHARED_BUNDLES)
}

/// Every file in which bundles of a file may be: its own, and those of several files in its folder and in each above it, up
/// to the working folder `base`.
#[must_use]
pub fn bundles_of(file: &Path, base: &Path) -> Vec<PathBuf> {
    let own = own_bundle(file);
    let mut out = vec![further(&own), own];
    out.reverse();
    let folder = folder(file, base);
    match folder.strip_prefix(base) {
        Ok(below) => out.extend(below.ancestors().map(|f| f.join(SHARED_BUNDLES))),
        Err(_) => out.push(file.with_file_name(SHARED_BUNDLES)),
    }
    out
}

/// The folder of a file, from the root.
fn folder(file: &Path, base: &Path) -> PathBuf {
    let mut path = plain(&base.join(file));
    path.pop();
    path
}

/// A path without `.` and `..`, as far as they can be taken away: `oci:build/../other` is not below `build`.
#[must_use]
pub fn plain(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if matches!(out.components().next_back(), Some(Component::Normal(_))) => {
                out.pop();
            }
            part => out.push(part),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shared(files: &[&str]) -> String {
        let files: Vec<_> = files.iter().map(PathBuf::from).collect();
        shared_bundles(&files, Path::new("/w")).display().to_string()
    }

    #[test]
    fn several_files_have_one_place_that_does_not_depend_on_their_order() {
        assert_eq!(shared(&["dist/a", "dist/b"]), "dist/attest.sigstore.jsonl");
        assert_eq!(shared(&["dist/a", "lib/b"]), "attest.sigstore.jsonl");
        assert_eq!(shared(&["lib/b", "dist/a"]), "attest.sigstore.jsonl");
        assert_eq!(shared(&["dist/x/a", "./dist/y/../b"]), "dist/attest.sigstore.jsonl");
        assert_eq!(shared(&["/w/dist/a", "dist/b"]), "dist/attest.sigstore.jsonl");
        assert_eq!(shared(&["/o/a", "/o/b"]), "/o/attest.sigstore.jsonl");
        assert_eq!(shared(&["../a", "b"]), "/attest.sigstore.jsonl");
        assert_eq!(shared(&[]), "attest.sigstore.jsonl");
    }

    #[test]
    fn wherever_several_were_written_each_of_them_is_looked_for() {
        let found = |file: &str| bundles_of(Path::new(file), Path::new("/w"));
        let paths = |names: &[&str]| names.iter().map(PathBuf::from).collect::<Vec<_>>();
        let s = SHARED_BUNDLES;
        let at = |folder: &str| format!("{folder}/{s}");
        assert_eq!(
            found("dist/x/a"),
            paths(&["dist/x/a.sigstore.json", "dist/x/a.sigstore.jsonl", &at("dist/x"), &at("dist"), s])
        );
        assert_eq!(found("/o/p/a"), paths(&["/o/p/a.sigstore.json", "/o/p/a.sigstore.jsonl", &at("/o/p")]));
        for (one, other) in [("dist/a", "lib/b"), ("dist/x/a", "dist/b"), ("a", "b")] {
            let written = PathBuf::from(shared(&[one, other]));
            assert!(found(one).contains(&written) && found(other).contains(&written), "{one} {other}");
        }
    }

    #[test]
    fn what_holds_one_bundle_has_a_neighbour_for_more() {
        assert_eq!(further(&own_bundle(Path::new("d/app.tar.gz"))), Path::new("d/app.tar.gz.sigstore.jsonl"));
        assert_eq!(further(Path::new(SHARED_BUNDLES)), Path::new(SHARED_BUNDLES));
    }
}
