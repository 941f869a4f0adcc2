#![expect(clippy::disallowed_methods, reason = "a server on a thread of its own")]
//! Registries that speak TLS with a certificate of their own.
//!
//! `testdata/` was made for these tests with OpenSSL 3.0 and guards nothing. `own`, `twin`, `other-name`: `openssl req -x509
//! -days 36500 -addext subjectAltName=...` of one key, so with `CA:TRUE`; `leaf` is signed by an authority that is nowhere,
//! `expired` ended in 2021. All but `other-name` are for 127.0.0.1.

use attest::model::oci::IMAGE_MANIFEST;
use attest::model::{Digest, Reference};
use attest::registry::oci_http::{Credential, CredentialError, CredentialStore, HttpOptions};
use attest::registry::{OciHttp, Registry, RegistryError};
use attest::testing::{Access, Behaviour, TestRegistry};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::Duration;

macro_rules! data {
    ($name:literal) => {
        include_bytes!(concat!("testdata/", $name)) as &[u8]
    };
}

const OWN: &[u8] = data!("own.pem");

/// What a server was asked over TLS, and how often somebody came who spoke something else.
#[derive(Default)]
struct Seen {
    heads: Vec<String>,
    plain: usize,
}

/// A server that knows one tag and speaks TLS only. It ends with the process.
fn serve(certificate: &[u8]) -> (String, Arc<Mutex<Seen>>) {
    let chain = CertificateDer::pem_slice_iter(certificate).collect::<Result<Vec<_>, _>>().unwrap();
    let key = PrivateKeyDer::from_pem_slice(data!("server.key")).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = Arc::new(config.with_no_client_auth().with_single_cert(chain, key).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let host = listener.local_addr().unwrap().to_string();
    let seen = Arc::new(Mutex::new(Seen::default()));
    let noted = seen.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut first = [0];
            if stream.peek(&mut first).is_ok_and(|n| n == 1) && first[0] != 0x16 {
                noted.lock().unwrap().plain += 1;
                continue;
            }
            let mut connection = rustls::ServerConnection::new(config.clone()).unwrap();
            let mut tls = rustls::Stream::new(&mut connection, &mut stream);
            let mut head = [0; 4096];
            // Who does not trust the certificate ends here.
            let Ok(length) = tls.read(&mut head) else { continue };
            noted.lock().unwrap().heads.push(String::from_utf8_lossy(&head[..length]).to_lowercase());
            let digest = Digest::sha256(b"{}");
            let answer = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: {IMAGE_MANIFEST}\r\nDocker-Content-Digest: {digest}\r\nContent-Length: 2\r\nConnection: close\r\n\r\n"
            );
            let _ = tls.write_all(answer.as_bytes());
            connection.send_close_notify();
            let _ = connection.complete_io(&mut stream);
        }
    });
    (host, seen)
}

/// Says what it was asked for.
#[derive(Default)]
struct Asked(Mutex<Vec<(String, String)>>);

impl CredentialStore for Asked {
    fn get(&self, server: &str, repository: &str) -> Result<Option<Credential>, CredentialError> {
        self.0.lock().unwrap().push((server.to_owned(), repository.to_owned()));
        Ok(Some(Credential::Basic { username: "user".into(), password: "pw-81".to_owned().into() }))
    }
}

fn resolve(host: &str, ca: Option<&[u8]>) -> (Result<bool, RegistryError>, Arc<Asked>) {
    let asked = Arc::new(Asked::default());
    let mut options = HttpOptions::new(asked.clone());
    options.ca_pem = ca.map(<[u8]>::to_vec);
    options.timeout = Duration::from_secs(20);
    let client = OciHttp::new(&Reference::parse(&format!("{host}/team/app")).unwrap(), options).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    (runtime.block_on(client.resolve("v1")).map(|found| found.is_some()), asked)
}

#[test]
fn a_certificate_that_is_the_servers_own_is_accepted() {
    for certificate in [OWN, data!("leaf.pem")] {
        let (host, seen) = serve(certificate);
        assert_eq!(resolve(&host, Some(certificate)).0, Ok(true));
        assert_eq!(seen.lock().unwrap().heads.len(), 1);
    }
}

#[test]
fn a_certificate_is_for_its_names_and_time_and_for_nobody_beside_it() {
    for (server, named) in [
        // Another of the same key, subject and names.
        (OWN, data!("twin.pem")),
        (data!("leaf.pem"), OWN),
        (data!("other-name.pem"), data!("other-name.pem")),
        (data!("expired.pem"), data!("expired.pem")),
    ] {
        let (host, seen) = serve(server);
        let (found, asked) = resolve(&host, Some(named));
        let e = found.unwrap_err();
        assert_eq!(e.code().as_str(), "registry-unavailable");
        assert!(e.to_string().contains("certificate"), "{e}");
        let seen = seen.lock().unwrap();
        assert!(seen.heads.is_empty() && seen.plain == 0 && asked.0.lock().unwrap().is_empty());
    }
}

#[test]
fn on_this_machine_tls_is_tried_before_plain_http() {
    let (host, seen) = serve(OWN);
    let (found, asked) = resolve(&host, None);
    let e = found.unwrap_err().to_string();
    assert!(e.contains("its certificate is not accepted: ") && e.contains("--registry-ca"), "{e}");
    // The next try would be shown the same one.
    assert!(!e.contains("tried"), "{e}");
    // A certificate that is not trusted leads to no plain HTTP, and to no credential.
    let seen = seen.lock().unwrap();
    assert!(seen.heads.is_empty() && asked.0.lock().unwrap().is_empty());
    assert_eq!(seen.plain, 0);
    // The twin that speaks plain HTTP is asked so, and credentials go there once it wants them.
    let access = Access::Basic { username: "user".into(), password: "pw-81".into() };
    let plain = TestRegistry::start(Behaviour { access, ..Behaviour::default() });
    let (found, asked) = resolve(&plain.host(), None);
    assert_eq!(found, Ok(false));
    assert_eq!(*asked.0.lock().unwrap(), [(plain.host(), "team/app".to_owned())]);
}
