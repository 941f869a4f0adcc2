//! Digests: one ([`Digest`], as OCI names content) and several of one thing ([`DigestSet`], as in-toto does).

use super::json::{Field, JsonError};
use super::limits;
use serde::ser::{Serialize, SerializeMap as _, Serializer};
use serde_json::Value;
use sha2::{Digest as _, Sha256, Sha384, Sha512};
use std::borrow::Cow;
use std::fmt::{self, Write as _};

/// A digest algorithm strong enough to bind a statement to an artifact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DigestAlgorithm {
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

impl DigestAlgorithm {
    /// All that bind.
    pub const ALL: [Self; 3] = [Self::Sha256, Self::Sha384, Self::Sha512];

    /// Name as in-toto and OCI write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha384 => "sha384",
            Self::Sha512 => "sha512",
        }
    }

    /// The algorithm of a name, if it is one that binds.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|a| a.name() == name)
    }

    /// Length of the digest in lower-case hex digits.
    #[must_use]
    pub const fn hex_len(self) -> usize {
        match self {
            Self::Sha256 => 64,
            Self::Sha384 => 96,
            Self::Sha512 => 128,
        }
    }

    /// Lower-case hex of the digest of `bytes`.
    #[must_use]
    pub fn hex_of(self, bytes: &[u8]) -> String {
        match self {
            Self::Sha256 => hex(&Sha256::digest(bytes)),
            Self::Sha384 => hex(&Sha384::digest(bytes)),
            Self::Sha512 => hex(&Sha512::digest(bytes)),
        }
    }
}

/// Lower-case hex.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut s, b| {
        let _ = write!(s, "{b:02x}");
        s
    })
}

/// The bytes of hex in lower case; none of anything else.
#[must_use]
pub fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |b: u8| if b.is_ascii_uppercase() { None } else { char::from(b).to_digit(16) };
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let bytes = pairs.iter().map(|[high, low]| u8::try_from(digit(*high)? << 4 | digit(*low)?).ok());
    if rest.is_empty() { bytes.collect() } else { None }
}

fn is_lower_hex(s: &str) -> bool {
    s.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// One digest, as OCI writes it: `sha256:` and 64 lower-case hex digits (also `sha384`, `sha512`).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest {
    algorithm: DigestAlgorithm,
    hex: String,
}

impl Digest {
    /// Reads `ALGORITHM:HEX`.
    ///
    /// # Errors
    /// [`DigestError`] for another algorithm, length or case.
    pub fn parse(text: &str) -> Result<Self, DigestError> {
        let error = || DigestError { found: text.chars().take(160).collect() };
        let (name, hex) = text.split_once(':').ok_or_else(error)?;
        let algorithm = DigestAlgorithm::by_name(name).ok_or_else(error)?;
        Self::from_hex(algorithm, hex).ok_or_else(error)
    }

    /// From lower-case hex of the right length.
    #[must_use]
    pub fn from_hex(algorithm: DigestAlgorithm, hex: &str) -> Option<Self> {
        (hex.len() == algorithm.hex_len() && is_lower_hex(hex)).then(|| Self { algorithm, hex: hex.to_owned() })
    }

    /// The SHA-256 digest of `bytes`.
    #[must_use]
    pub fn sha256(bytes: &[u8]) -> Self {
        Self { algorithm: DigestAlgorithm::Sha256, hex: DigestAlgorithm::Sha256.hex_of(bytes) }
    }

    /// Whether `bytes` have this digest.
    #[must_use]
    pub fn matches(&self, bytes: &[u8]) -> bool {
        self.algorithm.hex_of(bytes) == self.hex
    }

    /// The algorithm.
    #[must_use]
    pub const fn algorithm(&self) -> DigestAlgorithm {
        self.algorithm
    }

    /// Lower-case hex without the algorithm.
    #[must_use]
    pub fn hex(&self) -> &str {
        &self.hex
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.algorithm.name(), self.hex)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Not a digest as OCI writes it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected a digest like sha256: and 64 lower-case hex digits (or sha384, sha512), found `{found}`")]
pub struct DigestError {
    /// The text, cut at 160 characters.
    pub found: String,
}

/// Digests of one thing by algorithm (in-toto `DigestSet`): at least one, unknown algorithms kept.
///
/// Values of known algorithms have the right length and are lower-case hex; `gitCommit`, `gitTree`, `gitBlob` and
/// `gitTag` have 40 or 64 digits. Values of unknown algorithms are any visible ASCII up to 512 characters.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DigestSet(Box<[Entry]>);

/// Algorithm and value, in the order of the algorithms' names. A lock file has a hundred thousand.
type Entry = (Cow<'static, str>, Box<str>);

/// A name of an algorithm, which most share.
fn name_of(algorithm: &str) -> Cow<'static, str> {
    let known = NAMES.iter().find(|known| **known == algorithm);
    known.map_or_else(|| Cow::Owned(algorithm.to_owned()), |known| Cow::Borrowed(*known))
}

/// Names that most digests have.
const NAMES: &[&str] = &["sha256", "sha384", "sha512", "sha1", "gitCommit", "gitTree"];

impl DigestSet {
    /// A set of one.
    #[must_use]
    pub fn of(digest: &Digest) -> Self {
        Self(Box::new([(Cow::Borrowed(digest.algorithm.name()), digest.hex.as_str().into())]))
    }

    /// The SHA-256 digest of `bytes` as a set.
    #[must_use]
    pub fn sha256(bytes: &[u8]) -> Self {
        Self::of(&Digest::sha256(bytes))
    }

    /// From pairs of algorithm and value.
    ///
    /// # Errors
    /// When it would be empty, over [`limits::DIGESTS`], or a value is not canonical; the error names `path`.
    pub fn new<A: Into<String>, V: Into<String>>(
        path: &str,
        pairs: impl IntoIterator<Item = (A, V)>,
    ) -> Result<Self, JsonError> {
        let mut all: Vec<Entry> = Vec::with_capacity(1);
        for (algorithm, value) in pairs {
            let (algorithm, value): (String, String) = (algorithm.into(), value.into());
            check(path, &algorithm, &value)?;
            match all.binary_search_by(|(known, _)| known.as_ref().cmp(&algorithm)) {
                Ok(at) => all[at].1 = value.into(),
                Err(at) => all.insert(at, (name_of(&algorithm), value.into())),
            }
        }
        if all.is_empty() {
            return Err(JsonError::unexpected(path, "at least one digest", "none"));
        }
        if all.len() > limits::DIGESTS {
            return Err(JsonError::TooLarge { what: format!("the digest set `{path}`"), limit: limits::DIGESTS });
        }
        Ok(Self(all.into()))
    }

    /// Reads the JSON form.
    ///
    /// # Errors
    /// As [`DigestSet::new`], and when it is no object of strings.
    pub fn from_json(field: &Field<'_>) -> Result<Self, JsonError> {
        let mut pairs = Vec::new();
        for (algorithm, value) in field.object()? {
            let value = value.as_str().ok_or_else(|| {
                JsonError::unexpected(format!("{}.{algorithm}", field.path()), "a string", super::json::kind(value))
            })?;
            pairs.push((algorithm.as_str(), value));
        }
        Self::new(field.path(), pairs)
    }

    /// The value of an algorithm.
    #[must_use]
    pub fn get(&self, algorithm: &str) -> Option<&str> {
        self.iter().find(|(name, _)| *name == algorithm).map(|(_, value)| value)
    }

    /// The digests that can bind a statement to an artifact.
    pub fn strong(&self) -> impl Iterator<Item = Digest> + '_ {
        DigestAlgorithm::ALL.into_iter().filter_map(|a| Digest::from_hex(a, self.get(a.name())?))
    }

    /// Algorithm and value pairs, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(a, v)| (a.as_ref(), v.as_ref()))
    }

    /// Adds a digest; the same algorithm again with another value is refused.
    #[must_use]
    pub fn with(self, digest: &Digest) -> Option<Self> {
        let name = digest.algorithm.name();
        if let Some(value) = self.get(name) {
            return (value == digest.hex).then_some(self);
        }
        let mut all = self.0.into_vec();
        let at = all.partition_point(|(known, _)| known.as_ref() < name);
        all.insert(at, (Cow::Borrowed(name), digest.hex.as_str().into()));
        Some(Self(all.into()))
    }

    /// The JSON form.
    #[must_use]
    pub fn to_json(&self) -> Value {
        Value::Object(self.iter().map(|(a, v)| (a.to_owned(), Value::from(v))).collect())
    }

    /// An estimate of the memory that it takes (bytes).
    #[must_use]
    pub fn memory(&self) -> usize {
        self.0.iter().map(|(name, value)| size_of::<Entry>() + name.len() + value.len()).sum()
    }
}

impl Serialize for DigestSet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (algorithm, value) in self.iter() {
            map.serialize_entry(algorithm, value)?;
        }
        map.end()
    }
}

fn check(path: &str, algorithm: &str, value: &str) -> Result<(), JsonError> {
    let at = || format!("{path}.{algorithm}");
    if algorithm.is_empty() || algorithm.len() > 64 || !algorithm.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(JsonError::unexpected(path, "a digest algorithm's name", format!("`{algorithm}`")));
    }
    let lengths: &[usize] = match algorithm {
        "sha256" | "narSha256" => &[64],
        "sha384" => &[96],
        "sha512" => &[128],
        "sha1" => &[40],
        "sha224" => &[56],
        "gitCommit" | "gitTree" | "gitBlob" | "gitTag" => &[40, 64],
        _ => {
            // Another spelling of a strong algorithm (`SHA256`, `sha-256`) would be read by some and not by others.
            let plain: String =
                algorithm.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
            if DigestAlgorithm::by_name(&plain).is_some() {
                return Err(JsonError::unexpected(at(), format!("the name `{plain}`"), format!("`{algorithm}`")));
            }
            if value.is_empty() || value.len() > 512 || !value.bytes().all(|b| b.is_ascii_graphic()) {
                return Err(JsonError::unexpected(at(), "up to 512 visible ASCII characters", format!("`{value}`")));
            }
            return Ok(());
        }
    };
    if !lengths.contains(&value.len()) || !is_lower_hex(value) {
        let digits = lengths.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or ");
        return Err(JsonError::unexpected(at(), format!("{digits} lower-case hex digits"), format!("`{value}`")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_canonical_digests_are_taken() {
        let good = "a".repeat(64);
        assert!(DigestSet::new("d", [("sha256", good.as_str())]).is_ok());
        assert!(DigestSet::new("d", [("sha256", good.to_uppercase().as_str())]).is_err());
        assert!(DigestSet::new("d", [("sha256", &good[1..])]).is_err());
        assert!(DigestSet::new("d", [("SHA256", good.as_str())]).is_err());
        assert!(DigestSet::new("d", [("gitCommit", &good[..40])]).is_ok());
        assert!(DigestSet::new("d", [("goModuleH1", "h1:abc=")]).is_ok());
        assert!(DigestSet::new("d", Vec::<(&str, &str)>::new()).is_err());
    }

    #[test]
    fn a_set_has_one_value_for_an_algorithm_whatever_order_they_came_in() {
        let (one, other) = (Digest::sha256(b"a"), Digest::sha256(b"b"));
        let commit = "c".repeat(40);
        let pairs = [("sha256", one.hex()), ("gitCommit", commit.as_str()), ("goModuleH1", "h1:abc=")];
        let set = DigestSet::new("d", pairs).unwrap();
        assert_eq!(set, DigestSet::new("d", pairs.into_iter().rev()).unwrap());
        assert_eq!(set.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["gitCommit", "goModuleH1", "sha256"]);
        assert_eq!(serde_json::to_string(&set).unwrap(), set.to_json().to_string());
        assert_eq!(set.clone().with(&one), Some(set.clone()));
        assert_eq!(set.clone().with(&other), None);
        let bare = DigestSet::new("d", pairs[1..].iter().copied()).unwrap();
        assert_eq!(bare.with(&one), Some(set));
        let twice = DigestSet::new("d", [("sha256", other.hex()), ("sha256", one.hex())]).unwrap();
        assert_eq!(twice, DigestSet::of(&one));
    }

    #[test]
    fn digests_are_right() {
        // FIPS 180-4 example "abc".
        let d = Digest::sha256(b"abc");
        assert_eq!(d.to_string(), "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert!(d.matches(b"abc") && !d.matches(b"abd"));
        assert!(Digest::parse("sha256:BA").is_err());
        assert!(Digest::parse("md5:00").is_err());
    }
}
