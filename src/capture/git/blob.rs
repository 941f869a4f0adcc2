//! Contents as git names them: the ids of blobs, and what git makes of a file before it is one.

use crate::capture::input::bounded::Bounded;
use crate::capture::input::files;
use crate::model::{digest::hex, limits};
use aws_lc_rs::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY, SHA256};
use std::path::Path;

fn start(len: u64, sha256: bool) -> Context {
    let mut context = Context::new(if sha256 { &SHA256 } else { &SHA1_FOR_LEGACY_USE_ONLY });
    context.update(format!("blob {len}\0").as_bytes());
    context
}

/// The id of a blob of these bytes.
pub(super) fn id(bytes: &[u8], sha256: bool) -> String {
    let mut context = start(bytes.len() as u64, sha256);
    context.update(bytes);
    hex(context.finish().as_ref())
}

/// The blob id of a file; `None` when it cannot be read to its end, is over a limit, or the time is up.
pub(super) fn id_of_file(path: &Path, sha256: bool, time: &Bounded) -> Option<String> {
    let size = files::open_regular(path).ok()?.1.len();
    let mut context = start(size, sha256);
    let whole = Bounded::takes(size)
        && files::pieces(path, &|| time.goes_on(), &mut |piece| context.update(piece)).is_ok_and(|whole| whole);
    whole.then(|| hex(context.finish().as_ref()))
}

/// The pointer that Git LFS commits in place of a file (git-lfs specification v1).
pub(super) fn lfs_pointer(path: &Path, time: &Bounded) -> Option<Vec<u8>> {
    let size = files::open_regular(path).ok()?.1.len();
    let digest = time.sha256(path, &|_| {}).ok()?;
    Some(format!("version https://git-lfs.github.com/spec/v1\noid {digest}\nsize {size}\n").into_bytes())
}

/// A file as git commits it where it takes carriage returns away.
pub(super) fn without_carriage_returns(path: &Path) -> Option<Vec<u8>> {
    let bytes = files::read(path, limits::LOCK_FILE_BYTES).ok()?;
    let followed = |i: usize| bytes.get(i + 1) == Some(&b'\n');
    Some(bytes.iter().enumerate().filter(|(i, b)| **b != b'\r' || !followed(*i)).map(|(_, b)| *b).collect())
}
