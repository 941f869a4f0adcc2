//! Sums of money, without rounding.

use std::fmt;

/// Digits behind the point that are kept: as many as a record may have.
const DIGITS: usize = 18;
const ONE: u128 = 1_000_000_000_000_000_000;

/// An amount in US dollars, exact.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Amount(u128);

impl Amount {
    /// Reads digits with at most one point, as records have them.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (whole, part) = text.split_once('.').unwrap_or((text, ""));
        let digits = |text: &str| text.len() <= DIGITS && text.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty() || !digits(whole) || !digits(part) {
            return None;
        }
        let part: u128 = format!("{part:0<DIGITS$}").parse().ok()?;
        Some(Self(whole.parse::<u128>().ok()? * ONE + part))
    }

    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// What so many cost of which a million costs this, exactly; none where that is too much, or where one cannot be said in as many
    /// digits as are kept.
    #[must_use]
    pub fn of_million(self, count: u64) -> Option<Self> {
        const MILLION: u128 = 1_000_000;
        self.0.is_multiple_of(MILLION).then_some(())?;
        (self.0 / MILLION).checked_mul(u128::from(count)).map(Self)
    }

    /// As many parts that are equal but for the first, which has what cannot be divided: together they are the amount.
    #[must_use]
    pub fn part(self, of: u64, at: u64) -> Self {
        let of = u128::from(of.max(1));
        Self(self.0 / of + if at == 0 { self.0 % of } else { 0 })
    }

    /// Exactly, without zeros at the end.
    #[must_use]
    pub fn exact(self) -> String {
        let text = format!("{}.{:018}", self.0 / ONE, self.0 % ONE);
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    }
}

impl fmt::Display for Amount {
    /// To the cent, for people: `$3.87`; what is less than one is not shown as nothing.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cents = (self.0 + ONE / 200) / (ONE / 100);
        match (cents, self.0) {
            (0, 1..) => f.write_str("<$0.01"),
            _ => write!(f, "${}.{:02}", cents / 100, cents % 100),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_added_exactly() {
        let of = |text| Amount::parse(text).unwrap();
        assert_eq!(of("0.1").plus(of("0.2")).exact(), "0.3");
        assert_eq!(of("3.875").to_string(), "$3.88");
        assert_eq!(of("12").to_string(), "$12.00");
        assert_eq!(of("12").exact(), "12");
        assert_eq!(of("0.001").to_string(), "<$0.01");
        assert_eq!(of("0").to_string(), "$0.00");
        let parts: Vec<Amount> = (0..3).map(|at| of("0.1").part(3, at)).collect();
        assert_eq!(parts.iter().fold(of("0"), |sum, part| sum.plus(*part)), of("0.1"), "nothing is lost");
        assert_eq!(of("0.30").of_million(1).map(Amount::exact), Some("0.0000003".into()));
        assert_eq!(of("3").of_million(81_200).map(Amount::exact), Some("0.2436".into()));
        assert_eq!(of("0.000000000001").of_million(1).map(Amount::exact), Some("0.000000000000000001".into()));
        assert_eq!(of("0.0000000000001").of_million(1), None, "not to be said in as many digits");
        assert_eq!(of("999999999999999999").of_million(u64::MAX), None);
        for bad in ["", ".5", "1.2.3", "-1", "1e3", "0.1234567890123456789"] {
            assert_eq!(Amount::parse(bad), None, "{bad}");
        }
    }
}
