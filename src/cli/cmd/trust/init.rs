//! `attest trust init`

use crate::cli::args::Common;
use crate::cli::exit::{Failure, Outcome, codes};
use crate::cli::ui::Ui;
use crate::model::{Digest, Timestamp, json, limits};
use crate::net;
use crate::places::files;
use crate::roots::{Http, InitError, LogKey, Private, assemble};
use clap::Args;
use std::path::{Path, PathBuf};

/// Make the trusted root of a private instance
///
/// Each authority is given as URL,FILE; the file holds its PEM chain (issuing certificate first) or its PEM public key.
/// Without a file, what can be asked for is fetched from the service: compare the digests that are printed with its
/// operator's. A certificate authority demands what stands beside it: with --ct, certificates must be logged; with
/// --rekor or --rekor-v2, signatures must be.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  attest trust init --fulcio https://fulcio.example.org,fulcio.pem --ct https://ct.example.org/2026,ct.pub \\
    --rekor-v2 https://log.example.org,log.pub --tsa https://tsa.example.org/api/v1/timestamp --output private.json")]
pub(super) struct InitArgs {
    /// Certificate authority, and its chain (repeatable)
    #[arg(long, value_name = "URL[,FILE]", required_unless_present_any = ["rekor", "rekor_v2", "tsa"])]
    pub fulcio: Vec<String>,
    /// Log of certificates, and its key (repeatable)
    #[arg(long, value_name = "URL,FILE")]
    pub ct: Vec<String>,
    /// Rekor v1 log, and its key (repeatable)
    #[arg(long, value_name = "URL[,FILE]")]
    pub rekor: Vec<String>,
    /// Rekor v2 log, and its key (repeatable); its checkpoints' origin is the URL's host
    #[arg(long, value_name = "URL,FILE")]
    pub rekor_v2: Vec<String>,
    /// Timestamp authority, and its chain (repeatable)
    #[arg(long, value_name = "URL[,FILE]")]
    pub tsa: Vec<String>,
    /// From when on they vouch [default: from when their certificates are valid]
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub valid_from: Option<Timestamp>,
    /// File to write [default: standard output]
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

fn time(text: &str) -> Result<Timestamp, String> {
    Timestamp::parse(text).map_err(|_| "expected a time such as 2026-01-01T00:00:00Z".to_owned())
}

impl From<InitError> for Failure {
    fn from(e: InitError) -> Self {
        Self::of(e.code(), e.to_string())
    }
}

/// Runs the command.
///
/// # Errors
/// [`Failure`].
pub(super) async fn run(args: &InitArgs, common: &Common, ui: &Ui) -> Result<Outcome, Failure> {
    let http = Http::new(common.timeout);
    let from = Sources { http, ui };
    let mut parts = Private { valid_from: args.valid_from, ..Private::default() };
    for text in &args.fulcio {
        parts.fulcio.push(from.authority("fulcio", text, |url| format!("{url}/api/v2/trustBundle")).await?);
    }
    for text in &args.tsa {
        parts.timestamps.push(from.authority("tsa", text, |url| format!("{url}/certchain")).await?);
    }
    for text in &args.rekor {
        let (url, pem) = from.authority("rekor", text, |url| format!("{url}/api/v1/log/publicKey")).await?;
        parts.rekor.push(LogKey { url, pem, origin: None });
    }
    for text in &args.rekor_v2 {
        let (url, pem) = from.file("rekor-v2", text)?;
        let origin = Some(host(&url).to_owned());
        parts.rekor.push(LogKey { url, pem, origin });
    }
    for text in &args.ct {
        let (url, pem) = from.file("ct", text)?;
        parts.ct.push(LogKey { url, pem, origin: None });
    }
    let root = assemble(&parts)?;
    Ok(match &args.output {
        Some(path) => {
            files::replace(path, root.as_bytes())?;
            Outcome::done(format!("{}\n", path.display()))
        }
        None => Outcome::done(root),
    })
}

/// Where chains and keys come from.
struct Sources<'a> {
    http: Http,
    ui: &'a Ui,
}

impl Sources<'_> {
    /// What a file holds, or else what the service says of itself.
    async fn authority(
        &self,
        flag: &str,
        text: &str,
        place: impl Fn(&str) -> String,
    ) -> Result<(String, Vec<u8>), Failure> {
        if text.contains(',') {
            return self.file(flag, text);
        }
        let url = address(flag, text)?;
        // Whoever stands between could put an authority of his own in its place.
        if !(url.starts_with("https://") || net::is_loopback(host(&url))) {
            let message =
                format!("--{flag}: what vouches is fetched by https only, found `{url}`; or name a file: URL,FILE");
            return Err(Failure::usage(codes::USAGE, message));
        }
        let from = place(&url);
        let unavailable = |e: String| Failure::unknown(crate::roots::TRUST_SERVICE_UNAVAILABLE, e);
        let found = self.http.get(&from, limits::AUTHORITY_BYTES as u64).await;
        let bytes = found.map_err(|e| unavailable(e.to_string()))?;
        let bytes = bytes.ok_or_else(|| unavailable(format!("{from}: there is nothing")))?;
        let pem = if flag == "fulcio" { first_chain(&from, &bytes)? } else { bytes };
        self.ui.note(&format!("fetched from {from}: {}", Digest::sha256(&pem)));
        Ok((url, pem))
    }

    fn file(&self, flag: &str, text: &str) -> Result<(String, Vec<u8>), Failure> {
        let Some((url, file)) = text.split_once(',').filter(|(_, file)| !file.is_empty()) else {
            return Err(Failure::usage(codes::USAGE, format!("--{flag}: expected URL,FILE, found `{text}`")));
        };
        Ok((address(flag, url)?, files::read(Path::new(file), limits::AUTHORITY_BYTES)?))
    }
}

/// A URL, without a slash at its end.
fn address(flag: &str, url: &str) -> Result<String, Failure> {
    let good =
        url.split_once("://").is_some_and(|(scheme, rest)| ["http", "https"].contains(&scheme) && !rest.is_empty());
    match good && !url.contains([' ', '@', '#', '?']) {
        true => Ok(url.trim_end_matches('/').to_owned()),
        false => Err(Failure::usage(codes::USAGE, format!("--{flag}: expected a URL, found `{url}`"))),
    }
}

/// The host of a URL, without its port.
fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split('/').next().unwrap_or_default();
    match authority.strip_prefix('[').and_then(|v6| v6.split_once(']')) {
        Some((v6, _)) => v6,
        None => authority.split(':').next().unwrap_or_default(),
    }
}

/// The chain that Fulcio issues from: the first of its trust bundle, a JSON document.
fn first_chain(from: &str, bytes: &[u8]) -> Result<Vec<u8>, Failure> {
    let malformed = |e: json::JsonError| Failure::from(InitError::Chain { of: from.to_owned(), found: e.to_string() });
    let value = json::parse(bytes, limits::AUTHORITY_BYTES).map_err(malformed)?;
    let read = || {
        let chains = json::Field::root("trustBundle", &value).need("chains")?.list(limits::CHAIN)?;
        let first = chains.first().map(|c| c.need("certificates")?.list(limits::CHAIN));
        first.unwrap_or(Ok(Vec::new()))?.iter().map(json::Field::str).collect::<Result<Vec<_>, _>>()
    };
    Ok(read().map_err(malformed)?.join("\n").into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_read_from_urls() {
        for (url, wanted) in [
            ("https://log.example.org/x", "log.example.org"),
            ("http://127.0.0.1:3003", "127.0.0.1"),
            ("http://[::1]:3003/x", "::1"),
        ] {
            assert_eq!(host(url), wanted);
        }
    }

    #[test]
    fn an_address_is_a_plain_url() {
        assert_eq!(address("ct", "https://ct.example.org/").ok().as_deref(), Some("https://ct.example.org"));
        for bad in ["ct.example.org", "file:///etc", "https://", "https://a@b", "https://a?b", "https://a b"] {
            assert!(address("ct", bad).is_err(), "{bad}");
        }
    }
}
