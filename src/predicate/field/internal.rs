//! `internalParameters` and `resolvedDependencies`: what the builder found itself in, and what went into the build.

use super::{Form, Group, Row, fact, fields};

fields! {
    INTERNAL_PARAMETERS: "internalParameters" => Row::new(Form::Object(&[]), "What the builder found itself in.")
        .page("what nobody who asked decided", "", "never");
    ENVIRONMENT: "internalParameters.environment" => Row::new(Form::Object(&[]), "The machine.")
        .page("the machine", "", "never");
    ENVIRONMENT_ID: "internalParameters.environment.id" => Row::new(Form::Text, "The runner; outside CI the host's name.")
        .page("the runner; outside CI and on Tekton the host's name", "the platform, the system", "not told");
    ENVIRONMENT_KIND: "internalParameters.environment.kind" => Row::new(Form::Text, "Kind of runner, for example github-hosted or self-hosted.")
        .page("whose runner: `github-hosted`, `self-hosted`, `local` and others", "the identity token, the platform", "not told")
        .tells(&[fact::RUNNER]);
    ENVIRONMENT_OS: "internalParameters.environment.os" => Row::new(Form::Text, "Operating system, for example linux.")
        .page("`linux`, `macos`", "the program itself", "never");
    ENVIRONMENT_ARCH: "internalParameters.environment.arch" => Row::new(Form::Text, "Processor architecture, for example x86_64.")
        .page("`x86_64`, `aarch64`", "the program itself", "never");
    ENVIRONMENT_CONTAINER: "internalParameters.environment.container" => Row::new(Form::Object(&[]), "Image that the build ran in.")
        .page("the image that the job ran in", "the platform", "not told")
        .whole();
    ENVIRONMENT_CONTAINER_IMAGE: "internalParameters.environment.container.image" => Row::new(Form::Text, "Its name, as the platform gives it.")
        .page("its name, as the platform gives it", "", "never");
    ENVIRONMENT_CONTAINER_DIGEST: "internalParameters.environment.container.digest" => Row::new(Form::Digests, "Its digest, where the name has one.")
        .page("its digest", "", "the name has none");
    ENVIRONMENT_NIX: "internalParameters.environment.nix" => Row::new(Form::Object(&[]), "Nix, where flake.lock pins a package set.")
        .page("the pinned package set", "`flake.lock`", "no input `nixpkgs` locked to a commit");
    ENVIRONMENT_NIX_SYSTEM: "internalParameters.environment.nix.system" => Row::new(Form::Text, "ARCH-OS.")
        .page("`ARCH-OS`", "", "never");
    ENVIRONMENT_NIX_FLAKE: "internalParameters.environment.nix.flake" => Row::new(Form::Text, "The pinned package set, nixpkgs#COMMIT.")
        .page("`nixpkgs#COMMIT`", "", "never");
    CREDENTIALS: "internalParameters.credentials" => Row::new(Form::Objects(&["kind"]), "Credentials that the build could reach, as far as known variables and files tell; never a value.")
        .page("what the build could reach, as far as known variables and files tell; one row for each kind, scope and expiry; with a build step only what it is handed", "variables and files", "never; `[]` where none is known");
    CREDENTIALS_KIND: "internalParameters.credentials[].kind" => Row::new(Form::Text, "For example github-token.")
        .page("for example `github-token`; `secret` where only a variable's name says so", "", "never");
    CREDENTIALS_NAME: "internalParameters.credentials[].name" => Row::new(Form::Text, "The variable or file that holds it; only where names were asked for.")
        .page("the variable or file", "`--record-credentials names`", "not asked for");
    CREDENTIALS_SCOPE: "internalParameters.credentials[].scope" => Row::new(Form::Texts, "What it is good for, where that is known: a role, an audience.")
        .page("what it is good for: a role, an audience", "", "not known");
    CREDENTIALS_EXPIRES_AT: "internalParameters.credentials[].expiresAt" => Row::new(Form::Time, "When it ends.")
        .page("when it ends", "", "not known");
    ELEVATED: "internalParameters.elevated" => Row::new(Form::Flag, "Whether the build had more rights than an ordinary user: root, or a privileged container.")
        .page("root, or `CAP_SYS_ADMIN`", "`/proc/self/status`", "the system does not tell");
    IDENTITY_SHARED: "internalParameters.identityShared" => Row::new(Form::Flag, "The build step was handed what asks for identity tokens, so it could sign as the build. Absent where it was not.")
        .page("the build step was handed what asks for identity tokens, so it could sign as the build", "`--share-identity`", "it was not");
    SUBJECTS_NOT_WRITTEN: "internalParameters.subjectsNotWritten" => Row::new(Form::Texts, "Subjects that the build step left untouched: it did not make them.")
        .page("subjects that the build step left as they were", "device, inode, change time and digest before and after", "the step wrote all; no step");
    ALLOWED_SECRET_LIKE: "internalParameters.allowedSecretLike" => Row::new(Form::Objects(&["field", "digest"]), "Texts of this statement that look like secrets and are none, on the word of whoever signed.")
        .page("texts of the statement that look like secrets and are none, on the word of whoever signed", "`--allow-secret-like`", "none was let through")
        .whole();
    ALLOWED_SECRET_LIKE_FIELD: "internalParameters.allowedSecretLike[].field" => Row::new(Form::Text, "Path of the field, from statement.")
        .page("path of the field, from `statement`", "", "never");
    ALLOWED_SECRET_LIKE_DIGEST: "internalParameters.allowedSecretLike[].digest" => Row::new(Form::Digests, "Of the field's whole text.")
        .page("`sha256` of the field's whole text", "", "never");
    CAPTURED_AT: "internalParameters.capturedAt" => Row::new(Form::Time, "When the context was captured.")
        .page("when the context of the build was captured", "the clock", "another maker");
    SIGNING_KEY: "internalParameters.signingKey" => Row::new(Form::Object(&[]), "What the build step could do with the key or token that signs.")
        .page("what the build step could do with the key or token that signs", "", "no step, or neither in a file")
        .whole();
    SIGNING_KEY_READABLE_BY_STEP: "internalParameters.signingKey.readableByStep" => Row::new(Form::Flag, "It ran as a user who can read the file of the key or token.")
        .page("it ran as a user who can read the file of the key or token", "", "never");
    CAPTURED_FROM: "internalParameters.capturedFrom" => Row::new(Form::TextMap, "Where each field came from: by its path, the flag, variable, file, git call or claim. The maker's word, which raises nothing.")
        .page("for each field that is there, but byproducts, its source: flag, variable, file, git call, claim. By the field's path as on this page, `resolvedDependencies.source.*` for what is said of the source", "", "another maker")
        .about();
    DISAGREEMENTS: "internalParameters.disagreements" => Row::new(Form::TextMap, "What two places said differently of a field, by its path.")
        .page("what two places said differently of a field, by its path", "", "none")
        .about();
    RESOLVED_DEPENDENCIES: "resolvedDependencies" => Row::new(Form::Resources, "What went into the build: the source repository, the base image, lock files, the packages that they name, further materials. One with the uri of externalParameters.source names the same commit.")
        .page("in this order: the source again, with its annotations; the base image; each lock file, followed by its packages; materials; submodules. Each once", "", "nothing is known")
        .measured(Group::Dependencies).tells(&[fact::DEPENDENCIES]);
}
