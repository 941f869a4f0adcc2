#!/usr/bin/env bash
# One image, attested by us and by cosign, with a key of each tool: each tool accepts the other's work, and neither
# accepts a wrong key.
# needs: crane cosign jq
# each: docker-registry olareg
set -euo pipefail
source "$INTEROP/lib.sh"

registry=$(start "$PEER")
say "$PEER at $registry"
checkout "$WORK/checkout"
cd "$WORK/checkout"
signing_config "$WORK/signing.json"
export ATTEST_PASSWORD=our-password COSIGN_PASSWORD=their-password
cosign=$BIN/cosign
insecure=(--allow-insecure-registry --allow-http-registry)

say 'keys: one of each tool, and a third that signs nothing'
expect 0 "$ATTEST" keygen --output-key-prefix "$WORK/ours"
(cd "$WORK" && "$cosign" generate-key-pair --output-key-prefix theirs >/dev/null 2>&1)
expect 0 "$ATTEST" keygen --output-key-prefix "$WORK/other"
equal 'mode of the private key' 600 "$(stat -c %a "$WORK/ours.key")"
expect 2 "$ATTEST" keygen --output-key-prefix "$WORK/ours"

cosign_verifies() {
  expect "$1" "$cosign" verify-attestation --key "$2" --insecure-ignore-tlog "${insecure[@]}" --type slsaprovenance1 "$3"
}

say 'we attest with our key; both tools verify it'
ours=$(image "$registry/demo/ours")
expect 0 "$ATTEST" create "$ours" --key "$WORK/ours.key" --task t-1 --agent squad/agent --output "$WORK/ours.json"
expect 0 "$ATTEST" verify "$ours" --key "$WORK/ours.pub" --task t-1 --agent squad/agent
expect 1 "$ATTEST" verify "$ours" --key "$WORK/other.pub"
expect 1 "$ATTEST" verify "$ours" --key "$WORK/ours.pub" --task t-2
cosign_verifies 0 "$WORK/ours.pub" "$ours"
payload=$(tail -n 1 "$WORK/out" | jq -r .payload | base64 -d)
equal 'subject that cosign read' "${ours#*@sha256:}" "$(jq -r '.subject[0].digest.sha256' <<<"$payload")"
equal 'task that cosign read' t-1 "$(jq -r .predicate.buildDefinition.externalParameters.task.id <<<"$payload")"
code=0
"$cosign" verify-attestation --key "$WORK/other.pub" --insecure-ignore-tlog "${insecure[@]}" --type slsaprovenance1 \
  "$ours" >/dev/null 2>&1 || code=$?
[[ $code != 0 ]] || fail 'cosign accepted a wrong key'
say "cosign refuses the wrong key (exit $code)"

say 'we attest with the key that cosign made'
mixed=$(image "$registry/demo/mixed")
ATTEST_PASSWORD='' expect 2 env -u ATTEST_PASSWORD -u COSIGN_PASSWORD "$ATTEST" create "$mixed" --key "$WORK/theirs.key" \
  --task t-1 --agent squad/agent
expect 0 env -u ATTEST_PASSWORD "$ATTEST" create "$mixed" --key "$WORK/theirs.key" --task t-1 --agent squad/agent
expect 0 "$ATTEST" verify "$mixed" --key "$WORK/theirs.pub"
cosign_verifies 0 "$WORK/theirs.pub" "$mixed"

say 'cosign attests with our key; we verify it'
back=$(image "$registry/demo/back")
jq -n '{buildDefinition: {buildType: "https://example.org/build/v1", externalParameters: {task: {id: "t-9"}}},
  runDetails: {builder: {id: "https://example.org/builder"}}}' >"$WORK/predicate.json"
expect 0 env COSIGN_PASSWORD=our-password "$cosign" attest --yes --key "$WORK/ours.key" \
  --signing-config "$WORK/signing.json" "${insecure[@]}" --type slsaprovenance1 --predicate "$WORK/predicate.json" "$back"
expect 0 "$ATTEST" verify "$back" --key "$WORK/ours.pub"
expect 1 "$ATTEST" verify "$back" --key "$WORK/theirs.pub"
expect 1 "$ATTEST" verify "$back" --key "$WORK/ours.pub" --task t-1

say 'cosign attests with its own key; we verify it'
expect 0 "$cosign" attest --yes --key "$WORK/theirs.key" --signing-config "$WORK/signing.json" "${insecure[@]}" \
  --type slsaprovenance1 --predicate "$WORK/predicate.json" "$back"
expect 0 "$ATTEST" verify "$back" --key "$WORK/theirs.pub"

say 'the same bundle again changes nothing'
referrers() { "$ATTEST" list "$1" --format json 2>/dev/null | jq -S .; }
before=$(referrers "$ours")
expect 0 "$ATTEST" attach "$ours" --bundle "$WORK/ours.json"
expect 0 "$ATTEST" attach "$ours" --bundle "$WORK/ours.json"
[[ $before == "$(referrers "$ours")" ]] || fail "attaching again changed the list: $before against $(referrers "$ours")"
say 'list is the same'

say 'list, download, inspect'
expect 0 "$ATTEST" list "$back"
expect 0 "$ATTEST" download "$ours" --output "$WORK/downloaded.jsonl"
cmp <(jq -cS . "$WORK/downloaded.jsonl") <(jq -cS . "$WORK/ours.json") || fail 'the downloaded bundle is another one'
expect 0 "$ATTEST" verify "$ours" --key "$WORK/ours.pub" --bundle "$WORK/downloaded.jsonl"
expect 0 "$ATTEST" inspect "$ours"
contains "$WORK/out" squad/agent
