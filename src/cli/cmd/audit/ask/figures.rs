//! Numbers and times as a person reads them.

use crate::inquiry::{Cost, Tokens};
use crate::model::{Timestamp, plural};

/// `48,213`
pub(in crate::cli::cmd::audit) fn number(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1 record`, `48,213 records`
pub(in crate::cli::cmd::audit) fn counted(n: u64, noun: &str) -> String {
    plural::counted(n, noun).replacen(&n.to_string(), &number(n), 1)
}

/// `812`, `41k`, `6.2M`; a number that nobody said is `-`.
pub(super) fn rough(n: Option<u64>) -> String {
    match n {
        None => "-".into(),
        Some(n @ 0..1000) => n.to_string(),
        Some(n @ 1000..1_000_000) => format!("{}k", n / 1000),
        Some(n) => format!("{}.{}M", n / 1_000_000, n % 1_000_000 / 100_000),
    }
}

/// `812k / 41k`
pub(in crate::cli::cmd::audit) fn in_and_out(tokens: Tokens) -> String {
    match (tokens.read, tokens.written) {
        (None, None) => "-".into(),
        (read, written) => format!("{} / {}", rough(read), rough(written)),
    }
}

/// `$3.87 r`
pub(super) fn cost(cost: Option<Cost>) -> String {
    cost.map_or_else(|| "-".into(), |cost| format!("{} {}", cost.amount, char::from(cost.known as u8)))
}

/// `2025-01-15 10:02`, UTC.
pub(in crate::cli::cmd::audit) fn minute(unix: i64) -> String {
    second(unix).chars().take(16).collect()
}

/// `2025-01-15 10:02:11`, UTC.
pub(in crate::cli::cmd::audit) fn second(unix: i64) -> String {
    let text = Timestamp::from_unix(unix).map(|time| time.to_string()).unwrap_or_default();
    text.replace('T', " ").trim_end_matches('Z').to_owned()
}

/// How long: `29m 29s`, `2h 5m`, `3d 4h`.
pub(super) fn span(seconds: i64) -> String {
    let s = seconds.max(0);
    match s {
        0..60 => format!("{s}s"),
        60..3600 => format!("{}m {}s", s / 60, s % 60),
        3600..86_400 => format!("{}h {}m", s / 3600, s % 3600 / 60),
        _ => format!("{}d {}h", s / 86_400, s % 86_400 / 3600),
    }
}

/// How long ago, in its largest unit: `2h ago`.
pub(super) fn ago(seconds: i64) -> String {
    match seconds {
        ..0 => "in the future".into(),
        0..60 => "just now".into(),
        60..3600 => format!("{}m ago", seconds / 60),
        3600..86_400 => format!("{}h ago", seconds / 3600),
        _ => format!("{}d ago", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_what_is_not_known_is_no_number() {
        assert_eq!((number(7), number(1000), number(48_213)), ("7".into(), "1,000".into(), "48,213".into()));
        let shown = [None, Some(0), Some(999), Some(41_999), Some(6_249_999)].map(rough);
        assert_eq!(shown, ["-", "0", "999", "41k", "6.2M"]);
        assert_eq!((span(1769), span(7500), span(-1)), ("29m 29s".into(), "2h 5m".into(), "0s".into()));
        assert_eq!((ago(7200), ago(-5)), ("2h ago".into(), "in the future".into()));
        assert_eq!(second(1_736_935_331), "2025-01-15 10:02:11");
        assert_eq!(minute(1_736_935_331), "2025-01-15 10:02");
    }
}
