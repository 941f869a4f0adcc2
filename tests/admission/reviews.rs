//! What becomes of an object, and in which words.

use crate::world::{Cluster, DAY, Odd, created, named, pod, run, updated, usual};
use attest::model::code;
use attest::webhook::{Known, Request, Unmatched};
use serde_json::{Value, json};
use std::sync::atomic::Ordering;

const APP: &str = "registry.example/acme/app";

#[test]
fn an_attested_image_is_admitted_and_another_is_not() {
    let cluster = Cluster::new("");
    let good = cluster.attested(APP, &cluster.key);
    let [bare, foreign] =
        [cluster.image("registry.example/acme/bare"), cluster.attested("registry.example/acme/x", &cluster.other)];
    let admitted = cluster.pod(&[&good]);
    assert!(admitted.allowed && admitted.warnings().is_empty(), "{admitted:?}");
    for bad in [&bare, &foreign] {
        let reply = cluster.pod(&[&good, bad]);
        assert!(!reply.allowed, "{reply:?}");
        let first = reply.message().lines().next().unwrap();
        assert!(
            first.contains(bad.as_str())
                && first.contains("spec.containers[1].image")
                && first.contains("policy usual"),
            "{first}"
        );
        assert!(reply.message().contains(&format!("attest verify {bad} --namespace default")), "{}", reply.message());
        assert!(!reply.message().contains(&good), "what is admitted is no reason: {}", reply.message());
        let cause = &reply.response["status"]["details"]["causes"][0];
        assert_eq!(cause["field"], "spec.containers[1].image");
        assert_eq!(reply.response["auditAnnotations"]["verdict"], "deny");
    }
    assert!(cluster.pod(&[&bare]).message().contains("no-attestation"));
    assert!(cluster.pod(&[&foreign]).message().contains("key-not-trusted"));
}

#[test]
fn nothing_in_the_metadata_of_an_object_lets_an_image_in() {
    let cluster = Cluster::new("");
    let bare = cluster.image(APP);
    for metadata in [
        json!({ "deletionTimestamp": "2026-01-01T00:00:00Z", "deletionGracePeriodSeconds": 0 }),
        json!({ "uid": "1", "annotations": { "attest/verified": "true", "kubernetes.io/config.mirror": "x" } }),
        json!({ "labels": { "admission.agent-attest.github.io/skip": "true" }, "ownerReferences": [{ "kind": "Node" }] }),
    ] {
        let mut object = pod(&[&bare]);
        object["metadata"] = metadata;
        assert!(!cluster.review(&created(&object)).allowed, "{object}");
        let mut review = created(&object);
        review["request"]["userInfo"] = json!({ "username": "system:admin", "groups": ["system:masters"] });
        assert!(!cluster.review(&review).allowed);
    }
}

#[test]
fn what_runs_already_passes_without_a_question_and_what_is_new_does_not() {
    let cluster = Cluster::new("");
    let (good, bare) = (cluster.attested(APP, &cluster.key), cluster.image("registry.example/acme/bare"));
    let deployment = |image: &str, replicas: usize| {
        json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "d" },
            "spec": { "replicas": replicas, "template": { "spec": { "containers": [{ "name": "c", "image": image }] } } } })
    };
    // Scaled, labelled, a finalizer taken away: with the registry gone.
    cluster.asked();
    cluster.down(true);
    let old = pod(&[&bare]);
    let mut finished = old.clone();
    finished["metadata"]["finalizers"] = json!([]);
    assert!(cluster.review(&updated(&finished, &old)).allowed);
    assert_eq!(cluster.asked(), 0);
    assert!(cluster.review(&updated(&deployment(&bare, 9), &deployment(&bare, 1))).allowed);
    cluster.down(false);
    let scaled = cluster.review(&updated(&deployment(&bare, 9), &deployment(&bare, 1)));
    assert!(scaled.allowed && scaled.warnings().contains("a new pod of it would be refused"), "{scaled:?}");
    assert!(cluster.review(&updated(&deployment(&good, 9), &deployment(&good, 1))).warnings().is_empty());
    assert!(!cluster.pod(&[&bare]).allowed);
    // Fewer replicas and another image in one change.
    assert!(!cluster.review(&updated(&deployment(&bare, 0), &deployment(&good, 1))).allowed);
    assert!(cluster.review(&updated(&deployment(&good, 0), &deployment(&bare, 1))).allowed);
    // The same image at another place is a new one there.
    let with = |list: &str, name: &str| json!({ "apiVersion": "v1", "kind": "Pod", "spec": { list: [{ "name": name, "image": bare }] } });
    assert!(cluster.review(&updated(&with("containers", "a"), &with("containers", "a"))).allowed);
    assert!(!cluster.review(&updated(&with("containers", "a"), &with("initContainers", "a"))).allowed);
    assert!(!cluster.review(&updated(&with("containers", "a"), &with("containers", "b"))).allowed);
    // Of a creation nothing is there before, whatever is said to be.
    let mut lie = created(&pod(&[&bare]));
    lie["request"]["oldObject"] = pod(&[&bare]);
    assert!(!cluster.review(&lie).allowed);
    // What is taken away is not asked about.
    let mut deleted = updated(&Value::Null, &pod(&[&bare]));
    deleted["request"]["operation"] = json!("DELETE");
    assert!(cluster.review(&deleted).allowed);
}

#[test]
fn an_exception_is_for_its_image_its_namespace_and_its_time() {
    let excepted = "  exceptions: [{ images: [{ glob: 'registry.example/acme/old' }], namespaces: ['def*'], until: '2030-03-18T00:00:00Z', approvedBy: 'bob', reason: 'moves in May' }]\n";
    let cluster = Cluster::new(excepted);
    let [old, bare] = ["registry.example/acme/old", "registry.example/acme/bare"].map(|n| cluster.image(n));
    let reply = cluster.pod(&[&old]);
    assert!(reply.allowed && reply.warnings().contains("by bob: moves in May"), "{reply:?}");
    assert_eq!(reply.response["auditAnnotations"]["verdict"], "allow-with-warning");
    let both = cluster.pod(&[&old, &bare]);
    assert!(!both.allowed && !both.message().contains("acme/old"), "{both:?}");
    let mut elsewhere = created(&pod(&[&old]));
    elsewhere["request"]["namespace"] = json!("prod");
    assert!(!cluster.review(&elsewhere).allowed);
    elsewhere["request"]["namespace"] = json!("");
    assert!(!cluster.review(&elsewhere).allowed, "of an exception what is not known does not count");
    cluster.pass(2 * DAY);
    assert!(!cluster.pod(&[&old]).allowed, "it has ended");
}

#[test]
fn policies_of_namespaces_and_teams_hold_each_for_itself() {
    let cluster = Cluster::new("");
    let (red, blue) = ("registry.example/acme/red", "registry.example/acme/blue");
    let [of_red, of_blue] = [cluster.attested(red, &cluster.key), cluster.attested(blue, &cluster.other)];
    cluster.learn(vec![
        named("red", "registry.example/acme/red", &cluster.key, "  namespaces: [red]\n"),
        named("blue", "registry.example/acme/*", &cluster.other, "  namespaces: ['blue', 'blue-*']\n"),
    ]);
    let run = |namespace: &str, image: &str| {
        let mut review = created(&pod(&[image]));
        review["request"]["namespace"] = json!(namespace);
        let reply = cluster.review(&review);
        (reply.allowed, reply.message().contains("no-policy-for-subject"))
    };
    assert_eq!([run("red", &of_red), run("blue", &of_blue), run("blue-2", &of_blue)], [(true, false); 3]);
    assert_eq!([run("red", &of_blue), run("green", &of_red)], [(false, true); 2]);
    assert_eq!(run("blue", &of_red), (false, false));
}

#[test]
fn a_mode_and_what_no_policy_speaks_about() {
    for (mode, warned) in [("warn", true), ("audit", false)] {
        let cluster = Cluster::new(&format!("  mode: {mode}\n"));
        let reply = cluster.pod(&[&cluster.image(APP)]);
        assert!(reply.allowed && reply.warnings().contains("no-attestation") == warned, "{reply:?}");
        let noted =
            reply.response["auditAnnotations"]["would-deny"].as_str().unwrap_or_default().contains("no-attestation");
        assert_eq!(noted, !warned);
    }
    for (unmatched, allowed, warned) in
        [(Unmatched::Deny, false, false), (Unmatched::Warn, true, true), (Unmatched::Allow, true, false)]
    {
        let cluster = Cluster::odd("", Odd { unmatched, ..Odd::default() });
        let reply = cluster.pod(&["docker.io/library/nginx:1"]);
        assert_eq!((reply.allowed, !reply.warnings().is_empty()), (allowed, warned), "{unmatched:?}: {reply:?}");
        assert_eq!(cluster.asked(), 0);
    }
    // Another policy that is laxer takes nothing away from a stricter one.
    let cluster = Cluster::new("");
    let bare = cluster.image(APP);
    cluster.learn(vec![usual(&cluster.key, ""), named("lax", "**", &cluster.other, "  mode: warn\n")]);
    assert!(!cluster.pod(&[&bare]).allowed);
}

#[test]
fn a_policy_that_cannot_be_read_denies_and_another_acts_at_once() {
    let cluster = Cluster::new("");
    let good = cluster.attested(APP, &cluster.key);
    assert!(cluster.pod(&[&good]).allowed);
    let broken = Err((code::FILE_UNREADABLE, "`policy.yaml`: is no policy".to_owned()));
    cluster.decider.learn(Known { policies: broken, roots: Vec::new() });
    let reply = cluster.pod(&[&good]);
    assert!(!reply.allowed && reply.message().contains("is no policy"), "{reply:?}");
    assert_eq!(cluster.router.watched("/readyz").status, 503);
    cluster.learn(vec![usual(&cluster.other, "")]);
    assert!(!cluster.pod(&[&good]).allowed, "what was decided by another policy does not count");
    cluster.learn(vec![usual(&cluster.key, "")]);
    assert!(cluster.pod(&[&good]).allowed);
    assert_eq!(cluster.router.watched("/readyz").status, 200);
}

#[test]
fn a_tag_is_asked_for_anew_each_time_and_pinned_by_the_other_webhook_alone() {
    let cluster = Cluster::new("");
    let (good, bare) = (cluster.attested(APP, &cluster.key), cluster.image(APP));
    assert_eq!(good, bare, "one image of one name");
    let other = cluster.image("registry.example/acme/other").replace("acme/other", "acme/app");
    let tagged = cluster.tag(&good, "v1");
    let reply = cluster.pod(&[&tagged]);
    assert!(reply.allowed && reply.warnings().contains("can move"), "{reply:?}");
    let pinned = |images: &[&str]| {
        let (status, answer) = cluster.send("/mutate", created(&pod(images)).to_string().as_bytes());
        assert_eq!((status, answer["response"]["allowed"].as_bool()), (200, Some(true)));
        let patch = answer["response"]["patch"].as_str().unwrap_or_default().to_owned();
        use base64::Engine as _;
        String::from_utf8(base64::engine::general_purpose::STANDARD.decode(patch).unwrap()).unwrap()
    };
    let digest = good.split_once('@').unwrap().1;
    assert_eq!(
        pinned(&[
            &good,
            &tagged,
            "registry.example/acme/app:none",
            "no//name",
            "registry.example/acme/app@sha256:aaaa"
        ]),
        format!(
            r#"[{{"op":"test","path":"/spec/containers/1/image","value":"{tagged}"}},{{"op":"replace","path":"/spec/containers/1/image","value":"{tagged}@{digest}"}}]"#
        )
    );
    assert_eq!(pinned(&[&good]), "");
    // No registry is asked of which no policy speaks.
    cluster.asked();
    assert_eq!((pinned(&["registry.other/x:v1"]), cluster.asked()), (String::new(), 0));
    // The tag is moved to an image that is not attested: the next review sees it.
    cluster.tag(&other, "v1");
    assert!(!cluster.pod(&[&tagged]).allowed);
    assert!(cluster.pod(&[&good]).allowed);
    cluster.down(true);
    let gone = cluster.pod(&[&tagged]);
    assert!(!gone.allowed && gone.message().contains("registry-unavailable"), "{gone:?}");
}

#[test]
fn what_is_no_review_is_answered_and_admits_nothing() {
    let cluster = Cluster::new("");
    let send = |body: &[u8]| cluster.send("/validate", body);
    let good = created(&pod(&["registry.example/acme/app:v1"])).to_string();
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(10_000), "]".repeat(10_000));
    let v1beta1 = good.replace("admission.k8s.io/v1", "admission.k8s.io/v1beta1");
    let twice = good.replacen("\"uid\":\"0b4c\"", "\"uid\":\"0b4c\",\"uid\":\"0b4d\"", 1);
    for bad in [
        b"".as_slice(),
        b"null",
        b"{}",
        b"[]",
        b"\xff\xfe",
        deep.as_bytes(),
        twice.as_bytes(),
        &good.as_bytes()[..good.len() - 9],
    ] {
        assert_eq!(send(bad).0, 400, "{:?}", String::from_utf8_lossy(&bad[..bad.len().min(80)]));
    }
    assert_eq!(
        send(
            json!({ "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": null })
                .to_string()
                .as_bytes()
        )
        .0,
        400
    );
    // What has an id is denied by it.
    for (bad, word) in [
        (v1beta1, "review-malformed"),
        (good.replace("\"operation\":\"CREATE\",", ""), "review-malformed"),
        (
            good.replace("\"kind\":\"Pod\",\"version\"", "\"kind\":\"Engine\",\"version\"")
                .replace("\"version\":\"v1\",\"kind\":\"Pod\"", "\"version\":\"v1\",\"kind\":\"Engine\""),
            "kind-unknown",
        ),
        (good.replace("\"containers\":[", "\"containers\":[7,"), "object-malformed"),
    ] {
        let (status, answer) = send(bad.as_bytes());
        assert_eq!(
            (status, answer["response"]["allowed"].as_bool(), answer["response"]["uid"].as_str()),
            (200, Some(false), Some("0b4c")),
            "{bad}"
        );
        assert!(answer.to_string().contains(word), "{answer}");
    }
    let mut none = created(&pod(&[]));
    none["request"]["object"] = Value::Null;
    assert!(!cluster.review(&none).allowed);
    for image in [
        "registry.example/acme/app@sha256:aaaa",
        "r\u{e9}gistry.example/acme/app:v1",
        "",
        " registry.example/acme/app",
        "registry.example/ACME/app:v1",
        "a:b:c",
    ] {
        let reply = cluster.pod(&["registry.example/acme/app:v1", image]);
        assert!(!reply.allowed, "{image}");
        assert!(image.is_empty() || reply.message().contains("image-name-invalid"), "{image}: {}", reply.message());
    }
    let many: Vec<_> = (0..10_000).map(|n| format!("registry.example/acme/i{n}:v1")).collect();
    let many: Vec<_> = many.iter().map(String::as_str).collect();
    let reply = cluster.pod(&many);
    assert!(!reply.allowed && reply.message().contains("limit-exceeded"), "{}", reply.message());
    let head = |method: &str, path: &str, media: &str| {
        let request = Request {
            method: method.into(),
            path: path.into(),
            content_type: media.into(),
            body: good.clone().into_bytes().into(),
            ..Request::default()
        };
        run(cluster.router.answer(request)).status
    };
    assert_eq!(head("POST", "/validate", "text/plain"), 415);
    assert_eq!(head("GET", "/validate", "application/json"), 405);
    assert_eq!(head("POST", "/", "application/json"), 404);
    assert_eq!(head("POST", "/validate", "application/json; charset=utf-8"), 200);
}

#[test]
fn an_operation_that_is_not_known_may_store_something() {
    let cluster = Cluster::new("");
    let reviewed = |operation: &str| {
        let mut odd = created(&pod(&["registry.example/acme/app:v1"]));
        odd["request"]["operation"] = json!(operation);
        cluster.review(&odd).allowed
    };
    assert_eq!(["create", "PATCH", "", "DELETE", "CONNECT"].map(reviewed), [false, false, false, true, true]);
}

#[test]
fn a_defect_is_that_requests_denial() {
    let cluster = Cluster::new("");
    let good = cluster.attested(APP, &cluster.key);
    cluster.weather.panics.store(true, Ordering::SeqCst);
    let reply = cluster.pod(&[&good]);
    assert!(!reply.allowed && reply.message().contains("internal"), "{reply:?}");
    cluster.weather.panics.store(false, Ordering::SeqCst);
    assert!(cluster.pod(&[&good]).allowed);
}

#[test]
fn an_answer_keeps_to_what_an_api_server_takes() {
    let cluster = Cluster::new("");
    let images: Vec<_> = (0..300).map(|n| format!("registry.example/acme/{}{n}:v1", "long".repeat(20))).collect();
    let images: Vec<_> = images.iter().map(String::as_str).collect();
    let denied = cluster.pod(&images);
    assert!(denied.message().len() <= 4096 && denied.message().contains("more lines"), "{}", denied.message().len());
    assert!(denied.response["status"]["details"]["causes"].as_array().unwrap().len() <= 20);
    let cluster = Cluster::new("  mode: warn\n");
    let warned = cluster.pod(&images);
    let all = warned.response["warnings"].as_array().unwrap();
    let chars: Vec<_> = all.iter().map(|w| w.as_str().unwrap().chars().count()).collect();
    assert!(warned.allowed && chars.iter().sum::<usize>() <= 4096 && chars.iter().all(|c| *c <= 256), "{chars:?}");
    assert!(all.last().unwrap().as_str().unwrap().contains("more warnings"));
}

#[test]
fn a_name_that_is_none_is_shown_short_and_on_one_line() {
    let cluster = Cluster::new("");
    let long = format!("registry.example/acme/app\u{1b}[2J\u{202e}\nforged: line {}", "x".repeat(9000));
    let reply = cluster.pod(&[&long]);
    let (message, told) = (reply.message(), format!("{:?}", cluster.journal.lock().unwrap()));
    assert!(!reply.allowed && message.contains("image-name-invalid") && message.len() < 2000, "{message}");
    assert!(
        !message.contains(['\u{1b}', '\u{202e}']) && !message.lines().any(|l| l.starts_with("forged")),
        "{message}"
    );
    assert!(told.len() < 4000, "{}", told.len());
}

#[test]
fn metrics_have_no_series_of_what_others_name() {
    let cluster = Cluster::new("");
    let text = || String::from_utf8(cluster.router.watched("/metrics").body).unwrap();
    let series = |text: &str| text.lines().filter(|l| !l.starts_with('#')).count();
    cluster.pod(&["registry.example/acme/app:v1"]);
    let before = series(&text());
    for n in 0..20 {
        let many: Vec<_> = (0..500).map(|i| format!("registry.example/acme/i{n}-{i}:v1")).collect();
        let many: Vec<_> = many.iter().map(String::as_str).collect();
        let mut review = created(&pod(&many));
        review["request"]["namespace"] = json!(format!("ns-{n}"));
        cluster.review(&review);
    }
    let after = text();
    assert_eq!(series(&after), before);
    assert!(after.contains("attest_admission_reviews_total{ended=\"Deny\",operation=\"Create\"} 21\n"), "{after}");
    assert!(after.ends_with("# EOF\n"));
}

#[test]
fn each_decision_is_told_and_recorded_without_the_object() {
    let cluster = Cluster::new("");
    let (good, bare) = (cluster.attested(APP, &cluster.key), cluster.image("registry.example/acme/bare"));
    let mut object = pod(&[&good, &bare, &good]);
    object["metadata"]["annotations"] = json!({ "note": "a-secret-of-somebody" });
    object["spec"]["containers"][0]["env"] = json!([{ "name": "TOKEN", "value": "a-secret-of-somebody" }]);
    cluster.review(&created(&object));
    let records = cluster.records.lock().unwrap().clone();
    let short: Vec<_> =
        records.iter().map(|r| (r["subject"].as_str().unwrap(), r["verdict"].as_str().unwrap())).collect();
    // The good one is acceptable, and was not admitted.
    assert_eq!(short, [(APP, "deny"), ("registry.example/acme/bare", "deny")]);
    assert_eq!((records[0].get("code"), records[0]["policy"].as_str()), (None, Some("usual")));
    assert_eq!(
        (&records[1]["code"], &records[1]["requested_by"], &records[1]["namespace"]),
        (&json!("no-attestation"), &json!("alice"), &json!("default"))
    );
    assert_eq!(records[0]["digest"], good.split_once('@').unwrap().1);
    let told = format!("{:?} {records:?}", cluster.journal.lock().unwrap());
    assert!(told.contains("no-attestation") && !told.contains("a-secret"), "{told}");
    // Nothing was stored by a dry run, so nothing happened.
    let mut dry = created(&object);
    dry["request"]["dryRun"] = json!(true);
    cluster.review(&dry);
    assert_eq!(cluster.records.lock().unwrap().len(), 2);
}
