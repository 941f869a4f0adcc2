//! The JSON Schema of the predicate that the agent build type has: what another implementation must write.

use crate::model::uri;
use serde_json::{Value, json};

/// The schema of a SLSA provenance v1 predicate whose `buildType` is the agent build type.
///
/// It describes all fields that are written, and those that are reserved. Fields that it does not name are legal and are
/// kept (in-toto's monotonic rule).
#[must_use]
pub fn provenance() -> Value {
    json!({
        "title": "Provenance of an agent's build",
        "description": "docs/provenance.md says it in full. Predicate of an in-toto Statement v1 whose predicateType is https://slsa.dev/provenance/v1. A field that could not be found out is absent; nothing is invented. No value is secret.",
        "type": "object",
        "required": ["buildDefinition", "runDetails"],
        "properties": {
            "buildDefinition": {
                "description": "What was built, from what.",
                "type": "object",
                "required": ["buildType", "externalParameters"],
                "properties": {
                    "buildType": { "description": "Which page says what the fields mean.", "const": uri::AGENT_BUILD },
                    "externalParameters": external(),
                    "internalParameters": internal(),
                    "resolvedDependencies": {
                        "description": "What went into the build: the source repository, the base image, lock files, the packages that they name, further materials. One with the uri of externalParameters.source names the same commit.",
                        "type": "array",
                        "items": { "$ref": "#/$defs/resource" },
                    },
                },
            },
            "runDetails": {
                "description": "Where and when it was built.",
                "type": "object",
                "required": ["builder"],
                "properties": {
                    "builder": {
                        "description": "The platform that built.",
                        "type": "object",
                        "required": ["id"],
                        "properties": {
                            "id": text("Who built: what the signing certificate says, else BASE/builder/NAME/v1 of a CI system or BASE/builder/local/v1. A claim until a policy binds a signer to it.", "uri"),
                        },
                    },
                    "metadata": {
                        "description": "The run.",
                        "type": "object",
                        "properties": {
                            "invocationId": plain("The run of the platform, as a URL where it has one."),
                            "startedOn": text("When the build step was started.", "date-time"),
                            "finishedOn": text("When the build step ended.", "date-time"),
                        },
                    },
                    "byproducts": { "description": "What the build left behind beside its subjects.", "type": "array", "items": { "$ref": "#/$defs/resource" } },
                },
            },
        },
        "$defs": { "resource": resource(), "digest": digest() },
    })
}

/// What whoever asked for the build decided.
fn external() -> Value {
    json!({
        "description": "What whoever asked for the build decided. Everything here is to be checked by a policy.",
        "type": "object",
        "properties": {
            "source": {
                "description": "The commit that was built: uri git+REPOSITORY@REF (the first @ separates; a repository has no user, a ref is full, and @REF is absent where no ref is known), digest gitCommit, and sha256 of the raw commit object (the bytes of git cat-file commit), by which an approval of the commit is bound. SSH remotes of known hosts are written as https.",
                "allOf": [{ "$ref": "#/$defs/resource" }],
                "required": ["uri"],
                "properties": {
                    "uri": { "description": "git+REPOSITORY@REF.", "pattern": "^git\\+[^@]+(@.+)?$" },
                    "digest": { "description": "gitCommit, and sha256 of the commit object's bytes.", "required": ["gitCommit"] },
                },
            },
            "task": {
                "description": "What was to be done.",
                "type": "object",
                "required": ["id"],
                "properties": { "id": plain("Its id."), "uri": plain("Where it is described.") },
            },
            "charter": {
                "description": "The issue or document that authorised the work. Digest of a file: of its bytes; of an issue: of the RFC 8785 JSON of {authorId, body, host, id, title}, where no body is the empty text and id is the API's global id.",
                "allOf": [{ "$ref": "#/$defs/resource" }],
                "required": ["uri"],
                "properties": {
                    "annotations": {
                        "description": "What may change and leaves the charter what it is; no part of the digest.",
                        "properties": {
                            "capturedAt": text("When it was read.", "date-time"),
                            "updatedAt": text("When it was last changed, as its host says.", "date-time"),
                            "author": plain("Principal, HOST:ID."),
                            "id": plain("The host's own id of the issue."),
                            "parts": {
                                "description": "Digests of title and body, by which a later look can say which of them changed.",
                                "type": "object",
                                "properties": {
                                        "title": { "description": "Of the title's bytes.", "allOf": [{ "$ref": "#/$defs/digest" }] },
                                    "body": { "description": "Of the text's bytes.", "allOf": [{ "$ref": "#/$defs/digest" }] },
                                    },
                            },
                            "state": plain("Its state then, for example open."),
                            "labels": { "description": "Its labels then.", "type": "array", "items": { "type": "string" } },
                            "approvals": {
                                "description": "Who approved a pull or merge request then, as its host lists it. Nobody signed it.",
                                "type": "array", "items": { "type": "string" },
                            },
                        },
                    },
                },
            },
            "agent": {
                "description": "Which agent did the work.",
                "type": "object",
                "required": ["id"],
                "properties": {
                    "id": plain("Its full id, squad/agent."),
                    "version": plain("Its version."),
                    "model": {
                        "description": "The model that it used.",
                        "type": "object",
                        "required": ["provider", "id"],
                        "properties": { "provider": plain("Who offers it."), "id": plain("Its id there.") },
                    },
                    "session": plain("The conversation."),
                    "execution": plain("One run of the agent."),
                },
            },
            "requestedBy": {
                "description": "Who asked for the build.",
                "type": "object",
                "required": ["id"],
                "properties": {
                    "id": plain("Principal that does not change hands, for example github:583231."),
                    "name": plain("Name at that time: for people."),
                },
            },
            "trigger": {
                "description": "What set the build off: a person (manual), a timetable (scheduled), something that happened (event), an agent's own decision (smart).",
                "enum": ["manual", "scheduled", "event", "smart"],
            },
            "command": {
                "description": "The build step: program and arguments.",
                "type": "array", "minItems": 1, "items": { "type": "string" },
            },
            "workflow": {
                "description": "The workflow of the platform that ran.",
                "type": "object",
                "required": ["repository", "path", "ref"],
                "properties": {
                    "repository": plain("URL of its repository."),
                    "path": plain("File in it."),
                    "ref": plain("Ref that it came from."),
                },
            },
            "inputs": { "description": "What the one who dispatched the workflow chose, by name. null stands for a value that may be secret.", "type": "object" },
        },
    })
}

/// What the builder found itself in.
fn internal() -> Value {
    json!({
        "description": "What the builder found itself in.",
        "type": "object",
        "properties": {
            "environment": {
                "description": "The machine.",
                "type": "object",
                "properties": {
                    "id": plain("The runner; outside CI the host's name."),
                    "kind": plain("Kind of runner, for example github-hosted or self-hosted."),
                    "os": plain("Operating system, for example linux."),
                    "arch": plain("Processor architecture, for example x86_64."),
                    "container": {
                        "description": "Image that the build ran in.",
                        "type": "object",
                        "properties": {
                            "image": plain("Its name, as the platform gives it."),
                            "digest": { "description": "Its digest, where the name has one.", "allOf": [{ "$ref": "#/$defs/digest" }] },
                        },
                    },
                    "nix": {
                        "description": "Nix, where flake.lock pins a package set.",
                        "type": "object",
                        "properties": {
                            "system": plain("ARCH-OS."),
                            "flake": plain("The pinned package set, nixpkgs#COMMIT."),
                        },
                    },
                },
            },
            "credentials": {
                "description": "Credentials that the build could reach, as far as known variables and files tell; never a value.",
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["kind"],
                    "properties": {
                        "kind": plain("For example github-token."),
                        "name": plain("The variable or file that holds it; only where names were asked for."),
                        "scope": { "description": "What it is good for, where that is known: a role, an audience.", "type": "array", "items": { "type": "string" } },
                        "expiresAt": text("When it ends.", "date-time"),
                    },
                },
            },
            "elevated": { "description": "Whether the build had more rights than an ordinary user: root, or a privileged container.", "type": "boolean" },
            "identityShared": { "description": "The build step was handed what asks for identity tokens, so it could sign as the build. Absent where it was not.", "type": "boolean" },
            "subjectsNotWritten": {
                "description": "Subjects that the build step left untouched: it did not make them.",
                "type": "array", "items": { "type": "string" },
            },
            "signingKey": {
                "description": "What the build step could do with the key that signs.",
                "type": "object",
                "properties": {
                    "readableByStep": { "description": "It ran as a user who can read the key's file.", "type": "boolean" },
                },
            },
            "capturedFrom": {
                "description": "Where each field came from: by its path, the flag, variable, file, git call or claim. The maker's word, which raises nothing.",
                "type": "object",
                "additionalProperties": { "type": "string" },
            },
            "disagreements": {
                "description": "What two places said differently of a field, by its path.",
                "type": "object",
                "additionalProperties": { "type": "string" },
            },
            "github": platform("GitHub Actions, named as GitHub's own provenance names them"),
            "forgejo": platform("Forgejo or Gitea Actions"),
            "gitlab": platform("GitLab CI/CD"),
            "buildkite": platform("Buildkite"),
            "circleci": platform("CircleCI"),
            "jenkins": platform("Jenkins"),
            "azure-pipelines": platform("Azure Pipelines"),
            "tekton": platform("Tekton"),
        },
    })
}

/// in-toto ResourceDescriptor v1.
fn resource() -> Value {
    json!({
        "description": "in-toto ResourceDescriptor v1. A git source says whether the work tree differed from the commit (dirty), and then the digest of the difference: sha256 of the RFC 8785 JSON of the sorted [path, mode, sha256].",
        "type": "object",
        "anyOf": [{ "required": ["uri"] }, { "required": ["digest"] }, { "required": ["content"] }],
        "properties": {
            "name": { "description": "For people; of a lock file its path.", "type": "string" },
            "uri": { "description": "What names it for everybody.", "type": "string" },
            "digest": { "description": "What it is.", "allOf": [{ "$ref": "#/$defs/digest" }] },
            "content": { "description": "Its bytes.", "type": "string", "contentEncoding": "base64" },
            "downloadLocation": { "description": "Where its bytes are.", "type": "string" },
            "mediaType": { "description": "Their type.", "type": "string" },
            "annotations": {
                "description": "What else is said of it.",
                "type": "object",
                "properties": {
                    "dirty": { "description": "Whether the work tree differed from the commit before the build step.", "type": "boolean" },
                    "difference": { "description": "Digest of the difference, where there is one.", "allOf": [{ "$ref": "#/$defs/digest" }] },
                    "signature": {
                        "description": "The commit's signature as the commit object has it. Nobody has verified it.",
                        "type": "object",
                        "required": ["kind"],
                        "properties": {
                            "kind": { "description": "Of which kind it is.", "enum": ["openpgp", "ssh", "x509", "unknown"] },
                            "signer": plain("Which key it says to be of: SHA256:... of an SSH key, the fingerprint of an OpenPGP key."),
                        },
                    },
                    "tags": { "description": "Full names of the tags at the commit.", "type": "array", "items": { "type": "string" } },
                    "checkout": {
                        "description": "What is unusual about the checkout.",
                        "type": "array",
                        "items": { "enum": ["shallow", "detached", "linked-worktree", "bare", "partial", "git-dir"] },
                    },
                    "submodule": { "description": "The commit's tree names this repository by commit; name is its path.", "type": "boolean" },
                    "gitTree": { "description": "The commit's tree.", "type": "string", "pattern": "^([0-9a-f]{40}|[0-9a-f]{64})$" },
                },
            },
        },
    })
}

/// in-toto DigestSet: only canonical spellings, so that one thing has one digest.
fn digest() -> Value {
    let hex = |digits: u32| json!({ "type": "string", "pattern": format!("^[0-9a-f]{{{digits}}}$") });
    let git = json!({ "type": "string", "pattern": "^([0-9a-f]{40}|[0-9a-f]{64})$" });
    json!({
        "description": "in-toto DigestSet: algorithm and value.",
        "type": "object",
        "maxProperties": crate::model::limits::DIGESTS,
        "properties": {
            "sha256": hex(64), "sha384": hex(96), "sha512": hex(128), "sha224": hex(56), "sha1": hex(40),
            "narSha256": hex(64),
            "gitCommit": git, "gitTree": git, "gitBlob": git, "gitTag": git,
        },
        "additionalProperties": { "type": "string", "minLength": 1, "maxLength": 512 },
    })
}

/// A platform's own section: texts, under names that it uses itself.
fn platform(name: &str) -> Value {
    json!({
        "description": format!("Variables of {name}."),
        "type": "object",
        "additionalProperties": { "type": "string" },
    })
}

fn plain(description: &str) -> Value {
    json!({ "description": description, "type": "string" })
}

fn text(description: &str, format: &str) -> Value {
    json!({ "description": description, "type": "string", "format": format })
}
