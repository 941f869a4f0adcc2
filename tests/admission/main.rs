//! The admission webhook, from a review to its reply, without a cluster.

mod catalogue;
mod images;
mod metrics_page;
mod outage;
mod reviews;
mod server;
mod world;
