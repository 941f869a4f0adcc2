//! SLSA provenance v1 (`https://slsa.dev/provenance/v1`), and the fields of the agent build type in it.

use super::PredicateType;
use super::descriptor::read_descriptor;
use super::field;
use super::source::{commit_of, is_source, split_source};
use crate::model::json::{self, Field, JsonError};
use crate::model::{DigestSet, ResourceDescriptor, limits, uri};
use serde_json::{Map, Value};

/// The predicate type's row.
pub(super) struct SlsaProvenance;

impl PredicateType for SlsaProvenance {
    fn uri(&self) -> &'static str {
        uri::SLSA_PROVENANCE
    }
    fn name(&self) -> &'static str {
        "provenance"
    }
    fn check(&self, predicate: &Map<String, Value>) -> Result<(), JsonError> {
        Provenance::from_json(predicate).map(|_| ())
    }
    fn provenance(&self) -> Option<super::ReadsProvenance> {
        Some(Provenance::from_written)
    }
}

/// SLSA provenance v1. Fields this version does not know are kept.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Provenance {
    /// `buildDefinition.buildType`, a URI.
    pub build_type: String,
    /// `buildDefinition.externalParameters`.
    pub external: Map<String, Value>,
    /// `buildDefinition.internalParameters`.
    pub internal: Map<String, Value>,
    /// `buildDefinition.resolvedDependencies`.
    pub dependencies: Vec<ResourceDescriptor>,
    /// `runDetails.builder.id`: a claim until a signer is bound to it.
    pub builder_id: String,
    /// `runDetails.metadata`: `invocationId`, `startedOn`, `finishedOn`.
    pub metadata: Map<String, Value>,
    /// `runDetails.byproducts`.
    pub byproducts: Vec<ResourceDescriptor>,
    /// Digests of dependencies and byproducts that are none of their algorithm: path, and what stands there. They are absent
    /// from [`Self::dependencies`] and [`Self::byproducts`].
    pub unread_digests: Vec<(String, Value)>,
    /// Unknown members of the predicate, `buildDefinition`, `runDetails` and `runDetails.builder`.
    pub(super) extra: [Map<String, Value>; 4],
}

/// The source that a provenance claims.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Repository URL without `git+` and without the ref; `None` for a commit whose place is not said.
    pub repository: Option<String>,
    /// Full ref, for example `refs/heads/main`.
    pub reference: Option<String>,
    /// Commit, 40 or 64 hex digits.
    pub commit: Option<String>,
    /// Whether the work tree differed from the commit; `None` when the provenance does not say.
    pub dirty: Option<bool>,
    /// Where in the predicate this stands.
    pub path: &'static str,
}

impl Provenance {
    /// Reads a predicate.
    ///
    /// # Errors
    /// When `buildDefinition.buildType` or `runDetails.builder.id` is missing (SLSA v1), a field
    /// has another type, or two fields name different commits of one source. A dependency that is no descriptor and a time
    /// that is none are absent: nothing is decided by them.
    pub fn from_json(predicate: &Map<String, Value>) -> Result<Self, JsonError> {
        Self::from_value(&Value::Object(predicate.clone()))
    }

    /// The same of a whole value, without a copy of it.
    ///
    /// # Errors
    /// As [`Provenance::from_json`], and where it is no object.
    pub fn from_value(predicate: &Value) -> Result<Self, JsonError> {
        Self::read(predicate, (Vec::new(), Vec::new()))
    }

    /// The same of a text, with an estimate of the memory that it takes (bytes): no tree of its dependencies is made, of which
    /// there may be a hundred thousand.
    ///
    /// # Errors
    /// As [`Provenance::from_value`]; not JSON, or over a limit.
    pub fn from_written(predicate: &str) -> Result<(Self, usize), JsonError> {
        let (mut dependencies, mut unread, mut count) = (Vec::new(), Vec::new(), 0);
        let mut each = |value: Value| {
            let path = format!("predicate.{}[{count}]", DEPENDENCIES.join("."));
            count += 1;
            if count > limits::DEPENDENCIES {
                return 0;
            }
            let before = unread.len();
            let read = read_descriptor(&Field::root(&path, &value), &mut unread);
            let memory = read.as_ref().map_or(0, ResourceDescriptor::memory);
            dependencies.extend(read);
            let beside = |(path, value): &(String, Value)| {
                2 * size_of::<(String, Value)>() + path.len() + json::memory_of(value)
            };
            memory + unread[before..].iter().map(beside).sum::<usize>()
        };
        let (rest, memory) = json::parse_apart(predicate.as_bytes(), limits::STATEMENT_BYTES, DEPENDENCIES, &mut each)?;
        if count > limits::DEPENDENCIES {
            let what = format!("the list `predicate.{}` of {count}", DEPENDENCIES.join("."));
            return Err(JsonError::TooLarge { what, limit: limits::DEPENDENCIES });
        }
        Ok((Self::read(&rest, (dependencies, unread))?, memory))
    }

    /// Reads a predicate in which these dependencies, and digests of them that are none, stood before those that do.
    fn read(
        predicate: &Value,
        (mut dependencies, mut unread_digests): (Vec<ResourceDescriptor>, Vec<(String, Value)>),
    ) -> Result<Self, JsonError> {
        let root = Field::root("predicate", predicate);
        let definition = root.need("buildDefinition")?;
        let run = root.need("runDetails")?;
        let builder = run.need("builder")?;
        let object = |f: Option<Field<'_>>| f.map_or(Ok(Map::new()), |f| f.object().cloned());
        let mut list = |f: Option<Field<'_>>| -> Result<Vec<_>, JsonError> {
            let all = f.map_or(Ok(Vec::new()), |f| f.list(limits::DEPENDENCIES))?;
            Ok(all.iter().filter_map(|d| read_descriptor(d, &mut unread_digests)).collect())
        };
        dependencies.extend(list(definition.get("resolvedDependencies")?)?);
        let byproducts = list(run.get("byproducts")?)?;
        let rest = |f: &Field<'_>, known: &[&str]| -> Result<Map<String, Value>, JsonError> {
            let unknown = f.object()?.iter().filter(|(k, _)| !known.contains(&k.as_str()));
            Ok(unknown.map(|(k, v)| (k.clone(), v.clone())).collect())
        };
        let build_type = definition.need("buildType")?;
        let builder_id = builder.need("id")?;
        for f in [&build_type, &builder_id] {
            if f.str()?.is_empty() {
                return Err(f.error("a URI", "an empty string"));
            }
        }
        if let Some(m) = run.get("metadata")? {
            for key in TIMES {
                m.opt_str(key)?;
            }
            // SLSA has a text here; GitLab writes the number of its job, which no claim of a certificate says.
            if let Some(id) = m.get("invocationId")?.filter(|id| !id.value().is_u64()) {
                id.str()?;
            }
        }
        let provenance = Self {
            build_type: build_type.str()?.to_owned(),
            // SLSA demands it; cosign attaches what users wrote without it. What is absent meets no demand.
            external: object(definition.get("externalParameters")?)?,
            internal: object(definition.get("internalParameters")?)?,
            dependencies,
            unread_digests,
            builder_id: builder_id.str()?.to_owned(),
            metadata: object(run.get("metadata")?)?,
            byproducts,
            extra: [
                rest(&root, &["buildDefinition", "runDetails"])?,
                rest(&definition, &["buildType", "externalParameters", "internalParameters", "resolvedDependencies"])?,
                rest(&run, &["builder", "metadata", "byproducts"])?,
                rest(&builder, &["id"])?,
            ],
        };
        provenance.check_external()?;
        Ok(provenance)
    }

    /// The source: `externalParameters.source`, or the first resolved dependency where that is a git repository (as
    /// GitHub writes it).
    #[must_use]
    pub fn source(&self) -> Option<Source> {
        let (descriptor, path) = self.source_descriptor()?;
        let commit = descriptor.digest().and_then(commit_of).map(str::to_owned);
        let (repository, reference) = match descriptor.uri() {
            Some(uri) => split_source(uri).map(|(repository, reference)| (Some(repository), reference))?,
            None => (None, None),
        };
        // Others write a ref as it is, where `%` stands for itself.
        let plain = |r: String| if self.build_type == uri::AGENT_BUILD { uri::decoded(&r).unwrap_or(r) } else { r };
        let reference = reference.map(plain);
        if repository.is_none() && commit.is_none() {
            return None;
        }
        let same = |d: &&ResourceDescriptor| is_source(d, &descriptor);
        // Several entries of one place: one that says dirty is enough.
        let said = self.dependencies.iter().filter(same).filter_map(|d| d.annotations().get("dirty")?.as_bool());
        let dirty = said.reduce(|a, b| a | b);
        Some(Source { repository, reference, commit, dirty, path })
    }

    /// Whether it says what its source is, be it in a form that is not read: then nobody else's word stands in for it.
    #[must_use]
    pub fn names_source(&self) -> bool {
        self.external.get("source").is_some_and(|s| !s.is_null())
    }

    /// Digests of the source: `gitCommit`, and `sha256` of the commit object where the provenance has it.
    #[must_use]
    pub fn source_digest(&self) -> Option<DigestSet> {
        self.source()?;
        self.source_descriptor()?.0.digest().cloned()
    }

    fn source_descriptor(&self) -> Option<(ResourceDescriptor, &'static str)> {
        match self.external("source") {
            Some(value) => Some((read_descriptor(&value, &mut Vec::new())?, field::SOURCE.path)),
            None => {
                let first = self.dependencies.first()?;
                first.uri().is_some().then(|| (first.clone(), "resolvedDependencies[0]"))
            }
        }
    }

    /// The forms that the agent build type demands of its parameters, and that no field has two meanings.
    fn check_external(&self) -> Result<(), JsonError> {
        if self.build_type == uri::AGENT_BUILD {
            for key in ["source", "charter"] {
                if let Some(v) = self.external.get(key) {
                    let path = format!("predicate.buildDefinition.externalParameters.{key}");
                    let field = Field::root(&path, v);
                    let descriptor = ResourceDescriptor::from_json(&field)?;
                    let is_commit =
                        key == "source" && descriptor.digest().is_some_and(|d| d.get("gitCommit").is_some());
                    if !is_commit {
                        field.need("uri")?.str()?;
                    }
                }
            }
            for (key, member) in [("task", "id"), ("agent", "id"), ("requestedBy", "id")] {
                if let Some(v) = self.external.get(key) {
                    let path = format!("predicate.buildDefinition.externalParameters.{key}");
                    Field::root(&path, v).need(member)?.str()?;
                }
            }
        }
        // One source, one commit: a dependency of the same place must name the same commit.
        let Some(source) = self.external("source").and_then(|f| read_descriptor(&f, &mut Vec::new())) else {
            return Ok(());
        };
        let commit = source.digest().and_then(commit_of);
        for (i, d) in self.dependencies.iter().enumerate().filter(|(_, d)| d.uri().is_some() && d.uri() == source.uri())
        {
            let other = d.digest().and_then(commit_of);
            if other != commit {
                return Err(JsonError::unexpected(
                    format!("predicate.buildDefinition.resolvedDependencies[{i}].digest.gitCommit"),
                    format!("the commit of externalParameters.source, {}", commit.unwrap_or("none")),
                    other.unwrap_or("none"),
                ));
            }
        }
        Ok(())
    }
}

/// Where the dependencies stand.
const DEPENDENCIES: &[&str] = &["buildDefinition", "resolvedDependencies"];

/// Members of `runDetails.metadata` that are times.
pub(super) const TIMES: [&str; 2] = ["startedOn", "finishedOn"];

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn predicate(commit: &str) -> Map<String, Value> {
        let a = "a".repeat(40);
        json!({
            "buildDefinition": {
                "buildType": uri::AGENT_BUILD,
                "externalParameters": {
                    "source": {"uri": "git+https://h.example/a/b@refs/heads/x@refs/heads/main", "digest": {"gitCommit": a}},
                    "agent": {"id": "s/a", "model": {"provider": "p", "id": "m"}},
                },
                "resolvedDependencies": [{
                    "uri": "git+https://h.example/a/b@refs/heads/x@refs/heads/main",
                    "digest": {"gitCommit": commit}, "annotations": {"dirty": false},
                }],
                "later": 1,
            },
            "runDetails": {"builder": {"id": "https://b.example", "version": {}}, "metadata": {}},
        }).as_object().unwrap().clone()
    }

    /// As GitLab Runner is documented to write it: a commit as `sha256` of a dependency.
    #[test]
    fn a_digest_that_is_none_is_absent_and_named() {
        let of = |build_type: &str, digest: Value| {
            let value = json!({
                "buildDefinition": {
                    "buildType": build_type, "externalParameters": {},
                    "resolvedDependencies": [{ "uri": "https://gitlab.example/g/r", "digest": digest }],
                },
                "runDetails": { "builder": { "id": "https://gitlab.example/g/r/-/runners/1" } },
            });
            let read = Provenance::from_json(value.as_object().unwrap());
            assert_eq!(Provenance::from_written(&value.to_string()).map(|(written, _)| written), read);
            read
        };
        let (commit, real) = ("a".repeat(40), "b".repeat(64));
        let read =
            of("https://gitlab.example/build", json!({ "sha256": commit, "sha512": "x", "gitTree": commit })).unwrap();
        let digest = read.dependencies[0].digest().unwrap();
        assert_eq!(digest.iter().collect::<Vec<_>>(), [("gitTree", commit.as_str())]);
        let path = |algorithm: &str| format!("resolvedDependencies[0].digest.{algorithm}");
        assert_eq!(read.unread_digests, [(path("sha256"), json!(commit)), (path("sha512"), json!("x"))]);
        let shown: Vec<_> = read.fields().into_iter().filter(|f| f.path == path("sha256")).collect();
        assert!(shown.len() == 1 && shown[0].disagreement.is_some(), "{shown:?}");
        // Alone, it leaves the place.
        let read = of("https://gitlab.example/build", json!({ "sha256": commit })).unwrap();
        assert_eq!(read.dependencies[0].digest(), None);
        // The twin has the digest that it says.
        let read = of("https://gitlab.example/build", json!({ "sha256": real })).unwrap();
        assert!(read.unread_digests.is_empty() && read.dependencies[0].digest().is_some());
    }

    #[test]
    fn fields_are_found_and_unknown_ones_survive() {
        let p = predicate(&"a".repeat(40));
        let v = Provenance::from_json(&p).unwrap();
        assert_eq!(Value::Object(v.to_json()), Value::Object(p.clone()));
        let text = Value::Object(p).to_string();
        assert_eq!(Provenance::from_written(&text).unwrap().0, v);
        assert_eq!(v.to_text(&[]), Value::Object(v.to_json()).to_string());
        let (first, rest) = v.dependencies.split_at(0);
        let headless = Provenance { dependencies: first.to_vec(), ..v.clone() };
        assert_eq!(headless.to_text(rest), v.to_text(&[]));
        let s = v.source().unwrap();
        assert_eq!(s.repository.as_deref(), Some("https://h.example/a/b"));
        assert_eq!(s.reference.as_deref(), Some("refs/heads/x@refs/heads/main"));
        assert_eq!((s.dirty, v.agent(), v.model().as_deref()), (Some(false), Some("s/a"), Some("p/m")));
    }

    #[test]
    fn a_source_without_a_place_is_its_commit() {
        let mut p = predicate(&"a".repeat(40));
        p["buildDefinition"]["externalParameters"]["source"].as_object_mut().unwrap().remove("uri");
        p["buildDefinition"]["resolvedDependencies"] = json!([
            { "digest": { "gitCommit": "b".repeat(40) }, "annotations": { "dirty": true } },
            { "digest": { "gitCommit": "a".repeat(40) }, "annotations": { "dirty": false } },
        ]);
        let s = Provenance::from_json(&p).unwrap().source().unwrap();
        assert_eq!((s.repository, s.reference, s.dirty), (None, None, Some(false)));
        assert_eq!(s.commit, Some("a".repeat(40)));
        p["buildDefinition"]["externalParameters"]["source"] = json!({ "digest": { "sha256": "a".repeat(64) } });
        assert!(Provenance::from_json(&p).is_err());
    }

    #[test]
    fn a_commit_in_capitals_is_no_missing_one() {
        let commit = |in_source: &str, in_dependency: &str| {
            let mut p = predicate(in_dependency);
            p["buildDefinition"]["buildType"] = "https://acme.example/build/v1".into();
            p["buildDefinition"]["externalParameters"]["source"]["digest"]["gitCommit"] = in_source.into();
            SlsaProvenance.check(&p).map(|()| Provenance::from_json(&p).unwrap().source().and_then(|s| s.commit))
        };
        let (lower, upper) = ("a".repeat(40), "A".repeat(40));
        assert_eq!(commit(&upper, &lower).unwrap(), Some(lower.clone()));
        assert_eq!(commit(&lower, &lower).unwrap(), Some(lower));
        assert!(commit(&upper, &"b".repeat(40)).is_err());
    }

    #[test]
    fn a_flaw_that_decides_nothing_makes_the_field_absent() {
        let with = |change: &dyn Fn(&mut Map<String, Value>)| {
            let mut p = predicate(&"a".repeat(40));
            change(&mut p);
            Provenance::from_json(&p).unwrap()
        };
        let p = with(&|p| {
            p["runDetails"]["metadata"] =
                json!({ "startedOn": "2024-06-01T00:00:00", "finishedOn": "2024-06-01T00:00:00Z" })
        });
        assert_eq!((p.metadata("startedOn"), p.metadata("finishedOn")), (None, Some("2024-06-01T00:00:00Z")));
        let dependencies = |more: Value| {
            let p = with(&|p| {
                let list = p["buildDefinition"]["resolvedDependencies"].as_array_mut().unwrap();
                list.insert(0, more.clone());
            });
            (p.dependencies.len(), p.source().and_then(|s| s.commit))
        };
        let commit = Some("a".repeat(40));
        assert_eq!(dependencies(json!({ "name": "left-pad" })), (1, commit.clone()));
        assert_eq!(dependencies(json!("left-pad")), (1, commit.clone()));
        for list in [json!({}), json!("left-pad"), json!(vec![7; limits::DEPENDENCIES + 1])] {
            let mut p = predicate(&"a".repeat(40));
            p["buildDefinition"]["resolvedDependencies"] = list;
            let written = Provenance::from_written(&Value::Object(p.clone()).to_string()).unwrap_err();
            assert_eq!(written, Provenance::from_json(&p).unwrap_err());
        }
        // A commit where a SHA-256 belongs, as GitLab's runner writes it: the place is known, the digest is not.
        let runner = json!({ "uri": "https://gitlab.com/acme/app", "digest": { "sha256": "a".repeat(40) } });
        assert_eq!(dependencies(runner), (2, commit));
    }

    #[test]
    fn two_commits_of_one_source_are_refused() {
        let e = Provenance::from_json(&predicate(&"b".repeat(40))).unwrap_err();
        assert!(e.to_string().contains("resolvedDependencies[0].digest.gitCommit"), "{e}");
    }

    #[test]
    fn a_run_is_a_text_or_the_number_of_a_job() {
        let read = |id: Value| {
            let mut p = predicate(&"a".repeat(40));
            p["runDetails"]["metadata"] = json!({ "invocationId": id });
            Provenance::from_json(&p).map(|v| {
                assert_eq!(Value::Object(v.to_json()), Value::Object(p));
                v.metadata("invocationId").map(str::to_owned)
            })
        };
        assert_eq!(read(json!("https://h.example/runs/7")), Ok(Some("https://h.example/runs/7".into())));
        assert_eq!(read(json!(412)), Ok(None));
        for bad in [json!(-1), json!(1.5), json!(["x"]), json!({}), json!(true)] {
            assert!(read(bad.clone()).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_slsa_demands_must_be_there() {
        for path in [["buildDefinition", "buildType"], ["runDetails", "builder"]] {
            let mut p = predicate(&"a".repeat(40));
            p[path[0]].as_object_mut().unwrap().remove(path[1]);
            let e = Provenance::from_json(&p).unwrap_err();
            assert!(e.to_string().contains(path[1]), "{e}");
        }
    }
}
