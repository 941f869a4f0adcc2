#![expect(clippy::disallowed_methods, reason = "the door of the network: reads the proxies that the environment names")]
//! Names to addresses: where an address that may not be asked is dropped, so that no name can stand for it.

use super::reach::{Reach, is_loopback};
use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::collections::HashSet;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

/// Every address of a name may not be asked.
#[derive(Debug)]
pub(super) struct Barred;

impl fmt::Display for Barred {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no address that may be asked")
    }
}

impl std::error::Error for Barred {}

/// Resolves by the system, and keeps what may be asked. It is asked where a connection is made, and the connection goes
/// to what it gives: a name that has another address a moment later gains nothing.
#[derive(Clone)]
pub(super) struct Gate(Arc<Inner>);

struct Inner {
    /// For names that a person gave.
    typed: Reach,
    /// For all other names.
    led: Reach,
    names: Mutex<HashSet<String>>,
    /// Proxies that the environment names: how the way out is reached is the machine's business.
    proxies: HashSet<String>,
    /// Answers in the place of the system's, for tests.
    answers: Option<fn(&str) -> Vec<IpAddr>>,
}

impl Gate {
    pub(super) fn new(typed: Reach, led: Reach, answers: Option<fn(&str) -> Vec<IpAddr>>) -> Self {
        Self(Arc::new(Inner { typed, led, names: Mutex::default(), proxies: proxies(), answers }))
    }

    /// Says that a person gave this host.
    pub(super) fn typed(&self, url: &Url) {
        if let Some(name) = url.host_str() {
            self.0.names.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_ascii_lowercase());
        }
    }
}

impl Inner {
    fn may(&self, name: &str, address: IpAddr) -> bool {
        if self.proxies.contains(name) {
            return true;
        }
        if is_loopback(name) {
            // Whoever answers for names could otherwise have what is meant for this machine, in the clear.
            return Reach::ALL.allows(address) && is_loopback(&address.to_string());
        }
        let typed = self.names.lock().unwrap_or_else(PoisonError::into_inner).contains(name);
        if typed { self.typed } else { self.led }.allows(address)
    }
}

impl Resolve for Gate {
    fn resolve(&self, name: Name) -> Resolving {
        let inner = self.0.clone();
        Box::pin(async move {
            let name = name.as_str().to_ascii_lowercase();
            let found: Vec<SocketAddr> = match inner.answers {
                Some(answers) => answers(&name).into_iter().map(|ip| SocketAddr::new(ip, 0)).collect(),
                None => tokio::net::lookup_host((name.as_str(), 0)).await?.collect(),
            };
            let kept: Vec<SocketAddr> = found.into_iter().filter(|a| inner.may(&name, a.ip())).collect();
            if kept.is_empty() {
                return Err(Barred.into());
            }
            Ok(Box::new(kept.into_iter()) as Addrs)
        })
    }
}

/// Hosts of the proxies that the environment names.
fn proxies() -> HashSet<String> {
    let names = ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
    let values = names.iter().filter_map(|name| std::env::var(name).ok());
    let hosts = values.filter_map(|value| {
        let value = if value.contains("://") { value } else { format!("http://{value}") };
        Url::parse(&value).ok()?.host_str().map(str::to_ascii_lowercase)
    });
    hosts.collect()
}
