//! Charters that are issues: their snapshot when something is built, and a look at them when it is verified.

use crate::capture::{Captured, Context, Environment, NO_CHARTER_DIGEST};
use crate::charter::{self, CharterClient, CharterError, Issue, Live};
use crate::cli::args::{BuildArgs, CharterApi, CharterSnapshot, Common};
use crate::cli::exit::{Failure, codes};
use crate::cli::ui::Ui;
use crate::flow::Looked;
use crate::flow::create::Further;
use crate::model::{DigestSet, PredicateUri, ResourceDescriptor, Subject, limits, uri};
use futures_util::future::join_all;
use std::time::Duration;

impl From<CharterError> for Failure {
    fn from(e: CharterError) -> Self {
        Self::of(e.code(), e.to_string())
    }
}

/// Fetches the charter that was named and puts its digest into the context; a file has one already.
///
/// # Errors
/// Where a snapshot is required: why there is none. Else that is noted, and stands beside the charter.
pub(in crate::cli) async fn capture(
    build: &BuildArgs,
    required: bool,
    context: &mut Context,
    env: &Environment,
    common: &Common,
    ui: &Ui,
) -> Result<Option<Further>, Failure> {
    let required = required || build.charter_snapshot == CharterSnapshot::Required;
    let (uri, source) = match &context.charter {
        Captured::Found { value, source } => match (value.uri(), value.digest()) {
            (Some(uri), None) => (uri.to_owned(), source.clone()),
            // A file: what it says is known already.
            _ => return Ok(None),
        },
        Captured::Absent { reason } if required => {
            return Err(Failure::usage(codes::USAGE, format!("a snapshot of the charter is required: {reason}")));
        }
        Captured::Absent { .. } => return Ok(None),
    };
    let mut without = |why: &str| {
        context.charter = Captured::found(ResourceDescriptor::at(&*uri), &format!("{source}{NO_CHARTER_DIGEST}{why}"));
    };
    if build.charter_snapshot == CharterSnapshot::None && !required {
        without("--charter-snapshot none");
        return Ok(None);
    }
    let patience =
        if required { common.timeout } else { common.timeout.min(Duration::from_secs(limits::CHARTER_SECONDS)) };
    let (issue, live) = match fetch(&uri, build.charter_api, env, patience).await {
        Ok(found) => found,
        Err(e) if required => return Err(e.into()),
        // That it is missing is told with whatever else is.
        Err(e) => {
            without(&e.to_string());
            return Ok(None);
        }
    };
    let token =
        issue.token_variable().map_or_else(|| "asked without a token".to_owned(), |t| format!("asked with {t}"));
    let source = format!("{source}, the {} API of {}, {token}", issue.api(), issue.host());
    context.charter = Captured::found(live.descriptor(&uri, ui.now), &source);
    let subject = Subject::new(&*uri, DigestSet::of(&live.snapshot.digest()));
    Ok(PredicateUri::parse(uri::CHARTER).map(|kind| Further {
        subject,
        kind,
        predicate: live.charter(&uri, ui.now).to_json(),
    }))
}

/// An issue as its host tells it now.
pub(in crate::cli) async fn fetch(
    uri: &str,
    api: Option<CharterApi>,
    env: &Environment,
    patience: Duration,
) -> Result<(Issue, Live), CharterError> {
    let issue = find(uri, api, env)?;
    let client = CharterClient::new(patience);
    let live = client.fetch(&issue).await?.here(&issue.uri)?;
    let live = client.with_approvals(&issue, live).await;
    Ok((issue, live))
}

fn find(uri: &str, api: Option<CharterApi>, env: &Environment) -> Result<Issue, CharterError> {
    let variable = |name: &str| env.variable(name).map(str::to_owned);
    Issue::find(uri, api.and_then(|a| charter::by_name(a.name())), &variable)
}

/// Looks at charters, all at once and within `--timeout`; at most [`limits::RECHECKED_CHARTERS`] of one run.
pub(in crate::cli) async fn look(
    uris: impl IntoIterator<Item = String>,
    looked: &mut Looked,
    api: Option<CharterApi>,
    env: &Environment,
    common: &Common,
) {
    let client = CharterClient::new(common.timeout);
    let left = limits::RECHECKED_CHARTERS.saturating_sub(looked.len());
    let one = |uri: String| {
        let (client, issue) = (&client, find(&uri, api, env));
        async move {
            let found = match issue {
                Ok(issue) => client.fetch(&issue).await,
                Err(e) => Err(e),
            };
            (uri, found)
        }
    };
    let asked: Vec<_> = uris.into_iter().take(left).map(one).collect();
    looked.extend(join_all(asked).await);
}
