//! [`Server`]: a host that the environment names, and the token that belongs to it and to no other.

use super::{Variables, WebUrl};
use std::fmt;

/// A server of one kind of host.
#[derive(Clone, Debug)]
pub struct Server {
    /// Where its pages are.
    pub web: WebUrl,
    /// Where its API is.
    pub api: String,
    /// What may be shown to it, and to nothing else.
    pub token: Option<Token>,
}

/// A token and the header in which it is shown.
#[derive(Clone)]
pub struct Token {
    /// The variable that holds it.
    pub variable: &'static str,
    /// The header's name.
    pub header: &'static str,
    scheme: &'static str,
    value: String,
}

/// Without its value.
impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token").field("variable", &self.variable).field("header", &self.header).finish_non_exhaustive()
    }
}

impl Token {
    /// The first of these variables that holds what can stand in a header.
    #[must_use]
    pub fn of(env: Variables<'_>, names: &[&'static str], header: &'static str, scheme: &'static str) -> Option<Self> {
        names.iter().find_map(|variable| {
            let value = env(variable)?.trim().to_owned();
            let fits = !value.is_empty() && value.bytes().all(|b| b.is_ascii_graphic());
            fits.then_some(Self { variable, header, scheme, value })
        })
    }

    /// The header's value: for the server that the token belongs to, and nothing else.
    #[must_use]
    pub fn header_value(&self) -> String {
        format!("{}{}", self.scheme, self.value)
    }
}

impl Server {
    /// A server whose address a variable gives, with the API that another names, if that is on the same host.
    pub(super) fn named(
        env: Variables<'_>,
        variable: &str,
        api_variable: &str,
        api: impl Fn(&WebUrl) -> String,
    ) -> Option<Self> {
        let web = address(&env(variable)?)?;
        let given = env(api_variable).and_then(|text| WebUrl::parse(&text));
        let api = match given {
            Some(given) if is_beside(&web, &given) => given.to_string(),
            _ => api(&web),
        };
        Some(Self { web, api, token: None })
    }

    /// The same with a token.
    pub(super) fn with(self, token: Option<Token>) -> Self {
        Self { token, ..self }
    }
}

/// A server's address, written with or without its scheme. One that is not reached over TLS has to be on this machine.
pub(super) fn address(text: &str) -> Option<WebUrl> {
    let url = if text.contains("://") { WebUrl::parse(text) } else { WebUrl::parse(&format!("https://{text}")) }?;
    (url.is_secure() || url.is_loopback()).then_some(url)
}

/// Whether an API is the server's own: at its host, or at `api.` of it.
fn is_beside(web: &WebUrl, api: &WebUrl) -> bool {
    let names = [web.authority().to_owned(), format!("api.{}", web.authority())];
    api.is_secure() == web.is_secure() && names.iter().any(|n| n == api.authority())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_has_no_debug_and_fits_into_a_header() {
        let env = |name: &str| Some(if name == "A" { "a\nb: c" } else { " token-71 \n" }.to_owned());
        let token = Token::of(&env, &["A", "B"], "authorization", "Bearer ").unwrap();
        assert_eq!((token.variable, token.header_value().as_str()), ("B", "Bearer token-71"));
        assert!(!format!("{token:?}").contains("71"));
    }

    #[test]
    fn an_api_elsewhere_is_not_the_servers() {
        let at = |api: &str| {
            let api = api.to_owned();
            let env = move |name: &str| Some(if name == "S" { "https://git.example".to_owned() } else { api.clone() });
            Server::named(&env, "S", "A", |web| format!("{web}/own")).unwrap().api
        };
        assert_eq!(at("https://git.example/api/v3"), "https://git.example/api/v3");
        assert_eq!(at("https://api.git.example"), "https://api.git.example");
        for bad in [
            "https://evil.example",
            "http://git.example/api",
            "https://git.example:8443/api",
            "https://git.example.evil.example/",
        ] {
            assert_eq!(at(bad), "https://git.example/own", "{bad}");
        }
        assert!(address("http://git.example").is_none() && address("http://127.0.0.1:80").is_some());
        assert_eq!(address("git.example").unwrap().to_string(), "https://git.example");
    }
}
