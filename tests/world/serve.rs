//! Services on loopback that a test lets behave.
#![allow(dead_code, reason = "each test target uses a part of it")]

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A request.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) method: String,
    /// Path and query.
    pub(crate) target: String,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Asked {
    pub(crate) fn path(&self) -> &str {
        self.target.split('?').next().unwrap()
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// What comes back.
pub(crate) enum Reply {
    /// Status, further headers as lines, body.
    Answer(u16, String, Vec<u8>),
    /// Nothing, for ever.
    Silence,
}

impl Reply {
    pub(crate) fn json(value: &serde_json::Value) -> Self {
        Self::Answer(200, "content-type: application/json\r\n".into(), value.to_string().into_bytes())
    }

    pub(crate) fn status(status: u16, body: &str) -> Self {
        Self::Answer(status, String::new(), body.as_bytes().to_vec())
    }
}

/// A server whose threads end with the process.
#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    pub(crate) fn start(handler: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Self { url: format!("http://{}", listener.local_addr().unwrap()), asked: Arc::default() };
        let (asked, handler) = (server.asked.clone(), Arc::new(handler));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (asked, handler) = (asked.clone(), handler.clone());
                std::thread::spawn(move || serve(stream.unwrap(), &asked, handler.as_ref()));
            }
        });
        server
    }

    /// The requests so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

fn serve(mut stream: TcpStream, asked: &Mutex<Vec<Asked>>, handler: &dyn Fn(&Asked) -> Reply) {
    // A client that is killed half way asks nothing.
    let Some(request) = read(&mut stream) else { return };
    asked.lock().unwrap().push(request.clone());
    match handler(&request) {
        Reply::Answer(status, headers, body) => {
            let head =
                format!("HTTP/1.1 {status} X\r\nconnection: close\r\n{headers}content-length: {}\r\n\r\n", body.len());
            let _ = stream.write_all(&[head.as_bytes(), &body].concat());
        }
        Reply::Silence => std::thread::sleep(Duration::from_secs(3600)),
    }
}

fn read(stream: &mut TcpStream) -> Option<Asked> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let n = stream.read(&mut buffer).ok().filter(|n| *n > 0)?;
        bytes.extend_from_slice(&buffer[..n]);
        let Some(end) = bytes.windows(4).position(|w| w == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let length = head
            .to_ascii_lowercase()
            .split("content-length: ")
            .nth(1)
            .map_or(0, |rest| rest.lines().next().unwrap().trim().parse::<usize>().unwrap());
        if bytes.len() < end + 4 + length {
            continue;
        }
        let mut words = head.split(' ');
        let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
        return Some(Asked { method, target, body: bytes[end + 4..end + 4 + length].to_vec(), head });
    }
}

/// GETs an address as a browser does, without following a redirect: status, `Location`, body.
pub(crate) fn get(url: &str) -> (u16, Option<String>, String) {
    let rest = url.strip_prefix("http://").unwrap();
    let (host, path) = rest.split_once('/').unwrap();
    let mut stream = TcpStream::connect(host.replace("localhost", "127.0.0.1")).unwrap();
    write!(stream, "GET /{path} HTTP/1.1\r\nHost: {host}\r\nAccept: text/html\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let location = head.lines().find_map(|l| l.strip_prefix("location: ")).map(str::to_owned);
    (status, location, body.to_owned())
}
