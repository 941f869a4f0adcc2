//! The door to the network: so many connections, so much time, so many bytes; and each request on a thread of its own, so that
//! what panics there is that request's error.

use super::answer::Answer;
use super::otlp::{self, Head};
use super::routes::{Request, Site};
use super::waiting::{Wait, Waiting};
use crate::audit::AuditError;
use crate::model::limits;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Body as _, Bytes, Incoming};
use hyper::header::{
    AUTHORIZATION, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, HeaderValue, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS,
};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};

/// What is answered to a body that is too large.
const TOO_LARGE: &str = "the body is too large, or was cut off\n";

/// A server that listens.
#[derive(Debug)]
pub struct Http {
    listener: TcpListener,
    site: Arc<Site>,
}

/// Where it listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Served(pub SocketAddr);

impl Http {
    /// Listens at an address.
    ///
    /// # Errors
    /// [`AuditError::Unusable`].
    pub async fn listen(address: SocketAddr, site: Site) -> Result<(Self, Served), AuditError> {
        let unusable = |e: std::io::Error| AuditError::Unusable { what: address.to_string(), cause: e.to_string() };
        let listener = TcpListener::bind(address).await.map_err(unusable)?;
        let served = Served(listener.local_addr().map_err(unusable)?);
        Ok((Self { listener, site: Arc::new(site) }, served))
    }

    /// Answers for ever.
    pub async fn serve(self) {
        let room = Arc::new(Semaphore::new(limits::SERVER_CONNECTIONS));
        let waiting = Arc::new(Waiting::default());
        let bodies = Arc::new(Semaphore::new(limits::OTLP_TOTAL_BYTES));
        loop {
            let Ok((stream, _)) = self.listener.accept().await else {
                // It may be that this process can open no more files.
                waiting.make_room();
                sleep(Duration::from_millis(10)).await;
                continue;
            };
            if room.available_permits() == 0 {
                waiting.make_room();
            }
            // Where all are being answered, who comes now waits for one of them.
            let Ok(permit) = room.clone().acquire_owned().await else { return };
            let site = self.site.clone();
            let guest = Arc::new(Guest::of(waiting.clone(), bodies.clone()));
            tokio::spawn(async move {
                let leave = guest.leave.clone();
                let service = service_fn(move |request| {
                    let (site, guest) = (site.clone(), guest.clone());
                    async move { Ok::<_, Infallible>(answered(request, site, &guest).await) }
                });
                let mut server = http1::Builder::new();
                server.timer(TokioTimer::new()).header_read_timeout(Duration::from_secs(limits::SERVER_HEAD_SECONDS));
                server.max_buf_size(limits::SERVER_HEAD_BYTES);
                let connection = server.serve_connection(TokioIo::new(stream), service);
                let connection = timeout(Duration::from_secs(limits::SERVER_CONNECTION_SECONDS), connection);
                tokio::select! {
                    _ = connection => {}
                    () = leave.notified() => {}
                }
                drop(permit);
            });
        }
    }
}

/// A connection, and whether something is awaited from it.
struct Guest {
    leave: Arc<Notify>,
    waiting: Arc<Waiting>,
    wait: Mutex<Option<Wait>>,
    /// For telemetry that is being received or written, of all connections (bytes).
    room: Arc<Semaphore>,
}

impl Guest {
    fn of(waiting: Arc<Waiting>, room: Arc<Semaphore>) -> Self {
        let guest = Self { leave: Arc::default(), waiting, wait: Mutex::default(), room };
        guest.is_awaited(true);
        guest
    }

    fn is_awaited(&self, is: bool) {
        let leave = self.leave.clone();
        let wait = is.then(|| self.waiting.begin(move || leave.notify_one()));
        *self.wait.lock().unwrap_or_else(PoisonError::into_inner) = wait;
    }
}

async fn answered(request: hyper::Request<Incoming>, site: Arc<Site>, guest: &Guest) -> Response<Full<Bytes>> {
    let is_head = request.method() == hyper::Method::HEAD;
    let request = timeout(Duration::from_secs(limits::SERVER_SECONDS), read(request, &site, &guest.room)).await;
    guest.is_awaited(false);
    let answer = match request {
        Ok(Ok((request, held))) => {
            let answer = move || {
                let answer = site.answer(&request);
                drop(held);
                answer
            };
            let answered = tokio::task::spawn_blocking(answer).await;
            answered.unwrap_or_else(|_| Answer::text(500, "a defect of attest stopped this request\n"))
        }
        Ok(Err(answer)) => answer,
        Err(_) => Answer::text(408, "the request took too long\n"),
    };
    guest.is_awaited(true);
    let body = if is_head { Bytes::new() } else { Bytes::from(answer.body) };
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    for (name, value) in
        [(CONTENT_TYPE, answer.media_type), (CACHE_CONTROL, answer.cache), (X_CONTENT_TYPE_OPTIONS, "nosniff")]
    {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if answer.status == 401 {
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}

/// A request that was read whole, and the room that it takes until it is answered.
type Whole = (Request, Option<OwnedSemaphorePermit>);

async fn read(request: hyper::Request<Incoming>, site: &Site, room: &Arc<Semaphore>) -> Result<Whole, Answer> {
    let (parts, body) = request.into_parts();
    let text = |name| parts.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let head = Head {
        authorization: text(AUTHORIZATION),
        content_type: text(CONTENT_TYPE),
        content_encoding: text(CONTENT_ENCODING),
        length: body.size_hint().exact(),
    };
    let (method, path) = (parts.method.to_string(), parts.uri.path().to_owned());
    let (mut held, mut limit, mut over) = (None, limits::PROOF_BYTES, Answer::text(413, TOO_LARGE));
    if otlp::signal(&method, &path).is_some() {
        // Nothing is held of whom nobody knows, and no more at once than there is room for.
        otlp::admitted(site.telemetry.as_ref(), &head)?;
        held = Some(room_for(&head, room).await?);
        (limit, over) = (limits::OTLP_BYTES, otlp::too_large());
    }
    let body = Limited::new(body, limit).collect().await;
    let body = body.map_err(|_| over)?.to_bytes().to_vec();
    Ok((Request { method, path, head, body }, held))
}

/// Room for a body, before any of it is held; small ones need none, so that large ones that are half sent do not keep them out.
async fn room_for(head: &Head, room: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, Answer> {
    let bytes = head.length.map_or(limits::OTLP_BYTES as u64, |length| match length {
        small if small <= limits::HANDED_IN_SMALL_BYTES as u64 => 0,
        length => length,
    });
    let wanted = room.clone().acquire_many_owned(u32::try_from(bytes).unwrap_or(u32::MAX));
    match timeout(Duration::from_secs(limits::SERVER_HEAD_SECONDS), wanted).await {
        Ok(Ok(held)) => Ok(held),
        Ok(Err(_)) | Err(_) => Err(otlp::busy()),
    }
}
