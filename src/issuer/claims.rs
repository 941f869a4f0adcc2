//! What a certificate will say of a token's claims: Fulcio's mappings (`config/identity/config.yaml` of Fulcio 1.8), those
//! parts of them that a provenance repeats.

use super::find::lists;
use super::{ALL, Tokens, tokens_of};
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

/// What the certificate of a token will say; of an issuer that no mapping is known of, as its claims' names suggest.
#[must_use]
pub fn certified(issuer: &str, claims: &Value) -> Vec<Certified> {
    let marked = |t: &&Tokens| !t.mark.is_empty() && claims.get(t.mark).is_some_and(Value::is_string);
    let Some(tokens) = tokens_of(issuer).or_else(|| ALL.iter().filter_map(|i| i.tokens.as_ref()).find(marked)) else {
        return Vec::new();
    };
    let row = |(arc, template): &(u32, &str)| {
        let (mut value, mut from) = (String::new(), Vec::new());
        let mut rest = *template;
        while let Some((before, after)) = rest.split_once('{') {
            let (name, after) = after.split_once('}')?;
            value.push_str(before);
            value.push_str(&of(tokens, issuer, claims, name)?);
            if claims.get(name).is_some() {
                from.push(name);
            }
            rest = after;
        }
        value.push_str(rest);
        let from = format!("the identity token's {}", from.join(", "));
        (!value.is_empty()).then_some(Certified { arc: *arc, value, from })
    };
    tokens.claims.iter().filter_map(row).collect()
}

/// A claim as Fulcio writes it, else its default.
fn of(tokens: &Tokens, issuer: &str, claims: &Value, name: &str) -> Option<String> {
    let value = match claims.get(name) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(n)) => n.to_string(),
        Some(Value::Bool(b)) => b.to_string(),
        // An authority refuses a token without a claim that it needs; what it makes of a list is nothing to repeat.
        Some(_) => return None,
        None => {
            // The address of a public instance is none of any other's: an authority that has it for another is wrong.
            let is_public = lists(tokens.issuers, issuer);
            let default = || tokens.defaults.iter().find(|(n, _)| *n == name && is_public);
            let server = (name == "url").then(|| (tokens.server)(issuer)).flatten();
            server.or_else(|| default().map(|(_, v)| (*v).to_owned()))?
        }
    };
    if name == "ref_type" {
        return Some(if value == "branch" { "heads" } else { "tags" }.to_owned());
    }
    Some(value)
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
        ] {
            let expected = format!("{server}/acme/b/.github/workflows/r.yml@refs/tags/v1");
            assert_eq!(says(issuer, 9, &github), Some(expected), "{issuer}");
        }
        // Whose certificates those of another issuer are nobody can tell from its name.
        assert_eq!(says("https://id.acme.example", 9, &github), None);
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
    fn what_another_instance_signs_is_never_given_the_address_of_the_public_one() {
        let claims = json!({
            "ci_config_ref_uri": "h/g/p//.gitlab-ci.yml@refs/heads/main", "project_path": "g/p", "job_id": "5",
        });
        for issuer in ["https://gitlab.com", "https://gitlab.archlinux.org", "https://git.acme.example/gitlab"] {
            assert_eq!(says(issuer, 12, &claims), Some(format!("{issuer}/g/p")));
            assert_eq!(says(issuer, 21, &claims), Some(format!("{issuer}/g/p/-/jobs/5")));
        }
        for claims in [
            json!({ "organization_slug": "o", "pipeline_slug": "p", "build_number": 7, "job_id": "j" }),
            json!({ "oidc.circleci.com/project-id": "p", "oidc.circleci.com/pipeline-definition-id": "d",
                "oidc.circleci.com/pipeline-id": "i" }),
            json!({ "workflow_id": "w", "pipeline_id": "i" }),
            json!({ "job_workflow_ref": "w", "repository": "o/r", "run_id": 1, "run_attempt": 1 }),
        ] {
            let said = certified("https://id.acme.example", &claims);
            assert!(said.iter().all(|c| !c.value.contains("://")), "{claims}: {said:?}");
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
}
