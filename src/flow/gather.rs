//! [`Gathering`]: all that is read about a subject, within one budget and one deadline. Nothing is verified by it.

use super::buildkit::{Proofs, is_marked};
use crate::evidence::FileEvidence;
use crate::model::code::{LIMIT_EXCEEDED, codes};
use crate::model::json::JsonError;
use crate::model::oci::Manifest;
use crate::model::{Artifact, Code, Descriptor, DigestSet, limits};
use crate::registry::{Checked, Registry, RegistryEvidence};
use crate::seam::{BoxFuture, Deadline};
use crate::verify::{Basket, Budget, Candidate, Content, EvidenceSource, Origin};
use futures_util::future::{Either, join_all, select};
use futures_util::stream::{self, StreamExt as _};
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

codes! {
    /// Codes of this file.
    pub CODES;
    pub TIMEOUT = "timeout", [Operator],
        "the evidence of a subject was not gathered and verified within `--timeout`",
        "give it longer with --timeout, for example --timeout 5m";
}

/// One subject of a verification: what is decided on, and where to look.
pub struct Target<'a> {
    /// What is decided on.
    pub artifact: Artifact,
    /// Where evidence is looked for.
    pub sources: Vec<Box<dyn EvidenceSource + 'a>>,
    /// Where the artifact's own manifest can be read, for children of an index and further digests.
    pub content: Option<Checked<'a>>,
    /// Computes all binding digests of an artifact that is no manifest; asked only when evidence carries one more.
    pub digests: Option<Digests<'a>>,
}

impl<'a> Target<'a> {
    /// An artifact whose evidence lies in files.
    #[must_use]
    pub fn with_files(artifact: Artifact, bundles: impl IntoIterator<Item = FileEvidence>) -> Self {
        let sources = bundles.into_iter().map(|b| -> Box<dyn EvidenceSource> { Box::new(b) });
        Self { artifact, sources: sources.collect(), content: None, digests: None }
    }

    /// An image whose evidence is beside it in its repository.
    #[must_use]
    pub fn in_repository(artifact: Artifact, repository: &'a dyn Registry) -> Self {
        let sources: Vec<Box<dyn EvidenceSource + 'a>> = vec![Box::new(RegistryEvidence::new(repository))];
        Self { artifact, sources, content: Some(Checked::new(repository)), digests: None }
    }
}

/// Computes all binding digests of an artifact; the error is for people.
pub type Digests<'a> = Box<dyn Fn() -> BoxFuture<'a, Result<DigestSet, String>> + Send + Sync + 'a>;

/// What was read about one artifact.
#[derive(Clone, Debug)]
pub struct Gathered {
    /// The artifact, with all of its digests that are known.
    pub artifact: Artifact,
    /// What sources found, and what could not be looked at.
    pub candidates: Vec<Candidate>,
    /// Its further digests.
    pub further: Further,
    /// What it lists, where it is an index.
    pub listed: Listed,
}

/// Digests of an artifact beside the one that it was named by. Most evidence asks for none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Further {
    /// They were not read: no evidence needs them so far.
    NotAsked,
    /// They are among the artifact's.
    Known,
    /// They could not be had, and why.
    Failed(String),
}

/// What an artifact lists.
#[derive(Clone, Debug)]
pub enum Listed {
    /// It was not read so far.
    NotAsked,
    /// Nothing: it is no index.
    Nothing,
    /// Its manifest is not there, which it need not be.
    Absent {
        /// Where it was looked for.
        place: String,
    },
    /// Its manifest is there and cannot be used: why.
    Unusable(String),
    /// Its manifest could not be read, or lists more than is looked at: it may be an index of what is all attested.
    Unread {
        /// Stable code.
        code: Code,
        /// Why.
        message: String,
    },
    /// These.
    Manifests {
        /// Each once, in the index's order.
        listed: Vec<Gathered>,
        /// How many of BuildKit's unsigned attestations were passed over.
        skipped: usize,
    },
}

/// What the judge lacks of the artifact at a path: the position in each index on the way down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Need {
    /// Its further digests.
    Digests(Vec<usize>),
    /// What it lists.
    Listed(Vec<usize>),
}

/// What is gathered about one target, and what may still be read.
pub struct Gathering<'t> {
    target: Target<'t>,
    deadline: &'t dyn Deadline,
    /// Of all levels together: else each manifest that an index lists would have all of it again.
    budget: Arc<Budget>,
    /// Manifests that may still be looked at, of all levels together: an index of indexes of indexes grows with a power of
    /// what one may list.
    left: AtomicUsize,
    /// What may still be read of BuildKit's attestations (bytes).
    unsigned: AtomicUsize,
    found: Gathered,
}

impl<'t> Gathering<'t> {
    /// Asks all sources about the artifact itself, at once.
    pub async fn begin(target: Target<'t>, deadline: &'t dyn Deadline) -> Self {
        let budget = Arc::new(Budget::default());
        let found = gather(&target, &budget, deadline, target.artifact.clone()).await;
        let [left, unsigned] = [limits::CHILDREN, limits::UNSIGNED_BYTES].map(AtomicUsize::new);
        Self { target, deadline, budget, left, unsigned, found }
    }

    /// What was found so far.
    #[must_use]
    pub fn found(&self) -> &Gathered {
        &self.found
    }

    /// What was found.
    #[must_use]
    pub fn into_found(self) -> Gathered {
        self.found
    }

    /// Reads what the judge lacks, all of it at once. What does not come in time is said to be missing: no need is asked for
    /// twice.
    pub async fn fetch(&mut self, needs: Vec<Need>) {
        let this = &*self;
        let answers: Vec<_> =
            stream::iter(needs).map(|need| this.answer(need)).buffered(limits::PARALLEL_FETCHES).collect().await;
        for (path, answer) in answers {
            let Some(at) = self.found.at_mut(&path) else { continue };
            match answer {
                Answer::Digests(Ok(artifact)) => (at.artifact, at.further) = (*artifact, Further::Known),
                Answer::Digests(Err(why)) => at.further = Further::Failed(why),
                Answer::Listed(listed) => at.listed = listed,
            }
        }
    }

    fn answer(&self, need: Need) -> BoxFuture<'_, (Vec<usize>, Answer)> {
        Box::pin(async move {
            match need {
                Need::Digests(path) => {
                    let answer = match self.found.at(&path) {
                        Some(at) => self.digests(at.artifact.clone()).await.map(Box::new),
                        None => Err("it is not there".into()),
                    };
                    (path, Answer::Digests(answer))
                }
                Need::Listed(path) => {
                    let listed = match self.found.at(&path) {
                        Some(at) => self.listed(&at.artifact, path.len()).await,
                        None => Listed::Nothing,
                    };
                    (path, Answer::Listed(listed))
                }
            }
        })
    }

    async fn digests(&self, artifact: Artifact) -> Result<Artifact, String> {
        let late = || format!("further digests could not be computed within {}", self.deadline.given());
        let failed = |e: String| format!("further digests could not be computed: {e}");
        let computed = match (&self.target.content, &self.target.digests) {
            (Some(content), _) => {
                let served = within(self.deadline, content.need_manifest(&artifact.digest)).await.ok_or_else(late)?;
                artifact.with_bytes(&served.map_err(|e| failed(e.to_string()))?.bytes)
            }
            (None, Some(digests)) => {
                artifact.with_set(&within(self.deadline, digests()).await.ok_or_else(late)?.map_err(failed)?)
            }
            (None, None) => Some(artifact),
        };
        // Content that no longer has the digest that was fixed: what is missing stays missing, and is said.
        computed.ok_or_else(|| "the artifact changed while it was verified".into())
    }

    async fn listed(&self, artifact: &Artifact, depth: usize) -> Listed {
        let Some(content) = &self.target.content else { return Listed::Nothing };
        let unread = |code, why: String| Listed::Unread {
            code,
            message: format!("the subject's manifest could not be read: {why}"),
        };
        let Some(manifest) = within(self.deadline, content.manifest(&artifact.digest)).await else {
            return unread(TIMEOUT, format!("not within {}", self.deadline.given()));
        };
        let manifest = match manifest {
            Ok(Some(served)) => match Manifest::parse(&served.bytes, &served.media_type) {
                Ok(m) if m.is_index() => m,
                Ok(_) => return Listed::Nothing,
                Err(e @ JsonError::TooLarge { .. }) => return unread(e.code(), e.to_string()),
                Err(e) => return Listed::Unusable(format!("the subject's manifest is not acceptable: {e}")),
            },
            Ok(None) => return Listed::Absent { place: content.place() },
            Err(e) => return unread(e.code(), e.to_string()),
        };
        let listed = unique(&manifest);
        if listed.is_empty() {
            return Listed::Nothing;
        }
        let enough =
            self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(listed.len()));
        if enough.is_err() || depth >= limits::INDEX_DEPTH {
            let (found, limit) = (listed.len(), limits::CHILDREN);
            let message = format!(
                "the index lists {found} more manifests, over the limit of {limit} in all, or is nested too deep"
            );
            return Listed::Unread { code: LIMIT_EXCEEDED, message };
        }
        self.images(content, artifact, &manifest, listed).await
    }

    /// Gathers about each image among what an index lists: all but BuildKit's attestations, by proof.
    async fn images(
        &self,
        content: &Checked<'_>,
        artifact: &Artifact,
        index: &Manifest,
        listed: Vec<&Descriptor>,
    ) -> Listed {
        let proofs = Proofs { content, budget: &self.budget, left: &self.unsigned, index };
        let looks: Vec<_> = listed.into_iter().map(|entry| self.proven(&proofs, entry)).collect();
        let looked: Vec<_> = stream::iter(looks).buffered(limits::PARALLEL_PROOFS).collect().await;
        let of = looked.len();
        let images: Vec<_> = looked.into_iter().filter(|(_, proven)| !matches!(proven, Ok(true))).collect();
        let skipped = of - images.len();
        if images.is_empty() {
            return Listed::Nothing;
        }
        let one = |(child, proven): Looked<'_>| {
            let name = format!("{}@{}", artifact.scope, child.digest);
            let name = child.platform.as_ref().map_or_else(|| name.clone(), |p| format!("{name} ({p})"));
            let descriptor = Some(child.clone());
            let other_scopes = artifact.other_scopes.clone();
            let own = Artifact::new(name, artifact.scope.clone(), child.digest.clone());
            let artifact = Artifact { descriptor, other_scopes, ..own };
            let origin = Origin { place: content.place(), id: child.digest.to_string() };
            let unclear = proven.err().map(|content| Candidate { origin, content });
            let gathered = gather(&self.target, &self.budget, self.deadline, artifact);
            async move {
                let mut gathered = gathered.await;
                gathered.candidates.extend(unclear);
                gathered
            }
        };
        let asked: Vec<_> = images.into_iter().map(one).collect();
        let listed = stream::iter(asked).buffered(limits::PARALLEL_FETCHES).collect().await;
        Listed::Manifests { listed, skipped }
    }

    /// Whether an entry of an index is proven to be BuildKit's attestation; what could not be read leaves that open.
    fn proven<'s>(&'s self, proofs: &'s Proofs<'_>, entry: &'s Descriptor) -> BoxFuture<'s, Looked<'s>> {
        Box::pin(async move {
            let open = |code, why| {
                let message = format!("whether it is an image or BuildKit's attestation could not be found out: {why}");
                Content::Unavailable { code, message }
            };
            let proven = match within(self.deadline, proofs.proven(entry)).await {
                Some(proven) => proven.map_err(|e| open(e.code, e.message)),
                None => Err(open(TIMEOUT, format!("not within {}", self.deadline.given()))),
            };
            (entry, proven)
        })
    }
}

/// An entry of an index, and whether it is proven to be an attestation.
type Looked<'a> = (&'a Descriptor, Result<bool, Content>);

enum Answer {
    Digests(Result<Box<Artifact>, String>),
    Listed(Listed),
}

impl Gathered {
    fn at(&self, path: &[usize]) -> Option<&Self> {
        let [first, rest @ ..] = path else { return Some(self) };
        match &self.listed {
            Listed::Manifests { listed, .. } => listed.get(*first)?.at(rest),
            _ => None,
        }
    }

    fn at_mut(&mut self, path: &[usize]) -> Option<&mut Self> {
        let [first, rest @ ..] = path else { return Some(self) };
        match &mut self.listed {
            Listed::Manifests { listed, .. } => listed.get_mut(*first)?.at_mut(rest),
            _ => None,
        }
    }
}

/// What an index lists, each once: what is listed as an image is one, whatever else it is listed as.
fn unique(index: &Manifest) -> Vec<&Descriptor> {
    let (marked, images): (Vec<_>, Vec<_>) = index.manifests.iter().partition(|d| is_marked(d));
    let mut seen = HashSet::new();
    images.into_iter().chain(marked).filter(|d| seen.insert(&d.digest)).collect()
}

/// What all sources have about an artifact: asked at once, in one budget, in the sources' order. When the time is up, what
/// was found counts, and each source that had not ended is evidence that could not be looked at.
fn gather<'a>(
    target: &'a Target<'_>,
    budget: &'a Arc<Budget>,
    deadline: &'a dyn Deadline,
    artifact: Artifact,
) -> BoxFuture<'a, Gathered> {
    Box::pin(async move {
        let baskets: Vec<_> = target.sources.iter().map(|_| Basket::sharing(budget)).collect();
        let asked = target
            .sources
            .iter()
            .zip(&baskets)
            .map(|(source, basket)| async { within(deadline, source.gather(&artifact, basket)).await.is_some() });
        let ended = join_all(asked).await;
        let mut candidates = Vec::new();
        for ((source, basket), ended) in target.sources.iter().zip(baskets).zip(ended) {
            candidates.extend(basket.into_candidates());
            if !ended {
                let message = format!("not gathered within {}", deadline.given());
                let origin = Origin { place: source.place(), id: "what had not come in time".into() };
                candidates.push(Candidate { origin, content: Content::Unavailable { code: TIMEOUT, message } });
            }
        }
        Gathered { artifact, candidates, further: Further::NotAsked, listed: Listed::NotAsked }
    })
}

/// What a future gives, if it does so in time. It is asked first: what is there at once is there.
async fn within<T>(deadline: &dyn Deadline, future: impl Future<Output = T> + Send) -> Option<T> {
    match select(std::pin::pin!(future), deadline.wait()).await {
        Either::Left((value, _)) => Some(value),
        Either::Right(_) => None,
    }
}
