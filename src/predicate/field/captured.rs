//! What capture explains by a path of its own though it is part of another field, and the members of platforms that a
//! certificate repeats.

use super::{Group, Row, fact, fields};

/// What is said of the source beside its commit: annotations of the first dependency.
const OF_SOURCE: Row = Row::part().measured(Group::Source);

fields! {
    SOURCE_DIRTY: "resolvedDependencies.source.dirty" => OF_SOURCE.tells(&[fact::DIRTY]);
    SOURCE_DIFFERENCE: "resolvedDependencies.source.difference" => OF_SOURCE;
    SOURCE_SIGNATURE: "resolvedDependencies.source.signature" => OF_SOURCE;
    SOURCE_TAGS: "resolvedDependencies.source.tags" => OF_SOURCE;
    SOURCE_CHECKOUT: "resolvedDependencies.source.checkout" => OF_SOURCE;
    SOURCE_PASSED_OVER: "resolvedDependencies.source.passedOver" => OF_SOURCE;
    SUBMODULES: "resolvedDependencies.submodules" => Row::part();
    BASE_IMAGE: "resolvedDependencies.base-image" => Row::part();
    LOCK_FILES: "resolvedDependencies.lockFiles" => Row::part();
    GITHUB_EVENT_NAME: "internalParameters.github.event_name" => Row::part().tells(&[fact::TRIGGER]);
    GITHUB_REPOSITORY_ID: "internalParameters.github.repository_id" => Row::part().tells(&[fact::REPOSITORY_ID]);
    GITHUB_OWNER_ID: "internalParameters.github.repository_owner_id" => Row::part().tells(&[fact::OWNER_ID]);
    GITHUB_RUNNER: "internalParameters.github.runner_environment" => Row::part().tells(&[fact::RUNNER]);
    GITHUB_SHA: "internalParameters.github.sha" => Row::part().tells(&[fact::COMMIT]);
    GITHUB_REF: "internalParameters.github.ref" => Row::part().tells(&[fact::REF]);
    GITLAB_PIPELINE_SOURCE: "internalParameters.gitlab.pipeline_source" => Row::part().tells(&[fact::TRIGGER]);
    GITLAB_PROJECT_ID: "internalParameters.gitlab.project_id" => Row::part().tells(&[fact::REPOSITORY_ID]);
    GITLAB_NAMESPACE_ID: "internalParameters.gitlab.namespace_id" => Row::part().tells(&[fact::OWNER_ID]);
    GITLAB_RUNNER: "internalParameters.gitlab.runner_environment" => Row::part().tells(&[fact::RUNNER]);
    GITLAB_SHA: "internalParameters.gitlab.sha" => Row::part().tells(&[fact::COMMIT]);
    BUILDKITE_SOURCE: "internalParameters.buildkite.build_source" => Row::part().tells(&[fact::TRIGGER]);
}

/// Members of platforms' own objects.
pub(super) const MEMBERS: &[&Row] = ROWS;
