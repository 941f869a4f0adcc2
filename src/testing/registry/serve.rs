//! The endpoints of the distribution-spec that are needed, and the faults in front of them.

use super::connection::Handle;
use super::fault::Action;
use super::{Access, Conditional, Seen, Shared, State};
use crate::model::oci::IMAGE_INDEX;
use crate::model::{Descriptor, Digest};
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{ConnectInfo, Request, State as Extract};
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::stream;
use serde_json::{Value, json};
use std::io;
use std::sync::Arc;

/// What may be pushed in one request (bytes).
const BODY: usize = 128 << 20;
/// What a token of this service looks like, before the scope that it was given for.
const TOKEN: &str = "test-token.";

struct Call {
    method: String,
    path: String,
    query: String,
    headers: HeaderMap,
    body: Bytes,
}

impl Call {
    fn header(&self, name: header::HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    fn param(&self, name: &str) -> Option<String> {
        value_of(&self.query, name)
    }
}

/// A value of a query or form; only the escapes that clients use here are understood.
fn value_of(text: &str, name: &str) -> Option<String> {
    let value = text.split('&').filter_map(|p| p.split_once('=')).find(|(n, _)| *n == name)?.1;
    let mut out = value.replace('+', " ");
    for (escape, plain) in [("%3A", ":"), ("%2F", "/"), ("%2C", ","), ("%25", "%")] {
        out = out.replace(escape, plain);
    }
    Some(out)
}

pub(super) async fn handle(
    Extract(shared): Extract<Arc<Shared>>,
    ConnectInfo(connection): ConnectInfo<Handle>,
    request: Request,
) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, BODY).await else { return empty(413) };
    let call = Call {
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: parts.headers,
        body,
    };
    let text = |name| call.header(name).map(str::to_owned);
    let seen = Seen {
        method: call.method.clone(),
        path: call.path.clone(),
        query: call.query.clone(),
        authorization: text(header::AUTHORIZATION),
        if_match: text(header::IF_MATCH),
    };
    let action = {
        let mut state = shared.state();
        state.seen.push(seen);
        state.faults.iter_mut().find(|f| f.fits(&call.method, &call.path)).map(|f| {
            f.times -= 1;
            f.action.clone()
        })
    };
    match action {
        None => respond(&shared, &call),
        Some(Action::Delay(wait)) => {
            tokio::time::sleep(wait).await;
            respond(&shared, &call)
        }
        Some(Action::Answer { status, headers, body }) => {
            let mut builder = Response::builder().status(status);
            for (name, value) in headers {
                builder = builder.header(name, value);
            }
            builder.body(Body::from(body)).unwrap_or_else(|_| empty(500))
        }
        Some(Action::Endless) => {
            let chunk = Bytes::from(vec![b' '; 64 << 10]);
            let body = Body::from_stream(stream::repeat_with(move || Ok::<_, io::Error>(chunk.clone())));
            let mut response = respond(&shared, &call);
            response.headers_mut().remove(header::CONTENT_LENGTH);
            *response.body_mut() = body;
            response
        }
        Some(Action::WrongBytes) => {
            let (mut parts, body) = respond(&shared, &call).into_parts();
            let mut bytes = to_bytes(body, usize::MAX).await.unwrap_or_default().to_vec();
            match bytes.last_mut() {
                Some(last) => *last ^= 1,
                None => bytes.push(b'x'),
            }
            parts.headers.remove(header::CONTENT_LENGTH);
            Response::from_parts(parts, Body::from(bytes))
        }
        Some(Action::LyingLength) => {
            let (mut parts, body) = respond(&shared, &call).into_parts();
            let bytes = to_bytes(body, usize::MAX).await.unwrap_or_default();
            parts.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(bytes.len() + 10));
            let chunks = [Ok(bytes), Err(io::Error::other("cut"))];
            Response::from_parts(parts, Body::from_stream(stream::iter(chunks)))
        }
        Some(Action::Reset) => {
            connection.break_off();
            empty(200)
        }
        Some(Action::Bare) => {
            let mut response = respond(&shared, &call);
            response.headers_mut().clear();
            response
        }
    }
}

fn respond(shared: &Shared, call: &Call) -> Response<Body> {
    let mut state = shared.state();
    if call.path == "/token" {
        return token(&state, call);
    }
    if let Some(refusal) = refuse(shared, &state, call) {
        return refusal;
    }
    let Some(rest) = call.path.strip_prefix("/v2/") else { return unknown("NAME_UNKNOWN") };
    if rest.is_empty() {
        return empty(200);
    }
    if let Some(repository) = rest.strip_suffix("/tags/list") {
        let size = call.param("n").and_then(|n| n.parse().ok()).unwrap_or(usize::MAX);
        let tags: Vec<_> = state.store.tags(repository).into_iter().take(size).collect();
        let listed = json!({ "name": repository, "tags": tags });
        return document("application/json", listed.to_string().into_bytes());
    }
    for kind in ["/manifests/", "/referrers/", "/blobs/uploads/", "/blobs/"] {
        let Some((repository, name)) = rest.split_once(kind) else { continue };
        return match (kind, call.method.as_str()) {
            ("/manifests/", "GET" | "HEAD") => get_manifest(&state, repository, name),
            ("/manifests/", "PUT") => put_manifest(&mut state, call, repository, name),
            ("/referrers/", "GET") => referrers(&state, call, repository, name),
            ("/blobs/uploads/", "POST") => start_upload(shared, &mut state, repository),
            ("/blobs/uploads/", "PUT") => finish_upload(&mut state, call, repository),
            ("/blobs/", "GET" | "HEAD") => get_blob(&state, repository, name),
            _ => empty(405),
        };
    }
    unknown("NAME_UNKNOWN")
}

fn is_write(call: &Call) -> bool {
    !["GET", "HEAD"].contains(&call.method.as_str())
}

/// 401 with a challenge, where the request does not have what is asked for.
fn refuse(shared: &Shared, state: &State, call: &Call) -> Option<Response<Body>> {
    let sent = call.header(header::AUTHORIZATION);
    let (allowed, challenge) = match &state.behaviour.access {
        Access::Open => return None,
        Access::Basic { username, password } => {
            (sent == Some(&basic(username, password)), "Basic realm=\"test\"".to_owned())
        }
        Access::Bearer { realm, .. } => {
            let actions = sent.and_then(|s| s.strip_prefix("Bearer ")?.strip_prefix(TOKEN));
            let allowed = actions.is_some_and(|a| if is_write(call) { a.contains("push") } else { a.contains("pull") });
            let own = format!("http://{}/token", shared.address);
            let realm = realm.as_deref().unwrap_or(&own);
            (allowed, format!("Bearer realm=\"{realm}\",service=\"test\""))
        }
    };
    (!allowed).then(|| with(error(401, "UNAUTHORIZED"), "www-authenticate", &challenge))
}

fn basic(username: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{username}:{password}")))
}

fn token(state: &State, call: &Call) -> Response<Body> {
    let Access::Bearer { username, password, identity, private, .. } = &state.behaviour.access else {
        return empty(404);
    };
    let form = String::from_utf8_lossy(&call.body);
    let proved = call.header(header::AUTHORIZATION) == Some(&basic(username, password))
        || value_of(&form, "refresh_token").as_deref() == Some(identity);
    let scope = call.param("scope").or_else(|| value_of(&form, "scope")).unwrap_or_default();
    let actions = scope.rsplit(':').next().unwrap_or_default();
    let sent = call.header(header::AUTHORIZATION).is_some() || !form.is_empty();
    if !proved && (sent || *private || actions.contains("push")) {
        return error(401, "UNAUTHORIZED");
    }
    document("application/json", json!({ "token": format!("{TOKEN}{actions}") }).to_string().into_bytes())
}

fn find(state: &State, repository: &str, name: &str) -> Option<Digest> {
    Digest::parse(name).ok().or_else(|| state.store.tagged(repository, name))
}

fn etag(digest: &Digest) -> String {
    format!("\"{digest}\"")
}

fn get_manifest(state: &State, repository: &str, name: &str) -> Response<Body> {
    let digest = find(state, repository, name);
    let Some((digest, stored)) = digest.and_then(|d| state.store.manifest(repository, &d).map(|m| (d, m))) else {
        return unknown("MANIFEST_UNKNOWN");
    };
    let mut response = document(&stored.media_type, stored.bytes.clone());
    if state.behaviour.content_digest {
        response = with(response, "docker-content-digest", &digest.to_string());
    }
    if state.behaviour.conditional != Conditional::None {
        response = with(response, "etag", &etag(&digest));
    }
    response
}

fn put_manifest(state: &mut State, call: &Call, repository: &str, name: &str) -> Response<Body> {
    let media_type = call.header(header::CONTENT_TYPE).unwrap_or_default();
    let descriptor = Descriptor::of(media_type, &call.body);
    // As lenient as registries are: a JSON object will do.
    let Ok(manifest) = serde_json::from_slice::<Value>(&call.body) else { return error(400, "MANIFEST_INVALID") };
    let current = find(state, repository, name).filter(|d| state.store.manifest(repository, d).is_some());
    if state.behaviour.conditional == Conditional::Honoured {
        let expected = call.header(header::IF_MATCH);
        let differs = expected.is_some_and(|e| current.as_ref().map(etag).as_deref() != Some(e));
        let exists = call.header(header::IF_NONE_MATCH) == Some("*") && current.is_some();
        if differs || exists {
            return error(412, "PRECONDITION_FAILED");
        }
    }
    match Digest::parse(name) {
        Ok(digest) if !digest.matches(&call.body) => return error(400, "DIGEST_INVALID"),
        Ok(_) => {}
        Err(_) => state.store.tag(repository, name, &descriptor.digest),
    }
    state.store.put_manifest(repository, &descriptor, &call.body);
    let response = with(empty(201), "docker-content-digest", &descriptor.digest.to_string());
    match manifest["subject"]["digest"].as_str().filter(|_| state.behaviour.oci_subject) {
        Some(subject) => with(response, "oci-subject", subject),
        None => response,
    }
}

fn referrers(state: &State, call: &Call, repository: &str, name: &str) -> Response<Body> {
    let Ok(subject) = Digest::parse(name) else { return error(400, "DIGEST_INVALID") };
    if !state.behaviour.referrers_api {
        return unknown("NOT_FOUND");
    }
    let all = state.store.referrers(repository, &subject);
    let from = call.param("from").and_then(|f| f.parse().ok()).unwrap_or(0);
    let size = state.behaviour.page.unwrap_or(usize::MAX);
    let page: Vec<_> = all.iter().skip(from).take(size).map(Descriptor::to_json).collect();
    let next = from + page.len();
    let index = json!({ "schemaVersion": 2, "mediaType": IMAGE_INDEX, "manifests": page });
    let response = document(IMAGE_INDEX, index.to_string().into_bytes());
    if next < all.len() {
        return with(response, "link", &format!("<{}?from={next}>; rel=\"next\"", call.path));
    }
    response
}

fn start_upload(shared: &Shared, state: &mut State, repository: &str) -> Response<Body> {
    state.serial += 1;
    let path = format!("/v2/{repository}/blobs/uploads/{}?state=x", state.serial);
    let location = if state.behaviour.relative_locations { path } else { format!("http://{}{path}", shared.address) };
    with(empty(202), "location", &location)
}

fn finish_upload(state: &mut State, call: &Call, repository: &str) -> Response<Body> {
    let digest = call.param("digest").and_then(|d| Digest::parse(&d).ok());
    let Some(digest) = digest.filter(|d| d.matches(&call.body) && call.param("state").is_some()) else {
        return error(400, "DIGEST_INVALID");
    };
    state.store.put_blob(repository, &digest, &call.body);
    empty(201)
}

fn get_blob(state: &State, repository: &str, name: &str) -> Response<Body> {
    let Ok(digest) = Digest::parse(name) else { return error(400, "DIGEST_INVALID") };
    match state.store.blob(repository, &digest) {
        Some(bytes) => document("application/octet-stream", bytes.to_vec()),
        None => unknown("BLOB_UNKNOWN"),
    }
}

fn empty(status: u16) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response
}

fn document(media_type: &str, bytes: Vec<u8>) -> Response<Body> {
    with(Response::new(Body::from(bytes)), "content-type", media_type)
}

fn error(status: u16, code: &str) -> Response<Body> {
    let body = json!({ "errors": [{ "code": code, "message": "as told" }] }).to_string();
    let mut response = document("application/json", body.into_bytes());
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response
}

fn unknown(code: &str) -> Response<Body> {
    error(404, code)
}

fn with(mut response: Response<Body>, name: &'static str, value: &str) -> Response<Body> {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
    response
}
