//! A web of a test's own: a proxy on loopback that answers for every host, over TLS with a certificate for some.

use attest::testing::sigstore::WebCertificate;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// What comes back.
pub(crate) struct Reply {
    status: u16,
    headers: String,
    body: String,
}

impl Reply {
    /// Status, further headers as lines, body.
    pub(crate) fn new(status: u16, headers: &str, body: &str) -> Self {
        Self { status, headers: headers.to_owned(), body: body.to_owned() }
    }
}

/// The proxy; its threads end with the process.
pub(crate) struct Web {
    /// Its address.
    pub(crate) proxy: String,
    /// The authority of its certificate, PEM.
    pub(crate) authority: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Web {
    /// A web of these hosts; `handler` makes an answer of host and path.
    pub(crate) fn start(hosts: &[&str], handler: impl Fn(&str, &str) -> Reply + Send + Sync + 'static) -> Self {
        let web = WebCertificate::new(hosts);
        let chain = vec![CertificateDer::from(web.certificate)];
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let config = config.with_no_client_auth().with_single_cert(chain, PrivatePkcs8KeyDer::from(web.key).into());
        let config = Arc::new(config.unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let proxy = format!("http://{}", listener.local_addr().unwrap());
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let (seen, handler) = (asked.clone(), Arc::new(handler));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (seen, handler, config) = (seen.clone(), handler.clone(), config.clone());
                std::thread::spawn(move || serve(stream.unwrap(), &seen, handler.as_ref(), config));
            }
        });
        Self { proxy, authority: web.authority, asked }
    }

    /// What was asked, as URLs; a host that was only connected to as `connect HOST:PORT`.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

fn serve(
    mut stream: TcpStream,
    seen: &Mutex<Vec<String>>,
    handler: &dyn Fn(&str, &str) -> Reply,
    config: Arc<ServerConfig>,
) {
    let Some((method, target)) = request(&mut stream) else { return };
    if method != "CONNECT" {
        // Plain HTTP, for whoever it is.
        seen.lock().unwrap().push(target);
        let _ = stream.write_all(b"HTTP/1.1 502 No\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
        return;
    }
    let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
    let host = target.strip_suffix(":443").unwrap_or(&target).to_owned();
    let mut tls = StreamOwned::new(ServerConnection::new(config).unwrap(), stream);
    // Connections are kept for the next question.
    while let Some((method, path)) = request(&mut tls) {
        seen.lock().unwrap().push(format!("https://{host}{path}"));
        let Reply { status, headers, body } = handler(&host, &path);
        let head = format!("HTTP/1.1 {status} X\r\n{headers}content-length: {}\r\n\r\n", body.len());
        let body = if method == "HEAD" { "" } else { &body };
        if tls.write_all(format!("{head}{body}").as_bytes()).and_then(|()| tls.flush()).is_err() {
            break;
        }
    }
    if seen.lock().unwrap().iter().all(|asked| !asked.starts_with(&format!("https://{host}/"))) {
        seen.lock().unwrap().push(format!("connect {target}"));
    }
}

/// Method and target of a request without a body.
fn request(stream: &mut impl Read) -> Option<(String, String)> {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        stream.read(&mut byte).ok().filter(|n| *n == 1)?;
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let mut words = head.split(' ');
    Some((words.next()?.to_owned(), words.next()?.to_owned()))
}
