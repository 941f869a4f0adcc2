#!/usr/bin/env bash
# The Sigstore that other cases use works by itself: cosign and sigstore-python sign against it, with Rekor v2 and v1, and
# cosign, sigstore-python and sigstore-js verify. Nothing of ours takes part.
# needs: sigstore sigstore-js jq
set -euo pipefail
source "$INTEROP/lib.sh"

sigstore
printf 'content\n' >"$WORK/file"
printf 'other\n' >"$WORK/other"
cat >"$WORK/predicate.json" <<'JSON'
{"buildDefinition": {"buildType": "https://example.org/t", "externalParameters": {}},
 "runDetails": {"builder": {"id": "https://example.org/b"}}}
JSON
who=signer@example.org

for version in '' _v1; do
  say "Rekor ${version:-_v2}: cosign signs"
  bundle=$WORK/cosign$version.json
  expect 0 "$BIN/cosign" attest-blob --yes --signing-config "$SIGSTORE/signing_config$version.json" --trusted-root "$ROOT" \
    --identity-token "$(token $who)" --type slsaprovenance1 --predicate "$WORK/predicate.json" --bundle "$bundle" "$WORK/file"
  expect 0 cosign_verify $who "$OIDC_URL" "$bundle" "$WORK/file"
  expect_not 0 cosign_verify other@example.org "$OIDC_URL" "$bundle" "$WORK/file"
  expect_not 0 cosign_verify $who https://example.org "$bundle" "$WORK/file"
  expect_not 0 cosign_verify $who "$OIDC_URL" "$bundle" "$WORK/other"
  expect 0 js_verify "$bundle"
  equal 'identity that sigstore-js read' $who "$(cat "$WORK/out")"

  say "Rekor ${version:-_v2}: sigstore-python signs"
  bundle=$WORK/python$version.json
  expect 0 "$SIGSTORE_PYTHON" --trust-config "$SIGSTORE/client_trust$version.json" attest \
    --identity-token "$(token $who)" --predicate "$WORK/predicate.json" --predicate-type https://slsa.dev/provenance/v1 \
    --bundle "$bundle" "$WORK/file"
  expect 0 python_verify $who "$OIDC_URL" "$bundle" "$WORK/file"
  expect_not 0 python_verify other@example.org "$OIDC_URL" "$bundle" "$WORK/file"
  expect_not 0 python_verify $who "$OIDC_URL" "$bundle" "$WORK/other"
  expect 0 cosign_verify $who "$OIDC_URL" "$bundle" "$WORK/file"
  expect 0 js_verify "$bundle"
done

say 'a workflow signs, with the token that its runner hands out'
actions_claims
runner_token=$(curl_token)
expect 0 "$BIN/cosign" attest-blob --yes --signing-config "$SIGSTORE/signing_config.json" --trusted-root "$ROOT" \
  --identity-token "$runner_token" --type slsaprovenance1 --predicate "$WORK/predicate.json" --bundle "$WORK/actions.json" \
  "$WORK/file"
expect 0 cosign_verify https://github.com/acme/app/.github/workflows/release.yml@refs/heads/main "$ACTIONS_URL" \
  "$WORK/actions.json" "$WORK/file"

say 'a service that was ended is there again after a restart'
kill "$(<"$WORK/tsa.pid")"
sleep 1
sign() {
  "$BIN/cosign" attest-blob --yes --signing-config "$SIGSTORE/signing_config.json" --trusted-root "$ROOT" \
    --identity-token "$(token $who)" --type slsaprovenance1 --predicate "$WORK/predicate.json" --bundle "$WORK/again.json" \
    "$WORK/file"
}
expect_not 0 sign
bash "$INTEROP/peer/sigstore.sh" restart "$WORK" tsa
expect 0 sign
expect 0 cosign_verify $who "$OIDC_URL" "$WORK/again.json" "$WORK/file"
