//! The job's own identity signs, by a Sigstore instance on loopback, and GitHub's attestations API keeps what it signed.

use crate::runner::{Ran, Runner};
use crate::serve::{Asked, Reply, Server};
use attest::testing::Instance;
use attest::testing::sigstore::Request;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

const ISSUER: &str = "https://token.actions.githubusercontent.com";
const WORKFLOW: &str = "acme/app/.github/workflows/image.yml@refs/heads/main";
/// Whom this instance's certificates name.
const SUBJECT: &str = "repo:acme/app:ref:refs/heads/main";
/// The job's token of the API.
const TOKEN: &str = "ghs_a-token-that-nobody-sees";

/// What the API answers with: a status and a message; the next of several each time it is asked.
type Answers = Arc<Mutex<Vec<(u16, Value)>>>;

/// A job with an identity, a Sigstore instance, and GitHub's API.
struct Job {
    runner: Runner,
    sigstore: Server,
    api: Server,
    answers: Answers,
}

impl Job {
    fn new() -> Self {
        let instance =
            Instance { address: Some("https://github.com".into()), ..Instance::new("acme", 1).with_stamps(1) };
        let runner = Runner::without_keys();
        runner.world.write("root.json", instance.root().to_string());
        runner.world.write("app", "an application\n");
        let sigstore = Server::start(move |asked| {
            if asked.path() == "/token" {
                let claims = json!({ "iss": ISSUER, "sub": SUBJECT, "aud": "sigstore",
                    "exp": 4_000_000_000_i64, "job_workflow_ref": WORKFLOW });
                let token = format!("eyJhbGciOiJub25lIn0.{}.c2lnbmVk", URL_SAFE_NO_PAD.encode(claims.to_string()));
                return Reply::json(&json!({ "value": token }));
            }
            let answer = instance.answer(Request { path: asked.path(), body: &asked.body });
            answer.map_or_else(|| Reply::status(400, "no"), |body| Reply::Answer(201, String::new(), body))
        });
        let service = |path: &str| {
            json!([{ "url": format!("{}{path}", sigstore.url), "majorApiVersion": 1, "operator": "a",
                "validFor": { "start": "2020-01-01T00:00:00Z" } }])
        };
        let config = json!({
            "mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json",
            "caUrls": service(""), "rekorTlogUrls": service(""), "tsaUrls": service("/api/v1/timestamp"),
            "rekorTlogConfig": { "selector": "ANY" }, "tsaConfig": { "selector": "ANY" },
        });
        runner.world.write("config.json", config.to_string());
        let answers = Answers::default();
        let next = answers.clone();
        let api = Server::start(move |_| {
            let mut answers = next.lock().unwrap();
            let (status, body) = if answers.len() > 1 { answers.remove(0) } else { answers[0].clone() };
            Reply::Answer(status, "content-type: application/json\r\n".into(), body.to_string().into_bytes())
        });
        Self { runner, sigstore, api, answers }
    }

    fn step(&self, action: &str, inputs: &[(&str, &str)]) -> Ran {
        let url = format!("{}/token?v=1", self.sigstore.url);
        let variables = [
            ("ACTIONS_ID_TOKEN_REQUEST_URL", url.as_str()),
            ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "runner"),
            ("GITHUB_API_URL", &self.api.url),
            ("GITHUB_SERVER_URL", "https://github.com"),
            ("GITHUB_REPOSITORY", "acme/app"),
            ("GITHUB_RUN_ID", "7"),
        ];
        let ran = self.runner.step(action, inputs, &variables);
        assert!(!format!("{ran:?}").contains(TOKEN), "the token is shown: {ran:?}");
        ran
    }

    fn create(&self, inputs: &[(&str, &str)]) -> Ran {
        let own = [("subject", "app"), ("signing-config", "config.json"), ("trusted-root", "root.json")];
        self.step("create", &[&own, inputs].concat())
    }

    fn answers(&self, answers: &[(u16, Value)]) -> usize {
        *self.answers.lock().unwrap() = answers.to_vec();
        self.asked().len()
    }

    fn asked(&self) -> Vec<Asked> {
        self.api.asked()
    }
}

#[test]
fn the_job_s_identity_signs_and_the_summary_says_how_to_verify_it() {
    let job = Job::new();
    let ran = job.create(&[]).done();
    assert!(ran.summary.contains(&format!("- signed by `{SUBJECT}`, whom `{ISSUER}` vouches for")), "{}", ran.summary);
    let command = ran.summary.split("```sh\nattest ").nth(1).and_then(|rest| rest.lines().next()).unwrap();
    job.runner.world.done(&command.split(' ').collect::<Vec<_>>());
    assert!(command.contains("--certificate-identity ") && job.asked().is_empty());
    // The other action, by a policy.
    let policy = |identity: &str| {
        let signer = json!({ "issuer": ISSUER, "identity": identity });
        json!({ "apiVersion": "agent-attest.github.io/v1", "kind": "AttestationPolicy", "metadata": { "name": "p" },
            "spec": { "images": [{ "glob": "file:app" }], "require": [{ "signers": [signer] }] } })
    };
    let inputs = [("subject", "app"), ("bundle", "attestation.sigstore.json"), ("policy", "policy.json")];
    let inputs = [&inputs[..], &[("trusted-root", "root.json")]].concat();
    job.runner.world.write("policy.json", policy(SUBJECT).to_string());
    let ran = job.step("verify", &inputs).done();
    let builder = format!("- builder.id: `https://github.com/{WORKFLOW}` (certificate");
    assert!(ran.summary.contains(&builder), "{}", ran.summary);
    job.runner.world.write("policy.json", policy("repo:acme/other:ref:refs/heads/main").to_string());
    assert_eq!(job.step("verify", &inputs).code, 1);
}

#[test]
fn github_keeps_what_the_identity_signed() {
    let job = Job::new();
    job.answers(&[(201, json!({ "id": 4711 }))]);
    let ran = job.create(&[("store", "both"), ("github-token", TOKEN)]).done();
    assert_eq!(ran.output("attestation-id"), "4711");
    assert!(
        ran.summary.contains("- kept by GitHub: `https://github.com/acme/app/attestations/4711`"),
        "{}",
        ran.summary
    );
    let asked = job.asked();
    let [asked] = asked.as_slice() else { panic!("{asked:?}") };
    assert_eq!((asked.method.as_str(), asked.path()), ("POST", "/repos/acme/app/attestations"));
    assert!(asked.head.to_lowercase().contains(&format!("authorization: bearer {TOKEN}")), "{}", asked.head);
    let bundle: Value = serde_json::from_str(&job.runner.world.read("attestation.sigstore.json")).unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&asked.body).unwrap(), json!({ "bundle": bundle }));
    // By itself it is not asked, and a failure in passing is tried again.
    let before = job.answers(&[(502, json!({})), (201, json!({ "id": "abc" }))]);
    assert_eq!(job.create(&[("github-token", TOKEN)]).done().output("attestation-id"), "");
    assert_eq!(job.asked().len(), before);
    assert_eq!(job.create(&[("store", "github"), ("github-token", TOKEN)]).done().output("attestation-id"), "abc");
}

#[test]
fn what_github_refuses_is_said_and_what_was_signed_stays() {
    let job = Job::new();
    let create = || job.create(&[("store", "github"), ("github-token", TOKEN)]);
    for status in [401, 403, 404, 422] {
        job.answers(&[(status, json!({ "message": "Resource not accessible by integration\n::error::x" }))]);
        let ran = create().failed(2, "github-store-refused");
        let text = ran.annotation();
        assert!(text.contains(&format!("status {status}: Resource not accessible by integration")), "{text}");
        assert!(text.contains("attestations: write"), "{text}");
        assert_eq!(ran.output("bundle"), "attestation.sigstore.json");
        assert!(ran.summary.contains("- signed by") && ran.output("attestation-id").is_empty());
    }
    for (status, body) in
        [(500, json!({})), (429, json!({})), (302, json!({})), (200, json!({ "id": 1 })), (201, json!({}))]
    {
        job.answers(&[(status, body)]);
        create().failed(3, "github-store-unavailable");
    }
    job.answers(&[(201, json!({ "id": "`x`\n::error::y" }))]);
    create().failed(3, "github-store-unavailable");
}

#[test]
fn github_keeps_nothing_that_another_signed() {
    let job = Job::new();
    job.answers(&[(201, json!({ "id": 1 }))]);
    for (inputs, named) in [
        (vec![("store", "github"), ("key", "x")], ["`key`", "`store: github`"]),
        (vec![("store", "both"), ("signing", "none")], ["`signing: none`", "`signing-config`"]),
        (vec![("store", "github"), ("push-to-registry", "true")], ["`store: github`", "`push-to-registry: true`"]),
        (vec![("store", "github")], ["`store`", "`github-token`"]),
    ] {
        let ran = job.create(&[&inputs[..], &[]].concat()).failed(2, "action-input");
        assert!(named.iter().all(|name| ran.annotation().contains(name)), "{inputs:?}: {}", ran.annotation());
        assert!(ran.outputs.is_empty() && job.asked().is_empty());
    }
}
