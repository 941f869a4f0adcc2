//! `buildType` and `externalParameters`: what whoever asked for the build decided.

use super::{Form, Group, Row, fact, fields};
use crate::model::uri;
use serde_json::json;

fields! {
    BUILD_TYPE: "buildType" => Row::new(Form::Other("URI", || json!({ "const": uri::AGENT_BUILD })), "Which page says what the fields mean.")
        .page("the constant above", "", "never");
    EXTERNAL_PARAMETERS: "externalParameters" => Row::new(Form::Object(&[]), "What whoever asked for the build decided. Everything here is to be checked by a policy.")
        .page("what a policy is to check", "", "never; `{}` where nothing is known");
    SOURCE: "externalParameters.source" => Row::new(Form::Other("ResourceDescriptor", || json!({ "$ref": "#/$defs/resource", "anyOf": [{ "required": ["uri"] }, { "required": ["digest"] }] })), "The commit that was built: uri git+REPOSITORY@REF (the first @ separates; a repository has no user, a ref is full, and @REF is absent where no ref is known; no uri where the checkout has no remote), digest gitCommit, and sha256 of the raw commit object (the bytes of git cat-file commit), by which an approval of the commit is bound. SSH remotes of known hosts are written as https.")
        .page("the commit that was built", "git; what git cannot know, from the platform if it names the same commit", "no commit is known")
        .whole().measured(Group::Source).signed("an approval of the commit (`attest approve`)").tells(&[fact::REPOSITORY, fact::REF, fact::COMMIT]);
    SOURCE_URI: "externalParameters.source.uri" => Row::new(Form::Other("text", || json!({ "pattern": "^git\\+[^@]+(@.+)?$" })), "git+REPOSITORY@REF.")
        .page("`git+REPOSITORY@REF`: the first `@` separates, `REF` is full (`refs/heads/main`); see \"Addresses of repositories\"", "", "the checkout has no remote, or one that is a folder of this machine; `@REF` where HEAD is detached and no platform says the ref");
    SOURCE_DIGEST: "externalParameters.source.digest" => Row::new(Form::Other("DigestSet", || json!({ "required": ["gitCommit"] })), "gitCommit, and sha256 of the commit object's bytes.")
        .page("`gitCommit`, 40 or 64 hex digits; and `sha256` of the raw commit object, by which an approval of the commit is bound (docs/approvals.md)", "`git rev-parse HEAD`; `git cat-file commit`", "never; `sha256` where git cannot read the object, and where only a platform names the commit");
    TASK: "externalParameters.task" => Row::new(Form::Object(&["id"]), "What was to be done.")
        .page("what was to be done", "", "without `id`")
        .measured(Group::Task);
    TASK_ID: "externalParameters.task.id" => Row::new(Form::Text, "Its id.")
        .page("its id", "`--task`, `ATTEST_TASK`", "not given")
        .tells(&[fact::TASK_ID]);
    TASK_URI: "externalParameters.task.uri" => Row::new(Form::Text, "Where it is described.")
        .page("where it is described", "`--task-uri`, `ATTEST_TASK_URI`, `taskPrefix` of `.attest.yaml` and the id", "not given");
    CHARTER: "externalParameters.charter" => Row::new(Form::Resource, "The issue or document that authorised the work. Digest of a file: of its bytes; of an issue: of the RFC 8785 JSON of {authorId, body, host, id, title}, where no body is the empty text and id is the API's global id.")
        .page("the issue or document that authorised the work", "`--charter`, `ATTEST_CHARTER`", "not given")
        .whole().measured(Group::Charter).signed("an approval of it (`attest approve`) or a snapshot (--attach-charter)").tells(&[fact::CHARTER_URI, fact::CHARTER_DIGEST]);
    CHARTER_ANNOTATIONS: "externalParameters.charter.annotations" => Row::new(Form::Members, "What may change and leaves the charter what it is; no part of the digest.")
        .page("what may change and leaves the charter what it is", "the issue's host", "of a file; the host did not answer");
    CHARTER_ANNOTATIONS_CAPTURED_AT: "externalParameters.charter.annotations.capturedAt" => Row::new(Form::Time, "When it was read.")
        .page("when it was read", "the clock", "");
    CHARTER_ANNOTATIONS_UPDATED_AT: "externalParameters.charter.annotations.updatedAt" => Row::new(Form::Time, "When it was last changed, as its host says.")
        .page("when it was last changed", "the issue's host", "not told");
    CHARTER_ANNOTATIONS_AUTHOR: "externalParameters.charter.annotations.author" => Row::new(Form::Text, "Principal, HOST:ID.")
        .page("`HOST:ID`", "the issue's host", "");
    CHARTER_ANNOTATIONS_ID: "externalParameters.charter.annotations.id" => Row::new(Form::Text, "The host's own id of the issue.")
        .page("the host's own id of the issue", "the issue's host", "");
    CHARTER_ANNOTATIONS_PARTS: "externalParameters.charter.annotations.parts" => Row::new(Form::Object(&[]), "Digests of title and body, by which a later look can say which of them changed.")
        .page("for `title` and `body` the SHA-256 of the text, by which a later look can say which of them changed", "the issue's host", "");
    CHARTER_ANNOTATIONS_PARTS_TITLE: "externalParameters.charter.annotations.parts.title" => Row::new(Form::Digests, "Of the title's bytes.")
        .page("`sha256` of the title's bytes", "", "never");
    CHARTER_ANNOTATIONS_PARTS_BODY: "externalParameters.charter.annotations.parts.body" => Row::new(Form::Digests, "Of the text's bytes.")
        .page("`sha256` of the text's bytes, of no text the empty one's", "", "never");
    CHARTER_ANNOTATIONS_STATE: "externalParameters.charter.annotations.state" => Row::new(Form::Text, "Its state then, for example open.")
        .page("its state then, for example `open`", "the issue's host", "");
    CHARTER_ANNOTATIONS_LABELS: "externalParameters.charter.annotations.labels" => Row::new(Form::Texts, "Its labels then.")
        .page("its labels then", "the issue's host", "");
    CHARTER_ANNOTATIONS_APPROVALS: "externalParameters.charter.annotations.approvals" => Row::new(Form::Texts, "Who approved a pull or merge request then, as its host lists it. Nobody signed it.")
        .page("who had approved a pull or merge request then, as its host lists it; nobody signed it", "the host", "an issue; nobody had");
    AGENT: "externalParameters.agent" => Row::new(Form::Object(&["id"]), "Which agent did the work.")
        .page("which agent did the work", "", "without `id`")
        .measured(Group::Agent);
    AGENT_ID: "externalParameters.agent.id" => Row::new(Form::Text, "Its full id, squad/agent.")
        .page("`squad/agent`, or the agent's name alone", "`--agent`, `ATTEST_AGENT`, `.attest.yaml`, trailers of the commit, variables of coding agents: the first that says it", "none says it, or two trailers or agents differ")
        .tells(&[fact::AGENT_ID]);
    AGENT_VERSION: "externalParameters.agent.version" => Row::new(Form::Text, "Its version.")
        .page("its version", "`--agent-version`, `ATTEST_AGENT_VERSION`", "as `id`");
    AGENT_MODEL: "externalParameters.agent.model" => Row::new(Form::Object(&["id"]), "The model that it used.")
        .page("the model it used", "`--model` as `PROVIDER/ID`, `ATTEST_MODEL`, trailer `Model` as it stands", "as `id`")
        .whole().tells(&[fact::AGENT_MODEL]);
    AGENT_MODEL_PROVIDER: "externalParameters.agent.model.provider" => Row::new(Form::Text, "Who offers it.")
        .page("who offers the model, where it is named", "", "never");
    AGENT_MODEL_ID: "externalParameters.agent.model.id" => Row::new(Form::Text, "Its id there.")
        .page("its id there", "", "never");
    AGENT_SESSION: "externalParameters.agent.session" => Row::new(Form::Text, "The conversation.")
        .page("the conversation", "`--session`, `ATTEST_SESSION`, trailers, variables of coding agents", "as `id`");
    AGENT_EXECUTION: "externalParameters.agent.execution" => Row::new(Form::Text, "One run of the agent.")
        .page("one run of the agent", "`--execution`, `ATTEST_EXECUTION`, trailer `Execution`", "as `id`");
    REQUESTED_BY: "externalParameters.requestedBy" => Row::new(Form::Object(&["id"]), "Who asked for the build.")
        .page("who asked for the build", "`--requested-by`, `ATTEST_REQUESTED_BY`, the platform", "nobody asks for a scheduled run; a platform that gives names only")
        .whole().measured(Group::RequestedBy);
    REQUESTED_BY_ID: "externalParameters.requestedBy.id" => Row::new(Form::Text, "Principal that does not change hands, for example github:583231.")
        .page("a principal that does not change hands: `github:ID`, `gitlab:ID`, `HOST:ID` of another server, `azure-devops:ID`", "", "never")
        .tells(&[fact::REQUESTED_BY_ID]);
    REQUESTED_BY_NAME: "externalParameters.requestedBy.name" => Row::new(Form::Text, "Name at that time: for people.")
        .page("what people called it then", "the platform", "not known");
    TRIGGER: "externalParameters.trigger" => Row::new(Form::OneOf(&["manual", "scheduled", "event", "smart"]), "What set the build off: a person (manual), a timetable (scheduled), something that happened (event), an agent's own decision (smart).")
        .page("`manual`, `scheduled`, `event` or `smart` (an agent decided; only ever by flag)", "`--trigger`, `ATTEST_TRIGGER`, the platform, trailer `Trigger`", "none says it")
        .tells(&[fact::TRIGGER]);
    COMMAND: "externalParameters.command" => Row::new(Form::Other("list of text", || json!({ "type": "array", "minItems": 1, "items": { "type": "string" } })), "The build step: program and arguments.")
        .page("the build step: program and arguments", "what stands behind `--`", "no build step");
    WORKFLOW: "externalParameters.workflow" => Row::new(Form::Object(&["repository", "path", "ref"]), "The workflow of the platform that ran.")
        .page("the platform's file that ran", "the platform", "the platform does not say")
        .whole().tells(&[fact::WORKFLOW]);
    WORKFLOW_REPOSITORY: "externalParameters.workflow.repository" => Row::new(Form::Text, "URL of its repository.")
        .page("URL of its repository", "", "never");
    WORKFLOW_PATH: "externalParameters.workflow.path" => Row::new(Form::Text, "File in it.")
        .page("the file in it", "", "never");
    WORKFLOW_REF: "externalParameters.workflow.ref" => Row::new(Form::Text, "Ref that it came from.")
        .page("the ref that it came from", "", "never");
    INPUTS: "externalParameters.inputs" => Row::new(Form::Object(&[]), "What the one who dispatched the workflow chose, by name. null stands for a value that may be secret.")
        .page("what the one who dispatched the run chose, by name; `null` stands for a value whose name sounds secret, and for one that is no text, number or truth value", "the event's file (GitHub, Forgejo)", "no inputs")
        .whole();
}
