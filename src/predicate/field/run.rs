//! `runDetails`.

use super::{Form, Row, fact, fields};
use serde_json::json;

fields! {
    BUILDER: "builder" => Row::new(Form::Object(&["id"]), "The platform that built.")
        .page("the platform that built", "", "never");
    BUILDER_ID: "builder.id" => Row::new(Form::Other("URI", || json!({ "type": "string", "format": "uri" })), "Who built: what the signing certificate says, else BASE/builder/NAME/v1 of a CI system or BASE/builder/local/v1. A claim until a policy binds a signer to it.")
        .page("what the certificate will say; see \"Builder\"", "the claims of the identity token that signs, else the platform", "never")
        .bound().tells(&[fact::BUILDER_ID]);
    METADATA: "metadata" => Row::new(Form::Object(&[]), "The run.")
        .page("the run", "", "nothing of it is known");
    METADATA_INVOCATION_ID: "metadata.invocationId" => Row::new(Form::Text, "The run of the platform, as a URL where it has one.")
        .page("the run as the certificate names it, else as the platform does", "the claims, the platform's variables", "the platform does not say")
        .tells(&[fact::INVOCATION]);
    METADATA_STARTED_ON: "metadata.startedOn" => Row::new(Form::Time, "When the build step was started.")
        .page("when the build step was started", "the clock", "no build step");
    METADATA_FINISHED_ON: "metadata.finishedOn" => Row::new(Form::Time, "When the build step ended.")
        .page("when it had ended", "the clock", "no build step");
    BYPRODUCTS: "byproducts" => Row::new(Form::Resources, "What the build left behind beside its subjects.")
        .page("what the build left behind beside its subjects, by digest", "below", "nothing");
}
