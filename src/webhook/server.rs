//! The door: so many connections, so much time, so many bytes. Behind it, [`Router`] answers.

use super::certificate::Certificate;
use super::router::{Answer, Body, Request, Router, refusal};
use crate::model::limits;
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Body as _, Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use hyper::service::service_fn;
use hyper::{Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// How long a client may take for a handshake, a head or a body, and say nothing after the handshake.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a client may say nothing within a body.
const STALL: Duration = Duration::from_secs(2);
/// How long a client that is let go may take to leave.
const LEAVE: Duration = Duration::from_millis(200);
/// How long a client that asked before may say nothing: longer than API servers keep a connection that they do not use.
const IDLE: Duration = Duration::from_secs(120);
/// How long an answer may take at most.
const ANSWER: Duration = Duration::from_secs(limits::ADMISSION_SECONDS + 5);

/// Listens for an API server.
pub struct Door {
    listener: TcpListener,
    tls: TlsAcceptor,
    shared: Shared,
    patience: Duration,
    connections: usize,
}

/// Listens for probes and for whoever reads metrics, without TLS.
#[derive(Debug)]
pub struct Watch {
    listener: TcpListener,
    router: Arc<Router>,
}

#[derive(Clone)]
struct Shared {
    router: Arc<Router>,
    /// Bytes of bodies that may still be held: of the first part of each, and of what goes beyond it.
    room: [Arc<Semaphore>; 2],
}

/// What a connection is doing.
struct Activity {
    busy: AtomicUsize,
    asked: AtomicBool,
    last: Mutex<Instant>,
    /// Told to leave, as others wait for its place.
    leave: Notify,
}

/// The connections that there are.
#[derive(Clone, Default)]
struct Connections(Arc<Mutex<Vec<Weak<Activity>>>>);

impl Connections {
    fn add(&self, activity: &Arc<Activity>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|a| a.strong_count() > 0);
        all.push(Arc::downgrade(activity));
    }

    /// Lets the one go that has said nothing for the longest time, as another waits for its place.
    fn make_room(&self) {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let idle = all.iter().filter_map(Weak::upgrade).filter(|a| a.busy.load(Ordering::SeqCst) == 0);
        if let Some(oldest) = idle.min_by_key(|a| *a.last.lock().unwrap_or_else(PoisonError::into_inner)) {
            // Not the next one's choice, too.
            *oldest.last.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
            oldest.leave.notify_one();
        }
    }
}

impl Activity {
    fn new() -> Arc<Self> {
        let last = Mutex::new(Instant::now());
        Arc::new(Self { busy: AtomicUsize::new(0), asked: AtomicBool::new(false), last, leave: Notify::new() })
    }

    fn begin(&self) {
        self.busy.fetch_add(1, Ordering::SeqCst);
    }

    /// Ends a request. Who was answered a review is somebody who asks.
    fn end(&self, status: StatusCode) {
        self.asked.fetch_or(status == StatusCode::OK, Ordering::SeqCst);
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        self.busy.fetch_sub(1, Ordering::SeqCst);
    }

    /// Whether it has said nothing for longer than it may.
    fn is_idle(&self, patience: Duration) -> bool {
        let last = *self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let may = if self.asked.load(Ordering::SeqCst) { IDLE } else { patience };
        self.busy.load(Ordering::SeqCst) == 0 && last.elapsed() > may
    }
}

impl std::fmt::Debug for Door {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Door").field("listener", &self.listener).finish_non_exhaustive()
    }
}

impl Door {
    /// Listens at an address.
    ///
    /// # Errors
    /// What the system says.
    pub async fn listen(at: SocketAddr, certificate: &Arc<Certificate>, router: Arc<Router>) -> io::Result<Self> {
        let tls = TlsAcceptor::from(Arc::new(certificate.config().map_err(io::Error::other)?));
        let room = [limits::REVIEW_SMALL[1], limits::REVIEW_BYTES_IN_ALL].map(|n| Arc::new(Semaphore::new(n)));
        let listener = TcpListener::bind(at).await?;
        Ok(Self {
            listener,
            tls,
            shared: Shared { router, room },
            patience: PATIENCE,
            connections: limits::WEBHOOK_CONNECTIONS,
        })
    }

    /// With another time that a client may say nothing after the handshake.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// With room for so many connections.
    #[must_use]
    pub fn connections(mut self, most: usize) -> Self {
        self.connections = most;
        self
    }

    /// Where it listens.
    ///
    /// # Errors
    /// What the system says.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Answers for ever.
    pub async fn serve(self) {
        let room = Arc::new(Semaphore::new(self.connections));
        let connections = Connections::default();
        loop {
            let full = || connections.make_room();
            let Some((stream, permit)) = next(&self.listener, &room, &full).await else { continue };
            let activity = Activity::new();
            connections.add(&activity);
            let (tls, shared, patience) = (self.tls.clone(), self.shared.clone(), self.patience);
            tokio::spawn(async move {
                let handshake = async {
                    tokio::select! {
                        stream = timeout(PATIENCE, tls.accept(stream)) => stream.ok()?.ok(),
                        () = activity.leave.notified() => None,
                    }
                };
                if let Some(stream) = handshake.await {
                    shared.connection(stream, patience, &activity).await;
                }
                drop(permit);
            });
        }
    }
}

impl Watch {
    /// Listens at an address.
    ///
    /// # Errors
    /// What the system says.
    pub async fn listen(at: SocketAddr, router: Arc<Router>) -> io::Result<Self> {
        Ok(Self { listener: TcpListener::bind(at).await?, router })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// What the system says.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Answers for ever.
    pub async fn serve(self) {
        let room = Arc::new(Semaphore::new(limits::SERVER_CONNECTIONS));
        loop {
            let Some((stream, permit)) = next(&self.listener, &room, &|| ()).await else { continue };
            let router = self.router.clone();
            tokio::spawn(async move {
                let service = service_fn(move |request: hyper::Request<Incoming>| {
                    let answer = match *request.method() {
                        hyper::Method::GET => router.watched(request.uri().path()),
                        _ => Answer::text(405, "expected GET\n"),
                    };
                    async move { Ok::<_, Infallible>(response(answer)) }
                });
                let _ = timeout(PATIENCE, protocol().serve_connection(TokioIo::new(stream), service)).await;
                drop(permit);
            });
        }
    }
}

/// The next connection, and its place among those that there may be. Where there is none, `full` is told, and one is waited
/// for.
async fn next(
    listener: &TcpListener,
    room: &Arc<Semaphore>,
    full: &(dyn Fn() + Sync),
) -> Option<(TcpStream, OwnedSemaphorePermit)> {
    match listener.accept().await {
        Ok((stream, _)) => {
            let permit = match room.clone().try_acquire_owned() {
                Ok(permit) => permit,
                Err(_) => {
                    full();
                    room.clone().acquire_owned().await.ok()?
                }
            };
            // A small answer must not wait for the client's acknowledgement of the head.
            let _ = stream.set_nodelay(true);
            Some((stream, permit))
        }
        Err(_) => {
            sleep(Duration::from_millis(10)).await;
            None
        }
    }
}

fn protocol() -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(IDLE).max_buf_size(limits::SERVER_HEAD_BYTES);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(Duration::from_secs(20))
        .keep_alive_timeout(PATIENCE)
        .max_concurrent_streams(256)
        .max_header_list_size(u32::try_from(limits::SERVER_HEAD_BYTES).unwrap_or(u32::MAX));
    builder
}

impl Shared {
    /// Answers on one connection, until its client leaves or says nothing for too long: each has a place that others wait for.
    async fn connection(self, stream: TlsStream<TcpStream>, patience: Duration, activity: &Arc<Activity>) {
        let seen = activity.clone();
        let service = service_fn(move |request| {
            let (shared, seen) = (self.clone(), seen.clone());
            async move {
                seen.begin();
                let answer = shared.answered(request).await;
                seen.end(answer.status());
                Ok::<_, Infallible>(answer)
            }
        });
        let builder = protocol();
        let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
        loop {
            tokio::select! {
                _ = connection.as_mut() => return,
                () = activity.leave.notified() => break,
                () = sleep(patience.min(PATIENCE)) => {
                    if activity.is_idle(patience) {
                        break;
                    }
                }
            }
        }
        connection.as_mut().graceful_shutdown();
        let _ = timeout(LEAVE, connection).await;
    }

    async fn answered(self, request: hyper::Request<Incoming>) -> Response<Full<Bytes>> {
        let (parts, body) = request.into_parts();
        let content_type = parts.headers.get(CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
        let head = Request {
            method: parts.method.to_string(),
            path: parts.uri.path().to_owned(),
            query: parts.uri.query().unwrap_or_default().to_owned(),
            content_type: content_type.to_owned(),
            body: Body::default(),
        };
        if let Some(refusal) = refusal(&head) {
            return response(refusal);
        }
        let body = match timeout(PATIENCE, self.body(body)).await {
            Ok(Ok(read)) => read,
            Ok(Err(answer)) => return response(answer),
            Err(_) => return response(Answer::text(408, "the request took too long\n")),
        };
        let request = Request { body, ..head };
        // On a task of its own: what panics there is this request's error alone.
        let answer = tokio::spawn(async move { self.router.answer(request).await });
        match timeout(ANSWER, answer).await {
            Ok(Ok(answer)) => response(answer),
            Ok(Err(_)) => response(Answer::text(500, "a defect of attest stopped this request\n")),
            Err(_) => response(Answer::text(503, "this could not be answered in time\n")),
        }
    }

    /// The body, and what it takes of the room for all bodies.
    async fn body(&self, mut body: Incoming) -> Result<Body, Answer> {
        let large = || Answer::text(413, format!("expected at most {} bytes\n", limits::REVIEW_BYTES));
        if body.size_hint().lower() > limits::REVIEW_BYTES as u64 {
            return Err(large());
        }
        let (mut out, mut held) = (Vec::new(), [None::<OwnedSemaphorePermit>, None]);
        let stalled = |_| Answer::text(408, "the body came too slowly\n");
        while let Some(frame) = timeout(STALL, body.frame()).await.map_err(stalled)? {
            let frame = frame.map_err(|_| Answer::text(400, "the body was cut off\n"))?;
            let Some(data) = frame.data_ref() else { continue };
            if out.len() + data.len() > limits::REVIEW_BYTES {
                return Err(large());
            }
            let amount = u32::try_from(data.len()).unwrap_or(u32::MAX);
            let busy = |_| Answer::text(503, "too much is being read already\n");
            let room = &self.room[usize::from(out.len() + data.len() > limits::REVIEW_SMALL[0])];
            let more = room.clone().try_acquire_many_owned(amount).map_err(busy)?;
            match &mut held[usize::from(out.len() + data.len() > limits::REVIEW_SMALL[0])] {
                Some(held) => held.merge(more),
                slot => *slot = Some(more),
            }
            out.extend_from_slice(data);
        }
        Ok(Body { bytes: out, _held: held })
    }
}

fn response(answer: Answer) -> Response<Full<Bytes>> {
    let mut out = Response::new(Full::new(Bytes::from(answer.body)));
    *out.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    out.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(answer.content_type));
    if answer.status == 503 {
        out.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    out
}
