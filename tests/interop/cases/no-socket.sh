#!/usr/bin/env bash
# Verification of a bundle asks no network: with a root that is given, with the embedded ones, and with a key, strace sees
# no socket. That it would see one, `attest trust update` shows.
# needs: sigstore strace jq
set -euo pipefail
source "$INTEROP/lib.sh"

sigstore
printf 'content\n' >"$WORK/file"
printf '{"buildDefinition":{"buildType":"https://example.org/t","externalParameters":{}},"runDetails":{"builder":{"id":"https://example.org/b"}}}' \
  >"$WORK/predicate.json"
bundle=$WORK/bundle.json
who=signer@example.org

# traced CODE COMMAND...: as expect, with the calls about sockets in $WORK/trace.
traced() {
  local code=$1
  shift
  expect "$code" strace -f -qq -e trace=network -o "$WORK/trace" "$@"
}

silent() {
  traced "$@"
  if grep -E 'socket\(|connect\(|sendto\(|bind\(' "$WORK/trace" >&2; then fail 'a socket was opened'; fi
  say 'no socket'
}

say 'a bundle of cosign'
expect 0 "$BIN/cosign" attest-blob --yes --signing-config "$SIGSTORE/signing_config.json" --trusted-root "$ROOT" \
  --identity-token "$(token $who)" --type slsaprovenance1 --predicate "$WORK/predicate.json" --bundle "$bundle" "$WORK/file"
identity=(--certificate-identity "$who" --certificate-oidc-issuer "$OIDC_URL" --bundle "$bundle")
silent 0 "$ATTEST" verify "$WORK/file" "${identity[@]}" --trusted-root "$ROOT"
silent 1 "$ATTEST" verify "$WORK/file" "${identity[@]}"
contains "$WORK/out" certificate-untrusted
silent 0 "$ATTEST" trust show

say 'a bundle of a key'
export ATTEST_PASSWORD=interop
expect 0 "$ATTEST" keygen --output-key-prefix "$WORK/key"
checkout "$WORK/checkout"
cd "$WORK/checkout"
expect 0 "$ATTEST" create "$WORK/file" --key "$WORK/key.key" --task t-1 --agent squad/agent --output "$WORK/keyed.json"
silent 0 "$ATTEST" verify "$WORK/file" --key "$WORK/key.pub" --bundle "$WORK/keyed.json"

vectors=$INTEROP/../../../shared/vectors/sigstore-conformance
if [[ -d $vectors ]]; then
  say 'a bundle of the public-good instance, with the embedded root'
  good=$vectors/happy-path-intoto-in-dsse-v3/bundle.sigstore.json
  workflow=https://github.com/sigstore-conformance/extremely-dangerous-public-oidc-beacon/.github/workflows/extremely-dangerous-oidc-beacon.yml
  silent 0 "$CONFORMANCE" verify-bundle --bundle "$good" --certificate-identity "$workflow@refs/heads/main" \
    --certificate-oidc-issuer https://token.actions.githubusercontent.com "$vectors/a.txt"
else
  say 'not tried: a bundle of the public-good instance, as shared/vectors is not there'
fi

say 'the twin: a command that asks a network is seen to'
traced 3 "$ATTEST" trust update --instance github --mirror http://127.0.0.1:1
grep -q 'connect(' "$WORK/trace" || fail 'strace saw no connection'
