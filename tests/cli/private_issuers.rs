//! Issuers that are nobody's public instance: what their certificates say is read, and never guessed from a public one.

use crate::serve::{Reply, Server};
use crate::world::World;
use attest::testing::Instance;
use attest::testing::sigstore::Request;
use base64::{Engine as _, engine::general_purpose::STANDARD, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use std::process::{Command, Output};

const GITLAB: &str = "https://gitlab.acme.example";
const CONFIG: &str = "gitlab.acme.example/group/app//.gitlab-ci.yml@refs/heads/main";
const WORKFLOW: &str = "group/app/.forgejo/workflows/release.yml@refs/heads/main";

/// A job of a GitLab of one's own, and a Sigstore instance of one's own.
struct Scene {
    world: World,
    sigstore: Server,
}

impl Scene {
    fn new(instance: Instance) -> Self {
        let world = World::new();
        world.repository();
        world.git(&["remote", "set-url", "origin", "https://gitlab.acme.example/group/app.git"]);
        world.write("root.json", instance.root().to_string());
        let sigstore = Server::start(move |asked| {
            let request = Request { path: asked.path(), body: &asked.body };
            let answer = instance.answer(request);
            answer.map_or_else(|| Reply::status(400, "no"), |body| Reply::Answer(201, String::new(), body))
        });
        Self { world, sigstore }
    }

    fn commit(&self) -> String {
        let out = Command::new("git").args(["rev-parse", "HEAD"]).current_dir(self.world.root()).output().unwrap();
        String::from_utf8(out.stdout).unwrap().trim().to_owned()
    }

    /// Runs `create` in the job, with the token of these claims.
    fn create(&self, claims: &Value) -> Output {
        self.create_with(claims, &[])
    }

    fn create_with(&self, claims: &Value, more: &[&str]) -> Output {
        let token = format!("eyJhbGciOiJub25lIn0.{}.c2lnbmVk", URL_SAFE_NO_PAD.encode(claims.to_string()));
        let (url, commit) = (&self.sigstore.url, self.commit());
        let variables = [
            ("GITLAB_CI", "true"),
            ("CI_SERVER_URL", GITLAB),
            ("CI_PROJECT_URL", "https://gitlab.acme.example/group/app"),
            ("CI_JOB_URL", "https://gitlab.acme.example/group/app/-/jobs/50"),
            ("CI_CONFIG_PATH", ".gitlab-ci.yml"),
            ("CI_COMMIT_SHA", &commit),
            ("CI_COMMIT_BRANCH", "main"),
            ("CI_PIPELINE_SOURCE", "push"),
            ("SIGSTORE_ID_TOKEN", &token),
        ];
        let stamps = format!("{url}/api/v1/timestamp");
        let services = ["--fulcio-url", url, "--rekor-url", url, "--timestamp-url", &stamps];
        // What is there would stay the first.
        let _ = std::fs::remove_file(self.world.root().join("app.sigstore.json"));
        let args = [&["create", "app", "--trusted-root", "root.json"][..], &services, more].concat();
        self.world.attest_with(&variables, &args)
    }

    fn claims(&self) -> Value {
        json!({
            "iss": GITLAB, "sub": "project_path:group/app:ref_type:branch:ref:main", "aud": "sigstore",
            "exp": 4_000_000_000_i64, "ci_config_ref_uri": CONFIG, "project_path": "group/app", "project_id": "34",
            "namespace_id": "9", "sha": self.commit(), "ref": "main", "ref_type": "branch", "job_id": "50",
            "pipeline_source": "push", "runner_environment": "self-hosted",
        })
    }

    fn statement(&self) -> Value {
        let bundle: Value = serde_json::from_str(&self.world.read("app.sigstore.json")).unwrap();
        let payload = STANDARD.decode(bundle["dsseEnvelope"]["payload"].as_str().unwrap()).unwrap();
        serde_json::from_slice(&payload).unwrap()
    }

    fn asked_a_log(&self) -> bool {
        self.sigstore.asked().iter().any(|a| a.path() == "/api/v1/log/entries")
    }

    fn verify(&self, identity: &str, issuer: &str, demands: &[&str]) -> (Option<i32>, Value) {
        let whom = ["--certificate-identity", identity, "--certificate-oidc-issuer", issuer];
        let args = [&["verify", "app", "--trusted-root", "root.json", "--format", "json"], &whom[..], demands].concat();
        let out = self.world.attest(&args);
        (out.status.code(), serde_json::from_slice(&out.stdout).unwrap())
    }
}

fn error(out: &Output) -> String {
    String::from_utf8_lossy(&out.stderr).into_owned()
}

fn instance(address: Option<&str>) -> Instance {
    Instance { address: address.map(str::to_owned), ..Instance::new("acme", 1).with_stamps(1) }
}

#[test]
fn a_gitlab_of_ones_own_is_named_as_its_token_and_certificate_name_it() {
    let scene = Scene::new(instance(Some(GITLAB)));
    let claims = scene.claims();
    let out = scene.create(&claims);
    assert!(out.status.success(), "{}", error(&out));
    let statement = scene.statement();
    let predicate = &statement["predicate"];
    assert_eq!(predicate["runDetails"]["builder"]["id"], format!("https://{CONFIG}"));
    assert_eq!(predicate["runDetails"]["metadata"]["invocationId"], format!("{GITLAB}/group/app/-/jobs/50"));
    let source = &predicate["buildDefinition"]["externalParameters"]["source"]["uri"];
    assert_eq!(source, &format!("git+{GITLAB}/group/app@refs/heads/main"));
    assert!(!statement.to_string().contains("gitlab.com"), "{statement}");
    let who = claims["sub"].as_str().unwrap();
    let demands = |repository| ["--source-repository", repository, "--source-ref", "refs/heads/main"];
    let ours = format!("{GITLAB}/group/app");
    assert_eq!(scene.verify(who, GITLAB, &demands(&ours)).0, Some(0));
    assert_eq!(scene.verify(who, GITLAB, &demands("https://gitlab.com/group/app")).0, Some(1));
}

/// An authority whose configuration gives every GitLab the address of the public one: under its certificate nothing true can
/// be said of the source, and nothing untrue is.
#[test]
fn a_certificate_that_names_the_public_gitlab_for_another_signs_nothing() {
    let scene = Scene::new(instance(Some("https://gitlab.com")));
    let out = scene.create(&scene.claims());
    assert_eq!(out.status.code(), Some(1), "{}", error(&out));
    assert!(error(&out).contains("certificate-contradicts-"), "{}", error(&out));
    assert!(error(&out).contains("https://gitlab.com/group/app") && error(&out).contains(GITLAB), "{}", error(&out));
    assert!(!scene.asked_a_log(), "a log keeps what nobody can verify");
    assert!(!std::fs::exists(scene.world.root().join("app.sigstore.json")).unwrap());
}

/// What nobody can tell from a token is read from the certificate, before the statement is made.
#[test]
fn a_builder_that_only_the_certificate_names_is_read_from_it() {
    let issuer = "https://forge.acme.example/api/actions";
    for (address, builder) in [
        (Some("https://forge.acme.example"), format!("https://forge.acme.example/{WORKFLOW}")),
        // An authority that says nothing of the build leaves the builder to what is known of the surroundings.
        (None, "https://agent-attest.github.io/builder/gitlab/v1".to_owned()),
    ] {
        let scene = Scene::new(instance(address));
        let claims = json!({
            "iss": issuer, "sub": "repo:group/app", "aud": "sigstore", "exp": 4_000_000_000_i64,
            "job_workflow_ref": WORKFLOW, "repository": "group/app",
        });
        let out = scene.create(&claims);
        assert!(out.status.success(), "{}", error(&out));
        let statement = scene.statement();
        assert_eq!(statement["predicate"]["runDetails"]["builder"]["id"], builder);
        assert!(!statement.to_string().contains("https://github.com"), "{statement}");
        assert_eq!(scene.verify("repo:group/app", issuer, &[]).0, Some(0), "{builder}");
        // Only what the certificate says too is its signer's to say.
        let demanded = scene.verify("repo:group/app", issuer, &["--builder-id", &builder]).0;
        assert_eq!(demanded, Some(if address.is_some() { 0 } else { 1 }), "{builder}");
    }
}

#[test]
fn an_authority_without_a_certificate_log_is_enough_where_its_root_names_none() {
    let scene = Scene::new(Instance { has_certificate_log: false, ..instance(Some(GITLAB)) });
    let claims = scene.claims();
    let out = scene.create(&claims);
    assert!(out.status.success(), "{}", error(&out));
    assert_eq!(scene.verify(claims["sub"].as_str().unwrap(), GITLAB, &[]).0, Some(0));

    // Its twin, whose root names a log that has not seen the certificate.
    let instance = Instance { has_certificate_log: false, ..instance(Some(GITLAB)) };
    let mut root = instance.root();
    root["ctlogs"] = Instance { has_certificate_log: true, ..Instance::new("other", 1) }.root()["ctlogs"].take();
    let scene = Scene::new(instance);
    scene.world.write("root.json", root.to_string());
    let out = scene.create(&scene.claims());
    assert_eq!(out.status.code(), Some(1), "{}", error(&out));
    assert!(error(&out).contains("own-bundle-invalid"), "{}", error(&out));
}

/// The certificate might have said it, so it is not missed before: only then is it known that it does not.
#[test]
fn what_is_required_and_the_identity_does_not_say_either_is_not_signed() {
    let scene = Scene::new(instance(Some(GITLAB)));
    let required = ["--require", "requestedBy"];
    let mut claims = scene.claims();
    let out = scene.create_with(&claims, &required);
    assert_eq!(out.status.code(), Some(1), "{}", error(&out));
    assert!(error(&out).contains("error[required-field-missing]"), "{}", error(&out));
    assert!(!scene.asked_a_log() && !scene.world.root().join("app.sigstore.json").exists());
    // The twin: the token says who.
    (claims["user_login"], claims["user_id"]) = (json!("alice"), json!("7"));
    let out = scene.create_with(&claims, &required);
    assert!(out.status.success(), "{}", error(&out));
    assert!(scene.statement()["predicate"].to_string().contains("requestedBy"));
}
