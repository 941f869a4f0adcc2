//! The admission webhook, from a review to its reply, without a cluster.

mod catalogue;
mod images;
mod outage;
mod reviews;
mod server;
mod world;
