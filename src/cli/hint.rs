//! One suggestion per code: what to do next.

/// What a person can do about a failure or denial.
#[must_use]
pub(super) fn hint(code: &str) -> Option<&'static str> {
    Some(match code {
        "no-attestation" => {
            "attach one with `attest create`, or name where it is with --bundle or --attestation-repository"
        }
        "key-not-trusted" => "pass the public key that should have signed with --key, or name it in the policy",
        "signature-invalid" => {
            "the attestation was changed after it was signed, or names a key that did not sign it: do not use the artifact"
        }
        "subject-mismatch" => "the attestation belongs to another artifact: check the digest that you verify",
        "digest-mismatch" => "the content is not what its digest says: fetch it again from a source that you trust",
        "certificate-untrusted" => "pass the instance's trusted root with --trusted-root FILE",
        "log-unknown" => {
            "the trusted root may be older than the log: pass a newer one with --trusted-root FILE, or use a newer version"
        }
        "log-proof-missing" => {
            "sign again with a current client; a policy can accept the promise with `trust: { allowPromiseOnly: true }`"
        }
        "trusted-root-too-old" => "run `attest trust update`",
        "trust-cache-unwritable" => {
            "name a writable folder with XDG_CACHE_HOME, or pass --output FILE and verify with --trusted-root FILE"
        }
        "trust-cache-unusable" => "remove the file that the message names, then run `attest trust update` again",
        "tuf-unavailable" => "check the network, or name another place with --mirror; verification goes on without it",
        "tuf-expired" => {
            "ask the repository's operator, or name another place with --mirror; what was trusted before still is"
        }
        "tuf-rollback" => {
            "somebody may hold newer metadata back: name another place with --mirror; what was trusted before still is"
        }
        "tuf-signature-invalid" => {
            "do not use this repository: its keys did not sign; what was trusted before still is"
        }
        "tuf-hash-mismatch" => {
            "do not use this repository: its keys signed other files; what was trusted before still is"
        }
        "identity-mismatch" => "the message shows who signed: if that is right, pass it with --certificate-identity",
        "certificate-contradicts-builder" => {
            "list the builder under the signer's `builders` in a policy, if this identity may speak for it"
        }
        "builder-not-bound" => {
            "list the builder under the signer's `builders` in a policy, or pass --builder-id beside --key"
        }
        "approvals-missing" => {
            "approve with `attest approve` before the provenance is signed, and attach it or pass --bundle"
        }
        "approval-time-not-proven" => {
            "sign approval and provenance with --timestamp-url or --rekor-url, and verify with --trusted-root"
        }
        "principal-not-comparable" => {
            "list both in the policy's `people`, or leave the role out of `notBy`; docs/approvals.md says how"
        }
        "no-policy-for-subject" => "add the repository to `images` of a policy",
        "digest-required" => "pin the subject: REPOSITORY@sha256:DIGEST",
        "identity-without-issuer" => "pass --certificate-identity and --certificate-oidc-issuer together",
        "no-signer" => {
            "make a key with `attest keygen` and pass it with --key; a person can also log in with --fulcio-auth-flow normal"
        }
        "password-needed" => "set ATTEST_PASSWORD (or COSIGN_PASSWORD), or run on a terminal",
        "registry-unauthorized" => "log in with `docker login REGISTRY`; attest reads the same credentials",
        "charter-not-an-issue" => {
            "name the host's API with --charter-api, or a file as charter; `--charter-snapshot none` records the URL alone"
        }
        "charter-unauthorized" => {
            "set a token that may read the issue, and the variable that says which server it belongs to (docs/charter.md)"
        }
        "charter-rate-limited" => "wait, or set a token: hosts answer more often to one",
        "charter-moved" => "look at it where it is now; attest again under its new URL if it still stands",
        "charter-changed" => "read what was changed, and attest again if it still stands",
        "charter-redirected" => "name the charter by the address that it is served at",
        "charter-unavailable" => "check the network and try again; --timeout gives it longer",
        "rate-limited" => "wait and try again, or log in: anonymous limits are lower",
        "registry-unavailable" => {
            "check the registry's name and the network, then try again; --timeout gives it longer"
        }
        "policy-folder-unclear" => {
            "name it *.yaml if it is meant to apply; else move it away, or put a dot before its name"
        }
        "policy-writable-by-others" => "let only its owner write it: chmod go-w FILE FOLDER",
        "policy-field-not-enforced" => "remove the field, or use a version that enforces it",
        "key-exists" => "choose another name with --output-key-prefix",
        "outbox-kept" => "run `attest flush` with the same --outbox when the service answers again",
        "outbox-place-refused" => "pass --output FILE to say where the bundle goes",
        "outbox-context-changed" => "run `attest create` again, with this identity and in this run",
        "source-dirty" => "commit or discard the changes and build again",
        "statement-refused" => "correct the predicate; `attest generate` shows the whole statement",
        "demand-unused" => "pass --key, or a policy with a requirement of that predicate type",
        "limit-exceeded" => "the input is larger than any honest one should be; src/model/limits.rs lists the limits",
        "subject-not-found" => "push the artifact first, then attest it",
        _ => return None,
    })
}
