//! [`Reach`]: which addresses may be asked.

use super::error::Refusal;
use reqwest::Url;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// How near an address is. What is nearer trusts us more: a service on loopback often asks for no credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Near {
    /// This machine.
    Loopback,
    /// The same link, where clouds keep the metadata of a machine, with its credentials.
    Link,
    /// A private network.
    Private,
    /// Anything else.
    Public,
}

/// Which addresses may be asked, beside public ones. Looked up for an address as it is connected to, not for its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reach {
    /// This machine.
    pub loopback: bool,
    /// The same link.
    pub link: bool,
    /// Private networks.
    pub private: bool,
}

impl Reach {
    /// Everything: for what a person typed or configured.
    pub const ALL: Self = Self { loopback: true, link: true, private: true };

    /// Not this machine and not its link: for what an answer names. Private networks are left in, because registries in
    /// a cloud send to storage whose public name has a private address there.
    pub const LED: Self = Self { loopback: false, link: false, private: true };

    /// Whether an address may be asked.
    #[must_use]
    pub fn allows(self, address: IpAddr) -> bool {
        match nearness(address) {
            Near::Loopback => self.loopback,
            Near::Link => self.link,
            Near::Private => self.private,
            Near::Public => true,
        }
    }

    /// Whether the host of a URL may be asked, as far as that can be seen before its name is resolved.
    pub(super) fn check(self, url: &Url) -> Result<(), Refusal> {
        let host = url.host_str().ok_or(Refusal::Scheme)?;
        let bare = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
        let allowed = match bare.parse::<IpAddr>() {
            Ok(address) => self.allows(address),
            Err(_) => self.loopback || !is_loopback(host),
        };
        if allowed { Ok(()) } else { Err(Refusal::Address) }
    }
}

/// Where clouds keep the metadata of a machine outside the link-local range: Alibaba, Azure, Oracle; AWS over IPv6.
const METADATA: [IpAddr; 4] = [
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),
    IpAddr::V4(Ipv4Addr::new(192, 0, 0, 192)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
];

/// How near an address is. One that carries an IPv4 address counts as that one.
#[must_use]
pub fn nearness(address: IpAddr) -> Near {
    match address {
        _ if METADATA.contains(&address) => Near::Link,
        IpAddr::V4(ip) => nearness_v4(ip),
        IpAddr::V6(ip) => match carried(ip) {
            Some(inner) => nearness(IpAddr::V4(inner)),
            None if ip.is_loopback() || ip.is_unspecified() => Near::Loopback,
            None if ip.is_unicast_link_local() || ip.is_multicast() => Near::Link,
            None if ip.is_unique_local() || ip.segments()[0] & 0xffc0 == 0xfec0 => Near::Private,
            None => Near::Public,
        },
    }
}

fn nearness_v4(ip: Ipv4Addr) -> Near {
    // Carrier-grade NAT (RFC 6598), where some clouds keep services of their own.
    let shared = ip.octets()[0] == 100 && ip.octets()[1] & 0xc0 == 64;
    match () {
        // The whole of 0.0.0.0/8 is "this host"; connecting to 0.0.0.0 reaches loopback.
        () if ip.is_loopback() || ip.octets()[0] == 0 => Near::Loopback,
        () if ip.is_link_local() || ip.is_multicast() || ip.is_broadcast() => Near::Link,
        () if ip.is_private() || shared => Near::Private,
        () => Near::Public,
    }
}

/// The IPv4 address inside one of IPv6: mapped, compatible, NAT64, 6to4. The system may connect to it instead.
fn carried(ip: Ipv6Addr) -> Option<Ipv4Addr> {
    let s = ip.segments();
    let v4 = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match s {
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => Some(v4(high, low)),
        [0, 0, 0, 0, 0, 0, high, low] if high != 0 => Some(v4(high, low)),
        [0x2002, high, low, ..] => Some(v4(high, low)),
        _ => None,
    }
}

/// Whether a host, with or without a port, is this machine by its very name: nobody on a network can be it.
#[must_use]
pub fn is_loopback(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or(v6),
        None if host.matches(':').count() > 1 => host,
        None => host.split(':').next().unwrap_or(host),
    };
    let name = name.strip_suffix('.').unwrap_or(name);
    name.eq_ignore_ascii_case("localhost")
        || name.parse::<IpAddr>().is_ok_and(|ip| nearness(ip) == Near::Loopback && !ip.is_unspecified())
}

/// Whether what came from one URL may name another to be asked next. `plain`: whether the user takes plain HTTP from
/// other machines.
pub(super) fn may_lead(from: &Url, to: &Url, led: Reach, plain: bool) -> Result<(), Refusal> {
    let local = |url: &Url| url.host_str().is_some_and(is_loopback);
    match to.scheme() {
        "https" => {}
        // What came over TLS stays there: whoever stands between could otherwise answer instead.
        "http" if from.scheme() == "http" => {
            if local(from) && !local(to) && !plain {
                return Err(Refusal::Plain);
            }
        }
        "http" => return Err(Refusal::Plain),
        _ => return Err(Refusal::Scheme),
    }
    // A service of this machine may name another one of it: it is as near.
    let reach = if local(from) { Reach { loopback: true, ..led } } else { led };
    // A host may always name itself.
    if from.host() == to.host() { Ok(()) } else { reach.check(to) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(text: &str) -> Near {
        nearness(text.parse().unwrap())
    }

    #[test]
    fn an_address_is_as_near_as_what_it_carries() {
        for text in ["127.0.0.1", "127.9.9.9", "0.0.0.0", "0.1.2.3", "::1", "::", "::ffff:127.0.0.1", "64:ff9b::7f00:1"]
        {
            assert_eq!(near(text), Near::Loopback, "{text}");
        }
        for text in ["169.254.169.254", "fe80::1", "::ffff:169.254.0.1", "2002:a9fe:a9fe::1", "224.0.0.1", "ff02::1"] {
            assert_eq!(near(text), Near::Link, "{text}");
        }
        for text in ["100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254"] {
            assert_eq!(near(text), Near::Link, "{text}");
        }
        for text in
            ["10.0.0.1", "172.31.0.1", "192.168.1.1", "100.64.0.1", "fd00:ec2::253", "::ffff:10.1.1.1", "fec0::1"]
        {
            assert_eq!(near(text), Near::Private, "{text}");
        }
        for text in ["8.8.8.8", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "::ffff:8.8.8.8", "128.0.0.1"] {
            assert_eq!(near(text), Near::Public, "{text}");
        }
    }

    #[test]
    fn only_this_machine_is_loopback() {
        for host in
            ["localhost", "localhost:5000", "LOCALHOST.", "127.0.0.1:1", "127.9.9.9", "[::1]:80", "[::1]", "::1"]
        {
            assert!(is_loopback(host), "{host}");
        }
        for host in
            ["localhost.evil.example", "127.0.0.1.evil.example:80", "10.0.0.1", "[::2]", "128.0.0.1", "", "0.0.0.0"]
        {
            assert!(!is_loopback(host), "{host}");
        }
    }

    #[test]
    fn what_an_answer_names_is_no_nearer_than_itself() {
        let lead = |from: &str, to: &str, plain| {
            may_lead(&Url::parse(from).unwrap(), &Url::parse(to).unwrap(), Reach::LED, plain)
        };
        let public = "https://r.example/v2/";
        for to in ["https://cdn.example/", "https://r.example/other", "https://10.0.0.1/", "https://8.8.8.8/"] {
            assert_eq!(lead(public, to, false), Ok(()), "{to}");
        }
        for to in
            ["https://localhost/", "https://127.0.0.1:1/", "https://[::1]/", "https://169.254.169.254/x", "https://0/"]
        {
            assert_eq!(lead(public, to, true), Err(Refusal::Address), "{to}");
        }
        for to in ["http://r.example/", "http://cdn.example/", "http://127.0.0.1/"] {
            assert_eq!(lead(public, to, true), Err(Refusal::Plain), "{to}");
        }
        assert_eq!(lead(public, "file:///etc/passwd", true), Err(Refusal::Scheme));
        let local = "http://127.0.0.1:1/";
        assert_eq!(lead(local, "http://localhost:2/", false), Ok(()));
        assert_eq!(lead(local, "https://cdn.example/", false), Ok(()));
        assert_eq!(lead(local, "http://cdn.example/", false), Err(Refusal::Plain));
        assert_eq!(lead(local, "http://cdn.example/", true), Ok(()));
        assert_eq!(lead(local, "http://169.254.169.254/", true), Err(Refusal::Address));
        let plain = "http://r.corp.example/";
        assert_eq!(lead(plain, "http://cdn.corp.example/", false), Ok(()));
        assert_eq!(lead(plain, "http://localhost/", true), Err(Refusal::Address));
    }

    #[test]
    fn a_stricter_reach_leaves_private_networks_out() {
        let none = Reach { private: false, ..Reach::LED };
        assert!(!none.allows("10.0.0.1".parse().unwrap()) && Reach::LED.allows("10.0.0.1".parse().unwrap()));
        assert!(none.allows("8.8.8.8".parse().unwrap()));
        assert!(none.check(&Url::parse("https://192.168.0.1/").unwrap()).is_err());
    }
}
