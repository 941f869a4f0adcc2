//! The one HTTP client: registries, Fulcio, Rekor, timestamps, TUF repositories and hosts of charters are asked with it.
//!
//! What it keeps for all of them: certificates of the machine or, where it has none, the embedded ones; the proxy of the
//! environment, but none for this machine's own services; a cap on every answer; pauses between tries; and [`Reach`],
//! which says what addresses may be asked. A person's own words reach every address. An answer's words (a redirect, an
//! upload location, a token service) do not reach this machine or its neighbours on the link: a registry could
//! otherwise make us ask the metadata service of a cloud, or a service on loopback that trusts whoever can connect.
//!
//! What it shows a service that nobody else may see (credentials), it remembers by its hashes; [`HttpClient::harmless`]
//! is where words of an answer go through before anybody reads them.
//!
//! It lies below those that use it, and gives them no errors of their own: each says in its own words what
//! [`NetError`] means for it.

mod client;
mod error;
mod exchange;
mod named;
mod reach;
mod request;
mod resolve;
mod retry;
mod sent;

pub use client::{HttpClient, Settings, tls_config};
pub use error::{NetError, Refusal};
pub use exchange::deadline;
pub use reach::{Near, Reach, is_loopback, nearness};
pub use request::{Answer, Redirects, Request, Tries, origin};
pub use retry::growing;
pub use sent::CONCEALED;
