#!/usr/bin/env bash
# A registry that sends too much, too deep, too slowly or the wrong thing: the answer is "could not find out", with the
# right code, within 96 MiB and 10 s for the whole process.
# needs: jq
set -euo pipefail
source "$INTEROP/lib.sh"

registry=$(serve hostile_registry)
export ATTEST_PASSWORD=password
expect 0 "$ATTEST" keygen --output-key-prefix "$WORK/key"
subject=sha256:$(printf '5%.0s' {1..64})

# attacked EXIT CODE REPOSITORY ARGUMENT...
attacked() {
  local exit=$1 code=$2 repository=$3
  shift 3
  expect "$exit" "$PYTHON" "$INTEROP/server/measure.py" 96 10 "$ATTEST" verify "$registry/$repository@$subject" \
    --key "$WORK/key.pub" --format json "$@"
  jq -e --arg code "$code" '[.. | .code? // empty] | index($code)' "$WORK/out" >/dev/null ||
    fail "no code $code in: $(head -c 2000 "$WORK/out")"
  say "$repository: $code, $(tail -n 1 "$WORK/err")"
}

attacked 3 limit-exceeded endless/listing
attacked 3 limit-exceeded endless/manifest
attacked 3 limit-exceeded endless/bundle
attacked 3 limit-exceeded crowd
attacked 3 limit-exceeded pages
attacked 3 limit-exceeded deep/listing
attacked 3 limit-exceeded deep/bundle
attacked 3 digest-mismatch lies/manifest
attacked 3 digest-mismatch lies/bundle
attacked 3 registry-unavailable slow --timeout 3s

say 'a bundle file over 32 MiB'
head -c $((33 << 20)) /dev/zero | tr '\0' ' ' >"$WORK/huge.json"
attacked 3 limit-exceeded crowd --bundle "$WORK/huge.json"
