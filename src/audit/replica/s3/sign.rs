//! AWS Signature Version 4 of a request whose body is known (AWS's "Authenticating Requests: Using the Authorization Header"). The
//! crates that have it bring a second set of hashes, readers of configuration files and programs to run.

use crate::model::Timestamp;
use crate::model::digest::hex;
use aws_lc_rs::hmac;
use reqwest::Url;
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// Who signs.
#[derive(Clone)]
pub(super) struct Credentials {
    /// The access key's name, which is no secret.
    pub(super) id: String,
    /// The secret key.
    pub(super) secret: String,
    /// A session's token.
    pub(super) token: Option<String>,
}

/// Signs a request: the value of its header `authorization`. `headers` are all that begin with `x-amz-`, by their names in lower
/// case and sorted; `hash` is the SHA-256 of the body in hexadecimal digits. Query and path of the URL are encoded as they are sent.
pub(super) fn authorization(
    (credentials, region): (&Credentials, &str),
    (method, url): (&str, &Url),
    headers: &[(&str, String)],
    (hash, now): (&str, Timestamp),
) -> String {
    let mut all = vec![("host", host(url))];
    all.extend(headers.iter().map(|(name, value)| (*name, value.trim().to_owned())));
    let names = all.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(";");
    let lines = all.iter().fold(String::new(), |mut out, (name, value)| {
        let _ = writeln!(out, "{name}:{value}");
        out
    });
    let request = format!("{method}\n{}\n{}\n{lines}\n{names}\n{hash}", url.path(), query(url));
    let (time, day) = times(now);
    let scope = format!("{day}/{region}/s3/aws4_request");
    let text = format!("{ALGORITHM}\n{time}\n{scope}\n{}", hex(&Sha256::digest(&request)));
    let mut key = format!("AWS4{}", credentials.secret).into_bytes();
    for part in [day.as_str(), region, "s3", "aws4_request"] {
        key = mac(&key, part);
    }
    let signature = hex(&mac(&key, &text));
    format!("{ALGORITHM} Credential={}/{scope},SignedHeaders={names},Signature={signature}", credentials.id)
}

/// A time as requests write it, and its day.
pub(super) fn times(now: Timestamp) -> (String, String) {
    let time: String = now.to_string().chars().filter(|c| !"-:".contains(*c)).collect();
    let day = time.get(..8).unwrap_or_default().to_owned();
    (time, day)
}

/// Encodes a value of a query (RFC 3986: all but letters, digits and `-._~`).
pub(super) fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            _ => {
                let _ = write!(out, "%{byte:02X}");
            }
        }
        out
    })
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes()).as_ref().to_vec()
}

fn host(url: &Url) -> String {
    let name = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| name.to_owned(), |port| format!("{name}:{port}"))
}

/// The query, sorted, each name with a `=`.
fn query(url: &Url) -> String {
    let mut all: Vec<_> = url.query().unwrap_or_default().split('&').filter(|one| !one.is_empty()).collect();
    all.sort_unstable();
    let with = |one: &&str| if one.contains('=') { (*one).to_owned() } else { format!("{one}=") };
    all.iter().map(with).collect::<Vec<_>>().join("&")
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    /// The examples that AWS publishes with the algorithm.
    #[test]
    fn requests_are_signed_as_the_documentation_shows() {
        let credentials = Credentials {
            id: "AKIAIOSFODNN7EXAMPLE".into(),
            secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".into(),
            token: None,
        };
        let now = Timestamp::parse("2013-05-24T00:00:00Z").unwrap();
        let signed = |query: &str| {
            let url = Url::parse(&format!("https://examplebucket.s3.amazonaws.com/{query}")).unwrap();
            let headers = [("x-amz-content-sha256", EMPTY.to_owned()), ("x-amz-date", times(now).0)];
            authorization((&credentials, "us-east-1"), ("GET", &url), &headers, (EMPTY, now))
        };
        assert_eq!(
            signed("?lifecycle"),
            "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,\
             SignedHeaders=host;x-amz-content-sha256;x-amz-date,\
             Signature=fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"
        );
        assert!(
            signed("?prefix=J&max-keys=2")
                .ends_with("Signature=34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7")
        );
    }

    #[test]
    fn a_value_of_a_query_is_encoded_byte_by_byte() {
        assert_eq!(encoded("tile/0/x001~ ü&="), "tile%2F0%2Fx001~%20%C3%BC%26%3D");
    }
}
