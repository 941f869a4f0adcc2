//! Registries that are gone, and what is remembered of them.

use crate::world::{Cluster, DAY, created, named, pod, run, usual};
use attest::webhook::Request;
use std::sync::atomic::Ordering;

const APP: &str = "registry.example/acme/app";

#[test]
fn a_known_image_is_admitted_until_its_evidence_is_too_old() {
    let cluster = Cluster::new("");
    let good = cluster.attested(APP, &cluster.key);
    assert!(cluster.pod(&[&good]).allowed);
    cluster.down(true);
    for _ in 0..3 {
        cluster.pass(DAY / 4);
        assert!(cluster.pod(&[&good]).allowed);
    }
    cluster.pass(DAY / 4 + 1);
    let late = cluster.pod(&[&good]);
    assert!(!late.allowed && late.message().contains("registry-unavailable"), "{late:?}");
    cluster.down(false);
    assert!(cluster.pod(&[&good]).allowed, "what could not be found out is not remembered");
}

#[test]
fn other_policies_are_asked_without_the_registry() {
    let cluster = Cluster::new("");
    let good = cluster.attested(APP, &cluster.key);
    assert!(cluster.pod(&[&good]).allowed);
    cluster.down(true);
    cluster.learn(vec![usual(&cluster.key, "  mode: enforce\n")]);
    assert!(cluster.pod(&[&good]).allowed);
}

#[test]
fn a_registry_that_is_never_asked_is_no_outage() {
    let cluster = Cluster::new("  onUnavailable: warn\n");
    let good = cluster.attested(APP, &cluster.key);
    cluster.weather.barred.store(true, Ordering::SeqCst);
    assert!(!cluster.pod(&[&good]).allowed);
    assert!(!cluster.pod(&["registry.example/acme/app:v1"]).allowed);
    cluster.weather.barred.store(false, Ordering::SeqCst);
    cluster.pass(11);
    assert!(cluster.pod(&[&good]).allowed);
}

#[test]
fn an_exception_is_told_in_an_outage_too() {
    let excepted = "  exceptions: [{ images: [{ glob: 'registry.example/acme/**' }], until: '2031-01-01T00:00:00Z', approvedBy: 'bob', reason: 'moves' }]\n";
    let cluster = Cluster::new(excepted);
    cluster.down(true);
    let reply = cluster.pod(&["registry.example/acme/app:v1"]);
    assert!(
        reply.allowed
            && reply.warnings().contains("by bob: moves (")
            && reply.warnings().contains("registry-unavailable"),
        "{reply:?}"
    );
}

#[test]
fn an_unknown_image_is_as_the_policy_says() {
    for (choice, status, allowed) in [("deny", 200, false), ("defer", 503, false), ("warn", 200, true)] {
        let cluster = Cluster::new(&format!("  onUnavailable: {choice}\n"));
        let (good, bare) = (cluster.attested(APP, &cluster.key), cluster.image("registry.example/acme/bare"));
        cluster.down(true);
        let reply = cluster.pod(&[&good]);
        assert_eq!((reply.status, reply.allowed), (status, allowed), "{choice}: {reply:?}");
        assert_eq!(reply.warnings().contains("registry-unavailable"), allowed);
        cluster.down(false);
        assert!(cluster.pod(&[&good]).allowed);
        // A tag that is not there is no outage: it could be pushed after the pod was admitted.
        let missing = cluster.pod(&["registry.example/acme/app:notyet"]);
        assert!(!missing.allowed && missing.status == 200, "{choice}: {missing:?}");
        // A no is a no, whatever an outage means.
        assert!(!cluster.pod(&[&bare]).allowed, "{choice}");
        assert_eq!(cluster.pod(&[&bare]).status, 200);
    }
}

#[test]
fn a_no_rests_on_no_old_listing() {
    let cluster = Cluster::new("");
    let image = cluster.image(APP);
    assert!(!cluster.pod(&[&image]).allowed);
    cluster.attest(&image, &cluster.key);
    cluster.pass(11);
    assert!(cluster.pod(&[&image]).allowed, "the attestation that came since counts");
    // And the other way around: a yes stands while what it rests on is remembered.
    let asked = cluster.asked();
    cluster.pass(59);
    assert!(cluster.pod(&[&image]).allowed && asked > 0);
    assert_eq!(cluster.asked(), 0);
}

#[test]
fn a_thousand_pods_of_one_image_are_one_decision_and_one_fetch() {
    let cluster = Cluster::new("");
    let good = cluster.attested(APP, &cluster.key);
    let body = created(&pod(&[good.as_str(); 8])).to_string().into_bytes();
    let request = || Request {
        method: "POST".into(),
        path: "/validate".into(),
        query: "timeout=10s".into(),
        content_type: "application/json".into(),
        body: body.clone().into(),
    };
    cluster.asked();
    run(async {
        let all = (0..1000).map(|_| cluster.router.answer(request()));
        let answers = futures_util::future::join_all(all).await;
        assert!(answers.iter().all(|a| String::from_utf8_lossy(&a.body).contains("\"allowed\":true")));
    });
    assert_eq!(cluster.decider.looked(), 1);
    // The listing, the old tag, the referrer's manifest and its bundle.
    assert_eq!(cluster.weather.asked.load(Ordering::SeqCst), 4);
}

#[test]
fn no_more_images_are_decided_on_at_a_time_than_there_is_room_for() {
    let cluster = Cluster::new("");
    let good = cluster.attested(APP, &cluster.key);
    assert!(cluster.pod(&[&good]).allowed);
    cluster.learn(vec![usual(&cluster.key, ""), named("others", "*.example/**", &cluster.key, "")]);
    // No decision of the last minute is remembered, and the evidence is.
    cluster.pass(300);
    cluster.weather.slow.store(true, Ordering::SeqCst);
    let review = |images: &[String]| {
        let images: Vec<_> = images.iter().map(String::as_str).collect();
        Request {
            method: "POST".into(),
            path: "/validate".into(),
            query: "timeout=2s".into(),
            content_type: "application/json".into(),
            body: created(&pod(&images)).to_string().into_bytes().into(),
        }
    };
    // Of so many registries that none of them has more than its part.
    let pinned = |n: usize| format!("r{}.example/acme/i{n}@sha256:{:064x}", n % 40, n + 1);
    let mut reviews: Vec<_> =
        (0..400).map(|round| review(&(0..20).map(|n| pinned(round * 20 + n)).collect::<Vec<_>>())).collect();
    reviews.push(review(&[good]));
    run(async {
        let answers = futures_util::future::join_all(reviews.into_iter().map(|r| cluster.router.answer(r))).await;
        let mut texts: Vec<_> = answers.iter().map(|a| String::from_utf8_lossy(&a.body).into_owned()).collect();
        let last = texts.pop().unwrap();
        assert!(texts.iter().all(|t| t.contains("\"allowed\":false")));
        assert!(texts.iter().any(|t| t.contains("limit-exceeded: too many images are being decided on")));
        // What is remembered is answered all the same.
        assert!(last.contains("\"allowed\":true"), "{last}");
    });
}

#[test]
fn a_registry_that_hangs_keeps_no_image_of_another_out() {
    let cluster = Cluster::new("");
    let good = cluster.attested(APP, &cluster.key);
    let hanging: Vec<_> = (0..400).map(|n| format!("hangs.example/i{n}@sha256:{:064x}", n + 1)).collect();
    cluster.learn(vec![usual(&cluster.key, ""), named("hangs", "hangs.example/**", &cluster.key, "")]);
    cluster.weather.slow.store(true, Ordering::SeqCst);
    let ask = |n: usize| {
        let images: Vec<_> = hanging.iter().map(String::as_str).cycle().skip(n * 8).take(8).collect();
        let mut review = created(&pod(&images));
        review["request"]["namespace"] = serde_json::json!(format!("n{n}"));
        Request {
            method: "POST".into(),
            path: "/validate".into(),
            query: "timeout=1s".into(),
            content_type: "application/json".into(),
            body: review.to_string().into_bytes().into(),
        }
    };
    run(async {
        let flood = futures_util::future::join_all((0..300).map(|n| cluster.router.answer(ask(n))));
        let texts: Vec<_> = flood.await.iter().map(|a| String::from_utf8_lossy(&a.body).into_owned()).collect();
        assert!(texts.iter().any(|t| t.contains("limit-exceeded")), "{}", texts[0]);
        cluster.weather.slow.store(false, Ordering::SeqCst);
        let body = created(&pod(&[&good])).to_string().into_bytes().into();
        let answer = cluster.router.answer(Request { body, ..ask(0) }).await;
        assert!(!String::from_utf8_lossy(&answer.body).contains("limit-exceeded"));
    });
}
