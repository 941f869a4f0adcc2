//! The inputs and outputs of both actions, each once: `action.yml`, `verify/action.yml` and docs/github-actions.md are compared
//! with these tables.

/// Which of the two actions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// `action.yml`: attests.
    Create,
    /// `verify/action.yml`: verifies.
    Verify,
}

impl Action {
    /// Its inputs, in the order of the file.
    pub fn inputs(self) -> impl Iterator<Item = &'static Input> {
        INPUTS.iter().filter(move |input| input.of.contains(&self))
    }

    /// Its outputs: name and meaning.
    #[must_use]
    pub fn outputs(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Create => CREATED,
            Self::Verify => VERIFIED,
        }
    }
}

/// What an input's text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// One line.
    Text,
    /// Any text; never shown.
    Secret,
    /// Several values, one a line; empty lines count for nothing.
    Lines,
    /// `true` or `false`.
    Flag,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// Read by `action/install.sh`, and by nothing else.
    Install,
}

/// An input of an action.
#[derive(Clone, Copy, Debug)]
pub struct Input {
    /// Its name.
    pub name: &'static str,
    /// The actions that have it.
    pub of: &'static [Action],
    /// What its text is.
    pub form: Form,
    /// What it is where nobody gives it.
    pub default: &'static str,
    /// What it means, for people.
    pub meaning: &'static str,
    /// The flag of the command that has the same meaning.
    pub flag: Option<&'static str>,
}

/// What all variables that hold inputs begin with.
pub const VARIABLES: &str = "ATTEST_INPUT_";

impl Input {
    const fn new(name: &'static str, of: &'static [Action], form: Form, meaning: &'static str) -> Self {
        Self { name, of, form, default: "", meaning, flag: None }
    }

    const fn flag(self, flag: &'static str) -> Self {
        Self { flag: Some(flag), ..self }
    }

    const fn or(self, default: &'static str) -> Self {
        Self { default, ..self }
    }

    /// The variable in which it is handed over.
    #[must_use]
    pub fn variable(&self) -> String {
        let name = self.name.replace('-', "_").to_ascii_uppercase();
        match self.form {
            Form::Install => format!("ATTEST_{name}"),
            // As every command reads it.
            _ if self.name == PASSWORD => "ATTEST_PASSWORD".to_owned(),
            _ => format!("{VARIABLES}{name}"),
        }
    }
}

const CREATE: &[Action] = &[Action::Create];
const VERIFY: &[Action] = &[Action::Verify];
const BOTH: &[Action] = &[Action::Create, Action::Verify];

pub(super) const SUBJECT: &str = "subject";
pub(super) const SUBJECT_PATH: &str = "subject-path";
pub(super) const SUBJECT_DIGEST: &str = "subject-digest";
pub(super) const SUBJECT_NAME: &str = "subject-name";
pub(super) const SUBJECT_CHECKSUMS: &str = "subject-checksums";
pub(super) const IMAGE: &str = "image";
pub(super) const DIGEST: &str = "digest";
pub(super) const PUSH: &str = "push-to-registry";
pub(super) const PREDICATE: &str = "predicate";
pub(super) const PREDICATE_TYPE: &str = "predicate-type";
pub(super) const SBOM: &str = "sbom";
pub(super) const ATTACH_CHARTER: &str = "attach-charter";
pub(super) const SIGNING: &str = "signing";
pub(super) const KEY: &str = "key";
pub(super) const PASSWORD: &str = "password";
pub(super) const POLICY: &str = "policy";
pub(super) const PUBLIC_KEY: &str = "public-key";
pub(super) const OUTPUT: &str = "output";
pub(super) const OUTBOX: &str = "outbox";
pub(super) const MISSING_IDENTITY: &str = "on-missing-identity";
pub(super) const SUMMARY: &str = "summary";
pub(super) const JUNIT: &str = "junit";
pub(super) const BUNDLE: &str = "bundle";
pub(super) const SIGNING_CONFIG: &str = "signing-config";
pub(super) const TRUSTED_ROOT: &str = "trusted-root";
pub(super) const STORE: &str = "store";
pub(super) const TOKEN: &str = "github-token";

/// Every input.
pub const INPUTS: &[Input] = &[
    Input::new(
        SUBJECT,
        BOTH,
        Form::Lines,
        "Artifacts, one a line - registry/name@sha256:..., oci:PATH, a file, a glob or a checksum file. Without any input that \
         names a subject, what the runner lists in $GITHUB_ARTIFACTS_LIST",
    ),
    Input::new(SUBJECT_PATH, BOTH, Form::Lines, "Files, one path or glob a line"),
    Input::new(
        SUBJECT_DIGEST,
        BOTH,
        Form::Text,
        "Digest of an artifact that need not be here, as sha256:...; with subject-name",
    ),
    Input::new(
        SUBJECT_NAME,
        BOTH,
        Form::Text,
        "Name of the artifact of subject-digest; with push-to-registry, the image's repository",
    ),
    Input::new(
        SUBJECT_CHECKSUMS,
        BOTH,
        Form::Text,
        "Checksum file, as sha256sum writes it, whose entries are the subjects",
    ),
    Input::new(IMAGE, BOTH, Form::Text, "Image in a registry, such as ghcr.io/acme/app; with digest"),
    Input::new(DIGEST, BOTH, Form::Text, "Digest of image, as sha256:..."),
    Input::new(
        PUSH,
        CREATE,
        Form::Flag,
        "Whether attestations of images are pushed to their registry. By default those of images that subject or image \
         names are; true makes an image of subject-name",
    ),
    Input::new(
        PREDICATE,
        CREATE,
        Form::Text,
        "File with another predicate to sign instead of the captured provenance; with predicate-type",
    )
    .flag("--predicate"),
    Input::new(PREDICATE_TYPE, BOTH, Form::Text, "Type of the predicate, a URI or a name such as spdx or vuln")
        .flag("--predicate-type"),
    Input::new(
        SBOM,
        CREATE,
        Form::Text,
        "SPDX or CycloneDX document, as JSON, to sign instead of the captured provenance",
    ),
    Input::new("agent", CREATE, Form::Text, "The agent that did the work, as squad/agent").flag("--agent"),
    Input::new("task", CREATE, Form::Text, "Identifier of the task").flag("--task"),
    Input::new("charter", CREATE, Form::Text, "URI or file of the document that authorises the work").flag("--charter"),
    Input::new("requested-by", CREATE, Form::Text, "Who asked for the work").flag("--requested-by"),
    Input::new("dependencies", CREATE, Form::Lines, "Lock files whose packages are dependencies, besides those found")
        .flag("--dependencies"),
    Input::new(ATTACH_CHARTER, CREATE, Form::Flag, "Sign the charter's title and text, too, and attach them")
        .flag("--attach-charter"),
    Input::new(
        SIGNING,
        CREATE,
        Form::OneOf(&["keyless", "key", "none"]),
        "What signs - keyless, the job's own identity, which needs permission to write id-token; key; or none, which writes \
         unsigned statements to output. By default key where there is one, else keyless",
    ),
    Input::new(KEY, CREATE, Form::Secret, "Private key (the PEM text itself, from a secret)"),
    Input::new(PASSWORD, CREATE, Form::Secret, "Password of the private key (from a secret)"),
    Input::new(
        MISSING_IDENTITY,
        CREATE,
        Form::OneOf(&["notice", "fail"]),
        "What happens in a pull request from a fork, whose job has neither secrets nor an identity - notice ends well with \
         nothing attested, fail fails the step",
    )
    .or("notice"),
    Input::new(
        SIGNING_CONFIG,
        CREATE,
        Form::Text,
        "File that names the services of a Sigstore instance, where it is not the public one; with trusted-root",
    )
    .flag("--signing-config"),
    Input::new(TRUSTED_ROOT, BOTH, Form::Text, "Trusted root of a Sigstore instance that is not the public one")
        .flag("--trusted-root"),
    Input::new(
        STORE,
        CREATE,
        Form::OneOf(&["registry", "github", "both"]),
        "Where attestations that the job's identity signed are kept - registry, as push-to-registry says; github, GitHub's \
         attestations API, where gh finds them and which needs permission to write attestations; or both",
    )
    .or("registry"),
    Input::new(TOKEN, CREATE, Form::Secret, "Token with which GitHub's attestations API is asked")
        .or("${{ github.token }}"),
    Input::new(POLICY, BOTH, Form::Text, "Policy file that has to be met; when attesting, by what was published")
        .flag("--policy"),
    Input::new(PUBLIC_KEY, BOTH, Form::Text, "File with the public key that attestations are verified with").flag("--key"),
    Input::new("repo", VERIFY, Form::Text, "GitHub repository whose workflows may have signed, as OWNER/REPO").flag("--repo"),
    Input::new(BUNDLE, VERIFY, Form::Lines, "Files or folders of bundles, instead of every other place of evidence")
        .flag("--bundle"),
    Input::new(OUTPUT, CREATE, Form::Text, "File for the bundles, one a line").or("attestation.sigstore.json"),
    Input::new(
        OUTBOX,
        CREATE,
        Form::Text,
        "Folder that keeps what an outage keeps from being signed or published, for attest flush; by default one in the \
         runner's temporary folder, which goes with the job (docs/outbox.md)",
    ),
    Input::new(JUNIT, VERIFY, Form::Text, "File for the decision as JUnit XML"),
    Input::new(SUMMARY, BOTH, Form::Flag, "Whether the job summary tells of it").or("true"),
    Input::new(
        "version",
        BOTH,
        Form::Install,
        "Version of attest to install, one that action/releases.json of this action lists; by default the newest there",
    ),
    Input::new("binary", BOTH, Form::Install, "An attest binary that is there, to use instead of installing one"),
    Input::new(
        "release-url",
        BOTH,
        Form::Install,
        "Folder of a mirror with the release's archives, whose digests have to be those that this action lists",
    ),
];

/// Outputs of `action.yml`.
const CREATED: &[(&str, &str)] = &[
    ("bundle", "Path of the bundles, one JSON document a line; with signing none, of the unsigned statements"),
    ("digest", "Digest of the first subject, as sha256:..."),
    ("attestation-digest", "Digest of the referrer that the first attestation was pushed as; empty where none was"),
    ("attestation-id", "Id of the first attestation that GitHub's attestations API keeps; empty where none is"),
    ("decision", "allow, deny or unavailable, where policy or public-key asked for a decision"),
    ("summary", "Path of the job summary, as Markdown"),
    (
        "outbox",
        "The outbox; also where the step failed, and then something waits in it if the annotation names outbox-kept",
    ),
];

/// Outputs of `verify/action.yml`.
const VERIFIED: &[(&str, &str)] = &[
    ("decision", "allow, deny or unavailable; empty where it did not come to a decision"),
    ("summary", "Path of the job summary, as Markdown"),
    ("junit", "Path of the JUnit XML"),
];

/// Ways of naming subjects: at most one of them.
pub(super) const WAYS: &[&str] = &[SUBJECT, SUBJECT_PATH, SUBJECT_DIGEST, SUBJECT_CHECKSUMS, IMAGE];

/// The second is needed where the first is given.
pub(super) const NEEDS: &[(&str, &str)] = &[
    (SUBJECT_NAME, SUBJECT_DIGEST),
    (SUBJECT_DIGEST, SUBJECT_NAME),
    (DIGEST, IMAGE),
    (IMAGE, DIGEST),
    (PREDICATE, PREDICATE_TYPE),
    (PREDICATE_TYPE, PREDICATE),
    (PASSWORD, KEY),
    (SIGNING_CONFIG, TRUSTED_ROOT),
];

/// What says what was done, which a predicate of somebody else's does not take.
const CONTEXT: &[&str] = &["agent", "task", "charter", "requested-by", "dependencies", ATTACH_CHARTER];

/// Inputs that contradict each of the others.
pub(super) const APART: &[(&str, &[&str])] = &[
    (SBOM, &[PREDICATE, PREDICATE_TYPE]),
    (PREDICATE, CONTEXT),
    (SBOM, CONTEXT),
    ("signing: keyless", &[KEY, PASSWORD]),
    ("signing: none", &[KEY, PASSWORD, SIGNING_CONFIG, TRUSTED_ROOT, POLICY, PUBLIC_KEY, OUTBOX, ATTACH_CHARTER]),
    ("signing: none", &["push-to-registry: true", "store: github", "store: both"]),
    (KEY, &["store: github", "store: both"]),
    ("store: github", &["push-to-registry: true"]),
    ("push-to-registry: true", &[SUBJECT_PATH, SUBJECT_CHECKSUMS]),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::withheld;
    use std::collections::BTreeSet;

    #[test]
    fn each_input_is_there_once_and_every_rule_names_inputs() {
        let names: BTreeSet<_> = INPUTS.iter().map(|i| i.name).collect();
        assert_eq!(names.len(), INPUTS.len());
        let variables: BTreeSet<_> = INPUTS.iter().map(Input::variable).collect();
        assert_eq!(variables.len(), INPUTS.len());
        // No program that is started on the way is handed a secret of the job.
        let secrets = || INPUTS.iter().filter(|i| i.form == Form::Secret);
        assert!(secrets().count() == 3 && secrets().all(|i| withheld(&i.variable(), &[])));
        let apart = APART.iter().flat_map(|(one, others)| others.iter().chain([one]));
        let named = WAYS.iter().chain(apart).copied().chain(NEEDS.iter().flat_map(|(a, b)| [*a, *b]));
        for name in named {
            assert!(names.contains(name.split(": ").next().unwrap_or_default()), "{name}");
        }
    }
}
