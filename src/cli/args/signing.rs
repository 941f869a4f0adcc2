//! What `create`, `sign` and `flush` share: the flags of signing, an open signer, a bundle that verifies.

use crate::capture::launch;
use crate::capture::{Environment, Identity};
use crate::cli::args::Common;
use crate::cli::args::login::{Choice, LoginArgs};
use crate::cli::ask::password;
use crate::cli::ask::person;
use crate::cli::exit::{Failure, codes};
use crate::cli::ui::Ui;
use crate::flow::{PublishError, Signing, identity_of};
use crate::issuer;
use crate::model::{Timestamp, json, limits};
use crate::outbox::OutboxError;
use crate::places::{self, files, variable};
use crate::programs::Launch;
use crate::sign::{
    Found, IdentityToken, LogVersion, Login, Selection, ServiceClient, Services, SignError, TokenSource, key_file_facts,
};
use crate::trust::TrustedRoot;
use clap::Args;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// How to sign.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "How to sign")]
pub(in crate::cli) struct SigningArgs {
    /// What signs: the PEM file of a private key, env:VARIABLE, pkcs11:URI, or exec:PROGRAM
    #[arg(long, value_name = "REF")]
    pub(crate) key: Option<String>,
    /// Sign as this identity, without a key of your own: a file of an OpenID Connect token, env:VARIABLE, or the token
    /// [default: what the CI system gives]
    #[arg(long, value_name = "REF", conflicts_with = "key")]
    identity_token: Option<String>,
    #[command(flatten)]
    login: LoginArgs,
    /// Services of a Sigstore instance, as a signing config or client trust config
    #[arg(long, value_name = "FILE", conflicts_with_all = ["fulcio_url", "rekor_url", "timestamp_url"])]
    signing_config: Option<PathBuf>,
    /// Authority that certifies the identity
    #[arg(long, value_name = "URL", conflicts_with = "key")]
    fulcio_url: Option<String>,
    /// Transparency log (repeatable: all of them)
    #[arg(long, value_name = "URL")]
    rekor_url: Vec<String>,
    /// Version of the logs of --rekor-url; version 2 needs --timestamp-url
    #[arg(long, value_name = "VERSION", default_value = "1", value_parser = ["1", "2"], requires = "rekor_url")]
    rekor_version: String,
    /// Timestamp authority (repeatable: all of them)
    #[arg(long, value_name = "URL")]
    timestamp_url: Vec<String>,
    /// Trusted root of the services: what was signed is verified with it before it is published (repeatable)
    #[arg(long, value_name = "FILE")]
    trusted_root: Vec<PathBuf>,
}

impl From<PublishError> for Failure {
    fn from(e: PublishError) -> Self {
        match e {
            PublishError::Sign(e) => e.into(),
            PublishError::Registry(e) => e.into(),
            _ => Self::of(e.code(), e.to_string()),
        }
    }
}

impl From<OutboxError> for Failure {
    fn from(e: OutboxError) -> Self {
        Self::of(e.code(), e.to_string())
    }
}

/// What signs, as far as it can be told before a build step runs: nothing is opened, fetched or sent.
pub(in crate::cli) struct Method {
    with: With,
    services: Services,
    /// Whether flags or a file named the services.
    explicit: bool,
    roots: Vec<TrustedRoot>,
    /// What programs that sign are handed.
    launch: Launch,
}

enum With {
    Key(Found),
    Token(TokenSource),
    Login(Login, person::Here),
}

impl SigningArgs {
    /// Decides what signs, and reads what flags name about it.
    ///
    /// # Errors
    /// Exit 2: nothing to sign with, and what the ways lack here; services that do not go together.
    pub(in crate::cli) fn method(&self, now: Timestamp) -> Result<Method, Failure> {
        let (mut services, mut roots) = match &self.signing_config {
            Some(path) => self.config(path, now)?,
            None => (self.of_urls(), Vec::new()),
        };
        let env = places::environment()?;
        let launch = launch::signers(&env);
        let with = self.with(&services, now, &env, &launch)?;
        if matches!(with, With::Key(_)) {
            services.certificates.clear();
        }
        let explicit = !services.is_empty();
        services.check()?;
        for path in &self.trusted_root {
            let bytes = files::read(path, limits::ROOT_BYTES)?;
            roots.extend(root(&bytes, path)?);
        }
        if explicit && roots.is_empty() {
            let message = "services were named, and no root to verify what they sign: pass --trusted-root";
            return Err(Failure::usage(codes::USAGE, message));
        }
        if !matches!(with, With::Key(_)) && explicit && services.certificates.is_empty() {
            return Err(Failure::usage(
                codes::USAGE,
                "an identity needs an authority to certify it: pass --fulcio-url",
            ));
        }
        Ok(Method { with, services, explicit, roots, launch })
    }

    fn with(&self, services: &Services, now: Timestamp, env: &Environment, launch: &Launch) -> Result<With, Failure> {
        match (&self.key, &self.identity_token) {
            (Some(key), _) => return Ok(With::Key(password::find_signer(key, launch)?)),
            (None, Some(token)) => return Ok(With::Token(TokenSource::named(token))),
            (None, None) => {}
        }
        let lacks = match TokenSource::ambient(&variable, launch) {
            _ if self.login.is_demanded() => Vec::new(),
            Ok(source) => return Ok(With::Token(source)),
            Err(lacks) => lacks,
        };
        match self.login.choose(services.issuer.as_deref(), is_private(services, now)?, &variable)? {
            Choice::Login(login) => Ok(With::Login(login, person::Here::find(&launch::helpers(env, &[])))),
            Choice::Nobody(why) => Err(nothing_to_sign_with(&lacks, &why)),
        }
    }

    fn of_urls(&self) -> Services {
        let version = if self.rekor_version == "2" { LogVersion::V2 } else { LogVersion::V1 };
        Services {
            certificates: self.fulcio_url.clone().into_iter().collect(),
            logs: Selection::all(self.rekor_url.iter().map(|url| (url.clone(), version))),
            timestamps: Selection::all(self.timestamp_url.clone()),
            issuer: None,
        }
    }

    fn config(&self, path: &Path, now: Timestamp) -> Result<(Services, Vec<TrustedRoot>), Failure> {
        let bytes = files::read(path, limits::ROOT_BYTES)?;
        let services = Services::from_config(&bytes, &format!("`{}`", path.display()), now)?;
        // A client trust config holds the root beside the services.
        let value = json::parse(&bytes, limits::ROOT_BYTES).ok();
        let roots = match value.as_ref().and_then(|v| v.get("trustedRoot")) {
            Some(trusted) => root(trusted.to_string().as_bytes(), path)?,
            None => Vec::new(),
        };
        Ok((services, roots))
    }
}

fn root(bytes: &[u8], path: &Path) -> Result<Vec<TrustedRoot>, Failure> {
    let origin = path.display().to_string();
    TrustedRoot::parse(bytes, &origin)
        .map_err(|e| Failure::usage(e.code(), e.to_string()).context(format!("--trusted-root `{origin}`")))
}

fn nothing_to_sign_with(lacks: &[String], nobody: &str) -> Failure {
    let message = "there is nothing to sign with: no key was named, and nothing here gives an identity";
    let mut failure = Failure::usage(codes::NO_SIGNER, message);
    failure.detail = "ways to sign:\n  a key: --key was not given; `attest keygen` makes one\n".into();
    for (i, lack) in lacks.iter().enumerate() {
        let way = if i == 0 { "the identity of a CI system or agent" } else { "  and" };
        let _ = writeln!(failure.detail, "  {way}: {lack}");
    }
    let _ = writeln!(failure.detail, "  a person's identity, by logging in in a browser: {nobody}");
    failure
}

impl Method {
    /// The key's reference, if a key signs.
    pub(in crate::cli) fn reference(&self) -> Option<&str> {
        if let With::Key(found) = &self.with { Some(found.reference()) } else { None }
    }

    /// The variable that holds the secret, if one does: not for a build step.
    pub(in crate::cli) fn variable(&self) -> Option<String> {
        match &self.with {
            With::Key(found) => found.variable().map(str::to_owned),
            With::Token(source) => source.variable().map(str::to_owned),
            With::Login(..) => None,
        }
    }

    /// Looks whether what signs could be opened after a build step, without opening it.
    ///
    /// # Errors
    /// [`Failure`].
    pub(in crate::cli) fn look(&self) -> Result<(), Failure> {
        match &self.with {
            With::Key(found) => Ok(password::look_at_signer(found, &self.launch)?),
            With::Token(source) => Ok(source.look(&variable)?),
            With::Login(..) => Ok(()),
        }
    }

    /// The file that holds what signs, if one does: a build step that runs as the same user can read it.
    pub(in crate::cli) fn file(&self) -> Result<Option<PathBuf>, Failure> {
        Ok(match &self.with {
            With::Key(found) => key_file_facts(found.reference())?.map(|facts| facts.path),
            With::Token(source) => source.file().map(Path::to_owned),
            With::Login(..) => None,
        })
    }

    /// That no secret stands among the arguments of this process, which a build step could read.
    ///
    /// # Errors
    /// Exit 2.
    pub(in crate::cli) fn hides_secrets(&self) -> Result<(), Failure> {
        let message = match &self.with {
            With::Key(found) if found.reference().contains("pin-value=") => {
                "the build step could read a PIN among the arguments: use ATTEST_PKCS11_PIN, or `pin-source=`"
            }
            With::Token(source) if source.is_text() => {
                "the build step could read a token among the arguments: name a variable (env:NAME) or a file"
            }
            _ => return Ok(()),
        };
        Err(Failure::usage(codes::USAGE, message))
    }

    /// What the signer goes by in an outbox as long as it has not answered.
    pub(in crate::cli) fn name(&self) -> String {
        match &self.with {
            // A PIN is no part of who signs, and is not to be kept.
            With::Key(found) => format!("reference {}", found.reference().split('?').next().unwrap_or_default()),
            With::Token(source) => format!("identity of {}", source.place()),
            With::Login(login, _) => format!("identity of a login at {}", login.issuer),
        }
    }

    /// Whether the builder that a provenance names is the identity's to say.
    pub(in crate::cli) fn has_identity(&self) -> bool {
        !matches!(self.with, With::Key(_))
    }

    /// Opens the key, or fetches the identity token.
    ///
    /// # Errors
    /// [`Failure`].
    pub(in crate::cli) async fn open(&self, common: &Common, ui: &Ui) -> Result<Signing, Failure> {
        match &self.with {
            With::Key(found) => {
                let opened = password::open_signer(found, &self.launch, common.patience())?;
                if opened.file.as_ref().is_some_and(|f| f.readable_by_others) {
                    ui.note("others on this machine can read the private key's file: chmod 600 it");
                }
                let key = opened
                    .public_key
                    .ok_or_else(|| SignError::Failed { cause: "the signer names no key of its own".into() })?;
                let services = self.services.of_key(key.algorithm())?;
                let mut signing = Signing::with_key(opened.signer, key);
                signing.names.insert(0, self.name());
                signing.trust = signing.trust.with_roots(&self.roots);
                // A client reads the machine's certificates, so it is made only where it is needed.
                if !services.is_empty() {
                    signing.evidence = services.witnesses(&ServiceClient::new(common.timeout));
                }
                Ok(signing)
            }
            With::Token(source) => {
                let client = ServiceClient::new(common.timeout);
                let token = source.token(&variable, &client).await?;
                token.check(places::now())?;
                self.keyless(token, client, ui).await
            }
            With::Login(login, here) => {
                let client = ServiceClient::new(common.timeout);
                let token = login.token(here, &client).await?;
                token.check(places::now())?;
                self.keyless(token, client, ui).await
            }
        }
    }

    async fn keyless(&self, token: IdentityToken, client: ServiceClient, ui: &Ui) -> Result<Signing, Failure> {
        let services = match self.explicit {
            true => self.services.clone(),
            // What a public log says of a private repository cannot be taken back.
            false if token.is_private_on_github() => Services::github(),
            false => Services::public_good(ui.now)?,
        };
        let roots = if self.roots.is_empty() {
            places::roots::roots(&[], ui.now, &|n| ui.note(n)).await?
        } else {
            self.roots.clone()
        };
        // What a private authority writes, and what any writes of a private issuer, is for its configuration to say: the
        // certificate is read first, so that the statement says the same.
        let is_foreseen = issuer::is_foreseen(token.issuer()) && !(self.explicit && is_private(&services, ui.now)?);
        let mut signing = match is_foreseen {
            true => Signing::keyless(token, &services, &roots, client)?,
            false => Signing::certified(token, &services, &roots, client).await?,
        };
        signing.names.insert(0, self.name());
        Ok(signing)
    }
}

/// The claims of the token that a flag names; `ambient` is what the CI system gives.
///
/// # Errors
/// [`Failure`].
pub(in crate::cli) async fn identity(reference: &str, common: &Common) -> Result<Identity, Failure> {
    let source = match reference {
        "ambient" => TokenSource::ambient(&variable, &launch::signers(&places::environment()?)).map_err(|lacks| {
            Failure::usage(codes::NO_SIGNER, format!("nothing here gives an identity token: {}", lacks.join("; ")))
        })?,
        reference => TokenSource::named(reference),
    };
    Ok(identity_of(&source.token(&variable, &ServiceClient::new(common.timeout)).await?))
}

/// Whether a token would be shown to another authority than the public instance's own.
fn is_private(services: &Services, now: Timestamp) -> Result<bool, Failure> {
    let public = Services::public_good(now)?.certificates;
    let known = |url: &String| public.iter().any(|p| p.trim_end_matches('/') == url.trim_end_matches('/'));
    let all_known = !services.certificates.is_empty() && services.certificates.iter().all(known);
    Ok(!services.is_empty() && !all_known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_authority_of_a_strangers_makes_services_private() {
        let now = Timestamp::parse("2026-06-01T00:00:00Z").unwrap();
        let private = |change: &dyn Fn(&mut Services)| {
            let mut services = Services::public_good(now).unwrap();
            change(&mut services);
            is_private(&services, now).unwrap()
        };
        assert!(!private(&|_| ()) && !private(&|s| *s = Services::default()));
        assert!(private(&|s| s.certificates.push("https://ca.example".into())));
        assert!(private(&|s| s.certificates = vec!["https://ca.example".into()]));
        // Who named a log alone has not said whose authority it is.
        assert!(private(&|s| s.certificates.clear()));
    }
}
