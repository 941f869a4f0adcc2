#!/usr/bin/env bash
# Whole processes: `attest create` and `attest verify` beside an empty process and, where it is installed, cosign.
#
#   benches/process.sh [RUNS]        # 40 runs of each unless told; builds the release binary first
#   ATTEST=/path/to/attest COSIGN=/path/to/cosign benches/process.sh
#
# Prints the median wall time and the peak memory of each command. With hyperfine installed it takes the times; else a
# loop does. The peak is what GNU time (/usr/bin/time) says, or `-` without it. cosign cannot verify in an OCI layout
# folder, so both verify the same bundle beside the same file as well; that pair is what the last lines compare.
# Signing is slow on purpose on both sides: the private key is encrypted and scrypt takes its time.
set -euo pipefail
runs=${1:-40}
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

if [[ -z ${ATTEST:-} ]]; then
  cargo build --release --quiet --manifest-path "$root/Cargo.toml"
  ATTEST=${CARGO_TARGET_DIR:-$root/target}/release/attest
fi
ATTEST=$(realpath "$ATTEST")
COSIGN=${COSIGN:-$(command -v cosign || true)}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export HOME=$work XDG_CONFIG_HOME=$work ATTEST_PASSWORD=bench COSIGN_PASSWORD=bench
unset ATTEST_POLICY GITHUB_ACTIONS

# blob FILE: puts it into the layout, prints its digest.
blob() {
  local digest
  digest=$(sha256sum "$1" | cut -d' ' -f1)
  cp "$1" "image/blobs/sha256/$digest"
  printf '%s' "$digest"
}

# An image layout with one manifest, one layer of 1 MiB.
layout() {
  local media=application/vnd.oci config layer manifest
  rm -rf image
  mkdir -p image/blobs/sha256
  printf '{"imageLayoutVersion":"1.0.0"}' >image/oci-layout
  printf '{}' >config
  head -c 1048576 /dev/zero >layer
  config=$(blob config)
  layer=$(blob layer)
  printf '{"schemaVersion":2,"mediaType":"%s","config":{"mediaType":"%s","size":2,"digest":"sha256:%s"},"layers":[{"mediaType":"%s","size":1048576,"digest":"sha256:%s"}]}' \
    $media.image.manifest.v1+json $media.empty.v1+json "$config" $media.image.layer.v1.tar "$layer" >manifest
  manifest=$(blob manifest)
  printf '{"schemaVersion":2,"mediaType":"%s","manifests":[{"mediaType":"%s","size":%s,"digest":"sha256:%s"}]}' \
    $media.image.index.v1+json $media.image.manifest.v1+json "$(wc -c <manifest)" "$manifest" >image/index.json
  subject="oci:image@sha256:$manifest"
}

# measure NAME COMMAND...: one line of figures; `median` holds the milliseconds afterwards.
measure() {
  local name=$1 peak=- i begin times=()
  shift
  if ! "$@" >out 2>&1; then
    printf '%-46s failed: %s\n' "$name" "$(tail -1 out)"
    return 1
  fi
  if command -v hyperfine >/dev/null; then
    hyperfine --shell=none --warmup 3 --runs "$runs" --export-json times.json "$(printf '%q ' "$@")" >/dev/null 2>&1
    median=$(sed -n 's/^ *"median": \([0-9.e-]*\).*/\1/p' times.json | awk '{ printf "%.1f", $1 * 1000 }')
  else
    for ((i = 0; i < runs; i++)); do
      begin=$EPOCHREALTIME
      "$@" >/dev/null 2>&1
      times+=($((${EPOCHREALTIME/./} - ${begin/./})))
    done
    median=$(printf '%s\n' "${times[@]}" | sort -n | awk '{ t[NR] = $1 } END { printf "%.1f", t[int((NR + 1) / 2)] / 1000 }')
  fi
  if [[ -x /usr/bin/time ]]; then
    peak=$(/usr/bin/time -f %M "$@" 2>&1 >/dev/null | tail -1 | awk '{ printf "%.0f", $1 / 1024 }')
  fi
  printf '%-46s %8s ms %6s MiB\n' "$name" "$median" "$peak"
}

layout
"$ATTEST" keygen >/dev/null
head -c 4096 /dev/zero >artifact
builder=https://ci.acme.example/main
measure 'empty process (true)' /bin/true
empty=$median
measure 'attest --version' "$ATTEST" --version
measure 'attest create, OCI layout' "$ATTEST" create "$subject" --key attest.key --agent bench/agent
# The runs above attached one bundle each; verification is measured with one.
layout
"$ATTEST" create "$subject" --key attest.key --agent bench/agent >/dev/null 2>&1
measure 'attest verify, OCI layout, one bundle' "$ATTEST" verify "$subject" --key attest.pub
"$ATTEST" create artifact --key attest.key --agent bench/agent --output bundle.json >/dev/null 2>&1
measure 'attest verify, file beside its bundle' "$ATTEST" verify artifact --bundle bundle.json --key attest.pub
ours=$median

if [[ -z $COSIGN ]]; then
  echo 'cosign is not installed: not compared'
  exit 0
fi
printf '{"buildDefinition":{"buildType":"%s","externalParameters":{}},"runDetails":{"builder":{"id":"%s"}}}' \
  $builder $builder >predicate.json
printf '{"mediaType":"application/vnd.dev.sigstore.signingconfig.v0.2+json"}' >signing.json
measure 'cosign version' "$COSIGN" version
measure 'cosign attest-blob' "$COSIGN" attest-blob --yes --key attest.key --signing-config signing.json \
  --type slsaprovenance1 --predicate predicate.json --bundle theirs.json artifact
measure 'cosign verify-blob-attestation, the same bundle' "$COSIGN" verify-blob-attestation --key attest.pub \
  --insecure-ignore-tlog --type slsaprovenance1 --bundle bundle.json artifact
awk -v ours="$ours" -v theirs="$median" -v empty="$empty" 'BEGIN {
  printf "verify: %.1f times as fast as cosign; %.1f ms above an empty process\n", theirs / ours, ours - empty
}'
