//! The mutating webhook: puts the digest beside each tag, so that what runs is what was decided on. It decides nothing: what it
//! cannot resolve it leaves alone, and the validating webhook says what becomes of it.

use super::reply::Reply;
use super::review::Review;
use super::validate::{Validator, stores};
use crate::model::Reference;
use crate::seam::Deadline;
use serde_json::{Value, json};

impl Validator {
    /// A patch that pins the tags of an object: for each a `test` that it is still there, and a `replace`.
    pub(super) async fn pin(&self, review: &mut Review, deadline: &dyn Deadline) -> Reply {
        let mut reply = Reply::allowed();
        if !stores(review) {
            return reply;
        }
        let Ok((new, _)) = self.images(review) else { return reply };
        for image in new {
            let Ok(reference) = Reference::parse(&image.image) else { continue };
            // Whoever creates a pod names registries: none is asked of which no policy speaks.
            if reference.digest().is_some() || !self.decider.speaks_of(&reference, review.namespace.as_deref()) {
                continue;
            }
            let Ok((digest, _)) = self.decider.digest(&reference, deadline).await else { continue };
            reply.patch.extend(replaced(&image.pointer, &image.image, &format!("{}@{digest}", image.image)));
        }
        reply
    }
}

/// Replaces a value, if it is what is thought (RFC 6902).
fn replaced(pointer: &str, old: &str, new: &str) -> [Value; 2] {
    [json!({ "op": "test", "path": pointer, "value": old }), json!({ "op": "replace", "path": pointer, "value": new })]
}
