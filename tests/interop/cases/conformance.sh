#!/usr/bin/env bash
# Sigstore's own conformance suite against our library, by examples/conformance.rs: every bundle that it verifies, as file and as digest, and every test
# that signs, against a whole Sigstore on this machine; what we sign, sigstore-python verifies.
# needs: sigstore sigstore-conformance jq
set -euo pipefail
source "$INTEROP/lib.sh"

sigstore
token signer@example.org >"$WORK/token"
export SUITE_TOKEN=$WORK/token SUITE_ROOT=$ROOT
# suite PATTERN COUNT: these tests of the suite; all of them ran and passed.
suite() {
  expect 0 bash "$INTEROP/peer/sigstore-conformance.sh" run "$1" "$CONFORMANCE"
  say "$(tail -n 1 "$WORK/out")"
  [[ $(tail -n 1 "$WORK/out") == "$2 passed"* ]] || fail "$2 tests expected: $(tail -n 1 "$WORK/out")"
}

for version in '' _v1; do
  export SUITE_CONFIG=$SIGSTORE/signing_config$version.json
  say "signing, Rekor ${version:-_v2}"
  if [[ $version ]]; then
    suite 'test_simple or test_sign_does_not_produce_root or test_sign_verify_dsse' 4
  else
    suite 'test_simple or test_sign' 5
  fi
done
say 'verifying'
suite 'test_verify and not cpython' 140
