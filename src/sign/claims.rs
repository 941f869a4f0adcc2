//! What a certificate will say of a token's claims: Fulcio's mappings (`config/identity/config.yaml` of Fulcio 1.8), those
//! parts of them that a provenance repeats.

use crate::policy::Provider;
use serde_json::Value;

/// A claim of a certificate that is still to be issued.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certified {
    /// Last arc of its object identifier, 1.3.6.1.4.1.57264.1.x.
    pub arc: u32,
    /// What it will say.
    pub value: String,
    /// The claims of the token that it is made of, for people.
    pub from: String,
}

/// How the tokens of one provider become claims of a certificate.
struct Mapping {
    /// The provider's name in [`Provider`].
    provider: &'static str,
    /// The claim by which its tokens are known where a private instance issues them.
    mark: &'static str,
    /// What a claim is where a token has none of this name.
    defaults: &'static [(&'static str, &'static str)],
    /// Last arc, and the value with the names of claims in braces.
    rows: &'static [(u32, &'static str)],
}

const MAPPINGS: &[Mapping] = &[
    Mapping {
        provider: "github",
        mark: "job_workflow_ref",
        defaults: &[("url", "https://github.com")],
        rows: &[
            (9, "{url}/{job_workflow_ref}"),
            (11, "{runner_environment}"),
            (12, "{url}/{repository}"),
            (13, "{sha}"),
            (14, "{ref}"),
            (15, "{repository_id}"),
            (17, "{repository_owner_id}"),
            (18, "{url}/{workflow_ref}"),
            (20, "{event_name}"),
            (21, "{url}/{repository}/actions/runs/{run_id}/attempts/{run_attempt}"),
        ],
    },
    Mapping {
        provider: "gitlab",
        mark: "ci_config_ref_uri",
        defaults: &[("url", "https://gitlab.com")],
        rows: &[
            (9, "https://{ci_config_ref_uri}"),
            (11, "{runner_environment}"),
            (12, "{url}/{project_path}"),
            (13, "{sha}"),
            (14, "refs/{ref_type}/{ref}"),
            (15, "{project_id}"),
            (17, "{namespace_id}"),
            (18, "https://{ci_config_ref_uri}"),
            (20, "{pipeline_source}"),
            (21, "{url}/{project_path}/-/jobs/{job_id}"),
        ],
    },
    Mapping {
        provider: "buildkite",
        mark: "pipeline_slug",
        defaults: &[("url", "https://buildkite.com")],
        // Its pipeline is the certificate's name alone: no claim says who built.
        rows: &[
            (11, "{runner_environment}"),
            (13, "{build_commit}"),
            (20, "{build_source}"),
            (21, "{url}/{organization_slug}/{pipeline_slug}/builds/{build_number}#{job_id}"),
        ],
    },
    Mapping {
        provider: "circleci",
        mark: "oidc.circleci.com/project-id",
        defaults: &[("api_url", "https://circleci.com/api/v2"), ("platform_url", "https://app.circleci.com/")],
        // Claim 11 says whether somebody logged in, which is no kind of runner.
        rows: &[
            (
                9,
                "{api_url}/projects/{oidc.circleci.com/project-id}/pipeline-definitions/{oidc.circleci.com/pipeline-definition-id}",
            ),
            (12, "{oidc.circleci.com/vcs-origin}"),
            (14, "{oidc.circleci.com/vcs-ref}"),
            (18, "{api_url}/pipeline/{oidc.circleci.com/pipeline-id}/config"),
            (21, "{platform_url}/workflow/{oidc.circleci.com/workflow-id}/job/{oidc.circleci.com/job-id}"),
        ],
    },
    Mapping {
        provider: "codefresh",
        mark: "workflow_id",
        defaults: &[("platform_url", "https://g.codefresh.io")],
        rows: &[
            (9, "{platform_url}/build/{workflow_id}"),
            (11, "{runner_environment}"),
            (12, "{scm_repo_url}"),
            (14, "{scm_ref}"),
            (18, "{platform_url}/api/pipelines/{pipeline_id}"),
            (21, "{platform_url}/build/{workflow_id}"),
        ],
    },
];

/// What the certificate of a token will say; of an issuer that no mapping is known of, as its claims' names suggest.
pub(super) fn certified(issuer: &str, claims: &Value) -> Vec<Certified> {
    let name = Provider::of(issuer).name;
    let known = MAPPINGS.iter().find(|m| m.provider == name);
    let mapping = match (known, name) {
        (None, "other") => MAPPINGS.iter().find(|m| claims.get(m.mark).is_some_and(Value::is_string)),
        _ => known,
    };
    let Some(mapping) = mapping else { return Vec::new() };
    let row = |(arc, template): &(u32, &str)| {
        let (mut value, mut from) = (String::new(), Vec::new());
        let mut rest = *template;
        while let Some((before, after)) = rest.split_once('{') {
            let (name, after) = after.split_once('}')?;
            value.push_str(before);
            value.push_str(&of(mapping, issuer, claims, name)?);
            if claims.get(name).is_some() {
                from.push(name);
            }
            rest = after;
        }
        value.push_str(rest);
        let from = format!("the identity token's {}", from.join(", "));
        (!value.is_empty()).then_some(Certified { arc: *arc, value, from })
    };
    mapping.rows.iter().filter_map(row).collect()
}

/// A claim as Fulcio writes it, else its default.
fn of(mapping: &Mapping, issuer: &str, claims: &Value, name: &str) -> Option<String> {
    let value = match claims.get(name) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(n)) => n.to_string(),
        Some(Value::Bool(b)) => b.to_string(),
        // An authority refuses a token without a claim that it needs; what it makes of a list is nothing to repeat.
        Some(_) => return None,
        None if name == "url" && mapping.provider == "github" => github_url(issuer),
        None => mapping.defaults.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned())?,
    };
    if name == "ref_type" {
        return Some(if value == "branch" { "heads" } else { "tags" }.to_owned());
    }
    Some(value)
}

/// The server that an issuer of GitHub's tokens speaks for.
fn github_url(issuer: &str) -> String {
    let tenant = issuer.strip_prefix("https://token.actions.").filter(|rest| rest.ends_with(".ghe.com"));
    if let Some(host) = tenant {
        return format!("https://{host}");
    }
    // GitHub Enterprise Server: an authority that knows it has its address.
    issuer.strip_suffix("/_services/token").unwrap_or("https://github.com").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn says(issuer: &str, arc: u32, claims: &Value) -> Option<String> {
        certified(issuer, claims).into_iter().find(|c| c.arc == arc).map(|c| c.value)
    }

    #[test]
    fn the_builder_is_what_the_certificate_will_say() {
        let github = json!({ "job_workflow_ref": "acme/b/.github/workflows/r.yml@refs/tags/v1" });
        for (issuer, server) in [
            ("https://token.actions.githubusercontent.com", "https://github.com"),
            ("https://token.actions.githubusercontent.com/acme", "https://github.com"),
            ("https://token.actions.acme.ghe.com", "https://acme.ghe.com"),
            ("https://git.acme.example/_services/token", "https://git.acme.example"),
            ("https://id.acme.example", "https://github.com"),
        ] {
            let expected = format!("{server}/acme/b/.github/workflows/r.yml@refs/tags/v1");
            assert_eq!(says(issuer, 9, &github), Some(expected), "{issuer}");
        }
        let all = [
            (
                "https://gitlab.com",
                json!({ "ci_config_ref_uri": "gitlab.com/a/b//.gitlab-ci.yml@refs/heads/main" }),
                Some("https://gitlab.com/a/b//.gitlab-ci.yml@refs/heads/main"),
            ),
            (
                "https://oidc.circleci.com/org/1",
                json!({ "oidc.circleci.com/project-id": "p", "oidc.circleci.com/pipeline-definition-id": "d" }),
                Some("https://circleci.com/api/v2/projects/p/pipeline-definitions/d"),
            ),
            ("https://oidc.circleci.com/org/1", json!({ "oidc.circleci.com/project-id": "p" }), None),
            ("https://oidc.codefresh.io", json!({ "workflow_id": "w" }), Some("https://g.codefresh.io/build/w")),
            ("https://agent.buildkite.com", json!({ "organization_slug": "o", "pipeline_slug": "p" }), None),
            // A claim of another provider's is nothing that this one's mapping looks at.
            ("https://gitlab.com", github.clone(), None),
            ("https://agent.buildkite.com", github.clone(), None),
            ("https://accounts.google.com", github, None),
        ];
        for (issuer, claims, expected) in all {
            assert_eq!(says(issuer, 9, &claims).as_deref(), expected, "{issuer} {claims}");
        }
    }

    #[test]
    fn values_are_written_as_the_authority_writes_them() {
        let claims = json!({
            "organization_slug": "acme", "pipeline_slug": "app", "build_number": 7, "job_id": "j", "build_source": "ui",
        });
        assert_eq!(
            says("https://agent.buildkite.com", 21, &claims).as_deref(),
            Some("https://buildkite.com/acme/app/builds/7#j")
        );
        let claims = json!({ "ref": "v1", "ref_type": "tag", "project_path": "g/p", "job_id": "5" });
        assert_eq!(says("https://gitlab.com", 14, &claims).as_deref(), Some("refs/tags/v1"));
        assert_eq!(says("https://gitlab.com", 21, &claims).as_deref(), Some("https://gitlab.com/g/p/-/jobs/5"));
        let claims = json!({ "oidc.circleci.com/workflow-id": "w", "oidc.circleci.com/job-id": "j" });
        assert_eq!(
            says("https://oidc.circleci.com", 21, &claims).as_deref(),
            Some("https://app.circleci.com//workflow/w/job/j")
        );
        let found = certified("https://gitlab.com", &json!({ "sha": "a", "project_id": null, "namespace_id": [1] }));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].from, "the identity token's sha");
    }

    /// Every claim that a verifier compares for a provider is one that is known beforehand.
    #[test]
    fn each_provider_that_is_compared_has_its_mapping() {
        for provider in crate::policy::PROVIDERS.iter().filter(|p| p.name != "other" && !p.rows.is_empty()) {
            let mapping = MAPPINGS.iter().find(|m| m.provider == provider.name);
            let ours: Vec<u32> = mapping.into_iter().flat_map(|m| m.rows.iter().map(|(arc, _)| *arc)).collect();
            let theirs: Vec<u32> = provider.rows.iter().map(|r| r.claim).collect();
            assert_eq!(ours, theirs, "{}", provider.name);
        }
    }
}
