//! What a platform's token says against what its environment says; and that a statement which was made with it verifies by
//! a certificate of that platform, and its forged twin does not.

use crate::environments::{COMMIT, PLATFORMS};
use crate::explain::{context, golden, row, with};
use crate::platforms::detached;
use crate::repo::Repo;
use attest::capture::{CertifiedClaim, Context, Environment, Identity, Request};
use attest::flow::{self, Given, Target};
use attest::model::{Artifact, Digest, DigestSet, PredicateUri, Statement, Subject};
use attest::policy::{self, Outcome, Verdict};
use attest::seam::{BoxFuture, Endless, ready};
use attest::sign::IdentityToken;
use attest::testing::world::{block_on, now};
use attest::testing::{Holder, Instance};
use attest::trust::TrustedRoot;
use attest::verify::{Basket, Candidate, Content, EvidenceSource, Origin};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

/// A provider's token and, written down for itself, the certificate that Fulcio makes of it.
pub(crate) struct Provider {
    /// Name of the platform, or nothing where there is none of it.
    platform: &'static str,
    pub(crate) issuer: &'static str,
    /// Subject alternative name.
    name: &'static str,
    pub(crate) claims: Value,
    certificate: Vec<(u32, &'static str)>,
    /// Fields that the certificate says too.
    certified: &'static [&'static str],
}

const REUSED: &str = "acme/builders/.github/workflows/build.yml@refs/tags/v2";

pub(crate) fn providers() -> Vec<Provider> {
    first().into_iter().chain(further()).collect()
}

fn first() -> Vec<Provider> {
    vec![
        Provider {
            platform: "github-actions",
            issuer: "https://token.actions.githubusercontent.com",
            name: "https://github.com/acme/builders/.github/workflows/build.yml@refs/tags/v2",
            claims: json!({
                "actor": "octocat", "actor_id": "583231", "event_name": "push", "job_workflow_ref": REUSED,
                "job_workflow_sha": "b".repeat(40), "ref": "refs/tags/v1.0", "ref_type": "tag", "repository": "acme/app",
                "repository_id": "11", "repository_owner": "acme", "repository_owner_id": "22", "run_attempt": "2",
                "run_id": "1658821493", "runner_environment": "github-hosted", "sha": COMMIT,
                "workflow_ref": "acme/app/.github/workflows/release.yml@refs/heads/x@y",
            }),
            certificate: vec![
                (9, "https://github.com/acme/builders/.github/workflows/build.yml@refs/tags/v2"),
                (11, "github-hosted"),
                (12, "https://github.com/acme/app"),
                (13, COMMIT),
                (14, "refs/tags/v1.0"),
                (15, "11"),
                (17, "22"),
                (18, "https://github.com/acme/app/.github/workflows/release.yml@refs/heads/x@y"),
                (20, "push"),
                (21, "https://github.com/acme/app/actions/runs/1658821493/attempts/2"),
            ],
            certified: &["builder.id", "runner", "source.commit", "source.ref", "workflow", "trigger", "invocation"],
        },
        Provider {
            platform: "gitlab",
            issuer: "https://gitlab.com",
            name: "https://gitlab.com/acme/app//.gitlab-ci.yml@refs/heads/main",
            claims: json!({
                "ci_config_ref_uri": "gitlab.com/acme/app//.gitlab-ci.yml@refs/heads/main", "job_id": "50",
                "namespace_id": "9", "pipeline_id": "1000", "pipeline_source": "push", "project_id": "34",
                "project_path": "acme/app", "ref": "main", "ref_type": "branch", "runner_environment": "gitlab-hosted",
                "runner_id": 10, "sha": COMMIT, "user_id": "42", "user_login": "alice",
            }),
            certificate: vec![
                (9, "https://gitlab.com/acme/app//.gitlab-ci.yml@refs/heads/main"),
                (11, "gitlab-hosted"),
                (12, "https://gitlab.com/acme/app"),
                (13, COMMIT),
                (14, "refs/heads/main"),
                (15, "34"),
                (17, "9"),
                (18, "https://gitlab.com/acme/app//.gitlab-ci.yml@refs/heads/main"),
                (20, "push"),
                (21, "https://gitlab.com/acme/app/-/jobs/50"),
            ],
            certified: &["builder.id", "runner", "source.commit", "source.ref", "workflow", "trigger", "invocation"],
        },
    ]
}

fn further() -> Vec<Provider> {
    vec![
        Provider {
            platform: "buildkite",
            issuer: "https://agent.buildkite.com",
            name: "https://buildkite.com/acme/app",
            claims: json!({
                "agent_id": "1a222222-e999-3636-a8ff-60f0a57f7a52", "build_commit": COMMIT, "build_number": 1514,
                "build_source": "webhook", "job_id": "e44f9784-e20e-4b93-a21d-f41fd5869db9",
                "organization_slug": "acme", "pipeline_slug": "app", "runner_environment": "self-hosted",
                "step_key": "build",
            }),
            certificate: vec![
                (11, "self-hosted"),
                (13, COMMIT),
                (20, "webhook"),
                (21, "https://buildkite.com/acme/app/builds/1514#e44f9784-e20e-4b93-a21d-f41fd5869db9"),
            ],
            certified: &["runner", "source.commit", "trigger", "invocation"],
        },
        Provider {
            platform: "circleci",
            issuer: "https://oidc.circleci.com/org/f22b6566-597d-46d5-ba74-99ef5bb3d85c",
            name: "https://circleci.com/api/v2/projects/49ac4f32-d96c-4a13-b1d3-7b9c33c4e7e5/pipeline-definitions/d1",
            claims: json!({
                "oidc.circleci.com/job-id": "2a1e5a5f-0f9e-4d1c-8d43-5dd18f0f7a55",
                "oidc.circleci.com/org-id": "f22b6566-597d-46d5-ba74-99ef5bb3d85c",
                "oidc.circleci.com/pipeline-definition-id": "d1",
                "oidc.circleci.com/pipeline-id": "8b32ba7c-5b37-41ab-8b0a-3ee4d3c08f23",
                "oidc.circleci.com/project-id": "49ac4f32-d96c-4a13-b1d3-7b9c33c4e7e5",
                "oidc.circleci.com/ssh-rerun": false, "oidc.circleci.com/vcs-origin": "github.com/acme/app",
                "oidc.circleci.com/vcs-ref": "refs/heads/main",
                "oidc.circleci.com/workflow-id": "8a6dbd0c-9c3d-4d1e-93a1-6f7cf1a2d6d1",
            }),
            certificate: vec![
                (
                    9,
                    "https://circleci.com/api/v2/projects/49ac4f32-d96c-4a13-b1d3-7b9c33c4e7e5/pipeline-definitions/d1",
                ),
                (11, "\"\""),
                (12, "github.com/acme/app"),
                (14, "refs/heads/main"),
                (18, "https://circleci.com/api/v2/pipeline/8b32ba7c-5b37-41ab-8b0a-3ee4d3c08f23/config"),
                (
                    21,
                    "https://app.circleci.com//workflow/8a6dbd0c-9c3d-4d1e-93a1-6f7cf1a2d6d1/job/2a1e5a5f-0f9e-4d1c-8d43-5dd18f0f7a55",
                ),
            ],
            certified: &["builder.id", "source.repository", "source.ref", "invocation"],
        },
        Provider {
            platform: "",
            issuer: "https://oidc.codefresh.io",
            name: "https://g.codefresh.io/acme/app/release:a1/p1",
            claims: json!({
                "account_id": "a1", "account_name": "acme", "pipeline_id": "p1", "pipeline_name": "app/release",
                "platform_url": "https://g.codefresh.io", "runner_environment": "hybrid", "scm_ref": "main",
                "scm_repo_url": "https://github.com/acme/app.git", "workflow_id": "w1",
            }),
            certificate: vec![
                (9, "https://g.codefresh.io/build/w1"),
                (11, "hybrid"),
                (12, "https://github.com/acme/app.git"),
                (14, "main"),
                (18, "https://g.codefresh.io/api/pipelines/p1"),
                (21, "https://g.codefresh.io/build/w1"),
            ],
            certified: &["builder.id", "runner", "source.repository", "source.ref", "invocation"],
        },
    ]
}

pub(crate) fn identity(issuer: &str, claims: &Value) -> Identity {
    let mut all = json!({ "iss": issuer, "sub": "whoever runs it", "exp": 4_000_000_000_u64 });
    all.as_object_mut().unwrap().extend(claims.as_object().unwrap().clone());
    let text = format!("aGVhZA.{}.c2lnbmVk", URL_SAFE_NO_PAD.encode(all.to_string()));
    let token = IdentityToken::parse(&text, "of a test").unwrap();
    let certified = token.certified().into_iter().map(|c| CertifiedClaim { arc: c.arc, value: c.value, from: c.from });
    Identity { issuer: issuer.into(), claims: token.claims().clone(), certified: certified.collect() }
}

/// The checkout that a platform makes, and its environment.
fn checkout(platform: &str) -> (Repo, Environment) {
    let repo = detached();
    let host = if platform == "gitlab" { "gitlab.com" } else { "github.com" };
    repo.git(&["remote", "set-url", "origin", &format!("https://{host}/acme/app.git")]);
    let variables = PLATFORMS.iter().find(|p| p.name == platform).map_or(&[][..], |p| p.variables);
    if platform.is_empty() {
        repo.git(&["checkout", "-q", "main"]);
    }
    let env = with(repo.env(), variables);
    (repo, env)
}

fn digest() -> Digest {
    Digest::sha256(b"the artifact")
}

fn statement(predicate: &Value) -> Statement {
    let subject = Subject::new("app", DigestSet::of(&digest()));
    Statement::new(vec![subject], PredicateUri::slsa_provenance(), predicate.as_object().unwrap().clone()).unwrap()
}

struct One(Vec<u8>);

impl EvidenceSource for One {
    fn place(&self) -> String {
        "the test".into()
    }
    fn gather<'a>(&'a self, _: &'a Artifact, basket: &'a Basket) -> BoxFuture<'a, ()> {
        let origin = Origin { place: "the test".into(), id: "0".into() };
        basket.put(0, Candidate { origin, content: Content::Evidence(self.0.clone()) });
        ready(())
    }
}

/// The certified fields of an accepted statement, or the code of the refusal.
fn decide(provider: &Provider, predicate: &Value, demand: &Value) -> Result<(), String> {
    let instance = Instance::new("acme", 1);
    let holder = provider
        .certificate
        .iter()
        .fold(Holder::new(provider.name, provider.issuer), |holder, (arc, value)| holder.claiming(*arc, value));
    let bundle = instance.sign(&holder, &statement(predicate).to_bytes());
    let mut require = json!({ "signers": [{ "issuer": provider.issuer, "identity": provider.name }] });
    require.as_object_mut().unwrap().extend(demand.as_object().unwrap().clone());
    let text = json!({
        "apiVersion": "agent-attest.github.io/v1", "kind": "AttestationPolicy", "metadata": { "name": "t" },
        "spec": { "images": [{ "glob": "**" }], "require": [require] },
    });
    let policy = policy::parse(&text.to_string(), "t", &|_| Err("none".into())).unwrap_or_else(|e| panic!("{e}"));
    let roots = TrustedRoot::parse(instance.root().to_string().as_bytes(), "test").unwrap();
    let source = One(bundle.to_string().into_bytes());
    let artifact = Artifact::new("app", "app", digest());
    let target = Target { artifact, sources: vec![Box::new(source)], content: None, digests: None };
    let decision = block_on(flow::check(target, Given::new(&[policy], &roots, now()), &Endless));
    let candidate = &decision.policies[0].requirements[0].candidates[0];
    match (decision.verdict, &candidate.outcome) {
        (Verdict::Allow, Outcome::Accepted(_)) => Ok(()),
        _ => Err(candidate.reasons.iter().map(|r| r.code.to_string()).collect::<Vec<_>>().join(" ")),
    }
}

fn signed(env: &Environment, issuer: &str, claims: &Value) -> Context {
    let mut context = context(env, &Request::default());
    context.signed_by(&identity(issuer, claims));
    context
}

#[test]
fn a_statement_of_each_provider_verifies_by_its_certificate_and_its_forged_twin_does_not() {
    for provider in providers() {
        let (_repo, env) = checkout(provider.platform);
        let context = signed(&env, provider.issuer, &provider.claims);
        assert_eq!(context.contradictions, [], "{}", provider.issuer);
        let predicate = Value::Object(context.provenance().to_json());
        let (_, builder) = provider
            .certificate
            .iter()
            .find(|(arc, _)| *arc == 9)
            .copied()
            .unwrap_or((9, "https://agent-attest.github.io/builder/buildkite/v1"));
        assert_eq!(predicate["runDetails"]["builder"]["id"], builder);
        assert_eq!(decide(&provider, &predicate, &json!({})), Ok(()), "{}", provider.issuer);
        let forged = [
            ("builder.id", "/runDetails/builder/id", json!("https://evil.example/b"), "builder"),
            ("invocation", "/runDetails/metadata/invocationId", json!("https://evil.example/1"), "invocation"),
            ("runner", "/buildDefinition/internalParameters/environment/kind", json!("better"), "runner"),
            ("trigger", "/buildDefinition/externalParameters/trigger", json!("scheduled"), "trigger"),
            ("workflow", "/buildDefinition/externalParameters/workflow/path", json!("evil.yml"), "workflow"),
        ];
        for (field, pointer, value, code) in forged {
            let mut twin = predicate.clone();
            let Some(slot) = twin.pointer_mut(pointer) else {
                assert!(!provider.certified.contains(&field), "{}: no {field}", provider.issuer);
                continue;
            };
            *slot = value;
            let refused = decide(&provider, &twin, &json!({}));
            match provider.certified.contains(&field) {
                true => assert_eq!(refused, Err(format!("certificate-contradicts-{code}")), "{field}"),
                false => assert_eq!(refused, Ok(()), "{}: {field} is nobody's to say", provider.issuer),
            }
        }
        for (field, from, to, code) in [
            ("source.commit", COMMIT.to_owned(), "e".repeat(40), "certificate-contradicts-source-commit"),
            ("source.repository", "/acme/app".into(), "/evil/app".into(), "certificate-contradicts-source-repository"),
        ] {
            let text = serde_json::to_string(&predicate).unwrap().replace(&from, &to);
            let refused = decide(&provider, &serde_json::from_str(&text).unwrap(), &json!({}));
            if provider.certified.contains(&field) {
                let codes = refused.unwrap_err();
                assert!(codes.contains(code), "{}: {codes}", provider.issuer);
            }
        }
    }
}

/// A reusable workflow is what builds; the environment only knows who called it.
#[test]
fn a_reusable_workflow_is_the_builder_and_the_caller_is_the_workflow() {
    let provider = &providers()[0];
    let (_repo, env) = checkout(provider.platform);
    let context = signed(&env, provider.issuer, &provider.claims);
    let provenance = context.provenance();
    assert_eq!(provenance.builder_id, format!("https://github.com/{REUSED}"));
    assert_eq!(provenance.text(&["workflow", "path"]), Some(".github/workflows/release.yml"));
    golden("github-actions-token.json", &context);
    // Without the token nobody may speak for it, and least of all its caller.
    let without = crate::explain::context(&env, &Request::default()).provenance();
    assert_eq!(without.builder_id, "https://agent-attest.github.io/builder/github-actions/v1");
}

/// The token is what the certificate repeats, so its word is written; the other is kept beside it.
#[test]
fn what_token_and_environment_say_differently_is_shown_and_recorded() {
    let provider = &providers()[0];
    let (repo, env) = checkout(provider.platform);
    for (claim, value, field, expected) in [
        ("repository_id", "99", "internalParameters.github.repository_id", json!("99")),
        ("repository_owner_id", "99", "internalParameters.github.repository_owner_id", json!("99")),
        ("actor_id", "99", "externalParameters.requestedBy", json!({ "id": "github:99", "name": "octocat" })),
        ("event_name", "workflow_dispatch", "externalParameters.trigger", json!("manual")),
        ("runner_environment", "self-hosted", "internalParameters.environment.kind", json!("self-hosted")),
        (
            "run_attempt",
            "3",
            "metadata.invocationId",
            json!("https://github.com/acme/app/actions/runs/1658821493/attempts/3"),
        ),
        (
            "workflow_ref",
            "acme/app/.github/workflows/other.yml@refs/heads/main",
            "externalParameters.workflow",
            json!({ "repository": "https://github.com/acme/app", "path": ".github/workflows/other.yml", "ref": "refs/heads/main" }),
        ),
        (
            "ref",
            "refs/heads/main",
            "externalParameters.source",
            json!("git+https://github.com/acme/app@refs/heads/main"),
        ),
    ] {
        let mut claims = provider.claims.clone();
        claims[claim] = json!(value);
        let context = signed(&env, provider.issuer, &claims);
        let rows = context.explain();
        let shown = row(&rows, field);
        let value_of = |v: &Value| v.get("uri").cloned().unwrap_or_else(|| v.clone());
        assert_eq!(shown.value.as_ref().map(value_of), Some(expected), "{claim}");
        let said = shown.disagreement.as_deref().unwrap_or_else(|| panic!("{claim}: nothing is said"));
        let other = if claim == "event_name" { "manual" } else { value };
        assert!(said.contains(other), "{claim}: {said}");
        let recorded = context.provenance().internal["disagreements"][field].clone();
        assert_eq!(recorded, json!(said));
    }
    // Another commit than the one that is checked out: git is the judge, and no certificate will do.
    let mut claims = provider.claims.clone();
    claims["sha"] = json!("d".repeat(40));
    let context = signed(&env, provider.issuer, &claims);
    assert_eq!(context.provenance().source().unwrap().commit, Some(repo.git(&["rev-parse", "HEAD"])));
    let rows = context.explain();
    assert!(row(&rows, "externalParameters.source").disagreement.as_ref().unwrap().contains("another commit"));
    // A scheduled run, as only the token knows: nobody asked for it.
    let mut claims = provider.claims.clone();
    claims["event_name"] = json!("schedule");
    let context = signed(&env, provider.issuer, &claims);
    assert_eq!(context.requested_by.value(), None);
    // A token of another platform.
    let gitlab = &providers()[1];
    let rows = signed(&env, gitlab.issuer, &gitlab.claims).explain();
    assert!(row(&rows, "builder.id").disagreement.as_ref().unwrap().contains("the environment of github-actions"));
}

/// What the environment leaves out the token fills in, and a person's token fills in nothing.
#[test]
fn a_token_fills_what_no_variable_says() {
    let provider = &providers()[0];
    let (_repo, mut env) = checkout(provider.platform);
    for name in ["GITHUB_ACTOR_ID", "GITHUB_REPOSITORY_ID", "GITHUB_RUN_ID", "RUNNER_ENVIRONMENT", "GITHUB_REF"] {
        env.variables.remove(std::ffi::OsStr::new(name));
    }
    let provenance = signed(&env, provider.issuer, &provider.claims).provenance();
    assert_eq!(provenance.requested_by(), Some("github:583231"));
    assert_eq!(provenance.internal["github"]["repository_id"], json!("11"));
    assert_eq!(provenance.internal["environment"]["kind"], json!("github-hosted"));
    assert!(provenance.metadata("invocationId").unwrap().ends_with("/attempts/2"));
    assert_eq!(provenance.source().unwrap().reference.as_deref(), Some("refs/tags/v1.0"));
    assert_eq!(decide(provider, &Value::Object(provenance.to_json()), &json!({})), Ok(()));
    let (_repo, env) = checkout("");
    let before = context(&env, &Request::default()).provenance();
    let after = signed(&env, "https://accounts.google.com", &json!({ "email": "a@b.c", "email_verified": true }));
    assert_eq!(after.provenance().builder_id, before.builder_id);
    assert_eq!(after.contradictions, []);
}
