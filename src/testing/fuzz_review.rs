//! The reader of what an API server asks, and of the images in it.

use crate::webhook::{Bearers, Review, items};
use serde_json::json;

pub(super) fn reviews() -> Vec<Vec<u8>> {
    let pod = json!({ "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "p" }, "spec": {
        "containers": [{ "name": "c", "image": "registry.example/a:v1" }], "initContainers": null,
        "ephemeralContainers": [{ "name": "e", "image": "b" }],
        "volumes": [{ "name": "v", "image": { "reference": "registry.example/c@sha256:00" } }] },
        "status": { "containerStatuses": [{ "name": "c", "imageID": "registry.example/a@sha256:00" }] } });
    let review = json!({ "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {
        "uid": "1", "kind": { "group": "", "version": "v1", "kind": "Pod" }, "operation": "UPDATE", "namespace": "n",
        "userInfo": { "username": "u" }, "object": pod, "oldObject": pod, "dryRun": true } });
    let engine = json!({ "apiVersion": "example.com/v1", "kind": "Engine", "spec": { "parts": [{ "image": "x" }] } });
    let list = json!({ "apiVersion": "v1", "kind": "List", "items": [pod, engine] });
    vec![review.to_string().into_bytes(), list.to_string().into_bytes(), b"apiVersion: v1\nkind: Pod\n".to_vec()]
}

/// Each image that is found stands at the place that it is said to stand at.
pub(super) fn read_review(bytes: &[u8]) -> bool {
    let custom = ["example.com/Engine=/spec/parts/*/image".to_owned()];
    let bearers = Bearers::with(&custom).expect("a kind");
    if let Ok(found) = items(bytes) {
        for item in &found {
            let _ = item.images(&bearers);
        }
        return !found.is_empty();
    }
    let Ok(review) = Review::read(bytes) else { return false };
    assert!(!review.uid.is_empty(), "an answer needs an id");
    for object in [&review.object, &review.old] {
        let Ok(images) = bearers.images(&review.kind.0, &review.kind.1, object) else { continue };
        for image in images {
            let there = object.pointer(&image.pointer).and_then(serde_json::Value::as_str);
            assert_eq!(there, Some(image.image.as_str()), "an image that is not there: {}", image.field());
        }
    }
    true
}
