//! [`TestBucket`]: a bucket of S3 on loopback, with versions and object lock, and what servers that only say so do instead.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Response};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};

/// Versions of a page of a list.
const PAGE: usize = 7;

/// How a server, or who comes, differs from one that does all of it.
#[derive(Clone, Debug, Default)]
pub struct Ways {
    /// A locked version is deleted.
    pub deletes: bool,
    /// A locked version is deleted for who says the word that goes round a weaker lock.
    pub goes_round: bool,
    /// The time of a lock is shortened.
    pub shortens: bool,
    /// To delete a locked version is refused, and done.
    pub lies: bool,
    /// `If-None-Match` is passed over.
    pub overwrites: bool,
    /// No versions are kept.
    pub unversioned: bool,
    /// The bucket was made without object lock.
    pub lockless: bool,
    /// Lists what begins otherwise, too.
    pub strays: bool,
    /// Who comes may put, and nothing else.
    pub write_only: bool,
}

/// A version of an object.
#[derive(Clone, Debug)]
pub struct Kept {
    /// Its name.
    pub id: String,
    /// Its bytes; none of a marker.
    pub bytes: Option<Vec<u8>>,
    /// Until when it is locked.
    pub until: Option<String>,
}

#[derive(Default)]
struct Inside {
    ways: Ways,
    objects: BTreeMap<String, Vec<Kept>>,
    next: usize,
}

/// The bucket.
#[derive(Clone)]
pub struct TestBucket {
    inside: Arc<Mutex<Inside>>,
    address: SocketAddr,
}

impl TestBucket {
    /// Starts one on the runtime that is there.
    ///
    /// # Panics
    /// When there is no runtime, or no port.
    pub async fn start() -> Self {
        let inside = Arc::new(Mutex::new(Inside::default()));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let router = Router::new().fallback(handle).with_state(inside.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { inside, address }
    }

    /// Where it is.
    #[must_use]
    pub fn place(&self) -> String {
        format!("s3://acme-audit/team?endpoint=http://{}", self.address)
    }

    /// Changes what it does.
    pub fn set(&self, ways: Ways) {
        self.lock().ways = ways;
    }

    /// What it holds, by key: the oldest version first.
    #[must_use]
    pub fn objects(&self) -> BTreeMap<String, Vec<Kept>> {
        self.lock().objects.clone()
    }

    /// Puts a version on top of an object, or a marker where there are no bytes.
    pub fn put(&self, key: &str, bytes: Option<&[u8]>) {
        self.lock().add(key, bytes.map(<[u8]>::to_vec), None);
    }

    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Inside {
    fn add(&mut self, key: &str, bytes: Option<Vec<u8>>, until: Option<String>) -> String {
        self.next += 1;
        let id = format!("v{}", self.next);
        let all = self.objects.entry(key.to_owned()).or_default();
        if self.ways.unversioned {
            all.clear();
        }
        all.push(Kept { id: id.clone(), bytes, until });
        id
    }

    fn put(&mut self, key: &str, headers: &HeaderMap, body: &[u8]) -> Response<Body> {
        let there = self.objects.get(key).and_then(|all| all.last()).is_some_and(|last| last.bytes.is_some());
        let until = text(headers, "x-amz-object-lock-retain-until-date");
        match () {
            () if there && headers.contains_key("if-none-match") && !self.ways.overwrites => {
                refused(412, "PreconditionFailed")
            }
            () if until.is_some() && self.ways.lockless => refused(400, "InvalidRequest"),
            () => {
                let id = self.add(key, Some(body.to_vec()), until);
                let answer = Response::builder().status(200);
                let answer = if self.ways.unversioned { answer } else { answer.header("x-amz-version-id", id) };
                answer.body(Body::empty()).expect("an answer")
            }
        }
    }

    fn version(&mut self, key: &str, id: &str) -> Option<&mut Kept> {
        self.objects.get_mut(key)?.iter_mut().find(|kept| kept.id == id)
    }

    fn delete(&mut self, key: &str, id: &str, bypass: bool) -> Response<Body> {
        let ways = self.ways.clone();
        let Some(kept) = self.version(key, id) else { return refused(404, "NoSuchVersion") };
        let free = kept.until.is_none() || ways.deletes || ways.goes_round && bypass;
        if free || ways.lies {
            self.objects.get_mut(key).into_iter().for_each(|all| all.retain(|kept| kept.id != id));
            self.objects.retain(|_, all| !all.is_empty());
        }
        if free { answer(204, Vec::new()) } else { refused(403, "AccessDenied") }
    }

    /// Sets until when a version is locked: later, and never sooner.
    fn lock(&mut self, key: &str, id: &str, body: &[u8]) -> Response<Body> {
        let (text, shortens) = (String::from_utf8_lossy(body).into_owned(), self.ways.shortens);
        let until = text.split_once("<RetainUntilDate>").and_then(|(_, rest)| rest.split('<').next());
        let (Some(until), Some(kept)) = (until, self.version(key, id)) else { return refused(404, "NoSuchVersion") };
        // Times in one form are in the order of their texts.
        if shortens || kept.until.as_deref().is_none_or(|before| before <= until) {
            kept.until = Some(until.to_owned());
            return answer(200, Vec::new());
        }
        refused(403, "AccessDenied")
    }

    fn locked(&mut self, key: &str, id: &str) -> Response<Body> {
        match self.version(key, id).and_then(|kept| kept.until.clone()) {
            Some(until) => {
                let xml =
                    format!("<Retention><Mode>COMPLIANCE</Mode><RetainUntilDate>{until}</RetainUntilDate></Retention>");
                answer(200, xml.into_bytes())
            }
            None => refused(404, "NoSuchObjectLockConfiguration"),
        }
    }

    fn list(&self, prefix: &str, (after, version): (&str, &str)) -> Response<Body> {
        // Newest first, as S3 lists them; after a key alone, all its versions are passed over.
        let all = self.objects.iter().flat_map(|(key, all)| all.iter().rev().map(move |kept| (key, kept)));
        let mut rest: Vec<_> = all.filter(|(key, _)| key.as_str() >= after).collect();
        rest.retain(|(key, _)| key.starts_with(prefix) || self.ways.strays);
        let passed = rest.iter().position(|(key, kept)| key.as_str() == after && kept.id == version);
        match passed {
            Some(at) => drop(rest.drain(..=at)),
            None => rest.retain(|(key, _)| key.as_str() > after),
        }
        let mut out = String::from("<ListVersionsResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">");
        let _ = write!(out, "<IsTruncated>{}</IsTruncated>", rest.len() > PAGE);
        if let Some((key, kept)) = rest.get(PAGE - 1).filter(|_| rest.len() > PAGE) {
            let _ = write!(
                out,
                "<NextKeyMarker>{key}</NextKeyMarker><NextVersionIdMarker>{}</NextVersionIdMarker>",
                kept.id
            );
        }
        for (key, kept) in rest.iter().take(PAGE) {
            let _ = match &kept.bytes {
                Some(bytes) => {
                    let etag = crate::model::Digest::sha256(bytes);
                    write!(
                        out,
                        "<Version><Key>{key}</Key><VersionId>{}</VersionId><ETag>{etag}</ETag></Version>",
                        kept.id
                    )
                }
                None => write!(out, "<DeleteMarker><Key>{key}</Key><VersionId>{}</VersionId></DeleteMarker>", kept.id),
            };
        }
        out.push_str("</ListVersionsResult>");
        answer(200, out.into_bytes())
    }
}

async fn handle(State(inside): State<Arc<Mutex<Inside>>>, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let body: Bytes = axum::body::to_bytes(body, 128 << 20).await.unwrap_or_default();
    let mut inside = inside.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let path = parts.uri.path().strip_prefix("/acme-audit/").unwrap_or_default().to_owned();
    let query: BTreeMap<String, String> = parts.uri.query().unwrap_or_default().split('&').map(pair).collect();
    let of = |name: &str| query.get(name).cloned().unwrap_or_default();
    let signed = text(&parts.headers, "authorization").is_some_and(|value| value.starts_with("AWS4-HMAC-SHA256 "));
    match parts.method.as_str() {
        _ if !signed => refused(403, "AccessDenied"),
        "PUT" if !query.contains_key("retention") => inside.put(&path, &parts.headers, &body),
        _ if inside.ways.write_only => refused(403, "AccessDenied"),
        "PUT" => inside.lock(&path, &of("versionId"), &body),
        "GET" if query.contains_key("retention") => inside.locked(&path, &of("versionId")),
        "GET" if query.contains_key("versions") => {
            inside.list(&of("prefix"), (&of("key-marker"), &of("version-id-marker")))
        }
        "GET" => match inside.version(&path, &of("versionId")).and_then(|kept| kept.bytes.clone()) {
            Some(bytes) => answer(200, bytes),
            None => refused(404, "NoSuchVersion"),
        },
        "DELETE" => {
            inside.delete(&path, &of("versionId"), parts.headers.contains_key("x-amz-bypass-governance-retention"))
        }
        _ => refused(405, "MethodNotAllowed"),
    }
}

fn pair(text: &str) -> (String, String) {
    let (name, value) = text.split_once('=').unwrap_or((text, ""));
    (name.to_owned(), value.replace("%2F", "/").replace("%7E", "~"))
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

fn answer(status: u16, body: Vec<u8>) -> Response<Body> {
    Response::builder().status(status).body(Body::from(body)).expect("an answer")
}

fn refused(status: u16, code: &str) -> Response<Body> {
    let body = format!("<Error><Code>{code}</Code><Message>the test says so</Message></Error>");
    answer(status, body.into_bytes())
}
