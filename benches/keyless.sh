#!/usr/bin/env bash
# Whole processes, cold: the same keyless bundle verified by attest, cosign and sigstore-python, in turns.
#
#   benches/keyless.sh [RUNS]        # 20 of each unless told; builds the release binary first, unless ATTEST names one
#
# The bundles are made by a whole Sigstore on this machine (tests/interop/peer/sigstore.sh, which installs it and the peers),
# one with Rekor v2 and a timestamp, one with Rekor v1; then, where ../shared/vectors is there, one of the public-good
# instance, whose provenance is of another repository than its certificate: `attest verify` refuses that, so ours is measured
# by examples/conformance.rs, which asks what the others ask. Where the machine allows it, verification runs in a network
# namespace without any interface: no figure has a network in it.
set -euo pipefail
runs=${1:-20}
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
if [[ -z ${ATTEST:-} ]]; then
  cargo build --release --quiet --bin attest --example conformance --manifest-path "$root/Cargo.toml"
  ATTEST=${CARGO_TARGET_DIR:-$root/target}/release/attest
fi
ATTEST=$(realpath "$ATTEST")
CONFORMANCE=$(dirname "$ATTEST")/examples/conformance
INTEROP=$root/tests/interop
ATTEST_INTEROP_CACHE=${ATTEST_INTEROP_CACHE:-$HOME/.cache/attest-interop}
BIN=$ATTEST_INTEROP_CACHE/bin
PYTHON=$(python3 -c 'import sys; print(sys.executable)')
WORK=$(mktemp -d)
export ATTEST INTEROP ATTEST_INTEROP_CACHE BIN PYTHON WORK HOME=$WORK
unset XDG_CACHE_HOME XDG_CONFIG_HOME GITHUB_ACTIONS ATTEST_POLICY
source "$INTEROP/lib.sh"
trap 'bash "$INTEROP/peer/sigstore.sh" stop "$WORK"; rm -rf "$WORK"' EXIT

bash "$INTEROP/peer/sigstore.sh" install
sigstore
checkout "$WORK/checkout"
cd "$WORK/checkout"
who=signer@example.org
alone=()
if unshare -n true 2>/dev/null; then alone=(unshare -n); else echo 'no network namespace can be made here'; fi

# compare IDENTITY ISSUER BUNDLE FILE: with the command in ours, the arguments in theirs and python
compare() {
  local identity=(--certificate-identity "$1" --certificate-oidc-issuer "$2" --bundle "$3")
  "${alone[@]}" "$PYTHON" "$root/benches/turns.py" "$runs" \
    "attest: $(basename "${ours[0]}") ${ours[1]}" "${ours[@]}" "${identity[@]}" "$4" \
    -- 'cosign verify-blob-attestation' "$BIN/cosign" verify-blob-attestation --new-bundle-format "${theirs[@]}" \
    "${identity[@]}" --type slsaprovenance1 "$4" \
    -- 'sigstore-python verify identity --offline' "$SIGSTORE_PYTHON" "${python[@]}" verify identity --offline \
    --cert-identity "$1" --cert-oidc-issuer "$2" --bundle "$3" "$4" \
    -- 'an empty process (true)' /bin/true
}

"$ATTEST" --version
"$BIN/cosign" version 2>/dev/null | sed -n 's/^GitVersion: */cosign /p'
"$SIGSTORE_PYTHON" --version
ours=("$ATTEST" verify --trusted-root "$ROOT") theirs=(--trusted-root "$ROOT")
for version in '' _v1; do
  file=$WORK/file$version
  printf 'content%s\n' "$version" >"$file"
  token $who >"$WORK/token"
  "$ATTEST" create "$file" --identity-token "$WORK/token" --signing-config "$SIGSTORE/signing_config$version.json" \
    --trusted-root "$ROOT" >/dev/null 2>&1
  python=(--trust-config "$SIGSTORE/client_trust$version.json")
  printf '\nRekor %s, %s\n' "${version:-_v2}" "$(wc -c <"$file.sigstore.json") bytes"
  compare $who "$OIDC_URL" "$file.sigstore.json" "$file"
done

vectors=$root/../shared/vectors
if [[ -d $vectors ]]; then
  printf '\nthe public-good instance, Rekor v1\n'
  ours=("$CONFORMANCE" verify-bundle) theirs=(--trusted-root "$vectors/trusted-roots/public-good.json") python=()
  beacon=https://github.com/sigstore-conformance/extremely-dangerous-public-oidc-beacon
  compare $beacon/.github/workflows/extremely-dangerous-oidc-beacon.yml@refs/heads/main \
    https://token.actions.githubusercontent.com \
    "$vectors/sigstore-conformance/happy-path-intoto-in-dsse-v3/bundle.sigstore.json" "$vectors/sigstore-conformance/a.txt"
else
  printf '\nnot measured: the public-good instance, as ../shared/vectors is not there\n'
fi
