//! [`Services`]: which authorities and logs one signature uses, from URLs or from a signing configuration
//! (`SigningConfig` of `sigstore_trustroot.proto`, v0.2).

use super::SignError;
use crate::model::json::{self, Field, JsonError};
use crate::model::{Timestamp, limits};

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

/// The services of one signature.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Services {
    /// Issues certificates: base URL of a Fulcio.
    pub certificates: Option<String>,
    /// Log signatures: base URLs of Rekors.
    pub logs: Vec<(String, LogVersion)>,
    /// Sign the time: URLs of RFC 3161 authorities.
    pub timestamps: Vec<String>,
}

impl Services {
    /// GitHub's own instance, for repositories that are not public: certificates and timestamps, no log.
    #[must_use]
    pub fn github() -> Self {
        Self {
            certificates: Some("https://fulcio.githubapp.com".into()),
            logs: Vec::new(),
            timestamps: vec!["https://timestamp.githubapp.com/api/v1/timestamp".into()],
        }
    }

    /// Whether none is named.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
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
        let select = |name: &str, found: Vec<Endpoint>| {
            let (selector, count) = selector(&config, name).map_err(|e| refuse(e.to_string()))?;
            choose(&selector, count, found).map_err(|cause| refuse(format!("{name}: {cause}")))
        };
        let certificates = list("caUrls", &[1])?.into_iter().next().map(|e| e.url);
        let logs = select("rekorTlogConfig", list("rekorTlogUrls", &[1, 2])?)?;
        let timestamps = select("tsaConfig", list("tsaUrls", &[1])?)?;
        let version = |v| if v == 2 { LogVersion::V2 } else { LogVersion::V1 };
        Ok(Self {
            certificates,
            logs: logs.into_iter().map(|e| (e.url, version(e.version))).collect(),
            timestamps: timestamps.into_iter().map(|e| e.url).collect(),
        })
    }

    /// That they go together and may be talked to.
    ///
    /// # Errors
    /// [`SignError::Services`].
    pub fn check(&self) -> Result<(), SignError> {
        let refuse = |cause: String| Err(SignError::Services { cause });
        let all = self.certificates.iter().chain(self.logs.iter().map(|(u, _)| u)).chain(&self.timestamps);
        for url in all {
            if !(url.starts_with("https://") || is_local(url)) {
                return refuse(format!("expected https, or http on this machine, found `{url}`"));
            }
        }
        if self.logs.len() > limits::SERVICES || self.timestamps.len() > limits::SERVICES {
            return refuse(format!("at most {} services of one kind", limits::SERVICES));
        }
        if self.logs.iter().any(|(_, v)| *v == LogVersion::V2) && self.timestamps.is_empty() {
            return refuse("a Rekor v2 log proves no time: name a timestamp authority with --timestamp-url too".into());
        }
        if self.certificates.is_some() && self.logs.is_empty() && self.timestamps.is_empty() {
            let cause = "a certificate is valid for minutes: without a log or timestamp authority no later verification \
                         could tell that it was when it signed";
            return refuse(cause.into());
        }
        Ok(())
    }
}

/// Whether a URL is plain HTTP to this machine.
fn is_local(url: &str) -> bool {
    let Some(rest) = url.strip_prefix("http://") else { return false };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = match authority.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    !authority.contains('@') && ["localhost", "127.0.0.1", "::1"].contains(&host)
}

struct Endpoint {
    url: String,
    version: u64,
    operator: String,
}

/// The endpoints of a kind that are valid now and speak a version that we do, the highest version first.
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
        let is_valid = time("start")?.is_none_or(|t| t <= now) && time("end")?.is_none_or(|t| now <= t);
        if is_valid && versions.contains(&version) {
            let url = e.need("url")?.str()?.trim_end_matches('/').to_owned();
            let operator = e.opt_str("operator")?.unwrap_or(&url).to_owned();
            out.push(Endpoint { url, version, operator });
        }
    }
    out.sort_by_key(|e| std::cmp::Reverse(e.version));
    Ok(out)
}

fn selector(config: &Field<'_>, name: &str) -> Result<(String, Option<u64>), JsonError> {
    let Some(field) = config.get(name)? else { return Ok(("ANY".into(), None)) };
    let selector = field.opt_str("selector")?.unwrap_or("ANY").to_owned();
    let count = field.get("count")?.and_then(|f| f.value().as_u64());
    Ok((selector, count))
}

/// As the selector says; two services of one operator count as one.
fn choose(selector: &str, count: Option<u64>, mut found: Vec<Endpoint>) -> Result<Vec<Endpoint>, String> {
    let mut operators: Vec<String> = Vec::new();
    found.retain(|e| {
        let new = !operators.contains(&e.operator);
        operators.push(e.operator.clone());
        new
    });
    let wanted = match (selector, count) {
        // A configuration without such services wants none.
        _ if found.is_empty() && selector != "EXACT" => 0,
        ("ANY", _) => 1,
        ("ALL", _) => found.len(),
        ("EXACT", Some(n)) => usize::try_from(n).unwrap_or(usize::MAX),
        ("EXACT", None) => return Err("EXACT without a count".into()),
        _ => return Err(format!("expected the selector ANY, ALL or EXACT, found `{selector}`")),
    };
    if found.len() < wanted {
        return Err(format!("expected {wanted} services of different operators, found {}", found.len()));
    }
    found.truncate(wanted);
    Ok(found)
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
            "caUrls": [endpoint("https://ca.example/", 1, "a", old)],
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
        assert_eq!(s.certificates.as_deref(), Some("https://ca.example"));
        assert_eq!(s.logs, [("https://v2.example".into(), LogVersion::V2)]);
        assert_eq!(s.timestamps, ["https://t.example/ts"]);
        c["rekorTlogConfig"] = json!({ "selector": "ALL" });
        let both = [("https://v2.example".to_owned(), LogVersion::V2), ("https://b.example".into(), LogVersion::V1)];
        assert_eq!(read(&c).unwrap().logs, both);
        c["rekorTlogConfig"] = json!({ "selector": "EXACT", "count": 2 });
        assert_eq!(read(&c).unwrap().logs, both);
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
            certificates: Some(u.into()),
            timestamps: vec!["https://t".into()],
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
        let log = |version| Services { logs: vec![("https://l".into(), version)], ..Default::default() };
        assert!(log(LogVersion::V1).check().is_ok() && log(LogVersion::V2).check().is_err());
        let alone = Services { certificates: Some("https://a".into()), ..Default::default() };
        assert!(alone.check().is_err());
        assert!(Services::github().check().is_ok());
    }
}
