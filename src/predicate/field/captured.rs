//! What capture explains by a path of its own though it is part of another field.

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
}
