//! Web addresses of services: taken apart, compared, and made with parameters.

use reqwest::Url;

/// Scheme, host and port; none for what is no web address or names a user.
pub(in crate::sign) fn origin(text: &str) -> Option<String> {
    let url = Url::parse(text).ok()?;
    let named = url.username().is_empty() && url.password().is_none();
    (matches!(url.scheme(), "http" | "https") && named).then(|| url.origin().ascii_serialization())
}

/// An address with these parameters added; none for what is no web address.
pub(in crate::sign) fn with_query(text: &str, parameters: &[(&str, &str)]) -> Option<String> {
    let mut url = Url::parse(text).ok()?;
    url.query_pairs_mut().extend_pairs(parameters);
    Some(url.into())
}

/// `application/x-www-form-urlencoded`.
pub(in crate::sign) fn form(parameters: &[(&str, &str)]) -> Vec<u8> {
    let query = with_query("http://form.invalid/", parameters).unwrap_or_default();
    query.split_once('?').map_or_else(Vec::new, |(_, form)| form.as_bytes().to_vec())
}

/// Path and parameters of the target of a request; none where a parameter that counts could be read in two ways.
pub(in crate::sign) fn request_target(target: &str) -> Option<(String, Vec<(String, String)>)> {
    if !target.starts_with('/') {
        return None;
    }
    let url = Url::parse("http://target.invalid").ok()?.join(target).ok()?;
    let parameters: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let mut names: Vec<&str> = parameters.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    let twice = names.windows(2).any(|pair| pair[0] == pair[1]);
    (url.host_str() == Some("target.invalid") && !twice).then(|| (url.path().to_owned(), parameters))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        assert_eq!(origin("https://a.example/x?y").as_deref(), Some("https://a.example"));
        assert_eq!(origin("https://A.example:443"), origin("https://a.example/"));
        assert_ne!(origin("https://a.example:444"), origin("https://a.example"));
        assert_ne!(origin("http://a.example"), origin("https://a.example"));
        for bad in ["https://u@a.example", "https://:p@a.example", "ftp://a.example", "a.example", ""] {
            assert_eq!(origin(bad), None, "{bad}");
        }
    }

    #[test]
    fn parameters_are_written_and_read_as_they_are() {
        let all = [("a", "1 2&3=4"), ("b", "\u{fc}+/")];
        let url = with_query("https://a.example/p?x=y", &all).unwrap();
        assert!(url.starts_with("https://a.example/p?x=y&a=1+2%263%3D4&b="), "{url}");
        let target = url.strip_prefix("https://a.example").unwrap();
        let (path, read) = request_target(target).unwrap();
        assert_eq!(path, "/p");
        assert!(read.contains(&("a".into(), "1 2&3=4".into())) && read.contains(&("b".into(), "\u{fc}+/".into())));
        assert_eq!(form(&[("a", "x y"), ("b", "&")]), b"a=x+y&b=%26");
        for bad in ["http://other.example/", "//other.example/p", "*", "", "/p?code=1&code=2"] {
            assert_eq!(request_target(bad), None, "{bad}");
        }
    }
}
