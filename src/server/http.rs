//! The door to the network: so many connections, so much time, so many bytes; and each request on a thread of its own, so that
//! what panics there is that request's error.

use super::routes::{Answer, Request, Site};
use crate::audit::AuditError;
use crate::model::limits;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

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
        loop {
            // Who comes when there is no room waits in the queue of the system.
            let Ok(permit) = room.clone().acquire_owned().await else { return };
            let Ok((stream, _)) = self.listener.accept().await else {
                sleep(Duration::from_millis(10)).await;
                continue;
            };
            let site = self.site.clone();
            tokio::spawn(async move {
                let service = service_fn(move |request| {
                    let site = site.clone();
                    async move { Ok::<_, Infallible>(answered(request, site).await) }
                });
                let mut server = http1::Builder::new();
                server.timer(TokioTimer::new()).header_read_timeout(Duration::from_secs(limits::SERVER_HEAD_SECONDS));
                server.max_buf_size(limits::SERVER_HEAD_BYTES);
                let connection = server.serve_connection(TokioIo::new(stream), service);
                let _ = timeout(Duration::from_secs(limits::SERVER_CONNECTION_SECONDS), connection).await;
                drop(permit);
            });
        }
    }
}

async fn answered(request: hyper::Request<Incoming>, site: Arc<Site>) -> Response<Full<Bytes>> {
    let is_head = request.method() == hyper::Method::HEAD;
    let answer = match timeout(Duration::from_secs(limits::SERVER_SECONDS), read(request)).await {
        Ok(Ok(request)) => {
            let answered = tokio::task::spawn_blocking(move || site.answer(&request)).await;
            answered.unwrap_or_else(|_| Answer::text(500, "a defect of attest stopped this request\n"))
        }
        Ok(Err(answer)) => answer,
        Err(_) => Answer::text(408, "the request took too long\n"),
    };
    let body = if is_head { Bytes::new() } else { Bytes::from(answer.body) };
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    for (name, value) in
        [(CONTENT_TYPE, answer.media_type), (CACHE_CONTROL, answer.cache), (X_CONTENT_TYPE_OPTIONS, "nosniff")]
    {
        headers.insert(name, hyper::header::HeaderValue::from_static(value));
    }
    response
}

async fn read(request: hyper::Request<Incoming>) -> Result<Request, Answer> {
    let (parts, body) = request.into_parts();
    let body = Limited::new(body, limits::PROOF_BYTES).collect().await;
    let body = body.map_err(|_| Answer::text(413, "the body is too large, or was cut off\n"))?.to_bytes().to_vec();
    Ok(Request { method: parts.method.to_string(), path: parts.uri.path().to_owned(), body })
}
