//! `s3://BUCKET[/PREFIX][?endpoint=URL&region=NAME&keep=DAYS]`: where a bucket is, and for how long what is put there is locked.

use crate::audit::AuditError;
use crate::audit::replica::{ReplicaError, shown};
use crate::net::is_loopback;
use reqwest::Url;

/// Days that tiles and checkpoints are locked unless told: ten years.
const KEEP: u32 = 3650;
/// Days that can be told: a hundred years.
const MOST: u32 = 36_500;
/// What can be told, and what for.
const OPTIONS: &str = "endpoint=URL (another server than AWS), region=NAME, keep=DAYS (how long tiles are locked)";

/// A place in a bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// As it may be shown.
    pub(super) name: String,
    /// Before every key: empty, or with a `/` at its end.
    pub(super) prefix: String,
    /// The bucket's own address, with a `/` at its end.
    pub(super) base: Url,
    /// The region that requests are signed for.
    pub(super) region: String,
    /// Days that tiles and checkpoints are locked.
    pub(super) keep: u32,
}

impl Place {
    /// Reads a place. Endpoint and region are those of the environment where the place has none, as the tools of AWS take them.
    ///
    /// # Errors
    /// [`AuditError::Malformed`], [`ReplicaError::Insecure`].
    pub(super) fn parse(place: &str, variable: impl Fn(&str) -> Option<String>) -> Result<Self, ReplicaError> {
        let name = shown(place);
        let wrong = |cause: String| AuditError::malformed(format!("the replica {name}"), cause);
        let url = Url::parse(place).map_err(|e| wrong(e.to_string()))?;
        let bucket = url.host_str().filter(|host| is_bucket(host));
        let bucket = bucket.ok_or_else(|| wrong("expected s3://BUCKET, the bucket in lower case letters".into()))?;
        let prefix = url.path().trim_matches('/');
        let plain = |c: char| c.is_ascii_alphanumeric() || "-._/".contains(c);
        if !prefix.chars().all(plain) || prefix.split('/').any(|part| part == "..") || prefix.len() > 256 {
            return Err(wrong("of a prefix, letters, digits, `-`, `.`, `_` and `/` are taken".into()).into());
        }
        let (mut endpoint, mut region, mut keep) = (None, None, KEEP);
        for (key, value) in url.query_pairs() {
            match &*key {
                "endpoint" => endpoint = Some(value.into_owned()),
                "region" => region = Some(value.into_owned()),
                "keep" => {
                    let days = value.parse().ok().filter(|days| (1..=MOST).contains(days));
                    keep = days.ok_or_else(|| wrong(format!("keep: expected 1 to {MOST} days, found `{value}`")))?;
                }
                other => return Err(wrong(format!("`{other}` is not known: {OPTIONS}")).into()),
            }
        }
        let first = |names: &[&str]| names.iter().find_map(|name| variable(name).filter(|value| !value.is_empty()));
        let endpoint = endpoint.or_else(|| first(&["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"]));
        let region = region.or_else(|| first(&["AWS_REGION", "AWS_DEFAULT_REGION"]));
        let region = region.unwrap_or_else(|| "us-east-1".to_owned());
        if !region.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
            return Err(wrong(format!("`{region}` is no region")).into());
        }
        let base = match endpoint {
            Some(endpoint) => format!("{}/{bucket}/", endpoint.trim_end_matches('/')),
            // A dot in a bucket's name makes a host that no certificate of AWS is good for.
            None if bucket.contains('.') => format!("https://s3.{region}.amazonaws.com/{bucket}/"),
            None => format!("https://{bucket}.s3.{region}.amazonaws.com/"),
        };
        let base = Url::parse(&base).ok().filter(|base| matches!(base.scheme(), "https" | "http"));
        let base = base.filter(|base| base.query().is_none() && base.username().is_empty());
        let base = base.ok_or_else(|| wrong("endpoint: expected https://HOST".into()))?;
        if base.scheme() == "http" && !base.host_str().is_some_and(is_loopback) {
            let cause = "its endpoint is plain HTTP, and not on this machine".to_owned();
            return Err(ReplicaError::Insecure { place: name, cause });
        }
        let prefix = if prefix.is_empty() { String::new() } else { format!("{prefix}/") };
        Ok(Self { name, prefix, base, region, keep })
    }

    /// The address of an object, or of the bucket where the key is empty.
    pub(super) fn url(&self, key: &str) -> Url {
        let mut url = self.base.clone();
        let path = format!("{}{}{key}", url.path(), if key.is_empty() { "" } else { &self.prefix });
        url.set_path(&path);
        url
    }
}

fn is_bucket(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.".contains(c);
    (3..=63).contains(&name.len()) && name.chars().all(plain) && !name.contains("..")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(place: &str) -> Result<Place, ReplicaError> {
        Place::parse(place, |_| None)
    }

    #[test]
    fn a_place_names_a_bucket_of_aws_or_of_another_server() {
        let aws = of("s3://acme-audit/team/a?region=eu-central-1").unwrap();
        assert_eq!(
            aws.url("tile/0/000").as_str(),
            "https://acme-audit.s3.eu-central-1.amazonaws.com/team/a/tile/0/000"
        );
        assert_eq!(aws.url("").as_str(), "https://acme-audit.s3.eu-central-1.amazonaws.com/");
        assert_eq!((aws.keep, aws.name.as_str()), (3650, "s3://acme-audit/team/a"));
        let dotted = of("s3://audit.acme.example").unwrap();
        assert_eq!(dotted.url("x").as_str(), "https://s3.us-east-1.amazonaws.com/audit.acme.example/x");
        let own = of("s3://acme-audit?endpoint=https://store.example:9000/&keep=30").unwrap();
        assert_eq!((own.url("x").as_str(), own.keep), ("https://store.example:9000/acme-audit/x", 30));
        let told = Place::parse("s3://acme-audit", |name| match name {
            "AWS_ENDPOINT_URL" => Some("http://127.0.0.1:7070".into()),
            "AWS_REGION" => Some(String::new()),
            "AWS_DEFAULT_REGION" => Some("eu-west-1".into()),
            _ => None,
        });
        let told = told.unwrap();
        assert_eq!((told.url("x").as_str(), told.region.as_str()), ("http://127.0.0.1:7070/acme-audit/x", "eu-west-1"));
    }

    #[test]
    fn what_is_no_place_is_said_with_what_was_expected() {
        let said = |place: &str| of(place).unwrap_err().to_string();
        assert!(said("s3://Acme_Audit").contains("expected s3://BUCKET"), "{}", said("s3://Acme_Audit"));
        assert!(said("s3://acme-audit?keep=0").contains("expected 1 to 36500 days, found `0`"));
        assert!(said("s3://acme-audit?kep=3").contains("`kep` is not known: endpoint=URL"));
        assert!(said("s3://acme-audit/a%20b").contains("of a prefix, letters"));
        assert!(said("s3://acme-audit?region=a/b").contains("is no region"));
        assert!(said("s3://acme-audit?endpoint=ftp://h").contains("expected https://HOST"));
        // Who reads the way could change what is copied; the twin is this machine, above.
        let code = |place: &str| of(place).unwrap_err().code().to_string();
        assert_eq!(code("s3://acme-audit?endpoint=http://store.example"), "audit-replica-insecure");
    }
}
