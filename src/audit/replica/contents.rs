//! A file of encrypted contents of one class and day: a first line, then for each record its number (8 bytes), the length of its
//! content (4 bytes), and the content, the higher bytes first.

/// The first line.
const HEAD: &[u8] = b"attest-contents1\n";

/// Contents as the bytes of a file.
pub(super) fn write<'a>(contents: impl Iterator<Item = (u64, &'a [u8])>) -> Vec<u8> {
    let mut out = HEAD.to_vec();
    for (index, content) in contents {
        out.extend(index.to_be_bytes());
        out.extend(u32::try_from(content.len()).unwrap_or(u32::MAX).to_be_bytes());
        out.extend(content);
    }
    out
}

/// The contents of a file; none where it is not one that was written here.
pub(super) fn read(bytes: &[u8]) -> Option<Vec<(u64, &[u8])>> {
    let mut rest = bytes.strip_prefix(HEAD)?;
    let mut out = Vec::new();
    while !rest.is_empty() {
        let (index, after) = rest.split_first_chunk::<8>()?;
        let (length, after) = after.split_first_chunk::<4>()?;
        let (content, after) = after.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
        out.push((u64::from_be_bytes(*index), content));
        rest = after;
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contents_are_read_as_they_were_written_and_no_part_of_a_file_is_one() {
        let all = [(7_u64, &b"seven"[..]), (9, b""), (u64::MAX, b"last")];
        let bytes = write(all.into_iter());
        assert_eq!(read(&bytes).unwrap(), all);
        let whole = [HEAD.len(), HEAD.len() + 17, HEAD.len() + 29, bytes.len()];
        for cut in 0..=bytes.len() {
            assert_eq!(read(&bytes[..cut]).is_some(), whole.contains(&cut), "cut at {cut}");
        }
        assert_eq!(read(b"attest-contents2\n"), None);
    }
}
