//! The validating webhook: whether an object is admitted, by the images that it runs.

use super::answer::ImageAnswer;
use super::decider::{Deadlines, Decider};
use super::images::{Bearers, ImageUse, OBJECT_MALFORMED};
use super::reply::Reply;
use super::review::{REVIEW_MALFORMED, Review};
use crate::model::limits;
use crate::seam::Deadline;
use futures_util::stream::{self, StreamExt as _};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

/// How long a warning about what is admitted anyway may be waited for.
const WARNING: Duration = Duration::from_millis(300);

/// What is reviewed with.
#[derive(Clone, Debug)]
pub(super) struct Validator {
    pub(super) decider: Arc<Decider>,
    pub(super) bearers: Bearers,
    pub(super) deadlines: Deadlines,
}

/// A reply, and each image that was decided on.
pub(super) struct Validated {
    pub(super) reply: Reply,
    pub(super) decided: Vec<(ImageUse, Arc<ImageAnswer>)>,
}

impl From<Reply> for Validated {
    fn from(reply: Reply) -> Self {
        Self { reply, decided: Vec::new() }
    }
}

impl Validator {
    /// Decides on an object.
    ///
    /// An image that the stored object runs at the same place passes without being asked about: whoever deletes, scales,
    /// labels or finishes what is there must not depend on a registry. What would become of a new pod of it is said in a warning.
    /// Nothing else in the object has a say: not its labels, not its annotations, not its `deletionTimestamp`.
    pub(super) async fn validate(&self, review: &mut Review, deadline: &dyn Deadline) -> Validated {
        if !stores(review) {
            return of_another_operation(review).into();
        }
        let (new, kept) = match self.images(review) {
            Ok(both) => both,
            Err(reply) => return reply.into(),
        };
        let decided = self.decide(new, review, deadline).await;
        let mut reply = Reply::of(&decided, review.namespace.as_deref());
        reply.warnings.extend(self.of_kept(&kept, review).await);
        Validated { reply, decided }
    }

    /// The images that have to be decided on, and those that are there already. The objects are let go.
    pub(super) fn images(&self, review: &mut Review) -> Result<(Vec<ImageUse>, Vec<ImageUse>), Reply> {
        let (group, kind) = &review.kind;
        let (object, old) = (review.object.take(), review.old.take());
        if !object.is_object() {
            let message = format!("a {} of a {kind} has no object", review.operation);
            return Err(Reply::denied(OBJECT_MALFORMED, "object", &message));
        }
        let found = self.bearers.images(group, kind, &object);
        let found = found.map_err(|e| Reply::denied(e.code, "object", &e.message))?;
        let there: HashSet<_> = match review.operation.as_str() {
            // Of what cannot be read of the stored object nothing is there already.
            "UPDATE" => self.bearers.images(group, kind, &old).unwrap_or_default().into_iter().collect(),
            _ => HashSet::new(),
        };
        let same: HashSet<_> = there.iter().map(|i| (&i.place, &i.image)).collect();
        Ok(found.into_iter().partition(|i| !same.contains(&(&i.place, &i.image))))
    }

    /// Each image once, all at the same time.
    async fn decide(
        &self,
        images: Vec<ImageUse>,
        review: &Review,
        deadline: &dyn Deadline,
    ) -> Vec<(ImageUse, Arc<ImageAnswer>)> {
        let mut names: Vec<&str> = images.iter().map(|i| i.image.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        let namespace = review.namespace.as_deref();
        let asked: Vec<_> = names
            .into_iter()
            .map(|name| async move { (name.to_owned(), self.decider.image(name, namespace, deadline).await) })
            .collect();
        let answers: HashMap<_, _> = stream::iter(asked).buffer_unordered(limits::PARALLEL_FETCHES).collect().await;
        images.into_iter().filter_map(|i| answers.get(&i.image).cloned().map(|answer| (i, answer))).collect()
    }

    /// What would become of a new pod of an image that is admitted because it is there already. A pod's own images are looked up
    /// in what was decided lately, and nothing is asked.
    async fn of_kept(&self, kept: &[ImageUse], review: &Review) -> Vec<String> {
        let namespace = review.namespace.as_deref();
        let deadline = (self.deadlines)(WARNING);
        let mut out = Vec::new();
        for image in kept {
            let known = self.decider.remembered(&image.image, namespace);
            let known = match known {
                None if review.kind.1 != "Pod" => {
                    Some(self.decider.image(&image.image, namespace, deadline.as_ref()).await)
                }
                known => known,
            };
            let refused = known.filter(|a| a.effect() == super::answer::Worst::Deny && !a.passing);
            if let Some(line) = refused.as_ref().and_then(|a| a.lines.iter().find(|l| l.code.is_some())) {
                let code = line.code.map_or("", crate::model::Code::as_str);
                out.push(format!(
                    "{} at {} is unchanged, so this is admitted; a new pod of it would be refused: {code}: {}",
                    image.image,
                    image.field(),
                    line.message
                ));
            }
        }
        out
    }
}

/// What becomes of an operation that stores nothing: what is taken away or connected to runs no image. One that is not known may.
fn of_another_operation(review: &Review) -> Reply {
    match review.operation.as_str() {
        "DELETE" | "CONNECT" => Reply::allowed(),
        _ => Reply::denied(REVIEW_MALFORMED, "operation", "expected CREATE, UPDATE, DELETE or CONNECT"),
    }
}

/// Whether an operation stores an object.
pub(super) fn stores(review: &Review) -> bool {
    matches!(review.operation.as_str(), "CREATE" | "UPDATE")
}
