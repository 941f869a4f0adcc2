#![expect(clippy::disallowed_methods, reason = "measures how long answers take, and writes late on purpose")]
//! Registries that misbehave: each case beside the same one without the defect.

use attest::model::oci::{EMPTY, IMAGE_INDEX, IMAGE_MANIFEST};
use attest::model::{Descriptor, Digest, Reference};
use attest::registry::oci_http::{Anonymous, Credential, CredentialError, CredentialStore, HttpOptions};
use attest::registry::{Checked, Memory, OciHttp, Registry, RegistryError};
use attest::testing::{Access, Action, Behaviour, Conditional, Fault, TestRegistry};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};

const REPOSITORY: &str = "demo/app";
const SECRET: &str = "correct-horse-battery";

struct Fixed(fn() -> Credential);

impl CredentialStore for Fixed {
    fn get(&self, _: &str, _: &str) -> Result<Option<Credential>, CredentialError> {
        Ok(Some((self.0)()))
    }
}

fn right() -> Credential {
    Credential::Basic { username: "user".into(), password: SECRET.to_owned().into() }
}

fn wrong() -> Credential {
    Credential::Basic { username: "user".into(), password: "guess".to_owned().into() }
}

fn identity() -> Credential {
    Credential::Identity("refresh-me".to_owned().into())
}

fn bearer(private: bool) -> Behaviour {
    let (username, password, identity) = ("user".into(), SECRET.into(), "refresh-me".into());
    Behaviour { access: Access::Bearer { username, password, identity, private, realm: None }, ..Behaviour::default() }
}

fn basic() -> Behaviour {
    Behaviour { access: Access::Basic { username: "user".into(), password: SECRET.into() }, ..Behaviour::default() }
}

/// A registry with an image `v1`, one referrer of it, and a blob.
struct World {
    server: TestRegistry,
    subject: Descriptor,
    evidence: Descriptor,
    blob: Digest,
}

fn manifest(subject: Option<&Descriptor>, seed: usize) -> (Descriptor, Vec<u8>) {
    let mut value = json!({
        "schemaVersion": 2, "mediaType": IMAGE_MANIFEST, "artifactType": "application/vnd.example",
        "config": Descriptor::of(EMPTY, b"{}").to_json(), "layers": [], "annotations": { "seed": seed.to_string() },
    });
    if let Some(subject) = subject {
        value["subject"] = subject.to_json();
    }
    let bytes = value.to_string().into_bytes();
    (Descriptor::of(IMAGE_MANIFEST, &bytes), bytes)
}

fn fallback(subject: &Descriptor) -> String {
    format!("sha256-{}", subject.digest.hex())
}

impl World {
    fn start(behaviour: Behaviour) -> Self {
        let server = TestRegistry::start(behaviour.clone());
        let (_, bytes) = manifest(None, 0);
        let subject = server.put_manifest(REPOSITORY, Some("v1"), IMAGE_MANIFEST, &bytes);
        let (_, bytes) = manifest(Some(&subject), 1);
        let evidence = server.put_manifest(REPOSITORY, None, IMAGE_MANIFEST, &bytes);
        if !behaviour.referrers_api {
            let index = json!({ "schemaVersion": 2, "mediaType": IMAGE_INDEX, "manifests": [evidence.to_json()] });
            server.put_manifest(REPOSITORY, Some(&fallback(&subject)), IMAGE_INDEX, index.to_string().as_bytes());
        }
        let blob = server.put_blob(REPOSITORY, b"a blob");
        Self { server, subject, evidence, blob }
    }

    fn client_with(&self, change: impl FnOnce(&mut HttpOptions)) -> OciHttp {
        let mut options = HttpOptions::new(Arc::new(Anonymous));
        options.locks = None;
        change(&mut options);
        OciHttp::new(&Reference::parse(&self.server.name(REPOSITORY)).unwrap(), options).unwrap()
    }

    fn client(&self) -> OciHttp {
        self.client_with(|_| {})
    }

    fn client_as(&self, credential: fn() -> Credential) -> OciHttp {
        self.client_with(|o| o.credentials = Arc::new(Fixed(credential)))
    }

    /// Digests listed by the fallback index.
    fn listed(&self) -> Vec<String> {
        let Some(digest) = self.server.tagged(REPOSITORY, &fallback(&self.subject)) else { return Vec::new() };
        let index: Value = serde_json::from_slice(&self.server.manifest(REPOSITORY, &digest).unwrap()).unwrap();
        index["manifests"].as_array().unwrap().iter().map(|e| e["digest"].as_str().unwrap().to_owned()).collect()
    }
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

fn code<T: std::fmt::Debug>(result: Result<T, RegistryError>) -> &'static str {
    result.unwrap_err().code().as_str()
}

#[derive(Clone, Copy, Debug)]
enum Ask {
    Resolve,
    Manifest,
    Blob,
    Referrers,
}

/// Asks, and says how often the right answer came: once, or not at all.
async fn ask(world: &World, client: &OciHttp, what: Ask) -> Result<usize, RegistryError> {
    let checked = Checked::new(client);
    Ok(match what {
        Ask::Resolve => usize::from(checked.resolve("v1").await?.is_some_and(|d| d.digest == world.subject.digest)),
        Ask::Manifest => usize::from(checked.manifest(&world.evidence.digest).await?.is_some()),
        Ask::Blob => usize::from(checked.blob(&world.blob, 1 << 20).await?.is_some()),
        Ask::Referrers => {
            let list = checked.referrers(&world.subject.digest).await?;
            list.iter().filter(|d| d.digest == world.evidence.digest).count()
        }
    })
}

fn refuses(behaviour: Behaviour, what: Ask, fault: Fault, expected: &str) {
    let world = World::start(behaviour);
    run(async {
        let client = world.client_with(|o| o.timeout = Duration::from_secs(8));
        assert_eq!(ask(&world, &client, what).await.unwrap(), 1, "{what:?} without {fault:?}");
        world.server.fault(fault.clone());
        let error = ask(&world, &client, what).await.expect_err(&format!("{what:?} with {:?}", fault.path));
        assert_eq!(error.code().as_str(), expected, "{error}");
        world.server.heal();
        assert_eq!(ask(&world, &client, what).await.unwrap(), 1, "{what:?} after {:?}", fault.path);
    });
}

#[test]
fn a_refusal_or_failure_of_the_referrers_api_is_never_an_empty_list() {
    let garbage = || Action::body(IMAGE_INDEX, "no json");
    for (action, expected) in [
        (Action::status(401), "registry-unauthorized"),
        (Action::status(403), "registry-unauthorized"),
        (Action::rate_limit("0"), "rate-limited"),
        (Action::status(500), "registry-unavailable"),
        (Action::status(418), "registry-refused"),
        (garbage(), "registry-malformed"),
        (Action::body("text/html", "<html></html>"), "registry-malformed"),
        (Action::body(IMAGE_INDEX, "{}"), "registry-malformed"),
        (Action::body(IMAGE_INDEX, r#"{"manifests":[],"manifests":[]}"#), "registry-malformed"),
        (Action::body(IMAGE_INDEX, r#"{"manifests":[{"digest":"sha256:00"}]}"#), "registry-malformed"),
        (Action::many_referrers(10_000), "limit-exceeded"),
        (Action::deep_json(10_000), "limit-exceeded"),
        (Action::Endless, "limit-exceeded"),
    ] {
        refuses(Behaviour::default(), Ask::Referrers, Fault::on("/referrers/", action), expected);
    }
}

#[test]
fn a_refusal_or_failure_of_the_fallback_index_is_never_an_empty_list() {
    let old = || Behaviour::without_referrers_api(Conditional::None);
    for (action, expected) in [
        (Action::status(401), "registry-unauthorized"),
        (Action::status(403), "registry-unauthorized"),
        (Action::rate_limit("0"), "rate-limited"),
        (Action::status(500), "registry-unavailable"),
        (Action::body(IMAGE_INDEX, "no json"), "registry-malformed"),
        (Action::body(IMAGE_MANIFEST, r#"{"layers":[]}"#), "registry-malformed"),
        (Action::many_referrers(10_000), "limit-exceeded"),
        (Action::Endless, "limit-exceeded"),
    ] {
        refuses(old(), Ask::Referrers, Fault::on("/manifests/sha256-", action), expected);
    }
}

#[test]
fn what_is_no_api_leads_to_the_fallback_and_its_absence_is_definite() {
    let world = World::start(Behaviour::without_referrers_api(Conditional::None));
    run(async {
        for status in [400, 404, 405, 406] {
            world.server.heal();
            world.server.fault(Fault::on("/referrers/", Action::status(status)));
            let client = world.client();
            assert_eq!(ask(&world, &client, Ask::Referrers).await.unwrap(), 1, "{status}");
        }
        let (other, _) = manifest(None, 7);
        assert_eq!(world.client().referrers(&other.digest, 10).await.unwrap(), []);
    });
}

#[test]
fn an_empty_api_list_does_not_hide_the_fallback_index() {
    let world = World::start(Behaviour::without_referrers_api(Conditional::None));
    let empty = r#"{"schemaVersion":2,"manifests":[]}"#;
    world.server.fault(Fault::on("/referrers/", Action::body(IMAGE_INDEX, empty)));
    run(async { assert_eq!(ask(&world, &world.client(), Ask::Referrers).await.unwrap(), 1) });
}

#[test]
fn an_api_that_answers_no_listing_leaves_the_fallback_index_and_stays_open() {
    for action in [
        Action::body("text/html", "<html>log in</html>"),
        Action::body("application/json", ""),
        Action::body("application/json", "{}"),
        Action::redirect("/login"),
    ] {
        let world = World::start(Behaviour::without_referrers_api(Conditional::None));
        world.server.fault(Fault::on("/login", Action::body("text/html", "<html>log in</html>")));
        world.server.fault(Fault::on("/referrers/", action.clone()));
        run(async {
            let client = world.client();
            let found = Checked::new(&client).listing(&world.subject.digest).await.unwrap();
            let digests: Vec<_> = found.listed.iter().map(|d| &d.digest).collect();
            assert_eq!(digests, [&world.evidence.digest], "{action:?}");
            assert_eq!(found.unread.len(), 1, "{action:?}");
            // Where the fallback has nothing, nobody knows whether there is something.
            let other = manifest(None, 7).0.digest;
            let found = Checked::new(&client).listing(&other).await.unwrap();
            assert_eq!((found.listed.len(), found.unread.len()), (0, 1), "{action:?}");
            assert_eq!(code(client.referrers(&other, 10).await), "registry-malformed", "{action:?}");
        });
    }
}

#[test]
fn one_odd_entry_of_a_listing_hides_no_other() {
    let odd = json!({ "mediaType": IMAGE_MANIFEST, "size": 2, "digest": "blake3:00" });
    for api in [true, false] {
        let world = World::start(match api {
            true => Behaviour::default(),
            false => Behaviour::without_referrers_api(Conditional::None),
        });
        let bare = json!({ "digest": world.evidence.digest.to_string() });
        let list = json!({ "schemaVersion": 2, "mediaType": IMAGE_INDEX, "manifests": [odd, bare] }).to_string();
        if api {
            world.server.fault(Fault::on("/referrers/", Action::body(IMAGE_INDEX, list)));
        } else {
            world.server.put_manifest(REPOSITORY, Some(&fallback(&world.subject)), IMAGE_INDEX, list.as_bytes());
        }
        run(async {
            let client = world.client();
            let found = Checked::new(&client).listing(&world.subject.digest).await.unwrap();
            assert_eq!((found.listed.len(), found.unread.len()), (1, 1));
            assert_eq!(found.listed[0].digest, world.evidence.digest);
            assert!(found.unread[0].to_string().contains("blake3:00"), "{}", found.unread[0]);
        });
    }
}

#[test]
fn an_image_under_the_tag_of_the_index_is_no_index_and_is_never_replaced() {
    for (media_type, image) in [
        (IMAGE_MANIFEST, String::from_utf8(manifest(None, 3).1).unwrap()),
        (
            IMAGE_INDEX,
            json!({ "schemaVersion": 2, "mediaType": IMAGE_INDEX, "manifests": [{
                "mediaType": IMAGE_MANIFEST, "size": 2, "digest": Digest::sha256(b"x").to_string(),
                "platform": { "os": "linux", "architecture": "amd64" },
            }] })
            .to_string(),
        ),
    ] {
        // With the API that tag is anybody's.
        let world = World::start(Behaviour::default());
        let tag = fallback(&world.subject);
        world.server.put_manifest(REPOSITORY, Some(&tag), media_type, image.as_bytes());
        run(async {
            let client = world.client();
            let found = Checked::new(&client).listing(&world.subject.digest).await.unwrap();
            assert_eq!((found.listed.len(), found.unread.len(), found.aside.len()), (1, 0, 0));
            let (descriptor, bytes) = manifest(Some(&world.subject), 9);
            client.push_manifest(&descriptor, &bytes).await.unwrap();
        });
        // Without it, it stands where the list would be: said, and left alone.
        let world = World::start(Behaviour::without_referrers_api(Conditional::None));
        world.server.put_manifest(REPOSITORY, Some(&tag), media_type, image.as_bytes());
        run(async {
            let client = world.client();
            let found = Checked::new(&client).listing(&world.subject.digest).await.unwrap();
            assert_eq!((found.listed.len(), found.unread.len(), found.aside.len()), (0, 0, 1));
            assert!(found.aside[0].contains(&tag), "{}", found.aside[0]);
            let (descriptor, bytes) = manifest(Some(&world.subject), 9);
            let error = client.push_manifest(&descriptor, &bytes).await.unwrap_err();
            assert!(error.to_string().contains("--attestation-repository"), "{error}");
            assert_eq!(world.server.tagged(REPOSITORY, &tag), Some(Digest::sha256(image.as_bytes())));
        });
    }
}

#[test]
fn content_that_is_wrong_endless_or_cut_is_refused() {
    for what in [Ask::Manifest, Ask::Blob] {
        let path = if matches!(what, Ask::Blob) { "/blobs/" } else { "/manifests/" };
        for (action, expected) in [
            (Action::WrongBytes, "digest-mismatch"),
            (Action::Endless, "limit-exceeded"),
            (Action::LyingLength, "registry-unavailable"),
            (Action::Reset, "registry-unavailable"),
            (Action::status(403), "registry-unauthorized"),
            (Action::status(500), "registry-unavailable"),
        ] {
            refuses(Behaviour::default(), what, Fault::on(path, action), expected);
        }
    }
}

#[test]
fn a_refused_tag_is_not_an_absent_one() {
    for (action, expected) in [
        (Action::status(401), "registry-unauthorized"),
        (Action::status(403), "registry-unauthorized"),
        (Action::rate_limit("0"), "rate-limited"),
        (Action::status(500), "registry-unavailable"),
        (Action::Reset, "registry-unavailable"),
    ] {
        refuses(Behaviour::default(), Ask::Resolve, Fault::on("/manifests/v1", action), expected);
    }
    let world = World::start(Behaviour::default());
    run(async { assert_eq!(world.client().resolve("v2").await.unwrap(), None) });
}

#[test]
fn a_tag_is_asked_for_once() {
    let world = World::start(Behaviour::default());
    run(async {
        assert_eq!(ask(&world, &world.client(), Ask::Resolve).await.unwrap(), 1);
        assert_eq!(world.server.requests().len(), 1);
        assert_eq!(world.server.count("HEAD", "/manifests/v1"), 1);
        // Without a digest in the answer's head, its bytes decide.
        world.server.behave(|b| b.content_digest = false);
        assert_eq!(ask(&world, &world.client(), Ask::Resolve).await.unwrap(), 1);
        assert_eq!(world.server.count("GET", "/manifests/v1"), 1);
    });
}

#[test]
fn a_passing_failure_is_tried_again_and_a_lasting_one_says_how_often() {
    let world = World::start(Behaviour::default());
    run(async {
        let client = world.client();
        world.server.fault(Fault::on("/blobs/", Action::status(503)).times(2));
        assert_eq!(ask(&world, &client, Ask::Blob).await.unwrap(), 1);
        assert_eq!(world.server.count("GET", "/blobs/"), 3);
        world.server.forget_requests();
        world.server.fault(Fault::on("/blobs/", Action::status(503)));
        let error = ask(&world, &client, Ask::Blob).await.unwrap_err().to_string();
        assert!(error.ends_with("status 503: UNKNOWN as told, tried 4 times"), "{error}");
        assert_eq!(world.server.count("GET", "/blobs/"), 4);
        // What would be refused again is not asked again.
        world.server.heal();
        world.server.forget_requests();
        world.server.fault(Fault::on("/blobs/", Action::status(403)));
        assert_eq!(code(ask(&world, &client, Ask::Blob).await), "registry-unauthorized");
        assert_eq!(world.server.count("GET", "/blobs/"), 1);
    });
}

#[test]
fn retry_after_is_honoured_and_not_beyond_the_time_allowed() {
    let world = World::start(Behaviour::default());
    run(async {
        world.server.fault(Fault::on("/blobs/", Action::rate_limit("1")).times(1));
        let start = Instant::now();
        assert_eq!(ask(&world, &world.client(), Ask::Blob).await.unwrap(), 1);
        assert!(start.elapsed() >= Duration::from_secs(1));
        world.server.fault(Fault::on("/blobs/", Action::rate_limit("3600")));
        let start = Instant::now();
        let client = world.client_with(|o| o.timeout = Duration::from_secs(5));
        let error = ask(&world, &client, Ask::Blob).await.unwrap_err();
        assert_eq!(error.code().as_str(), "rate-limited");
        assert!(error.to_string().contains("wait 3600 s"), "{error}");
        assert!(start.elapsed() < Duration::from_secs(60));
    });
}

#[test]
fn a_slow_answer_ends_with_the_time_allowed() {
    let world = World::start(Behaviour::default());
    run(async {
        world.server.fault(Fault::on("/blobs/", Action::Delay(Duration::from_millis(700))));
        let patient = world.client_with(|o| o.timeout = Duration::from_secs(10));
        assert_eq!(ask(&world, &patient, Ask::Blob).await.unwrap(), 1);
        let client = world.client_with(|o| o.timeout = Duration::from_millis(200));
        assert_eq!(code(ask(&world, &client, Ask::Blob).await), "registry-unavailable");
    });
}

#[test]
fn a_registry_that_is_down_is_unavailable() {
    let world = World::start(Behaviour::default());
    let client = world.client();
    drop(world.server);
    run(async { assert_eq!(code(client.resolve("v1").await), "registry-unavailable") });
}

#[test]
fn pages_are_followed_to_the_end_and_only_on_the_same_host() {
    let world = World::start(Behaviour { page: Some(7), ..Behaviour::default() });
    for seed in 2..=50 {
        world.server.put_manifest(REPOSITORY, None, IMAGE_MANIFEST, &manifest(Some(&world.subject), seed).1);
    }
    run(async {
        assert_eq!(world.client().referrers(&world.subject.digest, 50).await.unwrap().len(), 50);
        assert_eq!(world.server.count("GET", "/referrers/"), 8);
        world.server.behave(|b| b.page = Some(0));
        assert_eq!(code(world.client().referrers(&world.subject.digest, 50).await), "limit-exceeded");
        let other = TestRegistry::start(Behaviour::default());
        let link = format!("<http://{}/v2/x>; rel=\"next\"", other.host());
        world.server.fault(Fault::on(
            "/referrers/",
            Action::Answer { status: 200, headers: vec![("link".into(), link)], body: br#"{"manifests":[]}"#.to_vec() },
        ));
        assert_eq!(code(world.client().referrers(&world.subject.digest, 50).await), "registry-malformed");
        assert_eq!(other.requests(), []);
    });
}

#[test]
fn redirects_are_followed_without_credentials_and_not_for_ever() {
    let world = World::start(basic());
    let storage = TestRegistry::start(Behaviour::default());
    storage.put_blob("cdn", b"a blob");
    run(async {
        let client = world.client_as(right);
        assert_eq!(ask(&world, &client, Ask::Blob).await.unwrap(), 1);
        let target = format!("http://{}/v2/cdn/blobs/{}", storage.host(), world.blob);
        world.server.fault(Fault::on("/blobs/", Action::redirect(target)));
        assert_eq!(ask(&world, &client, Ask::Blob).await.unwrap(), 1);
        assert!(world.server.requests().iter().any(|r| r.authorization.is_some()));
        assert_eq!(storage.requests().iter().filter(|r| r.authorization.is_some()).count(), 0);
        assert_eq!(storage.requests().len(), 1);
        world.server.heal();
        for target in [format!("/v2/{REPOSITORY}/blobs/{}", world.blob), "http://example.com/".into(), "::".into()] {
            world.server.heal();
            world.server.fault(Fault::on("/blobs/", Action::redirect(target)));
            assert_eq!(code(ask(&world, &client, Ask::Blob).await), "registry-malformed");
        }
    });
}

/// What a registry redirects to may belong to anybody, and would otherwise say who is shown the registry's password.
#[test]
fn what_is_redirected_to_names_no_token_service() {
    let world = World::start(Behaviour::default());
    let storage = TestRegistry::start(bearer(true));
    run(async {
        let client = world.client_as(right);
        assert_eq!(ask(&world, &client, Ask::Blob).await.unwrap(), 1);
        world.server.fault(Fault::on("/blobs/", Action::redirect(format!("http://{}/v2/cdn/blobs/x", storage.host()))));
        assert_eq!(code(ask(&world, &client, Ask::Blob).await), "registry-unauthorized");
        assert_eq!(storage.count("GET", "/v2/cdn/blobs/x"), 1);
        assert_eq!(storage.count("GET", "/token"), 0, "{:?}", storage.requests());
    });
}

#[test]
fn uploads_elsewhere_get_no_credentials() {
    let world = World::start(bearer(true));
    let storage = TestRegistry::start(Behaviour::default());
    run(async {
        let location = format!("http://{}/v2/cdn/blobs/uploads/1?state=x", storage.host());
        world.server.fault(Fault::on(
            "/blobs/uploads/",
            Action::Answer { status: 202, headers: vec![("location".into(), location)], body: Vec::new() },
        ));
        let bytes = b"new";
        world.client_as(right).push_blob(&Digest::sha256(bytes), bytes).await.unwrap();
        assert_eq!(storage.count("PUT", "/blobs/uploads/"), 1);
        assert!(storage.requests().iter().all(|r| r.authorization.is_none()));
        for location in ["http://example.com/x", "ftp://example.com/x", "http://"] {
            world.server.heal();
            world.server.fault(Fault::on(
                "/blobs/uploads/",
                Action::Answer { status: 202, headers: vec![("location".into(), location.into())], body: Vec::new() },
            ));
            let client = world.client_as(right);
            assert_eq!(code(client.push_blob(&Digest::sha256(b"x"), b"x").await), "registry-malformed");
        }
    });
}

#[test]
fn tokens_are_got_once_and_only_by_who_may() {
    run(async {
        let world = World::start(bearer(true));
        for who in [right, identity] {
            let client = world.client_as(who);
            world.server.forget_requests();
            for what in [Ask::Resolve, Ask::Manifest, Ask::Blob, Ask::Referrers] {
                assert_eq!(ask(&world, &client, what).await.unwrap(), 1);
            }
            let tokens = world.server.count("GET", "/token") + world.server.count("POST", "/token");
            assert_eq!(tokens, 1);
        }
        let error = ask(&world, &world.client_as(wrong), Ask::Resolve).await.unwrap_err();
        assert_eq!(error.code().as_str(), "registry-unauthorized");
        assert!(!format!("{error} {error:?}").contains("guess"));
        assert_eq!(code(ask(&world, &world.client(), Ask::Referrers).await), "registry-unauthorized");
        // Open for reading, with a token that everybody gets.
        let world = World::start(bearer(false));
        assert_eq!(ask(&world, &world.client(), Ask::Referrers).await.unwrap(), 1);
        let (d, bytes) = manifest(Some(&world.subject), 9);
        assert_eq!(code(world.client().push_manifest(&d, &bytes).await), "registry-unauthorized");
        world.client_as(right).push_manifest(&d, &bytes).await.unwrap();
    });
}

#[test]
fn basic_credentials_are_sent_when_asked_for() {
    let world = World::start(basic());
    run(async {
        assert_eq!(ask(&world, &world.client_as(right), Ask::Referrers).await.unwrap(), 1);
        assert_eq!(code(ask(&world, &world.client_as(wrong), Ask::Referrers).await), "registry-unauthorized");
        assert_eq!(code(ask(&world, &world.client(), Ask::Referrers).await), "registry-unauthorized");
        let open = World::start(Behaviour::default());
        assert_eq!(ask(&open, &open.client_as(right), Ask::Referrers).await.unwrap(), 1);
        assert!(open.server.requests().iter().all(|r| r.authorization.is_none()));
    });
}

#[test]
fn a_token_service_in_the_clear_gets_nothing() {
    let world = World::start(bearer(true));
    run(async {
        for elsewhere in ["http://example.com/token", "ftp://example.com/", "no url"] {
            world.server.behave(|b| {
                if let Access::Bearer { realm, .. } = &mut b.access {
                    *realm = Some(elsewhere.to_owned());
                }
            });
            assert_eq!(code(ask(&world, &world.client_as(right), Ask::Blob).await), "registry-malformed");
        }
    });
}

#[test]
fn a_token_service_that_misbehaves_is_told_apart() {
    let world = World::start(bearer(true));
    run(async {
        for (action, expected) in [
            (Action::status(403), "registry-unauthorized"),
            (Action::rate_limit("0"), "rate-limited"),
            (Action::status(500), "registry-unavailable"),
            (Action::body("application/json", "{}"), "registry-malformed"),
            (Action::body("application/json", r#"{"token":"a\nb"}"#), "registry-malformed"),
            (Action::Endless, "limit-exceeded"),
            (Action::redirect("/elsewhere"), "registry-malformed"),
        ] {
            world.server.heal();
            world.server.fault(Fault::on("/token", action));
            assert_eq!(code(ask(&world, &world.client_as(right), Ask::Blob).await), expected);
        }
        world.server.heal();
        assert_eq!(ask(&world, &world.client_as(right), Ask::Blob).await.unwrap(), 1);
    });
}

#[test]
fn credentials_are_never_shown() {
    let world = World::start(basic());
    run(async {
        let client = world.client_as(right);
        assert_eq!(ask(&world, &client, Ask::Blob).await.unwrap(), 1);
        let mut options = HttpOptions::new(Arc::new(Fixed(right)));
        options.ca_pem = Some(b"x".to_vec());
        let shown = format!("{client:?} {options:?} {:?}", right());
        assert!(!shown.contains(SECRET), "{shown}");
    });
}

/// Forms in which a service that was shown `secret` can say it again.
fn forms(secret: &str) -> Vec<String> {
    let percent = secret.bytes().map(|b| format!("%{b:02x}")).collect();
    let spaced = secret.chars().map(|c| format!("{c} ")).collect();
    let base64 = STANDARD.encode(secret);
    vec![secret.to_owned(), secret[1..].to_owned(), secret[..secret.len() - 1].to_owned(), base64, percent, spaced]
}

/// Asks for a blob while a path is answered so, and then with harmless words; the words of both errors.
async fn words(world: &World, client: &OciHttp, path: &str, said: &str) -> [String; 2] {
    let mut out = Vec::new();
    world.server.heal();
    if path != "/token" {
        // Only what was sent can be repeated.
        assert_eq!(ask(world, client, Ask::Blob).await.unwrap(), 1);
    }
    for message in [said, "quota of demo/app"] {
        world.server.heal();
        let body = json!({ "errors": [{ "code": "DENIED", "message": message }] }).to_string();
        world.server.fault(Fault::on(path, Action::Answer { status: 403, headers: Vec::new(), body: body.into() }));
        let error = ask(world, client, Ask::Blob).await.unwrap_err();
        assert_eq!(error.code().as_str(), "registry-unauthorized");
        out.push(format!("{error} {error:?}"));
    }
    out.try_into().unwrap()
}

#[track_caller]
fn concealed([attack, twin]: [String; 2], said: &str) {
    assert!(attack.contains("its words repeat what was sent") && !attack.contains(said), "{said}: {attack}");
    assert!(twin.contains("DENIED quota of demo/app"), "{said}: {twin}");
}

#[test]
fn what_a_registry_or_token_service_repeats_of_a_credential_is_not_shown() {
    let pair = format!("user:{SECRET}");
    let header = STANDARD.encode(&pair);
    run(async {
        for said in [forms(&header), forms(&pair), forms(SECRET)].concat() {
            // The registry, which is shown the password itself; then a token service.
            let world = World::start(basic());
            concealed(words(&world, &world.client_as(right), "/blobs/", &said).await, &said);
            let world = World::start(bearer(true));
            concealed(words(&world, &world.client_as(right), "/token", &said).await, &said);
        }
        for said in forms("refresh-me") {
            let world = World::start(bearer(true));
            concealed(words(&world, &world.client_as(identity), "/token", &said).await, &said);
        }
        // What the token service gave, the registry has seen.
        let world = World::start(bearer(true));
        let client = world.client_as(right);
        assert_eq!(ask(&world, &client, Ask::Blob).await.unwrap(), 1);
        let requests = world.server.requests();
        let token = requests.iter().rev().find_map(|r| r.authorization.as_ref()?.strip_prefix("Bearer ")).unwrap();
        for said in forms(token) {
            concealed(words(&world, &client, "/blobs/", &said).await, &said);
        }
    });
}

#[test]
fn nor_is_it_shown_as_an_address_or_as_a_piece_of_a_document() {
    run(async {
        let world = World::start(basic());
        let client = world.client_as(right);
        assert_eq!(ask(&world, &client, Ask::Blob).await.unwrap(), 1);
        for (name, shown) in [(SECRET, false), ("elsewhere", true)] {
            let listing = format!(r#"{{"manifests":[],"{name}":1,"{name}":2}}"#);
            let challenge = format!(r#"Bearer realm="http://{name}.example/token""#);
            let headers = vec![("www-authenticate".into(), challenge)];
            let link = vec![("link".into(), format!("<https://{name}.example/>; rel=\"next\""))];
            for (what, path, action) in [
                (Ask::Blob, "/blobs/", Action::redirect(format!("http://{name}.example/"))),
                (Ask::Blob, "/blobs/", Action::Answer { status: 401, headers, body: Vec::new() }),
                (Ask::Referrers, "/referrers/", Action::body(IMAGE_INDEX, listing)),
                (
                    Ask::Referrers,
                    "/referrers/",
                    Action::Answer { status: 200, headers: link, body: br#"{"manifests":[]}"#.to_vec() },
                ),
            ] {
                world.server.heal();
                world.server.fault(Fault::on(path, action));
                let error = ask(&world, &client, what).await.unwrap_err();
                assert_eq!(error.code().as_str(), "registry-malformed", "{error}");
                assert_eq!(format!("{error}{error:?}").contains(name), shown, "{name}: {error}");
            }
        }
    });
}

#[test]
fn plain_http_is_for_this_machine_unless_allowed() {
    run(async {
        let reference = Reference::parse("registry.invalid/a/b:t").unwrap();
        let mut options = HttpOptions::new(Arc::new(Anonymous));
        options.timeout = Duration::from_millis(300);
        let client = OciHttp::new(&reference, options.clone()).unwrap();
        assert_eq!(code(client.resolve("t").await), "registry-unavailable");
        options.ca_pem = Some(b"no certificate".to_vec());
        let client = OciHttp::new(&reference, options).unwrap();
        assert_eq!(code(client.resolve("t").await), "registry-configuration");
    });
}

#[test]
fn a_repeated_push_writes_nothing() {
    for behaviour in [Behaviour::default(), Behaviour::without_referrers_api(Conditional::None)] {
        let world = World::start(behaviour);
        run(async {
            let (d, bytes) = manifest(Some(&world.subject), 5);
            world.client().push_manifest(&d, &bytes).await.unwrap();
            assert!(world.server.count("PUT", "") > 0);
            world.server.forget_requests();
            world.client().push_manifest(&d, &bytes).await.unwrap();
            assert_eq!(world.server.count("PUT", "") + world.server.count("POST", ""), 0);
        });
    }
}

#[test]
fn a_push_that_says_oci_subject_leaves_the_fallback_index_alone() {
    let world = World::start(Behaviour::default());
    run(async {
        let (d, bytes) = manifest(Some(&world.subject), 5);
        world.client().push_manifest(&d, &bytes).await.unwrap();
        assert_eq!(world.server.count("PUT", "sha256-"), 0);
        world.server.behave(|b| b.oci_subject = false);
        let (d, bytes) = manifest(Some(&world.subject), 6);
        world.client().push_manifest(&d, &bytes).await.unwrap();
        assert_eq!(world.server.count("PUT", "sha256-"), 1);
    });
}

#[test]
fn entries_that_are_not_understood_stay_in_the_fallback_index() {
    let world = World::start(Behaviour::without_referrers_api(Conditional::Honoured));
    let odd = json!({ "mediaType": "a/b", "size": 1, "digest": "blake3:00", "odd": [1, { "x": null }] });
    let index = json!({ "schemaVersion": 2, "kept": true, "manifests": [odd] });
    world.server.put_manifest(REPOSITORY, Some(&fallback(&world.subject)), IMAGE_INDEX, index.to_string().as_bytes());
    run(async {
        let (d, bytes) = manifest(Some(&world.subject), 5);
        world.client().push_manifest(&d, &bytes).await.unwrap();
        let digest = world.server.tagged(REPOSITORY, &fallback(&world.subject)).unwrap();
        let after: Value = serde_json::from_slice(&world.server.manifest(REPOSITORY, &digest).unwrap()).unwrap();
        assert_eq!((&after["manifests"][0], &after["kept"]), (&odd, &json!(true)));
        assert_eq!(after["manifests"][1]["digest"], d.digest.to_string());
        assert_eq!(after["manifests"][1]["artifactType"], "application/vnd.example");
        assert_eq!(after["manifests"][1]["annotations"]["seed"], "5");
    });
}

#[test]
fn an_etag_is_held_against_the_write_and_a_conflict_is_read_again() {
    let world = World::start(Behaviour::without_referrers_api(Conditional::Honoured));
    run(async {
        world.server.fault(Fault::on("/manifests/sha256-", Action::status(412)).method("PUT").times(3));
        let (d, bytes) = manifest(Some(&world.subject), 5);
        world.client().push_manifest(&d, &bytes).await.unwrap();
        let requests = world.server.requests();
        let writes: Vec<_> = requests.iter().filter(|r| r.method == "PUT" && r.path.contains("sha256-")).collect();
        assert_eq!(writes.len(), 4);
        assert!(writes.iter().all(|r| r.if_match.is_some()));
        assert_eq!(world.listed().len(), 2);
    });
}

#[test]
fn an_entry_that_another_writer_takes_away_is_put_back() {
    let world = World::start(Behaviour::without_referrers_api(Conditional::None));
    let tag = fallback(&world.subject);
    let stale = world.server.tagged(REPOSITORY, &tag).unwrap();
    let (d, bytes) = manifest(Some(&world.subject), 5);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            // A slow writer, whose write comes after ours.
            while world.server.count("PUT", "sha256-") == 0 {
                std::thread::sleep(Duration::from_millis(1));
            }
            std::thread::sleep(Duration::from_millis(10));
            world.server.tag(REPOSITORY, &tag, &stale);
        });
        run(async { world.client().push_manifest(&d, &bytes).await.unwrap() });
    });
    assert!(world.listed().contains(&d.digest.to_string()));
    assert_eq!(world.server.count("PUT", "sha256-"), 2);
}

#[test]
fn an_index_that_cannot_be_written_is_the_registrys_failure() {
    let world = World::start(Behaviour::without_referrers_api(Conditional::None));
    let (d, bytes) = manifest(Some(&world.subject), 5);
    for (action, expected) in [
        (Action::status(500), "registry-unavailable"),
        (Action::rate_limit("0"), "rate-limited"),
        (Action::status(403), "registry-unauthorized"),
    ] {
        world.server.heal();
        world.server.fault(Fault::on("/manifests/sha256-", action).method("PUT"));
        assert_eq!(code(run(world.client().push_manifest(&d, &bytes))), expected);
    }
    world.server.heal();
    world.server.fault(Fault::on("/manifests/sha256-", Action::status(500)).method("PUT").times(2));
    run(world.client().push_manifest(&d, &bytes)).unwrap();
}

#[test]
fn a_registry_that_does_not_list_what_it_promised_is_asked_again() {
    let world = World::start(Behaviour::default());
    let empty = || Action::body(IMAGE_INDEX, r#"{"manifests":[]}"#);
    let (d, bytes) = manifest(Some(&world.subject), 5);
    world.server.fault(Fault::on("/referrers/", empty()).times(1));
    run(world.client().push_manifest(&d, &bytes)).unwrap();
    assert_eq!(world.server.count("PUT", "/manifests/"), 2);
    let (d, bytes) = manifest(Some(&world.subject), 6);
    world.server.fault(Fault::on("/referrers/", empty()));
    assert_eq!(code(run(world.client().push_manifest(&d, &bytes))), "referrer-not-listed");
    // Without an API after all, the index under the tag has to do.
    world.server.heal();
    world.server.fault(Fault::on("/referrers/", Action::status(404)));
    let (d, bytes) = manifest(Some(&world.subject), 7);
    run(world.client().push_manifest(&d, &bytes)).unwrap();
    assert_eq!(world.listed(), [d.digest.to_string()]);
}

#[test]
fn an_entry_that_never_stays_is_an_error() {
    let world = World::start(Behaviour::without_referrers_api(Conditional::None));
    let (d, bytes) = manifest(Some(&world.subject), 5);
    let swallow = Action::Answer { status: 201, headers: Vec::new(), body: Vec::new() };
    world.server.fault(Fault::on("/manifests/sha256-", swallow).method("PUT"));
    run(async {
        let client = world.client_with(|o| o.timeout = Duration::from_secs(2));
        assert_eq!(code(client.push_manifest(&d, &bytes).await), "referrer-not-listed");
        world.server.heal();
        // The same again heals it.
        world.client().push_manifest(&d, &bytes).await.unwrap();
        assert!(world.listed().contains(&d.digest.to_string()));
    });
}

/// Two writers on a registry that cannot write conditionally.
fn writers_lose_nothing(locks: bool, pushes: usize, delay: Duration) {
    let world = World::start(Behaviour::without_referrers_api(Conditional::Pretended));
    let folder = tempfile::tempdir().unwrap();
    if !delay.is_zero() {
        world.server.fault(Fault::on("/manifests/sha256-", Action::Delay(delay)).method("PUT"));
    }
    std::thread::scope(|scope| {
        for writer in 0..2 {
            let (world, folder) = (&world, &folder);
            scope.spawn(move || {
                let client = world.client_with(|o| o.locks = locks.then(|| folder.path().join("locks")));
                run(async {
                    for push in 0..pushes {
                        let (d, bytes) = manifest(Some(&world.subject), 100 + writer * pushes + push);
                        client.push_manifest(&d, &bytes).await.unwrap();
                    }
                });
            });
        }
    });
    let mut listed = world.listed();
    listed.sort();
    listed.dedup();
    assert_eq!(listed.len(), 1 + 2 * pushes);
}

#[test]
fn writers_of_one_machine_lose_nothing() {
    writers_lose_nothing(true, 20, Duration::ZERO);
}

#[test]
fn writers_of_two_machines_lose_nothing() {
    writers_lose_nothing(false, 20, Duration::ZERO);
}

#[test]
fn writers_of_two_machines_lose_nothing_to_a_slow_registry() {
    writers_lose_nothing(false, 8, Duration::from_millis(20));
}

#[test]
fn a_route_in_memory_is_served_over_http_as_it_is() {
    run(async {
        let memory = Memory::new("memory");
        let (d, bytes) = manifest(None, 3);
        memory.push_blob(&Digest::sha256(b"{}"), b"{}").await.unwrap();
        memory.push_manifest(&d, &bytes).await.unwrap();
        let world = World::start(Behaviour::default());
        world.server.load(REPOSITORY, Some("copy"), &memory, &d.digest);
        assert_eq!(world.client().resolve("copy").await.unwrap().unwrap().digest, d.digest);
        assert_eq!(world.client().blob(&Digest::sha256(b"{}"), 2).await.unwrap().unwrap(), b"{}");
    });
}
