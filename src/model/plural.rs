//! Numbers of things, for people.

use std::fmt::Display;

/// `1 blob`, `2 blobs`, `0 entries`.
pub fn counted<N: Display + PartialEq + From<u8>>(n: N, noun: &str) -> String {
    if n == N::from(1) {
        return format!("{n} {noun}");
    }
    // Behind a vowel a `y` stays: days.
    match noun.strip_suffix('y').filter(|stem| !stem.ends_with(['a', 'e', 'o', 'u'])) {
        Some(stem) => format!("{n} {stem}ies"),
        None if noun.ends_with('s') => format!("{n} {noun}es"),
        None => format!("{n} {noun}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_thing_is_no_plural() {
        assert_eq!((counted(1_u64, "witness"), counted(0_u64, "witness")), ("1 witness".into(), "0 witnesses".into()));
        assert_eq!((counted(1_u64, "blob"), counted(0_u64, "blob")), ("1 blob".into(), "0 blobs".into()));
        assert_eq!(
            (counted(1_usize, "log entry"), counted(2_usize, "log entry")),
            ("1 log entry".into(), "2 log entries".into())
        );
        assert_eq!((counted(1_i64, "day"), counted(30_i64, "day")), ("1 day".into(), "30 days".into()));
    }
}
