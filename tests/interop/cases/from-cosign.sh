#!/usr/bin/env bash
# docs/from-cosign-gh-slsa-verifier.md: each pair of commands under "cosign" is run, on what cosign attested; both accept it, and
# both refuse it with another key. docs/with-others.md: its commands turn our bundle into the bare envelope of before bundles.
# needs: crane cosign docker-registry jq
set -euo pipefail
source "$INTEROP/lib.sh"

page=$INTEROP/../../docs/from-cosign-gh-slsa-verifier.md
registry=$(start docker-registry)
checkout "$WORK/checkout"
cd "$WORK/checkout"
signing_config "$WORK/signing.json"
export COSIGN_PASSWORD=a-password
insecure=(--allow-insecure-registry --allow-http-registry)

# The page's commands, with what only this loopback registry without a log needs.
cosign() {
  local more=()
  case $1 in
  attest) more=("${insecure[@]}" --signing-config "$WORK/signing.json") ;;
  attest-blob) more=(--signing-config "$WORK/signing.json") ;;
  verify-attestation) more=("${insecure[@]}") ;;
  esac
  "$BIN/cosign" "$@" "${more[@]}"
}
attest() { "$ATTEST" "$@"; }

(cd "$WORK/checkout" && "$BIN/cosign" generate-key-pair >/dev/null 2>&1)
mkdir other
(cd other && "$BIN/cosign" generate-key-pair >/dev/null 2>&1)
jq -n '{buildDefinition: {buildType: "https://example.org/build/v1", externalParameters: {}},
  runDetails: {builder: {id: "https://example.org/builder"}}}' >predicate.json
IMAGE=$(image "$registry/demo/app") FILE=hello.txt BUNDLE=hello.bundle.json
expect 0 cosign attest "$IMAGE" --key cosign.key --yes --type slsaprovenance1 --predicate predicate.json
expect 0 cosign attest-blob "$FILE" --key cosign.key --yes --type slsaprovenance1 --predicate predicate.json --bundle "$BUNDLE"

# The shell blocks of one part of the page.
blocks() { sed -n "/^## $1\$/,/^## /p" "$page" | sed -n '/^```sh$/,/^```$/{/^```/!p;}'; }
count=0
while IFS= read -r line; do
  # Words of the page: names without spaces, and the variables above.
  line=${line//\$IMAGE/$IMAGE} line=${line//\$FILE/$FILE} line=${line//\$BUNDLE/$BUNDLE}
  read -ra words <<<"$line"
  expect 0 "${words[@]}"
  if [[ $line == *'--key cosign.pub'* ]]; then
    read -ra words <<<"${line/--key cosign.pub/--key other/cosign.pub}"
    expect_not 0 "${words[@]}"
  fi
  count=$((count + 1))
done < <(blocks cosign)
equal 'commands of the page' 6 "$count"

say 'a bare envelope for programs of before bundles'
page=$INTEROP/../../docs/with-others.md
other=$(image "$registry/demo/envelope")
expect 0 attest create "$other" --key cosign.key --agent squad/agent
commands=$(sed -n '/^## Programs that expect a bare DSSE envelope$/,/^## /p' "$page" | sed -n '/^```sh$/,/^```$/{/^```/!p;}')
PATH=$BIN:$PATH
commands=${commands//ghcr.io\/acme\/app@sha256:DIGEST/$other}
commands=${commands/cosign attach attestation/cosign attach attestation ${insecure[*]}}
commands=${commands/attest download/$ATTEST download}
expect 0 bash -euc "$commands"
"$BIN/crane" ls --insecure "${other%@*}" >"$WORK/tags"
contains "$WORK/tags" "sha256-${other#*@sha256:}.att"
expect 0 cosign verify-attestation "$other" --new-bundle-format=false --key cosign.pub --type slsaprovenance1 --insecure-ignore-tlog
expect_not 0 cosign verify-attestation "$other" --new-bundle-format=false --key other/cosign.pub --type slsaprovenance1 \
  --insecure-ignore-tlog
