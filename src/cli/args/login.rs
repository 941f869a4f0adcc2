//! Whether a person's identity signs, and what a person can do where nothing signs.

use crate::cli::ask::person;
use crate::cli::exit::{Failure, codes};
use crate::model::limits;
use crate::sign::{Login, LoginFlow, PUBLIC_CLIENT, PUBLIC_ISSUER, Variables};
use clap::{Args, ValueEnum};
use std::time::Duration;

/// How a person logs in.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "How to sign")]
pub(in crate::cli) struct LoginArgs {
    /// Log in as a person: normal (in a browser) or device (with a code, on any device); token: never
    /// [default: normal on a terminal where nothing else signs]
    #[arg(long, value_name = "FLOW", value_enum, conflicts_with_all = ["key", "identity_token"])]
    fulcio_auth_flow: Option<Flow>,
    /// OpenID Connect issuer at which a person logs in [default: the signing config's, or Sigstore's public one]
    #[arg(long, value_name = "URL", conflicts_with_all = ["key", "identity_token"])]
    oidc_issuer: Option<String>,
    /// Client that the token is for
    #[arg(long, value_name = "ID", default_value = PUBLIC_CLIENT, conflicts_with_all = ["key", "identity_token"])]
    oidc_client_id: String,
}

/// In cosign's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Flow {
    Normal,
    Device,
    Token,
}

/// What came of looking for a person.
pub(in crate::cli) enum Choice {
    /// Somebody logs in.
    Login(Login),
    /// No person can log in here, for this reason.
    Nobody(String),
}

impl LoginArgs {
    /// Whether a person was asked for, so that nothing else signs.
    pub(in crate::cli) fn is_demanded(&self) -> bool {
        matches!(self.fulcio_auth_flow, Some(Flow::Normal | Flow::Device))
    }

    /// Looks for a person. `issuer` is that of a signing configuration; `private` says that the services are not those
    /// of the public instance.
    ///
    /// # Errors
    /// Exit 2: a person was asked for where nobody answers, or at no issuer.
    pub(in crate::cli) fn choose(
        &self,
        issuer: Option<&str>,
        private: bool,
        variables: Variables<'_>,
    ) -> Result<Choice, Failure> {
        let ci = person::ci_variable(&|name| variables(name));
        let flow = match (self.fulcio_auth_flow, ci) {
            (Some(Flow::Token), _) => return Ok(Choice::Nobody("--fulcio-auth-flow token asks nobody".into())),
            (Some(_), Some(variable)) => {
                let message = format!("nobody can log in here: {variable} says that this is a job of a CI system");
                return Err(Failure::usage(codes::NO_SIGNER, message));
            }
            (None, Some(variable)) => {
                return Ok(Choice::Nobody(format!("{variable} says that this is a job of a CI system")));
            }
            (Some(Flow::Device), None) => LoginFlow::Device,
            (Some(Flow::Normal), None) => LoginFlow::Browser,
            (None, None) if !person::has_terminal() => {
                let why = "there is no terminal to ask at; --fulcio-auth-flow normal or device asks all the same";
                return Ok(Choice::Nobody(why.into()));
            }
            (None, None) => LoginFlow::Browser,
        };
        // A token of the public issuer would let whoever gets it sign as this person in the public instance: a file that
        // names it beside services of its own is not enough.
        let named = issuer.filter(|i| !private || i.trim_end_matches('/') != PUBLIC_ISSUER);
        let issuer = match (self.oidc_issuer.as_deref().or(named), private) {
            (Some(issuer), _) => issuer,
            (None, false) => PUBLIC_ISSUER,
            (None, true) => {
                let message = "the services are not the public instance's, and no issuer of theirs is named (the public one \
                               is not theirs): pass --oidc-issuer";
                return Err(Failure::usage(codes::USAGE, message));
            }
        };
        let patience = Duration::from_secs(limits::LOGIN_SECONDS);
        let login = Login { issuer: issuer.to_owned(), client: self.oidc_client_id.clone(), flow, patience };
        login.check()?;
        if self.fulcio_auth_flow.is_none() && !private {
            let question = "nothing else signs here: log in, and publish your e-mail address in a public log for good?";
            if !person::agrees(question) {
                return Ok(Choice::Nobody("it was declined".into()));
            }
        }
        Ok(Choice::Login(login))
    }
}
