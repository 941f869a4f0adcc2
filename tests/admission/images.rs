#![expect(clippy::disallowed_methods, reason = "reads reviews that lie beside the checkout")]
//! Which images an object runs.

use attest::webhook::Bearers;
use serde_json::{Map, Value, json};
use std::path::Path;

fn found(group: &str, kind: &str, object: &Value) -> Vec<(String, String)> {
    let images = Bearers::default().images(group, kind, object).unwrap();
    images.into_iter().map(|i| (i.field(), i.image)).collect()
}

/// Kinds, and where their pod specification is.
const KINDS: [(&str, &str, &str); 9] = [
    ("", "Pod", "/spec"),
    ("", "ReplicationController", "/spec/template/spec"),
    ("", "PodTemplate", "/template/spec"),
    ("apps", "Deployment", "/spec/template/spec"),
    ("apps", "ReplicaSet", "/spec/template/spec"),
    ("apps", "StatefulSet", "/spec/template/spec"),
    ("apps", "DaemonSet", "/spec/template/spec"),
    ("batch", "Job", "/spec/template/spec"),
    ("batch", "CronJob", "/spec/jobTemplate/spec/template/spec"),
];

fn at(pointer: &str, spec: &Value) -> Value {
    pointer.rsplit('/').filter(|p| !p.is_empty()).fold(spec.clone(), |inner, part| json!({ part: inner }))
}

#[test]
fn of_every_kind_every_place_of_an_image_is_found() {
    let spec = json!({
        "containers": [{ "name": "a", "image": "one" }, { "name": "b" }],
        "initContainers": [{ "name": "i", "image": "two", "restartPolicy": "Always" }],
        "ephemeralContainers": [{ "name": "e", "image": "three", "targetContainerName": "a" }],
        "volumes": [{ "name": "v", "emptyDir": {} }, { "name": "w", "image": { "reference": "four", "pullPolicy": "Never" } }],
        "newField": { "image": "no image of a container" },
    });
    for (group, kind, pointer) in KINDS {
        let field = pointer[1..].replace('/', ".");
        let expected = [
            (format!("{field}.containers[0].image"), "one".to_owned()),
            (format!("{field}.initContainers[0].image"), "two".to_owned()),
            (format!("{field}.ephemeralContainers[0].image"), "three".to_owned()),
            (format!("{field}.volumes[1].image.reference"), "four".to_owned()),
        ];
        assert_eq!(found(group, kind, &at(pointer, &spec)), expected, "{kind}");
    }
    assert_eq!(found("autoscaling", "Scale", &json!({ "spec": { "replicas": 3 } })), []);
    for (group, kind) in [("", "Service"), ("apps", "Pod"), ("example.com", "Deployment")] {
        let e = Bearers::default().images(group, kind, &at("/spec", &spec)).unwrap_err();
        assert_eq!(e.code.as_str(), "kind-unknown", "{group} {kind}");
    }
}

#[test]
fn what_stands_where_an_image_belongs_and_is_none_is_an_error() {
    for spec in [
        json!({ "containers": {} }),
        json!({ "containers": ["one"] }),
        json!({ "containers": [{ "image": 7 }] }),
        json!({ "containers": [{ "image": { "x": 1 } }] }),
        json!({ "initContainers": "one" }),
        json!({ "volumes": [{ "image": "one" }] }),
        json!({ "volumes": [{ "image": { "reference": ["one"] } }] }),
        json!([]),
    ] {
        let e = Bearers::default().images("", "Pod", &json!({ "spec": spec })).unwrap_err();
        assert_eq!(e.code.as_str(), "object-malformed", "{spec}");
    }
}

#[test]
fn a_custom_kind_has_its_images_where_it_is_said() {
    let said = [
        "example.com/Engine=/spec/image",
        "example.com/Engine=/spec/sidecars/*/image",
        "example.com/Fleet=/spec/byName/*/image",
    ];
    let bearers = Bearers::with(&said.map(str::to_owned)).unwrap();
    let images = |kind: &str, object: Value| {
        let found = bearers.images("example.com", kind, &object)?;
        Ok::<_, attest::webhook::ImagesError>(
            found.into_iter().map(|i| (i.field(), i.pointer, i.image)).collect::<Vec<_>>(),
        )
    };
    let engine = json!({ "spec": { "image": "one", "sidecars": [{ "image": "two" }, {}] } });
    let own = |a: &str, b: &str, c: &str| (a.to_owned(), b.to_owned(), c.to_owned());
    assert_eq!(
        images("Engine", engine).unwrap(),
        [own("spec.image", "/spec/image", "one"), own("spec.sidecars[0].image", "/spec/sidecars/0/image", "two")]
    );
    let fleet = json!({ "spec": { "byName": { "a/b": { "image": "x" }, "c": { "image": "y" } } } });
    assert_eq!(
        images("Fleet", fleet).unwrap(),
        [
            own("spec.byName.a/b.image", "/spec/byName/a~1b/image", "x"),
            own("spec.byName.c.image", "/spec/byName/c/image", "y")
        ]
    );
    assert!(images("Engine", json!({ "spec": { "image": ["one"] } })).is_err());
    for wrong in [
        "Engine=/spec/image",
        "example.com/Engine",
        "example.com/Engine=spec/image",
        "example.com/=/x",
        "apps/Deployment=/x",
        "example.com/E=/x/",
    ] {
        assert!(Bearers::with(&[wrong.to_owned()]).is_err(), "{wrong}");
    }
}

/// Random objects of a seed: the same every time.
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }

    fn containers(&mut self, n: &mut usize) -> Value {
        let count = self.below(4);
        let one = |_| {
            let mut container = Map::new();
            container.insert("name".into(), json!(format!("c{}", self.below(9))));
            if self.below(5) > 0 {
                *n += 1;
                container.insert("image".into(), json!(format!("registry.example/i{n}")));
            }
            container.insert("env".into(), json!([{ "name": "image", "value": "registry.example/no" }]));
            Value::Object(container)
        };
        Value::Array((0..count).map(one).collect())
    }

    fn spec(&mut self, n: &mut usize) -> Value {
        let mut spec = Map::new();
        for list in ["containers", "initContainers", "ephemeralContainers"] {
            match self.below(4) {
                0 => {}
                1 => drop(spec.insert(list.into(), Value::Null)),
                _ => drop(spec.insert(list.into(), self.containers(n))),
            }
        }
        let volumes: Vec<_> = (0..self.below(4))
            .map(|i| match self.below(3) {
                0 => {
                    *n += 1;
                    json!({ "name": format!("v{i}"), "image": { "reference": format!("registry.example/i{n}") } })
                }
                1 => json!({ "name": format!("v{i}"), "configMap": { "name": "image" } }),
                _ => json!({ "name": format!("v{i}"), "image": null }),
            })
            .collect();
        spec.insert("volumes".into(), Value::Array(volumes));
        Value::Object(spec)
    }
}

/// Another walk: every text under the name `image` of a member of a list of containers, and `reference` below `image` of one of
/// `volumes`, wherever in the object it is.
fn walked(value: &Value, parent: &str, out: &mut Vec<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| walked(item, parent, out)),
        Value::Object(members) => {
            for (name, member) in members {
                match (parent, name.as_str(), member) {
                    ("containers" | "initContainers" | "ephemeralContainers", "image", Value::String(image)) => {
                        out.push(image.clone())
                    }
                    ("volumes", "image", Value::Object(source)) => {
                        out.extend(source.get("reference").and_then(Value::as_str).map(str::to_owned));
                    }
                    _ => walked(member, name, out),
                }
            }
        }
        _ => {}
    }
}

#[test]
fn another_walk_over_random_objects_finds_the_same() {
    let mut random = Random(7);
    for round in 0..2000 {
        let (group, kind, pointer) = KINDS[random.below(9) as usize];
        let mut n = round * 100;
        let object = at(pointer, &random.spec(&mut n));
        let mut expected = Vec::new();
        walked(&object, "", &mut expected);
        let mut images: Vec<_> = found(group, kind, &object).into_iter().map(|(_, image)| image).collect();
        expected.sort();
        images.sort();
        assert_eq!(images, expected, "{object}");
    }
}

#[test]
#[expect(clippy::print_stderr, reason = "a test that tried nothing says so")]
fn reviews_of_real_api_servers_are_read() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/vectors/admission");
    let expected = [
        ("admissionreview-1.20-pod-create.json", 3),
        ("admissionreview-1.36-pod-create-dryrun.json", 2),
        ("admissionreview-1.36-pod-create-imagevolume.json", 2),
        ("admissionreview-1.36-pod-ephemeralcontainers-update.json", 3),
    ];
    for (name, count) in expected {
        let Ok(bytes) = std::fs::read(folder.join(name)) else {
            eprintln!("skipped: {name} is not here");
            continue;
        };
        let review = attest::webhook::Review::read(&bytes).unwrap();
        let images = Bearers::default().images(&review.kind.0, &review.kind.1, &review.object).unwrap();
        assert_eq!(images.len(), count, "{name}: {images:?}");
        assert!(!review.uid.is_empty() && review.namespace.as_deref() == Some("default"), "{name}");
    }
}
