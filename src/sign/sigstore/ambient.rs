//! Identity tokens that a flag names or that the surroundings give: a CI system's, a SPIFFE agent's or another file. How a
//! job of each CI system comes by one is known of its [`Issuer`](crate::issuer::Issuer).
//!
//! Whether there is one can be told before a build step runs; it is fetched after, as it is short-lived.

use crate::issuer::{self, Ambient, TokenFrom};
use crate::model::json::{self, Field};
use crate::model::limits;
use crate::programs::{Ended, Launch, Prepared, ProgramError};
use crate::regular;
use crate::sign::exec::{BOUNDS, not_answered};
use crate::sign::sigstore::service::Question;
use crate::sign::{IdentityToken, ServiceClient, SignError};
use std::ffi::OsString;
use std::io::Read as _;
use std::path::Path;

/// Whom the token is for: what Sigstore's certificate authorities expect.
const AUDIENCE: &str = "sigstore";
/// Variables that hold a token, and one that names a file of it.
const TOKEN_VARIABLES: [&str; 2] = ["ATTEST_IDENTITY_TOKEN", "SIGSTORE_ID_TOKEN"];
const FILE_VARIABLE: &str = "ATTEST_IDENTITY_TOKEN_FILE";
/// Where Sigstore's clients look for a file that a platform puts there.
const WELL_KNOWN_FILE: &str = "/var/run/sigstore/cosign/oidc-token";

/// Where a token comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenSource(Source);

#[derive(Clone, PartialEq, Eq)]
enum Source {
    Text(String),
    Variable(String),
    File(String),
    Service { platform: &'static str, url: String, bearer: &'static str },
    Program { platform: &'static str, command: &'static str, found: Result<Box<Prepared>, ProgramError> },
}

/// Looks up a variable.
pub type Variables<'a> = &'a (dyn Fn(&str) -> Option<OsString> + Send + Sync);

impl TokenSource {
    /// What a flag names: `env:VARIABLE`, a token itself, or a file.
    #[must_use]
    pub fn named(reference: &str) -> Self {
        Self(match reference.strip_prefix("env:") {
            Some(variable) => Source::Variable(variable.to_owned()),
            None if is_token(reference) => Source::Text(reference.to_owned()),
            None => Source::File(reference.strip_prefix("file:").unwrap_or(reference).to_owned()),
        })
    }

    /// Whether the token itself stands among the arguments, where every process of the machine can read it.
    #[must_use]
    pub fn is_text(&self) -> bool {
        matches!(self.0, Source::Text(_))
    }

    /// The variable that holds the token, if one does.
    #[must_use]
    pub fn variable(&self) -> Option<&str> {
        if let Source::Variable(name) = &self.0 { Some(name) } else { None }
    }

    /// The file that holds the token, if one does.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        if let Source::File(path) = &self.0 { Some(Path::new(path)) } else { None }
    }

    /// Where it comes from, in words and without the token: the same place, the same words.
    #[must_use]
    pub fn place(&self) -> String {
        match &self.0 {
            Source::Text(_) => "--identity-token".into(),
            Source::Variable(name) => format!("the variable {name}"),
            Source::File(path) => format!("the file {path}"),
            Source::Service { platform, .. } | Source::Program { platform, .. } => (*platform).into(),
        }
    }

    /// What the surroundings give, the most explicit first. A platform's program is found now, and started when the token
    /// is fetched, after a build step that could put another in its place.
    ///
    /// # Errors
    /// For each place where one could be, why there is none.
    pub fn ambient(variables: Variables<'_>, launch: &Launch) -> Result<Self, Vec<String>> {
        let text = |name: &str| variables(name).and_then(|v| v.into_string().ok()).filter(|v| !v.is_empty());
        let mut lacks = Vec::new();
        if let Some(name) = TOKEN_VARIABLES.into_iter().find(|n| text(n).is_some()) {
            return Ok(Self(Source::Variable(name.to_owned())));
        }
        if let Some(path) = text(FILE_VARIABLE) {
            return Ok(Self(Source::File(path)));
        }
        lacks.push(format!("neither {} nor {FILE_VARIABLE} is set", TOKEN_VARIABLES.join(", ")));
        for (platform, ambient) in platforms() {
            match ambient.from {
                TokenFrom::Service { url, bearer } => {
                    if let (Some(url), Some(_)) = (text(url), text(bearer)) {
                        return Ok(Self(Source::Service { platform, url, bearer }));
                    }
                }
                TokenFrom::Program(command) if text(ambient.mark).is_some() => {
                    return Ok(program(platform, command, launch));
                }
                TokenFrom::Program(_) | TokenFrom::Variable => {}
            }
            if text(ambient.mark).is_some() {
                lacks.push(format!("{platform} gives no token to this job: it needs {}", ambient.how));
            }
        }
        if Path::new(WELL_KNOWN_FILE).exists() {
            return Ok(Self(Source::File(WELL_KNOWN_FILE.to_owned())));
        }
        lacks.push("no CI system that gives tokens was recognised".into());
        Err(lacks)
    }

    /// Looks whether a token could be had later: a variable or file that is named must be there before a build step runs, which
    /// would otherwise run in vain. What it says then counts, as tokens live for minutes.
    ///
    /// # Errors
    /// [`SignError::Token`].
    pub fn look(&self, variables: Variables<'_>) -> Result<(), SignError> {
        match &self.0 {
            Source::Variable(name) if variables(name).is_none() => Err(SignError::Token {
                origin: format!("in the variable {name}"),
                cause: "cannot be had: it is not set".into(),
            }),
            Source::File(path) => read(path).map(|_| ()),
            _ => Ok(()),
        }
    }

    /// Fetches the token.
    ///
    /// # Errors
    /// [`SignError::Token`], or what the platform's service answers.
    pub async fn token(&self, variables: Variables<'_>, client: &ServiceClient) -> Result<IdentityToken, SignError> {
        match &self.0 {
            Source::Text(text) => IdentityToken::parse(text, "of --identity-token"),
            Source::Variable(name) => {
                let origin = format!("in the variable {name}");
                let text = variables(name).and_then(|v| v.into_string().ok()).ok_or_else(|| SignError::Token {
                    origin: origin.clone(),
                    cause: "cannot be had: it is not set".into(),
                })?;
                IdentityToken::parse(&text, &origin)
            }
            Source::File(path) => IdentityToken::parse(&read(path)?, &format!("in `{path}`")),
            Source::Service { platform, url, bearer } => {
                let bearer = variables(bearer).and_then(|v| v.into_string().ok());
                let found = of_service(platform, url, bearer.as_deref().unwrap_or_default(), client).await;
                found.map_err(|e| client.harmless(e))
            }
            Source::Program { platform, command, found } => {
                let reference = format!("{platform}'s `{command}`");
                let found =
                    found.clone().map_err(|error| SignError::Program { reference: reference.clone(), error })?;
                let ended = found.ask(Vec::new(), &BOUNDS).map_err(|e| not_answered(&reference, e))?;
                let Ended { stdout, stderr, status } = ended;
                let origin = format!("of {platform}");
                if !status.success() {
                    let said: String = String::from_utf8_lossy(&stderr).chars().take(200).collect();
                    let cause = format!("no identity token: `{command}` ended with {status}: {}", said.trim());
                    return Err(SignError::Unavailable { service: (*platform).to_owned(), cause });
                }
                IdentityToken::parse(&String::from_utf8_lossy(&stdout), &origin)
            }
        }
    }
}

/// The CI systems whose jobs can get a token, with their names.
fn platforms() -> impl Iterator<Item = (&'static str, &'static Ambient)> {
    issuer::ALL.iter().filter_map(|i| Some((i.system.as_ref()?.title, i.tokens.as_ref()?.ambient.as_ref()?)))
}

fn program(platform: &'static str, command: &'static str, launch: &Launch) -> TokenSource {
    let found = launch.prepare(&command.split(' ').collect::<Vec<_>>()).map(Box::new);
    TokenSource(Source::Program { platform, command, found })
}

/// Whether text has the form of a token, not of a path.
fn is_token(text: &str) -> bool {
    let part = |p: &str| !p.is_empty() && p.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_=".contains(&b));
    text.starts_with("eyJ") && text.split('.').count() == 3 && text.split('.').all(part)
}

fn read(path: &str) -> Result<String, SignError> {
    let refuse = |cause: String| SignError::Token { origin: format!("in `{path}`"), cause };
    let (file, _) = regular::open(Path::new(path)).map_err(|e| refuse(format!("cannot be read: {e}")))?;
    let mut text = String::new();
    let limit = limits::IDENTITY_TOKEN_BYTES as u64 + 1;
    file.take(limit).read_to_string(&mut text).map_err(|e| refuse(format!("cannot be read: {e}")))?;
    Ok(text)
}

/// Asks the runner's token service (GitHub documentation, "OpenID Connect reference", "Methods for requesting the OIDC
/// token").
async fn of_service(
    platform: &str,
    url: &str,
    bearer: &str,
    client: &ServiceClient,
) -> Result<IdentityToken, SignError> {
    let service = &format!("the token service of {platform}");
    let joint = if url.contains('?') { '&' } else { '?' };
    let url = format!("{url}{joint}audience={AUDIENCE}");
    let question =
        Question { service, url: &url, bearer: Some(bearer), limit: limits::TOKEN_BYTES, ..Question::default() };
    let body = client.ask(&question).await?.success(service)?;
    let malformed = || SignError::Answer {
        service: service.to_owned(),
        expected: "JSON with a token as `value`".into(),
        found: "something else".into(),
    };
    let value = json::parse(&body, limits::IDENTITY_TOKEN_BYTES).map_err(|_| malformed())?;
    let text = Field::root("answer", &value).need("value").and_then(|f| f.str().map(str::to_owned));
    IdentityToken::parse(&text.map_err(|_| malformed())?, &format!("of {platform}"))
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Text(_) => f.write_str("Text"),
            Self::Variable(name) => write!(f, "Variable({name})"),
            Self::File(path) => write!(f, "File({path})"),
            Self::Service { platform, .. } | Self::Program { platform, .. } => f.write_str(platform),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ambient(set: &[(&str, &str)]) -> Result<TokenSource, Vec<String>> {
        let set: Vec<(String, String)> = set.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let variables = move |name: &str| set.iter().find(|(k, _)| k == name).map(|(_, v)| v.into());
        TokenSource::ambient(&variables, &Launch::default())
    }

    #[test]
    fn a_flag_names_a_variable_a_token_or_a_file() {
        assert_eq!(TokenSource::named("env:T").variable(), Some("T"));
        assert!(TokenSource::named("eyJhbGciOiJub25lIn0.eyJhIjoxfQ.c2ln").is_text());
        for path in ["token", "a.b.c", "./eyJa.b.c", "file:eyJa.b.c", "/run/token"] {
            let source = TokenSource::named(path);
            assert!(!source.is_text() && source.variable().is_none(), "{path}");
        }
        assert!(!format!("{:?}", TokenSource::named("eyJhbGciOiJub25lIn0.eyJhIjoxfQ.c2ln")).contains("eyJ"));
    }

    #[test]
    fn the_surroundings_give_one_or_say_what_they_lack() {
        let lacks = |set: &[(&str, &str)]| ambient(set).unwrap_err().join("; ");
        assert!(lacks(&[]).contains("SIGSTORE_ID_TOKEN") && lacks(&[]).contains("no CI system"));
        assert!(lacks(&[("GITHUB_ACTIONS", "true")]).contains("id-token: write"));
        assert!(lacks(&[("GITLAB_CI", "true")]).contains("id_tokens"));
        let url = ("ACTIONS_ID_TOKEN_REQUEST_URL", "http://t");
        assert!(ambient(&[url]).is_err());
        assert!(ambient(&[url, ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "b")]).is_ok());
        assert!(ambient(&[("BUILDKITE", "true")]).is_ok() && ambient(&[("CIRCLECI", "true")]).is_ok());
        let both = [("SIGSTORE_ID_TOKEN", "t"), ("BUILDKITE", "true")];
        assert_eq!(ambient(&both).unwrap().variable(), Some("SIGSTORE_ID_TOKEN"));
    }
}
