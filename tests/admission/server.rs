//! The door: TLS, sizes, times.

use crate::world::{Cluster, created, pod, run};
use attest::webhook::{Certificate, Door, Watch};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// A certificate for this machine, and its key, in PEM.
struct Pair {
    certificate: String,
    key: String,
}

fn pair() -> Pair {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    Pair { certificate: made.cert.pem(), key: made.signing_key.serialize_pem() }
}

struct Served {
    https: std::net::SocketAddr,
    watch: std::net::SocketAddr,
    certificate: Arc<Certificate>,
    own: Pair,
}

async fn served(cluster: Cluster) -> Served {
    served_with(cluster, Duration::from_secs(10)).await
}

async fn served_with(cluster: Cluster, patience: Duration) -> Served {
    let own = pair();
    let certificate = Certificate::new(own.certificate.as_bytes(), own.key.as_bytes()).unwrap();
    let router = Arc::new(cluster.router);
    let at = "127.0.0.1:0".parse().unwrap();
    let door = Door::listen(at, &certificate, router.clone()).await.unwrap();
    let watch = Watch::listen(at, router).await.unwrap();
    let out = Served { https: door.address().unwrap(), watch: watch.address().unwrap(), certificate, own };
    tokio::spawn(door.patience(patience).connections(300).serve());
    tokio::spawn(watch.serve());
    out
}

/// A client that speaks TLS and nothing yet.
async fn raw(served: &Served, protocol: Option<&str>) -> TlsStream<TcpStream> {
    use rustls::pki_types::pem::PemObject as _;
    let mut roots = rustls::RootCertStore::empty();
    let own = rustls::pki_types::CertificateDer::from_pem_slice(served.own.certificate.as_bytes()).unwrap();
    roots.add(own).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let mut config = config.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = protocol.map(|p| p.as_bytes().to_vec()).into_iter().collect();
    let stream = TcpStream::connect(served.https).await.unwrap();
    let name = rustls::pki_types::ServerName::try_from("127.0.0.1").unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap()
}

fn client(trusted: &str) -> reqwest::Client {
    let trusted = reqwest::Certificate::from_pem(trusted.as_bytes()).unwrap();
    reqwest::Client::builder().tls_certs_only([trusted]).no_proxy().build().unwrap()
}

#[test]
fn a_review_goes_over_tls_and_what_is_too_large_or_something_else_does_not() {
    let cluster = Cluster::new("");
    let good = cluster.attested("registry.example/acme/app", &cluster.key);
    run(async {
        let served = served(cluster).await;
        let (client, url) = (client(&served.own.certificate), format!("https://{}/validate?timeout=5s", served.https));
        let body = created(&pod(&[&good])).to_string();
        let post = |body: String, media: &str| client.post(&url).header("content-type", media).body(body).send();
        let answer = post(body.clone(), "application/json").await.unwrap();
        assert_eq!(answer.status(), 200);
        assert!(answer.text().await.unwrap().contains("\"allowed\":true"));
        assert_eq!(post(body.clone(), "text/plain").await.unwrap().status(), 415);
        // The server may close before the client has sent all of it.
        if let Ok(answer) = post("x".repeat(9 << 20), "application/json").await {
            assert_eq!(answer.status(), 413);
        }
        assert_eq!(post("{".into(), "application/json").await.unwrap().status(), 400);
        let plain = reqwest::Client::builder().no_proxy().build().unwrap();
        for (path, status) in [("livez", 200), ("readyz", 200), ("metrics", 200), ("validate", 404)] {
            assert_eq!(
                plain.get(format!("http://{}/{path}", served.watch)).send().await.unwrap().status(),
                status,
                "{path}"
            );
        }
        assert_eq!(client.get(format!("https://{}/metrics", served.https)).send().await.unwrap().status(), 404);
    });
}

#[test]
fn clients_that_say_nothing_keep_nobody_out() {
    let cluster = Cluster::new("");
    let good = cluster.attested("registry.example/acme/app", &cluster.key);
    run(async {
        let served = served(cluster).await;
        let mut idle = Vec::new();
        for _ in 0..200 {
            idle.push(TcpStream::connect(served.https).await.unwrap());
        }
        let mut half = TcpStream::connect(served.https).await.unwrap();
        half.write_all(b"\x16\x03\x01\x02").await.unwrap();
        let body = created(&pod(&[&good])).to_string();
        let url = format!("https://{}/validate", served.https);
        let answer =
            client(&served.own.certificate).post(url).header("content-type", "application/json").body(body).send();
        let answer = tokio::time::timeout(Duration::from_secs(5), answer).await.unwrap().unwrap();
        assert_eq!(answer.status(), 200);
        // What is no handshake is closed.
        let mut other = TcpStream::connect(served.https).await.unwrap();
        other.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
        let mut out = Vec::new();
        let read = tokio::time::timeout(Duration::from_secs(5), other.read_to_end(&mut out)).await;
        assert!(read.is_ok());
    });
}

#[test]
fn a_certificate_is_replaced_while_it_serves_and_kept_where_the_new_one_does_not_fit() {
    let cluster = Cluster::new("");
    run(async {
        let served = served(cluster).await;
        let url = format!("https://{}/", served.https);
        let reached = async |trusted: &Pair| client(&trusted.certificate).get(&url).send().await.is_ok();
        let (own, twin) = (&served.own, pair());
        assert!(reached(own).await && !reached(&twin).await);
        let replace = |chain: &str, key: &str| served.certificate.replace(chain.as_bytes(), key.as_bytes());
        assert!(replace("no pem", &own.key).unwrap_err().contains("certificate"));
        assert!(replace(&own.certificate, "").unwrap_err().contains("no private key"));
        let refused = replace(&twin.certificate, &own.key).unwrap_err();
        assert!(refused.contains("not the certificate's") && !refused.contains("BEGIN"), "{refused}");
        assert!(reached(own).await && !reached(&twin).await);
        replace(&twin.certificate, &twin.key).unwrap();
        assert!(reached(&twin).await && !reached(own).await);
        assert!(served.certificate.ends().unwrap() > 1_800_000_000);
    });
}

#[test]
fn who_says_nothing_after_the_handshake_is_let_go_and_who_asked_is_not() {
    let cluster = Cluster::new("");
    let good = cluster.attested("registry.example/acme/app", &cluster.key);
    run(async {
        let served = served_with(cluster, Duration::from_secs(1)).await;
        let body = created(&pod(&[&good])).to_string();
        let head = format!(
            "POST /validate HTTP/1.1\r\nhost: h\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        let mut asked = raw(&served, Some("http/1.1")).await;
        asked.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
        let mut answer = vec![0; 4096];
        assert!(asked.read(&mut answer).await.unwrap() > 0);
        for protocol in [None, Some("http/1.1"), Some("h2")] {
            let mut silent = raw(&served, protocol).await;
            let mut out = Vec::new();
            let closed = tokio::time::timeout(Duration::from_secs(6), silent.read_to_end(&mut out)).await;
            assert!(closed.is_ok(), "{protocol:?} is still there");
        }
        // Whoever asked before keeps the connection meanwhile.
        asked.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
        assert!(asked.read(&mut answer).await.unwrap() > 0);
    });
}

#[test]
fn large_bodies_that_do_not_come_keep_no_review_out() {
    let cluster = Cluster::new("");
    let good = cluster.attested("registry.example/acme/app", &cluster.key);
    run(async {
        let served = served(cluster).await;
        let length = 8 << 20;
        let head = format!(
            "POST /validate HTTP/1.1\r\nhost: h\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n"
        );
        let stall = async || {
            let mut client = raw(&served, Some("http/1.1")).await;
            client.write_all(head.as_bytes()).await.unwrap();
            client.write_all(&vec![b' '; length - 1]).await.unwrap();
            client
        };
        let mut stalled = futures_util::future::join_all((0..8).map(|_| stall())).await;
        // They fill the room for large bodies but for a few bytes.
        tokio::time::sleep(Duration::from_millis(300)).await;
        let url = format!("https://{}/validate", served.https);
        let body = created(&pod(&[&good])).to_string();
        let answer =
            client(&served.own.certificate).post(url).header("content-type", "application/json").body(body).send();
        assert_eq!(answer.await.unwrap().status(), 200);
        // And none of them is waited for long.
        let mut out = Vec::new();
        let read = tokio::time::timeout(Duration::from_secs(6), stalled[0].read_to_end(&mut out)).await;
        assert!(read.is_ok() && String::from_utf8_lossy(&out).contains("408"), "{}", String::from_utf8_lossy(&out));
    });
}

#[test]
fn who_asked_once_keeps_nobody_out_when_there_is_no_place_left() {
    let cluster = Cluster::new("");
    let good = cluster.attested("registry.example/acme/app", &cluster.key);
    run(async {
        let served = served(cluster).await;
        let body = created(&pod(&[&good])).to_string();
        let head = format!(
            "POST /validate HTTP/1.1\r\nhost: h\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        let mut held = Vec::new();
        for _ in 0..320 {
            let next = tokio::time::timeout(Duration::from_secs(5), raw(&served, Some("http/1.1")));
            let mut client = next.await.expect("a place");
            client.write_all(head.as_bytes()).await.unwrap();
            assert!(client.read(&mut [0; 4096]).await.unwrap() > 0);
            held.push(client);
        }
        let url = format!("https://{}/validate", served.https);
        let sent =
            client(&served.own.certificate).post(url).header("content-type", "application/json").body(body).send();
        let answer = tokio::time::timeout(Duration::from_secs(3), sent).await.expect("in time").unwrap();
        assert_eq!(answer.status(), 200);
    });
}
