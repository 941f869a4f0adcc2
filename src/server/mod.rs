//! What `attest audit serve` runs: one process that writes a log for all others of a machine, publishes it, and is a witness of
//! other logs.
//!
//! | file | job |
//! |---|---|
//! | `writer.rs` | the thread that writes: what many hand in goes to the disk together |
//! | `socket.rs` | the Unix socket through which processes of this machine hand in records |
//! | `client.rs` | handing records in at a server that this user or root runs |
//! | `waiting.rs` | who is waited for, and how much is held of what they send |
//! | `hooked.rs` | handing in without waiting for an answer, or for anything |
//! | `http.rs` | the door to the network: connections, times, sizes |
//! | `routes.rs` | what is answered: tiles and checkpoint (C2SP tlog-tiles), `add-checkpoint` (C2SP tlog-witness) |
//! | `answer.rs` | what an answer is |
//! | `otlp.rs` | telemetry that is handed in (OTLP/HTTP in JSON), by machines with a token |
//! | `tokens.rs` | which machine a token is of |
//!
//! A panic in one request is that request's error: each is answered on a thread of its own.

mod answer;
mod client;
mod hooked;
mod http;
mod otlp;
mod routes;
mod socket;
#[cfg(test)]
mod tests;
mod tokens;
mod waiting;
mod writer;

pub use client::{Asked, Said, hand_in};
pub use hooked::tell;
pub use http::{Http, Served};
pub use otlp::Telemetry;
pub use routes::Site;
pub use socket::{Late, Socket};
pub use tokens::Tokens;
pub use writer::{Done, Opened, Parts, Writer};
