//! [`Live`]: what a host says of an issue now.

use super::{CharterError, Forge, Place, WebUrl};
use crate::model::json::{Field, JsonError};
use crate::model::{DigestSet, ResourceDescriptor, Timestamp, limits};
use crate::predicate::{Charter, CharterSnapshot};
use serde_json::{Map, Value, json};

/// An issue as its host serves it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Live {
    /// What its digest is taken over.
    pub snapshot: CharterSnapshot,
    /// The author, for example `github:583231`; `None` where the host names nobody.
    pub author: Option<String>,
    /// `open`, `closed`, `merged` or `locked`.
    pub state: String,
    /// Labels, in the host's order.
    pub labels: Vec<String>,
    /// Who approved a change; `None` of what is none, or where it could not be read.
    pub approvals: Option<Vec<String>>,
    /// When it was last changed, comments included.
    pub updated_at: Option<Timestamp>,
    /// The page that it calls its own.
    pub page: String,
    /// Where that is.
    pub place: Place,
    /// Whether the host says that it was moved elsewhere.
    pub moved: bool,
}

impl Live {
    /// The annotations of a snapshot: what may change.
    #[must_use]
    pub fn annotations(&self, captured: Timestamp) -> Map<String, Value> {
        let mut out = Map::new();
        out.insert("capturedAt".into(), json!(captured.to_string()));
        out.extend(self.author.as_ref().map(|a| ("author".to_owned(), json!(a))));
        out.insert("state".into(), json!(self.state));
        out.insert("labels".into(), json!(self.labels));
        out.extend(self.approvals.as_ref().map(|a| ("approvals".to_owned(), json!(a))));
        out.extend(self.updated_at.map(|t| ("updatedAt".to_owned(), json!(t.to_string()))));
        out
    }

    /// The charter as provenance names it: place, digest, annotations. The text itself is no part of it; the digests of
    /// title and body say later which of them changed.
    #[must_use]
    pub fn descriptor(&self, uri: &str, captured: Timestamp) -> ResourceDescriptor {
        let digest = DigestSet::of(&self.snapshot.digest());
        let part = |text: &str| DigestSet::sha256(text.as_bytes()).to_json();
        let all = self.annotations(captured);
        let named = all.into_iter().fold(ResourceDescriptor::at(uri).digest_of(digest), |d, (k, v)| d.annotated(&k, v));
        named
            .annotated("id", self.snapshot.id.as_str())
            .annotated("parts", json!({ "title": part(&self.snapshot.title), "body": part(&self.snapshot.body) }))
    }

    /// The predicate of a snapshot's own attestation.
    #[must_use]
    pub fn charter(&self, uri: &str, captured: Timestamp) -> Charter {
        Charter { uri: uri.to_owned(), snapshot: self.snapshot.clone(), annotations: self.annotations(captured) }
    }
}

/// What the three APIs name differently.
pub(super) struct Names {
    /// The author's object.
    pub(super) author: &'static str,
    /// The text.
    pub(super) body: &'static str,
    /// The page's own address.
    pub(super) page: &'static str,
}

/// Reads what the APIs have in common. `state` is the caller's.
pub(super) fn read(forge: &dyn Forge, names: &Names, web: &WebUrl, answer: &Field<'_>) -> Result<Live, JsonError> {
    let author = answer.get(names.author)?.map(|a| number(&a.need("id")?)).transpose()?;
    let page = answer.need(names.page)?;
    let place = WebUrl::parse(page.str()?).and_then(|url| {
        // The host's own address may have another scheme or port than the one that it is reached by; the path counts.
        forge.locate(url.segments().strip_prefix(web.segments())?)
    });
    let place = place.ok_or_else(|| page.error("the address of an issue", page.value()))?;
    let updated_at = match answer.get("updated_at")? {
        Some(f) => Some(Timestamp::parse(f.str()?).map_err(|e| f.error("an RFC 3339 time", e.found))?),
        None => None,
    };
    Ok(Live {
        author: author.as_ref().map(|id| principal(forge, web, id)),
        snapshot: CharterSnapshot {
            author_id: author.unwrap_or_default(),
            body: answer.opt_str(names.body)?.unwrap_or_default().to_owned(),
            host: web.authority().to_owned(),
            id: number(&answer.need("id")?)?,
            title: answer.need("title")?.str()?.to_owned(),
        },
        state: String::new(),
        labels: labels(answer)?,
        approvals: None,
        updated_at,
        page: page.str()?.to_owned(),
        place,
        moved: false,
    })
}

/// Somebody by a host's number: `github:1` for the one host that a short name means, else `HOST:1`.
pub(super) fn principal(forge: &dyn Forge, web: &WebUrl, id: &str) -> String {
    format!("{}:{id}", forge.short(web.host()).unwrap_or_else(|| web.authority()))
}

/// A number that is no other when it is written again.
pub(super) fn number(field: &Field<'_>) -> Result<String, JsonError> {
    let number = field.value().as_u64();
    number.map(|n| n.to_string()).ok_or_else(|| field.error("a number without sign or fraction", field.value()))
}

/// Labels, each a text or an object with a name.
fn labels(answer: &Field<'_>) -> Result<Vec<String>, JsonError> {
    let Some(list) = answer.get("labels")? else { return Ok(Vec::new()) };
    let name = |f: Field<'_>| match f.value() {
        Value::String(text) => Ok(text.clone()),
        _ => f.need("name")?.str().map(str::to_owned),
    };
    list.list(limits::CHARTER_LABELS)?.into_iter().map(name).collect()
}

/// One of the states that an API knows, in our word for it.
pub(super) fn state(answer: &Field<'_>, words: &[(&str, &str)]) -> Result<String, JsonError> {
    let field = answer.need("state")?;
    let found = words.iter().find(|(theirs, _)| Some(*theirs) == field.value().as_str());
    found
        .map(|(_, ours)| (*ours).to_owned())
        .ok_or_else(|| field.error(words.iter().map(|(w, _)| *w).collect::<Vec<_>>().join(" or "), field.value()))
}

/// `owner/name`, a word, a number: the path of an issue where projects are two deep.
pub(super) fn two_deep(segments: &[String], issue: &str, change: &str) -> Option<Place> {
    let [owner, name, word, number] = segments else { return None };
    if word != issue && word != change {
        return None;
    }
    Some(Place { project: format!("{owner}/{name}"), number: decimal(number)?, change: word == change })
}

/// A number as it stands in an address: no sign, no leading zero.
pub(super) fn decimal(text: &str) -> Option<u64> {
    let good = text.bytes().all(|b| b.is_ascii_digit()) && !text.starts_with('0');
    good.then(|| text.parse().ok()).flatten()
}

/// What a host says of an issue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It is where it was looked for.
    Here(Box<Live>),
    /// It is elsewhere on the same host: transferred, or in a project of another name.
    Moved {
        /// Its page, where that could be read.
        to: Option<String>,
        /// What it says there, if it may be the same issue.
        live: Option<Box<Live>>,
    },
}

impl Answer {
    /// The issue, where it is at `uri`, the URL that was asked for: what another URL says is not this charter.
    ///
    /// # Errors
    /// [`CharterError::Moved`].
    pub fn here(self, uri: &str) -> Result<Live, CharterError> {
        match self {
            Self::Here(live) => Ok(*live),
            Self::Moved { to, .. } => Err(CharterError::Moved { uri: uri.to_owned(), to }),
        }
    }
}
