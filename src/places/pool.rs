//! [`Pool`]: the repositories that a server asks, kept open, and which addresses it may ask for them.

use crate::model::{Reference, limits};
use crate::net::{HttpClient, Reach};
use crate::registry::oci_http::HttpOptions;
use crate::registry::{Gate, Guarded, OciHttp, Registries, Registry, RegistryError};
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

/// Which registries may be near. Whoever may create a pod names a registry, and must not be able to have a server ask what only
/// the server can reach: services of its own machine, those of its cloud, those of the network that it stands in.
#[derive(Clone, Debug, Default)]
pub struct NearBy {
    /// Whether this machine may be asked.
    pub loopback: bool,
    /// Hosts (with port, where a reference names one) that may be in a private network although their name does not show it.
    pub private: Vec<String>,
}

impl NearBy {
    /// Which addresses a host may have.
    fn reach(&self, host: &str) -> Reach {
        let private = shows_private(host) || self.private.iter().any(|p| p.eq_ignore_ascii_case(host));
        Reach { loopback: self.loopback, link: false, private }
    }
}

/// Whether a name by itself shows that it stands in a private network: an address of one, a name of one label, or a name that
/// no public registry of names gives out.
fn shows_private(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or(v6),
        None => host.split(':').next().unwrap_or(host),
    };
    let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    if let Ok(address) = name.parse() {
        return crate::net::nearness(address) == crate::net::Near::Private;
    }
    let reserved = [".local", ".internal", ".svc", ".home.arpa", ".lan", ".test"];
    !name.contains('.') || reserved.iter().any(|end| name.ends_with(end))
}

#[derive(Default)]
struct State {
    hosts: HashMap<String, (HttpClient, Arc<Gate>)>,
    open: HashMap<String, Arc<dyn Registry>>,
    order: VecDeque<String>,
}

/// Repositories that are kept open; those of one registry share its connections, and how much it is asked.
pub struct Pool {
    options: HttpOptions,
    near: NearBy,
    state: Mutex<State>,
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pool").field("near", &self.near).finish_non_exhaustive()
    }
}

impl Pool {
    /// Reaches registries like this.
    #[must_use]
    pub fn new(options: HttpOptions, near: NearBy) -> Self {
        Self { options, near, state: Mutex::default() }
    }

    fn made(&self, state: &mut State, reference: &Reference) -> Result<Arc<dyn Registry>, RegistryError> {
        let host = reference.registry();
        let reach = self.near.reach(host);
        let mut options = self.options.clone();
        (options.reach, options.led) = (reach, Reach { loopback: false, link: false, ..reach });
        if state.hosts.len() >= limits::OPEN_REPOSITORIES {
            state.hosts.clear();
        }
        let fresh = || (options.client(), Arc::new(Gate::default()));
        let (client, gate) = state.hosts.entry(host.to_owned()).or_insert_with(fresh).clone();
        options.client = Some(client);
        Ok(Arc::new(Guarded::over(Arc::new(OciHttp::new(reference, options)?), gate)))
    }
}

impl Registries for Pool {
    fn open(&self, reference: &Reference) -> Result<Arc<dyn Registry>, RegistryError> {
        let name = reference.name();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(open) = state.open.get(&name) {
            return Ok(open.clone());
        }
        let made = self.made(&mut state, reference)?;
        state.open.insert(name.clone(), made.clone());
        state.order.push_back(name);
        while state.order.len() > limits::OPEN_REPOSITORIES {
            if let Some(oldest) = state.order.pop_front() {
                state.open.remove(&oldest);
            }
        }
        Ok(made)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Digest;
    use crate::registry::oci_http::Anonymous;

    #[test]
    fn a_name_shows_a_private_network_or_does_not() {
        for host in [
            "10.0.0.5:5000",
            "[fd00::1]:5000",
            "registry",
            "registry:5000",
            "r.svc.cluster.local",
            "r.internal",
            "r.svc",
        ] {
            assert!(shows_private(host), "{host}");
        }
        for host in
            ["ghcr.io", "8.8.8.8", "127.0.0.1:5000", "169.254.169.254", "local.example.com", "r.corp.example:5000"]
        {
            assert!(!shows_private(host), "{host}");
        }
    }

    #[test]
    fn what_is_near_is_not_asked_unless_it_was_allowed() {
        let ask = |near: NearBy, name: &str| {
            let pool = Pool::new(HttpOptions::new(Arc::new(Anonymous)), near);
            let registry = pool.open(&Reference::parse(name).unwrap()).unwrap();
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(registry.blob(&Digest::sha256(b""), 1)).unwrap_err().to_string()
        };
        // A port that nothing listens at.
        for name in ["127.0.0.1:9/a", "localhost:9/a", "[::1]:9/a", "169.254.169.254/a", "100.100.100.200/a"] {
            assert!(ask(NearBy::default(), name).contains("may not be asked"), "{name}");
        }
        let allowed = NearBy { loopback: true, private: Vec::new() };
        assert!(!ask(allowed.clone(), "127.0.0.1:9/a").contains("may not be asked"));
        assert!(ask(allowed, "169.254.169.254/a").contains("may not be asked"));
    }
}
