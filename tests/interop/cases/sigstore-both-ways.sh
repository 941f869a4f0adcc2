#!/usr/bin/env bash
# Bundles of cosign and sigstore-python, made against a whole Sigstore with Rekor v2 and v1, verify with ours, by a root that
# `attest trust init` made; each thing that is wrong is refused by its code.
# needs: sigstore openssl jq
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

say 'a root of what the services say of themselves, one of files, and the one that cosign makes are the same'
files=(--rekor-v2 "$REKOR_V2_URL,$SIGSTORE/rekor-v2.pub" --ct "$CT_URL,$SIGSTORE/ct.pub")
expect 0 "$ATTEST" trust init --fulcio "$FULCIO_URL" --tsa "$TSA_URL" --rekor "$REKOR_V1_URL" "${files[@]}" \
  --output "$WORK/asked.json"
contains "$WORK/err" "fetched from $FULCIO_URL/api/v2/trustBundle: sha256:"
expect 0 "$ATTEST" trust init --fulcio "$FULCIO_URL,$SIGSTORE/fulcio.pem" --tsa "$TSA_URL,$SIGSTORE/tsa.pem" \
  --rekor "$REKOR_V1_URL,$SIGSTORE/rekor-v1.pub" "${files[@]}" --output "$WORK/root.json"
content() {
  jq -S '{mediaType, tlogs, ctlogs, certificateAuthorities, timestampAuthorities} | del(.. | .validFor?) |
    (.tlogs, .ctlogs) |= sort_by(.baseUrl)' "$1"
}
diff <(content "$WORK/asked.json") <(content "$WORK/root.json") >&2 || fail 'asked and given differ'
diff <(content "$ROOT") <(content "$WORK/root.json") >&2 || fail "cosign's root has other content than ours"
say 'the three have the same authorities, keys and ids'
expect 2 "$ATTEST" trust init --fulcio http://fulcio.example.org
expect 2 "$ATTEST" trust init --fulcio "$FULCIO_URL,$SIGSTORE/ct.pub"
contains "$WORK/err" authority-chain-malformed
expect 2 "$ATTEST" trust init --rekor "$REKOR_V1_URL,$SIGSTORE/fulcio.pem"
contains "$WORK/err" key-
expect 3 "$ATTEST" trust init --tsa "http://127.0.0.1:1"
contains "$WORK/err" trust-service-unavailable
# From here on the bundles are judged by our own root.
ROOT=$WORK/root.json

# verify IDENTITY ISSUER BUNDLE FILE
verify() {
  "$ATTEST" verify "$4" --bundle "$3" --trusted-root "$ROOT" --certificate-identity "$1" --certificate-oidc-issuer "$2"
}

# refused CODE COMMAND...: exit 1, and this code for the bundle.
refused() {
  local code=$1
  shift
  expect 1 "$@"
  contains "$WORK/out" "$code: "
  say "  $code"
}

# root_with FILTER: our root, changed.
root_with() {
  jq "$1" "$WORK/root.json" >"$WORK/changed.json"
  ROOT=$WORK/changed.json
}

for version in '' _v1; do
  for by in cosign python; do
    say "Rekor ${version:-_v2}, signed by $by"
    bundle=$WORK/$by$version.json
    ROOT=$SIGSTORE/trusted_root.json
    case $by in
    cosign)
      expect 0 "$BIN/cosign" attest-blob --yes --signing-config "$SIGSTORE/signing_config$version.json" \
        --trusted-root "$ROOT" --identity-token "$(token $who)" --type slsaprovenance1 --predicate "$WORK/predicate.json" \
        --bundle "$bundle" "$WORK/file"
      ;;
    python)
      expect 0 "$SIGSTORE_PYTHON" --trust-config "$SIGSTORE/client_trust$version.json" attest \
        --identity-token "$(token $who)" --predicate "$WORK/predicate.json" \
        --predicate-type https://slsa.dev/provenance/v1 --bundle "$bundle" "$WORK/file"
      ;;
    esac
    ROOT=$WORK/root.json
    expect 0 verify $who "$OIDC_URL" "$bundle" "$WORK/file"
    refused identity-mismatch verify other@example.org "$OIDC_URL" "$bundle" "$WORK/file"
    refused issuer-mismatch verify $who https://example.org "$bundle" "$WORK/file"
    refused subject-mismatch verify $who "$OIDC_URL" "$bundle" "$WORK/other"

    # Another instance: the same names, other keys.
    openssl ecparam -name prime256v1 -genkey -noout | openssl pkey -pubout -out "$WORK/strange.pub" 2>/dev/null
    strange=$(grep -v -- ----- "$WORK/strange.pub" | tr -d '\n')
    expect 1 "$ATTEST" verify "$WORK/file" --bundle "$bundle" --certificate-identity $who \
      --certificate-oidc-issuer "$OIDC_URL"
    contains "$WORK/out" 'certificate-untrusted: '
    root_with ".tlogs[].publicKey.rawBytes = \"$strange\""
    refused log-entry-invalid verify $who "$OIDC_URL" "$bundle" "$WORK/file"
    root_with ".ctlogs[].publicKey.rawBytes = \"$strange\""
    refused sct-invalid verify $who "$OIDC_URL" "$bundle" "$WORK/file"
    root_with '.tlogs[].publicKey.validFor = {"start": "2020-01-01T00:00:00Z", "end": "2021-01-01T00:00:00Z"}'
    refused log-entry-invalid verify $who "$OIDC_URL" "$bundle" "$WORK/file"
    root_with '.certificateAuthorities[].validFor = {"start": "2020-01-01T00:00:00Z", "end": "2021-01-01T00:00:00Z"}'
    refused authority-not-valid-at-time verify $who "$OIDC_URL" "$bundle" "$WORK/file"
    if [[ $version == '' ]]; then
      # Rekor v2 says no time: without the timestamp authority none is proven.
      root_with '.timestampAuthorities = []'
      refused timestamp-invalid verify $who "$OIDC_URL" "$bundle" "$WORK/file"
    fi
  done
done
