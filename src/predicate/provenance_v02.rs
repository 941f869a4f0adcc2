//! SLSA provenance v0.2 (`https://slsa.dev/provenance/v0.2`), read as the provenance v1 that says the same. It is never
//! written, and says nothing of an agent: what its parameters hold is whatever a user passed to the build.

use super::descriptor::read_descriptor;
use super::{PredicateType, Provenance, ReadsProvenance};
use crate::model::json::{self, Field, JsonError};
use crate::model::{Timestamp, limits, uri};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// The predicate type's row.
pub(super) struct SlsaProvenanceV02;

impl PredicateType for SlsaProvenanceV02 {
    fn uri(&self) -> &'static str {
        uri::SLSA_PROVENANCE_V02
    }
    fn name(&self) -> &'static str {
        "provenance-v0.2"
    }
    fn check(&self, predicate: &Map<String, Value>) -> Result<(), JsonError> {
        read(&Value::Object(predicate.clone())).map(|_| ())
    }
    fn provenance(&self) -> Option<ReadsProvenance> {
        Some(read_written)
    }
}

/// Build types of Tekton begin like this. Their `configSource` is where the definition of the task came from, which is often
/// a catalogue of somebody else's and never the source of what was built.
const TEKTON: &str = "tekton.dev/";

/// What a place of Git begins with.
const GIT: &str = "git+";

fn read_written(predicate: &str) -> Result<(Provenance, usize), JsonError> {
    let (value, memory) = json::parse_counted(predicate.as_bytes(), limits::STATEMENT_BYTES)?;
    Ok((read(&value)?, memory))
}

fn read(predicate: &Value) -> Result<Provenance, JsonError> {
    let root = Field::root("predicate", predicate);
    let (builder, build_type) = (root.need("builder")?.need("id")?, root.need("buildType")?);
    for f in [&builder, &build_type] {
        if f.str()?.is_empty() {
            return Err(f.error("a URI", "an empty string"));
        }
    }
    let invocation = root.get("invocation")?;
    let config = invocation.as_ref().map(|i| i.get("configSource")).transpose()?.flatten();
    let materials = match root.get("materials")? {
        Some(list) => list.list(limits::DEPENDENCIES)?,
        None => Vec::new(),
    };
    let mut out = Provenance::default();
    (out.build_type, out.builder_id) = (build_type.str()?.to_owned(), builder.str()?.to_owned());
    out.metadata = metadata(&root)?;
    let mut places = Vec::new();
    for material in &materials {
        places.extend(Place::read(material)?);
        // What is no descriptor is none of ours to repeat; it says nothing of the source.
        out.dependencies.extend(read_descriptor(material, &mut out.unread_digests));
    }
    let of_config = match &config {
        Some(config) if !build_type.str()?.starts_with(TEKTON) => Place::of_config(config)?,
        _ => None,
    };
    if let Some(source) = source(of_config, &places)? {
        let repository = super::source_repository(&source.uri);
        let (_, reference) = super::split_source(&source.uri).unwrap_or_default();
        let path = config.map(|c| c.opt_str("entryPoint")).transpose()?.flatten();
        if let (Some(repository), Some(path), Some(at)) = (repository, path, reference)
            && path.starts_with(".github/workflows/")
        {
            out.external.insert("workflow".into(), json!({ "repository": repository, "path": path, "ref": at }));
        }
        out.external.insert("source".into(), source.to_json());
    }
    // Of several repositories none is the source, the first least of all; and it is not for a certificate to choose.
    if !places.is_empty() && !out.external.contains_key("source") {
        out.external.insert("source".into(), json!({}));
    }
    let environment = invocation.map(|i| i.get("environment")).transpose()?.flatten();
    let github = environment.map(|e| github(&e)).unwrap_or_default();
    if !github.is_empty() {
        out.internal.insert("github".into(), github.into());
    }
    Ok(out)
}

/// A repository, its ref and its commit.
#[derive(Clone, PartialEq)]
struct Place {
    uri: String,
    commit: Option<String>,
}

impl Place {
    /// A place of Git; nothing of any other.
    fn read(field: &Field<'_>) -> Result<Option<Self>, JsonError> {
        let uri = field.value().get("uri").and_then(Value::as_str).filter(|u| u.starts_with(GIT));
        uri.map(|uri| Ok(Self { uri: uri.to_owned(), commit: commit(field)? })).transpose()
    }

    /// The place of what was built, which GitLab writes without `git+`.
    fn of_config(field: &Field<'_>) -> Result<Option<Self>, JsonError> {
        let bare = field.opt_str("uri")?.filter(|u| u.starts_with("https://") || u.starts_with("http://"));
        match bare {
            Some(uri) => Ok(Some(Self { uri: format!("{GIT}{uri}"), commit: commit(field)? })),
            None => Self::read(field),
        }
    }

    fn to_json(&self) -> Value {
        match &self.commit {
            Some(commit) => json!({ "uri": self.uri, "digest": { "gitCommit": commit } }),
            None => json!({ "uri": self.uri }),
        }
    }
}

/// The commit of a place: `sha1` in most, `gitCommit` in some, and `sha256` where GitLab writes a commit of 40 digits.
fn commit(field: &Field<'_>) -> Result<Option<String>, JsonError> {
    let Some(digest) = field.get("digest")? else { return Ok(None) };
    let id = |name: &str| digest.value().get(name).and_then(Value::as_str).map(str::to_ascii_lowercase);
    let is_id = |text: &String| text.len() == 40 && text.bytes().all(|b| b.is_ascii_hexdigit());
    let all: BTreeSet<String> = ["sha1", "gitCommit", "sha256"].into_iter().filter_map(id).filter(is_id).collect();
    if all.len() > 1 {
        return Err(digest.error("one commit", "several"));
    }
    Ok(all.into_iter().next())
}

/// The source: where the build says that its configuration came from, or the one repository among its materials. Of several
/// none is more the source than the others.
fn source(config: Option<Place>, materials: &[Place]) -> Result<Option<Place>, JsonError> {
    let only = || materials.first().filter(|first| materials.iter().all(|m| m.uri == first.uri)).cloned();
    config.or_else(only).map(|place| same_commit(place, materials)).transpose()
}

/// That all materials of this place are of one commit, which is the place's own.
fn same_commit(mut place: Place, materials: &[Place]) -> Result<Place, JsonError> {
    for commit in materials.iter().filter(|m| m.uri == place.uri).filter_map(|m| m.commit.clone()) {
        match &place.commit {
            Some(own) if *own != commit => {
                let expected = format!("the commit of the source, {own}");
                return Err(JsonError::unexpected("predicate.materials", expected, commit));
            }
            _ => place.commit = Some(commit),
        }
    }
    Ok(place)
}

/// Times, and the run where it is named by an address.
fn metadata(root: &Field<'_>) -> Result<Map<String, Value>, JsonError> {
    let mut out = Map::new();
    let Some(metadata) = root.get("metadata")? else { return Ok(out) };
    let text = |key: &str| metadata.value().get(key).and_then(Value::as_str);
    for (from, to) in [("buildStartedOn", "startedOn"), ("buildFinishedOn", "finishedOn")] {
        if let Some(time) = text(from).filter(|t| Timestamp::parse(t).is_ok()) {
            out.insert(to.into(), time.into());
        }
    }
    let run = text("buildInvocationId").or_else(|| text("buildInvocationID")).filter(|id| id.contains("://"));
    out.extend(run.map(|id| ("invocationId".to_owned(), id.into())));
    Ok(out)
}

/// Variables of GitHub Actions, under the names that GitHub's own provenance has for them: a certificate says them too.
fn github(environment: &Field<'_>) -> Map<String, Value> {
    let all = environment.value().as_object().into_iter().flatten();
    let known = all.filter_map(|(name, value)| {
        let member = match name.to_ascii_lowercase().strip_prefix("github_")? {
            "sha1" | "sha" => "sha",
            "ref" => "ref",
            "event_name" => "event_name",
            "repository_id" => "repository_id",
            "repository_owner_id" => "repository_owner_id",
            _ => return None,
        };
        Some((member.to_owned(), value.as_str()?.into()))
    });
    known.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMIT: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    const OTHER: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

    /// As slsa-github-generator writes it.
    fn of_github() -> Value {
        let place = json!({ "uri": "git+https://github.com/acme/app@refs/heads/main", "digest": { "sha1": COMMIT } });
        let mut config = place.clone();
        config["entryPoint"] = ".github/workflows/release.yml".into();
        json!({
            "builder": { "id": "https://github.com/acme/builders/.github/workflows/b.yml@refs/tags/v1" },
            "buildType": "https://github.com/acme/builders/generic@v1",
            "invocation": {
                "configSource": config,
                "parameters": { "agent": { "id": "s/a" } },
                "environment": { "github_ref": "refs/heads/main", "github_sha1": COMMIT, "github_run_id": "7" },
            },
            "metadata": { "buildInvocationID": "7-1", "buildStartedOn": "yesterday", "reproducible": false },
            "materials": [place],
        })
    }

    /// As GitLab writes it: an address without `git+`, a commit by another name.
    fn of_gitlab() -> Value {
        json!({
            "builder": { "id": "https://gitlab.com/acme/app/-/runners/7" },
            "buildType": "https://gitlab.com/gitlab-org/gitlab-runner/-/blob/v15.5.0/PROVENANCE.md",
            "invocation": {
                "configSource": { "uri": "https://gitlab.com/acme/app", "digest": { "sha256": COMMIT }, "entryPoint": "build" },
                "environment": { "name": "r", "executor": "docker" },
                "parameters": { "CI": "" },
            },
            "metadata": { "buildStartedOn": "2022-10-10T11:56:01Z", "buildFinishedOn": "2022-10-10T11:56:07Z" },
            "materials": [],
        })
    }

    /// As Tekton Chains writes it: the task came from a catalogue.
    fn of_tekton() -> Value {
        json!({
            "builder": { "id": "https://tekton.dev/chains/v2" },
            "buildType": "tekton.dev/v1beta1/TaskRun",
            "invocation": {
                "configSource": { "uri": "git+https://github.com/tektoncd/catalog.git", "digest": { "sha1": OTHER } },
                "parameters": {},
            },
            "materials": [
                { "uri": "oci://docker.io/library/golang", "digest": { "sha256": "c".repeat(64) } },
                { "uri": "git+https://github.com/acme/app.git", "digest": { "sha1": COMMIT } },
            ],
        })
    }

    fn source_of(predicate: &Value) -> Option<(String, Option<String>, Option<String>)> {
        let source = read(predicate).unwrap().source()?;
        Some((source.repository?, source.reference, source.commit))
    }

    #[test]
    fn the_source_is_read_as_each_tool_writes_it() {
        let (commit, main) = (Some(COMMIT.to_owned()), Some("refs/heads/main".to_owned()));
        assert_eq!(source_of(&of_github()), Some(("https://github.com/acme/app".into(), main, commit.clone())));
        assert_eq!(source_of(&of_gitlab()), Some(("https://gitlab.com/acme/app".into(), None, commit.clone())));
        assert_eq!(source_of(&of_tekton()), Some(("https://github.com/acme/app.git".into(), None, commit)));
        assert_eq!(read(&of_tekton()).unwrap().builder_id, "https://tekton.dev/chains/v2");
    }

    #[test]
    fn what_a_certificate_says_too_is_found_and_parameters_are_nobodys_claim() {
        let read = read(&of_github()).unwrap();
        let github = read.internal["github"].as_object().unwrap();
        assert_eq!((github["ref"].as_str(), github["sha"].as_str()), (Some("refs/heads/main"), Some(COMMIT)));
        assert_eq!(read.text(&["workflow", "path"]), Some(".github/workflows/release.yml"));
        assert_eq!((read.agent(), read.metadata("invocationId"), read.metadata("startedOn")), (None, None, None));
    }

    #[test]
    fn two_commits_of_one_source_are_refused() {
        let with = |change: &dyn Fn(&mut Value)| {
            let mut predicate = of_github();
            change(&mut predicate);
            read(&predicate)
        };
        assert!(with(&|_| ()).is_ok());
        assert!(with(&|p| p["materials"][0]["digest"]["sha1"] = OTHER.into()).is_err());
        assert!(with(&|p| p["invocation"]["configSource"]["digest"]["gitCommit"] = OTHER.into()).is_err());
        assert!(with(&|p| p["materials"][0]["digest"]["gitCommit"] = COMMIT.into()).is_ok());
    }

    #[test]
    fn of_two_repositories_neither_is_the_source() {
        let mut predicate = of_tekton();
        predicate["materials"][0] = json!({ "uri": "git+https://github.com/acme/lib", "digest": { "sha1": OTHER } });
        assert_eq!(source_of(&predicate), None);
        predicate["materials"][0]["uri"] = predicate["materials"][1]["uri"].clone();
        assert!(read(&predicate).is_err());
        predicate["materials"][0]["digest"]["sha1"] = COMMIT.into();
        assert_eq!(source_of(&predicate), source_of(&of_tekton()));
    }

    #[test]
    fn a_builder_must_be_named() {
        for member in ["builder", "buildType"] {
            let mut predicate = of_github();
            predicate.as_object_mut().unwrap().remove(member);
            assert!(read(&predicate).is_err(), "{member}");
        }
    }
}
