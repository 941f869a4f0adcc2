//! What a provenance says against what its signing certificate says.
//!
//! Each identity provider has a mapping from its tokens to Fulcio's claims (fulcio/config/identity/config.yaml). Where a
//! mapping fills a claim, a predicate that says otherwise is refused, and one that says the same is worth as much as
//! the certificate. Where it fills none, the predicate stands alone.

use super::Reason;
use super::providers::{BUILDER_ROW, COMMIT_ROW, REF_ROW, REPOSITORY_ROW, RUNNER_ROW, Row, rows_of};
use crate::issuer;
use crate::model::code::codes;
use crate::predicate::Provenance;
use std::collections::BTreeMap;

codes! {
    /// Codes of this file; those of contradictions are the table's.
    pub CODES;
    SSH_RERUN = "runner-was-entered", [Producer],
        "somebody logged in to the machine of the build (CircleCI `ssh-rerun`)",
        "run the job again without SSH: what was built while somebody was logged in is not accepted";
}

/// What agreed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// Fields that the certificate says too.
    pub certified: Vec<&'static str>,
}

/// Compares a provenance with the certificate that signed it. `speaks_for_others`: the policy lists the builders that
/// this signer may speak for, so the certificate's own is not the measure.
///
/// # Errors
/// One reason per contradiction.
pub fn cross_check(
    issuer: &str,
    claims: &BTreeMap<u32, String>,
    provenance: &Provenance,
    speaks_for_others: bool,
) -> Result<Checked, Vec<Reason>> {
    let provider = issuer::tokens_of(issuer).map_or("other", |t| t.provider);
    let mut checked = Checked::default();
    let mut reasons = Vec::new();
    if provider == "circleci" && claims.get(&11).is_some_and(|c| c == "ssh-rerun") {
        let message = "somebody logged in to the machine of this build (CircleCI ssh-rerun): what it signed is theirs";
        reasons.push(Reason::new(SSH_RERUN, message));
    }
    for row in rows_of(issuer) {
        if row.claim == BUILDER_ROW.claim && speaks_for_others {
            continue;
        }
        if row.claim == BUILDER_ROW.claim
            && let Some(certified) = runner_beside(claims, &provenance.builder_id)
        {
            checked.certified.extend(certified.then_some(row.field));
            continue;
        }
        let Some(claim) = claims.get(&row.claim).filter(|c| !c.is_empty()) else { continue };
        if provider == "buildkite" && row.claim == COMMIT_ROW.claim && !is_commit(claim) {
            // It builds `HEAD`, or a branch, where whoever started it named no commit: that certifies none.
            continue;
        }
        let values = row.fact.values(provenance);
        match values.iter().find(|v| !(row.same)(claim, v)) {
            Some(other) => {
                let what = format!("{} of the signing certificate", row.field);
                reasons.push(Reason::unmet(row.code, &what, format!("`{claim}`"), Some(other)));
            }
            None if values.is_empty() => {}
            // `main` may be a branch or a tag: that contradicts neither, and certifies none.
            None if row.claim == REF_ROW.claim && !claim.starts_with("refs/") => {}
            None => checked.certified.push(row.field),
        }
    }
    if reasons.is_empty() { Ok(checked) } else { Err(reasons) }
}

/// Whether a builder id names the machine rather than the workflow, as GitHub's and npm's own provenance name the kind of
/// runner and GitLab's the runner of a project: that contradicts no build signer. `Some(true)` where the certificate says
/// the same of the machine.
pub(super) fn runner_beside(claims: &BTreeMap<u32, String>, builder_id: &str) -> Option<bool> {
    let claim = |row: &Row| claims.get(&row.claim).map(String::as_str).filter(|c| !c.is_empty());
    if let Some(kind) = builder_id.strip_prefix("https://github.com/actions/runner") {
        return match kind.strip_prefix('/') {
            Some(kind) => (claim(&RUNNER_ROW) == Some(kind)).then_some(true),
            None => kind.is_empty().then_some(false),
        };
    }
    let number = builder_id.strip_prefix(claim(&REPOSITORY_ROW)?)?.strip_prefix("/-/runners/")?;
    (!number.is_empty() && number.bytes().all(|b| b.is_ascii_digit())).then_some(false)
}

pub(super) fn is_commit(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|b| b.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::super::providers::{BUILDER, COMMIT, REF, REPOSITORY_ID, RUN, RUNNER, TRIGGER, WORKFLOW};
    use super::*;
    use crate::model::uri;
    use crate::predicate::field::fact;
    use serde_json::json;

    /// A certificate of a provider and a predicate that agrees with it in every field; `CLAIM` is what is forged.
    #[expect(clippy::too_many_lines, reason = "a table: what each provider says")]
    fn honest(provider: &str) -> (String, BTreeMap<u32, String>, serde_json::Value) {
        let commit = "a".repeat(40);
        let (issuer, repository, reference, builder, config, trigger, runner, run) = match provider {
            "gitlab" => (
                "https://gitlab.com",
                "https://gitlab.com/acme/app",
                "refs/tags/v1",
                "https://gitlab.com/acme/app//.gitlab-ci.yml@refs/tags/v1",
                "https://gitlab.com/acme/app//.gitlab-ci.yml@refs/tags/v1",
                "web",
                "gitlab-hosted",
                "https://gitlab.com/acme/app/-/jobs/7",
            ),
            "buildkite" => (
                "https://agent.buildkite.com",
                "https://github.com/acme/app",
                "refs/heads/main",
                "https://b.example",
                "https://github.com/acme/app/p.yml@refs/heads/main",
                "schedule",
                "buildkite-hosted",
                "https://buildkite.com/acme/app/builds/7#job",
            ),
            "codefresh" => (
                "https://oidc.codefresh.io",
                "https://github.com/acme/app.git",
                "main",
                "https://g.codefresh.io/build/7",
                "https://g.codefresh.io/api/pipelines/9",
                "push",
                "hybrid",
                "https://g.codefresh.io/build/7",
            ),
            "circleci" => (
                "https://oidc.circleci.com/org/5",
                "github.com/acme/app",
                "refs/heads/main",
                "https://circleci.com/api/v2/projects/1/pipeline-definitions/2",
                "https://circleci.com/api/v2/pipeline/3/config",
                "push",
                "\"\"",
                "https://app.circleci.com//workflow/4/job/5",
            ),
            _ => (
                if provider == "github" {
                    "https://token.actions.githubusercontent.com"
                } else {
                    "https://id.acme.example"
                },
                "https://github.com/acme/app",
                "refs/heads/main",
                "https://github.com/acme/builders/.github/workflows/b.yml@refs/tags/v2",
                "https://github.com/acme/app/.github/workflows/r.yml@refs/heads/main",
                "workflow_dispatch",
                "github-hosted",
                "https://github.com/acme/app/actions/runs/7/attempts/1",
            ),
        };
        let all = [
            (9, builder),
            (11, runner),
            (12, repository),
            (13, commit.as_str()),
            (14, reference),
            (15, "100"),
            (17, "200"),
            (18, config),
            (20, trigger),
            (21, run),
        ];
        let filled = |arc: u32| rows_of(issuer).any(|r| r.claim == arc);
        let claims = all.iter().filter(|(a, _)| filled(*a)).map(|(a, v)| (*a, (*v).to_owned())).collect();
        let full =
            if reference.starts_with("refs/") { reference.to_owned() } else { format!("refs/heads/{reference}") };
        let url =
            if repository.starts_with("https://") { repository.to_owned() } else { format!("https://{repository}") };
        let (before, at) = config.rsplit_once('@').unwrap_or((config, "x"));
        let workflow = match before.split_once("//.git").or_else(|| before.split_once("/.git")) {
            Some((repository, path)) => json!({"repository": repository, "path": format!(".git{path}"), "ref": at}),
            None => json!({}),
        };
        let kind = match trigger {
            "workflow_dispatch" | "web" => "manual",
            "schedule" => "scheduled",
            _ => "event",
        };
        let source = json!({"uri": format!("git+{url}@{full}"), "digest": {"gitCommit": commit}});
        let predicate = json!({
            "buildDefinition": {
                "buildType": uri::AGENT_BUILD,
                "externalParameters": { "source": source, "workflow": workflow, "trigger": kind },
                "internalParameters": {
                    "environment": { "kind": runner },
                    "github": { "event_name": trigger, "repository_id": "100", "repository_owner_id": 200,
                        "runner_environment": runner, "sha": commit, "ref": full },
                },
                "resolvedDependencies": [source],
            },
            "runDetails": {
                "builder": { "id": builder },
                "metadata": { "invocationId": run.split('#').next().unwrap() },
            },
        });
        (issuer.to_owned(), claims, predicate)
    }

    fn check(
        issuer: &str,
        claims: &BTreeMap<u32, String>,
        predicate: &serde_json::Value,
    ) -> Result<Checked, Vec<crate::model::Code>> {
        let provenance = Provenance::from_json(predicate.as_object().unwrap()).unwrap();
        cross_check(issuer, claims, &provenance, false).map_err(|r| r.iter().map(|r| r.code).collect())
    }

    /// The providers whose certificates say something of a build, and everybody else.
    fn providers() -> impl Iterator<Item = &'static str> {
        let known = crate::issuer::ALL.iter().filter_map(|i| i.tokens.as_ref());
        known.filter(|t| !t.claims.is_empty()).map(|t| t.provider).chain(["other"])
    }

    const EVIL: &str = "https://evil.example/x@refs/heads/evil";

    #[test]
    fn a_forged_field_is_refused_by_its_name_and_its_unforged_twin_passes() {
        let mut tried = 0;
        for provider in providers() {
            let (issuer, claims, predicate) = honest(provider);
            let twin = check(&issuer, &claims, &predicate).unwrap_or_else(|e| panic!("{provider}: {e:?}"));
            for row in rows_of(&issuer) {
                // Codefresh says `main`, which may be a branch or a tag: it is compared, and certifies neither.
                let bare_ref = provider == "codefresh" && row.field == fact::REF.name;
                // Buildkite's and Codefresh's configurations are no files that a predicate of ours names.
                if !twin.certified.contains(&row.field) && !bare_ref {
                    assert_eq!(row.field, "workflow", "{provider}");
                    continue;
                }
                assert!(!bare_ref || !twin.certified.contains(&row.field));
                let mut forged = claims.clone();
                let other = if row.claim == COMMIT_ROW.claim { "f".repeat(40) } else { EVIL.into() };
                forged.insert(row.claim, other);
                assert_eq!(check(&issuer, &forged, &predicate), Err(vec![row.code]), "{provider}");
                // What a mapping does not fill is compared with nothing, and certified by nothing.
                forged.remove(&row.claim);
                let without = check(&issuer, &forged, &predicate).unwrap();
                assert!(!without.certified.contains(&row.field), "{provider} {}", row.field);
                tried += 1;
            }
        }
        assert!(tried >= 35, "{tried}");
    }

    #[test]
    fn a_predicate_is_read_in_every_place_where_it_repeats_itself() {
        let (issuer, claims, honest) = honest("github");
        for (path, value, code) in [
            ("/buildDefinition/internalParameters/github/event_name", "push", TRIGGER),
            ("/buildDefinition/externalParameters/trigger", "scheduled", TRIGGER),
            ("/buildDefinition/internalParameters/github/runner_environment", "self-hosted", RUNNER),
            ("/buildDefinition/internalParameters/environment/kind", "self-hosted", RUNNER),
            ("/buildDefinition/internalParameters/github/sha", "b", COMMIT),
            ("/buildDefinition/internalParameters/github/ref", "refs/heads/b", REF),
            ("/buildDefinition/internalParameters/github/repository_id", "1", REPOSITORY_ID),
            ("/buildDefinition/externalParameters/workflow/path", "x.yml", WORKFLOW),
            ("/runDetails/metadata/invocationId", "https://github.com/acme/app/actions/runs/7/attempts/2", RUN),
            (
                "/runDetails/builder/id",
                "https://github.com/acme/builders/.github/workflows/b.yml@refs/tags/v3",
                BUILDER,
            ),
        ] {
            let mut forged = honest.clone();
            *forged.pointer_mut(path).unwrap() = value.into();
            assert_eq!(check(&issuer, &claims, &forged), Err(vec![code]), "{path}");
        }
        let mut smart = honest;
        *smart.pointer_mut("/buildDefinition/externalParameters/trigger").unwrap() = "smart".into();
        assert!(check(&issuer, &claims, &smart).is_ok());
    }

    #[test]
    fn a_build_that_somebody_entered_is_refused() {
        let (issuer, mut claims, predicate) = honest("circleci");
        assert!(check(&issuer, &claims, &predicate).is_ok());
        claims.insert(11, "ssh-rerun".into());
        assert_eq!(check(&issuer, &claims, &predicate), Err(vec![SSH_RERUN]));
    }

    #[test]
    fn an_address_certifies_nothing() {
        let (_, claims, predicate) = honest("github");
        assert_eq!(check("https://accounts.google.com", &BTreeMap::new(), &predicate), Ok(Checked::default()));
        assert_eq!(check("https://accounts.google.com", &claims, &predicate), Ok(Checked::default()));
    }

    #[test]
    fn a_signer_with_listed_builders_is_measured_by_these() {
        let (issuer, claims, mut predicate) = honest("github");
        *predicate.pointer_mut("/runDetails/builder/id").unwrap() = "https://other.example".into();
        let provenance = Provenance::from_json(predicate.as_object().unwrap()).unwrap();
        assert!(cross_check(&issuer, &claims, &provenance, true).is_ok());
        assert!(cross_check(&issuer, &claims, &provenance, false).is_err());
    }

    #[test]
    fn a_builder_may_be_the_kind_of_runner_that_the_certificate_names() {
        let (issuer, mut claims, mut predicate) = honest("github");
        let id = |kind: &str| serde_json::Value::from(format!("https://github.com/actions/runner/{kind}"));
        *predicate.pointer_mut("/runDetails/builder/id").unwrap() = id("github-hosted");
        assert!(check(&issuer, &claims, &predicate).unwrap().certified.contains(&fact::BUILDER_ID.name));
        *predicate.pointer_mut("/runDetails/builder/id").unwrap() = id("self-hosted");
        assert_eq!(check(&issuer, &claims, &predicate), Err(vec![BUILDER]));
        claims.remove(&11);
        *predicate.pointer_mut("/runDetails/builder/id").unwrap() = id("github-hosted");
        assert_eq!(check(&issuer, &claims, &predicate), Err(vec![BUILDER]));
        // A machine that no kind is named of, and one of another project than the certificate's.
        let with = |issuer: &str, claims: &BTreeMap<u32, String>, mut predicate: serde_json::Value, id: &str| {
            *predicate.pointer_mut("/runDetails/builder/id").unwrap() = id.into();
            check(issuer, claims, &predicate).map(|c| c.certified.contains(&BUILDER_ROW.field))
        };
        assert_eq!(with(&issuer, &claims, predicate, "https://github.com/actions/runner"), Ok(false));
        let (issuer, claims, predicate) = honest("gitlab");
        let runner = |id: &str| with(&issuer, &claims, predicate.clone(), id);
        assert_eq!(runner("https://gitlab.com/acme/app/-/runners/7"), Ok(false));
        for other in
            ["https://gitlab.com/acme/lib/-/runners/7", "https://gitlab.com/acme/app/-/runners/x", "https://x/"]
        {
            assert_eq!(runner(other), Err(vec![BUILDER]), "{other}");
        }
    }
}
