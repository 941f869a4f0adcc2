#!/usr/bin/env bash
# An image layout folder made by crane, attested by us, is still what crane reads; and what is pushed from it keeps the
# image and its attestation.
# needs: crane docker-registry jq
set -euo pipefail
source "$INTEROP/lib.sh"

registry=$(start docker-registry)
export ATTEST_PASSWORD=password
expect 0 "$ATTEST" keygen --output-key-prefix "$WORK/key"
checkout "$WORK/checkout"
cd "$WORK/checkout"
subject=$(image "$registry/demo/app")
digest=${subject#*@}

say 'pulled by crane, attested by us'
expect 0 "$BIN/crane" pull --insecure --format=oci "$subject" "$WORK/layout"
expect 0 "$ATTEST" create "oci:$WORK/layout@$digest" --key "$WORK/key.key" --task t-1 --agent squad/agent
expect 0 "$ATTEST" verify "oci:$WORK/layout@$digest" --key "$WORK/key.pub"
equal 'image manifest in the layout' "${digest#sha256:}" \
  "$(sha256sum "$WORK/layout/blobs/sha256/${digest#sha256:}" | cut -d ' ' -f 1)"
[[ $(jq --arg digest "$digest" '[.manifests[].digest] | index($digest)' "$WORK/layout/index.json") != null ]] ||
  fail "index.json lost the image: $(cat "$WORK/layout/index.json")"

say 'pushed by crane as it lies there'
expect 0 "$BIN/crane" push --insecure --index "$WORK/layout" "$registry/demo/pushed:all"
expect 0 "$BIN/crane" validate --insecure --remote "$registry/demo/pushed@$digest"
expect 0 "$BIN/crane" manifest --insecure "$registry/demo/pushed@$digest"

say 'a changed layer is noticed'
layer=$(jq -r '.layers[0].digest' "$WORK/layout/blobs/sha256/${digest#sha256:}")
chmod u+w "$WORK/layout/blobs/sha256/${layer#sha256:}"
printf 'x' >>"$WORK/layout/blobs/sha256/${layer#sha256:}"
expect 1 "$ATTEST" verify "oci:$WORK/layout@$digest" --key "$WORK/key.pub"
