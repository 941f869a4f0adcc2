#!/usr/bin/env bash
# We sign as an identity, as a person and with keys, against a whole Sigstore on this machine: Rekor v2 and v1, timestamps. We, cosign,
# sigstore-python and sigstore-js verify. Then each service is ended, and nothing is lost.
# needs: sigstore sigstore-js openssl jq
set -euo pipefail
source "$INTEROP/lib.sh"

sigstore
checkout "$WORK/checkout"
cd "$WORK/checkout"
printf 'other\n' >"$WORK/other"
who=signer@example.org
export ATTEST_PASSWORD=interop
expect 0 "$ATTEST" keygen --output-key-prefix "$WORK/ours"
we_verify() {
  "$ATTEST" verify -v "$4" --bundle "$3" --trusted-root "$ROOT" --certificate-identity "$1" --certificate-oidc-issuer "$2"
}

# refused CODE COMMAND...: exit 1, with this code
refused() {
  local code=$1
  shift
  expect 1 "$@"
  contains "$WORK/out" "$code: "
  say "  $code"
}
# Another instance: the same names and services, another authority; and the same one with other logs.
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$WORK/strange.key" -out "$WORK/strange.pem" \
  -subj '/O=interop/CN=interop Fulcio' -days 3650 -addext keyUsage=critical,keyCertSign 2>/dev/null
jq --arg der "$(openssl x509 -in "$WORK/strange.pem" -outform DER | base64 -w0)" \
  '.certificateAuthorities[].certChain.certificates = [{rawBytes: $der}]' "$ROOT" >"$WORK/strange.json"
openssl pkey -in "$WORK/strange.key" -pubout -out "$WORK/strange.pub"
jq --arg key "$(grep -v -- ----- "$WORK/strange.pub" | tr -d '\n')" '.tlogs[].publicKey.rawBytes = $key' "$ROOT" \
  >"$WORK/strange-logs.json"

for version in '' _v1; do
  config=$SIGSTORE/signing_config$version.json
  say "Rekor ${version:-_v2}: as an identity"
  file=$WORK/file$version
  bundle=$file.sigstore.json
  printf 'content%s\n' "$version" >"$file"
  token $who >"$WORK/token"
  expect 0 "$ATTEST" create "$file" --identity-token "$WORK/token" --signing-config "$config" --trusted-root "$ROOT"
  contains "$WORK/out" "identity: $who (issuer $OIDC_URL)"
  expect 0 we_verify $who "$OIDC_URL" "$bundle" "$file"
  contains "$WORK/out" 'logged: entry'
  refused identity-mismatch we_verify other@example.org "$OIDC_URL" "$bundle" "$file"
  refused issuer-mismatch we_verify $who https://example.org "$bundle" "$file"
  refused subject-mismatch we_verify $who "$OIDC_URL" "$bundle" "$WORK/other"
  ROOT=$WORK/strange.json refused certificate-untrusted we_verify $who "$OIDC_URL" "$bundle" "$file"
  ROOT=$WORK/strange-logs.json refused log-entry-invalid we_verify $who "$OIDC_URL" "$bundle" "$file"
  expect 0 cosign_verify $who "$OIDC_URL" "$bundle" "$file"
  expect_not 0 cosign_verify other@example.org "$OIDC_URL" "$bundle" "$file"
  expect 0 python_verify $who "$OIDC_URL" "$bundle" "$file"
  expect_not 0 python_verify $who "$OIDC_URL" "$bundle" "$WORK/other"
  expect 0 js_verify "$bundle"

  say "Rekor ${version:-_v2}: with a key that is logged; services and root from one file"
  file=$WORK/keyed$version
  bundle=$file.sigstore.json
  printf 'keyed%s\n' "$version" >"$file"
  expect 0 "$ATTEST" create "$file" --key "$WORK/ours.key" --signing-config "$SIGSTORE/client_trust$version.json"
  expect 0 "$ATTEST" verify -v "$file" --key "$WORK/ours.pub" --trusted-root "$ROOT"
  contains "$WORK/out" 'logged: entry'
  if [[ $version == '' ]]; then contains "$WORK/out" 'timestamp'; fi
  refused key-not-trusted "$ATTEST" verify "$file" --key "$WORK/strange.pub" --trusted-root "$ROOT"
  refused subject-mismatch "$ATTEST" verify "$WORK/other" --bundle "$bundle" --key "$WORK/ours.pub" --trusted-root "$ROOT"
  refused log-entry-invalid "$ATTEST" verify "$file" --key "$WORK/ours.pub" --trusted-root "$WORK/strange-logs.json"
  expect 0 "$BIN/cosign" verify-blob-attestation --trusted-root "$ROOT" --bundle "$bundle" --key "$WORK/ours.pub" \
    --type slsaprovenance1 "$file"
  expect 0 js_verify "$bundle" "$WORK/ours.pub"
done

say 'services by their URLs, all kinds at once; the statement alone'
token $who >"$WORK/token"
"$ATTEST" generate "$WORK/file" >"$WORK/statement.json" 2>/dev/null
expect 0 env SIGSTORE_ID_TOKEN="$(<"$WORK/token")" "$ATTEST" sign "$WORK/statement.json" --fulcio-url "$FULCIO_URL" \
  --rekor-url "$REKOR_V1_URL" --timestamp-url "$TSA_URL" --trusted-root "$ROOT" --output "$WORK/urls.json"
equal 'log entries and timestamps' '1 1' "$(jq -r '.verificationMaterial |
  "\(.tlogEntries | length) \(.timestampVerificationData.rfc3161Timestamps | length)"' "$WORK/urls.json")"
expect 0 we_verify $who "$OIDC_URL" "$WORK/urls.json" "$WORK/file"
expect 0 cosign_verify $who "$OIDC_URL" "$WORK/urls.json" "$WORK/file"

say 'an Ed25519 key in Rekor v1'
expect 0 "$ATTEST" keygen --algorithm ed25519 --output-key-prefix "$WORK/ed"
printf 'ed\n' >"$WORK/edfile"
expect 0 "$ATTEST" create "$WORK/edfile" --key "$WORK/ed.key" --rekor-url "$REKOR_V1_URL" --trusted-root "$ROOT"
expect 0 "$BIN/cosign" verify-blob-attestation --trusted-root "$ROOT" --bundle "$WORK/edfile.sigstore.json" \
  --key "$WORK/ed.pub" --type slsaprovenance1 "$WORK/edfile"

say 'a workflow, with the token that its runner hands out'
COMMIT=$(git rev-parse HEAD) actions_claims
workflow=https://github.com/acme/app/.github/workflows/release.yml@refs/heads/main
printf 'workflow\n' >"$WORK/actions"
expect 0 env ACTIONS_ID_TOKEN_REQUEST_URL="$ACTIONS_URL/token?v=1" ACTIONS_ID_TOKEN_REQUEST_TOKEN=runner \
  "$ATTEST" create "$WORK/actions" --signing-config "$SIGSTORE/signing_config.json" --trusted-root "$ROOT" \
  -- sh -c 'test -z "${ACTIONS_ID_TOKEN_REQUEST_TOKEN-}"'
contains "$WORK/out" "identity: $workflow"
equal 'builder of the provenance' "$workflow" \
  "$(jq -r '.dsseEnvelope.payload | @base64d | fromjson | .predicate.runDetails.builder.id' "$WORK/actions.sigstore.json")"
expect 0 cosign_verify "$workflow" "$ACTIONS_URL" "$WORK/actions.sigstore.json" "$WORK/actions"

say 'a reusable workflow is the builder; a token for another commit makes nothing that could be verified'
COMMIT=$(git rev-parse HEAD) actions_claims
jq '.job_workflow_ref = "acme/builders/.github/workflows/b.yml@refs/tags/v2"' "$SIGSTORE/oidc.key.claims" >"$WORK/claims"
cp "$WORK/claims" "$SIGSTORE/oidc.key.claims"
printf 'reused\n' >"$WORK/reused"
as_workflow() {
  env ACTIONS_ID_TOKEN_REQUEST_URL="$ACTIONS_URL/token?v=1" ACTIONS_ID_TOKEN_REQUEST_TOKEN=runner \
    "$ATTEST" create "$1" --signing-config "$SIGSTORE/signing_config.json" --trusted-root "$ROOT"
}
expect 0 as_workflow "$WORK/reused"
equal 'builder of the provenance' https://github.com/acme/builders/.github/workflows/b.yml@refs/tags/v2 \
  "$(jq -r '.dsseEnvelope.payload | @base64d | fromjson | .predicate.runDetails.builder.id' "$WORK/reused.sigstore.json")"
expect 0 we_verify https://github.com/acme/builders/.github/workflows/b.yml@refs/tags/v2 "$ACTIONS_URL" \
  "$WORK/reused.sigstore.json" "$WORK/reused"
contains "$WORK/out" 'certificate'
COMMIT=2222222222222222222222222222222222222222 actions_claims
printf 'another\n' >"$WORK/another"
expect 1 as_workflow "$WORK/another"
contains "$WORK/err" 'error[certificate-contradicts-source-commit]'
[[ ! -e $WORK/another.sigstore.json ]] || fail 'what nobody could verify was written'

say 'a person logs in in a browser, and where there is none, with a code'
cat >"$WORK/browser" <<SH
#!/usr/bin/env bash
exec "$PYTHON" -c 'import sys, urllib.request as r; r.urlopen(sys.argv[1]).read()' "\$1"
SH
chmod +x "$WORK/browser"
for flow in normal device; do
  printf '%s\n' "$flow" >"$WORK/person-$flow"
  expect 0 env -u DISPLAY -u WAYLAND_DISPLAY BROWSER="$WORK/browser" "$ATTEST" create "$WORK/person-$flow" \
    --fulcio-auth-flow "$flow" --signing-config "$SIGSTORE/signing_config.json" --trusted-root "$ROOT"
  contains "$WORK/out" "identity: person@example.org (issuer $OIDC_URL)"
  if [[ $flow == device ]]; then contains "$WORK/err" 'enter the code BDFG-HJKL'; fi
  if grep -q eyJ "$WORK/out" "$WORK/err"; then fail 'the token is shown'; fi
  expect 0 we_verify person@example.org "$OIDC_URL" "$WORK/person-$flow.sigstore.json" "$WORK/person-$flow"
  expect 0 cosign_verify person@example.org "$OIDC_URL" "$WORK/person-$flow.sigstore.json" "$WORK/person-$flow"
done
expect 2 env CI=true "$ATTEST" create "$WORK/file" --fulcio-auth-flow device --signing-config \
  "$SIGSTORE/signing_config.json" --trusted-root "$ROOT"
contains "$WORK/err" 'error[no-signer]'

say 'a log that is down, beside one that is not: the next is asked'
jq --arg url "http://127.0.0.1:9" '.rekorTlogUrls = [.rekorTlogUrls[0] + {url: $url, operator: "down"}] + .rekorTlogUrls |
  .tsaUrls = [.tsaUrls[0] + {url: $url, operator: "down"}] + .tsaUrls | .caUrls = [.caUrls[0] + {url: $url}] + .caUrls' \
  "$SIGSTORE/signing_config.json" >"$WORK/two.json"
printf 'two\n' >"$WORK/two"
token $who >"$WORK/token"
expect 0 "$ATTEST" create "$WORK/two" --identity-token "$WORK/token" --signing-config "$WORK/two.json" --trusted-root "$ROOT"
expect 0 we_verify $who "$OIDC_URL" "$WORK/two.sigstore.json" "$WORK/two"

say 'another root does not verify what it did not vouch for, and what does not verify is not published'
jq '.tlogs = []' "$ROOT" >"$WORK/no-logs.json"
printf 'unproven\n' >"$WORK/unproven"
expect 1 "$ATTEST" create "$WORK/unproven" --identity-token "$WORK/token" --signing-config "$SIGSTORE/signing_config.json" \
  --trusted-root "$WORK/no-logs.json"
[[ ! -e $WORK/unproven.sigstore.json ]] || fail 'a bundle that does not verify was written'

# entries: how many entries Rekor v1 has
entries() { "$PYTHON" -c 'import json,sys,urllib.request as u; print(json.load(u.urlopen(sys.argv[1] + "/api/v1/log"))["treeSize"])' "$REKOR_V1_URL"; }

say 'each service ended in turn: what is not signed waits, and is signed later, once'
# What flush writes unasked is below the present folder.
cd "$WORK"
for service in fulcio tsa rekor-v1; do
  file=$WORK/outage-$service
  printf '%s\n' "$service" >"$file"
  before=$(entries)
  services=(--fulcio-url "$FULCIO_URL" --rekor-url "$REKOR_V1_URL" --timestamp-url "$TSA_URL" --trusted-root "$ROOT")
  kill "$(<"$WORK/$service.pid")"
  sleep 1
  token $who >"$WORK/token"
  expect 3 "$ATTEST" create "$file" --identity-token "$WORK/token" "${services[@]}" --outbox "$WORK/box" --timeout 5s
  contains "$WORK/err" 'error[outbox-kept]: signing-unavailable'
  contains "$WORK/err" 'connection refused'
  digest=$(sed -n 's/.* --sign \(sha256:[0-9a-f]*\).*/\1/p' "$WORK/err")
  bash "$INTEROP/peer/sigstore.sh" restart "$WORK" "$service"
  if [[ $service == tsa ]]; then equal 'entries of the log' "$before" "$(entries)"; fi
  token intruder@example.org >"$WORK/intruder"
  expect 0 "$ATTEST" flush --outbox "$WORK/box" --identity-token "$WORK/intruder" "${services[@]}"
  expect 1 "$ATTEST" flush --outbox "$WORK/box" --identity-token "$WORK/intruder" "${services[@]}" --sign "$digest"
  contains "$WORK/err" 'error[outbox-context-changed]'
  token $who >"$WORK/token"
  expect 0 "$ATTEST" flush --outbox "$WORK/box" --identity-token "$WORK/token" "${services[@]}" --sign "$digest"
  expect 0 we_verify $who "$OIDC_URL" "$file.sigstore.json" "$file"
  expect 0 "$ATTEST" flush --outbox "$WORK/box"
  equal 'what waits' 0 "$(find "$WORK/box" -name '*.json' | wc -l)"
done
