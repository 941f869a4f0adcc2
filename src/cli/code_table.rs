//! Every stable code with its exit codes and meaning: `docs/codes.md` is generated from it.

use super::cmd::{conformance, quickstart};
use super::{exit, hint};
use crate::evidence::FileEvidence;
use crate::model::json::JsonError;
use crate::model::{Code, code};
use crate::sign::{KeygenError, SignError};
use crate::trust::{KeyError, RootError};
use crate::{capture, charter, flow, policy, registry, roots, verify};
use std::fmt::Write as _;

/// What a code means.
#[derive(Clone, Copy, Debug)]
pub struct CodeRow {
    /// The code.
    pub code: &'static str,
    /// Exit codes that it comes with; none: that of the build step.
    pub exits: &'static [u8],
    /// What it says about the world.
    pub meaning: &'static str,
}

/// A `CODES` list of the program, and the codes of it that another list also has, on purpose and with one meaning.
#[derive(Clone, Copy, Debug)]
pub struct CodeList {
    /// Where it is.
    pub owner: &'static str,
    /// The list.
    pub codes: &'static [Code],
    /// Codes that an earlier list has too.
    pub shared: &'static [&'static str],
}

const fn list(owner: &'static str, codes: &'static [Code], shared: &'static [&'static str]) -> CodeList {
    CodeList { owner, codes, shared }
}

/// Every list of codes. A new list is a row here.
#[must_use]
pub fn lists() -> Vec<CodeList> {
    let mut lists = vec![
        list("model::code", &[code::LIMIT_EXCEEDED], &[]),
        list("JsonError", JsonError::CODES, &[]),
        list("KeyError", KeyError::CODES, &[]),
        list("RootError", RootError::CODES, &[]),
        list("VerifyError", verify::VerifyError::CODES, &[]),
        list("policy::decide", policy::DECISION_CODES, &[]),
        list("policy::approvals", policy::APPROVAL_CODES, &[]),
        list("policy::snapshots", policy::SNAPSHOT_CODES, &[]),
        list("policy::witnesses", policy::WITNESS_CODES, &[]),
        list("policy::cross_check", policy::CROSS_CHECK_CODES, &[]),
        list("policy::providers", policy::CONTRADICTION_CODES, &[]),
        list("PolicyError", policy::PolicyError::CODES, &[]),
        list("SignError", SignError::CODES, &[]),
        list("KeygenError", KeygenError::CODES, &[]),
        list("RegistryError", registry::RegistryError::CODES, &[]),
        list("registry::evidence", registry::EVIDENCE_CODES, &[]),
        list("FileEvidence", FileEvidence::CODES, &[]),
        list("CaptureError", capture::CaptureError::CODES, &[]),
        list("CharterError", charter::CharterError::CODES, &[]),
        list("flow::check", flow::CHECK_CODES, &[]),
        // A registry that loses what it was given, told by its back end or found out above it.
        list("OutboxError", flow::OutboxError::CODES, &[]),
        list("PublishError", flow::PublishError::CODES, &["referrer-not-listed"]),
        // A file that cannot be read, whoever tries.
        list("cli", exit::codes::CODES, &["file-unreadable"]),
        list("SourceError", roots::SourceError::CODES, &["file-unreadable"]),
        list("CacheError", roots::CacheError::CODES, &[]),
        list("HttpError", roots::HttpError::CODES, &[]),
        list("InitError", roots::InitError::CODES, &[]),
        list("TufError", roots::TufError::CODES, &[]),
        list("quickstart", quickstart::CODES, &[]),
        list("conformance", conformance::CODES, &[]),
    ];
    lists.extend(policy::rule::CODES.iter().map(|codes| list("policy::rule", codes, &[])));
    lists
}

const fn row(code: &'static str, exits: &'static [u8], meaning: &'static str) -> CodeRow {
    CodeRow { code, exits, meaning }
}

/// What every code means, by name.
pub const ROWS: &[CodeRow] = &[
    row("agent-mismatch", &[1], "the provenance names another agent than is demanded, or none"),
    row(
        "approval-after-signing",
        &[1],
        "an approval is provably younger than the signature of the provenance, so it does not count",
    ),
    row("approval-target-mismatch", &[1], "an approval is of another kind of thing, or of one in another place"),
    row(
        "approval-time-not-proven",
        &[1],
        "no log or timestamp authority proves that the approval is older than the provenance's signature",
    ),
    row("approvals-missing", &[1], "fewer persons approved than the policy demands"),
    row("approver-is-agent", &[1], "the approver is the agent that did the work"),
    row("approver-is-requester", &[1], "the approver is whoever asked for the build"),
    row("approver-is-signer", &[1], "the approver signed the provenance too"),
    row("approver-not-accepted", &[1], "an approval is by somebody whom `approvals.by` does not name"),
    row("assurance-too-low", &[1], "what stands behind the field is less than the policy demands"),
    row(
        "authority-chain-malformed",
        &[2],
        "what is given for an authority is no PEM chain of certificates, issuing one first (`attest trust init`)",
    ),
    row(
        "authority-not-valid-at-time",
        &[1],
        "the authority that issued the certificate was not valid when the signature existed",
    ),
    row("builder-mismatch", &[1], "the provenance names another builder than is demanded"),
    row("builder-not-allowed", &[1], "the provenance claims a builder that this signer may not speak for"),
    row("builder-not-bound", &[1], "a builder is demanded, and nothing binds the signer to it"),
    row("bundle-not-attachable", &[1], "the bundle is no attestation, or one about another artifact"),
    row("bundle-of-another-signer", &[1], "the bundle verifies, and another identity signed it (`attest conformance`)"),
    row(
        "certificate-claim-mismatch",
        &[1],
        "the certificate says something else than the policy demands, or does not say it",
    ),
    row(
        "certificate-contradicts-builder",
        &[1],
        "the provenance claims another builder than the certificate's build signer",
    ),
    row("certificate-contradicts-invocation", &[1], "the provenance names another run than the certificate"),
    row(
        "certificate-contradicts-owner-id",
        &[1],
        "the provenance has another id of the repository's owner than the certificate",
    ),
    row(
        "certificate-contradicts-repository-id",
        &[1],
        "the provenance has another id of the repository than the certificate",
    ),
    row("certificate-contradicts-runner", &[1], "the provenance names another kind of runner than the certificate"),
    row("certificate-contradicts-source-commit", &[1], "the provenance names another commit than the certificate"),
    row("certificate-contradicts-source-ref", &[1], "the provenance names another ref than the certificate"),
    row(
        "certificate-contradicts-source-repository",
        &[1],
        "the provenance names another repository than the certificate",
    ),
    row("certificate-contradicts-trigger", &[1], "the provenance names another trigger than the certificate"),
    row("certificate-contradicts-workflow", &[1], "the provenance names another workflow than the certificate"),
    row("certificate-expired-at-time", &[1], "the certificate was not valid when the signature provably existed"),
    row(
        "certificate-malformed",
        &[1],
        "the certificate is not of the form that Fulcio gives it: no name or two, an unreadable claim",
    ),
    row("certificate-untrusted", &[1], "no authority of a trusted root issued the certificate"),
    row(
        "charter-changed",
        &[1],
        "with `--recheck-charter`: the issue has another title, text or author than when it was captured",
    ),
    row("charter-deleted", &[1], "the charter's project is there, and the issue is not"),
    row("charter-digest-missing", &[1], "the policy demands a digest of the charter, and none is recorded"),
    row("charter-malformed", &[3], "the charter's host gives an answer that its API does not allow"),
    row("charter-mismatch", &[1], "the provenance names another charter than is demanded, or none"),
    row("charter-moved", &[1], "the charter is an issue that was transferred, or whose project has another name"),
    row(
        "charter-not-an-issue",
        &[2, 3],
        "the charter's URL is no issue, or at a host of which it is not known which API it speaks",
    ),
    row("charter-rate-limited", &[3], "the charter's host was asked too often"),
    row("charter-redirected", &[3], "the charter's host sends to another host, which was not asked"),
    row(
        "charter-snapshot-mismatch",
        &[1],
        "what was signed as the charter's text has another digest or place than the provenance names",
    ),
    row("charter-snapshot-missing", &[1], "nobody whom the policy names signed what the charter said"),
    row("charter-unauthorized", &[3], "the charter's host shows the issue to others only, or hides that there is none"),
    row("charter-unavailable", &[3], "the charter's host does not answer, or fails"),
    row("child-unavailable", &[3], "a manifest that the index lists could not be checked"),
    row("commit-unreadable", &[2], "git has no such commit here, or its object is not what its name says"),
    row("content-missing", &[3], "the registry or layout does not have content that something names"),
    row("demand-unused", &[2], "a flag demands something that no requirement takes up"),
    row(
        "digest-mismatch",
        &[1, 3],
        "content is not what its digest says: 1 in a layout that is here, 3 as a registry served it",
    ),
    row("digest-required", &[2], "`--require-digest` was given, and a subject names no digest"),
    row("duplicate-key", &[2], "an object has a key twice, so readers would not agree about it"),
    row("evidence-empty", &[1, 2], "a file or folder of evidence holds no bundle"),
    row(
        "evidence-malformed",
        &[1],
        "the evidence is neither a bundle nor an envelope of the form that its type demands",
    ),
    row("evidence-unreadable", &[2, 3], "evidence could not be read"),
    row("file-unreadable", &[2], "a file, folder or variable that was named cannot be read"),
    row("file-unwritable", &[2, 3], "a file cannot be written; the old one is as it was"),
    row("identity-mismatch", &[1], "a trusted authority's certificate signed, of another identity than is demanded"),
    row("identity-token-unusable", &[2], "the identity token cannot be had, is none, or has expired"),
    row("identity-without-issuer", &[2], "an identity was given without its issuer, or an issuer without an identity"),
    row(
        "input-malformed",
        &[2],
        "a lock file, checksum file or other input does not have the form that its name promises",
    ),
    row("issuer-mismatch", &[1], "a trusted authority's certificate signed, of another issuer than is demanded"),
    row("key-exists", &[2], "a key file of this name is there; keys are never overwritten"),
    row("key-malformed", &[2], "what was named is no private key of a known form"),
    row("key-not-trusted", &[1], "no trusted key made the signature"),
    row("key-outside-window", &[1], "the key signed, and may not: before its `notBefore` or after its `notAfter`"),
    row("key-reference-unknown", &[2], "a key reference of a kind that this version does not know"),
    row("key-revoked", &[1], "the policy lists the key as revoked"),
    row("key-unreadable", &[2], "the private key cannot be read"),
    row("key-unwritable", &[2], "a key file cannot be written"),
    row("limit-exceeded", &[3], "input is larger, longer or deeper than a limit: what it says was not found out"),
    row("log-entry-invalid", &[1], "a log entry does not verify, or is about another artifact, signature or signer"),
    row("log-entry-missing", &[1], "the trusted root has transparency logs, and the bundle has no log entry"),
    row("log-promise-only", &[1], "a log only promised to include its entry, and the requirement does not allow that"),
    row("log-proof-missing", &[1], "a log entry has no proof of inclusion"),
    row("log-unknown", &[1], "a log entry is of a log that the trusted root does not have"),
    row("malformed-field", &[2], "a field has another type or form than it must have"),
    row("malformed-json", &[2], "the bytes are no JSON"),
    row("missing-field", &[2], "a field that must be there is not"),
    row("model-mismatch", &[1], "the provenance names another model than is demanded, or none"),
    row("no-attestation", &[1], "there is no attestation of the artifact, or none of the kind that was asked for"),
    row("no-file-matches", &[2], "a name or glob matches no file"),
    row("no-policy", &[2], "there is no policy on this machine, and no flag says whom to trust"),
    row("no-policy-for-subject", &[1], "there are policies, and none speaks about this subject"),
    row("no-signer", &[2], "there is nothing to sign with"),
    row("not-a-regular-file", &[2], "a file was expected, and something without bytes of its own found"),
    row("not-an-attestation", &[1], "a signature over a digest: it states nothing about the artifact"),
    row("not-confirmed", &[1, 2], "nobody said that the approval is meant; nothing was signed"),
    row("not-provenance", &[1], "something of a provenance is demanded of a statement of another type"),
    row("not-supported", &[2], "the interface has this, and this version does not"),
    row("offline", &[2], "`--offline` was given, and the network is needed"),
    row("outbox-context-changed", &[1], "another run or identity left the statement in the outbox; it was not signed"),
    row("outbox-entry-damaged", &[3], "a file of the outbox is not what its name says, or no entry"),
    row("outbox-entry-missing", &[2], "nothing of this digest waits in the outbox to be signed"),
    row("outbox-kept", &[3], "signing or publishing failed; what there is waits in the outbox, and nothing is lost"),
    row("outbox-locked", &[3], "another process works in the outbox"),
    row("outbox-place-refused", &[2], "an entry of the outbox names a file that is not written on its word alone"),
    row("outbox-unusable", &[2], "the outbox is no folder for its owner alone"),
    row("output-failed", &[3], "standard output or another stream failed"),
    row("own-bundle-invalid", &[1], "what was just signed does not verify, so it was not published"),
    row(
        "own-evidence-unproven",
        &[1],
        "a log entry or timestamp of what was just signed proves nothing, so it was not published",
    ),
    row("password-needed", &[2], "the private key is encrypted or in a token, and there is no password or PIN"),
    row("password-wrong", &[2], "the password or PIN does not open the private key"),
    row("payload-type-unknown", &[1], "the envelope holds something else than an in-toto statement"),
    row("policy-field-not-enforced", &[2], "a field of the policy format that this version does not enforce"),
    row("policy-field-unknown", &[2], "a field that the policy format does not have"),
    row("policy-folder-unclear", &[2], "a policy folder holds a file that may be a policy and would be passed over"),
    row(
        "policy-malformed",
        &[2],
        "the policy is not of the form that it must have, or a key that it names cannot be read",
    ),
    row("policy-writable-by-others", &[2], "somebody else can write a file that decides what is trusted"),
    row("predicate-type-mismatch", &[1], "a verified statement, of another type than is demanded"),
    row(
        "principal-not-comparable",
        &[1],
        "the approver and somebody whom it must not be are not both listed in the policy's `people`",
    ),
    row("public-key-malformed", &[2], "what was named is no public key in its canonical form"),
    row("public-key-unsupported", &[2], "a public key of an algorithm that is not verified"),
    row("quickstart-failed", &[3], "a step of `attest quickstart` did not end as it must"),
    row("rate-limited", &[3], "the registry asks to wait"),
    row("referrer-not-listed", &[3], "the registry took the attestation and does not list it for its subject"),
    row("referrer-subject-mismatch", &[1], "the registry lists a referrer whose own `subject` is another artifact"),
    row(
        "registry-configuration",
        &[2],
        "credentials, certificates or the use of plain HTTP are not set up as the registry needs it",
    ),
    row("registry-malformed", &[3], "the registry's answer is not one that the protocol allows"),
    row("registry-unauthorized", &[3], "the registry refuses these credentials, or wants some"),
    row("registry-unavailable", &[3], "the registry does not answer, or fails"),
    row("requester-mismatch", &[1], "the provenance names another requester than is demanded, or none"),
    row("runner-not-proven", &[1], "a runner of the platform is demanded, and no certificate says that it was one"),
    row("runner-was-entered", &[1], "somebody logged in to the machine of the build (CircleCI `ssh-rerun`)"),
    row("sct-invalid", &[1], "no trusted certificate log vouches for the certificate"),
    row(
        "secret-in-statement",
        &[1],
        "the statement holds a value that is known to be secret, or has the form of a credential; nothing was signed",
    ),
    row("signature-invalid", &[1], "the key that is named, or the certificate's, did not sign these bytes"),
    row("signer-not-accepted", &[1], "somebody trusted signed, and this requirement accepts another"),
    row("signing-answer-malformed", &[3], "a program, service or issuer gave an answer that is none"),
    row("signing-failed", &[3], "the key did not sign"),
    row("signing-key-mismatch", &[3], "what was asked to sign did not do so with the key that it named"),
    row("signing-refused", &[3], "a service that signs or witnesses refused to"),
    row("signing-services-unusable", &[2], "the services that were named do not go together, or not with this key"),
    row(
        "signing-unavailable",
        &[3],
        "what signs or witnesses does not answer: a service, a program, or a person who is to log in",
    ),
    row("source-commit-mismatch", &[1], "the provenance names another commit than is demanded, or none"),
    row("source-dirty", &[1], "the work tree differed from the commit, or nothing says that it did not"),
    row("source-ref-mismatch", &[1], "the provenance names another ref than is demanded, or none"),
    row("source-repository-mismatch", &[1], "the provenance names another repository than is demanded, or none"),
    row("statement-malformed", &[1], "what was signed is no statement of the form that its types demand"),
    row("statement-refused", &[2], "a statement that `attest verify` would refuse to read; nothing was signed"),
    row("statement-revoked", &[1], "the policy lists the statement as revoked"),
    row("step-failed", &[], "the build step failed; its own exit code is passed through, and nothing was attested"),
    row(
        "step-not-isolated",
        &[2],
        "this process cannot keep its memory from the build step, so the step was not started",
    ),
    row("step-not-started", &[2], "the build step cannot be started"),
    row("subject-ambiguous", &[2], "the subject names more than one artifact"),
    row("subject-digest-conflict", &[1], "one digest of the subject is the artifact's, and another contradicts it"),
    row("subject-digest-unknown", &[3], "a digest of the subject could not be compared with the artifact"),
    row("subject-mismatch", &[1], "a valid attestation, of another artifact"),
    row("subject-not-found", &[3], "the artifact is not there: no such tag, or nothing to attach to"),
    row("task-mismatch", &[1], "the provenance names another task than is demanded, or none"),
    row("threshold-not-met", &[1], "fewer distinct signers than are demanded signed what meets the requirement"),
    row("timeout", &[3], "the evidence of a subject was not gathered within `--timeout`"),
    row("timestamp-invalid", &[1], "a timestamp does not verify, or is of the future"),
    row("timestamp-missing", &[1], "no time is proven, and a certificate counts at a proven time only"),
    row("too-few-logs", &[1], "fewer distinct transparency logs than are demanded have the entry"),
    row("too-few-timestamps", &[1], "fewer distinct timestamp authorities than are demanded signed a time"),
    row("too-few-witnesses", &[1], "fewer distinct witnesses than are demanded cosigned the log's checkpoint"),
    row(
        "trust-cache-unusable",
        &[2],
        "what an earlier `attest trust update` left cannot be read or does not belong to this repository",
    ),
    row("trust-cache-unwritable", &[2], "a trusted root was fetched and could be kept nowhere"),
    row("trust-service-unavailable", &[3], "a service of a private instance did not give its key or chain"),
    row("trusted-root-malformed", &[1, 2], "a file or a TUF repository's target is no trusted root"),
    row("trusted-root-too-old", &[1], "a trusted root is older than the policy takes, or its age is not known"),
    row("trusted-root-unusable", &[1, 2], "an authority in a trusted root cannot be used"),
    row(
        "tuf-expired",
        &[1],
        "the TUF repository serves metadata that has expired: it is not kept up, or newer metadata is held back",
    ),
    row("tuf-hash-mismatch", &[1], "a file of the TUF repository has another length or hash than is signed"),
    row("tuf-malformed", &[1], "metadata of the TUF repository is none, or of a kind that is not supported"),
    row("tuf-rollback", &[1], "the TUF repository serves an older version than was seen before"),
    row("tuf-signature-invalid", &[1], "too few of the right keys signed metadata of the TUF repository"),
    row("tuf-target-missing", &[1], "the TUF repository has no `trusted_root.json`"),
    row("tuf-unavailable", &[3], "the TUF repository could not be asked, or lacks a file that it must have"),
    row("unsupported-material", &[1], "the evidence was signed in a way that this version does not verify"),
    row("usage", &[2], "wrong arguments"),
    row("value-malformed", &[2], "a flag or variable has a value that means nothing"),
];

/// `docs/codes.md`.
#[must_use]
pub fn markdown() -> String {
    let mut out = String::from(
        "# Codes\n\nEvery failure and every reason has a stable name. Machines match on it; the message beside it may change. \
         A reason inside a\ndecision has the exit code of the decision that it alone leads to. This table is generated from \
         `src/cli/code_table.rs` and\ncompared with the program by a test.\n\n| code | exit | means | what to do |\n|---|---|---|---|\n",
    );
    for r in ROWS {
        let exits = r.exits.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let exits = if exits.is_empty() { "the step's" } else { &exits };
        let hint = hint::hint(r.code).unwrap_or_default();
        let _ = writeln!(out, "| `{}` | {exits} | {} | {hint} |", r.code, r.meaning);
    }
    out
}
