//! Contents as git names them: the ids of blobs, and what git makes of a file before it is one.

use crate::capture::git::encoding::{Undecoded, of_the_work_tree};
use crate::capture::input::bounded::Bounded;
use crate::capture::input::files;
use crate::model::{digest::hex, limits};
use aws_lc_rs::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY, SHA256};
use std::path::Path;

/// How a file differs that differs in what it holds.
pub(super) const OTHER_CONTENT: &str = "other content";

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

/// What git does to a file before it commits it, beside filters.
#[derive(Clone, Copy, Default)]
pub(super) struct Conversion<'a> {
    /// Carriage returns before line breaks are taken away.
    pub(super) line_ends: bool,
    /// What stands in `$Id: ... $` is taken away.
    pub(super) ident: bool,
    /// The encoding that the file has in the work tree; it is committed in UTF-8.
    pub(super) encoding: Option<&'a [u8]>,
}

/// A file as git commits it.
///
/// # Errors
/// In what way it differs, where that is known: it cannot be read, or not in its encoding.
pub(super) fn committed(path: &Path, conversion: Conversion<'_>) -> Result<Vec<u8>, &'static str> {
    let mut bytes = files::read(path, limits::LOCK_FILE_BYTES).map_err(|_| OTHER_CONTENT)?;
    if let Some(name) = conversion.encoding {
        let text = std::str::from_utf8(name).map_err(|_| Undecoded::Unknown);
        bytes = text.and_then(|name| of_the_work_tree(&bytes, name)).map(String::into_bytes).map_err(|e| match e {
            Undecoded::Unknown => "other content; the encoding of its working-tree-encoding is not known here",
            Undecoded::Otherwise => OTHER_CONTENT,
        })?;
    }
    if conversion.line_ends {
        let followed = |i: usize| bytes.get(i + 1) == Some(&b'\n');
        bytes = bytes.iter().enumerate().filter(|(i, b)| **b != b'\r' || !followed(*i)).map(|(_, b)| *b).collect();
    }
    Ok(if conversion.ident { without_ids(&bytes) } else { bytes })
}

/// `$Id: OBJECT $`, which a checkout makes of `$Id$`, as `$Id$` again. With anything but the name of an object in it, somebody
/// else wrote it, who could have a build read what nobody committed.
fn without_ids(bytes: &[u8]) -> Vec<u8> {
    const BEGIN: &[u8] = b"$Id: ";
    let mut out = Vec::new();
    let mut rest = bytes;
    while let Some(at) = rest.windows(BEGIN.len()).position(|w| w == BEGIN) {
        let (before, found) = rest.split_at(at);
        out.extend_from_slice(before);
        let inside = &found[BEGIN.len()..];
        let digits = inside.iter().take_while(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')).count();
        rest = match inside[digits..].strip_prefix(b" $") {
            Some(after) if matches!(digits, 40 | 64) => {
                out.extend_from_slice(b"$Id$");
                after
            }
            _ => {
                out.extend_from_slice(BEGIN);
                inside
            }
        };
    }
    out.extend_from_slice(rest);
    out
}
