//! [`Decider`]: from the name of an image to what is done with it. It holds no rule of its own: policies decide, on evidence
//! that was read before or is read now.

use super::answer::{ImageAnswer, Line, short};
use super::remembered::{Case, Decisions};
use crate::flow::{self, Ruling, Target, admit};
use crate::model::code::codes;
use crate::model::{Artifact, Code, Digest, Reference, Timestamp, code, limits};
use crate::policy::{Effect, NO_POLICY, Policy, Verdict};
use crate::registry::{REGISTRY_CONFIGURATION, Registries, Registry, RegistryError, Remembered, Shelf};
use crate::seam::{BoxFuture, Deadline};
use crate::trust::TrustedRoot;
use futures_util::FutureExt as _;
use futures_util::future::{Either, Shared, select};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

codes! {
    /// Codes of this file.
    pub CODES;
    IMAGE_NAME = "image-name-invalid", [Producer],
        "the name of an image cannot be read, so it is not known what would run",
        "write it as REPOSITORY:TAG or REPOSITORY@sha256:DIGEST with the whole digest";
}

/// What is done with an image that no policy speaks about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unmatched {
    /// Deny it.
    #[default]
    Deny,
    /// Admit it with a warning.
    Warn,
    /// Admit it.
    Allow,
}

impl Unmatched {
    fn effect(self) -> Effect {
        match self {
            Self::Deny => Effect::Deny,
            Self::Warn => Effect::Warn,
            Self::Allow => Effect::Admit,
        }
    }
}

/// What is decided with.
#[derive(Debug)]
pub struct Known {
    /// Policies; why they cannot be used, where one cannot be read: then nothing is admitted.
    pub policies: Result<Vec<Policy>, (Code, String)>,
    /// Trusted roots.
    pub roots: Vec<TrustedRoot>,
}

/// Makes deadlines, by a clock that only the caller has.
pub type Deadlines = fn(std::time::Duration) -> Box<dyn Deadline>;

/// What does not change while it runs.
pub struct Settings {
    /// Of images that no policy speaks about.
    pub unmatched: Unmatched,
    /// How old a listing may be on which an admission rests (seconds).
    pub evidence_age: i64,
    /// The clock.
    pub now: Box<dyn Fn() -> Timestamp + Send + Sync>,
    /// Makes deadlines.
    pub deadlines: Deadlines,
}

type Flight = Shared<BoxFuture<'static, Arc<ImageAnswer>>>;

/// Decides on images.
pub struct Decider {
    settings: Settings,
    shelf: Arc<Shelf>,
    registries: Box<dyn Registries>,
    known: RwLock<(Arc<Known>, u64)>,
    decisions: Decisions,
    flights: Mutex<HashMap<Case, Flight>>,
    looked: AtomicU64,
}

impl std::fmt::Debug for Decider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Decider").field("shelf", &self.shelf).finish_non_exhaustive()
    }
}

impl Decider {
    /// Decides with these, until it is told of others.
    #[must_use]
    pub fn new(settings: Settings, known: Known, registries: Box<dyn Registries>, shelf: Arc<Shelf>) -> Arc<Self> {
        Arc::new(Self {
            settings,
            shelf,
            registries,
            known: RwLock::new((Arc::new(known), 0)),
            decisions: Decisions::default(),
            flights: Mutex::default(),
            looked: AtomicU64::new(0),
        })
    }

    /// Policies and roots that hold from now on. What was decided with others does not count any more; evidence does.
    pub fn learn(&self, known: Known) {
        let mut slot = self.known.write().unwrap_or_else(PoisonError::into_inner);
        *slot = (Arc::new(known), slot.1 + 1);
        self.decisions.clear();
    }

    /// What is decided with now.
    #[must_use]
    pub fn known(&self) -> Arc<Known> {
        self.now_known().0
    }

    /// What is remembered of registries.
    #[must_use]
    pub fn shelf(&self) -> &Shelf {
        &self.shelf
    }

    /// The clock.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        (self.settings.now)()
    }

    /// How many decisions were made, rather than remembered.
    pub fn looked(&self) -> u64 {
        self.looked.load(Ordering::Relaxed)
    }

    fn now_known(&self) -> (Arc<Known>, u64) {
        self.known.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What is done with an image in a namespace, by the deadline. A tag is asked for anew, whatever it named before.
    pub async fn image(
        self: &Arc<Self>,
        text: &str,
        namespace: Option<&str>,
        deadline: &dyn Deadline,
    ) -> Arc<ImageAnswer> {
        let (known, generation) = self.now_known();
        let policies = match &known.policies {
            Ok(policies) => policies,
            // What cannot be read may be what forbids this image.
            Err((code, why)) => return Arc::new(nothing(text, Line::own(Effect::Deny, *code, why))),
        };
        let reference = match Reference::parse(text) {
            Ok(reference) => reference,
            Err(e) => return Arc::new(nothing(text, Line::own(Effect::Deny, IMAGE_NAME, &e.to_string()))),
        };
        let name = reference.name();
        let speaking = || policies.iter().filter(|p| p.applies_in(namespace) && p.matches(&name));
        if speaking().next().is_none() {
            return Arc::new(self.unspoken(text, &name, &reference));
        }
        let (digest, by_tag) = match self.digest(&reference, deadline).await {
            Ok(found) => found,
            Err((code, why)) => {
                let lines = self.unavailable(speaking(), &name, namespace, code, &why);
                return Arc::new(ImageAnswer { name, digest: None, lines, by_tag: true, passing: true });
            }
        };
        let case = Case { name: name.clone(), digest, namespace: namespace.map(str::to_owned), generation };
        let answer = match self.decisions.get(&case, (self.settings.now)()) {
            Some(answer) => answer,
            None => {
                let late = || (flow::TIMEOUT, format!("not decided within {}", deadline.given()));
                // Nothing is begun for whoever no longer waits.
                let flight = if deadline.passed() { Err(late()) } else { Ok(self.flight(&case, &reference, &known)) };
                let waited = match flight {
                    Ok(Some(flight)) => match select(flight, deadline.wait()).await {
                        Either::Left((answer, _)) => Ok(answer),
                        Either::Right(_) => Err(late()),
                    },
                    Err(late) => Err(late),
                    // What is remembered needs no registry: an image that was admitted is, whoever asks for others.
                    Ok(None) => match self.known_already(&case, &reference, &known).await {
                        Some(answer) => Ok(Arc::new(answer)),
                        None => {
                            Err((code::LIMIT_EXCEEDED, "too many images are being decided on: try again".to_owned()))
                        }
                    },
                };
                waited.unwrap_or_else(|(code, why)| {
                    let lines = self.unavailable(speaking(), &name, namespace, code, &why);
                    let digest = Some(case.digest.to_string());
                    Arc::new(ImageAnswer { name: name.clone(), digest, lines, by_tag, passing: true })
                })
            }
        };
        if answer.by_tag == by_tag { answer } else { Arc::new(ImageAnswer { by_tag, ..(*answer).clone() }) }
    }

    /// What was decided on an image lately; nothing is asked.
    #[must_use]
    pub fn remembered(&self, text: &str, namespace: Option<&str>) -> Option<Arc<ImageAnswer>> {
        let reference = Reference::parse(text).ok()?;
        let (known, generation) = self.now_known();
        let name = reference.name();
        let policies = known.policies.as_ref().ok()?;
        if !policies.iter().any(|p| p.applies_in(namespace) && p.matches(&name)) {
            return Some(Arc::new(self.unspoken(text, &name, &reference)));
        }
        let digest = reference.digest()?.clone();
        let case = Case { name, digest, namespace: namespace.map(str::to_owned), generation };
        self.decisions.get(&case, (self.settings.now)())
    }

    /// The digest that an image's name stands for now, and whether that can change.
    ///
    /// # Errors
    /// Why it could not be found out.
    pub async fn digest(
        &self,
        reference: &Reference,
        deadline: &dyn Deadline,
    ) -> Result<(Digest, bool), (Code, String)> {
        if let Some(digest) = reference.digest() {
            return Ok((digest.clone(), false));
        }
        let failed = |e: RegistryError| (e.code(), e.to_string());
        let registry = self.registries.open(reference).map_err(failed)?;
        let tag = reference.tag().unwrap_or("latest");
        let found = match select(registry.resolve(tag), deadline.wait()).await {
            Either::Left((found, _)) => found.map_err(failed)?,
            Either::Right(_) => {
                let why = format!("tag `{tag}` was not resolved within {}", deadline.given());
                return Err((flow::TIMEOUT, why));
            }
        };
        let missing = || (flow::SUBJECT_NOT_FOUND, format!("{}: there is no tag `{tag}`", registry.place()));
        Ok((found.ok_or_else(missing)?.digest, true))
    }

    /// Whether any policy speaks about an image in a namespace. Of policies that cannot be read none does.
    #[must_use]
    pub fn speaks_of(&self, reference: &Reference, namespace: Option<&str>) -> bool {
        let (known, name) = (self.known(), reference.name());
        known.policies.as_ref().is_ok_and(|p| p.iter().any(|p| p.applies_in(namespace) && p.matches(&name)))
    }

    fn unspoken(&self, text: &str, name: &str, reference: &Reference) -> ImageAnswer {
        let message = format!("no policy speaks about `{name}` here");
        let line = Line::own(self.settings.unmatched.effect(), NO_POLICY, &message);
        let digest = reference.digest().map(ToString::to_string);
        ImageAnswer { name: name.to_owned(), digest, ..nothing(text, line) }
    }

    /// What each policy has done with an image of which it could not be found out whether it is acceptable.
    fn unavailable<'p>(
        &self,
        speaking: impl Iterator<Item = &'p Policy>,
        name: &str,
        namespace: Option<&str>,
        code: Code,
        why: &str,
    ) -> Vec<Line> {
        let now = (self.settings.now)();
        // A tag that is not there is an answer: whoever pushes it after the pod was admitted would choose what runs.
        let verdict = if is_definite(code) { Verdict::Deny } else { Verdict::Unavailable };
        let line = |policy: &Policy| {
            let effect = policy.effect(verdict, name, namespace, now);
            let message = match &effect {
                Effect::Except(words) => format!("{words} ({why})"),
                _ => why.to_owned(),
            };
            Line { policy: Some(policy.name.clone()), ..Line::own(effect, code, &message) }
        };
        speaking.map(line).collect()
    }

    /// The decision on an image, made once for all who wait for it. It goes on when nobody does. None where too many are made
    /// already: whoever can reach the webhook could else fill its memory with names.
    fn flight(self: &Arc<Self>, case: &Case, reference: &Reference, known: &Arc<Known>) -> Option<Flight> {
        let mut flights = self.flights();
        if let Some(flight) = flights.get(case) {
            return Some(flight.clone());
        }
        let of_it = flights.keys().filter(|k| host(&k.name) == host(&case.name)).count();
        if flights.len() >= limits::DECISIONS_AT_A_TIME || of_it >= limits::DECISIONS_OF_A_REGISTRY {
            return None;
        }
        let (this, known, key, reference) = (self.clone(), known.clone(), case.clone(), reference.clone());
        let task = tokio::spawn(async move {
            let decided = std::panic::AssertUnwindSafe(this.decide(&key, &reference, &known)).catch_unwind().await;
            let answer = Arc::new(decided.unwrap_or_else(|_| stopped(&key.name)));
            this.decisions.put(key.clone(), answer.clone(), (this.settings.now)());
            this.flights().remove(&key);
            answer
        });
        let name = case.name.clone();
        let flight: BoxFuture<'static, Arc<ImageAnswer>> =
            Box::pin(async move { task.await.unwrap_or_else(|_| Arc::new(stopped(&name))) });
        let flight = flight.shared();
        flights.insert(case.clone(), flight.clone());
        Some(flight)
    }

    fn flights(&self) -> MutexGuard<'_, HashMap<Case, Flight>> {
        self.flights.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Decides on evidence that was read up to `evidence_age` ago; what that does not admit is decided on evidence that is
    /// read now, as an attestation may have come since.
    async fn decide(&self, case: &Case, reference: &Reference, known: &Known) -> ImageAnswer {
        self.looked.fetch_add(1, Ordering::Relaxed);
        let now = (self.settings.now)();
        let policies = known.policies.as_deref().unwrap_or_default();
        let place = flow::Place { policies, roots: &known.roots, now, namespace: case.namespace.as_deref() };
        let registry = match self.registries.open(reference) {
            Ok(registry) => registry,
            Err(e) => {
                let speaking = policies.iter().filter(|p| p.applies_in(place.namespace) && p.matches(&case.name));
                let lines = self.unavailable(speaking, &case.name, place.namespace, e.code(), &e.to_string());
                return answer(case, lines, true);
            }
        };
        let (mut rulings, age) = self.judge(case, registry.clone(), place, self.settings.evidence_age).await;
        let open = rulings.iter().any(|r| r.decision.verdict != Verdict::Allow);
        if open && age > limits::LISTING_OF_A_NO_SECONDS {
            let (fresh, _) = self.judge(case, registry, place, limits::LISTING_OF_A_NO_SECONDS).await;
            // More evidence takes no Allow away, so one that rests on an old listing stands.
            let both = rulings.into_iter().zip(fresh);
            rulings = both.map(|(a, b)| if a.decision.verdict == Verdict::Allow { a } else { b }).collect();
        }
        for ruling in &mut rulings {
            let code = ruling.decision.reason().map(|r| r.code);
            if ruling.decision.verdict == Verdict::Unavailable
                && code.is_some_and(is_definite)
                && let Some(policy) = policies.iter().find(|p| p.name == ruling.policy)
            {
                ruling.effect = policy.effect(Verdict::Deny, &case.name, place.namespace, now);
            }
        }
        let passing = rulings.iter().any(|r| r.decision.verdict == Verdict::Unavailable);
        answer(case, rulings.iter().map(Line::from).collect(), passing)
    }

    /// The decision on an image by what is remembered alone, where that admits it.
    async fn known_already(&self, case: &Case, reference: &Reference, known: &Known) -> Option<ImageAnswer> {
        let policies = known.policies.as_deref().ok()?;
        let namespace = case.namespace.as_deref();
        let place = flow::Place { policies, roots: &known.roots, now: (self.settings.now)(), namespace };
        let registry = self.registries.open(reference).ok()?;
        let remembered = Remembered::over(registry, self.shelf.clone(), self.settings.evidence_age).alone();
        let (rulings, _) = self.rule(case, &remembered, place).await;
        let allowed = rulings.iter().all(|r| r.decision.verdict == Verdict::Allow);
        allowed.then(|| answer(case, rulings.iter().map(Line::from).collect(), true))
    }

    /// The rulings, and the age of the oldest listing that they rest on.
    async fn judge(
        &self,
        case: &Case,
        registry: Arc<dyn Registry>,
        place: flow::Place<'_>,
        oldest: i64,
    ) -> (Vec<Ruling>, i64) {
        self.rule(case, &Remembered::over(registry, self.shelf.clone(), oldest), place).await
    }

    async fn rule(&self, case: &Case, remembered: &Remembered, place: flow::Place<'_>) -> (Vec<Ruling>, i64) {
        let deadline = (self.settings.deadlines)(std::time::Duration::from_secs(limits::ADMISSION_SECONDS));
        let name = format!("{}@{}", case.name, case.digest);
        let artifact = Artifact::new(name, case.name.clone(), case.digest.clone());
        let rulings = admit(Target::in_repository(artifact, remembered), place, deadline.as_ref()).await;
        (rulings, remembered.oldest_used())
    }
}

/// The registry of a repository.
fn host(name: &str) -> &str {
    name.split('/').next().unwrap_or_default()
}

/// Whether what went wrong is an answer: a tag that is not there, and a registry that is never asked. To wait changes neither.
fn is_definite(code: Code) -> bool {
    code == flow::SUBJECT_NOT_FOUND || code == REGISTRY_CONFIGURATION
}

fn answer(case: &Case, lines: Vec<Line>, passing: bool) -> ImageAnswer {
    ImageAnswer { name: case.name.clone(), digest: Some(case.digest.to_string()), lines, by_tag: false, passing }
}

fn nothing(text: &str, line: Line) -> ImageAnswer {
    ImageAnswer { name: short(text), digest: None, lines: vec![line], by_tag: false, passing: true }
}

fn stopped(name: &str) -> ImageAnswer {
    let line = Line::own(Effect::Deny, code::INTERNAL, "a defect of attest stopped the decision on this image");
    nothing(name, line)
}
