//! Charters that are issues: which host serves them, what it says, and whether it still says the same.
//!
//! [`Issue::find`] reads a URL: which [`Forge`] speaks at its host, by what is known of public hosts, by the variables of
//! the CI system that the host runs, or because the caller says so. A token goes to the one server that its variables bind
//! it to, over TLS, and never along a redirect. What comes back is a [`Live`]: the part that is the charter, and what may
//! change beside it. To add a kind of host: one file here and one row in [`ALL`].

mod approvals;
mod error;
mod forgejo;
mod github;
mod gitlab;
mod issue;
mod live;
mod recheck;
mod server;
mod url;

#[cfg(feature = "cli")]
mod fetch;
#[cfg(feature = "cli")]
mod http;

pub use error::{CharterError, Wait};
#[cfg(feature = "cli")]
pub use fetch::CharterClient;
pub use issue::Issue;
pub use live::{Answer, Live};
pub use recheck::{Compared, compare};
pub use server::{Server, Token};
pub use url::WebUrl;

use crate::model::json::{Field, JsonError};

/// Looks a variable of the environment up; one that is empty counts as none.
pub type Variables<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Where an issue is, within its server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The project's path, `owner/name` or deeper.
    pub project: String,
    /// The number in the URL.
    pub number: u64,
    /// Whether the URL names a change (pull or merge request).
    pub change: bool,
}

/// A kind of host with an API of its own.
///
/// Contract: pure. `read` takes what its documentation says and refuses everything else with the field's name; it never
/// fills in what the host did not say.
pub trait Forge: Sync {
    /// Name, as `--charter-api` takes it.
    fn name(&self) -> &'static str;

    /// Whether a host (lower case, without port) is one of its public ones.
    fn is_public(&self, host: &str) -> bool;

    /// What stands for the host in a principal, for example `github` for `github.com`, else the host itself.
    fn short(&self, host: &str) -> Option<&'static str>;

    /// Where the API of a server is, if nothing says otherwise.
    fn api(&self, web: &WebUrl) -> String;

    /// The servers that the environment names, each with the token that belongs to it.
    fn servers(&self, env: Variables<'_>) -> Vec<Server>;

    /// Which issue a path names, below the server's own.
    fn locate(&self, segments: &[String]) -> Option<Place>;

    /// The path of an issue below the API's address.
    fn issue_path(&self, place: &Place) -> String;

    /// The path of its project below the API's address: what is there where the issue is not.
    fn project_path(&self, place: &Place) -> String;

    /// The path of what a change's approvals are read from, below the API's address.
    fn approvals_path(&self, place: &Place) -> String;

    /// Reads the numbers of those who approved; `None` where the answer may not be all of it.
    ///
    /// # Errors
    /// The first field that is not as documented.
    fn approvals(&self, answer: &Field<'_>) -> Result<Option<Vec<String>>, JsonError> {
        approvals::of_reviews(answer)
    }

    /// Reads an issue. `web` is the server, for what an answer says of its own place.
    ///
    /// # Errors
    /// The first field that is not as documented.
    fn read(&self, web: &WebUrl, place: &Place, answer: &Field<'_>) -> Result<Live, JsonError>;
}

/// Every kind of host.
pub const ALL: &[&dyn Forge] = &[&github::GitHub, &gitlab::GitLab, &forgejo::Forgejo];

/// The kind of host of a name.
#[must_use]
pub fn by_name(name: &str) -> Option<&'static dyn Forge> {
    ALL.iter().copied().find(|f| f.name() == name)
}
