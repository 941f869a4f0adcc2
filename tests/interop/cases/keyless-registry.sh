#!/usr/bin/env bash
# An image in a registry, attested as an identity against a whole Sigstore: by us, with Rekor v2 and v1, and by cosign. Both
# verify it by its reference and a trusted root; whoever else, from wherever else, under whatever other root, is refused by
# its code.
# needs: sigstore crane openssl jq
# each: docker-registry olareg
set -euo pipefail
source "$INTEROP/lib.sh"

registry=$(start "$PEER")
say "$PEER at $registry"
sigstore
checkout "$WORK/checkout"
cd "$WORK/checkout"
who=signer@example.org
insecure=(--allow-insecure-registry --allow-http-registry)

# ours IDENTITY ISSUER ROOT REFERENCE
ours() {
  "$ATTEST" verify "$4" --certificate-identity "$1" --certificate-oidc-issuer "$2" --trusted-root "$3" --format json
}

# theirs IDENTITY ISSUER ROOT REFERENCE
theirs() {
  "$BIN/cosign" verify-attestation "${insecure[@]}" --new-bundle-format --trusted-root "$3" --certificate-identity "$1" \
    --certificate-oidc-issuer "$2" --type slsaprovenance1 "$4"
}

# refused CODE IDENTITY ISSUER ROOT REFERENCE: by us with this code for the one bundle that is there, and by cosign.
refused() {
  local code=$1
  shift
  expect 1 ours "$@"
  equal code "$code" "$(jq -r '[.subjects[].policies[].requirements[].candidates[].reasons[].code] | unique | join(" ")' "$WORK/out")"
  expect_not 0 theirs "$@"
}

say 'another instance: the same names, other keys'
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$WORK/strange.key" -out "$WORK/strange.pem" \
  -subj '/O=interop/CN=interop Fulcio' -days 3650 -addext keyUsage=critical,keyCertSign 2>/dev/null
jq --arg der "$(openssl x509 -in "$WORK/strange.pem" -outform DER | base64 -w0)" \
  '.certificateAuthorities[].certChain.certificates = [{rawBytes: $der}]' "$ROOT" >"$WORK/strange.json"
openssl ecparam -name prime256v1 -genkey -noout | openssl pkey -pubout -out "$WORK/strange.pub"
jq --arg key "$(grep -v -- ----- "$WORK/strange.pub" | tr -d '\n')" '.tlogs[].publicKey.rawBytes = $key' "$ROOT" \
  >"$WORK/strange-logs.json"

for version in '' _v1; do
  say "Rekor ${version:-_v2}: we attest"
  subject=$(image "$registry/keyless/ours${version/_/-}")
  token $who >"$WORK/token"
  expect 0 "$ATTEST" create "$subject" --identity-token "$WORK/token" --signing-config "$SIGSTORE/signing_config$version.json" \
    --trusted-root "$ROOT" --task t-1 --agent squad/agent
  contains "$WORK/out" "identity: $who (issuer $OIDC_URL)"
  expect 0 ours $who "$OIDC_URL" "$ROOT" "$subject"
  cp "$WORK/out" "$WORK/verified.json"
  expect 0 theirs $who "$OIDC_URL" "$ROOT" "$subject"
  payload=$(tail -n 1 "$WORK/out" | jq -r .payload | base64 -d)
  equal 'subject that cosign read' "${subject#*@sha256:}" "$(jq -r '.subject[0].digest.sha256' <<<"$payload")"
  equal 'task that cosign read' t-1 "$(jq -r .predicate.buildDefinition.externalParameters.task.id <<<"$payload")"

  refused identity-mismatch other@example.org "$OIDC_URL" "$ROOT" "$subject"
  refused issuer-mismatch $who https://example.org "$ROOT" "$subject"
  refused certificate-untrusted $who "$OIDC_URL" "$WORK/strange.json" "$subject"
  refused log-entry-invalid $who "$OIDC_URL" "$WORK/strange-logs.json" "$subject"
  say 'without the root, no embedded one vouches for it'
  expect 1 "$ATTEST" verify "$subject" --certificate-identity $who --certificate-oidc-issuer "$OIDC_URL"
  contains "$WORK/out" 'certificate-untrusted: '
  say 'an image that nobody attested'
  expect 1 ours $who "$OIDC_URL" "$ROOT" "$(image "$registry/keyless/bare${version/_/-}")"

  say "Rekor ${version:-_v2}: cosign attests"
  subject=$(image "$registry/keyless/theirs${version/_/-}")
  jq -n '{buildDefinition: {buildType: "https://example.org/t", externalParameters: {}},
    runDetails: {builder: {id: "https://example.org/b"}}}' >"$WORK/predicate.json"
  expect 0 "$BIN/cosign" attest --yes "${insecure[@]}" --new-bundle-format --signing-config \
    "$SIGSTORE/signing_config$version.json" --trusted-root "$ROOT" --identity-token "$(token $who)" --type slsaprovenance1 \
    --predicate "$WORK/predicate.json" "$subject"
  expect 0 ours $who "$OIDC_URL" "$ROOT" "$subject"
  expect 0 theirs $who "$OIDC_URL" "$ROOT" "$subject"
  refused identity-mismatch other@example.org "$OIDC_URL" "$ROOT" "$subject"
done

say 'evidence of another image, moved here, binds nothing'
expect 0 "$ATTEST" download "$subject" --output "$WORK/moved.jsonl"
printf 'more\n' >"$WORK/content.txt"
tar --sort=name --mtime=@0 --owner=0 --group=0 -C "$WORK" -cf "$WORK/layer.tar" content.txt
moved=$(image "$registry/keyless/moved")
expect 1 "$ATTEST" attach "$moved" --bundle "$WORK/moved.jsonl"
contains "$WORK/err" 'bundle-not-attachable'
contains "$WORK/err" "and the artifact is ${moved#*@}"
expect 1 "$ATTEST" verify "$moved" --bundle "$WORK/moved.jsonl" --certificate-identity $who \
  --certificate-oidc-issuer "$OIDC_URL" --trusted-root "$ROOT"
contains "$WORK/out" 'subject-mismatch: '
