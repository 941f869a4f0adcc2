//! Registries and layouts: one suite over every back end, and what each does with answers that lie.

mod conformance;
mod http;
mod layout;
mod tls;
