//! [`Services`]: which authorities and logs one signature uses, from URLs or from a signing configuration
//! (`SigningConfig` of `sigstore_trustroot.proto`, v0.2).

use crate::model::json::{self, Field, JsonError};
use crate::model::{Timestamp, limits, uri};
use crate::sign::SignError;
use crate::trust::KeyAlgorithm;

const SIGNING_CONFIG: &str = "application/vnd.dev.sigstore.signingconfig.v0.2+json";
const CLIENT_TRUST_CONFIG: &str = "application/vnd.dev.sigstore.clienttrustconfig.v0.1+json";

/// Version of a transparency log's interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogVersion {
    /// Rekor v1: entries of kind `dsse` 0.0.1.
    V1,
    /// Rekor v2: entries of kind `hashedrekord` 0.0.2; no time of its own.
    V2,
}

impl LogVersion {
    /// That an entry of this key can be made and will verify.
    ///
    /// # Errors
    /// [`SignError::Services`].
    pub fn takes(self, algorithm: KeyAlgorithm) -> Result<(), SignError> {
        match (self, algorithm) {
            (_, KeyAlgorithm::EcdsaP256) | (Self::V1, KeyAlgorithm::Ed25519) => Ok(()),
            (Self::V1, _) => Err(SignError::Services {
                cause: format!("Rekor v1 logs no signature of an {algorithm} key: use P-256 or Ed25519"),
            }),
            (Self::V2, _) => Err(SignError::Services {
                cause: format!("Rekor v2 logs no signature of an {algorithm} key that verifies: use P-256"),
            }),
        }
    }
}

/// The services of one signature.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Services {
    /// Issue certificates: base URLs of Fulcios. One is used, the first that answers.
    pub certificates: Vec<String>,
    /// Log signatures: base URLs of Rekors.
    pub logs: Selection<(String, LogVersion)>,
    /// Sign the time: URLs of RFC 3161 authorities.
    pub timestamps: Selection<String>,
    /// Makes identity tokens for people: an OpenID Connect issuer.
    pub issuer: Option<String>,
}

/// How many services of a kind are used, and which may be: the first ones, and the next where one is down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection<T> {
    /// How many, of as many operators.
    pub wanted: usize,
    /// Each with its operator, the preferred first. An operator counts once, however many services it runs.
    pub among: Vec<(String, T)>,
}

impl<T> Default for Selection<T> {
    fn default() -> Self {
        Self { wanted: 0, among: Vec::new() }
    }
}

impl<T> Selection<T> {
    /// All of these.
    #[must_use]
    pub fn all(services: impl IntoIterator<Item = T>) -> Self {
        let among: Vec<_> = services.into_iter().enumerate().map(|(i, s)| (i.to_string(), s)).collect();
        Self { wanted: among.len(), among }
    }

    /// The services, the preferred first.
    pub fn services(&self) -> impl Iterator<Item = &T> {
        self.among.iter().map(|(_, service)| service)
    }

    /// How many operators there are.
    fn operators(&self) -> usize {
        let mut names: Vec<&str> = self.among.iter().map(|(operator, _)| operator.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        names.len()
    }
}

impl Services {
    /// GitHub's own instance, for repositories that are not public: certificates and timestamps, no log.
    #[must_use]
    pub fn github() -> Self {
        Self {
            certificates: vec!["https://fulcio.githubapp.com".into()],
            timestamps: Selection::all(["https://timestamp.githubapp.com/api/v1/timestamp".into()]),
            ..Self::default()
        }
    }

    /// Whether none is named that signs or witnesses.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.certificates.is_empty() && self.logs.among.is_empty() && self.timestamps.among.is_empty()
    }

    /// Reads a signing configuration, or a client trust configuration that holds one; and selects as it says.
    ///
    /// # Errors
    /// [`SignError::Services`] names `origin` and the field.
    pub fn from_config(bytes: &[u8], origin: &str, now: Timestamp) -> Result<Self, SignError> {
        let refuse = |cause: String| SignError::Services { cause: format!("{origin}: {cause}") };
        let value = json::parse(bytes, limits::SIGNING_CONFIG_BYTES).map_err(|e| refuse(e.to_string()))?;
        let root = Field::root("signingConfig", &value);
        let media_type = root.need("mediaType").and_then(|f| f.str().map(str::to_owned));
        let media_type = media_type.map_err(|e| refuse(e.to_string()))?;
        let config = match media_type.as_str() {
            SIGNING_CONFIG => root,
            CLIENT_TRUST_CONFIG => root.need("signingConfig").map_err(|e| refuse(e.to_string()))?,
            other => return Err(refuse(format!("expected `{SIGNING_CONFIG}`, found `{other}`"))),
        };
        let list =
            |name: &str, versions: &[u64]| endpoints(&config, name, versions, now).map_err(|e| refuse(e.to_string()));
        let version = |v| if v == 2 { LogVersion::V2 } else { LogVersion::V1 };
        let logs = list("rekorTlogUrls", &[1, 2])?.into_iter().map(|e| (e.operator, (e.url, version(e.version))));
        let timestamps = list("tsaUrls", &[1])?.into_iter().map(|e| (e.operator, e.url)).collect();
        Ok(Self {
            certificates: list("caUrls", &[1])?.into_iter().map(|e| e.url).collect(),
            logs: selection(&config, "rekorTlogConfig", logs.collect()).map_err(refuse)?,
            timestamps: selection(&config, "tsaConfig", timestamps).map_err(refuse)?,
            issuer: list("oidcUrls", &[1])?.into_iter().next().map(|e| e.named),
        })
    }

    /// Those that witness signatures of a key of this kind: without the logs that do not take it.
    ///
    /// # Errors
    /// [`SignError::Services`] when too few logs are left.
    #[cfg(feature = "cli")]
    pub fn of_key(&self, algorithm: KeyAlgorithm) -> Result<Self, SignError> {
        let mut services = self.clone();
        let mut refused = None;
        services.logs.among.retain(|(_, (_, version))| match version.takes(algorithm) {
            Ok(()) => true,
            Err(e) => {
                refused = Some(e);
                false
            }
        });
        match refused {
            Some(e) if services.logs.operators() < services.logs.wanted => Err(e),
            _ => Ok(services),
        }
    }

    /// That they go together and may be talked to.
    ///
    /// # Errors
    /// [`SignError::Services`].
    pub fn check(&self) -> Result<(), SignError> {
        let refuse = |cause: String| Err(SignError::Services { cause });
        for url in
            self.certificates.iter().chain(self.logs.services().map(|(u, _)| u)).chain(self.timestamps.services())
        {
            if !is_safe(url) {
                return refuse(format!(
                    "expected https without a user, or http on this machine, found `{}`",
                    uri::public(url)
                ));
            }
        }
        if self.logs.wanted > limits::SERVICES || self.timestamps.wanted > limits::SERVICES {
            return refuse(format!("at most {} services of one kind", limits::SERVICES));
        }
        if self.logs.services().any(|(_, v)| *v == LogVersion::V2) && self.timestamps.wanted == 0 {
            return refuse("a Rekor v2 log proves no time: name a timestamp authority with --timestamp-url too".into());
        }
        if !self.certificates.is_empty() && self.logs.wanted == 0 && self.timestamps.wanted == 0 {
            let cause = "a certificate is valid for minutes: without a log or timestamp authority no later verification \
                         could tell that it was when it signed";
            return refuse(cause.into());
        }
        Ok(())
    }
}

/// Whether a service may be talked to: https without a user in the address, or plain HTTP that does not leave this
/// machine.
pub(in crate::sign) fn is_safe(url: &str) -> bool {
    (url.starts_with("https://") && !uri::authority(url).contains('@')) || is_local(url)
}

/// Whether a URL is plain HTTP to this machine.
fn is_local(url: &str) -> bool {
    let authority = uri::authority(url);
    let host = match authority.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    url.starts_with("http://") && !authority.contains('@') && ["localhost", "127.0.0.1", "::1"].contains(&host)
}

struct Endpoint {
    /// The address to which paths are added.
    url: String,
    /// The address to the letter, where that is a name.
    named: String,
    version: u64,
    operator: String,
    start: Option<Timestamp>,
}

/// The endpoints of a kind that are valid now and speak a version that we do: the highest version first, of one version
/// the newest.
fn endpoints(config: &Field<'_>, name: &str, versions: &[u64], now: Timestamp) -> Result<Vec<Endpoint>, JsonError> {
    let mut out = Vec::new();
    let Some(list) = config.get(name)? else { return Ok(out) };
    for e in list.list(limits::SERVICES * 8)? {
        let version = e.need("majorApiVersion")?;
        let version = version.value().as_u64().ok_or_else(|| version.error("a number", "something else"))?;
        let valid = e.need("validFor")?;
        let time = |name: &str| -> Result<Option<Timestamp>, JsonError> {
            let Some(field) = valid.get(name)? else { return Ok(None) };
            Timestamp::parse(field.str()?).map(Some).map_err(|e| field.error("a time", e.found))
        };
        let start = time("start")?;
        let is_valid = start.is_none_or(|t| t <= now) && time("end")?.is_none_or(|t| now <= t);
        if is_valid && versions.contains(&version) {
            let named = e.need("url")?.str()?.to_owned();
            let url = named.trim_end_matches('/').to_owned();
            let operator = e.opt_str("operator")?.unwrap_or(&url).to_owned();
            out.push(Endpoint { url, named, version, operator, start });
        }
    }
    out.sort_by_key(|e| std::cmp::Reverse((e.version, e.start)));
    Ok(out)
}

/// How many of them the configuration wants (`ServiceConfiguration`); an operator counts once.
fn selection<T>(config: &Field<'_>, name: &str, among: Vec<(String, T)>) -> Result<Selection<T>, String> {
    let mut out = Selection { wanted: 0, among };
    let read = || -> Result<(String, Option<u64>), JsonError> {
        let Some(field) = config.get(name)? else { return Ok(("ANY".into(), None)) };
        let selector = field.opt_str("selector")?.unwrap_or("ANY").to_owned();
        Ok((selector, field.get("count")?.and_then(|f| f.value().as_u64())))
    };
    let (selector, count) = read().map_err(|e| e.to_string())?;
    let operators = out.operators();
    out.wanted = match (selector.as_str(), count) {
        // A configuration without such services wants none.
        _ if operators == 0 && selector != "EXACT" => 0,
        ("ANY", _) => 1,
        ("ALL", _) => operators,
        ("EXACT", Some(n)) => usize::try_from(n).unwrap_or(usize::MAX),
        ("EXACT", None) => return Err(format!("{name}: EXACT without a count")),
        _ => return Err(format!("{name}: expected the selector ANY, ALL or EXACT, found `{selector}`")),
    };
    if operators < out.wanted {
        return Err(format!("{name}: expected {} services of different operators, found {operators}", out.wanted));
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn endpoint(url: &str, version: u64, operator: &str, start: &str) -> Value {
        json!({ "url": url, "majorApiVersion": version, "operator": operator, "validFor": { "start": start } })
    }

    fn config() -> Value {
        let old = "2020-01-01T00:00:00Z";
        json!({
            "mediaType": SIGNING_CONFIG,
            "caUrls": [
                endpoint("https://ca.example/", 1, "a", old),
                endpoint("https://new.example", 1, "a", "2024-01-01T00:00:00Z"),
            ],
            "oidcUrls": [endpoint("https://issuer.example/", 1, "a", old)],
            "rekorTlogUrls": [
                endpoint("https://v1.example", 1, "a", old),
                endpoint("https://v2.example", 2, "a", old),
                endpoint("https://b.example", 1, "b", old),
                endpoint("https://later.example", 2, "c", "2030-01-01T00:00:00Z"),
                endpoint("https://v9.example", 9, "d", old),
            ],
            "tsaUrls": [endpoint("https://t.example/ts", 1, "a", old)],
            "rekorTlogConfig": { "selector": "ANY" },
        })
    }

    fn read(value: &Value) -> Result<Services, SignError> {
        let now = Timestamp::parse("2026-06-01T00:00:00Z").unwrap();
        Services::from_config(value.to_string().as_bytes(), "a.json", now)
    }

    #[test]
    fn a_configuration_selects_by_version_validity_and_operator() {
        let mut c = config();
        let s = read(&c).unwrap();
        assert_eq!(s.certificates, ["https://new.example", "https://ca.example"]);
        let urls = |s: &Services| s.logs.services().map(|(url, _)| url.clone()).collect::<Vec<_>>();
        assert_eq!(
            (s.logs.wanted, urls(&s)),
            (1, vec!["https://v2.example".to_owned(), "https://v1.example".into(), "https://b.example".into()])
        );
        assert_eq!(s.logs.among[0], ("a".into(), ("https://v2.example".into(), LogVersion::V2)));
        assert_eq!((s.timestamps.wanted, s.timestamps.among.len()), (1, 1));
        // The issuer is a name: a slash at its end belongs to it.
        assert_eq!(s.issuer.as_deref(), Some("https://issuer.example/"));
        c["rekorTlogConfig"] = json!({ "selector": "ALL" });
        // Three services of two operators.
        assert_eq!(read(&c).unwrap().logs.wanted, 2);
        c["rekorTlogConfig"] = json!({ "selector": "EXACT", "count": 2 });
        assert_eq!(read(&c).unwrap().logs.wanted, 2);
        c["rekorTlogConfig"] = json!({ "selector": "EXACT", "count": 0 });
        assert_eq!(read(&c).unwrap().logs.wanted, 0);
        c.as_object_mut().unwrap().remove("tsaUrls");
        assert_eq!(read(&c).unwrap().timestamps, Selection::default());
        let wrapped = json!({ "mediaType": CLIENT_TRUST_CONFIG, "signingConfig": config(), "trustedRoot": {} });
        assert_eq!(read(&wrapped).unwrap(), read(&config()).unwrap());
    }

    #[test]
    fn what_cannot_be_met_is_refused() {
        for (selector, why) in [
            (json!({ "selector": "EXACT", "count": 3 }), "expected 3 services of different operators, found 2"),
            (json!({ "selector": "EXACT" }), "without a count"),
            (json!({ "selector": "SERVICE_SELECTOR_UNDEFINED" }), "expected the selector"),
        ] {
            let mut c = config();
            c["rekorTlogConfig"] = selector;
            let e = read(&c).unwrap_err();
            assert_eq!(e.code().as_str(), "signing-services-unusable");
            assert!(e.to_string().contains(why), "{e}");
        }
        assert!(read(&json!({ "mediaType": "x" })).is_err());
    }

    #[test]
    fn services_go_together_and_a_token_goes_over_no_open_line() {
        let url = |u: &str| Services {
            certificates: vec![u.into()],
            timestamps: Selection::all(["https://t".into()]),
            ..Default::default()
        };
        for good in ["https://a.example", "http://localhost:1", "http://127.0.0.1:5555/x", "http://[::1]:1"] {
            assert_eq!(url(good).check(), Ok(()), "{good}");
        }
        for bad in
            ["http://a.example", "http://localhost.evil.example", "http://127.0.0.1@evil.example", "ftp://a", "a"]
        {
            assert!(url(bad).check().is_err(), "{bad}");
        }
        let log = |version| Services { logs: Selection::all([("https://l".into(), version)]), ..Default::default() };
        assert!(log(LogVersion::V1).check().is_ok() && log(LogVersion::V2).check().is_err());
        let alone = Services { certificates: vec!["https://a".into()], ..Default::default() };
        assert!(alone.check().is_err());
        assert!(Services::github().check().is_ok());
    }
}
